/* Opening what a guest names. The kernel resolves the path, beneath the granted directory and
 * nowhere else, whatever links and renames do meanwhile (openat2, RESOLVE_BENEATH). Only regular
 * files and directories are opened: a look comes first, since opening a pipe waits for its other
 * end, and opening a device may already do something. A guest can make neither; one that another
 * puts in place between look and opening is opened without waiting, looked at again, and let go. */
#include "wasi_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define OPEN_CREATE (1u << 0)
#define OPEN_DIRECTORY (1u << 1)
#define OPEN_EXCLUSIVE (1u << 2)
#define OPEN_TRUNCATE (1u << 3)
#define OPEN_ALL ((1u << 4) - 1)

/* ---- paths ---- */

int wasi_path_read(const wasi_call *call, uint32_t address, uint32_t length, wasi_path *ret_path)
{
    const uint8_t *bytes = wasi_at(call, address, length);
    if (bytes == NULL) return WASI_FAULT;
    if (length == 0) return WASI_NOENT;
    if (length >= sizeof ret_path->text) return WASI_NAMETOOLONG;
    if (memchr(bytes, '\0', length) != NULL) return WASI_INVAL;
    if (bytes[0] == '/') return WASI_NOTCAPABLE;
    memcpy(ret_path->text, bytes, length);
    ret_path->text[length] = '\0';
    ret_path->length = length;
    return WASI_OK;
}

int wasi_directory_get(const wasi_call *call, uint32_t number, bool change, wasi_file *ret_file)
{
    const wasi_file *file = wasi_file_get(call, number);
    if (file == NULL) return WASI_BADF;
    if (file->kind != WASI_DIRECTORY) return WASI_NOTDIR;
    if (change && !file->granted_write) return WASI_ROFS;
    *ret_file = *file;
    return WASI_OK;
}

/* ---- beneath ---- */

static int open_beneath(int directory, const char *path, int flags)
{
    struct open_how how = {.flags = (unsigned)(flags | O_CLOEXEC),
                           .mode = (flags & O_CREAT) != 0 ? 0666u : 0u,
                           .resolve = (unsigned)RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    return (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
}

bool wasi_beneath_works(int directory)
{
    int found = open_beneath(directory, ".", O_PATH | O_DIRECTORY);
    if (found >= 0) close(found);
    return found >= 0;
}

int wasi_open_beneath(int directory, const char *path, int flags, int *ret_descriptor)
{
    enum { TRIES = 16 }; /* the kernel gives up on `..` while something is renamed anywhere */
    int found = -1;
    for (int i = 0; i < TRIES && found < 0; i++) {
        found = open_beneath(directory, path, flags);
        if (found < 0 && errno != EAGAIN && errno != EINTR) break;
    }
    if (found < 0) return errno == EXDEV ? WASI_NOTCAPABLE : wasi_errno(errno);
    *ret_descriptor = found;
    return WASI_OK;
}

/* ---- opening ---- */

/* How a guest wants something opened. */
typedef struct open_wish {
    int flags; /* of open(2); for a regular file, how to read and write it as well */
    bool follow, create, directory;
    bool readable, writable;
    uint16_t told; /* fdflags */
} open_wish;

static bool wish_read(const wasi_arg *args, open_wish *ret_wish)
{
    uint32_t lookup = wasi_u32(args, 1), open = wasi_u32(args, 4), told = wasi_u32(args, 7);
    uint64_t rights = wasi_u64(args, 5);
    bool directory = (open & OPEN_DIRECTORY) != 0;
    if (lookup > WASI_FOLLOW || open > OPEN_ALL || told > WASI_FLAGS_ALL) return false;
    if (directory && (open & (OPEN_CREATE | OPEN_TRUNCATE)) != 0) return false;
    *ret_wish = (open_wish){.follow = (lookup & WASI_FOLLOW) != 0,
                            .create = (open & OPEN_CREATE) != 0,
                            .directory = directory,
                            .readable = (rights & WASI_RIGHT_READ) != 0,
                            .writable = (rights & WASI_RIGHT_WRITE) != 0 && !directory,
                            .told = (uint16_t)told};
    int flags = O_RDONLY;
    if (ret_wish->writable) flags = ret_wish->readable ? O_RDWR : O_WRONLY;
    if (ret_wish->create) flags |= O_CREAT;
    if (ret_wish->create && (open & OPEN_EXCLUSIVE) != 0) flags |= O_EXCL;
    if ((open & OPEN_TRUNCATE) != 0) flags |= O_TRUNC;
    if ((told & WASI_APPEND) != 0) flags |= O_APPEND;
    if ((told & WASI_DSYNC) != 0) flags |= O_DSYNC;
    if ((told & (WASI_SYNC | WASI_RSYNC)) != 0) flags |= O_SYNC;
    if (directory) flags |= O_DIRECTORY;
    if (!ret_wish->follow) flags |= O_NOFOLLOW;
    ret_wish->flags = flags;
    return true;
}

/* What the look, or the second one, has found. */
static int kind_of(int descriptor, const open_wish *wish, wasi_kind *ret_kind)
{
    struct stat stat;
    if (fstat(descriptor, &stat) != 0) return wasi_errno(errno);
    if (S_ISLNK(stat.st_mode)) return WASI_LOOP;
    if (!S_ISDIR(stat.st_mode) && !S_ISREG(stat.st_mode)) return WASI_NOTSUP;
    if (S_ISREG(stat.st_mode) && wish->directory) return WASI_NOTDIR;
    bool changes = wish->writable || (wish->flags & (O_CREAT | O_TRUNC)) != 0;
    if (S_ISDIR(stat.st_mode) && changes) return WASI_ISDIR;
    *ret_kind = S_ISDIR(stat.st_mode) ? WASI_DIRECTORY : WASI_FILE;
    return WASI_OK;
}

/* Fine when nothing is there and is to be made. */
static int look(int directory, const char *path, const open_wish *wish)
{
    wasi_kind kind;
    int found = -1, follow = wish->follow ? 0 : O_NOFOLLOW;
    int failed = wasi_open_beneath(directory, path, O_PATH | follow, &found);
    if (failed == WASI_NOENT && wish->create) return WASI_OK;
    if (failed != WASI_OK) return failed;
    bool taken = (wish->flags & O_EXCL) != 0;
    failed = taken ? WASI_EXIST : kind_of(found, wish, &kind);
    close(found);
    return failed;
}

static int open_as(const wasi_file *within, const char *path, const open_wish *wish,
                   wasi_file *ret_file)
{
    int found = -1, flags = wish->flags | O_NONBLOCK | O_NOCTTY;
    wasi_kind kind;
    int failed = look(within->descriptor, path, wish);
    if (failed == WASI_OK) failed = wasi_open_beneath(within->descriptor, path, flags, &found);
    if (failed != WASI_OK) return failed;
    failed = kind_of(found, wish, &kind);
    if (failed != WASI_OK) {
        close(found);
        return failed;
    }
    *ret_file = (wasi_file){.descriptor = found,
                            .kind = (uint8_t)kind,
                            .flags = wish->told,
                            .readable = wish->readable && kind == WASI_FILE,
                            .writable = wish->writable,
                            .granted_write = within->granted_write};
    return WASI_OK;
}

int wasi_path_open(wasi_call *call, const wasi_arg *args)
{
    open_wish wish;
    wasi_path path;
    wasi_file within, file;
    uint32_t number;
    if (!wish_read(args, &wish)) return WASI_INVAL;
    bool change = wish.writable || (wish.flags & (O_CREAT | O_TRUNC)) != 0;
    int failed = wasi_directory_get(call, wasi_u32(args, 0), change, &within);
    if (failed == WASI_OK)
        failed = wasi_path_read(call, wasi_u32(args, 2), wasi_u32(args, 3), &path);
    if (failed == WASI_OK) failed = wasi_file_reserve(call->state, &number);
    if (failed != WASI_OK) return failed;
    uint8_t *number_at = wasi_at(call, wasi_u32(args, 8), 4);
    if (number_at == NULL) return WASI_FAULT;
    failed = open_as(&within, path.text, &wish, &file);
    if (failed != WASI_OK) return failed;
    call->state->files[number] = file;
    wasi_store(number_at, number, 4);
    return WASI_OK;
}
