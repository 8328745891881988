/* Guests that talk: messages handled by Wasm, and requests from one guest to another. */
#include <stdio.h>
#include <string.h>

#include "fleet.h"

enum { PAIRS = 32, IN_FLIGHT = 16, MESSAGE_BYTES = 64, REQUESTS_AT_ONCE = 1000 };

static const char *const anybody[] = {"#"};
static const ward_grants grants = {.send = {anybody, 1, NULL, 0},
                                   .called_by = {anybody, 1, NULL, 0}};

static ward_supervisor *talk_open(const bench *b)
{
    ward_supervisor_options options = WARD_INIT(ward_supervisor_options);
    ward_supervisor *supervisor;
    ward_diag diag;
    options.workers = 2;
    bench_must(ward_supervisor_new(b->host, &options, &supervisor, &diag), &diag, "supervisor");
    return supervisor;
}

static void talk_add(const bench *b, ward_supervisor *supervisor, const char *guest,
                     const char *name, const char *peer)
{
    ward_component_options component = WARD_INIT(ward_component_options);
    ward_child_options child = WARD_INIT(ward_child_options);
    char entry[64];
    const char *const metadata[] = {entry};
    ward_diag diag;
    snprintf(entry, sizeof entry, "peer=%s", peer);
    component.name = name;
    component.path = bench_path(b, guest);
    child.component = &component;
    child.interval_ns = 3600 * WARDI_S;
    child.grants = &grants;
    child.metadata = metadata;
    child.metadata_count = 1;
    child.mailbox_max = 1024;
    bench_must(ward_supervisor_add(supervisor, &child, &diag), &diag, name);
}

static ward_child_id talk_id(ward_supervisor *supervisor, const char *name)
{
    ward_child_id id = 0;
    ward_diag diag = {.text = "not found"};
    bench_must(ward_supervisor_find(supervisor, name, &id), &diag, name);
    return id;
}

static uint64_t talk_handled(ward_supervisor *supervisor)
{
    uint64_t sum = 0;
    char name[32];
    for (int i = 0; i < 2 * PAIRS; i++) {
        ward_message_counts counts = WARD_INIT(ward_message_counts);
        snprintf(name, sizeof name, "t%d", i);
        if (ward_supervisor_message_counts(supervisor, name, &counts) == WARD_OK)
            sum += counts.handled;
    }
    return sum;
}

/* Pairs that pass messages to and fro, on two cores. */
void bench_messages_per_second(const bench *b)
{
    uint8_t bytes[MESSAGE_BYTES] = {1};
    char name[32], peer[32];
    ward_diag diag;
    ward_supervisor *supervisor = talk_open(b);
    for (int i = 0; i < 2 * PAIRS; i++) {
        snprintf(name, sizeof name, "t%d", i);
        snprintf(peer, sizeof peer, "t%d", i ^ 1);
        talk_add(b, supervisor, "passer.wat", name, peer);
    }
    bench_must(ward_supervisor_start(supervisor, &diag), &diag, "start");
    for (int i = 0; i < 2 * PAIRS; i++) {
        snprintf(name, sizeof name, "t%d", i);
        ward_child_id id = talk_id(supervisor, name);
        diag.text[0] = '\0';
        for (int k = 0; k < IN_FLIGHT; k++)
            bench_must(ward_supervisor_send(supervisor, id, bytes, sizeof bytes), &diag, "send");
    }
    wardi_sleep_until_ns(wardi_now_ns() + 200 * WARDI_MS);
    enum { ROUNDS = 10 };
    bench_samples samples = bench_samples_new(ROUNDS, 1);
    double best = 0, rates[ROUNDS], sum = 0;
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t before = talk_handled(supervisor), began_ns = wardi_now_ns();
        wardi_sleep_until_ns(began_ns + 100 * WARDI_MS);
        uint64_t after = talk_handled(supervisor);
        rates[i] = (double)(after - before) * 1e9 / (double)(wardi_now_ns() - began_ns);
        sum += rates[i];
        if (rates[i] > best) best = rates[i];
    }
    bench_samples_free(&samples);
    for (int i = 1; i < ROUNDS; i++) /* few: by insertion */
        for (int k = i; k > 0 && rates[k] < rates[k - 1]; k--) {
            double swap = rates[k];
            rates[k] = rates[k - 1];
            rates[k - 1] = swap;
        }
    bench_figures figures = {.p50 = rates[ROUNDS / 2],
                             .p99 = rates[0], /* the slowest */
                             .p999 = rates[0],
                             .mean = sum / ROUNDS,
                             .single_p50 = rates[ROUNDS / 2],
                             .samples = ROUNDS};
    bench_print("messages_per_second", "1", &figures);
    ward_supervisor_free(supervisor);
}

/* One asks the other, and takes the time of each request by its own clock. */
void bench_request_reply(const bench *b)
{
    ward_diag diag = {.text = "the guests do not talk"};
    ward_supervisor *supervisor = talk_open(b);
    talk_add(b, supervisor, "talker.wat", "asker", "answerer");
    talk_add(b, supervisor, "echo.wat", "answerer", "");
    bench_must(ward_supervisor_start(supervisor, &diag), &diag, "start");
    ward_child_id id = talk_id(supervisor, "asker");
    size_t rounds = b->samples / REQUESTS_AT_ONCE + 2;
    uint64_t *times = calloc(rounds, REQUESTS_AT_ONCE * sizeof *times);
    uint64_t count = REQUESTS_AT_ONCE;
    size_t length;
    for (size_t i = 0; times != NULL && i < rounds; i++) /* the first one warms up, and is lost */
        bench_must(ward_supervisor_request(supervisor, id, (const uint8_t *)&count, sizeof count,
                                           (uint8_t *)(times + (i > 0 ? i - 1 : 0) * count),
                                           count * sizeof *times, &length, 0),
                   &diag, "request");
    bench_samples samples = bench_samples_new((rounds - 1) * count, 1);
    double sum = 0;
    for (size_t i = 0; times != NULL && i < samples.count; i++) {
        samples.ticks[i] = times[i];
        sum += (double)times[i];
    }
    bench_samples_sort(&samples);
    double one = (double)samples.count;
    bench_figures figures = {.p50 = (double)samples.ticks[(size_t)(one * 0.5)],
                             .p99 = (double)samples.ticks[(size_t)(one * 0.99)],
                             .p999 = (double)samples.ticks[(size_t)(one * 0.999)],
                             .mean = sum / one,
                             .single_p50 = (double)samples.ticks[(size_t)(one * 0.5)],
                             .samples = samples.count};
    bench_print("request_reply", "ns", &figures);
    bench_samples_free(&samples);
    free(times);
    ward_supervisor_free(supervisor);
}

/* ---- a ring of guests ---- */

/* So many messages are under way at any size, so that all that differs is how many guests take
 * turns. */
enum { TOKENS = 64, RING_MESSAGES = 1000000, RING_ROUNDS = 3, MILLION = 1000000 };

static void ring_add(const bench *b, fleet *f, const char *guest, const char *name,
                     const char *metadata)
{
    ward_child_options child = WARD_INIT(ward_child_options);
    child.interval_ns = 3600 * WARDI_S;
    child.grants = &grants;
    child.metadata = &metadata;
    child.metadata_count = 1;
    child.mailbox_max = TOKENS; /* no more: room for it is taken in each */
    fleet_add(b, f, guest, name, &child);
}

static void ring_open(const bench *b, fleet *f, size_t count)
{
    char name[32], peer[32];
    fleet_open_empty(b, "ring.wat", count + 16, f);
    for (size_t i = 0; i < count; i++) {
        snprintf(name, sizeof name, "t%zu", i);
        snprintf(peer, sizeof peer, "peer=t%zu", (i + 1) % count);
        ring_add(b, f, "ring.wat", name, peer);
    }
    ring_add(b, f, "answers.wat", "sink", "peer=");
    fleet_start(f, count + 1);
}

static uint64_t ring_arrived(const fleet *f)
{
    ward_message_counts counts = WARD_INIT(ward_message_counts);
    ward_diag diag = {.text = "no sink"};
    bench_must(ward_supervisor_message_counts(f->supervisor, "sink", &counts), &diag, "ring");
    return counts.handled;
}

/* Nanoseconds a message, wall time: each token goes round until it has been handled so often. */
static double ring_ns(const fleet *f, const ward_child_id *first, uint64_t messages)
{
    uint8_t bytes[MESSAGE_BYTES] = {0};
    uint64_t each = messages / TOKENS, arrived = ring_arrived(f) + TOKENS;
    ward_diag diag = {.text = "not sent"};
    memcpy(bytes, &each, sizeof each);
    uint64_t start_ns = wardi_now_ns();
    for (size_t k = 0; k < TOKENS; k++)
        bench_must(ward_supervisor_send(f->supervisor, first[k], bytes, sizeof bytes), &diag,
                   "ring");
    while (ring_arrived(f) < arrived) wardi_sleep_until_ns(wardi_now_ns() + 100 * WARDI_US);
    return (double)(wardi_now_ns() - start_ns) / (double)(each * TOKENS);
}

static void measure_ring(const bench *b, size_t count)
{
    fleet f;
    char name[64];
    double ns[RING_ROUNDS];
    ward_child_id first[TOKENS];
    uint64_t messages = b->samples < RING_MESSAGES ? b->samples : RING_MESSAGES;
    if (messages < count) messages = count;
    if (messages < TOKENS) messages = TOKENS;
    ring_open(b, &f, count);
    for (size_t k = 0; k < TOKENS; k++) {
        snprintf(name, sizeof name, "t%zu", k * count / TOKENS);
        first[k] = fleet_find(&f, name);
    }
    ring_ns(&f, first, messages); /* everybody looks for its peer */
    for (int k = 0; k < RING_ROUNDS; k++) ns[k] = ring_ns(&f, first, messages);
    snprintf(name, sizeof name, "message_at_%zu", count);
    bench_print_values(name, "ns", ns, RING_ROUNDS);
    fleet_close(&f);
}

void bench_message_cost(const bench *b)
{
    size_t most = b->samples < RING_MESSAGES / 10 ? 10000 : 100000; /* less for a brief look */
    for (size_t count = 10; count <= most; count *= 10) measure_ring(b, count);
}

void bench_message_cost_million(const bench *b)
{
    measure_ring(b, MILLION);
}
