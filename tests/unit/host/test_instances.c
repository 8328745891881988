/* Instances of a component, and the health of groups: who is counted as what, what is told and
 * when, and that all are added or none. */
#include "host_kit.h"

/* Natives stand in for guests where a test must say who falls ill. */
typedef struct part {
    atomic_int health; /* ward_health */
} part;

static void part_health(void *context, ward_report *ret_report)
{
    part *p = context;
    ret_report->status = (ward_health)atomic_load(&p->health);
    if (ret_report->status != WARD_HEALTH_HEALTHY) strcpy(ret_report->reason.text, "no database");
}

static void add_part(const char *name, const char *group, part *p)
{
    ward_native_options native = WARD_INIT(ward_native_options);
    ward_child_options options = WARD_INIT(ward_child_options);
    native.name = name;
    native.context = p;
    native.health = part_health;
    options.native = &native;
    options.group = group;
    options.interval_ns = 2 * MS;
    options.fall = 1;
    options.backoff.shape = WARD_BACKOFF_FIXED;
    options.backoff.initial_ns = 3600 * WARDI_S; /* what failed stays so */
    assert_int_equal(ward_supervisor_add(supervisor, &options, NULL), WARD_OK);
}

static ward_group_status group_of(const char *name)
{
    ward_group_status status = WARD_INIT(ward_group_status);
    assert_int_equal(ward_supervisor_group(supervisor, name, &status), WARD_OK);
    assert_int_equal(status.children, status.healthy + status.degraded + status.failed);
    return status;
}

static ward_error add_instances(const char *name, uint32_t count, ward_child_options options,
                                ward_diag *diag)
{
    options.instances = count;
    return add((child_spec){.name = name, .wat = healthy, .options = options}, diag);
}

/* A group's health event that says this. */
static long wait_for_health(size_t from, const char *name, ward_child_health health, bool ready)
{
    for (;;) {
        long at = wait_for(from, name, WARD_EVENT_GROUP_HEALTH, health);
        if (record.events[at].event.ready == ready) return at;
        from = (size_t)at + 1;
    }
}

/* ---- groups ---- */

static void each_policy_judges_the_same_children(void **state)
{
    (void)state;
    enum { PARTS = 4 };
    static const struct {
        const char *name;
        ward_group_health health;
    } groups[] = {
        {"all", {WARD_GROUP_ALL, 0}},
        {"any", {WARD_GROUP_ANY, 0}},
        {"three", {WARD_GROUP_AT_LEAST, 3}},
        {"half", {WARD_GROUP_AT_LEAST_PERCENT, 50}},
    };
    static part parts[PARTS];
    const char *above = NULL;
    for (size_t i = 0; i < WARD_COUNT(groups); i++) { /* each in the one before */
        add_group((ward_group_options){
            .name = groups[i].name, .group = above, .health = groups[i].health});
        above = groups[i].name;
    }
    for (int i = 0; i < PARTS; i++) {
        char name[8];
        snprintf(name, sizeof name, "p.%d", i);
        atomic_store(&parts[i].health, WARD_HEALTH_HEALTHY);
        add_part(name, above, &parts[i]);
    }
    start();
    for (size_t i = 0; i < WARD_COUNT(groups); i++)
        wait_for_health(0, groups[i].name, WARD_CHILD_HEALTHY, true);
    assert_string_equal(group_of("all").reason.text, "");

    atomic_store(&parts[2].health, WARD_HEALTH_DEGRADED);
    long at = wait_for_health(0, "all", WARD_CHILD_DEGRADED, true);
    assert_string_equal(record.events[at].reason, "1 of 4 degraded: p.2 (no database)");
    assert_int_equal(group_of("three").health, WARD_CHILD_HEALTHY);

    atomic_store(&parts[1].health, WARD_HEALTH_UNHEALTHY);
    wait_for_health(0, "three", WARD_CHILD_DEGRADED, true);
    wait_for_health((size_t)at, "all", WARD_CHILD_FAILED, false);
    ward_group_status status = group_of("all");
    assert_string_equal(status.reason.text,
                        "1 of 4 unhealthy, 1 degraded: p.1 (no database), p.2 (no database)");
    assert_int_equal(status.ready, 3);
    assert_int_equal(status.least, 4);
    assert_int_equal(group_of("half").health, WARD_CHILD_HEALTHY);
    assert_int_equal(group_of("half").least, 2);
    assert_int_equal(find(0, "any", WARD_EVENT_GROUP_HEALTH, WARD_CHILD_FAILED), -1);

    atomic_store(&parts[0].health, WARD_HEALTH_UNHEALTHY);
    wait_for_health(0, "three", WARD_CHILD_FAILED, false);
    wait_for_health(0, "half", WARD_CHILD_DEGRADED, true);
    assert_int_equal(group_of("any").health, WARD_CHILD_HEALTHY);
    atomic_store(&parts[3].health, WARD_HEALTH_UNHEALTHY);
    wait_for_health(0, "half", WARD_CHILD_FAILED, false);
    wait_for_health(0, "any", WARD_CHILD_DEGRADED, true);
    assert_int_equal(group_of("any").failed, 3);
}

/* A group that is given up takes all below it along; those above count them so. */
static void a_group_in_quarantine_has_failed(void **state)
{
    (void)state;
    static part one, other;
    ward_diag diag;
    add_group((ward_group_options){.name = "outer", .health = {WARD_GROUP_ANY, 0}});
    add_group((ward_group_options){.name = "inner", .group = "outer"});
    add_part("a", "inner", &one);
    add_part("b", "outer", &other);
    start();
    wait_for_health(0, "inner", WARD_CHILD_HEALTHY, true);
    assert_int_equal(ward_supervisor_ask(supervisor, "inner", WARD_REQUEST_QUARANTINE, &diag),
                     WARD_OK);
    wait_for_health(0, "inner", WARD_CHILD_FAILED, false);
    assert_int_equal(group_of("inner").given_up, 1);
    assert_int_equal(group_of("outer").failed, 1);
    assert_int_equal(group_of("outer").health, WARD_CHILD_HEALTHY);
    assert_non_null(strstr(group_of("outer").reason.text, "1 of 2 unhealthy: a (given up)"));
    assert_int_equal(ward_supervisor_ask(supervisor, "inner", WARD_REQUEST_RELEASE, &diag),
                     WARD_OK);
    uint64_t patience = wardi_now_ns() + PATIENCE_NS;
    while (group_of("inner").health != WARD_CHILD_HEALTHY) assert_true(wardi_now_ns() < patience);
    assert_int_equal(group_of("outer").failed, 0);
    assert_int_equal(ward_supervisor_ask(supervisor, "inner", WARD_REQUEST_REMOVE, &diag), WARD_OK);
    wait_for_group(0, "inner", "removed");
    assert_int_equal(group_of("outer").children, 1);
    ward_group_status status = WARD_INIT(ward_group_status);
    assert_int_equal(ward_supervisor_group(supervisor, "inner", &status), WARD_ERROR_NOT_FOUND);
}

/* ---- instances ---- */

static void each_has_a_name_and_a_health_of_its_own(void **state)
{
    (void)state;
    ward_diag diag;
    ward_child_id first, last;
    ward_child_options options = {.instances_health = {WARD_GROUP_AT_LEAST, 4}};
    assert_int_equal(add_instances("web", 5, options, &diag), WARD_OK);
    assert_int_equal(add_instances("one", 1, (ward_child_options){0}, &diag), WARD_OK);
    add((child_spec){.name = "api", .wat = healthy, .needs = {"web.2"}}, &diag);
    start();
    wait_for_health(0, "web", WARD_CHILD_HEALTHY, true);
    wait_for(0, "one", WARD_EVENT_READY, true);
    wait_for(0, "api", WARD_EVENT_READY, true);
    for (int i = 0; i < 5; i++) {
        char name[16];
        snprintf(name, sizeof name, "web.%d", i);
        long at = wait_for(0, name, WARD_EVENT_READY, true);
        assert_true(record.events[at].event.instance);
    }
    assert_false(record.events[wait_for(0, "api", WARD_EVENT_READY, true)].event.instance);
    assert_int_equal(ward_supervisor_find(supervisor, "web.0", &first), WARD_OK);
    assert_int_equal(ward_supervisor_find(supervisor, "web.4", &last), WARD_OK);
    assert_true(first != last);
    assert_int_equal(group_of("web").children, 5);

    for (int i = 0; i < 2; i++) {
        char name[16];
        snprintf(name, sizeof name, "web.%d", i);
        assert_int_equal(ward_supervisor_ask(supervisor, name, WARD_REQUEST_QUARANTINE, &diag),
                         WARD_OK);
    }
    long at = wait_for_health(0, "web", WARD_CHILD_FAILED, false);
    assert_non_null(strstr(record.events[at].reason, "2 of 5 unhealthy: web.0 ("));
    assert_true(status_of("api").ready); /* others are none of its affair */
    assert_int_equal(ward_supervisor_ask(supervisor, "web.0", WARD_REQUEST_RELEASE, &diag),
                     WARD_OK);
    wait_for_health((size_t)at, "web", WARD_CHILD_HEALTHY, true);

    pthread_mutex_lock(&record.lock);
    size_t from = record.count;
    pthread_mutex_unlock(&record.lock);
    assert_int_equal(ward_supervisor_ask(supervisor, "web", WARD_REQUEST_RESTART, &diag), WARD_OK);
    wait_for(from, "web.4", WARD_EVENT_RESTART, 0);
    wait_for_health(from, "web", WARD_CHILD_HEALTHY, true);
}

static bool nobody_is_there(const char *name, uint32_t count)
{
    ward_group_status group = WARD_INIT(ward_group_status);
    ward_child_status child = WARD_INIT(ward_child_status);
    bool none = ward_supervisor_group(supervisor, name, &group) == WARD_ERROR_NOT_FOUND;
    for (uint32_t i = 0; i < count; i++) {
        char of[32];
        snprintf(of, sizeof of, "%s.%u", name, i);
        if (strcmp(of, "web.3") == 0) continue; /* see below */
        none = none && ward_supervisor_child(supervisor, of, &child) == WARD_ERROR_NOT_FOUND;
    }
    return none;
}

static void all_or_none(void **state)
{
    (void)state;
    ward_diag diag;
    const char *missing[] = {"nobody"}, *group[] = {"web"};
    add((child_spec){.name = "web.3", .wat = healthy}, &diag);
    for (int running = 0; running < 2; running++) {
        assert_int_equal(add_instances("web", 5, (ward_child_options){0}, &diag),
                         WARD_ERROR_DUPLICATE);
        assert_non_null(strstr(diag.text, "web.3"));
        assert_true(nobody_is_there("web", 5));
        ward_child_options nowhere = {.group = "nowhere"};
        assert_int_equal(add_instances("app", 5, nowhere, &diag), WARD_ERROR_NOT_FOUND);
        assert_true(nobody_is_there("app", 5));
        if (running == 0) start();
    }
    wait_for(0, "web.3", WARD_EVENT_READY, true);
    ward_child_options needy = {.needs = missing, .need_count = 1, .instances = 3};
    ward_component_options component = WARD_INIT(ward_component_options);
    component.name = "app";
    component.bytes = (const uint8_t *)healthy;
    component.byte_count = strlen(healthy);
    needy.size = sizeof needy;
    needy.component = &component;
    assert_int_equal(ward_supervisor_add(supervisor, &needy, &diag), WARD_ERROR_NOT_FOUND);
    assert_true(nobody_is_there("app", 3));
    needy.needs = NULL;
    needy.need_count = 0;
    assert_int_equal(ward_supervisor_add(supervisor, &needy, &diag), WARD_OK);
    wait_for_health(0, "app", WARD_CHILD_HEALTHY, true);
    assert_int_equal(ward_supervisor_add(supervisor, &needy, &diag), WARD_ERROR_DUPLICATE);
    assert_int_equal(group_of("app").children, 3);
    group[0] = "app";
    component.name = "last";
    needy.needs = group;
    needy.need_count = 1;
    needy.instances = 1;
    assert_int_equal(ward_supervisor_add(supervisor, &needy, &diag), WARD_OK);
    wait_for(0, "last", WARD_EVENT_READY, true);
    assert_int_equal(ward_supervisor_ask(supervisor, "app", WARD_REQUEST_REMOVE, &diag),
                     WARD_ERROR_STATE); /* it is needed */
    size_t from = record.count;
    assert_int_equal(ward_supervisor_ask(supervisor, "last", WARD_REQUEST_REMOVE, &diag), WARD_OK);
    wait_for(from, "last", WARD_EVENT_STATE, WARD_STATE_TERMINATED);
    assert_int_equal(ward_supervisor_ask(supervisor, "app", WARD_REQUEST_REMOVE, &diag), WARD_OK);
    wait_for_group(0, "app", "removed");
    assert_true(nobody_is_there("app", 3));
}

/* The reason is bounded, and says that it goes on. */
static void many_are_told_in_one_line(void **state)
{
    (void)state;
    enum { MANY = 300 };
    ward_diag diag;
    ward_child_options options = {.restart = WARD_RESTART_TEMPORARY, .instances = MANY};
    add((child_spec){.name = "web", .wat = traps_in_start, .options = options}, &diag);
    start();
    uint64_t patience = wardi_now_ns() + PATIENCE_NS;
    while (group_of("web").failed != MANY) assert_true(wardi_now_ns() < patience);
    ward_group_status status = group_of("web");
    assert_int_equal(strncmp(status.reason.text, "300 of 300 unhealthy: web.0 (", 29), 0);
    assert_non_null(strstr(status.reason.text, "), web.1 ("));
    assert_string_equal(status.reason.text + status.reason.length - strlen(", …"), ", …");
    assert_int_equal(status.health, WARD_CHILD_FAILED);
    assert_int_equal(status.given_up, MANY);
    pthread_mutex_lock(&record.lock);
    int told = 0;
    for (size_t i = 0; i < record.count; i++)
        told += record.events[i].event.kind == WARD_EVENT_GROUP_HEALTH;
    pthread_mutex_unlock(&record.lock);
    assert_int_equal(told, 1);
}

static void expect_refused(ward_child_options options, const char *words)
{
    ward_diag diag = {0};
    assert_int_equal(add((child_spec){.name = "web", .wat = healthy, .options = options}, &diag),
                     WARD_ERROR_INVALID_ARGUMENT);
    if (strstr(diag.text, words) == NULL) fail_msg("\"%s\" is not in \"%s\"", words, diag.text);
}

static void bad_options_are_refused(void **state)
{
    (void)state;
    char name[128];
    ward_diag diag;
    expect_refused((ward_child_options){.instances = 1000001}, "at most 1000000");
    expect_refused((ward_child_options){.instances_health = {WARD_GROUP_ANY, 0}}, "more than one");
    expect_refused(
        (ward_child_options){.instances = 3, .instances_health = {WARD_GROUP_AT_LEAST, 4}},
        "4 of 3");
    expect_refused((ward_child_options){.instances = 3,
                                        .instances_health = {WARD_GROUP_AT_LEAST_PERCENT, 101}},
                   "from 1 to 100");
    memset(name, 'x', sizeof name);
    name[126] = '\0';
    assert_int_equal(add_instances(name, 2, (ward_child_options){0}, &diag),
                     WARD_ERROR_INVALID_ARGUMENT);
    assert_non_null(strstr(diag.text, "too long"));
    name[125] = '\0';
    assert_int_equal(add_instances(name, 2, (ward_child_options){0}, &diag), WARD_OK);
    ward_native_options native = WARD_INIT(ward_native_options);
    native.name = "n";
    ward_child_options options = WARD_INIT(ward_child_options);
    options.native = &native;
    options.instances = 2;
    assert_int_equal(ward_supervisor_add(supervisor, &options, &diag), WARD_ERROR_INVALID_ARGUMENT);
    ward_group_options group = WARD_INIT(ward_group_options);
    group.name = "g";
    group.health = (ward_group_health){WARD_GROUP_AT_LEAST, 0};
    assert_int_equal(ward_supervisor_add_group(supervisor, &group, &diag),
                     WARD_ERROR_INVALID_ARGUMENT);
    ward_group_status status = WARD_INIT(ward_group_status);
    assert_int_equal(ward_supervisor_group(supervisor, "g", &status), WARD_ERROR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_policy_judges_the_same_children),
        TEST(a_group_in_quarantine_has_failed),
        TEST(each_has_a_name_and_a_health_of_its_own),
        TEST(all_or_none),
        TEST(many_are_told_in_one_line),
        TEST(bad_options_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
