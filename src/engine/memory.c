/* Slots for linear memories: one mapping for all, so that making a memory costs no mapping of its
 * own (dense) or at most a change of protection (guarded).
 *
 * Guarded: a slot is 4 GiB and a guard, all unreadable but for the memory's own bytes, so that
 * compiled code needs no bounds checks. Dense: a slot is as long as the longest memory, readable
 * throughout, and compiled code checks. A slot that was given back reads as zeroes again. */
#include "engine_priv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define GIB (UINT64_C(1) << 30)
#define MIB (UINT64_C(1) << 20)
#define GUARDED_BYTES (4 * GIB)
/* What the engine wants behind the reservation, so that constant offsets need no check either. */
#define GUARD_BYTES (32 * MIB)
/* Also a multiple of every page size that kernels use, so a memory's length needs no rounding. */
#define WASM_PAGE_BYTES 65536u
/* What the engine is told that a slot can hold, so that growth over the limit comes to us to be
 * counted. Guarded, it is the truth, and must be: the engine finds the memory of a fault by it, and
 * ends the process when two claim the same address. Dense code never faults. */
#define CAPACITY_TOLD GUARDED_BYTES

static _Thread_local wardi_instance *building;

void memory_building_set(wardi_instance *instance)
{
    building = instance;
}

/* ---- slots ---- */

static memory_slot *slot_take(memory_pool *pool)
{
    memory_slot *slot = NULL;
    pthread_mutex_lock(&pool->lock);
    if (pool->free != 0) {
        slot = &pool->slots[pool->free - 1];
        pool->free = slot->next;
    } else if (pool->fresh < pool->count) {
        slot = &pool->slots[pool->fresh++];
    }
    pthread_mutex_unlock(&pool->lock);
    if (slot != NULL) slot->pool = pool;
    return slot;
}

static void slot_give(memory_slot *slot)
{
    memory_pool *pool = slot->pool;
    pthread_mutex_lock(&pool->lock);
    slot->next = pool->free;
    pool->free = (uint32_t)(slot - pool->slots) + 1;
    pthread_mutex_unlock(&pool->lock);
}

/* Lets exactly the first `length` bytes through. A dense slot always is. */
static bool slot_open(memory_slot *slot, size_t length)
{
    if (slot->pool->profile == WARD_MEMORY_DENSE) return true;
    uint8_t *bytes = memory_slot_bytes(slot);
    if (length > slot->accessible &&
        mprotect(bytes + slot->accessible, length - slot->accessible, PROT_READ | PROT_WRITE) != 0)
        return false;
    if (length < slot->accessible &&
        mprotect(bytes + length, slot->accessible - length, PROT_NONE) != 0)
        return false;
    slot->accessible = length;
    return true;
}

/* ---- the engine's callbacks ---- */

static void owner_add(wardi_instance *owner, uint64_t bytes)
{
    uint64_t now = atomic_load_explicit(&owner->memory_bytes, memory_order_relaxed);
    atomic_store_explicit(&owner->memory_bytes, now + bytes, memory_order_relaxed);
}

static bool owner_allows(const wardi_instance *owner, uint64_t more)
{
    uint64_t now = atomic_load_explicit(&owner->memory_bytes, memory_order_relaxed);
    return more <= owner->limits.memory_bytes_max && now <= owner->limits.memory_bytes_max - more;
}

static uint8_t *slot_get(void *env, size_t *ret_length, size_t *ret_capacity)
{
    memory_slot *slot = env;
    *ret_length = slot->length;
    *ret_capacity = CAPACITY_TOLD;
    return memory_slot_bytes(slot);
}

static wasmtime_error_t *slot_grow(void *env, size_t length)
{
    memory_slot *slot = env;
    wardi_instance *owner = slot->owner;
    size_t more = length - slot->length;
    if (length > slot->pool->slot_bytes || !owner_allows(owner, more) || !slot_open(slot, length)) {
        uint64_t refused = atomic_load_explicit(&owner->growths_refused, memory_order_relaxed);
        atomic_store_explicit(&owner->growths_refused, refused + 1, memory_order_relaxed);
        return wasmtime_error_new("over the memory limit");
    }
    slot->length = length;
    owner_add(owner, more);
    return NULL;
}

static void slot_drop(void *env)
{
    memory_slot *slot = env;
    if (slot->length != 0 && madvise(memory_slot_bytes(slot), slot->length, MADV_DONTNEED) != 0)
        memset(memory_slot_bytes(slot), 0, slot->length); /* locked memory */
    slot->length = 0;
    slot->owner = NULL;
    slot_give(slot);
}

static wasmtime_error_t *refuse(wardi_instance *owner, ward_error error, size_t bytes)
{
    owner->refusal = error;
    owner->refused_bytes = bytes;
    return wasmtime_error_new(ward_error_text(error));
}

static wasmtime_error_t *slot_new(void *env, const wasm_memorytype_t *type, size_t minimum,
                                  size_t maximum, size_t reserved, size_t guard,
                                  wasmtime_linear_memory_t *ret_memory)
{
    (void)type, (void)maximum, (void)reserved, (void)guard;
    memory_pool *pool = env;
    wardi_instance *owner = building;
    WARD_ASSERT(owner != NULL);
    if (minimum > pool->slot_bytes || !owner_allows(owner, minimum))
        return refuse(owner, WARD_ERROR_LIMIT_MEMORY, minimum);
    memory_slot *slot = slot_take(pool);
    if (slot == NULL) return refuse(owner, WARD_ERROR_LIMIT_COMPONENTS, minimum);
    if (!slot_open(slot, minimum)) {
        slot_give(slot);
        return refuse(owner, WARD_ERROR_NO_MEMORY, minimum);
    }
    slot->owner = owner;
    slot->length = minimum;
    owner_add(owner, minimum);
    *ret_memory = (wasmtime_linear_memory_t){
        .env = slot, .get_memory = slot_get, .grow_memory = slot_grow, .finalizer = slot_drop};
    return NULL;
}

/* ---- the pool ---- */

void memory_pool_configure(memory_pool *pool, wasm_config_t *config)
{
    bool dense = pool->profile == WARD_MEMORY_DENSE;
    wasmtime_config_memory_may_move_set(config, false);
    wasmtime_config_memory_reservation_set(config, dense ? 0 : GUARDED_BYTES);
    wasmtime_config_memory_guard_size_set(config, dense ? 0 : GUARD_BYTES);
    wasmtime_config_memory_reservation_for_growth_set(config, 0);
    /* Copy-on-write images want memories that the engine has mapped itself. */
    wasmtime_config_memory_init_cow_set(config, false);
    wasmtime_memory_creator_t creator = {.env = pool, .new_memory = slot_new};
    wasmtime_config_host_memory_creator_set(config, &creator);
}

memory_slot *memory_pool_find(memory_pool *pool, const uint8_t *bytes)
{
    if (bytes < pool->base || bytes >= pool->base + pool->mapped) return NULL;
    return &pool->slots[(size_t)(bytes - pool->base) / pool->stride];
}

static uint64_t map_count_max(void)
{
    uint64_t count = 65530; /* the kernel's default */
    FILE *file = fopen("/proc/sys/vm/max_map_count", "re");
    if (file == NULL) return count;
    unsigned long long read = 0;
    if (fscanf(file, "%llu", &read) == 1) count = read;
    fclose(file);
    return count;
}

/* Every memory in use splits the mapping in two, and a guest that waits has a stack and its guard:
 * four mappings each at most, and some for the process itself. */
static ward_error check_map_count(const memory_pool *pool, ward_diag *ret_diag)
{
    if (pool->profile == WARD_MEMORY_DENSE) return WARD_OK;
    uint64_t allowed = map_count_max(), spare = 2000;
    uint64_t fits = allowed > spare ? (allowed - spare) / 4 : 0;
    if (pool->count <= fits) return WARD_OK;
    return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                      "%u guarded memories need up to %llu mappings, but this kernel allows a "
                      "process %llu (vm.max_map_count), enough for %llu: ask for fewer "
                      "(components_max), or use the dense profile, or: sysctl -w "
                      "vm.max_map_count=%llu",
                      pool->count, (unsigned long long)(4ULL * pool->count + spare),
                      (unsigned long long)allowed, (unsigned long long)fits,
                      (unsigned long long)(4ULL * pool->count + spare));
}

static ward_error pool_size(memory_pool *pool, const wardi_engine_options *options,
                            ward_diag *ret_diag)
{
    bool dense = options->profile == WARD_MEMORY_DENSE;
    uint64_t bytes = options->memory_bytes_max;
    if (bytes == 0) bytes = dense ? 16 * MIB : GUARDED_BYTES;
    if (bytes > GUARDED_BYTES)
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                          "memory_bytes_max is %llu, and a linear memory has at most 4 GiB",
                          (unsigned long long)bytes);
    bytes = (bytes + WASM_PAGE_BYTES - 1) / WASM_PAGE_BYTES * WASM_PAGE_BYTES;
    pool->profile = options->profile;
    pool->count = options->memories_max;
    if (pool->count == 0) pool->count = dense ? 1000000 : 1000;
    pool->slot_bytes = bytes;
    pool->stride = dense ? bytes : GUARDED_BYTES + GUARD_BYTES;
    if (__builtin_mul_overflow(pool->stride, (size_t)pool->count, &pool->mapped))
        pool->mapped = SIZE_MAX / 2;
    return WARD_OK;
}

static ward_error no_address_space(const memory_pool *pool, ward_diag *ret_diag)
{
    char size[32];
    wardi_text text = WARDI_TEXT(size);
    wardi_text_size(&text, pool->mapped);
    return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY,
                      "cannot reserve %s of address space for %u memories (%s): ask for fewer "
                      "(components_max)%s, and look at ulimit -v and vm.overcommit_memory (2 "
                      "refuses reservations)",
                      size, pool->count, strerror(errno),
                      pool->profile == WARD_MEMORY_DENSE ? " or smaller ones (memory_bytes_max)"
                                                         : " or use the dense profile");
}

ward_error memory_pool_init(memory_pool *pool, const wardi_engine_options *options,
                            ward_diag *ret_diag)
{
    ward_error error = pool_size(pool, options, ret_diag);
    if (error == WARD_OK) error = check_map_count(pool, ret_diag);
    if (error != WARD_OK) return error;
    bool dense = pool->profile == WARD_MEMORY_DENSE;
    void *base = mmap(NULL, pool->mapped, dense ? PROT_READ | PROT_WRITE : PROT_NONE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED) return no_address_space(pool, ret_diag);
    /* One huge page a guest would be two hundred times what an idle one needs. */
    if (dense) madvise(base, pool->mapped, MADV_NOHUGEPAGE);
    pool->base = base;
    pool->slots = wardi_alloc_array(pool->count, sizeof *pool->slots);
    if (pool->slots == NULL) {
        munmap(base, pool->mapped);
        pool->base = NULL;
        return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory for %u memory slots",
                          pool->count);
    }
    pthread_mutex_init(&pool->lock, NULL);
    return WARD_OK;
}

void memory_pool_done(memory_pool *pool)
{
    if (pool->base == NULL) return;
    munmap(pool->base, pool->mapped);
    wardi_free(pool->slots);
    pthread_mutex_destroy(&pool->lock);
    pool->base = NULL;
}
