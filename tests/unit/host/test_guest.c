/* What guests ask of their host: whom they find, send, request, answer, publish, and what they are
 * refused. */
#include "actor_kit.h"

/* ---- sending and asking ---- */

static void test_send(void **state)
{
    (void)state;
    start_actors(&all);
    assert_int_equal(does("a", "fb"), 0);
    assert_int_equal(does("a", "fc"), 1);
    assert_int_equal(does("a", "fb"), 0); /* the same handle again */
    assert_int_equal(does("a", "sb"), 0);
    wait_until_kept("b", "SENT");
    assert_int_equal(does("a", "fnobody"), -2);
    does("a", "e");
    assert_string_equal(said, "there is no component \"nobody\"");
}

static void test_request(void **state)
{
    (void)state;
    start_actors(&all);
    assert_int_equal(does("a", "rb"), 3);
    assert_string_equal(said, "ASK");
    assert_int_equal(does("a", "qc"), 3);
    assert_string_equal(said, "ASK");
    assert_int_equal(does("a", "x"), -2);
}

static void test_who_and_what(void **state)
{
    (void)state;
    start_actors(&all);
    does("a", "n");
    assert_string_equal(said, ""); /* the application */
    does("a", "i");
    assert_string_equal(said, "a");
    assert_int_equal(does("a", "mzone"), 5);
    assert_string_equal(said, "north");
    assert_int_equal(does("a", "mzon"), -2);
    assert_int_equal(does("a", "k"), 6);
    assert_string_equal(said, "a\nb\nc\n");
    uint64_t began_ns = wardi_now_ns();
    assert_int_equal(does("a", "z"), 0);
    assert_true(wardi_now_ns() - began_ns >= 20 * MS);
}

/* While one sleeps, its worker serves others: with as many asleep as there are workers, and more.
 */
static void test_waiting_takes_no_worker(void **state)
{
    (void)state;
    start_actors(&all);
    uint8_t sleep = 'z';
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ward_supervisor_send(supervisor, id_of("a"), &sleep, 1), WARD_OK);
        assert_int_equal(ward_supervisor_send(supervisor, id_of("b"), &sleep, 1), WARD_OK);
    }
    uint64_t began_ns = wardi_now_ns();
    for (int i = 0; i < 50; i++) does("c", "i");
    assert_true(wardi_now_ns() - began_ns < 10 * WARDI_S);
    ward_report report;
    assert_int_equal(ward_supervisor_health(supervisor, id_of("a"), PATIENCE_NS, &report), WARD_OK);
}

/* ---- what is refused ---- */

static void test_nothing_is_granted(void **state)
{
    (void)state;
    start_actors(NULL);
    assert_int_equal(does("a", "fb"), -3);
    does("a", "e");
    assert_non_null(strstr(said, "send"));
    assert_int_equal(does("a", "pnews.x"), -3);
    assert_int_equal(does("a", "bnews.x"), -3);
    assert_int_equal(does("a", "k"), 0);
    assert_string_equal(said, "");
    long at = wait_for(0, "a", WARD_EVENT_DENIED, 0);
    assert_non_null(strstr(record.events[at].reason, "send"));
    assert_int_equal(status_of("a").denied, 3);
}

static void test_grants_of_both(void **state)
{
    (void)state;
    static const char *const only_b[] = {"b"}, *const nobody_c[] = {"c"};
    static const ward_grants to_b = {.send = {only_b, 1, NULL, 0}};
    static const ward_grants not_from_c = {.called_by = {anybody, 1, nobody_c, 1}};
    add_actor("a", &to_b);
    add_actor("b", &not_from_c);
    add_actor("c", &all);
    start();
    wait_for(0, "a", WARD_EVENT_READY, true);
    wait_for(0, "b", WARD_EVENT_READY, true);
    wait_for(0, "c", WARD_EVENT_READY, true);
    assert_int_equal(does("a", "fb"), 0);
    assert_int_equal(does("a", "fc"), -3); /* it may not send */
    assert_int_equal(does("c", "fb"), -3); /* it may not be called by it */
    assert_int_equal(does("c", "fa"), -3);
}

static void test_wild_memory(void **state)
{
    (void)state;
    int64_t result;
    start_actors(&all);
    assert_int_equal(tell("a", "w", &result), WARD_ERROR_TRAP);
    long at = wait_for(0, "a", WARD_EVENT_RESTART, 0);
    assert_non_null(strstr(record.events[at].reason,
                           "ward.send was given 4 bytes at address 131070, and its memory ends at "
                           "131072"));
}

/* ---- answers ---- */

typedef struct asker {
    pthread_t thread;
    const char *to, *message;
    ward_error error;
    char answer[64];
} asker;

static void *ask(void *context)
{
    asker *a = context;
    size_t length = 0;
    a->error = ward_supervisor_request(supervisor, id_of(a->to), (const uint8_t *)a->message,
                                       strlen(a->message), (uint8_t *)a->answer,
                                       sizeof a->answer - 1, &length, PATIENCE_NS);
    a->answer[length < sizeof a->answer ? length : 0] = '\0';
    return NULL;
}

static void begin(asker *a, const char *to, const char *message)
{
    *a = (asker){.to = to, .message = message};
    assert_int_equal(pthread_create(&a->thread, NULL, ask, a), 0);
}

static void wait_for_handled(const char *name, uint64_t count)
{
    uint64_t patience = wardi_now_ns() + PATIENCE_NS;
    ward_message_counts counts = WARD_INIT(ward_message_counts);
    do {
        assert_true(wardi_now_ns() < patience);
        wardi_sleep_until_ns(wardi_now_ns() + MS);
        assert_int_equal(ward_supervisor_message_counts(supervisor, name, &counts), WARD_OK);
    } while (counts.handled < count);
}

static void test_deferred(void **state)
{
    (void)state;
    asker a;
    start_actors(&all);
    begin(&a, "b", "d");
    wait_for_handled("b", 1);
    assert_int_equal(does("b", "y"), 0);
    pthread_join(a.thread, NULL);
    assert_int_equal(a.error, WARD_OK);
    assert_string_equal(a.answer, "late");
    assert_int_equal(does("b", "y"), -2); /* once */
}

/* Whoever waits for what was deferred is told when the guest ends. */
static void test_deferred_and_dead(void **state)
{
    (void)state;
    asker a;
    int64_t result;
    start_actors(&all);
    begin(&a, "b", "d");
    wait_for_handled("b", 1);
    assert_int_equal(tell("b", "t", &result), WARD_ERROR_TRAP);
    pthread_join(a.thread, NULL);
    assert_int_equal(a.error, WARD_ERROR_TRAP);
}

/* ---- circles ---- */

/* A guest that asks whom its metadata names, and answers with what it is answered, or with why not.
 */
static const char relay[] =
    "(module"
    " (import \"ward\" \"find\" (func $find (param i32 i32) (result i32)))"
    " (import \"ward\" \"request\""
    "   (func $request (param i32 i32 i32 i32 i32 i64) (result i64)))"
    " (import \"ward\" \"metadata\" (func $metadata (param i32 i32 i32 i32) (result i32)))"
    " (import \"ward\" \"last_error\" (func $error (param i32 i32) (result i32)))"
    " (memory (export \"memory\") 1) (data (i32.const 16) \"next\")"
    " (func (export \"ward_alloc\") (param i32) (result i32) i32.const 1024)"
    " (func (export \"handle-message\") (param $at i32) (param $n i32) (result i64)"
    "   (local $h i32) (local $w i64)"
    "   (local.set $n (call $metadata (i32.const 16) (i32.const 4) (i32.const 32) (i32.const 90)))"
    "   (local.set $h (call $find (i32.const 32) (local.get $n)))"
    "   (local.set $w (call $request (local.get $h) (i32.const 16) (i32.const 4)"
    "     (i32.const 2048) (i32.const 200) (i64.const 0)))"
    "   (if (i64.lt_s (local.get $w) (i64.const 0)) (then (local.set $w (i64.extend_i32_s"
    "     (call $error (i32.const 2048) (i32.const 200))))))"
    "   (i64.or (i64.shl (local.get $w) (i64.const 32)) (i64.const 2048))))";

static void add_relay(const char *name, const char *next)
{
    ward_child_options options = WARD_INIT(ward_child_options);
    const char *const metadata[] = {next};
    options.interval_ns = 3600 * WARDI_S;
    options.grants = &all;
    options.metadata = metadata;
    options.metadata_count = 1;
    add((child_spec){.name = name, .wat = relay, .options = options}, NULL);
}

static void test_circle(void **state)
{
    (void)state;
    char answer[256] = "";
    size_t length = 0;
    add_relay("a", "next=b");
    add_relay("b", "next=c");
    add_relay("c", "next=a");
    add_relay("own", "next=own");
    start();
    wait_for(0, "a", WARD_EVENT_READY, true);
    wait_for(0, "b", WARD_EVENT_READY, true);
    wait_for(0, "c", WARD_EVENT_READY, true);
    wait_for(0, "own", WARD_EVENT_READY, true);
    assert_int_equal(ward_supervisor_request(supervisor, id_of("a"), (const uint8_t *)"go", 2,
                                             (uint8_t *)answer, sizeof answer - 1, &length,
                                             PATIENCE_NS),
                     WARD_OK);
    assert_string_equal(answer, "they would wait for each other: c -> a -> b -> c");
    memset(answer, 0, sizeof answer);
    assert_int_equal(ward_supervisor_request(supervisor, id_of("own"), (const uint8_t *)"go", 2,
                                             (uint8_t *)answer, sizeof answer - 1, &length,
                                             PATIENCE_NS),
                     WARD_OK);
    assert_string_equal(answer, "they would wait for each other: own -> own");
}

/* ---- topics ---- */

static void test_topics(void **state)
{
    (void)state;
    size_t count = 77;
    start_actors(&all);
    assert_int_equal(does("b", "bnews.*"), 0);
    assert_int_equal(does("c", "bnews.#"), 0);
    assert_int_equal(does("c", "bold.*"), -3);
    assert_int_equal(does("c", "bnews..x"), -1);
    assert_int_equal(does("a", "pnews.sport"), 2);
    wait_until_kept("b", "NEWSnews.sport");
    wait_until_kept("c", "NEWSnews.sport");
    assert_int_equal(does("a", "pnews.sport.ball"), 1);
    wait_until_kept("c", "NEWSnews.sport.ball");
    assert_int_equal(
        ward_supervisor_publish(supervisor, "news.local", (const uint8_t *)"HI", 2, &count, NULL),
        WARD_OK);
    assert_int_equal(count, 2);
    wait_until_kept("b", "HInews.local");
    assert_int_equal(ward_supervisor_unsubscribe(supervisor, id_of("b"), "news.*"), WARD_OK);
    assert_int_equal(ward_supervisor_unsubscribe(supervisor, id_of("b"), "news.*"),
                     WARD_ERROR_NOT_FOUND);
    assert_int_equal(does("a", "pnews.sport"), 1);
}

/* What it hears of outlives a restart, and what was sent meanwhile arrives. */
static void test_topics_outlive_a_restart(void **state)
{
    (void)state;
    int64_t result;
    start_actors(&all);
    assert_int_equal(does("b", "bnews.*"), 0);
    assert_int_equal(tell("b", "t", &result), WARD_ERROR_TRAP);
    assert_int_equal(does("a", "pnews.x"), 1);
    wait_until_kept("b", "NEWSnews.x");
}

/* ---- log and metrics ---- */

static struct {
    atomic_int lines;
    ward_log_level level;
    char component[64], text[64], key[8], value[8];
} logged;

static void on_log(void *context, const ward_log_line *line)
{
    assert_ptr_equal(context, &logged);
    logged.level = line->level;
    snprintf(logged.component, sizeof logged.component, "%s", line->component);
    snprintf(logged.text, sizeof logged.text, "%s", line->text);
    if (line->field_count == 1) {
        snprintf(logged.key, sizeof logged.key, "%s", line->fields[0].key);
        snprintf(logged.value, sizeof logged.value, "%s", line->fields[0].value);
    }
    atomic_fetch_add(&logged.lines, 1);
}

static void test_log(void **state)
{
    (void)state;
    ward_supervisor_options options = usual_options();
    options.on_log = on_log;
    options.log_context = &logged;
    ward_supervisor_free(supervisor);
    assert_int_equal(ward_supervisor_new(host, &options, &supervisor, NULL), WARD_OK);
    start_actors(&all);
    assert_int_equal(does("a", "l"), 0);
    assert_int_equal(atomic_load(&logged.lines), 1);
    assert_int_equal(logged.level, WARD_LOG_WARN);
    assert_string_equal(logged.component, "a");
    assert_string_equal(logged.text, "line");
    assert_string_equal(logged.key, "k");
    assert_string_equal(logged.value, "v");
    int refused = 0;
    for (int i = 0; i < 20; i++) refused += does("a", "l") == -9;
    assert_true(refused > 0); /* three a second */
    assert_int_equal(atomic_load(&logged.lines), 21 - refused);
    ward_child_status status = status_of("a");
    assert_int_equal(status.log_lines, 21 - refused);
    assert_int_equal(status.log_suppressed, refused);
}

static void test_metrics(void **state)
{
    (void)state;
    ward_metric metrics[4];
    size_t count = 4;
    int64_t result;
    start_actors(&all);
    assert_int_equal(does("a", "cjobs_total"), 0);
    assert_int_equal(does("a", "cjobs_total"), 0);
    assert_int_equal(does("a", "c2bad"), -1);
    assert_int_equal(tell("a", "t", &result), WARD_ERROR_TRAP);
    assert_int_equal(does("a", "cjobs_total"), 0); /* the same, after a restart */
    assert_int_equal(ward_supervisor_metrics(supervisor, "a", metrics, &count), WARD_OK);
    assert_int_equal(count, 1);
    assert_string_equal(metrics[0].name, "jobs_total");
    assert_int_equal(metrics[0].kind, WARD_METRIC_COUNTER);
    assert_true(metrics[0].value == 6);
    count = 4;
    assert_int_equal(ward_supervisor_metrics(supervisor, "b", metrics, &count), WARD_OK);
    assert_int_equal(count, 0);
}

/* ---- processor time ---- */

/* Each message spins for some milliseconds. */
static const char spins[] =
    "(module (memory (export \"memory\") 1)"
    " (func (export \"ward_alloc\") (param i32) (result i32) i32.const 64)"
    " (func (export \"handle-message\") (param i32 i32) (result i64) (local $n i32)"
    "   (loop $l (local.set $n (i32.add (local.get $n) (i32.const 1)))"
    "     (br_if $l (i32.lt_u (local.get $n) (i32.const 3000000)))) i64.const 0))";

/* What it spends beyond its budget it has to wait for; its health is asked meanwhile. */
static void test_cpu_budget(void **state)
{
    (void)state;
    ward_child_options options = WARD_INIT(ward_child_options);
    options.interval_ns = 3600 * WARDI_S;
    options.cpu_ns_max = MS / 10;
    options.cpu_interval_ns = 20 * MS;
    add((child_spec){.name = "spins", .wat = spins, .options = options}, NULL);
    start();
    wait_for(0, "spins", WARD_EVENT_READY, true);
    uint64_t began_ns = wardi_now_ns();
    uint8_t answer[8];
    size_t length;
    ward_report report;
    for (int i = 0; i < 4; i++) {
        assert_int_equal(ward_supervisor_request(supervisor, id_of("spins"), answer, 1, answer, 8,
                                                 &length, PATIENCE_NS),
                         WARD_OK);
        assert_int_equal(ward_supervisor_health(supervisor, id_of("spins"), PATIENCE_NS, &report),
                         WARD_OK);
        assert_int_equal(report.status, WARD_HEALTH_HEALTHY);
    }
    assert_true(wardi_now_ns() - began_ns >= 200 * MS); /* three waits of some intervals */
    ward_child_status status = status_of("spins");
    assert_true(status.cpu_delays >= 3);
    assert_true(status.cpu_delayed_ns >= 100 * MS);
}

/* ---- stopping itself ---- */

static void test_stops_itself(void **state)
{
    (void)state;
    start_actors(&all);
    assert_int_equal(does("a", "o"), 0);
    wait_for(0, "a", WARD_EVENT_STATE, WARD_STATE_TERMINATED);
    assert_int_equal(ward_supervisor_ask(supervisor, "a", WARD_REQUEST_START, NULL), WARD_OK);
    assert_int_equal(does("a", "fb"), 0);
}

/* ---- a run that ends while it waits ---- */

static const char deaf[] = "(module (memory (export \"memory\") 1)"
                           " (func (export \"ward_alloc\") (param i32) (result i32) i32.const 64)"
                           " (func (export \"handle-message\") (param i32 i32) (result i64)"
                           "   (loop $l br $l) unreachable))";

/* It waits for one that does not answer: a stop is not held up by it for ever, a kill ends it. */
static void test_killed_while_it_waits(void **state)
{
    (void)state;
    asker a;
    ward_child_options options = WARD_INIT(ward_child_options);
    options.interval_ns = 3600 * WARDI_S;
    options.grants = &all;
    options.message_timeout_ns = 2 * WARDI_S;
    add((child_spec){.name = "deaf", .wat = deaf, .options = options}, NULL);
    options = (ward_child_options)WARD_INIT(ward_child_options);
    options.interval_ns = 3600 * WARDI_S;
    options.grants = &all;
    options.shutdown = WARD_SHUTDOWN_IMMEDIATE;
    add((child_spec){.name = "a", .wat = actor, .options = options}, NULL);
    start();
    wait_for(0, "a", WARD_EVENT_READY, true);
    wait_for(0, "deaf", WARD_EVENT_READY, true);
    begin(&a, "a", "rdeaf");
    wait_for_handled("deaf", 1);
    assert_int_equal(ward_supervisor_ask(supervisor, "a", WARD_REQUEST_STOP, NULL), WARD_OK);
    pthread_join(a.thread, NULL);
    assert_int_equal(a.error, WARD_ERROR_INTERRUPTED);
    wait_for(0, "a", WARD_EVENT_STATE, WARD_STATE_TERMINATED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_send),
        TEST(test_request),
        TEST(test_who_and_what),
        TEST(test_waiting_takes_no_worker),
        TEST(test_nothing_is_granted),
        TEST(test_grants_of_both),
        TEST(test_wild_memory),
        TEST(test_deferred),
        TEST(test_deferred_and_dead),
        TEST(test_circle),
        TEST(test_topics),
        TEST(test_topics_outlive_a_restart),
        TEST(test_log),
        TEST(test_metrics),
        TEST(test_cpu_budget),
        TEST(test_stops_itself),
        TEST(test_killed_while_it_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
