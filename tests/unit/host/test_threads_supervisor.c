/* The supervisor's threads, above a fake engine so that ThreadSanitizer sees all there is: workers
 * check and restart children whose guests change under them, while others ask for their status and
 * one of them stops it all. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>

#include <cmocka.h>
#include <ward/ward.h>

#include "fake/fake.h"

enum { CHILDREN = 24, ROUNDS = 300 };
#define MS WARDI_MS

static ward_host *host;
static ward_supervisor *supervisor;
static fake_guest guests[CHILDREN];
static atomic_uint moods[CHILDREN]; /* what each guest's next check does */
static atomic_ullong events, last_sequence;
static atomic_int inside_callback, overlaps, disorder;

static ward_error run_mood(fake_guest *guest, const wardi_value *args, wardi_value *results,
                           uint64_t timeout_ns, ward_trap *trap)
{
    (void)args, (void)timeout_ns;
    switch (atomic_load(&moods[guest - guests]) % 4) {
    case 0:
    case 1: results[0].bits = 0; return WARD_OK;
    case 2: return fake_end(guest, WARD_ERROR_DEADLINE, trap);
    default: return fake_end(guest, WARD_ERROR_TRAP, trap);
    }
}

static void on_event(void *context, const ward_event *event)
{
    (void)context;
    if (atomic_fetch_add(&inside_callback, 1) != 0) atomic_fetch_add(&overlaps, 1);
    if (event->sequence != atomic_exchange(&last_sequence, event->sequence) + 1)
        atomic_fetch_add(&disorder, 1);
    atomic_fetch_add(&events, 1);
    atomic_fetch_sub(&inside_callback, 1);
}

static void add_child(int i)
{
    char name[16], need[16];
    const char *needs[] = {need};
    snprintf(name, sizeof name, "c%d", i);
    snprintf(need, sizeof need, "c%d", i / 2);
    fake_init(&guests[i]);
    fake_health(&guests[i], WARDI_I32);
    guests[i].exports[guests[i].export_count - 1].run = run_mood;
    guests[i].cause = "mood";
    ward_component_options component = WARD_INIT(ward_component_options);
    component.name = name;
    FAKE_SOURCE(component, &guests[i]);
    ward_child_options options = WARD_INIT(ward_child_options);
    options.component = &component;
    options.interval_ns = MS;
    options.fall = 1;
    options.backoff.initial_ns = MS;
    options.backoff.max_ns = 2 * MS;
    options.backoff.restarts_max = 200;
    options.needs = needs;
    options.need_count = i > 0 ? 1 : 0;
    ward_diag diag;
    ward_error error = ward_supervisor_add(supervisor, &options, &diag);
    if (error != WARD_OK) fail_msg("%s", diag.text);
}

static void *change_moods(void *argument)
{
    wardi_rng rng;
    wardi_rng_init(&rng, 11);
    for (int i = 0; i < ROUNDS; i++) {
        atomic_store(&moods[wardi_rng_next(&rng) % CHILDREN], (unsigned)wardi_rng_next(&rng));
        wardi_sleep_until_ns(wardi_now_ns() + MS);
    }
    return argument;
}

/* On this thread and the workers, in whatever state each is: one, then all. */
static void ask_for_health(const char *name)
{
    ward_child_id id;
    ward_report report;
    ward_sweep_result result = WARD_INIT(ward_sweep_result);
    assert_int_equal(ward_supervisor_find(supervisor, name, &id), WARD_OK);
    assert_int_equal(ward_supervisor_health(supervisor, id, 0, &report), WARD_OK);
    assert_true(report.reason.length <= WARD_REASON_BYTES_MAX);
    assert_int_equal(ward_supervisor_sweep(supervisor, NULL, &result), WARD_OK);
    uint64_t answers = 0;
    for (int i = 0; i < WARD_HEALTH_COUNT; i++) answers += result.by_health[i];
    assert_int_equal(answers, CHILDREN);
}

static void *ask(void *argument)
{
    for (int i = 0; i < 50 * ROUNDS; i++) {
        char name[16];
        ward_child_status status = WARD_INIT(ward_child_status);
        snprintf(name, sizeof name, "c%d", i % CHILDREN);
        assert_int_equal(ward_supervisor_child(supervisor, name, &status), WARD_OK);
        assert_true(status.reason.length <= WARD_REASON_BYTES_MAX);
        if (i % 20 == 0) ask_for_health(name);
    }
    return argument;
}

static void *stop(void *argument)
{
    ward_supervisor_stop(supervisor, 0, NULL);
    return argument;
}

static void moods_change_and_others_ask(void **state)
{
    (void)state;
    ward_supervisor_options own = WARD_INIT(ward_supervisor_options);
    own.workers = 4;
    own.on_event = on_event;
    assert_int_equal(ward_host_open(NULL, &host, NULL), WARD_OK);
    assert_int_equal(ward_supervisor_new(host, &own, &supervisor, NULL), WARD_OK);
    for (int i = 0; i < CHILDREN; i++) add_child(i);
    assert_int_equal(ward_supervisor_start(supervisor, NULL), WARD_OK);

    pthread_t threads[4];
    pthread_create(&threads[0], NULL, change_moods, NULL);
    pthread_create(&threads[1], NULL, ask, NULL);
    pthread_join(threads[0], NULL);
    pthread_create(&threads[2], NULL, stop, NULL);
    pthread_create(&threads[3], NULL, stop, NULL);
    for (int i = 1; i < 4; i++) pthread_join(threads[i], NULL);

    for (int i = 0; i < CHILDREN; i++) assert_int_equal(atomic_load(&guests[i].instances), 0);
    ward_supervisor_free(supervisor);
    ward_host_close(host);
    assert_true(atomic_load(&events) > CHILDREN);
    assert_int_equal(atomic_load(&overlaps), 0);
    assert_int_equal(atomic_load(&disorder), 0);
    for (int i = 0; i < CHILDREN; i++) assert_int_equal(atomic_load(&guests[i].modules), 0);
}

/* ---- a check that does not come back ---- */

static atomic_bool held;

static ward_error run_held(fake_guest *guest, const wardi_value *args, wardi_value *results,
                           uint64_t timeout_ns, ward_trap *trap)
{
    (void)guest, (void)args, (void)timeout_ns, (void)trap;
    results[0].bits = 0;
    while (atomic_load(&held)) wardi_sleep_until_ns(wardi_now_ns() + MS);
    return WARD_OK;
}

/* Each but `not` has been checked so often from now on; false: not in ten seconds. */
static bool all_checked(int times, int not )
{
    int before[CHILDREN];
    uint64_t limit_ns = wardi_now_ns() + 10 * WARDI_S;
    for (int i = 0; i < CHILDREN; i++) before[i] = atomic_load(&guests[i].calls);
    for (int i = 0; i < CHILDREN;) {
        if (i == not || atomic_load(&guests[i].calls) - before[i] >= times) {
            i++;
            continue;
        }
        if (wardi_now_ns() > limit_ns) return false;
        wardi_sleep_until_ns(wardi_now_ns() + MS);
    }
    return true;
}

/* They share a round with it, and go by themselves as long as it is held up. */
static void the_others_are_checked_all_the_same(void **state)
{
    (void)state;
    enum { HELD = 5, TIMES = 20 };
    ward_supervisor_options own = WARD_INIT(ward_supervisor_options);
    own.workers = 2;
    assert_int_equal(ward_host_open(NULL, &host, NULL), WARD_OK);
    assert_int_equal(ward_supervisor_new(host, &own, &supervisor, NULL), WARD_OK);
    for (int i = 0; i < CHILDREN; i++) {
        atomic_store(&moods[i], 0);
        add_child(i);
    }
    guests[HELD].exports[guests[HELD].export_count - 1].run = run_held;
    assert_int_equal(ward_supervisor_start(supervisor, NULL), WARD_OK);
    assert_true(all_checked(TIMES, CHILDREN));
    atomic_store(&held, true);
    int before = atomic_load(&guests[HELD].calls);
    bool beside = all_checked(TIMES, HELD) && all_checked(TIMES, HELD);
    int meanwhile = atomic_load(&guests[HELD].calls) - before;
    atomic_store(&held, false);
    assert_true(beside);
    assert_in_range(meanwhile, 0, 1);
    assert_true(all_checked(TIMES, CHILDREN));
    ward_supervisor_free(supervisor);
    ward_host_close(host);
}

static long switches(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_nvcsw;
}

/* Workers that wake each other for nothing do so tens of thousands of times in such a while. */
static void an_idle_supervisor_sleeps(void **state)
{
    (void)state;
    ward_supervisor_options own = WARD_INIT(ward_supervisor_options);
    own.workers = 4;
    own.on_event = on_event;
    assert_int_equal(ward_host_open(NULL, &host, NULL), WARD_OK);
    assert_int_equal(ward_supervisor_new(host, &own, &supervisor, NULL), WARD_OK);
    fake_init(&guests[0]);
    ward_component_options component = WARD_INIT(ward_component_options);
    component.name = "idle";
    FAKE_SOURCE(component, &guests[0]);
    ward_child_options options = WARD_INIT(ward_child_options);
    options.component = &component;
    assert_int_equal(ward_supervisor_add(supervisor, &options, NULL), WARD_OK);
    assert_int_equal(ward_supervisor_start(supervisor, NULL), WARD_OK);
    wardi_sleep_until_ns(wardi_now_ns() + 100 * MS);
    long before = switches();
    wardi_sleep_until_ns(wardi_now_ns() + 300 * MS);
    assert_in_range(switches() - before, 0, 500);
    ward_supervisor_free(supervisor);
    ward_host_close(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(moods_change_and_others_ask),
                                       cmocka_unit_test(the_others_are_checked_all_the_same),
                                       cmocka_unit_test(an_idle_supervisor_sleeps)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
