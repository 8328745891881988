/* How workers go to sleep and are woken.
 *
 * No lost wake-up. Whoever has work (1) puts it into a run queue, then (2) looks whether a worker
 * spins, then (3) whether one sleeps. A worker that finds nothing (a) stops spinning, then (b) sets
 * its bit in `asleep`, then (c) looks through every queue once more, then sleeps. All are seq_cst.
 *   - (3) sees no bit: (b) comes after it, so (c) sees (1), and the worker does not sleep.
 *   - (3) sees a bit: clearing it, which one thread succeeds in, is the promise to wake that
 * worker.
 *   - (2) sees a spinner: it comes to its (a) later, or finds work, which is (a) as well: then it
 *     looks at the queues in (c), or in worker_found and wakes another for the rest.
 *   - A waker counts as the spinner on behalf of whom it wakes, so that a hundred sends wake one
 *     worker and not a hundred. When it finds nobody asleep it has told the others a tale: it
 * stops, and looks for sleepers again, since somebody may have relied on it in between. One actor
 * in the ring of a worker that is awake is no work in this sense: see worker.c. If that worker
 * turns out to be stuck, watch wakes another.
 *
 * Timers need no more: a worker reads when its shard's next one is due after (b), and who makes
 * that nearer looks at the bit after it. */
#include "sched/sched_priv.h"

/* Less is not worth a look around. */
#define SPIN_NS_MIN (2 * WARDI_US)

static _Atomic uint64_t *word_of(wardi_sched *s, const worker *w)
{
    return &s->asleep[w->index / 64];
}

static uint64_t bit_of(const worker *w)
{
    return UINT64_C(1) << w->index % 64;
}

/* ---- waking ---- */

static bool any_asleep(wardi_sched *s)
{
    for (uint32_t i = 0; i * 64 < s->thread_count; i++)
        if (atomic_load(&s->asleep[i]) != 0) return true;
    return false;
}

/* True for the one thread that cleared the bit. */
static bool claim_sleeper(wardi_sched *s, worker *w)
{
    return (atomic_fetch_and(word_of(s, w), ~bit_of(w)) & bit_of(w)) != 0;
}

/* It counts as awake from here on, however long the system takes to run it: who looks whether the
 * scheduler is busy must not find it idle over a message that was sent before. */
static void rouse(worker *w)
{
    w->announces = atomic_fetch_add(&w->sched->awake, 1) == 0;
    atomic_fetch_add_explicit(&w->sched->wakeups, 1, memory_order_relaxed);
    atomic_store(&w->sleeping, 0);
    wait_wake(&w->sleeping, 1);
}

static worker *claim_any(wardi_sched *s)
{
    for (uint32_t i = 0; i * 64 < s->thread_count; i++) {
        uint64_t bits = atomic_load(&s->asleep[i]);
        for (; bits != 0; bits &= bits - 1) {
            worker *w = &s->workers[i * 64 + (uint32_t)__builtin_ctzll(bits)];
            if (claim_sleeper(s, w)) return w;
        }
    }
    return NULL;
}

void sched_wake_one(wardi_sched *s)
{
    while (atomic_load(&s->spinning) == 0 && any_asleep(s)) {
        uint32_t none = 0;
        if (!atomic_compare_exchange_strong(&s->spinning, &none, 1)) return;
        worker *w = claim_any(s);
        if (w != NULL) {
            w->spinning = true; /* it is ours until it is roused */
            rouse(w);
            return;
        }
        atomic_fetch_sub(&s->spinning, 1);
    }
}

void worker_wake(worker *w)
{
    if (claim_sleeper(w->sched, w)) rouse(w);
}

void sched_wake_all(wardi_sched *s)
{
    for (uint32_t i = 0; i < s->thread_count; i++) worker_wake(&s->workers[i]);
}

/* ---- looking ---- */

static bool is_work_about(wardi_sched *s)
{
    if (run_list_ready(&s->inject) || run_list_ready(&s->backlog)) return true;
    for (uint32_t i = 0; i < s->thread_count; i++) {
        worker *w = &s->workers[i];
        if (run_ring_count(&w->ring) >= watch_ring_least(w)) return true;
    }
    return false;
}

static bool timer_is_due(worker *w)
{
    return atomic_load(&w->shard->next_ns) <= sched_now(w->sched);
}

static void stop_spinning(worker *w)
{
    if (!w->spinning) return;
    w->spinning = false;
    atomic_fetch_sub(&w->sched->spinning, 1);
}

void worker_found(worker *w)
{
    stop_spinning(w);
    if (is_work_about(w->sched)) sched_wake_one(w->sched);
}

static bool spin(worker *w)
{
    wardi_sched *s = w->sched;
    uint64_t start = wardi_ticks();
    uint64_t spent = 0;
    while (spent < w->spin_ns) {
        for (int i = 0; i < 8; i++) {
            if (bounded_ready(s->inject.front)) return true;
            wait_relax();
        }
        if (is_work_about(s) || timer_is_due(w)) return true;
        if (atomic_load(&s->stopping) >= 2) return true;
        spent = wardi_ticks_span_ns(start, wardi_ticks());
    }
    return false;
}

/* ---- sleeping ---- */

static void announce(wardi_sched *s, void (*hook)(void *context))
{
    if (hook != NULL) hook(s->options.hook_context);
}

void worker_count_awake(worker *w, bool awake)
{
    wardi_sched *s = w->sched;
    if (awake && atomic_fetch_add(&s->awake, 1) == 0) announce(s, s->options.on_busy);
    if (!awake && atomic_fetch_sub(&s->awake, 1) == 1) announce(s, s->options.on_idle);
}

/* To look for work is worth it when work comes sooner than the look ends: then the worker answers
 * within some cache misses instead of a wake-up. So it looks half as long each time work took
 * longer to come, and as long as it may when it came sooner. A drop an hour costs two microseconds
 * of looking. */
static void learn(worker *w, uint64_t slept_ns)
{
    uint64_t most = w->sched->options.spin_ns_max;
    uint64_t half = w->spin_ns / 2 > SPIN_NS_MIN ? w->spin_ns / 2 : SPIN_NS_MIN;
    w->spin_ns = slept_ns < most ? most : half;
}

static void sleep_until_woken(worker *w, uint64_t deadline_ns)
{
    uint64_t start = wardi_ticks();
    atomic_fetch_add_explicit(&w->sleeps, 1, memory_order_relaxed);
    while (atomic_load(&w->sleeping) != 0 && wait_word(w->sched, &w->sleeping, 1, deadline_ns)) {}
    learn(w, wardi_ticks_span_ns(start, wardi_ticks()));
}

/* The bit is set; whoever clears it counts the worker as awake. */
static void get_up(worker *w)
{
    if (claim_sleeper(w->sched, w)) {
        worker_count_awake(w, true);
        return;
    }
    /* Somebody woke it, is about to say so, and may have made it the spinner before. */
    while (atomic_load(&w->sleeping) != 0) wait_word(w->sched, &w->sleeping, 1, UINT64_MAX);
    if (w->announces) announce(w->sched, w->sched->options.on_busy);
}

void worker_idle(worker *w)
{
    wardi_sched *s = w->sched;
    uint32_t none = 0;
    if (!w->spinning) w->spinning = atomic_compare_exchange_strong(&s->spinning, &none, 1);
    if (w->spinning && spin(w)) return;
    stop_spinning(w); /* (a) */
    w->now_ticks = 0; /* what it slept through is past */
    atomic_store(&w->sleeping, 1);
    worker_count_awake(w, false);
    atomic_fetch_or(word_of(s, w), bit_of(w));                                          /* (b) */
    bool stays = is_work_about(s) || timer_is_due(w) || atomic_load(&s->stopping) >= 2; /* (c) */
    if (!stays) sleep_until_woken(w, atomic_load(&w->shard->next_ns));
    get_up(w);
}
