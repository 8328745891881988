/* `ward events`: what happened, from the journal's file, whether the ward that writes it runs or
 * not, or from a ward on another machine; and, with --follow, what happens from then on. */
#include <string.h>
#include <time.h>

#include "cli/client.h"
#include "cli/events.h"
#include "cli/json.h"
#include "cli/remote.h"
#include "cli/settings.h"

enum { NAME_WIDTH = 16, LIMIT_DEFAULT = 1000 };

typedef struct showing {
    bool json;
    uint64_t run, sequence; /* of the last that was shown */
    char day[16];           /* the same */
} showing;

/* Times are of a day; a new one is said. */
static void show_day(showing *s, uint64_t wall_ns)
{
    char day[16];
    struct tm parts;
    time_t seconds = (time_t)(wall_ns / WARDI_S);
    localtime_r(&seconds, &parts);
    strftime(day, sizeof day, "%Y-%m-%d", &parts);
    if (strcmp(day, s->day) == 0) return;
    strcpy(s->day, day);
    wardi_output_styled(stdout, WARDI_DIM, day);
    fputc('\n', stdout);
}

static void show_lost(const showing *s, const wardi_journal_event *event)
{
    unsigned long long count = event->lost;
    if (s->json)
        wardi_json_print(
            json_pack("{s:o, s:I, s:s, s:I}", "time", wardi_json_time(event->event.wall_ns), "run",
                      (json_int_t)event->run, "event", "lost", "count", (json_int_t)count));
    else
        printf("… %llu events are missing here: the journal had no room for them\n", count);
}

static void show_event(const showing *s, const wardi_journal_event *event)
{
    if (!s->json) {
        wardi_event_print(stdout, &event->event, NAME_WIDTH);
        return;
    }
    json_t *document = wardi_event_json(&event->event);
    json_object_set_new(document, "run", json_integer((json_int_t)event->run));
    wardi_json_print(document);
}

static bool show(void *context, const wardi_journal_event *event)
{
    showing *s = context;
    s->run = event->run;
    s->sequence = event->event.sequence;
    if (!s->json) show_day(s, event->event.wall_ns);
    if (event->lost != 0)
        show_lost(s, event);
    else
        show_event(s, event);
    return !ferror(stdout);
}

/* As the interface for programs has it. */
static void show_document(showing *s, json_t *document)
{
    ward_event event = {0};
    const char *kind = wardi_json_get_text(document, "event");
    if (s->json) {
        wardi_json_print(json_incref(document));
    } else if (strcmp(kind, "lost") == 0) {
        printf("… %llu events are missing here: the journal had no room for them\n",
               (unsigned long long)wardi_json_get_u64(document, "count"));
    } else if (wardi_event_of_json(document, &event, NULL) == WARD_OK) {
        wardi_event_print(stdout, &event, NAME_WIDTH);
    }
}

/* ---- what has been ---- */

static int show_past(const wardi_events_settings *given, showing *s)
{
    char room[512];
    ward_diag diag;
    uint64_t now_ns = wardi_wall_ns();
    wardi_journal_query query = {
        .path =
            wardi_where_of(given->journal, "WARD_JOURNAL", wardi_where_journal(room, sizeof room)),
        .component = given->component,
        .limit = given->limit != 0 ? given->limit : LIMIT_DEFAULT,
        .last = true,
        .each = show,
        .context = s,
    };
    if (given->since_ns != 0)
        query.since_wall_ns = now_ns > given->since_ns ? now_ns - given->since_ns : 1;
    if (query.path == NULL) {
        wardi_complain("events: no journal is named: WARD_JOURNAL is off");
        return WARDI_EXIT_FAILED;
    }
    if (wardi_journal_read(&query, &diag) == WARD_OK) return WARDI_EXIT_OK;
    wardi_complain("events: %s", diag.text);
    return WARDI_EXIT_FAILED;
}

/* ---- what has been elsewhere ---- */

/* The next of them, of those that `after` (may be "") comes before; the caller owns it. NULL: said
 * why. */
static json_t *fetch(wardi_client *client, const wardi_events_settings *given, uint64_t limit,
                     const char *after)
{
    char path[WARDI_ESCAPED_BYTES + 200], escaped[WARDI_ESCAPED_BYTES];
    wardi_text text = WARDI_TEXT(path);
    wardi_text_printf(&text, "/api/v1/events?limit=%llu", (unsigned long long)limit);
    if (after[0] != '\0')
        wardi_text_printf(&text, "&after=%s", after);
    else if (given->since_ns != 0)
        wardi_text_printf(&text, "&since=%llums",
                          (unsigned long long)given->since_ns / WARDI_MS + 1);
    if (given->component != NULL)
        wardi_text_printf(&text, "&component=%s", wardi_client_escape(escaped, given->component));
    return wardi_client_json(client, NULL, NULL, "%s", path);
}

static void keep_last(json_t *kept, json_t *answer, uint64_t limit)
{
    size_t i;
    json_t *event;
    json_array_foreach(json_object_get(answer, "events"), i, event)
    {
        json_array_append(kept, event);
        if (json_array_size(kept) > limit) json_array_remove(kept, 0);
    }
}

/* The last of all since a time: a beginning is given, and pages follow it. */
static bool fetch_all(wardi_client *client, const wardi_events_settings *given, uint64_t limit,
                      json_t *kept)
{
    enum { PAGE = 10000 };
    char after[64] = "";
    do {
        bool pages = given->since_ns != 0;
        json_t *answer = fetch(client, given, pages ? PAGE : limit, after);
        if (answer == NULL) return false;
        wardi_text next = WARDI_TEXT(after);
        if (pages) wardi_text_puts(&next, wardi_json_get_text(answer, "next"));
        keep_last(kept, answer, limit);
        json_decref(answer);
    } while (after[0] != '\0');
    return true;
}

static int show_past_of(const wardi_events_settings *given, showing *s)
{
    uint64_t limit = given->limit != 0 ? given->limit : LIMIT_DEFAULT;
    wardi_client *client = wardi_client_new(given->socket, "events");
    json_t *kept = json_array(), *event;
    size_t i;
    bool whole = client != NULL && fetch_all(client, given, limit, kept);
    if (whole) json_array_foreach(kept, i, event)
        {
            uint64_t sequence = wardi_json_get_u64(event, "sequence");
            uint64_t wall_ns = wardi_json_get_time(event, "time");
            if (!s->json && wall_ns != 0) show_day(s, wall_ns);
            show_document(s, event);
            if (sequence == 0) continue;
            s->run = wardi_json_get_u64(event, "run");
            s->sequence = sequence;
        }
    json_decref(kept);
    wardi_client_free(client);
    return whole ? WARDI_EXIT_OK : WARDI_EXIT_FAILED;
}

/* ---- what comes ---- */

/* Of a stream of server-sent events, the lines of data; each is one event. */
typedef struct following {
    showing *showing;
    char line[8192];
    size_t length;
    bool cut;
} following;

static void take_line(following *f)
{
    if (f->cut || strncmp(f->line, "data:", 5) != 0) return;
    json_t *document = json_loads(f->line + 5, 0, NULL);
    if (document != NULL) show_document(f->showing, document);
    json_decref(document);
}

static bool take(void *context, const char *bytes, size_t length)
{
    following *f = context;
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] != '\n') {
            f->cut = f->length + 1 == sizeof f->line;
            if (!f->cut) f->line[f->length++] = bytes[i];
            continue;
        }
        f->line[f->length] = '\0';
        take_line(f);
        f->length = 0;
        f->cut = false;
    }
    return fflush(stdout) == 0;
}

static int follow(const wardi_events_settings *given, showing *s)
{
    char path[WARDI_ESCAPED_BYTES + 40], escaped[WARDI_ESCAPED_BYTES], header[80];
    wardi_text text = WARDI_TEXT(path);
    following f = {.showing = s};
    wardi_client *client = wardi_client_new(given->socket, "events");
    if (client == NULL) return WARDI_EXIT_FAILED;
    wardi_call call = {.accept = "text/event-stream", .timeout_ns = WARDI_CALL_ENDLESS};
    if (s->run != 0) { /* so that none is missed between the file and the stream */
        wardi_text last = WARDI_TEXT(header);
        wardi_text_printf(&last, "Last-Event-ID: %llu-%llu", (unsigned long long)s->run,
                          (unsigned long long)s->sequence);
        call.header = header;
    }
    wardi_text_puts(&text, "/events");
    if (given->component != NULL)
        wardi_text_printf(&text, "?component=%s", wardi_client_escape(escaped, given->component));
    bool ended = wardi_client_stream(client, &call, path, take, &f);
    wardi_client_free(client);
    return ended ? WARDI_EXIT_OK : WARDI_EXIT_FAILED;
}

int wardi_events_run(const void *settings, char **args, int arg_count)
{
    const wardi_events_settings *given = settings;
    showing s = {.json = given->json || !wardi_output_is_terminal(stdout)};
    (void)args;
    (void)arg_count;
    int status = WARDI_EXIT_OK;
    bool elsewhere = given->journal == NULL && wardi_remote_url(given->socket) != NULL;
    if (!given->follow || given->since_ns != 0)
        status = elsewhere ? show_past_of(given, &s) : show_past(given, &s);
    if (status == WARDI_EXIT_OK && given->follow) status = follow(given, &s);
    return wardi_output_finish(status, WARDI_EXIT_FAILED);
}
