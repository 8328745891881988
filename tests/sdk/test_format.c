/* The formatter and the frames of sdk/c/ward_guest.h, natively: against libc's snprintf, and
 * against Ward's own decoder. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <ward/frame.h>
#include <ward_guest.h>

/* Exactly as large as asked for, so that AddressSanitizer sees one byte too many. */
static uint8_t *format_v(uint32_t capacity, uint32_t *ret_length, const char *format, va_list list)
{
    uint8_t *bytes = malloc(capacity);
    *ret_length = ward_guest_format(bytes, capacity, format, list);
    assert_true(*ret_length <= capacity);
    return bytes;
}

static void assert_cut(uint32_t capacity, const char *expected, const char *format, ...)
{
    uint32_t length = 0;
    va_list list;
    va_start(list, format);
    uint8_t *bytes = format_v(capacity, &length, format, list);
    va_end(list);
    assert_int_equal(length, strlen(expected));
    assert_memory_equal(bytes, expected, length);
    free(bytes);
}

__attribute__((format(printf, 1, 2))) static void assert_as_libc(const char *format, ...)
{
    char expected[600];
    uint32_t length = 0;
    va_list list, again;
    va_start(list, format);
    va_copy(again, list);
    vsnprintf(expected, sizeof expected, format, again);
    uint8_t *bytes = format_v(sizeof expected, &length, format, list);
    va_end(again);
    va_end(list);
    if (length != strlen(expected) || memcmp(bytes, expected, length) != 0)
        fail_msg("%s: '%.*s', libc says '%s'", format, (int)length, (char *)bytes, expected);
    free(bytes);
}

static void test_integers(void **state)
{
    (void)state;
    static const int values[] = {0, 1, -1, 7, 10, -10, 255, 65536, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        int v = values[i];
        unsigned u = (unsigned)v;
        assert_as_libc("%d|%i|%5d|%-5d|%05d|%+d|% d|%.3d|%8.3d|%-8.3d", v, v, v, v, v, v, v, v, v,
                       v);
        assert_as_libc("%u|%x|%X|%o|%#x|%#X|%08x|%-8x|%#10x|%#010x|%.5x", u, u, u, u, u, u, u, u, u,
                       u, u);
        assert_as_libc("%*d|%-*d|%.*d|%*.*d", 6, v, 6, v, 4, v, -9, 4, v);
        assert_as_libc("%hd|%hu|%hhd|%hhu|%hhx", (short)v, (unsigned short)v, (signed char)v,
                       (unsigned char)v, (unsigned char)v);
    }
    assert_as_libc("[%.0d][%.0d][%5.0u]", 0, 3, 0U);
    /* as libc does, which compilers warn about */
    assert_cut(100, "     042|  000042|", "%08.3d|%08.6x|", 42, 0x42U);
    assert_as_libc("%%|%c|%3c|%-3c|", 'x', 'y', 'z');
}

static void test_wide_integers(void **state)
{
    (void)state;
    static const int64_t values[] = {0, -1, 1, INT64_MAX, INT64_MIN, 4294967296, -4294967297};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        int64_t v = values[i];
        assert_as_libc("%ld|%lu|%lx", (long)v, (unsigned long)v, (unsigned long)v);
        assert_as_libc("%lld|%llu|%llX", (long long)v, (unsigned long long)v,
                       (unsigned long long)v);
        assert_as_libc("%zu|%zd|%td|%jd|%ju", (size_t)v, (ssize_t)v, (ptrdiff_t)v, (intmax_t)v,
                       (uintmax_t)v);
    }
    assert_as_libc("%p|%20p|%-20p|", (void *)&values, (void *)&values, (void *)&values);
}

static void test_strings(void **state)
{
    (void)state;
    assert_as_libc("%s|%10s|%-10s|%.2s|%10.2s|%-10.2s|", "abcdef", "abc", "abc", "abc", "abc",
                   "abc");
    assert_as_libc("no conversion, and データベース 🔥 %s", "قاعدة");
    static const char unterminated[3] = {'a', 'b', 'c'};
    assert_as_libc("%.3s|%.*s", unterminated, 2, unterminated);
    assert_as_libc("%s", "");
    assert_cut(100, "(null)", "%s", NULL);
}

static void test_doubles(void **state)
{
    (void)state;
    static const double values[] = {0,         1,    -1,      0.5,     1.5,    2.5,     0.25,
                                    99.9,      -0.0, 1e15,    123.456, 0.1,    -273.15, 0.999999,
                                    9999999.5, 1e18, 0.00001, 3.0e9,   1. / 3, 2.675};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        double v = values[i];
        assert_as_libc("%f|%.0f|%.1f|%.2f|%10.3f|%-10.3f|%010.3f|%+.1f|% .1f|%.9f", v, v, v, v, v,
                       v, v, v, v, v);
    }
    assert_as_libc("%f|%5.1f|%-5f|%05f|%f", 1. / 0., -1. / 0., 1. / 0., 1. / 0., __builtin_nan(""));
    assert_cut(100, "1.0e+20 -2.50e+300", "%.1f %.2f", 1e20, -2.5e300);
    assert_cut(100, "0.333333333", "%.12f", 1. / 3);
    assert_cut(100, "18446744073709547520.0", "%.1f", 18446744073709547520.0);
}

static void test_unknown_conversions_stay(void **state)
{
    (void)state;
    assert_cut(100, "5 %k and %d", "%d %k and %d", 5, 6);
    assert_cut(100, "100%", "100%");
    assert_cut(100, "%5", "%5");
    assert_cut(100, "%n", "%n");
    assert_cut(100, "%ll", "%ll");
}

static void test_cutting(void **state)
{
    (void)state;
    assert_cut(8, "12345678", "12345678");
    assert_cut(8, "12345…", "123456789");
    assert_cut(8, "12345…", "%s", "123456789");
    assert_cut(8, "   ab…", "%*s", 3, "   abcdefgh");
    assert_cut(8, "     …", "%100000d", 1);
    assert_cut(8, "00000…", "%0999999d", 1);
    assert_cut(4, "a…", "abcdef");
    /* é is two bytes, 接 three, 🔥 four: whole or not at all */
    assert_cut(8, "abcé…", "abcéé!!!");
    assert_cut(8, "abcd…", "abcdé!!!");
    assert_cut(8, "接…", "接接接");
    assert_cut(8, "🔥…", "🔥🔥🔥");
    assert_cut(7, "🔥…", "🔥🔥🔥");
    assert_cut(6, "…", "🔥🔥🔥");
    /* not UTF-8 at all: bounded, nothing read before the buffer */
    assert_cut(8, "\x80\x80…", "\x80\x80\x80\x80\x80\x80\x80\x80\x80");
}

static void test_every_cut_is_whole_characters(void **state)
{
    (void)state;
    static const char text[] = "a é 接 🔥 قاعدة %d %s";
    for (uint32_t capacity = 4; capacity < 60; capacity++) {
        uint8_t frame[7 + 60] = {0x81, 0x0E, 1};
        char expected[100];
        snprintf(expected, sizeof expected, text, 12345, "データ");
        va_list none; /* libc has written every conversion already */
        memset(&none, 0, sizeof none);
        uint32_t length = 0;
        uint8_t *bytes = format_v(capacity, &length, expected, none);
        memcpy(frame + 7, bytes, length);
        frame[3] = (uint8_t)length;
        free(bytes);
        ward_report report;
        assert_int_equal(ward_frame_decode(frame, 7 + length, &report, NULL), WARD_OK);
        assert_null(strstr(report.reason.text, "\xEF\xBF\xBD")); /* U+FFFD: a character was split */
        assert_int_equal(report.reason.length, length);
    }
}

static void assert_report(ward_answer answer, ward_health status, const char *reason)
{
    ward_report report;
    assert_non_null(answer.frame);
    assert_int_equal(ward_frame_decode(answer.frame, answer.length, &report, NULL), WARD_OK);
    assert_int_equal(report.status, status);
    assert_int_equal(report.codec, WARD_CODEC_BORSH);
    assert_string_equal(report.reason.text, reason);
    assert_int_equal(report.reason.length, answer.length - 7);
    assert_false(report.reason.cut);
}

static void test_frames(void **state)
{
    (void)state;
    ward_answer healthy = ward_healthy();
    assert_null(healthy.frame);
    assert_int_equal(healthy.length, 0);
    assert_report(ward_degraded("High %s", "latency"), WARD_HEALTH_DEGRADED, "High latency");
    assert_report(ward_unhealthy("%u of %u replicas", 1U, 3U), WARD_HEALTH_UNHEALTHY,
                  "1 of 3 replicas");
    assert_report(ward_degraded("%s", ""), WARD_HEALTH_DEGRADED, "");

    static const uint8_t known[] = {0x81, 0x0E, 0x01, 0x0C, 0,   0,   0,   'H', 'i', 'g',
                                    'h',  ' ',  'l',  'a',  't', 'e', 'n', 'c', 'y'};
    ward_answer answer = ward_degraded("High latency");
    assert_int_equal(answer.length, sizeof known);
    assert_memory_equal(answer.frame, known, sizeof known);
}

static void test_a_frame_fits_the_window(void **state)
{
    (void)state;
    char longest[WARD_GUEST_REASON_BYTES_MAX + 1];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    assert_report(ward_degraded("%s", longest), WARD_HEALTH_DEGRADED, longest);
    ward_answer answer = ward_unhealthy("%s%s", longest, longest);
    assert_int_equal(answer.length, 256);
    assert_memory_equal(answer.frame + 253, "…", 3);
}

/* What the macros make of a guest that is compiled natively. */
static int load;
WARD_GUEST_HEALTH
{
    return load > 90 ? ward_unhealthy("load %d%%", load) : ward_healthy();
}

static void test_a_guest_is_testable_natively(void **state)
{
    (void)state;
    load = 10;
    assert_null(ward_guest_health().frame);
    load = 99;
    assert_report(ward_guest_health(), WARD_HEALTH_UNHEALTHY, "load 99%");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_wide_integers),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_doubles),
        cmocka_unit_test(test_unknown_conversions_stay),
        cmocka_unit_test(test_cutting),
        cmocka_unit_test(test_every_cut_is_whole_characters),
        cmocka_unit_test(test_frames),
        cmocka_unit_test(test_a_frame_fits_the_window),
        cmocka_unit_test(test_a_guest_is_testable_natively),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
