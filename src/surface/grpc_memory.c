/* Memory for the libraries, from base: what tests take away from us, they take away from them. */
#include <string.h>

#include "surface/grpc.h"

/* nghttp2 does not tell the old size when it wants more, so it is kept in front. */
enum { SIZE_ROOM = 16 };

static void *mem_malloc(size_t size, void *user)
{
    (void)user;
    if (size > SIZE_MAX - SIZE_ROOM) return NULL;
    char *memory = wardi_alloc(SIZE_ROOM + size);
    if (memory == NULL) return NULL;
    memcpy(memory, &size, sizeof size);
    return memory + SIZE_ROOM;
}

static void *mem_calloc(size_t count, size_t size, void *user)
{
    size_t bytes;
    return __builtin_mul_overflow(count, size, &bytes) ? NULL : mem_malloc(bytes, user);
}

static void mem_free(void *memory, void *user)
{
    (void)user;
    if (memory != NULL) wardi_free((char *)memory - SIZE_ROOM);
}

static void *mem_realloc(void *memory, size_t size, void *user)
{
    size_t old;
    if (memory == NULL) return mem_malloc(size, user);
    if (size > SIZE_MAX - SIZE_ROOM) return NULL;
    char *start = (char *)memory - SIZE_ROOM;
    memcpy(&old, start, sizeof old);
    char *grown = wardi_grow(start, SIZE_ROOM + old, SIZE_ROOM + size);
    if (grown == NULL) return NULL;
    memcpy(grown, &size, sizeof size);
    return grown + SIZE_ROOM;
}

const nghttp2_mem grpc_memory = {
    .malloc = mem_malloc, .free = mem_free, .calloc = mem_calloc, .realloc = mem_realloc};

static void *protobuf_alloc(void *user, size_t size)
{
    (void)user;
    return wardi_alloc(size);
}

static void protobuf_free(void *user, void *memory)
{
    (void)user;
    wardi_free(memory);
}

ProtobufCAllocator grpc_allocator = {.alloc = protobuf_alloc, .free = protobuf_free};
