/* A text that is replaced by one thread while others read it. See wardi_note. */
#include <string.h>

#include "component/component_priv.h"

/* The tag: what the text is about, and a version that tells one text from the next. */
enum {
    LENGTH_AT = 0,
    CUT_AT = 8,
    KIND_AT = 10,
    HEALTH_AT = 12,
    SOURCE_AT = 14,
    ERROR_AT = 16,
    RESOURCE_AT = 20,
    VERSION_AT = 32,
};
#define SAID_MASK ((UINT64_C(1) << VERSION_AT) - 1)
/* Each attempt that fails is a whole new verdict; a check is bounded all the same. */
enum { TRIES_MAX = 100 };

static uint64_t pack(const wardi_note_attributes *a, size_t length, bool cut)
{
    return (uint64_t)length << LENGTH_AT | (uint64_t)cut << CUT_AT | (uint64_t)a->kind << KIND_AT |
           (uint64_t)a->health << HEALTH_AT | (uint64_t)a->source << SOURCE_AT |
           (uint64_t)a->probe_error << ERROR_AT | (uint64_t)a->resource << RESOURCE_AT;
}

static void unpack(uint64_t tag, wardi_note_attributes *a)
{
    a->kind = (wardi_note_kind)(tag >> KIND_AT & 3);
    a->health = (ward_child_health)(tag >> HEALTH_AT & 3);
    a->source = (ward_source)(tag >> SOURCE_AT & 3);
    a->probe_error = (ward_probe_error)(tag >> ERROR_AT & 15);
    a->resource = (ward_resource)(tag >> RESOURCE_AT & 7);
}

static inline uint64_t load(const char *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

/* The last `left` bytes, fewer than eight, read in the steps in which wardi_copy_short wrote them.
 */
static inline uint64_t load_tail(const char *bytes, size_t left)
{
    uint32_t four = 0;
    uint16_t two = 0;
    if ((left & 4) != 0) memcpy(&four, bytes, 4);
    bytes += left & 4;
    if ((left & 2) != 0) memcpy(&two, bytes, 2);
    bytes += left & 2;
    uint64_t rest = (left & 1) != 0 ? (uint8_t)*bytes : 0;
    rest = two | rest << 8 * (left & 2);
    return four | rest << 8 * (left & 4);
}

/* Only who puts makes them: one thread at a time. The tag that is stored after says that they are
 * there. */
static wardi_note_texts *texts_of(wardi_note *note)
{
    wardi_note_texts *texts = atomic_load_explicit(&note->texts, memory_order_relaxed);
    if (texts != NULL) return texts;
    texts = wardi_alloc(sizeof *texts);
    atomic_store_explicit(&note->texts, texts, memory_order_release);
    return texts;
}

void wardi_note_done(wardi_note *note)
{
    wardi_free(atomic_load_explicit(&note->texts, memory_order_relaxed));
}

void wardi_note_put(wardi_note *note, const wardi_note_attributes *attributes, const char *bytes,
                    size_t length, bool cut)
{
    WARD_ASSERT(length <= WARD_REASON_BYTES_MAX);
    wardi_note_texts *texts = length != 0 ? texts_of(note) : NULL;
    if (texts == NULL) length = 0;
    uint64_t old = atomic_load_explicit(&note->tag, memory_order_relaxed);
    uint64_t said = pack(attributes, length, cut);
    if (length == 0 && (old & SAID_MASK) == said) return;
    uint64_t tag = ((old >> VERSION_AT) + 1) << VERSION_AT | said;
    _Atomic uint64_t *words = texts != NULL ? texts->words[tag >> VERSION_AT & 1] : NULL;
    size_t at = 0;
    for (; length - at >= 8; at += 8)
        atomic_store_explicit(&words[at / 8], load(bytes + at), memory_order_release);
    if (at < length)
        atomic_store_explicit(&words[at / 8], load_tail(bytes + at, length - at),
                              memory_order_release);
    atomic_store_explicit(&note->tag, tag, memory_order_release);
}

bool wardi_note_get(wardi_note *note, wardi_note_attributes *ret_attributes, ward_reason *ret_text)
{
    for (int i = 0; i < TRIES_MAX; i++) {
        uint64_t tag = atomic_load_explicit(&note->tag, memory_order_acquire);
        unpack(tag, ret_attributes);
        size_t length = (size_t)(tag >> LENGTH_AT & 0xff);
        wardi_note_texts *texts = atomic_load_explicit(&note->texts, memory_order_acquire);
        _Atomic uint64_t *words = length != 0 ? texts->words[tag >> VERSION_AT & 1] : NULL;
        for (size_t at = 0; at < length; at += 8) {
            uint64_t word = atomic_load_explicit(&words[at / 8], memory_order_acquire);
            memcpy(ret_text->text + at, &word, 8);
        }
        if (atomic_load_explicit(&note->tag, memory_order_relaxed) != tag) continue;
        ret_text->length = (uint16_t)length;
        ret_text->cut = (tag >> CUT_AT & 1) != 0;
        ret_text->text[length] = '\0';
        return true;
    }
    wardi_reason_set(ret_text, "");
    return false;
}
