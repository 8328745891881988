/* engine: WebAssembly itself. Compile and cache, instantiate, call under a deadline, read memory
 * and traps.
 *
 * The only room that includes wasmtime.h. Knows nothing of health, states or supervision: names of
 * exports are its callers', and so is what imports do that a higher room offers. Threads: an engine
 * and a module are safe on any thread; an instance is used by one thread at a time, except
 * wardi_instance_figures_of and wardi_instance_interrupt. A guest can end in a trap, a deadline,
 * used-up fuel, an interrupt or an exit: all are data in a ward_trap, never a crash.
 *
 * Of its process it asks two things. Traps arrive as SIGSEGV, SIGILL and SIGFPE: the first
 * engine takes these signals and hands on what is not a guest's, so handlers of the application's
 * are set before that, or hand on in turn. And a guest that cannot wait runs on its caller's stack,
 * of which it may use 512 KiB: threads that call have 1 MiB at least. Where the limit on stacks
 * (ulimit -s) is below that, guests have half of it. */
#ifndef WARDI_ENGINE_H
#define WARDI_ENGINE_H

#include <ward/component.h>

#include "codec/codec.h"

typedef struct wardi_engine wardi_engine;
typedef struct wardi_module wardi_module;
typedef struct wardi_instance wardi_instance;

/* ---- imports that a higher room offers ---- */

/** A number as compiled code passes it: which member it is, the type says. */
typedef union wardi_raw {
    int32_t i32;
    uint32_t u32;
    int64_t i64;
    uint64_t u64;
    float f32;
    double f64;
    uint8_t bytes[16]; /* as wide as the widest that a guest has */
} wardi_raw;

typedef enum wardi_answer {
    WARDI_ANSWERED, /* `*result` is written */
    WARDI_WAITS,    /* of an import that waits: `done` is asked at `wake_ns` */
    WARDI_ENDS,     /* the guest is ended: of wardi_guest_end alone */
} wardi_answer;

/** A guest inside an import: a view that is valid until the import answers; one that waits sees the
 * same again in `done` and `cancel`. Memory stays where it is while the guest waits. The instance
 * must not be called nor freed from in there. */
typedef struct wardi_guest {
    wardi_instance *instance;
    void *context; /* of wardi_instance_options */
    uint8_t *memory;
    uint64_t memory_length; /* 0: the guest exports no `memory` */
    const wardi_raw *args;
    wardi_raw *result; /* may be where args[0] lies: written last */
    /* of an import that waits, its own to write */
    uint64_t wake_ns;        /* monotonic time; UINT64_MAX, as it starts: until it is woken */
    uint64_t wait[2];        /* whatever it needs to find its way back; zeroes at the start */
    struct wasm_trap_t *end; /* of the engine */
} wardi_guest;

/** The guest's bytes, or NULL when not all of them lie in its memory. */
static inline uint8_t *wardi_guest_bytes(const wardi_guest *guest, uint64_t address,
                                         uint64_t length)
{
    bool inside = length <= guest->memory_length && address <= guest->memory_length - length;
    return inside ? guest->memory + address : NULL;
}

/** Ends the guest with a trap of these words, which become the cause, and with the backtrace:
 * `return wardi_guest_end(guest, "…")`. For breaches of the contract, not for what can fail. */
wardi_answer wardi_guest_end(wardi_guest *guest, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

enum { WARDI_IMPORT_PARAMS_MAX = 8 };

/** A function that guests import. One without `done` never waits, and neither may its function
 * block: it runs on the thread of whoever called the guest, on that thread's stack.
 *
 * One with `done` may answer WARDI_WAITS, and keeps every call of the modules that import it on a
 * fiber. Then `done` is asked: at once, at `wake_ns`, and whenever the call is resumed before that,
 * until it answers something else; to wait on after `wake_ns`, it moves that. If the call ends
 * first (its deadline, an interrupt, the instance is freed), `cancel` runs instead: of a wait,
 * exactly one of them has the last word. */
typedef struct wardi_import {
    const char *module, *name;
    const char *params; /* a letter each: i32, I64 by 'i', 'I'; f32, f64 by 'f', 'F' */
    char result;        /* such a letter; 0: none */
    wardi_answer (*function)(wardi_guest *guest);
    wardi_answer (*done)(wardi_guest *guest);
    void (*cancel)(wardi_guest *guest); /* may be NULL */
} wardi_import;

/* ---- engine ---- */

typedef struct wardi_engine_options {
    ward_memory_profile profile;
    uint32_t memories_max;       /* slots; 0: default of the profile */
    uint64_t memory_bytes_max;   /* of a slot; 0: default of the profile */
    const char *cache_directory; /* NULL or "": no cache */
    uint32_t compile_threads;    /* compilations at the same time; 0: 2 */
    /* The program that compiles, each module in a process of its own, which ends up in
     * wardi_compiler_main when it is called with WARDI_COMPILER_ARGUMENT alone. NULL or "": modules
     * are compiled in this process, whatever memory and time it takes. */
    const char *compiler;
    uint64_t compile_memory_max; /* of such a process, bytes; 0: 2 GiB */
    uint64_t compile_timeout_ns; /* of such a process; 0: a minute */
    /* Offered to core modules besides WASI preview 1; borrowed for the engine's life. Each name
     * once, and none of WASI's: INTERNAL. */
    const wardi_import *imports;
    size_t import_count;
} wardi_engine_options;

#define WARDI_COMPILER_ARGUMENT "--ward-compile"
/** Compiles what libward has ordered on standard input. The exit status. */
int wardi_compiler_main(void);

/** Starts the clock thread and reserves address space. Errors: NO_MEMORY, IO, INVALID_ARGUMENT. */
ward_error wardi_engine_new(const wardi_engine_options *options, wardi_engine **ret_engine,
                            ward_diag *ret_diag);
/** NULL is fine. All modules and instances must be gone. */
void wardi_engine_free(wardi_engine *engine);
/** Somebody whom the clock thread calls at every tick, and who never waits and never allocates. In
 * its owner's memory. */
typedef struct wardi_watcher {
    void (*tick)(void *context, uint64_t now_ns);
    void *context;
    struct wardi_watcher *next; /* engine's */
} wardi_watcher;
/** From now on; and, once wardi_engine_unwatch has returned, never again. Any thread. */
void wardi_engine_watch(wardi_engine *engine, wardi_watcher *watcher);
void wardi_engine_unwatch(wardi_engine *engine, wardi_watcher *watcher);
/** The clock, which rests while no guest runs, ticks until the release of every hold. Any thread.
 */
void wardi_engine_hold(wardi_engine *engine);
void wardi_engine_release(wardi_engine *engine);
/** Calls that wait now, each on a stack of its own. Any thread. */
uint32_t wardi_engine_suspended(const wardi_engine *engine);
/** Modules that are being compiled, or wait for their turn. Any thread. */
uint32_t wardi_engine_compiling(const wardi_engine *engine);
/** "wasmtime 48.0.8". */
const char *wardi_engine_version(void);
/** Largest memory limit an instance can have, bytes. */
uint64_t wardi_engine_memory_bytes_max(const wardi_engine *engine);

/* ---- module: shared, immutable, counted ---- */

typedef struct wardi_module_source {
    const char *path;     /* a file; or: */
    const uint8_t *bytes; /* the module itself, borrowed for the call */
    size_t length;
    bool metered; /* compile with fuel metering */
} wardi_module_source;

/** Reads, compiles or takes from the cache, and describes; the same bytes are one module, compiled
 * once, however many load them, and a file that has not changed is not read again while its module
 * lives. Blocks until `*deadline_ns` (monotonic; NULL: no deadline), which is moved on by the time
 * before the compilation's turn came: then DEADLINE, and the compilation goes on for the cache. The
 * caller owns a reference. Errors: IO, NOT_FOUND, NOT_WASM, TRUNCATED, COMPILE, LIMIT_COMPILE,
 * NO_MEMORY, DEADLINE. */
ward_error wardi_module_load(wardi_engine *engine, const wardi_module_source *source,
                             uint64_t *deadline_ns, wardi_module **ret_module, ward_diag *ret_diag);
void wardi_module_retain(wardi_module *module);
/** NULL is fine. */
void wardi_module_release(wardi_module *module);

/** Signature of a function export: the kinds of its parameters and results. */
typedef struct wardi_signature {
    size_t param_count, result_count;
    const wardi_value_kind *params, *results;
    bool numeric; /* false: other types are involved, and the counts say nothing */
} wardi_signature;

typedef enum wardi_extern_kind {
    WARDI_EXTERN_FUNC,
    WARDI_EXTERN_MEMORY,
    WARDI_EXTERN_TABLE,
    WARDI_EXTERN_GLOBAL,
    WARDI_EXTERN_OTHER,
} wardi_extern_kind;

/** Shape of a component function's result, as far as a health report needs it. */
typedef enum wardi_result_shape {
    WARDI_RESULT_OTHER,
    WARDI_RESULT_LIST_U8,
    /* a variant or enum; payloads are none or string, or a record of strings */
    WARDI_RESULT_CASES,
} wardi_result_shape;

/** An export beyond what people see of it in ward_extern; the same index in both arrays. Functions
 * of a component's exported interfaces are in the list as well, after those at its top, with the
 * interface as their ward_extern's `module`. */
typedef struct wardi_export {
    wardi_extern_kind kind;
    wardi_signature signature;    /* core functions */
    size_t component_param_count; /* component functions */
    wardi_result_shape shape;     /* component functions */
} wardi_export;

/** What a module is made of. Lives as long as the module. `imports[i].offered` and `.waits` are
 * filled in. */
typedef struct wardi_module_facts {
    bool is_component;
    bool from_cache;
    uint64_t byte_count;
    uint64_t compile_ns;
    size_t import_count, export_count;
    const ward_extern *imports;
    const ward_extern *exports;
    const wardi_export *export_details;
    bool waits;                  /* imports something that may wait: every call runs on a fiber */
    const char *waits_on;        /* its name, or NULL */
    uint64_t memory_bytes_min;   /* all its own memories together */
    uint64_t table_elements_min; /* of the largest table */
} wardi_module_facts;
const wardi_module_facts *wardi_module_facts_of(const wardi_module *module);

/** IMPORT_MISSING when something is imported that the engine does not offer; the diag lists all,
 * each with the closest name that is offered. */
ward_error wardi_module_check_imports(const wardi_module *module, ward_diag *ret_diag);

/* ---- instance ---- */

typedef struct wardi_instance_options {
    /* resolved: no defaults are applied here; fuel_per_call 0: not metered */
    ward_limits limits;
    const ward_wasi_grants *wasi; /* borrowed for the call; NULL: nothing granted */
    const char *name;             /* argv[0] when no args are granted */
    void *context;                /* for imports: wardi_guest.context */
    /* Told of it before its start section runs, so that others can interrupt that; and with NULL
     * before it goes because that failed: nobody may touch it once this has returned. May be NULL.
     */
    void (*announce)(void *context, wardi_instance *instance);
    void *announce_context;
} wardi_instance_options;

/** Instantiates and runs the module's start section until `deadline_ns` (monotonic). Nothing is
 * left on failure. `ret_trap` (may be NULL) is filled when the error is TRAP, DEADLINE, FUEL or
 * EXIT. What it waits for is waited for here. Errors: those, LIMIT_MEMORY, LIMIT_TABLE,
 * LIMIT_COMPONENTS, IMPORT_MISSING, IO (a preopened directory), NO_MEMORY. */
ward_error wardi_instance_new(wardi_module *module, const wardi_instance_options *options,
                              uint64_t deadline_ns, wardi_instance **ret_instance,
                              ward_trap *ret_trap, ward_diag *ret_diag);
/** NULL is fine. */
void wardi_instance_free(wardi_instance *instance);

/** A function of an instance, looked up once; dies with the instance. */
typedef struct wardi_func {
    uint64_t opaque[2];
    uint32_t export_index; /* into the module's exports; UINT32_MAX: no such function */
} wardi_func;

/** False when there is no function export of that name. Of a component, one at its top comes before
 * one of an exported interface. */
bool wardi_instance_func(wardi_instance *instance, const char *name, wardi_func *ret_func);

/** Calls a function with the signature it really has; counts and kinds are checked. `ret_results`
 * has room for `result_count`. Errors: EXPORT_TYPE, TRAP, DEADLINE, INTERRUPTED, FUEL, EXIT (an
 * exit with status 0 as well: `ret_trap->exit_code` tells). `ret_trap` may be NULL. When an import
 * waits it is asked every millisecond, for want of somebody who would resume. */
ward_error wardi_call(wardi_instance *instance, const wardi_func *func, const wardi_value *args,
                      size_t arg_count, wardi_value *ret_results, size_t result_count,
                      uint64_t timeout_ns, ward_trap *ret_trap, ward_diag *ret_diag);

/** How far a call is that its caller need not stand by. */
typedef enum wardi_progress {
    WARDI_CALL_OVER,  /* wardi_call_take has the end of it */
    WARDI_CALL_WAITS, /* in an import that waits: nothing else may enter the instance meanwhile */
} wardi_progress;

/** As wardi_call, but comes back when the guest waits: the thread is free, and calls
 * wardi_call_resume at `*ret_wake_ns` (monotonic; the call's deadline at the latest), or before
 * that, when what it waits for has come. A module that
 * imports nothing that waits is over at once. Errors: EXPORT_TYPE, NO_MEMORY: nothing was started.
 */
ward_error wardi_call_start(wardi_instance *instance, const wardi_func *func,
                            const wardi_value *args, size_t arg_count, size_t result_count,
                            uint64_t timeout_ns, wardi_progress *ret_progress,
                            uint64_t *ret_wake_ns, ward_diag *ret_diag);
/** Goes on with what waits. Past its deadline, or interrupted, it ends the guest, with a trap where
 * it can. */
wardi_progress wardi_call_resume(wardi_instance *instance, uint64_t *ret_wake_ns);
/** Resumes until the call is over, on this thread, which sleeps meanwhile: from `wake_ns` as the
 * start or the last resume gave it. What it waits for is looked at every millisecond. */
void wardi_call_stand_by(wardi_instance *instance, uint64_t wake_ns);
/** Whether a call waits. wardi_instance_free ends it. */
bool wardi_call_waits(const wardi_instance *instance);
/** The results, or the end, as of wardi_call: once, when the call is over. */
ward_error wardi_call_take(wardi_instance *instance, wardi_value *ret_results, ward_trap *ret_trap,
                           ward_diag *ret_diag);

/** Names what runs in the instance or ran last, a wait included: no two are called the same. Any
 * thread, while the instance lives, as wardi_instance_interrupt. */
uint64_t wardi_instance_activity(const wardi_instance *instance);
/** Ends the activity of that name, if it still runs, and none that comes after it: the guest traps
 * with INTERRUPTED within some 10 ms of running; what waits, at its next resume, which is up to
 * whoever resumes it. A host function that is being run ends first. */
void wardi_instance_interrupt(wardi_instance *instance, uint64_t activity);

/** The fast form of a core function `() -> i32` or `() -> i64`: no checks, no allocation, and no
 * fiber unless the module waits. `began_ticks` is the wardi_ticks from which `timeout_ns` counts:
 * the caller has just read them to measure the call. The caller knows the type; `*ret_bits` is the
 * result, an i32 zero-extended. Errors and trap as wardi_call. */
ward_error wardi_call_probe(wardi_instance *instance, const wardi_func *func, uint64_t began_ticks,
                            uint64_t timeout_ns, uint64_t *ret_bits, ward_trap *ret_trap);

/** What a component function said. */
typedef struct wardi_component_answer {
    wardi_result_shape shape;
    size_t length;      /* bytes copied: of the list, or of the payload string */
    bool cut;           /* there were more than `capacity` */
    char case_name[32]; /* of a variant or enum */
} wardi_component_answer;

/** Calls a component function `func() -> list<u8> | variant | enum`; its bytes go to `bytes`.
 * Errors as wardi_call. */
ward_error wardi_call_component(wardi_instance *instance, const wardi_func *func,
                                uint64_t timeout_ns, uint8_t *bytes, size_t capacity,
                                wardi_component_answer *ret_answer, ward_trap *ret_trap,
                                ward_diag *ret_diag);

/** The memory exported as `memory`: valid until the next call into the instance. False when there
 * is none. */
bool wardi_instance_memory(wardi_instance *instance, uint8_t **ret_bytes, size_t *ret_length);

/* ---- core dumps ---- */

typedef struct wardi_coredump_options {
    int descriptor;   /* written to from where it stands; borrowed */
    const char *name; /* of the component: told as the program and as its module */
    /* Most of the memory's bytes that are written, pages of zeroes not counted; 0: 256 MiB, at most
     * 1000 MiB. What lies above is left out. */
    uint64_t memory_bytes_max;
} wardi_coredump_options;

typedef struct wardi_coredump_facts {
    uint64_t bytes;           /* of the whole */
    uint64_t memory_kept;     /* bytes of memory in it */
    uint64_t memory_left_out; /* over the limit */
} wardi_coredump_facts;

/** Writes a core dump, as of WebAssembly's tool conventions: the frames of `trap`, the memory and
 * the globals that the guest exports as they are now; of a component the frames alone. Needs
 * no memory to speak of. Blocks as writing to the descriptor does, and what was written stays there
 * on failure. Errors: BUSY (a call waits), IO (the disk is full, …). */
ward_error wardi_instance_coredump(wardi_instance *instance, const ward_trap *trap,
                                   const wardi_coredump_options *options,
                                   wardi_coredump_facts *ret_facts, ward_diag *ret_diag);

/* ---- figures ---- */

/** Figures of an instance, published with relaxed atomics: any thread, never enters the store. */
typedef struct wardi_instance_figures {
    uint64_t memory_bytes;    /* all memories together, now */
    uint64_t growths_refused; /* memory growths over the limit */
    uint64_t fuel_last;       /* of the last call; 0 when not metered */
} wardi_instance_figures;
void wardi_instance_figures_of(const wardi_instance *instance, wardi_instance_figures *ret_figures);

/** Where the lines of memory lie that a call of a core function touches, to be fetched by whoever
 * will soon make very many such calls: each the address of a line, and in the bits that are free
 * then how many lines there are from it on; 0: none. The guest's own memory is the first. */
enum { WARDI_PLACES = 5 };
typedef struct wardi_places {
    uintptr_t at[WARDI_PLACES];
} wardi_places;
/** At most 62 lines of them. */
static inline uintptr_t wardi_place_of(const void *from, size_t bytes)
{
    uintptr_t first = (uintptr_t)from / 64, last = ((uintptr_t)from + bytes - 1) / 64;
    return first * 64 + (last - first + 1);
}
static inline void wardi_place_fetch(uintptr_t place)
{
    const char *line = (const char *)(place & ~(uintptr_t)63);
    for (uintptr_t count = place & 63; count > 0; count--, line += 64) __builtin_prefetch(line, 1);
}
/** On the instance's thread; the places may be fetched, never read, on any, for ever. */
void wardi_instance_places(const wardi_instance *instance, const wardi_func *func,
                           wardi_places *ret_places);

#endif
