/* What came of a reload: for people on standard error, and as a document for who asked. */
#include "cli/reload_text.h"

#include <jansson.h>
#include <string.h>

#include "cli/json.h"

/* ---- for people ---- */

static void complain_of_names(const char *const *names, size_t count, const char *what)
{
    char list[600];
    wardi_text text = WARDI_TEXT(list);
    if (count == 0) return;
    for (size_t i = 0; i < count; i++)
        wardi_text_printf(&text, "%s%s", i != 0 ? ", " : "",
                          names[i][0] != '\0' ? names[i] : "supervisor");
    wardi_warn("reload: %s%s: %s", list, text.cut ? "…" : "", what);
}

void wardi_reload_tell(const wardi_plan *plan, const wardi_applying *applied)
{
    for (size_t i = 0; i < applied->failure_count; i++)
        wardi_complain("reload: %s: %s", applied->failures[i].name, applied->failures[i].text);
    complain_of_names(plan->fixed, plan->fixed_count,
                      "this is otherwise in the file, and stays as it was until a restart");
    complain_of_names(plan->disordered, plan->disordered_count,
                      "what was added comes last in it until a restart, whatever its place in the "
                      "file: rest_for_one goes by that order");
}

void wardi_reload_summary(const wardi_plan *plan, const wardi_applying *applied, wardi_text *to)
{
    char counts[200];
    wardi_text text = WARDI_TEXT(counts);
    wardi_plan_summary(plan, &text);
    wardi_text_printf(to, "reloaded: %s", counts);
    if (applied->failure_count != 0) wardi_text_printf(to, "; %zu failed", applied->failure_count);
    if (plan->fixed_count != 0) wardi_text_puts(to, "; some of it takes a restart");
}

/* ---- for programs ---- */

json_t *wardi_mistakes_json(const wardi_mistakes *mistakes)
{
    json_t *list = json_array();
    for (size_t i = 0; i < mistakes->kept; i++)
        json_array_append_new(list, json_pack("{s:i, s:i, s:s}", "line",
                                              (int)mistakes->items[i].place.line, "column",
                                              (int)mistakes->items[i].place.column, "message",
                                              mistakes->items[i].text));
    return list;
}

static json_t *names_json(const char *const *names, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) json_array_append_new(list, json_string(names[i]));
    return list;
}

static void put_deed(json_t *lists, wardi_deed deed, const char *name, const char *why)
{
    static const char *const keys[] = {[WARDI_ADD] = "added",
                                       [WARDI_CHANGE] = "changed",
                                       [WARDI_RESIZE] = "resized",
                                       [WARDI_ANEW] = "anew"};
    if (deed == WARDI_KEEP) return;
    json_t *list = json_object_get(lists, keys[deed]);
    json_array_append_new(list, deed == WARDI_ADD
                                    ? json_string(name)
                                    : json_pack("{s:s, s:s}", "name", name, "why", why));
}

static json_t *gone_json(const wardi_plan_gone *gone, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        if (!gone[i].comes_back)
            json_array_append_new(list,
                                  json_string(gone[i].child != NULL ? gone[i].child->component.name
                                                                    : gone[i].group->options.name));
    return list;
}

static json_t *components_json(const wardi_plan *plan)
{
    json_t *lists = json_pack("{s:[], s:[], s:[], s:[], s:o}", "added", "changed", "resized",
                              "anew", "removed", gone_json(plan->gone, plan->gone_count));
    json_int_t kept = 0;
    for (size_t i = 0; i < plan->child_count; i++) {
        const wardi_plan_child *planned = &plan->children[i];
        kept += planned->deed == WARDI_KEEP;
        put_deed(lists, planned->deed, planned->child->component.name, planned->why);
    }
    json_object_set_new(lists, "unchanged", json_integer(kept));
    return lists;
}

static json_t *groups_json(const wardi_plan *plan)
{
    json_t *lists = json_pack("{s:[], s:[], s:[], s:o}", "added", "changed", "anew", "removed",
                              gone_json(plan->groups_gone, plan->groups_gone_count));
    json_int_t kept = 0;
    for (size_t i = 0; i < plan->group_count; i++) {
        const wardi_plan_group *planned = &plan->groups[i];
        kept += planned->deed == WARDI_KEEP;
        put_deed(lists, planned->deed, planned->group->options.name, planned->why);
    }
    json_object_set_new(lists, "unchanged", json_integer(kept));
    return lists;
}

static json_t *failures_json(const wardi_applying *applied)
{
    json_t *list = json_array();
    for (size_t i = 0; i < applied->failure_count; i++)
        json_array_append_new(list, json_pack("{s:s, s:s}", "name", applied->failures[i].name,
                                              "reason", applied->failures[i].text));
    return list;
}

char *wardi_reload_document(const char *summary, const wardi_plan *plan,
                            const wardi_applying *applied, const wardi_mistakes *warnings)
{
    json_t *document = json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "summary", summary,
                                 "components", components_json(plan), "groups", groups_json(plan),
                                 "failed", failures_json(applied), "takes_restart",
                                 names_json(plan->fixed, plan->fixed_count), "out_of_order",
                                 names_json(plan->disordered, plan->disordered_count), "warnings",
                                 wardi_mistakes_json(warnings));
    char *text = document != NULL ? json_dumps(document, JSON_COMPACT) : NULL;
    json_decref(document);
    return text;
}

char *wardi_reload_mistakes(const char *file, const wardi_mistakes *mistakes)
{
    json_t *document =
        json_pack("{s:o, s:I, s:o}", "file", wardi_json_text(file), "mistake_count",
                  (json_int_t)mistakes->count, "mistakes", wardi_mistakes_json(mistakes));
    char *text = document != NULL ? json_dumps(document, JSON_COMPACT) : NULL;
    json_decref(document);
    return text;
}
