/* What a plan says is done: children and groups come, change and go. */
#ifndef WARDI_CLI_APPLY_H
#define WARDI_CLI_APPLY_H

#include "cli/plan.h"

typedef struct wardi_failure {
    const char *name, *text;
} wardi_failure;

typedef struct wardi_applying {
    ward_supervisor *supervisor;
    /* Waits until `is_gone` says so; false: all is about to stop. */
    bool (*await)(void *context, bool (*is_gone)(const struct wardi_applying *a, const char *name),
                  const struct wardi_applying *a, const char *name);
    bool (*ending)(void *context); /* nothing more is begun */
    void *context;
    wardi_arena arena; /* of what follows */
    wardi_failure *failures;
    size_t failure_count, failure_room;
} wardi_applying;

/** Marks children and groups of `config` as absent that nobody has any more. */
void wardi_apply_look(const ward_supervisor *supervisor, wardi_config *config);
/** Does what the plan says, and goes on after a failure; what failed is marked in the configuration
 * to be. Waits until what goes has gone. */
void wardi_apply(wardi_applying *a, const wardi_plan *plan);
void wardi_apply_done(wardi_applying *a);

#endif
