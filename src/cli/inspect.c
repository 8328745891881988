#include <string.h>

#include "cli/bar.h"
#include "cli/json.h"
#include "cli/report.h"
#include "cli/settings.h"

#define INSPECT_TIMEOUT (3600 * WARDI_S)

static const char *form_name(ward_health_form form)
{
    switch (form) {
    case WARD_HEALTH_FORM_NONE: return "none";
    case WARD_HEALTH_FORM_I32: return "i32";
    case WARD_HEALTH_FORM_I64: return "i64";
    case WARD_HEALTH_FORM_LIST: return "list";
    case WARD_HEALTH_FORM_TYPED: return "typed";
    }
    return "unknown";
}

static const char *form_text(ward_health_form form)
{
    switch (form) {
    case WARD_HEALTH_FORM_NONE: return "no health export: healthy while it is ready";
    case WARD_HEALTH_FORM_I32: return "_health: () -> i32 (address of a frame)";
    case WARD_HEALTH_FORM_I64: return "_health: () -> i64 (length and address of a frame)";
    case WARD_HEALTH_FORM_LIST: return "health: func() -> list<u8> (a frame)";
    case WARD_HEALTH_FORM_TYPED: return "health: func() -> variant (the status itself)";
    }
    return "unknown";
}

/* ---- for people ---- */

static void safe(const char *text)
{
    wardi_output_safe(stdout, text, strlen(text));
}

static int width_of(const ward_extern *externs, size_t count, bool of_modules)
{
    enum { WIDTH_MAX = 36 };
    size_t width = 0;
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(of_modules ? externs[i].module : externs[i].name);
        if (length > width) width = length;
    }
    return width < WIDTH_MAX ? (int)width : WIDTH_MAX;
}

static void cell(const char *text, int width)
{
    int length = (int)strlen(text);
    safe(text);
    printf("%*s", length < width ? width - length + 2 : 2, "");
}

static void print_externs(const char *title, const ward_extern *externs, size_t count, bool imports)
{
    char head[48];
    wardi_text text = WARDI_TEXT(head);
    wardi_text_printf(&text, "%s (%zu)", title, count);
    wardi_output_styled(stdout, WARDI_BOLD, head);
    putchar('\n');
    int modules = width_of(externs, count, true), names = width_of(externs, count, false);
    for (size_t i = 0; i < count; i++) {
        fputs("  ", stdout);
        if (imports) cell(externs[i].module, modules);
        cell(externs[i].name, names);
        safe(externs[i].type);
        if (imports && externs[i].waits) wardi_output_styled(stdout, WARDI_YELLOW, "  waits");
        if (imports && !externs[i].offered) wardi_output_styled(stdout, WARDI_RED, "  not offered");
        putchar('\n');
    }
}

static void print_human(const char *path, const ward_module_info *info)
{
    char bytes[32], time[32];
    wardi_text text = WARDI_TEXT(bytes);
    wardi_text_size(&text, info->byte_count);
    text = WARDI_TEXT(time);
    wardi_text_duration(&text, info->compile_ns);
    wardi_output_styled(stdout, WARDI_BOLD, path);
    printf(": %s, %s, %s%s\n", info->is_component ? "component" : "core module", bytes,
           info->from_cache ? "from the cache" : "compiled in ", info->from_cache ? "" : time);
    printf("  health     %s\n", form_text(info->health_form));
    printf("  fast path  %s: %s\n", info->fast_path ? "yes" : "no", info->fast_path_reason);
    print_externs("imports", info->imports, info->import_count, true);
    print_externs("exports", info->exports, info->export_count, false);
}

/* ---- for scripts ---- */

static json_t *externs_json(const ward_extern *externs, size_t count, bool imports)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *object = json_object();
        if (imports) json_object_set_new(object, "module", json_string(externs[i].module));
        json_object_set_new(object, "name", json_string(externs[i].name));
        json_object_set_new(object, "type", json_string(externs[i].type));
        if (imports) {
            json_object_set_new(object, "offered", json_boolean(externs[i].offered));
            json_object_set_new(object, "waits", json_boolean(externs[i].waits));
        }
        json_array_append_new(list, object);
    }
    return list;
}

static void print_json(const char *path, const ward_module_info *info)
{
    wardi_json_print(json_pack(
        "{s:o, s:s, s:I, s:b, s:I, s:s, s:b, s:s, s:o, s:o}", "file", wardi_json_text(path), "kind",
        info->is_component ? "component" : "module", "bytes", (json_int_t)info->byte_count,
        "from_cache", info->from_cache, "compile_ns", (json_int_t)info->compile_ns, "health_form",
        form_name(info->health_form), "fast_path", info->fast_path, "fast_path_reason",
        info->fast_path_reason, "imports", externs_json(info->imports, info->import_count, true),
        "exports", externs_json(info->exports, info->export_count, false)));
}

static int inspect(ward_host *host, char *path, bool json)
{
    char name[WARDI_NAME_BYTES];
    ward_diag diag;
    ward_component *component;
    ward_module_info info;
    ward_component_options options = WARD_INIT(ward_component_options);
    options.name = wardi_name_of_path(name, path);
    options.path = path;
    options.start_timeout_ns =
        INSPECT_TIMEOUT; /* nobody serves meanwhile: take what compiling takes */
    ward_error error = ward_component_new(host, &options, &component, &diag);
    if (error == WARD_OK) {
        wardi_bar *progress = wardi_bar_new(wardi_bar_of_file, path);
        error = ward_component_load(component, &diag);
        wardi_bar_free(progress);
        /* What keeps it from running is worth seeing too, where it was loaded as far as that. */
        bool described = ward_component_module_info(component, &info) == WARD_OK;
        if (described && json)
            print_json(path, &info);
        else if (described)
            print_human(path, &info);
        ward_component_free(component);
    }
    if (error != WARD_OK) wardi_complain("inspect: %s", diag.text);
    return error == WARD_OK ? WARDI_EXIT_OK : WARDI_EXIT_FAILED;
}

int wardi_inspect_run(const void *settings, char **args, int arg_count)
{
    const wardi_inspect_settings *given = settings;
    ward_host_options options = WARD_INIT(ward_host_options);
    ward_host *host;
    ward_diag diag;
    (void)arg_count;
    options.components_max = WARDI_MEMORIES_OF_ONE;
    options.cache_directory = wardi_cache_option(given->cache);
    options.compile_memory_max = given->compile_memory_bytes;
    if (wardi_cli_host_open(&options, &host, &diag) != WARD_OK) {
        wardi_complain("inspect: %s", diag.text);
        return WARDI_EXIT_FAILED;
    }
    int status = inspect(host, args[0], given->json);
    wardi_cli_host_close(host);
    return wardi_output_finish(status, WARDI_EXIT_FAILED);
}
