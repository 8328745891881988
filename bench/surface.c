/* The surfaces of a host that runs, asked by clients on this machine, whose time is in the figures:
 * plain sockets, kept open, as probers and CLIs use them. */
#include <arpa/inet.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"
#include "journal/journal.h"
#include "surface/surface.h"
#include "watch.h"

enum { CONNECTIONS = 16, FD_MAX = 1024, ANSWER_BYTES = 1 << 16, SPINNING = 4, MANY = 1000 };

typedef struct world {
    ward_supervisor *supervisor;
    wardi_surface *surface;
    wardi_journal *journal;
    char directory[64], socket[96], file[96];
    _Atomic uint64_t ready;
    _Atomic uint64_t turned_ns; /* "turns" was told to be stopped, or ready again */
} world;

static const ward_diag failed = {.text = "not answered as it should be"};

/* ---- a host with surfaces ---- */

static void on_event(void *context, const ward_event *event)
{
    world *w = context;
    bool ready = event->kind == WARD_EVENT_READY && event->ready;
    bool stops = event->kind == WARD_EVENT_STATE && event->state == WARD_STATE_STOPPING;
    if (ready) atomic_fetch_add(&w->ready, 1);
    if ((ready || stops) && strcmp(event->component, "turns") == 0)
        atomic_store(&w->turned_ns, wardi_now_ns());
    wardi_journal_take(w->journal, event);
    wardi_surface_take(w->surface, event);
}

static void add(const bench *b, world *w, const char *guest, const char *name,
                ward_child_options options)
{
    ward_diag diag;
    ward_component_options component = WARD_INIT(ward_component_options);
    component.name = name;
    component.path = bench_path(b, guest);
    options.component = &component;
    bench_must(ward_supervisor_add(w->supervisor, &options, &diag), &diag, name);
}

static void world_open(const bench *b, world *w, size_t steady, size_t spinning)
{
    ward_diag diag;
    ward_supervisor_options own = WARD_INIT(ward_supervisor_options);
    *w = (world){.directory = "/tmp/ward-bench-XXXXXX"};
    if (mkdtemp(w->directory) == NULL) abort();
    snprintf(w->socket, sizeof w->socket, "%s/socket", w->directory);
    snprintf(w->file, sizeof w->file, "%s/journal.db", w->directory);
    wardi_journal_options journal = {.path = w->file};
    wardi_surface_options surface = {.http_address = "127.0.0.1:0",
                                     .grpc_address = "127.0.0.1:0",
                                     .control_path = w->socket,
                                     .journal_path = w->file};
    bench_must(wardi_journal_open(&journal, &w->journal, &diag), &diag, "journal");
    surface.journal = w->journal;
    bench_must(wardi_surface_new(&surface, &w->surface, &diag), &diag, "surface");
    own.on_event = on_event;
    own.event_context = w;
    bench_must(ward_supervisor_new(b->host, &own, &w->supervisor, &diag), &diag, "supervisor");
    ward_child_options options = WARD_INIT(ward_child_options);
    options.instances = (uint32_t)steady;
    add(b, w, "steady.wat", "steady", options);
    options.instances = 0;
    options.message_timeout_ns = 3600 * WARDI_S;
    options.shutdown = WARD_SHUTDOWN_IMMEDIATE;
    for (size_t i = 0; i < spinning; i++) {
        char name[16];
        snprintf(name, sizeof name, "spins-%zu", i);
        add(b, w, "answers.wat", name, options);
    }
    bench_must(wardi_surface_start(w->surface, w->supervisor, &diag), &diag, "surface");
    bench_must(ward_supervisor_start(w->supervisor, &diag), &diag, "supervisor");
    while (atomic_load(&w->ready) < steady + spinning) usleep(1000);
    for (size_t i = 0; i < spinning; i++) {
        char name[16];
        ward_child_id id;
        snprintf(name, sizeof name, "spins-%zu", i);
        bench_must(ward_supervisor_find(w->supervisor, name, &id), &failed, name);
        bench_must(ward_supervisor_send(w->supervisor, id, (const uint8_t *)"xx", 2), &failed,
                   name);
    }
}

static void world_close(world *w)
{
    ward_supervisor_stop(w->supervisor, 0, NULL);
    wardi_surface_free(w->surface);
    if (!wardi_journal_close(w->journal, 10 * WARDI_S)) abort();
    ward_supervisor_free(w->supervisor);
    const char *endings[] = {"", "-wal", "-shm", "-lock"};
    for (size_t i = 0; i < WARD_COUNT(endings); i++) {
        char path[128];
        snprintf(path, sizeof path, "%s%s", w->file, endings[i]);
        unlink(path);
    }
    rmdir(w->directory);
}

/* ---- a client ---- */

static int connect_http(const world *w)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const char *address = wardi_surface_http_address(w->surface);
    to.sin_port = htons((uint16_t)strtoul(strrchr(address, ':') + 1, NULL, 10));
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0) abort();
    return fd;
}

static int connect_control(const world *w)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    strcpy(to.sun_path, w->socket);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0) abort();
    return fd;
}

/* A whole answer: by its length, or by its last chunk. Returns its bytes. */
static size_t ask(int fd, const char *request, char *room, size_t size)
{
    size_t length = 0, whole = SIZE_MAX;
    if (send(fd, request, strlen(request), MSG_NOSIGNAL) < 0) abort();
    while (length < whole) {
        /* Of a long one, the end is all that is looked at. */
        size_t keep = length < size - 1 ? length : 64;
        if (keep != length) memmove(room, room + size - 1 - keep, keep);
        ssize_t got = recv(fd, room + keep, size - 1 - keep, 0);
        if (got <= 0) abort();
        length += (size_t)got;
        room[keep + (size_t)got] = '\0';
        const char *head = whole == SIZE_MAX ? strstr(room, "\r\n\r\n") : NULL;
        const char *tells = head != NULL ? strcasestr(room, "content-length:") : NULL;
        if (tells != NULL)
            whole =
                (size_t)(head + 4 - room) + strtoul(tells + strlen("content-length:"), NULL, 10);
        bool last_chunk = whole == SIZE_MAX && keep + (size_t)got >= 5 &&
                          memcmp(room + keep + got - 5, "0\r\n\r\n", 5) == 0;
        if (last_chunk) break;
    }
    return length;
}

/* ---- probes at a rate ---- */

/* One client, of one thread: each probe is sent when it is due, on a connection that waits for
 * nothing, whatever became of those before. Its time counts from when it was due. */
typedef struct prober {
    int epoll_fd, idle[CONNECTIONS];
    size_t idle_count, sent, answered, count;
    uint64_t first_ns, interval_ns;
    size_t of_fd[FD_MAX]; /* which probe is under way there */
    double *us;
} prober;

static void prober_open(prober *p, const world *w)
{
    p->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    while (p->idle_count < CONNECTIONS) {
        struct epoll_event wants = {.events = EPOLLIN};
        int fd = wants.data.fd = connect_http(w);
        if (fd >= FD_MAX || epoll_ctl(p->epoll_fd, EPOLL_CTL_ADD, fd, &wants) != 0) abort();
        p->idle[p->idle_count++] = fd;
    }
}

static uint64_t next_due_ns(const prober *p)
{
    return p->first_ns + p->sent * p->interval_ns;
}

static void send_due(prober *p)
{
    static const char request[] = "GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    while (p->sent < p->count && p->idle_count > 0 && next_due_ns(p) <= wardi_now_ns()) {
        int fd = p->idle[--p->idle_count];
        p->of_fd[fd] = p->sent++;
        if (send(fd, request, sizeof request - 1, MSG_NOSIGNAL) < 0) abort();
    }
}

static void take_answer(prober *p, int fd)
{
    char room[4096];
    ssize_t got = recv(fd, room, sizeof room - 1, 0);
    room[got > 0 ? got : 0] = '\0';
    /* Two bytes of text: it comes in one piece. */
    if (strncmp(room, "HTTP/1.1 200", 12) != 0 || strstr(room, "\r\n\r\nok") == NULL)
        bench_must(WARD_ERROR_INTERNAL, &failed, room);
    uint64_t due_ns = p->first_ns + p->of_fd[fd] * p->interval_ns;
    p->us[p->answered++] = (double)(wardi_now_ns() - due_ns) / (double)WARDI_US;
    p->idle[p->idle_count++] = fd;
}

/* To set a timer costs a virtual machine as much as a probe: at a high rate the client has a core
 * to itself and never sleeps. */
static void probe(prober *p, bool sleeps)
{
    struct epoll_event ready[CONNECTIONS];
    while (p->answered < p->count) {
        send_due(p);
        uint64_t now_ns = wardi_now_ns(), due_ns = next_due_ns(p);
        uint64_t wait_ns = sleeps && due_ns > now_ns ? due_ns - now_ns : 0;
        struct timespec wait = {.tv_nsec = (long)(wait_ns % WARDI_S)};
        int count = epoll_pwait2(p->epoll_fd, ready, CONNECTIONS, &wait, NULL);
        for (int i = 0; i < count; i++) take_answer(p, ready[i].data.fd);
    }
}

static void probe_at(const bench *b, const char *name, size_t spinning, uint64_t per_second)
{
    world w;
    prober p = {.interval_ns = WARDI_S / per_second};
    p.count = (size_t)per_second * (b->samples < 100000 ? 1 : 10);
    p.us = wardi_alloc_array(p.count, sizeof *p.us);
    world_open(b, &w, 100, spinning);
    prober_open(&p, &w);
    wardi_thread_hasten(); /* what is late is to be Ward, not its clock */
    p.first_ns = wardi_now_ns() + 100 * WARDI_MS;
    probe(&p, spinning != 0);
    while (p.idle_count > 0) close(p.idle[--p.idle_count]);
    close(p.epoll_fd);
    bench_print_values(name, "µs", p.us, p.count);
    wardi_free(p.us);
    world_close(&w);
}

void bench_probe_http(const bench *b)
{
    probe_at(b, "probe_http", 0, 20000);
}

void bench_probe_http_saturated(const bench *b)
{
    probe_at(b, "probe_http_saturated", SPINNING, 2000);
}

/* ---- one after the other ---- */

static void ask_again(const bench *b, const char *name, const char *request, bool control,
                      size_t count, double unit_ns, const char *unit)
{
    world w;
    double *took = wardi_alloc_array(count, sizeof *took);
    char *room = wardi_alloc(ANSWER_BYTES);
    world_open(b, &w, MANY, 0);
    int fd = control ? connect_control(&w) : connect_http(&w);
    for (size_t i = 0; i < count + 1; i++) {
        uint64_t began_ns = wardi_now_ns();
        size_t length = ask(fd, request, room, ANSWER_BYTES);
        if (length < 100) bench_must(WARD_ERROR_INTERNAL, &failed, name);
        if (i > 0) took[i - 1] = (double)(wardi_now_ns() - began_ns) / unit_ns;
    }
    close(fd);
    bench_print_values(name, unit, took, count);
    wardi_free(took);
    wardi_free(room);
    world_close(&w);
}

void bench_metrics_1000(const bench *b)
{
    ask_again(b, "metrics_1000",
              "GET /metrics?per=component HTTP/1.1\r\nHost: localhost\r\n"
              "Accept: application/openmetrics-text;version=1.0.0\r\n\r\n",
              false, b->samples < 100000 ? 10 : 500, (double)WARDI_MS, "ms");
}

void bench_control_round_trip(const bench *b)
{
    ask_again(b, "control_round_trip",
              "GET /api/v1/components/steady.7 HTTP/1.1\r\nHost: localhost\r\n\r\n", true,
              b->samples < 100000 ? 1000 : 20000, (double)WARDI_US, "µs");
}

/* ---- how soon a change is told ---- */

/* Until these words have come; what came before them is skipped. */
static void await(int fd, const char *words, char *room, size_t size, size_t *length)
{
    for (;;) {
        room[*length] = '\0';
        const char *found = strstr(room, words);
        if (found != NULL) {
            *length -= (size_t)(found + strlen(words) - room);
            memmove(room, found + strlen(words), *length + 1);
            return;
        }
        if (*length > size / 2) {
            memmove(room, room + *length - 100, 100);
            *length = 100;
        }
        ssize_t got = recv(fd, room + *length, size - 1 - *length, 0);
        if (got <= 0) abort();
        *length += (size_t)got;
    }
}

static uint64_t written(const world *w)
{
    wardi_journal_status status;
    wardi_journal_status_get(w->journal, &status);
    return status.written;
}

void bench_changes(const bench *b)
{
    static const char request[] = "GET /events HTTP/1.1\r\nHost: localhost\r\nAccept: "
                                  "text/event-stream\r\n\r\n";
    world w;
    size_t count = b->samples < 100000 ? 100 : 2000, length = 0;
    double *sse = wardi_alloc_array(count, sizeof *sse),
           *kept = wardi_alloc_array(count, sizeof *kept);
    char *room = wardi_alloc(ANSWER_BYTES);
    world_open(b, &w, 100, 0);
    int fd = connect_http(&w);
    if (send(fd, request, strlen(request), MSG_NOSIGNAL) < 0) abort();
    await(fd, "\r\n\r\n", room, ANSWER_BYTES, &length);
    for (size_t i = 0; i < count; i++) {
        char words[32];
        snprintf(words, sizeof words, "change number %zu.", i);
        uint64_t before = written(&w), began_ns = wardi_now_ns();
        ward_supervisor_record(w.supervisor, "steady.3", words);
        await(fd, words, room, ANSWER_BYTES, &length);
        sse[i] = (double)(wardi_now_ns() - began_ns) / (double)WARDI_MS;
        while (written(&w) == before) usleep(50);
        kept[i] = (double)(wardi_now_ns() - began_ns) / (double)WARDI_MS;
        usleep(1000);
    }
    close(fd);
    bench_print_values("change_to_sse", "ms", sse, count);
    bench_print_values("change_to_journal", "ms", kept, count);
    wardi_free(sse);
    wardi_free(kept);
    wardi_free(room);
    world_close(&w);
}

/* A component is stopped and started; the time is from when its event is told. */
void bench_change_to_grpc_watch(const bench *b)
{
    world w;
    size_t count = b->samples < 100000 ? 100 : 2000;
    double *took = wardi_alloc_array(count, sizeof *took);
    world_open(b, &w, 100, 0);
    add(b, &w, "steady.wat", "turns", (ward_child_options)WARD_INIT(ward_child_options));
    watch *seen = watch_open(wardi_surface_grpc_address(w.surface), "turns");
    while (watch_next(seen) != 1) continue;
    for (size_t i = 0; i < count; i++) {
        bool stop = i % 2 == 0;
        ward_diag diag;
        ward_request request = stop ? WARD_REQUEST_STOP : WARD_REQUEST_START;
        bench_must(ward_supervisor_ask(w.supervisor, "turns", request, &diag), &diag, "turns");
        while (watch_next(seen) != (stop ? 2 : 1)) continue;
        uint64_t now_ns = wardi_now_ns();
        took[i] = (double)(now_ns - atomic_load(&w.turned_ns)) / (double)WARDI_MS;
        usleep(1000);
    }
    watch_close(seen);
    bench_print_values("change_to_grpc_watch", "ms", took, count);
    wardi_free(took);
    world_close(&w);
}
