/* tests/vectors.tsv: frames with what must come of them. Header only, because each test is one
 * file.
 *
 * A line: name, frame in hex ("-": no bytes), outcome, reason (Python's unicode_escape) or class of
 * error. */
#ifndef WARD_TESTS_VECTORS_H
#define WARD_TESTS_VECTORS_H

#include "base/base.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ward/frame.h>

typedef struct vector {
    char name[64];
    uint8_t frame[1024];
    size_t length;
    ward_error error; /* WARD_OK: status and reason are expected */
    ward_health status;
    char reason[512];
    size_t reason_length;
} vector;

static inline unsigned vector_hex(const char *digits, size_t count)
{
    char copy[16] = {0};
    WARD_ASSERT(count < sizeof copy);
    memcpy(copy, digits, count);
    char *end;
    unsigned value = (unsigned)strtoul(copy, &end, 16);
    WARD_ASSERT(*end == '\0');
    return value;
}

static inline char *vector_put_utf8(char *to, unsigned c)
{
    if (c < 0x80) {
        *to++ = (char)c;
    } else if (c < 0x800) {
        *to++ = (char)(0xc0 | c >> 6);
    } else if (c < 0x10000) {
        *to++ = (char)(0xe0 | c >> 12);
        *to++ = (char)(0x80 | (c >> 6 & 0x3f));
    } else {
        *to++ = (char)(0xf0 | c >> 18);
        *to++ = (char)(0x80 | (c >> 12 & 0x3f));
        *to++ = (char)(0x80 | (c >> 6 & 0x3f));
    }
    if (c >= 0x80) *to++ = (char)(0x80 | (c & 0x3f));
    return to;
}

/* Python's unicode_escape. */
static inline size_t vector_unescape(const char *from, char *to)
{
    char *start = to;
    while (*from != '\0') {
        if (*from != '\\') {
            *to++ = *from++;
            continue;
        }
        char kind = from[1];
        WARD_ASSERT(kind != '\0' && strchr("xuUtnr\\", kind) != NULL);
        size_t digits = kind == 'x' ? 2 : kind == 'u' ? 4 : kind == 'U' ? 8 : 0;
        if (digits != 0)
            to = vector_put_utf8(to, vector_hex(from + 2, digits));
        else
            *to++ = kind == 't' ? '\t' : kind == 'n' ? '\n' : kind == 'r' ? '\r' : '\\';
        from += 2 + digits;
    }
    return (size_t)(to - start);
}

static inline ward_error vector_error(const char *class_name)
{
    if (strcmp(class_name, "empty") == 0) return WARD_ERROR_FRAME_EMPTY;
    if (strcmp(class_name, "truncated") == 0) return WARD_ERROR_FRAME_TRUNCATED;
    if (strcmp(class_name, "too-large") == 0) return WARD_ERROR_FRAME_TOO_LARGE;
    if (strcmp(class_name, "unsupported") == 0) return WARD_ERROR_FRAME_UNSUPPORTED;
    WARD_ASSERT(strcmp(class_name, "payload") == 0);
    return WARD_ERROR_FRAME_PAYLOAD;
}

static inline void vector_parse(char *line, vector *ret)
{
    line[strcspn(line, "\r\n")] = '\0';
    char *fields[4] = {strsep(&line, "\t"), strsep(&line, "\t"), strsep(&line, "\t"), line};
    WARD_ASSERT(fields[2] != NULL);
    memset(ret, 0, sizeof *ret);
    snprintf(ret->name, sizeof ret->name, "%s", fields[0]);
    const char *hex = strcmp(fields[1], "-") == 0 ? "" : fields[1];
    ret->length = strlen(hex) / 2;
    WARD_ASSERT(ret->length <= sizeof ret->frame);
    for (size_t i = 0; i < ret->length; i++) ret->frame[i] = (uint8_t)vector_hex(hex + 2 * i, 2);
    if (strcmp(fields[2], "error") == 0) {
        ret->error = vector_error(fields[3]);
        return;
    }
    while (strcmp(ward_health_name(ret->status), fields[2]) != 0) {
        ret->status++;
        WARD_ASSERT((unsigned)ret->status < WARD_HEALTH_COUNT);
    }
    if (fields[3] != NULL) ret->reason_length = vector_unescape(fields[3], ret->reason);
}

/** All vectors of `path`; the caller frees them. Aborts when the file is not as described. */
static inline vector *vectors_load(const char *path, size_t *ret_count)
{
    FILE *file = fopen(path, "r");
    WARD_ASSERT(file != NULL);
    vector *all = NULL;
    size_t count = 0, line_room = 0;
    char *line = NULL;
    while (getline(&line, &line_room, file) > 0) {
        if (line[0] == '#' || line[0] == '\n') continue;
        all = realloc(all, (count + 1) * sizeof *all);
        WARD_ASSERT(all != NULL);
        vector_parse(line, &all[count++]);
    }
    free(line);
    fclose(file);
    *ret_count = count;
    return all;
}

#endif
