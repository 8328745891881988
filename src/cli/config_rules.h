/* Keys against each other, in one map and between components: shared by the files that check. */
#ifndef WARDI_CLI_CONFIG_RULES_H
#define WARDI_CLI_CONFIG_RULES_H

#include <sys/stat.h>

#include "cli/config.h"

typedef struct config_rules {
    wardi_reading *reading;
    const wardi_keys *keys;
    const wardi_place *places;   /* of the keys as they were read */
    const wardi_place *defaults; /* of the same keys in `defaults`; NULL: there are none */
} config_rules;

/** The key `path` says nothing, because `cause` says `word`: a mistake, if it was written. */
void config_rules_idle(const config_rules *rules, const char *path, const char *cause,
                       const char *word, const char *way_out);
/** Of the keys below `restart` that components and groups have alike. */
void config_rules_restart(const config_rules *rules, ward_restart policy,
                          const ward_backoff *backoff);

/** Whether the component itself says it: not only the defaults. */
bool config_rules_is_written(const wardi_config *config, const wardi_config_child *child,
                             size_t key);
/** The most that a component's memory limit may be. */
uint64_t config_rules_memory_max(const wardi_config *config);
/** How many components the host has room for. */
uint32_t config_rules_components_max(const wardi_config *config);

/** Whether a file (S_IFREG) or a directory (S_IFDIR) is there and may be read; else it is added. */
bool config_rules_path(wardi_reading *reading, wardi_place place, const char *path, mode_t wanted);

/** Components by their names: sorted once, so that a file of many is read in no time. */
typedef struct name_index {
    wardi_reading *reading;
    const wardi_config_child **sorted;
    size_t count;
} name_index;

/** The first of that name: where one is taken twice, both are meant by it, and one is enough. */
const wardi_config_child *name_find(const name_index *names, const char *name);
/** Whom a name means: a component, or an instance of one. */
const wardi_config_child *component_find(const name_index *names, const char *name);
/** Adds to `mistakes` that nobody has the name. */
void name_unknown(const name_index *names, wardi_mistakes *mistakes, wardi_place place,
                  const char *name);
/** Warns of grants that lead nowhere: of a name that nobody has, or without its other half. */
void config_rules_grants(const name_index *names);

#endif
