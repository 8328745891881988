/* Random trees in random worlds, from seeds: WARD_SIM_SEEDS of them (10,000 unless told otherwise),
 * or WARD_SIM_SEED alone. Every action is checked as it comes, every invariant after every event;
 * see world.h. In the end faults cease, everything is released and started, and all must serve;
 * then the root is stopped, and all must be down in order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "world.h"

static const uint64_t once_failed[] = {
    37049, 258225, /* the world measured intensity by a clock that goes back */
};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SEEDS = 1000 }; /* an order of magnitude slower */
#else
enum { SEEDS = 10000 };
#endif
enum { CHAOS_STEPS = 120 };

/* ---- making a world ---- */

static wardi_tree_policy random_policy(world *w)
{
    wardi_tree_policy p = wardi_tree_policy_default();
    p.restart = world_chance(w, 70)   ? WARD_RESTART_PERMANENT
                : world_chance(w, 70) ? WARD_RESTART_TRANSIENT
                                      : WARD_RESTART_TEMPORARY;
    p.intensity = (wardi_intensity){.max = (uint32_t)world_below(w, 5),
                                    .window_ns = (1 + world_below(w, 5)) * WARDI_S};
    p.pace.shape = (wardi_pace_shape)world_below(w, WARDI_PACE_SHAPES);
    p.pace.initial_ns = world_below(w, 50) * WARDI_MS;
    p.pace.max_ns = 200 * WARDI_MS;
    p.pace.reset_after_ns = 500 * WARDI_MS;
    p.shutdown = (wardi_shutdown)world_below(w, WARDI_SHUTDOWNS);
    p.stop_ns = world_below(w, 100) * WARDI_MS;
    p.kill_ns = (1 + world_below(w, 20)) * WARDI_MS;
    p.start_ns = (5 + world_below(w, 60)) * WARDI_MS;
    p.restart_with_needs = world_chance(w, 25);
    return p;
}

static wardi_supervision random_supervision(world *w)
{
    return (wardi_supervision){.strategy = (wardi_strategy)world_below(w, WARDI_STRATEGIES),
                               .intensity = {.max = (uint32_t)world_below(w, 3),
                                             .window_ns = (1 + world_below(w, 5)) * WARDI_S},
                               .starts_max = (uint32_t)world_below(w, 3)};
}

static uint32_t random_supervisor(world *w)
{
    uint32_t n = (uint32_t)world_below(w, w->node_count);
    while (!w->nodes[n].is_supervisor || !w->nodes[n].exists) n = n > 0 ? n - 1 : 0;
    return n;
}

static void choose_needs(world *w, world_node *c)
{
    for (uint32_t i = 0; i < WORLD_NEEDS_MAX && world_chance(w, 30); i++) {
        uint32_t need = (uint32_t)world_below(w, w->node_count);
        const world_node *other = &w->nodes[need];
        if (!other->exists || other->is_supervisor || world_needs(c, need)) continue;
        c->needs[c->need_count++] = need;
    }
}

static void add_node(world *w)
{
    if (w->node_count == WORLD_NODES_MAX) return;
    uint32_t n = w->node_count;
    world_node *c = &w->nodes[n];
    *c = (world_node){.parent = random_supervisor(w), .policy = random_policy(w)};
    c->is_supervisor = world_chance(w, 20);
    if (c->is_supervisor)
        c->supervision = random_supervision(w);
    else
        choose_needs(w, c);
    wardi_node_options options = {.parent = w->nodes[c->parent].id, .tag = n};
    wardi_node_id needs[WORLD_NEEDS_MAX];
    for (uint32_t i = 0; i < c->need_count; i++) needs[i] = w->nodes[c->needs[i]].id;
    options.needs = needs;
    options.need_count = c->need_count;
    options.supervision = c->is_supervisor ? &c->supervision : NULL;
    options.idle = !c->is_supervisor && world_chance(w, 10);
    assert_int_equal(wardi_tree_policy_add(w->tree, &c->policy, &options.policy, NULL), WARD_OK);
    ward_error error = wardi_tree_add(w->tree, &options, w->now_ns, &c->id, NULL);
    if (error == WARD_ERROR_STATE) return; /* beside something that is being removed */
    WORLD_ASSERT(w, n, error == WARD_OK);
    c->exists = true;
    w->node_count++;
    c->state = c->is_supervisor ? WARDI_NODE_RUNNING
               : options.idle   ? WARDI_NODE_IDLE
                                : WARDI_NODE_HELD;
    world_drain(w);
    world_readiness(w);
}

/* Of what exists and does not need it in turn. */
static void change_needs(world *w, uint32_t n)
{
    world_node *c = &w->nodes[n], wanted = {0};
    wardi_node_id ids[WORLD_NEEDS_MAX];
    if (!c->exists || c->is_supervisor) return;
    choose_needs(w, &wanted);
    c->need_count = 0;
    for (uint32_t i = 0; i < wanted.need_count; i++) {
        bool cycle;
        const wardi_node_id *id = &w->nodes[wanted.needs[i]].id;
        assert_int_equal(wardi_tree_reaches(w->tree, id, 1, c->id, &cycle), WARD_OK);
        if (cycle) continue;
        ids[c->need_count] = *id;
        c->needs[c->need_count++] = wanted.needs[i];
    }
    WORLD_ASSERT(
        w, n, wardi_tree_needs_set(w->tree, c->id, ids, c->need_count, w->now_ns, NULL) == WARD_OK);
    world_drain(w);
}

static void change_supervision(world *w, uint32_t n)
{
    world_node *c = &w->nodes[n];
    uint32_t policy;
    if (!c->exists || !c->is_supervisor) return;
    uint32_t starts_max = c->supervision.starts_max;
    c->supervision = random_supervision(w);
    c->supervision.starts_max = starts_max;
    c->policy = random_policy(w);
    assert_int_equal(wardi_tree_policy_add(w->tree, &c->policy, &policy, NULL), WARD_OK);
    WORLD_ASSERT(
        w, n, wardi_tree_supervision_set(w->tree, c->id, &c->supervision, policy, NULL) == WARD_OK);
    world_drain(w);
}

static void begin(world *w, uint64_t seed)
{
    memset(w, 0, offsetof(world, news));
    w->news_count = 0;
    w->seed = seed;
    wardi_rng_init(&w->rng, seed);
    w->nodes[0] =
        (world_node){.exists = true, .is_supervisor = true, .supervision = random_supervision(w)};
    w->node_count = 1;
    wardi_tree_options options = {
        .root = w->nodes[0].supervision, .starts_max = (uint32_t)world_below(w, 6), .seed = seed};
    assert_int_equal(wardi_tree_new(&options, &w->tree, NULL), WARD_OK);
    w->nodes[0].id = wardi_tree_root(w->tree);
    uint64_t nodes = 3 + world_below(w, 24);
    for (uint64_t i = 0; i < nodes; i++) add_node(w);
}

/* ---- chaos ---- */

static void random_fault(world *w, uint32_t n)
{
    static const wardi_node_event_kind faults[] = {WARDI_TREE_DIED, WARDI_TREE_EXITED,
                                                   WARDI_TREE_ILL, WARDI_TREE_HUNG};
    world_node *c = &w->nodes[n];
    if (!c->exists || c->is_supervisor || !c->alive) return;
    if (world_chance(w, 30)) {
        c->own_ready = !c->own_ready;
        return;
    }
    if (c->state != WARDI_NODE_RUNNING && c->state != WARDI_NODE_READY && !world_chance(w, 20))
        return;
    ward_cause cause = world_chance(w, 20) ? WARD_CAUSE_HANG : WARD_CAUSE_NONE;
    world_tell(w, n, faults[world_below(w, WARD_COUNT(faults))], cause);
}

static void random_ask(world *w, uint32_t n)
{
    if (!w->nodes[n].exists) return;
    uint64_t kind = WARDI_TREE_ASK_START + world_below(w, 6);
    if (kind == WARDI_TREE_ASK_REMOVE && !world_chance(w, 20)) kind = WARDI_TREE_ASK_START;
    if (n == 0 && !world_chance(w, 20)) kind = WARDI_TREE_ASK_START;
    world_tell(w, n, (wardi_node_event_kind)kind, WARD_CAUSE_NONE);
}

static void chaos(world *w)
{
    world_tell(w, 0, WARDI_TREE_ASK_START, WARD_CAUSE_NONE);
    world_readiness(w);
    for (int i = 0; i < CHAOS_STEPS; i++) {
        uint32_t n = (uint32_t)world_below(w, w->node_count);
        uint64_t what = world_below(w, 100);
        if (what < 25) random_fault(w, n);
        if (what >= 25 && what < 32) random_ask(w, n);
        if (what == 33) add_node(w);
        if (what == 34) w->now_ns += world_below(w, 20) * WARDI_S;
        if (what == 35 && w->now_ns > WARDI_S) w->now_ns -= WARDI_S; /* the tree's stands still */
        if (what == 36 || what == 37) change_needs(w, n);
        if (what == 38) change_supervision(w, n);
        world_readiness(w);
        world_step(w);
    }
}

/* ---- the end ---- */

static void run_out(world *w)
{
    uint64_t limit = w->steps + 100000;
    while (world_step(w)) WORLD_ASSERT(w, 0, w->steps < limit);
}

/* From now on no start fails, no stop hangs, and who runs feels ready. What hung before goes on
 * hanging, but for those who are waited for without a limit. */
static void calm_down(world *w)
{
    w->calm = true;
    for (uint32_t n = 0; n < w->node_count; n++) w->nodes[n].own_ready = true;
    world_readiness(w);
    run_out(w);
    for (uint32_t n = 0; n < w->node_count; n++) {
        const world_node *c = &w->nodes[n];
        if (!c->exists) continue;
        if (c->state == WARDI_NODE_LEAVING) world_fail(w, "still leaving when all is quiet", n);
        if (c->is_supervisor) continue;
        bool waits = c->state == WARDI_NODE_HELD || c->state == WARDI_NODE_WAITING ||
                     c->state == WARDI_NODE_RUNNING;
        bool rests = c->state == WARDI_NODE_IDLE || c->state == WARDI_NODE_ENDED ||
                     c->state == WARDI_NODE_QUARANTINED || c->state == WARDI_NODE_READY;
        WORLD_ASSERT(w, n, waits || rests);
    }
}

static void all_must_serve(world *w)
{
    for (uint32_t n = 0; n < w->node_count; n++) {
        if (!w->nodes[n].exists) continue;
        world_tell(w, n, WARDI_TREE_ASK_RELEASE, WARD_CAUSE_NONE);
        WORLD_ASSERT(w, n, world_tell(w, n, WARDI_TREE_ASK_START, WARD_CAUSE_NONE) == 0);
        world_readiness(w);
    }
    run_out(w);
    for (uint32_t n = 0; n < w->node_count; n++) {
        const world_node *c = &w->nodes[n];
        if (!c->exists) continue;
        if (c->is_supervisor)
            WORLD_ASSERT(w, n, c->state == WARDI_NODE_RUNNING);
        else
            WORLD_ASSERT(w, n, c->state == WARDI_NODE_READY && c->alive);
    }
}

static void all_must_stop(world *w)
{
    w->calm = world_chance(w, 50);
    w->stopping = true;
    world_tell(w, 0, WARDI_TREE_ASK_STOP, WARD_CAUSE_NONE);
    run_out(w);
    WORLD_ASSERT(w, 0, w->nodes[0].state == WARDI_NODE_IDLE);
    for (uint32_t n = 0; n < w->node_count; n++) WORLD_ASSERT(w, n, !w->nodes[n].alive);
}

static uint64_t simulate(uint64_t seed, uint64_t *ret_steps)
{
    static world w;
    begin(&w, seed);
    chaos(&w);
    calm_down(&w);
    all_must_serve(&w);
    all_must_stop(&w);
    wardi_tree_free(w.tree);
    *ret_steps += w.steps;
    return w.hash;
}

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

static void test_seeds(void **state)
{
    (void)state;
    uint64_t steps = 0, one = from_environment("WARD_SIM_SEED", 0);
    if (one != 0) {
        simulate(one, &steps);
        return;
    }
    uint64_t began = wardi_now_ns(), seeds = from_environment("WARD_SIM_SEEDS", SEEDS);
    for (size_t i = 0; i < WARD_COUNT(once_failed); i++) simulate(once_failed[i], &steps);
    for (uint64_t seed = 1; seed <= seeds; seed++) simulate(seed, &steps);
    print_message("%llu seeds, %llu events, %llu ms\n", (unsigned long long)seeds,
                  (unsigned long long)steps,
                  (unsigned long long)((wardi_now_ns() - began) / WARDI_MS));
}

static void test_same_seed_same_trace(void **state)
{
    (void)state;
    uint64_t steps = 0;
    for (uint64_t seed = 1; seed <= 20; seed++)
        assert_int_equal(simulate(seed, &steps), simulate(seed, &steps));
    assert_int_not_equal(simulate(1, &steps), simulate(2, &steps));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_seed_same_trace),
        cmocka_unit_test(test_seeds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
