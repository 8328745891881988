/* Borsh: 00 | 01 length:u32le utf8 | 02 length:u32le utf8. */
#include "codec/codec_priv.h"

enum { LENGTH_BYTES = 4 };

static uint32_t read_u32(const uint8_t *bytes)
{
    return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

ward_error wardi_borsh_decode(const uint8_t *bytes, size_t length, ward_report *ret_report)
{
    if (length == 0 || bytes[0] > WARD_HEALTH_UNHEALTHY) return WARD_ERROR_FRAME_PAYLOAD;
    wardi_sink sink = wardi_sink_on(&ret_report->reason);
    if (bytes[0] == WARD_HEALTH_HEALTHY) {
        ret_report->status = WARD_HEALTH_HEALTHY;
        wardi_sink_finish(&sink);
        return WARD_OK;
    }
    if (length < 1 + LENGTH_BYTES) return WARD_ERROR_FRAME_PAYLOAD;
    size_t said = read_u32(bytes + 1);
    size_t there = length - 1 - LENGTH_BYTES;
    wardi_sink_utf8(&sink, bytes + 1 + LENGTH_BYTES, said < there ? said : there, said > there);
    wardi_sink_finish(&sink);
    ret_report->status = (ward_health)bytes[0];
    return WARD_OK;
}

void wardi_borsh_encode(wardi_writer *writer, ward_health status, const uint8_t *text,
                        size_t length)
{
    uint8_t variant = (uint8_t)status;
    wardi_put(writer, &variant, 1);
    if (text == NULL) return;
    size_t said = wardi_utf8_length_of(text, length);
    uint8_t field[LENGTH_BYTES] = {(uint8_t)said, (uint8_t)(said >> 8), (uint8_t)(said >> 16),
                                   (uint8_t)(said >> 24)};
    wardi_put(writer, field, sizeof field);
    wardi_put_utf8(writer, text, length);
}
