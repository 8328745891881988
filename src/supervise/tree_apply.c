/* The one place where a state changes: it is set, counted above, told to dependents and needs, its
 * timer armed, and the action noted. What others make of it waits in the lists until tree_run. */
#include "supervise/tree_priv.h"

uint32_t tree_leaving_below(const supervision *s)
{
    return s->below[WARDI_NODE_LEAVING] + s->below[WARDI_NODE_STOPPING] +
           s->below[WARDI_NODE_KILLING];
}

bool tree_supervisors_run(const wardi_tree *t, uint32_t n)
{
    for (uint32_t p = t->nodes[n].parent; p != NOBODY; p = t->nodes[p].parent)
        if (t->nodes[p].state != WARDI_NODE_RUNNING) return false;
    return true;
}

static bool goes(const node *c)
{
    return c->state == WARDI_NODE_REMOVED ||
           (state_is_leaving(c->state) && c->then == WARDI_NODE_REMOVED);
}

bool tree_is_going(const wardi_tree *t, uint32_t n)
{
    for (uint32_t p = n; p != NOBODY; p = t->nodes[p].parent)
        if (goes(&t->nodes[p])) return true;
    return false;
}

static void count_above(wardi_tree *t, uint32_t n, wardi_node_state from, wardi_node_state to)
{
    bool one_less = state_is_leaving(from) && !state_is_leaving(to);
    for (uint32_t p = t->nodes[n].parent; p != NOBODY; p = t->nodes[p].parent) {
        supervision *s = supervision_of(t, p);
        s->below[from]--;
        if (to != WARDI_NODE_REMOVED) s->below[to]++;
        bool waits = one_less && t->nodes[p].state == WARDI_NODE_LEAVING;
        if (waits && tree_leaving_below(s) == 0) tree_settle_push(t, p);
    }
}

static void tell_dependents(wardi_tree *t, uint32_t n, bool ready)
{
    for (uint32_t e = t->nodes[n].first_dependent; e != NOBODY; e = t->edges[e].next_dependent) {
        uint32_t d = t->edges[e].child;
        if (ready && --t->nodes[d].unmet == 0 && t->nodes[d].state == WARDI_NODE_WAITING)
            tree_settle_push(t, d);
        if (!ready && t->nodes[d].unmet++ == 0 && t->nodes[d].state == WARDI_NODE_QUEUED)
            tree_child_event(t, d, WARDI_TREE_UNMET, WARD_CAUSE_NONE);
    }
}

static void tell_needs(wardi_tree *t, uint32_t n, bool leaving)
{
    for (uint32_t e = t->nodes[n].first_need; e != NOBODY; e = t->edges[e].next_need) {
        uint32_t need = t->edges[e].need;
        if (leaving)
            t->nodes[need].leaving_dependents++;
        else if (--t->nodes[need].leaving_dependents == 0 &&
                 t->nodes[need].state == WARDI_NODE_LEAVING)
            tree_settle_push(t, need);
    }
}

static void tell_others(wardi_tree *t, uint32_t n, wardi_node_state from, wardi_node_state to)
{
    count_above(t, n, from, to);
    bool was_ready = from == WARDI_NODE_READY, ready = to == WARDI_NODE_READY;
    if (was_ready != ready) tell_dependents(t, n, ready);
    bool was_leaving = state_is_leaving(from), leaving = state_is_leaving(to);
    if (was_leaving != leaving) tell_needs(t, n, leaving);
    bool lost = state_is_up(from) && !state_is_up(to);
    if (lost && t->nodes[n].first_dependent != NOBODY) tree_lost_push(t, n);
}

void tree_ready_long(wardi_tree *t, uint32_t n)
{
    node *c = &t->nodes[n];
    if (t->now_ns - c->ready_since_ns >= policy_of(t, n)->pace.reset_after_ns) c->step = 0;
}

static void keep_ready_time(wardi_tree *t, uint32_t n, wardi_node_state from, wardi_node_state to)
{
    if (from == WARDI_NODE_READY) tree_ready_long(t, n);
    if (to == WARDI_NODE_READY) t->nodes[n].ready_since_ns = t->now_ns;
}

static uint64_t due_of(const wardi_tree *t, uint32_t n, wardi_node_state to)
{
    const wardi_tree_policy *policy = policy_of(t, n);
    if (to == WARDI_NODE_BACKOFF) return t->nodes[n].restart_at_ns;
    if (to == WARDI_NODE_STARTING) return wardi_add_sat(t->now_ns, policy->start_ns);
    if (to == WARDI_NODE_KILLING) return wardi_add_sat(t->now_ns, policy->kill_ns);
    if (to != WARDI_NODE_STOPPING || policy->shutdown == WARDI_SHUTDOWN_INFINITE)
        return WARDI_FOREVER;
    return wardi_add_sat(t->now_ns, policy->stop_ns);
}

static void begin_run(wardi_tree *t, uint32_t n)
{
    node *c = &t->nodes[n];
    if (c->run++ == 0) return;
    WARD_ASSERT(c->cause != WARD_CAUSE_NONE);
    c->by_cause[c->cause]++;
}

static void note_action(node *c, wardi_node_state to)
{
    uint8_t act = to == WARDI_NODE_STARTING   ? WARDI_DO_START
                  : to == WARDI_NODE_STOPPING ? WARDI_DO_STOP
                  : to == WARDI_NODE_KILLING  ? WARDI_DO_KILL
                  : to == WARDI_NODE_REMOVED  ? WARDI_DO_REMOVE
                                              : 0;
    /* host sees one action a node: two orders in one event would be one too many. */
    WARD_ASSERT(act == 0 || (c->act & ~WARDI_DO_ABANDON) == 0);
    c->act |= act;
}

static void drop_relations(wardi_tree *t, uint32_t n)
{
    while (t->nodes[n].first_need != NOBODY) tree_edge_drop(t, t->nodes[n].first_need);
    while (t->nodes[n].first_dependent != NOBODY) tree_edge_drop(t, t->nodes[n].first_dependent);
    tree_child_detach(t, n);
}

/* Whoever waited for this supervisor may go on. */
static void open_below(wardi_tree *t, uint32_t top)
{
    uint32_t at = tree_walk(t, top, top);
    while (at != NOBODY) {
        bool shut = is_supervisor(t, at) && t->nodes[at].state != WARDI_NODE_RUNNING;
        if (t->nodes[at].state == WARDI_NODE_HELD) tree_settle_push(t, at);
        at = shut ? tree_walk_past(t, top, at) : tree_walk(t, top, at);
    }
}

static void set_supervisor(wardi_tree *t, uint32_t n, wardi_node_state to)
{
    tree_timer_set(t, n, due_of(t, n, to));
    if (to == WARDI_NODE_LEAVING) tree_settle_push(t, n);
    if (to == WARDI_NODE_RUNNING && tree_supervisors_run(t, n)) open_below(t, n);
}

static void set_child(wardi_tree *t, uint32_t n, wardi_node_state from, wardi_node_state to)
{
    tell_others(t, n, from, to);
    keep_ready_time(t, n, from, to);
    if (from == WARDI_NODE_QUEUED) tree_queue_leave(t, n);
    if (to == WARDI_NODE_QUEUED) tree_queue_enter(t, n);
    if (from == WARDI_NODE_STARTING) tree_slot_count(t, n, -1);
    if (to == WARDI_NODE_STARTING) tree_slot_count(t, n, +1);
    if (to == WARDI_NODE_STARTING) begin_run(t, n);
    tree_timer_set(t, n, due_of(t, n, to));
    bool goes_on = to == WARDI_NODE_HELD || to == WARDI_NODE_WAITING || to == WARDI_NODE_LEAVING;
    if (goes_on) tree_settle_push(t, n);
}

void tree_set(wardi_tree *t, uint32_t n, wardi_node_state to)
{
    node *c = &t->nodes[n];
    wardi_node_state from = c->state;
    if (from == to) return;
    tree_out_push(t, n, from);
    c->state = (uint8_t)to;
    if (is_supervisor(t, n))
        set_supervisor(t, n, to);
    else
        set_child(t, n, from, to);
    note_action(c, to);
    if (to == WARDI_NODE_REMOVED) drop_relations(t, n);
}
