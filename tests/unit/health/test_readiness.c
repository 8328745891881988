/* Readiness and liveness, over every state and health. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "health/health.h"

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
            bool ready = wardi_health_ready(s, &trend, true, NULL, NULL, &reason);
            assert_int_equal(ready, s == WARD_STATE_READY && h != WARD_CHILD_FAILED);
            if (s != WARD_STATE_READY) assert_string_equal(reason.text, why[s]);
            ready = wardi_health_ready(s, &trend, false, NULL, NULL, NULL);
            assert_int_equal(ready, s == WARD_STATE_READY && h == WARD_CHILD_HEALTHY);
            bool live = wardi_health_live(s, &trend);
            assert_int_equal(live, s != WARD_STATE_FAILED && h != WARD_CHILD_FAILED);
        }
    }
}

static void expect(const wardi_trend *trend, bool ready_when_degraded, const char *words)
{
    ward_reason reason = {0};
    assert_false(
        wardi_health_ready(WARD_STATE_READY, trend, ready_when_degraded, NULL, NULL, &reason));
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
    wardi_trend_init(&trend, &policy);
    expect(&trend, true, "Not checked yet");
    policy.startup = true;
    wardi_trend_init(&trend, &policy);
    expect(&trend, true, "Start-up probe has not passed yet");
}

static void test_needs_tell_the_whole_path(void **state)
{
    (void)state;
    wardi_trend trend = {.judged = true, .started = true};
    ward_reason reason, disk;
    wardi_reason_set(&disk, "Component starting");
    wardi_reason_set(&reason, "untouched");
    assert_false(wardi_health_ready(WARD_STATE_READY, &trend, true, "disk", &disk, &reason));
    assert_string_equal(reason.text, "needs disk: Component starting");
    assert_false(wardi_health_ready(WARD_STATE_READY, &trend, true, "db", &reason, &reason));
    assert_string_equal(reason.text, "needs db: needs disk: Component starting");
    assert_false(wardi_health_ready(WARD_STATE_READY, &trend, true, "db", NULL, &reason));
    assert_string_equal(reason.text, "needs db: not ready");
    assert_false(wardi_health_ready(WARD_STATE_READY, &trend, true, "db", NULL, NULL));
    wardi_reason_set(&reason, "untouched");
    assert_true(wardi_health_ready(WARD_STATE_READY, &trend, true, NULL, NULL, &reason));
    assert_string_equal(reason.text, "untouched");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_state_and_health),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_needs_tell_the_whole_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
