#include <pthread.h>
#include <time.h>

#include "cli/cli.h"

ward_error wardi_cli_host_open(const ward_host_options *options, ward_host **ret_host,
                               ward_diag *ret_diag)
{
    ward_error error = ward_host_open(options, ret_host, ret_diag);
    if (error != WARD_ERROR_IO || options->cache_directory != NULL) return error;
    wardi_complain("modules are compiled anew each time: %s", ret_diag->text);
    ward_host_options without = *options;
    without.cache_directory = "";
    return ward_host_open(&without, ret_host, ret_diag);
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
