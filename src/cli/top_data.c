/* What the host has answered: rows and figures; and what they were before, for rates. */
#include <stdlib.h>
#include <string.h>

#include "cli/client.h"
#include "cli/top.h"

/* Shorter spans tell of chance. */
#define SPAN_MIN_NS (500 * WARDI_MS)

const char *const top_sort_names[TOP_SORTS + 1] = {"condition", "name",     "age",     "restarts",
                                                   "mailbox",   "messages", "latency", "memory",
                                                   "cpu",       NULL};
const char *const top_conditions[TOP_CONDITIONS] = {"unhealthy", "unready", "degraded",
                                                    "starting",  "stopped", "healthy"};

top_sort top_sort_of(const char *name)
{
    for (int sort = 0; name != NULL && sort < TOP_SORTS; sort++)
        if (strcmp(top_sort_names[sort], name) == 0) return (top_sort)sort;
    return TOP_BY_CONDITION;
}

bool top_sort_is_rate(top_sort sort)
{
    return sort == TOP_BY_MESSAGES || sort == TOP_BY_LATENCY || sort == TOP_BY_CPU;
}

void top_answer_free(top_answer *answer)
{
    if (answer == NULL) return;
    wardi_free(answer->rows);
    free(answer->detail);
    wardi_free(answer);
}

/* ---- reading ---- */

void top_copy(char *to, size_t size, const char *from)
{
    wardi_text text = wardi_text_on(to, size);
    wardi_text_puts(&text, from);
}

static void read_figures(top_row *row, const json_t *figures)
{
    row->has_figures = json_is_object(figures);
    row->restarts = wardi_json_get_u64(figures, "restarts");
    row->waiting = wardi_json_get_u64(figures, "waiting");
    row->waiting_max = wardi_json_get_u64(figures, "waiting_max");
    row->handled = wardi_json_get_u64(figures, "handled");
    row->memory_bytes = wardi_json_get_u64(figures, "memory_bytes");
    row->memory_bytes_max = wardi_json_get_u64(figures, "memory_bytes_max");
    row->probes = wardi_json_get_u64(figures, "probes");
    row->probe_ns_total = wardi_json_get_u64(figures, "probe_ns_total");
    row->inside_ns = wardi_json_get_u64(figures, "inside_ns");
    if (row->probes != 0) row->latency_ns = (double)row->probe_ns_total / (double)row->probes;
}

void top_row_read(top_row *ret_row, const json_t *member)
{
    *ret_row = (top_row){0};
    top_copy(ret_row->name, sizeof ret_row->name, wardi_json_get_text(member, "name"));
    top_copy(ret_row->condition, sizeof ret_row->condition,
             wardi_json_get_text(member, "condition"));
    top_copy(ret_row->reason, sizeof ret_row->reason, wardi_json_get_text(member, "reason"));
    ret_row->is_group = strcmp(wardi_json_get_text(member, "kind"), "group") == 0;
    ret_row->ready = wardi_json_get_bool(member, "ready");
    ret_row->instances = wardi_json_get_u64(member, "instances");
    ret_row->since_wall_ns = wardi_json_get_time(member, "since");
    read_figures(ret_row, json_object_get(member, "figures"));
}

static void read_journal(top_host *host, const json_t *journal)
{
    if (!wardi_json_get_bool(journal, "failing")) return;
    const char *reason = wardi_json_get_text(journal, "reason");
    top_copy(host->journal, sizeof host->journal, reason[0] != '\0' ? reason : "it is failing");
}

void top_host_read(top_host *ret_host, const json_t *json)
{
    const json_t *counts = json_object_get(json, "components");
    *ret_host = (top_host){.events_a_second = -1, .cpu = -1};
    top_copy(ret_host->version, sizeof ret_host->version, wardi_json_get_text(json, "version"));
    ret_host->run = wardi_json_get_u64(json, "run");
    ret_host->uptime_ns = wardi_json_get_u64(json, "uptime_ns");
    ret_host->workers = wardi_json_get_u64(json, "workers");
    ret_host->workers_busy = wardi_json_get_u64(json, "workers_busy");
    ret_host->workers_stuck = wardi_json_get_u64(json, "workers_stuck");
    ret_host->memory_bytes = wardi_json_get_u64(json, "memory_bytes");
    ret_host->cpu_ns = wardi_json_get_u64(json, "cpu_ns");
    ret_host->events = wardi_json_get_u64(json, "events");
    ret_host->restarts = wardi_json_get_u64(json, "restarts");
    ret_host->leaving =
        wardi_json_get_bool(json, "leaving") || wardi_json_get_bool(json, "stopping");
    ret_host->alive =
        wardi_json_get_bool(json, "clock_lives") && wardi_json_get_bool(json, "workers_live");
    for (int c = 0; c < TOP_CONDITIONS; c++)
        ret_host->counts[c] = wardi_json_get_u64(counts, top_conditions[c]);
    read_journal(ret_host, json_object_get(json, "journal"));
}

/* ---- orders that the host does not know ---- */

static double rate_of(const top_row *row, top_sort sort)
{
    return sort == TOP_BY_MESSAGES  ? row->messages_a_second
           : sort == TOP_BY_LATENCY ? row->latency_ns
                                    : row->cpu;
}

typedef struct order {
    top_sort sort;
    bool reverse;
} order;

static int by_rate(const void *a, const void *b, void *context)
{
    const top_row *one = a, *other = b;
    const order *o = context;
    double first = rate_of(one, o->sort), second = rate_of(other, o->sort);
    int comes = first > second ? -1 : first < second ? 1 : strverscmp(one->name, other->name);
    return o->reverse ? -comes : comes;
}

void top_rows_sort(top_row *rows, size_t count, top_sort sort, bool reverse)
{
    order o = {sort, reverse};
    WARD_ASSERT(top_sort_is_rate(sort));
    if (count > 1) qsort_r(rows, count, sizeof *rows, by_rate, &o);
}

/* ---- rates ---- */

static int by_name(const void *a, const void *b)
{
    const top_sample *one = a, *other = b;
    return strcmp(one->row.name, other->row.name);
}

static const top_sample *sample_of(const top_history *history, const char *name)
{
    size_t low = 0, high = history->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int difference = strcmp(history->samples[middle].row.name, name);
        if (difference == 0) return &history->samples[middle];
        if (difference < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* Counters that have fallen are another's, who has taken the name. */
static bool goes_on(const top_row *before, const top_row *row)
{
    return before->handled <= row->handled && before->inside_ns <= row->inside_ns &&
           before->probes <= row->probes && before->probe_ns_total <= row->probe_ns_total;
}

static void row_rates(top_row *row, const top_row *before, uint64_t span_ns)
{
    row->has_rates = true;
    row->messages_a_second = (double)(row->handled - before->handled) * 1e9 / (double)span_ns;
    row->cpu = (double)(row->inside_ns - before->inside_ns) / (double)span_ns;
    uint64_t probes = row->probes - before->probes;
    row->latency_ns = probes != 0
                          ? (double)(row->probe_ns_total - before->probe_ns_total) / (double)probes
                          : before->latency_ns; /* no check since then */
}

static void row_remember(top_sample *sample, top_row *row, const top_sample *before,
                         uint64_t now_ns)
{
    bool known = before != NULL && goes_on(&before->row, row);
    uint64_t span_ns = known && now_ns > before->at_ns ? now_ns - before->at_ns : 0;
    if (known && span_ns < SPAN_MIN_NS) {
        const top_row *was = &before->row;
        *sample = *before;
        row->has_rates = was->has_rates;
        row->messages_a_second = was->messages_a_second;
        row->cpu = was->cpu;
        if (was->has_rates) row->latency_ns = was->latency_ns;
        return;
    }
    if (known) row_rates(row, &before->row, span_ns);
    *sample = (top_sample){now_ns, *row};
}

void top_history_rows(top_history *history, top_row *rows, size_t count, uint64_t now_ns)
{
    size_t kept = 0;
    top_sample *samples = wardi_alloc_array(count + 1, sizeof *samples);
    for (size_t i = 0; i < count && samples != NULL; i++)
        if (rows[i].has_figures)
            row_remember(&samples[kept++], &rows[i], sample_of(history, rows[i].name), now_ns);
    if (kept > 1) qsort(samples, kept, sizeof *samples, by_name);
    wardi_free(history->samples);
    history->samples = samples;
    history->count = kept;
}

void top_history_host(top_history *history, top_host *host, uint64_t now_ns)
{
    const top_host *before = &history->host;
    uint64_t span_ns = now_ns - history->host_at_ns;
    bool same = history->host_at_ns != 0 && before->run == host->run &&
                before->events <= host->events && before->cpu_ns <= host->cpu_ns;
    if (same && span_ns < SPAN_MIN_NS) {
        host->events_a_second = before->events_a_second;
        host->cpu = before->cpu;
        return;
    }
    if (same) {
        host->events_a_second = (double)(host->events - before->events) * 1e9 / (double)span_ns;
        host->cpu = (double)(host->cpu_ns - before->cpu_ns) / (double)span_ns;
    }
    history->host = *host;
    history->host_at_ns = now_ns;
}

void top_history_done(top_history *history)
{
    wardi_free(history->samples);
    *history = (top_history){0};
}
