/* The child failed or ended: what now? */
#include "supervise/supervise_priv.h"

/* [policy][it ended by itself, with status 0] */
static const wardi_decision_kind asked[][2] = {
    [WARD_RESTART_PERMANENT] = {WARDI_RESTART, WARDI_RESTART},
    [WARD_RESTART_TRANSIENT] = {WARDI_RESTART, WARDI_LEAVE},
    [WARD_RESTART_TEMPORARY] = {WARDI_GIVE_UP, WARDI_LEAVE},
};

wardi_decision_kind wardi_restart_asked(ward_restart policy, bool exit_ok)
{
    WARD_ASSERT((size_t)policy < WARD_COUNT(asked));
    return asked[policy][exit_ok];
}

uint32_t wardi_restarts_in_window(const wardi_restarts *restarts, uint64_t window_ns,
                                  uint64_t now_ns)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < restarts->count; i++)
        if (now_ns - restarts->times_ns[i] < window_ns) count++;
    return count;
}

static void record(wardi_restarts *restarts, uint64_t now_ns)
{
    restarts->times_ns[restarts->next] = now_ns;
    restarts->next = (restarts->next + 1) % WARDI_RESTARTS_KEPT;
    if (restarts->count < WARDI_RESTARTS_KEPT) restarts->count++;
}

wardi_decision wardi_supervise_decide(wardi_restarts *restarts, ward_restart policy,
                                      const ward_backoff *backoff, bool exit_ok, uint64_t now_ns,
                                      double unit)
{
    restarts->healthy_since_ns = 0;
    wardi_decision decision = {.kind = wardi_restart_asked(policy, exit_ok)};
    if (decision.kind != WARDI_RESTART) return decision;
    uint32_t before = wardi_restarts_in_window(restarts, backoff->window_ns, now_ns);
    if (before >= backoff->restarts_max) {
        decision.kind = WARDI_GIVE_UP;
        return decision;
    }
    decision.attempt = before + 1;
    decision.delay_ns = wardi_backoff_delay(backoff, restarts->step, unit);
    if (restarts->step < UINT32_MAX) restarts->step++;
    record(restarts, now_ns);
    return decision;
}

void wardi_supervise_health(wardi_restarts *restarts, const ward_backoff *backoff, bool healthy,
                            uint64_t now_ns)
{
    if (!healthy) {
        restarts->healthy_since_ns = 0;
        return;
    }
    if (restarts->healthy_since_ns == 0) restarts->healthy_since_ns = now_ns != 0 ? now_ns : 1;
    if (now_ns - restarts->healthy_since_ns >= backoff->reset_after_ns &&
        now_ns >= restarts->healthy_since_ns)
        restarts->step = 0;
}
