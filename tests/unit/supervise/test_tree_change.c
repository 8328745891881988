/* What changes in a tree that runs: needs, what supervisors are, places among siblings, and who may
 * be removed while others leave. The kit holds every invariant against each step. */
#include "kit.h"

static void set_needs(kit *k, uint32_t child, const uint32_t *needs, size_t count)
{
    wardi_node_id ids[8];
    for (size_t i = 0; i < count; i++) ids[i] = k->ids[needs[i]];
    assert_int_equal(wardi_tree_needs_set(k->tree, k->ids[child], ids, count, k->now_ns, NULL),
                     WARD_OK);
    kit_drain(k);
}
#define NEEDS(k, child, ...)                                                                       \
    set_needs((k), (child), (const uint32_t[]){__VA_ARGS__},                                       \
              sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

static bool reaches(const kit *k, uint32_t from, uint32_t to)
{
    bool found;
    assert_int_equal(wardi_tree_reaches(k->tree, &k->ids[from], 1, k->ids[to], &found), WARD_OK);
    return found;
}

static void who_waits_waits_for_what_it_needs_now(void **state)
{
    (void)state;
    kit k = kit_new(WARDI_ONE_FOR_ONE, 5);
    uint32_t a = kit_child(&k, 0), b = kit_child(&k, 0), c = kit_needs(&k, 0, a);
    kit_ok(&k, 0, ASK_START);
    kit_up(&k, b);
    kit_is(&k, c, WAITING);
    NEEDS(&k, c, b); /* which is ready */
    kit_up(&k, c);
    NEEDS(&k, c, a, b); /* it runs, and goes on */
    kit_is(&k, c, READY);
    assert_int_equal(kit_view(&k, c).unmet, 1);
    kit_up(&k, a);
    assert_int_equal(kit_view(&k, c).unmet, 0);
    set_needs(&k, c, NULL, 0);
    kit_ok(&k, a, ASK_REMOVE); /* nobody needs it */
    kit_ok(&k, a, STOPPED);
    kit_is(&k, c, READY);
    kit_free(&k);
}

static void who_is_queued_waits_again(void **state)
{
    (void)state;
    wardi_tree_options options = {.root = {.intensity = {.max = 3, .window_ns = WARDI_S}},
                                  .starts_max = 1};
    kit k = kit_new(WARDI_ONE_FOR_ONE, 5);
    wardi_tree_free(k.tree);
    assert_int_equal(wardi_tree_new(&options, &k.tree, NULL), WARD_OK);
    k.ids[0] = wardi_tree_root(k.tree);
    uint32_t a = kit_child(&k, 0), b = kit_child(&k, 0);
    kit_ok(&k, 0, ASK_START);
    kit_is(&k, b, QUEUED);
    NEEDS(&k, b, a);
    kit_is(&k, b, WAITING);
    kit_up(&k, a);
    kit_up(&k, b);
    kit_free(&k);
}

static void who_leaves_is_waited_for_by_what_it_needs_now(void **state)
{
    (void)state;
    kit k = kit_new(WARDI_ONE_FOR_ONE, 5);
    uint32_t a = kit_child(&k, 0), b = kit_child(&k, 0), c = kit_needs(&k, 0, a);
    kit_start(&k);
    kit_ok(&k, c, ASK_STOP);
    kit_is(&k, c, STOPPING);
    kit_ok(&k, a, ASK_STOP);
    kit_is(&k, a, LEAVING); /* for c */
    NEEDS(&k, c, b);
    kit_is(&k, a, STOPPING);
    kit_ok(&k, b, ASK_STOP);
    kit_is(&k, b, LEAVING);
    kit_ok(&k, c, STOPPED);
    kit_is(&k, b, STOPPING);
    kit_free(&k);
}

/* As host puts a child in the place of another. */
static void another_takes_its_place(void **state)
{
    (void)state;
    kit k = kit_new(WARDI_REST_FOR_ONE, 5);
    uint32_t a = kit_child(&k, 0), b = kit_child(&k, 0), c = kit_needs(&k, 0, b);
    kit_start(&k);
    kit_ok(&k, b, ASK_STOP);
    kit_ok(&k, b, STOPPED);
    kit_is(&k, c, READY); /* who is ready is for health to say */
    kit_is(&k, b, IDLE);
    uint32_t fresh =
        kit_put(&k, (wardi_node_options){.parent = k.ids[0], .idle = true, .behind = k.ids[b]});
    NEEDS(&k, c, fresh);
    kit_ok(&k, b, ASK_REMOVE);
    assert_true(kit_did(&k, b, WARDI_DO_REMOVE));
    kit_ok(&k, fresh, ASK_START);
    kit_up(&k, fresh);
    assert_int_equal(kit_view(&k, c).unmet, 0);
    kit_ok(&k, a, DIED); /* all that come after it are restarted: the new one, too */
    kit_is(&k, fresh, LEAVING);
    kit_ok(&k, fresh, DIED); /* and c, which comes after both */
    kit_free(&k);
}

static void the_place_behind_must_be_a_siblings(void **state)
{
    (void)state;
    kit k = kit_new(WARDI_ONE_FOR_ONE, 5);
    uint32_t branch = kit_supervisor(&k, 0, WARDI_ONE_FOR_ONE, 5), a = kit_child(&k, branch);
    wardi_node_options options = {.parent = k.ids[0], .behind = k.ids[a]};
    wardi_node_id id;
    assert_int_equal(wardi_tree_add(k.tree, &options, k.now_ns, &id, NULL),
                     WARD_ERROR_INVALID_ARGUMENT);
    options.behind = (wardi_node_id){.index = 99, .generation = 1};
    assert_int_equal(wardi_tree_add(k.tree, &options, k.now_ns, &id, NULL),
                     WARD_ERROR_INVALID_ARGUMENT);
    kit_free(&k);
}

/* Dependents first, and nobody has to wait for them to be gone. */
static void what_only_they_need_who_go_may_go(void **state)
{
    (void)state;
    kit k = kit_new(WARDI_ONE_FOR_ONE, 5);
    uint32_t branch = kit_supervisor(&k, 0, WARDI_ONE_FOR_ONE, 5);
    uint32_t a = kit_child(&k, branch), b = kit_needs(&k, 0, a), c = kit_needs(&k, 0, b);
    kit_start(&k);
    kit_ok(&k, c, ASK_REMOVE);
    kit_ok(&k, b, ASK_REMOVE);
    kit_ok(&k, branch, ASK_REMOVE);
    kit_is(&k, c, STOPPING);
    kit_is(&k, b, LEAVING);
    kit_is(&k, a, LEAVING);
    kit_ok(&k, c, STOPPED);
    kit_ok(&k, b, STOPPED);
    kit_ok(&k, a, STOPPED);
    assert_true(kit_did(&k, branch, WARDI_DO_REMOVE));
    kit_free(&k);
}

static void what_is_down_goes_before_who_leaves(void **state)
{
    (void)state;
    kit k = kit_new(WARDI_ONE_FOR_ONE, 5);
    uint32_t a = kit_child(&k, 0), b = kit_needs(&k, 0, a);
    kit_start(&k);
    kit_ok(&k, a, ASK_QUARANTINE);
    kit_ok(&k, a, STOPPED);
    assert_true(kit_view(&k, a).by_operator);
    assert_int_equal(kit_tell(&k, a, WARDI_TREE_ASK_REMOVE), WARDI_TREE_IS_NEEDED);
    kit_ok(&k, b, ASK_REMOVE);
    kit_is(&k, b, STOPPING);
    kit_ok(&k, a, ASK_REMOVE);
    assert_true(kit_did(&k, a, WARDI_DO_REMOVE));
    kit_ok(&k, b, STOPPED);
    assert_true(kit_did(&k, b, WARDI_DO_REMOVE));
    kit_free(&k);
}

static void reaching_goes_along_needs(void **state)
{
    (void)state;
    kit k = kit_new(WARDI_ONE_FOR_ONE, 5);
    uint32_t a = kit_child(&k, 0), b = kit_needs(&k, 0, a), c = kit_needs(&k, 0, b);
    uint32_t d = kit_child(&k, 0);
    NEEDS(&k, d, a, b, c);
    assert_true(reaches(&k, a, a));
    assert_true(reaches(&k, d, a));
    assert_true(reaches(&k, c, a));
    assert_false(reaches(&k, a, c));
    assert_false(reaches(&k, c, d));
    kit_free(&k);
}

static void needs_are_checked(void **state)
{
    (void)state;
    kit k = kit_new(WARDI_ONE_FOR_ONE, 5);
    uint32_t branch = kit_supervisor(&k, 0, WARDI_ONE_FOR_ONE, 5), a = kit_child(&k, 0);
    wardi_node_id stale = {.index = 99, .generation = 3};
    assert_int_equal(wardi_tree_needs_set(k.tree, k.ids[branch], &k.ids[a], 1, 0, NULL),
                     WARD_ERROR_INVALID_ARGUMENT);
    assert_int_equal(wardi_tree_needs_set(k.tree, k.ids[a], &k.ids[branch], 1, 0, NULL),
                     WARD_ERROR_INVALID_ARGUMENT);
    assert_int_equal(wardi_tree_needs_set(k.tree, k.ids[a], &stale, 1, 0, NULL),
                     WARD_ERROR_INVALID_ARGUMENT);
    kit_free(&k);
}

static void a_supervisor_is_another_from_here_on(void **state)
{
    (void)state;
    kit k = kit_new(WARDI_ONE_FOR_ONE, 5);
    uint32_t branch = kit_supervisor(&k, 0, WARDI_ONE_FOR_ONE, 5);
    uint32_t a = kit_child(&k, branch), b = kit_child(&k, branch);
    kit_start(&k);
    wardi_supervision all = {.strategy = WARDI_ONE_FOR_ALL,
                             .intensity = {.max = 1, .window_ns = 5 * WARDI_S}};
    assert_int_equal(wardi_tree_supervision_set(k.tree, k.ids[branch], &all, 0, NULL), WARD_OK);
    kit_drain(&k);
    kit_is(&k, b, READY); /* nobody was touched */
    kit_ok(&k, a, DIED);
    kit_is(&k, b, STOPPING); /* and now all go together */
    all.intensity.max = WARDI_INTENSITY_MAX + 1;
    assert_int_equal(wardi_tree_supervision_set(k.tree, k.ids[branch], &all, 0, NULL),
                     WARD_ERROR_INVALID_ARGUMENT);
    all.intensity.max = 0;
    assert_int_equal(wardi_tree_supervision_set(k.tree, k.ids[a], &all, 0, NULL),
                     WARD_ERROR_INVALID_ARGUMENT);
    assert_int_equal(wardi_tree_supervision_set(k.tree, k.ids[branch], &all, 77, NULL),
                     WARD_ERROR_INVALID_ARGUMENT);
    kit_free(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_waits_waits_for_what_it_needs_now),
        cmocka_unit_test(who_is_queued_waits_again),
        cmocka_unit_test(who_leaves_is_waited_for_by_what_it_needs_now),
        cmocka_unit_test(another_takes_its_place),
        cmocka_unit_test(the_place_behind_must_be_a_siblings),
        cmocka_unit_test(what_only_they_need_who_go_may_go),
        cmocka_unit_test(what_is_down_goes_before_who_leaves),
        cmocka_unit_test(reaching_goes_along_needs),
        cmocka_unit_test(needs_are_checked),
        cmocka_unit_test(a_supervisor_is_another_from_here_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
