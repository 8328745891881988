/* Memory runs out at every single allocation of opening, adding and starting, in turn: each time
 * there is an error or there is success, nothing leaks, and the next attempt works. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ward/ward.h>

#include "fake/fake.h"

static fake_guest guest;
static atomic_long allocations_left;

static bool gate(void *context, size_t size)
{
    (void)context, (void)size;
    return atomic_fetch_sub(&allocations_left, 1) > 0;
}

static ward_error add(ward_supervisor *supervisor, const char *name, const char *need)
{
    ward_component_options component = WARD_INIT(ward_component_options);
    component.name = name;
    FAKE_SOURCE(component, &guest);
    ward_child_options options = WARD_INIT(ward_child_options);
    options.component = &component;
    options.needs = &need;
    options.need_count = need != NULL ? 1 : 0;
    return ward_supervisor_add(supervisor, &options, NULL);
}

/* All of them, or none. */
static ward_error add_many(ward_supervisor *supervisor, const char *name, const char *need)
{
    ward_component_options component = WARD_INIT(ward_component_options);
    component.name = name;
    FAKE_SOURCE(component, &guest);
    ward_child_options options = WARD_INIT(ward_child_options);
    options.component = &component;
    options.needs = &need;
    options.need_count = 1;
    options.instances = 20;
    ward_error error = ward_supervisor_add(supervisor, &options, NULL);
    ward_child_status child = WARD_INIT(ward_child_status);
    ward_group_status group = WARD_INIT(ward_group_status);
    assert_int_equal(ward_supervisor_child(supervisor, "c.0", &child),
                     error == WARD_OK ? WARD_OK : WARD_ERROR_NOT_FOUND);
    assert_int_equal(ward_supervisor_group(supervisor, name, &group),
                     error == WARD_OK ? WARD_OK : WARD_ERROR_NOT_FOUND);
    return error;
}

static ward_error add_native(ward_supervisor *supervisor, const char *name)
{
    ward_native_options native = WARD_INIT(ward_native_options);
    native.name = name;
    ward_child_options options = WARD_INIT(ward_child_options);
    options.native = &native;
    return ward_supervisor_add(supervisor, &options, NULL);
}

/* The children wait for one that is never added to run: what is under test is start itself. */
static ward_error whole_life(void)
{
    ward_host *host = NULL;
    ward_supervisor *supervisor = NULL;
    ward_supervisor_options own = WARD_INIT(ward_supervisor_options);
    own.workers = 1;
    ward_error error = ward_host_open(NULL, &host, NULL);
    if (error == WARD_OK) error = ward_supervisor_new(host, &own, &supervisor, NULL);
    if (error == WARD_OK) error = add(supervisor, "a", NULL);
    if (error == WARD_OK) error = add(supervisor, "b", "a");
    if (error == WARD_OK) error = add_many(supervisor, "c", "a");
    if (error == WARD_OK) error = add_native(supervisor, "d");
    if (error == WARD_OK) error = ward_supervisor_start(supervisor, NULL);
    ward_supervisor_free(supervisor);
    ward_host_close(host);
    return error;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    fake_init(&guest);
    long n = 0;
    ward_error error;
    do {
        atomic_store(&allocations_left, n++);
        wardi_alloc_gate_set(gate, NULL);
        error = whole_life();
        wardi_alloc_gate_set(NULL, NULL);
        assert_true(error == WARD_OK || error == WARD_ERROR_NO_MEMORY);
        assert_int_equal(atomic_load(&guest.instances), 0);
        assert_int_equal(atomic_load(&guest.modules), 0);
        assert_true(n < 1000);
    } while (error != WARD_OK || atomic_load(&allocations_left) < 0);
    assert_true(n > 15);
    assert_int_equal(whole_life(), WARD_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_allocation_may_fail)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
