#include "watch.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <nghttp2/nghttp2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/base.h"

enum { SERVICE_BYTES_MAX = 100, PREFIX_BYTES = 5 };

struct watch {
    int fd;
    nghttp2_session *session;
    uint8_t request[PREFIX_BYTES + 2 + SERVICE_BYTES_MAX];
    size_t length, sent;
    uint8_t answer[256]; /* what of it is not used yet: messages of at most seven bytes */
    size_t answered;
};

static ssize_t give(nghttp2_session *session, int32_t stream, uint8_t *to, size_t room,
                    uint32_t *flags, nghttp2_data_source *source, void *user)
{
    watch *w = source->ptr;
    size_t left = w->length - w->sent, length = left < room ? left : room;
    (void)session, (void)stream, (void)user;
    memcpy(to, w->request + w->sent, length);
    w->sent += length;
    if (w->sent == w->length) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)length;
}

static int take(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *bytes,
                size_t length, void *user)
{
    watch *w = user;
    (void)session, (void)flags, (void)stream;
    if (length > sizeof w->answer - w->answered) abort();
    memcpy(w->answer + w->answered, bytes, length);
    w->answered += length;
    return 0;
}

static void say(const watch *w)
{
    const uint8_t *bytes;
    ssize_t length;
    while ((length = nghttp2_session_mem_send(w->session, &bytes)) > 0)
        if (send(w->fd, bytes, (size_t)length, MSG_NOSIGNAL) != length) abort();
}

static nghttp2_nv header(const char *name, const char *value)
{
    return (nghttp2_nv){(uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name),
                        strlen(value), NGHTTP2_NV_FLAG_NONE};
}

static void ask(watch *w, const char *service)
{
    size_t length = strlen(service);
    if (length > SERVICE_BYTES_MAX) abort();
    w->request[4] = (uint8_t)(2 + length); /* the prefix: plain, and how long */
    w->request[5] = 0x0a;                  /* field 1, a string */
    w->request[6] = (uint8_t)length;
    memcpy(w->request + 7, service, length);
    w->length = 7 + length;
    const nghttp2_nv headers[] = {header(":method", "POST"),
                                  header(":scheme", "http"),
                                  header(":authority", "localhost"),
                                  header(":path", "/grpc.health.v1.Health/Watch"),
                                  header("content-type", "application/grpc"),
                                  header("te", "trailers")};
    nghttp2_data_provider body = {.source.ptr = w, .read_callback = give};
    if (nghttp2_submit_settings(w->session, NGHTTP2_FLAG_NONE, NULL, 0) != 0 ||
        nghttp2_submit_request(w->session, NULL, headers, WARD_COUNT(headers), &body, NULL) < 0)
        abort();
    say(w);
}

watch *watch_open(const char *address, const char *service)
{
    watch *w = wardi_alloc(sizeof *w);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1;
    nghttp2_session_callbacks *callbacks;
    to.sin_port = htons((uint16_t)strtoul(strrchr(address, ':') + 1, NULL, 10));
    w->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(w->fd, (struct sockaddr *)&to, sizeof to) != 0 ||
        nghttp2_session_callbacks_new(&callbacks) != 0)
        abort();
    setsockopt(w->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, take);
    if (nghttp2_session_client_new(&w->session, callbacks, w) != 0) abort();
    nghttp2_session_callbacks_del(callbacks);
    ask(w, service);
    return w;
}

/* A message of no bytes would be UNKNOWN, which no service is. */
int watch_next(watch *w)
{
    while (w->answered < PREFIX_BYTES + 2) {
        uint8_t bytes[4096];
        ssize_t got = recv(w->fd, bytes, sizeof bytes, 0);
        if (got <= 0 || nghttp2_session_mem_recv(w->session, bytes, (size_t)got) != got) abort();
        say(w);
    }
    int status = w->answer[PREFIX_BYTES + 1];
    w->answered -= PREFIX_BYTES + 2;
    memmove(w->answer, w->answer + PREFIX_BYTES + 2, w->answered);
    return status;
}

void watch_close(watch *w)
{
    nghttp2_session_del(w->session);
    close(w->fd);
    wardi_free(w);
}
