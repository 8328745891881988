/* Whoever started ward is told how it is: systemd by its notify protocol, s6 and its like by a
 * newline on a descriptor.
 *
 * One datagram a call to $NOTIFY_SOCKET, sent without waiting, written here because it is that
 * small. Nobody to tell, or a failure to tell, never stops the host: what is wrong is said once on
 * standard error, and the host goes on. One thread uses it, the main one. */
#ifndef WARDI_CLI_NOTIFY_H
#define WARDI_CLI_NOTIFY_H

#include <sys/socket.h>
#include <sys/un.h>
#include <ward/ward.h>

#include "core/core.h"

typedef struct wardi_notify {
    int socket; /* -1: there is nobody, or nobody that can be told */
    struct sockaddr_un address;
    socklen_t address_length;
    int ready_fd;         /* -1: none, or told */
    bool ready;           /* was said */
    char state[64];       /* what was last said of the host's life, "READY=1" */
    bool owes;            /* `state` has not got through; it goes ahead of whatever is sent next */
    bool complained;      /* that sending fails */
    uint64_t interval_ns; /* between two pings of the watchdog; 0: there is none */
} wardi_notify;

/** Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID and removes them from the environment, so
 * that no process of ours takes them for its own: before there are other threads. What is wrong
 * with them is said, and is then as if not there. Always succeeds; wardi_notify_done ends it. */
void wardi_notify_init(wardi_notify *ret_notify);
/** `--ready-fd`: a newline goes there once ready, and it is closed. From here on it is ours.
 * Errors: INVALID_ARGUMENT (a standard stream, not open, or not open for writing). */
ward_error wardi_notify_ready_on(wardi_notify *notify, int ready_fd, ward_diag *ret_diag);
/** Closes both descriptors. */
void wardi_notify_done(wardi_notify *notify);

/* ---- what is told; true: it got through, or there is nobody to tell ---- */

/** The host serves, the first time or again after wardi_notify_reloading. */
bool wardi_notify_ready(wardi_notify *notify);
bool wardi_notify_reloading(wardi_notify *notify);
bool wardi_notify_stopping(wardi_notify *notify);
/** One line for people, `systemctl status` shows it. Escaped as all that guests say: a line break
 * in it must not become an assignment of its own. Cut at 400 bytes. */
bool wardi_notify_status(wardi_notify *notify, const char *text);
/** Starting or stopping takes so much longer, counted from now. */
bool wardi_notify_extend(wardi_notify *notify, uint64_t timeout_ns);
/** The host ends because of this errno; `text` as of a status. */
bool wardi_notify_failed(wardi_notify *notify, int error_number, const char *text);
/** The watchdog lives on. Say it only when the host has really made progress. */
bool wardi_notify_watchdog_ping(wardi_notify *notify);

/** How often to ping: half of what the manager waits; 0: it does not wait for us. */
uint64_t wardi_notify_watchdog_interval_ns(const wardi_notify *notify);
/** Ready, reloading or stopping has not got through, for a queue is full: it goes along with the
 * next that is told, or is told by wardi_notify_again. */
bool wardi_notify_owes(const wardi_notify *notify);
bool wardi_notify_again(wardi_notify *notify);

#endif
