/* A grain of children, one after the other.
 *
 * A check is a hundred nanoseconds of work and some twenty lines of memory, which are in no cache
 * when there are many children. So each child is fetched in steps, while those before it are
 * visited, and each step reads what the one before has fetched.
 *
 * The memories of guests are fetched many at once: each is in a page of its own, and where that
 * lies has to be read first, from the kernel's tables. Such reads overlap with one another, and
 * with little else: a line of them between two visits costs twice as much as one among others. */
#include "host/ask.h"
#include "host/host_priv.h"

enum {
    /* So many children pass between two steps of one: what is on its way from memory then is about
     * as much as a core can ask for at once. */
    AHEAD = 2,
    BURST = 16, /* memories that are fetched at once */
    /* How far behind its pin a child's steps are, and its visit. */
    MEMORY = 3 * AHEAD + BURST - 1,
    VISIT = MEMORY + AHEAD,
};
static_assert(GRAIN % BURST == 0, "bursts begin where a grain does");

typedef struct grain {
    wardi_actor *actors[GRAIN]; /* pinned; NULL: nobody is there */
    uint32_t count;
} grain;

static void fetch(const grain *g, uint32_t i, uint32_t step)
{
    if (i < g->count && g->actors[i] != NULL) wardi_actor_fetch(g->actors[i], step);
}

static void fetch_memories(const grain *g, uint32_t first)
{
    if (first >= g->count || first % BURST != 0) return;
    for (uint32_t i = first; i < first + BURST; i++) fetch(g, i, CHILD_FETCHES_MEMORY);
}

static void visit_one(const grain *g, uint32_t i, grain_visit visit, void *context)
{
    child *c = i < g->count ? child_of(g->actors[i]) : NULL;
    if (c == NULL) return;
    visit(context, i, c);
    wardi_actor_unpin(&c->actor);
}

void grain_each(wardi_sched *sched, uint32_t first, uint32_t count, grain_visit visit,
                void *context)
{
    grain g = {.count = count};
    for (uint32_t i = 0; i < count + VISIT; i++) { /* what is subtracted wraps at first */
        if (i < count) g.actors[i] = wardi_sched_pin_place(sched, first + i);
        for (uint32_t step = 0; step < CHILD_FETCHES_MEMORY; step++)
            fetch(&g, i - (1 + step) * AHEAD, step);
        fetch_memories(&g, i - MEMORY);
        for (uint32_t step = CHILD_FETCHES_MEMORY + 1; step < WARDI_FETCH_STEPS; step++)
            fetch(&g, i - MEMORY, step);
        visit_one(&g, i - VISIT, visit, context);
    }
}
