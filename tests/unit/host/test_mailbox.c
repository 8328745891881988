/* Mailboxes that fill up: readiness says so, apart from health, and is well again by itself; health
 * says so where it is asked to. */
#include <math.h>
#include <semaphore.h>

#include "host_kit.h"

enum { ROOM = 4 };

/* A native child whose every message waits at a gate. */
typedef struct gated {
    sem_t gate;
    atomic_int entered, checks;
} gated;
static gated the_one; /* it outlives each test: a supervisor is freed behind it */

static ward_error gated_handle(void *context, const ward_message *message, ward_diag *ret_diag)
{
    gated *g = context;
    (void)message;
    (void)ret_diag;
    atomic_fetch_add(&g->entered, 1);
    while (sem_wait(&g->gate) != 0) {}
    return WARD_OK;
}

static void gated_health(void *context, ward_report *ret_report)
{
    gated *g = context;
    (void)ret_report;
    atomic_fetch_add(&g->checks, 1);
}

/* "a", and "b" that needs it. */
static void started(gated *g, double full_at, ward_thresholds mailbox)
{
    ward_native_options native = WARD_INIT(ward_native_options);
    native.name = "a";
    native.context = g;
    native.handle = gated_handle;
    native.health = gated_health;
    native.mailbox = mailbox;
    ward_child_options options = WARD_INIT(ward_child_options);
    options.native = &native;
    options.interval_ns = MS;
    options.fall = 1;
    options.mailbox_max = ROOM;
    options.full_at = full_at;
    memset(g, 0, sizeof *g);
    sem_init(&g->gate, 0, 0);
    assert_int_equal(ward_supervisor_add(supervisor, &options, NULL), WARD_OK);
    add((child_spec){.name = "b", .wat = healthy, .needs = {"a"}}, NULL);
    start();
    wait_for(0, "b", WARD_EVENT_READY, true);
}

static void wait_until_entered(gated *g, int count)
{
    uint64_t patience_ns = wardi_now_ns() + PATIENCE_NS;
    while (atomic_load(&g->entered) < count) {
        assert_true(wardi_now_ns() < patience_ns);
        wardi_sleep_until_ns(wardi_now_ns() + MS / 10);
    }
}

/* Room for those that wait; what is one too many is refused. */
static void fill(int room)
{
    ward_child_id id;
    ward_error error = WARD_OK;
    assert_int_equal(ward_supervisor_find(supervisor, "a", &id), WARD_OK);
    for (int sent = 0; sent <= room && error == WARD_OK; sent++)
        error = ward_supervisor_send(supervisor, id, (const uint8_t *)"x", 1);
    assert_int_equal(error, WARD_ERROR_MAILBOX_FULL);
}

/* Always full while a message is at the gate, so that each check finds it full: it comes between
 * two messages. Until then some messages get through. */
static int kept_full_until(gated *g, bool (*happened)(const gated *g))
{
    uint64_t patience_ns = wardi_now_ns() + PATIENCE_NS;
    int through = 0;
    ward_child_id id;
    assert_int_equal(ward_supervisor_find(supervisor, "a", &id), WARD_OK);
    assert_int_equal(ward_supervisor_send(supervisor, id, (const uint8_t *)"x", 1), WARD_OK);
    wait_until_entered(g, 1);
    for (;;) {
        fill(ROOM);
        sem_post(&g->gate);
        wait_until_entered(g, ++through + 1);
        if (happened(g)) return through;
        assert_true(wardi_now_ns() < patience_ns);
    }
}

static bool is_unready(const gated *g)
{
    (void)g;
    return find(0, "a", WARD_EVENT_READY, false) >= 0;
}

static void let_all_go(gated *g)
{
    for (int i = 0; i < ROOM + 1; i++) sem_post(&g->gate);
}

static void full_is_unready_and_nothing_else(void **state)
{
    (void)state;
    gated *g = &the_one;
    started(g, 0, (ward_thresholds){0});
    int through = kept_full_until(g, is_unready);
    size_t unready = (size_t)find(0, "a", WARD_EVENT_READY, false);
    assert_string_equal(record.events[unready].reason, "mailbox full: 4 of 4");
    long other = wait_for(unready, "b", WARD_EVENT_READY, false);
    assert_string_equal(record.events[other].reason, "needs a: mailbox full: 4 of 4");
    ward_child_status status = status_of("a");
    assert_false(status.ready);
    assert_true(status.live);
    assert_int_equal(status.health, WARD_CHILD_HEALTHY);
    assert_string_equal(status.reason.text, "mailbox full: 4 of 4");
    /* One has been taken since. Three are full still, for it was full; two are not. */
    sem_post(&g->gate);
    wait_until_entered(g, ++through + 1);
    assert_int_equal(find(unready, "a", WARD_EVENT_READY, true), -1);
    sem_post(&g->gate);
    wait_for(unready, "a", WARD_EVENT_READY, true);
    wait_for(unready, "b", WARD_EVENT_READY, true);
    let_all_go(g);
    assert_int_equal(status_of("a").restarts, 0);
    assert_int_equal(find(0, "a", WARD_EVENT_RESTART, 0), -1);
}

/* The room is that of a share of the mailbox. */
static void full_earlier(void **state)
{
    (void)state;
    gated *g = &the_one;
    started(g, 0.5, (ward_thresholds){0});
    kept_full_until(g, is_unready);
    size_t unready = (size_t)find(0, "a", WARD_EVENT_READY, false);
    sem_post(&g->gate); /* three wait, and two */
    sem_post(&g->gate);
    sem_post(&g->gate);
    wait_for(unready, "a", WARD_EVENT_READY, true); /* at one */
    let_all_go(g);
}

static bool was_checked_often(const gated *g)
{
    return atomic_load(&g->checks) >= 20;
}

static void full_makes_no_difference_where_it_is_off(void **state)
{
    (void)state;
    gated *g = &the_one;
    started(g, -1, (ward_thresholds){0});
    kept_full_until(g, was_checked_often);
    let_all_go(g);
    assert_int_equal(find(0, "a", WARD_EVENT_READY, false), -1);
    assert_int_equal(find(0, "a", WARD_EVENT_HEALTH, WARD_CHILD_DEGRADED), -1);
}

static bool is_degraded(const gated *g)
{
    (void)g;
    return find(0, "a", WARD_EVENT_HEALTH, WARD_CHILD_DEGRADED) >= 0;
}

/* As a resource it is a matter of health, which readiness does not ask for here. */
static void health_judges_it_where_it_is_asked_to(void **state)
{
    (void)state;
    gated *g = &the_one;
    started(g, -1, (ward_thresholds){.degraded_at = 0.9});
    kept_full_until(g, is_degraded);
    long at = find(0, "a", WARD_EVENT_HEALTH, WARD_CHILD_DEGRADED);
    assert_string_equal(record.events[at].reason, "mailbox 4 of 4 (100 %)");
    assert_int_equal(record.events[at].event.source, WARD_SOURCE_RESOURCE);
    let_all_go(g);
    wait_for((size_t)at, "a", WARD_EVENT_HEALTH, WARD_CHILD_HEALTHY);
    assert_int_equal(find(0, "a", WARD_EVENT_READY, false), -1);
}

/* What was sent while it was down waits when it is checked for the first time: that comes before
 * the first message. */
static void a_component_s_too(void **state)
{
    (void)state;
    static const char takes[] =
        "(module (memory (export \"memory\") 1)"
        " (func (export \"ward_alloc\") (param i32) (result i32) i32.const 1024)"
        " (func (export \"handle-message\") (param i32 i32) (result i64) i64.const 0))";
    child_spec spec = {.name = "a", .wat = takes, .options.mailbox_max = ROOM};
    spec.health.resources[WARD_RESOURCE_MAILBOX] = (ward_thresholds){.degraded_at = 0.7};
    add(spec, NULL);
    start();
    wait_for(0, "a", WARD_EVENT_READY, true);
    assert_int_equal(ward_supervisor_ask(supervisor, "a", WARD_REQUEST_STOP, NULL), WARD_OK);
    size_t down = (size_t)wait_for(0, "a", WARD_EVENT_STATE, WARD_STATE_TERMINATED);
    fill(ROOM);
    assert_int_equal(ward_supervisor_ask(supervisor, "a", WARD_REQUEST_START, NULL), WARD_OK);
    long at = wait_for(down, "a", WARD_EVENT_HEALTH, WARD_CHILD_DEGRADED);
    assert_string_equal(record.events[at].reason, "mailbox 4 of 4 (100 %)");
    wait_for((size_t)at, "a", WARD_EVENT_READY, true);
    wait_for((size_t)at, "a", WARD_EVENT_HEALTH, WARD_CHILD_HEALTHY);
}

static void what_is_refused(void **state)
{
    (void)state;
    ward_native_options native = WARD_INIT(ward_native_options);
    native.name = "a";
    ward_child_options options = WARD_INIT(ward_child_options);
    options.native = &native;
    ward_diag diag;
    options.full_at = 1.5;
    assert_int_equal(ward_supervisor_add(supervisor, &options, &diag), WARD_ERROR_INVALID_ARGUMENT);
    assert_string_equal(diag.text, "full_at is 1.5: a share of the mailbox, at most 1");
    options.full_at = (double)NAN;
    assert_int_equal(ward_supervisor_add(supervisor, &options, &diag), WARD_ERROR_INVALID_ARGUMENT);
    options.full_at = 0;
    native.mailbox.degraded_at = 90;
    assert_int_equal(ward_supervisor_add(supervisor, &options, &diag), WARD_ERROR_INVALID_ARGUMENT);
    assert_non_null(strstr(diag.text, "health.resources.mailbox.degraded_at is 90"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(full_is_unready_and_nothing_else),
        TEST(full_earlier),
        TEST(full_makes_no_difference_where_it_is_off),
        TEST(health_judges_it_where_it_is_asked_to),
        TEST(a_component_s_too),
        TEST(what_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
