/* Bytes against guard pages: one byte read or written past either end is a crash, in any build.
 *
 * Header only, because each test is one file. A guard is a mapping of its own; reuse it. */
#ifndef WARD_TESTS_GUARD_H
#define WARD_TESTS_GUARD_H

#include "base/base.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

enum { GUARD_PAGE = 4096, GUARD_BYTES_MAX = 2 * GUARD_PAGE };

typedef struct guard {
    uint8_t *first; /* right after the front guard page */
    uint8_t *end;   /* right before the back one */
} guard;

static inline guard guard_new(void)
{
    size_t size = GUARD_BYTES_MAX + 2 * GUARD_PAGE;
    uint8_t *map = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    WARD_ASSERT(map != MAP_FAILED);
    int rc = mprotect(map + GUARD_PAGE, GUARD_BYTES_MAX, PROT_READ | PROT_WRITE);
    WARD_ASSERT(rc == 0);
    return (guard){.first = map + GUARD_PAGE, .end = map + GUARD_PAGE + GUARD_BYTES_MAX};
}

static inline void guard_free(guard *g)
{
    munmap(g->first - GUARD_PAGE, GUARD_BYTES_MAX + 2 * GUARD_PAGE);
}

/** The last `length` bytes before the back guard page. */
static inline uint8_t *guard_last(const guard *g, size_t length)
{
    WARD_ASSERT(length <= GUARD_BYTES_MAX);
    return g->end - length;
}

/** A copy of `bytes` that ends right at the back guard page. */
static inline uint8_t *guard_copy(const guard *g, const void *bytes, size_t length)
{
    uint8_t *at = guard_last(g, length);
    if (length != 0) memcpy(at, bytes, length);
    return at;
}

#endif
