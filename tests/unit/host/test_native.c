/* Native children beside components: their lives, health, messages and deaths, and what can't be
 * done to them. */
#include <semaphore.h>

#include "host_kit.h"

/* A part of the application that does as it is told. */
typedef struct part {
    atomic_int starts, stops, checks, inside, overlaps, failing_starts;
    atomic_int sick_run; /* of this run every check is Unhealthy */
    sem_t gate;          /* "~" waits here */
} part;

static void part_init(part *p)
{
    memset(p, 0, sizeof *p);
    sem_init(&p->gate, 0, 0);
}

static void step_in(part *p)
{
    if (atomic_fetch_add(&p->inside, 1) != 0) atomic_fetch_add(&p->overlaps, 1);
}

static void step_out(part *p)
{
    atomic_fetch_sub(&p->inside, 1);
}

static ward_error part_start(void *context, ward_diag *ret_diag)
{
    part *p = context;
    step_in(p);
    bool fails = atomic_load(&p->failing_starts) > 0;
    if (fails && atomic_fetch_sub(&p->failing_starts, 1) == 2)
        snprintf(ret_diag->text, sizeof ret_diag->text, "the port is taken");
    if (!fails) atomic_fetch_add(&p->starts, 1);
    step_out(p);
    return fails ? WARD_ERROR_IO : WARD_OK;
}

static void part_stop(void *context)
{
    part *p = context;
    step_in(p);
    atomic_fetch_add(&p->stops, 1);
    step_out(p);
}

static void part_health(void *context, ward_report *ret_report)
{
    part *p = context;
    step_in(p);
    atomic_fetch_add(&p->checks, 1);
    if (atomic_load(&p->sick_run) == atomic_load(&p->starts)) {
        ret_report->status = WARD_HEALTH_UNHEALTHY;
        strcpy(ret_report->reason.text, "disk full");
    }
    step_out(p);
}

/* Answers with the bytes it got; "!" crashes, "." ends, "?" fails, "-" says nothing, "2" answers
 * twice, "l" at length, "~" waits. */
static ward_error part_handle(void *context, const ward_message *message, ward_diag *ret_diag)
{
    part *p = context;
    ward_error error = WARD_OK;
    step_in(p);
    switch (message->length != 0 ? message->bytes[0] : '-') {
    case '!':
        snprintf(ret_diag->text, sizeof ret_diag->text, "its invariant is broken");
        error = WARD_ERROR_TRAP;
        ward_message_reply(message, message->bytes, message->length); /* goes nowhere */
        break;
    case '.': error = WARD_ERROR_EXIT; break;
    case '?': error = WARD_ERROR_NOT_FOUND; break;
    case '-': break;
    case '2':
        error = ward_message_reply(message, (const uint8_t *)"one", 3);
        if (error == WARD_OK &&
            ward_message_reply(message, (const uint8_t *)"two", 3) != WARD_ERROR_STATE)
            error = WARD_ERROR_INTERNAL;
        break;
    case 'l': {
        uint8_t bytes[1000];
        memset(bytes, 'L', sizeof bytes);
        error = ward_message_reply(message, bytes, sizeof bytes);
        break;
    }
    case '~': sem_wait(&p->gate); /* fallthrough */
    default: error = ward_message_reply(message, message->bytes, message->length);
    }
    step_out(p);
    return error;
}

static ward_error add_part(const char *name, part *p, ward_child_options options,
                           ward_native_options native, ward_diag *diag)
{
    native.size = sizeof native;
    native.name = name;
    native.version = "7";
    native.context = p;
    if (p != NULL) {
        native.start = part_start;
        native.stop = part_stop;
        native.health = part_health;
        native.handle = part_handle;
    }
    options.size = sizeof options;
    options.native = &native;
    if (options.interval_ns == 0) options.interval_ns = 5 * MS;
    if (options.backoff.initial_ns == 0) options.backoff.initial_ns = 2 * MS;
    return ward_supervisor_add(supervisor, &options, diag);
}

static void added(const char *name, part *p, ward_child_options options)
{
    ward_diag diag;
    if (add_part(name, p, options, (ward_native_options){0}, &diag) != WARD_OK)
        fail_msg("%s", diag.text);
}

static ward_error request(const char *name, const char *text, char *answer, size_t capacity)
{
    size_t length = 0;
    memset(answer, 0, capacity);
    return ward_supervisor_request(supervisor, id_of(name), (const uint8_t *)text, strlen(text),
                                   (uint8_t *)answer, capacity - 1, &length, PATIENCE_NS);
}

/* Each start that succeeded was followed by one stop, and nothing ran beside anything. */
static void expect_over(const part *p)
{
    assert_int_equal(atomic_load(&p->stops), atomic_load(&p->starts));
    assert_int_equal(atomic_load(&p->overlaps), 0);
}

/* ---- tests ---- */

static void lives_as_a_component_does(void **state)
{
    (void)state;
    part p;
    ward_report report;
    part_init(&p);
    added("cache", &p, (ward_child_options){0});
    add_part("plain", NULL, (ward_child_options){0}, (ward_native_options){0}, NULL);
    start();
    long at = wait_for(0, "cache", WARD_EVENT_STATE, WARD_STATE_STARTING);
    assert_int_equal(record.events[at].event.from_state, WARD_STATE_CREATING);
    assert_string_equal(record.events[at].version, "7");
    wait_for((size_t)at, "cache", WARD_EVENT_STATE, WARD_STATE_READY);
    wait_for(0, "cache", WARD_EVENT_READY, true);
    wait_for(0, "plain", WARD_EVENT_READY, true);
    assert_int_equal(status_of("cache").state, WARD_STATE_READY);
    assert_int_equal(status_of("cache").health, WARD_CHILD_HEALTHY);
    assert_int_equal(ward_supervisor_health(supervisor, id_of("cache"), 0, &report), WARD_OK);
    assert_int_equal(report.status, WARD_HEALTH_HEALTHY);
    assert_int_equal(ward_supervisor_stop(supervisor, 0, NULL), WARD_OK);
    wait_for(0, "cache", WARD_EVENT_STATE, WARD_STATE_STOPPING);
    wait_for(0, "cache", WARD_EVENT_STATE, WARD_STATE_TERMINATED);
    assert_int_equal(atomic_load(&p.starts), 1);
    assert_true(atomic_load(&p.checks) >= 2);
    expect_over(&p);
}

static void falls_ill_and_is_restarted(void **state)
{
    (void)state;
    part p;
    part_init(&p);
    atomic_store(&p.sick_run, 1);
    added("cache", &p, (ward_child_options){.fall = 3});
    start();
    long at = wait_for(0, "cache", WARD_EVENT_HEALTH, WARD_CHILD_FAILED);
    assert_string_equal(record.events[at].reason, "disk full");
    assert_int_equal(record.events[at].event.source, WARD_SOURCE_PROBE);
    at = wait_for((size_t)at, "cache", WARD_EVENT_STATE, WARD_STATE_FAILED);
    at = wait_for((size_t)at, "cache", WARD_EVENT_RESTART, 0);
    assert_int_equal(record.events[at].event.cause, WARD_CAUSE_HEALTH);
    wait_for((size_t)at, "cache", WARD_EVENT_READY, true);
    assert_int_equal(status_of("cache").restarts_by_cause[WARD_CAUSE_HEALTH], 1);
    ward_supervisor_stop(supervisor, 0, NULL);
    assert_int_equal(atomic_load(&p.starts), 2);
    expect_over(&p);
}

static void a_start_that_fails_is_tried_again(void **state)
{
    (void)state;
    part p;
    part_init(&p);
    atomic_store(&p.failing_starts, 2);
    added("cache", &p, (ward_child_options){0});
    start();
    long at = wait_for(0, "cache", WARD_EVENT_STATE, WARD_STATE_FAILED);
    assert_string_equal(record.events[at].reason, "the port is taken");
    at = wait_for((size_t)at + 1, "cache", WARD_EVENT_STATE, WARD_STATE_FAILED);
    assert_string_equal(record.events[at].reason, ward_error_text(WARD_ERROR_IO));
    at = wait_for((size_t)at, "cache", WARD_EVENT_RESTART, 0);
    assert_int_equal(record.events[at].event.cause, WARD_CAUSE_START);
    wait_for((size_t)at, "cache", WARD_EVENT_READY, true);
    ward_supervisor_stop(supervisor, 0, NULL);
    assert_int_equal(atomic_load(&p.starts), 1);
    expect_over(&p);
}

static void messages_are_answered(void **state)
{
    (void)state;
    part p;
    char answer[2000];
    part_init(&p);
    added("cache", &p, (ward_child_options){.interval_ns = 3600 * WARDI_S});
    add_part("deaf", NULL, (ward_child_options){0}, (ward_native_options){0}, NULL);
    start();
    wait_for(0, "cache", WARD_EVENT_READY, true);
    assert_int_equal(request("cache", "abc", answer, sizeof answer), WARD_OK);
    assert_string_equal(answer, "abc");
    assert_int_equal(request("cache", "l", answer, sizeof answer), WARD_OK);
    assert_int_equal(strlen(answer), 1000);
    assert_int_equal(request("cache", "2", answer, sizeof answer), WARD_OK);
    assert_string_equal(answer, "one");
    assert_int_equal(request("cache", "-", answer, sizeof answer), WARD_ERROR_UNANSWERED);
    assert_int_equal(request("cache", "?", answer, sizeof answer), WARD_ERROR_NOT_FOUND);
    assert_int_equal(request("deaf", "abc", answer, sizeof answer), WARD_ERROR_EXPORT_MISSING);
    assert_int_equal(
        ward_supervisor_invoke(supervisor, id_of("cache"), "add", NULL, 0, NULL, NULL, PATIENCE_NS),
        WARD_ERROR_EXPORT_MISSING);
    assert_int_equal(ward_supervisor_send(supervisor, id_of("cache"), (const uint8_t *)"l", 1),
                     WARD_OK);
    assert_int_equal(request("cache", "behind it", answer, sizeof answer), WARD_OK);
    assert_int_equal(ward_message_reply(NULL, NULL, 0), WARD_ERROR_INVALID_ARGUMENT);
    assert_int_equal(status_of("cache").restarts, 0); /* an error is no crash */
    ward_supervisor_stop(supervisor, 0, NULL);
    expect_over(&p);
}

/* As a guest's trap: the sender is told, the child restarts, and what waits is kept for it. */
static void a_crash_is_told_and_restarted(void **state)
{
    (void)state;
    part p;
    char answer[64];
    part_init(&p);
    added("cache", &p, (ward_child_options){.restart = WARD_RESTART_PERMANENT});
    start();
    wait_for(0, "cache", WARD_EVENT_READY, true);
    assert_int_equal(ward_supervisor_send(supervisor, id_of("cache"), (const uint8_t *)"!", 1),
                     WARD_OK);
    assert_int_equal(request("cache", "abc", answer, sizeof answer), WARD_OK);
    assert_string_equal(answer, "abc");
    long at = wait_for(0, "cache", WARD_EVENT_RESTART, 0);
    assert_int_equal(record.events[at].event.cause, WARD_CAUSE_CRASH);
    assert_string_equal(record.events[at].reason, "its invariant is broken");
    assert_int_equal(request("cache", "!", answer, sizeof answer), WARD_ERROR_TRAP);
    assert_int_equal(request("cache", ".", answer, sizeof answer), WARD_ERROR_EXIT);
    assert_int_equal(request("cache", "abc", answer, sizeof answer), WARD_OK);
    assert_int_equal(status_of("cache").restarts_by_cause[WARD_CAUSE_CRASH], 2);
    assert_int_equal(status_of("cache").restarts_by_cause[WARD_CAUSE_EXIT], 1);
    ward_supervisor_stop(supervisor, 0, NULL);
    assert_int_equal(atomic_load(&p.starts), 4);
    expect_over(&p);
}

static void needs_go_both_ways(void **state)
{
    (void)state;
    part p, q;
    ward_diag diag;
    const char *guest[] = {"guest"};
    part_init(&p);
    part_init(&q);
    added("last", &q, (ward_child_options){.needs = guest, .need_count = 1});
    add((child_spec){.name = "guest", .wat = healthy, .needs = {"first"}}, NULL);
    added("first", &p, (ward_child_options){0});
    start();
    long first = wait_for(0, "first", WARD_EVENT_READY, true);
    long middle = wait_for((size_t)first, "guest", WARD_EVENT_STATE, WARD_STATE_STARTING);
    wait_for((size_t)middle, "last", WARD_EVENT_STATE, WARD_STATE_STARTING);
    wait_for(0, "last", WARD_EVENT_READY, true);
    assert_int_equal(ward_supervisor_ask(supervisor, "first", WARD_REQUEST_STOP, &diag), WARD_OK);
    wait_for(0, "last", WARD_EVENT_READY, false);
    assert_non_null(strstr(status_of("last").reason.text, "needs guest: needs first"));
    assert_int_equal(ward_supervisor_ask(supervisor, "first", WARD_REQUEST_REMOVE, &diag),
                     WARD_ERROR_STATE);
    ward_supervisor_stop(supervisor, 0, NULL);
    expect_over(&p);
    expect_over(&q);
}

static void comes_and_goes_while_all_runs(void **state)
{
    (void)state;
    part p;
    ward_diag diag;
    ward_child_status status = WARD_INIT(ward_child_status);
    part_init(&p);
    start();
    added("cache", &p, (ward_child_options){0});
    wait_for(0, "cache", WARD_EVENT_READY, true);
    assert_int_equal(add_part("cache", &p, (ward_child_options){0}, (ward_native_options){0}, NULL),
                     WARD_ERROR_DUPLICATE);
    assert_int_equal(ward_supervisor_ask(supervisor, "cache", WARD_REQUEST_REMOVE, &diag), WARD_OK);
    uint64_t patience = wardi_now_ns() + PATIENCE_NS;
    while (ward_supervisor_child(supervisor, "cache", &status) == WARD_OK)
        assert_true(wardi_now_ns() < patience);
    expect_over(&p);
    added("cache", &p, (ward_child_options){.shutdown = WARD_SHUTDOWN_IMMEDIATE});
    wait_for((size_t)wait_for(0, "cache", WARD_EVENT_STATE, WARD_STATE_TERMINATED), "cache",
             WARD_EVENT_READY, true);
    ward_supervisor_stop(supervisor, 0, NULL);
    assert_int_equal(atomic_load(&p.starts), 2);
    expect_over(&p);
}

/* ---- what can't be ended ---- */

static void wait_until_busy(const char *name)
{
    uint64_t patience = wardi_now_ns() + PATIENCE_NS;
    while (strstr(status_of(name).reason.text, "Busy in handle for ") == NULL)
        assert_true(wardi_now_ns() < patience);
}

static void busy_shows_and_holds_nobody_up(void **state)
{
    (void)state;
    part p[3];
    char answer[64];
    const char *names[] = {"a", "b", "c"};
    for (int i = 0; i < 3; i++) {
        part_init(&p[i]);
        add_part(names[i], &p[i], (ward_child_options){0},
                 (ward_native_options){.busy_after_ns = MS}, NULL);
    }
    start();
    for (int i = 0; i < 3; i++) wait_for(0, names[i], WARD_EVENT_READY, true);
    for (int i = 0; i < 2; i++) /* as many as there are workers */
        assert_int_equal(ward_supervisor_send(supervisor, id_of(names[i]), (const uint8_t *)"~", 1),
                         WARD_OK);
    wait_until_busy("a");
    wait_until_busy("b");
    assert_int_equal(status_of("a").health, WARD_CHILD_DEGRADED);
    assert_true(status_of("a").live);
    ward_report report;
    assert_int_equal(ward_supervisor_health(supervisor, id_of("a"), 20 * MS, &report),
                     WARD_ERROR_REPLY_TIMEOUT);
    assert_int_equal(request("c", "abc", answer, sizeof answer), WARD_OK);
    for (int i = 0; i < 2; i++) sem_post(&p[i].gate);
    assert_int_equal(request("a", "abc", answer, sizeof answer), WARD_OK);
    uint64_t patience = wardi_now_ns() + PATIENCE_NS;
    while (status_of("a").health != WARD_CHILD_HEALTHY) assert_true(wardi_now_ns() < patience);
    ward_supervisor_stop(supervisor, 0, NULL);
    for (int i = 0; i < 3; i++) expect_over(&p[i]);
}

/* Its run is abandoned, a new one waits until the callback has come back. */
static void a_stuck_one_is_let_go_of(void **state)
{
    (void)state;
    part p;
    char answer[64];
    ward_diag diag;
    part_init(&p);
    add_part("cache", &p, (ward_child_options){.shutdown_timeout_ns = MS},
             (ward_native_options){.busy_after_ns = MS}, NULL);
    start();
    wait_for(0, "cache", WARD_EVENT_READY, true);
    assert_int_equal(ward_supervisor_send(supervisor, id_of("cache"), (const uint8_t *)"~", 1),
                     WARD_OK);
    wait_until_busy("cache");
    assert_int_equal(ward_supervisor_ask(supervisor, "cache", WARD_REQUEST_RESTART, &diag),
                     WARD_OK);
    long at = wait_for(0, "cache", WARD_EVENT_RESTART, 0);
    assert_int_equal(atomic_load(&p.stops), 0);
    sem_post(&p.gate);
    assert_int_equal(request("cache", "abc", answer, sizeof answer), WARD_OK);
    wait_for((size_t)at, "cache", WARD_EVENT_STATE, WARD_STATE_READY);
    ward_supervisor_stop(supervisor, 0, NULL);
    assert_int_equal(atomic_load(&p.starts), 2);
    expect_over(&p);
}

/* A stop of all goes on without it; only the end of the supervisor waits. */
static void a_stop_of_all_lets_it_go(void **state)
{
    (void)state;
    static part p;
    part_init(&p);
    add_part("cache", &p, (ward_child_options){.shutdown_timeout_ns = MS},
             (ward_native_options){.busy_after_ns = MS}, NULL);
    start();
    wait_for(0, "cache", WARD_EVENT_READY, true);
    ward_supervisor_send(supervisor, id_of("cache"), (const uint8_t *)"~", 1);
    wait_until_busy("cache");
    assert_int_equal(ward_supervisor_stop(supervisor, 0, NULL), WARD_OK);
    assert_int_equal(atomic_load(&p.stops), 0);
    assert_int_equal(status_of("cache").state, WARD_STATE_READY);
    sem_post(&p.gate);
    ward_supervisor_free(supervisor);
    supervisor = NULL;
    expect_over(&p);
}

/* ---- what is refused ---- */

static void expect_refused(const ward_child_options *options, const char *words)
{
    ward_diag diag = {0};
    assert_int_equal(ward_supervisor_add(supervisor, options, &diag), WARD_ERROR_INVALID_ARGUMENT);
    if (strstr(diag.text, words) == NULL) fail_msg("\"%s\" is not in \"%s\"", words, diag.text);
}

static void bad_options_are_refused(void **state)
{
    (void)state;
    ward_native_options native = WARD_INIT(ward_native_options);
    ward_component_options component = WARD_INIT(ward_component_options);
    ward_child_options options = WARD_INIT(ward_child_options);
    expect_refused(&options, "either component or native");
    options.native = &native;
    expect_refused(&options, "a name is required");
    native.name = "-x";
    expect_refused(&options, "a name is required");
    native.name = "x";
    options.component = &component;
    expect_refused(&options, "either component or native");
    options.component = NULL;
    options.message_timeout_ns = WARDI_S;
    expect_refused(&options, "busy_after_ns");
    options.message_timeout_ns = 0;
    native.busy_after_ns = 25 * 3600 * WARDI_S;
    expect_refused(&options, "busy_after");
    native.busy_after_ns = 0;
    native.size = 0;
    expect_refused(&options, "WARD_INIT(ward_native_options)");
    native.size = sizeof native;
    assert_int_equal(ward_supervisor_add(supervisor, &options, NULL), WARD_OK);
    options.size = offsetof(ward_child_options, native); /* an older caller's */
    expect_refused(&options, "either component or native");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(lives_as_a_component_does),         TEST(falls_ill_and_is_restarted),
        TEST(a_start_that_fails_is_tried_again), TEST(messages_are_answered),
        TEST(a_crash_is_told_and_restarted),     TEST(needs_go_both_ways),
        TEST(comes_and_goes_while_all_runs),     TEST(busy_shows_and_holds_nobody_up),
        TEST(a_stuck_one_is_let_go_of),          TEST(a_stop_of_all_lets_it_go),
        TEST(bad_options_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
