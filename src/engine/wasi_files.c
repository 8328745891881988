/* What a guest has open: a table that is made when it is first needed, and never grows beyond what
 * its instance may have. */
#include "wasi_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* ---- the table ---- */

static wasi_file stream(const wasi_state *state, uint32_t number)
{
    if (number == STDIN_FILENO)
        return (wasi_file){.kind = WASI_INPUT, .descriptor = -1, .readable = true};
    bool granted = number == STDOUT_FILENO ? state->output : state->errors;
    return (wasi_file){
        .kind = WASI_OUTPUT, .descriptor = granted ? (int)number : -1, .writable = true};
}

static bool table_grow(wasi_state *state, uint32_t count)
{
    uint32_t before = state->file_count;
    if (count > state->file_limit) count = state->file_limit;
    wasi_file *files = wardi_grow(state->files, before * sizeof *files, count * sizeof *files);
    if (files == NULL) return false;
    state->files = files;
    state->file_count = count;
    for (uint32_t i = before; i < count; i++)
        files[i] = i < WASI_STREAMS ? stream(state, i) : (wasi_file){.kind = WASI_CLOSED};
    return true;
}

wasi_file *wasi_file_get(const wasi_call *call, uint32_t number)
{
    wasi_state *state = call->state;
    if (state->files == NULL && (number >= WASI_STREAMS || !table_grow(state, WASI_STREAMS)))
        return NULL;
    bool open = number < state->file_count && state->files[number].kind != WASI_CLOSED;
    return open ? &state->files[number] : NULL;
}

int wasi_file_reserve(wasi_state *state, uint32_t *ret_number)
{
    uint32_t number = 0, count = state->file_count;
    while (number < count && state->files[number].kind != WASI_CLOSED) number++;
    if (number < WASI_STREAMS && count == 0) number = WASI_STREAMS;
    if (number >= state->file_limit) return WASI_MFILE;
    if (number >= count && !table_grow(state, count < WASI_STREAMS ? 2 * WASI_STREAMS : 2 * count))
        return WASI_NOMEM;
    *ret_number = number;
    return WASI_OK;
}

static void file_close(wasi_file *file)
{
    /* The host's own streams are not the guest's to close. */
    if (file->kind != WASI_OUTPUT && file->descriptor >= 0) close(file->descriptor);
    *file = (wasi_file){.kind = WASI_CLOSED, .descriptor = -1};
}

void wasi_files_close(wasi_state *state)
{
    for (uint32_t i = 0; i < state->file_count; i++)
        if (state->files[i].kind != WASI_CLOSED) file_close(&state->files[i]);
    wardi_free(state->files);
    state->files = NULL;
    state->file_count = 0;
}

int wasi_fd_close(wasi_call *call, const wasi_arg *args)
{
    wasi_file *file = wasi_file_get(call, wasi_u32(args, 0));
    if (file == NULL) return WASI_BADF;
    file_close(file);
    return WASI_OK;
}

/* `to` becomes what `from` was; both are open. */
int wasi_fd_renumber(wasi_call *call, const wasi_arg *args)
{
    wasi_file *from = wasi_file_get(call, wasi_u32(args, 0));
    wasi_file *to = wasi_file_get(call, wasi_u32(args, 1));
    if (from == NULL || to == NULL) return WASI_BADF;
    if (from == to) return WASI_OK;
    file_close(to);
    *to = *from;
    *from = (wasi_file){.kind = WASI_CLOSED, .descriptor = -1};
    return WASI_OK;
}

/* ---- rights ----
 *
 * Told, since guests' libraries ask for those of a directory and work out from those of a file how
 * it was opened. What decides is how a file was opened, and what its directory was granted for. */

#define RIGHT(bit) (UINT64_C(1) << (bit))
enum {
    FD_DATASYNC,
    FD_READ,
    FD_SEEK,
    FD_FDSTAT_SET_FLAGS,
    FD_SYNC,
    FD_TELL,
    FD_WRITE,
    FD_ADVISE,
    FD_ALLOCATE,
    PATH_CREATE_DIRECTORY,
    PATH_CREATE_FILE,
    PATH_LINK_SOURCE,
    PATH_LINK_TARGET,
    PATH_OPEN,
    FD_READDIR,
    PATH_READLINK,
    PATH_RENAME_SOURCE,
    PATH_RENAME_TARGET,
    PATH_FILESTAT_GET,
    PATH_FILESTAT_SET_SIZE,
    PATH_FILESTAT_SET_TIMES,
    FD_FILESTAT_GET,
    FD_FILESTAT_SET_SIZE,
    FD_FILESTAT_SET_TIMES,
    PATH_SYMLINK,
    PATH_REMOVE_DIRECTORY,
    PATH_UNLINK_FILE,
    POLL_FD_READWRITE,
};
static const uint64_t of_files = RIGHT(FD_SEEK) | RIGHT(FD_FDSTAT_SET_FLAGS) | RIGHT(FD_SYNC) |
                                 RIGHT(FD_TELL) | RIGHT(FD_ADVISE) | RIGHT(FD_FILESTAT_GET) |
                                 RIGHT(POLL_FD_READWRITE);
static const uint64_t of_writers =
    RIGHT(FD_DATASYNC) | RIGHT(FD_WRITE) | RIGHT(FD_ALLOCATE) | RIGHT(FD_FILESTAT_SET_SIZE);
static const uint64_t of_directories = RIGHT(FD_FDSTAT_SET_FLAGS) | RIGHT(FD_SYNC) |
                                       RIGHT(PATH_OPEN) | RIGHT(FD_READDIR) | RIGHT(PATH_READLINK) |
                                       RIGHT(PATH_FILESTAT_GET) | RIGHT(FD_FILESTAT_GET);
static const uint64_t of_change =
    RIGHT(PATH_CREATE_DIRECTORY) | RIGHT(PATH_CREATE_FILE) | RIGHT(PATH_LINK_SOURCE) |
    RIGHT(PATH_LINK_TARGET) | RIGHT(PATH_RENAME_SOURCE) | RIGHT(PATH_RENAME_TARGET) |
    RIGHT(PATH_FILESTAT_SET_SIZE) | RIGHT(PATH_FILESTAT_SET_TIMES) | RIGHT(FD_DATASYNC) |
    RIGHT(FD_FILESTAT_SET_TIMES) | RIGHT(PATH_SYMLINK) | RIGHT(PATH_REMOVE_DIRECTORY) |
    RIGHT(PATH_UNLINK_FILE);

static uint64_t rights_of(const wasi_file *file)
{
    uint64_t times = file->granted_write ? RIGHT(FD_FILESTAT_SET_TIMES) : 0;
    uint64_t read = file->readable ? RIGHT(FD_READ) : 0;
    switch ((wasi_kind)file->kind) {
    case WASI_FILE: return of_files | read | times | (file->writable ? of_writers : 0);
    case WASI_DIRECTORY: return of_directories | (file->granted_write ? of_change : 0);
    case WASI_INPUT:
    case WASI_OUTPUT:
    case WASI_CLOSED: break;
    }
    /* No seeking: that, on a character device, is how wasi-libc knows a terminal, and so flushes
     * every line. */
    return RIGHT(FD_FILESTAT_GET) | RIGHT(POLL_FD_READWRITE) | read |
           (file->writable ? RIGHT(FD_WRITE) : 0);
}

/* What may be asked of files opened in a directory: everything, so that one who wants to write
 * where nothing may be written is refused, and not handed less than was asked for. */
static uint64_t rights_within(const wasi_file *file)
{
    if (file->kind != WASI_DIRECTORY) return 0;
    return of_files | of_writers | RIGHT(FD_READ) | of_directories | of_change;
}

int wasi_fd_fdstat_get(wasi_call *call, const wasi_arg *args)
{
    enum { FDSTAT_BYTES = 24 };
    static const uint8_t types[] = {[WASI_INPUT] = 2,
                                    [WASI_OUTPUT] = 2, /* character devices */
                                    [WASI_DIRECTORY] = 3,
                                    [WASI_FILE] = 4};
    const wasi_file *file = wasi_file_get(call, wasi_u32(args, 0));
    if (file == NULL) return WASI_BADF;
    uint8_t *at = wasi_at(call, wasi_u32(args, 1), FDSTAT_BYTES);
    if (at == NULL) return WASI_FAULT;
    memset(at, 0, FDSTAT_BYTES);
    wasi_store(at, types[file->kind], 1);
    wasi_store(at + 2, file->flags, 2);
    wasi_store(at + 8, rights_of(file), 8);
    wasi_store(at + 16, rights_within(file), 8);
    return WASI_OK;
}

/* Of a file, whether it is appended to is the kernel's to know. All are open without blocking,
 * whatever the guest says; how they are synced can't be changed later. */
int wasi_fd_fdstat_set_flags(wasi_call *call, const wasi_arg *args)
{
    uint32_t flags = wasi_u32(args, 1), change = WASI_APPEND | WASI_NONBLOCK;
    wasi_file *file = wasi_file_get(call, wasi_u32(args, 0));
    if (file == NULL) return WASI_BADF;
    if (flags > WASI_FLAGS_ALL) return WASI_INVAL;
    if (((flags ^ file->flags) & ~change) != 0) return WASI_NOTSUP;
    if (file->kind == WASI_FILE &&
        fcntl(file->descriptor, F_SETFL,
              O_NONBLOCK | ((flags & WASI_APPEND) != 0 ? O_APPEND : 0)) != 0)
        return wasi_errno(errno);
    file->flags = (uint16_t)flags;
    return WASI_OK;
}

int wasi_fd_fdstat_set_rights(wasi_call *call, const wasi_arg *args)
{
    return wasi_file_get(call, wasi_u32(args, 0)) == NULL ? WASI_BADF : WASI_NOTSUP;
}

/* ---- preopened directories ---- */

int wasi_fd_prestat_get(wasi_call *call, const wasi_arg *args)
{
    const wasi_file *file = wasi_file_get(call, wasi_u32(args, 0));
    if (file == NULL || file->preopen == NULL) return WASI_BADF;
    return wasi_answer(call, wasi_u32(args, 1), (uint64_t)strlen(file->preopen) << 32, 8);
}

int wasi_fd_prestat_dir_name(wasi_call *call, const wasi_arg *args)
{
    const wasi_file *file = wasi_file_get(call, wasi_u32(args, 0));
    if (file == NULL || file->preopen == NULL) return WASI_BADF;
    size_t length = strlen(file->preopen);
    if (wasi_u32(args, 2) < length) return WASI_NAMETOOLONG;
    uint8_t *at = wasi_at(call, wasi_u32(args, 1), length);
    if (at == NULL) return WASI_FAULT;
    memcpy(at, file->preopen, length);
    return WASI_OK;
}

/* ---- sockets ---- */

/* All four take a descriptor first, and none is a socket. */
int wasi_sock(wasi_call *call, const wasi_arg *args)
{
    return wasi_file_get(call, wasi_u32(args, 0)) == NULL ? WASI_BADF : WASI_NOTSOCK;
}
