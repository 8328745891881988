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

/** What somebody may do; each includes what stands before it. */
typedef enum wardi_may { WARDI_MAY_NOTHING, WARDI_MAY_READ, WARDI_MAY_WRITE } wardi_may;

/** Who has the text that is in `file` may, over TLS. */
typedef struct wardi_surface_token {
    const char *name; /* how events name who has used it; a name as components have */
    const char *file; /* for nobody else's eyes: see docs/security.md */
    wardi_may may;
} wardi_surface_token;

/** Whose certificate is of this very name may: a DNS name, a URI or an address of its alternative
 * names, or the common name of one that has none of these. */
typedef struct wardi_surface_client {
    const char *name;
    wardi_may may;
} wardi_surface_client;

enum { WARDI_SURFACE_TOKENS_MAX = 64, WARDI_SURFACE_CLIENTS_MAX = 256 };

/** Control over TCP: with TLS, and a token or a certificate. Files are PEM, and read anew when they
 * change. */
typedef struct wardi_surface_remote {
    const char *address; /* "0.0.0.0:9322"; NULL: there is none */
    int fd;              /* as http_fd */
    const char *certificate, *key;
    const char *client_ca; /* whose clients' certificates are looked at; NULL: nobody's */
    const wardi_surface_token *tokens;
    size_t token_count;
    const wardi_surface_client *clients;
    size_t client_count;
} wardi_surface_remote;

/** Everything is copied; NULL means: there is none. */
typedef struct wardi_surface_options {
    const char *http_address; /* "127.0.0.1:9320", "[::1]:9320"; port 0: any */
    const char *grpc_address; /* "127.0.0.1:9321" */
    /* Sockets that listen already, instead of the addresses, and the surface\'s from then on; 0:
     * none */
    int http_fd, grpc_fd;
    const char *control_path;  /* of the Unix socket */
    const char *control_group; /* its members may control, too; NULL: the same user and root only */
    const char *read_group;    /* its members may read there */
    wardi_surface_remote remote;
    /* Names that requests over HTTP may be for, besides addresses and localhost: for all of them,
     * and not only those from the same machine. "*": any. */
    const char *const *http_hosts;
    size_t http_host_count;
    const char *journal_path; /* of the journal that is written, for what is asked of the past */
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
/** Whether requests can be for such a host: a name, without a port; or "*". */
bool wardi_surface_host_valid(const char *host);
/** NULL; or the first thing that keeps `remote` from being served, with the way out: what is
 * missing, malformed, or says nothing. `*ret_key`: which key of `surfaces` in ward.yaml it is
 * about. Looks at no file. Both static. */
const char *wardi_surface_remote_fault(const wardi_surface_remote *remote, const char **ret_key);

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
const char *wardi_surface_remote_address(const wardi_surface *surface);
/** The host leaves: readiness is refused from now on, and everything else still served. Any thread.
 */
void wardi_surface_leaving(wardi_surface *surface);
/** Ends the thread and closes every connection. NULL is fine. */
void wardi_surface_free(wardi_surface *surface);

#endif
