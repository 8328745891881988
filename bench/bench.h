/* What the benchmarks share. Each prints its figures under its name; bench.c has the list. */
#ifndef BENCH_H
#define BENCH_H

#include <ward/ward.h>

#include "measure.h"

typedef struct bench {
    const char *guests; /* directory */
    size_t samples;
    ward_host *host;
} bench;

/** Every reason in the guests is this one. */
#define BENCH_REASON "High latency"

/** Ends the program when there is an error. */
void bench_must(ward_error error, const ward_diag *diag, const char *what);
/** The guest's file; valid until the next call. */
const char *bench_path(const bench *b, const char *guest);
/** A component of this guest, never started. `policy` may be NULL. */
ward_component *bench_made(const bench *b, const char *guest, const ward_health_policy *policy);
void bench_start(ward_component *component);
void bench_stop(ward_component *component);

typedef struct bench_check {
    ward_component *component;
    ward_verdict verdict;
} bench_check;

BENCH_INLINE void bench_check_op(void *context)
{
    bench_check *c = context;
    ward_component_check(c->component, &c->verdict);
    BENCH_KEEP(&c->verdict);
}

/** A figure is worth nothing if what was measured is not what was meant: ends the program. */
void bench_expect(const bench_check *c, ward_child_health health, const char *reason);

/* checks.c */
void bench_check_state(const bench *b);
void bench_check_health_borsh(const bench *b);
void bench_check_health_json(const bench *b);
void bench_check_health_cbor(const bench *b);
void bench_check_health_resources(const bench *b);
void bench_deadline_overshoot(const bench *b);
/* codec.c */
void bench_codec_prefix(const bench *b);
void bench_decode_borsh(const bench *b);
void bench_decode_json(const bench *b);
void bench_decode_cbor(const bench *b);
/* life.c */
void bench_allocations_per_check(const bench *b);
void bench_leak_bytes(const bench *b);
void bench_start_warm(const bench *b);
void bench_restart_warm(const bench *b);
void bench_instantiate(const bench *b);
/* sched.c */
void bench_sched_request_reply(const bench *b);
void bench_sched_messages(const bench *b);
void bench_sched_sweep_100k(const bench *b);
void bench_sched_timers_million(const bench *b);
/* many.c */
void bench_message_check(const bench *b);
void bench_sweep_100k(const bench *b);
void bench_start_fleet(const bench *b);
void bench_million(const bench *b);
void bench_sizes(const bench *b);
void bench_size_million(const bench *b);
/* recover.c */
void bench_recover_trap(const bench *b);
void bench_recover_hang(const bench *b);
void bench_wrong_verdicts(const bench *b);
void bench_wrong_verdicts_long(const bench *b);
/* overload.c */
void bench_overload(const bench *b);
void bench_overload_long(const bench *b);
/* talk.c */
void bench_messages_per_second(const bench *b);
void bench_request_reply(const bench *b);
void bench_message_cost(const bench *b);
void bench_message_cost_million(const bench *b);

/* surface.c */
void bench_probe_http(const bench *b);
void bench_probe_http_saturated(const bench *b);
void bench_metrics_1000(const bench *b);
void bench_control_round_trip(const bench *b);
void bench_changes(const bench *b);
void bench_change_to_grpc_watch(const bench *b);

#endif
