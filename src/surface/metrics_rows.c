/* Rows of figures: one of each component that is shown by itself, and one of each group, in which
 * the others are summed.
 *
 * One way through all members, half a millisecond at a time. When there turn out to be too many for
 * rows of their own, it begins anew and sums more of them. */
#include <string.h>

#include "surface/metrics_priv.h"

/* ---- the way through all members ---- */

void metrics_walk_start(metrics_walk *walk, const view *v)
{
    walk->at = walk->late_count = 0;
    walk->born_max = view_born(v);
    walk->walking = true;
}

view_member *metrics_walk_next(metrics_walk *walk, const view *v)
{
    while (walk->at < view_count(v)) {
        view_member *member = view_at(v, walk->at++);
        if (member->born <= walk->born_max) return member;
    }
    if (walk->late_count > 0) return walk->late[--walk->late_count];
    walk->walking = false;
    return NULL;
}

/* The last one takes its place. When more than `late` holds move so between two steps, the others
 * are not met this time. */
void metrics_walk_gone(metrics_walk *walk, const view *v, const view_member *member)
{
    if (!walk->walking) return;
    for (size_t i = 0; i < walk->late_count; i++)
        if (walk->late[i] == member) walk->late[i--] = walk->late[--walk->late_count];
    view_member *last = view_at(v, view_count(v) - 1);
    bool met = last->place < walk->at || last->born > walk->born_max;
    if (last == member || met || member->place >= walk->at) return;
    if (walk->late_count < WARD_COUNT(walk->late)) walk->late[walk->late_count++] = last;
}

/* ---- texts ---- */

static char *texts_reserve(metrics *m, size_t length)
{
    if (m->texts_room - m->texts_length >= length) return m->texts + m->texts_length;
    size_t room = m->texts_room != 0 ? m->texts_room : 4096;
    while (room - m->texts_length < length) room *= 2;
    char *grown = wardi_grow(m->texts, m->texts_room, room);
    if (grown == NULL) {
        m->no_memory = true;
        return NULL;
    }
    m->texts = grown;
    m->texts_room = room;
    return grown + m->texts_length;
}

/* Labels by name and value, up to the first that is NULL; what is empty is left out, as it means
 * the same. Each at most as long as a name. */
static uint32_t labels_put(metrics *m, const char *const *labels, uint32_t *ret_length)
{
    size_t length = 0, room = METRICS_LINE_BYTES;
    *ret_length = 0;
    char *at = texts_reserve(m, room);
    if (at == NULL) return 0;
    for (; *labels != NULL; labels += 2)
        if (labels[1][0] != '\0') wardi_labels_add(at, room, &length, labels[0], labels[1]);
    uint32_t offset = (uint32_t)m->texts_length;
    m->texts_length += length;
    *ret_length = (uint32_t)length;
    return offset;
}

static uint32_t text_put(metrics *m, const char *text)
{
    size_t length = strlen(text) + 1;
    char *at = texts_reserve(m, length);
    if (at == NULL) return UINT32_MAX;
    memcpy(at, text, length);
    m->texts_length += length;
    return (uint32_t)(m->texts_length - length);
}

static void row_labels(metrics *m, metrics_row *row, const view_member *member)
{
    char version[128];
    wardi_text cut = WARDI_TEXT(version);
    wardi_text_puts(&cut, member->version);
    const char *const labels[] = {"component", member->name, "group", member->group, NULL};
    const char *const about[] = {
        "component", member->name, "group", member->group,
        "version",   version,      "kind",  member->native ? "native" : "guest",
        NULL};
    row->labels = labels_put(m, labels, &row->labels_length);
    row->about = labels_put(m, about, &row->about_length);
}

/* ---- figures of a child ---- */

static void fill_life(uint64_t *slots, const view_member *member, const ward_child_status *status)
{
    slots[SLOT_MEMBERS + view_judge(member, status)] = 1;
    slots[SLOT_STATES + status->state] = 1;
    slots[SLOT_GUESTS] = !member->native;
    slots[SLOT_READY] = status->ready;
    slots[SLOT_FLAPPING] = status->flapping;
    slots[SLOT_GIVEN_UP] = status->given_up;
    slots[SLOT_CHECK_AGE_NS] = status->checked_age_ns;
    slots[SLOT_RESTARTS] = status->restarts;
    for (size_t i = 0; i < WARD_CAUSE_COUNT; i++)
        slots[SLOT_CAUSE + i] = status->restarts_by_cause[i];
    slots[SLOT_EVIDENCE] = member->evidence;
    slots[SLOT_CPU_DELAYS] = status->cpu_delays;
    slots[SLOT_CPU_DELAYED_NS] = status->cpu_delayed_ns;
    slots[SLOT_TIMERS] = status->timers;
    slots[SLOT_TIMERS_LOST] = status->timers_lost;
    slots[SLOT_DENIED] = status->denied;
    slots[SLOT_LOG_LINES] = status->log_lines;
    slots[SLOT_LOG_SUPPRESSED] = status->log_suppressed;
}

static void fill_guest(uint64_t *slots, const ward_child_figures *figures)
{
    const ward_figures *of = &figures->component;
    slots[SLOT_START_NS] = of->started_wall_ns;
    slots[SLOT_MEMORY] = of->memory_bytes;
    slots[SLOT_MEMORY_LIMIT] = of->memory_bytes_max;
    slots[SLOT_FUEL_PEAK] = of->fuel_peak;
    slots[SLOT_FUEL_LIMIT] = of->fuel_per_call;
    slots[SLOT_GROWTHS_REFUSED] = of->growths_refused;
    slots[SLOT_CHECKS] = of->checks;
    slots[SLOT_TRAPS] = of->traps;
    slots[SLOT_STARTS] = of->starts;
    slots[SLOT_INSIDE_NS] = figures->inside_ns;
    for (size_t i = 0; i < WARD_PROBE_ERROR_COUNT; i++) {
        slots[SLOT_PROBE_ERROR + i] = of->probe_errors[i];
        if (i != WARD_PROBE_OK) slots[SLOT_PROBE_ERRORS] += of->probe_errors[i];
    }
    for (size_t i = 0; i < WARD_LATENCY_BUCKETS; i++)
        slots[SLOT_LATENCY + i] = figures->latency_buckets[i];
    slots[SLOT_LATENCY + WARD_LATENCY_BUCKETS] = of->probe_ns_total;
}

static void fill_messages(uint64_t *slots, const ward_child_figures *figures)
{
    const ward_message_counts *of = &figures->messages;
    slots[SLOT_MAILBOX_WAITING] = figures->mailbox_waiting;
    slots[SLOT_MAILBOX_LIMIT] = figures->mailbox_max;
    slots[SLOT_MESSAGES] = of->sent;
    slots[SLOT_OUTCOME + OUTCOME_HANDLED] = of->handled;
    slots[SLOT_OUTCOME + OUTCOME_REFUSED] = of->refused;
    slots[SLOT_OUTCOME + OUTCOME_DROPPED] = of->dropped;
    slots[SLOT_OUTCOME + OUTCOME_EXPIRED] = of->expired;
    slots[SLOT_OUTCOME + OUTCOME_UNDELIVERED] = of->undelivered;
    slots[SLOT_OUTCOME + OUTCOME_SET_ASIDE] = of->set_aside;
    slots[SLOT_LOST] = of->refused + of->dropped + of->expired + of->undelivered + of->set_aside;
}

static bool fill(const metrics *m, uint64_t *slots, const view_member *member)
{
    const view *v = m->hub->view;
    ward_child_status status = WARD_INIT(ward_child_status);
    ward_child_figures figures = WARD_INIT(ward_child_figures);
    if (!view_child_status(v, member, &status)) return false;
    if (ward_supervisor_figures(view_supervisor(v), member->id, &figures) != WARD_OK) return false;
    memset(slots, 0, SLOT_COUNT * sizeof *slots);
    fill_life(slots, member, &status);
    fill_guest(slots, &figures);
    fill_messages(slots, &figures);
    return true;
}

bool metrics_row_fill(metrics *m, metrics_row *row, const view_member *member)
{
    if (!fill(m, row->slots, member)) return false;
    row_labels(m, row, member);
    return !m->no_memory;
}

static void keep_larger(uint64_t *to, const uint64_t *from, size_t slot)
{
    if (from[slot] > to[slot]) to[slot] = from[slot];
}

/* All but who is in the group, which is counted of those as well that are not summed. */
static void sum_into(uint64_t *to, const uint64_t *from)
{
    keep_larger(to, from, SLOT_START_NS);
    keep_larger(to, from, SLOT_CHECK_AGE_NS);
    keep_larger(to, from, SLOT_FUEL_PEAK);
    keep_larger(to, from, SLOT_FUEL_LIMIT);
    to[SLOT_SUMMED]++;
    to[SLOT_GUESTS] += from[SLOT_GUESTS];
    for (size_t i = SLOT_READY; i <= SLOT_GIVEN_UP; i++) to[i] += from[i];
    for (size_t i = SLOT_MAILBOX_WAITING; i < SLOT_COUNT; i++) to[i] += from[i];
}

/* ---- rows ---- */

static metrics_row *row_new(metrics *m, metrics_rows *rows, bool *ret_full)
{
    *ret_full = rows->count >= METRICS_ROWS_MAX;
    if (*ret_full) return NULL;
    if (rows->count == rows->room) {
        size_t room = rows->room != 0 ? 2 * rows->room : 16;
        metrics_row *grown =
            wardi_grow(rows->list, rows->room * sizeof *rows->list, room * sizeof *rows->list);
        if (grown == NULL) {
            m->no_memory = true;
            return NULL;
        }
        rows->list = grown;
        rows->room = room;
    }
    metrics_row *row = &rows->list[rows->count++];
    memset(row, 0, sizeof *row);
    return row;
}

enum { GROUP_INDEX = 2 * METRICS_ROWS_MAX }; /* a power of two */

static bool is_group(const metrics *m, size_t row, const char *name)
{
    return strcmp(m->texts + m->groups.list[row].name, name) == 0;
}

/* Its row; beyond METRICS_ROWS_MAX, and without memory, that of the top. */
static uint32_t group_row(metrics *m, const char *name)
{
    if (name[0] == '\0') return 0;
    if (is_group(m, m->last_group, name)) return m->last_group;
    size_t place = wardi_siphash(m->hub->key, name, strlen(name)) & (GROUP_INDEX - 1);
    while (m->group_index[place] != 0 && !is_group(m, m->group_index[place] - 1, name))
        place = (place + 1) & (GROUP_INDEX - 1);
    if (m->group_index[place] != 0) return m->last_group = m->group_index[place] - 1;
    bool full;
    metrics_row *row = row_new(m, &m->groups, &full);
    if (row == NULL) return 0;
    const char *const labels[] = {"group", name, NULL};
    row->labels = labels_put(m, labels, &row->labels_length);
    row->name = text_put(m, name);
    if (row->name == UINT32_MAX) {
        m->groups.count--;
        return 0;
    }
    m->last_group = (uint32_t)m->groups.count - 1;
    m->group_index[place] = m->last_group + 1;
    return m->last_group;
}

/* ---- looking at members ---- */

static bool gather_clear(metrics *m)
{
    bool full;
    m->groups.count = m->components.count = 0;
    m->texts_length = 0;
    m->last_group = 0;
    m->summed = 0;
    memset(m->group_index, 0, GROUP_INDEX * sizeof *m->group_index);
    metrics_points_done(&m->points);
    metrics_row *top = row_new(m, &m->groups, &full);
    if (top != NULL) top->name = text_put(m, "");
    metrics_walk_start(&m->walk, m->hub->view);
    m->walk.born_max = m->born_max;
    return !m->no_memory;
}

static void too_many(metrics *m)
{
    if (m->options.per_component)
        m->one_by_one = true;
    else if (!m->fold_groups)
        m->fold_groups = true;
    else
        m->fold_top = true;
    gather_clear(m);
}

static bool is_summed(const metrics *m, const view_member *member)
{
    if (m->only != NULL && strcmp(m->only, member->name) == 0) return false;
    if (m->fold_top || (m->fold_groups && member->group[0] != '\0')) return true;
    return member->instance && !m->options.per_component;
}

/* What its guest measures, for whom its figures are shown. */
static void take_guest(metrics *m, const view_member *member, guest_point whose, bool summed)
{
    size_t count = WARD_METRICS_MAX;
    if (member->native) return;
    if (!summed && m->points.series >= GUEST_SERIES) count = 0;
    ward_error error = ward_supervisor_look_metrics(view_supervisor(m->hub->view), member->id,
                                                    m->hub->guest, &count);
    if (error == WARD_ERROR_BUFFER_TOO_SMALL) m->points.left_out[LEFT_SERIES] += count;
    for (size_t i = 0; error == WARD_OK && i < count; i++)
        metrics_points_add(&m->points, &m->hub->names, &whose, &m->hub->guest[i]);
}

enum { OWNER_COMPONENT = UINT32_C(1) << 31 };

/* A component that is looked at again while it is written: only who is in the group is counted. */
static void take_one_by_one(metrics *m, const view_member *member, metrics_row *group)
{
    ward_child_status status = WARD_INIT(ward_child_status);
    if (!view_child_status(m->hub->view, member, &status)) return;
    group->slots[SLOT_MEMBERS + view_judge(member, &status)]++;
    guest_point whose = {.owner = OWNER_COMPONENT | (uint32_t)m->owners++};
    size_t before = m->texts_length, points = m->points.count;
    const char *const labels[] = {"component", member->name, "group", member->group, NULL};
    whose.labels = labels_put(m, labels, &whose.labels_length);
    take_guest(m, member, whose, false);
    if (m->points.count == points) m->texts_length = before;
}

static void count_in_group(metrics *m, uint32_t group, const uint64_t *slots)
{
    for (size_t i = 0; i < VIEW_CONDITIONS; i++)
        m->groups.list[group].slots[SLOT_MEMBERS + i] += slots[SLOT_MEMBERS + i];
}

static void take_summed(metrics *m, const view_member *member, uint32_t group)
{
    uint64_t slots[SLOT_COUNT];
    if (!fill(m, slots, member)) return;
    metrics_row *row = &m->groups.list[group];
    count_in_group(m, group, slots);
    sum_into(row->slots, slots);
    m->summed++;
    guest_point whose = {
        .owner = group, .labels = row->labels, .labels_length = row->labels_length};
    take_guest(m, member, whose, true);
}

static void take_shown(metrics *m, const view_member *member, uint32_t group)
{
    bool full;
    metrics_row *row = row_new(m, &m->components, &full);
    if (full) too_many(m);
    if (row == NULL) return;
    if (!metrics_row_fill(m, row, member)) {
        m->components.count--;
        return;
    }
    count_in_group(m, group, row->slots);
    guest_point whose = {.owner = OWNER_COMPONENT | (uint32_t)(m->components.count - 1),
                         .labels = row->labels,
                         .labels_length = row->labels_length};
    take_guest(m, member, whose, false);
}

static void take_group(metrics *m, const view_member *member)
{
    uint64_t *slots = m->groups.list[group_row(m, member->name)].slots;
    if (slots == m->groups.list[0].slots) return;
    slots[SLOT_IS_GROUP] = 1;
    slots[SLOT_GROUP_READY] = member->ready;
    slots[SLOT_GROUP + member->condition] = 1;
}

static bool is_wanted(const metrics *m, const view_member *member)
{
    if (m->only == NULL) return true;
    return strcmp(member->name, m->only) == 0 ||
           (!member->is_group && strcmp(member->group, m->only) == 0);
}

static void take(metrics *m, const view_member *member)
{
    if (member->is_group) {
        take_group(m, member);
        return;
    }
    uint32_t group = group_row(m, member->group);
    if (is_summed(m, member))
        take_summed(m, member, group);
    else if (m->one_by_one)
        take_one_by_one(m, member, &m->groups.list[group]);
    else
        take_shown(m, member, group);
}

/* ---- from the beginning to the end ---- */

ward_error metrics_gather_start(metrics *m)
{
    view *v = m->hub->view;
    const view_member *child = m->only != NULL ? view_find_child(v, m->only) : NULL;
    bool group = m->only != NULL && view_find_group(v, m->only) != NULL;
    if (m->only != NULL && child == NULL && !group) return WARD_ERROR_NOT_FOUND;
    m->group_index = wardi_alloc_array(GROUP_INDEX, sizeof *m->group_index);
    if (m->group_index == NULL || !gather_clear(m)) return WARD_ERROR_NO_MEMORY;
    if (!metrics_names_start(&m->hub->names, m->hub->under_way_count == 0))
        return WARD_ERROR_NO_MEMORY;
    m->names_round = m->hub->names.round;
    m->sums_rounds = m->hub->sums.rounds;
    if (child != NULL && !group) { /* nobody else has to be looked at */
        take_shown(m, child, 0);
        m->walk.walking = false;
    }
    return m->no_memory ? WARD_ERROR_NO_MEMORY : WARD_OK;
}

static void sums_keep(metrics *m)
{
    metrics_sums *sums = &m->hub->sums;
    bool late = sums->rounds != m->sums_rounds;
    sums->rounds++;
    for (size_t i = 0; i < m->groups.count; i++) {
        metrics_row *row = &m->groups.list[i];
        if (row->slots[SLOT_SUMMED] != 0)
            metrics_sums_keep(sums, m->texts + row->name, row->slots, late);
    }
}

bool metrics_gather(metrics *m, uint64_t until_ns)
{
    enum { BETWEEN_LOOKS = 32 }; /* at the clock */
    for (size_t i = 1; m->walk.walking && !m->no_memory; i++) {
        const view_member *member = metrics_walk_next(&m->walk, m->hub->view);
        if (member != NULL && is_wanted(m, member)) take(m, member);
        if (i % BETWEEN_LOOKS == 0 && wardi_now_ns() >= until_ns) return false;
    }
    sums_keep(m);
    if (m->only == NULL) m->hub->names.complete = m->names_round;
    return true;
}

void metrics_gather_done(metrics *m)
{
    metrics_points_done(&m->points);
    wardi_free(m->groups.list);
    wardi_free(m->components.list);
    wardi_free(m->group_index);
    wardi_free(m->texts);
}
