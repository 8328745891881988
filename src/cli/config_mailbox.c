/* The mailbox: keys that others leave nothing to say. */
#include "cli/config_rules.h"

void wardi_config_check_mailbox(wardi_reading *reading, const wardi_config_child *child)
{
    static const char *const words[] = {[WARD_MAILBOX_REJECT] = "reject",
                                        [WARD_MAILBOX_DROP_OLDEST] = "drop_oldest",
                                        [WARD_MAILBOX_DROP_NEWEST] = "drop_newest"};
    if (child->options.mailbox_full == WARD_MAILBOX_BLOCK) return;
    config_rules rules = {.reading = reading,
                          .keys = &wardi_component_keys,
                          .places = child->places,
                          .defaults = reading->config->defaults.places};
    config_rules_idle(&rules, "mailbox.block_timeout", "mailbox.when_full",
                      words[child->options.mailbox_full], "block");
}
