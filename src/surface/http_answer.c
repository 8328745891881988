/* Answers, problem documents, and work that may wait. */
#include <assert.h>
#include <string.h>

#include "surface/http_priv.h"

const char *http_header(const http_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

static void set_answer(http_request *request, unsigned status, const char *type,
                       struct MHD_Response *response)
{
    if (request->response != NULL && !request->keep_response)
        MHD_destroy_response(request->response);
    request->keep_response = false;
    request->response = response;
    request->status = status;
    if (response == NULL) return; /* the connection ends: http_answer_send */
    if (type != NULL) http_answer_header(request, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    http_answer_header(request, "X-Content-Type-Options", "nosniff");
    http_answer_header(request, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
}

void http_answer_header(http_request *request, const char *name, const char *value)
{
    if (request->response != NULL) (void)MHD_add_response_header(request->response, name, value);
}

void http_answer(http_request *request, unsigned status, const char *type, const char *bytes,
                 size_t length)
{
    /* Copied, and so never written to. */
    struct MHD_Response *response =
        MHD_create_response_from_buffer(length, (void *)(uintptr_t)bytes, MHD_RESPMEM_MUST_COPY);
    set_answer(request, status, type, response);
}

void http_answer_text(http_request *request, unsigned status, const char *type, http_text *text)
{
    if (text->failed) {
        http_text_done(text);
        http_problem_error(request, WARD_ERROR_NO_MEMORY, "");
        return;
    }
    if (text->length == 0) {
        http_answer(request, status, type, "", 0);
        return;
    }
    struct MHD_Response *response =
        MHD_create_response_from_buffer_with_free_callback(text->length, text->bytes, wardi_free);
    if (response == NULL)
        http_text_done(text);
    else
        *text = (http_text){0};
    set_answer(request, status, type, response);
}

void http_answer_stream(http_request *request, const char *type, MHD_ContentReaderCallback read,
                        void *stream, MHD_ContentReaderFreeCallback done)
{
    enum { BLOCK_BYTES = 16384 };
    struct MHD_Response *response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_BYTES, read, stream, done);
    if (response == NULL) done(stream);
    set_answer(request, MHD_HTTP_OK, type, response);
}

/* ---- problem documents ---- */

static const char *title_of(unsigned status)
{
    const char *title = MHD_get_reason_phrase_for(status);
    return title != NULL ? title : "Error";
}

static void problem_open(http_request *request, http_text *to, unsigned status, const char *detail)
{
    http_json_open(to, '{');
    http_json_key_text(to, "type", "about:blank");
    http_json_key_text(to, "title", title_of(status));
    http_json_key_u64(to, "status", status);
    http_json_key_text(to, "detail", detail);
    http_json_key_text(to, "instance", request->raw);
}

static void problem_close(http_request *request, http_text *text, unsigned status)
{
    http_json_close(text, '}');
    http_text_puts(text, "\n");
    if (text->failed) {
        /* Nothing that needs memory; the status says it. */
        http_text_done(text);
        http_answer(request, status, NULL, "", 0);
        return;
    }
    http_answer_text(request, status, "application/problem+json", text);
}

static void problem(http_request *request, unsigned status, ward_error error, const char *detail)
{
    http_text text = {0};
    problem_open(request, &text, status, detail);
    if (error != WARD_OK) http_json_key_text(&text, "error", ward_error_name(error));
    problem_close(request, &text, status);
}

void http_problem_with(http_request *request, unsigned status, const char *detail, const char *key,
                       const char *json)
{
    http_text text = {0};
    problem_open(request, &text, status, detail);
    http_json_key(&text, key);
    http_text_puts(&text, json);
    problem_close(request, &text, status);
}

void http_problem(http_request *request, unsigned status, const char *format, ...)
{
    char detail[1000];
    wardi_text text = WARDI_TEXT(detail);
    va_list args;
    va_start(args, format);
    wardi_text_vprintf(&text, format, args);
    va_end(args);
    problem(request, status, WARD_OK, detail);
}

void http_problem_error(http_request *request, ward_error error, const char *detail)
{
    unsigned status = (unsigned)ward_error_http_status(error);
    problem(request, status, error, *detail != '\0' ? detail : ward_error_text(error));
    bool later = status == MHD_HTTP_SERVICE_UNAVAILABLE || status == MHD_HTTP_TOO_MANY_REQUESTS;
    if (later) http_answer_header(request, MHD_HTTP_HEADER_RETRY_AFTER, "1");
}

/* ---- the request, as its connection sees it ---- */

enum MHD_Result http_answer_send(http_request *request)
{
    if (request->client->suspended) return MHD_YES;
    /* No memory even for an answer. */
    if (request->response == NULL) return MHD_NO;
    enum MHD_Result queued =
        MHD_queue_response(request->connection, request->status, request->response);
    return queued;
}

static void work_free(http_work *work)
{
    if (work == NULL) return;
    if (work->done != NULL) work->done(work);
    wardi_free(work);
}

void http_request_free(http_request *request)
{
    if (request == NULL) return;
    work_free(request->work);
    if (request->response != NULL && !request->keep_response)
        MHD_destroy_response(request->response);
    http_text_done(&request->body);
    wardi_free(request->decoded);
    wardi_free(request->raw);
    wardi_free(request);
}

/* ---- work ---- */

static void on_run(uv_work_t *of_loop)
{
    http_work *work = (http_work *)of_loop;
    work->run(work);
}

static void on_ran(uv_work_t *of_loop, int status)
{
    (void)status; /* nothing is cancelled */
    http_work *work = (http_work *)of_loop;
    http *h = work->request->http;
    h->works--;
    if (work->waits_for_guests) h->waits--;
    http_client_resume(work->request->client);
}

void http_work_start(http_request *request, http_work *work)
{
    enum { WORKS_MAX = 256 };
    http *h = request->http;
    static_assert(offsetof(http_work, of_loop) == 0, "on_run casts");
    bool full = h->works == WORKS_MAX || (work->waits_for_guests && h->waits == HTTP_WAITS_MAX);
    work->request = request;
    work_free(request->work);
    request->work = work;
    if (full || uv_queue_work(&h->surface->loop, &work->of_loop, on_run, on_ran) != 0) {
        http_problem(request, MHD_HTTP_SERVICE_UNAVAILABLE,
                     "Too much is under way; what waits for guests: %d at a time.", HTTP_WAITS_MAX);
        http_answer_header(request, MHD_HTTP_HEADER_RETRY_AFTER, "1");
        return;
    }
    h->works++;
    if (work->waits_for_guests) h->waits++;
    http_client_suspend(request->client);
}
