/* Commands: over the Unix socket, whose other end the kernel vouches for, and over TLS. Each is put
 * into the stream of events, with who has given it, before it is carried out. */
#include <stdio.h>
#include <string.h>

#include "surface/http_api.h"
#include "surface/http_command.h"
#include "surface/http_priv.h"

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
    c->who = request->who;
    c->uid = request->client->peer->uid;
    c->pid = request->client->peer->pid;
    if (c->who.way != HTTP_SOCKET) http_client_address(request->client, c->address);
    wardi_text name = WARDI_TEXT(c->name);
    wardi_text_puts(&name, m->name);
    return c;
}

void http_command_tell(const command *c, const char *what, const char *outcome)
{
    char words[WARD_REASON_BYTES_MAX + 1];
    wardi_text text = WARDI_TEXT(words);
    wardi_text_printf(&text, "%s, by ", what);
    if (c->who.way == HTTP_SOCKET)
        wardi_text_user(&text, c->uid, c->pid);
    else
        wardi_text_printf(&text, "%s %s (%s)", c->who.way == HTTP_TOKEN ? "token" : "certificate",
                          c->who.name, c->address);
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
    http_call call;
    ward_value results[WARD_INVOKE_VALUES_MAX];
    size_t result_count;
} call_work;

static void run_call(http_work *work)
{
    call_work *w = (call_work *)work;
    command *c = &w->command;
    char what[160];
    wardi_text text = WARDI_TEXT(what);
    wardi_text_printf(&text, "call of %s", w->call.function);
    http_command_tell(c, what, NULL);
    w->result_count = WARD_COUNT(w->results);
    c->error =
        ward_supervisor_invoke(c->supervisor, c->id, w->call.function, w->call.args,
                               w->call.arg_count, w->results, &w->result_count, w->call.timeout_ns);
    tell_failure(c, what);
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
    for (size_t i = 0; i < w->result_count; i++) http_call_value(&text, &w->results[i]);
    http_json_close(&text, ']');
    http_json_close(&text, '}');
    http_text_puts(&text, "\n");
    http_answer_text(request, MHD_HTTP_OK, "application/json", &text);
}

static void start_call(http_request *request)
{
    char wrong[200];
    const view_member *m = one_child(request);
    call_work *w = m != NULL ? http_command_new(request, sizeof *w, m, run_call) : NULL;
    if (w == NULL) return;
    w->command.work.waits_for_guests = true;
    if (http_call_read(request->body.bytes, request->body.length, &w->call, WARDI_TEXT(wrong))) {
        http_work_start(request, &w->command.work);
        return;
    }
    http_problem(request, MHD_HTTP_BAD_REQUEST, "The call can't be read: %s.", wrong);
    wardi_free(w);
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
