/* The parts of /metrics that need no supervisor: the table and its reference, times, sums, and the
 * names of guests. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "surface/metrics_priv.h"

/* ---- the table, and docs/metrics.md ---- */

static char *slurp(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, TEST_DIR "/../%s", name);
    FILE *file = fopen(path, "re");
    if (file == NULL) fail_msg("%s is missing", name);
    char *text = NULL;
    size_t room = 0;
    ssize_t length = getdelim(&text, &room, '\0', file);
    fclose(file);
    if (length < 0) fail_msg("%s is empty", name);
    return text;
}

static const char *type_name(wardi_family_type type)
{
    static const char *const names[] = {"counter", "gauge", "histogram", "stateset", "info"};
    return names[type];
}

static void put_labels(wardi_text *row, const metrics_family *f)
{
    char labels[256];
    snprintf(labels, sizeof labels, "%s%s%s", f->labels, f->text.type == WARDI_STATESET ? ", " : "",
             f->text.type == WARDI_STATESET ? f->text.name : "");
    char *rest = labels;
    for (const char *label; (label = strtok_r(rest, ", ", &rest)) != NULL;)
        wardi_text_printf(row, "%s`%s`", label == labels ? "" : ", ", label);
}

/* The line of the reference. */
static void put_row(wardi_text *row, const metrics_family *f)
{
    const char *suffix = f->text.type == WARDI_COUNTER ? "_total"
                         : f->text.type == WARDI_INFO  ? "_info"
                                                       : "";
    wardi_text_printf(row, "\n| `%s%s` | %s | ", f->text.name, suffix, type_name(f->text.type));
    put_labels(row, f);
    wardi_text_printf(row, " | %s | %s |\n", f->text.unit, f->text.help);
}

static size_t rows_in(const char *document)
{
    size_t count = 0;
    for (const char *at = document; (at = strstr(at, "\n| `")) != NULL; at++)
        count += strncmp(at, "\n| `ward_", 9) == 0 || strncmp(at, "\n| `process_", 12) == 0;
    return count;
}

/* With WARD_METRICS_ROWS set it prints all of them, for whoever writes the reference. */
static void the_reference_is_the_table(void **state)
{
    (void)state;
    char *document = slurp("docs/metrics.md");
    bool print = getenv("WARD_METRICS_ROWS") != NULL;
    size_t missing = 0;
    for (size_t i = 0; i < metrics_family_count; i++) {
        char row[1024];
        wardi_text text = WARDI_TEXT(row);
        put_row(&text, &metrics_families[i]);
        assert_false(text.cut);
        if (print || strstr(document, row) == NULL) printf("%s", row + 1);
        missing += strstr(document, row) == NULL;
    }
    if (missing != 0) fail_msg("docs/metrics.md lacks these lines, or says something else");
    assert_int_equal(rows_in(document), metrics_family_count);
    free(document);
}

/* What readers and linters ask of a family. */
static void the_table_keeps_the_rules(void **state)
{
    (void)state;
    for (size_t i = 0; i < metrics_family_count; i++) {
        const metrics_family *f = &metrics_families[i];
        const char *name = f->text.name;
        size_t length = strlen(name), unit = strlen(f->text.unit);
        bool own = strncmp(name, "ward_", 5) == 0 || strncmp(name, "process_", 8) == 0;
        if (!own || strncmp(name, "ward_guest_", 11) == 0) fail_msg("%s", name);
        if (unit != 0 && strcmp(name + length - unit, f->text.unit) != 0)
            fail_msg("%s: its unit is no suffix", name);
        if (f->seconds != (strcmp(f->text.unit, "seconds") == 0)) fail_msg("%s: seconds", name);
        if (strstr(name, "_total") != NULL || strstr(name, "_info") != NULL) fail_msg("%s", name);
        bool histogram = f->text.type == WARDI_HISTOGRAM;
        assert_true(histogram == (f->bound != NULL) && histogram == (f->buckets != 0));
        if (histogram) assert_true(isinf(f->bound(f->buckets - 1u)));
        for (size_t j = 0; histogram && j + 1 < f->buckets; j++)
            assert_true(f->bound(j) < f->bound(j + 1));
        for (size_t j = 0; j < i; j++) assert_string_not_equal(name, metrics_families[j].text.name);
        size_t slots = f->scope == OF_HOST ? (size_t)HOST_SLOTS : (size_t)SLOT_COUNT;
        assert_true(f->slot < slots && f->on < slots);
    }
}

static void the_process_is_known(void **state)
{
    (void)state;
    uint64_t slots[HOST_SLOTS] = {0}, again[HOST_SLOTS] = {0};
    metrics_process(slots);
    assert_true(slots[HOST_PROCESS_RESIDENT] > 100000);
    assert_true(slots[HOST_PROCESS_VIRTUAL] >= slots[HOST_PROCESS_RESIDENT]);
    assert_int_equal(slots[HOST_PROCESS_THREADS], 1);
    assert_true(slots[HOST_PROCESS_OPEN_FDS] >= 3);
    assert_true(slots[HOST_PROCESS_MAX_FDS] >= slots[HOST_PROCESS_OPEN_FDS]);
    assert_true(slots[HOST_PROCESS_CPU_NS] > 0);
    uint64_t now_ns = wardi_wall_ns();
    assert_true(slots[HOST_PROCESS_START_NS] <= now_ns);
    assert_true(slots[HOST_PROCESS_START_NS] > now_ns - 600 * WARDI_S);
    FILE *file = fopen("/proc/self/stat", "re");
    metrics_process(again);
    fclose(file);
    assert_int_equal(again[HOST_PROCESS_OPEN_FDS], slots[HOST_PROCESS_OPEN_FDS] + 1);
    assert_int_equal(again[HOST_PROCESS_START_NS], slots[HOST_PROCESS_START_NS]);
}

/* ---- times ---- */

static metrics_times times;
static view_member members[3000];
static uint64_t wall_ns;

static int times_new(void **state)
{
    (void)state;
    times = (metrics_times){0};
    wall_ns = 1000 * WARDI_S;
    return 0;
}

static int times_free(void **state)
{
    (void)state;
    metrics_times_done(&times);
    return 0;
}

static void state_is(view_member *m, ward_state from, ward_state to)
{
    ward_event event = {.kind = WARD_EVENT_STATE, .from_state = from, .state = to};
    event.wall_ns = wall_ns;
    metrics_times_take(&times, &event, m);
}

static void happens(view_member *m, ward_event_kind kind, ward_cause cause)
{
    ward_event event = {.kind = kind, .cause = cause, .ready = true, .wall_ns = wall_ns};
    metrics_times_take(&times, &event, m);
}

static void starts(view_member *m, ward_state from)
{
    state_is(m, from, WARD_STATE_STARTING);
    wall_ns += 2 * WARDI_MS;
    state_is(m, WARD_STATE_STARTING, WARD_STATE_READY);
    happens(m, WARD_EVENT_READY, WARD_CAUSE_NONE);
}

static uint64_t count_of(const uint64_t *histogram)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < TIME_BUCKETS; i++) sum += histogram[i];
    return sum;
}

static void a_start_is_no_recovery(void **state)
{
    (void)state;
    starts(members, WARD_STATE_CREATING);
    assert_int_equal(count_of(times.start), 1);
    assert_int_equal(times.start[TIME_BUCKETS], 2 * WARDI_MS);
    assert_int_equal(times.start[3], 1); /* up to 2.5 ms */
    for (size_t i = 0; i < WARD_CAUSE_COUNT; i++) assert_int_equal(count_of(times.recovery[i]), 0);
    assert_int_equal(times.count, 0);
}

static void a_recovery_is_timed_from_the_end_of_the_run(void **state)
{
    (void)state;
    view_member *m = members;
    starts(m, WARD_STATE_CREATING);
    state_is(m, WARD_STATE_READY, WARD_STATE_FAILED);
    happens(m, WARD_EVENT_RESTART, WARD_CAUSE_HANG);
    wall_ns += 10 * WARDI_MS;
    state_is(m, WARD_STATE_FAILED, WARD_STATE_STARTING);
    state_is(m, WARD_STATE_STARTING, WARD_STATE_FAILED); /* the first attempt fails */
    happens(m, WARD_EVENT_RESTART, WARD_CAUSE_START);
    wall_ns += 20 * WARDI_MS;
    starts(m, WARD_STATE_FAILED);
    assert_int_equal(count_of(times.recovery[WARD_CAUSE_HANG]), 1);
    assert_int_equal(times.recovery[WARD_CAUSE_HANG][TIME_BUCKETS], 32 * WARDI_MS);
    assert_int_equal(count_of(times.recovery[WARD_CAUSE_START]), 0);
    assert_int_equal(count_of(times.start), 2);
    assert_int_equal(times.count, 0);
}

static void what_ends_a_run_was_found_in_time(void **state)
{
    (void)state;
    ward_event event = {.kind = WARD_EVENT_STATE,
                        .from_state = WARD_STATE_READY,
                        .state = WARD_STATE_FAILED,
                        .cause = WARD_CAUSE_HANG,
                        .detected_ns = 11 * WARDI_MS,
                        .wall_ns = wall_ns};
    metrics_times_take(&times, &event, members);
    state_is(members, WARD_STATE_FAILED, WARD_STATE_STARTING);
    assert_int_equal(count_of(times.detection[WARD_CAUSE_HANG]), 1);
    assert_int_equal(times.detection[WARD_CAUSE_HANG][TIME_BUCKETS], 11 * WARDI_MS);
    assert_int_equal(count_of(times.detection[WARD_CAUSE_NONE]), 0);
}

static void what_is_stopped_does_not_recover(void **state)
{
    (void)state;
    view_member *m = members;
    starts(m, WARD_STATE_CREATING);
    state_is(m, WARD_STATE_READY, WARD_STATE_STOPPING);
    state_is(m, WARD_STATE_STOPPING, WARD_STATE_TERMINATED);
    assert_int_equal(times.count, 0);
    starts(m, WARD_STATE_TERMINATED);
    state_is(m, WARD_STATE_READY, WARD_STATE_FAILED);
    happens(m, WARD_EVENT_RESTART, WARD_CAUSE_CRASH);
    state_is(m, WARD_STATE_FAILED, WARD_STATE_TERMINATED);
    starts(m, WARD_STATE_TERMINATED);
    state_is(m, WARD_STATE_READY, WARD_STATE_FAILED);
    happens(m, WARD_EVENT_RESTART, WARD_CAUSE_CRASH);
    happens(m, WARD_EVENT_GIVEN_UP, WARD_CAUSE_CRASH);
    starts(m, WARD_STATE_FAILED);
    assert_int_equal(count_of(times.recovery[WARD_CAUSE_CRASH]), 0);
    assert_int_equal(times.missed, 0);
}

static void lost_events_and_set_clocks_make_no_times(void **state)
{
    (void)state;
    view_member *m = members;
    state_is(m, WARD_STATE_READY, WARD_STATE_FAILED);
    happens(m, WARD_EVENT_RESTART, WARD_CAUSE_CRASH);
    wall_ns += 3600 * WARDI_S; /* it was up in between, of which nothing was heard */
    state_is(m, WARD_STATE_READY, WARD_STATE_FAILED);
    happens(m, WARD_EVENT_RESTART, WARD_CAUSE_HEALTH);
    assert_int_equal(times.missed, 1);
    wall_ns -= 7200 * WARDI_S; /* somebody sets the clock */
    starts(m, WARD_STATE_FAILED);
    assert_int_equal(count_of(times.recovery[WARD_CAUSE_CRASH]), 0);
    assert_int_equal(count_of(times.recovery[WARD_CAUSE_HEALTH]), 1);
    assert_true(times.recovery[WARD_CAUSE_HEALTH][TIME_BUCKETS] < 600 * WARDI_S);
    state_is(m, WARD_STATE_READY, WARD_STATE_FAILED);
    happens(m, WARD_EVENT_RESTART, WARD_CAUSE_HEALTH);
    wall_ns += 7200 * WARDI_S;
    starts(m, WARD_STATE_FAILED);
    assert_true(times.recovery[WARD_CAUSE_HEALTH][TIME_BUCKETS] < 600 * WARDI_S);
}

static void many_are_timed_at_once(void **state)
{
    (void)state;
    size_t count = WARD_COUNT(members);
    for (size_t i = 0; i < count; i++) {
        state_is(&members[i], WARD_STATE_READY, WARD_STATE_FAILED);
        happens(&members[i], WARD_EVENT_RESTART, WARD_CAUSE_CRASH);
    }
    assert_int_equal(times.count, count);
    for (size_t i = 0; i < count; i += 3) metrics_times_forget(&times, &members[i]);
    for (size_t i = 0; i < count; i++) starts(&members[i], WARD_STATE_FAILED);
    assert_int_equal(count_of(times.recovery[WARD_CAUSE_CRASH]), count - count / 3);
    assert_int_equal(times.count, 0);
}

/* ---- sums ---- */

static uint64_t kept(metrics_sums *sums, const char *name, uint64_t checks, bool late)
{
    uint64_t slots[SLOT_COUNT] = {[SLOT_CHECKS] = checks, [SLOT_MEMORY] = checks};
    metrics_sums_keep(sums, name, slots, late);
    assert_int_equal(slots[SLOT_MEMORY], checks); /* gauges are what they are */
    return slots[SLOT_CHECKS];
}

static void sums_never_fall(void **state)
{
    (void)state;
    metrics_sums sums = {0};
    assert_int_equal(kept(&sums, "web", 100, false), 100);
    assert_int_equal(kept(&sums, "db", 7, false), 7);
    assert_int_equal(kept(&sums, "web", 60, false), 100); /* one is gone */
    assert_int_equal(kept(&sums, "web", 65, false), 105);
    assert_int_equal(kept(&sums, "web", 64, true), 105); /* an older look: nobody is gone */
    assert_int_equal(kept(&sums, "web", 66, false), 106);
    assert_int_equal(kept(&sums, "api", 1, false), 1);
    assert_int_equal(kept(&sums, "db", 8, false), 8);
    metrics_sums_forget(&sums, "web");
    metrics_sums_forget(&sums, "web");
    assert_int_equal(kept(&sums, "web", 3, false), 3);
    assert_int_equal(sums.count, 3);
    metrics_sums_done(&sums);
}

/* ---- metrics of guests ---- */

static metrics_names names;
static metrics_points points;

static int guests_new(void **state)
{
    (void)state;
    assert_true(metrics_names_start(&names, true));
    return 0;
}

static int guests_free(void **state)
{
    (void)state;
    metrics_points_done(&points);
    metrics_names_done(&names);
    return 0;
}

static void guest_has(uint32_t owner, const char *name, ward_metric_kind kind, double value)
{
    ward_metric metric = {.kind = kind, .value = value, .sum = value, .count = 1};
    snprintf(metric.name, sizeof metric.name, "%s", name);
    metric.buckets[3] = 1;
    metrics_points_add(&points, &names, &(guest_point){.owner = owner}, &metric);
}

static size_t left_out(void)
{
    return points.left_out[LEFT_NAMES] + points.left_out[LEFT_SERIES] + points.left_out[LEFT_KIND];
}

static void guests_keep_apart(void **state)
{
    (void)state;
    guest_has(1, "jobs_total", WARD_METRIC_COUNTER, 3);
    guest_has(2, "jobs", WARD_METRIC_COUNTER, 4); /* the same */
    guest_has(1, "a:b", WARD_METRIC_GAUGE, 1);
    guest_has(1, "latency", WARD_METRIC_HISTOGRAM, 1);
    assert_int_equal(points.count, 4);
    assert_int_equal(left_out(), 0);
    assert_string_equal(metrics_name_family(&names, 0).name, "ward_guest_jobs");
    assert_string_equal(metrics_name_family(&names, 1).name, "ward_guest_a_b");
    static const struct {
        const char *name;
        ward_metric_kind kind;
    } clashing[] = {
        {"jobs", WARD_METRIC_GAUGE},          {"jobs_total", WARD_METRIC_GAUGE},
        {"jobs_created", WARD_METRIC_GAUGE},  {"jobs", WARD_METRIC_HISTOGRAM},
        {"latency_sum", WARD_METRIC_GAUGE},   {"latency_bucket", WARD_METRIC_GAUGE},
        {"latency_count", WARD_METRIC_GAUGE}, {"latency", WARD_METRIC_COUNTER},
        {"latency_sum", WARD_METRIC_COUNTER}, {"a_b", WARD_METRIC_COUNTER},
    };
    for (size_t i = 0; i < WARD_COUNT(clashing); i++) {
        guest_has(3, clashing[i].name, clashing[i].kind, 1);
        if (points.left_out[LEFT_KIND] != i + 1) fail_msg("%s is shown", clashing[i].name);
    }
    guest_has(3, "job", WARD_METRIC_GAUGE, 1);
    guest_has(3, "latency_summary", WARD_METRIC_GAUGE, 1);
    assert_int_equal(points.count, 6);
}

static void guests_of_one_owner_are_summed(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        guest_has(1, "c", WARD_METRIC_COUNTER, 2);
        guest_has(1, "h", WARD_METRIC_HISTOGRAM, 0.5);
    }
    assert_int_equal(points.count, 2);
    assert_true(points.list[0].value == 10 && points.list[1].value == 2.5);
    assert_int_equal(points.buckets[points.list[1].buckets - 1 + 3], 5);
}

static void guests_fill_no_more_than_their_share(void **state)
{
    (void)state;
    char name[32];
    for (int i = 0; i < 2000; i++) {
        snprintf(name, sizeof name, "g%d", i);
        guest_has(1, name, WARD_METRIC_GAUGE, i);
    }
    assert_int_equal(points.count, GUEST_FAMILIES);
    assert_int_equal(points.left_out[LEFT_NAMES], 2000 - GUEST_FAMILIES);
    for (uint32_t owner = 2; owner < 400; owner++)
        for (int i = 0; i < 64; i++) {
            snprintf(name, sizeof name, "g%d", i);
            guest_has(owner, name, WARD_METRIC_GAUGE, i);
        }
    assert_int_equal(points.series, GUEST_SERIES);
    assert_int_equal(points.left_out[LEFT_SERIES], 398 * 64 - (GUEST_SERIES - GUEST_FAMILIES));
    guest_has(1, "g0", WARD_METRIC_GAUGE, 5); /* who is in stays in */
    assert_int_equal(points.count, GUEST_SERIES);
}

static void names_that_nobody_has_make_room(void **state)
{
    (void)state;
    char name[32];
    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "old%d", i);
        guest_has(1, name, WARD_METRIC_GAUGE, i);
    }
    names.complete = names.round;
    metrics_points_done(&points);
    assert_true(metrics_names_start(&names, true));
    guest_has(1, "new", WARD_METRIC_GAUGE, 1);
    guest_has(1, "old7", WARD_METRIC_GAUGE, 1);
    assert_int_equal(points.left_out[LEFT_NAMES], 1); /* they were all there the last time */
    names.complete = names.round;
    metrics_points_done(&points);
    assert_true(metrics_names_start(&names, false)); /* another scrape has them in use */
    guest_has(1, "new", WARD_METRIC_GAUGE, 1);
    assert_int_equal(points.left_out[LEFT_NAMES], 1);
    metrics_points_done(&points);
    assert_true(metrics_names_start(&names, true));
    guest_has(1, "new", WARD_METRIC_GAUGE, 1);
    guest_has(1, "old7", WARD_METRIC_GAUGE, 1);
    guest_has(1, "old7", WARD_METRIC_COUNTER, 1);
    assert_int_equal(points.count, 2);
    assert_int_equal(points.left_out[LEFT_KIND], 1); /* who is there keeps its name */
}

int main(void)
{
#define TIMES(name) cmocka_unit_test_setup_teardown(name, times_new, times_free)
#define GUESTS(name) cmocka_unit_test_setup_teardown(name, guests_new, guests_free)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_reference_is_the_table),
        cmocka_unit_test(the_table_keeps_the_rules),
        cmocka_unit_test(the_process_is_known),
        TIMES(a_start_is_no_recovery),
        TIMES(a_recovery_is_timed_from_the_end_of_the_run),
        TIMES(what_ends_a_run_was_found_in_time),
        TIMES(what_is_stopped_does_not_recover),
        TIMES(lost_events_and_set_clocks_make_no_times),
        TIMES(many_are_timed_at_once),
        cmocka_unit_test(sums_never_fall),
        GUESTS(guests_keep_apart),
        GUESTS(guests_of_one_owner_are_summed),
        GUESTS(guests_fill_no_more_than_their_share),
        GUESTS(names_that_nobody_has_make_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
