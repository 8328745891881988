/* The heap of a program that knows beforehand how much it will need. */
#include "base/base.h"

#include <malloc.h>
#include <stdlib.h>
#include <sys/mman.h>

/* Less is soon had page by page, and a small host stays small. */
#define WORTH_BYTES ((size_t)32 << 20)
#define HUGE_PAGE_BYTES ((size_t)2 << 20)

#ifdef __GLIBC__
enum { MAPPINGS_MAX_DEFAULT = 65536, NEVER = -1 };

/* A block that is given back at once leaves its room at the end of the heap, for all that comes: so
 * it must neither be a mapping of its own nor go back to the kernel. Other arenas grow by a page
 * and a system call at a time. */
static void *room_take(size_t bytes)
{
    mallopt(M_ARENA_MAX, 1);
    mallopt(M_TRIM_THRESHOLD, NEVER);
    mallopt(M_MMAP_MAX, 0);
    void *room = malloc(bytes);
    mallopt(M_MMAP_MAX, MAPPINGS_MAX_DEFAULT);
    return room;
}

void wardi_heap_expect(size_t bytes)
{
    if (bytes < WORTH_BYTES) return;
    void *room = room_take(bytes);
    if (room == NULL) return;
    size_t skip = HUGE_PAGE_BYTES - (uintptr_t)room % HUGE_PAGE_BYTES;
    madvise((char *)room + skip, (bytes - skip) / HUGE_PAGE_BYTES * HUGE_PAGE_BYTES, MADV_HUGEPAGE);
    free(room);
}
#else
void wardi_heap_expect(size_t bytes)
{
    (void)bytes;
}
#endif
