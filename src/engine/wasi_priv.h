/* WASI preview 1, inside: what its files share.
 *
 * Every function of the table in wasi.c is a wasi_function: it gets the guest's memory and the
 * guest's arguments, believes neither, and answers an errno. None may wait: reads and writes of
 * files end when the disk has answered, writes to the host's output after some milliseconds, and
 * nothing but regular files and directories is ever opened. A state is its instance's, and used by
 * one thread at a time as that is. */
#ifndef WARDI_WASI_PRIV_H
#define WARDI_WASI_PRIV_H

#include "engine_priv.h"

#include <signal.h>
#include <sys/types.h>
#include <time.h>

/* The numbers of wasi_snapshot_preview1. */
enum {
    WASI_OK = 0,
    WASI_BADF = 8,
    WASI_EXIST = 20,
    WASI_FAULT = 21,
    WASI_FBIG = 22,
    WASI_INTR = 27,
    WASI_INVAL = 28,
    WASI_IO = 29,
    WASI_ISDIR = 31,
    WASI_LOOP = 32,
    WASI_MFILE = 33,
    WASI_NAMETOOLONG = 37,
    WASI_NOENT = 44,
    WASI_NOMEM = 48,
    WASI_NOTDIR = 54,
    WASI_NOTSOCK = 57,
    WASI_NOTSUP = 58,
    WASI_ROFS = 69,
    WASI_SPIPE = 70,
    WASI_NOTCAPABLE = 76,
};

/* fdflags */
enum {
    WASI_APPEND = 1u << 0,
    WASI_DSYNC = 1u << 1,
    WASI_NONBLOCK = 1u << 2,
    WASI_RSYNC = 1u << 3,
    WASI_SYNC = 1u << 4,
    WASI_FLAGS_ALL = (1u << 5) - 1,
};
/* lookupflags */
#define WASI_FOLLOW 1u
/* Of rights, those that decide how something is opened. */
#define WASI_RIGHT_READ (UINT64_C(1) << 1)
#define WASI_RIGHT_WRITE (UINT64_C(1) << 6)
/* clockids */
enum { WASI_CLOCK_OF_WALL = 0, WASI_CLOCK_OF_RUN = 1, WASI_CLOCK_LAST = 3 };

/* Standard input, output and error. */
#define WASI_STREAMS 3u
/* Descriptors of a guest beyond its three streams and its preopened directories. */
#define WASI_FILES_MAX 64u
/* What one call moves at most, so that it never holds its thread for long. */
#define WASI_MOVE_BYTES_MAX (1u << 20)

/* ---- what a guest has been granted, and what it has open ---- */

typedef enum wasi_kind {
    WASI_CLOSED,
    WASI_INPUT,  /* standard input: bytes read when the instance was made */
    WASI_OUTPUT, /* the host's, or dropped */
    WASI_FILE,
    WASI_DIRECTORY,
} wasi_kind;

typedef struct wasi_file {
    const char *preopen; /* what the guest calls it; NULL: the guest opened it */
    int descriptor;      /* the host's; -1: there is none behind it */
    uint16_t flags;      /* fdflags */
    uint8_t kind;        /* wasi_kind */
    bool readable, writable;
    bool granted_write; /* by the directory that it was reached through */
} wasi_file;

struct wasi_state {
    wasi_file *files; /* NULL: none was used yet, and the three streams are as granted */
    uint32_t file_count, file_limit;
    uint32_t arg_count, variable_count;
    size_t arg_bytes, variable_bytes;
    uint8_t *input;
    size_t input_length, input_at;
    bool output, errors; /* streams 1 and 2 reach the host */
    char texts[];        /* arguments, variables, names of preopened directories */
};

/* ---- a call ---- */

typedef struct wasi_call {
    wardi_instance *instance;
    wasi_state *state;
    uint8_t *memory;
    uint64_t length;
} wasi_call;

typedef wasmtime_val_raw_t wasi_arg;
typedef int (*wasi_function)(wasi_call *call, const wasi_arg *args);

static inline uint32_t wasi_u32(const wasi_arg *args, size_t index)
{
    return (uint32_t)args[index].i32;
}

static inline uint64_t wasi_u64(const wasi_arg *args, size_t index)
{
    return (uint64_t)args[index].i64;
}

/** The guest's bytes, or NULL when not all of them lie in its memory. */
static inline uint8_t *wasi_at(const wasi_call *call, uint64_t address, uint64_t size)
{
    bool inside = size <= call->length && address <= call->length - size;
    return inside ? call->memory + address : NULL;
}

/* Guests and hosts are little-endian. */
static inline uint64_t wasi_load(const uint8_t *at, size_t size)
{
    uint64_t value = 0;
    __builtin_memcpy(&value, at, size);
    return value;
}

static inline void wasi_store(uint8_t *at, uint64_t value, size_t size)
{
    __builtin_memcpy(at, &value, size);
}

/** Stores a number of `size` bytes: WASI_OK or WASI_FAULT. */
static inline int wasi_answer(const wasi_call *call, uint64_t address, uint64_t value, size_t size)
{
    uint8_t *at = wasi_at(call, address, size);
    if (at == NULL) return WASI_FAULT;
    wasi_store(at, value, size);
    return WASI_OK;
}

/** Finds the memory that the guest exports as `memory`; without one, its length is 0. */
void wasi_call_begin(wasi_call *call, wasmtime_caller_t *caller);
/** Whether the guest's time is up, or it was interrupted: work without end asks now and then, and
 * stops. */
bool wasi_call_expired(const wasi_call *call);

/* ---- wasi_errno.c ---- */

/** The guest's number for the host's errno. */
int wasi_errno(int host);

/* ---- wasi_poll.c ---- */

void wasi_poll_oneoff(void *env, wasmtime_caller_t *caller, const wasmtime_val_t *args,
                      size_t arg_count, wasmtime_val_t *results, size_t result_count,
                      wasm_trap_t **trap, wasmtime_async_continuation_t *continuation);

/* ---- wasi_output.c ---- */

/* The signals that writing raises, of a reader that has gone and of a limit on the size of files
 * (ulimit -f): they would end a process that has no handlers, and are held back while a guest's
 * bytes are written. */
typedef struct wasi_hold {
    sigset_t before, pending; /* what was pending already is not ours to take off */
} wasi_hold;
void wasi_hold_signals(wasi_hold *hold);
/** Takes off the signal that came with errno, which is kept. */
void wasi_hold_release(const wasi_hold *hold);

/** Writes to the host's output, and gives up on a reader that does not read: bytes written, or a
 * negative errno. */
ssize_t wasi_output_write(int descriptor, const uint8_t *bytes, size_t length, uint64_t until_ns);
uint64_t wasi_output_patience(void);

/* ---- wasi_files.c: the table of descriptors ---- */

/** NULL: not open. */
wasi_file *wasi_file_get(const wasi_call *call, uint32_t number);
/** Finds the least number that is free; the table may move. MFILE, NOMEM. */
int wasi_file_reserve(wasi_state *state, uint32_t *ret_number);
/** Closes everything. */
void wasi_files_close(wasi_state *state);

int wasi_fd_close(wasi_call *call, const wasi_arg *args);
int wasi_fd_renumber(wasi_call *call, const wasi_arg *args);
int wasi_fd_fdstat_get(wasi_call *call, const wasi_arg *args);
int wasi_fd_fdstat_set_flags(wasi_call *call, const wasi_arg *args);
int wasi_fd_fdstat_set_rights(wasi_call *call, const wasi_arg *args);
int wasi_fd_prestat_get(wasi_call *call, const wasi_arg *args);
int wasi_fd_prestat_dir_name(wasi_call *call, const wasi_arg *args);
int wasi_sock(wasi_call *call, const wasi_arg *args);

/* ---- wasi_bytes.c: what is in files ---- */

int wasi_fd_read(wasi_call *call, const wasi_arg *args);
int wasi_fd_pread(wasi_call *call, const wasi_arg *args);
int wasi_fd_write(wasi_call *call, const wasi_arg *args);
int wasi_fd_pwrite(wasi_call *call, const wasi_arg *args);
int wasi_fd_seek(wasi_call *call, const wasi_arg *args);
int wasi_fd_tell(wasi_call *call, const wasi_arg *args);
int wasi_fd_sync(wasi_call *call, const wasi_arg *args);
int wasi_fd_datasync(wasi_call *call, const wasi_arg *args);
int wasi_fd_advise(wasi_call *call, const wasi_arg *args);
int wasi_fd_allocate(wasi_call *call, const wasi_arg *args);
int wasi_fd_filestat_set_size(wasi_call *call, const wasi_arg *args);

/* ---- wasi_stat.c: what is told of files ---- */

/* The two times of a call, and which of them it sets. */
int wasi_times_read(uint64_t access_ns, uint64_t modified_ns, uint32_t flags,
                    struct timespec ret_times[2]);
/** Stores what fstat says of the descriptor. */
int wasi_stat_answer(const wasi_call *call, int descriptor, uint32_t address);
uint8_t wasi_filetype(mode_t mode);
int wasi_fd_filestat_get(wasi_call *call, const wasi_arg *args);
int wasi_fd_filestat_set_times(wasi_call *call, const wasi_arg *args);
int wasi_fd_readdir(wasi_call *call, const wasi_arg *args);

/* ---- wasi_open.c, wasi_paths.c: names ---- */

/** Whether this kernel resolves paths beneath a directory, which the sandbox rests on. */
bool wasi_beneath_works(int directory);
/* A path of a guest's, bounded and a C text. */
typedef struct wasi_path {
    char text[4096]; /* PATH_MAX */
    size_t length;
} wasi_path;
/** FAULT, NAMETOOLONG, INVAL (a NUL within), NOENT (empty), NOTCAPABLE (absolute). */
int wasi_path_read(const wasi_call *call, uint32_t address, uint32_t length, wasi_path *ret_path);
/** A directory that the guest has open. BADF, NOTDIR; ROFS when it wants to change what is in one
 * that was granted for reading. */
int wasi_directory_get(const wasi_call *call, uint32_t number, bool change, wasi_file *ret_file);
/** Opens what the path leads to beneath the directory, with the kernel's help. */
int wasi_open_beneath(int directory, const char *path, int flags, int *ret_descriptor);

int wasi_path_open(wasi_call *call, const wasi_arg *args);
int wasi_path_create_directory(wasi_call *call, const wasi_arg *args);
int wasi_path_filestat_get(wasi_call *call, const wasi_arg *args);
int wasi_path_filestat_set_times(wasi_call *call, const wasi_arg *args);
int wasi_path_link(wasi_call *call, const wasi_arg *args);
int wasi_path_readlink(wasi_call *call, const wasi_arg *args);
int wasi_path_remove_directory(wasi_call *call, const wasi_arg *args);
int wasi_path_rename(wasi_call *call, const wasi_arg *args);
int wasi_path_symlink(wasi_call *call, const wasi_arg *args);
int wasi_path_unlink_file(wasi_call *call, const wasi_arg *args);

#endif
