/* Ids: a table of slots that is never given back while the scheduler lives, so that an old id
 * always finds a slot to be refused by.
 *
 * Why a send to an id is safe while the actor dies. A slot's word holds its generation, whether it
 * is live, and how many pins there are; the actor's own life is one pin.
 *
 * 1. A pin is one compare-and-swap from a word with this generation that is live. So nobody pins a
 *    dead actor, nor its successor in the slot, and `actor` may be read: it was stored before the
 *    word became live, and changes only when there are no pins.
 * 2. The end (registry_close) clears the live bit, then drops the life's pin. From there on the
 *    count only falls.
 * 3. Exactly one thread takes it to zero: the ending worker, or the last sender inside. That one
 *    alone has the actor, and brings its end about. No thread waits for another.
 * 4. The end empties the mailbox, raises the generation (registry_remove), and only then tells the
 *    owner that the memory is his.
 *
 * A sender that is preempted with a pin delays that one actor's end, and nothing else. */
#include "sched/sched_priv.h"

struct registry_slot {
    _Atomic uint64_t word; /* generation, live, pins */
    union {
        _Atomic(wardi_actor *) actor; /* live or pinned */
        _Atomic uint64_t
            next_free; /* else; under the lock. 0: none, else one more than the index */
    };
};

#define PIN UINT64_C(1)
#define PINS UINT64_C(0x7fffffff)
#define LIVE UINT64_C(0x80000000)

enum { CHUNK_SLOTS = 1 << REGISTRY_CHUNK_BITS };

void registry_init(registry *r)
{
    pthread_mutex_init(&r->lock, NULL);
}

void registry_done(registry *r)
{
    for (uint32_t i = 0; i < REGISTRY_CHUNKS; i++)
        wardi_free(atomic_load_explicit(&r->chunks[i], memory_order_relaxed));
    pthread_mutex_destroy(&r->lock);
}

static uint32_t index_of(wardi_actor_id id)
{
    return (uint32_t)id;
}

static uint32_t generation_of(uint64_t id_or_word)
{
    return (uint32_t)(id_or_word >> 32);
}

/* NULL: no such slot was ever in use. */
static registry_slot *slot_at(registry *r, uint32_t index)
{
    uint32_t at = index >> REGISTRY_CHUNK_BITS;
    if (at >= REGISTRY_CHUNKS) return NULL;
    registry_slot *chunk = atomic_load_explicit(&r->chunks[at], memory_order_acquire);
    return chunk != NULL ? &chunk[index % CHUNK_SLOTS] : NULL;
}

/* Index of a slot nobody uses, UINT32_MAX when there is no memory. Freed ones serve again in the
 * order in which they were freed: the same generation comes round as late as can be. */
static uint32_t slot_take(registry *r)
{
    if (r->free_first != 0) {
        uint32_t index = r->free_first - 1;
        registry_slot *slot = slot_at(r, index);
        WARD_ASSERT(slot != NULL);
        r->free_first = (uint32_t)slot->next_free;
        if (r->free_first == 0) r->free_last = 0;
        return index;
    }
    uint32_t at = r->used >> REGISTRY_CHUNK_BITS;
    if (at >= REGISTRY_CHUNKS) return UINT32_MAX;
    if (atomic_load_explicit(&r->chunks[at], memory_order_relaxed) == NULL) {
        registry_slot *chunk = wardi_alloc_array(CHUNK_SLOTS, sizeof *chunk);
        if (chunk == NULL) return UINT32_MAX;
        atomic_store_explicit(&r->chunks[at], chunk, memory_order_release);
    }
    return r->used++;
}

static void slot_give(registry *r, uint32_t index)
{
    slot_at(r, index)->next_free = 0;
    if (r->free_last != 0)
        slot_at(r, r->free_last - 1)->next_free = index + 1;
    else
        r->free_first = index + 1;
    r->free_last = index + 1;
}

bool registry_add(registry *r, wardi_actor *a)
{
    pthread_mutex_lock(&r->lock);
    uint32_t index = slot_take(r);
    if (index != UINT32_MAX) {
        registry_slot *slot = slot_at(r, index);
        uint64_t word = atomic_load_explicit(&slot->word, memory_order_relaxed);
        uint32_t generation = generation_of(word) + 1;
        a->id = (uint64_t)generation << 32 | index;
        atomic_store_explicit(&slot->actor, a, memory_order_relaxed); /* the word publishes it */
        atomic_store_explicit(&slot->word, (uint64_t)generation << 32 | LIVE | PIN,
                              memory_order_release);
        r->live++;
    }
    pthread_mutex_unlock(&r->lock);
    return index != UINT32_MAX;
}

/* `generation` 0: whoever is there; no actor has it. */
static wardi_actor *pin(registry_slot *slot, uint32_t generation)
{
    if (slot == NULL) return NULL;
    uint64_t word = atomic_load_explicit(&slot->word, memory_order_relaxed);
    do {
        bool other = generation != 0 && generation_of(word) != generation;
        if (other || (word & LIVE) == 0) return NULL;
        WARD_ASSERT((word & PINS) < PINS);
    } while (!atomic_compare_exchange_weak_explicit(&slot->word, &word, word + PIN,
                                                    memory_order_acquire, memory_order_relaxed));
    return atomic_load_explicit(&slot->actor, memory_order_relaxed);
}

wardi_actor *registry_pin(registry *r, wardi_actor_id id)
{
    return generation_of(id) != 0 ? pin(slot_at(r, index_of(id)), generation_of(id)) : NULL;
}

wardi_actor *registry_pin_place(registry *r, uint32_t place)
{
    return pin(slot_at(r, place), 0);
}

uint32_t registry_places(registry *r)
{
    pthread_mutex_lock(&r->lock);
    uint32_t places = r->used;
    pthread_mutex_unlock(&r->lock);
    return places;
}

const void *registry_place(registry *r, wardi_actor_id id)
{
    registry_slot *slot = slot_at(r, index_of(id));
    return slot != NULL ? atomic_load_explicit(&slot->actor, memory_order_relaxed) : NULL;
}

/* True: that was the last. Release, so that the one who ends the actor sees all that was done with
 * it; acquire, for that one. */
static bool drop_pin(registry_slot *slot)
{
    uint64_t was = atomic_fetch_sub_explicit(&slot->word, PIN, memory_order_acq_rel);
    return (was & (LIVE | PINS)) == PIN;
}

void registry_unpin(registry *r, wardi_actor *a)
{
    if (WARD_UNLIKELY(drop_pin(slot_at(r, index_of(a->id))))) actor_queue_end(a);
}

bool registry_close(registry *r, wardi_actor *a)
{
    registry_slot *slot = slot_at(r, index_of(a->id));
    uint64_t was = atomic_fetch_and_explicit(&slot->word, ~LIVE, memory_order_acq_rel);
    WARD_ASSERT((was & LIVE) != 0);
    return drop_pin(slot);
}

static void counts_add(wardi_counts *sum, const wardi_counts *one)
{
    sum->sent += one->sent;
    sum->handled += one->handled;
    sum->refused += one->refused;
    sum->dropped_oldest += one->dropped_oldest;
    sum->dropped_newest += one->dropped_newest;
    sum->expired += one->expired;
    sum->undelivered += one->undelivered;
    sum->pending += one->pending;
}

uint64_t registry_remove(registry *r, wardi_actor *a)
{
    wardi_counts counts;
    wardi_actor_counts(a, &counts);
    uint32_t index = index_of(a->id);
    pthread_mutex_lock(&r->lock);
    counts_add(&r->ended, &counts);
    uint64_t live = --r->live;
    /* The generation stays: the next one in the slot raises it. A slot whose generations are used
     * up serves no more. */
    if (generation_of(a->id) != UINT32_MAX)
        slot_give(r, index);
    else
        slot_at(r, index)->actor = NULL;
    pthread_mutex_unlock(&r->lock);
    return live;
}

/* Those that are about to end are counted among the live, but in nobody's reach. */
void registry_each(registry *r, void (*each)(wardi_actor *actor, void *context), void *context)
{
    pthread_mutex_lock(&r->lock);
    for (uint32_t index = 0; index < r->used; index++) {
        registry_slot *slot = slot_at(r, index);
        uint64_t word = atomic_load_explicit(&slot->word, memory_order_acquire);
        if ((word & LIVE) != 0) each(slot->actor, context);
    }
    pthread_mutex_unlock(&r->lock);
}

uint64_t registry_live(registry *r)
{
    pthread_mutex_lock(&r->lock);
    uint64_t live = r->live;
    pthread_mutex_unlock(&r->lock);
    return live;
}

void registry_counts(registry *r, wardi_counts *ret_sum)
{
    pthread_mutex_lock(&r->lock);
    *ret_sum = r->ended;
    for (uint32_t index = 0; index < r->used; index++) {
        registry_slot *slot = slot_at(r, index);
        wardi_counts one;
        if ((atomic_load_explicit(&slot->word, memory_order_acquire) & LIVE) == 0) continue;
        wardi_actor_counts(slot->actor, &one);
        counts_add(ret_sum, &one);
    }
    pthread_mutex_unlock(&r->lock);
}
