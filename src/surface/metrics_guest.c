/* Guests' own metrics: whatever they call them, the page stays one that a reader takes, and of a
 * bounded size.
 *
 * A name is one kind of metric for the whole host, that of who came first; and no two families have
 * a sample of the same name, such as a gauge "a_sum" and a histogram "a". */
#include <math.h>
#include <string.h>

#include "surface/metrics_priv.h"

#define PREFIX "ward_guest_"

typedef struct guest_name {
    char name[GUEST_NAME_BYTES]; /* of the family */
    ward_metric_kind kind;
    bool shown;
    metrics_left_out why; /* it is not shown */
    uint64_t round;       /* in which it was last seen */
} guest_name;

enum { NAME_INDEX = 2 * GUEST_NAMES };

/* ---- names ---- */

static void family_name(char *ret_name, const ward_metric *metric)
{
    static const char total[] = "_total";
    size_t length = strlen(metric->name), suffix = sizeof total - 1;
    if (metric->kind == WARD_METRIC_COUNTER && length > suffix &&
        strcmp(metric->name + length - suffix, total) == 0)
        length -= suffix; /* the sample gets it back */
    memcpy(ret_name, PREFIX, sizeof PREFIX - 1);
    char *at = ret_name + sizeof PREFIX - 1;
    for (size_t i = 0; i < length; i++) at[i] = metric->name[i];
    at[length] = '\0';
    for (; *at != '\0'; at++)
        if (*at == ':') *at = '_'; /* reserved for rules */
}

/* What a sample of a kind may be called, behind the family's name. */
static const char *const *suffixes_of(ward_metric_kind kind)
{
    static const char *const counter[] = {"", "_total", "_created", NULL};
    static const char *const gauge[] = {"", NULL};
    static const char *const histogram[] = {"", "_bucket", "_count", "_sum", "_created", NULL};
    return kind == WARD_METRIC_COUNTER ? counter : kind == WARD_METRIC_GAUGE ? gauge : histogram;
}

/* Whether they have a sample name in common: one is then the other and a suffix, or both end in
 * one. */
static bool clash(const guest_name *a, const guest_name *b)
{
    char left[GUEST_NAME_BYTES + 16], right[GUEST_NAME_BYTES + 16];
    size_t a_length = strlen(a->name), b_length = strlen(b->name);
    size_t shorter = a_length < b_length ? a_length : b_length;
    if (strncmp(a->name, b->name, shorter) != 0) return false;
    for (const char *const *s = suffixes_of(a->kind); *s != NULL; s++)
        for (const char *const *t = suffixes_of(b->kind); *t != NULL; t++) {
            memcpy(left, a->name, a_length);
            strcpy(left + a_length, *s);
            memcpy(right, b->name, b_length);
            strcpy(right + b_length, *t);
            if (strcmp(left, right) == 0) return true;
        }
    return false;
}

static size_t place_of(const metrics_names *names, const char *name, ward_metric_kind kind)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ (uint64_t)kind;
    for (const char *at = name; *at != '\0'; at++)
        hash = (hash ^ (uint8_t)*at) * UINT64_C(0x100000001b3);
    size_t place = (hash ^ hash >> 32) & (NAME_INDEX - 1);
    for (; names->index[place] != 0; place = (place + 1) & (NAME_INDEX - 1)) {
        const guest_name *there = &names->list[names->index[place] - 1];
        if (there->kind == kind && strcmp(there->name, name) == 0) break;
    }
    return place;
}

static void judge(const metrics_names *names, guest_name *made)
{
    made->shown = names->shown < GUEST_FAMILIES;
    made->why = LEFT_NAMES;
    for (size_t i = 0; i < names->count && made->shown; i++) {
        const guest_name *other = &names->list[i];
        if (!other->shown || !clash(other, made)) continue;
        made->shown = false;
        made->why = LEFT_KIND;
    }
}

/* NULL: there are more than anybody keeps apart. */
static guest_name *name_of(metrics_names *names, const ward_metric *metric)
{
    guest_name made = {.kind = metric->kind};
    family_name(made.name, metric);
    size_t place = place_of(names, made.name, made.kind);
    if (names->index[place] == 0) {
        if (names->count == GUEST_NAMES) return NULL;
        judge(names, &made);
        names->shown += made.shown;
        names->list[names->count++] = made;
        names->index[place] = (uint16_t)names->count;
    }
    guest_name *found = &names->list[names->index[place] - 1];
    found->round = names->round;
    return found;
}

/* Those that nobody has had when everybody was last looked at make room, and what was refused for
 * want of it, or for them, is judged anew. */
static void drop_unseen(metrics_names *names)
{
    size_t kept = 0;
    for (size_t i = 0; i < names->count; i++)
        if (names->list[i].shown && names->list[i].round >= names->complete)
            names->list[kept++] = names->list[i];
    names->count = names->shown = kept;
    memset(names->index, 0, NAME_INDEX * sizeof *names->index);
    for (size_t i = 0; i < kept; i++)
        names->index[place_of(names, names->list[i].name, names->list[i].kind)] = (uint16_t)(i + 1);
}

bool metrics_names_start(metrics_names *names, bool alone)
{
    if (names->list == NULL) names->list = wardi_alloc_array(GUEST_NAMES, sizeof *names->list);
    if (names->index == NULL) names->index = wardi_alloc_array(NAME_INDEX, sizeof *names->index);
    if (names->list == NULL || names->index == NULL) return false;
    if (alone && names->count != names->shown) drop_unseen(names);
    names->round++;
    return true;
}

void metrics_names_done(metrics_names *names)
{
    wardi_free(names->list);
    wardi_free(names->index);
    *names = (metrics_names){0};
}

wardi_family metrics_name_family(const metrics_names *names, size_t name)
{
    static const wardi_family_type types[] = {[WARD_METRIC_COUNTER] = WARDI_COUNTER,
                                              [WARD_METRIC_GAUGE] = WARDI_GAUGE,
                                              [WARD_METRIC_HISTOGRAM] = WARDI_HISTOGRAM};
    const guest_name *of = &names->list[name];
    return (wardi_family){of->name, types[of->kind], "", "Of guests, as they say."};
}

/* ---- points ---- */

static size_t point_place(const metrics_points *points, uint32_t owner, uint32_t name)
{
    uint64_t hash = ((uint64_t)owner << 32 | name) * UINT64_C(0x9e3779b97f4a7c15);
    size_t place = (hash >> 32) & (points->index_room - 1);
    for (; points->index[place] != 0; place = (place + 1) & (points->index_room - 1)) {
        const guest_point *there = &points->list[points->index[place] - 1];
        if (there->owner == owner && there->name == name) break;
    }
    return place;
}

static bool points_reserve(metrics_points *points)
{
    if (points->count < points->room) return true;
    size_t room = points->room != 0 ? 2 * points->room : 64;
    guest_point *list = wardi_grow(points->list, points->room * sizeof *list, room * sizeof *list);
    if (list == NULL) return false;
    points->list = list;
    uint32_t *index = wardi_alloc_array(4 * room, sizeof *index);
    if (index == NULL) return false;
    wardi_free(points->index);
    points->index = index;
    points->index_room = 4 * room;
    points->room = room;
    for (size_t i = 0; i < points->count; i++)
        index[point_place(points, list[i].owner, list[i].name)] = (uint32_t)i + 1;
    return true;
}

/* Its first bucket, plus one; 0: no memory. */
static uint32_t buckets_new(metrics_points *points)
{
    if (points->bucket_count == points->bucket_room) {
        size_t room = points->bucket_room != 0 ? 2 * points->bucket_room : 8 * WARD_METRIC_BUCKETS;
        uint64_t *grown =
            wardi_grow(points->buckets, points->bucket_room * sizeof *grown, room * sizeof *grown);
        if (grown == NULL) return 0;
        points->buckets = grown;
        points->bucket_room = room;
    }
    points->bucket_count += WARD_METRIC_BUCKETS;
    return (uint32_t)(points->bucket_count - WARD_METRIC_BUCKETS) + 1;
}

static guest_point *point_new(metrics_points *points, const guest_point *whose, uint32_t name,
                              ward_metric_kind kind)
{
    size_t series = kind == WARD_METRIC_HISTOGRAM ? WARD_METRIC_BUCKETS + 2 : 1;
    if (points->series + series > GUEST_SERIES || !points_reserve(points)) return NULL;
    guest_point made = *whose;
    made.name = name;
    if (kind == WARD_METRIC_HISTOGRAM && (made.buckets = buckets_new(points)) == 0) return NULL;
    points->index[point_place(points, made.owner, name)] = (uint32_t)points->count + 1;
    points->list[points->count++] = made;
    points->series += series;
    if (points->first[name] == 0)
        points->first[name] = (uint32_t)points->count;
    else
        points->list[points->last[name] - 1].next = (uint32_t)points->count;
    points->last[name] = (uint32_t)points->count;
    return &points->list[points->count - 1];
}

static guest_point *point_of(metrics_points *points, const guest_point *whose, uint32_t name,
                             ward_metric_kind kind)
{
    if (points->count != 0) {
        uint32_t found = points->index[point_place(points, whose->owner, name)];
        if (found != 0) return &points->list[found - 1];
    }
    return point_new(points, whose, name, kind);
}

void metrics_points_add(metrics_points *points, metrics_names *names, const guest_point *whose,
                        const ward_metric *metric)
{
    const guest_name *name = name_of(names, metric);
    if (name == NULL || !name->shown) {
        points->left_out[name == NULL ? LEFT_NAMES : name->why]++;
        return;
    }
    guest_point *p = point_of(points, whose, (uint32_t)(name - names->list), metric->kind);
    if (p == NULL) {
        points->left_out[LEFT_SERIES]++;
        return;
    }
    p->value += metric->kind == WARD_METRIC_HISTOGRAM ? metric->sum : metric->value;
    if (p->buckets == 0) return;
    uint64_t *buckets = points->buckets + p->buckets - 1;
    for (size_t i = 0; i < WARD_METRIC_BUCKETS; i++) buckets[i] += metric->buckets[i];
}

void metrics_points_done(metrics_points *points)
{
    wardi_free(points->list);
    wardi_free(points->buckets);
    wardi_free(points->index);
    memset(points, 0, sizeof *points);
}
