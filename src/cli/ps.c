/* `ward ps` and `ward tree`: who is there, and how they are. */
#include <libfyaml.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/client.h"
#include "cli/json.h"
#include "cli/settings.h"

/* ---- what is shown ---- */

wardi_style wardi_style_of_condition(const char *condition)
{
    if (strcmp(condition, "healthy") == 0) return WARDI_GREEN;
    if (strcmp(condition, "unhealthy") == 0) return WARDI_RED;
    return strcmp(condition, "stopped") == 0 ? WARDI_DIM : WARDI_YELLOW;
}

/* In characters. */
static int width_of(const char *text)
{
    int width = 0;
    for (; *text != '\0'; text++) width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

static void print_padded(const char *text, int width, wardi_style style)
{
    char room[200];
    wardi_text cell = WARDI_TEXT(room);
    wardi_text_puts(&cell, text);
    wardi_output_styled(stdout, style, room);
    for (int i = width_of(room); i < width; i++) fputc(' ', stdout);
}

static const char *age_of(const json_t *member, char room[32])
{
    wardi_text text = wardi_text_on(room, 32);
    uint64_t since_ns = wardi_json_get_time(member, "since"), now_ns = wardi_wall_ns();
    uint64_t seconds = since_ns != 0 && since_ns < now_ns ? (now_ns - since_ns) / WARDI_S : 0;
    if (seconds < 120)
        wardi_text_printf(&text, "%us", (unsigned)seconds);
    else if (seconds < 7200)
        wardi_text_printf(&text, "%um", (unsigned)(seconds / 60));
    else if (seconds < 172800)
        wardi_text_printf(&text, "%uh", (unsigned)(seconds / 3600));
    else
        wardi_text_printf(&text, "%ud", (unsigned)(seconds / 86400));
    return room;
}

/* ---- the table ---- */

typedef struct column {
    const char *title, *key; /* key NULL: the time since `since` */
    bool wide;               /* only with -o wide */
} column;

static const column columns[] = {
    {"NAME", "name", false},
    {"CONDITION", "condition", false},
    {"FOR", NULL, false},
    {"GROUP", "group", false},
    {"VERSION", "version", true},
    {"STATE", "state", true},
    {"HEALTH", "health", true},
    {"RESTART", "restart", true},
    {"LAST CAUSE", "last_cause", true},
    {"REASON", "reason", false},
};

static const char *cell_of(const column *c, const json_t *member, char room[32])
{
    return c->key != NULL ? wardi_json_get_text(member, c->key) : age_of(member, room);
}

static void print_table(const json_t *members, bool wide)
{
    enum { CELL_MAX = 40 };
    int widths[WARD_COUNT(columns)];
    char room[32];
    size_t i;
    json_t *member;
    for (size_t c = 0; c < WARD_COUNT(columns); c++) {
        widths[c] = (int)strlen(columns[c].title);
        json_array_foreach(members, i, member)
        {
            const char *cell = cell_of(&columns[c], member, room);
            int width = width_of(cell);
            if (width > widths[c]) widths[c] = width < CELL_MAX ? width : CELL_MAX;
        }
    }
    for (size_t c = 0; c < WARD_COUNT(columns); c++) {
        bool last = c + 1 == WARD_COUNT(columns);
        if (!columns[c].wide || wide)
            print_padded(columns[c].title, last ? 0 : widths[c] + 2, WARDI_BOLD);
    }
    fputc('\n', stdout);
    json_array_foreach(members, i, member)
    {
        for (size_t c = 0; c < WARD_COUNT(columns); c++) {
            const char *cell = cell_of(&columns[c], member, room);
            bool last = c + 1 == WARD_COUNT(columns), is_condition = c == 1;
            if (columns[c].wide && !wide) continue;
            if (last)
                wardi_output_safe(stdout, cell, strlen(cell)); /* of a guest's, whole */
            else
                print_padded(cell, widths[c] + 2,
                             is_condition ? wardi_style_of_condition(cell) : WARDI_PLAIN);
        }
        fputc('\n', stdout);
    }
}

/* JSON is YAML; only its layout changes. */
static bool print_yaml(const json_t *members)
{
    char *json = json_dumps(members, 0);
    struct fy_document *document =
        json != NULL ? fy_document_build_from_string(NULL, json, FY_NT) : NULL;
    char *yaml = document != NULL
                     ? fy_emit_document_to_string(document, FYECF_MODE_BLOCK | FYECF_WIDTH_INF)
                     : NULL;
    if (yaml != NULL) fputs(yaml, stdout);
    free(yaml);
    fy_document_destroy(document);
    free(json);
    return yaml != NULL;
}

static bool print_members(const json_t *members, const char *format)
{
    size_t i;
    json_t *member;
    if (format != NULL && strcmp(format, "json") == 0) {
        wardi_json_print(json_incref((json_t *)(uintptr_t)members));
    } else if (format != NULL && strcmp(format, "yaml") == 0) {
        return print_yaml(members);
    } else if (format != NULL && strcmp(format, "name") == 0) {
        json_array_foreach(members, i, member)
        {
            wardi_json_show(stdout, member, "name");
            fputc('\n', stdout);
        }
    } else {
        print_table(members, format != NULL && strcmp(format, "wide") == 0);
    }
    return true;
}

/* ---- which, and in which order ---- */

static int rank_of(const json_t *member)
{
    static const char *const worst_first[] = {"unhealthy", "unready", "degraded",
                                              "starting",  "stopped", "healthy"};
    const char *condition = wardi_json_get_text(member, "condition");
    for (size_t i = 0; i < WARD_COUNT(worst_first); i++)
        if (strcmp(worst_first[i], condition) == 0) return (int)i;
    return -1;
}

static int by_name(const void *a, const void *b)
{
    json_t *const *one = a, *const *other = b;
    return strverscmp(wardi_json_get_text(*one, "name"), wardi_json_get_text(*other, "name"));
}

static int by_condition(const void *a, const void *b)
{
    json_t *const *one = a, *const *other = b;
    int difference = rank_of(*one) - rank_of(*other);
    return difference != 0 ? difference : by_name(a, b);
}

/* Those that changed last come first. */
static int by_age(const void *a, const void *b)
{
    json_t *const *one = a, *const *other = b;
    int order = strcmp(wardi_json_get_text(*other, "since"), wardi_json_get_text(*one, "since"));
    return order != 0 ? order : by_name(a, b);
}

static json_t *sorted(const json_t *members, const char *by)
{
    size_t count = json_array_size(members);
    json_t **all = wardi_alloc_array(count + 1, sizeof(json_t *));
    json_t *result = json_array();
    if (all == NULL || result == NULL) {
        wardi_free((void *)all);
        return result;
    }
    for (size_t i = 0; i < count; i++) all[i] = json_array_get(members, i);
    qsort((void *)all, count, sizeof(json_t *),
          by == NULL || strcmp(by, "name") == 0 ? by_name
          : strcmp(by, "condition") == 0        ? by_condition
                                                : by_age);
    for (size_t i = 0; i < count; i++) json_array_append(result, all[i]);
    wardi_free((void *)all);
    return result;
}

static json_t *members_get(wardi_client *client, const char *which, const wardi_ps_settings *given,
                           const char *words)
{
    char group[WARDI_ESCAPED_BYTES], name[WARDI_ESCAPED_BYTES];
    char query[WARDI_ESCAPED_BYTES * 2 + 64];
    wardi_text text = WARDI_TEXT(query);
    const char *condition = given != NULL ? given->condition : NULL;
    const char *in = given != NULL ? given->group : NULL;
    wardi_text_puts(&text, "?");
    if (condition != NULL) wardi_text_printf(&text, "condition=%s&", condition);
    if (in != NULL) wardi_text_printf(&text, "group=%s&", wardi_client_escape(group, in));
    if (words != NULL) wardi_text_printf(&text, "q=%s&", wardi_client_escape(name, words));
    json_t *list = wardi_client_json(client, NULL, NULL, "/api/v1/%s%s", which, query);
    json_t *members = json_incref(json_object_get(list, which));
    json_decref(list);
    return members;
}

static int show_once(wardi_client *client, const wardi_ps_settings *given, const char *words)
{
    json_t *members = members_get(client, given->groups ? "groups" : "components", given, words);
    if (members == NULL) return WARDI_EXIT_FAILED;
    json_t *ordered = sorted(members, given->sort);
    bool printed = ordered != NULL && print_members(ordered, given->output);
    json_decref(ordered);
    json_decref(members);
    if (!printed) wardi_complain("ps: out of memory");
    return printed ? WARDI_EXIT_OK : WARDI_EXIT_FAILED;
}

int wardi_ps_run(const void *settings, char **args, int arg_count)
{
    const wardi_ps_settings *given = settings;
    const char *words = arg_count > 0 ? args[0] : NULL;
    wardi_client *client = wardi_client_new(given->socket, "ps");
    if (client == NULL) return WARDI_EXIT_FAILED;
    int status = show_once(client, given, words);
    while (given->watch && status == WARDI_EXIT_OK && fflush(stdout) == 0) {
        sleep(1);
        if (wardi_output_is_terminal(stdout)) fputs("\033[H\033[2J", stdout);
        status = show_once(client, given, words);
    }
    wardi_client_free(client);
    return wardi_output_finish(status, WARDI_EXIT_FAILED);
}

/* ---- tree ---- */

typedef struct forest {
    json_t *groups, *components;
} forest;

static bool is_in(const json_t *member, const char *group)
{
    return strcmp(wardi_json_get_text(member, "group"), group) == 0;
}

static size_t count_in(const forest *f, const char *group)
{
    size_t i, count = 0;
    json_t *member;
    json_array_foreach(f->groups, i, member) count += is_in(member, group);
    json_array_foreach(f->components, i, member) count += is_in(member, group);
    return count;
}

static void print_leaf(const json_t *member, const char *branch)
{
    const char *condition = wardi_json_get_text(member, "condition");
    const char *reason = wardi_json_get_text(member, "reason");
    fputs(branch, stdout);
    wardi_json_show(stdout, member, "name");
    fputs("  ", stdout);
    wardi_output_styled(stdout, wardi_style_of_condition(condition), condition);
    if (reason[0] != '\0') fputs("  ", stdout);
    wardi_output_safe(stdout, reason, strlen(reason));
    fputc('\n', stdout);
}

/* A component's instances are shown by those that are not well, and how many are. */
static void print_branches(const forest *f, const char *group, const char *indent, bool instances)
{
    enum { DEPTH_BYTES = 400 };
    size_t i, left = count_in(f, group), well = 0;
    char branch[DEPTH_BYTES], below[DEPTH_BYTES];
    json_t *member;
    json_array_foreach(f->groups, i, member)
    {
        if (!is_in(member, group)) continue;
        bool last = --left == 0;
        snprintf(branch, sizeof branch, "%s%s", indent, last ? "└─ " : "├─ ");
        snprintf(below, sizeof below, "%s%s", indent, last ? "   " : "│  ");
        print_leaf(member, branch);
        if (strlen(below) + 16 < sizeof below)
            print_branches(f, wardi_json_get_text(member, "name"), below,
                           wardi_json_get_u64(member, "instances") != 0);
    }
    json_array_foreach(f->components, i, member)
    {
        if (!is_in(member, group)) continue;
        left--;
        bool is_well = strcmp(wardi_json_get_text(member, "condition"), "healthy") == 0;
        well += instances && is_well;
        if (instances && is_well) continue;
        snprintf(branch, sizeof branch, "%s%s", indent, left == 0 && well == 0 ? "└─ " : "├─ ");
        print_leaf(member, branch);
    }
    if (well != 0) printf("%s└─ %zu healthy\n", indent, well);
}

int wardi_tree_run(const void *settings, char **args, int arg_count)
{
    const wardi_client_settings *given = settings;
    (void)args;
    (void)arg_count;
    wardi_client *client = wardi_client_new(given->socket, "tree");
    if (client == NULL) return WARDI_EXIT_FAILED;
    json_t *groups = members_get(client, "groups", NULL, NULL);
    json_t *components = groups != NULL ? members_get(client, "components", NULL, NULL) : NULL;
    forest f = {.groups = sorted(groups, NULL), .components = sorted(components, NULL)};
    bool known = components != NULL && f.groups != NULL && f.components != NULL;
    if (known && given->json)
        wardi_json_print(json_pack("{s:O, s:O}", "groups", f.groups, "components", f.components));
    else if (known)
        print_branches(&f, "", "", false);
    json_decref(f.groups);
    json_decref(f.components);
    json_decref(groups);
    json_decref(components);
    wardi_client_free(client);
    return wardi_output_finish(known ? WARDI_EXIT_OK : WARDI_EXIT_FAILED, WARDI_EXIT_FAILED);
}
