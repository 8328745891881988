/* logs: the last lines that guests have logged, for whoever asks later.
 *
 * Bounded by number and bytes: the oldest make way. Workers put lines, the surfaces' thread reads
 * them; the lock between them is held for a copy, never while anything is written or answered. */
#ifndef SURFACE_LOGS_H
#define SURFACE_LOGS_H

#include <ward/log.h>

#include "core/core.h"

typedef struct logs logs;

/** NULL: no memory. */
logs *logs_new(void);
void logs_free(logs *l);
/** A line, from any thread; its `suppressed` is kept with it. What there is no memory for is
 * counted as what made way. */
void logs_put(logs *l, const ward_log_line *line);

typedef struct logs_query {
    const char *component; /* NULL: all; of a component its instances too */
    ward_log_level level;  /* the least */
    uint64_t after;        /* only lines put after that one; 0: all that are kept */
    size_t limit;          /* the newest so many */
} logs_query;

/** A copy of the lines, oldest first, `*ret_count` of them, to wardi_free() in one; NULL: no
 * memory. `ret_sequences` is theirs. `*ret_next` is what to ask for as `after` next. */
typedef struct logs_found {
    ward_log_line line;
    uint64_t sequence;
} logs_found;
logs_found *logs_find(logs *l, const logs_query *query, size_t *ret_count, uint64_t *ret_next);

#endif
