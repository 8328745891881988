/* Shared by the files of metrics alone: figures in numbered slots, and the table of families that
 * says which slot is shown under which name. */
#ifndef SURFACE_METRICS_PRIV_H
#define SURFACE_METRICS_PRIV_H

#include "surface/metrics.h"

/* Figures of the host: one row. */
enum {
    HOST_READY,
    HOST_STOPPING,
    HOST_WORKERS,
    HOST_WORKERS_STUCK,
    HOST_WORKERS_MISSING,
    HOST_WORKER_AGE_NS,
    HOST_CLOCK_AGE_NS,
    HOST_RUNS,
    HOST_STEALS,
    HOST_TIMERS_FIRED,
    HOST_EVENTS,
    HOST_EVENTS_LOST,
    HOST_JOURNAL, /* there is one */
    HOST_JOURNAL_FAILING,
    HOST_JOURNAL_WRITTEN,
    HOST_JOURNAL_LOST,
    HOST_JOURNAL_WAITING,
    HOST_JOURNAL_BYTES,
    HOST_CONNECTIONS,
    HOST_STREAMS = HOST_CONNECTIONS + METRICS_PROTOCOLS_MAX,
    HOST_ACCEPTED = HOST_STREAMS + METRICS_PROTOCOLS_MAX,
    HOST_REFUSED = HOST_ACCEPTED + METRICS_PROTOCOLS_MAX,
    HOST_REQUESTS = HOST_REFUSED + METRICS_PROTOCOLS_MAX,
    HOST_CONNECTIONS_MAX = HOST_REQUESTS + METRICS_PROTOCOLS_MAX,
    HOST_SCRAPES,
    HOST_SUMMED,
    HOST_GUEST_LEFT_OUT,                    /* by metrics_left_out */
    HOST_UNTIMED = HOST_GUEST_LEFT_OUT + 3, /* METRICS_LEFT_OUT */
    HOST_PROCESS_CPU_NS,
    HOST_PROCESS_RESIDENT,
    HOST_PROCESS_VIRTUAL,
    HOST_PROCESS_OPEN_FDS,
    HOST_PROCESS_MAX_FDS,
    HOST_PROCESS_THREADS,
    HOST_PROCESS_START_NS,
    HOST_START, /* a histogram */
    TIME_BUCKETS = 15,
    HOST_RECOVERY = HOST_START + TIME_BUCKETS + 1, /* one by each cause */
    HOST_SLOTS = HOST_RECOVERY + WARD_CAUSE_COUNT * (TIME_BUCKETS + 1),
};

/* Figures of a component, or summed over several. */
enum {
    SLOT_MEMBERS, /* by condition; of a group, all that are right in it */
    SLOT_STATES = SLOT_MEMBERS + VIEW_CONDITIONS,
    SLOT_GUESTS = SLOT_STATES + WARD_STATE_COUNT, /* those with a guest, not native */
    SLOT_SUMMED,                                  /* a group: those that are summed in it */
    SLOT_IS_GROUP,                                /* 1 */
    SLOT_GROUP_READY,                             /* by its rule */
    SLOT_GROUP,                                   /* by its rule: one of its conditions is 1 */
    SLOT_READY = SLOT_GROUP + VIEW_CONDITIONS,
    SLOT_FLAPPING,
    SLOT_GIVEN_UP,
    SLOT_START_NS,     /* the latest */
    SLOT_CHECK_AGE_NS, /* the oldest */
    SLOT_FUEL_PEAK,    /* the most */
    SLOT_FUEL_LIMIT,   /* the most */
    SLOT_MAILBOX_WAITING,
    SLOT_MAILBOX_LIMIT,
    SLOT_MEMORY,
    SLOT_MEMORY_LIMIT,
    SLOT_TIMERS,
    SLOT_COUNTERS, /* from here on all only rise, in sums too */
    SLOT_CHECKS = SLOT_COUNTERS,
    SLOT_LATENCY, /* a histogram */
    SLOT_PROBE_ERRORS = SLOT_LATENCY + WARD_LATENCY_BUCKETS + 1,
    SLOT_PROBE_ERROR,
    SLOT_TRAPS = SLOT_PROBE_ERROR + WARD_PROBE_ERROR_COUNT,
    SLOT_STARTS,
    SLOT_RESTARTS,
    SLOT_CAUSE,
    SLOT_EVIDENCE = SLOT_CAUSE + WARD_CAUSE_COUNT,
    SLOT_MESSAGES,
    SLOT_OUTCOME,
    SLOT_OUTCOMES = 6,
    SLOT_LOST = SLOT_OUTCOME + SLOT_OUTCOMES,
    SLOT_CPU_NS,
    SLOT_CPU_DELAYS,
    SLOT_CPU_DELAYED_NS,
    SLOT_GROWTHS_REFUSED,
    SLOT_TIMERS_LOST,
    SLOT_DENIED,
    SLOT_LOG_LINES,
    SLOT_LOG_SUPPRESSED,
    SLOT_COUNT,
};

/* Rows of which a family has series. */
typedef enum metrics_scope {
    OF_HOST,
    OF_GROUPS,     /* each group, and the top */
    OF_COMPONENTS, /* each that is shown by itself */
    OF_SUMS,       /* those, and groups whose components are summed */
} metrics_scope;

/* The series of one row. */
typedef enum metrics_shape {
    ONE,          /* one */
    ANY,          /* one, if it is not 0 */
    EACH,         /* one for each name, with it as a label */
    EACH_ANY,     /* the same, of those that are not 0 */
    STATES,       /* a StateSet: one for each name, of which one is 1 */
    BUCKETS,      /* a histogram: slots of its buckets, not summed up, then one of its sum, ns */
    BUCKETS_EACH, /* the same for each name, if there is anything in it */
    ABOUT,        /* an info */
} metrics_shape;

typedef struct metrics_family {
    wardi_family text;
    const char *labels; /* "component, group": for the reference */
    metrics_scope scope;
    metrics_shape shape;
    uint16_t slot;     /* its first */
    uint16_t each;     /* EACH…, BUCKETS_EACH, STATES: how many names */
    uint16_t buckets;  /* BUCKETS… */
    bool seconds;      /* the slots are nanoseconds */
    bool depends;      /* it is only there if `on` is not 0: there is a limit, a journal */
    uint16_t on;       /* a slot */
    const char *label; /* of the names; a StateSet's is its own name */
    const char *(*name)(size_t index); /* NULL: there is none of that index */
    double (*bound)(size_t bucket);    /* seconds */
} metrics_family;

extern const metrics_family metrics_families[];
extern const size_t metrics_family_count;

/* Upper bounds of how long starts and recoveries take, seconds. */
double metrics_time_bound(size_t bucket);

/* Why a metric of a guest is not shown. */
typedef enum metrics_left_out { LEFT_NAMES, LEFT_SERIES, LEFT_KIND } metrics_left_out;
enum { METRICS_LEFT_OUT = 3 };

/* What became of a message: handled, or lost in one of these ways. */
enum {
    OUTCOME_HANDLED,
    OUTCOME_REFUSED,
    OUTCOME_DROPPED,
    OUTCOME_EXPIRED,
    OUTCOME_UNDELIVERED,
    OUTCOME_SET_ASIDE
};

#endif
