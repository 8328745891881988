/* The prefix of a frame: an unsigned varint of the multiformats table, or the two-byte big-endian
 * spelling of early AirsSys guests. The latter's first bytes, 00, 02 and 07, are whole varints
 * themselves, but of codes that no health frame uses. */
#include "codec/codec_priv.h"

enum { VARINT_BYTES_MAX = 5 };

static ward_error prefix_found(ward_codec codec, size_t length, ward_codec *ret_codec,
                               size_t *ret_length)
{
    *ret_codec = codec;
    *ret_length = length;
    return WARD_OK;
}

/* Every form that is not one of the usual spellings: non-minimal varints, and all errors. */
static ward_error varint_decode(const uint8_t *bytes, size_t length, ward_codec *ret_codec,
                                size_t *ret_length, uint64_t *ret_code)
{
    uint64_t code = 0;
    for (size_t i = 0; i < VARINT_BYTES_MAX; i++) {
        if (i == length) return i == 0 ? WARD_ERROR_FRAME_EMPTY : WARD_ERROR_FRAME_TRUNCATED;
        code |= (uint64_t)(bytes[i] & 0x7f) << (7 * i);
        if (bytes[i] >= 0x80) continue;
        if (code == WARD_CODEC_CBOR || code == WARD_CODEC_JSON || code == WARD_CODEC_BORSH)
            return prefix_found((ward_codec)code, i + 1, ret_codec, ret_length);
        *ret_code = code;
        return WARD_ERROR_FRAME_UNSUPPORTED;
    }
    return WARD_ERROR_FRAME_TOO_LARGE;
}

ward_error wardi_prefix_decode(const uint8_t *bytes, size_t length, ward_codec *ret_codec,
                               size_t *ret_length, uint64_t *ret_code)
{
    if (length >= 2) {
        unsigned pair = (unsigned)bytes[0] << 8 | bytes[1];
        switch (pair) {
        case 0x810e:
        case 0x0701: return prefix_found(WARD_CODEC_BORSH, 2, ret_codec, ret_length);
        case 0x8004:
        case 0x0200: return prefix_found(WARD_CODEC_JSON, 2, ret_codec, ret_length);
        case 0x0051: return prefix_found(WARD_CODEC_CBOR, 2, ret_codec, ret_length);
        default: break;
        }
    }
    return varint_decode(bytes, length, ret_codec, ret_length, ret_code);
}
