/* The whole space of decisions, and the history behind them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "supervise/supervise.h"

static ward_backoff backoff(uint32_t restarts_max)
{
    ward_backoff from = {.jitter = -1, .restarts_max = restarts_max}, b;
    assert_int_equal(wardi_backoff_resolve(&from, &b, NULL), WARD_OK);
    return b;
}

static void test_every_decision(void **state)
{
    (void)state;
    /* [policy][exit_ok][over the limit] */
    static const wardi_decision_kind want[3][2][2] = {
        [WARD_RESTART_PERMANENT] = {{WARDI_RESTART, WARDI_GIVE_UP}, {WARDI_RESTART, WARDI_GIVE_UP}},
        [WARD_RESTART_TRANSIENT] = {{WARDI_RESTART, WARDI_GIVE_UP}, {WARDI_LEAVE, WARDI_LEAVE}},
        [WARD_RESTART_TEMPORARY] = {{WARDI_GIVE_UP, WARDI_GIVE_UP}, {WARDI_LEAVE, WARDI_LEAVE}},
    };
    ward_backoff b = backoff(2);
    for (int policy = 0; policy < 3; policy++)
        for (int exit_ok = 0; exit_ok < 2; exit_ok++)
            for (int over = 0; over < 2; over++) {
                wardi_restarts restarts = {0};
                for (int i = 0; i < (over ? 2 : 1); i++)
                    wardi_supervise_decide(&restarts, WARD_RESTART_PERMANENT, &b, false,
                                           10 * WARDI_S, 0);
                uint32_t before = restarts.count;
                wardi_decision d = wardi_supervise_decide(&restarts, (ward_restart)policy, &b,
                                                          exit_ok != 0, 11 * WARDI_S, 0);
                assert_int_equal(d.kind, want[policy][exit_ok][over]);
                bool again = d.kind == WARDI_RESTART;
                assert_int_equal(d.attempt, again ? 2 : 0);
                assert_int_equal(d.delay_ns, again ? 200 * WARDI_MS : 0);
                assert_int_equal(restarts.count, before + again);
            }
}

static void test_limit_is_of_the_window(void **state)
{
    (void)state;
    ward_backoff b = backoff(3);
    wardi_restarts restarts = {0};
    uint64_t now = 5 * WARDI_S;
    for (uint32_t i = 1; i <= 3; i++) {
        wardi_decision d =
            wardi_supervise_decide(&restarts, WARD_RESTART_PERMANENT, &b, false, now, 0);
        assert_int_equal(d.kind, WARDI_RESTART);
        assert_int_equal(d.attempt, i);
        now += WARDI_S;
    }
    assert_int_equal(wardi_restarts_in_window(&restarts, b.window_ns, now), 3);
    wardi_decision d = wardi_supervise_decide(&restarts, WARD_RESTART_PERMANENT, &b, false, now, 0);
    assert_int_equal(d.kind, WARDI_GIVE_UP);
    now = 5 * WARDI_S + b.window_ns - 1; /* the first is still inside */
    assert_int_equal(wardi_restarts_in_window(&restarts, b.window_ns, now), 3);
    now++;
    assert_int_equal(wardi_restarts_in_window(&restarts, b.window_ns, now), 2);
    d = wardi_supervise_decide(&restarts, WARD_RESTART_PERMANENT, &b, false, now, 0);
    assert_int_equal(d.kind, WARDI_RESTART);
    assert_int_equal(d.attempt, 3);
    assert_int_equal(d.delay_ns, 800 * WARDI_MS); /* the delay has not started over */
}

static void test_health_starts_the_delay_over(void **state)
{
    (void)state;
    ward_backoff b = backoff(100);
    wardi_restarts restarts = {0};
    uint64_t now = WARDI_S;
    for (int i = 0; i < 4; i++)
        wardi_supervise_decide(&restarts, WARD_RESTART_PERMANENT, &b, false, now, 0);
    assert_int_equal(restarts.step, 4);
    wardi_supervise_health(&restarts, &b, true, now);
    wardi_supervise_health(&restarts, &b, true, now + b.reset_after_ns - 1);
    assert_int_equal(restarts.step, 4);
    wardi_supervise_health(&restarts, &b, false, now + b.reset_after_ns - 1);
    wardi_supervise_health(&restarts, &b, true, now + b.reset_after_ns);
    assert_int_equal(restarts.step, 4); /* healthy for no time again */
    wardi_supervise_health(&restarts, &b, true, now + 2 * b.reset_after_ns);
    assert_int_equal(restarts.step, 0);
    now += 2 * b.reset_after_ns;
    wardi_decision d = wardi_supervise_decide(&restarts, WARD_RESTART_PERMANENT, &b, false, now, 0);
    assert_int_equal(d.delay_ns, 100 * WARDI_MS);
    assert_int_equal(restarts.healthy_since_ns, 0);
}

static void test_ring_wraps(void **state)
{
    (void)state;
    ward_backoff b = backoff(256);
    wardi_restarts restarts = {0};
    for (int i = 0; i < 256; i++)
        assert_int_equal(
            wardi_supervise_decide(&restarts, WARD_RESTART_PERMANENT, &b, false, WARDI_S, 0).kind,
            WARDI_RESTART);
    assert_int_equal(
        wardi_supervise_decide(&restarts, WARD_RESTART_PERMANENT, &b, false, WARDI_S, 0).kind,
        WARDI_GIVE_UP);
    wardi_decision d = wardi_supervise_decide(&restarts, WARD_RESTART_PERMANENT, &b, false,
                                              WARDI_S + b.window_ns, 0);
    assert_int_equal(d.kind, WARDI_RESTART);
    assert_int_equal(d.attempt, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_decision),
        cmocka_unit_test(test_limit_is_of_the_window),
        cmocka_unit_test(test_health_starts_the_delay_over),
        cmocka_unit_test(test_ring_wraps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
