/* Publish and subscribe: who hears of which topics. One copy of what is published serves all. */
#include <string.h>

#include "host/guest.h"

/* ---- what is published ---- */

static publication *publication_new(const char *topic, const uint8_t *bytes, size_t length)
{
    size_t topic_length = strlen(topic);
    publication *p = wardi_alloc(sizeof *p + topic_length + length);
    if (p == NULL) return NULL;
    atomic_init(&p->holders, 1);
    p->topic_length = (uint32_t)topic_length;
    p->length = (uint32_t)length;
    memcpy(p->bytes, topic, topic_length);
    if (length != 0) memcpy(p->bytes + topic_length, bytes, length);
    return p;
}

static void publication_release(void *payload, size_t length)
{
    (void)length;
    publication *p = payload;
    if (atomic_fetch_sub_explicit(&p->holders, 1, memory_order_acq_rel) == 1) wardi_free(p);
}

/* ---- to whom ---- */

typedef struct audience {
    uint64_t *ids;
    size_t count, room;
    bool no_memory;
} audience;

static void audience_add(void *context, uint64_t id)
{
    audience *a = context;
    if (a->count == a->room) {
        size_t room = a->room != 0 ? 2 * a->room : 16;
        uint64_t *grown = wardi_grow(a->ids, a->room * sizeof *grown, room * sizeof *grown);
        if (grown == NULL) {
            a->no_memory = true;
            return;
        }
        a->ids = grown;
        a->room = room;
    }
    a->ids[a->count++] = id;
}

/* What a full mailbox does is its owner's choice, and counted there. */
static bool send_one(ward_supervisor *s, wardi_actor_id from, wardi_actor_id to, publication *p)
{
    wardi_message *message = wardi_message_new(CHILD_TOPIC);
    if (message == NULL) return false;
    atomic_fetch_add_explicit(&p->holders, 1, memory_order_relaxed);
    wardi_message_attach(message, p, p->length, publication_release);
    message->sender = from;
    if (wardi_sched_send(s->sched, to, message) == WARD_OK) return true;
    wardi_message_free(s->sched, message);
    return false;
}

/* Those who hear of it are told after the index has been let go: a send may wait for room. */
ward_error topics_publish(ward_supervisor *s, wardi_actor_id from, const char *topic,
                          const uint8_t *bytes, size_t length, size_t *ret_count,
                          ward_diag *ret_diag)
{
    audience a = {0};
    size_t count = 0;
    pthread_mutex_lock(&s->topics_lock);
    ward_error error = wardi_topics_publish(s->topics, topic, audience_add, &a, ret_diag);
    pthread_mutex_unlock(&s->topics_lock);
    publication *p =
        error == WARD_OK && a.count != 0 ? publication_new(topic, bytes, length) : NULL;
    if (a.no_memory || (a.count != 0 && error == WARD_OK && p == NULL))
        error = wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory to publish");
    for (size_t i = 0; error == WARD_OK && i < a.count; i++)
        count += send_one(s, from, a.ids[i], p);
    if (p != NULL) publication_release(p, p->length);
    wardi_free(a.ids);
    if (error == WARD_OK && ret_count != NULL) *ret_count = count;
    return error;
}

void topics_forget(child *c)
{
    pthread_mutex_lock(&c->supervisor->topics_lock);
    wardi_topics_unsubscribe_all(c->supervisor->topics, c->actor.id);
    pthread_mutex_unlock(&c->supervisor->topics_lock);
}

/* ---- the application's ---- */

static ward_error bad_topic(const char *topic, wardi_text_kind kind, ward_diag *ret_diag)
{
    const char *fault = topic != NULL ? wardi_access_fault(topic, kind) : "it is required";
    if (fault == NULL) return WARD_OK;
    return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT, "topic: %s", fault);
}

ward_error topics_fault(const char *topic, size_t length, ward_diag *ret_diag)
{
    if (length > UINT32_MAX)
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT, "at most 4 GiB at once");
    return bad_topic(topic, WARDI_TOPIC, ret_diag);
}

ward_error ward_supervisor_publish(ward_supervisor *s, const char *topic, const uint8_t *bytes,
                                   size_t length, size_t *ret_count, ward_diag *ret_diag)
{
    if (!s->started) return wardi_fail(ret_diag, WARD_ERROR_STATE, "it has not been started");
    ward_error error = topics_fault(topic, length, ret_diag);
    return error == WARD_OK ? topics_publish(s, 0, topic, bytes, length, ret_count, ret_diag)
                            : error;
}

ward_error ward_supervisor_subscribe(ward_supervisor *s, ward_child_id id, const char *pattern,
                                     ward_diag *ret_diag)
{
    if (!s->started) return wardi_fail(ret_diag, WARD_ERROR_STATE, "it has not been started");
    ward_error error = bad_topic(pattern, WARDI_TOPIC_PATTERN, ret_diag);
    if (error != WARD_OK) return error;
    pthread_mutex_lock(&s->topics_lock);
    error = wardi_topics_subscribe(s->topics, pattern, id, ret_diag);
    pthread_mutex_unlock(&s->topics_lock);
    return error;
}

ward_error ward_supervisor_unsubscribe(ward_supervisor *s, ward_child_id id, const char *pattern)
{
    if (!s->started) return WARD_ERROR_STATE;
    if (bad_topic(pattern, WARDI_TOPIC_PATTERN, NULL) != WARD_OK)
        return WARD_ERROR_INVALID_ARGUMENT;
    pthread_mutex_lock(&s->topics_lock);
    bool was = wardi_topics_unsubscribe(s->topics, pattern, id);
    pthread_mutex_unlock(&s->topics_lock);
    return was ? WARD_OK : WARD_ERROR_NOT_FOUND;
}

/* ---- the guest's ---- */

/* The topic or pattern that the first two arguments name, if it is one and granted. */
static guest_code topic_of(const wardi_guest *call, guest_span span, wardi_text_kind kind,
                           wardi_verb verb, char topic[GUEST_TOPIC_MAX + 1])
{
    child *c = guest_child(call);
    if (c == NULL) return GUEST_UNAVAILABLE;
    if (!guest_text(span, topic, GUEST_TOPIC_MAX + 1))
        return guest_fail(c, GUEST_INVALID, "that is no topic");
    const char *fault = wardi_access_fault(topic, kind);
    if (fault != NULL) return guest_fail(c, GUEST_INVALID, "topic \"%s\": %s", topic, fault);
    return wardi_grants_allow(c->grants, verb, topic) ? GUEST_OK : guest_deny(c, verb, topic);
}

wardi_answer guest_publish(wardi_guest *call)
{
    guest_span name, span;
    char topic[GUEST_TOPIC_MAX + 1];
    child *c = guest_child(call);
    if (!guest_span_of(call, 0, &name)) return guest_breach(call, "publish", 0);
    if (!guest_span_of(call, 2, &span)) return guest_breach(call, "publish", 2);
    guest_code code = topic_of(call, name, WARDI_TOPIC, WARDI_PUBLISH, topic);
    if (code != GUEST_OK) return guest_say(call, code);
    if (span.length > c->message_bytes_max)
        return guest_say(call, guest_fail(c, GUEST_TOO_LARGE, "%u bytes; %u are the most",
                                          span.length, c->message_bytes_max));
    size_t count = 0;
    ward_error error =
        topics_publish(c->supervisor, c->actor.id, topic, span.bytes, span.length, &count, NULL);
    return guest_say(call, error == WARD_OK ? (int32_t)count : guest_code_of(error));
}

static guest_code subscribe(child *c, const char *pattern)
{
    ward_supervisor *s = c->supervisor;
    ward_error error = WARD_OK;
    pthread_mutex_lock(&s->topics_lock);
    bool full = wardi_topics_count(s->topics, c->actor.id) >= GUEST_SUBSCRIPTIONS_MAX &&
                !wardi_topics_has(s->topics, pattern, c->actor.id);
    if (!full) error = wardi_topics_subscribe(s->topics, pattern, c->actor.id, NULL);
    pthread_mutex_unlock(&s->topics_lock);
    if (!full) return guest_code_of(error);
    return guest_fail(c, GUEST_LIMIT, "%d subscriptions; no more can be", GUEST_SUBSCRIPTIONS_MAX);
}

wardi_answer guest_subscribe(wardi_guest *call)
{
    guest_span span;
    char pattern[GUEST_TOPIC_MAX + 1];
    if (!guest_span_of(call, 0, &span)) return guest_breach(call, "subscribe", 0);
    guest_code code = topic_of(call, span, WARDI_TOPIC_PATTERN, WARDI_SUBSCRIBE, pattern);
    return guest_say(call, code == GUEST_OK ? subscribe(guest_child(call), pattern) : code);
}

wardi_answer guest_unsubscribe(wardi_guest *call)
{
    guest_span span;
    char pattern[GUEST_TOPIC_MAX + 1];
    child *c = guest_child(call);
    if (!guest_span_of(call, 0, &span)) return guest_breach(call, "unsubscribe", 0);
    if (c == NULL) return guest_say(call, GUEST_UNAVAILABLE);
    if (!guest_text(span, pattern, sizeof pattern))
        return guest_say(call, guest_fail(c, GUEST_INVALID, "that is no topic"));
    ward_error error = ward_supervisor_unsubscribe(c->supervisor, c->actor.id, pattern);
    if (error == WARD_OK) return guest_say(call, GUEST_OK);
    return guest_say(call, guest_fail(c, guest_code_of(error), "there is no such subscription"));
}

wardi_answer guest_topic(wardi_guest *call)
{
    guest_span span;
    child *c = guest_child(call);
    if (!guest_span_of(call, 0, &span)) return guest_breach(call, "topic", 0);
    const wardi_message *message = guest_current(c);
    if (message == NULL) return guest_say(call, guest_no_message(c));
    if (message->kind != CHILD_TOPIC) return guest_say(call, 0);
    const publication *p = message->payload;
    return guest_say(call, guest_put(span, (const char *)p->bytes, p->topic_length));
}
