/* A world for the tree to supervise: it carries out actions with delays, failures and hangs drawn
 * from a seed, and holds each action against what may happen in a real one. Header only, because
 * each test is one file. */
#ifndef WARD_TESTS_WORLD_H
#define WARD_TESTS_WORLD_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "supervise/supervise.h"

enum { WORLD_NODES_MAX = 64, WORLD_NEEDS_MAX = 4, WORLD_NEWS_MAX = 4096, WORLD_FAILURES = 512 };

typedef struct world_node {
    bool exists, is_supervisor, ill; /* ill: told to stop for that, so in no order */
    wardi_node_id id;
    uint32_t parent; /* index in the world */
    wardi_tree_policy policy;
    wardi_supervision supervision;
    uint32_t needs[WORLD_NEEDS_MAX], need_count;
    wardi_node_state state; /* by the actions */
    bool alive, own_ready;  /* the instance, and whether it feels so */
    uint32_t run;
    uint64_t failures_ns[WORLD_FAILURES]; /* that it was restarted for */
    uint32_t failure_count;
} world_node;

typedef struct world_news {
    uint64_t at_ns;
    uint32_t node, run;
    wardi_node_event_kind kind;
} world_news;

typedef struct world {
    wardi_tree *tree;
    wardi_rng rng;
    uint64_t seed, now_ns, latest_ns, hash, steps, starts;
    bool calm;     /* nothing fails or hangs any more */
    bool stopping; /* the root was told to stop, and nothing else happens: order is strict */
    uint32_t node_count;
    world_node nodes[WORLD_NODES_MAX];
    world_news news[WORLD_NEWS_MAX];
    uint32_t news_count;
} world;

static inline void world_fail(const world *w, const char *why, uint32_t n)
{
    fprintf(stderr,
            "seed %llu, step %llu, node %u (%s): %s\n"
            "replay: WARD_SIM_SEED=%llu build/tests/supervise_sim_tree\n",
            (unsigned long long)w->seed, (unsigned long long)w->steps, n,
            wardi_node_state_name(w->nodes[n % WORLD_NODES_MAX].state), why,
            (unsigned long long)w->seed);
    abort();
}
#define WORLD_ASSERT(w, n, expression) ((expression) ? (void)0 : world_fail((w), #expression, (n)))

static inline uint64_t world_below(world *w, uint64_t limit)
{
    if (limit == 0) abort();
    return wardi_rng_next(&w->rng) % limit;
}
static inline bool world_chance(world *w, uint32_t percent)
{
    return world_below(w, 100) < percent;
}

static inline void world_later(world *w, uint32_t n, wardi_node_event_kind kind, uint64_t after_ns)
{
    if (w->news_count == WORLD_NEWS_MAX) world_fail(w, "too many news", n);
    w->news[w->news_count++] = (world_news){
        .at_ns = w->now_ns + after_ns, .node = n, .run = w->nodes[n].run, .kind = kind};
}

/* ---- what an action may be, and what comes of it ---- */

static inline bool world_leaving(wardi_node_state state)
{
    return state == WARDI_NODE_LEAVING || state == WARDI_NODE_STOPPING ||
           state == WARDI_NODE_KILLING;
}

static inline bool world_needs(const world_node *of, uint32_t n)
{
    for (uint32_t i = 0; i < of->need_count; i++)
        if (of->needs[i] == n) return true;
    return false;
}

static inline void world_start(world *w, uint32_t n, const wardi_node_action *a)
{
    world_node *c = &w->nodes[n];
    WORLD_ASSERT(w, n, !c->alive);
    WORLD_ASSERT(w, n, a->run == c->run + 1);
    WORLD_ASSERT(w, n, a->run == 1 || a->cause != WARD_CAUSE_NONE);
    for (uint32_t i = 0; i < c->need_count; i++) {
        wardi_node_view view;
        WORLD_ASSERT(w, n, wardi_tree_look(w->tree, w->nodes[c->needs[i]].id, &view));
        WORLD_ASSERT(w, n, view.state == WARDI_NODE_READY);
    }
    c->alive = true;
    c->own_ready = c->ill = false;
    c->run = a->run;
    w->starts++;
    uint64_t takes = world_below(w, w->calm ? 4 : 20) * WARDI_MS;
    uint64_t fate = w->calm ? 99 : world_below(w, 100);
    if (fate < 5) return; /* hangs, and the tree has a limit */
    world_later(w, n, fate < 12 ? WARDI_TREE_START_FAILED : WARDI_TREE_STARTED, takes);
}

static inline void world_stop(world *w, uint32_t n, const wardi_node_action *a)
{
    world_node *c = &w->nodes[n];
    WORLD_ASSERT(w, n, c->alive && a->run == c->run);
    for (uint32_t d = 0; d < w->node_count; d++) {
        if (c->ill || !w->nodes[d].alive || !world_needs(&w->nodes[d], n)) continue;
        WORLD_ASSERT(w, n, !w->stopping && !world_leaving(w->nodes[d].state));
    }
    bool hangs = !w->calm && c->policy.shutdown != WARDI_SHUTDOWN_INFINITE && world_chance(w, 10);
    if (!hangs) world_later(w, n, WARDI_TREE_STOPPED, world_below(w, 30) * WARDI_MS);
}

static inline void world_kill(world *w, uint32_t n, const wardi_node_action *a)
{
    world_node *c = &w->nodes[n];
    WORLD_ASSERT(w, n, c->alive && a->run == c->run);
    WORLD_ASSERT(w, n, a->due_ns != WARDI_FOREVER);
    if (w->calm || world_chance(w, 90))
        world_later(w, n, WARDI_TREE_STOPPED, world_below(w, 5) * WARDI_MS);
}

static inline void world_note_failure(world *w, uint32_t n, uint32_t in_window_before)
{
    world_node *c = &w->nodes[n];
    wardi_node_view view;
    if (!wardi_tree_look(w->tree, c->id, &view) || view.in_window <= in_window_before) return;
    WORLD_ASSERT(w, n, c->failure_count < WORLD_FAILURES);
    /* By the tree's clock: that of the world may have gone back since. */
    c->failures_ns[c->failure_count++] = w->latest_ns;
    uint32_t in_window = 0;
    for (uint32_t i = 0; i < c->failure_count; i++)
        in_window += w->latest_ns - c->failures_ns[i] < c->policy.intensity.window_ns;
    WORLD_ASSERT(w, n, in_window <= c->policy.intensity.max);
}

/* A start that took too long is a failure as well, and the tree tells it to itself. */
static inline void world_note_timeout(world *w, uint32_t n, const wardi_node_action *a)
{
    wardi_node_view view;
    if (a->cause != WARD_CAUSE_START_TIMEOUT || (a->what & WARDI_DO_KILL) == 0) return;
    WORLD_ASSERT(w, n, wardi_tree_look(w->tree, a->id, &view));
    bool again = view.then == WARDI_NODE_BACKOFF || view.then == WARDI_NODE_HELD;
    if (again) world_note_failure(w, n, view.in_window - 1);
}

static inline void world_act(world *w, const wardi_node_action *a)
{
    uint32_t n = (uint32_t)a->tag;
    world_node *c = &w->nodes[n];
    w->hash = (w->hash ^ (a->what | n << 8 | (uint64_t)a->to << 32)) * UINT64_C(0x100000001b3);
    WORLD_ASSERT(w, n, c->exists && a->id.index == c->id.index);
    WORLD_ASSERT(w, n, a->from == c->state);
    c->state = a->to;
    if ((a->what & WARDI_DO_ABANDON) != 0) c->alive = false;
    if ((a->what & WARDI_DO_START) != 0) world_start(w, n, a);
    if ((a->what & WARDI_DO_STOP) != 0) world_stop(w, n, a);
    if ((a->what & WARDI_DO_KILL) != 0) world_kill(w, n, a);
    if ((a->what & WARDI_DO_REMOVE) != 0) {
        WORLD_ASSERT(w, n, !c->alive);
        c->exists = false;
    }
    /* A supervisor that begins afresh forgets what its children did. */
    if (a->is_supervisor && a->cause == WARD_CAUSE_ESCALATION)
        for (uint32_t i = 0; i < w->node_count; i++) w->nodes[i].failure_count = 0;
    world_note_timeout(w, n, a);
}

/* Two passes: a node's own state has to be known before others look at it. */
static inline void world_drain(world *w)
{
    static wardi_node_action actions[WORLD_NODES_MAX];
    uint32_t count = 0;
    while (wardi_tree_action(w->tree, &actions[count])) {
        w->nodes[actions[count].tag].state = actions[count].from;
        WORLD_ASSERT(w, count, ++count < WORLD_NODES_MAX);
    }
    for (uint32_t i = 0; i < count; i++) world_act(w, &actions[i]);
    const char *broken = wardi_tree_check(w->tree);
    if (broken != NULL) world_fail(w, broken, 0);
}

/* ---- events ---- */

static inline wardi_tree_answer world_tell(world *w, uint32_t n, wardi_node_event_kind kind,
                                           ward_cause cause)
{
    world_node *c = &w->nodes[n];
    wardi_node_view view = {0};
    wardi_tree_look(w->tree, c->id, &view);
    if (kind == WARDI_TREE_ILL || kind == WARDI_TREE_HUNG) c->ill = true;
    bool gone = kind == WARDI_TREE_START_FAILED || kind == WARDI_TREE_EXITED ||
                kind == WARDI_TREE_DIED || kind == WARDI_TREE_STOPPED;
    if (gone) c->alive = false;
    /* Released, its budget is whole again; whoever asks anything of an exhausted root releases. */
    if (kind == WARDI_TREE_ASK_RELEASE || (n == 0 && kind >= WARDI_TREE_ASK_START))
        for (uint32_t i = 0; i < w->node_count; i++) w->nodes[i].failure_count = 0;
    if (w->now_ns > w->latest_ns) w->latest_ns = w->now_ns;
    wardi_node_event event = {.kind = kind, .id = c->id, .run = c->run, .cause = cause};
    wardi_tree_answer answer = wardi_tree_event(w->tree, &event, w->now_ns);
    w->steps++;
    if (kind < WARDI_TREE_ASK_START) WORLD_ASSERT(w, n, answer == WARDI_TREE_OK);
    world_drain(w);
    world_note_failure(w, n, view.in_window);
    return answer;
}

/* As health does: Ready is who feels so and whose needs all are. */
static inline bool world_ready(const world *w, const world_node *c)
{
    bool ready = c->own_ready;
    for (uint32_t i = 0; i < c->need_count; i++)
        ready = ready && w->nodes[c->needs[i]].state == WARDI_NODE_READY;
    return ready;
}

static inline void world_readiness(world *w)
{
    for (bool changed = true; changed;) {
        changed = false;
        for (uint32_t n = 0; n < w->node_count; n++) {
            world_node *c = &w->nodes[n];
            bool runs = c->state == WARDI_NODE_RUNNING || c->state == WARDI_NODE_READY;
            if (!c->exists || c->is_supervisor || !runs) continue;
            bool ready = world_ready(w, c);
            if (ready == (c->state == WARDI_NODE_READY)) continue;
            world_tell(w, n, ready ? WARDI_TREE_READY : WARDI_TREE_UNREADY, WARD_CAUSE_NONE);
            changed = true;
        }
    }
}

static inline void world_hear(world *w, const world_news *news)
{
    world_node *c = &w->nodes[news->node];
    if (!c->exists || !c->alive || c->run != news->run) return;
    if (news->kind == WARDI_TREE_STARTED) {
        if (c->state != WARDI_NODE_STARTING && !world_leaving(c->state)) return;
        c->own_ready = w->calm || world_chance(w, 90);
    }
    world_tell(w, news->node, news->kind, WARD_CAUSE_NONE);
}

/* The next thing to happen: news or a timer, whichever is first. False: nothing is left. */
static inline bool world_step(world *w)
{
    uint32_t next = UINT32_MAX;
    for (uint32_t i = 0; i < w->news_count; i++)
        if (next == UINT32_MAX || w->news[i].at_ns < w->news[next].at_ns) next = i;
    uint64_t news_ns = next != UINT32_MAX ? w->news[next].at_ns : WARDI_FOREVER;
    uint64_t timer_ns = wardi_tree_next_ns(w->tree);
    if (news_ns == WARDI_FOREVER && timer_ns == WARDI_FOREVER) return false;
    uint64_t at = news_ns < timer_ns ? news_ns : timer_ns;
    if (at > w->now_ns) w->now_ns = at;
    if (news_ns < timer_ns) {
        world_news news = w->news[next];
        w->news[next] = w->news[--w->news_count];
        world_hear(w, &news);
    } else {
        WORLD_ASSERT(w, 0, wardi_tree_tick(w->tree, w->now_ns));
        if (w->now_ns > w->latest_ns) w->latest_ns = w->now_ns;
        w->steps++;
        world_drain(w);
    }
    world_readiness(w);
    return true;
}

#endif
