/* Limits: what the host would not allow, and what would never be reached. */
#include "cli/config_rules.h"

#define CPU_INTERVAL_DEFAULT_NS WARDI_S

uint64_t config_rules_memory_max(const wardi_config *config)
{
    if (config->host.memory_bytes_max != 0) return config->host.memory_bytes_max;
    return config->host.profile == WARD_MEMORY_DENSE ? UINT64_C(16) << 20 : UINT64_C(4) << 30;
}

uint32_t config_rules_components_max(const wardi_config *config)
{
    if (config->host.components_max != 0) return config->host.components_max;
    return config->host.profile == WARD_MEMORY_DENSE ? 1000000 : 1000;
}

static void check_memory(wardi_reading *reading, const wardi_config_child *child)
{
    uint64_t most = config_rules_memory_max(reading->config);
    if (child->component.limits.memory_bytes_max <= most) return;
    char figure[40];
    wardi_text text = WARDI_TEXT(figure);
    wardi_text_size(&text, most);
    wardi_mistakes_add(reading->mistakes, child->places[wardi_component_key("limits.memory")],
                       "limits.memory is more than the host allows (%s); write less, or raise "
                       "`host.memory_max`",
                       figure);
}

/* One worker at a time runs a component: it never uses more processor time than passes. */
static void check_cpu(wardi_reading *reading, const wardi_config_child *child)
{
    const ward_child_options *options = &child->options;
    size_t cpu = wardi_component_key("limits.cpu");
    size_t interval = wardi_component_key("limits.cpu_interval");
    uint64_t most =
        options->cpu_interval_ns != 0 ? options->cpu_interval_ns : CPU_INTERVAL_DEFAULT_NS;
    if (options->cpu_ns_max == 0 && config_rules_is_written(reading->config, child, interval))
        wardi_mistakes_add(reading->mistakes, child->places[interval],
                           "limits.cpu_interval means nothing without `limits.cpu`; write that, or "
                           "take this out");
    if (options->cpu_ns_max <= most) return;
    char figure[40];
    wardi_text text = WARDI_TEXT(figure);
    wardi_text_duration(&text, most);
    wardi_mistakes_add(reading->mistakes, child->places[cpu],
                       "limits.cpu is more than passes in its interval (%s), so that it limits "
                       "nothing; write less, or a longer limits.cpu_interval",
                       figure);
}

void wardi_config_check_limits(wardi_reading *reading, const wardi_config_child *child)
{
    check_memory(reading, child);
    check_cpu(reading, child);
}
