/* Metrics as text, to the byte; hostile texts, buffers of every size, numbers, and what an Accept
 * header asks for. */
#include "codec/codec.h"
#include "support/guard.h"

#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* ---- golden texts ---- */

typedef struct step {
    const wardi_family *family; /* told of */
    const wardi_family *of;     /* or a sample of it */
    wardi_sample sample;
} step;

#define COUNT(n)                                                                                   \
    {                                                                                              \
        .kind = WARDI_NUMBER_COUNT, .count = (n)                                                   \
    }
#define NS(n)                                                                                      \
    {                                                                                              \
        .kind = WARDI_NUMBER_NS, .count = (n)                                                      \
    }
#define LABELS(text) .labels = (text), .labels_length = sizeof(text) - 1

static const wardi_family restarts = {"ward_restarts", WARDI_COUNTER, "", "Restarts."};
static const wardi_family cpu = {"ward_cpu_seconds", WARDI_COUNTER, "seconds",
                                 "A \"help\",\nwith a \\."};
static const wardi_family build = {"ward_build", WARDI_INFO, "", "Build."};
static const wardi_family health = {"ward_health", WARDI_STATESET, "", "Health."};
static const wardi_family memory = {"ward_memory_bytes", WARDI_GAUGE, "bytes", "Memory."};
static const wardi_family took = {"ward_took_seconds", WARDI_HISTOGRAM, "seconds", "Took."};

static const step steps[] = {
    {.family = &restarts},
    {.of = &restarts, .sample = {.value = COUNT(0)}},
    {.of = &restarts, .sample = {LABELS("component=\"a\""), .value = COUNT(UINT64_MAX)}},
    {.family = &cpu},
    {.of = &cpu, .sample = {.label = "component", .label_value = "x", .value = NS(1500000000)}},
    {.family = &build},
    {.of = &build, .sample = {LABELS("version=\"0.1.0\""), .value = COUNT(1)}},
    {.family = &health},
    {.of = &health,
     .sample = {LABELS("component=\"a\""), .label = "ward_health", .label_value = "healthy",
                .value = COUNT(1)}},
    {.family = &memory},
    {.of = &memory, .sample = {.value = {.kind = WARDI_NUMBER_REAL, .real = 0.5}}},
    {.family = &took},
    {.of = &took,
     .sample =
         {.part = WARDI_PART_BUCKET, .label = "le", .label_value = "+Inf", .value = COUNT(2)}},
    {.of = &took, .sample = {.part = WARDI_PART_COUNT, .value = COUNT(2)}},
    {.of = &took, .sample = {.part = WARDI_PART_SUM, .value = NS(7)}},
};

static const char openmetrics[] = "# TYPE ward_restarts counter\n"
                                  "# HELP ward_restarts Restarts.\n"
                                  "ward_restarts_total 0\n"
                                  "ward_restarts_total{component=\"a\"} 18446744073709551615\n"
                                  "# TYPE ward_cpu_seconds counter\n"
                                  "# UNIT ward_cpu_seconds seconds\n"
                                  "# HELP ward_cpu_seconds A \\\"help\\\",\\nwith a \\\\.\n"
                                  "ward_cpu_seconds_total{component=\"x\"} 1.5\n"
                                  "# TYPE ward_build info\n"
                                  "# HELP ward_build Build.\n"
                                  "ward_build_info{version=\"0.1.0\"} 1\n"
                                  "# TYPE ward_health stateset\n"
                                  "# HELP ward_health Health.\n"
                                  "ward_health{component=\"a\",ward_health=\"healthy\"} 1\n"
                                  "# TYPE ward_memory_bytes gauge\n"
                                  "# UNIT ward_memory_bytes bytes\n"
                                  "# HELP ward_memory_bytes Memory.\n"
                                  "ward_memory_bytes 0.5\n"
                                  "# TYPE ward_took_seconds histogram\n"
                                  "# UNIT ward_took_seconds seconds\n"
                                  "# HELP ward_took_seconds Took.\n"
                                  "ward_took_seconds_bucket{le=\"+Inf\"} 2\n"
                                  "ward_took_seconds_count 2\n"
                                  "ward_took_seconds_sum 0.000000007\n"
                                  "# EOF\n";

static const char text[] = "# TYPE ward_restarts_total counter\n"
                           "# HELP ward_restarts_total Restarts.\n"
                           "ward_restarts_total 0\n"
                           "ward_restarts_total{component=\"a\"} 18446744073709551615\n"
                           "# TYPE ward_cpu_seconds_total counter\n"
                           "# HELP ward_cpu_seconds_total A \"help\",\\nwith a \\\\.\n"
                           "ward_cpu_seconds_total{component=\"x\"} 1.5\n"
                           "# TYPE ward_build_info gauge\n"
                           "# HELP ward_build_info Build.\n"
                           "ward_build_info{version=\"0.1.0\"} 1\n"
                           "# TYPE ward_health gauge\n"
                           "# HELP ward_health Health.\n"
                           "ward_health{component=\"a\",ward_health=\"healthy\"} 1\n"
                           "# TYPE ward_memory_bytes gauge\n"
                           "# HELP ward_memory_bytes Memory.\n"
                           "ward_memory_bytes 0.5\n"
                           "# TYPE ward_took_seconds histogram\n"
                           "# HELP ward_took_seconds Took.\n"
                           "ward_took_seconds_bucket{le=\"+Inf\"} 2\n"
                           "ward_took_seconds_count 2\n"
                           "ward_took_seconds_sum 0.000000007\n";

static bool write_step(wardi_scribe *scribe, size_t i)
{
    if (i == WARD_COUNT(steps)) return wardi_scribe_end(scribe);
    const step *s = &steps[i];
    return s->family != NULL ? wardi_scribe_family(scribe, s->family)
                             : wardi_scribe_sample(scribe, s->of, &s->sample);
}

/* Everything, through a buffer of `room` bytes right before a guard page. False: a line did not
 * fit into an empty one. */
static bool write_all(wardi_exposition format, size_t room, const guard *pages, char *ret_all)
{
    wardi_scribe scribe = {.format = format, .room = room};
    scribe.bytes = (char *)guard_last(pages, room);
    size_t length = 0;
    for (size_t i = 0; i <= WARD_COUNT(steps); i++) {
        if (write_step(&scribe, i)) continue;
        if (scribe.length == 0) return false;
        memcpy(ret_all + length, scribe.bytes, scribe.length);
        length += scribe.length;
        scribe.length = 0;
        i--;
    }
    memcpy(ret_all + length, scribe.bytes, scribe.length);
    ret_all[length + scribe.length] = '\0';
    return true;
}

static void says_the_same_in_every_room(void **state)
{
    (void)state;
    guard pages = guard_new();
    char all[4096];
    size_t fitted = 0;
    for (size_t room = 0; room < sizeof openmetrics + 10; room++) {
        if (write_all(WARDI_EXPOSITION_OPENMETRICS, room, &pages, all)) {
            assert_string_equal(all, openmetrics);
            fitted++;
        } else {
            assert_true(fitted == 0);
        }
        if (write_all(WARDI_EXPOSITION_TEXT, room, &pages, all)) assert_string_equal(all, text);
    }
    assert_true(fitted > sizeof openmetrics / 2);
    guard_free(&pages);
}

/* ---- labels ---- */

static void label(const char *value, const char *wanted)
{
    char buffer[256];
    size_t length = 0;
    assert_true(wardi_labels_add(buffer, sizeof buffer, &length, "a", value));
    buffer[length] = '\0';
    assert_string_equal(buffer, wanted);
}

static void escapes_hostile_labels(void **state)
{
    (void)state;
    label("", "a=\"\"");
    label("x\"} 1\nward_up 1\n", "a=\"x\\\"} 1\\nward_up 1\\n\"");
    label("\\", "a=\"\\\\\"");
    label("\\\"", "a=\"\\\\\\\"\"");
    label("\xc3\xa4\xe2\x82\xac", "a=\"\xc3\xa4\xe2\x82\xac\"");
    label("\xff", "a=\"\xef\xbf\xbd\"");
    label("\xc3\"", "a=\"\xef\xbf\xbd\\\"\"");    /* no quote is swallowed by half a character */
    label("\xe2\x82\n", "a=\"\xef\xbf\xbd\\n\""); /* nor a line end */
}

static void labels_stop_at_the_room(void **state)
{
    (void)state;
    guard pages = guard_new();
    static const char wanted[] = "a=\"\\\"\",b=\"\xef\xbf\xbd\"";
    for (size_t room = 0; room < sizeof wanted + 3; room++) {
        char *at = (char *)guard_last(&pages, room);
        size_t length = 0;
        bool first = wardi_labels_add(at, room, &length, "a", "\"");
        assert_int_equal(length, first ? strlen("a=\"\\\"\"") : 0);
        if (!first) continue;
        bool both = wardi_labels_add(at, room, &length, "b", "\xff");
        assert_true(both == (room >= sizeof wanted - 1));
        assert_memory_equal(at, wanted, length);
    }
    guard_free(&pages);
}

/* ---- numbers ---- */

static void real(double value, const char *wanted)
{
    char written[WARDI_NUMBER_BYTES + 1];
    wardi_number number = {.kind = WARDI_NUMBER_REAL, .real = value};
    written[wardi_number_write(written, &number)] = '\0';
    assert_string_equal(written, wanted);
}

static void bound(double value, const char *wanted)
{
    char written[WARDI_NUMBER_BYTES + 1];
    written[wardi_bound_write(written, value)] = '\0';
    assert_string_equal(written, wanted);
}

static void ns(uint64_t value, const char *wanted)
{
    char written[WARDI_NUMBER_BYTES + 1];
    wardi_number number = NS(value);
    written[wardi_number_write(written, &number)] = '\0';
    assert_string_equal(written, wanted);
}

static void writes_numbers_exactly(void **state)
{
    (void)state;
    real(0, "0");
    real(-0.0, "-0");
    real(1, "1");
    real(-1, "-1");
    real(0.1, "0.1");
    real(0.1 + 0.2, "0.30000000000000004");
    real(1e15, "1000000000000000");
    real(9007199254740993.0, "9007199254740992");
    real(1e300, "1e+300");
    real(5e-324, "4.94065645841247e-324");
    real(NAN, "NaN");
    real(-NAN, "NaN");
    real(INFINITY, "+Inf");
    real(-INFINITY, "-Inf");
    ns(0, "0");
    ns(1, "0.000000001");
    ns(1000000000, "1");
    ns(1234500000, "1.2345");
    ns(UINT64_MAX, "18446744073.709551615");
}

static void writes_bounds_as_go_does(void **state)
{
    (void)state;
    bound(0.005, "0.005");
    bound(1, "1.0");
    bound(0, "0.0");
    bound(10, "10.0");
    bound(2.5, "2.5");
    bound(1e-4, "0.0001");
    bound(2.5e-4, "0.00025");
    bound(1e-5, "1e-05");
    bound(2.5e-6, "2.5e-06");
    bound(999999, "999999.0");
    bound(1e5, "100000.0");
    bound(1e6, "1e+06");
    bound(2.5e6, "2.5e+06");
    bound(1e10, "1e+10");
    bound(1234567.5, "1.2345675e+06");
    bound(-1, "-1.0");
    bound(INFINITY, "+Inf");
}

static void numbers_read_back_as_they_were(void **state)
{
    (void)state;
    wardi_rng rng;
    wardi_rng_init(&rng, 5);
    for (int i = 0; i < 200000; i++) {
        uint64_t bits = wardi_rng_next(&rng);
        double value;
        memcpy(&value, &bits, sizeof value);
        if (isnan(value)) continue;
        char written[WARDI_NUMBER_BYTES + 1];
        wardi_number number = {.kind = WARDI_NUMBER_REAL, .real = value};
        size_t length = wardi_number_write(written, &number);
        assert_true(length <= WARDI_NUMBER_BYTES);
        written[length] = '\0';
        assert_true(strtod(written, NULL) == value);
        length = wardi_bound_write(written, value);
        assert_true(length <= WARDI_NUMBER_BYTES);
        written[length] = '\0';
        assert_true(strtod(written, NULL) == value);
    }
}

/* An application that embeds Ward may have one. */
static void no_locale_changes_the_point(void **state)
{
    (void)state;
    if (setlocale(LC_NUMERIC, "de_DE.UTF-8") == NULL && setlocale(LC_NUMERIC, "fr_FR.utf8") == NULL)
        skip();
    real(0.5, "0.5");
    bound(0.005, "0.005");
    bound(1234567.5, "1.2345675e+06");
    setlocale(LC_NUMERIC, "C");
}

/* ---- Accept ---- */

#define OPEN "application/openmetrics-text; version=1.0.0; charset=utf-8"
#define TEXT_1 "text/plain; version=1.0.0; charset=utf-8"
#define TEXT "text/plain; version=0.0.4; charset=utf-8"

static void asks(const char *accept, const char *wanted)
{
    wardi_accepted got = wardi_accept(accept);
    if (strcmp(got.content_type, wanted) != 0) fail_msg("%s: %s", accept, got.content_type);
    bool open = strncmp(wanted, "application", 11) == 0;
    assert_int_equal(got.format, open ? WARDI_EXPOSITION_OPENMETRICS : WARDI_EXPOSITION_TEXT);
}

static void answers_real_clients(void **state)
{
    (void)state;
    /* Prometheus 2.42 and 3 */
    asks("application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;"
         "q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
         OPEN);
    asks("application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
         "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;"
         "escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
         OPEN "; escaping=allow-utf-8");
    asks("text/plain;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.5,"
         "*/*;q=0.2",
         TEXT_1 "; escaping=allow-utf-8");
    asks("application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;"
         "encoding=delimited;q=0.9,text/plain;version=0.0.4;q=0.5",
         TEXT);
    asks("*/*", TEXT); /* curl */
    asks("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", TEXT);
    asks(NULL, TEXT);
}

static void weighs_and_reads_versions(void **state)
{
    (void)state;
    asks("application/openmetrics-text", OPEN);
    asks("Application/OpenMetrics-Text ; Version=\"1.0.0\" ; Q=0.2", OPEN);
    asks("application/openmetrics-text;version=0.0.1", TEXT);
    asks("application/openmetrics-text;version=2.0.0", TEXT);
    asks("application/openmetrics-text;q=0.2,text/plain;q=0.3", TEXT);
    asks("application/openmetrics-text;q=0.3,text/plain;q=0.2", OPEN);
    asks("text/plain,application/openmetrics-text", TEXT);
    asks("application/openmetrics-text,text/plain", OPEN);
    asks("application/openmetrics-text;q=0.5,*/*;q=0.5", OPEN);
    asks("application/openmetrics-text;q=0.5,*/*", TEXT);
    asks("application/*", OPEN);
    asks("text/*;q=0.1", TEXT);
    asks("application/openmetrics-text;q=0", TEXT);
    asks("text/plain;q=0, */*", OPEN);
    asks("text/plain;q=0,application/openmetrics-text;q=0,*/*", TEXT);
    asks("text/plain;version=1.0.0", TEXT_1);
    asks("text/plain;version=1.0.0;escaping=dots", TEXT_1 "; escaping=underscores");
    asks("text/plain;version=0.0.4;escaping=values", TEXT);
    asks("application/openmetrics-text;escaping=values", OPEN "; escaping=values");
    asks("application/openmetrics-text;escaping=\"x\r\nSet-Cookie: a=b\"", OPEN);
}

static void garbage_gets_the_old_text(void **state)
{
    (void)state;
    static const char *const garbage[] = {"",
                                          ",",
                                          ";;;",
                                          "\"",
                                          "\"\\",
                                          "application/openmetrics-text;q=2",
                                          "application/openmetrics-text;q=",
                                          "application/openmetrics-text;q=0.5x",
                                          "application/openmetrics-text garbage",
                                          "application/openmetrics-textual",
                                          "\"application/openmetrics-text\"",
                                          "image/png"};
    for (size_t i = 0; i < WARD_COUNT(garbage); i++) asks(garbage[i], TEXT);
    asks("\"a,b\" , ;q , application/openmetrics-text;q=1.0", OPEN);
    asks("x/y;a=\"b, application/openmetrics-text\",text/plain", TEXT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_the_same_in_every_room),
        cmocka_unit_test(escapes_hostile_labels),
        cmocka_unit_test(labels_stop_at_the_room),
        cmocka_unit_test(writes_numbers_exactly),
        cmocka_unit_test(writes_bounds_as_go_does),
        cmocka_unit_test(numbers_read_back_as_they_were),
        cmocka_unit_test(no_locale_changes_the_point),
        cmocka_unit_test(answers_real_clients),
        cmocka_unit_test(weighs_and_reads_versions),
        cmocka_unit_test(garbage_gets_the_old_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
