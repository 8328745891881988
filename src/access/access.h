/* access: who may reach whom, who hears what, and how often. Patterns of names, grants made of
 * them, an index of who subscribes to which topics, rates and budgets.
 *
 * Pure decisions: no clock, no lock, no thread. Time is handed in; whoever owns an object sees to
 * it that one thread at a time changes it. Knows nothing of components and messages: a subscriber
 * is a number, and what a refusal leads to is its users' affair. */
#ifndef WARDI_ACCESS_H
#define WARDI_ACCESS_H

#include <ward/grants.h>

#include "core/core.h"

/* ---- names, topics and patterns of them ----
 *
 * A name is segments of [A-Za-z0-9_-] between '.' or '/', 1-255 bytes; a topic has only dots, and
 * at most WARDI_TOPIC_SEGMENTS_MAX segments, its levels. In a pattern a segment may be `*`, any
 * one; the last may be `#`, which stands for the separator before it and all that follows, or for
 * nothing. As no segment is empty, no name has '.' or '..' for a part of a path. */

enum { WARDI_PATTERN_BYTES_MAX = 255, WARDI_TOPIC_SEGMENTS_MAX = 16 };

typedef enum wardi_text_kind {
    WARDI_NAME,
    WARDI_NAME_PATTERN,
    WARDI_TOPIC,
    WARDI_TOPIC_PATTERN,
} wardi_text_kind;

/** NULL, or what keeps `text` from being one, and the way out; static. Reads no further than one
 * byte past the longest. Any thread, and so are the next two. */
const char *wardi_access_fault(const char *text, wardi_text_kind kind);
/** Whether `pattern` matches all that `asked` does; if `asked` is a plain name: whether it matches
 * that. Exact for names against patterns and for patterns of topics. Both are without fault. */
bool wardi_pattern_covers(const char *pattern, const char *asked);
/** Whether some name matches both. Symmetric and exact. Both are without fault. */
bool wardi_pattern_overlaps(const char *a, const char *b);

/* ---- grants ---- */

typedef enum wardi_verb {
    WARDI_SEND,
    WARDI_CALLED_BY,
    WARDI_PUBLISH,
    WARDI_SUBSCRIBE,
    WARDI_LIST,
    WARDI_VERBS,
} wardi_verb;

/** "send", "called_by", …: the member of ward_grants. Static. */
const char *wardi_verb_name(wardi_verb verb);

/** Opaque: grants that were checked and copied, in one allocation. Never changes. */
typedef struct wardi_grants wardi_grants;

/** `grants` may be NULL: nothing. The caller owns `*ret_grants`. Errors: INVALID_ARGUMENT, which
 * names the verb, the index and the fault; NO_MEMORY. */
ward_error wardi_grants_new(const ward_grants *grants, wardi_grants **ret_grants,
                            ward_diag *ret_diag);
void wardi_grants_free(wardi_grants *grants);

/** Whether `verb` is granted for `name`: the name of a component, the topic to publish to, or the
 * pattern to subscribe to. NULL grants nothing. What has a fault is refused, so a guest's bytes may
 * be asked as they are, once they end in NUL. Allocates nothing; each pattern of the verb is walked
 * once, at most: some 30 ns each. Any thread. */
bool wardi_grants_allow(const wardi_grants *grants, wardi_verb verb, const char *name);
/** The same of one that is a member of others' name: `group`, or NULL. It is granted what either
 * is, and denied what either is. */
bool wardi_grants_allow_member(const wardi_grants *grants, wardi_verb verb, const char *name,
                               const char *group);
/** The same of all members together, `group.N` each: granted when one pattern covers their group or
 * every one of them, and denied when one of them may be. For names alone. */
bool wardi_grants_allow_all(const wardi_grants *grants, wardi_verb verb, const char *group);
/** Adds why it is refused, and the way out, to `text`: for the operator's eyes. Nothing when it is
 * allowed. */
void wardi_grants_explain(const wardi_grants *grants, wardi_verb verb, const char *name,
                          wardi_text *text);

/* ---- topics: who subscribes to what ---- */

/** Opaque: patterns of topics, and the subscribers of each. No lock is inside: the owner lets one
 * thread at a time in, for publishing too, which marks whom it visited. */
typedef struct wardi_topics wardi_topics;

/** NULL: out of memory. `seed` keeps strangers from choosing topics that are slow to find. */
wardi_topics *wardi_topics_new(uint64_t seed);
void wardi_topics_free(wardi_topics *topics);

/** To the same pattern twice is once. How many a subscriber may have is for the owner to say, see
 * wardi_topics_count. Errors, which leave the index as it was: INVALID_ARGUMENT, NO_MEMORY. */
ward_error wardi_topics_subscribe(wardi_topics *topics, const char *pattern, uint64_t id,
                                  ward_diag *ret_diag);
/** False: `id` has no such subscription. */
bool wardi_topics_unsubscribe(wardi_topics *topics, const char *pattern, uint64_t id);
/** Ends all subscriptions of `id`, and returns how many there were. Costs as much as they are. */
size_t wardi_topics_unsubscribe_all(wardi_topics *topics, uint64_t id);
/** Whether `id` subscribes to this very pattern. */
bool wardi_topics_has(const wardi_topics *topics, const char *pattern, uint64_t id);
/** How many subscriptions `id` has. */
size_t wardi_topics_count(const wardi_topics *topics, uint64_t id);

/** Visits each subscriber of `topic` once, in no particular order. `visit` must not come back to
 * this index. Allocates nothing. Costs some 50 ns a level, three times that from cold memory, and
 * 20 ns for each subscription that matches, however many there are. Patterns that have both `*` and
 * the topic's name at every level double the steps at each: 2^16 such are 25 ms, so the owner
 * bounds what one may subscribe to. Error: INVALID_ARGUMENT. */
ward_error wardi_topics_publish(wardi_topics *topics, const char *topic,
                                void (*visit)(void *context, uint64_t id), void *context,
                                ward_diag *ret_diag);

/** NULL, or what is broken. Walks everything: for tests. */
const char *wardi_topics_check(const wardi_topics *topics);

/* ---- rates and budgets; plain values, one thread at a time ---- */

/** A token bucket: `burst` at once, `rate` a second in the long run. Begins full. */
typedef struct wardi_bucket {
    uint64_t level;   /* billionths of a token, so that filling is exact */
    uint64_t last_ns; /* when it was filled; never goes back, so no time fills it twice */
    uint64_t refused; /* tokens that were asked for and not there */
    uint32_t rate, burst;
} wardi_bucket;

/** `rate` 0: what is in it is never replaced. `burst` 0: nothing is ever there. */
wardi_bucket wardi_bucket_full(uint32_t rate, uint32_t burst);
/** Takes all `count`, or none and counts them as refused. More than `burst` are never there. */
bool wardi_bucket_take(wardi_bucket *bucket, uint32_t count, uint64_t now_ns);

/** A budget per interval, of something that is known only after it was used, such as CPU time or
 * fuel. An interval begins with the first use after rest. What was used beyond the budget is owed
 * and paid by the intervals that follow: in the long run no more than the budget is used per
 * interval, whatever one use costs. */
typedef struct wardi_meter {
    uint64_t budget, interval_ns; /* set by the owner; budget 0: no limit, else interval_ns > 0 */
    uint64_t start_ns, used;      /* of the interval; 0 at first */
} wardi_meter;

void wardi_meter_use(wardi_meter *meter, uint64_t amount, uint64_t now_ns);
/** How long until there is budget again; 0: there is some now. */
uint64_t wardi_meter_wait_ns(const wardi_meter *meter, uint64_t now_ns);

#endif
