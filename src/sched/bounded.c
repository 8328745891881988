/* Vyukov's bounded queue, for the user lane of a mailbox and for actors that threads inject.
 *
 * Cell `p % cells` carries a number that says whose turn it is: p, it is free for the put at
 * position p; p + 1, it is full for the take at position p. A put or take claims its position by
 * compare-and-swap on tail or head, then has the cell for itself until it stores the next number.
 * Both ends are for many.
 *
 * Who puts has claimed its position but not stored yet is in a gap: takes find nothing there, nor
 * behind it. That is no loss: whoever puts tells somebody after the store. */
#include "sched/sched_priv.h"

/* Two cells at least: with one, "full for the take at p" and "free for the put at p + 1" would be
 * the same number. */
bounded *bounded_new(uint32_t limit)
{
    uint64_t cells = 2;
    while (cells < limit) cells *= 2;
    bounded *q = wardi_alloc(sizeof *q + cells * sizeof q->cells[0]);
    if (q == NULL) return NULL;
    q->mask = cells - 1;
    q->limit = limit;
    for (uint64_t i = 0; i < cells; i++) atomic_init(&q->cells[i].turn, i);
    return q;
}

/* At position `at` there is no room. Looks at the head itself only when what was last seen of it
 * does not do: its line belongs to who takes. The bound is strict although the tail is read first:
 * no put has happened at `at` when its swap succeeds, so at most at - head were inside when the
 * head was read, and fewer since. And a refusal is just: at least so many were inside then. */
static bool is_full(bounded *q, uint64_t at)
{
    uint64_t head = atomic_load_explicit(&q->head_seen, memory_order_relaxed);
    if ((int64_t)(at - head) < (int64_t)q->limit) return false;
    head = atomic_load_explicit(&q->head, memory_order_acquire);
    atomic_store_explicit(&q->head_seen, head, memory_order_relaxed);
    return (int64_t)(at - head) >= (int64_t)q->limit;
}

bool bounded_put(bounded *q, void *item)
{
    uint64_t at = atomic_load_explicit(&q->tail, memory_order_acquire);
    for (;;) {
        if (is_full(q, at)) return false;
        bounded_cell *cell = &q->cells[at & q->mask];
        uint64_t turn = atomic_load_explicit(&cell->turn, memory_order_acquire);
        if (turn < at) return false; /* its taker is not done with it */
        if (turn > at) {
            at = atomic_load_explicit(&q->tail, memory_order_acquire);
            continue;
        }
        if (!atomic_compare_exchange_weak_explicit(&q->tail, &at, at + 1, memory_order_acq_rel,
                                                   memory_order_acquire))
            continue;
        cell->item = item;
        atomic_store(&cell->turn, at + 1); /* seq_cst: published, before anybody is looked for */
        return true;
    }
}

void *bounded_take(bounded *q)
{
    uint64_t at = atomic_load_explicit(&q->head, memory_order_acquire);
    for (;;) {
        bounded_cell *cell = &q->cells[at & q->mask];
        uint64_t turn = atomic_load(&cell->turn); /* seq_cst: partner of the store in put */
        if (turn < at + 1) return NULL;
        if (turn > at + 1) {
            at = atomic_load_explicit(&q->head, memory_order_acquire);
            continue;
        }
        if (!atomic_compare_exchange_weak_explicit(&q->head, &at, at + 1, memory_order_acq_rel,
                                                   memory_order_acquire))
            continue;
        void *item = cell->item;
        atomic_store_explicit(&cell->turn, at + q->mask + 1, memory_order_release);
        return item;
    }
}

bool bounded_ready(bounded *q)
{
    uint64_t at = atomic_load(&q->head);
    return atomic_load(&q->cells[at & q->mask].turn) > at;
}
