#include "record/record_priv.h"

static void set(json_t *object, const char *key, const char *text)
{
    json_object_set_new(object, key, wardi_json_text(text));
}

static void set_what(json_t *object, const ward_event *event)
{
    switch (event->kind) {
    case WARD_EVENT_STATE:
        set(object, "from", ward_state_name(event->from_state));
        set(object, "to", ward_state_name(event->state));
        if (event->version[0] != '\0') set(object, "version", event->version);
        if (event->cause != WARD_CAUSE_NONE) set(object, "cause", ward_cause_name(event->cause));
        if (event->evidence != 0)
            json_object_set_new(object, "evidence", number_json(event->evidence));
        break;
    case WARD_EVENT_HEALTH:
        set(object, "from", ward_child_health_name(event->from_health));
        set(object, "to", ward_child_health_name(event->health));
        set(object, "source", ward_source_name(event->source));
        set(object, "probe_error",
            event->probe_error != WARD_PROBE_OK ? ward_probe_error_name(event->probe_error) : NULL);
        break;
    case WARD_EVENT_READY: json_object_set_new(object, "ready", json_boolean(event->ready)); break;
    case WARD_EVENT_RESTART:
        set(object, "cause", ward_cause_name(event->cause));
        json_object_set_new(object, "attempt", json_integer(event->attempt));
        json_object_set_new(object, "delay_ns", number_json(event->delay_ns));
        break;
    case WARD_EVENT_GIVEN_UP: set(object, "cause", ward_cause_name(event->cause)); break;
    case WARD_EVENT_GROUP:
        set(object, "to", event->reason);
        set(object, "cause", ward_cause_name(event->cause));
        json_object_set_new(object, "delay_ns", number_json(event->delay_ns));
        break;
    case WARD_EVENT_FLAPPING:
        json_object_set_new(object, "flapping", json_boolean(event->flapping));
        break;
    case WARD_EVENT_GROUP_HEALTH:
        set(object, "from", ward_child_health_name(event->from_health));
        set(object, "to", ward_child_health_name(event->health));
        json_object_set_new(object, "ready", json_boolean(event->ready));
        break;
    case WARD_EVENT_SET_ASIDE:
    case WARD_EVENT_DENIED:
    case WARD_EVENT_OPERATOR:
    case WARD_EVENT_ADDED:
    case WARD_EVENT_REMOVED:
    case WARD_EVENT_MISSING:
    case WARD_EVENT_STOPPED: break;
    }
}

json_t *wardi_event_json(const ward_event *event)
{
    json_t *object = json_object();
    json_object_set_new(object, "time", wardi_json_time(event->wall_ns));
    json_object_set_new(object, "sequence", number_json(event->sequence));
    set(object, "event", ward_event_kind_name(event->kind));
    bool is_group = event->kind == WARD_EVENT_GROUP, is_named = event->component[0] != '\0';
    if (is_group || event->kind == WARD_EVENT_GROUP_HEALTH)
        set(object, "group", is_named ? event->component : NULL); /* null: the supervisor itself */
    else if (is_named)
        set(object, "component", event->component);
    set_what(object, event);
    bool has_reason = event->kind != WARD_EVENT_STOPPED && event->kind != WARD_EVENT_FLAPPING &&
                      !is_group; /* of a group, the reason is what it goes to */
    if (has_reason) set(object, "reason", event->reason);
    return object;
}

/* ---- the rest ---- */

static void add(json_t *object, const char *key, json_t *value)
{
    if (json_object_get(object, key) == NULL)
        json_object_set_new(object, key, value);
    else
        json_decref(value);
}

static void add_name(json_t *object, const char *key, const char *name)
{
    add(object, key, wardi_json_text(name));
}

json_t *wardi_event_json_whole(const ward_event *event)
{
    json_t *object = wardi_event_json(event);
    add(object, "wall_ns", number_json(event->wall_ns));
    add_name(object, "component", event->component);
    add_name(object, "from_state", ward_state_name(event->from_state));
    add_name(object, "state", ward_state_name(event->state));
    add_name(object, "from_health", ward_child_health_name(event->from_health));
    add_name(object, "health", ward_child_health_name(event->health));
    add_name(object, "source", ward_source_name(event->source));
    add_name(object, "probe_error", ward_probe_error_name(event->probe_error));
    add(object, "ready", json_boolean(event->ready));
    add(object, "flapping", json_boolean(event->flapping));
    add_name(object, "cause", ward_cause_name(event->cause));
    add(object, "attempt", json_integer(event->attempt));
    add(object, "delay_ns", number_json(event->delay_ns));
    add_name(object, "reason", event->reason);
    add_name(object, "version", event->version);
    add(object, "instance", json_boolean(event->instance));
    add(object, "evidence", number_json(event->evidence));
    add(object, "detected_ns", number_json(event->detected_ns));
    return object;
}
