/* A guest's talk with other children: whom it finds, what it sends, asks and answers. */
#include <stdio.h>
#include <string.h>

#include "host/guest.h"

enum { CHAIN_MAX = 64 };
#define REQUEST_TIMEOUT_NS (10 * WARDI_S)

/* ---- handles: numbers of the guest's own for those it may send to ---- */

static bool target_reserve(guest *g)
{
    if (g->target_count < g->target_room) return true;
    uint32_t room = g->target_room != 0 ? 2 * g->target_room : 4;
    guest_target *grown =
        wardi_grow(g->targets, g->target_room * sizeof *grown, room * sizeof *grown);
    if (grown == NULL) return false;
    g->targets = grown;
    g->target_room = room;
    return true;
}

static bool is_same(guest_target a, guest_target b)
{
    return a.is_group == b.is_group && a.generation == b.generation && a.id == b.id;
}

static int32_t target_handle(child *c, guest *g, guest_target target)
{
    for (uint32_t i = 0; i < g->target_count; i++)
        if (is_same(g->targets[i], target)) return (int32_t)i;
    if (g->target_count == GUEST_TARGETS_MAX)
        return guest_fail(c, GUEST_LIMIT, "at most %d components can be found", GUEST_TARGETS_MAX);
    if (!target_reserve(g)) return GUEST_NO_MEMORY;
    g->targets[g->target_count] = target;
    return (int32_t)g->target_count++;
}

typedef struct found {
    guest_target target;
    bool there, is_instance;
    bool welcome; /* by what the receiver grants */
} found;

/* Of a group of instances, one speaks for all: they have the same grants. */
static found look_up(ward_supervisor *s, const char *name, const child *from)
{
    found f = {0};
    pthread_mutex_lock(&s->lock);
    const child *c = names_find(&s->names, name);
    const group *g = c == NULL ? groups_find(s, name) : NULL;
    if (c != NULL) f.target.id = c->actor.id;
    if (g != NULL && g->member_count != 0) {
        c = g->members[0];
        f.target = (guest_target){true, g->node.generation, g->node.index};
    }
    f.there = c != NULL;
    f.is_instance = f.there && c->instance;
    f.welcome = f.there && child_welcomes(c, from);
    pthread_mutex_unlock(&s->lock);
    return f;
}

static bool may_send_to(const child *c, const char *name, const found *f)
{
    char family[CHILD_NAME_BYTES];
    if (f->target.is_group) return wardi_grants_allow_all(c->grants, WARDI_SEND, name);
    if (!f->is_instance) return wardi_grants_allow(c->grants, WARDI_SEND, name);
    return wardi_grants_allow_member(c->grants, WARDI_SEND, name, family_of(name, family));
}

/* Grants are asked here, and only here: a handle is the permission. Whoever may not send to a name
 * does not learn whether it exists. */
static int32_t find(child *c, guest *g, const char *name)
{
    char words[WARD_REASON_BYTES_MAX + 1];
    found f = look_up(c->supervisor, name, c);
    if (!may_send_to(c, name, &f)) return guest_deny(c, WARDI_SEND, name);
    if (!f.there) return guest_fail(c, GUEST_NOT_FOUND, "there is no component \"%s\"", name);
    if (f.welcome) return target_handle(c, g, f.target);
    snprintf(words, sizeof words, "\"%s\" does not grant to be called by \"%s\"", name, c->name);
    return guest_refuse(c, words);
}

wardi_answer guest_find(wardi_guest *call)
{
    guest_span span;
    char name[GUEST_NAME_MAX + 1];
    child *c = guest_child(call);
    if (!guest_span_of(call, 0, &span)) return guest_breach(call, "find", 0);
    if (c == NULL) return guest_say(call, GUEST_UNAVAILABLE);
    guest *g = guest_of(c);
    if (g == NULL) return guest_say(call, GUEST_NO_MEMORY);
    if (!guest_text(span, name, sizeof name))
        return guest_say(call, guest_fail(c, GUEST_INVALID, "that is no component's name"));
    return guest_say(call, find(c, g, name));
}

guest_code guest_target_of(child *c, uint32_t handle, guest_target *ret_target)
{
    if (c == NULL) return GUEST_UNAVAILABLE;
    const guest *g = guest_of(c);
    if (g == NULL) return GUEST_NO_MEMORY;
    if (handle != GUEST_SELF && handle >= g->target_count)
        return guest_fail(c, GUEST_NOT_FOUND, "%d is no handle", (int32_t)handle);
    *ret_target = handle == GUEST_SELF ? (guest_target){.id = c->actor.id} : g->targets[handle];
    return GUEST_OK;
}

guest_code guest_target_choose(child *c, guest_target target, wardi_actor_id *ret_to)
{
    ward_supervisor *s = c->supervisor;
    if (WARD_LIKELY(!target.is_group)) {
        *ret_to = target.id;
        return GUEST_OK;
    }
    wardi_node_id node = {(uint32_t)target.id, target.generation};
    pthread_mutex_lock(&s->lock);
    group *g = group_at(s, node);
    const child *next = g != NULL ? group_next(g, c) : NULL;
    if (next != NULL) *ret_to = next->actor.id;
    pthread_mutex_unlock(&s->lock);
    return next != NULL ? GUEST_OK : guest_fail(c, GUEST_GONE, "all instances have been removed");
}

/* Whom the handle means now. */
static guest_code receiver_of(child *c, uint32_t handle, wardi_actor_id *ret_to)
{
    guest_target target;
    guest_code code = guest_target_of(c, handle, &target);
    return code == GUEST_OK ? guest_target_choose(c, target, ret_to) : code;
}

guest_code guest_message_of(child *c, guest_span span, wardi_message **ret_message)
{
    if (span.length > c->message_bytes_max)
        return guest_fail(c, GUEST_TOO_LARGE, "a message of %u bytes; %u are the most", span.length,
                          c->message_bytes_max);
    wardi_message *message = wardi_message_new(CHILD_BYTES);
    if (message == NULL) return GUEST_NO_MEMORY;
    if (!wardi_message_put(message, span.bytes, span.length)) {
        wardi_message_free(c->supervisor->sched, message);
        return GUEST_NO_MEMORY;
    }
    message->sender = c->actor.id;
    *ret_message = message;
    return GUEST_OK;
}

static guest_code send(child *c, wardi_actor_id to, wardi_message *message)
{
    wardi_sched *sched = c->supervisor->sched;
    ward_error error = wardi_sched_send(sched, to, message);
    if (WARD_LIKELY(error == WARD_OK)) return GUEST_OK;
    wardi_message_free(sched, message);
    return guest_fail(c, guest_code_of(error), "%s", ward_error_text(error));
}

wardi_answer guest_send(wardi_guest *call)
{
    guest_span span;
    wardi_actor_id to;
    wardi_message *message;
    child *c = guest_child(call);
    if (!guest_span_of(call, 1, &span)) return guest_breach(call, "send", 1);
    guest_code code = receiver_of(c, call->args[0].u32, &to);
    if (code == GUEST_OK) code = guest_message_of(c, span, &message);
    return guest_say(call, code == GUEST_OK ? send(c, to, message) : code);
}

/* ---- requests ---- */

uint64_t guest_number_next(guest *g, size_t index)
{
    return ++g->serial << 8 | index;
}

static guest_request *request_find(child *c, uint64_t number)
{
    guest *g = guest_if_any(c);
    if (g == NULL || number == 0) return NULL;
    guest_request *r = &g->requests[(number & 0xff) % GUEST_REQUESTS_MAX];
    return r->number == number ? r : NULL;
}

/* An answer that is still to come will find nobody. */
static void request_end(child *c, guest_request *r)
{
    if (r->answer != NULL) wardi_message_free(c->supervisor->sched, r->answer);
    *r = (guest_request){0};
}

/* Its number, or a code. */
static int64_t request_begin(child *c, wardi_actor_id to, guest_span span, int64_t timeout_ns)
{
    wardi_message *message;
    guest *g = guest_of(c);
    guest_request *r = NULL;
    for (size_t i = 0; g != NULL && r == NULL && i < GUEST_REQUESTS_MAX; i++)
        if (g->requests[i].number == 0) r = &g->requests[i];
    guest_code code = guest_message_of(c, span, &message);
    if (code != GUEST_OK) return code;
    if (r == NULL || timeout_ns < 0) {
        wardi_message_free(c->supervisor->sched, message);
        return r == NULL ? guest_fail(c, GUEST_LIMIT, "%d requests are open; no more can be",
                                      GUEST_REQUESTS_MAX)
                         : guest_fail(c, GUEST_INVALID, "a request's time is not below 0");
    }
    uint64_t number = guest_number_next(g, (size_t)(r - g->requests));
    uint64_t timeout = timeout_ns != 0 ? (uint64_t)timeout_ns : REQUEST_TIMEOUT_NS;
    uint64_t deadline_ns = wardi_add_sat(wardi_sched_now(c->supervisor->sched), timeout);
    message->correlation = number;
    message->expiry_ns = deadline_ns;
    wardi_message_ask_actor(message, &c->actor);
    code = send(c, to, message);
    if (code != GUEST_OK) return code;
    *r = (guest_request){.number = number, .to = to, .deadline_ns = deadline_ns};
    return (int64_t)number;
}

bool guest_answered(child *c, wardi_message *message)
{
    guest_request *r = request_find(c, message->correlation);
    if (r == NULL) {
        wardi_message_free(c->supervisor->sched, message);
        return false;
    }
    r->answer = message;
    return c->awaits == r->number;
}

/* ---- who waits for whom ----
 *
 * A child that waits says for whom, then looks whether the one it waits for waits for it, maybe
 * through others; all sequentially consistent. Of two that close a circle at the same time, each
 * has said so before it looks, so at least one sees it; if both do, both are refused. */

typedef struct chain {
    wardi_text *text; /* NULL: nobody reads it */
    wardi_actor_id next;
} chain;

static void chain_look(void *context, wardi_actor *actor)
{
    chain *at = context;
    const child *c = actor->context;
    if (at->text != NULL) wardi_text_printf(at->text, " -> %s", c->name);
    at->next = atomic_load(&c->waits_for);
}

/* Whether it comes back to `c`. A chain of so many is as good as a circle. */
static bool waits_in_circle(child *c, wardi_actor_id to, wardi_text *text)
{
    chain at = {.text = text, .next = to};
    for (int i = 0; i < CHAIN_MAX && at.next != 0 && at.next != c->actor.id; i++)
        if (!wardi_sched_look(c->supervisor->sched, at.next, chain_look, &at)) return false;
    return at.next != 0;
}

static guest_code wait_for(child *c, wardi_actor_id to)
{
    if (!c->handling)
        return guest_fail(c, GUEST_UNAVAILABLE,
                          "only while it handles a message can a guest wait "
                          "for an answer");
    atomic_store(&c->waits_for, to);
    if (WARD_LIKELY(!waits_in_circle(c, to, NULL))) return GUEST_OK;
    char words[sizeof((guest *)0)->words];
    wardi_text text = WARDI_TEXT(words);
    wardi_text_puts(&text, c->name);
    waits_in_circle(c, to, &text); /* the way, unless it has come apart since */
    atomic_store(&c->waits_for, 0);
    return guest_fail(c, GUEST_CYCLE, "they would wait for each other: %s -> %s", words, c->name);
}

/* ---- waiting ---- */

static void wait_over(child *c)
{
    c->awaits = 0;
    atomic_store(&c->waits_for, 0);
}

/* The answer, to where the arguments say; its whole length, or a code. */
static int64_t answer_take(child *c, guest_request *r, guest_span to)
{
    const wardi_message *answer = r->answer;
    ward_error status = (ward_error)answer->status;
    int64_t result = answer->length;
    if (status == WARD_OK) {
        size_t fits = answer->length < to.length ? answer->length : to.length;
        if (fits != 0) memcpy(to.bytes, answer->payload, fits);
    } else {
        result = guest_fail(c, guest_code_of(status), "%s", ward_error_text(status));
    }
    request_end(c, r);
    return result;
}

/* Where the answer goes: arguments 3 and 4 of `request`, 1 and 2 of `request_end`, by wait[1]. */
wardi_answer guest_request_done(wardi_guest *call)
{
    guest_span to;
    child *c = guest_child(call);
    guest_request *r = request_find(c, call->wait[0]);
    WARD_ASSERT(r != NULL);
    if (r->answer == NULL && wardi_sched_now(c->supervisor->sched) < call->wake_ns)
        return WARDI_WAITS;
    wait_over(c);
    if (r->answer == NULL) {
        request_end(c, r);
        return guest_say_wide(call, guest_fail(c, GUEST_TIMEOUT, "no answer in time"));
    }
    bool inside = guest_span_of(call, (unsigned)call->wait[1], &to);
    WARD_ASSERT(inside); /* it was when the wait began, and memories don't shrink */
    return guest_say_wide(call, answer_take(c, r, to));
}

void guest_request_forget(wardi_guest *call)
{
    child *c = guest_child(call);
    guest_request *r = request_find(c, call->wait[0]);
    wait_over(c);
    if (r != NULL) request_end(c, r);
}

static wardi_answer request_wait(wardi_guest *call, guest_request *r, unsigned answer_arg)
{
    child *c = guest_child(call);
    call->wait[0] = r->number;
    call->wait[1] = answer_arg;
    call->wake_ns = r->deadline_ns;
    c->awaits = r->number;
    return guest_request_done(call);
}

wardi_answer guest_request_all(wardi_guest *call)
{
    guest_span span, to;
    child *c = guest_child(call);
    if (!guest_span_of(call, 1, &span)) return guest_breach(call, "request", 1);
    if (!guest_span_of(call, 3, &to)) return guest_breach(call, "request", 3);
    wardi_actor_id whom;
    guest_code code = receiver_of(c, call->args[0].u32, &whom);
    if (code == GUEST_OK) code = wait_for(c, whom);
    if (code != GUEST_OK) return guest_say_wide(call, code);
    int64_t number = request_begin(c, whom, span, call->args[5].i64);
    if (number > 0) return request_wait(call, request_find(c, (uint64_t)number), 3);
    wait_over(c);
    return guest_say_wide(call, number);
}

wardi_answer guest_request_begin(wardi_guest *call)
{
    guest_span span;
    wardi_actor_id whom;
    child *c = guest_child(call);
    if (!guest_span_of(call, 1, &span)) return guest_breach(call, "request_begin", 1);
    guest_code code = receiver_of(c, call->args[0].u32, &whom);
    if (code != GUEST_OK) return guest_say_wide(call, code);
    return guest_say_wide(call, request_begin(c, whom, span, call->args[3].i64));
}

static guest_code no_request(child *c)
{
    return c != NULL ? guest_fail(c, GUEST_NOT_FOUND, "there is no such request")
                     : GUEST_UNAVAILABLE;
}

wardi_answer guest_request_end(wardi_guest *call)
{
    guest_span to;
    child *c = guest_child(call);
    if (!guest_span_of(call, 1, &to)) return guest_breach(call, "request_end", 1);
    guest_request *r = c != NULL ? request_find(c, call->args[0].u64) : NULL;
    if (r == NULL) return guest_say_wide(call, no_request(c));
    if (r->answer != NULL) return guest_say_wide(call, answer_take(c, r, to));
    guest_code code = wait_for(c, r->to);
    if (code == GUEST_OK) return request_wait(call, r, 1);
    if (code == GUEST_CYCLE) request_end(c, r);
    return guest_say_wide(call, code);
}

wardi_answer guest_request_cancel(wardi_guest *call)
{
    child *c = guest_child(call);
    guest_request *r = c != NULL ? request_find(c, call->args[0].u64) : NULL;
    if (r == NULL) return guest_say(call, no_request(c));
    request_end(c, r);
    return guest_say(call, GUEST_OK);
}

/* ---- the message that is being handled ---- */

static void sender_look(void *context, wardi_actor *actor)
{
    wardi_text *name = context;
    const child *c = actor->context;
    wardi_text_puts(name, c->name);
}

bool message_sender(wardi_sched *sched, const wardi_message *message, wardi_text *name)
{
    return message->sender == 0 || wardi_sched_look(sched, message->sender, sender_look, name);
}

/* Not in the guest's own ward_alloc, which runs for the message, but before it. */
wardi_message *guest_current(child *c)
{
    bool handles = c != NULL && c->handling && wardi_component_handles(c->component);
    return handles && c->message != NULL && c->message->kind != CHILD_INVOKE ? c->message : NULL;
}

guest_code guest_no_message(child *c)
{
    if (c == NULL) return GUEST_UNAVAILABLE;
    return guest_fail(c, GUEST_UNAVAILABLE, "no message is being handled, or it was answered");
}

wardi_answer guest_sender(wardi_guest *call)
{
    guest_span span;
    char words[GUEST_NAME_MAX + 1] = "";
    wardi_text name = WARDI_TEXT(words);
    child *c = guest_child(call);
    if (!guest_span_of(call, 0, &span)) return guest_breach(call, "sender", 0);
    const wardi_message *message = guest_current(c);
    if (message == NULL) return guest_say(call, guest_no_message(c));
    if (!message_sender(c->supervisor->sched, message, &name))
        return guest_say(call, guest_fail(c, GUEST_GONE, "its sender has been removed"));
    return guest_say(call, guest_put(span, words, name.length));
}

wardi_answer guest_correlation(wardi_guest *call)
{
    child *c = guest_child(call);
    const wardi_message *message = guest_current(c);
    if (message == NULL) return guest_say_wide(call, guest_no_message(c));
    if (!wardi_message_asks(message)) return guest_say_wide(call, 0);
    guest *g = guest_of(c);
    if (g == NULL) return guest_say_wide(call, GUEST_NO_MEMORY);
    if (g->current == 0) g->current = guest_number_next(g, 0xff);
    return guest_say_wide(call, (int64_t)g->current);
}

wardi_answer guest_defer(wardi_guest *call)
{
    child *c = guest_child(call);
    wardi_message *message = guest_current(c);
    if (message == NULL) return guest_say_wide(call, guest_no_message(c));
    if (!wardi_message_asks(message)) return guest_say_wide(call, 0);
    guest *g = guest_of(c);
    for (size_t i = 0; g != NULL && i < GUEST_REPLIES_MAX; i++) {
        if (g->replies[i].number != 0) continue;
        g->replies[i] = (guest_reply){.number = guest_number_next(g, i), .message = message};
        c->message = NULL;
        return guest_say_wide(call, (int64_t)g->replies[i].number);
    }
    if (g == NULL) return guest_say_wide(call, GUEST_NO_MEMORY);
    return guest_say_wide(
        call,
        guest_fail(c, GUEST_LIMIT, "%d answers are deferred; no more can be", GUEST_REPLIES_MAX));
}

/* Takes the message that the number names: the one that is handled, or one that was deferred. */
static wardi_message *message_take(child *c, uint64_t number)
{
    wardi_message *message = NULL;
    guest *g = c != NULL ? guest_if_any(c) : NULL;
    if (g == NULL || number == 0) return NULL;
    guest_reply *deferred = &g->replies[(number & 0xff) % GUEST_REPLIES_MAX];
    if (number == g->current) {
        message = guest_current(c);
        if (message != NULL) c->message = NULL;
    } else if (deferred->number == number) {
        message = deferred->message;
        *deferred = (guest_reply){0};
    }
    return message;
}

wardi_answer guest_reply_to(wardi_guest *call)
{
    guest_span span;
    child *c = guest_child(call);
    if (!guest_span_of(call, 1, &span)) return guest_breach(call, "reply", 1);
    if (c != NULL && span.length > c->message_bytes_max)
        return guest_say(call,
                         guest_fail(c, GUEST_TOO_LARGE, "an answer of %u bytes; %u are the most",
                                    span.length, c->message_bytes_max));
    wardi_message *message = message_take(c, call->args[0].u64);
    if (message == NULL)
        return guest_say(call, c == NULL ? GUEST_UNAVAILABLE
                                         : guest_fail(c, GUEST_NOT_FOUND,
                                                      "no such message waits for an answer"));
    bool put = wardi_message_put(message, span.bytes, span.length);
    wardi_message_answer(c->supervisor->sched, message, put ? WARD_OK : WARD_ERROR_NO_MEMORY);
    return guest_say(call, put ? GUEST_OK : GUEST_NO_MEMORY);
}

/* ---- the end of a message, and of a run ---- */

void guest_message_over(child *c)
{
    guest *g = guest_if_any(c);
    if (g != NULL) g->current = 0;
}

void guest_run_over(child *c, ward_error cause)
{
    guest *g = guest_if_any(c);
    if (g == NULL) return;
    for (size_t i = 0; i < GUEST_REQUESTS_MAX; i++) request_end(c, &g->requests[i]);
    for (size_t i = 0; i < GUEST_REPLIES_MAX; i++) {
        if (g->replies[i].number == 0) continue;
        wardi_message_answer(c->supervisor->sched, g->replies[i].message, cause);
        g->replies[i] = (guest_reply){0};
    }
    guest_timers_over(c);
    g->target_count = 0;
}

void guest_free(child *c)
{
    guest *g = guest_if_any(c);
    if (g == NULL) return;
    metrics_free(g);
    wardi_free(g->targets);
    wardi_free(g->timers);
    wardi_free(g);
}
