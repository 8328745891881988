/* What ward check found, and how it is shown. */
#ifndef WARDI_CLI_REPORT_H
#define WARDI_CLI_REPORT_H

#include "cli/cli.h"
#include "cli/histogram.h"

typedef struct wardi_check_report {
    const char *name;
    ward_error error; /* of load or start */
    ward_diag diag;
    ward_error stop_error;
    ward_diag stop_diag;
    bool known;  /* there is a verdict */
    bool loaded; /* and `started`: how far it came */
    bool started, has_info;
    ward_verdict verdict; /* the worst of all */
    ward_trap trap;
    ward_figures figures;
    ward_module_info info;
    uint64_t loaded_ns, started_ns; /* how long each took */
    uint64_t tally[3];              /* by health */
    wardi_histogram latency;        /* of whole checks */
} wardi_check_report;

void wardi_check_print(const wardi_check_report *report, bool verbose, bool repeated);
void wardi_check_print_json(const wardi_check_report *report, bool verbose, bool repeated);

/** A component's name from its file's: "plugin" of "a/plugin.wasm"; what names cannot have becomes
 * "_". */
enum { WARDI_NAME_BYTES = 128 };
const char *wardi_name_of_path(char buffer[WARDI_NAME_BYTES], const char *path);
/** Memories that the one component of a command may have: as many as the engine lets it. */
enum { WARDI_MEMORIES_OF_ONE = 64 };
/** "off" → no cache; NULL → the default. */
const char *wardi_cache_option(const char *option);

#endif
