/* How a supervisor looks from outside. What is asked by id takes no lock that a worker takes: the
 * actor is pinned, so the child stays, and all that is read is written for any thread to read. */
#include <math.h>
#include <string.h>

#include "host/ask.h"
#include "host/host_priv.h"

/* ---- a child ---- */

enum { SHOWN_HEALTH = 3, SHOWN_READY = 4, SHOWN_FLAPPING = 8, SHOWN_GIVEN_UP = 16 };

void child_show(child *c, bool given_up)
{
    uint32_t shown = (uint32_t)c->trend.health | (c->ready ? SHOWN_READY : 0u) |
                     (c->trend.flapping ? SHOWN_FLAPPING : 0u) | (given_up ? SHOWN_GIVEN_UP : 0u);
    atomic_store_explicit(&c->shown, shown, memory_order_release);
}

void child_look(const child *c, ward_child_status *status)
{
    uint32_t shown = atomic_load_explicit(&c->shown, memory_order_acquire);
    wardi_trend trend = {.health = (ward_child_health)(shown & SHOWN_HEALTH)};
    status->state = child_state(c);
    status->health = trend.health;
    status->ready = (shown & SHOWN_READY) != 0;
    status->live = wardi_health_live(status->state, &trend);
    status->flapping = (shown & SHOWN_FLAPPING) != 0;
    status->given_up = (shown & SHOWN_GIVEN_UP) != 0;
    status->restarts = atomic_load_explicit(&c->restarts, memory_order_relaxed);
    for (size_t i = 0; i < WARD_CAUSES_MAX; i++)
        status->restarts_by_cause[i] =
            atomic_load_explicit(&c->restarts_by_cause[i], memory_order_relaxed);
    budget_tell(c, status);
    guest_tell(c, status);
    uint64_t checked_ns = atomic_load_explicit(&c->checked_at_ns, memory_order_relaxed);
    uint64_t now_ns = wardi_now_ns();
    status->checked_age_ns = checked_ns != 0 && checked_ns < now_ns ? now_ns - checked_ns : 0;
    bool ill = status->health != WARD_CHILD_HEALTHY;
    reason_get(c->supervisor, ill || status->ready ? &c->reason : &c->unready_reason,
               &status->reason);
    ward_verdict busy;
    if (c->kind->busy == NULL || !c->kind->busy(c, &busy) || busy.health <= status->health) return;
    status->health = busy.health;
    wardi_reason_copy(&status->reason, &busy.reason);
}

ward_error ward_supervisor_look(const ward_supervisor *s, ward_child_id id,
                                ward_child_status *ret_status)
{
    ward_child_status status = {0};
    if (!s->started) return WARD_ERROR_STATE;
    child *c = child_of(wardi_sched_pin(s->sched, id));
    if (c == NULL) return WARD_ERROR_NOT_FOUND;
    child_look(c, &status);
    wardi_actor_unpin(&c->actor);
    wardi_result_copy(ret_status, &status, sizeof status);
    return WARD_OK;
}

/* ---- figures ---- */

double ward_latency_bound(size_t bucket)
{
    return bucket < WARD_LATENCY_BUCKETS - 1 ? (double)wardi_latency_bound_ns(bucket) / 1e9
                                             : (double)INFINITY;
}

ward_error ward_supervisor_figures(const ward_supervisor *s, ward_child_id id,
                                   ward_child_figures *ret_figures)
{
    ward_child_figures figures = {.component.size = sizeof figures.component};
    if (!s->started) return WARD_ERROR_STATE;
    child *c = child_of(wardi_sched_pin(s->sched, id));
    if (c == NULL) return WARD_ERROR_NOT_FOUND;
    if (c->component != NULL) {
        ward_component_figures(c->component, &figures.component);
        wardi_component_latencies(c->component, figures.latency_buckets);
        figures.inside_ns = wardi_component_inside_ns(c->component);
    }
    figures.component.state = child_state(c);
    message_counts_of(c, &figures.messages);
    figures.mailbox_waiting = wardi_actor_waiting(&c->actor);
    figures.mailbox_max = c->actor.user_max;
    wardi_actor_unpin(&c->actor);
    wardi_result_copy(ret_figures, &figures, sizeof figures);
    return WARD_OK;
}

ward_error ward_supervisor_look_metrics(const ward_supervisor *s, ward_child_id id,
                                        ward_metric *ret_metrics, size_t *ret_count)
{
    if (!s->started) return WARD_ERROR_STATE;
    child *c = child_of(wardi_sched_pin(s->sched, id));
    if (c == NULL) return WARD_ERROR_NOT_FOUND;
    ward_error error = guest_metrics_of(c, ret_metrics, ret_count);
    wardi_actor_unpin(&c->actor);
    return error;
}

/* ---- members ---- */

static void tell_group(const group *g, ward_member_callback callback, void *context)
{
    ward_member member = {.size = sizeof member,
                          .is_group = true,
                          .name = g->name,
                          .version = "",
                          .group = g->above != NULL ? g->above->name : "",
                          .instances = g->instances};
    callback(context, &member);
}

/* It is pinned. The group that it is in may go meanwhile, so that its name is copied. */
static void tell_child(const child *c, ward_member_callback callback, void *context)
{
    char group_name[CHILD_NAME_BYTES] = "";
    wardi_text name = WARDI_TEXT(group_name);
    pthread_mutex_lock(&c->supervisor->lock);
    if (c->group != NULL) wardi_text_puts(&name, c->group->name);
    pthread_mutex_unlock(&c->supervisor->lock);
    ward_member member = {.size = sizeof member,
                          .instance = c->instance,
                          .native = c->native != NULL,
                          .id = c->actor.id,
                          .name = c->name,
                          .version = c->version,
                          .group = group_name,
                          .restart = (ward_restart)c->tree_policy.restart,
                          .interval_ns = c->interval_ns,
                          .need_count = c->need_name_count,
                          .needs = (const char *const *)c->need_names};
    callback(context, &member);
}

ward_error ward_supervisor_member(const ward_supervisor *s, ward_child_id id,
                                  ward_member_callback callback, void *context)
{
    if (!s->started) return WARD_ERROR_STATE;
    child *c = child_of(wardi_sched_pin(s->sched, id));
    if (c == NULL) return WARD_ERROR_NOT_FOUND;
    tell_child(c, callback, context);
    wardi_actor_unpin(&c->actor);
    return WARD_OK;
}

/* The group that it is in before it: they are few, and each is told of once. */
static void tell_groups(const ward_supervisor *s, const group *above, ward_member_callback callback,
                        void *context)
{
    for (size_t i = 0; i < s->group_count; i++) {
        if (s->groups[i]->above != above) continue;
        tell_group(s->groups[i], callback, context);
        tell_groups(s, s->groups[i], callback, context);
    }
}

ward_error ward_supervisor_members_some(const ward_supervisor *supervisor, uint64_t *cursor,
                                        uint32_t count, ward_member_callback callback,
                                        void *context)
{
    ward_supervisor *s = (ward_supervisor *)(uintptr_t)supervisor; /* its lock is no value */
    if (!s->started) return WARD_ERROR_STATE;
    if (*cursor == 0) {
        pthread_mutex_lock(&s->lock);
        tell_groups(s, NULL, callback, context);
        pthread_mutex_unlock(&s->lock);
    }
    uint64_t places = wardi_sched_places(s->sched), end = wardi_add_sat(*cursor, count);
    for (uint64_t i = *cursor; i < places && i < end; i++) {
        child *c = child_of(wardi_sched_pin_place(s->sched, (uint32_t)i));
        if (c == NULL) continue;
        tell_child(c, callback, context);
        wardi_actor_unpin(&c->actor);
    }
    *cursor = end < places ? end : UINT64_MAX;
    return WARD_OK;
}

ward_error ward_supervisor_members(const ward_supervisor *supervisor, ward_member_callback callback,
                                   void *context)
{
    uint64_t cursor = 0;
    return ward_supervisor_members_some(supervisor, &cursor, UINT32_MAX, callback, context);
}

/* ---- the host's own pulse ---- */

void pulse_of_workers(ward_supervisor *s)
{
    atomic_store_explicit(&s->pulse.workers_asked_ns, 0, memory_order_relaxed);
}

/* It was held awake for this one tick. */
void pulse_of_clock(ward_supervisor *s)
{
    if (atomic_load_explicit(&s->pulse.clock_asked_ns, memory_order_relaxed) == 0) return;
    atomic_store_explicit(&s->pulse.clock_asked_ns, 0, memory_order_relaxed);
    wardi_engine_release(s->engine);
}

/* How long an answer is owed; 0: it was given. Then it is asked anew. */
static bool answered(_Atomic uint64_t *asked_ns, uint64_t now_ns, uint64_t *ret_age_ns)
{
    uint64_t since_ns = 0;
    bool was_answered = atomic_compare_exchange_strong(asked_ns, &since_ns, now_ns);
    *ret_age_ns = was_answered || now_ns < since_ns ? 0 : now_ns - since_ns;
    return was_answered;
}

ward_error ward_supervisor_pulse(const ward_supervisor *supervisor, ward_pulse *ret_pulse)
{
    ward_supervisor *s = (ward_supervisor *)(uintptr_t)supervisor; /* it is asked, and notes that */
    ward_pulse pulse = {.workers = s->worker_count};
    if (!s->started) return WARD_ERROR_STATE;
    uint64_t now_ns = wardi_now_ns();
    wardi_sched_figures figures;
    wardi_sched_figures_brief(s->sched, &figures);
    pulse.runs = figures.runs;
    pulse.steals = figures.steals;
    pulse.timers_fired = figures.timers_fired;
    pulse.workers_stuck = figures.stuck;
    pulse.workers_missing = figures.stuck_without_spare;
    pulse.fiber_stacks = s->engine != NULL ? wardi_engine_suspended(s->engine) : 0;
    pulse.workers_busy = figures.busy;
    pulse.stopping = s->stopping;
    pulse.started = !pulse.stopping;
    /* The keeper and the rounds are none. */
    pulse.children = figures.actors - 1 - atomic_load(&s->round_count);
    if (!pulse.stopping) {
        if (answered(&s->pulse.workers_asked_ns, now_ns, &pulse.worker_age_ns))
            wardi_actor_wake(&s->keeper);
        if (s->world == NULL && answered(&s->pulse.clock_asked_ns, now_ns, &pulse.clock_age_ns))
            wardi_engine_hold(s->engine);
    }
    wardi_result_copy(ret_pulse, &pulse, sizeof pulse);
    return WARD_OK;
}

/* ---- what people do ---- */

ward_error ward_supervisor_record(ward_supervisor *s, const char *name, const char *words)
{
    if (s == NULL || name == NULL || words == NULL) return WARD_ERROR_INVALID_ARGUMENT;
    if (!s->started) return WARD_ERROR_STATE;
    pthread_mutex_lock(&s->lock);
    const child *c = names_find(&s->names, name);
    ward_event event = c != NULL ? event_of(c, WARD_EVENT_OPERATOR)
                                 : (ward_event){.size = sizeof event,
                                                .kind = WARD_EVENT_OPERATOR,
                                                .component = name,
                                                .version = ""};
    event_push(s, event, words);
    supervisor_unlock(s);
    return WARD_OK;
}
