/* More connections than there may be: who only listens makes way, and is told. */
#include "grpc_kit.h"

enum { PLACES = 6, WATCHES = 40 };

/* Nobody is hurried. */
static const grpc_limits patient = {.request_ms = 120000,
                                    .reply_ms = 120000,
                                    .quiet_ms = 120000,
                                    .ping_ms = 120000,
                                    .pong_ms = 120000,
                                    .leave_ms = 500,
                                    .streams_max = 100,
                                    .watches_max = WATCHES,
                                    .body_bytes_max = 192 * 1024,
                                    .header_bytes_max = 8192,
                                    .resets_burst = 300,
                                    .resets_rate = 50};

static int setup(void **state)
{
    world *w = calloc(1, sizeof *w);
    wardi_surface_options options = {
        .grpc_address = "127.0.0.1:0", .http_address = "127.0.0.1:0", .connections_max = PLACES};
    world_open_with(w, &patient, &options);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    world_close(*state);
    free(*state);
    return 0;
}

static void counts_are(const world *w, uint32_t idle, uint32_t listening)
{
    uint64_t until_ns = wardi_now_ns() + PATIENCE_MS * WARDI_MS;
    volatile const crowd *at = &w->surface->crowd; /* another thread's: only looked at */
    while ((at->idle.count != idle || at->listening.count != listening) &&
           wardi_now_ns() < until_ns)
        poll(NULL, 0, 1);
    assert_int_equal(at->idle.count, idle);
    assert_int_equal(at->listening.count, listening);
}

static bool so_many_are_open(const world *w, uint32_t count)
{
    volatile const crowd *at = &w->surface->crowd;
    uint64_t until_ns = wardi_now_ns() + PATIENCE_MS * WARDI_MS;
    while (at->open != count && wardi_now_ns() < until_ns) poll(NULL, 0, 1);
    return at->open == count;
}

/* Those of the test before have left. */
static int emptied(void **state)
{
    return so_many_are_open(*state, 0) ? 0 : -1;
}

/* It has watched for less long than those before it. */
static answer *watching(client *c)
{
    answer *a = call(c, WATCH, "api");
    CLIENT_UNTIL(c, statuses(a)[0] != '\0');
    return a;
}

static bool still_there(client *c)
{
    while (client_turn(c, 0)) continue;
    return !c->over;
}

static void expect_expelled(client *c)
{
    CLIENT_UNTIL(c, c->goaway);
    assert_int_equal(c->goaway_why, NGHTTP2_NO_ERROR);
    while (!c->over) assert_true(client_turn(c, PATIENCE_MS));
}

static void expect_sent_away(answer *a)
{
    expect_end(a, GRPC_RESOURCE_EXHAUSTED, "all places are taken, and another needs one");
    expect_expelled(a->of);
}

static void settled(client *c)
{
    until_checked(c, "api", "1");
}

static void probe_http(const world *w)
{
    static const char request[] =
        "GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    char status[64] = "";
    int port = atoi(strrchr(wardi_surface_http_address(w->surface), ':') + 1);
    int fd = kit_connect(port);
    assert_int_equal(send(fd, request, sizeof request - 1, MSG_NOSIGNAL), sizeof request - 1);
    assert_true(recv(fd, status, 12, MSG_WAITALL) == 12);
    assert_string_equal(status, "HTTP/1.1 200");
    close(fd);
}

/* All places are taken by those who watch, and answer each PING: nobody is kept out. */
static void the_longest_watch_makes_way(void **state)
{
    world *w = *state;
    client *clients[PLACES];
    answer *answers[PLACES];
    for (size_t i = 0; i < PLACES; i++) {
        clients[i] = client_new(w, 0);
        answers[i] = watching(clients[i]);
    }
    counts_are(w, 0, PLACES);
    client *next = client_new(w, 0);
    settled(next);
    expect_sent_away(answers[0]);
    counts_are(w, 1, PLACES - 1);
    probe_http(w); /* in the place of `next`, which is idle */
    expect_expelled(next);
    assert_true(so_many_are_open(w, PLACES - 1));
    probe_http(w);
    counts_are(w, 0, PLACES - 1);
    world_ask(w, "api", WARD_REQUEST_STOP);
    for (size_t i = 1; i < PLACES; i++) {
        CLIENT_UNTIL(clients[i], answers[i]->closed || strchr(statuses(answers[i]), '2') != NULL);
        if (answers[i]->closed) fail_msg("%zu: %d %s", i, answers[i]->code, answers[i]->text);
    }
    for (size_t i = 0; i < PLACES; i++) client_free(clients[i]);
    client_free(next);
    world_ask(w, "api", WARD_REQUEST_START);
}

/* Also on a connection that watches: it is one of use. */
static void who_asks_now_and_then_stays(void **state)
{
    world *w = *state;
    client *clients[PLACES];
    answer *answers[PLACES];
    for (size_t i = 0; i < PLACES; i++) {
        clients[i] = client_new(w, 0);
        settled(clients[i]);
        answers[i] = watching(clients[i]);
    }
    settled(clients[0]);
    counts_are(w, 0, PLACES);
    client *next = client_new(w, 0);
    settled(next);
    expect_sent_away(answers[1]);
    assert_true(still_there(clients[0]));
    for (size_t i = 0; i < PLACES; i++) client_free(clients[i]);
    client_free(next);
}

static void so_does_an_idle_one(void **state)
{
    world *w = *state;
    client *clients[PLACES];
    for (size_t i = 0; i < PLACES; i++) {
        clients[i] = client_new(w, 0);
        settled(clients[i]);
    }
    counts_are(w, PLACES, 0);
    settled(clients[0]);
    counts_are(w, PLACES, 0);
    client *next = client_new(w, 0);
    settled(next);
    expect_expelled(clients[1]);
    assert_true(still_there(clients[0]));
    for (size_t i = 0; i < PLACES; i++) client_free(clients[i]);
    client_free(next);
}

/* Half a request. */
static answer *asking(client *c)
{
    static uint8_t bytes[16];
    size_t length;
    memcpy(bytes, named_request("api", &length), sizeof bytes);
    answer *a = call_with(c, CHECK, bytes, 4, (oddly){.open = true});
    client_send(c);
    return a;
}

static void say_the_rest(answer *a)
{
    a->body_length = 10;
    a->body_open = false;
    nghttp2_session_resume_data(a->of->session, a->stream);
    expect_end(a, GRPC_OK, "");
    assert_string_equal(statuses(a), "1");
}

/* Reflection listens as well. */
static void the_idle_leave_first_and_the_busy_never(void **state)
{
    world *w = *state;
    client *clients[PLACES], *newer[PLACES - 1];
    answer *answers[PLACES];
    for (size_t i = 0; i < PLACES; i++) {
        clients[i] = client_new(w, 0);
        settled(clients[i]);
    }
    counts_are(w, PLACES, 0);
    answers[0] = asking(clients[0]);
    counts_are(w, PLACES - 1, 0);
    answers[1] = call_with(clients[1], REFLECT, "\0\0\0\0\2\x3a", 7, (oddly){.open = true});
    CLIENT_UNTIL(clients[1], answers[1]->length != 0);
    for (size_t i = 2; i < PLACES - 1; i++) answers[i] = watching(clients[i]);
    settled(clients[PLACES - 1]);
    counts_are(w, 1, PLACES - 2);
    for (size_t i = 0; i < PLACES - 1; i++) {
        newer[i] = client_new(w, 0);
        settled(newer[i]);
        if (i == 0)
            expect_expelled(clients[PLACES - 1]);
        else
            expect_sent_away(answers[i]);
        counts_are(w, 1, (uint32_t)(PLACES - 2 - i));
        asking(newer[i]);
        counts_are(w, 0, (uint32_t)(PLACES - 2 - i));
    }
    client *last = client_new(w, 0);
    client_send(last);
    while (!last->over) assert_true(client_turn(last, PATIENCE_MS));
    assert_false(last->goaway); /* there is no place, not even to be told */
    say_the_rest(answers[0]);
    for (size_t i = 0; i < PLACES; i++) client_free(clients[i]);
    for (size_t i = 0; i < PLACES - 1; i++) client_free(newer[i]);
    client_free(last);
}

/* Few connections with many streams are bounded by these. */
static void so_do_many_streams(void **state)
{
    world *w = *state;
    client *many = client_new(w, 0), *few = client_new(w, 0), *next = client_new(w, 0);
    answer *first = watching(many), *other = NULL;
    for (size_t i = 1; i < WATCHES - 1; i++) other = watching(many);
    answer *last = watching(few);
    answer *served = watching(next);
    expect_end(first, GRPC_RESOURCE_EXHAUSTED, "all places are taken, and another needs one");
    expect_sent_away(other);
    for (size_t i = 2; i < WATCHES; i++) served = watching(next);
    /* `few` is the one to leave now; and then there is nobody but who asks. */
    (void)watching(next);
    expect_sent_away(last);
    expect_end(call(next, WATCH, "api"), GRPC_RESOURCE_EXHAUSTED,
               "there are as many streams as may be");
    assert_false(served->closed);
    client_free(many);
    client_free(few);
    client_free(next);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_longest_watch_makes_way, emptied),
        cmocka_unit_test_setup(who_asks_now_and_then_stays, emptied),
        cmocka_unit_test_setup(so_does_an_idle_one, emptied),
        cmocka_unit_test_setup(the_idle_leave_first_and_the_busy_never, emptied),
        cmocka_unit_test_setup(so_do_many_streams, emptied),
    };
    return cmocka_run_group_tests_name("gRPC, crowded", tests, setup, teardown);
}
