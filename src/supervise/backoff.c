/* How long to wait before the next restart: a shape, a cap, and jitter. */
#include <math.h>

#include "supervise/supervise_priv.h"

enum { RESTARTS_DEFAULT = 10 };
/* Longer than this is a slip of units. */
#define DURATION_MAX (365 * 24 * 3600 * WARDI_S)
#define FACTOR_MAX 1000.0

static ward_error check_duration(uint64_t *duration_ns, uint64_t default_ns, const char *field,
                                 ward_diag *ret_diag)
{
    if (*duration_ns == 0) *duration_ns = default_ns;
    if (*duration_ns <= DURATION_MAX) return WARD_OK;
    return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT, "backoff.%s is %gs: at most a year",
                      field, (double)*duration_ns / (double)WARDI_S);
}

static ward_error check_shape(ward_backoff *backoff, ward_diag *ret_diag)
{
    if ((unsigned)backoff->shape > WARD_BACKOFF_OFF)
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                          "backoff.shape must be one of its enum's values");
    if (backoff->factor == 0) backoff->factor = 2;
    if (!(backoff->factor >= 1 && backoff->factor <= FACTOR_MAX))
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                          "backoff.factor is %g: from 1 to %g", backoff->factor, FACTOR_MAX);
    if (backoff->jitter == 0) backoff->jitter = 0.1;
    if (backoff->jitter < 0) backoff->jitter = -1;
    if (!(backoff->jitter <= 1))
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                          "backoff.jitter is %g: a share of the delay, at most 1 (negative: none)",
                          backoff->jitter);
    return WARD_OK;
}

static ward_error check_limits(ward_backoff *backoff, bool max_given, ward_diag *ret_diag)
{
    if (backoff->restarts_max == 0) backoff->restarts_max = RESTARTS_DEFAULT;
    if (backoff->restarts_max > WARDI_INTENSITY_MAX)
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                          "backoff.restarts_max is %u: at most %d", (unsigned)backoff->restarts_max,
                          WARDI_INTENSITY_MAX);
    if (backoff->max_ns >= backoff->initial_ns) return WARD_OK;
    if (max_given)
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                          "backoff.max is %gs, below backoff.initial %gs: raise it",
                          (double)backoff->max_ns / (double)WARDI_S,
                          (double)backoff->initial_ns / (double)WARDI_S);
    backoff->max_ns = backoff->initial_ns;
    return WARD_OK;
}

ward_error wardi_backoff_resolve(const ward_backoff *backoff, ward_backoff *ret_backoff,
                                 ward_diag *ret_diag)
{
    ward_backoff b = *backoff;
    ward_error error = check_duration(&b.initial_ns, 100 * WARDI_MS, "initial", ret_diag);
    if (error == WARD_OK) error = check_duration(&b.max_ns, 30 * WARDI_S, "max", ret_diag);
    if (error == WARD_OK) error = check_duration(&b.window_ns, 60 * WARDI_S, "window", ret_diag);
    if (error == WARD_OK)
        error = check_duration(&b.reset_after_ns, 30 * WARDI_S, "reset_after", ret_diag);
    if (error == WARD_OK) error = check_shape(&b, ret_diag);
    if (error == WARD_OK) error = check_limits(&b, backoff->max_ns != 0, ret_diag);
    if (error == WARD_OK) *ret_backoff = b;
    return error;
}

bool wardi_restart_wanted(ward_restart policy, bool ended_well)
{
    switch (policy) {
    case WARD_RESTART_PERMANENT: return true;
    case WARD_RESTART_TRANSIENT: return !ended_well;
    case WARD_RESTART_TEMPORARY: break;
    }
    return false;
}

wardi_pace wardi_pace_of(const ward_backoff *backoff)
{
    static const wardi_pace_shape shapes[] = {
        [WARD_BACKOFF_EXPONENTIAL] = WARDI_PACE_EXPONENTIAL,
        [WARD_BACKOFF_LINEAR] = WARDI_PACE_LINEAR,
        [WARD_BACKOFF_FIXED] = WARDI_PACE_FIXED,
        [WARD_BACKOFF_OFF] = WARDI_PACE_OFF,
    };
    return (wardi_pace){.shape = shapes[backoff->shape],
                        .initial_ns = backoff->initial_ns,
                        .max_ns = backoff->max_ns,
                        .factor = backoff->factor,
                        .jitter = backoff->jitter > 0 ? backoff->jitter : 0,
                        .reset_after_ns = backoff->reset_after_ns};
}

static double grown(const wardi_pace *pace, uint32_t step)
{
    double delay = (double)pace->initial_ns, max = (double)pace->max_ns;
    switch (pace->shape) {
    case WARDI_PACE_OFF: return 0;
    case WARDI_PACE_FIXED: break;
    case WARDI_PACE_LINEAR: delay *= (double)step + 1; break;
    case WARDI_PACE_EXPONENTIAL:
        if (pace->factor > 1)
            for (uint32_t i = 0; i < step && delay < max; i++) delay *= pace->factor;
    }
    return delay < max ? delay : max;
}

uint64_t wardi_pace_delay(const wardi_pace *pace, uint32_t step, double unit)
{
    double delay = grown(pace, step);
    if (pace->jitter > 0) delay *= 1 + pace->jitter * (2 * unit - 1);
    return (uint64_t)delay;
}
