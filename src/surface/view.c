#include "surface/view.h"

#include <string.h>

/* Open addressing by name, at most half full; children and groups apart, since a component with
 * instances is no child of its name. Members are places of `members`, plus one. */
typedef struct name_index {
    uint32_t *slots;
    size_t room, count;
} name_index;

#define SHARE_NS (2 * WARDI_MS) /* of a thread that has probes to answer */

struct view {
    const ward_supervisor *supervisor;
    uint64_t key[2]; /* names come over the network as well */
    view_member **members;
    size_t count, room;
    uint64_t born; /* members that there ever were */
    name_index children, groups;
    view_member *top;                  /* the first of those at the top */
    size_t counts[2][VIEW_CONDITIONS]; /* of components, of groups */
    size_t holding_back;               /* of them, those that keep the host from being ready */
    view_watcher *watchers;
    uint64_t at_wall_ns, sequence; /* of the event that is being applied */
    uint64_t round;                /* of view_sync: who was not told of in it is gone */
    uint64_t cursor;               /* of it; UINT64_MAX: it is over */
    size_t told;                   /* in it, of those that are there */
    bool no_memory;                /* in it */
    bool synced;                   /* at least once */
};

/* ---- what a condition means ---- */

const view_meaning *view_means(view_condition condition)
{
    static const view_meaning meanings[VIEW_CONDITIONS] = {
        [VIEW_STARTING] = {"starting", false, true, true, VIEW_GRPC_NOT_SERVING, "starting",
                           "fail"},
        [VIEW_HEALTHY] = {"healthy", true, true, true, VIEW_GRPC_SERVING, "healthy", "pass"},
        [VIEW_DEGRADED] = {"degraded", true, true, true, VIEW_GRPC_SERVING, "healthy", "warn"},
        [VIEW_UNREADY] = {"unready", false, true, true, VIEW_GRPC_NOT_SERVING, "healthy", "fail"},
        [VIEW_UNHEALTHY] = {"unhealthy", false, true, false, VIEW_GRPC_NOT_SERVING, "unhealthy",
                            "fail"},
        [VIEW_STOPPED] = {"stopped", false, false, true, VIEW_GRPC_NOT_SERVING, "none", NULL},
    };
    return &meanings[condition];
}

static view_condition of_group(const view_member *m)
{
    if (m->given_up) return VIEW_UNHEALTHY;
    if (m->state == WARD_STATE_TERMINATED) return VIEW_STOPPED;
    if (m->ready) return m->health == WARD_CHILD_HEALTHY ? VIEW_HEALTHY : VIEW_DEGRADED;
    if (m->health == WARD_CHILD_FAILED) return VIEW_UNHEALTHY;
    return m->started_once ? VIEW_UNREADY : VIEW_STARTING;
}

/* One rule for what the stream of events says and for what the host says now. */
static view_condition of_child(const view_member *m, ward_state state, ward_child_health health,
                               bool ready)
{
    bool restarts = m->restart_due_wall_ns != 0;
    if (m->given_up || state == WARD_STATE_FAILED || restarts) return VIEW_UNHEALTHY;
    if (state == WARD_STATE_TERMINATED || state == WARD_STATE_STOPPING) return VIEW_STOPPED;
    if (state != WARD_STATE_READY) return VIEW_STARTING;
    if (health == WARD_CHILD_FAILED) return VIEW_UNHEALTHY;
    if (!ready) return m->started_once ? VIEW_UNREADY : VIEW_STARTING;
    return health == WARD_CHILD_DEGRADED ? VIEW_DEGRADED : VIEW_HEALTHY;
}

static view_condition condition_of(const view_member *m)
{
    return m->is_group ? of_group(m) : of_child(m, m->state, m->health, m->ready);
}

/* ---- names ---- */

static size_t slot_of(const view *v, const name_index *names, const char *name)
{
    size_t slot = (size_t)wardi_siphash(v->key, name, strlen(name)) & (names->room - 1);
    while (names->slots[slot] != 0 && strcmp(v->members[names->slots[slot] - 1]->name, name) != 0)
        slot = (slot + 1) & (names->room - 1);
    return slot;
}

static bool index_reserve(view *v, name_index *names)
{
    if (2 * (names->count + 1) <= names->room) return true;
    name_index grown = {.room = names->room != 0 ? 2 * names->room : 64, .count = names->count};
    grown.slots = wardi_alloc_array(grown.room, sizeof *grown.slots);
    if (grown.slots == NULL) return false;
    for (size_t i = 0; i < names->room; i++)
        if (names->slots[i] != 0)
            grown.slots[slot_of(v, &grown, v->members[names->slots[i] - 1]->name)] =
                names->slots[i];
    wardi_free(names->slots);
    *names = grown;
    return true;
}

static void index_put(view *v, name_index *names, const view_member *m)
{
    size_t slot = slot_of(v, names, m->name);
    if (names->slots[slot] == 0) names->count++;
    names->slots[slot] = (uint32_t)m->place + 1;
}

/* Those behind it in its run are put anew, so that no search ends at the hole. */
static void index_remove(view *v, name_index *names, const view_member *m)
{
    size_t slot = slot_of(v, names, m->name);
    if (names->slots[slot] != m->place + 1) return;
    names->slots[slot] = 0;
    names->count--;
    for (slot = (slot + 1) & (names->room - 1); names->slots[slot] != 0;
         slot = (slot + 1) & (names->room - 1)) {
        const view_member *moved = v->members[names->slots[slot] - 1];
        names->slots[slot] = 0;
        names->count--;
        index_put(v, names, moved);
    }
}

static view_member *find_in(const view *v, const name_index *names, const char *name)
{
    if (names->room == 0) return NULL;
    uint32_t found = names->slots[slot_of(v, names, name)];
    return found != 0 ? v->members[found - 1] : NULL;
}

view_member *view_find_child(view *v, const char *name)
{
    return find_in(v, &v->children, name);
}

view_member *view_find_group(view *v, const char *name)
{
    return find_in(v, &v->groups, name);
}

view_member *view_find(view *v, const char *name)
{
    view_member *child = view_find_child(v, name);
    return child != NULL ? child : view_find_group(v, name);
}

size_t view_count(const view *v)
{
    return v->count;
}

uint64_t view_born(const view *v)
{
    return v->born;
}

view_member *view_at(const view *v, size_t index)
{
    return index < v->count ? v->members[index] : NULL;
}

/* ---- members ---- */

static void reason_set(view_member *m, const char *reason)
{
    static char none[] = "";
    if (strcmp(m->reason, reason) == 0) return;
    char *copy = reason[0] != '\0' ? wardi_strdup(reason) : none;
    if (m->reason[0] != '\0') wardi_free((char *)(uintptr_t)m->reason);
    m->reason = copy != NULL ? copy : none;
}

static void member_free(view_member *m)
{
    reason_set(m, "");
    wardi_free(m);
}

/* The texts are behind it, in the same memory. */
static view_member *member_new(const ward_member *from)
{
    size_t name = strlen(from->name) + 1, version = strlen(from->version) + 1;
    size_t group = strlen(from->group) + 1;
    view_member *m = wardi_alloc(sizeof *m + name + version + group);
    if (m == NULL) return NULL;
    char *texts = (char *)(m + 1);
    *m = (view_member){.name = memcpy(texts, from->name, name),
                       .version = memcpy(texts + name, from->version, version),
                       .group = memcpy(texts + name + version, from->group, group),
                       .id = from->id,
                       .is_group = from->is_group,
                       .instance = from->instance,
                       .native = from->native,
                       .instances = from->instances,
                       .restart = from->restart,
                       .interval_ns = from->interval_ns,
                       .reason = "",
                       .health = from->is_group ? WARD_CHILD_DEGRADED : WARD_CHILD_HEALTHY};
    m->condition = condition_of(m);
    return m;
}

static name_index *index_for(view *v, bool is_group)
{
    return is_group ? &v->groups : &v->children;
}

static bool members_reserve(view *v)
{
    if (v->count < v->room) return true;
    size_t room = v->room != 0 ? 2 * v->room : 64;
    view_member **grown =
        wardi_grow(v->members, v->room * sizeof(view_member *), room * sizeof(view_member *));
    if (grown == NULL) return false;
    v->members = grown;
    v->room = room;
    return true;
}

/* ---- those at the top ---- */

static bool holds_back(const view_member *m)
{
    const view_meaning *means = view_means(m->condition);
    return m->group[0] == '\0' && means->counts && !means->ready;
}

static void top_enter(view *v, view_member *m)
{
    if (m->group[0] != '\0') return;
    m->top_next = v->top;
    if (v->top != NULL) v->top->top_previous = m;
    v->top = m;
    v->holding_back += holds_back(m);
}

static void top_leave(view *v, view_member *m)
{
    if (m->group[0] != '\0') return;
    if (m->top_previous != NULL)
        m->top_previous->top_next = m->top_next;
    else
        v->top = m->top_next;
    if (m->top_next != NULL) m->top_next->top_previous = m->top_previous;
    v->holding_back -= holds_back(m);
}

view_member *view_top(const view *v)
{
    return v->top;
}

/* ---- in and out ---- */

static view_member *member_add(view *v, const ward_member *from)
{
    name_index *names = index_for(v, from->is_group);
    if (!members_reserve(v) || !index_reserve(v, names)) return NULL;
    view_member *m = member_new(from);
    if (m == NULL) return NULL;
    m->since_wall_ns = wardi_wall_ns();
    m->place = v->count;
    m->born = ++v->born;
    v->members[v->count++] = m;
    index_put(v, names, m);
    v->counts[m->is_group][m->condition]++;
    top_enter(v, m);
    return m;
}

static void member_remove(view *v, view_member *m)
{
    for (view_watcher *w = v->watchers; w != NULL; w = w->next)
        if (w->gone != NULL) w->gone(w, m);
    v->counts[m->is_group][m->condition]--;
    v->told -= m->round == v->round;
    top_leave(v, m);
    index_remove(v, index_for(v, m->is_group), m);
    view_member *last = v->members[v->count - 1];
    if (last != m) {
        size_t slot = slot_of(v, index_for(v, last->is_group), last->name);
        last->place = m->place;
        v->members[m->place] = last;
        index_for(v, last->is_group)->slots[slot] = (uint32_t)last->place + 1;
    }
    v->count--;
    member_free(m);
}

/* ---- what is told of them ---- */

static void tell(view *v, const ward_event *event, view_member *m, view_condition was)
{
    for (view_watcher *w = v->watchers, *next; w != NULL; w = next) {
        next = w->next; /* it may take itself off */
        if (w->changed != NULL) w->changed(w, event, m, was);
    }
}

static void settle(view *v, view_member *m)
{
    if (m->ready) m->started_once = true;
    view_condition now = condition_of(m);
    if (now == m->condition) return;
    v->counts[m->is_group][m->condition]--;
    v->holding_back -= holds_back(m);
    m->condition = now;
    v->counts[m->is_group][m->condition]++;
    v->holding_back += holds_back(m);
    m->since_wall_ns = v->at_wall_ns;
    m->changed_sequence = v->sequence;
}

static void on_state(view_member *m, const ward_event *event)
{
    if (event->evidence != 0) m->evidence = event->evidence;
    m->restart_due_wall_ns = 0; /* told again, behind a failure */
    /* Tried again; or somebody has stopped what had failed. */
    if (event->state == WARD_STATE_STARTING || event->from_state == WARD_STATE_FAILED)
        m->given_up = false;
}

static void on_group(view_member *m, const char *what)
{
    bool restarting = strcmp(what, "restarting") == 0;
    /* Of these, nothing starts or stops. */
    if (strcmp(what, "changed") == 0 || strcmp(what, "resized") == 0) return;
    m->given_up = strcmp(what, "given up") == 0;
    m->state = strcmp(what, "stopped") == 0   ? WARD_STATE_TERMINATED
               : restarting || m->given_up    ? WARD_STATE_FAILED
               : strcmp(what, "running") == 0 ? WARD_STATE_READY
                                              : m->state;
    if (m->state != WARD_STATE_READY) m->ready = false;
}

static void apply_child(view_member *m, const ward_event *event)
{
    m->state = event->state;
    m->health = event->health;
    m->ready = event->ready;
    m->flapping = event->flapping;
    switch (event->kind) {
    case WARD_EVENT_STATE: on_state(m, event); break;
    case WARD_EVENT_RESTART:
        m->last_cause = event->cause;
        m->restart_due_wall_ns = event->wall_ns + event->delay_ns;
        break;
    case WARD_EVENT_GIVEN_UP:
        m->given_up = true;
        m->last_cause = event->cause;
        break;
    case WARD_EVENT_HEALTH:
    case WARD_EVENT_READY: break;
    default: return; /* their reasons are of something else */
    }
    bool well = m->ready && m->health == WARD_CHILD_HEALTHY;
    if (well || event->reason[0] != '\0') reason_set(m, well ? "" : event->reason);
}

static void apply_to(view_member *m, const ward_event *event)
{
    if (!m->is_group) {
        apply_child(m, event);
    } else if (event->kind == WARD_EVENT_GROUP) {
        on_group(m, event->reason);
    } else if (event->kind == WARD_EVENT_GROUP_HEALTH) {
        m->health = event->health;
        m->ready = event->ready;
        reason_set(m, event->reason);
    }
}

static bool is_of_group(const ward_event *event)
{
    bool of_group = event->kind == WARD_EVENT_GROUP || event->kind == WARD_EVENT_GROUP_HEALTH;
    return of_group && event->component[0] != '\0' && strcmp(event->reason, "removed") != 0;
}

static view_member *member_of(view *v, const ward_event *event)
{
    if (event->component[0] == '\0') return NULL;
    bool of_group = event->kind == WARD_EVENT_GROUP || event->kind == WARD_EVENT_GROUP_HEALTH;
    return of_group ? view_find_group(v, event->component) : view_find(v, event->component);
}

/* ---- in step with the host ---- */

typedef struct syncing {
    view *view;
    view_member *made;
} syncing;

/* Of a restart whose end was not told: it is up, or has long been due. */
static void restart_forget(view_member *m, ward_state state)
{
    bool up = state == WARD_STATE_STARTING || state == WARD_STATE_READY;
    if (up || m->restart_due_wall_ns + WARDI_S < wardi_wall_ns()) m->restart_due_wall_ns = 0;
}

static void take_status(view *v, view_member *m)
{
    ward_child_status status = WARD_INIT(ward_child_status);
    if (ward_supervisor_look(v->supervisor, m->id, &status) == WARD_OK) {
        m->state = status.state;
        m->health = status.health;
        m->ready = status.ready;
        m->flapping = status.flapping;
        m->given_up = status.given_up;
        restart_forget(m, status.state);
        reason_set(m, status.reason.text);
    }
    v->at_wall_ns = wardi_wall_ns();
    settle(v, m);
}

static void take_member(void *context, const ward_member *from)
{
    syncing *s = context;
    view *v = s->view;
    view_member *m = find_in(v, index_for(v, from->is_group), from->name);
    if (m != NULL && m->id != from->id) { /* another of that name */
        member_remove(v, m);
        m = NULL;
    }
    if (m == NULL) m = member_add(v, from);
    s->made = m;
    if (m == NULL) {
        v->no_memory = true;
        return;
    }
    v->told += m->round != v->round;
    m->round = v->round;
    m->instances = from->instances;
    if (!m->is_group) take_status(v, m);
}

/* Their status takes the lock under which they were told of. Most are in front. */
static void take_groups(view *v)
{
    size_t left = v->groups.count;
    for (size_t i = 0; i < v->count && left != 0; i++) {
        view_member *m = v->members[i];
        ward_group_status status = WARD_INIT(ward_group_status);
        if (!m->is_group) continue;
        left--;
        if (ward_supervisor_group(v->supervisor, m->name, &status) != WARD_OK) continue;
        m->health = status.health;
        m->ready = status.is_ready;
        reason_set(m, status.reason.text);
        settle(v, m);
    }
}

/* Which there are, and how they do; no child is looked at, of whom there may be a million. */
static void look_at_groups(view *v)
{
    uint64_t cursor = 0;
    syncing s = {.view = v};
    if (ward_supervisor_members_some(v->supervisor, &cursor, 0, take_member, &s) == WARD_OK)
        take_groups(v);
}

void view_sync_begin(view *v)
{
    v->round++;
    v->cursor = 0;
    v->told = 0;
    v->no_memory = false;
}

static void sync_end(view *v)
{
    take_groups(v);
    for (size_t i = v->count; i-- > 0 && v->told != v->count && !v->no_memory;)
        if (v->members[i]->round != v->round) member_remove(v, v->members[i]);
    v->synced = v->synced || !v->no_memory;
}

bool view_sync_some(view *v)
{
    enum { PLACES = 256 };
    syncing s = {.view = v};
    uint64_t until_ns = wardi_now_ns() + SHARE_NS;
    while (v->cursor != UINT64_MAX) {
        if (wardi_now_ns() >= until_ns) return true;
        if (ward_supervisor_members_some(v->supervisor, &v->cursor, PLACES, take_member, &s) !=
            WARD_OK)
            v->cursor = UINT64_MAX; /* there is nobody yet */
        else if (v->cursor == UINT64_MAX)
            sync_end(v);
    }
    return false;
}

bool view_sync(view *v)
{
    view_sync_begin(v);
    while (view_sync_some(v)) continue;
    return !v->no_memory;
}

bool view_is_whole(const view *v)
{
    return !v->no_memory;
}

void view_apply(view *v, const ward_event *event)
{
    v->at_wall_ns = event->wall_ns;
    v->sequence = event->sequence;
    view_member *m = member_of(v, event);
    syncing s = {.view = v};
    if (m != NULL && event->child_id != 0 && m->id != event->child_id) {
        member_remove(v, m);
        m = NULL;
    }
    if (m == NULL && event->child_id != 0 &&
        ward_supervisor_member(v->supervisor, event->child_id, take_member, &s) == WARD_OK)
        m = s.made;
    /* Added meanwhile, or with another number of instances: nothing else tells of it. */
    bool news = event->kind == WARD_EVENT_GROUP && strcmp(event->reason, "resized") == 0;
    if (is_of_group(event) && (m == NULL || news)) {
        look_at_groups(v);
        m = member_of(v, event);
    }
    view_condition was = m != NULL ? m->condition : VIEW_STARTING;
    if (m != NULL) {
        apply_to(m, event);
        settle(v, m);
    }
    tell(v, event, m, was);
    bool over = event->kind == WARD_EVENT_REMOVED ||
                (event->kind == WARD_EVENT_GROUP && strcmp(event->reason, "removed") == 0);
    if (m != NULL && over) member_remove(v, m);
}

/* ---- now ---- */

bool view_child_status(const view *v, const view_member *m, ward_child_status *ret_status)
{
    return !m->is_group && ward_supervisor_look(v->supervisor, m->id, ret_status) == WARD_OK;
}

view_condition view_now(const view *v, const view_member *m, ward_reason *ret_reason)
{
    ward_child_status status = WARD_INIT(ward_child_status);
    wardi_reason_set(ret_reason, m->reason);
    if (!view_child_status(v, m, &status)) return m->condition;
    wardi_reason_copy(ret_reason, &status.reason);
    return view_judge(m, &status);
}

view_condition view_judge(const view_member *m, const ward_child_status *status)
{
    return of_child(m, status->state, status->health, status->ready);
}

size_t view_counted(const view *v, bool groups, view_condition condition)
{
    return v->counts[groups][condition];
}

bool view_host_ready(const view *v)
{
    return v->synced && v->holding_back == 0;
}

const ward_supervisor *view_supervisor(const view *v)
{
    return v->supervisor;
}

/* ---- life ---- */

void view_watch(view *v, view_watcher *watcher)
{
    watcher->next = v->watchers;
    v->watchers = watcher;
}

void view_unwatch(view *v, view_watcher *watcher)
{
    view_watcher **link = &v->watchers;
    while (*link != NULL && *link != watcher) link = &(*link)->next;
    if (*link != NULL) *link = watcher->next;
}

view *view_new(const ward_supervisor *supervisor)
{
    view *v = wardi_alloc(sizeof *v);
    if (v == NULL) return NULL;
    v->supervisor = supervisor;
    v->key[0] = wardi_rng_seed();
    v->key[1] = wardi_rng_seed();
    return v;
}

void view_free(view *v)
{
    if (v == NULL) return;
    for (size_t i = 0; i < v->count; i++) member_free(v->members[i]);
    wardi_free(v->members);
    wardi_free(v->children.slots);
    wardi_free(v->groups.slots);
    wardi_free(v);
}
