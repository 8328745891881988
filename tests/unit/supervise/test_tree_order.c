/* In which order all starts and stops, with how many at a time, and how many there may be. */
#include "kit.h"

/* ---- needs ---- */

/* 1 ← 2, 3 ← 4, across two branches. */
static kit diamond(void)
{
    kit k = kit_new(WARDI_ONE_FOR_ONE, 5);
    kit_child(&k, 0);
    kit_needs(&k, 0, 1);
    kit_needs(&k, 0, 1);
    uint32_t branch = kit_supervisor(&k, 0, WARDI_ONE_FOR_ONE, 5); /* 4 */
    wardi_node_id needs[] = {k.ids[2], k.ids[3]};
    kit_put(&k, (wardi_node_options){.parent = k.ids[branch], .needs = needs, .need_count = 2});
    return k;
}

static void test_diamond(void **state)
{
    (void)state;
    kit k = diamond();
    kit_ok(&k, 0, ASK_START);
    kit_is(&k, 1, STARTING);
    kit_is(&k, 2, WAITING);
    kit_ok(&k, 1, STARTED);
    kit_is(&k, 2, WAITING); /* started is not ready */
    kit_ok(&k, 1, READY);
    kit_is(&k, 2, STARTING); /* in parallel */
    kit_is(&k, 3, STARTING);
    kit_up(&k, 2);
    kit_is(&k, 5, WAITING);
    assert_int_equal(kit_view(&k, 5).unmet, 1);
    kit_up(&k, 3);
    kit_up(&k, 5);
    kit_ok(&k, 0, ASK_STOP);
    kit_is(&k, 5, STOPPING);
    kit_is(&k, 2, LEAVING);
    kit_is(&k, 1, LEAVING);
    kit_ok(&k, 5, STOPPED);
    kit_is(&k, 2, STOPPING);
    kit_is(&k, 3, STOPPING);
    kit_ok(&k, 3, STOPPED);
    kit_is(&k, 1, LEAVING);
    kit_ok(&k, 2, STOPPED);
    kit_is(&k, 1, STOPPING);
    kit_is(&k, 0, LEAVING);
    kit_ok(&k, 1, STOPPED);
    kit_is(&k, 0, IDLE);
    assert_int_equal(wardi_tree_next_ns(k.tree), WARDI_FOREVER);
    kit_start(&k);
    kit_is(&k, 5, READY);
    kit_free(&k);
}

/* A need that is lost while its dependent waits for a start holds it back again. */
static void test_unmet_in_the_queue(void **state)
{
    (void)state;
    kit k = kit_new(WARDI_ONE_FOR_ONE, 5);
    k.tree->starts_max = 1;
    kit_child(&k, 0);
    kit_child(&k, 0);
    kit_needs(&k, 0, 1);
    kit_ok(&k, 0, ASK_START);
    kit_ok(&k, 1, STARTED);
    kit_is(&k, 2, STARTING);
    kit_ok(&k, 1, READY);
    kit_is(&k, 3, QUEUED);
    kit_ok(&k, 1, UNREADY);
    kit_is(&k, 3, WAITING);
    kit_up(&k, 2);
    kit_is(&k, 3, WAITING);
    kit_ok(&k, 1, READY);
    kit_up(&k, 3);
    kit_free(&k);
}

/* Takes actions until one says `what`; its tag and id. False: none does. */
static bool next_that(kit *k, uint32_t what, wardi_node_action *ret_action)
{
    bool found = false;
    for (wardi_node_action a; wardi_tree_action(k->tree, &a);) {
        if ((a.what & what) == 0) continue;
        assert_false(found); /* in a chain there is one at a time */
        *ret_action = a;
        found = true;
    }
    return found;
}

static void chain_event(kit *k, wardi_node_id id, wardi_node_event_kind kind)
{
    wardi_node_event event = {.kind = kind, .id = id, .run = 1};
    assert_int_equal(wardi_tree_event(k->tree, &event, 0), WARDI_TREE_OK);
}

enum { LENGTH = 10000 };

static void link_chain(kit *k, wardi_node_id *ids)
{
    wardi_tree_edge *edges = wardi_alloc_array(LENGTH, sizeof *edges);
    for (size_t i = 0; i < LENGTH; i++) {
        wardi_node_options options = {.parent = k->ids[0], .tag = i};
        assert_int_equal(wardi_tree_add(k->tree, &options, 0, &ids[i], NULL), WARD_OK);
    }
    for (size_t i = 0; i + 1 < LENGTH; i++)
        edges[i] = (wardi_tree_edge){.child = ids[i], .need = ids[i + 1]};
    size_t length = 99;
    assert_int_equal(wardi_tree_link(k->tree, edges, LENGTH - 1, NULL, 0, &length, NULL), WARD_OK);
    edges[0] = (wardi_tree_edge){.child = ids[LENGTH - 1], .need = ids[0]};
    wardi_node_id path[3];
    assert_int_equal(wardi_tree_link(k->tree, edges, 1, path, 3, &length, NULL), WARD_ERROR_CYCLE);
    assert_int_equal(length, 3); /* as much as there is room for */
    wardi_free(edges);
}

static void test_long_chain(void **state)
{
    (void)state;
    kit k = kit_new(WARDI_ONE_FOR_ONE, 5);
    wardi_node_id *ids = wardi_alloc_array(LENGTH, sizeof *ids);
    wardi_node_action a;
    size_t stopped = 0, last = LENGTH;
    link_chain(&k, ids);
    chain_event(&k, k.ids[0], WARDI_TREE_ASK_START);
    while (next_that(&k, WARDI_DO_START, &a)) {
        assert_int_equal(a.tag, --last); /* the last of the chain comes first */
        chain_event(&k, a.id, WARDI_TREE_STARTED);
        assert_false(next_that(&k, WARDI_DO_START, &a));
        chain_event(&k, ids[last], WARDI_TREE_READY);
    }
    assert_int_equal(last, 0);
    chain_event(&k, k.ids[0], WARDI_TREE_ASK_STOP);
    while (next_that(&k, WARDI_DO_STOP, &a)) {
        assert_int_equal(a.tag, stopped++);
        chain_event(&k, a.id, WARDI_TREE_STOPPED);
    }
    assert_int_equal(stopped, LENGTH);
    kit_is(&k, 0, IDLE);
    wardi_free(ids);
    kit_free(&k);
}

static void test_cycle(void **state)
{
    (void)state;
    kit k = diamond();
    wardi_node_id path[8];
    size_t length = 0;
    ward_diag diag;
    wardi_tree_edge edges[] = {{.child = k.ids[5], .need = k.ids[1]},
                               {.child = k.ids[1], .need = k.ids[5]}};
    assert_int_equal(wardi_tree_link(k.tree, edges, 2, path, 8, &length, &diag), WARD_ERROR_CYCLE);
    assert_in_range(length, 2, 3);
    for (size_t i = 0; i < length; i++) {
        /* each needs the next: 1 → 5 → 2 or 3 or 1 → … */
        uint32_t at = path[i].index;
        bool found = at == k.ids[1].index && path[(i + 1) % length].index == k.ids[5].index;
        for (uint32_t e = k.tree->nodes[at].first_need; e != NOBODY; e = k.tree->edges[e].next_need)
            found = found || k.tree->edges[e].need == path[(i + 1) % length].index;
        found = found || (at == k.ids[5].index && path[(i + 1) % length].index == k.ids[1].index);
        assert_true(found);
    }
    assert_null(wardi_tree_check(k.tree)); /* and nothing of it was kept */
    assert_int_equal(kit_view(&k, 1).unmet, 0);
    assert_int_equal(kit_view(&k, 5).unmet, 2);
    wardi_tree_edge self = {.child = k.ids[1], .need = k.ids[1]};
    assert_int_equal(wardi_tree_link(k.tree, &self, 1, path, 8, &length, NULL), WARD_ERROR_CYCLE);
    assert_int_equal(length, 1);
    kit_start(&k);
    kit_is(&k, 5, READY);
    kit_free(&k);
}

/* ---- a stop that hangs, or comes at an awkward time ---- */

static void test_shutdown(void **state)
{
    (void)state;
    for (int mode = 0; mode < WARDI_SHUTDOWNS; mode++) {
        kit k = kit_new(WARDI_ONE_FOR_ONE, 5);
        k.policy.shutdown = (wardi_shutdown)mode;
        k.policy.stop_ns = 2 * WARDI_S;
        k.policy.kill_ns = WARDI_S;
        kit_child(&k, 0);
        kit_start(&k);
        kit_tell(&k, 1, mode == WARDI_SHUTDOWN_IMMEDIATE ? WARDI_TREE_ILL : WARDI_TREE_ASK_RESTART);
        if (mode != WARDI_SHUTDOWN_IMMEDIATE) {
            kit_is(&k, 1, STOPPING);
            kit_pass(&k, 2 * WARDI_S - 1);
            kit_is(&k, 1, STOPPING);
            kit_pass(&k, mode == WARDI_SHUTDOWN_INFINITE ? 3600 * WARDI_S : 1);
        }
        if (mode == WARDI_SHUTDOWN_INFINITE) {
            kit_is(&k, 1, STOPPING);
            kit_ok(&k, 1, STOPPED);
        } else {
            kit_is(&k, 1, KILLING);
            assert_true(kit_view(&k, 1).due_ns == k.now_ns + WARDI_S);
            kit_pass(&k, WARDI_S); /* not even that helps: it is let go, and a new one starts */
            wardi_node_event late = {.kind = WARDI_TREE_DIED, .id = k.ids[1], .run = 1};
            assert_int_equal(wardi_tree_event(k.tree, &late, k.now_ns), WARDI_TREE_STALE);
        }
        kit_up(&k, 1);
        assert_int_equal(kit_view(&k, 1).run, 2);
        kit_free(&k);
    }
}

static void test_abandon_is_said(void **state)
{
    (void)state;
    kit k = kit_new(WARDI_ONE_FOR_ONE, 5);
    kit_child(&k, 0);
    kit_start(&k);
    kit_ok(&k, 1, HUNG);
    k.now_ns += k.policy.kill_ns;
    assert_true(wardi_tree_tick(k.tree, k.now_ns));
    kit_drain(&k);
    assert_int_equal(kit_said(&k, 1)->what, WARDI_DO_ABANDON | WARDI_DO_START);
    assert_int_equal(kit_said(&k, 1)->from, WARDI_NODE_KILLING);
    assert_false(wardi_tree_tick(k.tree, k.now_ns));
    kit_free(&k);
}

static void test_stop_at_any_time(void **state)
{
    (void)state;
    kit k = kit_new(WARDI_ONE_FOR_ONE, 5);
    k.policy.pace =
        (wardi_pace){.shape = WARDI_PACE_FIXED, .initial_ns = WARDI_S, .max_ns = WARDI_S};
    kit_child(&k, 0); /* starting */
    kit_child(&k, 0); /* backing off */
    kit_child(&k, 0); /* stopping, to be restarted */
    kit_child(&k, 0); /* started late: the news come when it is told to stop already */
    kit_ok(&k, 0, ASK_START);
    kit_up(&k, 2);
    kit_up(&k, 3);
    kit_ok(&k, 2, DIED);
    kit_ok(&k, 3, ILL);
    kit_ok(&k, 0, ASK_STOP);
    kit_is(&k, 1, STOPPING);
    kit_is(&k, 2, HELD);
    kit_is(&k, 3, STOPPING);
    kit_ok(&k, 4, STARTED);
    kit_ok(&k, 4, READY);
    kit_is(&k, 4, STOPPING);
    kit_ok(&k, 1, START_FAILED); /* that is an end too */
    kit_ok(&k, 3, STOPPED);
    kit_ok(&k, 4, STOPPED);
    kit_is(&k, 0, IDLE);
    for (uint32_t n = 1; n <= 4; n++) kit_is(&k, n, HELD);
    kit_pass(&k, 10 * WARDI_S);
    kit_is(&k, 2, HELD); /* the delay died with the stop */
    kit_free(&k);
}

/* ---- how many at a time ---- */

static void test_starts_are_bounded_and_fair(void **state)
{
    (void)state;
    kit k = kit_new(WARDI_ONE_FOR_ONE, 5);
    k.tree->starts_max = 4;
    kit_supervisor(&k, 0, WARDI_ONE_FOR_ALL, 5); /* 1: a big one */
    kit_supervisor(&k, 0, WARDI_ONE_FOR_ONE, 5); /* 2: a small one */
    k.tree->supervisions[k.tree->nodes[k.ids[2].index].supervisor].policy.starts_max = 1;
    for (int i = 0; i < 50; i++) kit_child(&k, 1);
    for (int i = 0; i < 3; i++) kit_child(&k, 2); /* 53, 54, 55 */
    kit_ok(&k, 0, ASK_START);
    assert_int_equal(kit_view(&k, 0).children[WARDI_NODE_STARTING], 4);
    assert_int_equal(kit_view(&k, 2).children[WARDI_NODE_STARTING], 1); /* not behind the fifty */
    kit_is(&k, 3, STARTING); /* first come, first served */
    kit_is(&k, 4, STARTING);
    kit_is(&k, 5, STARTING);
    kit_ok(&k, 4, STARTED);
    kit_is(&k, 6, STARTING);
    kit_is(&k, 54, QUEUED);  /* one at a time there */
    kit_ok(&k, 53, STARTED); /* the other one's turn */
    kit_is(&k, 7, STARTING);
    kit_is(&k, 54, QUEUED);
    kit_ok(&k, 5, STARTED);
    kit_is(&k, 54, STARTING);
    kit_is(&k, 8, QUEUED);
    kit_ok(&k, 54, ASK_STOP); /* gives its start back */
    kit_is(&k, 8, STARTING);
    kit_is(&k, 55, QUEUED);
    kit_ok(&k, 6, STARTED);
    kit_is(&k, 55, STARTING);
    kit_ok(&k, 9, ASK_STOP); /* from the middle of a queue */
    kit_ok(&k, 7, STARTED);
    kit_is(&k, 10, STARTING);
    kit_free(&k);
}

static wardi_tree_answer tell(wardi_tree *t, wardi_node_id id, wardi_node_event_kind kind,
                              uint32_t run, uint64_t now_ns)
{
    wardi_node_event event = {.kind = kind, .id = id, .run = run};
    wardi_tree_answer answer = wardi_tree_event(t, &event, now_ns);
    for (wardi_node_action a; wardi_tree_action(t, &a);) continue;
    return answer;
}

/* A thousand die at once: eight start at a time, in the order of their deaths, and all come back.
 */
static void test_no_stampede(void **state)
{
    (void)state;
    enum { THOUSAND = 1000, AT_A_TIME = 8 };
    kit k = kit_new(WARDI_ONE_FOR_ONE, 5);
    wardi_node_id ids[THOUSAND];
    for (size_t i = 0; i < THOUSAND; i++) {
        wardi_node_options options = {.parent = k.ids[0], .tag = i};
        assert_int_equal(wardi_tree_add(k.tree, &options, 0, &ids[i], NULL), WARD_OK);
    }
    k.tree->policies[0].pace.shape = WARDI_PACE_OFF;
    tell(k.tree, k.ids[0], WARDI_TREE_ASK_START, 0, 0);
    for (size_t i = 0; i < THOUSAND; i++) tell(k.tree, ids[i], WARDI_TREE_STARTED, 1, 0);
    k.tree->starts_max = AT_A_TIME;
    for (size_t i = 0; i < THOUSAND; i++)
        tell(k.tree, ids[THOUSAND - 1 - i], WARDI_TREE_DIED, 1, 0);
    for (size_t i = 0; i < THOUSAND; i++) {
        wardi_node_view view = kit_view(&k, 0);
        size_t left = THOUSAND - i;
        assert_int_equal(view.children[WARDI_NODE_STARTING], left < AT_A_TIME ? left : AT_A_TIME);
        assert_int_equal(tell(k.tree, ids[THOUSAND - 1 - i], WARDI_TREE_STARTED, 2, 0),
                         WARDI_TREE_OK);
    }
    assert_int_equal(kit_view(&k, 0).children[WARDI_NODE_RUNNING], THOUSAND);
    kit_free(&k);
}

/* ---- a million ---- */

static void test_million(void **state)
{
    (void)state;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    enum { CHILDREN = 100000, BELOW_ONE = 1000 };
#else
    enum { CHILDREN = 1000000, BELOW_ONE = 1000 };
#endif
    uint64_t began = wardi_now_ns();
    kit k = kit_new(WARDI_ONE_FOR_ONE, 5);
    uint32_t policy;
    k.policy.pace.shape = WARDI_PACE_EXPONENTIAL;
    assert_int_equal(wardi_tree_policy_add(k.tree, &k.policy, &policy, NULL), WARD_OK);
    wardi_node_id *ids = wardi_alloc_array(CHILDREN, sizeof *ids), parent = k.ids[0];
    wardi_supervision s = {.intensity = {.max = 3, .window_ns = 60 * WARDI_S}};
    for (uint32_t i = 0; i < CHILDREN; i++) {
        wardi_node_options options = {.parent = k.ids[0], .policy = policy, .supervision = &s};
        if (i % BELOW_ONE == 0) wardi_tree_add(k.tree, &options, 0, &parent, NULL);
        options = (wardi_node_options){.parent = parent, .policy = policy, .tag = i};
        assert_int_equal(wardi_tree_add(k.tree, &options, 0, &ids[i], NULL), WARD_OK);
    }
    uint64_t added = wardi_now_ns();
    tell(k.tree, k.ids[0], WARDI_TREE_ASK_START, 0, 1);
    for (uint32_t i = 0; i < CHILDREN; i++) tell(k.tree, ids[i], WARDI_TREE_STARTED, 1, 2);
    for (uint32_t i = 0; i < CHILDREN; i++) tell(k.tree, ids[i], WARDI_TREE_READY, 1, 3);
    uint64_t ready = wardi_now_ns();
    for (uint32_t i = 0; i < CHILDREN; i++)
        assert_int_equal(tell(k.tree, ids[i], WARDI_TREE_DIED, 1, 4 + i), WARDI_TREE_OK);
    uint64_t died = wardi_now_ns();
    uint32_t ticks = 0;
    for (wardi_node_action a; wardi_tree_tick(k.tree, WARDI_S); ticks++)
        while (wardi_tree_action(k.tree, &a)) assert_int_equal(a.run, 2);
    assert_int_equal(ticks, CHILDREN);
    uint64_t back = wardi_now_ns();
    print_message(
        "a million: %llu ns each to add, %llu to start and be ready, %llu a death, %llu a "
        "timer\n",
        (unsigned long long)((added - began) / CHILDREN),
        (unsigned long long)((ready - added) / CHILDREN),
        (unsigned long long)((died - ready) / CHILDREN),
        (unsigned long long)((back - died) / CHILDREN));
    assert_true(back - began < 60 * WARDI_S);
    wardi_free(ids);
    kit_free(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_diamond),          cmocka_unit_test(test_unmet_in_the_queue),
        cmocka_unit_test(test_long_chain),       cmocka_unit_test(test_cycle),
        cmocka_unit_test(test_shutdown),         cmocka_unit_test(test_abandon_is_said),
        cmocka_unit_test(test_stop_at_any_time), cmocka_unit_test(test_starts_are_bounded_and_fair),
        cmocka_unit_test(test_no_stampede),      cmocka_unit_test(test_million),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
