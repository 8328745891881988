/* Dependency order and cycles: by hand, and all graphs of up to four children. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "supervise/supervise.h"

enum { CHILDREN_MAX = 4 };

typedef struct graph {
    size_t count;
    size_t lists[CHILDREN_MAX][CHILDREN_MAX];
    const size_t *needs[CHILDREN_MAX];
    size_t need_counts[CHILDREN_MAX];
} graph;

static void need(graph *g, size_t child, size_t needed)
{
    g->lists[child][g->need_counts[child]++] = needed;
}

static ward_error order(graph *g, size_t *ret_order, size_t *ret_cycle)
{
    for (size_t i = 0; i < g->count; i++) g->needs[i] = g->lists[i];
    return wardi_supervise_order(g->count, g->needs, g->need_counts, ret_order, ret_cycle);
}

static bool has_need(const graph *g, size_t child, size_t needed)
{
    for (size_t i = 0; i < g->need_counts[child]; i++)
        if (g->lists[child][i] == needed) return true;
    return false;
}

static void test_order_is_stable(void **state)
{
    (void)state;
    graph g = {.count = 4};
    need(&g, 0, 2);
    need(&g, 2, 3);
    size_t got[4], cycle;
    assert_int_equal(order(&g, got, &cycle), WARD_OK);
    assert_memory_equal(got, ((size_t[]){3, 2, 0, 1}), sizeof got);
    graph free_ones = {.count = 4};
    assert_int_equal(order(&free_ones, got, &cycle), WARD_OK);
    assert_memory_equal(got, ((size_t[]){0, 1, 2, 3}), sizeof got);
    graph none = {0};
    assert_int_equal(order(&none, got, &cycle), WARD_OK);
}

static void test_cycle_is_shown(void **state)
{
    (void)state;
    graph g = {.count = 4};
    need(&g, 0, 1);
    need(&g, 1, 2);
    need(&g, 2, 3);
    need(&g, 3, 1);
    size_t got[4], cycle = 99;
    assert_int_equal(order(&g, got, &cycle), WARD_ERROR_CYCLE);
    assert_int_equal(cycle, 3);
    assert_memory_equal(got, ((size_t[]){1, 2, 3}), 3 * sizeof got[0]);
    graph self = {.count = 1};
    need(&self, 0, 0);
    assert_int_equal(order(&self, got, &cycle), WARD_ERROR_CYCLE);
    assert_int_equal(cycle, 1);
    assert_int_equal(got[0], 0);
}

static void check_graph(graph *g)
{
    size_t got[CHILDREN_MAX], cycle = 0;
    ward_error error = order(g, got, &cycle);
    if (error == WARD_ERROR_CYCLE) {
        assert_in_range(cycle, 1, g->count);
        for (size_t i = 0; i < cycle; i++) assert_true(has_need(g, got[i], got[(i + 1) % cycle]));
        return;
    }
    assert_int_equal(error, WARD_OK);
    size_t place[CHILDREN_MAX];
    memset(place, 0xff, sizeof place);
    for (size_t i = 0; i < g->count; i++) place[got[i]] = i;
    for (size_t child = 0; child < g->count; child++) {
        assert_true(place[child] < g->count);
        for (size_t i = 0; i < g->need_counts[child]; i++)
            assert_true(place[g->lists[child][i]] < place[child]);
    }
}

static void test_every_graph_of_four(void **state)
{
    (void)state;
    for (uint32_t bits = 0; bits < 1u << (CHILDREN_MAX * CHILDREN_MAX); bits++) {
        graph g = {.count = CHILDREN_MAX};
        for (uint32_t edge = 0; edge < CHILDREN_MAX * CHILDREN_MAX; edge++)
            if (bits >> edge & 1) need(&g, edge / CHILDREN_MAX, edge % CHILDREN_MAX);
        check_graph(&g);
    }
}

static void test_long_chain(void **state)
{
    (void)state;
    enum { LENGTH = 100000 };
    size_t *links = wardi_alloc_array(LENGTH, sizeof *links);
    const size_t **needs = wardi_alloc_array(LENGTH, sizeof *needs);
    size_t *counts = wardi_alloc_array(LENGTH, sizeof *counts);
    size_t *got = wardi_alloc_array(LENGTH, sizeof *got);
    for (size_t i = 0; i < LENGTH; i++) {
        links[i] = i + 1;
        needs[i] = &links[i];
        counts[i] = i + 1 < LENGTH;
    }
    size_t cycle;
    assert_int_equal(wardi_supervise_order(LENGTH, needs, counts, got, &cycle), WARD_OK);
    assert_int_equal(got[0], LENGTH - 1);
    assert_int_equal(got[LENGTH - 1], 0);
    wardi_free(links);
    wardi_free(needs);
    wardi_free(counts);
    wardi_free(got);
}

static bool fail_at(void *context, size_t size)
{
    (void)size;
    return (*(int *)context)-- != 0;
}

static void test_no_memory(void **state)
{
    (void)state;
    for (int n = 0; n < 3; n++) {
        graph g = {.count = 2};
        size_t got[2], cycle;
        int left = n;
        wardi_alloc_gate_set(fail_at, &left);
        ward_error error = order(&g, got, &cycle);
        wardi_alloc_gate_set(NULL, NULL);
        assert_int_equal(error, WARD_ERROR_NO_MEMORY);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_is_stable),     cmocka_unit_test(test_cycle_is_shown),
        cmocka_unit_test(test_every_graph_of_four), cmocka_unit_test(test_long_chain),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
