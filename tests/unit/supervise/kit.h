/* A tree with a handful of nodes, named by small numbers, and the actions of the last event. Header
 * only, because each test is one file. */
#ifndef WARD_TESTS_KIT_H
#define WARD_TESTS_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "supervise/tree_priv.h"

enum { KIT_NODES = 128 };

typedef struct kit {
    wardi_tree *tree;
    wardi_tree_policy policy; /* of what is added next */
    wardi_node_id ids[KIT_NODES];
    uint32_t count; /* node 0 is the root */
    uint64_t now_ns;
    wardi_node_action actions[KIT_NODES]; /* of the last event */
    uint32_t action_count;
} kit;

static inline wardi_node_view kit_view(const kit *k, uint32_t n)
{
    wardi_node_view view;
    assert_true(wardi_tree_look(k->tree, k->ids[n], &view));
    return view;
}
static inline wardi_node_state kit_state(const kit *k, uint32_t n)
{
    return kit_view(k, n).state;
}
#define kit_is(k, n, expected)                                                                     \
    assert_string_equal(wardi_node_state_name(kit_state((k), (n))),                                \
                        wardi_node_state_name(WARDI_NODE_##expected))

static inline void kit_drain(kit *k)
{
    k->action_count = 0;
    wardi_node_action action;
    while (wardi_tree_action(k->tree, &action)) {
        assert_in_range(k->action_count, 0, KIT_NODES - 1);
        k->actions[k->action_count++] = action;
    }
    const char *broken = wardi_tree_check(k->tree);
    if (broken != NULL) fail_msg("%s", broken);
}

/* What the last event said of node n; NULL: nothing. */
static inline const wardi_node_action *kit_said(const kit *k, uint32_t n)
{
    for (uint32_t i = 0; i < k->action_count; i++)
        if (k->actions[i].tag == n) return &k->actions[i];
    return NULL;
}
static inline bool kit_did(const kit *k, uint32_t n, uint32_t what)
{
    const wardi_node_action *said = kit_said(k, n);
    return said != NULL && (said->what & what) != 0;
}

static inline kit kit_new(wardi_strategy strategy, uint32_t failures_max)
{
    kit k = {.count = 1, .now_ns = 1000 * WARDI_S, .policy = wardi_tree_policy_default()};
    k.policy.pace.shape = WARDI_PACE_OFF;
    k.policy.intensity.max = 3;
    wardi_tree_options options = {
        .root = {.strategy = strategy,
                 .intensity = {.max = failures_max, .window_ns = 60 * WARDI_S}}};
    assert_int_equal(wardi_tree_new(&options, &k.tree, NULL), WARD_OK);
    k.ids[0] = wardi_tree_root(k.tree);
    return k;
}
static inline void kit_free(kit *k)
{
    wardi_tree_free(k->tree);
}

static inline uint32_t kit_put(kit *k, wardi_node_options options)
{
    options.tag = k->count;
    assert_int_equal(wardi_tree_policy_add(k->tree, &k->policy, &options.policy, NULL), WARD_OK);
    assert_int_equal(wardi_tree_add(k->tree, &options, k->now_ns, &k->ids[k->count], NULL),
                     WARD_OK);
    k->count++;
    kit_drain(k);
    return k->count - 1;
}
static inline uint32_t kit_child(kit *k, uint32_t parent)
{
    return kit_put(k, (wardi_node_options){.parent = k->ids[parent]});
}
static inline uint32_t kit_needs(kit *k, uint32_t parent, uint32_t need)
{
    return kit_put(
        k, (wardi_node_options){.parent = k->ids[parent], .needs = &k->ids[need], .need_count = 1});
}
static inline uint32_t kit_supervisor(kit *k, uint32_t parent, wardi_strategy strategy,
                                      uint32_t failures_max)
{
    wardi_supervision s = {.strategy = strategy,
                           .intensity = {.max = failures_max, .window_ns = 60 * WARDI_S}};
    return kit_put(k, (wardi_node_options){.parent = k->ids[parent], .supervision = &s});
}

static inline wardi_tree_answer kit_tell(kit *k, uint32_t n, wardi_node_event_kind kind)
{
    wardi_node_view view = {0};
    wardi_tree_look(k->tree, k->ids[n], &view);
    wardi_node_event event = {.kind = kind, .id = k->ids[n], .run = view.run};
    wardi_tree_answer answer = wardi_tree_event(k->tree, &event, k->now_ns);
    kit_drain(k);
    return answer;
}
#define kit_ok(k, n, kind) assert_int_equal(kit_tell((k), (n), WARDI_TREE_##kind), WARDI_TREE_OK)

static inline void kit_up(kit *k, uint32_t n)
{
    kit_is(k, n, STARTING);
    kit_ok(k, n, STARTED);
    kit_ok(k, n, READY);
}
/* Every child that is told to start does, until none is. */
static inline void kit_all_up(kit *k)
{
    for (uint32_t n = 1; n < k->count;) {
        wardi_node_view view = {0}; /* of what was removed: idle */
        wardi_tree_look(k->tree, k->ids[n], &view);
        bool starts = view.state == WARDI_NODE_STARTING;
        if (starts) kit_up(k, n);
        n = starts ? 1 : n + 1;
    }
}
static inline void kit_start(kit *k)
{
    kit_ok(k, 0, ASK_START);
    kit_all_up(k);
}
static inline void kit_pass(kit *k, uint64_t ns)
{
    k->now_ns += ns;
    while (wardi_tree_tick(k->tree, k->now_ns)) kit_drain(k);
}

#endif
