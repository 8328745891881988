/* Grants: for each verb two lists of patterns. Allowed is what a pattern of `allow` covers and none
 * of `deny` overlaps; for a plain name both mean "matches". */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "access/access_priv.h"

typedef struct pattern_list {
    const char *const *patterns;
    size_t count;
} pattern_list;

struct wardi_grants {
    pattern_list allow[WARDI_VERBS], deny[WARDI_VERBS];
    const char *patterns[]; /* those of all lists; their texts follow */
};

typedef struct verb_row {
    const char *name;
    size_t at; /* in ward_grants */
    wardi_text_kind asked, pattern;
} verb_row;

static const verb_row verbs[] = {
    [WARDI_SEND] = {"send", offsetof(ward_grants, send), WARDI_NAME, WARDI_NAME_PATTERN},
    [WARDI_CALLED_BY] = {"called_by", offsetof(ward_grants, called_by), WARDI_NAME,
                         WARDI_NAME_PATTERN},
    [WARDI_PUBLISH] = {"publish", offsetof(ward_grants, publish), WARDI_TOPIC, WARDI_TOPIC_PATTERN},
    [WARDI_SUBSCRIBE] = {"subscribe", offsetof(ward_grants, subscribe), WARDI_TOPIC_PATTERN,
                         WARDI_TOPIC_PATTERN},
    [WARDI_LIST] = {"list", offsetof(ward_grants, list), WARDI_NAME, WARDI_NAME_PATTERN},
};
static_assert(WARD_COUNT(verbs) == WARDI_VERBS, "a row for each verb");
static_assert(sizeof(ward_grants) == WARDI_VERBS * sizeof(ward_grant), "a verb for each grant");

const char *wardi_verb_name(wardi_verb verb)
{
    return verbs[verb].name;
}

static const ward_grant *grant_of(const ward_grants *grants, size_t verb)
{
    return (const ward_grant *)((const char *)grants + verbs[verb].at);
}

/* ---- made ---- */

/* Adds the bytes of the texts to `*bytes`. */
static ward_error check_list(const verb_row *verb, const char *list, const char *const *patterns,
                             size_t count, size_t *bytes, ward_diag *ret_diag)
{
    if (count > WARD_GRANT_PATTERNS_MAX)
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                          "%s.%s has %zu patterns, at most %d can be there: one with '*' or '#' "
                          "stands for many",
                          verb->name, list, count, WARD_GRANT_PATTERNS_MAX);
    if (count != 0 && patterns == NULL)
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                          "%s.%s has a count of %zu and no patterns", verb->name, list, count);
    for (size_t i = 0; i < count; i++) {
        const char *fault = wardi_access_fault(patterns[i], verb->pattern);
        if (fault != NULL)
            return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                              "%s.%s[%zu] is not a pattern: %s; it is \"%s\"", verb->name, list, i,
                              fault, patterns[i] != NULL ? patterns[i] : "");
        *bytes += strlen(patterns[i]) + 1;
    }
    return WARD_OK;
}

/* Copies one list behind what was copied; `*at` and `*text` move on. */
static pattern_list copy_list(const char *const *patterns, size_t count, const char ***at,
                              char **text)
{
    pattern_list list = {.patterns = *at, .count = count};
    for (size_t i = 0; i < count; i++) {
        size_t size = strlen(patterns[i]) + 1;
        memcpy(*text, patterns[i], size);
        *(*at)++ = *text;
        *text += size;
    }
    return list;
}

ward_error wardi_grants_new(const ward_grants *grants, wardi_grants **ret_grants,
                            ward_diag *ret_diag)
{
    static const ward_grants nothing;
    if (grants == NULL) grants = &nothing;
    size_t count = 0, bytes = 0;
    for (size_t v = 0; v < WARDI_VERBS; v++) {
        const ward_grant *from = grant_of(grants, v);
        ward_error error =
            check_list(&verbs[v], "allow", from->allow, from->allow_count, &bytes, ret_diag);
        if (error == WARD_OK)
            error = check_list(&verbs[v], "deny", from->deny, from->deny_count, &bytes, ret_diag);
        if (error != WARD_OK) return error;
        count += from->allow_count + from->deny_count;
    }
    wardi_grants *made = wardi_alloc(sizeof *made + count * sizeof made->patterns[0] + bytes);
    if (made == NULL) return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory for the grants");
    const char **at = made->patterns;
    char *text = (char *)(made->patterns + count);
    for (size_t v = 0; v < WARDI_VERBS; v++) {
        const ward_grant *from = grant_of(grants, v);
        made->allow[v] = copy_list(from->allow, from->allow_count, &at, &text);
        made->deny[v] = copy_list(from->deny, from->deny_count, &at, &text);
    }
    *ret_grants = made;
    return WARD_OK;
}

void wardi_grants_free(wardi_grants *grants)
{
    wardi_free(grants);
}

/* ---- asked ---- */

/* The first of the list that says yes, or NULL. */
static const char *find(const pattern_list *list, bool (*says)(const char *, const char *),
                        const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (says(list->patterns[i], name)) return list->patterns[i];
    return NULL;
}

typedef struct ruling {
    bool allowed;
    const char *fault; /* of the name, which is then in no list */
    const char *denied_by;
} ruling;

static ruling rule(const wardi_grants *grants, wardi_verb verb, const char *name)
{
    ruling r = {.fault = wardi_access_fault(name, verbs[verb].asked)};
    if (r.fault != NULL || grants == NULL) return r;
    r.denied_by = find(&grants->deny[verb], wardi_pattern_overlaps, name);
    r.allowed =
        r.denied_by == NULL && find(&grants->allow[verb], wardi_pattern_covers, name) != NULL;
    return r;
}

bool wardi_grants_allow(const wardi_grants *grants, wardi_verb verb, const char *name)
{
    return rule(grants, verb, name).allowed;
}

bool wardi_grants_allow_member(const wardi_grants *grants, wardi_verb verb, const char *name,
                               const char *group)
{
    ruling own = rule(grants, verb, name);
    if (group == NULL) return own.allowed;
    ruling all = rule(grants, verb, group);
    bool denied = own.denied_by != NULL || all.denied_by != NULL;
    return !denied && (own.allowed || all.allowed);
}

bool wardi_grants_allow_all(const wardi_grants *grants, wardi_verb verb, const char *group)
{
    char members[WARDI_PATTERN_BYTES_MAX + 3];
    ruling all = rule(grants, verb, group);
    if (all.fault != NULL || grants == NULL || all.denied_by != NULL) return false;
    snprintf(members, sizeof members, "%s.*", group);
    if (find(&grants->deny[verb], wardi_pattern_overlaps, members) != NULL) return false;
    return all.allowed || find(&grants->allow[verb], wardi_pattern_covers, members) != NULL;
}

/* A name with a fault is not shown: it may be of any bytes. */
void wardi_grants_explain(const wardi_grants *grants, wardi_verb verb, const char *name,
                          wardi_text *text)
{
    ruling r = rule(grants, verb, name);
    const char *v = verbs[verb].name;
    if (r.fault != NULL)
        wardi_text_printf(text, "nothing of such a name can be granted: %s", r.fault);
    else if (r.denied_by != NULL)
        wardi_text_printf(text, "\"%s\" in %s.deny stands against \"%s\", and deny beats allow",
                          r.denied_by, v, name);
    else if (!r.allowed)
        wardi_text_printf(text, "no pattern of %s.allow covers \"%s\"; add one to grant it", v,
                          name);
}
