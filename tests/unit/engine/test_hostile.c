/* Modules made to hurt: whatever they try, the answer is an error or a trap. */
#include "support.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* Nobody has processes of this user's. */
#define TEST_USER 54321

static char *repeated(const char *head, const char *open, const char *middle, const char *close,
                      size_t times, const char *tail)
{
    size_t capacity =
        strlen(head) + strlen(middle) + strlen(tail) + 1 + times * (strlen(open) + strlen(close));
    char *bytes = malloc(capacity);
    wardi_text text = wardi_text_on(bytes, capacity);
    wardi_text_puts(&text, head);
    for (size_t i = 0; i < times; i++) wardi_text_puts(&text, open);
    wardi_text_puts(&text, middle);
    for (size_t i = 0; i < times; i++) wardi_text_puts(&text, close);
    wardi_text_puts(&text, tail);
    return bytes;
}

/* Loads, and makes an instance if that went well; says how the load went. */
static ward_error survive(wardi_engine *engine, char *wat)
{
    test_guest guest = {0};
    ward_error error = guest_load(&guest, engine, wat, false);
    if (error == WARD_OK && guest_make(&guest, NULL, PATIENCE_NS) == WARD_OK)
        wardi_instance_free(guest.instance);
    wardi_module_release(guest.module);
    free(wat);
    return error;
}

static void test_nesting(void **state)
{
    assert_int_equal(survive(*state, repeated("", "(", "", "", 1000000, "")), WARD_ERROR_COMPILE);
    assert_int_equal(survive(*state, repeated("", "(module ", "", ")", 100000, "")),
                     WARD_ERROR_COMPILE);
    assert_int_equal(survive(*state, repeated("", "(component ", "", ")", 5000, "")),
                     WARD_ERROR_COMPILE);
    assert_int_equal(survive(*state, repeated("(module (func ", "block ", "", "end ", 50000, "))")),
                     WARD_OK);
    assert_int_equal(survive(*state, repeated("(module (func (result i32) i32.const 0 ",
                                              "i32.const 1 ", "", "i32.add ", 50000, "))")),
                     WARD_OK);
}

static void test_many_of_everything(void **state)
{
    (void)survive(*state, repeated("(module ", "(memory 0) ", "", "", 200, ")"));
    (void)survive(*state, repeated("(module ", "(memory 0) ", "", "", 70, ")"));
    (void)survive(*state, repeated("(module ", "(table 0 funcref) ", "", "", 90, ")"));
    (void)survive(*state, repeated("(module ", "(func) ", "", "", 100000, ")"));
    (void)survive(*state, repeated("(module (func (param ", "i64 ", "", "", 1000, ")))"));
    (void)survive(*state, repeated("(component ", "(core module) ", "", "", 900, ")"));
}

/* A component of `count` items between `open` and `close`, each `format` with its number. */
static char *numbered(const char *open, const char *format, size_t count, const char *close)
{
    size_t capacity = strlen(open) + strlen(close) + 1 + count * (strlen(format) + 24);
    char *bytes = malloc(capacity);
    wardi_text text = wardi_text_on(bytes, capacity);
    wardi_text_puts(&text, open);
    for (size_t i = 0; i < count; i++) {
        char item[64];
        snprintf(item, sizeof item, format, i);
        wardi_text_puts(&text, item);
    }
    wardi_text_puts(&text, close);
    assert_false(text.cut);
    return bytes;
}

/* The engine finds the nth case of a type from the first on, and so every one of them in the square
 * of their number: nothing can end that, and a compile thread would be gone with it. */
static void test_types_of_many_cases(void **state)
{
    static const char middle[] =
        "))(export $v \"v\" (type $v0))(core module $m (memory (export \"memory\") 1)"
        " (func (export \"f\") (result i32) unreachable))(core instance $i (instantiate $m))"
        "(func $f (result $v) (canon lift (core func $i \"f\")"
        " (memory (core memory $i \"memory\"))))";
    char *head = numbered("(component (type $v0 (variant", "(case \"c%zu\" string)", 9000, middle);
    assert_int_equal(survive(*state, numbered(head, "(export \"f%zu\" (func $f))", 100, ")")),
                     WARD_OK);
    free(head);
}

static void test_interfaces_of_many_types(void **state)
{
    char *head = numbered("(component (type $t (record (field \"a\" u8)))(instance $i",
                          "(export \"t%zu\" (type $t))", 40000, ")");
    assert_int_equal(survive(*state, numbered(head, "(export \"x:y/z%zu\" (instance $i))", 4, ")")),
                     WARD_OK);
    free(head);
}

/* Each instance has all its globals, which the limit on memory does not see: a module of 5 MB that
 * a component instantiates 62 times took a gigabyte. */
static void test_many_globals(void **state)
{
    static const char global[] = "(global i32 (i32.const 0))";
    assert_int_equal(survive(*state, repeated("(module ", global, "", "", 60000, ")")), WARD_OK);
    assert_int_equal(survive(*state, repeated("(module ", global, "", "", 70000, ")")),
                     WARD_ERROR_COMPILE);
    assert_int_equal(survive(*state, repeated("(component (component (core module ", global, "", "",
                                              70000, ")))")),
                     WARD_ERROR_COMPILE);
}

/* Every export is described, with a kilobyte. */
static void test_many_externs(void **state)
{
    assert_int_equal(
        survive(*state, numbered("(module (func $f)", "(export \"%zu\" (func $f))", 60000, ")")),
        WARD_OK);
    assert_int_equal(
        survive(*state, numbered("(module (func $f)", "(export \"%zu\" (func $f))", 70000, ")")),
        WARD_ERROR_COMPILE);
    assert_int_equal(
        survive(*state, numbered("(module ", "(import \"a\" \"%zu\" (func))", 70000, ")")),
        WARD_ERROR_COMPILE);
}

static void test_names(void **state)
{
    char *wat = repeated("(module (func (export \"", "x", "", "", 90000,
                         "\")) (func (export \"\\00\")) (func (export \"\"))"
                         " (func (export \"\\e2\\82\\ac\")))");
    test_guest guest = guest_start(*state, wat, NULL);
    wardi_func func;
    assert_int_equal(wardi_module_facts_of(guest.module)->export_count, 4);
    assert_true(wardi_instance_func(guest.instance, "\xe2\x82\xac", &func));
    (void)wardi_instance_func(guest.instance, "", &func);
    guest_stop(&guest);
    free(wat);
}

/* C's texts end where such a name goes on: it must not pass for what it begins with. */
static void test_names_with_nul(void **state)
{
    test_guest guest = guest_start(*state,
                                   "(module (func (export \"_health\\00\") (result i32) i32.const "
                                   "0) (func (export \"a\\00b\")))",
                                   NULL);
    wardi_func func;
    const wardi_module_facts *facts = wardi_module_facts_of(guest.module);
    assert_string_equal(facts->exports[0].name, "_health\xe2\x90\x80");
    assert_string_equal(facts->exports[1].name, "a\xe2\x90\x80"
                                                "b");
    assert_false(wardi_instance_func(guest.instance, "_health", &func));
    guest_stop(&guest);
}

/* What is missing is told a line each: a name must not make lines of its own. */
static void test_names_with_line_ends(void **state)
{
    test_guest guest = {0};
    assert_int_equal(guest_load(&guest, *state,
                                "(module (import \"a\\0ab\" \"c\\0dd\\0aall is well\" (func)))",
                                false),
                     WARD_OK);
    assert_int_equal(wardi_module_check_imports(guest.module, &guest.diag),
                     WARD_ERROR_IMPORT_MISSING);
    const char *line = strchr(guest.diag.text, '\n');
    assert_string_equal(line, "\n  a?b.c?d?all is well: func ()");
    wardi_module_release(guest.module);
}

/* A C++ name that says each of its parts twice, 44 levels deep: 700 bytes that a demangler makes
 * 2^44 of. The engine's messages name functions, and are asked for at each trap of a component. */
static void test_names_that_unfold(void **state)
{
    enum { LEVELS = 44 };
    char name[1000], wat[2000];
    wardi_text text = WARDI_TEXT(name);
    wardi_text_puts(&text, "_Z1f1aI1b1bE");
    for (int i = 1; i <= LEVELS; i++) {
        static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
        char seen[8];
        if (i < 36)
            snprintf(seen, sizeof seen, "S%c_", digits[i]);
        else
            snprintf(seen, sizeof seen, "S1%c_", digits[i - 36]);
        wardi_text_printf(&text, "S_I%s%sE", seen, seen);
    }
    snprintf(wat, sizeof wat,
             "(component (core module $m (memory (export \"memory\") 1) (func $\"%s\""
             " (export \"health\") (result i32) unreachable)) (core instance $i (instantiate $m))"
             " (func (export \"health\") (result (list u8)) (canon lift (core func $i \"health\")"
             " (memory (core memory $i \"memory\")))))",
             name);
    test_guest guest = guest_start(*state, wat, NULL);
    uint8_t bytes[16];
    wardi_component_answer answer;
    wardi_func func;
    assert_true(wardi_instance_func(guest.instance, "health", &func));
    uint64_t began_ns = wardi_now_ns();
    assert_int_equal(wardi_call_component(guest.instance, &func, PATIENCE_NS, bytes, sizeof bytes,
                                          &answer, &guest.trap, &guest.diag),
                     WARD_ERROR_TRAP);
    assert_true(wardi_now_ns() - began_ns < WARDI_S);
    assert_string_equal(guest.trap.cause, "unreachable");
    guest_stop(&guest);
}

/* Recursion that ends in the host with what is left of the stack, on either kind of stack. */
static void test_host_calls_at_the_end_of_the_stack(void **state)
{
    static const char *const wats[] = {
        "(module (import \"wasi_snapshot_preview1\" \"random_get\""
        "   (func $r (param i32 i32) (result i32))) (memory (export \"memory\") 1)"
        " (func $f (export \"f\") (param i32) (result i32)"
        "   (drop (call $r (i32.const 0) (i32.const 8))) (call $f (local.get 0))))",
        "(module (import \"wasi_snapshot_preview1\" \"poll_oneoff\""
        "   (func $p (param i32 i32 i32 i32) (result i32))) (memory (export \"memory\") 1)"
        " (func $f (export \"f\") (param i32) (result i32)"
        "   (drop (call $p (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)))"
        "   (call $f (local.get 0))))"};
    for (size_t i = 0; i < WARD_COUNT(wats); i++) {
        test_guest guest = guest_start(*state, wats[i], NULL);
        wardi_value arg = {WARDI_I32, 1}, result;
        ward_error error = guest_call_for(&guest, "f", &arg, 1, &result, 1, 5 * WARDI_S);
        assert_true(error == WARD_ERROR_TRAP || error == WARD_ERROR_DEADLINE);
        guest_stop(&guest);
    }
}

static int recurse_on_a_short_stack(void)
{
    struct rlimit limit = {.rlim_cur = 256u << 10, .rlim_max = 256u << 10};
    wardi_engine *engine;
    ward_diag diag;
    if (setrlimit(RLIMIT_STACK, &limit) != 0) return 2;
    if (wardi_engine_new(NULL, &engine, &diag) != WARD_OK) return 3;
    test_guest guest =
        guest_start(engine, "(module (func $f (export \"f\") call $f call $f))", NULL);
    ward_error error = guest_call(&guest, "f", NULL, 0, NULL, 0);
    guest_stop(&guest);
    wardi_engine_free(engine);
    return error == WARD_ERROR_TRAP ? 0 : 4;
}

/* The clock's and the compile thread may be had, and none to compile in parallel. */
static int compile_with_few_threads(void)
{
    struct rlimit limit = {.rlim_cur = 3, .rlim_max = 3};
    wardi_engine *engine;
    ward_diag diag;
    if (setresuid(TEST_USER, TEST_USER, TEST_USER) != 0) return 2;
    if (setrlimit(RLIMIT_NPROC, &limit) != 0) return 3;
    if (wardi_engine_new(NULL, &engine, &diag) != WARD_OK) return 4;
    test_guest guest = {0};
    if (guest_load(&guest, engine, "(module (func) (func) (func))", false) != WARD_OK) return 5;
    wardi_module_release(guest.module);
    /* WASI needs none of its own. */
    if (guest_load(&guest, engine,
                   "(module (import \"wasi_snapshot_preview1\" \"sched_yield\""
                   " (func $yield (result i32))) (memory (export \"memory\") 1)"
                   " (func $start (drop (call $yield))) (start $start))",
                   false) != WARD_OK)
        return 6;
    if (guest_make(&guest, NULL, PATIENCE_NS) != WARD_OK) return 7;
    guest_stop(&guest);
    wardi_engine_free(engine);
    return 0;
}

/* In a process of its own: limits stay. */
static void expect_success_of(int (*run)(void))
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) _exit(run());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_recursion_on_a_short_stack(void **state)
{
    (void)state;
    expect_success_of(recurse_on_a_short_stack);
}

static void test_few_threads(void **state)
{
    (void)state;
    if (geteuid() != 0) skip(); /* who already has threads can't be left three */
    expect_success_of(compile_with_few_threads);
}

/* A list that costs the host many times what it costs the guest. */
static void test_huge_answer(void **state)
{
    static const char wat[] =
        "(component (core module $m (memory (export \"memory\") 3000)"
        "   (func (export \"health\") (result i32)"
        "     (i32.store (i32.const 0) (i32.const 16))"
        "     (i32.store (i32.const 4) (i32.const 190000000)) i32.const 0))"
        " (core instance $i (instantiate $m)) (func (export \"health\") (result (list u8))"
        "   (canon lift (core func $i \"health\") (memory (core memory $i \"memory\")))))";
    test_guest guest = guest_start(*state, wat, NULL);
    uint8_t bytes[16];
    wardi_component_answer answer;
    wardi_func func;
    assert_true(wardi_instance_func(guest.instance, "health", &func));
    assert_int_equal(wardi_call_component(guest.instance, &func, PATIENCE_NS, bytes, sizeof bytes,
                                          &answer, &guest.trap, &guest.diag),
                     WARD_ERROR_TRAP);
    guest_stop(&guest);
}

/* Time in which the host copies is not the guest's, and no deadline ends it. */
static void test_long_answer(void **state)
{
    static const char wat[] =
        "(component (core module $m (memory (export \"memory\") 100)"
        "   (func (export \"health\") (result i32)"
        "     (i32.store (i32.const 0) (i32.const 16))"
        "     (i32.store (i32.const 4) (i32.const 3000000)) i32.const 0))"
        " (core instance $i (instantiate $m)) (func (export \"health\") (result (list u8))"
        "   (canon lift (core func $i \"health\") (memory (core memory $i \"memory\")))))";
    test_guest guest = guest_start(*state, wat, NULL);
    uint8_t bytes[16];
    wardi_component_answer answer;
    wardi_func func;
    assert_true(wardi_instance_func(guest.instance, "health", &func));
    assert_int_equal(wardi_call_component(guest.instance, &func, PATIENCE_NS, bytes, sizeof bytes,
                                          &answer, &guest.trap, &guest.diag),
                     WARD_ERROR_TRAP);
    guest_stop(&guest);
}

/* The host's own functions as exports: called with no guest around them, they find no memory. */
static void test_host_functions_as_exports(void **state)
{
    static const char wat[] =
        "(module (import \"wasi_snapshot_preview1\" \"poll_oneoff\""
        "   (func $poll (param i32 i32 i32 i32) (result i32)))"
        " (import \"wasi_snapshot_preview1\" \"random_get\""
        "   (func $random (param i32 i32) (result i32)))"
        " (import \"wasi_snapshot_preview1\" \"proc_exit\" (func $exit (param i32)))"
        " (import \"wasi_snapshot_preview1\" \"sched_yield\" (func $yield (result i32)))"
        " (export \"poll\" (func $poll)) (export \"random\" (func $random))"
        " (export \"exit\" (func $exit)) (export \"_health\" (func $yield))"
        " (memory (export \"memory\") 1) (func (export \"fine\") (result i32) i32.const 7))";
    test_guest guest = guest_start(*state, wat, NULL);
    wardi_value args[4] = {{WARDI_I32, 0}, {WARDI_I32, 0}, {WARDI_I32, 1}, {WARDI_I32, 64}}, got;
    (void)guest_call(&guest, "poll", args, 4, &got, 1);
    (void)guest_call(&guest, "random", args, 2, &got, 1);
    assert_int_equal(guest_call(&guest, "exit", args, 1, NULL, 0), WARD_ERROR_EXIT);
    wardi_func health;
    uint64_t bits;
    assert_true(wardi_instance_func(guest.instance, "_health", &health));
    (void)wardi_call_probe(guest.instance, &health, wardi_ticks(), PATIENCE_NS, &bits, &guest.trap);
    assert_int_equal(guest_i32(&guest, "fine"), 7);
    guest_stop(&guest);
}

/* Interrupted while it makes the host work: big fills are bounded by the memory limit alone. */
static void test_big_fills(void **state)
{
    static const char wat[] = "(module (memory 2000) (func (export \"f\") (loop"
                              " (memory.fill (i32.const 0) (i32.const 1) (i32.const 131072000))"
                              " (br 0))))";
    test_guest guest = guest_start(*state, wat, NULL);
    assert_int_equal(guest_call_for(&guest, "f", NULL, 0, NULL, 0, 20 * WARDI_MS),
                     WARD_ERROR_DEADLINE);
    guest_stop(&guest);
}

/* Sixty-four instances of a module with two hundred thousand functions: 400 MB that no limit
 * counts.
 */
static void test_functions_of_many_instances(void **state)
{
    enum { FUNCTIONS = 200000, INSTANCES = 64, CAPACITY = FUNCTIONS * 7 + INSTANCES * 40 + 200 };
    char *wat = malloc(CAPACITY);
    wardi_text text = wardi_text_on(wat, CAPACITY);
    wardi_text_puts(&text, "(component (core module $m ");
    for (int i = 0; i < FUNCTIONS; i++) wardi_text_puts(&text, "(func)");
    wardi_text_puts(&text, ")");
    for (int i = 0; i < INSTANCES; i++)
        wardi_text_printf(&text, "(core instance (instantiate $m))");
    wardi_text_puts(&text, ")");
    assert_false(text.cut);
    test_guest guest = {0};
    assert_int_equal(guest_load(&guest, *state, wat, false), WARD_ERROR_COMPILE);
    assert_non_null(strstr(guest.diag.text, "64 instances of modules with up to 200000 functions"));
    free(wat);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nesting),
        cmocka_unit_test(test_many_of_everything),
        cmocka_unit_test(test_types_of_many_cases),
        cmocka_unit_test(test_interfaces_of_many_types),
        cmocka_unit_test(test_many_globals),
        cmocka_unit_test(test_many_externs),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_names_with_nul),
        cmocka_unit_test(test_names_with_line_ends),
        cmocka_unit_test(test_names_that_unfold),
        cmocka_unit_test(test_host_calls_at_the_end_of_the_stack),
        cmocka_unit_test(test_huge_answer),
        cmocka_unit_test(test_long_answer),
        cmocka_unit_test(test_host_functions_as_exports),
        cmocka_unit_test(test_big_fills),
        cmocka_unit_test(test_functions_of_many_instances),
    };
    /* It forks, so it comes before there is any thread. */
    const struct CMUnitTest alone[] = {cmocka_unit_test(test_recursion_on_a_short_stack),
                                       cmocka_unit_test(test_few_threads)};
    return cmocka_run_group_tests(alone, NULL, NULL) +
           cmocka_run_group_tests(tests, engine_setup, engine_teardown);
}
