/* Sockets that whoever started ward has opened for it, by name: systemd's socket activation.
 *
 * Listening goes on while ward is restarted, and a port below 1024 needs no privilege of ward's.
 * What is wrong is said on standard error, and what is not usable is as if not there. */
#ifndef WARDI_CLI_LISTEN_H
#define WARDI_CLI_LISTEN_H

#include <stddef.h>

enum { WARDI_LISTEN_MAX = 16 };

typedef struct wardi_listen {
    size_t count;
    char *names; /* owned: LISTEN_FDNAMES, its colons as ends */
    struct {
        int fd; /* -1: taken */
        const char *name;
    } sockets[WARDI_LISTEN_MAX];
} wardi_listen;

/** Reads LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES and removes them from the environment, whoever
 * they are for: before there are other threads, and before anything else is opened, which could get
 * a number that LISTEN_FDS lays claim to. What listens is in from here on, and closed on
 * exec; a socket without a name is "unknown", as systemd has it. Always succeeds. */
void wardi_listen_init(wardi_listen *ret_listen);
/** The first socket of that name that was not taken yet, now the caller's; -1: there is none. */
int wardi_listen_take(wardi_listen *listen, const char *name);
/** Closes what nobody took, and says so: somebody expects an answer there. */
void wardi_listen_done(wardi_listen *listen);

#endif
