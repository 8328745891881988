/* The health of groups: each counts the children below it, anew whenever one of them changes, and
 * tells when that changes what its policy makes of them. */
#include <string.h>

#include "host/host_priv.h"

/* ---- what a child is to its groups ---- */

static bool in_quarantine(const group *g)
{
    for (; g != NULL; g = g->above)
        if (g->quarantined) return true;
    return false;
}

static member_view look(const child *c)
{
    bool given_up = c->given_up || in_quarantine(c->group);
    member_view now = {.health = WARD_CHILD_DEGRADED, .ready = c->ready, .given_up = given_up};
    ward_state state = child_state(c);
    if (given_up || state == WARD_STATE_FAILED)
        now.health = WARD_CHILD_FAILED;
    else if (state == WARD_STATE_READY)
        now.health = c->trend.health;
    return now;
}

/* ---- counts ---- */

static void add(wardi_group_counts *counts, const member_view *view, uint32_t one)
{
    counts->children += one;
    counts->ready += view->ready ? one : 0;
    counts->given_up += view->given_up ? one : 0;
    switch (view->health) {
    case WARD_CHILD_HEALTHY: counts->healthy += one; break;
    case WARD_CHILD_DEGRADED: counts->degraded += one; break;
    case WARD_CHILD_FAILED: counts->failed += one; break;
    }
}

/* `one` is 1, or its negative: the counts come back to where they were. */
static void count(const child *c, const member_view *view, uint32_t one)
{
    for (group *g = c->group; g != NULL; g = g->above) add(&g->counts, view, one);
}

/* ---- members: an instance that is ready has its place before all that are not ---- */

static void place(group *g, child *c, uint32_t at)
{
    g->members[at] = c;
    c->place = at;
}

static void swap(group *g, child *c, uint32_t with)
{
    child *other = g->members[with];
    place(g, other, c->place);
    place(g, c, with);
}

static void member_sort(child *c)
{
    group *g = c->group;
    bool is_first = c->place < g->ready_count;
    if (is_first == c->seen.ready) return;
    swap(g, c, is_first ? --g->ready_count : g->ready_count++);
}

static void member_join(child *c)
{
    group *g = c->group;
    if (!c->instance) return;
    WARD_ASSERT(g->member_count < g->member_room);
    place(g, c, g->member_count++);
    member_sort(c);
}

static void member_leave(child *c)
{
    group *g = c->group;
    if (!c->instance) return;
    c->seen.ready = false;
    member_sort(c);
    swap(g, c, --g->member_count);
}

child *group_next(group *g, const child *self)
{
    uint32_t count = g->ready_count != 0 ? g->ready_count : g->member_count;
    if (count == 0) return NULL;
    child *next = g->members[g->turn++ % count];
    return next == self ? g->members[g->turn++ % count] : next;
}

static bool recount(child *c)
{
    member_view now = look(c);
    child_show(c, now.given_up);
    if (now.health == c->seen.health && now.ready == c->seen.ready &&
        now.given_up == c->seen.given_up)
        return false;
    count(c, &c->seen, -UINT32_C(1));
    count(c, &now, 1);
    c->seen = now;
    if (c->instance && c->group != NULL) member_sort(c); /* whose group has gone before it */
    return true;
}

void group_join(child *c, group *g)
{
    c->group = g;
    c->seen = look(c);
    child_show(c, c->seen.given_up);
    count(c, &c->seen, 1);
    member_join(c);
}

void group_leave(child *c)
{
    group *g = c->group;
    if (g == NULL) return; /* it has gone before */
    count(c, &c->seen, -UINT32_C(1));
    member_leave(c);
    c->group = NULL;
    child_show(c, c->given_up);
    group_tell(c->supervisor, g);
}

static bool is_below(const group *g, const group *top)
{
    while (g != NULL && g != top) g = g->above;
    return g != NULL;
}

/* ---- the reason: "3 of 1000 unhealthy, 1 degraded: web.3 (disk full), web.17 (failed), …" ---- */

enum { WHY_BYTES_MAX = 80 }; /* of one, so that there is room for others */

static const char *words_of(const child *c)
{
    ward_state state = child_state(c);
    if (reason_text(&c->reason)[0] != '\0' &&
        (state == WARD_STATE_READY || state == WARD_STATE_FAILED))
        return reason_text(&c->reason);
    if (c->seen.given_up) return "given up";
    return state == WARD_STATE_READY ? "not checked yet" : ward_state_name(state);
}

/* False: there is no room for it, nor for more. */
static bool put_member(wardi_text *text, const child *c)
{
    static const char more[] = ", …";
    char entry[WARD_REASON_BYTES_MAX + 1];
    wardi_text words = WARDI_TEXT(entry);
    const char *separator = text->bytes[text->length - 1] == ' ' ? "" : ", ";
    const char *why = words_of(c);
    size_t fits = wardi_utf8_fit(why, strlen(why), WHY_BYTES_MAX);
    wardi_text_printf(&words, "%s%s (%.*s)", separator, child_name(c), (int)fits, why);
    if (!words.cut && text->length + words.length + sizeof more <= text->capacity) {
        wardi_text_add(text, entry, words.length);
        return true;
    }
    wardi_text_puts(text, separator[0] == '\0' ? "…" : more);
    return false;
}

/* True: there is room for others. */
static bool put_members(const ward_supervisor *s, const group *g, ward_child_health health,
                        uint32_t left, wardi_text *text)
{
    for (size_t i = 0; left > 0 && i < s->child_count; i++) {
        const child *c = s->children[i];
        if (c->seen.health != health || !is_below(c->group, g)) continue;
        if (!put_member(text, c)) return false;
        left--;
    }
    return true;
}

static void explain(const ward_supervisor *s, const group *g, ward_reason *ret_reason)
{
    const wardi_group_counts *n = &g->counts;
    char words[WARD_REASON_BYTES_MAX + 1];
    wardi_text text = WARDI_TEXT(words);
    uint32_t least = wardi_group_least(&g->policy, n->children);
    if (n->children < least)
        wardi_text_printf(&text, "%u of at least %u are there", n->children, least);
    const char *separator = text.length != 0 ? ", " : "";
    if (n->failed != 0 && n->degraded != 0)
        wardi_text_printf(&text, "%s%u of %u unhealthy, %u degraded: ", separator, n->failed,
                          n->children, n->degraded);
    else if (n->failed + n->degraded != 0)
        wardi_text_printf(&text, "%s%u of %u %s: ", separator, n->failed + n->degraded, n->children,
                          n->failed != 0 ? "unhealthy" : "degraded");
    if (put_members(s, g, WARD_CHILD_FAILED, n->failed, &text))
        put_members(s, g, WARD_CHILD_DEGRADED, n->degraded, &text);
    wardi_reason_set(ret_reason, words);
}

/* ---- telling ---- */

static void tell_one(ward_supervisor *s, group *g)
{
    ward_child_health health = wardi_group_judge(&g->policy, &g->counts);
    bool ready = wardi_group_ready(&g->policy, &g->counts);
    ward_reason reason;
    if (health == g->health && ready == g->ready) return;
    ward_event event = {.size = sizeof event,
                        .kind = WARD_EVENT_GROUP_HEALTH,
                        .component = g->name,
                        .version = "",
                        .from_health = g->health,
                        .health = health,
                        .ready = ready};
    g->health = health;
    g->ready = ready;
    explain(s, g, &reason);
    event_push(s, event, reason.text);
}

void group_tell(ward_supervisor *s, group *g)
{
    if (!s->started || s->stopping) return;
    for (; g != NULL; g = g->above) tell_one(s, g);
}

void group_note(ward_supervisor *s, group *g, const char *words)
{
    ward_event event = {
        .size = sizeof event, .kind = WARD_EVENT_GROUP, .component = g->name, .version = ""};
    if (!s->started) return;
    event_push(s, event, words);
    group_tell(s, g);
}

void group_update(child *c)
{
    if (recount(c)) group_tell(c->supervisor, c->group);
}

void group_quarantine(ward_supervisor *s, group *g, bool quarantined)
{
    if (g->quarantined == quarantined) return;
    g->quarantined = quarantined;
    for (size_t i = 0; i < s->child_count; i++)
        if (is_below(s->children[i]->group, g)) recount(s->children[i]);
    for (size_t i = 0; i < s->group_count; i++)
        if (is_below(s->groups[i], g)) group_tell(s, s->groups[i]);
}

void group_forget(ward_supervisor *s, group *g)
{
    for (size_t i = 0; g->counts.children != 0 && i < s->child_count; i++)
        if (s->children[i]->group == g) group_leave(s->children[i]);
    for (size_t i = 0; i < s->group_count; i++)
        if (s->groups[i]->above == g) s->groups[i]->above = NULL;
}

void group_free(group *g)
{
    if (g == NULL) return;
    wardi_free(g->members);
    wardi_free(g->name);
    wardi_free(g);
}

/* ---- status ---- */

ward_error ward_supervisor_group(const ward_supervisor *supervisor, const char *name,
                                 ward_group_status *ret_status)
{
    ward_supervisor *s = (ward_supervisor *)(uintptr_t)supervisor; /* its lock is no value */
    ward_group_status status = {0};
    pthread_mutex_lock(&s->lock);
    const group *g = groups_find(s, name);
    if (g != NULL) {
        const wardi_group_counts *n = &g->counts;
        status = (ward_group_status){.children = n->children,
                                     .healthy = n->healthy,
                                     .degraded = n->degraded,
                                     .failed = n->failed,
                                     .ready = n->ready,
                                     .given_up = n->given_up,
                                     .least = wardi_group_least(&g->policy, n->children),
                                     .health = wardi_group_judge(&g->policy, n),
                                     .is_ready = wardi_group_ready(&g->policy, n)};
        explain(s, g, &status.reason);
    }
    pthread_mutex_unlock(&s->lock);
    if (g == NULL) return WARD_ERROR_NOT_FOUND;
    wardi_result_copy(ret_status, &status, sizeof status);
    return WARD_OK;
}
