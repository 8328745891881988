/* A component: one WebAssembly guest with a life of its own.
 *
 * Life: new → (load) → start → check, call … → stop → free; start again after stop or after a
 * failure makes a new instance. Threads: any thread may call any function; at most one activity is
 * inside the guest at a time. A second start, stop or call meanwhile is WARD_ERROR_BUSY; a check
 * never waits and never fails: it answers from outside. Two components never share a lock. */
#ifndef WARD_COMPONENT_H
#define WARD_COMPONENT_H

#include <ward/health.h>
#include <ward/host.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Opaque. Borrows its host until freed. */
typedef struct ward_component ward_component;

/** A directory that a guest may use. A module opens regular files and directories in it, nothing
 * else, and 64 at most; for a component of the component model the engine's own rules hold. Needs
 * Linux 5.8. */
typedef struct ward_preopen {
    const char *host_path;  /**< the directory, as the host's process sees it */
    const char *guest_path; /**< where the guest finds it */
    bool writable;          /**< otherwise the guest may only read */
} ward_preopen;

/** What WASI preview 1 grants. All zero: nothing but clocks, randomness and an empty environment.
 */
typedef struct ward_wasi_grants {
    /** argv, the program's name first; default: the component's name */
    const char *const *args;
    size_t arg_count;             /**< of args */
    const char *const *env;       /**< "NAME=value" */
    size_t env_count;             /**< of env */
    const ward_preopen *preopens; /**< directories, for core modules; default: none */
    size_t preopen_count;         /**< of preopens */
    const char *stdin_path;       /**< file to read as standard input; NULL: empty */
    bool inherit_stdout;          /**< otherwise what the guest writes is dropped */
    bool inherit_stderr;          /**< the same for standard error */
} ward_wasi_grants;

/** Limits, enforced. Zero means the default. */
typedef struct ward_limits {
    /** all linear memories together; default 256 MiB (dense: the host's maximum if lower) */
    uint64_t memory_bytes_max;
    uint64_t table_elements_max; /**< of each table; default 100,000 */
    uint64_t fuel_per_call;      /**< default 0: not metered (metering costs guests some 3 %) */
} ward_limits;

/** Thresholds of one resource; a negative or zero figure means unset. Ratios are 0..1, counts are
 * counts. unhealthy_at is not below degraded_at. */
typedef struct ward_thresholds {
    double degraded_at;  /**< from here on Degraded */
    double unhealthy_at; /**< from here on Failed */
} ward_thresholds;

/** How health is judged. Zero means the default; times are at most 24 h. */
typedef struct ward_health_policy {
    uint64_t timeout_ns; /**< of the health export, wall time; default 1 s */
    /** a check of a component that is busy for longer is Degraded; default 1 s */
    uint64_t busy_after_ns;
    /** window for a frame without a length; default 256, from 3 to 65,536 */
    uint32_t frame_bytes_max;
    ward_fallback on_trap;      /**< default WARD_FALLBACK_DEGRADED */
    ward_fallback on_malformed; /**< default WARD_FALLBACK_STATE */
    /** indexed by ward_resource; default: all unset */
    ward_thresholds resources[WARD_RESOURCES_MAX];
    uint64_t resource_window_ns; /**< for counts in a window; default 60 s */
} ward_health_policy;

/** Options of a component. Zero means the default; times are at most 24 h. Everything is copied. */
typedef struct ward_component_options {
    size_t size; /**< set by WARD_INIT */
    /** required: 1–127 bytes of [A-Za-z0-9._-], not starting with a dot or dash */
    const char *name;
    const char *version;       /**< for people; default "" */
    const char *path;          /**< a .wasm or .wat file; or: */
    const uint8_t *bytes;      /**< the module itself, binary or text */
    size_t byte_count;         /**< of bytes */
    ward_limits limits;        /**< enforced */
    ward_wasi_grants wasi;     /**< default: nothing is granted */
    ward_health_policy health; /**< how it is judged */
    uint64_t start_timeout_ns; /**< load, instantiate and initialise together; default 10 s */
    uint64_t stop_timeout_ns;  /**< of `_cleanup`; default 5 s */
} ward_component_options;

/** Makes a component, in state Creating; reads no file yet. The caller owns `*ret_component`.
 * Errors: INVALID_ARGUMENT, LIMIT_MEMORY (its limit is over the host's), NO_MEMORY. */
WARD_API ward_error ward_component_new(ward_host *host, const ward_component_options *options,
                                       ward_component **ret_component, ward_diag *ret_diag);

/** Stops the component if needed and frees it; NULL is fine. No other call on it may be running. */
WARD_API void ward_component_free(ward_component *component);

/** Reads and compiles (or takes from the cache) and checks imports and exports, without
 * instantiating. Optional: ward_component_start does it when it has not been done. Blocks up to the
 * start timeout. Errors: IO, NOT_FOUND, NOT_WASM, TRUNCATED, COMPILE, IMPORT_MISSING, EXPORT_TYPE,
 * DEADLINE, STATE, BUSY, NO_MEMORY. */
WARD_API ward_error ward_component_load(ward_component *component, ward_diag *ret_diag);

/** Starts from Creating, Terminated or Failed: loads, instantiates, runs `_initialize` or else
 * `_start`. Blocks up to the start timeout. On failure the component is Failed with the reason, and
 * nothing of the instance is left. Errors: those of load, and LIMIT_MEMORY, LIMIT_TABLE,
 * LIMIT_COMPONENTS, TRAP, DEADLINE, FUEL, EXIT. */
WARD_API ward_error ward_component_start(ward_component *component, ward_diag *ret_diag);

/** Stops: runs `_cleanup` under the stop timeout, and gives everything back. The component always
 * ends Terminated; what
 * `_cleanup` did wrong is returned (TRAP, DEADLINE, FUEL, EXIT). Stopping what never ran or is
 * stopped is WARD_OK. BUSY while another activity is inside the guest. */
WARD_API ward_error ward_component_stop(ward_component *component, ward_diag *ret_diag);

/** One health check. Never fails and never blocks longer than the policy's timeout. No allocation.
 */
WARD_API void ward_component_check(ward_component *component, ward_verdict *ret_verdict);

/** Type of a value that crosses the guest's boundary. */
typedef enum ward_value_kind { WARD_I32, WARD_I64, WARD_F32, WARD_F64 } ward_value_kind;

/** A value that crosses the guest's boundary. */
typedef struct ward_value {
    ward_value_kind kind; /**< which member of `of` counts */
    union {
        int32_t i32;
        int64_t i64;
        float f32;
        double f64;
    } of; /**< the value itself */
} ward_value;

/** Calls the export `function` of a Ready component with numbers. `*ret_count` holds the room in
 * `ret_results` and receives the number of results. `timeout_ns` 0 means 10 s. Errors:
 * INVALID_ARGUMENT, STATE, BUSY, EXPORT_MISSING, EXPORT_TYPE, BUFFER_TOO_SMALL, NO_MEMORY, TRAP,
 * DEADLINE, FUEL, EXIT. */
WARD_API ward_error ward_component_call(ward_component *component, const char *function,
                                        const ward_value *args, size_t arg_count,
                                        ward_value *ret_results, size_t *ret_count,
                                        uint64_t timeout_ns, ward_diag *ret_diag);

/** Calls the export `function: (address: i32, length: i32) -> i64` with bytes: they are copied into
 * memory that the guest's export `ward_alloc: (length: i32) -> i32` gives. The result's high 32
 * bits are the length, the low 32 bits the address of the answer, of which up to `capacity` bytes
 * are copied to `ret_bytes`; `*ret_length` receives the whole length. Errors: as
 * ward_component_call; BUFFER_TOO_SMALL when the answer is longer than `capacity` (the start is
 * copied); NO_MEMORY when `ward_alloc` returned 0. */
WARD_API ward_error ward_component_call_bytes(ward_component *component, const char *function,
                                              const uint8_t *bytes, size_t length,
                                              uint8_t *ret_bytes, size_t capacity,
                                              size_t *ret_length, uint64_t timeout_ns,
                                              ward_diag *ret_diag);

enum { WARD_FRAMES_MAX = 24 };

/** One frame of a Wasm backtrace, the innermost first. */
typedef struct ward_frame_info {
    char function[96];        /**< name from the module's name section, or "wasm-function[N]" */
    uint32_t function_index;  /**< in the module, imports included */
    uint32_t function_offset; /**< bytes into the function's body; 0: not known */
    uint64_t module_offset;   /**< bytes into the module's file; 0: not known */
} ward_frame_info;

/** How the guest was last ended. */
typedef struct ward_trap {
    ward_error error;     /**< TRAP, DEADLINE, FUEL, EXIT, INTERRUPTED; WARD_OK: it never was */
    int32_t exit_code;    /**< when error is EXIT */
    uint64_t at_ns;       /**< monotonic time */
    char export_name[64]; /**< the export that was running */
    /** "unreachable", "out of bounds memory access", "ran past its deadline of 1s", … */
    char cause[160];
    uint32_t frame_count;                    /**< of frames; 0 when no backtrace was taken */
    ward_frame_info frames[WARD_FRAMES_MAX]; /**< the first frame_count are valid */
} ward_trap;

/** Figures of a component. Reading them never enters the guest and never waits for it. */
typedef struct ward_figures {
    size_t size;               /**< set by WARD_INIT */
    ward_state state;          /**< now */
    uint64_t created_wall_ns;  /**< since the epoch */
    uint64_t started_wall_ns;  /**< of the last successful start; 0: never */
    uint64_t uptime_ns;        /**< of the current or last run; stands still while not Ready */
    uint64_t memory_bytes;     /**< linear memories now */
    uint64_t memory_bytes_max; /**< the limit */
    uint64_t growths_refused;  /**< since start */
    uint64_t fuel_per_call;    /**< the limit; 0: not metered */
    uint64_t fuel_peak;        /**< costliest call since start */
    uint64_t checks;           /**< since creation, and below as well */
    uint64_t probes;           /**< checks that called the health export */
    uint64_t probe_errors[WARD_PROBE_ERRORS_MAX]; /**< indexed by ward_probe_error */
    uint64_t probe_ns_total;                      /**< time inside the health export */
    uint64_t traps;  /**< guest ended by trap, deadline, fuel or exit */
    uint64_t starts; /**< that succeeded */
} ward_figures;

/** Fills `figures` as far as its size covers. Any thread, wait-free for the guest. */
WARD_API void ward_component_figures(const ward_component *component, ward_figures *ret_figures);
/** State now. Any thread. */
WARD_API ward_state ward_component_state(const ward_component *component);
/** Name. Lives as long as the component. Any thread. */
WARD_API const char *ward_component_name(const ward_component *component);
/** Version as its options said, "" if they did not. Lives as long as the component. Any thread. */
WARD_API const char *ward_component_version(const ward_component *component);
/** Unique in the process, never reused. Any thread. */
WARD_API uint64_t ward_component_id(const ward_component *component);
/** Why the component is Failed; empty otherwise. Any thread. */
WARD_API void ward_component_failure(const ward_component *component, ward_reason *ret_reason);
/** How the guest was last ended; error WARD_OK if it never was. Any thread. */
WARD_API void ward_component_last_trap(const ward_component *component, ward_trap *ret_trap);

/** How the guest reports its health. */
typedef enum ward_health_form {
    WARD_HEALTH_FORM_NONE,  /**< no health export: healthy while Ready */
    WARD_HEALTH_FORM_I32,   /**< core `_health: () -> i32` */
    WARD_HEALTH_FORM_I64,   /**< core `_health: () -> i64` */
    WARD_HEALTH_FORM_LIST,  /**< component `health: func() -> list<u8>` */
    WARD_HEALTH_FORM_TYPED, /**< component `health: func() -> variant or enum` */
} ward_health_form;

/** One import or export, as ward inspect shows it. Strings live as long as the component and its
 * loaded module. */
typedef struct ward_extern {
    const char *module; /**< imports: the module's (or interface's) name; exports: "" */
    const char *name;   /**< of the import or export */
    const char *type;   /**< "func (i32, i32) -> i32", "memory 2..=10 pages", … */
    bool offered;       /**< imports: Ward offers it */
    bool waits;         /**< imports: may wait, and so closes the fast path */
} ward_extern;

/** What a loaded module is made of. Borrowed until the component is freed; of a module that was
 * refused for its imports, until the next load or start. */
typedef struct ward_module_info {
    bool is_component;            /**< component model, not a core module */
    bool from_cache;              /**< taken from the cache instead of compiled */
    bool fast_path;               /**< the health export is called without a fiber */
    char fast_path_reason[160];   /**< why, or why not */
    ward_health_form health_form; /**< how it reports its health */
    uint64_t byte_count;          /**< of the module as it was read */
    uint64_t compile_ns;          /**< 0 when taken from the cache */
    size_t import_count;          /**< of imports */
    const ward_extern *imports;   /**< what it asks of the host */
    size_t export_count;          /**< of exports */
    const ward_extern *exports;   /**< what it gives */
} ward_module_info;

/** Describes the loaded module, or the one that the last load refused with IMPORT_MISSING. STATE
 * when there is neither. Not while load, start or free run on another thread. */
WARD_API ward_error ward_component_module_info(const ward_component *component,
                                               ward_module_info *ret_info);

#ifdef __cplusplus
}
#endif
#endif
