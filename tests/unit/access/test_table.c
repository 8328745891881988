/* The table: equal hashes, equal chains, growing and removing. */
#include "access/table.h"

#include "kit.h"

enum { LINKS = 200 };

/* Which of the links are found by `hash`, each once. */
static void expect(const table *t, const table_link *links, const bool *in, uint64_t hash)
{
    bool found[LINKS] = {false};
    for (table_link *at = table_first(t, hash); at != NULL; at = table_next(at)) {
        assert_int_equal(at->hash, hash);
        assert_false(found[at - links]);
        found[at - links] = true;
    }
    for (size_t i = 0; i < LINKS; i++) assert_int_equal(found[i], in[i] && links[i].hash == hash);
}

/* Hashes that are equal, and hashes that share a chain until the table grows, or for ever. */
static void test_equal_hashes(void **state)
{
    (void)state;
    static const uint64_t hashes[] = {0, 16, 64, 1, UINT64_C(1) << 63, 7};
    table_link links[LINKS];
    bool in[LINKS] = {false};
    table t;
    assert_true(table_init(&t));
    for (size_t i = 0; i < LINKS; i++) {
        table_put(&t, &links[i], hashes[i % WARD_COUNT(hashes)]);
        in[i] = true;
    }
    assert_int_equal(t.count, LINKS);
    assert_true(t.capacity >= LINKS);
    for (size_t step = 0; step < LINKS; step++) {
        for (size_t h = 0; h < WARD_COUNT(hashes); h++) expect(&t, links, in, hashes[h]);
        expect(&t, links, in, 32); /* in the chain of another, and not there */
        size_t gone = step * 7 % LINKS;
        table_remove(&t, &links[gone]);
        in[gone] = false;
        assert_int_equal(t.count, LINKS - 1 - step);
    }
    table_done(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_equal_hashes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
