/* Delays between restarts, and what no back-off may say. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "supervise/supervise_priv.h"

static ward_backoff resolved(ward_backoff from)
{
    ward_backoff backoff;
    assert_int_equal(wardi_backoff_resolve(&from, &backoff, NULL), WARD_OK);
    return backoff;
}

static uint64_t delay(const ward_backoff *backoff, uint32_t step, double unit)
{
    wardi_pace pace = wardi_pace_of(backoff);
    return wardi_pace_delay(&pace, step, unit);
}

static void test_defaults(void **state)
{
    (void)state;
    ward_backoff b = resolved((ward_backoff){0});
    assert_int_equal(b.initial_ns, 100 * WARDI_MS);
    assert_int_equal(b.max_ns, 30 * WARDI_S);
    assert_true(b.factor == 2);
    assert_true(b.jitter == 0.1);
    assert_int_equal(b.restarts_max, 10);
    assert_int_equal(b.window_ns, 60 * WARDI_S);
    assert_int_equal(b.reset_after_ns, 30 * WARDI_S);
    ward_backoff none = resolved(resolved((ward_backoff){.jitter = -0.5}));
    assert_true(none.jitter < 0);
    ward_backoff slow = resolved((ward_backoff){.initial_ns = 60 * WARDI_S});
    assert_int_equal(slow.max_ns, 60 * WARDI_S);
}

static void test_delays(void **state)
{
    (void)state;
    ward_backoff b = resolved((ward_backoff){.jitter = -1});
    static const uint64_t want_ms[] = {100,  200,   400,   800,   1600, 3200,
                                       6400, 12800, 25600, 30000, 30000};
    for (uint32_t step = 0; step < WARD_COUNT(want_ms); step++)
        assert_int_equal(delay(&b, step, 0.9), want_ms[step] * WARDI_MS);
    assert_int_equal(delay(&b, UINT32_MAX, 0), 30 * WARDI_S);
    b = resolved((ward_backoff){.factor = 1, .jitter = -1});
    assert_int_equal(delay(&b, UINT32_MAX, 0), 100 * WARDI_MS);
}

static void test_jitter(void **state)
{
    (void)state;
    ward_backoff b = resolved((ward_backoff){0});
    assert_int_equal(delay(&b, 0, 0), 90 * WARDI_MS);
    assert_int_equal(delay(&b, 0, 0.5), 100 * WARDI_MS);
    assert_in_range(delay(&b, 0, 0.999999), 109 * WARDI_MS, 110 * WARDI_MS);
    b = resolved((ward_backoff){.jitter = 1});
    assert_int_equal(delay(&b, 0, 0), 0);
}

static void test_shapes(void **state)
{
    (void)state;
    wardi_pace pace = {.initial_ns = 3, .max_ns = 10, .factor = 2, .jitter = 1};
    static const uint64_t want[WARDI_PACE_SHAPES][4] = {[WARDI_PACE_OFF] = {0, 0, 0, 0},
                                                        [WARDI_PACE_FIXED] = {3, 3, 3, 3},
                                                        [WARDI_PACE_LINEAR] = {3, 6, 9, 10},
                                                        [WARDI_PACE_EXPONENTIAL] = {3, 6, 10, 10}};
    for (int shape = 0; shape < WARDI_PACE_SHAPES; shape++) {
        pace.shape = (wardi_pace_shape)shape;
        for (uint32_t step = 0; step < 4; step++) {
            assert_int_equal(wardi_pace_delay(&pace, step, 0.5), want[shape][step]);
            assert_int_equal(wardi_pace_delay(&pace, step, 0), 0);
            assert_int_equal(wardi_pace_delay(&pace, step, 1), 2 * want[shape][step]);
        }
        assert_int_equal(wardi_pace_delay(&pace, UINT32_MAX, 0.5), want[shape][3]);
    }
}

static void refuse(ward_backoff from, const char *named)
{
    ward_backoff b;
    memset(&b, 0x5a, sizeof b);
    ward_diag diag = {0};
    assert_int_equal(wardi_backoff_resolve(&from, &b, &diag), WARD_ERROR_INVALID_ARGUMENT);
    assert_non_null(strstr(diag.text, named));
    for (size_t i = 0; i < sizeof b; i++) assert_int_equal(((uint8_t *)&b)[i], 0x5a);
}

static void test_refused(void **state)
{
    (void)state;
    refuse((ward_backoff){.initial_ns = UINT64_MAX}, "backoff.initial");
    refuse((ward_backoff){.max_ns = UINT64_MAX}, "backoff.max");
    refuse((ward_backoff){.window_ns = UINT64_MAX}, "backoff.window");
    refuse((ward_backoff){.reset_after_ns = UINT64_MAX}, "backoff.reset_after");
    refuse((ward_backoff){.factor = 0.5}, "backoff.factor is 0.5");
    refuse((ward_backoff){.factor = -2}, "backoff.factor is -2");
    refuse((ward_backoff){.factor = (double)NAN}, "backoff.factor");
    refuse((ward_backoff){.jitter = 1.5}, "backoff.jitter is 1.5");
    refuse((ward_backoff){.jitter = (double)NAN}, "backoff.jitter");
    refuse((ward_backoff){.restarts_max = 257}, "backoff.restarts_max is 257");
    refuse((ward_backoff){.initial_ns = 2 * WARDI_S, .max_ns = WARDI_S},
           "backoff.max is 1s, below backoff.initial 2s");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults), cmocka_unit_test(test_delays),
        cmocka_unit_test(test_jitter),   cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
