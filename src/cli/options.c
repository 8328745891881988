#include <string.h>

#include "cli/cli.h"
#include "cli/values.h"

typedef struct option_scan {
    const wardi_command *command;
    char **args;
    int count, at, kept;
    char *settings;
    bool help;
} option_scan;

static bool talks_to_a_ward(const wardi_command *command)
{
    for (size_t i = 0; i < command->option_count; i++)
        if (strcmp(command->options[i].name, "socket") == 0) return true;
    return false;
}

const wardi_option *wardi_option_at(const wardi_command *command, size_t index)
{
    if (index < command->option_count) return &command->options[index];
    index -= command->option_count;
    bool more = index < wardi_remote_option_count && talks_to_a_ward(command);
    return more ? &wardi_remote_options[index] : NULL;
}

bool wardi_option_is_remote(const wardi_option *option)
{
    return option >= wardi_remote_options &&
           option < wardi_remote_options + wardi_remote_option_count;
}

static const wardi_option *find_name(const wardi_command *command, const char *name, size_t length)
{
    const wardi_option *option;
    for (size_t i = 0; (option = wardi_option_at(command, i)) != NULL; i++)
        if (strlen(option->name) == length && memcmp(option->name, name, length) == 0)
            return option;
    return NULL;
}

static const wardi_option *find_letter(const wardi_command *command, char letter)
{
    for (size_t i = 0; i < command->option_count; i++)
        if (command->options[i].letter == letter) return &command->options[i];
    return NULL;
}

static bool fail(const option_scan *scan, const char *format, ...) WARD_PRINTF(2, 3);
static bool fail(const option_scan *scan, const char *format, ...)
{
    char message[400];
    wardi_text text = WARDI_TEXT(message);
    va_list args;
    va_start(args, format);
    wardi_text_vprintf(&text, format, args);
    va_end(args);
    const char *name = scan->command->name;
    wardi_complain("%s: %s\nTry `ward %s --help`.", name, message, name);
    return false;
}

static bool unknown(const option_scan *scan, const char *option, size_t length)
{
    enum { NAMES_MAX = 32 };
    const char *names[NAMES_MAX];
    char name[40];
    size_t count = 0;
    const wardi_option *known;
    for (; (known = wardi_option_at(scan->command, count)) != NULL; count++) {
        WARD_ASSERT(count + 1 < NAMES_MAX);
        names[count] = known->name;
    }
    names[count++] = "help";
    wardi_text text = WARDI_TEXT(name);
    wardi_text_add(&text, option, length);
    const char *closest = wardi_closest(name, names, count);
    if (closest != NULL)
        return fail(scan, "there is no option --%s; did you mean --%s?", name, closest);
    return fail(scan, "there is no option --%s", name);
}

static bool choose(const option_scan *scan, const wardi_option *option, const char *value)
{
    char list[160];
    wardi_text text = WARDI_TEXT(list);
    for (const char *const *choice = option->choices; *choice != NULL; choice++) {
        if (strcmp(*choice, value) == 0) {
            memcpy(scan->settings + option->offset, choice, sizeof *choice);
            return true;
        }
        wardi_text_printf(&text, "%s%s", choice == option->choices ? "" : ", ", *choice);
    }
    return fail(scan, "--%s takes one of: %s", option->name, list);
}

static bool figure(const option_scan *scan, const wardi_option *option, const char *value)
{
    char buffer[WARDI_ADVICE_BYTES];
    uint64_t number = 0;
    const char *advice =
        option->type == WARDI_OPTION_DURATION ? wardi_value_duration(value, &number, buffer)
        : option->type == WARDI_OPTION_SIZE   ? wardi_value_size(value, &number, buffer)
                                              : wardi_value_count(value, &number, buffer);
    if (advice != NULL) return fail(scan, "--%s \"%s\": %s", option->name, value, advice);
    if (number == 0)
        return fail(scan, "--%s must be more than nothing; leave it out for the default",
                    option->name);
    memcpy(scan->settings + option->offset, &number, sizeof number);
    return true;
}

static bool take_value(const option_scan *scan, const wardi_option *option, const char *value)
{
    switch (option->type) {
    case WARDI_OPTION_FLAG: break;
    case WARDI_OPTION_TEXT:
    case WARDI_OPTION_FILE:
        memcpy((wardi_option_is_remote(option) ? wardi_remote_settings : scan->settings) +
                   option->offset,
               &value, sizeof value);
        return true;
    case WARDI_OPTION_CHOICE: return choose(scan, option, value);
    case WARDI_OPTION_DURATION:
    case WARDI_OPTION_SIZE:
    case WARDI_OPTION_COUNT: return figure(scan, option, value);
    }
    WARD_ASSERT(false && "an option that takes a value");
    return false;
}

static bool take_next(option_scan *scan, const wardi_option *option)
{
    if (scan->at + 1 == scan->count)
        return fail(scan, "--%s needs a value: --%s %s", option->name, option->name, option->value);
    return take_value(scan, option, scan->args[++scan->at]);
}

static bool take_long(option_scan *scan, const char *text)
{
    size_t length = strcspn(text, "=");
    bool has_value = text[length] == '=';
    if (strcmp(text, "help") == 0) return true; /* seen before the scan */
    if (strcmp(text, "no-color") == 0) {
        wardi_output_plain();
        return true;
    }
    const wardi_option *option = find_name(scan->command, text, length);
    if (option == NULL) return unknown(scan, text, length);
    if (option->type == WARDI_OPTION_FLAG && has_value)
        return fail(scan, "--%s takes no value", option->name);
    if (option->type == WARDI_OPTION_FLAG) {
        scan->settings[option->offset] = true;
        return true;
    }
    if (has_value) return take_value(scan, option, text + length + 1);
    return take_next(scan, option);
}

/* -v, -vn 5, -n5 */
static bool take_letters(option_scan *scan, const char *letters)
{
    for (; *letters != '\0'; letters++) {
        if (*letters == 'h') scan->help = true;
        if (*letters == 'h') continue;
        const wardi_option *option = find_letter(scan->command, *letters);
        if (option == NULL) return fail(scan, "there is no option -%c", *letters);
        if (option->type != WARDI_OPTION_FLAG)
            return letters[1] != '\0' ? take_value(scan, option, letters + 1)
                                      : take_next(scan, option);
        scan->settings[option->offset] = true;
    }
    return true;
}

static bool scan_all(option_scan *scan)
{
    bool ended = false;
    for (; scan->at < scan->count && !scan->help; scan->at++) {
        char *arg = scan->args[scan->at];
        bool good = true;
        if (ended || arg[0] != '-' || arg[1] == '\0')
            scan->args[scan->kept++] = arg;
        else if (strcmp(arg, "--") == 0)
            ended = true;
        else
            good = arg[1] == '-' ? take_long(scan, arg + 2) : take_letters(scan, arg + 1);
        if (!good) return false;
    }
    return true;
}

bool wardi_options_read(const wardi_command *command, char **args, int *arg_count, void *settings,
                        bool *ret_help)
{
    option_scan scan = {
        .command = command, .args = args, .count = *arg_count, .settings = settings};
    /* Asked for help, one gets help, whatever else is wrong. */
    for (int i = 0; i < *arg_count && strcmp(args[i], "--") != 0; i++)
        if (strcmp(args[i], "--help") == 0 || strcmp(args[i], "-h") == 0) scan.help = true;
    if (!scan_all(&scan)) return false;
    *ret_help = scan.help;
    if (scan.help) return true;
    *arg_count = scan.kept;
    if (scan.kept < command->args_min)
        return fail(&scan, "something is missing: ward %s %s", command->name, command->args);
    if (scan.kept > command->args_max)
        return fail(&scan, "\"%s\" is too much: ward %s %s", args[command->args_max], command->name,
                    command->args);
    return true;
}
