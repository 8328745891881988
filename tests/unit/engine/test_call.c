/* Calls: the three forms, their deadlines, and what a trap leaves behind. */
#include "support.h"

static const char add_wat[] =
    "(module (func (export \"add\") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add)"
    " (func (export \"_health\") (result i32) i32.const -1)"
    " (func (export \"wide\") (result i64) i64.const -2)"
    " (func (export \"mix\") (param f32 f64 i64) (result f64 i64 f32)"
    "   local.get 1 local.get 2 local.get 0))";

static void test_typed_call(void **state)
{
    test_guest guest = guest_start(*state, add_wat, NULL);
    wardi_value args[] = {{WARDI_I32, 40}, {WARDI_I32, 2}}, result;
    assert_int_equal(guest_call(&guest, "add", args, 2, &result, 1), WARD_OK);
    assert_int_equal(result.kind, WARDI_I32);
    assert_int_equal(result.bits, 42);
    args[0].bits = UINT32_MAX; /* -1 + 2 */
    assert_int_equal(guest_call(&guest, "add", args, 2, &result, 1), WARD_OK);
    assert_int_equal(result.bits, 1);
    guest_stop(&guest);
}

static void test_all_kinds(void **state)
{
    test_guest guest = guest_start(*state, add_wat, NULL);
    wardi_value args[] = {{WARDI_F32, 0x3fc00000}, {WARDI_F64, 0x4002000000000000}, {WARDI_I64, 7}};
    wardi_value results[3];
    assert_int_equal(guest_call(&guest, "mix", args, 3, results, 3), WARD_OK);
    assert_int_equal(results[0].bits, 0x4002000000000000);
    assert_int_equal(results[1].bits, 7);
    assert_int_equal(results[2].kind, WARDI_F32);
    assert_int_equal(results[2].bits, 0x3fc00000);
    guest_stop(&guest);
}

static void test_wrong_types_are_refused(void **state)
{
    test_guest guest = guest_start(*state, add_wat, NULL);
    wardi_value args[] = {{WARDI_I64, 40}, {WARDI_I32, 2}}, result;
    assert_int_equal(guest_call(&guest, "add", args, 2, &result, 1), WARD_ERROR_EXPORT_TYPE);
    assert_string_equal(
        guest.diag.text,
        "add is func (i32, i32) -> i32, and was called with (i64, i32) for 1 result");
    assert_int_equal(guest_call(&guest, "add", args, 1, &result, 1), WARD_ERROR_EXPORT_TYPE);
    guest_stop(&guest);
}

static void test_probe(void **state)
{
    test_guest guest = guest_start(*state, add_wat, NULL);
    wardi_func func;
    uint64_t bits = 0;
    assert_true(wardi_instance_func(guest.instance, "_health", &func));
    assert_int_equal(wardi_call_probe(guest.instance, &func, wardi_ticks(), WARDI_S, &bits, NULL),
                     WARD_OK);
    assert_int_equal(bits, 0xffffffff);
    assert_true(wardi_instance_func(guest.instance, "wide", &func));
    assert_int_equal(wardi_call_probe(guest.instance, &func, wardi_ticks(), WARDI_S, &bits, NULL),
                     WARD_OK);
    assert_int_equal(bits, (uint64_t)-2);
    assert_false(wardi_instance_func(guest.instance, "absent", &func));
    guest_stop(&guest);
}

/* ---- calls that nobody stands by ---- */

static const char sleeper_wat[] =
    "(module (import \"wasi_snapshot_preview1\" \"poll_oneoff\""
    "   (func $poll (param i32 i32 i32 i32) (result i32)))"
    " (memory (export \"memory\") 1)"
    " (func (export \"sleep\") (param i64) (result i64)"
    "   (i32.store (i32.const 80) (i32.const 1)) (i64.store (i32.const 88) (local.get 0))"
    "   (drop (call $poll (i32.const 64) (i32.const 256) (i32.const 1) (i32.const 0)))"
    "   (i64.add (local.get 0) (i64.const 1)))"
    " (func (export \"fine\") (result i32) i32.const 7))";

static wardi_progress start_sleep(test_guest *guest, uint64_t ns, uint64_t timeout_ns,
                                  uint64_t *ret_wake_ns)
{
    wardi_func func;
    wardi_progress progress = WARDI_CALL_OVER;
    wardi_value arg = {WARDI_I64, ns};
    assert_true(wardi_instance_func(guest->instance, "sleep", &func));
    assert_int_equal(wardi_call_start(guest->instance, &func, &arg, 1, 1, timeout_ns, &progress,
                                      ret_wake_ns, &guest->diag),
                     WARD_OK);
    return progress;
}

/* Fifty guests sleep at the same time, on one thread. */
static void test_many_wait_on_one_thread(void **state)
{
    enum { COUNT = 50 };
    test_guest guests[COUNT];
    uint64_t began_ns = wardi_now_ns(), wake_ns, latest_ns = 0;
    for (int i = 0; i < COUNT; i++) {
        guests[i] = guest_start(*state, sleeper_wat, NULL);
        uint64_t now_ns = wardi_now_ns();
        assert_int_equal(start_sleep(&guests[i], 200 * WARDI_MS, PATIENCE_NS, &wake_ns),
                         WARDI_CALL_WAITS);
        assert_true(wardi_call_waits(guests[i].instance));
        assert_true(wake_ns >= now_ns + 200 * WARDI_MS);
        latest_ns = wake_ns > latest_ns ? wake_ns : latest_ns;
    }
    assert_int_equal(wardi_call_resume(guests[0].instance, &wake_ns), WARDI_CALL_WAITS);
    wardi_sleep_until_ns(latest_ns);
    for (int i = 0; i < COUNT; i++) {
        wardi_value result = {0};
        assert_int_equal(wardi_call_resume(guests[i].instance, &wake_ns), WARDI_CALL_OVER);
        assert_false(wardi_call_waits(guests[i].instance));
        assert_int_equal(
            wardi_call_take(guests[i].instance, &result, &guests[i].trap, &guests[i].diag),
            WARD_OK);
        assert_int_equal(result.bits, 200 * WARDI_MS + 1);
        guest_stop(&guests[i]);
    }
    assert_true(wardi_now_ns() - began_ns < COUNT * 200 * WARDI_MS);
}

static void test_waiting_call_past_its_deadline(void **state)
{
    test_guest guest = guest_start(*state, sleeper_wat, NULL);
    wardi_value result = {.bits = 99};
    uint64_t began_ns = wardi_now_ns(), wake_ns;
    assert_int_equal(start_sleep(&guest, 3600 * WARDI_S, 30 * WARDI_MS, &wake_ns),
                     WARDI_CALL_WAITS);
    assert_true(wake_ns <= wardi_now_ns() + 30 * WARDI_MS); /* its deadline */
    wardi_sleep_until_ns(wake_ns);
    assert_int_equal(wardi_call_resume(guest.instance, &wake_ns), WARDI_CALL_OVER);
    assert_true(wardi_now_ns() - began_ns >= 30 * WARDI_MS);
    assert_int_equal(wardi_call_take(guest.instance, &result, &guest.trap, &guest.diag),
                     WARD_ERROR_DEADLINE);
    assert_int_equal(result.bits, 99);
    assert_true(guest.trap.frame_count >= 1); /* where it waited */
    assert_int_equal(guest_i32(&guest, "fine"), 7);
    guest_stop(&guest);
}

static void test_instance_goes_while_a_call_waits(void **state)
{
    test_guest guest = guest_start(*state, sleeper_wat, NULL);
    uint64_t wake_ns;
    assert_int_equal(start_sleep(&guest, 3600 * WARDI_S, PATIENCE_NS, &wake_ns), WARDI_CALL_WAITS);
    guest_stop(&guest);
}

static void test_call_without_waiting_is_over_at_once(void **state)
{
    test_guest guest = guest_start(*state, add_wat, NULL);
    wardi_func func;
    wardi_progress progress = WARDI_CALL_WAITS;
    wardi_value args[] = {{WARDI_I32, 40}, {WARDI_I32, 2}}, result = {0};
    uint64_t wake_ns;
    assert_true(wardi_instance_func(guest.instance, "add", &func));
    assert_int_equal(wardi_call_start(guest.instance, &func, args, 2, 1, PATIENCE_NS, &progress,
                                      &wake_ns, &guest.diag),
                     WARD_OK);
    assert_int_equal(progress, WARDI_CALL_OVER);
    assert_int_equal(wardi_call_take(guest.instance, &result, NULL, NULL), WARD_OK);
    assert_int_equal(result.bits, 42);
    guest_stop(&guest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_typed_call),
        cmocka_unit_test(test_all_kinds),
        cmocka_unit_test(test_wrong_types_are_refused),
        cmocka_unit_test(test_probe),
        cmocka_unit_test(test_many_wait_on_one_thread),
        cmocka_unit_test(test_waiting_call_past_its_deadline),
        cmocka_unit_test(test_instance_goes_while_a_call_waits),
        cmocka_unit_test(test_call_without_waiting_is_over_at_once),
    };
    return cmocka_run_group_tests(tests, engine_setup, engine_teardown);
}
