/* What the options of each command are read into. */
#ifndef WARDI_CLI_SETTINGS_H
#define WARDI_CLI_SETTINGS_H

#include "cli/cli.h"

typedef struct wardi_check_settings {
    bool json, verbose;
    uint64_t repeat;
    uint64_t timeout_ns, start_timeout_ns, stop_timeout_ns, memory_bytes, fuel;
    uint64_t compile_memory_bytes;
    const char *profile, *on_trap, *on_malformed, *cache;
} wardi_check_settings;

typedef struct wardi_inspect_settings {
    bool json;
    uint64_t compile_memory_bytes;
    const char *cache;
} wardi_inspect_settings;

typedef struct wardi_frame_settings {
    bool json, raw;
    const char *codec;
} wardi_frame_settings;

typedef struct wardi_validate_settings {
    bool json, load, schema;
} wardi_validate_settings;

typedef struct wardi_explain_settings {
    bool json;
} wardi_explain_settings;

typedef struct wardi_run_settings {
    bool json, quiet;
    uint64_t stop_timeout_ns, ready_fd;
    const char *log_level;
} wardi_run_settings;

/* Of the commands that talk to a ward that runs. */
typedef struct wardi_client_settings {
    const char *socket;
    bool json;
} wardi_client_settings;

typedef struct wardi_ps_settings {
    const char *socket, *output, *sort, *condition, *group;
    bool watch, groups;
} wardi_ps_settings;

typedef struct wardi_top_settings {
    const char *socket, *sort;
    uint64_t interval_ns;
    bool reverse, groups;
} wardi_top_settings;

typedef struct wardi_health_settings {
    const char *socket;
    uint64_t timeout_ns;
    bool live, quiet;
} wardi_health_settings;

typedef struct wardi_evidence_settings {
    const char *socket;
    bool json;
    uint64_t number;
} wardi_evidence_settings;

typedef struct wardi_events_settings {
    const char *socket, *journal, *component;
    bool json, follow;
    uint64_t since_ns, limit;
} wardi_events_settings;

typedef struct wardi_logs_settings {
    const char *socket, *level;
    bool json, follow;
    uint64_t limit;
} wardi_logs_settings;

typedef struct wardi_call_settings {
    const char *socket;
    bool json;
    uint64_t timeout_ns;
} wardi_call_settings;

typedef struct wardi_reload_settings {
    const char *socket;
    bool json;
    uint64_t timeout_ns;
} wardi_reload_settings;

typedef struct wardi_plain_settings {
    bool json;
} wardi_plain_settings;

int wardi_check_run(const void *settings, char **args, int arg_count);
int wardi_inspect_run(const void *settings, char **args, int arg_count);
int wardi_frame_decode_run(const void *settings, char **args, int arg_count);
int wardi_frame_encode_run(const void *settings, char **args, int arg_count);
int wardi_validate_run(const void *settings, char **args, int arg_count);
int wardi_explain_run(const void *settings, char **args, int arg_count);
int wardi_run_run(const void *settings, char **args, int arg_count);
int wardi_ps_run(const void *settings, char **args, int arg_count);
int wardi_top_run(const void *settings, char **args, int arg_count);
int wardi_tree_run(const void *settings, char **args, int arg_count);
int wardi_health_run(const void *settings, char **args, int arg_count);
int wardi_why_run(const void *settings, char **args, int arg_count);
int wardi_evidence_run(const void *settings, char **args, int arg_count);
int wardi_metrics_run(const void *settings, char **args, int arg_count);
int wardi_events_run(const void *settings, char **args, int arg_count);
int wardi_logs_run(const void *settings, char **args, int arg_count);
int wardi_start_run(const void *settings, char **args, int arg_count);
int wardi_stop_run(const void *settings, char **args, int arg_count);
int wardi_restart_run(const void *settings, char **args, int arg_count);
int wardi_quarantine_run(const void *settings, char **args, int arg_count);
int wardi_release_run(const void *settings, char **args, int arg_count);
int wardi_reload_run(const void *settings, char **args, int arg_count);
int wardi_call_run(const void *settings, char **args, int arg_count);
int wardi_send_run(const void *settings, char **args, int arg_count);
int wardi_completion_run(const void *settings, char **args, int arg_count);
int wardi_help_run(const void *settings, char **args, int arg_count);
int wardi_version_run(const void *settings, char **args, int arg_count);

#endif
