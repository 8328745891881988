/* codec: bytes ↔ values, pure. Health frames (multicodec, Borsh, CBOR, JSON) and numeric Wasm
 * values.
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

#endif
