/* A guest's own metrics. Its actor alone writes; others read what is published: the number of
 * metrics with release and acquire, their values relaxed. */
#include <math.h>
#include <string.h>

#include <ward/metric.h>

#include "host/guest.h"

typedef struct metric {
    char name[WARD_METRIC_NAME_BYTES_MAX + 1];
    ward_metric_kind kind;
    _Atomic uint64_t count;    /* of a counter or a histogram */
    _Atomic(double) value;     /* of a gauge; the sum of a histogram */
    _Atomic uint64_t *buckets; /* of a histogram */
} metric;

struct metrics {
    _Atomic size_t count;
    metric list[WARD_METRICS_MAX];
};

double ward_metric_bound(size_t bucket)
{
    static const double bounds[WARD_METRIC_BUCKETS] = {
        1e-6,   2.5e-6, 5e-6, 1e-5,   2.5e-5, 5e-5, 1e-4,   2.5e-4, 5e-4,  1e-3,
        2.5e-3, 5e-3,   1e-2, 2.5e-2, 5e-2,   1e-1, 2.5e-1, 5e-1,   1,     2.5,
        5,      10,     25,   50,     100,    250,  500,    1e3,    2.5e3, 5e3,
        1e4,    2.5e4,  5e4,  1e5,    2.5e5,  5e5,  1e6,    2.5e6,  5e6,   INFINITY};
    return bounds[bucket < WARD_METRIC_BUCKETS ? bucket : WARD_METRIC_BUCKETS - 1];
}

static bool name_valid(const char *name)
{
    static const char first[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_:";
    static const char later[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_:0123456789";
    return name[0] != '\0' && strspn(name, first) >= 1 && strspn(name, later) == strlen(name);
}

/* ---- the guest's side ---- */

static struct metrics *metrics_of(child *c)
{
    guest *g = guest_of(c);
    if (g == NULL) return NULL;
    struct metrics *m = atomic_load_explicit(&g->metrics, memory_order_relaxed);
    if (m != NULL) return m;
    m = wardi_alloc(sizeof *m);
    atomic_store_explicit(&g->metrics, m, memory_order_release);
    return m;
}

static metric *metric_add(struct metrics *m, const char *name, ward_metric_kind kind)
{
    size_t count = atomic_load_explicit(&m->count, memory_order_relaxed);
    metric *made = &m->list[count];
    if (kind == WARD_METRIC_HISTOGRAM) {
        made->buckets = wardi_alloc_array(WARD_METRIC_BUCKETS, sizeof *made->buckets);
        if (made->buckets == NULL) return NULL;
    }
    strcpy(made->name, name);
    made->kind = kind;
    atomic_store_explicit(&m->count, count + 1, memory_order_release);
    return made;
}

/* The metric that the first two arguments name. */
static guest_code metric_of(const wardi_guest *call, guest_span span, ward_metric_kind kind,
                            metric **ret_metric)
{
    char name[WARD_METRIC_NAME_BYTES_MAX + 1];
    child *c = guest_child(call);
    if (c == NULL) return GUEST_UNAVAILABLE;
    if (!guest_text(span, name, sizeof name) || !name_valid(name))
        return guest_fail(c, GUEST_INVALID,
                          "a metric's name is 1 to %d of [A-Za-z0-9_:], and "
                          "begins with no digit",
                          WARD_METRIC_NAME_BYTES_MAX);
    struct metrics *m = metrics_of(c);
    if (m == NULL) return GUEST_NO_MEMORY;
    size_t count = atomic_load_explicit(&m->count, memory_order_relaxed);
    metric *found = NULL;
    for (size_t i = 0; i < count && found == NULL; i++)
        if (strcmp(m->list[i].name, name) == 0) found = &m->list[i];
    if (found != NULL && found->kind != kind)
        return guest_fail(c, GUEST_INVALID, "metric %s is of another kind", name);
    if (found == NULL && count == WARD_METRICS_MAX)
        return guest_fail(c, GUEST_LIMIT, "%d metrics; no more can be", WARD_METRICS_MAX);
    if (found == NULL) found = metric_add(m, name, kind);
    if (found == NULL) return GUEST_NO_MEMORY;
    *ret_metric = found;
    return GUEST_OK;
}

static void add(_Atomic uint64_t *to, uint64_t by)
{
    uint64_t was = atomic_load_explicit(to, memory_order_relaxed);
    atomic_store_explicit(to, was + by, memory_order_relaxed);
}

wardi_answer guest_counter(wardi_guest *call)
{
    guest_span span;
    metric *found;
    if (!guest_span_of(call, 0, &span)) return guest_breach(call, "counter", 0);
    int64_t by = call->args[2].i64;
    if (by < 0)
        return guest_say(call,
                         guest_fail(guest_child(call), GUEST_INVALID, "a counter only rises"));
    guest_code code = metric_of(call, span, WARD_METRIC_COUNTER, &found);
    if (code == GUEST_OK) add(&found->count, (uint64_t)by);
    return guest_say(call, code);
}

wardi_answer guest_gauge(wardi_guest *call)
{
    guest_span span;
    metric *found;
    if (!guest_span_of(call, 0, &span)) return guest_breach(call, "gauge", 0);
    guest_code code = metric_of(call, span, WARD_METRIC_GAUGE, &found);
    if (code == GUEST_OK)
        atomic_store_explicit(&found->value, call->args[2].f64, memory_order_relaxed);
    return guest_say(call, code);
}

wardi_answer guest_histogram(wardi_guest *call)
{
    guest_span span;
    metric *found;
    double value = call->args[2].f64;
    if (!guest_span_of(call, 0, &span)) return guest_breach(call, "histogram", 0);
    if (isnan(value))
        return guest_say(call, guest_fail(guest_child(call), GUEST_INVALID, "that is no number"));
    guest_code code = metric_of(call, span, WARD_METRIC_HISTOGRAM, &found);
    if (code != GUEST_OK) return guest_say(call, code);
    size_t bucket = 0;
    while (value > ward_metric_bound(bucket)) bucket++;
    add(&found->buckets[bucket], 1);
    add(&found->count, 1);
    double sum = atomic_load_explicit(&found->value, memory_order_relaxed);
    atomic_store_explicit(&found->value, sum + value, memory_order_relaxed);
    return guest_say(call, GUEST_OK);
}

void metrics_free(guest *g)
{
    struct metrics *m = atomic_load_explicit(&g->metrics, memory_order_relaxed);
    for (size_t i = 0; m != NULL && i < WARD_METRICS_MAX; i++)
        wardi_free((void *)m->list[i].buckets);
    wardi_free(m);
}

/* ---- the application's side ---- */

static void read_metric(metric *from, ward_metric *to)
{
    double value = atomic_load_explicit(&from->value, memory_order_relaxed);
    uint64_t count = atomic_load_explicit(&from->count, memory_order_relaxed);
    *to = (ward_metric){.kind = from->kind};
    strcpy(to->name, from->name);
    switch (from->kind) {
    case WARD_METRIC_COUNTER: to->value = (double)count; return;
    case WARD_METRIC_GAUGE: to->value = value; return;
    case WARD_METRIC_HISTOGRAM: break;
    }
    to->sum = value;
    to->count = count;
    for (size_t i = 0; i < WARD_METRIC_BUCKETS; i++)
        to->buckets[i] = atomic_load_explicit(&from->buckets[i], memory_order_relaxed);
}

ward_error guest_metrics_of(const child *c, ward_metric *ret_metrics, size_t *ret_count)
{
    size_t room = *ret_count, count = 0;
    const guest *g = atomic_load_explicit(&c->guest, memory_order_acquire);
    struct metrics *m = g != NULL ? atomic_load_explicit(&g->metrics, memory_order_acquire) : NULL;
    if (m != NULL) count = atomic_load_explicit(&m->count, memory_order_acquire);
    for (size_t i = 0; i < count && i < room; i++) read_metric(&m->list[i], &ret_metrics[i]);
    *ret_count = count;
    return count <= room ? WARD_OK : WARD_ERROR_BUFFER_TOO_SMALL;
}

ward_error ward_supervisor_metrics(const ward_supervisor *supervisor, const char *name,
                                   ward_metric *ret_metrics, size_t *ret_count)
{
    ward_supervisor *s = (ward_supervisor *)(uintptr_t)supervisor;
    pthread_mutex_lock(&s->lock);
    const child *found = names_find(&s->names, name);
    ward_error error =
        found != NULL ? guest_metrics_of(found, ret_metrics, ret_count) : WARD_ERROR_NOT_FOUND;
    pthread_mutex_unlock(&s->lock);
    return error;
}
