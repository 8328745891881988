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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_typed_call),
        cmocka_unit_test(test_all_kinds),
        cmocka_unit_test(test_wrong_types_are_refused),
        cmocka_unit_test(test_probe),
    };
    return cmocka_run_group_tests(tests, engine_setup, engine_teardown);
}
