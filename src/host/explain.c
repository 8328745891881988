/* What a child's options mean for how long faults take: policies, for supervise to add up. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "host/host_priv.h"

/* The clock ticks once a millisecond; a deadline is rounded up to ticks, and the one that it begins
 * in does not count. */
#define TICK_NS (2 * WARDI_MS)
/* As component has them. */
#define START_TIMEOUT_DEFAULT_NS (10 * WARDI_S)
#define STOP_TIMEOUT_DEFAULT_NS (5 * WARDI_S)
#define MESSAGE_TIMEOUT_DEFAULT_NS (10 * WARDI_S)

/* A child with what it takes at most: each in its own time, whatever it waits for. */
typedef struct timed_child {
    const ward_child_options *options;
    uint64_t check_ns, message_ns, start_ns, startup_ns, stop_ns;
    bool traps_uncounted;
} timed_child;

static uint64_t or_default(uint64_t value, uint64_t fallback)
{
    return value != 0 ? value : fallback;
}

/* Between two probes, when the first takes all its time and waits for a message: as life.c has it.
 */
static uint64_t startup_worst(const child *c, uint64_t check_ns, uint64_t message_ns)
{
    uint64_t between_ns = c->startup_interval_ns, all_ns;
    uint64_t probe_ns = wardi_add_sat(check_ns, message_ns);
    if (between_ns == 0) return 0;
    if (probe_ns >= between_ns) between_ns = wardi_add_sat(between_ns, probe_ns);
    /* The last one is the check that passes, which is a term of its own, but for its message. */
    uint64_t failing = c->trend_policy.startup_fall - 1;
    if (__builtin_mul_overflow(between_ns, failing, &all_ns)) return WARDI_FOREVER;
    return wardi_add_sat(all_ns, message_ns);
}

/* What is under way comes to its end first, then the clean-up; and past its time it is killed. */
static uint64_t stop_worst(const timed_child *timed, const wardi_tree_policy *policy,
                           uint64_t clean_up_ns)
{
    uint64_t under_way_ns =
        timed->message_ns > timed->check_ns ? timed->message_ns : timed->check_ns;
    if (policy->shutdown == WARDI_SHUTDOWN_IMMEDIATE) return timed->check_ns;
    uint64_t asked_ns = wardi_add_sat(wardi_add_sat(under_way_ns, TICK_NS), clean_up_ns);
    uint64_t killed_ns = wardi_add_sat(policy->stop_ns, policy->kill_ns);
    if (policy->shutdown == WARDI_SHUTDOWN_INFINITE || asked_ns < killed_ns) return asked_ns;
    return killed_ns;
}

static ward_error time_child(const ward_child_options *options, timed_child *ret_child,
                             child *ret_policies, ward_diag *ret_diag)
{
    timed_child timed = {.options = options};
    ward_component_options own;
    ward_health_policy health;
    if (options == NULL || options->component == NULL)
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                          "ward_child_explain: a child with its component is required");
    ward_error error = child_resolve(options, ret_policies, ret_diag);
    if (error != WARD_OK) return error;
    wardi_options_copy(&own, sizeof own, options->component, options->component->size);
    wardi_health_policy_resolve(&own.health, &health, NULL); /* child_resolve has seen both */
    timed.check_ns = wardi_add_sat(health.timeout_ns, TICK_NS);
    timed.traps_uncounted = health.on_trap == WARD_FALLBACK_STATE;
    timed.start_ns =
        wardi_add_sat(or_default(own.start_timeout_ns, START_TIMEOUT_DEFAULT_NS), TICK_NS);
    timed.message_ns = wardi_add_sat(
        or_default(ret_policies->message_timeout_ns, MESSAGE_TIMEOUT_DEFAULT_NS), TICK_NS);
    timed.startup_ns = startup_worst(ret_policies, timed.check_ns, timed.message_ns);
    timed.stop_ns = stop_worst(&timed, &ret_policies->tree_policy,
                               or_default(own.stop_timeout_ns, STOP_TIMEOUT_DEFAULT_NS));
    *ret_child = timed;
    return WARD_OK;
}

/* ---- those that leave and come back with it ---- */

typedef struct company {
    timed_child *sorted; /* by name */
    size_t count;
    uint64_t *longest_ns; /* by the same index: of the chain that ends here */
} company;

static int by_name(const void *a, const void *b)
{
    const timed_child *x = a, *y = b;
    return strcmp(x->options->component->name, y->options->component->name);
}

static int by_name_alone(const void *name, const void *timed)
{
    const timed_child *one = timed;
    return strcmp(name, one->options->component->name);
}

static bool raise_to(uint64_t *figure, uint64_t least)
{
    if (*figure >= least) return false;
    *figure = least;
    return true;
}

static uint64_t ready_ns(const timed_child *c)
{
    return wardi_add_sat(wardi_add_sat(c->start_ns, c->startup_ns), c->check_ns);
}

/* Stops go from dependents to what they need, starts the other way. */
static bool follow_needs(const company *all, size_t at, bool starts)
{
    const timed_child *c = &all->sorted[at];
    bool changed = false;
    for (size_t i = 0; i < c->options->need_count; i++) {
        const timed_child *need = bsearch(c->options->needs[i], all->sorted, all->count,
                                          sizeof *all->sorted, by_name_alone);
        if (need == NULL) continue;
        size_t other = (size_t)(need - all->sorted);
        uint64_t *to = &all->longest_ns[starts ? at : other];
        uint64_t before = all->longest_ns[starts ? other : at];
        uint64_t own = starts ? ready_ns(c) : need->stop_ns;
        if (raise_to(to, wardi_add_sat(before, own))) changed = true;
    }
    return changed;
}

/* Longest chains. A round for each link of them; needs without end are refused elsewhere, and end
 * here as well. */
static void follow_all(const company *all, bool starts)
{
    for (size_t i = 0; i < all->count; i++)
        all->longest_ns[i] = starts ? ready_ns(&all->sorted[i]) : all->sorted[i].stop_ns;
    bool changed = true;
    for (size_t round = 0; changed && round < all->count; round++) {
        changed = false;
        for (size_t i = 0; i < all->count; i++)
            if (follow_needs(all, i, starts)) changed = true;
    }
}

static void time_company(const company *all, const ward_child_options *options,
                         wardi_explain_policy *policy)
{
    if (all->count == 0) return;
    follow_all(all, false);
    for (size_t i = 0; i < all->count; i++) raise_to(&policy->group_stop_ns, all->longest_ns[i]);
    follow_all(all, true);
    for (size_t i = 0; i < options->need_count; i++) {
        const timed_child *need =
            bsearch(options->needs[i], all->sorted, all->count, sizeof *all->sorted, by_name_alone);
        if (need != NULL) raise_to(&policy->needs_start_ns, all->longest_ns[need - all->sorted]);
    }
}

static ward_error add_company(const ward_explain_options *own, wardi_explain_policy *policy,
                              ward_diag *ret_diag)
{
    company all = {.sorted = wardi_alloc_array(own->along_count + 1, sizeof *all.sorted),
                   .longest_ns = wardi_alloc_array(own->along_count + 1, sizeof *all.longest_ns)};
    ward_error error = WARD_OK;
    if (all.sorted == NULL || all.longest_ns == NULL)
        error = wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory for those that go along");
    for (; error == WARD_OK && all.count < own->along_count; all.count++) {
        child policies = {0};
        error = time_child(own->along[all.count], &all.sorted[all.count], &policies, ret_diag);
    }
    if (error == WARD_OK) {
        qsort(all.sorted, all.count, sizeof *all.sorted, by_name);
        time_company(&all, own->child, policy);
    }
    wardi_free(all.sorted);
    wardi_free(all.longest_ns);
    return error;
}

/* ---- all of it ---- */

static void copy_out(const wardi_explanation *e, ward_explanation *ret_explanation)
{
    ward_explanation out = {.detected = e->worst_ns[WARDI_PHASE_DETECT] != WARDI_FOREVER,
                            .restarted = e->restarted,
                            .detect_worst_ns = e->worst_ns[WARDI_PHASE_DETECT],
                            .detect_typical_ns = e->typical_ns[WARDI_PHASE_DETECT],
                            .recover_worst_ns = e->worst_ns[WARDI_PHASE_RECOVER],
                            .recover_typical_ns = e->typical_ns[WARDI_PHASE_RECOVER],
                            .term_count = e->count};
    for (size_t i = 0; i < e->count; i++)
        out.terms[i] = (ward_term){.name = e->terms[i].name,
                                   .of_recovery = e->terms[i].phase == WARDI_PHASE_RECOVER,
                                   .worst_ns = e->terms[i].worst_ns,
                                   .typical_ns = e->terms[i].typical_ns};
    wardi_result_copy(ret_explanation, &out, sizeof out);
}

ward_error ward_child_explain(const ward_explain_options *options,
                              ward_explanation *ret_explanation, ward_diag *ret_diag)
{
    static const wardi_fault faults[] = {[WARD_FAULT_TRAP] = WARDI_FAULT_TRAP_CHECK,
                                         [WARD_FAULT_HANG] = WARDI_FAULT_HANG_CHECK,
                                         [WARD_FAULT_UNHEALTHY] = WARDI_FAULT_UNHEALTHY,
                                         [WARD_FAULT_MESSAGE_TRAP] = WARDI_FAULT_TRAP,
                                         [WARD_FAULT_MESSAGE_HANG] = WARDI_FAULT_HANG_MESSAGE};
    static_assert(WARD_COUNT(faults) == WARD_FAULT_COUNT, "each is explained");
    static_assert((int)WARDI_TERMS_MAX <= (int)WARD_TERMS_MAX, "each term has room");
    ward_explain_options own;
    timed_child timed;
    child policies = {0};
    if (options == NULL || ret_explanation == NULL ||
        !wardi_options_copy(&own, sizeof own, options, options->size) ||
        (unsigned)own.fault >= WARD_FAULT_COUNT)
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                          "ward_child_explain: options with a fault, started with WARD_INIT, and "
                          "ret_explanation are required");
    ward_error error = time_child(own.child, &timed, &policies, ret_diag);
    if (error != WARD_OK) return error;
    wardi_explain_policy policy = {.tick_ns = TICK_NS,
                                   .message_timeout_ns = timed.message_ns - TICK_NS,
                                   .interval_ns = policies.interval_ns,
                                   .check_timeout_ns = timed.check_ns - TICK_NS,
                                   .fall = policies.trend_policy.fall,
                                   .traps_uncounted = timed.traps_uncounted,
                                   .dropped = true, /* life.c: die() */
                                   .startup_ns = timed.startup_ns,
                                   .supervise = policies.tree_policy};
    policy.supervise.start_ns = timed.start_ns; /* the tree's own is for ever */
    error = add_company(&own, &policy, ret_diag);
    if (error != WARD_OK) return error;
    wardi_explanation e = wardi_explain(&policy, faults[own.fault]);
    copy_out(&e, ret_explanation);
    return WARD_OK;
}

const char *ward_fault_name(ward_fault fault)
{
    static const char *const names[] = {
        [WARD_FAULT_TRAP] = "trap",
        [WARD_FAULT_HANG] = "hang",
        [WARD_FAULT_UNHEALTHY] = "unhealthy",
        [WARD_FAULT_MESSAGE_TRAP] = "message_trap",
        [WARD_FAULT_MESSAGE_HANG] = "message_hang",
    };
    return (unsigned)fault < WARD_COUNT(names) ? names[fault] : "unknown";
}
