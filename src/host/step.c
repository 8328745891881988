/* What a worker does with a child that is due: start it, check it, or stop it. The guest runs
 * without the lock; what health and supervise make of the outcome is applied under it. */
#include "host/host_priv.h"

static void due_at(ward_supervisor *s, child *c, child_phase phase, uint64_t at_ns)
{
    c->phase = phase;
    wardi_heap_put(&s->due, &c->due, at_ns);
    pthread_cond_signal(&s->changed);
}

static void push_state(ward_supervisor *s, const child *c, ward_state from, ward_state to,
                       const char *reason)
{
    ward_event event = event_of(c, WARD_EVENT_STATE);
    event.from_state = from;
    event.state = to;
    event_push(s, event, reason);
}

/* ---- readiness, and what depends on it ---- */

/* The first need that is not ready, or NULL. */
static const child *unready_need(const ward_supervisor *s, const child *c)
{
    for (size_t i = 0; i < c->need_count; i++)
        if (!s->children[c->needs[i]]->ready) return s->children[c->needs[i]];
    return NULL;
}

static bool compute_ready(const ward_supervisor *s, child *c)
{
    const child *need = unready_need(s, c);
    return wardi_health_ready(ward_component_state(c->component), &c->trend, c->ready_when_degraded,
                              need != NULL ? ward_component_name(need->component) : NULL,
                              need != NULL ? &need->unready_reason : NULL, &c->unready_reason);
}

/* Recomputes a child's readiness and that of everything behind it in dependency order. A child that
 * waited for what has just become ready is due to start. */
static void update_ready(ward_supervisor *s, child *changed)
{
    bool behind = false;
    for (size_t i = 0; i < s->child_count; i++) {
        child *c = s->children[s->order[i]];
        behind = behind || c == changed;
        if (!behind || (c != changed && c->need_count == 0)) continue;
        bool ready = compute_ready(s, c);
        if (ready != c->ready) {
            c->ready = ready;
            event_push(s, event_of(c, WARD_EVENT_READY), ready ? "" : c->unready_reason.text);
        }
        bool may_start = c->phase == CHILD_WAITING && unready_need(s, c) == NULL;
        if (may_start && !s->stopping) due_at(s, c, CHILD_START, wardi_now_ns());
    }
}

/* ---- failure ---- */

static ward_cause cause_of_error(ward_error error)
{
    if (error == WARD_ERROR_DEADLINE) return WARD_CAUSE_HANG;
    return error == WARD_ERROR_EXIT ? WARD_CAUSE_EXIT : WARD_CAUSE_CRASH;
}

static ward_cause cause_of_verdict(const ward_verdict *verdict)
{
    if (verdict->probe_error == WARD_PROBE_TIMEOUT) return WARD_CAUSE_HANG;
    return verdict->probe_error == WARD_PROBE_TRAP ? WARD_CAUSE_CRASH : WARD_CAUSE_HEALTH;
}

static bool ended_well(const child *c, ward_cause cause)
{
    ward_trap trap;
    if (cause != WARD_CAUSE_EXIT) return false;
    ward_component_last_trap(c->component, &trap);
    return trap.error == WARD_ERROR_EXIT && trap.exit_code == 0;
}

/* The component is Failed: supervise decides what follows. */
static void apply_failure(ward_supervisor *s, child *c, ward_cause cause, const char *reason)
{
    uint64_t now = wardi_now_ns();
    update_ready(s, c);
    if (s->stopping) return;
    wardi_decision decision = wardi_supervise_decide(
        &c->history, c->restart, &c->backoff, ended_well(c, cause), now, wardi_rng_unit(&s->rng));
    ward_event event = event_of(c, WARD_EVENT_RESTART);
    event.cause = cause;
    if (decision.kind != WARDI_RESTART) {
        c->phase = CHILD_GIVEN_UP;
        event.kind = WARD_EVENT_GIVEN_UP;
        event_push(s, event, reason);
        return;
    }
    c->restarts++;
    c->restarts_by_cause[cause]++;
    event.attempt = decision.attempt;
    event.delay_ns = decision.delay_ns;
    event_push(s, event, reason);
    due_at(s, c, CHILD_START, wardi_add_sat(now, decision.delay_ns));
}

/* ---- start ---- */

static void step_start(ward_supervisor *s, child *c)
{
    ward_diag diag;
    push_state(s, c, ward_component_state(c->component), WARD_STATE_STARTING, "");
    events_deliver(s);
    pthread_mutex_unlock(&s->lock);
    ward_error error = ward_component_start(c->component, &diag);
    pthread_mutex_lock(&s->lock);
    wardi_trend_restart(&c->trend, &c->trend_policy);
    ward_state state = ward_component_state(c->component);
    if (error == WARD_OK) {
        push_state(s, c, WARD_STATE_STARTING, state, "");
        c->reason = (ward_reason){0};
        due_at(s, c, CHILD_CHECK, wardi_now_ns());
        return;
    }
    wardi_reason_set(&c->reason, diag.text);
    c->trend.judged = true;
    c->trend.health = WARD_CHILD_FAILED;
    push_state(s, c, WARD_STATE_STARTING, state, diag.text);
    apply_failure(s, c, cause_of_error(error), diag.text);
}

/* ---- check ---- */

static void push_changes(ward_supervisor *s, const child *c, const ward_verdict *verdict,
                         ward_child_health before, bool health_changed, bool flapping_changed)
{
    if (health_changed) {
        ward_event event = event_of(c, WARD_EVENT_HEALTH);
        event.from_health = before;
        event.source = verdict->source;
        event.probe_error = verdict->probe_error;
        event_push(s, event, c->reason.text);
    }
    if (flapping_changed) event_push(s, event_of(c, WARD_EVENT_FLAPPING), "");
}

static void fail_component(ward_supervisor *s, child *c, const ward_verdict *verdict)
{
    ward_state before = ward_component_state(c->component);
    /* It may have failed by itself: a trap poisons a component-model instance. */
    if (before == WARD_STATE_READY) wardi_component_fail(c->component, &c->reason, NULL);
    push_state(s, c, WARD_STATE_READY, WARD_STATE_FAILED, c->reason.text);
    apply_failure(s, c, cause_of_verdict(verdict), c->reason.text);
}

static void apply_verdict(ward_supervisor *s, child *c, const ward_verdict *verdict)
{
    uint64_t now = wardi_now_ns();
    ward_child_health before = c->trend.health;
    bool first = !c->trend.judged;
    wardi_trend_change change = wardi_trend_apply(&c->trend, &c->trend_policy, verdict, now);
    c->checked_at_ns = now;
    wardi_reason_copy(&c->reason, &verdict->reason);
    push_changes(s, c, verdict, before, change.health_changed || first, change.flapping_changed);
    if (!wardi_health_live(ward_component_state(c->component), &c->trend)) {
        fail_component(s, c, verdict);
        return;
    }
    wardi_supervise_health(&c->history, &c->backoff, c->trend.health == WARD_CHILD_HEALTHY, now);
    update_ready(s, c);
    uint64_t interval = c->trend.started ? c->interval_ns : c->startup_interval_ns;
    uint64_t next = wardi_add_sat(c->due.key, interval);
    due_at(s, c, CHILD_CHECK, next > now ? next : wardi_add_sat(now, interval));
}

static void step_check(ward_supervisor *s, child *c)
{
    ward_verdict verdict;
    uint64_t window = c->resource_window_ns;
    wardi_component_restarts_set(c->component,
                                 wardi_restarts_in_window(&c->history, window, wardi_now_ns()));
    pthread_mutex_unlock(&s->lock);
    ward_component_check(c->component, &verdict);
    pthread_mutex_lock(&s->lock);
    apply_verdict(s, c, &verdict);
}

/* ---- stop ---- */

void child_stop_if_free(ward_supervisor *s, child *c)
{
    wardi_heap_remove(&s->due, &c->due);
    c->phase = CHILD_STOP;
    if (c->dependents_running == 0) due_at(s, c, CHILD_STOP, 0);
}

static void step_stop(ward_supervisor *s, child *c)
{
    ward_diag diag = {0};
    ward_state before = ward_component_state(c->component);
    bool ran = before == WARD_STATE_READY;
    if (ran) push_state(s, c, before, WARD_STATE_STOPPING, "");
    events_deliver(s);
    pthread_mutex_unlock(&s->lock);
    ward_component_stop(c->component, &diag);
    pthread_mutex_lock(&s->lock);
    ward_state after = ward_component_state(c->component);
    if (after != before) push_state(s, c, ran ? WARD_STATE_STOPPING : before, after, diag.text);
    update_ready(s, c);
    c->phase = CHILD_STOPPED;
    s->stopped_count++;
    for (size_t i = 0; i < c->need_count; i++) {
        child *need = s->children[c->needs[i]];
        need->dependents_running--;
        if (!need->claimed && need->phase == CHILD_STOP) child_stop_if_free(s, need);
    }
    pthread_cond_broadcast(&s->changed);
}

void child_step(ward_supervisor *s, child *c)
{
    switch (c->phase) {
    case CHILD_START: step_start(s, c); break;
    case CHILD_CHECK: step_check(s, c); break;
    case CHILD_STOP: step_stop(s, c); break;
    case CHILD_WAITING:
    case CHILD_GIVEN_UP:
    case CHILD_STOPPED: WARD_ASSERT(false && "a child in this phase is never due");
    }
}
