/* What a native child says in its own name: sent, asked and published with it as the sender, as far
 * as it is granted. Any thread may speak for it: what is read here never changes while it lives. */
#include "host/host_priv.h"
#include "host/message.h"

/* The child, pinned. Errors: ACTOR_GONE; INVALID_ARGUMENT: it is none of the application's. */
static ward_error speaker(ward_supervisor *s, ward_child_id from, child **ret_child)
{
    if (!s->started) return WARD_ERROR_STATE;
    wardi_actor *actor = wardi_sched_pin(s->sched, from);
    if (actor == NULL) return WARD_ERROR_ACTOR_GONE;
    child *c = child_in(actor);
    if (c != NULL && c->kind == &native_kind) {
        *ret_child = c;
        return WARD_OK;
    }
    wardi_actor_unpin(actor);
    return WARD_ERROR_INVALID_ARGUMENT;
}

typedef struct introduction {
    const child *from;
    bool welcome;
} introduction;

static void introduce(void *context, wardi_actor *actor)
{
    introduction *i = context;
    const child *to = child_in(actor);
    i->welcome =
        to != NULL && child_granted(i->from->grants, WARDI_SEND, to) && child_welcomes(to, i->from);
}

static ward_error may_send(ward_supervisor *s, const child *from, ward_child_id to)
{
    introduction i = {.from = from};
    if (!wardi_sched_look(s->sched, to, introduce, &i)) return WARD_ERROR_ACTOR_GONE;
    return i.welcome ? WARD_OK : WARD_ERROR_DENIED;
}

/* Takes the message. */
static ward_error send_as(ward_supervisor *s, child *from, ward_child_id to, wardi_message *message)
{
    if (message == NULL) return WARD_ERROR_NO_MEMORY;
    message->sender = from->actor.id;
    ward_error error = may_send(s, from, to);
    if (error == WARD_OK) error = wardi_sched_send(s->sched, to, message);
    if (error != WARD_OK) wardi_message_free(s->sched, message);
    return error;
}

ward_error ward_supervisor_send_as(ward_supervisor *s, ward_child_id from, ward_child_id to,
                                   const uint8_t *bytes, size_t length)
{
    child *c;
    ward_error error = speaker(s, from, &c);
    if (error != WARD_OK) return error;
    error = send_as(s, c, to, bytes_message(bytes, length));
    wardi_actor_unpin(&c->actor);
    return error;
}

ward_error ward_supervisor_request_as(ward_supervisor *s, ward_child_id from, ward_child_id to,
                                      const uint8_t *bytes, size_t length, uint64_t correlation,
                                      uint64_t timeout_ns)
{
    child *c;
    ward_error error = speaker(s, from, &c);
    if (error != WARD_OK) return error;
    wardi_message *message = native_hears(c) ? bytes_message(bytes, length) : NULL;
    if (message != NULL) {
        message->correlation = correlation;
        message->expiry_ns = message_deadline(s, timeout_ns);
        wardi_message_ask_actor(message, &c->actor);
    }
    error = native_hears(c) ? send_as(s, c, to, message) : WARD_ERROR_INVALID_ARGUMENT;
    wardi_actor_unpin(&c->actor);
    return error;
}

ward_error ward_supervisor_publish_as(ward_supervisor *s, ward_child_id from, const char *topic,
                                      const uint8_t *bytes, size_t length, size_t *ret_count)
{
    child *c;
    ward_error error = speaker(s, from, &c);
    if (error != WARD_OK) return error;
    error = topics_fault(topic, length, NULL);
    if (error == WARD_OK && !wardi_grants_allow(c->grants, WARDI_PUBLISH, topic))
        error = WARD_ERROR_DENIED;
    if (error == WARD_OK) error = topics_publish(s, from, topic, bytes, length, ret_count, NULL);
    wardi_actor_unpin(&c->actor);
    return error;
}
