/* A tree among threads, for ThreadSanitizer: native children that write to each other and come and
 * go in readiness, while operators restart, stop, start, quarantine, release, remove, add and
 * replace them.
 * What the callbacks write is plain: that they run one at a time, each after the one before, is
 * Ward's promise. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <ward/ward.h>

#include "base/base.h"

enum { BASES = 2, PARTS = 8, OPERATORS = 2, ASKERS = 2, ROUNDS = 1500 };
#define PATIENCE_NS (UINT64_C(60) * WARDI_S) /* a bound on hangs, not an expectation */

typedef struct part {
    char name[8];
    uint64_t starts, stops, checks, handled; /* plain */
} part;

static ward_supervisor *supervisor;
static part parts[BASES + PARTS];
static atomic_int wrong, answered, refused;

static ward_error start(void *context, ward_diag *ret_diag)
{
    part *p = context;
    (void)ret_diag;
    p->starts++;
    return WARD_OK;
}

static void stop(void *context)
{
    part *p = context;
    p->stops++;
}

/* Every other check of a base is Degraded, which is not ready by its own choice: nor are those
 * that need it. */
static void health(void *context, ward_report *ret_report)
{
    part *p = context;
    if (++p->checks % 2 == 0 && p < parts + BASES) ret_report->status = WARD_HEALTH_DEGRADED;
}

/* Passes on what it gets, once in a while to one that waits for it, which it must not wait for. */
static ward_error handle(void *context, const ward_message *message, ward_diag *ret_diag)
{
    part *p = context;
    ward_child_id next;
    (void)ret_diag;
    p->handled++;
    if (message->sender[0] == '\0' && message->wants_answer &&
        ward_supervisor_find(supervisor, parts[p->handled % (BASES + PARTS)].name, &next) ==
            WARD_OK)
        ward_supervisor_send(supervisor, next, message->bytes, message->length);
    if (p->handled % 200 == 0) return WARD_ERROR_TRAP;
    return ward_message_reply(message, message->bytes, message->length);
}

static ward_error with_part(part *p, ward_error (*call)(ward_supervisor *s,
                                                        const ward_child_options *options,
                                                        ward_diag *ret_diag))
{
    const char *const needs[BASES] = {parts[0].name, parts[1].name};
    ward_native_options native = WARD_INIT(ward_native_options);
    native.name = p->name;
    native.context = p;
    native.start = start;
    native.stop = stop;
    native.health = health;
    native.handle = handle;
    ward_child_options options = WARD_INIT(ward_child_options);
    options.native = &native;
    options.interval_ns = WARDI_MS;
    options.ready_when = WARD_READY_WHEN_HEALTHY;
    options.flap_changes_max = 31 - 1;
    options.backoff.shape = WARD_BACKOFF_OFF;
    options.backoff.restarts_max = 255;
    options.backoff.window_ns = WARDI_MS;
    options.needs = needs;
    options.need_count = p >= parts + BASES ? BASES : 0;
    return call(supervisor, &options, NULL);
}

static ward_error add_part(part *p)
{
    return with_part(p, ward_supervisor_add);
}

static void *operate(void *argument)
{
    static const ward_request requests[] = {
        WARD_REQUEST_RESTART, WARD_REQUEST_RESTART, WARD_REQUEST_RESTART,    WARD_REQUEST_STOP,
        WARD_REQUEST_START,   WARD_REQUEST_START,   WARD_REQUEST_QUARANTINE, WARD_REQUEST_RELEASE,
        WARD_REQUEST_RELEASE, WARD_REQUEST_START};
    wardi_rng rng;
    wardi_rng_init(&rng, (uint64_t)(uintptr_t)argument);
    for (int i = 0; i < ROUNDS; i++) {
        part *p = &parts[BASES + wardi_rng_next(&rng) % PARTS];
        ward_request request = requests[wardi_rng_next(&rng) % WARD_COUNT(requests)];
        ward_supervisor_ask(supervisor, p->name, request, NULL);
        if (i % 4 == 0) wardi_sleep_until_ns(wardi_now_ns() + 200 * WARDI_US);
    }
    return NULL;
}

/* The last one is removed and added: whoever writes to it finds it gone. */
static void *come_and_go(void *argument)
{
    part *p = &parts[BASES + PARTS - 1];
    for (int i = 0; i < ROUNDS / 10; i++) {
        ward_supervisor_ask(supervisor, p->name, WARD_REQUEST_REMOVE, NULL);
        wardi_sleep_until_ns(wardi_now_ns() + WARDI_MS);
        ward_error error = add_part(p);
        if (error != WARD_OK && error != WARD_ERROR_DUPLICATE) atomic_fetch_add(&wrong, 1);
    }
    return argument;
}

/* All but the last get a new child in their place, again and again: those that others need, too. */
static void *take_places(void *argument)
{
    for (int i = 0; i < ROUNDS / 10; i++) {
        ward_error error = with_part(&parts[i % (BASES + PARTS - 1)], ward_supervisor_replace);
        if (error != WARD_OK) atomic_fetch_add(&wrong, 1);
    }
    return argument;
}

static void *ask(void *argument)
{
    for (uint64_t i = 0; i < ROUNDS; i++) {
        ward_child_id id;
        uint64_t heard = 0;
        ward_report report;
        const part *p = &parts[i % (BASES + PARTS)];
        if (ward_supervisor_find(supervisor, p->name, &id) != WARD_OK) continue;
        ward_error error = ward_supervisor_request(supervisor, id, (const uint8_t *)&i, sizeof i,
                                                   (uint8_t *)&heard, sizeof heard, NULL, WARDI_MS);
        if (error == WARD_OK && heard != i) atomic_fetch_add(&wrong, 1);
        atomic_fetch_add(error == WARD_OK ? &answered : &refused, 1);
        if (i % 8 == 0) ward_supervisor_health(supervisor, id, WARDI_MS, &report);
    }
    return argument;
}

static bool is_settled(const part *p)
{
    ward_child_status status = WARD_INIT(ward_child_status);
    ward_message_counts c = WARD_INIT(ward_message_counts);
    if (ward_supervisor_child(supervisor, p->name, &status) != WARD_OK) return true;
    if (ward_supervisor_message_counts(supervisor, p->name, &c) != WARD_OK) return true;
    if (status.given_up) ward_supervisor_ask(supervisor, p->name, WARD_REQUEST_RELEASE, NULL);
    if (status.state != WARD_STATE_READY) {
        ward_supervisor_ask(supervisor, p->name, WARD_REQUEST_START, NULL);
        return false;
    }
    return c.pending == 0 &&
           c.sent == c.handled + c.refused + c.dropped + c.expired + c.undelivered + c.set_aside;
}

static void expect_all_settled(void)
{
    uint64_t patience = wardi_now_ns() + PATIENCE_NS;
    for (size_t i = 0; i < BASES + PARTS; i++)
        while (!is_settled(&parts[i])) {
            if (wardi_now_ns() > patience) fail_msg("%s does not settle", parts[i].name);
            wardi_sleep_until_ns(wardi_now_ns() + WARDI_MS);
        }
}

static void begin(ward_host **ret_host)
{
    ward_supervisor_options own = WARD_INIT(ward_supervisor_options);
    own.workers = 3;
    assert_int_equal(ward_host_open(NULL, ret_host, NULL), WARD_OK);
    assert_int_equal(ward_supervisor_new(*ret_host, &own, &supervisor, NULL), WARD_OK);
    for (int i = 0; i < BASES + PARTS; i++) {
        parts[i] = (part){0};
        snprintf(parts[i].name, sizeof parts[i].name, "p%d", i);
        assert_int_equal(add_part(&parts[i]), WARD_OK);
    }
    assert_int_equal(ward_supervisor_start(supervisor, NULL), WARD_OK);
}

static void end(ward_host *host)
{
    expect_all_settled();
    ward_supervisor_free(supervisor);
    ward_host_close(host);
    assert_int_equal(atomic_load(&wrong), 0);
    for (int i = 0; i < BASES + PARTS; i++) assert_int_equal(parts[i].starts, parts[i].stops);
}

static void all_at_once(void **state)
{
    (void)state;
    ward_host *host;
    pthread_t threads[OPERATORS + ASKERS + 2];
    begin(&host);
    for (uintptr_t i = 0; i < WARD_COUNT(threads); i++) {
        void *(*run)(void *) = i < OPERATORS        ? operate
                               : i == OPERATORS     ? come_and_go
                               : i == OPERATORS + 1 ? take_places
                                                    : ask;
        assert_int_equal(pthread_create(&threads[i], NULL, run, (void *)(i + 1)), 0);
    }
    for (size_t i = 0; i < WARD_COUNT(threads); i++) pthread_join(threads[i], NULL);
    assert_true(atomic_load(&answered) > 0);
    end(host);
}

/* ---- a need that comes and goes while those that need it start ---- */

static atomic_bool over;

static void *restart_all(void *argument)
{
    for (int i = 0; i < ROUNDS; i++) {
        for (int k = 0; k < PARTS; k++)
            ward_supervisor_ask(supervisor, parts[BASES + k].name, WARD_REQUEST_RESTART, NULL);
        wardi_sleep_until_ns(wardi_now_ns() + 2 * WARDI_MS);
    }
    atomic_store(&over, true);
    return argument;
}

static void *look_all(void *argument)
{
    while (!atomic_load(&over)) {
        ward_child_status status = WARD_INIT(ward_child_status);
        for (int k = 0; k < PARTS; k++)
            ward_supervisor_child(supervisor, parts[BASES + k].name, &status);
    }
    return argument;
}

/* What runs says that it is Ready before the supervisor has noted it: who looks in between, because
 * the need has become ready, must not take the health of the run before for that of this one. */
static void a_need_comes_while_others_start(void **state)
{
    (void)state;
    ward_host *host;
    pthread_t threads[3];
    begin(&host);
    assert_int_equal(pthread_create(&threads[0], NULL, restart_all, NULL), 0);
    assert_int_equal(pthread_create(&threads[1], NULL, look_all, NULL), 0);
    assert_int_equal(pthread_create(&threads[2], NULL, look_all, NULL), 0);
    for (size_t i = 0; i < WARD_COUNT(threads); i++) pthread_join(threads[i], NULL);
    end(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_at_once),
                                       cmocka_unit_test(a_need_comes_while_others_start)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
