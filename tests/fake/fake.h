/* A fake engine behind src/engine/engine.h, for tests: guests are C structs, so that every way a
 * guest can behave is one assignment, and ThreadSanitizer sees all there is.
 *
 * A module is the address of a fake_guest: FAKE_SOURCE(options, guest) passes it as the bytes of a
 * component's options. The test owns the guest, which must outlive its component. */
#ifndef WARD_FAKE_H
#define WARD_FAKE_H

#include <stdatomic.h>

#include "engine/engine.h"

typedef struct fake_guest fake_guest;

/* An export's behaviour. A guest's end is fake_end(...); what waits in an import, FAKE_WAITS. */
typedef ward_error (*fake_run)(fake_guest *guest, const wardi_value *args, wardi_value *results,
                               uint64_t timeout_ns, ward_trap *trap);

enum { FAKE_EXPORTS_MAX = 10, FAKE_MEMORY_BYTES = 65536 };

typedef struct fake_export {
    const char *name, *type;
    wardi_export detail;
    fake_run run;
} fake_export;

struct fake_guest {
    bool is_component, missing_import;
    const char *waits_on;
    uint32_t waits;   /* resumes that each call takes, if it waits_on something */
    uint64_t wait_ns; /* until the next of them is due */
    ward_error load_error, instance_error; /* instead of success */
    uint64_t memory_bytes_min, table_elements_min;
    uint64_t load_ns; /* how long loading takes */
    size_t export_count;
    fake_export exports[FAKE_EXPORTS_MAX];

    /* `_health` as fake_health adds it: what it returns, or how it ends. */
    uint64_t health_bits;
    ward_error health_error;
    wardi_component_answer answer;
    uint8_t answer_bytes[2048];
    size_t answer_length;

    const char *cause; /* of the next end */
    char breach[256];  /* of the ABI, in the import's words */
    int32_t exit_code;
    uint64_t fuel; /* of each call */

    /* Runs inside every call, before its behaviour: how a test looks at a component that is busy.
     */
    void (*during)(fake_guest *guest, const char *export_name);
    void *during_context;
    /* Runs at the end of every call that may wait, however it came. */
    void (*over)(fake_guest *guest, const char *export_name, ward_error error);

    bool no_memory; /* exports none */
    size_t memory_length;
    uint8_t memory[FAKE_MEMORY_BYTES];

    _Atomic uint64_t memory_bytes, growths_refused; /* figures */
    atomic_int modules, instances, calls;           /* alive, alive, ever */
    atomic_int inside;                              /* in a call now; more than 1 is a bug */
    wardi_instance *entered;                        /* whose call that is */
    uint64_t timeout_seen;
    bool metered_seen;
    ward_limits limits_seen;
};

/** An empty core module with a memory of one page. */
void fake_init(fake_guest *guest);
/** Adds `name: (i32 × params) -> result`; `result` NULL: none. */
fake_export *fake_func(fake_guest *guest, const char *name, size_t params,
                       const wardi_value_kind *result, fake_run run);
/** Adds `_health: () -> kind` (core), or `health: () -> shape` when the guest is a component; it
 * behaves as the guest's health_… and answer… fields say. */
void fake_health(fake_guest *guest, wardi_value_kind kind);
void fake_health_shape(fake_guest *guest, wardi_result_shape shape);
/** Puts a frame into the guest's memory and makes `_health` return it (i32 form). */
void fake_frame(fake_guest *guest, uint32_t address, const uint8_t *frame, size_t length);
/** Fills `trap` as the engine does, and returns `error`. */
ward_error fake_end(const fake_guest *guest, ward_error error, ward_trap *trap);

/* ---- imports, from inside a run ----
 *
 * A fake guest has no stack that could wait. A run whose import waits returns FAKE_WAITS, and is
 * run again from its beginning when the import is done: it keeps in fake_call_state where it was,
 * and fake_answer has what the import said. */

#define FAKE_WAITS WARD_ERROR_WOULD_BLOCK

/** Of the instance that runs, or whose call is over: wardi_instance_options.context. */
void *fake_context(const fake_guest *guest);
/** The call's own to write, zeroes when it begins. */
uint64_t *fake_call_state(fake_guest *guest);
/** Calls an import of the engine's. WARDI_ENDS: the run returns fake_end(TRAP). */
wardi_answer fake_import(fake_guest *guest, const char *module, const char *name,
                         const wardi_raw *args, size_t arg_count, wardi_raw *ret_result);
/** True, once: the import that the call waited in has answered this. */
bool fake_answer(fake_guest *guest, wardi_raw *ret_result);

#define FAKE_SOURCE(options, guest_pointer)                                                        \
    do {                                                                                           \
        static _Thread_local fake_guest *source_pointer;                                           \
        source_pointer = (guest_pointer);                                                          \
        (options).bytes = (const uint8_t *)&source_pointer;                                        \
        (options).byte_count = sizeof source_pointer;                                              \
    } while (0)

extern const wardi_value_kind fake_i32, fake_i64;

#endif
