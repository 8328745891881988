#include "record/record_priv.h"

const char *message_kind_name_of(int value)
{
    static const char *const names[] = {[WARD_MESSAGE_BYTES] = "bytes",
                                        [WARD_MESSAGE_INVOKE] = "invoke",
                                        [WARD_MESSAGE_TOPIC] = "topic"};
    return (unsigned)value < WARD_COUNT(names) ? names[value] : "unknown";
}

/* ---- the guest ---- */

static json_t *offset_json(const ward_frame_info *frame)
{
    return frame->module_offset != 0 ? number_json(frame->module_offset) : json_null();
}

static json_t *frame_json(const ward_frame_info *frame, bool whole)
{
    json_t *object =
        json_pack("{s:o, s:I, s:o}", "function", wardi_json_text(frame->function), "index",
                  (json_int_t)frame->function_index, "offset", offset_json(frame));
    if (whole) json_object_set_new(object, "function_offset", number_json(frame->function_offset));
    return object;
}

/* Names are a guest's, and cut: what is left need not be text. */
static json_t *trap_json(const ward_trap *trap, bool whole)
{
    if (trap->error == WARD_OK) return json_null();
    json_t *frames = json_array();
    for (uint32_t i = 0; i < trap->frame_count; i++)
        json_array_append_new(frames, frame_json(&trap->frames[i], whole));
    json_t *object = json_pack("{s:s, s:o, s:o, s:o}", "error", ward_error_name(trap->error),
                               "cause", wardi_json_text(trap->cause), "export",
                               wardi_json_text(trap->export_name), "backtrace", frames);
    if (!whole) return object;
    json_object_set_new(object, "exit_code", json_integer(trap->exit_code));
    json_object_set_new(object, "at_ns", number_json(trap->at_ns));
    return object;
}

json_t *wardi_trap_json(const ward_trap *trap)
{
    return trap_json(trap, false);
}

/* ---- what it was sent, and what it said ---- */

/* null: there is none. */
static json_t *text_or_null(const char *text)
{
    return wardi_json_text(text[0] != '\0' ? text : NULL);
}

static json_t *with_wall(json_t *object, uint64_t wall_ns, bool whole)
{
    if (whole) json_object_set_new(object, "wall_ns", number_json(wall_ns));
    return object;
}

static json_t *message_json(const ward_message_header *message, bool whole)
{
    json_t *object = json_pack(
        "{s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o}", "time", wardi_json_time(message->began_wall_ns),
        "sender", text_or_null(message->sender), "kind", message_kind_name_of((int)message->kind),
        "what", text_or_null(message->what), "bytes", number_json(message->length), "correlation",
        number_json(message->correlation), "took_ns", number_json(message->took_ns), "outcome",
        wardi_json_text(message->over ? ward_error_name(message->outcome) : NULL));
    return with_wall(object, message->began_wall_ns, whole);
}

static json_t *line_json(const ward_evidence_line *line, bool whole)
{
    json_t *object =
        json_pack("{s:o, s:s, s:o}", "time", wardi_json_time(line->wall_ns), "level",
                  ward_log_level_name(line->level), "text", wardi_json_text(line->text));
    return with_wall(object, line->wall_ns, whole);
}

static const char *change_name(const ward_evidence_change *change, int value)
{
    return change->is_health ? health_name_of(value) : state_name_of(value);
}

static json_t *change_json(const ward_evidence_change *change, bool whole)
{
    json_t *object =
        json_pack("{s:o, s:s, s:s, s:s}", "time", wardi_json_time(change->wall_ns), "of",
                  change->is_health ? "health" : "state", "from", change_name(change, change->from),
                  "to", change_name(change, change->to));
    return with_wall(object, change->wall_ns, whole);
}

/* What led to the end, each with the newest last. */
static void set_history(json_t *object, const ward_evidence *evidence, bool whole)
{
    json_t *messages = json_array(), *lines = json_array(), *changes = json_array();
    for (size_t i = 0; i < evidence->message_count; i++)
        json_array_append_new(messages, message_json(&evidence->messages[i], whole));
    for (size_t i = 0; i < evidence->line_count; i++)
        json_array_append_new(lines, line_json(&evidence->lines[i], whole));
    for (size_t i = 0; i < evidence->change_count; i++)
        json_array_append_new(changes, change_json(&evidence->changes[i], whole));
    json_object_set_new(object, "messages", messages);
    json_object_set_new(object, "log", lines);
    json_object_set_new(object, "changes", changes);
}

/* ---- the whole ---- */

static void set_dump(json_t *object, const ward_evidence *evidence)
{
    const ward_diag *diag = &evidence->core_dump_diag;
    json_object_set_new(object, "core_dump", text_or_null(evidence->core_dump));
    json_object_set_new(object, "core_dump_error",
                        wardi_json_text(diag->error != WARD_OK ? diag->text : NULL));
}

static json_t *head_json(uint64_t wall_ns, const char *event, const char *component, uint64_t end)
{
    return json_pack("{s:o, s:s, s:o, s:o}", "time", wardi_json_time(wall_ns), "event", event,
                     "component", wardi_json_text(component), "number", number_json(end));
}

static json_t *evidence_json(const ward_evidence *evidence, bool whole)
{
    json_t *object =
        head_json(evidence->wall_ns, "evidence", evidence->component, evidence->number);
    json_t *rest = json_pack(
        "{s:s, s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "cause",
        ward_cause_name(evidence->cause), "reason", wardi_json_reason(&evidence->reason), "state",
        ward_state_name(evidence->state), "health", ward_child_health_name(evidence->health),
        "trap", trap_json(&evidence->trap, whole), "memory_bytes",
        number_json(evidence->memory_bytes), "memory_bytes_max",
        number_json(evidence->memory_bytes_max), "fuel_peak", number_json(evidence->fuel_peak),
        "fuel_per_call", number_json(evidence->fuel_per_call), "uptime_ns",
        number_json(evidence->uptime_ns), "detected_ns", number_json(evidence->detected_ns),
        "messages_handled", number_json(evidence->messages_handled), "messages_waiting",
        number_json(evidence->messages_waiting));
    json_object_update(object, rest);
    json_decref(rest);
    set_history(object, evidence, whole);
    set_dump(object, evidence);
    return object;
}

json_t *wardi_evidence_json(const ward_evidence *evidence)
{
    return evidence_json(evidence, false);
}

json_t *wardi_evidence_json_whole(const ward_evidence *evidence)
{
    json_t *object = evidence_json(evidence, true);
    json_object_set_new(object, "wall_ns", number_json(evidence->wall_ns));
    json_object_set_new(object, "version", wardi_json_text(evidence->version));
    json_object_set_new(object, "reason_cut", json_boolean(evidence->reason.cut));
    json_object_set_new(object, "core_dump_outcome",
                        wardi_json_text(ward_error_name(evidence->core_dump_diag.error)));
    return object;
}

json_t *wardi_evidence_json_missing(const ward_event *event, const char *why)
{
    json_t *object = head_json(event->wall_ns, "evidence_lost", event->component, event->evidence);
    json_object_set_new(object, "reason", wardi_json_text(why));
    return object;
}
