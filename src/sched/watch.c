/* Stuck workers and who takes their place.
 *
 * A worker's `run` is odd while it runs an actor. Watch, on the clock thread, remembers what it
 * saw; the same odd number for longer than a slice is a worker that sits in one call.
 *
 * 1. Watch chooses a spare, tells it which timers to serve, and swaps RUN_REPLACED into the stuck
 *    worker's `run`. If that fails, the call has just returned, and nothing has happened.
 * 2. From then on the spare is a worker like any other. It steals what lies in the stuck one's
 * ring. The stuck thread stays the only one that puts there, and what its call still sends goes to
 *    `inject`, so nothing has to be moved from one thread to the other.
 * 3. When the call returns, the thread's own swap in watch_run_end fails: it queues its actor,
 * leaves what is in its ring to all, and becomes a spare.
 *
 * Watch takes no lock, waits for nobody and looks at each thread once. */
#include "sched/sched_priv.h"

void watch_run_begin(worker *w)
{
    uint64_t run = atomic_load_explicit(&w->run, memory_order_relaxed);
    atomic_store_explicit(&w->run, run + 1, memory_order_release);
}

bool watch_run_end(worker *w)
{
    if (WARD_UNLIKELY(atomic_load_explicit(&w->helpless, memory_order_relaxed) != 0))
        atomic_store(&w->helpless, 0);
    uint64_t run = atomic_load_explicit(&w->run, memory_order_relaxed) & ~RUN_REPLACED;
    return atomic_compare_exchange_strong_explicit(&w->run, &run, run + 1, memory_order_acq_rel,
                                                   memory_order_acquire);
}

bool watch_is_replaced(const worker *w)
{
    return (atomic_load_explicit(&w->run, memory_order_relaxed) & RUN_REPLACED) != 0;
}

bool watch_runs(const worker *w)
{
    return (atomic_load_explicit(&w->run, memory_order_relaxed) & 1) != 0;
}

uint32_t watch_ring_least(const worker *w)
{
    bool comes = !w->sched->simulated && atomic_load(&w->role) == WORKER_SERVING &&
                 !watch_is_replaced(w) && atomic_load(&w->helpless) == 0;
    return comes ? 2 : 1;
}

bool watch_wait_as_spare(worker *w)
{
    wardi_sched *s = w->sched;
    uint64_t run = atomic_load_explicit(&w->run, memory_order_relaxed);
    if ((run & RUN_REPLACED) != 0) {
        atomic_store_explicit(&w->run, (run & ~RUN_REPLACED) + 1, memory_order_relaxed);
        worker_count_awake(w, false);
        atomic_store(&w->role, WORKER_SPARE);
    }
    while (atomic_load(&w->role) == WORKER_SPARE) {
        if (atomic_load(&s->stopping) >= 2) return false;
        wait_word(s, &w->role, WORKER_SPARE, UINT64_MAX);
    }
    atomic_store(&w->role, WORKER_SERVING);
    worker_count_awake(w, true);
    return true;
}

void watch_end(wardi_sched *s)
{
    for (uint32_t i = 0; i < s->thread_count; i++) wait_wake(&s->workers[i].role, 1);
}

static worker *find_spare(wardi_sched *s)
{
    for (uint32_t i = 0; i < s->thread_count; i++)
        if (atomic_load(&s->workers[i].role) == WORKER_SPARE) return &s->workers[i];
    return NULL;
}

static void count_one(_Atomic uint64_t *counter)
{
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

/* Without a spare a worker that sleeps is woken, so that what is left to the stuck one alone is
 * found. True: it had not been known to be stuck. */
static bool replace(wardi_sched *s, worker *stuck)
{
    worker *spare = find_spare(s);
    if (spare == NULL) {
        bool is_new = atomic_exchange(&stuck->helpless, 1) == 0;
        if (is_new) count_one(&s->stuck_without_spare);
        sched_wake_one(s);
        return is_new;
    }
    uint64_t run = stuck->seen_run;
    spare->shard = stuck->shard;
    if (!atomic_compare_exchange_strong_explicit(&stuck->run, &run, run | RUN_REPLACED,
                                                 memory_order_acq_rel, memory_order_relaxed))
        return false;
    count_one(&s->stuck);
    atomic_store(&spare->shard->server, spare);
    atomic_store(&spare->role, WORKER_CHOSEN);
    wait_wake(&spare->role, 1);
    return true;
}

bool wardi_sched_watch(wardi_sched *s, uint64_t now_ns)
{
    bool found = false;
    for (uint32_t i = 0; i < s->thread_count; i++) {
        worker *w = &s->workers[i];
        if (atomic_load(&w->role) != WORKER_SERVING) continue;
        uint64_t run = atomic_load_explicit(&w->run, memory_order_acquire);
        if (run != w->seen_run) {
            w->seen_run = run;
            w->seen_since_ns = now_ns;
            continue;
        }
        bool stuck = (run & 1) != 0 && (run & RUN_REPLACED) == 0 &&
                     now_ns - w->seen_since_ns >= s->options.slice_ns;
        if (stuck && replace(s, w)) found = true;
    }
    return found;
}
