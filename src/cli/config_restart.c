/* Restarting and stopping: figures that contradict, and keys that others leave nothing to say. */
#include "cli/config_rules.h"

/* As component has it. */
#define STOP_TIMEOUT_DEFAULT_NS (5 * WARDI_S)

static bool is_inherited(const config_rules *rules, size_t key)
{
    if (rules->defaults == NULL || rules->defaults[key].line == 0) return false;
    return rules->places[key].line == rules->defaults[key].line &&
           rules->places[key].column == rules->defaults[key].column;
}

/* What only the defaults say may stand: a component that is unlike the others cannot take it back.
 */
void config_rules_idle(const config_rules *rules, const char *path, const char *cause,
                       const char *word, const char *way_out)
{
    size_t key = wardi_key_index(rules->keys, path), by = wardi_key_index(rules->keys, cause);
    if (rules->places[key].line == 0) return;
    if (is_inherited(rules, key) && !is_inherited(rules, by)) return;
    wardi_mistakes_add(rules->reading->mistakes, rules->places[key],
                       "%s means nothing with `%s: %s`; take it out, or write %s", path, cause,
                       word, way_out);
}

static void idle_all(const config_rules *rules, const char *const *paths, size_t count,
                     const char *cause, const char *word, const char *way_out)
{
    for (size_t i = 0; i < count; i++) config_rules_idle(rules, paths[i], cause, word, way_out);
}

static void check_delays(const config_rules *rules, const ward_backoff *backoff)
{
    uint64_t initial = backoff->initial_ns != 0 ? backoff->initial_ns : 100 * WARDI_MS;
    uint64_t max = backoff->max_ns != 0 ? backoff->max_ns : 30 * WARDI_S;
    if (max >= initial) return;
    size_t key =
        wardi_key_index(rules->keys, backoff->max_ns != 0 ? "restart.max" : "restart.initial");
    char first[40], last[40];
    wardi_text text = WARDI_TEXT(first);
    wardi_text_duration(&text, initial);
    text = WARDI_TEXT(last);
    wardi_text_duration(&text, max);
    wardi_mistakes_add(rules->reading->mistakes, rules->places[key],
                       "the longest delay (restart.max, %s) is shorter than the first "
                       "(restart.initial, %s); make it at least as long",
                       last, first);
}

void config_rules_restart(const config_rules *rules, ward_restart policy,
                          const ward_backoff *backoff)
{
    static const char cause[] = "restart.backoff";
    static const char *const all[] = {"restart.backoff", "restart.initial", "restart.max",
                                      "restart.factor",  "restart.jitter",  "restart.reset_after",
                                      "restart.limit",   "restart.window"};
    static const char *const of_delays[] = {"restart.initial", "restart.max", "restart.factor",
                                            "restart.jitter", "restart.reset_after"};
    static const char *const of_growth[] = {"restart.max", "restart.factor", "restart.reset_after"};
    if (policy == WARD_RESTART_TEMPORARY) {
        idle_all(rules, all, WARD_COUNT(all), "restart.policy", "temporary", "another policy");
        return;
    }
    switch (backoff->shape) {
    case WARD_BACKOFF_OFF:
        idle_all(rules, of_delays, WARD_COUNT(of_delays), cause, "off", "another back-off");
        return;
    case WARD_BACKOFF_FIXED:
        idle_all(rules, of_growth, WARD_COUNT(of_growth), cause, "fixed", "linear or exponential");
        return;
    case WARD_BACKOFF_LINEAR:
        config_rules_idle(rules, "restart.factor", cause, "linear", "exponential");
        break;
    case WARD_BACKOFF_EXPONENTIAL: break;
    }
    check_delays(rules, backoff);
}

static void check_companions(const config_rules *rules, const wardi_config_child *child)
{
    size_t key = wardi_component_key("restart.with");
    if (!child->options.restart_with_needs) return;
    if (child->options.restart == WARD_RESTART_TEMPORARY)
        config_rules_idle(rules, "restart.with", "restart.policy", "temporary", "another policy");
    if (child->options.need_count == 0 && !is_inherited(rules, key))
        wardi_mistakes_add(rules->reading->mistakes, rules->places[key],
                           "restart.with: it needs nothing that could go down; take it out, or "
                           "write `needs`");
}

/* The clean-up is one call, which its own deadline ends; no kill comes in between. */
static void check_timeouts(const config_rules *rules, const wardi_config_child *child)
{
    uint64_t timeout = child->options.shutdown_timeout_ns;
    uint64_t stop = child->component.stop_timeout_ns;
    if (stop == 0) stop = STOP_TIMEOUT_DEFAULT_NS;
    if (timeout == 0 || timeout >= stop) return;
    char shorter[40], longer[40];
    wardi_text text = WARDI_TEXT(shorter);
    wardi_text_duration(&text, timeout);
    text = WARDI_TEXT(longer);
    wardi_text_duration(&text, stop);
    wardi_mistakes_add(rules->reading->mistakes,
                       rules->places[wardi_component_key("shutdown.timeout")],
                       "shutdown.timeout (%s) is shorter than the clean-up may take (stop_timeout, "
                       "%s); write at least as much, or a shorter stop_timeout",
                       shorter, longer);
}

static void check_shutdown(const config_rules *rules, const wardi_config_child *child)
{
    static const char cause[] = "shutdown.mode";
    switch (child->options.shutdown) {
    case WARD_SHUTDOWN_GRACEFUL: check_timeouts(rules, child); return;
    case WARD_SHUTDOWN_IMMEDIATE:
        config_rules_idle(rules, "shutdown.timeout", cause, "immediate", "graceful");
        config_rules_idle(rules, "stop_timeout", cause, "immediate", "graceful");
        return;
    case WARD_SHUTDOWN_INFINITE:
        config_rules_idle(rules, "shutdown.timeout", cause, "infinite", "graceful");
        return;
    }
}

void wardi_config_check_restart(wardi_reading *reading, const wardi_config_child *child)
{
    config_rules rules = {.reading = reading,
                          .keys = &wardi_component_keys,
                          .places = child->places,
                          .defaults = reading->config->defaults.places};
    config_rules_restart(&rules, child->options.restart, &child->options.backoff);
    check_companions(&rules, child);
    check_shutdown(&rules, child);
}
