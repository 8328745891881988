/* Health frames: how a guest's report travels as bytes.
 *
 * A frame is a multicodec prefix and a payload in Borsh, CBOR or JSON. Frames are self-delimiting:
 * bytes after one are not looked at. All functions are pure, allocate nothing, keep nothing and may
 * run on any thread. The format: docs/guest-abi.md. */
#ifndef WARD_FRAME_H
#define WARD_FRAME_H

#include <ward/health.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Payload formats; the values are their multicodec codes. */
typedef enum ward_codec {
    WARD_CODEC_CBOR = 0x51,    /**< prefix 51; also read: 00 51 */
    WARD_CODEC_JSON = 0x0200,  /**< prefix 80 04; also read: 02 00 */
    WARD_CODEC_BORSH = 0x0701, /**< prefix 81 0e; also read: 07 01 */
} ward_codec;

/** What a frame says. */
typedef struct ward_report {
    ward_health status; /**< what the guest says of itself */
    /** the codec that could read the payload: it may differ from the prefix */
    ward_codec codec;
    ward_reason reason; /**< empty when Healthy */
} ward_report;

/** Bytes that hold any frame with a reason of up to WARD_REASON_BYTES_MAX bytes (JSON escapes take
 * six for one). */
enum { WARD_FRAME_BYTES_MAX = 64 + 6 * WARD_REASON_BYTES_MAX };

/** Reads one frame from `bytes`, which may go on after it.
 * A reason that is cut off by `length` or longer than a ward_reason is cut after its last whole
 * character and marked; that is no error. Invalid UTF-8 is replaced by U+FFFD. Errors: FRAME_EMPTY,
 * FRAME_TRUNCATED, FRAME_TOO_LARGE, FRAME_UNSUPPORTED (the diag names the code in hex),
 * FRAME_PAYLOAD. `ret_diag` may be NULL. */
WARD_API ward_error ward_frame_decode(const uint8_t *bytes, size_t length, ward_report *ret_report,
                                      ward_diag *ret_diag);

/** Writes the frame of (status, reason) into `buffer`; the reason of a Healthy report is not
 * written. `reason` need not be NUL-terminated and must be UTF-8; invalid bytes are replaced by
 * U+FFFD. Errors: BUFFER_TOO_SMALL; INVALID_ARGUMENT for an unknown codec or status. On success
 * `*ret_length` bytes are valid. */
WARD_API ward_error ward_frame_encode(ward_codec codec, ward_health status, const char *reason,
                                      size_t reason_length, uint8_t *buffer, size_t capacity,
                                      size_t *ret_length);

/** "borsh", "cbor" or "json"; "unknown" otherwise. Static. */
WARD_API const char *ward_codec_name(ward_codec codec);

#ifdef __cplusplus
}
#endif
#endif
