/* Run queues: order, more than fits, steals, the gap of a put that has not finished. */
#include <stdlib.h>

#include "support.h"

enum { RUN_LIST_FRONT = 100, MANY = 3 * RUN_LIST_FRONT };

static wardi_actor actors[MANY];

static void a_list_takes_any_number_in_order(void **state)
{
    (void)state;
    run_list list = {0};
    assert_true(run_list_init(&list, RUN_LIST_FRONT));
    for (int round = 0; round < 3; round++) {
        assert_false(run_list_ready(&list));
        assert_null(run_list_take(&list));
        for (int i = 0; i < MANY; i++) {
            run_list_put(&list, &actors[i]);
            assert_true(run_list_ready(&list));
        }
        for (int i = 0; i < MANY; i++) assert_ptr_equal(run_list_take(&list), &actors[i]);
        assert_null(run_list_take(&list));
        assert_false(run_list_ready(&list));
    }
    run_list_done(&list);
}

/* While there is a list, the queue in front is not refilled: nobody is passed by for ever. */
static void a_list_has_its_turn(void **state)
{
    (void)state;
    run_list list = {0};
    assert_true(run_list_init(&list, RUN_LIST_FRONT));
    for (int i = 0; i <= RUN_LIST_FRONT; i++) run_list_put(&list, &actors[i]);
    for (int i = 0; i < RUN_LIST_FRONT; i++) {
        assert_ptr_equal(run_list_take(&list), &actors[i]);
        run_list_put(&list, &actors[i]);
    }
    assert_ptr_equal(run_list_take(&list), &actors[RUN_LIST_FRONT]);
    run_list_done(&list);
}

/* One that has exchanged the tail and not linked yet hides what comes behind it, and no more. */
static void a_put_in_its_gap_hides_the_rest(void **state)
{
    (void)state;
    run_list list = {0};
    assert_true(run_list_init(&list, RUN_LIST_FRONT));
    int filled = 0;
    while (bounded_put(list.front, &actors[filled])) filled++;
    run_list_put(&list, &actors[filled]); /* the first in the list */
    for (int i = 0; i < filled; i++) assert_non_null(bounded_take(list.front));
    wardi_link *slow = &actors[filled + 1].link;
    atomic_store(&slow->next, NULL);
    wardi_link *before = atomic_exchange(&list.tail, slow); /* (1) */
    run_list_put(&list, &actors[filled + 2]);
    assert_false(run_list_ready(&list));
    assert_null(run_list_take(&list));
    atomic_store(&before->next, slow); /* (2) */
    assert_true(run_list_ready(&list));
    for (int i = 0; i < 3; i++) assert_ptr_equal(run_list_take(&list), &actors[filled + i]);
    assert_null(run_list_take(&list));
    run_list_done(&list);
}

static void a_ring_is_bounded_and_in_order(void **state)
{
    (void)state;
    static run_ring ring;
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < RUN_RING_SLOTS; i++) assert_true(run_ring_put(&ring, &actors[i]));
        assert_false(run_ring_put(&ring, &actors[0]));
        assert_int_equal(run_ring_count(&ring), RUN_RING_SLOTS);
        for (int i = 0; i < RUN_RING_SLOTS; i++) assert_ptr_equal(run_ring_take(&ring), &actors[i]);
        assert_null(run_ring_take(&ring));
        assert_true(run_ring_put(&ring, &actors[0])); /* so that the next round starts elsewhere */
        assert_ptr_equal(run_ring_take(&ring), &actors[0]);
    }
}

/* Half is stolen, the larger one; nobody is in two rings, and nobody in none. */
static void a_thief_takes_half(void **state)
{
    (void)state;
    for (uint32_t count = 0; count <= RUN_RING_SLOTS; count++) {
        run_ring *from = calloc(1, sizeof *from), *to = calloc(1, sizeof *to);
        for (uint32_t i = 0; i < count; i++) assert_true(run_ring_put(from, &actors[i]));
        wardi_actor *first = run_ring_steal(to, from);
        uint32_t stolen = (count + 1) / 2;
        assert_int_equal(run_ring_count(from), count - stolen);
        assert_int_equal(first != NULL, count > 0);
        if (first != NULL) assert_ptr_equal(first, &actors[stolen - 1]);
        assert_int_equal(run_ring_count(to), stolen > 0 ? stolen - 1 : 0);
        for (uint32_t i = 0; i + 1 < stolen; i++) assert_ptr_equal(run_ring_take(to), &actors[i]);
        for (uint32_t i = stolen; i < count; i++) assert_ptr_equal(run_ring_take(from), &actors[i]);
        free(from);
        free(to);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_takes_any_number_in_order),
        cmocka_unit_test(a_list_has_its_turn),
        cmocka_unit_test(a_put_in_its_gap_hides_the_rest),
        cmocka_unit_test(a_ring_is_bounded_and_in_order),
        cmocka_unit_test(a_thief_takes_half),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
