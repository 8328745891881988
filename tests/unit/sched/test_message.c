/* What a message carries and who gets it back; memory that runs out at call N for every N. */
#include <stdlib.h>

#include "support.h"

static sim world;
static int released;

static void release(void *payload, size_t length)
{
    assert_int_equal(length, 7);
    free(payload);
    released++;
}

static void payloads(void **state)
{
    (void)state;
    wardi_sched *s = sim_sched(&world, 1, 1);
    wardi_message *m = wardi_message_new(7);
    assert_int_equal(m->kind, 7);
    assert_null(m->payload);
    char bytes[300];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (char)i;
    for (size_t length = 0; length <= sizeof bytes; length++) {
        assert_true(wardi_message_put(m, bytes, length));
        assert_int_equal(m->length, length);
        assert_memory_equal(m->payload, bytes, length);
        assert_int_equal(m->payload == m->inline_bytes, length <= WARDI_MESSAGE_INLINE_BYTES);
        assert_true(m->payload != bytes);
    }
    assert_true(wardi_message_put(m, (char *)m->payload + 4, 40)); /* from itself */
    assert_memory_equal(m->payload, bytes + 4, 40);
    wardi_message_attach(m, malloc(7), 7, release);
    wardi_message_attach(m, malloc(7), 7, release);
    assert_int_equal(released, 1);
    wardi_message_free(s, m);
    assert_int_equal(released, 2);
    wardi_message_free(s, NULL);
    wardi_sched_free(s);
}

/* More than two magazines, freed in another order; what comes back is as new. */
static void memory_serves_again(void **state)
{
    (void)state;
    enum { COUNT = 1000 };
    wardi_sched *s = sim_sched(&world, 1, 1);
    wardi_message *all[COUNT];
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < COUNT; i++) {
            all[i] = wardi_message_new((uint16_t)i);
            assert_int_equal((uintptr_t)all[i] % 64, 0);
            assert_int_equal(all[i]->correlation, 0);
            assert_int_equal(all[i]->asker, WARDI_ASKER_NONE);
            assert_int_equal(all[i]->status, 0);
            all[i]->correlation = 1 + (uint64_t)i;
            all[i]->status = 9;
        }
        for (int i = 0; i < COUNT; i++) assert_int_equal(all[i]->correlation, 1 + i);
        for (int i = 0; i < COUNT; i++) wardi_message_free(s, all[(i * 7) % COUNT]);
    }
    wardi_message_trim();
    wardi_sched_free(s);
}

static long allocations, allocations_left;

static bool gate(void *context, size_t size)
{
    (void)context, (void)size;
    allocations++;
    return allocations_left-- > 0;
}

/* Nobody waits for what was never taken; who was asked by another passes the debt on. */
static void a_refused_message_may_be_freed(void **state)
{
    (void)state;
    wardi_sched *s = sim_sched(&world, 1, 1);
    noter asker, full, other;
    noter_init(&asker, s, NULL);
    noter_init(&full, s, &(wardi_mailbox_options){.user_max = 1});
    noter_init(&other, s, NULL);
    other.keeps = true;
    sent(&full.actor, message(1, WARDI_LANE_USER));
    for (int thread = 0; thread < 2; thread++) {
        wardi_message *m = message(2, WARDI_LANE_USER);
        if (thread == 1)
            wardi_message_ask_thread(m);
        else
            wardi_message_ask_actor(m, &asker.actor);
        assert_int_equal(wardi_actor_send(&full.actor, m), WARD_ERROR_MAILBOX_FULL);
        wardi_message_free(s, m);
    }
    wardi_message *m = message(3, WARDI_LANE_USER);
    wardi_message_ask_actor(m, &asker.actor);
    sent(&other.actor, m);
    while (other.kept == NULL) assert_true(wardi_sched_step(s));
    sent(&full.actor, message(4, WARDI_LANE_SYSTEM));
    if (counts_of(&full.actor).pending == 1) sent(&full.actor, message(5, WARDI_LANE_USER));
    assert_int_equal(wardi_actor_send(&full.actor, other.kept), WARD_ERROR_MAILBOX_FULL);
    wardi_message_free(s, other.kept);
    settle(s);
    assert_int_equal(asker.count, 1);
    assert_int_equal(asker.status[0], WARD_ERROR_UNANSWERED);
    wardi_sched_free(s);
}

static void warm_messages_cost_no_allocation(void **state)
{
    (void)state;
    wardi_sched *s = sim_sched(&world, 1, 2);
    noter a, b;
    noter_init(&a, s, NULL);
    noter_init(&b, s, NULL);
    b.answers = true;
    for (int round = 0; round < 20; round++) {
        if (round == 1) { /* the first one made lanes and messages */
            allocations = 0;
            allocations_left = 1000000;
            wardi_alloc_gate_set(gate, NULL);
        }
        for (uint64_t i = 0; i < 40; i++) {
            wardi_message *m = message(i, i % 2 == 0 ? WARDI_LANE_USER : WARDI_LANE_SYSTEM);
            assert_true(wardi_message_put(m, "0123456789", 10));
            wardi_message_ask_actor(m, &a.actor);
            sent(&b.actor, m);
        }
        settle(s);
    }
    wardi_alloc_gate_set(NULL, NULL);
    assert_int_equal(allocations, 0);
    assert_int_equal(a.count, 20 * 40);
    wardi_sched_free(s);
}

/* A scheduler with threads, an actor, a message with a long payload, a call. */
static ward_error whole_life(void)
{
    static const wardi_behaviour answers = {.receive = noter_receive};
    static noter n;
    wardi_sched_options options = {.workers = 2, .spares = 1};
    wardi_sched *s = NULL;
    ward_error error = wardi_sched_new(&options, &s, NULL);
    if (error != WARD_OK) return error;
    memset(&n, 0, sizeof n);
    n.answers = true;
    wardi_message *m = NULL;
    error = wardi_actor_init(&n.actor, s, &answers, NULL);
    n.actor.context = &n;
    if (error == WARD_OK && (m = wardi_message_new(1)) == NULL) error = WARD_ERROR_NO_MEMORY;
    if (error == WARD_OK && !wardi_message_put(m, s, 200)) error = WARD_ERROR_NO_MEMORY;
    if (error == WARD_OK) {
        wardi_message_ask_thread(m);
        error = wardi_actor_send(&n.actor, m);
        if (error == WARD_OK) assert_int_equal(wardi_message_await(s, m, UINT64_MAX), WARD_OK);
    }
    wardi_message_free(s, m);
    wardi_sched_free(s);
    return error;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    long n = 0;
    ward_error error;
    do {
        wardi_message_trim();
        allocations_left = n++;
        wardi_alloc_gate_set(gate, NULL);
        error = whole_life();
        wardi_alloc_gate_set(NULL, NULL);
        assert_true(error == WARD_OK || error == WARD_ERROR_NO_MEMORY);
        assert_true(n < 100);
    } while (error != WARD_OK || allocations_left < 0);
    assert_true(n >= 9); /* sched, two queues, workers, shards, registry, message, payload, lane */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(payloads),
        cmocka_unit_test(memory_serves_again),
        cmocka_unit_test(a_refused_message_may_be_freed),
        cmocka_unit_test(warm_messages_cost_no_allocation),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
