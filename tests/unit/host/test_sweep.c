/* Health of all children at once: each answers for itself, and once; those who can't are named. */
#include "host_kit.h"

#include <unistd.h>

enum { MANY = 100 };

static const char busy_guest[] =
    "(module (memory (export \"memory\") 1)"
    " (func (export \"ward_alloc\") (param i32) (result i32) i32.const 1024)"
    " (func (export \"handle-message\") (param i32 i32) (result i64) (loop $l br $l) unreachable)"
    " (func (export \"_health\") (result i32) i32.const 0))";

/* What the callback was told. */
static struct {
    pthread_mutex_t lock;
    ward_child_id ids[4 * MANY];
    ward_error errors[4 * MANY];
    ward_report reports[4 * MANY];
    size_t count;
} told = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void on_answer(void *context, ward_child_id id, ward_error error, const ward_report *report)
{
    assert_ptr_equal(context, &told);
    pthread_mutex_lock(&told.lock);
    assert_true(told.count < WARD_COUNT(told.ids));
    told.ids[told.count] = id;
    told.errors[told.count] = error;
    if (report != NULL) told.reports[told.count] = *report;
    told.count++;
    pthread_mutex_unlock(&told.lock);
}

static ward_error sweep(uint64_t timeout_ns, ward_sweep_result *ret_result)
{
    ward_sweep_options options = WARD_INIT(ward_sweep_options);
    options.timeout_ns = timeout_ns;
    options.on_answer = on_answer;
    options.context = &told;
    told.count = 0;
    *ret_result = (ward_sweep_result)WARD_INIT(ward_sweep_result);
    return ward_supervisor_sweep(supervisor, &options, ret_result);
}

static void add_many(int from, int to, const char *wat, ward_health_policy health)
{
    for (int i = from; i < to; i++) {
        char name[16];
        snprintf(name, sizeof name, "c%d", i);
        add((child_spec){.name = name,
                         .wat = wat,
                         .health = health,
                         .options = {.interval_ns = 3600 * WARDI_S, .fall = 1000}},
            NULL);
    }
}

/* Until each has had its first check. */
static void await_first_checks(int from, int to, ward_child_health health)
{
    for (int i = from; i < to; i++) {
        char name[16];
        snprintf(name, sizeof name, "c%d", i);
        wait_for(0, name, WARD_EVENT_HEALTH, (int)health);
    }
}

static void each_answers_once(void **state)
{
    (void)state;
    ward_sweep_result result = WARD_INIT(ward_sweep_result);
    assert_int_equal(ward_supervisor_sweep(supervisor, NULL, &result), WARD_ERROR_STATE);
    assert_int_equal(ward_supervisor_sweep(NULL, NULL, &result), WARD_ERROR_INVALID_ARGUMENT);
    add_many(0, MANY, healthy, (ward_health_policy){0});
    add_many(MANY, MANY + 7, falls_ill, (ward_health_policy){0});
    start();
    assert_int_equal(ward_supervisor_sweep(supervisor, NULL, NULL), WARD_ERROR_INVALID_ARGUMENT);
    await_first_checks(0, MANY + 7, WARD_CHILD_HEALTHY);
    /* Unhealthy at their fourth check and from then on; the supervisor's first was one. */
    for (int round = 0; round < 2 + 1; round++) assert_int_equal(sweep(0, &result), WARD_OK);
    for (int round = 0; round < 20; round++) {
        assert_int_equal(sweep(0, &result), WARD_OK);
        assert_int_equal(result.by_health[WARD_HEALTH_HEALTHY], MANY);
        assert_int_equal(result.by_health[WARD_HEALTH_DEGRADED], 0);
        assert_int_equal(result.by_health[WARD_HEALTH_UNHEALTHY], 7);
        assert_int_equal(result.unanswered, 0);
        assert_int_equal(told.count, 7);
        for (int i = MANY; i < MANY + 7; i++) {
            char name[16];
            int times = 0;
            snprintf(name, sizeof name, "c%d", i);
            for (size_t k = 0; k < told.count; k++) times += told.ids[k] == id_of(name);
            assert_int_equal(times, 1);
        }
        assert_int_equal(told.errors[0], WARD_OK);
        assert_int_equal(told.reports[0].status, WARD_HEALTH_UNHEALTHY);
        assert_string_equal(told.reports[0].reason.text, "x");
    }
    ward_message_counts counts = WARD_INIT(ward_message_counts);
    assert_int_equal(ward_supervisor_message_counts(supervisor, "c0", &counts), WARD_OK);
    assert_int_equal(counts.sent, 23);
    assert_int_equal(counts.handled, 23);
}

/* The answer is what can be told from outside, and does not wait for the guest. */
static void a_busy_guest_answers(void **state)
{
    (void)state;
    ward_sweep_result result;
    ward_report report;
    add((child_spec){.name = "c0",
                     .wat = busy_guest,
                     .health = {.busy_after_ns = MS},
                     .options = {.interval_ns = 3600 * WARDI_S,
                                 .shutdown = WARD_SHUTDOWN_IMMEDIATE,
                                 .message_timeout_ns = PATIENCE_NS}},
        NULL);
    start();
    await_first_checks(0, 1, WARD_CHILD_HEALTHY);
    assert_int_equal(ward_supervisor_send(supervisor, id_of("c0"), (const uint8_t *)"x", 1),
                     WARD_OK);
    uint64_t begin = wardi_now_ns();
    do {
        assert_int_equal(sweep(0, &result), WARD_OK);
    } while (result.by_health[WARD_HEALTH_DEGRADED] == 0 &&
             wardi_now_ns() - begin < PATIENCE_NS / 2);
    assert_int_equal(result.by_health[WARD_HEALTH_DEGRADED], 1);
    assert_true(strstr(told.reports[0].reason.text, "Busy in handle-message") != NULL);
    assert_int_equal(ward_supervisor_health(supervisor, id_of("c0"), 0, &report), WARD_OK);
    assert_int_equal(report.status, WARD_HEALTH_DEGRADED);
    assert_true(wardi_now_ns() - begin < PATIENCE_NS);
    assert_int_equal(ward_supervisor_ask(supervisor, "c0", WARD_REQUEST_QUARANTINE, NULL), WARD_OK);
}

/* Each has its own verdict, whoever hangs beside it. */
static void hung_guests_hold_up_nobody_for_good(void **state)
{
    (void)state;
    ward_sweep_result result;
    add_many(0, 40, healthy, (ward_health_policy){0});
    add_many(40, 44, hangs, (ward_health_policy){.timeout_ns = 20 * MS});
    add_many(44, 60, healthy, (ward_health_policy){0});
    start();
    await_first_checks(0, 40, WARD_CHILD_HEALTHY);
    await_first_checks(40, 44, WARD_CHILD_DEGRADED);
    await_first_checks(44, 60, WARD_CHILD_HEALTHY);
    assert_int_equal(sweep(PATIENCE_NS, &result), WARD_OK);
    assert_int_equal(result.by_health[WARD_HEALTH_HEALTHY], 56);
    assert_int_equal(result.by_health[WARD_HEALTH_DEGRADED], 4);
    assert_int_equal(told.count, 4);
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(told.reports[i].reason.text, "Health check timeout (>20ms)");
}

/* Guests that may take longer than the sweep are not asked on this thread. */
static void who_does_not_answer_in_time_is_named(void **state)
{
    (void)state;
    ward_sweep_result result;
    add_many(0, 1, hangs, (ward_health_policy){.timeout_ns = 1500 * MS});
    add_many(1, 3, healthy, (ward_health_policy){0});
    start();
    await_first_checks(0, 1, WARD_CHILD_DEGRADED);
    await_first_checks(1, 3, WARD_CHILD_HEALTHY);
    assert_int_equal(sweep(400 * MS, &result), WARD_ERROR_REPLY_TIMEOUT);
    assert_int_equal(result.by_health[WARD_HEALTH_HEALTHY], 2);
    assert_int_equal(result.unanswered, 1);
    assert_int_equal(told.count, 1);
    assert_int_equal(told.errors[0], WARD_ERROR_REPLY_TIMEOUT);
    assert_int_equal(told.ids[0], id_of("c0"));
}

/* ---- threads: sweeps while children come, go and work ---- */

static atomic_bool over;
static atomic_uint sweeps;

static void *sweep_on(void *argument)
{
    while (!atomic_load(&over)) {
        ward_sweep_result result = WARD_INIT(ward_sweep_result);
        assert_int_equal(ward_supervisor_sweep(supervisor, NULL, &result), WARD_OK);
        assert_int_equal(result.by_health[WARD_HEALTH_UNHEALTHY], 0);
        atomic_fetch_add(&sweeps, 1);
    }
    return argument;
}

static void sweeps_among_changes(void **state)
{
    (void)state;
    add_many(0, 40, healthy, (ward_health_policy){0});
    start();
    await_first_checks(0, 40, WARD_CHILD_HEALTHY);
    pthread_t sweepers[2];
    atomic_store(&over, false);
    for (int i = 0; i < 2; i++) pthread_create(&sweepers[i], NULL, sweep_on, NULL);
    uint64_t patience = wardi_now_ns() + PATIENCE_NS;
    for (int i = 0; i < 200 || atomic_load(&sweeps) < 20; i++) {
        char name[16];
        snprintf(name, sizeof name, "c%d", i % 40);
        assert_true(wardi_now_ns() < patience);
        ward_request request = i % 3 == 0 ? WARD_REQUEST_REMOVE : WARD_REQUEST_RESTART;
        ward_supervisor_ask(supervisor, name, request, NULL); /* it may be gone by now */
        usleep(500);
    }
    atomic_store(&over, true);
    for (int i = 0; i < 2; i++) pthread_join(sweepers[i], NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_answers_once),
        TEST(a_busy_guest_answers),
        TEST(hung_guests_hold_up_nobody_for_good),
        TEST(who_does_not_answer_in_time_is_named),
        TEST(sweeps_among_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
