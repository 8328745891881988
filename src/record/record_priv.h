/* What reads documents: each function takes one key of an object, and the first that finds another
 * thing than it wants says so in the diag; from then on all do nothing. */
#ifndef WARDI_RECORD_PRIV_H
#define WARDI_RECORD_PRIV_H

#include "record/record.h"

typedef struct reader {
    const json_t *object;
    const char *place; /* of the object in the document: "messages[3]."; "": the document itself */
    const char *what;  /* the document: "event", … */
    ward_diag *diag;   /* may be NULL */
    ward_error error;
} reader;

/** Where a missing key is a mistake, or leaves the output as it is. null is as good as missing. */
typedef enum presence { OPTIONAL, REQUIRED } presence;

/** Name of a value of some enumeration; "unknown" past its end and in its holes. */
typedef const char *(*name_of)(int value);

void read_fail(reader *r, const char *key, const char *wanted);
/** NULL: there is none, and that was said if it is a mistake. */
const json_t *read_value(reader *r, const char *key, presence needed);
void read_u64(reader *r, const char *key, presence needed, uint64_t *to);
void read_u32(reader *r, const char *key, presence needed, uint32_t *to);
void read_i32(reader *r, const char *key, presence needed, int32_t *to);
void read_bool(reader *r, const char *key, presence needed, bool *to);
/** Cut at a whole character, and at a NUL. */
void read_text(reader *r, const char *key, presence needed, wardi_text to);
void read_borrowed(reader *r, const char *key, presence needed, const char **to);
void read_time(reader *r, const char *key, presence needed, uint64_t *to);
/** Any value below 256 of the enumeration. */
void read_name(reader *r, const char *key, presence needed, name_of name, int *to);
/** The elements of an array, at most `most`; 0 of what is none. */
size_t read_count(reader *r, const char *key, size_t most);
/** A reader of element `i` of the array `key`; its place is written to `place`. */
reader read_element(const reader *r, const char *key, size_t i, wardi_text place);

const char *state_name_of(int value);
const char *health_name_of(int value);
const char *source_name_of(int value);
const char *probe_error_name_of(int value);
const char *cause_name_of(int value);
const char *error_name_of(int value);

/** Names of ward_message_kind. */
const char *message_kind_name_of(int value);

json_t *number_json(uint64_t value);

#endif
