/* How often something happened in a window that moves with time, in 24 bytes. Pure. */
#ifndef WARDI_WINDOW_H
#define WARDI_WINDOW_H

#include <stdint.h>

/* Sixteen counters, each of a fifteenth of the window: the one in use and the 15 before it reach
 * back over the whole window and at most a fifteenth further. So never more than `max` pass in any
 * window, and at worst one is refused that was `window`·16/15 after the first. Times would be exact
 * and cost 8 bytes for each restart allowed. */
enum { WINDOW_BUCKETS = 16 };
typedef struct wardi_window {
    uint64_t bucket; /* number of the newest one in use */
    uint8_t counts[WINDOW_BUCKETS];
} wardi_window;

uint32_t wardi_window_count(const wardi_window *w, uint64_t window_ns, uint64_t now_ns);
void wardi_window_add(wardi_window *w, uint64_t window_ns, uint64_t now_ns);

#endif
