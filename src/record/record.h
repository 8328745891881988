/* record: events, evidence and lines of guests as JSON documents, and back: one form for the
 * journal, the surfaces, and what `ward` prints for scripts. Knows neither where they come from nor
 * where they go.
 *
 * There are two forms. The plain one is what `ward run --json` prints: what its kind of event is
 * about, times in microseconds. The whole one is the plain one and, behind it, every field that the
 * plain one leaves out; what is read back from it is what was written, to the bit. Reading takes
 * either. Numbers of 2^63 and more are written as negative ones and read back as they were: JSON's
 * readers have 64 bits with a sign.
 *
 * All is safe on any thread. Documents are the caller's; NULL for one means out of memory. */
#ifndef WARDI_RECORD_H
#define WARDI_RECORD_H

#include <jansson.h>
#include <ward/evidence.h>

#include "core/core.h"

/* ---- parts ---- */

/** A text, or null when it is NULL. What is no UTF-8 in it is replaced. */
json_t *wardi_json_text(const char *text);
/** A text of a guest's: NUL bytes and all. */
json_t *wardi_json_reason(const ward_reason *reason);
/** "2026-11-30T12:00:00.000001Z" */
json_t *wardi_json_time(uint64_t wall_ns);

/* ---- events ---- */

json_t *wardi_event_json(const ward_event *event);
json_t *wardi_event_json_whole(const ward_event *event);
/** The way back. The texts of `ret_event` are borrowed from `document`; what the plain form leaves
 * out is zero, or "". Errors: INVALID_ARGUMENT; the diag names the key. */
ward_error wardi_event_of_json(const json_t *document, ward_event *ret_event, ward_diag *ret_diag);

/* ---- evidence ---- */

json_t *wardi_evidence_json(const ward_evidence *evidence);
json_t *wardi_evidence_json_whole(const ward_evidence *evidence);
/** What stands in the place of evidence that is not there, and `why`; `event` is what it was of. */
json_t *wardi_evidence_json_missing(const ward_event *event, const char *why);
/** null: its guest was not ended. */
json_t *wardi_trap_json(const ward_trap *trap);
/** The way back, as far as `ret_evidence`'s size covers: it is started with WARD_INIT. Errors:
 * INVALID_ARGUMENT; the diag names the key. */
ward_error wardi_evidence_of_json(const json_t *document, ward_evidence *ret_evidence,
                                  ward_diag *ret_diag);

/* ---- lines that guests log ---- */

json_t *wardi_line_json(const ward_log_line *line);
/** How many lines before this one its rate kept back. */
json_t *wardi_line_json_suppressed(const ward_log_line *line);
/** The way back from wardi_line_json. Texts are borrowed from `document`, `fields` has room for
 * WARD_LOG_FIELDS_MAX and is what `ret_line` points to. Errors: INVALID_ARGUMENT. */
ward_error wardi_line_of_json(const json_t *document, ward_log_field *fields,
                              ward_log_line *ret_line, ward_diag *ret_diag);

#endif
