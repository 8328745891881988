/* The tree from inside. Index 0 is nobody, 1 the root, so that zeroed links are none. */
#ifndef WARDI_TREE_PRIV_H
#define WARDI_TREE_PRIV_H

#include <assert.h>

#include "supervise/supervise_priv.h"
#include "supervise/tree.h"

enum { NOBODY = 0, ROOT = 1 };

/* ---- the table ---- */

typedef enum cell_kind {
    CELL_UNDEFINED, /* none may be: a test looks */
    CELL_IGNORE,    /* so already, or late news of a run that was let go */
    CELL_GO,        /* to `to`; `then` follows, where it is a state on the way down */
    CELL_THEN,      /* on the way down already: only what follows changes */
    CELL_AFTER,     /* on the way down: what follows decides, by the second table */
    CELL_FOLLOW,    /* down now: to what was to follow */
    CELL_JUDGE,     /* failed or ended: policy decides. `to` HELD: it is down; else how it leaves */
    CELL_REFUSE,    /* with `answer` */
    CELL_BUG,       /* the tree never sends this to a node in this state */
} cell_kind;

enum { THEN_KEEP = WARDI_NODE_STATES };

typedef struct cell {
    uint8_t kind, to, then, answer;
} cell;

/** The whole of what a node does with an event, policy and its surroundings left aside. */
cell child_decide(wardi_node_state state, wardi_node_state then, wardi_node_event_kind event);
cell supervisor_decide(wardi_node_state state, wardi_node_state then, wardi_node_event_kind event);
/** Has an instance: STARTING to KILLING. Is on the way down: LEAVING to KILLING. Is wanted and
 * down. */
bool state_is_up(wardi_node_state state);
bool state_is_leaving(wardi_node_state state);
bool state_is_pending(wardi_node_state state);

/* ---- the value ---- */

enum {
    IN_SETTLE = 1,   /* in the list of nodes to look at again */
    IN_LOST = 2,     /* in the list of nodes whose dependents have to hear of it */
    IN_OUT = 4,      /* in the list of nodes with an action */
    BY_OPERATOR = 8, /* quarantined by an operator: no renewal releases it */
    IN_QUEUE = 16,   /* waits for a start */
    IN_USE = 32,
};

typedef struct node {
    uint64_t due_ns; /* key in the heap of timers */
    uint64_t restart_at_ns;
    uint64_t ready_since_ns; /* when it is Ready */
    uint64_t tag;
    wardi_window restarts;
    uint32_t by_cause[WARD_CAUSE_COUNT];
    uint32_t generation, run, step;
    uint32_t policy;
    uint32_t supervisor; /* index of its supervision; NOBODY: a child */
    uint32_t parent, prev, next;
    uint32_t first_need, first_dependent; /* edges */
    uint32_t unmet;                       /* needs that are not Ready */
    uint32_t leaving_dependents;
    uint32_t timer; /* one more than its place in the heap; 0: no timer */
    uint32_t queue_prev, queue_next, settle_next, lost_next, out_next;
    uint8_t state, then;
    uint8_t from; /* IN_OUT: its state when the event came */
    uint8_t act;  /* IN_OUT: WARDI_DO_* */
    uint8_t cause, depth, flags;
} node;
static_assert(sizeof(node) + sizeof(uint32_t) <= WARDI_TREE_CHILD_BYTES,
              "a child with its place in the heap is as small as the header says");

typedef struct edge {
    uint32_t child, need;
    uint32_t next_need; /* of the child; of a free edge: the next free one */
    uint32_t next_dependent, prev_dependent;
} edge;

/* What a supervisor has beyond a node. */
typedef struct supervision {
    wardi_supervision policy;
    wardi_window failures;
    uint32_t node, first, last;        /* children */
    uint32_t queue_first, queue_last;  /* of its own children, for a start */
    uint32_t ring_prev, ring_next;     /* among those with a start to give; supervisions */
    uint32_t starting;                 /* of its own children */
    uint32_t below[WARDI_NODE_STATES]; /* children at any depth */
    bool in_ring, exhausted;
} supervision;

typedef struct list {
    uint32_t first, last;
} list;

/* Lists are worked off before an event returns; out before the next one comes. */
struct wardi_tree {
    node *nodes;
    edge *edges;
    supervision *supervisions;
    wardi_tree_policy *policies;
    uint32_t *heap; /* node indices; as long as nodes */
    uint32_t node_count, node_capacity, node_free;
    uint32_t edge_count, edge_capacity, edge_free;
    uint32_t supervision_count, supervision_capacity, supervision_free;
    uint32_t policy_count, policy_capacity;
    uint32_t heap_count;
    list settle, lost, out;
    uint32_t ring; /* supervision whose turn it is */
    uint32_t starting, starts_max;
    uint64_t now_ns;
    wardi_rng rng;
};

/* ---- tree.c ---- */

ward_error tree_supervision_check(const wardi_supervision *s, ward_diag *ret_diag);
/** Room for so many needs more; free ones are not counted on. */
bool tree_edges_reserve(wardi_tree *t, size_t count);

/* ---- tree_links.c: relations between nodes ---- */

/** Behind that sibling; NOBODY: the last. */
void tree_child_insert(wardi_tree *t, uint32_t parent, uint32_t behind, uint32_t child);
void tree_child_detach(wardi_tree *t, uint32_t child);
/** Puts a need in; there is room for an edge. */
uint32_t tree_edge_put(wardi_tree *t, uint32_t child, uint32_t need);
void tree_edge_drop(wardi_tree *t, uint32_t edge);
/** Preorder below `top`, without a stack; NOBODY at the end. */
uint32_t tree_walk(const wardi_tree *t, uint32_t top, uint32_t at);
/** The same, past everything below `at`. */
uint32_t tree_walk_past(const wardi_tree *t, uint32_t top, uint32_t at);

/* ---- tree_queue.c: timers, lists, and who starts next ---- */

void tree_timer_set(wardi_tree *t, uint32_t n, uint64_t due_ns);
void tree_timer_clear(wardi_tree *t, uint32_t n);
void tree_settle_push(wardi_tree *t, uint32_t n);
void tree_lost_push(wardi_tree *t, uint32_t n);
void tree_out_push(wardi_tree *t, uint32_t n, wardi_node_state from);
/** Takes the first of a list, or NOBODY. */
uint32_t tree_settle_pop(wardi_tree *t);
uint32_t tree_lost_pop(wardi_tree *t);
uint32_t tree_out_pop(wardi_tree *t);
void tree_queue_enter(wardi_tree *t, uint32_t n);
void tree_queue_leave(wardi_tree *t, uint32_t n);
/** A start of a child of this node's parent begins (+1) or is over (−1). */
void tree_slot_count(wardi_tree *t, uint32_t n, int change);
/** The next child that may start now, its supervisor's turn passed on; NOBODY. */
uint32_t tree_queue_next(wardi_tree *t);

/* ---- tree_apply.c: the one place where a state changes ---- */

void tree_set(wardi_tree *t, uint32_t n, wardi_node_state to);
/** It was Ready up to now: if for long enough, its delay starts over. */
void tree_ready_long(wardi_tree *t, uint32_t n);
/** All above it are RUNNING. */
bool tree_supervisors_run(const wardi_tree *t, uint32_t n);
/** It or one above it is being removed. */
bool tree_is_going(const wardi_tree *t, uint32_t n);
/** Children at any depth that are on the way down. */
uint32_t tree_leaving_below(const supervision *s);

/* ---- tree_decide.c: events ---- */

/** NOBODY: stale. */
uint32_t tree_find(const wardi_tree *t, wardi_node_id id);
void tree_set_now(wardi_tree *t, uint64_t now_ns);
wardi_tree_answer tree_child_event(wardi_tree *t, uint32_t n, wardi_node_event_kind kind,
                                   ward_cause cause);
/** What follows of it, until nothing more does. */
void tree_run(wardi_tree *t);

/* ---- tree_group.c: strategies, supervisors, escalation ---- */

wardi_tree_answer tree_supervisor_event(wardi_tree *t, uint32_t n, wardi_node_event_kind kind,
                                        ward_cause cause);
/** By somebody who is not below `top`, and stays. */
bool tree_is_needed(const wardi_tree *t, uint32_t n, uint32_t top);
/** `n`, down or leaving, takes along whom its supervisor's strategy says; they start again at the
 * node's restart_at_ns, or later. */
void tree_regroup(wardi_tree *t, uint32_t n);
/** A child of `parent` is quarantined for its failures. */
void tree_escalate(wardi_tree *t, uint32_t parent);

static inline const wardi_tree_policy *policy_of(const wardi_tree *t, uint32_t n)
{
    return &t->policies[t->nodes[n].policy];
}
static inline supervision *supervision_of(const wardi_tree *t, uint32_t n)
{
    return &t->supervisions[t->nodes[n].supervisor];
}
static inline bool is_supervisor(const wardi_tree *t, uint32_t n)
{
    return t->nodes[n].supervisor != NOBODY;
}

#endif
