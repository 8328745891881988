/* http: HTTP/1.1 for probes, scrapers, browsers and scripts. Shared by the files http*.c alone.
 *
 * libmicrohttpd speaks the protocol, driven by the surfaces' loop and on its thread: it has no
 * thread and no listener of its own. First it is seen who asks (http_access.c); a request then goes
 * from its target (http_target.c) by the table of routes (http_route.c) to a handler, which answers
 * at once, streams, or hands what may wait to a thread of the loop's pool (http_work) and is called
 * again. Everything here is for the surfaces' thread unless it says otherwise. */
#ifndef SURFACE_HTTP_H
#define SURFACE_HTTP_H

#include <microhttpd.h>
#include <uv.h>

#include "surface/surface_priv.h"

typedef struct http http;
typedef struct http_client http_client;
typedef struct http_request http_request;
typedef struct http_route http_route;
typedef struct http_events http_events;

enum {
    HTTP_TARGET_BYTES_MAX = 8192,
    HTTP_HEADER_BYTES_MAX = 16384, /* request line and headers */
    HTTP_BODY_BYTES_MAX = 65536,
    HTTP_SEND_BYTES_MAX = 1 << 20,
    HTTP_SEGMENTS_MAX = 8,
    HTTP_PARAMS_MAX = 64,
    HTTP_WAITS_MAX = 3, /* requests that wait for guests: the pool has four threads */
};
#define HTTP_REQUEST_NS (5 * WARDI_S) /* from its first byte to its last */

/* ---- text that grows ---- */

/* All zero is empty. After a failed allocation nothing more is added, and `failed` says so. */
typedef struct http_text {
    char *bytes;
    size_t length, capacity;
    bool failed;
} http_text;

void http_text_done(http_text *text);
void http_text_add(http_text *text, const char *bytes, size_t length);
void http_text_puts(http_text *text, const char *string);
void http_text_printf(http_text *text, const char *format, ...) WARD_PRINTF(2, 3);
/* What a guest or a client said, on one line: control characters, and what turns the direction of
 * writing, are escaped; what is no UTF-8 is replaced. */
void http_text_safe(http_text *text, const char *bytes, size_t length);

/* ---- JSON, written piece by piece: commas see to themselves ---- */

void http_json_open(http_text *to, char bracket); /* '{' or '[' */
void http_json_close(http_text *to, char bracket);
void http_json_key(http_text *to, const char *key);
void http_json_text(http_text *to, const char *text); /* NULL: null */
/* What is no UTF-8 in it is replaced. */
void http_json_bytes(http_text *to, const char *bytes, size_t length);
void http_json_u64(http_text *to, uint64_t value);
void http_json_i64(http_text *to, int64_t value);
void http_json_bool(http_text *to, bool value);
/* What JSON has no number for is "nan", "inf" or "-inf". */
void http_json_double(http_text *to, double value);
/* RFC 3339 in UTC, with microseconds; 0: null. */
void http_json_time(http_text *to, uint64_t wall_ns);
void http_json_key_text(http_text *to, const char *key, const char *text);
void http_json_key_u64(http_text *to, const char *key, uint64_t value);
void http_json_key_bool(http_text *to, const char *key, bool value);
void http_json_key_time(http_text *to, const char *key, uint64_t wall_ns);
void http_json_key_reason(http_text *to, const char *key, const ward_reason *reason);

/* ---- targets ---- */

typedef struct http_param {
    const char *key, *value;
} http_param;

/* The target of a request, decoded. Its texts point into the bytes that it was read from. */
typedef struct http_target {
    const char *segments[HTTP_SEGMENTS_MAX];
    size_t segment_count; /* of "/": 1, an empty one */
    http_param params[HTTP_PARAMS_MAX];
    size_t param_count;
} http_target;

typedef enum http_fault {
    HTTP_TARGET_OK,
    HTTP_TARGET_NOT_FOUND, /* well-formed, but nothing can be there */
    HTTP_TARGET_MALFORMED
} http_fault;

/* Reads it in place. `ret_why` receives what is wrong with it, static, unless it is OK. Pure; any
 * thread. */
http_fault http_target_read(char *bytes, http_target *ret_target, const char **ret_why);
/* The value of the first parameter of that key; NULL: there is none. */
const char *http_target_param(const http_target *target, const char *key);

/* "RUN-SEQUENCE", as events are named. Pure; any thread. */
bool http_event_id_read(const char *text, uint64_t *ret_run, uint64_t *ret_sequence);
/* An RFC 3339 time, or how long before `now_wall_ns`: "90s", "1h". Pure; any thread. */
bool http_time_read(const char *text, uint64_t now_wall_ns, uint64_t *ret_wall_ns);
/* "250ms", "10s", "1m30s". Pure; any thread. */
bool http_duration_read(const char *text, uint64_t *ret_ns);
/* Decimal digits alone, up to `max`. Pure; any thread. */
bool http_number_read(const char *text, uint64_t max, uint64_t *ret_number);
/* Whether an Accept header (NULL: there is none) names this very media type, with a weight above 0.
 * Pure; any thread. */
bool http_accept_names(const char *accept, const char *type);

/* ---- routes ---- */

typedef enum http_method {
    HTTP_GET, /* and HEAD */
    HTTP_POST,
    HTTP_DELETE,
    HTTP_OPTIONS,
    HTTP_OTHER
} http_method;
enum { HTTP_ROUTE_METHODS = 3 };

struct http_route {
    const char *path; /* "/components/{component}/livez" */
    http_method method;
    wardi_may needs; /* WARDI_MAY_READ or _WRITE */
    /* Called when the request is complete, and again after what it has waited for: then
     * `request->work` is set. It answers, or starts work. */
    void (*handle)(http_request *request);
    int detail;        /* the handler's own */
    const char *query; /* keys that it knows, with a space between; "*": others are overlooked */
    size_t body_bytes_max; /* 0: it takes none */
    const char *body_type; /* NULL: any */
    const char *summary;   /* for the document of the interface */
};

size_t http_route_count(void);
const http_route *http_route_at(size_t index);

typedef struct http_routing {
    const http_route *by_method[HTTP_ROUTE_METHODS]; /* of that path */
    bool found;                                      /* there is such a path */
    const char *check; /* what stands for {check} or {file}; NULL: no such place */
    const char *name;  /* for {component} or {group} */
} http_routing;

http_routing http_route_find(const http_target *target);
/* "GET, HEAD, OPTIONS": what somebody may ask for there, who may so much. */
void http_route_allow(const http_routing *routing, wardi_may may, wardi_text *to);
/* The first parameter whose key the route does not know; NULL: it knows them all. */
const char *http_route_unknown(const http_route *route, const http_target *target);

/* ---- requests and answers ---- */

typedef struct http_work http_work;

/* Who asks, and what he may: http_access.c. */
typedef enum http_way { HTTP_PLAIN, HTTP_SOCKET, HTTP_TOKEN, HTTP_CERTIFICATE } http_way;
typedef struct http_who {
    http_way way;
    wardi_may may;
    const char *name; /* of the token or the certificate; lives as long as the surface */
} http_who;

struct http_request {
    http *http;
    http_client *client;
    struct MHD_Connection *connection;
    http_method method;
    char *raw;     /* the target, as it came */
    char *decoded; /* what `target` points into */
    http_target target;
    http_routing routing;
    const http_route *route;
    http_who who;
    http_text body;
    size_t body_seen; /* bytes of it that came, kept or not */
    bool begun, complete;
    bool body_over; /* longer than allowed */
    /* what is to be sent; NULL: the handler has not answered yet */
    struct MHD_Response *response;
    bool keep_response; /* it is not the request's own */
    unsigned status;
    http_work *work; /* that it has waited for; freed with it */
};

/* The header's value; NULL: there is none. */
const char *http_header(const http_request *request, const char *name);
/* Answers with these bytes, which are copied. */
void http_answer(http_request *request, unsigned status, const char *type, const char *bytes,
                 size_t length);
/* The same, and takes what is in `text`; where that has failed, says so instead. */
void http_answer_text(http_request *request, unsigned status, const char *type, http_text *text);
/* Answers as `read` says, which is given `stream` and called until it returns
 * MHD_CONTENT_READER_END_OF_STREAM; `done` is called in any case. */
void http_answer_stream(http_request *request, const char *type, MHD_ContentReaderCallback read,
                        void *stream, MHD_ContentReaderFreeCallback done);
/* Answers with a problem document, RFC 9457. */
void http_problem(http_request *request, unsigned status, const char *format, ...)
    WARD_PRINTF(3, 4);
/* The same of an error, with its status; `detail` may be "". */
void http_problem_error(http_request *request, ward_error error, const char *detail);
/* The same as http_problem, with a member more, whose value is JSON already. */
void http_problem_with(http_request *request, unsigned status, const char *detail, const char *key,
                       const char *json);
/* A header more; only after an answer. */
void http_answer_header(http_request *request, const char *name, const char *value);

/* What may wait, on a thread of the loop's pool. The first member of the work's own struct. */
struct http_work {
    uv_work_t of_loop;
    http_request *request;
    void (*run)(http_work *work);  /* on a thread of the pool: nothing of `request` is its */
    void (*done)(http_work *work); /* frees all but the struct; NULL: nothing */
    bool waits_for_guests;         /* at most HTTP_WAITS_MAX of them at a time */
};

/* Suspends the request until `run` has returned; then its handler is called again. `work` is
 * taken, on failure too: then the request is answered so. */
void http_work_start(http_request *request, http_work *work);

/* ---- the connection, for streams that wait ---- */

struct http_client {
    http *http;
    struct http_line *line;
    peer *peer;
    struct http_remote_client *remote; /* over TLS; NULL: not */
    struct MHD_Connection *connection;
    int fd;
    uint64_t began_ns; /* a request that is not complete; 0: there is none */
    bool suspended;
    bool under_way;              /* a request of it has come, and is not answered yet */
    bool streams;                /* the answer is one that waits for what happens */
    bool gone;                   /* the other end will read no more */
    http_client *before, *after; /* of those with `began_ns`, longest ago first */
};

enum { HTTP_ADDRESS_BYTES = 80 };
/* "192.0.2.7:51234", of the other end over TCP. */
void http_client_address(const http_client *client, char ret_text[HTTP_ADDRESS_BYTES]);

/* In a handler or a reader: nothing is asked of it until it is resumed. */
void http_client_suspend(http_client *client);
/* Not in a handler of the same connection. Fine if it is not suspended. */
void http_client_resume(http_client *client);

/* ---- who reads what: handlers, by file ---- */

/* http_probe.c; detail: http_probe_kind */
typedef enum http_probe_kind {
    HTTP_LIVEZ,
    HTTP_READYZ,
    HTTP_STARTUPZ,
    HTTP_HEALTHZ,
    HTTP_HEALTH /* the document alone, by any Accept */
} http_probe_kind;
void http_probe_host(http_request *request);
void http_probe_component(http_request *request);
void http_probe_group(http_request *request);

/* Which component or group a path means; answers 404 and returns NULL if there is none. */
view_member *http_component(http_request *request);
view_member *http_group(http_request *request);

#endif
