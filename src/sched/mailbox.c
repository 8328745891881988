/* The two lanes of a mailbox. They hold messages and keep bounds; what a full lane means, who is
 * told and who is woken is actor.c's.
 *
 * User lane: Vyukov's bounded queue. Cell `p % cells` carries a number that says whose turn it is:
 * p, it is free for the put at position p; p + 1, it is full for the take at position p. A put or
 * take claims its position by compare-and-swap on tail or head, then has the cell for itself until
 * it stores the next number. Senders take too, to drop the oldest; so both ends are for many.
 *
 * System lane: a stack that senders push onto, and that the running worker takes as a whole and
 * turns round. Nothing is ever popped from it singly, so there is no ABA; order of one sender, and
 * of all, is that of the pushes. No memory but the messages. */
#include "sched/sched_priv.h"

typedef struct mailbox_cell {
    _Atomic uint64_t turn;
    wardi_message *message;
} mailbox_cell;

struct mailbox_ring {
    _Atomic uint64_t tail; /* senders */
    SCHED_PAD(pad_tail);
    _Atomic uint64_t head; /* who takes: the running worker, senders that drop the oldest */
    SCHED_PAD(pad_head);
    uint64_t mask;
    mailbox_cell cells[];
};

/* A power of two, so that a position becomes a cell cheaply. Two at least: with one cell "full for
 * the take at p" and "free for the put at p + 1" would be the same number. */
static uint64_t cells_for(uint32_t user_max)
{
    uint64_t cells = 2;
    while (cells < user_max) cells *= 2;
    return cells;
}

/* The lane from its first message on: two senders may both make one, one of them for nothing. */
static mailbox_ring *ring_make(wardi_actor *a)
{
    uint64_t cells = cells_for(a->user_max);
    mailbox_ring *made = wardi_alloc(sizeof *made + cells * sizeof made->cells[0]);
    if (made == NULL) return NULL;
    made->mask = cells - 1;
    for (uint64_t i = 0; i < cells; i++) atomic_init(&made->cells[i].turn, i);
    mailbox_ring *present = NULL;
    if (atomic_compare_exchange_strong_explicit(&a->ring, &present, made, memory_order_acq_rel,
                                                memory_order_acquire))
        return made;
    wardi_free(made);
    return present;
}

/* The bound is strict although the tail is read first: no put has happened at `at` when the swap
 * succeeds, so at most at - head messages were inside when the head was read, and fewer since. And
 * a refusal is just: when the head was read, at least at - head were inside. */
mailbox_result mailbox_put_user(wardi_actor *a, wardi_message *m)
{
    mailbox_ring *ring = atomic_load_explicit(&a->ring, memory_order_acquire);
    if (WARD_UNLIKELY(ring == NULL)) {
        ring = ring_make(a);
        if (ring == NULL) return MAILBOX_NO_MEMORY;
    }
    uint64_t at = atomic_load_explicit(&ring->tail, memory_order_acquire);
    for (;;) {
        uint64_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
        if ((int64_t)(at - head) >= (int64_t)a->user_max) return MAILBOX_NO_ROOM;
        mailbox_cell *cell = &ring->cells[at & ring->mask];
        uint64_t turn = atomic_load_explicit(&cell->turn, memory_order_acquire);
        if (turn < at) return MAILBOX_NO_ROOM; /* its taker is not done with it */
        if (turn > at) {
            at = atomic_load_explicit(&ring->tail, memory_order_acquire);
            continue;
        }
        if (!atomic_compare_exchange_weak_explicit(&ring->tail, &at, at + 1, memory_order_acq_rel,
                                                   memory_order_acquire))
            continue;
        cell->message = m;
        atomic_store(&cell->turn, at + 1); /* seq_cst: then the sender looks at the phase */
        return MAILBOX_PUT;
    }
}

wardi_message *mailbox_take_user(wardi_actor *a)
{
    mailbox_ring *ring = atomic_load_explicit(&a->ring, memory_order_acquire);
    if (ring == NULL) return NULL;
    uint64_t at = atomic_load_explicit(&ring->head, memory_order_acquire);
    for (;;) {
        mailbox_cell *cell = &ring->cells[at & ring->mask];
        uint64_t turn = atomic_load(&cell->turn); /* seq_cst: partner of the store in put */
        if (turn < at + 1) return NULL; /* empty; or its sender is not done, and will notify */
        if (turn > at + 1) {
            at = atomic_load_explicit(&ring->head, memory_order_acquire);
            continue;
        }
        if (!atomic_compare_exchange_weak_explicit(&ring->head, &at, at + 1, memory_order_acq_rel,
                                                   memory_order_acquire))
            continue;
        wardi_message *m = cell->message;
        atomic_store_explicit(&cell->turn, at + ring->mask + 1, memory_order_release);
        return m;
    }
}

bool mailbox_has_user(const wardi_actor *a)
{
    uint64_t put, taken;
    mailbox_user_positions(a, &put, &taken);
    return put != taken;
}

void mailbox_user_positions(const wardi_actor *a, uint64_t *ret_put, uint64_t *ret_taken)
{
    mailbox_ring *ring = atomic_load_explicit(&a->ring, memory_order_acquire);
    *ret_taken = ring != NULL ? atomic_load_explicit(&ring->head, memory_order_acquire) : 0;
    *ret_put = ring != NULL ? atomic_load_explicit(&ring->tail, memory_order_acquire) : 0;
}

/* ---- the system lane ---- */

/* As strict as the user lane, for the same reason: what was taken is read after what was sent. */
static bool claim_system_room(wardi_actor *a)
{
    uint64_t sent = atomic_load_explicit(&a->system_sent, memory_order_acquire);
    do {
        uint64_t taken = atomic_load_explicit(&a->system_taken, memory_order_acquire);
        if ((int64_t)(sent - taken) >= (int64_t)a->system_max) return false;
    } while (!atomic_compare_exchange_weak_explicit(&a->system_sent, &sent, sent + 1,
                                                    memory_order_acq_rel, memory_order_acquire));
    return true;
}

mailbox_result mailbox_put_system(wardi_actor *a, wardi_message *m)
{
    if (m->lane == WARDI_LANE_ANSWER)
        atomic_fetch_add_explicit(&a->answers_sent, 1, memory_order_relaxed);
    else if (!claim_system_room(a))
        return MAILBOX_NO_ROOM;
    wardi_message *top = atomic_load_explicit(&a->system_top, memory_order_relaxed);
    do m->next = top;
    while (!atomic_compare_exchange_weak_explicit(&a->system_top, &top, m, memory_order_seq_cst,
                                                  memory_order_relaxed));
    return MAILBOX_PUT;
}

static wardi_message *turned_round(wardi_message *newest)
{
    wardi_message *oldest = NULL;
    while (newest != NULL) {
        wardi_message *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    return oldest;
}

static void count_up(_Atomic uint64_t *counter)
{
    uint64_t value = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, value + 1, memory_order_release);
}

wardi_message *mailbox_take_system(wardi_actor *a)
{
    if (a->system_list == NULL && atomic_load(&a->system_top) != NULL)
        a->system_list =
            turned_round(atomic_exchange_explicit(&a->system_top, NULL, memory_order_acquire));
    wardi_message *m = a->system_list;
    if (m == NULL) return NULL;
    a->system_list = m->next;
    if (m->lane == WARDI_LANE_ANSWER)
        count_up(&a->answers_taken);
    else
        count_up(&a->system_taken);
    return m;
}

bool mailbox_has_system(const wardi_actor *a)
{
    return a->system_list != NULL || atomic_load(&a->system_top) != NULL;
}

void mailbox_done(wardi_actor *a)
{
    wardi_free(atomic_load_explicit(&a->ring, memory_order_relaxed));
    atomic_store_explicit(&a->ring, NULL, memory_order_relaxed);
}

static uint64_t length_of(const wardi_message *list)
{
    uint64_t length = 0;
    for (; list != NULL; list = list->next) length++;
    return length;
}

bool mailbox_check(const wardi_actor *a, ward_diag *ret_diag)
{
    uint64_t put, taken;
    mailbox_user_positions(a, &put, &taken);
    uint64_t system = atomic_load(&a->system_sent) - atomic_load(&a->system_taken);
    uint64_t answers = atomic_load(&a->answers_sent) - atomic_load(&a->answers_taken);
    uint64_t held = length_of(a->system_list) + length_of(atomic_load(&a->system_top));
    const char *broken = NULL;
    if (put - taken > a->user_max) broken = "more user messages than there is room for";
    if (system > a->system_max) broken = "more system messages than there is room for";
    if (held != system + answers) broken = "the system lane holds another number than was counted";
    if (broken == NULL) return true;
    (void)wardi_fail(ret_diag, WARD_ERROR_INTERNAL, "actor %llx: %s", (unsigned long long)a->id,
                     broken);
    return false;
}
