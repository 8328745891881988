#include <pthread.h>
#include <time.h>

#include "cli/cli.h"

ward_error wardi_cli_host_open(const ward_host_options *options, ward_host **ret_host,
                               ward_diag *ret_diag)
{
    ward_host_options own = *options;
    own.compiler_path = "/proc/self/exe"; /* this very program, whatever its name or place */
    ward_error error = ward_host_open(&own, ret_host, ret_diag);
    if (error != WARD_ERROR_IO || own.cache_directory != NULL) return error;
    wardi_complain("modules are compiled anew each time: %s", ret_diag->text);
    own.cache_directory = "";
    return ward_host_open(&own, ret_host, ret_diag);
}

static void *close_host(void *host)
{
    ward_host_close(host);
    return NULL;
}

void wardi_cli_host_close(ward_host *host)
{
    pthread_t closer;
    struct timespec until;
    if (host == NULL) return;
    if (pthread_create(&closer, NULL, close_host, host) != 0) {
        ward_host_close(host);
        return;
    }
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += 1;
    if (pthread_clockjoin_np(closer, NULL, CLOCK_MONOTONIC, &until) != 0) pthread_detach(closer);
}
