/* Interrupts: what runs ends soon, what waits at its next resume, and what comes after never. */
#include "support.h"

#include <pthread.h>
#include <stdatomic.h>

static const char spin_wat[] =
    "(module (memory (export \"memory\") 1)"
    " (func $inner (loop $again (br $again)))"
    " (func (export \"spin\") (result i32) (call $inner) (i32.const 1))"
    " (func (export \"count\") (param i32) (result i32) (local i32)"
    "   (loop $again (local.set 1 (i32.add (local.get 1) (i32.const 1)))"
    "     (br_if $again (i32.lt_u (local.get 1) (local.get 0)))) (local.get 1))"
    " (func (export \"fine\") (result i32) (i32.const 7)))";

/* Interrupts what runs, `after_ns` from now on; long before that, what ran under `stale`. */
typedef struct interrupter {
    pthread_t thread;
    wardi_instance *instance;
    uint64_t after_ns, stale, at_ns;
} interrupter;

static void *interrupt_run(void *argument)
{
    interrupter *by = argument;
    uint64_t began_ns = wardi_now_ns();
    wardi_sleep_until_ns(began_ns + by->after_ns / 4);
    if (by->stale != 0) wardi_instance_interrupt(by->instance, by->stale);
    wardi_sleep_until_ns(began_ns + by->after_ns);
    by->at_ns = wardi_now_ns();
    wardi_instance_interrupt(by->instance, wardi_instance_activity(by->instance));
    return NULL;
}

static void interrupt_after(interrupter *by, wardi_instance *instance, uint64_t after_ns,
                            uint64_t stale)
{
    *by = (interrupter){.instance = instance, .after_ns = after_ns, .stale = stale};
    assert_int_equal(pthread_create(&by->thread, NULL, interrupt_run, by), 0);
}

/* Within how long after the interrupt; the machine may be busy with others. */
static void assert_ended_soon(const interrupter *by)
{
    uint64_t took_ns = wardi_now_ns() - by->at_ns;
    if (took_ns > 60 * WARDI_MS)
        fail_msg("ended after %llu us", (unsigned long long)(took_ns / WARDI_US));
}

static test_guest start(void **state, const char *wat, uint64_t fuel)
{
    wardi_instance_options options = {.limits = usual_limits(), .name = "guest"};
    options.limits.fuel_per_call = fuel;
    return guest_start(*state, wat, &options);
}

static void assert_interrupted(test_guest *guest, ward_error error)
{
    assert_int_equal(error, WARD_ERROR_INTERRUPTED);
    assert_int_equal(guest->trap.error, WARD_ERROR_INTERRUPTED);
    assert_string_equal(guest->trap.cause, "interrupted");
    assert_int_equal(guest->trap.frame_count, 2);
    assert_string_equal(guest->trap.frames[0].function, "inner");
}

static void test_running_guest(void **state)
{
    static const uint64_t fuels[] = {0, UINT64_MAX / 2};
    for (size_t i = 0; i < WARD_COUNT(fuels); i++) {
        test_guest guest = start(state, spin_wat, fuels[i]);
        interrupter by;
        wardi_value result;
        interrupt_after(&by, guest.instance, 30 * WARDI_MS, 0);
        ward_error error = guest_call(&guest, "spin", NULL, 0, &result, 1);
        pthread_join(by.thread, NULL);
        assert_ended_soon(&by);
        assert_interrupted(&guest, error);
        assert_string_equal(guest.diag.text, "spin: interrupted");
        assert_int_equal(guest_i32(&guest, "fine"), 7);
        guest_stop(&guest);
    }
}

static void test_fast_call(void **state)
{
    test_guest guest = start(state, spin_wat, 0);
    interrupter by;
    wardi_func spin, fine;
    uint64_t bits = 99;
    assert_true(wardi_instance_func(guest.instance, "spin", &spin));
    assert_true(wardi_instance_func(guest.instance, "fine", &fine));
    interrupt_after(&by, guest.instance, 30 * WARDI_MS, 0);
    ward_error error =
        wardi_call_probe(guest.instance, &spin, wardi_ticks(), PATIENCE_NS, &bits, &guest.trap);
    pthread_join(by.thread, NULL);
    assert_interrupted(&guest, error);
    assert_ended_soon(&by);
    assert_int_equal(bits, 99);
    assert_int_equal(
        wardi_call_probe(guest.instance, &fine, wardi_ticks(), PATIENCE_NS, &bits, &guest.trap),
        WARD_OK);
    guest_stop(&guest);
}

/* Deadlines are looked at in the same slices, and have to be met all the same. */
static void test_deadline_of_several_slices(void **state)
{
    test_guest guest = start(state, spin_wat, 0);
    wardi_value result;
    uint64_t began_ns = wardi_now_ns();
    assert_int_equal(guest_call_for(&guest, "spin", NULL, 0, &result, 1, 45 * WARDI_MS),
                     WARD_ERROR_DEADLINE);
    uint64_t took_ns = wardi_now_ns() - began_ns;
    assert_true(took_ns >= 45 * WARDI_MS);
    assert_true(took_ns < 150 * WARDI_MS);
    assert_string_equal(guest.trap.cause, "ran past its deadline of 45ms");
    guest_stop(&guest);
}

/* One that comes late, or early, is nobody's. */
static void test_between_activities(void **state)
{
    test_guest guest = start(state, spin_wat, 0);
    wardi_value arg = {WARDI_I32, 200000000}, result;
    wardi_instance_interrupt(guest.instance, wardi_instance_activity(guest.instance));
    assert_int_equal(guest_i32(&guest, "fine"), 7);
    uint64_t over = wardi_instance_activity(guest.instance);
    wardi_instance_interrupt(guest.instance, over);
    assert_int_equal(guest_call(&guest, "count", &arg, 1, &result, 1), WARD_OK); /* some 100 ms */
    assert_int_equal(result.bits, 200000000);
    assert_true(wardi_instance_activity(guest.instance) != over);
    guest_stop(&guest);
}

/* Who wants the last message ended must not end the next: the name tells. */
static void test_only_the_activity_that_is_named(void **state)
{
    test_guest guest = start(state, spin_wat, 0);
    assert_int_equal(guest_i32(&guest, "fine"), 7);
    interrupter by;
    wardi_value result;
    interrupt_after(&by, guest.instance, 100 * WARDI_MS, wardi_instance_activity(guest.instance));
    assert_int_equal(guest_call(&guest, "spin", NULL, 0, &result, 1), WARD_ERROR_INTERRUPTED);
    uint64_t ended_ns = wardi_now_ns();
    pthread_join(by.thread, NULL);
    assert_true(ended_ns >= by.at_ns); /* by the second, not by the first */
    guest_stop(&guest);
}

/* ---- waiting ---- */

static const char sleeper_wat[] =
    "(module (import \"wasi_snapshot_preview1\" \"poll_oneoff\""
    "   (func $poll (param i32 i32 i32 i32) (result i32)))"
    " (memory (export \"memory\") 1)"
    " (func $inner (i32.store (i32.const 80) (i32.const 1)) (i64.store (i32.const 88)"
    "   (i64.const 3600000000000))"
    "   (drop (call $poll (i32.const 64) (i32.const 256) (i32.const 1) (i32.const 0))))"
    " (func (export \"sleep\") (result i32) (call $inner) (i32.const 1))"
    " (func (export \"fine\") (result i32) i32.const 7))";

static void test_waiting_call(void **state)
{
    test_guest guest = start(state, sleeper_wat, 0);
    wardi_func func;
    wardi_progress progress;
    uint64_t wake_ns;
    wardi_value result;
    assert_true(wardi_instance_func(guest.instance, "sleep", &func));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(wardi_call_start(guest.instance, &func, NULL, 0, 1, PATIENCE_NS, &progress,
                                          &wake_ns, &guest.diag),
                         WARD_OK);
        assert_int_equal(progress, WARDI_CALL_WAITS);
        assert_int_equal(wardi_call_resume(guest.instance, &wake_ns), WARDI_CALL_WAITS);
        wardi_instance_interrupt(guest.instance, wardi_instance_activity(guest.instance));
        assert_int_equal(wardi_call_resume(guest.instance, &wake_ns), WARDI_CALL_OVER);
        assert_interrupted(&guest,
                           wardi_call_take(guest.instance, &result, &guest.trap, &guest.diag));
        assert_int_equal(guest_i32(&guest, "fine"), 7);
    }
    guest_stop(&guest);
}

static void test_caller_that_stands_by(void **state)
{
    test_guest guest = start(state, sleeper_wat, 0);
    interrupter by;
    wardi_value result;
    interrupt_after(&by, guest.instance, 30 * WARDI_MS, 0);
    ward_error error = guest_call(&guest, "sleep", NULL, 0, &result, 1);
    pthread_join(by.thread, NULL);
    assert_ended_soon(&by);
    assert_interrupted(&guest, error);
    interrupt_after(&by, guest.instance, 30 * WARDI_MS, 0);
    wardi_func func;
    uint64_t bits;
    assert_true(wardi_instance_func(guest.instance, "sleep", &func));
    error = wardi_call_probe(guest.instance, &func, wardi_ticks(), PATIENCE_NS, &bits, &guest.trap);
    pthread_join(by.thread, NULL);
    assert_ended_soon(&by);
    assert_interrupted(&guest, error);
    guest_stop(&guest);
}

/* Of the component model as well, on its fiber. */
static void test_component(void **state)
{
    static const char wat[] =
        "(component (core module $m (func $inner (loop $again (br $again)))"
        " (func (export \"spin\") (result i32) (call $inner) (i32.const 0)))"
        " (core instance $i (instantiate $m)) (type $kind (enum \"good\" \"bad\"))"
        " (export $e \"kind\" (type $kind))"
        " (func (export \"spin\") (result $e) (canon lift (core func $i \"spin\"))))";
    test_guest guest = start(state, wat, 0);
    interrupter by;
    wardi_func func;
    wardi_component_answer answer;
    uint8_t bytes[8];
    assert_true(wardi_instance_func(guest.instance, "spin", &func));
    interrupt_after(&by, guest.instance, 30 * WARDI_MS, 0);
    ward_error error = wardi_call_component(guest.instance, &func, PATIENCE_NS, bytes, sizeof bytes,
                                            &answer, &guest.trap, &guest.diag);
    pthread_join(by.thread, NULL);
    assert_ended_soon(&by);
    assert_interrupted(&guest, error);
    guest_stop(&guest);
}

/* Thousands of short calls under a storm of interrupts: each ends as it should, and an interrupt
 * hits nothing but what ran when it was named. That may be a call that the machine has put aside
 * since: then its own name is the one that was last interrupted. */
typedef struct storm {
    wardi_instance *instance;
    _Atomic uint64_t named;
    atomic_bool stop;
} storm;

static void *storm_run(void *argument)
{
    storm *of = argument;
    while (!atomic_load(&of->stop)) {
        uint64_t activity = wardi_instance_activity(of->instance);
        wardi_sleep_until_ns(wardi_now_ns() + 50 * WARDI_US);
        atomic_store(&of->named, activity);
        wardi_instance_interrupt(of->instance, activity);
    }
    return NULL;
}

static void call_in_storm(test_guest *guest, storm *of)
{
    wardi_value result;
    ward_error error = guest_call(guest, "fine", NULL, 0, &result, 1);
    if (error == WARD_ERROR_INTERRUPTED) {
        assert_int_equal(wardi_instance_activity(guest->instance), atomic_load(&of->named));
        return;
    }
    assert_int_equal(error, WARD_OK);
    assert_int_equal(result.bits, 7);
}

static void test_storm_over_short_calls(void **state)
{
    test_guest guest = start(state, spin_wat, 0);
    storm of = {.instance = guest.instance};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, storm_run, &of), 0);
    uint64_t until_ns = wardi_now_ns() + 300 * WARDI_MS;
    while (wardi_now_ns() < until_ns) call_in_storm(&guest, &of);
    atomic_store(&of.stop, true);
    pthread_join(thread, NULL);
    guest_stop(&guest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_running_guest),
        cmocka_unit_test(test_fast_call),
        cmocka_unit_test(test_deadline_of_several_slices),
        cmocka_unit_test(test_between_activities),
        cmocka_unit_test(test_only_the_activity_that_is_named),
        cmocka_unit_test(test_waiting_call),
        cmocka_unit_test(test_caller_that_stands_by),
        cmocka_unit_test(test_component),
        cmocka_unit_test(test_storm_over_short_calls),
    };
    return cmocka_run_group_tests(tests, engine_setup, engine_teardown);
}
