/* No memory, at every allocation in turn: an error, nothing half-made, nothing leaked. */
#include "support.h"

#include <stdatomic.h>

static atomic_long left; /* allocations until one fails; the compile thread counts as well */

static bool gate(void *context, size_t size)
{
    (void)context, (void)size;
    return atomic_fetch_sub(&left, 1) != 1;
}

/* A whole life. True: no allocation was refused on the way. */
static bool live(wardi_engine *engine, const char *wat, const wardi_instance_options *options,
                 bool component)
{
    test_guest guest = {0};
    uint8_t bytes[8];
    wardi_component_answer answer;
    wardi_value result;
    wardi_func func;
    ward_error error = guest_load(&guest, engine, wat, false);
    if (error == WARD_OK) error = guest_make(&guest, options, PATIENCE_NS);
    if (error == WARD_OK && !wardi_instance_func(guest.instance, "health", &func))
        fail_msg("no function");
    if (error == WARD_OK && component)
        error = wardi_call_component(guest.instance, &func, PATIENCE_NS, bytes, sizeof bytes,
                                     &answer, NULL, &guest.diag);
    else if (error == WARD_OK)
        error =
            wardi_call(guest.instance, &func, NULL, 0, &result, 1, PATIENCE_NS, NULL, &guest.diag);
    if (error != WARD_OK) assert_int_equal(error, WARD_ERROR_NO_MEMORY);
    guest_stop(&guest);
    return atomic_load(&left) > 0;
}

static void expect_no_harm(wardi_engine *engine, const char *wat, bool component)
{
    const char *env[] = {"A=1"};
    ward_preopen preopen = {.host_path = TEST_DIR, .guest_path = "/tests"};
    ward_wasi_grants wasi = {.env = env,
                             .env_count = 1,
                             .preopens = &preopen,
                             .preopen_count = component ? 0 : 1,
                             .stdin_path = TEST_DIR "/vectors.tsv"};
    wardi_instance_options options = {.limits = usual_limits(), .wasi = &wasi, .name = "guest"};
    bool through = false;
    long n = 0;
    while (!through) {
        atomic_store(&left, ++n);
        wardi_alloc_gate_set(gate, NULL);
        through = live(engine, wat, &options, component);
        wardi_alloc_gate_set(NULL, NULL);
        assert_true(n < 1000);
    }
    assert_true(n > 5);
}

static void test_module(void **state)
{
    expect_no_harm(
        *state,
        "(module (import \"wasi_snapshot_preview1\" \"poll_oneoff\""
        "   (func $p (param i32 i32 i32 i32) (result i32))) (memory (export \"memory\") 1)"
        " (table (export \"t\") 1 funcref)"
        " (func (export \"health\") (result i32)"
        "   (drop (call $p (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)))"
        "   (i32.const 7)))",
        false);
}

static void test_component(void **state)
{
    expect_no_harm(*state,
                   "(component (import \"wasi:io/poll@0.2.0\" (instance))"
                   " (core module $m (func (export \"f\") (result i32) i32.const 1))"
                   " (core instance $i (instantiate $m)) (type $s (enum \"a\" \"b\"))"
                   " (export $n \"s\" (type $s))"
                   " (func $f (result $n) (canon lift (core func $i \"f\")))"
                   " (export \"health\" (func $f)))",
                   true);
}

static void test_engine(void **state)
{
    (void)state;
    wardi_engine_options options = {.memories_max = 4};
    wardi_engine *engine = NULL;
    for (long n = 1; engine == NULL; n++) {
        ward_diag diag;
        atomic_store(&left, n);
        wardi_alloc_gate_set(gate, NULL);
        ward_error error = wardi_engine_new(&options, &engine, &diag);
        wardi_alloc_gate_set(NULL, NULL);
        assert_true(error == WARD_OK || error == WARD_ERROR_NO_MEMORY);
        assert_true(n < 100);
    }
    wardi_engine_free(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_module),
        cmocka_unit_test(test_component),
        cmocka_unit_test(test_engine),
    };
    return cmocka_run_group_tests(tests, engine_setup, engine_teardown);
}
