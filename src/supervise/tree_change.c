/* Changes of what is in the tree already: what a child needs, and what a supervisor is. */
#include "supervise/tree_priv.h"

/* ---- needs ---- */

static ward_error check_needs(const wardi_tree *t, const wardi_node_id *needs, size_t count,
                              ward_diag *ret_diag)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t need = tree_find(t, needs[i]);
        if (need == NOBODY || is_supervisor(t, need))
            return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT, "only a child can be needed");
    }
    return WARD_OK;
}

/* The new ones before the old ones go: what is in both is never without a dependent. New edges are
 * put at the front, so that the old ones are all from `old` on. */
static void exchange(wardi_tree *t, uint32_t n, const wardi_node_id *needs, size_t count)
{
    uint32_t old = t->nodes[n].first_need;
    for (size_t i = 0; i < count; i++) tree_edge_put(t, n, needs[i].index);
    while (old != NOBODY) {
        uint32_t next = t->edges[old].next_need;
        tree_edge_drop(t, old);
        old = next;
    }
}

ward_error wardi_tree_needs_set(wardi_tree *tree, wardi_node_id child, const wardi_node_id *needs,
                                size_t count, uint64_t now_ns, ward_diag *ret_diag)
{
    uint32_t n = tree_find(tree, child);
    if (n == NOBODY || is_supervisor(tree, n))
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT, "only a child can need another");
    ward_error error = check_needs(tree, needs, count, ret_diag);
    if (error != WARD_OK) return error;
    if (!tree_edges_reserve(tree, count))
        return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory for the tree");
    tree_set_now(tree, now_ns);
    exchange(tree, n, needs, count);
    const node *c = &tree->nodes[n];
    if (c->state == WARDI_NODE_QUEUED && c->unmet != 0)
        tree_child_event(tree, n, WARDI_TREE_UNMET, WARD_CAUSE_NONE);
    if (c->state == WARDI_NODE_WAITING && c->unmet == 0) tree_settle_push(tree, n);
    tree_run(tree);
    return WARD_OK;
}

/* Each node is put on the stack once. */
static bool walk_to(const wardi_tree *t, uint32_t *stack, size_t depth, uint8_t *seen, uint32_t to)
{
    while (depth > 0) {
        uint32_t n = stack[--depth];
        if (n == to) return true;
        for (uint32_t e = t->nodes[n].first_need; e != NOBODY; e = t->edges[e].next_need) {
            uint32_t need = t->edges[e].need;
            if (seen[need]) continue;
            seen[need] = 1;
            stack[depth++] = need;
        }
    }
    return false;
}

ward_error wardi_tree_reaches(const wardi_tree *tree, const wardi_node_id *from, size_t count,
                              wardi_node_id to, bool *ret_reaches)
{
    uint32_t *stack = wardi_alloc_array(tree->node_count, sizeof *stack);
    uint8_t *seen = wardi_alloc_array(tree->node_count, sizeof *seen);
    size_t depth = 0;
    bool made = stack != NULL && seen != NULL;
    for (size_t i = 0; made && i < count; i++) {
        uint32_t n = tree_find(tree, from[i]);
        if (n == NOBODY || seen[n]) continue;
        seen[n] = 1;
        stack[depth++] = n;
    }
    if (made) *ret_reaches = walk_to(tree, stack, depth, seen, tree_find(tree, to));
    wardi_free(stack);
    wardi_free(seen);
    return made ? WARD_OK : WARD_ERROR_NO_MEMORY;
}

/* ---- supervisors ---- */

ward_error wardi_tree_supervision_set(wardi_tree *tree, wardi_node_id id,
                                      const wardi_supervision *now, uint32_t policy,
                                      ward_diag *ret_diag)
{
    uint32_t n = tree_find(tree, id);
    if (n == NOBODY || !is_supervisor(tree, n) || policy >= tree->policy_count)
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT, "no such supervisor, or policy");
    ward_error error = tree_supervision_check(now, ret_diag);
    if (error != WARD_OK) return error;
    node *own = &tree->nodes[n];
    supervision *s = supervision_of(tree, n);
    if (tree->policies[policy].intensity.window_ns != policy_of(tree, n)->intensity.window_ns)
        own->restarts = (wardi_window){0};
    if (now->intensity.window_ns != s->policy.intensity.window_ns) s->failures = (wardi_window){0};
    own->policy = policy;
    s->policy.strategy = now->strategy;
    s->policy.intensity = now->intensity;
    return WARD_OK;
}
