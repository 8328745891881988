/* Allocation fails at call N, for every N: nothing leaks, nothing is half-done, and what failed can
 * be tried again. */
#include "fake/fixture.h"

static int left = -1; /* allocations that still succeed; negative: all */
static int asked;

static bool gate(void *context, size_t size)
{
    (void)context, (void)size;
    asked++;
    return left < 0 || left-- > 0;
}

static int setup(void **state)
{
    fixture_setup(state);
    left = -1;
    wardi_alloc_gate_set(gate, NULL);
    static const char *const args[] = {"a", "b"}, *const env[] = {"A=b"};
    static const ward_preopen preopens[] = {{"/tmp", "/a", true}, {"/tmp", "/b", false}};
    f.options.version = "1";
    f.options.wasi = (ward_wasi_grants){.args = args,
                                        .arg_count = 2,
                                        .env = env,
                                        .env_count = 1,
                                        .preopens = preopens,
                                        .preopen_count = 2,
                                        .stdin_path = "/dev/null"};
    fake_func(&f.guest, "_cleanup", 0, NULL, run_trap);
    fake_health(&f.guest, WARDI_I32);
    FAKE_SOURCE(f.options, &f.guest);
    return 0;
}

static int teardown(void **state)
{
    left = -1;
    wardi_alloc_gate_set(NULL, NULL);
    return fixture_teardown(state);
}

static void test_new(void **state)
{
    (void)state;
    for (int n = 0;; n++) {
        assert_true(n < 50);
        left = n;
        ward_error error = wardi_component_new(f.engine, &f.options, &f.component, &f.diag);
        left = -1;
        if (error == WARD_OK) {
            assert_true(n >= 13); /* each string, list and struct is one */
            return;
        }
        assert_int_equal(error, WARD_ERROR_NO_MEMORY);
        assert_null(f.component);
    }
}

static void test_load_and_start(void **state)
{
    (void)state;
    int failures = 0;
    fixture_new();
    for (int n = 0;; n++) {
        assert_true(n < 50);
        left = n;
        ward_error error = ward_component_load(f.component, &f.diag);
        left = -1;
        if (error == WARD_OK) break;
        assert_int_equal(error, WARD_ERROR_NO_MEMORY);
        assert_int_equal(ward_component_state(f.component), WARD_STATE_CREATING);
        failures++;
    }
    for (int n = 0;; n++) {
        assert_true(n < 50);
        left = n;
        ward_error error = ward_component_start(f.component, &f.diag);
        left = -1;
        if (error == WARD_OK) break;
        assert_int_equal(error, WARD_ERROR_NO_MEMORY);
        assert_int_equal(ward_component_state(f.component), WARD_STATE_FAILED);
        assert_int_equal(atomic_load(&f.guest.instances), 0);
        fixture_check(WARD_CHILD_FAILED, WARD_SOURCE_STATE, f.diag.text);
        failures++;
    }
    assert_true(failures >= 2);
    fixture_check(WARD_CHILD_HEALTHY, WARD_SOURCE_PROBE, "");
}

static void test_stop(void **state)
{
    (void)state;
    fixture_new();
    for (int n = 0; n < 3; n++) {
        fixture_start();
        left = n;
        ward_error error = ward_component_stop(f.component, &f.diag);
        left = -1;
        assert_int_equal(error, WARD_ERROR_TRAP); /* as ever; only its evidence may be missing */
        assert_int_equal(ward_component_state(f.component), WARD_STATE_TERMINATED);
        assert_int_equal(atomic_load(&f.guest.instances), 0);
        assert_int_equal(fixture_figures().traps, n + 1);
    }
}

/* But the room for its reasons, with the first of them; without memory the verdict is the same. */
static void test_check_allocates_nothing(void **state)
{
    (void)state;
    fixture_start();
    static const uint8_t frame[] = {0x81, 0x0e, 0x01, 4, 0, 0, 0, 's', 'l', 'o', 'w'};
    asked = 0;
    fixture_check(WARD_CHILD_HEALTHY, WARD_SOURCE_PROBE, "");
    assert_int_equal(asked, 0);
    fake_frame(&f.guest, 16, frame, sizeof frame);
    left = 0;
    fixture_check(WARD_CHILD_DEGRADED, WARD_SOURCE_PROBE, "slow");
    left = -1;
    fixture_check(WARD_CHILD_DEGRADED, WARD_SOURCE_PROBE, "slow");
    assert_int_equal(asked, 2); /* once in vain */
    asked = 0;
    fixture_check(WARD_CHILD_DEGRADED, WARD_SOURCE_PROBE, "slow");
    f.guest.health_bits = (uint32_t)-2;
    fixture_check(WARD_CHILD_HEALTHY, WARD_SOURCE_POLICY, "");
    fixture_figures();
    assert_int_equal(asked, 0);
}

/* A trap may keep its evidence, once; without memory the verdict is the same. */
static void test_check_that_traps(void **state)
{
    (void)state;
    fixture_start();
    f.guest.health_error = WARD_ERROR_TRAP;
    f.guest.cause = "unreachable";
    ward_trap trap;
    left = 0;
    fixture_check(WARD_CHILD_DEGRADED, WARD_SOURCE_POLICY, "_health trapped: unreachable");
    left = -1;
    ward_component_last_trap(f.component, &trap);
    assert_int_equal(trap.error, WARD_ERROR_TRAP);
    assert_int_equal(fixture_figures().traps, 1);
    asked = 0;
    fixture_check(WARD_CHILD_DEGRADED, WARD_SOURCE_POLICY, "_health trapped: unreachable");
    assert_int_equal(asked, 1);
    fixture_check(WARD_CHILD_DEGRADED, WARD_SOURCE_POLICY, "_health trapped: unreachable");
    assert_int_equal(asked, 1);
    ward_component_last_trap(f.component, &trap);
    assert_string_equal(trap.cause, "unreachable");
}

#define MEMORY_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        MEMORY_TEST(test_new),
        MEMORY_TEST(test_load_and_start),
        MEMORY_TEST(test_stop),
        MEMORY_TEST(test_check_allocates_nothing),
        MEMORY_TEST(test_check_that_traps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
