/* codec: bytes ↔ values, pure. Health frames (multicodec, Borsh, CBOR, JSON), numeric Wasm values,
 * and metrics as text.
 *
 * Reads in place, allocates nothing, keeps nothing; any thread. Knows neither Wasm memories nor
 * policy. The public face of frames is include/ward/frame.h, which this room implements. */
#ifndef WARDI_CODEC_H
#define WARDI_CODEC_H

#include "core/core.h"

/** Reads a multicodec prefix: `*ret_codec` is one of ward_codec, `*ret_length` the bytes it took.
 * Errors: FRAME_EMPTY, FRAME_TRUNCATED, FRAME_TOO_LARGE, FRAME_UNSUPPORTED; then `*ret_code` is the
 * code that was found. */
ward_error wardi_prefix_decode(const uint8_t *bytes, size_t length, ward_codec *ret_codec,
                               size_t *ret_length, uint64_t *ret_code);

/** Reads a frame without a diag, as the check does. `*ret_code` as above; may be NULL. */
ward_error wardi_frame_decode(const uint8_t *bytes, size_t length, ward_report *ret_report,
                              uint64_t *ret_code);

/** The payload decoders behind it, one a file, with no prefix and no fallback. Each returns WARD_OK
 * or FRAME_PAYLOAD and leaves `ret_report->codec` alone. */
ward_error wardi_borsh_decode(const uint8_t *bytes, size_t length, ward_report *ret_report);
ward_error wardi_cbor_decode(const uint8_t *bytes, size_t length, ward_report *ret_report);
ward_error wardi_json_decode(const uint8_t *bytes, size_t length, ward_report *ret_report);

/* ---- Wasm values: little-endian, packed, in the order of the signature ---- */

typedef enum wardi_value_kind { WARDI_I32, WARDI_I64, WARDI_F32, WARDI_F64 } wardi_value_kind;

/** A value by its bits; `bits` of a 32-bit kind are zero-extended. */
typedef struct wardi_value {
    wardi_value_kind kind;
    uint64_t bits;
} wardi_value;

/** Bytes that `count` values of these kinds take: 4 or 8 each. */
size_t wardi_values_size(const wardi_value_kind *kinds, size_t count);
/** Bytes → values by signature. INVALID_ARGUMENT when `length` is not exactly wardi_values_size;
 * the diag names both. */
ward_error wardi_values_decode(const wardi_value_kind *kinds, size_t count, const uint8_t *bytes,
                               size_t length, wardi_value *ret_values, ward_diag *ret_diag);
/** Values → bytes. BUFFER_TOO_SMALL, and then `*ret_length` is what it takes. */
ward_error wardi_values_encode(const wardi_value *values, size_t count, uint8_t *buffer,
                               size_t capacity, size_t *ret_length);
/** "i32", "i64", "f32", "f64". */
const char *wardi_value_kind_name(wardi_value_kind kind);

/* ---- metrics as text: OpenMetrics 1.0.0, and the text format 0.0.4 of Prometheus ---- */

typedef enum wardi_exposition {
    WARDI_EXPOSITION_TEXT, /* 0.0.4 */
    WARDI_EXPOSITION_OPENMETRICS,
} wardi_exposition;

typedef enum wardi_family_type {
    WARDI_COUNTER,
    WARDI_GAUGE,
    WARDI_HISTOGRAM,
    WARDI_STATESET,
    WARDI_INFO,
} wardi_family_type;

/** A family of metrics. Names are of [a-zA-Z0-9_], and are the caller's to keep apart. */
typedef struct wardi_family {
    const char *name; /* without "_total" and "_info": the samples get them */
    wardi_family_type type;
    const char *unit; /* "seconds": the name ends so; "": none */
    const char *help; /* any text */
} wardi_family;

/** A value, written exactly. */
typedef struct wardi_number {
    enum { WARDI_NUMBER_COUNT, WARDI_NUMBER_NS, WARDI_NUMBER_REAL } kind;
    uint64_t count; /* of NS: nanoseconds, written as seconds */
    double real;    /* also NaN and infinity */
} wardi_number;

enum { WARDI_NUMBER_BYTES = 32 };
/** Its text, without a final NUL; at most WARDI_NUMBER_BYTES. Returns the length. */
size_t wardi_number_write(char *ret_text, const wardi_number *number);
/** The same of a histogram's bound, in the form that is prescribed for it: "0.005", "1.0", "1e+06",
 * "+Inf". */
size_t wardi_bound_write(char *ret_text, double bound);

/** Which sample of a histogram. */
typedef enum wardi_part {
    WARDI_PART_VALUE,
    WARDI_PART_BUCKET,
    WARDI_PART_COUNT,
    WARDI_PART_SUM
} wardi_part;

/** One line. */
typedef struct wardi_sample {
    wardi_part part;
    const char *labels; /* as wardi_labels_add writes them; may be NULL without any */
    size_t labels_length;
    const char *label;       /* one more label; NULL: none */
    const char *label_value; /* any text: what is not UTF-8 is replaced */
    wardi_number value;
} wardi_sample;

/** Writes into a caller's buffer, whole lines only. */
typedef struct wardi_scribe {
    wardi_exposition format;
    char *bytes;
    size_t room, length;
} wardi_scribe;

/** What is told once of a family, before its samples. False: there is no room for all of it, and
 * nothing was written; the same of the following. */
bool wardi_scribe_family(wardi_scribe *scribe, const wardi_family *family);
/** The value of a StateSet or an info is 0 or 1, that of a counter neither negative nor NaN. */
bool wardi_scribe_sample(wardi_scribe *scribe, const wardi_family *family,
                         const wardi_sample *sample);
/** What comes last. */
bool wardi_scribe_end(wardi_scribe *scribe);
/** Appends a label to those in `buffer`, of which `*length` bytes are in use. */
bool wardi_labels_add(char *buffer, size_t room, size_t *length, const char *label,
                      const char *value);

/** What an Accept header asks for. */
typedef struct wardi_accepted {
    wardi_exposition format;
    const char *content_type; /* static */
} wardi_accepted;

/** Never fails: what can't be read, or asks for what is not there, gets the text format 0.0.4.
 * `accept` may be NULL; several headers are joined by commas. */
wardi_accepted wardi_accept(const char *accept);

#endif
