#include <string.h>

#include "cli/settings.h"

/* Each shell gets what its own users would write by hand, made from the table of commands. */

static const char *files_of(const wardi_command *command)
{
    return command->args_kind == WARDI_ARGS_WASM   ? "wasm"
           : command->args_kind == WARDI_ARGS_YAML ? "yaml"
                                                   : NULL;
}

static void words(const char *const *list, const char *between)
{
    for (const char *const *word = list; *word != NULL; word++)
        printf("%s%s", word == list ? "" : between, *word);
}

/* Words that commands begin with, each once. */
static void first_words(const char *between)
{
    for (size_t i = 0; i < wardi_command_count; i++) {
        const char *name = wardi_commands[i].name;
        size_t length = strcspn(name, " ");
        bool again = i > 0 && strncmp(wardi_commands[i - 1].name, name, length) == 0;
        if (!again) printf("%s%.*s", i == 0 ? "" : between, (int)length, name);
    }
}

static void second_words(const char *first, size_t length, const char *between)
{
    bool any = false;
    for (size_t i = 0; i < wardi_command_count; i++) {
        const char *name = wardi_commands[i].name;
        if (strncmp(name, first, length) != 0 || name[length] != ' ') continue;
        printf("%s%s", any ? between : "", name + length + 1);
        any = true;
    }
}

/* ---- bash ---- */

static void bash_values(const wardi_command *command)
{
    const wardi_option *option;
    for (size_t i = 0; (option = wardi_option_at(command, i)) != NULL; i++) {
        if (option->type == WARDI_OPTION_FLAG) continue;
        printf("        '%s:--%s'", command->name, option->name);
        if (option->letter != 0) printf(" | '%s:-%c'", command->name, option->letter);
        fputs(") ", stdout);
        if (option->choices != NULL) {
            fputs("COMPREPLY=($(compgen -W '", stdout);
            words(option->choices, " ");
            fputs("' -- \"$cur\")) ;;\n", stdout);
        } else if (option->type == WARDI_OPTION_FILE) {
            fputs("COMPREPLY=($(compgen -f -- \"$cur\")) ;;\n", stdout);
        } else {
            fputs("COMPREPLY=() ;;\n", stdout);
        }
    }
}

static void bash_command(const wardi_command *command)
{
    printf("        '%s')\n            options='", command->name);
    const wardi_option *option;
    for (size_t i = 0; (option = wardi_option_at(command, i)) != NULL; i++)
        printf("--%s ", option->name);
    fputs("--help'\n", stdout);
    if (command->words != NULL) {
        fputs("            arguments='", stdout);
        words(command->words, " ");
        fputs("'\n", stdout);
    }
    if (command->args_kind == WARDI_ARGS_MEMBERS)
        fputs("            arguments=$(ward ps -o name 2>/dev/null)\n", stdout);
    if (command->args_kind == WARDI_ARGS_COMMAND) {
        fputs("            arguments='", stdout);
        first_words(" ");
        fputs("'\n", stdout);
    }
    if (files_of(command) != NULL)
        fputs(command->args_kind == WARDI_ARGS_WASM ? "            files='@(wasm|wat)'\n"
                                                    : "            files='@(yaml|yml)'\n",
              stdout);
    fputs("            ;;\n", stdout);
}

static void bash_groups(void)
{
    for (size_t i = 0; i < wardi_command_count; i++) {
        const char *name = wardi_commands[i].name;
        size_t length = strcspn(name, " ");
        if (name[length] == '\0') continue;
        if (i > 0 && strncmp(wardi_commands[i - 1].name, name, length + 1) == 0) continue;
        printf("        %.*s)\n", (int)length, name);
        fputs("            if [[ $COMP_CWORD -eq 2 ]]; then\n"
              "                COMPREPLY=($(compgen -W '",
              stdout);
        second_words(name, length, " ");
        fputs("' -- \"$cur\"))\n"
              "                return\n"
              "            fi\n"
              "            command=\"$command ${COMP_WORDS[2]}\"\n"
              "            ;;\n",
              stdout);
    }
}

/* The first word, and values of options. */
static void bash_begin(void)
{
    fputs("# bash completion of ward: made by `ward completion bash`\n"
          "_ward() {\n"
          "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
          "    local command=${COMP_WORDS[1]} options='--help' arguments='' files=''\n"
          "    COMPREPLY=()\n"
          "    if [[ $COMP_CWORD -eq 1 ]]; then\n"
          "        COMPREPLY=($(compgen -W '",
          stdout);
    first_words(" ");
    fputs(" --help --version --no-color' -- \"$cur\"))\n"
          "        return\n"
          "    fi\n"
          "    case $command in\n",
          stdout);
    bash_groups();
    fputs("    esac\n"
          "    case $command:$prev in\n",
          stdout);
    for (size_t i = 0; i < wardi_command_count; i++) bash_values(&wardi_commands[i]);
}

/* Options and arguments of the command. */
static void bash_end(void)
{
    fputs("        *) prev='' ;;\n"
          "    esac\n"
          "    [[ -n $prev ]] && return\n"
          "    case $command in\n",
          stdout);
    for (size_t i = 0; i < wardi_command_count; i++) bash_command(&wardi_commands[i]);
    fputs(
        "    esac\n"
        "    if [[ $cur == -* ]]; then\n"
        "        COMPREPLY=($(compgen -W \"$options\" -- \"$cur\"))\n"
        "    elif [[ -n $files ]]; then\n"
        "        local file extglob\n"
        "        extglob=$(shopt -p extglob)\n"
        "        shopt -s extglob\n"
        "        while IFS= read -r file; do\n"
        "            if [[ -d $file || ${file##*.} == $files ]]; then COMPREPLY+=(\"$file\"); fi\n"
        "        done < <(compgen -f -- \"$cur\")\n"
        "        eval \"$extglob\"\n"
        "        compopt -o filenames 2>/dev/null\n"
        "    else\n"
        "        COMPREPLY=($(compgen -W \"$arguments\" -- \"$cur\"))\n"
        "    fi\n"
        "}\n"
        "complete -F _ward ward\n",
        stdout);
}

static void bash(void)
{
    bash_begin();
    bash_end();
}

/* ---- zsh ---- */

/* In _arguments, brackets and colons part a description from the rest. */
static void zsh_text(const char *text)
{
    for (; *text != '\0'; text++) {
        if (strchr("[]:", *text) != NULL) putchar('\\');
        if (*text == '\'')
            fputs("'\\''", stdout);
        else
            putchar(*text);
    }
}

static void zsh_option(const wardi_option *option)
{
    fputs("                ", stdout);
    if (option->letter != 0)
        printf("'(-%c --%s)'{-%c,--%s}'", option->letter, option->name, option->letter,
               option->name);
    else
        printf("'--%s", option->name);
    if (option->type != WARDI_OPTION_FLAG && option->letter == 0) putchar('=');
    putchar('[');
    zsh_text(option->help);
    putchar(']');
    if (option->type != WARDI_OPTION_FLAG) printf(":%s:", option->value);
    if (option->choices != NULL) {
        putchar('(');
        words(option->choices, " ");
        putchar(')');
    } else if (option->type == WARDI_OPTION_FILE) {
        fputs("_files", stdout);
    }
    fputs("' \\\n", stdout);
}

static void zsh_command(const wardi_command *command)
{
    printf("        '%s')\n            _arguments -s -S \\\n", command->name);
    const wardi_option *option;
    for (size_t i = 0; (option = wardi_option_at(command, i)) != NULL; i++) zsh_option(option);
    fputs("                '(- *)'{-h,--help}'[this text]'", stdout);
    if (command->words != NULL || command->args_kind == WARDI_ARGS_COMMAND) {
        fputs(" \\\n                '1:argument:(", stdout);
        if (command->words != NULL)
            words(command->words, " ");
        else
            first_words(" ");
        fputs(")'", stdout);
    }
    if (command->args_kind == WARDI_ARGS_MEMBERS)
        fputs(" \\\n                '*:name:($(ward ps -o name 2>/dev/null))'", stdout);
    if (files_of(command) != NULL)
        printf(" \\\n                '1:file:_files -g \"*.(%s)\"'",
               command->args_kind == WARDI_ARGS_WASM ? "wasm|wat" : "yaml|yml");
    fputs("\n            ;;\n", stdout);
}

static void zsh_describe(const char *word, size_t length)
{
    for (size_t i = 0; i < wardi_command_count; i++) {
        const wardi_command *command = &wardi_commands[i];
        const char *name = command->name;
        if (word == NULL && strchr(name, ' ') != NULL) continue;
        if (word != NULL && (strncmp(name, word, length) != 0 || name[length] != ' ')) continue;
        printf("            '%s:", word != NULL ? name + length + 1 : name);
        zsh_text(command->summary);
        fputs("'\n", stdout);
    }
}

static void zsh(void)
{
    fputs("#compdef ward\n"
          "# zsh completion of ward: made by `ward completion zsh`\n"
          "_ward() {\n"
          "    local -a commands\n"
          "    local command=$words[2]\n"
          "    if (( CURRENT == 2 )); then\n"
          "        commands=(\n",
          stdout);
    zsh_describe(NULL, 0);
    fputs("            'frame:read and write health frames'\n"
          "        )\n"
          "        _describe 'command' commands\n"
          "        return\n"
          "    fi\n"
          "    if [[ $command == frame ]]; then\n"
          "        commands=(\n",
          stdout);
    zsh_describe("frame", strlen("frame"));
    fputs("        )\n"
          "        if (( CURRENT == 3 )); then\n"
          "            _describe 'command' commands\n"
          "            return\n"
          "        fi\n"
          "        command=\"frame $words[3]\"\n"
          "        shift words\n"
          "        (( CURRENT-- ))\n"
          "    fi\n"
          "    shift words\n"
          "    (( CURRENT-- ))\n"
          "    case $command in\n",
          stdout);
    for (size_t i = 0; i < wardi_command_count; i++) zsh_command(&wardi_commands[i]);
    fputs("    esac\n"
          "}\n"
          "if [[ $funcstack[1] == _ward ]]; then _ward \"$@\"; else compdef _ward ward; fi\n",
          stdout);
}

/* ---- fish ---- */

static void fish_text(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\'' || *text == '\\') putchar('\\');
        putchar(*text);
    }
}

static void fish_condition(const wardi_command *command)
{
    const char *space = strchr(command->name, ' ');
    if (space == NULL)
        printf("complete -c ward -n '__fish_seen_subcommand_from %s'", command->name);
    else
        printf("complete -c ward -n '__fish_seen_subcommand_from %.*s; and "
               "__fish_seen_subcommand_from %s'",
               (int)(space - command->name), command->name, space + 1);
}

static void fish_command(const wardi_command *command)
{
    const char *space = strchr(command->name, ' ');
    if (space == NULL)
        printf("complete -c ward -n __fish_use_subcommand -a %s -d '", command->name);
    else
        printf("complete -c ward -n '__fish_seen_subcommand_from %.*s' -a %s -d '",
               (int)(space - command->name), command->name, space + 1);
    fish_text(command->summary);
    fputs("'\n", stdout);
    const wardi_option *option;
    for (size_t i = 0; (option = wardi_option_at(command, i)) != NULL; i++) {
        fish_condition(command);
        printf(" -l %s", option->name);
        if (option->letter != 0) printf(" -s %c", option->letter);
        if (option->type != WARDI_OPTION_FLAG)
            fputs(option->type == WARDI_OPTION_FILE ? " -r -F" : " -x", stdout);
        if (option->choices != NULL) {
            fputs(" -a '", stdout);
            words(option->choices, " ");
            putchar('\'');
        }
        fputs(" -d '", stdout);
        fish_text(option->help);
        fputs("'\n", stdout);
    }
    if (command->words != NULL || command->args_kind == WARDI_ARGS_COMMAND) {
        fish_condition(command);
        fputs(" -a '", stdout);
        if (command->words != NULL)
            words(command->words, " ");
        else
            first_words(" ");
        fputs("'\n", stdout);
    }
    if (command->args_kind == WARDI_ARGS_MEMBERS) {
        fish_condition(command);
        fputs(" -a '(ward ps -o name 2>/dev/null)'\n", stdout);
    }
    if (files_of(command) != NULL) {
        fish_condition(command);
        fputs(" -F\n", stdout);
    }
}

static void fish(void)
{
    fputs("# fish completion of ward: made by `ward completion fish`\n"
          "complete -c ward -f\n"
          "complete -c ward -s h -l help -d 'this text'\n"
          "complete -c ward -n __fish_use_subcommand -s V -l version -d 'print the version'\n"
          "complete -c ward -n __fish_use_subcommand -a frame -d 'read and write health frames'\n",
          stdout);
    for (size_t i = 0; i < wardi_command_count; i++) fish_command(&wardi_commands[i]);
}

int wardi_completion_run(const void *settings, char **args, int arg_count)
{
    (void)settings;
    (void)arg_count;
    if (strcmp(args[0], "bash") == 0) {
        bash();
    } else if (strcmp(args[0], "zsh") == 0) {
        zsh();
    } else if (strcmp(args[0], "fish") == 0) {
        fish();
    } else {
        wardi_complain("completion: no completions for \"%s\"; there are bash, zsh and fish",
                       args[0]);
        return WARDI_EXIT_USAGE;
    }
    return wardi_output_finish(WARDI_EXIT_OK, WARDI_EXIT_FAILED);
}
