/* engine, inside: what its files share. Nothing outside this room includes it. */
#ifndef WARDI_ENGINE_PRIV_H
#define WARDI_ENGINE_PRIV_H

#include "engine/engine.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <time.h>
#include <wasm.h>
#include <wasmtime.h>

/** The wrapper crate's additions to the C API: makes this thread able to poll WASI preview 2. */
extern bool ward_engine_enter_reactor(void);
/** Bounds what one call of a component copies between the guest and the host. */
extern void ward_engine_copy_bytes_max(wasmtime_context_t *context, size_t bytes);

/** As ward_engine_enter_reactor, once a thread; false as well where the reactor could not start a
 * thread, at which it would end the process. */
bool engine_reactor_enter(void);

/* ---- clock.c: the thread that advances epochs ---- */

#define ENGINE_TICK_NS WARDI_MS

/* `engines` are published once each and stay. */
typedef struct engine_clock {
    pthread_t thread;
    bool running;
    atomic_bool stop;
    _Atomic(wasm_engine_t *) engines[2];
    _Atomic uint32_t resting;        /* 1: by the clock, when no guest runs; 0: by who enters one */
    atomic_uint_least32_t suspended; /* calls that wait on a fiber: they need missed ticks */
    atomic_uint_least32_t holds;     /* of those who want ticks though no guest runs */
    pthread_mutex_t watch_lock;      /* of what follows; the clock only tries it */
    wardi_watcher *watchers;
} engine_clock;

/* Where a thread says that it is inside a guest. Its own to write, the clocks' to read; it goes to
 * another thread when its own ends. */
typedef struct clock_seat {
    _Atomic uint32_t inside; /* how deep */
    atomic_bool taken;
    struct clock_seat *next;
} clock_seat;
extern _Thread_local clock_seat *clock_seat_here;

ward_error engine_clock_start(engine_clock *clock, ward_diag *ret_diag);
void engine_clock_stop(engine_clock *clock);
/** Takes a seat for this thread, for as long as it lives. NO_MEMORY is met by a seat that many
 * share, and that is always inside. */
clock_seat *clock_seat_take(void);
void clock_wake(engine_clock *clock);

/** Around everything that runs a guest. The barrier between this store and this load is the clock's
 * (membarrier, before it looks at the seats a last time), so that a check need not pay for one. */
static inline void clock_enter(engine_clock *clock)
{
    clock_seat *seat = clock_seat_here;
    if (WARD_UNLIKELY(seat == NULL)) seat = clock_seat_take();
    uint32_t inside = atomic_load_explicit(&seat->inside, memory_order_relaxed);
    atomic_store_explicit(&seat->inside, inside + 1, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst);
    if (WARD_UNLIKELY(atomic_load_explicit(&clock->resting, memory_order_relaxed) != 0))
        clock_wake(clock);
}
static inline void clock_leave(void)
{
    clock_seat *seat = clock_seat_here;
    uint32_t inside = atomic_load_explicit(&seat->inside, memory_order_relaxed);
    atomic_store_explicit(&seat->inside, inside - 1, memory_order_release);
}
/** Ticks after which a call may have lasted `timeout_ns`: never fewer, at most one more. */
uint64_t engine_clock_ticks(uint64_t timeout_ns);

/* ---- memory.c: the slots that linear memories live in ---- */

typedef struct memory_pool memory_pool;

/* A slot belongs to its instance's thread while taken, and to the pool's lock while free. */
typedef struct memory_slot {
    memory_pool *pool;
    wardi_instance *owner;
    size_t length;     /* bytes of the linear memory */
    size_t accessible; /* bytes that the kernel lets through; kept for the next owner */
    uint32_t next;     /* free list: index + 1 */
} memory_slot;

struct memory_pool {
    ward_memory_profile profile;
    uint8_t *base;
    size_t mapped;
    size_t stride;     /* from slot to slot, guard included */
    size_t slot_bytes; /* the longest memory */
    uint32_t count;
    memory_slot *slots;
    pthread_mutex_t lock;
    uint32_t fresh; /* slots from here on were never used */
    uint32_t free;  /* index + 1 of the first free slot; 0: none */
};

ward_error memory_pool_init(memory_pool *pool, const wardi_engine_options *options,
                            ward_diag *ret_diag);
void memory_pool_done(memory_pool *pool);
void memory_pool_configure(memory_pool *pool, wasm_config_t *config);
/** Whose memories are being made on this thread; NULL: nobody's. */
void memory_building_set(wardi_instance *instance);
/** The slot that a memory's bytes lie in; NULL: none of ours. */
memory_slot *memory_pool_find(memory_pool *pool, const uint8_t *bytes);
static inline uint8_t *memory_slot_bytes(const memory_slot *slot)
{
    return slot->pool->base + (size_t)(slot - slot->pool->slots) * slot->pool->stride;
}

/* ---- cache.c: compiled modules on disk ---- */

typedef struct module_cache {
    int directory; /* descriptor; -1: no cache */
} module_cache;

ward_error module_cache_open(module_cache *cache, const char *directory, ward_diag *ret_diag);
void module_cache_close(module_cache *cache);
/** The verified payload of an entry, for the caller to free; NULL: none that can be trusted. */
uint8_t *module_cache_read(const module_cache *cache, const uint8_t key[WARDI_SHA256_BYTES],
                           size_t *ret_length);
/** Best effort: a full disk must not fail a load. */
void module_cache_write(const module_cache *cache, const uint8_t key[WARDI_SHA256_BYTES],
                        const uint8_t *payload, size_t length);

/* ---- image.c: what a compilation makes ---- */

typedef enum source_kind { SOURCE_MODULE, SOURCE_COMPONENT, SOURCE_TEXT } source_kind;

typedef struct image_header {
    char magic[8];
    uint32_t kind, reserved;
    uint64_t binary_length, code_length;
} image_header;

/* Owns `bytes`, into which the rest points. */
typedef struct module_image {
    uint8_t *bytes;
    size_t length;
    bool mapped; /* bytes are a mapping, not an allocation */
    source_kind kind;
    const uint8_t *binary; /* of a text; else of no length */
    const uint8_t *code;
    size_t binary_length, code_length;
} module_image;

image_header module_image_header(uint32_t kind, size_t binary_length, size_t code_length);
/** Fills in what points into bytes[0..length). False: they are no image. */
bool module_image_open(module_image *image);
void module_image_drop(module_image *image);
/** Compiles, in this process. The diag's words begin with ':' or with ":LINE:COLUMN:", to be put
 * behind the name of the source. COMPILE, NO_MEMORY. */
ward_error module_image_compile(wasm_engine_t *engine, source_kind kind, const uint8_t *bytes,
                                size_t length, module_image *ret_image, ward_diag *ret_diag);

/* ---- compile.c: threads that see to compilations ---- */

/* A piece of work that may outlive those who wait for it. */
typedef struct compile_job {
    void (*run)(struct compile_job *job);
    void (*drop)(struct compile_job *job); /* frees it; called once, by whoever leaves last */
    uint8_t key[WARDI_SHA256_BYTES];       /* of equal keys, one is compiled */
    /* under the pool's lock */
    struct compile_job *next;
    unsigned holders;
    uint64_t began_ns; /* 0: it waits for its turn */
    pid_t process;     /* 0: none */
    bool ended;        /* by us: its result is worth nothing */
    bool done;
} compile_job;

typedef struct compile_pool {
    pthread_mutex_t lock;
    pthread_cond_t work, changed; /* something to do; a job has begun or is done */
    pthread_t *threads;
    uint32_t thread_count, thread_max, idle;
    compile_job *jobs; /* that wait or run, the oldest first */
    _Atomic uint32_t job_count;
    bool stop;
} compile_pool;

ward_error compile_pool_init(compile_pool *pool, uint32_t threads, ward_diag *ret_diag);
/** Whether so many threads can be had at once, which is tried. The engine ends the process when it
 * compiles in parallel and one of its threads can't be started. */
bool compile_threads_fit(size_t wanted);
/** One for every processor, the compile threads and the reactor's. */
size_t compile_threads_wanted(uint32_t compilers);
/** Drops what waits, ends what runs elsewhere, and waits for what runs here. */
void compile_pool_done(compile_pool *pool);
/** Runs the job on a compile thread, or waits for one of the same key, which `*job` is then, while
 * the caller's own is dropped. The deadline (NULL: none) is moved on by the time before its turn.
 * DEADLINE: it goes on without us, and `*job` is no longer ours. WARD_OK: it is done, and the
 * caller leaves it when it has taken what it wants. */
ward_error compile_pool_run(compile_pool *pool, compile_job **job, uint64_t *deadline_ns,
                            ward_diag *ret_diag);
void compile_pool_leave(compile_pool *pool, compile_job *job);
/** The job's process has been started; and has ended, and is reaped. Its number, or -1. */
void compile_job_began(compile_pool *pool, compile_job *job, pid_t process);
pid_t compile_job_reap(compile_pool *pool, compile_job *job, int *ret_status,
                       struct rusage *ret_usage);

/* ---- compiler.c: a process that compiles ---- */

typedef struct compiler_options {
    char *program; /* NULL: none, and modules are compiled here */
    uint64_t memory_bytes_max, timeout_ns;
} compiler_options;

typedef struct compile_input {
    source_kind kind;
    const uint8_t *bytes;
    size_t length;
    ward_memory_profile profile;
    bool metered;
} compile_input;

/** Resolves zeroes to defaults. */
void compiler_options_resolve(compiler_options *options);
/** As module_image_compile, in a process. LIMIT_COMPILE: over its memory or its time; IO: it could
 * not be started. */
ward_error compiler_compile(const compile_input *input, const compiler_options *options,
                            compile_pool *pool, compile_job *job, module_image *ret_image,
                            ward_diag *ret_diag);

/* ---- engine.c ---- */

/* One Wasmtime engine with its linkers: plain, or metered. Made once, then read by every thread. */
typedef struct engine_variant {
    wasm_engine_t *engine;
    wasmtime_linker_t *linker;
    wasmtime_component_linker_t *component_linker;
} engine_variant;

struct wardi_engine {
    memory_pool pool;
    engine_clock clock;
    module_cache cache;
    compile_pool compile;
    compiler_options compiler;
    const wardi_import *imports; /* offered besides WASI */
    size_t import_count;
    bool parallel; /* what is compiled here may use all processors: there are threads for it */
    uint8_t host[WARDI_SHA256_BYTES]; /* what compiled code depends on besides the module */
    pthread_mutex_t lock;             /* of making variants */
    _Atomic(engine_variant *) variants[2];
    engine_variant rooms[2];
    pthread_mutex_t modules_lock;    /* of the modules that are alive, and of what follows */
    wardi_module *modules[256];      /* by their key's first byte */
    wardi_module *module_files[256]; /* by the inode that they were last read from */
};

/** Settings of an engine that compiles or runs. */
wasm_config_t *engine_config_new(memory_pool *pool, bool metered, bool parallel);

/** The plain or the metered engine, made at first use. */
ward_error engine_variant_get(wardi_engine *engine, bool metered, engine_variant **ret_variant,
                              ward_diag *ret_diag);
/** Turns an engine's error into ours, with the engine's own words, and deletes it. */
ward_error engine_fail(ward_diag *ret_diag, ward_error error, const char *doing,
                       wasmtime_error_t *reason);
/** What people need of an engine's message: its causes, or its first line, cut to fit. */
void engine_words(const wasm_name_t *message, char *buffer, size_t capacity);
void engine_error_words(const wasmtime_error_t *error, char *buffer, size_t capacity);

/* ---- sections.c: what the C API does not tell of a core module ---- */

typedef struct section_limits {
    uint64_t min, max;
    bool has_max, imported;
} section_limits;

typedef struct section_facts {
    section_limits *tables, *memories; /* by index, imported ones first */
    uint32_t table_count, memory_count;
    uint32_t *export_indices; /* of every export, in order */
    uint32_t export_count;
} section_facts;

/** False when the bytes are not understood; a valid module always is. */
bool section_facts_read(const uint8_t *bytes, size_t length, section_facts *ret_facts);
void section_facts_done(section_facts *facts);
/** COMPILE: there is too much of something in a module, or in one within a component. What is not
 * understood is left to the engine. */
ward_error sections_check(const uint8_t *bytes, size_t length, ward_diag *ret_diag);

/* ---- source.c: bytes of a module, told apart ---- */

/* Which file it is, and which of its contents: what the kernel changes with them. */
typedef struct source_stamp {
    dev_t device;
    ino_t inode;
    off_t length;
    struct timespec modified, changed;
    bool settled; /* another change would show: the last one was some time ago */
} source_stamp;

/** False: there is no settled file to be had, which reading it will tell of. */
bool source_stamp_of(const char *path, source_stamp *ret_stamp);
/** Whether both are settled, and of one content. */
bool source_stamp_same(const source_stamp *a, const source_stamp *b);
/** The whole file; the caller frees. The stamp (may be NULL) is from before it was
 * read. Errors: IO, NOT_FOUND, NO_MEMORY. */
ward_error source_read(const char *path, uint8_t **ret_bytes, size_t *ret_length,
                       source_stamp *ret_stamp, ward_diag *ret_diag);
/** Errors: NOT_WASM, TRUNCATED. `what` names the source in texts. */
ward_error source_tell(const uint8_t *bytes, size_t length, const char *what, source_kind *ret_kind,
                       ward_diag *ret_diag);
/** Which of the two a module in binary is. */
source_kind source_kind_of_binary(const uint8_t *bytes, size_t length);
/** Walks the sections' headers: where the file would have to end. True: it does. */
bool source_is_whole(const uint8_t *bytes, size_t length);

/* ---- alive.c, module.c, describe.c, imports.c ---- */

struct wardi_module {
    wardi_engine *engine;
    engine_variant *variant;
    uint8_t key[WARDI_SHA256_BYTES]; /* of its source and of what else decides the code */
    atomic_uint holders;
    /* under modules_lock */
    wardi_module *next, *next_file; /* of one bucket each */
    source_stamp stamp;             /* not settled: it is in no bucket of files */
    bool metered;
    wasmtime_module_t *core;
    wasmtime_component_t *component;
    wasmtime_instance_pre_t *prepared; /* NULL: imports are missing */
    bool wants_wasi;
    wardi_module_facts facts;
    ward_extern *imports, *exports;
    wardi_export *details;
};

/** The module of that key, held for the caller; NULL: none is alive. */
wardi_module *alive_find(wardi_engine *engine, const uint8_t key[WARDI_SHA256_BYTES]);
/** The same, of the file and contents that the stamp is of. */
wardi_module *alive_find_file(wardi_engine *engine, const source_stamp *stamp, bool metered);
void alive_add(wardi_module *module);
/** From now on it is found by this stamp, if that is settled, and by no other. */
void alive_stamp(wardi_module *module, const source_stamp *stamp);
void alive_remove(wardi_module *module);

/** Fills facts, imports and exports of a core module. NO_MEMORY. */
ward_error module_describe(wardi_module *module, const uint8_t *bytes, size_t length,
                           ward_diag *ret_diag);
void module_undescribe(wardi_module *module);
/** "func (i32, i32) -> i32", …. */
void describe_functype(wardi_text *text, const wasm_functype_t *type);
/** A copy of a text under construction; NULL: out of memory. */
char *describe_copy(const char *bytes, size_t length);
/** As describe_copy, of a name from a module, which is made a C text that stands for it alone. */
char *describe_name(const char *bytes, size_t length);
/** Fills in `offered` and `waits` of a core module's imports. */
void imports_offer(wardi_module *module);

/* ---- offers.c: imports of a higher room ---- */

/** Offers the engine's table. INTERNAL: a name is offered twice. */
ward_error offers_define(const wardi_engine *engine, wasmtime_linker_t *linker,
                         ward_diag *ret_diag);
/** NULL: none of that name. */
const wardi_import *offers_find(const wardi_engine *engine, const char *module, const char *name);
/** Frees what the instance keeps for waiting; nothing waits any more. */
void import_wait_free(wardi_instance *instance);

/* ---- wasi*.c: WASI preview 1, Ward's own ---- */

/* What a guest of preview 1 has been granted and has open. */
typedef struct wasi_state wasi_state;

#define WASI_PREVIEW1 "wasi_snapshot_preview1"
/** Offers WASI preview 1, with waiting done by us. */
ward_error wasi_define(wasmtime_linker_t *linker, ward_diag *ret_diag);
/** The names that preview 1 offers, one by one; NULL: there are no more. */
const char *wasi_name(size_t index);
/** Whether the import may wait, and so needs a fiber. */
bool wasi_waits(const char *module, const char *name);
/** Grants a core module what was asked for. IO, INVALID_ARGUMENT, NO_MEMORY. */
ward_error wasi_grant(wardi_instance *instance, const wardi_instance_options *options,
                      ward_diag *ret_diag);
/** Closes what the guest had open. NULL is fine. */
void wasi_free(wasi_state *state);
/** wasi_component.c: grants a component the same, through the engine's own WASI. */
ward_error wasi_grant_component(wardi_instance *instance, const wardi_instance_options *options,
                                ward_diag *ret_diag);

/* ---- instance.c, call.c, trap.c, component_model.c, component_types.c ---- */

typedef struct call_state call_state;
typedef struct import_wait import_wait;

/* Whether the guest waits in an import of ours. */
typedef enum call_waiting {
    CALL_RUNS,           /* it does not: if it waits, when that is over is not ours to know */
    CALL_WAITS,          /* until wake_ns */
    CALL_WAITS_FOR_MORE, /* until wake_ns, or something comes before */
} call_waiting;

struct wardi_instance {
    /* the instance's thread; read-only after wardi_instance_new unless it says otherwise */
    wasmtime_context_t *context;
    uint64_t timeout_ns; /* of `ticks`: one division less per call */
    uint64_t ticks;
    atomic_uint_least64_t began_ticks; /* wardi_ticks; names the activity to any thread */
    bool fast;                         /* calls need neither a fiber nor fuel */
    memory_slot *memory;
    wardi_module *module;
    wasmtime_store_t *store;
    wasmtime_instance_t core;
    wasmtime_component_instance_t component;
    ward_limits limits;
    call_state *call;   /* NULL: none was made yet */
    ward_error refusal; /* why a memory could not be made */
    uint64_t refused_bytes;
    /* of the activity that is running */
    uint64_t deadline_ns; /* on a fiber */
    uint64_t wake_ns;     /* when what waits is to be asked, if it is ours */
    uint64_t pause_ns;    /* until something is asked that may be over at any time */
    call_waiting waits;
    ward_error ending; /* DEADLINE or INTERRUPTED: it is being ended */
    bool exited;
    int32_t exit_code;
    uint64_t wasi_epoch_ns; /* what the guest's monotonic clock counts from */
    wasi_state *wasi;       /* NULL: a component, or a module that imports none of it */
    void *owner;            /* wardi_instance_options.context */
    import_wait *wait;      /* NULL: nothing of the engine's owner has waited yet */
    bool made;              /* instantiated: a memory that is not known by now there is none */
    /* any thread reads */
    atomic_uint_least64_t memory_bytes, growths_refused, fuel_last;
    /* The activity that somebody wants ended; its partner is began_ticks. Only whether the two are
     * equal counts, and nothing is read on the strength of it: both are relaxed. */
    atomic_uint_least64_t interrupted;
};

/** The function export of that name, or UINT32_MAX. A component's top-level functions come first in
 * the list, so they win over an interface's. */
uint32_t instance_export_find(const wardi_module_facts *facts, const char *name);

/** How an activity ended, for trap.c to tell; owns what it holds. */
typedef struct call_end {
    wasm_trap_t *trap;
    wasmtime_error_t *error;
    bool cancelled; /* its future was deleted at the deadline */
} call_end;

static inline bool call_ended_well(const call_end *end)
{
    return end->trap == NULL && end->error == NULL && !end->cancelled;
}

/** Tells what ended the guest and deletes what `end` holds. `ret_trap` and `ret_diag` may be NULL.
 */
ward_error trap_tell(wardi_instance *instance, call_end *end, const char *export_name,
                     uint64_t timeout_ns, ward_trap *ret_trap, ward_diag *ret_diag);

/** Before and after every activity: deadline, fuel, marks of the last one. */
void call_begin(wardi_instance *instance, uint64_t timeout_ns);
void call_finish(wardi_instance *instance);
/** What the store asks when its epoch is reached: ends the guest, or gives it the rest of its time.
 */
wasmtime_error_t *call_at_epoch(wasmtime_context_t *context, void *data, uint64_t *ret_more_ticks,
                                wasmtime_update_deadline_kind_t *ret_kind);
/** Whether somebody wants the activity that runs ended. */
bool call_interrupted(const wardi_instance *instance);
/** An import of ours begins to wait, until the instance's wake_ns, or is done (CALL_RUNS). */
void call_wait(wardi_instance *instance, call_waiting how);
/** Ends what waits, without a word, and frees what calls have kept. */
void call_drop(wardi_instance *instance);
/** Polls until the future is done or the deadline has passed, then deletes it. */
void call_drive(wardi_instance *instance, wasmtime_call_future_t *future, call_end *end);
/** The instance that calls a host function. Finds its memory, if that is not known yet. */
wardi_instance *instance_of_caller(wasmtime_caller_t *caller);
/** Name of an export, or "?". */
const char *call_export_name(const wardi_instance *instance, const wardi_func *func);

/** Fills facts, imports and exports of a component, and prepares for its instances. */
ward_error component_describe(wardi_module *module, ward_diag *ret_diag);
ward_error component_prepare(wardi_module *module, ward_diag *ret_diag);
void component_instantiate(wardi_instance *instance, call_end *end);
bool component_func(wardi_instance *instance, const char *name, wardi_func *ret_func);

#endif
