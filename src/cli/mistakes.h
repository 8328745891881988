/* Mistakes of a file: collected all at once, shown in the order of their places. */
#ifndef WARDI_CLI_MISTAKES_H
#define WARDI_CLI_MISTAKES_H

#include "cli/arena.h"

/** A place in a text file, counted from 1; line 0: nowhere. */
typedef struct wardi_place {
    unsigned line, column;
} wardi_place;

typedef struct wardi_mistake {
    wardi_place place;
    const char *text; /* what is wrong; what would be right */
} wardi_mistake;

/* Past this many, more lines help nobody; the count goes on. */
enum { WARDI_MISTAKES_KEPT = 200 };

typedef struct wardi_mistakes {
    wardi_arena arena;
    wardi_mistake *items;
    size_t kept;  /* of items */
    size_t count; /* of all */
} wardi_mistakes;

void wardi_mistakes_add(wardi_mistakes *mistakes, wardi_place place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void wardi_mistakes_sort(wardi_mistakes *mistakes);
void wardi_mistakes_done(wardi_mistakes *mistakes);

#endif
