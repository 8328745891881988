/* Readiness: can it serve? Liveness: must it be restarted? */
#include "health/health_priv.h"

static bool unready(ward_reason *ret_reason, const char *why)
{
    if (ret_reason != NULL) wardi_reason_set(ret_reason, why);
    return false;
}

/* "needs db: needs disk: Component starting": each link of the chain adds itself in front. */
static bool unready_need_of(const char *need, const ward_reason *reason, ward_reason *ret_reason)
{
    if (ret_reason == NULL) return false;
    ward_reason path;
    wardi_reason_printf(&path, "needs %s: %s", need,
                        reason != NULL && reason->length != 0 ? reason->text : "not ready");
    wardi_reason_copy(ret_reason, &path);
    return false;
}

static bool unready_full(wardi_mailbox_level level, ward_reason *ret_reason)
{
    if (ret_reason != NULL)
        wardi_reason_printf(ret_reason, "mailbox full: %u of %u", level.waiting, level.max);
    return false;
}

bool wardi_health_full(bool was_full, wardi_mailbox_level level, double full_at)
{
    if (!(full_at > 0) || level.max == 0) return false;
    double part = (double)level.waiting / level.max;
    return was_full ? part > full_at / 2 : part >= full_at;
}

bool wardi_health_ready(const wardi_readiness *of, ward_reason *ret_reason)
{
    const wardi_trend *trend = of->trend;
    if (of->state == WARD_STATE_FAILED) return unready(ret_reason, "Component failed");
    if (of->state != WARD_STATE_READY) {
        if (ret_reason != NULL) wardi_state_text(of->state, ret_reason);
        return false;
    }
    if (trend->health == WARD_CHILD_FAILED) return unready(ret_reason, "Health is failed");
    if (!trend->started) return unready(ret_reason, "Start-up probe has not passed yet");
    if (!trend->judged) return unready(ret_reason, "Not checked yet");
    if (trend->health == WARD_CHILD_DEGRADED && !of->ready_when_degraded)
        return unready(ret_reason, "Health is degraded, and ready_when asks for healthy");
    if (of->full) return unready_full(of->mailbox, ret_reason);
    if (of->unready_need != NULL)
        return unready_need_of(of->unready_need, of->need_reason, ret_reason);
    return true;
}

bool wardi_health_live(ward_state state, const wardi_trend *trend)
{
    return state != WARD_STATE_FAILED && trend->health != WARD_CHILD_FAILED;
}
