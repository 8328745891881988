/* Latencies: counted in buckets of a sixteenth of their power of two, so that every percentile is
 * known to some 6 %, without keeping the figures. */
#ifndef WARDI_CLI_HISTOGRAM_H
#define WARDI_CLI_HISTOGRAM_H

#include <stdio.h>

#include "base/base.h"

enum { WARDI_HISTOGRAM_BUCKETS = 64 * 16 };

typedef struct wardi_histogram {
    uint64_t counts[WARDI_HISTOGRAM_BUCKETS];
    uint64_t count, min, max;
} wardi_histogram;

void wardi_histogram_add(wardi_histogram *histogram, uint64_t ns);
/** The figure that `share` (0 to 1) of all are at or below, as the top of its bucket, never above
 * the maximum; 0 when there is none. */
uint64_t wardi_histogram_at(const wardi_histogram *histogram, double share);
/** Rows of powers of two with bars, then the percentiles. */
void wardi_histogram_print(const wardi_histogram *histogram, FILE *to);

#endif
