/* Values as people write them: 250ms, 64MiB, 80%, 1000. Pure.
 *
 * Each function returns NULL and sets its output, or returns what would be right ("write 10s"),
 * which lives in `advice`, a buffer of WARDI_ADVICE_BYTES. */
#ifndef WARDI_CLI_VALUES_H
#define WARDI_CLI_VALUES_H

#include "base/base.h"

enum { WARDI_ADVICE_BYTES = 120 };

/** "250ms", "1.5s", "1m30s": numbers with ns, us, ms, s, m, h or d, without spaces. */
const char *wardi_value_duration(const char *text, uint64_t *ret_ns, char *advice);
/** "64MiB", "1.5GiB", "17B": binary units only, for a decimal one is ambiguous among people. */
const char *wardi_value_size(const char *text, uint64_t *ret_bytes, char *advice);
/** "80%" or "0.8". */
const char *wardi_value_ratio(const char *text, double *ret_ratio, char *advice);
/** "1000": digits only. */
const char *wardi_value_count(const char *text, uint64_t *ret_count, char *advice);
/** "1.5". */
const char *wardi_value_number(const char *text, double *ret_number, char *advice);

/** The closest of `names` to `text`, or NULL when none is close. */
const char *wardi_closest(const char *text, const char *const *names, size_t count);

#endif
