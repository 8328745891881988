/* Relations between nodes: who is whose child, and who needs whom. */
#include "supervise/tree_priv.h"

void tree_child_insert(wardi_tree *t, uint32_t parent, uint32_t behind, uint32_t child)
{
    supervision *s = supervision_of(t, parent);
    node *c = &t->nodes[child];
    c->parent = parent;
    c->prev = behind != NOBODY ? behind : s->last;
    c->next = c->prev != NOBODY ? t->nodes[c->prev].next : NOBODY;
    *(c->prev != NOBODY ? &t->nodes[c->prev].next : &s->first) = child;
    *(c->next != NOBODY ? &t->nodes[c->next].prev : &s->last) = child;
}

void tree_child_detach(wardi_tree *t, uint32_t child)
{
    const node *c = &t->nodes[child];
    supervision *s = supervision_of(t, c->parent);
    if (c->prev != NOBODY)
        t->nodes[c->prev].next = c->next;
    else
        s->first = c->next;
    if (c->next != NOBODY)
        t->nodes[c->next].prev = c->prev;
    else
        s->last = c->prev;
}

uint32_t tree_edge_put(wardi_tree *t, uint32_t child, uint32_t need)
{
    uint32_t e = t->edge_free;
    if (e != NOBODY)
        t->edge_free = t->edges[e].next_need;
    else
        e = t->edge_count++;
    WARD_ASSERT(e < t->edge_capacity);
    node *c = &t->nodes[child], *needed = &t->nodes[need];
    t->edges[e] = (edge){.child = child,
                         .need = need,
                         .next_need = c->first_need,
                         .next_dependent = needed->first_dependent};
    if (needed->first_dependent != NOBODY) t->edges[needed->first_dependent].prev_dependent = e;
    c->first_need = needed->first_dependent = e;
    if (needed->state != WARDI_NODE_READY) c->unmet++;
    if (state_is_leaving(c->state)) needed->leaving_dependents++;
    return e;
}

void tree_edge_drop(wardi_tree *t, uint32_t e)
{
    edge *dropped = &t->edges[e];
    node *c = &t->nodes[dropped->child], *needed = &t->nodes[dropped->need];
    uint32_t *link = &c->first_need;
    while (*link != e) link = &t->edges[*link].next_need;
    *link = dropped->next_need;
    if (dropped->prev_dependent != NOBODY)
        t->edges[dropped->prev_dependent].next_dependent = dropped->next_dependent;
    else
        needed->first_dependent = dropped->next_dependent;
    if (dropped->next_dependent != NOBODY)
        t->edges[dropped->next_dependent].prev_dependent = dropped->prev_dependent;
    if (needed->state != WARDI_NODE_READY) c->unmet--;
    if (state_is_leaving(c->state) && --needed->leaving_dependents == 0 &&
        needed->state == WARDI_NODE_LEAVING)
        tree_settle_push(t, dropped->need);
    *dropped = (edge){.next_need = t->edge_free};
    t->edge_free = e;
}

uint32_t tree_walk_past(const wardi_tree *t, uint32_t top, uint32_t at)
{
    while (at != top) {
        if (t->nodes[at].next != NOBODY) return t->nodes[at].next;
        at = t->nodes[at].parent;
    }
    return NOBODY;
}

uint32_t tree_walk(const wardi_tree *t, uint32_t top, uint32_t at)
{
    if (is_supervisor(t, at)) {
        uint32_t first = t->supervisions[t->nodes[at].supervisor].first;
        if (first != NOBODY) return first;
    }
    return tree_walk_past(t, top, at);
}
