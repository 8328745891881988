/* Events that nobody takes: as many wait as there is room for, and what is missing is told. */
#include "unit/host/host_kit.h"

#include <stdlib.h>

enum { GIVEN = 100000, WAITING_MAX = 65536 };

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool held, open;
    uint64_t told, newest, missing;
    char words[256];
} gate = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

/* Keeps whoever delivers until the gate is open. */
static void at_the_gate(void *context, const ward_event *event)
{
    (void)context;
    pthread_mutex_lock(&gate.lock);
    gate.held = true;
    pthread_cond_broadcast(&gate.changed);
    while (!gate.open) pthread_cond_wait(&gate.changed, &gate.lock);
    gate.told++;
    if (event->sequence != gate.newest + 1) {
        gate.missing += event->sequence - gate.newest - 1;
        snprintf(gate.words, sizeof gate.words, "%s", event->reason);
        if (event->component[0] != '\0' || event->kind != WARD_EVENT_MISSING) abort();
    }
    gate.newest = event->sequence;
    pthread_cond_broadcast(&gate.changed);
    pthread_mutex_unlock(&gate.lock);
}

static void *say_one(void *context)
{
    (void)context;
    if (ward_supervisor_record(supervisor, "", "the first") != WARD_OK) abort();
    return NULL;
}

static int open_gated(void **state)
{
    (void)state;
    ward_host_options options = WARD_INIT(ward_host_options);
    ward_supervisor_options own = usual_options();
    options.cache_directory = "";
    own.on_event = at_the_gate;
    assert_int_equal(ward_host_open(&options, &host, NULL), WARD_OK);
    assert_int_equal(ward_supervisor_new(host, &own, &supervisor, NULL), WARD_OK);
    assert_int_equal(ward_supervisor_start(supervisor, NULL), WARD_OK);
    return 0;
}

static void what_is_missing_is_told(void **state)
{
    pthread_t first;
    char words[100];
    (void)state;
    assert_int_equal(pthread_create(&first, NULL, say_one, NULL), 0);
    pthread_mutex_lock(&gate.lock);
    while (!gate.held) pthread_cond_wait(&gate.changed, &gate.lock);
    pthread_mutex_unlock(&gate.lock);
    for (int i = 0; i < GIVEN; i++)
        assert_int_equal(ward_supervisor_record(supervisor, "", "one of many"), WARD_OK);
    pthread_mutex_lock(&gate.lock);
    gate.open = true;
    pthread_cond_broadcast(&gate.changed);
    /* The first, the many, and the one that tells. */
    while (gate.newest < GIVEN + 2) pthread_cond_wait(&gate.changed, &gate.lock);
    assert_int_equal(gate.newest, GIVEN + 2);
    assert_int_equal(gate.missing, GIVEN - WAITING_MAX);
    assert_int_equal(gate.told, WAITING_MAX + 2);
    snprintf(words, sizeof words, "%d events are missing: too many at once, or no memory",
             GIVEN - WAITING_MAX);
    assert_string_equal(gate.words, words);
    pthread_mutex_unlock(&gate.lock);
    pthread_join(first, NULL);
    assert_int_equal(ward_supervisor_stop(supervisor, 0, NULL), WARD_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_missing_is_told, open_gated, close_all)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
