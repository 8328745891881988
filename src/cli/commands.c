#include "cli/settings.h"
#include "cli/top.h"

#define CHECK(field) offsetof(wardi_check_settings, field)
#define INSPECT(field) offsetof(wardi_inspect_settings, field)
#define FRAME(field) offsetof(wardi_frame_settings, field)
#define VALIDATE(field) offsetof(wardi_validate_settings, field)
#define RUN(field) offsetof(wardi_run_settings, field)
#define PS(field) offsetof(wardi_ps_settings, field)
#define EVENTS(field) offsetof(wardi_events_settings, field)

static const char *const profiles[] = {"guarded", "dense", NULL};
static const char *const fallbacks[] = {"state", "degraded", "failed", NULL};
static const char *const levels[] = {"trace", "debug", "info", "warn", "error", NULL};
static const char *const codecs[] = {"borsh", "cbor", "json", NULL};
static const char *const statuses[] = {"healthy", "degraded", "unhealthy", NULL};
static const char *const outputs[] = {"table", "wide", "json", "yaml", "name", NULL};
static const char *const sorts[] = {"name", "condition", "age", NULL};
static const char *const conditions[] = {"starting",  "healthy", "degraded", "unready",
                                         "unhealthy", "stopped", NULL};
static const char *const shells[] = {"bash", "zsh", "fish", NULL};

/* clang-format off */
static const wardi_option check_options[] = {
    {"json", 0, WARDI_OPTION_FLAG, CHECK(json), NULL, NULL, "print one JSON object"},
    {"verbose", 'v', WARDI_OPTION_FLAG, CHECK(verbose), NULL, NULL, "show every contributor, and figures"},
    {"repeat", 'n', WARDI_OPTION_COUNT, CHECK(repeat), "N", NULL, "check N times, and show how long checks took"},
    {"timeout", 't', WARDI_OPTION_DURATION, CHECK(timeout_ns), "TIME", NULL, "of the health export (default 1s)"},
    {"start-timeout", 0, WARDI_OPTION_DURATION, CHECK(start_timeout_ns), "TIME", NULL, "to load and start (default 10s)"},
    {"stop-timeout", 0, WARDI_OPTION_DURATION, CHECK(stop_timeout_ns), "TIME", NULL, "of the export _cleanup (default 5s)"},
    {"memory", 'm', WARDI_OPTION_SIZE, CHECK(memory_bytes), "SIZE", NULL, "memory limit (default 256MiB)"},
    {"fuel", 0, WARDI_OPTION_COUNT, CHECK(fuel), "N", NULL, "fuel of one call (default: not metered)"},
    {"on-trap", 0, WARDI_OPTION_CHOICE, CHECK(on_trap), "HEALTH", fallbacks, "what a trap makes of it (default degraded)"},
    {"on-malformed", 0, WARDI_OPTION_CHOICE, CHECK(on_malformed), "HEALTH", fallbacks, "what an unreadable answer makes of it (default state)"},
    {"profile", 0, WARDI_OPTION_CHOICE, CHECK(profile), "PROFILE", profiles, "how memory is laid out (default guarded)"},
    {"compile-memory", 0, WARDI_OPTION_SIZE, CHECK(compile_memory_bytes), "SIZE", NULL, "memory to compile it with (default 2GiB)"},
    {"cache", 0, WARDI_OPTION_FILE, CHECK(cache), "DIR", NULL, "compiled modules; off: none (default in ~/.cache)"},
};
static const wardi_option inspect_options[] = {
    {"json", 0, WARDI_OPTION_FLAG, INSPECT(json), NULL, NULL, "print one JSON object"},
    {"compile-memory", 0, WARDI_OPTION_SIZE, INSPECT(compile_memory_bytes), "SIZE", NULL, "memory to compile it with (default 2GiB)"},
    {"cache", 0, WARDI_OPTION_FILE, INSPECT(cache), "DIR", NULL, "compiled modules; off: none (default in ~/.cache)"},
};
static const wardi_option decode_options[] = {
    {"json", 0, WARDI_OPTION_FLAG, FRAME(json), NULL, NULL, "print one JSON object a frame"},
};
static const wardi_option encode_options[] = {
    {"codec", 'c', WARDI_OPTION_CHOICE, FRAME(codec), "CODEC", codecs, "of the payload (default borsh)"},
    {"raw", 0, WARDI_OPTION_FLAG, FRAME(raw), NULL, NULL, "print the bytes themselves, not hex"},
};
static const wardi_option validate_options[] = {
    {"json", 0, WARDI_OPTION_FLAG, VALIDATE(json), NULL, NULL, "print one JSON object"},
    {"load", 0, WARDI_OPTION_FLAG, VALIDATE(load), NULL, NULL, "compile every module too, and check its imports, exports and limits"},
    {"schema", 0, WARDI_OPTION_FLAG, VALIDATE(schema), NULL, NULL, "print the JSON Schema of ward.yaml instead"},
};
static const wardi_option explain_options[] = {
    {"json", 0, WARDI_OPTION_FLAG, offsetof(wardi_explain_settings, json), NULL, NULL, "print one JSON object"},
};
static const wardi_option run_options[] = {
    {"json", 0, WARDI_OPTION_FLAG, RUN(json), NULL, NULL, "print JSON lines, on a terminal as well"},
    {"quiet", 'q', WARDI_OPTION_FLAG, RUN(quiet), NULL, NULL, "print no events, and nothing that components log"},
    {"log-level", 'l', WARDI_OPTION_CHOICE, RUN(log_level), "LEVEL", levels, "least level of what components log (default info)"},
    {"stop-timeout", 0, WARDI_OPTION_DURATION, RUN(stop_timeout_ns), "TIME", NULL, "for stopping everything (default 10s)"},
    {"ready-fd", 0, WARDI_OPTION_COUNT, RUN(ready_fd), "N", NULL, "descriptor that gets a newline, and is closed, once it serves"},
};
#define SOCKET_ROW(settings)                                                                        \
    {"socket", 's', WARDI_OPTION_FILE, offsetof(settings, socket), "FILE", NULL, "of the ward that runs (default: WARD_CONTROL, or this user's)"}
static const wardi_option ps_options[] = {
    {"output", 'o', WARDI_OPTION_CHOICE, PS(output), "FORMAT", outputs, "how it is printed (default table)"},
    {"sort", 0, WARDI_OPTION_CHOICE, PS(sort), "BY", sorts, "what comes first (default name); condition: the worst"},
    {"condition", 'c', WARDI_OPTION_CHOICE, PS(condition), "CONDITION", conditions, "only those"},
    {"group", 'g', WARDI_OPTION_TEXT, PS(group), "GROUP", NULL, "only those in this group"},
    {"groups", 0, WARDI_OPTION_FLAG, PS(groups), NULL, NULL, "groups instead of components"},
    {"watch", 'w', WARDI_OPTION_FLAG, PS(watch), NULL, NULL, "again each second, until it is interrupted"},
    SOCKET_ROW(wardi_ps_settings),
};
#define TOP(field) offsetof(wardi_top_settings, field)
static const wardi_option top_options[] = {
    {"interval", 'i', WARDI_OPTION_DURATION, TOP(interval_ns), "TIME", NULL, "between two looks (default 2s, at least 250ms)"},
    {"sort", 0, WARDI_OPTION_CHOICE, TOP(sort), "BY", top_sort_names, "what comes first (default condition, the worst)"},
    {"reverse", 'r', WARDI_OPTION_FLAG, TOP(reverse), NULL, NULL, "the other way round"},
    {"groups", 0, WARDI_OPTION_FLAG, TOP(groups), NULL, NULL, "groups, a level at a time, instead of all components"},
    SOCKET_ROW(wardi_top_settings),
};
static const wardi_option client_options[] = {
    {"json", 0, WARDI_OPTION_FLAG, offsetof(wardi_client_settings, json), NULL, NULL, "print one JSON object"},
    SOCKET_ROW(wardi_client_settings),
};
static const wardi_option socket_options[] = {
    SOCKET_ROW(wardi_client_settings),
};
static const wardi_option health_options[] = {
    {"live", 0, WARDI_OPTION_FLAG, offsetof(wardi_health_settings, live), NULL, NULL, "whether it need not be restarted, instead of whether it serves"},
    {"quiet", 'q', WARDI_OPTION_FLAG, offsetof(wardi_health_settings, quiet), NULL, NULL, "print nothing"},
    {"timeout", 't', WARDI_OPTION_DURATION, offsetof(wardi_health_settings, timeout_ns), "TIME", NULL, "for an answer (default 30s)"},
    SOCKET_ROW(wardi_health_settings),
};
static const wardi_option evidence_options[] = {
    {"json", 0, WARDI_OPTION_FLAG, offsetof(wardi_evidence_settings, json), NULL, NULL, "print one JSON object: all of it"},
    {"number", 'n', WARDI_OPTION_COUNT, offsetof(wardi_evidence_settings, number), "N", NULL, "of the end of a run, as events tell it (default: the last)"},
    SOCKET_ROW(wardi_evidence_settings),
};
static const wardi_option events_options[] = {
    {"component", 'c', WARDI_OPTION_TEXT, EVENTS(component), "NAME", NULL, "only of this one, or of its instances"},
    {"since", 0, WARDI_OPTION_DURATION, EVENTS(since_ns), "TIME", NULL, "only of the last TIME, like 1h"},
    {"limit", 'n', WARDI_OPTION_COUNT, EVENTS(limit), "N", NULL, "the last N (default 1000)"},
    {"follow", 'f', WARDI_OPTION_FLAG, EVENTS(follow), NULL, NULL, "what happens from now on, after what --since names"},
    {"json", 0, WARDI_OPTION_FLAG, EVENTS(json), NULL, NULL, "print JSON lines, on a terminal as well"},
    {"journal", 0, WARDI_OPTION_FILE, EVENTS(journal), "FILE", NULL, "to read (default: WARD_JOURNAL, or this user's)"},
    SOCKET_ROW(wardi_events_settings),
};
#define LOGS(field) offsetof(wardi_logs_settings, field)
static const wardi_option logs_options[] = {
    {"follow", 'f', WARDI_OPTION_FLAG, LOGS(follow), NULL, NULL, "and what is logged from now on"},
    {"limit", 'n', WARDI_OPTION_COUNT, LOGS(limit), "N", NULL, "the last N, at most 1000 (default 100)"},
    {"log-level", 'l', WARDI_OPTION_CHOICE, LOGS(level), "LEVEL", levels, "least level (default trace)"},
    {"json", 0, WARDI_OPTION_FLAG, LOGS(json), NULL, NULL, "print JSON lines"},
    SOCKET_ROW(wardi_logs_settings),
};
static const wardi_option call_options[] = {
    {"json", 0, WARDI_OPTION_FLAG, offsetof(wardi_call_settings, json), NULL, NULL, "print one JSON object"},
    {"timeout", 't', WARDI_OPTION_DURATION, offsetof(wardi_call_settings, timeout_ns), "TIME", NULL, "for the call (default 10s)"},
    SOCKET_ROW(wardi_call_settings),
};
static const wardi_option reload_options[] = {
    {"json", 0, WARDI_OPTION_FLAG, offsetof(wardi_reload_settings, json), NULL, NULL, "print one JSON object"},
    {"timeout", 't', WARDI_OPTION_DURATION, offsetof(wardi_reload_settings, timeout_ns), "TIME", NULL, "for it to be done (default: as long as it takes)"},
    SOCKET_ROW(wardi_reload_settings),
};
static const wardi_option version_options[] = {
    {"json", 0, WARDI_OPTION_FLAG, offsetof(wardi_plain_settings, json), NULL, NULL, "print one JSON object"},
};
/* clang-format on */
#define OPTIONS(table) .options = table, .option_count = WARD_COUNT(table)

const wardi_command wardi_commands[] = {
    {
        .name = "check",
        .args = "FILE",
        .args_min = 1,
        .args_max = 1,
        .args_kind = WARDI_ARGS_WASM,
        .summary = "how is this component?",
        .about = "Loads a component, starts it, asks for its health and stops it.\n\n"
                 "Exit status: 0 healthy; 1 degraded; 2 unhealthy or failed, a start that\n"
                 "fails included; 3 could not be determined: no loadable file, wrong usage.\n",
        .examples = "  ward check plugin.wasm\n"
                    "  ward check --json plugin.wasm | jq -r .health\n"
                    "  ward check --repeat 10000 plugin.wasm\n"
                    "  ward check --timeout 100ms --memory 16MiB --verbose plugin.wasm\n",
        OPTIONS(check_options),
        .usage_status = WARDI_EXIT_UNKNOWN,
        .run = wardi_check_run,
    },
    {
        .name = "inspect",
        .args = "FILE",
        .args_min = 1,
        .args_max = 1,
        .args_kind = WARDI_ARGS_WASM,
        .summary = "what does this component import and export?",
        .about = "Loads a component without starting it, and shows its imports and exports, its\n"
                 "form of health check, and whether that takes the fast path, and why.\n\n"
                 "Exit status: 0; 1 it cannot be loaded; 2 wrong usage.\n",
        .examples = "  ward inspect plugin.wasm\n"
                    "  ward inspect --json plugin.wasm | jq '.imports[] | select(.waits)'\n",
        OPTIONS(inspect_options),
        .usage_status = WARDI_EXIT_USAGE,
        .run = wardi_inspect_run,
    },
    {
        .name = "frame decode",
        .args = "HEX... | -",
        .args_min = 1,
        .args_max = 1000000,
        .args_kind = WARDI_ARGS_OTHER,
        .summary = "what does this health frame say?",
        .about = "Reads health frames as hex; with `-` one a line from standard input, each\n"
                 "answered by one line.\n\n"
                 "Exit status: 0; 1 a frame could not be read; 2 wrong usage.\n",
        .examples = "  ward frame decode 810e010c00000048696768206c6174656e6379\n"
                    "  ward frame decode --json - < frames.txt\n",
        OPTIONS(decode_options),
        .usage_status = WARDI_EXIT_USAGE,
        .run = wardi_frame_decode_run,
    },
    {
        .name = "frame encode",
        .args = "STATUS [REASON]",
        .args_min = 1,
        .args_max = 2,
        .args_kind = WARDI_ARGS_OTHER,
        .words = statuses,
        .summary = "write a health frame",
        .about = "Writes the health frame of a status (healthy, degraded, unhealthy) and a reason\n"
                 "as hex.\n\n"
                 "Exit status: 0; 2 wrong usage.\n",
        .examples = "  ward frame encode degraded \"High latency\"\n"
                    "  ward frame encode --codec cbor unhealthy \"Database unreachable\"\n"
                    "  ward frame encode --raw healthy > frame.bin\n",
        OPTIONS(encode_options),
        .usage_status = WARDI_EXIT_USAGE,
        .run = wardi_frame_encode_run,
    },
    {
        .name = "validate",
        .args = "[FILE]",
        .args_max = 1,
        .args_kind = WARDI_ARGS_YAML,
        .summary = "find every mistake in a ward.yaml",
        .about = "Reads a configuration (default: ward.yaml) as `ward run` would, without running\n"
                 "anything, and prints every mistake as FILE:LINE:COLUMN: what is wrong; what\n"
                 "would be right.\n\n"
                 "Exit status: 0 no mistakes; 1 mistakes, or no such file; 2 wrong usage.\n",
        .examples = "  ward validate ward.yaml\n"
                    "  ward validate --load ward.yaml\n"
                    "  ward validate --schema > ward.schema.json\n",
        OPTIONS(validate_options),
        .usage_status = WARDI_EXIT_USAGE,
        .run = wardi_validate_run,
    },
    {
        .name = "explain",
        .args = "[FILE [COMPONENT]]",
        .args_max = 2,
        .args_kind = WARDI_ARGS_YAML,
        .summary = "how long until a fault is seen, and until it serves again?",
        .about = "Computes from a configuration (default: ward.yaml), for every component or the\n"
                 "one named: how long until a check that traps, one that hangs, an Unhealthy\n"
                 "answer, or a message that traps or hangs is a failure, and how long until the\n"
                 "component serves again, at worst and typically, with the terms of the sums; and\n"
                 "who is restarted with it.\n\n"
                 "Exit status: 0; 1 mistakes in the file, or no such file or component; 2 wrong\n"
                 "usage.\n",
        .examples =
            "  ward explain ward.yaml\n"
            "  ward explain ward.yaml api\n"
            "  ward explain --json ward.yaml api | jq '.components[0].faults[1].detect_worst_ns'\n",
        OPTIONS(explain_options),
        .usage_status = WARDI_EXIT_USAGE,
        .run = wardi_explain_run,
    },
    {
        .name = "run",
        .args = "[FILE]",
        .args_max = 1,
        .args_kind = WARDI_ARGS_YAML,
        .summary = "start, check and restart the components of a ward.yaml",
        .about =
            "Starts every component of a configuration (default: ward.yaml) in the order of\n"
            "their needs, checks each at its interval, and restarts what failed. Prints what\n"
            "happens, one line each: for people on a terminal, JSON lines otherwise. Below a\n"
            "failure stands what is known of it: cause, backtrace, last messages, figures.\n"
            "SIGINT and SIGTERM stop everything in order; a second one, at once. SIGHUP reads\n"
            "the configuration anew, as `ward reload` does.\n\n"
            "Exit status: 0 stopped as asked; 1 could not start, every component ended or was\n"
            "given up, or stopping was cut short; 2 wrong usage; 78 mistakes in the file;\n"
            "128 and the signal's number (130 SIGINT, 143 SIGTERM) after a second signal.\n",
        .examples = "  ward run ward.yaml\n"
                    "  ward run --json ward.yaml | jq -c 'select(.event == \"restart\")'\n"
                    "  ward run --stop-timeout 30s /etc/ward/ward.yaml\n",
        OPTIONS(run_options),
        .usage_status = WARDI_EXIT_USAGE,
        .run = wardi_run_run,
    },
    {
        .name = "ps",
        .args = "[WORDS]",
        .args_min = 0,
        .args_max = 1,
        .args_kind = WARDI_ARGS_MEMBERS,
        .summary = "list the components of a ward that runs",
        .about =
            "Lists components, or those with WORDS in their names, with their condition, for how\n"
            "long they have had it, and why they are not healthy.\n"
            "\n"
            "Exit status: 0; 1 it could not be done, and why is said; 2 wrong usage.\n",
        .examples = "  ward ps\n"
                    "  ward ps --sort condition --watch\n"
                    "  ward ps -c unhealthy -o name | xargs -n1 ward why\n",
        OPTIONS(ps_options),
        .usage_status = WARDI_EXIT_USAGE,
        .run = wardi_ps_run,
    },
    {
        .name = "top",
        .args = "[WORDS]",
        .args_min = 0,
        .args_max = 1,
        .args_kind = WARDI_ARGS_MEMBERS,
        .summary = "watch a ward that runs, on a whole terminal",
        .about =
            "Shows how the host is doing and its components, or those with WORDS in their names, "
            "the\n"
            "worst first, and keeps it fresh. Keys order, filter, group, tell all about one, and\n"
            "after a question restart or stop it; ? explains them, q quits.\n"
            "\n"
            "Exit status: 0 left with q or Ctrl-C; 1 no terminal, or no ward answers; 2 wrong\n"
            "usage; 128 and the signal's number after another signal.\n",
        .examples = "  ward top\n"
                    "  ward top --sort cpu --interval 1s\n"
                    "  ward top --groups web\n",
        OPTIONS(top_options),
        .usage_status = WARDI_EXIT_USAGE,
        .run = wardi_top_run,
    },
    {
        .name = "tree",
        .args = "",
        .args_min = 0,
        .args_max = 0,
        .args_kind = WARDI_ARGS_NONE,
        .summary = "show the supervisor tree of a ward that runs",
        .about =
            "Shows groups, the components in them, and how they are; of instances, those that\n"
            "are not healthy, and how many are.\n"
            "\n"
            "Exit status: 0; 1 it could not be done, and why is said; 2 wrong usage.\n",
        .examples = "  ward tree\n",
        OPTIONS(client_options),
        .usage_status = WARDI_EXIT_USAGE,
        .run = wardi_tree_run,
    },
    {
        .name = "health",
        .args = "[NAME]",
        .args_min = 0,
        .args_max = 1,
        .args_kind = WARDI_ARGS_MEMBERS,
        .summary = "ask whether a ward that runs, or a component of it, is ready",
        .about = "Asks what a readiness probe asks, and prints the answer.\n"
                 "\n"
                 "Exit status: 0 ready; 1 not ready, or no answer; 2 wrong usage.\n",
        .examples = "  ward health\n"
                    "  ward health api --quiet && echo serving\n"
                    "  ward health --live\n",
        OPTIONS(health_options),
        .usage_status = WARDI_EXIT_USAGE,
        .run = wardi_health_run,
    },
    {
        .name = "why",
        .args = "NAME",
        .args_min = 1,
        .args_max = 1,
        .args_kind = WARDI_ARGS_MEMBERS,
        .summary = "tell why a component is as it is",
        .about =
            "Tells in words how a component is and since when, how its last run ended, what was\n"
            "tried, what happens next, and what to do.\n"
            "\n"
            "Exit status: 0; 1 it could not be done, and why is said; 2 wrong usage.\n",
        .examples = "  ward why api\n",
        OPTIONS(client_options),
        .usage_status = WARDI_EXIT_USAGE,
        .run = wardi_why_run,
    },
    {
        .name = "evidence",
        .args = "NAME",
        .args_min = 1,
        .args_max = 1,
        .args_kind = WARDI_ARGS_MEMBERS,
        .summary = "print what is known of the end of a component's run",
        .about =
            "Prints cause, backtrace, last messages and lines, and figures, as they were when the\n"
            "run ended; of ends that have made way, what the journal keeps.\n"
            "\n"
            "Exit status: 0; 1 it could not be done, and why is said; 2 wrong usage.\n",
        .examples = "  ward evidence api\n"
                    "  ward evidence api --json > api.json\n",
        OPTIONS(evidence_options),
        .usage_status = WARDI_EXIT_USAGE,
        .run = wardi_evidence_run,
    },
    {
        .name = "events",
        .args = "",
        .args_min = 0,
        .args_max = 0,
        .args_kind = WARDI_ARGS_NONE,
        .summary = "print what happened, from the journal",
        .about = "Reads the journal, whether the ward that writes it runs or not. With --follow, "
                 "prints\n"
                 "what happens from now on, of a ward that runs.\n"
                 "\n"
                 "Exit status: 0; 1 it could not be done, and why is said; 2 wrong usage.\n",
        .examples = "  ward events --since 1h --component api\n"
                    "  ward events -f\n"
                    "  ward events --json -n 100000 | jq -r .event | sort | uniq -c\n",
        OPTIONS(events_options),
        .usage_status = WARDI_EXIT_USAGE,
        .run = wardi_events_run,
    },
    {
        .name = "logs",
        .args = "[NAME]",
        .args_min = 0,
        .args_max = 1,
        .args_kind = WARDI_ARGS_MEMBERS,
        .summary = "print what components of a ward that runs have logged",
        .about =
            "Prints the last lines of all components, or of one and its instances. Ward keeps\n"
            "some 8000 in memory, and none over its own end.\n\n"
            "Exit status: 0; 1 it could not be done, and why is said; 2 wrong usage.\n",
        .examples = "  ward logs api -f\n"
                    "  ward logs -l warn -n 20\n",
        OPTIONS(logs_options),
        .usage_status = WARDI_EXIT_USAGE,
        .run = wardi_logs_run,
    },
    {
        .name = "metrics",
        .args = "[NAME]",
        .args_min = 0,
        .args_max = 1,
        .args_kind = WARDI_ARGS_MEMBERS,
        .summary = "print the metrics of a ward that runs",
        .about = "Prints what /metrics answers, of all or of one component, in the text format of\n"
                 "Prometheus.\n"
                 "\n"
                 "Exit status: 0; 1 it could not be done, and why is said; 2 wrong usage.\n",
        .examples = "  ward metrics\n"
                    "  ward metrics api | grep memory\n",
        OPTIONS(socket_options),
        .usage_status = WARDI_EXIT_USAGE,
        .run = wardi_metrics_run,
    },
    {
        .name = "start",
        .args = "NAME...",
        .args_min = 1,
        .args_max = 64,
        .args_kind = WARDI_ARGS_MEMBERS,
        .summary = "start components or groups that are stopped",
        .about = "Wants them up from now on; one that waits for its restart is started at once. "
                 "Returns when that is\n"
                 "asked; `ward events -f` shows what comes of it.\n"
                 "\n"
                 "Exit status: 0; 1 it could not be done, and why is said; 2 wrong usage.\n",
        .examples = "  ward start api\n",
        OPTIONS(socket_options),
        .usage_status = WARDI_EXIT_USAGE,
        .run = wardi_start_run,
    },
    {
        .name = "stop",
        .args = "NAME...",
        .args_min = 1,
        .args_max = 64,
        .args_kind = WARDI_ARGS_MEMBERS,
        .summary = "stop components or groups of a ward that runs",
        .about = "They stay down until they are started. Returns when that is\n"
                 "asked; `ward events -f` shows what comes of it.\n"
                 "\n"
                 "Exit status: 0; 1 it could not be done, and why is said; 2 wrong usage.\n",
        .examples = "  ward stop api\n",
        OPTIONS(socket_options),
        .usage_status = WARDI_EXIT_USAGE,
        .run = wardi_stop_run,
    },
    {
        .name = "restart",
        .args = "NAME...",
        .args_min = 1,
        .args_max = 64,
        .args_kind = WARDI_ARGS_MEMBERS,
        .summary = "restart components or groups",
        .about = "Gives each a new run, at once. Returns when that is\n"
                 "asked; `ward events -f` shows what comes of it.\n"
                 "\n"
                 "Exit status: 0; 1 it could not be done, and why is said; 2 wrong usage.\n",
        .examples = "  ward restart api\n",
        OPTIONS(socket_options),
        .usage_status = WARDI_EXIT_USAGE,
        .run = wardi_restart_run,
    },
    {
        .name = "quarantine",
        .args = "NAME...",
        .args_min = 1,
        .args_max = 64,
        .args_kind = WARDI_ARGS_MEMBERS,
        .summary = "take components or groups out of service",
        .about = "They stay down until they are released, whatever their group does. Returns when "
                 "that is\n"
                 "asked; `ward events -f` shows what comes of it.\n"
                 "\n"
                 "Exit status: 0; 1 it could not be done, and why is said; 2 wrong usage.\n",
        .examples = "  ward quarantine api\n",
        OPTIONS(socket_options),
        .usage_status = WARDI_EXIT_USAGE,
        .run = wardi_quarantine_run,
    },
    {
        .name = "release",
        .args = "NAME...",
        .args_min = 1,
        .args_max = 64,
        .args_kind = WARDI_ARGS_MEMBERS,
        .summary = "let back in what was given up or quarantined",
        .about = "They are tried again. Returns when that is\n"
                 "asked; `ward events -f` shows what comes of it.\n"
                 "\n"
                 "Exit status: 0; 1 it could not be done, and why is said; 2 wrong usage.\n",
        .examples = "  ward release api\n",
        OPTIONS(socket_options),
        .usage_status = WARDI_EXIT_USAGE,
        .run = wardi_release_run,
    },
    {
        .name = "reload",
        .args = "",
        .args_kind = WARDI_ARGS_NONE,
        .summary = "read the configuration of a ward that runs anew",
        .about =
            "Has a ward that runs read its configuration anew, as SIGHUP does, and waits until\n"
            "that is done: what the file has no more is stopped and removed, what it has\n"
            "otherwise is replaced in its place, what is new is added. What is unchanged is\n"
            "not touched. A file with mistakes changes nothing.\n\n"
            "Exit status: 0; 1 the file has mistakes, which are printed, something of it\n"
            "failed, or no ward answers; 2 wrong usage.\n",
        .examples = "  ward validate --load ward.yaml && ward reload\n"
                    "  ward reload --json | jq .components.changed\n",
        OPTIONS(reload_options),
        .usage_status = WARDI_EXIT_USAGE,
        .run = wardi_reload_run,
    },
    {
        .name = "call",
        .args = "NAME FUNCTION [ARG...]",
        .args_min = 2,
        .args_max = 18,
        .args_kind = WARDI_ARGS_MEMBERS,
        .summary = "call an export of a component that runs",
        .about =
            "Calls a function with numbers and prints its results, one a line. 7 is an i32, or an\n"
            "i64 if it is large; 0.5 is an f64; i64:7 and f32:1 say which. Negative ones stand\n"
            "behind --.\n"
            "\n"
            "Exit status: 0; 1 it could not be done, and why is said; 2 wrong usage.\n",
        .examples = "  ward call adder add 2 3\n"
                    "  ward call adder add -- -2 3\n",
        OPTIONS(call_options),
        .usage_status = WARDI_EXIT_USAGE,
        .run = wardi_call_run,
    },
    {
        .name = "send",
        .args = "NAME [TEXT]",
        .args_min = 1,
        .args_max = 2,
        .args_kind = WARDI_ARGS_MEMBERS,
        .summary = "send a message to a component that runs",
        .about =
            "Sends TEXT, or standard input, to its export handle-message. Nobody waits for an\n"
            "answer.\n"
            "\n"
            "Exit status: 0; 1 it could not be done, and why is said; 2 wrong usage.\n",
        .examples = "  ward send api hello\n"
                    "  ward send api < message.bin\n",
        OPTIONS(socket_options),
        .usage_status = WARDI_EXIT_USAGE,
        .run = wardi_send_run,
    },
    {
        .name = "completion",
        .args = "SHELL",
        .args_min = 1,
        .args_max = 1,
        .args_kind = WARDI_ARGS_OTHER,
        .words = shells,
        .summary = "print the completions of bash, zsh or fish",
        .about = "Prints what a shell needs to complete commands, options and files.\n\n"
                 "Exit status: 0; 2 wrong usage.\n",
        .examples = "  source <(ward completion bash)\n"
                    "  ward completion zsh > ~/.zfunc/_ward     # a directory of your fpath\n"
                    "  ward completion fish > ~/.config/fish/completions/ward.fish\n",
        .usage_status = WARDI_EXIT_USAGE,
        .run = wardi_completion_run,
    },
    {
        .name = "help",
        .args = "[COMMAND]",
        .args_max = 2,
        .args_kind = WARDI_ARGS_COMMAND,
        .summary = "explain a command",
        .about = "Shows what `ward COMMAND --help` shows.\n",
        .examples = "  ward help check\n"
                    "  ward help frame decode\n",
        .usage_status = WARDI_EXIT_USAGE,
        .run = wardi_help_run,
    },
    {
        .name = "version",
        .args = "",
        .args_kind = WARDI_ARGS_NONE,
        .summary = "print the version of Ward and of its engine",
        .about = "Prints the version of Ward and of its engine.\n",
        .examples = "  ward version\n"
                    "  ward version --json | jq -r .engine\n",
        OPTIONS(version_options),
        .usage_status = WARDI_EXIT_USAGE,
        .run = wardi_version_run,
    },
};
const size_t wardi_command_count = WARD_COUNT(wardi_commands);
