#include "cli/apply.h"

#include <string.h>

/* ---- failures ---- */

static void put_failure(wardi_applying *a, const char *name, const char *text)
{
    if (a->failure_count == a->failure_room) {
        size_t room = a->failure_room != 0 ? 2 * a->failure_room : 16;
        wardi_failure *grown = wardi_arena_take(&a->arena, room * sizeof *grown);
        if (grown == NULL) return;
        if (a->failure_count != 0) memcpy(grown, a->failures, a->failure_count * sizeof *grown);
        a->failures = grown;
        a->failure_room = room;
    }
    const char *kept_name = wardi_arena_text(&a->arena, name, strlen(name));
    const char *kept_text = wardi_arena_text(&a->arena, text, strlen(text));
    if (kept_name != NULL && kept_text != NULL)
        a->failures[a->failure_count++] = (wardi_failure){kept_name, kept_text};
}

/* True: it went well. */
static bool note(wardi_applying *a, const char *name, ward_error error, const ward_diag *diag)
{
    if (error == WARD_OK) return true;
    /* What a stop has overtaken is no failure. */
    if (!a->ending(a->context)) put_failure(a, name, diag->text);
    return false;
}

/* ---- who is there ---- */

static bool is_there(const ward_supervisor *s, const char *name)
{
    ward_child_status child = WARD_INIT(ward_child_status);
    ward_group_status group = WARD_INIT(ward_group_status);
    return ward_supervisor_child(s, name, &child) == WARD_OK ||
           ward_supervisor_group(s, name, &group) == WARD_OK;
}

static bool is_gone(const wardi_applying *a, const char *name)
{
    return !is_there(a->supervisor, name);
}

void wardi_apply_look(const ward_supervisor *supervisor, wardi_config *config)
{
    for (size_t i = 0; i < config->child_count; i++)
        config->children[i].absent = !is_there(supervisor, config->children[i].component.name);
    for (size_t i = 0; i < config->group_count; i++)
        config->groups[i].absent = !is_there(supervisor, config->groups[i].options.name);
}

/* ---- going ---- */

/* A component's instances go with their group, which has its name. */
static void take_away(wardi_applying *a, const char *name)
{
    ward_diag diag;
    ward_error error = ward_supervisor_ask(a->supervisor, name, WARD_REQUEST_REMOVE, &diag);
    if (error != WARD_ERROR_NOT_FOUND) note(a, name, error, &diag); /* by somebody else */
}

static bool has_failed(const wardi_applying *a, const char *name)
{
    for (size_t i = 0; i < a->failure_count; i++)
        if (strcmp(a->failures[i].name, name) == 0) return true;
    return false;
}

static bool await_gone(wardi_applying *a, const char *name)
{
    return has_failed(a, name) || a->await(a->context, is_gone, a, name);
}

static void take_gone(wardi_applying *a, const wardi_plan *plan, bool first)
{
    for (size_t i = 0; i < plan->gone_count; i++)
        if (plan->gone[i].first == first) take_away(a, plan->gone[i].child->component.name);
}

static void take_groups(wardi_applying *a, const wardi_plan *plan, bool first)
{
    for (size_t i = 0; i < plan->groups_gone_count; i++)
        if (plan->groups_gone[i].first == first)
            take_away(a, plan->groups_gone[i].group->options.name);
}

/* False: all is about to stop. */
static bool await_all_gone(wardi_applying *a, const wardi_plan *plan, bool first)
{
    bool goes_on = true;
    for (size_t i = 0; goes_on && i < plan->gone_count; i++)
        if (plan->gone[i].first == first)
            goes_on = await_gone(a, plan->gone[i].child->component.name);
    for (size_t i = 0; goes_on && i < plan->groups_gone_count; i++)
        if (plan->groups_gone[i].first == first)
            goes_on = await_gone(a, plan->groups_gone[i].group->options.name);
    return goes_on;
}

/* ---- groups ---- */

static void apply_group(wardi_applying *a, const wardi_plan_group *planned)
{
    ward_diag diag;
    wardi_config_group *group = planned->group;
    const ward_group_options *options = &group->options;
    bool adds = planned->deed == WARDI_ADD || planned->deed == WARDI_ANEW;
    if (planned->deed == WARDI_KEEP) return;
    ward_error error = adds ? ward_supervisor_add_group(a->supervisor, options, &diag)
                            : ward_supervisor_change_group(a->supervisor, options, &diag);
    if (!note(a, options->name, error, &diag)) group->unsettled = true;
}

/* ---- components ---- */

static uint32_t instances_before(const wardi_plan_child *planned)
{
    return planned->before != NULL ? wardi_config_instances(planned->before) : 0;
}

/* More at once, less at the end: who has needed the last ones may be replaced in between. */
static ward_error resize(const wardi_applying *a, const wardi_plan_child *planned, bool less,
                         ward_diag *diag)
{
    bool is_less = wardi_config_instances(planned->child) < instances_before(planned);
    if (less != is_less) return WARD_OK;
    return ward_supervisor_resize(a->supervisor, &planned->child->options, diag);
}

static void apply_child(wardi_applying *a, const wardi_plan_child *planned)
{
    ward_diag diag;
    wardi_config_child *child = planned->child;
    const ward_child_options *options = &child->options;
    ward_error error = WARD_OK;
    switch (planned->deed) {
    case WARDI_KEEP: return;
    case WARDI_ADD:
    case WARDI_ANEW: error = ward_supervisor_add(a->supervisor, options, &diag); break;
    case WARDI_RESIZE: error = resize(a, planned, false, &diag); break;
    case WARDI_CHANGE:
        error = ward_supervisor_replace(a->supervisor, options, &diag);
        if (error == WARD_OK && wardi_config_instances(child) > instances_before(planned))
            error = ward_supervisor_resize(a->supervisor, options, &diag);
        break;
    }
    if (!note(a, child->component.name, error, &diag)) child->unsettled = true;
}

static void retire_all(const wardi_applying *a, const wardi_plan *plan)
{
    for (size_t i = 0; i < plan->child_count; i++)
        if (plan->children[i].deed == WARDI_CHANGE)
            ward_supervisor_retire(a->supervisor, plan->children[i].child->component.name, NULL);
}

static bool shrinks(const wardi_plan_child *planned)
{
    bool many = planned->deed == WARDI_RESIZE || planned->deed == WARDI_CHANGE;
    return many && wardi_config_instances(planned->child) < instances_before(planned);
}

static void shrink_all(wardi_applying *a, const wardi_plan *plan)
{
    for (size_t i = 0; i < plan->child_count; i++) {
        ward_diag diag;
        const wardi_plan_child *planned = &plan->children[i];
        if (!shrinks(planned) || planned->child->unsettled) continue;
        ward_error error = resize(a, planned, true, &diag);
        if (!note(a, planned->child->component.name, error, &diag))
            planned->child->unsettled = true;
    }
}

static void await_shrunk(wardi_applying *a, const wardi_plan *plan)
{
    char name[WARDI_INSTANCE_BYTES];
    for (size_t i = 0; i < plan->child_count; i++) {
        const wardi_plan_child *planned = &plan->children[i];
        if (!shrinks(planned) || planned->child->unsettled) continue;
        uint32_t left = wardi_config_instances(planned->child);
        for (uint32_t n = left; n < instances_before(planned); n++)
            if (!await_gone(a, wardi_config_instance(name, planned->before, n))) return;
    }
}

/* ---- all of it ---- */

void wardi_apply(wardi_applying *a, const wardi_plan *plan)
{
    take_gone(a, plan, true);
    take_groups(a, plan, true);
    if (!await_all_gone(a, plan, true)) return;
    for (size_t i = 0; i < plan->group_count; i++) apply_group(a, &plan->groups[i]);
    retire_all(a, plan);
    for (size_t i = 0; i < plan->child_count && !a->ending(a->context); i++)
        apply_child(a, &plan->children[i]);
    take_gone(a, plan, false);
    shrink_all(a, plan);
    take_groups(a, plan, false);
    if (await_all_gone(a, plan, false)) await_shrunk(a, plan);
}

void wardi_apply_done(wardi_applying *a)
{
    wardi_arena_done(&a->arena);
}
