/* The sums of `ward explain`, against figures added up by hand. */
#include "kit.h"

static wardi_explain_policy usual(void)
{
    wardi_explain_policy p = {.tick_ns = WARDI_MS,
                              .message_timeout_ns = 5 * WARDI_S,
                              .interval_ns = 10 * WARDI_S,
                              .check_timeout_ns = WARDI_S,
                              .fall = 3,
                              .start_typical_ns = 10 * WARDI_US,
                              .stop_typical_ns = WARDI_MS,
                              .supervise = wardi_tree_policy_default()};
    p.supervise.pace.jitter = 0;
    return p;
}

static void check_sums(const wardi_explanation *e)
{
    uint64_t worst[2] = {0}, typical[2] = {0};
    for (size_t i = 0; i < e->count; i++) {
        worst[e->terms[i].phase] = wardi_add_sat(worst[e->terms[i].phase], e->terms[i].worst_ns);
        typical[e->terms[i].phase] += e->terms[i].typical_ns;
        assert_true(e->terms[i].typical_ns <= e->terms[i].worst_ns);
        assert_non_null(e->terms[i].name);
    }
    assert_memory_equal(worst, e->worst_ns, sizeof worst);
    assert_memory_equal(typical, e->typical_ns, sizeof typical);
}

#define DETECT(p, fault, worst, typical)                                                           \
    do {                                                                                           \
        wardi_explanation e = wardi_explain((p), (fault));                                         \
        check_sums(&e);                                                                            \
        assert_true(e.worst_ns[WARDI_PHASE_DETECT] == (worst));                                    \
        assert_true(e.typical_ns[WARDI_PHASE_DETECT] == (typical));                                \
    } while (0)

static void test_detection(void **state)
{
    (void)state;
    wardi_explain_policy p = usual();
    uint64_t tick = p.tick_ns;
    DETECT(&p, WARDI_FAULT_TRAP, 0, 0);
    DETECT(&p, WARDI_FAULT_HANG_MESSAGE, 5 * WARDI_S + tick, 5 * WARDI_S + tick / 2);
    /* an interval until the first bad one, two more to come, a message before the last one, and its
     * deadline */
    uint64_t message = 5 * WARDI_S + tick;
    DETECT(&p, WARDI_FAULT_HANG_CHECK, 10 * WARDI_S + 20 * WARDI_S + message + WARDI_S + tick,
           5 * WARDI_S + 20 * WARDI_S + WARDI_S + tick / 2);
    DETECT(&p, WARDI_FAULT_UNHEALTHY, 31 * WARDI_S + tick + message, 25 * WARDI_S);
    DETECT(&p, WARDI_FAULT_TRAP_CHECK, 31 * WARDI_S + tick + message, 25 * WARDI_S);
    p.traps_uncounted = true;
    DETECT(&p, WARDI_FAULT_TRAP_CHECK, WARDI_FOREVER, WARDI_FOREVER);
    DETECT(&p, WARDI_FAULT_UNHEALTHY, 31 * WARDI_S + tick + message, 25 * WARDI_S);
    p.fall = 1;
    DETECT(&p, WARDI_FAULT_UNHEALTHY, 11 * WARDI_S + tick + message, 5 * WARDI_S);
    /* Messages that take an interval: each of the checks comes late. */
    p.fall = 3;
    p.message_timeout_ns = 12 * WARDI_S;
    message = 12 * WARDI_S + tick;
    DETECT(&p, WARDI_FAULT_UNHEALTHY,
           10 * WARDI_S + 2 * (message + WARDI_S + tick + 10 * WARDI_S) + message + WARDI_S + tick,
           25 * WARDI_S);
    /* Checks that take longer than the interval: the next comes an interval after the end. */
    p.fall = 2;
    p.interval_ns = WARDI_S;
    p.check_timeout_ns = 3 * WARDI_S;
    DETECT(&p, WARDI_FAULT_HANG_CHECK,
           WARDI_S + message + (3 * WARDI_S + tick) + WARDI_S + message + 3 * WARDI_S + tick,
           WARDI_S / 2 + (4 * WARDI_S + tick / 2) + 3 * WARDI_S + tick / 2);
    p.message_timeout_ns = WARDI_FOREVER;
    assert_true(wardi_explain(&p, WARDI_FAULT_HANG_MESSAGE).worst_ns[0] == WARDI_FOREVER);
    assert_true(wardi_explain(&p, WARDI_FAULT_UNHEALTHY).worst_ns[0] == WARDI_FOREVER);
    p.message_timeout_ns = WARDI_S;
    p.interval_ns = WARDI_FOREVER / 2;
    p.fall = UINT32_MAX;
    assert_true(wardi_explain(&p, WARDI_FAULT_UNHEALTHY).worst_ns[0] == WARDI_FOREVER);
}

static void test_recovery(void **state)
{
    (void)state;
    wardi_explain_policy p = usual();
    wardi_explanation e = wardi_explain(&p, WARDI_FAULT_TRAP);
    check_sums(&e);
    assert_true(e.restarted);
    /* back-off of the tenth restart, the longest start, the first check */
    assert_true(e.worst_ns[1] == 30 * WARDI_S + 30 * WARDI_S + WARDI_S + p.tick_ns);
    assert_true(e.typical_ns[1] == 100 * WARDI_MS + 10 * WARDI_US);
    uint64_t of_trap = e.worst_ns[1];
    e = wardi_explain(&p, WARDI_FAULT_UNHEALTHY); /* it runs: stopped and perhaps killed first */
    check_sums(&e);
    assert_true(e.worst_ns[1] == of_trap + 15 * WARDI_S);
    assert_true(e.typical_ns[1] == 101 * WARDI_MS + 10 * WARDI_US);
    assert_true(wardi_explain(&p, WARDI_FAULT_HANG_CHECK).worst_ns[1] == of_trap + 5 * WARDI_S);
    assert_true(wardi_explain(&p, WARDI_FAULT_HANG_MESSAGE).worst_ns[1] == of_trap);
    /* Three in a minute, but any number of them half a minute apart: the cap is reached. */
    p.supervise.intensity.max = 3;
    assert_true(wardi_explain(&p, WARDI_FAULT_TRAP).worst_ns[1] == of_trap);
    p.supervise.pace.factor = 1;
    assert_true(wardi_explain(&p, WARDI_FAULT_TRAP).worst_ns[1] ==
                of_trap - 30 * WARDI_S + 100 * WARDI_MS);
    p.supervise.pace.shape = WARDI_PACE_FIXED;
    p.supervise.pace.jitter = 0.5;
    assert_true(wardi_explain(&p, WARDI_FAULT_TRAP).worst_ns[1] ==
                of_trap - 30 * WARDI_S + 150 * WARDI_MS);
    p.supervise.pace.shape = WARDI_PACE_OFF;
    e = wardi_explain(&p, WARDI_FAULT_TRAP);
    assert_true(e.typical_ns[0] + e.typical_ns[1] == 10 * WARDI_US);
    p.group_stop_ns = 7 * WARDI_S;
    p.needs_start_ns = 4 * WARDI_S;
    p.startup_ns = 9 * WARDI_S;
    uint64_t before = e.worst_ns[1];
    e = wardi_explain(&p, WARDI_FAULT_TRAP);
    assert_true(e.worst_ns[1] == before + 20 * WARDI_S);
    p.supervise.shutdown = WARDI_SHUTDOWN_INFINITE;
    assert_true(wardi_explain(&p, WARDI_FAULT_UNHEALTHY).worst_ns[1] == WARDI_FOREVER);
    p.supervise.shutdown = WARDI_SHUTDOWN_IMMEDIATE;
    e = wardi_explain(&p, WARDI_FAULT_UNHEALTHY);
    check_sums(&e);
    assert_true(e.worst_ns[1] == before + 20 * WARDI_S + p.supervise.kill_ns);
    p.dropped = true; /* and nobody is waited for */
    assert_true(wardi_explain(&p, WARDI_FAULT_UNHEALTHY).worst_ns[1] == before + 20 * WARDI_S);
    assert_true(wardi_explain(&p, WARDI_FAULT_HANG_CHECK).worst_ns[1] == before + 20 * WARDI_S);
}

static void test_never(void **state)
{
    (void)state;
    wardi_explain_policy p = usual();
    p.supervise.restart = WARD_RESTART_TEMPORARY;
    wardi_explanation e = wardi_explain(&p, WARDI_FAULT_TRAP);
    assert_false(e.restarted);
    assert_true(e.worst_ns[1] == 0);
    p.supervise.restart = WARD_RESTART_TRANSIENT;
    p.supervise.intensity.max = 0;
    assert_false(wardi_explain(&p, WARDI_FAULT_TRAP).restarted);
    for (int f = 0; f < WARDI_FAULTS; f++)
        assert_string_not_equal(wardi_fault_name((wardi_fault)f), "unknown");
}

/* What is computed is what the tree does: one trap and one unhealthy answer, timed in a tree. */
static void test_the_tree_agrees(void **state)
{
    (void)state;
    wardi_explain_policy p = usual();
    kit k = kit_new(WARDI_ONE_FOR_ONE, 5);
    k.policy = p.supervise;
    kit_child(&k, 0);
    kit_start(&k);
    uint64_t failed = k.now_ns;
    kit_ok(&k, 1, ILL);
    uint64_t limit = wardi_explain(&p, WARDI_FAULT_UNHEALTHY).worst_ns[1];
    uint32_t run = 1;
    /* Every limit is used up: the stop, the kill, the delay; then the start. */
    while (kit_view(&k, 1).run == run) {
        k.now_ns = wardi_tree_next_ns(k.tree);
        assert_true(wardi_tree_tick(k.tree, k.now_ns));
        kit_drain(&k);
    }
    assert_true(k.now_ns - failed + p.supervise.start_ns + p.check_timeout_ns <= limit);
    kit_up(&k, 1);
    failed = k.now_ns;
    kit_ok(&k, 1, DIED);
    k.now_ns = wardi_tree_next_ns(k.tree);
    assert_true(k.now_ns - failed <= wardi_explain(&p, WARDI_FAULT_TRAP).worst_ns[1]);
    kit_free(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_detection),
        cmocka_unit_test(test_recovery),
        cmocka_unit_test(test_never),
        cmocka_unit_test(test_the_tree_agrees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
