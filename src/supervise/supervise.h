/* supervise: (state, event, now, policy) → (state, actions). Decides who is started, stopped and
 * started again, when, and in which order. Pure: host applies what is decided here.
 *
 * tree.h is the whole of it, supervisors under supervisors; explain.h computes how long detection
 * and recovery take. What stands here decides for one child alone, as ward_supervisor does today.
 */
#ifndef WARDI_SUPERVISE_H
#define WARDI_SUPERVISE_H

#include <ward/supervisor.h>

#include "core/core.h"
#include "supervise/explain.h"
#include "supervise/tree.h"

/** Resolves zeroes to defaults. INVALID_ARGUMENT names the field. */
ward_error wardi_backoff_resolve(const ward_backoff *backoff, ward_backoff *ret_backoff,
                                 ward_diag *ret_diag);

/** A child's history of restarts; zeroed at first. */
typedef struct wardi_restarts {
    uint32_t step;        /* restarts since the delay last started over */
    uint32_t count, next; /* of times_ns, a ring */
    uint64_t times_ns[256];
    uint64_t healthy_since_ns; /* 0: it is not */
} wardi_restarts;

typedef enum wardi_decision_kind { WARDI_LEAVE, WARDI_RESTART, WARDI_GIVE_UP } wardi_decision_kind;

typedef struct wardi_decision {
    wardi_decision_kind kind;
    uint64_t delay_ns; /* RESTART */
    uint32_t attempt;  /* RESTART: in the window, this one included */
} wardi_decision;

/** The child failed or ended: what now? `exit_ok`: it ended by itself with status 0. `unit` is
 * uniform in [0,1). */
wardi_decision wardi_supervise_decide(wardi_restarts *restarts, ward_restart policy,
                                      const ward_backoff *backoff, bool exit_ok, uint64_t now_ns,
                                      double unit);
/** The child's health as of now: long enough Healthy starts the delay over. */
void wardi_supervise_health(wardi_restarts *restarts, const ward_backoff *backoff, bool healthy,
                            uint64_t now_ns);
/** Restarts within `window_ns` before `now_ns`. */
uint32_t wardi_restarts_in_window(const wardi_restarts *restarts, uint64_t window_ns,
                                  uint64_t now_ns);

/** Dependency order: fills `ret_order` with indices such that every child follows what it needs.
 * `needs[i]` lists `need_counts[i]` indices. CYCLE: `ret_order[0..*ret_cycle)` is a path that
 * closes on itself. NO_MEMORY. */
ward_error wardi_supervise_order(size_t count, const size_t *const *needs,
                                 const size_t *need_counts, size_t *ret_order, size_t *ret_cycle);

#endif
