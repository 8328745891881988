/* Readiness and liveness, over every state and health. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "health/health.h"

static uint64_t changes_ns[WARDI_FLAP_CHANGES_MAX];

static void test_every_state_and_health(void **state)
{
    (void)state;
    static const char *const why[WARD_STATE_COUNT] = {[WARD_STATE_CREATING] = "Component starting",
                                                      [WARD_STATE_STARTING] = "Component starting",
                                                      [WARD_STATE_STOPPING] = "Component stopping",
                                                      [WARD_STATE_TERMINATED] =
                                                          "Component in state: terminated",
                                                      [WARD_STATE_FAILED] = "Component failed"};
    for (int i = 0; i < WARD_STATE_COUNT; i++) {
        for (int j = 0; j <= WARD_CHILD_FAILED; j++) {
            ward_state s = (ward_state)i;
            ward_child_health h = (ward_child_health)j;
            wardi_trend trend = {.judged = true, .started = true, .health = h};
            ward_reason reason = {0};
            wardi_readiness of = {.state = s, .trend = &trend, .ready_when_degraded = true};
            bool ready = wardi_health_ready(&of, &reason);
            assert_int_equal(ready, s == WARD_STATE_READY && h != WARD_CHILD_FAILED);
            if (s != WARD_STATE_READY) assert_string_equal(reason.text, why[s]);
            of.ready_when_degraded = false;
            ready = wardi_health_ready(&of, NULL);
            assert_int_equal(ready, s == WARD_STATE_READY && h == WARD_CHILD_HEALTHY);
            of.full = true;
            assert_false(wardi_health_ready(&of, NULL));
            bool live = wardi_health_live(s, &trend);
            assert_int_equal(live, s != WARD_STATE_FAILED && h != WARD_CHILD_FAILED);
        }
    }
}

static void expect(const wardi_trend *trend, bool ready_when_degraded, const char *words)
{
    ward_reason reason = {0};
    wardi_readiness of = {
        .state = WARD_STATE_READY, .trend = trend, .ready_when_degraded = ready_when_degraded};
    assert_false(wardi_health_ready(&of, &reason));
    assert_string_equal(reason.text, words);
    of.full = true; /* what is ill is said to be ill */
    assert_false(wardi_health_ready(&of, &reason));
    assert_string_equal(reason.text, words);
}

static void test_words(void **state)
{
    (void)state;
    wardi_trend trend = {.judged = true, .started = true, .health = WARD_CHILD_DEGRADED};
    expect(&trend, false, "Health is degraded, and ready_when asks for healthy");
    trend.health = WARD_CHILD_FAILED;
    expect(&trend, true, "Health is failed");
    wardi_trend_policy policy = {.fall = 1, .rise = 1};
    wardi_trend_init(&trend, &policy, changes_ns);
    expect(&trend, true, "Not checked yet");
    policy.startup = true;
    wardi_trend_init(&trend, &policy, changes_ns);
    expect(&trend, true, "Start-up probe has not passed yet");
}

static void test_needs_tell_the_whole_path(void **state)
{
    (void)state;
    wardi_trend trend = {.judged = true, .started = true};
    wardi_readiness of = {.state = WARD_STATE_READY, .trend = &trend};
    ward_reason reason, disk;
    wardi_reason_set(&disk, "Component starting");
    wardi_reason_set(&reason, "untouched");
    of.unready_need = "disk";
    of.need_reason = &disk;
    assert_false(wardi_health_ready(&of, &reason));
    assert_string_equal(reason.text, "needs disk: Component starting");
    of.unready_need = "db";
    of.need_reason = &reason;
    assert_false(wardi_health_ready(&of, &reason));
    assert_string_equal(reason.text, "needs db: needs disk: Component starting");
    of.need_reason = NULL;
    assert_false(wardi_health_ready(&of, &reason));
    assert_string_equal(reason.text, "needs db: not ready");
    assert_false(wardi_health_ready(&of, NULL));
    of.unready_need = NULL;
    wardi_reason_set(&reason, "untouched");
    assert_true(wardi_health_ready(&of, &reason));
    assert_string_equal(reason.text, "untouched");
}

/* Its own mailbox before what it needs: that is what whoever sends to it can act on. */
static void test_full_is_said_apart(void **state)
{
    (void)state;
    wardi_trend trend = {.judged = true, .started = true};
    wardi_readiness of = {.state = WARD_STATE_READY,
                          .trend = &trend,
                          .full = true,
                          .mailbox = {.waiting = 60, .max = 64},
                          .unready_need = "db"};
    ward_reason reason;
    assert_false(wardi_health_ready(&of, &reason));
    assert_string_equal(reason.text, "mailbox full: 60 of 64");
    assert_true(wardi_health_live(of.state, &trend)); /* never a reason to restart */
}

static void test_fullness_does_not_flutter(void **state)
{
    (void)state;
    static const struct {
        uint32_t max;
        double full_at;
        uint32_t full_from, well_to; /* the least that is full, the most that is no longer */
    } cases[] = {{64, 1, 64, 32},
                 {64, 0.8, 52, 25},
                 {100, 0.07, 7, 3},
                 {1, 1, 1, 0},
                 {3, 1, 3, 1},
                 {2, 0.01, 1, 0},
                 {1 << 20, 1, 1 << 20, 1 << 19}};
    for (size_t i = 0; i < WARD_COUNT(cases); i++) {
        wardi_mailbox_level level = {.max = cases[i].max};
        double at = cases[i].full_at;
        level.waiting = cases[i].full_from;
        assert_true(wardi_health_full(false, level, at));
        level.waiting = cases[i].full_from - 1;
        assert_false(wardi_health_full(false, level, at));
        level.waiting = cases[i].well_to + 1;
        assert_true(wardi_health_full(true, level, at));
        level.waiting = cases[i].well_to;
        assert_false(wardi_health_full(true, level, at));
        level.waiting = level.max;
        assert_false(wardi_health_full(false, level, -1));
        assert_false(wardi_health_full(true, level, 0));
    }
    assert_false(wardi_health_full(false, (wardi_mailbox_level){0}, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_state_and_health),    cmocka_unit_test(test_words),
        cmocka_unit_test(test_needs_tell_the_whole_path), cmocka_unit_test(test_full_is_said_apart),
        cmocka_unit_test(test_fullness_does_not_flutter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
