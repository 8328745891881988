/* The two lanes of a mailbox. They hold messages and keep bounds; what a full lane means, who is
 * told and who is woken is actor.c's.
 *
 * User lane: a bounded queue, from the first message on. Senders take from it too, to drop the
 * oldest.
 *
 * System lane: a stack that senders push onto, and that the running worker takes as a whole and
 * turns round. Nothing is ever popped from it singly, so there is no ABA; order of one sender, and
 * of all, is that of the pushes. No memory but the messages. */
#include "sched/sched_priv.h"

/* Two senders may both make the lane, one of them for nothing. */
static bounded *lane_make(wardi_actor *a)
{
    bounded *made = bounded_new(a->user_max);
    if (made == NULL) return NULL;
    bounded *present = NULL;
    if (atomic_compare_exchange_strong_explicit(&a->user_lane, &present, made, memory_order_acq_rel,
                                                memory_order_acquire))
        return made;
    wardi_free(made);
    return present;
}

mailbox_result mailbox_put_user(wardi_actor *a, wardi_message *m)
{
    bounded *lane = atomic_load_explicit(&a->user_lane, memory_order_acquire);
    if (WARD_UNLIKELY(lane == NULL)) {
        lane = lane_make(a);
        if (lane == NULL) return MAILBOX_NO_MEMORY;
    }
    return bounded_put(lane, m) ? MAILBOX_PUT : MAILBOX_NO_ROOM;
}

wardi_message *mailbox_take_user(wardi_actor *a)
{
    bounded *lane = atomic_load_explicit(&a->user_lane, memory_order_acquire);
    return lane != NULL ? bounded_take(lane) : NULL;
}

bool mailbox_has_user(const wardi_actor *a)
{
    uint64_t put, taken;
    mailbox_user_positions(a, &put, &taken);
    return put != taken;
}

void mailbox_user_positions(const wardi_actor *a, uint64_t *ret_put, uint64_t *ret_taken)
{
    bounded *lane = atomic_load_explicit(&a->user_lane, memory_order_acquire);
    *ret_taken = lane != NULL ? atomic_load_explicit(&lane->head, memory_order_acquire) : 0;
    *ret_put = lane != NULL ? atomic_load_explicit(&lane->tail, memory_order_acquire) : 0;
}

/* ---- the system lane ---- */

/* One counter for what is inside, in the line that sender and worker exchange anyway: a count of
 * what was taken would be a second one to fetch. */
static bool claim_system_room(wardi_actor *a)
{
    uint32_t inside = atomic_load_explicit(&a->system_count, memory_order_relaxed);
    do {
        if (inside >= a->system_max) return false;
    } while (!atomic_compare_exchange_weak_explicit(&a->system_count, &inside, inside + 1,
                                                    memory_order_relaxed, memory_order_relaxed));
    return true;
}

mailbox_result mailbox_put_system(wardi_actor *a, wardi_message *m)
{
    if (m->lane == WARDI_LANE_ANSWER)
        atomic_fetch_add_explicit(&a->answers_count, 1, memory_order_relaxed);
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
    atomic_store_explicit(counter, value + 1, memory_order_relaxed);
}

wardi_message *mailbox_take_system(wardi_actor *a)
{
    if (a->system_list == NULL && atomic_load(&a->system_top) != NULL)
        a->system_list =
            turned_round(atomic_exchange_explicit(&a->system_top, NULL, memory_order_acquire));
    wardi_message *m = a->system_list;
    if (m == NULL) return NULL;
    prefetch_to_write(&m->status); /* its answer, while the head is read */
    a->system_list = m->next;
    bool answer = m->lane == WARDI_LANE_ANSWER;
    count_up(answer ? &a->answers_taken : &a->system_taken);
    atomic_fetch_sub_explicit(answer ? &a->answers_count : &a->system_count, 1,
                              memory_order_relaxed);
    return m;
}

bool mailbox_has_system(const wardi_actor *a)
{
    return a->system_list != NULL || atomic_load(&a->system_top) != NULL;
}

void mailbox_done(wardi_actor *a)
{
    wardi_free(atomic_load_explicit(&a->user_lane, memory_order_relaxed));
    atomic_store_explicit(&a->user_lane, NULL, memory_order_relaxed);
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
    uint64_t system = atomic_load(&a->system_count), answers = atomic_load(&a->answers_count);
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
