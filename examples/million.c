/* Very many components under one supervisor, each a guest with a memory of its own.
 *
 *     cc million.c $(pkg-config --cflags --libs ward) -o million
 *     ./million              a thousand
 *     ./million 1000000      a million: 13 GiB, and no kernel setting to be changed
 *
 * What they are goes to standard output, and what they cost, which depends on the machine, to
 * standard error. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <ward/ward.h>

/* Says that it is well when the word in its memory says so. */
static const char guest[] = "(module (memory (export \"memory\") 1 1)"
                            " (data (i32.const 1024) \"\\00\\00\\00\\00\")"
                            " (func (export \"_health\") (result i32)"
                            "   (i32.load (i32.const 1024))))";

enum { SWEEPS = 5, ONE_SECOND_NS = 1000000000 };

static atomic_size_t ready;

static void on_event(void *context, const ward_event *event)
{
    (void)context;
    if (event->kind == WARD_EVENT_READY && event->ready) atomic_fetch_add(&ready, 1);
}

static double seconds(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / ONE_SECOND_NS;
}

static void sleep_for(double time)
{
    struct timespec span = {.tv_sec = (time_t)time};
    span.tv_nsec = (long)((time - (double)span.tv_sec) * ONE_SECOND_NS);
    nanosleep(&span, NULL);
}

/* Resident memory and the page tables that map it, bytes. */
static double memory_bytes(void)
{
    char line[128];
    double kib = 0, part;
    FILE *file = fopen("/proc/self/status", "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "VmRSS: %lf", &part) == 1 || sscanf(line, "VmPTE: %lf", &part) == 1)
            kib += part;
    if (file != NULL) fclose(file);
    return kib * 1024;
}

static ward_error add_all(ward_supervisor *supervisor, size_t count, ward_diag *diag)
{
    ward_error error = WARD_OK;
    for (size_t i = 0; i < count && !error; i++) {
        char name[32];
        ward_component_options component = WARD_INIT(ward_component_options);
        ward_child_options child = WARD_INIT(ward_child_options);
        snprintf(name, sizeof name, "component-%zu", i);
        component.name = name;
        component.bytes = (const uint8_t *)guest;
        component.byte_count = sizeof guest - 1;
        child.component = &component;
        child.interval_ns = ONE_SECOND_NS;
        error = ward_supervisor_add(supervisor, &child, diag);
    }
    return error;
}

/* Every component is asked for its health, and each has answered when this returns. */
static ward_error sweep_all(ward_supervisor *supervisor, size_t count)
{
    ward_error error = WARD_OK;
    for (int i = 0; i < SWEEPS && !error; i++) {
        ward_sweep_result result = WARD_INIT(ward_sweep_result);
        double begun = seconds(CLOCK_MONOTONIC);
        error = ward_supervisor_sweep(supervisor, NULL, &result);
        double span = seconds(CLOCK_MONOTONIC) - begun;
        unsigned long long well = result.by_health[WARD_HEALTH_HEALTHY];
        if (i == 0) printf("%llu of %zu say they are healthy\n", well, count);
        fprintf(stderr, "a sweep took %.2f ms, %.0f ns each\n", span * 1e3,
                span * 1e9 / (double)count);
    }
    return error;
}

static ward_error run(ward_supervisor *supervisor, size_t count, ward_diag *diag)
{
    double memory = memory_bytes(), begun = seconds(CLOCK_MONOTONIC);
    ward_error error = add_all(supervisor, count, diag);
    if (!error) error = ward_supervisor_start(supervisor, diag);
    if (error) return error;
    while (atomic_load(&ready) < count) sleep_for(0.001);
    double span = seconds(CLOCK_MONOTONIC) - begun;
    printf("%zu components are ready\n", count);
    fprintf(stderr, "ready after %.2f s, %.1f us each; %.0f bytes each\n", span,
            span * 1e6 / (double)count, (memory_bytes() - memory) / (double)count);
    double spent = seconds(CLOCK_PROCESS_CPUTIME_ID);
    sleep_for(2);
    spent = seconds(CLOCK_PROCESS_CPUTIME_ID) - spent;
    fprintf(stderr, "each is checked once a second: %.1f %% of one core\n", spent / 2 * 100);
    return sweep_all(supervisor, count);
}

int main(int argc, char **argv)
{
    size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000;
    ward_host *host = NULL;
    ward_supervisor *supervisor = NULL;
    ward_diag diag = {WARD_OK, ""};
    if (count == 0 || count > 10000000) {
        fprintf(stderr, "usage: %s [1..10000000]\n", argv[0]);
        return 2;
    }
    ward_host_options options = WARD_INIT(ward_host_options);
    options.profile = WARD_MEMORY_DENSE;
    options.components_max = (uint32_t)count;
    options.memory_bytes_max = 64 << 10; /* of each; what is not touched costs nothing but room */
    ward_supervisor_options own = WARD_INIT(ward_supervisor_options);
    own.on_event = on_event;

    ward_error error = ward_host_open(&options, &host, &diag);
    if (!error) error = ward_supervisor_new(host, &own, &supervisor, &diag);
    if (!error) error = run(supervisor, count, &diag);
    if (error) fprintf(stderr, "%s\n", diag.text[0] != '\0' ? diag.text : ward_error_text(error));
    ward_supervisor_free(supervisor);
    ward_host_close(host);
    return error != WARD_OK;
}
