/* Shared by the files of surface alone: the thread that serves, and what each protocol has of it.
 * All of it is that thread's, but where another is named. */
#ifndef SURFACE_PRIV_H
#define SURFACE_PRIV_H

#include <stdatomic.h>
#include <sys/socket.h>
#include <uv.h>

#include "surface/logs.h"
#include "surface/surface.h"
#include "surface/view.h"

/* ---- the door (door.c): who comes in, how many, and who has to leave ---- */

typedef struct door door;
typedef struct peer peer;

/* What is spoken over connections. */
typedef struct protocol {
    /* Takes a connected, non-blocking socket, which is the protocol's to close from now on; then
     * it calls peer_left. False: it was not taken, and the door closes it. */
    bool (*enter)(void *context, int fd, peer *from);
    /* Makes a connection leave, now or soon, that is idle or only listens: somebody else needs its
     * place, or it has been idle for too long. */
    void (*expel)(void *context, peer *of);
    void *context;
} protocol;

/* Connections that may be made to leave for another. */
typedef struct peer_queue {
    peer *longest, *newest; /* by how long they have been in it */
    uint32_t count;
} peer_queue;

/* A connection, as the door keeps count of it. It begins busy. */
struct peer {
    door *door;
    int fd;
    void *of_protocol; /* the protocol's own */
    uint64_t since_ns; /* in its queue; monotonic */
    uid_t uid;         /* over the Unix socket: who is at the other end */
    gid_t gid;
    pid_t pid;     /* 0: not over the Unix socket */
    wardi_may may; /* the same: what this user may */
    bool expelled;
    peer_queue *in; /* of the crowd; NULL: busy */
    peer *older, *newer;
};

/* Nothing is asked of it: it may be made to leave, for another or after a minute. */
void peer_idle(peer *p);
/* It only listens, for as long as it likes: it may be made to leave where nobody is idle. */
void peer_listens(peer *p);
void peer_busy(peer *p);
/* Its socket is closed, and it is forgotten. */
void peer_left(peer *p);

typedef struct door_options {
    const char *address;       /* "127.0.0.1:9320"; or: */
    const char *path;          /* of a Unix socket, for the same user and root alone */
    const char *control_group; /* and its members; NULL: no others */
    const char *read_group;    /* the same, who may only read */
    int inherited_fd;          /* a listening socket instead of either; 0: none */
    uint32_t rate, burst;      /* connections a second, and at once; 0: as many as come */
    protocol protocol;
} door_options;

/* Opens and listens, which any thread may do before the loop runs. Errors: INVALID_ARGUMENT, IO. */
ward_error door_new(const door_options *options, struct surface *of, door **ret_door,
                    ward_diag *ret_diag);
/* From now on connections are taken. False: said why. */
bool door_open(door *d);
/* None are any more; those that are inside stay. */
void door_close(door *d);
/* The loop has ended. NULL is fine. */
void door_free(door *d);
/* "127.0.0.1:9320", with the port that it was given; or the path. */
const char *door_address(const door *d);
/* "192.0.2.7:51234", "[::1]:9320". False: it is none of the network. */
bool door_address_write(const struct sockaddr_storage *address, socklen_t size, wardi_text *to);

typedef struct door_figures {
    uint64_t accepted, refused, expelled; /* refused: nobody idle could be made to leave */
    uint32_t open, idle;
} door_figures;
void door_figures_get(const struct surface *s, door_figures *ret_figures);
/* Those who have been idle for a minute leave. */
void door_expel_idle(struct surface *s);
/* Who has only listened for the longest leaves. False: there is nobody. */
bool door_expel_listening(struct surface *s);

/* ---- the thread ---- */

/* Connections of all doors together. */
typedef struct crowd {
    uint32_t open, max, leaving; /* leaving: were made to, and are still open */
    peer_queue idle, listening;
    int reserve_fd; /* given up to take one in when no descriptor is left; -1: it is out */
    door_figures figures;
} crowd;

/* surface_options.c: copies of all that is pointed to. False: no memory, for some of it; `_done` is
 * due in either case. */
bool surface_options_take(wardi_surface_options *own, const wardi_surface_options *options);
void surface_options_done(wardi_surface_options *own);

struct surface {
    wardi_surface_options options; /* its own */
    ward_supervisor *supervisor;
    wardi_feed *feed;
    uv_loop_t loop;
    uv_async_t wake;   /* from any thread: events wait, or it is to end */
    uv_timer_t second; /* the pulse, and who has been idle for too long */
    uv_thread_t thread;
    bool loop_made, running;
    atomic_bool leaving, ending;
    view *view;
    ward_pulse pulse; /* as of the last second */
    /* As of then as well, for any thread: when that was, and how many components are in which
     * condition. */
    _Atomic uint64_t looked_at_ns, counts[VIEW_CONDITIONS];
    atomic_bool host_lives;
    logs *logs;
    bool pulse_known;     /* the supervisor has been started */
    uint64_t events_seen; /* the number of the last event that is taken or known as lost */
    uint64_t events_lost; /* on the way here */
    bool view_is_stale;   /* some were, and all have to be looked at */
    bool syncing;         /* that is being done */
    uint64_t sync_began_ns, sync_after_ns; /* the last round of it; not before */
    uint64_t began_ns;                     /* monotonic */
    uint64_t run; /* of the host, as the journal counts; without one, when it began */
    crowd crowd;
    door *http_door, *grpc_door, *control_door, *remote_door;
    struct http *http;
    struct grpc *grpc;
};

/* ---- what is spoken: http*.c over TCP and the control socket, grpc*.c ---- */

/* NULL: no memory. `open` is called once before the loop runs, false: no descriptors; `close` on
 * the loop, or where it never ran: it closes its handles and its connections; `free` after the
 * loop's end. All but `new` take NULL. */
struct http *http_new(struct surface *s);
protocol http_protocol(struct http *h);
protocol http_remote_protocol(struct http *h);
/* Reads what TLS needs from its files; before `open`, which it is not called for without a remote
 * address. Errors: as keyring_read. */
ward_error http_remote_prepare(struct http *h, ward_diag *ret_diag);
bool http_open(struct http *h);
void http_close(struct http *h);
void http_free(struct http *h);
/* All events behind the last one that is in the view, up to that number, are lost. */
void http_events_lost(const struct http *h, uint64_t through);
struct grpc *grpc_new(struct surface *s);
protocol grpc_protocol(struct grpc *g);
bool grpc_open(struct grpc *g);
void grpc_close(struct grpc *g);
void grpc_free(struct grpc *g);
/* Once a second: all that is watched is looked at, for what no event has told of. */
void grpc_look(struct grpc *g);
/* Calls that are open, and all that began. */
void grpc_counts(const struct grpc *g, uint64_t *ret_open, uint64_t *ret_all);

/* ---- the host ---- */

/* Whether each thread of the host gets anywhere: its clock, its workers, this one. */
bool surface_clock_lives(const struct surface *s);
bool surface_workers_live(const struct surface *s);

#endif
