/* Clients that are slow, silent, broken or malicious: their connections end, and others are served.
 */
#include "grpc_kit.h"

#include <pthread.h>

#define MAGIC "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define NO_SETTINGS "\0\0\0\4\0\0\0\0\0"

static const grpc_limits impatient = {.request_ms = 100,
                                      .reply_ms = 150,
                                      .quiet_ms = 100,
                                      .ping_ms = 100,
                                      .pong_ms = 100,
                                      .leave_ms = 100,
                                      .streams_max = 100,
                                      .watches_max = 1000,
                                      .body_bytes_max = 192 * 1024,
                                      .header_bytes_max = 8192,
                                      .resets_burst = 20,
                                      .resets_rate = 1};

/* ---- bytes ---- */

static void put_bytes(int fd, const void *bytes, size_t length)
{
    for (size_t sent = 0; sent < length;) {
        ssize_t n = send(fd, (const char *)bytes + sent, length - sent, MSG_NOSIGNAL);
        if (n <= 0) return; /* it has had enough */
        sent += (size_t)n;
    }
}

/* Reads until the other end has closed. False: it has not. */
static bool ends(int fd)
{
    uint64_t until_ns = wardi_now_ns() + PATIENCE_MS * WARDI_MS;
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    char bytes[4096];
    while (wardi_now_ns() < until_ns) {
        if (poll(&ready, 1, 100) <= 0) continue;
        if (recv(fd, bytes, sizeof bytes, 0) <= 0) return true;
    }
    return false;
}

static void serves_others(const world *w)
{
    client *c = client_new(w, 0);
    until_checked(c, "api", "1");
    client_free(c);
}

static void open_is(const world *w, uint32_t wanted, uint32_t idle)
{
    uint64_t until_ns = wardi_now_ns() + PATIENCE_MS * WARDI_MS;
    volatile const crowd *at = &w->surface->crowd; /* another thread's: only looked at */
    while ((at->open != wanted || at->idle.count != idle) && wardi_now_ns() < until_ns)
        poll(NULL, 0, 1);
    assert_int_equal(at->open, wanted);
    assert_int_equal(at->idle.count, idle);
}

static void another_protocol_is_closed(void **state)
{
    static const char *const first[] = {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "\x16\x03\x01\x02\0",
                                        "PRI * HTTP/2.0\r\n\r\nSX", "\n"};
    for (size_t i = 0; i < WARD_COUNT(first); i++) {
        int fd = kit_connect(((world *)*state)->port);
        put_bytes(fd, first[i], strlen(first[i]));
        assert_true(ends(fd));
        close(fd);
    }
    serves_others(*state);
}

static void put_frame(int fd, uint8_t type, uint8_t flags, uint32_t stream, const void *bytes,
                      size_t length)
{
    uint8_t frame[9 + 256] = {0,
                              (uint8_t)(length >> 8),
                              (uint8_t)length,
                              type,
                              flags,
                              (uint8_t)(stream >> 24),
                              (uint8_t)(stream >> 16),
                              (uint8_t)(stream >> 8),
                              (uint8_t)stream};
    assert_true(length <= 256);
    if (length != 0) memcpy(frame + 9, bytes, length);
    put_bytes(fd, frame, 9 + length);
}

static int greeted(const world *w)
{
    int fd = kit_connect(w->port);
    put_bytes(fd, MAGIC NO_SETTINGS, 24 + 9);
    return fd;
}

/* Answers are asked for by the thousand, and none is read. The server's bounds are its own: what
 * it keeps, it keeps in the kernel's buffers. */
static void floods_end_the_connection(void **state)
{
    static const struct {
        uint8_t type, flags;
        uint32_t stream;
        uint8_t length;
    } rows[] = {{6, 0, 0, 8}, {4, 0, 0, 0}, {4, 0, 0, 120}};
    static const uint8_t zero[256];
    for (size_t i = 0; i < WARD_COUNT(rows); i++) {
        int fd = greeted(*state), small = 4096;
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
        struct timeval patience = {.tv_sec = 5};
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
        for (int n = 0; n < 400000; n++)
            put_frame(fd, rows[i].type, rows[i].flags, rows[i].stream, zero, rows[i].length);
        assert_true(ends(fd));
        close(fd);
    }
    serves_others(*state);
}

/* ":method: POST" and so on without indexing would do; what opens a stream is enough here. */
static const uint8_t block[] = {0x83, 0x86, 0x84};

static void rapid_resets_end_the_connection(void **state)
{
    int fd = greeted(*state);
    static const uint8_t cancel[4] = {0, 0, 0, 8};
    for (uint32_t stream = 1; stream < 2000; stream += 2) {
        put_frame(fd, 1, 4, stream, block, sizeof block);
        put_frame(fd, 3, 0, stream, cancel, sizeof cancel);
    }
    assert_true(ends(fd));
    close(fd);
    serves_others(*state);
}

static void endless_headers_end_the_connection(void **state)
{
    static const uint8_t header[] = {0, 1, 'x', 1, 'y'};
    int fd = greeted(*state);
    put_frame(fd, 1, 0, 1, block, sizeof block);
    for (int i = 0; i < 100000; i++) put_frame(fd, 9, 0, 1, header, sizeof header);
    assert_true(ends(fd));
    close(fd);
    serves_others(*state);
}

/* ---- time ---- */

static void half_a_request_is_not_waited_for(void **state)
{
    world *w = *state;
    client *c = client_new(w, 0);
    answer *a = call_with(c, CHECK, "\0\0", 2, (oddly){.open = true});
    answer *b = call_with(c, REFLECT, "\0\0", 2, (oddly){.open = true});
    expect_end(a, GRPC_DEADLINE_EXCEEDED, "the request did not come in time");
    expect_end(b, GRPC_DEADLINE_EXCEEDED, "the request did not come in time");
    client_free(c);
}

static void an_answer_that_is_not_taken_is_dropped(void **state)
{
    client *c = client_new(*state, 3);
    answer *a = call(c, CHECK, "api");
    finish(a);
    assert_int_equal(a->why, NGHTTP2_CANCEL);
    assert_int_equal(a->length, 3);
    client_free(c);
}

/* A client that is there answers pings, as nghttp2 does by itself. */
static void who_watches_is_asked_for_a_sign(void **state)
{
    world *w = *state;
    client *c = client_new(w, 0), *mute = client_new(w, 0);
    answer *a = call(c, WATCH, "api"), *b = call(mute, WATCH, "api");
    CLIENT_UNTIL(c, strcmp(statuses(a), "1") == 0);
    CLIENT_UNTIL(mute, strcmp(statuses(b), "1") == 0);
    open_is(w, 2, 0);
    CLIENT_UNTIL(c, c->pings >= 4 || w->surface->crowd.open == 1);
    CLIENT_UNTIL(c, w->surface->crowd.open == 1);
    assert_false(a->closed);
    CLIENT_UNTIL(mute, mute->over || mute->pings > 0);
    client_free(c);
    client_free(mute);
    open_is(w, 0, 0);
}

static void only_streams_make_a_connection_busy(void **state)
{
    world *w = *state;
    open_is(w, 0, 0);
    client *c = client_new(w, 0);
    open_is(w, 1, 1);
    client_turn(c, 20); /* settings and pings are no business */
    nghttp2_submit_ping(c->session, 0, NULL);
    client_turn(c, 20);
    open_is(w, 1, 1);
    answer *a = call(c, WATCH, "api");
    CLIENT_UNTIL(c, strcmp(statuses(a), "1") == 0);
    open_is(w, 1, 0);
    nghttp2_submit_rst_stream(c->session, 0, a->stream, NGHTTP2_CANCEL);
    client_turn(c, 0);
    open_is(w, 1, 1);
    client_free(c);
    open_is(w, 0, 0);
}

/* ---- any bytes ---- */

/* What a client that does all there is to do would send. */
static size_t recorded(uint8_t *to, size_t room)
{
    size_t length, filled = 0;
    nghttp2_session_callbacks *callbacks;
    nghttp2_session_callbacks_new(&callbacks);
    client c = {.fd = -1};
    nghttp2_session_client_new(&c.session, callbacks, &c);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_submit_settings(c.session, 0, NULL, 0);
    static const char *const paths[] = {CHECK, WATCH, LIST, REFLECT};
    for (size_t i = 0; i < WARD_COUNT(paths); i++) {
        const uint8_t *request = named_request(i < 2 ? "api" : "", &length);
        call_with(&c, paths[i], request, length, (oddly){.timeout = i == 1 ? "50m" : NULL});
        const uint8_t *bytes;
        ssize_t n;
        if (i == 1) nghttp2_submit_ping(c.session, 0, NULL);
        while ((n = nghttp2_session_mem_send(c.session, &bytes)) > 0) {
            assert_true(filled + (size_t)n <= room);
            memcpy(to + filled, bytes, (size_t)n);
            filled += (size_t)n;
        }
    }
    nghttp2_session_del(c.session);
    return filled;
}

static void any_bytes_end_well(void **state)
{
    uint8_t good[4096], bytes[4096];
    size_t length = recorded(good, sizeof good);
    wardi_rng rng;
    wardi_rng_init(&rng, 7);
    for (int round = 0; round < 400; round++) {
        memcpy(bytes, good, length);
        size_t changes = 1 + wardi_rng_next(&rng) % 8, cut = length;
        for (size_t i = 0; i < changes; i++)
            bytes[24 + wardi_rng_next(&rng) % (length - 24)] = (uint8_t)wardi_rng_next(&rng);
        if (round % 3 == 0) cut = 24 + wardi_rng_next(&rng) % (length - 24);
        if (round % 5 == 0) /* nothing but noise behind the first words */
            for (size_t i = 33; i < length; i++) bytes[i] = (uint8_t)wardi_rng_next(&rng);
        int fd = kit_connect(((world *)*state)->port);
        for (size_t at = 0; at < cut;) { /* in pieces */
            size_t piece = 1 + wardi_rng_next(&rng) % 200;
            if (piece > cut - at) piece = cut - at;
            put_bytes(fd, bytes + at, piece);
            at += piece;
        }
        shutdown(fd, SHUT_WR);
        assert_true(ends(fd));
        close(fd);
    }
    open_is(*state, 0, 0);
    serves_others(*state);
}

/* ---- no memory ---- */

static struct {
    const world *w; /* it is about this one's thread */
    _Atomic int64_t left;
} scarce;

static bool gate(void *context, size_t size)
{
    (void)context, (void)size;
    if (atomic_load(&scarce.left) == INT64_MAX) return true;
    if (scarce.w == NULL || !pthread_equal(pthread_self(), scarce.w->surface->thread)) return true;
    return atomic_fetch_sub(&scarce.left, 1) > 0;
}

/* Each allocation fails once, and all behind it: the call is answered, or its connection ends. */
static void without_memory_calls_end(void **state)
{
    static const char *const paths[] = {CHECK, LIST, WATCH, REFLECT};
    scarce.w = *state;
    serves_others(*state);
    size_t failed = 0;
    for (size_t p = 0; p < WARD_COUNT(paths); p++) {
        for (int64_t n = 0; n < 150; n++) {
            atomic_store(&scarce.left, n);
            client *c = client_new(*state, 0);
            answer *a = call(c, paths[p], p == 3 ? "" : "api");
            uint64_t until_ns = wardi_now_ns() + PATIENCE_MS * WARDI_MS;
            while (!a->closed && a->length == 0 && !c->over && wardi_now_ns() < until_ns)
                client_turn(c, 100);
            assert_true(a->closed || a->length != 0 || c->over);
            failed += c->over || (a->closed && a->code != GRPC_OK);
            bool enough = atomic_load(&scarce.left) > 0;
            atomic_store(&scarce.left, INT64_MAX);
            client_free(c);
            open_is(*state, 0, 0);
            if (enough) break;
        }
    }
    assert_true(failed > 20);
    scarce.w = NULL;
    serves_others(*state);
}

static int open_world(void **state)
{
    static world w;
    atomic_store(&scarce.left, INT64_MAX);
    wardi_alloc_gate_set(gate, NULL);
    world_open(&w, &impatient);
    *state = &w;
    return 0;
}

static int close_world(void **state)
{
    world_close(*state);
    wardi_alloc_gate_set(NULL, NULL);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_protocol_is_closed),
        cmocka_unit_test(half_a_request_is_not_waited_for),
        cmocka_unit_test(an_answer_that_is_not_taken_is_dropped),
        cmocka_unit_test(who_watches_is_asked_for_a_sign),
        cmocka_unit_test(only_streams_make_a_connection_busy),
        cmocka_unit_test(floods_end_the_connection),
        cmocka_unit_test(rapid_resets_end_the_connection),
        cmocka_unit_test(endless_headers_end_the_connection),
        cmocka_unit_test(any_bytes_end_well),
        cmocka_unit_test(without_memory_calls_end),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
