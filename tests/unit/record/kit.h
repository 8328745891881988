/* Events and evidence with something in every field. Header only, because each test is one file. */
#ifndef WARD_TESTS_RECORD_KIT_H
#define WARD_TESTS_RECORD_KIT_H

#include <string.h>

#include "record/record.h"

enum { KIT_EVENT_KINDS = WARD_EVENT_KIND_COUNT };

static inline ward_event kit_event(ward_event_kind kind)
{
    return (ward_event){.size = sizeof(ward_event),
                        .kind = kind,
                        .sequence = 7,
                        .wall_ns = UINT64_C(1790000000123456789),
                        .component = "shop.api",
                        .from_state = WARD_STATE_READY,
                        .state = WARD_STATE_FAILED,
                        .from_health = WARD_CHILD_DEGRADED,
                        .health = WARD_CHILD_FAILED,
                        .source = WARD_SOURCE_POLICY,
                        .probe_error = WARD_PROBE_PAYLOAD,
                        .ready = true,
                        .flapping = true,
                        .cause = WARD_CAUSE_START_TIMEOUT,
                        .attempt = UINT32_MAX,
                        .delay_ns = UINT64_MAX,
                        .reason = "went \"over\" the \xc3\xa4 edge\n",
                        .version = "1.2.3-\xe2\x82\xac",
                        .instance = true,
                        .evidence = UINT64_C(1) << 63,
                        .detected_ns = UINT64_MAX - 1};
}

/* Field by field: what lies between them stays zero. */
static inline void kit_message(ward_message_header *message, uint32_t i)
{
    message->kind = (ward_message_kind)(i % 3);
    message->began_wall_ns = UINT64_C(1790000000000000001) + i;
    message->took_ns = 1000 + i;
    message->correlation = UINT64_MAX - i;
    message->length = UINT32_MAX - i;
    message->over = i % 2 == 0;
    message->outcome = i % 4 == 0 ? WARD_ERROR_TRAP : WARD_OK;
    memcpy(message->sender, "web.17", sizeof "web.17");
    memcpy(message->what, "orders/new", sizeof "orders/new");
}

static inline void kit_evidence_history(ward_evidence *evidence)
{
    static const char text[] = "a line\twith \x1b[2J in it";
    evidence->message_count = WARD_EVIDENCE_MESSAGES;
    for (uint32_t i = 0; i < WARD_EVIDENCE_MESSAGES; i++) kit_message(&evidence->messages[i], i);
    evidence->line_count = WARD_EVIDENCE_LINES;
    for (uint32_t i = 0; i < WARD_EVIDENCE_LINES; i++) {
        evidence->lines[i].wall_ns = UINT64_C(1790000000000000101) + i;
        evidence->lines[i].level = (ward_log_level)(i % 5);
        memcpy(evidence->lines[i].text, text, sizeof text);
    }
    evidence->change_count = WARD_EVIDENCE_CHANGES;
    for (int i = 0; i < WARD_EVIDENCE_CHANGES; i++) {
        evidence->changes[i].wall_ns = UINT64_C(1790000000000000201) + (unsigned)i;
        evidence->changes[i].is_health = i % 2 != 0;
        evidence->changes[i].from = i % 3;
        evidence->changes[i].to = (i + 1) % 3;
    }
}

/* Zeroed first, so that two of them can be compared byte by byte. */
static inline void kit_evidence(ward_evidence *evidence)
{
    memset(evidence, 0, sizeof *evidence);
    evidence->size = sizeof *evidence;
    evidence->number = 3;
    evidence->wall_ns = UINT64_C(1790000000999999999);
    memcpy(evidence->component, "shop.api", sizeof "shop.api");
    memcpy(evidence->version, "1.2.3", sizeof "1.2.3");
    evidence->cause = WARD_CAUSE_HANG;
    memcpy(evidence->reason.text, "a\0b", 4);
    evidence->reason.length = 3;
    evidence->reason.cut = true;
    evidence->state = WARD_STATE_STOPPING;
    evidence->health = WARD_CHILD_DEGRADED;
    evidence->trap.error = WARD_ERROR_EXIT;
    evidence->trap.exit_code = INT32_MIN;
    evidence->trap.at_ns = 99;
    memcpy(evidence->trap.export_name, "_health", sizeof "_health");
    memcpy(evidence->trap.cause, "unreachable", sizeof "unreachable");
    evidence->trap.frame_count = WARD_FRAMES_MAX;
    for (uint32_t i = 0; i < WARD_FRAMES_MAX; i++) {
        memcpy(evidence->trap.frames[i].function, "look", sizeof "look");
        evidence->trap.frames[i].function_index = UINT32_MAX - i;
        evidence->trap.frames[i].function_offset = 17 + i;
        evidence->trap.frames[i].module_offset = 1000 + i;
    }
    evidence->memory_bytes = 65536;
    evidence->memory_bytes_max = UINT64_MAX;
    evidence->fuel_peak = 1;
    evidence->fuel_per_call = 2;
    evidence->uptime_ns = 3;
    evidence->detected_ns = UINT64_MAX - 2;
    evidence->messages_handled = 4;
    evidence->messages_waiting = 5;
    kit_evidence_history(evidence);
    memcpy(evidence->core_dump, "dumps/a", sizeof "dumps/a");
    evidence->core_dump_diag.error = WARD_ERROR_IO;
    memcpy(evidence->core_dump_diag.text, "no room", sizeof "no room");
}

#endif
