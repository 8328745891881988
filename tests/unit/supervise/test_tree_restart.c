/* Who is restarted, why, how often, after how long, and what happens when it is too often. */
#include "kit.h"

/* ---- strategy × restart type × how it ended ---- */

typedef struct ending {
    wardi_node_event_kind kind;
    ward_cause cause;
} ending;
static const ending endings[] = {
    {WARDI_TREE_START_FAILED, WARD_CAUSE_START}, {WARDI_TREE_EXITED, WARD_CAUSE_EXIT},
    {WARDI_TREE_DIED, WARD_CAUSE_CRASH},         {WARDI_TREE_ILL, WARD_CAUSE_HEALTH},
    {WARDI_TREE_HUNG, WARD_CAUSE_HANG},          {WARDI_TREE_TIMER, WARD_CAUSE_START_TIMEOUT},
};
enum { MIDDLE = 2 };

/* Three children; the middle one comes to its end. */
static kit end_middle(wardi_strategy strategy, ward_restart restart, ending how)
{
    kit k = kit_new(strategy, 100);
    kit_child(&k, 0);
    k.policy.restart = restart;
    kit_child(&k, 0);
    k.policy.restart = WARD_RESTART_PERMANENT;
    kit_child(&k, 0);
    kit_ok(&k, 0, ASK_START);
    kit_up(&k, 1);
    kit_up(&k, 3);
    bool starting = how.kind == WARDI_TREE_START_FAILED || how.kind == WARDI_TREE_TIMER;
    if (!starting) kit_up(&k, MIDDLE);
    if (how.kind == WARDI_TREE_TIMER) {
        k.now_ns += k.policy.start_ns;
        assert_true(wardi_tree_tick(k.tree, k.now_ns));
        kit_drain(&k);
    } else {
        assert_int_equal(kit_tell(&k, MIDDLE, how.kind), WARDI_TREE_OK);
    }
    return k;
}

static void one_case(wardi_strategy strategy, ward_restart restart, ending how)
{
    kit k = end_middle(strategy, restart, how);
    bool again = restart == WARD_RESTART_PERMANENT ||
                 (restart == WARD_RESTART_TRANSIENT && how.kind != WARDI_TREE_EXITED);
    bool all = strategy == WARDI_ONE_FOR_ALL, rest = strategy == WARDI_REST_FOR_ONE;
    assert_int_equal(kit_did(&k, 1, WARDI_DO_STOP), again && all);
    assert_int_equal(kit_did(&k, 3, WARDI_DO_STOP), again && (all || rest));
    assert_int_equal(kit_did(&k, MIDDLE, WARDI_DO_STOP), how.kind == WARDI_TREE_ILL);
    bool kills = how.kind == WARDI_TREE_HUNG || how.kind == WARDI_TREE_TIMER;
    assert_int_equal(kit_did(&k, MIDDLE, WARDI_DO_KILL), kills);
    assert_int_equal(kit_view(&k, MIDDLE).cause, how.cause);
    for (uint32_t n = 1; n <= 3; n++) {
        if (kit_state(&k, n) == WARDI_NODE_STOPPING || kit_state(&k, n) == WARDI_NODE_KILLING) {
            /* Nobody starts before the last of the group is down. */
            if (strategy != WARDI_ONE_FOR_ONE && again) kit_is(&k, 0, LEAVING);
            kit_ok(&k, n, STOPPED);
        }
    }
    kit_is(&k, 0, RUNNING);
    kit_all_up(&k);
    kit_is(&k, 1, READY);
    kit_is(&k, 3, READY);
    if (again)
        kit_is(&k, MIDDLE, READY);
    else
        kit_is(&k, MIDDLE, ENDED);
    assert_int_equal(kit_view(&k, MIDDLE).restarts_by_cause[how.cause], again);
    assert_int_equal(kit_view(&k, MIDDLE).in_window, again);
    assert_int_equal(kit_view(&k, 1).restarts_by_cause[WARD_CAUSE_SIBLING], again && all);
    assert_int_equal(kit_view(&k, 3).restarts_by_cause[WARD_CAUSE_SIBLING], again && (all || rest));
    assert_int_equal(kit_view(&k, 1).in_window + kit_view(&k, 3).in_window, 0);
    kit_free(&k);
}

static void test_every_ending(void **state)
{
    (void)state;
    for (int strategy = 0; strategy < WARDI_STRATEGIES; strategy++)
        for (int restart = 0; restart <= WARD_RESTART_TEMPORARY; restart++)
            for (size_t how = 0; how < WARD_COUNT(endings); how++)
                one_case((wardi_strategy)strategy, (ward_restart)restart, endings[how]);
}

static void test_host_names_the_cause(void **state)
{
    (void)state;
    kit k = kit_new(WARDI_ONE_FOR_ONE, 1);
    kit_child(&k, 0);
    kit_start(&k);
    wardi_node_event died = {
        .kind = WARDI_TREE_DIED, .id = k.ids[1], .run = 1, .cause = WARD_CAUSE_HANG};
    assert_int_equal(wardi_tree_event(k.tree, &died, k.now_ns), WARDI_TREE_OK);
    kit_drain(&k);
    const wardi_node_action *said = kit_said(&k, 1);
    assert_int_equal(said->what, WARDI_DO_START); /* in the very event: nothing waits */
    assert_int_equal(said->from, WARDI_NODE_READY);
    assert_int_equal(said->to, WARDI_NODE_STARTING);
    assert_int_equal(said->cause, WARD_CAUSE_HANG);
    assert_int_equal(said->attempt, 1);
    assert_int_equal(said->run, 2);
    assert_int_equal(said->due_ns, k.now_ns + k.policy.start_ns);
    kit_free(&k);
}

/* A temporary child in somebody else's restart stops and stays; what had ended well starts again.
 */
static void test_group_members(void **state)
{
    (void)state;
    kit k = kit_new(WARDI_ONE_FOR_ALL, 1);
    kit_child(&k, 0);
    k.policy.restart = WARD_RESTART_TEMPORARY;
    kit_child(&k, 0);
    k.policy.restart = WARD_RESTART_TRANSIENT;
    kit_child(&k, 0);
    kit_child(&k, 0);
    kit_start(&k);
    kit_ok(&k, 3, EXITED);
    kit_is(&k, 3, ENDED);
    kit_ok(&k, 4, ASK_STOP);
    kit_ok(&k, 4, STOPPED);
    kit_ok(&k, 1, DIED);
    kit_ok(&k, 2, STOPPED);
    kit_all_up(&k);
    kit_is(&k, 1, READY);
    kit_is(&k, 2, ENDED);
    kit_is(&k, 3, READY);
    kit_is(&k, 4, IDLE); /* an operator's word holds */
    kit_free(&k);
}

/* More may fail while a group is on its way down: it waits for the longest delay. */
static void test_group_waits_for_the_longest_delay(void **state)
{
    (void)state;
    kit k = kit_new(WARDI_REST_FOR_ONE, 1);
    k.policy.pace =
        (wardi_pace){.shape = WARDI_PACE_FIXED, .initial_ns = 5 * WARDI_S, .max_ns = 5 * WARDI_S};
    kit_child(&k, 0);
    k.policy.pace.initial_ns = k.policy.pace.max_ns = WARDI_S;
    kit_child(&k, 0);
    kit_child(&k, 0);
    kit_start(&k);
    kit_ok(&k, 2, DIED);
    kit_is(&k, 3, STOPPING);
    kit_ok(&k, 1, DIED); /* the first one: now all */
    kit_ok(&k, 3, STOPPED);
    kit_is(&k, 0, BACKOFF);
    assert_int_equal(wardi_tree_next_ns(k.tree), k.now_ns + 5 * WARDI_S);
    kit_pass(&k, 5 * WARDI_S - 1);
    kit_is(&k, 1, HELD);
    kit_pass(&k, 1);
    kit_is(&k, 0, RUNNING);
    kit_all_up(&k);
    kit_is(&k, 3, READY);
    kit_free(&k);
}

/* ---- intensity ---- */

static void die(kit *k, uint32_t n)
{
    if (kit_state(k, n) == WARDI_NODE_STARTING) kit_up(k, n);
    kit_ok(k, n, DIED);
}

/* It dies until it is quarantined, or its run has come to `runs`. */
static uint32_t die_often(kit *k, uint32_t n, uint32_t deaths)
{
    uint32_t i = 0;
    while (i < deaths && kit_state(k, n) != WARDI_NODE_QUARANTINED) {
        die(k, n);
        i++;
    }
    return i;
}

static void test_a_child_passes_its_own_first(void **state)
{
    (void)state;
    kit k = kit_new(WARDI_ONE_FOR_ONE, 1);
    kit_child(&k, 0);
    kit_child(&k, 0);
    kit_start(&k);
    assert_int_equal(die_often(&k, 1, 100), 4);
    assert_int_equal(kit_said(&k, 1)->to, WARDI_NODE_QUARANTINED);
    assert_int_equal(kit_said(&k, 1)->cause, WARD_CAUSE_CRASH);
    assert_int_equal(kit_view(&k, 1).restarts_by_cause[WARD_CAUSE_CRASH], 3);
    assert_int_equal(kit_view(&k, 0).failures, 1);
    assert_false(kit_view(&k, 0).exhausted);
    kit_is(&k, 2, READY);
    assert_int_equal(kit_view(&k, 2).run, 1);
    kit_ok(&k, 1, ASK_RELEASE);
    assert_int_equal(kit_view(&k, 1).in_window, 0);
    assert_int_equal(die_often(&k, 1, 3), 3); /* its budget is whole */
    kit_free(&k);
}

static void test_the_root_says_so(void **state)
{
    (void)state;
    for (int strategy = 0; strategy < WARDI_STRATEGIES; strategy++) {
        kit k = kit_new((wardi_strategy)strategy, 0);
        k.policy.intensity.max = 0;
        kit_child(&k, 0);
        kit_child(&k, 0);
        kit_start(&k);
        kit_ok(&k, 2, DIED);
        kit_is(&k, 2, QUARANTINED);
        kit_is(&k, 1, READY); /* the rest goes on */
        assert_true(kit_view(&k, 0).exhausted);
        assert_true(kit_said(&k, 0)->exhausted);
        assert_int_equal(kit_said(&k, 0)->cause, WARD_CAUSE_ESCALATION);
        kit_ok(&k, 0, ASK_RELEASE);
        assert_false(kit_said(&k, 0)->exhausted);
        kit_up(&k, 2);
        assert_int_equal(kit_tell(&k, 0, WARDI_TREE_ASK_RELEASE), WARDI_TREE_NOT_QUARANTINED);
        assert_int_equal(kit_view(&k, 0).failures, 0);
        kit_free(&k);
    }
}

static void test_the_window_ends(void **state)
{
    (void)state;
    kit k = kit_new(WARDI_ONE_FOR_ONE, 1);
    kit_child(&k, 0);
    kit_start(&k);
    assert_int_equal(die_often(&k, 1, 3), 3);
    kit_up(&k, 1);
    kit_pass(&k, 60 * WARDI_S * 16 / 15); /* as far as the counters may reach back */
    assert_int_equal(die_often(&k, 1, 100), 4);
    kit_free(&k);
}

/* Three levels: root(0) > 1 > 2 > children 3 and 4; 5 beside 2, 6 beside 1. */
static kit three_levels(wardi_strategy inner)
{
    kit k = kit_new(WARDI_ONE_FOR_ONE, 0);
    k.policy.intensity.max = 1;
    kit_supervisor(&k, 0, WARDI_ONE_FOR_ONE, 0);
    kit_supervisor(&k, 1, inner, 0);
    kit_child(&k, 2);
    k.policy.intensity.max = 100;
    kit_child(&k, 2);
    kit_child(&k, 1);
    kit_child(&k, 0);
    kit_start(&k);
    return k;
}

/* Two deaths of child 3 pass its own; then all below the supervisor at `level` starts again. */
static void fail_upto(kit *k, uint32_t top)
{
    for (int death = 0; death < 2; death++) {
        while (kit_state(k, 4) == WARDI_NODE_STOPPING) kit_ok(k, 4, STOPPED);
        kit_all_up(k);
        kit_is(k, 3, READY);
        kit_ok(k, 3, DIED);
    }
    for (uint32_t n = 4; n <= 5; n++)
        if (kit_state(k, n) == WARDI_NODE_STOPPING) kit_ok(k, n, STOPPED);
    if (top != 0) kit_all_up(k);
}

static void test_three_levels(void **state)
{
    (void)state;
    for (int inner = 0; inner < WARDI_STRATEGIES; inner++) {
        kit k = three_levels((wardi_strategy)inner);
        fail_upto(&k, 2); /* supervisor 2 starts again */
        kit_is(&k, 3, READY);
        assert_int_equal(kit_view(&k, 4).cause, WARD_CAUSE_ESCALATION);
        assert_int_equal(kit_view(&k, 3).in_window, 0);
        assert_int_equal(kit_view(&k, 2).in_window, 1);
        assert_int_equal(kit_view(&k, 5).run, 1);
        fail_upto(&k, 1); /* 2 has passed its own, so 1 starts again with all below */
        kit_is(&k, 3, READY);
        assert_int_equal(kit_view(&k, 5).run, 2);
        assert_int_equal(kit_view(&k, 5).cause, WARD_CAUSE_ESCALATION);
        assert_int_equal(kit_view(&k, 1).in_window, 1);
        assert_int_equal(kit_view(&k, 2).in_window, 0);
        assert_int_equal(kit_view(&k, 6).run, 1);
        fail_upto(&k, 2);
        fail_upto(&k, 0); /* and 1 too: it is quarantined, and the root says so */
        kit_is(&k, 1, QUARANTINED);
        kit_is(&k, 2, QUARANTINED); /* its own, and released with the one above */
        kit_is(&k, 5, HELD);
        kit_is(&k, 6, READY);
        assert_true(kit_view(&k, 0).exhausted);
        kit_ok(&k, 1, ASK_RELEASE);
        kit_all_up(&k);
        for (uint32_t n = 3; n <= 6; n++) kit_is(&k, n, READY);
        kit_free(&k);
    }
}

/* A supervisor restarts in its own supervisor's group as any child does. */
static void test_supervisor_in_a_group(void **state)
{
    (void)state;
    kit k = kit_new(WARDI_ONE_FOR_ALL, 5);
    k.policy.pace.shape = WARDI_PACE_FIXED;
    k.policy.pace.initial_ns = WARDI_S;
    k.policy.pace.jitter = 0;
    kit_supervisor(&k, 0, WARDI_ONE_FOR_ONE, 0);
    k.policy.intensity.max = 0;
    kit_child(&k, 1);
    kit_child(&k, 0);
    kit_start(&k);
    kit_ok(&k, 2, DIED);
    assert_int_equal(kit_said(&k, 1)->cause, WARD_CAUSE_ESCALATION);
    kit_is(&k, 3, STOPPING);
    assert_int_equal(kit_said(&k, 3)->cause, WARD_CAUSE_SIBLING);
    kit_ok(&k, 3, STOPPED);
    kit_is(&k, 0, BACKOFF);
    kit_pass(&k, WARDI_S);
    kit_all_up(&k);
    kit_is(&k, 2, READY);
    kit_is(&k, 3, READY);
    assert_int_equal(kit_view(&k, 2).restarts_by_cause[WARD_CAUSE_ESCALATION], 1);
    kit_free(&k);
}

/* An operator's quarantine survives a renewal, even one that began as the tree's own. */
static void test_renewal_spares_operators(void **state)
{
    (void)state;
    kit k = kit_new(WARDI_ONE_FOR_ONE, 5);
    kit_supervisor(&k, 0, WARDI_ONE_FOR_ONE, 1);
    k.policy.intensity.max = 0;
    kit_child(&k, 1);
    kit_child(&k, 1);
    kit_child(&k, 1);
    kit_start(&k);
    kit_ok(&k, 2, DIED);
    kit_ok(&k, 2, ASK_QUARANTINE);
    kit_ok(&k, 3, DIED); /* passes the supervisor's: it starts again */
    kit_ok(&k, 4, STOPPED);
    kit_all_up(&k);
    kit_is(&k, 2, QUARANTINED);
    kit_is(&k, 3, READY);
    kit_is(&k, 4, READY);
    assert_int_equal(kit_view(&k, 1).failures, 0); /* it begins afresh */
    kit_free(&k);
}

/* A group without a member is no group: its supervisor's own intensity is not asked. */
static void test_a_group_fails_with_its_first(void **state)
{
    (void)state;
    for (int strategy = WARDI_ONE_FOR_ALL; strategy < WARDI_STRATEGIES; strategy++) {
        kit k = kit_new(WARDI_ONE_FOR_ONE, 5);
        kit_supervisor(&k, 0, (wardi_strategy)strategy, 5);
        k.policy.intensity.max = 0;
        kit_child(&k, 1);
        kit_child(&k, 1);
        kit_start(&k);
        kit_ok(&k, 3, DIED);
        assert_int_equal(kit_view(&k, 1).restarts_by_cause[WARD_CAUSE_ESCALATION], 1);
        kit_is(&k, 2, STOPPING);
        kit_ok(&k, 2, STOPPED);
        kit_all_up(&k);
        kit_is(&k, 3, READY);
        kit_free(&k);
    }
}

/* Delays of a supervisor grow as a child's do, and start over when it has run for long enough. */
static void test_delays_of_a_supervisor(void **state)
{
    (void)state;
    kit k = kit_new(WARDI_ONE_FOR_ONE, 5);
    k.policy.intensity.max = 9;
    k.policy.pace = (wardi_pace){.shape = WARDI_PACE_LINEAR,
                                 .initial_ns = WARDI_S,
                                 .max_ns = 60 * WARDI_S,
                                 .reset_after_ns = 30 * WARDI_S};
    kit_supervisor(&k, 0, WARDI_ONE_FOR_ONE, 0);
    k.policy.intensity.max = 0;
    kit_child(&k, 1);
    kit_start(&k);
    static const uint64_t want_s[] = {1, 2, 3};
    for (size_t i = 0; i < WARD_COUNT(want_s); i++) {
        kit_ok(&k, 2, DIED);
        kit_is(&k, 1, BACKOFF);
        assert_int_equal(kit_said(&k, 1)->due_ns, k.now_ns + want_s[i] * WARDI_S);
        kit_pass(&k, want_s[i] * WARDI_S);
        kit_all_up(&k);
    }
    kit_pass(&k, 30 * WARDI_S);
    kit_ok(&k, 2, DIED);
    assert_int_equal(kit_said(&k, 1)->due_ns, k.now_ns + WARDI_S);
    kit_ok(&k, 1, ASK_START); /* who asks does not wait, nor for what is left of a delay later */
    kit_all_up(&k);
    kit_ok(&k, 1, ASK_STOP);
    kit_ok(&k, 1, ASK_START);
    kit_ok(&k, 2, STOPPED);
    kit_up(&k, 2);
    kit_free(&k);
}

static void test_temporary_supervisor(void **state)
{
    (void)state;
    kit k = kit_new(WARDI_ONE_FOR_ONE, 5);
    k.policy.restart = WARD_RESTART_TEMPORARY;
    kit_supervisor(&k, 0, WARDI_ONE_FOR_ONE, 0);
    k.policy.restart = WARD_RESTART_PERMANENT;
    k.policy.intensity.max = 0;
    kit_child(&k, 1);
    kit_start(&k);
    kit_ok(&k, 2, DIED);
    kit_is(&k, 1, QUARANTINED);
    assert_int_equal(kit_view(&k, 0).failures, 1);
    kit_free(&k);
}

/* ---- needs ---- */

static void test_lost_need(void **state)
{
    (void)state;
    for (int asked = 0; asked < 2; asked++) {
        kit k = kit_new(WARDI_ONE_FOR_ONE, 5);
        kit_child(&k, 0);
        k.policy.restart_with_needs = asked != 0;
        kit_needs(&k, 0, 1);
        kit_needs(&k, 0, 2);
        kit_start(&k);
        kit_ok(&k, 1, UNREADY); /* not ready is not lost */
        kit_is(&k, 3, READY);
        kit_ok(&k, 1, READY);
        kit_ok(&k, 1, DIED);
        if (asked != 0) {
            kit_is(&k, 2, LEAVING); /* until what needs it has stopped */
            kit_is(&k, 3, STOPPING);
            kit_ok(&k, 3, STOPPED);
            kit_ok(&k, 2, STOPPED);
            kit_is(&k, 2, WAITING);
        } else {
            kit_is(&k, 2, READY);
        }
        kit_all_up(&k);
        kit_is(&k, 3, READY);
        for (uint32_t n = 2; n <= 3; n++)
            assert_int_equal(kit_view(&k, n).restarts_by_cause[WARD_CAUSE_NEED], asked);
        assert_int_equal(kit_view(&k, 2).in_window, 0);
        kit_free(&k);
    }
}

/* ---- back-off ---- */

static void test_delays(void **state)
{
    (void)state;
    static const struct {
        wardi_pace_shape shape;
        uint64_t want_s[6];
    } shapes[] = {
        {WARDI_PACE_FIXED, {2, 2, 2, 2, 2, 2}},
        {WARDI_PACE_LINEAR, {2, 4, 6, 8, 10, 10}},
        {WARDI_PACE_EXPONENTIAL, {2, 6, 10, 10, 10, 10}},
    };
    for (size_t i = 0; i < WARD_COUNT(shapes); i++) {
        kit k = kit_new(WARDI_ONE_FOR_ONE, 5);
        k.policy.intensity.max = 100;
        k.policy.pace = (wardi_pace){.shape = shapes[i].shape,
                                     .initial_ns = 2 * WARDI_S,
                                     .max_ns = 10 * WARDI_S,
                                     .factor = 3,
                                     .reset_after_ns = 30 * WARDI_S};
        kit_child(&k, 0);
        kit_start(&k);
        for (int death = 0; death < 6; death++) {
            kit_ok(&k, 1, DIED);
            assert_int_equal(kit_said(&k, 1)->due_ns, k.now_ns + shapes[i].want_s[death] * WARDI_S);
            kit_pass(&k, shapes[i].want_s[death] * WARDI_S - 1);
            kit_is(&k, 1, BACKOFF);
            kit_pass(&k, 1);
            kit_up(&k, 1);
        }
        kit_pass(&k, 30 * WARDI_S - 1); /* not yet */
        kit_ok(&k, 1, UNREADY);
        kit_ok(&k, 1, READY);
        kit_pass(&k, 30 * WARDI_S - 1); /* nor again: there was a break */
        kit_ok(&k, 1, DIED);
        assert_int_equal(kit_said(&k, 1)->due_ns, k.now_ns + shapes[i].want_s[5] * WARDI_S);
        kit_ok(&k, 1, ASK_START); /* who asks does not wait */
        kit_up(&k, 1);
        assert_int_equal(kit_view(&k, 1).cause, WARD_CAUSE_CRASH);
        kit_pass(&k, 30 * WARDI_S);
        kit_ok(&k, 1, DIED);
        assert_int_equal(kit_said(&k, 1)->due_ns, k.now_ns + 2 * WARDI_S);
        kit_free(&k);
    }
}

/* The delay runs while the old run stops: what is left of it is waited for, no more. */
static void test_delay_runs_while_it_stops(void **state)
{
    (void)state;
    kit k = kit_new(WARDI_ONE_FOR_ONE, 5);
    k.policy.pace =
        (wardi_pace){.shape = WARDI_PACE_FIXED, .initial_ns = 3 * WARDI_S, .max_ns = 3 * WARDI_S};
    kit_child(&k, 0);
    kit_start(&k);
    kit_ok(&k, 1, ILL);
    kit_pass(&k, WARDI_S);
    kit_ok(&k, 1, STOPPED);
    kit_is(&k, 1, BACKOFF);
    kit_pass(&k, 2 * WARDI_S);
    kit_up(&k, 1);
    kit_ok(&k, 1, ILL);
    kit_pass(&k, 4 * WARDI_S);
    kit_ok(&k, 1, STOPPED);
    kit_up(&k, 1);
    kit_free(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_ending),
        cmocka_unit_test(test_host_names_the_cause),
        cmocka_unit_test(test_group_members),
        cmocka_unit_test(test_group_waits_for_the_longest_delay),
        cmocka_unit_test(test_a_child_passes_its_own_first),
        cmocka_unit_test(test_the_root_says_so),
        cmocka_unit_test(test_the_window_ends),
        cmocka_unit_test(test_three_levels),
        cmocka_unit_test(test_supervisor_in_a_group),
        cmocka_unit_test(test_renewal_spares_operators),
        cmocka_unit_test(test_a_group_fails_with_its_first),
        cmocka_unit_test(test_delays_of_a_supervisor),
        cmocka_unit_test(test_temporary_supervisor),
        cmocka_unit_test(test_lost_need),
        cmocka_unit_test(test_delays),
        cmocka_unit_test(test_delay_runs_while_it_stops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
