/* What ends a guest, and how long until its component serves again; and whether anything is said
 * wrongly while guests take all workers. */
#include <stdio.h>
#include <string.h>

#include "fleet.h"

enum { TRAPS_MAX = 2000, HANGS_MIN = 20, HANGS_MAX = 100 };
#define DEADLINE_NS (20 * WARDI_MS)
#define NEVER_NS (UINT64_C(3600) * WARDI_S)

/* Lengths of messages to answers.wat. */
enum { MESSAGE_TRAPS = 1, MESSAGE_HANGS = 2, MESSAGE_PLAIN = 3 };

static ward_error request(const fleet *f, ward_child_id id, size_t length)
{
    static const uint8_t bytes[MESSAGE_PLAIN];
    return ward_supervisor_request(f->supervisor, id, bytes, length, NULL, 0, NULL, 0);
}

static void expect(ward_error error, ward_error wanted, const char *what)
{
    if (error == wanted) return;
    fprintf(stderr, "bench: %s: %s\n", what, ward_error_text(error));
    exit(1);
}

/* As many restarts as anybody wants, each at once. */
static ward_child_options restless(void)
{
    ward_child_options options = WARD_INIT(ward_child_options);
    options.interval_ns = NEVER_NS;
    options.message_timeout_ns = DEADLINE_NS;
    options.backoff = (ward_backoff){
        .shape = WARD_BACKOFF_OFF, .restarts_max = 255, .window_ns = WARDI_MS, .jitter = -1};
    return options;
}

/* From the message that ends it to the answer to the next, which waits for the restart. */
static double recovery_ns(const fleet *f, ward_child_id id, size_t message, ward_error ends)
{
    uint64_t start = wardi_now_ns();
    expect(request(f, id, message), ends, "the message that ends the guest");
    expect(request(f, id, MESSAGE_PLAIN), WARD_OK, "the message after it");
    return (double)(wardi_now_ns() - start);
}

static void measure_recovery(const bench *b, const char *name, size_t message, ward_error ends,
                             size_t count)
{
    static double values[TRAPS_MAX];
    fleet f;
    bool hangs = message == MESSAGE_HANGS;
    ward_child_options options = restless();
    fleet_open_empty(b, "answers.wat", 16, &f);
    fleet_add(b, &f, "answers.wat", "ends", &options);
    fleet_start(&f, 1);
    ward_child_id id = fleet_find(&f, "ends");
    for (size_t i = 0; i < count; i++) {
        double ns = recovery_ns(&f, id, message, ends);
        values[i] = hangs ? (ns - (double)DEADLINE_NS) / (double)WARDI_MS : ns / (double)WARDI_US;
    }
    bench_print_values(name, hangs ? "ms" : "µs", values, count);
    fleet_close(&f);
}

void bench_recover_trap(const bench *b)
{
    size_t count = b->samples / 100;
    measure_recovery(b, "recover_trap", MESSAGE_TRAPS, WARD_ERROR_TRAP,
                     count < TRAPS_MAX ? count : TRAPS_MAX);
}

void bench_recover_hang(const bench *b)
{
    size_t count = b->samples / 2000;
    count = count < HANGS_MIN ? HANGS_MIN : count > HANGS_MAX ? HANGS_MAX : count;
    measure_recovery(b, "recover_hang", MESSAGE_HANGS, WARD_ERROR_DEADLINE, count);
}

/* ---- every worker saturated ---- */

enum { SPINNERS = 8, WATCHED = 50, PROBES_MAX = 1 << 20 };

/* A guest that spins is Healthy while it has not been busy for long, then Degraded for it. */
static bool is_wrong(size_t of, ward_error error, const ward_report *report)
{
    if (error != WARD_OK) return true;
    if (report->status == WARD_HEALTH_HEALTHY) return false;
    return of < WATCHED || report->status != WARD_HEALTH_DEGRADED ||
           strstr(report->reason.text, "Busy in handle-message") == NULL;
}

static void saturate(const bench *b, fleet *f, ward_child_id *ids, uint64_t duration_ns)
{
    fleet_open_empty(b, "answers.wat", WATCHED + SPINNERS + 16, f);
    for (size_t i = 0; i < WATCHED + SPINNERS; i++) {
        char name[32];
        ward_child_options options = WARD_INIT(ward_child_options);
        options.interval_ns = 10 * WARDI_MS;
        options.message_timeout_ns = 2 * duration_ns;
        options.shutdown = WARD_SHUTDOWN_IMMEDIATE;
        snprintf(name, sizeof name, "component-%zu", i);
        fleet_add(b, f, i < WATCHED ? "steady.wat" : "answers.wat", name, &options);
    }
    fleet_start(f, WATCHED + SPINNERS);
    for (size_t i = 0; i < WATCHED + SPINNERS; i++) {
        char name[32];
        snprintf(name, sizeof name, "component-%zu", i);
        ids[i] = fleet_find(f, name);
        if (i < WATCHED) continue;
        expect(ward_supervisor_send(f->supervisor, ids[i], (const uint8_t *)"xx", MESSAGE_HANGS),
               WARD_OK, "the message that hangs");
    }
}

static void probe_all(const bench *b, uint64_t duration_ns)
{
    fleet f;
    ward_child_id ids[WATCHED + SPINNERS];
    double *us = wardi_alloc_array(PROBES_MAX, sizeof *us);
    size_t count = 0;
    double wrong = 0;
    saturate(b, &f, ids, duration_ns);
    uint64_t events = atomic_load(&f.trouble_count), end = wardi_now_ns() + duration_ns;
    for (; wardi_now_ns() < end && count < PROBES_MAX; count++) {
        ward_report report;
        size_t of = count % (WATCHED + SPINNERS);
        uint64_t start = wardi_now_ns();
        ward_error error = ward_supervisor_health(f.supervisor, ids[of], 0, &report);
        us[count] = (double)(wardi_now_ns() - start) / (double)WARDI_US;
        wrong += is_wrong(of, error, &report);
        wardi_sleep_until_ns(wardi_now_ns() + WARDI_MS);
    }
    wrong += (double)(atomic_load(&f.trouble_count) - events);
    bench_print_values("wrong_verdicts_saturated", "1", &wrong, 1);
    bench_print_values("probe_latency_saturated", "µs", us, count);
    wardi_free(us);
    fleet_close(&f);
}

void bench_wrong_verdicts(const bench *b)
{
    probe_all(b, b->samples < 100000 ? WARDI_S : 10 * WARDI_S);
}

void bench_wrong_verdicts_long(const bench *b)
{
    probe_all(b, 600 * WARDI_S);
}
