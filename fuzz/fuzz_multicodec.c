/* Whole frames. The prefix against a plain varint reading; the payload against each decoder by
 * itself: at most one can read it, and that is the one the frame is read with. */
#include "fuzz.h"

typedef struct prefix {
    ward_error error;
    uint64_t code;
    size_t length;
} prefix;

static prefix plain_prefix(const uint8_t *data, size_t size)
{
    if (size == 0) return (prefix){.error = WARD_ERROR_FRAME_EMPTY};
    if (size >= 2 && (memcmp(data, "\x07\x01", 2) == 0 || memcmp(data, "\x02\x00", 2) == 0 ||
                      memcmp(data, "\x00\x51", 2) == 0))
        return (prefix){.code = data[0] * 256u + data[1], .length = 2};
    prefix p = {0};
    uint64_t scale = 1;
    while (p.length < 5 && p.length < size) {
        uint8_t byte = data[p.length++];
        p.code += scale * (byte % 128);
        scale *= 128;
        if (byte < 128) {
            bool known = p.code == 0x51 || p.code == 0x200 || p.code == 0x701;
            p.error = known ? WARD_OK : WARD_ERROR_FRAME_UNSUPPORTED;
            return p;
        }
    }
    p.error = p.length == 5 ? WARD_ERROR_FRAME_TOO_LARGE : WARD_ERROR_FRAME_TRUNCATED;
    return p;
}

static void check_prefix(const prefix *wanted, const uint8_t *data, size_t size)
{
    ward_codec codec;
    size_t length;
    uint64_t code;
    ward_error error = wardi_prefix_decode(data, size, &codec, &length, &code);
    WARD_ASSERT(error == wanted->error);
    if (error == WARD_ERROR_FRAME_UNSUPPORTED) WARD_ASSERT(code == wanted->code);
    if (error != WARD_OK) return;
    WARD_ASSERT((uint64_t)codec == wanted->code && length == wanted->length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    prefix wanted = plain_prefix(data, size);
    check_prefix(&wanted, data, size);
    ward_report report, alone[3];
    ward_diag diag;
    ward_error error = ward_frame_decode(data, size, &report, &diag);
    if (wanted.error != WARD_OK) {
        WARD_ASSERT(error == wanted.error && diag.error == error);
        return 0;
    }
    const uint8_t *payload = data + wanted.length;
    size_t length = size - wanted.length;
    bool borsh = wardi_borsh_decode(payload, length, &alone[0]) == WARD_OK;
    bool cbor = wardi_cbor_decode(payload, length, &alone[1]) == WARD_OK;
    bool json = wardi_json_decode(payload, length, &alone[2]) == WARD_OK;
    WARD_ASSERT(borsh + cbor + json <= 1);
    WARD_ASSERT(error == (borsh || cbor || json ? WARD_OK : WARD_ERROR_FRAME_PAYLOAD));
    if (error != WARD_OK) return 0;
    fuzz_check_report(&report);
    const ward_report *same = &alone[borsh ? 0 : cbor ? 1 : 2];
    WARD_ASSERT(report.codec == (borsh  ? WARD_CODEC_BORSH
                                 : cbor ? WARD_CODEC_CBOR
                                        : WARD_CODEC_JSON));
    WARD_ASSERT(report.status == same->status && report.reason.length == same->reason.length);
    WARD_ASSERT(memcmp(report.reason.text, same->reason.text, same->reason.length) == 0);
    return 0;
}
