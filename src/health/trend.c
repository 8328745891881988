/* One child's history of verdicts: rise and fall, the start-up probe, flapping. */
#include "health/health.h"

/* Bad is what `fall` counts. A time-out or a trap is bad though it reads Degraded; where on_trap
 * made a trap Healthy, whatever else degraded the child does not make the trap count. */
static bool is_bad(const ward_verdict *verdict)
{
    if (verdict->health == WARD_CHILD_FAILED) return true;
    bool of_probe = verdict->source == WARD_SOURCE_PROBE || verdict->source == WARD_SOURCE_POLICY;
    bool never_came_back =
        verdict->probe_error == WARD_PROBE_TIMEOUT || verdict->probe_error == WARD_PROBE_TRAP;
    return verdict->health == WARD_CHILD_DEGRADED && of_probe && never_came_back;
}

static uint32_t flap_limit(const wardi_trend_policy *policy)
{
    return policy->flap_changes_max < WARDI_FLAP_CHANGES_MAX ? policy->flap_changes_max
                                                             : WARDI_FLAP_CHANGES_MAX - 1;
}

uint32_t wardi_trend_changes(const wardi_trend_policy *policy)
{
    return flap_limit(policy) + 1;
}

void wardi_trend_init(wardi_trend *trend, const wardi_trend_policy *policy, uint64_t *changes_ns)
{
    *trend = (wardi_trend){
        .started = !policy->startup, .health = WARD_CHILD_DEGRADED, .changes_ns = changes_ns};
}

void wardi_trend_restart(wardi_trend *trend, const wardi_trend_policy *policy)
{
    trend->judged = false;
    trend->started = !policy->startup;
    trend->health = WARD_CHILD_DEGRADED;
    trend->bad = 0;
    trend->good = 0;
}

static void flap_record(wardi_trend *trend, const wardi_trend_policy *policy, uint64_t now_ns)
{
    uint32_t room = wardi_trend_changes(policy);
    trend->changes_ns[trend->change_next] = now_ns;
    trend->change_next = (trend->change_next + 1) % room;
    if (trend->change_count < room) trend->change_count++;
}

/* Begins above the limit and ceases at half of it, so that the flag itself does not flap. */
static bool flap_judge(const wardi_trend *trend, const wardi_trend_policy *policy, uint64_t now_ns)
{
    uint32_t limit = flap_limit(policy);
    uint32_t recent = 0;
    for (uint32_t i = 0; i < trend->change_count; i++)
        if (now_ns - trend->changes_ns[i] < policy->flap_window_ns) recent++;
    return trend->flapping ? recent > limit / 2 : recent > limit;
}

/* Health after one more verdict. What is bad but has not lasted shows as Degraded. */
static ward_child_health follow(const wardi_trend *trend, const wardi_trend_policy *policy,
                                const ward_verdict *verdict, bool bad)
{
    if (!trend->judged && trend->bad < policy->fall) return verdict->health;
    if (bad) {
        if (trend->bad >= policy->fall) return WARD_CHILD_FAILED;
        return trend->health == WARD_CHILD_FAILED ? WARD_CHILD_FAILED : WARD_CHILD_DEGRADED;
    }
    if (verdict->health == WARD_CHILD_DEGRADED) return WARD_CHILD_DEGRADED;
    return trend->good >= policy->rise ? WARD_CHILD_HEALTHY : trend->health;
}

/* The start-up probe: until it passes once, nothing else counts but how often it failed. */
static bool startup_holds(wardi_trend *trend, const wardi_trend_policy *policy, bool bad,
                          wardi_trend_change *change)
{
    if (trend->started) return false;
    if (!bad) {
        trend->started = true;
        change->started_now = true;
        return false;
    }
    trend->bad++;
    if (trend->bad >= policy->startup_fall && trend->health != WARD_CHILD_FAILED) {
        trend->health = WARD_CHILD_FAILED;
        change->health_changed = true;
    }
    return true;
}

wardi_trend_change wardi_trend_apply(wardi_trend *trend, const wardi_trend_policy *policy,
                                     const ward_verdict *verdict, uint64_t now_ns)
{
    wardi_trend_change change = {0};
    /* A verdict with an age repeats one that has been counted: it is no new evidence, and least of
     * all a start-up probe of its own. */
    if (verdict->age_ns != 0 && (trend->judged || !trend->started)) return change;
    bool bad = is_bad(verdict);
    if (startup_holds(trend, policy, bad, &change)) return change;

    trend->bad = bad ? trend->bad + 1 : 0;
    trend->good = verdict->health == WARD_CHILD_HEALTHY ? trend->good + 1 : 0;
    ward_child_health health = follow(trend, policy, verdict, bad);
    change.health_changed = health != trend->health;
    /* The first verdict's change is the start's doing, not the guest's. */
    if (change.health_changed && trend->judged) flap_record(trend, policy, now_ns);
    trend->health = health;
    trend->judged = true;
    bool flapping = flap_judge(trend, policy, now_ns);
    change.flapping_changed = flapping != trend->flapping;
    trend->flapping = flapping;
    return change;
}

/* Who is Healthy has been judged and has nothing bad counted; `good` would go on counting, and is
 * compared again only after it was zero. That it does not flap stays so: only a change can make it,
 * and time only takes changes away. */
bool wardi_trend_steady(const wardi_trend *trend, const ward_verdict *verdict)
{
    return verdict->health == WARD_CHILD_HEALTHY && trend->health == WARD_CHILD_HEALTHY &&
           !trend->flapping;
}
