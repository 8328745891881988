#include "cli/histogram.h"

enum { STEPS = 16, BAR = 40 };

/* Below 16 a bucket holds one figure; above, sixteen share each power of two. */
static size_t bucket_of(uint64_t ns)
{
    if (ns < STEPS) return (size_t)ns;
    unsigned power = 63 - (unsigned)__builtin_clzll(ns);
    return (size_t)(power - 3) * STEPS + (size_t)((ns >> (power - 4)) - STEPS);
}

static uint64_t top_of(size_t bucket)
{
    if (bucket < STEPS) return bucket;
    unsigned power = (unsigned)(bucket / STEPS) + 3;
    uint64_t width = UINT64_C(1) << (power - 4);
    return (UINT64_C(1) << power) + (bucket % STEPS) * width + (width - 1);
}

void wardi_histogram_add(wardi_histogram *histogram, uint64_t ns)
{
    histogram->counts[bucket_of(ns)]++;
    if (histogram->count == 0 || ns < histogram->min) histogram->min = ns;
    if (ns > histogram->max) histogram->max = ns;
    histogram->count++;
}

uint64_t wardi_histogram_at(const wardi_histogram *histogram, double share)
{
    uint64_t wanted = (uint64_t)(share * (double)histogram->count + 0.5), seen = 0;
    if (wanted == 0) wanted = 1;
    for (size_t i = 0; i < WARDI_HISTOGRAM_BUCKETS; i++) {
        seen += histogram->counts[i];
        if (seen < wanted) continue;
        return top_of(i) < histogram->max ? top_of(i) : histogram->max;
    }
    return histogram->max;
}

static void print_row(const wardi_histogram *histogram, unsigned power, uint64_t count,
                      uint64_t most, FILE *to)
{
    static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    char figure[32];
    wardi_text text = WARDI_TEXT(figure);
    wardi_text_duration(&text, power == 0 ? STEPS - 1 : (UINT64_C(1) << (power + 4)) - 1);
    uint64_t length = (uint64_t)((__uint128_t)count * BAR * 8 / most);
    fprintf(to, "  ≤ %7s %12llu %6.2f%%  ", figure, (unsigned long long)count,
            100.0 * (double)count / (double)histogram->count);
    for (uint64_t i = 0; i < length / 8; i++) fputs("█", to);
    fprintf(to, "%s\n", length == 0 ? "▏" : eighths[length % 8]);
}

void wardi_histogram_print(const wardi_histogram *histogram, FILE *to)
{
    enum { POWERS = WARDI_HISTOGRAM_BUCKETS / STEPS };
    static const double shares[] = {0.5, 0.9, 0.99, 0.999};
    static const char *const names[] = {"p50", "p90", "p99", "p99.9"};
    uint64_t rows[POWERS] = {0}, most = 1;
    for (size_t i = 0; i < WARDI_HISTOGRAM_BUCKETS; i++) rows[i / STEPS] += histogram->counts[i];
    for (size_t i = 0; i < POWERS; i++)
        if (rows[i] > most) most = rows[i];
    for (unsigned i = 0; i < POWERS; i++)
        if (rows[i] > 0) print_row(histogram, i, rows[i], most, to);
    for (size_t i = 0; i < WARD_COUNT(shares); i++) {
        char figure[32];
        wardi_text text = WARDI_TEXT(figure);
        wardi_text_duration(&text, wardi_histogram_at(histogram, shares[i]));
        fprintf(to, "  %s %s", names[i], figure);
    }
    char figure[32];
    wardi_text text = WARDI_TEXT(figure);
    wardi_text_duration(&text, histogram->max);
    fprintf(to, "  max %s\n", figure);
}
