/* The tree: supervisors under supervisors, children as leaves. Everything that a supervisor decides
 * is decided here, in a plain value: no I/O, no threads, no clock, and no memory but its own
 * arrays, which grow only in _new, _policy_add, _reserve, _add, _link and _needs_set.
 * docs/supervision.md tells it to operators, docs/decisions/0012-supervision.md says why.
 *
 * What host does: it hands in an event and the time, takes every action out, carries the actions
 * out in its own time, and reports what came of them as events.
 *
 *     answer = wardi_tree_event(tree, &event, now);   or   while (wardi_tree_tick(tree, now)) …
 *     while (wardi_tree_action(tree, &action)) …      before the next event
 *
 * A child may be anything that host can start and stop. It is named by its id: an index with a
 * generation, so that an id of something removed is stale instead of somebody else. Each start is a
 * new run; host reports with the run's number, and news of an earlier run change nothing.
 *
 * Needs may cross branches. Three rules make that sound. A child starts when all it needs is Ready.
 * A child that leaves waits for those of its dependents that are leaving as well. A group starts
 * again when all of it that was told to leave is down. So starts wait for starts of what they need
 * and for stops, and stops wait for stops of dependents alone: a cycle of waits would be a cycle of
 * needs, and those are refused.
 *
 * Costs: an event is O(depth + degree + log n); what touches a group is that times the group.
 * Neither depth nor a chain of needs costs stack. A child takes WARDI_TREE_CHILD_BYTES and each
 * need 20 bytes. One thread at a time; host locks. */
#ifndef WARDI_TREE_H
#define WARDI_TREE_H

#include <ward/supervisor.h>

#include "core/core.h"

/** No time limit. */
#define WARDI_FOREVER UINT64_MAX

/* ---- policies ---- */

/** How delays between restarts grow. */
typedef enum wardi_pace_shape {
    WARDI_PACE_OFF,         /* none: started again at once */
    WARDI_PACE_FIXED,       /* initial, always */
    WARDI_PACE_LINEAR,      /* initial, 2·initial, 3·initial, … */
    WARDI_PACE_EXPONENTIAL, /* initial, initial·factor, initial·factor², … */
} wardi_pace_shape;
enum { WARDI_PACE_SHAPES = 4 };

typedef struct wardi_pace {
    wardi_pace_shape shape;
    uint64_t initial_ns, max_ns; /* max caps each delay before jitter */
    double factor;               /* at least 1; EXPONENTIAL */
    double jitter;           /* a delay d is drawn from [d·(1−jitter), d·(1+jitter)]; 0 to 1 */
    uint64_t reset_after_ns; /* Ready for so long without a break: the delay starts over */
} wardi_pace;

/** Delay of the restart after `step` earlier ones; `unit` in [0,1) draws the jitter. */
uint64_t wardi_pace_delay(const wardi_pace *pace, uint32_t step, double unit);

/** So many in any window of so long; the next one is too many. 0: the first is. */
typedef struct wardi_intensity {
    uint32_t max; /* at most WARDI_INTENSITY_MAX */
    uint64_t window_ns;
} wardi_intensity;
enum { WARDI_INTENSITY_MAX = 255 };

typedef enum wardi_shutdown {
    WARDI_SHUTDOWN_GRACEFUL,  /* asked to stop; killed after stop_ns */
    WARDI_SHUTDOWN_IMMEDIATE, /* killed */
    WARDI_SHUTDOWN_INFINITE,  /* asked to stop, and waited for as long as it takes */
} wardi_shutdown;
enum { WARDI_SHUTDOWNS = 3 };

/** What a node is to its supervisor. Kept once for all that share it: a thousand instances of a
 * component have one. No zero means a default; wardi_tree_policy_default has them. */
typedef struct wardi_tree_policy {
    ward_restart restart; /* of a supervisor: TEMPORARY means quarantined instead of restarted */
    wardi_intensity intensity; /* restarts for its own failures */
    wardi_pace pace;
    wardi_shutdown shutdown;
    uint64_t stop_ns;        /* GRACEFUL */
    uint64_t kill_ns;        /* a kill that is not confirmed after so long: it is abandoned */
    uint64_t start_ns;       /* a start that takes longer failed; WARDI_FOREVER: it may */
    bool restart_with_needs; /* restarted when what it needs goes down; else only not ready */
} wardi_tree_policy;

/** Permanent, 10 restarts in 60 s, exponential 100 ms to 30 s, graceful 10 s, kill 5 s, start 30 s.
 */
wardi_tree_policy wardi_tree_policy_default(void);

/** Whom a restart takes along. */
typedef enum wardi_strategy {
    WARDI_ONE_FOR_ONE,  /* nobody */
    WARDI_ONE_FOR_ALL,  /* all children of the supervisor */
    WARDI_REST_FOR_ONE, /* those that were added after it */
} wardi_strategy;
enum { WARDI_STRATEGIES = 3 };

/** Of a supervisor. */
typedef struct wardi_supervision {
    wardi_strategy strategy;
    /** Children that passed their own intensity: each is quarantined and counts one here. One more
     * than `max`, and the supervisor itself has failed. Under ONE_FOR_ALL and REST_FOR_ONE the
     * first one is: a group without a member is no group. */
    wardi_intensity intensity;
    uint32_t starts_max; /* starts in flight among its own children; 0: no limit */
} wardi_supervision;

/* ---- states ---- */

/** Of a child. A supervisor is IDLE, RUNNING, LEAVING, BACKOFF, QUARANTINED or REMOVED. */
typedef enum wardi_node_state {
    WARDI_NODE_IDLE,        /* down, and not wanted: until an operator starts it */
    WARDI_NODE_HELD,        /* wanted; a supervisor above it is not running */
    WARDI_NODE_WAITING,     /* wanted; not all that it needs is Ready */
    WARDI_NODE_QUEUED,      /* may start; no start is free */
    WARDI_NODE_BACKOFF,     /* wanted; its delay has not passed */
    WARDI_NODE_STARTING,    /* told to start */
    WARDI_NODE_RUNNING,     /* started; not Ready, or no longer. Supervisor: its children may run */
    WARDI_NODE_READY,       /* serves */
    WARDI_NODE_LEAVING,     /* to be stopped; dependents leave first. Supervisor: children leave */
    WARDI_NODE_STOPPING,    /* told to stop */
    WARDI_NODE_KILLING,     /* told to die */
    WARDI_NODE_ENDED,       /* down, and its restart type leaves it so */
    WARDI_NODE_QUARANTINED, /* down after too many failures, or by an operator: until released */
    WARDI_NODE_REMOVED,     /* gone: its id is stale once this action was taken */
} wardi_node_state;
enum { WARDI_NODE_STATES = 14 };
const char *wardi_node_state_name(wardi_node_state state); /**< "idle", …; static */

/* ---- events ---- */

typedef enum wardi_node_event_kind {
    /* what host reports of a run */
    WARDI_TREE_STARTED,
    WARDI_TREE_START_FAILED, /* nothing is left of it */
    WARDI_TREE_READY,
    WARDI_TREE_UNREADY,
    WARDI_TREE_EXITED,  /* ended by itself, with status 0 */
    WARDI_TREE_DIED,    /* ended otherwise; nothing is left of it */
    WARDI_TREE_ILL,     /* runs, and must not: liveness says so. It is stopped first */
    WARDI_TREE_HUNG,    /* runs, and answers nothing: it is killed without being asked */
    WARDI_TREE_STOPPED, /* as asked; nothing is left of it */
    /* what an operator asks, of a child or a supervisor with all below it */
    WARDI_TREE_ASK_START,
    WARDI_TREE_ASK_STOP, /* down, until started */
    WARDI_TREE_ASK_RESTART,
    WARDI_TREE_ASK_QUARANTINE,
    WARDI_TREE_ASK_RELEASE, /* from quarantine, with its budget whole again */
    WARDI_TREE_ASK_REMOVE,
    /* what the tree tells itself; not for host */
    WARDI_TREE_TIMER,
    WARDI_TREE_SWEEP,     /* leave, and come back with the rest */
    WARDI_TREE_RENEW,     /* the same, from quarantine too: its supervisor begins afresh */
    WARDI_TREE_RETIRE,    /* leave, and stay: a temporary child in a restart of others */
    WARDI_TREE_GO,        /* all supervisors above run */
    WARDI_TREE_MET,       /* all needs are Ready */
    WARDI_TREE_UNMET,     /* no longer */
    WARDI_TREE_SLOT,      /* a start is free */
    WARDI_TREE_CLEAR,     /* no dependent is leaving any more; supervisor: nothing below it is */
    WARDI_TREE_CLEAR_NOW, /* the same for shutdown IMMEDIATE */
} wardi_node_event_kind;
enum { WARDI_TREE_EVENTS_OF_HOST = WARDI_TREE_TIMER, WARDI_TREE_EVENTS = 25 };

typedef struct wardi_node_id {
    uint32_t index, generation; /* {0, 0}: none */
} wardi_node_id;

typedef struct wardi_node_event {
    wardi_node_event_kind kind;
    wardi_node_id id;
    uint32_t run; /* of reports: which run they are of */
    /* of DIED, ILL, HUNG, START_FAILED: NONE means crash, failed health, hang, start */
    ward_cause cause;
} wardi_node_event;

/** What the tree says to an event. */
typedef enum wardi_tree_answer {
    WARDI_TREE_OK,              /* done, under way, or so already */
    WARDI_TREE_STALE,           /* the id or the run is no more; nothing has changed */
    WARDI_TREE_UNEXPECTED,      /* no correct host reports this now; nothing has changed */
    WARDI_TREE_NOT_QUARANTINED, /* there is nothing to release */
    WARDI_TREE_IS_QUARANTINED,  /* release it first */
    WARDI_TREE_IS_REMOVED,      /* it is being removed */
    WARDI_TREE_IS_NEEDED,       /* others that stay need it: remove them first */
    WARDI_TREE_IS_ROOT,         /* the root is neither quarantined nor removed */
    WARDI_TREE_NOT_A_CHILD,     /* supervisors have no runs to report of */
} wardi_tree_answer;
enum { WARDI_TREE_ANSWERS = 9 };
const char *wardi_tree_answer_text(wardi_tree_answer answer); /**< a sentence; static */

/* ---- actions ---- */

/** Bits. More than one: in this order. */
enum {
    WARDI_DO_ABANDON = 1, /* let the killed run go: it is no longer waited for, nor heard */
    WARDI_DO_START = 2,   /* report STARTED, START_FAILED, …; due_ns is when it is too late */
    WARDI_DO_STOP = 4,    /* report STOPPED; due_ns is when it is killed */
    WARDI_DO_KILL = 8,    /* report STOPPED; due_ns is when it is abandoned */
    WARDI_DO_REMOVE = 16, /* forget it; its id is stale from here on */
};

/** What happened to one node in one event, and what is to be done. At most one an event and node:
 * what a node passed through in between is not told. */
typedef struct wardi_node_action {
    uint32_t what; /* WARDI_DO_*; 0: only to be published */
    wardi_node_id id;
    uint64_t tag; /* host's own, as it was added */
    uint32_t run; /* to be started, stopped, killed; ABANDON with START: the one before */
    wardi_node_state from, to;
    ward_cause cause;   /* of the last failure, restart or stop */
    uint32_t attempt;   /* restarts for its own failures in the window */
    uint64_t due_ns;    /* of the state it is in; WARDI_FOREVER: none */
    bool is_supervisor; /* else a child */
    bool exhausted;     /* the root only: see wardi_node_view */
} wardi_node_action;

/* ---- the tree ---- */

typedef struct wardi_tree wardi_tree;

enum { WARDI_TREE_DEPTH_MAX = 64, WARDI_TREE_CHILD_BYTES = 188 };

typedef struct wardi_tree_options {
    wardi_supervision root;
    uint32_t starts_max; /* starts in flight in the whole tree; 0: no limit */
    uint64_t seed;       /* of the jitter */
} wardi_tree_options;

/** A tree with an idle root. Errors: INVALID_ARGUMENT, NO_MEMORY. */
ward_error wardi_tree_new(const wardi_tree_options *options, wardi_tree **ret_tree,
                          ward_diag *ret_diag);
/** NULL is fine. */
void wardi_tree_free(wardi_tree *tree);
wardi_node_id wardi_tree_root(const wardi_tree *tree);

/** Keeps a policy for nodes to come, once for all that are alike, for as long as the tree. Errors:
 * INVALID_ARGUMENT names the field; NO_MEMORY. */
ward_error wardi_tree_policy_add(wardi_tree *tree, const wardi_tree_policy *policy,
                                 uint32_t *ret_policy, ward_diag *ret_diag);

/** Room for so many nodes more, one of them a supervisor, with so many needs: adding them does not
 * fail for want of memory. False: there is none, and nothing has changed. */
bool wardi_tree_reserve(wardi_tree *tree, uint32_t nodes, size_t needs);

typedef struct wardi_node_options {
    wardi_node_id parent;                 /* a supervisor */
    uint32_t policy;                      /* from wardi_tree_policy_add */
    const wardi_supervision *supervision; /* NULL: a child */
    const wardi_node_id *needs;           /* children that must be Ready first; of a child only */
    size_t need_count;
    uint64_t tag;         /* handed back with every action */
    bool idle;            /* not wanted until it is started; of a child only */
    wardi_node_id behind; /* this sibling, and before the next; {0, 0}: the last of all */
} wardi_node_options;

/** Adds a node, at any time; a child under running supervisors starts as soon as it may. As with an
 * event, every action must have been taken before. Errors: INVALID_ARGUMENT, STATE (its parent or a
 * need is being removed), NO_MEMORY. */
ward_error wardi_tree_add(wardi_tree *tree, const wardi_node_options *options, uint64_t now_ns,
                          wardi_node_id *ret_id, ward_diag *ret_diag);

typedef struct wardi_tree_edge {
    wardi_node_id child, need;
} wardi_tree_edge;

/** Adds needs between children that exist, all or none; for a configuration that names a child
 * before it tells of it. The dependents must be down. Errors: INVALID_ARGUMENT, STATE, NO_MEMORY;
 * CYCLE: `ret_path[0..*ret_length)` is a path that closes on itself, cut at `path_max`. O(n) when a
 * dependent is itself needed. */
ward_error wardi_tree_link(wardi_tree *tree, const wardi_tree_edge *edges, size_t count,
                           wardi_node_id *ret_path, size_t path_max, size_t *ret_length,
                           ward_diag *ret_diag);

/** What the child needs from here on, in whatever state it is: it waits for that, or is told to
 * leave before that does; what it needed until now is let go. As with an event, every action must
 * have been taken before, and that no cycle comes of it is the caller's to see to
 * (wardi_tree_reaches). Errors: INVALID_ARGUMENT, NO_MEMORY (not where as many had been reserved);
 * then nothing has changed. */
ward_error wardi_tree_needs_set(wardi_tree *tree, wardi_node_id child, const wardi_node_id *needs,
                                size_t count, uint64_t now_ns, ward_diag *ret_diag);
/** Whether one of `from` is `to`, or needs it, by way of others too. O(n). Errors: NO_MEMORY. */
ward_error wardi_tree_reaches(const wardi_tree *tree, const wardi_node_id *from, size_t count,
                              wardi_node_id to, bool *ret_reaches);
/** What a supervisor is from here on; nothing that it has done is undone, and nobody below it is
 * touched. What is counted in a window of another length is counted anew; `starts_max` stays.
 * Errors: INVALID_ARGUMENT. */
ward_error wardi_tree_supervision_set(wardi_tree *tree, wardi_node_id id,
                                      const wardi_supervision *now, uint32_t policy,
                                      ward_diag *ret_diag);

/** One event. Every action of the event before must have been taken. Time that goes back stands
 * still. Never fails for want of memory. */
wardi_tree_answer wardi_tree_event(wardi_tree *tree, const wardi_node_event *event,
                                   uint64_t now_ns);
/** When wardi_tree_tick has something to do; WARDI_FOREVER: never. */
uint64_t wardi_tree_next_ns(const wardi_tree *tree);
/** Fires one timer that is due. False: none was. */
bool wardi_tree_tick(wardi_tree *tree, uint64_t now_ns);
/** Takes the next action. False: there is none. */
bool wardi_tree_action(wardi_tree *tree, wardi_node_action *ret_action);

/** A node as it stands. */
typedef struct wardi_node_view {
    bool is_supervisor;
    wardi_node_state state, then; /* then: what follows LEAVING, STOPPING and KILLING */
    wardi_node_id parent;
    uint64_t tag;
    uint32_t run; /* starts so far; of a supervisor: restarts after it had failed */
    ward_cause cause;
    uint32_t restarts_by_cause[WARD_CAUSES_MAX]; /* of a child they add up to run − 1 */
    uint32_t in_window;                          /* restarts for its own failures */
    uint32_t unmet;                              /* needs that are not Ready */
    uint64_t due_ns;                             /* of its timer; WARDI_FOREVER: none */
    /* of a supervisor: children at any depth below it, by state, and failures in its window */
    uint32_t children[WARDI_NODE_STATES];
    uint32_t failures;
    /** Of the root: its intensity has passed, and there is nobody above to restart it. What failed
     * is in quarantine, the rest serves. Until the root is released or started again. */
    bool exhausted;
    bool by_operator; /* in quarantine, or on the way there, because somebody wants it so */
} wardi_node_view;
/** False when `id` is stale. */
bool wardi_tree_look(const wardi_tree *tree, wardi_node_id id, wardi_node_view *ret_view);

/** The first invariant that does not hold, or NULL. For tests: O(n · depth). */
const char *wardi_tree_check(const wardi_tree *tree);

#endif
