/* Messages to supervised guests: answers, order, what a guest's end does to them, and that nothing
 * is lost without a word. */
#include "host_kit.h"

/* handle-message answers with the bytes it got, the first one counted up; "!" traps, "~" never
 * comes back. Its inbox is at 1024. */
static const char echo[] =
    "(module (memory (export \"memory\") 2)"
    " (func (export \"ward_alloc\") (param i32) (result i32) i32.const 1024)"
    " (func (export \"handle-message\") (param $at i32) (param $length i32) (result i64)"
    "   (if (i32.eq (i32.load8_u (local.get $at)) (i32.const 33)) (then unreachable))"
    "   (if (i32.eq (i32.load8_u (local.get $at)) (i32.const 126)) (then (loop $l br $l)))"
    "   (i32.store8 (local.get $at)"
    "     (i32.add (i32.load8_u (local.get $at)) (i32.const 1)))"
    "   (i64.or (i64.shl (i64.extend_i32_u (local.get $length)) (i64.const 32))"
    "     (i64.extend_i32_u (local.get $at))))"
    " (func (export \"add\") (param i32 i32) (result i32)"
    "   (i32.add (local.get 0) (local.get 1))))";

static ward_message_counts counts_of(const char *name)
{
    ward_message_counts counts = WARD_INIT(ward_message_counts);
    assert_int_equal(ward_supervisor_message_counts(supervisor, name, &counts), WARD_OK);
    return counts;
}

static void expect_balance(const char *name)
{
    uint64_t patience = wardi_now_ns() + PATIENCE_NS;
    ward_message_counts c;
    do {
        c = counts_of(name);
        assert_true(wardi_now_ns() < patience);
    } while (c.pending != 0 || c.sent != c.handled + c.refused + c.dropped + c.expired +
                                             c.undelivered + c.set_aside + c.pending);
}

static ward_error request(ward_child_id id, const char *text, char *answer, size_t capacity)
{
    size_t length = 0;
    ward_error error =
        ward_supervisor_request(supervisor, id, (const uint8_t *)text, strlen(text),
                                (uint8_t *)answer, capacity - 1, &length, PATIENCE_NS);
    answer[length < capacity ? length : capacity - 1] = '\0';
    return error;
}

static void started(const char *name, const char *wat, ward_child_options options)
{
    options.interval_ns = 3600 * WARDI_S;
    add((child_spec){.name = name, .wat = wat, .options = options}, NULL);
    start();
    wait_for(0, name, WARD_EVENT_READY, true);
}

/* ---- tests ---- */

static void answers_come_back(void **state)
{
    (void)state;
    char answer[64], text[5000], long_answer[5001];
    started("echo", echo, (ward_child_options){0});
    ward_child_id id = id_of("echo");
    for (int i = 0; i < 100; i++) {
        assert_int_equal(request(id, "abc", answer, sizeof answer), WARD_OK);
        assert_string_equal(answer, "bbc");
    }
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    assert_int_equal(request(id, text, long_answer, sizeof long_answer), WARD_OK);
    assert_int_equal(strlen(long_answer), sizeof text - 1);
    assert_int_equal(long_answer[0], 'y');
    assert_int_equal(request(id, "abcdef", answer, 4), WARD_ERROR_BUFFER_TOO_SMALL);
    assert_string_equal(answer, "bbc");
    expect_balance("echo");
}

static void health_is_asked_and_answered(void **state)
{
    (void)state;
    ward_report report;
    add((child_spec){.name = "ill", .wat = unhealthy, .options.fall = 1000000}, NULL);
    add((child_spec){.name = "well", .wat = healthy}, NULL);
    add((child_spec){.name = "waits", .wat = healthy, .needs = {"never"}}, NULL);
    add((child_spec){.name = "never",
                     .wat = traps_in_start,
                     .options.restart = WARD_RESTART_TEMPORARY},
        NULL);
    start();
    wait_for(0, "well", WARD_EVENT_READY, true);
    wait_for(0, "ill", WARD_EVENT_HEALTH, WARD_CHILD_FAILED); /* else it may be starting still */
    wait_for(0, "never", WARD_EVENT_GIVEN_UP, 0);
    assert_int_equal(ward_supervisor_health(supervisor, id_of("well"), 0, &report), WARD_OK);
    assert_int_equal(report.status, WARD_HEALTH_HEALTHY);
    uint64_t patience = wardi_now_ns() + PATIENCE_NS;
    do { /* nobody waited for it: while it starts, that is the answer */
        assert_int_equal(ward_supervisor_health(supervisor, id_of("ill"), 0, &report), WARD_OK);
        assert_true(wardi_now_ns() < patience);
    } while (strcmp(report.reason.text, "Component starting") == 0);
    assert_int_equal(report.status, WARD_HEALTH_UNHEALTHY);
    assert_string_equal(report.reason.text, "disk");
    assert_int_equal(ward_supervisor_health(supervisor, id_of("never"), 0, &report), WARD_OK);
    assert_int_equal(report.status, WARD_HEALTH_UNHEALTHY);
    assert_non_null(strstr(report.reason.text, "unreachable"));
    assert_int_equal(ward_supervisor_health(supervisor, id_of("waits"), 0, &report), WARD_OK);
    assert_int_equal(report.status, WARD_HEALTH_UNHEALTHY); /* nothing is loaded */
    assert_int_equal(ward_supervisor_health(supervisor, 12345, 0, &report), WARD_ERROR_ACTOR_GONE);
    assert_int_equal(ward_supervisor_find(supervisor, "nobody", &(ward_child_id){0}),
                     WARD_ERROR_NOT_FOUND);
}

static void functions_are_invoked(void **state)
{
    (void)state;
    started("echo", echo, (ward_child_options){0});
    ward_value args[] = {{WARD_I32, {.i32 = 40}}, {WARD_I32, {.i32 = 2}}}, result;
    size_t count = 1;
    assert_int_equal(
        ward_supervisor_invoke(supervisor, id_of("echo"), "add", args, 2, &result, &count, 0),
        WARD_OK);
    assert_int_equal(count, 1);
    assert_int_equal(result.of.i32, 42);
    assert_int_equal(
        ward_supervisor_invoke(supervisor, id_of("echo"), "sub", args, 2, &result, &count, 0),
        WARD_ERROR_EXPORT_MISSING);
    assert_int_equal(
        ward_supervisor_invoke(supervisor, id_of("echo"), "add", args, 1, &result, &count, 0),
        WARD_ERROR_EXPORT_TYPE);
    assert_int_equal(find(0, "echo", WARD_EVENT_RESTART, 0), -1);
}

/* What killed it is told to its sender; what waits behind is handled by the next run. */
static void a_trap_answers_and_restarts_and_keeps_the_rest(void **state)
{
    (void)state;
    char answer[64];
    started("echo", echo, (ward_child_options){0});
    ward_child_id id = id_of("echo");
    assert_int_equal(ward_supervisor_send(supervisor, id, (const uint8_t *)"!", 1), WARD_OK);
    assert_int_equal(request(id, "abc", answer, sizeof answer), WARD_OK);
    assert_string_equal(answer, "bbc");
    long restart = wait_for(0, "echo", WARD_EVENT_RESTART, 0);
    assert_int_equal(record.events[restart].event.cause, WARD_CAUSE_CRASH);
    assert_non_null(strstr(record.events[restart].reason, "unreachable"));
    assert_int_equal(request(id, "!", answer, sizeof answer), WARD_ERROR_TRAP);
    expect_balance("echo");
}

static void a_hang_is_ended_and_told(void **state)
{
    (void)state;
    char answer[64];
    started("echo", echo, (ward_child_options){.message_timeout_ns = 30 * MS});
    uint64_t began = wardi_now_ns();
    assert_int_equal(request(id_of("echo"), "~", answer, sizeof answer), WARD_ERROR_DEADLINE);
    assert_true(wardi_now_ns() - began >= 30 * MS);
    long restart = wait_for(0, "echo", WARD_EVENT_RESTART, 0);
    assert_int_equal(record.events[restart].event.cause, WARD_CAUSE_HANG);
    wait_for((size_t)restart, "echo", WARD_EVENT_READY, true);
    assert_int_equal(request(id_of("echo"), "abc", answer, sizeof answer), WARD_OK);
}

/* One that does not run handles nothing: its mailbox fills, to its bound. */
static void a_full_mailbox_refuses(void **state)
{
    (void)state;
    add((child_spec){.name = "never",
                     .wat = traps_in_start,
                     .options = {.restart = WARD_RESTART_TEMPORARY, .mailbox_max = 3}},
        NULL);
    add((child_spec){.name = "drops",
                     .wat = traps_in_start,
                     .options = {.restart = WARD_RESTART_TEMPORARY,
                                 .mailbox_max = 3,
                                 .mailbox_full = WARD_MAILBOX_DROP_OLDEST}},
        NULL);
    start();
    wait_for(0, "never", WARD_EVENT_GIVEN_UP, 0);
    wait_for(0, "drops", WARD_EVENT_GIVEN_UP, 0);
    const uint8_t byte = 'x';
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ward_supervisor_send(supervisor, id_of("never"), &byte, 1), WARD_OK);
        assert_int_equal(ward_supervisor_send(supervisor, id_of("drops"), &byte, 1), WARD_OK);
    }
    assert_int_equal(ward_supervisor_send(supervisor, id_of("never"), &byte, 1),
                     WARD_ERROR_MAILBOX_FULL);
    assert_int_equal(ward_supervisor_send(supervisor, id_of("drops"), &byte, 1), WARD_OK);
    assert_int_equal(counts_of("never").refused, 1);
    assert_int_equal(counts_of("never").pending, 3);
    assert_int_equal(counts_of("drops").dropped, 1);
    ward_report report; /* never behind them */
    assert_int_equal(ward_supervisor_health(supervisor, id_of("never"), 0, &report), WARD_OK);
}

static void a_request_that_is_late_is_not_handled(void **state)
{
    (void)state;
    uint8_t answer[8];
    size_t length;
    add((child_spec){.name = "echo", .wat = echo, .needs = {"gate"}}, NULL);
    add((child_spec){.name = "gate", .wat = healthy}, NULL);
    start();
    wait_for(0, "echo", WARD_EVENT_READY, true);
    ward_child_id id = id_of("echo");
    ward_diag diag;
    assert_int_equal(ward_supervisor_ask(supervisor, "echo", WARD_REQUEST_STOP, &diag), WARD_OK);
    wait_for(0, "echo", WARD_EVENT_STATE, WARD_STATE_TERMINATED);
    assert_int_equal(ward_supervisor_request(supervisor, id, (const uint8_t *)"abc", 3, answer,
                                             sizeof answer, &length, 20 * MS),
                     WARD_ERROR_REPLY_TIMEOUT);
    assert_int_equal(ward_supervisor_ask(supervisor, "echo", WARD_REQUEST_START, &diag), WARD_OK);
    expect_balance("echo");
    assert_int_equal(counts_of("echo").expired, 1);
    assert_int_equal(counts_of("echo").handled, 0);
}

/* ---- many at once ---- */

enum { SENDERS = 4, REQUESTS = 2000 };
static atomic_int wrong;

static void *send_many(void *argument)
{
    ward_child_id id = id_of("echo");
    for (int i = 0; i < REQUESTS; i++) {
        char answer[16];
        ward_error error = request(id, i % 100 == 99 ? "!" : "abc", answer, sizeof answer);
        bool fine = error == WARD_OK ? strcmp(answer, "bbc") == 0 && i % 100 != 99
                                     : error == WARD_ERROR_TRAP && i % 100 == 99;
        if (!fine) atomic_fetch_add(&wrong, 1);
    }
    return argument;
}

static void many_senders_and_a_guest_that_dies(void **state)
{
    (void)state;
    pthread_t threads[SENDERS];
    started("echo", echo,
            (ward_child_options){.backoff = {.shape = WARD_BACKOFF_OFF, .restarts_max = 255}});
    for (int i = 0; i < SENDERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, send_many, NULL), 0);
    for (int i = 0; i < SENDERS; i++) pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&wrong), 0);
    uint64_t patience = wardi_now_ns() + PATIENCE_NS; /* the sender is told before the tree is */
    while (status_of("echo").restarts != SENDERS * REQUESTS / 100)
        assert_true(wardi_now_ns() < patience);
    expect_balance("echo");
    ward_message_counts counts = counts_of("echo");
    assert_int_equal(counts.set_aside, SENDERS * REQUESTS / 100); /* those that it died of */
    assert_int_equal(counts.handled, SENDERS * REQUESTS - counts.set_aside);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(answers_come_back),
        TEST(health_is_asked_and_answered),
        TEST(functions_are_invoked),
        TEST(a_trap_answers_and_restarts_and_keeps_the_rest),
        TEST(a_hang_is_ended_and_told),
        TEST(a_full_mailbox_refuses),
        TEST(a_request_that_is_late_is_not_handled),
        TEST(many_senders_and_a_guest_that_dies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
