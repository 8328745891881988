/* A supervisor: keeps components, and native parts of the application, started in dependency order,
 * checked at their intervals, and restarted when they fail.
 *
 * A tree: groups under groups, each with a strategy and a budget of its own; the supervisor itself
 * is the root. docs/supervision.md tells what a failure leads to, docs/health-monitoring.md rise
 * and fall, readiness and back-off. Threads: every child is an actor, and `workers` threads run
 * them; one that a guest holds up is stood in for. Events are handed to the callback one at a time,
 * on one of those threads or that of a caller. Starting and freeing are for one thread, with
 * nothing else running; once it is started, any thread may stop it, add and ask. */
#ifndef WARD_SUPERVISOR_H
#define WARD_SUPERVISOR_H

#include <ward/component.h>
#include <ward/grants.h>
#include <ward/log.h>
#include <ward/native.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Opaque. Owns the components added to it; borrows its host. */
typedef struct ward_supervisor ward_supervisor;

/** When a child is started again. */
typedef enum ward_restart {
    WARD_RESTART_PERMANENT, /**< always (default) */
    WARD_RESTART_TRANSIENT, /**< unless it ended by itself with exit status 0 */
    WARD_RESTART_TEMPORARY, /**< never */
} ward_restart;

/** Lowest health with which a child still counts as ready. */
typedef enum ward_ready_when {
    WARD_READY_WHEN_DEGRADED, /**< Degraded is ready (default) */
    WARD_READY_WHEN_HEALTHY,  /**< only Healthy is */
} ward_ready_when;

/** Whom the restart of a child takes along. */
typedef enum ward_strategy {
    WARD_ONE_FOR_ONE,  /**< nobody (default) */
    WARD_ONE_FOR_ALL,  /**< all children of its group */
    WARD_REST_FOR_ONE, /**< those of its group that were added after it */
} ward_strategy;

/** How a child is stopped. */
typedef enum ward_shutdown {
    WARD_SHUTDOWN_GRACEFUL,  /**< by its clean-up, and killed after a time (default) */
    WARD_SHUTDOWN_IMMEDIATE, /**< killed: no clean-up */
    WARD_SHUTDOWN_INFINITE,  /**< by its clean-up, which is waited for */
} ward_shutdown;

/** What a message to a full mailbox does. */
typedef enum ward_mailbox_full {
    WARD_MAILBOX_REJECT,      /**< it is refused: MAILBOX_FULL (default) */
    WARD_MAILBOX_DROP_OLDEST, /**< the oldest makes way, and is answered MESSAGE_DROPPED */
    WARD_MAILBOX_DROP_NEWEST, /**< it is answered MESSAGE_DROPPED */
    WARD_MAILBOX_BLOCK,       /**< its sender waits for room: MAILBOX_TIMEOUT */
} ward_mailbox_full;

/** How delays between restarts grow. */
typedef enum ward_backoff_shape {
    WARD_BACKOFF_EXPONENTIAL, /**< initial, initial·factor, initial·factor², … (default) */
    WARD_BACKOFF_LINEAR,      /**< initial, 2·initial, 3·initial, … */
    WARD_BACKOFF_FIXED,       /**< initial, always */
    WARD_BACKOFF_OFF,         /**< none */
} ward_backoff_shape;

/** Delays between restarts, and how many there may be. Zero means the default; times are at most a
 * year. */
typedef struct ward_backoff {
    uint64_t initial_ns; /**< default 100 ms */
    uint64_t max_ns;     /**< default 30 s, or initial_ns if that is more */
    double factor;       /**< default 2, from 1 to 1000 */
    /** each delay is drawn from [d·(1−jitter), d·(1+jitter)]; default 0.1; at most 1; negative:
     * none */
    double jitter;
    /** in the window; one more and the child is given up. Default 10, at most 255 */
    uint32_t restarts_max;
    uint64_t window_ns;       /**< default 60 s */
    uint64_t reset_after_ns;  /**< ready for so long: the delay starts over. Default 30 s */
    ward_backoff_shape shape; /**< how they grow */
} ward_backoff;

/** Options of a child. Zero means the default; everything is copied. */
typedef struct ward_child_options {
    size_t size;                             /**< set by WARD_INIT */
    const ward_component_options *component; /**< this or native is required */
    /** names of children that must be ready before this one starts and to be ready itself */
    const char *const *needs;
    size_t need_count;    /**< of needs */
    uint64_t interval_ns; /**< between checks; default 10 s, at least 1 ms */
    uint32_t fall;        /**< consecutive bad verdicts before the child is Failed; default 3 */
    uint32_t rise;        /**< consecutive good verdicts before it is well again; default 1 */
    ward_ready_when ready_when; /**< what still counts as ready */
    ward_restart restart;       /**< when it is started again */
    ward_backoff backoff;       /**< how long after, and how often */
    /** of the start-up probe, at least 1 ms; default: no start-up probe */
    uint64_t startup_interval_ns;
    /** failed start-up probes before the child is Failed; default 30 */
    uint32_t startup_fall;
    /** more changes of health than this in flap_window_ns is flapping; default 6, at most 31 */
    uint32_t flap_changes_max;
    uint64_t flap_window_ns; /**< default 60 s */
    const char *group;       /**< where it is added; NULL: under the supervisor itself */
    ward_shutdown shutdown;  /**< how it is stopped */
    /** graceful: killed after so long; default: its component's stop_timeout_ns and a second */
    uint64_t shutdown_timeout_ns;
    /** restarted when what it needs goes down; else it is only no longer ready */
    bool restart_with_needs;
    uint32_t mailbox_max; /**< messages that wait at most; default 64, at most 1,048,576 */
    ward_mailbox_full mailbox_full; /**< what one more does */
    uint64_t mailbox_block_ns;      /**< with WARD_MAILBOX_BLOCK; default 1 s */
    /** of the guest, for one message; default 10 s. A native child has none: it can't be ended */
    uint64_t message_timeout_ns;
    const ward_native_options *native; /**< instead of component */
    const ward_grants *grants; /**< whom its guest may reach, and who may reach it; NULL: nobody */
    const char *const *metadata; /**< "key=value", for its guest to read */
    size_t metadata_count;       /**< of metadata */
    /** what is longer its guest can't send, publish or answer with; default 1 MiB */
    uint32_t message_bytes_max;
    uint32_t log_rate; /**< lines of its guest a second; default 100 */
    /** A message that traps, hangs or uses up its fuel is tried again after the restart, until it
     * has ended so many runs; then it is set aside, and its sender told the cause. Default 1: at
     * once */
    uint32_t poison_after;
    /** Processor time that it may use in cpu_interval_ns. What it uses beyond that is owed:
     * messages wait in its mailbox until it is paid, checks do not. Default 0: no limit */
    uint64_t cpu_ns_max;
    uint64_t cpu_interval_ns; /**< default 1 s, at least 1 ms */
    /** So many of the component, at most 1,000,000, as children NAME.0, NAME.1, … of a group that
     * has its name, where each is an actor with a health of its own, and none is given up for
     * another. 0 and 1: one, by its own name. */
    uint32_t instances;
    ward_group_health instances_health; /**< of that group; with more than one */
    /** share of mailbox_max: with so many waiting, or more, it is not ready, until no more than
     * half of that waits. Default 1, a full mailbox; negative: that makes no difference */
    double full_at;
    /** messages that its guest may have under way to a later time; default 64, at most 65,536 */
    uint32_t timers_max;
} ward_child_options;

/** Options of a group: a supervisor of its own, under another. Zero means the default. */
typedef struct ward_group_options {
    size_t size;            /**< set by WARD_INIT */
    const char *name;       /**< required; as a component's, and no other group's */
    const char *group;      /**< the group above; NULL: the supervisor itself */
    ward_strategy strategy; /**< whom the restart of a child takes along */
    /** Children that may be given up within the window; one more, and the group has failed. Under
     * one_for_all and rest_for_one, the first is enough. Default 3, negative: none, at most 255 */
    int32_t failures_max;
    uint64_t failures_window_ns; /**< default 60 s */
    ward_restart restart;        /**< temporary: given up instead of restarted when it has failed */
    ward_backoff backoff;        /**< of its own restarts; default 3 in 60 s */
    ward_group_health health;    /**< how many of all children below it must be well */
} ward_group_options;

/** What happened to a child. */
typedef enum ward_event_kind {
    WARD_EVENT_STATE,   /**< its state changed: from_state → state */
    WARD_EVENT_HEALTH,  /**< its health after rise and fall changed: from_health → health */
    WARD_EVENT_READY,   /**< ready or no longer: `ready`, with the reason */
    WARD_EVENT_RESTART, /**< will be started again: attempt, delay_ns, cause */
    /** too many restarts, or a policy that allows none: it stays Failed */
    WARD_EVENT_GIVEN_UP,
    WARD_EVENT_FLAPPING, /**< began or ceased to flap: `flapping` */
    WARD_EVENT_STOPPED,  /**< the whole supervisor has stopped; no child */
    /** a group: `reason` is "running", "stopping" (with `cause`), "restarting" (in delay_ns),
     * "stopped", "given up", "changed", "resized" (has another number of instances) or "removed";
     * and of the supervisor itself (`component` "")
     * "exhausted": more was given up than it allows, the rest serves */
    WARD_EVENT_GROUP,
    WARD_EVENT_SET_ASIDE, /**< a message has ended its runs once too often: reason */
    WARD_EVENT_DENIED, /**< its guest wanted what it is not granted: reason. Ten a second at most */
    /** the health of a group, or whether it is ready, changed: from_health → health, `ready`, with
     * the reason; not while the supervisor stops */
    WARD_EVENT_GROUP_HEALTH,
    WARD_EVENT_OPERATOR, /**< somebody did something: reason says who and what */
    WARD_EVENT_ADDED,    /**< to a supervisor that has been started */
    WARD_EVENT_REMOVED,  /**< and is forgotten */
    WARD_EVENT_MISSING,  /**< events of anybody, right before this one: reason says how many */
} ward_event_kind;
enum { WARD_EVENT_KIND_COUNT = 15 };

/** Why a child is restarted. */
typedef enum ward_cause {
    WARD_CAUSE_NONE,
    WARD_CAUSE_CRASH,         /**< a trap */
    WARD_CAUSE_HANG,          /**< ended by a deadline */
    WARD_CAUSE_HEALTH,        /**< it said so, or a resource did, `fall` times */
    WARD_CAUSE_EXIT,          /**< it ended by itself */
    WARD_CAUSE_NEED,          /**< what it needs went down, and it asked to be restarted then */
    WARD_CAUSE_OPERATOR,      /**< somebody asked for it */
    WARD_CAUSE_SIBLING,       /**< its group was restarted for another of its members */
    WARD_CAUSE_ESCALATION,    /**< its supervisor was restarted, or put into quarantine */
    WARD_CAUSE_START,         /**< its start failed */
    WARD_CAUSE_START_TIMEOUT, /**< its start took too long */
} ward_cause;
enum { WARD_CAUSE_COUNT = 11, WARD_CAUSES_MAX = 16 /**< room for later ones */ };

/** One event. Borrowed for the duration of the callback. */
typedef struct ward_event {
    size_t size;                   /**< of the struct that the library has filled */
    ward_event_kind kind;          /**< what happened; the fields that go with it are named there */
    uint64_t sequence;             /**< from 1; a gap: events that nobody had room for */
    uint64_t wall_ns;              /**< since the epoch */
    const char *component;         /**< the child's name; "" for WARD_EVENT_STOPPED, _MISSING */
    ward_state from_state;         /**< before */
    ward_state state;              /**< now */
    ward_child_health from_health; /**< before */
    ward_child_health health;      /**< now, after rise and fall */
    ward_source source;            /**< of the last verdict */
    ward_probe_error probe_error;  /**< of the last verdict */
    bool ready;                    /**< now */
    bool flapping;                 /**< now */
    ward_cause cause;              /**< of the restart, or of a state that ends a run by itself */
    uint32_t attempt;              /**< restarts in the window, this one included */
    uint64_t delay_ns;             /**< until the restart */
    const char *reason;            /**< UTF-8, possibly empty */
    const char *version;           /**< the child's, cut to 127 bytes; "" if it has none */
    bool instance;                 /**< one of many: events of its group tell how they all are */
    /** of a state that ends a run by itself: the number of its ward_evidence; 0: there is none */
    uint64_t evidence;
    uint64_t child_id; /**< as of ward_supervisor_find; 0: no child */
    /** of a state that ends a run by itself: as of ward_evidence */
    uint64_t detected_ns;
} ward_event;

/** Receives events, one at a time, in order. Must not call back into the supervisor. */
typedef void (*ward_event_callback)(void *context, const ward_event *event);

/** The end of a run: see evidence.h. */
typedef struct ward_evidence ward_evidence;

/** Receives evidence when it is taken, on the worker that runs the child, for several children at
 * the same time; their restarts wait for it. Borrowed for the duration of the callback, which must
 * not call back into the supervisor. */
typedef void (*ward_evidence_callback)(void *context, const ward_evidence *evidence);

/** Options of a supervisor. Zero means the default. */
typedef struct ward_supervisor_options {
    size_t size; /**< set by WARD_INIT */
    /** default: one a core, at least two, so that one hanging check delays no other; at most 1024
     */
    uint32_t workers;
    uint64_t seed;                /**< of the jitter; 0: from the system */
    ward_event_callback on_event; /**< NULL: events are dropped */
    void *event_context;          /**< handed to on_event */
    ward_strategy strategy;       /**< of the children that are in no group */
    int32_t failures_max;         /**< as of a group; here one more is only told: exhausted */
    uint64_t failures_window_ns;  /**< default 60 s */
    uint32_t starts_max;      /**< children that start at the same time; default: four a worker */
    ward_log_callback on_log; /**< what guests log; NULL: it is only counted */
    void *log_context;        /**< handed to on_log */
    ward_evidence_callback on_evidence; /**< see evidence.h; NULL: it is only kept */
    void *evidence_context;             /**< handed to on_evidence */
    /** where core dumps of guests that end are written, three a child at most; NULL: nowhere */
    const char *core_dump_directory;
} ward_supervisor_options;

/** What a person can ask of a child or a group. */
typedef enum ward_request {
    WARD_REQUEST_START,      /**< wanted from now on; during a back-off, at once */
    WARD_REQUEST_STOP,       /**< down until it is started */
    WARD_REQUEST_RESTART,    /**< a new run, at once */
    WARD_REQUEST_QUARANTINE, /**< down until it is released, whatever its group does */
    WARD_REQUEST_RELEASE,    /**< what was given up or quarantined is tried again */
    WARD_REQUEST_REMOVE,     /**< stopped, and forgotten; not while others that stay need it */
} ward_request;

/** A child as it stands now. */
typedef struct ward_child_status {
    size_t size;              /**< set by WARD_INIT */
    ward_state state;         /**< of its component, or its own */
    ward_child_health health; /**< after rise and fall */
    bool ready;               /**< can serve, and so can all that it needs */
    bool live;                /**< false: must be restarted */
    bool flapping;            /**< its health changes too often */
    /** it, or a group that it is in: not started again, but by WARD_REQUEST_RELEASE or _START */
    bool given_up;
    uint32_t restarts;                           /**< since the supervisor started */
    uint32_t restarts_by_cause[WARD_CAUSES_MAX]; /**< indexed by ward_cause */
    uint64_t checked_age_ns;                     /**< since the last verdict */
    ward_reason reason;                          /**< of the health; or why it is not ready */
    uint64_t cpu_delays;     /**< how often its messages waited because its CPU budget was spent */
    uint64_t cpu_delayed_ns; /**< for how long, in all */
    uint64_t denied;         /**< what its guest wanted and is not granted */
    uint64_t log_lines;      /**< that its guest has logged */
    uint64_t log_suppressed; /**< lines that its rate has kept back */
    uint32_t timers;         /**< that its guest has open */
    uint64_t timers_lost;    /**< whose message no mailbox took */
} ward_child_status;

/** A group as it stands now, with all children below it, at any depth. */
typedef struct ward_group_status {
    size_t size;              /**< set by WARD_INIT */
    uint32_t children;        /**< healthy + degraded + failed */
    uint32_t healthy;         /**< up, and well */
    uint32_t degraded;        /**< up, and so judged; or starting, stopping, stopped */
    uint32_t failed;          /**< failed, or given up */
    uint32_t ready;           /**< can serve */
    uint32_t given_up;        /**< they, or a group that they are in; of those that failed */
    uint32_t least;           /**< so many are asked for by its rule */
    ward_child_health health; /**< by its rule */
    bool is_ready;            /**< by its rule */
    ward_reason reason; /**< "3 of 1000 unhealthy: web.3 (disk full), …"; empty: all are healthy */
} ward_group_status;

/** What goes wrong with a child, for ward_child_explain. */
typedef enum ward_fault {
    WARD_FAULT_TRAP,         /**< every health check traps */
    WARD_FAULT_HANG,         /**< no health check ends */
    WARD_FAULT_UNHEALTHY,    /**< every health check answers Unhealthy */
    WARD_FAULT_MESSAGE_TRAP, /**< a message traps; seen from then on */
    WARD_FAULT_MESSAGE_HANG, /**< a message does not end; seen from when it began to be handled */
} ward_fault;
enum { WARD_FAULT_COUNT = 5, WARD_TERMS_MAX = 16 };

/** What ward_child_explain explains. Borrowed for the duration of the call. */
typedef struct ward_explain_options {
    size_t size; /**< set by WARD_INIT */
    /** required, and a component; its module is not looked at */
    const ward_child_options *child;
    ward_fault fault; /**< what goes wrong with it */
    /** the other children that its group stops and starts with it: see ward_strategy */
    const ward_child_options *const *along;
    size_t along_count; /**< of along */
} ward_explain_options;

/** One term of the sums. UINT64_MAX: it never ends. */
typedef struct ward_term {
    const char *name;    /**< "until the next check", …; static */
    bool of_recovery;    /**< else of the detection */
    uint64_t worst_ns;   /**< no longer, while a worker is free and limits are kept */
    uint64_t typical_ns; /**< of the first failure; 0: as fast as the guest is */
} ward_term;

/** How long until a fault is seen, and from then until the child is ready again. */
typedef struct ward_explanation {
    size_t size;                     /**< set by WARD_INIT */
    bool detected;                   /**< false: its options make nothing of it */
    bool restarted;                  /**< false: never, and there are no terms of recovery */
    uint64_t detect_worst_ns;        /**< the sum of its terms */
    uint64_t detect_typical_ns;      /**< the sum of its terms */
    uint64_t recover_worst_ns;       /**< the sum of its terms */
    uint64_t recover_typical_ns;     /**< the sum of its terms */
    size_t term_count;               /**< of terms */
    ward_term terms[WARD_TERMS_MAX]; /**< in the order in which they pass */
} ward_explanation;

/** Makes a supervisor. The caller owns `*ret_supervisor`. Errors: INVALID_ARGUMENT, NO_MEMORY. */
WARD_API ward_error ward_supervisor_new(ward_host *host, const ward_supervisor_options *options,
                                        ward_supervisor **ret_supervisor, ward_diag *ret_diag);
/** Adds a group, before or after start. Errors: INVALID_ARGUMENT, NOT_FOUND (the group above),
 * DUPLICATE, NO_MEMORY, STATE. */
WARD_API ward_error ward_supervisor_add_group(ward_supervisor *supervisor,
                                              const ward_group_options *options,
                                              ward_diag *ret_diag);
/** Adds a child. Before start, what it needs may be added later; after start, all of it is there,
 * and the child starts as soon as it may. Of instances all are added or none. Errors:
 * INVALID_ARGUMENT, NOT_FOUND (its group; after start, a need), DUPLICATE, LIMIT_MEMORY, NO_MEMORY,
 * STATE. */
WARD_API ward_error ward_supervisor_add(ward_supervisor *supervisor,
                                        const ward_child_options *options, ward_diag *ret_diag);
/** Changes what the group of that name is: its strategy, budgets and health, from here on; nobody
 * in it is touched. It stays in the group that it is in, which `options` name. Errors:
 * INVALID_ARGUMENT, NOT_FOUND, NO_MEMORY, STATE (it is in another group, or is the instances of a
 * component; stopping). Any thread. */
WARD_API ward_error ward_supervisor_change_group(ward_supervisor *supervisor,
                                                 const ward_group_options *options,
                                                 ward_diag *ret_diag);
/** Stops the child of that name, or a component's instances, to make way for what
 * ward_supervisor_replace puts in its place. That does it as well; where many are replaced, they
 * all stop at the same time if all are retired first. Errors: NOT_FOUND, STATE. Any thread, once
 * started. */
WARD_API ward_error ward_supervisor_retire(ward_supervisor *supervisor, const char *name,
                                           ward_diag *ret_diag);
/** Puts a child, or the instances of a component, in the place of those of the same name, which are
 * stopped first. Whoever needs these needs the new ones from here on, and is not touched otherwise.
 * A new one is another child: its id is another, its figures begin anew, and messages that waited
 * are answered as by one that is removed. It is started as soon as it may, but where somebody has
 * stopped the old one or put it into quarantine: then it is stopped, or in quarantine. Of instances
 * as many are replaced as there are, and no more than `options` say: see ward_supervisor_resize.
 * Waits until the old ones are down, which their shutdown bounds; not for a callback, nor for a
 * worker. Errors: as of add; NOT_FOUND (there is none of that name, nor of that kind), CYCLE,
 * STATE (stopping; instances are in another group). Then the old one is still there, and is started
 * again if it was wanted; of instances the first may have been replaced. Any thread, once started.
 */
WARD_API ward_error ward_supervisor_replace(ward_supervisor *supervisor,
                                            const ward_child_options *options, ward_diag *ret_diag);
/** Gives a component as many instances as `options` say, which otherwise are what it was added
 * with, by adding or removing the last ones; the others are not touched. Whoever needs all of them
 * needs as many from here on. What is removed stops in its own time. Errors: as of add; NOT_FOUND
 * (there are no instances of that name), STATE (one that would go is needed by its own name;
 * stopping). Then nothing has changed. Any thread, once started. */
WARD_API ward_error ward_supervisor_resize(ward_supervisor *supervisor,
                                           const ward_child_options *options, ward_diag *ret_diag);
/** Starts the children in dependency order, in parallel where the order allows, and returns at
 * once; what becomes of them arrives as events. Errors: NOT_FOUND (a name in `needs`), CYCLE (the
 * diag shows the path), STATE, NO_MEMORY. */
WARD_API ward_error ward_supervisor_start(ward_supervisor *supervisor, ward_diag *ret_diag);
/** Stops the children in reverse order and the workers. A guest that is still inside a call at the
 * deadline is ended by that call's own deadline. 0 means 10 s. Idempotent. DEADLINE when something
 * had to be cut short. */
WARD_API ward_error ward_supervisor_stop(ward_supervisor *supervisor, uint64_t timeout_ns,
                                         ward_diag *ret_diag);
/** Asks something of the child or, if there is none of that name, the group `name`; what comes of
 * it arrives as events. Errors: NOT_FOUND; STATE: it can't be asked that now, and the diag says
 * why. Any thread, once started. */
WARD_API ward_error ward_supervisor_ask(ward_supervisor *supervisor, const char *name,
                                        ward_request request, ward_diag *ret_diag);
/** Status of the child `name`. `ret_status` is started with WARD_INIT. Any thread, once started.
 * Errors: NOT_FOUND. */
WARD_API ward_error ward_supervisor_child(const ward_supervisor *supervisor, const char *name,
                                          ward_child_status *ret_status);
/** Status of the group `name`, or of a component's instances. `ret_status` is started with
 * WARD_INIT. Any thread, once started; while some are not well, it takes time in proportion to all
 * children there are. Errors: NOT_FOUND. */
WARD_API ward_error ward_supervisor_group(const ward_supervisor *supervisor, const char *name,
                                          ward_group_status *ret_status);
/** Computes from a child's options what a fault takes. Not in the sums: waiting for a free start
 * and for needs that do not start with it, and a restart of its whole group after it was given up.
 * `ret_explanation` is started with WARD_INIT. Any thread. Errors: INVALID_ARGUMENT, NO_MEMORY. */
WARD_API ward_error ward_child_explain(const ward_explain_options *options,
                                       ward_explanation *ret_explanation, ward_diag *ret_diag);
/** Stops if needed and frees, children included; NULL is fine. */
WARD_API void ward_supervisor_free(ward_supervisor *supervisor);

/** Lower-case names: "state", "restart", …; "crash", "hang", …. Static. Any thread. */
WARD_API const char *ward_event_kind_name(ward_event_kind kind);
WARD_API const char *ward_cause_name(ward_cause cause); /**< "crash", … */
WARD_API const char *ward_fault_name(ward_fault fault); /**< "trap", … */

#ifdef __cplusplus
}
#endif
#endif
