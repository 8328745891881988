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
    HOST_FIBER_STACKS,
    HOST_EVENTS, /* by kind */
    HOST_EVENTS_LOST = HOST_EVENTS + WARD_EVENT_KIND_COUNT,
    HOST_JOURNAL, /* there is one */
    HOST_JOURNAL_FAILING,
    HOST_JOURNAL_WRITTEN,
    HOST_JOURNAL_LOST,
    HOST_JOURNAL_WAITING,
    HOST_JOURNAL_BYTES,
    HOST_CONNECTIONS,
    HOST_CONNECTIONS_IDLE,
    HOST_CONNECTIONS_LIMIT,
    HOST_ACCEPTED,
    HOST_REFUSED,
    HOST_EXPELLED,
    HOST_REMOTE_EXPIRES_NS, /* 0: no TLS is spoken */
    HOST_REMOTE_UNAUTHORIZED,
    HOST_STREAMS, /* by protocol */
    HOST_REQUESTS = HOST_STREAMS + METRICS_PROTOCOLS_MAX,
    HOST_SCRAPES = HOST_REQUESTS + METRICS_PROTOCOLS_MAX,
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
    HOST_RECOVERY = HOST_START + TIME_BUCKETS + 1,                          /* one by each cause */
    HOST_DETECTION = HOST_RECOVERY + WARD_CAUSE_COUNT * (TIME_BUCKETS + 1), /* likewise */
    HOST_SLOTS = HOST_DETECTION + WARD_CAUSE_COUNT * (TIME_BUCKETS + 1),
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
    SLOT_INSIDE_NS,
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

/* ---- how long starts and recoveries took (metrics_times.c) ---- */

/* A member that is down or starts; in a table by its address, which stays until it is gone. */
typedef struct metrics_timing metrics_timing;

typedef struct metrics_times {
    metrics_timing *list;
    size_t room, count;
    uint64_t start[TIME_BUCKETS + 1];
    uint64_t recovery[WARD_CAUSE_COUNT][TIME_BUCKETS + 1];
    uint64_t detection[WARD_CAUSE_COUNT][TIME_BUCKETS + 1];
    uint64_t missed;
} metrics_times;

void metrics_times_take(metrics_times *times, const ward_event *event, const view_member *member);
void metrics_times_forget(metrics_times *times, const view_member *member);
void metrics_times_done(metrics_times *times);

/* ---- the process (metrics_process.c) ---- */

/* Fills the slots of the process; what can't be found out stays 0. */
void metrics_process(uint64_t *slots);

/* ---- sums that only rise (metrics_sums.c) ---- */

/* What was last seen of a group's counters, and what its members that are gone had counted. */
typedef struct metrics_sum {
    char *name;
    uint64_t last[SLOT_COUNT - SLOT_COUNTERS], base[SLOT_COUNT - SLOT_COUNTERS];
} metrics_sum;

typedef struct metrics_sums {
    metrics_sum **list; /* in order of their names */
    size_t count, room;
    uint64_t rounds; /* how often they were kept */
} metrics_sums;

/* Adds to the counters of `slots` what is missing since they were last seen. `late`: others have
 * been here since the slots began to be summed, so that less may be right. */
void metrics_sums_keep(metrics_sums *sums, const char *name, uint64_t *slots, bool late);
void metrics_sums_forget(metrics_sums *sums, const char *name);
void metrics_sums_done(metrics_sums *sums);

/* ---- metrics of guests (metrics_guest.c) ---- */

enum {
    GUEST_FAMILIES = 256,
    GUEST_NAMES = 1024, /* those that are refused included */
    GUEST_SERIES = 10000,
    GUEST_NAME_BYTES = WARD_METRIC_NAME_BYTES_MAX + 1 + 16,
};

struct guest_name;

/* The names that are known, over all scrapes. */
typedef struct metrics_names {
    struct guest_name *list; /* of GUEST_NAMES */
    uint16_t *index;         /* of list, by name and kind, plus one */
    size_t count, shown;
    uint64_t round;    /* of the latest scrape */
    uint64_t complete; /* of the latest that has looked at everybody */
} metrics_names;

/* A metric of a component, or summed over several. */
typedef struct guest_point {
    uint32_t owner, name; /* whose; in metrics_names */
    uint32_t labels, labels_length;
    uint32_t next;    /* of the same name, plus one */
    uint32_t buckets; /* its first in metrics_points.buckets, plus one; 0: it is no histogram */
    double value;     /* also the sum of a histogram */
} guest_point;

/* Those of one scrape. */
typedef struct metrics_points {
    guest_point *list;
    size_t count, room;
    uint64_t *buckets;
    size_t bucket_count, bucket_room;
    uint32_t *index; /* of list, by owner and name, plus one */
    size_t index_room;
    uint32_t first[GUEST_NAMES], last[GUEST_NAMES]; /* of each name, plus one */
    size_t series;
    uint64_t left_out[METRICS_LEFT_OUT];
} metrics_points;

/* A scrape begins; `alone`: no other is under way, and names that nobody has any more may go.
 * False: no memory. */
bool metrics_names_start(metrics_names *names, bool alone);
void metrics_names_done(metrics_names *names);
/* The family of a name, whose text lives as long as the scrape. */
wardi_family metrics_name_family(const metrics_names *names, size_t name);
/* Takes a metric in, or counts it as left out. */
void metrics_points_add(metrics_points *points, metrics_names *names, const guest_point *whose,
                        const ward_metric *metric);
void metrics_points_done(metrics_points *points);

/* ---- rows (metrics_rows.c): figures of components and groups ---- */

typedef struct metrics_row {
    uint32_t labels, labels_length; /* in the scrape's texts: component and group */
    uint32_t about, about_length;   /* those of its info */
    uint32_t name;                  /* of a group, NUL-terminated */
    uint64_t slots[SLOT_COUNT];
} metrics_row;

typedef struct metrics_rows {
    metrics_row *list;
    size_t count, room;
} metrics_rows;

/* A way through all members, front to back, that stays one when members come and go. */
typedef struct metrics_walk {
    size_t at;
    uint64_t born_max;     /* who came later is not met */
    view_member *late[64]; /* moved from before us to behind us */
    size_t late_count;
    bool walking;
} metrics_walk;

void metrics_walk_start(metrics_walk *walk, const view *v);
/* NULL: the end. */
view_member *metrics_walk_next(metrics_walk *walk, const view *v);
/* The member is about to go. */
void metrics_walk_gone(metrics_walk *walk, const view *v, const view_member *member);

/* ---- a scrape ---- */

/* Room for one line of any kind: two names of 127 bytes, a family's, a help, some labels. */
enum { METRICS_LINE_BYTES = 2048, METRICS_STEP_NS = 500000 };

typedef enum metrics_phase {
    PHASE_GATHER,
    PHASE_FAMILIES,
    PHASE_GUESTS,
    PHASE_END,
    PHASE_OVER
} metrics_phase;

struct metrics {
    metrics_hub *hub;
    metrics *next; /* of those under way */
    metrics_options options;
    char *only; /* options.component */
    metrics_phase phase;
    bool no_memory; /* something is missing */
    /* gathering */
    metrics_walk walk;
    metrics_rows groups; /* the first is the top, which is none */
    metrics_rows components;
    uint32_t *group_index; /* of groups, by name, plus one */
    uint32_t last_group;
    char *texts;
    size_t texts_length, texts_room;
    bool fold_groups, fold_top; /* there are too many: they are summed */
    bool one_by_one; /* there are too many, and yet each is asked for: looked at while writing */
    uint64_t summed, owners;
    uint64_t sums_rounds; /* of the sums, when it began */
    uint64_t names_round; /* of the names */
    uint64_t host[HOST_SLOTS];
    const char *protocols[METRICS_PROTOCOLS_MAX];
    metrics_points points;
    /* writing */
    size_t family, row, line;
    uint64_t born_max; /* who came later than the scrape is not in it */
    char each_labels[128], build[256];
    size_t build_length;
    bool told;        /* of the family */
    bool have_member; /* one by one: `member` is filled */
    metrics_row member;
    size_t texts_kept; /* what is behind it is the member's */
    const metrics_family *bounds_of;
    char bounds[WARD_METRIC_BUCKETS][WARDI_NUMBER_BYTES + 1];
    char spill[METRICS_LINE_BYTES]; /* a line that did not fit into the caller's buffer */
    size_t spill_at, spill_length;
};

struct metrics_hub {
    view *view;
    view_watcher watcher;
    metrics *under_way;
    size_t under_way_count;
    uint64_t scrapes;
    uint64_t events[WARD_EVENT_KIND_COUNT];
    metrics_times times;
    metrics_sums sums;
    metrics_names names;
    uint64_t key[2];                     /* of tables by names */
    ward_metric guest[WARD_METRICS_MAX]; /* of the guest that is being looked at */
};

/* Begins to look at members: all, or what the options name. Errors: NO_MEMORY, NOT_FOUND. */
ward_error metrics_gather_start(metrics *m);
/* Looks on. True: that was all of them. */
bool metrics_gather(metrics *m, uint64_t until_ns);
/* Fills the row of a child, whose texts are put behind the others. False: it is gone. */
bool metrics_row_fill(metrics *m, metrics_row *row, const view_member *member);
void metrics_gather_done(metrics *m);
/* Writes as much as there is room for. True: everything is written. */
bool metrics_write(metrics *m, wardi_scribe *scribe, uint64_t until_ns);

#endif
