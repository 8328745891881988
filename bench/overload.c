/* Overload, and how soon it is left again: a request a millisecond, before, during and after a
 * flood of ten times what the guests can handle. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "fleet.h"

enum { SERVERS = 4, FLOODERS = 3, MAILBOX = 64, TIMES_OVER = 10, BURST = 1000, BINS = 20 };
#define BIN_NS (100 * WARDI_MS)
#define CALM_NS (BINS * BIN_NS) /* before, and after */
#define REQUEST_NS (10 * WARDI_S)

typedef struct server {
    char name[16];
    ward_child_id id;
    _Atomic uint64_t sent, refused; /* as the senders have seen it */
} server;

static struct {
    fleet fleet;
    server servers[SERVERS];
    uint64_t sent_before, handled_before; /* the flood: by all servers together */
    atomic_bool over;
} world;

typedef struct latencies {
    double *us;
    uint64_t *at_ns;
    size_t count, room;
} latencies;

static const ward_diag wrong = {.text = "not as it was counted"};

/* ---- servers ---- */

static void servers_open(const bench *b)
{
    fleet_open_empty(b, "works.wat", SERVERS + 16, &world.fleet);
    for (size_t i = 0; i < SERVERS; i++) {
        server *s = &world.servers[i];
        ward_child_options options = WARD_INIT(ward_child_options);
        options.interval_ns = 3600 * WARDI_S;
        options.mailbox_max = MAILBOX;
        options.mailbox_full = i % 2 == 0 ? WARD_MAILBOX_REJECT : WARD_MAILBOX_DROP_OLDEST;
        snprintf(s->name, sizeof s->name, "server-%zu", i);
        s->sent = s->refused = 0;
        fleet_add(b, &world.fleet, "works.wat", s->name, &options);
    }
    fleet_start(&world.fleet, SERVERS);
    for (size_t i = 0; i < SERVERS; i++)
        world.servers[i].id = fleet_find(&world.fleet, world.servers[i].name);
}

static ward_message_counts counts_of(const server *s)
{
    ward_message_counts counts = WARD_INIT(ward_message_counts);
    bench_must(ward_supervisor_message_counts(world.fleet.supervisor, s->name, &counts), &wrong,
               s->name);
    return counts;
}

static uint64_t sum_of(size_t offset)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < SERVERS; i++) {
        ward_message_counts counts = counts_of(&world.servers[i]);
        uint64_t value;
        memcpy(&value, (const char *)&counts + offset, sizeof value);
        sum += value;
    }
    return sum;
}
#define SUM_OF(field) sum_of(offsetof(ward_message_counts, field))

static void note(server *s, ward_error error)
{
    atomic_fetch_add(&s->sent, 1);
    if (error == WARD_ERROR_MAILBOX_FULL) atomic_fetch_add(&s->refused, 1);
}

/* Exact: a flood that loses messages in silence has survived nothing. */
static void expect_all_counted(void)
{
    uint64_t patience = wardi_now_ns() + REQUEST_NS;
    for (size_t i = 0; i < SERVERS; i++) {
        const server *s = &world.servers[i];
        ward_message_counts c;
        do c = counts_of(s);
        while (c.pending != 0 && wardi_now_ns() < patience);
        bool fits = c.sent == s->sent && c.refused == s->refused && c.pending == 0 &&
                    c.sent == c.handled + c.refused + c.dropped + c.expired;
        bench_must(fits ? WARD_OK : WARD_ERROR_INTERNAL, &wrong, s->name);
    }
}

/* ---- the flood ---- */

/* Ten times what has been handled since it began, looked at once a millisecond: the flood takes
 * time from the workers that handle it, so no rate measured beforehand is ten times what they can.
 */
static void *flood(void *argument)
{
    size_t at = (size_t)(uintptr_t)argument;
    while (!atomic_load(&world.over)) {
        uint64_t due = TIMES_OVER * (SUM_OF(handled) - world.handled_before + BURST);
        uint64_t sent = SUM_OF(sent) - world.sent_before;
        for (uint64_t i = sent / FLOODERS; i < due / FLOODERS; i++) {
            server *s = &world.servers[at++ % SERVERS];
            note(s,
                 ward_supervisor_send(world.fleet.supervisor, s->id, (const uint8_t *)"flood", 5));
        }
        wardi_sleep_until_ns(wardi_now_ns() + WARDI_MS);
    }
    return NULL;
}

static void flood_begin(pthread_t *threads)
{
    atomic_store(&world.over, false);
    world.sent_before = SUM_OF(sent);
    world.handled_before = SUM_OF(handled);
    for (uintptr_t i = 0; i < FLOODERS; i++)
        if (pthread_create(&threads[i], NULL, flood, (void *)i) != 0) abort();
}

static void flood_end(const pthread_t *threads)
{
    atomic_store(&world.over, true);
    for (size_t i = 0; i < FLOODERS; i++) pthread_join(threads[i], NULL);
}

/* ---- normal load ---- */

static void ask(latencies *l, size_t i)
{
    server *s = &world.servers[i % SERVERS];
    size_t length;
    uint8_t answer[8];
    uint64_t began_ns = wardi_now_ns();
    ward_error error =
        ward_supervisor_request(world.fleet.supervisor, s->id, (const uint8_t *)"ask", 3, answer,
                                sizeof answer, &length, REQUEST_NS);
    note(s, error);
    if (error != WARD_OK || l->count == l->room) return;
    l->us[l->count] = (double)(wardi_now_ns() - began_ns) / (double)WARDI_US;
    l->at_ns[l->count++] = began_ns;
}

/* A request a millisecond, or as soon as the one before is answered. */
static latencies ask_for(uint64_t duration_ns)
{
    latencies l = {.room = duration_ns / WARDI_MS + 1};
    l.us = wardi_alloc_array(l.room, sizeof *l.us);
    l.at_ns = wardi_alloc_array(l.room, sizeof *l.at_ns);
    if (l.us == NULL || l.at_ns == NULL) abort();
    uint64_t next_ns = wardi_now_ns(), end_ns = next_ns + duration_ns;
    for (size_t i = 0; wardi_now_ns() < end_ns; i++) {
        ask(&l, i);
        next_ns += WARDI_MS;
        uint64_t now_ns = wardi_now_ns();
        if (next_ns < now_ns) next_ns = now_ns;
        wardi_sleep_until_ns(next_ns);
    }
    return l;
}

static void latencies_free(latencies *l)
{
    wardi_free(l->us);
    wardi_free(l->at_ns);
}

static int compare(const void *a, const void *b)
{
    double x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

static double share_of(const latencies *l, size_t from, size_t end, double share)
{
    static double sorted[CALM_NS / WARDI_MS + 1];
    size_t count = end - from;
    memcpy(sorted, l->us + from, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, compare);
    return sorted[(size_t)((double)count * share)];
}

/* Milliseconds until the first of the bins from which on every median is within `normal_us`. A bin
 * without an answer is not normal. */
static double recovered_ms(const latencies *l, uint64_t began_ns, double normal_us)
{
    size_t at = 0;
    double bad_until = 0;
    for (int bin = 0; bin < BINS; bin++) {
        size_t from = at;
        while (at < l->count && l->at_ns[at] < began_ns + (uint64_t)(bin + 1) * BIN_NS) at++;
        double p50 = at > from ? share_of(l, from, at, 0.5) : 0;
        double p99 = at > from ? share_of(l, from, at, 0.99) : 0;
        if (bin < 10 || p50 > normal_us)
            fprintf(stderr, "overload: %4d ms after it %5.0f µs P50, %5.0f µs P99 of %zu\n",
                    (bin + 1) * 100, p50, p99, at - from);
        if (at == from || p50 > normal_us) bad_until = (bin + 1) * 100.0;
    }
    return bad_until;
}

static void overload(const bench *b, uint64_t duration_ns)
{
    pthread_t threads[FLOODERS];
    servers_open(b);
    latencies before = ask_for(CALM_NS);
    if (before.count == 0) bench_must(WARD_ERROR_INTERNAL, &wrong, "normal load");
    double normal_us = share_of(&before, 0, before.count, 0.99);
    flood_begin(threads);
    latencies during = ask_for(duration_ns);
    uint64_t sent = SUM_OF(sent) - world.sent_before;
    uint64_t handled = SUM_OF(handled) - world.handled_before;
    flood_end(threads);
    uint64_t began_ns = wardi_now_ns();
    latencies after = ask_for(CALM_NS);
    expect_all_counted();
    double times = (double)sent / (double)handled;
    double recovered = recovered_ms(&after, began_ns, normal_us);
    bench_print_values("overload_times", "1", &times, 1);
    bench_print_values("overload_recovered", "ms", &recovered, 1);
    bench_print_values("overload_before", "µs", before.us, before.count);
    if (during.count != 0) bench_print_values("overload_during", "µs", during.us, during.count);
    if (after.count != 0) bench_print_values("overload_after", "µs", after.us, after.count);
    latencies_free(&before);
    latencies_free(&during);
    latencies_free(&after);
    fleet_close(&world.fleet);
}

void bench_overload(const bench *b)
{
    overload(b, b->samples < 100000 ? 2 * WARDI_S : 10 * WARDI_S);
}

void bench_overload_long(const bench *b)
{
    overload(b, 60 * WARDI_S);
}
