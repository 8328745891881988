/* Evidence for scripts: all of it. */
#include "cli/evidence.h"

#include "cli/events.h"
#include "cli/json.h"

static json_t *number(uint64_t value)
{
    return json_integer((json_int_t)value);
}

static json_t *offset_json(const ward_frame_info *frame)
{
    return frame->module_offset != 0 ? number(frame->module_offset) : json_null();
}

static json_t *frame_json(const ward_frame_info *frame)
{
    return json_pack("{s:o, s:I, s:o}", "function", wardi_json_text(frame->function), "index",
                     (json_int_t)frame->function_index, "offset", offset_json(frame));
}

/* Names are a guest's, and cut: what is left need not be text. */
json_t *wardi_trap_json(const ward_trap *trap)
{
    if (trap->error == WARD_OK) return json_null();
    json_t *frames = json_array();
    for (uint32_t i = 0; i < trap->frame_count; i++)
        json_array_append_new(frames, frame_json(&trap->frames[i]));
    return json_pack("{s:s, s:o, s:o, s:o}", "error", ward_error_name(trap->error), "cause",
                     wardi_json_text(trap->cause), "export", wardi_json_text(trap->export_name),
                     "backtrace", frames);
}

/* null: there is none. */
static json_t *text_or_null(const char *text)
{
    return wardi_json_text(text[0] != '\0' ? text : NULL);
}

static json_t *message_json(const ward_message_header *message)
{
    static const char *const kinds[] = {[WARD_MESSAGE_BYTES] = "bytes",
                                        [WARD_MESSAGE_INVOKE] = "invoke",
                                        [WARD_MESSAGE_TOPIC] = "topic"};
    return json_pack("{s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o}", "time",
                     wardi_event_time_json(message->began_wall_ns), "sender",
                     text_or_null(message->sender), "kind", kinds[message->kind], "what",
                     text_or_null(message->what), "bytes", number(message->length), "correlation",
                     number(message->correlation), "took_ns", number(message->took_ns), "outcome",
                     wardi_json_text(message->over ? ward_error_name(message->outcome) : NULL));
}

static json_t *line_json(const ward_evidence_line *line)
{
    return json_pack("{s:o, s:s, s:o}", "time", wardi_event_time_json(line->wall_ns), "level",
                     ward_log_level_name(line->level), "text", wardi_json_text(line->text));
}

static const char *change_name(const ward_evidence_change *change, int value)
{
    return change->is_health ? ward_child_health_name((ward_child_health)value)
                             : ward_state_name((ward_state)value);
}

static json_t *change_json(const ward_evidence_change *change)
{
    return json_pack("{s:o, s:s, s:s, s:s}", "time", wardi_event_time_json(change->wall_ns), "of",
                     change->is_health ? "health" : "state", "from",
                     change_name(change, change->from), "to", change_name(change, change->to));
}

/* What led to the end, each with the newest last. */
static void set_history(json_t *object, const ward_evidence *evidence)
{
    json_t *messages = json_array(), *lines = json_array(), *changes = json_array();
    for (size_t i = 0; i < evidence->message_count; i++)
        json_array_append_new(messages, message_json(&evidence->messages[i]));
    for (size_t i = 0; i < evidence->line_count; i++)
        json_array_append_new(lines, line_json(&evidence->lines[i]));
    for (size_t i = 0; i < evidence->change_count; i++)
        json_array_append_new(changes, change_json(&evidence->changes[i]));
    json_object_set_new(object, "messages", messages);
    json_object_set_new(object, "log", lines);
    json_object_set_new(object, "changes", changes);
}

static void set_dump(json_t *object, const ward_evidence *evidence)
{
    const ward_diag *diag = &evidence->core_dump_diag;
    json_object_set_new(object, "core_dump", text_or_null(evidence->core_dump));
    json_object_set_new(object, "core_dump_error",
                        wardi_json_text(diag->error != WARD_OK ? diag->text : NULL));
}

static json_t *head_json(uint64_t wall_ns, const char *event, const char *component, uint64_t end)
{
    return json_pack("{s:o, s:s, s:o, s:o}", "time", wardi_event_time_json(wall_ns), "event", event,
                     "component", wardi_json_text(component), "number", number(end));
}

void wardi_evidence_print_json(const ward_evidence *evidence)
{
    json_t *object =
        head_json(evidence->wall_ns, "evidence", evidence->component, evidence->number);
    json_t *rest = json_pack(
        "{s:s, s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "cause",
        ward_cause_name(evidence->cause), "reason", wardi_json_reason(&evidence->reason), "state",
        ward_state_name(evidence->state), "health", ward_child_health_name(evidence->health),
        "trap", wardi_trap_json(&evidence->trap), "memory_bytes", number(evidence->memory_bytes),
        "memory_bytes_max", number(evidence->memory_bytes_max), "fuel_peak",
        number(evidence->fuel_peak), "fuel_per_call", number(evidence->fuel_per_call), "uptime_ns",
        number(evidence->uptime_ns), "messages_handled", number(evidence->messages_handled),
        "messages_waiting", number(evidence->messages_waiting));
    json_object_update(object, rest);
    json_decref(rest);
    set_history(object, evidence);
    set_dump(object, evidence);
    wardi_json_print(object);
}

void wardi_evidence_print_missing_json(const ward_event *event, const char *why)
{
    json_t *object = head_json(event->wall_ns, "evidence_lost", event->component, event->evidence);
    json_object_set_new(object, "reason", json_string(why));
    wardi_json_print(object);
}
