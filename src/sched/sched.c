/* The scheduler as a whole: begin and end, the world, figures, invariants. */
#include <string.h>
#include <unistd.h>

#include "sched/sched_priv.h"

uint64_t sched_now(const wardi_sched *s)
{
    return s->simulated ? s->world.now_ns(s->world.context) : wardi_now_ns();
}

uint64_t wardi_sched_now(const wardi_sched *s)
{
    return sched_now(s);
}

/* ---- begin ---- */

/* 1 MiB, so that a sweep over 100,000 actors mostly fits. A world's is small enough to be filled,
 * and the backlog only holds those that took a millisecond each. */
enum { INJECT_FRONT = 1 << 16, SIMULATED_FRONT = 8, BACKLOG_FRONT = 256 };

static ward_error fill_options(wardi_sched_options *o, ward_diag *ret_diag)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (o->workers == 0) o->workers = cores > 0 ? (uint32_t)cores : 1;
    if (o->spares == 0) o->spares = o->workers;
    if (o->world != NULL) o->spares = 0;
    if (o->slice_ns == 0) o->slice_ns = WARDI_MS;
    if (o->slice_messages == 0) o->slice_messages = 64;
    if (o->spin_ns_max == 0) o->spin_ns_max = 50 * WARDI_US;
    if (o->workers <= THREADS_MAX && o->spares <= THREADS_MAX - o->workers) return WARD_OK;
    return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                      "scheduler: %u workers and %u spares, at most %d threads make sense",
                      o->workers, o->spares, THREADS_MAX);
}

static void workers_init(wardi_sched *s)
{
    uint64_t now = sched_now(s);
    for (uint32_t i = 0; i < s->thread_count; i++) {
        worker *w = &s->workers[i];
        w->sched = s;
        w->index = i;
        w->spin_ns = s->options.spin_ns_max;
        atomic_init(&w->role, i < s->worker_count ? WORKER_SERVING : WORKER_SPARE);
        if (i >= s->worker_count) continue;
        w->shard = &s->shards[i];
        timer_shard_init(w->shard, now);
        atomic_init(&w->shard->server, w);
    }
}

/* Ends the first `count` threads; all, but when not all could be started. */
static void threads_end(wardi_sched *s, uint32_t count)
{
    atomic_store(&s->stopping, 2);
    sched_wake_all(s);
    watch_end(s);
    for (uint32_t i = 0; i < count; i++) pthread_join(s->workers[i].thread, NULL);
    if (atomic_load(&s->awake) != 0 && s->options.on_idle != NULL)
        s->options.on_idle(s->options.hook_context); /* what was told to be busy is no more */
}

static bool threads_start(wardi_sched *s)
{
    if (s->simulated) return true;
    atomic_store(&s->awake, s->worker_count);
    if (s->options.on_busy != NULL) s->options.on_busy(s->options.hook_context);
    for (uint32_t i = 0; i < s->thread_count; i++) {
        worker *w = &s->workers[i];
        if (pthread_create(&w->thread, NULL, worker_main, w) == 0) continue;
        threads_end(s, i);
        return false;
    }
    return true;
}

static void release(wardi_sched *s)
{
    for (uint32_t i = 0; s->shards != NULL && i < s->worker_count; i++)
        timer_shard_done(&s->shards[i]);
    run_list_done(&s->inject);
    run_list_done(&s->backlog);
    registry_done(&s->registry);
    wardi_free(s->shards);
    wardi_free(s->workers);
    wardi_free(s);
}

ward_error wardi_sched_new(const wardi_sched_options *options, wardi_sched **ret_sched,
                           ward_diag *ret_diag)
{
    wardi_sched_options own = options != NULL ? *options : (wardi_sched_options){0};
    ward_error error = fill_options(&own, ret_diag);
    if (error != WARD_OK) return error;
    wardi_sched *s = wardi_alloc(sizeof *s);
    if (s == NULL) return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory for a scheduler");
    wardi_ticks_init();
    s->options = own;
    s->simulated = own.world != NULL;
    if (s->simulated) s->world = *own.world;
    s->worker_count = own.workers;
    s->thread_count = own.workers + own.spares;
    bool made = run_list_init(&s->inject, s->simulated ? SIMULATED_FRONT : INJECT_FRONT);
    made = run_list_init(&s->backlog, s->simulated ? SIMULATED_FRONT : BACKLOG_FRONT) && made;
    registry_init(&s->registry);
    s->workers = wardi_alloc_array(s->thread_count, sizeof *s->workers);
    s->shards = s->workers != NULL ? wardi_alloc_array(s->worker_count, sizeof *s->shards) : NULL;
    made = made && s->shards != NULL;
    if (s->shards != NULL) workers_init(s);
    if (!made || !threads_start(s)) {
        release(s);
        return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory or threads for %u workers",
                          own.workers);
    }
    *ret_sched = s;
    return WARD_OK;
}

/* ---- end ---- */

static void stop_one(wardi_actor *a, void *context)
{
    (void)context;
    wardi_actor_stop(a);
}

/* Callbacks of those that end may start others: these are stopped as well. */
static void stop_actors(wardi_sched *s)
{
    atomic_store(&s->stopping, 1);
    for (;;) {
        uint32_t ended = atomic_load(&s->ended);
        if (registry_live(&s->registry) == 0) return;
        registry_each(&s->registry, stop_one, NULL);
        if (s->simulated)
            while (wardi_sched_step(s)) {}
        else
            wait_word(s, &s->ended, ended, wardi_add_sat(sched_now(s), 10 * WARDI_MS));
    }
}

void wardi_sched_free(wardi_sched *s)
{
    if (s == NULL) return;
    WARD_ASSERT(worker_self(s) == NULL);
    stop_actors(s);
    if (!s->simulated) threads_end(s, s->thread_count);
    release(s);
}

/* ---- with a world ---- */

/* Not for secrets and not for tables: two runs that differ shall differ in it. */
void sched_note(wardi_sched *s, uint64_t a, uint64_t b)
{
    if (WARD_LIKELY(!s->simulated)) return;
    uint64_t x = s->trace ^ (a * UINT64_C(0x9e3779b97f4a7c15)) ^ (b << 32 | b >> 32);
    x = (x ^ x >> 32) * UINT64_C(0xbf58476d1ce4e5b9);
    s->trace = x ^ x >> 29;
}

void sched_gap(wardi_sched *s)
{
    if (WARD_LIKELY(!s->simulated) || s->world.gap == NULL) return;
    worker *was = worker_pretend(NULL);
    s->world.gap(s->world.context, was == NULL);
    worker_pretend(was);
}

uint64_t wardi_sched_trace(const wardi_sched *s)
{
    return s->trace;
}

static bool jump(wardi_sched *s)
{
    uint64_t next = UINT64_MAX;
    for (uint32_t i = 0; i < s->worker_count; i++) {
        uint64_t due = atomic_load(&s->shards[i].next_ns);
        if (due < next) next = due;
    }
    if (next == UINT64_MAX) return false;
    if (next > sched_now(s)) s->world.sleep_until_ns(s->world.context, next);
    sched_note(s, next, 0);
    return true;
}

bool wardi_sched_step(wardi_sched *s)
{
    WARD_ASSERT(s->simulated && worker_self(s) == NULL);
    uint32_t first = sched_choose(&s->workers[0], s->worker_count);
    for (uint32_t i = 0; i < s->worker_count; i++) {
        worker *w = &s->workers[(first + i) % s->worker_count];
        worker_pretend(w);
        bool ran = worker_turn(w);
        if (ran) watch_run_end(w);
        worker_pretend(NULL);
        if (ran) return true;
    }
    return jump(s);
}

/* ---- figures, invariants ---- */

bool wardi_sched_busy(const wardi_sched *s)
{
    return atomic_load(&s->awake) != 0;
}

void wardi_sched_figures_brief(wardi_sched *s, wardi_sched_figures *ret)
{
    *ret = (wardi_sched_figures){
        .actors = registry_live(&s->registry),
        .wakeups = atomic_load(&s->wakeups),
        .stuck = atomic_load(&s->stuck),
        .stuck_without_spare = atomic_load(&s->stuck_without_spare),
        .sent_to_nobody = atomic_load(&s->sent_to_nobody),
        .answers_to_nobody = atomic_load(&s->answers_to_nobody),
    };
    for (uint32_t i = 0; i < s->thread_count; i++) {
        ret->runs += atomic_load(&s->workers[i].runs);
        ret->busy += watch_runs(&s->workers[i]);
        ret->steals += atomic_load(&s->workers[i].steals);
        ret->sleeps += atomic_load(&s->workers[i].sleeps);
    }
    for (uint32_t i = 0; i < s->worker_count; i++)
        ret->timers_fired += atomic_load(&s->shards[i].fired);
}

void wardi_sched_figures_get(wardi_sched *s, wardi_sched_figures *ret)
{
    wardi_sched_figures_brief(s, ret);
    registry_counts(&s->registry, &ret->messages);
}

typedef struct check_state {
    bool holds;
    uint64_t queued, armed;
    ward_diag *ret_diag;
} check_state;

static void check_one(wardi_actor *a, void *context)
{
    check_state *c = context;
    if (!c->holds) return;
    c->queued += atomic_load(&a->phase) == ACTOR_QUEUED;
    c->armed += a->timer.armed && a->timer.link != NULL;
    c->holds = actor_check(a, c->ret_diag);
}

/* What is in a run queue is queued, or queued for its end. Returns how many are the former. */
static uint64_t count_queued(wardi_sched *s)
{
    uint64_t queued = 0;
    run_list *lists[] = {&s->inject, &s->backlog};
    for (size_t i = 0; i < WARD_COUNT(lists); i++) {
        bounded *front = lists[i]->front;
        for (uint64_t at = atomic_load(&front->head); at != atomic_load(&front->tail); at++) {
            wardi_actor *a = front->cells[at & front->mask].item;
            queued += atomic_load(&a->phase) != ACTOR_ENDING;
        }
        for (wardi_link *l = atomic_load(&lists[i]->head); l != NULL; l = atomic_load(&l->next))
            queued += l != &lists[i]->stub && atomic_load(&actor_of_link(l)->phase) != ACTOR_ENDING;
    }
    for (uint32_t i = 0; i < s->thread_count; i++) {
        run_ring *ring = &s->workers[i].ring;
        for (uint32_t at = atomic_load(&ring->head); at != atomic_load(&ring->tail); at++) {
            wardi_actor *a = atomic_load(&ring->slots[at % RUN_RING_SLOTS]);
            queued += atomic_load(&a->phase) != ACTOR_ENDING;
        }
    }
    return queued;
}

bool wardi_sched_check(wardi_sched *s, ward_diag *ret_diag)
{
    check_state c = {.holds = true, .ret_diag = ret_diag};
    registry_each(&s->registry, check_one, &c);
    uint64_t queued = count_queued(s), armed = 0;
    for (uint32_t i = 0; i < s->worker_count && c.holds; i++) {
        armed += s->shards[i].count;
        c.holds = timer_shard_check(&s->shards[i], ret_diag);
    }
    if (!c.holds) return false;
    if (queued == c.queued && armed == c.armed) return true;
    (void)wardi_fail(ret_diag, WARD_ERROR_INTERNAL,
                     "%llu actors say that they are queued, %llu are; %llu timers are set, %llu "
                     "are in wheels",
                     (unsigned long long)c.queued, (unsigned long long)queued,
                     (unsigned long long)c.armed, (unsigned long long)armed);
    return false;
}
