/* Traps, deadlines, fuel and exits: data, with a cause and a backtrace, never a crash. */
#include "support.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static const char traps_wat[] =
    "(module (memory (export \"memory\") 1) (table 2 funcref) (type $v (func))"
    " (type $i (func (param i32))) (elem (i32.const 0) $takes) (func $takes (param i32))"
    " (func $boom unreachable)"
    " (func (export \"unreachable\") call $boom)"
    " (func (export \"oob\") (drop (i32.load (i32.const -4))))"
    " (func (export \"div\") (drop (i32.div_s (i32.const 1) (i32.const 0))))"
    " (func (export \"overflow\") (drop (i32.div_s (i32.const 0x80000000) (i32.const -1))))"
    " (func (export \"convert\") (drop (i32.trunc_f32_s (f32.const nan))))"
    " (func (export \"null\") (call_indirect (type $v) (i32.const 1)))"
    " (func (export \"mismatch\") (call_indirect (type $v) (i32.const 0)))"
    " (func (export \"table\") (call_indirect (type $v) (i32.const 9)))"
    " (func $deep (export \"deep\") call $deep call $deep)"
    " (func $loop (export \"loop\") (loop (br 0)))"
    " (func (export \"_health\") (result i32) call $loop i32.const 0)"
    " (func (export \"fine\") (result i32) i32.const 7))";

static void expect_cause(test_guest *guest, const char *name, const char *cause)
{
    memset(&guest->trap, 0, sizeof guest->trap);
    assert_int_equal(guest_call(guest, name, NULL, 0, NULL, 0), WARD_ERROR_TRAP);
    assert_int_equal(guest->trap.error, WARD_ERROR_TRAP);
    assert_string_equal(guest->trap.cause, cause);
    assert_string_equal(guest->trap.export_name, name);
    assert_true(guest->trap.frame_count > 0);
    assert_int_equal(guest_i32(guest, "fine"), 7);
}

static void test_causes(void **state)
{
    test_guest guest = guest_start(*state, traps_wat, NULL);
    expect_cause(&guest, "unreachable", "unreachable");
    expect_cause(&guest, "oob", "out of bounds memory access");
    expect_cause(&guest, "div", "integer divide by zero");
    expect_cause(&guest, "overflow", "integer overflow");
    expect_cause(&guest, "convert", "invalid conversion to integer");
    expect_cause(&guest, "null", "uninitialized table element called");
    expect_cause(&guest, "mismatch", "indirect call type mismatch");
    expect_cause(&guest, "table", "out of bounds table access");
    expect_cause(&guest, "deep", "call stack exhausted");
    assert_in_range(guest.trap.frame_count, 16, WARD_FRAMES_MAX);
    guest_stop(&guest);
}

/* How one call was ended says nothing of the next, of whichever form that is. */
static void test_an_end_is_forgotten(void **state)
{
    test_guest guest = guest_start(*state,
                                   "(module (func (export \"loop\") (loop (br 0)))"
                                   " (func (export \"_health\") (result i32) unreachable))",
                                   NULL);
    wardi_func health;
    uint64_t bits = 0;
    assert_true(wardi_instance_func(guest.instance, "_health", &health));
    assert_int_equal(guest_call_for(&guest, "loop", NULL, 0, NULL, 0, 5 * WARDI_MS),
                     WARD_ERROR_DEADLINE);
    assert_int_equal(
        wardi_call_probe(guest.instance, &health, wardi_ticks(), PATIENCE_NS, &bits, &guest.trap),
        WARD_ERROR_TRAP);
    assert_string_equal(guest.trap.cause, "unreachable");
    guest_stop(&guest);
}

static void test_backtrace(void **state)
{
    test_guest guest = guest_start(*state, traps_wat, NULL);
    assert_int_equal(guest_call(&guest, "unreachable", NULL, 0, NULL, 0), WARD_ERROR_TRAP);
    assert_int_equal(guest.trap.frame_count, 2);
    assert_string_equal(guest.trap.frames[0].function, "boom");
    assert_int_equal(guest.trap.frames[0].function_index, 1);
    assert_string_equal(guest.trap.frames[1].function, "wasm-function[2]");
    assert_true(guest.trap.frames[0].module_offset < guest.trap.frames[1].module_offset);
    assert_string_equal(guest.diag.text, "unreachable: unreachable");
    guest_stop(&guest);
}

static void test_deadline(void **state)
{
    test_guest guest = guest_start(*state, traps_wat, NULL);
    for (int i = 0; i < 20; i++) {
        uint64_t timeout_ns = (uint64_t)(i % 4) * 3 * WARDI_MS, began_ns = wardi_now_ns();
        assert_int_equal(guest_call_for(&guest, "loop", NULL, 0, NULL, 0, timeout_ns),
                         WARD_ERROR_DEADLINE);
        assert_true(wardi_now_ns() - began_ns >= timeout_ns); /* never early */
    }
    assert_string_equal(guest.trap.cause, "ran past its deadline of 9ms");
    assert_string_equal(guest.trap.frames[0].function, "loop");
    assert_int_equal(guest_i32(&guest, "fine"), 7);
    guest_stop(&guest);
}

static void test_deadline_of_probe(void **state)
{
    test_guest guest = guest_start(*state, traps_wat, NULL);
    wardi_func func;
    uint64_t bits = 99, began_ns = wardi_now_ns();
    ward_trap trap;
    assert_true(wardi_instance_func(guest.instance, "_health", &func));
    assert_int_equal(
        wardi_call_probe(guest.instance, &func, wardi_ticks(), 10 * WARDI_MS, &bits, &trap),
        WARD_ERROR_DEADLINE);
    assert_true(wardi_now_ns() - began_ns >= 10 * WARDI_MS);
    assert_int_equal(bits, 99); /* untouched on failure */
    assert_int_equal(trap.frame_count, 2);
    assert_string_equal(trap.export_name, "_health");
    assert_int_equal(wardi_call_probe(guest.instance, &func, wardi_ticks(), WARDI_MS, &bits, NULL),
                     WARD_ERROR_DEADLINE);
    guest_stop(&guest);
}

/* The process was stopped, and the clock makes up for it at once: a call that begins now must not
 * pay for that. In a process of its own, which can be stopped without harm. */
static void stopped_child(void)
{
    wardi_engine_options options = {.memories_max = 4};
    wardi_engine *engine;
    alarm(60);
    if (wardi_engine_new(&options, &engine, NULL) != WARD_OK) _exit(2);
    test_guest guest = guest_start(engine, traps_wat, NULL);
    wardi_func func;
    if (!wardi_instance_func(guest.instance, "_health", &func)) _exit(3);
    for (int i = 0; i < 20; i++) {
        raise(SIGSTOP);
        uint64_t bits, began = wardi_ticks();
        ward_error error =
            wardi_call_probe(guest.instance, &func, began, 30 * WARDI_MS, &bits, NULL);
        uint64_t lasted_ns = wardi_ticks_span_ns(began, wardi_ticks());
        if (error != WARD_ERROR_DEADLINE || lasted_ns < 30 * WARDI_MS) _exit(4);
    }
    _exit(0);
}

static void test_deadline_after_a_stop(void **state)
{
    (void)state;
    int status = 0;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) stopped_child();
    while (waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status)) {
        wardi_sleep_until_ns(wardi_now_ns() + 60 * WARDI_MS);
        kill(child, SIGCONT);
    }
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_start_section(void **state)
{
    test_guest guest = {0};
    assert_int_equal(
        guest_load(&guest, *state, "(module (func $s (loop (br 0))) (start $s))", false), WARD_OK);
    assert_int_equal(guest_make(&guest, NULL, 20 * WARDI_MS), WARD_ERROR_DEADLINE);
    assert_null(guest.instance);
    assert_int_equal(guest.trap.error, WARD_ERROR_DEADLINE);
    assert_string_equal(guest.trap.frames[0].function, "s");
    wardi_module_release(guest.module);
    assert_int_equal(guest_load(&guest, *state, "(module (func $s unreachable) (start $s))", false),
                     WARD_OK);
    assert_int_equal(guest_make(&guest, NULL, PATIENCE_NS), WARD_ERROR_TRAP);
    assert_string_equal(guest.trap.cause, "unreachable");
    assert_string_equal(guest.trap.export_name, "start");
    wardi_module_release(guest.module);
}

static void test_data_out_of_bounds(void **state)
{
    test_guest guest = {0};
    assert_int_equal(
        guest_load(&guest, *state, "(module (memory 1) (data (i32.const 65535) \"ab\"))", false),
        WARD_OK);
    assert_int_equal(guest_make(&guest, NULL, PATIENCE_NS), WARD_ERROR_TRAP);
    assert_string_equal(guest.trap.cause, "out of bounds memory access");
    wardi_module_release(guest.module);
}

static wardi_instance_options with_fuel(uint64_t fuel)
{
    wardi_instance_options options = {.limits = usual_limits(), .name = "guest"};
    options.limits.fuel_per_call = fuel;
    return options;
}

static void test_fuel(void **state)
{
    wardi_instance_options options = with_fuel(10000);
    test_guest guest = guest_start(*state, traps_wat, &options);
    wardi_instance_figures figures;
    assert_int_equal(guest_i32(&guest, "fine"), 7);
    wardi_instance_figures_of(guest.instance, &figures);
    assert_in_range(figures.fuel_last, 1, 100);
    assert_int_equal(guest_call(&guest, "loop", NULL, 0, NULL, 0), WARD_ERROR_FUEL);
    assert_string_equal(guest.trap.cause, "used up its fuel of 10000");
    wardi_instance_figures_of(guest.instance, &figures);
    assert_in_range(figures.fuel_last, 10000, 10100);
    assert_int_equal(guest_i32(&guest, "fine"), 7); /* every call has its own */
    guest_stop(&guest);
}

static void test_fuel_of_probe_and_start(void **state)
{
    wardi_instance_options options = with_fuel(1000);
    test_guest guest = guest_start(*state, traps_wat, &options);
    wardi_func func;
    uint64_t bits;
    ward_trap trap;
    assert_true(wardi_instance_func(guest.instance, "fine", &func));
    assert_int_equal(wardi_call_probe(guest.instance, &func, wardi_ticks(), WARDI_S, &bits, &trap),
                     WARD_OK);
    assert_int_equal(bits, 7);
    assert_true(wardi_instance_func(guest.instance, "_health", &func));
    assert_int_equal(wardi_call_probe(guest.instance, &func, wardi_ticks(), WARDI_S, &bits, &trap),
                     WARD_ERROR_FUEL);
    guest_stop(&guest);
    memset(&guest, 0, sizeof guest);
    assert_int_equal(
        guest_load(&guest, *state, "(module (func $s (loop (br 0))) (start $s))", true), WARD_OK);
    assert_int_equal(guest_make(&guest, &options, PATIENCE_NS), WARD_ERROR_FUEL);
    wardi_module_release(guest.module);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_causes),
        cmocka_unit_test(test_an_end_is_forgotten),
        cmocka_unit_test(test_backtrace),
        cmocka_unit_test(test_deadline),
        cmocka_unit_test(test_deadline_of_probe),
        cmocka_unit_test(test_start_section),
        cmocka_unit_test(test_data_out_of_bounds),
        cmocka_unit_test(test_fuel),
        cmocka_unit_test(test_fuel_of_probe_and_start),
    };
    /* First: a child of a process that has an engine could not compile. */
    const struct CMUnitTest stopped[] = {cmocka_unit_test(test_deadline_after_a_stop)};
    int failed = cmocka_run_group_tests_name("stopped", stopped, NULL, NULL);
    return failed + cmocka_run_group_tests_name("traps", tests, engine_setup, engine_teardown);
}
