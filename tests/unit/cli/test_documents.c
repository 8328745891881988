/* The documents say what the tables say: the reference, the manual pages, the schema. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/cli.h"
#include "cli/config.h"

static char *slurp(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, TEST_DIR "/../%s", name);
    FILE *file = fopen(path, "re");
    if (file == NULL) fail_msg("%s is missing", name);
    char *text = NULL;
    size_t room = 0;
    ssize_t length = getdelim(&text, &room, '\0', file);
    fclose(file);
    if (length < 0) fail_msg("%s is empty", name);
    return text;
}

static void figure(wardi_text *text, const wardi_key *key, uint64_t figure)
{
    if (key->type == WARDI_KEY_DURATION)
        wardi_text_duration(text, figure);
    else if (key->type == WARDI_KEY_SIZE || key->type == WARDI_KEY_SIZE32)
        wardi_text_size(text, figure);
    else
        wardi_text_printf(text, "%llu%s", (unsigned long long)figure,
                          key->type == WARDI_KEY_RATIO ? "%" : "");
}

static void takes(wardi_text *text, const wardi_key *key)
{
    static const char *const names[] = {
        [WARDI_KEY_TEXT] = "text",
        [WARDI_KEY_FILE] = "path",
        [WARDI_KEY_DURATION] = "duration",
        [WARDI_KEY_SIZE] = "size",
        [WARDI_KEY_SIZE32] = "size",
        [WARDI_KEY_COUNT32] = "count",
        [WARDI_KEY_COUNT64] = "count",
        [WARDI_KEY_COUNT] = "count",
        [WARDI_KEY_RATIO] = "percentage",
        [WARDI_KEY_NUMBER] = "number",
        [WARDI_KEY_QUORUM] = "`all`, `any`, count or percentage",
        [WARDI_KEY_NEEDS] = "list of names",
        [WARDI_KEY_ARGS] = "list of texts",
        [WARDI_KEY_ENV] = "map of texts",
        [WARDI_KEY_DIRS] = "list of directories",
        [WARDI_KEY_METADATA] = "map of texts",
        [WARDI_KEY_NAMES] = "patterns of names",
        [WARDI_KEY_TOPICS] = "patterns of topics",
        [WARDI_KEY_HOSTS] = "list of names",
        [WARDI_KEY_TOKENS] = "list of tokens",
        [WARDI_KEY_CLIENTS] = "list of clients",
    };
    if (key->choices != NULL) {
        for (const wardi_choice *choice = key->choices; choice->name != NULL; choice++)
            wardi_text_printf(text, "%s`%s`", choice == key->choices ? "" : ", ", choice->name);
    } else {
        wardi_text_puts(text, names[key->type]);
    }
    if (key->max > 0) {
        wardi_text_puts(text, ", ");
        figure(text, key, key->min);
        wardi_text_puts(text, " to ");
        figure(text, key, key->max);
    }
    if ((key->flags & WARDI_KEY_OFF) != 0) wardi_text_puts(text, ", or `off`");
}

static void row(wardi_text *text, const wardi_key *key)
{
    wardi_text_printf(text, "| `%s` | ", key->path);
    takes(text, key);
    wardi_text_printf(text, " | %s | %s |\n", key->by_default != NULL ? key->by_default : "–",
                      key->help);
}

static size_t missing_rows(const char *document, const wardi_keys *keys)
{
    size_t missing = 0;
    for (size_t i = 0; i < keys->count; i++) {
        char line[400];
        wardi_text text = WARDI_TEXT(line);
        row(&text, &keys->items[i]);
        assert_false(text.cut);
        if (strstr(document, line) != NULL) continue;
        print_error("%s", line);
        missing++;
    }
    return missing;
}

/* The keys of groups are those of components in part: each kind has rows of its own. */
static char *part_of(const char *document, const char *heading, const char *next)
{
    const char *start = strstr(document, heading);
    if (start == NULL) fail_msg("there is no \"%s\"", heading);
    const char *end = strstr(start + 1, next);
    return strndup(start, end != NULL ? (size_t)(end - start) : strlen(start));
}

static void reference(void **state)
{
    char *document = slurp("docs/configuration.md");
    (void)state;
    size_t missing =
        missing_rows(document, &wardi_host_keys) + missing_rows(document, &wardi_component_keys) +
        missing_rows(document, &wardi_dir_keys) + missing_rows(document, &wardi_supervisor_keys) +
        missing_rows(document, &wardi_surface_keys) + missing_rows(document, &wardi_journal_keys);
    missing += missing_rows(document, &wardi_token_keys);
    missing += missing_rows(document, &wardi_client_keys);
    char *groups = part_of(document, "\n## groups\n", "\n## ");
    missing += missing_rows(groups, &wardi_group_keys);
    free(groups);
    free(document);
    if (missing > 0) fail_msg("docs/configuration.md lacks the %zu rows above", missing);
}

/* ---- limits ---- */

static const wardi_keys *const all_keys[] = {&wardi_component_keys,  &wardi_group_keys,
                                             &wardi_supervisor_keys, &wardi_host_keys,
                                             &wardi_surface_keys,    &wardi_journal_keys};

/* A row is of a key where its first cell is nothing else: "| `limits.fuel` | off | …". */
static bool is_key_of_table(const char *row, const wardi_key *key)
{
    char cells[200];
    wardi_text text = WARDI_TEXT(cells);
    const char *by_default = key->by_default != NULL ? key->by_default : "–";
    wardi_text_printf(&text, "| `%s` | %s |", key->path, by_default);
    return strncmp(row, cells, text.length) == 0;
}

static bool is_key_of_any(const char *row)
{
    for (size_t i = 0; i < WARD_COUNT(all_keys); i++)
        for (size_t j = 0; j < all_keys[i]->count; j++)
            if (is_key_of_table(row, &all_keys[i]->items[j])) return true;
    return false;
}

static size_t wrong_rows(const char *document)
{
    size_t wrong = 0;
    for (const char *at = document; (at = strstr(at, "\n| `")) != NULL; at++) {
        const char *row = at + 1, *end = strchr(row + strlen("| `"), '`');
        bool is_of_key = end != NULL && strncmp(end, "` | ", strlen("` | ")) == 0;
        if (!is_of_key || is_key_of_any(row)) continue;
        print_error("%.*s: no such key, or another default\n", (int)strcspn(row, "\n"), row);
        wrong++;
    }
    return wrong;
}

/* Each key below `limits` has its row, and each row names a key and its default. */
static void limits(void **state)
{
    static const char prefix[] = "limits.";
    char *document = slurp("docs/limits.md");
    size_t wrong = wrong_rows(document);
    (void)state;
    for (size_t i = 0; i < wardi_component_keys.count; i++) {
        char row[100];
        const char *path = wardi_component_keys.items[i].path;
        snprintf(row, sizeof row, "\n| `%s` | ", path);
        if (strncmp(path, prefix, strlen(prefix)) != 0 || strstr(document, row) != NULL) continue;
        print_error("%s has no row\n", path);
        wrong++;
    }
    free(document);
    if (wrong > 0) fail_msg("docs/limits.md has the %zu faults above", wrong);
}

static size_t missing_items(const char *document, const wardi_keys *keys)
{
    size_t missing = 0;
    for (size_t i = 0; i < keys->count; i++) {
        char line[200];
        snprintf(line, sizeof line, "\n.It Cm %s\n", keys->items[i].path);
        if (strstr(document, line) != NULL) continue;
        print_error("%s", line + 1);
        missing++;
    }
    return missing;
}

static void manual_of_the_file(void **state)
{
    char *document = slurp("man/ward.yaml.5");
    (void)state;
    size_t missing =
        missing_items(document, &wardi_host_keys) + missing_items(document, &wardi_component_keys) +
        missing_items(document, &wardi_dir_keys) + missing_items(document, &wardi_supervisor_keys) +
        missing_items(document, &wardi_surface_keys) + missing_items(document, &wardi_journal_keys);
    missing += missing_items(document, &wardi_token_keys);
    missing += missing_items(document, &wardi_client_keys);
    char *groups = part_of(document, "\n.Ss A group\n", "\n.Ss ");
    missing += missing_items(groups, &wardi_group_keys);
    free(groups);
    free(document);
    if (missing > 0) fail_msg("man/ward.yaml.5 lacks the %zu items above", missing);
}

/* From the heading of one command to the next. */
static const char *section_of(const char *document, const char *format, const char *name,
                              const char *next, size_t *ret_length)
{
    char heading[80];
    snprintf(heading, sizeof heading, format, name);
    const char *start = strstr(document, heading);
    if (start == NULL) fail_msg("no section for `ward %s`", name);
    const char *end = strstr(start + 1, next);
    *ret_length = end != NULL ? (size_t)(end - start) : strlen(start);
    return start;
}

static size_t missing_options(const char *document, const char *heading, const char *next,
                              const char *option_format)
{
    size_t missing = 0;
    for (size_t i = 0; i < wardi_command_count; i++) {
        const wardi_command *command = &wardi_commands[i];
        size_t length;
        const char *section = section_of(document, heading, command->name, next, &length);
        for (size_t j = 0; j < command->option_count; j++) {
            char option[80];
            int size = snprintf(option, sizeof option, option_format, command->options[j].name);
            if (memmem(section, length, option, (size_t)size) != NULL) continue;
            print_error("%s: %s\n", command->name, option);
            missing++;
        }
    }
    return missing;
}

/* Those of a ward on another machine stand once. */
static size_t missing_remote(const char *document, const char *heading, const char *option_format)
{
    size_t missing = 0;
    const char *section = strstr(document, heading);
    if (section == NULL) fail_msg("no section \"%s\"", heading);
    for (size_t i = 0; i < wardi_remote_option_count; i++) {
        char option[80];
        snprintf(option, sizeof option, option_format, wardi_remote_options[i].name);
        if (strstr(section, option) != NULL) continue;
        print_error("%s\n", option);
        missing++;
    }
    return missing;
}

static void manual_of_the_commands(void **state)
{
    char *document = slurp("man/ward.1");
    (void)state;
    size_t missing = missing_options(document, "\n.Ss ward %s\n", "\n.Ss ", "Fl -%s");
    missing += missing_remote(document, "\n.Ss A ward on another machine\n", "\n.It Fl -%s ");
    free(document);
    if (missing > 0) fail_msg("man/ward.1 lacks the %zu options above", missing);
}

static void document_of_the_commands(void **state)
{
    char *document = slurp("docs/cli.md");
    (void)state;
    size_t missing = missing_options(document, "\n## `ward %s`\n", "\n## ", "`--%s");
    missing += missing_remote(document, "\n## A ward on another machine\n", "\n| `--%s ");
    free(document);
    if (missing > 0) fail_msg("docs/cli.md lacks the %zu options above", missing);
}

static void schema(void **state)
{
    char *document = slurp("schema/ward.schema.json"), *made = wardi_config_schema();
    (void)state;
    size_t length = strlen(made);
    assert_int_equal(strlen(document), length + 1);
    if (strncmp(document, made, length) != 0)
        fail_msg("schema/ward.schema.json is not what `ward validate --schema` prints");
    free(document);
    free(made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reference),
        cmocka_unit_test(limits),
        cmocka_unit_test(manual_of_the_file),
        cmocka_unit_test(manual_of_the_commands),
        cmocka_unit_test(document_of_the_commands),
        cmocka_unit_test(schema),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
