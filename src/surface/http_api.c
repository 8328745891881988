/* The host as a whole, and the document that describes the interface. */
#include <string.h>

#include "surface/http_api.h"
#include "surface/http_priv.h"
#include "surface/metrics.h"

static const char json[] = "application/json";

static void write_counts(http_text *to, const struct surface *s, const char *key, bool groups)
{
    http_json_key(to, key);
    http_json_open(to, '{');
    for (int c = 0; c < VIEW_CONDITIONS; c++)
        http_json_key_u64(to, view_means((view_condition)c)->name,
                          view_counted(s->view, groups, (view_condition)c));
    http_json_close(to, '}');
}

static void write_pulse(http_text *to, const struct surface *s)
{
    const ward_pulse *pulse = &s->pulse;
    http_json_key_bool(to, "started", s->pulse_known && pulse->started);
    http_json_key_bool(to, "stopping", pulse->stopping);
    http_json_key_bool(to, "leaving", atomic_load(&s->leaving));
    http_json_key_bool(to, "clock_lives", surface_clock_lives(s));
    http_json_key_bool(to, "workers_live", surface_workers_live(s));
    http_json_key_bool(to, "members_ready", view_host_ready(s->view));
    write_counts(to, s, "components", false);
    write_counts(to, s, "groups", true);
    http_json_key_u64(to, "children", pulse->children);
    http_json_key_u64(to, "workers", pulse->workers);
    http_json_key_u64(to, "workers_busy", pulse->workers_busy);
    http_json_key_u64(to, "workers_stuck", pulse->workers_stuck);
    http_json_key_u64(to, "workers_missing", pulse->workers_missing);
    http_json_key_u64(to, "worker_age_ns", pulse->worker_age_ns);
    http_json_key_u64(to, "clock_age_ns", pulse->clock_age_ns);
    http_json_key_u64(to, "runs", pulse->runs);
    http_json_key_u64(to, "steals", pulse->steals);
    http_json_key_u64(to, "timers_fired", pulse->timers_fired);
    http_json_key_u64(to, "fiber_stacks", pulse->fiber_stacks);
}

static void write_connections(http_text *to, const struct surface *s)
{
    door_figures figures;
    door_figures_get(s, &figures);
    http_json_key(to, "connections");
    http_json_open(to, '{');
    http_json_key_u64(to, "open", figures.open);
    http_json_key_u64(to, "idle", figures.idle);
    http_json_key_u64(to, "accepted", figures.accepted);
    http_json_key_u64(to, "refused", figures.refused);
    http_json_key_u64(to, "expelled", figures.expelled);
    http_json_close(to, '}');
}

static void write_journal(http_text *to, const struct surface *s)
{
    http_json_key(to, "journal");
    if (s->options.journal == NULL) {
        http_json_text(to, NULL);
        return;
    }
    wardi_journal_status status;
    wardi_journal_status_get(s->options.journal, &status);
    http_json_open(to, '{');
    http_json_key_bool(to, "failing", status.failing);
    http_json_key_text(to, "reason", status.text);
    http_json_key_u64(to, "written", status.written);
    http_json_key_u64(to, "lost", status.lost);
    http_json_key_u64(to, "waiting", status.waiting);
    http_json_key_u64(to, "bytes", status.bytes);
    http_json_close(to, '}');
}

static void write_process(http_text *to, const http *h)
{
    uint64_t restarts = 0, cpu_ns, resident_bytes, now_ns = wardi_now_ns();
    metrics_process_brief(&cpu_ns, &resident_bytes);
    http_json_key_u64(to, "uptime_ns", now_ns - h->surface->began_ns);
    http_json_key_u64(to, "memory_bytes", resident_bytes);
    http_json_key_u64(to, "cpu_ns", cpu_ns);
    http_json_key_u64(to, "events", metrics_hub_events(h->metrics, &restarts));
    http_json_key_u64(to, "restarts", restarts);
}

void http_api_host(http_request *request)
{
    const struct surface *s = request->http->surface;
    http_text text = {0};
    http_json_open(&text, '{');
    http_json_key_text(&text, "version", ward_version());
    http_json_key_u64(&text, "run", s->run);
    http_json_key_time(&text, "time", wardi_wall_ns());
    write_process(&text, request->http);
    write_pulse(&text, s);
    http_json_key_u64(&text, "events_lost", s->events_lost);
    write_connections(&text, s);
    write_journal(&text, s);
    http_json_close(&text, '}');
    http_text_puts(&text, "\n");
    http_answer_text(request, MHD_HTTP_OK, json, &text);
}

/* openapi.json, as it stands beside this file. */
extern const char http_document_start[], http_document_end[];
__asm__(".pushsection .rodata\n"
        ".global http_document_start\n"
        ".hidden http_document_start\n"
        "http_document_start:\n"
        ".incbin \"" WARD_OPENAPI "\"\n"
        ".global http_document_end\n"
        ".hidden http_document_end\n"
        "http_document_end:\n"
        ".byte 0\n"
        ".popsection\n");

void http_api_document(http_request *request)
{
    http_answer(request, MHD_HTTP_OK, json, http_document_start,
                (size_t)(http_document_end - http_document_start));
}
