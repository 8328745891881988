/* Five patterns of health checks. Each guest (examples/guests/) is driven through its exports, and
 * after each step Ward says how it is.
 *
 *     ./health_check_patterns FOLDER-OF-GUESTS */
#include <stdio.h>

#include <ward/ward.h>

/* Calls `function` with `args`, then checks; without a function it only checks. */
struct step {
    const char *what;
    const char *function;
    int arg_count;
    int32_t args[2];
};

struct pattern {
    const char *name;
    ward_limits limits;
    ward_thresholds memory;
    struct step steps[8]; /* ends with an empty one */
};

static const struct pattern patterns[] = {
    {.name = "dependency",
     .steps = {{.what = "at the start"},
               {"a query fails", "query", 1, {0}},
               {"another fails", "query", 1, {0}},
               {"a query succeeds", "query", 1, {1}}}},
    {.name = "circuit_breaker",
     .steps = {{"a request fails", "request", 1, {0}},
               {"another fails", "request", 1, {0}},
               {"the third fails", "request", 1, {0}},
               {.what = "a check later"},
               {.what = "a check later"},
               {"the trial succeeds", "request", 1, {1}}}},
    {.name = "warm_up",
     .steps = {{.what = "at the start"},
               {"some entries", "load", 1, {250}},
               {"most entries", "load", 1, {600}},
               {"all entries", "load", 1, {150}}}},
    {.name = "self_healing",
     .steps = {{"stores a value", "store", 2, {3, 1000}},
               {"a bug strikes", "corrupt", 1, {3}},
               {.what = "a check later"},
               {"it strikes again", "corrupt", 1, {3}},
               {"and again", "corrupt", 1, {4}}}},
    {.name = "memory_pressure",
     .limits = {.memory_bytes_max = 4 << 20},
     .memory = {.degraded_at = 0.75, .unhealthy_at = 0.95},
     .steps = {{.what = "at the start"},
               {"takes 2 MiB", "take", 1, {32}},
               {"takes 1 MiB more", "take", 1, {16}},
               {"takes nearly all", "take", 1, {13}}}},
};

static ward_error take_step(ward_component *component, const struct step *step, ward_diag *ret_diag)
{
    ward_value args[2], results[1];
    size_t result_count = 1;
    for (int i = 0; i < step->arg_count; i++)
        args[i] = (ward_value){.kind = WARD_I32, .of.i32 = step->args[i]};
    if (step->function != NULL) {
        ward_error error =
            ward_component_call(component, step->function, args, (size_t)step->arg_count, results,
                                &result_count, 0, ret_diag);
        if (error) return error;
    }
    ward_verdict verdict;
    ward_component_check(component, &verdict);
    const char *health = ward_child_health_name(verdict.health);
    if (verdict.reason.length == 0)
        printf("  %-20s%s\n", step->what, health);
    else
        printf("  %-20s%-10s%s\n", step->what, health, verdict.reason.text);
    return WARD_OK;
}

static ward_error show(ward_host *host, const char *folder, const struct pattern *pattern,
                       ward_diag *ret_diag)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s.wasm", folder, pattern->name);
    ward_component_options options = WARD_INIT(ward_component_options);
    options.name = pattern->name;
    options.path = path;
    options.limits = pattern->limits;
    options.health.resources[WARD_RESOURCE_MEMORY] = pattern->memory;

    ward_component *component = NULL;
    ward_error error = ward_component_new(host, &options, &component, ret_diag);
    if (!error) error = ward_component_start(component, ret_diag);
    if (!error) printf("%s\n", pattern->name);
    for (const struct step *step = pattern->steps; !error && step->what != NULL; step++)
        error = take_step(component, step, ret_diag);
    ward_component_free(component); /* stops it as well */
    return error;
}

int main(int argc, char **argv)
{
    const char *folder = argc > 1 ? argv[1] : ".";
    ward_host *host = NULL;
    ward_diag diag = {WARD_OK, ""};
    ward_error error = ward_host_open(NULL, &host, &diag);
    for (size_t i = 0; !error && i < sizeof patterns / sizeof *patterns; i++)
        error = show(host, folder, &patterns[i], &diag);
    if (error) fprintf(stderr, "%s\n", diag.text);
    ward_host_close(host);
    return error != WARD_OK;
}
