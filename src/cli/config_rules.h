/* Keys of one map against each other: shared by config_restart.c, config_mailbox.c and
 * config_groups.c alone. */
#ifndef WARDI_CLI_CONFIG_RULES_H
#define WARDI_CLI_CONFIG_RULES_H

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

#endif
