/* Inside sched. The protocols stand where they are carried out: who runs an actor in actor.c, how
 * workers sleep and wake in idle.c, why a dead id is safe in registry.c, the lanes in mailbox.c.
 *
 * Lock order: none is taken while another is held, but that a timer shard's lock is held while an
 * actor is put into a run queue, which takes none. Every lock is held for a bounded, short time,
 * and never in a callback.
 *
 * Memory order: what two threads must not both miss ("I published, then looked whether you sleep" /
 * "I said that I sleep, then looked for what is published") is seq_cst on both sides. The rest is
 * acquire and release; counters are relaxed. No fences: ThreadSanitizer does not know them. */
#ifndef WARDI_SCHED_PRIV_H
#define WARDI_SCHED_PRIV_H

#include <pthread.h>

#include "sched/sched.h"

enum { ACTOR_MAGIC = 0x41c70b5e };

/* Keeps what different threads write in different lines. Not _Alignas: memory from wardi_alloc is
 * aligned to 16, and distance is what counts. */
#define SCHED_PAD(name) char name[64]

/* The line is about to be written, and another core has it: one transfer instead of a read and then
 * a claim. GCC emits a plain read for __builtin_prefetch(p, 1) unless told of the processor. */
static inline void prefetch_to_write(const void *at)
{
#if defined(__x86_64__)
    __asm__ volatile("prefetchw %0" : : "m"(*(const char *)at));
#else
    __builtin_prefetch(at, 1);
#endif
}

/* A million actors fit no cache, and what one core sent another one has in its own. The actor may
 * be gone: no address is too wrong to be prefetched. */
static inline void actor_fetch(const wardi_actor *actor)
{
    prefetch_to_write(actor);
    __builtin_prefetch(&actor->user_lane, 0);
    prefetch_to_write(&actor->system_list);
    prefetch_to_write(&actor->timer);
}

/* ---- message.c ---- */

/* message->answer: one exchange by the asker that gives up, one by the answerer; the second of the
 * two owns the message. */
enum { ANSWER_AWAITED, ANSWER_SLEEPING, ANSWER_GIVEN, ANSWER_UNWANTED };

/* ---- bounded.c: a bounded queue, many at both ends ---- */

typedef struct bounded_cell {
    _Atomic uint64_t turn;
    void *item;
} bounded_cell;

typedef struct bounded {
    _Atomic uint64_t tail; /* who puts */
    _Atomic uint64_t head_seen;
    uint64_t mask, limit; /* nobody */
    SCHED_PAD(pad_tail);
    _Atomic uint64_t head; /* who takes */
    SCHED_PAD(pad_head);
    bounded_cell cells[];
} bounded;

/* NULL: out of memory. One allocation: wardi_free ends it. */
bounded *bounded_new(uint32_t limit);
/* False: full. */
bool bounded_put(bounded *queue, void *item);
/* The oldest, or NULL. */
void *bounded_take(bounded *queue);
/* bounded_take would find one. */
bool bounded_ready(bounded *queue);

/* ---- mailbox.c ---- */

/* Lanes say only whether there was room; actor.c answers, counts and wakes. */
typedef enum mailbox_result { MAILBOX_PUT, MAILBOX_NO_ROOM, MAILBOX_NO_MEMORY } mailbox_result;

mailbox_result mailbox_put_user(wardi_actor *actor, wardi_message *message);
mailbox_result mailbox_put_system(wardi_actor *actor, wardi_message *message);
/* The oldest user message, or NULL; any thread. */
wardi_message *mailbox_take_user(wardi_actor *actor);
/* The next system message or answer, or NULL; only whoever runs the actor. */
wardi_message *mailbox_take_system(wardi_actor *actor);
bool mailbox_has_system(const wardi_actor *actor);
bool mailbox_has_user(const wardi_actor *actor);
void mailbox_done(wardi_actor *actor);
/* How many were ever put into and taken out of the user lane. */
void mailbox_user_positions(const wardi_actor *actor, uint64_t *ret_put, uint64_t *ret_taken);
bool mailbox_check(const wardi_actor *actor, ward_diag *ret_diag);

/* ---- queue.c: run queues ---- */

/* Many put and many take. What does not fit the queue in front goes to a list of any length:
 * Vyukov's intrusive one, where putting waits for nobody, and one at a time takes. */
typedef struct run_list {
    bounded *front;
    _Atomic(wardi_link *) tail; /* who puts exchanges it */
    wardi_link stub;
    _Atomic(wardi_link *) head; /* under `lock`; looked at, not followed, without */
    pthread_mutex_t lock;       /* who takes */
    SCHED_PAD(pad);
} run_list;

static inline wardi_actor *actor_of_link(wardi_link *link)
{
    return (wardi_actor *)((char *)link - offsetof(wardi_actor, link));
}

/* False: out of memory. */
bool run_list_init(run_list *list, uint32_t front);
void run_list_done(run_list *list);
void run_list_put(run_list *list, wardi_actor *actor);
/* NULL: empty, or all there is waits for a put that has not finished and will wake somebody. */
wardi_actor *run_list_take(run_list *list);
/* run_list_take would take one. */
bool run_list_ready(run_list *list);

/* One owner puts, anybody takes, oldest first. */
enum { RUN_RING_SLOTS = 256 };
typedef struct run_ring {
    _Atomic uint32_t head; /* who takes */
    SCHED_PAD(pad);
    _Atomic uint32_t tail; /* the owner */
    _Atomic(wardi_actor *) slots[RUN_RING_SLOTS];
} run_ring;

bool run_ring_put(run_ring *ring, wardi_actor *actor);
wardi_actor *run_ring_take(run_ring *ring);
uint32_t run_ring_count(const run_ring *ring);
enum { RUN_LIST_BATCH = 32 };
/* As run_list_take, and moves up to `more` others, and no more than a batch in all, to `ring`, the
 * caller's own. */
wardi_actor *run_list_take_some(run_list *list, run_ring *ring, uint32_t more);
/* Moves half of `from` to `to`, which belongs to the caller and is empty, and returns one of them
 * to run at once; NULL: nothing to steal. */
wardi_actor *run_ring_steal(run_ring *to, run_ring *from);

/* ---- timer.c ---- */

/* A wheel's first level spans two seconds, so that what is set for one second is mostly moved once;
 * each of the others 64 times the one before: 69 years in all. */
enum {
    WHEEL_FIRST_BITS = 11,
    WHEEL_BITS = 6,
    WHEEL_LEVELS = 6,
    WHEEL_FIRST_SLOTS = 1 << WHEEL_FIRST_BITS,
    WHEEL_SLOTS = 1 << WHEEL_BITS,
    WHEEL_ALL_SLOTS = WHEEL_FIRST_SLOTS + (WHEEL_LEVELS - 1) * WHEEL_SLOTS,
    /* Nodes that are moved or fired at once, and then run before more are. */
    WHEEL_BUDGET = 128,
    WHEEL_BATCH = 16, /* of those, what is fetched at once */
    WHEEL_AHEAD = 8,  /* what is fetched while another fires: 8 times 15 ns is a cache miss */
};

typedef struct worker worker;

typedef struct timer_shard {
    pthread_mutex_t lock; /* of all below but the atomics, and of the nodes in it */
    uint64_t tick;        /* all before it has fired */
    uint64_t count;
    /* Nothing is due before; UINT64_MAX: nothing is set. Written under the lock, read by its server
     * before it sleeps. */
    _Atomic uint64_t next_ns;
    _Atomic(worker *) server; /* whose sleep a nearer timer cuts short */
    _Atomic uint64_t fired;
    wardi_timer_node *recent[WHEEL_AHEAD]; /* the last that were set */
    uint64_t recent_at;
    uint64_t used[WHEEL_ALL_SLOTS / 64]; /* a bit a slot that is not empty */
    wardi_timer_node *slots[WHEEL_ALL_SLOTS];
} timer_shard;

void timer_shard_init(timer_shard *shard, uint64_t now_ns);
void timer_shard_done(timer_shard *shard);
/* Fires what is due: some of it when it is very much. */
void timer_shard_advance(timer_shard *shard, uint64_t now_ns);
/* Before the actor ends: takes its timer out, and no thread is about to touch the actor for it. */
void timer_forget(wardi_actor *actor);
bool timer_shard_check(timer_shard *shard, ward_diag *ret_diag);

/* ---- registry.c ---- */

enum { REGISTRY_CHUNK_BITS = 12, REGISTRY_CHUNKS = 1 << 14 };

typedef struct registry_slot registry_slot;
typedef struct registry {
    _Atomic(registry_slot *) chunks[REGISTRY_CHUNKS];
    pthread_mutex_t lock; /* of all below */
    uint32_t used;        /* slots that ever had an actor */
    uint32_t free_first, free_last;
    uint64_t live;
    wardi_counts ended; /* of actors that are gone */
} registry;

void registry_init(registry *r);
void registry_done(registry *r);
bool registry_add(registry *r, wardi_actor *actor);
/* The actor, which will not end before it is unpinned; NULL: it has ended or is about to. */
wardi_actor *registry_pin(registry *r, wardi_actor_id id);
/* Where the actor is, to be prefetched and not to be read; NULL: no such slot. */
const void *registry_place(registry *r, wardi_actor_id id);
/* Whoever is in the slot, pinned; NULL: nobody. */
wardi_actor *registry_pin_place(registry *r, uint32_t place);
/* Slots that ever had an actor. */
uint32_t registry_places(registry *r);
void registry_unpin(registry *r, wardi_actor *actor);
/* No new pins; true: there are none left, and the caller is the only one who reaches the actor. */
bool registry_close(registry *r, wardi_actor *actor);
/* The id is dead; its slot will serve another. Returns how many actors are left. */
uint64_t registry_remove(registry *r, wardi_actor *actor);
/* Calls for each live actor under the lock. */
void registry_each(registry *r, void (*each)(wardi_actor *actor, void *context), void *context);
uint64_t registry_live(registry *r);
/* Of the live and the ended. */
void registry_counts(registry *r, wardi_counts *ret_sum);

/* ---- actor.c ---- */

/* For counters that one thread writes and any may read. */
static inline void count_own(_Atomic uint64_t *counter)
{
    uint64_t value = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, value + 1, memory_order_relaxed);
}

/* Who may touch what the running worker owns: see the head of actor.c. */
enum { ACTOR_IDLE, ACTOR_QUEUED, ACTOR_RUNNING, ACTOR_AGAIN, ACTOR_ENDING };
enum { SIGNAL_STOP = 1, SIGNAL_TIMER = 2, SIGNAL_WAKE = 4 };

/* Makes sure that the actor runs after this, once more if it runs now. */
void actor_notify(wardi_actor *actor);
/* Also sets these signals first. */
void actor_signal(wardi_actor *actor, uint32_t signals);
void actor_run(worker *w, wardi_actor *actor);
/* The last pin is gone: the caller alone has the actor, and queues its end. */
void actor_queue_end(wardi_actor *actor);
/* A message that nobody will handle goes back with the cause. */
void actor_lose(wardi_sched *sched, wardi_message *message, ward_error cause);
bool actor_check(wardi_actor *actor, ward_diag *ret_diag);

/* ---- worker.c, idle.c, watch.c ---- */

enum { WORKER_SERVING, WORKER_SPARE, WORKER_CHOSEN };
enum { THREADS_MAX = 1024 };

struct worker {
    run_ring ring;
    SCHED_PAD(pad_ring);
    /* its thread */
    wardi_sched *sched;
    pthread_t thread;
    uint32_t index;
    uint32_t turn;
    uint64_t turn_ticks;        /* when this turn began; threads only */
    uint64_t now_ns, now_ticks; /* the time, some microseconds old at most, and when it was read */
    uint64_t backlog_ns;        /* when it last took from the backlog before all else */
    uint64_t spin_ns;           /* how long it looks for work before it sleeps; learns */
    bool spinning;              /* it is counted in sched->spinning */
    bool announces;             /* who woke it was the first to: it calls on_busy */
    timer_shard *shard;         /* it serves; written by watch while it is a spare */
    _Atomic uint64_t runs, steals, sleeps;
    SCHED_PAD(pad_own);
    /* its thread and watch: see watch.c */
    _Atomic uint64_t run; /* odd: in a run */
    _Atomic uint32_t role;
    SCHED_PAD(pad_watch);
    /* watch */
    uint64_t seen_run, seen_since_ns;
    _Atomic uint32_t helpless; /* stuck, and nobody took its place; its thread clears it */
    /* whoever wakes it: see idle.c */
    _Atomic uint32_t sleeping; /* 1 until somebody wakes it */
    SCHED_PAD(pad_wake);
};

/* Set in worker->run by watch: another thread has taken its place. */
#define RUN_REPLACED (UINT64_C(1) << 63)

/* worker.c: one look for work, and one run of what is found; false: there was none. */
bool worker_turn(worker *w);
void *worker_main(void *argument);
/* The calling thread's, when it is a worker of `sched`; else NULL. */
worker *worker_self(const wardi_sched *sched);
/* With a world: the calling thread is this worker from now on; NULL: none. Returns what it was. */
worker *worker_pretend(worker *w);
/* Into a run queue, and wakes a worker if one is needed. */
void sched_queue(wardi_sched *sched, wardi_actor *actor);
/* Behind everything fresh: the actor used its slice of time up. */
void sched_queue_backlog(wardi_sched *sched, wardi_actor *actor);

/* idle.c: looks for work for a while, then sleeps until there is some or a timer is due. */
void worker_idle(worker *w);
/* A worker that was looking has found work: another one looks for the rest, if there is any. */
void worker_found(worker *w);
/* Work was published before (seq_cst): somebody will see it. Takes no lock. */
void sched_wake_one(wardi_sched *sched);
void sched_wake_all(wardi_sched *sched);
/* Cuts this one's sleep short, if it sleeps. */
void worker_wake(worker *w);
void worker_count_awake(worker *w, bool awake);

/* watch.c */
void watch_run_begin(worker *w);
/* False: another thread has taken its place meanwhile. */
bool watch_run_end(worker *w);
bool watch_is_replaced(const worker *w);
/* It is in an actor at this moment. Any thread. */
bool watch_runs(const worker *w);
/* How many actors in its ring are work for others: 2, or 1 when it does not come to a single one.
 */
uint32_t watch_ring_least(const worker *w);
/* A thread without a place waits here until it takes another's; false: the scheduler ends. */
bool watch_wait_as_spare(worker *w);
void watch_end(wardi_sched *sched);

/* ---- wait.c: the only place that waits ---- */

/* While *word is `value`, until somebody wakes it or the deadline has passed: false. May return
 * early, with true. With a world, the scheduler goes on meanwhile. */
bool wait_word(wardi_sched *sched, _Atomic uint32_t *word, uint32_t value, uint64_t deadline_ns);
void wait_wake(_Atomic uint32_t *word, int count);
void wait_relax(void);

/* ---- sched.c ---- */

struct wardi_sched {
    /* nobody, once it runs */
    wardi_sched_options options; /* filled up */
    wardi_sched_world world;
    bool simulated;
    uint32_t worker_count, thread_count; /* spares come after the workers */
    worker *workers;
    timer_shard *shards;
    SCHED_PAD(pad_options);
    /* workers that go to sleep, and whoever has work for them: see idle.c */
    _Atomic uint32_t spinning;                 /* workers that look for work, or are woken to */
    _Atomic uint64_t asleep[THREADS_MAX / 64]; /* a bit a worker */
    SCHED_PAD(pad_asleep);
    _Atomic uint32_t awake; /* threads that serve and do not sleep, or are being woken */
    _Atomic uint32_t stopping;
    _Atomic uint32_t ended; /* changes when the last actor has ended */
    _Atomic uint64_t wakeups;
    SCHED_PAD(pad_sleep);
    run_list inject;  /* fresh: from threads that are no workers, or have a full ring */
    run_list backlog; /* used their slice of time up */
    _Atomic uint64_t stuck, stuck_without_spare; /* watch */
    _Atomic uint64_t sent_to_nobody, answers_to_nobody;
    uint64_t trace; /* with a world: the one thread there is */
    SCHED_PAD(pad_registry);
    registry registry;
};

uint64_t sched_now(const wardi_sched *sched);
/* 0..count-1: by chance with a world, else in turn. */
uint32_t sched_choose(worker *w, uint32_t count);
/* With a world: other threads' chance. */
void sched_gap(wardi_sched *sched);
/* With a world: `a` and `b` become part of the trace. */
void sched_note(wardi_sched *sched, uint64_t a, uint64_t b);

#endif
