/* Run queues: a bounded queue with an intrusive list behind it that many put into, and a ring that
 * one worker puts into and all take from. An actor is in one of them at most: its phase says so
 * (actor.c). */
#include "sched/sched_priv.h"

/* ---- the list ----
 *
 * In front of it stands a bounded queue: who takes from that writes nothing that who puts has to
 * wait for, so a request goes from core to core with fewer exchanges of lines; and what it holds
 * can be fetched many at a time, where a list is one cache miss after the other. The list is for
 * more than fit there.
 *
 * Put into the list, in two steps: (1) exchange the tail, which gives each putter its predecessor
 * and makes the order; (2) link the predecessor to what is put. Between the two there is a gap:
 * what comes behind it cannot be reached yet. Whoever takes then finds nothing, although the list
 * is not empty, and may go to sleep: the putter in the gap wakes somebody after its (2), and that
 * one reaches everything behind. The taker never frees the predecessor before (2): it only takes
 * what has a successor, and to take the last one it puts the stub behind it first. */

bool run_list_init(run_list *list, uint32_t front)
{
    list->front = bounded_new(front);
    atomic_init(&list->stub.next, NULL);
    atomic_init(&list->tail, &list->stub);
    atomic_init(&list->head, &list->stub);
    pthread_mutex_init(&list->lock, NULL);
    return list->front != NULL;
}

void run_list_done(run_list *list)
{
    pthread_mutex_destroy(&list->lock);
    wardi_free(list->front);
}

static void put_link(run_list *list, wardi_link *link)
{
    atomic_store_explicit(&link->next, NULL, memory_order_relaxed);
    wardi_link *before = atomic_exchange(&list->tail, link);
    atomic_store(&before->next, link); /* seq_cst: published, before anybody looks for sleepers */
}

/* Nothing in the list, as of some moment in the call, and without a lock. The tail alone would not
 * do: the stub may stand behind what is in the gap. */
static bool list_is_empty(const run_list *list)
{
    return atomic_load(&list->tail) == &list->stub && atomic_load(&list->head) == &list->stub;
}

/* As long as there is a list, the queue is not refilled: so its turn comes. */
void run_list_put(run_list *list, wardi_actor *actor)
{
    if (!list_is_empty(list) || !bounded_put(list->front, actor)) put_link(list, &actor->link);
}

/* The first link that is no stub; NULL: none that can be reached. The lock is held. */
static wardi_link *first_link(run_list *list)
{
    wardi_link *head = atomic_load(&list->head);
    return head == &list->stub ? atomic_load(&head->next) : head;
}

static wardi_link *take_link(run_list *list)
{
    wardi_link *head = first_link(list);
    if (head == NULL) return NULL;
    atomic_store(&list->head, head);
    wardi_link *next = atomic_load(&head->next);
    if (next == NULL) {
        if (atomic_load(&list->tail) != head) return NULL; /* the gap */
        put_link(list, &list->stub);
        next = atomic_load(&head->next);
        if (next == NULL) return NULL; /* somebody was faster than the stub, and is in the gap */
    }
    atomic_store(&list->head, next);
    return head;
}

wardi_actor *run_list_take(run_list *list)
{
    wardi_actor *actor = bounded_take(list->front);
    if (WARD_LIKELY(actor != NULL || list_is_empty(list))) return actor;
    pthread_mutex_lock(&list->lock);
    wardi_link *link = take_link(list);
    pthread_mutex_unlock(&list->lock);
    return link != NULL ? actor_of_link(link) : NULL;
}

/* Lines that another core wrote: that of each actor is asked for as it is taken, that of its
 * message when the actor's has had time to come. One after the other they would cost more than the
 * runs. */
wardi_actor *run_list_take_some(run_list *list, run_ring *ring, uint32_t more)
{
    wardi_actor *taken[RUN_LIST_BATCH];
    uint32_t room = RUN_RING_SLOTS - run_ring_count(ring), count = 0;
    if (more > room) more = room; /* what is taken cannot be put back in front */
    while (count < 1 + more && count < RUN_LIST_BATCH) {
        wardi_actor *actor = run_list_take(list);
        if (actor == NULL) break;
        actor_fetch(actor);
        taken[count++] = actor;
    }
    for (uint32_t i = 0; count > 1 && i < count; i++) {
        const wardi_message *m = atomic_load_explicit(&taken[i]->system_top, memory_order_relaxed);
        if (m != NULL) prefetch_to_write(m);
        if (m != NULL) prefetch_to_write(&m->status);
        if (i > 0) run_ring_put(ring, taken[i]);
    }
    return count > 0 ? taken[0] : NULL;
}

bool run_list_ready(run_list *list)
{
    if (bounded_ready(list->front)) return true;
    if (list_is_empty(list)) return false;
    pthread_mutex_lock(&list->lock);
    wardi_link *first = first_link(list);
    bool ready =
        first != NULL && (atomic_load(&first->next) != NULL || atomic_load(&list->tail) == first);
    pthread_mutex_unlock(&list->lock);
    return ready;
}

/* ---- the ring, as in Go's and Tokio's schedulers ----
 *
 * Positions run on for ever and are taken modulo the slots. Only the owner moves the tail; whoever
 * moves the head by compare-and-swap has what lies between. The owner puts nothing over a slot
 * before the head has passed it, so a thief that read slots in vain fails its swap. */

bool run_ring_put(run_ring *ring, wardi_actor *actor)
{
    uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    uint32_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
    if (tail - head >= RUN_RING_SLOTS) return false;
    atomic_store_explicit(&ring->slots[tail % RUN_RING_SLOTS], actor, memory_order_relaxed);
    atomic_store(&ring->tail, tail + 1); /* seq_cst: as in put_link */
    return true;
}

wardi_actor *run_ring_take(run_ring *ring)
{
    uint32_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
    for (;;) {
        uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
        if (head == tail) return NULL;
        wardi_actor *actor =
            atomic_load_explicit(&ring->slots[head % RUN_RING_SLOTS], memory_order_relaxed);
        if (atomic_compare_exchange_weak_explicit(&ring->head, &head, head + 1,
                                                  memory_order_acq_rel, memory_order_acquire))
            return actor;
    }
}

uint32_t run_ring_count(const run_ring *ring)
{
    uint32_t head = atomic_load(&ring->head); /* first: else it may be ahead of the tail */
    return atomic_load(&ring->tail) - head;
}

wardi_actor *run_ring_steal(run_ring *to, run_ring *from)
{
    uint32_t at = atomic_load_explicit(&to->tail, memory_order_relaxed);
    uint32_t head = atomic_load_explicit(&from->head, memory_order_acquire);
    for (;;) {
        uint32_t tail = atomic_load_explicit(&from->tail, memory_order_acquire);
        uint32_t count = tail - head - (tail - head) / 2;
        if (count == 0) return NULL;
        if (count > RUN_RING_SLOTS / 2) { /* the head is old: more were taken and put meanwhile */
            head = atomic_load_explicit(&from->head, memory_order_acquire);
            continue;
        }
        for (uint32_t i = 0; i < count; i++) {
            wardi_actor *actor = atomic_load_explicit(&from->slots[(head + i) % RUN_RING_SLOTS],
                                                      memory_order_relaxed);
            atomic_store_explicit(&to->slots[(at + i) % RUN_RING_SLOTS], actor,
                                  memory_order_relaxed);
        }
        if (!atomic_compare_exchange_weak_explicit(&from->head, &head, head + count,
                                                   memory_order_acq_rel, memory_order_acquire))
            continue;
        wardi_actor *last = atomic_load_explicit(&to->slots[(at + count - 1) % RUN_RING_SLOTS],
                                                 memory_order_relaxed);
        atomic_store(&to->tail, at + count - 1);
        return last;
    }
}
