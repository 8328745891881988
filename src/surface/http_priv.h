/* What http*.c have in common with the loop: the surface itself. */
#ifndef SURFACE_HTTP_PRIV_H
#define SURFACE_HTTP_PRIV_H

#include "surface/http.h"

/* A libmicrohttpd: one speaks TLS, one does not. */
typedef struct http_line {
    http *http;
    struct MHD_Daemon *daemon; /* NULL: not this one */
    uv_poll_t ready;           /* its epoll: something came, or can be sent */
    uv_timer_t due;            /* when it wants to be run in any case */
} http_line;

struct http {
    struct surface *surface;
    http_line plain, secure;
    struct http_remote *remote; /* who comes by the secure one; NULL: nobody does */
    uv_poll_t arrivals;         /* see http_clock.c */
    int arrivals_fd;
    uv_timer_t late; /* the request that began longest ago has used up its time */
    http_client *oldest, *newest;
    http_client *entering; /* while it is being added */
    struct MHD_Response *ok;
    http_events *events;
    struct metrics_hub *metrics;
    uint64_t requests; /* answered, in all */
    unsigned works;    /* on threads of the pool, or waiting for one */
    unsigned waits;    /* of these, those that wait for guests */
    unsigned ranked;   /* lists whose page is being looked for: they share the time for one */
    bool closing;
};

/* Runs libmicrohttpd soon: a connection was added or resumed. */
void http_drive_soon(http_line *line);

/* ---- http_access.c: who asks, and whether from where he may ---- */

/* Sets `request->who`. False: it is answered. */
bool http_access_admit(http_request *request);
/* Whether the route is for who asks. False: it is answered. */
bool http_access_allows(http_request *request, const http_route *route);

/* ---- http_remote.c: connections over TLS ---- */

enum { HTTP_STRANGERS_MAX = 32 }; /* who have not shown who they are, at a time */

/* All but prepare and enter take a NULL remote, or a client that is not remote. */
void http_remote_open(http *h);
void http_remote_close(http *h);
void http_remote_free(http *h);
/* A connection was made, and says nothing yet. False: it has to end, for want of memory. */
bool http_remote_enter(http_client *client);
void http_remote_leave(http_client *client);
uint32_t http_remote_handshaking(const http *h);
/* libmicrohttpd is about to be run: there is time for handshakes again. */
void http_remote_turn(http *h);
/* By its token or certificate. False: it is answered. */
bool http_remote_admit(http_request *request);

typedef struct http_remote_figures {
    uint64_t unauthorized; /* requests that were refused, in all */
    uint64_t expires_s;    /* our certificate, since the epoch; 0: there is none */
} http_remote_figures;
http_remote_figures http_remote_figures_of(const http *h);

/* ---- http_clock.c: no request takes longer to come than HTTP_REQUEST_NS ---- */

bool http_clock_open(http *h);
void http_clock_enter(http_client *client);
/* Before its socket is closed. */
void http_clock_leave(http_client *client);
/* Before libmicrohttpd reads: which connections a request has begun on. */
void http_clock_look(http *h);
/* A request has begun, if it was not known to have; it is complete, or its connection is gone. */
void http_clock_begin(http_client *client);
void http_clock_end(http_client *client);

/* ---- http_events.c ---- */

bool http_events_open(http *h);
void http_events_close(http_events *e);
uint32_t http_events_count(const http *h);
/* After all connections. */
void http_events_free(http_events *e);

/* ---- http_answer.c ---- */

/* The connection is in its handler: sends what there is to send. */
enum MHD_Result http_answer_send(http_request *request);
void http_request_free(http_request *request);

#endif
