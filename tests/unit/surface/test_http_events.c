/* The stream of events: live, resumed, and lost. */
#include "unit/surface/http_kit.h"

static void serve_one(void)
{
    add((child_spec){.name = "a", .wat = healthy}, NULL);
    add((child_spec){.name = "b", .wat = healthy}, NULL);
    start();
    serve_all();
    await_body("/readyz", 200, "ok");
}

static void say(const char *name, const char *words)
{
    assert_int_equal(ward_supervisor_record(supervisor, name, words), WARD_OK);
}

static void what_happens_is_told_as_it_happens(void **state)
{
    reply r;
    (void)state;
    serve_one();
    int fd = open_stream("/events", "", &r);
    await_words(fd, &r, "retry: 2000\n\n");
    say("a", "first words");
    await_words(fd, &r, "first words");
    say("b", "second words");
    await_words(fd, &r, "second words");
    const char *event = strstr(r.body, "id: ");
    assert_non_null(event);
    assert_non_null(strstr(event, "\nevent: operator\ndata: {\"time\":\""));
    assert_null(strstr(r.body, "event: lost"));
    close(fd);
    reply_free(&r);
}

static void only_what_is_asked_for_is_told(void **state)
{
    reply r;
    (void)state;
    serve_one();
    int fd = open_stream("/events?component=a&kind=operator,restart", "", &r);
    await_words(fd, &r, "retry:");
    say("b", "not these");
    say("a", "but these");
    await_words(fd, &r, "but these");
    assert_null(strstr(r.body, "not these"));
    close(fd);
    reply_free(&r);
}

/* Numbers of all events in a stream: ascending by one. */
static void expect_no_gap(const char *body, uint64_t from)
{
    for (const char *at = body; (at = strstr(at, "id: ")) != NULL; at++) {
        uint64_t sequence = strtoull(strchr(at, '-') + 1, NULL, 10);
        if (sequence != from)
            fail_msg("%llu, not %llu: %s", (unsigned long long)sequence, (unsigned long long)from,
                     body);
        from++;
    }
}

static void resume_from_first(const char *last_id)
{
    reply r;
    char header[100];
    snprintf(header, sizeof header, "Last-Event-ID: %s\r\n", last_id);
    int fd = open_stream("/events", header, &r);
    say("a", "after the resumption");
    await_words(fd, &r, "after the resumption");
    expect_no_gap(r.body, strtoull(strchr(last_id, '-') + 1, NULL, 10) + 1);
    assert_null(strstr(r.body, "event: lost"));
    assert_non_null(strstr(r.body, "\"a\""));
    close(fd);
    reply_free(&r);
}

/* The number of this run, as its events tell it. */
static void first_id(char room[64])
{
    reply r;
    int fd = open_stream("/events", "", &r);
    await_words(fd, &r, "retry:");
    say("a", "whichever");
    await_words(fd, &r, "whichever");
    const char *id = strstr(r.body, "id: ") + 4;
    snprintf(room, 64, "%.*s-1", (int)strcspn(id, "-"), id);
    close(fd);
    reply_free(&r);
}

static void a_stream_is_resumed_from_memory(void **state)
{
    char id[64];
    (void)state;
    serve_one();
    first_id(id);
    resume_from_first(id);
}

static void flood(int count)
{
    for (int i = 0; i < count; i++) say("b", "flood");
}

static void what_memory_has_no_more_is_told_as_lost(void **state)
{
    char id[64], header[100];
    reply r;
    (void)state;
    serve_one();
    first_id(id);
    flood(6000);
    snprintf(header, sizeof header, "Last-Event-ID: %s\r\n", id);
    first_id(id); /* what was said last has come: so all of it has */
    int fd = open_stream("/events", header, &r);
    const char *lost = await_words(fd, &r, "event: lost\ndata: {\"event\":\"lost\",\"count\":");
    assert_true(atoi(strstr(lost, "count\":") + 7) > 1000);
    say("a", "and goes on");
    await_words(fd, &r, "and goes on");
    close(fd);
    reply_free(&r);
}

static void a_stream_is_resumed_from_the_journal(void **state)
{
    char id[64];
    (void)state;
    serve_one();
    first_id(id);
    /* More than memory keeps; the journal may still be busy writing them. */
    flood(6000);
    resume_from_first(id);
}

static void the_past_is_told(void **state)
{
    reply r;
    (void)state;
    serve_one();
    say("a", "remember this");
    uint64_t deadline = wardi_now_ns() + PATIENCE_NS;
    for (;;) {
        r = get("/api/v1/events?component=a&kind=operator&since=1h");
        if (strstr(r.body, "remember this") != NULL) break;
        if (wardi_now_ns() >= deadline) fail_msg("%s", r.body);
        reply_free(&r);
        wardi_sleep_until_ns(wardi_now_ns() + 10 * MS);
    }
    assert_int_equal(r.status, 200);
    assert_null(strstr(r.body, "\"b\""));
    reply_free(&r);
    r = get("/api/v1/events?limit=1&since=1h");
    assert_non_null(strstr(r.body, "],\"next\":\"1-1\"}\n"));
    reply_free(&r);
    r = get("/api/v1/events?limit=1&after=1-1");
    assert_non_null(strstr(r.body, "],\"next\":\"1-2\"}\n"));
    reply_free(&r);
    expect_problem("GET /api/v1/events?since=soon HTTP/1.1\r\nHost: localhost\r\n\r\n", 400);
    expect_problem("GET /api/v1/events?after=7 HTTP/1.1\r\nHost: localhost\r\n\r\n", 400);
}

/* One that reads nothing costs the others nothing, and is told what it has missed. */
static void a_reader_that_sleeps_is_overtaken(void **state)
{
    reply sleeper, awake;
    (void)state;
    serve_one();
    int slow = open_stream("/events", "", &sleeper);
    flood(30000);
    forget();
    int fd = open_stream("/events", "", &awake);
    say("a", "to who is awake");
    await_words(fd, &awake, "to who is awake");
    close(fd);
    reply_free(&awake);
    forget();
    /* Its chunks are cut where the other client has read: only the words count. */
    uint64_t deadline = wardi_now_ns() + PATIENCE_NS;
    bool told = false;
    while (!told && wardi_now_ns() < deadline && more(slow)) {
        told = memmem(spare, spare_length, "event: lost", 11) != NULL;
        if (spare_length > REPLY_BYTES_MAX / 2) forget();
    }
    assert_true(told);
    close(slow);
    reply_free(&sleeper);
}

static void a_stream_ends_with_the_host(void **state)
{
    reply r;
    (void)state;
    serve_one();
    int fd = open_stream("/events", "", &r);
    await_words(fd, &r, "retry:");
    wardi_surface_free(surface);
    while (take_chunk(fd, &r)) continue;
    close(fd);
    reply_free(&r);
    open_surface(); /* for the teardown */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HTTP_TEST(what_happens_is_told_as_it_happens),
        HTTP_TEST(only_what_is_asked_for_is_told),
        HTTP_TEST(a_stream_is_resumed_from_memory),
        HTTP_TEST(what_memory_has_no_more_is_told_as_lost),
        JOURNAL_TEST(a_stream_is_resumed_from_the_journal),
        JOURNAL_TEST(the_past_is_told),
        HTTP_TEST(a_reader_that_sleeps_is_overtaken),
        HTTP_TEST(a_stream_ends_with_the_host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
