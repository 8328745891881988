/* Load, start, stop, and starting again: every way each of them can go. */
#include <pthread.h>

#include "fake/fixture.h"

#define MIB (UINT64_C(1) << 20)

/* Names of what ran, in order. */
static char history[200];

static void note_call(fake_guest *guest, const char *name)
{
    (void)guest;
    strncat(history, name, sizeof history - strlen(history) - 2);
    strcat(history, " ");
}

static int setup(void **state)
{
    history[0] = '\0';
    fixture_setup(state);
    f.guest.during = note_call;
    return 0;
}

static void start_fails(ward_error error, const char *words)
{
    if (f.component == NULL) fixture_new();
    f.diag.text[0] = '\0';
    assert_int_equal(ward_component_start(f.component, &f.diag), error);
    if (strstr(f.diag.text, words) == NULL) print_error("%s\n", f.diag.text);
    assert_non_null(strstr(f.diag.text, words));
    assert_int_equal(f.diag.error, error);
    assert_int_equal(ward_component_state(f.component), WARD_STATE_FAILED);
    assert_int_equal(atomic_load(&f.guest.instances), 0);
    ward_reason why;
    ward_component_failure(f.component, &why);
    assert_string_equal(why.text, f.diag.text);
    fixture_check(WARD_CHILD_FAILED, WARD_SOURCE_STATE, f.diag.text);
}

static void test_one_life(void **state)
{
    (void)state;
    fake_func(&f.guest, "_cleanup", 0, NULL, run_nothing);
    fake_func(&f.guest, "_initialize", 0, NULL, run_nothing);
    fake_func(&f.guest, "_start", 0, NULL, run_nothing);
    fixture_new();
    assert_int_equal(ward_component_state(f.component), WARD_STATE_CREATING);
    fixture_check(WARD_CHILD_FAILED, WARD_SOURCE_STATE, "WASM runtime not loaded");
    assert_int_equal(ward_component_load(f.component, &f.diag), WARD_OK);
    assert_int_equal(ward_component_state(f.component), WARD_STATE_CREATING);
    fixture_check(WARD_CHILD_DEGRADED, WARD_SOURCE_STATE, "Component starting");
    fixture_start();
    assert_int_equal(ward_component_stop(f.component, &f.diag), WARD_OK);
    assert_int_equal(ward_component_state(f.component), WARD_STATE_TERMINATED);
    assert_int_equal(atomic_load(&f.guest.instances), 0);
    fixture_check(WARD_CHILD_DEGRADED, WARD_SOURCE_STATE, "Component in state: terminated");
    assert_int_equal(ward_component_stop(f.component, &f.diag), WARD_OK);
    assert_string_equal(history, "load instantiate _initialize _cleanup ");
}

static void test_start_runs_without_initialize(void **state)
{
    (void)state;
    fake_func(&f.guest, "_start", 0, NULL, run_nothing);
    fixture_start();
    assert_string_equal(history, "load instantiate _start ");
}

static void test_load_is_done_once(void **state)
{
    (void)state;
    fixture_new();
    assert_int_equal(ward_component_load(f.component, NULL), WARD_OK);
    assert_int_equal(ward_component_load(f.component, NULL), WARD_OK);
    fixture_start();
    assert_int_equal(ward_component_load(f.component, NULL), WARD_OK);
    assert_string_equal(history, "load instantiate ");
}

static void test_normal_exit_of_start(void **state)
{
    (void)state;
    fake_func(&f.guest, "_start", 0, NULL, run_exit);
    fixture_start();
    ward_trap trap;
    ward_component_last_trap(f.component, &trap);
    assert_int_equal(trap.error, WARD_OK);
    assert_int_equal(fixture_figures().traps, 0);
}

static void test_bad_exit_of_start(void **state)
{
    (void)state;
    f.guest.exit_code = 3;
    fake_func(&f.guest, "_start", 0, NULL, run_exit);
    start_fails(WARD_ERROR_EXIT, "echo: _start: exited");
    ward_trap trap;
    ward_component_last_trap(f.component, &trap);
    assert_int_equal(trap.error, WARD_ERROR_EXIT);
    assert_int_equal(trap.exit_code, 3);
}

static void test_trap_in_start(void **state)
{
    (void)state;
    fake_func(&f.guest, "_initialize", 0, NULL, run_trap);
    start_fails(WARD_ERROR_TRAP, "echo: _initialize: unreachable");
    ward_trap trap;
    ward_component_last_trap(f.component, &trap);
    assert_string_equal(trap.export_name, "_initialize");
    assert_string_equal(trap.cause, "unreachable");
    assert_int_equal(trap.frame_count, 1);
    assert_true(trap.at_ns != 0);
    assert_int_equal(fixture_figures().traps, 1);
    assert_int_equal(fixture_figures().starts, 0);
}

static void test_hang_in_start(void **state)
{
    (void)state;
    f.options.start_timeout_ns = 20 * WARDI_S;
    fake_func(&f.guest, "_start", 0, NULL, run_hang);
    start_fails(WARD_ERROR_DEADLINE, "echo did not start within its start_timeout of 20s: ");
    assert_in_range(f.guest.timeout_seen, 1, 20 * WARDI_S);
}

static void test_one_deadline_for_all_of_start(void **state)
{
    (void)state;
    f.options.start_timeout_ns = 20 * WARDI_S;
    f.guest.load_ns = 50 * WARDI_MS;
    fake_func(&f.guest, "_start", 0, NULL, run_nothing);
    fixture_start();
    assert_in_range(f.guest.timeout_seen, 1, 20 * WARDI_S - 50 * WARDI_MS);
}

static void test_slow_load(void **state)
{
    (void)state;
    f.options.start_timeout_ns = 20 * WARDI_MS;
    f.guest.load_ns = 10 * WARDI_S;
    start_fails(WARD_ERROR_DEADLINE, "start_timeout of 20ms: slow to load");
}

static void test_start_section_traps(void **state)
{
    (void)state;
    f.guest.instance_error = WARD_ERROR_TRAP;
    start_fails(WARD_ERROR_TRAP, "echo: the guest trapped");
    assert_int_equal(fixture_figures().traps, 1);
}

static void test_load_errors(void **state)
{
    (void)state;
    static const ward_error errors[] = {WARD_ERROR_IO,       WARD_ERROR_NOT_FOUND,
                                        WARD_ERROR_NOT_WASM, WARD_ERROR_TRUNCATED,
                                        WARD_ERROR_COMPILE,  WARD_ERROR_NO_MEMORY};
    fixture_new();
    for (size_t i = 0; i < WARD_COUNT(errors); i++) {
        f.guest.load_error = errors[i];
        assert_int_equal(ward_component_load(f.component, NULL), errors[i]);
        start_fails(errors[i], ward_error_text(errors[i]));
    }
    f.guest.load_error = WARD_OK;
    fixture_start(); /* after a failed start it can be started */
}

static void test_missing_import(void **state)
{
    (void)state;
    f.guest.missing_import = true;
    ward_module_info info;
    start_fails(WARD_ERROR_IMPORT_MISSING, "env.nothing");
    assert_int_equal(ward_component_load(f.component, NULL), WARD_ERROR_IMPORT_MISSING);
    /* The refused one is kept to be described, and no longer than to the next. */
    assert_int_equal(ward_component_module_info(f.component, &info), WARD_OK);
    assert_int_equal(atomic_load(&f.guest.modules), 1);
    f.guest.load_error = WARD_ERROR_COMPILE;
    assert_int_equal(ward_component_load(f.component, NULL), WARD_ERROR_COMPILE);
    assert_int_equal(ward_component_module_info(f.component, &info), WARD_ERROR_STATE);
    assert_int_equal(atomic_load(&f.guest.modules), 0);
    f.guest.load_error = WARD_OK;
    f.guest.missing_import = false;
    fixture_start();
}

static void test_path_goes_to_the_engine(void **state)
{
    (void)state;
    f.options.path = "/nowhere/a.wasm";
    assert_int_equal(wardi_component_new(f.engine, &f.options, &f.component, NULL), WARD_OK);
    start_fails(WARD_ERROR_NOT_FOUND, "/nowhere/a.wasm");
}

static void test_types_of_health(void **state)
{
    (void)state;
    static const wardi_value_kind f32 = WARDI_F32;
    fake_func(&f.guest, "_health", 1, &fake_i32, run_nothing);
    start_fails(WARD_ERROR_EXPORT_TYPE, "echo: the health export `_health` is func (a fake one); "
                                        "accepted: func () -> i32, or func () -> i64");
    f.guest.exports[0].detail.signature.param_count = 0;
    f.guest.exports[0].detail.signature.results = &f32;
    start_fails(WARD_ERROR_EXPORT_TYPE, "accepted");
    f.guest.exports[0].detail.signature.result_count = 0;
    start_fails(WARD_ERROR_EXPORT_TYPE, "accepted");
    f.guest.exports[0].detail.kind = WARDI_EXTERN_GLOBAL;
    start_fails(WARD_ERROR_EXPORT_TYPE, "accepted");
    f.guest.export_count = 0;
    fake_health(&f.guest, WARDI_I64);
    fixture_start();
}

static void test_types_of_a_components_health(void **state)
{
    (void)state;
    fake_health_shape(&f.guest, WARDI_RESULT_OTHER);
    start_fails(WARD_ERROR_EXPORT_TYPE,
                "echo: the health export `health` is func() -> a fake shape");
    f.guest.exports[0].detail.shape = WARDI_RESULT_CASES;
    f.guest.exports[0].detail.component_param_count = 1;
    start_fails(WARD_ERROR_EXPORT_TYPE, "list<u8>");
    f.guest.exports[0].detail.component_param_count = 0;
    fixture_start();
}

static void test_types_of_the_others(void **state)
{
    (void)state;
    static const char *const names[] = {"_initialize", "_start", "_cleanup"};
    for (size_t i = 0; i < WARD_COUNT(names); i++) {
        f.guest.export_count = 0;
        fake_func(&f.guest, names[i], 1, NULL, run_nothing);
        start_fails(WARD_ERROR_EXPORT_TYPE, names[i]);
        f.guest.exports[0].detail.signature.param_count = 0;
        f.guest.exports[0].detail.signature.result_count = 1;
        start_fails(WARD_ERROR_EXPORT_TYPE, "accepted: func ()");
    }
}

static void test_limits_before_instantiating(void **state)
{
    (void)state;
    f.guest.memory_bytes_min = 1024 * MIB;
    start_fails(WARD_ERROR_LIMIT_MEMORY, "echo: needs 1GiB, limit 256MiB: raise limits.memory");
    assert_null(strstr(history, "instantiate"));
    ward_component_free(f.component); /* what is loaded stays so until then */
    f.component = NULL;
    f.guest.memory_bytes_min = 256 * MIB;
    f.guest.table_elements_min = 100001;
    start_fails(WARD_ERROR_LIMIT_TABLE, "echo: needs a table of 100001 elements, limit 100000");
    assert_null(strstr(history, "instantiate"));
}

static void test_wrong_moves(void **state)
{
    (void)state;
    fixture_start();
    assert_int_equal(ward_component_start(f.component, &f.diag), WARD_ERROR_STATE);
    assert_non_null(strstr(f.diag.text, "ready"));
    assert_non_null(strstr(f.diag.text, "starting"));
    assert_int_equal(ward_component_state(f.component), WARD_STATE_READY);
    ward_component_stop(f.component, NULL);
    ward_reason why = {0};
    assert_int_equal(wardi_component_fail(f.component, &why, &f.diag), WARD_ERROR_STATE);
}

static void test_stop_of_what_never_ran(void **state)
{
    (void)state;
    fixture_new();
    assert_int_equal(ward_component_stop(f.component, NULL), WARD_OK);
    assert_int_equal(ward_component_state(f.component), WARD_STATE_TERMINATED);
    fixture_start();
}

static void test_cleanup_goes_wrong(void **state)
{
    (void)state;
    static const struct {
        fake_run run;
        ward_error error;
    } rows[] = {
        {run_trap, WARD_ERROR_TRAP}, {run_hang, WARD_ERROR_DEADLINE}, {run_exit, WARD_ERROR_EXIT}};
    f.options.stop_timeout_ns = 300 * WARDI_MS;
    f.guest.exit_code = 1;
    fake_export *cleanup = fake_func(&f.guest, "_cleanup", 0, NULL, run_nothing);
    for (size_t i = 0; i < WARD_COUNT(rows); i++) {
        cleanup->run = rows[i].run;
        fixture_start();
        assert_int_equal(ward_component_stop(f.component, &f.diag), rows[i].error);
        assert_non_null(strstr(f.diag.text, "echo: _cleanup: "));
        assert_int_equal(ward_component_state(f.component), WARD_STATE_TERMINATED);
        assert_int_equal(atomic_load(&f.guest.instances), 0);
        assert_int_equal(f.guest.timeout_seen, 300 * WARDI_MS);
        assert_int_equal(fixture_figures().traps, i + 1);
        ward_trap trap;
        ward_component_last_trap(f.component, &trap);
        assert_string_equal(trap.export_name, "_cleanup");
        assert_int_equal(ward_component_stop(f.component, NULL), WARD_OK);
    }
    f.guest.exit_code = 0; /* a normal end */
    fixture_start();
    assert_int_equal(ward_component_stop(f.component, NULL), WARD_OK);
}

static void test_declared_failed(void **state)
{
    (void)state;
    fake_func(&f.guest, "_cleanup", 0, NULL, run_nothing);
    fixture_start();
    ward_reason why, got;
    wardi_reason_set(&why, "three bad checks");
    assert_int_equal(wardi_component_fail(f.component, &why, NULL), WARD_OK);
    assert_int_equal(ward_component_state(f.component), WARD_STATE_FAILED);
    assert_int_equal(atomic_load(&f.guest.instances), 0);
    ward_component_failure(f.component, &got);
    assert_string_equal(got.text, "three bad checks");
    fixture_check(WARD_CHILD_FAILED, WARD_SOURCE_STATE, "three bad checks");
    assert_int_equal(ward_component_stop(f.component, NULL), WARD_OK);
    ward_component_failure(f.component, &got);
    assert_string_equal(got.text, "");
    assert_null(strstr(history, "_cleanup")); /* what failed is not asked to tidy up */
}

static void test_restart_makes_a_new_instance(void **state)
{
    (void)state;
    ward_reason why = {0};
    for (int i = 1; i <= 5; i++) {
        fixture_start();
        assert_int_equal(fixture_figures().starts, i);
        if (i % 2 != 0)
            ward_component_stop(f.component, NULL);
        else
            wardi_component_fail(f.component, &why, NULL);
    }
    assert_string_equal(history, "load instantiate instantiate instantiate instantiate "
                                 "instantiate ");
}

static void test_free_stops(void **state)
{
    (void)state;
    fake_func(&f.guest, "_cleanup", 0, NULL, run_nothing);
    fixture_start();
    ward_component_free(f.component);
    f.component = NULL;
    assert_non_null(strstr(history, "_cleanup"));
    ward_component_free(NULL);
}

/* ---- seen from a second thread, and from inside ---- */

static ward_verdict seen;
static ward_state state_seen;
static ward_error stop_seen, start_seen, call_seen, load_seen, fail_seen;

static void *look(void *context)
{
    (void)context;
    ward_component_check(f.component, &seen);
    state_seen = ward_component_state(f.component);
    ward_reason why = {0};
    start_seen = ward_component_start(f.component, NULL);
    stop_seen = ward_component_stop(f.component, NULL);
    load_seen = ward_component_load(f.component, NULL);
    call_seen = ward_component_call(f.component, "work", NULL, 0, NULL, NULL, 0, NULL);
    fail_seen = wardi_component_fail(f.component, &why, NULL);
    return NULL;
}

static const char *look_during;

static void look_from_outside(fake_guest *guest, const char *name)
{
    (void)guest;
    pthread_t thread;
    if (strcmp(name, look_during) != 0) return;
    assert_int_equal(pthread_create(&thread, NULL, look, NULL), 0);
    pthread_join(thread, NULL);
}

static void expect_busy(ward_state state, const char *reason)
{
    assert_int_equal(state_seen, state);
    assert_string_equal(seen.reason.text, reason);
    assert_int_equal(seen.health, WARD_CHILD_DEGRADED);
    assert_int_equal(start_seen, WARD_ERROR_BUSY);
    assert_int_equal(stop_seen, WARD_ERROR_BUSY);
    assert_int_equal(load_seen, WARD_ERROR_BUSY);
    assert_int_equal(call_seen, WARD_ERROR_BUSY);
    assert_int_equal(fail_seen, WARD_ERROR_BUSY);
    state_seen = WARD_STATE_CREATING;
}

static void test_starting_and_stopping_seen(void **state)
{
    (void)state;
    fake_func(&f.guest, "_start", 0, NULL, run_nothing);
    fake_func(&f.guest, "_cleanup", 0, NULL, run_nothing);
    f.guest.during = look_from_outside;
    static const char *const starting[] = {"load", "instantiate", "_start"};
    for (size_t i = 0; i < WARD_COUNT(starting); i++) {
        look_during = starting[i];
        fixture_new();
        fixture_start();
        expect_busy(WARD_STATE_STARTING, "Component starting");
        ward_component_free(f.component);
        f.component = NULL;
    }
    look_during = "_cleanup";
    fixture_start();
    assert_int_equal(ward_component_stop(f.component, NULL), WARD_OK);
    expect_busy(WARD_STATE_STOPPING, "Component stopping");
}

#define LIFE_TEST(test) cmocka_unit_test_setup_teardown(test, setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LIFE_TEST(test_one_life),
        LIFE_TEST(test_start_runs_without_initialize),
        LIFE_TEST(test_load_is_done_once),
        LIFE_TEST(test_normal_exit_of_start),
        LIFE_TEST(test_bad_exit_of_start),
        LIFE_TEST(test_trap_in_start),
        LIFE_TEST(test_hang_in_start),
        LIFE_TEST(test_one_deadline_for_all_of_start),
        LIFE_TEST(test_slow_load),
        LIFE_TEST(test_start_section_traps),
        LIFE_TEST(test_load_errors),
        LIFE_TEST(test_missing_import),
        LIFE_TEST(test_path_goes_to_the_engine),
        LIFE_TEST(test_types_of_health),
        LIFE_TEST(test_types_of_a_components_health),
        LIFE_TEST(test_types_of_the_others),
        LIFE_TEST(test_limits_before_instantiating),
        LIFE_TEST(test_wrong_moves),
        LIFE_TEST(test_stop_of_what_never_ran),
        LIFE_TEST(test_cleanup_goes_wrong),
        LIFE_TEST(test_declared_failed),
        LIFE_TEST(test_restart_makes_a_new_instance),
        LIFE_TEST(test_free_stops),
        LIFE_TEST(test_starting_and_stopping_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
