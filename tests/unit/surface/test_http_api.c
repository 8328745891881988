/* The interface for programs: what it tells, and commands. */
#include "unit/surface/http_kit.h"

#include <jansson.h>

static const char adds[] = "(module (func (export \"add\") (param i32 i32) (result i32)"
                           " (i32.add (local.get 0) (local.get 1)))"
                           " (func (export \"half\") (param f64) (result f64)"
                           " (f64.div (local.get 0) (f64.const 2)))"
                           " (func (export \"loops\") (loop $l br $l)))";

static json_t *json_of(const char *target)
{
    json_error_t error;
    reply r = get(target);
    if (r.status != 200) fail_msg("%s: %s%s", target, r.head, r.body);
    expect_header(&r, "Content-Type", "application/json");
    json_t *json = json_loadb(r.body, r.length, 0, &error);
    if (json == NULL) fail_msg("%s: %s: %s", target, error.text, r.body);
    reply_free(&r);
    return json;
}

static const char *text_at(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    if (text == NULL) fail_msg("no text %s", key);
    return text;
}

static void serve_three(void)
{
    add_group((ward_group_options){.name = "web"});
    add((child_spec){.name = "good", .wat = healthy, .options.group = "web"}, NULL);
    add((child_spec){.name = "bad", .wat = unhealthy, .options.fall = 2}, NULL);
    add((child_spec){.name = "needy", .wat = healthy, .needs = {"good"}}, NULL);
    start();
    serve_all();
    wait_for(0, "bad", WARD_EVENT_GIVEN_UP, 0);
    await_body("/components/needy/readyz", 200, "ok");
    await_body("/components/bad/livez", 503, "[-]live failed: disk\nlivez check failed\n");
}

static void lists_are_filtered_and_paged(void **state)
{
    (void)state;
    serve_three();
    json_t *all = json_of("/api/v1/components");
    assert_int_equal(json_array_size(json_object_get(all, "components")), 3);
    assert_true(json_is_null(json_object_get(all, "next")));
    json_decref(all);
    static const struct {
        const char *query, *only;
    } filters[] = {
        {"?condition=unhealthy", "bad"},        {"?group=web", "good"},   {"?q=EED", "needy"},
        {"?group=&condition=healthy", "needy"}, {"?q=ba&limit=5", "bad"}, {"?q=nothing", NULL}};
    for (size_t i = 0; i < WARD_COUNT(filters); i++) {
        char target[100];
        snprintf(target, sizeof target, "/api/v1/components%s", filters[i].query);
        json_t *list = json_of(target);
        json_t *found = json_object_get(list, "components");
        assert_int_equal(json_array_size(found), filters[i].only != NULL);
        if (filters[i].only != NULL)
            assert_string_equal(text_at(json_array_get(found, 0), "name"), filters[i].only);
        json_decref(list);
    }
    /* One by one, all are met once. */
    char target[100] = "/api/v1/components?limit=1";
    int count = 0;
    for (; target[0] != '\0'; count++) {
        json_t *page = json_of(target);
        assert_int_equal(json_array_size(json_object_get(page, "components")), 1);
        const char *next = json_string_value(json_object_get(page, "next"));
        target[0] = '\0';
        if (next != NULL)
            snprintf(target, sizeof target, "/api/v1/components?limit=1&after=%s", next);
        json_decref(page);
    }
    assert_int_equal(count, 3);
    json_t *groups = json_of("/api/v1/groups");
    assert_string_equal(text_at(json_array_get(json_object_get(groups, "groups"), 0), "name"),
                        "web");
    json_decref(groups);
}

static void a_long_list_is_streamed_whole(void **state)
{
    (void)state;
    add((child_spec){.name = "many", .wat = healthy, .options.instances = 600}, NULL);
    start();
    serve_all();
    await_body("/readyz", 200, "ok");
    json_t *all = json_of("/api/v1/components");
    json_t *found = json_object_get(all, "components");
    assert_int_equal(json_array_size(found), 600);
    assert_string_equal(text_at(json_array_get(found, 599), "kind"), "component");
    json_decref(all);
    json_t *group = json_of("/api/v1/components/many");
    assert_int_equal(json_integer_value(json_object_get(json_object_get(group, "children"), "all")),
                     600);
    json_decref(group);
}

/* The names on the page, with a space behind each. */
static uint64_t page_of(const char *query, char *ret_names, size_t size)
{
    char target[160];
    size_t i;
    json_t *member;
    snprintf(target, sizeof target, "/api/v1/%s", query);
    json_t *page = json_of(target);
    wardi_text names = wardi_text_on(ret_names, size);
    const char *which = strncmp(query, "groups", 6) == 0 ? "groups" : "components";
    json_array_foreach(json_object_get(page, which), i, member)
        wardi_text_printf(&names, "%s ", text_at(member, "name"));
    assert_true(json_is_null(json_object_get(page, "next")));
    uint64_t count = (uint64_t)json_integer_value(json_object_get(page, "count"));
    json_decref(page);
    return count;
}

static void lists_come_in_an_order(void **state)
{
    static const struct {
        const char *query, *names;
        uint64_t count;
    } pages[] = {{"components?sort=name", "bad good needy ", 3},
                 {"components?sort=name&reverse", "needy good bad ", 3},
                 {"components?sort=name&limit=1&offset=1", "good ", 3},
                 {"components?sort=name&offset=3", "", 3},
                 {"components?sort=name&offset=9", "", 3},
                 {"components?sort=condition", "bad good needy ", 3},
                 {"components?sort=condition&reverse&limit=1", "needy ", 3},
                 {"components?sort=restarts&limit=1", "bad ", 3},
                 {"components?sort=name&q=ee", "needy ", 1},
                 {"components?sort=name&group=web", "good ", 1},
                 {"components?sort=name&condition=degraded", "", 0},
                 {"groups?sort=name", "web ", 1},
                 {"groups?sort=condition&reverse", "web ", 1}};
    (void)state;
    char names[100];
    serve_three();
    for (size_t i = 0; i < WARD_COUNT(pages); i++) {
        assert_int_equal(page_of(pages[i].query, names, sizeof names), pages[i].count);
        if (strcmp(names, pages[i].names) != 0)
            fail_msg("%s: %s, not %s", pages[i].query, names, pages[i].names);
    }
}

/* By a figure that stands still: the page shows it, and it never rises from one row to the next. */
static void expect_falling(const char *sort, const char *key)
{
    char target[100];
    size_t i;
    json_t *member;
    json_int_t above = INT64_MAX;
    snprintf(target, sizeof target, "/api/v1/components?figures&sort=%s", sort);
    json_t *page = json_of(target);
    json_array_foreach(json_object_get(page, "components"), i, member)
    {
        json_t *value = json_object_get(json_object_get(member, "figures"), key);
        if (!json_is_integer(value)) fail_msg("%s: no %s", sort, key);
        if (json_integer_value(value) > above) fail_msg("%s: %s rises", sort, key);
        above = json_integer_value(value);
    }
    assert_int_equal(i, 4);
    json_decref(page);
}

static const char busy[] =
    "(module (memory (export \"memory\") 3) (data (i32.const 0) \"\\81\\0e\\00\")"
    " (func (export \"_health\") (result i32) (local $i i32)"
    " (loop $l (local.set $i (i32.add (local.get $i) (i32.const 1)))"
    " (br_if $l (i32.lt_u (local.get $i) (i32.const 3000000))))"
    " (i32.const 0)))";

static void figures_stand_in_lists_and_order_them(void **state)
{
    (void)state;
    char names[100];
    add((child_spec){.name = "toils", .wat = busy}, NULL);
    serve_three();
    await_body("/components/toils/readyz", 200, "ok");
    expect_falling("restarts", "restarts");
    expect_falling("mailbox", "waiting");
    expect_falling("memory", "memory_bytes");
    expect_falling("messages", "handled");
    /* It needs a thousand times as long as the others. */
    static const char *const sorts[] = {"cpu", "latency", "memory"};
    for (size_t i = 0; i < WARD_COUNT(sorts); i++) {
        char query[100];
        snprintf(query, sizeof query, "components?limit=1&sort=%s", sorts[i]);
        assert_int_equal(page_of(query, names, sizeof names), 4);
        if (strcmp(names, "toils ") != 0) fail_msg("%s is first by %s", names, sorts[i]);
    }
    json_t *plain = json_of("/api/v1/components?sort=name");
    json_t *first = json_array_get(json_object_get(plain, "components"), 0);
    assert_null(json_object_get(first, "figures"));
    json_decref(plain);
}

/* In steps that others have a turn between, and with members of whom more match than a page has
 * room for. */
static void a_page_of_many_is_in_order(void **state)
{
    (void)state;
    char names[100], wanted[100];
    add((child_spec){.name = "many", .wat = healthy, .options.instances = 900}, NULL);
    start();
    serve_all();
    await_body("/readyz", 200, "ok");
    static const unsigned offsets[] = {0, 1, 457, 898};
    for (size_t i = 0; i < WARD_COUNT(offsets); i++) {
        char query[100];
        unsigned at = offsets[i];
        snprintf(query, sizeof query, "components?sort=memory&limit=2&offset=%u", at);
        assert_int_equal(page_of(query, names, sizeof names), 900);
        snprintf(wanted, sizeof wanted, "many.%u many.%u ", at, at + 1);
        assert_string_equal(names, wanted);
        snprintf(query, sizeof query, "components?sort=restarts&reverse&limit=2&offset=%u", at);
        page_of(query, names, sizeof names);
        snprintf(wanted, sizeof wanted, "many.%u many.%u ", 899 - at, 898 - at);
        assert_string_equal(names, wanted);
    }
}

static void a_component_is_told_whole(void **state)
{
    (void)state;
    serve_three();
    json_t *bad = json_of("/api/v1/components/bad");
    assert_string_equal(text_at(bad, "condition"), "unhealthy");
    assert_string_equal(text_at(bad, "reason"), "disk");
    assert_string_equal(text_at(bad, "last_cause"), "health");
    assert_true(json_is_true(json_object_get(bad, "given_up")));
    assert_true(json_integer_value(json_object_get(bad, "restarts")) > 0);
    json_t *causes = json_object_get(bad, "restarts_by_cause");
    assert_true(json_integer_value(json_object_get(causes, "health")) > 0);
    json_t *figures = json_object_get(bad, "figures");
    assert_true(json_integer_value(json_object_get(figures, "probes")) > 0);
    assert_int_equal(json_array_size(json_object_get(figures, "probe_latency")),
                     WARD_LATENCY_BUCKETS);
    json_decref(bad);
    json_t *needy = json_of("/api/v1/components/needy");
    json_t *needs = json_object_get(needy, "needs");
    assert_string_equal(json_string_value(json_array_get(needs, 0)), "good");
    json_decref(needy);
    json_t *evidence = json_of("/api/v1/components/bad/evidence");
    assert_string_equal(text_at(evidence, "component"), "bad");
    assert_string_equal(text_at(evidence, "cause"), "health");
    json_decref(evidence);
    json_t *host_json = json_of("/api/v1/host");
    json_t *counts = json_object_get(host_json, "components");
    assert_int_equal(json_integer_value(json_object_get(counts, "unhealthy")), 1);
    static const char *const figures_of_host[] = {"uptime_ns", "memory_bytes", "cpu_ns",
                                                  "events",    "restarts",     "workers"};
    for (size_t i = 0; i < WARD_COUNT(figures_of_host); i++)
        if (json_integer_value(json_object_get(host_json, figures_of_host[i])) <= 0)
            fail_msg("the host has no %s", figures_of_host[i]);
    assert_true(json_is_integer(json_object_get(host_json, "workers_busy")));
    json_decref(host_json);
    json_t *web = json_of("/api/v1/groups/web");
    assert_int_equal(json_integer_value(json_object_get(json_object_get(web, "children"), "ready")),
                     1);
    json_decref(web);
}

static void wrong_questions_are_told(void **state)
{
    static const struct {
        const char *target;
        int status;
    } wrong[] = {{"/api/v1/components?condition=fine", 400},
                 {"/api/v1/components?limit=0", 400},
                 {"/api/v1/components?limit=x", 400},
                 {"/api/v1/components?grup=web", 400},
                 {"/api/v1/components?group=nowhere", 404},
                 {"/api/v1/components?after=gone", 409},
                 {"/api/v1/components?sort=beauty", 400},
                 {"/api/v1/components?sort=", 400},
                 {"/api/v1/components?sort=name&after=good", 400},
                 {"/api/v1/components?sort=name&limit=1001", 400},
                 {"/api/v1/components?sort=name&limit=0", 400},
                 {"/api/v1/components?sort=name&offset=10001", 400},
                 {"/api/v1/components?sort=name&offset=-1", 400},
                 {"/api/v1/components?offset=1", 400},
                 {"/api/v1/components?reverse", 400},
                 {"/api/v1/groups?sort=memory", 400},
                 {"/api/v1/groups?figures", 400},
                 {"/api/v1/components/nobody", 404},
                 {"/api/v1/components/nobody/evidence", 404},
                 {"/api/v1/components/good/evidence", 404},
                 {"/api/v1/components/bad/evidence?number=x", 400},
                 {"/api/v1/groups/good", 404},
                 {"/api/v1/events", 404},
                 {"/api/v1/logs?level=loud", 400},
                 {"/events?kind=nothing", 400},
                 {"/events?component=%2f", 400},
                 {"/metrics?component=nobody", 404},
                 {"/metrics?per=x", 400}};
    (void)state;
    serve_three();
    for (size_t i = 0; i < WARD_COUNT(wrong); i++) {
        char request[200];
        snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n",
                 wrong[i].target);
        expect_problem(request, wrong[i].status);
    }
    expect_problem("GET /events HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: 1\r\n\r\n", 400);
}

static void commands_are_carried_out_and_recorded(void **state)
{
    (void)state;
    add((child_spec){.name = "a", .wat = healthy}, NULL);
    add_group((ward_group_options){.name = "g"});
    add((child_spec){.name = "b", .wat = healthy, .options.group = "g"}, NULL);
    start();
    serve_all();
    await_body("/readyz", 200, "ok");
    reply r = command("POST", "/api/v1/components/a/stop", "", "");
    assert_int_equal(r.status, 202);
    assert_string_equal(r.body, "{\"name\":\"a\",\"request\":\"stop\"}\n");
    reply_free(&r);
    long at = wait_for(0, "a", WARD_EVENT_OPERATOR, 0);
    char who[60];
    snprintf(who, sizeof who, "(uid %u, pid %d)", (unsigned)getuid(), (int)getpid());
    assert_int_equal(strncmp(record.events[at].reason, "stop, by ", 9), 0);
    assert_non_null(strstr(record.events[at].reason, who));
    wait_for((size_t)at, "a", WARD_EVENT_STATE, WARD_STATE_TERMINATED);
    await_body("/components/a/readyz", 503,
               "[-]ready failed: Component in state: terminated\nreadyz check failed\n");
    /* What an operator has stopped does not count. */
    await_body("/readyz", 200, "ok");
    r = command("POST", "/api/v1/components/a/start", "", "");
    assert_int_equal(r.status, 202);
    reply_free(&r);
    await_body("/components/a/readyz", 200, "ok");
    r = command("POST", "/api/v1/groups/g/stop", "", "");
    assert_int_equal(r.status, 202);
    reply_free(&r);
    wait_for(0, "b", WARD_EVENT_STATE, WARD_STATE_TERMINATED);
    r = command("POST", "/api/v1/components/a/release", "", "");
    assert_int_equal(r.status, 409); /* it is not given up, nor in quarantine */
    reply_free(&r);
    r = command("DELETE", "/api/v1/components/a", "", "");
    assert_int_equal(r.status, 202);
    reply_free(&r);
    wait_for(0, "a", WARD_EVENT_REMOVED, 0);
    r = command("POST", "/api/v1/components/nobody/stop", "", "");
    assert_int_equal(r.status, 404);
    reply_free(&r);
}

static void over_tcp_nothing_can_be_commanded(void **state)
{
    static const char *const requests[] = {
        "POST /api/v1/components/a/stop", "DELETE /api/v1/components/a",
        "POST /api/v1/components/a/call", "POST /api/v1/components/a/send",
        "POST /api/v1/groups/g/restart",  "POST /api/v1/components/nobody/stop",
    };
    (void)state;
    add((child_spec){.name = "a", .wat = healthy}, NULL);
    start();
    serve_all();
    await_body("/readyz", 200, "ok");
    for (size_t i = 0; i < WARD_COUNT(requests); i++) {
        char request[300];
        snprintf(request, sizeof request,
                 "%s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                 "Content-Length: 2\r\n\r\n{}",
                 requests[i]);
        expect_problem(request, 405);
        reply r = ask(request);
        expect_header(&r, "Allow", i == 1 ? "GET, HEAD, OPTIONS" : "OPTIONS");
        assert_non_null(strstr(r.body, "--unix-socket"));
        reply_free(&r);
    }
    assert_int_equal(find(0, "a", WARD_EVENT_OPERATOR, 0), -1);
    assert_int_equal(status_of("a").state, WARD_STATE_READY);
}

static void expect_call(const char *body, int status, const char *answer)
{
    reply r = command("POST", "/api/v1/components/adder/call", "application/json", body);
    if (r.status != status || strstr(r.body, answer) == NULL)
        fail_msg("%s: %d %s", body, r.status, r.body);
    reply_free(&r);
}

static void functions_are_called(void **state)
{
    (void)state;
    add((child_spec){.name = "adder", .wat = adds}, NULL);
    start();
    serve_all();
    await_body("/readyz", 200, "ok");
    expect_call("{\"function\":\"add\",\"args\":[2,{\"i32\":-3}]}", 200,
                "{\"results\":[{\"i32\":-1}]}\n");
    expect_call("{\"function\":\"half\",\"args\":[0.5]}", 200, "{\"results\":[{\"f64\":0.25}]}\n");
    expect_call("{\"function\":\"half\",\"args\":[{\"f64\":\"-inf\"}]}", 200,
                "{\"results\":[{\"f64\":\"-inf\"}]}\n");
    expect_call("{\"function\":\"none\"}", 404, "\"error\":\"export_missing\"");
    expect_call("{\"function\":\"add\",\"args\":[1]}", 422, "\"error\":\"export_type\"");
    expect_call("{\"function\":\"loops\",\"timeout\":\"50ms\"}", 504, "\"error\":");
    static const char *const wrong[] = {"",
                                        "{",
                                        "[]",
                                        "{}",
                                        "{\"function\":7}",
                                        "{\"function\":\"add\",\"args\":7}",
                                        "{\"function\":\"add\",\"args\":[null]}",
                                        "{\"function\":\"add\",\"args\":[{\"i32\":4294967296}]}",
                                        "{\"function\":\"add\",\"args\":[{\"i8\":1}]}",
                                        "{\"function\":\"add\",\"timeout\":7}",
                                        "{\"function\":\"add\",\"timeout\":\"61s\"}",
                                        "{\"function\":\"add\",\"timeout_ns\":-1}",
                                        "{\"function\":\"add\",\"functoin\":1}",
                                        "{\"function\":\"add\",\"function\":\"half\"}"};
    for (size_t i = 0; i < WARD_COUNT(wrong); i++) expect_call(wrong[i], 400, "can't be read");
    reply r = command("POST", "/api/v1/components/adder/call", "text/plain", "{}");
    assert_int_equal(r.status, 415);
    reply_free(&r);
    expect_problem_on(dial_control(),
                      "POST /api/v1/components/adder/call HTTP/1.1\r\nHost: localhost\r\n"
                      "Content-Type: application/json\r\n\r\n",
                      411);
    expect_problem_on(dial_control(),
                      "POST /api/v1/components/adder/call HTTP/1.1\r\nHost: localhost\r\n"
                      "Content-Type: application/json\r\nContent-Length: 65537\r\n\r\n",
                      413);
}

static void messages_are_sent(void **state)
{
    (void)state;
    add((child_spec){.name = "adder", .wat = adds}, NULL);
    start();
    serve_all();
    await_body("/readyz", 200, "ok");
    reply r = command("POST", "/api/v1/components/adder/send", "application/octet-stream", "hello");
    assert_int_equal(r.status, 202);
    reply_free(&r);
    /* In pieces, of which nobody says how long they are together. */
    static const char chunked[] =
        "POST /api/v1/components/adder/send HTTP/1.1\r\nHost: localhost\r\n"
        "Transfer-Encoding: chunked\r\n\r\n"
        "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n";
    r = ask_on(dial_control(), chunked, sizeof chunked - 1);
    assert_int_equal(r.status, 202);
    reply_free(&r);
    ward_message_counts counts = WARD_INIT(ward_message_counts);
    assert_int_equal(ward_supervisor_message_counts(supervisor, "adder", &counts), WARD_OK);
    assert_int_equal(counts.sent, 2);
}

static ward_error reload_error;
static const char *reload_document;

static ward_error reload(void *context, char **ret_document, ward_diag *ret_diag)
{
    assert_string_equal(context, "mine");
    if (reload_document != NULL) *ret_document = strdup(reload_document);
    strcpy(ret_diag->text, "words");
    return reload_error;
}

static void expect_reload(ward_error error, const char *document, int status, const char *words)
{
    reload_error = error;
    reload_document = document;
    reply r = command("POST", "/api/v1/reload", "application/json", "");
    if (r.status != status || strstr(r.body, words) == NULL) fail_msg("%d %s", r.status, r.body);
    reply_free(&r);
}

static int open_host_that_reloads(void **state)
{
    surface_reload = reload;
    surface_reload_context = "mine";
    int opened = open_host(state);
    surface_reload = NULL;
    return opened;
}

static void the_configuration_is_read_anew(void **state)
{
    (void)state;
    start();
    serve_all();
    expect_reload(WARD_OK, "{\"summary\":\"done\"}", 200, "{\"summary\":\"done\"}\n");
    wait_for(0, "", WARD_EVENT_OPERATOR, 0);
    expect_reload(WARD_ERROR_CONFIG, "{\"mistakes\":[]}", 409,
                  "\"detail\":\"words\",\"instance\":\"/api/v1/reload\","
                  "\"configuration\":{\"mistakes\":[]}}\n");
    expect_reload(WARD_ERROR_CONFIG, NULL, 409, "\"configuration\":null}");
    expect_reload(WARD_ERROR_NOT_FOUND, NULL, 409, "words");
    expect_reload(WARD_ERROR_IO, NULL, 409, "words");
    expect_reload(WARD_ERROR_STATE, NULL, ward_error_http_status(WARD_ERROR_STATE), "words");
    reply r = ask("POST /api/v1/reload HTTP/1.1\r\nHost: localhost\r\n\r\n"); /* over TCP */
    assert_int_equal(r.status, 405);
    reply_free(&r);
}

static void some_hosts_have_no_configuration(void **state)
{
    (void)state;
    start();
    serve_all();
    expect_reload(WARD_OK, NULL, 501, "no configuration");
}

static void the_metrics_are_told(void **state)
{
    (void)state;
    serve_three();
    reply r = get("/metrics");
    assert_int_equal(r.status, 200);
    expect_header(&r, "Content-Type", "text/plain; version=0.0.4; charset=utf-8");
    assert_non_null(strstr(r.body, "component=\"bad\""));
    reply_free(&r);
    r = get_with("/metrics", "Accept: application/openmetrics-text;version=1.0.0\r\n");
    expect_header(&r, "Content-Type", "application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert_non_null(strstr(r.body, "# EOF\n"));
    reply_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HTTP_TEST(lists_are_filtered_and_paged),
        HTTP_TEST(a_long_list_is_streamed_whole),
        HTTP_TEST(lists_come_in_an_order),
        HTTP_TEST(figures_stand_in_lists_and_order_them),
        HTTP_TEST(a_page_of_many_is_in_order),
        HTTP_TEST(a_component_is_told_whole),
        HTTP_TEST(wrong_questions_are_told),
        HTTP_TEST(commands_are_carried_out_and_recorded),
        HTTP_TEST(over_tcp_nothing_can_be_commanded),
        HTTP_TEST(functions_are_called),
        HTTP_TEST(messages_are_sent),
        cmocka_unit_test_setup_teardown(the_configuration_is_read_anew, open_host_that_reloads,
                                        close_host),
        HTTP_TEST(some_hosts_have_no_configuration),
        HTTP_TEST(the_metrics_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
