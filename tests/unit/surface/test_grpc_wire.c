/* What gRPC puts into HTTP/2, against guard pages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "support/guard.h"
#include "surface/grpc.h"

static void prefixes_are_big_endian(void **state)
{
    (void)state;
    uint8_t bytes[5];
    wire_prefix_write(bytes, 0x01020304);
    assert_memory_equal(bytes, ((uint8_t[]){0, 1, 2, 3, 4}), 5);
    assert_int_equal(wire_prefix_read(bytes).length, 0x01020304);
    bytes[0] = 7;
    memset(bytes + 1, 0xff, 4);
    assert_int_equal(wire_prefix_read(bytes).flag, 7);
    assert_int_equal(wire_prefix_read(bytes).length, UINT32_MAX);
}

static void timeouts_have_digits_and_a_unit(void **state)
{
    (void)state;
    guard g = guard_new();
    static const struct {
        const char *text;
        uint64_t ms; /* UINT64_MAX: it is none */
    } rows[] = {
        {"1H", 3600000},
        {"2M", 120000},
        {"3S", 3000},
        {"4m", 4},
        {"5u", 1},
        {"5000u", 5},
        {"5001u", 6},
        {"1n", 1},
        {"99999999n", 100},
        {"0n", 0},
        {"0H", 0},
        {"99999999m", 99999999},
        {"99999999H", UINT64_C(30) * 365 * 24 * 3600 * 1000},
        {"00000001S", 1000},
        {"", UINT64_MAX},
        {"S", UINT64_MAX},
        {"1", UINT64_MAX},
        {"1s", UINT64_MAX},
        {"100000000S", UINT64_MAX},
        {"-1S", UINT64_MAX},
        {"+1S", UINT64_MAX},
        {"1 S", UINT64_MAX},
        {"1.5S", UINT64_MAX},
        {"1SS", UINT64_MAX},
        {"0x1S", UINT64_MAX},
    };
    for (size_t i = 0; i < WARD_COUNT(rows); i++) {
        uint64_t ms = UINT64_MAX;
        size_t length = strlen(rows[i].text);
        const char *text = (const char *)guard_copy(&g, rows[i].text, length);
        assert_int_equal(wire_timeout_read(text, length, &ms), rows[i].ms != UINT64_MAX);
        assert_int_equal(ms, rows[i].ms);
    }
    guard_free(&g);
}

static void texts_are_percent_encoded(void **state)
{
    (void)state;
    char room[32];
    wardi_text to = WARDI_TEXT(room);
    wire_text_write(&to, "a b%\n\xc3\xa9~\x7f");
    assert_string_equal(room, "a b%25%0A%C3%A9~%7F");
    for (size_t size = 1; size <= 8; size++) {
        wardi_text small = wardi_text_on(room, size);
        wire_text_write(&small, "a%b");
        assert_string_equal(room, size == 1 ? "" : size < 5 ? "a" : size == 5 ? "a%25" : "a%25b");
        assert_int_equal(small.cut, size < 6);
    }
}

static void content_types(void **state)
{
    (void)state;
    guard g = guard_new();
    static const char *const fit[] = {
        "application/grpc",     "application/grpc+proto",      "APPLICATION/GRPC",
        "application/grpc;a=b", "application/grpc+proto; a=b", "application/grpc ;a=b"};
    static const char *const other[] = {"",
                                        "application/grp",
                                        "application/grpc+json",
                                        "application/grpc+proto2",
                                        "application/grpc-web",
                                        "application/grpcx",
                                        "text/application/grpc"};
    for (size_t i = 0; i < WARD_COUNT(fit); i++) {
        size_t length = strlen(fit[i]);
        assert_true(wire_content_type_fits((char *)guard_copy(&g, fit[i], length), length));
    }
    for (size_t i = 0; i < WARD_COUNT(other); i++) {
        size_t length = strlen(other[i]);
        assert_false(wire_content_type_fits((char *)guard_copy(&g, other[i], length), length));
    }
    guard_free(&g);
}

static void strings_are_found_by_field(void **state)
{
    (void)state;
    guard g = guard_new();
    static const struct {
        const char *bytes;
        size_t length, found; /* SIZE_MAX: none */
    } rows[] = {
        {"", 0, SIZE_MAX},
        {"\x0a\0", 2, 0},
        {"\x0a\3a\0b", 5, 3},
        {"\x0a\1a\x0a\2bc", 7, 2},
        {"\x12\3abc", 5, SIZE_MAX},
        {"\x08\xff\xff\x01\x0a\1a", 7, 1},
        {"\x09"
         "12345678\x0a\1a",
         12, 1},
        {"\x0d"
         "1234\x0a\1a",
         8, 1},
        {"\x0a\1a\x0b", 4, 1},
        {"\x0a\5a", 3, SIZE_MAX},
        {"\x0a\1a\x0a\x7f", 5, 1},
        {"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11, SIZE_MAX},
        {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12, SIZE_MAX},
    };
    for (size_t i = 0; i < WARD_COUNT(rows); i++) {
        size_t length = SIZE_MAX;
        const uint8_t *bytes = guard_copy(&g, rows[i].bytes, rows[i].length);
        const uint8_t *found = wire_string_find(bytes, rows[i].length, 1, &length);
        assert_int_equal(found != NULL, rows[i].found != SIZE_MAX);
        assert_int_equal(length, rows[i].found);
    }
    guard_free(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prefixes_are_big_endian),
        cmocka_unit_test(timeouts_have_digits_and_a_unit),
        cmocka_unit_test(texts_are_percent_encoded),
        cmocka_unit_test(content_types),
        cmocka_unit_test(strings_are_found_by_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
