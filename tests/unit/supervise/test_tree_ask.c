/* What operators may ask of nodes, at any time; adding and removing; what is refused, and how. */
#include "kit.h"

static void refuse_policy(wardi_tree_policy policy, const char *named)
{
    kit k = kit_new(WARDI_ONE_FOR_ONE, 5);
    uint32_t before = 77;
    ward_diag diag = {0};
    assert_int_equal(wardi_tree_policy_add(k.tree, &policy, &before, &diag),
                     WARD_ERROR_INVALID_ARGUMENT);
    assert_non_null(strstr(diag.text, named));
    assert_int_equal(before, 77);
    kit_free(&k);
}
#define REFUSE(named, ...)                                                                         \
    do {                                                                                           \
        wardi_tree_policy p = wardi_tree_policy_default();                                         \
        __VA_ARGS__;                                                                               \
        refuse_policy(p, (named));                                                                 \
    } while (0)

static void test_policies(void **state)
{
    (void)state;
    REFUSE("restart", p.restart = (ward_restart)3);
    REFUSE("shutdown", p.shutdown = (wardi_shutdown)3);
    REFUSE("stop", p.stop_ns = WARDI_FOREVER);
    REFUSE("kill", p.kill_ns = WARDI_FOREVER); /* or a restart would wait for ever */
    REFUSE("start", p.start_ns = 0);
    REFUSE("intensity.max", p.intensity.max = 256);
    REFUSE("intensity.window", p.intensity.window_ns = 0);
    REFUSE("pace.shape", p.pace.shape = (wardi_pace_shape)4);
    REFUSE("pace.initial", p.pace.initial_ns = WARDI_FOREVER);
    REFUSE("pace.max", p.pace.max_ns = 1);
    REFUSE("pace.factor", p.pace.factor = 0.5);
    REFUSE("pace.jitter", p.pace.jitter = 1.5);
    wardi_tree *tree = NULL;
    wardi_tree_options options = {.root = {.strategy = (wardi_strategy)3}};
    assert_int_equal(wardi_tree_new(&options, &tree, NULL), WARD_ERROR_INVALID_ARGUMENT);
    assert_null(tree);
    wardi_tree_free(NULL);
}

static ward_error add(kit *k, wardi_node_options options)
{
    wardi_node_id id = {77, 77};
    ward_error error = wardi_tree_add(k->tree, &options, k->now_ns, &id, NULL);
    if (error != WARD_OK) assert_int_equal(id.index, 77);
    kit_drain(k);
    return error;
}

static void test_add(void **state)
{
    (void)state;
    kit k = kit_new(WARDI_ONE_FOR_ONE, 5);
    wardi_supervision s = {.intensity = {.window_ns = 1}};
    uint32_t above = kit_supervisor(&k, 0, WARDI_ONE_FOR_ONE, 5), child = kit_child(&k, above);
    wardi_node_id root = k.ids[0], none = {0};
    assert_int_equal(add(&k, (wardi_node_options){.parent = none}), WARD_ERROR_INVALID_ARGUMENT);
    assert_int_equal(add(&k, (wardi_node_options){.parent = k.ids[child]}),
                     WARD_ERROR_INVALID_ARGUMENT);
    assert_int_equal(add(&k, (wardi_node_options){.parent = root, .policy = 99}),
                     WARD_ERROR_INVALID_ARGUMENT);
    assert_int_equal(
        add(&k, (wardi_node_options){.parent = root, .needs = &k.ids[above], .need_count = 1}),
        WARD_ERROR_INVALID_ARGUMENT);
    assert_int_equal(add(&k, (wardi_node_options){.parent = root,
                                                  .supervision = &s,
                                                  .needs = &k.ids[child],
                                                  .need_count = 1}),
                     WARD_ERROR_INVALID_ARGUMENT);
    kit_start(&k);
    uint32_t idle = kit_put(&k, (wardi_node_options){.parent = root, .idle = true});
    kit_is(&k, idle, IDLE);
    kit_ok(&k, idle, ASK_START);
    kit_up(&k, idle);
    kit_up(&k, kit_child(&k, above)); /* at once: all above run */
    uint32_t depth = 1;
    wardi_node_options deeper = {.parent = k.ids[above], .supervision = &s};
    while (wardi_tree_add(k.tree, &deeper, 0, &deeper.parent, NULL) == WARD_OK) depth++;
    assert_int_equal(depth, WARDI_TREE_DEPTH_MAX - 1);
    kit_free(&k);
}

static void test_remove(void **state)
{
    (void)state;
    kit k = kit_new(WARDI_ONE_FOR_ONE, 5);
    uint32_t branch = kit_supervisor(&k, 0, WARDI_ONE_FOR_ONE, 5);
    uint32_t inner = kit_supervisor(&k, branch, WARDI_ONE_FOR_ALL, 5);
    uint32_t a = kit_child(&k, inner), b = kit_needs(&k, branch, a), c = kit_needs(&k, 0, b);
    kit_start(&k);
    assert_int_equal(kit_tell(&k, b, WARDI_TREE_ASK_REMOVE), WARDI_TREE_IS_NEEDED);
    assert_int_equal(kit_tell(&k, branch, WARDI_TREE_ASK_REMOVE), WARDI_TREE_IS_NEEDED);
    assert_int_equal(kit_tell(&k, inner, WARDI_TREE_ASK_REMOVE), WARDI_TREE_IS_NEEDED);
    kit_ok(&k, c, ASK_REMOVE);
    assert_int_equal(kit_tell(&k, c, WARDI_TREE_ASK_RESTART), WARDI_TREE_IS_REMOVED);
    assert_int_equal(
        add(&k, (wardi_node_options){.parent = k.ids[0], .needs = &k.ids[c], .need_count = 1}),
        WARD_ERROR_STATE);
    kit_ok(&k, c, STOPPED);
    assert_true(kit_did(&k, c, WARDI_DO_REMOVE));
    assert_int_equal(kit_tell(&k, c, WARDI_TREE_ASK_START), WARDI_TREE_STALE);
    kit_ok(&k, branch, ASK_REMOVE); /* with all below it, in order */
    assert_int_equal(add(&k, (wardi_node_options){.parent = k.ids[inner]}), WARD_ERROR_STATE);
    kit_is(&k, b, STOPPING);
    kit_is(&k, a, LEAVING);
    kit_ok(&k, b, STOPPED);
    kit_ok(&k, a, STOPPED);
    for (uint32_t n = branch; n <= c; n++)
        assert_int_equal(kit_tell(&k, n, WARDI_TREE_ASK_START), WARDI_TREE_STALE);
    assert_int_equal(kit_view(&k, 0).children[WARDI_NODE_REMOVED], 0);
    /* What was freed is used again, under another generation. */
    uint32_t count = k.tree->node_count;
    wardi_node_id old = k.ids[a];
    for (int i = 0; i < 3; i++) kit_child(&k, kit_supervisor(&k, 0, WARDI_ONE_FOR_ONE, 5));
    assert_in_range(k.tree->node_count, count, count + 1);
    wardi_node_view view;
    assert_false(wardi_tree_look(k.tree, old, &view));
    kit_free(&k);
}

/* A removal takes what host had not yet seen stop, and nobody else. */
static void test_remove_beside_others(void **state)
{
    (void)state;
    kit k = kit_new(WARDI_ONE_FOR_ALL, 5);
    for (int i = 0; i < 3; i++) kit_child(&k, 0);
    kit_start(&k);
    kit_ok(&k, 2, ASK_REMOVE);
    kit_ok(&k, 1, DIED); /* the group starts again; the removed one does not come back */
    kit_ok(&k, 3, STOPPED);
    kit_is(&k, 0, LEAVING);
    kit_ok(&k, 2, STOPPED);
    kit_is(&k, 0, RUNNING);
    kit_all_up(&k);
    kit_is(&k, 1, READY);
    kit_is(&k, 3, READY);
    kit_free(&k);
}

static void test_supervisors(void **state)
{
    (void)state;
    kit k = kit_new(WARDI_ONE_FOR_ONE, 5);
    uint32_t branch = kit_supervisor(&k, 0, WARDI_REST_FOR_ONE, 5);
    uint32_t a = kit_child(&k, branch), b = kit_child(&k, branch), other = kit_child(&k, 0);
    kit_start(&k);
    assert_int_equal(kit_tell(&k, branch, WARDI_TREE_READY), WARDI_TREE_NOT_A_CHILD);
    assert_int_equal(kit_tell(&k, 0, WARDI_TREE_ASK_QUARANTINE), WARDI_TREE_IS_ROOT);
    assert_int_equal(kit_tell(&k, 0, WARDI_TREE_ASK_REMOVE), WARDI_TREE_IS_ROOT);
    kit_ok(&k, branch, ASK_RESTART);
    kit_is(&k, a, STOPPING);
    kit_ok(&k, a, STOPPED);
    kit_is(&k, a, HELD);
    kit_ok(&k, b, STOPPED);
    kit_all_up(&k);
    assert_int_equal(kit_view(&k, a).restarts_by_cause[WARD_CAUSE_OPERATOR], 1);
    /* A stop in the midst of a group's restart takes those too whom the group had spared. */
    kit_ok(&k, b, DIED);
    kit_all_up(&k);
    kit_ok(&k, b, ILL);
    kit_is(&k, a, READY);
    kit_ok(&k, branch, ASK_STOP);
    kit_is(&k, a, STOPPING);
    kit_ok(&k, a, STOPPED);
    kit_ok(&k, b, STOPPED);
    kit_is(&k, branch, IDLE);
    kit_is(&k, other, READY);
    kit_ok(&k, a, ASK_START); /* its supervisor is down: it is held */
    kit_is(&k, a, HELD);
    kit_ok(&k, branch, ASK_QUARANTINE);
    assert_int_equal(kit_tell(&k, branch, WARDI_TREE_ASK_START), WARDI_TREE_IS_QUARANTINED);
    kit_ok(&k, 0, ASK_RESTART);
    kit_ok(&k, other, STOPPED);
    kit_is(&k, branch, QUARANTINED);
    kit_ok(&k, branch, ASK_RELEASE);
    kit_all_up(&k);
    kit_is(&k, a, READY);
    kit_ok(&k, branch, ASK_STOP);
    kit_ok(&k, branch, ASK_START); /* as soon as it is down */
    kit_ok(&k, a, STOPPED);
    kit_ok(&k, b, STOPPED);
    kit_all_up(&k);
    kit_is(&k, b, READY);
    kit_free(&k);
}

static void test_link_refuses(void **state)
{
    (void)state;
    kit k = kit_new(WARDI_ONE_FOR_ONE, 5);
    kit_child(&k, 0);
    kit_child(&k, 0);
    wardi_tree_edge e = {.child = k.ids[2], .need = k.ids[0]};
    assert_int_equal(wardi_tree_link(k.tree, &e, 1, NULL, 0, NULL, NULL),
                     WARD_ERROR_INVALID_ARGUMENT);
    e = (wardi_tree_edge){.child = k.ids[0], .need = k.ids[1]};
    assert_int_equal(wardi_tree_link(k.tree, &e, 1, NULL, 0, NULL, NULL),
                     WARD_ERROR_INVALID_ARGUMENT);
    kit_start(&k);
    e = (wardi_tree_edge){.child = k.ids[2], .need = k.ids[1]};
    assert_int_equal(wardi_tree_link(k.tree, &e, 1, NULL, 0, NULL, NULL), WARD_ERROR_STATE);
    kit_free(&k);
}

/* ---- memory ---- */

static bool fail_at(void *context, size_t size)
{
    (void)size;
    return (*(int *)context)-- != 0;
}

/* A tree, a policy, twenty children and a need, with the n-th allocation failing. */
static ward_error build(wardi_tree **ret_tree, wardi_tree_edge *ret_edge)
{
    wardi_tree_options options = {.root = {.intensity = {.window_ns = 1}}};
    ward_error error = wardi_tree_new(&options, ret_tree, NULL);
    if (error != WARD_OK) return error;
    wardi_supervision s = options.root;
    wardi_tree_policy policy = wardi_tree_policy_default();
    wardi_node_id ids[20];
    uint32_t p;
    error = wardi_tree_policy_add(*ret_tree, &policy, &p, NULL);
    for (size_t i = 0; i < WARD_COUNT(ids) && error == WARD_OK; i++) {
        wardi_node_options child = {.parent = wardi_tree_root(*ret_tree),
                                    .supervision = i % 2 != 0 ? &s : NULL,
                                    .needs = ids,
                                    .need_count = i == 2};
        error = wardi_tree_add(*ret_tree, &child, 0, &ids[i], NULL);
    }
    if (error != WARD_OK) return error;
    *ret_edge = (wardi_tree_edge){.child = ids[0], .need = ids[4]};
    size_t length;
    return wardi_tree_link(*ret_tree, ret_edge, 1, NULL, 0, &length, NULL);
}

static void test_no_memory(void **state)
{
    (void)state;
    int failures = 0;
    for (ward_error error = WARD_ERROR_NO_MEMORY; error != WARD_OK; failures++) {
        int left = failures;
        wardi_tree *tree = NULL;
        wardi_tree_edge unused;
        wardi_alloc_gate_set(fail_at, &left);
        error = build(&tree, &unused);
        wardi_alloc_gate_set(NULL, NULL);
        if (error != WARD_OK) assert_int_equal(error, WARD_ERROR_NO_MEMORY);
        if (tree != NULL) assert_null(wardi_tree_check(tree));
        wardi_tree_free(tree);
    }
    assert_in_range(failures, 15, 60);
}

/* Whatever happens later needs none. */
static void test_events_need_no_memory(void **state)
{
    (void)state;
    kit k = kit_new(WARDI_ONE_FOR_ALL, 5);
    for (int i = 0; i < 20; i++) kit_child(&k, 0);
    int left = 0;
    wardi_alloc_gate_set(fail_at, &left);
    kit_start(&k);
    kit_ok(&k, 3, DIED);
    kit_ok(&k, 0, ASK_STOP);
    wardi_alloc_gate_set(NULL, NULL);
    assert_int_equal(left, 0);
    kit_free(&k);
}

static void test_stale(void **state)
{
    (void)state;
    kit k = kit_new(WARDI_ONE_FOR_ONE, 5);
    kit_child(&k, 0);
    kit_start(&k);
    kit_ok(&k, 1, DIED);
    kit_up(&k, 1);
    wardi_node_event old = {.kind = WARDI_TREE_DIED, .id = k.ids[1], .run = 1};
    assert_int_equal(wardi_tree_event(k.tree, &old, k.now_ns), WARDI_TREE_STALE);
    kit_is(&k, 1, READY);
    assert_int_equal(kit_tell(&k, 1, WARDI_TREE_STARTED), WARDI_TREE_UNEXPECTED);
    wardi_node_id wild[] = {{0, 0}, {0, 1}, {9999, 1}, {2, 7}};
    for (size_t i = 0; i < WARD_COUNT(wild); i++) {
        wardi_node_event event = {.kind = WARDI_TREE_ASK_STOP, .id = wild[i]};
        assert_int_equal(wardi_tree_event(k.tree, &event, k.now_ns), WARDI_TREE_STALE);
    }
    /* Time that goes back stands still. */
    uint64_t latest = k.tree->now_ns;
    wardi_node_event unready = {.kind = WARDI_TREE_UNREADY, .id = k.ids[1], .run = 2};
    assert_int_equal(wardi_tree_event(k.tree, &unready, 1), WARDI_TREE_OK);
    assert_int_equal(k.tree->now_ns, latest);
    kit_drain(&k);
    kit_free(&k);
}

/* What comes and goes leaves nothing behind. */
static void test_come_and_go(void **state)
{
    (void)state;
    kit k = kit_new(WARDI_ONE_FOR_ONE, 3);
    kit_start(&k);
    for (int i = 0; i < 1000; i++) {
        k.count = 1;
        k.policy.stop_ns = (1 + (uint64_t)i % 3) * WARDI_S;
        uint32_t a = kit_child(&k, 0);
        kit_up(&k, a);
        kit_ok(&k, a, ASK_REMOVE);
        kit_ok(&k, a, STOPPED);
    }
    assert_int_equal(k.tree->policy_count, 1 + 3); /* the first is the root's */
    assert_in_range(k.tree->node_count, 2, 3);
    kit_free(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_policies),    cmocka_unit_test(test_add),
        cmocka_unit_test(test_remove),      cmocka_unit_test(test_remove_beside_others),
        cmocka_unit_test(test_supervisors), cmocka_unit_test(test_link_refuses),
        cmocka_unit_test(test_no_memory),   cmocka_unit_test(test_events_need_no_memory),
        cmocka_unit_test(test_stale),       cmocka_unit_test(test_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
