/* The vectors of the reference implementation: key 00…0f, messages of 0, 1, 2, … bytes 00, 01, … */
#include "base/base.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void published_vectors(void **state)
{
    (void)state;
    static const uint64_t expected[] = {
        0x726fdb47dd0e0e31, 0x74f839c593dc67fd, 0x0d6c8009d9a94f5a, 0x85676696d7fb7e2d,
        0xcf2794e0277187b7, 0x18765564cd99a68d, 0xcbc9466e58fee3ce, 0xab0200f58b01d137,
        0x93f5f5799a932462, 0x9e0082df0ba9e4b0, 0x7a5dbbc594ddb9f3, 0xf4b32f46226bada7,
        0x751e8fbc860ee5fb, 0x14ea5627c0843d90, 0xf723ca908e7af2ee, 0xa129ca6149be45e5,
    };
    static const uint64_t key[2] = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
    uint8_t bytes[WARD_COUNT(expected)];
    for (uint8_t i = 0; i < sizeof bytes; i++) bytes[i] = i;
    for (size_t length = 0; length < WARD_COUNT(expected); length++)
        assert_int_equal(wardi_siphash(key, bytes, length), expected[length]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(published_vectors)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
