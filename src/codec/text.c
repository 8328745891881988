/* Text in both directions: whatever bytes a guest calls text leave here as valid UTF-8. */
#include "codec/codec_priv.h"

static const uint8_t replacement[3] = {0xef, 0xbf, 0xbd}; /* U+FFFD */

bool wardi_status_find(const char *name, size_t length, ward_health *ret_status)
{
    ward_health status;
    if (length == 7 && memcmp(name, "healthy", 7) == 0)
        status = WARD_HEALTH_HEALTHY;
    else if (length == 8 && memcmp(name, "degraded", 8) == 0)
        status = WARD_HEALTH_DEGRADED;
    else if (length == 9 && memcmp(name, "unhealthy", 9) == 0)
        status = WARD_HEALTH_UNHEALTHY;
    else
        return false;
    *ret_status = status;
    return true;
}

/* The maximal subpart of an ill-formed sequence, as Unicode 3.9 and Rust's from_utf8_lossy count
 * it: how far it could have become a character. */
static size_t ill_formed_length(const uint8_t *bytes, size_t length, bool *ret_unfinished)
{
    uint8_t lead = bytes[0];
    *ret_unfinished = false;
    if (lead < 0xc2 || lead > 0xf4) return 1;
    size_t want = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    uint8_t high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    size_t good = 1;
    for (; good < want && good < length; good++) {
        if (bytes[good] < low || bytes[good] > high) return good;
        low = 0x80;
        high = 0xbf;
    }
    *ret_unfinished = true; /* what was there is a good start, or wardi_utf8_length had taken it */
    return good;
}

size_t wardi_utf8_step(const uint8_t *bytes, size_t length, bool *ret_whole, bool *ret_unfinished)
{
    size_t whole = wardi_utf8_length(bytes, length);
    *ret_whole = whole != 0;
    *ret_unfinished = false;
    return whole != 0 ? whole : ill_formed_length(bytes, length, ret_unfinished);
}

static void sink_put(wardi_sink *sink, const uint8_t *bytes, size_t length)
{
    if (sink->cut) return;
    if (length > WARD_REASON_BYTES_MAX - sink->length) {
        sink->cut = true;
        return;
    }
    memcpy(sink->reason->text + sink->length, bytes, length);
    sink->length += length;
}

/* Copies 8, 4 or 2 bytes; false, and nothing copied, when not all of them are ASCII. Inlined by
 * force: each size is known, or its memcpy would be two calls. */
__attribute__((always_inline)) static inline bool copy_part(char *to, const uint8_t *from,
                                                            size_t size)
{
    uint64_t word = 0;
    memcpy(&word, from, size);
    if ((word & UINT64_C(0x8080808080808080)) != 0) return false;
    memcpy(to, &word, size);
    return true;
}

/* Copies the leading ASCII bytes and returns their number. In steps that do not overlap, for the
 * reason that wardi_copy_short has. */
static size_t copy_ascii(char *to, const uint8_t *from, size_t length)
{
    size_t i = 0;
    while (length - i >= 8 && copy_part(to + i, from + i, 8)) i += 8;
    if (length - i >= 4 && copy_part(to + i, from + i, 4)) i += 4;
    if (length - i >= 2 && copy_part(to + i, from + i, 2)) i += 2;
    for (; i < length && from[i] < 0x80; i++) to[i] = (char)from[i];
    return i;
}

/* Copies the leading well-formed characters past ASCII, and returns their bytes. */
static size_t copy_wide(char *to, const uint8_t *from, size_t length)
{
    size_t i = 0;
    while (i < length && from[i] >= 0x80) {
        size_t step = wardi_utf8_length(from + i, length - i);
        if (step == 0) break;
        for (size_t end = i + step; i < end; i++) to[i] = (char)from[i];
    }
    return i;
}

void wardi_sink_utf8(wardi_sink *sink, const uint8_t *bytes, size_t length, bool cut_off)
{
    while (length > 0 && !sink->cut) {
        size_t room = WARD_REASON_BYTES_MAX - sink->length;
        size_t fits = length < room ? length : room;
        char *to = sink->reason->text + sink->length;
        size_t step = copy_ascii(to, bytes, fits);
        step += copy_wide(to + step, bytes + step, fits - step);
        sink->length += step;
        if (step == 0) {
            bool whole, unfinished;
            step = wardi_utf8_step(bytes, length, &whole, &unfinished);
            if (unfinished && cut_off) break;
            sink_put(sink, whole ? bytes : replacement, whole ? step : sizeof replacement);
        }
        bytes += step;
        length -= step;
    }
    sink->cut |= cut_off;
}

void wardi_sink_code_point(wardi_sink *sink, uint32_t code_point)
{
    uint8_t bytes[4];
    uint8_t *end = bytes;
    if (code_point >= 0xd800 && code_point <= 0xdfff) code_point = 0xfffd;
    if (code_point < 0x80) {
        *end++ = (uint8_t)code_point;
    } else if (code_point < 0x800) {
        *end++ = (uint8_t)(0xc0 | code_point >> 6);
        *end++ = (uint8_t)(0x80 | (code_point & 0x3f));
    } else if (code_point < 0x10000) {
        *end++ = (uint8_t)(0xe0 | code_point >> 12);
        *end++ = (uint8_t)(0x80 | (code_point >> 6 & 0x3f));
        *end++ = (uint8_t)(0x80 | (code_point & 0x3f));
    } else {
        *end++ = (uint8_t)(0xf0 | code_point >> 18);
        *end++ = (uint8_t)(0x80 | (code_point >> 12 & 0x3f));
        *end++ = (uint8_t)(0x80 | (code_point >> 6 & 0x3f));
        *end++ = (uint8_t)(0x80 | (code_point & 0x3f));
    }
    sink_put(sink, bytes, (size_t)(end - bytes));
}

void wardi_found_write(const wardi_found *found, wardi_sink_span sink_span, ward_report *ret_report)
{
    wardi_sink sink = wardi_sink_on(&ret_report->reason);
    const wardi_span *reason = &found->reason;
    ret_report->status = found->status;
    if (found->status == WARD_HEALTH_HEALTHY) {
        /* A reason to be healthy is none. */
    } else if (reason->length == 0) {
        sink.cut = found->reason_cut;
    } else if (WARD_LIKELY(reason->plain)) {
        wardi_sink_utf8(&sink, reason->bytes, reason->length, found->reason_cut);
    } else {
        sink_span(&sink, reason, found->reason_cut);
    }
    wardi_sink_finish(&sink);
}

void wardi_put(wardi_writer *writer, const void *bytes, size_t length)
{
    if (length > writer->left) writer->full = true;
    if (writer->full) return;
    if (length != 0) memcpy(writer->at, bytes, length);
    writer->at += length;
    writer->left -= length;
}

void wardi_put_utf8(wardi_writer *writer, const uint8_t *text, size_t length)
{
    while (length > 0) {
        bool whole, unfinished;
        size_t step = wardi_utf8_step(text, length, &whole, &unfinished);
        wardi_put(writer, whole ? text : replacement, whole ? step : sizeof replacement);
        text += step;
        length -= step;
    }
}

size_t wardi_utf8_length_of(const uint8_t *text, size_t length)
{
    size_t sum = 0;
    while (length > 0) {
        bool whole, unfinished;
        size_t step = wardi_utf8_step(text, length, &whole, &unfinished);
        sum += whole ? step : sizeof replacement;
        text += step;
        length -= step;
    }
    return sum;
}
