/* Another ward.yaml while all runs: read anew, planned, and applied, on a thread of its own.
 *
 * A file with mistakes changes nothing. What is asked for while one is under way is done after it,
 * once for all who asked. The configuration that was read last without mistakes is the one in
 * force, even where something of it could not be done: that is said, kept in mind, and tried again
 * with the next reload. */
#ifndef WARDI_CLI_RELOAD_H
#define WARDI_CLI_RELOAD_H

#include <sys/types.h>

#include "cli/config.h"

typedef struct wardi_reload wardi_reload;

typedef struct wardi_reload_options {
    const char *file;
    wardi_config *config; /* that the host was started with: taken, with its stamps */
    ward_supervisor *supervisor;
    /* One has begun, or is over: any thread. */
    void (*changed)(void *context);
    void *context;
} wardi_reload_options;

/** Starts the thread. NULL: said why; the configuration is freed. */
wardi_reload *wardi_reload_new(const wardi_reload_options *options);
/** The supervisor has been started: what is asked for is done from now on. */
void wardi_reload_open(wardi_reload *reload);
/** Asks for one, for SIGHUP. Any thread; never waits. */
void wardi_reload_ask(wardi_reload *reload, uid_t uid, pid_t pid);
/** Asks for one, and waits until it is done: as wardi_surface_options.reload. Errors: CONFIG, IO,
 * NOT_FOUND, NO_MEMORY, STATE (all is about to stop). Any thread. */
ward_error wardi_reload_wait(void *reload, char **ret_document, ward_diag *ret_diag);
/** A ward_event_callback: what has gone may be waited for. */
void wardi_reload_take(wardi_reload *reload, const ward_event *event);
/** The number of the one that began last, 0: none has; `ret_over`: it is over. Any thread. */
uint64_t wardi_reload_begun(wardi_reload *reload, bool *ret_over);
/** The configuration in force, which stays until it is let go. */
const wardi_config *wardi_reload_hold(wardi_reload *reload);
void wardi_reload_let_go(wardi_reload *reload);
/** None begins any more, and who waits is told so. */
void wardi_reload_end(wardi_reload *reload);
/** After wardi_reload_end: waits for the thread, a second at most; false: it is still at it. NULL
 * is fine. */
bool wardi_reload_join(wardi_reload *reload);
/** Once it has joined, the configuration included; NULL is fine. */
void wardi_reload_free(wardi_reload *reload);

#endif
