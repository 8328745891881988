/* Connections over TLS.
 *
 * A handshake is dear, and until somebody has shown a token or a certificate, he is a stranger: of
 * strangers there are few at a time, and one more makes the one leave that has been there for the
 * longest; how many come a second, the door sees to. Who is refused has to connect anew. However
 * many say hello at once, they are not listened to for long before others have their turn.
 *
 * Once in a while a thread of the pool looks whether a file has changed, and reads them anew. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "surface/http_priv.h"
#include "surface/keyring.h"

enum {
    TICK_MS = 1000,
    LOOK_TICKS = 5, /* between two looks at the files */
};
#define TOLD_NS (60 * WARDI_S)   /* between two events that tell of who was refused */
#define JUDGED_NS (60 * WARDI_S) /* for which a certificate that was looked at is good */
#define HANDSHAKES_NS WARDI_MS   /* at once; the one that it ends in is not interrupted */

typedef struct http_remote http_remote;
typedef struct http_remote_client remote_client;
struct http_remote_client {
    http_client *client;
    gnutls_session_t session;
    keyring *keys; /* that its handshake was made with */
    bool stranger, handshaking;
    /* What came of its certificate */
    uint64_t judged_by; /* which keyring, as they are counted; 0: nothing yet */
    uint64_t judged_ns;
    const wardi_surface_client *certificate;
    const char *fault;
    /* Its last request's token; NULL: it was by certificate */
    const char *token_name;
    uint8_t digest[WARDI_SHA256_BYTES];
    remote_client *before, *after; /* who came first is the first */
};

/* What is done on a thread of the pool: nothing of the rest is its. */
typedef struct errand {
    uv_work_t of_loop; /* first */
    http *http;
    const wardi_surface_remote *from;
    keyring *keys;  /* kept: are they stale? NULL: not asked */
    keyring *found; /* newer ones */
    ward_error error;
    ward_diag diag;
    ward_supervisor *supervisor;
    char words[WARD_REASON_BYTES_MAX + 1]; /* to be told; "": nothing */
} errand;

struct http_remote {
    keyring *keys;
    uint64_t keyrings; /* so far, with this one */
    remote_client *first, *last;
    uint32_t strangers, handshaking;
    uint64_t handshakes_since_ns; /* in this turn; 0: none yet */
    uv_timer_t tick;
    unsigned ticks;
    errand *errand;                /* under way; NULL: none */
    ward_diag failing;             /* what is wrong with the files; "": nothing */
    const char *news;              /* of the files, to be told; NULL: none */
    uint64_t unauthorized, untold; /* requests that were refused */
    uint64_t told_ns;
    char last_refused[HTTP_ADDRESS_BYTES];
};

/* ---- who is there ---- */

static void make_room(http_remote *r)
{
    remote_client *c = r->first;
    if (r->strangers <= HTTP_STRANGERS_MAX) return;
    while (c != NULL && !c->stranger) c = c->after;
    if (c == NULL) return;
    c->stranger = false; /* asked once */
    r->strangers--;
    shutdown(c->client->fd, SHUT_RDWR);
}

static void handshake_over(remote_client *c)
{
    c->client->http->remote->handshaking -= c->handshaking;
    c->handshaking = false;
}

/* GnuTLS tells of messages of handshakes; the last one comes from the client, in either version. */
static int on_finished(gnutls_session_t session, unsigned kind, unsigned when, unsigned incoming,
                       const gnutls_datum_t *message)
{
    (void)kind, (void)when, (void)message;
    if (incoming != 0) handshake_over(gnutls_transport_get_ptr(session));
    return 0;
}

/* Whether there is time left for handshakes in this turn of the loop. */
static bool may_go_on(http_remote *r)
{
    uint64_t now_ns = wardi_now_ns();
    if (r->handshakes_since_ns == 0) r->handshakes_since_ns = now_ns;
    return now_ns - r->handshakes_since_ns < HANDSHAKES_NS;
}

/* What a client says is left with the kernel until there is time for it. Only during its handshake:
 * there libmicrohttpd comes back for it by itself (see drive). */
static ssize_t pull(gnutls_transport_ptr_t from, void *bytes, size_t length)
{
    const remote_client *c = from;
    if (!c->handshaking || may_go_on(c->client->http->remote))
        return recv(c->client->fd, bytes, length, 0);
    errno = EAGAIN;
    return -1;
}

static int pull_timeout(gnutls_transport_ptr_t from, unsigned ms)
{
    const remote_client *c = from;
    struct pollfd one = {.fd = c->client->fd, .events = POLLIN};
    return poll(&one, 1, ms == GNUTLS_INDEFINITE_TIMEOUT ? -1 : (int)ms);
}

static bool dress(remote_client *c, keyring *keys)
{
    /* Sending stays libmicrohttpd's. */
    gnutls_transport_ptr_t receives, sends;
    gnutls_transport_get_ptr2(c->session, &receives, &sends);
    gnutls_transport_set_ptr2(c->session, c, sends);
    gnutls_transport_set_pull_function(c->session, pull);
    gnutls_transport_set_pull_timeout_function(c->session, pull_timeout);
    gnutls_handshake_set_hook_function(c->session, GNUTLS_HANDSHAKE_FINISHED, GNUTLS_HOOK_POST,
                                       on_finished);
    return keyring_dress(keys, c->session);
}

bool http_remote_enter(http_client *client)
{
    http_remote *r = client->http->remote;
    remote_client *c = wardi_alloc(sizeof *c);
    if (c == NULL) return false;
    c->client = client;
    c->session = MHD_get_connection_info(client->connection, MHD_CONNECTION_INFO_GNUTLS_SESSION)
                     ->tls_session;
    /* The session has it from now on, whatever comes of it: so it is kept until the session ends.
     */
    bool dressed = dress(c, r->keys);
    c->keys = keyring_keep(r->keys);
    c->stranger = c->handshaking = true;
    c->before = r->last;
    *(r->last != NULL ? &r->last->after : &r->first) = c;
    r->last = c;
    r->strangers++;
    r->handshaking++;
    client->remote = c;
    make_room(r);
    return dressed;
}

void http_remote_leave(http_client *client)
{
    remote_client *c = client->remote;
    if (c == NULL) return;
    http_remote *r = client->http->remote;
    client->remote = NULL;
    *(c->before != NULL ? &c->before->after : &r->first) = c->after;
    *(c->after != NULL ? &c->after->before : &r->last) = c->before;
    r->strangers -= c->stranger;
    handshake_over(c);
    keyring_drop(c->keys); /* the session is no more */
    wardi_free(c);
}

uint32_t http_remote_handshaking(const http *h)
{
    return h->remote != NULL ? h->remote->handshaking : 0;
}

void http_remote_turn(http *h)
{
    if (h->remote != NULL) h->remote->handshakes_since_ns = 0;
}

http_remote_figures http_remote_figures_of(const http *h)
{
    if (h->remote == NULL) return (http_remote_figures){0};
    return (http_remote_figures){.unauthorized = h->remote->unauthorized,
                                 .expires_s = keyring_expires_s(h->remote->keys)};
}

/* ---- who asks ---- */

static void known(http_remote *r, remote_client *c)
{
    r->strangers -= c->stranger;
    c->stranger = false;
}

/* The same answer whatever was asked for: who may nothing learns nothing. */
static bool refuse(http_request *request, const char *why, bool had_token)
{
    http_remote *r = request->http->remote;
    r->unauthorized++;
    r->untold++;
    http_client_address(request->client, r->last_refused);
    http_problem(request, MHD_HTTP_UNAUTHORIZED,
                 "Over TCP it takes a token (Authorization: Bearer …) or a client's certificate; "
                 "%s.",
                 why);
    http_answer_header(request, MHD_HTTP_HEADER_WWW_AUTHENTICATE,
                       had_token ? "Bearer realm=\"ward\", error=\"invalid_token\""
                                 : "Bearer realm=\"ward\"");
    http_answer_header(request, MHD_HTTP_HEADER_CONNECTION, "close");
    return false;
}

static bool by_token(http_request *request, remote_client *c, const char *header)
{
    http_remote *r = request->http->remote;
    const char *text;
    size_t length;
    if (!grant_bearer_read(header, &text, &length))
        return refuse(request, "what is in Authorization is no Bearer token", true);
    const grant_token *token = keyring_token(r->keys, text, length);
    if (token == NULL) return refuse(request, "this token is nobody's", true);
    request->who = (http_who){.way = HTTP_TOKEN, .may = token->may, .name = token->name};
    c->token_name = token->name;
    memcpy(c->digest, token->digest, sizeof c->digest);
    known(r, c);
    return true;
}

/* A certificate is looked at again once in a while: it may have expired. */
static const char *judge(const http_remote *r, remote_client *c)
{
    uint64_t now_ns = wardi_now_ns();
    if (c->judged_by == r->keyrings && now_ns - c->judged_ns < JUDGED_NS) return c->fault;
    c->certificate = NULL;
    c->fault = keyring_certificate(r->keys, c->session, &c->certificate);
    c->judged_by = r->keyrings;
    c->judged_ns = now_ns;
    return c->fault;
}

static bool by_certificate(http_request *request, remote_client *c)
{
    http_remote *r = request->http->remote;
    const char *fault = judge(r, c);
    if (fault != NULL) {
        char why[160];
        wardi_text text = WARDI_TEXT(why);
        if (*fault == '\0')
            wardi_text_puts(&text, "neither has come");
        else
            wardi_text_printf(&text, "the certificate that has come %s", fault);
        return refuse(request, why, false);
    }
    request->who = (http_who){
        .way = HTTP_CERTIFICATE, .may = c->certificate->may, .name = c->certificate->name};
    c->token_name = NULL;
    known(r, c);
    return true;
}

bool http_remote_admit(http_request *request)
{
    const char *header = http_header(request, MHD_HTTP_HEADER_AUTHORIZATION);
    remote_client *c = request->client->remote;
    if (c == NULL) return refuse(request, "neither has come", false); /* it is being closed */
    /* Who shows a token wants to be known by it, and is not let in by something else. */
    return header != NULL ? by_token(request, c, header) : by_certificate(request, c);
}

/* ---- files that change ---- */

static bool still_may(const http_remote *r, remote_client *c)
{
    if (c->token_name == NULL) return judge(r, c) == NULL;
    const grant_token *token = keyring_token_of(r->keys, c->digest);
    return token != NULL && strcmp(token->name, c->token_name) == 0;
}

/* A stream is one request without end: who would not be let in again does not stay either. */
static void end_streams(const http_remote *r)
{
    for (remote_client *c = r->first; c != NULL; c = c->after)
        if (c->client->streams && !still_may(r, c)) shutdown(c->client->fd, SHUT_RDWR);
}

static void run_errand(uv_work_t *of_loop)
{
    errand *e = (errand *)of_loop;
    if (e->words[0] != '\0') ward_supervisor_record(e->supervisor, "", e->words);
    if (e->keys != NULL && keyring_is_stale(e->keys))
        e->error = keyring_read(e->from, &e->found, &e->diag);
}

/* Each failure once: what is wrong with a file stays so until somebody mends it. */
static void take_found(http_remote *r, const errand *e)
{
    if (e->found != NULL) {
        keyring_drop(r->keys);
        r->keys = keyring_keep(e->found);
        r->keyrings++;
        r->failing.text[0] = '\0';
        end_streams(r);
        r->news = "the certificate and the tokens of TLS were read anew";
    } else if (e->error != WARD_OK && strcmp(r->failing.text, e->diag.text) != 0) {
        r->failing = e->diag;
        r->news = r->failing.text;
    }
}

static void on_errand_done(uv_work_t *of_loop, int status)
{
    (void)status; /* nothing is cancelled */
    errand *e = (errand *)of_loop;
    http *h = e->http;
    h->remote->errand = NULL;
    if (!h->closing) take_found(h->remote, e);
    keyring_drop(e->found);
    keyring_drop(e->keys);
    wardi_free(e);
}

/* What is to be told next: of files at once, of who was refused once a minute. */
static void write_news(http_remote *r, wardi_text *to)
{
    uint64_t now_ns = wardi_now_ns();
    if (r->news != NULL) {
        bool failing = r->news == r->failing.text;
        wardi_text_printf(to, failing ? "TLS goes on with what it has: %s" : "%s", r->news);
        r->news = NULL;
    } else if (r->untold != 0 && (r->told_ns == 0 || now_ns - r->told_ns >= TOLD_NS)) {
        wardi_text_printf(to,
                          "refused over TLS, without a token or certificate that is known: %llu",
                          (unsigned long long)r->untold);
        wardi_text_printf(to, " request%s, the last from %s", r->untold == 1 ? "" : "s",
                          r->last_refused);
        r->untold = 0;
        r->told_ns = now_ns;
    }
}

static void on_tick(uv_timer_t *timer)
{
    http *h = timer->data;
    http_remote *r = h->remote;
    if (r->errand != NULL) return;
    errand *e = wardi_alloc(sizeof *e);
    if (e == NULL) return;
    wardi_text words = WARDI_TEXT(e->words);
    write_news(r, &words);
    bool look = ++r->ticks % LOOK_TICKS == 0;
    if (!look && words.length == 0) {
        wardi_free(e);
        return;
    }
    e->http = h;
    e->from = &h->surface->options.remote;
    e->keys = look ? keyring_keep(r->keys) : NULL;
    e->supervisor = h->surface->supervisor;
    r->errand = e;
    if (uv_queue_work(&h->surface->loop, &e->of_loop, run_errand, on_errand_done) == 0) return;
    r->errand = NULL;
    keyring_drop(e->keys);
    wardi_free(e);
}

/* ---- the whole ---- */

ward_error http_remote_prepare(http *h, ward_diag *ret_diag)
{
    keyring *keys = NULL;
    ward_error error = keyring_read(&h->surface->options.remote, &keys, ret_diag);
    if (error != WARD_OK) return error;
    h->remote = wardi_alloc(sizeof *h->remote);
    if (h->remote == NULL) {
        keyring_drop(keys);
        return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory for TLS");
    }
    h->remote->keys = keys;
    h->remote->keyrings = 1;
    return WARD_OK;
}

void http_remote_open(http *h)
{
    if (h->remote == NULL) return;
    uv_timer_init(&h->surface->loop, &h->remote->tick); /* never fails */
    h->remote->tick.data = h;
    uv_timer_start(&h->remote->tick, on_tick, TICK_MS, TICK_MS);
}

void http_remote_close(http *h)
{
    if (h->remote == NULL || h->remote->tick.data == NULL) return;
    uv_handle_t *tick = (uv_handle_t *)&h->remote->tick;
    if (!uv_is_closing(tick)) uv_close(tick, NULL);
}

void http_remote_free(http *h)
{
    if (h->remote == NULL) return;
    keyring_drop(h->remote->keys);
    wardi_free(h->remote);
}
