/* What fuzz targets share: a plain second opinion on text, and checks that hold for every report.
 *
 * The references here are slow and obvious on purpose, and share no line with src/codec. */
#ifndef WARD_FUZZ_H
#define WARD_FUZZ_H

#include "codec/codec.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- UTF-8, by the Unicode standard's table 3-7 ---- */

typedef struct fuzz_utf8_row {
    size_t length;
    uint8_t low[4], high[4];
} fuzz_utf8_row;

static const fuzz_utf8_row fuzz_utf8_rows[] = {
    {1, {0x00}, {0x7f}},
    {2, {0xc2, 0x80}, {0xdf, 0xbf}},
    {3, {0xe0, 0xa0, 0x80}, {0xe0, 0xbf, 0xbf}},
    {3, {0xe1, 0x80, 0x80}, {0xec, 0xbf, 0xbf}},
    {3, {0xed, 0x80, 0x80}, {0xed, 0x9f, 0xbf}},
    {3, {0xee, 0x80, 0x80}, {0xef, 0xbf, 0xbf}},
    {4, {0xf0, 0x90, 0x80, 0x80}, {0xf0, 0xbf, 0xbf, 0xbf}},
    {4, {0xf1, 0x80, 0x80, 0x80}, {0xf3, 0xbf, 0xbf, 0xbf}},
    {4, {0xf4, 0x80, 0x80, 0x80}, {0xf4, 0x8f, 0xbf, 0xbf}},
};

/** Bytes that go as far along any row as possible, at least 1; `*ret_whole`: a row was completed;
 * `*ret_unfinished`: `size` ended it. */
static inline size_t fuzz_utf8_step(const uint8_t *at, size_t size, bool *ret_whole,
                                    bool *ret_unfinished)
{
    size_t best = 0;
    *ret_whole = *ret_unfinished = false;
    for (size_t i = 0; i < WARD_COUNT(fuzz_utf8_rows); i++) {
        const fuzz_utf8_row *row = &fuzz_utf8_rows[i];
        size_t n = 0;
        while (n < row->length && n < size && at[n] >= row->low[n] && at[n] <= row->high[n]) n++;
        if (n <= best) continue;
        best = n;
        *ret_whole = n == row->length;
        *ret_unfinished = n == size && n < row->length;
    }
    return best != 0 ? best : 1;
}

/** A reason as it should be: appended to unit by unit. */
typedef struct fuzz_reason {
    char text[WARD_REASON_BYTES_MAX];
    size_t length;
    bool cut;
} fuzz_reason;

static inline void fuzz_reason_unit(fuzz_reason *reason, const void *bytes, size_t length)
{
    if (reason->length + length > sizeof reason->text) reason->cut = true;
    if (reason->cut) return;
    memcpy(reason->text + reason->length, bytes, length);
    reason->length += length;
}

static inline void fuzz_reason_add(fuzz_reason *reason, const uint8_t *at, size_t size,
                                   bool cut_off)
{
    while (size > 0) {
        bool whole, unfinished;
        size_t step = fuzz_utf8_step(at, size, &whole, &unfinished);
        if (unfinished && cut_off) break;
        fuzz_reason_unit(reason, whole ? (const void *)at : "\xef\xbf\xbd", whole ? step : 3);
        at += step;
        size -= step;
    }
    reason->cut |= cut_off;
}

/* ---- what must hold ---- */

/** Checks what every report promises, whatever it was read from. */
static inline void fuzz_check_report(const ward_report *report)
{
    const ward_reason *reason = &report->reason;
    WARD_ASSERT((unsigned)report->status < WARD_HEALTH_COUNT);
    WARD_ASSERT(reason->length <= WARD_REASON_BYTES_MAX);
    WARD_ASSERT(reason->text[reason->length] == '\0');
    WARD_ASSERT(report->status != WARD_HEALTH_HEALTHY || (reason->length == 0 && !reason->cut));
    for (size_t at = 0; at < reason->length;) {
        bool whole, unfinished;
        at += fuzz_utf8_step((const uint8_t *)reason->text + at, reason->length - at, &whole,
                             &unfinished);
        WARD_ASSERT(whole);
    }
}

static inline void fuzz_check_reason(const ward_reason *got, const fuzz_reason *wanted)
{
    WARD_ASSERT(got->length == wanted->length);
    WARD_ASSERT(memcmp(got->text, wanted->text, wanted->length) == 0);
    WARD_ASSERT(got->cut == wanted->cut);
}

/** Encodes `data` as a reason and reads it back: it must come out as fuzz_reason_add says. */
static inline void fuzz_check_round_trip(ward_codec codec, const uint8_t *data, size_t size)
{
    if (size > 600) size = 600; /* well past what a reason keeps: more is only slower */
    size_t capacity = 64 + 6 * size, length = 0;
    uint8_t *frame = malloc(capacity);
    WARD_ASSERT(frame != NULL);
    ward_error error = ward_frame_encode(codec, WARD_HEALTH_UNHEALTHY, (const char *)data, size,
                                         frame, capacity, &length);
    WARD_ASSERT(error == WARD_OK && length <= capacity);
    ward_report report;
    error = ward_frame_decode(frame, length, &report, NULL);
    WARD_ASSERT(error == WARD_OK && report.codec == codec);
    WARD_ASSERT(report.status == WARD_HEALTH_UNHEALTHY);
    fuzz_reason wanted = {0};
    fuzz_reason_add(&wanted, data, size, false);
    fuzz_check_reason(&report.reason, &wanted);
    /* The exact room is enough, and one byte less is not. */
    size_t again = 0;
    error = ward_frame_encode(codec, WARD_HEALTH_UNHEALTHY, (const char *)data, size, frame, length,
                              &again);
    WARD_ASSERT(error == WARD_OK && again == length);
    error = ward_frame_encode(codec, WARD_HEALTH_UNHEALTHY, (const char *)data, size, frame,
                              length - 1, &again);
    WARD_ASSERT(error == WARD_ERROR_BUFFER_TOO_SMALL);
    free(frame);
}

/** Nested by more than the decoders follow is refused by them and read by the oracles. */
enum { FUZZ_DEPTH_MAX = 32 };

#endif
