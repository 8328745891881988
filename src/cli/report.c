#include "cli/report.h"

#include <string.h>

#include "cli/evidence.h"
#include "cli/json.h"

const char *wardi_name_of_path(char buffer[WARDI_NAME_BYTES], const char *path)
{
    const char *slash = strrchr(path, '/'), *base = slash != NULL ? slash + 1 : path;
    const char *dot = strrchr(base, '.');
    size_t length = dot != NULL && dot != base ? (size_t)(dot - base) : strlen(base);
    if (length > WARDI_NAME_BYTES - 1) length = WARDI_NAME_BYTES - 1;
    memcpy(buffer, base, length);
    buffer[length] = '\0';
    for (size_t i = 0; i < length; i++) {
        char one[] = {'x', buffer[i], '\0'};
        if (!wardi_name_valid(i == 0 ? one + 1 : one)) buffer[i] = '_';
    }
    if (length == 0) strcpy(buffer, "_");
    return buffer;
}

const char *wardi_cache_option(const char *option)
{
    return option != NULL && strcmp(option, "off") == 0 ? "" : option;
}

/* ---- for people ---- */

static void row(const char *label, const char *format, ...) WARD_PRINTF(2, 3);
static void row(const char *label, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    printf("  %-10s", label);
    vprintf(format, args);
    putchar('\n');
    va_end(args);
}

static const char *duration(char buffer[32], uint64_t ns)
{
    wardi_text text = wardi_text_on(buffer, 32);
    wardi_text_duration(&text, ns);
    return buffer;
}

static const char *size(char buffer[32], uint64_t bytes)
{
    wardi_text text = wardi_text_on(buffer, 32);
    wardi_text_size(&text, bytes);
    return buffer;
}

static void print_headline(const wardi_check_report *report)
{
    const ward_verdict *verdict = &report->verdict;
    printf("%s: ", report->name);
    wardi_output_styled(stdout, wardi_style_of(verdict->health),
                        ward_child_health_name(verdict->health));
    if (verdict->reason.length > 0) fputs(": ", stdout);
    /* Why it did not start may take several lines, and more than a reason holds. */
    if (report->error != WARD_OK)
        wardi_output_lines(stdout, report->diag.text);
    else
        wardi_output_safe(stdout, verdict->reason.text, verdict->reason.length);
    puts(report->error == WARD_OK && verdict->reason.cut ? "…" : "");
}

static void print_trap(const ward_trap *trap)
{
    enum { INDENT = 12 };
    if (trap->error == WARD_OK) return;
    fputs("  trap      ", stdout);
    wardi_trap_print(stdout, trap, INDENT, WARD_FRAMES_MAX);
}

static void print_contributors(const ward_verdict *verdict)
{
    for (uint32_t i = 0; i < verdict->contributor_count; i++) {
        const ward_contributor *voice = &verdict->contributors[i];
        bool resource = voice->source == WARD_SOURCE_RESOURCE;
        printf("  %-10s", i == 0 ? "voices" : "");
        wardi_output_styled(stdout, wardi_style_of(voice->health),
                            ward_child_health_name(voice->health));
        printf(" (%s): ",
               resource ? ward_resource_name(voice->resource) : ward_source_name(voice->source));
        wardi_output_safe(stdout, voice->text, strlen(voice->text));
        putchar('\n');
    }
}

static void print_figures(const wardi_check_report *report)
{
    char one[32], other[32];
    const ward_figures *figures = &report->figures;
    if (report->has_info)
        row("load", "%s%s", duration(one, report->loaded_ns),
            report->info.from_cache ? ", from the cache" : ", compiled");
    if (report->started) row("start", "%s", duration(one, report->started_ns));
    if (report->has_info)
        row("fast path", "%s: %s", report->info.fast_path ? "yes" : "no",
            report->info.fast_path_reason);
    row("memory", "%s of %s", size(one, figures->memory_bytes),
        size(other, figures->memory_bytes_max));
    if (figures->fuel_per_call != 0)
        row("fuel", "%llu of %llu", (unsigned long long)figures->fuel_peak,
            (unsigned long long)figures->fuel_per_call);
}

static void print_repeated(const wardi_check_report *report)
{
    if (report->latency.count == 0) return;
    printf("  checks    %llu healthy, %llu degraded, %llu failed\n\n",
           (unsigned long long)report->tally[WARD_CHILD_HEALTHY],
           (unsigned long long)report->tally[WARD_CHILD_DEGRADED],
           (unsigned long long)report->tally[WARD_CHILD_FAILED]);
    wardi_histogram_print(&report->latency, stdout);
}

void wardi_check_print(const wardi_check_report *report, bool verbose, bool repeated)
{
    const ward_verdict *verdict = &report->verdict;
    char figure[32];
    if (!report->known) {
        wardi_complain("check: %s", report->diag.text);
        return;
    }
    print_headline(report);
    row("source", "%s%s%s", ward_source_name(verdict->source),
        verdict->probe_error != WARD_PROBE_OK ? ", probe error: " : "",
        verdict->probe_error != WARD_PROBE_OK ? ward_probe_error_name(verdict->probe_error) : "");
    if (verdict->duration_ns != 0 && !repeated)
        row("probe", "%s", duration(figure, verdict->duration_ns));
    if (verbose) print_contributors(verdict);
    if (verbose) print_figures(report);
    print_trap(&report->trap);
    if (report->stop_error != WARD_OK) row("stop", "%s", report->stop_diag.text);
    if (repeated) print_repeated(report);
}

/* ---- for scripts ---- */

static json_t *stop_json(const wardi_check_report *report)
{
    if (report->stop_error == WARD_OK) return json_null();
    return json_pack("{s:s, s:s}", "error", ward_error_name(report->stop_error), "detail",
                     report->stop_diag.text);
}

static json_t *contributors_json(const ward_verdict *verdict)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < verdict->contributor_count; i++) {
        const ward_contributor *voice = &verdict->contributors[i];
        bool resource = voice->source == WARD_SOURCE_RESOURCE;
        json_array_append_new(
            list,
            json_pack("{s:s, s:o, s:s, s:s}", "source", ward_source_name(voice->source), "resource",
                      wardi_json_text(resource ? ward_resource_name(voice->resource) : NULL),
                      "health", ward_child_health_name(voice->health), "reason", voice->text));
    }
    return list;
}

/* How often each error of the probe was met, those that policy made healthy included. */
static json_t *probe_errors_json(const ward_figures *figures)
{
    json_t *object = json_object();
    for (int i = WARD_PROBE_OK + 1; i < WARD_PROBE_ERROR_COUNT; i++)
        if (figures->probe_errors[i] != 0)
            json_object_set_new(object, ward_probe_error_name((ward_probe_error)i),
                                json_integer((json_int_t)figures->probe_errors[i]));
    return object;
}

static json_t *figures_json(const wardi_check_report *report)
{
    const ward_figures *figures = &report->figures;
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:b, s:o}", "load_ns",
                     (json_int_t)report->loaded_ns, "start_ns", (json_int_t)report->started_ns,
                     "memory_bytes", (json_int_t)figures->memory_bytes, "memory_bytes_max",
                     (json_int_t)figures->memory_bytes_max, "fuel_peak",
                     (json_int_t)figures->fuel_peak, "growths_refused",
                     (json_int_t)figures->growths_refused, "from_cache", report->info.from_cache,
                     "fast_path", report->info.fast_path, "probe_errors",
                     probe_errors_json(figures));
}

static json_t *repeated_json(const wardi_check_report *report)
{
    const wardi_histogram *latency = &report->latency;
    return json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "checks", (json_int_t)latency->count,
        "healthy", (json_int_t)report->tally[WARD_CHILD_HEALTHY], "degraded",
        (json_int_t)report->tally[WARD_CHILD_DEGRADED], "failed",
        (json_int_t)report->tally[WARD_CHILD_FAILED], "p50_ns",
        (json_int_t)wardi_histogram_at(latency, 0.5), "p90_ns",
        (json_int_t)wardi_histogram_at(latency, 0.9), "p99_ns",
        (json_int_t)wardi_histogram_at(latency, 0.99), "p999_ns",
        (json_int_t)wardi_histogram_at(latency, 0.999), "max_ns", (json_int_t)latency->max);
}

void wardi_check_print_json(const wardi_check_report *report, bool verbose, bool repeated)
{
    const ward_verdict *verdict = &report->verdict;
    if (!report->known) {
        wardi_json_print(json_pack("{s:s, s:s, s:o}", "component", report->name, "error",
                                   ward_error_name(report->error), "detail",
                                   wardi_json_text(report->diag.text)));
        return;
    }
    bool failed = verdict->probe_error != WARD_PROBE_OK;
    json_t *object = json_pack(
        "{s:s, s:s, s:o, s:s, s:o, s:I}", "component", report->name, "health",
        ward_child_health_name(verdict->health), "reason", wardi_json_reason(&verdict->reason),
        "source", ward_source_name(verdict->source), "probe_error",
        wardi_json_text(failed ? ward_probe_error_name(verdict->probe_error) : NULL), "duration_ns",
        (json_int_t)verdict->duration_ns);
    if (verbose) {
        json_object_set_new(object, "reason_cut", json_boolean(verdict->reason.cut));
        json_object_set_new(object, "contributors", contributors_json(verdict));
        json_object_set_new(object, "figures", figures_json(report));
        json_object_set_new(object, "trap", wardi_trap_json(&report->trap));
        json_object_set_new(object, "stop", stop_json(report));
    }
    if (repeated) json_object_set_new(object, "repeat", repeated_json(report));
    wardi_json_print(object);
}
