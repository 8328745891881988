/* Steps 1 to 9 of the contract, one by one, and what each says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "health/health.h"

static ward_health_policy policy;
static wardi_evidence evidence;
static wardi_probe probe;
static wardi_resource_evidence resources;
static ward_verdict verdict;

static int setup(void **state)
{
    (void)state;
    ward_health_policy zero = {0};
    assert_int_equal(wardi_health_policy_resolve(&zero, &policy, NULL), WARD_OK);
    memset(&probe, 0, sizeof probe);
    memset(&resources, 0, sizeof resources);
    evidence = (wardi_evidence){.state = WARD_STATE_READY, .loaded = true};
    memset(&verdict, 0xa5, sizeof verdict);
    return 0;
}

static void expect(ward_child_health health, ward_source source, const char *reason)
{
    wardi_health_judge(&evidence, &policy, &verdict);
    assert_string_equal(verdict.reason.text, reason);
    assert_int_equal(verdict.reason.length, strlen(reason));
    assert_int_equal(verdict.health, health);
    assert_int_equal(verdict.source, source);
}

static void expect_alone(ward_child_health health, ward_source source, const char *reason)
{
    expect(health, source, reason);
    assert_int_equal(verdict.contributor_count, health == WARD_CHILD_HEALTHY ? 0 : 1);
    assert_int_equal(verdict.probe_error, WARD_PROBE_OK);
    assert_int_equal(verdict.duration_ns, 0);
    assert_int_equal(verdict.age_ns, 0);
    assert_false(verdict.reason.cut);
    if (health == WARD_CHILD_HEALTHY) return;
    assert_int_equal(verdict.contributors[0].source, source);
    assert_int_equal(verdict.contributors[0].health, health);
    assert_string_equal(verdict.contributors[0].text, reason);
}

static void set_probe(ward_probe_error error)
{
    probe.called = true;
    probe.error = error;
    probe.duration_ns = 42;
    evidence.probe = &probe;
}

static void set_report(ward_health status, const char *reason)
{
    set_probe(WARD_PROBE_OK);
    probe.report.status = status;
    wardi_reason_set(&probe.report.reason, reason);
}

static void test_failed_says_why(void **state)
{
    (void)state;
    ward_reason why;
    wardi_reason_set(&why, "start: unreachable");
    evidence.state = WARD_STATE_FAILED;
    evidence.failure = &why;
    expect_alone(WARD_CHILD_FAILED, WARD_SOURCE_STATE, "start: unreachable");
    evidence.loaded = false; /* step 1 comes before step 3 */
    expect_alone(WARD_CHILD_FAILED, WARD_SOURCE_STATE, "start: unreachable");
    evidence.failure = NULL;
    expect_alone(WARD_CHILD_FAILED, WARD_SOURCE_STATE, "Component in state: failed");
}

static void test_states(void **state)
{
    (void)state;
    static const struct {
        ward_state state;
        const char *loaded, *not_loaded;
    } rows[] = {
        {WARD_STATE_CREATING, "Component starting", "WASM runtime not loaded"},
        {WARD_STATE_STARTING, "Component starting", "Component starting"},
        {WARD_STATE_STOPPING, "Component stopping", "WASM runtime not loaded"},
        {WARD_STATE_TERMINATED, "Component in state: terminated", "WASM runtime not loaded"},
    };
    for (size_t i = 0; i < WARD_COUNT(rows); i++) {
        evidence.state = rows[i].state;
        evidence.loaded = true;
        expect_alone(WARD_CHILD_DEGRADED, WARD_SOURCE_STATE, rows[i].loaded);
        evidence.loaded = false;
        bool starting = rows[i].state == WARD_STATE_STARTING;
        expect_alone(starting ? WARD_CHILD_DEGRADED : WARD_CHILD_FAILED, WARD_SOURCE_STATE,
                     rows[i].not_loaded);
    }
    evidence.state = WARD_STATE_READY;
    expect_alone(WARD_CHILD_FAILED, WARD_SOURCE_STATE, "WASM runtime not loaded");
}

static void test_state_hides_probe_and_resources(void **state)
{
    (void)state;
    set_report(WARD_HEALTH_UNHEALTHY, "never seen");
    policy.resources[WARD_RESOURCE_TRAPS].unhealthy_at = 1;
    resources.traps_in_window = 9;
    evidence.resources = &resources;
    evidence.state = WARD_STATE_STOPPING;
    expect_alone(WARD_CHILD_DEGRADED, WARD_SOURCE_STATE, "Component stopping");
}

static void test_no_export_is_healthy(void **state)
{
    (void)state;
    expect_alone(WARD_CHILD_HEALTHY, WARD_SOURCE_STATE, "");
    evidence.probe = &probe; /* not called */
    expect_alone(WARD_CHILD_HEALTHY, WARD_SOURCE_STATE, "");
}

static void test_busy_young_repeats(void **state)
{
    (void)state;
    evidence.busy = true;
    evidence.busy_export = "handle-message";
    evidence.busy_for_ns = policy.busy_after_ns - 1;
    expect_alone(WARD_CHILD_HEALTHY, WARD_SOURCE_STATE, ""); /* never checked before */

    ward_verdict last;
    set_report(WARD_HEALTH_UNHEALTHY, "Database unreachable");
    wardi_evidence before = {.state = WARD_STATE_READY, .loaded = true, .probe = &probe};
    wardi_health_judge(&before, &policy, &last);
    evidence.last = &last;
    evidence.last_age_ns = 7;
    evidence.probe = NULL;
    expect(WARD_CHILD_FAILED, WARD_SOURCE_PROBE, "Database unreachable");
    assert_int_equal(verdict.age_ns, 7);
    assert_int_equal(verdict.duration_ns, 0);
    assert_int_equal(verdict.contributor_count, 1);
    assert_string_equal(verdict.contributors[0].text, "Database unreachable");
    evidence.last_age_ns = 0; /* still no fresh answer */
    expect(WARD_CHILD_FAILED, WARD_SOURCE_PROBE, "Database unreachable");
    assert_int_equal(verdict.age_ns, 1);
}

static void test_busy_old_is_degraded(void **state)
{
    (void)state;
    evidence.busy = true;
    evidence.busy_export = "handle-message";
    evidence.busy_for_ns = policy.busy_after_ns;
    expect_alone(WARD_CHILD_DEGRADED, WARD_SOURCE_STATE, "Busy in handle-message for 1s");
    evidence.busy_for_ns = 2500 * WARDI_MS;
    evidence.busy_export = NULL;
    expect_alone(WARD_CHILD_DEGRADED, WARD_SOURCE_STATE, "Busy in the guest for 2.5s");
}

static void test_reports(void **state)
{
    (void)state;
    set_report(WARD_HEALTH_HEALTHY, "");
    expect(WARD_CHILD_HEALTHY, WARD_SOURCE_PROBE, "");
    assert_int_equal(verdict.contributor_count, 0);
    assert_int_equal(verdict.duration_ns, 42);
    assert_int_equal(verdict.age_ns, 0);
    assert_int_equal(verdict.probe_error, WARD_PROBE_OK);
    set_report(WARD_HEALTH_DEGRADED, "High latency");
    expect(WARD_CHILD_DEGRADED, WARD_SOURCE_PROBE, "High latency");
    assert_int_equal(verdict.contributor_count, 1);
    assert_int_equal(verdict.duration_ns, 42);
    set_report(WARD_HEALTH_UNHEALTHY, "Database unreachable");
    probe.report.reason.cut = true;
    expect(WARD_CHILD_FAILED, WARD_SOURCE_PROBE, "Database unreachable");
    assert_true(verdict.reason.cut);
    set_report(WARD_HEALTH_DEGRADED, "");
    expect(WARD_CHILD_DEGRADED, WARD_SOURCE_PROBE, "");
}

static void test_long_reason_is_kept_whole(void **state)
{
    (void)state;
    char text[WARD_REASON_BYTES_MAX + 1];
    memset(text, 'x', WARD_REASON_BYTES_MAX - 2);
    memcpy(text + WARD_REASON_BYTES_MAX - 2, "\xc3\xa9", 3);
    set_report(WARD_HEALTH_DEGRADED, text);
    expect(WARD_CHILD_DEGRADED, WARD_SOURCE_PROBE, text);
    assert_int_equal(strlen(verdict.contributors[0].text), 119);
}

static void test_timeout(void **state)
{
    (void)state;
    set_probe(WARD_PROBE_TIMEOUT);
    policy.on_trap = WARD_FALLBACK_FAILED; /* a time-out has no policy */
    policy.on_malformed = WARD_FALLBACK_FAILED;
    expect(WARD_CHILD_DEGRADED, WARD_SOURCE_PROBE, "Health check timeout (>1000ms)");
    assert_int_equal(verdict.probe_error, WARD_PROBE_TIMEOUT);
    assert_int_equal(verdict.duration_ns, 42);
    policy.timeout_ns = 250 * WARDI_MS;
    expect(WARD_CHILD_DEGRADED, WARD_SOURCE_PROBE, "Health check timeout (>250ms)");
    policy.timeout_ns = 500 * WARDI_US;
    expect(WARD_CHILD_DEGRADED, WARD_SOURCE_PROBE, "Health check timeout (>500us)");
}

static const struct {
    ward_fallback fallback;
    ward_child_health health;
} fallbacks[] = {{WARD_FALLBACK_STATE, WARD_CHILD_HEALTHY},
                 {WARD_FALLBACK_DEGRADED, WARD_CHILD_DEGRADED},
                 {WARD_FALLBACK_FAILED, WARD_CHILD_FAILED}};

/* The error stays visible whatever the policy makes of it. */
static void expect_policy(ward_child_health health, const char *text)
{
    expect(health, WARD_SOURCE_POLICY, health == WARD_CHILD_HEALTHY ? "" : text);
    assert_int_equal(verdict.probe_error, probe.error);
    assert_int_equal(verdict.duration_ns, 42);
    assert_int_equal(verdict.contributor_count, 1);
    assert_int_equal(verdict.contributors[0].source, WARD_SOURCE_POLICY);
    assert_int_equal(verdict.contributors[0].health, health);
    assert_string_equal(verdict.contributors[0].text, text);
}

static void test_trap_policies(void **state)
{
    (void)state;
    set_probe(WARD_PROBE_TRAP);
    probe.trap_cause = "unreachable";
    expect_policy(WARD_CHILD_DEGRADED, "_health trapped: unreachable");
    policy.on_malformed = WARD_FALLBACK_FAILED; /* not the one that counts */
    for (size_t i = 0; i < WARD_COUNT(fallbacks); i++) {
        policy.on_trap = fallbacks[i].fallback;
        expect_policy(fallbacks[i].health, "_health trapped: unreachable");
    }
}

static void test_malformed_policies(void **state)
{
    (void)state;
    static const struct {
        ward_probe_error error;
        int64_t detail;
        const char *text;
    } rows[] = {
        {WARD_PROBE_RETURN_VALUE, -2, "Invalid _health return value: -2"},
        {WARD_PROBE_POINTER, 65536, "Invalid memory pointer: 65536"},
        {WARD_PROBE_PREFIX_EMPTY, 0, "Health frame is empty"},
        {WARD_PROBE_PREFIX_TRUNCATED, 0, "Health frame ends inside its multicodec prefix"},
        {WARD_PROBE_PREFIX_TOO_LARGE, 0, "Multicodec prefix is longer than 5 bytes"},
        {WARD_PROBE_PREFIX_UNSUPPORTED, 0xffff, "Unsupported multicodec: 0xffff"},
        {WARD_PROBE_PAYLOAD, 0, "Failed to deserialize HealthStatus (tried Borsh, CBOR, JSON)"},
    };
    policy.on_trap = WARD_FALLBACK_FAILED; /* not the one that counts */
    for (size_t row = 0; row < WARD_COUNT(rows); row++) {
        set_probe(rows[row].error);
        probe.detail = (uint64_t)rows[row].detail;
        policy.on_malformed = WARD_FALLBACK_STATE;
        expect_policy(WARD_CHILD_HEALTHY, rows[row].text);
        for (size_t i = 0; i < WARD_COUNT(fallbacks); i++) {
            policy.on_malformed = fallbacks[i].fallback;
            expect_policy(fallbacks[i].health, rows[row].text);
        }
    }
}

static void test_worst_wins(void **state)
{
    (void)state;
    policy.resources[WARD_RESOURCE_MEMORY] = (ward_thresholds){.degraded_at = 0.9};
    policy.resources[WARD_RESOURCE_TRAPS] = (ward_thresholds){.unhealthy_at = 3};
    resources = (wardi_resource_evidence){.memory_bytes = UINT64_C(240) << 20,
                                          .memory_bytes_max = UINT64_C(256) << 20};
    evidence.resources = &resources;

    set_report(WARD_HEALTH_HEALTHY, "");
    expect(WARD_CHILD_DEGRADED, WARD_SOURCE_RESOURCE, "memory 240MiB of 256MiB (94 %)");
    assert_int_equal(verdict.contributor_count, 1);
    assert_int_equal(verdict.contributors[0].resource, WARD_RESOURCE_MEMORY);
    assert_int_equal(verdict.duration_ns, 42);

    set_report(WARD_HEALTH_DEGRADED, "High latency"); /* at a draw the guest's own word counts */
    expect(WARD_CHILD_DEGRADED, WARD_SOURCE_PROBE, "High latency");
    assert_int_equal(verdict.contributor_count, 2);
    assert_string_equal(verdict.contributors[1].text, "memory 240MiB of 256MiB (94 %)");

    resources.traps_in_window = 3;
    expect(WARD_CHILD_FAILED, WARD_SOURCE_RESOURCE, "3 traps in 1m");
    assert_int_equal(verdict.contributor_count, 3);
    assert_int_equal(verdict.contributors[2].resource, WARD_RESOURCE_TRAPS);
    assert_int_equal(verdict.contributors[2].health, WARD_CHILD_FAILED);

    set_report(WARD_HEALTH_UNHEALTHY, "Database unreachable");
    expect(WARD_CHILD_FAILED, WARD_SOURCE_PROBE, "Database unreachable");
    assert_int_equal(verdict.contributor_count, 3);
}

static void test_resources_of_a_component_without_export(void **state)
{
    (void)state;
    policy.resources[WARD_RESOURCE_GROWTHS_REFUSED].degraded_at = 1;
    resources.growths_refused = 1;
    evidence.resources = &resources;
    expect(WARD_CHILD_DEGRADED, WARD_SOURCE_RESOURCE,
           "1 memory growth refused since the last check");
}

static void test_busy_old_hears_resources(void **state)
{
    (void)state;
    policy.resources[WARD_RESOURCE_RESTARTS].unhealthy_at = 5;
    resources.restarts_in_window = 5;
    evidence.resources = &resources;
    evidence.busy = true;
    evidence.busy_export = "work";
    evidence.busy_for_ns = 2 * WARDI_S;
    expect(WARD_CHILD_FAILED, WARD_SOURCE_RESOURCE, "5 restarts in 1m");
    assert_string_equal(verdict.contributors[0].text, "Busy in work for 2s");
}

static void test_error_turned_healthy_beside_resources(void **state)
{
    (void)state;
    set_probe(WARD_PROBE_PAYLOAD);
    policy.resources[WARD_RESOURCE_RESTARTS].degraded_at = 1;
    resources.restarts_in_window = 1;
    evidence.resources = &resources;
    expect(WARD_CHILD_DEGRADED, WARD_SOURCE_RESOURCE, "1 restart in 1m");
    assert_int_equal(verdict.probe_error, WARD_PROBE_PAYLOAD);
    assert_int_equal(verdict.contributor_count, 2);
}

static void test_all_voices_fit(void **state)
{
    (void)state;
    for (size_t i = 0; i < WARD_RESOURCE_COUNT; i++) policy.resources[i].degraded_at = 0.5;
    resources = (wardi_resource_evidence){1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    evidence.resources = &resources;
    set_report(WARD_HEALTH_DEGRADED, "x");
    expect(WARD_CHILD_DEGRADED, WARD_SOURCE_PROBE, "x");
    assert_int_equal(verdict.contributor_count, 1 + WARD_RESOURCE_COUNT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_failed_says_why, setup),
        cmocka_unit_test_setup(test_states, setup),
        cmocka_unit_test_setup(test_state_hides_probe_and_resources, setup),
        cmocka_unit_test_setup(test_no_export_is_healthy, setup),
        cmocka_unit_test_setup(test_busy_young_repeats, setup),
        cmocka_unit_test_setup(test_busy_old_is_degraded, setup),
        cmocka_unit_test_setup(test_reports, setup),
        cmocka_unit_test_setup(test_long_reason_is_kept_whole, setup),
        cmocka_unit_test_setup(test_timeout, setup),
        cmocka_unit_test_setup(test_trap_policies, setup),
        cmocka_unit_test_setup(test_malformed_policies, setup),
        cmocka_unit_test_setup(test_worst_wins, setup),
        cmocka_unit_test_setup(test_resources_of_a_component_without_export, setup),
        cmocka_unit_test_setup(test_busy_old_hears_resources, setup),
        cmocka_unit_test_setup(test_error_turned_healthy_beside_resources, setup),
        cmocka_unit_test_setup(test_all_voices_fit, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
