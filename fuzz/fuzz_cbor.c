/* CBOR payloads against libcbor. What libcbor reads as a report, Ward reads as the same report, and
 * nothing else; what libcbor refuses, Ward may read only where the window cuts. */
#include "fuzz.h"

#include <cbor.h>

typedef struct plain {
    bool ok;
    bool has_status;
    unsigned status;
    fuzz_reason reason;
} plain;

/* libcbor allocates what an array or map claims to hold before it has seen it. */
static bool claims_too_much(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        unsigned major = data[i] >> 5, info = data[i] & 31;
        if ((major != 4 && major != 5) || info < 25 || info > 27) continue;
        uint64_t claimed = 0;
        for (size_t k = 1; k <= (size_t)1 << (info - 24) && i + k < size; k++)
            claimed = claimed << 8 | data[i + k];
        if (claimed > 4096) return true;
    }
    return false;
}

static const cbor_item_t *untagged(const cbor_item_t *item)
{
    while (cbor_isa_tag(item)) item = item->metadata.tag_metadata.tagged_item;
    return item;
}

static unsigned depth_of(const cbor_item_t *item)
{
    item = untagged(item);
    unsigned deepest = 0;
    bool array = cbor_isa_array(item);
    if (!array && !cbor_isa_map(item)) return 0;
    size_t count = array ? cbor_array_size(item) : 2 * cbor_map_size(item);
    for (size_t i = 0; i < count; i++) {
        const cbor_item_t *child = array          ? cbor_array_handle(item)[i]
                                   : (i % 2) == 0 ? cbor_map_handle(item)[i / 2].key
                                                  : cbor_map_handle(item)[i / 2].value;
        unsigned depth = depth_of(child);
        if (depth > deepest) deepest = depth;
    }
    return 1 + deepest;
}

/* Appends a text's bytes, chunks joined, and cuts at the capacity: enough for comparing. */
static size_t text_bytes(const cbor_item_t *text, char *buffer, size_t capacity)
{
    size_t length = 0;
    bool definite = cbor_string_is_definite(text);
    size_t count = definite ? 1 : cbor_string_chunk_count(text);
    for (size_t i = 0; i < count; i++) {
        const cbor_item_t *chunk = definite ? text : cbor_string_chunks_handle(text)[i];
        for (size_t k = 0; k < cbor_string_length(chunk) && length < capacity; k++)
            buffer[length++] = (char)cbor_string_handle(chunk)[k];
    }
    return length;
}

static bool text_is(const cbor_item_t *item, const char *word)
{
    item = untagged(item);
    char bytes[32];
    return cbor_isa_string(item) && text_bytes(item, bytes, sizeof bytes) == strlen(word) &&
           memcmp(bytes, word, strlen(word)) == 0;
}

/* Each chunk is text by itself. */
static void add_text(fuzz_reason *reason, const cbor_item_t *text)
{
    bool definite = cbor_string_is_definite(text);
    size_t count = definite ? 1 : cbor_string_chunk_count(text);
    for (size_t i = 0; i < count; i++) {
        const cbor_item_t *chunk = definite ? text : cbor_string_chunks_handle(text)[i];
        fuzz_reason_add(reason, cbor_string_handle(chunk), cbor_string_length(chunk), false);
    }
}

/* A text or nothing; of a map that may be nested once, its own `reason`. */
static bool plain_reason(const cbor_item_t *value, bool nested, fuzz_reason *reason)
{
    value = untagged(value);
    memset(reason, 0, sizeof *reason);
    if (cbor_isa_string(value)) {
        add_text(reason, value);
        return true;
    }
    if (cbor_isa_float_ctrl(value))
        return cbor_float_ctrl_is_ctrl(value) && (cbor_is_null(value) || cbor_is_undef(value));
    if (nested || !cbor_isa_map(value)) return false;
    for (size_t i = 0; i < cbor_map_size(value); i++) {
        const struct cbor_pair *pair = &cbor_map_handle(value)[i];
        if (text_is(pair->key, "reason") && !plain_reason(pair->value, true, reason)) return false;
    }
    return true;
}

static bool plain_status(const cbor_item_t *value, unsigned *ret_status)
{
    static const char *const names[] = {"healthy", "degraded", "unhealthy"};
    for (unsigned i = 0; i < 3; i++) {
        if (!text_is(value, names[i])) continue;
        *ret_status = i;
        return true;
    }
    return false;
}

static plain plain_report(const cbor_item_t *root)
{
    plain p = {0};
    root = untagged(root);
    if (!cbor_isa_map(root)) return p;
    for (size_t i = 0; i < cbor_map_size(root); i++) {
        const struct cbor_pair *pair = &cbor_map_handle(root)[i];
        if (text_is(pair->key, "status")) {
            if (!plain_status(pair->value, &p.status)) return p;
            p.has_status = true;
        } else if (text_is(pair->key, "reason")) {
            if (!plain_reason(pair->value, false, &p.reason)) return p;
        }
    }
    p.ok = p.has_status;
    if (p.status == WARD_HEALTH_HEALTHY) memset(&p.reason, 0, sizeof p.reason);
    return p;
}

static void compare(const cbor_item_t *root, const ward_report *report)
{
    plain wanted = plain_report(root);
    if (report == NULL) {
        WARD_ASSERT(!wanted.ok || depth_of(root) > FUZZ_DEPTH_MAX);
        return;
    }
    WARD_ASSERT(wanted.ok);
    WARD_ASSERT((unsigned)report->status == wanted.status);
    fuzz_check_reason(&report->reason, &wanted.reason);
}

static bool ill_formed(const uint8_t *text, size_t size)
{
    bool whole = true, unfinished;
    for (size_t at = 0; at < size && whole;)
        at += fuzz_utf8_step(text + at, size - at, &whole, &unfinished);
    return !whole;
}

/* True when a definite text that is no UTF-8 ends at `end`: Ward replaces what libcbor refuses. */
static bool ill_formed_text_ends_at(const uint8_t *data, size_t end)
{
    for (size_t at = 0; at < end; at++) {
        if (data[at] >> 5 != 3 || (data[at] & 31) > 27) continue;
        size_t width = (data[at] & 31) < 24 ? 0 : (size_t)1 << ((data[at] & 31) - 24);
        uint64_t length = width == 0 ? data[at] & 31 : 0;
        for (size_t k = 1; k <= width && at + k < end; k++) length = length << 8 | data[at + k];
        size_t text = at + 1 + width;
        if (text <= end && end - text == length && ill_formed(data + text, end - text)) return true;
    }
    return false;
}

/* Simple values in two bytes, unassigned ones in one, and tags 5 to 20 in one byte. */
static bool unknown_to_libcbor(uint8_t head)
{
    return head == 0xf8 || (head >= 0xe0 && head <= 0xf3) || (head >= 0xc5 && head <= 0xd4);
}

/* What Ward reads and libcbor does not, each on purpose. */
static bool forgiven(const struct cbor_error *error, const uint8_t *data)
{
    switch (error->code) {
    case CBOR_ERR_NOTENOUGHDATA: return true; /* the window cuts */
    case CBOR_ERR_SYNTAXERROR: return ill_formed_text_ends_at(data, error->position);
    case CBOR_ERR_MALFORMATED: return unknown_to_libcbor(data[error->position]);
    default: return false;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ward_report report;
    bool ok = wardi_cbor_decode(data, size, &report) == WARD_OK;
    if (ok) fuzz_check_report(&report);
    fuzz_check_round_trip(WARD_CODEC_CBOR, data, size);
    if (size == 0 || claims_too_much(data, size)) return 0;
    struct cbor_load_result result;
    cbor_item_t *root = cbor_load(data, size, &result);
    if (root != NULL) {
        compare(root, ok ? &report : NULL);
        cbor_decref(&root);
    } else if (ok) {
        WARD_ASSERT(forgiven(&result.error, data));
    }
    return 0;
}
