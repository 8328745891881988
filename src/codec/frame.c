/* Frames: prefix and payload together, and the public functions of frame.h.
 *
 * The declared codec is tried first, then Borsh, CBOR and JSON. No payload is readable in two of
 * them: Borsh starts with 00–02, CBOR with a map or a tag (a0–db), JSON with '{' or white space.
 * So the order changes no outcome, and a truncated payload never turns into another codec's
 * success. */
#include "codec/codec_priv.h"

static ward_error decode_as(ward_codec codec, const uint8_t *bytes, size_t length,
                            ward_report *ret_report)
{
    ward_error error = WARD_ERROR_FRAME_PAYLOAD;
    switch (codec) {
    case WARD_CODEC_BORSH: error = wardi_borsh_decode(bytes, length, ret_report); break;
    case WARD_CODEC_CBOR: error = wardi_cbor_decode(bytes, length, ret_report); break;
    case WARD_CODEC_JSON: error = wardi_json_decode(bytes, length, ret_report); break;
    }
    if (error == WARD_OK) ret_report->codec = codec;
    return error;
}

static ward_error decode_as_any_but(ward_codec declared, const uint8_t *bytes, size_t length,
                                    ward_report *ret_report)
{
    static const ward_codec order[] = {WARD_CODEC_BORSH, WARD_CODEC_CBOR, WARD_CODEC_JSON};
    for (size_t i = 0; i < WARD_COUNT(order); i++) {
        if (order[i] == declared) continue;
        if (decode_as(order[i], bytes, length, ret_report) == WARD_OK) return WARD_OK;
    }
    return WARD_ERROR_FRAME_PAYLOAD;
}

ward_error wardi_frame_decode(const uint8_t *bytes, size_t length, ward_report *ret_report,
                              uint64_t *ret_code)
{
    ward_codec declared;
    size_t prefix;
    uint64_t code;
    ward_error error =
        wardi_prefix_decode(bytes, length, &declared, &prefix, ret_code != NULL ? ret_code : &code);
    if (WARD_UNLIKELY(error != WARD_OK)) return error;
    error = decode_as(declared, bytes + prefix, length - prefix, ret_report);
    if (WARD_LIKELY(error == WARD_OK)) return WARD_OK;
    return decode_as_any_but(declared, bytes + prefix, length - prefix, ret_report);
}

#define CODECS "Borsh (81 0e), CBOR (51) or JSON (80 04)"

static ward_error payload_failed(const uint8_t *bytes, size_t length, ward_diag *ret_diag)
{
    ward_codec declared;
    size_t prefix;
    uint64_t code;
    wardi_prefix_decode(bytes, length, &declared, &prefix, &code);
    const char *text = ward_error_text(WARD_ERROR_FRAME_PAYLOAD);
    const char *name = ward_codec_name(declared);
    if (length == prefix)
        return wardi_fail(ret_diag, WARD_ERROR_FRAME_PAYLOAD,
                          "%s: nothing follows the prefix for %s; a payload must.", text, name);
    return wardi_fail(ret_diag, WARD_ERROR_FRAME_PAYLOAD,
                      "%s: the prefix says %s, and %zu bytes follow it that begin with %02x. "
                      "Expected is a status of healthy, degraded or unhealthy and a reason",
                      text, name, length - prefix, bytes[prefix]);
}

ward_error ward_frame_decode(const uint8_t *bytes, size_t length, ward_report *ret_report,
                             ward_diag *ret_diag)
{
    uint64_t code = 0;
    ward_error error = wardi_frame_decode(bytes, length, ret_report, &code);
    const char *text = ward_error_text(error);
    switch (error) {
    case WARD_OK: return WARD_OK;
    case WARD_ERROR_FRAME_EMPTY:
        return wardi_fail(ret_diag, error, "%s: it must start with a prefix for " CODECS, text);
    case WARD_ERROR_FRAME_TRUNCATED:
        return wardi_fail(ret_diag, error, "%s: it ends after %zu byte%s; expected is " CODECS,
                          text, length, length == 1 ? "" : "s");
    case WARD_ERROR_FRAME_UNSUPPORTED:
        return wardi_fail(ret_diag, error, "%s: the prefix says 0x%llx; expected is " CODECS, text,
                          (unsigned long long)code);
    case WARD_ERROR_FRAME_PAYLOAD: return payload_failed(bytes, length, ret_diag);
    default: return wardi_fail(ret_diag, error, "%s; expected is " CODECS, text);
    }
}

static bool codec_known(ward_codec codec)
{
    return codec == WARD_CODEC_BORSH || codec == WARD_CODEC_CBOR || codec == WARD_CODEC_JSON;
}

static const uint8_t prefix_borsh[] = {0x81, 0x0e}, prefix_cbor[] = {0x51},
                     prefix_json[] = {0x80, 0x04};

ward_error ward_frame_encode(ward_codec codec, ward_health status, const char *reason,
                             size_t reason_length, uint8_t *buffer, size_t capacity,
                             size_t *ret_length)
{
    if ((unsigned)status >= WARD_HEALTH_COUNT || !codec_known(codec))
        return WARD_ERROR_INVALID_ARGUMENT;
    wardi_writer writer = {.at = buffer, .left = capacity};
    const uint8_t *text = reason != NULL ? (const uint8_t *)reason : (const uint8_t *)"";
    size_t length = reason != NULL ? reason_length : 0;
    if (status == WARD_HEALTH_HEALTHY) text = NULL;
    /* No frame can be shorter than its reason; this also keeps Borsh's 32-bit length in range. */
    if (text != NULL && (length > capacity || length > UINT32_MAX / 3))
        return WARD_ERROR_BUFFER_TOO_SMALL;
    switch (codec) {
    case WARD_CODEC_BORSH:
        wardi_put(&writer, prefix_borsh, sizeof prefix_borsh);
        wardi_borsh_encode(&writer, status, text, length);
        break;
    case WARD_CODEC_CBOR:
        wardi_put(&writer, prefix_cbor, sizeof prefix_cbor);
        wardi_cbor_encode(&writer, status, text, length);
        break;
    case WARD_CODEC_JSON:
        wardi_put(&writer, prefix_json, sizeof prefix_json);
        wardi_json_encode(&writer, status, text, length);
        break;
    }
    if (writer.full) return WARD_ERROR_BUFFER_TOO_SMALL;
    *ret_length = capacity - writer.left;
    return WARD_OK;
}

const char *ward_codec_name(ward_codec codec)
{
    switch (codec) {
    case WARD_CODEC_BORSH: return "borsh";
    case WARD_CODEC_CBOR: return "cbor";
    case WARD_CODEC_JSON: return "json";
    }
    return "unknown";
}
