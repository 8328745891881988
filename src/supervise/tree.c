/* The tree as a value: its arrays, its nodes and needs, and what it shows. */
#include <string.h>

#include "supervise/tree_priv.h"

/* Longer than this is a slip of units. */
#define DURATION_MAX (365 * 24 * 3600 * WARDI_S)

/* ---- policies ---- */

wardi_tree_policy wardi_tree_policy_default(void)
{
    return (wardi_tree_policy){.restart = WARD_RESTART_PERMANENT,
                               .intensity = {.max = 10, .window_ns = 60 * WARDI_S},
                               .pace = {.shape = WARDI_PACE_EXPONENTIAL,
                                        .initial_ns = 100 * WARDI_MS,
                                        .max_ns = 30 * WARDI_S,
                                        .factor = 2,
                                        .jitter = 0.1,
                                        .reset_after_ns = 30 * WARDI_S},
                               .shutdown = WARDI_SHUTDOWN_GRACEFUL,
                               .stop_ns = 10 * WARDI_S,
                               .kill_ns = 5 * WARDI_S,
                               .start_ns = 30 * WARDI_S};
}

static ward_error refuse(ward_diag *ret_diag, const char *field, const char *must)
{
    return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT, "%s must be %s", field, must);
}

static ward_error check_intensity(const wardi_intensity *intensity, ward_diag *ret_diag)
{
    if (intensity->max > WARDI_INTENSITY_MAX)
        return refuse(ret_diag, "intensity.max", "at most 255");
    if (intensity->window_ns == 0 || intensity->window_ns > DURATION_MAX)
        return refuse(ret_diag, "intensity.window", "above 0 and at most a year");
    return WARD_OK;
}

static ward_error check_pace(const wardi_pace *pace, ward_diag *ret_diag)
{
    if ((unsigned)pace->shape >= WARDI_PACE_SHAPES)
        return refuse(ret_diag, "pace.shape", "one of its enum's values");
    if (pace->initial_ns > DURATION_MAX || pace->max_ns > DURATION_MAX)
        return refuse(ret_diag, "pace.initial and pace.max", "at most a year");
    if (pace->shape != WARDI_PACE_OFF && pace->max_ns < pace->initial_ns)
        return refuse(ret_diag, "pace.max", "at least pace.initial");
    if (pace->shape == WARDI_PACE_EXPONENTIAL && !(pace->factor >= 1 && pace->factor <= 1000))
        return refuse(ret_diag, "pace.factor", "from 1 to 1000");
    if (!(pace->jitter >= 0 && pace->jitter <= 1))
        return refuse(ret_diag, "pace.jitter", "from 0 to 1");
    return WARD_OK;
}

static ward_error check_policy(const wardi_tree_policy *policy, ward_diag *ret_diag)
{
    if ((unsigned)policy->restart > WARD_RESTART_TEMPORARY)
        return refuse(ret_diag, "restart", "one of its enum's values");
    if ((unsigned)policy->shutdown >= WARDI_SHUTDOWNS)
        return refuse(ret_diag, "shutdown", "one of its enum's values");
    if (policy->stop_ns > DURATION_MAX || policy->kill_ns > DURATION_MAX)
        return refuse(ret_diag, "stop and kill", "at most a year");
    if (policy->start_ns == 0) return refuse(ret_diag, "start", "above 0");
    ward_error error = check_intensity(&policy->intensity, ret_diag);
    return error == WARD_OK ? check_pace(&policy->pace, ret_diag) : error;
}

ward_error tree_supervision_check(const wardi_supervision *s, ward_diag *ret_diag)
{
    if ((unsigned)s->strategy >= WARDI_STRATEGIES)
        return refuse(ret_diag, "strategy", "one of its enum's values");
    return check_intensity(&s->intensity, ret_diag);
}

/* ---- room ---- */

static ward_error no_memory(ward_diag *ret_diag)
{
    return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory for the tree");
}

/* Room for `more` items after `count`, doubling. `array` is a pointer to a pointer to them. */
static bool reserve(void *array, uint32_t *capacity, uint32_t count, size_t more, size_t size)
{
    if (count + more <= *capacity) return true;
    uint64_t wanted = *capacity != 0 ? *capacity : 8;
    while (wanted < count + more) wanted *= 2;
    if (wanted > UINT32_MAX / 2) return false;
    void *old;
    memcpy(&old, array, sizeof old);
    void *grown = wardi_grow(old, *capacity * size, wanted * size);
    if (grown == NULL) return false;
    memcpy(array, &grown, sizeof grown);
    *capacity = (uint32_t)wanted;
    return true;
}

/* The heap has room for every node, so that arming a timer needs no memory. */
static bool reserve_nodes(wardi_tree *t, uint32_t more)
{
    uint32_t heap_capacity = t->node_capacity;
    return reserve(&t->heap, &heap_capacity, t->node_count, more, sizeof *t->heap) &&
           reserve(&t->nodes, &t->node_capacity, t->node_count, more, sizeof *t->nodes);
}

static bool reserve_node(wardi_tree *t)
{
    return t->node_free != NOBODY || reserve_nodes(t, 1);
}

static bool reserve_supervision(wardi_tree *t)
{
    return t->supervision_free != NOBODY ||
           reserve(&t->supervisions, &t->supervision_capacity, t->supervision_count, 1,
                   sizeof *t->supervisions);
}

/* Free ones are not counted on: more than is needed, never less. */
bool tree_edges_reserve(wardi_tree *t, size_t count)
{
    return reserve(&t->edges, &t->edge_capacity, t->edge_count, count, sizeof *t->edges);
}

bool wardi_tree_reserve(wardi_tree *tree, uint32_t nodes, size_t needs)
{
    return reserve_nodes(tree, nodes) && reserve_supervision(tree) &&
           tree_edges_reserve(tree, needs);
}

static uint32_t take_node(wardi_tree *t)
{
    uint32_t n = t->node_free;
    if (n != NOBODY)
        t->node_free = t->nodes[n].next;
    else
        n = t->node_count++;
    uint32_t generation = t->nodes[n].generation + 1;
    t->nodes[n] = (node){.generation = generation != 0 ? generation : 1, .flags = IN_USE};
    return n;
}

static void give_node(wardi_tree *t, uint32_t n)
{
    node *c = &t->nodes[n];
    if (c->supervisor != NOBODY) {
        t->supervisions[c->supervisor] = (supervision){.ring_next = t->supervision_free};
        t->supervision_free = c->supervisor;
    }
    uint32_t generation = c->generation;
    *c = (node){.generation = generation, .next = t->node_free};
    t->node_free = n;
}

static void make_supervisor(wardi_tree *t, uint32_t n, const wardi_supervision *policy)
{
    uint32_t s = t->supervision_free;
    if (s != NOBODY)
        t->supervision_free = t->supervisions[s].ring_next;
    else
        s = t->supervision_count++;
    t->supervisions[s] = (supervision){.policy = *policy, .node = n};
    t->nodes[n].supervisor = s;
}

/* ---- the tree ---- */

ward_error wardi_tree_new(const wardi_tree_options *options, wardi_tree **ret_tree,
                          ward_diag *ret_diag)
{
    ward_error error = tree_supervision_check(&options->root, ret_diag);
    if (error != WARD_OK) return error;
    wardi_tree *t = wardi_alloc(sizeof *t);
    if (t == NULL) return no_memory(ret_diag);
    t->node_count = t->edge_count = t->supervision_count = 1; /* 0 is nobody */
    t->starts_max = options->starts_max;
    wardi_rng_init(&t->rng, options->seed);
    wardi_tree_policy root = wardi_tree_policy_default();
    uint32_t policy;
    error = wardi_tree_policy_add(t, &root, &policy, ret_diag);
    if (error == WARD_OK && !(reserve_node(t) && reserve_supervision(t)))
        error = no_memory(ret_diag);
    if (error != WARD_OK) {
        wardi_tree_free(t);
        return error;
    }
    uint32_t n = take_node(t);
    WARD_ASSERT(n == ROOT && policy == 0);
    make_supervisor(t, n, &options->root);
    *ret_tree = t;
    return WARD_OK;
}

void wardi_tree_free(wardi_tree *tree)
{
    if (tree == NULL) return;
    wardi_free(tree->nodes);
    wardi_free(tree->edges);
    wardi_free(tree->supervisions);
    wardi_free(tree->policies);
    wardi_free(tree->heap);
    wardi_free(tree);
}

static wardi_node_id id_of(const wardi_tree *t, uint32_t n)
{
    return (wardi_node_id){.index = n, .generation = n != NOBODY ? t->nodes[n].generation : 0};
}

wardi_node_id wardi_tree_root(const wardi_tree *tree)
{
    return id_of(tree, ROOT);
}

static bool same_pace(const wardi_pace *a, const wardi_pace *b)
{
    return a->shape == b->shape && a->initial_ns == b->initial_ns && a->max_ns == b->max_ns &&
           a->factor == b->factor && a->jitter == b->jitter &&
           a->reset_after_ns == b->reset_after_ns;
}

static bool same_policy(const wardi_tree_policy *a, const wardi_tree_policy *b)
{
    return a->restart == b->restart && a->intensity.max == b->intensity.max &&
           a->intensity.window_ns == b->intensity.window_ns && same_pace(&a->pace, &b->pace) &&
           a->shutdown == b->shutdown && a->stop_ns == b->stop_ns && a->kill_ns == b->kill_ns &&
           a->start_ns == b->start_ns && a->restart_with_needs == b->restart_with_needs;
}

/* Looked for first, the newest first: children that come and go for years have the same few. */
ward_error wardi_tree_policy_add(wardi_tree *tree, const wardi_tree_policy *policy,
                                 uint32_t *ret_policy, ward_diag *ret_diag)
{
    ward_error error = check_policy(policy, ret_diag);
    if (error != WARD_OK) return error;
    for (uint32_t p = tree->policy_count; p-- > 0;) {
        if (!same_policy(&tree->policies[p], policy)) continue;
        *ret_policy = p;
        return WARD_OK;
    }
    if (!reserve(&tree->policies, &tree->policy_capacity, tree->policy_count, 1, sizeof *policy))
        return no_memory(ret_diag);
    tree->policies[tree->policy_count] = *policy;
    *ret_policy = tree->policy_count++;
    return WARD_OK;
}

/* ---- nodes ---- */

static ward_error check_need(const wardi_tree *t, wardi_node_id id, ward_diag *ret_diag)
{
    uint32_t need = tree_find(t, id);
    if (need == NOBODY || is_supervisor(t, need))
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT, "only a child can be needed");
    if (tree_is_going(t, need))
        return wardi_fail(ret_diag, WARD_ERROR_STATE, "what is needed is being removed");
    return WARD_OK;
}

static ward_error check_node(const wardi_tree *t, const wardi_node_options *options,
                             ward_diag *ret_diag)
{
    uint32_t parent = tree_find(t, options->parent);
    if (parent == NOBODY || !is_supervisor(t, parent))
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT, "parent is no supervisor");
    if (tree_is_going(t, parent))
        return wardi_fail(ret_diag, WARD_ERROR_STATE, "the supervisor is being removed");
    if (options->policy >= t->policy_count)
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT, "there is no such policy");
    if (t->nodes[parent].depth + 1 >= WARDI_TREE_DEPTH_MAX)
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                          "more than %d supervisors below each other", WARDI_TREE_DEPTH_MAX - 1);
    uint32_t behind = tree_find(t, options->behind);
    if (options->behind.generation != 0 && (behind == NOBODY || t->nodes[behind].parent != parent))
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT, "behind is no sibling");
    if (options->supervision != NULL && (options->need_count != 0 || options->idle))
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                          "a supervisor has no needs, and is not added idle");
    ward_error error = options->supervision != NULL
                           ? tree_supervision_check(options->supervision, ret_diag)
                           : WARD_OK;
    for (size_t i = 0; i < options->need_count && error == WARD_OK; i++)
        error = check_need(t, options->needs[i], ret_diag);
    return error;
}

static void begin(wardi_tree *t, uint32_t n, bool idle)
{
    node *c = &t->nodes[n];
    c->state = is_supervisor(t, n) ? WARDI_NODE_RUNNING : idle ? WARDI_NODE_IDLE : WARDI_NODE_HELD;
    if (is_supervisor(t, n)) return;
    for (uint32_t p = c->parent; p != NOBODY; p = t->nodes[p].parent)
        supervision_of(t, p)->below[c->state]++;
    if (!idle) tree_settle_push(t, n);
}

ward_error wardi_tree_add(wardi_tree *tree, const wardi_node_options *options, uint64_t now_ns,
                          wardi_node_id *ret_id, ward_diag *ret_diag)
{
    ward_error error = check_node(tree, options, ret_diag);
    if (error != WARD_OK) return error;
    if (!reserve_node(tree) || !tree_edges_reserve(tree, options->need_count) ||
        (options->supervision != NULL && !reserve_supervision(tree)))
        return no_memory(ret_diag);
    tree_set_now(tree, now_ns);
    uint32_t n = take_node(tree), parent = options->parent.index;
    node *c = &tree->nodes[n];
    c->policy = options->policy;
    c->tag = options->tag;
    c->depth = (uint8_t)(tree->nodes[parent].depth + 1);
    if (options->supervision != NULL) make_supervisor(tree, n, options->supervision);
    tree_child_insert(tree, parent, tree_find(tree, options->behind), n);
    for (size_t i = 0; i < options->need_count; i++)
        tree_edge_put(tree, n, options->needs[i].index);
    begin(tree, n, options->idle);
    *ret_id = id_of(tree, n);
    tree_run(tree);
    return WARD_OK;
}

/* ---- needs ---- */

static ward_error check_edge(const wardi_tree *t, const wardi_tree_edge *e, ward_diag *ret_diag)
{
    uint32_t child = tree_find(t, e->child);
    if (child == NOBODY || is_supervisor(t, child))
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT, "only a child can need another");
    wardi_node_state state = t->nodes[child].state;
    if (state_is_up(state) || state_is_leaving(state) || state == WARDI_NODE_QUEUED ||
        tree_is_going(t, child))
        return wardi_fail(ret_diag, WARD_ERROR_STATE, "a child gets new needs while it is down");
    return check_need(t, e->need, ret_diag);
}

/* All needs by child, as wardi_supervise_order reads them. */
static ward_error order_all(const wardi_tree *t, size_t *order, size_t *ret_cycle)
{
    size_t *flat = wardi_alloc_array(t->edge_count, sizeof *flat);
    const size_t **needs = wardi_alloc_array(t->node_count, sizeof *needs);
    size_t *counts = wardi_alloc_array(t->node_count, sizeof *counts);
    ward_error error = WARD_ERROR_NO_MEMORY;
    if (flat != NULL && needs != NULL && counts != NULL) {
        size_t used = 0;
        for (uint32_t n = 0; n < t->node_count; n++) {
            needs[n] = flat + used;
            for (uint32_t e = t->nodes[n].first_need; e != NOBODY; e = t->edges[e].next_need)
                flat[used++] = t->edges[e].need;
            counts[n] = (size_t)(flat + used - needs[n]);
        }
        error = wardi_supervise_order(t->node_count, needs, counts, order, ret_cycle);
    }
    wardi_free(flat);
    wardi_free(needs);
    wardi_free(counts);
    return error;
}

static ward_error check_cycle(const wardi_tree *t, wardi_node_id *ret_path, size_t path_max,
                              size_t *ret_length, ward_diag *ret_diag)
{
    size_t *order = wardi_alloc_array(t->node_count, sizeof *order), length = 0;
    if (order == NULL) return no_memory(ret_diag);
    ward_error error = order_all(t, order, &length);
    if (error == WARD_ERROR_CYCLE) {
        *ret_length = length < path_max ? length : path_max;
        for (size_t i = 0; i < *ret_length; i++) ret_path[i] = id_of(t, (uint32_t)order[i]);
        wardi_fail(ret_diag, error, "children need each other: a path of %zu", length);
    }
    wardi_free(order);
    return error == WARD_ERROR_NO_MEMORY ? no_memory(ret_diag) : error;
}

ward_error wardi_tree_link(wardi_tree *tree, const wardi_tree_edge *edges, size_t count,
                           wardi_node_id *ret_path, size_t path_max, size_t *ret_length,
                           ward_diag *ret_diag)
{
    ward_error error = WARD_OK;
    for (size_t i = 0; i < count && error == WARD_OK; i++)
        error = check_edge(tree, &edges[i], ret_diag);
    if (error != WARD_OK) return error;
    if (!tree_edges_reserve(tree, count)) return no_memory(ret_diag);
    for (size_t i = 0; i < count; i++)
        tree_edge_put(tree, edges[i].child.index, edges[i].need.index);
    /* A cycle passes through a new edge, so its dependent is needed as well. */
    bool suspect = false;
    for (size_t i = 0; i < count; i++)
        suspect = suspect || tree->nodes[edges[i].child.index].first_dependent != NOBODY;
    if (suspect) error = check_cycle(tree, ret_path, path_max, ret_length, ret_diag);
    if (error == WARD_OK) return WARD_OK;
    for (size_t i = count; i-- > 0;) /* the latest put is the first of the child's list */
        tree_edge_drop(tree, tree->nodes[edges[i].child.index].first_need);
    return error;
}

/* ---- what it shows ---- */

bool wardi_tree_action(wardi_tree *tree, wardi_node_action *ret_action)
{
    uint32_t n = tree_out_pop(tree);
    if (n == NOBODY) return false;
    const node *c = &tree->nodes[n];
    *ret_action = (wardi_node_action){
        .what = c->act,
        .id = id_of(tree, n),
        .tag = c->tag,
        .run = c->run,
        .from = c->from,
        .to = c->state,
        .cause = c->cause,
        .attempt =
            wardi_window_count(&c->restarts, policy_of(tree, n)->intensity.window_ns, tree->now_ns),
        .due_ns = c->timer != 0 ? c->due_ns : WARDI_FOREVER,
        .is_supervisor = is_supervisor(tree, n),
        .exhausted = n == ROOT && supervision_of(tree, n)->exhausted};
    if ((c->act & WARDI_DO_REMOVE) != 0) give_node(tree, n);
    return true;
}

static void look_supervisor(const wardi_tree *t, uint32_t n, wardi_node_view *view)
{
    const supervision *s = supervision_of(t, n);
    memcpy(view->children, s->below, sizeof view->children);
    view->failures = wardi_window_count(&s->failures, s->policy.intensity.window_ns, t->now_ns);
    view->exhausted = s->exhausted;
}

bool wardi_tree_look(const wardi_tree *tree, wardi_node_id id, wardi_node_view *ret_view)
{
    uint32_t n = tree_find(tree, id);
    if (n == NOBODY) return false;
    const node *c = &tree->nodes[n];
    *ret_view =
        (wardi_node_view){.is_supervisor = is_supervisor(tree, n),
                          .state = c->state,
                          .then = c->then,
                          .parent = id_of(tree, c->parent),
                          .tag = c->tag,
                          .run = c->run,
                          .cause = c->cause,
                          .in_window = wardi_window_count(
                              &c->restarts, policy_of(tree, n)->intensity.window_ns, tree->now_ns),
                          .unmet = c->unmet,
                          .due_ns = c->timer != 0 ? c->due_ns : WARDI_FOREVER,
                          .by_operator = (c->flags & BY_OPERATOR) != 0};
    memcpy(ret_view->restarts_by_cause, c->by_cause, sizeof c->by_cause);
    if (ret_view->is_supervisor) look_supervisor(tree, n, ret_view);
    return true;
}
