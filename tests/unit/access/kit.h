/* What the tests of access share: an oracle for patterns, slow and obvious, that shares no line
 * with src/access. */
#ifndef ACCESS_KIT_H
#define ACCESS_KIT_H

#include "access/access.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Whether a well-formed pattern matches a well-formed name: character by character. */
static inline bool plain_match(const char *pattern, const char *name)
{
    if (strcmp(pattern, "#") == 0) return true;
    if (pattern[0] != '\0' && strcmp(pattern + 1, "#") == 0 && strchr("./", pattern[0]) != NULL)
        return *name == '\0' || *name == *pattern;
    if (*pattern == '*') {
        size_t length = strcspn(name, "./");
        return length > 0 && plain_match(pattern + 1, name + length);
    }
    if (*pattern != *name) return false;
    return *pattern == '\0' || plain_match(pattern + 1, name + 1);
}

/* All texts of up to so many segments, which are one letter each, in every mixture of separators.
 */
enum { KIT_TEXTS_MAX = 1024, KIT_TEXT_BYTES = 16 };
typedef struct kit_texts {
    char text[KIT_TEXTS_MAX][KIT_TEXT_BYTES];
    size_t count;
} kit_texts;

static inline void kit_enumerate(kit_texts *texts, const char *segments, const char *separators,
                                 size_t depth)
{
    size_t from = 0, to = 0;
    for (const char *s = segments; *s != '\0'; s++) texts->text[to++][0] = *s;
    for (size_t level = 1; level < depth; level++) { /* those of a level, and one more segment */
        size_t end = to, at = 2 * level - 1;
        for (; from < end; from++) {
            if (texts->text[from][at - 1] == '#') continue;
            for (const char *between = separators; *between != '\0'; between++) {
                for (const char *s = segments; *s != '\0'; s++, to++) {
                    assert_true(to < KIT_TEXTS_MAX && at + 2 < KIT_TEXT_BYTES);
                    memcpy(texts->text[to], texts->text[from], at);
                    texts->text[to][at] = *between;
                    texts->text[to][at + 1] = *s;
                }
            }
        }
    }
    texts->count = to;
}

#endif
