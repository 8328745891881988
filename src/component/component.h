/* component: the actor whose behaviour is an engine instance. Lifecycle, exports, probe; traps
 * become data.
 *
 * Owns a module reference and, while started, an instance. The public face is
 * include/ward/component.h, which this room implements but for ward_component_new, which needs the
 * host: see host. Threads: one activity at a time, taken with one compare-and-swap; a check that
 * finds the guest busy answers from outside. */
#ifndef WARDI_COMPONENT_H
#define WARDI_COMPONENT_H

#include <ward/component.h>

#include "engine/engine.h"
#include "health/health.h"

/** As ward_component_new, with the engine itself. The engine is borrowed until the component is
 * freed. */
ward_error wardi_component_new(wardi_engine *engine, const ward_component_options *options,
                               ward_component **ret_component, ward_diag *ret_diag);

/** Whether its module, which is loaded, begins within its limits. Not while load or start run.
 * Errors: LIMIT_MEMORY, LIMIT_TABLE. */
ward_error wardi_component_limits_check(const ward_component *component, ward_diag *ret_diag);

/** Checks options without making anything, as ward validate does. Errors: INVALID_ARGUMENT,
 * LIMIT_MEMORY (over the profile's maximum). */
ward_error wardi_component_options_check(const ward_component_options *options,
                                         uint64_t memory_bytes_max, ward_diag *ret_diag);

/** Declares a Ready component Failed from outside (rise and fall said so). STATE, BUSY. */
ward_error wardi_component_fail(ward_component *component, const ward_reason *reason,
                                ward_diag *ret_diag);

enum { WARDI_LATENCY_BUCKETS = 12 };
/** The longest time that the bucket counts; UINT64_MAX: the last. */
uint64_t wardi_latency_bound_ns(size_t bucket);
/** Calls of the health export by how long they took. Any thread. */
void wardi_component_latencies(const ward_component *component,
                               uint64_t ret_counts[WARDI_LATENCY_BUCKETS]);
/** Time inside the guest, in all its calls that have ended. Any thread. */
uint64_t wardi_component_inside_ns(const ward_component *component);
/** A verdict without entering the guest, whatever it does: of one that is busy, or not Ready.
 * False: it is Ready and free, or is being checked just now. Any thread. */
bool wardi_component_look(ward_component *component, ward_verdict *ret_verdict);
/** The same as a check, which is counted. */
bool wardi_component_check_outside(ward_component *component, ward_verdict *ret_verdict);
/** As ward_component_check, for whoever alone enters the component, as its actor does. */
void wardi_component_check_alone(ward_component *component, ward_verdict *ret_verdict);
/** A check takes no longer. Any thread. */
uint64_t wardi_component_check_ns_max(const ward_component *component);
/** It will be checked soon, after some others: fetches what that check will touch, first of the
 * component's, then, some time later, of the guest's memory and of the engine's. For whoever checks
 * very many. Any thread. */
void wardi_component_fetch(const ward_component *component);
void wardi_component_fetch_memory(const ward_component *component);
void wardi_component_fetch_engine(const ward_component *component);

/** Gets the guest's answer where it lies, before anything else enters the guest. */
typedef ward_error (*wardi_answer_taker)(void *context, const uint8_t *bytes, size_t length,
                                         ward_diag *ret_diag);
/** Whether a call is over. */
typedef struct wardi_wait {
    bool waits;       /* no: its guest waits in an import */
    uint64_t wake_ns; /* monotonic: when it is to be resumed, if what it waits for has not come */
} wardi_wait;
/** Gives the guest's `handle-message` bytes, and what it answers to `take`, whose error is
 * returned. WARD_OK with `ret_wait->waits`: the thread is free, the guest still busy, and all that
 * was given borrowed until a resume says otherwise. Errors: as ward_component_call_bytes. */
ward_error wardi_component_deliver(ward_component *component, const uint8_t *bytes, size_t length,
                                   uint64_t timeout_ns, wardi_answer_taker take, void *context,
                                   wardi_wait *ret_wait, ward_diag *ret_diag);
/** As ward_component_call, and as above when it waits. */
ward_error wardi_component_invoke(ward_component *component, const char *function,
                                  const ward_value *args, size_t arg_count, ward_value *ret_results,
                                  size_t *ret_count, uint64_t timeout_ns, wardi_wait *ret_wait,
                                  ward_diag *ret_diag);
/** Goes on with a call that waits: past its deadline, or interrupted, it ends. By whoever began
 * it. */
ward_error wardi_component_resume(ward_component *component, wardi_wait *ret_wait,
                                  ward_diag *ret_diag);

/** Writes a core dump of the guest as it was last ended, if something of it is left: see
 * wardi_instance_coredump. Errors: STATE (nothing is), BUSY, IO. */
ward_error wardi_component_coredump(ward_component *component, int descriptor,
                                    wardi_coredump_facts *ret_facts, ward_diag *ret_diag);

/** Whether the guest is in its `handle-message`, and not in what is called around it. By whoever
 * began the call, or an import. */
bool wardi_component_handles(const ward_component *component);

/** What imports find as wardi_guest.context from the next start on; NULL at first. */
void wardi_component_context_set(ward_component *component, void *context);

/** Tells how often it was restarted, for resource health. Any thread. */
void wardi_component_restarts_set(ward_component *component, uint64_t restarts_in_window);
/** Tells how many messages wait for it and how many may, for resource health. Any thread. */
void wardi_component_mailbox_set(ward_component *component, uint32_t waiting, uint32_t max);

/** Ends what runs in the guest now, within some ten milliseconds; nothing that begins later. Of no
 * effect while nothing runs, or while it starts, which has a limit of its own. Any thread. */
void wardi_component_interrupt(ward_component *component);

/** Whether an error means that the guest was ended. */
static inline bool wardi_ends_guest(ward_error error)
{
    return error == WARD_ERROR_TRAP || error == WARD_ERROR_DEADLINE || error == WARD_ERROR_FUEL ||
           error == WARD_ERROR_EXIT || error == WARD_ERROR_INTERRUPTED;
}

/* ---- lifecycle: the table ---- */

/** Whether the move is legal. */
bool wardi_lifecycle_legal(ward_state from, ward_state to);
/** WARD_ERROR_STATE that names both states when it is not. */
ward_error wardi_lifecycle_check(ward_state from, ward_state to, ward_diag *ret_diag);

#endif
