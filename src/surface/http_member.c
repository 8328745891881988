/* One component or group: all that is known of it. */
#include <jansson.h>
#include <string.h>

#include "record/record.h"
#include "surface/http_api.h"
#include "surface/http_priv.h"

static const char json[] = "application/json";

/* ---- what a list shows, too ---- */

static const char *const restarts[] = {[WARD_RESTART_PERMANENT] = "permanent",
                                       [WARD_RESTART_TRANSIENT] = "transient",
                                       [WARD_RESTART_TEMPORARY] = "temporary"};

static void write_child_summary(http_text *to, const view_member *m)
{
    http_json_key_text(to, "version", m->version);
    http_json_key_bool(to, "instance", m->instance);
    http_json_key_bool(to, "native", m->native);
    http_json_key_text(to, "restart", restarts[m->restart]);
    http_json_key_u64(to, "interval_ns", m->interval_ns);
    http_json_key_text(to, "state", ward_state_name(m->state));
    http_json_key_bool(to, "flapping", m->flapping);
    http_json_key_text(to, "last_cause",
                       m->last_cause != WARD_CAUSE_NONE ? ward_cause_name(m->last_cause) : NULL);
    http_json_key_time(to, "restart_due", m->restart_due_wall_ns);
    http_json_key(to, "evidence");
    if (m->evidence != 0)
        http_json_u64(to, m->evidence);
    else
        http_json_text(to, NULL);
}

void http_member_summary(http_text *to, const view *v, const view_member *m)
{
    ward_reason reason;
    view_condition condition = view_now(v, m, &reason);
    http_json_key_text(to, "name", m->name);
    http_json_key_text(to, "kind", m->is_group ? "group" : "component");
    http_json_key_text(to, "group", m->group[0] != '\0' ? m->group : NULL);
    http_json_key_text(to, "condition", view_means(condition)->name);
    http_json_key_text(to, "health", ward_child_health_name(m->health));
    http_json_key_bool(to, "ready", m->ready);
    http_json_key_bool(to, "started", m->started_once);
    http_json_key_bool(to, "given_up", m->given_up);
    http_json_key_reason(to, "reason", &reason);
    http_json_key_time(to, "since", m->since_wall_ns);
    if (m->is_group)
        http_json_key_u64(to, "instances", m->instances);
    else
        write_child_summary(to, m);
}

void http_member_figures(http_text *to, const view *v, const view_member *m)
{
    ward_child_status status = WARD_INIT(ward_child_status);
    ward_child_figures figures = WARD_INIT(ward_child_figures);
    if (!view_child_status(v, m, &status)) return;
    if (ward_supervisor_figures(view_supervisor(v), m->id, &figures) != WARD_OK) return;
    http_json_key(to, "figures");
    http_json_open(to, '{');
    http_json_key_u64(to, "restarts", status.restarts);
    http_json_key_u64(to, "waiting", figures.mailbox_waiting);
    http_json_key_u64(to, "waiting_max", figures.mailbox_max);
    http_json_key_u64(to, "handled", figures.messages.handled);
    http_json_key_u64(to, "memory_bytes", figures.component.memory_bytes);
    http_json_key_u64(to, "memory_bytes_max", figures.component.memory_bytes_max);
    http_json_key_u64(to, "probes", figures.component.probes);
    http_json_key_u64(to, "probe_ns_total", figures.component.probe_ns_total);
    http_json_key_u64(to, "inside_ns", figures.inside_ns);
    http_json_close(to, '}');
}

/* ---- a component ---- */

static void write_status(http_text *to, const ward_child_status *status)
{
    http_json_key_bool(to, "live", status->live);
    http_json_key_u64(to, "checked_age_ns", status->checked_age_ns);
    http_json_key_u64(to, "restarts", status->restarts);
    http_json_key(to, "restarts_by_cause");
    http_json_open(to, '{');
    for (int cause = WARD_CAUSE_NONE + 1; cause < WARD_CAUSE_COUNT; cause++)
        http_json_key_u64(to, ward_cause_name((ward_cause)cause), status->restarts_by_cause[cause]);
    http_json_close(to, '}');
    http_json_key_u64(to, "cpu_delays", status->cpu_delays);
    http_json_key_u64(to, "cpu_delayed_ns", status->cpu_delayed_ns);
    http_json_key_u64(to, "denied", status->denied);
    http_json_key_u64(to, "log_lines", status->log_lines);
    http_json_key_u64(to, "log_suppressed", status->log_suppressed);
    http_json_key_u64(to, "timers", status->timers);
    http_json_key_u64(to, "timers_lost", status->timers_lost);
}

static void write_messages(http_text *to, const ward_child_figures *figures)
{
    const ward_message_counts *counts = &figures->messages;
    http_json_key(to, "messages");
    http_json_open(to, '{');
    http_json_key_u64(to, "waiting", figures->mailbox_waiting);
    http_json_key_u64(to, "waiting_max", figures->mailbox_max);
    http_json_key_u64(to, "sent", counts->sent);
    http_json_key_u64(to, "handled", counts->handled);
    http_json_key_u64(to, "refused", counts->refused);
    http_json_key_u64(to, "dropped", counts->dropped);
    http_json_key_u64(to, "expired", counts->expired);
    http_json_key_u64(to, "undelivered", counts->undelivered);
    http_json_key_u64(to, "pending", counts->pending);
    http_json_key_u64(to, "set_aside", counts->set_aside);
    http_json_close(to, '}');
}

static void write_probe_errors(http_text *to, const ward_figures *own)
{
    http_json_key(to, "probe_errors");
    http_json_open(to, '{');
    for (int error = WARD_PROBE_OK + 1; error < WARD_PROBE_ERROR_COUNT; error++)
        http_json_key_u64(to, ward_probe_error_name((ward_probe_error)error),
                          own->probe_errors[error]);
    http_json_close(to, '}');
}

static void write_latency(http_text *to, const ward_child_figures *figures)
{
    http_json_key(to, "probe_latency");
    http_json_open(to, '[');
    for (size_t i = 0; i < WARD_LATENCY_BUCKETS; i++) {
        http_json_open(to, '{');
        http_json_key(to, "seconds_max");
        http_json_double(to, ward_latency_bound(i));
        http_json_key_u64(to, "count", figures->latency_buckets[i]);
        http_json_close(to, '}');
    }
    http_json_close(to, ']');
}

static void write_figures(http_text *to, const ward_child_figures *figures)
{
    const ward_figures *own = &figures->component;
    http_json_key(to, "figures");
    http_json_open(to, '{');
    http_json_key_time(to, "created", own->created_wall_ns);
    http_json_key_time(to, "started", own->started_wall_ns);
    http_json_key_u64(to, "uptime_ns", own->uptime_ns);
    http_json_key_u64(to, "memory_bytes", own->memory_bytes);
    http_json_key_u64(to, "memory_bytes_max", own->memory_bytes_max);
    http_json_key_u64(to, "growths_refused", own->growths_refused);
    http_json_key_u64(to, "fuel_per_call", own->fuel_per_call);
    http_json_key_u64(to, "fuel_peak", own->fuel_peak);
    http_json_key_u64(to, "checks", own->checks);
    http_json_key_u64(to, "probes", own->probes);
    http_json_key_u64(to, "probe_ns_total", own->probe_ns_total);
    http_json_key_u64(to, "traps", own->traps);
    http_json_key_u64(to, "starts", own->starts);
    http_json_key_u64(to, "inside_ns", figures->inside_ns);
    write_probe_errors(to, own);
    write_latency(to, figures);
    http_json_close(to, '}');
    write_messages(to, figures);
}

static void write_metric(http_text *to, const ward_metric *metric)
{
    static const char *const kinds[] = {[WARD_METRIC_COUNTER] = "counter",
                                        [WARD_METRIC_GAUGE] = "gauge",
                                        [WARD_METRIC_HISTOGRAM] = "histogram"};
    http_json_open(to, '{');
    http_json_key_text(to, "name", metric->name);
    http_json_key_text(to, "kind", kinds[metric->kind]);
    if (metric->kind != WARD_METRIC_HISTOGRAM) {
        http_json_key(to, "value");
        http_json_double(to, metric->value);
    } else {
        http_json_key_u64(to, "count", metric->count);
        http_json_key(to, "sum");
        http_json_double(to, metric->sum);
    }
    http_json_close(to, '}');
}

static void write_metrics(http_text *to, const ward_supervisor *supervisor, ward_child_id id)
{
    ward_metric *metrics = wardi_alloc_array(WARD_METRICS_MAX, sizeof *metrics);
    size_t count = WARD_METRICS_MAX;
    if (metrics == NULL) {
        to->failed = true;
        return;
    }
    if (ward_supervisor_look_metrics(supervisor, id, metrics, &count) != WARD_OK) count = 0;
    http_json_key(to, "metrics");
    http_json_open(to, '[');
    for (size_t i = 0; i < count; i++) write_metric(to, &metrics[i]);
    http_json_close(to, ']');
    wardi_free(metrics);
}

static void write_needs(void *context, const ward_member *member)
{
    http_text *to = context;
    for (size_t i = 0; i < member->need_count; i++) http_json_text(to, member->needs[i]);
}

static void answer_child(http_request *request, const view_member *m)
{
    const view *v = request->http->surface->view;
    const ward_supervisor *supervisor = view_supervisor(v);
    ward_child_status status = WARD_INIT(ward_child_status);
    ward_child_figures figures = WARD_INIT(ward_child_figures);
    http_text text = {0};
    http_json_open(&text, '{');
    http_member_summary(&text, v, m);
    http_json_key(&text, "needs");
    http_json_open(&text, '[');
    ward_supervisor_member(supervisor, m->id, write_needs, &text);
    http_json_close(&text, ']');
    if (view_child_status(v, m, &status)) write_status(&text, &status);
    if (ward_supervisor_figures(supervisor, m->id, &figures) == WARD_OK)
        write_figures(&text, &figures);
    write_metrics(&text, supervisor, m->id);
    http_json_close(&text, '}');
    http_text_puts(&text, "\n");
    http_answer_text(request, MHD_HTTP_OK, json, &text);
}

/* ---- a group: the host counts its children under a lock, so not on this thread ---- */

typedef struct group_work {
    http_work work;
    const ward_supervisor *supervisor;
    char name[128];
    ward_group_status status;
    ward_error error;
} group_work;

static void run_group(http_work *work)
{
    group_work *w = (group_work *)work;
    w->error = ward_supervisor_group(w->supervisor, w->name, &w->status);
}

static void write_group_status(http_text *to, const ward_group_status *status)
{
    http_json_key(to, "children");
    http_json_open(to, '{');
    http_json_key_u64(to, "all", status->children);
    http_json_key_u64(to, "healthy", status->healthy);
    http_json_key_u64(to, "degraded", status->degraded);
    http_json_key_u64(to, "failed", status->failed);
    http_json_key_u64(to, "ready", status->ready);
    http_json_key_u64(to, "given_up", status->given_up);
    http_json_key_u64(to, "least", status->least);
    http_json_close(to, '}');
}

static void answer_group(http_request *request, const view_member *m)
{
    group_work *w = (group_work *)request->work;
    if (w == NULL) {
        w = wardi_alloc(sizeof *w);
        if (w == NULL) {
            http_problem_error(request, WARD_ERROR_NO_MEMORY, "");
            return;
        }
        *w = (group_work){.work = {.run = run_group},
                          .supervisor = request->http->surface->supervisor,
                          .status = WARD_INIT(ward_group_status)};
        wardi_text name = WARDI_TEXT(w->name);
        wardi_text_puts(&name, m->name);
        http_work_start(request, &w->work);
        return;
    }
    http_text text = {0};
    http_json_open(&text, '{');
    http_member_summary(&text, request->http->surface->view, m);
    if (w->error == WARD_OK) write_group_status(&text, &w->status);
    http_json_close(&text, '}');
    http_text_puts(&text, "\n");
    http_answer_text(request, MHD_HTTP_OK, json, &text);
}

void http_api_component(http_request *request)
{
    const view_member *m = http_component(request);
    if (m == NULL) return;
    if (m->is_group)
        answer_group(request, m);
    else
        answer_child(request, m);
}

void http_api_group(http_request *request)
{
    const view_member *m = http_group(request);
    if (m != NULL) answer_group(request, m);
}

/* ---- evidence: the host copies it under a lock, or the journal reads its file ---- */

typedef struct evidence_work {
    http_work work;
    const ward_supervisor *supervisor;
    const char *journal_path; /* NULL: none is kept */
    char name[128];
    uint64_t number; /* 0: the newest */
    ward_error error;
    ward_diag diag;
    char *document;
} evidence_work;

static void evidence_done(http_work *work)
{
    free(((evidence_work *)work)->document);
}

/* What the host still has, else what was written down. */
static ward_error find_evidence(evidence_work *w, ward_evidence *evidence)
{
    ward_error error = ward_supervisor_evidence(w->supervisor, w->name, evidence);
    bool this_one = error == WARD_OK && (w->number == 0 || w->number == evidence->number);
    if (this_one || w->journal_path == NULL)
        return this_one ? WARD_OK
                        : wardi_fail(&w->diag, WARD_ERROR_NOT_FOUND, "%s",
                                     "No such end of a run is known here.");
    *evidence = (ward_evidence)WARD_INIT(ward_evidence);
    return wardi_journal_evidence(w->journal_path, w->name, w->number, evidence, &w->diag);
}

static void run_evidence(http_work *work)
{
    evidence_work *w = (evidence_work *)work;
    ward_evidence *evidence = wardi_alloc(sizeof *evidence);
    w->error = WARD_ERROR_NO_MEMORY;
    if (evidence == NULL) return;
    evidence->size = sizeof *evidence;
    w->error = find_evidence(w, evidence);
    if (w->error == WARD_OK) {
        json_t *object = wardi_evidence_json(evidence);
        w->document = json_dumps(object, JSON_COMPACT);
        json_decref(object);
        if (w->document == NULL) w->error = WARD_ERROR_NO_MEMORY;
    }
    wardi_free(evidence);
}

static void start_evidence(http_request *request)
{
    const char *number = http_target_param(&request->target, "number");
    uint64_t wanted = 0;
    if (number != NULL && !http_number_read(number, UINT64_MAX / 2, &wanted)) {
        http_problem(request, MHD_HTTP_BAD_REQUEST, "number counts the ends of runs, from 1.");
        return;
    }
    evidence_work *w = wardi_alloc(sizeof *w);
    if (w == NULL) {
        http_problem_error(request, WARD_ERROR_NO_MEMORY, "");
        return;
    }
    const struct surface *s = request->http->surface;
    w->work = (http_work){.run = run_evidence, .done = evidence_done};
    w->supervisor = s->supervisor;
    w->journal_path = s->options.journal_path;
    w->number = wanted;
    wardi_text name = WARDI_TEXT(w->name);
    wardi_text_puts(&name, request->routing.name);
    http_work_start(request, &w->work);
}

void http_api_evidence(http_request *request)
{
    evidence_work *w = (evidence_work *)request->work;
    if (w == NULL) {
        start_evidence(request);
    } else if (w->error != WARD_OK) {
        http_problem_error(request, w->error, w->diag.text);
    } else {
        http_answer(request, MHD_HTTP_OK, json, w->document, strlen(w->document));
    }
}
