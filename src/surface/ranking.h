/* ranking: the first of many in an order, chosen as they are looked at one after the other.
 *
 * A heap of as many as are asked for, the last of them on top: who comes behind it is not kept. So
 * a million members are put in order by a few at a time, in the room of a page, and nobody waits
 * for all of them to be sorted. Knows of members their names alone. The surfaces' thread's. */
#ifndef SURFACE_RANKING_H
#define SURFACE_RANKING_H

#include "surface/view.h"

/* What comes first: "the worst", "what changed last", else the most. Equals go by name. */
typedef enum ranking_by {
    RANKING_NAME,
    RANKING_CONDITION,
    RANKING_AGE,
    RANKING_RESTARTS, /* from here on: figures, which groups have none of */
    RANKING_MAILBOX,
    RANKING_MESSAGES,
    RANKING_LATENCY,
    RANKING_MEMORY,
    RANKING_CPU,
} ranking_by;

/* False: there is no such order. */
bool ranking_by_of(const char *name, ranking_by *ret_by);

typedef struct ranking_entry {
    uint64_t key; /* the smaller, the further to the front */
    const view_member *member;
} ranking_entry;

typedef struct ranking {
    ranking_entry *entries;
    size_t count, room;
    bool reverse;
} ranking;

/* False: no memory. */
bool ranking_init(ranking *r, size_t room, bool reverse);
void ranking_done(ranking *r);
void ranking_offer(ranking *r, const view_member *member, uint64_t key);
/* It is about to go. Fine if it is not there. Before ranking_sort alone. */
void ranking_forget(ranking *r, const view_member *member);
/* No more are offered: from here on the entries from `from` on are in order, and those before it in
 * none. In time to those behind `from`. */
void ranking_sort(ranking *r, size_t from);

/* ---- keys ---- */

/* The worst first: unhealthy, unready, degraded, starting, stopped, healthy. */
uint64_t ranking_of_condition(view_condition condition);
/* The most first. */
static inline uint64_t ranking_of_most(uint64_t value)
{
    return UINT64_MAX - value;
}

#endif
