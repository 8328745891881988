/* Memory that is given back all at once: a configuration and everything in it. One thread. */
#ifndef WARDI_CLI_ARENA_H
#define WARDI_CLI_ARENA_H

#include "base/base.h"

typedef struct wardi_arena {
    struct wardi_arena_chunk *chunks;
    bool failed; /* something could not be had: said once, at the end */
} wardi_arena;

/** Zeroed memory, aligned for anything; NULL marks the arena failed. */
void *wardi_arena_take(wardi_arena *arena, size_t size);
char *wardi_arena_text(wardi_arena *arena, const char *bytes, size_t length);
char *wardi_arena_printf(wardi_arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
char *wardi_arena_vprintf(wardi_arena *arena, const char *format, va_list args);
void wardi_arena_done(wardi_arena *arena);

#endif
