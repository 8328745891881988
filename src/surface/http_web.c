/* The dashboard: files that are part of the program, from src/surface/web/. They ask for nothing
 * but each other and the interface for programs, and the browser is told to allow nothing else. */
#include <string.h>

#include "surface/http_api.h"

typedef struct web_file {
    const char *name, *type;
    const char *tag; /* of what is in it, quoted */
    const unsigned char *bytes;
    size_t length;
} web_file;

#include "web_files.h" /* web_files, made by cmake/web_files.cmake */

static const char policy[] = "default-src 'none'; script-src 'self'; style-src 'self'; "
                             "connect-src 'self'; img-src 'self' data:; base-uri 'none'; "
                             "frame-ancestors 'none'; form-action 'none'";

static const web_file *find(const char *name)
{
    for (size_t i = 0; i < WARD_COUNT(web_files); i++)
        if (strcmp(web_files[i].name, name) == 0) return &web_files[i];
    return NULL;
}

/* If-None-Match: whether the browser has this very file. */
static bool has_it(const http_request *request, const web_file *file)
{
    const char *tags = http_header(request, MHD_HTTP_HEADER_IF_NONE_MATCH);
    return tags != NULL && (strcmp(tags, "*") == 0 || strstr(tags, file->tag) != NULL);
}

static void add_headers(http_request *request, const web_file *file)
{
    if (request->response == NULL) return;
    /* To be kept, and asked for again each time: another version of Ward has another page. */
    (void)MHD_del_response_header(request->response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    http_answer_header(request, MHD_HTTP_HEADER_CACHE_CONTROL, "no-cache");
    http_answer_header(request, MHD_HTTP_HEADER_ETAG, file->tag);
    http_answer_header(request, "Content-Security-Policy", policy);
    http_answer_header(request, "Referrer-Policy", "no-referrer");
}

void http_web(http_request *request)
{
    const char *name = request->routing.check != NULL ? request->routing.check : "index.html";
    const web_file *file = find(name);
    if (file == NULL) {
        http_problem(request, MHD_HTTP_NOT_FOUND, "The dashboard has no such file. It is at /.");
        return;
    }
    if (has_it(request, file))
        http_answer(request, MHD_HTTP_NOT_MODIFIED, NULL, "", 0);
    else
        http_answer(request, MHD_HTTP_OK, file->type, (const char *)file->bytes, file->length);
    add_headers(request, file);
}
