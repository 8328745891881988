#include "host/host.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/host_priv.h"

#ifndef WARD_VERSION
#error "the build says which version this is"
#endif

enum { DIRECTORY_BYTES = 4096 };
static const char library_place; /* an address to find the library by */

const char *ward_version(void)
{
    return WARD_VERSION;
}

const char *ward_engine_version(void)
{
    return wardi_engine_version();
}

/* Where compiled modules are kept: the caller's word, else the XDG base directory, else none. */
static void cache_directory(const char *asked, wardi_text *directory)
{
    if (asked != NULL) {
        wardi_text_puts(directory, asked);
        return;
    }
    const char *cache = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME");
    if (cache != NULL && cache[0] == '/')
        wardi_text_printf(directory, "%s/ward/modules", cache);
    else if (home != NULL && home[0] == '/')
        wardi_text_printf(directory, "%s/.cache/ward/modules", home);
}

ward_error wardi_host_options_resolve(const ward_host_options *options,
                                      wardi_engine_options *ret_engine, char *ret_directory,
                                      size_t directory_size, ward_diag *ret_diag)
{
    ward_host_options own = {0};
    if (options != NULL && !wardi_options_copy(&own, sizeof own, options, options->size))
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                          "host options: size is %zu, this library knows %zu bytes; start them "
                          "with WARD_INIT(ward_host_options)",
                          options->size, sizeof own);
    if (own.profile != WARD_MEMORY_GUARDED && own.profile != WARD_MEMORY_DENSE)
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                          "host options: profile %d is neither guarded nor dense",
                          (int)own.profile);
    wardi_text directory = wardi_text_on(ret_directory, directory_size);
    cache_directory(own.cache_directory, &directory);
    if (directory.cut)
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                          "host options: the cache directory's name is longer than %zu bytes",
                          directory_size - 1);
    *ret_engine = (wardi_engine_options){.profile = own.profile,
                                         .memories_max = own.components_max,
                                         .memory_bytes_max = own.memory_bytes_max,
                                         .cache_directory = ret_directory,
                                         .compile_threads = own.compile_threads,
                                         .compiler = own.compiler_path,
                                         .compile_memory_max = own.compile_memory_max,
                                         .compile_timeout_ns = own.compile_timeout_ns,
                                         .imports = guest_imports,
                                         .import_count = guest_import_count};
    return WARD_OK;
}

/* ---- the compiler ---- */

/* The library's file, or the program's that it is linked into. */
static bool find_beside(const char *relative, char *path, size_t capacity)
{
    Dl_info here;
    char program[DIRECTORY_BYTES];
    if (dladdr(&library_place, &here) == 0 || here.dli_fname == NULL) return false;
    const char *file = here.dli_fname;
    if (file[0] != '/') { /* a program, as it was called */
        ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
        if (length <= 0) return false;
        program[length] = '\0';
        file = program;
    }
    wardi_text text = wardi_text_on(path, capacity);
    wardi_text_printf(&text, "%.*s%s", (int)(strrchr(file, '/') - file + 1), file, relative);
    return !text.cut && access(path, X_OK) == 0;
}

static const char *find_compiler(char *path, size_t capacity)
{
    if (find_beside("ward", path, capacity) || find_beside("../bin/ward", path, capacity))
        return path;
    return WARD_COMPILER; /* where it was installed; if not there, the engine says so */
}

int ward_compiler_main(int arg_count, char **args)
{
    bool asked = arg_count == 2 && strcmp(args[1], WARDI_COMPILER_ARGUMENT) == 0;
    return asked ? wardi_compiler_main() : -1;
}

ward_error ward_host_open(const ward_host_options *options, ward_host **ret_host,
                          ward_diag *ret_diag)
{
    char directory[DIRECTORY_BYTES], compiler[DIRECTORY_BYTES];
    wardi_engine_options engine_options;
    ward_error error =
        wardi_host_options_resolve(options, &engine_options, directory, sizeof directory, ret_diag);
    if (error != WARD_OK) return error;
    if (engine_options.compiler == NULL)
        engine_options.compiler = find_compiler(compiler, sizeof compiler);
    ward_host *host = wardi_alloc(sizeof *host);
    if (host == NULL) return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory for a host");
    wardi_ticks_init();
    error = wardi_engine_new(&engine_options, &host->engine, ret_diag);
    if (error != WARD_OK) {
        wardi_free(host);
        return error;
    }
    *ret_host = host;
    return WARD_OK;
}

bool wardi_host_compiles(const ward_host *host)
{
    return wardi_engine_compiling(host->engine) != 0;
}

void ward_host_close(ward_host *host)
{
    if (host == NULL) return;
    wardi_engine_free(host->engine);
    wardi_free(host);
}

ward_error ward_component_new(ward_host *host, const ward_component_options *options,
                              ward_component **ret_component, ward_diag *ret_diag)
{
    if (host == NULL || options == NULL || ret_component == NULL)
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                          "ward_component_new: host, options and ret_component are required");
    return wardi_component_new(host->engine, options, ret_component, ret_diag);
}
