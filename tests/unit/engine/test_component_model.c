/* Components of the component model: their health in every shape, waiting, trapping, being refused.
 */
#include "support.h"

#include <pthread.h>

/* A core module with a frame at 8, lifted as `health` of the given type. */
#define LIFT_LIST                                                                                  \
    "(component (core module $m (memory (export \"memory\") 1)"                                    \
    "   (data (i32.const 0) \"\\08\\00\\00\\00\\05\\00\\00\\00hello\")"                            \
    "   (func $loop (loop (br 0)))"                                                                \
    "   (func (export \"health\") (result i32) i32.const 0)"                                       \
    "   (func (export \"hang\") (result i32) call $loop i32.const 0)"                              \
    "   (func $boom (export \"boom\") (result i32) unreachable)"                                   \
    "   (func (export \"wild\") (result i32) i32.const 65535))"                                    \
    " (core instance $i (instantiate $m))"                                                         \
    " (func (export \"health\") (result (list u8))"                                                \
    "   (canon lift (core func $i \"health\") (memory (core memory $i \"memory\"))))"              \
    " (func (export \"hang\") (result (list u8))"                                                  \
    "   (canon lift (core func $i \"hang\") (memory (core memory $i \"memory\"))))"                \
    " (func (export \"boom\") (result (list u8))"                                                  \
    "   (canon lift (core func $i \"boom\") (memory (core memory $i \"memory\"))))"                \
    " (func (export \"wild\") (result (list u8))"                                                  \
    "   (canon lift (core func $i \"wild\") (memory (core memory $i \"memory\")))))"

static ward_error ask(test_guest *guest, const char *name, uint64_t timeout_ns, uint8_t *bytes,
                      size_t capacity, wardi_component_answer *answer)
{
    wardi_func func;
    if (!wardi_instance_func(guest->instance, name, &func)) fail_msg("no function %s", name);
    return wardi_call_component(guest->instance, &func, timeout_ns, bytes, capacity, answer,
                                &guest->trap, &guest->diag);
}

static void test_list(void **state)
{
    test_guest guest = guest_start(*state, LIFT_LIST, NULL);
    const wardi_module_facts *facts = wardi_module_facts_of(guest.module);
    assert_true(facts->is_component);
    assert_string_equal(facts->exports[0].type, "func() -> list<u8>");
    assert_int_equal(facts->export_details[0].shape, WARDI_RESULT_LIST_U8);
    uint8_t bytes[16];
    wardi_component_answer answer;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ask(&guest, "health", PATIENCE_NS, bytes, sizeof bytes, &answer), WARD_OK);
        assert_int_equal(answer.shape, WARDI_RESULT_LIST_U8);
        assert_int_equal(answer.length, 5);
        assert_false(answer.cut);
        assert_memory_equal(bytes, "hello", 5);
    }
    assert_int_equal(ask(&guest, "health", PATIENCE_NS, bytes, 3, &answer), WARD_OK);
    assert_int_equal(answer.length, 3);
    assert_true(answer.cut);
    wardi_instance_figures figures;
    wardi_instance_figures_of(guest.instance, &figures);
    assert_int_equal(figures.memory_bytes, 65536);
    guest_stop(&guest);
}

static void test_hang(void **state)
{
    test_guest guest = guest_start(*state, LIFT_LIST, NULL);
    uint8_t bytes[16];
    wardi_component_answer answer;
    assert_int_equal(ask(&guest, "hang", 20 * WARDI_MS, bytes, sizeof bytes, &answer),
                     WARD_ERROR_DEADLINE);
    assert_string_equal(guest.trap.cause, "ran past its deadline of 20ms");
    assert_string_equal(guest.trap.frames[0].function, "loop");
    guest_stop(&guest);
}

static void test_trap(void **state)
{
    test_guest guest = guest_start(*state, LIFT_LIST, NULL);
    uint8_t bytes[16];
    wardi_component_answer answer;
    assert_int_equal(ask(&guest, "boom", PATIENCE_NS, bytes, sizeof bytes, &answer),
                     WARD_ERROR_TRAP);
    assert_string_equal(guest.trap.cause, "unreachable");
    assert_string_equal(guest.trap.export_name, "boom");
    assert_string_equal(guest.trap.frames[0].function, "boom");
    assert_int_equal(ask(&guest, "health", PATIENCE_NS, bytes, sizeof bytes, &answer),
                     WARD_ERROR_TRAP);
    assert_string_equal(guest.trap.cause, "cannot enter the component: it trapped before");
    guest_stop(&guest);
}

static void test_wild_pointer(void **state)
{
    test_guest guest = guest_start(*state, LIFT_LIST, NULL);
    uint8_t bytes[16];
    wardi_component_answer answer;
    assert_int_equal(ask(&guest, "wild", PATIENCE_NS, bytes, sizeof bytes, &answer),
                     WARD_ERROR_TRAP);
    assert_true(guest.trap.cause[0] != '\0');
    guest_stop(&guest);
}

/* The status of the AirsSys interface: case 1 with a reason. */
static const char variant_wat[] =
    "(component (core module $m (memory (export \"memory\") 1)"
    "   (data (i32.const 0) \"\\01\\00\\00\\00\\10\\00\\00\\00\\04\\00\\00\\00....slow\")"
    "   (func (export \"health\") (result i32) i32.const 0))"
    " (core instance $i (instantiate $m))"
    " (type $status (variant (case \"healthy\") (case \"degraded\" string)"
    "   (case \"unhealthy\" string)))"
    " (export $named \"health-status\" (type $status))"
    " (func $f (result $named)"
    "   (canon lift (core func $i \"health\") (memory (core memory $i \"memory\"))))"
    " (export \"health\" (func $f)))";

static void test_variant(void **state)
{
    test_guest guest = guest_start(*state, variant_wat, NULL);
    uint8_t bytes[16];
    wardi_component_answer answer;
    assert_int_equal(ask(&guest, "health", PATIENCE_NS, bytes, sizeof bytes, &answer), WARD_OK);
    assert_int_equal(answer.shape, WARDI_RESULT_CASES);
    assert_string_equal(answer.case_name, "degraded");
    assert_int_equal(answer.length, 4);
    assert_memory_equal(bytes, "slow", 4);
    guest_stop(&guest);
}

/* A payload of more than text alone: its reason is what counts. */
static const char record_wat[] =
    "(component (core module $m (memory (export \"memory\") 1)"
    "   (data (i32.const 0) "
    "\"\\00\\00\\00\\00\\20\\00\\00\\00\\03\\00\\00\\00\\28\\00\\00\\00\\04\")"
    "   (data (i32.const 32) \"E42.....slow\")"
    "   (func (export \"health\") (result i32) i32.const 0))"
    " (core instance $i (instantiate $m))"
    " (type $why (record (field \"code\" string) (field \"reason\" string)))"
    " (export $named-why \"why\" (type $why))"
    " (type $status (variant (case \"degraded\" $named-why)))"
    " (export $named \"health-status\" (type $status))"
    " (func $f (result $named)"
    "   (canon lift (core func $i \"health\") (memory (core memory $i \"memory\"))))"
    " (export \"health\" (func $f)))";

static void test_record(void **state)
{
    test_guest guest = guest_start(*state, record_wat, NULL);
    uint8_t bytes[16];
    wardi_component_answer answer;
    assert_int_equal(ask(&guest, "health", PATIENCE_NS, bytes, sizeof bytes, &answer), WARD_OK);
    assert_string_equal(answer.case_name, "degraded");
    assert_int_equal(answer.length, 4);
    assert_memory_equal(bytes, "slow", 4);
    guest_stop(&guest);
}

static const char interface_wat[] =
    "(component (core module $m (func (export \"health\") (result i32) i32.const 2))"
    " (core instance $i (instantiate $m))"
    " (type $status (enum \"healthy\" \"degraded\" \"unhealthy\"))"
    " (func $f (result $status) (canon lift (core func $i \"health\")))"
    " (component $c (import \"t\" (type $t (eq $status))) (import \"f\" (func $f (result $t)))"
    "   (export $e \"health-status\" (type $t))"
    "   (export \"health\" (func $f) (func (result $e))))"
    " (instance $lifecycle (instantiate $c (with \"t\" (type $status)) (with \"f\" (func $f))))"
    " (export \"airssys:core/component-lifecycle@1.0.0\" (instance $lifecycle)))";

static void test_enum_in_an_interface(void **state)
{
    test_guest guest = guest_start(*state, interface_wat, NULL);
    uint8_t bytes[16];
    wardi_component_answer answer;
    assert_int_equal(ask(&guest, "health", PATIENCE_NS, bytes, sizeof bytes, &answer), WARD_OK);
    assert_int_equal(answer.shape, WARDI_RESULT_CASES);
    assert_string_equal(answer.case_name, "unhealthy");
    assert_int_equal(answer.length, 0);
    const ward_extern *exports = wardi_module_facts_of(guest.module)->exports;
    assert_string_equal(exports[1].module, "airssys:core/component-lifecycle@1.0.0");
    assert_string_equal(exports[1].type, "func() -> enum { healthy, degraded, unhealthy }");
    guest_stop(&guest);
}

/* Sleeps for the nanoseconds given to the host's clock, through WASI 0.2. */
#define SLEEPER(ns)                                                                                \
    "(component"                                                                                   \
    " (import \"wasi:io/poll@0.2.0\" (instance $poll (export \"pollable\" (type $p (sub "          \
    "resource)))"                                                                                  \
    "   (export \"[method]pollable.block\" (func (param \"self\" (borrow $p))))))"                 \
    " (alias export $poll \"pollable\" (type $pollable))"                                          \
    " (import \"wasi:clocks/monotonic-clock@0.2.0\" (instance $clock"                              \
    "   (alias outer 1 $pollable (type $q)) (export \"pollable\" (type $p (eq $q)))"               \
    "   (export \"subscribe-duration\" (func (param \"when\" u64) (result (own $p))))))"           \
    " (core func $block (canon lower (func $poll \"[method]pollable.block\")))"                    \
    " (core func $after (canon lower (func $clock \"subscribe-duration\")))"                       \
    " (core module $m (import \"h\" \"block\" (func $block (param i32)))"                          \
    "   (import \"h\" \"after\" (func $after (param i64) (result i32)))"                           \
    "   (memory (export \"memory\") 1)"                                                            \
    "   (func (export \"health\") (result i32)"                                                    \
    "     (call $block (call $after (i64.const " ns "))) i32.const 0))"                            \
    " (core instance $i (instantiate $m (with \"h\" (instance (export \"block\" (func $block))"    \
    "   (export \"after\" (func $after))))))"                                                      \
    " (func (export \"health\") (result (list u8))"                                                \
    "   (canon lift (core func $i \"health\") (memory (core memory $i \"memory\")))))"

static void test_sleep(void **state)
{
    test_guest guest = guest_start(*state, SLEEPER("30000000"), NULL);
    uint8_t bytes[16];
    wardi_component_answer answer;
    uint64_t began_ns = wardi_now_ns();
    assert_true(wardi_module_facts_of(guest.module)->waits);
    assert_int_equal(ask(&guest, "health", PATIENCE_NS, bytes, sizeof bytes, &answer), WARD_OK);
    assert_true(wardi_now_ns() - began_ns >= 30 * WARDI_MS);
    assert_int_equal(answer.length, 0);
    guest_stop(&guest);
}

static void test_sleep_past_the_deadline(void **state)
{
    test_guest guest = guest_start(*state, SLEEPER("3600000000000"), NULL);
    uint8_t bytes[16];
    wardi_component_answer answer;
    uint64_t began_ns = wardi_now_ns();
    assert_int_equal(ask(&guest, "health", 20 * WARDI_MS, bytes, sizeof bytes, &answer),
                     WARD_ERROR_DEADLINE);
    assert_true(wardi_now_ns() - began_ns >= 20 * WARDI_MS);
    assert_true(wardi_now_ns() - began_ns < 10 * WARDI_S);
    /* what became of the instance is the engine's to say; the process lives */
    (void)ask(&guest, "health", 20 * WARDI_MS, bytes, sizeof bytes, &answer);
    guest_stop(&guest);
}

static void test_missing_imports(void **state)
{
    test_guest guest = {0};
    static const char wat[] = "(component (import \"wasi:http/types@0.2.0\" (instance))"
                              " (import \"wasi:io/poll@0.2.3\" (instance))"
                              " (import \"wasi:io/poll@0.9.0\" (instance))"
                              " (import \"acme:db/query\" (func (param \"q\" string))))";
    assert_int_equal(guest_load(&guest, *state, wat, false), WARD_OK);
    assert_int_equal(wardi_module_check_imports(guest.module, &guest.diag),
                     WARD_ERROR_IMPORT_MISSING);
    assert_non_null(strstr(guest.diag.text, "3 of 4 imports are not offered"));
    assert_non_null(strstr(guest.diag.text, "wasi:http/types@0.2.0"));
    assert_non_null(strstr(guest.diag.text, "acme:db/query: func(q: string)"));
    assert_int_equal(guest_make(&guest, NULL, PATIENCE_NS), WARD_ERROR_IMPORT_MISSING);
    wardi_module_release(guest.module);
}

/* Offered by name, but without the function that is asked for. */
static void test_missing_function_of_an_interface(void **state)
{
    test_guest guest = {0};
    static const char wat[] =
        "(component (import \"wasi:io/poll@0.2.0\" (instance (export \"nonsense\" (func)))))";
    assert_int_equal(guest_load(&guest, *state, wat, false), WARD_OK);
    assert_int_equal(guest_make(&guest, NULL, PATIENCE_NS), WARD_ERROR_IMPORT_MISSING);
    assert_non_null(strstr(guest.diag.text, "nonsense"));
    wardi_module_release(guest.module);
}

static void test_other_types_are_not_called(void **state)
{
    static const char wat[] =
        "(component (core module $m (func (export \"f\") (result i32) i32.const 2))"
        " (core instance $i (instantiate $m))"
        " (func (export \"health\") (result u32) (canon lift (core func $i \"f\"))))";
    test_guest guest = guest_start(*state, wat, NULL);
    uint8_t bytes[16];
    wardi_component_answer answer;
    assert_int_equal(ask(&guest, "health", PATIENCE_NS, bytes, sizeof bytes, &answer),
                     WARD_ERROR_EXPORT_TYPE);
    assert_non_null(strstr(guest.diag.text, "func() -> u32"));
    guest_stop(&guest);
}

static void test_limits(void **state)
{
    static const char wat[] = "(component (core module $m (memory 100))"
                              " (core instance (instantiate $m)) (core instance (instantiate $m)))";
    test_guest guest = {0};
    wardi_instance_options options = {.limits = usual_limits(), .name = "guest"};
    assert_int_equal(guest_load(&guest, *state, wat, false), WARD_OK);
    options.limits.memory_bytes_max = 150 * 65536;
    assert_int_equal(guest_make(&guest, &options, PATIENCE_NS), WARD_ERROR_LIMIT_MEMORY);
    options.limits.memory_bytes_max = 200 * 65536;
    assert_int_equal(guest_make(&guest, &options, PATIENCE_NS), WARD_OK);
    guest_stop(&guest);
}

/* A thread that has entered the reactor still runs core modules. */
static void test_both_kinds_on_a_thread(void **state)
{
    static const char wat[] =
        "(module (import \"wasi_snapshot_preview1\" \"fd_write\""
        "   (func $write (param i32 i32 i32 i32) (result i32))) "
        " (import \"wasi_snapshot_preview1\" \"sched_yield\" (func $yield (result i32)))"
        "(memory (export \"memory\") 1)"
        " (func (export \"f\") (result i32) (i32.store (i32.const 4) (i32.const 9))"
        "   (drop (call $yield))"
        "   (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 64))))";
    test_list(state);
    test_guest guest = guest_start(*state, wat, NULL);
    assert_int_equal(guest_i32(&guest, "f"), 0);
    guest_stop(&guest);
}

/* A thread that polled a component ends like any other. */
static void *poll_and_end(void *argument)
{
    test_guest guest = guest_start(argument, "(component)", NULL);
    guest_stop(&guest);
    return NULL;
}

static void test_a_thread_of_components_ends(void **state)
{
    for (int i = 0; i < 3; i++) {
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, poll_and_end, *state), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
    }
}

/* Nothing bounds the engine's own WASI 0.2 in one: a grant is refused, not half kept. */
static void test_directories_are_refused(void **state)
{
    const ward_preopen directory = {.host_path = "/tmp", .guest_path = "/tmp"};
    const ward_wasi_grants grants = {.preopens = &directory, .preopen_count = 1};
    wardi_instance_options options = {.limits = usual_limits(), .name = "guest", .wasi = &grants};
    test_guest guest = {0};
    assert_int_equal(guest_load(&guest, *state,
                                "(component (import \"wasi:cli/environment@0.2.0\" (instance"
                                " (export \"get-arguments\" (func (result (list string)))))))",
                                false),
                     WARD_OK);
    assert_int_equal(guest_make(&guest, &options, PATIENCE_NS), WARD_ERROR_INVALID_ARGUMENT);
    assert_non_null(strstr(guest.diag.text, "wasi.preopens"));
    options.wasi = NULL;
    assert_int_equal(guest_make(&guest, &options, PATIENCE_NS), WARD_OK);
    guest_stop(&guest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_hang),
        cmocka_unit_test(test_trap),
        cmocka_unit_test(test_wild_pointer),
        cmocka_unit_test(test_variant),
        cmocka_unit_test(test_record),
        cmocka_unit_test(test_enum_in_an_interface),
        cmocka_unit_test(test_sleep),
        cmocka_unit_test(test_sleep_past_the_deadline),
        cmocka_unit_test(test_missing_imports),
        cmocka_unit_test(test_missing_function_of_an_interface),
        cmocka_unit_test(test_other_types_are_not_called),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_both_kinds_on_a_thread),
        cmocka_unit_test(test_a_thread_of_components_ends),
        cmocka_unit_test(test_directories_are_refused),
    };
    return cmocka_run_group_tests(tests, engine_setup, engine_teardown);
}
