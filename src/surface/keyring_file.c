/* Files of secrets and certificates. Links are followed: secrets of Kubernetes are links that are
 * swapped. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "surface/keyring.h"

static keyring_stamp stamp_of(const struct stat *status)
{
    return (keyring_stamp){.device = status->st_dev,
                           .inode = status->st_ino,
                           .size = status->st_size,
                           .changed = status->st_ctim,
                           .modified = status->st_mtim};
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool keyring_file_changed(const char *path, const keyring_stamp *stamp)
{
    struct stat status;
    if (stat(path, &status) != 0) return true;
    keyring_stamp now = stamp_of(&status);
    return now.device != stamp->device || now.inode != stamp->inode || now.size != stamp->size ||
           !same_time(&now.changed, &stamp->changed) || !same_time(&now.modified, &stamp->modified);
}

/* Who could know it, or put another in its place. NULL: nobody but its owner, a group, root. */
static const char *exposure_of(const struct stat *status)
{
    if ((status->st_mode & S_IRWXO) != 0)
        return "everybody on this machine may read it; `chmod o=` it (Kubernetes: `defaultMode: "
               "0440`)";
    if ((status->st_mode & S_IWGRP) != 0) return "its group may write it; `chmod g-w` it";
    if (status->st_uid != 0 && status->st_uid != geteuid())
        return "it belongs to another user, who could replace it; give it to root or to the user "
               "that runs ward";
    return NULL;
}

static ward_error open_failed(const char *path, ward_diag *ret_diag)
{
    int why = errno;
    return wardi_fail(ret_diag, why == ENOENT ? WARD_ERROR_NOT_FOUND : WARD_ERROR_IO, "%s: %s; %s",
                      path, strerror(why),
                      why == EACCES ? "the user that runs ward has to be able to read it"
                                    : "name the file that it is in");
}

static ward_error check_file(const char *path, const struct stat *status, bool secret, size_t max,
                             ward_diag *ret_diag)
{
    const char *exposure = secret ? exposure_of(status) : NULL;
    if (!S_ISREG(status->st_mode))
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT, "%s: it is no file", path);
    if (exposure != NULL)
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT, "%s: %s", path, exposure);
    if ((uint64_t)status->st_size > max)
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                          "%s: it has more than %zu bytes; is it the right file?", path, max);
    return WARD_OK;
}

/* What is longer than it was a moment ago is being written, and will have another stamp. */
static size_t read_all(int fd, char *bytes, size_t length)
{
    size_t had = 0;
    while (had < length) {
        ssize_t got = read(fd, bytes + had, length - had);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        had += (size_t)got;
    }
    return had;
}

static ward_error read_open(int fd, const char *path, bool secret, size_t max, char **ret_bytes,
                            size_t *ret_length, keyring_stamp *ret_stamp, ward_diag *ret_diag)
{
    struct stat status;
    if (fstat(fd, &status) != 0) return open_failed(path, ret_diag);
    ward_error error = check_file(path, &status, secret, max, ret_diag);
    if (error != WARD_OK) return error;
    char *bytes = wardi_alloc((size_t)status.st_size + 1);
    if (bytes == NULL) return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory for %s", path);
    *ret_length = read_all(fd, bytes, (size_t)status.st_size);
    *ret_bytes = bytes;
    *ret_stamp = stamp_of(&status);
    return WARD_OK;
}

ward_error keyring_file_read(const char *path, bool secret, size_t max, char **ret_bytes,
                             size_t *ret_length, keyring_stamp *ret_stamp, ward_diag *ret_diag)
{
    /* Not blocking: a pipe that nobody writes to would hold us up before it is seen to be one. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) return open_failed(path, ret_diag);
    ward_error error = read_open(fd, path, secret, max, ret_bytes, ret_length, ret_stamp, ret_diag);
    close(fd);
    return error;
}

void keyring_file_free(char *bytes, size_t length)
{
    if (bytes != NULL) explicit_bzero(bytes, length);
    wardi_free(bytes);
}
