/* Events on their way out: in order, none twice, and what finds no room is counted. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/events.h"

/* Standard output becomes a pipe; what comes back is what was written to it. */
typedef struct pipe_out {
    int read_fd, saved_fd;
} pipe_out;

static pipe_out pipe_begin(void)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    fflush(stdout);
    pipe_out out = {.read_fd = ends[0], .saved_fd = dup(STDOUT_FILENO)};
    dup2(ends[1], STDOUT_FILENO);
    close(ends[1]);
    return out;
}

static void pipe_end(pipe_out *out)
{
    fflush(stdout);
    dup2(out->saved_fd, STDOUT_FILENO);
    close(out->saved_fd);
}

static ward_event event_of(uint64_t sequence)
{
    return (ward_event){.size = sizeof(ward_event),
                        .kind = WARD_EVENT_HEALTH,
                        .sequence = sequence,
                        .component = "db",
                        .version = "",
                        .health = WARD_CHILD_DEGRADED,
                        .reason = "High latency"};
}

static wardi_events *events_new(int wake_fd)
{
    wardi_events_options options = {.json = true, .name_width = 2, .wake_fd = wake_fd};
    wardi_events *events = wardi_events_new(&options);
    assert_non_null(events);
    return events;
}

static void *read_all(void *context)
{
    FILE *from = context;
    char *text = NULL;
    size_t room = 0;
    ssize_t length = getdelim(&text, &room, '\0', from);
    if (length < 0) {
        free(text);
        text = strdup("");
    }
    fclose(from);
    return text;
}

/* A reader on a busy machine may take more than the second that it is given at a time. */
static bool ends(wardi_events *events)
{
    enum { TRIES = 60 };
    bool ended = false;
    for (int i = 0; i < TRIES && !ended; i++) ended = wardi_events_end(events);
    if (ended) wardi_events_free(events);
    return ended;
}

static void in_order(void **state)
{
    enum { EVENTS = 500 };
    void *text;
    pthread_t reader;
    (void)state;
    int wake_fd = eventfd(0, EFD_NONBLOCK);
    pipe_out out = pipe_begin();
    pthread_create(&reader, NULL, read_all, fdopen(out.read_fd, "r"));
    wardi_events *events = events_new(wake_fd);
    for (uint64_t i = 1; i <= EVENTS; i++) {
        ward_event event = event_of(i);
        wardi_events_take(events, &event);
    }
    bool ended = ends(events);
    pipe_end(&out);
    pthread_join(reader, &text);
    assert_true(ended);
    const char *at = text;
    for (uint64_t i = 1; i <= EVENTS; i++) {
        char wanted[40];
        snprintf(wanted, sizeof wanted, "\"sequence\":%llu,", (unsigned long long)i);
        at = strstr(at, wanted);
        if (at == NULL) fail_msg("no %s", wanted);
    }
    uint64_t woken = 0;
    assert_int_equal(read(wake_fd, &woken, sizeof woken), sizeof woken);
    assert_int_equal(woken, EVENTS);
    free(text);
    close(wake_fd);
}

/* Nobody reads: the pipe fills, then the ring; taking an event never waits, and the rest is
 * counted. */
static void nobody_reads(void **state)
{
    enum { EVENTS = 5000 };
    void *text;
    pthread_t reader;
    (void)state;
    int wake_fd = eventfd(0, EFD_NONBLOCK);
    pipe_out out = pipe_begin();
    wardi_events *events = events_new(wake_fd);
    for (uint64_t i = 1; i <= EVENTS; i++) {
        ward_event event = event_of(i);
        wardi_events_take(events, &event);
    }
    pthread_create(&reader, NULL, read_all, fdopen(out.read_fd, "r"));
    bool ended = ends(events);
    pipe_end(&out);
    pthread_join(reader, &text);
    assert_true(ended);
    static const char lost[] = "{\"event\":\"lost\",\"count\":";
    uint64_t lines = 0, missed = 0;
    for (const char *at = text; (at = strstr(at, "\"sequence\":")) != NULL; at++) lines++;
    for (const char *at = text; (at = strstr(at, lost)) != NULL; at++)
        missed += strtoull(at + strlen(lost), NULL, 10);
    assert_true(missed > 0);
    assert_int_equal(lines + missed, EVENTS);
    free(text);
    close(wake_fd);
}

/* ---- lines of components ---- */

static ward_log_line line_of(ward_log_level level, const char *text)
{
    return (ward_log_line){
        .size = sizeof(ward_log_line), .component = "db", .level = level, .text = text};
}

static char *written(const wardi_events_options *options, void (*give)(wardi_events *events))
{
    void *text;
    pthread_t reader;
    wardi_events_options own = *options;
    own.wake_fd = eventfd(0, EFD_NONBLOCK);
    pipe_out out = pipe_begin();
    wardi_events *events = wardi_events_new(&own);
    give(events);
    pthread_create(&reader, NULL, read_all, fdopen(out.read_fd, "r"));
    bool ended = ends(events);
    pipe_end(&out);
    pthread_join(reader, &text);
    assert_true(ended);
    close(own.wake_fd);
    return text;
}

static void give_levels(wardi_events *events)
{
    for (int level = WARD_LOG_TRACE; level <= WARD_LOG_ERROR; level++) {
        ward_log_line line =
            line_of((ward_log_level)level, ward_log_level_name((ward_log_level)level));
        line.suppressed = level == WARD_LOG_DEBUG ? 3 : 0;
        wardi_events_take_line(events, &line);
    }
}

/* What its rate kept back was not asked its level: it is told beside a line that is not shown. */
static void levels(void **state)
{
    wardi_events_options options = {.json = true, .log_level = WARD_LOG_WARN};
    (void)state;
    char *text = written(&options, give_levels);
    assert_null(strstr(text, "\"info\""));
    assert_null(strstr(text, "\"debug\""));
    const char *kept =
        strstr(text, "\"event\":\"log_suppressed\",\"component\":\"db\",\"count\":3}");
    const char *warn = strstr(text, "\"level\":\"warn\",\"text\":\"warn\",\"fields\":{}}");
    const char *error = strstr(text, "\"level\":\"error\"");
    assert_true(kept != NULL && warn != NULL && error != NULL && kept < warn && warn < error);
    free(text);
    options.quiet = true;
    text = written(&options, give_levels);
    assert_string_equal(text, "");
    free(text);
}

/* Every text is the ring's own, to the last byte of the longest. */
static void give_longest(wardi_events *events)
{
    char text[WARD_LOG_TEXT_BYTES_MAX + 1], key[1024], value[1024];
    memset(text, 't', sizeof text - 1);
    memset(key, 'k', sizeof key - 1);
    memset(value, 'v', sizeof value - 1);
    text[sizeof text - 1] = key[sizeof key - 1] = value[sizeof value - 1] = '\0';
    ward_log_field fields[] = {{key, value}, {"more", "than fits"}};
    ward_log_line line = line_of(WARD_LOG_INFO, text);
    line.fields = fields;
    line.field_count = 2;
    wardi_events_take_line(events, &line);
    key[sizeof key - 4] = '\0'; /* now three bytes are left: of the second field one letter */
    line.field_count = 2;
    wardi_events_take_line(events, &line);
    memset(text, 'x', sizeof text - 1);
    memset(key, 'x', sizeof key - 4);
    memset(value, 'x', sizeof value - 1);
}

static void longest(void **state)
{
    wardi_events_options options = {.name_width = 2};
    size_t ts = 0, ks = 0, vs = 0;
    (void)state;
    char *text = written(&options, give_longest);
    assert_null(strchr(text, 'x'));
    assert_null(strstr(text, "more"));
    for (const char *at = text; *at != '\0'; at++) {
        ts += *at == 't';
        ks += *at == 'k';
        vs += *at == 'v';
    }
    assert_int_equal(ts, 2 * WARD_LOG_TEXT_BYTES_MAX);
    assert_int_equal(ks, 1023 + 1020);
    assert_int_equal(vs, 2 * 1023);
    assert_non_null(strstr(text, "v m=\"\"\n"));
    free(text);
}

/* Whatever a guest says, it is one line and moves no cursor; and in fields each part is plain. */
static void give_nasty(wardi_events *events)
{
    static const ward_log_field fields[] = {
        {"key", "value"}, {"a b", ""}, {"q", "say \"\\\" x=1"}, {"\r", "\xe2\x80\xae"}};
    ward_log_line line = line_of(WARD_LOG_ERROR, "one\n00:00:00.000  api  failed\x1b[2J");
    line.fields = fields;
    line.field_count = WARD_COUNT(fields);
    line.suppressed = 1;
    wardi_events_take_line(events, &line);
}

static void nasty(void **state)
{
    wardi_events_options options = {.name_width = 4};
    (void)state;
    char *text = written(&options, give_nasty);
    const char *second = strchr(text, '\n');
    assert_non_null(second);
    assert_string_equal(strchr(text, ' '),
                        strstr(text, "  db    log: 1 line kept back: more than `limits.log_rate`"));
    assert_string_equal(
        strchr(second, ' '),
        "  db    log error: one\\n00:00:00.000  api  failed\\x1b[2J key=value \"a b\"=\"\" "
        "q=\"say \\\"\\\\\\\" x=1\" \\x0d=\\xe2\\x80\\xae\n");
    free(text);
}

/* Guests that talk without end take no event its room; what they lose is counted. */
enum { TALK = 5000, AFTER = 100 };
static void give_talk(wardi_events *events)
{
    ward_log_line line = line_of(WARD_LOG_INFO, "talk");
    for (int i = 0; i < TALK; i++) wardi_events_take_line(events, &line);
    for (uint64_t i = 1; i <= AFTER; i++) {
        ward_event event = event_of(i);
        wardi_events_take(events, &event);
    }
}

static size_t count_of(const char *text, const char *wanted)
{
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, wanted)) != NULL; at++) count++;
    return count;
}

static void talk(void **state)
{
    static const char lost[] = "{\"event\":\"lost\",\"count\":0,\"lines\":";
    wardi_events_options options = {.json = true, .log_level = WARD_LOG_INFO};
    (void)state;
    char *text = written(&options, give_talk);
    uint64_t missed = 0;
    for (const char *at = text; (at = strstr(at, lost)) != NULL; at++)
        missed += strtoull(at + strlen(lost), NULL, 10);
    assert_int_equal(count_of(text, "\"sequence\":"), AFTER);
    assert_true(missed > 0);
    assert_int_equal(count_of(text, "\"event\":\"log\"") + missed, TALK);
    free(text);
}

/* ---- evidence ---- */

/* That of the second end of "db", which has taken the place of the first one's. */
static ward_error second_end(void *context, const char *name, ward_evidence *ret_evidence)
{
    (void)context;
    assert_string_equal(name, "db");
    assert_int_equal(ret_evidence->size, sizeof *ret_evidence);
    *ret_evidence = (ward_evidence){.size = sizeof *ret_evidence,
                                    .number = 2,
                                    .component = "db",
                                    .cause = WARD_CAUSE_CRASH,
                                    .uptime_ns = 1};
    return WARD_OK;
}

static ward_event end_of(uint64_t number)
{
    ward_event event = event_of(number);
    event.kind = WARD_EVENT_STATE;
    event.from_state = WARD_STATE_READY;
    event.state = WARD_STATE_FAILED;
    event.evidence = number;
    return event;
}

/* The first without memory for it, then one that made way, then one that is there. */
static void give_ends(wardi_events *events)
{
    for (uint64_t number = 0; number <= 2; number++) {
        ward_event event = end_of(number), other = event_of(number);
        wardi_events_take(events, &event);
        wardi_events_take(events, &other);
    }
}

static void evidence_follows_its_event(void **state)
{
    static const char *const wanted[] = {
        "\"event\":\"state\"",
        "\"event\":\"evidence_lost\",\"component\":\"db\",\"number\":0,\"reason\":\"there",
        "\"event\":\"health\"",
        "\"evidence\":1",
        "\"event\":\"evidence_lost\",\"component\":\"db\",\"number\":1,\"reason\":\"it has",
        "\"event\":\"health\"",
        "\"evidence\":2",
        "\"event\":\"evidence\",\"component\":\"db\",\"number\":2,\"cause\":\"crash\"",
        "\"event\":\"health\"",
    };
    wardi_events_options options = {.json = true, .evidence = second_end};
    (void)state;
    char *text = written(&options, give_ends);
    const char *at = text;
    for (size_t i = 0; i < WARD_COUNT(wanted); i++) {
        const char *found = strstr(at, wanted[i]);
        if (found == NULL) fail_msg("no %s in\n%s", wanted[i], at);
        at = found + 1;
    }
    free(text);
}

/* The third of them alike is not shown, and at the end at the latest that is said. */
static void give_alike(wardi_events *events)
{
    for (int i = 0; i < 3; i++) {
        ward_event event = end_of(2);
        wardi_events_take(events, &event);
    }
}

static void what_is_not_shown_is_said(void **state)
{
    wardi_events_options options = {.name_width = 2, .evidence = second_end};
    (void)state;
    char *text = written(&options, give_alike);
    assert_int_equal(count_of(text, "cause    crash"), 1);
    assert_int_equal(count_of(text, "evidence of 2 more ends is not shown"), 1);
    free(text);
}

static void reader_is_gone(void **state)
{
    (void)state;
    int wake_fd = eventfd(0, EFD_NONBLOCK);
    wardi_output_init(); /* SIGPIPE is ignored */
    pipe_out out = pipe_begin();
    close(out.read_fd);
    wardi_events *events = events_new(wake_fd);
    assert_false(wardi_events_unread(events));
    ward_event event = event_of(1);
    wardi_events_take(events, &event);
    for (int i = 0; i < 10000 && !wardi_events_unread(events); i++) usleep(1000);
    bool unread = wardi_events_unread(events);
    assert_true(wardi_events_end(events));
    wardi_events_free(events);
    pipe_end(&out);
    assert_true(unread);
    close(wake_fd);
}

static void implied(void **state)
{
    ward_event healthy = event_of(1), ready = event_of(2), other = event_of(2);
    ward_event failing = event_of(3), failed = event_of(4);
    (void)state;
    healthy.health = WARD_CHILD_HEALTHY;
    ready.kind = other.kind = WARD_EVENT_READY;
    ready.ready = other.ready = true;
    ready.state = other.state = WARD_STATE_READY;
    other.component = "api";
    assert_true(wardi_event_is_implied(&ready, &healthy));
    assert_false(wardi_event_is_implied(&other, &healthy));
    assert_false(wardi_event_is_implied(&healthy, &ready));
    ready.ready = false;
    assert_false(wardi_event_is_implied(&ready, &healthy)); /* a need is not ready: say so */
    ready.state = WARD_STATE_FAILED;
    assert_true(wardi_event_is_implied(&ready, &healthy));
    failing.health = WARD_CHILD_FAILED;
    failed.kind = WARD_EVENT_STATE;
    failed.state = WARD_STATE_FAILED;
    assert_true(wardi_event_is_implied(&failed, &failing));
    failed.reason = "another";
    assert_false(wardi_event_is_implied(&failed, &failing));
    failed.kind = WARD_EVENT_RESTART;
    assert_false(wardi_event_is_reason_known(&failed, &failing));
    failed.reason = failing.reason;
    assert_true(wardi_event_is_reason_known(&failed, &failing));
    failed.component = "api";
    assert_false(wardi_event_is_reason_known(&failed, &failing));
}

/* One of many that was killed has failed, and stands there with its evidence. */
static void killed(void **state)
{
    ward_event end = event_of(2), shown = event_of(1);
    (void)state;
    end.kind = WARD_EVENT_STATE;
    end.state = WARD_STATE_TERMINATED;
    end.instance = true;
    assert_true(wardi_event_is_implied(&end, &shown));
    end.evidence = 1;
    assert_false(wardi_event_is_implied(&end, &shown));
}

static void aside(void **state)
{
    ward_event flaps = event_of(2), shown = event_of(1);
    (void)state;
    flaps.kind = WARD_EVENT_FLAPPING;
    assert_true(wardi_event_is_aside(&flaps, &shown));
    assert_false(wardi_event_is_aside(&shown, &shown));
    flaps.component = "api";
    assert_false(wardi_event_is_aside(&flaps, &shown));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_order),
        cmocka_unit_test(nobody_reads),
        cmocka_unit_test(reader_is_gone),
        cmocka_unit_test(implied),
        cmocka_unit_test(levels),
        cmocka_unit_test(longest),
        cmocka_unit_test(nasty),
        cmocka_unit_test(talk),
        cmocka_unit_test(evidence_follows_its_event),
        cmocka_unit_test(what_is_not_shown_is_said),
        cmocka_unit_test(killed),
        cmocka_unit_test(aside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
