/* Workers: where an actor waits for its run, and which one is next. */
#include "sched/sched_priv.h"

enum {
    /* Runs of fresh actors get four fifths of the time at least when there are more than can run:
     * the backlog's turn comes before them once in so many slices. */
    BACKLOG_SLICES = 4,
};

/* The time that a turn works with may be so old: reading it costs as much as a short run. Late by
 * so much is a timer, early is nothing. */
#define NOW_AGE_NS (20 * WARDI_US)

static _Thread_local worker *current __attribute__((tls_model("initial-exec")));

worker *worker_self(const wardi_sched *sched)
{
    return current != NULL && current->sched == sched ? current : NULL;
}

worker *worker_pretend(worker *w)
{
    worker *was = current;
    current = w;
    return was;
}

uint32_t sched_choose(worker *w, uint32_t count)
{
    wardi_sched *s = w->sched;
    if (!s->simulated) return w->turn % count;
    return (uint32_t)(s->world.random(s->world.context) % count);
}

static void refresh_now(worker *w)
{
    wardi_sched *s = w->sched;
    uint64_t ticks = s->simulated ? 0 : wardi_ticks();
    w->turn_ticks = ticks;
    if (!s->simulated && wardi_ticks_span_ns(w->now_ticks, ticks) < NOW_AGE_NS) return;
    w->now_ticks = ticks;
    w->now_ns = sched_now(s);
}

/* ---- which queue ---- */

/* From a worker that one actor was queued on, and which is awake to run it, it is left to it: to
 * move the actor to another core costs more than to wait for one run. More than one, or what a
 * thread queues that has lost its place, is anybody's. */
static bool leaves_it_to_self(wardi_sched *s, wardi_actor *a)
{
    worker *w = worker_self(s);
    if (w == NULL || watch_is_replaced(w) || !run_ring_put(&w->ring, a)) {
        run_list_put(&s->inject, a);
        return false;
    }
    return run_ring_count(&w->ring) == 1;
}

void sched_queue(wardi_sched *s, wardi_actor *a)
{
    if (!leaves_it_to_self(s, a)) sched_wake_one(s);
}

void sched_queue_backlog(wardi_sched *s, wardi_actor *a)
{
    run_list_put(&s->backlog, a);
    sched_wake_one(s);
}

/* ---- which actor ---- */

static bool backlog_is_due(worker *w)
{
    if (!run_list_ready(&w->sched->backlog)) return false;
    if (w->sched->simulated) return sched_choose(w, BACKLOG_SLICES) == 0;
    if (w->now_ns - w->backlog_ns < BACKLOG_SLICES * w->sched->options.slice_ns) return false;
    w->backlog_ns = w->now_ns;
    return true;
}

static wardi_actor *steal(worker *w)
{
    wardi_sched *s = w->sched;
    uint32_t start = sched_choose(w, s->thread_count);
    for (uint32_t i = 0; i < s->thread_count; i++) {
        worker *victim = &s->workers[(start + i) % s->thread_count];
        if (victim == w || run_ring_count(&victim->ring) < watch_ring_least(victim)) continue;
        wardi_actor *a = run_ring_steal(&w->ring, &victim->ring);
        if (a == NULL) continue;
        atomic_fetch_add_explicit(&w->steals, 1, memory_order_relaxed);
        return a;
    }
    return NULL;
}

/* What threads inject and what the own ring holds take turns; the rest when these are empty. */
static wardi_actor *pick(worker *w)
{
    wardi_sched *s = w->sched;
    wardi_actor *a = NULL;
    w->turn++;
    if (backlog_is_due(w)) a = run_list_take(&s->backlog);
    if (a == NULL && run_ring_count(&w->ring) != 0) {
        if (sched_choose(w, 2) == 0) a = run_list_take(&s->inject);
        if (a == NULL) a = run_ring_take(&w->ring);
    }
    if (a == NULL) a = run_list_take_some(&s->inject, &w->ring, RUN_LIST_BATCH - 1);
    if (a == NULL) a = run_list_take(&s->backlog);
    if (a == NULL) a = steal(w);
    return a;
}

bool worker_turn(worker *w)
{
    refresh_now(w);
    /* As many as the ring takes: what does not fit would go a long way round. */
    if (run_ring_count(&w->ring) <= RUN_RING_SLOTS - WHEEL_BUDGET)
        timer_shard_advance(w->shard, w->now_ns);
    wardi_actor *a = pick(w);
    if (a == NULL) return false;
    prefetch_to_write(a);
    if (w->spinning) worker_found(w);
    atomic_store_explicit(&w->runs, atomic_load_explicit(&w->runs, memory_order_relaxed) + 1,
                          memory_order_relaxed);
    watch_run_begin(w);
    actor_run(w, a);
    return true;
}

/* What the thread has left when its place is taken: others' work. */
static void hand_over(worker *w)
{
    wardi_actor *a;
    while ((a = run_ring_take(&w->ring)) != NULL) run_list_put(&w->sched->inject, a);
    sched_wake_one(w->sched);
}

void *worker_main(void *argument)
{
    worker *w = argument;
    wardi_sched *s = w->sched;
    current = w;
    /* A spare may have been chosen before its thread came to run. */
    if (atomic_load(&w->role) != WORKER_SERVING && !watch_wait_as_spare(w)) return NULL;
    while (atomic_load(&s->stopping) < 2) {
        if (!worker_turn(w)) {
            worker_idle(w);
        } else if (!watch_run_end(w)) {
            hand_over(w);
            if (!watch_wait_as_spare(w)) break;
        }
    }
    return NULL;
}
