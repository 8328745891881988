#include "fleet.h"

#include <malloc.h>
#include <stdio.h>
#include <string.h>

#include "count.h"

static void on_event(void *context, const ward_event *event)
{
    fleet *f = context;
    if (event->kind == WARD_EVENT_READY && event->ready) atomic_fetch_add(&f->ready_count, 1);
    bool unwell = event->kind == WARD_EVENT_HEALTH && event->health == WARD_CHILD_FAILED;
    bool unready = event->kind == WARD_EVENT_READY && !event->ready;
    if (unwell || unready) atomic_fetch_add(&f->trouble_count, 1);
}

/* The page tables are the kernel's, and paid for by whoever spreads memory out. */
static int64_t page_table_bytes(void)
{
    char line[128];
    long long kib = 0;
    FILE *file = fopen("/proc/self/status", "re");
    if (!file) return 0;
    while (fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "VmPTE: %lld kB", &kib) == 1) break;
    fclose(file);
    return kib * 1024;
}

static int64_t memory_now(void)
{
    return bench_resident_bytes() + page_table_bytes();
}

void fleet_add(const bench *b, fleet *f, const char *guest, const char *name,
               ward_child_options *options)
{
    ward_component_options component = WARD_INIT(ward_component_options);
    ward_diag diag;
    component.name = name;
    component.path = bench_path(b, guest);
    options->component = &component;
    bench_must(ward_supervisor_add(f->supervisor, options, &diag), &diag, name);
    options->component = NULL;
}

ward_child_id fleet_find(const fleet *f, const char *name)
{
    ward_child_id id = 0;
    ward_diag diag = {.text = "not found"};
    bench_must(ward_supervisor_find(f->supervisor, name, &id), &diag, name);
    return id;
}

static void add_all(const bench *b, const fleet_options *options, fleet *f)
{
    for (size_t i = 0; i < options->count; i++) {
        char name[32];
        ward_child_options child = WARD_INIT(ward_child_options);
        child.interval_ns = options->interval_ns;
        snprintf(name, sizeof name, "component-%zu", i);
        fleet_add(b, f, options->guest, name, &child);
    }
}

/* A component that is not of the fleet keeps the module, so that it is warm. */
static ward_component *warm(const bench *b, ward_host *host, const char *guest)
{
    ward_component_options options = WARD_INIT(ward_component_options);
    ward_component *component = NULL;
    ward_diag diag;
    options.name = "warm";
    options.path = bench_path(b, guest);
    bench_must(ward_component_new(host, &options, &component, &diag), &diag, guest);
    bench_must(ward_component_load(component, &diag), &diag, guest);
    return component;
}

void fleet_open_empty(const bench *b, const char *guest, size_t room, fleet *f)
{
    ward_host_options host = WARD_INIT(ward_host_options);
    ward_supervisor_options supervisor = WARD_INIT(ward_supervisor_options);
    ward_diag diag;
    memset(f, 0, sizeof *f);
    host.profile = WARD_MEMORY_DENSE;
    host.components_max = (uint32_t)room;
    host.memory_bytes_max = 64 << 10;
    host.cache_directory = "";
    host.compiler_path = "";
    supervisor.on_event = on_event;
    supervisor.event_context = f;
    bench_must(ward_host_open(&host, &f->host, &diag), &diag, "opening the host");
    f->warm = warm(b, f->host, guest);
    bench_must(ward_supervisor_new(f->host, &supervisor, &f->supervisor, &diag), &diag, "fleet");
}

void fleet_start(fleet *f, size_t count)
{
    ward_diag diag;
    bench_must(ward_supervisor_start(f->supervisor, &diag), &diag, "starting the fleet");
    while (atomic_load(&f->ready_count) < count)
        wardi_sleep_until_ns(wardi_now_ns() + 100 * WARDI_US);
}

/* As `ward run` does, which knows its components beforehand as well. */
#define HEAP_BYTES_EACH ((size_t)9 << 10)

void fleet_open(const bench *b, const fleet_options *options, fleet *f)
{
    malloc_trim(0); /* what an earlier one has left would not be counted */
    wardi_heap_expect(options->count * HEAP_BYTES_EACH);
    fleet_open_empty(b, options->guest, options->count + 16, f);
    int64_t before = memory_now();
    f->count = options->count;
    uint64_t start_ns = wardi_now_ns();
    add_all(b, options, f);
    uint64_t added_ns = wardi_now_ns();
    fleet_start(f, f->count);
    f->add_ns = added_ns - start_ns;
    f->start_ns = wardi_now_ns() - added_ns;
    f->bytes = memory_now() - before;
}

void fleet_close(fleet *f)
{
    ward_supervisor_free(f->supervisor);
    ward_component_free(f->warm);
    ward_host_close(f->host);
}
