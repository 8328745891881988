/* Probes: whether something lives, serves, has come up; in the forms that Kubernetes has made
 * customary, and as application/health+json (draft-inadarei-api-health-check-06).
 *
 * One walk over the checks of what is asked; each check is written down as it is met, in the form
 * that is wanted. The host lives by its own threads and never by its guests: else an orchestrator
 * would end the supervisor for what it supervises. */
#include <stdlib.h>
#include <string.h>

#include "surface/http_priv.h"

typedef struct probe {
    http_request *request;
    const char *root;     /* "readyz" */
    const char *wanted;   /* the only check; NULL: all */
    bool as_json, always; /* the document; the lines even where all is well */
    http_text text;
    http_text failure;                    /* why the wanted check fails */
    bool excluded_known[HTTP_PARAMS_MAX]; /* by parameter: such a check was met */
    bool found, failed, warned;
    uint64_t now_wall_ns;
} probe;

typedef struct check {
    const char *name;
    bool ok;
    bool shown_only; /* it fails nothing */
    const char *reason;
    size_t reason_length;
    /* for the document */
    const char *type;   /* "component", "system" */
    const char *value;  /* a member's condition; NULL: a check of the host itself */
    const char *status; /* "pass", "warn", "fail"; NULL: by `ok` */
    uint64_t since_wall_ns;
} check;

/* ---- one check ---- */

static bool is_excluded(probe *p, const char *name)
{
    const http_target *target = &p->request->target;
    bool excluded = false;
    for (size_t i = 0; i < target->param_count; i++) {
        bool names = strcmp(target->params[i].key, "exclude") == 0 &&
                     strcmp(target->params[i].value, name) == 0;
        p->excluded_known[i] = p->excluded_known[i] || names;
        excluded = excluded || names;
    }
    return excluded;
}

static void write_line(probe *p, const check *c, bool excluded)
{
    if (excluded) {
        http_text_printf(&p->text, "[+]%s excluded: ok\n", c->name);
    } else if (c->ok) {
        http_text_printf(&p->text, "[+]%s ok\n", c->name);
    } else {
        http_text_printf(&p->text, "[-]%s failed: ", c->name);
        http_text_safe(&p->text, c->reason, c->reason_length);
        http_text_puts(&p->text, "\n");
    }
}

static const char *status_of(const check *c, bool excluded)
{
    if (excluded) return "pass";
    if (!c->ok) return c->shown_only ? "warn" : "fail";
    return c->status != NULL ? c->status : "pass";
}

/* A member "web" is "web:state": its measure is the condition. */
static void write_entry(probe *p, const check *c, bool excluded)
{
    const char *status = status_of(c, excluded);
    char key[160];
    wardi_text text = WARDI_TEXT(key);
    wardi_text_printf(&text, "%s:%s", c->name, c->value != NULL ? "state" : "responsiveness");
    http_json_key(&p->text, key);
    http_json_open(&p->text, '[');
    http_json_open(&p->text, '{');
    http_json_key_text(&p->text, "componentId", c->name);
    http_json_key_text(&p->text, "componentType", c->type);
    if (c->value != NULL) http_json_key_text(&p->text, "observedValue", c->value);
    http_json_key_text(&p->text, "status", status);
    http_json_key_time(&p->text, "time", c->since_wall_ns != 0 ? c->since_wall_ns : p->now_wall_ns);
    if (strcmp(status, "pass") != 0 && c->reason_length != 0) {
        http_json_key(&p->text, "output");
        http_json_bytes(&p->text, c->reason, c->reason_length);
    }
    http_json_close(&p->text, '}');
    http_json_close(&p->text, ']');
}

static void take_check(probe *p, const check *c)
{
    if (p->wanted != NULL && strcmp(p->wanted, c->name) != 0) return;
    bool excluded = p->wanted == NULL && is_excluded(p, c->name);
    bool counts = !excluded && (!c->shown_only || p->wanted != NULL);
    p->found = true;
    p->failed = p->failed || (counts && !c->ok);
    p->warned = p->warned || strcmp(status_of(c, excluded), "warn") == 0;
    if (p->wanted != NULL && !c->ok) http_text_safe(&p->failure, c->reason, c->reason_length);
    if (p->as_json)
        write_entry(p, c, excluded);
    else
        write_line(p, c, excluded);
}

static void take_simple(probe *p, const char *name, bool ok, const char *reason)
{
    check c = {.name = name, .ok = ok, .type = "system", .reason = reason};
    c.reason_length = strlen(reason);
    take_check(p, &c);
}

/* ---- the checks of the host ---- */

static void check_host_life(probe *p)
{
    const struct surface *s = p->request->http->surface;
    take_simple(p, "clock", surface_clock_lives(s),
                "the clock that ends guests at their deadlines has not answered for seconds");
    take_simple(p, "workers", surface_workers_live(s), "no worker has answered for seconds");
    take_simple(p, "surface", true, ""); /* who reads this has its answer */
}

static void check_journal(probe *p)
{
    const struct surface *s = p->request->http->surface;
    if (s->options.journal == NULL) return;
    wardi_journal_status status;
    wardi_journal_status_get(s->options.journal, &status);
    /* A host that can't write down what it does does it all the same. */
    check c = {.name = "journal", .ok = !status.failing, .shown_only = true, .type = "datastore"};
    c.reason = status.text;
    c.reason_length = strlen(status.text);
    take_check(p, &c);
}

static void check_member(probe *p, const char *name, const view_member *m, bool ok)
{
    ward_reason reason;
    view_condition condition = view_now(p->request->http->surface->view, m, &reason);
    const view_meaning *means = view_means(condition);
    if (reason.length == 0) wardi_reason_set(&reason, means->name);
    check c = {.name = name,
               .ok = ok,
               .reason = reason.text,
               .reason_length = reason.length,
               .type = m->is_group ? "system" : "component",
               .value = means->name,
               .status = means->health_json,
               .since_wall_ns = m->since_wall_ns};
    take_check(p, &c);
}

/* Members at the top, in the order in which they came. Of so many that nobody would read the list,
 * the first ones, and the rest as one. */
static void check_tops(probe *p, bool (*is_ok)(const view *v, const view_member *m))
{
    enum { SHOWN_MAX = 4096 };
    const view *v = p->request->http->surface->view;
    view_member *m = view_top(v);
    size_t count = 0;
    for (; m != NULL && m->top_next != NULL && count < SHOWN_MAX; count++) m = m->top_next;
    bool all = m == NULL || m->top_next == NULL;
    bool failed_before = p->failed;
    for (; m != NULL; m = m->top_previous)
        if (view_means(m->condition)->counts) check_member(p, m->name, m, is_ok(v, m));
    if (!all)
        take_simple(p, "others", view_host_ready(v) || p->failed != failed_before,
                    "one that is not shown here is not ready");
}

static bool is_ready(const view *v, const view_member *m)
{
    ward_reason reason;
    return view_means(view_now(v, m, &reason))->ready;
}

static bool has_started(const view *v, const view_member *m)
{
    (void)v;
    return m->started_once;
}

static bool host_started(const struct surface *s)
{
    return s->pulse_known && s->pulse.started;
}

static bool host_leaves(const struct surface *s)
{
    return atomic_load(&s->leaving) || s->pulse.stopping;
}

static void check_host_ready(probe *p)
{
    const struct surface *s = p->request->http->surface;
    take_simple(p, "started", host_started(s), "the supervisor has not been started");
    take_simple(p, "leaving", !host_leaves(s), "the host is about to stop");
    check_tops(p, is_ready);
    check_journal(p);
}

static void check_host_up(probe *p)
{
    const struct surface *s = p->request->http->surface;
    take_simple(p, "started", s->pulse_known && (s->pulse.started || s->pulse.stopping),
                "the supervisor has not been started");
    check_tops(p, has_started);
}

static void check_host(probe *p, http_probe_kind kind)
{
    if (kind == HTTP_LIVEZ || kind == HTTP_HEALTHZ || kind == HTTP_HEALTH) check_host_life(p);
    if (kind == HTTP_STARTUPZ) check_host_up(p);
    if (kind == HTTP_READYZ || kind == HTTP_HEALTHZ || kind == HTTP_HEALTH) check_host_ready(p);
}

/* The same without a word, for whoever asks many times a second. */
static bool host_is_fine(const struct surface *s, http_probe_kind kind)
{
    bool lives = surface_clock_lives(s) && surface_workers_live(s);
    if (kind == HTTP_LIVEZ) return lives;
    bool ready = host_started(s) && !host_leaves(s) && view_host_ready(s->view);
    if (kind == HTTP_READYZ) return ready;
    return kind == HTTP_HEALTHZ && lives && ready;
}

/* ---- the checks of a component or a group ---- */

static void check_one(probe *p, const view_member *m, http_probe_kind kind)
{
    const view *v = p->request->http->surface->view;
    ward_reason reason;
    const view_meaning *means = view_means(view_now(v, m, &reason));
    bool all = kind == HTTP_HEALTHZ || kind == HTTP_HEALTH;
    if (kind == HTTP_LIVEZ || all) check_member(p, "live", m, means->alive);
    if (kind == HTTP_STARTUPZ) check_member(p, "started", m, m->started_once);
    if (kind == HTTP_READYZ || all) check_member(p, "ready", m, means->ready);
}

/* ---- what is answered ---- */

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Names that exclude nothing, sorted, as Kubernetes tells of them. */
static void warn_of_unknown(probe *p)
{
    const http_target *target = &p->request->target;
    const char *unknown[HTTP_PARAMS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < target->param_count; i++)
        if (strcmp(target->params[i].key, "exclude") == 0 && !p->excluded_known[i])
            unknown[count++] = target->params[i].value;
    if (count == 0) return;
    qsort(unknown, count, sizeof unknown[0], compare_texts);
    http_text_puts(&p->text, "warn: some health checks cannot be excluded: no matches for ");
    for (size_t i = 0; i < count; i++) {
        /* A JSON string is quoted as Go's %q quotes it, but for rare characters. */
        http_text quoted = {0};
        http_json_text(&quoted, unknown[i]);
        if (i != 0) http_text_puts(&p->text, ",");
        http_text_add(&p->text, quoted.bytes, quoted.length);
        p->text.failed = p->text.failed || quoted.failed;
        http_text_done(&quoted);
    }
    http_text_puts(&p->text, "\n");
}

static const char plain[] = "text/plain; charset=utf-8";

/* Nearly all answers are this one: it is made once. */
static void answer_ok(http_request *request)
{
    http *h = request->http;
    if (h->ok == NULL) {
        http_answer(request, MHD_HTTP_OK, plain, "ok", 2);
        h->ok = request->response;
        request->response = NULL;
        if (h->ok == NULL) return;
    }
    request->status = MHD_HTTP_OK;
    request->keep_response = true;
    request->response = h->ok;
}

static void answer_text(probe *p)
{
    unsigned status = p->failed ? MHD_HTTP_SERVICE_UNAVAILABLE : MHD_HTTP_OK;
    if (p->wanted != NULL) {
        http_text_done(&p->text);
        if (p->failed) {
            http_text_puts(&p->text, "service unavailable: ");
            http_text_add(&p->text, p->failure.bytes, p->failure.length);
            http_text_puts(&p->text, "\n");
        }
    } else if (p->failed || p->always) {
        warn_of_unknown(p);
        http_text_printf(&p->text, "%s check %s\n", p->root, p->failed ? "failed" : "passed");
    }
    if (!p->failed && !p->always)
        answer_ok(p->request);
    else
        http_answer_text(p->request, status, plain, &p->text);
}

static void answer_json(probe *p)
{
    const char *status = p->failed ? "fail" : p->warned ? "warn" : "pass";
    http_text whole = {0};
    http_json_open(&whole, '{');
    http_json_key_text(&whole, "status", status);
    if (p->request->routing.name != NULL)
        http_json_key_text(&whole, "serviceId", p->request->routing.name);
    http_json_key_text(&whole, "description", "health as Ward sees it");
    http_json_key(&whole, "checks");
    http_json_open(&whole, '{');
    http_text_add(&whole, p->text.bytes, p->text.length);
    http_json_close(&whole, '}');
    http_json_close(&whole, '}');
    http_text_puts(&whole, "\n");
    whole.failed = whole.failed || p->text.failed;
    http_answer_text(p->request, p->failed ? MHD_HTTP_SERVICE_UNAVAILABLE : MHD_HTTP_OK,
                     "application/health+json", &whole);
    if (whole.bytes != NULL) http_text_done(&whole);
}

static probe probe_of(http_request *request)
{
    static const char *const roots[] = {[HTTP_LIVEZ] = "livez",
                                        [HTTP_READYZ] = "readyz",
                                        [HTTP_STARTUPZ] = "startupz",
                                        [HTTP_HEALTHZ] = "healthz",
                                        [HTTP_HEALTH] = "health"};
    const char *accept = http_header(request, MHD_HTTP_HEADER_ACCEPT);
    return (probe){.request = request,
                   .root = roots[request->route->detail],
                   .wanted = request->routing.check,
                   .as_json = request->route->detail == HTTP_HEALTH ||
                              http_accept_names(accept, "application/health+json"),
                   .always = request->routing.check == NULL &&
                             http_target_param(&request->target, "verbose") != NULL,
                   .now_wall_ns = wardi_wall_ns()};
}

static void answer(probe *p)
{
    if (!p->found && p->wanted != NULL)
        http_problem(p->request, MHD_HTTP_NOT_FOUND, "%s has no check \"%.200s\".", p->root,
                     p->wanted);
    else if (p->as_json)
        answer_json(p);
    else
        answer_text(p);
    http_text_done(&p->text);
    http_text_done(&p->failure);
}

void http_probe_host(http_request *request)
{
    probe p = probe_of(request);
    http_probe_kind kind = (http_probe_kind)request->route->detail;
    bool simple = !p.as_json && !p.always && p.wanted == NULL;
    if (simple && host_is_fine(request->http->surface, kind)) {
        answer_ok(request);
        return;
    }
    check_host(&p, kind);
    answer(&p);
}

view_member *http_component(http_request *request)
{
    view *v = request->http->surface->view;
    const char *name = request->routing.name;
    view_member *m = view_find_child(v, name);
    /* A component with instances is the group of them. */
    view_member *group = m == NULL ? view_find_group(v, name) : NULL;
    if (group != NULL && group->instances != 0) m = group;
    if (m == NULL) http_problem(request, MHD_HTTP_NOT_FOUND, "There is no component \"%s\".", name);
    return m;
}

view_member *http_group(http_request *request)
{
    view_member *m = view_find_group(request->http->surface->view, request->routing.name);
    if (m == NULL)
        http_problem(request, MHD_HTTP_NOT_FOUND, "There is no group \"%s\".",
                     request->routing.name);
    return m;
}

static void probe_member(http_request *request, const view_member *m)
{
    if (m == NULL) return;
    probe p = probe_of(request);
    check_one(&p, m, (http_probe_kind)request->route->detail);
    answer(&p);
}

void http_probe_component(http_request *request)
{
    probe_member(request, http_component(request));
}

void http_probe_group(http_request *request)
{
    probe_member(request, http_group(request));
}
