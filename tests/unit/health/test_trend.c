/* Rise and fall, the start-up probe, flapping. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "health/health.h"

static uint64_t changes_ns[WARDI_FLAP_CHANGES_MAX];

/* A verdict by letter: H healthy, D degraded, F failed, T time-out, X trap, A an old Failed one,
 * M malformed and made Degraded by policy. */
static ward_verdict verdict_of(char letter)
{
    ward_verdict v = {.source = WARD_SOURCE_PROBE};
    switch (letter) {
    case 'D': v.health = WARD_CHILD_DEGRADED; break;
    case 'A': v.age_ns = 5; /* fall through */
    case 'F': v.health = WARD_CHILD_FAILED; break;
    case 'T':
        v.health = WARD_CHILD_DEGRADED;
        v.probe_error = WARD_PROBE_TIMEOUT;
        break;
    case 'X':
        v.health = WARD_CHILD_DEGRADED;
        v.source = WARD_SOURCE_POLICY;
        v.probe_error = WARD_PROBE_TRAP;
        break;
    case 'M':
        v.health = WARD_CHILD_DEGRADED;
        v.source = WARD_SOURCE_POLICY;
        v.probe_error = WARD_PROBE_PAYLOAD;
        break;
    default: assert_int_equal(letter, 'H');
    }
    return v;
}

/* Applies the verdicts one by one, and expects the health after each: H, D or F. */
static void follow(wardi_trend *trend, const wardi_trend_policy *policy, const char *verdicts,
                   const char *healths)
{
    assert_int_equal(strlen(verdicts), strlen(healths));
    for (size_t i = 0; verdicts[i] != '\0'; i++) {
        ward_child_health before = trend->health;
        ward_verdict v = verdict_of(verdicts[i]);
        wardi_trend_change change = wardi_trend_apply(trend, policy, &v, i * WARDI_S);
        assert_int_equal("HDF"[trend->health], healths[i]);
        assert_int_equal(change.health_changed, trend->health != before);
    }
}

static void expect(uint32_t fall, uint32_t rise, const char *verdicts, const char *healths)
{
    wardi_trend_policy policy = {
        .fall = fall, .rise = rise, .flap_changes_max = 31, .flap_window_ns = 60 * WARDI_S};
    wardi_trend trend;
    wardi_trend_init(&trend, &policy, changes_ns);
    assert_int_equal(trend.health, WARD_CHILD_DEGRADED);
    follow(&trend, &policy, verdicts, healths);
}

static void test_first_counts_at_once(void **state)
{
    (void)state;
    expect(3, 3, "H", "H");
    expect(3, 3, "D", "D");
    expect(3, 3, "F", "F");
    expect(3, 3, "T", "D");
    expect(3, 3, "X", "D");
    expect(1, 3, "X", "F");
}

static void test_fall(void **state)
{
    (void)state;
    expect(3, 1, "HFFF", "HDDF");
    expect(3, 1, "HFFHFF", "HDDHDD");
    expect(3, 1, "HTTT", "HDDF");
    expect(3, 1, "HXTF", "HDDF");
    expect(3, 1, "TTT", "DDF"); /* the first one counts */
    expect(1, 1, "HF", "HF");
    expect(1, 1, "HT", "HF");
    expect(2, 1, "HFDFDF", "HDDDDD"); /* in a row */
    expect(2, 1, "HDDDDD", "HDDDDD"); /* Degraded may heal by itself */
    expect(2, 1, "HMMMMM", "HDDDDD");
    expect(3, 1, "HFFFFF", "HDDFFF");
}

static void test_rise(void **state)
{
    (void)state;
    expect(1, 3, "HFHHH", "HFFFH");
    expect(1, 3, "HFHHFHHH", "HFFFFFFH");
    expect(1, 3, "HDHHH", "HDDDH");
    expect(1, 1, "FH", "FH");
    expect(2, 2, "FDHH", "FDDH");
    expect(2, 2, "FTT", "FFF"); /* bad, though it reads Degraded */
}

static void test_old_news_counts_for_nothing(void **state)
{
    (void)state;
    expect(2, 1, "HAAAAA", "HHHHHH");
    expect(2, 1, "HFAF", "HDDF");
}

static void test_ignored_trap_is_not_bad(void **state)
{
    (void)state;
    wardi_trend_policy policy = {.fall = 1, .rise = 1};
    wardi_trend trend;
    wardi_trend_init(&trend, &policy, changes_ns);
    ward_verdict v = {
        .health = WARD_CHILD_HEALTHY, .source = WARD_SOURCE_POLICY, .probe_error = WARD_PROBE_TRAP};
    wardi_trend_apply(&trend, &policy, &v, 0);
    assert_int_equal(trend.health, WARD_CHILD_HEALTHY);
    v.health = WARD_CHILD_DEGRADED;
    v.source = WARD_SOURCE_RESOURCE;
    wardi_trend_apply(&trend, &policy, &v, 0);
    assert_int_equal(trend.health, WARD_CHILD_DEGRADED);
}

static void test_restart_forgets(void **state)
{
    (void)state;
    wardi_trend_policy policy = {
        .fall = 3, .rise = 1, .flap_changes_max = 6, .flap_window_ns = 60 * WARDI_S};
    wardi_trend trend;
    wardi_trend_init(&trend, &policy, changes_ns);
    follow(&trend, &policy, "HTT", "HDD");
    wardi_trend_restart(&trend, &policy);
    assert_false(trend.judged);
    assert_int_equal(trend.health, WARD_CHILD_DEGRADED);
    follow(&trend, &policy, "TTH", "DDH");
    wardi_trend_restart(&trend, &policy);
    follow(&trend, &policy, "F", "F");
}

static void test_startup_holds(void **state)
{
    (void)state;
    wardi_trend_policy policy = {.fall = 1, .rise = 1, .startup = true, .startup_fall = 3};
    wardi_trend trend;
    wardi_trend_init(&trend, &policy, changes_ns);
    assert_false(trend.started);
    follow(&trend, &policy, "FTF", "DDF");
    wardi_trend_restart(&trend, &policy);
    assert_false(trend.started);
    follow(&trend, &policy, "FAAAF", "DDDDD"); /* old ones are no probes */
    ward_verdict v = verdict_of('H');
    wardi_trend_change change = wardi_trend_apply(&trend, &policy, &v, 0);
    assert_true(change.started_now && change.health_changed && trend.started);
    assert_int_equal(trend.health, WARD_CHILD_HEALTHY);
    change = wardi_trend_apply(&trend, &policy, &v, 0);
    assert_false(change.started_now || change.health_changed);
    follow(&trend, &policy, "F", "F"); /* from now on `fall` counts */

    wardi_trend_init(&trend, &policy, changes_ns);
    follow(&trend, &policy, "D", "D"); /* passes: it came back and is not bad */
    assert_true(trend.started && trend.judged);
}

static void test_flapping(void **state)
{
    (void)state;
    wardi_trend_policy policy = {
        .fall = 1, .rise = 1, .flap_changes_max = 4, .flap_window_ns = 60 * WARDI_S};
    wardi_trend trend;
    wardi_trend_init(&trend, &policy, changes_ns);
    uint64_t now = 0;
    ward_verdict good = verdict_of('H'), bad = verdict_of('F');
    for (int change = 0; change <= 4; change++) { /* the first is not counted: 4 changes */
        wardi_trend_change c =
            wardi_trend_apply(&trend, &policy, change % 2 == 0 ? &good : &bad, now += WARDI_S);
        assert_false(c.flapping_changed || trend.flapping);
    }
    wardi_trend_change c = wardi_trend_apply(&trend, &policy, &bad, now += WARDI_S);
    assert_true(c.flapping_changed && trend.flapping);
    wardi_trend_restart(&trend, &policy); /* a restart does not cure it */
    assert_true(trend.flapping);
    c = wardi_trend_apply(&trend, &policy, &good, now += WARDI_S);
    assert_true(trend.flapping);
    c = wardi_trend_apply(&trend, &policy, &good, now += 55 * WARDI_S);
    assert_true(trend.flapping); /* three changes are still in the window: over half the limit */
    c = wardi_trend_apply(&trend, &policy, &good, now += 2 * WARDI_S);
    assert_true(c.flapping_changed && !trend.flapping);
}

static void test_flap_limit_past_memory(void **state)
{
    (void)state;
    wardi_trend_policy policy = {
        .fall = 1, .rise = 1, .flap_changes_max = 1000, .flap_window_ns = 60 * WARDI_S};
    wardi_trend trend;
    wardi_trend_init(&trend, &policy, changes_ns);
    ward_verdict good = verdict_of('H'), bad = verdict_of('F');
    for (int i = 0; i < 100; i++) wardi_trend_apply(&trend, &policy, i % 2 == 0 ? &good : &bad, 1);
    assert_true(trend.flapping);
    assert_int_equal(trend.change_count, WARDI_FLAP_CHANGES_MAX);
}

/* Whatever came before, what is called steady is what the next verdict leaves as it is; and what is
 * well and was told so is steady, or the short way would never be taken. */
static void test_steady_is_what_a_verdict_leaves(void **state)
{
    (void)state;
    static const char letters[] = "HHHHHHHHHHHHHHHHHHHHHHHHDFTXAM";
    wardi_trend_policy policy = {.fall = 2,
                                 .rise = 2,
                                 .startup = true,
                                 .startup_fall = 3,
                                 .flap_changes_max = 3,
                                 .flap_window_ns = 20 * WARDI_S};
    wardi_rng rng;
    wardi_rng_init(&rng, 5);
    size_t steady = 0, changed = 0;
    wardi_trend trend;
    wardi_trend_init(&trend, &policy, changes_ns);
    for (uint64_t i = 0; i < 200000; i++) {
        if (wardi_rng_next(&rng) % 500 == 0) wardi_trend_restart(&trend, &policy);
        ward_verdict v = verdict_of(letters[wardi_rng_next(&rng) % (sizeof letters - 1)]);
        bool is_steady = wardi_trend_steady(&trend, &v);
        wardi_trend before = trend;
        wardi_trend_change change = wardi_trend_apply(&trend, &policy, &v, i * WARDI_S);
        changed += change.health_changed;
        if (!is_steady) continue;
        steady++;
        assert_false(change.health_changed || change.flapping_changed || change.started_now);
        before.good = trend.good; /* only counted, and by nobody compared any more */
        assert_memory_equal(&before, &trend, sizeof trend);
    }
    assert_true(steady > 1000 && changed > 1000);
    ward_verdict well = verdict_of('H');
    for (int i = 0; i < 100; i++)
        wardi_trend_apply(&trend, &policy, &well, (300000 + (uint64_t)i) * WARDI_S);
    assert_true(wardi_trend_steady(&trend, &well));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steady_is_what_a_verdict_leaves),
        cmocka_unit_test(test_first_counts_at_once),
        cmocka_unit_test(test_fall),
        cmocka_unit_test(test_rise),
        cmocka_unit_test(test_old_news_counts_for_nothing),
        cmocka_unit_test(test_ignored_trap_is_not_bad),
        cmocka_unit_test(test_restart_forgets),
        cmocka_unit_test(test_startup_holds),
        cmocka_unit_test(test_flapping),
        cmocka_unit_test(test_flap_limit_past_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
