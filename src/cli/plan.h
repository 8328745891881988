/* What a reload has to do: from the configuration that is in force and the one that was read. Pure:
 * it looks at both and says what becomes of each component and group; reload.c does it.
 *
 * A component that says something else is replaced in its place, and who needs it is not touched.
 * Three changes can't be made in place: between one and several instances, instances that move to
 * another group, and a group that moves. What they are about is removed and added anew, and with it
 * whoever needs it. */
#ifndef WARDI_CLI_PLAN_H
#define WARDI_CLI_PLAN_H

#include "cli/config.h"

typedef enum wardi_deed {
    WARDI_KEEP,
    WARDI_ADD,
    WARDI_CHANGE, /* a component: replaced; a group: changed in place */
    WARDI_RESIZE, /* a component: nothing but how many there are, or must be well */
    WARDI_ANEW,   /* removed, and added */
} wardi_deed;

typedef struct wardi_plan_child {
    wardi_deed deed;
    wardi_config_child *child;        /* as it is to be */
    const wardi_config_child *before; /* as it is; ADD: NULL */
    const char *why;                  /* the key that differs, or in words; ADD and KEEP: NULL */
} wardi_plan_child;

typedef struct wardi_plan_group {
    wardi_deed deed;
    wardi_config_group *group;
    const wardi_config_group *before; /* ADD: NULL */
    const char *why;
} wardi_plan_group;

typedef struct wardi_plan_gone {
    const wardi_config_child *child; /* or: */
    const wardi_config_group *group;
    bool first;      /* before anything is added: what is to come needs its name, or its place */
    bool comes_back; /* ANEW */
} wardi_plan_gone;

/** Points into both configurations. */
typedef struct wardi_plan {
    wardi_arena arena;
    wardi_plan_child *children; /* what others need before them */
    size_t child_count;
    wardi_plan_group *groups; /* each after the one that it is in */
    size_t group_count;
    /* What is there and has to go, ANEW included: who needs others before them, inner groups before
     * those around them. */
    wardi_plan_gone *gone;
    size_t gone_count;
    wardi_plan_gone *groups_gone;
    size_t groups_gone_count;
    /* Keys that take a restart, "host.workers": against how the host was started. */
    const char **fixed;
    size_t fixed_count;
    /* Of rest_for_one: groups in whose order what was added is not where the file has it; "": the
     * supervisor itself. */
    const char **disordered;
    size_t disordered_count;
} wardi_plan;

/** Adds what the file asks of a host that was started otherwise: more components, or memory, than
 * it has room for. */
void wardi_plan_check(const wardi_config *started, const wardi_config *now,
                      wardi_mistakes *mistakes);
/** `started` is the configuration that the host was started with, `old` the one in force, where
 * children and groups may be marked as absent or unsettled; `now` the one to be. All must outlive
 * the plan. Errors: NO_MEMORY; then there is nothing to free. */
ward_error wardi_plan_make(const wardi_config *started, const wardi_config *old, wardi_config *now,
                           wardi_plan *ret_plan);
void wardi_plan_done(wardi_plan *plan);
/** "2 added, 1 replaced, 40 unchanged"; of components, and of groups where any changes. */
void wardi_plan_summary(const wardi_plan *plan, wardi_text *to);

#endif
