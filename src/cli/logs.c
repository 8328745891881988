/* `ward logs`: the last lines that components of a ward that runs have logged. */
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "cli/client.h"
#include "cli/events.h"
#include "cli/json.h"
#include "cli/settings.h"

enum { NAME_WIDTH = 16, LINES_DEFAULT = 100, AGAIN_MS = 250, LINES_AT_ONCE = 1000 };

static void show_line(const json_t *document, bool json)
{
    ward_log_field fields[WARD_LOG_FIELDS_MAX];
    ward_log_line line = WARD_INIT(ward_log_line);
    ward_diag diag;
    if (json)
        wardi_json_print(json_incref((json_t *)(uintptr_t)document));
    else if (wardi_line_of_json(document, fields, &line, &diag) == WARD_OK)
        wardi_line_print(stdout, &line, NAME_WIDTH);
    else
        wardi_complain("logs: a line that cannot be read: %s", diag.text);
}

/* After `*next`, which is set to the last that there is. False: said why. */
static bool show_more(wardi_client *client, const wardi_logs_settings *given, const char *name,
                      uint64_t limit, uint64_t *next)
{
    char escaped[WARDI_ESCAPED_BYTES], query[WARDI_ESCAPED_BYTES + 120];
    wardi_text text = WARDI_TEXT(query);
    size_t i;
    json_t *line;
    wardi_text_printf(&text, "?limit=%llu", (unsigned long long)limit);
    if (*next != 0) wardi_text_printf(&text, "&after=%llu", (unsigned long long)*next);
    if (given->level != NULL) wardi_text_printf(&text, "&level=%s", given->level);
    if (name != NULL) wardi_text_printf(&text, "&component=%s", wardi_client_escape(escaped, name));
    json_t *answer = wardi_client_json(client, NULL, NULL, "/api/v1/logs%s", query);
    if (answer == NULL) return false;
    json_array_foreach(json_object_get(answer, "lines"), i, line) show_line(line, given->json);
    *next = wardi_json_get_u64(answer, "next");
    json_decref(answer);
    return true;
}

int wardi_logs_run(const void *settings, char **args, int arg_count)
{
    const wardi_logs_settings *given = settings;
    const char *name = arg_count > 0 ? args[0] : NULL;
    uint64_t next = 0, limit = given->limit != 0 ? given->limit : LINES_DEFAULT;
    wardi_client *client = wardi_client_new(given->socket, "logs");
    if (client == NULL) return WARDI_EXIT_FAILED;
    bool shown = show_more(client, given, name, limit, &next);
    while (shown && given->follow && fflush(stdout) == 0) {
        poll(NULL, 0, AGAIN_MS);
        shown = show_more(client, given, name, LINES_AT_ONCE, &next);
    }
    wardi_client_free(client);
    return wardi_output_finish(shown ? WARDI_EXIT_OK : WARDI_EXIT_FAILED, WARDI_EXIT_FAILED);
}
