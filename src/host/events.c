#include <string.h>

#include "host/host_priv.h"

enum {
    PENDING_MAX = 65536, /* 50 MB of them */
    KEPT_MAX = 4096,     /* of their room, once all are delivered */
};

ward_event event_of(const child *c, ward_event_kind kind)
{
    ward_state state = child_state(c);
    return (ward_event){.size = sizeof(ward_event),
                        .kind = kind,
                        .component = c->name,
                        .version = c->version,
                        .from_state = state,
                        .state = state,
                        .from_health = c->trend.health,
                        .health = c->trend.health,
                        .ready = c->ready,
                        .flapping = c->trend.flapping,
                        .instance = c->instance,
                        .child_id = c->actor.id};
}

static bool batch_reserve(event_batch *batch)
{
    if (batch->count < batch->capacity) return true;
    if (batch->count >= PENDING_MAX) return false;
    size_t capacity = batch->capacity != 0 ? 2 * batch->capacity : 32;
    event_record *grown = wardi_grow(batch->records, batch->capacity * sizeof(event_record),
                                     capacity * sizeof(event_record));
    if (grown == NULL) return false;
    batch->records = grown;
    batch->capacity = capacity;
    return true;
}

void event_push(ward_supervisor *s, ward_event event, const char *reason)
{
    event.sequence = ++s->event_sequence; /* counted even when it is lost: the gap tells */
    event.wall_ns = wardi_wall_ns();
    if (s->on_event == NULL) return;
    if (!batch_reserve(&s->pending)) {
        s->events_lost++;
        return;
    }
    event_record *record = &s->pending.records[s->pending.count++];
    record->event = event;
    wardi_text name = WARDI_TEXT(record->component), version = WARDI_TEXT(record->version);
    wardi_text_puts(&name, event.component);
    wardi_text_puts(&version, event.version);
    wardi_reason_set(&record->reason, reason);
}

/* Else the gap would show only with the next event, and that may be hours away. */
static void tell_of_lost(ward_supervisor *s)
{
    uint64_t lost = s->events_lost;
    ward_event event = {
        .size = sizeof event, .kind = WARD_EVENT_MISSING, .component = "", .version = ""};
    char words[96];
    wardi_text text = WARDI_TEXT(words);
    if (lost == 0 || s->pending.count != 0) return;
    s->events_lost = 0;
    wardi_text_printf(&text, "%llu events are missing: too many at once, or no memory",
                      (unsigned long long)lost);
    event_push(s, event, words);
    if (s->events_lost != 0) s->events_lost += lost; /* not now, either */
}

static void batch_empty(event_batch *batch)
{
    batch->count = 0;
    if (batch->capacity <= KEPT_MAX) return;
    wardi_free(batch->records);
    *batch = (event_batch){0};
}

void events_deliver(ward_supervisor *s)
{
    if (s->delivering) return;
    tell_of_lost(s);
    if (s->pending.count == 0) return;
    s->delivering = true;
    while (s->pending.count > 0) {
        event_batch batch = s->pending;
        s->pending = s->spare;
        s->spare = (event_batch){0};
        pthread_mutex_unlock(&s->lock);
        for (size_t i = 0; i < batch.count; i++) {
            event_record *record = &batch.records[i];
            record->event.reason = record->reason.text;
            record->event.component = record->component;
            record->event.version = record->version;
            s->on_event(s->event_context, &record->event);
        }
        batch_empty(&batch);
        pthread_mutex_lock(&s->lock);
        s->spare = batch;
        tell_of_lost(s);
    }
    s->delivering = false;
    pthread_cond_broadcast(&s->changed);
}

void events_done(ward_supervisor *s)
{
    wardi_free(s->pending.records);
    wardi_free(s->spare.records);
}

const char *ward_event_kind_name(ward_event_kind kind)
{
    static const char *const names[WARD_EVENT_KIND_COUNT] = {
        [WARD_EVENT_STATE] = "state",         [WARD_EVENT_HEALTH] = "health",
        [WARD_EVENT_READY] = "ready",         [WARD_EVENT_RESTART] = "restart",
        [WARD_EVENT_GIVEN_UP] = "given_up",   [WARD_EVENT_FLAPPING] = "flapping",
        [WARD_EVENT_STOPPED] = "stopped",     [WARD_EVENT_GROUP] = "group",
        [WARD_EVENT_DENIED] = "denied",       [WARD_EVENT_GROUP_HEALTH] = "group_health",
        [WARD_EVENT_SET_ASIDE] = "set_aside", [WARD_EVENT_OPERATOR] = "operator",
        [WARD_EVENT_ADDED] = "added",         [WARD_EVENT_REMOVED] = "removed",
        [WARD_EVENT_MISSING] = "missing"};
    return (unsigned)kind < WARD_COUNT(names) ? names[kind] : "unknown";
}

const char *ward_cause_name(ward_cause cause)
{
    static const char *const names[WARD_CAUSE_COUNT] = {
        [WARD_CAUSE_NONE] = "none",
        [WARD_CAUSE_CRASH] = "crash",
        [WARD_CAUSE_HANG] = "hang",
        [WARD_CAUSE_HEALTH] = "health",
        [WARD_CAUSE_EXIT] = "exit",
        [WARD_CAUSE_NEED] = "need",
        [WARD_CAUSE_OPERATOR] = "operator",
        [WARD_CAUSE_SIBLING] = "sibling",
        [WARD_CAUSE_ESCALATION] = "escalation",
        [WARD_CAUSE_START] = "start",
        [WARD_CAUSE_START_TIMEOUT] = "start_timeout",
    };
    return (unsigned)cause < WARD_COUNT(names) ? names[cause] : "unknown";
}
