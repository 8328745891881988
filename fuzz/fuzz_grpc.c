/* The bytes of one gRPC connection, behind HTTP/2's first words: whatever they are, it ends when
 * the client has ended, and the next one is served. */
#include <string.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ward/ward.h>

#include "surface/surface.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);
int LLVMFuzzerInitialize(int *arg_count, char ***args);

static wardi_surface *surface;
static struct sockaddr_in at = {.sin_family = AF_INET};

static void on_event(void *context, const ward_event *event)
{
    (void)context;
    wardi_surface_take(surface, event);
}

/* A component "a" to ask for, for as long as the process lives. */
int LLVMFuzzerInitialize(int *arg_count, char ***args)
{
    (void)arg_count, (void)args;
    static ward_host *host;
    static ward_supervisor *supervisor;
    ward_diag diag;
    ward_host_options host_options = WARD_INIT(ward_host_options);
    ward_supervisor_options options = WARD_INIT(ward_supervisor_options);
    ward_native_options native = WARD_INIT(ward_native_options);
    ward_child_options child = WARD_INIT(ward_child_options);
    wardi_surface_options surface_options = {.grpc_address = "127.0.0.1:0"};
    host_options.cache_directory = host_options.compiler_path = "";
    host_options.components_max = 16;
    options.on_event = on_event;
    native.name = "a";
    child.native = &native;
    WARD_ASSERT(ward_host_open(&host_options, &host, &diag) == WARD_OK);
    WARD_ASSERT(wardi_surface_new(&surface_options, &surface, &diag) == WARD_OK);
    WARD_ASSERT(ward_supervisor_new(host, &options, &supervisor, &diag) == WARD_OK);
    WARD_ASSERT(ward_supervisor_add(supervisor, &child, &diag) == WARD_OK);
    WARD_ASSERT(wardi_surface_start(surface, supervisor, &diag) == WARD_OK);
    WARD_ASSERT(ward_supervisor_start(supervisor, &diag) == WARD_OK);
    at.sin_port = htons((uint16_t)atoi(strrchr(wardi_surface_grpc_address(surface), ':') + 1));
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static const char magic[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    static uint32_t round;
    /* Each from another of this machine's addresses, or ports run out: the kernel keeps them for a
     * minute. */
    struct sockaddr_in from = {.sin_family = AF_INET};
    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + round++ % 0xffff00);
    uint8_t answer[4096];
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    WARD_ASSERT(fd >= 0 && bind(fd, (const struct sockaddr *)&from, sizeof from) == 0);
    if (connect(fd, (const struct sockaddr *)&at, sizeof at) != 0) {
        /* The kernel may have had enough for a moment; a server that is gone stays so. */
        static uint32_t failures;
        WARD_ASSERT(++failures < 1000);
        close(fd);
        return 0;
    }
    (void)!send(fd, magic, sizeof magic - 1, MSG_NOSIGNAL);
    (void)!send(fd, bytes, length, MSG_NOSIGNAL);
    shutdown(fd, SHUT_WR);
    while (recv(fd, answer, sizeof answer, 0) > 0) continue;
    close(fd);
    return 0;
}
