/* WASI preview 1: what is in files and streams: reading, writing, seeking, truncating. */
#include "wasi_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <unistd.h>

/* As many as Linux takes; more is refused, so that the list is never walked for long. */
#define PARTS_MAX 1024u
/* Of these so many are moved at once; the guest comes back for the rest. */
#define PARTS_MOVED_MAX 64u
enum { PART_BYTES = 8 };

/* ---- a guest's list of buffers ---- */

/* Checked, without the empty ones, and cut to what one call moves. */
typedef struct byte_move {
    struct iovec parts[PARTS_MOVED_MAX];
    int count;
    size_t total;
    uint8_t *moved_at; /* where the guest wants to read how much it was */
} byte_move;

static void move_add(byte_move *move, uint8_t *bytes, size_t length)
{
    size_t room = WASI_MOVE_BYTES_MAX - move->total;
    if (length > room) length = room;
    if (length == 0 || move->count == (int)PARTS_MOVED_MAX) return;
    move->parts[move->count++] = (struct iovec){.iov_base = bytes, .iov_len = length};
    move->total += length;
}

static int move_read(const wasi_call *call, const wasi_arg *args, size_t moved_index,
                     byte_move *ret_move)
{
    uint32_t count = wasi_u32(args, 2);
    if (count > PARTS_MAX) return WASI_INVAL;
    const uint8_t *list = wasi_at(call, wasi_u32(args, 1), (uint64_t)count * PART_BYTES);
    ret_move->moved_at = wasi_at(call, wasi_u32(args, moved_index), 4);
    if (list == NULL || ret_move->moved_at == NULL) return WASI_FAULT;
    ret_move->count = 0;
    ret_move->total = 0;
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *part = list + (size_t)i * PART_BYTES;
        uint64_t length = wasi_load(part + 4, 4);
        uint8_t *bytes = wasi_at(call, wasi_load(part, 4), length);
        if (bytes == NULL) return WASI_FAULT;
        move_add(ret_move, bytes, length);
    }
    return WASI_OK;
}

static int move_done(const byte_move *move, ssize_t moved)
{
    if (moved < 0) return wasi_errno(errno);
    wasi_store(move->moved_at, (uint64_t)moved, 4);
    return WASI_OK;
}

/* ---- reading ---- */

static ssize_t input_read(wasi_state *state, const byte_move *move)
{
    size_t done = 0;
    for (int i = 0; i < move->count; i++) {
        size_t left = state->input_length - state->input_at, length = move->parts[i].iov_len;
        if (length > left) length = left;
        if (length == 0) break;
        memcpy(move->parts[i].iov_base, state->input + state->input_at, length);
        state->input_at += length;
        done += length;
    }
    return (ssize_t)done;
}

int wasi_fd_read(wasi_call *call, const wasi_arg *args)
{
    byte_move move;
    const wasi_file *file = wasi_file_get(call, wasi_u32(args, 0));
    if (file == NULL) return WASI_BADF;
    if (file->kind == WASI_DIRECTORY) return WASI_ISDIR;
    if (!file->readable) return WASI_BADF;
    int failed = move_read(call, args, 3, &move);
    if (failed != WASI_OK) return failed;
    if (file->kind == WASI_INPUT) return move_done(&move, input_read(call->state, &move));
    return move_done(&move, readv(file->descriptor, move.parts, move.count));
}

int wasi_fd_pread(wasi_call *call, const wasi_arg *args)
{
    byte_move move;
    const wasi_file *file = wasi_file_get(call, wasi_u32(args, 0));
    if (file == NULL) return WASI_BADF;
    if (file->kind == WASI_DIRECTORY) return WASI_ISDIR;
    if (file->kind != WASI_FILE) return WASI_SPIPE;
    if (!file->readable) return WASI_BADF;
    if (wasi_u64(args, 3) > INT64_MAX) return WASI_INVAL;
    int failed = move_read(call, args, 4, &move);
    if (failed != WASI_OK) return failed;
    off_t offset = (off_t)wasi_u64(args, 3);
    return move_done(&move, preadv(file->descriptor, move.parts, move.count, offset));
}

/* ---- writing ---- */

/* Only then does writing a file raise a signal. */
static bool sizes_are_limited(void)
{
    struct rlimit limit;
    return getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
}

/* A negative offset: where the file stands. */
static ssize_t file_write(const wasi_file *file, const byte_move *move, off_t offset)
{
    wasi_hold hold;
    bool limited = sizes_are_limited();
    if (limited) wasi_hold_signals(&hold);
    errno = 0;
    ssize_t put = offset < 0 ? writev(file->descriptor, move->parts, move->count)
                             : pwritev(file->descriptor, move->parts, move->count, offset);
    if (limited) wasi_hold_release(&hold);
    return put;
}

/* In pieces gathered from the guest's buffers, so that a line stays one. */
static ssize_t output_write(int descriptor, const byte_move *move)
{
    uint8_t bytes[4096];
    size_t done = 0, held = 0, at = 0;
    uint64_t until_ns = wasi_output_patience();
    for (int i = 0; i < move->count;) {
        const struct iovec *part = &move->parts[i];
        size_t fits = sizeof bytes - held, left = part->iov_len - at;
        if (fits > left) fits = left;
        memcpy(bytes + held, (const uint8_t *)part->iov_base + at, fits);
        held += fits;
        at += fits;
        if (at == part->iov_len) i++, at = 0;
        if (held < sizeof bytes && i < move->count) continue;
        ssize_t put = wasi_output_write(descriptor, bytes, held, until_ns);
        if (put < 0) errno = (int)-put;
        if (put < 0) return done != 0 ? (ssize_t)done : -1;
        done += (size_t)put;
        if ((size_t)put < held) break;
        held = 0;
    }
    return (ssize_t)done;
}

int wasi_fd_write(wasi_call *call, const wasi_arg *args)
{
    byte_move move;
    const wasi_file *file = wasi_file_get(call, wasi_u32(args, 0));
    if (file == NULL || !file->writable) return WASI_BADF;
    int failed = move_read(call, args, 3, &move);
    if (failed != WASI_OK) return failed;
    if (file->kind == WASI_FILE) return move_done(&move, file_write(file, &move, -1));
    if (file->descriptor < 0) return move_done(&move, (ssize_t)move.total); /* dropped */
    return move_done(&move, output_write(file->descriptor, &move));
}

int wasi_fd_pwrite(wasi_call *call, const wasi_arg *args)
{
    byte_move move;
    const wasi_file *file = wasi_file_get(call, wasi_u32(args, 0));
    if (file == NULL || file->kind == WASI_DIRECTORY) return WASI_BADF;
    if (file->kind != WASI_FILE) return WASI_SPIPE;
    if (!file->writable) return WASI_BADF;
    if (wasi_u64(args, 3) > INT64_MAX) return WASI_INVAL;
    int failed = move_read(call, args, 4, &move);
    if (failed != WASI_OK) return failed;
    return move_done(&move, file_write(file, &move, (off_t)wasi_u64(args, 3)));
}

/* ---- where a file stands, and how long it is ---- */

static int file_seek(const wasi_call *call, uint32_t number, int64_t offset, int whence,
                     uint32_t address)
{
    const wasi_file *file = wasi_file_get(call, number);
    if (file == NULL || file->kind == WASI_DIRECTORY) return WASI_BADF;
    if (file->kind != WASI_FILE) return WASI_SPIPE;
    uint8_t *at = wasi_at(call, address, 8);
    if (at == NULL) return WASI_FAULT;
    off_t now = lseek(file->descriptor, (off_t)offset, whence);
    if (now < 0) return wasi_errno(errno);
    wasi_store(at, (uint64_t)now, 8);
    return WASI_OK;
}

int wasi_fd_seek(wasi_call *call, const wasi_arg *args)
{
    static const int whences[] = {SEEK_SET, SEEK_CUR, SEEK_END};
    uint32_t whence = wasi_u32(args, 2);
    if (whence >= WARD_COUNT(whences)) return WASI_INVAL;
    return file_seek(call, wasi_u32(args, 0), args[1].i64, whences[whence], wasi_u32(args, 3));
}

int wasi_fd_tell(wasi_call *call, const wasi_arg *args)
{
    return file_seek(call, wasi_u32(args, 0), 0, SEEK_CUR, wasi_u32(args, 1));
}

int wasi_fd_filestat_set_size(wasi_call *call, const wasi_arg *args)
{
    const wasi_file *file = wasi_file_get(call, wasi_u32(args, 0));
    if (file == NULL || file->kind != WASI_FILE || !file->writable) return WASI_BADF;
    if (wasi_u64(args, 1) > INT64_MAX) return WASI_FBIG;
    wasi_hold hold;
    bool limited = sizes_are_limited();
    if (limited) wasi_hold_signals(&hold);
    errno = 0;
    bool done = ftruncate(file->descriptor, (off_t)wasi_u64(args, 1)) == 0;
    if (limited) wasi_hold_release(&hold);
    return done ? WASI_OK : wasi_errno(errno);
}

/* ---- the rest ---- */

/* What was granted for reading has nothing of the guest's to be written out. */
static int file_sync(const wasi_call *call, uint32_t number, int (*sync)(int descriptor))
{
    const wasi_file *file = wasi_file_get(call, number);
    if (file == NULL || (file->kind != WASI_FILE && file->kind != WASI_DIRECTORY)) return WASI_BADF;
    if (!file->granted_write) return WASI_OK;
    return sync(file->descriptor) == 0 ? WASI_OK : wasi_errno(errno);
}

int wasi_fd_sync(wasi_call *call, const wasi_arg *args)
{
    return file_sync(call, wasi_u32(args, 0), fsync);
}

int wasi_fd_datasync(wasi_call *call, const wasi_arg *args)
{
    return file_sync(call, wasi_u32(args, 0), fdatasync);
}

/* Advice is free to be ignored, and what the host caches is not a guest's to say. */
int wasi_fd_advise(wasi_call *call, const wasi_arg *args)
{
    enum { ADVICES = 6 };
    const wasi_file *file = wasi_file_get(call, wasi_u32(args, 0));
    if (file == NULL || file->kind == WASI_DIRECTORY) return WASI_BADF;
    if (file->kind != WASI_FILE) return WASI_SPIPE;
    return wasi_u32(args, 3) < ADVICES ? WASI_OK : WASI_INVAL;
}

/* As the engine's own WASI has it: not on every file system, so on none. */
int wasi_fd_allocate(wasi_call *call, const wasi_arg *args)
{
    return wasi_file_get(call, wasi_u32(args, 0)) == NULL ? WASI_BADF : WASI_NOTSUP;
}
