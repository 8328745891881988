/* WASI preview 1: what is told of files: kinds, sizes, times, and the names in directories. */
#include "wasi_priv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { STAT_BYTES = 64 };
enum { TYPE_UNKNOWN = 0, TYPE_BLOCK = 1, TYPE_CHARACTER = 2, TYPE_DIRECTORY = 3 };
enum { TYPE_FILE = 4, TYPE_SOCKET = 6, TYPE_LINK = 7 };

uint8_t wasi_filetype(mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFBLK: return TYPE_BLOCK;
    case S_IFCHR: return TYPE_CHARACTER;
    case S_IFDIR: return TYPE_DIRECTORY;
    case S_IFREG: return TYPE_FILE;
    case S_IFSOCK: return TYPE_SOCKET;
    case S_IFLNK: return TYPE_LINK;
    default: return TYPE_UNKNOWN;
    }
}

/* Before 1970 is 1970; the years after 2554 come round. */
static uint64_t time_ns(struct timespec time)
{
    return time.tv_sec < 0 ? 0 : (uint64_t)time.tv_sec * WARDI_S + (uint64_t)time.tv_nsec;
}

int wasi_stat_answer(const wasi_call *call, int descriptor, uint32_t address)
{
    struct stat stat;
    uint8_t *at = wasi_at(call, address, STAT_BYTES);
    if (at == NULL) return WASI_FAULT;
    if (fstat(descriptor, &stat) != 0) return wasi_errno(errno);
    const uint64_t words[STAT_BYTES / 8] = {stat.st_dev,
                                            stat.st_ino,
                                            wasi_filetype(stat.st_mode),
                                            stat.st_nlink,
                                            (uint64_t)stat.st_size,
                                            time_ns(stat.st_atim),
                                            time_ns(stat.st_mtim),
                                            time_ns(stat.st_ctim)};
    memcpy(at, words, sizeof words);
    return WASI_OK;
}

int wasi_fd_filestat_get(wasi_call *call, const wasi_arg *args)
{
    const wasi_file *file = wasi_file_get(call, wasi_u32(args, 0));
    if (file == NULL) return WASI_BADF;
    if (file->kind == WASI_FILE || file->kind == WASI_DIRECTORY)
        return wasi_stat_answer(call, file->descriptor, wasi_u32(args, 1));
    uint8_t *at = wasi_at(call, wasi_u32(args, 1), STAT_BYTES);
    if (at == NULL) return WASI_FAULT;
    memset(at, 0, STAT_BYTES);
    wasi_store(at + 16, TYPE_CHARACTER, 1);
    return WASI_OK;
}

/* ---- times ---- */

/* `flags` has two bits: set it to the figure, or to now. */
static int time_read(uint64_t ns, uint32_t flags, struct timespec *ret_time)
{
    if (flags == 3) return WASI_INVAL;
    *ret_time = (struct timespec){.tv_nsec = flags == 0 ? UTIME_OMIT : UTIME_NOW};
    if (flags == 1)
        *ret_time =
            (struct timespec){.tv_sec = (time_t)(ns / WARDI_S), .tv_nsec = (long)(ns % WARDI_S)};
    return WASI_OK;
}

int wasi_times_read(uint64_t access_ns, uint64_t modified_ns, uint32_t flags,
                    struct timespec ret_times[2])
{
    if (flags > 15) return WASI_INVAL;
    int failed = time_read(access_ns, flags & 3, &ret_times[0]);
    if (failed == WASI_OK) failed = time_read(modified_ns, flags >> 2, &ret_times[1]);
    return failed;
}

int wasi_fd_filestat_set_times(wasi_call *call, const wasi_arg *args)
{
    struct timespec times[2];
    const wasi_file *file = wasi_file_get(call, wasi_u32(args, 0));
    if (file == NULL || (file->kind != WASI_FILE && file->kind != WASI_DIRECTORY)) return WASI_BADF;
    if (!file->granted_write) return WASI_ROFS;
    int failed = wasi_times_read(wasi_u64(args, 1), wasi_u64(args, 2), wasi_u32(args, 3), times);
    if (failed != WASI_OK) return failed;
    return futimens(file->descriptor, times) == 0 ? WASI_OK : wasi_errno(errno);
}

/* ---- names in a directory ----
 *
 * A cookie is the kernel's own: a directory is read on from wherever the guest says, however long
 * it is, and nothing is kept between calls. The kernel takes any number for one. */

enum { DIRENT_BYTES = 24 };
/* What is fetched at once: some hundred names. */
enum { NAMES_BYTES = 8192 };

/* The guest's buffer, filled to its very end: a guest takes one that is not for the last. */
typedef struct name_listing {
    uint8_t *bytes;
    size_t capacity, length;
    uint64_t own_inode;
} name_listing;

static void listing_add(name_listing *listing, const void *bytes, size_t length)
{
    size_t room = listing->capacity - listing->length;
    if (length > room) length = room;
    memcpy(listing->bytes + listing->length, bytes, length);
    listing->length += length;
}

static void listing_name(name_listing *listing, const struct dirent64 *name)
{
    uint8_t head[DIRENT_BYTES] = {0};
    bool above = strcmp(name->d_name, "..") == 0; /* may be out of the guest's reach */
    wasi_store(head, (uint64_t)name->d_off, 8);
    wasi_store(head + 8, above ? listing->own_inode : name->d_ino, 8);
    wasi_store(head + 16, strlen(name->d_name), 4);
    wasi_store(head + 20, wasi_filetype((mode_t)DTTOIF(name->d_type)), 1);
    listing_add(listing, head, sizeof head);
    listing_add(listing, name->d_name, strlen(name->d_name));
}

static int listing_fill(const wasi_call *call, int descriptor, name_listing *listing)
{
    _Alignas(struct dirent64) uint8_t names[NAMES_BYTES];
    while (listing->length < listing->capacity) {
        if (wasi_call_expired(call)) return WASI_INTR;
        ssize_t got = getdents64(descriptor, names, sizeof names);
        if (got < 0) return wasi_errno(errno);
        if (got == 0) break;
        for (ssize_t at = 0; at < got && listing->length < listing->capacity;) {
            const struct dirent64 *name = (const void *)(names + at);
            listing_name(listing, name);
            at += name->d_reclen;
        }
    }
    return WASI_OK;
}

int wasi_fd_readdir(wasi_call *call, const wasi_arg *args)
{
    struct stat stat;
    wasi_file directory;
    int failed = wasi_directory_get(call, wasi_u32(args, 0), false, &directory);
    if (failed != WASI_OK) return failed;
    name_listing listing = {.capacity = wasi_u32(args, 2)};
    listing.bytes = wasi_at(call, wasi_u32(args, 1), listing.capacity);
    uint8_t *length_at = wasi_at(call, wasi_u32(args, 4), 4);
    if (listing.bytes == NULL || length_at == NULL) return WASI_FAULT;
    if (wasi_u64(args, 3) > INT64_MAX) return WASI_INVAL;
    if (fstat(directory.descriptor, &stat) != 0 ||
        lseek(directory.descriptor, (off_t)wasi_u64(args, 3), SEEK_SET) < 0)
        return wasi_errno(errno);
    listing.own_inode = stat.st_ino;
    failed = listing_fill(call, directory.descriptor, &listing);
    if (failed != WASI_OK) return failed;
    wasi_store(length_at, listing.length, 4);
    return WASI_OK;
}
