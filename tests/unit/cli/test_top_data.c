/* What is read from the host's answers, and rates from one to the next. */
#include "unit/cli/top_kit.h"

static top_history history;

static int forget(void **state)
{
    (void)state;
    top_history_done(&history);
    return 0;
}

static json_t *json_of(const char *text)
{
    json_error_t error;
    json_t *json = json_loads(text, 0, &error);
    if (json == NULL) fail_msg("%s", error.text);
    return json;
}

static void rows_are_read(void **state)
{
    (void)state;
    top_row row;
    json_t *json = json_of(
        "{\"name\":\"api\",\"kind\":\"component\",\"condition\":\"degraded\",\"ready\":true,"
        "\"reason\":\"slow \\u001b[2J\",\"since\":\"2026-11-30T12:00:00.5Z\",\"figures\":"
        "{\"restarts\":3,\"waiting\":1,\"waiting_max\":64,\"handled\":9,\"memory_bytes\":65536,"
        "\"memory_bytes_max\":1048576,\"probes\":4,\"probe_ns_total\":4000,\"inside_ns\":5000}}");
    top_row_read(&row, json);
    json_decref(json);
    assert_string_equal(row.name, "api");
    assert_string_equal(row.condition, "degraded");
    assert_string_equal(row.reason, "slow \x1b[2J"); /* drawing sees to that */
    assert_true(row.ready && row.has_figures && !row.is_group && !row.has_rates);
    assert_int_equal(row.restarts, 3);
    assert_int_equal(row.waiting_max, 64);
    assert_true(row.latency_ns == 1000);
    assert_int_equal(row.since_wall_ns % WARDI_S, 500 * WARDI_MS);
}

/* A host that says anything is read as far as it goes. */
static void nonsense_is_read(void **state)
{
    static const char *const texts[] = {
        "{}", "[]", "{\"name\":7,\"figures\":[1],\"ready\":\"yes\",\"since\":\"never\"}",
        "{\"figures\":{\"restarts\":-1,\"probes\":\"x\"},\"components\":3,\"journal\":true}"};
    (void)state;
    for (size_t i = 0; i < WARD_COUNT(texts); i++) {
        top_row row;
        top_host host;
        json_t *json = json_of(texts[i]);
        top_row_read(&row, json);
        top_host_read(&host, json);
        assert_string_equal(row.name, "");
        assert_int_equal(row.probes, 0);
        json_decref(json);
    }
    char long_name[400], whole[500];
    memset(long_name, 'n', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    snprintf(whole, sizeof whole, "{\"name\":\"%s\"}", long_name);
    json_t *json = json_of(whole);
    top_row row;
    top_row_read(&row, json);
    assert_int_equal(strlen(row.name), TOP_NAME_BYTES - 1);
    json_decref(json);
}

static top_row row_of(const char *name, uint64_t handled, uint64_t inside_ns, uint64_t probes)
{
    top_row row = {.has_figures = true,
                   .handled = handled,
                   .inside_ns = inside_ns,
                   .probes = probes,
                   .probe_ns_total = probes * 100,
                   .latency_ns = 100};
    strcpy(row.name, name);
    return row;
}

static void rates_are_of_the_time_between(void **state)
{
    (void)state;
    top_row rows[] = {row_of("b", 100, 0, 10), row_of("a", 5, 5, 5)};
    top_history_rows(&history, rows, 2, 10 * WARDI_S);
    assert_false(rows[0].has_rates);
    /* Two seconds later, in another order. */
    top_row again[] = {row_of("a", 5, 5 + WARDI_S, 5), row_of("b", 300, WARDI_S / 2, 20),
                       row_of("new", 1, 1, 1)};
    again[1].probe_ns_total = 1000 + 10 * 7000;
    top_history_rows(&history, again, 3, 12 * WARDI_S);
    assert_true(again[0].has_rates && again[1].has_rates && !again[2].has_rates);
    assert_true(again[0].messages_a_second == 0);
    assert_true(again[0].cpu == 0.5);
    assert_true(again[0].latency_ns == 100); /* no check meanwhile: as before */
    assert_true(again[1].messages_a_second == 100);
    assert_true(again[1].cpu == 0.25);
    assert_true(again[1].latency_ns == 7000);
}

static void short_spans_tell_nothing(void **state)
{
    (void)state;
    top_row first = row_of("a", 0, 0, 0), second = row_of("a", 200, 0, 0);
    top_row third = row_of("a", 201, 0, 0), fourth = row_of("a", 300, 0, 0);
    top_history_rows(&history, &first, 1, 10 * WARDI_S);
    top_history_rows(&history, &second, 1, 12 * WARDI_S);
    top_history_rows(&history, &third, 1, 12 * WARDI_S + 1);
    assert_true(third.has_rates && third.messages_a_second == 100);
    /* And they do not shorten the next: it is from 12 s on. */
    top_history_rows(&history, &fourth, 1, 13 * WARDI_S);
    assert_true(fourth.messages_a_second == 100);
}

static void another_of_that_name_has_no_past(void **state)
{
    (void)state;
    top_row first = row_of("a", 100, 100, 100), second = row_of("a", 1, 1, 1);
    top_history_rows(&history, &first, 1, 10 * WARDI_S);
    top_history_rows(&history, &second, 1, 12 * WARDI_S);
    assert_false(second.has_rates);
    top_history_rows(&history, NULL, 0, 14 * WARDI_S);
    top_row third = row_of("a", 2, 2, 2);
    top_history_rows(&history, &third, 1, 16 * WARDI_S);
    assert_false(third.has_rates); /* it was not there in between */
}

static void the_host_has_rates(void **state)
{
    (void)state;
    top_host one = {.run = 1, .events = 10, .cpu_ns = 0, .events_a_second = -1, .cpu = -1};
    top_host two = one, three = one, other = one;
    top_history_host(&history, &one, 10 * WARDI_S);
    assert_true(one.cpu < 0);
    two.events = 30;
    two.cpu_ns = WARDI_S;
    top_history_host(&history, &two, 12 * WARDI_S);
    assert_true(two.events_a_second == 10 && two.cpu == 0.5);
    three.events = 31;
    three.cpu_ns = WARDI_S;
    top_history_host(&history, &three, 12 * WARDI_S + 1);
    assert_true(three.events_a_second == 10);
    other.run = 2; /* it was started anew */
    other.events = 1000;
    top_history_host(&history, &other, 14 * WARDI_S);
    assert_true(other.events_a_second < 0);
}

static void orders_of_now(void **state)
{
    (void)state;
    top_row rows[] = {row_of("m.10", 0, 0, 0), row_of("m.9", 0, 0, 0), row_of("busy", 0, 0, 0)};
    rows[2].cpu = 0.5;
    rows[1].latency_ns = 900;
    rows[0].messages_a_second = 7;
    top_rows_sort(rows, 3, TOP_BY_CPU, false);
    assert_string_equal(rows[0].name, "busy");
    assert_string_equal(rows[1].name, "m.9"); /* equals by name, as people count */
    top_rows_sort(rows, 3, TOP_BY_CPU, true);
    assert_string_equal(rows[2].name, "busy");
    top_rows_sort(rows, 3, TOP_BY_LATENCY, false);
    assert_string_equal(rows[0].name, "m.9");
    top_rows_sort(rows, 3, TOP_BY_MESSAGES, false);
    assert_string_equal(rows[0].name, "m.10");
    assert_int_equal(top_sort_of("cpu"), TOP_BY_CPU);
    assert_int_equal(top_sort_of(NULL), TOP_BY_CONDITION);
}

static bool refuse(void *context, size_t size)
{
    (void)context;
    (void)size;
    return false;
}

static void without_memory_there_are_no_rates(void **state)
{
    (void)state;
    top_row first = row_of("a", 0, 0, 0), second = row_of("a", 200, 0, 0), third = second;
    top_history_rows(&history, &first, 1, 10 * WARDI_S);
    wardi_alloc_gate_set(refuse, NULL);
    top_history_rows(&history, &second, 1, 12 * WARDI_S);
    wardi_alloc_gate_set(NULL, NULL);
    assert_int_equal(history.count, 0);
    top_history_rows(&history, &third, 1, 14 * WARDI_S);
    assert_false(third.has_rates);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_read),
        cmocka_unit_test(nonsense_is_read),
        cmocka_unit_test_teardown(rates_are_of_the_time_between, forget),
        cmocka_unit_test_teardown(short_spans_tell_nothing, forget),
        cmocka_unit_test_teardown(another_of_that_name_has_no_past, forget),
        cmocka_unit_test_teardown(the_host_has_rates, forget),
        cmocka_unit_test(orders_of_now),
        cmocka_unit_test_teardown(without_memory_there_are_no_rates, forget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
