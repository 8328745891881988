/* Every cell of the tables, and every cell as a real tree lives it. */
#include "kit.h"

/* The tree as a picture, one letter a cell: the shortest full description of what each state does
 * with each event, written by hand and not taken from the tables.
 *   .  ignored        -  unexpected     ~  never sent by the tree     j  judged by policy
 *   f  follows        x  refused: in quarantine   n  not in quarantine   z  being removed
 *   lower-case state letters: goes there. i idle, h held, w waiting, q queued, s starting,
 *   r running, y ready, t stopping, k killing, e ended, u quarantined, d removed
 *   upper case I H U D E: leaves, and goes there then; digits below for what is leaving already */
static const char *const picture[WARDI_NODE_STATES] = {
    /*                          reports   asks   TSNRGMUSCN */
    [WARDI_NODE_IDLE] = "........."
                        "h.hund"
                        "~...~~.~~~",
    [WARDI_NODE_HELD] = "........."
                        ".i.und"
                        "~...w~.~~~",
    [WARDI_NODE_WAITING] = "........."
                           ".i.und"
                           "~hhh~q.~~~",
    [WARDI_NODE_QUEUED] = "........."
                          ".i.und"
                          "~hhh~~ws~~",
    [WARDI_NODE_BACKOFF] = "........."
                           "hihund"
                           "hhhe~~.~~~",
    [WARDI_NODE_STARTING] = "rj-.jjjj-"
                            ".IHUnD"
                            "jHHE~~.~~~",
    [WARDI_NODE_RUNNING] = "--y.jjjj-"
                           ".IHUnD"
                           "~HHE~~.~~~",
    [WARDI_NODE_READY] = "--.rjjjj-"
                         ".IHUnD"
                         "~HHE~~.~~~",
    [WARDI_NODE_LEAVING] = ".f..fftk-"
                           "aaaaaa"
                           "~aaa~~.~tk",
    [WARDI_NODE_STOPPING] = ".f..ff.kf"
                            "aaaaaa"
                            "kaaa~~.~~~",
    [WARDI_NODE_KILLING] = ".f..ff..f"
                           "aaaaaa"
                           "faaa~~.~~~",
    [WARDI_NODE_ENDED] = "........."
                         "hihund"
                         "~hh.~~.~~~",
    [WARDI_NODE_QUARANTINED] = "........."
                               "x.xuhd"
                               "~.h.~~.~~~",
    [WARDI_NODE_REMOVED] = "........."
                           "zzzzz."
                           "~...~~.~~~",
};
/* By what follows: START STOP RESTART QUARANTINE RELEASE REMOVE, SWEEP RENEW RETIRE. */
static const char *const after[WARDI_NODE_STATES] = {
    [WARDI_NODE_HELD] = ".i.und"
                        "..e",
    [WARDI_NODE_BACKOFF] = "hihund"
                           "hhe",
    [WARDI_NODE_IDLE] = "h.hund"
                        "...",
    [WARDI_NODE_ENDED] = "hihund"
                         "hh.",
    [WARDI_NODE_QUARANTINED] = "x.xuhd"
                               ".h.",
    [WARDI_NODE_REMOVED] = "zzzzz."
                           "...",
};

static const char letters[WARDI_NODE_STATES + 1] = "ihwqbsrylTkeud";

static char letter_of(cell c)
{
    switch ((cell_kind)c.kind) {
    case CELL_IGNORE: return '.';
    case CELL_GO:
        if (c.to == WARDI_NODE_LEAVING) return (char)(letters[c.then] - 'a' + 'A');
        return c.to == WARDI_NODE_STOPPING ? 't' : letters[c.to];
    case CELL_THEN: return letters[c.then];
    case CELL_FOLLOW: return 'f';
    case CELL_JUDGE: return 'j';
    case CELL_REFUSE:
        return c.answer == WARDI_TREE_UNEXPECTED        ? '-'
               : c.answer == WARDI_TREE_IS_QUARANTINED  ? 'x'
               : c.answer == WARDI_TREE_NOT_QUARANTINED ? 'n'
               : c.answer == WARDI_TREE_IS_REMOVED      ? 'z'
                                                        : '#';
    case CELL_BUG: return '~';
    case CELL_UNDEFINED:
    case CELL_AFTER: return '#';
    }
    return '#';
}

static void test_children(void **state)
{
    (void)state;
    for (int s = 0; s < WARDI_NODE_STATES; s++) {
        assert_int_equal(strlen(picture[s]), WARDI_TREE_EVENTS);
        for (int e = 0; e < WARDI_TREE_EVENTS; e++) {
            if (picture[s][e] == 'a') continue;
            char got = letter_of(
                child_decide((wardi_node_state)s, WARDI_NODE_HELD, (wardi_node_event_kind)e));
            if (got != picture[s][e])
                fail_msg("%s, event %d: %c, not %c", wardi_node_state_name((wardi_node_state)s), e,
                         got, picture[s][e]);
        }
    }
}

static void test_children_that_leave(void **state)
{
    (void)state;
    static const int events[] = {
        WARDI_TREE_ASK_START,      WARDI_TREE_ASK_STOP,    WARDI_TREE_ASK_RESTART,
        WARDI_TREE_ASK_QUARANTINE, WARDI_TREE_ASK_RELEASE, WARDI_TREE_ASK_REMOVE,
        WARDI_TREE_SWEEP,          WARDI_TREE_RENEW,       WARDI_TREE_RETIRE};
    int seen = 0;
    for (int s = WARDI_NODE_LEAVING; s <= WARDI_NODE_KILLING; s++)
        for (int then = 0; then < WARDI_NODE_STATES; then++)
            for (size_t e = 0; e < WARD_COUNT(events); e++) {
                cell c = child_decide((wardi_node_state)s, (wardi_node_state)then,
                                      (wardi_node_event_kind)events[e]);
                assert_int_equal(letter_of(c), after[then] != NULL ? after[then][e] : '#');
                seen++;
            }
    assert_int_equal(seen, 3 * 14 * 9);
}

/* How each judged event leaves: dead at once, by a stop, by a kill. */
static void test_judged(void **state)
{
    (void)state;
    for (int s = WARDI_NODE_STARTING; s <= WARDI_NODE_READY; s++) {
        wardi_node_state at = (wardi_node_state)s;
        assert_int_equal(child_decide(at, 0, WARDI_TREE_EXITED).to, WARDI_NODE_HELD);
        assert_int_equal(child_decide(at, 0, WARDI_TREE_DIED).to, WARDI_NODE_HELD);
        assert_int_equal(child_decide(at, 0, WARDI_TREE_ILL).to, WARDI_NODE_STOPPING);
        assert_int_equal(child_decide(at, 0, WARDI_TREE_HUNG).to, WARDI_NODE_KILLING);
    }
    assert_int_equal(child_decide(WARDI_NODE_STARTING, 0, WARDI_TREE_TIMER).to, WARDI_NODE_KILLING);
    assert_int_equal(child_decide(WARDI_NODE_STARTING, 0, WARDI_TREE_START_FAILED).to,
                     WARDI_NODE_HELD);
}

static const char *const supervisor_picture[WARDI_NODE_STATES] = {
    /*                      asks   TSNC */
    [WARDI_NODE_IDLE] = "r.runD"
                        "~..~",
    [WARDI_NODE_RUNNING] = ".IRUnD"
                           "~R.~",
    [WARDI_NODE_BACKOFF] = "rIRUnD"
                           "rR.~",
    [WARDI_NODE_LEAVING] = "aaaaaa"
                           "~aaf",
    [WARDI_NODE_QUARANTINED] = "x.xurD"
                               "~.r~",
    [WARDI_NODE_REMOVED] = "zzzzz."
                           "#..#",
};
static const char *const supervisor_after[WARDI_NODE_STATES] = {
    [WARDI_NODE_RUNNING] = ".irund"
                           "r.",
    [WARDI_NODE_IDLE] = "r.rund"
                        "..",
    [WARDI_NODE_QUARANTINED] = "x.xurd"
                               ".r",
    [WARDI_NODE_REMOVED] = "zzzzz."
                           "..",
};
static const int supervisor_events[] = {WARDI_TREE_ASK_START,   WARDI_TREE_ASK_STOP,
                                        WARDI_TREE_ASK_RESTART, WARDI_TREE_ASK_QUARANTINE,
                                        WARDI_TREE_ASK_RELEASE, WARDI_TREE_ASK_REMOVE,
                                        WARDI_TREE_TIMER,       WARDI_TREE_SWEEP,
                                        WARDI_TREE_RENEW,       WARDI_TREE_CLEAR};

static void test_supervisors(void **state)
{
    (void)state;
    for (int s = 0; s < WARDI_NODE_STATES; s++)
        for (size_t e = 0; e < WARD_COUNT(supervisor_events); e++) {
            wardi_node_event_kind event = (wardi_node_event_kind)supervisor_events[e];
            if (supervisor_picture[s] == NULL) {
                cell none = supervisor_decide((wardi_node_state)s, 0, event);
                assert_int_equal(none.kind, CELL_UNDEFINED);
            } else if (supervisor_picture[s][e] != 'a') {
                cell c = supervisor_decide((wardi_node_state)s, WARDI_NODE_RUNNING, event);
                assert_int_equal(letter_of(c), supervisor_picture[s][e]);
            }
        }
    static const size_t places[] = {0, 1, 2, 3, 4, 5, 7, 8};
    for (int then = 0; then < WARDI_NODE_STATES; then++)
        for (size_t i = 0; i < WARD_COUNT(places); i++) {
            cell c = supervisor_decide(WARDI_NODE_LEAVING, (wardi_node_state)then,
                                       (wardi_node_event_kind)supervisor_events[places[i]]);
            assert_int_equal(letter_of(c),
                             supervisor_after[then] != NULL ? supervisor_after[then][i] : '#');
        }
}

/* ---- the same, lived: a child is brought to each state, and told each event of host's ---- */

enum { CHILD = 1, NEED = 2, DEPENDENT = 3 };

/* The child needs NEED, and DEPENDENT needs the child. One start at a time. */
static kit bring_to(wardi_node_state to)
{
    kit k = kit_new(WARDI_ONE_FOR_ONE, 100);
    k.tree->starts_max = 1;
    kit_child(&k, 0);
    kit_child(&k, 0);
    k.policy.shutdown = WARDI_SHUTDOWN_INFINITE;
    kit_needs(&k, 0, CHILD);
    if (to == WARDI_NODE_HELD) return k;
    wardi_tree_edge link = {.child = k.ids[CHILD], .need = k.ids[NEED]};
    assert_int_equal(wardi_tree_link(k.tree, &link, 1, NULL, 0, NULL, NULL), WARD_OK);
    kit_ok(&k, 0, ASK_START);
    if (to == WARDI_NODE_WAITING) return k;
    kit_ok(&k, NEED, STARTED);
    uint32_t other = kit_child(&k, 0); /* takes the only start */
    kit_ok(&k, NEED, READY);
    if (to == WARDI_NODE_QUEUED) return k;
    kit_up(&k, other);
    if (to == WARDI_NODE_STARTING) return k;
    kit_ok(&k, CHILD, STARTED);
    if (to == WARDI_NODE_RUNNING) return k;
    kit_ok(&k, CHILD, READY);
    if (to == WARDI_NODE_READY) return k;
    k.tree->policies[k.tree->nodes[k.ids[CHILD].index].policy].pace =
        (wardi_pace){.shape = WARDI_PACE_FIXED, .initial_ns = WARDI_S, .max_ns = WARDI_S};
    if (to == WARDI_NODE_BACKOFF) kit_ok(&k, CHILD, DIED);
    if (to == WARDI_NODE_IDLE || to == WARDI_NODE_QUARANTINED) kit_ok(&k, CHILD, DIED);
    if (to == WARDI_NODE_IDLE) kit_ok(&k, CHILD, ASK_STOP);
    if (to == WARDI_NODE_QUARANTINED) kit_ok(&k, CHILD, ASK_QUARANTINE);
    if (to == WARDI_NODE_ENDED) {
        k.tree->policies[k.tree->nodes[k.ids[CHILD].index].policy].restart = WARD_RESTART_TEMPORARY;
        kit_ok(&k, CHILD, DIED);
    }
    if (to == WARDI_NODE_LEAVING) {
        kit_up(&k, DEPENDENT);
        kit_ok(&k, DEPENDENT, ASK_STOP);
        kit_ok(&k, CHILD, ASK_STOP);
    }
    if (to == WARDI_NODE_STOPPING) kit_ok(&k, CHILD, ILL);
    if (to == WARDI_NODE_KILLING) kit_ok(&k, CHILD, HUNG);
    return k;
}

/* Whatever it was told, it can be brought back to serve. */
static void recover(kit *k)
{
    kit_ok(k, 0, ASK_START);
    for (uint32_t n = 1; n < k->count; n++) {
        kit_tell(k, n, WARDI_TREE_ASK_RELEASE);
        kit_ok(k, n, ASK_START);
    }
    for (int round = 0; round < 4; round++)
        for (uint32_t n = 1; n < k->count; n++) {
            wardi_node_state at = kit_state(k, n);
            if (at == WARDI_NODE_STARTING) kit_ok(k, n, STARTED);
            if (at == WARDI_NODE_STARTING || at == WARDI_NODE_RUNNING) kit_ok(k, n, READY);
            if (at == WARDI_NODE_STOPPING || at == WARDI_NODE_KILLING) kit_ok(k, n, STOPPED);
        }
}

static void test_lived(void **state)
{
    (void)state;
    for (int s = 0; s < WARDI_NODE_REMOVED; s++)
        for (int e = 0; e < WARDI_TREE_EVENTS_OF_HOST; e++) {
            kit k = bring_to((wardi_node_state)s);
            assert_string_equal(wardi_node_state_name(kit_state(&k, CHILD)),
                                wardi_node_state_name((wardi_node_state)s));
            wardi_node_event_kind event = (wardi_node_event_kind)e;
            wardi_node_view before = kit_view(&k, CHILD);
            cell c = child_decide(before.state, before.then, event);
            bool refused = c.kind == CELL_REFUSE;
            wardi_tree_answer want = refused ? c.answer : WARDI_TREE_OK;
            bool needed = event == WARDI_TREE_ASK_REMOVE;
            assert_int_equal(kit_tell(&k, CHILD, event), needed ? WARDI_TREE_IS_NEEDED : want);
            if (refused || needed || c.kind == CELL_IGNORE)
                assert_int_equal(kit_state(&k, CHILD), before.state);
            recover(&k);
            kit_is(&k, CHILD, READY);
            kit_free(&k);
        }
}

static void test_names(void **state)
{
    (void)state;
    for (int s = 0; s < WARDI_NODE_STATES; s++)
        assert_string_not_equal(wardi_node_state_name((wardi_node_state)s), "unknown");
    assert_string_equal(wardi_node_state_name((wardi_node_state)WARDI_NODE_STATES), "unknown");
    for (int a = 0; a < WARDI_TREE_ANSWERS; a++)
        assert_string_not_equal(wardi_tree_answer_text((wardi_tree_answer)a), "unknown");
    assert_string_equal(wardi_tree_answer_text((wardi_tree_answer)WARDI_TREE_ANSWERS), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_children), cmocka_unit_test(test_children_that_leave),
        cmocka_unit_test(test_judged),   cmocka_unit_test(test_supervisors),
        cmocka_unit_test(test_lived),    cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
