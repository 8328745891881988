/* How often something happened in the last while; tree_priv.h argues the error. */
#include <string.h>

#include "supervise/tree_priv.h"

static uint64_t bucket_of(uint64_t window_ns, uint64_t now_ns)
{
    uint64_t width = window_ns / (WINDOW_BUCKETS - 1) + (window_ns % (WINDOW_BUCKETS - 1) != 0);
    return now_ns / width;
}

uint32_t wardi_window_count(const wardi_window *w, uint64_t window_ns, uint64_t now_ns)
{
    uint64_t now = bucket_of(window_ns, now_ns), age = now > w->bucket ? now - w->bucket : 0;
    uint32_t sum = 0;
    for (uint64_t back = 0; age + back < WINDOW_BUCKETS && back <= w->bucket; back++)
        sum += w->counts[(w->bucket - back) % WINDOW_BUCKETS];
    return sum;
}

void wardi_window_add(wardi_window *w, uint64_t window_ns, uint64_t now_ns)
{
    uint64_t now = bucket_of(window_ns, now_ns);
    uint64_t ahead = now > w->bucket ? now - w->bucket : 0;
    if (ahead >= WINDOW_BUCKETS) memset(w->counts, 0, sizeof w->counts);
    for (uint64_t i = 0; i < ahead && ahead < WINDOW_BUCKETS; i++)
        w->counts[(now - i) % WINDOW_BUCKETS] = 0;
    w->bucket += ahead;
    uint8_t *newest = &w->counts[w->bucket % WINDOW_BUCKETS];
    if (*newest < UINT8_MAX) ++*newest;
}
