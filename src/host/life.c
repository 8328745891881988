/* A child's life, in the callbacks of its actor: start it, check it, stop it. What it is runs
 * without the lock; what health and supervise make of the outcome is applied under it. */
#include "host/host_priv.h"

/* How a run has ended by itself. */
typedef struct run_end {
    ward_cause cause;
    uint64_t detected_ns; /* as of ward_evidence */
    uint64_t evidence;    /* its number; 0: none was taken */
} run_end;

static void push_end(child *c, ward_state from, ward_state to, const char *reason, run_end end)
{
    if (from == to) return;
    history_change(c, false, (int)from, (int)to);
    ward_event event = event_of(c, WARD_EVENT_STATE);
    event.from_state = from;
    event.state = to;
    event.cause = end.cause;
    event.detected_ns = end.detected_ns;
    event.evidence = end.evidence;
    event_push(c->supervisor, event, reason);
}

static void push_state(child *c, ward_state from, ward_state to, const char *reason)
{
    push_end(c, from, to, reason, (run_end){0});
}

/* No lock is held. */
static run_end end_of(child *c, const ward_reason *reason, ward_cause cause, uint64_t detected_ns)
{
    uint64_t evidence = evidence_take(c, reason, cause, detected_ns);
    return (run_end){.cause = cause, .detected_ns = detected_ns, .evidence = evidence};
}

/* By a timer of its own, and not in a round. */
static bool checks_alone(const child *c)
{
    const check_round *r = c->round;
    return r == NULL || c->slow || atomic_load(&r->held_up);
}

/* One timer for all that is to come, but for the checks of who is in a round: most need none, and
 * then nothing is written. */
static void own_timer(child *c)
{
    uint64_t due_ns = c->resume_due_ns;
    if (checks_alone(c) && c->check_due_ns < due_ns) due_ns = c->check_due_ns;
    if (budget_due_ns(c) < due_ns) due_ns = budget_due_ns(c);
    if (guest_timers_due_ns(c) < due_ns) due_ns = guest_timers_due_ns(c);
    bool was_set = c->timer_is_set;
    c->timer_is_set = due_ns != WARDI_FOREVER;
    if (c->timer_is_set)
        wardi_actor_timer_set(&c->actor, due_ns);
    else if (was_set)
        wardi_actor_timer_cancel(&c->actor);
}

void child_timer(child *c)
{
    own_timer(c);
    if (c->round != NULL && !c->slow) round_expect(c->round, c->check_due_ns);
}

static void check_at(child *c, uint64_t at_ns)
{
    c->check_due_ns = at_ns;
    child_timer(c);
}

/* While it is down, its guest waits, or it owes processor time, messages to it wait; requests for
 * its health do not. */
static wardi_next next_of(const child *c)
{
    bool up = c->run != 0 && child_state(c) == WARD_STATE_READY;
    bool takes = !c->handling && budget_due_ns(c) == WARDI_FOREVER;
    return up && takes ? WARDI_READY : WARDI_WAITING;
}

/* ---- start ---- */

static void end_run(child *c, bool kill);

static void start_failed(child *c, ward_error error, const ward_diag *diag)
{
    ward_supervisor *s = c->supervisor;
    ward_cause cause = error == WARD_ERROR_DEADLINE ? WARD_CAUSE_START_TIMEOUT : WARD_CAUSE_START;
    ward_reason reason;
    wardi_reason_set(&reason, diag->text);
    run_end end = end_of(c, &reason, cause, wardi_now_ns() - c->began_ns);
    pthread_mutex_lock(&s->lock);
    guest_run_over(c, error);
    reason_keep(c->supervisor, &c->reason, &reason);
    c->trend.judged = true;
    c->trend.health = WARD_CHILD_FAILED;
    push_end(c, WARD_STATE_STARTING, child_state(c), diag->text, end);
    ready_update(c);
    tree_report(c, WARDI_TREE_START_FAILED, cause);
}

static void start(child *c)
{
    ward_supervisor *s = c->supervisor;
    ward_diag diag;
    /* The tree has let go of a run that took too long to end, and here it still is. */
    if (child_state(c) == WARD_STATE_READY) end_run(c, true);
    push_state(c, child_state(c), WARD_STATE_STARTING, "");
    /* Before anybody can see it Ready: whoever looks then, because what it needs has changed, must
     * not take the health of the run before for that of this one. */
    wardi_trend_restart(&c->trend, &c->trend_policy);
    supervisor_unlock(s);
    c->began_ns = wardi_now_ns();
    ward_error error = c->kind->start(c, &diag);
    if (error != WARD_OK) {
        start_failed(c, error, &diag);
        return;
    }
    pthread_mutex_lock(&s->lock);
    push_state(c, WARD_STATE_STARTING, child_state(c), "");
    reason_drop(c->supervisor, &c->reason);
    group_update(c);
    tree_report(c, WARDI_TREE_STARTED, WARD_CAUSE_NONE);
    c->up_ns = wardi_sched_now(s->sched);
    c->doubted_ns = 0;
    c->check_due_ns = c->up_ns; /* before any message: see child_wake */
    c->owed_due_ns = 0;
}

/* ---- check ---- */

static ward_cause cause_of(const ward_verdict *verdict)
{
    if (verdict->probe_error == WARD_PROBE_TIMEOUT) return WARD_CAUSE_HANG;
    return verdict->probe_error == WARD_PROBE_TRAP ? WARD_CAUSE_CRASH : WARD_CAUSE_HEALTH;
}

static void push_changes(child *c, const ward_verdict *verdict, ward_child_health before,
                         bool health_changed, bool flapping_changed)
{
    if (health_changed) {
        history_change(c, true, (int)before, (int)c->trend.health);
        ward_event event = event_of(c, WARD_EVENT_HEALTH);
        event.from_health = before;
        event.source = verdict->source;
        event.probe_error = verdict->probe_error;
        event_push(c->supervisor, event, reason_text(&c->reason));
    }
    if (flapping_changed) event_push(c->supervisor, event_of(c, WARD_EVENT_FLAPPING), "");
}

/* What those are told who wait for an answer of a run that has ended. */
static ward_error error_of(ward_cause cause)
{
    switch (cause) {
    case WARD_CAUSE_CRASH: return WARD_ERROR_TRAP;
    case WARD_CAUSE_HANG: return WARD_ERROR_DEADLINE;
    case WARD_CAUSE_EXIT: return WARD_ERROR_EXIT;
    default: return WARD_ERROR_INTERRUPTED;
    }
}

void child_die(child *c, const ward_reason *reason, ward_cause cause, uint64_t detected_ns)
{
    ward_supervisor *s = c->supervisor;
    ward_reason named;
    if (c->run == 0) return;
    if (reason->length == 0) { /* a verdict's words are let go of where there is no memory */
        wardi_reason_printf(&named, "%s; its words are lost for want of memory",
                            ward_cause_name(cause));
        reason = &named;
    }
    run_end end = end_of(c, reason, cause, detected_ns);
    check_at(c, WARDI_FOREVER);
    guest_run_over(c, error_of(cause));
    /* It may have failed by itself: a trap poisons a component-model instance. */
    if (child_state(c) == WARD_STATE_READY) c->kind->fail(c, reason);
    pthread_mutex_lock(&s->lock);
    reason_keep(c->supervisor, &c->reason, reason);
    c->trend.judged = true;
    c->trend.health = WARD_CHILD_FAILED;
    push_end(c, WARD_STATE_READY, WARD_STATE_FAILED, reason->text, end);
    ready_update(c);
    tree_report(c, WARDI_TREE_DIED, cause);
    supervisor_unlock(s);
}

/* False: by this verdict it does not live. */
static bool apply(child *c, const ward_verdict *verdict, uint64_t now_ns)
{
    ward_child_health before = c->trend.health;
    bool first = !c->trend.judged;
    wardi_trend_change change = wardi_trend_apply(&c->trend, &c->trend_policy, verdict, now_ns);
    reason_keep(c->supervisor, &c->reason, &verdict->reason);
    push_changes(c, verdict, before, change.health_changed || first, change.flapping_changed);
    if (!wardi_health_live(child_state(c), &c->trend)) return false;
    ready_look(c);
    ready_update(c);
    return true;
}

static void count_restarts(child *c)
{
    ward_supervisor *s = c->supervisor;
    if (!c->restarts_judged || c->kind->restarts_set == NULL) return;
    pthread_mutex_lock(&s->lock);
    uint32_t restarts =
        wardi_window_count(&c->restarts_recent, c->resource_window_ns, wardi_sched_now(s->sched));
    pthread_mutex_unlock(&s->lock);
    c->kind->restarts_set(c, restarts);
}

/* At its interval, whatever else there was; after what it missed, an interval from now. */
static void check_next(child *c, uint64_t now_ns)
{
    uint64_t interval_ns = c->trend.started ? c->interval_ns : c->startup_interval_ns;
    uint64_t next_ns = wardi_add_sat(c->check_due_ns, interval_ns);
    c->check_due_ns = next_ns > now_ns ? next_ns : wardi_add_sat(now_ns, interval_ns);
}

/* Since when it may have been unwell: the check before the first of those in a row that say so. */
static void doubt(child *c, const ward_verdict *verdict, uint64_t checked_ns)
{
    bool well = verdict->health == WARD_CHILD_HEALTHY || verdict->health == WARD_CHILD_DEGRADED;
    if (well)
        c->doubted_ns = 0;
    else if (c->doubted_ns == 0)
        c->doubted_ns = checked_ns > c->up_ns ? checked_ns : c->up_ns;
}

/* For how long at most what this verdict ends it for has gone on. */
static uint64_t gone_on_ns(const child *c, const ward_verdict *verdict, uint64_t now_ns)
{
    if (cause_of(verdict) != WARD_CAUSE_HEALTH) return verdict->duration_ns;
    return now_ns > c->doubted_ns ? now_ns - c->doubted_ns : 0;
}

/* Nearly all checks find what the last one found. Then nothing changes that is under the lock, and
 * the lock, which all children share, is left alone: its health and reason are what they were, and
 * so are its state, or it would not be well, and whatever follows from them for readiness, its own
 * and others'. */
static void check(child *c, uint64_t now_ns)
{
    ward_supervisor *s = c->supervisor;
    ward_verdict verdict;
    count_restarts(c);
    c->owed_due_ns = c->handling ? c->check_due_ns : 0;
    c->kind->check(c, &verdict);
    c->slow = verdict.duration_ns >= ROUND_SLOW_NS;
    now_ns += verdict.duration_ns; /* no clock is read for what is as good as known */
    uint64_t before_ns = atomic_load_explicit(&c->checked_at_ns, memory_order_relaxed);
    atomic_store_explicit(&c->checked_at_ns, now_ns, memory_order_relaxed);
    bool lives = true;
    if (!wardi_trend_steady(&c->trend, &verdict) || !ready_is_steady(c)) {
        doubt(c, &verdict, before_ns);
        pthread_mutex_lock(&s->lock);
        lives = apply(c, &verdict, now_ns);
        supervisor_unlock(s);
    }
    if (lives) {
        check_next(c, now_ns);
        return;
    }
    child_abort(c);
    child_die(c, &verdict.reason, cause_of(&verdict), gone_on_ns(c, &verdict, now_ns));
}

/* A check that found the guest waiting in a message has learnt nothing: it is made up for as soon
 * as that message has ended, or a guest that often waits would never be asked. */
static void settle_owed(child *c)
{
    if (c->owed_due_ns == 0 || c->handling) return;
    c->check_due_ns = c->owed_due_ns;
    c->owed_due_ns = 0;
}

static wardi_next act_on_time(child *c, uint64_t now_ns)
{
    if (c->run == 0) return WARDI_WAITING;
    uint64_t entered_ns = budget_enter(c);
    guest_timers_fire(c, now_ns);
    if (c->resume_due_ns <= now_ns) child_resume(c);
    if (c->run != 0) settle_owed(c);
    if (c->run != 0 && c->check_due_ns <= now_ns) check(c, now_ns);
    budget_leave(c, entered_ns);
    return next_of(c);
}

static wardi_next child_due(wardi_actor *self)
{
    child *c = self->context;
    c->timer_is_set = false;
    wardi_next next = act_on_time(c, wardi_actor_timer_now(self));
    if (c->run != 0) child_timer(c);
    return next;
}

static wardi_next check_in_round(child *c, round_time *time)
{
    if (c->check_due_ns > time->now_ns) c->check_due_ns = time->now_ns;
    wardi_next next = act_on_time(c, time->now_ns);
    uint64_t checked_ns = atomic_load_explicit(&c->checked_at_ns, memory_order_relaxed);
    if (checked_ns > time->now_ns) time->now_ns = checked_ns;
    if (c->run != 0) own_timer(c);
    return next;
}

/* Whose check is nearly due has it now, so that next time those of a round are due together. Whose
 * guest is to go on, which may take long, has it with that, in a run of its own. */
wardi_next child_in_round(wardi_actor *self, void *context)
{
    child *c = self->context;
    round_time *time = context;
    uint64_t until_ns = wardi_add_sat(time->now_ns, c->interval_ns / ROUND_EARLY);
    bool goes_on = c->resume_due_ns <= time->now_ns;
    bool due = !c->slow && !goes_on && c->check_due_ns <= until_ns;
    wardi_next next = due && time->now_ns < time->enough_ns ? check_in_round(c, time) : next_of(c);
    if (!c->slow && !goes_on && c->check_due_ns < time->next_ns) time->next_ns = c->check_due_ns;
    return next;
}

/* ---- stop ---- */

/* The lock is held, and given up meanwhile. */
static void end_run(child *c, bool kill)
{
    ward_supervisor *s = c->supervisor;
    ward_diag diag = {0};
    static const ward_reason killed = {.text = "killed", .length = 6};
    ward_state before = child_state(c);
    bool asked = before == WARD_STATE_READY && !kill;
    run_end end = {0};
    check_at(c, WARDI_FOREVER);
    if (asked) push_state(c, before, WARD_STATE_STOPPING, "");
    supervisor_unlock(s);
    if (kill && before == WARD_STATE_READY) {
        /* An immediate stop is no failure; one that took too long is. */
        if (c->tree_policy.shutdown != WARDI_SHUTDOWN_IMMEDIATE)
            end = end_of(c, &killed, WARD_CAUSE_HANG, 0);
        c->kind->fail(c, &killed);
    }
    c->kind->stop(c, &diag);
    pthread_mutex_lock(&s->lock);
    /* Here, since its clean-up may have begun things, or answered what was deferred. */
    guest_run_over(c, WARD_ERROR_INTERRUPTED);
    push_end(c, asked ? WARD_STATE_STOPPING : before, child_state(c),
             kill ? killed.text : diag.text, end);
    ready_update(c);
}

void child_rest(child *c)
{
    ward_diag diag;
    ward_state before = child_state(c);
    if (before != WARD_STATE_FAILED && before != WARD_STATE_CREATING) return;
    c->kind->stop(c, &diag); /* nothing of it runs, so that nothing is waited for */
    push_state(c, before, child_state(c), "");
    ready_update(c);
}

static void stop(child *c, bool kill)
{
    end_run(c, kill);
    tree_report(c, WARDI_TREE_STOPPED, WARD_CAUSE_NONE);
}

/* ---- the actor ---- */

/* What is being handled may end before a stop; before a kill it is ended, and before a start: then
 * it is of a run that was let go. */
static child_wish wish_take(child *c)
{
    child_wish wish = c->wish;
    if (wish == WISH_STOP && c->handling) return WISH_NOTHING;
    c->wish = WISH_NOTHING;
    return wish;
}

static wardi_next child_wake(wardi_actor *self)
{
    child *c = self->context;
    ward_supervisor *s = c->supervisor;
    pthread_mutex_lock(&s->lock);
    child_wish wish = wish_take(c);
    if ((wish == WISH_KILL || wish == WISH_START) && c->handling) {
        pthread_mutex_unlock(&s->lock);
        child_abort(c);
        pthread_mutex_lock(&s->lock);
    }
    if (wish != WISH_NOTHING) c->run = c->wish_run;
    if (wish == WISH_START)
        start(c);
    else if (wish != WISH_NOTHING)
        stop(c, wish == WISH_KILL);
    supervisor_unlock(s);
    uint64_t now_ns = wardi_sched_now(s->sched);
    if (wish == WISH_START || c->owed_due_ns != 0 || c->check_due_ns <= now_ns)
        act_on_time(c, now_ns);
    if (c->run != 0) child_timer(c); /* its guest may have armed an earlier one */
    uint64_t entered_ns = budget_enter(c);
    if (next_of(c) == WARDI_READY) child_again(c);
    budget_leave(c, entered_ns);
    return next_of(c);
}

static wardi_next child_receive(wardi_actor *self, wardi_message *message)
{
    child *c = self->context;
    uint64_t entered_ns = budget_enter(c);
    child_handle(c, message);
    ready_after_message(c);
    budget_leave(c, entered_ns);
    return next_of(c);
}

static void child_ended(wardi_actor *self)
{
    child *c = self->context;
    wardi_message *again = atomic_exchange(&c->again, NULL);
    if (again != NULL) wardi_message_answer(self->sched, again, WARD_ERROR_UNDELIVERED);
    if (c->removed) child_free(c);
}

/* What a check touches. */
static void child_fetch(const wardi_actor *self, uint32_t step)
{
    const child *c = self->context;
    if (step == 0) {
        __builtin_prefetch(c, 0);
        __builtin_prefetch(&c->guest, 1);
    } else if (step == 1 && c->component != NULL) {
        wardi_component_fetch(c->component);
    } else if (step == CHILD_FETCHES_MEMORY && c->component != NULL) {
        wardi_component_fetch_memory(c->component);
    } else if (step == 3 && c->component != NULL) {
        wardi_component_fetch_engine(c->component);
    }
}

const wardi_behaviour child_behaviour = {.receive = child_receive,
                                         .timer = child_due,
                                         .wake = child_wake,
                                         .ended = child_ended,
                                         .fetch = child_fetch};
