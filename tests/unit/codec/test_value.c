/* Wasm values: every kind, any number, exact lengths. */
#include "codec/codec.h"
#include "support/guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void bytes_are_little_endian_and_packed(void **state)
{
    (void)state;
    static const wardi_value_kind kinds[] = {WARDI_I32, WARDI_I64, WARDI_F32, WARDI_F64};
    static const uint8_t bytes[] = {0xfe, 0xff, 0xff, 0xff, 1, 2, 3, 4, 5, 6, 7,    0x88,
                                    0,    0,    0x80, 0x3f, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f};
    static const uint64_t bits[] = {0xfffffffe, UINT64_C(0x8807060504030201), 0x3f800000,
                                    UINT64_C(0x3ff0000000000000)};
    wardi_value values[4];
    assert_int_equal(wardi_values_size(kinds, 4), 24);
    assert_int_equal(wardi_values_decode(kinds, 4, bytes, sizeof bytes, values, NULL), WARD_OK);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(values[i].kind, kinds[i]);
        assert_true(values[i].bits == bits[i]);
    }
    uint8_t back[24];
    size_t length = 0;
    assert_int_equal(wardi_values_encode(values, 4, back, sizeof back, &length), WARD_OK);
    assert_int_equal(length, 24);
    assert_memory_equal(back, bytes, sizeof bytes);
}

static void any_number_comes_back(void **state)
{
    (void)state;
    static const size_t counts[] = {0, 1, 2, 3, 7, 100};
    guard pages = guard_new();
    wardi_rng rng;
    wardi_rng_init(&rng, 11);
    for (size_t c = 0; c < WARD_COUNT(counts); c++) {
        wardi_value_kind kinds[100];
        wardi_value values[100], again[100];
        size_t count = counts[c], length = 0;
        for (size_t i = 0; i < count; i++) {
            kinds[i] = (wardi_value_kind)(wardi_rng_next(&rng) % 4);
            bool narrow = kinds[i] == WARDI_I32 || kinds[i] == WARDI_F32;
            values[i].kind = kinds[i];
            values[i].bits = wardi_rng_next(&rng) >> (narrow ? 32 : 0);
        }
        size_t size = wardi_values_size(kinds, count);
        uint8_t *bytes = guard_last(&pages, size);
        assert_int_equal(wardi_values_encode(values, count, bytes, size, &length), WARD_OK);
        assert_int_equal(length, size);
        assert_int_equal(wardi_values_decode(kinds, count, bytes, length, again, NULL), WARD_OK);
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(again[i].kind, values[i].kind);
            assert_true(again[i].bits == values[i].bits);
        }
    }
    guard_free(&pages);
}

static void lengths_must_be_exact(void **state)
{
    (void)state;
    static const wardi_value_kind kinds[] = {WARDI_I64, WARDI_F32};
    static const uint8_t bytes[16] = {0};
    for (size_t length = 0; length <= sizeof bytes; length++) {
        if (length == 12) continue;
        wardi_value values[2], blank[2];
        memset(values, 0xa5, sizeof values);
        memset(blank, 0xa5, sizeof blank);
        ward_diag diag;
        assert_int_equal(wardi_values_decode(kinds, 2, bytes, length, values, &diag),
                         WARD_ERROR_INVALID_ARGUMENT);
        assert_memory_equal(values, blank, sizeof values);
        char given[32];
        snprintf(given, sizeof given, "%zu bytes", length);
        assert_non_null(strstr(diag.text, given));
        assert_non_null(strstr(diag.text, "12"));
    }
}

static void a_small_buffer_is_told_the_size(void **state)
{
    (void)state;
    static const wardi_value values[] = {{WARDI_F64, 1}, {WARDI_I32, 2}};
    guard pages = guard_new();
    for (size_t capacity = 0; capacity < 12; capacity++) {
        size_t length = 0;
        assert_int_equal(
            wardi_values_encode(values, 2, guard_last(&pages, capacity), capacity, &length),
            WARD_ERROR_BUFFER_TOO_SMALL);
        assert_int_equal(length, 12);
    }
    guard_free(&pages);
}

static void kinds_have_names(void **state)
{
    (void)state;
    assert_string_equal(wardi_value_kind_name(WARDI_I32), "i32");
    assert_string_equal(wardi_value_kind_name(WARDI_I64), "i64");
    assert_string_equal(wardi_value_kind_name(WARDI_F32), "f32");
    assert_string_equal(wardi_value_kind_name(WARDI_F64), "f64");
    assert_string_equal(wardi_value_kind_name((wardi_value_kind)4), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_little_endian_and_packed),
        cmocka_unit_test(any_number_comes_back),
        cmocka_unit_test(lengths_must_be_exact),
        cmocka_unit_test(a_small_buffer_is_told_the_size),
        cmocka_unit_test(kinds_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
