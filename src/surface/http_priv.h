/* What http*.c have in common with the loop: the surface itself. */
#ifndef SURFACE_HTTP_PRIV_H
#define SURFACE_HTTP_PRIV_H

#include "surface/http.h"

struct http {
    struct surface *surface;
    struct MHD_Daemon *daemon;
    uv_poll_t ready;    /* libmicrohttpd's epoll: something came, or can be sent */
    uv_timer_t due;     /* when it wants to be run in any case */
    uv_poll_t arrivals; /* see http_clock.c */
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
void http_drive_soon(http *h);

/* ---- http_clock.c: no request takes longer to come than HTTP_REQUEST_NS ---- */

bool http_clock_open(http *h);
void http_clock_enter(http_client *client);
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
