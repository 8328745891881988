/* A guest that hands every function of WASI preview 1 on to its host, argument for argument, so
 * that tests are written in C: its memory is the arguments' and the answers' place. */
#ifndef ENGINE_WASI_SUPPORT_H
#define ENGINE_WASI_SUPPORT_H

#include "support.h"

#include <dirent.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* From the specification, not from the engine's table: a type that is off by one is not linked. */
typedef struct wasi_type {
    const char *name, *params;
} wasi_type;
static const wasi_type wasi_types[] = {
    {"args_get", "ii"},
    {"args_sizes_get", "ii"},
    {"environ_get", "ii"},
    {"environ_sizes_get", "ii"},
    {"clock_res_get", "ii"},
    {"clock_time_get", "iIi"},
    {"fd_advise", "iIIi"},
    {"fd_allocate", "iII"},
    {"fd_close", "i"},
    {"fd_datasync", "i"},
    {"fd_fdstat_get", "ii"},
    {"fd_fdstat_set_flags", "ii"},
    {"fd_fdstat_set_rights", "iII"},
    {"fd_filestat_get", "ii"},
    {"fd_filestat_set_size", "iI"},
    {"fd_filestat_set_times", "iIIi"},
    {"fd_pread", "iiiIi"},
    {"fd_prestat_get", "ii"},
    {"fd_prestat_dir_name", "iii"},
    {"fd_pwrite", "iiiIi"},
    {"fd_read", "iiii"},
    {"fd_readdir", "iiiIi"},
    {"fd_renumber", "ii"},
    {"fd_seek", "iIii"},
    {"fd_sync", "i"},
    {"fd_tell", "ii"},
    {"fd_write", "iiii"},
    {"path_create_directory", "iii"},
    {"path_filestat_get", "iiiii"},
    {"path_filestat_set_times", "iiiiIIi"},
    {"path_link", "iiiiiii"},
    {"path_open", "iiiiiIIii"},
    {"path_readlink", "iiiiii"},
    {"path_remove_directory", "iii"},
    {"path_rename", "iiiiii"},
    {"path_symlink", "iiiii"},
    {"path_unlink_file", "iii"},
    {"proc_raise", "i"},
    {"sched_yield", ""},
    {"random_get", "ii"},
    {"sock_accept", "iii"},
    {"sock_recv", "iiiiii"},
    {"sock_send", "iiiii"},
    {"sock_shutdown", "ii"},
};

enum {
    OK = 0,
    ACCES = 2,
    BADF = 8,
    EXIST = 20,
    FAULT = 21,
    FBIG = 22,
    INVAL = 28,
    ISDIR = 31,
    LOOP = 32,
    MFILE = 33,
    NAMETOOLONG = 37,
    NOENT = 44,
    NOTDIR = 54,
    NOTEMPTY = 55,
    NOTSOCK = 57,
    NOTSUP = 58,
    ROFS = 69,
    SPIPE = 70,
    NOTCAPABLE = 76,
};
enum { CREATE = 1, DIRECTORY = 2, EXCLUSIVE = 4, TRUNCATE = 8, APPEND = 1, FOLLOW = 1 };
enum { READ = 2, WRITE = 64 };
/* Where tests put things in the guest's memory. */
enum { PATH_AT = 1024, PATH2_AT = 8192, LIST_AT = 16384, ANSWER_AT = 20480, DATA_AT = 32768 };
enum { MEMORY_PAGES = 32, MEMORY_BYTES = MEMORY_PAGES * 65536 };

static inline const char *wasi_wat(void)
{
    static char wat[32768];
    char *at = wat, *end = wat + sizeof wat;
    if (wat[0] != '\0') return wat;
    at += snprintf(at, (size_t)(end - at), "(module");
    for (int body = 0; body < 2; body++) {
        for (size_t i = 0; i < WARD_COUNT(wasi_types); i++) {
            const wasi_type *type = &wasi_types[i];
            char params[64] = "", loads[256] = "";
            for (size_t k = 0; type->params[k] != '\0'; k++) {
                strcat(params, type->params[k] == 'i' ? " i32" : " i64");
                sprintf(loads + strlen(loads), " (local.get %zu)", k);
            }
            if (body == 0)
                at += snprintf(at, (size_t)(end - at),
                               "(import \"wasi_snapshot_preview1\" \"%s\" (func $%s (param%s) "
                               "(result i32)))",
                               type->name, type->name, params);
            else
                at += snprintf(at, (size_t)(end - at),
                               "(func (export \"%s\") (param%s) (result i32) (call $%s%s))",
                               type->name, params, type->name, loads);
        }
    }
    snprintf(at, (size_t)(end - at), "(memory (export \"memory\") %d))", MEMORY_PAGES);
    return wat;
}

static inline uint8_t *memory_of(test_guest *guest)
{
    uint8_t *bytes;
    size_t length;
    assert_true(wardi_instance_memory(guest->instance, &bytes, &length));
    assert_int_equal(length, MEMORY_BYTES);
    return bytes;
}

static inline int wasi_values(test_guest *guest, const wasi_type *type, const uint64_t *values)
{
    wardi_value args[9], result = {0};
    size_t count = strlen(type->params);
    for (size_t i = 0; i < count; i++)
        args[i] = type->params[i] == 'i' ? (wardi_value){WARDI_I32, (uint32_t)values[i]}
                                         : (wardi_value){WARDI_I64, values[i]};
    if (guest_call(guest, type->name, args, count, &result, 1) != WARD_OK)
        fail_msg("%s: %s", type->name, guest->diag.text);
    assert_in_range(result.bits, 0, 76);
    return (int)result.bits;
}

static inline const wasi_type *wasi_type_of(const char *name)
{
    for (size_t i = 0; i < WARD_COUNT(wasi_types); i++)
        if (strcmp(wasi_types[i].name, name) == 0) return &wasi_types[i];
    fail_msg("no %s", name);
    return NULL;
}

/* wasi(&guest, "fd_close", 4) */
#define wasi(guest, name, ...)                                                                     \
    wasi_values((guest), wasi_type_of(name), (const uint64_t[9]){__VA_ARGS__})

static inline uint32_t put(test_guest *guest, uint32_t at, const char *text)
{
    memcpy(memory_of(guest) + at, text, strlen(text));
    return (uint32_t)strlen(text);
}

static inline uint64_t got(test_guest *guest, uint32_t at, size_t size)
{
    uint64_t value = 0;
    memcpy(&value, memory_of(guest) + at, size);
    return value;
}

/* Opens, and answers the descriptor, or the errno as a negative number. */
static inline int open_at(test_guest *guest, uint32_t directory, const char *path, uint32_t lookup,
                          uint32_t how, uint64_t rights, uint32_t flags)
{
    uint32_t length = put(guest, PATH_AT, path);
    int failed = wasi(guest, "path_open", directory, lookup, PATH_AT, length, how, rights, rights,
                      flags, ANSWER_AT);
    return failed != 0 ? -failed : (int)got(guest, ANSWER_AT, 4);
}

/* One buffer at DATA_AT. */
static inline void list_one(test_guest *guest, uint32_t length)
{
    uint32_t one[] = {DATA_AT, length};
    memcpy(memory_of(guest) + LIST_AT, one, sizeof one);
}

static inline int write_text(test_guest *guest, int file, const char *text)
{
    list_one(guest, put(guest, DATA_AT, text));
    int failed = wasi(guest, "fd_write", (uint32_t)file, LIST_AT, 1, ANSWER_AT);
    return failed != 0 ? -failed : (int)got(guest, ANSWER_AT, 4);
}

static inline int read_some(test_guest *guest, int file, uint32_t length)
{
    list_one(guest, length);
    int failed = wasi(guest, "fd_read", (uint32_t)file, LIST_AT, 1, ANSWER_AT);
    return failed != 0 ? -failed : (int)got(guest, ANSWER_AT, 4);
}

/* ---- descriptors of the host's ---- */

static inline size_t open_descriptors(void)
{
    size_t count = 0;
    DIR *self = opendir("/proc/self/fd");
    assert_non_null(self);
    while (readdir(self) != NULL) count++;
    closedir(self);
    return count;
}

/* ---- a directory of its own for every test ---- */

static inline int tree_drop(const char *path, const struct stat *stat, int kind, struct FTW *at)
{
    (void)stat, (void)kind, (void)at;
    return remove(path);
}

typedef struct granted {
    char root[32]; /* "inside" is granted; beside it lies "outside" */
    char inside[48], outside[48];
    size_t descriptors; /* of the process, before */
    test_guest guest;
} granted;

/* The preopened directory is descriptor 3, "/data". */
static inline granted grant(wardi_engine *engine, bool writable)
{
    granted it = {.root = "/tmp/ward-test-XXXXXX", .descriptors = open_descriptors()};
    assert_non_null(mkdtemp(it.root));
    snprintf(it.inside, sizeof it.inside, "%s/inside", it.root);
    snprintf(it.outside, sizeof it.outside, "%s/outside", it.root);
    assert_int_equal(mkdir(it.inside, 0755), 0);
    FILE *outside = fopen(it.outside, "w");
    assert_non_null(outside);
    fputs("secret", outside);
    fclose(outside);
    ward_preopen preopen = {.host_path = it.inside, .guest_path = "/data", .writable = writable};
    ward_wasi_grants grants = {.preopens = &preopen, .preopen_count = 1};
    wardi_instance_options options = {.limits = usual_limits(), .wasi = &grants, .name = "guest"};
    it.guest = guest_start(engine, wasi_wat(), &options);
    return it;
}

/* Whatever the test did, nothing stays open. */
static inline void grant_drop(granted *it)
{
    guest_stop(&it->guest);
    assert_int_equal(open_descriptors(), it->descriptors);
    nftw(it->root, tree_drop, 16, FTW_DEPTH | FTW_PHYS);
}

/* In the granted directory, by the host. */
static inline const char *host_path(const granted *it, const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", it->inside, name);
    return path;
}

static inline void host_write(const granted *it, const char *name, const char *text)
{
    FILE *file = fopen(host_path(it, name), "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

#endif
