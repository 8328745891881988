#include "surface/logs.h"

#include <pthread.h>
#include <string.h>

enum { LINES_MAX = 8192, BYTES_MAX = 8 << 20 };

/* A line in one piece of memory: its fields and texts are behind it. */
typedef struct kept_line {
    ward_log_line line;
    uint64_t sequence;
    size_t bytes;
} kept_line;

struct logs {
    pthread_mutex_t lock;        /* guards all of it */
    kept_line *lines[LINES_MAX]; /* in the place of its sequence */
    uint64_t first, next;        /* sequences: kept are first … next - 1; from 1 */
    size_t bytes;
};

logs *logs_new(void)
{
    logs *l = wardi_alloc(sizeof *l);
    if (l == NULL) return NULL;
    pthread_mutex_init(&l->lock, NULL);
    l->first = l->next = 1;
    return l;
}

void logs_free(logs *l)
{
    if (l == NULL) return;
    for (size_t i = 0; i < LINES_MAX; i++) wardi_free(l->lines[i]);
    pthread_mutex_destroy(&l->lock);
    wardi_free(l);
}

/* ---- copies ---- */

static size_t bytes_of(const ward_log_line *line)
{
    size_t bytes = line->field_count * sizeof(ward_log_field) + strlen(line->component) + 1 +
                   strlen(line->text) + 1;
    for (size_t i = 0; i < line->field_count; i++)
        bytes += strlen(line->fields[i].key) + 1 + strlen(line->fields[i].value) + 1;
    return bytes;
}

static const char *text_to(char **at, const char *text)
{
    char *copy = *at;
    size_t size = strlen(text) + 1;
    memcpy(copy, text, size);
    *at += size;
    return copy;
}

/* `room` holds bytes_of(line). */
static void line_copy(ward_log_line *to, void *room, const ward_log_line *line)
{
    ward_log_field *fields = room;
    char *at = (char *)(fields + line->field_count);
    *to = *line;
    to->component = text_to(&at, line->component);
    to->text = text_to(&at, line->text);
    for (size_t i = 0; i < line->field_count; i++) {
        fields[i].key = text_to(&at, line->fields[i].key);
        fields[i].value = text_to(&at, line->fields[i].value);
    }
    to->fields = fields;
}

/* ---- in ---- */

static kept_line *slot_take(logs *l, uint64_t sequence)
{
    kept_line **slot = &l->lines[sequence % LINES_MAX], *taken = *slot;
    *slot = NULL;
    if (taken != NULL) l->bytes -= taken->bytes;
    return taken;
}

void logs_put(logs *l, const ward_log_line *line)
{
    size_t bytes = sizeof(kept_line) + bytes_of(line);
    kept_line *kept = wardi_alloc(bytes), *gone = NULL;
    if (kept != NULL) {
        line_copy(&kept->line, kept + 1, line);
        kept->bytes = bytes;
    }
    pthread_mutex_lock(&l->lock);
    uint64_t sequence = l->next++;
    if (sequence - l->first >= LINES_MAX) gone = slot_take(l, l->first++);
    while (kept != NULL && l->bytes + bytes > BYTES_MAX && l->first < sequence) {
        wardi_free(gone);
        gone = slot_take(l, l->first++);
    }
    l->lines[sequence % LINES_MAX] = kept;
    if (kept != NULL) {
        kept->sequence = sequence;
        l->bytes += bytes;
    }
    pthread_mutex_unlock(&l->lock);
    wardi_free(gone);
}

/* ---- out ---- */

static bool matches(const logs_query *query, const kept_line *kept)
{
    if (kept == NULL || kept->line.level < query->level) return false;
    if (query->component == NULL) return true;
    size_t length = strlen(query->component);
    const char *name = kept->line.component;
    if (strncmp(name, query->component, length) != 0) return false;
    const char *rest = name + length;
    return *rest == '\0' ||
           (*rest == '.' && rest[1] != '\0' && strspn(rest + 1, "0123456789") == strlen(rest + 1));
}

/* From the newest back: the first sequence of those that are wanted, and how much room they take.
 */
static uint64_t choose(const logs *l, const logs_query *query, size_t *ret_count, size_t *ret_bytes)
{
    uint64_t from = query->after >= l->first ? query->after + 1 : l->first, at = l->next;
    *ret_count = *ret_bytes = 0;
    while (at > from && *ret_count < query->limit) {
        const kept_line *kept = l->lines[--at % LINES_MAX];
        if (!matches(query, kept)) continue;
        ++*ret_count;
        *ret_bytes += sizeof(logs_found) + kept->bytes;
    }
    return at;
}

logs_found *logs_find(logs *l, const logs_query *query, size_t *ret_count, uint64_t *ret_next)
{
    size_t bytes, count, filled = 0;
    pthread_mutex_lock(&l->lock);
    uint64_t at = choose(l, query, &count, &bytes);
    logs_found *found = wardi_alloc(bytes + 1);
    char *room = (char *)(found + count);
    for (; found != NULL && at < l->next && filled < count; at++) {
        const kept_line *kept = l->lines[at % LINES_MAX];
        if (!matches(query, kept)) continue;
        line_copy(&found[filled].line, room, &kept->line);
        found[filled++].sequence = kept->sequence;
        room += (bytes_of(&kept->line) + 15) / 16 * 16;
    }
    *ret_count = filled;
    *ret_next = l->next - 1;
    pthread_mutex_unlock(&l->lock);
    return found;
}
