/* Families, one after the other, and in each the series of all rows; a line is written as a whole
 * or again in the next piece. */
#include <math.h>
#include <string.h>

#include <ward/ward.h>

#include "surface/metrics_priv.h"

/* What became of a line. */
typedef enum outcome { WRITTEN, NOT_THERE, NO_ROOM } outcome;

/* ---- the lines of a row ---- */

static size_t lines_of(const metrics_family *f)
{
    switch (f->shape) {
    case ONE:
    case ANY:
    case ABOUT: return 1;
    case EACH:
    case EACH_ANY:
    case STATES: return f->each;
    case BUCKETS: return f->buckets + 2u;
    case BUCKETS_EACH: return f->each * (f->buckets + 2u);
    }
    return 0;
}

static wardi_number number_of(const metrics_family *f, uint64_t slot)
{
    return (wardi_number){.kind = f->seconds ? WARDI_NUMBER_NS : WARDI_NUMBER_COUNT, .count = slot};
}

static uint64_t up_to(const uint64_t *buckets, size_t count)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) sum += buckets[i];
    return sum;
}

/* Once a family, as writing them takes longer than a line. */
static void bounds_write(metrics *m, const metrics_family *f, double (*bound)(size_t), size_t count)
{
    if (m->bounds_of == f) return;
    m->bounds_of = f;
    for (size_t i = 0; i < count; i++)
        m->bounds[i][wardi_bound_write(m->bounds[i], bound(i))] = '\0';
}

static void bucket_line(metrics *m, const metrics_family *f, const uint64_t *slots, size_t line,
                        wardi_sample *s)
{
    bounds_write(m, f, f->bound, f->buckets);
    if (line < f->buckets) {
        s->part = WARDI_PART_BUCKET;
        s->label = "le";
        s->label_value = m->bounds[line];
        s->value.count = up_to(slots, line + 1);
        return;
    }
    bool sum = line > f->buckets;
    s->part = sum ? WARDI_PART_SUM : WARDI_PART_COUNT;
    s->value =
        sum ? number_of(f, slots[f->buckets]) : (wardi_number){.count = up_to(slots, f->buckets)};
}

/* A histogram for each name: the name is one of the row's labels. */
static bool bucket_line_of(metrics *m, const metrics_family *f, const uint64_t *slots, size_t line,
                           wardi_sample *s)
{
    size_t each = line / (f->buckets + 2u);
    const uint64_t *own = slots + each * (f->buckets + 1u);
    const char *name = f->name(each);
    if (name == NULL || up_to(own, f->buckets) == 0) return false;
    s->labels_length = 0;
    wardi_labels_add(m->each_labels, sizeof m->each_labels, &s->labels_length, f->label, name);
    s->labels = m->each_labels;
    bucket_line(m, f, own, line % (f->buckets + 2u), s);
    return true;
}

static const char *name_in(const metrics *m, const metrics_family *f, size_t index)
{
    return f->name != NULL ? f->name(index) : m->protocols[index];
}

static void about_line(const metrics *m, const metrics_family *f, const metrics_row *row,
                       wardi_sample *s)
{
    s->labels = f->scope == OF_HOST ? m->build : m->texts + row->about;
    s->labels_length = f->scope == OF_HOST ? m->build_length : row->about_length;
    s->value.count = 1;
}

/* False: there is no such line. */
static bool line_of(metrics *m, const metrics_family *f, const metrics_row *row,
                    const uint64_t *all_slots, wardi_sample *s)
{
    const uint64_t *slots = all_slots + f->slot;
    s->labels = m->texts + row->labels;
    s->labels_length = row->labels_length;
    switch (f->shape) {
    case ONE: s->value = number_of(f, *slots); return true;
    case ANY: s->value = number_of(f, *slots); return *slots != 0;
    case ABOUT: about_line(m, f, row, s); return true;
    case STATES:
        s->label = f->text.name;
        s->label_value = f->name(m->line);
        s->value.count = slots[m->line];
        return true;
    case EACH:
    case EACH_ANY:
        s->label = f->label;
        s->label_value = name_in(m, f, m->line);
        s->value = number_of(f, slots[m->line]);
        return s->label_value != NULL && (f->shape == EACH || slots[m->line] != 0);
    case BUCKETS: bucket_line(m, f, slots, m->line, s); return true;
    case BUCKETS_EACH: return bucket_line_of(m, f, slots, m->line, s);
    }
    return false;
}

/* What is told of a family comes before its first sample: one without any is not told of. */
static outcome sample_write(metrics *m, wardi_scribe *scribe, const wardi_family *family,
                            const wardi_sample *sample)
{
    if (!m->told && !wardi_scribe_family(scribe, family)) return NO_ROOM;
    m->told = true;
    return wardi_scribe_sample(scribe, family, sample) ? WRITTEN : NO_ROOM;
}

/* False: there is no room. */
static bool row_write(metrics *m, wardi_scribe *scribe, const metrics_family *f,
                      const metrics_row *row, const uint64_t *slots)
{
    size_t lines = f->depends && slots[f->on] == 0 ? 0 : lines_of(f);
    for (; m->line < lines; m->line++) {
        wardi_sample sample = {.part = WARDI_PART_VALUE};
        if (!line_of(m, f, row, slots, &sample)) continue;
        if (sample_write(m, scribe, &f->text, &sample) == NO_ROOM) return false;
    }
    m->line = 0;
    return true;
}

/* ---- the rows of a family ---- */

/* Of all rows: that of the host, those of groups, those of components. */
static const metrics_row *row_at(const metrics *m, const metrics_family *f, size_t at)
{
    static const metrics_row host = {0};
    if (f->scope == OF_HOST) return m->only == NULL ? &host : NULL;
    bool sums = f->scope == OF_SUMS;
    const metrics_row *row =
        at < m->groups.count ? &m->groups.list[at] : &m->components.list[at - m->groups.count];
    if (at >= m->groups.count) return f->scope != OF_GROUPS ? row : NULL;
    if (at == 0 && m->only != NULL) return NULL; /* nobody asked for the top */
    if (sums) return row->slots[SLOT_SUMMED] != 0 ? row : NULL;
    return f->scope == OF_GROUPS ? row : NULL;
}

static size_t rows_of(const metrics *m, const metrics_family *f)
{
    return f->scope == OF_HOST ? 1 : m->groups.count + m->components.count;
}

/* Those that have no rows: each is looked at, for each family anew. True: that was all. */
static bool one_by_one(metrics *m, wardi_scribe *scribe, const metrics_family *f, uint64_t until_ns)
{
    if (!m->walk.walking && !m->have_member) {
        metrics_walk_start(&m->walk, m->hub->view);
        m->walk.born_max = m->born_max;
    }
    for (size_t i = 1;; i++) {
        if (m->have_member) {
            if (!row_write(m, scribe, f, &m->member, m->member.slots)) return false;
            m->have_member = false;
        }
        if (i % 32 == 0 && wardi_now_ns() >= until_ns) return false;
        const view_member *next = metrics_walk_next(&m->walk, m->hub->view);
        if (next == NULL) return true;
        bool wanted = m->only == NULL || strcmp(next->group, m->only) == 0;
        m->texts_length = m->texts_kept;
        m->have_member = !next->is_group && wanted && metrics_row_fill(m, &m->member, next);
    }
}

/* True: all of it is written. */
static bool family_write(metrics *m, wardi_scribe *scribe, const metrics_family *f,
                         uint64_t until_ns)
{
    for (; m->row < rows_of(m, f); m->row++) {
        const metrics_row *row = row_at(m, f, m->row);
        if (row == NULL) continue;
        const uint64_t *slots = f->scope == OF_HOST ? m->host : row->slots;
        if (!row_write(m, scribe, f, row, slots)) return false;
    }
    bool each = m->one_by_one && (f->scope == OF_COMPONENTS || f->scope == OF_SUMS);
    return !each || one_by_one(m, scribe, f, until_ns);
}

/* ---- metrics of guests ---- */

static bool has_sum(const guest_point *p)
{
    return p->value >= 0; /* no NaN either: a reader refuses both */
}

static bool point_line(metrics *m, const guest_point *p, wardi_sample *s)
{
    s->labels = m->texts + p->labels;
    s->labels_length = p->labels_length;
    if (p->buckets == 0) {
        s->value = (wardi_number){.kind = WARDI_NUMBER_REAL, .real = p->value};
        return true;
    }
    const uint64_t *buckets = m->points.buckets + p->buckets - 1;
    if (m->line < WARD_METRIC_BUCKETS) {
        s->part = WARDI_PART_BUCKET;
        s->label = "le";
        s->label_value = m->bounds[m->line];
        s->value.count = up_to(buckets, m->line + 1);
        return true;
    }
    bool sum = m->line > WARD_METRIC_BUCKETS;
    s->part = sum ? WARDI_PART_SUM : WARDI_PART_COUNT;
    if (sum)
        s->value = (wardi_number){.kind = WARDI_NUMBER_REAL, .real = p->value};
    else
        s->value.count = up_to(buckets, WARD_METRIC_BUCKETS);
    return has_sum(p);
}

static bool point_write(metrics *m, wardi_scribe *scribe, const wardi_family *family,
                        const guest_point *p)
{
    size_t lines = p->buckets != 0 ? WARD_METRIC_BUCKETS + 2 : 1;
    for (; m->line < lines; m->line++) {
        wardi_sample sample = {.part = WARDI_PART_VALUE};
        if (!point_line(m, p, &sample)) continue;
        if (sample_write(m, scribe, family, &sample) == NO_ROOM) return false;
    }
    m->line = 0;
    return true;
}

static const metrics_family of_guests; /* for whom `bounds` are */

/* `row` is the point, plus one; 0: the first of the name. */
static bool guests_write(metrics *m, wardi_scribe *scribe)
{
    bounds_write(m, &of_guests, ward_metric_bound, WARD_METRIC_BUCKETS);
    for (; m->family < GUEST_NAMES; m->family++, m->row = 0, m->told = false) {
        if (m->row == 0) m->row = m->points.first[m->family];
        if (m->row == 0) continue;
        wardi_family family = metrics_name_family(&m->hub->names, m->family);
        while (m->row != 0) {
            const guest_point *p = &m->points.list[m->row - 1];
            if (!point_write(m, scribe, &family, p)) return false;
            m->row = p->next;
        }
    }
    return true;
}

/* ---- all of it ---- */

bool metrics_write(metrics *m, wardi_scribe *scribe, uint64_t until_ns)
{
    if (m->phase == PHASE_FAMILIES) {
        for (; m->family < metrics_family_count; m->family++, m->row = 0, m->told = false)
            if (!family_write(m, scribe, &metrics_families[m->family], until_ns)) return false;
        m->family = 0;
        m->phase = PHASE_GUESTS;
    }
    if (m->phase == PHASE_GUESTS) {
        if (!guests_write(m, scribe)) return false;
        m->phase = PHASE_END;
    }
    if (m->phase == PHASE_END && !wardi_scribe_end(scribe)) return false;
    m->phase = PHASE_OVER;
    return true;
}
