/* What becomes of messages, in a world whose time the test moves: those that are tried again, and
 * those that nobody handles; and groups that nobody is in. */
#include "fake_world.h"

enum { INBOX_AT = 1024 };

static fake_guest guest_a;
static uint32_t entered;

/* "t" is its end. */
static ward_error run_letter(fake_guest *fake, const wardi_value *args, wardi_value *results,
                             uint64_t timeout_ns, ward_trap *trap)
{
    (void)timeout_ns;
    results[0].bits = 0;
    entered++;
    if (fake->memory[args[0].bits] != 't') return WARD_OK;
    fake->cause = "unreachable";
    return fake_end(fake, WARD_ERROR_TRAP, trap);
}

static ward_error run_alloc(fake_guest *fake, const wardi_value *args, wardi_value *results,
                            uint64_t timeout_ns, ward_trap *trap)
{
    (void)fake, (void)args, (void)timeout_ns, (void)trap;
    results[0].bits = INBOX_AT;
    return WARD_OK;
}

static void add_guest(bool handles)
{
    ward_component_options component = WARD_INIT(ward_component_options);
    ward_child_options options = WARD_INIT(ward_child_options);
    component.name = "a";
    fake_init(&guest_a);
    fake_func(&guest_a, "ward_alloc", 1, &fake_i32, run_alloc);
    if (handles) fake_func(&guest_a, "handle-message", 2, &fake_i64, run_letter);
    FAKE_SOURCE(component, &guest_a);
    options.component = &component;
    options.poison_after = 3;
    options.backoff.shape = WARD_BACKOFF_FIXED;
    options.backoff.initial_ns = 100 * WARDI_MS;
    options.backoff.jitter = -1;
    entered = 0;
    assert_int_equal(ward_supervisor_add(supervisor, &options, NULL), WARD_OK);
}

static ward_error no_start(void *context, ward_diag *ret_diag)
{
    (void)context, (void)ret_diag;
    return WARD_OK;
}

static void add_native(const char *name, const char *in)
{
    ward_native_options native = WARD_INIT(ward_native_options);
    ward_child_options options = WARD_INIT(ward_child_options);
    native.name = name;
    native.start = no_start;
    options.native = &native;
    options.group = in;
    assert_int_equal(ward_supervisor_add(supervisor, &options, NULL), WARD_OK);
}

static void start(void)
{
    assert_int_equal(ward_supervisor_start(supervisor, NULL), WARD_OK);
    pass(WARDI_MS);
}

static ward_error request(const char *name, const char *text, uint64_t timeout_ns)
{
    return ward_supervisor_request(supervisor, id_of(name), (const uint8_t *)text, strlen(text),
                                   NULL, 0, NULL, timeout_ns);
}

/* ---- tried again ---- */

static void test_as_long_as_there_is_time(void **state)
{
    (void)state;
    open_world();
    add_guest(true);
    start();
    assert_int_equal(request("a", "t", 10 * WARDI_S), WARD_ERROR_TRAP);
    assert_int_equal(entered, 3);
    assert_int_equal(counts_of("a").set_aside, 1);
    const uint8_t end = 't'; /* what nobody asked has time */
    assert_int_equal(ward_supervisor_send(supervisor, id_of("a"), &end, 1), WARD_OK);
    pass(5 * WARDI_S);
    assert_int_equal(entered, 6);
    assert_int_equal(counts_of("a").set_aside, 2);
    assert_int_equal(counts_of("a").expired, 0);
}

/* The asker's time ends while the guest is held back: it dies of this message once, not again. */
static void test_not_when_there_is_none(void **state)
{
    (void)state;
    open_world();
    add_guest(true);
    start();
    assert_int_equal(request("a", "t", 50 * WARDI_MS), WARD_ERROR_REPLY_TIMEOUT);
    assert_int_equal(counts_of("a").pending, 1);
    pass(WARDI_S);
    assert_int_equal(entered, 1);
    assert_int_equal(status_of("a").restarts, 1);
    assert_int_equal(counts_of("a").expired, 1);
    assert_int_equal(counts_of("a").handled, 0);
    assert_int_equal(request("a", "x", 0), WARD_OK); /* and it serves */
}

/* ---- nobody handles it ---- */

static void assert_refuses(const char *name)
{
    const uint8_t byte = 'x';
    assert_int_equal(ward_supervisor_send(supervisor, id_of(name), &byte, 1), WARD_OK);
    pass(WARDI_MS);
    assert_int_equal(counts_of(name).refused, 1);
    assert_int_equal(request(name, "x", 0), WARD_ERROR_EXPORT_MISSING);
    assert_int_equal(counts_of(name).refused, 2);
    assert_int_equal(counts_of(name).handled, 0);
}

static void test_no_handler(void **state)
{
    (void)state;
    open_world();
    add_guest(false);
    start();
    assert_refuses("a");
}

static void test_no_native_handler(void **state)
{
    (void)state;
    open_world();
    add_native("n", NULL);
    start();
    assert_refuses("n");
}

/* ---- nobody is in it ---- */

static struct {
    char last[256];
    uint32_t count;
} told;

static void on_event(void *context, const ward_event *event)
{
    (void)context;
    if (event->kind != WARD_EVENT_GROUP_HEALTH) return;
    told.count++;
    snprintf(told.last, sizeof told.last, "%s %s%s", event->component,
             ward_child_health_name(event->health), event->ready ? " ready" : "");
}

static void add_group(const char *name)
{
    ward_group_options options = WARD_INIT(ward_group_options);
    options.name = name;
    assert_int_equal(ward_supervisor_add_group(supervisor, &options, NULL), WARD_OK);
}

static void test_empty_groups(void **state)
{
    (void)state;
    open_world_telling(on_event);
    told.count = 0;
    add_group("before");
    assert_int_equal(told.count, 0);
    start();
    assert_int_equal(told.count, 1);
    assert_string_equal(told.last, "before healthy ready");
    add_group("later");
    assert_int_equal(told.count, 2);
    assert_string_equal(told.last, "later healthy ready");
    add_native("n", "later");
    pass(WARDI_MS);
    assert_string_equal(told.last, "later healthy ready");
    assert_int_equal(ward_supervisor_ask(supervisor, "n", WARD_REQUEST_STOP, NULL), WARD_OK);
    pass(WARDI_MS);
    assert_string_equal(told.last, "later degraded");
    assert_int_equal(ward_supervisor_ask(supervisor, "n", WARD_REQUEST_REMOVE, NULL), WARD_OK);
    pass(WARDI_MS);
    assert_string_equal(told.last, "later healthy ready");
}

#define TEST(name) cmocka_unit_test_teardown(name, close_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_as_long_as_there_is_time),
        TEST(test_not_when_there_is_none),
        TEST(test_no_handler),
        TEST(test_no_native_handler),
        TEST(test_empty_groups),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
