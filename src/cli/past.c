/* `ward events`: what happened, from the journal's file, whether the ward that writes it runs or
 * not; and, with --follow, what happens from then on. */
#include <string.h>
#include <time.h>

#include "cli/client.h"
#include "cli/events.h"
#include "cli/json.h"
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
    ward_event event = {0};
    if (f->cut || strncmp(f->line, "data:", 5) != 0) return;
    json_t *document = json_loads(f->line + 5, 0, NULL);
    if (document == NULL) return;
    if (f->showing->json)
        wardi_json_print(json_incref(document));
    else if (wardi_event_of_json(document, &event, NULL) == WARD_OK)
        wardi_event_print(stdout, &event, NAME_WIDTH);
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
    if (!given->follow || given->since_ns != 0) status = show_past(given, &s);
    if (status == WARDI_EXIT_OK && given->follow) status = follow(given, &s);
    return wardi_output_finish(status, WARDI_EXIT_FAILED);
}
