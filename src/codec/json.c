/* JSON: {"status": …, "reason": …}, in any order, with unknown keys skipped.
 *
 * Reads RFC 8259, except that ill-formed UTF-8 and lone surrogates are replaced rather than
 * refused. `reason` is a string, null, or an object with a `reason` of its own, which is how serde
 * writes the enum of the origin. */
#include "codec/codec_priv.h"

typedef struct reader {
    const uint8_t *at, *end;
    bool ended; /* the bytes ran out; otherwise a failure means that they are wrong */
} reader;

/* Reads what follows `"key":`. */
typedef bool (*member_fn)(reader *r, const wardi_span *key, unsigned depth, wardi_found *found);

static bool ran_out(reader *r)
{
    r->ended = true;
    return false;
}

static void skip_space(reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\n' || *r->at == '\r' || *r->at == '\t'))
        r->at++;
}

/* Takes `c` if it comes next. */
static bool next_is(reader *r, uint8_t c)
{
    skip_space(r);
    if (r->at == r->end || *r->at != c) return false;
    r->at++;
    return true;
}

/* Takes `c`, or fails. */
static bool take(reader *r, uint8_t c)
{
    return next_is(r, c) || (r->at == r->end && ran_out(r));
}

/* ---- strings ---- */

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* Steps over bytes that are neither a quote nor a backslash nor a control character. */
static const uint8_t *skip_ordinary(const uint8_t *at, const uint8_t *end)
{
    const bool little_endian = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
    const uint64_t ones = UINT64_C(0x0101010101010101), highs = ones * 0x80;
    while (end - at >= 8) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        uint64_t quote = word ^ ones * '"', backslash = word ^ ones * '\\';
        /* A byte's top bit is set where the byte is 0, 0 and below 0x20: Hacker's Delight, 6-1.
         * A borrow may set it in bytes above a hit too, so only the lowest one is exact. */
        uint64_t hits = ((quote - ones) & ~quote) | ((backslash - ones) & ~backslash) |
                        ((word - ones * 0x20) & ~word);
        hits &= highs;
        if (hits != 0 && little_endian) return at + __builtin_ctzll(hits) / 8;
        if (hits != 0) break;
        at += sizeof word;
    }
    while (at < end && *at != '"' && *at != '\\' && *at >= 0x20) at++;
    return at;
}

/* Steps over one escape, whose backslash is next. */
static bool skip_escape(reader *r)
{
    if (r->end - r->at < 2) return ran_out(r);
    uint8_t kind = r->at[1];
    if (kind != 'u') {
        if (kind == '\0' || strchr("\"\\/bfnrt", kind) == NULL) return false;
        r->at += 2;
        return true;
    }
    for (int i = 2; i < 6; i++) {
        if (r->end - r->at <= i) return ran_out(r);
        if (hex_digit(r->at[i]) < 0) return false;
    }
    r->at += 6;
    return true;
}

/* Reads a string; its span is without the quotes. When the bytes run out the span is what was
 * there. */
static bool read_string(reader *r, wardi_span *ret_span)
{
    if (!take(r, '"')) return false;
    *ret_span = (wardi_span){.bytes = r->at, .plain = true};
    for (;;) {
        r->at = skip_ordinary(r->at, r->end);
        ret_span->length = (size_t)(r->at - ret_span->bytes);
        if (r->at == r->end) return ran_out(r);
        if (*r->at == '"') {
            r->at++;
            return true;
        }
        if (*r->at != '\\') return false;
        ret_span->plain = false;
        if (!skip_escape(r)) return false;
    }
}

static uint32_t read_hex4(const uint8_t *bytes)
{
    uint32_t value = 0;
    for (int i = 0; i < 4; i++) value = value << 4 | (uint32_t)hex_digit(bytes[i]);
    return value;
}

/* Decodes the escape at `bytes`, which skip_escape found whole, and returns its length; 0 when it
 * is the first half of a pair and `cut_off` may have taken the second. */
static size_t decode_escape(const uint8_t *bytes, size_t length, bool cut_off, uint32_t *ret_cp)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    if (bytes[1] != 'u') {
        *ret_cp = (uint8_t)to[strchr(from, bytes[1]) - from];
        return 2;
    }
    *ret_cp = read_hex4(bytes + 2);
    if (*ret_cp < 0xd800 || *ret_cp > 0xdbff) return 6;
    if (length < 12) return cut_off && length == 6 ? 0 : 6;
    if (bytes[6] != '\\' || bytes[7] != 'u') return 6;
    uint32_t low = read_hex4(bytes + 8);
    if (low < 0xdc00 || low > 0xdfff) return 6;
    *ret_cp = 0x10000 + ((*ret_cp - 0xd800) << 10) + (low - 0xdc00);
    return 12;
}

static void sink_string(wardi_sink *sink, const wardi_span *span, bool cut_off)
{
    const uint8_t *at = span->bytes, *end = at + span->length;
    while (at < end && !sink->cut) {
        const uint8_t *run = memchr(at, '\\', (size_t)(end - at));
        if (run == NULL) run = end;
        wardi_sink_utf8(sink, at, (size_t)(run - at), cut_off && run == end);
        at = run;
        if (at == end || sink->cut) break;
        uint32_t code_point;
        size_t step = decode_escape(at, (size_t)(end - at), cut_off, &code_point);
        if (step == 0) break;
        wardi_sink_code_point(sink, code_point);
        at += step;
    }
    sink->cut |= cut_off;
}

/* Undoes the escapes of a short word, such as a key: its length, or 0 when it is longer than
 * `buffer`, which no word that is looked for is. */
static size_t unescape_word(const wardi_span *span, char buffer[WARDI_WORD_BYTES_MAX])
{
    size_t length = 0, i = 0;
    while (i < span->length) {
        if (length == WARDI_WORD_BYTES_MAX) return 0;
        uint32_t c = span->bytes[i];
        size_t step = 1;
        if (c == '\\') step = decode_escape(span->bytes + i, span->length - i, false, &c);
        if (c >= 0x80) return 0;
        buffer[length++] = (char)c;
        i += step;
    }
    return length;
}

/* ---- values ---- */

/* Reads an object, handing each member to `member`. */
static bool read_object(reader *r, unsigned depth, member_fn member, wardi_found *found)
{
    if (!take(r, '{')) return false;
    if (next_is(r, '}')) return true;
    do {
        wardi_span key;
        if (!read_string(r, &key) || !take(r, ':')) return false;
        if (!member(r, &key, depth, found)) return false;
    } while (next_is(r, ','));
    return take(r, '}');
}

static bool read_word(reader *r, const char *word)
{
    for (; *word != '\0'; word++, r->at++) {
        if (r->at == r->end) return ran_out(r);
        if (*r->at != (uint8_t)*word) return false;
    }
    return true;
}

/* One digit or more. */
static bool read_digits(reader *r)
{
    const uint8_t *start = r->at;
    while (r->at < r->end && *r->at >= '0' && *r->at <= '9') r->at++;
    if (r->at != start) return true;
    return r->at == r->end && ran_out(r);
}

static bool take_one_of(reader *r, uint8_t a, uint8_t b)
{
    if (r->at == r->end || (*r->at != a && *r->at != b)) return false;
    r->at++;
    return true;
}

static bool read_number(reader *r)
{
    take_one_of(r, '-', '-');
    if (!take_one_of(r, '0', '0') && !read_digits(r)) return false;
    if (take_one_of(r, '.', '.') && !read_digits(r)) return false;
    if (!take_one_of(r, 'e', 'E')) return true;
    take_one_of(r, '+', '-');
    return read_digits(r);
}

static bool skip_member(reader *r, const wardi_span *key, unsigned depth, wardi_found *found);

/* Steps over one value of any kind; nested ones at most `depth` deep. */
static bool skip_value(reader *r, unsigned depth)
{
    skip_space(r);
    if (r->at == r->end) return ran_out(r);
    wardi_span ignored;
    switch (*r->at) {
    case '"': return read_string(r, &ignored);
    case 't': return read_word(r, "true");
    case 'f': return read_word(r, "false");
    case 'n': return read_word(r, "null");
    case '{': return depth > 0 && read_object(r, depth - 1, skip_member, NULL);
    case '[': break;
    default: return read_number(r);
    }
    if (depth == 0) return false;
    r->at++;
    if (next_is(r, ']')) return true;
    do {
        if (!skip_value(r, depth - 1)) return false;
    } while (next_is(r, ','));
    return take(r, ']');
}

static bool skip_member(reader *r, const wardi_span *key, unsigned depth, wardi_found *found)
{
    (void)key;
    (void)found;
    return skip_value(r, depth);
}

/* Reads a string or null as the reason. */
static bool read_reason_text(reader *r, wardi_found *found)
{
    wardi_span text = {.plain = true};
    skip_space(r);
    bool whole = r->at < r->end && *r->at == 'n' ? read_word(r, "null") : read_string(r, &text);
    if (!whole && (!r->ended || text.bytes == NULL)) return false;
    found->has_reason = true;
    found->reason = text;
    found->reason_cut = !whole;
    return whole;
}

static bool nested_member(reader *r, const wardi_span *key, unsigned depth, wardi_found *found)
{
    return wardi_span_is(key, "reason", unescape_word) ? read_reason_text(r, found)
                                                       : skip_value(r, depth);
}

static bool read_reason(reader *r, unsigned depth, wardi_found *found)
{
    skip_space(r);
    if (r->at == r->end || *r->at != '{') return read_reason_text(r, found);
    wardi_found nested = {0};
    bool whole = read_object(r, depth - 1, nested_member, &nested);
    if (!whole && !(r->ended && nested.has_reason)) return false;
    found->has_reason = true;
    found->reason = nested.reason;
    found->reason_cut = nested.reason_cut;
    return whole;
}

static bool top_member(reader *r, const wardi_span *key, unsigned depth, wardi_found *found)
{
    if (wardi_span_is(key, "reason", unescape_word)) return read_reason(r, depth, found);
    if (!wardi_span_is(key, "status", unescape_word)) return skip_value(r, depth);
    wardi_span text;
    if (!read_string(r, &text) || !wardi_span_status(&text, unescape_word, &found->status))
        return false;
    found->has_status = true;
    return true;
}

ward_error wardi_json_decode(const uint8_t *bytes, size_t length, ward_report *ret_report)
{
    reader r = {.at = bytes, .end = bytes + length};
    wardi_found found = {0};
    bool whole = read_object(&r, WARDI_CODEC_DEPTH_MAX - 1, top_member, &found);
    if (!whole && !(r.ended && wardi_found_enough(&found))) return WARD_ERROR_FRAME_PAYLOAD;
    if (!found.has_status) return WARD_ERROR_FRAME_PAYLOAD;
    wardi_found_write(&found, sink_string, ret_report);
    return WARD_OK;
}

/* ---- encode ---- */

/* The escape of a character that can't stand for itself; NULL when it can. */
static const char *escape_of(uint8_t c, char buffer[8])
{
    static const char digits[] = "0123456789abcdef";
    switch (c) {
    case '"': return "\\\"";
    case '\\': return "\\\\";
    case '\b': return "\\b";
    case '\f': return "\\f";
    case '\n': return "\\n";
    case '\r': return "\\r";
    case '\t': return "\\t";
    default: break;
    }
    if (c >= 0x20) return NULL;
    memcpy(buffer, "\\u00", 4);
    buffer[4] = digits[c >> 4];
    buffer[5] = digits[c & 15];
    buffer[6] = '\0';
    return buffer;
}

static void put_string(wardi_writer *writer, const uint8_t *text, size_t length)
{
    wardi_put(writer, "\"", 1);
    size_t run = 0;
    for (size_t i = 0; i < length; i++) {
        char buffer[8];
        const char *escape = escape_of(text[i], buffer);
        if (escape == NULL) continue;
        wardi_put_utf8(writer, text + run, i - run);
        wardi_put(writer, escape, strlen(escape));
        run = i + 1;
    }
    wardi_put_utf8(writer, text + run, length - run);
    wardi_put(writer, "\"", 1);
}

static void put_word(wardi_writer *writer, const char *word)
{
    wardi_put(writer, word, strlen(word));
}

void wardi_json_encode(wardi_writer *writer, ward_health status, const uint8_t *text, size_t length)
{
    put_word(writer, "{\"status\":\"");
    put_word(writer, ward_health_name(status));
    put_word(writer, "\"");
    if (text != NULL) {
        put_word(writer, ",\"reason\":");
        put_string(writer, text, length);
    }
    put_word(writer, "}");
}
