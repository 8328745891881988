/* Calls whose guest waits in an import: begun, resumed, interrupted, given up with the component.
 */
#include "fake/fixture.h"

static ward_error run_alloc(fake_guest *guest, const wardi_value *args, wardi_value *results,
                            uint64_t timeout_ns, ward_trap *trap)
{
    (void)guest, (void)args, (void)timeout_ns, (void)trap;
    results[0].bits = 1024;
    return WARD_OK;
}

static ward_error run_echo(fake_guest *guest, const wardi_value *args, wardi_value *results,
                           uint64_t timeout_ns, ward_trap *trap)
{
    (void)guest, (void)timeout_ns, (void)trap;
    results[0].bits = args[1].bits << 32 | args[0].bits;
    return WARD_OK;
}

static ward_error run_twice(fake_guest *guest, const wardi_value *args, wardi_value *results,
                            uint64_t timeout_ns, ward_trap *trap)
{
    (void)guest, (void)timeout_ns, (void)trap;
    results[0].bits = 2 * args[0].bits;
    return WARD_OK;
}

static char answer[64];

static ward_error take(void *context, const uint8_t *bytes, size_t length, ward_diag *ret_diag)
{
    (void)ret_diag;
    assert_ptr_equal(context, &f);
    memcpy(answer, bytes, length);
    answer[length] = '\0';
    return WARD_OK;
}

static const uint8_t hello[] = "hello";

static ward_error deliver(wardi_wait *wait)
{
    answer[0] = '\0';
    return wardi_component_deliver(f.component, hello, 5, 5 * WARDI_S, take, &f, wait, &f.diag);
}

static void start_waiting(uint32_t waits)
{
    f.guest.waits_on = "request";
    f.guest.waits = waits;
    f.guest.wait_ns = 7 * WARDI_MS;
    fake_func(&f.guest, "ward_alloc", 1, &fake_i32, run_alloc);
    fake_func(&f.guest, "handle-message", 2, &fake_i64, run_echo);
    fake_func(&f.guest, "twice", 1, &fake_i32, run_twice);
    fake_health(&f.guest, WARDI_I32);
    fixture_start();
}

/* Each leg waits once: the allocation, then the message itself. */
static void test_delivery(void **state)
{
    (void)state;
    wardi_wait wait;
    start_waiting(1);
    uint64_t before_ns = wardi_now_ns();
    assert_int_equal(deliver(&wait), WARD_OK);
    assert_true(wait.waits);
    assert_true(wait.wake_ns >= before_ns + 7 * WARDI_MS);
    assert_string_equal(answer, "");
    assert_int_equal(wardi_component_resume(f.component, &wait, &f.diag), WARD_OK);
    assert_true(wait.waits);
    assert_true(f.guest.timeout_seen == 5 * WARDI_S); /* of the allocation */
    assert_int_equal(wardi_component_resume(f.component, &wait, &f.diag), WARD_OK);
    assert_false(wait.waits);
    assert_true(f.guest.timeout_seen < 5 * WARDI_S); /* both share one deadline */
    assert_string_equal(answer, "hello");
    f.guest.waits = 0;
    assert_int_equal(deliver(&wait), WARD_OK);
    assert_false(wait.waits);
    assert_string_equal(answer, "hello");
}

static void test_numbers(void **state)
{
    (void)state;
    wardi_wait wait;
    ward_value arg = {.kind = WARD_I32, .of.i32 = 21}, result = {0};
    size_t count = 1;
    start_waiting(2);
    assert_int_equal(
        wardi_component_invoke(f.component, "twice", &arg, 1, &result, &count, 0, &wait, &f.diag),
        WARD_OK);
    for (int i = 0; i < 2; i++) {
        assert_true(wait.waits);
        assert_int_equal(result.of.i32, 0);
        assert_int_equal(wardi_component_resume(f.component, &wait, &f.diag), WARD_OK);
    }
    assert_false(wait.waits);
    assert_int_equal(count, 1);
    assert_int_equal(result.of.i32, 42);
}

/* Nobody else gets in, and a check answers from outside. */
static void test_busy_meanwhile(void **state)
{
    (void)state;
    wardi_wait wait, other;
    start_waiting(1);
    assert_int_equal(deliver(&wait), WARD_OK);
    assert_int_equal(deliver(&other), WARD_ERROR_BUSY);
    assert_int_equal(ward_component_stop(f.component, &f.diag), WARD_ERROR_BUSY);
    assert_non_null(strstr(f.diag.text, "ward_alloc"));
    int calls = atomic_load(&f.guest.calls);
    ward_component_check(f.component, &f.verdict);
    assert_int_equal(atomic_load(&f.guest.calls), calls);
    while (wait.waits)
        assert_int_equal(wardi_component_resume(f.component, &wait, &f.diag), WARD_OK);
    assert_int_equal(ward_component_stop(f.component, &f.diag), WARD_OK);
}

static void test_interrupted(void **state)
{
    (void)state;
    wardi_wait wait;
    start_waiting(1000);
    assert_int_equal(deliver(&wait), WARD_OK);
    wardi_component_interrupt(f.component);
    assert_int_equal(wardi_component_resume(f.component, &wait, &f.diag), WARD_ERROR_INTERRUPTED);
    assert_false(wait.waits);
    assert_string_equal(answer, "");
    assert_int_equal(fixture_figures().traps, 1);
    f.guest.waits = 0;
    assert_int_equal(deliver(&wait), WARD_OK); /* a core module can be entered again */
    assert_string_equal(answer, "hello");
}

static void test_freed_while_it_waits(void **state)
{
    (void)state;
    wardi_wait wait;
    start_waiting(1);
    assert_int_equal(deliver(&wait), WARD_OK);
    assert_true(wait.waits);
} /* the fixture frees it, and counts instances */

static void test_standing_by(void **state)
{
    (void)state;
    uint8_t bytes[8];
    size_t length = 0;
    start_waiting(3);
    assert_int_equal(ward_component_call_bytes(f.component, "handle-message", hello, 5, bytes,
                                               sizeof bytes, &length, 0, &f.diag),
                     WARD_OK);
    assert_int_equal(length, 5);
    assert_memory_equal(bytes, hello, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_delivery),
        FIXTURE_TEST(test_numbers),
        FIXTURE_TEST(test_busy_meanwhile),
        FIXTURE_TEST(test_interrupted),
        FIXTURE_TEST(test_freed_while_it_waits),
        FIXTURE_TEST(test_standing_by),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
