#include <stdlib.h>
#include <string.h>

#include "cli/bar.h"
#include "cli/config.h"
#include "cli/json.h"
#include "cli/reload_text.h"
#include "cli/settings.h"
#include "component/component.h"

static void print_mistake(FILE *to, const char *file, const wardi_mistake *mistake, bool warning)
{
    char place[40];
    wardi_text text = WARDI_TEXT(place);
    wardi_text_printf(&text, ":%u:%u:", mistake->place.line, mistake->place.column);
    wardi_output_level(to, warning ? WARDI_LEVEL_WARNING : WARDI_LEVEL_ERROR);
    wardi_output_styled(to, WARDI_BOLD, file);
    wardi_output_styled(to, WARDI_BOLD, place);
    fputc(' ', to);
    if (warning) wardi_output_styled(to, WARDI_YELLOW, "warning: ");
    wardi_output_safe(to, mistake->text, strlen(mistake->text));
    fputc('\n', to);
}

static void print_all(FILE *to, const char *file, const wardi_mistakes *mistakes, bool warnings)
{
    for (size_t i = 0; i < mistakes->kept; i++)
        print_mistake(to, file, &mistakes->items[i], warnings);
    if (mistakes->count <= mistakes->kept) return;
    wardi_output_level(to, warnings ? WARDI_LEVEL_WARNING : WARDI_LEVEL_ERROR);
    fprintf(to, "… and %zu more\n", mistakes->count - mistakes->kept);
}

void wardi_mistakes_print(FILE *to, const char *file, const wardi_mistakes *mistakes)
{
    print_all(to, file, mistakes, false);
    wardi_output_level(to, WARDI_LEVEL_ERROR);
    wardi_output_safe(to, file, strlen(file));
    fprintf(to, ": %zu mistake%s\n", mistakes->count, mistakes->count == 1 ? "" : "s");
}

void wardi_warnings_print(FILE *to, const char *file, const wardi_mistakes *warnings)
{
    print_all(to, file, warnings, true);
}

static void print_json(const char *file, const wardi_mistakes *mistakes,
                       const wardi_mistakes *warnings, size_t component_count)
{
    wardi_json_print(json_pack(
        "{s:o, s:b, s:I, s:I, s:o, s:I, s:o}", "file", wardi_json_text(file), "valid",
        mistakes->count == 0, "components", (json_int_t)component_count, "mistake_count",
        (json_int_t)mistakes->count, "mistakes", wardi_mistakes_json(mistakes), "warning_count",
        (json_int_t)warnings->count, "warnings", wardi_mistakes_json(warnings)));
}

/* ---- what only this machine, and with --load the modules themselves, tell ---- */

static void load_child(ward_host *host, const wardi_config *config, const wardi_config_child *child,
                       wardi_mistakes *mistakes)
{
    ward_component *component;
    ward_diag diag;
    ward_error error = ward_component_new(host, &child->component, &component, &diag);
    if (error == WARD_OK) {
        ward_module_info info;
        error = ward_component_load(component, &diag);
        if (error == WARD_OK && ward_component_module_info(component, &info) == WARD_OK &&
            info.is_component)
            wardi_config_add_unfit(mistakes, config, child);
        if (error == WARD_OK) error = wardi_component_limits_check(component, &diag);
        ward_component_free(component);
    }
    if (error != WARD_OK)
        wardi_mistakes_add(mistakes, child->places[wardi_component_key("path")], "%s", diag.text);
}

/* The most likely culprit of a host that cannot be opened: how many it should hold. */
static wardi_place host_place(const wardi_config *config)
{
    wardi_place place = {1, 1};
    for (size_t i = wardi_host_keys.count; i-- > 0;) {
        if (config->places[i].line == 0) continue;
        place = config->places[i];
        if (strcmp(wardi_host_keys.items[i].path, "host.components_max") == 0) break;
    }
    return place;
}

/* How many modules are looked at; written here, read by the thread that tells it. */
typedef struct loading {
    const wardi_config *config;
    _Atomic size_t done;
} loading;

static bool look_at_loading(void *context, wardi_bar_state *ret_state)
{
    loading *l = context;
    size_t done = l->done, count = l->config->child_count;
    const char *path = done < count ? l->config->children[done].component.path : NULL;
    *ret_state = (wardi_bar_state){"compiling", done, count, path};
    return done < count;
}

static void load_all(ward_host *host, const wardi_config *config, wardi_mistakes *mistakes)
{
    loading l = {.config = config};
    wardi_bar *progress = wardi_bar_new(look_at_loading, &l);
    for (; l.done < config->child_count; l.done++)
        load_child(host, config, &config->children[l.done], mistakes);
    wardi_bar_free(progress);
}

static ward_error try_host(const wardi_config *config, bool load, wardi_mistakes *mistakes)
{
    ward_host *host;
    ward_diag diag;
    ward_host_options options = config->host;
    /* Looking at a file makes no directory that it does not ask for. */
    if (!load && options.cache_directory == NULL) options.cache_directory = "";
    if (wardi_cli_host_open(&options, &host, &diag) != WARD_OK) {
        wardi_mistakes_add(mistakes, host_place(config), "%s", diag.text);
        return WARD_ERROR_CONFIG;
    }
    if (load) load_all(host, config, mistakes);
    wardi_cli_host_close(host);
    wardi_mistakes_sort(mistakes);
    return mistakes->count > 0 ? WARD_ERROR_CONFIG : WARD_OK;
}

static int print_schema(void)
{
    char *schema = wardi_config_schema();
    if (schema == NULL) {
        wardi_complain("validate: out of memory");
        return WARDI_EXIT_FAILED;
    }
    puts(schema);
    free(schema);
    return wardi_output_finish(WARDI_EXIT_OK, WARDI_EXIT_FAILED);
}

void wardi_mistakes_show(const char *file, const wardi_mistakes *mistakes,
                         const wardi_config *config, bool json)
{
    static const wardi_mistakes none;
    const wardi_mistakes *warnings = config != NULL ? &config->warnings : &none;
    size_t count = config != NULL ? config->child_count : 0;
    if (json) {
        print_json(file, mistakes, warnings, count);
        return;
    }
    wardi_warnings_print(stdout, file, warnings);
    if (mistakes->count > 0) {
        wardi_mistakes_print(stdout, file, mistakes);
        return;
    }
    printf("%s: %zu component%s, no mistakes", file, count, count == 1 ? "" : "s");
    if (warnings->count > 0)
        printf(", %zu warning%s", warnings->count, warnings->count == 1 ? "" : "s");
    putchar('\n');
}

int wardi_validate_run(const void *settings, char **args, int arg_count)
{
    const wardi_validate_settings *validate = settings;
    if (validate->schema) return print_schema();
    const char *file = arg_count > 0 ? args[0] : "ward.yaml";
    wardi_config *config = NULL;
    wardi_mistakes mistakes = {0};
    ward_diag diag;
    ward_error error = wardi_config_read(file, &config, &mistakes, &diag);
    if (error == WARD_OK) error = try_host(config, validate->load, &mistakes);
    int status = error == WARD_OK ? WARDI_EXIT_OK : WARDI_EXIT_FAILED;
    if (error == WARD_OK || error == WARD_ERROR_CONFIG)
        wardi_mistakes_show(file, &mistakes, config, validate->json);
    else
        wardi_complain("validate: %s", diag.text);
    wardi_mistakes_done(&mistakes);
    wardi_config_free(config);
    return wardi_output_finish(status, WARDI_EXIT_FAILED);
}
