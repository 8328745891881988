/* Many components under one supervisor, through the public API, in the dense profile. */
#ifndef BENCH_FLEET_H
#define BENCH_FLEET_H

#include <stdatomic.h>

#include "bench.h"

typedef struct fleet {
    ward_host *host;
    ward_supervisor *supervisor;
    ward_component *warm; /* keeps the module */
    size_t count;
    uint64_t add_ns, start_ns; /* to add all; from the start until the last was ready */
    int64_t bytes;             /* resident and page tables, of all */
    _Atomic uint64_t ready_count, trouble_count; /* events: became ready; failed or not ready */
} fleet;

typedef struct fleet_options {
    const char *guest;
    size_t count;
    uint64_t interval_ns;
} fleet_options;

/** With room for so many, and this module warm. */
void fleet_open_empty(const bench *b, const char *guest, size_t room, fleet *f);
/** Starts it and waits until so many are ready. */
void fleet_start(fleet *f, size_t count);
/** Opens it and waits until all are ready. Ends the program when it can't. */
void fleet_open(const bench *b, const fleet_options *options, fleet *f);
void fleet_close(fleet *f);
/** One more child, of this guest, with these options of the child's, whose component is set here.
 */
void fleet_add(const bench *b, fleet *f, const char *guest, const char *name,
               ward_child_options *options);
ward_child_id fleet_find(const fleet *f, const char *name);

#endif
