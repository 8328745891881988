/* What the payload decoders share: what a map has said so far, and text on its way in and out.
 *
 * A decoder reads in two steps. First it walks the payload and notes status and reason as spans of
 * the frame; only when all of it could be read does it write the report, so that a payload that
 * fails leaves the report untouched and the next codec can try. */
#ifndef WARDI_CODEC_PRIV_H
#define WARDI_CODEC_PRIV_H

#include "codec/codec.h"

#include <string.h>

/** Nesting that a payload may have, its own map included. The format needs 2; unknown keys may
 * hold more, but each level costs a stack frame, and a hostile guest would ask for thousands. */
enum { WARDI_CODEC_DEPTH_MAX = 32 };

/** A text inside the frame, still encoded. */
typedef struct wardi_span {
    const uint8_t *bytes;
    size_t length;
    bool plain; /* needs no decoding but UTF-8: no JSON escapes, no CBOR chunks */
} wardi_span;

/** What a map has said so far. Of a key that comes twice the last one counts, as in most readers of
 * JSON. */
typedef struct wardi_found {
    bool has_status, has_reason;
    bool reason_cut; /* the bytes ended inside the reason */
    ward_health status;
    wardi_span reason;
} wardi_found;

/** Status by its name on the wire; false when it is none. */
bool wardi_status_find(const char *name, size_t length, ward_health *ret_status);

/** Longer than any key or status that a decoder looks for. */
enum { WARDI_WORD_BYTES_MAX = 12 };
/** Decodes a span that is not plain. 0 for what is longer than a word, or none. */
typedef size_t (*wardi_span_word)(const wardi_span *span, char ret_word[WARDI_WORD_BYTES_MAX]);

/* Inline, so that comparing with a literal becomes two loads, and the decoder's `decode` no call.
 */
static inline bool wardi_span_is(const wardi_span *span, const char *word, wardi_span_word decode)
{
    size_t length = strlen(word);
    if (WARD_LIKELY(span->plain))
        return span->length == length && memcmp(span->bytes, word, length) == 0;
    char decoded[WARDI_WORD_BYTES_MAX];
    return decode(span, decoded) == length && memcmp(decoded, word, length) == 0;
}

static inline bool wardi_span_status(const wardi_span *span, wardi_span_word decode,
                                     ward_health *ret_status)
{
    if (WARD_LIKELY(span->plain))
        return wardi_status_find((const char *)span->bytes, span->length, ret_status);
    char decoded[WARDI_WORD_BYTES_MAX];
    size_t length = decode(span, decoded);
    return wardi_status_find(decoded, length, ret_status);
}

/** True when a map whose bytes ended early still says enough. Once status and reason have begun,
 * what is lost is the end of the reason or less: then it is cut, and no error. */
static inline bool wardi_found_enough(const wardi_found *found)
{
    return found->has_status && found->has_reason;
}

/* ---- reading: encoded text → reason ---- */

/** Writes one reason, front to back. */
typedef struct wardi_sink {
    ward_reason *reason;
    size_t length;
    bool cut; /* nothing more is added */
} wardi_sink;

static inline wardi_sink wardi_sink_on(ward_reason *reason)
{
    return (wardi_sink){.reason = reason};
}

/** Adds bytes that should be UTF-8; what is not becomes U+FFFD, one for each maximal subpart.
 * `cut_off`: the bytes end early, so an unfinished character at their end is dropped, not
 * replaced. */
void wardi_sink_utf8(wardi_sink *sink, const uint8_t *bytes, size_t length, bool cut_off);
/** Adds one code point; a surrogate becomes U+FFFD. */
void wardi_sink_code_point(wardi_sink *sink, uint32_t code_point);

static inline void wardi_sink_finish(const wardi_sink *sink)
{
    sink->reason->length = (uint16_t)sink->length;
    sink->reason->cut = sink->cut;
    sink->reason->text[sink->length] = '\0';
}

/** Decodes a span that is not plain. */
typedef void (*wardi_sink_span)(wardi_sink *sink, const wardi_span *span, bool cut_off);

/** Writes what a map said into the report, all but its codec. */
void wardi_found_write(const wardi_found *found, wardi_sink_span sink_span,
                       ward_report *ret_report);

/** Bytes that the next character takes, at least 1 of `length` > 0; `*ret_whole` is false when they
 * are ill-formed and `*ret_unfinished` true when more bytes could have made them whole. */
size_t wardi_utf8_step(const uint8_t *bytes, size_t length, bool *ret_whole, bool *ret_unfinished);

/* ---- writing: report → frame ---- */

/** Appends to a caller's buffer; remembers that something did not fit. */
typedef struct wardi_writer {
    uint8_t *at;
    size_t left;
    bool full;
} wardi_writer;

void wardi_put(wardi_writer *writer, const void *bytes, size_t length);
/** Appends text as UTF-8, ill-formed bytes as U+FFFD. */
void wardi_put_utf8(wardi_writer *writer, const uint8_t *text, size_t length);
/** Bytes that wardi_put_utf8 appends. */
size_t wardi_utf8_length_of(const uint8_t *text, size_t length);

/** Payloads; `text` is NULL when Healthy. */
void wardi_borsh_encode(wardi_writer *writer, ward_health status, const uint8_t *text,
                        size_t length);
void wardi_cbor_encode(wardi_writer *writer, ward_health status, const uint8_t *text,
                       size_t length);
void wardi_json_encode(wardi_writer *writer, ward_health status, const uint8_t *text,
                       size_t length);

#endif
