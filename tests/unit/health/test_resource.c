/* Each dimension against its thresholds, with its figures in words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "health/health_priv.h"

static void expect(ward_resource resource, wardi_resource_evidence found, ward_thresholds at,
                   ward_child_health health, const char *words)
{
    ward_health_policy policy = {.resource_window_ns = 60 * WARDI_S};
    policy.resources[resource] = at;
    char bytes[120];
    wardi_text text = WARDI_TEXT(bytes);
    assert_int_equal(wardi_resource_judge(resource, &found, &policy, &text), health);
    assert_string_equal(bytes, words);
}
#define AT(degraded, unhealthy)                                                                    \
    (ward_thresholds)                                                                              \
    {                                                                                              \
        .degraded_at = degraded, .unhealthy_at = unhealthy                                         \
    }
#define FOUND(...)                                                                                 \
    (wardi_resource_evidence)                                                                      \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

static void test_words(void **state)
{
    (void)state;
    uint64_t mib = 1 << 20;
    expect(WARD_RESOURCE_MEMORY, FOUND(.memory_bytes = 240 * mib, .memory_bytes_max = 256 * mib),
           AT(0.9, 0), WARD_CHILD_DEGRADED, "memory 240MiB of 256MiB (94 %)");
    expect(WARD_RESOURCE_GROWTHS_REFUSED, FOUND(.growths_refused = 3), AT(1, 0),
           WARD_CHILD_DEGRADED, "3 memory growths refused since the last check");
    expect(WARD_RESOURCE_FUEL, FOUND(.fuel_peak = 950, .fuel_per_call = 1000), AT(0.9, 0),
           WARD_CHILD_DEGRADED, "fuel 950 of 1000 (95 %)");
    expect(WARD_RESOURCE_TRAPS, FOUND(.traps_in_window = 1), AT(1, 0), WARD_CHILD_DEGRADED,
           "1 trap in 1m");
    expect(WARD_RESOURCE_RESTARTS, FOUND(.restarts_in_window = 2), AT(1, 2), WARD_CHILD_FAILED,
           "2 restarts in 1m");
    expect(WARD_RESOURCE_BUSY, FOUND(.busy_ns = 950 * WARDI_MS, .elapsed_ns = WARDI_S), AT(0.9, 0),
           WARD_CHILD_DEGRADED, "busy 950ms of 1s (95 %)");
    expect(WARD_RESOURCE_MAILBOX, FOUND(.mailbox_waiting = 60, .mailbox_max = 64), AT(0.9, 0),
           WARD_CHILD_DEGRADED, "mailbox 60 of 64 (94 %)");
}

static void test_percent_never_rounds_up_to_full(void **state)
{
    (void)state;
    expect(WARD_RESOURCE_FUEL, FOUND(.fuel_peak = 999999, .fuel_per_call = 1000000), AT(0.9, 0),
           WARD_CHILD_DEGRADED, "fuel 999999 of 1000000 (99 %)");
    expect(WARD_RESOURCE_FUEL, FOUND(.fuel_peak = 1000000, .fuel_per_call = 1000000), AT(0.9, 0),
           WARD_CHILD_DEGRADED, "fuel 1000000 of 1000000 (100 %)");
}

static void test_thresholds(void **state)
{
    (void)state;
    wardi_resource_evidence two = {.traps_in_window = 2};
    expect(WARD_RESOURCE_TRAPS, two, AT(0, 0), WARD_CHILD_HEALTHY, "");
    expect(WARD_RESOURCE_TRAPS, two, AT(3, 0), WARD_CHILD_HEALTHY, "");
    expect(WARD_RESOURCE_TRAPS, two, AT(2, 0), WARD_CHILD_DEGRADED, "2 traps in 1m");
    expect(WARD_RESOURCE_TRAPS, two, AT(2, 3), WARD_CHILD_DEGRADED, "2 traps in 1m");
    expect(WARD_RESOURCE_TRAPS, two, AT(0, 3), WARD_CHILD_HEALTHY, "");
    expect(WARD_RESOURCE_TRAPS, two, AT(0, 2), WARD_CHILD_FAILED, "2 traps in 1m");
    expect(WARD_RESOURCE_TRAPS, two, AT(1, 2), WARD_CHILD_FAILED, "2 traps in 1m");
}

static void test_nothing_known_is_nothing_said(void **state)
{
    (void)state;
    for (int r = 0; r < WARD_RESOURCE_COUNT; r++)
        expect((ward_resource)r, FOUND(0), AT(0.1, 0.2), WARD_CHILD_HEALTHY, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_percent_never_rounds_up_to_full),
        cmocka_unit_test(test_thresholds),
        cmocka_unit_test(test_nothing_known_is_nothing_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
