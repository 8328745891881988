/* The first of many in an order, whatever the order in which they are looked at. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "surface/ranking.h"

enum { MEMBERS = 300 };

static char names[MEMBERS][16];
static view_member members[MEMBERS];
static ranking_entry sorted[MEMBERS];

static int by_key_then_name(const void *a, const void *b)
{
    const ranking_entry *one = a, *other = b;
    if (one->key != other->key) return one->key < other->key ? -1 : 1;
    return strverscmp(one->member->name, other->member->name);
}

/* Members in an order by chance, with keys of which many are equal. */
static void make(uint64_t seed)
{
    wardi_rng rng;
    wardi_rng_init(&rng, seed);
    for (size_t i = 0; i < MEMBERS; i++) {
        snprintf(names[i], sizeof names[i], "m.%zu", i);
        members[i] = (view_member){.name = names[i]};
        sorted[i] = (ranking_entry){wardi_rng_next(&rng) % 20, &members[i]};
    }
    for (size_t i = MEMBERS - 1; i > 0; i--) {
        size_t with = (size_t)(wardi_rng_next(&rng) % (i + 1));
        ranking_entry kept = sorted[i];
        sorted[i] = sorted[with];
        sorted[with] = kept;
    }
}

static void expect_page(ranking *r, size_t from, size_t left, bool reverse)
{
    ranking_sort(r, from);
    qsort(sorted, left, sizeof sorted[0], by_key_then_name);
    for (size_t i = from; i < r->count; i++) {
        const ranking_entry *wanted = &sorted[reverse ? left - 1 - i : i];
        assert_ptr_equal(r->entries[i].member, wanted->member);
        assert_int_equal(r->entries[i].key, wanted->key);
    }
}

static void pages_are_as_if_all_were_sorted(void **state)
{
    static const size_t rooms[] = {1, 2, 7, 50, MEMBERS, MEMBERS + 100};
    (void)state;
    for (uint64_t seed = 1; seed < 40; seed++) {
        for (size_t i = 0; i < 2 * WARD_COUNT(rooms); i++) {
            ranking r;
            size_t room = rooms[i / 2];
            bool reverse = i % 2 != 0;
            make(seed);
            assert_true(ranking_init(&r, room, reverse));
            for (size_t m = 0; m < MEMBERS; m++) ranking_offer(&r, sorted[m].member, sorted[m].key);
            assert_int_equal(r.count, room < MEMBERS ? room : MEMBERS);
            expect_page(&r, (size_t)(seed % 5) < r.count ? (size_t)(seed % 5) : 0, MEMBERS,
                        reverse);
            ranking_done(&r);
        }
    }
}

/* Whoever goes before the end is not in the page, and nobody else is missing from it: a page with
 * room for all. */
static void who_goes_is_forgotten(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed < 60; seed++) {
        ranking r;
        size_t left = MEMBERS;
        make(seed);
        assert_true(ranking_init(&r, MEMBERS, false));
        for (size_t m = 0; m < MEMBERS; m++) ranking_offer(&r, sorted[m].member, sorted[m].key);
        for (uint64_t gone = 0; gone < seed; gone++) {
            size_t at = (size_t)(gone * 7919 % left);
            ranking_forget(&r, sorted[at].member);
            ranking_forget(&r, sorted[at].member); /* once more is nothing */
            sorted[at] = sorted[--left];
        }
        assert_int_equal(r.count, left);
        expect_page(&r, 0, left, false);
        ranking_done(&r);
    }
}

static void orders_have_names(void **state)
{
    ranking_by by = RANKING_CPU;
    (void)state;
    assert_true(ranking_by_of("name", &by));
    assert_int_equal(by, RANKING_NAME);
    assert_true(ranking_by_of("cpu", &by));
    assert_int_equal(by, RANKING_CPU);
    assert_false(ranking_by_of("", &by));
    assert_false(ranking_by_of("nam", &by));
    assert_int_equal(by, RANKING_CPU);
    assert_true(ranking_of_condition(VIEW_UNHEALTHY) < ranking_of_condition(VIEW_DEGRADED));
    assert_true(ranking_of_condition(VIEW_STOPPED) < ranking_of_condition(VIEW_HEALTHY));
    assert_true(ranking_of_most(7) < ranking_of_most(6));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_are_as_if_all_were_sorted),
        cmocka_unit_test(who_goes_is_forgotten),
        cmocka_unit_test(orders_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
