/* Words of the probe errors that test_judge does not reach, and their bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "health/health.h"

static void expect(const wardi_probe *probe, const char *words)
{
    ward_reason reason;
    memset(&reason, 0xa5, sizeof reason);
    wardi_probe_error_text(probe, WARDI_S, &reason);
    assert_string_equal(reason.text, words);
    assert_int_equal(reason.length, strlen(words));
}

static void test_words(void **state)
{
    (void)state;
    expect(&(wardi_probe){.error = WARD_PROBE_OK}, "");
    expect(&(wardi_probe){.error = WARD_PROBE_TRAP}, "_health trapped: unknown cause");
    expect(&(wardi_probe){.error = WARD_PROBE_RETURN_VALUE, .detail = (uint64_t)INT64_MIN},
           "Invalid _health return value: -9223372036854775808");
    expect(&(wardi_probe){.error = WARD_PROBE_POINTER, .detail = UINT32_MAX},
           "Invalid memory pointer: 4294967295");
    expect(&(wardi_probe){.error = WARD_PROBE_PAYLOAD, .trap_cause = "fine"},
           "Unknown health \"fine\" (known: healthy, degraded, unhealthy)");
    expect(&(wardi_probe){.error = (ward_probe_error)99}, "Unknown probe error 99");
}

static void test_long_cause_is_cut(void **state)
{
    (void)state;
    char cause[400];
    memset(cause, 'c', sizeof cause - 1);
    cause[sizeof cause - 1] = '\0';
    wardi_probe probe = {.error = WARD_PROBE_TRAP, .trap_cause = cause};
    ward_reason reason;
    wardi_probe_error_text(&probe, WARDI_S, &reason);
    assert_int_equal(reason.length, WARD_REASON_BYTES_MAX);
    assert_true(reason.cut);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_long_cause_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
