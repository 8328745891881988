/* A guest's timers: messages that it sends later, to itself or to those it may send to.
 *
 * The message is made when its timer is armed, so that nothing can fail for want of memory when it
 * fires, and is sent then, as a guest's send is; until then nobody counts it as sent. The earliest
 * is on top of a heap, and the child's one timer looks at that. A run's timers end with it. */
#include "host/guest.h"

enum { FIRED_AT_ONCE = 64 }; /* then others have their turn: a worker's slice of messages */

/* ---- the heap ---- */

static uint32_t count_of(const guest *g)
{
    return atomic_load_explicit(&g->timer_count, memory_order_relaxed);
}

static void count_set(guest *g, uint32_t count)
{
    atomic_store_explicit(&g->timer_count, count, memory_order_relaxed);
}

/* Of two that are due at the same time, the one that was armed first. */
static bool earlier(const guest_timer *a, const guest_timer *b)
{
    return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->number < b->number;
}

/* Puts `timer` in the place `at`, which is free, or above it. */
static void sift_up(guest *g, uint32_t at, guest_timer timer)
{
    for (uint32_t above; at > 0; at = above) {
        above = (at - 1) / 2;
        if (!earlier(&timer, &g->timers[above])) break;
        g->timers[at] = g->timers[above];
    }
    g->timers[at] = timer;
}

/* Or below it. */
static void sift_down(guest *g, uint32_t at, guest_timer timer)
{
    uint32_t count = count_of(g);
    for (uint32_t below; (below = 2 * at + 1) < count; at = below) {
        if (below + 1 < count && earlier(&g->timers[below + 1], &g->timers[below])) below++;
        if (!earlier(&g->timers[below], &timer)) break;
        g->timers[at] = g->timers[below];
    }
    g->timers[at] = timer;
}

/* The last one takes the place of the one that leaves, and goes from there to its own. */
static guest_timer take(guest *g, uint32_t at)
{
    guest_timer taken = g->timers[at];
    uint32_t count = count_of(g) - 1;
    guest_timer last = g->timers[count];
    count_set(g, count);
    if (at == count) return taken;
    if (at > 0 && earlier(&last, &g->timers[(at - 1) / 2]))
        sift_up(g, at, last);
    else
        sift_down(g, at, last);
    return taken;
}

static bool reserve(guest *g)
{
    uint32_t count = count_of(g), room = g->timer_room != 0 ? 2 * g->timer_room : 4;
    if (count < g->timer_room) return true;
    guest_timer *grown = wardi_grow(g->timers, count * sizeof *grown, room * sizeof *grown);
    if (grown == NULL) return false;
    g->timers = grown;
    g->timer_room = room;
    return true;
}

/* ---- the imports ---- */

/* Its number, or a code. */
static int64_t arm(const wardi_guest *call, guest_span span)
{
    guest_target to;
    wardi_message *message;
    child *c = guest_child(call);
    int64_t delay_ns = call->args[0].i64;
    guest *g = c != NULL ? guest_of(c) : NULL;
    if (c == NULL) return GUEST_UNAVAILABLE;
    if (g == NULL) return GUEST_NO_MEMORY;
    if (delay_ns < 0) return guest_fail(c, GUEST_INVALID, "a timer's delay is not below 0");
    if (count_of(g) >= c->timers_max)
        return guest_fail(c, GUEST_LIMIT, "%u timers are open; no more can be", c->timers_max);
    if (!reserve(g)) return GUEST_NO_MEMORY;
    guest_code code = guest_target_of(c, call->args[1].u32, &to);
    if (code == GUEST_OK) code = guest_message_of(c, span, &message);
    if (code != GUEST_OK) return code;
    guest_timer timer = {
        .due_ns = wardi_add_sat(wardi_sched_now(c->supervisor->sched), (uint64_t)delay_ns),
        .number = guest_number_next(g, 0),
        .to = to,
        .message = message};
    count_set(g, count_of(g) + 1);
    sift_up(g, count_of(g) - 1, timer);
    /* The actor sets its timer, and not this thread, which may be one that visits. */
    if (g->timers[0].number == timer.number) wardi_actor_wake(&c->actor);
    return (int64_t)timer.number;
}

wardi_answer guest_send_after(wardi_guest *call)
{
    guest_span span;
    if (!guest_span_of(call, 2, &span)) return guest_breach(call, "send_after", 2);
    return guest_say_wide(call, arm(call, span));
}

wardi_answer guest_cancel_timer(wardi_guest *call)
{
    child *c = guest_child(call);
    guest *g = c != NULL ? guest_if_any(c) : NULL;
    if (c == NULL) return guest_say(call, GUEST_UNAVAILABLE);
    for (uint32_t i = 0; g != NULL && i < count_of(g); i++) {
        if (g->timers[i].number != call->args[0].u64) continue;
        wardi_message_free(c->supervisor->sched, take(g, i).message);
        return guest_say(call, GUEST_OK);
    }
    return guest_say(call, guest_fail(c, GUEST_NOT_FOUND, "no such timer is still to come"));
}

/* ---- its child's ---- */

uint64_t guest_timers_due_ns(const child *c)
{
    const guest *g = guest_if_any(c);
    return g != NULL && count_of(g) != 0 ? g->timers[0].due_ns : WARDI_FOREVER;
}

void guest_timers_fire(child *c, uint64_t now_ns)
{
    guest *g = guest_if_any(c);
    wardi_sched *sched = c->supervisor->sched;
    wardi_actor_id to;
    for (int i = 0; i < FIRED_AT_ONCE && guest_timers_due_ns(c) <= now_ns; i++) {
        guest_timer timer = take(g, 0);
        bool meant = guest_target_choose(c, timer.to, &to) == GUEST_OK;
        if (meant && wardi_sched_send(sched, to, timer.message) == WARD_OK) continue;
        wardi_message_free(sched, timer.message);
        atomic_fetch_add_explicit(&g->timers_lost, 1, memory_order_relaxed);
    }
}

void guest_timers_over(child *c)
{
    guest *g = guest_if_any(c);
    for (uint32_t i = 0; i < count_of(g); i++)
        wardi_message_free(c->supervisor->sched, g->timers[i].message);
    count_set(g, 0);
}
