/* The host's errno in the guest's numbers. */
#include "wasi_priv.h"

#include <errno.h>

/* Those that calls on files can meet; any other is told as IO. */
static const uint8_t numbers[] = {
    [E2BIG] = 1,    [EACCES] = 2,     [EAGAIN] = 6,     [EBADF] = 8,         [EBUSY] = 10,
    [EDEADLK] = 16, [EDQUOT] = 19,    [EEXIST] = 20,    [EFAULT] = 21,       [EFBIG] = 22,
    [EILSEQ] = 25,  [EINTR] = 27,     [EINVAL] = 28,    [EIO] = 29,          [EISDIR] = 31,
    [ELOOP] = 32,   [EMFILE] = 33,    [EMLINK] = 34,    [ENAMETOOLONG] = 37, [ENFILE] = 41,
    [ENODEV] = 43,  [ENOENT] = 44,    [ENOLCK] = 46,    [ENOMEM] = 48,       [ENOSPC] = 51,
    [ENOSYS] = 52,  [ENOTDIR] = 54,   [ENOTEMPTY] = 55, [ENOTSUP] = 58,      [ENOTTY] = 59,
    [ENXIO] = 60,   [EOVERFLOW] = 61, [EPERM] = 63,     [EPIPE] = 64,        [ERANGE] = 68,
    [EROFS] = 69,   [ESPIPE] = 70,    [ESTALE] = 72,    [ETIMEDOUT] = 73,    [ETXTBSY] = 74,
    [EXDEV] = 75,
};

int wasi_errno(int host)
{
    bool known = host > 0 && (size_t)host < WARD_COUNT(numbers) && numbers[host] != 0;
    return known ? numbers[host] : WASI_IO;
}
