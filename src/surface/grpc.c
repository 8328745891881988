/* The server: its connections, and one session of nghttp2 on each.
 *
 * What happens on a connection, whoever caused it, ends in `settle`: what can be sent is sent, in
 * one piece, the door is told whether anybody waits, and the handles are set for what comes next.
 * While a client does not read, it is not read from either: so it can make nothing pile up here. */
#include "surface/grpc.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    READ_BYTES = 16 * 1024,
    READS_AT_ONCE = 4, /* then others have a turn */
    SEND_BYTES = 16 * 1024,
    SENDS_AT_ONCE = 8,
    FRAME_BYTES_MAX = 9 + 16 * 1024, /* nghttp2 hands out no more at once */
    ACKS_MAX = 64,                   /* of PING and SETTINGS that wait to go out */
    SETTINGS_MAX = 16,               /* entries of one frame */
    CONTINUATIONS_MAX = 4,           /* frames of one block of headers */
};

struct grpc {
    struct surface *of;
    grpc_limits limits;
    nghttp2_session_callbacks *callbacks;
    nghttp2_option *option;
    nghttp2_mem memory;
    health *health;
    reflection *reflection;
    grpc_connection *connections;
    uint64_t calls; /* that began, in all */
    bool unsettled; /* some of them are */
    bool opened;
    uv_prepare_t prepare;
    uint8_t read[READ_BYTES];
    uint8_t send[SEND_BYTES + FRAME_BYTES_MAX];
};

static const grpc_limits limits_default = {.request_ms = 10000,
                                           .reply_ms = 20000,
                                           .quiet_ms = 60000,
                                           .ping_ms = 60000,
                                           .pong_ms = 20000,
                                           .leave_ms = 500,
                                           .streams_max = 100,
                                           .watches_max = 16384,
                                           .body_bytes_max = 192 * 1024,
                                           .header_bytes_max = 8 * 1024,
                                           .resets_burst = 300,
                                           .resets_rate = 50};

grpc_limits *grpc_limits_of(grpc *g)
{
    return &g->limits;
}

health *grpc_health(grpc *g)
{
    return g->health;
}

const reflection *grpc_reflection(const grpc *g)
{
    return g->reflection;
}

uint64_t grpc_connection_now_ms(const grpc_connection *of)
{
    return uv_now(&of->server->of->loop);
}

const grpc_limits *grpc_connection_limits(const grpc_connection *of)
{
    return &of->server->limits;
}

void grpc_connection_unsettle(grpc_connection *of)
{
    of->unsettled = of->server->unsettled = true;
}

/* ---- headers ---- */

static bool named(const uint8_t *name, size_t length, const char *wanted)
{
    return length == strlen(wanted) && memcmp(name, wanted, length) == 0;
}

static void copy_bounded(char *to, size_t capacity, const uint8_t *value, size_t length)
{
    wardi_text text = wardi_text_on(to, capacity);
    wardi_text_add(&text, (const char *)value, length);
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_length, const uint8_t *value, size_t length, uint8_t flags,
                     void *connection)
{
    grpc_head *head = &((grpc_connection *)connection)->head;
    (void)session;
    (void)flags;
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
    head->bytes += (uint32_t)(name_length + length + 32);
    if (named(name, name_length, ":method")) {
        copy_bounded(head->method, sizeof head->method, value, length);
    } else if (named(name, name_length, ":path")) {
        copy_bounded(head->path, sizeof head->path, value, length);
    } else if (named(name, name_length, "content-type")) {
        head->content_type_fits = wire_content_type_fits((const char *)value, length);
    } else if (named(name, name_length, "grpc-encoding")) {
        head->compressed = !named(value, length, "identity");
    } else if (named(name, name_length, "grpc-timeout")) {
        head->timeout_is_bad = !wire_timeout_read((const char *)value, length, &head->timeout_ms);
    }
    return 0;
}

/* ---- streams ---- */

static bool is_request(const nghttp2_frame *frame)
{
    return frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST;
}

/* nghttp2 passes over headers on a stream that was closed long ago, or never opened before a later
 * one, since they may be trailers that crossed our reset. In gRPC clients have none. */
static int on_begin_frame(nghttp2_session *session, const nghttp2_frame_hd *frame, void *connection)
{
    (void)connection;
    if (frame->type != NGHTTP2_HEADERS || frame->stream_id % 2 == 0 ||
        frame->stream_id > nghttp2_session_get_last_proc_stream_id(session) ||
        nghttp2_session_find_stream(session, frame->stream_id) != NULL)
        return 0;
    return nghttp2_session_terminate_session(session, NGHTTP2_PROTOCOL_ERROR);
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *connection)
{
    grpc_connection *c = connection;
    (void)session;
    if (!is_request(frame)) return 0;
    c->head = (grpc_head){.timeout_ms = UINT64_MAX};
    c->server->calls++;
    /* Else one that is answered at once would not count as a sign of use. */
    c->as = GRPC_BUSY;
    peer_busy(c->from);
    return grpc_call_new(c, frame->hd.stream_id) ? 0 : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

static int on_frame_recv(nghttp2_session *session, const nghttp2_frame *frame, void *connection)
{
    grpc_call *call = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    (void)connection;
    if (call == NULL) return 0;
    if (is_request(frame)) grpc_call_begin(call);
    bool carries = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
    if (carries && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) grpc_call_half_closed(call);
    return 0;
}

static int on_data_chunk_recv(nghttp2_session *session, uint8_t flags, int32_t stream,
                              const uint8_t *bytes, size_t length, void *connection)
{
    grpc_call *call = nghttp2_session_get_stream_user_data(session, stream);
    (void)flags;
    (void)connection;
    if (call != NULL) grpc_call_take(call, bytes, length);
    return 0;
}

static int on_frame_send(nghttp2_session *session, const nghttp2_frame *frame, void *connection)
{
    bool carries = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
    (void)connection;
    if (!carries || (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return 0;
    grpc_call *call = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    if (call != NULL) grpc_call_said_all(call);
    return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t stream, uint32_t why, void *connection)
{
    grpc_call *call = nghttp2_session_get_stream_user_data(session, stream);
    (void)why;
    (void)connection;
    if (call != NULL) grpc_call_free(call);
    return 0;
}

/* ---- a connection's end ---- */

static void on_closed(uv_handle_t *handle)
{
    grpc_connection *c = handle->data;
    if (handle == (uv_handle_t *)&c->poll) c->poll_open = false;
    if (handle == (uv_handle_t *)&c->timer) c->timer_open = false;
    if (!c->poll_open && !c->timer_open) wardi_free(c);
}

/* Its memory goes once the loop has let go of its handles. */
static void give_up(grpc_connection *c)
{
    while (c->calls != NULL) grpc_call_free(c->calls);
    nghttp2_session_del(c->session);
    c->session = NULL;
    wardi_free(c->left);
    c->left = NULL;
    if (c->next != NULL) c->next->before = c->before;
    *(c->before != NULL ? &c->before->next : &c->server->connections) = c->next;
    if (c->poll_open) uv_close((uv_handle_t *)&c->poll, on_closed);
    uv_close((uv_handle_t *)&c->timer, on_closed);
}

static void close_connection(grpc_connection *c)
{
    peer *from = c->from;
    int fd = c->fd;
    give_up(c);
    /* What the client has sent and nobody has read would make the kernel throw away our last words.
     */
    uint8_t rest[1024];
    for (int i = 0; i < 64 && recv(fd, rest, sizeof rest, MSG_DONTWAIT) > 0; i++) continue;
    close(fd);
    peer_left(from);
}

/* ---- sending ---- */

/* False: the socket takes no more, or none at all (`doomed`). */
static bool send_left(grpc_connection *c)
{
    while (c->left_sent < c->left_length) {
        ssize_t sent =
            send(c->fd, c->left + c->left_sent, c->left_length - c->left_sent, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0) {
            c->doomed = c->doomed || (errno != EAGAIN && errno != EWOULDBLOCK);
            return false;
        }
        c->left_sent += (size_t)sent;
        c->left_ms = grpc_connection_now_ms(c);
    }
    wardi_free(c->left);
    c->left = NULL;
    c->left_length = c->left_sent = 0;
    return true;
}

/* Frames are small and many: they are gathered, and sent by one call. */
static size_t gather(grpc_connection *c)
{
    uint8_t *to = c->server->send;
    size_t filled = 0;
    while (filled < SEND_BYTES) {
        const uint8_t *bytes;
        ssize_t length = nghttp2_session_mem_send(c->session, &bytes);
        if (length < 0) c->doomed = true;
        if (length <= 0) break;
        WARD_ASSERT((size_t)length <= FRAME_BYTES_MAX);
        memcpy(to + filled, bytes, (size_t)length);
        filled += (size_t)length;
    }
    return filled;
}

static void keep_left(grpc_connection *c, const uint8_t *bytes, size_t length)
{
    c->left = wardi_memdup(bytes, length);
    if (c->left == NULL) c->doomed = true;
    c->left_length = c->left != NULL ? length : 0;
    c->left_sent = 0;
    c->left_ms = grpc_connection_now_ms(c);
}

/* True: all is said, or the socket takes no more. */
static bool flush(grpc_connection *c)
{
    for (int i = 0; i < SENDS_AT_ONCE; i++) {
        if (c->doomed || !send_left(c)) return true;
        size_t length = gather(c), sent = 0;
        if (length == 0) return true;
        while (sent < length) {
            ssize_t n = send(c->fd, c->server->send + sent, length - sent, MSG_NOSIGNAL);
            if (n < 0 && errno == EINTR) continue;
            if (n < 0) break;
            sent += (size_t)n;
        }
        if (sent < length) keep_left(c, c->server->send + sent, length - sent);
    }
    return false;
}

/* ---- what comes next ---- */

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t due_ms(const grpc_connection *c)
{
    const grpc_limits *limits = &c->server->limits;
    uint64_t due = earlier(c->leave_due_ms, grpc_calls_due_ms(c));
    if (c->left != NULL) due = earlier(due, c->left_ms + limits->reply_ms);
    if (c->calls != NULL)
        due = earlier(due,
                      c->pinged ? c->pinged_ms + limits->pong_ms : c->heard_ms + limits->ping_ms);
    return due;
}

static void on_timer(uv_timer_t *timer);
static void on_poll(uv_poll_t *poll, int status, int events);

/* A timer that rings too early sees that, and is set anew: cheaper than to set it each time. */
static void set_timer(grpc_connection *c)
{
    uint64_t due = due_ms(c), now = grpc_connection_now_ms(c);
    if (due >= c->timer_due_ms) return;
    c->timer_due_ms = due;
    if (uv_timer_start(&c->timer, on_timer, due > now ? due - now : 0, 0) != 0) c->doomed = true;
}

static void set_poll(grpc_connection *c, bool flushed)
{
    int events = c->left != NULL ? UV_WRITABLE : flushed ? UV_READABLE : UV_READABLE | UV_WRITABLE;
    if (events == c->events) return;
    c->events = events;
    if (uv_poll_start(&c->poll, events, on_poll) != 0) c->doomed = true;
}

static void tell_door(grpc_connection *c)
{
    grpc_posture as = c->calls == NULL       ? GRPC_IDLE
                      : grpc_calls_listen(c) ? GRPC_LISTENS
                                             : GRPC_BUSY;
    if (as == c->as) return;
    c->as = as;
    if (as == GRPC_IDLE)
        peer_idle(c->from);
    else if (as == GRPC_LISTENS)
        peer_listens(c->from);
    else
        peer_busy(c->from);
}

static void settle(grpc_connection *c)
{
    c->unsettled = false;
    bool flushed = flush(c);
    bool wants_write = c->left != NULL || nghttp2_session_want_write(c->session) != 0;
    bool over = !wants_write &&
                (nghttp2_session_want_read(c->session) == 0 || (c->leaving && c->calls == NULL));
    if (!c->doomed && !over) {
        set_timer(c);
        set_poll(c, flushed);
    }
    if (c->doomed || over) {
        close_connection(c);
        return;
    }
    tell_door(c);
}

static void on_timer(uv_timer_t *timer)
{
    grpc_connection *c = timer->data;
    const grpc_limits *limits = &c->server->limits;
    uint64_t now = grpc_connection_now_ms(c);
    c->timer_due_ms = UINT64_MAX;
    bool stalled = c->left != NULL && now >= c->left_ms + limits->reply_ms;
    bool silent = c->pinged && c->calls != NULL && now >= c->pinged_ms + limits->pong_ms;
    if (stalled || silent || now >= c->leave_due_ms) {
        close_connection(c);
        return;
    }
    if (c->calls != NULL && !c->pinged && now >= c->heard_ms + limits->ping_ms) {
        c->pinged = true;
        c->pinged_ms = now;
        if (nghttp2_submit_ping(c->session, NGHTTP2_FLAG_NONE, NULL) != 0) c->doomed = true;
    }
    grpc_calls_expire(c);
    settle(c);
}

/* ---- receiving ---- */

/* False: it has nothing more for now, or will never have (`doomed`). */
static bool receive(grpc_connection *c)
{
    ssize_t length = recv(c->fd, c->server->read, READ_BYTES, 0);
    if (length < 0 && errno == EINTR) return true;
    if (length < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return false;
    if (length <= 0) {
        /* Who says no more may still hear what is ready for it. */
        (void)flush(c);
        c->doomed = true;
        return false;
    }
    c->heard_ms = grpc_connection_now_ms(c);
    c->pinged = false;
    /* Not HTTP/2, a flood, no memory. What merely breaks the protocol is told by GOAWAY, and read
     * no further. */
    if (nghttp2_session_mem_recv(c->session, c->server->read, (size_t)length) < 0) {
        (void)flush(c);
        c->doomed = true;
    }
    return !c->doomed && length == READ_BYTES;
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    grpc_connection *c = poll->data;
    if (status < 0) c->doomed = true;
    if ((events & UV_READABLE) != 0)
        for (int i = 0; i < READS_AT_ONCE && !c->doomed && receive(c); i++) continue;
    settle(c);
}

/* ---- coming and going ---- */

static bool greet(grpc_connection *c)
{
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, c->server->limits.streams_max},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, c->server->limits.header_bytes_max}};
    return nghttp2_session_server_new3(&c->session, c->server->callbacks, c, c->server->option,
                                       &c->server->memory) == 0 &&
           nghttp2_submit_settings(c->session, NGHTTP2_FLAG_NONE, settings, WARD_COUNT(settings)) ==
               0;
}

static bool enter(void *context, int fd, peer *from)
{
    grpc *g = context;
    grpc_connection *c = wardi_alloc(sizeof *c);
    if (c == NULL) return false;
    *c = (grpc_connection){.server = g,
                           .from = from,
                           .fd = fd,
                           .as = GRPC_BUSY,
                           .timer_due_ms = UINT64_MAX,
                           .leave_due_ms = UINT64_MAX,
                           .next = g->connections};
    if (g->connections != NULL) g->connections->before = c;
    g->connections = c;
    c->poll.data = c->timer.data = c;
    c->heard_ms = grpc_connection_now_ms(c);
    c->timer_open = uv_timer_init(&g->of->loop, &c->timer) == 0; /* it never fails */
    c->poll_open = greet(c) && uv_poll_init(&g->of->loop, &c->poll, fd) == 0;
    if (!c->poll_open) {
        give_up(c);
        return false;
    }
    from->of_protocol = c;
    settle(c);
    return true;
}

static void leave(grpc_connection *c, uint64_t patience_ms)
{
    if (c->leaving) return;
    c->leaving = true;
    c->leave_due_ms = grpc_connection_now_ms(c) + patience_ms;
    if (nghttp2_submit_goaway(c->session, NGHTTP2_FLAG_NONE,
                              nghttp2_session_get_last_proc_stream_id(c->session), NGHTTP2_NO_ERROR,
                              NULL, 0) != 0)
        c->doomed = true;
}

/* It has no streams but such that listen, and its place is wanted now. */
static void expel(void *context, peer *of)
{
    (void)context;
    grpc_connection *c = of->of_protocol;
    leave(c, 0);
    grpc_calls_end(c, GRPC_RESOURCE_EXHAUSTED, "all places are taken, and another needs one");
    (void)flush(c);
    close_connection(c);
}

/* Within a callback of nghttp2, too: who brings a request is busy, and not the one to leave. */
bool grpc_make_room(grpc *g)
{
    return door_expel_listening(g->of);
}

protocol grpc_protocol(struct grpc *g)
{
    return (protocol){.enter = enter, .expel = expel, .context = g};
}

static void settle_all(grpc *g)
{
    if (!g->unsettled) return;
    g->unsettled = false;
    for (grpc_connection *c = g->connections, *next; c != NULL; c = next) {
        next = c->next;
        if (c->unsettled) settle(c);
    }
}

/* Before the loop waits: what others have changed meanwhile goes out, once. */
static void on_prepare(uv_prepare_t *prepare)
{
    grpc *g = prepare->data;
    health_settle(g->health);
    settle_all(g);
}

void grpc_counts(const struct grpc *g, uint64_t *ret_open, uint64_t *ret_all)
{
    *ret_open = 0;
    *ret_all = g->calls;
    for (const grpc_connection *c = g->connections; c != NULL; c = c->next)
        for (const grpc_call *call = c->calls; call != NULL; call = grpc_call_next(call))
            ++*ret_open;
}

void grpc_look(struct grpc *g)
{
    if (g != NULL) health_look(g->health);
}

bool grpc_open(struct grpc *g)
{
    if (g == NULL) return true;
    nghttp2_option_set_stream_reset_rate_limit(g->option, g->limits.resets_burst,
                                               g->limits.resets_rate);
    nghttp2_option_set_peer_max_concurrent_streams(g->option, 0); /* it is pushed nothing */
    g->prepare.data = g;
    g->opened = uv_prepare_init(&g->of->loop, &g->prepare) == 0 &&
                uv_prepare_start(&g->prepare, on_prepare) == 0;
    uv_unref((uv_handle_t *)&g->prepare);
    health_open(g->health);
    return g->opened;
}

void grpc_close(struct grpc *g)
{
    if (g == NULL || !g->opened) return;
    g->opened = false;
    health_close(g->health);
    for (grpc_connection *c = g->connections, *next; c != NULL; c = next) {
        next = c->next;
        leave(c, g->limits.leave_ms);
        grpc_calls_end(c, GRPC_UNAVAILABLE, "the host stops");
        settle(c);
    }
    uv_close((uv_handle_t *)&g->prepare, NULL);
}

/* ---- its life ---- */

static bool make_callbacks(grpc *g)
{
    if (nghttp2_session_callbacks_new(&g->callbacks) != 0 || nghttp2_option_new(&g->option) != 0)
        return false;
    nghttp2_session_callbacks *to = g->callbacks;
    nghttp2_session_callbacks_set_on_begin_frame_callback(to, on_begin_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(to, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(to, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(to, on_frame_recv);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(to, on_data_chunk_recv);
    nghttp2_session_callbacks_set_on_frame_send_callback(to, on_frame_send);
    nghttp2_session_callbacks_set_on_stream_close_callback(to, on_stream_close);
    nghttp2_option_set_max_outbound_ack(g->option, ACKS_MAX);
    nghttp2_option_set_max_settings(g->option, SETTINGS_MAX);
    nghttp2_option_set_max_continuations(g->option, CONTINUATIONS_MAX);
    return true;
}

struct grpc *grpc_new(struct surface *s)
{
    grpc *g = wardi_alloc(sizeof *g);
    if (g == NULL) return NULL;
    *g = (grpc){.of = s,
                .limits = limits_default,
                .memory = grpc_memory,
                .health = health_new(s),
                .reflection = reflection_new()};
    if (g->health != NULL && g->reflection != NULL && make_callbacks(g)) return g;
    grpc_free(g);
    return NULL;
}

void grpc_free(struct grpc *g)
{
    if (g == NULL) return;
    WARD_ASSERT(g->connections == NULL);
    if (g->callbacks != NULL) nghttp2_session_callbacks_del(g->callbacks);
    if (g->option != NULL) nghttp2_option_del(g->option);
    health_free(g->health);
    reflection_free(g->reflection);
    wardi_free(g);
}
