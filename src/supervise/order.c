/* Dependency order: depth first, without recursion, so that a long chain costs no stack. */
#include <string.h>

#include "supervise/supervise.h"

typedef enum mark { UNSEEN, ON_PATH, DONE } mark;

typedef struct walk {
    size_t *path; /* from the child where the walk began down to the one in hand */
    size_t *next; /* by child: which of its needs comes next */
    uint8_t *marks;
    size_t depth;
} walk;

/* The part of the path that closes on `child`. */
static ward_error report_cycle(const walk *w, size_t child, size_t *ret_order, size_t *ret_cycle)
{
    size_t from = 0;
    while (w->path[from] != child) from++;
    *ret_cycle = w->depth - from;
    memcpy(ret_order, w->path + from, *ret_cycle * sizeof *ret_order);
    return WARD_ERROR_CYCLE;
}

static void step_into(walk *w, size_t child)
{
    w->marks[child] = ON_PATH;
    w->path[w->depth++] = child;
}

static ward_error visit(walk *w, size_t count, const size_t *const *needs,
                        const size_t *need_counts, size_t *order, size_t *placed, size_t *ret_cycle)
{
    while (w->depth > 0) {
        size_t child = w->path[w->depth - 1];
        if (w->next[child] == need_counts[child]) {
            w->marks[child] = DONE;
            order[(*placed)++] = child;
            w->depth--;
            continue;
        }
        size_t need = needs[child][w->next[child]++];
        WARD_ASSERT(need < count);
        if (w->marks[need] == ON_PATH) return report_cycle(w, need, order, ret_cycle);
        if (w->marks[need] == UNSEEN) step_into(w, need);
    }
    return WARD_OK;
}

ward_error wardi_supervise_order(size_t count, const size_t *const *needs,
                                 const size_t *need_counts, size_t *ret_order, size_t *ret_cycle)
{
    walk w = {.path = wardi_alloc_array(count, sizeof *w.path),
              .next = wardi_alloc_array(count, sizeof *w.next),
              .marks = wardi_alloc(count)};
    ward_error error =
        w.path != NULL && w.next != NULL && w.marks != NULL ? WARD_OK : WARD_ERROR_NO_MEMORY;
    size_t placed = 0;
    for (size_t child = 0; child < count && error == WARD_OK; child++) {
        if (w.marks[child] != UNSEEN) continue;
        step_into(&w, child);
        error = visit(&w, count, needs, need_counts, ret_order, &placed, ret_cycle);
    }
    wardi_free(w.path);
    wardi_free(w.next);
    wardi_free(w.marks);
    return error;
}
