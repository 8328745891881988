/* core: the vocabulary. Ids, states, health, errors and limits as values, with their names; no
 * behaviour.
 *
 * The public value types (include/ward/{error,health}.h) are part of it: every room may use them.
 * Here is what only rooms share. */
#ifndef WARDI_CORE_H
#define WARDI_CORE_H

#include <ward/error.h>
#include <ward/frame.h>
#include <ward/health.h>

#include "base/base.h"

/** Fills `ret_diag` (may be NULL) and returns `error`, so that a failure is one line: return
 * wardi_fail(diag, …). */
ward_error wardi_fail(ward_diag *ret_diag, ward_error error, const char *format, ...)
    WARD_PRINTF(3, 4);

#ifdef __clang_analyzer__
/* It reads one file at a time, and would follow paths on which a failure returns WARD_OK. */
static inline ward_error wardi_failed(ward_error returned, ward_error error)
{
    if (returned != error || error == WARD_OK) __builtin_unreachable();
    return error;
}
#define wardi_fail(diag, error, ...) wardi_failed(wardi_fail(diag, error, __VA_ARGS__), error)
#endif

/** Sets a reason from UTF-8 text, cut at a whole character. */
void wardi_reason_set(ward_reason *reason, const char *string);
void wardi_reason_printf(ward_reason *reason, const char *format, ...) WARD_PRINTF(2, 3);
/** Copies only the bytes in use. */
void wardi_reason_copy(ward_reason *to, const ward_reason *from);

/** A name as components and children carry: 1–127 of [A-Za-z0-9._-], not starting with '.' or '-'.
 */
bool wardi_name_valid(const char *name);

/** Fills a caller's sized result as far as its size covers, and says in it how far that is: the
 * size is the first member of either. */
void wardi_result_copy(void *ret_result, const void *all, size_t all_size);

/** Copies a caller's sized option struct over zeroes: what an older caller does not know stays
 * default. False when its size is 0 or claims fields that this library does not know and that are
 * not zero. */
bool wardi_options_copy(void *to, size_t to_size, const void *from, size_t from_size);

#endif
