/* Counts every allocation of the process, the engine's too: malloc and its kin are interposed. */
#ifndef BENCH_COUNT_H
#define BENCH_COUNT_H

#include <stdint.h>

typedef struct bench_count {
    uint64_t allocations; /* since the program began */
    int64_t bytes;        /* in use now, as the allocator rounds them */
} bench_count;

bench_count bench_count_now(void);
/** Resident memory of the process, bytes. */
int64_t bench_resident_bytes(void);

#endif
