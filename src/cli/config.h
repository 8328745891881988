/* ward.yaml: from bytes to the options that the library takes, or to every mistake at once.
 *
 * One table (config_keys.c) names every key with its type, bounds and default: reading, the
 * suggestions, the JSON Schema and the tests of the documents all follow it. */
#ifndef WARDI_CLI_CONFIG_H
#define WARDI_CLI_CONFIG_H

#include <stdio.h>
#include <ward/ward.h>

#include "access/access.h"
#include "cli/yaml.h"
#include "core/core.h"
#include "journal/journal.h"
#include "surface/surface.h"

/* ---- the table ---- */

typedef enum wardi_key_type {
    WARDI_KEY_TEXT,     /* const char * */
    WARDI_KEY_FILE,     /* const char *, relative to the file */
    WARDI_KEY_DURATION, /* uint64_t, ns */
    WARDI_KEY_SIZE,     /* uint64_t, bytes */
    WARDI_KEY_SIZE32,   /* uint32_t, bytes */
    WARDI_KEY_COUNT32,  /* uint32_t */
    WARDI_KEY_COUNT64,  /* uint64_t */
    WARDI_KEY_COUNT,    /* double */
    WARDI_KEY_RATIO,    /* double, 0 to 1; bounds in percent */
    WARDI_KEY_NUMBER,   /* double */
    WARDI_KEY_CHOICE,   /* int-sized enum */
    WARDI_KEY_SWITCH,   /* bool, by two words */
    WARDI_KEY_QUORUM,   /* ward_group_health: all, any, a count or a percentage */
    WARDI_KEY_NEEDS,    /* list of components' names */
    WARDI_KEY_ARGS,     /* list of texts */
    WARDI_KEY_ENV,      /* map of texts */
    WARDI_KEY_DIRS,     /* list of maps: see wardi_dir_keys */
    WARDI_KEY_METADATA, /* map of texts */
    WARDI_KEY_NAMES,    /* ward_grant, patterns of names: a list, or a map of `allow` and `deny` */
    WARDI_KEY_TOPICS,   /* ward_grant, patterns of topics */
    WARDI_KEY_HOSTS,    /* list of names, of the surfaces */
    WARDI_KEY_TOKENS,   /* list of maps: see wardi_token_keys */
    WARDI_KEY_CLIENTS,  /* list of maps: see wardi_client_keys */
} wardi_key_type;

typedef struct wardi_choice {
    const char *name;
    int value;
} wardi_choice;

enum {
    WARDI_KEY_OFF = 1,          /* takes "off" as well: zero, or "" */
    WARDI_KEY_NONE_NEGATIVE = 2 /* zero means zero, and is stored as -1: 0 would be the default */
};

typedef struct wardi_key {
    const char *path; /* "health.startup.interval" */
    wardi_key_type type;
    unsigned flags;
    size_t offset;
    uint64_t min, max;
    const wardi_choice *choices; /* ends with a NULL name */
    const char *by_default;      /* as it is written in a file; NULL: none */
    const char *help;
} wardi_key;

/** Keys of one kind of map, in the order of the reference. */
typedef struct wardi_keys {
    const char *what; /* "a component" */
    const wardi_key *items;
    size_t count;
} wardi_keys;

extern const wardi_keys wardi_host_keys;       /* into wardi_config; paths begin with "host." */
extern const wardi_keys wardi_supervisor_keys; /* the same; "supervisor." */
extern const wardi_keys wardi_surface_keys;    /* the same; "surfaces." */
extern const wardi_keys wardi_journal_keys;    /* the same; "journal." */
extern const wardi_keys wardi_group_keys;      /* into wardi_config_group */
extern const wardi_keys wardi_component_keys;  /* into wardi_config_child */
extern const wardi_keys wardi_dir_keys;        /* into ward_preopen */
extern const wardi_keys wardi_token_keys;      /* into wardi_surface_token */
extern const wardi_keys wardi_client_keys;     /* into wardi_surface_client */

/* ---- the configuration ---- */

/** Where the patterns of a grant stand, one a pattern. */
typedef struct wardi_grant_places {
    const wardi_place *allow, *deny;
} wardi_grant_places;

/** Which contents a file has, as far as can be told without reading it. */
typedef struct wardi_file_stamp {
    uint64_t device, inode, size, modified_ns; /* all 0: it is not known */
} wardi_file_stamp;

typedef struct wardi_config_child {
    ward_child_options options;
    ward_component_options component; /* what options.component points to */
    ward_grants grants;               /* what options.grants points to */
    wardi_grant_places grant_places[WARDI_VERBS];
    wardi_place place;   /* of its name */
    wardi_place *places; /* one a key of wardi_component_keys; line 0: default */
    wardi_place *need_places, *dir_places;
    bool faulty;            /* a mistake was found in it while reading */
    wardi_file_stamp stamp; /* of its module: see wardi_config_stamp */
    /* Of the configuration in force: nobody of that name is there; what is there is older. */
    bool absent, unsettled;
} wardi_config_child;

typedef struct wardi_config_group {
    ward_group_options options;
    wardi_place place;      /* of its name */
    wardi_place *places;    /* one a key of wardi_group_keys; line 0: default */
    bool absent, unsettled; /* as of a component */
} wardi_config_group;

typedef struct wardi_config {
    wardi_arena arena;
    ward_host_options host;
    uint32_t workers;
    ward_supervisor_options supervisor; /* but for its callback, workers and seed */
    wardi_place places[8];              /* of wardi_host_keys */
    wardi_surface_options surfaces;     /* NULL: by default; "": off */
    wardi_journal_options journal;      /* the same */
    wardi_place supervisor_places[8];   /* of wardi_supervisor_keys */
    wardi_place surface_places[16];     /* of wardi_surface_keys */
    wardi_place *token_places;          /* one a token */
    bool surfaces_faulty;               /* a mistake was found in them while reading */
    wardi_place journal_places[4];      /* of wardi_journal_keys */
    /* Each after the group that it is in, and siblings in the order of the file: so they may be
     * added as they stand. */
    wardi_config_group *groups;
    size_t group_count;
    wardi_config_child defaults;
    wardi_config_child *children;
    size_t child_count;
    /* What most often is a slip, and may be meant; sorted. Only of a file without mistakes. */
    wardi_mistakes warnings;
} wardi_config;

/** Parses `bytes`. `directory` is what relative paths stand against; NULL: paths are neither
 * resolved nor looked at. CONFIG: there are mistakes, sorted. NO_MEMORY. On success the caller owns
 * `*ret_config`. */
ward_error wardi_config_parse(const char *bytes, size_t length, const char *directory,
                              wardi_config **ret_config, wardi_mistakes *mistakes);

/** Reads the file and parses it. IO and NOT_FOUND as well, with a diag. */
ward_error wardi_config_read(const char *path, wardi_config **ret_config, wardi_mistakes *mistakes,
                             ward_diag *ret_diag);

/** One line each, "FILE:LINE:COLUMN: …", and their count. */
void wardi_mistakes_print(FILE *to, const char *file, const wardi_mistakes *mistakes);
/** One line each, "FILE:LINE:COLUMN: warning: …". */
void wardi_warnings_print(FILE *to, const char *file, const wardi_mistakes *warnings);
/** What `ward validate` prints of a file on standard output, mistakes or none. `config` may be
 * NULL: it could not be read. */
void wardi_mistakes_show(const char *file, const wardi_mistakes *mistakes,
                         const wardi_config *config, bool json);
/** Looks at the files of all modules: which contents they have now. */
void wardi_config_stamp(wardi_config *config);
/** NULL is the same as NULL alone. */
bool wardi_config_same_text(const char *a, const char *b);
/** The first key from `from` on in which two targets of a table differ, the default written out or
 * not; keys->count: none. */
size_t wardi_config_differs(const wardi_keys *keys, size_t from, const void *a, const void *b);
/** NULL is fine. */
void wardi_config_free(wardi_config *config);

/* ---- between the files of the configuration ---- */

typedef struct wardi_reading {
    wardi_config *config;
    wardi_arena *arena; /* the configuration's */
    wardi_mistakes *mistakes;
    const char *directory;
} wardi_reading;

/** Reads a map by a table into `target`. `prefix` is the path so far, "" or "host.". `places` gets
 * the place of each key. */
void wardi_config_read_map(wardi_reading *reading, const wardi_yaml *map, const wardi_keys *keys,
                           const char *prefix, void *target, wardi_place *places);
/** Reads one value of a scalar type. */
void wardi_config_read_scalar(wardi_reading *reading, const wardi_yaml *node, const wardi_key *key,
                              void *target);
/** Reads one value of a list type or a map of free names. */
void wardi_config_read_list(wardi_reading *reading, const wardi_yaml *node, const wardi_key *key,
                            void *target);
/** The same of the surfaces' lists, into a wardi_config. */
void wardi_config_read_surface_list(wardi_reading *reading, const wardi_yaml *node,
                                    const wardi_key *key, wardi_config *config);
/** Reads the patterns of one grant into a wardi_config_child. */
void wardi_config_read_grant(wardi_reading *reading, const wardi_yaml *node, const wardi_key *key,
                             wardi_config_child *child);
/** How many components it is: 1, but for `instances`. */
uint32_t wardi_config_instances(const wardi_config_child *child);
/** The name of one of them, in a buffer of WARDI_INSTANCE_BYTES. */
enum { WARDI_INSTANCE_BYTES = 144 };
const char *wardi_config_instance(char *buffer, const wardi_config_child *child, uint32_t which);
/** Adds "is no key of …", with the closest of `names`, or all of them. */
void wardi_config_add_unknown(wardi_reading *reading, const wardi_yaml *key, const char *where,
                              const char *elsewhere, const char *const *names, size_t count);
/** Whether the key of `value` stood in the map before; then that is added. */
bool wardi_config_repeated(wardi_reading *reading, const wardi_yaml *map, const wardi_yaml *value);
/** A value for a message: in quotes, short, and without what would upset a terminal. */
enum { WARDI_SHOWN_BYTES = 208 };
const char *wardi_config_shown(char buffer[WARDI_SHOWN_BYTES], const char *value);
/** The mistake of a name that nobody has: with the closest of those that are, else the way out. */
void wardi_config_unknown(wardi_mistakes *mistakes, wardi_place place, const char *what,
                          const char *name, const char *const *known, size_t count,
                          const char *otherwise);
/** A path against the directory of the file. */
const char *wardi_config_resolve(wardi_reading *reading, const char *path);
/** Addresses, and what control over TCP is made of. */
void wardi_config_check_surfaces(wardi_reading *reading);
/** What no single value shows: files, limits, figures that contradict; and the next. */
void wardi_config_check(wardi_reading *reading);
/** Names that are taken twice, by instances too, and needs of what is not there, cycles. */
void wardi_config_check_needs(wardi_reading *reading);
/** Figures of restarting and stopping that contradict, or that others make meaningless. */
void wardi_config_check_restart(wardi_reading *reading, const wardi_config_child *child);
/** Keys of the mailbox that others leave nothing to say. */
void wardi_config_check_mailbox(wardi_reading *reading, const wardi_config_child *child);
/** Limits that the host would not allow, or that would never be reached. */
void wardi_config_check_limits(wardi_reading *reading, const wardi_config_child *child);
/** What this component was given, and none of the component model can have: it asks for nothing of
 * Ward's, and what it would be granted could not be bounded. */
void wardi_config_add_unfit(wardi_mistakes *mistakes, const wardi_config *config,
                            const wardi_config_child *child);
/** The same of the groups; their names, what they are in, cycles; the groups of components. Puts
 * the groups into their order. */
void wardi_config_check_groups(wardi_reading *reading);
/** The JSON Schema of the table, as a text to free(); NULL: out of memory. */
char *wardi_config_schema(void);
/** Index of the key `path`, which is in the table; and of one of components. */
size_t wardi_key_index(const wardi_keys *keys, const char *path);
size_t wardi_component_key(const char *path);

#endif
