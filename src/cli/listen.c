#include "cli/listen.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/values.h"

#define FIRST_FD (STDERR_FILENO + 1)
#define UNNAMED "unknown"

/* How many descriptors there are for this process; 0: none, or it was said why. */
static size_t count_read(void)
{
    char advice[WARDI_ADVICE_BYTES];
    uint64_t pid = 0, count = 0;
    const char *owner = getenv("LISTEN_PID"), *text = getenv("LISTEN_FDS");
    if (owner == NULL || text == NULL) return 0;
    if (wardi_value_count(owner, &pid, advice) != NULL) {
        wardi_warn("run: LISTEN_PID, \"%s\", is no pid: no socket is taken over", owner);
        return 0;
    }
    if (pid != (uint64_t)getpid()) return 0;
    if (wardi_value_count(text, &count, advice) != NULL || count > WARDI_LISTEN_MAX) {
        wardi_warn("run: LISTEN_FDS, \"%s\", is no number up to %d: no socket is taken over", text,
                   WARDI_LISTEN_MAX);
        return 0;
    }
    return (size_t)count;
}

/* NULL: it is one that connections can be taken from. */
static const char *wrong_with(int fd)
{
    int type = 0, listens = 0;
    socklen_t size = sizeof type;
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) return "is not open";
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0) return "is no socket";
    size = sizeof listens;
    if (type != SOCK_STREAM || getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 ||
        listens == 0)
        return "does not listen for streams (ListenStream=, with Accept=no)";
    return NULL;
}

void wardi_listen_init(wardi_listen *ret_listen)
{
    size_t count = count_read();
    const char *names = getenv("LISTEN_FDNAMES");
    *ret_listen = (wardi_listen){.names = count != 0 && names != NULL ? wardi_strdup(names) : NULL};
    char *rest = ret_listen->names;
    for (size_t i = 0; i < count; i++) {
        int fd = FIRST_FD + (int)i;
        const char *name = rest != NULL ? strsep(&rest, ":") : UNNAMED;
        const char *wrong = wrong_with(fd);
        if (wrong != NULL) {
            wardi_warn("run: descriptor %d, \"%s\" of LISTEN_FDS, %s: it is not used", fd, name,
                       wrong);
            continue;
        }
        ret_listen->sockets[ret_listen->count].fd = fd;
        ret_listen->sockets[ret_listen->count++].name = name;
    }
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
}

int wardi_listen_take(wardi_listen *listen, const char *name)
{
    for (size_t i = 0; i < listen->count; i++) {
        int fd = listen->sockets[i].fd;
        if (fd < 0 || strcmp(listen->sockets[i].name, name) != 0) continue;
        listen->sockets[i].fd = -1;
        return fd;
    }
    return -1;
}

void wardi_listen_done(wardi_listen *listen)
{
    for (size_t i = 0; i < listen->count; i++) {
        if (listen->sockets[i].fd < 0) continue;
        wardi_warn("run: the socket \"%s\" that was handed over is closed: Ward has no use for "
                   "one of that name",
                   listen->sockets[i].name);
        close(listen->sockets[i].fd);
    }
    wardi_free(listen->names);
    *listen = (wardi_listen){0};
}
