#include "base/base.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#if defined(__has_feature) /* clang's way to tell */
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__GLIBC__)
static const bool heap_is_glibcs = false;
#else
static const bool heap_is_glibcs = true;
#endif

#define EXPECTED_BYTES ((size_t)64 << 20)
enum { BLOCKS = 10000, BLOCK_BYTES = 2000 };

static char *heap_end(void)
{
    return sbrk(0);
}

/* Blocks that are given back and taken again, as children are that come and go. What is not on the
 * heap lies above it. */
static void *take_blocks(void *end)
{
    static _Thread_local char *blocks[BLOCKS];
    size_t outside = 0;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < BLOCKS; i++) {
            blocks[i] = malloc(BLOCK_BYTES);
            if (blocks[i] == NULL || blocks[i] >= (char *)end) outside++;
        }
        for (int i = 0; i < BLOCKS; i++) free(blocks[i]);
    }
    return (void *)outside;
}

static void a_little_is_not_worth_it(void **state)
{
    (void)state;
    char *end = heap_end();
    wardi_heap_expect(1 << 20);
    assert_ptr_equal(heap_end(), end);
}

static void what_is_expected_is_there_for_all_threads(void **state)
{
    (void)state;
    if (!heap_is_glibcs) skip();
    char *before = heap_end();
    wardi_heap_expect(EXPECTED_BYTES);
    char *end = heap_end();
    assert_true((size_t)(end - before) >= EXPECTED_BYTES);
    assert_null(take_blocks(end));
    pthread_t thread;
    void *outside;
    assert_int_equal(pthread_create(&thread, NULL, take_blocks, end), 0);
    assert_int_equal(pthread_join(thread, &outside), 0);
    assert_null(outside);
    assert_ptr_equal(heap_end(), end); /* it has neither grown nor been given back */
}

static void the_impossible_leaves_all_as_it_was(void **state)
{
    (void)state;
    if (!heap_is_glibcs) skip();
    wardi_heap_expect((size_t)1 << 60);
    char *end = heap_end();
    void *block = malloc(2 * EXPECTED_BYTES); /* a mapping of its own, as ever */
    assert_non_null(block);
    assert_ptr_equal(heap_end(), end);
    free(block);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_little_is_not_worth_it),
        cmocka_unit_test(what_is_expected_is_there_for_all_threads),
        cmocka_unit_test(the_impossible_leaves_all_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
