/* Shared by the files of surface alone: the thread that serves, and what each surface has of it. */
#ifndef SURFACE_PRIV_H
#define SURFACE_PRIV_H

#include <uv.h>

#include "journal/journal.h"
#include "surface/surface.h"
#include "surface/view.h"

typedef struct peer peer;

/* A surface that speaks over connections. All of it on the surfaces' thread. */
typedef struct protocol {
    const char *name; /* "http", "grpc" */
    /* Takes a connected, non-blocking socket, which is the protocol's to close from now on: it then
     * calls door_left. False: it was not taken, and is closed. */
    bool (*enter)(void *context, int fd, peer *from);
    /* Makes a connection leave soon; it is about to, or has no business here. */
    void (*expel)(void *context, peer *of);
    void *context;
} protocol;

/* A connection, as the door keeps count of it: who came longest ago and is idle leaves first when
 * there are too many. In lists of the door. */
struct peer {
    struct door *door;
    int fd;
    void *of_protocol;      /* the protocol's own */
    uint64_t idle_since_ns; /* monotonic; of one that is not idle: UINT64_MAX */
    bool streams;           /* long-lived by its nature: counted apart */
    uid_t uid;              /* over a Unix socket: who is at the other end */
    gid_t gid;
    pid_t pid; /* 0: not over a Unix socket */
    struct peer *older, *newer;
};

struct surface {
    wardi_surface_options options;
    ward_supervisor *supervisor;
    wardi_feed *feed;
    uv_loop_t loop;
    uv_async_t wake;
    uv_timer_t second; /* once a second: the pulse, and who has been idle for too long */
    view *view;
    ward_pulse pulse; /* as of the last second */
    bool stopping;
};

/* Whether `first` of the request's or response's life has gone on for too long is the protocol's to
 * say; idleness is the door's. A connection says that it has something to do, or has not. */
void peer_busy(peer *p);
void peer_idle(peer *p);
/* Its socket is closed. */
void peer_left(peer *p);

#endif
