/* What is to be seen of a running supervisor, for whoever watches all of it: surfaces, exporters.
 *
 * Nothing here waits for a guest, and look, figures and metrics, by id, take no lock that a worker
 * takes: a host whose workers are all held up is looked at as fast as an idle one. Any thread, but
 * not the event callback; once started. */
#ifndef WARD_OBSERVE_H
#define WARD_OBSERVE_H

#include <ward/message.h>
#include <ward/metric.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A child or a group, by what does not change while it is there. */
typedef struct ward_member {
    size_t size;              /**< of the struct that the library has filled */
    bool is_group;            /**< instances of a component are in a group of its name */
    bool instance;            /**< a child: one of many */
    bool native;              /**< a child: part of the application */
    ward_child_id id;         /**< a child's; 0: a group */
    const char *name;         /**< its own */
    const char *version;      /**< a child's; "" if it has none */
    const char *group;        /**< the group that it is in; "": the supervisor itself */
    uint32_t instances;       /**< a group: of one component, so many; 0: it is no such group */
    ward_restart restart;     /**< a child: when it is started again */
    uint64_t interval_ns;     /**< a child: between its checks */
    size_t need_count;        /**< a child: of needs */
    const char *const *needs; /**< a child: what it needs, by name */
} ward_member;

/** Told of a member, borrowed for the duration of the callback, which may call what takes an id,
 * and nothing else of the supervisor. */
typedef void (*ward_member_callback)(void *context, const ward_member *member);

/** Tells of all groups, each after the one that it is in, then of all children. Who is added or
 * removed meanwhile may be told of or not. Errors: STATE. */
WARD_API ward_error ward_supervisor_members(const ward_supervisor *supervisor,
                                            ward_member_callback callback, void *context);
/** The same in shares, for who has other things to do meanwhile: begins with `*cursor` 0, tells of
 * all groups in the first share, and of the children in some `count` places in each (0: of none);
 * `*cursor` is UINT64_MAX after the last. Errors: STATE. */
WARD_API ward_error ward_supervisor_members_some(const ward_supervisor *supervisor,
                                                 uint64_t *cursor, uint32_t count,
                                                 ward_member_callback callback, void *context);

/** Tells of the child of that id. Errors: NOT_FOUND, STATE. */
WARD_API ward_error ward_supervisor_member(const ward_supervisor *supervisor, ward_child_id id,
                                           ward_member_callback callback, void *context);
/** As ward_supervisor_child, by id and without a lock. Errors: NOT_FOUND, STATE. */
WARD_API ward_error ward_supervisor_look(const ward_supervisor *supervisor, ward_child_id id,
                                         ward_child_status *ret_status);
/** As ward_supervisor_metrics, by id and without a lock. Errors: the same, STATE. */
WARD_API ward_error ward_supervisor_look_metrics(const ward_supervisor *supervisor,
                                                 ward_child_id id, ward_metric *ret_metrics,
                                                 size_t *ret_count);

enum { WARD_LATENCY_BUCKETS = 12 };

/** Figures of a child. Counters begin with its being added. */
typedef struct ward_child_figures {
    size_t size;                  /**< set by WARD_INIT */
    ward_figures component;       /**< of its component; a native child: all zero but the state */
    ward_message_counts messages; /**< what became of its messages */
    uint32_t mailbox_waiting;     /**< messages in its mailbox */
    uint32_t mailbox_max;         /**< that it holds at most */
    uint64_t inside_ns;           /**< time inside its guest, in all calls that have ended */
    /** health exports that took up to ward_latency_bound of the bucket, and longer than that of the
     * one before */
    uint64_t latency_buckets[WARD_LATENCY_BUCKETS];
} ward_child_figures;

/** Upper bound of a bucket, seconds; infinity for the last. Static. Any thread. */
WARD_API double ward_latency_bound(size_t bucket);
/** Errors: NOT_FOUND, STATE. */
WARD_API ward_error ward_supervisor_figures(const ward_supervisor *supervisor, ward_child_id id,
                                            ward_child_figures *ret_figures);

/** How the host itself does. */
typedef struct ward_pulse {
    size_t size;            /**< set by WARD_INIT */
    bool started;           /**< and has not been asked to stop */
    bool stopping;          /**< or has stopped */
    uint32_t workers;       /**< threads that run children */
    uint64_t children;      /**< that there are, whatever their state */
    uint64_t worker_age_ns; /**< since the workers were asked what none has answered; 0: one has */
    uint64_t clock_age_ns;  /**< the same of the clock, which ends guests at their deadlines */
    uint64_t runs;          /**< of callbacks, by all workers */
    uint64_t steals;        /**< of work, by one worker from another */
    uint64_t timers_fired;  /**< all in all */
    uint64_t workers_stuck; /**< workers found to be held up in one call */
    uint64_t workers_missing; /**< of them, those that no spare could stand in for */
    /** calls of guests that wait, each on a stack of its own; of all supervisors of the host */
    uint64_t fiber_stacks;
    uint32_t workers_busy; /**< inside a callback at this very moment, stuck ones included */
} ward_pulse;

/** Looks, and asks the workers and the clock something to answer by the next time: of one who looks
 * once a second, an age of some seconds tells that they get nowhere. Errors: STATE. */
WARD_API ward_error ward_supervisor_pulse(const ward_supervisor *supervisor, ward_pulse *ret_pulse);

/** Puts WARD_EVENT_OPERATOR with these words into the stream of events: who has done what to the
 * member `name` ("": the whole). Errors: INVALID_ARGUMENT, STATE. */
WARD_API ward_error ward_supervisor_record(ward_supervisor *supervisor, const char *name,
                                           const char *words);

#ifdef __cplusplus
}
#endif
#endif
