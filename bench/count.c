#include "count.h"

#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* glibc's own names behind the ones that are interposed here. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *memory);

static atomic_bool counting;
static _Atomic uint64_t allocations;
static _Atomic int64_t bytes_in_use;

static bool is_counting(void)
{
    return atomic_load_explicit(&counting, memory_order_relaxed);
}

static void *counted(void *memory)
{
    if (!memory || !is_counting()) return memory;
    atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&bytes_in_use, (int64_t)malloc_usable_size(memory),
                              memory_order_relaxed);
    return memory;
}

void *malloc(size_t size)
{
    return counted(__libc_malloc(size));
}

void *calloc(size_t count, size_t size)
{
    return counted(__libc_calloc(count, size));
}

void *realloc(void *memory, size_t size)
{
    int64_t before = memory && is_counting() ? (int64_t)malloc_usable_size(memory) : 0;
    void *moved = __libc_realloc(memory, size);
    if (moved || size == 0) atomic_fetch_sub_explicit(&bytes_in_use, before, memory_order_relaxed);
    return counted(moved);
}

void *memalign(size_t alignment, size_t size)
{
    return counted(__libc_memalign(alignment, size));
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return memalign(alignment, size);
}

int posix_memalign(void **ret_memory, size_t alignment, size_t size)
{
    void *memory = memalign(alignment, size);
    if (!memory) return ENOMEM;
    *ret_memory = memory;
    return 0;
}

void free(void *memory)
{
    if (memory && is_counting())
        atomic_fetch_sub_explicit(&bytes_in_use, (int64_t)malloc_usable_size(memory),
                                  memory_order_relaxed);
    __libc_free(memory);
}

void bench_count_begin(void)
{
    atomic_store(&allocations, 0);
    atomic_store(&bytes_in_use, 0);
    atomic_store(&counting, true);
}

bench_count bench_count_end(void)
{
    atomic_store(&counting, false);
    return (bench_count){.allocations = atomic_load(&allocations),
                         .bytes = atomic_load(&bytes_in_use)};
}

int64_t bench_resident_bytes(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (!file) return 0;
    if (fscanf(file, "%*s %ld", &pages) != 1) pages = 0;
    fclose(file);
    return (int64_t)pages * sysconf(_SC_PAGESIZE);
}
