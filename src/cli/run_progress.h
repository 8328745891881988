/* How far `ward run` is with its beginning: what it counts, and the line that tells it. */
#ifndef WARDI_CLI_RUN_PROGRESS_H
#define WARDI_CLI_RUN_PROGRESS_H

#include <stdatomic.h>

#include "cli/bar.h"

/* All zero is none. */
typedef struct wardi_run_progress {
    wardi_bar *progress;
    uint64_t components;
    _Atomic uint64_t up;         /* of them, those that have been started, whatever came of it */
    _Atomic bool added, stopped; /* all are known; nothing more is started */
    const ward_host *host;       /* these two are read once `added` is set */
    const ward_supervisor *supervisor;
    char (*modules)[WARDI_INSTANCE_BYTES]; /* of each module the first component that has it */
    size_t module_count;
    size_t loaded; /* of the modules, the first so many: of the thread that looks */
    /* of the thread that looks */
    uint64_t seen, moved_ns;
    char words[64];
} wardi_run_progress;

/** The file is read, nothing is made of it yet. Copies what it needs. */
void wardi_run_progress_begin(wardi_run_progress *p, const wardi_config *config);
/** Everything is added, and about to be started; both are borrowed until the end. */
void wardi_run_progress_added(wardi_run_progress *p, const ward_host *host,
                              const ward_supervisor *supervisor);
/** Of each event, on the thread that it came on. */
static inline void wardi_run_progress_take(wardi_run_progress *p, const ward_event *event)
{
    /* What is started again is not there until it is. */
    bool again = event->state == WARD_STATE_STARTING && event->from_state != WARD_STATE_CREATING;
    if (event->kind != WARD_EVENT_STATE) return;
    if (event->from_state == WARD_STATE_STARTING)
        atomic_fetch_add_explicit(&p->up, 1, memory_order_relaxed);
    else if (again)
        atomic_fetch_sub_explicit(&p->up, 1, memory_order_relaxed);
}
/** Before the host and the supervisor end, or are asked to stop. Any number of times. */
void wardi_run_progress_end(wardi_run_progress *p);

#endif
