/* An actor's life: runs, slices, waiting, stop, ids, swapped behaviour; every answer exactly once.
 */
#include <stdlib.h>

#include "support.h"

static sim world;

static void a_waiting_actor_gets_no_user_message(void **state)
{
    (void)state;
    wardi_sched *s = sim_sched(&world, 1, 2);
    noter n;
    noter_init(&n, s, NULL);
    n.next = WARDI_WAITING;
    sent(&n.actor, message(1, WARDI_LANE_USER));
    sent(&n.actor, message(2, WARDI_LANE_USER));
    sent(&n.actor, message(3, WARDI_LANE_USER));
    settle(s);
    assert_int_equal(n.count, 1);
    sent(&n.actor, message(4, WARDI_LANE_SYSTEM));
    settle(s);
    assert_int_equal(n.count, 2);
    assert_int_equal(n.correlation[1], 4);
    n.next = WARDI_READY;
    assert_true(wardi_sched_wake(s, n.actor.id));
    settle(s);
    assert_memory_equal(n.what, "mmwmm", 5);
    assert_int_equal(n.correlation[3], 2);
    assert_int_equal(n.correlation[4], 3);
    assert_int_equal(counts_of(&n.actor).pending, 0);
    wardi_sched_free(s);
}

static void wakes_are_merged_and_kept(void **state)
{
    (void)state;
    wardi_sched *s = sim_sched(&world, 1, 2);
    noter n;
    noter_init(&n, s, NULL);
    for (int i = 0; i < 10; i++) wardi_actor_wake(&n.actor);
    settle(s);
    assert_int_equal(n.count, 1);
    wardi_actor_wake(&n.actor);
    settle(s);
    assert_memory_equal(n.what, "ww", 2);
    wardi_sched_free(s);
}

static void what_is_left_at_the_end_is_told(void **state)
{
    (void)state;
    wardi_sched *s = sim_sched(&world, 1, 2);
    noter n, silent;
    static const wardi_behaviour no_callbacks = {.receive = noter_receive};
    noter_init(&n, s, NULL);
    noter_init(&silent, s, NULL);
    silent.actor.behaviour = &no_callbacks;
    wardi_message *asked[12];
    for (uint64_t i = 0; i < 12; i++) {
        asked[i] = message(i, i % 3 == 0 ? WARDI_LANE_SYSTEM : WARDI_LANE_USER);
        wardi_message_ask_thread(asked[i]);
        sent(i < 6 ? &n.actor : &silent.actor, asked[i]);
    }
    wardi_actor_id id = n.actor.id;
    wardi_actor_stop(&n.actor);
    assert_true(wardi_sched_stop(s, silent.actor.id));
    settle(s);
    assert_int_equal(n.count, 7);
    assert_memory_equal(n.what, "uuuuuue", 7);
    assert_int_equal(n.correlation[0], 0); /* the system lane first */
    assert_int_equal(n.correlation[1], 3);
    for (int i = 0; i < 12; i++) assert_int_equal(answered(s, asked[i]), WARD_ERROR_UNDELIVERED);
    wardi_message *m = message(1, WARDI_LANE_USER);
    assert_int_equal(wardi_sched_send(s, id, m), WARD_ERROR_ACTOR_GONE);
    wardi_message_free(s, m);
    assert_false(wardi_sched_wake(s, id));
    assert_false(wardi_sched_stop(s, id));
    wardi_sched_figures f;
    wardi_sched_figures_get(s, &f);
    assert_int_equal(f.actors, 0);
    assert_int_equal(f.sent_to_nobody, 1);
    assert_int_equal(f.messages.sent, 12);
    assert_int_equal(f.messages.undelivered, 12);
    wardi_sched_free(s);
}

static void an_id_is_never_another_actor(void **state)
{
    (void)state;
    enum { LIVES = 5000 };
    wardi_sched *s = sim_sched(&world, 1, 1);
    wardi_actor_id *ids = calloc(LIVES, sizeof *ids);
    noter n;
    for (int i = 0; i < LIVES; i++) {
        noter_init(&n, s, NULL);
        ids[i] = n.actor.id;
        assert_int_not_equal(ids[i], 0);
        wardi_actor_stop(&n.actor);
        while (wardi_sched_step(s)) {}
        assert_int_equal(n.what[n.count - 1], 'e');
    }
    noter_init(&n, s, NULL);
    assert_int_equal((uint32_t)n.actor.id, 0); /* the slot serves again */
    for (int i = 0; i < LIVES; i++) assert_false(wardi_sched_wake(s, ids[i]));
    assert_false(wardi_sched_wake(s, 0));
    assert_false(wardi_sched_wake(s, UINT64_MAX));
    assert_false(wardi_sched_wake(s, n.actor.id + 1));
    assert_true(wardi_sched_wake(s, n.actor.id));
    wardi_sched_hint(s, ids[0]); /* any id will do */
    wardi_sched_hint(s, UINT64_MAX);
    wardi_sched_hint(s, n.actor.id);
    wardi_sched_free(s);
    free(ids);
}

/* A pin holds the end back, and the last one brings it about. */
static void a_pinned_actor_does_not_end(void **state)
{
    (void)state;
    wardi_sched *s = sim_sched(&world, 1, 1);
    noter n;
    noter_init(&n, s, NULL);
    assert_ptr_equal(registry_pin(&s->registry, n.actor.id), &n.actor);
    assert_ptr_equal(registry_pin(&s->registry, n.actor.id), &n.actor);
    wardi_actor_stop(&n.actor);
    while (wardi_sched_step(s)) {}
    assert_null(registry_pin(&s->registry, n.actor.id));
    wardi_message *m = message(1, WARDI_LANE_SYSTEM);
    assert_int_equal(wardi_actor_send(&n.actor, m), WARD_ERROR_ACTOR_GONE);
    /* One that was in the middle of its send, past the look at `closed`. */
    assert_int_equal(mailbox_put_system(&n.actor, m), MAILBOX_PUT);
    actor_notify(&n.actor);
    registry_unpin(&s->registry, &n.actor);
    while (wardi_sched_step(s)) {}
    assert_int_equal(n.count, 0);
    registry_unpin(&s->registry, &n.actor);
    settle(s);
    assert_memory_equal(n.what, "ue", 2);
    wardi_sched_free(s);
}

static wardi_next visited(wardi_actor *self, void *next)
{
    note(self, 'v', NULL);
    return *(wardi_next *)next;
}

/* What waits in the mailbox of one that waits has woken nobody, so the visit sees to it. */
static void a_visit_may_end_waiting(void **state)
{
    (void)state;
    wardi_sched *s = sim_sched(&world, 1, 2);
    noter n;
    wardi_next waits = WARDI_WAITING, ready = WARDI_READY;
    noter_init(&n, s, &(wardi_mailbox_options){.waiting = true});
    sent(&n.actor, message(1, WARDI_LANE_USER));
    settle(s);
    assert_int_equal(n.count, 0);
    assert_true(wardi_actor_visit(&n.actor, visited, &waits));
    settle(s);
    assert_memory_equal(n.what, "v", 1);
    assert_int_equal(n.count, 1);
    assert_true(wardi_actor_visit(&n.actor, visited, &ready));
    assert_false(wardi_actor_visit(&n.actor, visited, &ready)); /* it is queued */
    settle(s);
    assert_memory_equal(n.what, "vvm", 3);
    assert_true(wardi_actor_visit(&n.actor, visited, &waits));
    sent(&n.actor, message(2, WARDI_LANE_USER)); /* waits again */
    settle(s);
    assert_memory_equal(n.what, "vvmv", 4);
    assert_int_equal(n.count, 4);
    assert_int_equal(counts_of(&n.actor).handled, 1); /* a visit of this kind is no message */
    wardi_sched_free(s);
}

static void a_visit_is_a_callback(void **state)
{
    (void)state;
    wardi_sched *s = sim_sched(&world, 1, 2);
    noter n;
    noter_init(&n, s, NULL);
    assert_int_equal(wardi_sched_places(s), 1);
    wardi_actor *a = wardi_sched_pin_place(s, 0);
    assert_ptr_equal(a, &n.actor);
    assert_false(wardi_actor_is_running(a));
    assert_true(wardi_actor_enter(a));
    assert_true(wardi_actor_is_running(a));
    assert_false(wardi_actor_enter(a));
    sent(a, message(1, WARDI_LANE_SYSTEM)); /* waits */
    while (wardi_sched_step(s)) {}
    assert_int_equal(n.count, 0);
    wardi_actor_leave(a);
    assert_false(wardi_actor_enter(a)); /* it is queued for what came meanwhile */
    assert_false(wardi_actor_is_running(a));
    settle(s);
    assert_memory_equal(n.what, "m", 1);
    assert_int_equal(counts_of(a).sent, 2);
    assert_int_equal(counts_of(a).handled, 2);
    assert_true(wardi_actor_enter(a)); /* the end waits as well */
    wardi_actor_stop(a);
    while (wardi_sched_step(s)) {}
    wardi_actor_leave(a);
    while (wardi_sched_step(s)) {}
    assert_int_equal(n.count, 1); /* it is pinned */
    assert_null(wardi_sched_pin(s, a->id));
    assert_null(wardi_sched_pin_place(s, 0));
    assert_null(wardi_sched_pin_place(s, 1));
    assert_null(wardi_sched_pin_place(s, UINT32_MAX));
    assert_false(wardi_actor_enter(a));
    wardi_actor_unpin(a);
    settle(s);
    assert_memory_equal(n.what, "me", 2);
    wardi_sched_free(s);
}

static void answers_come_as_messages(void **state)
{
    (void)state;
    wardi_sched *s = sim_sched(&world, 1, 2);
    noter asker, other;
    noter_init(&asker, s, &(wardi_mailbox_options){.system_max = 1});
    noter_init(&other, s, NULL);
    other.answers = true;
    asker.next = WARDI_WAITING; /* answers get in all the same, and past the lane's bound */
    sent(&asker.actor, message(1000, WARDI_LANE_USER));
    settle(s);
    for (uint64_t i = 0; i < 5; i++) {
        wardi_message *m = message(i, WARDI_LANE_USER);
        wardi_message_ask_actor(m, &asker.actor);
        sent(&other.actor, m);
    }
    settle(s);
    assert_int_equal(asker.count, 6);
    for (uint64_t i = 0; i < 5; i++) {
        assert_int_equal(asker.correlation[1 + i], i);
        assert_int_equal(asker.status[1 + i], WARD_OK);
    }
    wardi_sched_free(s);
}

static void an_answer_to_nobody_is_counted(void **state)
{
    (void)state;
    wardi_sched *s = sim_sched(&world, 1, 1);
    noter asker, other;
    noter_init(&asker, s, NULL);
    noter_init(&other, s, NULL);
    other.keeps = true;
    wardi_message *m = message(1, WARDI_LANE_USER);
    wardi_message_ask_actor(m, &asker.actor);
    sent(&other.actor, m);
    wardi_actor_stop(&asker.actor);
    settle(s);
    wardi_message_answer(s, other.kept, WARD_OK);
    m = message(2, WARDI_LANE_USER);
    wardi_message_ask_thread(m);
    sent(&other.actor, m);
    settle(s);
    assert_int_equal(wardi_message_await(s, m, world.now_ns + 5), WARD_ERROR_REPLY_TIMEOUT);
    wardi_message_answer(s, other.kept, WARD_OK);
    wardi_sched_figures f;
    wardi_sched_figures_get(s, &f);
    assert_int_equal(f.answers_to_nobody, 2);
    wardi_sched_free(s);
}

/* While one actor never runs dry, the other runs after a slice's messages at most. */
static uint64_t run_in_a_row, longest_row;
static wardi_actor *last_run;

static wardi_next greedy_receive(wardi_actor *self, wardi_message *m)
{
    run_in_a_row = last_run == self ? run_in_a_row + 1 : 1;
    last_run = self;
    if (run_in_a_row > longest_row) longest_row = run_in_a_row;
    if (--m->correlation == 0)
        wardi_message_free(self->sched, m);
    else
        sent(self, m);
    return WARDI_READY;
}

static void a_slice_has_its_messages(void **state)
{
    (void)state;
    static const wardi_behaviour greedy = {.receive = greedy_receive};
    wardi_sched *s = sim_sched(&world, 1, 1);
    wardi_actor two[2];
    for (int i = 0; i < 2; i++) {
        assert_int_equal(wardi_actor_init(&two[i], s, &greedy, NULL), WARD_OK);
        sent(&two[i], message(5000, WARDI_LANE_USER));
    }
    while (counts_of(&two[0]).handled < 4500 && wardi_sched_step(s)) {}
    assert_true(counts_of(&two[1]).handled > 1500);
    assert_true(longest_row <= 12 * 64); /* by chance it is picked again, not often */
    settle(s);
    wardi_sched_free(s);
}

/* By time: one message uses the slice up, and what is fresh goes before the rest. */
static wardi_next slow_receive(wardi_actor *self, wardi_message *m)
{
    world.now_ns += 2 * WARDI_MS;
    return noter_receive(self, m);
}

static void a_slice_has_its_time(void **state)
{
    (void)state;
    static const wardi_behaviour slow = {.receive = slow_receive};
    wardi_sched *s = sim_sched(&world, 1, 1);
    noter n;
    noter_init(&n, s, NULL);
    n.actor.behaviour = &slow;
    for (uint64_t i = 0; i < 3; i++) sent(&n.actor, message(i, WARDI_LANE_USER));
    assert_true(wardi_sched_step(s));
    assert_int_equal(n.count, 1);
    assert_true(run_list_ready(&s->backlog));
    assert_true(wardi_sched_step(s));
    assert_int_equal(n.count, 2);
    settle(s);
    assert_int_equal(n.count, 3);
    wardi_sched_free(s);
}

static wardi_next stops(wardi_actor *self, wardi_message *m)
{
    wardi_message_answer(self->sched, m, WARD_OK);
    return WARDI_STOP;
}

static void a_callback_may_stop_it(void **state)
{
    (void)state;
    static const wardi_behaviour stopping = {
        .receive = stops, .undelivered = noter_undelivered, .ended = noter_ended};
    wardi_sched *s = sim_sched(&world, 1, 1);
    noter n;
    noter_init(&n, s, NULL);
    n.actor.behaviour = &stopping;
    for (uint64_t i = 0; i < 3; i++) sent(&n.actor, message(i, WARDI_LANE_USER));
    settle(s);
    assert_memory_equal(n.what, "uue", 3);
    wardi_sched_free(s);
}

static void free_stops_everybody(void **state)
{
    (void)state;
    wardi_sched *s = sim_sched(&world, 1, 3);
    noter n[5];
    for (int i = 0; i < 5; i++) {
        noter_init(&n[i], s, NULL);
        sent(&n[i].actor, message(1, WARDI_LANE_USER));
    }
    wardi_sched_free(s);
    for (int i = 0; i < 5; i++) assert_memory_equal(n[i].what, "ue", 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_waiting_actor_gets_no_user_message),
        cmocka_unit_test(wakes_are_merged_and_kept),
        cmocka_unit_test(what_is_left_at_the_end_is_told),
        cmocka_unit_test(an_id_is_never_another_actor),
        cmocka_unit_test(a_pinned_actor_does_not_end),
        cmocka_unit_test(a_visit_is_a_callback),
        cmocka_unit_test(a_visit_may_end_waiting),
        cmocka_unit_test(answers_come_as_messages),
        cmocka_unit_test(an_answer_to_nobody_is_counted),
        cmocka_unit_test(a_slice_has_its_messages),
        cmocka_unit_test(a_slice_has_its_time),
        cmocka_unit_test(a_callback_may_stop_it),
        cmocka_unit_test(free_stops_everybody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
