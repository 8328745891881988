/* What the tests of supervisors share: guests, a record of events, children in a line. */
#ifndef HOST_KIT_H
#define HOST_KIT_H

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

#define MS UINT64_C(1000000)
#define PATIENCE_NS (UINT64_C(20) * WARDI_S) /* a bound on hangs, not an expectation */

#define FRAME_MEMORY(bytes) "(memory (export \"memory\") 1) (data (i32.const 16) \"" bytes "\")"
static const char __attribute__((unused)) healthy[] = "(module " FRAME_MEMORY(
    "\\81\\0e\\00") "(func (export \"_health\") (result i32) i32.const 16))";
static const char __attribute__((unused)) unhealthy[] = "(module " FRAME_MEMORY(
    "\\81\\0e\\02\\04\\00\\00\\00disk") "(func (export \"_health\") (result i32) i32.const 16))";
static const char __attribute__((unused)) traps_on_third[] =
    "(module (global $n (mut i32) (i32.const 0)) (func (export \"_health\") (result i32)"
    "  (global.set $n (i32.add (global.get $n) (i32.const 1)))"
    "  (if (i32.ge_u (global.get $n) (i32.const 3)) (then unreachable)) i32.const 0))";
static const char __attribute__((unused)) no_export[] = "(module)";
static const char __attribute__((unused)) traps_in_start[] =
    "(module (func $s unreachable) (start $s))";
static const char __attribute__((unused)) hangs[] =
    "(module (func (export \"_health\") (result i32) (loop $l br $l) unreachable))";
/* Unhealthy at every fourth check of an instance, so that a restart makes it well. */
static const char __attribute__((unused)) falls_ill[] = "(module " FRAME_MEMORY(
    "\\81\\0e\\02\\01\\00\\00\\00x") "(global $n (mut i32) (i32.const 0))"
                                     "(func (export \"_health\") (result i32)"
                                     "  (global.set $n (i32.add (global.get $n) (i32.const 1)))"
                                     "  (select (i32.const 16) (i32.const 0) (i32.ge_u (global.get "
                                     "$n) (i32.const 4)))))";

/* ---- what happened ---- */

enum { EVENTS_MAX = 4096 };
typedef struct seen {
    ward_event event;
    char component[64], reason[256], version[64];
} seen;
static struct {
    pthread_mutex_t lock;
    seen events[EVENTS_MAX];
    size_t count;
} record = {.lock = PTHREAD_MUTEX_INITIALIZER};

static inline void on_event(void *context, const ward_event *event)
{
    (void)context;
    pthread_mutex_lock(&record.lock);
    if (record.count < EVENTS_MAX) {
        seen *s = &record.events[record.count++];
        s->event = *event;
        snprintf(s->component, sizeof s->component, "%s", event->component);
        snprintf(s->reason, sizeof s->reason, "%s", event->reason);
        snprintf(s->version, sizeof s->version, "%s", event->version);
    }
    pthread_mutex_unlock(&record.lock);
}

/* Index of the first event from `from` on that matches, or -1. `state` and `health` count for their
 * kinds only. */
static inline long find(size_t from, const char *component, ward_event_kind kind, int value)
{
    long found = -1;
    pthread_mutex_lock(&record.lock);
    for (size_t i = from; i < record.count && found < 0; i++) {
        const seen *s = &record.events[i];
        bool alike = s->event.kind == kind && strcmp(s->component, component) == 0;
        if (alike && kind == WARD_EVENT_STATE) alike = (int)s->event.state == value;
        if (alike && (kind == WARD_EVENT_HEALTH || kind == WARD_EVENT_GROUP_HEALTH))
            alike = (int)s->event.health == value;
        if (alike && kind == WARD_EVENT_READY) alike = (int)s->event.ready == value;
        if (alike) found = (long)i;
    }
    pthread_mutex_unlock(&record.lock);
    return found;
}

static inline long wait_for(size_t from, const char *component, ward_event_kind kind, int value)
{
    uint64_t deadline = wardi_now_ns() + PATIENCE_NS;
    while (wardi_now_ns() < deadline) {
        long at = find(from, component, kind, value);
        if (at >= 0) return at;
        wardi_sleep_until_ns(wardi_now_ns() + MS);
    }
    fail_msg("%s: no %s %d in time", component, ward_event_kind_name(kind), value);
    return -1;
}

/* ---- fixture ---- */

static ward_host *host;
static ward_supervisor *supervisor;

static inline ward_supervisor_options usual_options(void)
{
    ward_supervisor_options own = WARD_INIT(ward_supervisor_options);
    own.on_event = on_event;
    own.workers = 2;
    own.seed = 7;
    return own;
}

static inline int open_all(void **state)
{
    (void)state;
    ward_host_options options = WARD_INIT(ward_host_options);
    options.cache_directory = "";
    ward_supervisor_options own = usual_options();
    record.count = 0;
    assert_int_equal(ward_host_open(&options, &host, NULL), WARD_OK);
    assert_int_equal(ward_supervisor_new(host, &own, &supervisor, NULL), WARD_OK);
    return 0;
}

static inline int close_all(void **state)
{
    (void)state;
    ward_supervisor_free(supervisor);
    ward_host_close(host);
    return 0;
}

typedef struct child_spec {
    const char *name, *wat;
    const char *needs[3];
    ward_child_options options;
    ward_health_policy health;
    uint64_t start_timeout_ns;
} child_spec;

static inline ward_error add(child_spec spec, ward_diag *diag)
{
    ward_component_options component = WARD_INIT(ward_component_options);
    component.name = spec.name;
    component.bytes = (const uint8_t *)spec.wat;
    component.byte_count = strlen(spec.wat);
    component.health = spec.health;
    component.start_timeout_ns = spec.start_timeout_ns;
    ward_child_options options = spec.options;
    options.size = sizeof options;
    options.component = &component;
    options.needs = spec.needs;
    while (options.need_count < 3 && spec.needs[options.need_count] != NULL) options.need_count++;
    if (options.interval_ns == 0) options.interval_ns = 5 * MS;
    if (options.backoff.initial_ns == 0) options.backoff.initial_ns = 2 * MS;
    return ward_supervisor_add(supervisor, &options, diag);
}

static inline void start(void)
{
    ward_diag diag = {0};
    ward_error error = ward_supervisor_start(supervisor, &diag);
    if (error != WARD_OK) fail_msg("%s", diag.text);
}

static inline ward_child_id id_of(const char *name)
{
    ward_child_id id = 0;
    assert_int_equal(ward_supervisor_find(supervisor, name, &id), WARD_OK);
    return id;
}

static inline ward_child_status status_of(const char *name)
{
    ward_child_status status = WARD_INIT(ward_child_status);
    assert_int_equal(ward_supervisor_child(supervisor, name, &status), WARD_OK);
    return status;
}

static inline void add_group(ward_group_options options)
{
    ward_diag diag;
    options.size = sizeof options;
    if (options.backoff.initial_ns == 0) options.backoff.initial_ns = 2 * MS;
    if (ward_supervisor_add_group(supervisor, &options, &diag) != WARD_OK)
        fail_msg("%s", diag.text);
}

/* A group's event with these words. */
static inline void wait_for_group(size_t from, const char *name, const char *words)
{
    for (;;) {
        long at = wait_for(from, name, WARD_EVENT_GROUP, 0);
        if (strcmp(record.events[at].reason, words) == 0) return;
        from = (size_t)at + 1;
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_all, close_all)

#endif
