/* Private to access/: how names are walked. */
#ifndef WARDI_ACCESS_PRIV_H
#define WARDI_ACCESS_PRIV_H

#include "access/access.h"

/* Part of a name, where it stands. Past the end: of no length. */
typedef struct segment {
    const char *text;
    size_t length;
    char before; /* the separator, NUL for the first segment */
} segment;

/* The segment at `*at`, which moves past it. */
segment segment_next(const char **at);
bool segment_is(segment s, char wildcard);

enum { ANY_ONE = '*', ANY_REST = '#' };

#endif
