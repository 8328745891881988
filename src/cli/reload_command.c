/* ward reload: asks a ward that runs to read its configuration anew, and waits for it. */
#include <stdlib.h>
#include <string.h>

#include "cli/client.h"
#include "cli/json.h"
#include "cli/settings.h"

/* ---- what came of it ---- */

/* It comes from a ward that may be anybody's: nothing of it reaches a terminal as an escape. */
static void print_safe(FILE *to, const char *text)
{
    wardi_output_safe(to, text, strlen(text));
}

/* "" of what is no text. */
static const char *text_of(const json_t *one)
{
    return json_is_string(one) ? json_string_value(one) : "";
}

static bool is_empty(const json_t *document, const char *key)
{
    return json_array_size(json_object_get(document, key)) == 0;
}

static void print_deeds(const json_t *document, const char *part, const char *what)
{
    static const struct {
        const char *key, *word;
    } deeds[] = {{"added", "added"},
                 {"changed", "changed"},
                 {"resized", "resized"},
                 {"anew", "removed and added anew"},
                 {"removed", "removed"}};
    const json_t *lists = json_object_get(document, part), *one;
    size_t i;
    for (size_t d = 0; d < WARD_COUNT(deeds); d++) {
        json_array_foreach(json_object_get(lists, deeds[d].key), i, one)
        {
            const char *name =
                json_is_object(one) ? wardi_json_get_text(one, "name") : text_of(one);
            const char *why = wardi_json_get_text(one, "why");
            fputs(what, stdout);
            print_safe(stdout, name);
            printf(" %s%s", deeds[d].word, why[0] != '\0' ? ": " : "");
            print_safe(stdout, why);
            putchar('\n');
        }
    }
}

static void complain_of(const json_t *document)
{
    const json_t *one;
    size_t i;
    json_array_foreach(json_object_get(document, "failed"), i, one) wardi_complain(
        "reload: %s: %s", wardi_json_get_text(one, "name"), wardi_json_get_text(one, "reason"));
    json_array_foreach(json_object_get(document, "takes_restart"), i, one) wardi_complain(
        "reload: %s is otherwise in the file, and stays as it was until a restart", text_of(one));
    json_array_foreach(json_object_get(document, "out_of_order"), i, one)
    {
        const char *group = text_of(one);
        wardi_complain("reload: %s%s: the order of its members is not that of the file, by which "
                       "rest_for_one goes, until a restart",
                       group[0] != '\0' ? "group " : "the supervisor", group);
    }
}

static void complain_of_mistakes(const json_t *problem)
{
    const json_t *configuration = json_object_get(problem, "configuration"), *one;
    const char *file = wardi_json_get_text(configuration, "file");
    size_t i;
    json_array_foreach(json_object_get(configuration, "mistakes"), i, one)
    {
        print_safe(stderr, file);
        fprintf(stderr, ":%llu:%llu: ", (unsigned long long)wardi_json_get_u64(one, "line"),
                (unsigned long long)wardi_json_get_u64(one, "column"));
        print_safe(stderr, wardi_json_get_text(one, "message"));
        fputc('\n', stderr);
    }
    wardi_complain("reload: %s", wardi_json_get_text(problem, "detail"));
}

static int show(json_t *document, long http, bool json)
{
    bool done = http == 200;
    bool whole = done && is_empty(document, "failed");
    if (!done) complain_of_mistakes(document);
    if (json) {
        wardi_json_print(json_incref(document));
    } else if (done) {
        print_deeds(document, "groups", "group ");
        print_deeds(document, "components", "");
        print_safe(stdout, wardi_json_get_text(document, "summary"));
        putchar('\n');
    }
    if (done) complain_of(document);
    return wardi_output_finish(whole ? WARDI_EXIT_OK : WARDI_EXIT_FAILED, WARDI_EXIT_FAILED);
}

int wardi_reload_run(const void *settings, char **args, int arg_count)
{
    const wardi_reload_settings *given = settings;
    long http = 0;
    (void)args;
    (void)arg_count;
    wardi_call post = {.method = "POST",
                       .timeout_ns =
                           given->timeout_ns != 0 ? given->timeout_ns : WARDI_CALL_ENDLESS,
                       .whatever = true};
    wardi_client *client = wardi_client_new(given->socket, "reload");
    json_t *document =
        client != NULL ? wardi_client_json(client, &post, &http, "/api/v1/reload") : NULL;
    int status = document != NULL ? show(document, http, given->json) : WARDI_EXIT_FAILED;
    json_decref(document);
    wardi_client_free(client);
    return status;
}
