/* Names and patterns, segment by segment. A wildcard is a whole segment and `#` comes last, so
 * every question is one walk along both, without a way back. */
#include <string.h>

#include "access/access_priv.h"

static const char separators[] = "./";

static bool is_word(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

static bool is_wildcard(char c)
{
    return c == ANY_ONE || c == ANY_REST;
}

segment segment_next(const char **at)
{
    segment s = {.text = *at};
    if (*s.text == '.' || *s.text == '/') s.before = *s.text++;
    s.length = strcspn(s.text, separators);
    *at = s.text + s.length;
    return s;
}

bool segment_is(segment s, char wildcard)
{
    return s.length == 1 && *s.text == wildcard;
}

/* ---- what is a name, what is a pattern ---- */

static const char *segment_fault(const char *text, size_t length, bool pattern)
{
    if (length == 0)
        return "a segment is empty: no separator stands first, last or behind another, and '.' "
               "and '..' are no segments";
    if (length == 1 && is_wildcard(*text)) {
        if (!pattern) return "a wildcard stands in it, and one name is meant: spell it out";
        if (*text == ANY_REST && text[length] != '\0')
            return "'#' stands before the end: it is all that follows; write '*' for one segment";
        return NULL;
    }
    for (size_t i = 0; i < length; i++) {
        if (is_wildcard(text[i]))
            return "a wildcard is part of a segment: '*' is any one segment, '#' at the end any "
                   "number of them; parts of one can't be left open";
        if (!is_word(text[i]))
            return "a character is none of A-Z, a-z, 0-9, '_', '-' and the separators";
    }
    return NULL;
}

const char *wardi_access_fault(const char *text, wardi_text_kind kind)
{
    bool pattern = kind == WARDI_NAME_PATTERN || kind == WARDI_TOPIC_PATTERN;
    bool topic = kind == WARDI_TOPIC || kind == WARDI_TOPIC_PATTERN;
    if (text == NULL || *text == '\0') return "it is empty: at least one segment is needed";
    if (strnlen(text, WARDI_PATTERN_BYTES_MAX + 1) > WARDI_PATTERN_BYTES_MAX)
        return "it is longer than 255 bytes: shorten it";
    for (size_t segments = 1;; segments++) {
        size_t length = strcspn(text, separators);
        const char *fault = segment_fault(text, length, pattern);
        if (fault != NULL) return fault;
        if (topic && segments > WARDI_TOPIC_SEGMENTS_MAX)
            return "it has more than 16 levels: use fewer";
        if (text[length] == '\0') return NULL;
        if (topic && text[length] == '/') return "a '/' stands in it: a topic's levels are a.b.c";
        text += length + 1;
    }
}

/* ---- questions ---- */

static bool same_text(segment a, segment b)
{
    return a.length == b.length && memcmp(a.text, b.text, a.length) == 0;
}

/* `rest` is the `#` of one, reached with the other at `other`: nothing is left there, or something
 * behind the same separator. */
static bool rest_takes(segment rest, segment other)
{
    return other.length == 0 || other.before == rest.before;
}

bool wardi_pattern_covers(const char *pattern, const char *asked)
{
    /* No name is empty, so a topic matches one as it does the other. */
    if (strcmp(asked, "#") == 0) asked = "*.#";
    for (;;) {
        segment p = segment_next(&pattern), a = segment_next(&asked);
        if (segment_is(p, ANY_REST)) return rest_takes(p, a);
        if (p.length == 0 || a.length == 0) return p.length == a.length;
        bool one = segment_is(p, ANY_ONE) && !segment_is(a, ANY_REST);
        if (p.before != a.before || !(one || same_text(p, a))) return false;
    }
}

bool wardi_pattern_overlaps(const char *a, const char *b)
{
    for (;;) {
        segment x = segment_next(&a), y = segment_next(&b);
        bool x_rest = segment_is(x, ANY_REST), y_rest = segment_is(y, ANY_REST);
        if (x_rest && y_rest) return true; /* nothing is left, for both */
        if (x_rest) return rest_takes(x, y);
        if (y_rest) return rest_takes(y, x);
        if (x.length == 0 || y.length == 0) return x.length == y.length;
        bool one = segment_is(x, ANY_ONE) || segment_is(y, ANY_ONE);
        if (x.before != y.before || !(one || same_text(x, y))) return false;
    }
}
