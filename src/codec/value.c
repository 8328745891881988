/* Wasm values as bytes: little-endian, packed, whatever the host's own order is. */
#include "codec/codec.h"

static size_t kind_size(wardi_value_kind kind)
{
    return kind == WARDI_I32 || kind == WARDI_F32 ? 4 : 8;
}

size_t wardi_values_size(const wardi_value_kind *kinds, size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++) size += kind_size(kinds[i]);
    return size;
}

ward_error wardi_values_decode(const wardi_value_kind *kinds, size_t count, const uint8_t *bytes,
                               size_t length, wardi_value *ret_values, ward_diag *ret_diag)
{
    size_t wanted = wardi_values_size(kinds, count);
    if (length != wanted)
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                          "%zu bytes were given, but %zu values of this signature take exactly "
                          "%zu: 4 for each i32 and f32, 8 for each i64 and f64.",
                          length, count, wanted);
    for (size_t i = 0; i < count; i++) {
        size_t size = kind_size(kinds[i]);
        uint64_t bits = 0;
        for (size_t at = size; at-- > 0;) bits = bits << 8 | bytes[at];
        ret_values[i] = (wardi_value){.kind = kinds[i], .bits = bits};
        bytes += size;
    }
    return WARD_OK;
}

ward_error wardi_values_encode(const wardi_value *values, size_t count, uint8_t *buffer,
                               size_t capacity, size_t *ret_length)
{
    size_t wanted = 0;
    for (size_t i = 0; i < count; i++) wanted += kind_size(values[i].kind);
    *ret_length = wanted;
    if (wanted > capacity) return WARD_ERROR_BUFFER_TOO_SMALL;
    for (size_t i = 0; i < count; i++) {
        size_t size = kind_size(values[i].kind);
        for (size_t at = 0; at < size; at++) buffer[at] = (uint8_t)(values[i].bits >> (8 * at));
        buffer += size;
    }
    return WARD_OK;
}

const char *wardi_value_kind_name(wardi_value_kind kind)
{
    static const char *const names[] = {"i32", "i64", "f32", "f64"};
    return (unsigned)kind < WARD_COUNT(names) ? names[kind] : "unknown";
}
