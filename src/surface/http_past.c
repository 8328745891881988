/* What happened, from the journal: read on a thread of the pool. */
#include <jansson.h>
#include <string.h>

#include "record/record.h"
#include "surface/http_api.h"
#include "surface/http_priv.h"

enum { EVENTS_DEFAULT = 1000, EVENTS_MAX = 10000 };

/* ---- which events, and how they look: for the stream of events as well ---- */

static bool read_kinds(const char *names, uint32_t *ret_kinds)
{
    uint32_t kinds = 0;
    for (const char *at = names; *at != '\0';) {
        size_t length = strcspn(at, ",");
        bool known = false;
        for (int kind = 0; kind < WARD_EVENT_KIND_COUNT; kind++) {
            const char *name = ward_event_kind_name((ward_event_kind)kind);
            if (strlen(name) != length || strncmp(name, at, length) != 0) continue;
            kinds |= UINT32_C(1) << kind;
            known = true;
        }
        if (!known) return false;
        at += length;
        at += *at == ',';
    }
    *ret_kinds = kinds;
    return kinds != 0;
}

bool http_filter_read(http_request *request, http_filter *ret_filter)
{
    const char *component = http_target_param(&request->target, "component");
    const char *kinds = http_target_param(&request->target, "kind");
    *ret_filter = (http_filter){.kinds = 0};
    if (component != NULL && !wardi_name_valid(component)) {
        http_problem(request, MHD_HTTP_BAD_REQUEST,
                     "component is a name: 1 to 127 of A-Z a-z 0-9 . _ -");
        return false;
    }
    if (kinds != NULL && !read_kinds(kinds, &ret_filter->kinds)) {
        http_problem(request, MHD_HTTP_BAD_REQUEST,
                     "kind is one or several of the kinds of events, with commas between: state, "
                     "health, ready, restart, given_up, ...");
        return false;
    }
    wardi_text to = WARDI_TEXT(ret_filter->component);
    if (component != NULL) wardi_text_puts(&to, component);
    return true;
}

bool http_filter_takes(const http_filter *filter, const ward_event *event)
{
    if (filter->kinds != 0 && (filter->kinds >> event->kind & 1) == 0) return false;
    size_t length = strlen(filter->component);
    if (length == 0) return true;
    if (strncmp(event->component, filter->component, length) != 0) return false;
    const char *rest = event->component + length;
    return *rest == '\0' || (event->instance && *rest == '.' && strchr(rest + 1, '.') == NULL);
}

char *http_event_document(uint64_t run, const ward_event *event)
{
    json_t *object = wardi_event_json(event);
    if (object == NULL) return NULL;
    json_object_set_new(object, "run", json_integer((json_int_t)run));
    char *document = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    return document;
}

/* ---- the work ---- */

typedef struct past_work {
    http_work work;
    wardi_journal_query query;
    char component[128];
    uint64_t last_run, last_sequence, count;
    http_text text;
    ward_error error;
    ward_diag diag;
} past_work;

static bool on_event(void *context, const wardi_journal_event *event)
{
    past_work *w = context;
    w->last_run = event->run;
    w->last_sequence = event->event.sequence + (event->lost != 0 ? event->lost - 1 : 0);
    if (event->lost != 0) {
        http_text_printf(&w->text, "%s{\"event\":\"lost\",\"run\":%llu,\"count\":%llu}",
                         w->count++ != 0 ? ",\n" : "", (unsigned long long)event->run,
                         (unsigned long long)event->lost);
        return true;
    }
    char *document = http_event_document(event->run, &event->event);
    if (document == NULL) {
        w->text.failed = true;
        return false;
    }
    if (w->count++ != 0) http_text_puts(&w->text, ",\n");
    http_text_puts(&w->text, document);
    free(document);
    return !w->text.failed;
}

static void run_past(http_work *work)
{
    past_work *w = (past_work *)work;
    http_text_puts(&w->text, "{\"events\":[");
    w->error = wardi_journal_read(&w->query, &w->diag);
    http_text_puts(&w->text, "],\"next\":");
    if (w->count == w->query.limit)
        http_text_printf(&w->text, "\"%llu-%llu\"", (unsigned long long)w->last_run,
                         (unsigned long long)w->last_sequence);
    else
        http_text_puts(&w->text, "null");
    http_text_puts(&w->text, "}\n");
}

static void past_done(http_work *work)
{
    http_text_done(&((past_work *)work)->text);
}

/* ---- what is asked for ---- */

static bool read_time(http_request *request, const char *key, uint64_t *ret_wall_ns)
{
    const char *text = http_target_param(&request->target, key);
    if (text == NULL || http_time_read(text, wardi_wall_ns(), ret_wall_ns)) return true;
    http_problem(request, MHD_HTTP_BAD_REQUEST,
                 "%s is how long ago, like 90s or 1h, or a time like 2026-12-01T08:00:00Z.", key);
    return false;
}

static bool read_bounds(http_request *request, wardi_journal_query *query)
{
    const http_target *target = &request->target;
    const char *limit = http_target_param(target, "limit");
    const char *after = http_target_param(target, "after");
    query->limit = EVENTS_DEFAULT;
    if (limit != NULL &&
        (!http_number_read(limit, EVENTS_MAX, &query->limit) || query->limit == 0)) {
        http_problem(request, MHD_HTTP_BAD_REQUEST, "limit is a number from 1 to %d.", EVENTS_MAX);
        return false;
    }
    if (after != NULL && !http_event_id_read(after, &query->after_run, &query->after_sequence)) {
        http_problem(request, MHD_HTTP_BAD_REQUEST,
                     "after names an event: RUN-SEQUENCE, as in `next` of an answer.");
        return false;
    }
    /* Without a beginning, the newest are meant. */
    query->last = after == NULL && http_target_param(target, "since") == NULL;
    return read_time(request, "since", &query->since_wall_ns) &&
           read_time(request, "until", &query->until_wall_ns);
}

static void start_past(http_request *request)
{
    const struct surface *s = request->http->surface;
    http_filter filter;
    past_work *w = wardi_alloc(sizeof *w);
    if (w == NULL) {
        http_problem_error(request, WARD_ERROR_NO_MEMORY, "");
        return;
    }
    if (!http_filter_read(request, &filter) || !read_bounds(request, &w->query)) {
        wardi_free(w);
        return;
    }
    memcpy(w->component, filter.component, sizeof w->component);
    w->work = (http_work){.run = run_past, .done = past_done};
    w->query.path = s->options.journal_path;
    w->query.component = w->component[0] != '\0' ? w->component : NULL;
    w->query.kinds = filter.kinds;
    w->query.each = on_event;
    w->query.context = w;
    http_work_start(request, &w->work);
}

void http_api_past(http_request *request)
{
    past_work *w = (past_work *)request->work;
    if (request->http->surface->options.journal_path == NULL)
        http_problem(request, MHD_HTTP_NOT_FOUND, "This host keeps no journal.");
    else if (w == NULL)
        start_past(request);
    else if (w->error != WARD_OK)
        http_problem_error(request, w->error, w->diag.text);
    else
        http_answer_text(request, MHD_HTTP_OK, "application/json", &w->text);
}
