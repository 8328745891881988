/* What gRPC puts into HTTP/2: prefixes, timeouts, texts. Pure. */
#include "surface/grpc.h"

#include <string.h>
#include <strings.h>

grpc_prefix wire_prefix_read(const uint8_t bytes[GRPC_PREFIX_BYTES])
{
    return (grpc_prefix){.flag = bytes[0],
                         .length = (uint32_t)bytes[1] << 24 | (uint32_t)bytes[2] << 16 |
                                   (uint32_t)bytes[3] << 8 | (uint32_t)bytes[4]};
}

void wire_prefix_write(uint8_t ret_bytes[GRPC_PREFIX_BYTES], uint32_t length)
{
    ret_bytes[0] = 0;
    for (int i = 0; i < 4; i++) ret_bytes[1 + i] = (uint8_t)(length >> (24 - 8 * i));
}

/* Nanoseconds of a unit; 0: there is no such unit. */
static uint64_t unit_ns(char unit)
{
    switch (unit) {
    case 'H': return 3600 * WARDI_S;
    case 'M': return 60 * WARDI_S;
    case 'S': return WARDI_S;
    case 'm': return WARDI_MS;
    case 'u': return WARDI_US;
    case 'n': return 1;
    default: return 0;
    }
}

bool wire_timeout_read(const char *text, size_t length, uint64_t *ret_ms)
{
    enum { DIGITS_MAX = 8 }; /* of the specification */
    if (length < 2 || length > DIGITS_MAX + 1) return false;
    uint64_t value = 0, unit = unit_ns(text[length - 1]);
    if (unit == 0) return false;
    for (size_t i = 0; i + 1 < length; i++) {
        if (text[i] < '0' || text[i] > '9') return false;
        value = 10 * value + (uint64_t)(text[i] - '0');
    }
    /* 99999999 hours are more nanoseconds than there are, but no more milliseconds. */
    uint64_t ms =
        unit >= WARDI_MS ? value * (unit / WARDI_MS) : (value * unit + WARDI_MS - 1) / WARDI_MS;
    const uint64_t years_30 = UINT64_C(30) * 365 * 24 * 3600 * 1000;
    *ret_ms = ms < years_30 ? ms : years_30;
    return true;
}

void wire_text_write(wardi_text *to, const char *text)
{
    for (const char *at = text; *at != '\0' && !to->cut; at++) {
        char encoded[4] = {*at, '\0', '\0', '\0'};
        if (*at < 0x20 || *at > 0x7e || *at == '%') {
            static const char digits[] = "0123456789ABCDEF";
            encoded[0] = '%';
            encoded[1] = digits[(unsigned char)*at >> 4];
            encoded[2] = digits[(unsigned char)*at & 0xf];
        }
        /* All or nothing: half of an escape would not be one. */
        if (to->capacity - 1 - to->length < strlen(encoded)) {
            to->cut = true;
            return;
        }
        wardi_text_puts(to, encoded);
    }
}

bool wire_content_type_fits(const char *text, size_t length)
{
    static const char type[] = "application/grpc", proto[] = "+proto";
    size_t at = sizeof type - 1;
    if (length < at || strncasecmp(text, type, at) != 0) return false;
    if (length - at >= sizeof proto - 1 && strncasecmp(text + at, proto, sizeof proto - 1) == 0)
        at += sizeof proto - 1;
    return at == length || text[at] == ';' || text[at] == ' ';
}

/* A varint of a message that is well-formed. */
static uint64_t varint_read(const uint8_t *bytes, size_t length, size_t *at)
{
    uint64_t value = 0;
    for (unsigned shift = 0; *at < length && shift < 64; shift += 7) {
        uint8_t byte = bytes[(*at)++];
        value |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) break;
    }
    return value;
}

const uint8_t *wire_string_find(const uint8_t *bytes, size_t length, uint32_t field,
                                size_t *ret_length)
{
    enum { VARINT, FIXED_64, BYTES, FIXED_32 = 5 };
    const uint8_t *found = NULL;
    for (size_t at = 0; at < length;) {
        uint64_t tag = varint_read(bytes, length, &at);
        uint64_t skipped = 0;
        switch (tag & 7) {
        case VARINT: (void)varint_read(bytes, length, &at); break;
        case FIXED_64: skipped = 8; break;
        case FIXED_32: skipped = 4; break;
        case BYTES: skipped = varint_read(bytes, length, &at); break;
        default: return found; /* groups, which protobuf-c does not take */
        }
        if (skipped > length - at) return found;
        if ((tag & 7) == BYTES && tag >> 3 == field) {
            found = bytes + at;
            *ret_length = (size_t)skipped;
        }
        at += (size_t)skipped;
    }
    return found;
}
