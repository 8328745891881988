/* What is seen of a supervisor by whoever watches it: by id, also while a guest is held up. */
#include "actor_kit.h"

/* ---- members ---- */

typedef struct told {
    char names[16][32], groups[16][32];
    ward_child_id ids[16];
    size_t count;
} told;

static void on_member(void *context, const ward_member *m)
{
    told *t = context;
    if (t->count == 16) return;
    snprintf(t->names[t->count], 32, "%s", m->name);
    snprintf(t->groups[t->count], 32, "%s", m->group);
    t->ids[t->count++] = m->id;
}

static long told_of(const told *t, const char *name)
{
    for (size_t i = 0; i < t->count; i++)
        if (strcmp(t->names[i], name) == 0) return (long)i;
    return -1;
}

static void test_members(void **state)
{
    (void)state;
    told t = {0};
    assert_int_equal(ward_supervisor_members(supervisor, on_member, &t), WARD_ERROR_STATE);
    add_group((ward_group_options){.name = "outer"});
    add_group((ward_group_options){.name = "inner", .group = "outer"});
    add((child_spec){.name = "a", .wat = healthy}, NULL);
    add((child_spec){.name = "b", .wat = healthy, .options.group = "inner", .needs = {"a"}}, NULL);
    add((child_spec){.name = "c", .wat = healthy, .options.instances = 3}, NULL);
    start();
    assert_int_equal(ward_supervisor_members(supervisor, on_member, &t), WARD_OK);
    assert_int_equal(t.count, 8);
    assert_true(told_of(&t, "outer") < told_of(&t, "inner"));
    assert_string_equal(t.groups[told_of(&t, "inner")], "outer");
    assert_string_equal(t.groups[told_of(&t, "a")], "");
    assert_string_equal(t.groups[told_of(&t, "b")], "inner");
    assert_string_equal(t.groups[told_of(&t, "c")], "");
    assert_string_equal(t.groups[told_of(&t, "c.2")], "c");
    assert_int_equal(t.ids[told_of(&t, "a")], id_of("a"));
    assert_int_equal(t.ids[told_of(&t, "c")], 0);
    t.count = 0;
    assert_int_equal(ward_supervisor_member(supervisor, id_of("b"), on_member, &t), WARD_OK);
    assert_string_equal(t.names[0], "b");
    assert_int_equal(ward_supervisor_member(supervisor, 0, on_member, &t), WARD_ERROR_NOT_FOUND);
}

static void test_coming_and_going_is_told(void **state)
{
    (void)state;
    add((child_spec){.name = "a", .wat = healthy}, NULL);
    start();
    wait_for(0, "a", WARD_EVENT_READY, true);
    assert_int_equal(find(0, "a", WARD_EVENT_ADDED, 0), -1); /* it was there before */
    assert_int_equal(add((child_spec){.name = "late", .wat = healthy}, NULL), WARD_OK);
    long at = wait_for(0, "late", WARD_EVENT_ADDED, 0);
    ward_child_id id = id_of("late");
    assert_int_equal(record.events[at].event.child_id, id);
    assert_int_equal(ward_supervisor_ask(supervisor, "late", WARD_REQUEST_REMOVE, NULL), WARD_OK);
    wait_for(0, "late", WARD_EVENT_REMOVED, 0);
    ward_child_status status = WARD_INIT(ward_child_status);
    uint64_t patience = wardi_now_ns() + PATIENCE_NS;
    while (ward_supervisor_look(supervisor, id, &status) == WARD_OK)
        assert_true(wardi_now_ns() < patience);
}

/* ---- status and figures ---- */

static void test_look_tells_what_child_tells(void **state)
{
    (void)state;
    static const char degraded[] =
        "(module " FRAME_MEMORY("\\81\\0e\\01\\04\\00\\00\\00disk") "(func (export \"_health\") "
                                                                    "(result i32) i32.const 16))";
    add((child_spec){.name = "ill", .wat = degraded}, NULL);
    start();
    wait_for(0, "ill", WARD_EVENT_HEALTH, WARD_CHILD_DEGRADED);
    ward_child_status by_id = WARD_INIT(ward_child_status), by_name = status_of("ill");
    assert_int_equal(ward_supervisor_look(supervisor, id_of("ill"), &by_id), WARD_OK);
    assert_int_equal(by_id.state, by_name.state);
    assert_int_equal(by_id.health, WARD_CHILD_DEGRADED);
    assert_string_equal(by_id.reason.text, "disk");
    assert_true(by_id.live && by_id.ready == by_name.ready);
}

/* Busy from outside, and yet all of it can be read. */
static void test_figures_of_a_hung_guest(void **state)
{
    (void)state;
    static const char spins[] =
        "(module (memory (export \"memory\") 1)"
        "  (func (export \"ward_alloc\") (param i32) (result i32) i32.const 64)"
        "  (func (export \"handle-message\") (param i32 i32) (result i64) (loop $l br $l)"
        "    unreachable))";
    add((child_spec){.name = "stuck", .wat = spins, .health.busy_after_ns = 10 * MS}, NULL);
    start();
    wait_for(0, "stuck", WARD_EVENT_READY, true);
    ward_child_id id = id_of("stuck");
    assert_int_equal(ward_supervisor_send(supervisor, id, (const uint8_t *)"x", 1), WARD_OK);
    ward_child_status status = WARD_INIT(ward_child_status);
    uint64_t patience = wardi_now_ns() + PATIENCE_NS;
    do {
        assert_true(wardi_now_ns() < patience);
        assert_int_equal(ward_supervisor_look(supervisor, id, &status), WARD_OK);
    } while (strstr(status.reason.text, "Busy") == NULL);
    assert_int_equal(status.health, WARD_CHILD_DEGRADED);
    assert_non_null(strstr(status.reason.text, "Busy in handle-message for"));
    assert_int_equal(status.state, WARD_STATE_READY);
    ward_child_figures figures = WARD_INIT(ward_child_figures);
    assert_int_equal(ward_supervisor_figures(supervisor, id, &figures), WARD_OK);
    assert_int_equal(figures.component.state, WARD_STATE_READY);
    uint64_t checks = figures.component.checks;
    for (int i = 0; i < 1000; i++) ward_supervisor_look(supervisor, id, &status);
    assert_int_equal(ward_supervisor_figures(supervisor, id, &figures), WARD_OK);
    assert_in_range(figures.component.checks, checks, checks + 999); /* to look is no check */
    assert_int_equal(figures.component.memory_bytes, 65536);
    assert_int_equal(figures.messages.sent, 1);
    assert_int_equal(figures.mailbox_max, 64);
}

static void test_latencies(void **state)
{
    (void)state;
    static const char slow[] =
        "(module (func (export \"_health\") (result i32) (local $n i32)"
        "  (loop $l (local.set $n (i32.add (local.get $n) (i32.const 1)))"
        "    (br_if $l (i32.lt_u (local.get $n) (i32.const 30000000)))) i32.const 0))";
    add((child_spec){.name = "slow", .wat = slow}, NULL);
    add((child_spec){.name = "fast", .wat = healthy}, NULL);
    start();
    ward_child_figures figures = WARD_INIT(ward_child_figures);
    uint64_t patience = wardi_now_ns() + PATIENCE_NS, fast = 0, slow_ones = 0, sum = 0;
    do {
        assert_true(wardi_now_ns() < patience);
        assert_int_equal(ward_supervisor_figures(supervisor, id_of("fast"), &figures), WARD_OK);
        fast = figures.latency_buckets[0];
        assert_int_equal(ward_supervisor_figures(supervisor, id_of("slow"), &figures), WARD_OK);
        slow_ones = sum = 0;
        for (size_t i = 0; i < WARD_LATENCY_BUCKETS; i++) {
            sum += figures.latency_buckets[i];
            if (ward_latency_bound(i) > 1e-3) slow_ones += figures.latency_buckets[i];
        }
    } while (fast < 3 || slow_ones < 3);
    assert_int_equal(slow_ones, sum); /* thirty million turns take longer than a millisecond */
    assert_true(figures.inside_ns >= figures.component.probe_ns_total);
    assert_true(ward_latency_bound(WARD_LATENCY_BUCKETS - 1) > 1e300);
}

/* ---- the pulse, and what people do ---- */

static void test_pulse(void **state)
{
    (void)state;
    ward_pulse pulse = WARD_INIT(ward_pulse);
    assert_int_equal(ward_supervisor_pulse(supervisor, &pulse), WARD_ERROR_STATE);
    add((child_spec){.name = "a", .wat = no_export, .options.interval_ns = WARDI_S * 100}, NULL);
    start();
    wait_for(0, "a", WARD_EVENT_READY, true);
    uint64_t patience = wardi_now_ns() + PATIENCE_NS;
    for (int answered = 0; answered < 3; answered += pulse.worker_age_ns == 0) {
        assert_true(wardi_now_ns() < patience);
        assert_int_equal(ward_supervisor_pulse(supervisor, &pulse), WARD_OK);
        assert_true(pulse.started && !pulse.stopping);
        assert_int_equal(pulse.children, 1);
        wardi_sleep_until_ns(wardi_now_ns() + 10 * MS);
    }
    assert_true(pulse.clock_age_ns < WARDI_S * 5);
    ward_supervisor_stop(supervisor, 0, NULL);
    assert_int_equal(ward_supervisor_pulse(supervisor, &pulse), WARD_OK);
    assert_true(!pulse.started && pulse.stopping);
}

/* While a guest waits, it has a stack of its own. */
static void test_fiber_stacks(void **state)
{
    (void)state;
    ward_pulse pulse = WARD_INIT(ward_pulse);
    uint64_t patience = wardi_now_ns() + PATIENCE_NS;
    start_actors(&all);
    while (pulse.fiber_stacks != 2) {
        ward_supervisor_send(supervisor, id_of("a"), (const uint8_t *)"z", 1);
        ward_supervisor_send(supervisor, id_of("b"), (const uint8_t *)"z", 1);
        wardi_sleep_until_ns(wardi_now_ns() + MS);
        assert_int_equal(ward_supervisor_pulse(supervisor, &pulse), WARD_OK);
        assert_true(pulse.fiber_stacks <= 2);
        assert_true(wardi_now_ns() < patience);
    }
    while (pulse.fiber_stacks != 0) {
        wardi_sleep_until_ns(wardi_now_ns() + MS);
        assert_int_equal(ward_supervisor_pulse(supervisor, &pulse), WARD_OK);
        assert_true(wardi_now_ns() < patience);
    }
}

static void test_record(void **state)
{
    (void)state;
    add((child_spec){.name = "a", .wat = healthy}, NULL);
    start();
    assert_int_equal(ward_supervisor_record(supervisor, "a", "restarted by root"), WARD_OK);
    long at = wait_for(0, "a", WARD_EVENT_OPERATOR, 0);
    assert_string_equal(record.events[at].reason, "restarted by root");
    assert_int_equal(record.events[at].event.child_id, id_of("a"));
    assert_int_equal(ward_supervisor_record(supervisor, "", "told to stop"), WARD_OK);
    wait_for(0, "", WARD_EVENT_OPERATOR, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_members),
        TEST(test_coming_and_going_is_told),
        TEST(test_look_tells_what_child_tells),
        TEST(test_figures_of_a_hung_guest),
        TEST(test_latencies),
        TEST(test_pulse),
        TEST(test_fiber_stacks),
        TEST(test_record),
    };
    return cmocka_run_group_tests_name("host look", tests, NULL, NULL);
}
