/* Health, asked for from outside.
 *
 * Whoever asks visits the child (sched's visits): if it is idle, the check runs on the asking
 * thread, as one of the child's callbacks. If it runs, its guest is busy, and the answer is what
 * can be told from outside. If it is about to run, or is the application's own, it gets a message
 * like any other; and if a guest goes on with something else instead of answering, it is looked at
 * once more. */
#include "host/ask.h"

#include "host/message.h"

/* An answer takes microseconds where a worker is free. */
#define LOOK_FIRST_NS WARDI_MS
#define LOOK_LAST_NS (16 * WARDI_MS)

void report_of(const ward_verdict *verdict, ward_report *ret_report)
{
    ret_report->status = ward_health_from(verdict->health);
    ret_report->codec = WARD_CODEC_BORSH;
    wardi_reason_copy(&ret_report->reason, &verdict->reason);
}

child *child_of(wardi_actor *actor)
{
    if (actor == NULL) return NULL;
    child *c = child_in(actor);
    if (c == NULL) wardi_actor_unpin(actor);
    return c;
}

/* ---- on the spot ---- */

/* What a busy guest does can be told from outside. */
static bool look(child *c, ward_verdict *ret_verdict)
{
    return c->kind == &component_kind && wardi_actor_is_running(&c->actor) &&
           wardi_component_check_outside(c->component, ret_verdict);
}

/* What the check of one with a budget takes is counted where its timer is, on a worker. */
bool ask_here(child *c, uint64_t timeout_ns, ward_verdict *ret_verdict)
{
    if (c->kind != &component_kind || c->budget != NULL ||
        wardi_component_check_ns_max(c->component) > timeout_ns)
        return false;
    if (wardi_actor_enter(&c->actor)) {
        c->kind->check(c, ret_verdict);
        wardi_actor_leave(&c->actor);
        return true;
    }
    if (!look(c, ret_verdict)) return false;
    atomic_fetch_add_explicit(&c->looks, 1, memory_order_relaxed); /* one more that was answered */
    return true;
}

/* ---- by message ---- */

ward_error ask_send(ward_supervisor *s, ward_child_id id, uint64_t deadline_ns,
                    wardi_message **ret_message)
{
    wardi_message *m = wardi_message_new(CHILD_HEALTH);
    if (m == NULL) return WARD_ERROR_NO_MEMORY;
    m->lane = WARDI_LANE_SYSTEM;
    m->expiry_ns = deadline_ns;
    wardi_message_ask_thread(m);
    ward_error error = wardi_sched_send(s->sched, id, m);
    if (error != WARD_OK)
        wardi_message_free(s->sched, m);
    else
        *ret_message = m;
    return error;
}

/* The message stays where it is, and is counted when the guest comes to it. */
static bool look_meanwhile(ward_supervisor *s, ward_child_id id, ward_report *ret_report)
{
    ward_verdict verdict;
    child *c = child_of(wardi_sched_pin(s->sched, id));
    if (c == NULL) return false;
    bool told = look(c, &verdict);
    wardi_actor_unpin(&c->actor);
    if (told) report_of(&verdict, ret_report);
    return told;
}

ward_error ask_await(ward_supervisor *s, ward_child_id id, wardi_message *m, uint64_t deadline_ns,
                     ward_report *ret_report)
{
    uint64_t slice_ns = LOOK_FIRST_NS;
    for (;;) {
        uint64_t until_ns = wardi_add_sat(wardi_sched_now(s->sched), slice_ns);
        if (until_ns >= deadline_ns ||
            wardi_message_wait(s->sched, m, until_ns) != WARD_ERROR_REPLY_TIMEOUT)
            break;
        if (look_meanwhile(s, id, ret_report)) {
            if (wardi_message_await(s->sched, m, 0) == WARD_OK) wardi_message_free(s->sched, m);
            return WARD_OK;
        }
        if (slice_ns < LOOK_LAST_NS) slice_ns *= 2;
    }
    ward_error error = wardi_message_await(s->sched, m, deadline_ns);
    if (error != WARD_OK) return error;
    error = (ward_error)m->status;
    if (error == WARD_OK) health_of_message(m, ret_report);
    wardi_message_free(s->sched, m);
    return error;
}

static bool ask_at_once(ward_supervisor *s, ward_child_id id, uint64_t timeout_ns,
                        ward_report *ret_report)
{
    ward_verdict verdict;
    child *c = child_of(wardi_sched_pin(s->sched, id));
    if (c == NULL) return false;
    bool told = ask_here(c, timeout_ns, &verdict);
    wardi_actor_unpin(&c->actor);
    if (told) report_of(&verdict, ret_report);
    return told;
}

ward_error ward_supervisor_health(ward_supervisor *s, ward_child_id to, uint64_t timeout_ns,
                                  ward_report *ret_report)
{
    timeout_ns = ask_timeout(timeout_ns);
    if (ask_at_once(s, to, timeout_ns, ret_report)) return WARD_OK;
    wardi_message *message;
    uint64_t deadline_ns = message_deadline(s, timeout_ns);
    ward_error error = ask_send(s, to, deadline_ns, &message);
    return error == WARD_OK ? ask_await(s, to, message, deadline_ns, ret_report) : error;
}
