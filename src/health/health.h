/* health: evidence → verdict → rise and fall, readiness and liveness. Pure: no clock, no lock, no
 * guest.
 *
 * Decides nothing else: what a verdict leads to is supervise's. The contract is
 * docs/health-monitoring.md, which follows the steps below by number. */
#ifndef WARDI_HEALTH_H
#define WARDI_HEALTH_H

#include <ward/component.h>

#include "core/core.h"

/** How a probe ended. */
typedef struct wardi_probe {
    bool called;            /* false: there is no health export, or it was not reached */
    ward_probe_error error; /* when called */
    uint64_t duration_ns;
    /* RETURN_VALUE: the value; POINTER: the address; PREFIX_UNSUPPORTED: the code; sign-extended */
    uint64_t detail;
    /* TRAP: "unreachable", …; PAYLOAD: the case of a typed answer that nobody knows, else NULL;
     * borrowed */
    const char *trap_cause;
    ward_report report; /* when error is WARD_PROBE_OK */
} wardi_probe;

/** Figures for resource health; ratios are computed here. */
typedef struct wardi_resource_evidence {
    uint64_t memory_bytes, memory_bytes_max;
    uint64_t growths_refused;          /* since the last check */
    uint64_t fuel_peak, fuel_per_call; /* since the last check */
    uint64_t traps_in_window;
    uint64_t restarts_in_window;
    uint64_t busy_ns, elapsed_ns; /* since the last check */
    uint32_t mailbox_waiting, mailbox_max;
} wardi_resource_evidence;

/** Everything one verdict is made from. Collected by component; never enters the store once it is
 * here. */
typedef struct wardi_evidence {
    ward_state state;
    bool loaded;
    const ward_reason *failure; /* state Failed */
    bool busy;                  /* another activity is inside the guest */
    const char *busy_export;
    uint64_t busy_for_ns;
    const ward_verdict *last; /* the last verdict; NULL before the first */
    uint64_t last_age_ns;
    const wardi_probe *probe;                 /* Ready and idle with a health export; else NULL */
    const wardi_resource_evidence *resources; /* NULL: no thresholds are set */
} wardi_evidence;

/** Resolves zeroes to defaults. INVALID_ARGUMENT names the field: a ratio above 1, unhealthy_at
 * below degraded_at, a window of more than 64 KiB, … */
ward_error wardi_health_policy_resolve(const ward_health_policy *policy,
                                       ward_health_policy *ret_policy, ward_diag *ret_diag);
/** True when any threshold is set, so that figures are worth collecting. */
bool wardi_health_wants_resources(const ward_health_policy *policy);

/** Steps 1–9: the verdict. `policy` is resolved. Writes every field of `ret_verdict` that its
 * counts cover. */
void wardi_health_judge(const wardi_evidence *evidence, const ward_health_policy *policy,
                        ward_verdict *ret_verdict);

/** What a probe error reads like: "Invalid _health return value: -2", "_health trapped:
 * unreachable", …. */
void wardi_probe_error_text(const wardi_probe *probe, uint64_t timeout_ns, ward_reason *ret_reason);

/* ---- rise and fall, flapping, start-up: one child's history of verdicts ---- */

typedef struct wardi_trend_policy {
    uint32_t fall, rise;
    bool startup; /* a start-up probe holds the others back until it passed once */
    uint32_t startup_fall;
    uint32_t flap_changes_max;
    uint64_t flap_window_ns;
} wardi_trend_policy;

enum { WARDI_FLAP_CHANGES_MAX = 32 };

/** History, made by wardi_trend_init; a plain value. Degraded ("starting") before the first
 * verdict. */
typedef struct wardi_trend {
    ward_child_health health; /* after rise and fall */
    uint32_t bad, good;       /* consecutive verdicts */
    bool judged;              /* a first verdict has counted */
    bool started;             /* the start-up probe has passed, or there is none */
    bool flapping;
    uint32_t change_count; /* of changes_ns, a ring */
    uint32_t change_next;
    uint64_t *changes_ns; /* its owner's */
} wardi_trend;

typedef struct wardi_trend_change {
    bool health_changed, flapping_changed, started_now;
} wardi_trend_change;

/** How many changes of health it remembers: enough to tell that there were more than allowed. */
uint32_t wardi_trend_changes(const wardi_trend_policy *policy);
/** `changes_ns` has room for as many, and outlives it. */
void wardi_trend_init(wardi_trend *trend, const wardi_trend_policy *policy, uint64_t *changes_ns);
/** Forgets what came before a restart, but not that the child flaps. */
void wardi_trend_restart(wardi_trend *trend, const wardi_trend_policy *policy);
/** Applies one verdict. Failed, time-out and trap verdicts are bad: `fall` of them in a row make
 * the child Failed, and until then it shows as Degraded. A Degraded one shows at once and is not
 * bad in itself. `rise` Healthy ones in a row make it Healthy. The first verdict after a start
 * counts at once. Until the start-up probe has passed, only `startup_fall` bad ones count. A
 * verdict with an age repeats an earlier one and counts for nothing. */
wardi_trend_change wardi_trend_apply(wardi_trend *trend, const wardi_trend_policy *policy,
                                     const ward_verdict *verdict, uint64_t now_ns);

/** It is well, and this verdict says what the last ones said: wardi_trend_apply would change
 * nothing that anybody can tell. */
bool wardi_trend_steady(const wardi_trend *trend, const ward_verdict *verdict);

/* ---- the health of a group ---- */

/** Children of a group; children = healthy + degraded + failed, and given_up are of failed. */
typedef struct wardi_group_counts {
    uint32_t children, healthy, degraded, failed, ready, given_up;
} wardi_group_counts;

/** INVALID_ARGUMENT: a figure that the rule does not take. */
ward_error wardi_group_health_check(const ward_group_health *policy, ward_diag *ret_diag);
/** How many of `children` the policy asks for. */
uint32_t wardi_group_least(const ward_group_health *policy, uint32_t children);
/** The health of the worst among the best so many. Of nobody: healthy. */
ward_child_health wardi_group_judge(const ward_group_health *policy,
                                    const wardi_group_counts *counts);
/** Whether so many are ready. */
bool wardi_group_ready(const ward_group_health *policy, const wardi_group_counts *counts);

/* ---- readiness and liveness ---- */

/** A mailbox as it stands now. */
typedef struct wardi_mailbox_level {
    uint32_t waiting, max;
} wardi_mailbox_level;

/** Whether it counts as full: from `full_at` on, a share of its room (not positive: never); then,
 * lest it flutter, until no more than half of that waits. */
bool wardi_health_full(bool was_full, wardi_mailbox_level level, double full_at);

/** What readiness depends on. */
typedef struct wardi_readiness {
    ward_state state;
    const wardi_trend *trend; /* health after rise and fall */
    bool ready_when_degraded;
    bool full; /* as wardi_health_full has it */
    wardi_mailbox_level mailbox;
    const char *unready_need;       /* the first dependency that is not ready; NULL: all are */
    const ward_reason *need_reason; /* why not; NULL: unknown */
} wardi_readiness;

/** Can it serve? Never before the first verdict or while the start-up probe has not passed. When
 * not, `ret_reason` (may be NULL; may be `need_reason`) says why: its state, its health, its
 * mailbox, what it needs, in this order. */
bool wardi_health_ready(const wardi_readiness *of, ward_reason *ret_reason);
/** Must it be restarted? Only Failed says so. */
bool wardi_health_live(ward_state state, const wardi_trend *trend);

#endif
