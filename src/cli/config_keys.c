#include "cli/config.h"

#include <assert.h>
#include <string.h>

#define MINUTE (60 * WARDI_S)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

static const wardi_choice profiles[] = {
    {"guarded", WARD_MEMORY_GUARDED}, {"dense", WARD_MEMORY_DENSE}, {NULL, 0}};
static const wardi_choice fallbacks[] = {{"state", WARD_FALLBACK_STATE},
                                         {"degraded", WARD_FALLBACK_DEGRADED},
                                         {"failed", WARD_FALLBACK_FAILED},
                                         {NULL, 0}};
static const wardi_choice ready_whens[] = {
    {"degraded", WARD_READY_WHEN_DEGRADED}, {"healthy", WARD_READY_WHEN_HEALTHY}, {NULL, 0}};
static const wardi_choice restarts[] = {{"permanent", WARD_RESTART_PERMANENT},
                                        {"transient", WARD_RESTART_TRANSIENT},
                                        {"temporary", WARD_RESTART_TEMPORARY},
                                        {NULL, 0}};
/* A group does not end by itself, so that transient would be permanent. */
static const wardi_choice group_restarts[] = {
    {"permanent", WARD_RESTART_PERMANENT}, {"temporary", WARD_RESTART_TEMPORARY}, {NULL, 0}};
static const wardi_choice backoffs[] = {{"off", WARD_BACKOFF_OFF},
                                        {"fixed", WARD_BACKOFF_FIXED},
                                        {"linear", WARD_BACKOFF_LINEAR},
                                        {"exponential", WARD_BACKOFF_EXPONENTIAL},
                                        {NULL, 0}};
static const wardi_choice shutdowns[] = {{"graceful", WARD_SHUTDOWN_GRACEFUL},
                                         {"immediate", WARD_SHUTDOWN_IMMEDIATE},
                                         {"infinite", WARD_SHUTDOWN_INFINITE},
                                         {NULL, 0}};
static const wardi_choice strategies[] = {{"one_for_one", WARD_ONE_FOR_ONE},
                                          {"one_for_all", WARD_ONE_FOR_ALL},
                                          {"rest_for_one", WARD_REST_FOR_ONE},
                                          {NULL, 0}};
static const wardi_choice when_fulls[] = {{"reject", WARD_MAILBOX_REJECT},
                                          {"drop_oldest", WARD_MAILBOX_DROP_OLDEST},
                                          {"drop_newest", WARD_MAILBOX_DROP_NEWEST},
                                          {"block", WARD_MAILBOX_BLOCK},
                                          {NULL, 0}};
static const wardi_choice companions[] = {{"none", false}, {"needs", true}, {NULL, 0}};
static const wardi_choice streams[] = {{"none", false}, {"inherit", true}, {NULL, 0}};
static const wardi_choice mays[] = {
    {"read", WARDI_MAY_READ}, {"write", WARDI_MAY_WRITE}, {NULL, 0}};
static const wardi_choice accesses[] = {{"read", false}, {"write", true}, {NULL, 0}};

/* clang-format off */
#define HOST(field) offsetof(wardi_config, field)
static const wardi_key host_items[] = {
    {"host.profile", WARDI_KEY_CHOICE, 0, HOST(host.profile), 0, 0, profiles, "guarded",
     "How memories are laid out: guarded for fast guests, dense for very many."},
    {"host.components_max", WARDI_KEY_COUNT32, 0, HOST(host.components_max), 1, 16000000, NULL,
     "1000 (dense: 1000000)", "Components that can exist at once."},
    {"host.memory_max", WARDI_KEY_SIZE, 0, HOST(host.memory_bytes_max), 64 * KIB, 4 * GIB, NULL,
     "4GiB (dense: 16MiB)", "Largest memory limit that a component may have."},
    {"host.cache", WARDI_KEY_FILE, WARDI_KEY_OFF, HOST(host.cache_directory), 0, 0, NULL,
     "$XDG_CACHE_HOME/ward/modules", "Directory of compiled modules; off: none."},
    {"host.compile_threads", WARDI_KEY_COUNT32, 0, HOST(host.compile_threads), 1, 64, NULL, "2",
     "Modules compiled at the same time; a second lets others past a slow one."},
    {"host.compile_memory", WARDI_KEY_SIZE, 0, HOST(host.compile_memory_max), 128 * MIB, 1024 * GIB,
     NULL, "2GiB", "Memory that compiling one module may take, in its own process."},
    {"host.compile_timeout", WARDI_KEY_DURATION, 0, HOST(host.compile_timeout_ns), 100 * WARDI_MS, DAY,
     NULL, "1m", "Time that compiling one module may take."},
    {"host.workers", WARDI_KEY_COUNT32, 0, HOST(workers), 1, 1024, NULL, "one a core, at least 2",
     "Threads that check and restart components."},
};
static_assert(WARD_COUNT(host_items) <= WARD_COUNT(((wardi_config *)0)->places), "a place a key");
const wardi_keys wardi_host_keys = {"`host`", host_items, WARD_COUNT(host_items)};

#define SUPERVISION_ROWS(prefix, at)                                                               \
    {prefix "strategy", WARDI_KEY_CHOICE, 0, at(strategy), 0, 0, strategies, "one_for_one",        \
     "Whom the restart of a member takes along: nobody, all, or those after it in the file."},     \
    {prefix "failures.limit", WARDI_KEY_COUNT32, WARDI_KEY_NONE_NEGATIVE, at(failures_max), 0, 255, \
     NULL, "3", "Members that may be given up in the window; one more, and it has failed itself."}, \
    {prefix "failures.window", WARDI_KEY_DURATION, 0, at(failures_window_ns), WARDI_MS, 7 * DAY,   \
     NULL, "60s", "The window that members given up are counted in."}

#define ROOT(field) offsetof(wardi_config, supervisor.field)
static const wardi_key supervisor_items[] = {
    SUPERVISION_ROWS("supervisor.", ROOT),
    {"supervisor.starts_max", WARDI_KEY_COUNT32, 0, ROOT(starts_max), 1, 100000, NULL,
     "four a worker", "Components that start at the same time; others wait in turn."},
    {"supervisor.core_dumps", WARDI_KEY_FILE, 0, ROOT(core_dump_directory), 0, 0, NULL, "none",
     "Directory for core dumps of guests that end, three a component at most."},
};
static_assert(WARD_COUNT(supervisor_items) <= WARD_COUNT(((wardi_config *)0)->supervisor_places),
              "a place a key");
const wardi_keys wardi_supervisor_keys = {"`supervisor`", supervisor_items,
                                          WARD_COUNT(supervisor_items)};

static const wardi_key surface_items[] = {
    {"surfaces.http", WARDI_KEY_TEXT, WARDI_KEY_OFF, HOST(surfaces.http_address), 0, 0, NULL,
     "127.0.0.1:9320", "Where probes, metrics and events are served over HTTP; off: nowhere."},
    {"surfaces.grpc", WARDI_KEY_TEXT, WARDI_KEY_OFF, HOST(surfaces.grpc_address), 0, 0, NULL,
     "127.0.0.1:9321", "Where gRPC asks for health; off: nowhere."},
    {"surfaces.control", WARDI_KEY_FILE, WARDI_KEY_OFF, HOST(surfaces.control_path), 0, 0, NULL,
     "$XDG_RUNTIME_DIR/ward/control.sock", "The socket that commands come by; off: none."},
    {"surfaces.control_group", WARDI_KEY_TEXT, 0, HOST(surfaces.control_group), 0, 0, NULL,
     "none", "A group of the machine whose members may command, besides the same user and root."},
    {"surfaces.read_group", WARDI_KEY_TEXT, 0, HOST(surfaces.read_group), 0, 0, NULL,
     "none", "A group of the machine whose members may read by the control socket."},
    {"surfaces.http_hosts", WARDI_KEY_HOSTS, 0, HOST(surfaces.http_hosts), 0, 0, NULL,
     "addresses and localhost", "Other names that requests over HTTP may be for; *: any."},
    {"surfaces.remote", WARDI_KEY_TEXT, WARDI_KEY_OFF, HOST(surfaces.remote.address), 0, 0, NULL,
     "off", "Where all of HTTP and commands are served over TLS, to who has a token or a certificate."},
    {"surfaces.tls.certificate", WARDI_KEY_FILE, 0, HOST(surfaces.remote.certificate), 0, 0, NULL,
     "none", "Our certificate, and behind it those that it is signed by; PEM."},
    {"surfaces.tls.key", WARDI_KEY_FILE, 0, HOST(surfaces.remote.key), 0, 0, NULL,
     "none", "Its key, for nobody else to read; PEM, without a password."},
    {"surfaces.tls.client_ca", WARDI_KEY_FILE, 0, HOST(surfaces.remote.client_ca), 0, 0, NULL,
     "none", "Certificates of those who sign clients' certificates; PEM."},
    {"surfaces.tokens", WARDI_KEY_TOKENS, 0, HOST(surfaces.remote.tokens), 0, 0, NULL,
     "none", "Tokens, and what each is good for."},
    {"surfaces.clients", WARDI_KEY_CLIENTS, 0, HOST(surfaces.remote.clients), 0, 0, NULL,
     "none", "Whose certificates are good for what; they are signed by one of tls.client_ca."},
    {"surfaces.connections_max", WARDI_KEY_COUNT32, 0, HOST(surfaces.connections_max), 16, 1000000,
     NULL, "4096", "Connections of all surfaces; the longest idle one makes way for one more."},
};
static_assert(WARD_COUNT(surface_items) <= WARD_COUNT(((wardi_config *)0)->surface_places),
              "a place a key");
const wardi_keys wardi_surface_keys = {"`surfaces`", surface_items, WARD_COUNT(surface_items)};

#define TOKEN(field) offsetof(wardi_surface_token, field)
static const wardi_key token_items[] = {
    {"name", WARDI_KEY_TEXT, 0, TOKEN(name), 0, 0, NULL, NULL,
     "How events name who has used it."},
    {"file", WARDI_KEY_FILE, 0, TOKEN(file), 0, 0, NULL, NULL,
     "The file that it stands in, for nobody else to read."},
    {"grant", WARDI_KEY_CHOICE, 0, TOKEN(may), 0, 0, mays, NULL,
     "Whether it is good for reading, or for commands as well."},
};
const wardi_keys wardi_token_keys = {"a token", token_items, WARD_COUNT(token_items)};

#define CLIENT(field) offsetof(wardi_surface_client, field)
static const wardi_key client_items[] = {
    {"name", WARDI_KEY_TEXT, 0, CLIENT(name), 0, 0, NULL, NULL,
     "That of the certificate: a DNS name, a URI or an e-mail address; the common name where it has none of these."},
    {"grant", WARDI_KEY_CHOICE, 0, CLIENT(may), 0, 0, mays, NULL,
     "Whether it is good for reading, or for commands as well."},
};
const wardi_keys wardi_client_keys = {"a client", client_items, WARD_COUNT(client_items)};

static const wardi_key journal_items[] = {
    {"journal.path", WARDI_KEY_FILE, WARDI_KEY_OFF, HOST(journal.path), 0, 0, NULL,
     "$XDG_STATE_HOME/ward/journal.db", "The file that keeps what happened; off: none."},
    {"journal.retention", WARDI_KEY_DURATION, 0, HOST(journal.retention_ns), MINUTE, 3650 * DAY,
     NULL, "168h", "What is older goes."},
    {"journal.size_max", WARDI_KEY_SIZE, 0, HOST(journal.bytes_max), MIB, 1024 * GIB, NULL,
     "256MiB", "Size of the file at which the oldest makes way."},
};
static_assert(WARD_COUNT(journal_items) <= WARD_COUNT(((wardi_config *)0)->journal_places),
              "a place a key");
const wardi_keys wardi_journal_keys = {"`journal`", journal_items, WARD_COUNT(journal_items)};

/* What a component and a group have alike. */
#define BACKOFF_ROWS(at, limit)                                                                    \
    {"restart.backoff", WARDI_KEY_CHOICE, 0, at(backoff.shape), 0, 0, backoffs, "exponential",     \
     "How delays grow: none at all, always the first, by the first each time, or by the factor."}, \
    {"restart.initial", WARDI_KEY_DURATION, 0, at(backoff.initial_ns), WARDI_MS, DAY, NULL,        \
     "100ms", "The first delay."},                                                                 \
    {"restart.max", WARDI_KEY_DURATION, 0, at(backoff.max_ns), WARDI_MS, DAY, NULL, "30s",         \
     "The longest delay."},                                                                        \
    {"restart.factor", WARDI_KEY_NUMBER, 0, at(backoff.factor), 1, 100, NULL, "2",                 \
     "Each delay is so many times the one before."},                                               \
    {"restart.jitter", WARDI_KEY_RATIO, WARDI_KEY_NONE_NEGATIVE, at(backoff.jitter), 0, 100, NULL, \
     "10%", "How far a delay is drawn from its figure, both ways."},                               \
    {"restart.limit", WARDI_KEY_COUNT32, 0, at(backoff.restarts_max), 1, 255, NULL, limit,         \
     "Restarts in the window; one more, and it stays failed."},                                    \
    {"restart.window", WARDI_KEY_DURATION, 0, at(backoff.window_ns), WARDI_MS, 7 * DAY, NULL,      \
     "60s", "The window that restarts are counted in."},                                           \
    {"restart.reset_after", WARDI_KEY_DURATION, 0, at(backoff.reset_after_ns), WARDI_MS, 7 * DAY,  \
     NULL, "30s", "Healthy for so long, and the delay starts over."}

#define GROUP(field) offsetof(wardi_config_group, options.field)
static const wardi_key group_items[] = {
    {"group", WARDI_KEY_TEXT, 0, GROUP(group), 0, 0, NULL, NULL, "The group that this one is in."},
    SUPERVISION_ROWS("", GROUP),
    {"healthy_when", WARDI_KEY_QUORUM, 0, GROUP(health), 1, 1000000, NULL, "all",
     "How many below it must be healthy for the group to be, and ready: all, any, a number or a percentage."},
    {"restart.policy", WARDI_KEY_CHOICE, 0, GROUP(restart), 0, 0, group_restarts, "permanent",
     "When it has failed: restarted with all in it, or given up at once."},
    BACKOFF_ROWS(GROUP, "3"),
};
const wardi_keys wardi_group_keys = {"a group", group_items, WARD_COUNT(group_items)};

#define DIR(field) offsetof(ward_preopen, field)
static const wardi_key dir_items[] = {
    {"host", WARDI_KEY_FILE, 0, DIR(host_path), 0, 0, NULL, NULL, "The directory, as the host sees it."},
    {"guest", WARDI_KEY_TEXT, 0, DIR(guest_path), 0, 0, NULL, NULL, "Its path for the guest."},
    {"access", WARDI_KEY_SWITCH, 0, DIR(writable), 0, 0, accesses, "read",
     "read, or write for reading and writing."},
};
const wardi_keys wardi_dir_keys = {"a directory", dir_items, WARD_COUNT(dir_items)};

#define CHILD(field) offsetof(wardi_config_child, options.field)
#define PART(field) offsetof(wardi_config_child, component.field)
#define GRANT(field) offsetof(wardi_config_child, grants.field)
#define RATIO_ROWS(name, index, what)                                                             \
    {"health.resources." name ".degraded_at", WARDI_KEY_RATIO, WARDI_KEY_OFF,                     \
     PART(health.resources[index].degraded_at), 1, 100, NULL, "off", what "; degraded from here on."},  \
    {"health.resources." name ".unhealthy_at", WARDI_KEY_RATIO, WARDI_KEY_OFF,                    \
     PART(health.resources[index].unhealthy_at), 1, 100, NULL, "off", what "; unhealthy from here on."}
#define COUNT_ROWS(name, index, what)                                                             \
    {"health.resources." name ".degraded_at", WARDI_KEY_COUNT, WARDI_KEY_OFF,                     \
     PART(health.resources[index].degraded_at), 1, 1000000, NULL, "off", what "; degraded from here on."}, \
    {"health.resources." name ".unhealthy_at", WARDI_KEY_COUNT, WARDI_KEY_OFF,                    \
     PART(health.resources[index].unhealthy_at), 1, 1000000, NULL, "off", what "; unhealthy from here on."}

static const wardi_key component_items[] = {
    {"path", WARDI_KEY_FILE, 0, PART(path), 0, 0, NULL, NULL, "The .wasm or .wat file, relative to this file."},
    {"version", WARDI_KEY_TEXT, 0, PART(version), 0, 0, NULL, NULL, "For people."},
    {"needs", WARDI_KEY_NEEDS, 0, CHILD(needs), 0, 0, NULL, NULL,
     "Components that must be ready before this one starts, and for it to be ready."},
    {"start_timeout", WARDI_KEY_DURATION, 0, PART(start_timeout_ns), WARDI_MS, DAY, NULL, "10s",
     "For load, instantiation and initialisation together."},
    {"stop_timeout", WARDI_KEY_DURATION, 0, PART(stop_timeout_ns), WARDI_MS, DAY, NULL, "5s",
     "For the export _cleanup."},
    {"message_timeout", WARDI_KEY_DURATION, 0, CHILD(message_timeout_ns), WARDI_MS, DAY, NULL, "10s",
     "For handling one message; what takes longer is ended, and the component has hung."},
    {"poison_after", WARDI_KEY_COUNT32, 0, CHILD(poison_after), 1, 1000, NULL, "1",
     "Runs that one message may end before it is set aside; until then it is tried again."},
    {"group", WARDI_KEY_TEXT, 0, CHILD(group), 0, 0, NULL, NULL, "The group that it is in."},
    {"instances", WARDI_KEY_COUNT32, 0, CHILD(instances), 1, 1000000, NULL, "1",
     "So many of it, NAME.0, NAME.1, …, each with a health of its own, as a group of its name."},
    {"instances_healthy_when", WARDI_KEY_QUORUM, 0, CHILD(instances_health), 1, 1000000, NULL, "all",
     "How many of them must be healthy for their group to be, and ready: all, any, a number or a percentage."},

    {"limits.memory", WARDI_KEY_SIZE, 0, PART(limits.memory_bytes_max), 64 * KIB, 4 * GIB, NULL,
     "256MiB (dense: 16MiB)", "All linear memories together."},
    {"limits.table_elements", WARDI_KEY_COUNT64, 0, PART(limits.table_elements_max), 1, 10000000, NULL,
     "100000", "Elements of each table."},
    {"limits.fuel", WARDI_KEY_COUNT64, WARDI_KEY_OFF, PART(limits.fuel_per_call), 1, UINT64_C(1000000000000000), NULL,
     "off", "Instructions, roughly, that one call may take; metering costs some 3 %."},
    {"limits.message", WARDI_KEY_SIZE32, 0, CHILD(message_bytes_max), 1, 64 * MIB, NULL, "1MiB",
     "Longest message that it may send, publish or answer with."},
    {"limits.log_rate", WARDI_KEY_COUNT32, 0, CHILD(log_rate), 1, 1000000, NULL, "100",
     "Lines that it may log in a second; more are counted, not shown."},
    {"limits.timers", WARDI_KEY_COUNT32, 0, CHILD(timers_max), 1, 65536, NULL, "64",
     "Messages that it may have under way to a later time (send_after)."},
    {"limits.cpu", WARDI_KEY_DURATION, 0, CHILD(cpu_ns_max), WARDI_US, DAY, NULL, "no limit",
     "Processor time an interval; what is used beyond it is owed, and messages wait meanwhile."},
    {"limits.cpu_interval", WARDI_KEY_DURATION, 0, CHILD(cpu_interval_ns), WARDI_MS, DAY, NULL, "1s",
     "The interval of limits.cpu."},

    {"mailbox.size", WARDI_KEY_COUNT32, 0, CHILD(mailbox_max), 1, 1048576, NULL, "64",
     "Messages that may wait."},
    {"mailbox.when_full", WARDI_KEY_CHOICE, 0, CHILD(mailbox_full), 0, 0, when_fulls, "reject",
     "What one more does: it is refused, the oldest or it itself is dropped, or its sender waits."},
    {"mailbox.block_timeout", WARDI_KEY_DURATION, 0, CHILD(mailbox_block_ns), WARDI_MS, DAY, NULL, "1s",
     "Of block: how long a sender waits for room."},
    {"mailbox.full_at", WARDI_KEY_RATIO, WARDI_KEY_OFF | WARDI_KEY_NONE_NEGATIVE, CHILD(full_at), 1, 100,
     NULL, "100%", "Share of its size; not ready from here on, until half of that waits."},

    {"health.interval", WARDI_KEY_DURATION, 0, CHILD(interval_ns), WARDI_MS, DAY, NULL, "10s",
     "Between two checks."},
    {"health.timeout", WARDI_KEY_DURATION, 0, PART(health.timeout_ns), WARDI_MS, HOUR, NULL, "1s",
     "Of one call of the health export."},
    {"health.rise", WARDI_KEY_COUNT32, 0, CHILD(rise), 1, 1000, NULL, "1",
     "Good verdicts in a row before a component is well again."},
    {"health.fall", WARDI_KEY_COUNT32, 0, CHILD(fall), 1, 1000, NULL, "3",
     "Bad verdicts in a row before a component is failed."},
    {"health.on_trap", WARDI_KEY_CHOICE, 0, PART(health.on_trap), 0, 0, fallbacks, "degraded",
     "What a trap of the health export makes of it."},
    {"health.on_malformed", WARDI_KEY_CHOICE, 0, PART(health.on_malformed), 0, 0, fallbacks, "state",
     "What an unreadable answer makes of it; state: healthy while it is ready."},
    {"health.ready_when", WARDI_KEY_CHOICE, 0, CHILD(ready_when), 0, 0, ready_whens, "degraded",
     "The lowest health that still counts as ready."},
    {"health.busy_after", WARDI_KEY_DURATION, 0, PART(health.busy_after_ns), WARDI_MS, DAY, NULL, "1s",
     "A component that is inside one call for longer is degraded."},
    {"health.frame_max", WARDI_KEY_SIZE32, 0, PART(health.frame_bytes_max), 3, 64 * KIB, NULL, "256B",
     "Bytes that are looked at for a frame without a length."},
    {"health.startup.interval", WARDI_KEY_DURATION, 0, CHILD(startup_interval_ns), WARDI_MS, DAY, NULL, NULL,
     "Between start-up probes, which hold the others back until one passed."},
    {"health.startup.fall", WARDI_KEY_COUNT32, 0, CHILD(startup_fall), 1, 100000, NULL, "30",
     "Failed start-up probes before a component is failed."},
    {"health.flapping.changes", WARDI_KEY_COUNT32, 0, CHILD(flap_changes_max), 1, 31, NULL, "6",
     "More changes of health than this in the window is flapping."},
    {"health.flapping.window", WARDI_KEY_DURATION, 0, CHILD(flap_window_ns), WARDI_MS, 7 * DAY, NULL, "60s",
     "The window that changes are counted in."},
    {"health.resources.window", WARDI_KEY_DURATION, 0, PART(health.resource_window_ns), WARDI_MS, DAY, NULL,
     "60s", "The window that traps and restarts are counted in."},
    RATIO_ROWS("memory", WARD_RESOURCE_MEMORY, "Share of limits.memory in use"),
    COUNT_ROWS("growths_refused", WARD_RESOURCE_GROWTHS_REFUSED, "Memory growths refused since the last check"),
    RATIO_ROWS("fuel", WARD_RESOURCE_FUEL, "Share of limits.fuel that the costliest call took"),
    COUNT_ROWS("traps", WARD_RESOURCE_TRAPS, "Traps in the window"),
    COUNT_ROWS("restarts", WARD_RESOURCE_RESTARTS, "Restarts in the window"),
    RATIO_ROWS("busy", WARD_RESOURCE_BUSY, "Share of time inside the guest"),
    RATIO_ROWS("mailbox", WARD_RESOURCE_MAILBOX, "Share of mailbox.size that waits"),

    {"restart.policy", WARDI_KEY_CHOICE, 0, CHILD(restart), 0, 0, restarts, "permanent",
     "When it is started again: always, unless it ended with status 0, or never."},
    {"restart.with", WARDI_KEY_SWITCH, 0, CHILD(restart_with_needs), 0, 0, companions, "none",
     "needs: restarted when what it needs goes down; else only no longer ready."},
    BACKOFF_ROWS(CHILD, "10"),

    {"shutdown.mode", WARDI_KEY_CHOICE, 0, CHILD(shutdown), 0, 0, shutdowns, "graceful",
     "By its clean-up and killed after a time; killed at once; or by its clean-up, waited for."},
    {"shutdown.timeout", WARDI_KEY_DURATION, 0, CHILD(shutdown_timeout_ns), WARDI_MS, DAY, NULL,
     "stop_timeout and 1s", "Of graceful: when it is killed."},

    {"grants.send", WARDI_KEY_NAMES, 0, GRANT(send), 0, 0, NULL, "nobody",
     "Components that it may send messages to."},
    {"grants.called_by", WARDI_KEY_NAMES, 0, GRANT(called_by), 0, 0, NULL, "nobody",
     "Components that may send messages to it."},
    {"grants.publish", WARDI_KEY_TOPICS, 0, GRANT(publish), 0, 0, NULL, "nothing",
     "Topics that it may publish to."},
    {"grants.subscribe", WARDI_KEY_TOPICS, 0, GRANT(subscribe), 0, 0, NULL, "nothing",
     "Topics that it may subscribe to."},
    {"grants.list", WARDI_KEY_NAMES, 0, GRANT(list), 0, 0, NULL, "nobody",
     "Components that it may see in lists."},
    {"metadata", WARDI_KEY_METADATA, 0, CHILD(metadata), 0, 0, NULL, NULL,
     "For the component to read."},

    {"wasi.args", WARDI_KEY_ARGS, 0, PART(wasi.args), 0, 0, NULL, "the name", "The program's arguments, its name first."},
    {"wasi.env", WARDI_KEY_ENV, 0, PART(wasi.env), 0, 0, NULL, NULL, "Environment variables."},
    {"wasi.dirs", WARDI_KEY_DIRS, 0, PART(wasi.preopens), 0, 0, NULL, NULL, "Directories that it may use."},
    {"wasi.stdin", WARDI_KEY_FILE, WARDI_KEY_OFF, PART(wasi.stdin_path), 0, 0, NULL, "off", "A file to read as standard input."},
    {"wasi.stdout", WARDI_KEY_SWITCH, 0, PART(wasi.inherit_stdout), 0, 0, streams, "none",
     "Where standard output goes."},
    {"wasi.stderr", WARDI_KEY_SWITCH, 0, PART(wasi.inherit_stderr), 0, 0, streams, "none",
     "Where standard error goes."},
};
/* clang-format on */
const wardi_keys wardi_component_keys = {"a component", component_items,
                                         WARD_COUNT(component_items)};

size_t wardi_key_index(const wardi_keys *keys, const char *path)
{
    for (size_t i = 0; i < keys->count; i++)
        if (strcmp(keys->items[i].path, path) == 0) return i;
    WARD_ASSERT(false && "a key of the table");
    return 0;
}

size_t wardi_component_key(const char *path)
{
    return wardi_key_index(&wardi_component_keys, path);
}
