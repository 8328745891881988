#include "measure.h"

#include <stdio.h>
#include <string.h>

enum { EMPTY_READINGS = 10001 };

static double ns_per_tick = 1;
static uint64_t overhead_ticks;

static int compare_ticks(const void *a, const void *b)
{
    uint64_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

void bench_measure_init(void)
{
    uint64_t start_ns = wardi_now_ns();
    uint64_t start = bench_ticks_begin();
    wardi_sleep_until_ns(start_ns + 50 * WARDI_MS);
    uint64_t span_ns = wardi_now_ns() - start_ns;
    ns_per_tick = (double)span_ns / (double)(bench_ticks_end() - start);

    bench_samples empty = bench_samples_new(EMPTY_READINGS, 1);
    for (size_t i = 0; i < empty.count; i++) {
        uint64_t begin = bench_ticks_begin();
        empty.ticks[i] = bench_ticks_end() - begin;
    }
    bench_samples_sort(&empty);
    overhead_ticks = empty.ticks[empty.count / 2];
    bench_samples_free(&empty);
}

bench_samples bench_samples_new(size_t count, size_t group)
{
    uint64_t *ticks = calloc(count, sizeof *ticks);
    if (!ticks) {
        fprintf(stderr, "bench: no memory for %zu samples\n", count);
        exit(1);
    }
    return (bench_samples){.ticks = ticks, .count = count, .group = group};
}

void bench_samples_sort(bench_samples *samples)
{
    qsort(samples->ticks, samples->count, sizeof *samples->ticks, compare_ticks);
}

static double each_ns(const bench_samples *samples, uint64_t ticks)
{
    uint64_t net = ticks > overhead_ticks ? ticks - overhead_ticks : 0;
    return (double)net * ns_per_tick / (double)samples->group;
}

double bench_samples_ns(const bench_samples *samples, double share)
{
    size_t at = (size_t)((double)samples->count * share);
    return each_ns(samples, samples->ticks[at < samples->count ? at : samples->count - 1]);
}

double bench_samples_mean_ns(const bench_samples *samples)
{
    double sum = 0;
    for (size_t i = 0; i < samples->count; i++) sum += each_ns(samples, samples->ticks[i]);
    return sum / (double)samples->count;
}

void bench_samples_free(bench_samples *samples)
{
    free(samples->ticks);
}

static int compare_values(const void *a, const void *b)
{
    double x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

void bench_print_values(const char *name, const char *unit, double *values, size_t count)
{
    double sum = 0;
    qsort(values, count, sizeof *values, compare_values);
    for (size_t i = 0; i < count; i++) sum += values[i];
    bench_figures figures = {.p50 = values[count / 2],
                             .p99 = values[count * 99 / 100],
                             .p999 = values[count * 999 / 1000],
                             .mean = sum / (double)count,
                             .single_p50 = values[count / 2],
                             .samples = count};
    bench_print(name, unit, &figures);
}

void bench_print(const char *name, const char *unit, const bench_figures *figures)
{
    printf("{\"name\":\"%s\",\"unit\":\"%s\",\"p50\":%.3f,\"p99\":%.3f,\"p999\":%.3f,"
           "\"mean\":%.3f,\"single_p50\":%.3f,\"samples\":%zu}\n",
           name, unit, figures->p50, figures->p99, figures->p999, figures->mean,
           figures->single_p50, figures->samples);
    fflush(stdout);
}
