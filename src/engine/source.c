/* Where a module comes from: reading the file, and telling what is in it before anything else looks
 * at it. */
#include "engine_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Larger than any module seen; what is larger is a mistake, not a module. */
#define FILE_BYTES_MAX (512u << 20)

/* ---- which contents it has ---- */

/* Two changes within one tick of a file system's clock leave the same times behind: the coarsest
 * ticks every two seconds. */
#define SETTLED_AFTER_S 2

/* A change after this moment, the one of reading included, gives the file another stamp. That its
 * times can be set does not matter: `changed` can't be. */
static source_stamp stamp_of(const struct stat *info)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (source_stamp){.device = info->st_dev,
                          .inode = info->st_ino,
                          .length = info->st_size,
                          .modified = info->st_mtim,
                          .changed = info->st_ctim,
                          .settled = now.tv_sec - info->st_ctim.tv_sec > SETTLED_AFTER_S};
}

bool source_stamp_of(const char *path, source_stamp *ret_stamp)
{
    struct stat info;
    if (stat(path, &info) != 0 || !S_ISREG(info.st_mode)) return false;
    *ret_stamp = stamp_of(&info);
    return ret_stamp->settled;
}

static bool same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

bool source_stamp_same(const source_stamp *a, const source_stamp *b)
{
    return a->settled && b->settled && a->device == b->device && a->inode == b->inode &&
           a->length == b->length && same_time(a->modified, b->modified) &&
           same_time(a->changed, b->changed);
}

/* ---- reading ---- */

static ward_error file_check(int descriptor, const char *path, size_t *ret_length,
                             source_stamp *ret_stamp, ward_diag *ret_diag)
{
    struct stat info;
    if (fstat(descriptor, &info) != 0)
        return wardi_fail(ret_diag, WARD_ERROR_IO, "%s: %s", path, strerror(errno));
    if (S_ISDIR(info.st_mode))
        return wardi_fail(ret_diag, WARD_ERROR_IO, "%s is a directory; name a .wasm or .wat file",
                          path);
    if (!S_ISREG(info.st_mode))
        return wardi_fail(ret_diag, WARD_ERROR_IO,
                          "%s is not a regular file; name a .wasm or .wat file", path);
    if (info.st_size > (off_t)FILE_BYTES_MAX)
        return wardi_fail(ret_diag, WARD_ERROR_IO,
                          "%s has %lld bytes; a module has 512 MiB at most", path,
                          (long long)info.st_size);
    *ret_length = (size_t)info.st_size;
    if (ret_stamp != NULL) *ret_stamp = stamp_of(&info);
    return WARD_OK;
}

/* A file that shrinks meanwhile is read as far as it goes; one that grows, as it was. */
static ward_error file_read(int descriptor, const char *path, uint8_t *bytes, size_t *length,
                            ward_diag *ret_diag)
{
    size_t done = 0;
    while (done < *length) {
        ssize_t got = read(descriptor, bytes + done, *length - done);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0)
            return wardi_fail(ret_diag, WARD_ERROR_IO, "cannot read %s: %s", path, strerror(errno));
        if (got == 0) break;
        done += (size_t)got;
    }
    *length = done;
    return WARD_OK;
}

ward_error source_read(const char *path, uint8_t **ret_bytes, size_t *ret_length,
                       source_stamp *ret_stamp, ward_diag *ret_diag)
{
    /* Not blocking, so that a pipe is refused instead of waited for. */
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0)
        return wardi_fail(ret_diag, errno == ENOENT ? WARD_ERROR_NOT_FOUND : WARD_ERROR_IO,
                          "cannot open %s: %s", path, strerror(errno));
    size_t length = 0;
    uint8_t *bytes = NULL;
    ward_error error = file_check(descriptor, path, &length, ret_stamp, ret_diag);
    if (error == WARD_OK && (bytes = wardi_alloc(length)) == NULL)
        error = wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory for the %zu bytes of %s",
                           length, path);
    if (error == WARD_OK) error = file_read(descriptor, path, bytes, &length, ret_diag);
    close(descriptor);
    if (error != WARD_OK) {
        wardi_free(bytes);
        return error;
    }
    *ret_bytes = bytes;
    *ret_length = length;
    return WARD_OK;
}

/* ---- telling ---- */

static const uint8_t magic[4] = {0x00, 'a', 's', 'm'};
static const uint8_t core_version[4] = {0x01, 0x00, 0x00, 0x00};
static const uint8_t component_version[4] = {0x0d, 0x00, 0x01, 0x00};

typedef struct format_row {
    uint8_t length;
    const char *bytes;
    const char *name;
} format_row;

static const format_row formats[] = {
    {4,
     "\x7f"
     "ELF",
     "a native program or library (ELF)"},
    {2, "MZ", "a Windows program (PE)"},
    {4, "\xcf\xfa\xed\xfe", "a macOS program (Mach-O)"},
    {2, "\x1f\x8b", "gzip: unpack it first"},
    {4, "\x28\xb5\x2f\xfd", "zstd: unpack it first"},
    {4, "PK\x03\x04", "a zip archive: unpack it first"},
    {7, "!<arch>", "an archive of object files: link it first"},
    {4, "BC\xc0\xde", "LLVM bitcode: link it to a module first"},
    {2, "#!", "a script"},
    {1, "<", "HTML or XML, perhaps an error page instead of the download"},
    {1, "{", "JSON"},
    {7, "version", "a Git LFS pointer: git lfs pull"},
};

static const char *format_guess(const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < WARD_COUNT(formats); i++)
        if (length >= formats[i].length && memcmp(bytes, formats[i].bytes, formats[i].length) == 0)
            return formats[i].name;
    return NULL;
}

static ward_error not_wasm(const uint8_t *bytes, size_t length, const char *what,
                           ward_diag *ret_diag)
{
    char buffer[128];
    wardi_text hex = WARDI_TEXT(buffer);
    for (size_t i = 0; i < length && i < 8; i++)
        wardi_text_printf(&hex, i != 0 ? " %02x" : "%02x", bytes[i]);
    const char *guess = format_guess(bytes, length);
    return wardi_fail(ret_diag, WARD_ERROR_NOT_WASM,
                      "%s begins with %s%s%s; a module begins with 00 61 73 6d, its text form with "
                      "(module",
                      what, buffer, guess != NULL ? ", which looks like " : "",
                      guess != NULL ? guess : "");
}

static ward_error truncated(size_t length, const char *what, ward_diag *ret_diag)
{
    return wardi_fail(ret_diag, WARD_ERROR_TRUNCATED,
                      "%s ends after %zu bytes, inside a section: was it copied or downloaded "
                      "whole?",
                      what, length);
}

static bool is_text(const uint8_t *bytes, size_t length)
{
    if (length >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0) return false;
    size_t at = 0;
    while (at < length && strchr(" \t\r\n", bytes[at]) != NULL && bytes[at] != 0) at++;
    return at < length &&
           (bytes[at] == '(' || (bytes[at] == ';' && at + 1 < length && bytes[at + 1] == ';'));
}

source_kind source_kind_of_binary(const uint8_t *bytes, size_t length)
{
    bool component = length >= 8 && memcmp(bytes + 4, component_version, 4) == 0;
    return component ? SOURCE_COMPONENT : SOURCE_MODULE;
}

ward_error source_tell(const uint8_t *bytes, size_t length, const char *what, source_kind *ret_kind,
                       ward_diag *ret_diag)
{
    if (length == 0) return wardi_fail(ret_diag, WARD_ERROR_NOT_WASM, "%s is empty", what);
    if (is_text(bytes, length)) {
        *ret_kind = SOURCE_TEXT;
        return WARD_OK;
    }
    if (memcmp(bytes, magic, length < sizeof magic ? length : sizeof magic) != 0)
        return not_wasm(bytes, length, what, ret_diag);
    if (length < sizeof magic + sizeof core_version) return truncated(length, what, ret_diag);
    const uint8_t *version = bytes + sizeof magic;
    bool core = memcmp(version, core_version, sizeof core_version) == 0;
    if (!core && memcmp(version, component_version, sizeof component_version) != 0)
        return wardi_fail(
            ret_diag, WARD_ERROR_NOT_WASM,
            "%s is WebAssembly of version %02x %02x %02x %02x; Ward reads modules (01 "
            "00 00 00) and components (0d 00 01 00)",
            what, version[0], version[1], version[2], version[3]);
    if (!source_is_whole(bytes, length)) return truncated(length, what, ret_diag);
    *ret_kind = core ? SOURCE_MODULE : SOURCE_COMPONENT;
    return WARD_OK;
}
