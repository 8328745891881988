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
    uint64_t stop_timeout_ns;
    const char *log_level;
} wardi_run_settings;

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
int wardi_completion_run(const void *settings, char **args, int arg_count);
int wardi_help_run(const void *settings, char **args, int arg_count);
int wardi_version_run(const void *settings, char **args, int arg_count);

#endif
