/* Commands: over the Unix socket alone, whose other end the kernel vouches for. Each is put into
 * the stream of events, with who has given it, before it is carried out. */
#include <jansson.h>
#include <math.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "surface/http_api.h"
#include "surface/http_command.h"
#include "surface/http_priv.h"

#define CALL_NS_MAX (60 * WARDI_S)

void *http_command_new(http_request *request, size_t size, const view_member *m,
                       void (*run)(http_work *work))
{
    command *c = wardi_alloc(size);
    if (c == NULL) {
        http_problem_error(request, WARD_ERROR_NO_MEMORY, "");
        return NULL;
    }
    c->work.run = run;
    c->supervisor = request->http->surface->supervisor;
    c->id = m->id;
    c->uid = request->client->peer->uid;
    c->pid = request->client->peer->pid;
    wardi_text name = WARDI_TEXT(c->name);
    wardi_text_puts(&name, m->name);
    return c;
}

void http_command_tell(const command *c, const char *what, const char *outcome)
{
    char words[WARD_REASON_BYTES_MAX + 1], room[4096];
    struct passwd own, *user = NULL;
    wardi_text text = WARDI_TEXT(words);
    getpwuid_r(c->uid, &own, room, sizeof room, &user);
    wardi_text_printf(&text, "%s, by %s (uid %u", what, user != NULL ? user->pw_name : "somebody",
                      (unsigned)c->uid);
    if (c->pid > 0) wardi_text_printf(&text, ", pid %d", (int)c->pid);
    wardi_text_puts(&text, ")");
    if (outcome != NULL) wardi_text_printf(&text, ": %s", outcome);
    ward_supervisor_record(c->supervisor, c->name, words);
}

static void tell_failure(command *c, const char *what)
{
    if (c->error != WARD_OK) http_command_tell(c, what, ward_error_text(c->error));
}

/* ---- start, stop, restart, quarantine, release, remove ---- */

typedef struct ask_work {
    command command;
    ward_request request;
} ask_work;

static const char *const requests[] = {
    [WARD_REQUEST_START] = "start",     [WARD_REQUEST_STOP] = "stop",
    [WARD_REQUEST_RESTART] = "restart", [WARD_REQUEST_QUARANTINE] = "quarantine",
    [WARD_REQUEST_RELEASE] = "release", [WARD_REQUEST_REMOVE] = "remove"};

static void run_ask(http_work *work)
{
    ask_work *w = (ask_work *)work;
    command *c = &w->command;
    http_command_tell(c, requests[w->request], NULL);
    c->error = ward_supervisor_ask(c->supervisor, c->name, w->request, &c->diag);
    tell_failure(c, requests[w->request]);
}

static void answer_ask(http_request *request)
{
    const ask_work *w = (const ask_work *)request->work;
    if (w->command.error != WARD_OK) {
        http_problem_error(request, w->command.error, w->command.diag.text);
        return;
    }
    http_text text = {0};
    http_json_open(&text, '{');
    http_json_key_text(&text, "name", w->command.name);
    http_json_key_text(&text, "request", requests[w->request]);
    http_json_close(&text, '}');
    http_text_puts(&text, "\n");
    http_answer_text(request, MHD_HTTP_ACCEPTED, "application/json", &text);
}

static void start_ask(http_request *request, const view_member *m)
{
    ask_work *w = m != NULL ? http_command_new(request, sizeof *w, m, run_ask) : NULL;
    if (w == NULL) return; /* answered */
    w->request = (ward_request)request->route->detail;
    http_work_start(request, &w->command.work);
}

void http_control_component(http_request *request)
{
    if (request->work != NULL)
        answer_ask(request);
    else
        start_ask(request, http_component(request));
}

void http_control_group(http_request *request)
{
    if (request->work != NULL)
        answer_ask(request);
    else
        start_ask(request, http_group(request));
}

/* What is for one guest is not for a component's instances. NULL: answered. */
static const view_member *one_child(http_request *request)
{
    const view_member *m = http_component(request);
    if (m == NULL || !m->is_group) return m;
    http_problem(request, MHD_HTTP_NOT_FOUND, "\"%s\" has instances: name one, like %s.0", m->name,
                 m->name);
    return NULL;
}

/* ---- call ---- */

typedef struct call_work {
    command command;
    char function[WARD_INVOKE_NAME_BYTES_MAX + 1];
    ward_value args[WARD_INVOKE_VALUES_MAX], results[WARD_INVOKE_VALUES_MAX];
    size_t arg_count, result_count;
    uint64_t timeout_ns;
} call_work;

static const char *const kinds[] = {
    [WARD_I32] = "i32", [WARD_I64] = "i64", [WARD_F32] = "f32", [WARD_F64] = "f64"};

static bool read_real(const json_t *value, double *ret_real)
{
    static const struct {
        const char *name;
        double value;
    } names[] = {{"nan", NAN}, {"inf", INFINITY}, {"-inf", -INFINITY}};
    if (json_is_number(value)) {
        *ret_real = json_number_value(value);
        return true;
    }
    const char *text = json_string_value(value);
    for (size_t i = 0; text != NULL && i < WARD_COUNT(names); i++) {
        if (strcmp(text, names[i].name) != 0) continue;
        *ret_real = names[i].value;
        return true;
    }
    return false;
}

static bool read_value_as(ward_value_kind kind, const json_t *value, ward_value *ret_value)
{
    double real;
    ret_value->kind = kind;
    if (kind == WARD_F32 || kind == WARD_F64) {
        if (!read_real(value, &real)) return false;
        if (kind == WARD_F32)
            ret_value->of.f32 = (float)real;
        else
            ret_value->of.f64 = real;
        return true;
    }
    json_int_t whole = json_integer_value(value);
    /* An i32 may be written with a sign or without: its bits are what counts. */
    if (!json_is_integer(value)) return false;
    if (kind == WARD_I32 && (whole < INT32_MIN || whole > (json_int_t)UINT32_MAX)) return false;
    if (kind == WARD_I32)
        ret_value->of.i32 = (int32_t)(uint32_t)whole;
    else
        ret_value->of.i64 = (int64_t)whole;
    return true;
}

/* {"i64": 7}; or 7, which is an i32 where it fits, and else an i64; or 0.5, which is an f64. */
static bool read_value(const json_t *value, ward_value *ret_value)
{
    if (json_is_real(value)) return read_value_as(WARD_F64, value, ret_value);
    if (json_is_integer(value)) {
        json_int_t whole = json_integer_value(value);
        bool fits = whole >= INT32_MIN && whole <= INT32_MAX;
        return read_value_as(fits ? WARD_I32 : WARD_I64, value, ret_value);
    }
    if (json_object_size(value) != 1) return false;
    for (size_t kind = 0; kind < WARD_COUNT(kinds); kind++) {
        const json_t *found = json_object_get(value, kinds[kind]);
        if (found != NULL) return read_value_as((ward_value_kind)kind, found, ret_value);
    }
    return false;
}

static const char *read_args(const json_t *args, call_work *w)
{
    if (args == NULL) return NULL;
    if (!json_is_array(args) || json_array_size(args) > WARD_INVOKE_VALUES_MAX)
        return "args is a list of at most 16 numbers";
    w->arg_count = json_array_size(args);
    for (size_t i = 0; i < w->arg_count; i++)
        if (!read_value(json_array_get(args, i), &w->args[i]))
            return "an argument is a number, or like {\"i64\": 7}, {\"f32\": 0.5}, {\"f64\": "
                   "\"nan\"}, within its range";
    return NULL;
}

static const char *read_timeout(const json_t *document, call_work *w)
{
    const json_t *ns = json_object_get(document, "timeout_ns");
    const char *text = json_string_value(json_object_get(document, "timeout"));
    if (ns != NULL) {
        if (!json_is_integer(ns) || json_integer_value(ns) <= 0) return "timeout_ns is a number";
        w->timeout_ns = (uint64_t)json_integer_value(ns);
    } else if (json_object_get(document, "timeout") != NULL) {
        if (text == NULL || !http_duration_read(text, &w->timeout_ns) || w->timeout_ns == 0)
            return "timeout is like \"250ms\" or \"10s\"";
    }
    return w->timeout_ns <= CALL_NS_MAX ? NULL : "a call has 60 seconds at most";
}

/* NULL: all is well; else what is wrong. */
static const char *read_call(const json_t *document, call_work *w)
{
    static const char *const known[] = {"function", "args", "timeout", "timeout_ns"};
    const char *function = json_string_value(json_object_get(document, "function"));
    size_t found = 0;
    for (size_t i = 0; i < WARD_COUNT(known); i++)
        found += json_object_get(document, known[i]) != NULL;
    if (!json_is_object(document) || found != json_object_size(document))
        return "it is an object of function, args, and timeout or timeout_ns";
    wardi_text name = WARDI_TEXT(w->function);
    if (function == NULL || *function == '\0') return "function is the name of an export";
    wardi_text_puts(&name, function);
    if (name.cut) return "the name of a function has at most 95 bytes";
    const char *wrong = read_args(json_object_get(document, "args"), w);
    return wrong != NULL ? wrong : read_timeout(document, w);
}

static void run_call(http_work *work)
{
    call_work *w = (call_work *)work;
    command *c = &w->command;
    char what[160];
    wardi_text text = WARDI_TEXT(what);
    wardi_text_printf(&text, "call of %s", w->function);
    http_command_tell(c, what, NULL);
    w->result_count = WARD_COUNT(w->results);
    c->error = ward_supervisor_invoke(c->supervisor, c->id, w->function, w->args, w->arg_count,
                                      w->results, &w->result_count, w->timeout_ns);
    tell_failure(c, what);
}

static void write_value(http_text *to, const ward_value *value)
{
    http_json_open(to, '{');
    http_json_key(to, kinds[value->kind]);
    switch (value->kind) {
    case WARD_I32: http_json_i64(to, value->of.i32); break;
    case WARD_I64: http_json_i64(to, value->of.i64); break;
    case WARD_F32: http_json_double(to, (double)value->of.f32); break;
    case WARD_F64: http_json_double(to, value->of.f64); break;
    }
    http_json_close(to, '}');
}

static void answer_call(http_request *request)
{
    const call_work *w = (const call_work *)request->work;
    if (w->command.error != WARD_OK) {
        http_problem_error(request, w->command.error, w->command.diag.text);
        return;
    }
    http_text text = {0};
    http_json_open(&text, '{');
    http_json_key(&text, "results");
    http_json_open(&text, '[');
    for (size_t i = 0; i < w->result_count; i++) write_value(&text, &w->results[i]);
    http_json_close(&text, ']');
    http_json_close(&text, '}');
    http_text_puts(&text, "\n");
    http_answer_text(request, MHD_HTTP_OK, "application/json", &text);
}

static void start_call(http_request *request)
{
    json_error_t error;
    const view_member *m = one_child(request);
    call_work *w = m != NULL ? http_command_new(request, sizeof *w, m, run_call) : NULL;
    if (w == NULL) return;
    w->command.work.waits_for_guests = true;
    json_t *document =
        json_loadb(request->body.bytes != NULL ? request->body.bytes : "", request->body.length,
                   JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    const char *wrong = document == NULL ? error.text : read_call(document, w);
    if (wrong != NULL) {
        http_problem(request, MHD_HTTP_BAD_REQUEST, "The call can't be read: %s.", wrong);
        wardi_free(w);
    } else {
        http_work_start(request, &w->command.work);
    }
    json_decref(document);
}

void http_control_call(http_request *request)
{
    if (request->work != NULL)
        answer_call(request);
    else
        start_call(request);
}

/* ---- send ---- */

typedef struct send_work {
    command command;
    http_text bytes; /* taken from the request */
} send_work;

static void run_send(http_work *work)
{
    send_work *w = (send_work *)work;
    command *c = &w->command;
    char what[64];
    snprintf(what, sizeof what, "message of %zu bytes", w->bytes.length);
    http_command_tell(c, what, NULL);
    c->error = ward_supervisor_send(c->supervisor, c->id, (const uint8_t *)w->bytes.bytes,
                                    w->bytes.length);
    tell_failure(c, what);
}

static void send_done(http_work *work)
{
    http_text_done(&((send_work *)work)->bytes);
}

void http_control_send(http_request *request)
{
    send_work *w = (send_work *)request->work;
    if (w != NULL && w->command.error != WARD_OK) {
        http_problem_error(request, w->command.error, "");
    } else if (w != NULL) {
        http_answer(request, MHD_HTTP_ACCEPTED, "application/json", "{}\n", 3);
    } else {
        const view_member *m = one_child(request);
        w = m != NULL ? http_command_new(request, sizeof *w, m, run_send) : NULL;
        if (w == NULL) return;
        w->command.work.done = send_done;
        w->command.work.waits_for_guests = true;
        w->bytes = request->body;
        request->body = (http_text){0};
        http_work_start(request, &w->command.work);
    }
}
