#include "cli/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/values.h"

enum { STATUS_BYTES = 400, DATAGRAM_BYTES = 640 };

/* ---- the environment ---- */

/* A path, or "@name" of the abstract namespace, whose first byte is then 0. NULL: it is fine. */
static const char *address_read(wardi_notify *notify, const char *name)
{
    size_t length = strlen(name);
    bool abstract = name[0] == '@';
    if (name[0] != '/' && !abstract) return "neither a path nor an abstract name (@…)";
    if (length < 2) return "empty";
    if (length >= sizeof notify->address.sun_path) return "longer than a socket's name can be";
    notify->address.sun_family = AF_UNIX;
    memcpy(notify->address.sun_path, name, length);
    if (abstract) notify->address.sun_path[0] = '\0';
    /* Only a path ends with a NUL. */
    notify->address_length =
        (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (abstract ? 0 : 1));
    return NULL;
}

static void socket_read(wardi_notify *notify)
{
    const char *name = getenv("NOTIFY_SOCKET");
    if (name == NULL || name[0] == '\0') return;
    const char *wrong = address_read(notify, name);
    if (wrong == NULL) {
        notify->socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (notify->socket < 0) wrong = strerror(errno);
    }
    if (wrong == NULL) return;
    wardi_warn("run: NOTIFY_SOCKET, \"%s\": %s: the service manager is told nothing", name, wrong);
}

/* The watchdog of a process may reach its children's environment: the pid says whose it is. */
static void watchdog_read(wardi_notify *notify)
{
    char advice[WARDI_ADVICE_BYTES];
    uint64_t usec = 0, pid = 0;
    const char *text = getenv("WATCHDOG_USEC"), *owner = getenv("WATCHDOG_PID");
    if (text == NULL || notify->socket < 0) return;
    if (owner != NULL && wardi_value_count(owner, &pid, advice) != NULL) {
        wardi_warn("run: WATCHDOG_PID, \"%s\", is no pid: the watchdog is not fed", owner);
        return;
    }
    if (owner != NULL && pid != (uint64_t)getpid()) return;
    if (wardi_value_count(text, &usec, advice) != NULL || usec == 0) {
        wardi_warn("run: WATCHDOG_USEC, \"%s\", is no time: the watchdog is not fed", text);
        return;
    }
    if (__builtin_mul_overflow(usec, WARDI_US / 2, &notify->interval_ns))
        notify->interval_ns = UINT64_MAX;
}

void wardi_notify_init(wardi_notify *ret_notify)
{
    *ret_notify = (wardi_notify){.socket = -1, .ready_fd = -1};
    socket_read(ret_notify);
    watchdog_read(ret_notify);
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
}

ward_error wardi_notify_ready_on(wardi_notify *notify, int ready_fd, ward_diag *ret_diag)
{
    int mode = ready_fd > STDERR_FILENO ? fcntl(ready_fd, F_GETFL) : 0;
    if (ready_fd <= STDERR_FILENO)
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                          "descriptor %d is a standard stream; use 3 or more", ready_fd);
    if (mode < 0)
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                          "descriptor %d is not open; in a shell, open it with %d>file", ready_fd,
                          ready_fd);
    if ((mode & O_ACCMODE) == O_RDONLY)
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                          "descriptor %d is open for reading only", ready_fd);
    fcntl(ready_fd, F_SETFD, FD_CLOEXEC);
    notify->ready_fd = ready_fd;
    return WARD_OK;
}

void wardi_notify_done(wardi_notify *notify)
{
    if (notify->socket >= 0) close(notify->socket);
    if (notify->ready_fd >= 0) close(notify->ready_fd);
    *notify = (wardi_notify){.socket = -1, .ready_fd = -1};
}

/* ---- sending ---- */

/* A pipe that is polled writable takes a byte at once. */
static void ready_write(wardi_notify *notify)
{
    struct pollfd wait = {.fd = notify->ready_fd, .events = POLLOUT};
    if (!notify->ready || notify->ready_fd < 0 || poll(&wait, 1, 0) <= 0) return;
    if (write(notify->ready_fd, "\n", 1) < 0)
        wardi_warn("run: descriptor %d could not be told that Ward is ready: %s", notify->ready_fd,
                   strerror(errno));
    close(notify->ready_fd);
    notify->ready_fd = -1;
}

static void complain_once(wardi_notify *notify, const char *assignments)
{
    if (!notify->complained)
        wardi_warn("run: the service manager could not be told %.*s: %s",
                   (int)strcspn(assignments, "\n"), assignments, strerror(errno));
    notify->complained = true;
}

/* Assignments, each a line. What is owed goes first, in the same datagram: then both got through,
 * or neither did. */
static bool tell(wardi_notify *notify, const char *assignments)
{
    char bytes[DATAGRAM_BYTES];
    wardi_text text = WARDI_TEXT(bytes);
    ready_write(notify);
    if (notify->socket < 0) return true;
    if (notify->owes) wardi_text_printf(&text, "%s\n", notify->state);
    wardi_text_puts(&text, assignments);
    WARD_ASSERT(!text.cut);
    ssize_t sent = sendto(notify->socket, text.bytes, text.length, MSG_NOSIGNAL,
                          (const struct sockaddr *)&notify->address, notify->address_length);
    if (sent < 0) {
        complain_once(notify, text.bytes);
        return false;
    }
    notify->owes = notify->complained = false;
    return true;
}

static bool tell_state(wardi_notify *notify, const char *state)
{
    wardi_text text = WARDI_TEXT(notify->state);
    wardi_text_puts(&text, state);
    notify->owes = notify->socket >= 0;
    return wardi_notify_again(notify);
}

bool wardi_notify_owes(const wardi_notify *notify)
{
    return notify->owes || (notify->ready && notify->ready_fd >= 0);
}

bool wardi_notify_again(wardi_notify *notify)
{
    if (wardi_notify_owes(notify)) tell(notify, "");
    return !wardi_notify_owes(notify);
}

bool wardi_notify_ready(wardi_notify *notify)
{
    notify->ready = true;
    return tell_state(notify, "READY=1");
}

bool wardi_notify_reloading(wardi_notify *notify)
{
    char bytes[sizeof notify->state];
    wardi_text text = WARDI_TEXT(bytes);
    wardi_text_printf(&text, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, wardi_now_ns() / WARDI_US);
    return tell_state(notify, bytes);
}

bool wardi_notify_stopping(wardi_notify *notify)
{
    return tell_state(notify, "STOPPING=1");
}

/* As everything that a guest may have had a say in; systemd drops a status that is no UTF-8. */
static void add_safe(wardi_text *text, const char *words)
{
    enum { ESCAPED = 4 }; /* "\xff" */
    char bytes[ESCAPED * STATUS_BYTES + 1] = "";
    FILE *to = fmemopen(bytes, sizeof bytes, "w");
    if (to == NULL) return;
    wardi_output_safe(to, words, wardi_utf8_fit(words, strlen(words), STATUS_BYTES));
    fclose(to);
    wardi_text_puts(text, bytes);
}

bool wardi_notify_status(wardi_notify *notify, const char *text)
{
    char bytes[STATUS_BYTES];
    wardi_text line = WARDI_TEXT(bytes);
    wardi_text_puts(&line, "STATUS=");
    add_safe(&line, text);
    return tell(notify, bytes);
}

bool wardi_notify_failed(wardi_notify *notify, int error_number, const char *text)
{
    char bytes[STATUS_BYTES];
    wardi_text lines = WARDI_TEXT(bytes);
    wardi_text_printf(&lines, "ERRNO=%d\nSTATUS=", error_number);
    add_safe(&lines, text);
    return tell(notify, bytes);
}

bool wardi_notify_extend(wardi_notify *notify, uint64_t timeout_ns)
{
    char bytes[64];
    wardi_text text = WARDI_TEXT(bytes);
    wardi_text_printf(&text, "EXTEND_TIMEOUT_USEC=%" PRIu64, timeout_ns / WARDI_US);
    return tell(notify, bytes);
}

bool wardi_notify_watchdog_ping(wardi_notify *notify)
{
    return tell(notify, "WATCHDOG=1");
}

uint64_t wardi_notify_watchdog_interval_ns(const wardi_notify *notify)
{
    return notify->interval_ns;
}
