/* Every vector: whole, with a wrong window, cut at every byte, and against guard pages. */
#include "codec/codec.h"
#include "support/guard.h"
#include "support/vectors.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static vector *vectors;
static size_t vector_count;

static int load(void **state)
{
    (void)state;
    vectors = vectors_load(TEST_DIR "/vectors.tsv", &vector_count);
    return vector_count > 90 ? 0 : -1;
}

static int unload(void **state)
{
    (void)state;
    free(vectors);
    return 0;
}

static void assert_says(const vector *v, const ward_report *report)
{
    if (report->status != v->status || report->reason.length != v->reason_length ||
        memcmp(report->reason.text, v->reason, v->reason_length) != 0)
        fail_msg("%s: %s \"%s\" of %u bytes", v->name, ward_health_name(report->status),
                 report->reason.text, report->reason.length);
    assert_false(report->reason.cut);
    assert_int_equal(report->reason.text[report->reason.length], '\0');
}

static void every_vector_has_its_outcome(void **state)
{
    (void)state;
    for (size_t i = 0; i < vector_count; i++) {
        const vector *v = &vectors[i];
        ward_report report;
        ward_diag diag;
        ward_error error = ward_frame_decode(v->frame, v->length, &report, &diag);
        if (error != v->error) fail_msg("%s: %s", v->name, ward_error_name(error));
        if (error == WARD_OK) {
            assert_says(v, &report);
        } else {
            assert_int_equal(diag.error, error);
            assert_ptr_equal(strstr(diag.text, ward_error_text(error)), diag.text);
        }
    }
}

/* The codec that is reported is the one that could read the payload. */
static void vectors_tell_the_codec_that_read_them(void **state)
{
    (void)state;
    static const struct {
        const char *begin;
        ward_codec codec;
    } rows[] = {
        {"borsh-", WARD_CODEC_BORSH}, {"cbor-", WARD_CODEC_CBOR},
        {"json-", WARD_CODEC_JSON},   {"be-borsh", WARD_CODEC_BORSH},
        {"be-cbor", WARD_CODEC_CBOR}, {"be-json", WARD_CODEC_JSON},
        {"non-min", WARD_CODEC_CBOR}, {"trailing-bytes-borsh", WARD_CODEC_BORSH},
    };
    size_t seen = 0;
    for (size_t i = 0; i < vector_count; i++) {
        ward_report report;
        if (ward_frame_decode(vectors[i].frame, vectors[i].length, &report, NULL) != WARD_OK)
            continue;
        for (size_t k = 0; k < WARD_COUNT(rows); k++) {
            if (strncmp(vectors[i].name, rows[k].begin, strlen(rows[k].begin)) != 0) continue;
            if (report.codec != rows[k].codec)
                fail_msg("%s: %s", vectors[i].name, ward_codec_name(report.codec));
            seen++;
        }
    }
    assert_true(seen > 60);
}

static bool is_prefix_of(const ward_reason *part, const vector *whole)
{
    return part->length <= whole->reason_length &&
           memcmp(part->text, whole->reason, part->length) == 0;
}

/* Where the frame is cut must decide only how much of the reason is left: never another status,
 * never bytes past the end. */
static void vectors_cut_at_every_byte_before_a_guard_page(void **state)
{
    (void)state;
    guard in = guard_new(), out = guard_new();
    ward_report *report = (ward_report *)(void *)(guard_last(&out, sizeof *report));
    for (size_t i = 0; i < vector_count; i++) {
        const vector *v = &vectors[i];
        for (size_t length = 0; length <= v->length; length++) {
            const uint8_t *bytes = guard_copy(&in, v->frame, length);
            ward_error error = ward_frame_decode(bytes, length, report, NULL);
            if (length == v->length) assert_int_equal(error, v->error);
            /* A frame that is wrong further on may be cut before that. */
            if (error != WARD_OK || (v->error != WARD_OK && report->reason.cut)) continue;
            if (v->error != WARD_OK || report->status != v->status ||
                !is_prefix_of(&report->reason, v))
                fail_msg("%s cut to %zu bytes: %s \"%s\"", v->name, length,
                         ward_health_name(report->status), report->reason.text);
            if (report->reason.length < v->reason_length && !report->reason.cut)
                fail_msg("%s cut to %zu bytes: not marked as cut", v->name, length);
        }
    }
    guard_free(&in);
    guard_free(&out);
}

/* Once a cut frame can be read, every longer cut of it can: no length is a cliff. */
static void a_longer_window_never_reads_less(void **state)
{
    (void)state;
    for (size_t i = 0; i < vector_count; i++) {
        const vector *v = &vectors[i];
        if (v->error != WARD_OK) continue;
        size_t best = 0;
        bool read = false;
        for (size_t length = 0; length <= v->length; length++) {
            ward_report report;
            ward_error error = ward_frame_decode(v->frame, length, &report, NULL);
            if (read && (error != WARD_OK || report.reason.length < best))
                fail_msg("%s cut to %zu bytes reads less than before", v->name, length);
            if (error != WARD_OK) continue;
            read = true;
            best = report.reason.length;
        }
    }
}

/* On failure the report is untouched, and on success no byte past the reason's NUL is written. */
static void reports_are_written_in_place_and_only_as_far_as_needed(void **state)
{
    (void)state;
    for (size_t i = 0; i < vector_count; i++) {
        const vector *v = &vectors[i];
        for (size_t length = 0; length <= v->length; length++) {
            ward_report report, blank;
            memset(&report, 0xa5, sizeof report);
            memset(&blank, 0xa5, sizeof blank);
            bool ok = ward_frame_decode(v->frame, length, &report, NULL) == WARD_OK;
            size_t from = 0;
            if (ok) from = offsetof(ward_report, reason.text) + report.reason.length + 1u;
            if (memcmp((char *)&report + from, (char *)&blank + from, sizeof report - from) != 0)
                fail_msg("%s cut to %zu bytes: too much was written", v->name, length);
        }
    }
}

/* Vectors named codec-… with no other twist are what an encoder writes: ours is one. */
static void encoding_gives_the_very_bytes(void **state)
{
    (void)state;
    static const struct {
        const char *begin;
        ward_codec codec;
    } rows[] = {{"borsh-degraded-", WARD_CODEC_BORSH}, {"borsh-unhealthy-", WARD_CODEC_BORSH},
                {"cbor-degraded-", WARD_CODEC_CBOR},   {"cbor-unhealthy-", WARD_CODEC_CBOR},
                {"json-degraded-", WARD_CODEC_JSON},   {"json-unhealthy-", WARD_CODEC_JSON},
                {"borsh-healthy", WARD_CODEC_BORSH},   {"cbor-healthy", WARD_CODEC_CBOR},
                {"json-healthy", WARD_CODEC_JSON}};
    size_t seen = 0;
    for (size_t i = 0; i < vector_count; i++) {
        const vector *v = &vectors[i];
        for (size_t k = 0; k < WARD_COUNT(rows); k++) {
            if (strncmp(v->name, rows[k].begin, strlen(rows[k].begin)) != 0) continue;
            uint8_t frame[WARD_FRAME_BYTES_MAX];
            size_t length = 0;
            assert_int_equal(ward_frame_encode(rows[k].codec, v->status, v->reason,
                                               v->reason_length, frame, sizeof frame, &length),
                             WARD_OK);
            if (length != v->length || memcmp(frame, v->frame, length) != 0)
                fail_msg("%s: encoded otherwise", v->name);
            seen++;
        }
    }
    assert_true(seen > 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_vector_has_its_outcome),
        cmocka_unit_test(vectors_tell_the_codec_that_read_them),
        cmocka_unit_test(vectors_cut_at_every_byte_before_a_guard_page),
        cmocka_unit_test(a_longer_window_never_reads_less),
        cmocka_unit_test(reports_are_written_in_place_and_only_as_far_as_needed),
        cmocka_unit_test(encoding_gives_the_very_bytes),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
