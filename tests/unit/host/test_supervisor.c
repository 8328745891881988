/* The supervisor against real guests: order, checks, restarts, giving up, readiness, stop. */
#include "host_kit.h"

static void starts_in_dependency_order_and_stops_in_reverse(void **state)
{
    (void)state;
    add((child_spec){.name = "web", .wat = healthy, .needs = {"db", "cache"}}, NULL);
    add((child_spec){.name = "cache", .wat = no_export, .needs = {"db"}}, NULL);
    add((child_spec){.name = "db", .wat = healthy}, NULL);
    start();
    long web = wait_for(0, "web", WARD_EVENT_READY, true);
    long cache_ready = find(0, "cache", WARD_EVENT_READY, true);
    long db_ready = find(0, "db", WARD_EVENT_READY, true);
    assert_true(db_ready < find(0, "cache", WARD_EVENT_STATE, WARD_STATE_STARTING));
    assert_true(cache_ready < find(0, "web", WARD_EVENT_STATE, WARD_STATE_STARTING));
    assert_true(db_ready < cache_ready && cache_ready < web);

    assert_int_equal(ward_supervisor_stop(supervisor, 0, NULL), WARD_OK);
    long web_down = find(0, "web", WARD_EVENT_STATE, WARD_STATE_TERMINATED);
    long cache_down = find(0, "cache", WARD_EVENT_STATE, WARD_STATE_TERMINATED);
    long db_down = find(0, "db", WARD_EVENT_STATE, WARD_STATE_TERMINATED);
    assert_true(web_down > 0 && web_down < cache_down && cache_down < db_down);
    assert_true(find(0, "", WARD_EVENT_STOPPED, 0) > db_down);
}

static void events_are_numbered_without_gaps(void **state)
{
    (void)state;
    add((child_spec){.name = "a", .wat = falls_ill, .options.fall = 1}, NULL);
    add((child_spec){.name = "b", .wat = falls_ill, .options.fall = 1}, NULL);
    start();
    wait_for((size_t)wait_for(0, "a", WARD_EVENT_RESTART, 0), "b", WARD_EVENT_HEALTH, 0);
    ward_supervisor_stop(supervisor, 0, NULL);
    for (size_t i = 0; i < record.count; i++)
        assert_int_equal(record.events[i].event.sequence, i + 1);
}

static void an_ill_child_is_restarted_and_well_again(void **state)
{
    (void)state;
    add((child_spec){.name = "ill", .wat = falls_ill, .options = {.fall = 2, .rise = 2}}, NULL);
    start();
    long failed = wait_for(0, "ill", WARD_EVENT_HEALTH, WARD_CHILD_FAILED);
    long restart = wait_for((size_t)failed, "ill", WARD_EVENT_RESTART, 0);
    assert_int_equal(record.events[restart].event.cause, WARD_CAUSE_HEALTH);
    assert_int_equal(record.events[restart].event.attempt, 1);
    assert_string_equal(record.events[restart].reason, "x");
    wait_for((size_t)restart, "ill", WARD_EVENT_HEALTH, WARD_CHILD_HEALTHY);
    wait_for((size_t)restart, "ill", WARD_EVENT_READY, true);
    ward_child_status status = status_of("ill");
    assert_true(status.restarts >= 1);
    assert_int_equal(status.restarts_by_cause[WARD_CAUSE_HEALTH], status.restarts);
}

/* Without a delay, the end of one start and the beginning of the next are one step. */
static void a_start_is_tried_again_at_once_and_counted(void **state)
{
    (void)state;
    add((child_spec){.name = "bad",
                     .wat = traps_in_start,
                     .options.backoff = {.restarts_max = 3, .shape = WARD_BACKOFF_OFF}},
        NULL);
    start();
    size_t given_up = (size_t)wait_for(0, "bad", WARD_EVENT_GIVEN_UP, 0), told = 0;
    for (size_t i = 0; i < given_up; i++) told += record.events[i].event.kind == WARD_EVENT_RESTART;
    assert_int_equal(told, 3);
    assert_int_equal(status_of("bad").restarts_by_cause[WARD_CAUSE_START], 3);
}

static void a_child_that_cannot_start_is_given_up_at_the_limit(void **state)
{
    (void)state;
    add((child_spec){.name = "bad",
                     .wat = traps_in_start,
                     .options.backoff = {.restarts_max = 3, .max_ns = 4 * MS}},
        NULL);
    add((child_spec){.name = "good", .wat = healthy}, NULL);
    add((child_spec){.name = "behind", .wat = healthy, .needs = {"bad"}}, NULL);
    start();
    long given_up = wait_for(0, "bad", WARD_EVENT_GIVEN_UP, 0);
    size_t restarts = 0;
    for (long i = 0; i < given_up; i++)
        restarts += record.events[i].event.kind == WARD_EVENT_RESTART;
    assert_int_equal(restarts, 3);
    assert_non_null(strstr(record.events[given_up].reason, "unreachable"));
    assert_int_equal(record.events[given_up].event.cause, WARD_CAUSE_START);
    assert_true(status_of("bad").given_up);
    wait_for(0, "good", WARD_EVENT_READY, true);
    assert_int_equal(find(0, "behind", WARD_EVENT_STATE, WARD_STATE_STARTING), -1);
    assert_int_equal(status_of("behind").state, WARD_STATE_CREATING);
}

static void a_temporary_child_is_never_restarted(void **state)
{
    (void)state;
    add((child_spec){.name = "once",
                     .wat = unhealthy,
                     .options = {.restart = WARD_RESTART_TEMPORARY}},
        NULL);
    start();
    wait_for(0, "once", WARD_EVENT_GIVEN_UP, 0);
    assert_int_equal(status_of("once").restarts, 0);
}

static void a_hanging_check_delays_no_other(void **state)
{
    (void)state;
    add((child_spec){.name = "hangs",
                     .wat = hangs,
                     .health.timeout_ns = PATIENCE_NS,
                     .options = {.fall = 1, .shutdown = WARD_SHUTDOWN_IMMEDIATE}},
        NULL);
    start();
    /* Its first check begins, and lasts for longer than anybody here is waited for. */
    wait_for(0, "hangs", WARD_EVENT_STATE, WARD_STATE_READY);
    add((child_spec){.name = "fine", .wat = healthy}, NULL);
    wait_for(0, "fine", WARD_EVENT_READY, true);
    assert_int_equal(find(0, "hangs", WARD_EVENT_RESTART, 0), -1);
}

static void a_hanging_check_ends_in_a_restart(void **state)
{
    (void)state;
    add(
        (child_spec){
            .name = "hangs", .wat = hangs, .options.fall = 2, .health.timeout_ns = 30 * MS},
        NULL);
    start();
    long restart = wait_for(0, "hangs", WARD_EVENT_RESTART, 0);
    assert_int_equal(record.events[restart].event.cause, WARD_CAUSE_HANG);
    assert_non_null(strstr(record.events[restart].reason, "Health check timeout (>30ms)"));
}

static void losing_a_dependency_makes_unready_and_restarts_nothing(void **state)
{
    (void)state;
    add((child_spec){.name = "db",
                     .wat = falls_ill,
                     .options = {.fall = 1, .interval_ns = 20 * MS}},
        NULL);
    add((child_spec){.name = "web", .wat = healthy, .needs = {"db"}}, NULL);
    start();
    long ready = wait_for(0, "web", WARD_EVENT_READY, true);
    long lost = wait_for((size_t)ready, "web", WARD_EVENT_READY, false);
    assert_non_null(strstr(record.events[lost].reason, "db"));
    wait_for((size_t)lost, "web", WARD_EVENT_READY, true);
    assert_int_equal(find(0, "web", WARD_EVENT_RESTART, 0), -1);
}

static void restarts_are_a_resource_in_a_window_of_their_own(void **state)
{
    (void)state;
    ward_health_policy health = {.resource_window_ns = 3600 * WARDI_S};
    health.resources[WARD_RESOURCE_RESTARTS].degraded_at = 2;
    /* The back-off's window is over at once, so that only the resource's can tell. */
    ward_backoff backoff = {
        .window_ns = MS, .initial_ns = 3 * MS, .factor = 1, .restarts_max = 100};
    add((child_spec){.name = "ill",
                     .wat = falls_ill,
                     .options = {.fall = 1, .backoff = backoff},
                     .health = health},
        NULL);
    start();
    long second = wait_for((size_t)wait_for(0, "ill", WARD_EVENT_RESTART, 0) + 1, "ill",
                           WARD_EVENT_RESTART, 0);
    long degraded = wait_for((size_t)second, "ill", WARD_EVENT_HEALTH, WARD_CHILD_DEGRADED);
    assert_int_equal(record.events[degraded].event.source, WARD_SOURCE_RESOURCE);
    assert_non_null(strstr(record.events[degraded].reason, "2 restarts"));
}

static void a_startup_probe_gives_time(void **state)
{
    (void)state;
    /* Unhealthy for its first 20 checks: with fall 1 it would never live, were it not for the
     * start-up probe. */
    static const char slow[] = "(module " FRAME_MEMORY(
        "\\81\\0e\\02\\01\\00\\00\\00w") "(global $n (mut i32) (i32.const 0))"
                                         "(func (export \"_health\") (result i32)"
                                         "  (global.set $n (i32.add (global.get $n) (i32.const 1)))"
                                         "  (select (i32.const 16) (i32.const 0) (i32.lt_u "
                                         "(global.get $n) (i32.const 20)))))";
    add((child_spec){.name = "slow",
                     .wat = slow,
                     .options = {.fall = 1,
                                 .startup_interval_ns = 2 * MS,
                                 .startup_fall = 1000,
                                 .interval_ns = 5 * MS}},
        NULL);
    start();
    wait_for(0, "slow", WARD_EVENT_READY, true);
    assert_int_equal(find(0, "slow", WARD_EVENT_RESTART, 0), -1);
}

static void mistakes_are_named(void **state)
{
    (void)state;
    ward_diag diag;
    assert_int_equal(add((child_spec){.name = "a", .wat = healthy, .needs = {"b"}}, &diag),
                     WARD_OK);
    assert_int_equal(add((child_spec){.name = "a", .wat = healthy}, &diag), WARD_ERROR_DUPLICATE);
    assert_non_null(strstr(diag.text, "\"a\""));
    assert_int_equal(ward_supervisor_start(supervisor, &diag), WARD_ERROR_NOT_FOUND);
    assert_non_null(strstr(diag.text, "\"b\""));
    assert_int_equal(add((child_spec){.name = "b", .wat = healthy, .needs = {"c"}}, &diag),
                     WARD_OK);
    assert_int_equal(add((child_spec){.name = "c", .wat = healthy, .needs = {"a"}}, &diag),
                     WARD_OK);
    assert_int_equal(ward_supervisor_start(supervisor, &diag), WARD_ERROR_CYCLE);
    assert_non_null(strstr(diag.text, " -> "));
    child_spec bad = {.name = "no spaces", .wat = healthy};
    assert_int_equal(add(bad, &diag), WARD_ERROR_INVALID_ARGUMENT);
    bad = (child_spec){.name = "quick", .wat = healthy, .options.interval_ns = 10};
    assert_int_equal(add(bad, &diag), WARD_ERROR_INVALID_ARGUMENT);
    assert_non_null(strstr(diag.text, "1ms"));
    ward_child_status status = WARD_INIT(ward_child_status);
    assert_int_equal(ward_supervisor_child(supervisor, "nobody", &status), WARD_ERROR_NOT_FOUND);
}

static void stop_is_idempotent_and_free_without_start_is_fine(void **state)
{
    (void)state;
    add((child_spec){.name = "a", .wat = healthy}, NULL);
    assert_int_equal(ward_supervisor_stop(supervisor, 0, NULL), WARD_OK);
    start();
    wait_for(0, "a", WARD_EVENT_READY, true);
    assert_int_equal(ward_supervisor_start(supervisor, NULL), WARD_ERROR_STATE);
    assert_int_equal(ward_supervisor_stop(supervisor, 0, NULL), WARD_OK);
    assert_int_equal(ward_supervisor_stop(supervisor, 0, NULL), WARD_OK);
    assert_int_equal(status_of("a").state, WARD_STATE_TERMINATED);
}

static void a_stop_past_its_deadline_says_so_and_leaves_nothing_behind(void **state)
{
    (void)state;
    static const char stubborn[] = "(module (func (export \"_cleanup\") (loop $l br $l)))";
    add((child_spec){.name = "stubborn", .wat = stubborn}, NULL);
    start();
    wait_for(0, "stubborn", WARD_EVENT_READY, true);
    ward_diag diag;
    assert_int_equal(ward_supervisor_stop(supervisor, 10 * MS, &diag), WARD_ERROR_DEADLINE);
    assert_non_null(strstr(diag.text, "stubborn"));
    assert_int_equal(status_of("stubborn").state, WARD_STATE_TERMINATED);
}

static void on_line(void *context, const ward_log_line *line)
{
    (void)line;
    atomic_store((atomic_bool *)context, true);
}

/* A start section runs before there is an instance to call; it can be killed all the same. */
static void a_start_that_hangs_is_killed(void **state)
{
    static const char loops[] =
        "(module (import \"ward\" \"log\" (func $log (param i32 i32 i32 i32 i32) (result i32)))"
        " (memory (export \"memory\") 1) (data (i32.const 0) \"here\")"
        " (func $s (drop (call $log (i32.const 2) (i32.const 0) (i32.const 4) (i32.const 0)"
        " (i32.const 0))) (loop $l br $l)) (start $s))";
    (void)state;
    ward_diag diag;
    atomic_bool runs = false;
    ward_supervisor_options own = usual_options();
    own.on_log = on_line;
    own.log_context = &runs;
    ward_supervisor_free(supervisor);
    assert_int_equal(ward_supervisor_new(host, &own, &supervisor, NULL), WARD_OK);
    child_spec spec = {.name = "a", .wat = loops, .start_timeout_ns = 3600 * WARDI_S};
    spec.options.shutdown_timeout_ns = MS;
    add(spec, NULL);
    start();
    while (!atomic_load(&runs)) wardi_sleep_until_ns(wardi_now_ns() + MS);
    assert_int_equal(ward_supervisor_ask(supervisor, "a", WARD_REQUEST_STOP, &diag), WARD_OK);
    long at = wait_for(0, "a", WARD_EVENT_STATE, WARD_STATE_FAILED);
    assert_non_null(strstr(record.events[at].reason, "interrupted"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(starts_in_dependency_order_and_stops_in_reverse),
        TEST(events_are_numbered_without_gaps),
        TEST(an_ill_child_is_restarted_and_well_again),
        TEST(a_start_is_tried_again_at_once_and_counted),
        TEST(a_child_that_cannot_start_is_given_up_at_the_limit),
        TEST(a_temporary_child_is_never_restarted),
        TEST(a_hanging_check_delays_no_other),
        TEST(a_hanging_check_ends_in_a_restart),
        TEST(losing_a_dependency_makes_unready_and_restarts_nothing),
        TEST(restarts_are_a_resource_in_a_window_of_their_own),
        TEST(a_startup_probe_gives_time),
        TEST(mistakes_are_named),
        TEST(a_start_that_hangs_is_killed),
        TEST(stop_is_idempotent_and_free_without_start_is_fine),
        TEST(a_stop_past_its_deadline_says_so_and_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
