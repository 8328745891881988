#include <stdalign.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/settings.h"
#include "cli/values.h"

const wardi_command *wardi_command_find(char **args, int arg_count, int *ret_words)
{
    for (size_t i = 0; i < wardi_command_count; i++) {
        const wardi_command *command = &wardi_commands[i];
        const char *space = strchr(command->name, ' ');
        size_t first = space != NULL ? (size_t)(space - command->name) : strlen(command->name);
        if (arg_count < 1 || strlen(args[0]) != first || memcmp(args[0], command->name, first) != 0)
            continue;
        if (space != NULL && (arg_count < 2 || strcmp(args[1], space + 1) != 0)) continue;
        *ret_words = space != NULL ? 2 : 1;
        return command;
    }
    return NULL;
}

/* First words, and after a known first word the second ones. */
static size_t words_after(const char *first, const char **ret_words, char buffers[][16])
{
    size_t count = 0;
    for (size_t i = 0; i < wardi_command_count; i++) {
        const char *name = wardi_commands[i].name, *space = strchr(name, ' ');
        size_t length = strcspn(name, " ");
        if (first != NULL) {
            if (space != NULL && strncmp(name, first, length) == 0 && first[length] == '\0')
                ret_words[count++] = space + 1;
            continue;
        }
        WARD_ASSERT(length < sizeof buffers[0]);
        memcpy(buffers[i], name, length);
        buffers[i][length] = '\0';
        ret_words[count++] = buffers[i];
    }
    return count;
}

void wardi_command_unknown(char **args, int arg_count)
{
    enum { WORDS_MAX = 48 };
    const char *words[WORDS_MAX];
    char buffers[WORDS_MAX][16];
    WARD_ASSERT(wardi_command_count <= WORDS_MAX);
    size_t count = words_after(args[0], words, buffers);
    bool second = count > 0 && arg_count > 1;
    if (count == 0) count = words_after(NULL, words, buffers);
    const char *word = second ? args[1] : args[0];
    const char *closest = wardi_closest(word, words, count);
    const char *before = second ? args[0] : "", *between = second ? " " : "";
    if (closest != NULL)
        wardi_complain("there is no command `%s%s%s`; did you mean `ward %s%s%s`?", before, between,
                       word, before, between, closest);
    else
        wardi_complain("there is no command `%s%s%s`\nTry `ward --help`.", before, between, word);
}

static int run_command(const wardi_command *command, char **args, int arg_count)
{
    alignas(max_align_t) char settings[WARDI_SETTINGS_BYTES] = {0};
    bool help = false;
    if (!wardi_options_read(command, args, &arg_count, settings, &help))
        return command->usage_status;
    if (help) {
        wardi_help_command(stdout, command);
        return wardi_output_finish(WARDI_EXIT_OK, WARDI_EXIT_FAILED);
    }
    return command->run(settings, args, arg_count);
}

static bool is_one_of(const char *arg, const char *letter, const char *name)
{
    return strcmp(arg, letter) == 0 || strcmp(arg, name) == 0;
}

/* `ward frame`, `ward frame --help`: a word that commands begin with, alone. */
static bool group_help(char **args, int arg_count, int *ret_status)
{
    bool asked = arg_count > 1 && is_one_of(args[1], "-h", "--help");
    if (arg_count > 1 && !asked) return false;
    if (!wardi_help_group(asked ? stdout : stderr, args[0])) return false;
    *ret_status = wardi_output_finish(asked ? WARDI_EXIT_OK : WARDI_EXIT_USAGE, WARDI_EXIT_FAILED);
    return true;
}

int wardi_cli_main(int arg_count, char **args)
{
    wardi_output_init();
    int status, words;
    args++;
    arg_count--;
    while (arg_count > 0 && strcmp(args[0], "--no-color") == 0) {
        wardi_output_plain();
        args++;
        arg_count--;
    }
    if (arg_count <= 0) {
        wardi_help_all(stderr);
        return WARDI_EXIT_USAGE;
    }
    static char help[] = "help", version[] = "version";
    if (is_one_of(args[0], "-h", "--help")) args[0] = help;
    if (is_one_of(args[0], "-V", "--version")) args[0] = version;
    const wardi_command *command = wardi_command_find(args, arg_count, &words);
    if (command != NULL) return run_command(command, args + words, arg_count - words);
    if (group_help(args, arg_count, &status)) return status;
    if (args[0][0] == '-')
        wardi_complain("there is no option %s\nTry `ward --help`.", args[0]);
    else
        wardi_command_unknown(args, arg_count);
    return WARDI_EXIT_USAGE;
}
