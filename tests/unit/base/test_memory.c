#include "base/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static bool all_zero(const unsigned char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (bytes[i] != 0) return false;
    return true;
}

static void memory_is_zeroed(void **state)
{
    (void)state;
    for (int round = 0; round < 50; round++) {
        unsigned char *block = wardi_alloc(200);
        assert_non_null(block);
        assert_true(all_zero(block, 200));
        memset(block, 0xff, 200); /* so that a reused block shows */
        wardi_free(block);
        block = wardi_alloc_array(20, 10);
        assert_true(all_zero(block, 200));
        memset(block, 0xff, 200);
        wardi_free(block);
    }
    void *empty = wardi_alloc(0);
    assert_non_null(empty);
    wardi_free(empty);
    wardi_free(NULL);
}

static void an_array_that_overflows_is_refused(void **state)
{
    (void)state;
    assert_null(wardi_alloc_array(SIZE_MAX / 2, 3));
    assert_null(wardi_alloc_array(3, SIZE_MAX / 2));
}

static void growing_keeps_and_zeroes(void **state)
{
    (void)state;
    unsigned char *block = wardi_grow(NULL, 0, 10);
    assert_true(all_zero(block, 10));
    memset(block, 7, 10);
    block = wardi_grow(block, 10, 5000);
    for (int i = 0; i < 10; i++) assert_int_equal(block[i], 7);
    assert_true(all_zero(block + 10, 4990));
    block = wardi_grow(block, 5000, 4);
    for (int i = 0; i < 4; i++) assert_int_equal(block[i], 7);
    wardi_free(block);
}

static void copies_are_copies(void **state)
{
    (void)state;
    char from[] = "text";
    char *copy = wardi_strdup(from);
    from[0] = 'n';
    assert_string_equal(copy, "text");
    wardi_free(copy);
    copy = wardi_memdup("a\0b", 3);
    assert_memory_equal(copy, "a\0b", 3);
    wardi_free(copy);
    copy = wardi_memdup(NULL, 0);
    assert_non_null(copy);
    wardi_free(copy);
}

typedef struct countdown {
    int left;
    size_t last_size;
} countdown;

static bool gate(void *context, size_t size)
{
    countdown *count = context;
    count->last_size = size;
    return count->left-- > 0;
}

static void the_gate_makes_call_n_fail(void **state)
{
    (void)state;
    countdown count = {.left = 2};
    wardi_alloc_gate_set(gate, &count);
    char *a = wardi_alloc(11);
    assert_int_equal(count.last_size, 11);
    char *b = wardi_strdup("hello");
    assert_int_equal(count.last_size, 6);
    assert_non_null(a);
    assert_non_null(b);
    assert_null(wardi_alloc(1));
    assert_null(wardi_alloc_array(2, 3));
    assert_int_equal(count.last_size, 6);
    assert_null(wardi_strdup("x"));
    assert_null(wardi_memdup("x", 1));
    assert_null(wardi_grow(b, 6, 100));
    assert_string_equal(b, "hello");
    wardi_alloc_gate_set(NULL, NULL);
    char *c = wardi_alloc(1);
    assert_non_null(c);
    wardi_free(a);
    wardi_free(b);
    wardi_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_zeroed),
        cmocka_unit_test(an_array_that_overflows_is_refused),
        cmocka_unit_test(growing_keeps_and_zeroes),
        cmocka_unit_test(copies_are_copies),
        cmocka_unit_test(the_gate_makes_call_n_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
