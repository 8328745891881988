/* supervise: (state, event, now, policy) → (state, actions). Decides who is started, stopped and
 * started again, when, and in which order. Pure: host applies what is decided here.
 *
 * tree.h is the whole of it, supervisors under supervisors; explain.h computes how long detection
 * and recovery take. */
#ifndef WARDI_SUPERVISE_H
#define WARDI_SUPERVISE_H

#include <ward/supervisor.h>

#include "core/core.h"
#include "supervise/explain.h"
#include "supervise/tree.h"
#include "supervise/window.h"

/** Resolves zeroes to defaults. INVALID_ARGUMENT names the field. */
ward_error wardi_backoff_resolve(const ward_backoff *backoff, ward_backoff *ret_backoff,
                                 ward_diag *ret_diag);

/** What a resolved back-off says of delays. */
wardi_pace wardi_pace_of(const ward_backoff *backoff);

/** Dependency order: fills `ret_order` with indices such that every child follows what it needs.
 * `needs[i]` lists `need_counts[i]` indices. CYCLE: `ret_order[0..*ret_cycle)` is a path that
 * closes on itself. NO_MEMORY. */
ward_error wardi_supervise_order(size_t count, const size_t *const *needs,
                                 const size_t *need_counts, size_t *ret_order, size_t *ret_cycle);

#endif
