#include "cli/mistakes.h"

#include <stdlib.h>
#include <string.h>

void wardi_mistakes_add(wardi_mistakes *mistakes, wardi_place place, const char *format, ...)
{
    mistakes->count++;
    if (mistakes->kept == WARDI_MISTAKES_KEPT) return;
    if (mistakes->items == NULL)
        mistakes->items =
            wardi_arena_take(&mistakes->arena, WARDI_MISTAKES_KEPT * sizeof *mistakes->items);
    if (mistakes->items == NULL) return;
    va_list args;
    va_start(args, format);
    char *text = wardi_arena_vprintf(&mistakes->arena, format, args);
    va_end(args);
    if (text != NULL)
        mistakes->items[mistakes->kept++] = (wardi_mistake){.place = place, .text = text};
}

static int by_place(const void *a, const void *b)
{
    const wardi_mistake *x = a, *y = b;
    if (x->place.line != y->place.line) return x->place.line < y->place.line ? -1 : 1;
    if (x->place.column != y->place.column) return x->place.column < y->place.column ? -1 : 1;
    return strcmp(x->text, y->text);
}

void wardi_mistakes_sort(wardi_mistakes *mistakes)
{
    if (mistakes->kept < 2) return;
    qsort(mistakes->items, mistakes->kept, sizeof *mistakes->items, by_place);
    /* What stands under `defaults` is found once for each component that inherits it. */
    size_t kept = 1;
    for (size_t i = 1; i < mistakes->kept; i++)
        if (by_place(&mistakes->items[kept - 1], &mistakes->items[i]) != 0)
            mistakes->items[kept++] = mistakes->items[i];
    mistakes->count -= mistakes->kept - kept;
    mistakes->kept = kept;
}

void wardi_mistakes_done(wardi_mistakes *mistakes)
{
    wardi_arena_done(&mistakes->arena);
    *mistakes = (wardi_mistakes){0};
}
