/* Needs of all instances of a component by their common name, in a world whose time the test moves:
 * who starts when, who is ready, and that nobody is restarted for it. */
#include "fake_world.h"

static fake_guest guests[3];

static ward_error add_options(const char *name, fake_guest *fake, ward_child_options options,
                              ward_diag *ret_diag)
{
    ward_component_options component = WARD_INIT(ward_component_options);
    component.name = name;
    fake_init(fake);
    FAKE_SOURCE(component, fake);
    options.size = sizeof options;
    options.component = &component;
    options.interval_ns = 3600 * WARDI_S;
    return ward_supervisor_add(supervisor, &options, ret_diag);
}

static const char *const only_web[] = {"web"};
static const ward_child_options three = {.instances = 3};
static const ward_child_options needy = {.needs = only_web, .need_count = 1};

static void add(const char *name, fake_guest *fake, ward_child_options options)
{
    ward_diag diag;
    if (add_options(name, fake, options, &diag) != WARD_OK) fail_msg("%s", diag.text);
}

static void start(void)
{
    assert_int_equal(ward_supervisor_start(supervisor, NULL), WARD_OK);
    pass(WARDI_MS);
}

static void assert_app(ward_state state, bool ready, const char *why)
{
    ward_child_status status = status_of("app");
    assert_int_equal(status.state, state);
    assert_int_equal(status.ready, ready);
    assert_int_equal(status.restarts, 0);
    if (strstr(status.reason.text, why) == NULL) fail_msg("%s", status.reason.text);
}

/* As long as all of them are ready; without one it is not, and goes on. */
static void follows_all_of_them(void)
{
    assert_app(WARD_STATE_READY, true, "");
    asks("web.1", WARD_REQUEST_STOP);
    assert_app(WARD_STATE_READY, false, "needs web.1");
    asks("web.2", WARD_REQUEST_STOP);
    asks("web.1", WARD_REQUEST_START);
    assert_app(WARD_STATE_READY, false, "needs web.2");
    asks("web.2", WARD_REQUEST_START);
    assert_app(WARD_STATE_READY, true, "");
}

/* Named before they are there. */
static void test_from_the_start(void **state)
{
    (void)state;
    open_world();
    add("app", &guests[0], needy);
    add("web", &guests[1], three);
    start();
    follows_all_of_them();
}

static void test_while_it_runs(void **state)
{
    (void)state;
    open_world();
    add("web", &guests[1], three);
    start();
    asks("web.0", WARD_REQUEST_STOP);
    add("app", &guests[0], needy);
    pass(WARDI_MS);
    assert_app(WARD_STATE_CREATING, false, "");
    asks("web.0", WARD_REQUEST_START);
    follows_all_of_them();
}

/* Many need many. */
static void test_instances_of_both(void **state)
{
    (void)state;
    ward_child_options both = needy;
    open_world();
    add("web", &guests[1], three);
    start();
    both.instances = 2;
    add("app", &guests[0], both);
    pass(WARDI_MS);
    assert_true(status_of("app.0").ready && status_of("app.1").ready);
    asks("web.2", WARD_REQUEST_STOP);
    assert_false(status_of("app.0").ready || status_of("app.1").ready);
}

/* Those that are needed stay; one that has gone before is not needed. */
static void test_removed(void **state)
{
    (void)state;
    ward_diag diag;
    open_world();
    add("web", &guests[1], three);
    start();
    asks("web.0", WARD_REQUEST_REMOVE);
    add("app", &guests[0], needy);
    pass(WARDI_MS);
    assert_app(WARD_STATE_READY, true, "");
    assert_int_equal(ward_supervisor_ask(supervisor, "web.1", WARD_REQUEST_REMOVE, &diag),
                     WARD_ERROR_STATE);
    assert_int_equal(ward_supervisor_ask(supervisor, "web", WARD_REQUEST_REMOVE, &diag),
                     WARD_ERROR_STATE);
    asks("app", WARD_REQUEST_REMOVE);
    asks("web", WARD_REQUEST_REMOVE);
}

static void test_not_all_of_them(void **state)
{
    (void)state;
    ward_diag diag;
    ward_child_options two = three;
    two.instances_health = (ward_group_health){.rule = WARD_GROUP_AT_LEAST, .least = 2};
    open_world();
    add("web", &guests[1], two);
    start();
    assert_int_equal(add_options("app", &guests[0], needy, &diag), WARD_ERROR_INVALID_ARGUMENT);
    assert_string_equal(diag.text,
                        "app needs \"web\", which is ready when not all its instances are; name "
                        "those that are needed, like \"web.0\", or ask for all in its "
                        "instances_health");
}

static void test_each_other(void **state)
{
    (void)state;
    static const char *const only_app[] = {"app"};
    ward_diag diag;
    ward_child_options back = three;
    back.needs = only_app;
    back.need_count = 1;
    open_world();
    add("app", &guests[0], needy);
    add("web", &guests[1], back);
    assert_int_equal(ward_supervisor_start(supervisor, &diag), WARD_ERROR_CYCLE);
}

#define TEST(name) cmocka_unit_test_teardown(name, close_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_from_the_start), TEST(test_while_it_runs),   TEST(test_instances_of_both),
        TEST(test_removed),        TEST(test_not_all_of_them), TEST(test_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
