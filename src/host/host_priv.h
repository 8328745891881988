/* host, inside: a supervisor's children, timers, events and threads. */
#ifndef WARDI_HOST_PRIV_H
#define WARDI_HOST_PRIV_H

#include <pthread.h>

#include "component/component.h"
#include "health/health.h"
#include "host/host.h"
#include "supervise/supervise.h"

struct ward_host {
    wardi_engine *engine;
};

/* What a child waits for. Only a child in a phase marked (due) is in the supervisor's heap. */
typedef enum child_phase {
    CHILD_WAITING,  /* for what it needs to become ready */
    CHILD_START,    /* (due) to be started: at once, or after a back-off */
    CHILD_CHECK,    /* (due) to be checked */
    CHILD_GIVEN_UP, /* for an operator */
    CHILD_STOP,     /* (due) to be stopped; before it is due: for its dependents to stop */
    CHILD_STOPPED,
} child_phase;

typedef struct child {
    wardi_heap_node due; /* key: monotonic nanoseconds */

    /* Set by add and start, then read only. */
    ward_component *component; /* its own lock; only whoever claimed the child enters it */
    char **need_names;
    size_t *needs, *dependents; /* indices; both have room before start: see child_link */
    size_t need_count, dependent_count;
    uint64_t interval_ns, startup_interval_ns;
    wardi_trend_policy trend_policy;
    bool ready_when_degraded;
    ward_restart restart;
    ward_backoff backoff;
    uint64_t resource_window_ns; /* restarts in it are a resource that health judges */

    /* Under the supervisor's lock. */
    child_phase phase;
    bool claimed; /* a worker is inside the component: its phase is that worker's to change */
    bool ready;
    wardi_trend trend;
    wardi_restarts history;
    uint32_t restarts, restarts_by_cause[WARD_CAUSES_MAX];
    uint64_t checked_at_ns;     /* 0: never */
    ward_reason reason;         /* of the health */
    ward_reason unready_reason; /* when not ready */
    size_t dependents_running;  /* while stopping */
} child;

typedef struct event_record {
    ward_event event; /* event.reason points nowhere until delivery */
    ward_reason reason;
} event_record;

typedef struct event_batch {
    event_record *records;
    size_t count, capacity;
} event_batch;

struct ward_supervisor {
    wardi_engine *engine;
    ward_event_callback on_event;
    void *event_context;
    uint32_t worker_count;
    pthread_t *workers;

    pthread_mutex_t lock; /* guards what follows; never held inside a guest or a callback */
    pthread_cond_t changed;
    child **children; /* each at a fixed address, for the heap */
    size_t child_count, child_capacity;
    size_t *order; /* indices, each after what it needs */
    wardi_heap due;
    wardi_rng rng;
    bool started, stopping, stopped;
    size_t stopped_count;
    uint64_t event_sequence;
    event_batch pending, spare; /* events that wait; the batch that is being delivered, or empty */
    bool delivering;
};

/* ---- children (child.c) ---- */

ward_error child_new(wardi_engine *engine, const ward_child_options *options, child **ret_child,
                     ward_diag *ret_diag);
void child_free(child *c);
/* The index of the child of that name, or SIZE_MAX. */
size_t children_find(const ward_supervisor *s, const char *name);
/* Turns names of needs into indices, both ways. NOT_FOUND, NO_MEMORY. */
ward_error children_link(ward_supervisor *s, ward_diag *ret_diag);

/* ---- events (events.c) ---- */

/* A blank event of this child, for the caller to complete. */
ward_event event_of(const child *c, ward_event_kind kind);
/* Queues an event; the lock is held. */
void event_push(ward_supervisor *s, ward_event event, const char *reason);
/* Hands queued events to the callback, in order, unless another thread is at it; the lock is held,
 * and given up meanwhile. */
void events_deliver(ward_supervisor *s);
void events_done(ward_supervisor *s);

/* ---- steps (step.c): what a worker does with a child that is due ---- */

/* The lock is held, and given up while the guest runs. The child is claimed. */
void child_step(ward_supervisor *s, child *c);
/* The lock is held; the child is not claimed: makes it due to stop, if nothing needs it any more.
 */
void child_stop_if_free(ward_supervisor *s, child *c);

#endif
