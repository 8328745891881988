/* Compiled modules on disk.
 *
 * What is read here becomes machine code of this process, so nothing is trusted: the directory and
 * every entry must be ours alone to write, and the payload must hash to what its header says,
 * before the engine sees a byte. An entry is written beside its name and renamed, so a reader sees
 * a whole one or none. */
#include "engine_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ENTRY_FORMAT 1u
#define PAYLOAD_BYTES_MAX (UINT64_C(1) << 32)

typedef struct entry_header {
    char magic[8];
    uint32_t format, reserved;
    uint8_t key[WARDI_SHA256_BYTES];
    uint64_t length;
    uint8_t digest[WARDI_SHA256_BYTES]; /* of the payload */
} entry_header;
static_assert(sizeof(entry_header) == 88, "no padding: headers are compared as bytes");

static const char entry_magic[8] = "wardmod\n";

/* ---- the directory ---- */

static ward_error directory_make(const char *directory, ward_diag *ret_diag)
{
    char *path = wardi_strdup(directory);
    if (path == NULL) return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory");
    int failed = 0;
    for (char *at = path + 1; failed == 0; at++) {
        if (*at != '/' && *at != '\0') continue;
        char was = *at;
        *at = '\0';
        if (mkdir(path, 0700) != 0 && errno != EEXIST) failed = errno;
        *at = was;
        if (was == '\0') break;
    }
    wardi_free(path);
    if (failed == 0) return WARD_OK;
    return wardi_fail(ret_diag, WARD_ERROR_IO,
                      "cannot create the cache directory %s: %s; choose another, or none",
                      directory, strerror(failed));
}

static ward_error directory_check(int descriptor, const char *directory, ward_diag *ret_diag)
{
    struct stat info;
    if (fstat(descriptor, &info) != 0)
        return wardi_fail(ret_diag, WARD_ERROR_IO, "%s: %s", directory, strerror(errno));
    if (info.st_uid != geteuid())
        return wardi_fail(ret_diag, WARD_ERROR_IO,
                          "the cache directory %s belongs to user %u, not to us (%u): compiled "
                          "code from others is not run; choose another (cache_directory)",
                          directory, (unsigned)info.st_uid, (unsigned)geteuid());
    if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return wardi_fail(
            ret_diag, WARD_ERROR_IO,
            "the cache directory %s can be written to by others (mode %04o): compiled "
            "code from others is not run; chmod go-w %s",
            directory, (unsigned)(info.st_mode & 07777), directory);
    return WARD_OK;
}

ward_error module_cache_open(module_cache *cache, const char *directory, ward_diag *ret_diag)
{
    cache->directory = -1;
    if (directory == NULL || directory[0] == '\0') return WARD_OK;
    ward_error error = directory_make(directory, ret_diag);
    if (error != WARD_OK) return error;
    int descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0)
        return wardi_fail(ret_diag, WARD_ERROR_IO, "cannot open the cache directory %s: %s",
                          directory, strerror(errno));
    error = directory_check(descriptor, directory, ret_diag);
    if (error != WARD_OK) {
        close(descriptor);
        return error;
    }
    cache->directory = descriptor;
    return WARD_OK;
}

void module_cache_close(module_cache *cache)
{
    if (cache->directory >= 0) close(cache->directory);
    cache->directory = -1;
}

/* ---- entries ---- */

enum { NAME_BYTES = 2 * WARDI_SHA256_BYTES + 40 };

static void entry_name(const uint8_t key[WARDI_SHA256_BYTES], char name[NAME_BYTES])
{
    for (size_t i = 0; i < WARDI_SHA256_BYTES; i++) snprintf(name + 2 * i, 3, "%02x", key[i]);
    memcpy(name + (size_t)2 * WARDI_SHA256_BYTES, ".wardmod", sizeof ".wardmod");
}

static bool read_all(int descriptor, void *to, size_t length)
{
    uint8_t *at = to;
    while (length != 0) {
        ssize_t got = read(descriptor, at, length);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return false;
        at += got;
        length -= (size_t)got;
    }
    return true;
}

static bool write_all(int descriptor, const void *from, size_t length)
{
    const uint8_t *at = from;
    while (length != 0) {
        ssize_t put = write(descriptor, at, length);
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0) return false;
        at += put;
        length -= (size_t)put;
    }
    return true;
}

static void digest_of(const uint8_t *payload, size_t length, uint8_t digest[WARDI_SHA256_BYTES])
{
    wardi_sha256 hash;
    wardi_sha256_init(&hash);
    wardi_sha256_update(&hash, payload, length);
    wardi_sha256_done(&hash, digest);
}

static bool entry_check(int descriptor, const uint8_t key[WARDI_SHA256_BYTES],
                        entry_header *ret_header)
{
    struct stat info;
    entry_header header;
    if (fstat(descriptor, &info) != 0 || !S_ISREG(info.st_mode)) return false;
    if (info.st_uid != geteuid() || (info.st_mode & (S_IWGRP | S_IWOTH)) != 0) return false;
    if (!read_all(descriptor, &header, sizeof header)) return false;
    if (memcmp(header.magic, entry_magic, sizeof entry_magic) != 0) return false;
    if (header.format != ENTRY_FORMAT || header.reserved != 0) return false;
    if (memcmp(header.key, key, WARDI_SHA256_BYTES) != 0) return false;
    if (header.length == 0 || header.length > PAYLOAD_BYTES_MAX) return false;
    if ((uint64_t)info.st_size != sizeof header + header.length) return false;
    *ret_header = header;
    return true;
}

static uint8_t *payload_read(int descriptor, const entry_header *header)
{
    uint8_t digest[WARDI_SHA256_BYTES];
    uint8_t *payload = wardi_alloc(header->length);
    if (payload == NULL) return NULL;
    if (read_all(descriptor, payload, header->length)) {
        digest_of(payload, header->length, digest);
        if (memcmp(digest, header->digest, sizeof digest) == 0) return payload;
    }
    wardi_free(payload);
    return NULL;
}

uint8_t *module_cache_read(const module_cache *cache, const uint8_t key[WARDI_SHA256_BYTES],
                           size_t *ret_length)
{
    if (cache->directory < 0) return NULL;
    char name[NAME_BYTES];
    entry_name(key, name);
    /* Not blocking: somebody may have put a pipe there. */
    int descriptor = openat(cache->directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (descriptor < 0) return NULL;
    entry_header header;
    uint8_t *payload = NULL;
    if (entry_check(descriptor, key, &header)) payload = payload_read(descriptor, &header);
    close(descriptor);
    if (payload != NULL) *ret_length = header.length;
    return payload;
}

static bool entry_write(int descriptor, const entry_header *header, const uint8_t *payload)
{
    return write_all(descriptor, header, sizeof *header) &&
           write_all(descriptor, payload, header->length) && fsync(descriptor) == 0;
}

void module_cache_write(const module_cache *cache, const uint8_t key[WARDI_SHA256_BYTES],
                        const uint8_t *payload, size_t length)
{
    static atomic_uint counter; /* two threads of one process may write the same entry */
    if (cache->directory < 0) return;
    entry_header header = {.format = ENTRY_FORMAT, .length = length};
    memcpy(header.magic, entry_magic, sizeof entry_magic);
    memcpy(header.key, key, WARDI_SHA256_BYTES);
    digest_of(payload, length, header.digest);
    char name[NAME_BYTES], beside[NAME_BYTES + 40];
    entry_name(key, name);
    snprintf(beside, sizeof beside, "%s.%ld.%u", name, (long)getpid(),
             atomic_fetch_add_explicit(&counter, 1, memory_order_relaxed));
    int descriptor = openat(cache->directory, beside,
                            O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (descriptor < 0) return;
    bool whole = entry_write(descriptor, &header, payload);
    if (close(descriptor) != 0) whole = false;
    if (!whole || renameat(cache->directory, beside, cache->directory, name) != 0)
        unlinkat(cache->directory, beside, 0);
}
