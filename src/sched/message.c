/* Messages: where they come from, what they carry, and how an answer finds its asker.
 *
 * Memory comes in two magazines of 64 per thread, as Bonwick's: a thread that only sends empties
 * them and one that only receives fills them, so whole magazines move between threads through one
 * depot, under a lock that each message pays a 64th of. */
#include <stdlib.h>
#include <string.h>

#include "sched/sched_priv.h"

/* The depot keeps 16 MiB of messages at most; what is over goes back to the system. */
enum { MAGAZINE_ROUNDS = 64, DEPOT_MAGAZINES_MAX = 2048 };

/* How long a thread looks for its answer before it sleeps: a wake-up costs about as much. */
#define AWAIT_SPIN_NS (20 * WARDI_US)

typedef struct magazine {
    wardi_message *first; /* linked by `next` */
    uint32_t count;
} magazine;

typedef struct message_cache {
    magazine loaded, other; /* `other` is full or empty */
    bool registered;        /* the thread's end will empty it */
} message_cache;

/* initial-exec: one addition instead of a call on each message. */
static _Thread_local message_cache cache __attribute__((tls_model("initial-exec")));

static struct {
    pthread_mutex_t lock;
    wardi_message *full; /* first messages of full magazines, linked by `payload` */
    uint32_t count;
} depot = {.lock = PTHREAD_MUTEX_INITIALIZER};

static pthread_once_t cache_once = PTHREAD_ONCE_INIT;
static pthread_key_t cache_key;

static void release_all(wardi_message *first)
{
    while (first != NULL) {
        wardi_message *next = first->next;
        wardi_free(first);
        first = next;
    }
}

static void depot_give(magazine *full)
{
    wardi_message *first = full->first;
    *full = (magazine){0};
    pthread_mutex_lock(&depot.lock);
    bool room = depot.count < DEPOT_MAGAZINES_MAX;
    if (room) {
        first->payload = depot.full;
        depot.full = first;
        depot.count++;
    }
    pthread_mutex_unlock(&depot.lock);
    if (!room) release_all(first);
}

static bool depot_take(magazine *empty)
{
    pthread_mutex_lock(&depot.lock);
    wardi_message *first = depot.full;
    if (first != NULL) {
        depot.full = first->payload;
        depot.count--;
    }
    pthread_mutex_unlock(&depot.lock);
    if (first != NULL) *empty = (magazine){.first = first, .count = MAGAZINE_ROUNDS};
    return first != NULL;
}

static void cache_empty(void *unused)
{
    (void)unused;
    magazine both[] = {cache.loaded, cache.other};
    cache = (message_cache){0};
    for (size_t i = 0; i < WARD_COUNT(both); i++) {
        if (both[i].count == MAGAZINE_ROUNDS)
            depot_give(&both[i]);
        else
            release_all(both[i].first);
    }
}

static void cache_key_make(void)
{
    WARD_ASSERT(pthread_key_create(&cache_key, cache_empty) == 0);
}

/* The thread's end must be told once that there is something to give back. Without memory for
 * that, the messages of this thread's cache stay with it. */
static void cache_register(void)
{
    pthread_once(&cache_once, cache_key_make);
    cache.registered = pthread_setspecific(cache_key, &cache) == 0;
}

static void swap_magazines(void)
{
    magazine was = cache.loaded;
    cache.loaded = cache.other;
    cache.other = was;
}

static wardi_message *memory_take(void)
{
    if (WARD_UNLIKELY(cache.loaded.count == 0)) {
        if (!cache.registered) cache_register(); /* a thread that only sends may keep some too */
        if (cache.other.count != 0)
            swap_magazines();
        else if (!depot_take(&cache.loaded))
            return wardi_alloc_aligned(64, sizeof(wardi_message));
    }
    wardi_message *m = cache.loaded.first;
    cache.loaded.first = m->next;
    cache.loaded.count--;
    __builtin_prefetch(m->next, 1); /* another core wrote it last */
    return m;
}

static void memory_give(wardi_message *m)
{
    if (WARD_UNLIKELY(cache.loaded.count == MAGAZINE_ROUNDS)) {
        if (cache.other.count != 0) depot_give(&cache.other);
        swap_magazines();
    }
    if (WARD_UNLIKELY(!cache.registered)) cache_register();
    m->next = cache.loaded.first;
    cache.loaded.first = m;
    cache.loaded.count++;
}

void wardi_message_trim(void)
{
    cache_empty(NULL);
    magazine full;
    while (depot_take(&full)) release_all(full.first);
}

/* ---- what they carry ---- */

wardi_message *wardi_message_new(uint16_t kind)
{
    wardi_message *m = memory_take();
    if (WARD_UNLIKELY(m == NULL)) return NULL;
    memset(m, 0, offsetof(wardi_message, inline_bytes));
    m->kind = kind;
    return m;
}

static void release_payload(wardi_message *m)
{
    if (m->release != NULL) m->release(m->payload, m->length);
    m->payload = NULL;
    m->release = NULL;
    m->length = 0;
}

static void release_heap(void *payload, size_t length)
{
    (void)length;
    wardi_free(payload);
}

bool wardi_message_put(wardi_message *m, const void *bytes, size_t length)
{
    WARD_ASSERT(length <= UINT32_MAX);
    if (length > WARDI_MESSAGE_INLINE_BYTES) {
        void *copy = wardi_memdup(bytes, length);
        if (copy == NULL) return false;
        wardi_message_attach(m, copy, (uint32_t)length, release_heap);
        return true;
    }
    /* `bytes` may be part of what is replaced. */
    if (length != 0) memmove(m->inline_bytes, bytes, length);
    release_payload(m);
    m->payload = m->inline_bytes;
    m->length = (uint32_t)length;
    return true;
}

void wardi_message_attach(wardi_message *m, void *payload, uint32_t length,
                          void (*release)(void *payload, size_t length))
{
    release_payload(m);
    m->payload = payload;
    m->length = length;
    m->release = release;
}

void wardi_message_ask_thread(wardi_message *m)
{
    m->asker = WARDI_ASKER_THREAD;
    atomic_store_explicit(&m->answer, ANSWER_AWAITED, memory_order_relaxed);
}

void wardi_message_ask_actor(wardi_message *m, const wardi_actor *asker)
{
    m->asker = WARDI_ASKER_ACTOR;
    m->sender = asker->id;
}

/* ---- answers ---- */

static void drop(wardi_message *m)
{
    release_payload(m);
    memory_give(m);
}

static void count_unwanted(wardi_sched *sched)
{
    atomic_fetch_add_explicit(&sched->answers_to_nobody, 1, memory_order_relaxed);
}

static void answer_thread(wardi_sched *sched, wardi_message *m)
{
    /* From AWAITED or SLEEPING on, the message is the asker's: only its address is used below, and
     * to wake nobody, or somebody else who looks again, does no harm. */
    uint32_t was = atomic_exchange_explicit(&m->answer, ANSWER_GIVEN, memory_order_acq_rel);
    if (was == ANSWER_SLEEPING) wait_wake(&m->answer, 1);
    if (was != ANSWER_UNWANTED) return;
    count_unwanted(sched);
    drop(m);
}

static void answer_actor(wardi_sched *sched, wardi_message *m)
{
    m->lane = WARDI_LANE_ANSWER;
    wardi_actor *asker = registry_pin(&sched->registry, m->sender);
    if (asker == NULL) {
        count_unwanted(sched);
        drop(m);
        return;
    }
    mailbox_put_system(asker, m);
    actor_notify(asker);
    registry_unpin(&sched->registry, asker);
}

void wardi_message_answer(wardi_sched *sched, wardi_message *m, ward_error status)
{
    uint8_t asker = m->asker;
    m->asker = WARDI_ASKER_NONE; /* an answer is not answered */
    m->status = status;
    m->expiry_ns = 0;
    if (asker == (WARDI_ASKER_SENT | WARDI_ASKER_THREAD))
        answer_thread(sched, m);
    else if (asker == (WARDI_ASKER_SENT | WARDI_ASKER_ACTOR))
        answer_actor(sched, m);
    else
        drop(m);
}

bool wardi_message_is_late(const wardi_sched *sched, const wardi_message *m)
{
    return WARD_UNLIKELY(m->expiry_ns != 0) && sched_now(sched) > m->expiry_ns;
}

void wardi_message_free(wardi_sched *sched, wardi_message *m)
{
    if (m != NULL) wardi_message_answer(sched, m, WARD_ERROR_UNANSWERED);
}

static bool is_given(wardi_message *m)
{
    return atomic_load_explicit(&m->answer, memory_order_acquire) == ANSWER_GIVEN;
}

/* The asker goes away: false, the answer was there first. */
static bool give_up(wardi_message *m)
{
    return atomic_exchange_explicit(&m->answer, ANSWER_UNWANTED, memory_order_acq_rel) !=
           ANSWER_GIVEN;
}

static bool spin_for_answer(wardi_message *m)
{
    uint64_t start = wardi_ticks();
    do {
        for (int i = 0; i < 16; i++) {
            if (is_given(m)) return true;
            wait_relax();
        }
    } while (wardi_ticks_span_ns(start, wardi_ticks()) < AWAIT_SPIN_NS);
    return false;
}

ward_error wardi_message_wait(wardi_sched *sched, wardi_message *m, uint64_t until_ns)
{
    if (is_given(m)) return WARD_OK;
    if (worker_self(sched) != NULL) return WARD_ERROR_WOULD_BLOCK;
    if (!sched->simulated && spin_for_answer(m)) return WARD_OK;
    uint32_t awaited = ANSWER_AWAITED;
    atomic_compare_exchange_strong_explicit(&m->answer, &awaited, ANSWER_SLEEPING,
                                            memory_order_acq_rel, memory_order_acquire);
    bool in_time = true;
    while (in_time && !is_given(m))
        in_time = wait_word(sched, &m->answer, ANSWER_SLEEPING, until_ns);
    return in_time ? WARD_OK : WARD_ERROR_REPLY_TIMEOUT;
}

ward_error wardi_message_await(wardi_sched *sched, wardi_message *m, uint64_t deadline_ns)
{
    ward_error error = wardi_message_wait(sched, m, deadline_ns);
    return error != WARD_OK && give_up(m) ? error : WARD_OK;
}
