/* Memory runs out at every single allocation of a replacement, of more and less instances, of a
 * group that changes: each time it is done or refused, and what is there goes on as it was. */
#include "fake_world.h"

static fake_guest fake;
static long allocations_left; /* negative: no limit */

static bool gate(void *context, size_t size)
{
    (void)context, (void)size;
    if (allocations_left > 0) allocations_left--;
    return allocations_left != 0;
}

typedef ward_error change(ward_supervisor *s, const ward_child_options *options, ward_diag *diag);

static ward_error with(change *to, const char *name, const char *need, uint32_t instances)
{
    ward_component_options component = WARD_INIT(ward_component_options);
    ward_child_options options = WARD_INIT(ward_child_options);
    component.name = name;
    FAKE_SOURCE(component, &fake);
    options.component = &component;
    options.needs = &need;
    options.need_count = need != NULL ? 1 : 0;
    options.instances = instances;
    return to(supervisor, &options, NULL);
}

static void begin(void)
{
    fake_init(&fake);
    open_world();
    assert_int_equal(with(ward_supervisor_add, "base", NULL, 1), WARD_OK);
    assert_int_equal(with(ward_supervisor_add, "many", "base", 3), WARD_OK);
    assert_int_equal(with(ward_supervisor_add, "one", "base", 1), WARD_OK);
    assert_int_equal(with(ward_supervisor_add, "all", "many", 1), WARD_OK);
    assert_int_equal(ward_supervisor_start(supervisor, NULL), WARD_OK);
    pass(WARDI_S);
}

static void expect_all_ready(uint32_t instances)
{
    ward_group_status status = WARD_INIT(ward_group_status);
    pass(60 * WARDI_S);
    assert_true(status_of("base").ready && status_of("one").ready && status_of("all").ready);
    assert_int_equal(ward_supervisor_group(supervisor, "many", &status), WARD_OK);
    assert_int_equal(status.children, instances);
    assert_int_equal(status.ready, instances);
}

/* Each of them needs those, and nothing else. */
static void expect_needs(void)
{
    assert_int_equal(ward_supervisor_ask(supervisor, "base", WARD_REQUEST_REMOVE, NULL),
                     WARD_ERROR_STATE);
    asks("base", WARD_REQUEST_STOP);
    pass(WARDI_S);
    assert_false(status_of("one").ready || status_of("many.0").ready || status_of("all").ready);
    asks("base", WARD_REQUEST_START);
    pass(WARDI_S);
    asks("many.0", WARD_REQUEST_STOP);
    pass(WARDI_S);
    assert_false(status_of("all").ready);
    assert_true(status_of("one").ready);
    asks("many.0", WARD_REQUEST_START);
}

/* With so many allocations before the first that fails, until none does. */
static void try_each(ward_error (*attempt)(void), uint32_t before, uint32_t after)
{
    begin();
    ward_error error = WARD_ERROR_NO_MEMORY;
    long n = 1;
    for (; error != WARD_OK; n++) {
        assert_true(n < 500);
        allocations_left = n;
        wardi_alloc_gate_set(gate, NULL);
        error = attempt();
        wardi_alloc_gate_set(NULL, NULL);
        assert_true(error == WARD_OK || error == WARD_ERROR_NO_MEMORY);
        expect_all_ready(error == WARD_OK ? after : before);
    }
    assert_true(n > 2); /* some did fail */
    expect_needs();
    expect_all_ready(after);
    close_all(NULL);
    assert_int_equal(atomic_load(&fake.instances), 0);
    assert_int_equal(atomic_load(&fake.modules), 0);
}

static ward_error replace_base(void)
{
    return with(ward_supervisor_replace, "base", NULL, 1);
}

static ward_error replace_many(void)
{
    return with(ward_supervisor_replace, "many", "base", 3);
}

static ward_error grow(void)
{
    return with(ward_supervisor_resize, "many", "base", 6);
}

static ward_error shrink(void)
{
    return with(ward_supervisor_resize, "many", "base", 2);
}

static void one_is_replaced(void **state)
{
    (void)state;
    try_each(replace_base, 3, 3);
}

static void instances_are_replaced(void **state)
{
    (void)state;
    try_each(replace_many, 3, 3);
}

static void instances_come(void **state)
{
    (void)state;
    try_each(grow, 3, 6);
}

static void instances_go(void **state)
{
    (void)state;
    try_each(shrink, 3, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_is_replaced),
        cmocka_unit_test(instances_are_replaced),
        cmocka_unit_test(instances_come),
        cmocka_unit_test(instances_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
