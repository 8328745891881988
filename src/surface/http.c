/* libmicrohttpd in the surfaces' loop: connections in, requests to their handlers, answers out. */
#include <gnutls/abstract.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "surface/http_priv.h"
#include "surface/keyring.h"
#include "surface/metrics.h"

enum {
    /* Twice what a request's headers may take: so what is too long by our count is still answered
     * by us, with a document. */
    MEMORY_BYTES = 2 * HTTP_HEADER_BYTES_MAX + 4096,
    STALLED_S = 60,            /* an answer of which nothing is read for so long */
    RUNS_MAX = 4,              /* of libmicrohttpd, before others on the loop have their turn */
    CONNECTIONS_MAX = 1 << 20, /* the door counts them */
};

/* ---- the loop ---- */

static void on_due(uv_timer_t *timer);

/* To libmicrohttpd a handshake that waits for the other end is work that is there, and it would be
 * run without a pause, for as long as somebody likes. */
static MHD_UNSIGNED_LONG_LONG pause_ms(const http_line *line)
{
    enum { HANDSHAKES_MS = 2 };
    const http *h = line->http;
    return line == &h->secure && http_remote_handshaking(h) != 0 ? HANDSHAKES_MS : 0;
}

static void drive(http_line *line)
{
    http *h = line->http;
    MHD_UNSIGNED_LONG_LONG timeout_ms = 0;
    bool wants = true;
    if (line == &h->secure) http_remote_turn(h);
    for (int i = 0; i < RUNS_MAX && wants && timeout_ms == 0; i++) {
        http_clock_look(h);
        MHD_run(line->daemon);
        wants = MHD_get_timeout(line->daemon, &timeout_ms) == MHD_YES;
    }
    if (h->closing) return;
    if (wants)
        uv_timer_start(&line->due, on_due, timeout_ms != 0 ? timeout_ms : pause_ms(line), 0);
    else
        uv_timer_stop(&line->due);
}

static void on_due(uv_timer_t *timer)
{
    drive(timer->data);
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    (void)status, (void)events;
    drive(poll->data);
}

void http_drive_soon(http_line *line)
{
    if (!line->http->closing) uv_timer_start(&line->due, on_due, 0, 0);
}

void http_client_suspend(http_client *client)
{
    client->suspended = true;
    MHD_suspend_connection(client->connection);
}

void http_client_resume(http_client *client)
{
    /* One that is not suspended would not be the next time it is to be. */
    if (!client->suspended) return;
    client->suspended = false;
    MHD_resume_connection(client->connection);
    http_drive_soon(client->line);
}

/* ---- connections ---- */

static void on_connection(void *context, struct MHD_Connection *connection, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
    http *h = context;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        h->entering->connection = connection;
        *socket_context = h->entering;
        if (h->entering->line == &h->secure && !http_remote_enter(h->entering))
            shutdown(h->entering->fd, SHUT_RDWR);
        return;
    }
    http_client *client = *socket_context;
    if (h->entering == client) h->entering = NULL; /* it came, and could not stay */
    http_clock_leave(client);
    http_remote_leave(client);
    peer_left(client->peer);
    wardi_free(client);
}

static bool enter(void *context, int fd, peer *from)
{
    http_line *line = context;
    http *h = line->http;
    http_client *client = h->closing ? NULL : wardi_alloc(sizeof *client);
    if (client == NULL) return false;
    *client = (http_client){.http = h, .line = line, .peer = from, .fd = fd};
    from->of_protocol = client;
    h->entering = client;
    /* Nobody asks for its address; and there must be one. */
    struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
    bool taken = MHD_add_connection(line->daemon, fd, &nowhere, sizeof nowhere) == MHD_YES;
    bool gone = h->entering == NULL;
    h->entering = NULL;
    if (taken) {
        http_clock_enter(client);
        peer_idle(from);
        http_drive_soon(line);
    } else if (!gone) { /* closed in any case */
        wardi_free(client);
        peer_left(from);
    }
    return true;
}

static void expel(void *context, peer *of)
{
    (void)context;
    http_client *client = of->of_protocol;
    shutdown(client->fd, SHUT_RDWR);
}

/* ---- requests ---- */

static http_client *client_of(struct MHD_Connection *connection)
{
    return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

/* The first line is there: the request has a target, as it was sent. */
static void *on_target(void *context, const char *target, struct MHD_Connection *connection)
{
    http_client *client = client_of(connection);
    http_clock_begin(client);
    client->under_way = true;
    http_request *request = wardi_alloc(sizeof *request);
    if (request == NULL) return NULL;
    request->http = context;
    request->client = client;
    request->connection = connection;
    request->raw = wardi_strdup(target);
    if (request->raw != NULL) return request;
    wardi_free(request);
    return NULL;
}

static void on_completed(void *context, struct MHD_Connection *connection, void **request_context,
                         enum MHD_RequestTerminationCode how)
{
    (void)how;
    ((http *)context)->requests++;
    http_client *client = client_of(connection);
    http_request_free(*request_context);
    *request_context = NULL;
    http_clock_end(client);
    client->under_way = client->streams = false;
    peer_idle(client->peer);
}

static http_method method_of(const char *name)
{
    static const struct {
        const char *name;
        http_method method;
    } methods[] = {{"GET", HTTP_GET},
                   {"HEAD", HTTP_GET},
                   {"POST", HTTP_POST},
                   {"DELETE", HTTP_DELETE},
                   {"OPTIONS", HTTP_OPTIONS}};
    for (size_t i = 0; i < WARD_COUNT(methods); i++)
        if (strcmp(name, methods[i].name) == 0) return methods[i].method;
    return HTTP_OTHER;
}

static bool sizes_fit(http_request *request)
{
    if (strlen(request->raw) > HTTP_TARGET_BYTES_MAX) {
        http_problem(request, MHD_HTTP_URI_TOO_LONG,
                     "The path and its query take %d bytes at most.", HTTP_TARGET_BYTES_MAX);
        return false;
    }
    const union MHD_ConnectionInfo *size =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    if (size == NULL || size->header_size <= HTTP_HEADER_BYTES_MAX) return true;
    http_problem(request, MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE,
                 "The headers take %d bytes at most.", HTTP_HEADER_BYTES_MAX);
    return false;
}

static bool target_is_there(http_request *request)
{
    const char *why = "";
    request->decoded = wardi_strdup(request->raw);
    if (request->decoded == NULL) {
        http_problem_error(request, WARD_ERROR_NO_MEMORY, "");
        return false;
    }
    http_fault fault = http_target_read(request->decoded, &request->target, &why);
    if (fault == HTTP_TARGET_MALFORMED) {
        http_problem(request, MHD_HTTP_BAD_REQUEST, "The path or its query can't be read: %s.",
                     why);
        return false;
    }
    if (fault == HTTP_TARGET_OK) request->routing = http_route_find(&request->target);
    if (request->routing.found) return true;
    http_problem(
        request, MHD_HTTP_NOT_FOUND,
        "There is no such path. GET /api/v1/openapi.json tells of those of the interface.");
    return false;
}

/* Which route it takes; else it is answered. */
static bool method_is_allowed(http_request *request)
{
    char allow[64];
    wardi_text text = WARDI_TEXT(allow);
    const http_route *route = NULL;
    if ((int)request->method < HTTP_ROUTE_METHODS)
        route = request->routing.by_method[request->method];
    http_route_allow(&request->routing, request->who.may, &text);
    if (request->method == HTTP_OPTIONS) {
        http_answer(request, MHD_HTTP_NO_CONTENT, NULL, "", 0);
    } else if (route == NULL) {
        http_problem(request, MHD_HTTP_METHOD_NOT_ALLOWED, "Here, there is %s.", allow);
    } else if (http_access_allows(request, route)) {
        request->route = route;
        return true;
    }
    http_answer_header(request, MHD_HTTP_HEADER_ALLOW, allow);
    return false;
}

static bool query_is_known(http_request *request)
{
    const char *unknown = http_route_unknown(request->route, &request->target);
    if (unknown == NULL) return true;
    http_problem(request, MHD_HTTP_BAD_REQUEST, "There is no parameter \"%.100s\" here%s%s.",
                 unknown, *request->route->query != '\0' ? "; there is: " : "",
                 request->route->query);
    return false;
}

/* "application/json" of "application/json; charset=utf-8". */
static bool is_of_type(const char *value, const char *type)
{
    size_t length = strlen(type);
    if (value == NULL || strncasecmp(value, type, length) != 0) return false;
    return strchr("; \t", value[length]) != NULL; /* the NUL among them */
}

static bool body_is_welcome(http_request *request)
{
    const http_route *route = request->route;
    const char *length = http_header(request, MHD_HTTP_HEADER_CONTENT_LENGTH);
    bool chunked = http_header(request, MHD_HTTP_HEADER_TRANSFER_ENCODING) != NULL;
    uint64_t bytes = 0;
    /* What is no number was refused before. */
    if (length != NULL && !http_number_read(length, UINT64_MAX / 2, &bytes)) bytes = UINT64_MAX;
    if (bytes > route->body_bytes_max) {
        http_problem(request, MHD_HTTP_CONTENT_TOO_LARGE, "A body here takes %zu bytes at most.",
                     route->body_bytes_max);
    } else if (route->body_bytes_max != 0 && length == NULL && !chunked) {
        http_problem(request, MHD_HTTP_LENGTH_REQUIRED,
                     "A body belongs here, with its Content-Length.");
    } else if (route->body_type != NULL &&
               !is_of_type(http_header(request, MHD_HTTP_HEADER_CONTENT_TYPE), route->body_type)) {
        http_problem(request, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE, "The body is to be %s.",
                     route->body_type);
    } else {
        return true;
    }
    return false;
}

/* The headers are there. What is wrong with them is answered now or when the body, if there is one,
 * has been overlooked: an answer before that ends the connection. */
static void begin(http_request *request, const char *method)
{
    request->begun = true;
    request->method = method_of(method);
    if (!http_access_admit(request)) return;
    if (!sizes_fit(request) || !target_is_there(request)) return;
    if (!method_is_allowed(request) || !query_is_known(request)) return;
    (void)body_is_welcome(request);
}

static void take_body(http_request *request, const char *bytes, size_t length)
{
    size_t most = request->route != NULL ? request->route->body_bytes_max : 0;
    request->body_seen += length;
    if (request->response != NULL || request->body_over) return;
    request->body_over = request->body_seen > most;
    if (!request->body_over) http_text_add(&request->body, bytes, length);
}

static void complete(http_request *request)
{
    request->complete = true;
    http_clock_end(request->client);
    if (request->response != NULL) return;
    if (request->body_over)
        http_problem(request, MHD_HTTP_CONTENT_TOO_LARGE, "A body here takes %zu bytes at most.",
                     request->route->body_bytes_max);
    else if (request->body.failed)
        http_problem_error(request, WARD_ERROR_NO_MEMORY, "");
}

static bool body_follows(const http_request *request)
{
    const char *length = http_header(request, MHD_HTTP_HEADER_CONTENT_LENGTH);
    if (length != NULL && strcmp(length, "0") != 0) return true;
    return http_header(request, MHD_HTTP_HEADER_TRANSFER_ENCODING) != NULL;
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *body,
                                  size_t *body_length, void **request_context)
{
    (void)context, (void)url, (void)version, (void)connection;
    http_request *request = *request_context;
    if (request == NULL) return MHD_NO; /* there was no memory for it */
    if (!request->begun) {
        begin(request, method);
        bool early = request->response != NULL && body_follows(request);
        return early ? http_answer_send(request) : MHD_YES;
    }
    if (*body_length != 0) {
        take_body(request, body, *body_length);
        *body_length = 0;
        return MHD_YES;
    }
    if (!request->complete) complete(request);
    if (request->response == NULL) request->route->handle(request);
    return http_answer_send(request);
}

/* ---- the whole ---- */

/* Paths and queries are decoded by http_target.c, from the target as it was sent. */
static size_t on_unescape(void *context, struct MHD_Connection *connection, char *text)
{
    (void)context, (void)connection;
    return strlen(text);
}

/* Sessions get what they need from the keyring, which is replaced: http_remote_enter. */
static int no_certificate(gnutls_session_t session, const gnutls_datum_t *names, int name_count,
                          const gnutls_pk_algorithm_t *algorithms, int algorithm_count,
                          gnutls_pcert_st **pcert, unsigned *pcert_length, gnutls_privkey_t *key)
{
    (void)session, (void)names, (void)name_count, (void)algorithms, (void)algorithm_count;
    (void)pcert, (void)pcert_length, (void)key;
    return -1;
}

static struct MHD_Daemon *start_daemon(http *h, bool secure)
{
    const struct MHD_OptionItem plain[] = {{MHD_OPTION_END, 0, NULL}};
    const struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)KEYRING_PRIORITIES},
        {MHD_OPTION_HTTPS_CERT_CALLBACK, 0, (void *)(uintptr_t)no_certificate},
        {MHD_OPTION_END, 0, NULL}};
    unsigned flags = MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME;
    return MHD_start_daemon(
        secure ? flags | MHD_USE_TLS : flags, 0, NULL, NULL, on_request, h,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY_BYTES, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)STALLED_S,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, h, MHD_OPTION_NOTIFY_CONNECTION, on_connection,
        h, MHD_OPTION_URI_LOG_CALLBACK, on_target, h, MHD_OPTION_UNESCAPE_CALLBACK, on_unescape, h,
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 0, MHD_OPTION_ARRAY,
        secure ? tls : plain, MHD_OPTION_END);
}

static bool open_line(http_line *line, bool secure)
{
    http *h = line->http;
    uv_loop_t *loop = &h->surface->loop;
    line->daemon = start_daemon(h, secure);
    if (line->daemon == NULL) return false;
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(line->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    if (uv_timer_init(loop, &line->due) != 0) return false;
    line->due.data = line;
    if (uv_poll_init(loop, &line->ready, info->epoll_fd) != 0) return false;
    line->ready.data = line;
    return uv_poll_start(&line->ready, UV_READABLE, on_ready) == 0;
}

struct http *http_new(struct surface *s)
{
    http *h = wardi_alloc(sizeof *h);
    if (h == NULL) return NULL;
    h->surface = s;
    h->plain.http = h->secure.http = h;
    h->arrivals_fd = -1;
    return h;
}

protocol http_protocol(http *h)
{
    return (protocol){.enter = enter, .expel = expel, .context = &h->plain};
}

protocol http_remote_protocol(http *h)
{
    return (protocol){.enter = enter, .expel = expel, .context = &h->secure};
}

bool http_open(http *h)
{
    if (!http_clock_open(h) || !open_line(&h->plain, false)) return false;
    if (h->remote != NULL && !open_line(&h->secure, true)) return false;
    if (!http_events_open(h)) return false;
    http_remote_open(h);
    h->metrics = metrics_hub_new(h->surface->view);
    return h->metrics != NULL;
}

/* A handle is initialised when it has data. */
static void let_go(uv_handle_t *handle)
{
    if (handle->data != NULL && !uv_is_closing(handle)) uv_close(handle, NULL);
}

/* Connections are closed in http_free: until the loop has ended, work of theirs may be under way.
 */
void http_close(http *h)
{
    if (h == NULL) return;
    h->closing = true;
    let_go((uv_handle_t *)&h->plain.ready);
    let_go((uv_handle_t *)&h->plain.due);
    let_go((uv_handle_t *)&h->secure.ready);
    let_go((uv_handle_t *)&h->secure.due);
    http_remote_close(h);
    let_go((uv_handle_t *)&h->arrivals);
    let_go((uv_handle_t *)&h->late);
    http_events_close(h->events);
}

void http_free(http *h)
{
    if (h == NULL) return;
    if (h->plain.daemon != NULL) MHD_stop_daemon(h->plain.daemon);
    if (h->secure.daemon != NULL) MHD_stop_daemon(h->secure.daemon);
    http_remote_free(h);
    http_events_free(h->events);
    metrics_hub_free(h->metrics);
    if (h->arrivals_fd >= 0) close(h->arrivals_fd);
    if (h->ok != NULL) MHD_destroy_response(h->ok);
    wardi_free(h);
}
