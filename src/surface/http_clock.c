/* The time that a request may take to come, from its first byte on.
 *
 * libmicrohttpd knows inactivity only, so that a byte now and then would hold a connection for
 * ever, and tells nothing of a request before its first line is there. So each connection is in an
 * epoll of our own, too, edge-triggered: what comes on one that has no request under way, and is
 * still unread, is the beginning of a request. */
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "surface/http_priv.h"

static void unlink_client(http_client *c)
{
    http *h = c->http;
    *(c->before != NULL ? &c->before->after : &h->oldest) = c->after;
    *(c->after != NULL ? &c->after->before : &h->newest) = c->before;
    c->before = c->after = NULL;
    c->began_ns = 0;
}

static void on_late(uv_timer_t *timer);

static void set_timer(http *h)
{
    if (h->oldest == NULL || h->closing) {
        uv_timer_stop(&h->late);
        return;
    }
    uint64_t end = h->oldest->began_ns + HTTP_REQUEST_NS, now = wardi_now_ns();
    uv_timer_start(&h->late, on_late, end > now ? (end - now) / WARDI_MS + 1 : 0, 0);
}

static void on_late(uv_timer_t *timer)
{
    http *h = timer->data;
    uint64_t now = wardi_now_ns();
    while (h->oldest != NULL && h->oldest->began_ns + HTTP_REQUEST_NS <= now) {
        http_client *c = h->oldest;
        unlink_client(c);
        /* libmicrohttpd reads the end of it, and closes. */
        shutdown(c->fd, SHUT_RDWR);
    }
    set_timer(h);
}

void http_clock_begin(http_client *client)
{
    http *h = client->http;
    if (client->began_ns != 0) return;
    peer_busy(client->peer);
    client->began_ns = wardi_now_ns();
    client->before = h->newest;
    *(h->newest != NULL ? &h->newest->after : &h->oldest) = client;
    h->newest = client;
    if (h->oldest == client) set_timer(h);
}

void http_clock_end(http_client *client)
{
    if (client->began_ns == 0) return;
    bool first = client->http->oldest == client;
    unlink_client(client);
    /* The timer of one that came next and is gone runs out for nothing: cheaper than to set it with
     * each request. */
    if (first && client->http->oldest == NULL) set_timer(client->http);
}

static void look_at(http_client *c, uint32_t events)
{
    /* A stream that waits would learn only with its next event that nobody reads it. */
    if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
        c->gone = true;
        if (c->streams) http_client_resume(c);
    }
    int unread = 0;
    if (c->under_way || c->began_ns != 0 || ioctl(c->fd, FIONREAD, &unread) != 0) return;
    if (unread > 0) http_clock_begin(c);
}

void http_clock_look(http *h)
{
    struct epoll_event events[64];
    int count;
    do {
        count = epoll_wait(h->arrivals_fd, events, (int)WARD_COUNT(events), 0);
        for (int i = 0; i < count; i++) look_at(events[i].data.ptr, events[i].events);
    } while (count == (int)WARD_COUNT(events));
}

static void on_arrivals(uv_poll_t *poll, int status, int events)
{
    (void)status, (void)events;
    http_clock_look(poll->data);
}

bool http_clock_open(http *h)
{
    h->arrivals_fd = epoll_create1(EPOLL_CLOEXEC);
    if (h->arrivals_fd < 0) return false;
    if (uv_timer_init(&h->surface->loop, &h->late) != 0) return false;
    h->late.data = h;
    if (uv_poll_init(&h->surface->loop, &h->arrivals, h->arrivals_fd) != 0) return false;
    h->arrivals.data = h;
    return uv_poll_start(&h->arrivals, UV_READABLE, on_arrivals) == 0;
}

void http_clock_enter(http_client *client)
{
    struct epoll_event what = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.ptr = client};
    /* Failing that, its requests are clocked from their first line on. */
    (void)epoll_ctl(client->http->arrivals_fd, EPOLL_CTL_ADD, client->fd, &what);
}

/* To close the socket would not do: a process that is being made, of which no program has begun
 * yet, has it as well, and as long as one does, epoll goes on to tell of it. */
void http_clock_leave(http_client *client)
{
    http_clock_end(client);
    (void)epoll_ctl(client->http->arrivals_fd, EPOLL_CTL_DEL, client->fd, NULL);
}
