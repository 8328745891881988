/* Decoding and encoding allocate nothing. Counted by taking malloc's place in this process, which a
 * sanitizer does already: there the test is skipped. */
#include "codec/codec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static unsigned allocations;

#if defined(__has_feature) /* clang's way to tell */
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__GLIBC__)
enum { COUNTED = 0 };
#else
enum { COUNTED = 1 };

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);

void *malloc(size_t size)
{
    allocations++;
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    allocations++;
    return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
    allocations++;
    return __libc_realloc(memory, size);
}
#endif

static const ward_codec codecs[] = {WARD_CODEC_BORSH, WARD_CODEC_CBOR, WARD_CODEC_JSON};

static void the_counter_counts(void **state)
{
    (void)state;
    if (!COUNTED) skip();
    unsigned before = allocations;
    void *block = wardi_alloc(100); /* inside the library */
    assert_true(allocations > before);
    wardi_free(block);
}

static void frames_cost_no_allocation(void **state)
{
    (void)state;
    if (!COUNTED) skip();
    static const char reason[] = "say \"no\" \\ データベース \x01 \xff";
    for (size_t c = 0; c < WARD_COUNT(codecs); c++) {
        uint8_t frame[256];
        size_t length = 0;
        ward_report report;
        ward_diag diag;
        unsigned before = allocations;
        ward_frame_encode(codecs[c], WARD_HEALTH_DEGRADED, reason, sizeof reason - 1, frame,
                          sizeof frame, &length);
        for (size_t cut = 0; cut <= length; cut++) ward_frame_decode(frame, cut, &report, &diag);
        assert_int_equal(allocations, before);
        assert_true(length > 40);
    }
}

static void values_cost_no_allocation(void **state)
{
    (void)state;
    if (!COUNTED) skip();
    static const wardi_value_kind kinds[] = {WARDI_I32, WARDI_F64};
    uint8_t bytes[12] = {1, 2, 3};
    wardi_value values[2];
    size_t length = 0;
    unsigned before = allocations;
    wardi_values_decode(kinds, 2, bytes, sizeof bytes, values, NULL);
    wardi_values_encode(values, 2, bytes, sizeof bytes, &length);
    assert_int_equal(allocations, before);
    assert_int_equal(length, 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_counter_counts),
        cmocka_unit_test(frames_cost_no_allocation),
        cmocka_unit_test(values_cost_no_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
