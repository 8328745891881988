/* What must hold: of what is told, as it is told; and between two steps, of what the host says. */
#include "sim/world.h"

#include <stdlib.h>
#include <string.h>

enum { IN_TURN = 8 }; /* members of a large world that are looked at after one step */

static void describe(const char *who)
{
    const child *c = names_find(&the_world->supervisor->names, who);
    wardi_node_view v;
    if (c == NULL || !wardi_tree_look(c->supervisor->tree, c->node, &v)) return;
    print_error("  it is %s, its node %s (then %s, for %s, run %u, %u needs unmet), wish %d of run "
                "%u, run %u%s%s%s: %s; %s\n",
                ward_state_name(child_state(c)), wardi_node_state_name(v.state),
                wardi_node_state_name(v.then), ward_cause_name(v.cause), v.run, v.unmet,
                (int)c->wish, c->wish_run, c->run, c->ready ? ", ready" : "",
                c->given_up ? ", given up" : "", c->handling ? ", handling" : "",
                reason_text(&c->reason), reason_text(&c->unready_reason));
}

_Noreturn void sim_fail(const char *what, const char *who, const char *file, int line)
{
    const world *w = the_world;
    wardi_alloc_gate_set(NULL, NULL);
    print_error("seed %llu, step %llu: %s, of \"%s\" (%s:%d)\nAgain: WARD_SEED=%llu "
                "build/tests/sim\n",
                (unsigned long long)w->seed, (unsigned long long)w->steps, what, who, file, line,
                (unsigned long long)w->seed);
    if (w->supervisor != NULL) describe(who);
    fail();
    abort();
}

/* The host's own assertions: in place of src/base/assert.c. */
_Noreturn void wardi_assert_failed(const char *expression, const char *file, int line)
{
    sim_fail(expression, "an assertion of the host's", file, line);
}

/* ---- events ---- */

/* Since some were lost for want of memory, what was told is no more the whole. */
static void events_are_lost(uint64_t sequence)
{
    world *w = the_world;
    MUST(w->memory_failed && sequence > w->sequence, "events");
    w->events_lost = true;
    w->sequence = sequence;
}

static void ended(member *m)
{
    m->down_last_ns = wardi_now_ns();
    letters_end(m);
    if (m->deferred == 0) return;
    letter_fate(m->deferred, FATE_DIED);
    m->deferred = 0;
}

static void on_start(member *m)
{
    world *w = the_world;
    MUST(m->starts == 0 || m->restart_told || m->excused || w->events_lost, m->name);
    for (uint32_t i = 0; i < m->need_count && !w->events_lost; i++) {
        const member *need = &w->members[m->needs[i]];
        MUST(need->ready || need->was_ready_ns >= m->down_last_ns, m->name);
    }
    m->starts++;
    m->restart_told = m->excused = false;
}

/* An end by itself, or by a kill that was overdue, leaves evidence, and leaves it first; its event
 * names it. */
static void on_end(member *m, const ward_event *event)
{
    bool killed = event->from_state == WARD_STATE_READY && event->state == WARD_STATE_TERMINATED &&
                  strcmp(event->reason, "killed") == 0 &&
                  m->options.shutdown != WARD_SHUTDOWN_IMMEDIATE;
    if (event->state != WARD_STATE_READY && event->state != WARD_STATE_STARTING) ended(m);
    if (event->state != WARD_STATE_FAILED && !killed) {
        MUST(event->evidence == 0, m->name);
        return;
    }
    m->ends++;
    m->end_ns = wardi_now_ns();
    MUST(m->evidences == m->ends || the_world->memory_failed, m->name);
    MUST(event->evidence == m->ends || the_world->memory_failed, m->name);
}

/* What it needs is the last to go. */
static void on_stopping(const member *m)
{
    const world *w = the_world;
    uint32_t number = (uint32_t)(m - w->members);
    for (uint32_t i = 0; w->stopping && i < w->member_count; i++)
        for (uint32_t k = 0; k < w->members[i].need_count; k++)
            if (w->members[i].exists && w->members[i].needs[k] == number)
                MUST(w->members[i].state != WARD_STATE_READY, m->name);
}

static void on_state(member *m, const ward_event *event)
{
    MUST(event->from_state == m->state || the_world->events_lost, m->name);
    MUST(wardi_lifecycle_legal(event->from_state, event->state) ||
             event->state == WARD_STATE_TERMINATED,
         m->name);
    m->state = event->state;
    if (event->state == WARD_STATE_STARTING) on_start(m);
    if (event->state == WARD_STATE_STOPPING) on_stopping(m);
    on_end(m, event);
}

static bool by_itself(ward_cause cause)
{
    return cause == WARD_CAUSE_CRASH || cause == WARD_CAUSE_HANG || cause == WARD_CAUSE_HEALTH ||
           cause == WARD_CAUSE_START || cause == WARD_CAUSE_START_TIMEOUT;
}

void forget_failures(member *m)
{
    m->failure_count = 0;
    m->ends_counted = m->ends;
}

static void on_restart(member *m, const ward_event *event)
{
    const ward_backoff *b = &m->options.backoff;
    uint32_t in_window = 0;
    MUST(event->cause != WARD_CAUSE_NONE, m->name);
    m->restarts++;
    m->by_cause[event->cause]++;
    m->restart_told = true;
    if (!by_itself(event->cause)) return;
    MUST(event->cause == m->evidence_cause || the_world->memory_failed, m->name);
    MUST(event->attempt <= b->restarts_max, m->name);
    if (m->ends == m->ends_counted) return; /* told of again, since others went down meanwhile */
    m->ends_counted = m->ends;
    m->failures_ns[m->failure_count++ % FAILURES_MAX] = m->end_ns;
    for (uint32_t i = 0; i < m->failure_count && i < FAILURES_MAX; i++)
        in_window += m->end_ns - m->failures_ns[i] < b->window_ns;
    MUST(in_window <= b->restarts_max, m->name);
}

/* A group that begins anew forgets what its children did; NO_GROUP: the supervisor itself. */
static void on_group(const char *name, ward_cause cause)
{
    world *w = the_world;
    int32_t number = NO_GROUP;
    for (uint32_t g = 0; g < w->group_count; g++)
        if (strcmp(w->groups[g].name, name) == 0) number = (int32_t)g;
    for (uint32_t i = 0; i < w->member_count; i++) {
        if (!is_below(&w->members[i], number)) continue;
        w->members[i].excused = true;
        if (cause != WARD_CAUSE_SIBLING) forget_failures(&w->members[i]);
    }
}

static void on_group_health(const ward_event *event)
{
    world *w = the_world;
    for (uint32_t g = 0; g < w->group_count; g++) {
        sim_group *of = &w->groups[g];
        if (strcmp(of->name, event->component) != 0) continue;
        MUST(of->health == event->from_health || w->events_lost, of->name);
        of->health = event->health;
        of->ready = event->ready;
    }
}

static void on_ready(member *m, const ward_event *event)
{
    MUST(m->ready != event->ready || the_world->events_lost, m->name);
    if (m->ready || event->ready) m->was_ready_ns = wardi_now_ns();
    m->ready = event->ready;
}

void on_event(void *context, const ward_event *event)
{
    world *w = the_world;
    (void)context;
    if (event->sequence != w->sequence + 1) events_are_lost(event->sequence);
    w->sequence = event->sequence;
    w->trace = (w->trace ^ event->kind ^ (uint64_t)event->state << 8 ^ event->wall_ns << 16) *
               UINT64_C(0x100000001b3);
    if (event->kind == WARD_EVENT_STOPPED) return;
    if (event->kind == WARD_EVENT_MISSING) {
        MUST(w->events_lost && event->component[0] == '\0', event->reason);
        return;
    }
    if (event->kind == WARD_EVENT_GROUP) {
        on_group(event->component, event->cause);
        return;
    }
    if (event->kind == WARD_EVENT_GROUP_HEALTH) {
        on_group_health(event);
        return;
    }
    member *m = member_of(event->component);
    if (event->kind == WARD_EVENT_STATE) on_state(m, event);
    if (event->kind == WARD_EVENT_RESTART) on_restart(m, event);
    if (event->kind == WARD_EVENT_READY) on_ready(m, event);
    if (event->kind == WARD_EVENT_SET_ASIDE) m->set_aside_told++;
}

void on_evidence(void *context, const ward_evidence *evidence)
{
    member *m = member_of(evidence->component);
    (void)context;
    m->evidences++;
    m->evidence_cause = evidence->cause;
    MUST(evidence->number == m->evidences || the_world->memory_failed, m->name);
    MUST(evidence->cause != WARD_CAUSE_NONE && evidence->reason.length != 0, m->name);
}

/* ---- what the host says of a member ---- */

static void check_counts(member *m)
{
    const world *w = the_world;
    ward_message_counts c = WARD_INIT(ward_message_counts);
    MUST(ward_supervisor_message_counts(w->supervisor, m->name, &c) == WARD_OK, m->name);
    MUST(c.sent == c.handled + c.refused + c.dropped + c.expired + c.undelivered + c.set_aside +
                       c.pending,
         m->name);
    bool again = atomic_load(&m->child->again) != NULL;
    if (m->retry != 0 && !again) letter_expired(m);
    MUST(m->expired_late <= c.expired, m->name);
    uint64_t reached = c.handled + c.set_aside + again;
    MUST(m->entered <= reached, m->name);
    MUST(reached <= m->entered + m->others || w->memory_failed, m->name);
    MUST(m->attempts <= c.sent, m->name);
    MUST(m->refused <= c.refused, m->name);
    MUST(again == (m->retry != 0), m->name);
    MUST(c.set_aside == m->set_aside, m->name);
    MUST(c.set_aside == m->set_aside_told || w->events_lost, m->name);
    bool drops = m->options.mailbox_full == WARD_MAILBOX_DROP_OLDEST ||
                 m->options.mailbox_full == WARD_MAILBOX_DROP_NEWEST;
    MUST(c.dropped == 0 || drops, m->name);
}

static void check_status(member *m)
{
    const world *w = the_world;
    m->status = (ward_child_status)WARD_INIT(ward_child_status);
    MUST(ward_supervisor_child(w->supervisor, m->name, &m->status) == WARD_OK, m->name);
    const ward_child_status *s = &m->status;
    uint32_t by_cause = 0;
    for (int i = 0; i < WARD_CAUSES_MAX; i++) by_cause += s->restarts_by_cause[i];
    MUST(s->restarts == by_cause && s->restarts_by_cause[WARD_CAUSE_NONE] == 0, m->name);
    MUST(!s->ready || s->state == WARD_STATE_READY || w->stopping, m->name);
    MUST(s->timers <= m->options.timers_max, m->name);
    MUST(s->timers == 0 || s->state == WARD_STATE_READY, m->name);
    for (size_t i = 0; i < m->child->need_count; i++)
        MUST(!s->ready || m->child->needs[i]->ready, m->name);
    if (w->supervisor->pending.count != 0) return;
    if (w->events_lost) {
        m->state = s->state;
        m->ready = s->ready;
        m->restarts = s->restarts;
        return;
    }
    MUST(s->state == m->state, m->name);
    MUST(s->ready == m->ready, m->name);
    MUST(s->restarts == m->restarts, m->name);
    MUST(memcmp(s->restarts_by_cause, m->by_cause, sizeof m->by_cause) == 0, m->name);
}

static void check_member(member *m)
{
    const world *w = the_world;
    if (!m->exists) return;
    m->child = names_find(&w->supervisor->names, m->name);
    if (m->child == NULL) {
        MUST(m->asked_for_removal, m->name);
        m->exists = false;
        return;
    }
    check_counts(m);
    check_status(m);
}

/* ---- of a group: counted again, from what was just said of its members ---- */

static void count_one(const member *m, wardi_group_counts *n)
{
    const ward_child_status *s = &m->status;
    n->children++;
    n->ready += s->ready;
    n->given_up += s->given_up;
    ward_child_health health = WARD_CHILD_DEGRADED;
    if (s->given_up || s->state == WARD_STATE_FAILED)
        health = WARD_CHILD_FAILED;
    else if (s->state == WARD_STATE_READY)
        health = m->child->trend.health;
    n->healthy += health == WARD_CHILD_HEALTHY;
    n->degraded += health == WARD_CHILD_DEGRADED;
    n->failed += health == WARD_CHILD_FAILED;
}

/* Instances that are ready stand before those that are not. */
static void check_members(const sim_group *g)
{
    const ward_supervisor *s = the_world->supervisor;
    const group *of = groups_find(s, g->name);
    for (uint32_t i = 0; of != NULL && i < of->member_count; i++) {
        const child *c = of->members[i];
        MUST(c->group == of && c->instance && c->place == i, c->name);
        MUST(c->ready == (i < of->ready_count), c->name);
    }
    MUST(of == NULL || of->ready_count <= of->member_count, g->name);
    MUST(of == NULL || of->member_count <= of->counts.children, g->name);
    MUST(of == NULL || g->many || of->member_count == 0, g->name);
}

static void check_group(int32_t number)
{
    const world *w = the_world;
    const sim_group *g = &w->groups[number];
    wardi_group_counts n = {0};
    ward_group_status s = WARD_INIT(ward_group_status);
    for (uint32_t i = 0; i < w->member_count; i++)
        if (w->members[i].exists && is_below(&w->members[i], number)) count_one(&w->members[i], &n);
    MUST(ward_supervisor_group(w->supervisor, g->name, &s) == WARD_OK, g->name);
    check_members(g);
    MUST(s.children == n.children && s.ready == n.ready && s.given_up == n.given_up, g->name);
    MUST(s.healthy == n.healthy && s.degraded == n.degraded && s.failed == n.failed, g->name);
    MUST(s.health == wardi_group_judge(&g->policy, &n), g->name);
    MUST(s.is_ready == wardi_group_ready(&g->policy, &n), g->name);
    if (w->stopping || w->events_lost || w->supervisor->pending.count != 0) return;
    MUST(s.health == g->health && s.is_ready == g->ready, g->name);
}

/* ---- all ---- */

static void check_host(void)
{
    const ward_supervisor *s = the_world->supervisor;
    ward_diag diag = {0};
    wardi_sched_figures f;
    /* It looks at every slot of its timers, and sched has a simulation of its own. */
    MUST(the_world->steps % 32 != 0 || wardi_sched_check(s->sched, &diag), diag.text);
    const char *broken = wardi_tree_check(s->tree);
    if (broken == NULL) broken = wardi_topics_check(s->topics);
    if (broken != NULL) sim_fail(broken, "the tree or the topics", __FILE__, __LINE__);
    wardi_sched_figures_get(s->sched, &f);
    const wardi_counts *n = &f.messages;
    MUST(n->sent == n->handled + n->refused + n->dropped_oldest + n->dropped_newest + n->expired +
                        n->undelivered + n->pending,
         "all");
    MUST(s->evidence_lost == 0 || the_world->memory_failed, "all");
}

static void check_events(void)
{
    const ward_supervisor *s = the_world->supervisor;
    if (s->pending.count == 0 && s->event_sequence != the_world->sequence)
        events_are_lost(s->event_sequence);
}

void check_all(void)
{
    world *w = the_world;
    check_events();
    for (uint32_t i = 0; i < w->member_count; i++) check_member(&w->members[i]);
    for (uint32_t g = 0; g < w->group_count; g++)
        if (w->groups[g].exists) check_group((int32_t)g);
    check_host();
}

void check_step(void)
{
    world *w = the_world;
    if (!w->large) {
        check_all();
        return;
    }
    check_events();
    for (uint32_t i = 0; i < IN_TURN; i++) {
        w->check_at = (w->check_at + 1) % w->member_count;
        check_member(&w->members[w->check_at]);
    }
    if (w->steps % 4096 == 0) check_all();
}

/* ---- rest ---- */

static bool any_need_unready(const child *c)
{
    for (size_t i = 0; i < c->need_count; i++)
        if (!c->needs[i]->ready) return true;
    return false;
}

static bool is_held(const wardi_tree *tree, wardi_node_view view)
{
    wardi_node_view above;
    for (; wardi_tree_look(tree, view.parent, &above) && above.is_supervisor; view = above) {
        if (above.state != WARDI_NODE_RUNNING && above.state != WARDI_NODE_LEAVING &&
            above.state != WARDI_NODE_BACKOFF)
            return true;
        if (above.parent.index == view.parent.index) break;
    }
    return false;
}

/* Up and ready, or down for a reason that only somebody who asks can end. */
static bool is_at_rest(const child *c)
{
    wardi_node_view view;
    const wardi_tree *tree = c->supervisor->tree;
    if (!wardi_tree_look(tree, c->node, &view)) return true;
    switch (view.state) {
    case WARDI_NODE_READY: return c->ready && child_state(c) == WARD_STATE_READY;
    case WARDI_NODE_IDLE:
    case WARDI_NODE_ENDED:
    case WARDI_NODE_QUARANTINED: return true;
    case WARDI_NODE_RUNNING:
    case WARDI_NODE_WAITING: return any_need_unready(c);
    case WARDI_NODE_HELD: return is_held(tree, view);
    default: return false;
    }
}

const char *first_restless(void)
{
    const ward_supervisor *s = the_world->supervisor;
    for (size_t i = 0; i < s->child_count; i++)
        if (!is_at_rest(s->children[i])) return s->children[i]->name;
    return NULL;
}

const char *first_unready(void)
{
    const ward_supervisor *s = the_world->supervisor;
    for (size_t i = 0; i < s->child_count; i++)
        if (!s->children[i]->ready) return s->children[i]->name;
    return NULL;
}
