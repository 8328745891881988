#include "base/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* splitmix64's published outputs for seed 0, and what xoshiro256** makes of them. */
static void the_published_sequence(void **state)
{
    (void)state;
    static const uint64_t seeded[4] = {UINT64_C(0xe220a8397b1dcdaf), UINT64_C(0x6e789e6aa1b965f4),
                                       UINT64_C(0x06c45d188009454f), UINT64_C(0xf88bb8a8724c81ec)};
    static const uint64_t outputs[4] = {UINT64_C(0x99ec5f36cb75f2b4), UINT64_C(0xbf6e1f784956452a),
                                        UINT64_C(0x1a5f849d4933e6e0), UINT64_C(0x6aa594f1262d2d2c)};
    wardi_rng rng;
    wardi_rng_init(&rng, 0);
    assert_memory_equal(rng.state, seeded, sizeof seeded);
    for (int i = 0; i < 4; i++) assert_true(wardi_rng_next(&rng) == outputs[i]);
}

static void a_seed_repeats_and_another_differs(void **state)
{
    (void)state;
    wardi_rng a, b, c;
    wardi_rng_init(&a, 42);
    wardi_rng_init(&b, 42);
    wardi_rng_init(&c, 43);
    int same = 0;
    for (int i = 0; i < 1000; i++) {
        uint64_t value = wardi_rng_next(&a);
        assert_true(value == wardi_rng_next(&b));
        same += value == wardi_rng_next(&c);
    }
    assert_int_equal(same, 0);
    assert_true(wardi_rng_seed() != wardi_rng_seed());
}

static void units_fill_their_interval(void **state)
{
    (void)state;
    wardi_rng rng;
    wardi_rng_init(&rng, 1);
    double sum = 0, low = 1, high = 0;
    for (int i = 0; i < 100000; i++) {
        double unit = wardi_rng_unit(&rng);
        assert_true(unit >= 0 && unit < 1);
        sum += unit;
        low = unit < low ? unit : low;
        high = unit > high ? unit : high;
    }
    assert_true(sum > 49000 && sum < 51000);
    assert_true(low < 0.001 && high > 0.999);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_sequence),
        cmocka_unit_test(a_seed_repeats_and_another_differs),
        cmocka_unit_test(units_fill_their_interval),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
