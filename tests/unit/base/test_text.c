#include "base/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void text_is_bounded_and_always_terminated(void **state)
{
    (void)state;
    char bytes[8];
    wardi_text text = WARDI_TEXT(bytes);
    assert_string_equal(bytes, "");
    wardi_text_puts(&text, "abc");
    wardi_text_add(&text, "defgh", 4);
    assert_string_equal(bytes, "abcdefg");
    assert_false(text.cut);
    wardi_text_add(&text, "", 0);
    assert_false(text.cut);
    wardi_text_puts(&text, "h");
    assert_true(text.cut);
    assert_string_equal(bytes, "abcdefg");
}

static void nothing_follows_a_cut(void **state)
{
    (void)state;
    char bytes[8];
    wardi_text text = WARDI_TEXT(bytes);
    wardi_text_puts(&text, "abcdef");
    wardi_text_puts(&text, "é"); /* two bytes, and one is left */
    assert_string_equal(bytes, "abcdef");
    assert_true(text.cut);
    wardi_text_puts(&text, "x");
    wardi_text_printf(&text, "%d", 1);
    assert_string_equal(bytes, "abcdef");
    assert_int_equal(text.length, 6);
}

static void adding_cuts_at_whole_characters(void **state)
{
    (void)state;
    static const char from[] = "aé表🔥"; /* 1, 2, 3 and 4 bytes */
    static const size_t kept[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10};
    for (size_t room = 0; room < WARD_COUNT(kept); room++) {
        char bytes[16];
        memset(bytes, '#', sizeof bytes);
        wardi_text text = wardi_text_on(bytes, room + 1);
        wardi_text_add(&text, from, strlen(from));
        assert_int_equal(text.length, kept[room]);
        assert_memory_equal(bytes, from, kept[room]);
        assert_int_equal(bytes[kept[room]], '\0');
        assert_int_equal(text.cut, kept[room] < strlen(from));
        assert_int_equal(bytes[room + 1], '#');
        assert_int_equal(wardi_utf8_fit(from, strlen(from), room), kept[room]);
    }
}

static void printing_cuts_at_whole_characters(void **state)
{
    (void)state;
    static const char from[] = "aé表🔥";
    static const size_t kept[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10};
    for (size_t room = 0; room < WARD_COUNT(kept); room++) {
        char bytes[16];
        wardi_text text = wardi_text_on(bytes, room + 1);
        wardi_text_printf(&text, "%s", from);
        assert_int_equal(text.length, kept[room]);
        assert_memory_equal(bytes, from, kept[room]);
        assert_int_equal(bytes[kept[room]], '\0');
        assert_int_equal(text.cut, kept[room] < strlen(from));
    }
    char bytes[8];
    wardi_text text = WARDI_TEXT(bytes);
    wardi_text_printf(&text, "%s-%d", "ab", 42);
    assert_string_equal(bytes, "ab-42");
    wardi_text_printf(&text, "%s", "xyz");
    assert_string_equal(bytes, "ab-42xy");
    assert_true(text.cut);
}

static void utf8_length_knows_the_well_formed(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t length;
    } rows[] = {{"a", 1},
                {"\x7f", 1},
                {"\x80", 0},
                {"\xc1\xbf", 0},
                {"\xc2\x80", 2},
                {"\xc2", 0},
                {"\xc2\x7f", 0},
                {"\xdf\xbf", 2},
                {"\xe0\x9f\xbf", 0},
                {"\xe0\xa0\x80", 3},
                {"\xe2\x82", 0},
                {"\xe2\x82\x7f", 0},
                {"\xed\x9f\xbf", 3},
                {"\xed\xa0\x80", 0},
                {"\xef\xbf\xbf", 3},
                {"\xf0\x8f\xbf\xbf", 0},
                {"\xf0\x90\x80\x80", 4},
                {"\xf0\x90\x80\xc0", 0},
                {"\xf4\x8f\xbf\xbf", 4},
                {"\xf4\x90\x80\x80", 0},
                {"\xf5\x80\x80\x80", 0},
                {"\xff", 0}};
    for (size_t i = 0; i < WARD_COUNT(rows); i++) {
        size_t length = strlen(rows[i].bytes);
        if (wardi_utf8_length((const uint8_t *)rows[i].bytes, length) != rows[i].length)
            fail_msg("row %zu", i);
    }
    assert_int_equal(wardi_utf8_length((const uint8_t *)"a", 0), 0);
    assert_int_equal(wardi_utf8_length((const uint8_t *)"\0", 1), 1);
}

static void durations_read_as_people_write_them(void **state)
{
    (void)state;
    static const struct {
        uint64_t ns;
        const char *text;
    } rows[] = {{0, "0ns"},
                {7, "7ns"},
                {999, "999ns"},
                {1000, "1us"},
                {1500, "1.5us"},
                {1050, "1.05us"},
                {12345, "12.3us"},
                {123456, "123us"},
                {250 * WARDI_MS, "250ms"},
                {1500 * WARDI_MS, "1.5s"},
                {WARDI_MS - 501, "999us"},
                {WARDI_MS - 500, "1ms"},
                {WARDI_S - 500001, "999ms"},
                {WARDI_S - 500000, "1s"},
                {9999 * WARDI_MS, "10s"},
                {59 * WARDI_S, "59s"},
                {60 * WARDI_S, "1m"},
                {90 * WARDI_S, "90s"},
                {3600 * WARDI_S, "1h"},
                {5400 * WARDI_S, "90m"},
                {UINT64_MAX, "18446744074s"}};
    for (size_t i = 0; i < WARD_COUNT(rows); i++) {
        char bytes[32];
        wardi_text text = WARDI_TEXT(bytes);
        wardi_text_duration(&text, rows[i].ns);
        assert_string_equal(bytes, rows[i].text);
    }
}

static void sizes_read_as_people_write_them(void **state)
{
    (void)state;
    static const struct {
        uint64_t bytes;
        const char *text;
    } rows[] = {{0, "0B"},
                {17, "17B"},
                {1023, "1023B"},
                {1024, "1KiB"},
                {1536, "1.5KiB"},
                {65536, "64KiB"},
                {(UINT64_C(1) << 20) - 513, "1023KiB"},
                {(UINT64_C(1) << 20) - 512, "1MiB"},
                {UINT64_C(256) << 20, "256MiB"},
                {UINT64_C(3) << 29, "1.5GiB"},
                {UINT64_C(1) << 40, "1TiB"},
                {UINT64_MAX, "16777216TiB"}};
    for (size_t i = 0; i < WARD_COUNT(rows); i++) {
        char bytes[32];
        wardi_text text = WARDI_TEXT(bytes);
        wardi_text_size(&text, rows[i].bytes);
        assert_string_equal(bytes, rows[i].text);
    }
}

static void counts_have_commas(void **state)
{
    (void)state;
    static const struct {
        uint64_t count;
        const char *text;
    } rows[] = {{0, "0"},
                {999, "999"},
                {1000, "1,000"},
                {123456, "123,456"},
                {1234567, "1,234,567"},
                {UINT64_MAX, "18,446,744,073,709,551,615"}};
    for (size_t i = 0; i < WARD_COUNT(rows); i++) {
        char bytes[40];
        wardi_text text = WARDI_TEXT(bytes);
        wardi_text_count(&text, rows[i].count);
        assert_string_equal(bytes, rows[i].text);
    }
}

static void edit_distance_counts_edits_up_to_its_limit(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        unsigned distance;
    } rows[] = {{"", "", 0},
                {"", "abc", 3},
                {"abc", "", 3},
                {"fd_write", "fd_write", 0},
                {"fd_write", "fd_wite", 1},
                {"fd_wite", "fd_write", 1},
                {"fd_write", "fd_wrjte", 1},
                {"fd_write", "fd_wirte", 1}, /* a swap is one */
                {"ab", "ba", 1},
                {"kitten", "sitting", 3},
                {"abcdef", "uvwxyz", 6},
                {"a cat", "an act", 2}};
    for (size_t i = 0; i < WARD_COUNT(rows); i++) {
        assert_int_equal(wardi_edit_distance(rows[i].a, rows[i].b, 10), rows[i].distance);
        assert_int_equal(wardi_edit_distance(rows[i].b, rows[i].a, 10), rows[i].distance);
        if (rows[i].distance > 0)
            assert_int_equal(wardi_edit_distance(rows[i].a, rows[i].b, rows[i].distance - 1),
                             rows[i].distance);
        if (rows[i].distance > 2) assert_int_equal(wardi_edit_distance(rows[i].a, rows[i].b, 1), 2);
    }
    char long_name[100], other[100];
    memset(long_name, 'x', sizeof long_name);
    long_name[99] = '\0';
    memcpy(other, long_name, sizeof other);
    assert_int_equal(wardi_edit_distance(long_name, other, 3), 0);
    other[50] = 'y';
    assert_int_equal(wardi_edit_distance(long_name, other, 3), 4);
    other[64] = long_name[64] = '\0'; /* the longest that is compared */
    assert_int_equal(wardi_edit_distance(long_name, other, 3), 1);
}

static void a_short_copy_is_whole_and_goes_no_further(void **state)
{
    (void)state;
    char from[40], to[41];
    for (size_t i = 0; i < sizeof from; i++) from[i] = (char)('A' + i);
    for (size_t length = 0; length <= sizeof from; length++) {
        memset(to, '.', sizeof to);
        wardi_copy_short(to, from, length);
        assert_memory_equal(to, from, length);
        for (size_t i = length; i < sizeof to; i++) assert_int_equal(to[i], '.');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_bounded_and_always_terminated),
        cmocka_unit_test(nothing_follows_a_cut),
        cmocka_unit_test(adding_cuts_at_whole_characters),
        cmocka_unit_test(printing_cuts_at_whole_characters),
        cmocka_unit_test(utf8_length_knows_the_well_formed),
        cmocka_unit_test(durations_read_as_people_write_them),
        cmocka_unit_test(sizes_read_as_people_write_them),
        cmocka_unit_test(counts_have_commas),
        cmocka_unit_test(a_short_copy_is_whole_and_goes_no_further),
        cmocka_unit_test(edit_distance_counts_edits_up_to_its_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
