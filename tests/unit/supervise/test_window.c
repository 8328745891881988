/* Counting in a window: held against exact times, its error within what tree_priv.h promises. */
#include "kit.h"

static void test_edges(void **state)
{
    (void)state;
    wardi_window w = {0};
    assert_int_equal(wardi_window_count(&w, 150, 0), 0);
    wardi_window_add(&w, 150, 0); /* buckets of 10 */
    assert_int_equal(wardi_window_count(&w, 150, 0), 1);
    assert_int_equal(wardi_window_count(&w, 150, 159), 1);
    assert_int_equal(wardi_window_count(&w, 150, 160), 0);
    wardi_window_add(&w, 150, 9);
    wardi_window_add(&w, 150, 10);
    assert_int_equal(wardi_window_count(&w, 150, 159), 3);
    assert_int_equal(wardi_window_count(&w, 150, 160), 1);
    wardi_window_add(&w, 150, 1000000);
    assert_int_equal(wardi_window_count(&w, 150, 1000000), 1);
    wardi_window_add(&w, 150, 1); /* late: it counts as now */
    assert_int_equal(wardi_window_count(&w, 150, 1000000), 2);
}

static void test_many(void **state)
{
    (void)state;
    wardi_window w = {0};
    for (int i = 0; i < 1000; i++) wardi_window_add(&w, WARDI_S, 7);
    assert_int_equal(wardi_window_count(&w, WARDI_S, 7), 255); /* a limit is at most that */
    wardi_window tiny = {0};
    wardi_window_add(&tiny, 1, 5);
    assert_int_equal(wardi_window_count(&tiny, 1, 5), 1);
}

/* Never less than the exact count; never what is older than 16/15 of the window, and a rounding. */
static void test_against_exact_times(void **state)
{
    (void)state;
    enum { EVENTS = 2000 };
    static uint64_t times[EVENTS];
    wardi_rng rng;
    wardi_rng_init(&rng, 1);
    for (uint64_t span = 1; span < 5000; span = span * 3 + 1) {
        wardi_window w = {0};
        uint64_t now = wardi_rng_next(&rng) % 1000000;
        for (size_t i = 0; i < EVENTS; i++) {
            now += wardi_rng_next(&rng) % (span / 4 + 2) * (wardi_rng_next(&rng) % 5 == 0 ? 5 : 1);
            uint32_t least = 0, most = 0;
            for (size_t j = 0; j < i; j++) {
                least += now - times[j] < span;
                most += now - times[j] < (span / 15 + 1) * 16;
            }
            uint32_t got = wardi_window_count(&w, span, now);
            assert_in_range(got, least, most);
            times[i] = now;
            wardi_window_add(&w, span, now);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_against_exact_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
