/* Borsh payloads beyond the vectors: lengths that lie, windows that end early. */
#include "codec/codec.h"
#include "support/guard.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static guard pages;

static int pages_new(void **state)
{
    (void)state;
    pages = guard_new();
    return 0;
}

static int pages_free(void **state)
{
    (void)state;
    guard_free(&pages);
    return 0;
}

/* Variant 1 with `said` as its length and `text` as what is there of it. */
static ward_report degraded(uint32_t said, const char *text, size_t length)
{
    uint8_t *at = guard_last(&pages, 5 + length);
    at[0] = 1;
    for (int i = 0; i < 4; i++) at[1 + i] = (uint8_t)(said >> (8 * i));
    if (length != 0) memcpy(at + 5, text, length);
    ward_report report;
    memset(&report, 0xa5, sizeof report);
    assert_int_equal(wardi_borsh_decode(at, 5 + length, &report), WARD_OK);
    assert_int_equal(report.status, WARD_HEALTH_DEGRADED);
    return report;
}

static void a_length_past_the_window_cuts(void **state)
{
    (void)state;
    ward_report report = degraded(UINT32_MAX, "abc", 3);
    assert_string_equal(report.reason.text, "abc");
    assert_true(report.reason.cut);
    report = degraded(4, "", 0);
    assert_int_equal(report.reason.length, 0);
    assert_true(report.reason.cut);
    /* The declared length may also end inside a character: that is ill-formed, not cut. */
    report = degraded(5, "abc\xe2\x82zz", 7);
    assert_string_equal(report.reason.text, "abc\xef\xbf\xbd");
    assert_false(report.reason.cut);
}

static void a_character_at_the_windows_end_is_whole_or_gone(void **state)
{
    (void)state;
    ward_report report = degraded(9, "abc\xe2\x82", 5);
    assert_string_equal(report.reason.text, "abc");
    assert_true(report.reason.cut);
    report = degraded(9, "abc\xf0\x9f\x94", 6);
    assert_string_equal(report.reason.text, "abc");
    report = degraded(9, "abc\xe2\x82\xac", 6);
    assert_string_equal(report.reason.text, "abc\xe2\x82\xac");
    assert_true(report.reason.cut);
    report = degraded(9, "abc\xff", 4); /* could never become a character */
    assert_string_equal(report.reason.text, "abc\xef\xbf\xbd");
    assert_true(report.reason.cut);
}

static void lengths_around_the_capacity(void **state)
{
    (void)state;
    char text[1100];
    memset(text, 'x', sizeof text);
    const uint32_t lengths[] = {1, 7, 8, 9, 15, 16, 17, 244, 245, 254, 255, 256, 257, 1000};
    for (size_t i = 0; i < WARD_COUNT(lengths); i++) {
        ward_report report = degraded(lengths[i], text, lengths[i]);
        unsigned wanted = lengths[i] > 255 ? 255 : lengths[i];
        assert_int_equal(report.reason.length, wanted);
        assert_memory_equal(report.reason.text, text, wanted);
        assert_int_equal(report.reason.text[wanted], '\0');
        assert_int_equal(report.reason.cut, lengths[i] > 255);
    }
}

static void only_three_variants(void **state)
{
    (void)state;
    for (unsigned variant = 3; variant < 256; variant++) {
        uint8_t bytes[] = {(uint8_t)variant, 0, 0, 0, 0};
        ward_report report;
        assert_int_equal(wardi_borsh_decode(bytes, sizeof bytes, &report),
                         WARD_ERROR_FRAME_PAYLOAD);
    }
    for (size_t length = 0; length < 5; length++) {
        const uint8_t *bytes = guard_copy(&pages, "\1\0\0\0", length);
        ward_report report;
        assert_int_equal(wardi_borsh_decode(bytes, length, &report), WARD_ERROR_FRAME_PAYLOAD);
    }
    const uint8_t *bytes = guard_copy(&pages, "\0", 1);
    ward_report report;
    assert_int_equal(wardi_borsh_decode(bytes, 1, &report), WARD_OK);
    assert_int_equal(report.status, WARD_HEALTH_HEALTHY);
    assert_int_equal(report.reason.length, 0);
    assert_false(report.reason.cut);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_length_past_the_window_cuts),
        cmocka_unit_test(a_character_at_the_windows_end_is_whole_or_gone),
        cmocka_unit_test(lengths_around_the_capacity),
        cmocka_unit_test(only_three_variants),
    };
    return cmocka_run_group_tests(tests, pages_new, pages_free);
}
