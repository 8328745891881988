/* Supervisors: strategies, restarts of whole groups, and failures that go up. Everything below a
 * supervisor is visited by walking, so that neither depth nor number costs stack. */
#include "supervise/tree_priv.h"

/* ---- below ---- */

static void sweep_child(wardi_tree *t, uint32_t n, bool renew, ward_cause cause)
{
    node *c = &t->nodes[n];
    if (renew) {
        c->restarts = (wardi_window){0};
        c->step = 0;
    }
    renew = renew && (c->flags & BY_OPERATOR) == 0;
    wardi_node_event_kind kind = renew ? WARDI_TREE_RENEW : WARDI_TREE_SWEEP;
    if (policy_of(t, n)->restart == WARD_RESTART_TEMPORARY) kind = WARDI_TREE_RETIRE;
    tree_child_event(t, n, kind, cause);
}

static void renew_supervisor(wardi_tree *t, uint32_t n, ward_cause cause)
{
    t->nodes[n].restarts = (wardi_window){0};
    t->nodes[n].step = 0;
    supervision_of(t, n)->failures = (wardi_window){0};
    if ((t->nodes[n].flags & BY_OPERATOR) == 0)
        tree_supervisor_event(t, n, WARDI_TREE_RENEW, cause);
}

/* All below `top` leave, or are held where they are down; a child as `top` is all there is. */
static void sweep(wardi_tree *t, uint32_t top, bool renew, ward_cause cause)
{
    for (uint32_t at = top; at != NOBODY; at = tree_walk(t, top, at)) {
        if (!is_supervisor(t, at))
            sweep_child(t, at, renew, cause);
        else if (renew && at != top)
            renew_supervisor(t, at, cause);
    }
}

static bool quarantined_by_tree(const node *c)
{
    wardi_node_state stands = state_is_leaving(c->state) ? c->then : c->state;
    return stands == WARDI_NODE_QUARANTINED && (c->flags & BY_OPERATOR) == 0;
}

/* What the tree had put into quarantine below `top` gets its next chance. */
static void release_below(wardi_tree *t, uint32_t top)
{
    for (uint32_t at = tree_walk(t, top, top); at != NOBODY; at = tree_walk(t, top, at)) {
        if (!quarantined_by_tree(&t->nodes[at])) continue;
        if (is_supervisor(t, at))
            renew_supervisor(t, at, WARD_CAUSE_OPERATOR);
        else
            tree_child_event(t, at, WARDI_TREE_ASK_RELEASE, WARD_CAUSE_OPERATOR);
    }
}

static bool is_below(const wardi_tree *t, uint32_t n, uint32_t top)
{
    while (n != NOBODY && n != top) n = t->nodes[n].parent;
    return n == top;
}

/* Who is being removed needs nothing that anybody would have to wait for: it leaves first. */
bool tree_is_needed(const wardi_tree *t, uint32_t n, uint32_t top)
{
    for (uint32_t e = t->nodes[n].first_dependent; e != NOBODY; e = t->edges[e].next_dependent)
        if (!is_below(t, t->edges[e].child, top) && !tree_is_going(t, t->edges[e].child))
            return true;
    return false;
}

static bool needed_from_outside(const wardi_tree *t, uint32_t top)
{
    for (uint32_t at = top; at != NOBODY; at = tree_walk(t, top, at))
        if (tree_is_needed(t, at, top)) return true;
    return false;
}

static void remove_below(wardi_tree *t, uint32_t top)
{
    uint32_t at = tree_walk(t, top, top);
    while (at != NOBODY) {
        uint32_t next = tree_walk(t, top, at); /* before it is cut out */
        tree_set(t, at, WARDI_NODE_REMOVED);
        at = next;
    }
}

/* ---- one supervisor ---- */

static void follow(wardi_tree *t, uint32_t n)
{
    const node *c = &t->nodes[n];
    wardi_node_state to = c->then;
    if (to == WARDI_NODE_RUNNING && c->restart_at_ns > t->now_ns) to = WARDI_NODE_BACKOFF;
    if (to == WARDI_NODE_REMOVED) remove_below(t, n);
    tree_set(t, n, to);
}

static void ask_root(wardi_tree *t, wardi_node_event_kind kind)
{
    supervision *s = supervision_of(t, ROOT);
    if (!s->exhausted) return;
    s->exhausted = false;
    s->failures = (wardi_window){0};
    tree_out_push(t, ROOT, t->nodes[ROOT].state);
    if (kind != WARDI_TREE_ASK_STOP) release_below(t, ROOT);
}

static void go(wardi_tree *t, uint32_t n, wardi_node_event_kind kind, ward_cause cause, cell c)
{
    node *own = &t->nodes[n];
    wardi_node_state target = c.then != THEN_KEEP ? c.then : c.to;
    if (cause != WARD_CAUSE_NONE) own->cause = (uint8_t)cause;
    if (kind == WARDI_TREE_ASK_QUARANTINE && cause == WARD_CAUSE_OPERATOR)
        own->flags |= BY_OPERATOR;
    else if (target != WARDI_NODE_QUARANTINED)
        own->flags &= (uint8_t)~BY_OPERATOR;
    if (cause == WARD_CAUSE_OPERATOR) own->restart_at_ns = 0; /* who asks does not wait */
    if (c.then != THEN_KEEP) own->then = c.then;
    if (c.kind == CELL_GO) tree_set(t, n, c.to);
    if (kind == WARDI_TREE_ASK_RELEASE) {
        own->restarts = (wardi_window){0};
        own->step = 0;
        supervision_of(t, n)->failures = (wardi_window){0};
        release_below(t, n);
    }
    /* A group's restart sweeps what its strategy says; all else that leaves takes everybody. */
    bool leaves = c.kind == CELL_THEN || c.to == WARDI_NODE_LEAVING;
    bool all = kind == WARDI_TREE_ASK_STOP || kind == WARDI_TREE_ASK_RESTART ||
               kind == WARDI_TREE_ASK_QUARANTINE || kind == WARDI_TREE_ASK_REMOVE;
    if (leaves && all) sweep(t, n, false, cause);
}

wardi_tree_answer tree_supervisor_event(wardi_tree *t, uint32_t n, wardi_node_event_kind kind,
                                        ward_cause cause)
{
    if (n == ROOT && (kind == WARDI_TREE_ASK_QUARANTINE || kind == WARDI_TREE_ASK_REMOVE))
        return WARDI_TREE_IS_ROOT;
    if (kind == WARDI_TREE_ASK_REMOVE && needed_from_outside(t, n)) return WARDI_TREE_IS_NEEDED;
    bool was_exhausted = n == ROOT && supervision_of(t, n)->exhausted;
    if (was_exhausted && kind >= WARDI_TREE_ASK_START && kind <= WARDI_TREE_ASK_RELEASE)
        ask_root(t, kind);
    cell c = supervisor_decide(t->nodes[n].state, t->nodes[n].then, kind);
    switch ((cell_kind)c.kind) {
    case CELL_IGNORE: break;
    case CELL_REFUSE: return was_exhausted ? WARDI_TREE_OK : c.answer;
    case CELL_GO:
    case CELL_THEN: go(t, n, kind, cause, c); break;
    case CELL_FOLLOW: follow(t, n); break;
    case CELL_UNDEFINED:
    case CELL_JUDGE:
    case CELL_AFTER:
    case CELL_BUG: WARD_ASSERT(false && "no such event is sent to a supervisor in this state");
    }
    return WARDI_TREE_OK;
}

/* ---- groups ---- */

void tree_regroup(wardi_tree *t, uint32_t n)
{
    uint32_t parent = t->nodes[n].parent;
    node *p = &t->nodes[parent];
    const supervision *s = supervision_of(t, parent);
    bool all = s->policy.strategy == WARDI_ONE_FOR_ALL;
    /* More may fail while the group is on its way down: it waits for the longest delay. */
    bool first = p->state == WARDI_NODE_RUNNING;
    if (first || t->nodes[n].restart_at_ns > p->restart_at_ns)
        p->restart_at_ns = t->nodes[n].restart_at_ns;
    for (uint32_t m = all ? s->first : t->nodes[n].next; m != NOBODY; m = t->nodes[m].next)
        if (m != n) sweep(t, m, false, WARD_CAUSE_SIBLING);
    tree_supervisor_event(t, parent, WARDI_TREE_SWEEP, WARD_CAUSE_SIBLING);
    tree_settle_push(t, parent);
}

/* ---- failures that go up ---- */

/* A supervisor that starts again is a new one: nothing that its children did counts any more. */
static void restart_supervisor(wardi_tree *t, uint32_t n)
{
    node *own = &t->nodes[n];
    const wardi_tree_policy *policy = policy_of(t, n);
    /* A supervisor has no health of its own: what counts is how long it has run. */
    if (t->now_ns - own->restart_at_ns >= policy->pace.reset_after_ns) own->step = 0;
    wardi_window_add(&own->restarts, policy->intensity.window_ns, t->now_ns);
    uint64_t delay = wardi_pace_delay(&policy->pace, own->step, wardi_rng_unit(&t->rng));
    if (own->step < UINT32_MAX) own->step++;
    own->restart_at_ns = wardi_add_sat(t->now_ns, delay);
    own->by_cause[WARD_CAUSE_ESCALATION]++;
    own->run++;
    supervision_of(t, n)->failures = (wardi_window){0};
    own->cause = WARD_CAUSE_ESCALATION;
    tree_out_push(t, n, own->state); /* told even if it is leaving already */
    sweep(t, n, true, WARD_CAUSE_ESCALATION);
    if (supervision_of(t, own->parent)->policy.strategy == WARDI_ONE_FOR_ONE) {
        tree_supervisor_event(t, n, WARDI_TREE_SWEEP, WARD_CAUSE_ESCALATION);
        tree_settle_push(t, n);
        return;
    }
    tree_regroup(t, n);
}

static bool may_restart(const wardi_tree *t, uint32_t n)
{
    const wardi_tree_policy *policy = policy_of(t, n);
    return policy->restart != WARD_RESTART_TEMPORARY &&
           wardi_window_count(&t->nodes[n].restarts, policy->intensity.window_ns, t->now_ns) <
               policy->intensity.max;
}

/* True when one more failure below makes the supervisor itself fail. */
static bool count_failure(wardi_tree *t, uint32_t n)
{
    supervision *s = supervision_of(t, n);
    const wardi_intensity *limit = &s->policy.intensity;
    uint32_t before = wardi_window_count(&s->failures, limit->window_ns, t->now_ns);
    wardi_window_add(&s->failures, limit->window_ns, t->now_ns);
    return s->policy.strategy != WARDI_ONE_FOR_ONE || before >= limit->max;
}

void tree_escalate(wardi_tree *t, uint32_t parent)
{
    uint32_t n = parent;
    while (count_failure(t, n)) {
        if (n == ROOT) {
            supervision_of(t, n)->exhausted = true;
            t->nodes[n].cause = WARD_CAUSE_ESCALATION;
            tree_out_push(t, n, t->nodes[n].state);
            return;
        }
        if (may_restart(t, n)) {
            restart_supervisor(t, n);
            return;
        }
        tree_supervisor_event(t, n, WARDI_TREE_ASK_QUARANTINE, WARD_CAUSE_ESCALATION);
        n = t->nodes[n].parent;
    }
}
