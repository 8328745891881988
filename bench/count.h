/* Counts every allocation of the process, the engine's too: malloc and its kin are interposed.
 * Nothing is counted until bench_count_begin, so that the timed benchmarks pay next to nothing. */
#ifndef BENCH_COUNT_H
#define BENCH_COUNT_H

#include <stdint.h>

typedef struct bench_count {
    uint64_t allocations;
    int64_t bytes; /* allocated less freed, as the allocator rounds them */
} bench_count;

/** Starts from zero. */
void bench_count_begin(void);
/** What has happened since, and the end of counting. */
bench_count bench_count_end(void);
/** Resident memory of the process, bytes. */
int64_t bench_resident_bytes(void);

#endif
