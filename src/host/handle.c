/* What a child does with a message, on the worker that runs it. */
#include <string.h>

#include "host/host_priv.h"
#include "host/message.h"

/* ---- health: a byte of status, then the reason, inline where it is short ---- */

static void handle_health(child *c, wardi_message *message)
{
    uint8_t bytes[1 + WARD_REASON_BYTES_MAX];
    ward_verdict verdict;
    c->kind->check(c, &verdict);
    bytes[0] = (uint8_t)ward_health_from(verdict.health);
    memcpy(bytes + 1, verdict.reason.text, verdict.reason.length);
    bool put = wardi_message_put(message, bytes, 1 + verdict.reason.length);
    wardi_message_answer(c->supervisor->sched, message, put ? WARD_OK : WARD_ERROR_NO_MEMORY);
}

void health_of_message(const wardi_message *message, ward_report *ret_report)
{
    const uint8_t *bytes = message->payload;
    ward_report report = {.status = (ward_health)bytes[0], .codec = WARD_CODEC_BORSH};
    report.reason.length = (uint16_t)(message->length - 1);
    memcpy(report.reason.text, bytes + 1, report.reason.length);
    *ret_report = report;
}

/* ---- what ends the guest, or a native child, ends the run ---- */

static ward_cause cause_of(ward_error error)
{
    if (error == WARD_ERROR_DEADLINE) return WARD_CAUSE_HANG;
    return error == WARD_ERROR_EXIT ? WARD_CAUSE_EXIT : WARD_CAUSE_CRASH;
}

void after_call(child *c, ward_error error, const ward_diag *diag)
{
    ward_reason reason;
    if (!wardi_ends_guest(error)) return;
    wardi_reason_set(&reason, diag->text);
    child_die(c, &reason, cause_of(error), history_took_ns(c));
}

void message_bytes(const wardi_message *message, const uint8_t **ret_bytes, uint32_t *ret_length)
{
    const publication *p = message->payload;
    bool published = message->kind == CHILD_TOPIC;
    *ret_bytes = published ? p->bytes + p->topic_length : message->payload;
    *ret_length = published ? p->length : message->length;
}

/* By itself: not what was ended by us for another reason. */
static bool is_poison(const child *c, ward_error error)
{
    bool by_itself =
        error == WARD_ERROR_TRAP || error == WARD_ERROR_DEADLINE || error == WARD_ERROR_FUEL;
    return by_itself && c->message != NULL && c->message->kind != CHILD_INVOKE;
}

/* It is tried again after the restart, until it has ended the child once too often. */
static void poison(child *c, const ward_diag *diag)
{
    ward_reason reason;
    wardi_message *message = c->message;
    uintptr_t deaths = (uintptr_t)message->context + 1;
    message->context = (void *)deaths;
    if (deaths < c->poison_after) {
        atomic_store(&c->again, message);
        c->message = NULL;
        return;
    }
    wardi_reason_set(&reason, diag->text);
    set_aside(c, message, (uint32_t)deaths, &reason);
}

/* The end of a message: whoever sent it is told, unless its guest has seen to that. */
static void message_end(child *c, ward_error error)
{
    wardi_message *message = c->message;
    guest_message_over(c);
    c->handling = false;
    c->message = NULL;
    c->resume_due_ns = WARDI_FOREVER;
    history_end(c, error);
    if (message != NULL) wardi_message_answer(c->supervisor->sched, message, error);
}

/* Its sender, who is not told, finds it among the refused. */
static void count_unhandled(child *c, ward_error error)
{
    bool no_handler = error == WARD_ERROR_EXPORT_MISSING || error == WARD_ERROR_EXPORT_TYPE;
    if (no_handler && c->message != NULL && c->message->kind != CHILD_INVOKE)
        atomic_fetch_add_explicit(&c->unhandled, 1, memory_order_relaxed);
}

/* It is handled, unless its guest waits: then a resume comes here again. */
static void handled(child *c, ward_error error, const wardi_wait *wait, const ward_diag *diag)
{
    if (wait->waits) {
        c->resume_due_ns = wait->wake_ns;
        child_timer(c);
        return;
    }
    if (is_poison(c, error)) poison(c, diag);
    count_unhandled(c, error);
    message_end(c, error);
    after_call(c, error, diag);
}

void child_resume(child *c)
{
    ward_diag diag;
    wardi_wait wait;
    ward_error error = wardi_component_resume(c->component, &wait, &diag);
    handled(c, error, &wait, &diag);
    if (!c->handling) wardi_actor_wake(&c->actor); /* for a stop that waited for this */
}

void child_abort(child *c)
{
    ward_diag diag;
    wardi_wait wait;
    if (!c->handling) return;
    wardi_component_interrupt(c->component);
    ward_error error = wardi_component_resume(c->component, &wait, &diag);
    WARD_ASSERT(!wait.waits); /* nothing goes on waiting that was interrupted */
    message_end(c, error);
}

/* ---- bytes ---- */

/* The request has been copied into the guest: the message carries the answer back. */
static ward_error take_answer(void *context, const uint8_t *bytes, size_t length,
                              ward_diag *ret_diag)
{
    const child *c = context;
    if (c->message == NULL || !wardi_message_asks(c->message)) return WARD_OK;
    if (length > c->message_bytes_max)
        return wardi_fail(ret_diag, WARD_ERROR_BUFFER_TOO_SMALL,
                          "an answer of %zu bytes; %u are the most", length, c->message_bytes_max);
    if (wardi_message_put(c->message, bytes, length)) return WARD_OK;
    return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory for an answer");
}

static void handle_bytes(child *c, const uint8_t *bytes, size_t length)
{
    ward_diag diag;
    wardi_wait wait;
    ward_error error = wardi_component_deliver(c->component, bytes, length, c->message_timeout_ns,
                                               take_answer, c, &wait, &diag);
    handled(c, error, &wait, &diag);
}

/* ---- invoke ---- */

static void handle_invoke(child *c, invoke_call *call)
{
    ward_diag diag;
    wardi_wait wait;
    ward_error error = wardi_component_invoke(c->component, call->function, call->args,
                                              call->arg_count, call->results, &call->result_count,
                                              c->message_timeout_ns, &wait, &diag);
    handled(c, error, &wait, &diag);
}

/* ---- all ---- */

void component_handle(child *c, wardi_message *message)
{
    const uint8_t *bytes;
    uint32_t length;
    WARD_ASSERT(!c->handling);
    c->handling = true;
    c->message = message;
    history_begin(c, message);
    message_bytes(message, &bytes, &length);
    switch ((child_message)message->kind) {
    case CHILD_HEALTH: break;
    case CHILD_BYTES:
    case CHILD_TOPIC: handle_bytes(c, bytes, length); return;
    case CHILD_INVOKE: handle_invoke(c, message->payload); return;
    }
    message_end(c, WARD_ERROR_UNANSWERED);
}

void component_answered(child *c, wardi_message *message)
{
    if (guest_answered(c, message)) child_resume(c);
}

void child_handle(child *c, wardi_message *message)
{
    if (message->lane == WARDI_LANE_ANSWER) {
        c->kind->answered(c, message);
    } else if (message->kind == CHILD_HEALTH) {
        handle_health(c, message);
    } else {
        c->kind->handle(c, message);
    }
}

void child_again(child *c)
{
    wardi_message *message = atomic_exchange(&c->again, NULL);
    wardi_sched *sched = c->supervisor->sched;
    if (message == NULL) return;
    if (wardi_message_is_late(sched, message)) {
        atomic_fetch_add_explicit(&c->expired_late, 1, memory_order_relaxed);
        wardi_message_answer(sched, message, WARD_ERROR_MESSAGE_EXPIRED);
        return;
    }
    child_handle(c, message);
}
