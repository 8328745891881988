/* host: the composition root. Opens the engine for components, and runs a supervisor over them.
 *
 * Owns the engine, and within a supervisor its children, their timers and the threads that serve
 * them. Applies what health and supervise decide; decides nothing itself. Implements
 * include/ward/host.h, include/ward/supervisor.h and ward_component_new. */
#ifndef WARDI_HOST_H
#define WARDI_HOST_H

#include <ward/host.h>
#include <ward/supervisor.h>

#include "engine/engine.h"
#include "sched/sched.h"

/** Checks a child's options as ward_supervisor_add does, without adding. `memory_bytes_max` is the
 * most that the host's profile allows. Errors: INVALID_ARGUMENT, LIMIT_MEMORY. */
ward_error wardi_child_options_check(const ward_child_options *options, uint64_t memory_bytes_max,
                                     ward_diag *ret_diag);

/** Between new and start: the supervisor runs in this world, borrowed until it is freed. No thread
 * is started and no worker is watched; whoever waits in a call steps the world meanwhile, and
 * whoever does not steps it by wardi_supervisor_step. */
void wardi_supervisor_world_set(ward_supervisor *supervisor, const wardi_sched_world *world);
/** As wardi_sched_step. */
bool wardi_supervisor_step(ward_supervisor *supervisor);

/** Whether modules are being compiled, or wait for it. Any thread. */
bool wardi_host_compiles(const ward_host *host);

/** The engine's options that a host's mean. Errors: INVALID_ARGUMENT. `ret_directory` receives the
 * cache directory. */
ward_error wardi_host_options_resolve(const ward_host_options *options,
                                      wardi_engine_options *ret_engine, char *ret_directory,
                                      size_t directory_size, ward_diag *ret_diag);

#endif
