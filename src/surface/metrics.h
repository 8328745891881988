/* metrics: what /metrics says, written piece by piece.
 *
 * All of it on the surfaces' thread, which owns the view. docs/metrics.md is the reference of the
 * names; src/surface/metrics_table.c is what it is checked against. */
#ifndef SURFACE_METRICS_H
#define SURFACE_METRICS_H

#include "codec/codec.h"
#include "journal/journal.h"
#include "surface/view.h"

/* What is kept between scrapes: how long starts and recoveries took, as events tell it, and which
 * names of guests are which kind of metric. It watches the view, and ends before it does. */
typedef struct metrics_hub metrics_hub;

/* NULL: no memory. */
metrics_hub *metrics_hub_new(view *v);
/* No scrape is under way. NULL is fine. */
void metrics_hub_free(metrics_hub *hub);
/* How many events there were, and how many of them told of a restart. */
uint64_t metrics_hub_events(const metrics_hub *hub, uint64_t *ret_restarts);
/* Of this process: its processor time, and its resident memory; 0: that can't be found out. */
void metrics_process_brief(uint64_t *ret_cpu_ns, uint64_t *ret_resident_bytes);

/* What a protocol counts. */
typedef struct metrics_protocol {
    const char *name;  /* "http", "grpc", "control"; static */
    uint64_t streams;  /* that are open: of events, of health */
    uint64_t requests; /* answered, in all */
} metrics_protocol;
enum { METRICS_PROTOCOLS_MAX = 4 };

/* What the view does not know. Read when the scrape begins, and not kept. */
typedef struct metrics_inputs {
    const ward_pulse *pulse;             /* NULL: not known yet */
    const wardi_journal_status *journal; /* NULL: none is kept */
    uint64_t connections, connections_idle, connections_max;
    uint64_t accepted, refused, expelled; /* connections, in all */
    uint64_t remote_expires_s;            /* our certificate, since the epoch; 0: there is none */
    uint64_t remote_unauthorized;         /* requests that were refused over TLS */
    metrics_protocol protocols[METRICS_PROTOCOLS_MAX];
    size_t protocol_count;
    uint64_t events_lost; /* that the surfaces' feed had no room for */
} metrics_inputs;

/* Zero means: everything, as text 0.0.4, with instances summed in their group. */
typedef struct metrics_options {
    wardi_exposition format;
    bool per_component;    /* each instance by itself, however many there are */
    const char *component; /* only this one, or this group; NULL: everything. Copied */
} metrics_options;

typedef struct metrics metrics;

enum {
    METRICS_AT_ONCE = 4,     /* scrapes under way */
    METRICS_ROWS_MAX = 4096, /* components and groups that are shown by themselves */
};

/* Errors: NO_MEMORY; BUSY: METRICS_AT_ONCE are under way; NOT_FOUND: no component or group has
 * that name. */
ward_error metrics_begin(metrics_hub *hub, const metrics_inputs *inputs,
                         const metrics_options *options, metrics **ret_metrics);
/* Writes what fits into `room` bytes, of any number, and sets `*ret_length`. True: there is more;
 * nothing may have been written even so, when it has looked through members of a million for half a
 * millisecond: others should have their turn before it is called again. False: it is the end.
 * Between two calls the view may change in any way. */
bool metrics_next(metrics *m, char *buffer, size_t room, size_t *ret_length);
/* It ended for want of memory: what was written is not all, and its reader must be told so, by a
 * connection that breaks. */
bool metrics_failed(const metrics *m);
/* At the end, or before it. NULL is fine. */
void metrics_end(metrics *m);

#endif
