/* ward.yaml: any bytes give a configuration, or mistakes that have places, in order; never a crash,
 * a leak or a silent nothing. */
#include <string.h>

#include "cli/cli.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

/* libfyaml 0.7 leaks its accumulator on some quoted texts that never end: once a file, and the
 * process ends soon after. What Ward itself leaks still shows. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libfyaml.so";
}

static void check_mistakes(const wardi_mistakes *mistakes)
{
    WARD_ASSERT(mistakes->count >= mistakes->kept);
    for (size_t i = 0; i < mistakes->kept; i++) {
        const wardi_mistake *mistake = &mistakes->items[i];
        WARD_ASSERT(mistake->place.line > 0 && mistake->place.column > 0);
        WARD_ASSERT(mistake->text[0] != '\0');
        if (i == 0) continue;
        const wardi_mistake *before = &mistakes->items[i - 1];
        WARD_ASSERT(before->place.line < mistake->place.line ||
                    (before->place.line == mistake->place.line &&
                     before->place.column <= mistake->place.column));
    }
}

/* What is accepted is whole: the library takes every component. */
static void check_groups(const wardi_config *config)
{
    for (size_t i = 0; i < config->group_count; i++) {
        const ward_group_options *group = &config->groups[i].options;
        WARD_ASSERT(wardi_name_valid(group->name));
        size_t above = 0; /* it may be added by then */
        while (group->group != NULL && above < i &&
               strcmp(config->groups[above].options.name, group->group) != 0)
            above++;
        WARD_ASSERT(group->group == NULL || above < i);
    }
}

static void check_config(const wardi_config *config)
{
    check_groups(config);
    WARD_ASSERT(config->child_count > 0);
    for (size_t i = 0; i < config->child_count; i++) {
        const wardi_config_child *child = &config->children[i];
        WARD_ASSERT(wardi_name_valid(child->component.name));
        WARD_ASSERT(child->component.path != NULL && child->component.path[0] != '\0');
        WARD_ASSERT(child->options.component == &child->component);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    wardi_mistakes mistakes = {0};
    wardi_config *config = NULL;
    ward_error error = wardi_config_parse((const char *)bytes, length, NULL, &config, &mistakes);
    check_mistakes(&mistakes);
    WARD_ASSERT((error == WARD_OK) == (config != NULL));
    WARD_ASSERT((error == WARD_ERROR_CONFIG) == (mistakes.count > 0));
    if (config != NULL) check_config(config);
    wardi_config_free(config);
    wardi_mistakes_done(&mistakes);
    return 0;
}
