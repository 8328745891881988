#include <string.h>

#include "cli/json.h"
#include "cli/settings.h"

enum { SUMMARY_COLUMN = 16, HELP_COLUMN = 30 };

static void title(FILE *to, const char *text)
{
    wardi_output_styled(to, WARDI_BOLD, text);
    fputc('\n', to);
}

static void command_line(FILE *to, const wardi_command *command)
{
    fprintf(to, "  %-*s%s\n", SUMMARY_COLUMN, command->name, command->summary);
}

void wardi_help_all(FILE *to)
{
    fputs("Ward runs WebAssembly components and always knows how well they are.\n\n", to);
    fputs("Usage: ward COMMAND [OPTIONS] [ARGUMENTS]\n\n", to);
    title(to, "Commands:");
    for (size_t i = 0; i < wardi_command_count; i++) command_line(to, &wardi_commands[i]);
    fputc('\n', to);
    title(to, "Options:");
    fputs("  -h, --help      this text; after a command, what that command takes\n"
          "  -V, --version   print the version\n"
          "      --no-color  no colours (so does the variable NO_COLOR)\n\n",
          to);
    title(to, "Examples:");
    fputs("  ward check plugin.wasm\n"
          "  ward run ward.yaml\n\n"
          "Times are written like 250ms, 10s or 1m30s, sizes like 64MiB.\n"
          "More: man ward, man ward.yaml\n",
          to);
}

bool wardi_help_group(FILE *to, const char *word)
{
    size_t length = strlen(word);
    bool any = false;
    for (size_t i = 0; i < wardi_command_count; i++) {
        const wardi_command *command = &wardi_commands[i];
        if (strncmp(command->name, word, length) != 0 || command->name[length] != ' ') continue;
        if (!any) fprintf(to, "Usage: ward %s COMMAND [OPTIONS] [ARGUMENTS]\n\n", word);
        if (!any) title(to, "Commands:");
        any = true;
        command_line(to, command);
    }
    if (any) fprintf(to, "\nTry `ward %s COMMAND --help`.\n", word);
    return any;
}

static void option_line(FILE *to, const wardi_option *option)
{
    char left[HELP_COLUMN + 70];
    wardi_text text = WARDI_TEXT(left);
    if (option->letter != 0)
        wardi_text_printf(&text, "  -%c, --%s", option->letter, option->name);
    else
        wardi_text_printf(&text, "      --%s", option->name);
    if (option->choices != NULL) {
        for (const char *const *choice = option->choices; *choice != NULL; choice++)
            wardi_text_printf(&text, "%c%s", choice == option->choices ? ' ' : '|', *choice);
    } else if (option->value != NULL) {
        wardi_text_printf(&text, " %s", option->value);
    }
    if (text.length + 2 > HELP_COLUMN)
        fprintf(to, "%s\n%*s%s\n", left, HELP_COLUMN, "", option->help);
    else
        fprintf(to, "%-*s%s\n", HELP_COLUMN, left, option->help);
}

void wardi_help_command(FILE *to, const wardi_command *command)
{
    fprintf(to, "Usage: ward %s%s%s%s\n\n%s\n", command->name,
            command->option_count > 0 ? " [OPTIONS]" : "", command->args[0] != '\0' ? " " : "",
            command->args, command->about);
    title(to, "Options:");
    for (size_t i = 0; i < command->option_count; i++) option_line(to, &command->options[i]);
    fprintf(to, "%-*s%s\n\n", HELP_COLUMN, "  -h, --help", "this text");
    const wardi_option *remote = wardi_option_at(command, command->option_count);
    if (remote != NULL) {
        title(to, "Of a ward on another machine, over TLS:");
        for (size_t i = 0; i < wardi_remote_option_count; i++) option_line(to, &remote[i]);
        fputc('\n', to);
    }
    title(to, "Examples:");
    fputs(command->examples, to);
}

int wardi_help_run(const void *settings, char **args, int arg_count)
{
    (void)settings;
    int words;
    const wardi_command *command = wardi_command_find(args, arg_count, &words);
    if (arg_count == 0) {
        wardi_help_all(stdout);
    } else if (command != NULL) {
        wardi_help_command(stdout, command);
    } else if (arg_count > 1 || !wardi_help_group(stdout, args[0])) {
        wardi_command_unknown(args, arg_count);
        return WARDI_EXIT_USAGE;
    }
    return wardi_output_finish(WARDI_EXIT_OK, WARDI_EXIT_FAILED);
}

int wardi_version_run(const void *settings, char **args, int arg_count)
{
    const wardi_plain_settings *plain = settings;
    (void)args;
    (void)arg_count;
    if (plain->json) {
        json_t *object =
            json_pack("{s:s, s:s}", "ward", ward_version(), "engine", ward_engine_version());
        wardi_json_print(object);
    } else {
        printf("ward %s (%s)\n", ward_version(), ward_engine_version());
    }
    return wardi_output_finish(WARDI_EXIT_OK, WARDI_EXIT_FAILED);
}
