#include "base/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <time.h>

#include <cmocka.h>

static void monotonic_time_does_not_go_back(void **state)
{
    (void)state;
    uint64_t last = wardi_now_ns();
    assert_true(last > 0);
    for (int i = 0; i < 10000; i++) {
        uint64_t now = wardi_now_ns();
        assert_true(now >= last);
        last = now;
    }
}

static void wall_time_is_the_systems(void **state)
{
    (void)state;
    uint64_t seconds = (uint64_t)time(NULL), ours = wardi_wall_ns() / WARDI_S;
    assert_true(ours >= seconds && ours <= seconds + 60);
}

static void sleeping_ends_no_earlier_than_asked(void **state)
{
    (void)state;
    uint64_t until = wardi_now_ns() + 5 * WARDI_MS;
    wardi_sleep_until_ns(until);
    assert_true(wardi_now_ns() >= until);
    uint64_t before = wardi_now_ns();
    wardi_sleep_until_ns(0); /* long past */
    assert_true(wardi_now_ns() - before < 10 * WARDI_S);
}

/* Ticks agree with the clock: a wrong unit would be off by a factor, not by a preemption. */
static void ticks_measure_nanoseconds(void **state)
{
    (void)state;
    wardi_ticks_init();
    wardi_ticks_init();
    uint64_t outer = wardi_now_ns(), start = wardi_ticks();
    uint64_t inner = wardi_now_ns();
    wardi_sleep_until_ns(inner + 20 * WARDI_MS);
    uint64_t inner_end = wardi_now_ns();
    uint64_t end = wardi_ticks(), outer_end = wardi_now_ns();
    uint64_t span = wardi_ticks_span_ns(start, end);
    assert_true(span >= (inner_end - inner) / 100 * 95);
    assert_true(span <= (outer_end - outer) / 100 * 105 + WARDI_US);
    assert_int_equal(wardi_ticks_span_ns(end, start), 0);
    assert_int_equal(wardi_ticks_span_ns(start, start), 0);
    assert_true(wardi_ticks_span_ns(0, UINT64_MAX / 2) > 3600 * WARDI_S);
}

static void sums_saturate(void **state)
{
    (void)state;
    assert_true(wardi_add_sat(1, 2) == 3);
    assert_true(wardi_add_sat(UINT64_MAX - 1, 1) == UINT64_MAX);
    assert_true(wardi_add_sat(UINT64_MAX, 1) == UINT64_MAX);
    assert_true(wardi_add_sat(UINT64_MAX / 2 + 1, UINT64_MAX / 2 + 1) == UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(monotonic_time_does_not_go_back),
        cmocka_unit_test(wall_time_is_the_systems),
        cmocka_unit_test(sleeping_ends_no_earlier_than_asked),
        cmocka_unit_test(ticks_measure_nanoseconds),
        cmocka_unit_test(sums_saturate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
