/* The health of all children, asked once.
 *
 * A sweep goes through the scheduler's places a grain at a time: the asking thread and the helpers,
 * one a worker, each take the next grain until there are none.
 *
 * A guest that does not come back holds whoever visits it, until its deadline. From then on the
 * rest of that grain is asked by message, and the asking thread takes no other grain: helpers are
 * stood in for like all who run on workers. Those who hold the sweep are the asking thread and each
 * helper; the last one frees it. */
#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "host/ask.h"
#include "host/host_priv.h"
#include "host/message.h"

enum { GRAINS_A_TURN = 8 };
/* In the gate, beside the number of threads that are inside. */
#define OVER UINT32_C(0x80000000)

typedef struct sweep sweep;

typedef struct helper {
    sweep *sweep;
    wardi_actor actor;
} helper;

struct sweep {
    ward_supervisor *supervisor;
    ward_sweep_callback on_answer;
    void *context;
    uint64_t timeout_ns, deadline_ns;
    uint32_t places;
    uint32_t helper_count;
    _Atomic uint32_t next_place; /* of the next grain */
    _Atomic uint32_t holders;
    /* What is found is counted and told inside; when it is over, nothing more is. */
    _Atomic uint32_t gate;
    _Atomic(wardi_message *) sent; /* the newest first, linked by `context` */
    _Atomic uint64_t by_health[WARD_HEALTH_COUNT];
    _Atomic uint64_t *answered; /* a bit a place, a word a grain */
    pthread_mutex_t lock;       /* of `working` */
    pthread_cond_t changed;
    uint32_t working; /* helpers that may have a grain */
    helper helpers[];
};

static void sweep_drop(sweep *w)
{
    wardi_sched *sched = w->supervisor->sched;
    if (atomic_fetch_sub(&w->holders, 1) != 1) return;
    wardi_message *next, *m = atomic_load(&w->sent);
    for (; m != NULL; m = next) { /* nobody waits for these any more */
        next = m->context;
        if (wardi_message_await(sched, m, 0) == WARD_OK) wardi_message_free(sched, m);
    }
    pthread_cond_destroy(&w->changed);
    pthread_mutex_destroy(&w->lock);
    wardi_free(w->answered);
    wardi_free(w);
}

static sweep *sweep_new(ward_supervisor *s, const ward_sweep_options *own)
{
    uint32_t places = wardi_sched_places(s->sched), grains = (places + GRAIN - 1) / GRAIN;
    uint32_t helpers = grains - 1 < s->worker_count ? grains - 1 : s->worker_count;
    if (helpers > 2) helpers--; /* the asking thread is one as well */
    sweep *w = wardi_alloc(sizeof *w + helpers * sizeof w->helpers[0]);
    if (w == NULL) return NULL;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&w->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&w->lock, NULL);
    w->supervisor = s;
    w->on_answer = own->on_answer;
    w->context = own->context;
    w->timeout_ns = ask_timeout(own->timeout_ns);
    w->deadline_ns = message_deadline(s, w->timeout_ns);
    w->places = places; /* the keeper has one: they are never none */
    w->helper_count = helpers;
    atomic_store(&w->holders, 1);
    w->answered = wardi_alloc_array(grains, sizeof *w->answered);
    if (w->answered != NULL) return w;
    sweep_drop(w);
    return NULL;
}

/* ---- what is found ---- */

static bool is_over(const sweep *w)
{
    return (atomic_load_explicit(&w->gate, memory_order_relaxed) & OVER) != 0;
}

static void gate_leave(sweep *w)
{
    atomic_fetch_sub(&w->gate, 1);
}

/* False: it is over. */
static bool gate_enter(sweep *w)
{
    if ((atomic_fetch_add(&w->gate, 1) & OVER) == 0) return true;
    gate_leave(w);
    return false;
}

static void mark(sweep *w, uint32_t place, uint64_t bits)
{
    atomic_fetch_or_explicit(&w->answered[place / GRAIN], bits, memory_order_relaxed);
}

static void count_more(sweep *w, ward_health health, uint32_t more)
{
    atomic_fetch_add_explicit(&w->by_health[health], more, memory_order_relaxed);
}

static void take_answer(sweep *w, ward_child_id id, const ward_report *report)
{
    uint32_t place = wardi_actor_place(id);
    if (!gate_enter(w)) return;
    mark(w, place, UINT64_C(1) << place % GRAIN);
    count_more(w, report->status, 1);
    if (report->status != WARD_HEALTH_HEALTHY && w->on_answer != NULL)
        w->on_answer(w->context, id, WARD_OK, report);
    gate_leave(w);
}

/* ---- a grain ---- */

typedef struct sweep_grain {
    sweep *sweep;
    uint32_t healthy;
    uint64_t healthy_bits;
    bool slow; /* a guest was */
} sweep_grain;

/* What can't be sent stays unanswered. */
static void ask_by_message(sweep *w, ward_child_id id)
{
    wardi_message *m;
    if (ask_send(w->supervisor, id, w->deadline_ns, &m) != WARD_OK) return;
    /* These two are ours: who has it answers it, and looks at the bytes alone. */
    m->correlation = id;
    wardi_message *newest = atomic_load(&w->sent);
    do {
        m->context = newest;
    } while (!atomic_compare_exchange_weak(&w->sent, &newest, m));
}

static void ask_one(void *context, uint32_t i, child *c)
{
    sweep_grain *g = context;
    sweep *w = g->sweep;
    ward_child_id id = c->actor.id;
    ward_verdict verdict;
    if (is_over(w)) return;
    if (g->slow || !ask_here(c, w->timeout_ns, &verdict)) {
        ask_by_message(w, id);
        return;
    }
    g->slow = verdict.duration_ns >= GRAIN_SLOW_NS;
    if (verdict.health == WARD_CHILD_HEALTHY) {
        g->healthy++;
        g->healthy_bits |= UINT64_C(1) << i;
        return;
    }
    ward_report report;
    report_of(&verdict, &report);
    take_answer(w, id, &report);
}

/* False: a guest was slow. */
static bool ask_grain(sweep *w, uint32_t first, uint32_t count)
{
    sweep_grain g = {.sweep = w};
    grain_each(w->supervisor->sched, first, count, ask_one, &g);
    if (g.healthy == 0 || !gate_enter(w)) return !g.slow;
    count_more(w, WARD_HEALTH_HEALTHY, g.healthy);
    mark(w, first, g.healthy_bits);
    gate_leave(w);
    return !g.slow;
}

/* False: there are no more, or the caller had better leave them to others. */
static bool ask_next_grain(sweep *w, bool patient)
{
    if (is_over(w)) return false;
    uint32_t first = atomic_fetch_add_explicit(&w->next_place, GRAIN, memory_order_relaxed);
    if (first >= w->places) return false;
    uint32_t left = w->places - first;
    return ask_grain(w, first, left < GRAIN ? left : GRAIN) || patient;
}

/* ---- helpers ---- */

static void helper_counts(sweep *w, bool begins)
{
    pthread_mutex_lock(&w->lock);
    w->working += begins ? 1 : UINT32_MAX;
    pthread_cond_signal(&w->changed);
    pthread_mutex_unlock(&w->lock);
}

static wardi_next helper_wake(wardi_actor *self)
{
    sweep *w = self->context;
    bool more = true;
    helper_counts(w, true);
    for (int i = 0; more && i < GRAINS_A_TURN; i++) more = ask_next_grain(w, true);
    helper_counts(w, false);
    if (!more) return WARDI_STOP;
    wardi_actor_wake(self);
    return WARDI_READY;
}

static wardi_next helper_receive(wardi_actor *self, wardi_message *message)
{
    wardi_message_free(self->sched, message); /* nobody knows it */
    return WARDI_READY;
}

static void helper_ended(wardi_actor *self)
{
    sweep_drop(self->context);
}

static const wardi_behaviour helper_behaviour = {
    .receive = helper_receive, .wake = helper_wake, .ended = helper_ended};

/* Without memory for one, the others do its share. How many there are. */
static uint32_t helpers_wake(sweep *w)
{
    uint32_t made = 0;
    for (; made < w->helper_count; made++) {
        helper *h = &w->helpers[made];
        wardi_sched *sched = w->supervisor->sched;
        if (wardi_actor_init(&h->actor, sched, &helper_behaviour, NULL) != WARD_OK) break;
        h->actor.context = w;
        atomic_fetch_add(&w->holders, 1);
        wardi_actor_wake(&h->actor);
    }
    return made;
}

/* ---- the asker ---- */

static bool helpers_rest(const sweep *w)
{
    return w->working == 0 && atomic_load(&w->next_place) >= w->places;
}

static void await_helpers(sweep *w)
{
    struct timespec until = {.tv_sec = (time_t)(w->deadline_ns / WARDI_S),
                             .tv_nsec = (long)(w->deadline_ns % WARDI_S)};
    pthread_mutex_lock(&w->lock);
    while (!helpers_rest(w) && wardi_now_ns() < w->deadline_ns)
        pthread_cond_timedwait(&w->changed, &w->lock, &until);
    pthread_mutex_unlock(&w->lock);
}

static void await_messages(sweep *w)
{
    wardi_message *next, *m = atomic_exchange(&w->sent, NULL);
    for (; m != NULL; m = next) {
        next = m->context;
        ward_report report;
        ward_child_id id = m->correlation;
        if (ask_await(w->supervisor, id, m, w->deadline_ns, &report) == WARD_OK)
            take_answer(w, id, &report);
    }
}

/* From here on nothing is counted, and only this thread calls back. */
static void end(sweep *w)
{
    atomic_fetch_or(&w->gate, OVER);
    while (atomic_load(&w->gate) != OVER) sched_yield();
}

static uint64_t tell_missing(sweep *w)
{
    uint64_t missing = 0;
    for (uint32_t place = 0; place < w->places; place++) {
        uint64_t bits = atomic_load_explicit(&w->answered[place / GRAIN], memory_order_relaxed);
        if ((bits >> place % GRAIN & 1) != 0) continue;
        child *c = child_of(wardi_sched_pin_place(w->supervisor->sched, place));
        if (c == NULL) continue;
        ward_child_id id = c->actor.id;
        wardi_actor_unpin(&c->actor);
        missing++;
        if (w->on_answer != NULL) w->on_answer(w->context, id, WARD_ERROR_REPLY_TIMEOUT, NULL);
    }
    return missing;
}

ward_error ward_supervisor_sweep(ward_supervisor *s, const ward_sweep_options *options,
                                 ward_sweep_result *ret_result)
{
    ward_sweep_options own = {0};
    if (s == NULL || ret_result == NULL ||
        (options != NULL && !wardi_options_copy(&own, sizeof own, options, options->size)))
        return WARD_ERROR_INVALID_ARGUMENT;
    if (!s->started) return WARD_ERROR_STATE;
    sweep *w = sweep_new(s, &own);
    if (w == NULL) return WARD_ERROR_NO_MEMORY;
    bool alone = helpers_wake(w) == 0;
    while (ask_next_grain(w, alone)) {}
    await_helpers(w);
    await_messages(w);
    end(w);
    ward_sweep_result result = {.size = ret_result->size, .unanswered = tell_missing(w)};
    for (int i = 0; i < WARD_HEALTH_COUNT; i++) result.by_health[i] = atomic_load(&w->by_health[i]);
    sweep_drop(w);
    memcpy(ret_result, &result, result.size < sizeof result ? result.size : sizeof result);
    return result.unanswered == 0 ? WARD_OK : WARD_ERROR_REPLY_TIMEOUT;
}
