/* The view: what the surfaces know, folded from events; and that it is what the host says. */
#include "unit/surface/view_kit.h"

static void test_conditions(void **state)
{
    (void)state;
    add((child_spec){.name = "well", .wat = healthy}, NULL);
    add((child_spec){.name = "ill",
                     .wat = unhealthy,
                     .options = {.fall = 1, .backoff.initial_ns = WARDI_S * 100}},
        NULL);
    add((child_spec){.name = "needy", .wat = healthy, .needs = {"well"}}, NULL);
    start_view();
    const view_member *well = wait_until("well", VIEW_HEALTHY);
    assert_string_equal(well->reason, "");
    assert_true(well->started_once && well->id == id_of("well"));
    assert_string_equal(wait_until("ill", VIEW_UNHEALTHY)->reason, "disk");
    wait_until("needy", VIEW_HEALTHY);
    assert_false(view_host_ready(v)); /* one is ill */
    assert_int_equal(ward_supervisor_ask(supervisor, "well", WARD_REQUEST_STOP, NULL), WARD_OK);
    wait_until("well", VIEW_STOPPED);
    assert_non_null(strstr(wait_until("needy", VIEW_UNREADY)->reason, "well"));
    assert_int_equal(ward_supervisor_ask(supervisor, "well", WARD_REQUEST_START, NULL), WARD_OK);
    wait_until("needy", VIEW_HEALTHY);
    assert_int_equal(ward_supervisor_ask(supervisor, "ill", WARD_REQUEST_STOP, NULL), WARD_OK);
    wait_until("ill", VIEW_STOPPED);
    assert_true(view_host_ready(v)); /* what was stopped on purpose holds nobody back */
}

static void test_given_up_and_released(void **state)
{
    (void)state;
    add((child_spec){.name = "bad", .wat = traps_in_start, .options.backoff.restarts_max = 1},
        NULL);
    start_view();
    uint64_t patience = wardi_now_ns() + PATIENCE_NS;
    while (!wait_until("bad", VIEW_UNHEALTHY)->given_up) assert_true(wardi_now_ns() < patience);
    assert_true(view_find(v, "bad")->evidence != 0);
    assert_int_equal(ward_supervisor_ask(supervisor, "bad", WARD_REQUEST_RELEASE, NULL), WARD_OK);
    while (wait_until("bad", VIEW_UNHEALTHY)->evidence < 3) assert_true(wardi_now_ns() < patience);
}

static void test_instances_and_groups(void **state)
{
    (void)state;
    add_group((ward_group_options){.name = "g"});
    add((child_spec){.name = "a", .wat = healthy, .options = {.group = "g"}}, NULL);
    add((child_spec){.name = "many", .wat = healthy, .options.instances = 5}, NULL);
    start_view();
    wait_until("many.4", VIEW_HEALTHY);
    const view_member *many = wait_until("many", VIEW_HEALTHY), *g = wait_until("g", VIEW_HEALTHY);
    assert_true(many->is_group && many->instances == 5 && g->is_group && g->instances == 0);
    assert_string_equal(view_find(v, "many.3")->group, "many");
    assert_string_equal(view_find(v, "a")->group, "g");
    assert_null(view_find_child(v, "many"));
    size_t top = 0;
    for (const view_member *m = view_top(v); m != NULL; m = m->top_next) top++;
    assert_int_equal(top, 2);
    assert_int_equal(view_count(v), 8);
    assert_true(view_host_ready(v));
}

static void test_groups_that_come_late(void **state)
{
    (void)state;
    add((child_spec){.name = "a", .wat = healthy}, NULL);
    start_view();
    wait_until("a", VIEW_HEALTHY);
    add_group((ward_group_options){.name = "late"});
    assert_int_equal(add((child_spec){.name = "b", .wat = healthy, .options.group = "late"}, NULL),
                     WARD_OK);
    assert_int_equal(
        add((child_spec){.name = "more", .wat = healthy, .options.instances = 2}, NULL), WARD_OK);
    assert_true(wait_until("late", VIEW_HEALTHY)->is_group);
    assert_int_equal(wait_until("more", VIEW_HEALTHY)->instances, 2);
    assert_string_equal(view_find(v, "b")->group, "late");
}

static ward_error resize(const char *name, uint32_t instances)
{
    ward_component_options component = WARD_INIT(ward_component_options);
    ward_child_options options = WARD_INIT(ward_child_options);
    component.name = name;
    component.bytes = (const uint8_t *)healthy;
    component.byte_count = strlen(healthy);
    options.component = &component;
    options.instances = instances;
    options.interval_ns = 5 * MS;
    return ward_supervisor_resize(supervisor, &options, NULL);
}

/* Those who come and go tell of themselves; how many there are is told of the group. */
static void test_more_and_less_instances(void **state)
{
    (void)state;
    add((child_spec){.name = "many", .wat = healthy, .options.instances = 2}, NULL);
    start_view();
    wait_until("many", VIEW_HEALTHY);
    for (uint32_t instances = 4; instances >= 3; instances--) {
        uint64_t patience = wardi_now_ns() + PATIENCE_NS;
        assert_int_equal(resize("many", instances), WARD_OK);
        while (view_find_group(v, "many")->instances != instances ||
               (view_find_child(v, "many.3") != NULL) != (instances == 4)) {
            assert_true(wardi_now_ns() < patience);
            apply_all();
        }
    }
    assert_int_equal(wait_until("many.2", VIEW_HEALTHY)->instance, true);
}

static size_t gone_count;

static void on_gone(view_watcher *watcher, view_member *m)
{
    (void)watcher;
    assert_string_equal(m->name, "late");
    gone_count++;
}

static void test_coming_and_going(void **state)
{
    (void)state;
    view_watcher watcher = {.gone = on_gone};
    gone_count = 0;
    add((child_spec){.name = "a", .wat = healthy}, NULL);
    start_view();
    view_watch(v, &watcher);
    wait_until("a", VIEW_HEALTHY);
    for (size_t i = 1; i <= 3; i++) {
        assert_int_equal(add((child_spec){.name = "late", .wat = healthy}, NULL), WARD_OK);
        wait_until("late", VIEW_HEALTHY);
        assert_int_equal(ward_supervisor_ask(supervisor, "late", WARD_REQUEST_REMOVE, NULL),
                         WARD_OK);
        uint64_t patience = wardi_now_ns() + PATIENCE_NS;
        while (view_find(v, "late") != NULL) {
            assert_true(wardi_now_ns() < patience);
            apply_all();
        }
        assert_int_equal(gone_count, i);
    }
    assert_non_null(view_find(v, "a"));
    view_unwatch(v, &watcher);
}

/* With every event lost, looking at all of it says the same. */
static void test_sync_is_what_events_say(void **state)
{
    (void)state;
    wardi_feed_event lost;
    add((child_spec){.name = "well", .wat = healthy}, NULL);
    add((child_spec){.name = "ill",
                     .wat = unhealthy,
                     .options = {.fall = 1, .backoff.initial_ns = WARDI_S * 100}},
        NULL);
    add((child_spec){.name = "many", .wat = healthy, .options.instances = 3}, NULL);
    start_view();
    wait_until("well", VIEW_HEALTHY);
    wait_until("ill", VIEW_UNHEALTHY);
    wait_until("many", VIEW_HEALTHY);
    add((child_spec){.name = "new", .wat = healthy}, NULL);
    ward_supervisor_ask(supervisor, "well", WARD_REQUEST_REMOVE, NULL);
    ward_supervisor_ask(supervisor, "many.1", WARD_REQUEST_STOP, NULL);
    uint64_t patience = wardi_now_ns() + PATIENCE_NS;
    do {
        while (wardi_feed_take(feed, &lost)) continue;
        assert_true(view_sync(v));
        assert_true(wardi_now_ns() < patience);
    } while (view_find(v, "well") != NULL || view_find(v, "new") == NULL ||
             view_find(v, "new")->condition != VIEW_HEALTHY ||
             view_find(v, "many.1")->condition != VIEW_STOPPED ||
             view_find(v, "many")->condition == VIEW_HEALTHY);
    assert_int_equal(view_find(v, "ill")->condition, VIEW_UNHEALTHY);
    assert_string_equal(view_find(v, "ill")->reason, "disk");
}

/* The restart was told, and what came of it was lost. */
static void test_sync_ends_a_restart(void **state)
{
    (void)state;
    wardi_feed_event event;
    add((child_spec){.name = "a", .wat = healthy}, NULL);
    start_view();
    wait_until("a", VIEW_HEALTHY);
    assert_int_equal(ward_supervisor_ask(supervisor, "a", WARD_REQUEST_RESTART, NULL), WARD_OK);
    uint64_t patience = wardi_now_ns() + PATIENCE_NS;
    for (bool told = false; !told;) {
        assert_true(wardi_now_ns() < patience);
        if (!wardi_feed_take(feed, &event)) continue;
        view_apply(v, &event.event);
        told = event.event.kind == WARD_EVENT_RESTART;
    }
    assert_int_equal(view_find(v, "a")->condition, VIEW_UNHEALTHY);
    while (view_find(v, "a")->condition != VIEW_HEALTHY) {
        assert_true(wardi_now_ns() < patience);
        while (wardi_feed_take(feed, &event)) continue;
        assert_true(view_sync(v));
    }
}

/* As many as it takes for the tables to grow, and names that stand in each other's way. */
static void test_many_names(void **state)
{
    (void)state;
    add((child_spec){.name = "many", .wat = no_export, .options.instances = 700}, NULL);
    start_view();
    wait_until("many", VIEW_HEALTHY);
    for (int i = 0; i < 700; i++) {
        char name[16];
        snprintf(name, sizeof name, "many.%d", i);
        const view_member *m = view_find_child(v, name);
        assert_non_null(m);
        assert_string_equal(m->name, name);
        assert_ptr_equal(view_at(v, m->place), m);
    }
    assert_null(view_find(v, "many.700"));
}

static void remove_and_wait(const char *name)
{
    ward_child_id id;
    uint64_t patience = wardi_now_ns() + PATIENCE_NS;
    assert_int_equal(ward_supervisor_ask(supervisor, name, WARD_REQUEST_REMOVE, NULL), WARD_OK);
    while (ward_supervisor_find(supervisor, name, &id) == WARD_OK) {
        assert_true(wardi_now_ns() < patience);
        wardi_sleep_until_ns(wardi_now_ns() + MS);
    }
}

/* In shares. Of one that is gone no event has told; another goes in between, and is told of. */
static void test_sync_in_shares(void **state)
{
    (void)state;
    size_t shares = 1;
    wardi_feed_event lost;
    add((child_spec){.name = "first", .wat = no_export}, NULL);
    add((child_spec){.name = "second", .wat = no_export}, NULL);
    add((child_spec){.name = "many", .wat = no_export, .options.instances = 15000}, NULL);
    start_view();
    wait_until("many", VIEW_HEALTHY);
    wait_until("first", VIEW_HEALTHY);
    wait_until("second", VIEW_HEALTHY);
    remove_and_wait("first");
    while (wardi_feed_take(feed, &lost)) continue;
    view_sync_begin(v);
    while (view_sync_some(v)) {
        if (shares++ != 1) continue;
        remove_and_wait("second");
        uint64_t patience = wardi_now_ns() + PATIENCE_NS;
        while (view_find(v, "second") != NULL && wardi_now_ns() < patience) apply_all();
        assert_null(view_find(v, "second"));
        assert_non_null(view_find(v, "first"));
    }
    assert_true(shares > 1);
    assert_null(view_find(v, "first"));
    assert_int_equal(view_count(v), 15001);
}

#define VIEW_TEST(name) cmocka_unit_test_setup_teardown(name, open_view, close_view)

int main(void)
{
    const struct CMUnitTest tests[] = {
        VIEW_TEST(test_conditions),
        VIEW_TEST(test_given_up_and_released),
        VIEW_TEST(test_instances_and_groups),
        VIEW_TEST(test_groups_that_come_late),
        VIEW_TEST(test_more_and_less_instances),
        VIEW_TEST(test_coming_and_going),
        VIEW_TEST(test_sync_is_what_events_say),
        VIEW_TEST(test_sync_ends_a_restart),
        VIEW_TEST(test_many_names),
        cmocka_unit_test_setup_teardown(test_sync_in_shares, open_dense_view, close_view),
    };
    return cmocka_run_group_tests_name("surface view", tests, NULL, NULL);
}
