/* Ward's own figures, one JSON object a line, under the names of build/bench.json. bench/run drives
 * it. Usage: ward_bench GUESTS-DIRECTORY SAMPLES NAME… */
#include "bench.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

void bench_must(ward_error error, const ward_diag *diag, const char *what)
{
    if (error == WARD_OK) return;
    fprintf(stderr, "bench: %s: %s\n", what, diag->text);
    exit(1);
}

const char *bench_path(const bench *b, const char *guest)
{
    static char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", b->guests, guest);
    return path;
}

ward_component *bench_made(const bench *b, const char *guest, const ward_health_policy *policy)
{
    ward_component_options options = WARD_INIT(ward_component_options);
    options.name = "bench";
    options.path = bench_path(b, guest);
    if (policy) options.health = *policy;
    ward_component *component = NULL;
    ward_diag diag;
    bench_must(ward_component_new(b->host, &options, &component, &diag), &diag, guest);
    return component;
}

void bench_start(ward_component *component)
{
    ward_diag diag;
    bench_must(ward_component_start(component, &diag), &diag, ward_component_name(component));
}

void bench_stop(ward_component *component)
{
    ward_diag diag;
    bench_must(ward_component_stop(component, &diag), &diag, ward_component_name(component));
}

void bench_expect(const bench_check *c, ward_child_health health, const char *reason)
{
    if (c->verdict.health == health && strcmp(c->verdict.reason.text, reason) == 0) return;
    fprintf(stderr, "bench: %s (%s) is not the verdict that is measured\n",
            ward_child_health_name(c->verdict.health), c->verdict.reason.text);
    exit(1);
}

/* ---- the list ---- */

static const struct {
    const char *name;
    void (*run)(const bench *b);
} benches[] = {
    {"check_state", bench_check_state},
    {"check_health_borsh", bench_check_health_borsh},
    {"check_health_resources", bench_check_health_resources},
    {"check_health_json", bench_check_health_json},
    {"check_health_cbor", bench_check_health_cbor},
    {"codec_prefix", bench_codec_prefix},
    {"decode_borsh", bench_decode_borsh},
    {"decode_json", bench_decode_json},
    {"decode_cbor", bench_decode_cbor},
    {"deadline_overshoot", bench_deadline_overshoot},
    {"allocations_per_check", bench_allocations_per_check},
    {"leak_bytes", bench_leak_bytes},
    {"start_warm", bench_start_warm},
    {"instantiate", bench_instantiate},
    {"restart_warm", bench_restart_warm},
    {"sched_request_reply", bench_sched_request_reply},
    {"sched_messages_per_second", bench_sched_messages},
    {"sched_sweep_100k", bench_sched_sweep_100k},
    {"sched_timers_million", bench_sched_timers_million},
    {"message_check", bench_message_check},
    {"sweep_100k", bench_sweep_100k},
    {"start", bench_start_fleet},
    {"recover_trap", bench_recover_trap},
    {"recover_hang", bench_recover_hang},
    {"wrong_verdicts_saturated", bench_wrong_verdicts},
    {"sizes", bench_sizes},
    {"million", bench_million},
    {"size_million", bench_size_million},
    {"wrong_verdicts_long", bench_wrong_verdicts_long},
    {"overload_recovered", bench_overload},
    {"overload_long", bench_overload_long},
    {"messages_per_second", bench_messages_per_second},
    {"request_reply", bench_request_reply},
    {"message_cost", bench_message_cost},
    {"message_cost_million", bench_message_cost_million},
    {"probe_http", bench_probe_http},
    {"probe_http_saturated", bench_probe_http_saturated},
    {"metrics_1000", bench_metrics_1000},
    {"control_round_trip", bench_control_round_trip},
    {"changes", bench_changes},
    {"change_to_grpc_watch", bench_change_to_grpc_watch},
};

static void run_named(const bench *b, const char *name)
{
    for (size_t i = 0; i < WARD_COUNT(benches); i++) {
        if (strcmp(benches[i].name, name) != 0) continue;
        benches[i].run(b);
        return;
    }
    fprintf(stderr, "bench: no benchmark is named %s\n", name);
    exit(2);
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: %s GUESTS-DIRECTORY SAMPLES NAME…\n", argv[0]);
        return 2;
    }
    bench b = {.guests = argv[1], .samples = strtoul(argv[2], NULL, 10)};
    ward_host_options options = WARD_INIT(ward_host_options);
    options.cache_directory = "";
    ward_diag diag;
    options.compiler_path = ""; /* what is compiled is not measured */
    bench_must(ward_host_open(&options, &b.host, &diag), &diag, "opening the host");
    bench_measure_init();
    for (int i = 3; i < argc; i++) run_named(&b, argv[i]);
    ward_host_close(b.host);
    return 0;
}
