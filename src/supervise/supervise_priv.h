/* Shared by the files of supervise alone. */
#ifndef WARDI_SUPERVISE_PRIV_H
#define WARDI_SUPERVISE_PRIV_H

#include "supervise/supervise.h"

enum { WARDI_RESTARTS_KEPT = WARD_COUNT(((wardi_restarts *)0)->times_ns) };

/** What the restart type alone says. */
wardi_decision_kind wardi_restart_asked(ward_restart policy, bool exit_ok);
/** Delay of the restart after `step` earlier ones; `unit` in [0,1) draws the jitter. */
uint64_t wardi_backoff_delay(const ward_backoff *backoff, uint32_t step, double unit);

#endif
