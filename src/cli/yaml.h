/* YAML as Ward reads it: a tree of maps, lists and scalars, each with its place.
 *
 * Made from libfyaml's events rather than its documents: every node keeps its place, and a key that
 * is written twice stays visible. Aliases, tags and merge keys are refused: `defaults` does what
 * they are used for, and a file stays as small as it looks. */
#ifndef WARDI_CLI_YAML_H
#define WARDI_CLI_YAML_H

#include "cli/mistakes.h"

typedef enum wardi_yaml_kind { WARDI_YAML_SCALAR, WARDI_YAML_LIST, WARDI_YAML_MAP } wardi_yaml_kind;

typedef struct wardi_yaml {
    wardi_yaml_kind kind;
    wardi_place place;
    const char *text; /* SCALAR; NUL-terminated, without NUL inside */
    bool quoted;      /* SCALAR in quotes or as a block */
    /* children of LIST and MAP; in a MAP each is a value, and `key` its key */
    struct wardi_yaml *first, *last, *next;
    struct wardi_yaml *key;
} wardi_yaml;

enum { WARDI_YAML_DEPTH_MAX = 16, WARDI_YAML_BYTES_MAX = 4 << 20 };

/** Reads one document. NULL when there are mistakes (added) or there is no memory (the arena says
 * so). The tree lives in `arena`. */
const wardi_yaml *wardi_yaml_read(wardi_arena *arena, const char *bytes, size_t length,
                                  wardi_mistakes *mistakes);

/** Nothing was written: `key:` alone, or `~` or `null`. */
bool wardi_yaml_null(const wardi_yaml *node);

#endif
