/* A million events at once: each reaches the stream and the journal, or is counted there as lost;
 * probes are answered meanwhile, and memory has its bound. */
#include "unit/surface/http_kit.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) /* it keeps what was freed */
enum { GAINED_MIB_MAX = 4096 };
#else
enum { GAINED_MIB_MAX = 256 };
#endif

enum { GIVERS = 4, EACH = 250000, ALL = GIVERS * EACH };

/* ---- who listens ---- */

typedef struct listener {
    pthread_t thread;
    int fd;
    _Atomic uint64_t told, lost, last; /* events, those told as lost, the number of the last one */
    char bytes[1 << 16];
    size_t length;
} listener;

/* "id: 1-42"; or "data: {"event":"lost","count":7}", which has no id. */
static void read_line(listener *l, const char *line)
{
    static const char id[] = "id: ", lost[] = "data: {\"event\":\"lost\",\"count\":";
    if (strncmp(line, id, strlen(id)) == 0) {
        uint64_t sequence = strtoull(strchr(line, '-') + 1, NULL, 10), last = l->last;
        bool ascends = sequence > last;
        assert_true(ascends);
        l->told++;
        l->last = sequence;
    } else if (strncmp(line, lost, strlen(lost)) == 0) {
        uint64_t count = strtoull(line + strlen(lost), NULL, 10);
        assert_true(count != 0);
        l->lost += count;
        l->last += count;
    }
}

static void read_lines(listener *l)
{
    char *from = l->bytes, *end;
    while ((end = memchr(from, '\n', l->length - (size_t)(from - l->bytes))) != NULL) {
        *end = '\0';
        read_line(l, from);
        from = end + 1;
    }
    l->length -= (size_t)(from - l->bytes);
    memmove(l->bytes, from, l->length);
}

static void *listen_on(void *context)
{
    listener *l = context;
    ssize_t got;
    while ((got = recv(l->fd, l->bytes + l->length, sizeof l->bytes - l->length, 0)) > 0) {
        l->length += (size_t)got;
        read_lines(l);
    }
    return NULL;
}

/* From before the first event on; of HTTP/1.0, so that there are no chunks. */
static void listener_start(listener *l)
{
    static const char request[] = "GET /events HTTP/1.0\r\nLast-Event-ID: 1-0\r\n\r\n";
    l->fd = dial();
    assert_true(put(l->fd, request));
    assert_int_equal(pthread_create(&l->thread, NULL, listen_on, l), 0);
}

static void listener_stop(listener *l)
{
    shutdown(l->fd, SHUT_RDWR);
    pthread_join(l->thread, NULL);
    close(l->fd);
}

/* ---- who gives ---- */

static atomic_int giving;

static void *give(void *context)
{
    (void)context;
    for (int i = 0; i < EACH; i++)
        if (ward_supervisor_record(supervisor, "a", "one of a million") != WARD_OK) abort();
    atomic_fetch_sub(&giving, 1);
    return NULL;
}

/* ---- what came of it ---- */

/* Of memory that is nobody else's, and no file's. */
static uint64_t anonymous_mib(void)
{
    char line[200];
    unsigned long long kib = 0;
    FILE *file = fopen("/proc/self/status", "r");
    assert_non_null(file);
    while (kib == 0 && fgets(line, sizeof line, file) != NULL)
        (void)sscanf(line, "RssAnon: %llu", &kib);
    fclose(file);
    return kib >> 10;
}

/* The value of a metric that has no labels. */
static uint64_t figure(const char *name)
{
    char line[100];
    reply r = get("/metrics");
    assert_int_equal(r.status, 200);
    snprintf(line, sizeof line, "\n%s ", name);
    const char *found = strstr(r.body, line);
    if (found == NULL) fail_msg("no %s", name);
    uint64_t value = (uint64_t)strtod(found + strlen(line), NULL);
    reply_free(&r);
    return value;
}

/* Events and losses of a journal stand where they belong, without a hole from the first that is
 * kept. */
typedef struct kept {
    uint64_t next, events, lost;
} kept;

static bool on_kept(void *context, const wardi_journal_event *event)
{
    kept *k = context;
    uint64_t count = event->lost != 0 ? event->lost : 1;
    if (k->next != 0) assert_int_equal(event->event.sequence, k->next);
    k->next = event->event.sequence + count;
    *(event->lost != 0 ? &k->lost : &k->events) += count;
    return true;
}

static void expect_no_hole(uint64_t last)
{
    kept k = {0};
    wardi_journal_query query = {.path = journal_path, .each = on_kept, .context = &k};
    ward_diag diag = {0};
    if (wardi_journal_read(&query, &diag) != WARD_OK) fail_msg("%s", diag.text);
    assert_int_equal(k.next, last + 1);
    assert_true(k.events >= 1000);
}

static void wait_for_journal(uint64_t last)
{
    wardi_journal_status status;
    uint64_t deadline = wardi_now_ns() + 3 * PATIENCE_NS;
    do {
        wardi_sleep_until_ns(wardi_now_ns() + MS);
        wardi_journal_status_get(journal, &status);
        if (wardi_now_ns() >= deadline)
            fail_msg("%llu written, %llu lost, of %llu: %s", (unsigned long long)status.written,
                     (unsigned long long)status.lost, (unsigned long long)last, status.text);
    } while (status.written + status.lost < last);
    assert_int_equal(status.written + status.lost, last);
    assert_false(status.failing);
}

static void wait_for_listener(const listener *l, uint64_t last)
{
    uint64_t deadline = wardi_now_ns() + 3 * PATIENCE_NS;
    while (l->last < last && wardi_now_ns() < deadline) wardi_sleep_until_ns(wardi_now_ns() + MS);
    if (l->last != last || l->told + l->lost != last)
        fail_msg("%llu told, %llu lost, up to %llu of %llu", (unsigned long long)l->told,
                 (unsigned long long)l->lost, (unsigned long long)l->last,
                 (unsigned long long)last);
}

/* Until all is given; returns the slowest answer. */
static uint64_t probe_meanwhile(size_t *ret_probes)
{
    uint64_t slowest_ns = 0;
    for (*ret_probes = 0; atomic_load(&giving) != 0; ++*ret_probes) {
        uint64_t began_ns = wardi_now_ns();
        reply r = get("/readyz");
        assert_int_equal(r.status, 200);
        reply_free(&r);
        uint64_t took_ns = wardi_now_ns() - began_ns;
        if (took_ns > slowest_ns) slowest_ns = took_ns;
    }
    return slowest_ns;
}

static void a_million_at_once(void **state)
{
    static listener l;
    pthread_t givers[GIVERS];
    size_t probes;
    (void)state;
    add((child_spec){.name = "a", .wat = healthy}, NULL);
    start();
    serve_all();
    await_body("/readyz", 200, "ok");
    listener_start(&l);
    uint64_t before_mib = anonymous_mib(), began_ns = wardi_now_ns();
    giving = GIVERS;
    for (int i = 0; i < GIVERS; i++)
        assert_int_equal(pthread_create(&givers[i], NULL, give, NULL), 0);
    uint64_t slowest_ns = probe_meanwhile(&probes), given_ns = wardi_now_ns() - began_ns;
    for (int i = 0; i < GIVERS; i++) pthread_join(givers[i], NULL);
    uint64_t last = newest;
    assert_true(last > ALL);
    wait_for_listener(&l, last);
    wait_for_journal(last);
    uint64_t gained_mib = anonymous_mib() - before_mib;
    print_message("%d given in %llu ms; told %llu, lost %llu of them; %zu probes, the slowest "
                  "%llu us; %llu MiB more\n",
                  ALL, (unsigned long long)(given_ns / MS), (unsigned long long)l.told,
                  (unsigned long long)l.lost, probes, (unsigned long long)(slowest_ns / 1000),
                  (unsigned long long)gained_mib);
    assert_true(probes > 0);
    assert_true(gained_mib < GAINED_MIB_MAX);
    assert_true(l.lost >= figure("ward_events_lost_total"));
    wardi_journal_status status;
    wardi_journal_status_get(journal, &status);
    assert_int_equal(figure("ward_journal_events_lost_total"), status.lost);
    await_body("/readyz", 200, "ok");
    listener_stop(&l);
    expect_no_hole(last);
}

int main(void)
{
    const struct CMUnitTest tests[] = {JOURNAL_TEST(a_million_at_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
