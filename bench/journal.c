/* The journal: how many events a second it writes, and how long after its callback an event is in
 * the file.
 *
 *     ward_bench_journal FILE [SECONDS]     FILE is made, and stays
 *
 * The rate is that of a giver who never stops but for a full queue. A delay is from the callback to
 * the end of the commit, seen by looking every 20 us, for some of the events of a giver that keeps
 * to a rate: of one in so many, however late those before it are. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "journal/journal.h"

enum { SAMPLES_MAX = 100000, QUEUE_MAX = 32768, SAMPLES_A_SECOND = 2000 };

/* An event that is looked for: the how many-th it is, and when it was given. */
typedef struct sample {
    uint64_t number, given_ns;
} sample;

typedef struct giver {
    wardi_journal *journal;
    uint64_t rate, until_ns, given;
    sample samples[SAMPLES_MAX];
    _Atomic size_t sample_count; /* by the giver */
    uint64_t delays[SAMPLES_MAX];
    size_t delay_count; /* by who looks */
} giver;

static uint64_t sequence;

/* As they come: changes of state and health of a few hundred components. */
static void give(giver *g)
{
    char name[32], reason[64];
    uint64_t n = ++sequence;
    snprintf(name, sizeof name, "shop.worker-%03u", (unsigned)(n % 500));
    snprintf(reason, sizeof reason, "latency of %u ms is over 250 ms", (unsigned)(n % 997));
    ward_event event = {.size = sizeof event,
                        .kind = n % 2 != 0 ? WARD_EVENT_STATE : WARD_EVENT_HEALTH,
                        .sequence = n,
                        .wall_ns = wardi_wall_ns(),
                        .component = name,
                        .from_state = WARD_STATE_STARTING,
                        .state = WARD_STATE_READY,
                        .health = WARD_CHILD_DEGRADED,
                        .reason = reason,
                        .version = "1.4.2"};
    wardi_journal_take(g->journal, &event);
    g->given++;
}

static uint64_t waiting(const giver *g)
{
    wardi_journal_status status;
    wardi_journal_status_get(g->journal, &status);
    return status.waiting;
}

static void sleep_ns(uint64_t ns)
{
    struct timespec span = {.tv_sec = (time_t)(ns / WARDI_S), .tv_nsec = (long)(ns % WARDI_S)};
    nanosleep(&span, NULL);
}

static void give_sampled(giver *g)
{
    size_t count = atomic_load(&g->sample_count);
    uint64_t every = g->rate > SAMPLES_A_SECOND ? g->rate / SAMPLES_A_SECOND : 1;
    sample taken = {g->given + 1, wardi_now_ns()};
    give(g);
    if (g->given % every != 0 || count == SAMPLES_MAX) return;
    g->samples[count] = taken;
    atomic_store(&g->sample_count, count + 1);
}

static void *give_at_rate(void *context)
{
    giver *g = context;
    uint64_t start_ns = wardi_now_ns(), now_ns;
    while ((now_ns = wardi_now_ns()) < g->until_ns) {
        uint64_t due = (now_ns - start_ns) * g->rate / WARDI_S;
        while (g->given < due) give_sampled(g);
        sleep_ns(WARDI_S / g->rate < WARDI_MS ? 200 * WARDI_US : WARDI_MS);
    }
    return NULL;
}

static void look(giver *g, uint64_t written_before)
{
    for (;;) {
        wardi_journal_status status;
        wardi_journal_status_get(g->journal, &status);
        uint64_t written = status.written - written_before, now_ns = wardi_now_ns();
        size_t count = atomic_load(&g->sample_count);
        while (g->delay_count < count && g->samples[g->delay_count].number <= written) {
            g->delays[g->delay_count] = now_ns - g->samples[g->delay_count].given_ns;
            g->delay_count++;
        }
        if (g->delay_count == count && now_ns > g->until_ns + 10 * WARDI_MS) return;
        sleep_ns(20 * WARDI_US);
    }
}

static int by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static double ms_at(const giver *g, double share)
{
    size_t at = (size_t)((double)(g->delay_count - 1) * share);
    return (double)g->delays[at] / 1e6;
}

static void measure_delay(wardi_journal *journal, uint64_t rate, uint64_t seconds)
{
    static giver g;
    wardi_journal_status status;
    pthread_t thread;
    wardi_journal_status_get(journal, &status);
    memset(&g, 0, sizeof g);
    g.journal = journal;
    g.rate = rate;
    g.until_ns = wardi_now_ns() + seconds * WARDI_S;
    if (pthread_create(&thread, NULL, give_at_rate, &g) != 0) abort();
    look(&g, status.written);
    pthread_join(thread, NULL);
    while (waiting(&g) > 0) sleep_ns(WARDI_MS);
    qsort(g.delays, g.delay_count, sizeof g.delays[0], by_size);
    if (g.delay_count == 0) abort();
    printf("%7llu events a second: in the file after %.2f ms P50, %.2f ms P99, %.2f ms at most "
           "(%zu looked at)\n",
           (unsigned long long)rate, ms_at(&g, 0.5), ms_at(&g, 0.99), ms_at(&g, 1), g.delay_count);
}

static void measure_rate(wardi_journal *journal, uint64_t seconds)
{
    static giver g;
    g.journal = journal;
    uint64_t start_ns = wardi_now_ns(), end_ns = start_ns + seconds * WARDI_S;
    while (wardi_now_ns() < end_ns) {
        if (waiting(&g) > QUEUE_MAX) {
            sleep_ns(WARDI_MS);
            continue;
        }
        for (int i = 0; i < 256; i++) give(&g);
    }
    while (waiting(&g) > 0) sleep_ns(WARDI_MS);
    double spent = (double)(wardi_now_ns() - start_ns) / 1e9;
    printf("without a pause: %.0f events a second\n", (double)g.given / spent);
}

int main(int arg_count, char **args)
{
    wardi_journal_options options = {.path = arg_count > 1 ? args[1] : NULL};
    uint64_t seconds = arg_count > 2 ? strtoull(args[2], NULL, 10) : 5;
    wardi_journal *journal = NULL;
    wardi_journal_status status;
    ward_diag diag;
    if (options.path == NULL || seconds == 0) {
        fputs("usage: ward_bench_journal FILE [SECONDS]\n", stderr);
        return 2;
    }
    if (wardi_journal_open(&options, &journal, &diag) != WARD_OK) {
        fprintf(stderr, "%s\n", diag.text);
        return 1;
    }
    measure_rate(journal, seconds);
    static const uint64_t rates[] = {100, 1000, 10000, 100000};
    for (size_t i = 0; i < WARD_COUNT(rates); i++) measure_delay(journal, rates[i], seconds);
    wardi_journal_status_get(journal, &status);
    printf("%llu written, %llu lost, %.1f MiB\n", (unsigned long long)status.written,
           (unsigned long long)status.lost, (double)status.bytes / (1 << 20));
    return wardi_journal_close(journal, 10 * WARDI_S) ? 0 : 1;
}
