/* The index of topics: against a plain list of subscriptions, through every failure of memory, and
 * with many. */
#include "kit.h"

/* ---- who was visited ---- */

enum { IDS = 64 };
typedef struct visits {
    uint32_t of[IDS];
    size_t count;
} visits;

static void visit(void *context, uint64_t id)
{
    visits *v = context;
    assert_true(id < IDS);
    v->of[id]++;
    v->count++;
}

static visits publish(wardi_topics *t, const char *topic)
{
    visits v = {0};
    ward_diag diag;
    if (wardi_topics_publish(t, topic, visit, &v, &diag) != WARD_OK) fail_msg("%s", diag.text);
    return v;
}

static void subscribe(wardi_topics *t, const char *pattern, uint64_t id)
{
    ward_diag diag;
    if (wardi_topics_subscribe(t, pattern, id, &diag) != WARD_OK) fail_msg("%s", diag.text);
}

static void check(const wardi_topics *t)
{
    const char *broken = wardi_topics_check(t);
    if (broken != NULL) fail_msg("%s", broken);
}

/* ---- by hand ---- */

static void test_visits_each_once(void **state)
{
    (void)state;
    wardi_topics *t = wardi_topics_new(1);
    subscribe(t, "a.b.c", 1);
    subscribe(t, "a.*.c", 1);
    subscribe(t, "a.#", 1);
    subscribe(t, "#", 1);
    subscribe(t, "a.*", 2);
    subscribe(t, "a.#", 3);
    assert_int_equal(wardi_topics_count(t, 1), 4);
    visits v = publish(t, "a.b.c");
    assert_int_equal(v.of[1], 1);
    assert_int_equal(v.of[2], 0);
    assert_int_equal(v.of[3], 1);
    assert_int_equal(publish(t, "a").of[3], 1); /* none is a number too */
    assert_int_equal(publish(t, "a.b").count, 3);
    assert_int_equal(publish(t, "b").count, 1);
    subscribe(t, "a.#", 3); /* twice is once */
    assert_int_equal(wardi_topics_count(t, 3), 1);
    assert_true(wardi_topics_unsubscribe(t, "a.#", 3));
    assert_false(wardi_topics_unsubscribe(t, "a.#", 3));
    assert_false(wardi_topics_unsubscribe(t, "a.*", 1));
    assert_false(wardi_topics_unsubscribe(t, "x.y", 1));
    assert_false(wardi_topics_unsubscribe(t, "a*", 1));
    assert_int_equal(publish(t, "a.x").count, 2);
    assert_int_equal(wardi_topics_unsubscribe_all(t, 1), 4);
    assert_int_equal(wardi_topics_unsubscribe_all(t, 1), 0);
    assert_int_equal(publish(t, "a.b").count, 1);
    check(t);
    assert_true(wardi_topics_unsubscribe(t, "a.*", 2));
    check(t); /* empty, to the last node */
    wardi_topics_free(t);
}

static void test_refuses_bad_topics(void **state)
{
    (void)state;
    static const char *const bad[] = {
        NULL, "", "a..b", "a/b", "a*", "#.a", "1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17"};
    wardi_topics *t = wardi_topics_new(1);
    subscribe(t, "#", 1);
    subscribe(t, "1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16", 2);
    visits v = {0};
    for (size_t i = 0; i < WARD_COUNT(bad); i++) {
        ward_diag diag = {0};
        assert_int_equal(wardi_topics_subscribe(t, bad[i], 1, &diag), WARD_ERROR_INVALID_ARGUMENT);
        assert_non_null(strstr(diag.text, "subscribe"));
        diag = (ward_diag){0};
        assert_int_equal(wardi_topics_publish(t, bad[i], visit, &v, &diag),
                         WARD_ERROR_INVALID_ARGUMENT);
        assert_non_null(strstr(diag.text, "publish"));
    }
    assert_int_equal(wardi_topics_publish(t, "a.*", visit, &v, NULL), WARD_ERROR_INVALID_ARGUMENT);
    assert_int_equal(v.count, 0);
    assert_int_equal(publish(t, "1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16").count, 2);
    wardi_topics_free(t);
}

/* ---- against a list ---- */

enum { LIST_MAX = 4000 };
typedef struct list {
    struct {
        char pattern[KIT_TEXT_BYTES];
        uint64_t id;
    } rows[LIST_MAX];
    size_t count;
} list;

static size_t list_find(const list *l, const char *pattern, uint64_t id)
{
    size_t i = 0;
    while (i < l->count && (l->rows[i].id != id || strcmp(l->rows[i].pattern, pattern) != 0)) i++;
    return i;
}

static void list_drop(list *l, size_t at)
{
    l->rows[at] = l->rows[--l->count];
}

static void random_pattern(wardi_rng *rng, const char *segments, char ret[KIT_TEXT_BYTES])
{
    size_t levels = 1 + wardi_rng_next(rng) % 5, at = 0, choices = strlen(segments);
    for (size_t i = 0; i < levels; i++) {
        char segment = segments[wardi_rng_next(rng) % choices];
        if (i > 0) ret[at++] = '.';
        ret[at++] = segment;
        if (segment == '#') break;
    }
    ret[at] = '\0';
}

static void compare_publish(wardi_topics *t, const list *l, const char *topic)
{
    bool wanted[IDS] = {false};
    for (size_t i = 0; i < l->count; i++)
        wanted[l->rows[i].id] |= plain_match(l->rows[i].pattern, topic);
    visits v = publish(t, topic);
    for (size_t id = 0; id < IDS; id++)
        if (v.of[id] != wanted[id]) fail_msg("%s: %zu was visited %u times", topic, id, v.of[id]);
}

static void step(wardi_topics *t, list *l, wardi_rng *rng)
{
    char text[KIT_TEXT_BYTES];
    uint64_t id = wardi_rng_next(rng) % IDS, what = wardi_rng_next(rng) % 100;
    random_pattern(rng, "abcd*#", text);
    if (l->count > 0 && what % 2 == 0) { /* else most would have no such subscription */
        size_t at = wardi_rng_next(rng) % l->count;
        strcpy(text, l->rows[at].pattern);
        id = l->rows[at].id;
    }
    size_t found = list_find(l, text, id);
    if (what < 40 && l->count < LIST_MAX) {
        subscribe(t, text, id);
        if (found == l->count) {
            strcpy(l->rows[l->count].pattern, text);
            l->rows[l->count++].id = id;
        }
    } else if (what < 60) {
        assert_int_equal(wardi_topics_unsubscribe(t, text, id), found < l->count);
        if (found < l->count) list_drop(l, found);
    } else if (what < 62) {
        size_t count = 0;
        for (size_t i = l->count; i-- > 0;)
            if (l->rows[i].id == id) {
                list_drop(l, i);
                count++;
            }
        assert_int_equal(wardi_topics_count(t, id), count);
        assert_int_equal(wardi_topics_unsubscribe_all(t, id), count);
    } else {
        random_pattern(rng, "abcd", text);
        compare_publish(t, l, text);
    }
}

static void test_against_a_list(void **state)
{
    (void)state;
    static list l;
    for (uint64_t seed = 0; seed < 100; seed++) {
        wardi_rng rng;
        wardi_rng_init(&rng, seed);
        wardi_topics *t = wardi_topics_new(seed);
        l.count = 0;
        for (int i = 0; i < 1500; i++) {
            step(t, &l, &rng);
            if (i % 50 == 0) check(t);
        }
        check(t);
        assert_true(l.count > 0);
        while (l.count > 0) {
            assert_true(wardi_topics_unsubscribe(t, l.rows[0].pattern, l.rows[0].id));
            list_drop(&l, 0);
        }
        check(t);
        wardi_topics_free(t);
    }
}

/* ---- without memory ---- */

static long allocations_left;

static bool gate(void *context, size_t size)
{
    (void)context, (void)size;
    return allocations_left-- > 0;
}

/* Whichever allocation fails, the index is as before; the next attempt succeeds. */
static void fail_at_each(wardi_topics *t, const char *pattern, uint64_t id)
{
    ward_error error = WARD_ERROR_NO_MEMORY;
    size_t before = wardi_topics_count(t, id);
    for (long n = 0; error != WARD_OK; n++) {
        assert_true(n < 50);
        allocations_left = n;
        wardi_alloc_gate_set(gate, NULL);
        error = wardi_topics_subscribe(t, pattern, id, NULL);
        wardi_alloc_gate_set(NULL, NULL);
        check(t);
        assert_int_equal(wardi_topics_count(t, id), before + (error == WARD_OK));
        assert_true(error == WARD_OK || error == WARD_ERROR_NO_MEMORY);
        assert_true(n > 0 || error == WARD_ERROR_NO_MEMORY);
    }
}

static void test_no_memory(void **state)
{
    (void)state;
    wardi_topics *t = NULL;
    for (allocations_left = 0; t == NULL;) {
        long n = allocations_left;
        wardi_alloc_gate_set(gate, NULL);
        t = wardi_topics_new(1);
        wardi_alloc_gate_set(NULL, NULL);
        assert_true(t != NULL || n < 10);
        allocations_left = n + 1;
    }
    char pattern[64];
    for (unsigned i = 0; i < 40; i++) { /* the tables grow on the way */
        snprintf(pattern, sizeof pattern, "a.%u.*.x%u.#", i, i % 7);
        fail_at_each(t, pattern, i % 20);
    }
    fail_at_each(t, "a.3.*", 3);
    wardi_topics_free(t);
}

/* Tables that may not grow are slower, and nothing else. */
static void test_tables_that_cannot_grow(void **state)
{
    (void)state;
    wardi_topics *t = wardi_topics_new(1);
    char topic[32];
    for (unsigned i = 0; i < 500; i++) {
        snprintf(topic, sizeof topic, "t.%u", i);
        ward_error error = WARD_ERROR_NO_MEMORY;
        for (long n = 0; error != WARD_OK; n++) { /* as few as will do: none for the tables */
            allocations_left = n;
            wardi_alloc_gate_set(gate, NULL);
            error = wardi_topics_subscribe(t, topic, i % IDS, NULL);
            wardi_alloc_gate_set(NULL, NULL);
        }
    }
    check(t);
    assert_int_equal(publish(t, "t.499").of[499 % IDS], 1);
    subscribe(t, "t.*", 1); /* and now they grow */
    check(t);
    assert_int_equal(publish(t, "t.499").count, 2);
    wardi_topics_free(t);
}

/* ---- many ---- */

static void count_visit(void *context, uint64_t id)
{
    *(uint64_t *)context += id;
}

/* A hundred thousand subscriptions, and as many publishes: in no time if each costs what it
 * matches, and for minutes if each walks them all. The same for a hundred thousand of one node, and
 * of one subscriber. */
static void test_many(void **state)
{
    (void)state;
    enum { MANY = 100000 };
    wardi_topics *t = wardi_topics_new(1);
    char topic[64];
    for (uint64_t i = 0; i < MANY; i++) {
        snprintf(topic, sizeof topic, "sensors.%u.%u", (unsigned)(i % 100), (unsigned)i);
        subscribe(t, topic, i);
        subscribe(t, "news.#", i);
        subscribe(t, topic, MANY);
    }
    check(t);
    for (uint64_t i = 0; i < MANY; i++) {
        uint64_t sum = 0;
        snprintf(topic, sizeof topic, "sensors.%u.%u", (unsigned)(i % 100), (unsigned)i);
        assert_int_equal(wardi_topics_publish(t, topic, count_visit, &sum, NULL), WARD_OK);
        assert_int_equal(sum, i + MANY);
    }
    uint64_t sum = 0;
    assert_int_equal(wardi_topics_publish(t, "news.today", count_visit, &sum, NULL), WARD_OK);
    assert_int_equal(sum, (uint64_t)MANY * (MANY - 1) / 2);
    assert_int_equal(wardi_topics_unsubscribe_all(t, MANY), MANY);
    for (uint64_t i = 0; i < MANY; i++) assert_int_equal(wardi_topics_unsubscribe_all(t, i), 2);
    check(t);
    wardi_topics_free(t);
}

/* The worst a topic can meet: at each level both a name and a `*`. */
static void test_both_at_every_level(void **state)
{
    (void)state;
    wardi_topics *t = wardi_topics_new(1);
    char pattern[2 * WARDI_TOPIC_SEGMENTS_MAX], topic[2 * WARDI_TOPIC_SEGMENTS_MAX];
    for (unsigned mask = 0; mask < 1U << WARDI_TOPIC_SEGMENTS_MAX; mask++) {
        for (unsigned i = 0; i < WARDI_TOPIC_SEGMENTS_MAX; i++) {
            pattern[2 * i] = (mask >> i & 1) != 0 ? '*' : 'a';
            topic[2 * i] = 'a';
            pattern[2 * i + 1] = topic[2 * i + 1] = '.';
        }
        pattern[sizeof pattern - 1] = topic[sizeof topic - 1] = '\0';
        subscribe(t, pattern, mask % IDS);
    }
    visits v = publish(t, topic);
    assert_int_equal(v.count, IDS);
    check(t);
    wardi_topics_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_visits_each_once),        cmocka_unit_test(test_refuses_bad_topics),
        cmocka_unit_test(test_against_a_list),          cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_tables_that_cannot_grow), cmocka_unit_test(test_many),
        cmocka_unit_test(test_both_at_every_level),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
