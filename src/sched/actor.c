/* An actor's life: who runs it, what a run does, how it is sent to, how it ends.
 *
 * The phase. An actor is in a run queue exactly while it is queued, and a worker is in its
 * callbacks exactly while it is running or again; every step is one atomic change, so it is never
 * in two queues nor on two workers.
 *
 *     idle ──notify──▶ queued ──a worker takes it──▶ running ──nothing left──▶ idle
 *                        ▲                            │    ▲
 *                        └──── its slice is over ─────┤    └── looks again ──┐
 *                                                     └──notify──▶ again ────┘
 *     running ──stop──▶ ending: absorbs every notify; the last pin brings the end (registry.c)
 *
 * No lost wake-up. A sender (1) publishes its message, then (2) looks at the phase; a worker
 * (3) changes the phase, then (4) looks for messages. All four are seq_cst, so there is one order
 * of them that everybody agrees on.
 *   - Sender finds queued: the worker's (3) to running comes after (2), so its (4) sees (1).
 *   - Sender finds running: it makes it again, or fails because the worker changed it first, and
 *     looks at the new phase. Again is seen by the worker's swap to idle, which fails: it looks
 *     once more. Finding again, the same holds: (3) back to running comes later.
 *   - Sender finds idle: its swap to queued succeeds for one sender only, who queues the actor.
 * A timer or a wake does the same with a bit in `signals` for a message. */
#include <limits.h>
#include <string.h>

#include "sched/sched_priv.h"

static void count_one(_Atomic uint64_t *counter)
{
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

ward_error wardi_actor_init(wardi_actor *a, wardi_sched *sched, const wardi_behaviour *behaviour,
                            const wardi_mailbox_options *mailbox)
{
    WARD_ASSERT(behaviour->receive != NULL);
    wardi_mailbox_options own = mailbox != NULL ? *mailbox : (wardi_mailbox_options){0};
    WARD_ASSERT(own.user_max <= WARDI_MAILBOX_MAX);
    memset(a, 0, sizeof *a);
    a->sched = sched;
    a->behaviour = behaviour;
    a->user_max = own.user_max != 0 ? own.user_max : WARDI_MAILBOX_MAX_DEFAULT;
    a->system_max = own.system_max != 0 ? own.system_max : WARDI_MAILBOX_MAX_DEFAULT;
    a->full = (uint32_t)own.full;
    a->block_ns = own.block_ns != 0 ? own.block_ns : WARDI_S;
    a->next = own.waiting ? WARDI_WAITING : WARDI_READY;
    a->magic = ACTOR_MAGIC;
    return registry_add(&sched->registry, a) ? WARD_OK : WARD_ERROR_NO_MEMORY;
}

void actor_notify(wardi_actor *a)
{
    uint32_t phase = atomic_load(&a->phase);
    while (phase == ACTOR_IDLE || phase == ACTOR_RUNNING) {
        uint32_t next = phase == ACTOR_IDLE ? ACTOR_QUEUED : ACTOR_AGAIN;
        if (!atomic_compare_exchange_weak(&a->phase, &phase, next)) continue;
        if (next == ACTOR_QUEUED) sched_queue(a->sched, a);
        return;
    }
}

void actor_signal(wardi_actor *a, uint32_t signals)
{
    atomic_fetch_or(&a->signals, signals);
    actor_notify(a);
}

void actor_lose(wardi_sched *sched, wardi_message *m, ward_error cause)
{
    wardi_message_answer(sched, m, cause);
}

/* ---- sending ---- */

static ward_error refuse(wardi_actor *to, ward_error error)
{
    count_one(&to->refused);
    return error;
}

/* Drops from the front until there is room. Others may fill it each time, and the oldest may be in
 * the hands of a sender that has not finished: after some attempts it is the newest that goes. */
static ward_error send_dropping(wardi_actor *to, wardi_message *m)
{
    for (int attempt = 0; attempt < 64; attempt++) {
        wardi_message *oldest = mailbox_take_user(to);
        if (oldest != NULL) {
            count_one(&to->dropped_oldest);
            actor_lose(to->sched, oldest, WARD_ERROR_MESSAGE_DROPPED);
        }
        if (mailbox_put_user(to, m) != MAILBOX_PUT) continue;
        actor_notify(to);
        return WARD_OK;
    }
    count_one(&to->dropped_newest);
    actor_lose(to->sched, m, WARD_ERROR_MESSAGE_DROPPED);
    return WARD_OK;
}

static bool is_closed(const wardi_actor *a)
{
    return atomic_load(&a->closed) != 0;
}

/* No sender sleeps for ever. It counts itself in `blocked`, reads `room`, tries, and sleeps while
 * `room` is what it read. When the attempt found no place, messages are inside, so takes follow,
 * and these look at `blocked` after it was counted; the one that leaves the lane half full or less
 * changes `room`, then wakes. Half, because a sender that is woken for each place sleeps again for
 * each place. */
static ward_error send_waiting(wardi_actor *to, wardi_message *m)
{
    wardi_sched *s = to->sched;
    if (worker_self(s) != NULL) return refuse(to, WARD_ERROR_WOULD_BLOCK);
    uint64_t deadline = wardi_add_sat(sched_now(s), to->block_ns);
    if (m->expiry_ns != 0 && m->expiry_ns < deadline) deadline = m->expiry_ns;
    ward_error error = WARD_OK;
    bool in_time = true;
    atomic_fetch_add(&to->blocked, 1);
    for (;;) {
        uint32_t room = atomic_load(&to->room);
        if (is_closed(to)) error = WARD_ERROR_ACTOR_GONE;
        if (error != WARD_OK || mailbox_put_user(to, m) == MAILBOX_PUT) break;
        if (!in_time) error = WARD_ERROR_MAILBOX_TIMEOUT;
        if (error != WARD_OK) break;
        in_time = wait_word(s, &to->room, room, deadline);
    }
    atomic_fetch_sub(&to->blocked, 1);
    if (error != WARD_OK) return refuse(to, error);
    actor_notify(to);
    return WARD_OK;
}

static ward_error send_to_full(wardi_actor *to, wardi_message *m)
{
    switch ((wardi_full)to->full) {
    case WARDI_FULL_REJECT: break;
    case WARDI_FULL_DROP_OLDEST: return send_dropping(to, m);
    case WARDI_FULL_DROP_NEWEST:
        count_one(&to->dropped_newest);
        actor_lose(to->sched, m, WARD_ERROR_MESSAGE_DROPPED);
        return WARD_OK;
    case WARDI_FULL_BLOCK: return send_waiting(to, m);
    }
    return refuse(to, WARD_ERROR_MAILBOX_FULL);
}

static ward_error put(wardi_actor *to, wardi_message *m)
{
    if (WARD_UNLIKELY(is_closed(to))) return refuse(to, WARD_ERROR_ACTOR_GONE);
    bool user = m->lane == WARDI_LANE_USER;
    mailbox_result result = user ? mailbox_put_user(to, m) : mailbox_put_system(to, m);
    if (WARD_LIKELY(result == MAILBOX_PUT)) {
        actor_notify(to);
        return WARD_OK;
    }
    if (result == MAILBOX_NO_MEMORY) return refuse(to, WARD_ERROR_NO_MEMORY);
    return user ? send_to_full(to, m) : refuse(to, WARD_ERROR_MAILBOX_FULL);
}

/* From here on its asker waits for an answer; what is refused is as it was, and may be one that was
 * received and is sent on, whose asker still waits. */
ward_error wardi_actor_send(wardi_actor *to, wardi_message *m)
{
    WARD_ASSERT(to->magic == ACTOR_MAGIC);
    uint8_t asker = m->asker;
    if (asker != WARDI_ASKER_NONE) m->asker = asker | WARDI_ASKER_SENT;
    ward_error error = put(to, m);
    if (WARD_UNLIKELY(error != WARD_OK)) m->asker = asker;
    return error;
}

ward_error wardi_sched_send(wardi_sched *s, wardi_actor_id id, wardi_message *m)
{
    wardi_actor *to = registry_pin(&s->registry, id);
    if (WARD_UNLIKELY(to == NULL)) {
        count_one(&s->sent_to_nobody);
        return WARD_ERROR_ACTOR_GONE;
    }
    /* It will write to both, one after the other; so both are fetched at once. */
    if (m->lane != WARDI_LANE_USER) {
        prefetch_to_write(to);
        prefetch_to_write(s->inject.front);
    }
    sched_gap(s);
    ward_error error = wardi_actor_send(to, m);
    registry_unpin(&s->registry, to);
    return error;
}

void wardi_sched_hint(wardi_sched *s, wardi_actor_id id)
{
    const void *place = registry_place(&s->registry, id);
    if (place != NULL) prefetch_to_write(place);
}

static bool signal_by_id(wardi_sched *s, wardi_actor_id id, uint32_t signals)
{
    wardi_actor *a = registry_pin(&s->registry, id);
    if (a == NULL) return false;
    actor_signal(a, signals);
    registry_unpin(&s->registry, a);
    return true;
}

void wardi_actor_wake(wardi_actor *a)
{
    actor_signal(a, SIGNAL_WAKE);
}

bool wardi_sched_wake(wardi_sched *s, wardi_actor_id id)
{
    return signal_by_id(s, id, SIGNAL_WAKE);
}

bool wardi_sched_look(wardi_sched *s, wardi_actor_id id,
                      void (*look)(void *context, wardi_actor *actor), void *context)
{
    wardi_actor *a = registry_pin(&s->registry, id);
    if (a == NULL) return false;
    look(context, a);
    registry_unpin(&s->registry, a);
    return true;
}

void wardi_actor_stop(wardi_actor *a)
{
    actor_signal(a, SIGNAL_STOP);
}

bool wardi_sched_stop(wardi_sched *s, wardi_actor_id id)
{
    return signal_by_id(s, id, SIGNAL_STOP);
}

/* ---- the end ---- */

/* The caller alone has the actor. */
static void end(wardi_actor *a)
{
    wardi_sched *s = a->sched;
    const wardi_behaviour *behaviour = a->behaviour;
    for (;;) {
        wardi_message *m = mailbox_take_system(a);
        if (m == NULL) m = mailbox_take_user(a);
        if (m == NULL) break;
        count_own(&a->undelivered);
        if (behaviour->undelivered != NULL)
            behaviour->undelivered(a, m);
        else
            actor_lose(s, m, WARD_ERROR_UNDELIVERED);
    }
    sched_note(s, a->id, UINT64_MAX);
    bool last = registry_remove(&s->registry, a) == 0;
    mailbox_done(a);
    a->magic = 0;
    if (behaviour->ended != NULL) behaviour->ended(a);
    if (!last) return;
    atomic_fetch_add(&s->ended, 1);
    wait_wake(&s->ended, 1);
}

static void wake_senders(wardi_actor *a)
{
    atomic_fetch_add(&a->room, 1);
    wait_wake(&a->room, INT_MAX);
}

/* From `closed` on nobody new gets in, senders that wait for room leave, and from the phase on
 * nobody queues it. After registry_close it belongs to whoever has the last pin. */
static void close_down(wardi_actor *a)
{
    atomic_store(&a->closed, 1);
    if (a->full == WARDI_FULL_BLOCK) wake_senders(a);
    sched_gap(a->sched);
    timer_forget(a);
    atomic_store(&a->phase, ACTOR_ENDING);
    if (registry_close(&a->sched->registry, a)) end(a);
}

void actor_queue_end(wardi_actor *a)
{
    sched_queue(a->sched, a);
}

/* ---- a run ---- */

static void now_is(wardi_actor *a, wardi_next next)
{
    if (a->next != (uint32_t)next) a->next = (uint32_t)next;
}

static void act_on_signals(wardi_actor *a, uint32_t signals)
{
    const wardi_behaviour *behaviour = a->behaviour;
    if ((signals & SIGNAL_STOP) != 0) {
        now_is(a, WARDI_STOP);
        return;
    }
    if ((signals & SIGNAL_TIMER) != 0) {
        a->timer.armed = false;
        if (behaviour->timer != NULL) now_is(a, behaviour->timer(a));
    }
    if ((signals & SIGNAL_WAKE) != 0 && a->next != WARDI_STOP && behaviour->wake != NULL)
        now_is(a, behaviour->wake(a));
}

static void deliver(wardi_actor *a, wardi_message *m)
{
    sched_note(a->sched, a->id, (uint64_t)m->lane << 32 | m->kind);
    if (wardi_message_is_late(a->sched, m)) {
        count_own(&a->expired);
        actor_lose(a->sched, m, WARD_ERROR_MESSAGE_EXPIRED);
        return;
    }
    count_own(&a->handled);
    now_is(a, a->behaviour->receive(a, m));
}

static wardi_message *take_user(wardi_actor *a)
{
    wardi_message *m = mailbox_take_user(a);
    if (m == NULL || a->full != WARDI_FULL_BLOCK || atomic_load(&a->blocked) == 0) return m;
    uint64_t put, taken;
    mailbox_user_positions(a, &put, &taken);
    if (put - taken <= a->user_max / 2) wake_senders(a);
    return m;
}

/* One thing that there is to do; false: nothing. */
static bool act(wardi_actor *a)
{
    if (atomic_load(&a->signals) != 0) {
        uint32_t signals = atomic_exchange(&a->signals, 0);
        sched_note(a->sched, a->id, (uint64_t)signals << 48);
        act_on_signals(a, signals);
        return true;
    }
    wardi_message *m = mailbox_take_system(a);
    if (m == NULL && a->next == WARDI_READY) m = take_user(a);
    if (m == NULL) return false;
    deliver(a, m);
    return true;
}

/* Time by the counter in threads, by the world in a world. */
static bool slice_is_over(const wardi_sched *s, uint64_t start)
{
    uint64_t spent =
        s->simulated ? sched_now(s) - start : wardi_ticks_span_ns(start, wardi_ticks());
    return spent >= s->options.slice_ns;
}

/* False: it has nothing to do any more and may be gone. */
static bool run_slice(worker *w, wardi_actor *a, bool *ret_used_up)
{
    wardi_sched *s = w->sched;
    uint64_t start = s->simulated ? sched_now(s) : w->turn_ticks;
    uint32_t most = s->options.slice_messages;
    if (s->simulated) most = 1 + sched_choose(w, most);
    for (uint32_t done = 0; done < most; done++) {
        if (!act(a)) {
            sched_gap(s);
            uint32_t running = ACTOR_RUNNING;
            if (atomic_compare_exchange_strong(&a->phase, &running, ACTOR_IDLE)) return false;
            atomic_store(&a->phase, ACTOR_RUNNING);
            continue;
        }
        if (a->next == WARDI_STOP) {
            close_down(a);
            return false;
        }
        *ret_used_up = slice_is_over(s, start);
        if (*ret_used_up) break;
    }
    return true;
}

void actor_run(worker *w, wardi_actor *a)
{
    WARD_ASSERT(a->magic == ACTOR_MAGIC);
    sched_note(w->sched, w->index, a->id);
    if (atomic_load(&a->phase) == ACTOR_ENDING) {
        end(a);
        return;
    }
    WARD_ASSERT(atomic_exchange(&a->phase, ACTOR_RUNNING) == ACTOR_QUEUED);
    bool used_up = false;
    if (!run_slice(w, a, &used_up)) return;
    atomic_store(&a->phase, ACTOR_QUEUED); /* an "again" is in it: it will look */
    if (used_up)
        sched_queue_backlog(w->sched, a);
    else
        sched_queue(w->sched, a);
}

/* ---- figures ---- */

void wardi_actor_counts(const wardi_actor *a, wardi_counts *ret)
{
    uint64_t put, taken;
    mailbox_user_positions(a, &put, &taken);
    uint64_t system_inside = atomic_load_explicit(&a->system_count, memory_order_relaxed) +
                             atomic_load_explicit(&a->answers_count, memory_order_relaxed);
    uint64_t visited = atomic_load_explicit(&a->visited, memory_order_relaxed);
    uint64_t system_taken = atomic_load_explicit(&a->system_taken, memory_order_relaxed) +
                            atomic_load_explicit(&a->answers_taken, memory_order_relaxed) + visited;
    *ret = (wardi_counts){
        .handled = atomic_load_explicit(&a->handled, memory_order_relaxed) + visited,
        .refused = atomic_load_explicit(&a->refused, memory_order_relaxed),
        .dropped_oldest = atomic_load_explicit(&a->dropped_oldest, memory_order_relaxed),
        .dropped_newest = atomic_load_explicit(&a->dropped_newest, memory_order_relaxed),
        .expired = atomic_load_explicit(&a->expired, memory_order_relaxed),
        .undelivered = atomic_load_explicit(&a->undelivered, memory_order_relaxed),
        .pending = put - taken + system_inside,
    };
    ret->sent = put + system_taken + system_inside + ret->refused + ret->dropped_newest;
}

/* What was taken is read first, so that the difference is never negative; but it may be more than
 * ever was inside. */
uint32_t wardi_actor_waiting(const wardi_actor *a)
{
    uint64_t put, taken;
    mailbox_user_positions(a, &put, &taken);
    return put - taken < a->user_max ? (uint32_t)(put - taken) : a->user_max;
}

bool actor_check(wardi_actor *a, ward_diag *ret_diag)
{
    wardi_counts c;
    wardi_actor_counts(a, &c);
    const char *broken = NULL;
    uint32_t phase = atomic_load(&a->phase);
    uint64_t gone =
        c.handled + c.refused + c.dropped_oldest + c.dropped_newest + c.expired + c.undelivered;
    bool waits = a->next == WARDI_WAITING;
    if (c.sent != gone + c.pending) broken = "its counters do not add up";
    if (phase != ACTOR_IDLE && phase != ACTOR_QUEUED) broken = "it is neither idle nor queued";
    if (phase == ACTOR_IDLE) {
        if (atomic_load(&a->signals) != 0) broken = "it sleeps over a signal";
        if (mailbox_has_system(a)) broken = "it sleeps over a system message";
        if (!waits && mailbox_has_user(a)) broken = "it sleeps over a user message";
    }
    if (broken == NULL) return mailbox_check(a, ret_diag);
    (void)wardi_fail(ret_diag, WARD_ERROR_INTERNAL, "actor %llx: %s", (unsigned long long)a->id,
                     broken);
    return false;
}
