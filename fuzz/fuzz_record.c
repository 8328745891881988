/* Documents of events, evidence and lines: whatever JSON comes over a socket or out of a file is
 * refused, or read into values that are written and read again without a difference. */
#include <stdlib.h>
#include <string.h>

#include "record/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void check_same(json_t *written, json_t *again)
{
    WARD_ASSERT(written != NULL && again != NULL);
    WARD_ASSERT(json_equal(written, again));
    json_decref(written);
    json_decref(again);
}

static void check_event(const json_t *document)
{
    ward_event event, back;
    if (wardi_event_of_json(document, &event, NULL) != WARD_OK) return;
    json_t *written = wardi_event_json_whole(&event);
    ward_error error = wardi_event_of_json(written, &back, NULL);
    WARD_ASSERT(error == WARD_OK);
    WARD_ASSERT(back.wall_ns == event.wall_ns && strcmp(back.component, event.component) == 0);
    check_same(json_incref(written), wardi_event_json_whole(&back));
    json_decref(written);
}

static void check_evidence(const json_t *document)
{
    static ward_evidence evidence, back;
    memset(&evidence, 0, sizeof evidence);
    memset(&back, 0, sizeof back);
    evidence.size = back.size = sizeof back;
    if (wardi_evidence_of_json(document, &evidence, NULL) != WARD_OK) return;
    json_t *written = wardi_evidence_json_whole(&evidence);
    ward_error error = wardi_evidence_of_json(written, &back, NULL);
    WARD_ASSERT(error == WARD_OK);
    WARD_ASSERT(memcmp(&evidence, &back, sizeof back) == 0);
    check_same(written, wardi_evidence_json_whole(&back));
}

static void check_line(const json_t *document)
{
    ward_log_field fields[WARD_LOG_FIELDS_MAX], fields_back[WARD_LOG_FIELDS_MAX];
    ward_log_line line, back;
    if (wardi_line_of_json(document, fields, &line, NULL) != WARD_OK) return;
    WARD_ASSERT(line.field_count <= WARD_LOG_FIELDS_MAX);
    json_t *written = wardi_line_json(&line);
    ward_error error = wardi_line_of_json(written, fields_back, &back, NULL);
    WARD_ASSERT(error == WARD_OK && back.field_count == line.field_count);
    check_same(json_incref(written), wardi_line_json(&back));
    json_decref(written);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    json_t *document =
        json_loadb((const char *)bytes, length, JSON_ALLOW_NUL | JSON_DECODE_ANY, NULL);
    if (document == NULL) return 0;
    check_event(document);
    check_evidence(document);
    check_line(document);
    json_decref(document);
    return 0;
}
