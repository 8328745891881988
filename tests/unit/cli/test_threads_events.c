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
    bool ended = wardi_events_free(events);
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
    bool ended = wardi_events_free(events);
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
    assert_true(wardi_events_free(events));
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_order),
        cmocka_unit_test(nobody_reads),
        cmocka_unit_test(reader_is_gone),
        cmocka_unit_test(implied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
