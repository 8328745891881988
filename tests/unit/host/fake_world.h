/* A supervisor over the fake engine, in a world whose time the test moves: one thread, and all that
 * happens by itself happens in `pass`. */
#ifndef FAKE_WORLD_H
#define FAKE_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <ward/ward.h>

#include "fake/fake.h"
#include "host/guest.h"
#include "host/host.h"

static uint64_t now, limit;
static bool at_limit;

static uint64_t world_now(void *context)
{
    (void)context;
    return now;
}

static uint64_t world_random(void *context)
{
    (void)context;
    return 7;
}

static void world_sleep(void *context, uint64_t until_ns)
{
    (void)context;
    at_limit = until_ns > limit;
    now = at_limit ? limit : until_ns;
}

static const wardi_sched_world world = {
    .now_ns = world_now, .random = world_random, .sleep_until_ns = world_sleep};

static ward_host *host;
static ward_supervisor *supervisor;

/* All that happens by itself in so long. */
static void pass(uint64_t ns)
{
    limit = now + ns;
    at_limit = false;
    while (wardi_supervisor_step(supervisor) && !at_limit) {}
    now = limit;
    limit = UINT64_MAX;
}

static void open_world_telling(ward_event_callback on_event)
{
    ward_supervisor_options own = WARD_INIT(ward_supervisor_options);
    own.workers = 2;
    own.on_event = on_event;
    /* Ahead of the real clock, which some still read: a tree's time does not go back. */
    now = (wardi_now_ns() / WARDI_S + 3600) * WARDI_S;
    limit = UINT64_MAX;
    assert_int_equal(ward_host_open(NULL, &host, NULL), WARD_OK);
    assert_int_equal(ward_supervisor_new(host, &own, &supervisor, NULL), WARD_OK);
    wardi_supervisor_world_set(supervisor, &world);
}

__attribute__((unused)) static void open_world(void)
{
    open_world_telling(NULL);
}

static int close_all(void **state)
{
    (void)state;
    ward_supervisor_free(supervisor);
    ward_host_close(host);
    return 0;
}

__attribute__((unused)) static ward_child_id id_of(const char *name)
{
    ward_child_id id = 0;
    assert_int_equal(ward_supervisor_find(supervisor, name, &id), WARD_OK);
    return id;
}

static ward_child_status status_of(const char *name)
{
    ward_child_status status = WARD_INIT(ward_child_status);
    assert_int_equal(ward_supervisor_child(supervisor, name, &status), WARD_OK);
    return status;
}

__attribute__((unused)) static ward_message_counts counts_of(const char *name)
{
    ward_message_counts c = WARD_INIT(ward_message_counts);
    assert_int_equal(ward_supervisor_message_counts(supervisor, name, &c), WARD_OK);
    assert_int_equal(c.sent, c.handled + c.refused + c.dropped + c.expired + c.undelivered +
                                 c.set_aside + c.pending);
    return c;
}

__attribute__((unused)) static void asks(const char *name, ward_request request)
{
    assert_int_equal(ward_supervisor_ask(supervisor, name, request, NULL), WARD_OK);
    pass(WARDI_MS);
}

#endif
