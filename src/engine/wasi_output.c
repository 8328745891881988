/* The host's standard output, written to for guests: never for longer than some milliseconds, and
 * never at the price of the process. */
#include "wasi_priv.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

/* How long a guest's write may wait for a reader of the host's output. */
#define OUTPUT_WAIT_MS 20
/* What a pipe or a terminal that says it is writable takes without blocking. */
#define OUTPUT_CHUNK_BYTES 4096u

static const int raised[] = {SIGPIPE, SIGXFSZ};

static sigset_t raised_set(void)
{
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < WARD_COUNT(raised); i++) sigaddset(&set, raised[i]);
    return set;
}

void wasi_hold_signals(wasi_hold *hold)
{
    sigset_t set = raised_set();
    sigpending(&hold->pending);
    pthread_sigmask(SIG_BLOCK, &set, &hold->before);
}

void wasi_hold_release(const wasi_hold *hold)
{
    static const struct timespec at_once;
    sigset_t set = raised_set();
    int failed = errno;
    for (size_t i = 0; i < WARD_COUNT(raised); i++)
        if (sigismember(&hold->pending, raised[i]) == 1) sigdelset(&set, raised[i]);
    if (failed == EPIPE || failed == EFBIG) (void)sigtimedwait(&set, NULL, &at_once);
    pthread_sigmask(SIG_SETMASK, &hold->before, NULL);
    errno = failed;
}

/* What was writable is so no more when another guest has written meanwhile, and a write would
 * block: so they take turns, each asking once more. A reader that has gone raises SIGPIPE. */
static ssize_t write_now(int descriptor, const uint8_t *bytes, size_t length)
{
    static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
    struct pollfd ready = {.fd = descriptor, .events = POLLOUT};
    wasi_hold hold;
    wasi_hold_signals(&hold);
    pthread_mutex_lock(&turn);
    errno = EINTR; /* another was faster: as if a signal had come */
    ssize_t put = poll(&ready, 1, 0) > 0 ? write(descriptor, bytes, length) : -1;
    pthread_mutex_unlock(&turn);
    wasi_hold_release(&hold);
    return put;
}

uint64_t wasi_output_patience(void)
{
    return wardi_now_ns() + OUTPUT_WAIT_MS * WARDI_MS;
}

ssize_t wasi_output_write(int descriptor, const uint8_t *bytes, size_t length, uint64_t until_ns)
{
    size_t done = 0;
    while (done < length) {
        struct pollfd ready = {.fd = descriptor, .events = POLLOUT};
        uint64_t now_ns = wardi_now_ns();
        int wait_ms = now_ns < until_ns ? (int)((until_ns - now_ns) / WARDI_MS) + 1 : 0;
        int told = poll(&ready, 1, wait_ms);
        if (told < 0 && errno == EINTR) continue;
        if (told <= 0) return done != 0 ? (ssize_t)done : -EAGAIN;
        size_t chunk = length - done < OUTPUT_CHUNK_BYTES ? length - done : OUTPUT_CHUNK_BYTES;
        ssize_t put = write_now(descriptor, bytes + done, chunk);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return done != 0 ? (ssize_t)done : -errno;
        done += (size_t)put;
    }
    return (ssize_t)done;
}
