/* Others in the place of children, more and less instances, and groups that become others: what was
 * not meant keeps its instance, its state and its figures. */
#include "host_kit.h"

/* Counts the calls that its instance has had. */
static const char counts[] =
    "(module (global $n (mut i32) (i32.const 0)) (memory (export \"memory\") 1)"
    " (data (i32.const 16) \"\\81\\0e\\00\") (func (export \"_health\") (result i32) i32.const 16)"
    " (func (export \"bump\") (result i32) (global.set $n (i32.add (global.get $n) (i32.const 1)))"
    "  (global.get $n)))";
static const char counts_by_ten[] =
    "(module (global $n (mut i32) (i32.const 0)) (memory (export \"memory\") 1)"
    " (data (i32.const 16) \"\\81\\0e\\00\") (func (export \"_health\") (result i32) i32.const 16)"
    " (func (export \"bump\") (result i32) (global.set $n (i32.add (global.get $n) (i32.const 10)))"
    "  (global.get $n)))";
static const char never_cleans_up[] = "(module (func (export \"_cleanup\") (loop $l br $l))"
                                      " (func (export \"_health\") (result i32) i32.const 0))";

static int32_t bump(const char *name)
{
    ward_value result = {0};
    size_t count = 1;
    assert_int_equal(ward_supervisor_invoke(supervisor, id_of(name), "bump", NULL, 0, &result,
                                            &count, PATIENCE_NS),
                     WARD_OK);
    return result.of.i32;
}

static void wait_ready(const char *name, bool ready)
{
    uint64_t patience = wardi_now_ns() + PATIENCE_NS;
    ward_child_status status = WARD_INIT(ward_child_status);
    while (ward_supervisor_child(supervisor, name, &status) != WARD_OK || status.ready != ready) {
        if (wardi_now_ns() > patience) fail_msg("%s does not become %d", name, ready);
        wardi_sleep_until_ns(wardi_now_ns() + MS);
    }
}

static void wait_gone(const char *name)
{
    uint64_t patience = wardi_now_ns() + PATIENCE_NS;
    ward_child_status status = WARD_INIT(ward_child_status);
    while (ward_supervisor_child(supervisor, name, &status) == WARD_OK) {
        assert_true(wardi_now_ns() < patience);
        wardi_sleep_until_ns(wardi_now_ns() + MS);
    }
}

typedef ward_error change(ward_supervisor *s, const ward_child_options *options, ward_diag *diag);

static ward_error with(change *to, child_spec spec, ward_diag *diag)
{
    ward_component_options component = WARD_INIT(ward_component_options);
    component.name = spec.name;
    component.bytes = (const uint8_t *)spec.wat;
    component.byte_count = strlen(spec.wat);
    ward_child_options options = spec.options;
    options.size = sizeof options;
    options.component = &component;
    options.needs = spec.needs;
    while (options.need_count < 3 && spec.needs[options.need_count] != NULL) options.need_count++;
    options.interval_ns = 5 * MS;
    return to(supervisor, &options, diag);
}

static void replace(child_spec spec)
{
    ward_diag diag = {0};
    if (with(ward_supervisor_replace, spec, &diag) != WARD_OK) fail_msg("%s", diag.text);
}

static void resize(const char *name, const char *wat, uint32_t instances)
{
    ward_diag diag = {0};
    child_spec spec = {.name = name, .wat = wat, .options = {.instances = instances}};
    if (with(ward_supervisor_resize, spec, &diag) != WARD_OK) fail_msg("%s", diag.text);
}

/* ---- one ---- */

static void who_needs_it_is_not_touched(void **state)
{
    (void)state;
    add((child_spec){.name = "db", .wat = counts}, NULL);
    add((child_spec){.name = "api", .wat = counts, .needs = {"db"}}, NULL);
    start();
    wait_ready("api", true);
    ward_child_id db = id_of("db"), api = id_of("api");
    assert_int_equal(bump("db"), 1);
    assert_int_equal(bump("api"), 1);
    replace((child_spec){.name = "db", .wat = counts_by_ten});
    wait_ready("api", true);
    assert_int_equal(bump("db"), 10);
    assert_int_equal(bump("api"), 2); /* the same instance */
    assert_int_equal(id_of("api"), api);
    assert_true(id_of("db") != db);
    assert_int_equal(status_of("api").restarts, 0);
    assert_int_equal(status_of("db").restarts, 0);
    long removed = wait_for(0, "db", WARD_EVENT_REMOVED, 0);
    wait_for((size_t)removed, "db", WARD_EVENT_ADDED, 0);
    wait_for((size_t)removed, "api", WARD_EVENT_READY, true);
    /* The need is a need still. */
    assert_int_equal(ward_supervisor_ask(supervisor, "db", WARD_REQUEST_REMOVE, NULL),
                     WARD_ERROR_STATE);
    assert_int_equal(ward_supervisor_ask(supervisor, "db", WARD_REQUEST_STOP, NULL), WARD_OK);
    wait_ready("api", false);
}

static void who_restarts_with_it_does(void **state)
{
    (void)state;
    add((child_spec){.name = "db", .wat = healthy}, NULL);
    add((child_spec){.name = "api",
                     .wat = healthy,
                     .needs = {"db"},
                     .options = {.restart_with_needs = true}},
        NULL);
    start();
    wait_ready("api", true);
    replace((child_spec){.name = "db", .wat = counts});
    wait_for(0, "api", WARD_EVENT_RESTART, 0);
    wait_ready("api", true);
    assert_int_equal(status_of("api").restarts_by_cause[WARD_CAUSE_NEED], 1);
}

/* Old needs and new ones go different ways. */
static void needs_turn_round(void **state)
{
    (void)state;
    ward_diag diag = {0};
    add((child_spec){.name = "a", .wat = healthy}, NULL);
    add((child_spec){.name = "b", .wat = healthy, .needs = {"a"}}, NULL);
    start();
    wait_ready("b", true);
    assert_int_equal(with(ward_supervisor_replace,
                          (child_spec){.name = "a", .wat = healthy, .needs = {"b"}}, &diag),
                     WARD_ERROR_CYCLE);
    assert_non_null(strstr(diag.text, "a"));
    wait_ready("b", true); /* what was there is back */
    replace((child_spec){.name = "b", .wat = counts});
    replace((child_spec){.name = "a", .wat = healthy, .needs = {"b"}});
    wait_ready("a", true);
    assert_int_equal(bump("b"), 1);
    assert_int_equal(ward_supervisor_ask(supervisor, "b", WARD_REQUEST_REMOVE, NULL),
                     WARD_ERROR_STATE);
}

static void what_is_down_by_hand_stays_so(void **state)
{
    (void)state;
    add((child_spec){.name = "a", .wat = healthy}, NULL);
    add((child_spec){.name = "b", .wat = healthy}, NULL);
    add((child_spec){.name = "c",
                     .wat = traps_in_start,
                     .options = {.restart = WARD_RESTART_TEMPORARY}},
        NULL);
    start();
    wait_ready("a", true);
    wait_ready("b", true);
    wait_for(0, "c", WARD_EVENT_GIVEN_UP, 0);
    ward_supervisor_ask(supervisor, "a", WARD_REQUEST_STOP, NULL);
    ward_supervisor_ask(supervisor, "b", WARD_REQUEST_QUARANTINE, NULL);
    replace((child_spec){.name = "a", .wat = counts});
    replace((child_spec){.name = "b", .wat = counts});
    replace((child_spec){.name = "c", .wat = counts});
    wait_ready("c", true); /* another that may do better */
    assert_int_equal(status_of("a").state, WARD_STATE_TERMINATED);
    assert_true(status_of("b").given_up);
    assert_int_equal(ward_supervisor_ask(supervisor, "a", WARD_REQUEST_START, NULL), WARD_OK);
    assert_int_equal(ward_supervisor_ask(supervisor, "b", WARD_REQUEST_START, NULL),
                     WARD_ERROR_STATE);
    assert_int_equal(ward_supervisor_ask(supervisor, "b", WARD_REQUEST_RELEASE, NULL), WARD_OK);
    wait_ready("a", true);
    wait_ready("b", true);
}

static void it_may_move_to_another_group(void **state)
{
    (void)state;
    ward_group_status status = WARD_INIT(ward_group_status);
    add_group((ward_group_options){.name = "left"});
    add_group((ward_group_options){.name = "right"});
    add((child_spec){.name = "a", .wat = healthy, .options = {.group = "left"}}, NULL);
    add((child_spec){.name = "b", .wat = healthy, .needs = {"a"}}, NULL);
    start();
    wait_ready("b", true);
    replace((child_spec){.name = "a", .wat = healthy, .options = {.group = "right"}});
    wait_ready("b", true);
    assert_int_equal(ward_supervisor_group(supervisor, "left", &status), WARD_OK);
    assert_int_equal(status.children, 0);
    assert_int_equal(ward_supervisor_group(supervisor, "right", &status), WARD_OK);
    assert_int_equal(status.healthy, 1);
    assert_int_equal(ward_supervisor_ask(supervisor, "left", WARD_REQUEST_REMOVE, NULL), WARD_OK);
}

/* Both hang in their clean-up; retired, they do so at the same time. */
static void many_stop_at_the_same_time(void **state)
{
    (void)state;
    ward_diag diag;
    const char *names[] = {"a", "b"};
    for (int i = 0; i < 2; i++)
        add((child_spec){.name = names[i],
                         .wat = never_cleans_up,
                         .options = {.shutdown_timeout_ns = 100 * MS}},
            &diag);
    start();
    for (int i = 0; i < 2; i++) wait_ready(names[i], true);
    for (int i = 0; i < 2; i++)
        assert_int_equal(ward_supervisor_retire(supervisor, names[i], &diag), WARD_OK);
    for (int i = 0; i < 2; i++) wait_for(0, names[i], WARD_EVENT_STATE, WARD_STATE_STOPPING);
    for (int i = 0; i < 2; i++) replace((child_spec){.name = names[i], .wat = healthy});
    for (int i = 0; i < 2; i++) wait_ready(names[i], true);
}

static void bad_ones_change_nothing(void **state)
{
    (void)state;
    ward_diag diag = {0};
    child_spec a = {.name = "a", .wat = counts};
    add(a, NULL);
    add((child_spec){.name = "m", .wat = healthy, .options = {.instances = 2}}, NULL);
    assert_int_equal(with(ward_supervisor_replace, a, &diag), WARD_ERROR_STATE);
    assert_int_equal(with(ward_supervisor_resize, a, &diag), WARD_ERROR_INVALID_ARGUMENT);
    start();
    wait_ready("a", true);
    assert_int_equal(bump("a"), 1);
    child_spec other = a;
    other.name = "b";
    assert_int_equal(with(ward_supervisor_replace, other, &diag), WARD_ERROR_NOT_FOUND);
    other.name = "m";
    assert_int_equal(with(ward_supervisor_replace, other, &diag), WARD_ERROR_NOT_FOUND);
    other.name = "m.0";
    assert_int_equal(with(ward_supervisor_replace, other, &diag), WARD_ERROR_NOT_FOUND);
    other = a;
    other.options.instances = 2;
    assert_int_equal(with(ward_supervisor_replace, other, &diag), WARD_ERROR_NOT_FOUND);
    assert_int_equal(with(ward_supervisor_resize, other, &diag), WARD_ERROR_NOT_FOUND);
    assert_int_equal(ward_supervisor_retire(supervisor, "b", &diag), WARD_ERROR_NOT_FOUND);
    wait_ready("m.0", true);
    assert_int_equal(bump("a"), 2);
    other = a;
    other.needs[0] = "nobody";
    assert_int_equal(with(ward_supervisor_replace, other, &diag), WARD_ERROR_NOT_FOUND);
    wait_ready("a", true); /* it was stopped for that, and is wanted still */
    assert_int_equal(bump("a"), 1);
    ward_supervisor_stop(supervisor, 0, NULL);
    assert_int_equal(with(ward_supervisor_replace, a, &diag), WARD_ERROR_STATE);
    assert_int_equal(ward_supervisor_retire(supervisor, "a", &diag), WARD_ERROR_STATE);
}

static void *stop_all(void *argument)
{
    ward_supervisor_stop(supervisor, 0, NULL);
    return argument;
}

static void stopping_ends_the_wait(void **state)
{
    (void)state;
    ward_diag diag = {0};
    pthread_t stopper;
    add((child_spec){.name = "a",
                     .wat = never_cleans_up,
                     .options = {.shutdown_timeout_ns = 200 * MS}},
        &diag);
    start();
    wait_ready("a", true);
    ward_supervisor_retire(supervisor, "a", NULL);
    wait_for(0, "a", WARD_EVENT_STATE, WARD_STATE_STOPPING);
    assert_int_equal(pthread_create(&stopper, NULL, stop_all, NULL), 0);
    ward_error error =
        with(ward_supervisor_replace, (child_spec){.name = "a", .wat = healthy}, &diag);
    assert_true(error == WARD_ERROR_STATE || error == WARD_OK); /* who comes first */
    pthread_join(stopper, NULL);
}

/* ---- instances ---- */

static void instances_are_replaced_each_in_its_place(void **state)
{
    (void)state;
    ward_group_status status = WARD_INIT(ward_group_status);
    add((child_spec){.name = "w", .wat = counts, .options = {.instances = 3}}, NULL);
    add((child_spec){.name = "all", .wat = counts, .needs = {"w"}}, NULL);
    add((child_spec){.name = "one", .wat = counts, .needs = {"w.1"}}, NULL);
    start();
    wait_ready("all", true);
    assert_int_equal(bump("all"), 1);
    assert_int_equal(ward_supervisor_ask(supervisor, "w.2", WARD_REQUEST_STOP, NULL), WARD_OK);
    wait_ready("all", false);
    replace((child_spec){.name = "w",
                         .wat = counts_by_ten,
                         .options = {.instances = 3, .instances_health = {WARD_GROUP_ALL, 0}}});
    wait_ready("one", true);
    assert_int_equal(bump("w.0"), 10);
    assert_int_equal(bump("w.1"), 10);
    assert_false(status_of("all").ready); /* w.2 was stopped by hand */
    assert_int_equal(ward_supervisor_ask(supervisor, "w", WARD_REQUEST_START, NULL), WARD_OK);
    assert_int_equal(ward_supervisor_ask(supervisor, "w.2", WARD_REQUEST_START, NULL), WARD_OK);
    wait_ready("all", true);
    assert_int_equal(bump("all"), 2);
    assert_int_equal(ward_supervisor_group(supervisor, "w", &status), WARD_OK);
    assert_int_equal(status.children, 3);
}

static void more_and_less(void **state)
{
    (void)state;
    ward_diag diag = {0};
    ward_group_status status = WARD_INIT(ward_group_status);
    child_spec w = {.name = "w", .wat = counts, .options = {.instances = 2}};
    add(w, NULL);
    add((child_spec){.name = "all", .wat = counts, .needs = {"w"}}, NULL);
    start();
    wait_ready("all", true);
    assert_int_equal(bump("w.0"), 1);
    assert_int_equal(bump("all"), 1);
    resize("w", counts, 5);
    wait_for_group(0, "w", "resized");
    wait_ready("w.4", true);
    wait_ready("all", true);
    assert_int_equal(bump("w.4"), 1);
    assert_int_equal(bump("w.0"), 2);
    ward_supervisor_ask(supervisor, "w.3", WARD_REQUEST_STOP, NULL); /* one of those it needs now */
    wait_ready("all", false);
    ward_supervisor_ask(supervisor, "w.3", WARD_REQUEST_START, NULL);
    wait_ready("all", true);

    add((child_spec){.name = "one", .wat = healthy, .needs = {"w.2"}}, NULL);
    w.options.instances = 2;
    assert_int_equal(with(ward_supervisor_resize, w, &diag), WARD_ERROR_STATE);
    assert_non_null(strstr(diag.text, "w.2 can't be removed: one needs it"));
    resize("w", counts, 3);
    wait_gone("w.4");
    wait_gone("w.3");
    assert_int_equal(bump("w.0"), 3);
    assert_int_equal(bump("all"), 2);
    assert_true(status_of("all").ready);
    assert_int_equal(ward_supervisor_group(supervisor, "w", &status), WARD_OK);
    assert_int_equal(status.children, 3);
    resize("w", counts, 4); /* and again */
    wait_ready("w.3", true);
    assert_int_equal(bump("w.3"), 1);
}

/* Those that go keep their places until they are gone. */
static void more_while_the_last_ones_go(void **state)
{
    (void)state;
    ward_diag diag = {0};
    child_spec w = {.name = "w",
                    .wat = never_cleans_up,
                    .options = {.instances = 6, .shutdown_timeout_ns = 150 * MS}};
    add(w, NULL);
    start();
    wait_ready("w.5", true);
    for (int i = 0; i < 6; i++) {
        w.options.instances = i % 2 == 0 ? 2 : 9;
        ward_error error = with(ward_supervisor_resize, w, &diag);
        if (i % 2 == 0)
            assert_int_equal(error, WARD_OK);
        else if (error != WARD_OK)
            assert_int_equal(error, WARD_ERROR_DUPLICATE); /* w.2 is not gone yet */
    }
    w.options.instances = 2;
    assert_int_equal(with(ward_supervisor_resize, w, &diag), WARD_OK);
    for (int i = 2; i < 9; i++) {
        char name[8];
        snprintf(name, sizeof name, "w.%d", i);
        wait_gone(name);
    }
    w.options.instances = 9;
    assert_int_equal(with(ward_supervisor_resize, w, &diag), WARD_OK);
    wait_ready("w.8", true);
}

/* With all of them down, they and their group go in one moment. */
static void instances_that_never_ran_go(void **state)
{
    (void)state;
    ward_group_status status = WARD_INIT(ward_group_status);
    add((child_spec){.name = "w",
                     .wat = traps_in_start,
                     .options = {.instances = 3, .restart = WARD_RESTART_TEMPORARY}},
        NULL);
    start();
    for (int i = 0; i < 3; i++)
        wait_for(0, i == 0 ? "w.0" : i == 1 ? "w.1" : "w.2", WARD_EVENT_GIVEN_UP, 0);
    assert_int_equal(ward_supervisor_ask(supervisor, "w", WARD_REQUEST_REMOVE, NULL), WARD_OK);
    wait_for_group(0, "w", "removed");
    wait_gone("w.2");
    assert_int_equal(ward_supervisor_group(supervisor, "w", &status), WARD_ERROR_NOT_FOUND);
    add((child_spec){.name = "w", .wat = healthy, .options = {.instances = 2}}, NULL);
    wait_ready("w.1", true);
}

/* ---- groups ---- */

static void a_group_becomes_another(void **state)
{
    (void)state;
    ward_diag diag = {0};
    add_group((ward_group_options){.name = "g"});
    add_group((ward_group_options){.name = "h", .group = "g"});
    add((child_spec){.name = "a", .wat = counts, .options = {.group = "g"}}, NULL);
    add((child_spec){.name = "b", .wat = counts, .options = {.group = "g"}}, NULL);
    add((child_spec){.name = "w", .wat = counts, .options = {.instances = 2}}, NULL);
    start();
    wait_ready("a", true);
    wait_ready("b", true);
    assert_int_equal(bump("b"), 1);
    ward_group_options g = WARD_INIT(ward_group_options);
    g.name = "g";
    g.strategy = WARD_ONE_FOR_ALL;
    g.health = (ward_group_health){WARD_GROUP_AT_LEAST, 5};
    g.backoff.shape = WARD_BACKOFF_OFF;
    assert_int_equal(ward_supervisor_change_group(supervisor, &g, &diag), WARD_OK);
    wait_for_group(0, "g", "changed");
    wait_for(0, "g", WARD_EVENT_GROUP_HEALTH, WARD_CHILD_FAILED); /* five are asked for */
    assert_int_equal(bump("b"), 2);
    ward_group_options bad = g;
    bad.name = "nobody";
    assert_int_equal(ward_supervisor_change_group(supervisor, &bad, &diag), WARD_ERROR_NOT_FOUND);
    bad.name = "w";
    assert_int_equal(ward_supervisor_change_group(supervisor, &bad, &diag), WARD_ERROR_STATE);
    bad.name = "h"; /* which is in g */
    assert_int_equal(ward_supervisor_change_group(supervisor, &bad, &diag), WARD_ERROR_STATE);
    bad = g;
    bad.failures_max = 1000;
    assert_int_equal(ward_supervisor_change_group(supervisor, &bad, &diag),
                     WARD_ERROR_INVALID_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_needs_it_is_not_touched),
        TEST(who_restarts_with_it_does),
        TEST(needs_turn_round),
        TEST(what_is_down_by_hand_stays_so),
        TEST(it_may_move_to_another_group),
        TEST(many_stop_at_the_same_time),
        TEST(bad_ones_change_nothing),
        TEST(stopping_ends_the_wait),
        TEST(instances_are_replaced_each_in_its_place),
        TEST(more_and_less),
        TEST(more_while_the_last_ones_go),
        TEST(instances_that_never_ran_go),
        TEST(a_group_becomes_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
