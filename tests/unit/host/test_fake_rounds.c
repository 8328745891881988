/* Checks at their intervals, of very many and of a few: when each comes, in a world whose time the
 * test moves. */
#include "fake_world.h"

#include <unistd.h>

enum { MANY = 150, CHECKS_MAX = 4096 };
#define TICK_NS WARDI_MS

/* Less than what counts as slow. */
#define BUSY_NS (40 * WARDI_US)

typedef struct checked {
    fake_guest guest; /* first: its hook finds the rest */
    uint64_t at_ns[CHECKS_MAX];
    size_t count;
    useconds_t takes_us;
    bool busy;
} checked;

static checked all[MANY];

static void note(fake_guest *fake, const char *export_name)
{
    checked *of = (checked *)fake;
    if (strcmp(export_name, "_health") != 0) return;
    if (of->count < CHECKS_MAX) of->at_ns[of->count] = now;
    of->count++;
    if (of->takes_us != 0) usleep(of->takes_us);
    uint64_t until_ns = wardi_now_ns() + BUSY_NS;
    while (of->busy && wardi_now_ns() < until_ns) {}
    if (of->busy) now += 3 * BUSY_NS; /* as if others kept the worker as well */
}

static const char *name_of(size_t i)
{
    static char name[16];
    snprintf(name, sizeof name, "c%zu", i);
    return name;
}

static void add(size_t i, uint64_t interval_ns)
{
    ward_diag diag;
    ward_component_options component = WARD_INIT(ward_component_options);
    ward_child_options options = WARD_INIT(ward_child_options);
    component.name = name_of(i);
    fake_init(&all[i].guest);
    fake_health(&all[i].guest, WARDI_I32);
    all[i].guest.during = note;
    all[i].count = 0;
    all[i].takes_us = 0;
    all[i].busy = false;
    FAKE_SOURCE(component, &all[i].guest);
    options.component = &component;
    options.interval_ns = interval_ns;
    options.backoff.shape = WARD_BACKOFF_OFF;
    if (ward_supervisor_add(supervisor, &options, &diag) != WARD_OK) fail_msg("%s", diag.text);
}

static void start(void)
{
    open_world();
    assert_int_equal(ward_supervisor_start(supervisor, NULL), WARD_OK);
}

static void forget(void)
{
    for (size_t i = 0; i < MANY; i++) all[i].count = 0;
}

/* Never later than its interval, and a tick, after the one before; and no earlier than a part of
 * the interval that is promised. */
static void assert_on_time(size_t i, uint64_t interval_ns)
{
    const checked *of = &all[i];
    assert_in_range(of->count, 2, CHECKS_MAX);
    uint64_t least_ns = interval_ns - interval_ns / 16;
    for (size_t k = 1; k < of->count; k++) {
        uint64_t gap_ns = of->at_ns[k] - of->at_ns[k - 1];
        assert_in_range(gap_ns + TICK_NS, least_ns, interval_ns + 2 * TICK_NS);
    }
}

/* ---- when ---- */

static void test_all_of_one_interval(void **state)
{
    (void)state;
    start();
    for (size_t i = 0; i < MANY; i++) {
        add(i, 100 * WARDI_MS);
        pass(7 * WARDI_MS); /* each begins at a time of its own */
    }
    pass(WARDI_S);
    forget();
    pass(20 * WARDI_S);
    for (size_t i = 0; i < MANY; i++) {
        assert_on_time(i, 100 * WARDI_MS);
        assert_in_range(all[i].count, 199, 201); /* none drifts */
    }
}

/* Those of the same grain that began at about the same time, which they do when all are started,
 * have their checks together: that is what a round is for. */
static void test_together(void **state)
{
    (void)state;
    start();
    for (size_t i = 0; i < 40; i++) {
        add(i, WARDI_S);
        pass(WARDI_MS);
    }
    pass(3 * WARDI_S);
    forget();
    pass(3 * WARDI_S);
    for (size_t i = 0; i < 40; i++) {
        assert_int_equal(all[i].count, 3);
        for (size_t k = 0; k < 3; k++) assert_int_equal(all[i].at_ns[k], all[0].at_ns[k]);
    }
}

static void test_intervals_that_differ(void **state)
{
    static const uint64_t intervals_ms[] = {1, 7, 10, 100, 1000};
    (void)state;
    start();
    for (size_t i = 0; i < 50; i++) add(i, intervals_ms[i % 5] * WARDI_MS);
    pass(2 * WARDI_S);
    forget();
    pass(3 * WARDI_S);
    for (size_t i = 0; i < 50; i++) {
        uint64_t interval_ns = intervals_ms[i % 5] * WARDI_MS;
        assert_on_time(i, interval_ns);
        assert_in_range(all[i].count, 3 * WARDI_S / interval_ns - 2,
                        3 * WARDI_S / interval_ns * 16 / 15 + 2);
    }
}

/* ---- who is not like the others ---- */

/* What takes long is paid for by itself: the others are checked as often as ever. */
static void test_beside_slow_ones(void **state)
{
    (void)state;
    start();
    for (size_t i = 0; i < 60; i++) add(i, 100 * WARDI_MS);
    pass(WARDI_S);
    forget();
    all[10].takes_us = all[30].takes_us = 1500;
    pass(2 * WARDI_S);
    for (size_t i = 0; i < 60; i++) assert_in_range(all[i].count, 19, 21);
}

/* More than a round does before it leaves the rest to the next, and due again by then: those at the
 * end have their turn as well. */
static void test_too_much_for_a_round(void **state)
{
    (void)state;
    start();
    for (size_t i = 0; i < 60; i++) add(i, WARDI_MS);
    pass(100 * WARDI_MS);
    for (size_t i = 0; i < 60; i++) all[i].busy = true;
    forget();
    for (int step = 0; step < 200; step++) assert_true(wardi_supervisor_step(supervisor));
    for (size_t i = 0; i < 60; i++) {
        assert_in_range(all[i].count, 5, CHECKS_MAX);
        all[i].busy = false;
    }
}

static void test_comings_and_goings(void **state)
{
    (void)state;
    start();
    for (size_t i = 0; i < 60; i++) add(i, 50 * WARDI_MS);
    pass(WARDI_S);
    for (size_t i = 0; i < 60; i += 2) asks(name_of(i), WARD_REQUEST_REMOVE);
    for (size_t i = 1; i < 60; i += 4) asks(name_of(i), WARD_REQUEST_RESTART);
    for (size_t i = 3; i < 60; i += 4) asks(name_of(i), WARD_REQUEST_STOP);
    pass(WARDI_S);
    for (size_t i = 0; i < 60; i += 2) add(i, 50 * WARDI_MS); /* in the same places */
    pass(WARDI_S);
    forget();
    pass(5 * WARDI_S);
    for (size_t i = 0; i < 60; i++) {
        if (i % 4 == 3) {
            assert_int_equal(all[i].count, 0);
            continue;
        }
        assert_on_time(i, 50 * WARDI_MS);
        assert_in_range(all[i].count, 99, 101);
    }
    for (size_t i = 3; i < 60; i += 4) asks(name_of(i), WARD_REQUEST_START);
    forget();
    pass(WARDI_S);
    for (size_t i = 3; i < 60; i += 4) assert_in_range(all[i].count, 19, 22);
}

/* An end that only a check can see is seen after the first round as in the first. */
static void test_what_a_round_finds(void **state)
{
    (void)state;
    start();
    for (size_t i = 0; i < 60; i++) add(i, 100 * WARDI_MS);
    pass(WARDI_S);
    for (size_t i = 0; i < 60; i++) assert_int_equal(status_of(name_of(i)).restarts, 0);
    all[20].guest.health_error = WARD_ERROR_TRAP;
    all[20].guest.cause = "unreachable";
    pass(WARDI_S);
    assert_in_range(status_of("c20").restarts_by_cause[WARD_CAUSE_CRASH], 1, 10);
    all[20].guest.health_error = WARD_OK;
    forget();
    pass(WARDI_S);
    for (size_t i = 0; i < 60; i++) {
        assert_in_range(all[i].count, 9, 11);
        assert_int_equal(status_of(name_of(i)).health, WARD_CHILD_HEALTHY);
    }
}

/* ---- without memory ---- */

static long refused;
static bool no_round(void *context, size_t size)
{
    (void)context;
    bool is_round = size == sizeof(check_round);
    refused += is_round;
    return !is_round;
}

static void test_without_memory_for_rounds(void **state)
{
    (void)state;
    start();
    refused = 0;
    wardi_alloc_gate_set(no_round, NULL);
    for (size_t i = 0; i < 10; i++) add(i, 100 * WARDI_MS);
    wardi_alloc_gate_set(NULL, NULL);
    assert_int_equal(refused, 10);
    for (size_t i = 10; i < 20; i++) add(i, 100 * WARDI_MS);
    forget();
    pass(5 * WARDI_S);
    for (size_t i = 0; i < 20; i++) {
        assert_on_time(i, 100 * WARDI_MS);
        assert_in_range(all[i].count, 49, 51);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_all_of_one_interval, close_all),
        cmocka_unit_test_teardown(test_together, close_all),
        cmocka_unit_test_teardown(test_intervals_that_differ, close_all),
        cmocka_unit_test_teardown(test_beside_slow_ones, close_all),
        cmocka_unit_test_teardown(test_too_much_for_a_round, close_all),
        cmocka_unit_test_teardown(test_comings_and_goings, close_all),
        cmocka_unit_test_teardown(test_what_a_round_finds, close_all),
        cmocka_unit_test_teardown(test_without_memory_for_rounds, close_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
