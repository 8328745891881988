/* What holds between events, in any state of any tree. */
#include <string.h>

#include "supervise/tree_priv.h"

#define HOLDS(expression, text)                                                                    \
    do {                                                                                           \
        if (!(expression)) return (text);                                                          \
    } while (0)

static const char *check_edges(const wardi_tree *t, uint32_t n)
{
    const node *c = &t->nodes[n];
    uint32_t unmet = 0, leaving = 0;
    for (uint32_t e = c->first_need; e != NOBODY; e = t->edges[e].next_need) {
        HOLDS(t->edges[e].child == n, "a need is in its child's list");
        HOLDS((t->nodes[t->edges[e].need].flags & IN_USE) != 0, "what is needed exists");
        unmet += t->nodes[t->edges[e].need].state != WARDI_NODE_READY;
    }
    for (uint32_t e = c->first_dependent; e != NOBODY; e = t->edges[e].next_dependent) {
        HOLDS(t->edges[e].need == n, "a dependent is in its need's list");
        leaving += state_is_leaving(t->nodes[t->edges[e].child].state);
    }
    HOLDS(unmet == c->unmet, "unmet needs are counted");
    HOLDS(leaving == c->leaving_dependents, "leaving dependents are counted");
    return NULL;
}

static const char *check_timer(const wardi_tree *t, uint32_t n)
{
    const node *c = &t->nodes[n];
    if (c->timer != 0) {
        HOLDS(c->timer <= t->heap_count && t->heap[c->timer - 1] == n, "a timer is in the heap");
        HOLDS(c->timer == 1 || t->nodes[t->heap[c->timer / 2 - 1]].due_ns <= c->due_ns,
              "the heap is in order");
    }
    bool timed = c->state == WARDI_NODE_BACKOFF || c->state == WARDI_NODE_STARTING ||
                 c->state == WARDI_NODE_STOPPING || c->state == WARDI_NODE_KILLING;
    HOLDS(timed || c->timer == 0, "only what waits for time has a timer");
    HOLDS(c->timer != 0 || c->state != WARDI_NODE_BACKOFF, "back-off ends");
    HOLDS(c->timer != 0 || c->state != WARDI_NODE_KILLING, "a kill ends");
    return NULL;
}

static const char *check_child(const wardi_tree *t, uint32_t n)
{
    const node *c = &t->nodes[n];
    uint64_t restarts = 0;
    for (int i = 0; i < WARD_CAUSE_COUNT; i++) restarts += c->by_cause[i];
    HOLDS(c->by_cause[WARD_CAUSE_NONE] == 0, "no restart without a cause");
    HOLDS(restarts == (c->run != 0 ? c->run - 1 : 0), "every restart is counted, once");
    HOLDS(c->state != WARDI_NODE_HELD || !tree_supervisors_run(t, n),
          "nobody is held whose supervisors run");
    HOLDS(c->state != WARDI_NODE_WAITING || c->unmet != 0, "who waits waits for a need");
    HOLDS(c->state != WARDI_NODE_QUEUED || c->unmet == 0, "who is queued has all it needs");
    HOLDS(c->state != WARDI_NODE_LEAVING || c->leaving_dependents != 0,
          "who leaves waits for a dependent");
    HOLDS((c->state == WARDI_NODE_QUEUED) == ((c->flags & IN_QUEUE) != 0), "the queued are queued");
    HOLDS(!state_is_leaving(c->state) || c->then == WARDI_NODE_HELD ||
              c->then == WARDI_NODE_BACKOFF || c->then == WARDI_NODE_IDLE ||
              c->then == WARDI_NODE_ENDED || c->then == WARDI_NODE_QUARANTINED ||
              c->then == WARDI_NODE_REMOVED,
          "who leaves knows where to");
    return NULL;
}

static const char *check_supervisor(const wardi_tree *t, uint32_t n)
{
    const supervision *s = supervision_of(t, n);
    uint32_t below[WARDI_NODE_STATES] = {0}, starting = 0, queued = 0;
    for (uint32_t at = tree_walk(t, n, n); at != NOBODY; at = tree_walk(t, n, at)) {
        if (is_supervisor(t, at)) continue;
        below[t->nodes[at].state]++;
        starting += t->nodes[at].parent == n && t->nodes[at].state == WARDI_NODE_STARTING;
        queued += t->nodes[at].parent == n && t->nodes[at].state == WARDI_NODE_QUEUED;
    }
    HOLDS(memcmp(below, s->below, sizeof below) == 0, "children are counted by state");
    HOLDS(starting == s->starting, "starts are counted");
    HOLDS(s->policy.starts_max == 0 || starting <= s->policy.starts_max, "starts are bounded");
    bool may = s->policy.starts_max == 0 || starting < s->policy.starts_max;
    HOLDS((queued != 0 && may) == s->in_ring, "who may start has a turn");
    bool none_may_run =
        t->nodes[n].state == WARDI_NODE_IDLE || t->nodes[n].state == WARDI_NODE_QUARANTINED;
    uint32_t up = below[WARDI_NODE_STARTING] + below[WARDI_NODE_RUNNING] + below[WARDI_NODE_READY];
    HOLDS(!none_may_run || up + tree_leaving_below(s) == 0, "nothing runs below one that is down");
    HOLDS(t->nodes[n].state != WARDI_NODE_LEAVING || tree_leaving_below(s) != 0,
          "a supervisor that leaves waits for a child");
    return NULL;
}

static const char *check_node(const wardi_tree *t, uint32_t n)
{
    const char *broken = check_timer(t, n);
    if (broken == NULL) broken = check_edges(t, n);
    if (broken != NULL) return broken;
    return is_supervisor(t, n) ? check_supervisor(t, n) : check_child(t, n);
}

const char *wardi_tree_check(const wardi_tree *tree)
{
    uint32_t starting = 0, timers = 0;
    HOLDS(tree->settle.first == NOBODY && tree->lost.first == NOBODY, "an event is worked off");
    for (uint32_t n = ROOT; n < tree->node_count; n++) {
        const node *c = &tree->nodes[n];
        if ((c->flags & IN_USE) == 0 || c->state == WARDI_NODE_REMOVED) continue;
        const char *broken = check_node(tree, n);
        if (broken != NULL) return broken;
        starting += !is_supervisor(tree, n) && c->state == WARDI_NODE_STARTING;
        timers += c->timer != 0;
    }
    HOLDS(starting == tree->starting, "starts are counted in all");
    HOLDS(tree->starts_max == 0 || starting <= tree->starts_max, "starts are bounded in all");
    bool may = tree->starts_max == 0 || starting < tree->starts_max;
    HOLDS(!may || tree->ring == NOBODY, "no start waits while one is free");
    HOLDS(timers == tree->heap_count, "no timer is of nobody");
    return NULL;
}
