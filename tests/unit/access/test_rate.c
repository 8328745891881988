/* Rates and budgets: exact at their edges, against plain arithmetic, and with a clock that jumps.
 */
#include "kit.h"

static void test_bucket(void **state)
{
    (void)state;
    wardi_bucket b = wardi_bucket_full(10, 3); /* a token each 100 ms */
    uint64_t t = 1000 * WARDI_S;
    assert_true(wardi_bucket_take(&b, 2, t));
    assert_false(wardi_bucket_take(&b, 2, t));
    assert_int_equal(b.refused, 2);
    assert_true(wardi_bucket_take(&b, 1, t));
    assert_false(wardi_bucket_take(&b, 1, t + 100 * WARDI_MS - 1));
    assert_true(wardi_bucket_take(&b, 1, t + 100 * WARDI_MS));
    assert_false(wardi_bucket_take(&b, 1, t + 100 * WARDI_MS));
    assert_true(wardi_bucket_take(&b, 3, t + 3600 * WARDI_S)); /* never more than the burst */
    assert_false(wardi_bucket_take(&b, 1, t + 3600 * WARDI_S));
    assert_false(wardi_bucket_take(&b, 4, t + 7200 * WARDI_S));
    assert_true(wardi_bucket_take(&b, 0, 0));
    assert_int_equal(b.refused, 2 + 1 + 1 + 1 + 4);
}

static void test_bucket_extremes(void **state)
{
    (void)state;
    wardi_bucket b = wardi_bucket_full(UINT32_MAX, UINT32_MAX);
    assert_true(wardi_bucket_take(&b, UINT32_MAX, 0));
    assert_false(wardi_bucket_take(&b, 1, 0));
    assert_true(wardi_bucket_take(&b, UINT32_MAX, UINT64_MAX));
    b.refused = UINT64_MAX;
    assert_false(wardi_bucket_take(&b, 1, UINT64_MAX));
    assert_int_equal(b.refused, UINT64_MAX);
    wardi_bucket once = wardi_bucket_full(0, 1), never = wardi_bucket_full(5, 0);
    assert_true(wardi_bucket_take(&once, 1, 1));
    assert_false(wardi_bucket_take(&once, 1, UINT64_MAX));
    assert_false(wardi_bucket_take(&never, 1, UINT64_MAX));
}

/* Over any time, and whatever the clock does: no more than the burst and what the latest time so
 * far allows. */
static void test_bucket_never_gives_more(void **state)
{
    (void)state;
    wardi_rng rng;
    for (uint64_t seed = 0; seed < 200; seed++) {
        wardi_rng_init(&rng, seed);
        uint32_t rate = (uint32_t)(1 + wardi_rng_next(&rng) % 1000);
        uint32_t burst = (uint32_t)(1 + wardi_rng_next(&rng) % 20);
        wardi_bucket b = wardi_bucket_full(rate, burst);
        const uint64_t start = 10 * WARDI_S;
        uint64_t now = start, latest = start, taken = 0, asked = 0;
        assert_true(wardi_bucket_take(&b, 0, start));
        for (int i = 0; i < 500; i++) {
            now += wardi_rng_next(&rng) % (2 * WARDI_S / rate);
            if (wardi_rng_next(&rng) % 8 == 0) now -= wardi_rng_next(&rng) % (now - WARDI_S);
            if (now > latest) latest = now;
            uint32_t n = (uint32_t)(wardi_rng_next(&rng) % 4);
            asked += n;
            if (wardi_bucket_take(&b, n, now)) taken += n;
            assert_true(taken <= burst + (latest - start) * rate / WARDI_S);
        }
        assert_int_equal(asked, taken + b.refused);
    }
}

static void test_meter(void **state)
{
    (void)state;
    wardi_meter m = {.budget = 100, .interval_ns = 1000};
    const uint64_t t = 123456789;
    assert_int_equal(wardi_meter_wait_ns(&m, t), 0);
    wardi_meter_use(&m, 99, t);
    assert_int_equal(wardi_meter_wait_ns(&m, t), 0);
    wardi_meter_use(&m, 1, t + 400); /* used up: until the interval ends */
    assert_int_equal(wardi_meter_wait_ns(&m, t + 400), 600);
    assert_int_equal(wardi_meter_wait_ns(&m, t + 999), 1);
    assert_int_equal(wardi_meter_wait_ns(&m, t + 1000), 0);
    wardi_meter_use(&m, 250, t + 1500); /* an interval from here; it and the next pay 200 */
    assert_int_equal(wardi_meter_wait_ns(&m, t + 1500), 2000);
    assert_int_equal(wardi_meter_wait_ns(&m, t + 3499), 1);
    assert_int_equal(wardi_meter_wait_ns(&m, t + 3500), 0);
    wardi_meter_use(&m, 49, t + 3500); /* of which 50 are left over */
    assert_int_equal(wardi_meter_wait_ns(&m, t + 3500), 0);
    wardi_meter_use(&m, 1, t + 3500);
    assert_int_equal(wardi_meter_wait_ns(&m, t + 3500), 1000);
    wardi_meter_use(&m, 100, t + 100700); /* rested in between */
    assert_int_equal(wardi_meter_wait_ns(&m, t + 100700), 1000);
}

static void test_meter_extremes(void **state)
{
    (void)state;
    wardi_meter none = {0};
    wardi_meter_use(&none, UINT64_MAX, 5);
    assert_int_equal(wardi_meter_wait_ns(&none, 5), 0);
    wardi_meter m = {.budget = 1, .interval_ns = UINT64_MAX};
    wardi_meter_use(&m, UINT64_MAX, 5);
    wardi_meter_use(&m, UINT64_MAX, 5);
    assert_int_equal(wardi_meter_wait_ns(&m, 5), UINT64_MAX - 5);
    wardi_meter slow = {.budget = 1, .interval_ns = 1000};
    wardi_meter_use(&slow, UINT64_MAX, 5);
    wardi_meter_use(&slow, 5, 5);
    assert_int_equal(wardi_meter_wait_ns(&slow, 5), UINT64_MAX - 5);
    wardi_meter big = {.budget = UINT64_MAX, .interval_ns = 1};
    wardi_meter_use(&big, UINT64_MAX, 5);
    assert_int_equal(wardi_meter_wait_ns(&big, 5), 1);
    assert_int_equal(wardi_meter_wait_ns(&big, UINT64_MAX), 0);
    wardi_meter back = {.budget = 10, .interval_ns = 1000};
    wardi_meter_use(&back, 10, 5000);
    wardi_meter_use(&back, 10, 4000); /* the clock went back: nothing is paid, nothing is lost */
    assert_int_equal(wardi_meter_wait_ns(&back, 4000), 3000);
    assert_int_equal(wardi_meter_wait_ns(&back, 7000), 0);
}

/* Who uses only when there is budget has used, at any time, at most a budget for each interval
 * begun and one use on top. What wait says is exact: one nanosecond before, there is none. */
static void test_meter_in_the_long_run(void **state)
{
    (void)state;
    wardi_rng rng;
    wardi_rng_init(&rng, 1);
    wardi_meter m = {.budget = 50, .interval_ns = 1000};
    const uint64_t start = 7777;
    uint64_t now = start, used = 0;
    for (int i = 0; i < 20000; i++) {
        uint64_t wait = wardi_meter_wait_ns(&m, now);
        if (wait != 0) {
            assert_int_equal(wardi_meter_wait_ns(&m, now + wait - 1), 1);
            now += wait;
            assert_int_equal(wardi_meter_wait_ns(&m, now), 0);
        }
        assert_true(used < ((now - start) / 1000 + 1) * 50);
        uint64_t amount = 1 + wardi_rng_next(&rng) % 120;
        wardi_meter_use(&m, amount, now);
        used += amount;
        now += wardi_rng_next(&rng) % 300;
    }
    assert_true(used > (now - start) / 1000 * 40); /* and it is let use its budget */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bucket),
        cmocka_unit_test(test_bucket_extremes),
        cmocka_unit_test(test_bucket_never_gives_more),
        cmocka_unit_test(test_meter),
        cmocka_unit_test(test_meter_extremes),
        cmocka_unit_test(test_meter_in_the_long_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
