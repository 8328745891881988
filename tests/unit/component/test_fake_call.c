/* Calls with numbers and with bytes, and everything that can be wrong with them. */
#include "fake/fixture.h"

static ward_error run_add(fake_guest *guest, const wardi_value *args, wardi_value *results,
                          uint64_t timeout_ns, ward_trap *trap)
{
    (void)guest, (void)timeout_ns, (void)trap;
    results[0].bits = (uint32_t)(args[0].bits + args[1].bits);
    return WARD_OK;
}

/* Answers with the bytes that it got, where they are. */
static ward_error run_echo(fake_guest *guest, const wardi_value *args, wardi_value *results,
                           uint64_t timeout_ns, ward_trap *trap)
{
    (void)guest, (void)timeout_ns, (void)trap;
    results[0].bits = args[1].bits << 32 | args[0].bits;
    return WARD_OK;
}

static uint32_t alloc_gives;
static uint64_t answer_is;

static ward_error run_alloc(fake_guest *guest, const wardi_value *args, wardi_value *results,
                            uint64_t timeout_ns, ward_trap *trap)
{
    (void)guest, (void)args, (void)timeout_ns, (void)trap;
    results[0].bits = alloc_gives;
    return WARD_OK;
}

static ward_error run_answer(fake_guest *guest, const wardi_value *args, wardi_value *results,
                             uint64_t timeout_ns, ward_trap *trap)
{
    (void)guest, (void)args, (void)timeout_ns, (void)trap;
    results[0].bits = answer_is;
    return WARD_OK;
}

static const ward_value two[] = {{.kind = WARD_I32, .of.i32 = 40},
                                 {.kind = WARD_I32, .of.i32 = -2}};

static void fails(ward_error error, const char *words, const char *function, const ward_value *args,
                  size_t arg_count, size_t room)
{
    ward_value results[2] = {{.of.i64 = 77}};
    size_t count = room;
    f.diag.text[0] = '\0';
    assert_int_equal(
        ward_component_call(f.component, function, args, arg_count, results, &count, 0, &f.diag),
        error);
    if (strstr(f.diag.text, words) == NULL) print_error("%s\n", f.diag.text);
    assert_non_null(strstr(f.diag.text, words));
    assert_int_equal(count, room);
    assert_int_equal(results[0].of.i64, 77);
}

static void test_numbers(void **state)
{
    (void)state;
    fake_func(&f.guest, "add", 2, &fake_i32, run_add);
    fixture_start();
    ward_value result;
    size_t count = 1;
    assert_int_equal(ward_component_call(f.component, "add", two, 2, &result, &count, 0, NULL),
                     WARD_OK);
    assert_int_equal(count, 1);
    assert_int_equal(result.kind, WARD_I32);
    assert_int_equal(result.of.i32, 38);
    assert_int_equal(f.guest.timeout_seen, 10 * WARDI_S);
    ward_component_call(f.component, "add", two, 2, &result, &count, 5, NULL);
    assert_int_equal(f.guest.timeout_seen, 5);
}

static void test_wrong_calls(void **state)
{
    (void)state;
    fake_func(&f.guest, "add", 2, &fake_i32, run_add);
    fake_func(&f.guest, "strange", 0, NULL, run_nothing)->detail.signature.numeric = false;
    fake_func(&f.guest, "memory", 0, NULL, NULL)->detail.kind = WARDI_EXTERN_MEMORY;
    fixture_new();
    fails(WARD_ERROR_STATE, "echo is creating", "add", two, 2, 1);
    fixture_start();
    static const ward_value mixed[] = {{.kind = WARD_I32}, {.kind = WARD_F64}};
    fails(WARD_ERROR_EXPORT_MISSING, "did you mean `add`?", "ad", two, 2, 1);
    fails(WARD_ERROR_EXPORT_MISSING, "echo exports no function `other`; ward inspect", "other", two,
          2, 1);
    fails(WARD_ERROR_EXPORT_MISSING, "`memory`", "memory", NULL, 0, 1);
    fails(WARD_ERROR_EXPORT_TYPE, "the arguments given are (i32)", "add", two, 1, 1);
    fails(WARD_ERROR_EXPORT_TYPE, "the arguments given are (i32, f64)", "add", mixed, 2, 1);
    fails(WARD_ERROR_EXPORT_TYPE, "only numbers", "strange", NULL, 0, 1);
    fails(WARD_ERROR_BUFFER_TOO_SMALL, "1 results, and there is room for 0", "add", two, 2, 0);
    fails(WARD_ERROR_INVALID_ARGUMENT, "required", NULL, two, 2, 1);
    fails(WARD_ERROR_INVALID_ARGUMENT, "required", "add", NULL, 2, 1);
    assert_int_equal(atomic_load(&f.guest.calls), 0);
    ward_component_stop(f.component, NULL);
    fails(WARD_ERROR_STATE, "echo is terminated", "add", two, 2, 1);
}

static void test_ends_of_the_guest(void **state)
{
    (void)state;
    static const struct {
        fake_run run;
        ward_error error;
        const char *words;
    } rows[] = {{run_trap, WARD_ERROR_TRAP, "echo: work: unreachable"},
                {run_hang, WARD_ERROR_DEADLINE, "echo: work: ran past its deadline"},
                {run_exit, WARD_ERROR_EXIT, "echo: work: exited"}};
    fake_export *export = fake_func(&f.guest, "work", 0, NULL, run_nothing);
    fixture_start();
    for (size_t i = 0; i < WARD_COUNT(rows); i++) {
        export->run = rows[i].run;
        fails(rows[i].error, rows[i].words, "work", NULL, 0, 0);
        ward_trap trap;
        ward_component_last_trap(f.component, &trap);
        assert_int_equal(trap.error, rows[i].error);
        assert_string_equal(trap.export_name, "work");
        assert_int_equal(fixture_figures().traps, i + 1);
        assert_int_equal(ward_component_state(f.component), WARD_STATE_READY);
    }
    export->run = run_nothing; /* a core module's instance can be used again */
    assert_int_equal(ward_component_call(f.component, "work", NULL, 0, NULL, NULL, 0, NULL),
                     WARD_OK);
}

static void test_trap_poisons_a_component(void **state)
{
    (void)state;
    f.guest.is_component = true;
    fake_func(&f.guest, "work", 0, NULL, run_trap);
    fixture_start();
    fails(WARD_ERROR_TRAP, "echo: work: unreachable", "work", NULL, 0, 0);
    assert_int_equal(ward_component_state(f.component), WARD_STATE_FAILED);
    fails(WARD_ERROR_STATE, "echo is failed", "work", NULL, 0, 0);
    fixture_check(WARD_CHILD_FAILED, WARD_SOURCE_STATE, "work trapped: unreachable");
}

static ward_error run_sum(fake_guest *guest, const wardi_value *args, wardi_value *results,
                          uint64_t timeout_ns, ward_trap *trap)
{
    (void)guest, (void)timeout_ns, (void)trap;
    results[0].bits = 0;
    for (size_t i = 0; i < 20; i++) results[0].bits += args[i].bits;
    return WARD_OK;
}

static void test_many_values(void **state)
{
    (void)state;
    static const wardi_value_kind kinds[20];
    fake_export *sum = fake_func(&f.guest, "sum", 20, &fake_i64, run_sum);
    sum->detail.signature.params = kinds;
    fixture_start();
    ward_value args[20], result;
    for (int i = 0; i < 20; i++) args[i] = (ward_value){.kind = WARD_I32, .of.i32 = i};
    size_t count = 1;
    assert_int_equal(ward_component_call(f.component, "sum", args, 20, &result, &count, 0, NULL),
                     WARD_OK);
    assert_int_equal(result.kind, WARD_I64);
    assert_int_equal(result.of.i64, 190);
}

/* ---- bytes ---- */

static const uint8_t hello[] = {'h', 'e', 'l', 'l', 'o'};

static void start_bytes(fake_run run)
{
    fake_func(&f.guest, "ask", 2, &fake_i64, run);
    fake_func(&f.guest, "ward_alloc", 1, &fake_i32, run_alloc);
    fake_func(&f.guest, "add", 2, &fake_i32, run_add);
    alloc_gives = 1024;
    fixture_start();
}

static void bytes_fail(ward_error error, const char *words, const char *function, size_t length)
{
    uint8_t answer[8];
    size_t got = 99;
    f.diag.text[0] = '\0';
    assert_int_equal(ward_component_call_bytes(f.component, function, hello, length, answer,
                                               sizeof answer, &got, 0, &f.diag),
                     error);
    if (strstr(f.diag.text, words) == NULL) print_error("%s\n", f.diag.text);
    assert_non_null(strstr(f.diag.text, words));
    assert_int_equal(got, 99);
}

static void test_bytes(void **state)
{
    (void)state;
    start_bytes(run_echo);
    uint8_t answer[8];
    size_t length = 0;
    assert_int_equal(
        ward_component_call_bytes(f.component, "ask", hello, 5, answer, 8, &length, 0, NULL),
        WARD_OK);
    assert_int_equal(length, 5);
    assert_memory_equal(answer, hello, 5);
    assert_memory_equal(f.guest.memory + 1024, hello, 5);
    assert_int_equal(atomic_load(&f.guest.calls), 2);
    assert_int_equal(
        ward_component_call_bytes(f.component, "ask", NULL, 0, NULL, 0, &length, 0, NULL), WARD_OK);
    assert_int_equal(length, 0);
    assert_int_equal(atomic_load(&f.guest.calls), 3); /* nothing to make room for */
    alloc_gives = FAKE_MEMORY_BYTES - 5;
    assert_int_equal(
        ward_component_call_bytes(f.component, "ask", hello, 5, answer, 8, &length, 0, NULL),
        WARD_OK);
}

static void test_bytes_answer_too_long(void **state)
{
    (void)state;
    start_bytes(run_echo);
    uint8_t answer[8] = {0};
    size_t length = 0;
    assert_int_equal(
        ward_component_call_bytes(f.component, "ask", hello, 5, answer, 3, &length, 0, &f.diag),
        WARD_ERROR_BUFFER_TOO_SMALL);
    assert_int_equal(length, 5);
    assert_memory_equal(answer, "hel\0", 4);
}

static void test_bytes_wrong(void **state)
{
    (void)state;
    start_bytes(run_answer);
    bytes_fail(WARD_ERROR_EXPORT_MISSING, "`akk`", "akk", 5);
    bytes_fail(WARD_ERROR_EXPORT_TYPE, "bytes are taken by func (i32, i32) -> i64", "add", 5);
    bytes_fail(WARD_ERROR_INVALID_ARGUMENT, "2 GiB", "ask", SIZE_MAX);
    bytes_fail(WARD_ERROR_INVALID_ARGUMENT, "required", NULL, 5);
    alloc_gives = 0;
    bytes_fail(WARD_ERROR_NO_MEMORY, "no room for 5 bytes", "ask", 5);
    alloc_gives = FAKE_MEMORY_BYTES - 4;
    bytes_fail(WARD_ERROR_TRAP, "out of bounds", "ask", 5);
    alloc_gives = UINT32_MAX;
    bytes_fail(WARD_ERROR_TRAP, "out of bounds", "ask", 5);
    alloc_gives = 1024;
    answer_is = UINT64_C(5) << 32 | (FAKE_MEMORY_BYTES - 4);
    bytes_fail(WARD_ERROR_TRAP, "it answered with 5 bytes at address 65532", "ask", 5);
    answer_is = UINT64_MAX;
    bytes_fail(WARD_ERROR_TRAP, "out of bounds", "ask", 5);
    f.guest.no_memory = true;
    bytes_fail(WARD_ERROR_TRAP, "out of bounds", "ask", 5);
    f.guest.no_memory = false;
    f.guest.exports[1].run = run_trap;
    bytes_fail(WARD_ERROR_TRAP, "ward_alloc: unreachable", "ask", 5);
}

static void test_bytes_without_alloc(void **state)
{
    (void)state;
    fake_func(&f.guest, "ask", 2, &fake_i64, run_echo);
    fixture_start();
    bytes_fail(WARD_ERROR_EXPORT_MISSING, "`ward_alloc`", "ask", 5);
    size_t length = 99; /* no bytes need no room */
    assert_int_equal(
        ward_component_call_bytes(f.component, "ask", NULL, 0, NULL, 0, &length, 0, NULL), WARD_OK);
    assert_int_equal(length, 0);
    ward_component_free(f.component);
    fake_func(&f.guest, "ward_alloc", 2, &fake_i32, run_add);
    fixture_new();
    fixture_start();
    bytes_fail(WARD_ERROR_EXPORT_TYPE, "it has to be func (i32) -> i32", "ask", 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_numbers),
        FIXTURE_TEST(test_wrong_calls),
        FIXTURE_TEST(test_ends_of_the_guest),
        FIXTURE_TEST(test_trap_poisons_a_component),
        FIXTURE_TEST(test_many_values),
        FIXTURE_TEST(test_bytes),
        FIXTURE_TEST(test_bytes_answer_too_long),
        FIXTURE_TEST(test_bytes_wrong),
        FIXTURE_TEST(test_bytes_without_alloc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
