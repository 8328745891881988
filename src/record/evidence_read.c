#include <string.h>

#include "record/record_priv.h"

enum { PLACE_BYTES = 48 };

static void read_reason(reader *r, ward_reason *reason)
{
    const json_t *value = read_value(r, "reason", REQUIRED);
    if (value == NULL) return;
    if (!json_is_string(value)) {
        read_fail(r, "reason", "a text");
        return;
    }
    wardi_text text = WARDI_TEXT(reason->text);
    wardi_text_add(&text, json_string_value(value), json_string_length(value));
    reason->length = (uint16_t)text.length;
    reason->cut = text.cut;
    read_bool(r, "reason_cut", OPTIONAL, &reason->cut);
}

/* ---- the guest ---- */

static void read_frames(reader *r, ward_trap *trap)
{
    size_t count = read_count(r, "backtrace", WARD_FRAMES_MAX);
    for (size_t i = 0; i < count; i++) {
        char place[PLACE_BYTES];
        ward_frame_info *frame = &trap->frames[i];
        reader at = read_element(r, "backtrace", i, WARDI_TEXT(place));
        read_text(&at, "function", REQUIRED, WARDI_TEXT(frame->function));
        read_u32(&at, "index", REQUIRED, &frame->function_index);
        read_u64(&at, "offset", OPTIONAL, &frame->module_offset);
        read_u32(&at, "function_offset", OPTIONAL, &frame->function_offset);
        r->error = at.error;
    }
    trap->frame_count = (uint32_t)count;
}

static void read_trap(reader *r, ward_trap *trap)
{
    reader at = *r;
    int error = 0;
    at.object = read_value(r, "trap", OPTIONAL);
    if (at.object == NULL) return;
    at.place = "trap.";
    read_name(&at, "error", REQUIRED, error_name_of, &error);
    if (at.error == WARD_OK && error == WARD_OK) return; /* as null */
    trap->error = (ward_error)error;
    read_text(&at, "cause", REQUIRED, WARDI_TEXT(trap->cause));
    read_text(&at, "export", REQUIRED, WARDI_TEXT(trap->export_name));
    read_i32(&at, "exit_code", OPTIONAL, &trap->exit_code);
    read_u64(&at, "at_ns", OPTIONAL, &trap->at_ns);
    read_frames(&at, trap);
    r->error = at.error;
}

/* ---- what it was sent, and what it said ---- */

static void read_message(reader *r, ward_message_header *message)
{
    int kind = 0, outcome = 0;
    read_time(r, "time", REQUIRED, &message->began_wall_ns);
    read_u64(r, "wall_ns", OPTIONAL, &message->began_wall_ns);
    read_text(r, "sender", OPTIONAL, WARDI_TEXT(message->sender));
    read_name(r, "kind", REQUIRED, message_kind_name_of, &kind);
    read_text(r, "what", OPTIONAL, WARDI_TEXT(message->what));
    read_u32(r, "bytes", REQUIRED, &message->length);
    read_u64(r, "correlation", REQUIRED, &message->correlation);
    read_u64(r, "took_ns", REQUIRED, &message->took_ns);
    read_name(r, "outcome", OPTIONAL, error_name_of, &outcome);
    message->over = read_value(r, "outcome", OPTIONAL) != NULL;
    message->kind = (ward_message_kind)kind;
    message->outcome = (ward_error)outcome;
}

static const char *level_name_of(int value)
{
    return ward_log_level_name((ward_log_level)value);
}

static void read_line(reader *r, ward_evidence_line *line)
{
    int level = 0;
    read_time(r, "time", REQUIRED, &line->wall_ns);
    read_u64(r, "wall_ns", OPTIONAL, &line->wall_ns);
    read_name(r, "level", REQUIRED, level_name_of, &level);
    read_text(r, "text", REQUIRED, WARDI_TEXT(line->text));
    line->level = (ward_log_level)level;
}

static const char *change_of(int value)
{
    static const char *const names[] = {"state", "health"};
    return (unsigned)value < WARD_COUNT(names) ? names[value] : "unknown";
}

static void read_change(reader *r, ward_evidence_change *change)
{
    int of = 0;
    read_time(r, "time", REQUIRED, &change->wall_ns);
    read_u64(r, "wall_ns", OPTIONAL, &change->wall_ns);
    read_name(r, "of", REQUIRED, change_of, &of);
    change->is_health = of != 0;
    name_of name = change->is_health ? health_name_of : state_name_of;
    read_name(r, "from", REQUIRED, name, &change->from);
    read_name(r, "to", REQUIRED, name, &change->to);
}

static void read_history(reader *r, ward_evidence *evidence)
{
    char place[PLACE_BYTES];
    evidence->message_count = read_count(r, "messages", WARD_EVIDENCE_MESSAGES);
    for (size_t i = 0; i < evidence->message_count && r->error == WARD_OK; i++) {
        reader at = read_element(r, "messages", i, WARDI_TEXT(place));
        read_message(&at, &evidence->messages[i]);
        r->error = at.error;
    }
    evidence->line_count = read_count(r, "log", WARD_EVIDENCE_LINES);
    for (size_t i = 0; i < evidence->line_count && r->error == WARD_OK; i++) {
        reader at = read_element(r, "log", i, WARDI_TEXT(place));
        read_line(&at, &evidence->lines[i]);
        r->error = at.error;
    }
    evidence->change_count = read_count(r, "changes", WARD_EVIDENCE_CHANGES);
    for (size_t i = 0; i < evidence->change_count && r->error == WARD_OK; i++) {
        reader at = read_element(r, "changes", i, WARDI_TEXT(place));
        read_change(&at, &evidence->changes[i]);
        r->error = at.error;
    }
}

/* ---- the whole ---- */

/* The plain form has words alone: that there are some tells that it failed. */
static void read_dump(reader *r, ward_evidence *evidence)
{
    ward_diag *diag = &evidence->core_dump_diag;
    read_text(r, "core_dump", OPTIONAL, WARDI_TEXT(evidence->core_dump));
    read_text(r, "core_dump_error", OPTIONAL, WARDI_TEXT(diag->text));
    int outcome = diag->text[0] != '\0' ? WARD_ERROR_IO : WARD_OK;
    read_name(r, "core_dump_outcome", OPTIONAL, error_name_of, &outcome);
    diag->error = (ward_error)outcome;
    if (outcome == WARD_OK) diag->text[0] = '\0';
}

static void read_names(reader *r, ward_evidence *evidence)
{
    int cause = 0, state = 0, health = 0;
    read_name(r, "cause", REQUIRED, cause_name_of, &cause);
    read_name(r, "state", REQUIRED, state_name_of, &state);
    read_name(r, "health", REQUIRED, health_name_of, &health);
    evidence->cause = (ward_cause)cause;
    evidence->state = (ward_state)state;
    evidence->health = (ward_child_health)health;
}

static const char *document_of(int value)
{
    return value == 0 ? "evidence" : "unknown";
}

static void read_all(reader *r, ward_evidence *evidence)
{
    int document = 0;
    read_name(r, "event", REQUIRED, document_of, &document);
    read_u64(r, "number", REQUIRED, &evidence->number);
    read_time(r, "time", REQUIRED, &evidence->wall_ns);
    read_u64(r, "wall_ns", OPTIONAL, &evidence->wall_ns);
    read_text(r, "component", REQUIRED, WARDI_TEXT(evidence->component));
    read_text(r, "version", OPTIONAL, WARDI_TEXT(evidence->version));
    read_names(r, evidence);
    read_reason(r, &evidence->reason);
    read_trap(r, &evidence->trap);
    read_u64(r, "memory_bytes", REQUIRED, &evidence->memory_bytes);
    read_u64(r, "memory_bytes_max", REQUIRED, &evidence->memory_bytes_max);
    read_u64(r, "fuel_peak", REQUIRED, &evidence->fuel_peak);
    read_u64(r, "fuel_per_call", REQUIRED, &evidence->fuel_per_call);
    read_u64(r, "uptime_ns", REQUIRED, &evidence->uptime_ns);
    read_u64(r, "detected_ns", OPTIONAL, &evidence->detected_ns); /* younger than the journal */
    read_u64(r, "messages_handled", REQUIRED, &evidence->messages_handled);
    read_u32(r, "messages_waiting", REQUIRED, &evidence->messages_waiting);
    read_history(r, evidence);
    read_dump(r, evidence);
}

ward_error wardi_evidence_of_json(const json_t *document, ward_evidence *ret_evidence,
                                  ward_diag *ret_diag)
{
    reader r = {.object = document, .place = "", .what = "evidence", .diag = ret_diag};
    ward_evidence evidence = {0};
    size_t size = ret_evidence->size < sizeof evidence ? ret_evidence->size : sizeof evidence;
    read_all(&r, &evidence);
    if (r.error != WARD_OK) return r.error;
    memcpy(ret_evidence, &evidence, size);
    ret_evidence->size = size;
    return WARD_OK;
}
