/* base: what every room stands on: assertions, memory, text, time, randomness, hashing.
 *
 * Owns nothing but the process-wide hooks below. Knows nothing of Wasm, health or configuration.
 * Everything is safe on any thread unless it says otherwise; time and randomness are handed in
 * where a decision depends on them. */
#ifndef WARDI_BASE_H
#define WARDI_BASE_H

#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* ---- assertions: for our own bugs, on in release too ---- */

_Noreturn void wardi_assert_failed(const char *expression, const char *file, int line);
#define WARD_ASSERT(expression)                                                                    \
    ((expression) ? (void)0 : wardi_assert_failed(#expression, __FILE__, __LINE__))

#define WARD_LIKELY(x) __builtin_expect(!!(x), 1)
#define WARD_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define WARD_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- memory: zeroed, and replaceable so that tests can make call N fail ---- */

/** Zeroed memory, or NULL. */
void *wardi_alloc(size_t size);
void *wardi_alloc_array(size_t count, size_t size);
/** The same at a multiple of `alignment`, a power of two. */
void *wardi_alloc_aligned(size_t alignment, size_t size);
/** Grows `memory` from `old_size` to `new_size` bytes, the new part zeroed; NULL leaves `memory` as
 * it was. */
void *wardi_grow(void *memory, size_t old_size, size_t new_size);
char *wardi_strdup(const char *text);
void *wardi_memdup(const void *bytes, size_t length);
void wardi_free(void *memory);

/** Makes room on the heap for what is to come, in huge pages, of which half of the time is saved
 * that it takes to start a fleet. A matter of the whole process: for programs alone, in `main`,
 * before there are other threads; libward itself never does it. Where it can't be done, or is not
 * worth it, nothing happens. */
void wardi_heap_expect(size_t bytes);

/** Tests only: asked before each allocation; false makes it fail. NULL: never asked. */
typedef bool (*wardi_alloc_gate)(void *context, size_t size);
void wardi_alloc_gate_set(wardi_alloc_gate gate, void *context);

/* ---- text: bounded, always NUL-terminated, cut at whole UTF-8 characters ---- */

typedef struct wardi_text {
    char *bytes;
    size_t capacity; /* room including the final NUL; at least 1 */
    size_t length;
    bool cut; /* something did not fit; nothing more is appended after that */
} wardi_text;

#define WARDI_TEXT(array) wardi_text_on((array), sizeof(array))
wardi_text wardi_text_on(char *bytes, size_t capacity);
void wardi_text_add(wardi_text *text, const char *bytes, size_t length);
void wardi_text_puts(wardi_text *text, const char *string);
void wardi_text_printf(wardi_text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void wardi_text_vprintf(wardi_text *text, const char *format, va_list args);
/** "1.5s", "250ms", "12us", "7ns": at most three significant decimals, exact when it can be. */
void wardi_text_duration(wardi_text *text, uint64_t ns);
/** "256MiB", "1.5GiB", "17B". */
void wardi_text_size(wardi_text *text, uint64_t bytes);
/** "1,234,567" */
void wardi_text_count(wardi_text *text, uint64_t count);
/** "ada (uid 1000, pid 4711)"; pid 0 or less: not known. Names may come from afar, and take their
 * time. */
void wardi_text_user(wardi_text *text, uid_t uid, pid_t pid);
/** Copies a text of a few words that was just written and will soon be read, such as a reason. Each
 * byte is stored once, in steps of 8, 4, 2 and 1: memcpy's ends overlap, and whoever loads across
 * two stores waits until both have reached the cache, 4 ns each time on the path of a check. */
static inline void wardi_copy_short(char *to, const char *from, size_t length)
{
    size_t at = 0;
    for (; length - at >= 8; at += 8) __builtin_memcpy(to + at, from + at, 8);
    if ((length & 4) != 0) __builtin_memcpy(to + at, from + at, 4);
    at += length & 4;
    if ((length & 2) != 0) __builtin_memcpy(to + at, from + at, 2);
    at += length & 2;
    if ((length & 1) != 0) to[at] = from[at];
}
/** Bytes of `bytes[0..length)` up to the last whole UTF-8 character that fits `capacity`. */
size_t wardi_utf8_fit(const char *bytes, size_t length, size_t capacity);
/** Length of the well-formed UTF-8 character at `bytes`, 1–4; 0 when ill-formed or cut off by
 * `length`. */
size_t wardi_utf8_length(const uint8_t *bytes, size_t length);
/** How alike two names are: 0 equal, else the number of edits (insert, delete, replace, swap),
 * capped at `limit`+1. */
unsigned wardi_edit_distance(const char *a, const char *b, unsigned limit);

/* ---- time ---- */

/** Monotonic, since an unspecified start. */
uint64_t wardi_now_ns(void);
/** Wall clock since the epoch; may jump. */
uint64_t wardi_wall_ns(void);
/** Cheapest clock for measuring short spans: the CPU's counter where it is invariant, else
 * wardi_now_ns. */
uint64_t wardi_ticks(void);
/** Span between two wardi_ticks of one machine, in nanoseconds; 0 when `end` is before `start`. */
uint64_t wardi_ticks_span_ns(uint64_t start, uint64_t end);
/** Calibrates wardi_ticks; called once by whoever opens a host. Idempotent. */
void wardi_ticks_init(void);
/** A thread that takes no signal: these are the main thread's. False: there is none. */
bool wardi_thread_start(pthread_t *ret_thread, void *(*run)(void *context), void *context);
/** As pthread_cond_wait, until that monotonic time at most; UINT64_MAX: for ever. */
void wardi_cond_wait_until(pthread_cond_t *changed, pthread_mutex_t *lock, uint64_t due_ns);
/** The calling thread asks for little at a time, and is let in soon after it wakes, on a busy
 * machine as well: sooner where the process may be nasty (RLIMIT_NICE, CAP_SYS_NICE), and no
 * privilege is needed. Threads that it makes are ordinary. */
void wardi_thread_hasten(void);
/** Sleeps until the monotonic time, signals or not. */
void wardi_sleep_until_ns(uint64_t deadline_ns);
/** a+b, saturating. */
uint64_t wardi_add_sat(uint64_t a, uint64_t b);

#define WARDI_US UINT64_C(1000)
#define WARDI_MS UINT64_C(1000000)
#define WARDI_S UINT64_C(1000000000)

/* ---- randomness: seeded, not for secrets ---- */

typedef struct wardi_rng {
    uint64_t state[4];
} wardi_rng;
void wardi_rng_init(wardi_rng *rng, uint64_t seed);
/** A seed from the system. */
uint64_t wardi_rng_seed(void);
uint64_t wardi_rng_next(wardi_rng *rng);
/** Uniform in [0, 1). */
double wardi_rng_unit(wardi_rng *rng);

/* ---- hashing ---- */

enum { WARDI_SHA256_BYTES = 32 };
typedef struct wardi_sha256 {
    uint32_t state[8];
    uint64_t length;
    uint8_t block[64];
} wardi_sha256;
void wardi_sha256_init(wardi_sha256 *hash);
void wardi_sha256_update(wardi_sha256 *hash, const void *bytes, size_t length);
void wardi_sha256_done(wardi_sha256 *hash, uint8_t ret_digest[WARDI_SHA256_BYTES]);

/** SipHash-2-4: for tables whose keys strangers choose. Who doesn't know `key` cannot make keys
 * collide. */
uint64_t wardi_siphash(const uint64_t key[2], const void *bytes, size_t length);

#endif
