/* cli: the `ward` program. Commands, their options, ward.yaml, and what people and scripts read.
 *
 * Owns the process: its streams, its signals, its exit status. Knows nothing that the library does
 * not say; no room includes it. One table (commands.c) names every command and option: parsing,
 * help, suggestions and completions follow it, and tests hold the man page against it. */
#ifndef WARDI_CLI_H
#define WARDI_CLI_H

#include <stdio.h>
#include <ward/ward.h>

#include "cli/config.h" /* ward.yaml, which a fuzz target reads as well */
#include "core/core.h"

/* ---- exit status ---- */

enum {
    WARDI_EXIT_OK = 0,
    WARDI_EXIT_FAILED = 1, /* the command could not do what it was asked */
    WARDI_EXIT_USAGE = 2,
    WARDI_EXIT_CONFIG = 78, /* as sysexits.h: starting again will not help */
    /* of check, as monitoring plugins do */
    WARDI_EXIT_DEGRADED = 1,
    WARDI_EXIT_UNHEALTHY = 2,
    WARDI_EXIT_UNKNOWN = 3,
};

/* ---- commands and options ---- */

typedef enum wardi_option_type {
    WARDI_OPTION_FLAG,     /* bool */
    WARDI_OPTION_TEXT,     /* const char * */
    WARDI_OPTION_FILE,     /* const char *, completed as a file */
    WARDI_OPTION_DURATION, /* uint64_t, ns, at least 1 */
    WARDI_OPTION_SIZE,     /* uint64_t, bytes, at least 1 */
    WARDI_OPTION_COUNT,    /* uint64_t, at least 1 */
    WARDI_OPTION_CHOICE,   /* const char *, one of `choices` */
} wardi_option_type;

typedef struct wardi_option {
    const char *name; /* without the dashes */
    char letter;      /* 0: none */
    wardi_option_type type;
    size_t offset;              /* into the command's settings */
    const char *value;          /* what help calls its value */
    const char *const *choices; /* ends with NULL */
    const char *help;
} wardi_option;

typedef enum wardi_args_kind {
    WARDI_ARGS_NONE,
    WARDI_ARGS_WASM,
    WARDI_ARGS_YAML,
    WARDI_ARGS_OTHER,
    WARDI_ARGS_MEMBERS, /* names of components and groups of a ward that runs */
    WARDI_ARGS_COMMAND,
} wardi_args_kind;

typedef struct wardi_command {
    const char *name; /* one word, or two: "frame decode" */
    const char *args; /* what stands after the options in its usage */
    int args_min, args_max;
    wardi_args_kind args_kind;
    const char *const *words; /* what the first argument may be, for completions; or NULL */
    const char *summary;      /* one line */
    const char *about;        /* more lines: what it does, and its exit status */
    const char *examples;
    const wardi_option *options;
    size_t option_count;
    int usage_status; /* exit status of wrong usage */
    /** Gets its settings (see settings.h), and the arguments. Returns the exit status. */
    int (*run)(const void *settings, char **args, int arg_count);
} wardi_command;

/** Of every command that has --socket: of a ward on another machine (remote.c). */
extern const wardi_option wardi_remote_options[];
extern const size_t wardi_remote_option_count;
extern char *const wardi_remote_settings; /* what they are read into: the process has one */
/** All that a command takes: its own, then those. NULL: there are no more. */
const wardi_option *wardi_option_at(const wardi_command *command, size_t index);
/** Whether it is one of those. */
bool wardi_option_is_remote(const wardi_option *option);

extern const wardi_command wardi_commands[];
extern const size_t wardi_command_count;
enum { WARDI_SETTINGS_BYTES = 256 };

/** Everything but main(). `args[0]` is the program's name. Returns the exit status. */
int wardi_cli_main(int arg_count, char **args);

/** The command that `args` begin with, and how many words that took; NULL: none. */
const wardi_command *wardi_command_find(char **args, int arg_count, int *ret_words);
/** Says which command may have been meant. */
void wardi_command_unknown(char **args, int arg_count);

/** Reads options into `settings` and moves the arguments to the front of `args`. False: said why on
 * standard error. `*ret_help`: --help was among them, and nothing else counts. */
bool wardi_options_read(const wardi_command *command, char **args, int *arg_count, void *settings,
                        bool *ret_help);

void wardi_help_all(FILE *to);
/** False: no command begins with that word. */
bool wardi_help_group(FILE *to, const char *word);
void wardi_help_command(FILE *to, const wardi_command *command);

/** As ward_host_open; where no cache was asked for and the default one cannot be used (no home, a
 * read-only disk), it says so and goes on without. */
ward_error wardi_cli_host_open(const ward_host_options *options, ward_host **ret_host,
                               ward_diag *ret_diag);
/** NULL is fine. Closing waits for what is being compiled, and a module may be made to take
 * minutes: after a second it is left to go down with the process. */
void wardi_cli_host_close(ward_host *host);

/* ---- places (where.c): NULL or false: there is none ---- */

/** The control socket and the journal of this user. */
const char *wardi_where_control(char *room, size_t size);
const char *wardi_where_journal(char *room, size_t size);
/** What is written in the file ("" is off), else in the environment ("off" is off; `variable` NULL:
 * in none), else by default; NULL: off. */
const char *wardi_where_of(const char *written, const char *variable, const char *by_default);
/** Makes the directories of a file, for this user alone. `by_default`: nobody has chosen the place,
 * and it must belong to this user or root. Errors: IO. */
ward_error wardi_where_make(const char *file, bool by_default, ward_diag *ret_diag);
/** The same of the control socket, which members of these groups of the machine are to reach as
 * well (NULL: none): the directories that are made, and the one of this user's by default, let them
 * through, and of two groups everybody, as a directory has one. What shuts them out all the same is
 * warned of. */
ward_error wardi_where_make_for(const char *file, bool by_default, const char *group,
                                const char *other_group, ward_diag *ret_diag);

/* ---- output: data on standard output, messages on standard error ---- */

typedef enum wardi_style {
    WARDI_PLAIN,
    WARDI_BOLD,
    WARDI_DIM,
    WARDI_GREEN,
    WARDI_YELLOW,
    WARDI_RED,
} wardi_style;

/** Looks at the terminal and at NO_COLOR, WARD_NO_COLOR and TERM; ignores SIGPIPE. */
void wardi_output_init(void);
bool wardi_output_is_terminal(FILE *to);
/** Whether colours are wanted there; of streams that are in memory, never. */
bool wardi_output_is_styled(FILE *to);
/** "--no-color". */
void wardi_output_plain(void);
/** Text in a style, where the stream shows styles. */
void wardi_output_styled(FILE *to, wardi_style style, const char *text);
/** Text of a guest's: control characters and what turns the writing direction are escaped, so that
 * it cannot play with the terminal. */
void wardi_output_safe(FILE *to, const char *bytes, size_t length);
/** The same, of a message of several lines: they stay. */
void wardi_output_lines(FILE *to, const char *text);
/** As syslog numbers them. */
typedef enum wardi_level {
    WARDI_LEVEL_ERROR = 3,
    WARDI_LEVEL_WARNING = 4,
    WARDI_LEVEL_NOTICE = 5,
    WARDI_LEVEL_INFO = 6,
    WARDI_LEVEL_DEBUG = 7,
} wardi_level;
/** Begins a line of that level: "<3>" where the stream is connected to systemd's journal, which
 * takes it away; else nothing. */
void wardi_output_level(FILE *to, wardi_level level);
/** "ward: …" on standard error, safe as above: an error. */
void wardi_complain(const char *format, ...) WARD_PRINTF(1, 2);
/** The same of what may be one, and of what is none. */
void wardi_warn(const char *format, ...) WARD_PRINTF(1, 2);
void wardi_note(const char *format, ...) WARD_PRINTF(1, 2);
/** Flushes standard output: a reader that is gone is no failure, a full disk is, and then
 * `on_failure` is returned instead of `status`. */
int wardi_output_finish(int status, int on_failure);
/** The style that a condition is shown in, "healthy", …. */
wardi_style wardi_style_of_condition(const char *condition);
/** The style that a health is shown in. */
wardi_style wardi_style_of(ward_child_health health);

#endif
