/* Shared by the files of host alone. */
#ifndef WARDI_HOST_PRIV_H
#define WARDI_HOST_PRIV_H

#include <pthread.h>

#include <ward/evidence.h>
#include <ward/observe.h>

#include "access/access.h"
#include "component/component.h"
#include "health/health.h"
#include "host/host.h"
#include "sched/sched.h"
#include "supervise/supervise.h"

struct ward_host {
    wardi_engine *engine;
};

/* What the tree wants of a child next; a newer wish replaces one that was not begun. */
typedef enum child_wish { WISH_NOTHING, WISH_START, WISH_STOP, WISH_KILL } child_wish;

/* How somebody wants a child that is to be replaced. */
typedef enum child_stance {
    STANCE_NONE,
    STANCE_UP,
    STANCE_STOPPED,
    STANCE_QUARANTINED /* by hand; what was given up is wanted */
} child_stance;

typedef struct child child;
enum { CHILD_ALIGNMENT = 64, CHILD_NAME_BYTES = 128 };
typedef struct guest guest;
struct history;
struct budget;
struct evidence_record;
struct set_aside_list;
typedef struct check_round check_round;

/* What a child is to the health of its groups. */
typedef struct member_view {
    ward_child_health health;
    bool ready, given_up;
} member_view;

/* What a child is: a component (kind_component.c), or a part of the application (kind_native.c).
 * Its actor calls these, one at a time, without a lock. */
typedef struct child_kind {
    ward_error (*start)(child *c, ward_diag *ret_diag);
    /* Ends Terminated. BUSY: something of it runs still. Of what is not Ready, no code runs: so it
     * is called with the lock held once all is down. */
    ward_error (*stop)(child *c, ward_diag *ret_diag);
    void (*fail)(child *c, const ward_reason *reason); /* a Ready one: nothing is left of its run */
    void (*check)(child *c, ward_verdict *ret_verdict);
    void (*handle)(child *c, wardi_message *message);   /* takes it; not CHILD_HEALTH */
    void (*answered)(child *c, wardi_message *message); /* takes what it had asked */
    void (*free)(child *c);
    /* Any thread. */
    ward_state (*state)(const child *c);
    /* The rest may be NULL. Any thread: ends what runs in it now. */
    void (*interrupt)(child *c);
    void (*restarts_set)(child *c, uint32_t restarts_in_window);
    /* Any thread, never waits. True: it has been busy for too long, and this is its verdict. */
    bool (*busy)(const child *c, ward_verdict *ret_verdict);
} child_kind;

extern const child_kind component_kind, native_kind;

/* A reason that is kept (reason.c): replaced under the supervisor's lock, and read by any thread.
 */
typedef struct kept_reason {
    uint16_t length;
    bool cut;
    const char *text;
    struct kept_reason *next; /* of those that were replaced */
} kept_reason;
typedef _Atomic(kept_reason *) reason_place; /* NULL: there is none */

void reason_drop(ward_supervisor *s, reason_place *place);
/* Nobody looks any more, and no lock is held. */
void reason_free(reason_place *place);
/* Without memory for them it says so instead. */
void reason_keep(ward_supervisor *s, reason_place *place, const ward_reason *reason);
/* Any thread, without the lock. */
void reason_get(ward_supervisor *s, const reason_place *place, ward_reason *ret_reason);
/* "" for none. The lock is held. */
const char *reason_text(const reason_place *place);
/* Those that were replaced; nobody reads any more. */
void reasons_done(ward_supervisor *s);

/* An actor, a leaf of the tree, and what runs. Begins a line of memory, and so does its actor: very
 * many have their checks in a row, and what a check touches is around the actor. */
struct child {
    /* Set by add, then read only. */
    ward_supervisor *supervisor; /* first: clang's {0} may not meet the actor's atomics */
    const child_kind *kind;
    ward_component *component; /* of this kind, or NULL */
    struct budget *budget;     /* of processor time; NULL: no limit */
    bool mailbox_judged;       /* its depth is a resource that health judges */
    bool restarts_judged;      /* a threshold is set for restarts */

    /* The actor's own. */
    bool handling;          /* a message, from its delivery to its end, however often it waits */
    bool timer_is_set;      /* the actor's, for anything but a check that its round makes */
    uint32_t run;           /* that is up; 0: none */
    uint64_t check_due_ns;  /* of the next check; WARDI_FOREVER: none */
    uint64_t resume_due_ns; /* of what waits; WARDI_FOREVER: nothing does */

    /* That makes its checks; NULL: its own timer does. Set right after its actor is made. */
    _Atomic(check_round *) round;

    wardi_actor actor; /* runs one callback at a time: only it enters what runs */

    /* Set by add, then read only. */
    struct native *native; /* of this kind, or NULL */
    const char *name;      /* what runs has it, and its version */

    /* The actor's own. */
    _Atomic(guest *) guest; /* what it has of us; NULL: nothing yet. Any thread reads */
    uint64_t
        owed_due_ns; /* of a check that found the guest waiting in a message; 0: none is owed */
    _Atomic uint64_t checked_at_ns; /* 0: never; any thread reads */

    /* Set by add, then read only. */
    uint64_t interval_ns;
    double full_at; /* share of the mailbox; negative: it is never full */

    bool slow; /* its last check was: the actor's own */

    /* Under the supervisor's lock; but the actor alone writes them, and reads them without. */
    bool full; /* and its level, as the actor found its mailbox */
    wardi_trend trend;

    /* No check at its interval that finds what the last one found looks at what follows. */

    /* Set by add, then read only. */
    bool instance; /* one of many */
    const char *version;
    char **need_names; /* as they were given: of instances, the one for all */
    size_t need_name_count, need_count;
    uint64_t startup_interval_ns, message_timeout_ns;
    wardi_mailbox_options mailbox;
    wardi_trend_policy trend_policy;
    wardi_tree_policy tree_policy;
    bool ready_when_degraded;
    uint64_t resource_window_ns; /* restarts in it are another */
    wardi_grants *grants;        /* NULL: nothing is granted */
    char **metadata;             /* "key=value" */
    size_t metadata_count;
    uint32_t message_bytes_max, log_rate, timers_max, poison_after;

    /* The actor's own, too. */
    wardi_message *message;     /* that is handled; NULL: it has been answered, or will be later */
    uint64_t awaits;            /* the request whose answer its guest waits for; 0: none */
    _Atomic uint64_t waits_for; /* from whom; any thread reads */
    _Atomic(wardi_message *) again;   /* ended the last run, is tried once more; any thread reads */
    _Atomic uint64_t set_aside_count; /* any thread reads, as of the next two: messages that */
    _Atomic uint64_t unhandled;       /* … it has no handler for */
    _Atomic uint64_t expired_late;    /* … had no time left when they were to be tried again */
    _Atomic uint64_t looks;  /* askers of its health that were answered from outside; any thread */
    struct history *history; /* NULL: there is nothing to tell */
    uint64_t ends;           /* of runs, by themselves */
    uint64_t began_ns;       /* the start of the run that is up, or was last */
    uint64_t up_ns;          /* by the scheduler's clock: since when it is up, or was last */
    uint64_t doubted_ns;     /* the last check before those that find it unwell; 0: it is well */

    /* Written under the supervisor's lock, read by any thread: what it looks like (look.c). */
    _Atomic uint32_t shown;
    _Atomic uint32_t restarts, restarts_by_cause[WARD_CAUSES_MAX];

    /* Under the supervisor's lock. */
    wardi_node_id node;
    struct group *group;                /* NULL: in none */
    uint32_t place;                     /* an instance's, among its group's members */
    member_view seen;                   /* what its groups have counted */
    struct child **needs, **dependents; /* each need's `dependents` has this child */
    size_t dependent_count, dependent_room;
    child_wish wish;
    uint32_t wish_run;
    bool removed;    /* freed when its actor has ended */
    uint8_t retired; /* child_stance: it makes way, and was wanted so; STANCE_NONE: it stays */
    bool given_up, ready;
    wardi_mailbox_level level; /* the actor alone writes it */
    bool went_down;            /* and is held: whether it is a restart is not decided yet */
    wardi_window restarts_recent;
    reason_place reason;              /* of the health */
    reason_place unready_reason;      /* when not ready */
    struct evidence_record *evidence; /* of the last end; NULL: none, or it made way */
    struct set_aside_list *set_aside;
    struct child *unsettled; /* next in readiness' work list; itself: the last; NULL: not in it */
};

static_assert(offsetof(struct child, actor) == CHILD_ALIGNMENT, "the actor begins a line");
static_assert(offsetof(struct child, guest) % CHILD_ALIGNMENT == 0 &&
                  offsetof(struct child, trend.change_count) ==
                      offsetof(struct child, guest) + CHILD_ALIGNMENT,
              "what a check looks at behind the actor is one line");

typedef struct group {
    char *name;
    uint32_t instances; /* of one component, as it was added; 0: it is no such group */
    wardi_node_id node;
    struct group *above; /* NULL: the supervisor itself */
    ward_group_health policy;
    bool quarantined;
    wardi_group_counts counts; /* of all children below it */
    child **members;           /* its instances, those that are ready first; NULL: it has none */
    uint32_t member_count, member_room, ready_count, turn;
    ward_child_health health; /* as it was told last */
    bool ready;
} group;

/* Children by name: open addressing, at most half full. */
typedef struct name_table {
    child **slots;
    size_t room, count;
} name_table;

typedef struct event_record {
    ward_event event; /* event.reason and the names point nowhere until delivery */
    ward_reason reason;
    char component[128], version[128]; /* a child may be gone by then */
} event_record;

typedef struct event_batch {
    event_record *records;
    size_t count, capacity;
} event_batch;

/* What the threads of the host were asked last, and whether they have answered: see look.c. */
typedef struct pulse_state {
    _Atomic uint64_t workers_asked_ns, clock_asked_ns; /* 0: answered */
} pulse_state;

struct ward_supervisor {
    wardi_engine *engine;
    ward_event_callback on_event;
    void *event_context;
    ward_log_callback on_log; /* NULL: lines are only counted */
    void *log_context;
    uint32_t worker_count;
    const wardi_sched_world *world; /* NULL: threads */
    wardi_sched *sched;             /* NULL: not started */
    wardi_watcher watcher;          /* of stuck workers */

    ward_evidence_callback on_evidence;
    void *evidence_context;
    char *core_dump_directory; /* NULL: none are written */

    _Atomic uint32_t reason_readers; /* at this moment; see reason.c */
    pulse_state pulse;

    pthread_mutex_t topics_lock; /* of the index alone; taken last, and held for no send */
    wardi_topics *topics;

    pthread_mutex_t lock; /* guards what follows; never held inside a guest or a callback */
    pthread_cond_t changed;
    wardi_tree *tree;
    wardi_actor keeper; /* of the tree's timers */
    uint64_t keeper_due_ns;
    check_round **rounds; /* by grain of the scheduler's places; NULL: none yet */
    size_t rounds_room;
    _Atomic uint32_t round_count; /* read without the lock, as the next one */
    atomic_bool rounds_stuck;     /* maybe: a worker is */
    child **children;             /* each at a fixed address: actors must not move */
    size_t child_count, child_capacity;
    name_table names;
    wardi_node_id *needs_room; /* scratch for child_needs_tell */
    size_t needs_room_count;
    group **groups; /* each at a fixed address: children and groups point to them */
    size_t group_count;
    bool linked, stopped;
    atomic_bool started, stopping;                           /* read without the lock as well */
    kept_reason *reasons_replaced;                           /* that somebody may still read */
    struct evidence_record *evidence_first, **evidence_last; /* that are kept, oldest first */
    size_t evidence_kept;
    uint64_t evidence_lost;               /* for want of memory */
    uint64_t event_sequence, events_lost; /* lost: and not told of yet */
    event_batch pending, spare; /* events that wait; the batch that is being delivered, or empty */
    bool delivering;
};

/* Gives the lock up, once nothing waits to be told. */
void supervisor_unlock(ward_supervisor *s);
/* Waits for a change, until the monotonic time at most. The lock is held. */
void supervisor_wait(ward_supervisor *s, uint64_t deadline_ns);

/* ---- children (child.c) ---- */

ward_error child_new(ward_supervisor *s, const ward_child_options *options, child **ret_child,
                     ward_diag *ret_diag);
void child_free(child *c);
/* What a child's options, and those of what runs, mean: its policies. Nothing to free. */
ward_error child_resolve(const ward_child_options *options, child *ret_child, ward_diag *ret_diag);
static inline const char *child_name(const child *c)
{
    return c->name;
}
static inline ward_state child_state(const child *c)
{
    return c->kind->state(c);
}
/* Makes what runs, and its name. The options were checked. */
ward_error component_child_new(child *c, const ward_component_options *options,
                               ward_diag *ret_diag);
ward_error native_child_new(child *c, const ward_native_options *options, ward_diag *ret_diag);
ward_error native_options_check(const ward_native_options *options, ward_diag *ret_diag);
ward_error backoff_to_policy(const ward_backoff *backoff, wardi_tree_policy *policy,
                             ward_diag *ret_diag);

/* The name that an instance shares with the others, as text in `buffer`. */
const char *family_of(const char *instance, char buffer[CHILD_NAME_BYTES]);
/* Whether these grants cover the child, by its own name or that of all instances. Any thread. */
bool child_granted(const wardi_grants *grants, wardi_verb verb, const child *c);
/* Whether it may be called by that one; what is no component may by all. Any thread. */
bool child_welcomes(const child *c, const child *from);

/* ---- adding (add.c) ---- */

ward_error supervision_resolve(ward_strategy strategy, int32_t failures_max, uint64_t window_ns,
                               wardi_supervision *ret_supervision, ward_diag *ret_diag);
/* The group of that name, or NULL. The lock is held. */
group *groups_find(const ward_supervisor *s, const char *name);
/* Adds a group. The lock is held, as below. */
ward_error group_add(ward_supervisor *s, const ward_group_options *own, group **ret_group,
                     ward_diag *ret_diag);
/* Room for so many more, so that children_put can't fail. */
bool children_reserve(ward_supervisor *s, size_t more);
/* What its node is like, and those of children with the same options: its policy and, once all
 * runs, its needs, which are the caller's to free; before, tree_link tells them all. */
ward_error child_shape(ward_supervisor *s, const child *c, wardi_node_options *ret_shape,
                       ward_diag *ret_diag);
/* NULL, of a name and of a group, is the supervisor itself. NOT_FOUND. */
ward_error group_named(const ward_supervisor *s, const char *name, group **ret_group,
                       ward_diag *ret_diag);
wardi_node_id node_of(const ward_supervisor *s, const group *g);
/* Its options, checked and whole. */
ward_error child_options_own(const ward_supervisor *s, const ward_child_options *options,
                             ward_child_options *ret_own, ward_diag *ret_diag);
/* It has a node: gives it its place in a group and among all, for which there is room. */
void child_put(ward_supervisor *s, child *c, group *in);
/* Gives the child a node of this shape, and its place in a group and among all. STATE: what it
 * needs, or its group, is being removed. */
ward_error child_enter(ward_supervisor *s, child *c, group *in, const wardi_node_options *shape,
                       ward_diag *ret_diag);
/* Frees a child that did not enter; `acts`: its actor lives. */
void child_discard(child *c, bool acts);

/* ---- instances (instances.c) ---- */

ward_error instances_add(ward_supervisor *s, const ward_child_options *own, ward_diag *ret_diag);
/* Makes the child `index` of those, which nobody sees yet. */
ward_error instance_make(ward_supervisor *s, const ward_child_options *own, uint32_t index,
                         child **ret_child, ward_diag *ret_diag);

/* ---- the health of groups (group.c); the lock is held ---- */

/* The child counts from now on, or no longer. Nobody is told. */
void group_join(child *c, group *g);
void group_leave(child *c);
/* It may have changed: its groups count it anew, and tell what that makes of them. */
void group_update(child *c);
/* Its node went into quarantine, or came back. */
void group_quarantine(ward_supervisor *s, group *g, bool quarantined);
/* Tells of it and those above, if there is something to tell. */
void group_tell(ward_supervisor *s, group *g);
/* An event of what was done to it, "changed", and what follows. */
void group_note(ward_supervisor *s, group *g, const char *words);
/* Whose turn it is of its instances that are ready, or else of all of them; not `self`, if there is
 * another. NULL: there are none. */
child *group_next(group *g, const child *self);
/* The group of that node, or NULL. */
group *group_at(const ward_supervisor *s, wardi_node_id node);
void group_free(group *g);
/* Nobody points to it any more. */
void group_forget(ward_supervisor *s, group *g);
/* Makes the child's actor live. */
ward_error actor_make(ward_supervisor *s, child *c, ward_diag *ret_diag);

/* ---- how it looks from outside (look.c) ---- */

/* What has changed of it can be seen from now on. The lock is held. */
void child_show(child *c, bool given_up);
void child_look(const child *c, ward_child_status *ret_status);
void message_counts_of(const child *c, ward_message_counts *ret_counts);
/* By a worker, and by the clock. */
void pulse_of_workers(ward_supervisor *s);
void pulse_of_clock(ward_supervisor *s);

/* ---- many in a row (grain.c) ---- */

enum { GRAIN = 64 };
/* A guest that took so long may do so again, and so may its neighbours. */
#define GRAIN_SLOW_NS WARDI_MS
/* Child `i` of the grain; it does not end meanwhile. */
typedef void (*grain_visit)(void *context, uint32_t i, child *c);
/* Visits each child in `count` places of the scheduler, GRAIN at most, in their order. */
void grain_each(wardi_sched *sched, uint32_t first, uint32_t count, grain_visit visit,
                void *context);

/* ---- checks at their intervals (round.c) ---- */

/* Of the children in a grain of places. */
struct check_round {
    wardi_actor actor;
    ward_supervisor *supervisor;
    uint32_t first;            /* place */
    uint32_t at;               /* its own: the place from there on that is the next one's first */
    _Atomic uint64_t next_ns;  /* the first check is due; WARDI_FOREVER: none is */
    _Atomic uint64_t began_ns; /* the round that is under way; 0: none is */
    atomic_bool held_up;       /* its children go by timers of their own meanwhile */
};
/* A check may come earlier by this part of its interval, never later. */
enum { ROUND_EARLY = 16 };
/* Whose check takes so long goes by a timer of its own, until one is faster. */
#define ROUND_SLOW_NS (100 * WARDI_US)
typedef struct round_time {
    uint64_t now_ns;    /* the time, but for what is not the guests' */
    uint64_t enough_ns; /* from then on, the rest has to wait for the next round */
    uint64_t next_ns;   /* when that is due, as far as is known */
} round_time;
/* The child, whose actor has just been made, gets its checks in a round; without memory for one,
 * from its own timer. The lock is held, or nothing runs yet. */
void round_join(child *c);
/* A check is due then. Any thread. */
void round_expect(check_round *r, uint64_t due_ns);
/* By the clock: a worker has been found stuck. */
void rounds_may_be_stuck(ward_supervisor *s);
/* By the keeper: if one has, sees to the children of rounds that are held up. The lock is held. */
void rounds_relieve(ward_supervisor *s);
/* Nothing runs any more. */
void rounds_done(ward_supervisor *s);
/* A child's part in it: a wardi_visit with a round_time (life.c). */
wardi_next child_in_round(wardi_actor *self, void *context);

/* ---- names and needs (links.c) ---- */

child *names_find(const name_table *names, const char *name);
/* Room for so many more, so that names_put can't fail. */
bool names_reserve(name_table *names, size_t more);
void names_put(name_table *names, child *c);
void names_remove(name_table *names, const char *name);
void names_done(name_table *names);
/* Turns the names of a child's needs into children, both ways. NOT_FOUND, NO_MEMORY; then nothing
 * has changed. */
ward_error child_link(ward_supervisor *s, child *c, ward_diag *ret_diag);
void child_unlink(child *c);
/* It goes: who still needs it, and goes as well, needs it no more. */
void child_cut(child *c);
/* Instance `i` of those; NULL: it has been removed. */
child *instance_of(const ward_supervisor *s, const group *g, uint32_t i);
/* Whether it asks for that name itself. */
bool child_names(const child *c, const char *need);
/* Tells the tree what the child needs now. needs_reserve has made room: for so many needs of one
 * child, and of all. */
void child_needs_tell(child *c);
bool needs_reserve(ward_supervisor *s, size_t of_one, size_t of_all);
/* Tells the tree of the needs of all children: CYCLE has a path. */
ward_error tree_link(ward_supervisor *s, ward_diag *ret_diag);

/* ---- events (events.c) ---- */

/* A blank event of this child, for the caller to complete. */
ward_event event_of(const child *c, ward_event_kind kind);
/* Queues an event; the lock is held. */
void event_push(ward_supervisor *s, ward_event event, const char *reason);
/* Hands queued events to the callback, in order, unless another thread is at it; the lock is held,
 * and given up meanwhile. */
void events_deliver(ward_supervisor *s);
void events_done(ward_supervisor *s);

/* ---- the tree's will (tree.c); the lock is held ---- */

/* Takes the actions of what the tree has just been told. */
void tree_obey(ward_supervisor *s);
/* Asks something of a node, and takes the actions. */
wardi_tree_answer tree_ask(ward_supervisor *s, wardi_node_id id, wardi_node_event_kind kind);
/* Tells the tree what has become of a child's run. */
void tree_report(child *c, wardi_node_event_kind kind, ward_cause cause);
extern const wardi_behaviour keeper_behaviour;

/* ---- readiness (ready.c) ---- */

/* The child's state or health has changed: what follows for it, and for those behind it. The lock
 * is held. */
void ready_update(child *c);
/* The actor looks whether its mailbox is full; ready_update then says what follows. The lock is
 * held. */
void ready_look(child *c);
/* The same after a message, where only an end of being full is looked for: what fills a mailbox is
 * seen by the next check, so that a message costs nothing. By the actor; no lock is held. */
void ready_after_message(child *c);
/* Whether a look would find its mailbox as full as the last one did. Its actor's; no lock. */
bool ready_is_steady(const child *c);

/* ---- a child's life (life.c) ---- */

extern const wardi_behaviour child_behaviour;
enum { CHILD_FETCHES_MEMORY = 2 }; /* the step in which its guest's memory is fetched */
/* The child whose actor this is; NULL: it is none's. The actor does not end meanwhile. */
static inline child *child_in(const wardi_actor *actor)
{
    return actor->behaviour == &child_behaviour ? actor->context : NULL;
}
/* Its run has ended, for this reason: evidence is taken, it is failed, and the tree is told. No
 * lock is held. */
void child_die(child *c, const ward_reason *reason, ward_cause cause, uint64_t detected_ns);

/* Somebody wants it down, and it is, since it has failed or never ran: Terminated from now on. The
 * lock is held. */
void child_rest(child *c);

/* Sets the actor's timer to whatever is due next. */
void child_timer(child *c);

/* ---- what its guest has of it: the imports of module `ward` (guest*.c, topics.c) ---- */

extern const wardi_import guest_imports[];
extern const size_t guest_import_count;
/* Takes the answer to a request of its guest's. True: that is what it waits for. */
bool guest_answered(child *c, wardi_message *message);
/* The message that it handled is over, and so is its number. */
void guest_message_over(child *c);
/* Nothing of a run outlives it: requests are forgotten, and who waits for a deferred answer is told
 * the cause. */
void guest_run_over(child *c, ward_error cause);
void guest_free(child *c);
/* When the first of its guest's timers is due; WARDI_FOREVER: none is open. */
uint64_t guest_timers_due_ns(const child *c);
/* Sends what those that are due have to send; maybe not all at once. */
void guest_timers_fire(child *c, uint64_t now_ns);
void guest_tell(const child *c, ward_child_status *status);
/* As ward_supervisor_metrics. Any thread, while the child is there. */
ward_error guest_metrics_of(const child *c, ward_metric *ret_metrics, size_t *ret_count);
/* The name of who sent it: nothing for the application. False: it has been removed. */
bool message_sender(wardi_sched *sched, const wardi_message *message, wardi_text *name);
/* What keeps a topic, or so many bytes, from being published: INVALID_ARGUMENT. */
ward_error topics_fault(const char *topic, size_t length, ward_diag *ret_diag);
/* Sends to all who hear of the topic, which is one. Errors: NO_MEMORY. */
ward_error topics_publish(ward_supervisor *s, wardi_actor_id from, const char *topic,
                          const uint8_t *bytes, size_t length, size_t *ret_count,
                          ward_diag *ret_diag);
/* It hears of nothing any more. */
void topics_forget(child *c);

/* ---- its budget of processor time (budget.c) ---- */

/* `cpu_ns` 0: there is no limit. */
ward_error budget_new(child *c, uint64_t cpu_ns, uint64_t interval_ns, ward_diag *ret_diag);
/* Around what its actor does. */
uint64_t budget_enter(const child *c);
void budget_leave(child *c, uint64_t entered_ns);
/* Until when it owes time; WARDI_FOREVER: it does not. */
uint64_t budget_due_ns(const child *c);
void budget_tell(const child *c, ward_child_status *status);

/* ---- what it has been through (history.c), and evidence (evidence.c); its actor's ---- */

void history_begin(child *c, const wardi_message *message);
void history_end(child *c, ward_error outcome);
void history_line(child *c, ward_log_level level, const char *text);
void history_change(child *c, bool is_health, int from, int to);
void history_tell(const child *c, ward_evidence *evidence);
void history_free(child *c);
/* How long the last message took. */
uint64_t history_took_ns(const child *c);
/* Keeps what is known of a run that ends now, while it is still there, and returns its number; 0:
 * there was no memory. No lock is held. */
uint64_t evidence_take(child *c, const ward_reason *reason, ward_cause cause, uint64_t detected_ns);
/* Lets go of it. The lock is held. */
void evidence_drop(child *c);
/* Keeps the beginning of a message that has ended its receiver; the message stays the caller's. */
void set_aside(child *c, const wardi_message *message, uint32_t deaths, const ward_reason *reason);

/* ---- what it does with a message (handle.c) ---- */

/* What the guest is given of a message. */
void message_bytes(const wardi_message *message, const uint8_t **ret_bytes, uint32_t *ret_length);
/* Handles once more what ended the last run, if there is such a message. */
void child_again(child *c);

/* Goes on with the message that is being handled: its time has come, or what it waits for has. */
void child_resume(child *c);
/* Ends it, if there is one: who sent it is told, and the child goes on as if nothing had been. */
void child_abort(child *c);

/* Takes the message. No lock is held. */
void child_handle(child *c, wardi_message *message);
/* A component's messages, and answers. */
void component_handle(child *c, wardi_message *message);
void component_answered(child *c, wardi_message *message);
/* Whether a native child takes answers. */
bool native_hears(const child *c);
enum { ANSWER_BYTES_MAX = 1 << 20 };
/* If the error is one that ends what runs, its run has ended. No lock is held. */
void after_call(child *c, ward_error error, const ward_diag *diag);

#endif
