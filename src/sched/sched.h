/* sched: actors, mailboxes, workers, timers. Many actors run on few threads, each on one thread at
 * a time, and nobody's message is lost without a word.
 *
 * An actor lives inside its owner's object and has an id that may be kept for ever: a send to one
 * that has ended is an error, never a crash. Whoever makes a message owns it until a verb takes it;
 * a message that asks for an answer gets exactly one, from the receiver or, if it was lost, from
 * here with the cause. The room knows nothing of Wasm, health or supervision, and decides nothing
 * for them: what a message means is its users' affair.
 *
 * Time, chance and waiting are handed in (wardi_sched_world): with one, no thread is started, and
 * the same code runs step by step, the same way each time. docs/concurrency.md has the protocols.
 */
#ifndef WARDI_SCHED_H
#define WARDI_SCHED_H

#include <assert.h>
#include <stdatomic.h>

#include "core/core.h"

typedef struct wardi_sched wardi_sched;
typedef struct wardi_actor wardi_actor;
typedef struct wardi_message wardi_message;

/** Names an actor for ever: generation and place. 0 is nobody. */
typedef uint64_t wardi_actor_id;

/* ---- messages ---- */

enum { WARDI_MESSAGE_INLINE_BYTES = 56 };

typedef enum wardi_lane {
    WARDI_LANE_USER,
    WARDI_LANE_SYSTEM, /* delivered before every user message, also while the actor waits */
    WARDI_LANE_ANSWER, /* set by wardi_message_answer; as system, and never refused: the receiver
                          bounded it by asking */
} wardi_lane;

/** Who is told how it ended. */
typedef enum wardi_asker {
    WARDI_ASKER_NONE,
    WARDI_ASKER_THREAD,      /* waits in wardi_message_await */
    WARDI_ASKER_ACTOR,       /* `sender` gets the message back in its answer lane */
    WARDI_ASKER_SENT = 0x80, /* a send took it: until then nobody waits */
} wardi_asker;

/** Two cache lines from the calling thread's cache: no allocation between warm threads. Its fields
 * belong to whoever owns the message, except those of sched. An answer is the request itself on its
 * way back, so that telling a sender what became of it never needs memory. */
struct wardi_message {
    wardi_message *next; /* sched's, while in a lane or a cache */
    uint64_t correlation;
    wardi_actor_id sender; /* whose answer lane; 0: no actor */
    uint64_t expiry_ns;    /* by wardi_sched_now; 0: never */
    void *payload;         /* NULL, inline_bytes, or see wardi_message_attach */
    void (*release)(void *payload, size_t length); /* sched's */
    void *context;                                 /* its users' */
    uint32_t length;
    uint16_t kind; /* its users' */
    uint8_t lane;  /* wardi_lane; the user lane unless set */
    uint8_t asker; /* sched's; wardi_asker, and whether it was sent */
    /* The second line: what the receiver writes while the asker looks at it. */
    uint32_t status;         /* ward_error; of an answer: what became of the request */
    _Atomic uint32_t answer; /* sched's: what the waiting thread and the answerer agree on */
    uint8_t inline_bytes[WARDI_MESSAGE_INLINE_BYTES];
};

static_assert(offsetof(wardi_message, status) == 64 && sizeof(wardi_message) == 128, "two lines");

/** Returns a message with everything zero but `kind` and the inline bytes, or NULL: out of memory.
 * Any thread. */
wardi_message *wardi_message_new(uint16_t kind);
/** Copies `bytes` in: inline up to WARDI_MESSAGE_INLINE_BYTES, else on the heap. Replaces what was
 * there. False: out of memory, and the message is as it was. */
bool wardi_message_put(wardi_message *message, const void *bytes, size_t length);
/** Takes `payload`; `release` (may be NULL: nothing to do) ends it. Replaces what was there. */
void wardi_message_attach(wardi_message *message, void *payload, uint32_t length,
                          void (*release)(void *payload, size_t length));
/** Before a send: the calling thread will collect the answer by wardi_message_await. */
void wardi_message_ask_thread(wardi_message *message);
/** Before a send: `asker` gets the answer as a message of its own. */
void wardi_message_ask_actor(wardi_message *message, const wardi_actor *asker);
/** Somebody waits for what becomes of it. */
static inline bool wardi_message_asks(const wardi_message *message)
{
    return message->asker != WARDI_ASKER_NONE;
}
/** Takes the message back to who asked, with its payload as it is now and this status; to nobody,
 * when nobody asked. `sched` is where the asker lives. Any thread. */
void wardi_message_answer(wardi_sched *sched, wardi_message *message, ward_error status);
/** Takes it, NULL too. Who asked and was not answered yet is told WARD_ERROR_UNANSWERED. */
void wardi_message_free(wardi_sched *sched, wardi_message *message);
/** Its time is over. */
bool wardi_message_is_late(const wardi_sched *sched, const wardi_message *message);
/** Waits for the answer of a message that was sent with _ask_thread. WARD_OK: it is the caller's
 * again, and `status` tells what became of it. WARD_ERROR_REPLY_TIMEOUT, or WARD_ERROR_WOULD_BLOCK
 * on a worker of `sched`: the message is gone, and its answer will be thrown away. */
ward_error wardi_message_await(wardi_sched *sched, wardi_message *message, uint64_t deadline_ns);
/** The same, but whoever waits goes on waiting: only on WARD_OK the message is the caller's again.
 */
ward_error wardi_message_wait(wardi_sched *sched, wardi_message *message, uint64_t until_ns);
/** Gives what this thread and the process keep for the next messages back to the system. */
void wardi_message_trim(void);

/* ---- actors ---- */

/** What a callback says the actor does next. */
typedef enum wardi_next {
    WARDI_READY,   /* takes user messages */
    WARDI_WAITING, /* an activity is under way elsewhere: only system messages, answers, the timer
                      and wakes get in, until one of them returns WARDI_READY */
    WARDI_STOP,    /* as wardi_actor_stop */
} wardi_next;

/** What an actor does. One callback runs at a time for one actor, on any worker, and no lock is
 * held. Callbacks may be NULL but `receive`; a NULL one changes nothing. */
typedef struct wardi_behaviour {
    /** Takes the message: it ends in one of answer, free, or another send. */
    wardi_next (*receive)(wardi_actor *self, wardi_message *message);
    wardi_next (*timer)(wardi_actor *self);
    /** After wardi_actor_wake: once for one wake or several. */
    wardi_next (*wake)(wardi_actor *self);
    /** Takes a message that was in the mailbox at the end. NULL: who asked is told
     * WARD_ERROR_UNDELIVERED. */
    void (*undelivered)(wardi_actor *self, wardi_message *message);
    /** The last there is: nobody reaches the actor any more, its memory is the owner's again. */
    void (*ended)(wardi_actor *self);
    /** Fetches what `timer` will touch, from step 0 to the last: each step may read what the one
     * before has fetched. Called ahead, for many in a row, by any thread while others run the
     * actor: it reads nothing that they write. */
    void (*fetch)(const wardi_actor *self, uint32_t step);
} wardi_behaviour;

enum { WARDI_FETCH_STEPS = 4 };

/** What a send to a full user lane does. */
typedef enum wardi_full {
    WARDI_FULL_REJECT,      /* WARD_ERROR_MAILBOX_FULL; the sender keeps the message */
    WARDI_FULL_DROP_OLDEST, /* who asked the oldest is told WARD_ERROR_MESSAGE_DROPPED */
    WARDI_FULL_DROP_NEWEST, /* WARD_OK; who asked this one is told WARD_ERROR_MESSAGE_DROPPED */
    WARDI_FULL_BLOCK,       /* waits up to `block_ns`, but not on a worker */
} wardi_full;

enum { WARDI_MAILBOX_MAX_DEFAULT = 64, WARDI_MAILBOX_MAX = 1 << 20 };

typedef struct wardi_mailbox_options {
    uint32_t user_max; /* 0: 64. The lane's memory, 16 to 32 bytes each, comes with the first one */
    uint32_t system_max; /* 0: 64. Costs nothing */
    wardi_full full;
    uint64_t block_ns; /* with WARDI_FULL_BLOCK; 0: one second */
    bool waiting;      /* the actor begins as WARDI_WAITING does */
} wardi_mailbox_options;

/** At a quiescent point: sent = handled + refused + dropped_oldest + dropped_newest + expired +
 * undelivered + pending. */
typedef struct wardi_counts {
    uint64_t sent, handled, refused, dropped_oldest, dropped_newest, expired, undelivered, pending;
} wardi_counts;

/* Intrusive parts, plain to see because actors are embedded; sched's alone. */
typedef struct wardi_link {
    _Atomic(struct wardi_link *) next;
} wardi_link;
typedef struct wardi_timer_node {
    struct wardi_timer_node *next, **link; /* link: what points here; NULL: not set */
    struct wardi_timer_node *hint;         /* fires some places later, or did; only to prefetch */
    uint64_t tick;
    struct timer_shard *shard; /* the last it was set in; NULL: it never was */
    uint32_t slot;
    bool armed; /* set, and the actor has not seen it fire */
} wardi_timer_node;

/** Embedded in its owner's object; no other allocation but the user lane. Fastest where it begins a
 * cache line. Fields are sched's, a line each by who writes them; `context` is the owner's. */
struct wardi_actor {
    /* many threads */
    wardi_link link;                     /* in one run queue, or none */
    _Atomic uint32_t phase;              /* idle, queued, running, again, ending */
    _Atomic uint32_t signals;            /* stop, timer, wake */
    _Atomic(wardi_message *) system_top; /* newest first */
    _Atomic uint32_t system_count;       /* system messages inside; answers are counted apart */
    _Atomic uint32_t answers_count;
    _Atomic uint32_t closed;  /* a stop was taken: sends are refused */
    _Atomic uint32_t blocked; /* senders that wait for room */
    _Atomic uint32_t room;    /* they wait for this to change */
    uint32_t next;            /* wardi_next; who runs it writes, and only what is new */
    _Atomic uint64_t visited; /* system messages that a visit stood for: who runs it writes */
    _Atomic uint64_t refused;
    /* nobody, once it lives; but the lane comes with its first message, and `behaviour` from its
     * own callbacks */
    _Atomic(struct bounded *) user_lane;
    wardi_sched *sched;
    wardi_actor_id id;
    uint64_t block_ns;
    uint32_t user_max, system_max, full, magic;
    const wardi_behaviour *behaviour;
    void *context;
    /* the worker that runs it */
    wardi_message *system_list; /* oldest first */
    _Atomic uint64_t system_taken, answers_taken, handled, expired, undelivered;
    _Atomic uint64_t dropped_newest; /* senders */
    wardi_timer_node timer;          /* under its shard's lock */
    _Atomic uint64_t dropped_oldest; /* senders */
};
static_assert(offsetof(wardi_actor, user_lane) == 64 && offsetof(wardi_actor, system_list) == 128 &&
                  sizeof(wardi_actor) <= 256,
              "a million of them");

/** Makes `actor` live: it can be sent to, and runs when there is something to do. `behaviour` must
 * outlive it; `mailbox` may be NULL. WARD_ERROR_NO_MEMORY: nothing happened. Any thread. */
ward_error wardi_actor_init(wardi_actor *actor, wardi_sched *sched,
                            const wardi_behaviour *behaviour, const wardi_mailbox_options *mailbox);
/** Takes `message` and returns WARD_OK, or leaves it to the caller: WARD_ERROR_MAILBOX_FULL,
 * _MAILBOX_TIMEOUT, _WOULD_BLOCK (full, would wait, and this is a worker), _ACTOR_GONE, _NO_MEMORY
 * (the first message to the user lane only). By pointer only where the caller knows that the actor
 * does not end before this returns; else by id. Any thread. */
ward_error wardi_actor_send(wardi_actor *to, wardi_message *message);
ward_error wardi_sched_send(wardi_sched *sched, wardi_actor_id id, wardi_message *message);
/** A send to it will soon follow, after some others: fetches what that send will write. For whoever
 * asks very many in a row. Any thread; any id. */
void wardi_sched_hint(wardi_sched *sched, wardi_actor_id id);
/** Its `wake` will run, whatever it does now. By pointer or id as above; false: it has ended. */
void wardi_actor_wake(wardi_actor *actor);
bool wardi_sched_wake(wardi_sched *sched, wardi_actor_id id);
/** Lets somebody look at the actor of that id, which does not end meanwhile. `look` is brief, and
 * reads what any thread may. False: it has ended. Any thread. */
bool wardi_sched_look(wardi_sched *sched, wardi_actor_id id,
                      void (*look)(void *context, wardi_actor *actor), void *context);
/** It handles nothing more: `undelivered` for what is in its mailbox, then `ended`. Again: nothing.
 */
void wardi_actor_stop(wardi_actor *actor);
bool wardi_sched_stop(wardi_sched *sched, wardi_actor_id id);
/** The actor's one timer, set anew or for the first time: `timer` runs at `deadline_ns` or up to a
 * millisecond later, never before; more than 69 years after the machine's start: never. O(1). In
 * the actor's own callbacks only. */
void wardi_actor_timer_set(wardi_actor *actor, uint64_t deadline_ns);
/** After it, `timer` does not run. */
void wardi_actor_timer_cancel(wardi_actor *actor);
/** In `timer`: the time, as of the beginning of this run or up to 20 µs before it, but not before
 * the deadline. Free of charge, where to read the clock costs as much as a short run. */
uint64_t wardi_actor_timer_now(const wardi_actor *actor);
/* ---- visits: an idle actor's work, done on the spot ---- */

/** The actor, which does not end until it is unpinned; NULL: it has. Any thread. */
wardi_actor *wardi_sched_pin(wardi_sched *sched, wardi_actor_id id);
/** The actor in a place, from 0 up to wardi_sched_places, for whoever goes through all of them: its
 * lines are on their way. NULL: nobody is there. One that is made meanwhile may be missed. */
wardi_actor *wardi_sched_pin_place(wardi_sched *sched, uint32_t place);
/** Its behaviour's `fetch`. It is pinned, or can't end. */
void wardi_actor_fetch(const wardi_actor *actor, uint32_t step);
uint32_t wardi_sched_places(wardi_sched *sched);
/** Where an actor of that id is, or was. */
static inline uint32_t wardi_actor_place(wardi_actor_id id)
{
    return (uint32_t)id;
}
void wardi_actor_unpin(wardi_actor *actor);
/** True: the actor was idle, and until wardi_actor_leave what the calling thread does is one of its
 * callbacks, and is counted as a system message that was sent and handled. False: it runs, or is
 * about to, or ends. The actor is pinned. Any thread; whoever sends to the actor meanwhile is not
 * held up, but whatever it does waits. */
bool wardi_actor_enter(wardi_actor *actor);
void wardi_actor_leave(wardi_actor *actor);
/** What an actor does in a visit on a worker: one of its callbacks, which does not stop it. */
typedef wardi_next (*wardi_visit)(wardi_actor *self, void *context);
/** On a worker: if the actor is idle, it runs now, with this instead of what its mailbox or timer
 * would have it do. False: as above. The actor is pinned. */
bool wardi_actor_visit(wardi_actor *actor, wardi_visit visit, void *context);
/** A moment's view: it is in a callback. */
bool wardi_actor_is_running(const wardi_actor *actor);
/** Exact when nothing runs, else a moment's view of each. While it lives. */
void wardi_actor_counts(const wardi_actor *actor, wardi_counts *ret_counts);
/** How many messages wait in the user lane, at most `user_max`: a moment's view. While it lives;
 * any thread. */
uint32_t wardi_actor_waiting(const wardi_actor *actor);

/* ---- the scheduler ---- */

/** Where time and chance come from, when not from the machine. Called from one thread. */
typedef struct wardi_sched_world {
    void *context;
    uint64_t (*now_ns)(void *context);
    uint64_t (*random)(void *context);
    /** Nothing happens before `until_ns`: makes it now. */
    void (*sleep_until_ns)(void *context, uint64_t until_ns);
    /** Between two steps of a protocol, where other threads have their chance: may wake, stop, and
     * send what does not wait; from `outside`, where no actor runs, it may also step. May be NULL.
     */
    void (*gap)(void *context, bool outside);
} wardi_sched_world;

typedef struct wardi_sched_options {
    uint32_t workers;        /* 0: one a core, at most 1024 */
    uint32_t spares;         /* threads that replace stuck ones; 0: as many as workers */
    uint64_t slice_ns;       /* 0: 1 ms */
    uint32_t slice_messages; /* 0: 64 */
    uint64_t spin_ns_max;    /* one idle worker at most looks for work so long before it sleeps;
                                0: 50 us */
    const wardi_sched_world *world; /* NULL: threads. Copied */
    /** From a worker: the first one leaves its sleep, before it runs anything; the last one goes to
     * sleep. The scheduler begins awake. Calls may overlap, so they are occasions to look at
     * wardi_sched_busy, which has the truth. May be NULL. */
    void (*on_busy)(void *context);
    void (*on_idle)(void *context);
    void *hook_context;
} wardi_sched_options;

typedef struct wardi_sched_figures {
    uint64_t actors, runs, steals, sleeps, wakeups, timers_fired;
    uint64_t stuck, stuck_without_spare;
    uint32_t busy;              /* threads that run an actor at this moment */
    uint64_t sent_to_nobody;    /* refused with WARD_ERROR_ACTOR_GONE by id */
    uint64_t answers_to_nobody; /* who asked has ended or went away */
    wardi_counts messages;      /* of all actors there ever were */
} wardi_sched_figures;

/** WARD_ERROR_NO_MEMORY, or WARD_ERROR_INVALID_ARGUMENT; `options` may be NULL. */
ward_error wardi_sched_new(const wardi_sched_options *options, wardi_sched **ret_sched,
                           ward_diag *ret_diag);
/** Stops every actor, waits for their `ended`, then for the threads. Not on a worker; nobody else
 * uses `sched` any more. NULL: nothing. */
void wardi_sched_free(wardi_sched *sched);
uint64_t wardi_sched_now(const wardi_sched *sched);
/** Replaces workers that have been in one run for longer than a slice and then some. For the clock
 * thread, each millisecond while wardi_sched_busy: no lock, no memory, bounded. One thread. True:
 * one was found that had not been. */
bool wardi_sched_watch(wardi_sched *sched, uint64_t now_ns);
/** A worker is awake, or being woken. Any thread. */
bool wardi_sched_busy(const wardi_sched *sched);
/** With a world: one decision and one run, or a jump to the next timer. False: nothing is left to
 * happen by itself. */
bool wardi_sched_step(wardi_sched *sched);
/** With a world: of every decision and delivery so far. */
uint64_t wardi_sched_trace(const wardi_sched *sched);
void wardi_sched_figures_get(wardi_sched *sched, wardi_sched_figures *ret_figures);
/** All but `messages`, for which every actor has to be looked at. */
void wardi_sched_figures_brief(wardi_sched *sched, wardi_sched_figures *ret_figures);
/** Invariants, slow; nothing may run meanwhile. False: `ret_diag` says what is broken. */
bool wardi_sched_check(wardi_sched *sched, ward_diag *ret_diag);

#endif
