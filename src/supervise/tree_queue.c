/* Timers, the lists that an event works through, and who starts next. */
#include "supervise/tree_priv.h"

/* ---- timers: a heap of indices. base's heap holds pointers, and nodes move when they grow. ----
 */

static void place(wardi_tree *t, uint32_t at, uint32_t n)
{
    t->heap[at] = n;
    t->nodes[n].timer = at + 1;
}

static void sift_up(wardi_tree *t, uint32_t at, uint32_t n)
{
    while (at > 0) {
        uint32_t above = (at - 1) / 2;
        if (t->nodes[t->heap[above]].due_ns <= t->nodes[n].due_ns) break;
        place(t, at, t->heap[above]);
        at = above;
    }
    place(t, at, n);
}

static void sift_down(wardi_tree *t, uint32_t at, uint32_t n)
{
    for (;;) {
        uint32_t below = 2 * at + 1;
        if (below >= t->heap_count) break;
        if (below + 1 < t->heap_count &&
            t->nodes[t->heap[below + 1]].due_ns < t->nodes[t->heap[below]].due_ns)
            below++;
        if (t->nodes[n].due_ns <= t->nodes[t->heap[below]].due_ns) break;
        place(t, at, t->heap[below]);
        at = below;
    }
    place(t, at, n);
}

void tree_timer_clear(wardi_tree *t, uint32_t n)
{
    if (t->nodes[n].timer == 0) return;
    uint32_t at = t->nodes[n].timer - 1;
    WARD_ASSERT(at < t->heap_count && t->heap[at] == n);
    t->nodes[n].timer = 0;
    uint32_t last = t->heap[--t->heap_count];
    if (last == n) return;
    if (at > 0 && t->nodes[last].due_ns < t->nodes[t->heap[(at - 1) / 2]].due_ns)
        sift_up(t, at, last);
    else
        sift_down(t, at, last);
}

void tree_timer_set(wardi_tree *t, uint32_t n, uint64_t due_ns)
{
    tree_timer_clear(t, n);
    t->nodes[n].due_ns = due_ns;
    if (due_ns != WARDI_FOREVER) sift_up(t, t->heap_count++, n);
}

/* ---- lists through the nodes: any number waits without memory ---- */

static uint32_t *settle_link(wardi_tree *t, uint32_t n)
{
    return &t->nodes[n].settle_next;
}
static uint32_t *lost_link(wardi_tree *t, uint32_t n)
{
    return &t->nodes[n].lost_next;
}
static uint32_t *out_link(wardi_tree *t, uint32_t n)
{
    return &t->nodes[n].out_next;
}
typedef uint32_t *link_of(wardi_tree *t, uint32_t n);

static bool push(wardi_tree *t, list *l, link_of *link, uint8_t flag, uint32_t n)
{
    if ((t->nodes[n].flags & flag) != 0) return false;
    t->nodes[n].flags |= flag;
    *link(t, n) = NOBODY;
    if (l->last != NOBODY)
        *link(t, l->last) = n;
    else
        l->first = n;
    l->last = n;
    return true;
}

static uint32_t pop(wardi_tree *t, list *l, link_of *link, uint8_t flag)
{
    uint32_t n = l->first;
    if (n == NOBODY) return NOBODY;
    l->first = *link(t, n);
    if (l->first == NOBODY) l->last = NOBODY;
    t->nodes[n].flags &= (uint8_t)~flag;
    return n;
}

void tree_settle_push(wardi_tree *t, uint32_t n)
{
    push(t, &t->settle, settle_link, IN_SETTLE, n);
}
uint32_t tree_settle_pop(wardi_tree *t)
{
    return pop(t, &t->settle, settle_link, IN_SETTLE);
}
void tree_lost_push(wardi_tree *t, uint32_t n)
{
    push(t, &t->lost, lost_link, IN_LOST, n);
}
uint32_t tree_lost_pop(wardi_tree *t)
{
    return pop(t, &t->lost, lost_link, IN_LOST);
}
void tree_out_push(wardi_tree *t, uint32_t n, wardi_node_state from)
{
    if (!push(t, &t->out, out_link, IN_OUT, n)) return;
    t->nodes[n].from = (uint8_t)from;
    t->nodes[n].act = 0;
}
uint32_t tree_out_pop(wardi_tree *t)
{
    return pop(t, &t->out, out_link, IN_OUT);
}

/* ---- starts: first come first served below one supervisor, supervisors in turn ---- */

static void ring_enter(wardi_tree *t, uint32_t s)
{
    supervision *own = &t->supervisions[s];
    own->in_ring = true;
    if (t->ring == NOBODY) {
        t->ring = own->ring_prev = own->ring_next = s;
        return;
    }
    supervision *head = &t->supervisions[t->ring];
    own->ring_next = t->ring;
    own->ring_prev = head->ring_prev;
    t->supervisions[head->ring_prev].ring_next = s;
    head->ring_prev = s;
}

static void ring_leave(wardi_tree *t, uint32_t s)
{
    supervision *own = &t->supervisions[s];
    own->in_ring = false;
    t->supervisions[own->ring_prev].ring_next = own->ring_next;
    t->supervisions[own->ring_next].ring_prev = own->ring_prev;
    if (t->ring == s) t->ring = own->ring_next != s ? own->ring_next : NOBODY;
}

static void ring_update(wardi_tree *t, uint32_t s)
{
    const supervision *own = &t->supervisions[s];
    bool may = own->queue_first != NOBODY &&
               (own->policy.starts_max == 0 || own->starting < own->policy.starts_max);
    if (may && !own->in_ring) ring_enter(t, s);
    if (!may && own->in_ring) ring_leave(t, s);
}

void tree_queue_enter(wardi_tree *t, uint32_t n)
{
    node *c = &t->nodes[n];
    uint32_t s = t->nodes[c->parent].supervisor;
    supervision *own = &t->supervisions[s];
    c->flags |= IN_QUEUE;
    c->queue_prev = own->queue_last;
    c->queue_next = NOBODY;
    if (own->queue_last != NOBODY)
        t->nodes[own->queue_last].queue_next = n;
    else
        own->queue_first = n;
    own->queue_last = n;
    ring_update(t, s);
}

void tree_queue_leave(wardi_tree *t, uint32_t n)
{
    node *c = &t->nodes[n];
    uint32_t s = t->nodes[c->parent].supervisor;
    supervision *own = &t->supervisions[s];
    c->flags &= (uint8_t)~IN_QUEUE;
    if (c->queue_prev != NOBODY)
        t->nodes[c->queue_prev].queue_next = c->queue_next;
    else
        own->queue_first = c->queue_next;
    if (c->queue_next != NOBODY)
        t->nodes[c->queue_next].queue_prev = c->queue_prev;
    else
        own->queue_last = c->queue_prev;
    ring_update(t, s);
}

void tree_slot_count(wardi_tree *t, uint32_t n, int change)
{
    uint32_t s = t->nodes[t->nodes[n].parent].supervisor;
    t->starting += (uint32_t)change;
    t->supervisions[s].starting += (uint32_t)change;
    ring_update(t, s);
}

uint32_t tree_queue_next(wardi_tree *t)
{
    if (t->ring == NOBODY || (t->starts_max != 0 && t->starting >= t->starts_max)) return NOBODY;
    const supervision *own = &t->supervisions[t->ring];
    t->ring = own->ring_next;
    return own->queue_first;
}
