/* A call: one stream of HTTP/2, from its headers to its trailers.
 *
 * The client's side: headers, messages, half-closed. Ours: headers with the first message,
 * messages, trailers; or all of it in one frame of headers, when there is no message ("trailers
 * only"). What is replied is written when HTTP/2 has room for it, so a service that is asked by
 * `room` always answers with the newest. */
#include "surface/grpc.h"

#include <stdio.h>
#include <string.h>

enum { SMALL_BYTES = 1024 }; /* that a request may always have, whatever the others' need */

typedef struct refusal {
    const char *http, *words;
} refusal;

static const refusal no_post = {"405", "gRPC is called by POST\n"};
static const refusal no_grpc = {"415", "this is gRPC: content-type is application/grpc\n"};
static const refusal long_headers = {"431", "the headers are longer than 8 KiB\n"};

struct grpc_call {
    grpc_connection *of;
    int32_t stream;
    const grpc_method *method;
    void *data;
    uint8_t *in;                        /* what of the client's messages is not handled yet */
    size_t in_done, in_length, in_room; /* bytes before in_done are handled */
    uint8_t *out;                       /* a message, and how much of it is gone */
    size_t out_length, out_sent;
    uint64_t deadline_ms;   /* the client's; UINT64_MAX: none */
    uint64_t due_ms;        /* when patience ends; UINT64_MAX: never */
    bool requested;         /* the method knows of it */
    bool half_closed;       /* the client has said all */
    bool answered;          /* our headers are under way */
    bool ended;             /* `code` and `text` are the last word */
    bool writing;           /* within `provide`: HTTP/2 asks already, and need not be told */
    const refusal *refused; /* it is no gRPC, and so is told in HTTP */
    bool bodiless;          /* HEAD: that, without words */
    grpc_code code;
    char *text;
    grpc_call *next, *before;
};

static const grpc_limits *limits(const grpc_call *call)
{
    return grpc_connection_limits(call->of);
}

static uint64_t from_now_ms(const grpc_call *call, uint64_t span_ms)
{
    return wardi_add_sat(grpc_connection_now_ms(call->of), span_ms);
}

/* ---- our side ---- */

/* HTTP/2 has no memory for a frame: nothing more can be said here. */
static void must(grpc_call *call, int rc)
{
    if (rc != 0 && rc != NGHTTP2_ERR_INVALID_ARGUMENT) call->of->doomed = true;
    grpc_connection_unsettle(call->of);
}

static void reset(grpc_call *call, uint32_t why)
{
    call->ended = true;
    call->deadline_ms = call->due_ms = UINT64_MAX;
    must(call, nghttp2_submit_rst_stream(call->of->session, NGHTTP2_FLAG_NONE, call->stream, why));
}

static nghttp2_nv header(const char *name, const char *value)
{
    return (nghttp2_nv){.name = (uint8_t *)(uintptr_t)name,
                        .namelen = strlen(name),
                        .value = (uint8_t *)(uintptr_t)value,
                        .valuelen = strlen(value)};
}

/* Code and text as headers, after `before` of them that are in `to` already. */
typedef struct last_word {
    char code[16], text[GRPC_TEXT_BYTES_MAX];
    nghttp2_nv headers[5];
    size_t count;
} last_word;

static void last_word_add(last_word *word, const grpc_call *call)
{
    (void)snprintf(word->code, sizeof word->code, "%d", (int)call->code);
    word->headers[word->count++] = header("grpc-status", word->code);
    if (call->text == NULL) return;
    wardi_text text = WARDI_TEXT(word->text);
    wire_text_write(&text, call->text);
    word->headers[word->count++] = header("grpc-message", word->text);
}

static void send_trailers_only(grpc_call *call)
{
    last_word word = {.headers = {header(":status", "200"),
                                  header("content-type", "application/grpc"),
                                  header("grpc-accept-encoding", "identity")},
                      .count = 3};
    last_word_add(&word, call);
    call->answered = true;
    must(call,
         nghttp2_submit_response(call->of->session, call->stream, word.headers, word.count, NULL));
}

static void advance(grpc_call *call);

/* HTTP/2 has room for `room` bytes. */
static ssize_t provide(nghttp2_session *session, int32_t stream, uint8_t *to, size_t room,
                       uint32_t *flags, nghttp2_data_source *source, void *user)
{
    (void)user;
    grpc_call *call = source->ptr;
    if (call->out_sent == call->out_length && !call->ended) {
        call->out_sent = call->out_length = 0;
        call->writing = true;
        advance(call);
        if (call->out_length == 0 && !call->ended && call->method->room != NULL)
            call->method->room(call);
        call->writing = false;
    }
    size_t left = call->out_length - call->out_sent, length = left < room ? left : room;
    if (length != 0) memcpy(to, call->out + call->out_sent, length);
    call->out_sent += length;
    if (call->out_sent < call->out_length) return (ssize_t)length;
    if (!call->ended) return length != 0 ? (ssize_t)length : NGHTTP2_ERR_DEFERRED;
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (call->refused != NULL) return (ssize_t)length;
    last_word word = {.count = 0};
    last_word_add(&word, call);
    *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    if (nghttp2_submit_trailer(session, stream, word.headers, word.count) != 0)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    return (ssize_t)length;
}

void grpc_call_wake(grpc_call *call)
{
    if (call->writing) return;
    if (call->answered) {
        must(call, nghttp2_session_resume_data(call->of->session, call->stream));
        return;
    }
    const nghttp2_nv headers[] = {header(":status", "200"),
                                  header("content-type", "application/grpc"),
                                  header("grpc-accept-encoding", "identity")};
    nghttp2_data_provider provider = {.source.ptr = call, .read_callback = provide};
    call->answered = true;
    must(call, nghttp2_submit_response(call->of->session, call->stream, headers,
                                       WARD_COUNT(headers), &provider));
}

/* When the request has ended, as HTTP has it: that a client misunderstands is no hurry. */
static void refuse(grpc_call *call)
{
    const nghttp2_nv headers[] = {header(":status", call->refused->http),
                                  header("content-type", "text/plain; charset=utf-8"),
                                  header("allow", "POST")};
    size_t count = WARD_COUNT(headers) - (call->refused != &no_post ? 1 : 0);
    nghttp2_data_provider provider = {.source.ptr = call, .read_callback = provide};
    call->answered = call->ended = true;
    call->due_ms = from_now_ms(call, limits(call)->reply_ms);
    call->out_length = strlen(call->refused->words);
    call->out = call->bodiless ? NULL : wardi_memdup(call->refused->words, call->out_length);
    must(call, nghttp2_submit_response(call->of->session, call->stream, headers, count,
                                       call->out != NULL ? &provider : NULL));
}

void grpc_call_reply(grpc_call *call, const ProtobufCMessage *message)
{
    WARD_ASSERT(call->out_sent == call->out_length);
    size_t length = protobuf_c_message_get_packed_size(message);
    uint8_t *out = length <= UINT32_MAX ? wardi_alloc(GRPC_PREFIX_BYTES + length) : NULL;
    if (out == NULL) {
        grpc_call_end(call, GRPC_RESOURCE_EXHAUSTED, "there is no memory for the answer");
        return;
    }
    wire_prefix_write(out, (uint32_t)length);
    (void)protobuf_c_message_pack(message, out + GRPC_PREFIX_BYTES);
    wardi_free(call->out);
    call->out = out;
    call->out_sent = 0;
    call->out_length = GRPC_PREFIX_BYTES + length;
    grpc_call_wake(call);
}

void grpc_call_end(grpc_call *call, grpc_code code, const char *text)
{
    if (call->ended) return;
    call->ended = true;
    call->code = code;
    call->text = text != NULL ? wardi_strdup(text) : NULL;
    call->due_ms = from_now_ms(call, limits(call)->reply_ms);
    if (call->answered)
        grpc_call_wake(call);
    else
        send_trailers_only(call);
}

void grpc_call_said_all(grpc_call *call)
{
    /* What the client still has to say is of no use to anybody. */
    if (!call->half_closed) reset(call, NGHTTP2_NO_ERROR);
}

/* ---- the client's side ---- */

static const grpc_method *method_at(const char *path)
{
    const grpc_method *const services[] = {health_methods, reflection_methods};
    for (size_t i = 0; i < WARD_COUNT(services); i++)
        for (const grpc_method *method = services[i]; method->path != NULL; method++)
            if (strcmp(method->path, path) == 0) return method;
    return NULL;
}

void grpc_call_begin(grpc_call *call)
{
    const grpc_head *head = &call->of->head;
    call->bodiless = strcmp(head->method, "HEAD") == 0;
    if (head->bytes > limits(call)->header_bytes_max) {
        call->refused = &long_headers;
    } else if (strcmp(head->method, "POST") != 0) {
        call->refused = &no_post;
    } else if (!head->content_type_fits) {
        call->refused = &no_grpc;
    } else if ((call->method = method_at(head->path)) == NULL) {
        char why[sizeof head->path + 32];
        (void)snprintf(why, sizeof why, "there is no method %s", head->path);
        grpc_call_end(call, GRPC_UNIMPLEMENTED, why);
    } else if (head->compressed) {
        grpc_call_end(call, GRPC_UNIMPLEMENTED, "messages are taken without compression");
    } else if (head->timeout_is_bad) {
        grpc_call_end(call, GRPC_INTERNAL, "grpc-timeout is not 1 to 8 digits and a unit");
    } else {
        call->deadline_ms = from_now_ms(call, head->timeout_ms);
    }
}

/* The next message, if it is whole. False: it is not, or not one. */
static bool message_whole(grpc_call *call, size_t *ret_length)
{
    size_t there = call->in_length - call->in_done;
    if (there < GRPC_PREFIX_BYTES) return false;
    grpc_prefix prefix = wire_prefix_read(call->in + call->in_done);
    size_t whole = GRPC_PREFIX_BYTES + (size_t)prefix.length;
    if (prefix.flag > 1)
        grpc_call_end(call, GRPC_INTERNAL, "a message begins with neither 0 nor 1");
    else if (prefix.flag == 1)
        grpc_call_end(call, GRPC_UNIMPLEMENTED, "messages are taken without compression");
    else if (prefix.length > GRPC_MESSAGE_BYTES_MAX)
        grpc_call_end(call, GRPC_RESOURCE_EXHAUSTED, "the message is longer than 64 KiB");
    else if (!call->method->many && there > whole)
        grpc_call_end(call, GRPC_INTERNAL, "there is more than one message");
    *ret_length = prefix.length;
    return !call->ended && there >= whole;
}

static void in_free(grpc_call *call)
{
    if (call->in_room > SMALL_BYTES) call->of->body_bytes -= (uint32_t)call->in_room;
    wardi_free(call->in);
    call->in = NULL;
    call->in_room = call->in_length = call->in_done = 0;
}

static void hand_over(grpc_call *call, size_t length)
{
    const uint8_t *bytes = call->in + call->in_done + GRPC_PREFIX_BYTES;
    call->requested = true;
    call->due_ms =
        from_now_ms(call, call->method->many ? limits(call)->quiet_ms : limits(call)->reply_ms);
    call->method->request(call, bytes, length);
    call->in_done += GRPC_PREFIX_BYTES + length;
    if (call->in_done == call->in_length) in_free(call);
}

static void end_of_messages(grpc_call *call)
{
    if (call->in_length != 0)
        grpc_call_end(call, GRPC_INTERNAL, "the last message is not whole");
    else if (call->method->many)
        grpc_call_end(call, GRPC_OK, NULL);
    else if (!call->requested)
        grpc_call_end(call, GRPC_INTERNAL, "there is no message");
}

/* Handles what can be: an only message once it is known to be the only one, one of many once the
 * answer to the one before has gone. */
static void advance(grpc_call *call)
{
    size_t length;
    while (!call->ended && call->out_sent == call->out_length && message_whole(call, &length) &&
           (call->method->many || call->half_closed))
        hand_over(call, length);
    if (!call->ended && call->half_closed && call->out_sent == call->out_length)
        end_of_messages(call);
}

static void make_compact(grpc_call *call)
{
    if (call->in_done == 0) return;
    call->in_length -= call->in_done;
    memmove(call->in, call->in + call->in_done, call->in_length);
    call->in_done = 0;
}

/* Room for one message more than there is, within the bounds of the connection. */
static bool make_room(grpc_call *call, size_t length)
{
    size_t room = call->in_room != 0 ? call->in_room : SMALL_BYTES / 4;
    while (room < length) room *= 2;
    if (room == call->in_room) return true;
    size_t counted = call->in_room > SMALL_BYTES ? call->in_room : 0;
    size_t bytes = call->of->body_bytes - counted + (room > SMALL_BYTES ? room : 0);
    if (room > SMALL_BYTES && bytes > limits(call)->body_bytes_max) return false;
    uint8_t *in = wardi_grow(call->in, call->in_room, room);
    if (in == NULL) return false;
    call->in = in;
    call->in_room = room;
    call->of->body_bytes = (uint32_t)bytes;
    return true;
}

void grpc_call_take(grpc_call *call, const uint8_t *bytes, size_t length)
{
    /* One more than a message, so that more than one is seen to be. */
    enum { WHOLE_MAX = GRPC_PREFIX_BYTES + GRPC_MESSAGE_BYTES_MAX + 1 };
    while (length != 0 && !call->ended && call->refused == NULL) {
        make_compact(call);
        size_t part = WHOLE_MAX - call->in_length;
        if (part > length) part = length;
        /* Of many: what comes while the client does not take the answers. */
        if (part == 0 || !make_room(call, call->in_length + part)) {
            grpc_call_end(call, GRPC_RESOURCE_EXHAUSTED, "more than is kept of unhandled requests");
            return;
        }
        memcpy(call->in + call->in_length, bytes, part);
        call->in_length += part;
        bytes += part;
        length -= part;
        advance(call);
    }
}

void grpc_call_half_closed(grpc_call *call)
{
    call->half_closed = true;
    if (call->refused != NULL && !call->ended)
        refuse(call);
    else
        advance(call);
}

/* ---- its life ---- */

bool grpc_call_new(grpc_connection *of, int32_t stream)
{
    grpc_call *call = wardi_alloc(sizeof *call);
    if (call == NULL) return false;
    *call = (grpc_call){.of = of, .stream = stream, .next = of->calls, .deadline_ms = UINT64_MAX};
    call->due_ms = from_now_ms(call, limits(call)->request_ms);
    if (nghttp2_session_set_stream_user_data(of->session, stream, call) != 0) {
        wardi_free(call);
        return false;
    }
    if (of->calls != NULL) of->calls->before = call;
    of->calls = call;
    return true;
}

const grpc_call *grpc_call_next(const grpc_call *call)
{
    return call->next;
}

void grpc_call_free(grpc_call *call)
{
    if (call->requested && call->method->gone != NULL) call->method->gone(call);
    if (call->next != NULL) call->next->before = call->before;
    if (call->before != NULL)
        call->before->next = call->next;
    else
        call->of->calls = call->next;
    in_free(call);
    wardi_free(call->out);
    wardi_free(call->text);
    wardi_free(call);
}

bool grpc_calls_listen(const grpc_connection *of)
{
    for (const grpc_call *call = of->calls; call != NULL; call = call->next)
        if (!call->requested || !call->method->listens) return false;
    return true;
}

uint64_t grpc_calls_due_ms(const grpc_connection *of)
{
    uint64_t due_ms = UINT64_MAX;
    for (const grpc_call *call = of->calls; call != NULL; call = call->next) {
        if (call->due_ms < due_ms) due_ms = call->due_ms;
        if (!call->ended && call->deadline_ms < due_ms) due_ms = call->deadline_ms;
    }
    return due_ms;
}

static void expire(grpc_call *call, uint64_t now_ms)
{
    bool late = !call->ended && call->deadline_ms <= now_ms;
    if (!late && call->due_ms > now_ms) return;
    /* What is half sent can't be followed by a status. */
    if (call->ended || call->out_sent != call->out_length)
        reset(call, NGHTTP2_CANCEL);
    else if (call->refused != NULL)
        refuse(call);
    else
        grpc_call_end(call, GRPC_DEADLINE_EXCEEDED,
                      late ? "the deadline is over" : "the request did not come in time");
}

void grpc_calls_expire(grpc_connection *of)
{
    uint64_t now_ms = grpc_connection_now_ms(of);
    for (grpc_call *call = of->calls; call != NULL; call = call->next) expire(call, now_ms);
}

void grpc_calls_end(grpc_connection *of, grpc_code code, const char *text)
{
    for (grpc_call *call = of->calls; call != NULL; call = call->next)
        grpc_call_end(call, code, text);
}

void grpc_call_stays(grpc_call *call)
{
    call->due_ms = UINT64_MAX;
}

grpc *grpc_call_server(const grpc_call *call)
{
    return call->of->server;
}

void *grpc_call_data(const grpc_call *call)
{
    return call->data;
}

void grpc_call_data_set(grpc_call *call, void *data)
{
    call->data = data;
}
