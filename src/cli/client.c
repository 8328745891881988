#include "cli/client.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/remote.h"

#define SERVICE_SOCKET "/run/ward/control.sock" /* of deploy/systemd/ward.service */
#define TIMEOUT_DEFAULT_NS (30 * WARDI_S)
enum { PATH_BYTES = 2048, ANSWER_BYTES_MAX = 1 << 30 };

struct wardi_client {
    CURL *curl;
    const char *command;
    char socket[512]; /* or the URL */
    bool is_remote;
    wardi_remote remote;
    bool quiet;
    char trouble[600]; /* as it was complained of last */
};

typedef struct answer {
    char *bytes;
    size_t length, room;
    bool (*take)(void *context, const char *bytes, size_t length); /* NULL: it is kept */
    void *context;
    CURL *curl;
    bool enough;
} answer;

/* The socket of this machine that is meant; NULL: said why. */
static const char *find_socket(const char *socket, char *room, size_t size, const char *command)
{
    const char *path = wardi_where_of(socket, "WARD_CONTROL", wardi_where_control(room, size));
    /* A login of root's has a place of its own, and the machine's service another. */
    if (path == room && access(path, F_OK) != 0 && access(SERVICE_SOCKET, F_OK) == 0)
        path = SERVICE_SOCKET;
    if (path == NULL)
        wardi_complain("%s: no control socket is named: WARD_CONTROL is off", command);
    return path;
}

/* False: said why. */
static bool open_place(wardi_client *client, const char *socket)
{
    char room[512], fault_room[WARDI_REMOTE_FAULT_BYTES];
    const char *url = wardi_remote_url(socket);
    wardi_text text = WARDI_TEXT(client->socket);
    if (url == NULL) {
        const char *path = find_socket(socket, room, sizeof room, client->command);
        if (path != NULL) wardi_text_puts(&text, path);
        return path != NULL;
    }
    client->is_remote = true;
    bool two = socket != NULL && socket != url;
    const char *fault = two ? "--socket and --host name two places; keep one"
                            : wardi_remote_open(&client->remote, url, fault_room);
    if (fault != NULL)
        wardi_complain("%s: %s", client->command, fault);
    else
        wardi_text_puts(&text, client->remote.base);
    return fault == NULL;
}

wardi_client *wardi_client_new(const char *socket, const char *command)
{
    wardi_client *client = wardi_alloc(sizeof *client);
    CURL *curl = client != NULL ? curl_easy_init() : NULL;
    if (curl == NULL) {
        wardi_complain("%s: out of memory", command);
        wardi_free(client);
        return NULL;
    }
    client->curl = curl;
    client->command = command;
    if (open_place(client, socket)) return client;
    wardi_client_free(client);
    return NULL;
}

void wardi_client_free(wardi_client *client)
{
    if (client == NULL) return;
    curl_easy_cleanup(client->curl);
    wardi_remote_done(&client->remote);
    wardi_free(client);
}

void wardi_client_quiet(wardi_client *client)
{
    client->quiet = true;
}

const char *wardi_client_trouble(const wardi_client *client)
{
    return client->trouble;
}

const char *wardi_client_socket(const wardi_client *client)
{
    return client->socket;
}

static void complain(wardi_client *client, const char *format, ...) WARD_PRINTF(2, 3);
static void complain(wardi_client *client, const char *format, ...)
{
    wardi_text text = WARDI_TEXT(client->trouble);
    va_list args;
    va_start(args, format);
    wardi_text_vprintf(&text, format, args);
    va_end(args);
    if (!client->quiet) wardi_complain("%s: %s", client->command, client->trouble);
}

/* ---- one call ---- */

static size_t take_bytes(char *bytes, size_t size, size_t count, void *context)
{
    answer *a = context;
    size_t length = size * count;
    long status = 0;
    curl_easy_getinfo(a->curl, CURLINFO_RESPONSE_CODE, &status);
    if (a->take != NULL && status == 200) {
        a->enough = !a->take(a->context, bytes, length);
        return a->enough ? 0 : length;
    }
    if (a->length + length + 1 > ANSWER_BYTES_MAX) return 0;
    if (a->length + length + 1 > a->room) {
        size_t room = 2 * a->room + length + 4096;
        char *grown = realloc(a->bytes, room);
        if (grown == NULL) return 0;
        a->bytes = grown;
        a->room = room;
    }
    memcpy(a->bytes + a->length, bytes, length);
    a->length += length;
    a->bytes[a->length] = '\0';
    return length;
}

static struct curl_slist *headers_of(const wardi_call *call)
{
    char line[200];
    wardi_text accept = WARDI_TEXT(line);
    wardi_text_printf(&accept, "Accept: %s",
                      call->accept != NULL ? call->accept : "application/json");
    struct curl_slist *headers = curl_slist_append(NULL, line);
    if (call->header != NULL) headers = curl_slist_append(headers, call->header);
    if (call->type == NULL) return headers;
    wardi_text type = WARDI_TEXT(line);
    wardi_text_printf(&type, "Content-Type: %s", call->type);
    return curl_slist_append(headers, line);
}

static void set_call(wardi_client *client, const wardi_call *call, const char *url, answer *a)
{
    CURL *curl = client->curl;
    uint64_t timeout_ns = call->timeout_ns != 0 ? call->timeout_ns : TIMEOUT_DEFAULT_NS;
    curl_easy_reset(curl);
    if (!client->is_remote) curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, client->socket);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, 10000L);
    if (timeout_ns != WARDI_CALL_ENDLESS)
        curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)(timeout_ns / WARDI_MS));
    if (call->method != NULL) curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, call->method);
    if (call->method != NULL && strcmp(call->method, "POST") == 0) {
        curl_easy_setopt(curl, CURLOPT_POST, 1L);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, call->body != NULL ? call->body : "");
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->length);
    }
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_bytes);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, a);
}

/* A socket that anybody may connect to turns those away who are of no group. */
static bool was_turned_away(CURLcode code)
{
    return code == CURLE_GOT_NOTHING || code == CURLE_RECV_ERROR || code == CURLE_SEND_ERROR;
}

static void complain_unreachable(wardi_client *client, CURLcode code)
{
    char words[600];
    wardi_text text = WARDI_TEXT(words);
    if (client->is_remote) {
        wardi_remote_explain(&client->remote, client->curl, code, &text);
        complain(client, "%s", words);
    } else if (was_turned_away(code)) {
        complain(client,
                 "%s has ended the connection: this user may have no part in it "
                 "(`surfaces.control_group`, `surfaces.read_group`), or it is leaving",
                 client->socket);
    } else if (code == CURLE_COULDNT_CONNECT) {
        complain(client,
                 "no ward answers at %s: is it running, as this user? --socket or WARD_CONTROL "
                 "name another place",
                 client->socket);
    } else if (code == CURLE_OPERATION_TIMEDOUT) {
        complain(client, "%s: no answer in time", client->socket);
    } else {
        complain(client, "%s: %s", client->socket, curl_easy_strerror(code));
    }
}

/* A problem document says what is wrong in words. */
static void complain_refused(wardi_client *client, const answer *a, long status)
{
    json_t *problem = a->bytes != NULL ? json_loads(a->bytes, 0, NULL) : NULL;
    const char *detail = wardi_json_get_text(problem, "detail");
    if (detail[0] == '\0') detail = wardi_json_get_text(problem, "title");
    const char *hint = status != 401
                           ? ""
                           : " --token-file or WARD_TOKEN_FILE names the file of a token, "
                             "--cert and --key those of a certificate.";
    if (detail[0] != '\0')
        complain(client, "%s%s", detail, hint);
    else
        complain(client, "it answers with status %ld", status);
    json_decref(problem);
}

/* True: 200. */
static bool perform(wardi_client *client, const wardi_call *call, const char *path, answer *a,
                    long *ret_status)
{
    char url[PATH_BYTES];
    wardi_text text = WARDI_TEXT(url);
    long status = 0;
    wardi_text_printf(&text, "%s%s", client->is_remote ? client->remote.base : "http://ward", path);
    struct curl_slist *headers = headers_of(call);
    a->curl = client->curl;
    set_call(client, call, url, a);
    if (client->is_remote) headers = wardi_remote_set(&client->remote, client->curl, headers);
    curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, headers);
    CURLcode code = curl_easy_perform(client->curl);
    curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status);
    curl_slist_free_all(headers);
    if (ret_status != NULL) *ret_status = code == CURLE_OK || a->enough ? status : 0;
    if (code != CURLE_OK && !a->enough)
        complain_unreachable(client, code);
    else if (status / 100 != 2 && !call->whatever && !(status == 404 && call->quiet_not_found))
        complain_refused(client, a, status);
    return (code == CURLE_OK || a->enough) && (status / 100 == 2 || call->whatever);
}

static char *text_at(wardi_client *client, const wardi_call *call, long *ret_status,
                     const char *path, va_list args)
{
    static const wardi_call plain;
    char whole[PATH_BYTES];
    wardi_text text = WARDI_TEXT(whole);
    answer a = {0};
    wardi_text_vprintf(&text, path, args);
    if (perform(client, call != NULL ? call : &plain, whole, &a, ret_status))
        return a.bytes != NULL ? a.bytes : strdup("");
    free(a.bytes);
    return NULL;
}

char *wardi_client_text(wardi_client *client, const wardi_call *call, long *ret_status,
                        const char *path, ...)
{
    va_list args;
    va_start(args, path);
    char *text = text_at(client, call, ret_status, path, args);
    va_end(args);
    return text;
}

json_t *wardi_client_json(wardi_client *client, const wardi_call *call, long *ret_status,
                          const char *path, ...)
{
    json_error_t error;
    va_list args;
    va_start(args, path);
    char *text = text_at(client, call, ret_status, path, args);
    va_end(args);
    if (text == NULL) return NULL;
    json_t *json = text[0] != '\0' ? json_loads(text, JSON_ALLOW_NUL, &error) : json_object();
    if (json == NULL)
        complain(client, "%s answers with what is no JSON (%s): is it a ward?", client->socket,
                 error.text);
    free(text);
    return json;
}

bool wardi_client_stream(wardi_client *client, const wardi_call *call, const char *path,
                         bool (*take)(void *context, const char *bytes, size_t length),
                         void *context)
{
    answer a = {.take = take, .context = context};
    bool ended = perform(client, call, path, &a, NULL);
    free(a.bytes);
    return ended;
}

const char *wardi_client_escape(char room[WARDI_ESCAPED_BYTES], const char *name)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    wardi_text text = wardi_text_on(room, WARDI_ESCAPED_BYTES);
    for (; *name != '\0'; name++) {
        if (strchr(plain, *name) != NULL)
            wardi_text_add(&text, name, 1);
        else
            wardi_text_printf(&text, "%%%02X", (unsigned)(unsigned char)*name);
    }
    return room;
}

/* ---- what answers hold ---- */

const char *wardi_json_get_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

void wardi_json_show(FILE *to, const json_t *object, const char *key)
{
    wardi_output_styled(to, WARDI_PLAIN, wardi_json_get_text(object, key));
}

uint64_t wardi_json_get_u64(const json_t *object, const char *key)
{
    return (uint64_t)json_integer_value(json_object_get(object, key));
}

bool wardi_json_get_bool(const json_t *object, const char *key)
{
    return json_is_true(json_object_get(object, key));
}

uint64_t wardi_json_get_time(const json_t *object, const char *key)
{
    struct tm parts = {0};
    const char *rest = strptime(wardi_json_get_text(object, key), "%Y-%m-%dT%H:%M:%S", &parts);
    if (rest == NULL) return 0;
    double fraction = *rest == '.' ? strtod(rest, NULL) : 0;
    return (uint64_t)timegm(&parts) * WARDI_S + (uint64_t)(fraction * 1e9);
}
