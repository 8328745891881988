#include "cli/arena.h"

#include <stdalign.h>
#include <stdio.h>
#include <string.h>

enum { CHUNK_BYTES = 16 * 1024 };

struct wardi_arena_chunk {
    struct wardi_arena_chunk *next;
    size_t used, capacity;
    alignas(max_align_t) char bytes[];
};

static struct wardi_arena_chunk *chunk_for(wardi_arena *arena, size_t size)
{
    struct wardi_arena_chunk *chunk = arena->chunks;
    if (chunk != NULL && chunk->capacity - chunk->used >= size) return chunk;
    size_t capacity = size > CHUNK_BYTES ? size : CHUNK_BYTES;
    chunk = wardi_alloc(sizeof *chunk + capacity);
    if (chunk == NULL) return NULL;
    chunk->capacity = capacity;
    chunk->next = arena->chunks;
    arena->chunks = chunk;
    return chunk;
}

void *wardi_arena_take(wardi_arena *arena, size_t size)
{
    size_t rounded = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    struct wardi_arena_chunk *chunk = rounded < size ? NULL : chunk_for(arena, rounded);
    if (chunk == NULL) {
        arena->failed = true;
        return NULL;
    }
    void *memory = chunk->bytes + chunk->used;
    chunk->used += rounded;
    return memory;
}

char *wardi_arena_text(wardi_arena *arena, const char *bytes, size_t length)
{
    char *text = wardi_arena_take(arena, length + 1);
    if (text != NULL && length > 0) memcpy(text, bytes, length);
    return text;
}

char *wardi_arena_vprintf(wardi_arena *arena, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    WARD_ASSERT(length >= 0);
    char *text = wardi_arena_take(arena, (size_t)length + 1);
    if (text != NULL) vsnprintf(text, (size_t)length + 1, format, args);
    return text;
}

char *wardi_arena_printf(wardi_arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = wardi_arena_vprintf(arena, format, args);
    va_end(args);
    return text;
}

void wardi_arena_done(wardi_arena *arena)
{
    while (arena->chunks != NULL) {
        struct wardi_arena_chunk *chunk = arena->chunks;
        arena->chunks = chunk->next;
        wardi_free(chunk);
    }
    arena->failed = false;
}
