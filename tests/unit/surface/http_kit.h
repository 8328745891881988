/* What the tests of HTTP share: a host with a surface on a port of its own, and a client that sends
 * any bytes and reads answers strictly. */
#ifndef HTTP_KIT_H
#define HTTP_KIT_H

#include <arpa/inet.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "surface/surface.h"
#include "unit/host/host_kit.h"

static wardi_surface *surface;
static char directory[64], control_path[100], journal_path[100];
static wardi_journal *journal;
static _Atomic uint64_t newest; /* the number of the last event */
/* Of the surface that is opened next. */
static ward_error (*surface_reload)(void *context, char **ret_document, ward_diag *ret_diag);
static void *surface_reload_context;

/* ---- the host ---- */

static inline void on_event_too(void *context, const ward_event *event)
{
    (void)context;
    on_event(NULL, event);
    newest = event->sequence;
    if (journal != NULL) wardi_journal_take(journal, event);
    wardi_surface_take(surface, event);
}

/* What a test wants otherwise, before the surface is made; NULL: nothing. */
static void (*adjust_options)(wardi_surface_options *options);

static inline void open_surface(void)
{
    ward_diag diag = {0};
    wardi_surface_options options = {.http_address = "127.0.0.1:0",
                                     .control_path = control_path,
                                     .reload = surface_reload,
                                     .reload_context = surface_reload_context,
                                     .journal = journal,
                                     .journal_path = journal != NULL ? journal_path : NULL};
    if (adjust_options != NULL) adjust_options(&options);
    if (wardi_surface_new(&options, &surface, &diag) != WARD_OK) fail_msg("%s", diag.text);
}

static inline void open_journal(void)
{
    ward_diag diag = {0};
    wardi_journal_options options = {.path = journal_path};
    if (wardi_journal_open(&options, &journal, &diag) != WARD_OK) fail_msg("%s", diag.text);
}

static inline int open_host_with(bool with_journal)
{
    const char *base = getenv("TMPDIR");
    snprintf(directory, sizeof directory, "%s/ward-http-XXXXXX", base != NULL ? base : "/tmp");
    assert_non_null(mkdtemp(directory));
    snprintf(control_path, sizeof control_path, "%s/control", directory);
    snprintf(journal_path, sizeof journal_path, "%s/journal", directory);
    ward_host_options options = WARD_INIT(ward_host_options);
    options.cache_directory = "";
    ward_supervisor_options own = usual_options();
    own.on_event = on_event_too;
    record.count = 0;
    if (with_journal) open_journal();
    open_surface();
    assert_int_equal(ward_host_open(&options, &host, NULL), WARD_OK);
    assert_int_equal(ward_supervisor_new(host, &own, &supervisor, NULL), WARD_OK);
    return 0;
}

static inline int open_host(void **state)
{
    (void)state;
    return open_host_with(false);
}

static inline int open_host_and_journal(void **state)
{
    (void)state;
    return open_host_with(true);
}

static inline int close_host(void **state)
{
    (void)state;
    ward_supervisor_stop(supervisor, 0, NULL);
    wardi_surface_free(surface);
    ward_supervisor_free(supervisor);
    ward_host_close(host);
    if (journal != NULL) wardi_journal_close(journal, PATIENCE_NS);
    journal = NULL;
    static const char *const files[] = {"", "-wal", "-shm", "-lock"};
    for (size_t i = 0; i < WARD_COUNT(files); i++) {
        char path[128];
        snprintf(path, sizeof path, "%s%s", journal_path, files[i]);
        unlink(path);
    }
    rmdir(directory);
    return 0;
}

static inline void serve_all(void)
{
    ward_diag diag = {0};
    if (wardi_surface_start(surface, supervisor, &diag) != WARD_OK) fail_msg("%s", diag.text);
}

#define JOURNAL_TEST(name) cmocka_unit_test_setup_teardown(name, open_host_and_journal, close_host)
#define HTTP_TEST(name) cmocka_unit_test_setup_teardown(name, open_host, close_host)

/* ---- the client ---- */

static inline int connected(const struct sockaddr *to, socklen_t size)
{
    int fd = socket(to->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, to, size), 0);
    return fd;
}

static inline int dial_tcp(const char *address)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const char *colon = strrchr(address, ':');
    assert_non_null(colon);
    to.sin_port = htons((uint16_t)atoi(colon + 1));
    return connected((struct sockaddr *)&to, sizeof to);
}

static inline int dial(void)
{
    return dial_tcp(wardi_surface_http_address(surface));
}

static inline int dial_control(void)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    memcpy(to.sun_path, control_path, strlen(control_path) + 1);
    return connected((struct sockaddr *)&to, sizeof to);
}

/* False: the other end has closed. */
static inline bool put_bytes(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);
        if (sent <= 0) return false;
        bytes += sent;
        length -= (size_t)sent;
    }
    return true;
}

static inline bool put(int fd, const char *text)
{
    return put_bytes(fd, text, strlen(text));
}

typedef struct reply {
    int status;
    char head[8192]; /* with its lines' ends */
    char *body;      /* NUL-terminated */
    size_t length;
} reply;

enum { REPLY_BYTES_MAX = 8 << 20 };

/* What came and was not used yet; one connection at a time, but for forget(). */
static char *spare;
static size_t spare_length;

static inline void forget(void)
{
    spare_length = 0;
}

/* False: it ended, or nothing came for long. */
static inline bool more(int fd)
{
    struct pollfd one = {.fd = fd, .events = POLLIN};
    if (spare == NULL) spare = malloc(REPLY_BYTES_MAX);
    assert_non_null(spare);
    assert_true(spare_length < REPLY_BYTES_MAX);
    if (poll(&one, 1, (int)(PATIENCE_NS / MS)) != 1) return false;
    ssize_t got = recv(fd, spare + spare_length, REPLY_BYTES_MAX - spare_length, 0);
    if (got <= 0) return false;
    spare_length += (size_t)got;
    return true;
}

static inline void use(size_t length, char *to)
{
    if (to != NULL) memcpy(to, spare, length);
    spare_length -= length;
    memmove(spare, spare + length, spare_length);
}

/* A line with its end, of at most `room`. */
static inline bool take_line(int fd, char *to, size_t room)
{
    for (size_t looked = 0;;) {
        char *end =
            spare_length > looked ? memchr(spare + looked, '\n', spare_length - looked) : NULL;
        if (end != NULL) {
            size_t length = (size_t)(end - spare) + 1;
            assert_true(length < room);
            use(length, to);
            to[length] = '\0';
            return true;
        }
        looked = spare_length;
        if (!more(fd)) return false;
    }
}

static inline const char *header_of(const reply *r, const char *name)
{
    static char value[4][512];
    static int turn;
    size_t length = strlen(name);
    for (const char *line = r->head; (line = strstr(line, "\r\n")) != NULL;) {
        line += 2;
        if (strncasecmp(line, name, length) != 0 || line[length] != ':') continue;
        const char *from = line + length + 1 + strspn(line + length + 1, " ");
        char *to = value[turn++ % 4];
        snprintf(to, sizeof value[0], "%.*s", (int)strcspn(from, "\r"), from);
        return to;
    }
    return NULL;
}

static inline void take_exactly(int fd, reply *r, size_t length)
{
    while (spare_length < length) assert_true(more(fd));
    use(length, r->body + r->length);
    r->length += length;
}

static inline void take_chunks(int fd, reply *r)
{
    char line[64];
    for (;;) {
        assert_true(take_line(fd, line, sizeof line));
        size_t length = strtoul(line, NULL, 16);
        if (length != 0) take_exactly(fd, r, length);
        assert_true(take_line(fd, line, sizeof line));
        assert_string_equal(line, "\r\n");
        if (length == 0) return;
    }
}

static inline bool take_head(int fd, reply *r)
{
    char line[4096];
    memset(r, 0, sizeof *r);
    do {
        if (!take_line(fd, line, sizeof line)) return false;
        assert_true(strlen(r->head) + strlen(line) < sizeof r->head);
        strcat(r->head, line);
    } while (strcmp(line, "\r\n") != 0);
    assert_int_equal(strncmp(r->head, "HTTP/1.", 7), 0);
    r->status = atoi(r->head + 9);
    return true;
}

/* False: the connection ended before an answer. */
static inline bool take_reply(int fd, reply *r, bool is_head)
{
    if (!take_head(fd, r)) return false;
    r->body = calloc(1, REPLY_BYTES_MAX);
    assert_non_null(r->body);
    const char *length = header_of(r, "Content-Length");
    const char *coding = header_of(r, "Transfer-Encoding");
    if (is_head || r->status == 204 || r->status == 304) return true;
    if (coding != NULL && strcmp(coding, "chunked") == 0)
        take_chunks(fd, r);
    else if (length != NULL)
        take_exactly(fd, r, strtoul(length, NULL, 10));
    else
        fail_msg("an answer without a length: %s", r->head);
    return true;
}

static inline void reply_free(reply *r)
{
    free(r->body);
    r->body = NULL;
}

/* One request of any bytes on a connection of its own. */
static inline reply ask_on(int fd, const char *bytes, size_t length)
{
    reply r;
    forget();
    assert_true(put_bytes(fd, bytes, length));
    if (!take_reply(fd, &r, strncmp(bytes, "HEAD ", 5) == 0)) fail_msg("no answer: %s", bytes);
    close(fd);
    return r;
}

static inline reply ask(const char *bytes)
{
    return ask_on(dial(), bytes, strlen(bytes));
}

static inline reply get_with(const char *target, const char *headers)
{
    char request[20000];
    int length = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n",
                          target, headers);
    assert_true(length > 0 && (size_t)length < sizeof request);
    return ask(request);
}

static inline reply get(const char *target)
{
    return get_with(target, "");
}

static inline void expect_header(const reply *r, const char *name, const char *value)
{
    const char *found = header_of(r, name);
    if (found == NULL) fail_msg("no %s in %s", name, r->head);
    assert_string_equal(found, value);
}

/* Until the body is this one: what events tell reaches the surface a moment later. */
static inline void await_body(const char *target, int status, const char *body)
{
    uint64_t deadline = wardi_now_ns() + PATIENCE_NS;
    for (;;) {
        reply r = get(target);
        bool alike = r.status == status && strcmp(r.body, body) == 0;
        if (!alike && wardi_now_ns() > deadline)
            fail_msg("%s: %d %s\nwanted: %d %s", target, r.status, r.body, status, body);
        reply_free(&r);
        if (alike) return;
        wardi_sleep_until_ns(wardi_now_ns() + 5 * MS);
    }
}

static inline void expect_problem_on(int fd, const char *request, int status)
{
    reply r = ask_on(fd, request, strlen(request));
    char wanted[40];
    snprintf(wanted, sizeof wanted, "\"status\":%d,", status);
    if (r.status != status) fail_msg("%s\n%s%s", request, r.head, r.body);
    expect_header(&r, "Content-Type", "application/problem+json");
    assert_non_null(strstr(r.body, wanted));
    assert_non_null(strstr(r.body, "{\"type\":\"about:blank\",\"title\":\""));
    reply_free(&r);
}

static inline void expect_problem(const char *request, int status)
{
    expect_problem_on(dial(), request, status);
}

/* Over the control socket, with a body that may be "". */
static inline reply command(const char *method, const char *path, const char *type,
                            const char *body)
{
    char request[4096];
    snprintf(
        request, sizeof request,
        "%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n%s",
        method, path, type, strlen(body), body);
    return ask_on(dial_control(), request, strlen(request));
}

/* ---- a stream of events ---- */

/* One more chunk of it. */
static inline bool take_chunk(int fd, reply *r)
{
    char line[64];
    if (!take_line(fd, line, sizeof line)) return false;
    size_t length = strtoul(line, NULL, 16);
    if (length == 0) return false;
    take_exactly(fd, r, length);
    assert_true(take_line(fd, line, sizeof line));
    return true;
}

static inline int open_stream(const char *target, const char *headers, reply *r)
{
    char request[1000];
    int fd = dial();
    forget();
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n", target,
             headers);
    assert_true(put(fd, request));
    assert_true(take_head(fd, r));
    assert_int_equal(r->status, 200);
    expect_header(r, "Content-Type", "text/event-stream");
    r->body = calloc(1, REPLY_BYTES_MAX);
    assert_non_null(r->body);
    return fd;
}

/* Until these words are in it. */
static inline const char *await_words(int fd, reply *r, const char *words)
{
    char *found;
    while ((found = strstr(r->body, words)) == NULL)
        if (!take_chunk(fd, r)) fail_msg("no \"%s\" in: %s", words, r->body);
    return found;
}

/* ---- a host that serves one component, "a", which is well ---- */

static inline int serving_as(void **state, void (*adjust)(wardi_surface_options *options))
{
    adjust_options = adjust;
    open_host(state);
    assert_int_equal(add((child_spec){.name = "a", .wat = healthy}, NULL), WARD_OK);
    start();
    serve_all();
    await_body("/readyz", 200, "ok");
    return 0;
}

#endif
