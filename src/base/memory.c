#include "base/base.h"

#include <stdlib.h>
#include <string.h>

/* Set by tests before any other thread runs, so plain variables do. */
static wardi_alloc_gate gate_ask;
static void *gate_context;

void wardi_alloc_gate_set(wardi_alloc_gate gate, void *context)
{
    gate_ask = gate;
    gate_context = context;
}

static bool gate_opens(size_t size)
{
    return gate_ask == NULL || gate_ask(gate_context, size);
}

void *wardi_alloc(size_t size)
{
    if (!gate_opens(size)) return NULL;
    return calloc(1, size != 0 ? size : 1);
}

void *wardi_alloc_array(size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) return NULL;
    return wardi_alloc(bytes);
}

void *wardi_alloc_aligned(size_t alignment, size_t size)
{
    if (!gate_opens(size)) return NULL;
    size_t whole = (size + alignment - 1) / alignment * alignment; /* aligned_alloc wants it so */
    void *memory = whole >= size ? aligned_alloc(alignment, whole) : NULL;
    if (memory != NULL) memset(memory, 0, size);
    return memory;
}

void *wardi_grow(void *memory, size_t old_size, size_t new_size)
{
    if (!gate_opens(new_size)) return NULL;
    char *grown = realloc(memory, new_size != 0 ? new_size : 1);
    if (grown != NULL && new_size > old_size) memset(grown + old_size, 0, new_size - old_size);
    return grown;
}

char *wardi_strdup(const char *text)
{
    return wardi_memdup(text, strlen(text) + 1);
}

void *wardi_memdup(const void *bytes, size_t length)
{
    void *copy = wardi_alloc(length);
    if (copy != NULL && length != 0) memcpy(copy, bytes, length);
    return copy;
}

void wardi_free(void *memory)
{
    free(memory);
}
