#include "surface/surface_priv.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    FEED_SLOTS = 32768,
    EVENTS_AT_ONCE = 512, /* between two looks at who waits for an answer */
    CONNECTIONS_DEFAULT = 4096,
    DESCRIPTORS_LEFT = 64, /* for the rest of the process */
    ALIVE_NS_MAX_S = 5,
};
#define SLOW_NS (50 * WARDI_MS)

/* ---- what the host says ---- */

bool surface_clock_lives(const struct surface *s)
{
    return s->pulse.clock_age_ns < ALIVE_NS_MAX_S * WARDI_S;
}

bool surface_workers_live(const struct surface *s)
{
    return s->pulse.worker_age_ns < ALIVE_NS_MAX_S * WARDI_S;
}

/* For other threads. */
static void show(struct surface *s)
{
    for (int c = 0; c < VIEW_CONDITIONS; c++)
        atomic_store(&s->counts[c], view_counted(s->view, false, (view_condition)c));
    atomic_store(&s->host_lives, surface_clock_lives(s) && surface_workers_live(s));
    atomic_store(&s->looked_at_ns, wardi_now_ns());
}

bool wardi_surface_lives(const wardi_surface *s)
{
    uint64_t looked_ns = atomic_load(&s->looked_at_ns), now_ns = wardi_now_ns();
    bool turns = now_ns < looked_ns || now_ns - looked_ns < ALIVE_NS_MAX_S * WARDI_S;
    return turns && atomic_load(&s->host_lives);
}

void wardi_surface_summary(const wardi_surface *s, char *ret_text, size_t size)
{
    wardi_text text = wardi_text_on(ret_text, size);
    unsigned long long all = 0;
    for (int c = 0; c < VIEW_CONDITIONS; c++) all += atomic_load(&s->counts[c]);
    wardi_text_printf(&text, "%llu component%s", all, all == 1 ? "" : "s");
    const char *between = ": ";
    for (int c = 0; c < VIEW_CONDITIONS; c++) {
        unsigned long long count = atomic_load(&s->counts[c]);
        if (count == 0) continue;
        wardi_text_printf(&text, "%s%llu %s", between, count, view_means((view_condition)c)->name);
        between = ", ";
    }
}

/* A share of looking at all. What is lost meanwhile makes for another round; where one takes long,
 * of very many, or finds no memory, the next one has to wait. */
static void sync_some(struct surface *s)
{
    uint64_t now_ns = wardi_now_ns();
    if (!s->syncing && s->view_is_stale && now_ns >= s->sync_after_ns) {
        s->syncing = true;
        s->view_is_stale = false;
        s->sync_began_ns = now_ns;
        view_sync_begin(s->view);
    }
    if (!s->syncing) return;
    s->syncing = view_sync_some(s->view);
    now_ns = wardi_now_ns();
    bool whole = s->syncing || view_is_whole(s->view), slow = now_ns - s->sync_began_ns > SLOW_NS;
    if (!whole) s->view_is_stale = true;
    if (!s->syncing) s->sync_after_ns = whole && !slow ? 0 : now_ns + WARDI_S / 2;
    if (s->syncing || (s->view_is_stale && s->sync_after_ns == 0)) uv_async_send(&s->wake);
}

/* Once a second. Before the supervisor is started there is nobody to look at. */
static void look(struct surface *s)
{
    ward_pulse pulse = WARD_INIT(ward_pulse);
    if (ward_supervisor_pulse(s->supervisor, &pulse) != WARD_OK) return;
    s->pulse = pulse;
    if (!s->pulse_known) s->view_is_stale = true;
    s->pulse_known = true;
    sync_some(s);
    show(s);
}

static void on_second(uv_timer_t *timer)
{
    struct surface *s = timer->data;
    look(s);
    door_expel_idle(s);
    grpc_look(s->grpc);
}

static void end(struct surface *s);

/* Events up to that one are here, or lost. */
static void see(struct surface *s, uint64_t sequence)
{
    uint64_t expected = s->events_seen != 0 ? s->events_seen + 1 : sequence;
    if (sequence > expected) {
        s->events_lost += sequence - expected;
        s->view_is_stale = true;
    }
    s->events_seen = sequence;
}

/* Nothing waits any more: what is missing up to there will not come. */
static void see_all(struct surface *s, uint64_t newest)
{
    if (newest > s->events_seen) {
        see(s, newest + 1);
        s->events_seen = newest;
        http_events_lost(s->http, newest);
    }
    sync_some(s);
}

/* A share of what waits, then everybody else has a turn. What was lost on the way is made good by
 * looking at all, once nothing waits any more: what still waits is older than what was lost, and
 * would be taken for news. */
static void on_wake(uv_async_t *wake)
{
    struct surface *s = wake->data;
    wardi_feed_event event;
    uint64_t newest = wardi_feed_newest(s->feed);
    if (!s->pulse_known) look(s);
    int left = EVENTS_AT_ONCE;
    while (left > 0 && wardi_feed_take(s->feed, &event)) {
        see(s, event.event.sequence);
        view_apply(s->view, &event.event);
        left--;
    }
    if (left > 0)
        see_all(s, newest);
    else
        uv_async_send(wake);
    if (atomic_load(&s->ending)) end(s);
}

/* ---- the thread ---- */

static void on_fed(void *surface)
{
    struct surface *s = surface;
    uv_async_send(&s->wake);
}

/* The handles that are left end the loop when they are closed. */
static void end(struct surface *s)
{
    if (uv_is_closing((uv_handle_t *)&s->wake)) return;
    door_close(s->http_door);
    door_close(s->grpc_door);
    door_close(s->control_door);
    door_close(s->remote_door);
    http_close(s->http);
    grpc_close(s->grpc);
    uv_close((uv_handle_t *)&s->second, NULL);
    uv_close((uv_handle_t *)&s->wake, NULL);
}

static void serve(void *surface)
{
    struct surface *s = surface;
    pthread_setname_np(pthread_self(), "ward-surface");
    wardi_thread_hasten();
    look(s);
    uv_run(&s->loop, UV_RUN_DEFAULT);
}

/* ---- life ---- */

/* As many as the process may open, less what others need. */
static uint32_t connections_max(uint32_t wanted)
{
    struct rlimit files;
    uint32_t max = wanted != 0 ? wanted : CONNECTIONS_DEFAULT;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0) return max;
    rlim_t most = files.rlim_cur > 2 * DESCRIPTORS_LEFT ? files.rlim_cur - DESCRIPTORS_LEFT
                                                        : DESCRIPTORS_LEFT;
    return max < most ? max : (uint32_t)most;
}

/* A handshake costs half a millisecond of the one thread there is (P-256), and more with RSA: this
 * is as many as operators and scrapers ever need. */
enum { REMOTE_RATE = 50, REMOTE_BURST = 50 };

static ward_error open_remote_door(struct surface *s, ward_diag *ret_diag)
{
    const wardi_surface_remote *own = &s->options.remote;
    door_options remote = {.address = own->address,
                           .inherited_fd = own->fd,
                           .rate = REMOTE_RATE,
                           .burst = REMOTE_BURST,
                           .protocol = http_remote_protocol(s->http)};
    const char *key, *fault = wardi_surface_remote_fault(own, &key);
    if (fault != NULL)
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT, "surfaces.%s: %s", key, fault);
    if (own->address == NULL) return WARD_OK;
    ward_error error = http_remote_prepare(s->http, ret_diag);
    return error == WARD_OK ? door_new(&remote, s, &s->remote_door, ret_diag) : error;
}

static ward_error open_doors(struct surface *s, ward_diag *ret_diag)
{
    const wardi_surface_options *own = &s->options;
    ward_error error = WARD_OK;
    door_options http = {.address = own->http_address, .inherited_fd = own->http_fd};
    door_options grpc = {.address = own->grpc_address, .inherited_fd = own->grpc_fd};
    door_options control = {.path = own->control_path,
                            .control_group = own->control_group,
                            .read_group = own->read_group};
    http.protocol = control.protocol = http_protocol(s->http);
    grpc.protocol = grpc_protocol(s->grpc);
    if (own->http_address != NULL) error = door_new(&http, s, &s->http_door, ret_diag);
    if (error == WARD_OK && own->grpc_address != NULL)
        error = door_new(&grpc, s, &s->grpc_door, ret_diag);
    if (error == WARD_OK && own->control_path != NULL)
        error = door_new(&control, s, &s->control_door, ret_diag);
    return error == WARD_OK ? open_remote_door(s, ret_diag) : error;
}

static ward_error make_loop(struct surface *s, ward_diag *ret_diag)
{
    s->wake.data = s->second.data = s;
    if (uv_loop_init(&s->loop) != 0)
        return wardi_fail(ret_diag, WARD_ERROR_IO, "no event loop: out of file descriptors?");
    s->loop_made = true;
    if (uv_async_init(&s->loop, &s->wake, on_wake) != 0 || uv_timer_init(&s->loop, &s->second) != 0)
        return wardi_fail(ret_diag, WARD_ERROR_IO, "no event loop: out of file descriptors?");
    return WARD_OK;
}

ward_error wardi_surface_new(const wardi_surface_options *options, wardi_surface **ret_surface,
                             ward_diag *ret_diag)
{
    struct surface *s = wardi_alloc(sizeof *s);
    if (s == NULL) return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory for surfaces");
    wardi_feed_options feed = {.slots = FEED_SLOTS, .wake = on_fed, .wake_context = s};
    bool copied = surface_options_take(&s->options, options);
    s->began_ns = wardi_now_ns();
    s->crowd.max = connections_max(options->connections_max);
    s->crowd.reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    s->run =
        options->journal != NULL ? wardi_journal_run(options->journal) : wardi_wall_ns() / WARDI_S;
    ward_error error = make_loop(s, ret_diag);
    bool made = error == WARD_OK && copied;
    s->feed = made ? wardi_feed_new(&feed) : NULL;
    s->logs = made ? logs_new() : NULL;
    s->http = made ? http_new(s) : NULL;
    s->grpc = made ? grpc_new(s) : NULL;
    if (error == WARD_OK &&
        (!copied || s->feed == NULL || s->logs == NULL || s->http == NULL || s->grpc == NULL))
        error = wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory for surfaces");
    if (error == WARD_OK) error = open_doors(s, ret_diag);
    if (error == WARD_OK)
        *ret_surface = s;
    else
        wardi_surface_free(s);
    return error;
}

void wardi_surface_take_line(void *surface, const ward_log_line *line)
{
    struct surface *s = surface;
    logs_put(s->logs, line);
}

void wardi_surface_take(void *surface, const ward_event *event)
{
    struct surface *s = surface;
    wardi_feed_give(s->feed, event);
}

/* On the caller's thread still, so that what fails can be said. */
static bool open_all(struct surface *s)
{
    door *doors[] = {s->http_door, s->grpc_door, s->control_door, s->remote_door};
    bool opened = http_open(s->http) && grpc_open(s->grpc);
    for (size_t i = 0; i < WARD_COUNT(doors); i++)
        opened = opened && (doors[i] == NULL || door_open(doors[i]));
    return opened && uv_timer_start(&s->second, on_second, 0, 1000) == 0;
}

ward_error wardi_surface_start(wardi_surface *s, ward_supervisor *supervisor, ward_diag *ret_diag)
{
    WARD_ASSERT(!s->running);
    s->supervisor = supervisor;
    s->view = view_new(supervisor);
    if (s->view == NULL)
        return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory for surfaces");
    if (!open_all(s))
        return wardi_fail(ret_diag, WARD_ERROR_IO,
                          "the surfaces cannot be opened: out of file descriptors?");
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    s->running = uv_thread_create(&s->thread, serve, s) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return s->running ? WARD_OK
                      : wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no thread for surfaces");
}

const char *wardi_surface_http_address(const wardi_surface *s)
{
    return door_address(s->http_door);
}

const char *wardi_surface_grpc_address(const wardi_surface *s)
{
    return door_address(s->grpc_door);
}

const char *wardi_surface_remote_address(const wardi_surface *s)
{
    return door_address(s->remote_door);
}

void wardi_surface_leaving(wardi_surface *s)
{
    atomic_store(&s->leaving, true);
    uv_async_send(&s->wake);
}

static void end_loop(struct surface *s)
{
    if (!s->loop_made) return;
    if (s->running) {
        atomic_store(&s->ending, true);
        uv_async_send(&s->wake);
        uv_thread_join(&s->thread);
    } else {
        end(s);
        uv_run(&s->loop, UV_RUN_DEFAULT);
    }
    WARD_ASSERT(uv_loop_close(&s->loop) == 0);
}

void wardi_surface_free(wardi_surface *s)
{
    if (s == NULL) return;
    end_loop(s);
    http_free(s->http);
    grpc_free(s->grpc);
    door_free(s->http_door);
    door_free(s->grpc_door);
    door_free(s->control_door);
    door_free(s->remote_door);
    view_free(s->view);
    wardi_feed_free(s->feed);
    logs_free(s->logs);
    if (s->crowd.reserve_fd >= 0) close(s->crowd.reserve_fd);
    surface_options_done(&s->options);
    wardi_free(s);
}
