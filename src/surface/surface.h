/* surface: what operators, orchestrators and monitoring systems touch: HTTP, gRPC, the control
 * socket.
 *
 * One thread serves all of it. It reads what the host publishes, takes no lock that a worker holds,
 * and posts commands; it holds no policy. docs/surfaces.md tells the formats. */
#ifndef WARDI_SURFACE_H
#define WARDI_SURFACE_H

#include <ward/observe.h>

#include "core/core.h"
#include "journal/journal.h"

typedef struct surface wardi_surface;

/** Everything is copied; NULL means: there is none. */
typedef struct wardi_surface_options {
    const char *http_address; /* "127.0.0.1:9320", "[::1]:9320"; port 0: any */
    const char *grpc_address; /* "127.0.0.1:9321" */
    /* Sockets that listen already, instead of the addresses, and the surface\'s from then on; 0:
     * none */
    int http_fd, grpc_fd;
    const char *control_path;  /* of the Unix socket */
    const char *control_group; /* its members may control, too; NULL: the same user and root only */
    const char *journal_path;  /* of the journal that is written, for what is asked of the past */
    const wardi_journal *journal; /* borrowed; NULL: none is kept */
    uint32_t connections_max;     /* of all together; default 4096, and what the process may open */
    /* Reads the configuration anew, for who commands it, and waits until that is done; on any
     * thread. OK: the document is a JSON object that says what was done. CONFIG: one that says what
     * is wrong with the file, as members of a problem document. Other errors: the diag alone. The
     * document is given back by free(). NULL: nothing is reloaded */
    ward_error (*reload)(void *context, char **ret_document, ward_diag *ret_diag);
    void *reload_context;
} wardi_surface_options;

/** "HOST:PORT", with an IPv6 address in brackets; no host: all addresses of the machine. */
bool wardi_surface_address_valid(const char *address);

/** Opens the listeners: what is taken or forbidden is said here. Events may be handed to
 * wardi_surface_take from now on. Errors: INVALID_ARGUMENT (an address), IO, NO_MEMORY. */
ward_error wardi_surface_new(const wardi_surface_options *options, wardi_surface **ret_surface,
                             ward_diag *ret_diag);
/** A ward_event_callback; its context is the surface. Never waits. */
void wardi_surface_take(void *surface, const ward_event *event);
/** A ward_log_callback, likewise: the last lines are kept for whoever asks. */
void wardi_surface_take_line(void *surface, const ward_log_line *line);
/** The thread of the surfaces, the workers and the clock have all got on within some seconds. Any
 * thread. */
bool wardi_surface_lives(const wardi_surface *surface);
/** "12 components: 11 healthy, 1 unhealthy": as of the last second. Any thread. */
void wardi_surface_summary(const wardi_surface *surface, char *ret_text, size_t size);
/** Serves from now on, on a thread of its own. The supervisor is borrowed until the end, and may be
 * started before or after. Errors: NO_MEMORY, IO. */
ward_error wardi_surface_start(wardi_surface *surface, ward_supervisor *supervisor,
                               ward_diag *ret_diag);
/** Where it listens, "127.0.0.1:9320", with the port that it was given; "" if it does not. Lives as
 * long as the surface. */
const char *wardi_surface_http_address(const wardi_surface *surface);
const char *wardi_surface_grpc_address(const wardi_surface *surface);
/** The host leaves: readiness is refused from now on, and everything else still served. Any thread.
 */
void wardi_surface_leaving(wardi_surface *surface);
/** Ends the thread and closes every connection. NULL is fine. */
void wardi_surface_free(wardi_surface *surface);

#endif
