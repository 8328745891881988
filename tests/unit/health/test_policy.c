/* Defaults of a policy, and what is refused. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "health/health.h"

static void test_defaults(void **state)
{
    (void)state;
    ward_health_policy zero = {0}, p;
    assert_int_equal(wardi_health_policy_resolve(&zero, &p, NULL), WARD_OK);
    assert_int_equal(p.timeout_ns, 1000 * WARDI_MS);
    assert_int_equal(p.busy_after_ns, WARDI_S);
    assert_int_equal(p.resource_window_ns, 60 * WARDI_S);
    assert_int_equal(p.frame_bytes_max, 256);
    assert_int_equal(p.on_trap, WARD_FALLBACK_DEGRADED);
    assert_int_equal(p.on_malformed, WARD_FALLBACK_STATE);
    assert_false(wardi_health_wants_resources(&p));
    ward_health_policy again;
    assert_int_equal(wardi_health_policy_resolve(&p, &again, NULL), WARD_OK);
    assert_memory_equal(&p, &again, sizeof p);
}

static void refuse(const ward_health_policy *policy, const char *named)
{
    ward_health_policy p;
    memset(&p, 0x5a, sizeof p);
    ward_diag diag = {0};
    assert_int_equal(wardi_health_policy_resolve(policy, &p, &diag), WARD_ERROR_INVALID_ARGUMENT);
    assert_int_equal(diag.error, WARD_ERROR_INVALID_ARGUMENT);
    assert_non_null(strstr(diag.text, named));
    for (size_t i = 0; i < sizeof p; i++) assert_int_equal(((uint8_t *)&p)[i], 0x5a);
}

static void test_refused(void **state)
{
    (void)state;
    refuse(&(ward_health_policy){.timeout_ns = 25 * 3600 * WARDI_S}, "health.timeout is 25h");
    refuse(&(ward_health_policy){.busy_after_ns = UINT64_MAX}, "health.busy_after");
    refuse(&(ward_health_policy){.resource_window_ns = UINT64_MAX}, "health.resource_window");
    refuse(&(ward_health_policy){.frame_bytes_max = 2}, "health.frame_bytes_max is 2");
    refuse(&(ward_health_policy){.frame_bytes_max = 65537}, "health.frame_bytes_max is 65537");
    refuse(&(ward_health_policy){.on_trap = (ward_fallback)4}, "health.on_trap is 4");
    refuse(&(ward_health_policy){.on_malformed = (ward_fallback)-1}, "health.on_malformed is -1");
}

static void test_thresholds(void **state)
{
    (void)state;
    for (int i = 0; i < WARD_RESOURCE_COUNT; i++) {
        ward_resource r = (ward_resource)i;
        bool ratio = r == WARD_RESOURCE_MEMORY || r == WARD_RESOURCE_FUEL ||
                     r == WARD_RESOURCE_BUSY || r == WARD_RESOURCE_MAILBOX;
        ward_health_policy policy = {0}, p;
        policy.resources[r].degraded_at = 1.5;
        if (ratio) {
            refuse(&policy, ward_resource_name(r));
        } else {
            assert_int_equal(wardi_health_policy_resolve(&policy, &p, NULL), WARD_OK);
            assert_true(wardi_health_wants_resources(&p));
        }
        policy.resources[r] = (ward_thresholds){.degraded_at = 1, .unhealthy_at = 0.5};
        refuse(&policy, "unhealthy_at is 0.5, below degraded_at 1");
        policy.resources[r] = (ward_thresholds){.unhealthy_at = (double)NAN};
        refuse(&policy, "unhealthy_at is not a finite number");
        policy.resources[r] = (ward_thresholds){.degraded_at = (double)INFINITY};
        refuse(&policy, "degraded_at is not a finite number");
        policy.resources[r] = (ward_thresholds){.degraded_at = -1, .unhealthy_at = 1};
        assert_int_equal(wardi_health_policy_resolve(&policy, &p, NULL), WARD_OK);
        assert_true(p.resources[r].degraded_at == 0);
        assert_true(wardi_health_wants_resources(&p));
    }
}

static void test_limits_are_allowed(void **state)
{
    (void)state;
    ward_health_policy policy = {.timeout_ns = 24 * 3600 * WARDI_S, .frame_bytes_max = 65536}, p;
    assert_int_equal(wardi_health_policy_resolve(&policy, &p, NULL), WARD_OK);
    policy.frame_bytes_max = 3;
    assert_int_equal(wardi_health_policy_resolve(&policy, &p, NULL), WARD_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_thresholds),
        cmocka_unit_test(test_limits_are_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
