/* One component over one fake guest, as most tests of component want it. */
#ifndef WARD_FAKE_FIXTURE_H
#define WARD_FAKE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "component/component.h"
#include "fake/fake.h"

typedef struct fixture {
    wardi_engine *engine;
    fake_guest guest;
    ward_component_options options;
    ward_component *component;
    ward_verdict verdict;
    ward_diag diag;
} fixture;

static fixture f;

static inline int fixture_setup(void **state)
{
    (void)state;
    memset(&f, 0, sizeof f);
    memset(&f.verdict, 0xa5, sizeof f.verdict);
    wardi_engine_options options = {0};
    assert_int_equal(wardi_engine_new(&options, &f.engine, NULL), WARD_OK);
    fake_init(&f.guest);
    f.options = (ward_component_options)WARD_INIT(ward_component_options);
    f.options.name = "echo";
    return 0;
}

static inline int fixture_teardown(void **state)
{
    (void)state;
    ward_component_free(f.component);
    wardi_engine_free(f.engine);
    assert_int_equal(atomic_load(&f.guest.instances), 0);
    assert_int_equal(atomic_load(&f.guest.modules), 0);
    return 0;
}

#define FIXTURE_TEST(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

static inline void fixture_new(void)
{
    FAKE_SOURCE(f.options, &f.guest);
    ward_error error = wardi_component_new(f.engine, &f.options, &f.component, &f.diag);
    if (error != WARD_OK) print_error("%s\n", f.diag.text);
    assert_int_equal(error, WARD_OK);
}

static inline void fixture_start(void)
{
    if (f.component == NULL) fixture_new();
    ward_error error = ward_component_start(f.component, &f.diag);
    if (error != WARD_OK) print_error("%s\n", f.diag.text);
    assert_int_equal(error, WARD_OK);
    assert_int_equal(ward_component_state(f.component), WARD_STATE_READY);
}

static inline void fixture_check(ward_child_health health, ward_source source, const char *reason)
{
    ward_component_check(f.component, &f.verdict);
    assert_string_equal(f.verdict.reason.text, reason);
    assert_int_equal(f.verdict.health, health);
    assert_int_equal(f.verdict.source, source);
}

static inline ward_figures fixture_figures(void)
{
    ward_figures figures = WARD_INIT(ward_figures);
    ward_component_figures(f.component, &figures);
    return figures;
}

/* ---- behaviours ---- */

static inline ward_error run_nothing(fake_guest *guest, const wardi_value *args,
                                     wardi_value *results, uint64_t timeout_ns, ward_trap *trap)
{
    (void)guest, (void)args, (void)results, (void)timeout_ns, (void)trap;
    return WARD_OK;
}

static inline ward_error run_trap(fake_guest *guest, const wardi_value *args, wardi_value *results,
                                  uint64_t timeout_ns, ward_trap *trap)
{
    (void)args, (void)results, (void)timeout_ns;
    guest->cause = "unreachable";
    return fake_end(guest, WARD_ERROR_TRAP, trap);
}

static inline ward_error run_hang(fake_guest *guest, const wardi_value *args, wardi_value *results,
                                  uint64_t timeout_ns, ward_trap *trap)
{
    (void)args, (void)results, (void)timeout_ns;
    guest->cause = "ran past its deadline";
    return fake_end(guest, WARD_ERROR_DEADLINE, trap);
}

static inline ward_error run_exit(fake_guest *guest, const wardi_value *args, wardi_value *results,
                                  uint64_t timeout_ns, ward_trap *trap)
{
    (void)args, (void)results, (void)timeout_ns;
    guest->cause = "exited";
    return fake_end(guest, WARD_ERROR_EXIT, trap);
}

#endif
