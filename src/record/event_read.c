#include "record/record_priv.h"

static const char *kind_name_of(int value)
{
    return ward_event_kind_name((ward_event_kind)value);
}

/* What the plain form calls `from` and `to`. */
static void read_move(reader *r, ward_event *event)
{
    int from = 0, to = 0;
    bool is_state = event->kind == WARD_EVENT_STATE;
    if (event->kind == WARD_EVENT_GROUP) {
        read_borrowed(r, "to", REQUIRED, &event->reason);
        return;
    }
    if (!is_state && event->kind != WARD_EVENT_HEALTH && event->kind != WARD_EVENT_GROUP_HEALTH)
        return;
    read_name(r, "from", REQUIRED, is_state ? state_name_of : health_name_of, &from);
    read_name(r, "to", REQUIRED, is_state ? state_name_of : health_name_of, &to);
    if (is_state) {
        event->from_state = (ward_state)from;
        event->state = (ward_state)to;
    } else {
        event->from_health = (ward_child_health)from;
        event->health = (ward_child_health)to;
    }
}

static void read_names(reader *r, ward_event *event)
{
    int from_state = (int)event->from_state, state = (int)event->state, cause = 0, source = 0;
    int from_health = (int)event->from_health, health = (int)event->health, probe_error = 0;
    read_name(r, "from_state", OPTIONAL, state_name_of, &from_state);
    read_name(r, "state", OPTIONAL, state_name_of, &state);
    read_name(r, "from_health", OPTIONAL, health_name_of, &from_health);
    read_name(r, "health", OPTIONAL, health_name_of, &health);
    read_name(r, "source", OPTIONAL, source_name_of, &source);
    read_name(r, "probe_error", OPTIONAL, probe_error_name_of, &probe_error);
    read_name(r, "cause", OPTIONAL, cause_name_of, &cause);
    event->from_state = (ward_state)from_state;
    event->state = (ward_state)state;
    event->from_health = (ward_child_health)from_health;
    event->health = (ward_child_health)health;
    event->source = (ward_source)source;
    event->probe_error = (ward_probe_error)probe_error;
    event->cause = (ward_cause)cause;
}

ward_error wardi_event_of_json(const json_t *document, ward_event *ret_event, ward_diag *ret_diag)
{
    reader r = {.object = document, .place = "", .what = "event", .diag = ret_diag};
    ward_event event = {.size = sizeof event, .component = "", .reason = "", .version = ""};
    int kind = 0;
    read_name(&r, "event", REQUIRED, kind_name_of, &kind);
    event.kind = (ward_event_kind)kind;
    read_u64(&r, "sequence", REQUIRED, &event.sequence);
    read_time(&r, "time", REQUIRED, &event.wall_ns);
    read_u64(&r, "wall_ns", OPTIONAL, &event.wall_ns);
    read_borrowed(&r, "group", OPTIONAL, &event.component);
    read_borrowed(&r, "component", OPTIONAL, &event.component);
    read_move(&r, &event);
    read_names(&r, &event);
    read_bool(&r, "ready", OPTIONAL, &event.ready);
    read_bool(&r, "flapping", OPTIONAL, &event.flapping);
    read_u32(&r, "attempt", OPTIONAL, &event.attempt);
    read_u64(&r, "delay_ns", OPTIONAL, &event.delay_ns);
    read_borrowed(&r, "reason", OPTIONAL, &event.reason);
    read_borrowed(&r, "version", OPTIONAL, &event.version);
    read_bool(&r, "instance", OPTIONAL, &event.instance);
    read_u64(&r, "evidence", OPTIONAL, &event.evidence);
    read_u64(&r, "detected_ns", OPTIONAL, &event.detected_ns);
    if (r.error == WARD_OK) *ret_event = event;
    return r.error;
}
