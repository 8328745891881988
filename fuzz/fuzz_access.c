/* Names, patterns and topics: lines that change and ask an index of topics, held against a plain
 * list; and what must hold between the answers of covers and overlaps.
 *
 * "+7a.*" subscribes 7, "-7a.*" ends that, "!7" ends all of 7; any other line is a topic that is
 * published. Every text is asked for its faults as every kind. */
#include "access/access.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROWS_MAX = 64, IDS = 256 };

typedef struct model {
    wardi_topics *topics;
    struct {
        char *pattern;
        uint8_t id;
    } rows[ROWS_MAX];
    size_t count;
    unsigned visits[IDS];
} model;

/* Character by character, on purpose. */
static bool plain_match(const char *pattern, const char *name)
{
    if (strcmp(pattern, "#") == 0) return true;
    if (strcmp(pattern, ".#") == 0 || strcmp(pattern, "/#") == 0)
        return *name == '\0' || *name == *pattern;
    if (*pattern == '*') {
        size_t length = strcspn(name, "./");
        return length > 0 && plain_match(pattern + 1, name + length);
    }
    if (*pattern != *name) return false;
    return *pattern == '\0' || plain_match(pattern + 1, name + 1);
}

static bool is(const char *text, wardi_text_kind kind)
{
    return wardi_access_fault(text, kind) == NULL;
}

static void check_kinds(const char *text)
{
    WARD_ASSERT(!is(text, WARDI_NAME) || is(text, WARDI_NAME_PATTERN));
    WARD_ASSERT(!is(text, WARDI_TOPIC) || is(text, WARDI_TOPIC_PATTERN));
    WARD_ASSERT(!is(text, WARDI_TOPIC) || is(text, WARDI_NAME));
    WARD_ASSERT(!is(text, WARDI_TOPIC_PATTERN) || is(text, WARDI_NAME_PATTERN));
    bool wild = strpbrk(text, "*#") != NULL;
    WARD_ASSERT(is(text, WARDI_NAME) == (is(text, WARDI_NAME_PATTERN) && !wild));
    if (!is(text, WARDI_NAME_PATTERN)) return;
    WARD_ASSERT(strlen(text) <= WARDI_PATTERN_BYTES_MAX && strstr(text, "..") == NULL);
    WARD_ASSERT(strstr(text, "//") == NULL && strchr("./", text[strlen(text) - 1]) == NULL);
    WARD_ASSERT(wardi_pattern_covers(text, text) && wardi_pattern_overlaps(text, text));
    WARD_ASSERT(wardi_pattern_covers("#", text));
}

/* `name` is a witness: whatever is said of two patterns must not be against it. One pattern covers
 * another in what it says of topics: "*.#" covers "#", which a name with a '/' is against. */
static void check_pairs(const model *m, const char *name)
{
    bool topic = is(name, WARDI_TOPIC);
    for (size_t i = 0; i < m->count; i++) {
        const char *p = m->rows[i].pattern;
        bool matches = plain_match(p, name);
        WARD_ASSERT(wardi_pattern_covers(p, name) == matches);
        WARD_ASSERT(wardi_pattern_overlaps(name, p) == matches);
        for (size_t j = 0; matches && j < m->count; j++) {
            const char *q = m->rows[j].pattern;
            bool both = plain_match(q, name);
            WARD_ASSERT(!both || (wardi_pattern_overlaps(p, q) && wardi_pattern_overlaps(q, p)));
            WARD_ASSERT(both || !topic || !wardi_pattern_covers(q, p));
        }
    }
}

static void visit(void *context, uint64_t id)
{
    model *m = context;
    m->visits[id]++;
}

static void publish(model *m, const char *topic)
{
    memset(m->visits, 0, sizeof m->visits);
    ward_error error = wardi_topics_publish(m->topics, topic, visit, m, NULL);
    WARD_ASSERT(error == (is(topic, WARDI_TOPIC) ? WARD_OK : WARD_ERROR_INVALID_ARGUMENT));
    bool wanted[IDS] = {false};
    for (size_t i = 0; error == WARD_OK && i < m->count; i++)
        wanted[m->rows[i].id] |= plain_match(m->rows[i].pattern, topic);
    for (size_t id = 0; id < IDS; id++) WARD_ASSERT(m->visits[id] == wanted[id]);
    if (is(topic, WARDI_NAME)) check_pairs(m, topic);
}

static void drop(model *m, size_t at)
{
    free(m->rows[at].pattern);
    m->rows[at] = m->rows[--m->count];
}

static size_t find(const model *m, const char *pattern, uint8_t id)
{
    size_t i = 0;
    while (i < m->count && (m->rows[i].id != id || strcmp(m->rows[i].pattern, pattern) != 0)) i++;
    return i;
}

static void subscribe(model *m, const char *pattern, uint8_t id)
{
    if (m->count == ROWS_MAX) return;
    ward_error error = wardi_topics_subscribe(m->topics, pattern, id, NULL);
    WARD_ASSERT(error ==
                (is(pattern, WARDI_TOPIC_PATTERN) ? WARD_OK : WARD_ERROR_INVALID_ARGUMENT));
    if (error != WARD_OK || find(m, pattern, id) < m->count) return;
    m->rows[m->count].id = id;
    m->rows[m->count++].pattern = strdup(pattern);
}

static void unsubscribe(model *m, const char *pattern, uint8_t id)
{
    size_t at = find(m, pattern, id);
    WARD_ASSERT(wardi_topics_unsubscribe(m->topics, pattern, id) == (at < m->count));
    if (at < m->count) drop(m, at);
}

static void unsubscribe_all(model *m, uint8_t id)
{
    size_t count = 0;
    for (size_t i = m->count; i-- > 0;) {
        if (m->rows[i].id != id) continue;
        drop(m, i);
        count++;
    }
    WARD_ASSERT(wardi_topics_unsubscribe_all(m->topics, id) == count);
}

static void line_run(model *m, const char *line)
{
    bool change = (line[0] == '+' || line[0] == '-' || line[0] == '!') && line[1] != '\0';
    const char *text = change ? line + 2 : line;
    check_kinds(text);
    uint8_t id = (uint8_t)line[change];
    if (!change)
        publish(m, text);
    else if (line[0] == '+')
        subscribe(m, text, id);
    else if (line[0] == '-')
        unsubscribe(m, text, id);
    else
        unsubscribe_all(m, id);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    model m = {.topics = wardi_topics_new(1)};
    char *text = malloc(size + 1);
    WARD_ASSERT(m.topics != NULL && text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    for (char *at = text, *line; (line = at) < text + size;) {
        at += strcspn(at, "\n");
        *at++ = '\0';
        line_run(&m, line);
    }
    WARD_ASSERT(wardi_topics_check(m.topics) == NULL);
    while (m.count > 0) unsubscribe(&m, m.rows[0].pattern, m.rows[0].id);
    WARD_ASSERT(wardi_topics_check(m.topics) == NULL);
    wardi_topics_free(m.topics);
    free(text);
    return 0;
}
