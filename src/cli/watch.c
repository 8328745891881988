#include "cli/watch.h"

#include <errno.h>
#include <string.h>

/* What is left to be written when everything is stopped. */
#define JOURNAL_CLOSE_NS (5 * WARDI_S)
#define STATUS_NS (2 * WARDI_S)

void wardi_watch_init(wardi_watch *watch)
{
    wardi_notify_init(&watch->notify);
    wardi_listen_init(&watch->listen);
}

/* ---- opening ---- */

static int open_journal(wardi_watch *watch, const wardi_config *config,
                        const wardi_watch_sources *sources)
{
    char room[512];
    ward_diag diag;
    wardi_journal_options options = config->journal;
    const char *by_default = wardi_where_journal(room, sizeof room);
    options.path = wardi_where_of(options.path, "WARD_JOURNAL", by_default);
    options.evidence = sources->evidence;
    options.evidence_context = sources->context;
    if (options.path == NULL) return WARDI_EXIT_OK;
    ward_error error = wardi_where_make(options.path, options.path == by_default, &diag);
    if (error == WARD_OK) error = wardi_journal_open(&options, &watch->journal, &diag);
    if (error == WARD_OK) return WARDI_EXIT_OK;
    wardi_complain("run: the journal cannot be kept: %s; `journal.path` and WARD_JOURNAL name "
                   "another place, or off",
                   diag.text);
    return WARDI_EXIT_FAILED;
}

/* A socket that was handed over takes the place of an address. */
static int take_socket(wardi_watch *watch, const char *name, const char **address)
{
    int fd = wardi_listen_take(&watch->listen, name);
    if (fd < 0) return 0;
    *address = name;
    return fd;
}

static int open_surface(wardi_watch *watch, const wardi_config *config,
                        const wardi_watch_sources *sources)
{
    char journal_room[512], control_room[512];
    ward_diag diag;
    wardi_surface_options options = config->surfaces;
    const char *control = wardi_where_control(control_room, sizeof control_room);
    options.http_address = wardi_where_of(options.http_address, "WARD_HTTP", "127.0.0.1:9320");
    options.grpc_address = wardi_where_of(options.grpc_address, "WARD_GRPC", "127.0.0.1:9321");
    options.control_path = wardi_where_of(options.control_path, "WARD_CONTROL", control);
    options.http_fd = take_socket(watch, "http", &options.http_address);
    options.grpc_fd = take_socket(watch, "grpc", &options.grpc_address);
    options.reload = sources->reload;
    options.reload_context = sources->context;
    options.remote.address = wardi_where_of(options.remote.address, NULL, NULL);
    options.remote.fd = take_socket(watch, "remote", &options.remote.address);
    if (config->surfaces.remote.address != NULL && options.remote.address == NULL)
        options.remote = (wardi_surface_remote){0}; /* off, whatever it would be made of */
    options.journal = watch->journal;
    options.journal_path = wardi_where_of(config->journal.path, "WARD_JOURNAL",
                                          wardi_where_journal(journal_room, sizeof journal_room));
    wardi_listen_done(&watch->listen);
    ward_error error = WARD_OK;
    if (options.control_path != NULL)
        error = wardi_where_make_for(options.control_path, options.control_path == control,
                                     options.control_group, options.read_group, &diag);
    if (error == WARD_OK) error = wardi_surface_new(&options, &watch->surface, &diag);
    if (error == WARD_OK) return WARDI_EXIT_OK;
    wardi_complain("run: %s; `surfaces` in the file, or WARD_HTTP, WARD_GRPC and WARD_CONTROL name "
                   "another place, or off",
                   diag.text);
    return WARDI_EXIT_FAILED;
}

int wardi_watch_open(wardi_watch *watch, const wardi_config *config,
                     const wardi_watch_sources *sources)
{
    int status = open_journal(watch, config, sources);
    return status == WARDI_EXIT_OK ? open_surface(watch, config, sources) : status;
}

ward_error wardi_watch_start(wardi_watch *watch, ward_supervisor *supervisor, ward_diag *ret_diag)
{
    return wardi_surface_start(watch->surface, supervisor, ret_diag);
}

/* ---- what happens ---- */

void wardi_watch_take(void *context, const ward_event *event)
{
    wardi_watch *watch = context;
    /* What is told of the whole ("") is nobody's command to a component: a reload, which is the
     * file's will, or who was refused. */
    if (event->kind == WARD_EVENT_OPERATOR && event->component[0] != '\0')
        atomic_store(&watch->commanded, true);
    if (watch->journal != NULL) wardi_journal_take(watch->journal, event);
    wardi_surface_take(watch->surface, event);
}

void wardi_watch_take_line(void *context, const ward_log_line *line)
{
    wardi_watch *watch = context;
    wardi_surface_take_line(watch->surface, line);
}

void wardi_watch_ready(wardi_watch *watch)
{
    wardi_notify_ready(&watch->notify);
}

ward_error wardi_watch_ready_on(wardi_watch *watch, int ready_fd, ward_diag *ret_diag)
{
    return wardi_notify_ready_on(&watch->notify, ready_fd, ret_diag);
}

void wardi_watch_failed(wardi_watch *watch, int status, const char *words)
{
    if (status == WARDI_EXIT_CONFIG)
        wardi_notify_failed(&watch->notify, EINVAL, words);
    else
        wardi_notify_status(&watch->notify, words);
}

void wardi_watch_reloading(wardi_watch *watch)
{
    wardi_notify_reloading(&watch->notify);
}

void wardi_watch_leaving(wardi_watch *watch, uint64_t timeout_ns)
{
    wardi_surface_leaving(watch->surface);
    wardi_notify_stopping(&watch->notify);
    wardi_notify_extend(&watch->notify, timeout_ns);
}

/* ---- its turns ---- */

static void ping(wardi_watch *watch)
{
    /* A host that does not get on starves its watchdog, and is started again. */
    if (wardi_surface_lives(watch->surface)) wardi_notify_watchdog_ping(&watch->notify);
}

static void tell_status(wardi_watch *watch)
{
    char now[sizeof watch->status];
    wardi_surface_summary(watch->surface, now, sizeof now);
    if (strcmp(now, watch->status) == 0) return;
    strcpy(watch->status, now);
    wardi_notify_status(&watch->notify, now);
}

uint64_t wardi_watch_turn(wardi_watch *watch)
{
    uint64_t now_ns = wardi_now_ns();
    uint64_t interval_ns = wardi_notify_watchdog_interval_ns(&watch->notify);
    if (watch->notify.socket < 0 && !wardi_notify_owes(&watch->notify)) return UINT64_MAX;
    if (interval_ns != 0 && now_ns >= watch->ping_due_ns) {
        ping(watch);
        watch->ping_due_ns = now_ns + interval_ns;
    }
    if (now_ns >= watch->status_due_ns) {
        tell_status(watch);
        watch->status_due_ns = now_ns + STATUS_NS;
    }
    if (wardi_notify_owes(&watch->notify)) wardi_notify_again(&watch->notify);
    bool ping_first = interval_ns != 0 && watch->ping_due_ns < watch->status_due_ns;
    return ping_first ? watch->ping_due_ns : watch->status_due_ns;
}

void wardi_watch_close(wardi_watch *watch)
{
    wardi_surface_free(watch->surface);
    if (!wardi_journal_close(watch->journal, JOURNAL_CLOSE_NS))
        wardi_complain("run: the journal could not be written to its end");
    wardi_listen_done(&watch->listen);
    wardi_notify_done(&watch->notify);
}
