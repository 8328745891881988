/* grpc.health.v1 as clients see it: Check, List, Watch, and how calls end. */
#include "grpc_kit.h"

static void check_tells_how_a_service_is(void **state)
{
    world *w = *state;
    client *c = client_new(w, 0);
    until_checked(c, "api", "1");
    until_checked(c, "web", "1");
    until_checked(c, "site", "1");
    until_checked(c, "", "1");
    answer *a = call(c, CHECK, "api");
    expect_end(a, GRPC_OK, "");
    assert_string_equal(statuses(a), "1");
    expect_end(call(c, CHECK, "nobody"), GRPC_NOT_FOUND,
               "there is no component or group of this name");
    client_free(c);
}

static void what_is_stopped_does_not_serve(void **state)
{
    world *w = *state;
    client *c = client_new(w, 0);
    until_checked(c, "api", "1");
    world_ask(w, "api", WARD_REQUEST_STOP);
    until_checked(c, "api", "2");
    world_ask(w, "api", WARD_REQUEST_START);
    until_checked(c, "api", "1");
    client_free(c);
}

/* protobuf-c ends strings at a NUL; the name goes on. */
static void a_name_is_all_of_its_bytes(void **state)
{
    static const uint8_t nul[] = "\0\0\0\0\x07\x0a\x05"
                                 "api\0x";
    static const uint8_t twice[] = "\0\0\0\0\x0c\x0a\x05"
                                   "nobod\x0a\x03"
                                   "api";
    static const uint8_t more[] = "\0\0\0\0\x0c\x10\x07\x1a\x03"
                                  "xyz\x0a\x03"
                                  "api";
    client *c = client_new(*state, 0);
    until_checked(c, "api", "1");
    expect_end(call_with(c, CHECK, nul, sizeof nul - 1, (oddly){0}), GRPC_NOT_FOUND,
               "there is no component or group of this name");
    expect_end(call_with(c, CHECK, twice, sizeof twice - 1, (oddly){0}), GRPC_OK, "");
    expect_end(call_with(c, CHECK, more, sizeof more - 1, (oddly){0}), GRPC_OK, "");
    client_free(c);
}

static void the_longest_message_is_taken(void **state)
{
    client *c = client_new(*state, 0);
    uint8_t *bytes = calloc(1, 5 + GRPC_MESSAGE_BYTES_MAX + 1);
    /* A field that nobody knows, as long as the rest. */
    wire_prefix_write(bytes, GRPC_MESSAGE_BYTES_MAX);
    memcpy(bytes + 5, "\x12\xfc\xff\x03", 4);
    until_checked(c, "", "1");
    answer *a = call_with(c, CHECK, bytes, 5 + GRPC_MESSAGE_BYTES_MAX, (oddly){0});
    expect_end(a, GRPC_OK, "");
    assert_string_equal(statuses(a), "1");
    a = call_with(c, CHECK, bytes, 5 + GRPC_MESSAGE_BYTES_MAX + 1, (oddly){0});
    finish(a);
    assert_int_equal(a->code, GRPC_INTERNAL);
    wire_prefix_write(bytes, GRPC_MESSAGE_BYTES_MAX + 1);
    a = call_with(c, CHECK, bytes, 5 + GRPC_MESSAGE_BYTES_MAX + 1, (oddly){0});
    expect_end(a, GRPC_RESOURCE_EXHAUSTED, "the message is longer than 64 KiB");
    client_free(c);
    free(bytes);
}

static bool lists(const answer *a, const char *name, char status)
{
    uint8_t entry[64] = {0x0a};
    size_t length = strlen(name), at = 2;
    if (length != 0) {
        entry[at++] = 0x0a;
        entry[at++] = (uint8_t)length;
        memcpy(entry + at, name, length);
        at += length;
    }
    memcpy(entry + at, (uint8_t[]){0x12, 2, 0x08, (uint8_t)(status - '0')}, 4);
    entry[1] = (uint8_t)(at + 2);
    return memmem(a->bytes, a->length, entry, at + 4) != NULL;
}

static void list_has_all(void **state)
{
    world *w = *state;
    client *c = client_new(w, 0);
    until_checked(c, "", "1");
    until_checked(c, "site", "1");
    answer *a = call(c, LIST, "");
    expect_end(a, GRPC_OK, "");
    assert_true(lists(a, "api", '1') && lists(a, "web", '1') && lists(a, "site", '1'));
    assert_int_equal(wire_prefix_read(a->bytes).length, a->length - 5);
    assert_true(lists(a, "", '1'));
    /* Here are four with the host: 96 more are the most. */
    for (int i = 0; i < 97; i++) {
        char name[16];
        snprintf(name, sizeof name, "more-%d", i);
        world_add(w, name, NULL);
        until_checked(c, name, "1");
        if (i < 95) continue;
        a = call(c, LIST, "");
        finish(a);
        assert_int_equal(a->code, i == 95 ? GRPC_OK : GRPC_RESOURCE_EXHAUSTED);
    }
    for (int i = 0; i < 97; i++) {
        char name[16];
        snprintf(name, sizeof name, "more-%d", i);
        world_ask(w, name, WARD_REQUEST_REMOVE);
    }
    client_free(c);
}

static void watch_tells_each_change(void **state)
{
    world *w = *state;
    client *c = client_new(w, 0);
    until_checked(c, "api", "1");
    answer *a = call(c, WATCH, "api"), *same = call(c, WATCH, "api");
    CLIENT_UNTIL(c, strcmp(statuses(a), "1") == 0);
    world_ask(w, "api", WARD_REQUEST_STOP);
    CLIENT_UNTIL(c, strcmp(statuses(a), "12") == 0);
    world_ask(w, "api", WARD_REQUEST_START);
    CLIENT_UNTIL(c, strcmp(statuses(a), "121") == 0);
    CLIENT_UNTIL(c, strcmp(statuses(same), "121") == 0);
    /* By events, and not when all is looked at once a second: then it would take too long. */
    uint64_t end_ns = wardi_now_ns() + PATIENCE_MS * WARDI_MS;
    for (size_t i = 0; i < 24; i++) {
        world_ask(w, "api", i % 2 == 0 ? WARD_REQUEST_STOP : WARD_REQUEST_START);
        CLIENT_UNTIL(c, strlen(statuses(a)) == 4 + i);
    }
    assert_true(wardi_now_ns() < end_ns);
    assert_false(a->closed);
    client_free(c);
}

static void watch_waits_for_who_is_not_there(void **state)
{
    world *w = *state;
    client *c = client_new(w, 0);
    answer *a = call(c, WATCH, "later"), *never = call(c, WATCH, "no name/of a component");
    CLIENT_UNTIL(c, strcmp(statuses(a), "3") == 0);
    world_add(w, "later", NULL);
    CLIENT_UNTIL(c, strchr(statuses(a), '1') != NULL);
    world_ask(w, "later", WARD_REQUEST_REMOVE);
    CLIENT_UNTIL(c, statuses(a)[strlen(statuses(a)) - 1] == '3');
    CLIENT_UNTIL(c, strcmp(statuses(never), "3") == 0);
    assert_false(a->closed);
    assert_false(never->closed);
    client_free(c);
}

static void watch_of_the_host_hears_that_it_leaves(void **state)
{
    (void)state;
    world own, *w = &own;
    world_open(w, NULL);
    client *c = client_new(w, 0);
    until_checked(c, "", "1");
    answer *a = call(c, WATCH, "");
    CLIENT_UNTIL(c, strcmp(statuses(a), "1") == 0);
    wardi_surface_leaving(w->surface);
    CLIENT_UNTIL(c, strcmp(statuses(a), "12") == 0);
    until_checked(c, "", "2");
    until_checked(c, "api", "1");
    ward_diag diag;
    ward_supervisor_stop(w->supervisor, 0, &diag); /* it tells the surface of no more */
    wardi_surface_free(w->surface);
    w->surface = NULL;
    expect_end(a, GRPC_UNAVAILABLE, "the host stops");
    CLIENT_UNTIL(c, c->goaway);
    assert_int_equal(c->goaway_why, NGHTTP2_NO_ERROR);
    CLIENT_UNTIL(c, c->over);
    client_free(c);
    world_close(w);
}

/* A window of exactly one message: while it is closed, changes come and go. */
static void a_slow_reader_gets_the_newest_alone(void **state)
{
    world *w = *state;
    client *slow = client_new(w, 7), *fast = client_new(w, 0);
    until_checked(fast, "api", "1");
    answer *a = call(slow, WATCH, "api"), *b = call(fast, WATCH, "api");
    CLIENT_UNTIL(slow, strcmp(statuses(a), "1") == 0);
    CLIENT_UNTIL(fast, strcmp(statuses(b), "1") == 0);
    for (int i = 0; i < 5; i++) {
        world_ask(w, "api", i % 2 == 0 ? WARD_REQUEST_STOP : WARD_REQUEST_START);
        CLIENT_UNTIL(fast, strlen(statuses(b)) == (size_t)i + 2);
    }
    assert_string_equal(statuses(b), "121212");
    assert_false(client_turn(slow, 50));
    nghttp2_session_consume(slow->session, a->stream, 7);
    CLIENT_UNTIL(slow, strcmp(statuses(a), "12") == 0);
    nghttp2_session_consume(slow->session, a->stream, 7);
    assert_false(client_turn(slow, 50));
    /* It came back to what it was while nobody looked: nothing is to tell. */
    world_ask(w, "api", WARD_REQUEST_START);
    CLIENT_UNTIL(slow, strcmp(statuses(a), "121") == 0);
    client_free(slow);
    client_free(fast);
}

static void many_streams_at_once(void **state)
{
    client *c = client_new(*state, 0);
    until_checked(c, "api", "1");
    for (int i = 0; i < 100; i++) call(c, WATCH, i % 2 == 0 ? "api" : "nobody");
    for (size_t i = 0; i < 100; i++)
        CLIENT_UNTIL(c, strcmp(statuses(&c->answers[i]), i % 2 == 0 ? "1" : "3") == 0);
    /* One more is not the server's to take: nghttp2 keeps it back, as it is told to. */
    answer *more = call(c, CHECK, "api");
    assert_false(client_turn(c, 20));
    nghttp2_submit_rst_stream(c->session, 0, c->answers[0].stream, NGHTTP2_CANCEL);
    expect_end(more, GRPC_OK, "");
    client_free(c);
}

static void deadlines_end_calls(void **state)
{
    static const char *const timeouts[] = {"30m", "30000u", "30000000n", "0S"};
    size_t length;
    const uint8_t *bytes = named_request("api", &length);
    client *c = client_new(*state, 0);
    for (size_t i = 0; i < WARD_COUNT(timeouts); i++)
        expect_end(call_with(c, WATCH, bytes, length, (oddly){.timeout = timeouts[i]}),
                   GRPC_DEADLINE_EXCEEDED, "the deadline is over");
    /* Half of a request, and a deadline. */
    answer *a = call_with(c, CHECK, bytes, 3, (oddly){.timeout = "20m", .open = true});
    expect_end(a, GRPC_DEADLINE_EXCEEDED, "the deadline is over");
    /* Half of an answer is under way: no status can follow it, and it is not waited for. */
    client *slow = client_new(*state, 3);
    a = call_with(slow, WATCH, bytes, length, (oddly){.timeout = "20m"});
    finish(a);
    assert_int_equal(a->why, NGHTTP2_CANCEL);
    client_free(slow);
    a = call_with(c, CHECK, bytes, length, (oddly){.timeout = "99999999H"});
    expect_end(a, GRPC_OK, "");
    a = call_with(c, CHECK, bytes, length, (oddly){.timeout = "soon"});
    expect_end(a, GRPC_INTERNAL, "grpc-timeout is not 1 to 8 digits and a unit");
    client_free(c);
}

static void what_is_no_call_is_told_so(void **state)
{
    client *c = client_new(*state, 0);
    size_t length;
    const uint8_t *bytes = named_request("api", &length);
    until_checked(c, "api", "1");
    static const struct {
        const char *path;
        oddly odd;
        int http, code;
        const char *text;
    } rows[] = {
        {CHECK, {.method = "GET"}, 405, -1, ""},
        {CHECK, {.method = "OPTIONS"}, 405, -1, ""},
        {CHECK, {.method = "HEAD"}, 405, -1, ""},
        {CHECK, {.content_type = "application/json"}, 415, -1, ""},
        {CHECK, {.content_type = "application/grpc-web"}, 415, -1, ""},
        {CHECK, {.content_type = "application/grpc+json"}, 415, -1, ""},
        {CHECK, {.content_type = ""}, 415, -1, ""},
        {CHECK, {.content_type = "application/grpc+proto"}, 200, 0, ""},
        {CHECK, {.content_type = "Application/gRPC; x=y"}, 200, 0, ""},
        {CHECK, {.no_te = true}, 200, 0, ""},
        {CHECK, {.trailers = true}, 200, 0, ""},
        {CHECK, {.encoding = "identity"}, 200, 0, ""},
        {CHECK, {.encoding = "gzip"}, 200, 12, "messages are taken without compression"},
        {"/", {0}, 200, 12, "there is no method /"},
        {"/grpc.health.v1.Health/check",
         {0},
         200,
         12,
         "there is no method /grpc.health.v1.Health/check"},
        {"/a%b\xc3\xa9", {0}, 200, 12, "there is no method /a%25b%C3%A9"},
        {CHECK "?x", {0}, 200, 12, "there is no method " CHECK "?x"},
    };
    for (size_t i = 0; i < WARD_COUNT(rows); i++) {
        answer *a = call_with(c, rows[i].path, bytes, length, rows[i].odd);
        finish(a);
        if (a->http != rows[i].http || a->code != rows[i].code) print_error("row %zu\n", i);
        assert_int_equal(a->http, rows[i].http);
        assert_int_equal(a->code, rows[i].code);
        assert_string_equal(a->text, rows[i].text);
        assert_int_equal(a->why, NGHTTP2_NO_ERROR);
        bool words = rows[i].http != 200 &&
                     strcmp(rows[i].odd.method != NULL ? rows[i].odd.method : "", "HEAD") != 0;
        if (rows[i].http != 200) assert_int_equal(a->length != 0, words);
    }
    client_free(c);
}

static void bad_messages_end_calls(void **state)
{
    static const struct {
        const char *bytes;
        size_t length;
        int code;
        const char *text;
    } rows[] = {
        {"", 0, 13, "there is no message"},
        {"\0\0\0", 3, 13, "the last message is not whole"},
        {"\0\0\0\0\2\x0a", 6, 13, "the last message is not whole"},
        {"\0\0\0\0\0\0\0\0\0\0", 10, 13, "there is more than one message"},
        {"\0\0\0\0\0x", 6, 13, "there is more than one message"},
        {"\1\0\0\0\0", 5, 12, "messages are taken without compression"},
        {"\2\0\0\0\0", 5, 13, "a message begins with neither 0 nor 1"},
        {"\0\xff\xff\xff\xff", 5, 8, "the message is longer than 64 KiB"},
        {"\0\0\1\0\1", 5, 8, "the message is longer than 64 KiB"},
        {"\0\0\0\0\2\x0a\x05", 7, 13, "the message is no HealthCheckRequest"},
        {"\0\0\0\0\1\xff", 6, 13, "the message is no HealthCheckRequest"},
    };
    client *c = client_new(*state, 0);
    for (size_t i = 0; i < WARD_COUNT(rows); i++) {
        expect_end(call_with(c, CHECK, rows[i].bytes, rows[i].length, (oddly){0}), rows[i].code,
                   rows[i].text);
        answer *a = call_with(c, WATCH, rows[i].bytes, rows[i].length, (oddly){0});
        expect_end(a, rows[i].code, rows[i].text);
    }
    client_free(c);
}

/* The answer does not wait for what is of no use any more. */
static void an_end_comes_before_the_request_has_ended(void **state)
{
    client *c = client_new(*state, 0);
    answer *a = call_with(c, "/nothing", "\0", 1, (oddly){.open = true});
    expect_end(a, GRPC_UNIMPLEMENTED, "there is no method /nothing");
    assert_int_equal(a->why, NGHTTP2_NO_ERROR);
    a = call_with(c, CHECK, "\0\xff\xff\xff\xff", 5, (oddly){.open = true});
    expect_end(a, GRPC_RESOURCE_EXHAUSTED, "the message is longer than 64 KiB");
    assert_int_equal(a->why, NGHTTP2_NO_ERROR);
    client_free(c);
}

static void long_headers_are_refused(void **state)
{
    client *c = client_new(*state, 0);
    size_t length;
    const uint8_t *bytes = named_request("api", &length);
    char *value = calloc(1, 9000);
    memset(value, 'x', 7000);
    answer *a =
        call_with(c, CHECK, bytes, length, (oddly){.extra_name = "x", .extra_value = value});
    finish(a);
    assert_int_equal(a->http, 200);
    memset(value, 'x', 8999);
    a = call_with(c, CHECK, bytes, length, (oddly){.extra_name = "x", .extra_value = value});
    finish(a);
    assert_int_equal(a->http, 431);
    client_free(c);
    free(value);
}

static int open_world(void **state)
{
    static world w;
    world_open(&w, NULL);
    *state = &w;
    return 0;
}

static int close_world(void **state)
{
    world_close(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_tells_how_a_service_is),
        cmocka_unit_test(what_is_stopped_does_not_serve),
        cmocka_unit_test(a_name_is_all_of_its_bytes),
        cmocka_unit_test(the_longest_message_is_taken),
        cmocka_unit_test(list_has_all),
        cmocka_unit_test(watch_tells_each_change),
        cmocka_unit_test(watch_waits_for_who_is_not_there),
        cmocka_unit_test(watch_of_the_host_hears_that_it_leaves),
        cmocka_unit_test(a_slow_reader_gets_the_newest_alone),
        cmocka_unit_test(many_streams_at_once),
        cmocka_unit_test(deadlines_end_calls),
        cmocka_unit_test(what_is_no_call_is_told_so),
        cmocka_unit_test(bad_messages_end_calls),
        cmocka_unit_test(an_end_comes_before_the_request_has_ended),
        cmocka_unit_test(long_headers_are_refused),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
