/* What comes of bytes that are no UTF-8, and where a reason is cut. Expected texts are those of
 * Rust's String::from_utf8_lossy. */
#include "codec/codec.h"
#include "codec/codec_priv.h"
#include "support/guard.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define FFFD "\xef\xbf\xbd"

static ward_reason sunk(const char *bytes, size_t length, bool cut_off)
{
    ward_reason reason;
    memset(&reason, 0xa5, sizeof reason);
    wardi_sink sink = wardi_sink_on(&reason);
    wardi_sink_utf8(&sink, (const uint8_t *)bytes, length, cut_off);
    wardi_sink_finish(&sink);
    return reason;
}

static void ill_formed_bytes_are_replaced_by_maximal_subpart(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to;
    } rows[] = {
        {"Hello \xF0\x90\x80World", "Hello " FFFD "World"},
        {"\x80", FFFD},
        {"\xbf\xbf", FFFD FFFD},
        {"\xc0\xaf", FFFD FFFD}, /* overlong */
        {"\xc1\xbf", FFFD FFFD},
        {"\xc2", FFFD},
        {"\xc2"
         "a",
         FFFD "a"},
        {"\xe0\x80\xaf", FFFD FFFD FFFD}, /* overlong */
        {"\xe0\xa0", FFFD},
        {"\xe0\xa0"
         "a",
         FFFD "a"},
        {"\xed\xa0\x80", FFFD FFFD FFFD}, /* a surrogate */
        {"\xed\x9f\xbf", "\xed\x9f\xbf"},
        {"\xf0\x80\x80\x80", FFFD FFFD FFFD FFFD}, /* overlong */
        {"\xf0\x90\x80", FFFD},
        {"\xf0\x90\xff", FFFD FFFD},
        {"\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"},
        {"\xf4\x90\x80\x80", FFFD FFFD FFFD FFFD}, /* past U+10FFFF */
        {"\xf5\x80", FFFD FFFD},
        {"\xff", FFFD},
        {"Hello \xC0\x80 There\xE6\x83 Goodbye", "Hello " FFFD FFFD " There" FFFD " Goodbye"},
        {"12345678\xff"
         "12345678",
         "12345678" FFFD "12345678"},
        {"1234567\xff"
         "1234567",
         "1234567" FFFD "1234567"},
        {"\xf0\x9f\x94\xa5\xf0\x9f\x94\xa5", "\xf0\x9f\x94\xa5\xf0\x9f\x94\xa5"},
    };
    for (size_t i = 0; i < WARD_COUNT(rows); i++) {
        ward_reason reason = sunk(rows[i].from, strlen(rows[i].from), false);
        if (strcmp(reason.text, rows[i].to) != 0) fail_msg("row %zu: \"%s\"", i, reason.text);
        assert_int_equal(reason.length, strlen(rows[i].to));
        assert_false(reason.cut);
        assert_int_equal(wardi_utf8_length_of((const uint8_t *)rows[i].from, strlen(rows[i].from)),
                         strlen(rows[i].to));
    }
}

static void texts_are_cut_at_whole_characters(void **state)
{
    (void)state;
    char text[300];
    for (size_t lead = 240; lead <= 256; lead++) {
        memset(text, 'x', sizeof text);
        memcpy(text + lead, "\xf0\x9f\x94\xa5", 4);
        ward_reason reason = sunk(text, lead + 4, false);
        size_t wanted = lead + 4 <= 255 ? lead + 4 : lead < 255 ? lead : 255;
        assert_int_equal(reason.length, wanted);
        assert_int_equal(reason.cut, lead + 4 > 255);
        memcpy(text + lead, "\xff", 1);
        reason = sunk(text, lead + 1, false);
        assert_int_equal(reason.length, lead + 3 <= 255 ? lead + 3 : lead < 255 ? lead : 255);
        assert_int_equal(reason.cut, lead + 3 > 255);
    }
}

/* Well-formed by the one reading that base has, whatever goes in; and the same bytes twice. */
static void whatever_goes_in_utf8_comes_out(void **state)
{
    (void)state;
    wardi_rng rng;
    wardi_rng_init(&rng, 7);
    for (int round = 0; round < 20000; round++) {
        char bytes[320];
        size_t length = wardi_rng_next(&rng) % sizeof bytes;
        bool mostly_ascii = round % 2 == 0;
        for (size_t i = 0; i < length; i++) {
            uint64_t r = wardi_rng_next(&rng);
            bytes[i] = (char)(mostly_ascii && r % 16 != 0 ? 'a' + (r >> 8) % 26 : r >> 8);
        }
        ward_reason reason = sunk(bytes, length, round % 3 == 0);
        assert_true(reason.length <= WARD_REASON_BYTES_MAX);
        for (size_t at = 0; at < reason.length;) {
            size_t step = wardi_utf8_length((const uint8_t *)reason.text + at, reason.length - at);
            assert_true(step != 0);
            at += step;
        }
        ward_reason again = sunk(reason.text, reason.length, false);
        assert_int_equal(again.length, reason.length);
        assert_memory_equal(again.text, reason.text, reason.length);
    }
}

static void code_points_are_written_as_utf8(void **state)
{
    (void)state;
    static const struct {
        uint32_t code_point;
        const char *utf8;
    } rows[] = {{0x7f, "\x7f"},
                {0x80, "\xc2\x80"},
                {0x7ff, "\xdf\xbf"},
                {0x800, "\xe0\xa0\x80"},
                {0xd7ff, "\xed\x9f\xbf"},
                {0xd800, FFFD},
                {0xdfff, FFFD},
                {0xe000, "\xee\x80\x80"},
                {0xffff, "\xef\xbf\xbf"},
                {0x10000, "\xf0\x90\x80\x80"},
                {0x10ffff, "\xf4\x8f\xbf\xbf"}};
    for (size_t i = 0; i < WARD_COUNT(rows); i++) {
        ward_reason reason;
        wardi_sink sink = wardi_sink_on(&reason);
        wardi_sink_code_point(&sink, rows[i].code_point);
        wardi_sink_finish(&sink);
        assert_string_equal(reason.text, rows[i].utf8);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ill_formed_bytes_are_replaced_by_maximal_subpart),
        cmocka_unit_test(texts_are_cut_at_whole_characters),
        cmocka_unit_test(whatever_goes_in_utf8_comes_out),
        cmocka_unit_test(code_points_are_written_as_utf8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
