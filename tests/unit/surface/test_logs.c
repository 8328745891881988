/* The last lines of guests: what is kept, what makes way, what is found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "surface/logs.h"

static void put(logs *l, const char *component, ward_log_level level, const char *text)
{
    ward_log_field fields[] = {{"key", "value"}, {"other", ""}};
    ward_log_line line = {.size = sizeof line,
                          .component = component,
                          .level = level,
                          .text = text,
                          .fields = fields,
                          .field_count = 2};
    logs_put(l, &line);
}

static size_t found_are(logs *l, logs_query query, const char *const *texts, uint64_t *ret_next)
{
    size_t count;
    uint64_t next;
    logs_found *found = logs_find(l, &query, &count, &next);
    assert_non_null(found);
    for (size_t i = 0; i < count && texts != NULL; i++) {
        assert_string_equal(found[i].line.text, texts[i]);
        assert_string_equal(found[i].line.fields[0].value, "value");
        assert_string_equal(found[i].line.fields[1].key, "other");
    }
    wardi_free(found);
    if (ret_next != NULL) *ret_next = next;
    return count;
}

static void test_find(void **state)
{
    (void)state;
    uint64_t next;
    logs *l = logs_new();
    assert_int_equal(found_are(l, (logs_query){.limit = 10}, NULL, &next), 0);
    assert_int_equal(next, 0);
    put(l, "a", WARD_LOG_INFO, "one");
    put(l, "a.7", WARD_LOG_WARN, "two");
    put(l, "ab", WARD_LOG_ERROR, "three");
    put(l, "a.x", WARD_LOG_INFO, "four");
    put(l, "a", WARD_LOG_DEBUG, "five");
    assert_int_equal(found_are(l, (logs_query){.component = "a", .limit = 10},
                               (const char *[]){"one", "two", "five"}, &next),
                     3);
    assert_int_equal(next, 5);
    assert_int_equal(found_are(l, (logs_query){.limit = 2}, (const char *[]){"four", "five"}, NULL),
                     2);
    assert_int_equal(found_are(l, (logs_query){.level = WARD_LOG_WARN, .limit = 9},
                               (const char *[]){"two", "three"}, NULL),
                     2);
    assert_int_equal(found_are(l, (logs_query){.after = next, .limit = 9}, NULL, NULL), 0);
    put(l, "b", WARD_LOG_INFO, "six");
    assert_int_equal(
        found_are(l, (logs_query){.after = next, .limit = 9}, (const char *[]){"six"}, NULL), 1);
    logs_free(l);
}

static void test_makes_way(void **state)
{
    (void)state;
    char text[WARD_LOG_TEXT_BYTES_MAX + 1];
    logs *l = logs_new();
    for (int i = 0; i < 20000; i++) {
        snprintf(text, sizeof text, "%d", i);
        put(l, "a", WARD_LOG_INFO, text);
    }
    size_t count = found_are(l, (logs_query){.limit = 30000}, NULL, NULL);
    assert_int_equal(count, 8192);
    assert_int_equal(found_are(l, (logs_query){.limit = 1}, (const char *[]){"19999"}, NULL), 1);
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    for (int i = 0; i < 20000; i++) put(l, "a", WARD_LOG_INFO, text);
    count = found_are(l, (logs_query){.limit = 30000}, NULL, NULL);
    assert_in_range(count, 5000, 8191); /* bounded by bytes now */
    logs_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_find),
                                       cmocka_unit_test(test_makes_way)};
    return cmocka_run_group_tests_name("surface logs", tests, NULL, NULL);
}
