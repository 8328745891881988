/* The tree's will: what supervise has decided becomes wishes of children, and events. */
#include <string.h>

#include "host/host_priv.h"

/* ---- what is told ---- */

static bool is_one_of(wardi_node_state state, uint32_t states)
{
    return (states >> state & 1) != 0;
}
#define BIT(state) (1u << WARDI_NODE_##state)

/* Up, or on the way down from there. */
static const uint32_t up =
    BIT(STARTING) | BIT(RUNNING) | BIT(READY) | BIT(LEAVING) | BIT(STOPPING) | BIT(KILLING);
/* Down, and on the way up; HELD may be for ever. */
static const uint32_t coming = BIT(WAITING) | BIT(QUEUED) | BIT(BACKOFF) | BIT(STARTING);
static const uint32_t over = BIT(ENDED) | BIT(QUARANTINED);

static uint64_t delay_of(const wardi_node_action *action, uint64_t now_ns)
{
    bool waits = action->to == WARDI_NODE_BACKOFF && action->due_ns > now_ns;
    return waits ? action->due_ns - now_ns : 0;
}

static void tell_restart(child *c, const wardi_node_action *action)
{
    uint64_t now_ns = wardi_sched_now(c->supervisor->sched);
    ward_event event = event_of(c, WARD_EVENT_RESTART);
    event.cause = action->cause;
    event.attempt = action->attempt;
    event.delay_ns = delay_of(action, now_ns);
    atomic_fetch_add_explicit(&c->restarts, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&c->restarts_by_cause[action->cause], 1, memory_order_relaxed);
    wardi_window_add(&c->restarts_recent, c->resource_window_ns, now_ns);
    event_push(c->supervisor, event, reason_text(&c->reason));
}

static void tell_child(child *c, const wardi_node_action *action)
{
    bool was_over = c->given_up;
    c->given_up = is_one_of(action->to, over);
    bool anew = (action->what & WARDI_DO_START) != 0; /* maybe from STARTING: without a delay */
    if (is_one_of(action->from, up) && (anew || !is_one_of(action->to, up))) c->went_down = true;
    if (c->went_down && is_one_of(action->to, coming)) tell_restart(c, action);
    if (action->to != WARDI_NODE_HELD) c->went_down = false;
    if (action->to == WARDI_NODE_IDLE) child_rest(c);
    if (c->given_up != was_over) group_update(c);
    if (!c->given_up || was_over) return;
    ward_event event = event_of(c, WARD_EVENT_GIVEN_UP);
    event.cause = action->cause;
    event_push(c->supervisor, event, reason_text(&c->reason));
}

static const char *group_words(const wardi_node_action *action)
{
    if (action->exhausted) return "exhausted";
    switch (action->to) {
    case WARDI_NODE_RUNNING: return "running";
    case WARDI_NODE_LEAVING: return "stopping"; /* what follows may change until all are down */
    case WARDI_NODE_BACKOFF: return "restarting";
    case WARDI_NODE_QUARANTINED: return "given up";
    case WARDI_NODE_REMOVED: return "removed";
    default: return "stopped";
    }
}

group *group_at(const ward_supervisor *s, wardi_node_id node)
{
    wardi_node_view view;
    return wardi_tree_look(s->tree, node, &view) ? (group *)(uintptr_t)view.tag : NULL;
}

static void tell_group(ward_supervisor *s, const wardi_node_action *action)
{
    group *g = (group *)(uintptr_t)action->tag; /* the root has none */
    if (g == NULL && !action->exhausted)
        return; /* the root's own coming and going is start, stop */
    ward_event event = {.size = sizeof event,
                        .kind = WARD_EVENT_GROUP,
                        .component = g != NULL ? g->name : "",
                        .version = "",
                        .cause = action->cause,
                        .delay_ns = delay_of(action, wardi_sched_now(s->sched))};
    event_push(s, event, group_words(action));
    if (g == NULL) return;
    group_quarantine(s, g, action->to == WARDI_NODE_QUARANTINED);
    if ((action->what & WARDI_DO_REMOVE) == 0) return;
    group_forget(s, g);
    for (size_t i = 0; i < s->group_count; i++)
        if (s->groups[i] == g) s->groups[i] = s->groups[--s->group_count];
    group_free(g);
}

/* ---- what is done ---- */

static void child_forget(child *c)
{
    ward_supervisor *s = c->supervisor;
    event_push(s, event_of(c, WARD_EVENT_REMOVED), "");
    names_remove(&s->names, child_name(c));
    child_cut(c);
    child_unlink(c);
    group_leave(c);
    topics_forget(c);
    evidence_drop(c);
    for (size_t i = 0; i < s->child_count; i++)
        if (s->children[i] == c) {
            s->children[i] = s->children[--s->child_count];
            break;
        }
    c->removed = true;
    /* By id, which pins it: by pointer, a worker that sees the first half of the stop would free it
     * before the second. */
    wardi_sched_stop(s->sched, c->actor.id);
}

static void child_obey(child *c, const wardi_node_action *action)
{
    child_wish wish = WISH_NOTHING;
    if ((action->what & WARDI_DO_START) != 0) wish = WISH_START;
    if ((action->what & WARDI_DO_STOP) != 0) wish = WISH_STOP;
    if ((action->what & WARDI_DO_KILL) != 0) wish = WISH_KILL;
    if (wish != WISH_NOTHING) {
        c->wish = wish;
        c->wish_run = action->run;
        if (wish == WISH_KILL && c->kind->interrupt != NULL) c->kind->interrupt(c);
        wardi_actor_wake(&c->actor);
    }
    if ((action->what & WARDI_DO_REMOVE) != 0) child_forget(c);
}

void tree_obey(ward_supervisor *s)
{
    wardi_node_action action;
    while (wardi_tree_action(s->tree, &action)) {
        if (action.is_supervisor) {
            tell_group(s, &action);
            continue;
        }
        child *c = (child *)(uintptr_t)action.tag;
        tell_child(c, &action);
        child_obey(c, &action);
    }
    uint64_t next_ns = wardi_tree_next_ns(s->tree);
    if (next_ns < s->keeper_due_ns) wardi_actor_wake(&s->keeper);
    pthread_cond_broadcast(&s->changed);
}

wardi_tree_answer tree_ask(ward_supervisor *s, wardi_node_id id, wardi_node_event_kind kind)
{
    wardi_node_event event = {.kind = kind, .id = id};
    wardi_tree_answer answer = wardi_tree_event(s->tree, &event, wardi_sched_now(s->sched));
    tree_obey(s);
    return answer;
}

void tree_report(child *c, wardi_node_event_kind kind, ward_cause cause)
{
    ward_supervisor *s = c->supervisor;
    if (c->run == 0) return;
    wardi_node_event event = {.kind = kind, .id = c->node, .run = c->run, .cause = cause};
    bool ends =
        kind != WARDI_TREE_STARTED && kind != WARDI_TREE_READY && kind != WARDI_TREE_UNREADY;
    if (ends) {
        bool done = c->wish == WISH_STOP || c->wish == WISH_KILL;
        if (done && c->wish_run == c->run) c->wish = WISH_NOTHING; /* it is so */
        c->run = 0;
    }
    wardi_tree_answer answer = wardi_tree_event(s->tree, &event, wardi_sched_now(s->sched));
    WARD_ASSERT(answer == WARDI_TREE_OK || answer == WARDI_TREE_STALE);
    tree_obey(s);
}

/* ---- its timers ---- */

static wardi_next keeper_look(wardi_actor *self)
{
    ward_supervisor *s = self->context;
    pthread_mutex_lock(&s->lock);
    pulse_of_workers(s);
    rounds_relieve(s);
    while (wardi_tree_tick(s->tree, wardi_sched_now(s->sched))) tree_obey(s);
    s->keeper_due_ns = wardi_tree_next_ns(s->tree);
    if (s->keeper_due_ns == WARDI_FOREVER)
        wardi_actor_timer_cancel(self);
    else
        wardi_actor_timer_set(self, s->keeper_due_ns);
    supervisor_unlock(s);
    return WARDI_READY;
}

static wardi_next keeper_receive(wardi_actor *self, wardi_message *message)
{
    wardi_message_free(self->sched, message); /* nobody has a reason to write to it */
    return WARDI_READY;
}

const wardi_behaviour keeper_behaviour = {
    .receive = keeper_receive, .timer = keeper_look, .wake = keeper_look};
