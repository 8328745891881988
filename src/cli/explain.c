/* ward explain: how long until a fault is seen, and until the component serves again. The library
 * adds up; here it is found out who goes along, and told. */
#include <stdio.h>
#include <string.h>

#include "cli/json.h"
#include "cli/settings.h"
#include "cli/values.h"

enum { NAMES_SHOWN = 8, LABEL_WIDTH = 33, FIGURE_WIDTH = 11 };
#define FOREVER UINT64_MAX

/* A configuration, and what is asked of it. */
typedef struct question {
    const wardi_config *config;
    size_t *group_of;                 /* index of each component's group; group_count: none */
    size_t *above;                    /* of each group's */
    const ward_child_options **along; /* of the component that is looked at */
    size_t along_count;
} question;

/* ---- who goes along ---- */

static size_t group_index(const wardi_config *config, const char *name)
{
    size_t i = 0;
    while (name != NULL && i < config->group_count &&
           strcmp(config->groups[i].options.name, name) != 0)
        i++;
    return name != NULL ? i : config->group_count;
}

static bool question_init(question *q, wardi_config *config)
{
    q->config = config;
    q->group_of = wardi_arena_take(&config->arena, config->child_count * sizeof *q->group_of);
    q->above = wardi_arena_take(&config->arena, (config->group_count + 1) * sizeof *q->above);
    q->along = wardi_arena_take(&config->arena, config->child_count * sizeof *q->along);
    if (q->group_of == NULL || q->above == NULL || q->along == NULL) return false;
    for (size_t i = 0; i < config->child_count; i++)
        q->group_of[i] = group_index(config, config->children[i].options.group);
    for (size_t i = 0; i < config->group_count; i++)
        q->above[i] = group_index(config, config->groups[i].options.group);
    return true;
}

static bool is_below(const question *q, size_t at, size_t group)
{
    while (at != group && at != q->config->group_count) at = q->above[at];
    return at == group;
}

static ward_strategy strategy_of(const question *q, size_t at)
{
    size_t group = q->group_of[at];
    return group < q->config->group_count ? q->config->groups[group].options.strategy
                                          : q->config->supervisor.strategy;
}

/* Under rest_for_one groups within the group come first, and stay. */
static void find_along(question *q, size_t at)
{
    ward_strategy strategy = strategy_of(q, at);
    size_t group = q->group_of[at];
    q->along_count = 0;
    if (strategy == WARD_ONE_FOR_ONE) return;
    for (size_t i = strategy == WARD_REST_FOR_ONE ? at + 1 : 0; i < q->config->child_count; i++) {
        bool goes = strategy == WARD_REST_FOR_ONE ? q->group_of[i] == group
                                                  : is_below(q, q->group_of[i], group);
        if (goes && i != at) q->along[q->along_count++] = &q->config->children[i].options;
    }
}

static bool asked_to_follow(const wardi_config_child *other, const char *name)
{
    if (!other->options.restart_with_needs) return false;
    for (size_t i = 0; i < other->options.need_count; i++)
        if (strcmp(other->options.needs[i], name) == 0) return true;
    return false;
}

/* ---- for people ---- */

static const char *duration(char buffer[32], uint64_t ns)
{
    wardi_text text = wardi_text_on(buffer, 32);
    if (ns == FOREVER)
        wardi_text_puts(&text, "never");
    else if (ns == 0)
        wardi_text_puts(&text, "at once");
    else
        wardi_text_duration(&text, ns);
    return buffer;
}

static void print_name(const char *name, size_t at)
{
    if (at < NAMES_SHOWN) printf("%s%s", at == 0 ? ": " : ", ", name);
}

static void print_names_end(size_t count)
{
    if (count > NAMES_SHOWN) printf(" and %zu more", count - NAMES_SHOWN);
    fputs(".\n", stdout);
}

static void print_company(const question *q, size_t at)
{
    const wardi_config *config = q->config;
    const wardi_config_child *child = &config->children[at];
    bool all = strategy_of(q, at) == WARD_ONE_FOR_ALL;
    size_t count = 0;
    if (q->along_count != 0) {
        printf("  With it restart %s", all ? "all others" : "those after it");
        if (child->options.group != NULL) printf(" of group %s", child->options.group);
        for (size_t i = 0; i < q->along_count; i++) print_name(q->along[i]->component->name, i);
        print_names_end(q->along_count);
    }
    for (size_t i = 0; i < config->child_count; i++) {
        if (!asked_to_follow(&config->children[i], child->component.name)) continue;
        if (count == 0) fputs("  With it restart those that asked to, for they need it", stdout);
        print_name(config->children[i].component.name, count++);
    }
    if (count != 0)
        print_names_end(count);
    else if (q->along_count == 0)
        fputs("  Nobody restarts with it.\n", stdout);
}

static void print_budget(const wardi_config_child *child)
{
    const ward_backoff *backoff = &child->options.backoff;
    char window[32];
    unsigned limit = backoff->restarts_max != 0 ? backoff->restarts_max : 10;
    duration(window, backoff->window_ns != 0 ? backoff->window_ns : 60 * WARDI_S);
    printf("  More than %u restart%s in %s, and it is given up%s.\n", limit, limit == 1 ? "" : "s",
           window, child->options.group != NULL ? ", which is a failure of its group" : "");
}

static void print_head(const question *q, size_t at)
{
    const wardi_config_child *child = &q->config->children[at];
    char interval[32];
    unsigned fall = child->options.fall != 0 ? child->options.fall : 3;
    uint64_t interval_ns = child->options.interval_ns;
    wardi_output_styled(stdout, WARDI_BOLD, child->component.name);
    printf(" is checked every %s. ",
           duration(interval, interval_ns != 0 ? interval_ns : 10 * WARDI_S));
    if (fall > 1)
        printf("%u bad checks in a row are a failure, and it is ", fall);
    else
        fputs("One bad check is a failure, and it is ", stdout);
    if (child->options.restart == WARD_RESTART_TEMPORARY) {
        fputs("given up: temporary.\n", stdout);
        return;
    }
    fputs("restarted.\n", stdout);
    print_company(q, at);
    print_budget(child);
}

static void print_pair(uint64_t worst_ns, uint64_t typical_ns)
{
    char worst[32], typical[32];
    duration(worst, worst_ns);
    if (typical_ns == 0)
        strcpy(typical, "-"); /* as fast as the guest is */
    else
        duration(typical, typical_ns);
    printf("%*s%*s", FIGURE_WIDTH, worst, FIGURE_WIDTH, typical);
}

/* A row of one term, by its name: not every fault has each. */
static const ward_term *term_named(const ward_explanation *e, const char *name)
{
    for (size_t i = 0; i < e->term_count; i++)
        if (strcmp(e->terms[i].name, name) == 0) return &e->terms[i];
    return NULL;
}

/* What can go wrong, in as many tables as fit a page: a column each. */
typedef struct table {
    size_t first, end; /* ward_fault */
} table;
static const table tables[] = {{WARD_FAULT_TRAP, WARD_FAULT_UNHEALTHY + 1},
                               {WARD_FAULT_MESSAGE_TRAP, WARD_FAULT_COUNT}};

static void print_term(const table *t, const ward_explanation *all, const char *name)
{
    printf("    %-*s", LABEL_WIDTH - 4, name);
    int blank = 0; /* not printed at the end of a line */
    for (size_t i = t->first; i < t->end; i++) {
        const ward_term *term = term_named(&all[i], name);
        if (term == NULL) {
            blank += 2 * FIGURE_WIDTH;
            continue;
        }
        printf("%*s", blank, "");
        blank = 0;
        print_pair(term->worst_ns, term->typical_ns);
    }
    putchar('\n');
}

static bool was_shown(const table *t, const ward_explanation *all, size_t fault, const char *name)
{
    for (size_t i = t->first; i < fault; i++)
        if (term_named(&all[i], name) != NULL) return true;
    return false;
}

static void print_terms(const table *t, const ward_explanation *all, bool of_recovery)
{
    for (size_t i = t->first; i < t->end; i++)
        for (size_t j = 0; j < all[i].term_count; j++) {
            const ward_term *term = &all[i].terms[j];
            if (term->of_recovery == of_recovery && !was_shown(t, all, i, term->name))
                print_term(t, all, term->name);
        }
}

static void print_sums(const table *t, const ward_explanation *all, bool of_recovery)
{
    char label[LABEL_WIDTH + 1];
    snprintf(label, sizeof label, "  %-*s", LABEL_WIDTH - 2,
             of_recovery ? "and serves again within" : "is seen within");
    wardi_output_styled(stdout, WARDI_BOLD, label);
    for (size_t i = t->first; i < t->end; i++) {
        const ward_explanation *e = &all[i];
        bool never = !e->detected || (of_recovery && !e->restarted);
        if (never)
            print_pair(FOREVER, FOREVER);
        else if (of_recovery)
            print_pair(e->recover_worst_ns, e->recover_typical_ns);
        else
            print_pair(e->detect_worst_ns, e->detect_typical_ns);
    }
    putchar('\n');
}

static void print_table(const table *t, const ward_explanation *all)
{
    static const char *const titles[WARD_FAULT_COUNT] = {
        [WARD_FAULT_TRAP] = "a check that traps",
        [WARD_FAULT_HANG] = "a check that hangs",
        [WARD_FAULT_UNHEALTHY] = "unhealthy",
        [WARD_FAULT_MESSAGE_TRAP] = "a message that traps",
        [WARD_FAULT_MESSAGE_HANG] = "a message that hangs"};
    printf("\n%*s", LABEL_WIDTH, "");
    for (size_t i = t->first; i < t->end; i++) printf("%*s", 2 * FIGURE_WIDTH, titles[i]);
    printf("\n%*s", LABEL_WIDTH, "");
    for (size_t i = t->first; i < t->end; i++)
        printf("%*s%*s", FIGURE_WIDTH, "at worst", FIGURE_WIDTH, "typically");
    putchar('\n');
    print_sums(t, all, false);
    print_terms(t, all, false);
    print_sums(t, all, true);
    print_terms(t, all, true);
}

static void print_human(const question *q, size_t at, const ward_explanation *all)
{
    print_head(q, at);
    for (size_t i = 0; i < WARD_COUNT(tables); i++) print_table(&tables[i], all);
    putchar('\n');
}

static void print_notes(void)
{
    fputs(
        "At worst: every limit is used up, and the back-off is at its longest. Typically: the "
        "first "
        "failure,\nof a guest that answers, stops and starts at once (-). A check waits while a "
        "message is handled, for\nmessage_timeout at most; of a component that gets no messages "
        "that line may be left out. Not in the\nsums: waiting for what it needs, unless that "
        "starts with it, or for a free start; messages that wait\nin front of the one that fails; "
        "and what follows when it is given up. A component of the component\nmodel has failed at "
        "its first trap.\n",
        stdout);
}

/* ---- for scripts ---- */

static json_t *figure(uint64_t ns)
{
    return ns == FOREVER ? json_null() : json_integer((json_int_t)ns);
}

static json_t *fault_json(ward_fault fault, const ward_explanation *e)
{
    json_t *terms = json_array();
    for (size_t i = 0; i < e->term_count; i++)
        json_array_append_new(terms,
                              json_pack("{s:s, s:s, s:o, s:o}", "name", e->terms[i].name, "phase",
                                        e->terms[i].of_recovery ? "recover" : "detect", "worst_ns",
                                        figure(e->terms[i].worst_ns), "typical_ns",
                                        figure(e->terms[i].typical_ns)));
    bool serves = e->detected && e->restarted;
    return json_pack("{s:s, s:b, s:b, s:o, s:o, s:o, s:o, s:o}", "fault", ward_fault_name(fault),
                     "detected", e->detected, "restarted", serves, "detect_worst_ns",
                     figure(e->detect_worst_ns), "detect_typical_ns", figure(e->detect_typical_ns),
                     "recover_worst_ns", figure(serves ? e->recover_worst_ns : FOREVER),
                     "recover_typical_ns", figure(serves ? e->recover_typical_ns : FOREVER),
                     "terms", terms);
}

static json_t *child_json(const question *q, size_t at, const ward_explanation *all)
{
    static const char *const strategies[] = {[WARD_ONE_FOR_ONE] = "one_for_one",
                                             [WARD_ONE_FOR_ALL] = "one_for_all",
                                             [WARD_REST_FOR_ONE] = "rest_for_one"};
    const wardi_config_child *child = &q->config->children[at];
    json_t *along = json_array(), *dependents = json_array(), *faults = json_array();
    for (size_t i = 0; i < q->along_count; i++)
        json_array_append_new(along, json_string(q->along[i]->component->name));
    for (size_t i = 0; i < q->config->child_count; i++)
        if (asked_to_follow(&q->config->children[i], child->component.name))
            json_array_append_new(dependents, json_string(q->config->children[i].component.name));
    for (size_t i = 0; i < WARD_FAULT_COUNT; i++)
        json_array_append_new(faults, fault_json((ward_fault)i, &all[i]));
    return json_pack("{s:s, s:o, s:s, s:o, s:o, s:o}", "component", child->component.name, "group",
                     wardi_json_text(child->options.group), "strategy",
                     strategies[strategy_of(q, at)], "along", along, "dependents", dependents,
                     "faults", faults);
}

/* ---- the command ---- */

static bool explain_one(question *q, size_t at, ward_explanation *all)
{
    ward_explain_options options = WARD_INIT(ward_explain_options);
    ward_diag diag;
    find_along(q, at);
    options.child = &q->config->children[at].options;
    options.along = q->along;
    options.along_count = q->along_count;
    for (size_t i = 0; i < WARD_FAULT_COUNT; i++) {
        all[i] = (ward_explanation)WARD_INIT(ward_explanation);
        options.fault = (ward_fault)i;
        if (ward_child_explain(&options, &all[i], &diag) == WARD_OK) continue;
        wardi_complain("explain: %s: %s", q->config->children[at].component.name, diag.text);
        return false;
    }
    return true;
}

/* Its index; the count of components: there is none, and that was said. */
static size_t find_component(const wardi_config *config, const char *name)
{
    enum { COMPARED = 1000 };
    const char *known[COMPARED];
    size_t compared = config->child_count < COMPARED ? config->child_count : COMPARED;
    for (size_t i = 0; i < config->child_count; i++)
        if (strcmp(config->children[i].component.name, name) == 0) return i;
    for (size_t i = 0; i < compared; i++) known[i] = config->children[i].component.name;
    const char *closest = wardi_closest(name, known, compared);
    char quoted[WARDI_SHOWN_BYTES];
    wardi_config_shown(quoted, name);
    if (closest != NULL)
        wardi_complain("explain: there is no component %s; did you mean `%s`?", quoted, closest);
    else
        wardi_complain("explain: there is no component %s; leave it out to see all", quoted);
    return config->child_count;
}

static int explain(wardi_config *config, const char *file, const char *name, bool json)
{
    question q;
    ward_explanation all[WARD_FAULT_COUNT];
    size_t first = name != NULL ? find_component(config, name) : 0;
    size_t end = name != NULL ? first + 1 : config->child_count;
    if (first == config->child_count) return WARDI_EXIT_FAILED;
    if (!question_init(&q, config)) {
        wardi_complain("explain: out of memory");
        return WARDI_EXIT_FAILED;
    }
    json_t *list = json ? json_array() : NULL;
    for (size_t at = first; at < end; at++) {
        if (!explain_one(&q, at, all)) {
            json_decref(list);
            return WARDI_EXIT_FAILED;
        }
        if (json)
            json_array_append_new(list, child_json(&q, at, all));
        else
            print_human(&q, at, all);
    }
    if (json)
        wardi_json_print(
            json_pack("{s:o, s:o}", "file", wardi_json_text(file), "components", list));
    else
        print_notes();
    return WARDI_EXIT_OK;
}

int wardi_explain_run(const void *settings, char **args, int arg_count)
{
    const wardi_explain_settings *given = settings;
    const char *file = arg_count > 0 ? args[0] : "ward.yaml";
    wardi_config *config = NULL;
    wardi_mistakes mistakes = {0};
    ward_diag diag;
    int status = WARDI_EXIT_FAILED;
    ward_error error = wardi_config_read(file, &config, &mistakes, &diag);
    if (error == WARD_OK)
        status = explain(config, file, arg_count > 1 ? args[1] : NULL, given->json);
    else if (error == WARD_ERROR_CONFIG)
        wardi_mistakes_show(file, &mistakes, NULL, given->json);
    else
        wardi_complain("explain: %s", diag.text);
    wardi_mistakes_done(&mistakes);
    wardi_config_free(config);
    return wardi_output_finish(status, WARDI_EXIT_FAILED);
}
