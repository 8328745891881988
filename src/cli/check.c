#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/bar.h"
#include "cli/histogram.h"
#include "cli/json.h"
#include "cli/report.h"
#include "cli/settings.h"

/* A file that never became a component: nothing can be said of its health. Everything else that
 * keeps a component from serving is the component's own failure. */
static bool is_unknown(ward_error error)
{
    switch (error) {
    case WARD_ERROR_TRAP:
    case WARD_ERROR_DEADLINE:
    case WARD_ERROR_FUEL:
    case WARD_ERROR_EXIT:
    case WARD_ERROR_INTERRUPTED:
    case WARD_ERROR_LIMIT_MEMORY:
    case WARD_ERROR_LIMIT_TABLE:
    case WARD_ERROR_IMPORT_MISSING:
    case WARD_ERROR_EXPORT_MISSING:
    case WARD_ERROR_EXPORT_TYPE: return false;
    default: return true;
    }
}

static ward_fallback fallback_of(const char *name)
{
    if (name == NULL) return WARD_FALLBACK_DEFAULT;
    return strcmp(name, "state") == 0      ? WARD_FALLBACK_STATE
           : strcmp(name, "degraded") == 0 ? WARD_FALLBACK_DEGRADED
                                           : WARD_FALLBACK_FAILED;
}

static void check_repeated(ward_component *component, uint64_t times, wardi_check_report *report)
{
    ward_verdict verdict;
    for (uint64_t i = 0; i < times; i++) {
        uint64_t start = wardi_ticks();
        ward_component_check(component, &verdict);
        wardi_histogram_add(&report->latency, wardi_ticks_span_ns(start, wardi_ticks()));
        report->tally[verdict.health]++;
        if (i == 0 || verdict.health > report->verdict.health) report->verdict = verdict;
    }
}

/* The headline begins with the name already. */
static void drop_name(ward_diag *diag, const char *name)
{
    size_t length = strlen(name);
    if (strncmp(diag->text, name, length) != 0 || strncmp(diag->text + length, ": ", 2) != 0)
        return;
    memmove(diag->text, diag->text + length + 2, strlen(diag->text + length + 2) + 1);
}

/* A start that fails leaves the component Failed, and its verdict says why. */
static void check_component(ward_component *component, const wardi_check_settings *settings,
                            char *path, wardi_check_report *report)
{
    uint64_t begin = wardi_now_ns();
    wardi_bar *progress = wardi_bar_new(wardi_bar_of_file, path);
    report->error = ward_component_load(component, &report->diag);
    wardi_bar_free(progress);
    report->loaded_ns = wardi_now_ns();
    if (report->error == WARD_OK) {
        report->loaded = true;
        report->error = ward_component_start(component, &report->diag);
    }
    report->started_ns = wardi_now_ns() - report->loaded_ns;
    report->loaded_ns -= begin;
    if (report->error != WARD_OK) drop_name(&report->diag, report->name);
    if (report->error != WARD_OK && is_unknown(report->error)) return;
    report->known = true;
    report->started = report->error == WARD_OK;
    if (report->started) {
        check_repeated(component, settings->repeat != 0 ? settings->repeat : 1, report);
    } else {
        report->verdict = (ward_verdict){.health = WARD_CHILD_FAILED, .source = WARD_SOURCE_STATE};
        wardi_reason_set(&report->verdict.reason, report->diag.text);
        report->tally[WARD_CHILD_FAILED] = 1;
    }
    ward_component_last_trap(component, &report->trap);
    report->figures = (ward_figures)WARD_INIT(ward_figures);
    ward_component_figures(component, &report->figures);
    if (report->loaded && ward_component_module_info(component, &report->info) == WARD_OK)
        report->has_info = true;
}

static int exit_status(const wardi_check_report *report)
{
    if (!report->known) return WARDI_EXIT_UNKNOWN;
    switch (report->verdict.health) {
    case WARD_CHILD_HEALTHY: return WARDI_EXIT_OK;
    case WARD_CHILD_DEGRADED: return WARDI_EXIT_DEGRADED;
    case WARD_CHILD_FAILED: return WARDI_EXIT_UNHEALTHY;
    }
    return WARDI_EXIT_UNKNOWN;
}

static ward_error open_component(const wardi_check_settings *settings, const char *path,
                                 const char *name, ward_host **ret_host,
                                 ward_component **ret_component, ward_diag *ret_diag)
{
    ward_host_options host_options = WARD_INIT(ward_host_options);
    ward_component_options options = WARD_INIT(ward_component_options);
    bool dense = settings->profile != NULL && strcmp(settings->profile, "dense") == 0;
    host_options.profile = dense ? WARD_MEMORY_DENSE : WARD_MEMORY_GUARDED;
    host_options.components_max = WARDI_MEMORIES_OF_ONE;
    host_options.cache_directory = wardi_cache_option(settings->cache);
    host_options.compile_memory_max = settings->compile_memory_bytes;
    if (dense) host_options.memory_bytes_max = settings->memory_bytes;
    options.name = name;
    options.path = path;
    options.limits.memory_bytes_max = settings->memory_bytes;
    options.limits.fuel_per_call = settings->fuel;
    options.start_timeout_ns = settings->start_timeout_ns;
    options.stop_timeout_ns = settings->stop_timeout_ns;
    options.health.timeout_ns = settings->timeout_ns;
    options.health.on_trap = fallback_of(settings->on_trap);
    options.health.on_malformed = fallback_of(settings->on_malformed);
    ward_host *host;
    ward_error error = wardi_cli_host_open(&host_options, &host, ret_diag);
    if (error != WARD_OK) return error;
    error = ward_component_new(host, &options, ret_component, ret_diag);
    if (error == WARD_OK)
        *ret_host = host;
    else
        wardi_cli_host_close(host);
    return error;
}

int wardi_check_run(const void *settings, char **args, int arg_count)
{
    const wardi_check_settings *check = settings;
    char name[WARDI_NAME_BYTES];
    ward_host *host = NULL;
    ward_component *component = NULL;
    (void)arg_count;
    wardi_check_report *report = wardi_alloc(sizeof *report);
    if (report == NULL) {
        wardi_complain("check: out of memory");
        return WARDI_EXIT_UNKNOWN;
    }
    report->name = wardi_name_of_path(name, args[0]);
    report->error = open_component(check, args[0], name, &host, &component, &report->diag);
    if (report->error == WARD_OK) {
        check_component(component, check, args[0], report);
        if (report->started)
            report->stop_error = ward_component_stop(component, &report->stop_diag);
    }
    if (check->json)
        wardi_check_print_json(report, check->verbose, check->repeat != 0);
    else
        wardi_check_print(report, check->verbose, check->repeat != 0);
    int status = wardi_output_finish(exit_status(report), WARDI_EXIT_UNKNOWN);
    ward_component_free(component);
    wardi_cli_host_close(host);
    wardi_free(report);
    return status;
}
