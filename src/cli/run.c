#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cli/config.h"
#include "cli/events.h"
#include "cli/reload.h"
#include "cli/run_progress.h"
#include "cli/settings.h"
#include "cli/watch.h"

#define STOP_TIMEOUT_DEFAULT_NS (10 * WARDI_S)
/* What a clean-up that ended at the very deadline needs to be told. */
#define STOP_GRACE_NS (500 * WARDI_MS)

/* How long stopping goes without saying. */
#define STOP_UNSAID_NS WARDI_S

/* Faster than a person's second thoughts. */
#define SAME_SIGNAL_NS (100 * WARDI_MS)

/* The main thread starts everything and then only waits: for signals, which no other thread takes,
 * and for the supervisor. Stopping and reloading run on threads of their own, so that a signal that
 * comes meanwhile is seen. */
typedef struct run_state {
    const wardi_run_settings *settings;
    const char *file;
    wardi_config *config; /* until it is the reload's */
    wardi_reload *reload;
    ward_host *host;
    ward_supervisor *supervisor;
    wardi_events *events;
    wardi_watch watch;
    unsigned terminals; /* which of the standard streams were one, a bit each */
    wardi_run_progress progress;
    int signal_fd, wake_fd, stopped_fd;
    pthread_t stopper;
    bool stopping;
    uint64_t stopping_since_ns;
    uint64_t say_at_ns;   /* once stopping: when to say what holds it up; UINT64_MAX: it was */
    uint64_t leave_at_ns; /* and when it is over, stopped or not */
    ward_error stop_error;
    ward_diag stop_diag;
    uint64_t told_round; /* of reloads: begun, as whoever started ward knows */
    bool told_over;
    int status;
} run_state;

static int complain_of(const char *what, const ward_diag *diag)
{
    wardi_complain("run: %s%s", what, diag->text);
    return WARDI_EXIT_FAILED;
}

/* ---- set-up ---- */

static int name_width(const wardi_config *config)
{
    enum { WIDTH_MAX = 24 };
    size_t width = 0;
    for (size_t i = 0; i < config->child_count + config->group_count; i++) {
        size_t length;
        char name[WARDI_INSTANCE_BYTES];
        if (i < config->child_count) {
            const wardi_config_child *child = &config->children[i];
            length = strlen(wardi_config_instance(name, child, wardi_config_instances(child) - 1));
        } else {
            length = strlen(config->groups[i - config->child_count].options.name);
        }
        if (length > width) width = length;
    }
    return width < WIDTH_MAX ? (int)width : WIDTH_MAX;
}

/* Blocked before the first thread is made, so that every thread inherits it. */
static bool open_signals(run_state *run)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    run->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC);
    run->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    run->stopped_fd = eventfd(0, EFD_CLOEXEC);
    if (run->signal_fd >= 0 && run->wake_fd >= 0 && run->stopped_fd >= 0) return true;
    wardi_complain("run: %s", strerror(errno));
    return false;
}

static int read_config(run_state *run)
{
    const char *file = run->file;
    wardi_mistakes mistakes = {0};
    ward_diag diag;
    ward_error error = wardi_config_read(file, &run->config, &mistakes, &diag);
    int status = WARDI_EXIT_OK;
    if (error == WARD_ERROR_CONFIG) {
        wardi_mistakes_print(stderr, file, &mistakes);
        status = WARDI_EXIT_CONFIG;
    } else if (error != WARD_OK) {
        status = complain_of("", &diag);
    } else {
        wardi_warnings_print(stderr, file, &run->config->warnings);
        wardi_config_stamp(run->config);
    }
    wardi_mistakes_done(&mistakes);
    return status;
}

static int add_groups(run_state *run)
{
    ward_diag diag;
    for (size_t i = 0; i < run->config->group_count; i++) {
        const ward_group_options *group = &run->config->groups[i].options;
        if (ward_supervisor_add_group(run->supervisor, group, &diag) == WARD_OK) continue;
        wardi_complain("run: group %s: %s", group->name, diag.text);
        return WARDI_EXIT_CONFIG;
    }
    return WARDI_EXIT_OK;
}

static int add_children(run_state *run)
{
    ward_diag diag;
    for (size_t i = 0; i < run->config->child_count; i++) {
        const wardi_config_child *child = &run->config->children[i];
        if (ward_supervisor_add(run->supervisor, &child->options, &diag) == WARD_OK) continue;
        wardi_complain("run: %s: %s", child->component.name, diag.text);
        return WARDI_EXIT_CONFIG;
    }
    return WARDI_EXIT_OK;
}

/* The names are those of the table of options. */
static ward_log_level level_of(const char *name)
{
    unsigned level = WARD_LOG_TRACE;
    if (name == NULL) return WARD_LOG_INFO;
    while (level < WARD_LOG_ERROR && strcmp(ward_log_level_name((ward_log_level)level), name) != 0)
        level++;
    return (ward_log_level)level;
}

static ward_error evidence_of(void *context, const char *name, ward_evidence *ret_evidence)
{
    const run_state *run = context;
    return ward_supervisor_evidence(run->supervisor, name, ret_evidence);
}

static ward_error reload_of(void *context, char **ret_document, ward_diag *ret_diag)
{
    const run_state *run = context;
    return wardi_reload_wait(run->reload, ret_document, ret_diag);
}

static size_t count_components(const wardi_config *config)
{
    size_t count = 0;
    for (size_t i = 0; i < config->child_count; i++)
        count += wardi_config_instances(&config->children[i]);
    return count;
}

static void on_event(void *context, const ward_event *event)
{
    run_state *run = context;
    wardi_run_progress_take(&run->progress, event);
    wardi_events_take(run->events, event);
    wardi_watch_take(&run->watch, event);
    wardi_reload_take(run->reload, event);
}

static void on_line(void *context, const ward_log_line *line)
{
    run_state *run = context;
    wardi_events_take_line(run->events, line);
    wardi_watch_take_line(&run->watch, line);
}

static void on_reload(void *context)
{
    const run_state *run = context;
    uint64_t one = 1;
    /* Full means awake already. */
    if (write(run->wake_fd, &one, sizeof one) < 0 && errno != EAGAIN)
        wardi_complain("run: %s", strerror(errno));
}

/* The configuration is its own from here on. */
static int open_reload(run_state *run)
{
    wardi_reload_options options = {.file = run->file,
                                    .config = run->config,
                                    .supervisor = run->supervisor,
                                    .changed = on_reload,
                                    .context = run};
    run->config = NULL;
    run->reload = wardi_reload_new(&options);
    return run->reload != NULL ? WARDI_EXIT_OK : WARDI_EXIT_FAILED;
}

static int open_supervisor(run_state *run)
{
    /* Of the host's memory, all in all; the guest's own is elsewhere. */
    static const size_t heap_bytes_each = 9 << 10;
    ward_diag diag;
    wardi_heap_expect(count_components(run->config) * heap_bytes_each);
    ward_supervisor_options options = run->config->supervisor;
    if (wardi_cli_host_open(&run->config->host, &run->host, &diag) != WARD_OK)
        return complain_of("the host cannot be opened: ", &diag);
    wardi_events_options events = {
        .json = run->settings->json || !wardi_output_is_terminal(stdout),
        .quiet = run->settings->quiet,
        .log_level = level_of(run->settings->log_level),
        .name_width = name_width(run->config),
        .wake_fd = run->wake_fd,
        .evidence = evidence_of,
        .evidence_context = run,
    };
    run->events = wardi_events_new(&events);
    if (run->events == NULL) return WARDI_EXIT_FAILED;
    wardi_watch_sources sources = {.evidence = evidence_of, .reload = reload_of, .context = run};
    int status = wardi_watch_open(&run->watch, run->config, &sources);
    if (status != WARDI_EXIT_OK) return status;
    options.workers = run->config->workers;
    options.on_event = on_event;
    options.event_context = run;
    options.on_log = on_line;
    options.log_context = run;
    if (ward_supervisor_new(run->host, &options, &run->supervisor, &diag) != WARD_OK)
        return complain_of("", &diag);
    status = add_groups(run);
    if (status == WARDI_EXIT_OK) status = add_children(run);
    return status == WARDI_EXIT_OK ? open_reload(run) : status;
}

/* ---- stopping ---- */

static void *stop_all(void *context)
{
    run_state *run = context;
    uint64_t one = 1;
    run->stop_error =
        ward_supervisor_stop(run->supervisor, run->settings->stop_timeout_ns, &run->stop_diag);
    if (write(run->stopped_fd, &one, sizeof one) < 0) wardi_complain("run: %s", strerror(errno));
    return NULL;
}

static void stop_begin(run_state *run)
{
    if (run->stopping) return;
    run->stopping = true;
    wardi_reload_end(run->reload);
    wardi_run_progress_end(&run->progress);
    run->stopping_since_ns = wardi_now_ns();
    run->say_at_ns = wardi_add_sat(run->stopping_since_ns, STOP_UNSAID_NS);
    uint64_t timeout_ns = run->settings->stop_timeout_ns;
    if (timeout_ns == 0) timeout_ns = STOP_TIMEOUT_DEFAULT_NS;
    run->leave_at_ns = wardi_add_sat(wardi_add_sat(wardi_now_ns(), timeout_ns), STOP_GRACE_NS);
    wardi_watch_leaving(&run->watch, wardi_add_sat(timeout_ns, STOP_GRACE_NS));
    if (pthread_create(&run->stopper, NULL, stop_all, run) == 0) return;
    wardi_complain("run: no thread for stopping");
    _exit(WARDI_EXIT_FAILED);
}

static unsigned terminals(void)
{
    unsigned found = 0;
    for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; stream++)
        if (isatty(stream) != 0) found |= 1u << stream;
    return found;
}

/* Whose terminal has gone is meant to end; else a file may be another. */
static void take_hangup(run_state *run, const struct signalfd_siginfo *info)
{
    if (run->stopping)
        wardi_warn("SIGHUP: nothing is reloaded any more: stopping");
    else if ((run->terminals & ~terminals()) != 0)
        stop_begin(run);
    else
        wardi_reload_ask(run->reload, info->ssi_uid, (pid_t)info->ssi_pid);
}

static void take_signal(run_state *run)
{
    struct signalfd_siginfo info;
    if (read(run->signal_fd, &info, sizeof info) != (ssize_t)sizeof info) return;
    int number = (int)info.ssi_signo;
    if (number == SIGHUP) {
        take_hangup(run, &info);
        return;
    }
    /* Whoever signals us and our group, as timeout(1) does, means it once. */
    if (run->stopping && wardi_now_ns() - run->stopping_since_ns < SAME_SIGNAL_NS) return;
    if (run->stopping) {
        wardi_warn("SIG%s again: ended at once", sigabbrev_np(number));
        _exit(128 + number);
    }
    if (wardi_output_is_terminal(stderr))
        wardi_note("SIG%s: stopping; once more ends at once", sigabbrev_np(number));
    stop_begin(run);
}

/* ---- running ---- */

/* All instances of it. */
static bool has_ended(const run_state *run, const wardi_config_child *child, bool *ret_given_up)
{
    char name[WARDI_INSTANCE_BYTES];
    for (uint32_t i = 0; i < wardi_config_instances(child); i++) {
        ward_child_status status = WARD_INIT(ward_child_status);
        if (ward_supervisor_child(run->supervisor, wardi_config_instance(name, child, i),
                                  &status) != WARD_OK)
            continue; /* it could not be added, or was removed */
        if (status.given_up) *ret_given_up = true;
        bool ended = status.state == WARD_STATE_TERMINATED &&
                     child->options.restart != WARD_RESTART_PERMANENT;
        if (!status.given_up && !ended) return false;
    }
    return true;
}

static bool all_have_ended(const run_state *run, bool *ret_given_up)
{
    const wardi_config *config = wardi_reload_hold(run->reload);
    bool ended = true;
    for (size_t i = 0; ended && i < config->child_count; i++)
        ended = has_ended(run, &config->children[i], ret_given_up);
    wardi_reload_let_go(run->reload);
    return ended;
}

/* True: none is under way. Each that begins is told, however short it was. */
static bool tell_reload(run_state *run)
{
    bool over;
    uint64_t round = wardi_reload_begun(run->reload, &over);
    if (round != run->told_round) {
        run->told_round = round;
        run->told_over = false;
        wardi_watch_reloading(&run->watch);
    }
    if (!over || round == 0 || run->told_over) return over;
    run->told_over = true;
    wardi_events_widen(run->events, name_width(wardi_reload_hold(run->reload)));
    wardi_reload_let_go(run->reload);
    wardi_watch_ready(&run->watch);
    return true;
}

/* With nothing left that could run again, whoever started ward wants to know; but where somebody
 * commands by hand, he has made it so, and will have more to say. */
static void take_wake(run_state *run)
{
    uint64_t count;
    bool given_up = false;
    if (read(run->wake_fd, &count, sizeof count) < 0 || run->stopping) return;
    if (wardi_events_unread(run->events)) {
        stop_begin(run);
        return;
    }
    if (!tell_reload(run) || atomic_load(&run->watch.commanded)) return;
    if (!all_have_ended(run, &given_up)) return;
    static const char nothing_left[] = "every component has ended or was given up";
    if (given_up)
        wardi_complain("run: %s", nothing_left);
    else
        wardi_note("run: %s", nothing_left);
    if (given_up) run->status = WARDI_EXIT_FAILED;
    wardi_watch_failed(&run->watch, run->status, nothing_left);
    stop_begin(run);
}

static void list_running(const run_state *run, const wardi_config_child *child, wardi_text *text)
{
    char name[WARDI_INSTANCE_BYTES];
    for (uint32_t i = 0; !text->cut && i < wardi_config_instances(child); i++) {
        ward_child_status status = WARD_INIT(ward_child_status);
        wardi_config_instance(name, child, i);
        if (ward_supervisor_child(run->supervisor, name, &status) != WARD_OK) continue;
        if (status.state == WARD_STATE_TERMINATED || status.state == WARD_STATE_FAILED) continue;
        wardi_text_printf(text, "%s%s", text->length != 0 ? ", " : "", name);
    }
}

static void complain_of_running(const run_state *run, const char *what)
{
    char names[400];
    wardi_text text = WARDI_TEXT(names);
    const wardi_config *config = wardi_reload_hold(run->reload);
    for (size_t i = 0; i < config->child_count; i++) list_running(run, &config->children[i], &text);
    wardi_reload_let_go(run->reload);
    if (text.length == 0) wardi_text_puts(&text, "threads of Ward's own");
    wardi_warn("run: %s: %s%s", what, names, text.cut ? "…" : "");
}

static int ms_until(uint64_t due_ns, uint64_t now_ns)
{
    if (due_ns == UINT64_MAX) return -1;
    uint64_t left_ms = due_ns > now_ns ? (due_ns - now_ns) / WARDI_MS + 1 : 0;
    return left_ms < INT_MAX ? (int)left_ms : INT_MAX;
}

/* Guests that are inside a call end by deadlines of their own, which may add up to far more than
 * the time for stopping: what is left then goes down with the process. */
static int poll_until(struct pollfd *waits, size_t count, run_state *run)
{
    uint64_t due_ns = wardi_watch_turn(&run->watch), now_ns = wardi_now_ns();
    if (!run->stopping) return poll(waits, count, ms_until(due_ns, now_ns));
    if (now_ns >= run->leave_at_ns) {
        complain_of_running(run, "stopping was cut short: not stopped in time");
        _exit(WARDI_EXIT_FAILED);
    }
    if (now_ns >= run->say_at_ns) {
        complain_of_running(run, "still stopping, once more ends at once; waiting for");
        run->say_at_ns = UINT64_MAX;
    }
    uint64_t next_ns = run->say_at_ns < run->leave_at_ns ? run->say_at_ns : run->leave_at_ns;
    return poll(waits, count, ms_until(due_ns < next_ns ? due_ns : next_ns, now_ns));
}

static void wait_until_stopped(run_state *run)
{
    struct pollfd waits[] = {
        {.fd = run->signal_fd, .events = POLLIN},
        {.fd = run->wake_fd, .events = POLLIN},
        {.fd = run->stopped_fd, .events = POLLIN},
    };
    while ((waits[2].revents & POLLIN) == 0) {
        if (poll_until(waits, WARD_COUNT(waits), run) < 0) continue;
        if ((waits[0].revents & POLLIN) != 0) take_signal(run);
        if ((waits[1].revents & POLLIN) != 0) take_wake(run);
    }
    pthread_join(run->stopper, NULL);
    if (run->stop_error == WARD_OK) return;
    run->status = complain_of("stopping was cut short: ", &run->stop_diag);
}

static void tell_failure(run_state *run)
{
    static const char *const words[] = {
        [WARDI_EXIT_FAILED] = "not started: the log says why",
        [WARDI_EXIT_USAGE] = "not started: wrong usage",
    };
    if (run->status == WARDI_EXIT_CONFIG)
        wardi_watch_failed(&run->watch, run->status, "not started: mistakes in the configuration");
    else if (run->status != WARDI_EXIT_OK)
        wardi_watch_failed(&run->watch, run->status, words[run->status]);
}

static void run_all(run_state *run)
{
    ward_diag diag;
    wardi_run_progress_added(&run->progress, run->host, run->supervisor);
    if (wardi_watch_start(&run->watch, run->supervisor, &diag) != WARD_OK ||
        ward_supervisor_start(run->supervisor, &diag) != WARD_OK) {
        run->status = complain_of("", &diag);
        tell_failure(run);
        return;
    }
    wardi_reload_open(run->reload);
    size_t count = count_components(wardi_reload_hold(run->reload));
    wardi_reload_let_go(run->reload);
    if (wardi_output_is_terminal(stderr))
        wardi_note("%zu component%s; Ctrl-C stops", count, count == 1 ? "" : "s");
    const char *at = wardi_surface_http_address(run->watch.surface);
    if (wardi_output_is_terminal(stderr) && at[0] != '\0')
        wardi_note("probes, metrics and events at http://%s", at);
    at = wardi_surface_remote_address(run->watch.surface);
    if (wardi_output_is_terminal(stderr) && at[0] != '\0')
        wardi_note("control over TLS at https://%s", at);
    wardi_watch_ready(&run->watch);
    wait_until_stopped(run);
}

/* First of all: what is opened later could get that number. */
static int take_ready_fd(run_state *run)
{
    ward_diag diag;
    uint64_t fd = run->settings->ready_fd;
    if (fd == 0) return WARDI_EXIT_OK;
    if (fd <= INT_MAX && wardi_watch_ready_on(&run->watch, (int)fd, &diag) == WARD_OK)
        return WARDI_EXIT_OK;
    wardi_complain("run: --ready-fd: %s", fd <= INT_MAX ? diag.text : "no descriptor is so large");
    return WARDI_EXIT_USAGE;
}

int wardi_run_run(const void *settings, char **args, int arg_count)
{
    run_state run = {.settings = settings, .signal_fd = -1, .wake_fd = -1, .stopped_fd = -1};
    run.file = arg_count > 0 ? args[0] : "ward.yaml";
    run.terminals = terminals();
    wardi_watch_init(&run.watch);
    run.status = take_ready_fd(&run);
    if (run.status == WARDI_EXIT_OK) run.status = read_config(&run);
    if (run.status == WARDI_EXIT_OK && !open_signals(&run)) run.status = WARDI_EXIT_FAILED;
    if (run.status == WARDI_EXIT_OK && !run.settings->quiet)
        wardi_run_progress_begin(&run.progress, run.config);
    if (run.status == WARDI_EXIT_OK) run.status = open_supervisor(&run);
    if (run.status == WARDI_EXIT_OK)
        run_all(&run);
    else
        tell_failure(&run);
    wardi_run_progress_end(&run.progress);
    /* Both ask the supervisor; a thread that hangs, in a write or over a file, goes down with the
     * process. */
    wardi_reload_end(run.reload);
    if (!wardi_reload_join(run.reload) || !wardi_events_end(run.events)) _exit(run.status);
    wardi_watch_close(&run.watch);
    ward_supervisor_free(run.supervisor);
    wardi_cli_host_close(run.host);
    wardi_events_free(run.events);
    wardi_reload_free(run.reload);
    wardi_config_free(run.config);
    if (run.signal_fd >= 0) close(run.signal_fd);
    if (run.wake_fd >= 0) close(run.wake_fd);
    if (run.stopped_fd >= 0) close(run.stopped_fd);
    return run.status;
}
