/* The sums behind `ward explain`. */
#include "supervise/explain.h"

#include "supervise/supervise_priv.h"

static void add(wardi_explanation *e, wardi_phase phase, const char *name, uint64_t worst_ns,
                uint64_t typical_ns)
{
    WARD_ASSERT(e->count < WARDI_TERMS_MAX);
    e->terms[e->count++] =
        (wardi_term){.phase = phase, .name = name, .worst_ns = worst_ns, .typical_ns = typical_ns};
    e->worst_ns[phase] = wardi_add_sat(e->worst_ns[phase], worst_ns);
    e->typical_ns[phase] = wardi_add_sat(e->typical_ns[phase], typical_ns);
}

static uint64_t times(uint64_t ns, uint32_t count)
{
    uint64_t product;
    return __builtin_mul_overflow(ns, (uint64_t)count, &product) ? WARDI_FOREVER : product;
}

/* A check is due an interval after the last one was, unless that took longer: then an interval
 * after its end. */
static uint64_t period(uint64_t interval_ns, uint64_t check_ns)
{
    return check_ns < interval_ns ? interval_ns : wardi_add_sat(interval_ns, check_ns);
}

/* A check that is due while a message is handled is made when that has ended, and messages that
 * come one after the other let it in between. On time again are those that follow, unless such a
 * delay, with the check itself, takes a whole interval. */
static uint64_t held_up(const wardi_explain_policy *p, uint64_t check_ns)
{
    uint64_t message_ns = wardi_add_sat(p->message_timeout_ns, p->tick_ns);
    uint64_t longer = period(p->interval_ns, wardi_add_sat(message_ns, check_ns)) -
                      period(p->interval_ns, check_ns);
    return wardi_add_sat(message_ns, times(longer, p->fall - 1));
}

static void detect_by_checks(wardi_explanation *e, const wardi_explain_policy *p, bool hangs)
{
    uint64_t worst = wardi_add_sat(p->check_timeout_ns, p->tick_ns);
    uint64_t typical = hangs ? wardi_add_sat(p->check_timeout_ns, p->tick_ns / 2) : 0;
    uint32_t more = p->fall - 1;
    add(e, WARDI_PHASE_DETECT, "until the next check", p->interval_ns, p->interval_ns / 2);
    if (more != 0)
        add(e, WARDI_PHASE_DETECT, "further checks, as fall asks",
            times(period(p->interval_ns, worst), more),
            times(period(p->interval_ns, typical), more));
    add(e, WARDI_PHASE_DETECT, "messages that hold checks up", held_up(p, worst), 0);
    add(e, WARDI_PHASE_DETECT, "the check, up to its timeout", p->check_timeout_ns,
        hangs ? p->check_timeout_ns : 0);
    add(e, WARDI_PHASE_DETECT, "tick of the deadline", p->tick_ns, hangs ? p->tick_ns / 2 : 0);
}

static void detect(wardi_explanation *e, const wardi_explain_policy *p, wardi_fault fault)
{
    switch (fault) {
    case WARDI_FAULT_TRAP: add(e, WARDI_PHASE_DETECT, "the call returns", 0, 0); return;
    case WARDI_FAULT_HANG_MESSAGE:
        add(e, WARDI_PHASE_DETECT, "the message's deadline", p->message_timeout_ns,
            p->message_timeout_ns);
        add(e, WARDI_PHASE_DETECT, "tick of the deadline", p->tick_ns, p->tick_ns / 2);
        return;
    case WARDI_FAULT_TRAP_CHECK:
        if (p->traps_uncounted)
            add(e, WARDI_PHASE_DETECT, "on_trap counts no trap", WARDI_FOREVER, WARDI_FOREVER);
        else
            detect_by_checks(e, p, false);
        return;
    case WARDI_FAULT_HANG_CHECK: detect_by_checks(e, p, true); return;
    case WARDI_FAULT_UNHEALTHY: detect_by_checks(e, p, false); return;
    }
}

/* Where delays grow, they grow up to the cap: intensity does not end that, for what fails slowly,
 * but before it was well for reset_after, comes to any step within any intensity. */
static uint64_t longest_delay(const wardi_pace *pace)
{
    wardi_pace longest = *pace;
    bool grows = pace->shape == WARDI_PACE_LINEAR ||
                 (pace->shape == WARDI_PACE_EXPONENTIAL && pace->factor > 1);
    if (grows) longest.initial_ns = longest.max_ns;
    return wardi_pace_delay(&longest, 0, 1);
}

/* What answers health is asked to stop first; what does not is killed. What trapped, or was ended
 * by the deadline of a message, is down already. */
static void stop_terms(wardi_explanation *e, const wardi_explain_policy *p, wardi_fault fault)
{
    const wardi_tree_policy *s = &p->supervise;
    if (p->dropped) return;
    if (fault == WARDI_FAULT_HANG_CHECK) add(e, WARDI_PHASE_RECOVER, "kill", s->kill_ns, 0);
    if (fault != WARDI_FAULT_UNHEALTHY) return;
    uint64_t stop = s->shutdown == WARDI_SHUTDOWN_GRACEFUL   ? s->stop_ns
                    : s->shutdown == WARDI_SHUTDOWN_INFINITE ? WARDI_FOREVER
                                                             : 0;
    if (stop != 0) add(e, WARDI_PHASE_RECOVER, "stop", stop, p->stop_typical_ns);
    if (stop != WARDI_FOREVER) add(e, WARDI_PHASE_RECOVER, "kill", s->kill_ns, 0);
}

wardi_explanation wardi_explain(const wardi_explain_policy *policy, wardi_fault fault)
{
    const wardi_tree_policy *s = &policy->supervise;
    wardi_explanation e = {.restarted =
                               wardi_restart_wanted(s->restart, false) && s->intensity.max != 0};
    WARD_ASSERT(policy->fall >= 1);
    detect(&e, policy, fault);
    if (!e.restarted || e.worst_ns[WARDI_PHASE_DETECT] == WARDI_FOREVER) return e;
    /* The delay runs while it is stopped: only the longer of the two would have to be waited for.
     * They are added up in the worst case, since a sum of terms is what can be read and checked. */
    stop_terms(&e, policy, fault);
    if (policy->group_stop_ns != 0)
        add(&e, WARDI_PHASE_RECOVER, "its group stops", policy->group_stop_ns,
            policy->stop_typical_ns);
    add(&e, WARDI_PHASE_RECOVER, "back-off", longest_delay(&s->pace),
        wardi_pace_delay(&s->pace, 0, 0.5));
    if (policy->needs_start_ns != 0)
        add(&e, WARDI_PHASE_RECOVER, "what it needs starts", policy->needs_start_ns,
            policy->start_typical_ns);
    add(&e, WARDI_PHASE_RECOVER, "start", s->start_ns, policy->start_typical_ns);
    if (policy->startup_ns != 0)
        add(&e, WARDI_PHASE_RECOVER, "start-up probe", policy->startup_ns, 0);
    add(&e, WARDI_PHASE_RECOVER, "first check",
        wardi_add_sat(policy->check_timeout_ns, policy->tick_ns), 0);
    return e;
}

const char *wardi_fault_name(wardi_fault fault)
{
    static const char *const names[WARDI_FAULTS] = {
        [WARDI_FAULT_TRAP] = "trap",
        [WARDI_FAULT_HANG_MESSAGE] = "hang in a message",
        [WARDI_FAULT_TRAP_CHECK] = "trap in a check",
        [WARDI_FAULT_HANG_CHECK] = "hang in a check",
        [WARDI_FAULT_UNHEALTHY] = "unhealthy answer",
    };
    return (unsigned)fault < WARDI_FAULTS ? names[fault] : "unknown";
}
