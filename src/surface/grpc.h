/* grpc: the gRPC surface: grpc.health.v1 and reflection over HTTP/2 without TLS. For the files
 * grpc*.c alone; others see what surface_priv.h has of it.
 *
 * All of it runs on the surfaces' thread. Nobody waits: what a slow client does not take is not
 * kept, but for the newest. Times are milliseconds of uv_now. */
#ifndef SURFACE_GRPC_H
#define SURFACE_GRPC_H

#include <nghttp2/nghttp2.h>
#include <protobuf-c/protobuf-c.h>

#include "surface/surface_priv.h"

typedef struct grpc grpc;

/* How long clients may take, and how much they may bring. */
typedef struct grpc_limits {
    uint64_t request_ms;       /* for a whole request, from its first header on */
    uint64_t reply_ms;         /* to take an answer, or anything at all of what waits to go out */
    uint64_t quiet_ms;         /* between two requests on one stream of reflection */
    uint64_t ping_ms;          /* silence on a connection with open streams, until it is asked */
    uint64_t pong_ms;          /* to answer that */
    uint64_t leave_ms;         /* to take what is left to say when the surface closes */
    uint32_t streams_max;      /* at one time on a connection */
    uint32_t watches_max;      /* of all streams, those that watch */
    uint32_t body_bytes_max;   /* of unhandled requests of more than a kilobyte, on a connection */
    uint32_t header_bytes_max; /* of a request, counted as HTTP/2 does */
    uint32_t resets_burst;     /* streams that a client may reset at once */
    uint32_t resets_rate;      /* and a second */
} grpc_limits;
/* What is served with; tests are less patient, and say so before grpc_open. */
grpc_limits *grpc_limits_of(grpc *g);

/* ---- the wire (grpc_wire.c): pure ---- */

typedef enum grpc_code {
    GRPC_OK = 0,
    GRPC_INVALID_ARGUMENT = 3,
    GRPC_DEADLINE_EXCEEDED = 4,
    GRPC_NOT_FOUND = 5,
    GRPC_RESOURCE_EXHAUSTED = 8,
    GRPC_UNIMPLEMENTED = 12,
    GRPC_INTERNAL = 13,
    GRPC_UNAVAILABLE = 14
} grpc_code;

enum {
    GRPC_PREFIX_BYTES = 5,
    GRPC_MESSAGE_BYTES_MAX = 64 * 1024, /* of a request */
    GRPC_TEXT_BYTES_MAX = 512           /* of a grpc-message, encoded */
};

/* What is before each message. */
typedef struct grpc_prefix {
    uint8_t flag; /* 0: plain, 1: compressed, other: not gRPC */
    uint32_t length;
} grpc_prefix;

grpc_prefix wire_prefix_read(const uint8_t bytes[GRPC_PREFIX_BYTES]);
void wire_prefix_write(uint8_t ret_bytes[GRPC_PREFIX_BYTES], uint32_t length);
/* The value of a grpc-timeout, "100m": rounded up to milliseconds, at most some 30 years. False: it
 * is none. */
bool wire_timeout_read(const char *text, size_t length, uint64_t *ret_ms);
/* Percent-encodes for grpc-message, cut at whole escapes. */
void wire_text_write(wardi_text *to, const char *text);
/* "application/grpc", with "+proto" or parameters; nothing else. */
bool wire_content_type_fits(const char *text, size_t length);
/* The last string that a well-formed message has at `field`, 1–15; NULL if there is none.
 * protobuf-c ends a string at its first NUL, and "api\0x" is not "api". */
const uint8_t *wire_string_find(const uint8_t *bytes, size_t length, uint32_t field,
                                size_t *ret_length);

/* ---- calls (grpc_call.c) and what serves them ---- */

typedef struct grpc_call grpc_call;

/* What is served at a path. */
typedef struct grpc_method {
    const char *path;
    bool many;    /* requests on one stream, each handled as it comes; else exactly one */
    bool listens; /* nothing but the client ends it: its place may be given to another */
    /* A whole message, borrowed. Of one: it is the only one, and the client has said all. */
    void (*request)(grpc_call *call, const uint8_t *bytes, size_t length);
    /* What was replied has gone out, and there is room for more: the newest now, if there is any.
     * May be NULL. */
    void (*room)(grpc_call *call);
    /* The call is about to be freed; called if `request` was. May be NULL. */
    void (*gone)(grpc_call *call);
} grpc_method;

/* Of grpc_health.c and grpc_reflection.c; the last one's path is NULL. */
extern const grpc_method health_methods[];
extern const grpc_method reflection_methods[];

/* Sends a message. One at a time: the next when `room` is called. A failure (no memory) ends the
 * call. */
void grpc_call_reply(grpc_call *call, const ProtobufCMessage *message);
/* The last word. `text`, copied, tells a person why; NULL: nothing to tell. */
void grpc_call_end(grpc_call *call, grpc_code code, const char *text);
/* Has `room` called when it can be; safe from anywhere on the thread. */
void grpc_call_wake(grpc_call *call);
/* Stays open until somebody ends it: the client is not hurried. */
void grpc_call_stays(grpc_call *call);
grpc *grpc_call_server(const grpc_call *call);
/* The service's own, NULL at first. */
void *grpc_call_data(const grpc_call *call);
void grpc_call_data_set(grpc_call *call, void *data);

/* With base's memory (grpc_memory.c). */
extern ProtobufCAllocator grpc_allocator;
extern const nghttp2_mem grpc_memory;

/* Who watches which service (grpc_health.c). NULL: no memory. */
typedef struct health health;
health *health_new(const struct surface *s);
void health_free(health *h); /* no call is left */
void health_open(health *h);
void health_close(health *h);
/* All that is watched is to be looked at. */
void health_look(health *h);
/* Looks at what was told of, and wakes those who watch what has changed. */
void health_settle(health *h);
health *grpc_health(grpc *g);

/* The files that are handed out (grpc_reflection.c). NULL: no memory. */
typedef struct reflection reflection;
reflection *reflection_new(void);
void reflection_free(reflection *r);
const reflection *grpc_reflection(const grpc *g);

/* Another connection, which only listens, leaves with all its streams. False: there is none. */
bool grpc_make_room(grpc *g);

/* ---- what calls and connections (grpc.c) know of each other ---- */

typedef struct grpc_connection grpc_connection;

/* What the headers of a request said. They come one block at a time on a connection. */
typedef struct grpc_head {
    char path[160]; /* as much of it as a path of ours could have */
    char method[8];
    uint32_t bytes;
    uint64_t timeout_ms; /* UINT64_MAX: none */
    bool content_type_fits, timeout_is_bad, compressed;
} grpc_head;

typedef enum grpc_posture { GRPC_BUSY, GRPC_LISTENS, GRPC_IDLE } grpc_posture;

struct grpc_connection {
    grpc *server;
    nghttp2_session *session;
    peer *from;
    int fd;
    uv_poll_t poll;
    uv_timer_t timer;
    int events;            /* that are polled for */
    uint64_t timer_due_ms; /* UINT64_MAX: it does not run */
    grpc_posture as;       /* what the door knows it as */
    bool leaving;          /* closed as soon as all is said */
    bool doomed;           /* closed as soon as that is possible */
    bool pinged;           /* and nothing heard since */
    bool unsettled;        /* has something to send */
    bool poll_open, timer_open;
    uint64_t heard_ms, pinged_ms;
    uint64_t leave_due_ms; /* UINT64_MAX: it does not leave */
    uint8_t *left;         /* what the socket did not take */
    size_t left_length, left_sent;
    uint64_t left_ms;    /* since when it takes nothing */
    uint32_t body_bytes; /* of buffers of more than a kilobyte */
    grpc_call *calls;
    grpc_head head;
    grpc_connection *next, *before;
};

uint64_t grpc_connection_now_ms(const grpc_connection *of);
const grpc_limits *grpc_connection_limits(const grpc_connection *of);
/* Has something to send, which goes out before the loop waits again. */
void grpc_connection_unsettle(grpc_connection *of);

/* A stream has begun. False: no memory. */
bool grpc_call_new(grpc_connection *of, int32_t stream);
/* Its headers are there, in of->head. */
void grpc_call_begin(grpc_call *call);
void grpc_call_take(grpc_call *call, const uint8_t *bytes, size_t length);
/* The client has said all. */
void grpc_call_half_closed(grpc_call *call);
/* A frame that ends our side has gone out. */
void grpc_call_said_all(grpc_call *call);
const grpc_call *grpc_call_next(const grpc_call *call); /* of the same connection */
void grpc_call_free(grpc_call *call);
/* None but those that only listen. */
bool grpc_calls_listen(const grpc_connection *of);
/* When something is to be done about the calls; UINT64_MAX: never. */
uint64_t grpc_calls_due_ms(const grpc_connection *of);
/* Ends those whose time is over. */
void grpc_calls_expire(grpc_connection *of);
/* Ends all. */
void grpc_calls_end(grpc_connection *of, grpc_code code, const char *text);

#endif
