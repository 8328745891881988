/* Requests as nobody should send them, and connections that misbehave. */
#include <fcntl.h>

#include "unit/surface/http_kit.h"

static int serving(void **state)
{
    open_host(state);
    start();
    serve_all();
    return 0;
}

#define SERVING_TEST(name) cmocka_unit_test_setup_teardown(name, serving, close_host)

static const char simple[] = "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n";

static void expect_ok(int fd)
{
    reply r;
    assert_true(take_reply(fd, &r, false));
    assert_int_equal(r.status, 200);
    assert_string_equal(r.body, "ok");
    reply_free(&r);
}

static void a_request_may_come_in_any_two_parts(void **state)
{
    (void)state;
    int fd = dial(), on = 1;
    setsockopt(fd, IPPROTO_TCP, 1 /* TCP_NODELAY */, &on, sizeof on);
    forget();
    for (size_t cut = 1; cut + 1 < sizeof simple; cut++) {
        assert_true(put_bytes(fd, simple, cut));
        /* So that the parts come apart: an answer on another connection is in between. */
        if (cut % 8 == 0) {
            reply r = get("/livez");
            reply_free(&r);
        }
        assert_true(put_bytes(fd, simple + cut, sizeof simple - 1 - cut));
        expect_ok(fd);
    }
    close(fd);
}

static void a_request_may_come_byte_by_byte(void **state)
{
    (void)state;
    int fd = dial();
    forget();
    for (size_t at = 0; at + 1 < sizeof simple; at++) assert_true(put_bytes(fd, simple + at, 1));
    expect_ok(fd);
    close(fd);
}

static void many_requests_may_come_at_once(void **state)
{
    enum { TIMES = 50 };
    char all[TIMES * sizeof simple] = "";
    (void)state;
    int fd = dial();
    forget();
    for (int i = 0; i < TIMES; i++) strcat(all, simple);
    assert_true(put(fd, all));
    for (int i = 0; i < TIMES; i++) expect_ok(fd);
    close(fd);
}

static void other_forms_of_a_request_are_understood(void **state)
{
    (void)state;
    reply r = ask("GET http://ward.example/livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    assert_string_equal(r.body, "ok");
    reply_free(&r);
    r = ask("GET /l%69vez?%76erbose HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_int_equal(strncmp(r.body, "[+]clock ok\n", 12), 0);
    reply_free(&r);
    r = ask("GET /livez HTTP/1.0\r\n\r\n");
    assert_string_equal(r.body, "ok");
    reply_free(&r);
    r = ask("OPTIONS /livez HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_int_equal(r.status, 204);
    expect_header(&r, "Allow", "GET, HEAD, OPTIONS");
    reply_free(&r);
}

static void wrong_paths_are_told(void **state)
{
    (void)state;
    static const char *const missing[] = {"/nothing",          "//livez",
                                          "/livez/",           "/livez/clock/more",
                                          "/components",       "/a/b/c/d/e/f/g/h/i/j",
                                          "/livez%00",         "/components/%2Fetc/livez",
                                          "/components//livez"};
    static const char *const malformed[] = {"/%",
                                            "/%2",
                                            "/%zz",
                                            "/livez?a=%f",
                                            "/livez%ff",
                                            "/livez?x=%c3%28",
                                            "/a/b/c/d/e/f/g/h/i/j/%"};
    char request[200];
    for (size_t i = 0; i < WARD_COUNT(missing); i++) {
        snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", missing[i]);
        /* A NUL is no path at all. */
        expect_problem(request, strstr(missing[i], "%00") != NULL ? 400 : 404);
    }
    for (size_t i = 0; i < WARD_COUNT(malformed); i++) {
        snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n",
                 malformed[i]);
        expect_problem(request, 400);
    }
    expect_problem("GET livez HTTP/1.1\r\nHost: localhost\r\n\r\n", 400);
    expect_problem("GET * HTTP/1.1\r\nHost: localhost\r\n\r\n", 400);
}

static void the_problem_document_is_whole(void **state)
{
    (void)state;
    reply r = get("/nothing/%22here?x=1");
    assert_string_equal(r.body,
                        "{\"type\":\"about:blank\",\"title\":\"Not Found\",\"status\":404,"
                        "\"detail\":\"There is no such path. GET /api/v1/openapi.json tells of "
                        "those of the interface.\",\"instance\":\"/nothing/%22here?x=1\"}\n");
    expect_header(&r, "X-Content-Type-Options", "nosniff");
    reply_free(&r);
}

static void wrong_methods_are_told_the_right_ones(void **state)
{
    (void)state;
    static const char *const methods[] = {"POST", "PUT", "DELETE", "PATCH", "TRACE", "BREW"};
    for (size_t i = 0; i < WARD_COUNT(methods); i++) {
        char request[200];
        snprintf(request, sizeof request,
                 "%s /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n", methods[i]);
        expect_problem(request, 405);
        reply r = ask(request);
        expect_header(&r, "Allow", "GET, HEAD, OPTIONS");
        reply_free(&r);
    }
}

static void what_is_too_long_is_refused(void **state)
{
    enum { HUGE_BYTES = 20000 };
    static char request[HUGE_BYTES + 200], filler[HUGE_BYTES + 1];
    (void)state;
    memset(filler, 'a', HUGE_BYTES);
    snprintf(request, sizeof request, "GET /livez?%.9000s HTTP/1.1\r\nHost: localhost\r\n\r\n",
             filler);
    expect_problem(request, 414);
    snprintf(request, sizeof request,
             "GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Filler: %.17000s\r\n\r\n", filler);
    expect_problem(request, 431);
    expect_problem("GET /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello", 413);
    expect_problem("GET /livez HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
                   "5\r\nhello\r\n0\r\n\r\n",
                   413);
    /* The next one on another connection is served as ever. */
    reply r = get("/livez");
    assert_int_equal(r.status, 200);
    reply_free(&r);
}

/* What the library refuses by itself: the connection ends, with a status of 4xx at most. */
static void what_is_no_http_ends_its_connection(void **state)
{
    static const struct {
        const char *bytes;
        size_t length;
    } wrong[] = {
        {"\0\0\0\0\r\n\r\n", 8},
        {"GET /livez\r\n\r\n", 14},
        {"GET /livez HTTP/3.0\r\nHost: localhost\r\n\r\n", 32},
        {"GET /livez HTTP/1.1\r\n\r\n", 23},
        {"GET /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n", 51},
        {"GET /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n", 52},
        {"POST /livez HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 64},
        {"GET /li\0vez HTTP/1.1\r\nHost: localhost\r\n\r\n", 33},
        {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 15}};
    (void)state;
    for (size_t i = 0; i < WARD_COUNT(wrong); i++) {
        int fd = dial();
        reply r = {0};
        forget();
        assert_true(put_bytes(fd, wrong[i].bytes, wrong[i].length));
        shutdown(fd, SHUT_WR);
        while (more(fd)) continue;
        spare[spare_length] = '\0';
        if (spare_length != 0) {
            int status = atoi(spare + 9);
            if (status < 400 || status > 505) fail_msg("%zu: %s", i, spare);
        }
        (void)r;
        close(fd);
    }
    reply r = get("/livez");
    assert_int_equal(r.status, 200);
    reply_free(&r);
}

/* Whatever single byte is replaced by whatever byte, the host answers the next one. */
static void a_byte_of_a_request_may_be_any(void **state)
{
    (void)state;
    static const unsigned char bytes[] = {0, '\r', '\n', ' ', ':', '%', 0x7f, 0xff};
    for (size_t at = 0; at + 1 < sizeof simple; at++) {
        for (size_t i = 0; i < sizeof bytes; i++) {
            char request[sizeof simple];
            memcpy(request, simple, sizeof simple);
            request[at] = (char)bytes[i];
            int fd = dial();
            put_bytes(fd, request, sizeof request - 1);
            close(fd);
        }
    }
    reply r = get("/livez");
    assert_int_equal(r.status, 200);
    reply_free(&r);
}

/* A byte now and then is no life: five seconds after the first one the connection ends. */
static void a_slow_request_is_dropped(void **state)
{
    (void)state;
    int line = dial(), headers = dial(), control = dial_control(), idle = dial();
    forget();
    assert_true(put(line, "G"));
    assert_true(put(headers, "GET /livez HTTP/1.1\r\nHost: localhost\r\nX: "));
    assert_true(put(control, "G"));
    assert_true(put(idle, simple));
    expect_ok(idle);
    uint64_t began = wardi_now_ns();
    bool alive[3] = {true, true, true};
    int fds[3] = {line, headers, control};
    while (alive[0] || alive[1] || alive[2]) {
        assert_true(wardi_now_ns() - began < PATIENCE_NS);
        for (int i = 0; i < 3; i++) {
            char got;
            if (!alive[i]) continue;
            put(fds[i], "x");
            /* An end, or an answer to nonsense: closed either way. */
            if (recv(fds[i], &got, 1, MSG_DONTWAIT) == 0) alive[i] = false;
            if (!alive[i]) assert_true(wardi_now_ns() - began > 4 * WARDI_S);
        }
        wardi_sleep_until_ns(wardi_now_ns() + 100 * MS);
    }
    /* One that says nothing after it was answered stays. */
    forget();
    assert_true(put(idle, simple));
    expect_ok(idle);
    close(line);
    close(headers);
    close(control);
    close(idle);
}

static void the_control_socket_speaks_the_same(void **state)
{
    (void)state;
    reply r = ask_on(dial_control(), simple, sizeof simple - 1);
    assert_string_equal(r.body, "ok");
    reply_free(&r);
}

static void idle_connections_keep_no_probe_out(void **state)
{
    enum { IDLE = 300 };
    int fds[IDLE];
    (void)state;
    for (int i = 0; i < IDLE; i++) fds[i] = dial();
    for (int i = 0; i < 20; i++) {
        reply r = get("/livez");
        assert_int_equal(r.status, 200);
        reply_free(&r);
    }
    for (int i = 0; i < IDLE; i++) close(fds[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVING_TEST(a_request_may_come_in_any_two_parts),
        SERVING_TEST(a_request_may_come_byte_by_byte),
        SERVING_TEST(many_requests_may_come_at_once),
        SERVING_TEST(other_forms_of_a_request_are_understood),
        SERVING_TEST(wrong_paths_are_told),
        SERVING_TEST(the_problem_document_is_whole),
        SERVING_TEST(wrong_methods_are_told_the_right_ones),
        SERVING_TEST(what_is_too_long_is_refused),
        SERVING_TEST(what_is_no_http_ends_its_connection),
        SERVING_TEST(a_byte_of_a_request_may_be_any),
        SERVING_TEST(a_slow_request_is_dropped),
        SERVING_TEST(the_control_socket_speaks_the_same),
        SERVING_TEST(idle_connections_keep_no_probe_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
