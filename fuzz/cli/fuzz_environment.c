/* What a service manager leaves in the environment: NOTIFY_SOCKET, WATCHDOG_*, LISTEN_*, a line
 * each. Whatever they hold, it is used or complained of, and gone from the environment; what is
 * told as a status is one line of one datagram. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/listen.h"
#include "cli/notify.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);
int LLVMFuzzerInitialize(int *arg_count, char ***args);

static const char *const names[] = {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID",
                                    "LISTEN_PID",    "LISTEN_FDS",    "LISTEN_FDNAMES"};
static int manager = -1;
static char manager_name[40];

/* A manager at an abstract name, so that something is told to somebody. */
int LLVMFuzzerInitialize(int *arg_count, char ***args)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    (void)arg_count, (void)args;
    int length = snprintf(manager_name, sizeof manager_name, "@ward-fuzz-%ld", (long)getpid());
    memcpy(at.sun_path + 1, manager_name + 1, (size_t)length - 1);
    manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)length);
    WARD_ASSERT(manager >= 0 && bind(manager, (struct sockaddr *)&at, size) == 0);
    stderr = fopen("/dev/null", "w"); /* complaints by the thousand */
    WARD_ASSERT(stderr != NULL);
    return 0;
}

/* "*" stands for what changes from run to run: our pid, our manager. */
static void put(const char *name, const char *value)
{
    char pid[24];
    (void)snprintf(pid, sizeof pid, "%ld", (long)getpid());
    bool own = strcmp(value, "*") == 0;
    const char *meant = strcmp(name, "NOTIFY_SOCKET") == 0 ? manager_name : pid;
    /* Nobody's sockets are written to but ours. */
    if (strcmp(name, "NOTIFY_SOCKET") == 0 && value[0] == '/') own = strlen(value) < 100;
    WARD_ASSERT(setenv(name, own ? meant : value, 1) == 0);
}

static void check_told(wardi_notify *notify, const char *status)
{
    char said[1024];
    if (notify->socket < 0) return;
    (void)wardi_notify_ready(notify);
    (void)wardi_notify_status(notify, status);
    for (ssize_t got; (got = recv(manager, said, sizeof said - 1, 0)) >= 0;) {
        said[got] = '\0';
        const char *text = strstr(said, "STATUS=");
        WARD_ASSERT(strlen(said) == (size_t)got);
        const char *end = text != NULL ? strchr(text, '\n') : NULL;
        WARD_ASSERT(end == NULL || end[1] == '\0');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    char *text = strndup((const char *)bytes, length), *rest = text;
    WARD_ASSERT(text != NULL);
    for (size_t i = 0; i < WARD_COUNT(names); i++) {
        const char *value = rest != NULL ? strsep(&rest, "\n") : NULL;
        if (value != NULL) put(names[i], value);
    }
    wardi_notify notify;
    wardi_listen listen;
    wardi_listen_init(&listen);
    WARD_ASSERT(listen.count <= WARDI_LISTEN_MAX);
    (void)wardi_listen_take(&listen, "http");
    wardi_listen_done(&listen);
    wardi_notify_init(&notify);
    for (size_t i = 0; i < WARD_COUNT(names); i++) WARD_ASSERT(getenv(names[i]) == NULL);
    check_told(&notify, rest != NULL ? rest : "");
    wardi_notify_done(&notify);
    free(text);
    return 0;
}
