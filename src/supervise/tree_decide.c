/* An event meets a node: the table says what it does, policy judges failures, and what follows of
 * it is worked off until nothing more does. */
#include "supervise/tree_priv.h"

/* ---- causes ---- */

/* A restart that is under way keeps the cause it began with. */
static void note_cause(node *c, ward_cause cause, wardi_node_state target)
{
    wardi_node_state stands = state_is_leaving(c->state) ? c->then : c->state;
    if (cause == WARD_CAUSE_NONE) return;
    if (state_is_pending(stands) && state_is_pending(target)) return;
    c->cause = (uint8_t)cause;
}

static void note_quarantine(node *c, wardi_node_event_kind kind, wardi_node_state target)
{
    if (kind == WARDI_TREE_ASK_QUARANTINE)
        c->flags |= BY_OPERATOR;
    else if (target != WARDI_NODE_QUARANTINED)
        c->flags &= (uint8_t)~BY_OPERATOR;
    if (kind != WARDI_TREE_ASK_RELEASE) return;
    c->restarts = (wardi_window){0};
    c->step = 0;
}

/* ---- failures ---- */

/* Down: to what was to follow. */
static void follow(wardi_tree *t, uint32_t n)
{
    const node *c = &t->nodes[n];
    bool delay_passed = c->then == WARDI_NODE_BACKOFF && c->restart_at_ns <= t->now_ns;
    tree_set(t, n, delay_passed ? WARDI_NODE_HELD : c->then);
}

/* It failed or ended, and goes by `way` (HELD: it is down already) to `then`. */
static void go_down(wardi_tree *t, uint32_t n, wardi_node_state way, wardi_node_state then)
{
    t->nodes[n].then = (uint8_t)then;
    if (way == WARDI_NODE_HELD)
        follow(t, n);
    else
        tree_set(t, n, way);
}

static void restart(wardi_tree *t, uint32_t n, wardi_node_state way)
{
    node *c = &t->nodes[n];
    const wardi_tree_policy *policy = policy_of(t, n);
    wardi_window_add(&c->restarts, policy->intensity.window_ns, t->now_ns);
    uint64_t delay = wardi_pace_delay(&policy->pace, c->step, wardi_rng_unit(&t->rng));
    if (c->step < UINT32_MAX) c->step++;
    c->restart_at_ns = wardi_add_sat(t->now_ns, delay);
    bool alone = supervision_of(t, c->parent)->policy.strategy == WARDI_ONE_FOR_ONE;
    go_down(t, n, way, alone ? WARDI_NODE_BACKOFF : WARDI_NODE_HELD);
    if (!alone) tree_regroup(t, n);
}

static void judge(wardi_tree *t, uint32_t n, bool ended_well, ward_cause cause,
                  wardi_node_state way)
{
    node *c = &t->nodes[n];
    const wardi_tree_policy *policy = policy_of(t, n);
    c->cause = (uint8_t)cause;
    if (c->state == WARDI_NODE_READY) tree_ready_long(t, n); /* before a delay is drawn */
    if (!wardi_restart_wanted(policy->restart, ended_well)) {
        go_down(t, n, way, WARDI_NODE_ENDED);
        return;
    }
    const wardi_intensity *limit = &policy->intensity;
    if (wardi_window_count(&c->restarts, limit->window_ns, t->now_ns) < limit->max) {
        restart(t, n, way);
        return;
    }
    go_down(t, n, way, WARDI_NODE_QUARANTINED);
    tree_escalate(t, c->parent);
}

/* ---- one event ---- */

static void go(wardi_tree *t, uint32_t n, wardi_node_event_kind kind, ward_cause cause, cell c)
{
    node *own = &t->nodes[n];
    wardi_node_state target = c.kind == CELL_GO && c.then == THEN_KEEP ? c.to : c.then;
    if (!state_is_leaving(target)) {
        note_cause(own, cause, target);
        note_quarantine(own, kind, target);
    }
    if (c.then != THEN_KEEP) own->then = c.then;
    if (c.kind == CELL_GO) tree_set(t, n, c.to);
}

wardi_tree_answer tree_child_event(wardi_tree *t, uint32_t n, wardi_node_event_kind kind,
                                   ward_cause cause)
{
    node *own = &t->nodes[n];
    bool at_once = policy_of(t, n)->shutdown == WARDI_SHUTDOWN_IMMEDIATE;
    if (kind == WARDI_TREE_ILL && at_once) kind = WARDI_TREE_HUNG;
    cell c = child_decide(own->state, own->then, kind);
    switch ((cell_kind)c.kind) {
    case CELL_IGNORE: break;
    case CELL_REFUSE: return c.answer;
    case CELL_GO:
    case CELL_THEN: go(t, n, kind, cause, c); break;
    case CELL_JUDGE: judge(t, n, kind == WARDI_TREE_EXITED, cause, c.to); break;
    case CELL_FOLLOW:
        tree_out_push(t, n, own->state);
        if (kind == WARDI_TREE_TIMER) own->act |= WARDI_DO_ABANDON;
        follow(t, n);
        break;
    case CELL_UNDEFINED:
    case CELL_AFTER:
    case CELL_BUG: WARD_ASSERT(false && "the tree sends no such event to a child in this state");
    }
    return WARDI_TREE_OK;
}

/* ---- what follows ---- */

static void settle_child(wardi_tree *t, uint32_t n)
{
    const node *c = &t->nodes[n];
    bool at_once = policy_of(t, n)->shutdown == WARDI_SHUTDOWN_IMMEDIATE;
    wardi_node_event_kind clear = at_once ? WARDI_TREE_CLEAR_NOW : WARDI_TREE_CLEAR;
    if (c->state == WARDI_NODE_HELD && tree_supervisors_run(t, n))
        tree_child_event(t, n, WARDI_TREE_GO, WARD_CAUSE_NONE);
    if (c->state == WARDI_NODE_WAITING && c->unmet == 0)
        tree_child_event(t, n, WARDI_TREE_MET, WARD_CAUSE_NONE);
    if (c->state == WARDI_NODE_LEAVING && c->leaving_dependents == 0)
        tree_child_event(t, n, clear, WARD_CAUSE_NONE);
}

static void settle(wardi_tree *t, uint32_t n)
{
    if (!is_supervisor(t, n))
        settle_child(t, n);
    else if (t->nodes[n].state == WARDI_NODE_LEAVING &&
             tree_leaving_below(supervision_of(t, n)) == 0)
        tree_supervisor_event(t, n, WARDI_TREE_CLEAR, WARD_CAUSE_NONE);
}

/* It went down. Its dependents are not ready any more, which is health's to say; those that asked
 * for it start again with it. */
static void tell_lost(wardi_tree *t, uint32_t n)
{
    for (uint32_t e = t->nodes[n].first_dependent; e != NOBODY; e = t->edges[e].next_dependent) {
        uint32_t d = t->edges[e].child;
        const wardi_tree_policy *policy = policy_of(t, d);
        if (!policy->restart_with_needs || !state_is_up(t->nodes[d].state)) continue;
        bool never = policy->restart == WARD_RESTART_TEMPORARY;
        tree_child_event(t, d, never ? WARDI_TREE_RETIRE : WARDI_TREE_SWEEP, WARD_CAUSE_NEED);
    }
}

/* Whoever is lost is marked as leaving before anybody is told to stop, so that dependents stop
 * first; starts come last, so that nobody is told to start and to stop in one event. */
void tree_run(wardi_tree *t)
{
    for (;;) {
        uint32_t n = tree_lost_pop(t);
        if (n != NOBODY) {
            tell_lost(t, n);
            continue;
        }
        n = tree_settle_pop(t);
        if (n != NOBODY) {
            settle(t, n);
            continue;
        }
        n = tree_queue_next(t);
        if (n == NOBODY) return;
        tree_child_event(t, n, WARDI_TREE_SLOT, WARD_CAUSE_NONE);
    }
}

/* ---- from outside ---- */

uint32_t tree_find(const wardi_tree *t, wardi_node_id id)
{
    bool known = id.index != NOBODY && id.index < t->node_count &&
                 t->nodes[id.index].generation == id.generation &&
                 (t->nodes[id.index].flags & IN_USE) != 0;
    return known ? id.index : NOBODY;
}

static ward_cause cause_of(const wardi_node_event *event)
{
    static const ward_cause causes[WARDI_TREE_EVENTS_OF_HOST] = {
        [WARDI_TREE_START_FAILED] = WARD_CAUSE_START,
        [WARDI_TREE_EXITED] = WARD_CAUSE_EXIT,
        [WARDI_TREE_DIED] = WARD_CAUSE_CRASH,
        [WARDI_TREE_ILL] = WARD_CAUSE_HEALTH,
        [WARDI_TREE_HUNG] = WARD_CAUSE_HANG,
        [WARDI_TREE_ASK_START] = WARD_CAUSE_OPERATOR,
        [WARDI_TREE_ASK_STOP] = WARD_CAUSE_OPERATOR,
        [WARDI_TREE_ASK_RESTART] = WARD_CAUSE_OPERATOR,
        [WARDI_TREE_ASK_QUARANTINE] = WARD_CAUSE_OPERATOR,
        [WARDI_TREE_ASK_RELEASE] = WARD_CAUSE_OPERATOR,
        [WARDI_TREE_ASK_REMOVE] = WARD_CAUSE_OPERATOR,
    };
    bool told = event->kind == WARDI_TREE_DIED || event->kind == WARDI_TREE_ILL ||
                event->kind == WARDI_TREE_HUNG || event->kind == WARDI_TREE_START_FAILED;
    return told && event->cause != WARD_CAUSE_NONE ? event->cause : causes[event->kind];
}

void tree_set_now(wardi_tree *t, uint64_t now_ns)
{
    WARD_ASSERT(t->out.first == NOBODY && "actions are taken before the next event");
    if (now_ns > t->now_ns) t->now_ns = now_ns;
}

wardi_tree_answer wardi_tree_event(wardi_tree *tree, const wardi_node_event *event, uint64_t now_ns)
{
    WARD_ASSERT((unsigned)event->kind < WARDI_TREE_EVENTS_OF_HOST &&
                (unsigned)event->cause < WARD_CAUSE_COUNT);
    tree_set_now(tree, now_ns);
    uint32_t n = tree_find(tree, event->id);
    if (n == NOBODY) return WARDI_TREE_STALE;
    bool report = event->kind < WARDI_TREE_ASK_START;
    if (report && is_supervisor(tree, n)) return WARDI_TREE_NOT_A_CHILD;
    if (report && event->run != tree->nodes[n].run) return WARDI_TREE_STALE;
    wardi_tree_answer answer;
    if (is_supervisor(tree, n))
        answer = tree_supervisor_event(tree, n, event->kind, cause_of(event));
    else if (event->kind == WARDI_TREE_ASK_REMOVE && tree_is_needed(tree, n, n))
        answer = WARDI_TREE_IS_NEEDED;
    else
        answer = tree_child_event(tree, n, event->kind, cause_of(event));
    tree_run(tree);
    return answer;
}

uint64_t wardi_tree_next_ns(const wardi_tree *tree)
{
    return tree->heap_count != 0 ? tree->nodes[tree->heap[0]].due_ns : WARDI_FOREVER;
}

bool wardi_tree_tick(wardi_tree *tree, uint64_t now_ns)
{
    tree_set_now(tree, now_ns);
    if (wardi_tree_next_ns(tree) > tree->now_ns) return false;
    uint32_t n = tree->heap[0];
    bool starting = tree->nodes[n].state == WARDI_NODE_STARTING;
    ward_cause cause = starting ? WARD_CAUSE_START_TIMEOUT : WARD_CAUSE_NONE;
    if (is_supervisor(tree, n))
        tree_supervisor_event(tree, n, WARDI_TREE_TIMER, cause);
    else
        tree_child_event(tree, n, WARDI_TREE_TIMER, cause);
    tree_run(tree);
    return true;
}
