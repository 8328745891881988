/* /events: what happens, as it happens, by server-sent events.
 *
 * The last events are in one ring in memory, which all streams share: a stream is a place in it. A
 * reader that the ring has overtaken is told how many it has lost, and goes on. One that comes back
 * and names the last event that it has seen is given what followed, from the journal as far as the
 * ring does not reach back, then live: without a gap and without repeating. */
#include <stdlib.h>
#include <string.h>

#include "surface/http_api.h"
#include "surface/http_priv.h"

enum {
    RING = 4096,           /* 3 MB, of which nothing is touched before there are events */
    FILLED_BYTES = 16384,  /* written at once */
    LOOKED_AT_ONCE = 1024, /* of which a filter may take none */
    PAST_AT_ONCE = 512,    /* read from the journal at once */
    TRIES_MAX = 5,         /* a second apart, for what the journal has not written yet */
    TICK_MS = 1000,
    RETRY_MS = 2000, /* after which a browser comes back */
};
#define BEAT_NS (15 * WARDI_S)

typedef struct stream stream;

struct http_events {
    view_watcher watcher; /* first */
    http *http;
    wardi_feed_event *ring;
    uint64_t head;    /* of all that there were; the last RING are there */
    uint64_t newest;  /* the number of the last event */
    uint64_t through; /* up to here, all behind it are lost; 0: none is */
    stream *streams;
    uint32_t stream_count;
    uv_timer_t soon; /* there is something for those who wait */
    uv_timer_t tick; /* while there are streams */
};

struct stream {
    uv_work_t of_loop; /* first; a share of the past, on a thread of the pool */
    http_events *events;
    http_client *client;
    http_filter filter;
    uint64_t next;          /* in the ring */
    uint64_t run, sequence; /* of the event before; sequence 0 with `fresh`: whichever */
    bool fresh;
    bool past;      /* the journal has the next ones, if anybody has */
    bool reading;   /* right now */
    bool abandoned; /* meanwhile */
    bool beat;
    unsigned tries;
    http_text pending;
    size_t sent; /* of it */
    uint64_t spoken_ns;
    /* what a thread of the pool has found */
    http_text found;
    uint64_t found_run, found_sequence, found_count;
    ward_error error;
    const char *journal_path;
    stream *before, *after;
};

/* ---- as text ---- */

static void write_event(http_text *to, uint64_t run, const ward_event *event)
{
    char *document = http_event_document(run, event);
    if (document == NULL) {
        to->failed = true;
        return;
    }
    http_text_printf(to, "id: %llu-%llu\nevent: %s\ndata: ", (unsigned long long)run,
                     (unsigned long long)event->sequence, ward_event_kind_name(event->kind));
    http_text_puts(to, document);
    http_text_puts(to, "\n\n");
    free(document);
}

/* Without an id: whoever comes back is given what the journal has of it. 0: nobody knows how many.
 */
static void write_lost(http_text *to, uint64_t count)
{
    if (count != 0)
        http_text_printf(to, "event: lost\ndata: {\"event\":\"lost\",\"count\":%llu}\n\n",
                         (unsigned long long)count);
    else
        http_text_puts(to, "event: lost\ndata: {\"event\":\"lost\",\"count\":null}\n\n");
}

/* ---- from the ring ---- */

static const wardi_feed_event *ring_at(const http_events *e, uint64_t place)
{
    return &e->ring[place % RING];
}

static uint64_t ring_tail(const http_events *e)
{
    return e->head > RING ? e->head - RING : 0;
}

/* The place of the first event after that one. */
static uint64_t ring_after(const http_events *e, uint64_t sequence)
{
    uint64_t low = ring_tail(e), high = e->head;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (ring_at(e, middle)->event.sequence <= sequence)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void catch_up(stream *s)
{
    http_events *e = s->events;
    uint64_t tail = ring_tail(e);
    if (s->next < tail) s->next = tail; /* the gap in the numbers tells of it */
    const ward_event *event = &ring_at(e, s->next++)->event;
    uint64_t expected = s->fresh ? event->sequence : s->sequence + 1;
    if (event->sequence > expected) write_lost(&s->pending, event->sequence - expected);
    s->fresh = false;
    s->run = e->http->surface->run;
    s->sequence = event->sequence;
    if (http_filter_takes(&s->filter, event)) write_event(&s->pending, s->run, event);
}

/* Nothing may follow for hours that would show the gap. */
static void tell_of_the_end(stream *s)
{
    uint64_t through = s->events->through;
    if (s->fresh || s->next != s->events->head || s->sequence >= through) return;
    write_lost(&s->pending, through - s->sequence);
    s->sequence = through;
}

/* What there is for it; nothing is pending. */
static void fill(stream *s)
{
    s->pending.length = s->sent = 0;
    if (s->past || s->reading) return;
    for (int i = 0; i < LOOKED_AT_ONCE; i++) {
        if (s->next == s->events->head || s->pending.length > FILLED_BYTES) break;
        catch_up(s);
    }
    tell_of_the_end(s);
}

/* ---- from the journal ---- */

static bool on_past(void *context, const wardi_journal_event *event)
{
    stream *s = context;
    s->found_run = event->run;
    s->found_sequence = event->event.sequence + (event->lost != 0 ? event->lost - 1 : 0);
    s->found_count++;
    if (event->lost != 0)
        write_lost(&s->found, event->lost);
    else if (http_filter_takes(&s->filter, &event->event))
        write_event(&s->found, event->run, &event->event);
    return !s->found.failed;
}

/* On a thread of the pool. The filter is ours, so that the last number is that of the last event
 * that there is, and not of the last that was wanted. */
static void run_past(uv_work_t *of_loop)
{
    stream *s = (stream *)of_loop;
    wardi_journal_query query = {.path = s->journal_path,
                                 .after_run = s->found_run,
                                 .after_sequence = s->found_sequence,
                                 .limit = PAST_AT_ONCE,
                                 .each = on_past,
                                 .context = s};
    s->error = wardi_journal_read(&query, NULL);
}

/* From here on the ring. What neither has is told by the gap in the numbers. */
static void go_live(stream *s)
{
    http_events *e = s->events;
    bool of_this_run = s->run == e->http->surface->run;
    if (!of_this_run) s->sequence = 0;
    s->run = e->http->surface->run;
    s->next = ring_after(e, s->sequence);
    s->past = false;
}

/* The ring goes on where the journal ends. */
static bool reaches(const stream *s)
{
    const http_events *e = s->events;
    uint64_t before = s->run == e->http->surface->run ? s->sequence : 0;
    uint64_t next = ring_after(e, before);
    if (next == e->head) return before >= e->through;
    return ring_at(e, next)->event.sequence == before + 1;
}

static void stream_free(stream *s)
{
    http_text_done(&s->pending);
    http_text_done(&s->found);
    wardi_free(s);
}

static void take_found(stream *s)
{
    if (s->found_count != 0) {
        s->run = s->found_run;
        s->sequence = s->found_sequence;
        s->tries = 0;
    }
    http_text_done(&s->pending);
    s->pending = s->found;
    s->sent = 0;
    s->found = (http_text){0};
    if (s->error == WARD_OK && s->found_count == PAST_AT_ONCE) return; /* there is more */
    if (s->error != WARD_OK || reaches(s) || s->tries++ == TRIES_MAX) go_live(s);
}

static void on_past_read(uv_work_t *of_loop, int status)
{
    stream *s = (stream *)of_loop;
    (void)status;
    s->events->http->works--;
    s->reading = false;
    if (s->abandoned) {
        stream_free(s);
        return;
    }
    take_found(s);
    http_client_resume(s->client);
}

static void read_past(stream *s)
{
    http *h = s->events->http;
    s->found_run = s->run;
    s->found_sequence = s->sequence;
    s->found_count = 0;
    s->reading = uv_queue_work(&h->surface->loop, &s->of_loop, run_past, on_past_read) == 0;
    if (s->reading)
        h->works++;
    else
        go_live(s);
}

/* ---- to the reader ---- */

static ssize_t on_read(void *context, uint64_t position, char *to, size_t room)
{
    stream *s = context;
    (void)position;
    if (s->client->gone) return MHD_CONTENT_READER_END_WITH_ERROR;
    if (s->events->http->closing) return MHD_CONTENT_READER_END_OF_STREAM;
    if (s->sent == s->pending.length) fill(s);
    if (s->sent == s->pending.length && s->past && !s->reading && s->tries == 0) read_past(s);
    if (s->sent == s->pending.length && s->beat) http_text_puts(&s->pending, ":\n\n");
    if (s->pending.failed) return MHD_CONTENT_READER_END_WITH_ERROR;
    size_t length = s->pending.length - s->sent;
    if (length == 0) {
        http_client_suspend(s->client);
        return 0;
    }
    if (length > room) length = room;
    memcpy(to, s->pending.bytes + s->sent, length);
    s->sent += length;
    s->beat = false;
    s->spoken_ns = wardi_now_ns();
    return (ssize_t)length;
}

static void on_done(void *context)
{
    stream *s = context;
    http_events *e = s->events;
    *(s->before != NULL ? &s->before->after : &e->streams) = s->after;
    if (s->after != NULL) s->after->before = s->before;
    if (--e->stream_count == 0 && !e->http->closing) uv_timer_stop(&e->tick);
    s->abandoned = true;
    if (!s->reading) stream_free(s);
}

static void on_soon(uv_timer_t *timer)
{
    http_events *e = timer->data;
    for (stream *s = e->streams; s != NULL; s = s->after) {
        if (!s->client->suspended) continue;
        fill(s);
        if (s->pending.length != 0) http_client_resume(s->client);
        /* A filter that takes nothing has its next share in the next turn. */
        if (s->pending.length == 0 && !s->past && s->next != e->head)
            uv_timer_start(&e->soon, on_soon, 0, 0);
    }
}

static void on_tick(uv_timer_t *timer)
{
    http_events *e = timer->data;
    uint64_t now_ns = wardi_now_ns();
    for (stream *s = e->streams; s != NULL; s = s->after) {
        if (!s->client->suspended) continue;
        if (s->past && !s->reading) read_past(s); /* tried again */
        if (now_ns - s->spoken_ns < BEAT_NS) continue;
        s->beat = true;
        http_client_resume(s->client);
    }
}

/* ---- what happens ---- */

static void tell_soon(http_events *e)
{
    if (e->streams != NULL && !uv_is_active((uv_handle_t *)&e->soon))
        uv_timer_start(&e->soon, on_soon, 0, 0);
}

static void on_changed(view_watcher *watcher, const ward_event *event, view_member *member,
                       view_condition was)
{
    http_events *e = (http_events *)watcher;
    (void)member, (void)was;
    wardi_feed_event_fill(&e->ring[e->head++ % RING], event);
    e->newest = event->sequence;
    tell_soon(e);
}

void http_events_lost(const struct http *h, uint64_t through)
{
    http_events *e = h != NULL ? h->events : NULL;
    if (e == NULL) return;
    e->through = through;
    tell_soon(e);
}

/* ---- a stream begins ---- */

/* Where it goes on after the event that it names; else from now on. */
static void place(stream *s, bool resumes, uint64_t run, uint64_t sequence)
{
    http_events *e = s->events;
    const struct surface *of = e->http->surface;
    uint64_t newest = e->through > e->newest ? e->through : e->newest;
    s->next = e->head;
    s->run = of->run;
    s->sequence = newest;
    s->fresh = newest == 0;
    bool ahead = run > of->run || (run == of->run && sequence > newest);
    if (!resumes || ahead) return;
    s->fresh = false;
    s->run = run;
    s->sequence = sequence;
    if (run == of->run && reaches(s)) {
        go_live(s);
    } else if (of->options.journal_path != NULL) {
        s->journal_path = of->options.journal_path;
        s->past = true;
    } else {
        if (run != of->run) write_lost(&s->pending, 0);
        go_live(s);
    }
}

static bool read_last(http_request *request, uint64_t *ret_run, uint64_t *ret_sequence)
{
    const char *last = http_header(request, "Last-Event-ID");
    if (last == NULL || http_event_id_read(last, ret_run, ret_sequence)) return true;
    http_problem(request, MHD_HTTP_BAD_REQUEST,
                 "Last-Event-ID is the id of an event, RUN-SEQUENCE.");
    return false;
}

static bool may_stream(http_request *request)
{
    const http_events *e = request->http->events;
    /* Others have to find a place, too. */
    if (e->stream_count < request->http->surface->crowd.max / 2 + 1) return true;
    http_problem(request, MHD_HTTP_SERVICE_UNAVAILABLE, "There are %u streams, and no more may be.",
                 e->stream_count);
    http_answer_header(request, MHD_HTTP_HEADER_RETRY_AFTER, "10");
    return false;
}

void http_events_stream(http_request *request)
{
    http_events *e = request->http->events;
    uint64_t run = 0, sequence = 0;
    http_filter filter;
    if (!may_stream(request) || !http_filter_read(request, &filter) ||
        !read_last(request, &run, &sequence))
        return;
    stream *s = wardi_alloc(sizeof *s);
    if (s == NULL) {
        http_problem_error(request, WARD_ERROR_NO_MEMORY, "");
        return;
    }
    *s = (stream){.events = e,
                  .client = request->client,
                  .filter = filter,
                  .spoken_ns = wardi_now_ns(),
                  .after = e->streams};
    http_text_printf(&s->pending, "retry: %d\n\n", RETRY_MS);
    place(s, http_header(request, "Last-Event-ID") != NULL, run, sequence);
    if (e->streams != NULL) e->streams->before = s;
    e->streams = s;
    if (e->stream_count++ == 0) uv_timer_start(&e->tick, on_tick, TICK_MS, TICK_MS);
    request->client->streams = true;
    http_answer_stream(request, "text/event-stream", on_read, s, on_done);
}

/* ---- life ---- */

bool http_events_open(http *h)
{
    http_events *e = wardi_alloc(sizeof *e);
    if (e == NULL) return false;
    h->events = e;
    e->http = h;
    e->ring = wardi_alloc_array(RING, sizeof *e->ring);
    if (e->ring == NULL || uv_timer_init(&h->surface->loop, &e->soon) != 0) return false;
    e->soon.data = e;
    if (uv_timer_init(&h->surface->loop, &e->tick) != 0) return false;
    e->tick.data = e;
    e->watcher.changed = on_changed;
    view_watch(h->surface->view, &e->watcher);
    return true;
}

void http_events_close(http_events *e)
{
    if (e == NULL) return;
    if (e->soon.data != NULL) uv_close((uv_handle_t *)&e->soon, NULL);
    if (e->tick.data != NULL) uv_close((uv_handle_t *)&e->tick, NULL);
    /* libmicrohttpd ends no connection that is suspended. */
    for (stream *s = e->streams; s != NULL; s = s->after)
        if (!s->reading) http_client_resume(s->client);
}

uint32_t http_events_count(const http *h)
{
    return h->events->stream_count;
}

void http_events_free(http_events *e)
{
    if (e == NULL) return;
    wardi_free(e->ring);
    wardi_free(e);
}
