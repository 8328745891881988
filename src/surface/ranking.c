#include "surface/ranking.h"

#include <string.h>

bool ranking_by_of(const char *name, ranking_by *ret_by)
{
    static const char *const names[] = {
        [RANKING_NAME] = "name",       [RANKING_CONDITION] = "condition",
        [RANKING_AGE] = "age",         [RANKING_RESTARTS] = "restarts",
        [RANKING_MAILBOX] = "mailbox", [RANKING_MESSAGES] = "messages",
        [RANKING_LATENCY] = "latency", [RANKING_MEMORY] = "memory",
        [RANKING_CPU] = "cpu",
    };
    for (size_t i = 0; i < WARD_COUNT(names); i++) {
        if (strcmp(names[i], name) != 0) continue;
        *ret_by = (ranking_by)i;
        return true;
    }
    return false;
}

uint64_t ranking_of_condition(view_condition condition)
{
    static const uint8_t ranks[VIEW_CONDITIONS] = {
        [VIEW_UNHEALTHY] = 0, [VIEW_UNREADY] = 1, [VIEW_DEGRADED] = 2,
        [VIEW_STARTING] = 3,  [VIEW_STOPPED] = 4, [VIEW_HEALTHY] = 5,
    };
    return ranks[condition];
}

bool ranking_init(ranking *r, size_t room, bool reverse)
{
    WARD_ASSERT(room > 0);
    *r = (ranking){.room = room, .reverse = reverse};
    r->entries = wardi_alloc_array(room, sizeof *r->entries);
    return r->entries != NULL;
}

void ranking_done(ranking *r)
{
    wardi_free(r->entries);
    *r = (ranking){0};
}

/* Whether `a` comes before `b`. */
static bool before(const ranking *r, const ranking_entry *a, const ranking_entry *b)
{
    if (a->key != b->key) return (a->key < b->key) != r->reverse;
    return (strverscmp(a->member->name, b->member->name) < 0) != r->reverse;
}

static void swap(ranking_entry *a, ranking_entry *b)
{
    ranking_entry kept = *a;
    *a = *b;
    *b = kept;
}

static void sift_up(ranking *r, size_t at)
{
    ranking_entry *all = r->entries;
    for (size_t above; at > 0; at = above) {
        above = (at - 1) / 2;
        if (!before(r, &all[above], &all[at])) return;
        swap(&all[above], &all[at]);
    }
}

static void sift_down(ranking *r, size_t at, size_t count)
{
    ranking_entry *all = r->entries;
    for (size_t below; (below = 2 * at + 1) < count; at = below) {
        if (below + 1 < count && before(r, &all[below], &all[below + 1])) below++;
        if (!before(r, &all[at], &all[below])) return;
        swap(&all[at], &all[below]);
    }
}

void ranking_offer(ranking *r, const view_member *member, uint64_t key)
{
    ranking_entry entry = {key, member};
    if (r->count < r->room) {
        r->entries[r->count] = entry;
        sift_up(r, r->count++);
    } else if (before(r, &entry, &r->entries[0])) {
        r->entries[0] = entry;
        sift_down(r, 0, r->count);
    }
}

void ranking_forget(ranking *r, const view_member *member)
{
    for (size_t i = 0; i < r->count; i++) {
        if (r->entries[i].member != member) continue;
        r->entries[i] = r->entries[--r->count];
        if (i == r->count) return;
        sift_down(r, i, r->count);
        sift_up(r, i);
        return;
    }
}

void ranking_sort(ranking *r, size_t from)
{
    for (size_t last = r->count; last > 1 && last > from; last--) {
        swap(&r->entries[0], &r->entries[last - 1]);
        sift_down(r, 0, last - 1);
    }
}
