/* A host: the engine, its clock thread, its compile threads and its cache, shared by all components
 * of a process.
 *
 * Costs: one clock thread (a tick a millisecond while a guest runs), `compile_threads` threads and
 * as many child processes while something compiles, and an address-space reservation for the
 * memories of `components_max` components; no memory is committed before a component uses it.
 *
 * A module that is not in the cache is compiled by a process of its own, the `ward` command, which
 * the kernel keeps to compile_memory_max, and which is ended after compile_timeout_ns: what a
 * module asks of the compiler can't be told from its looks. The process gets SIGCHLD when it ends;
 * an application that reaps all its children does no harm. */
#ifndef WARD_HOST_H
#define WARD_HOST_H

#include <ward/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Opaque; every function on it may be called from any thread, except that ward_host_close comes
 * last. */
typedef struct ward_host ward_host;

/** How linear memories are laid out. */
typedef enum ward_memory_profile {
    WARD_MEMORY_GUARDED, /**< guard pages: fastest guests; thousands of components */
    /** explicit bounds checks, guests some 13 % slower; a million components */
    WARD_MEMORY_DENSE,
} ward_memory_profile;

/** Options of a host. Zero means the default. Strings are copied. */
typedef struct ward_host_options {
    size_t size;                 /**< set by WARD_INIT */
    ward_memory_profile profile; /**< how memories are laid out; default guarded */
    /** Memories that can exist at once. Default 1,000 guarded, 1,000,000 dense. */
    uint32_t components_max;
    /** Largest memory limit that a component may have, bytes. Default 4 GiB guarded (which is also
     * the most), 16 MiB dense. */
    uint64_t memory_bytes_max;
    /** Directory of compiled modules; created with mode 0700. NULL: $XDG_CACHE_HOME/ward/modules,
     * else
     * ~/.cache/ward/modules. "": no cache. A directory that others can write to is refused. */
    const char *cache_directory;
    /** Modules compiled at the same time. Default 2: one alone uses every core, and the second is
     * there so that one slow module does not hold up the others. */
    uint32_t compile_threads;
    /** The program that compiles: the `ward` command of this version, or any whose main begins with
     * ward_compiler_main. NULL: `ward` beside the library, in ../bin from there, or where it was
     * installed. "": modules are compiled in this process, where one can take all memory. */
    const char *compiler_path;
    uint64_t compile_memory_max; /**< of one compilation, bytes; default 2 GiB */
    uint64_t compile_timeout_ns; /**< of one compilation; default a minute */
} ward_host_options;

/** Opens a host. `options` may be NULL. The caller owns `*ret_host` and closes it with
 * ward_host_close. Errors: INVALID_ARGUMENT, NO_MEMORY (also: no address space for the memories),
 * IO (cache directory), NOT_FOUND (compiler_path). */
WARD_API ward_error ward_host_open(const ward_host_options *options, ward_host **ret_host,
                                   ward_diag *ret_diag);

/** Closes a host; NULL is fine. Every component and supervisor of it must have been freed before.
 * Ends compilations that still run; one in this process is waited for. */
WARD_API void ward_host_close(ward_host *host);

/** For a program that is its own compiler_path ("/proc/self/exe"): the first thing that its main
 * calls. -1: go on, nobody asks for a compilation. Else it has compiled, and this is main's exit
 * status. */
WARD_API int ward_compiler_main(int arg_count, char **args);

/** Version of the library, "0.1.0". Static. Any thread. */
WARD_API const char *ward_version(void);
/** Version of the engine, "wasmtime 48.0.8". Static. Any thread. */
WARD_API const char *ward_engine_version(void);

#ifdef __cplusplus
}
#endif
#endif
