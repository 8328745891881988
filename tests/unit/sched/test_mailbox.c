/* Lanes, bounds, what a full mailbox does, time to live; every loss counted and answered. */
#include "support.h"

static sim world;

static void system_messages_go_first(void **state)
{
    (void)state;
    wardi_sched *s = sim_sched(&world, 1, 1);
    noter n;
    noter_init(&n, s, NULL);
    for (uint64_t i = 0; i < 5; i++) sent(&n.actor, message(100 + i, WARDI_LANE_USER));
    for (uint64_t i = 0; i < 5; i++) sent(&n.actor, message(i, WARDI_LANE_SYSTEM));
    settle(s);
    assert_int_equal(n.count, 10);
    for (uint64_t i = 0; i < 5; i++) assert_int_equal(n.correlation[i], i);
    for (uint64_t i = 0; i < 5; i++) assert_int_equal(n.correlation[5 + i], 100 + i);
    wardi_sched_free(s);
}

static void fill(noter *n, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) sent(&n->actor, message(i, WARDI_LANE_USER));
}

static void reject_leaves_the_message(void **state)
{
    (void)state;
    for (uint32_t max = 1; max <= 9; max++) {
        wardi_sched *s = sim_sched(&world, 1, 1);
        noter n;
        noter_init(&n, s, &(wardi_mailbox_options){.user_max = max});
        for (int round = 0; round < 20; round++) { /* so that positions wrap in the cells */
            fill(&n, max);
            wardi_message *m = message(99, WARDI_LANE_USER);
            wardi_message_ask_thread(m);
            assert_int_equal(wardi_actor_send(&n.actor, m), WARD_ERROR_MAILBOX_FULL);
            check(s);
            assert_int_equal(counts_of(&n.actor).pending, max);
            settle(s);
            n.answers = true;
            sent(&n.actor, m); /* it is still ours, and whole */
            settle(s);
            assert_int_equal(answered(s, m), WARD_OK);
        }
        wardi_counts c = counts_of(&n.actor);
        assert_int_equal(c.refused, 20);
        assert_int_equal(c.handled, 20 * (max + 1));
        assert_int_equal(c.sent, c.refused + c.handled);
        wardi_sched_free(s);
    }
}

static void the_system_lane_is_bounded(void **state)
{
    (void)state;
    wardi_sched *s = sim_sched(&world, 1, 1);
    noter n;
    noter_init(&n, s, &(wardi_mailbox_options){.system_max = 3});
    for (uint64_t i = 0; i < 3; i++) sent(&n.actor, message(i, WARDI_LANE_SYSTEM));
    wardi_message *m = message(9, WARDI_LANE_SYSTEM);
    assert_int_equal(wardi_actor_send(&n.actor, m), WARD_ERROR_MAILBOX_FULL);
    sent(&n.actor, message(4, WARDI_LANE_USER)); /* the other lane has room */
    settle(s);
    sent(&n.actor, m);
    settle(s);
    assert_int_equal(counts_of(&n.actor).refused, 1);
    assert_int_equal(n.count, 5);
    wardi_sched_free(s);
}

static void drop_oldest(void **state)
{
    (void)state;
    wardi_sched *s = sim_sched(&world, 1, 1);
    noter n;
    noter_init(&n, s, &(wardi_mailbox_options){.user_max = 3, .full = WARDI_FULL_DROP_OLDEST});
    wardi_message *asked[10];
    n.answers = true;
    for (uint64_t i = 0; i < 10; i++) {
        asked[i] = message(i, WARDI_LANE_USER);
        wardi_message_ask_thread(asked[i]);
        sent(&n.actor, asked[i]);
        check(s);
    }
    settle(s);
    assert_int_equal(n.count, 3);
    for (uint64_t i = 0; i < 10; i++)
        assert_int_equal(answered(s, asked[i]), i < 7 ? WARD_ERROR_MESSAGE_DROPPED : WARD_OK);
    for (uint64_t i = 0; i < 3; i++) assert_int_equal(n.correlation[i], 7 + i);
    wardi_counts c = counts_of(&n.actor);
    assert_int_equal(c.dropped_oldest, 7);
    assert_int_equal(c.sent, 10);
    wardi_sched_free(s);
}

static void drop_newest(void **state)
{
    (void)state;
    wardi_sched *s = sim_sched(&world, 1, 1);
    noter n;
    noter_init(&n, s, &(wardi_mailbox_options){.user_max = 3, .full = WARDI_FULL_DROP_NEWEST});
    n.answers = true;
    wardi_message *asked[10];
    for (uint64_t i = 0; i < 10; i++) {
        asked[i] = message(i, WARDI_LANE_USER);
        wardi_message_ask_thread(asked[i]);
        sent(&n.actor, asked[i]);
        check(s);
    }
    settle(s);
    for (uint64_t i = 0; i < 10; i++)
        assert_int_equal(answered(s, asked[i]), i < 3 ? WARD_OK : WARD_ERROR_MESSAGE_DROPPED);
    assert_int_equal(counts_of(&n.actor).dropped_newest, 7);
    assert_int_equal(counts_of(&n.actor).sent, 10);
    wardi_sched_free(s);
}

/* In a world the scheduler goes on while the sender waits. */
static void block_waits_for_room(void **state)
{
    (void)state;
    wardi_sched *s = sim_sched(&world, 1, 1);
    noter n;
    noter_init(&n, s,
               &(wardi_mailbox_options){
                   .user_max = 2, .full = WARDI_FULL_BLOCK, .block_ns = 5 * WARDI_MS});
    fill(&n, 6);
    settle(s);
    assert_int_equal(n.count, 6);
    for (uint64_t i = 0; i < 6; i++) assert_int_equal(n.correlation[i], i);
    n.next = WARDI_WAITING;
    sent(&n.actor, message(0, WARDI_LANE_SYSTEM));
    settle(s);
    fill(&n, 2);
    uint64_t before = world.now_ns;
    wardi_message *m = message(7, WARDI_LANE_USER);
    assert_int_equal(wardi_actor_send(&n.actor, m), WARD_ERROR_MAILBOX_TIMEOUT);
    assert_int_equal(world.now_ns - before, 5 * WARDI_MS);
    m->expiry_ns = world.now_ns + WARDI_MS; /* nearer than the receiver's bound */
    before = world.now_ns;
    assert_int_equal(wardi_actor_send(&n.actor, m), WARD_ERROR_MAILBOX_TIMEOUT);
    assert_int_equal(world.now_ns - before, WARDI_MS);
    wardi_message_free(s, m);
    assert_int_equal(counts_of(&n.actor).refused, 2);
    check(s);
    wardi_sched_free(s);
}

static ward_error said;
static wardi_actor *target;

static wardi_next sends_on(wardi_actor *self, wardi_message *m)
{
    (void)self;
    said = wardi_actor_send(target, m);
    if (said != WARD_OK) wardi_message_free(self->sched, m);
    return WARDI_READY;
}

static void a_worker_never_blocks(void **state)
{
    (void)state;
    static const wardi_behaviour sender_behaviour = {.receive = sends_on};
    wardi_sched *s = sim_sched(&world, 1, 1);
    noter n;
    wardi_actor sender;
    noter_init(&n, s, &(wardi_mailbox_options){.user_max = 1, .full = WARDI_FULL_BLOCK});
    n.next = WARDI_WAITING;
    sent(&n.actor, message(0, WARDI_LANE_SYSTEM));
    settle(s);
    fill(&n, 1);
    target = &n.actor;
    assert_int_equal(wardi_actor_init(&sender, s, &sender_behaviour, NULL), WARD_OK);
    wardi_message *m = message(1, WARDI_LANE_USER);
    wardi_message_ask_thread(m);
    sent(&sender, m);
    settle(s);
    assert_int_equal(said, WARD_ERROR_WOULD_BLOCK);
    assert_int_equal(answered(s, m), WARD_ERROR_UNANSWERED);
    assert_int_equal(counts_of(&n.actor).refused, 1);
    wardi_sched_free(s);
}

static void messages_expire(void **state)
{
    (void)state;
    wardi_sched *s = sim_sched(&world, 1, 1);
    noter n;
    noter_init(&n, s, NULL);
    n.answers = true;
    wardi_message *asked[3];
    for (uint64_t i = 0; i < 3; i++) {
        asked[i] = message(i, i == 2 ? WARDI_LANE_SYSTEM : WARDI_LANE_USER);
        wardi_message_ask_thread(asked[i]);
        asked[i]->expiry_ns = world.now_ns + (i == 1 ? 10 : 20);
        sent(&n.actor, asked[i]);
    }
    world.now_ns += 20; /* at its time it is still good */
    settle(s);
    assert_int_equal(answered(s, asked[0]), WARD_OK);
    assert_int_equal(answered(s, asked[1]), WARD_ERROR_MESSAGE_EXPIRED);
    assert_int_equal(answered(s, asked[2]), WARD_OK);
    assert_int_equal(counts_of(&n.actor).expired, 1);
    assert_int_equal(counts_of(&n.actor).handled, 2);
    wardi_sched_free(s);
}

/* A million actors with system messages only cost no lane. */
static void the_user_lane_comes_with_the_first_message(void **state)
{
    (void)state;
    wardi_sched *s = sim_sched(&world, 1, 1);
    noter n;
    noter_init(&n, s, NULL);
    sent(&n.actor, message(1, WARDI_LANE_SYSTEM));
    settle(s);
    assert_null(atomic_load(&n.actor.user_lane));
    sent(&n.actor, message(1, WARDI_LANE_USER));
    assert_non_null(atomic_load(&n.actor.user_lane));
    wardi_sched_free(s);
}

static bool refuse_all(void *context, size_t size)
{
    (void)context, (void)size;
    return false;
}

static void no_memory_for_the_lane_is_an_error(void **state)
{
    (void)state;
    wardi_sched *s = sim_sched(&world, 1, 1);
    noter n;
    noter_init(&n, s, NULL);
    wardi_message *m = message(1, WARDI_LANE_USER);
    wardi_alloc_gate_set(refuse_all, NULL);
    assert_int_equal(wardi_actor_send(&n.actor, m), WARD_ERROR_NO_MEMORY);
    wardi_alloc_gate_set(NULL, NULL);
    check(s);
    sent(&n.actor, m);
    settle(s);
    assert_int_equal(counts_of(&n.actor).refused, 1);
    assert_int_equal(counts_of(&n.actor).handled, 1);
    wardi_sched_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(system_messages_go_first),
        cmocka_unit_test(reject_leaves_the_message),
        cmocka_unit_test(the_system_lane_is_bounded),
        cmocka_unit_test(drop_oldest),
        cmocka_unit_test(drop_newest),
        cmocka_unit_test(block_waits_for_room),
        cmocka_unit_test(a_worker_never_blocks),
        cmocka_unit_test(messages_expire),
        cmocka_unit_test(the_user_lane_comes_with_the_first_message),
        cmocka_unit_test(no_memory_for_the_lane_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
