/* Checks, calls, figures, starts and stops of several threads on one component, and on two. Under
 * ThreadSanitizer every race shows; everywhere the fake engine stops the test when two activities
 * are inside a guest at once. */
#include <pthread.h>

#include "fake/fixture.h"

enum { THREADS_PER_ROLE = 2, ROUNDS = 20000, COMPONENTS = 2 };

static const uint8_t slow[] = {0x81, 0x0e, 0x01, 4, 0, 0, 0, 's', 'l', 'o', 'w'};
static const uint8_t rather_slow[] = {0x81, 0x0e, 0x01, 11,  0,   0,   0,   'r', 'a',
                                      't',  'h',  'e',  'r', ' ', 's', 'l', 'o', 'w'};

typedef struct subject {
    fake_guest guest;
    ward_component *component;
    _Atomic uint64_t turns;
} subject;

static subject subjects[COMPONENTS];
static wardi_engine *engine;

static bool among(const char *text, const char *const *known)
{
    for (; *known != NULL; known++)
        if (strncmp(text, *known, strlen(*known)) == 0) return true;
    return false;
}

/* Whatever the others do, each answer is one that the component can give, and whole. */
static void *check(void *context)
{
    static const char *const degraded[] = {"slow",
                                           "rather slow",
                                           "Component starting",
                                           "Component stopping",
                                           "Component in state: terminated",
                                           "_health trapped: unreachable",
                                           NULL};
    static const char *const failed[] = {"declared failed", "WASM runtime not loaded", NULL};
    subject *s = context;
    ward_verdict verdict;
    for (int i = 0; i < ROUNDS; i++) {
        ward_component_check(s->component, &verdict);
        if (verdict.health == WARD_CHILD_DEGRADED)
            WARD_ASSERT(among(verdict.reason.text, degraded));
        if (verdict.health == WARD_CHILD_FAILED) WARD_ASSERT(among(verdict.reason.text, failed));
        if (verdict.health == WARD_CHILD_HEALTHY) WARD_ASSERT(verdict.reason.length == 0);
        WARD_ASSERT(strlen(verdict.reason.text) == verdict.reason.length);
    }
    return NULL;
}

static void *call(void *context)
{
    subject *s = context;
    for (int i = 0; i < ROUNDS; i++) {
        ward_error error = ward_component_call(s->component, "work", NULL, 0, NULL, NULL, 0, NULL);
        WARD_ASSERT(error == WARD_OK || error == WARD_ERROR_BUSY || error == WARD_ERROR_STATE);
    }
    return NULL;
}

static void *read_figures(void *context)
{
    subject *s = context;
    ward_figures figures = WARD_INIT(ward_figures);
    ward_reason why;
    ward_trap trap;
    uint64_t checks = 0;
    for (int i = 0; i < ROUNDS; i++) {
        ward_component_figures(s->component, &figures);
        WARD_ASSERT(figures.checks >= checks);
        checks = figures.checks;
        WARD_ASSERT(figures.memory_bytes == 0 || figures.memory_bytes == FAKE_MEMORY_BYTES);
        ward_component_failure(s->component, &why);
        WARD_ASSERT(why.length == 0 || strcmp(why.text, "declared failed") == 0);
        ward_component_last_trap(s->component, &trap);
        WARD_ASSERT(trap.error == WARD_OK || strcmp(trap.cause, "unreachable") == 0);
        wardi_component_restarts_set(s->component, (uint64_t)i);
    }
    return NULL;
}

static void *live_and_die(void *context)
{
    subject *s = context;
    ward_reason why;
    wardi_reason_set(&why, "declared failed");
    for (int i = 0; i < ROUNDS / 4; i++) {
        ward_component_start(s->component, NULL);
        if (i % 3 == 0)
            wardi_component_fail(s->component, &why, NULL);
        else if (i % 3 == 1)
            ward_component_stop(s->component, NULL);
    }
    return NULL;
}

/* Answers by turns, as a guest would: slow, rather slow, healthy, a trap. */
static ward_error run_turns(fake_guest *guest, const wardi_value *args, wardi_value *results,
                            uint64_t timeout_ns, ward_trap *trap)
{
    (void)args, (void)timeout_ns;
    subject *s = guest->during_context;
    switch (atomic_fetch_add(&s->turns, 1) % 4) {
    case 0: fake_frame(guest, 16, slow, sizeof slow); break;
    case 1: fake_frame(guest, 16, rather_slow, sizeof rather_slow); break;
    case 2: guest->health_bits = 0; break;
    default: guest->cause = "unreachable"; return fake_end(guest, WARD_ERROR_TRAP, trap);
    }
    results[0].bits = guest->health_bits;
    return WARD_OK;
}

static void make_subject(subject *s, bool with_resources)
{
    fake_init(&s->guest);
    s->guest.during_context = s;
    fake_health(&s->guest, WARDI_I32);
    s->guest.exports[0].run = run_turns;
    fake_func(&s->guest, "work", 0, NULL, run_nothing);
    fake_func(&s->guest, "_cleanup", 0, NULL, run_nothing);
    ward_component_options options = WARD_INIT(ward_component_options);
    options.name = "shared";
    if (with_resources) options.health.resources[WARD_RESOURCE_MEMORY].degraded_at = 0.9;
    FAKE_SOURCE(options, &s->guest);
    assert_int_equal(wardi_component_new(engine, &options, &s->component, NULL), WARD_OK);
}

static void run_all(void *(*const *roles)(void *), size_t role_count, size_t components)
{
    pthread_t threads[64];
    size_t count = 0;
    for (size_t c = 0; c < components; c++)
        for (size_t role = 0; role < role_count; role++)
            for (int i = 0; i < THREADS_PER_ROLE; i++)
                assert_int_equal(pthread_create(&threads[count++], NULL, roles[role], &subjects[c]),
                                 0);
    for (size_t i = 0; i < count; i++) pthread_join(threads[i], NULL);
}

static void with_subjects(void *(*const *roles)(void *), size_t role_count, size_t components,
                          bool started)
{
    wardi_engine_options options = {0};
    wardi_ticks_init();
    memset(subjects, 0, sizeof subjects);
    assert_int_equal(wardi_engine_new(&options, &engine, NULL), WARD_OK);
    for (size_t c = 0; c < components; c++) {
        make_subject(&subjects[c], c == 1);
        if (started) assert_int_equal(ward_component_start(subjects[c].component, NULL), WARD_OK);
    }
    run_all(roles, role_count, components);
    for (size_t c = 0; c < components; c++) {
        ward_component_free(subjects[c].component);
        assert_int_equal(atomic_load(&subjects[c].guest.instances), 0);
        assert_int_equal(atomic_load(&subjects[c].guest.modules), 0);
    }
    wardi_engine_free(engine);
}

static void *(*const roles[])(void *) = {check, call, read_figures, live_and_die};

static void test_checks_and_calls_of_a_ready_one(void **state)
{
    (void)state;
    with_subjects(roles, 3, 1, true);
}

static void test_one_component(void **state)
{
    (void)state;
    with_subjects(roles, WARD_COUNT(roles), 1, false);
}

static void test_two_components(void **state)
{
    (void)state;
    with_subjects(roles, WARD_COUNT(roles), 2, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_checks_and_calls_of_a_ready_one),
        cmocka_unit_test(test_one_component),
        cmocka_unit_test(test_two_components),
    };
    (void)fixture_setup;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
