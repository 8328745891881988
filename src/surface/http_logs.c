/* The last lines that guests have logged. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "record/record.h"
#include "surface/http_api.h"
#include "surface/http_priv.h"

enum { LINES_DEFAULT = 100, LINES_MAX = 1000 };

static bool read_level(const char *name, ward_log_level *ret_level)
{
    for (int level = WARD_LOG_TRACE; level <= WARD_LOG_ERROR; level++) {
        if (strcmp(ward_log_level_name((ward_log_level)level), name) != 0) continue;
        *ret_level = (ward_log_level)level;
        return true;
    }
    return false;
}

static bool read_query(http_request *request, logs_query *query)
{
    const http_target *target = &request->target;
    const char *level = http_target_param(target, "level");
    const char *after = http_target_param(target, "after");
    const char *limit = http_target_param(target, "limit");
    uint64_t most = LINES_DEFAULT;
    query->component = http_target_param(target, "component");
    if (level != NULL && !read_level(level, &query->level))
        http_problem(request, MHD_HTTP_BAD_REQUEST, "level is trace, debug, info, warn or error.");
    else if (after != NULL && !http_number_read(after, UINT64_MAX / 2, &query->after))
        http_problem(request, MHD_HTTP_BAD_REQUEST, "after is the `next` of an answer.");
    else if (limit != NULL && (!http_number_read(limit, LINES_MAX, &most) || most == 0))
        http_problem(request, MHD_HTTP_BAD_REQUEST, "limit is a number from 1 to %d.", LINES_MAX);
    query->limit = (size_t)most;
    return request->response == NULL;
}

static void write_line(http_text *to, const logs_found *found)
{
    json_t *object = wardi_line_json(&found->line);
    if (object != NULL)
        json_object_set_new(object, "sequence", json_integer((json_int_t)found->sequence));
    char *document = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    to->failed = to->failed || document == NULL;
    if (document != NULL) http_text_puts(to, document);
    free(document);
}

void http_api_logs(http_request *request)
{
    logs_query query = {.level = WARD_LOG_TRACE};
    size_t count = 0;
    uint64_t next = 0;
    if (!read_query(request, &query)) return;
    logs_found *found = logs_find(request->http->surface->logs, &query, &count, &next);
    http_text text = {.failed = found == NULL};
    http_text_puts(&text, "{\"lines\":[");
    for (size_t i = 0; i < count && found != NULL; i++) {
        if (i != 0) http_text_puts(&text, ",\n");
        write_line(&text, &found[i]);
    }
    http_text_printf(&text, "],\"next\":%llu}\n", (unsigned long long)next);
    wardi_free(found);
    http_answer_text(request, MHD_HTTP_OK, "application/json", &text);
}
