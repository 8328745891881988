/* CBOR: the map of json.c, RFC 8949. Definite and indefinite lengths, any width of a length; tags
 * are stepped over wherever a value may stand; unknown keys are skipped, of any type. */
#include "codec/codec_priv.h"

enum { MAJOR_BYTES = 2, MAJOR_TEXT = 3, MAJOR_ARRAY = 4, MAJOR_MAP = 5, MAJOR_TAG = 6 };
enum { MAJOR_SIMPLE = 7, SIMPLE_NULL = 22, SIMPLE_UNDEFINED = 23 };
enum { INFO_U8 = 24, INFO_U64 = 27, INFO_INDEFINITE = 31 };
enum { BYTE_BREAK = 0xff };

typedef struct reader {
    const uint8_t *at, *end;
    bool ended; /* the bytes ran out; otherwise a failure means that they are wrong */
} reader;

/* The first bytes of an item. */
typedef struct head {
    uint8_t major, info;
    uint64_t value; /* 0 when indefinite */
} head;

/* Reads what follows a key; the key's span is empty when it is no text. */
typedef bool (*pair_fn)(reader *r, const wardi_span *key, unsigned depth, wardi_found *found);

static bool ran_out(reader *r)
{
    r->ended = true;
    return false;
}

/* ---- heads ---- */

static bool head_valid(const head *h)
{
    if (h->info < 28) return h->major != MAJOR_SIMPLE || h->info != INFO_U8 || h->value >= 32;
    /* 28–30 are reserved. Of what may be indefinite a bare break is not an item. */
    return h->info == INFO_INDEFINITE && h->major >= MAJOR_BYTES && h->major <= MAJOR_MAP;
}

static bool read_one_head(reader *r, head *ret_head)
{
    if (r->at == r->end) return ran_out(r);
    head h = {.major = *r->at >> 5, .info = *r->at & 31};
    r->at++;
    if (h.info < INFO_U8) {
        h.value = h.info;
    } else if (h.info <= INFO_U64) {
        size_t width = (size_t)1 << (h.info - INFO_U8);
        if ((size_t)(r->end - r->at) < width) return ran_out(r);
        for (size_t i = 0; i < width; i++) h.value = h.value << 8 | r->at[i];
        r->at += width;
    }
    if (!head_valid(&h)) return false;
    *ret_head = h;
    return true;
}

/* The head of the next item, past its tags, whatever it is. */
static bool read_any_head(reader *r, head *ret_head)
{
    do {
        if (!read_one_head(r, ret_head)) return false;
    } while (ret_head->major == MAJOR_TAG);
    return true;
}

/* Reads the head of the next item, past its tags; most are one byte and no tag. */
static inline bool read_head(reader *r, head *ret_head)
{
    if (r->at == r->end) return ran_out(r);
    uint8_t byte = *r->at;
    if (byte >= MAJOR_TAG << 5 || (byte & 31) >= INFO_U8) return read_any_head(r, ret_head);
    r->at++;
    *ret_head = (head){.major = byte >> 5, .info = byte & 31, .value = byte & 31};
    return true;
}

static bool is_indefinite(const head *h)
{
    return h->info == INFO_INDEFINITE;
}

static bool next_is_break(reader *r)
{
    if (r->at == r->end || *r->at != BYTE_BREAK) return false;
    r->at++;
    return true;
}

/* ---- strings ---- */

/* Steps over `length` bytes; to the end when there are fewer. */
static bool skip_bytes(reader *r, uint64_t length)
{
    size_t there = (size_t)(r->end - r->at);
    if (length > there) {
        r->at = r->end;
        return ran_out(r);
    }
    r->at += length;
    return true;
}

/* Steps over the chunks of an indefinite string. */
static bool skip_chunks(reader *r, uint8_t major)
{
    while (!next_is_break(r)) {
        head chunk;
        if (!read_one_head(r, &chunk)) return false;
        if (chunk.major != major || is_indefinite(&chunk)) return false;
        if (!skip_bytes(r, chunk.value)) return false;
    }
    return true;
}

/* Reads the string that `h` begins. When the bytes run out the span is what was there. */
static bool read_string(reader *r, const head *h, wardi_span *ret_span)
{
    *ret_span = (wardi_span){.bytes = r->at, .plain = !is_indefinite(h)};
    bool whole = is_indefinite(h) ? skip_chunks(r, h->major) : skip_bytes(r, h->value);
    ret_span->length = (size_t)(r->at - ret_span->bytes);
    return whole;
}

/* The next chunk of a span that is not plain; false after the last. `*at` starts at its first byte.
 */
static bool next_chunk(const uint8_t **at, const uint8_t *end, wardi_span *ret_chunk)
{
    reader r = {.at = *at, .end = end};
    head h;
    if (next_is_break(&r) || !read_one_head(&r, &h)) return false;
    read_string(&r, &h, ret_chunk);
    *at = r.at;
    return true;
}

static void sink_chunks(wardi_sink *sink, const wardi_span *span, bool cut_off)
{
    const uint8_t *at = span->bytes, *end = at + span->length;
    wardi_span chunk;
    while (!sink->cut && next_chunk(&at, end, &chunk))
        wardi_sink_utf8(sink, chunk.bytes, chunk.length, cut_off && at == end);
    sink->cut |= cut_off;
}

/* Joins the chunks of a short word: its length, or 0 when it is longer than `buffer`, which no word
 * that is looked for is. */
static size_t join_word(const wardi_span *span, char buffer[WARDI_WORD_BYTES_MAX])
{
    const uint8_t *at = span->bytes, *end = at + span->length;
    size_t length = 0;
    wardi_span chunk;
    while (next_chunk(&at, end, &chunk)) {
        if (chunk.length > WARDI_WORD_BYTES_MAX - length) return 0;
        memcpy(buffer + length, chunk.bytes, chunk.length);
        length += chunk.length;
    }
    return length;
}

/* ---- items ---- */

static bool skip_item(reader *r, unsigned depth);

/* Steps over the rest of the item that `h` begins; nested ones at most `depth` deep. */
static bool skip_rest(reader *r, const head *h, unsigned depth)
{
    if (h->major == MAJOR_BYTES || h->major == MAJOR_TEXT) {
        wardi_span ignored;
        return read_string(r, h, &ignored);
    }
    if (h->major != MAJOR_ARRAY && h->major != MAJOR_MAP) return true;
    if (depth == 0) return false;
    bool pairs = h->major == MAJOR_MAP;
    for (uint64_t i = 0; is_indefinite(h) ? !next_is_break(r) : i < h->value; i++) {
        if (!skip_item(r, depth - 1)) return false;
        if (pairs && !skip_item(r, depth - 1)) return false;
    }
    return true;
}

static bool skip_item(reader *r, unsigned depth)
{
    head h;
    return read_head(r, &h) && skip_rest(r, &h, depth);
}

static bool read_key(reader *r, unsigned depth, wardi_span *ret_key)
{
    head h;
    if (!read_head(r, &h)) return false;
    if (h.major == MAJOR_TEXT) return read_string(r, &h, ret_key);
    *ret_key = (wardi_span){.plain = true};
    return skip_rest(r, &h, depth);
}

/* Reads the pairs of the map that `h` begins, handing each to `pair`. */
static bool read_map(reader *r, const head *h, unsigned depth, pair_fn pair, wardi_found *found)
{
    for (uint64_t i = 0; is_indefinite(h) ? !next_is_break(r) : i < h->value; i++) {
        wardi_span key;
        if (!read_key(r, depth, &key) || !pair(r, &key, depth, found)) return false;
    }
    return true;
}

/* Reads the text or null that `h` begins as the reason. */
static bool read_reason_text(reader *r, const head *h, wardi_found *found)
{
    wardi_span text = {.plain = true};
    bool null = h->major == MAJOR_SIMPLE && (h->info == SIMPLE_NULL || h->info == SIMPLE_UNDEFINED);
    if (!null && h->major != MAJOR_TEXT) return false;
    bool whole = null || read_string(r, h, &text);
    if (!whole && !r->ended) return false;
    found->has_reason = true;
    found->reason = text;
    found->reason_cut = !whole;
    return whole;
}

static bool nested_pair(reader *r, const wardi_span *key, unsigned depth, wardi_found *found)
{
    if (!wardi_span_is(key, "reason", join_word)) return skip_item(r, depth);
    head h;
    return read_head(r, &h) && read_reason_text(r, &h, found);
}

static bool read_reason(reader *r, unsigned depth, wardi_found *found)
{
    head h;
    if (!read_head(r, &h)) return false;
    if (h.major != MAJOR_MAP) return read_reason_text(r, &h, found);
    wardi_found nested = {0};
    bool whole = read_map(r, &h, depth - 1, nested_pair, &nested);
    if (!whole && !(r->ended && nested.has_reason)) return false;
    found->has_reason = true;
    found->reason = nested.reason;
    found->reason_cut = nested.reason_cut;
    return whole;
}

static bool top_pair(reader *r, const wardi_span *key, unsigned depth, wardi_found *found)
{
    if (wardi_span_is(key, "reason", join_word)) return read_reason(r, depth, found);
    if (!wardi_span_is(key, "status", join_word)) return skip_item(r, depth);
    head h;
    wardi_span text;
    if (!read_head(r, &h) || h.major != MAJOR_TEXT || !read_string(r, &h, &text)) return false;
    if (!wardi_span_status(&text, join_word, &found->status)) return false;
    found->has_status = true;
    return true;
}

ward_error wardi_cbor_decode(const uint8_t *bytes, size_t length, ward_report *ret_report)
{
    reader r = {.at = bytes, .end = bytes + length};
    wardi_found found = {0};
    head h;
    if (!read_head(&r, &h) || h.major != MAJOR_MAP) return WARD_ERROR_FRAME_PAYLOAD;
    bool whole = read_map(&r, &h, WARDI_CODEC_DEPTH_MAX - 1, top_pair, &found);
    if (!whole && !(r.ended && wardi_found_enough(&found))) return WARD_ERROR_FRAME_PAYLOAD;
    if (!found.has_status) return WARD_ERROR_FRAME_PAYLOAD;
    wardi_found_write(&found, sink_chunks, ret_report);
    return WARD_OK;
}

/* ---- encode ---- */

/* The shortest head, as deterministic encoding asks. */
static void put_head(wardi_writer *writer, uint8_t major, uint64_t value)
{
    uint8_t bytes[9];
    unsigned width = value < INFO_U8       ? 0
                     : value <= UINT8_MAX  ? 1
                     : value <= UINT16_MAX ? 2
                     : value <= UINT32_MAX ? 4
                                           : 8;
    unsigned info = width == 0 ? (unsigned)value : INFO_U8 + (unsigned)__builtin_ctz(width);
    bytes[0] = (uint8_t)((unsigned)major << 5 | info);
    for (unsigned i = 0; i < width; i++) bytes[1 + i] = (uint8_t)(value >> (8 * (width - 1 - i)));
    wardi_put(writer, bytes, 1 + width);
}

static void put_text(wardi_writer *writer, const uint8_t *text, size_t length)
{
    put_head(writer, MAJOR_TEXT, wardi_utf8_length_of(text, length));
    wardi_put_utf8(writer, text, length);
}

static void put_word(wardi_writer *writer, const char *word)
{
    put_text(writer, (const uint8_t *)word, strlen(word));
}

void wardi_cbor_encode(wardi_writer *writer, ward_health status, const uint8_t *text, size_t length)
{
    put_head(writer, MAJOR_MAP, text != NULL ? 2 : 1);
    put_word(writer, "status");
    put_word(writer, ward_health_name(status));
    if (text == NULL) return;
    put_word(writer, "reason");
    put_text(writer, text, length);
}
