/* What a ward answers to the commands that ask one, from a ward that means no good: the first byte
 * says which command (its lowest three bits, and as a fourth its seventh) and how it shows, the
 * rest is the body of the answer, or all of it. The command ends with one of its statuses, and what
 * it shows is clean: nothing of what came reaches a terminal as an escape. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);
int LLVMFuzzerInitialize(int *arg_count, char ***args);

static char folder[] = "/tmp/ward-fuzz-XXXXXX", path[64];

/* What the ward answers; its thread may come late: the lock is for that. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    const uint8_t *bytes;
    size_t length;
    bool is_whole; /* headers, too */
} answer;

/* ---- the ward ---- */

/* Reads the request's head: those that are asked here have none but GETs and small bodies. */
static void serve(int fd)
{
    char head[128], request[4096];
    size_t length = 0;
    for (ssize_t got; length < sizeof request - 1 &&
                      (got = recv(fd, request + length, sizeof request - 1 - length, 0)) > 0;) {
        length += (size_t)got;
        request[length] = '\0';
        if (strstr(request, "\r\n\r\n") != NULL) break;
    }
    pthread_mutex_lock(&lock);
    int size = snprintf(head, sizeof head,
                        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n",
                        answer.length);
    if (!answer.is_whole) (void)!send(fd, head, (size_t)size, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)!send(fd, answer.bytes, answer.length, MSG_NOSIGNAL | MSG_DONTWAIT);
    pthread_mutex_unlock(&lock);
    shutdown(fd, SHUT_WR);
    while (recv(fd, request, sizeof request, 0) > 0) continue;
    close(fd);
}

static void *ward(void *listener)
{
    for (int fd; (fd = accept(*(int *)listener, NULL, NULL)) >= 0;) serve(fd);
    return NULL;
}

static void leave(void)
{
    unlink(path);
    rmdir(folder);
}

int LLVMFuzzerInitialize(int *arg_count, char ***args)
{
    static int listener;
    static pthread_t thread;
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    (void)arg_count, (void)args;
    WARD_ASSERT(mkdtemp(folder) != NULL);
    (void)snprintf(path, sizeof path, "%s/socket", folder);
    atexit(leave);
    memcpy(at.sun_path, path, sizeof path);
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    WARD_ASSERT(listener >= 0 && bind(listener, (struct sockaddr *)&at, sizeof at) == 0);
    WARD_ASSERT(listen(listener, 16) == 0);
    WARD_ASSERT(pthread_create(&thread, NULL, ward, &listener) == 0);
    stderr = fopen("/dev/null", "w");
    WARD_ASSERT(stderr != NULL);
    return 0;
}

/* ---- the commands ---- */

static char name[] = "api", function[] = "add";

static int ps(unsigned how)
{
    static const char *const outputs[] = {"table", "wide", "json", "yaml", "name"};
    wardi_ps_settings own = {.socket = path, .output = outputs[how % 5], .sort = "name"};
    own.groups = how % 2 != 0;
    return wardi_ps_run(&own, NULL, 0);
}

static int tree(unsigned how)
{
    wardi_ps_settings own = {.socket = path, .output = how % 2 != 0 ? "json" : "table"};
    return wardi_tree_run(&own, NULL, 0);
}

static int why(unsigned how)
{
    wardi_client_settings own = {.socket = path, .json = how % 2 != 0};
    return wardi_why_run(&own, (char *[]){name, NULL}, 1);
}

static int evidence(unsigned how)
{
    wardi_evidence_settings own = {.socket = path, .json = how % 2 != 0};
    return wardi_evidence_run(&own, (char *[]){name, NULL}, 1);
}

static int events(unsigned how)
{
    wardi_events_settings own = {
        .socket = path, .json = how % 2 != 0, .follow = how % 4 > 1, .limit = 10};
    return wardi_events_run(&own, NULL, 0);
}

static int logs(unsigned how)
{
    wardi_logs_settings own = {.socket = path, .json = how % 2 != 0, .limit = 10};
    return wardi_logs_run(&own, NULL, 0);
}

static int call(unsigned how)
{
    wardi_call_settings own = {.socket = path, .json = how % 2 != 0};
    return wardi_call_run(&own, (char *[]){name, function, NULL}, 2);
}

static int health(unsigned how)
{
    wardi_health_settings own = {.socket = path, .live = how % 2 != 0};
    return wardi_health_run(&own, NULL, 0);
}

static int reload(unsigned how)
{
    wardi_reload_settings own = {.socket = path, .json = how % 2 != 0, .timeout_ns = WARDI_S};
    return wardi_reload_run(&own, NULL, 0);
}

static int restart(unsigned how)
{
    wardi_client_settings own = {.socket = path};
    (void)how;
    return wardi_restart_run(&own, (char *[]){name, NULL}, 1);
}

/* ---- what is shown ---- */

/* Colours are not for a pipe; a line ends with one character. */
static void check_clean(const char *shown, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)shown[i];
        WARD_ASSERT(c >= 0x20 || c == '\n' || c == '\t');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static int (*const commands[])(unsigned how) = {ps,   tree, why,    evidence, events,
                                                    logs, call, health, reload,   restart};
    size_t which = length != 0 ? (bytes[0] & 7) | (bytes[0] >> 3 & 8) : WARD_COUNT(commands);
    if (which >= WARD_COUNT(commands)) return 0;
    FILE *before = stdout;
    char *shown = NULL;
    size_t shown_length = 0;
    pthread_mutex_lock(&lock);
    answer.bytes = bytes + 1;
    answer.length = length - 1;
    answer.is_whole = (bytes[0] & 0x80) != 0;
    pthread_mutex_unlock(&lock);
    stdout = open_memstream(&shown, &shown_length);
    WARD_ASSERT(stdout != NULL);
    int status = commands[which](bytes[0] >> 3 & 7);
    fclose(stdout);
    stdout = before;
    pthread_mutex_lock(&lock);
    answer.length = 0;
    pthread_mutex_unlock(&lock);
    WARD_ASSERT(status >= 0 && status <= 3);
    check_clean(shown, shown_length);
    free(shown);
    return 0;
}
