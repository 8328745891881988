/* Percentiles are within a sixteenth of the figures they stand for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/histogram.h"

static void percentiles(void **state)
{
    static wardi_histogram histogram;
    static const double shares[] = {0.5, 0.9, 0.99, 0.999};
    (void)state;
    memset(&histogram, 0, sizeof histogram);
    for (uint64_t ns = 1; ns <= 100000; ns++) wardi_histogram_add(&histogram, ns);
    assert_int_equal(histogram.count, 100000);
    assert_int_equal(histogram.min, 1);
    assert_int_equal(histogram.max, 100000);
    for (size_t i = 0; i < WARD_COUNT(shares); i++) {
        double exact = shares[i] * 100000;
        double found = (double)wardi_histogram_at(&histogram, shares[i]);
        assert_true(found >= exact);
        assert_true(found <= exact * 17 / 16);
    }
    assert_int_equal(wardi_histogram_at(&histogram, 1.0), 100000);
}

static void edges(void **state)
{
    static wardi_histogram histogram;
    static const uint64_t figures[] = {0, 1, 15, 16, 17, 31, 32, UINT64_C(1) << 40, UINT64_MAX};
    (void)state;
    assert_int_equal(wardi_histogram_at(&histogram, 0.5), 0);
    for (size_t i = 0; i < WARD_COUNT(figures); i++) {
        memset(&histogram, 0, sizeof histogram);
        wardi_histogram_add(&histogram, figures[i]);
        assert_int_equal(wardi_histogram_at(&histogram, 0.0), figures[i]);
        assert_int_equal(wardi_histogram_at(&histogram, 1.0), figures[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(percentiles), cmocka_unit_test(edges)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
