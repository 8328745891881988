/* What a node does with an event: two tables for children, two for supervisors. The first is asked
 * by state; where a node is on the way down already, the second is asked by what follows.
 *
 * To quarantine what the tree has quarantined is a step, though its state stays: from then on the
 * quarantine is the operator's, and no renewal ends it. */
#include "supervise/tree_priv.h"

static_assert(WARDI_NODE_REMOVED + 1 == WARDI_NODE_STATES, "one row a state");
static_assert(WARDI_TREE_CLEAR_NOW + 1 == WARDI_TREE_EVENTS, "one column an event");
static_assert(WARDI_TREE_NOT_A_CHILD + 1 == WARDI_TREE_ANSWERS, "one text an answer");

/* clang-format off */
#define E(event) [WARDI_TREE_##event]
#define S(state) [WARDI_NODE_##state]
#define IGNORE {.kind = CELL_IGNORE}
#define GO(state) {.kind = CELL_GO, .to = WARDI_NODE_##state, .then = THEN_KEEP}
#define LEAVE(state) {.kind = CELL_GO, .to = WARDI_NODE_LEAVING, .then = WARDI_NODE_##state}
#define THEN(state) {.kind = CELL_THEN, .then = WARDI_NODE_##state}
#define AFTER {.kind = CELL_AFTER}
#define FOLLOW {.kind = CELL_FOLLOW}
#define JUDGE(state) {.kind = CELL_JUDGE, .to = WARDI_NODE_##state}
#define REFUSE(why) {.kind = CELL_REFUSE, .answer = WARDI_TREE_##why}
#define UNEXPECTED REFUSE(UNEXPECTED)
#define BUG {.kind = CELL_BUG}

/* It is down: what host still reports is of a run that was let go. */
#define LATE_NEWS                                                                                  \
    E(STARTED) = IGNORE, E(START_FAILED) = IGNORE, E(READY) = IGNORE, E(UNREADY) = IGNORE,         \
    E(EXITED) = IGNORE, E(DIED) = IGNORE, E(ILL) = IGNORE, E(HUNG) = IGNORE, E(STOPPED) = IGNORE
/* Events of the tree that are sent in one state each; that row names its own. */
#define NO_TIMER E(TIMER) = BUG
#define NO_GO E(GO) = BUG
#define NO_MET E(MET) = BUG
#define NO_QUEUE E(UNMET) = IGNORE, E(SLOT) = BUG
#define NO_CLEAR E(CLEAR) = BUG, E(CLEAR_NOW) = BUG
#define NOTHING_INSIDE NO_GO, NO_MET, NO_QUEUE, NO_CLEAR
/* It runs: an operator or the tree makes it leave. */
#define MADE_TO_LEAVE                                                                              \
    E(ASK_START) = IGNORE, E(ASK_STOP) = LEAVE(IDLE), E(ASK_RESTART) = LEAVE(HELD),                \
    E(ASK_QUARANTINE) = LEAVE(QUARANTINED), E(ASK_RELEASE) = REFUSE(NOT_QUARANTINED),              \
    E(ASK_REMOVE) = LEAVE(REMOVED),                                                                \
    E(SWEEP) = LEAVE(HELD), E(RENEW) = LEAVE(HELD), E(RETIRE) = LEAVE(ENDED)
/* It is wanted and down. ASK_RESTART asks for no more than is under way. */
#define NOT_YET(start, swept)                                                                      \
    E(ASK_START) = start, E(ASK_STOP) = GO(IDLE), E(ASK_RESTART) = start,                          \
    E(ASK_QUARANTINE) = GO(QUARANTINED), E(ASK_RELEASE) = REFUSE(NOT_QUARANTINED),                 \
    E(ASK_REMOVE) = GO(REMOVED), E(SWEEP) = swept, E(RENEW) = swept
/* It leaves already: the second table. */
#define LEAVES_ALREADY                                                                             \
    E(ASK_START) = AFTER, E(ASK_STOP) = AFTER, E(ASK_RESTART) = AFTER,                             \
    E(ASK_QUARANTINE) = AFTER, E(ASK_RELEASE) = AFTER, E(ASK_REMOVE) = AFTER,                      \
    E(SWEEP) = AFTER, E(RENEW) = AFTER, E(RETIRE) = AFTER
/* It was told to go: whatever end it comes to is the end that was asked for. */
#define GONE                                                                                       \
    E(STARTED) = IGNORE, E(READY) = IGNORE, E(UNREADY) = IGNORE,                                   \
    E(START_FAILED) = FOLLOW, E(EXITED) = FOLLOW, E(DIED) = FOLLOW

static const cell child_cells[WARDI_NODE_STATES][WARDI_TREE_EVENTS] = {
    S(IDLE) = {LATE_NEWS, NO_TIMER, NOTHING_INSIDE,
        E(ASK_START) = GO(HELD), E(ASK_STOP) = IGNORE, E(ASK_RESTART) = GO(HELD),
        E(ASK_QUARANTINE) = GO(QUARANTINED), E(ASK_RELEASE) = REFUSE(NOT_QUARANTINED),
        E(ASK_REMOVE) = GO(REMOVED),
        E(SWEEP) = IGNORE, E(RENEW) = IGNORE, E(RETIRE) = IGNORE},
    S(HELD) = {LATE_NEWS, NO_TIMER, NO_MET, NO_QUEUE, NO_CLEAR, NOT_YET(IGNORE, IGNORE),
        E(RETIRE) = IGNORE, E(GO) = GO(WAITING)},
    S(WAITING) = {LATE_NEWS, NO_TIMER, NO_GO, NO_QUEUE, NO_CLEAR, NOT_YET(IGNORE, GO(HELD)),
        E(RETIRE) = GO(HELD), E(MET) = GO(QUEUED)},
    S(QUEUED) = {LATE_NEWS, NO_TIMER, NO_GO, NO_MET, NO_CLEAR, NOT_YET(IGNORE, GO(HELD)),
        E(RETIRE) = GO(HELD), E(UNMET) = GO(WAITING), E(SLOT) = GO(STARTING)},
    S(BACKOFF) = {LATE_NEWS, NOTHING_INSIDE, NOT_YET(GO(HELD), GO(HELD)),
        E(RETIRE) = GO(ENDED), E(TIMER) = GO(HELD)},
    S(STARTING) = {MADE_TO_LEAVE, NOTHING_INSIDE,
        E(STARTED) = GO(RUNNING), E(READY) = UNEXPECTED, E(UNREADY) = IGNORE,
        E(START_FAILED) = JUDGE(HELD), E(EXITED) = JUDGE(HELD), E(DIED) = JUDGE(HELD),
        E(ILL) = JUDGE(STOPPING), E(HUNG) = JUDGE(KILLING), E(STOPPED) = UNEXPECTED,
        E(TIMER) = JUDGE(KILLING)},
    S(RUNNING) = {MADE_TO_LEAVE, NOTHING_INSIDE, NO_TIMER,
        E(STARTED) = UNEXPECTED, E(START_FAILED) = UNEXPECTED,
        E(READY) = GO(READY), E(UNREADY) = IGNORE, E(EXITED) = JUDGE(HELD), E(DIED) = JUDGE(HELD),
        E(ILL) = JUDGE(STOPPING), E(HUNG) = JUDGE(KILLING), E(STOPPED) = UNEXPECTED},
    S(READY) = {MADE_TO_LEAVE, NOTHING_INSIDE, NO_TIMER,
        E(STARTED) = UNEXPECTED, E(START_FAILED) = UNEXPECTED,
        E(READY) = IGNORE, E(UNREADY) = GO(RUNNING), E(EXITED) = JUDGE(HELD), E(DIED) = JUDGE(HELD),
        E(ILL) = JUDGE(STOPPING), E(HUNG) = JUDGE(KILLING), E(STOPPED) = UNEXPECTED},
    /* Nobody has asked it to stop yet. What is ill or hangs serves no dependent: it waits for none. */
    S(LEAVING) = {GONE, LEAVES_ALREADY, NO_TIMER, NO_GO, NO_MET, NO_QUEUE,
        E(ILL) = GO(STOPPING), E(HUNG) = GO(KILLING), E(STOPPED) = UNEXPECTED,
        E(CLEAR) = GO(STOPPING), E(CLEAR_NOW) = GO(KILLING)},
    S(STOPPING) = {GONE, LEAVES_ALREADY, NOTHING_INSIDE,
        E(ILL) = IGNORE, E(HUNG) = GO(KILLING), E(STOPPED) = FOLLOW, E(TIMER) = GO(KILLING)},
    S(KILLING) = {GONE, LEAVES_ALREADY, NOTHING_INSIDE,
        E(ILL) = IGNORE, E(HUNG) = IGNORE, E(STOPPED) = FOLLOW, E(TIMER) = FOLLOW},
    /* A group that starts again starts what had ended well too: its work may have to be done again. */
    S(ENDED) = {LATE_NEWS, NO_TIMER, NOTHING_INSIDE,
        E(ASK_START) = GO(HELD), E(ASK_STOP) = GO(IDLE), E(ASK_RESTART) = GO(HELD),
        E(ASK_QUARANTINE) = GO(QUARANTINED), E(ASK_RELEASE) = REFUSE(NOT_QUARANTINED),
        E(ASK_REMOVE) = GO(REMOVED),
        E(SWEEP) = GO(HELD), E(RENEW) = GO(HELD), E(RETIRE) = IGNORE},
    S(QUARANTINED) = {LATE_NEWS, NO_TIMER, NOTHING_INSIDE,
        E(ASK_START) = REFUSE(IS_QUARANTINED), E(ASK_STOP) = IGNORE,
        E(ASK_RESTART) = REFUSE(IS_QUARANTINED), E(ASK_QUARANTINE) = GO(QUARANTINED),
        E(ASK_RELEASE) = GO(HELD), E(ASK_REMOVE) = GO(REMOVED),
        E(SWEEP) = IGNORE, E(RENEW) = GO(HELD), E(RETIRE) = IGNORE},
    S(REMOVED) = {LATE_NEWS, NO_TIMER, NOTHING_INSIDE,
        E(ASK_START) = REFUSE(IS_REMOVED), E(ASK_STOP) = REFUSE(IS_REMOVED),
        E(ASK_RESTART) = REFUSE(IS_REMOVED), E(ASK_QUARANTINE) = REFUSE(IS_REMOVED),
        E(ASK_RELEASE) = REFUSE(IS_REMOVED), E(ASK_REMOVE) = IGNORE,
        E(SWEEP) = IGNORE, E(RENEW) = IGNORE, E(RETIRE) = IGNORE},
};

#define TO_BE_REMOVED                                                                              \
    {E(ASK_START) = REFUSE(IS_REMOVED), E(ASK_STOP) = REFUSE(IS_REMOVED),                          \
     E(ASK_RESTART) = REFUSE(IS_REMOVED), E(ASK_QUARANTINE) = REFUSE(IS_REMOVED),                  \
     E(ASK_RELEASE) = REFUSE(IS_REMOVED), E(ASK_REMOVE) = IGNORE,                                  \
     E(SWEEP) = IGNORE, E(RENEW) = IGNORE, E(RETIRE) = IGNORE}
#define NOT_IN_QUARANTINE                                                                          \
    E(ASK_QUARANTINE) = THEN(QUARANTINED), E(ASK_RELEASE) = REFUSE(NOT_QUARANTINED),               \
    E(ASK_REMOVE) = THEN(REMOVED)

static const cell child_after[WARDI_NODE_STATES][WARDI_TREE_EVENTS] = {
    S(HELD) = {NOT_IN_QUARANTINE,
        E(ASK_START) = IGNORE, E(ASK_STOP) = THEN(IDLE), E(ASK_RESTART) = IGNORE,
        E(SWEEP) = IGNORE, E(RENEW) = IGNORE, E(RETIRE) = THEN(ENDED)},
    S(BACKOFF) = {NOT_IN_QUARANTINE,
        E(ASK_START) = THEN(HELD), E(ASK_STOP) = THEN(IDLE), E(ASK_RESTART) = THEN(HELD),
        E(SWEEP) = THEN(HELD), E(RENEW) = THEN(HELD), E(RETIRE) = THEN(ENDED)},
    S(IDLE) = {NOT_IN_QUARANTINE,
        E(ASK_START) = THEN(HELD), E(ASK_STOP) = IGNORE, E(ASK_RESTART) = THEN(HELD),
        E(SWEEP) = IGNORE, E(RENEW) = IGNORE, E(RETIRE) = IGNORE},
    S(ENDED) = {NOT_IN_QUARANTINE,
        E(ASK_START) = THEN(HELD), E(ASK_STOP) = THEN(IDLE), E(ASK_RESTART) = THEN(HELD),
        E(SWEEP) = THEN(HELD), E(RENEW) = THEN(HELD), E(RETIRE) = IGNORE},
    S(QUARANTINED) = {
        E(ASK_START) = REFUSE(IS_QUARANTINED), E(ASK_STOP) = IGNORE,
        E(ASK_RESTART) = REFUSE(IS_QUARANTINED), E(ASK_QUARANTINE) = THEN(QUARANTINED),
        E(ASK_RELEASE) = THEN(HELD), E(ASK_REMOVE) = THEN(REMOVED),
        E(SWEEP) = IGNORE, E(RENEW) = THEN(HELD), E(RETIRE) = IGNORE},
    S(REMOVED) = TO_BE_REMOVED,
};

/* Supervisors. SWEEP: its children, or some of them, start again together. A restart of those above
 * is none of its own: they hold its children by themselves. */
static const cell supervisor_cells[WARDI_NODE_STATES][WARDI_TREE_EVENTS] = {
    S(IDLE) = {E(TIMER) = BUG, E(CLEAR) = BUG,
        E(ASK_START) = GO(RUNNING), E(ASK_STOP) = IGNORE, E(ASK_RESTART) = GO(RUNNING),
        E(ASK_QUARANTINE) = GO(QUARANTINED), E(ASK_RELEASE) = REFUSE(NOT_QUARANTINED),
        E(ASK_REMOVE) = LEAVE(REMOVED), E(SWEEP) = IGNORE, E(RENEW) = IGNORE},
    S(RUNNING) = {E(TIMER) = BUG, E(CLEAR) = BUG,
        E(ASK_START) = IGNORE, E(ASK_STOP) = LEAVE(IDLE), E(ASK_RESTART) = LEAVE(RUNNING),
        E(ASK_QUARANTINE) = LEAVE(QUARANTINED), E(ASK_RELEASE) = REFUSE(NOT_QUARANTINED),
        E(ASK_REMOVE) = LEAVE(REMOVED), E(SWEEP) = LEAVE(RUNNING), E(RENEW) = IGNORE},
    S(LEAVING) = {E(TIMER) = BUG, E(CLEAR) = FOLLOW,
        E(ASK_START) = AFTER, E(ASK_STOP) = AFTER, E(ASK_RESTART) = AFTER,
        E(ASK_QUARANTINE) = AFTER, E(ASK_RELEASE) = AFTER, E(ASK_REMOVE) = AFTER,
        E(SWEEP) = AFTER, E(RENEW) = AFTER},
    S(BACKOFF) = {E(TIMER) = GO(RUNNING), E(CLEAR) = BUG,
        E(ASK_START) = GO(RUNNING), E(ASK_STOP) = LEAVE(IDLE), E(ASK_RESTART) = LEAVE(RUNNING),
        E(ASK_QUARANTINE) = LEAVE(QUARANTINED), E(ASK_RELEASE) = REFUSE(NOT_QUARANTINED),
        E(ASK_REMOVE) = LEAVE(REMOVED), E(SWEEP) = LEAVE(RUNNING), E(RENEW) = IGNORE},
    S(QUARANTINED) = {E(TIMER) = BUG, E(CLEAR) = BUG,
        E(ASK_START) = REFUSE(IS_QUARANTINED), E(ASK_STOP) = IGNORE,
        E(ASK_RESTART) = REFUSE(IS_QUARANTINED), E(ASK_QUARANTINE) = GO(QUARANTINED),
        E(ASK_RELEASE) = GO(RUNNING), E(ASK_REMOVE) = LEAVE(REMOVED),
        E(SWEEP) = IGNORE, E(RENEW) = GO(RUNNING)},
    S(REMOVED) = TO_BE_REMOVED,
};

static const cell supervisor_after[WARDI_NODE_STATES][WARDI_TREE_EVENTS] = {
    /* A part of its children may be on the way: a restart that is asked for takes all. */
    S(RUNNING) = {NOT_IN_QUARANTINE,
        E(ASK_START) = IGNORE, E(ASK_STOP) = THEN(IDLE), E(ASK_RESTART) = THEN(RUNNING),
        E(SWEEP) = THEN(RUNNING), E(RENEW) = IGNORE},
    S(IDLE) = {NOT_IN_QUARANTINE,
        E(ASK_START) = THEN(RUNNING), E(ASK_STOP) = IGNORE, E(ASK_RESTART) = THEN(RUNNING),
        E(SWEEP) = IGNORE, E(RENEW) = IGNORE},
    S(QUARANTINED) = {
        E(ASK_START) = REFUSE(IS_QUARANTINED), E(ASK_STOP) = IGNORE,
        E(ASK_RESTART) = REFUSE(IS_QUARANTINED), E(ASK_QUARANTINE) = THEN(QUARANTINED),
        E(ASK_RELEASE) = THEN(RUNNING), E(ASK_REMOVE) = THEN(REMOVED),
        E(SWEEP) = IGNORE, E(RENEW) = THEN(RUNNING)},
    S(REMOVED) = TO_BE_REMOVED,
};
/* clang-format on */

cell child_decide(wardi_node_state state, wardi_node_state then, wardi_node_event_kind event)
{
    cell c = child_cells[state][event];
    return c.kind == CELL_AFTER ? child_after[then][event] : c;
}

cell supervisor_decide(wardi_node_state state, wardi_node_state then, wardi_node_event_kind event)
{
    cell c = supervisor_cells[state][event];
    return c.kind == CELL_AFTER ? supervisor_after[then][event] : c;
}

bool state_is_up(wardi_node_state state)
{
    return state >= WARDI_NODE_STARTING && state <= WARDI_NODE_READY;
}

bool state_is_leaving(wardi_node_state state)
{
    return state >= WARDI_NODE_LEAVING && state <= WARDI_NODE_KILLING;
}

bool state_is_pending(wardi_node_state state)
{
    return state >= WARDI_NODE_HELD && state <= WARDI_NODE_BACKOFF;
}

const char *wardi_node_state_name(wardi_node_state state)
{
    static const char *const names[WARDI_NODE_STATES] = {
        S(IDLE) = "idle",       S(HELD) = "held",
        S(WAITING) = "waiting", S(QUEUED) = "queued",
        S(BACKOFF) = "backoff", S(STARTING) = "starting",
        S(RUNNING) = "running", S(READY) = "ready",
        S(LEAVING) = "leaving", S(STOPPING) = "stopping",
        S(KILLING) = "killing", S(ENDED) = "ended",
        S(REMOVED) = "removed", S(QUARANTINED) = "quarantined"};
    return (unsigned)state < WARDI_NODE_STATES ? names[state] : "unknown";
}

const char *wardi_tree_answer_text(wardi_tree_answer answer)
{
    static const char *const texts[WARDI_TREE_ANSWERS] = {
        [WARDI_TREE_OK] = "done",
        [WARDI_TREE_STALE] = "it is no more",
        [WARDI_TREE_UNEXPECTED] = "it is in no state in which that could happen",
        [WARDI_TREE_NOT_QUARANTINED] = "it is not in quarantine",
        [WARDI_TREE_IS_QUARANTINED] = "it is in quarantine: release it first",
        [WARDI_TREE_IS_REMOVED] = "it is being removed",
        [WARDI_TREE_IS_NEEDED] = "others need it: remove them first",
        [WARDI_TREE_IS_ROOT] = "the root can be neither quarantined nor removed",
        [WARDI_TREE_NOT_A_CHILD] = "it is a supervisor, and has no runs",
    };
    return (unsigned)answer < WARDI_TREE_ANSWERS ? texts[answer] : "unknown";
}
