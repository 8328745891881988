/* A child that is a part of the application: callbacks instead of a guest. Nothing can end one, so
 * each is entered by name and time, for others to see. */
#include <string.h>

#include "host/host_priv.h"
#include "host/message.h"

typedef struct native {
    /* Set when it is made, then read only. */
    char *name, *version;
    ward_native_options callbacks; /* its strings are not used */
    ward_health_policy policy;

    /* Who is inside. */
    ward_reason failure; /* while Failed */

    /* Written by who is inside, read by any thread. */
    _Atomic uint32_t state;
    _Atomic uint64_t entered_ns; /* 0: only just, or not at all */

    /* The callback that runs, or NULL. Its actor runs one at a time; a stop of all asks as well. */
    _Atomic(const char *) inside;
} native;

/* ---- in and out ---- */

static bool enter(native *n, const char *callback)
{
    const char *nobody = NULL;
    if (!atomic_compare_exchange_strong(&n->inside, &nobody, callback)) return false;
    atomic_store(&n->entered_ns, wardi_now_ns());
    return true;
}

static void leave(native *n)
{
    atomic_store(&n->entered_ns, 0);
    atomic_store(&n->inside, NULL);
}

static ward_state state_of(const native *n)
{
    return (ward_state)atomic_load(&n->state);
}

static void become(native *n, ward_state state)
{
    WARD_ASSERT(wardi_lifecycle_legal(state_of(n), state));
    atomic_store(&n->state, state);
}

static ward_state native_state(const child *c)
{
    return state_of(c->native);
}

/* ---- start, stop, fail ---- */

/* What a callback may write to. */
static void blank(ward_diag *ret_diag)
{
    ret_diag->error = WARD_OK;
    ret_diag->text[0] = '\0';
}

/* A failure that it said nothing of has the error's own words. */
static void explain(ward_diag *diag, ward_error error)
{
    diag->text[sizeof diag->text - 1] = '\0';
    if (diag->text[0] == '\0') wardi_fail(diag, error, "%s", ward_error_text(error));
    diag->error = error;
}

/* What start took is given back, once. */
static void end_run(native *n, ward_state then)
{
    if (state_of(n) == WARD_STATE_READY && then == WARD_STATE_TERMINATED)
        become(n, WARD_STATE_STOPPING);
    if (n->callbacks.stop != NULL) n->callbacks.stop(n->callbacks.context);
    become(n, then);
}

static ward_error native_start(child *c, ward_diag *ret_diag)
{
    native *n = c->native;
    ward_error error = WARD_OK;
    blank(ret_diag);
    if (!enter(n, "start")) return wardi_fail(ret_diag, WARD_ERROR_BUSY, "a callback still runs");
    /* A run that the tree had let go of has come back since. */
    if (state_of(n) == WARD_STATE_READY) end_run(n, WARD_STATE_TERMINATED);
    become(n, WARD_STATE_STARTING);
    if (n->callbacks.start != NULL) error = n->callbacks.start(n->callbacks.context, ret_diag);
    if (error != WARD_OK) {
        explain(ret_diag, error);
        wardi_reason_set(&n->failure, ret_diag->text);
    }
    become(n, error == WARD_OK ? WARD_STATE_READY : WARD_STATE_FAILED);
    leave(n);
    return error;
}

static ward_error native_stop(child *c, ward_diag *ret_diag)
{
    native *n = c->native;
    if (!enter(n, "stop")) return wardi_fail(ret_diag, WARD_ERROR_BUSY, "a callback still runs");
    if (state_of(n) == WARD_STATE_READY)
        end_run(n, WARD_STATE_TERMINATED);
    else if (state_of(n) != WARD_STATE_TERMINATED)
        become(n, WARD_STATE_TERMINATED);
    leave(n);
    return WARD_OK;
}

static void native_fail(child *c, const ward_reason *reason)
{
    native *n = c->native;
    if (!enter(n, "stop")) return;
    if (state_of(n) == WARD_STATE_READY) {
        wardi_reason_copy(&n->failure, reason);
        end_run(n, WARD_STATE_FAILED);
    }
    leave(n);
}

/* ---- health ---- */

static void ask(const native *n, wardi_probe *ret_probe)
{
    uint64_t began_ns = wardi_now_ns();
    ward_report *report = &ret_probe->report;
    *report = (ward_report){.status = WARD_HEALTH_HEALTHY, .codec = WARD_CODEC_BORSH};
    n->callbacks.health(n->callbacks.context, report);
    report->reason.text[WARD_REASON_BYTES_MAX] = '\0';
    report->reason.length = (uint16_t)strlen(report->reason.text);
    ret_probe->called = true;
    ret_probe->error = WARD_PROBE_OK;
    ret_probe->duration_ns = wardi_now_ns() - began_ns;
}

static void judge_from_outside(const native *n, const char *inside, ward_verdict *ret_verdict)
{
    wardi_evidence evidence = {
        .state = WARD_STATE_READY, .loaded = true, .busy = true, .busy_export = inside};
    uint64_t entered_ns = atomic_load(&n->entered_ns);
    if (entered_ns != 0) evidence.busy_for_ns = wardi_now_ns() - entered_ns;
    wardi_health_judge(&evidence, &n->policy, ret_verdict);
}

static void native_check(child *c, ward_verdict *ret_verdict)
{
    native *n = c->native;
    wardi_probe probe;
    if (!enter(n, "health")) {
        judge_from_outside(n, "a callback", ret_verdict);
        return;
    }
    wardi_evidence evidence = {.state = state_of(n), .loaded = true, .failure = &n->failure};
    wardi_resource_evidence resources = {0};
    if (c->mailbox_judged) {
        resources.mailbox_waiting = wardi_actor_waiting(&c->actor);
        resources.mailbox_max = c->actor.user_max;
        evidence.resources = &resources;
    }
    if (evidence.state == WARD_STATE_READY && n->callbacks.health != NULL) {
        ask(n, &probe);
        evidence.probe = &probe;
    }
    wardi_health_judge(&evidence, &n->policy, ret_verdict);
    leave(n);
}

static bool native_busy(const child *c, ward_verdict *ret_verdict)
{
    const native *n = c->native;
    const char *inside = atomic_load(&n->inside);
    if (inside == NULL) return false;
    judge_from_outside(n, inside, ret_verdict);
    return ret_verdict->health != WARD_CHILD_HEALTHY;
}

/* ---- messages ---- */

/* The message as the callback sees it. The answer waits here: the callback may still read what it
 * got. */
typedef struct received {
    ward_message seen; /* first: the callback has its address */
    bool replied;
    uint32_t length;
    void *bytes; /* NULL, brief, or on the heap */
    uint8_t brief[WARDI_MESSAGE_INLINE_BYTES];
} received;

static void answer_release(void *payload, size_t length)
{
    (void)length;
    wardi_free(payload);
}

ward_error ward_message_reply(const ward_message *message, const uint8_t *bytes, size_t length)
{
    received *r = (received *)(uintptr_t)message;
    if (message == NULL || (bytes == NULL && length != 0)) return WARD_ERROR_INVALID_ARGUMENT;
    if (!message->wants_answer) return WARD_OK;
    if (r->replied) return WARD_ERROR_STATE;
    if (length > ANSWER_BYTES_MAX) return WARD_ERROR_BUFFER_TOO_SMALL;
    r->bytes = length > sizeof r->brief ? wardi_alloc(length) : r->brief;
    if (r->bytes == NULL) return WARD_ERROR_NO_MEMORY;
    if (length != 0) memcpy(r->bytes, bytes, length);
    r->length = (uint32_t)length;
    r->replied = true;
    return WARD_OK;
}

/* The reply goes into the message that brought the request. */
static void answer(child *c, wardi_message *message, received *r, ward_error error)
{
    bool brief = r->bytes == r->brief;
    if (error == WARD_OK && r->replied) {
        if (brief)
            wardi_message_put(message, r->brief, r->length); /* inline: needs no memory */
        else
            wardi_message_attach(message, r->bytes, r->length, answer_release);
    } else if (!brief) {
        wardi_free(r->bytes);
    }
    if (error == WARD_OK && !r->replied) error = WARD_ERROR_UNANSWERED;
    wardi_message_answer(c->supervisor->sched, message, error);
}

static void native_handle(child *c, wardi_message *message)
{
    native *n = c->native;
    char sender[128] = "", topic[256] = "";
    wardi_text name = WARDI_TEXT(sender);
    (void)message_sender(c->supervisor->sched, message, &name); /* "": it has been removed since */
    received r = {.seen = {.size = sizeof r.seen,
                           .bytes = message->payload,
                           .length = message->length,
                           .sender = sender,
                           .topic = topic,
                           .correlation = message->correlation,
                           .wants_answer = wardi_message_asks(message)}};
    ward_diag diag;
    blank(&diag);
    ward_error error = WARD_ERROR_EXPORT_MISSING;
    if (message->kind == CHILD_TOPIC) {
        const publication *p = message->payload;
        memcpy(topic, p->bytes, p->topic_length);
        r.seen.bytes = p->bytes + p->topic_length;
    }
    if (message->kind != CHILD_INVOKE && n->callbacks.handle != NULL)
        error = enter(n, "handle") ? WARD_OK : WARD_ERROR_BUSY;
    if (error == WARD_OK) {
        error = n->callbacks.handle(n->callbacks.context, &r.seen, &diag);
        leave(n);
    }
    if (message->kind != CHILD_INVOKE && n->callbacks.handle == NULL)
        atomic_fetch_add_explicit(&c->unhandled, 1, memory_order_relaxed);
    answer(c, message, &r, error);
    if (error != WARD_OK) explain(&diag, error);
    after_call(c, error, &diag);
}

bool native_hears(const child *c)
{
    return c->native->callbacks.answer != NULL;
}

/* Between two runs nobody is there to hear it. */
static void native_answered(child *c, wardi_message *message)
{
    native *n = c->native;
    ward_error status = (ward_error)message->status;
    if (state_of(n) == WARD_STATE_READY && enter(n, "answer")) {
        n->callbacks.answer(n->callbacks.context, message->correlation, status,
                            status == WARD_OK ? message->payload : NULL,
                            status == WARD_OK ? message->length : 0);
        leave(n);
    }
    wardi_message_free(c->supervisor->sched, message);
}

/* ---- making ---- */

static void native_free(child *c)
{
    native *n = c->native;
    if (state_of(n) == WARD_STATE_READY) end_run(n, WARD_STATE_TERMINATED);
    wardi_free(n->name);
    wardi_free(n->version);
    wardi_free(n);
}

const child_kind native_kind = {
    .start = native_start,
    .stop = native_stop,
    .fail = native_fail,
    .check = native_check,
    .handle = native_handle,
    .answered = native_answered,
    .free = native_free,
    .state = native_state,
    .busy = native_busy,
};

static ward_error resolve(const ward_native_options *options, ward_native_options *ret_options,
                          ward_health_policy *ret_policy, ward_diag *ret_diag)
{
    if (!wardi_options_copy(ret_options, sizeof *ret_options, options, options->size))
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                          "native options: size is %zu, this library knows %zu bytes; start them "
                          "with WARD_INIT(ward_native_options)",
                          options->size, sizeof *ret_options);
    if (!wardi_name_valid(ret_options->name))
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                          "native options: a name is required: 1 to 127 of [A-Za-z0-9._-], and "
                          "neither a dot nor a dash first");
    ward_health_policy policy = {.busy_after_ns = ret_options->busy_after_ns};
    policy.resources[WARD_RESOURCE_MAILBOX] = ret_options->mailbox;
    return wardi_health_policy_resolve(&policy, ret_policy, ret_diag);
}

ward_error native_options_check(const ward_native_options *options, ward_diag *ret_diag)
{
    ward_native_options own;
    ward_health_policy policy;
    return resolve(options, &own, &policy, ret_diag);
}

ward_error native_child_new(child *c, const ward_native_options *options, ward_diag *ret_diag)
{
    native *n = wardi_alloc(sizeof *n);
    if (n == NULL) return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory for a child");
    c->native = n;
    c->kind = &native_kind;
    ward_error error = resolve(options, &n->callbacks, &n->policy, ret_diag);
    if (error != WARD_OK) return error;
    c->mailbox_judged = wardi_health_wants_resources(&n->policy);
    const char *version = n->callbacks.version != NULL ? n->callbacks.version : "";
    n->name = wardi_strdup(n->callbacks.name);
    n->version = wardi_strdup(version);
    if (n->name == NULL || n->version == NULL)
        return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory for a child");
    c->name = n->name;
    c->version = n->version;
    return WARD_OK;
}
