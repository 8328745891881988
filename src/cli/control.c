/* Commands to a ward that runs: start, stop, restart, quarantine, release; call and send. */
#include <stdlib.h>
#include <string.h>

#include "cli/client.h"
#include "cli/json.h"
#include "cli/settings.h"

/* ---- what is asked of components and groups ---- */

/* A group of that name where there is no such component: instances are in a group. */
static bool ask(wardi_client *client, const char *request, const char *name)
{
    char escaped[WARDI_ESCAPED_BYTES];
    wardi_call call = {.method = "POST", .quiet_not_found = true};
    long status;
    wardi_client_escape(escaped, name);
    free(wardi_client_text(client, &call, &status, "/api/v1/components/%s/%s", escaped, request));
    if (status != 404) return status / 100 == 2;
    call.quiet_not_found = false;
    free(wardi_client_text(client, &call, &status, "/api/v1/groups/%s/%s", escaped, request));
    return status / 100 == 2;
}

static int ask_all(const char *request, const void *settings, char **args, int arg_count)
{
    const wardi_client_settings *given = settings;
    wardi_client *client = wardi_client_new(given->socket, request);
    if (client == NULL) return WARDI_EXIT_FAILED;
    int status = WARDI_EXIT_OK;
    for (int i = 0; i < arg_count; i++)
        if (!ask(client, request, args[i])) status = WARDI_EXIT_FAILED;
    wardi_client_free(client);
    return status;
}

int wardi_start_run(const void *settings, char **args, int arg_count)
{
    return ask_all("start", settings, args, arg_count);
}

int wardi_stop_run(const void *settings, char **args, int arg_count)
{
    return ask_all("stop", settings, args, arg_count);
}

int wardi_restart_run(const void *settings, char **args, int arg_count)
{
    return ask_all("restart", settings, args, arg_count);
}

int wardi_quarantine_run(const void *settings, char **args, int arg_count)
{
    return ask_all("quarantine", settings, args, arg_count);
}

int wardi_release_run(const void *settings, char **args, int arg_count)
{
    return ask_all("release", settings, args, arg_count);
}

/* ---- calls ---- */

/* "7" and "-1" are i32 where they fit and else i64, "0.5" is f64; "i64:7" says which. */
static json_t *value_of(const char *text)
{
    static const char *const kinds[] = {"i32", "i64", "f32", "f64"};
    const char *number = text;
    const char *kind = NULL;
    char *rest;
    for (size_t i = 0; i < WARD_COUNT(kinds); i++)
        if (strncmp(text, kinds[i], 3) == 0 && text[3] == ':') {
            kind = kinds[i];
            number = text + 4;
        }
    bool is_real = kind != NULL ? kind[0] == 'f' : strpbrk(number, ".eEnN") != NULL;
    if (is_real) {
        double value = strtod(number, &rest);
        if (*rest != '\0' || rest == number) return NULL;
        return json_pack("{s:f}", kind != NULL ? kind : "f64", value);
    }
    long long value = strtoll(number, &rest, 0);
    if (*rest != '\0' || rest == number) return NULL;
    bool fits = value >= INT32_MIN && value <= INT32_MAX;
    return json_pack("{s:I}", kind != NULL ? kind : fits ? "i32" : "i64", (json_int_t)value);
}

static json_t *call_of(char **args, int arg_count, uint64_t timeout_ns)
{
    json_t *values = json_array();
    for (int i = 2; i < arg_count; i++) {
        json_t *value = value_of(args[i]);
        if (value == NULL) {
            char quoted[WARDI_SHOWN_BYTES];
            wardi_complain("call: %s is no number; write one like 7, -1, 0.5, i64:7 or f32:1",
                           wardi_config_shown(quoted, args[i]));
            json_decref(values);
            return NULL;
        }
        json_array_append_new(values, value);
    }
    json_t *call = json_pack("{s:s, s:o}", "function", args[1], "args", values);
    if (timeout_ns != 0)
        json_object_set_new(call, "timeout_ns", json_integer((json_int_t)timeout_ns));
    return call;
}

static void print_results(const json_t *answer)
{
    size_t i;
    json_t *result;
    json_array_foreach(json_object_get(answer, "results"), i, result)
    {
        char *text = json_dumps(json_object_iter_value(json_object_iter(result)), JSON_ENCODE_ANY);
        printf("%s\n", text != NULL ? text : "?");
        free(text);
    }
}

static json_t *post_call(const wardi_call_settings *given, const char *name, json_t *call)
{
    char escaped[WARDI_ESCAPED_BYTES];
    char *body = json_dumps(call, JSON_COMPACT);
    wardi_client *client = body != NULL ? wardi_client_new(given->socket, "call") : NULL;
    wardi_call post = {.method = "POST",
                       .type = "application/json",
                       .body = body,
                       .length = body != NULL ? strlen(body) : 0,
                       .timeout_ns = given->timeout_ns != 0 ? given->timeout_ns + 5 * WARDI_S : 0};
    json_t *answer = client != NULL
                         ? wardi_client_json(client, &post, NULL, "/api/v1/components/%s/call",
                                             wardi_client_escape(escaped, name))
                         : NULL;
    wardi_client_free(client);
    free(body);
    return answer;
}

int wardi_call_run(const void *settings, char **args, int arg_count)
{
    const wardi_call_settings *given = settings;
    json_t *call = call_of(args, arg_count, given->timeout_ns);
    if (call == NULL) return WARDI_EXIT_USAGE;
    json_t *answer = post_call(given, args[0], call);
    json_decref(call);
    int status = answer != NULL ? WARDI_EXIT_OK : WARDI_EXIT_FAILED;
    if (answer != NULL && given->json)
        wardi_json_print(json_incref(answer));
    else if (answer != NULL)
        print_results(answer);
    json_decref(answer);
    return wardi_output_finish(status, WARDI_EXIT_FAILED);
}

/* ---- messages ---- */

enum { MESSAGE_BYTES_MAX = 1 << 20 };

/* Of the argument, or of standard input. NULL: said why. */
static char *message_of(const char *text, size_t *ret_length)
{
    char *bytes = text != NULL ? strdup(text) : malloc(MESSAGE_BYTES_MAX + 1);
    if (bytes == NULL) {
        wardi_complain("send: out of memory");
        return NULL;
    }
    *ret_length = text != NULL ? strlen(text) : fread(bytes, 1, MESSAGE_BYTES_MAX + 1, stdin);
    if (*ret_length <= MESSAGE_BYTES_MAX && (text != NULL || !ferror(stdin))) return bytes;
    wardi_complain("send: a message has at most 1 MiB, and must be readable");
    free(bytes);
    return NULL;
}

int wardi_send_run(const void *settings, char **args, int arg_count)
{
    const wardi_client_settings *given = settings;
    char escaped[WARDI_ESCAPED_BYTES];
    size_t length = 0;
    long http = 0;
    bool from_stdin = arg_count < 2 || strcmp(args[1], "-") == 0;
    char *bytes = message_of(from_stdin ? NULL : args[1], &length);
    wardi_client *client = bytes != NULL ? wardi_client_new(given->socket, "send") : NULL;
    wardi_call post = {
        .method = "POST", .type = "application/octet-stream", .body = bytes, .length = length};
    if (client != NULL)
        free(wardi_client_text(client, &post, &http, "/api/v1/components/%s/send",
                               wardi_client_escape(escaped, args[0])));
    wardi_client_free(client);
    free(bytes);
    return http / 100 == 2 ? WARDI_EXIT_OK : WARDI_EXIT_FAILED;
}
