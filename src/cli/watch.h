/* What watches a ward that runs: its journal, its surfaces, and whoever started it.
 *
 * Opened before anything starts, so that what is taken or forbidden is said at once, and closed
 * after everything has stopped. The main thread's, but for what takes events and lines. */
#ifndef WARDI_CLI_WATCH_H
#define WARDI_CLI_WATCH_H

#include <stdatomic.h>

#include "cli/cli.h"
#include "cli/listen.h"
#include "cli/notify.h"

typedef struct wardi_watch {
    wardi_journal *journal; /* NULL: none is kept */
    wardi_surface *surface;
    wardi_notify notify;
    wardi_listen listen;
    atomic_bool commanded; /* somebody has done something by hand */
    uint64_t ping_due_ns, status_due_ns;
    char status[200]; /* as it was told last */
} wardi_watch;

/** What it asks others for. */
typedef struct wardi_watch_sources {
    /* as ward_supervisor_evidence */
    ward_error (*evidence)(void *context, const char *name, ward_evidence *ret_evidence);
    /* as wardi_surface_options.reload */
    ward_error (*reload)(void *context, char **ret_document, ward_diag *ret_diag);
    void *context;
} wardi_watch_sources;

/** First of all: before other threads, and before anything is opened. */
void wardi_watch_init(wardi_watch *watch);
/** --ready-fd: as wardi_notify_ready_on. */
ward_error wardi_watch_ready_on(wardi_watch *watch, int ready_fd, ward_diag *ret_diag);
/** It could not start, or goes on no longer, with that exit status: for whoever started ward. */
void wardi_watch_failed(wardi_watch *watch, int status, const char *words);
/** Returns an exit status; said why. */
int wardi_watch_open(wardi_watch *watch, const wardi_config *config,
                     const wardi_watch_sources *sources);
/** A ward_event_callback, a ward_log_callback; their context is the watch. */
void wardi_watch_take(void *context, const ward_event *event);
void wardi_watch_take_line(void *context, const ward_log_line *line);
/** Serves from now on; the supervisor is borrowed until it is closed. */
ward_error wardi_watch_start(wardi_watch *watch, ward_supervisor *supervisor, ward_diag *ret_diag);
/** All is started, or again as it is to be; the configuration is read anew; all is about to be
 * stopped: for whoever started ward. */
void wardi_watch_ready(wardi_watch *watch);
void wardi_watch_reloading(wardi_watch *watch);
void wardi_watch_leaving(wardi_watch *watch, uint64_t timeout_ns);
/** Does what is due: the watchdog is fed while the host gets on, and the status told. Returns when
 * it is due next; UINT64_MAX: never. */
uint64_t wardi_watch_turn(wardi_watch *watch);
/** NULLs are fine; once. */
void wardi_watch_close(wardi_watch *watch);

#endif
