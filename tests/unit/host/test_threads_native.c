/* Native children in a group among threads, for ThreadSanitizer: messages, crashes, restarts,
 * health and status at once, and one of them stops it all. What the callbacks write is plain: that
 * they run one at a time, each after the one before, is Ward's promise. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <ward/ward.h>

#include "base/base.h"

enum { PARTS = 6, SENDERS = 3, ROUNDS = 2000 };

typedef struct part {
    uint64_t starts, stops, checks, handled; /* plain */
} part;

static ward_supervisor *supervisor;
static part parts[PARTS];
static atomic_int wrong;

static ward_error start(void *context, ward_diag *ret_diag)
{
    part *p = context;
    (void)ret_diag;
    p->starts++;
    return p->starts % 5 == 0 ? WARD_ERROR_IO : WARD_OK;
}

static void stop(void *context)
{
    part *p = context;
    p->stops++;
}

static void health(void *context, ward_report *ret_report)
{
    part *p = context;
    if (++p->checks % 50 == 0) ret_report->status = WARD_HEALTH_UNHEALTHY;
}

static ward_error handle(void *context, const ward_message *message, ward_diag *ret_diag)
{
    part *p = context;
    (void)ret_diag;
    if (++p->handled % 100 == 0) return WARD_ERROR_TRAP;
    return ward_message_reply(message, message->bytes, message->length);
}

static void add_part(int i)
{
    char name[8];
    snprintf(name, sizeof name, "p%d", i);
    ward_native_options native = WARD_INIT(ward_native_options);
    native.name = name;
    native.context = &parts[i];
    native.start = start;
    native.stop = stop;
    native.health = health;
    native.handle = handle;
    ward_child_options options = WARD_INIT(ward_child_options);
    options.native = &native;
    options.group = "parts";
    options.interval_ns = WARDI_MS;
    options.fall = 1;
    options.backoff.shape = WARD_BACKOFF_OFF;
    options.backoff.restarts_max = 255;
    options.backoff.window_ns = WARDI_MS;
    assert_int_equal(ward_supervisor_add(supervisor, &options, NULL), WARD_OK);
}

static void *send_many(void *argument)
{
    ward_child_id ids[PARTS];
    for (int i = 0; i < PARTS; i++) {
        char name[8];
        snprintf(name, sizeof name, "p%d", i);
        if (ward_supervisor_find(supervisor, name, &ids[i]) != WARD_OK) atomic_fetch_add(&wrong, 1);
    }
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t said = (uint64_t)i, heard = 0;
        ward_report report;
        ward_child_status status = WARD_INIT(ward_child_status);
        ward_error error =
            ward_supervisor_request(supervisor, ids[i % PARTS], (const uint8_t *)&said, sizeof said,
                                    (uint8_t *)&heard, sizeof heard, NULL, 0);
        if (error == WARD_OK ? heard != said : error != WARD_ERROR_TRAP)
            atomic_fetch_add(&wrong, 1);
        if (i % 16 == 0) ward_supervisor_health(supervisor, ids[i % PARTS], 0, &report);
        ward_supervisor_child(supervisor, "p0", &status);
        ward_group_status group = WARD_INIT(ward_group_status);
        ward_supervisor_group(supervisor, "parts", &group);
        if (group.children != PARTS || group.healthy + group.degraded + group.failed != PARTS)
            atomic_fetch_add(&wrong, 1);
    }
    return argument;
}

static void all_at_once(void **state)
{
    (void)state;
    ward_host *host;
    pthread_t threads[SENDERS];
    ward_supervisor_options own = WARD_INIT(ward_supervisor_options);
    own.workers = 3;
    assert_int_equal(ward_host_open(NULL, &host, NULL), WARD_OK);
    assert_int_equal(ward_supervisor_new(host, &own, &supervisor, NULL), WARD_OK);
    ward_group_options group = WARD_INIT(ward_group_options);
    group.name = "parts";
    group.failures_max = 255;
    group.health = (ward_group_health){WARD_GROUP_AT_LEAST_PERCENT, 50};
    assert_int_equal(ward_supervisor_add_group(supervisor, &group, NULL), WARD_OK);
    for (int i = 0; i < PARTS; i++) add_part(i);
    assert_int_equal(ward_supervisor_start(supervisor, NULL), WARD_OK);
    for (int i = 0; i < SENDERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, send_many, NULL), 0);
    for (int i = 0; i < SENDERS; i++) pthread_join(threads[i], NULL);
    assert_int_equal(ward_supervisor_stop(supervisor, 0, NULL), WARD_OK);
    ward_supervisor_free(supervisor);
    ward_host_close(host);
    assert_int_equal(atomic_load(&wrong), 0);
    for (int i = 0; i < PARTS; i++) {
        assert_int_equal(parts[i].stops, parts[i].starts - parts[i].starts / 5);
        assert_true(parts[i].starts > 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_at_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
