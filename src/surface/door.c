/* The door. Connections are taken by us, not by what speaks over them, so that one place knows how
 * many there are: with all places taken, who has been idle for the longest leaves for whoever
 * comes, and where nobody is idle, who has only listened for the longest; and where the process has
 * no descriptor left, the one that is kept in reserve lets the next one in. So ten thousand
 * connections that say nothing keep no probe out. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "access/access.h"
#include "surface/grant.h"
#include "surface/surface_priv.h"

enum {
    BACKLOG = 4096,
    TAKEN_AT_ONCE = 64,
    IDLE_MAX_S = 60,
    FRESH_MS = 100, /* what it has come for may be on the way */
    PAUSE_MS = 10,  /* between two looks whether a descriptor has come free */
};

struct door {
    door_options options;
    struct surface *of;
    int fd;
    uv_poll_t poll;
    uv_timer_t rest; /* more came than may: until some may again */
    wardi_bucket bucket;
    bool paid; /* one may come, and has not yet */
    bool open, closed;
    char address[120];
    grant_groups groups;
    bool made_path;
};

/* ---- who may be made to leave ---- */

static void leave_queue(peer *p)
{
    peer_queue *in = p->in;
    if (in == NULL) return;
    *(p->older != NULL ? &p->older->newer : &in->longest) = p->newer;
    *(p->newer != NULL ? &p->newer->older : &in->newest) = p->older;
    p->older = p->newer = NULL;
    p->in = NULL;
    in->count--;
}

static void join_queue(peer *p, peer_queue *queue)
{
    leave_queue(p);
    p->since_ns = wardi_now_ns();
    p->older = queue->newest;
    *(queue->newest != NULL ? &queue->newest->newer : &queue->longest) = p;
    queue->newest = p;
    queue->count++;
    p->in = queue;
}

void peer_idle(peer *p)
{
    join_queue(p, &p->door->of->crowd.idle);
}

void peer_listens(peer *p)
{
    join_queue(p, &p->door->of->crowd.listening);
}

void peer_busy(peer *p)
{
    leave_queue(p);
}

static void keep_reserve(crowd *c)
{
    if (c->reserve_fd < 0) c->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

void peer_left(peer *p)
{
    crowd *c = &p->door->of->crowd;
    peer_busy(p);
    c->open--;
    c->leaving -= p->expelled;
    wardi_free(p);
    keep_reserve(c);
}

/* True: one is about to leave. */
static bool expel_of(crowd *c, const peer_queue *queue)
{
    peer *p = queue->longest;
    if (p == NULL) return false;
    peer_busy(p); /* asked once */
    p->expelled = true;
    c->leaving++;
    c->figures.expelled++;
    p->door->options.protocol.expel(p->door->options.protocol.context, p);
    return true;
}

static bool expel_longest(crowd *c)
{
    return expel_of(c, &c->idle) || expel_of(c, &c->listening);
}

bool door_expel_listening(struct surface *s)
{
    return expel_of(&s->crowd, &s->crowd.listening);
}

void door_expel_idle(struct surface *s)
{
    crowd *c = &s->crowd;
    uint64_t now_ns = wardi_now_ns();
    while (c->idle.longest != NULL && now_ns - c->idle.longest->since_ns > IDLE_MAX_S * WARDI_S)
        expel_of(c, &c->idle);
    keep_reserve(c); /* who left may have had his own until after that */
}

void door_figures_get(const struct surface *s, door_figures *ret_figures)
{
    *ret_figures = s->crowd.figures;
    ret_figures->open = s->crowd.open;
    ret_figures->idle = s->crowd.idle.count;
}

/* ---- who may come in ---- */

/* All groups of the user: that of the process, and those of the machine's tables. */
static wardi_may may_of(const grant_groups *groups, uid_t uid, gid_t gid)
{
    enum { GROUPS_MAX = 256 };
    gid_t all[GROUPS_MAX] = {gid};
    int count = GROUPS_MAX;
    if (!groups->has_write_gid && !groups->has_read_gid) return grant_of_user(groups, uid, NULL, 0);
    const struct passwd *user = getpwuid(uid); /* this thread alone asks */
    if (user == NULL || getgrouplist(user->pw_name, gid, all, &count) < 0) count = 1;
    return grant_of_user(groups, uid, all, (size_t)count);
}

/* By what the kernel says of the other end. */
static bool identify(const door *d, peer *p)
{
    struct ucred who;
    socklen_t size = sizeof who;
    if (d->options.path == NULL) return true;
    if (getsockopt(p->fd, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0) return false;
    p->uid = who.uid;
    p->gid = who.gid;
    p->pid = who.pid != 0 ? who.pid : -1; /* of another namespace: there, and not to be named */
    p->may = may_of(&d->groups, who.uid, who.gid);
    return p->may != WARDI_MAY_NOTHING;
}

static void admit(door *d, int fd)
{
    crowd *c = &d->of->crowd;
    peer *p = c->open < c->max || expel_longest(c) ? wardi_alloc(sizeof *p) : NULL;
    int on = 1;
    if (p == NULL) {
        c->figures.refused++;
        close(fd);
        return;
    }
    *p = (peer){.door = d, .fd = fd};
    if (d->options.path == NULL) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    c->open++;
    c->figures.accepted++;
    if (identify(d, p) && d->options.protocol.enter(d->options.protocol.context, fd, p)) return;
    close(fd);
    peer_left(p);
}

static bool is_fresh(const peer_queue *queue)
{
    return queue->longest != NULL &&
           wardi_now_ns() - queue->longest->since_ns < FRESH_MS * WARDI_MS;
}

/* No descriptor is left: the reserve makes room for one that may wait, and somebody idle for the
 * reserve. False: once whoever leaves has left. (The kernel looks for a descriptor before it looks
 * whether anybody waits: so this is no proof that somebody does, and the last one who was let in
 * does not have to leave for it.) */
static bool make_room(crowd *c)
{
    bool had_reserve = c->reserve_fd >= 0;
    if (had_reserve) close(c->reserve_fd);
    c->reserve_fd = -1;
    if (c->leaving == 0 && !is_fresh(&c->idle)) expel_longest(c);
    return had_reserve;
}

static void take(uv_poll_t *poll, int status, int events);

static void on_rested(uv_timer_t *timer)
{
    door *d = timer->data;
    uv_poll_start(&d->poll, UV_READABLE, take);
}

/* Nobody is taken for so long, and those who come wait where the kernel keeps them. */
static void rest(door *d, uint64_t ms)
{
    uv_poll_stop(&d->poll);
    uv_timer_start(&d->rest, on_rested, ms, 0);
}

/* Whether one more may come now; else those who do wait where the kernel keeps them. */
static bool may_come(door *d)
{
    if (d->options.rate == 0 || d->paid) return true;
    d->paid = wardi_bucket_take(&d->bucket, 1, wardi_now_ns());
    if (d->paid) return true;
    rest(d, 1000 / d->options.rate + 1);
    return false;
}

static void take(uv_poll_t *poll, int status, int events)
{
    door *d = poll->data;
    (void)status;
    (void)events;
    for (int i = 0; i < TAKEN_AT_ONCE && may_come(d); i++) {
        int fd = accept4(d->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0) {
            d->paid = false;
            admit(d, fd);
            continue;
        }
        if (errno == EINTR || errno == ECONNABORTED) continue;
        if (errno != EMFILE && errno != ENFILE) return;
        if (make_room(&d->of->crowd)) continue;
        if (d->of->crowd.leaving == 0) rest(d, PAUSE_MS); /* else whoever leaves wakes us */
        return;
    }
}

/* ---- listening ---- */

static ward_error fail(door *d, int fd, ward_diag *ret_diag, const char *where, const char *way_out)
{
    int why = errno;
    if (fd >= 0) close(fd);
    wardi_free(d);
    return wardi_fail(ret_diag, WARD_ERROR_IO, "cannot listen on %s: %s%s", where, strerror(why),
                      why == EADDRINUSE ? way_out : "");
}

/* "HOST:PORT", with an IPv6 address in brackets; no host: all of the machine's addresses. */
static bool split(const char *address, char host[80], char port[8])
{
    const char *colon = strrchr(address, ':');
    if (colon == NULL || strlen(colon + 1) > 5 || colon[1] == '\0') return false;
    size_t length = (size_t)(colon - address);
    bool bracketed = length >= 2 && address[0] == '[' && address[length - 1] == ']';
    if (bracketed) {
        address++;
        length -= 2;
    }
    if (length >= 80 || (!bracketed && memchr(address, ':', length) != NULL)) return false;
    memcpy(host, address, length);
    host[length] = '\0';
    snprintf(port, 8, "%s", colon + 1);
    return strspn(port, "0123456789") == strlen(port) && strtoul(port, NULL, 10) <= 65535;
}

bool wardi_surface_address_valid(const char *address)
{
    char host[80], port[8];
    return split(address, host, port);
}

bool door_address_write(const struct sockaddr_storage *address, socklen_t size, wardi_text *to)
{
    char host[80], port[8];
    if (address->ss_family == AF_UNIX ||
        getnameinfo((const struct sockaddr *)address, size, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return false;
    bool six = address->ss_family == AF_INET6;
    wardi_text_printf(to, six ? "[%s]:%s" : "%s:%s", host, port);
    return true;
}

static void name_address(door *d, int fd)
{
    struct sockaddr_storage own = {0};
    socklen_t size = sizeof own;
    wardi_text text = WARDI_TEXT(d->address);
    if (getsockname(fd, (struct sockaddr *)&own, &size) == 0)
        (void)door_address_write(&own, size, &text);
}

static ward_error listen_tcp(door *d, ward_diag *ret_diag)
{
    char host[80], port[8];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV},
                    *found;
    const char *address = d->options.address;
    if (!split(address, host, port)) {
        wardi_free(d);
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                          "\"%s\" is no address: HOST:PORT, like 127.0.0.1:9320 or [::1]:9320",
                          address);
    }
    int failed = getaddrinfo(host[0] != '\0' ? host : NULL, port, &hints, &found);
    if (failed != 0) {
        wardi_free(d);
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT, "\"%s\" is no address here: %s",
                          address, gai_strerror(failed));
    }
    int on = 1, fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    bool listens =
        fd >= 0 && bind(fd, found->ai_addr, found->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0;
    freeaddrinfo(found);
    if (!listens)
        return fail(d, fd, ret_diag, address, "; another ward may run here: give it another port");
    d->fd = fd;
    name_address(d, fd);
    return WARD_OK;
}

/* Whether somebody answers there; else what is left of a ward that was killed makes way. */
static bool is_taken(const struct sockaddr_un *at)
{
    struct stat there = {0};
    if (stat(at->sun_path, &there) != 0 || !S_ISSOCK(there.st_mode)) return false;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool answers = fd >= 0 && connect(fd, (const struct sockaddr *)at, sizeof *at) == 0;
    if (fd >= 0) close(fd);
    if (!answers) unlink(at->sun_path);
    return answers;
}

static ward_error find_group(const char *name, gid_t *ret_gid, bool *ret_has, ward_diag *ret_diag)
{
    if (name == NULL) return WARD_OK;
    const struct group *found = getgrnam(name);
    if (found == NULL)
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                          "there is no group \"%s\" on this machine", name);
    *ret_gid = found->gr_gid;
    *ret_has = true;
    return WARD_OK;
}

static ward_error find_groups(door *d, ward_diag *ret_diag)
{
    grant_groups *g = &d->groups;
    g->own_uid = geteuid();
    ward_error error =
        find_group(d->options.control_group, &g->write_gid, &g->has_write_gid, ret_diag);
    return error == WARD_OK
               ? find_group(d->options.read_group, &g->read_gid, &g->has_read_gid, ret_diag)
               : error;
}

/* A socket has one group. Where there are two, anybody may connect, and who is of neither is turned
 * away by what the kernel says of him; the mode is the first of two locks otherwise. */
static bool set_mode(const char *path, const grant_groups *g)
{
    bool both = g->has_write_gid && g->has_read_gid;
    if (both) return chmod(path, 0666) == 0;
    if (!g->has_write_gid && !g->has_read_gid) return chmod(path, 0600) == 0;
    gid_t gid = g->has_write_gid ? g->write_gid : g->read_gid;
    return chmod(path, 0660) == 0 && chown(path, (uid_t)-1, gid) == 0;
}

static ward_error listen_unix(door *d, ward_diag *ret_diag)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    const char *path = d->options.path;
    ward_error error = find_groups(d, ret_diag);
    if (error == WARD_OK && strlen(path) >= sizeof at.sun_path)
        error = wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                           "%s: the path of a socket has at most %zu bytes", path,
                           sizeof at.sun_path - 1);
    if (error != WARD_OK) {
        wardi_free(d);
        return error;
    }
    memcpy(at.sun_path, path, strlen(path) + 1);
    errno = EADDRINUSE;
    if (is_taken(&at)) return fail(d, -1, ret_diag, path, "; another ward listens there");
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    /* Nobody connects before its mode is set: it does not listen yet. */
    bool bound = fd >= 0 && bind(fd, (const struct sockaddr *)&at, sizeof at) == 0;
    bool listens = bound && set_mode(path, &d->groups) && listen(fd, BACKLOG) == 0;
    if (!listens) {
        int why = errno;
        if (bound) unlink(path);
        errno = why;
        return fail(d, fd, ret_diag, path, "");
    }
    d->fd = fd;
    d->made_path = true;
    wardi_text address = WARDI_TEXT(d->address);
    wardi_text_puts(&address, path);
    return WARD_OK;
}

static ward_error listen_inherited(door *d)
{
    d->fd = d->options.inherited_fd;
    fcntl(d->fd, F_SETFD, FD_CLOEXEC);
    fcntl(d->fd, F_SETFL, fcntl(d->fd, F_GETFL) | O_NONBLOCK);
    name_address(d, d->fd);
    return WARD_OK;
}

ward_error door_new(const door_options *options, struct surface *of, door **ret_door,
                    ward_diag *ret_diag)
{
    door *d = wardi_alloc(sizeof *d);
    if (d == NULL) return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory for a listener");
    *d = (door){.options = *options,
                .of = of,
                .fd = -1,
                .bucket = wardi_bucket_full(options->rate, options->burst)};
    ward_error error = options->inherited_fd != 0 ? listen_inherited(d)
                       : options->path != NULL    ? listen_unix(d, ret_diag)
                                                  : listen_tcp(d, ret_diag);
    if (error == WARD_OK) *ret_door = d;
    return error;
}

bool door_open(door *d)
{
    d->poll.data = d->rest.data = d;       /* it has been initialised */
    uv_timer_init(&d->of->loop, &d->rest); /* never fails */
    d->open = uv_poll_init(&d->of->loop, &d->poll, d->fd) == 0;
    return d->open && uv_poll_start(&d->poll, UV_READABLE, take) == 0;
}

void door_close(door *d)
{
    if (d == NULL || d->closed) return;
    d->closed = true;
    if (d->open) uv_close((uv_handle_t *)&d->poll, NULL);
    if (d->rest.data != NULL) uv_close((uv_handle_t *)&d->rest, NULL);
}

void door_free(door *d)
{
    if (d == NULL) return;
    if (d->fd >= 0) close(d->fd);
    if (d->made_path) unlink(d->options.path);
    wardi_free(d);
}

const char *door_address(const door *d)
{
    return d != NULL ? d->address : "";
}
