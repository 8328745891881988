/* How long until a fault is seen, and until the component serves again: computed from policies, as
 * the terms of a sum. Here, because only supervise knows back-off, stop and start; of health's
 * policies it takes four figures. Pure.
 *
 * worst: nothing takes longer, as long as the host has a worker free and every limit is kept.
 * typical: the first failure, of a component that stops and starts as fast as it is said to. A
 * component that needs others serves again when they do, and one that waits in a queue for a start
 * (starts_max) when that is free; neither is added up here, nor is what escalation adds. The system
 * is one that runs: nobody else is starting or failing. */
#ifndef WARDI_EXPLAIN_H
#define WARDI_EXPLAIN_H

#include "supervise/tree.h"

typedef enum wardi_fault {
    WARDI_FAULT_TRAP,         /* in a message or any other call */
    WARDI_FAULT_HANG_MESSAGE, /* a message that does not end */
    WARDI_FAULT_TRAP_CHECK,   /* every health check traps */
    WARDI_FAULT_HANG_CHECK,   /* no health check ends */
    WARDI_FAULT_UNHEALTHY,    /* health answers Unhealthy */
} wardi_fault;
enum { WARDI_FAULTS = 5 };
const char *wardi_fault_name(wardi_fault fault); /**< "trap", …; static */

/** What the sum is made from. */
typedef struct wardi_explain_policy {
    uint64_t tick_ns; /* of the epoch: how late a deadline is noticed, at most */
    /** WARDI_FOREVER: a hang in a message is never detected, and may keep checks waiting for ever
     */
    uint64_t message_timeout_ns;
    uint64_t interval_ns;      /* between health checks */
    uint64_t check_timeout_ns; /* of a health check */
    uint32_t fall;             /* bad verdicts in a row, at least 1 */
    bool traps_uncounted;      /* a trap of a check is no bad verdict */
    bool dropped; /* what failed a check is let go where it stands: neither asked to stop nor killed
                   */
    uint64_t startup_ns; /* worst case until the start-up probe passes, beyond the start; 0: none */
    uint64_t start_typical_ns, stop_typical_ns; /* measured, or 0 */
    /** Longest stop among those that leave with it (stop and kill, WARDI_FOREVER if infinite); 0
     * under ONE_FOR_ONE. */
    uint64_t group_stop_ns;
    /** Longest way from a start to Ready among what it needs and what leaves with it; 0: none. */
    uint64_t needs_start_ns;
    wardi_tree_policy supervise;
} wardi_explain_policy;

typedef enum wardi_phase { WARDI_PHASE_DETECT, WARDI_PHASE_RECOVER } wardi_phase;

typedef struct wardi_term {
    wardi_phase phase;
    const char *name; /* "until the next check", …; static */
    uint64_t worst_ns, typical_ns;
} wardi_term;

enum { WARDI_TERMS_MAX = 16 };
typedef struct wardi_explanation {
    size_t count;
    wardi_term terms[WARDI_TERMS_MAX];
    /** Sums, [phase]; WARDI_FOREVER where a term is. */
    uint64_t worst_ns[2], typical_ns[2];
    bool restarted; /* false: the restart type leaves it; RECOVER has no terms */
} wardi_explanation;

wardi_explanation wardi_explain(const wardi_explain_policy *policy, wardi_fault fault);

#endif
