/* Shared by the files of component alone. */
#ifndef WARDI_COMPONENT_PRIV_H
#define WARDI_COMPONENT_PRIV_H

#include <pthread.h>
#include <stdatomic.h>

#include "component/component.h"

/* Who is inside. Taken by compare-and-swap, given back by a store. */
typedef enum wardi_activity {
    WARDI_IDLE,
    WARDI_CHECKING,
    WARDI_CALLING,
    WARDI_LOADING,
    WARDI_STARTING,
    WARDI_STOPPING,
    WARDI_FAILING,
} wardi_activity;

/* Exports that Ward itself calls, looked up once an instance. */
typedef enum wardi_known {
    WARDI_KNOWN_HEALTH, /* first: see struct ward_component */
    WARDI_KNOWN_INITIALIZE,
    WARDI_KNOWN_START,
    WARDI_KNOWN_CLEANUP,
    WARDI_KNOWN_MESSAGE,
    WARDI_KNOWN_ALLOC,
    WARDI_KNOWN_COUNT,
} wardi_known;

/* A text with its attributes that one thread replaces while others read it, without a lock. A new
 * text goes where the last but one was, then the tag says so; a reader that finds the same tag
 * before and after has read one text, and a writer that is stopped half-way stops no reader.
 * Each word is stored with release and loaded with acquire, so that whoever reads a word of the
 * text after next sees the tag that came before it: fences, which ThreadSanitizer cannot see, are
 * not needed. Holds the last verdict while Ready, and the reason while Failed. */
typedef struct wardi_note_texts {
    _Atomic uint64_t words[2][(WARD_REASON_BYTES_MAX + 1) / 8];
} wardi_note_texts;

typedef struct wardi_note {
    _Atomic uint64_t tag;
    _Atomic(wardi_note_texts *) texts; /* made with the first text: most never have one */
} wardi_note;

typedef enum wardi_note_kind {
    WARDI_NOTE_NONE,
    WARDI_NOTE_VERDICT,
    WARDI_NOTE_FAILURE
} wardi_note_kind;

typedef struct wardi_note_attributes {
    wardi_note_kind kind;
    ward_child_health health;
    ward_source source;
    ward_probe_error probe_error;
    ward_resource resource;
} wardi_note_attributes;

/** Without memory for texts the attributes are noted and the text is not. */
void wardi_note_put(wardi_note *note, const wardi_note_attributes *attributes, const char *bytes,
                    size_t length, bool cut);
/** False when a new text came in the way of every attempt: then the attributes are right and the
 * text is empty. */
bool wardi_note_get(wardi_note *note, wardi_note_attributes *ret_attributes, ward_reason *ret_text);
void wardi_note_done(wardi_note *note);

/* What options say, once for all components whose options are equal: a fleet has one. Read only. */
typedef struct component_terms {
    ward_limits limits;
    ward_health_policy policy;
    bool wants_resources;
    uint64_t start_timeout_ns, stop_timeout_ns;
    char *path;       /* NULL: the source is bytes */
    uint64_t holders; /* under the lock of terms.c */
} component_terms;
/** `wanted` is copied, unless the last that was made is equal. NULL: out of memory. */
const component_terms *wardi_terms_take(const component_terms *wanted);
/** NULL is fine. */
void wardi_terms_drop(const component_terms *terms);

/* Traps of the window, in slices of an eighth of it: 40 bytes whatever their number. */
enum { WARDI_TRAP_SLICES = 8 };
typedef struct wardi_trap_window {
    uint64_t slice; /* of the newest count */
    uint32_t counts[WARDI_TRAP_SLICES];
} wardi_trap_window;

/* A call from its beginning to its end, which may be some waits away. What it points to is its
 * caller's until then. */
typedef struct numbers_call {
    const ward_value *args;
    size_t arg_count;
    ward_value *results;
    size_t *ret_count; /* the room, then how many there are; may be NULL */
} numbers_call;

typedef struct bytes_call {
    const uint8_t *bytes;
    size_t length;
    wardi_answer_taker take;
    void *context;
    wardi_func alloc;
    uint32_t address; /* where they are, */
    bool placed;      /* once they are */
} bytes_call;

typedef struct guest_call guest_call;
struct guest_call {
    /* finds and checks the exports; the activity is held */
    ward_error (*find)(ward_component *component, guest_call *call, ward_diag *ret_diag);
    /* begins, or goes on after a wait; `waits` tells whether it is over */
    ward_error (*go)(ward_component *component, guest_call *call, ward_diag *ret_diag);
    const char *function;
    wardi_func func;
    uint64_t began_ticks, timeout_ns; /* of the whole */
    uint64_t at_ticks, left_ns;       /* when its last leg ended; what is left for the next */
    uint64_t wake_ns, ran_ns;         /* when to resume; inside the guest so far */
    bool waits;
    bool stands_by; /* its caller waits, on its own thread */
    union {
        numbers_call numbers;
        bytes_call bytes;
    } of;
};

/* Many have their checks in a row: what a check touches comes first, in as few lines as it takes.
 */
struct ward_component {
    /* ---- written by new, read by any thread ---- */
    const component_terms *terms;

    /* ---- written by the holder of `activity`, read by any thread ---- */
    _Atomic uint32_t state; /* release; readers acquire */
    /* ---- written by any thread ---- */
    _Atomic uint32_t activity;

    /* Figures are read while another thread may free the instance: a reader announces itself in
     * `readers` before it loads `instance`, and the one who frees clears `instance`, then waits
     * until nobody is announced. Both are sequentially consistent. */
    _Atomic(wardi_instance *) instance;
    /* Only to be fetched: of the last instance, which may be gone. */
    _Atomic uintptr_t places[WARDI_PLACES];

    /* ---- written by the holder of `activity`, read by any thread ---- */
    _Atomic uint64_t busy_since_ticks; /* 0: only just, or not at all */
    _Atomic uint64_t verdict_at_ticks; /* of `note` when it is a verdict */
    _Atomic uint64_t checks, probes, probe_ns_total;
    wardi_note note;

    /* ---- the holder of `activity` alone ---- */
    _Atomic uint64_t inside_ns; /* the guest, all in all; any thread reads */

    /* ---- written by a successful load, once; published by `loaded` ---- */
    ward_health_form health_form;
    atomic_bool loaded;
    /* ---- the holder of `activity` alone ---- */
    wardi_func known[WARDI_KNOWN_COUNT]; /* the health export is the first */

    /* From here on, nothing that a healthy check looks at. */

    /* ---- written by new, read by any thread ---- */
    uint64_t id;
    wardi_engine *engine;
    void *context;          /* for imports */
    char *name, *version;   /* version NULL: "" */
    ward_wasi_grants *wasi; /* NULL: nothing granted */
    uint64_t created_wall_ns;

    /* ---- written by a successful load, once; published by `loaded` ---- */
    wardi_module *module;
    uint32_t known_exports[WARDI_KNOWN_COUNT]; /* into the module's exports; UINT32_MAX: none */

    /* ---- the holder of `activity` alone ---- */
    wardi_module *refused; /* by the last load, for an import; kept to be described */
    uint8_t *bytes;        /* the source, given back once it is loaded */
    size_t byte_count;
    guest_call *pending; /* NULL: none was made yet */
    uint64_t checked_at_ns, inside_seen_ns;
    uint64_t growths_seen;
    uint64_t fuel_peak; /* since the last check */
    wardi_trap_window traps_recent;

    /* ---- written by the holder of `activity`, read by any thread ---- */
    _Atomic(const char *) busy_export; /* of a call; lives as long as the module */
    _Atomic uint64_t traps, starts, fuel_peak_of_run;
    _Atomic uint64_t probe_errors[WARD_PROBE_ERROR_COUNT];
    /* Probes by how long they took, but for the fastest, which are all the others: see
     * wardi_component_latencies. */
    _Atomic uint64_t slow_probes[WARDI_LATENCY_BUCKETS - 1];
    _Atomic uint64_t started_at_ns, started_wall_ns, ran_ns;

    /* ---- written by any thread ---- */
    _Atomic uint64_t checks_outside; /* of threads that did not hold `activity` */
    _Atomic uint64_t restarts_in_window;
    _Atomic uint32_t mailbox_waiting, mailbox_max;
    _Atomic uint32_t readers;

    /* The last end of the guest, under trap_lock. The whole is 3 KiB, made when there is one; what
     * decisions are made from is here whatever memory there is. */
    pthread_mutex_t trap_lock;
    ward_trap *trap;
    ward_error trap_error;
    int32_t trap_exit_code;
    uint64_t trap_at_ns;
};
/* What wardi_component_fetch fetches. */
enum { COMPONENT_CHECKED_BYTES = offsetof(struct ward_component, known) + sizeof(wardi_func) };

/* A counter with one writer at a time: no locked instruction on the path of a check. */
static inline void wardi_count(_Atomic uint64_t *counter, uint64_t by)
{
    uint64_t value = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, value + by, memory_order_relaxed);
}

static inline uint64_t wardi_get(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static inline ward_state wardi_state_of(const ward_component *component)
{
    return (ward_state)atomic_load_explicit(&component->state, memory_order_acquire);
}

static inline wardi_instance *wardi_instance_of(const ward_component *component)
{
    return atomic_load_explicit(&component->instance, memory_order_relaxed);
}

/* ---- activity.c ---- */

static inline bool wardi_activity_take(ward_component *component, wardi_activity activity)
{
    uint32_t idle = WARDI_IDLE;
    return atomic_compare_exchange_strong_explicit(&component->activity, &idle, (uint32_t)activity,
                                                   memory_order_acquire, memory_order_relaxed);
}
/* For who knows that nobody else takes it meanwhile: it may still be held, by a call that waits. */
static inline bool wardi_activity_take_alone(ward_component *component, wardi_activity activity)
{
    if (atomic_load_explicit(&component->activity, memory_order_acquire) != WARDI_IDLE)
        return false;
    atomic_store_explicit(&component->activity, (uint32_t)activity, memory_order_relaxed);
    return true;
}
static inline void wardi_activity_release(ward_component *component)
{
    /* Before the release, so that whoever sees the next holder sees this or that one's own. */
    atomic_store_explicit(&component->busy_since_ticks, 0, memory_order_relaxed);
    atomic_store_explicit(&component->activity, WARDI_IDLE, memory_order_release);
}
/** Takes it, or BUSY with who is inside and for how long. */
ward_error wardi_activity_take_or_fail(ward_component *component, wardi_activity activity,
                                       ward_diag *ret_diag);
/** What runs now: "_health", "handle-message", "start"; and since when. */
const char *wardi_activity_now(const ward_component *component, uint64_t *ret_for_ns);

/* ---- component.c ---- */

/** Moves to a state that the table allows from here, and keeps the clocks. */
void wardi_component_move(ward_component *component, ward_state to);
/** Moves to Failed with a reason; the instance must be gone. */
void wardi_component_move_failed(ward_component *component, const char *reason, size_t length);
/** From here on nobody else reaches the instance, which is the caller's; NULL: there was none. */
wardi_instance *wardi_component_hide_instance(ward_component *component);
/** Frees the instance and everything that depends on it. */
void wardi_component_drop_instance(ward_component *component);

/* ---- trap.c ---- */

/** Records how the guest was ended: counted, and kept for ward_component_last_trap. */
void wardi_trap_record(ward_component *component, ward_error error, const char *export_name,
                       ward_trap *trap);
void wardi_trap_window_add(wardi_trap_window *window, uint64_t window_ns, uint64_t now_ns);
uint64_t wardi_trap_window_count(const wardi_trap_window *window, uint64_t window_ns,
                                 uint64_t now_ns);
/** What every call into the guest leaves behind: time, fuel, and how it ended. After a trap a
 * component-model instance cannot be entered again, and the component is Failed. */
void wardi_guest_left(ward_component *component, const char *export_name, uint64_t duration_ns,
                      ward_error error, ward_trap *trap);

/* ---- load.c ---- */

extern const char *const wardi_known_names[WARDI_KNOWN_COUNT];
/** Loads unless that is done; the deadline is moved on by the time that the module had to wait for
 * its turn to be compiled. The activity is held. */
ward_error wardi_component_load_until(ward_component *component, uint64_t *deadline_ns,
                                      ward_diag *ret_diag);
const char *wardi_health_export_name(const ward_component *component);

/* ---- probe.c ---- */

/** Calls the health export and makes a probe of whatever comes back. `trap` is scratch that the
 * probe borrows from. The activity is held, the component Ready, and there is an export. */
void wardi_probe_run(ward_component *component, wardi_probe *ret_probe, ward_trap *trap);

/* ---- call.c ---- */

/** Runs the call as far as it goes. `ret_wait` NULL: to its end, on this thread. */
ward_error wardi_call_begin(ward_component *component, guest_call *call, uint64_t timeout_ns,
                            wardi_wait *ret_wait, ward_diag *ret_diag);
/** Into the guest and out of it again: begins, or goes on with what waits. WARD_OK with
 * `call->waits` is no end. */
ward_error wardi_call_leg(ward_component *component, guest_call *call, const wardi_func *func,
                          const wardi_value *args, size_t arg_count, wardi_value *ret_results,
                          size_t result_count, ward_diag *ret_diag);
/** EXPORT_MISSING, with the closest name. */
ward_error wardi_call_find(ward_component *component, const char *name, wardi_func *ret_func,
                           ward_diag *ret_diag);
const wardi_export *wardi_call_export(const ward_component *component, const wardi_func *func);
const char *wardi_call_name(const ward_component *component, const wardi_func *func);
/** EXPORT_TYPE: what it is, and what was wanted. */
ward_error wardi_call_wrong_type(const ward_component *component, const wardi_func *func,
                                 const char *wanted, ward_diag *ret_diag);

/* ---- options.c ---- */

ward_error wardi_component_options_take(ward_component *component,
                                        const ward_component_options *options, ward_diag *ret_diag);
void wardi_component_options_drop(ward_component *component);

#endif
