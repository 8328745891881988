/* Groups, requests and children that come and go, with real guests. What the tree decides is tested
 * in supervise; here, that host carries it out and tells it. */
#include "host_kit.h"

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

static void one_for_all_restarts_its_members(void **state)
{
    (void)state;
    add_group((ward_group_options){.name = "pair", .strategy = WARD_ONE_FOR_ALL});
    add((child_spec){.name = "bad", .wat = traps_on_third, .options = {.group = "pair", .fall = 1}},
        NULL);
    add((child_spec){.name = "mate", .wat = healthy, .options.group = "pair"}, NULL);
    add((child_spec){.name = "other", .wat = healthy}, NULL);
    start();
    long restart = wait_for(0, "bad", WARD_EVENT_RESTART, 0);
    assert_int_equal(record.events[restart].event.cause, WARD_CAUSE_CRASH);
    long mate = wait_for(0, "mate", WARD_EVENT_RESTART, 0);
    assert_int_equal(record.events[mate].event.cause, WARD_CAUSE_SIBLING);
    wait_for((size_t)mate, "mate", WARD_EVENT_READY, true);
    assert_int_equal(find(0, "other", WARD_EVENT_RESTART, 0), -1);
    assert_int_equal(status_of("mate").restarts_by_cause[WARD_CAUSE_SIBLING],
                     status_of("mate").restarts);
}

static void rest_for_one_spares_those_before(void **state)
{
    (void)state;
    add_group((ward_group_options){.name = "line", .strategy = WARD_REST_FOR_ONE});
    add((child_spec){.name = "first", .wat = healthy, .options.group = "line"}, NULL);
    add((child_spec){.name = "bad", .wat = traps_on_third, .options = {.group = "line", .fall = 1}},
        NULL);
    add((child_spec){.name = "last", .wat = healthy, .options.group = "line"}, NULL);
    start();
    wait_for(0, "last", WARD_EVENT_RESTART, 0);
    assert_int_equal(find(0, "first", WARD_EVENT_RESTART, 0), -1);
}

static void what_fails_too_often_is_given_up_and_the_rest_serves(void **state)
{
    (void)state;
    ward_backoff quick = {.initial_ns = MS, .max_ns = MS, .restarts_max = 1};
    add_group((ward_group_options){.name = "outer", .failures_max = -1, .backoff = quick});
    add((child_spec){.name = "bad",
                     .wat = traps_in_start,
                     .options = {.group = "outer", .backoff = quick}},
        NULL);
    add((child_spec){.name = "good", .wat = healthy}, NULL);
    start();
    wait_for(0, "bad", WARD_EVENT_GIVEN_UP, 0);
    wait_for_group(0, "outer", "restarting");
    wait_for_group(0, "outer", "given up");
    wait_for(0, "good", WARD_EVENT_READY, true);
    assert_true(status_of("bad").given_up);
    assert_true(status_of("good").ready);
}

static void the_root_is_exhausted_and_serves_on(void **state)
{
    (void)state;
    ward_supervisor_free(supervisor);
    ward_supervisor_options own = usual_options();
    own.failures_max = -1;
    assert_int_equal(ward_supervisor_new(host, &own, &supervisor, NULL), WARD_OK);
    add((child_spec){.name = "once",
                     .wat = traps_in_start,
                     .options.backoff = {.restarts_max = 1, .max_ns = MS, .initial_ns = MS}},
        NULL);
    add((child_spec){.name = "good", .wat = healthy}, NULL);
    start();
    wait_for_group(0, "", "exhausted");
    wait_for(0, "good", WARD_EVENT_READY, true);
    assert_true(status_of("once").given_up);
}

/* ---- requests ---- */

static void ask(const char *name, ward_request request)
{
    ward_diag diag;
    if (ward_supervisor_ask(supervisor, name, request, &diag) != WARD_OK) fail_msg("%s", diag.text);
}

static void stopped_and_started_by_request(void **state)
{
    (void)state;
    add((child_spec){.name = "a", .wat = healthy}, NULL);
    start();
    long ready = wait_for(0, "a", WARD_EVENT_READY, true);
    ask("a", WARD_REQUEST_STOP);
    long down = wait_for((size_t)ready, "a", WARD_EVENT_STATE, WARD_STATE_TERMINATED);
    ask("a", WARD_REQUEST_STOP); /* again is fine */
    ask("a", WARD_REQUEST_START);
    long again = wait_for((size_t)down, "a", WARD_EVENT_READY, true);
    assert_int_equal(find(0, "a", WARD_EVENT_RESTART, 0), -1);
    ask("a", WARD_REQUEST_RESTART);
    long restart = wait_for((size_t)again, "a", WARD_EVENT_RESTART, 0);
    assert_int_equal(record.events[restart].event.cause, WARD_CAUSE_OPERATOR);
    wait_for((size_t)restart, "a", WARD_EVENT_READY, true);
}

static void quarantine_holds_until_release(void **state)
{
    (void)state;
    ward_diag diag;
    add((child_spec){.name = "a", .wat = healthy}, NULL);
    start();
    wait_for(0, "a", WARD_EVENT_READY, true);
    ask("a", WARD_REQUEST_QUARANTINE);
    long out = wait_for(0, "a", WARD_EVENT_GIVEN_UP, 0);
    assert_int_equal(record.events[out].event.cause, WARD_CAUSE_OPERATOR);
    assert_int_equal(ward_supervisor_ask(supervisor, "a", WARD_REQUEST_START, &diag),
                     WARD_ERROR_STATE);
    ask("a", WARD_REQUEST_RELEASE);
    wait_for((size_t)out, "a", WARD_EVENT_READY, true);
    assert_int_equal(ward_supervisor_ask(supervisor, "a", WARD_REQUEST_RELEASE, &diag),
                     WARD_ERROR_STATE);
    assert_int_equal(ward_supervisor_ask(supervisor, "nobody", WARD_REQUEST_STOP, &diag),
                     WARD_ERROR_NOT_FOUND);
    assert_non_null(strstr(diag.text, "nobody"));
}

/* A message that would go on for an hour, and a stop that does not wait for it. */
static void a_kill_ends_what_runs(void **state)
{
    (void)state;
    static const char busy[] =
        "(module (memory (export \"memory\") 1)"
        " (func (export \"ward_alloc\") (param i32) (result i32) i32.const 1024)"
        " (func (export \"handle-message\") (param i32 i32) (result i64)"
        "   (loop $l br $l) i64.const 0))";
    ward_child_id id;
    add((child_spec){.name = "busy",
                     .wat = busy,
                     .options = {.shutdown = WARD_SHUTDOWN_IMMEDIATE,
                                 .message_timeout_ns = 3600 * WARDI_S}},
        NULL);
    start();
    wait_for(0, "busy", WARD_EVENT_READY, true);
    assert_int_equal(ward_supervisor_find(supervisor, "busy", &id), WARD_OK);
    for (int i = 0; i < 3; i++) {
        size_t from = record.count;
        assert_int_equal(ward_supervisor_send(supervisor, id, (const uint8_t *)"x", 1), WARD_OK);
        wardi_sleep_until_ns(wardi_now_ns() + 20 * MS);
        ask("busy", WARD_REQUEST_RESTART);
        wait_for(from, "busy", WARD_EVENT_RESTART, 0);
        wait_for(from, "busy", WARD_EVENT_READY, true);
    }
}

/* ---- children that come and go ---- */

static void added_while_it_runs_and_removed(void **state)
{
    (void)state;
    ward_diag diag;
    add((child_spec){.name = "db", .wat = healthy}, NULL);
    start();
    wait_for(0, "db", WARD_EVENT_READY, true);
    child_spec late = {.name = "late", .wat = healthy, .needs = {"db"}};
    assert_int_equal(add(late, &diag), WARD_OK);
    wait_for(0, "late", WARD_EVENT_READY, true);
    assert_int_equal(add(late, &diag), WARD_ERROR_DUPLICATE);
    child_spec lost = {.name = "lost", .wat = healthy, .needs = {"nobody"}};
    assert_int_equal(add(lost, &diag), WARD_ERROR_NOT_FOUND);
    child_spec nowhere = {.name = "nowhere", .wat = healthy, .options.group = "none"};
    assert_int_equal(add(nowhere, &diag), WARD_ERROR_NOT_FOUND);
    assert_int_equal(ward_supervisor_ask(supervisor, "db", WARD_REQUEST_REMOVE, &diag),
                     WARD_ERROR_STATE); /* it is needed */
    for (int i = 0; i < 20; i++) {
        ward_child_status status = WARD_INIT(ward_child_status);
        ask("late", WARD_REQUEST_REMOVE);
        uint64_t patience = wardi_now_ns() + PATIENCE_NS;
        while (ward_supervisor_child(supervisor, "late", &status) != WARD_ERROR_NOT_FOUND)
            assert_true(wardi_now_ns() < patience);
        size_t from = record.count;
        assert_int_equal(add(late, &diag), WARD_OK);
        wait_for(from, "late", WARD_EVENT_READY, true);
    }
    ask("late", WARD_REQUEST_REMOVE);
}

static void a_child_may_ask_to_go_with_what_it_needs(void **state)
{
    (void)state;
    add((child_spec){.name = "db", .wat = healthy}, NULL);
    add(
        (child_spec){
            .name = "with", .wat = healthy, .needs = {"db"}, .options.restart_with_needs = true},
        NULL);
    add((child_spec){.name = "without", .wat = healthy, .needs = {"db"}}, NULL);
    start();
    wait_for(0, "with", WARD_EVENT_READY, true);
    wait_for(0, "without", WARD_EVENT_READY, true);
    ask("db", WARD_REQUEST_RESTART);
    long restart = wait_for(0, "with", WARD_EVENT_RESTART, 0);
    assert_int_equal(record.events[restart].event.cause, WARD_CAUSE_NEED);
    wait_for((size_t)restart, "with", WARD_EVENT_READY, true);
    assert_int_equal(find(0, "without", WARD_EVENT_RESTART, 0), -1);
}

/* ---- without delay, and many ---- */

static void no_backoff_is_no_delay(void **state)
{
    (void)state;
    add((child_spec){.name = "bad",
                     .wat = traps_on_third,
                     .options = {.fall = 1,
                                 .backoff = {.shape = WARD_BACKOFF_OFF, .restarts_max = 255}}},
        NULL);
    start();
    long restart = wait_for(0, "bad", WARD_EVENT_RESTART, 0);
    assert_int_equal(record.events[restart].event.delay_ns, 0);
    wait_for((size_t)restart, "bad", WARD_EVENT_READY, true);
}

static int thread_count(void)
{
    int count = -2; /* . and .. */
    DIR *tasks = opendir("/proc/self/task");
    while (readdir(tasks) != NULL) count++;
    closedir(tasks);
    return count;
}

/* More starts that wait than there are workers: spares stand in, and the rest goes on. */
static void starts_that_hang_hold_up_nobody(void **state)
{
    (void)state;
    static const char hangs_in_start[] = "(module (func $s (loop $l br $l)) (start $s))";
    char names[6][16];
    for (int i = 0; i < 6; i++) {
        snprintf(names[i], sizeof names[i], "hang%d", i);
        add((child_spec){.name = names[i], .wat = hangs_in_start, .start_timeout_ns = 6 * WARDI_S},
            NULL);
    }
    add((child_spec){.name = "fine", .wat = healthy}, NULL);
    uint64_t began = wardi_now_ns();
    start();
    wait_for(0, "fine", WARD_EVENT_READY, true);
    assert_true(wardi_now_ns() - began < 6 * WARDI_S);
    assert_true(thread_count() < 40);
    long late = wait_for(0, "hang0", WARD_EVENT_RESTART, 0);
    assert_int_equal(record.events[late].event.cause, WARD_CAUSE_START_TIMEOUT);
}

/* ---- idle ---- */

/* How often all threads but this one have gone to sleep, from the kernel's own count. */
static unsigned long long sleeps_of_all(void)
{
    char path[300], line[200];
    unsigned long long sum = 0, one;
    DIR *tasks = opendir("/proc/self/task");
    assert_non_null(tasks);
    for (const struct dirent *entry; (entry = readdir(tasks)) != NULL;) {
        if (strtol(entry->d_name, NULL, 10) == getpid()) continue;
        snprintf(path, sizeof path, "/proc/self/task/%s/status", entry->d_name);
        FILE *status = fopen(path, "re");
        while (status != NULL && fgets(line, sizeof line, status) != NULL)
            if (sscanf(line, "voluntary_ctxt_switches: %llu", &one) == 1) sum += one;
        if (status != NULL) fclose(status);
    }
    closedir(tasks);
    return sum;
}

static void expect_rest(void)
{
    wardi_sleep_until_ns(wardi_now_ns() + 200 * MS);
    unsigned long long before = sleeps_of_all();
    wardi_sleep_until_ns(wardi_now_ns() + 500 * MS);
    assert_true(sleeps_of_all() - before < 20); /* one thread that ticks has 500 */
}

static void idle_costs_nothing(void **state)
{
    (void)state;
    add((child_spec){.name = "a", .wat = healthy, .options.interval_ns = 3600 * WARDI_S}, NULL);
    start();
    wait_for(0, "a", WARD_EVENT_READY, true);
    expect_rest();
    ward_supervisor_free(supervisor);
    supervisor = NULL;
    expect_rest(); /* whoever held the clock has let it go */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_for_all_restarts_its_members),
        TEST(rest_for_one_spares_those_before),
        TEST(what_fails_too_often_is_given_up_and_the_rest_serves),
        TEST(the_root_is_exhausted_and_serves_on),
        TEST(stopped_and_started_by_request),
        TEST(quarantine_holds_until_release),
        TEST(a_kill_ends_what_runs),
        TEST(added_while_it_runs_and_removed),
        TEST(a_child_may_ask_to_go_with_what_it_needs),
        TEST(no_backoff_is_no_delay),
        TEST(starts_that_hang_hold_up_nobody),
        TEST(idle_costs_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
