/* What /metrics says of a supervisor that runs: live values, a page that readers take, in pieces of
 * every size, while members come and go. */
#include "surface/metrics_priv.h"
#include "unit/surface/view_kit.h"

#include <stdlib.h>

static metrics_hub *hub;

/* ---- fixture ---- */

static int open_hub(void **state)
{
    open_view(state);
    hub = metrics_hub_new(v);
    assert_non_null(hub);
    return 0;
}

static int open_dense(void **state)
{
    open_dense_view(state);
    hub = metrics_hub_new(v);
    assert_non_null(hub);
    return 0;
}

static int close_hub(void **state)
{
    metrics_hub_free(hub);
    return close_view(state);
}

/* ---- a page ---- */

typedef struct page {
    char *text;
    size_t length;
    uint64_t took_ns, longest_ns; /* all of it, and its longest step */
    size_t steps;
} page;

typedef void (*between)(size_t step);

static metrics *begin(metrics_options options)
{
    ward_pulse pulse = WARD_INIT(ward_pulse);
    assert_int_equal(ward_supervisor_pulse(supervisor, &pulse), WARD_OK);
    wardi_journal_status journal = {.written = 12, .bytes = 4096};
    metrics_inputs inputs = {.pulse = &pulse,
                             .journal = &journal,
                             .connections = 3,
                             .connections_max = 1024,
                             .protocols = {{.name = "http", .requests = 5}},
                             .protocol_count = 1,
                             .events_lost = 9};
    metrics *m = NULL;
    ward_error error = metrics_begin(hub, &inputs, &options, &m);
    if (error != WARD_OK) fail_msg("%s", ward_error_name(error));
    return m;
}

static page page_of(metrics_options options, size_t room, between then)
{
    page p = {0};
    size_t capacity = 1 << 16, length = 0;
    p.text = malloc(capacity);
    uint64_t began_ns = wardi_now_ns();
    metrics *m = begin(options);
    p.longest_ns = wardi_now_ns() - began_ns;
    p.took_ns = p.longest_ns;
    for (bool more = true; more; p.steps++) {
        if (capacity - p.length < room + 1)
            p.text = realloc(p.text, capacity = 2 * capacity + room);
        assert_non_null(p.text);
        began_ns = wardi_now_ns();
        more = metrics_next(m, p.text + p.length, room, &length);
        uint64_t took_ns = wardi_now_ns() - began_ns;
        p.took_ns += took_ns;
        if (took_ns > p.longest_ns) p.longest_ns = took_ns;
        assert_true(length <= room);
        p.length += length;
        if (then != NULL) then(p.steps);
    }
    assert_false(metrics_failed(m));
    metrics_end(m);
    p.text[p.length] = '\0';
    return p;
}

/* For tests/surface/metrics_lint, which asks for them: the page as others will see it. */
static void leave_page(const char *name)
{
    const char *folder = getenv("WARD_METRICS_PAGES");
    for (int format = 0; folder != NULL && format < 2; format++) {
        char path[512];
        page p = page_of((metrics_options){.format = (wardi_exposition)format}, 32768, NULL);
        snprintf(path, sizeof path, "%s/%s.%s", folder, name,
                 format == WARDI_EXPOSITION_TEXT ? "txt" : "openmetrics");
        FILE *file = fopen(path, "we");
        assert_non_null(file);
        assert_int_equal(fwrite(p.text, 1, p.length, file), p.length);
        assert_int_equal(fclose(file), 0);
        free(p.text);
    }
}

static char *scrape(void)
{
    return page_of((metrics_options){.format = WARDI_EXPOSITION_OPENMETRICS}, 32768, NULL).text;
}

/* Whether the page has this whole line. */
static bool has(const char *text, const char *line)
{
    size_t length = strlen(line);
    for (const char *at = text; (at = strstr(at, line)) != NULL; at++)
        if ((at == text || at[-1] == '\n') && at[length] == '\n') return true;
    return false;
}

static void says(const char *text, const char *line)
{
    if (!has(text, line)) fail_msg("no line: %s", line);
}

/* The value of a series; -1: there is none. */
static double value_of(const char *text, const char *series)
{
    size_t length = strlen(series);
    for (const char *at = text; (at = strstr(at, series)) != NULL; at++)
        if ((at == text || at[-1] == '\n') && at[length] == ' ') return strtod(at + length, NULL);
    return -1;
}

static void wait_for_line(const char *line)
{
    uint64_t patience = wardi_now_ns() + PATIENCE_NS;
    for (;;) {
        apply_all();
        char *text = scrape();
        bool there = has(text, line);
        if (!there && wardi_now_ns() > patience) fail_msg("not in time: %s", line);
        free(text);
        if (there) return;
        wardi_sleep_until_ns(wardi_now_ns() + MS);
    }
}

/* ---- what holds for every page ---- */

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void none_twice(char **lines, size_t count, const char *what)
{
    qsort(lines, count, sizeof *lines, compare);
    for (size_t i = 1; i < count; i++)
        if (strcmp(lines[i - 1], lines[i]) == 0) fail_msg("%s twice: %s", what, lines[i]);
}

/* Whether `sample` may be called so in the family that was told of last. */
static bool belongs(const char *sample, const char *family)
{
    size_t length = strlen(family);
    if (strncmp(sample, family, length) != 0) return false;
    sample += length;
    static const char *const suffixes[] = {"_total", "_info", "_bucket", "_count", "_sum"};
    for (size_t i = 0; i < WARD_COUNT(suffixes); i++)
        if (strncmp(sample, suffixes[i], strlen(suffixes[i])) == 0) sample += strlen(suffixes[i]);
    return *sample == '{' || *sample == ' ';
}

/* Each family is told of once and its samples follow it; no series is there twice; nothing else. */
static void is_a_page(const page *p)
{
    char *copy = strdup(p->text), *rest = copy;
    size_t room = p->length / 16 + 16, series_count = 0, family_count = 0;
    char **series = calloc(room, sizeof *series), **families = calloc(room, sizeof *families);
    const char *family = "";
    bool ended = false;
    WARD_ASSERT(copy != NULL && series != NULL && families != NULL);
    for (char *line; (line = strsep(&rest, "\n")) != NULL && (*line != '\0' || rest != NULL);) {
        assert_false(ended);
        ended = strcmp(line, "# EOF") == 0;
        if (ended) continue;
        if (strncmp(line, "# TYPE ", 7) == 0) {
            *strchr(line + 7, ' ') = '\0';
            family = families[family_count++] = line + 7;
            continue;
        }
        if (line[0] == '#') {
            bool about = strncmp(line, "# HELP ", 7) == 0 || strncmp(line, "# UNIT ", 7) == 0;
            if (!about || strncmp(line + 7, family, strlen(family)) != 0) fail_msg("%s", line);
            continue;
        }
        if (!belongs(line, family)) fail_msg("in %s: %s", family, line);
        *strrchr(line, ' ') = '\0';
        series[series_count++] = line;
    }
    assert_true(ended);
    none_twice(families, family_count, "family");
    none_twice(series, series_count, "series");
    free(copy);
    free(series);
    free(families);
}

/* The page without its values, which change. */
static void drop_values(page *p)
{
    char *to = p->text;
    for (const char *from = p->text; *from != '\0';) {
        const char *end = strchr(from, '\n'), *cut = end;
        if (*from != '#')
            while (*cut != ' ') cut--;
        memmove(to, from, (size_t)(cut - from));
        to += cut - from;
        *to++ = '\n';
        from = end + 1;
    }
    *to = '\0';
}

/* ---- live values ---- */

static void test_values(void **state)
{
    (void)state;
    add_group((ward_group_options){.name = "back"});
    add((child_spec){.name = "web", .wat = healthy}, NULL);
    add((child_spec){.name = "db", .wat = no_export, .options.group = "back"}, NULL);
    add((child_spec){.name = "ill",
                     .wat = unhealthy,
                     .options = {.fall = 1, .backoff.initial_ns = WARDI_S * 100}},
        NULL);
    start_view();
    wait_until("web", VIEW_HEALTHY);
    wait_until("db", VIEW_HEALTHY);
    wait_until("back", VIEW_HEALTHY);
    wait_until("ill", VIEW_UNHEALTHY);
    wait_for_line("ward_component_health{component=\"ill\",ward_component_health=\"unhealthy\"} 1");
    /* The restart follows its health, and is told after it. */
    wait_for_line("ward_component_restart_causes_total{component=\"ill\",cause=\"health\"} 1");
    page p = page_of((metrics_options){.format = WARDI_EXPOSITION_OPENMETRICS}, 32768, NULL);
    is_a_page(&p);
    const char *text = p.text;
    says(text, "ward_component_health{component=\"web\",ward_component_health=\"healthy\"} 1");
    says(text, "ward_component_health{component=\"web\",ward_component_health=\"degraded\"} 0");
    says(text,
         "ward_component_state{component=\"db\",group=\"back\",ward_component_state=\"ready\"}"
         " 1");
    says(text, "ward_component_ready{component=\"db\",group=\"back\"} 1");
    says(text, "ward_component_ready{component=\"ill\"} 0");
    says(text, "ward_component_restart_causes_total{component=\"ill\",cause=\"health\"} 1");
    says(text, "ward_component_mailbox_limit{component=\"web\"} 64");
    says(text, "ward_component_memory_bytes{component=\"web\"} 65536");
    says(text, "ward_component_memory_limit_bytes{component=\"web\"} 268435456");
    says(text, "ward_component_info{component=\"web\",kind=\"guest\"} 1");
    says(text, "ward_group_health{group=\"back\",ward_group_health=\"healthy\"} 1");
    says(text, "ward_group_ready{group=\"back\"} 1");
    says(text, "ward_components{condition=\"healthy\"} 1");
    says(text, "ward_components{condition=\"unhealthy\"} 1");
    says(text, "ward_components{group=\"back\",condition=\"healthy\"} 1");
    says(text, "ward_workers 2");
    says(text, "ward_journal_events_written_total 12");
    says(text, "ward_surface_connections 3");
    says(text, "ward_surface_requests_total{protocol=\"http\"} 5");
    says(text, "ward_events_lost_total 9");
    says(text, "ward_metrics_summed_components 0");
    says(text, "ward_ready 0");
    assert_true(value_of(text, "ward_component_checks_total{component=\"web\"}") >= 1);
    double count = value_of(text, "ward_component_probe_duration_seconds_count{component=\"web\"}");
    assert_true(count >= 1);
    assert_true(count == value_of(text, "ward_component_probe_duration_seconds_bucket{component="
                                        "\"web\",le=\"+Inf\"}"));
    assert_true(value_of(text, "ward_start_duration_seconds_count") >= 3);
    assert_true(value_of(text, "process_resident_memory_bytes") > 1e6);
    assert_null(strstr(text, "\r"));
    free(p.text);
    leave_page("values");
}

static const char hangs_on_third[] =
    "(module (global $n (mut i32) (i32.const 0)) (func (export \"_health\") (result i32)"
    "  (global.set $n (i32.add (global.get $n) (i32.const 1)))"
    "  (if (i32.ge_u (global.get $n) (i32.const 3)) (then (loop $l br $l))) i32.const 0))";

static const char spins[] =
    "(module (memory (export \"memory\") 1)"
    " (func (export \"ward_alloc\") (param i32) (result i32) i32.const 64)"
    " (func (export \"handle-message\") (param i32 i32) (result i64) (loop $l br $l) unreachable))";

/* One is inside a message, another inside its health export: of the latter its last verdict stands
 * until the export's own time is over, and grows old. */
static void test_hung_components(void **state)
{
    (void)state;
    child_spec stuck = {.name = "stuck", .wat = spins, .health.busy_after_ns = 20 * MS};
    stuck.options.message_timeout_ns = 60 * WARDI_S;
    add(stuck, NULL);
    add((child_spec){.name = "slow", .wat = hangs_on_third, .health.timeout_ns = 60 * WARDI_S},
        NULL);
    add((child_spec){.name = "well", .wat = healthy}, NULL);
    start_view();
    wait_until("stuck", VIEW_HEALTHY);
    wait_until("well", VIEW_HEALTHY);
    ward_supervisor_send(supervisor, id_of("stuck"), (const uint8_t *)"x", 1);
    wait_for_line(
        "ward_component_health{component=\"stuck\",ward_component_health=\"degraded\"} 1");
    double age = 0;
    uint64_t patience = wardi_now_ns() + PATIENCE_NS;
    while (age < 0.05 && wardi_now_ns() < patience) {
        char *text = scrape();
        age = value_of(text, "ward_component_check_age_seconds{component=\"slow\"}");
        free(text);
    }
    assert_true(age >= 0.05);
    page p = page_of((metrics_options){.format = WARDI_EXPOSITION_OPENMETRICS}, 32768, NULL);
    is_a_page(&p);
    says(p.text, "ward_component_health{component=\"well\",ward_component_health=\"healthy\"} 1");
    says(p.text, "ward_component_state{component=\"stuck\",ward_component_state=\"ready\"} 1");
    says(p.text, "ward_component_messages_total{component=\"stuck\"} 1");
    says(p.text, "ward_component_memory_bytes{component=\"stuck\"} 65536");
    says(p.text, "ward_component_probe_duration_seconds_count{component=\"slow\"} 2");
    free(p.text);
    leave_page("hung");
}

static void test_a_recovery_is_timed(void **state)
{
    (void)state;
    add((child_spec){.name = "crashy", .wat = traps_on_third, .options.fall = 1}, NULL);
    start_view();
    uint64_t patience = wardi_now_ns() + PATIENCE_NS;
    double count = 0;
    while (count < 2 && wardi_now_ns() < patience) {
        apply_all();
        char *text = scrape();
        count = value_of(text, "ward_recovery_duration_seconds_count{cause=\"crash\"}");
        double sum = value_of(text, "ward_recovery_duration_seconds_sum{cause=\"crash\"}");
        assert_true(count < 1 || (sum > 0.001 && sum < 60)); /* the back-off is 2 ms */
        free(text);
        wardi_sleep_until_ns(wardi_now_ns() + MS);
    }
    assert_true(count >= 2);
    leave_page("recovered");
}

static const char measures[] =
    "(module (import \"ward\" \"counter\" (func $c (param i32 i32 i64) (result i32)))"
    " (import \"ward\" \"gauge\" (func $g (param i32 i32 f64) (result i32)))"
    " (import \"ward\" \"histogram\" (func $h (param i32 i32 f64) (result i32)))"
    " (memory (export \"memory\") 1) (data (i32.const 16) \"jobs_total\")"
    " (data (i32.const 32) \"a:depth\") (data (i32.const 48) \"took\")"
    " (data (i32.const 64) \"owed\")"
    " (func (export \"_initialize\")"
    "  (drop (call $c (i32.const 16) (i32.const 10) (i64.const 3)))"
    "  (drop (call $g (i32.const 32) (i32.const 7) (f64.const -0.5)))"
    "  (drop (call $h (i32.const 48) (i32.const 4) (f64.const 0.02)))"
    "  (drop (call $h (i32.const 64) (i32.const 4) (f64.const -1)))))";

static void test_metrics_of_guests(void **state)
{
    (void)state;
    add((child_spec){.name = "one", .wat = measures}, NULL);
    add((child_spec){.name = "many", .wat = measures, .options.instances = 4}, NULL);
    start_view();
    wait_until("one", VIEW_HEALTHY);
    wait_until("many", VIEW_HEALTHY);
    page p = page_of((metrics_options){.format = WARDI_EXPOSITION_OPENMETRICS}, 32768, NULL);
    is_a_page(&p);
    says(p.text, "# TYPE ward_guest_jobs counter");
    says(p.text, "ward_guest_jobs_total{component=\"one\"} 3");
    says(p.text, "ward_guest_jobs_total{group=\"many\"} 12");
    says(p.text, "ward_guest_a_depth{component=\"one\"} -0.5");
    says(p.text, "ward_guest_took_bucket{component=\"one\",le=\"0.01\"} 0");
    says(p.text, "ward_guest_took_bucket{component=\"one\",le=\"0.025\"} 1");
    says(p.text, "ward_guest_took_bucket{group=\"many\",le=\"+Inf\"} 4");
    says(p.text, "ward_guest_took_count{component=\"one\"} 1");
    says(p.text, "ward_guest_took_sum{component=\"one\"} 0.02");
    says(p.text, "ward_guest_owed_bucket{component=\"one\",le=\"1e-06\"} 1");
    assert_null(strstr(p.text, "ward_guest_owed_sum"));
    assert_null(strstr(p.text, "ward_guest_owed_count"));
    free(p.text);
    leave_page("guests");
}

/* ---- what is shown, and what is summed ---- */

static void test_instances_are_summed(void **state)
{
    (void)state;
    add((child_spec){.name = "many", .wat = healthy, .options.instances = 50}, NULL);
    add((child_spec){.name = "one", .wat = healthy}, NULL);
    start_view();
    wait_until("many", VIEW_HEALTHY);
    wait_until("one", VIEW_HEALTHY);
    metrics_options options = {.format = WARDI_EXPOSITION_OPENMETRICS};
    page p = page_of(options, 32768, NULL);
    is_a_page(&p);
    says(p.text, "ward_component_ready{group=\"many\"} 50");
    says(p.text, "ward_component_mailbox_limit{group=\"many\"} 3200");
    says(p.text, "ward_components{group=\"many\",condition=\"healthy\"} 50");
    says(p.text, "ward_metrics_summed_components 50");
    assert_null(strstr(p.text, "component=\"many.7\""));
    free(p.text);
    options.per_component = true;
    p = page_of(options, 32768, NULL);
    is_a_page(&p);
    says(p.text, "ward_component_ready{component=\"many.7\",group=\"many\"} 1");
    says(p.text, "ward_components{group=\"many\",condition=\"healthy\"} 50");
    assert_false(has(p.text, "ward_component_ready{group=\"many\"} 50"));
    says(p.text, "ward_metrics_summed_components 0");
    free(p.text);
    leave_page("summed");
}

static void test_only_one(void **state)
{
    (void)state;
    metrics_options options = {.format = WARDI_EXPOSITION_OPENMETRICS, .component = "many.3"};
    add((child_spec){.name = "many", .wat = healthy, .options.instances = 5}, NULL);
    add((child_spec){.name = "one", .wat = healthy}, NULL);
    start_view();
    wait_until("many", VIEW_HEALTHY);
    page p = page_of(options, 32768, NULL);
    is_a_page(&p);
    says(p.text, "ward_component_ready{component=\"many.3\",group=\"many\"} 1");
    assert_null(strstr(p.text, "many.2"));
    assert_null(strstr(p.text, "ward_workers"));
    assert_null(strstr(p.text, "ward_components{"));
    free(p.text);
    options.component = "many";
    p = page_of(options, 32768, NULL);
    is_a_page(&p);
    says(p.text, "ward_component_ready{group=\"many\"} 5");
    says(p.text, "ward_group_ready{group=\"many\"} 1");
    assert_null(strstr(p.text, "\"one\""));
    assert_false(has(p.text, "ward_components{condition=\"healthy\"} 1"));
    free(p.text);
    metrics *m = NULL;
    metrics_inputs none = {0};
    options.component = "nobody";
    assert_int_equal(metrics_begin(hub, &none, &options, &m), WARD_ERROR_NOT_FOUND);
    assert_null(m);
}

static void test_so_many_at_once(void **state)
{
    (void)state;
    metrics *under_way[METRICS_AT_ONCE], *m = NULL;
    metrics_inputs none = {0};
    metrics_options options = {0};
    start_view();
    for (size_t i = 0; i < METRICS_AT_ONCE; i++) under_way[i] = begin(options);
    assert_int_equal(metrics_begin(hub, &none, &options, &m), WARD_ERROR_BUSY);
    for (size_t i = 0; i < METRICS_AT_ONCE; i++) metrics_end(under_way[i]);
    metrics_end(begin(options));
    metrics_end(NULL);
}

/* ---- pieces of every size ---- */

static void test_every_room(void **state)
{
    (void)state;
    static const size_t rooms[] = {1, 2, 63, 64, 65, 100, 500, 1000, 4096, 1 << 20};
    add((child_spec){.name = "a", .wat = measures}, NULL);
    add((child_spec){.name = "many", .wat = healthy, .options.instances = 3}, NULL);
    start_view();
    wait_until("a", VIEW_HEALTHY);
    wait_until("many", VIEW_HEALTHY);
    for (int format = 0; format < 2; format++) {
        metrics_options options = {.format = (wardi_exposition)format};
        page whole = page_of(options, 32768, NULL);
        drop_values(&whole);
        for (size_t i = 0; i < WARD_COUNT(rooms); i++) {
            page p = page_of(options, rooms[i], NULL);
            drop_values(&p);
            assert_string_equal(p.text, whole.text);
            free(p.text);
        }
        free(whole.text);
    }
}

/* ---- many ---- */

static void test_a_thousand(void **state)
{
    (void)state;
    for (int i = 0; i < 1000; i++) {
        char name[32];
        snprintf(name, sizeof name, "component-%04d", i);
        child_spec spec = {.name = name, .wat = healthy, .options.interval_ns = 3600 * WARDI_S};
        assert_int_equal(add(spec, NULL), WARD_OK);
    }
    start_view();
    for (int i = 0; i < 1000; i++) {
        char name[32];
        snprintf(name, sizeof name, "component-%04d", i);
        wait_until(name, VIEW_HEALTHY);
    }
    page best = {.took_ns = UINT64_MAX};
    for (int i = 0; i < 20; i++) {
        page p = page_of((metrics_options){.format = WARDI_EXPOSITION_OPENMETRICS}, 32768, NULL);
        free(best.text);
        best.text = p.text;
        best.length = p.length;
        if (p.took_ns < best.took_ns) best.took_ns = p.took_ns, best.steps = p.steps;
    }
    is_a_page(&best);
    says(best.text, "ward_component_ready{component=\"component-0999\"} 1");
    says(best.text, "ward_components{condition=\"healthy\"} 1000");
    print_message("1,000 components: %zu bytes in %zu pieces, %.2f ms at best\n", best.length,
                  best.steps, (double)best.took_ns / 1e6);
    free(best.text);
    leave_page("thousand");
}

enum { FLEET = 6000 };
static int removed, added;

/* Members go in front of the scrape and behind it, and come, some by a name that was there. */
static void come_and_go(size_t step)
{
    char name[32];
    if (step % 8 != 0 || removed >= FLEET / 4) return;
    for (int i = 0; i < 3; i++, removed++) {
        int which = (int)((unsigned)removed * 7919u % FLEET);
        snprintf(name, sizeof name, "many.%d", which);
        ward_supervisor_ask(supervisor, name, WARD_REQUEST_REMOVE, NULL);
    }
    snprintf(name, sizeof name, "late-%d", added++);
    assert_int_equal(add((child_spec){.name = name, .wat = no_export}, NULL), WARD_OK);
    apply_all();
}

static void go_and_come_again(size_t step)
{
    if (step % 40 != 0) return;
    const view_member *late = view_find_child(v, "late-0");
    if (late == NULL)
        add((child_spec){.name = "late-0", .wat = no_export}, NULL);
    else
        ward_supervisor_ask(supervisor, "late-0", WARD_REQUEST_REMOVE, NULL);
    apply_all();
}

static void test_while_they_come_and_go(void **state)
{
    (void)state;
    child_spec spec = {.name = "many", .wat = no_export, .options.instances = FLEET};
    spec.options.interval_ns = 3600 * WARDI_S;
    assert_int_equal(add(spec, NULL), WARD_OK);
    start_view();
    wait_until("many", VIEW_HEALTHY);
    removed = added = 0;
    metrics_options options = {.format = WARDI_EXPOSITION_OPENMETRICS, .per_component = true};
    page p = page_of(options, 32768, come_and_go);
    is_a_page(&p);
    assert_true(removed > 100 && added > 30);
    for (int i = 0; i < FLEET; i += 97) { /* who stayed is in the last family as well */
        char series[160], name[32];
        snprintf(name, sizeof name, "many.%d", i);
        apply_all();
        if (view_find_child(v, name) == NULL) continue;
        snprintf(series, sizeof series,
                 "ward_component_log_lines_suppressed_total{component=\"%s\",group=\"many\"} 0",
                 name);
        says(p.text, series);
    }
    assert_null(strstr(p.text, "late-")); /* they are in the next one */
    free(p.text);
    p = page_of(options, 32768, go_and_come_again);
    is_a_page(&p);
    free(p.text);
    options.per_component = false;
    p = page_of(options, 4096, come_and_go);
    is_a_page(&p);
    print_message("%d instances summed: %zu bytes, %.2f ms, longest step %.2f ms\n", FLEET,
                  p.length, (double)p.took_ns / 1e6, (double)p.longest_ns / 1e6);
    free(p.text);
}

static metrics_walk walk;

static void on_walk_gone(view_watcher *watcher, view_member *member)
{
    (void)watcher;
    metrics_walk_gone(&walk, v, member);
}

static void remove_and_wait(const char *name)
{
    uint64_t patience = wardi_now_ns() + PATIENCE_NS;
    assert_int_equal(ward_supervisor_ask(supervisor, name, WARD_REQUEST_REMOVE, NULL), WARD_OK);
    for (apply_all(); view_find_child(v, name) != NULL; apply_all())
        assert_true(wardi_now_ns() < patience);
}

/* Whoever stays is met once; whoever goes at most once; whoever comes not at all. */
static void test_a_walk(void **state)
{
    (void)state;
    enum { COUNT = 120 };
    static unsigned met[COUNT];
    view_watcher watcher = {.gone = on_walk_gone};
    memset(met, 0, sizeof met);
    add((child_spec){.name = "many", .wat = no_export, .options.instances = COUNT}, NULL);
    start_view();
    view_watch(v, &watcher);
    metrics_walk_start(&walk, v);
    const view_member *member;
    for (size_t step = 0; (member = metrics_walk_next(&walk, v)) != NULL; step++) {
        assert_null(strstr(member->name, "late"));
        if (!member->is_group) met[strtoul(member->name + 5, NULL, 10)]++;
        if (step % 3 != 0 || step > 90) continue;
        char name[32];
        if (step > 60) {
            snprintf(name, sizeof name, "late-%zu", step);
            add((child_spec){.name = name, .wat = no_export}, NULL);
            apply_all();
            continue;
        }
        /* One that has been met, for which the last moves to its place; later those. */
        snprintf(name, sizeof name, "many.%zu", step <= 30 ? step / 3 : COUNT - step / 3 + 10);
        remove_and_wait(name);
    }
    view_unwatch(v, &watcher);
    size_t there = 0;
    for (size_t i = 0; i < COUNT; i++) {
        char name[32];
        snprintf(name, sizeof name, "many.%zu", i);
        bool stays = view_find_child(v, name) != NULL;
        there += stays;
        if (met[i] > 1 || (stays && met[i] == 0)) fail_msg("%s was met %u times", name, met[i]);
    }
    assert_int_equal(there, COUNT - 21);
}

/* Counters of a group do not fall when instances are removed. */
static void test_sums_stay(void **state)
{
    (void)state;
    static const char starts[] = "ward_component_starts_total{group=\"many\"}";
    add((child_spec){.name = "many", .wat = no_export, .options.instances = 8}, NULL);
    start_view();
    wait_until("many", VIEW_HEALTHY);
    char *text = scrape();
    assert_true(value_of(text, starts) == 8);
    free(text);
    assert_int_equal(ward_supervisor_ask(supervisor, "many.3", WARD_REQUEST_REMOVE, NULL), WARD_OK);
    uint64_t patience = wardi_now_ns() + PATIENCE_NS;
    while (view_find_child(v, "many.3") != NULL && wardi_now_ns() < patience) apply_all();
    text = scrape();
    says(text, "ward_component_ready{group=\"many\"} 7");
    assert_true(value_of(text, starts) == 8);
    free(text);
}

/* Whichever allocation fails: it is said, or the page is whole. */
static size_t allocations_left;

static bool gate(void *context, size_t size)
{
    (void)context;
    (void)size;
    if (allocations_left == 0) return false;
    allocations_left--;
    return true;
}

static void test_without_memory(void **state)
{
    (void)state;
    add((child_spec){.name = "a", .wat = measures, .options.interval_ns = 3600 * WARDI_S}, NULL);
    add((child_spec){.name = "many", .wat = measures, .options.instances = 3}, NULL);
    start_view();
    wait_until("a", VIEW_HEALTHY);
    wait_until("many", VIEW_HEALTHY);
    metrics_inputs none = {0};
    metrics_options options = {.format = WARDI_EXPOSITION_OPENMETRICS};
    static char buffer[1 << 20];
    bool whole = false;
    for (size_t n = 0; !whole; n++) {
        metrics *m = NULL;
        size_t length = 0, all = 0;
        allocations_left = n;
        wardi_alloc_gate_set(gate, NULL);
        ward_error error = metrics_begin(hub, &none, &options, &m);
        while (m != NULL && metrics_next(m, buffer + all, sizeof buffer - all, &length))
            all += length;
        whole = m != NULL && !metrics_failed(m) && allocations_left > 0;
        metrics_end(m);
        wardi_alloc_gate_set(NULL, NULL);
        assert_true(m != NULL || error == WARD_ERROR_NO_MEMORY);
        assert_true(n < 100);
    }
}

int main(void)
{
#define VIEW(name) cmocka_unit_test_setup_teardown(name, open_hub, close_hub)
#define DENSE(name) cmocka_unit_test_setup_teardown(name, open_dense, close_hub)
    const struct CMUnitTest tests[] = {
        VIEW(test_values),
        VIEW(test_hung_components),
        VIEW(test_a_recovery_is_timed),
        VIEW(test_metrics_of_guests),
        VIEW(test_instances_are_summed),
        VIEW(test_only_one),
        VIEW(test_so_many_at_once),
        VIEW(test_every_room),
        DENSE(test_a_thousand),
        DENSE(test_while_they_come_and_go),
        VIEW(test_a_walk),
        VIEW(test_sums_stay),
        VIEW(test_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
