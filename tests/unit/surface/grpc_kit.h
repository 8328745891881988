/* What the tests of gRPC share: a supervisor with children that are part of the test, the surface
 * over it, and a client made of nghttp2. Header only, because each test is one file. */
#ifndef GRPC_KIT_H
#define GRPC_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ward/ward.h>

#include "surface/grpc.h"

enum { PATIENCE_MS = 20000, ANSWERS_MAX = 160 };

#define CHECK "/grpc.health.v1.Health/Check"
#define LIST "/grpc.health.v1.Health/List"
#define WATCH "/grpc.health.v1.Health/Watch"
#define REFLECT "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
#define REFLECT_ALPHA "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"

/* ---- who is asked about ---- */

typedef struct world {
    ward_host *host;
    ward_supervisor *supervisor;
    wardi_surface *surface;
    int port;
} world;

static inline void world_event(void *context, const ward_event *event)
{
    wardi_surface_take(((world *)context)->surface, event);
}

static inline void world_add(world *w, const char *name, const char *group)
{
    ward_native_options native = WARD_INIT(ward_native_options);
    ward_child_options child = WARD_INIT(ward_child_options);
    ward_diag diag;
    native.name = name;
    child.native = &native;
    child.group = group;
    child.interval_ns = 20 * WARDI_MS;
    assert_int_equal(ward_supervisor_add(w->supervisor, &child, &diag), WARD_OK);
}

static inline void world_ask(world *w, const char *name, ward_request request)
{
    ward_diag diag = {0};
    assert_int_equal(ward_supervisor_ask(w->supervisor, name, request, &diag), WARD_OK);
}

/* "api" at the top, "web" in the group "site". `limits` may be NULL. */
static inline void world_open_with(world *w, const grpc_limits *limits,
                                   const wardi_surface_options *options)
{
    *w = (world){0};
    ward_diag diag = {0};
    ward_host_options host = WARD_INIT(ward_host_options);
    host.cache_directory = host.compiler_path = "";
    host.components_max = 16;
    assert_int_equal(ward_host_open(&host, &w->host, &diag), WARD_OK);
    assert_int_equal(wardi_surface_new(options, &w->surface, &diag), WARD_OK);
    if (limits != NULL) *grpc_limits_of(w->surface->grpc) = *limits;
    ward_supervisor_options supervisor = WARD_INIT(ward_supervisor_options);
    supervisor.workers = 2;
    supervisor.on_event = world_event;
    supervisor.event_context = w;
    assert_int_equal(ward_supervisor_new(w->host, &supervisor, &w->supervisor, &diag), WARD_OK);
    ward_group_options group = WARD_INIT(ward_group_options);
    group.name = "site";
    assert_int_equal(ward_supervisor_add_group(w->supervisor, &group, &diag), WARD_OK);
    world_add(w, "api", NULL);
    world_add(w, "web", "site");
    assert_int_equal(ward_supervisor_start(w->supervisor, &diag), WARD_OK);
    assert_int_equal(wardi_surface_start(w->surface, w->supervisor, &diag), WARD_OK);
    w->port = atoi(strrchr(wardi_surface_grpc_address(w->surface), ':') + 1);
}

static inline void world_open(world *w, const grpc_limits *limits)
{
    wardi_surface_options options = {.grpc_address = "127.0.0.1:0"};
    world_open_with(w, limits, &options);
}

static inline void world_close(world *w)
{
    ward_diag diag;
    ward_supervisor_stop(w->supervisor, 0, &diag);
    wardi_surface_free(w->surface);
    ward_supervisor_free(w->supervisor);
    ward_host_close(w->host);
}

/* ---- a client ---- */

typedef struct answer {
    struct client *of;
    int32_t stream;
    int http, code; /* -1: not said */
    char text[600], content_type[40];
    uint8_t *bytes; /* messages, with their prefixes */
    size_t length;
    bool closed;
    uint32_t why; /* of closed: an error of HTTP/2 */
    const uint8_t *body;
    size_t body_length, body_sent;
    bool body_open; /* there may be more */
    bool trailers;
} answer;

typedef struct client {
    int fd;
    nghttp2_session *session;
    answer answers[ANSWERS_MAX];
    size_t count;
    bool over; /* the server has closed the connection */
    bool goaway;
    uint32_t goaway_why;
    size_t pings;
} client;

static inline answer *answer_at(nghttp2_session *session, int32_t stream)
{
    return nghttp2_session_get_stream_user_data(session, stream);
}

static inline int kit_header(nghttp2_session *session, const nghttp2_frame *frame,
                             const uint8_t *name, size_t name_length, const uint8_t *value,
                             size_t length, uint8_t flags, void *user)
{
    answer *a = answer_at(session, frame->hd.stream_id);
    (void)name_length, (void)flags, (void)user;
    if (a == NULL) return 0;
    if (strcmp((const char *)name, ":status") == 0) a->http = atoi((const char *)value);
    if (strcmp((const char *)name, "grpc-status") == 0) a->code = atoi((const char *)value);
    if (strcmp((const char *)name, "content-type") == 0)
        snprintf(a->content_type, sizeof a->content_type, "%.*s", (int)length, value);
    if (strcmp((const char *)name, "grpc-message") == 0)
        snprintf(a->text, sizeof a->text, "%.*s", (int)length, value);
    return 0;
}

static inline int kit_data(nghttp2_session *session, uint8_t flags, int32_t stream,
                           const uint8_t *bytes, size_t length, void *user)
{
    answer *a = answer_at(session, stream);
    (void)flags, (void)user;
    a->bytes = realloc(a->bytes, a->length + length);
    memcpy(a->bytes + a->length, bytes, length);
    a->length += length;
    return 0;
}

static inline int kit_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    client *c = user;
    (void)session;
    if (frame->hd.type == NGHTTP2_GOAWAY) {
        c->goaway = true;
        c->goaway_why = frame->goaway.error_code;
    }
    if (frame->hd.type == NGHTTP2_PING && (frame->hd.flags & NGHTTP2_FLAG_ACK) == 0) c->pings++;
    return 0;
}

static inline int kit_closed(nghttp2_session *session, int32_t stream, uint32_t why, void *user)
{
    answer *a = answer_at(session, stream);
    (void)user;
    if (a == NULL) return 0;
    a->closed = true;
    a->why = why;
    return 0;
}

static inline int kit_connect(int port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    int on = 1; /* half a request would wait for an answer to the other half */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

/* `window`: of each stream; 0: HTTP/2's own. */
static inline client *client_new(const world *w, uint32_t window)
{
    client *c = calloc(1, sizeof *c);
    c->fd = kit_connect(w->port);
    nghttp2_session_callbacks *callbacks;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, kit_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, kit_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, kit_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, kit_closed);
    nghttp2_option *option;
    nghttp2_option_new(&option);
    nghttp2_option_set_no_auto_window_update(option, window != 0);
    assert_int_equal(nghttp2_session_client_new2(&c->session, callbacks, c, option), 0);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, window}};
    nghttp2_submit_settings(c->session, 0, settings, window != 0);
    if (window > 65535) nghttp2_session_set_local_window_size(c->session, 0, 0, (int32_t)window);
    return c;
}

static inline void client_free(client *c)
{
    for (size_t i = 0; i < c->count; i++) free(c->answers[i].bytes);
    nghttp2_session_del(c->session);
    close(c->fd);
    free(c);
}

static inline void client_send(client *c)
{
    const uint8_t *bytes;
    ssize_t length;
    while ((length = nghttp2_session_mem_send(c->session, &bytes)) > 0)
        for (ssize_t sent = 0, n; sent < length; sent += n)
            if ((n = send(c->fd, bytes + sent, (size_t)(length - sent), MSG_NOSIGNAL)) < 0) return;
}

/* Sends, and waits for bytes once. False: there were none for `wait_ms`. */
static inline bool client_turn(client *c, int wait_ms)
{
    uint8_t bytes[16384];
    struct pollfd ready = {.fd = c->fd, .events = POLLIN};
    client_send(c);
    if (c->over || poll(&ready, 1, wait_ms) <= 0) return false;
    ssize_t length = recv(c->fd, bytes, sizeof bytes, 0);
    if (length <= 0) {
        c->over = true;
        return true;
    }
    if (nghttp2_session_mem_recv(c->session, bytes, (size_t)length) < 0) c->over = true;
    client_send(c);
    return true;
}

#define CLIENT_UNTIL(c, condition)                                                                 \
    do {                                                                                           \
        uint64_t until_ns = wardi_now_ns() + PATIENCE_MS * WARDI_MS;                               \
        while (!(condition) && !(c)->over && wardi_now_ns() < until_ns) client_turn((c), 100);     \
        assert_true(condition);                                                                    \
    } while (0)

static inline ssize_t kit_provide(nghttp2_session *session, int32_t stream, uint8_t *to,
                                  size_t room, uint32_t *flags, nghttp2_data_source *source,
                                  void *user)
{
    answer *a = source->ptr;
    (void)user;
    size_t left = a->body_length - a->body_sent, length = left < room ? left : room;
    if (length != 0) memcpy(to, a->body + a->body_sent, length);
    a->body_sent += length;
    if (a->body_sent == a->body_length && !a->body_open) *flags |= NGHTTP2_DATA_FLAG_EOF;
    if ((*flags & NGHTTP2_DATA_FLAG_EOF) != 0 && a->trailers) {
        nghttp2_nv trailer = {(uint8_t *)(uintptr_t) "x", (uint8_t *)(uintptr_t) "y", 1, 1, 0};
        *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        nghttp2_submit_trailer(session, stream, &trailer, 1);
    }
    return length == 0 && a->body_open ? NGHTTP2_ERR_DEFERRED : (ssize_t)length;
}

/* What a request says that is not usual; NULL or false: the usual. */
typedef struct oddly {
    const char *method, *content_type, *timeout, *encoding, *extra_name, *extra_value;
    bool no_te, open, trailers;
} oddly;

static inline nghttp2_nv kit_nv(const char *name, const char *value)
{
    return (nghttp2_nv){(uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name),
                        strlen(value), NGHTTP2_NV_FLAG_NONE};
}

/* The bytes are borrowed until the answer is closed. */
static inline answer *call_with(client *c, const char *path, const void *body, size_t length,
                                oddly odd)
{
    nghttp2_nv headers[10] = {kit_nv(":method", odd.method != NULL ? odd.method : "POST"),
                              kit_nv(":scheme", "http"), kit_nv(":authority", "localhost"),
                              kit_nv(":path", path)};
    size_t count = 4;
    const char *type = odd.content_type != NULL ? odd.content_type : "application/grpc";
    if (type[0] != '\0') headers[count++] = kit_nv("content-type", type);
    if (!odd.no_te) headers[count++] = kit_nv("te", "trailers");
    if (odd.timeout != NULL) headers[count++] = kit_nv("grpc-timeout", odd.timeout);
    if (odd.encoding != NULL) headers[count++] = kit_nv("grpc-encoding", odd.encoding);
    if (odd.extra_name != NULL) headers[count++] = kit_nv(odd.extra_name, odd.extra_value);
    assert_true(c->count < ANSWERS_MAX);
    answer *a = &c->answers[c->count++];
    *a = (answer){.of = c,
                  .http = -1,
                  .code = -1,
                  .body = body,
                  .body_length = length,
                  .body_open = odd.open,
                  .trailers = odd.trailers};
    nghttp2_data_provider provider = {.source.ptr = a, .read_callback = kit_provide};
    a->stream = nghttp2_submit_request(c->session, NULL, headers, count, &provider, a);
    assert_true(a->stream > 0);
    return a;
}

/* A message with its prefix that names a service. Static, one at a time. */
static inline const uint8_t *named_request(const char *name, size_t *ret_length)
{
    static uint8_t bytes[300];
    size_t length = strlen(name), message = length != 0 ? 2 + length : 0;
    assert_true(length < 128);
    wire_prefix_write(bytes, (uint32_t)message);
    bytes[5] = 0x0a;
    bytes[6] = (uint8_t)length;
    memcpy(bytes + 7, name, length);
    *ret_length = 5 + message;
    return bytes;
}

/* Sent at once, so that the bytes may be used again. */
static inline answer *call(client *c, const char *path, const char *name)
{
    size_t length;
    const uint8_t *bytes = named_request(name, &length);
    answer *a = call_with(c, path, bytes, length, (oddly){0});
    client_send(c);
    return a;
}

static inline void finish(answer *a)
{
    CLIENT_UNTIL(a->of, a->closed);
}

/* Statuses of the messages so far, "12" for SERVING and NOT_SERVING. Static. */
static inline const char *statuses(const answer *a)
{
    static char text[64];
    size_t count = 0;
    for (size_t at = 0; at + 5 <= a->length && count + 1 < sizeof text;) {
        grpc_prefix prefix = wire_prefix_read(a->bytes + at);
        assert_int_equal(prefix.flag, 0);
        if (at + 5 + prefix.length > a->length) break;
        assert_true(prefix.length == 0 || (prefix.length == 2 && a->bytes[at + 5] == 0x08));
        text[count++] = (char)('0' + (prefix.length != 0 ? a->bytes[at + 6] : 0));
        at += 5 + prefix.length;
    }
    text[count] = '\0';
    return text;
}

static inline void expect_end(answer *a, int code, const char *text)
{
    finish(a);
    assert_int_equal(a->http, 200);
    assert_string_equal(a->content_type, "application/grpc");
    if (a->code != code) print_error("grpc-message: %s\n", a->text);
    assert_int_equal(a->code, code);
    assert_string_equal(a->text, text);
}

/* Asks until it is so. */
static inline void until_checked(client *c, const char *name, const char *status)
{
    uint64_t until_ns = wardi_now_ns() + PATIENCE_MS * WARDI_MS;
    for (;;) {
        answer *a = call(c, CHECK, name);
        finish(a);
        bool so = strcmp(statuses(a), status) == 0;
        free(a->bytes);
        c->count--;
        if (so) return;
        assert_true(wardi_now_ns() < until_ns);
        poll(NULL, 0, 2);
    }
}

#endif
