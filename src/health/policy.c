/* Defaults of a health policy, and what no policy may say. */
#include <math.h>

#include "health/health.h"

enum { FRAME_BYTES_DEFAULT = 256, FRAME_BYTES_LIMIT = 65536 };
/* The shortest frame: two bytes of prefix, one of Borsh. */
enum { FRAME_BYTES_LEAST = 3 };
/* Longer than a day is a slip of units. */
#define DURATION_MAX (24 * 3600 * WARDI_S)

static bool is_ratio(ward_resource resource)
{
    return resource == WARD_RESOURCE_MEMORY || resource == WARD_RESOURCE_FUEL ||
           resource == WARD_RESOURCE_BUSY || resource == WARD_RESOURCE_MAILBOX;
}

static ward_error check_duration(uint64_t *duration_ns, uint64_t default_ns, const char *field,
                                 ward_diag *ret_diag)
{
    if (*duration_ns == 0) *duration_ns = default_ns;
    if (*duration_ns <= DURATION_MAX) return WARD_OK;
    char words[32];
    wardi_text text = WARDI_TEXT(words);
    wardi_text_duration(&text, *duration_ns);
    return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT, "health.%s is %s: at most 24h", field,
                      words);
}

static ward_error check_fallback(ward_fallback *fallback, ward_fallback default_, const char *field,
                                 ward_diag *ret_diag)
{
    if (*fallback == WARD_FALLBACK_DEFAULT) *fallback = default_;
    if (*fallback >= WARD_FALLBACK_STATE && *fallback <= WARD_FALLBACK_FAILED) return WARD_OK;
    return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                      "health.%s is %d: it takes state, degraded or failed", field, (int)*fallback);
}

static ward_error check_threshold(ward_resource resource, double *at, const char *field,
                                  ward_diag *ret_diag)
{
    if (*at <= 0) *at = 0;
    if (!isfinite(*at))
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                          "health.resources.%s.%s is not a finite number",
                          ward_resource_name(resource), field);
    if (is_ratio(resource) && *at > 1)
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                          "health.resources.%s.%s is %g: a ratio, at most 1 (80 %% is 0.8)",
                          ward_resource_name(resource), field, *at);
    return WARD_OK;
}

static ward_error check_thresholds(ward_resource resource, ward_thresholds *thresholds,
                                   ward_diag *ret_diag)
{
    ward_error error = check_threshold(resource, &thresholds->degraded_at, "degraded_at", ret_diag);
    if (error == WARD_OK)
        error = check_threshold(resource, &thresholds->unhealthy_at, "unhealthy_at", ret_diag);
    if (error != WARD_OK) return error;
    if (thresholds->unhealthy_at > 0 && thresholds->unhealthy_at < thresholds->degraded_at)
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                          "health.resources.%s.unhealthy_at is %g, below degraded_at %g: a "
                          "component is degraded before it is unhealthy",
                          ward_resource_name(resource), thresholds->unhealthy_at,
                          thresholds->degraded_at);
    return WARD_OK;
}

static ward_error check_window(uint32_t *frame_bytes_max, ward_diag *ret_diag)
{
    if (*frame_bytes_max == 0) *frame_bytes_max = FRAME_BYTES_DEFAULT;
    if (*frame_bytes_max >= FRAME_BYTES_LEAST && *frame_bytes_max <= FRAME_BYTES_LIMIT)
        return WARD_OK;
    return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                      "health.frame_bytes_max is %u: from %d to %d", (unsigned)*frame_bytes_max,
                      FRAME_BYTES_LEAST, FRAME_BYTES_LIMIT);
}

ward_error wardi_health_policy_resolve(const ward_health_policy *policy,
                                       ward_health_policy *ret_policy, ward_diag *ret_diag)
{
    ward_health_policy p = *policy;
    ward_error error = check_duration(&p.timeout_ns, WARDI_S, "timeout", ret_diag);
    if (error == WARD_OK) error = check_duration(&p.busy_after_ns, WARDI_S, "busy_after", ret_diag);
    if (error == WARD_OK)
        error = check_duration(&p.resource_window_ns, 60 * WARDI_S, "resource_window", ret_diag);
    if (error == WARD_OK) error = check_window(&p.frame_bytes_max, ret_diag);
    if (error == WARD_OK)
        error = check_fallback(&p.on_trap, WARD_FALLBACK_DEGRADED, "on_trap", ret_diag);
    if (error == WARD_OK)
        error = check_fallback(&p.on_malformed, WARD_FALLBACK_STATE, "on_malformed", ret_diag);
    for (int i = 0; i < WARD_RESOURCE_COUNT && error == WARD_OK; i++)
        error = check_thresholds((ward_resource)i, &p.resources[i], ret_diag);
    if (error == WARD_OK) *ret_policy = p;
    return error;
}
