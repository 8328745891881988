/* The health of a group: every policy against every count of few children, by another way of
 * saying it; and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "health/health.h"

/* Whether so many of the children are at least as well. */
static bool enough(const ward_group_health *policy, uint32_t these, uint32_t all)
{
    switch (policy->rule) {
    case WARD_GROUP_ALL: return these == all;
    case WARD_GROUP_ANY: return these > 0;
    case WARD_GROUP_AT_LEAST: return these >= policy->least;
    case WARD_GROUP_AT_LEAST_PERCENT: return 100 * these >= policy->least * all;
    }
    return false;
}

static void judge_every_count(const ward_group_health *policy)
{
    enum { MOST = 7 };
    for (uint32_t all = 0; all <= MOST; all++)
        for (uint32_t healthy = 0; healthy <= all; healthy++)
            for (uint32_t degraded = 0; healthy + degraded <= all; degraded++)
                for (uint32_t ready = 0; ready <= all; ready++) {
                    wardi_group_counts counts = {.children = all,
                                                 .healthy = healthy,
                                                 .degraded = degraded,
                                                 .failed = all - healthy - degraded,
                                                 .ready = ready};
                    ward_child_health wanted = WARD_CHILD_FAILED;
                    if (enough(policy, healthy + degraded, all)) wanted = WARD_CHILD_DEGRADED;
                    if (enough(policy, healthy, all)) wanted = WARD_CHILD_HEALTHY;
                    assert_int_equal(wardi_group_judge(policy, &counts), wanted);
                    assert_int_equal(wardi_group_ready(policy, &counts),
                                     enough(policy, ready, all));
                }
}

static void every_policy_and_count(void **state)
{
    (void)state;
    judge_every_count(&(ward_group_health){WARD_GROUP_ALL, 0});
    judge_every_count(&(ward_group_health){WARD_GROUP_ANY, 0});
    for (uint32_t least = 1; least <= 9; least++)
        judge_every_count(&(ward_group_health){WARD_GROUP_AT_LEAST, least});
    for (uint32_t least = 1; least <= 100; least++)
        judge_every_count(&(ward_group_health){WARD_GROUP_AT_LEAST_PERCENT, least});
}

/* As docs/supervision.md has it, row by row. */
static void the_table_of_the_document(void **state)
{
    (void)state;
    enum { H = WARD_CHILD_HEALTHY, D = WARD_CHILD_DEGRADED, F = WARD_CHILD_FAILED, COLUMNS = 6 };
    static const wardi_group_counts columns[COLUMNS] = {
        {.children = 4, .healthy = 4},
        {.children = 4, .healthy = 3, .degraded = 1},
        {.children = 4, .healthy = 2, .degraded = 1, .failed = 1},
        {.children = 4, .healthy = 1, .failed = 3},
        {.children = 4, .failed = 4},
        {.children = 0},
    };
    static const struct {
        ward_group_health policy;
        int health[COLUMNS];
    } rows[] = {
        {{WARD_GROUP_ALL, 0}, {H, D, F, F, F, H}},
        {{WARD_GROUP_ANY, 0}, {H, H, H, H, F, F}},
        {{WARD_GROUP_AT_LEAST, 2}, {H, H, H, F, F, F}},
        {{WARD_GROUP_AT_LEAST_PERCENT, 75}, {H, H, D, F, F, H}},
        {{WARD_GROUP_AT_LEAST, 5}, {F, F, F, F, F, F}},
    };
    for (size_t i = 0; i < WARD_COUNT(rows); i++)
        for (int j = 0; j < COLUMNS; j++)
            assert_int_equal(wardi_group_judge(&rows[i].policy, &columns[j]), rows[i].health[j]);
}

static void many_do_not_overflow(void **state)
{
    (void)state;
    ward_group_health most = {WARD_GROUP_AT_LEAST_PERCENT, 100};
    assert_int_equal(wardi_group_least(&most, UINT32_MAX), UINT32_MAX);
    most.least = 99;
    assert_int_equal(wardi_group_least(&most, 1000), 990);
    assert_int_equal(wardi_group_least(&most, 1001), 991);
}

static void what_is_no_policy_is_refused(void **state)
{
    (void)state;
    static const ward_group_health good[] = {{WARD_GROUP_ALL, 0},
                                             {WARD_GROUP_ANY, 0},
                                             {WARD_GROUP_AT_LEAST, 1},
                                             {WARD_GROUP_AT_LEAST, UINT32_MAX},
                                             {WARD_GROUP_AT_LEAST_PERCENT, 1},
                                             {WARD_GROUP_AT_LEAST_PERCENT, 100}};
    static const ward_group_health bad[] = {{WARD_GROUP_ALL, 1},
                                            {WARD_GROUP_ANY, 1},
                                            {WARD_GROUP_AT_LEAST, 0},
                                            {WARD_GROUP_AT_LEAST_PERCENT, 0},
                                            {WARD_GROUP_AT_LEAST_PERCENT, 101},
                                            {(ward_group_rule)4, 1}};
    for (size_t i = 0; i < WARD_COUNT(good); i++)
        assert_int_equal(wardi_group_health_check(&good[i], NULL), WARD_OK);
    for (size_t i = 0; i < WARD_COUNT(bad); i++) {
        ward_diag diag = {0};
        assert_int_equal(wardi_group_health_check(&bad[i], &diag), WARD_ERROR_INVALID_ARGUMENT);
        assert_true(diag.text[0] != '\0');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_policy_and_count), cmocka_unit_test(the_table_of_the_document),
        cmocka_unit_test(many_do_not_overflow), cmocka_unit_test(what_is_no_policy_is_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
