/* `ward health`, `ward why`, `ward evidence`, `ward metrics`: how one is, and what became of it. */
#include <stdlib.h>
#include <string.h>

#include "cli/client.h"
#include "cli/events.h"
#include "cli/evidence.h"
#include "cli/json.h"
#include "cli/settings.h"

/* ---- health: for container health checks ---- */

/* What is not there is no answer. */
static void show_answer(const char *text, long status, const char *name)
{
    char quoted[WARDI_SHOWN_BYTES];
    if (status == 404)
        wardi_complain("health: there is no component %s", wardi_config_shown(quoted, name));
    else
        wardi_output_lines(stdout, text);
}

int wardi_health_run(const void *settings, char **args, int arg_count)
{
    const wardi_health_settings *given = settings;
    char escaped[WARDI_ESCAPED_BYTES] = "";
    long status = 0;
    wardi_client *client = wardi_client_new(given->socket, "health");
    if (client == NULL) return WARDI_EXIT_FAILED;
    wardi_call call = {.accept = "text/plain", .timeout_ns = given->timeout_ns, .whatever = true};
    const char *probe = given->live ? "livez" : "readyz";
    if (arg_count > 0) wardi_client_escape(escaped, args[0]);
    char *text = arg_count > 0 ? wardi_client_text(client, &call, &status,
                                                   "/components/%s/%s?verbose", escaped, probe)
                               : wardi_client_text(client, &call, &status, "/%s?verbose", probe);
    if (text != NULL && (status == 404 || !given->quiet))
        show_answer(text, status, arg_count > 0 ? args[0] : "");
    free(text);
    wardi_client_free(client);
    return wardi_output_finish(status == 200 ? WARDI_EXIT_OK : WARDI_EXIT_FAILED,
                               WARDI_EXIT_FAILED);
}

/* ---- evidence ---- */

/* NULL: none is known, or said why. */
static json_t *evidence_of(wardi_client *client, const char *name, uint64_t number, bool quiet)
{
    char escaped[WARDI_ESCAPED_BYTES];
    wardi_call call = {.quiet_not_found = quiet};
    wardi_client_escape(escaped, name);
    if (number == 0)
        return wardi_client_json(client, &call, NULL, "/api/v1/components/%s/evidence", escaped);
    return wardi_client_json(client, &call, NULL, "/api/v1/components/%s/evidence?number=%llu",
                             escaped, (unsigned long long)number);
}

/* `command` NULL: what is wrong with it is said in its place. */
static bool print_evidence(FILE *to, const char *command, const json_t *document)
{
    ward_diag diag;
    ward_evidence *evidence = wardi_alloc(sizeof *evidence);
    if (evidence == NULL) return false;
    evidence->size = sizeof *evidence;
    ward_error error = wardi_evidence_of_json(document, evidence, &diag);
    if (error == WARD_OK)
        wardi_evidence_print(to, evidence);
    else if (command != NULL)
        wardi_complain("%s: evidence that cannot be read: %s", command, diag.text);
    else
        fprintf(to, "  it cannot be read: %s\n", diag.text);
    wardi_free(evidence);
    return error == WARD_OK;
}

int wardi_evidence_run(const void *settings, char **args, int arg_count)
{
    const wardi_evidence_settings *given = settings;
    (void)arg_count;
    wardi_client *client = wardi_client_new(given->socket, "evidence");
    if (client == NULL) return WARDI_EXIT_FAILED;
    json_t *document = evidence_of(client, args[0], given->number, false);
    bool shown = document != NULL;
    if (shown && given->json)
        wardi_json_print(json_incref(document));
    else if (shown)
        shown = print_evidence(stdout, "evidence", document);
    json_decref(document);
    wardi_client_free(client);
    return wardi_output_finish(shown ? WARDI_EXIT_OK : WARDI_EXIT_FAILED, WARDI_EXIT_FAILED);
}

/* ---- why ---- */

/* What people can do about each cause. */
static const struct advice {
    const char *cause, *happened, *advice;
} advices[] = {
    {"crash", "it trapped, and was ended",
     "the backtrace names the function; mend it, or give it another version"},
    {"hang", "it did not come back in time, and was ended",
     "see where it was: a loop without an end, or a limit (health.timeout, mailbox.timeout) that "
     "is "
     "too short for it"},
    {"health", "its own health, or a resource past its threshold, said that it is not well",
     "the reason is its own; see its logs, and the thresholds below health.resources"},
    {"exit", "it ended by itself",
     "see its last lines; a job that is done has restart.policy: "
     "transient"},
    {"need", "what it needs went down, and it goes with it (restart.with: needs)",
     "look at what it needs"},
    {"operator", "somebody asked for it", "see `ward events` for who"},
    {"sibling", "its group was restarted for another of its members", "look at that one"},
    {"escalation", "the group that it is in was restarted, or given up", "look at its group"},
    {"start", "it could not start", "the reason says what is missing; `ward check` tries it alone"},
    {"start_timeout", "its start took too long",
     "give it more time (start_timeout), or see what it waits for"},
};

static const struct advice *advice_for(const char *cause)
{
    for (size_t i = 0; i < WARD_COUNT(advices); i++)
        if (strcmp(advices[i].cause, cause) == 0) return &advices[i];
    return NULL;
}

static void tell_span(FILE *to, const char *before, uint64_t from_ns, uint64_t to_ns,
                      const char *behind)
{
    char room[40];
    wardi_text text = WARDI_TEXT(room);
    uint64_t span_ns = to_ns > from_ns ? to_ns - from_ns : 0;
    if (span_ns > WARDI_S) span_ns -= span_ns % WARDI_S;
    wardi_text_duration(&text, span_ns);
    fprintf(to, "%s%s%s", before, room, behind);
}

static void tell_condition(FILE *to, const json_t *c)
{
    const char *condition = wardi_json_get_text(c, "condition");
    const char *reason = wardi_json_get_text(c, "reason");
    wardi_json_show(to, c, "name");
    fputs(" is ", to);
    wardi_output_styled(to, wardi_style_of_condition(condition), condition);
    tell_span(to, ", for ", wardi_json_get_time(c, "since"), wardi_wall_ns(), "");
    if (reason[0] != '\0') fputs(": ", to);
    wardi_output_safe(to, reason, strlen(reason));
    fputc('\n', to);
}

static void tell_tried(FILE *to, const json_t *c)
{
    const char *key;
    json_t *count;
    uint64_t restarts = wardi_json_get_u64(c, "restarts");
    if (restarts == 0) return;
    fprintf(to, "What was tried: it was restarted %llu time%s", (unsigned long long)restarts,
            restarts == 1 ? "" : "s");
    const char *between = " (";
    json_object_foreach(json_object_get(c, "restarts_by_cause"), key, count)
    {
        if (json_integer_value(count) == 0) continue;
        fputs(between, to);
        wardi_output_styled(to, WARDI_PLAIN, key);
        fprintf(to, " %lld", (long long)json_integer_value(count));
        between = ", ";
    }
    fputs(between[0] == ',' ? ")\n" : "\n", to);
}

static void tell_way_out(FILE *to, const json_t *c, const char *verb)
{
    fprintf(to, "What happens next: nothing, until somebody says `ward %s ", verb);
    wardi_json_show(to, c, "name");
    fputs("`\n", to);
}

static void tell_next(FILE *to, const json_t *c)
{
    const char *condition = wardi_json_get_text(c, "condition");
    uint64_t due_ns = wardi_json_get_time(c, "restart_due"), now_ns = wardi_wall_ns();
    if (wardi_json_get_bool(c, "given_up"))
        tell_way_out(to, c, "release");
    else if (due_ns > now_ns)
        tell_span(to, "What happens next: it is started again in ", now_ns, due_ns, "\n");
    else if (strcmp(condition, "unhealthy") == 0 || strcmp(condition, "degraded") == 0)
        fputs("What happens next: it is checked again at its interval; after `fall` bad answers in "
              "a row it is restarted\n",
              to);
    else if (strcmp(condition, "unready") == 0)
        fputs("What happens next: it is ready again once the reason is gone; it is not restarted "
              "for that\n",
              to);
    else if (strcmp(condition, "stopped") == 0)
        tell_way_out(to, c, "start");
}

static void tell_end(FILE *to, const json_t *c, const json_t *evidence)
{
    const char *cause = wardi_json_get_text(c, "last_cause");
    if (cause[0] == '\0') cause = wardi_json_get_text(evidence, "cause");
    const struct advice *advice = advice_for(cause);
    if (evidence != NULL) {
        fputs("Its last end:\n", to);
        print_evidence(to, NULL, evidence);
    } else {
        fputs("No run of it has ended by itself.\n", to);
    }
    if (advice != NULL) fprintf(to, "What happened: %s (%s)\n", advice->happened, cause);
    tell_tried(to, c);
    tell_next(to, c);
    if (advice != NULL) fprintf(to, "What to do: %s\n", advice->advice);
}

void wardi_why_tell(FILE *to, const json_t *component, const json_t *evidence)
{
    tell_condition(to, component);
    tell_end(to, component, evidence);
}

int wardi_why_run(const void *settings, char **args, int arg_count)
{
    const wardi_client_settings *given = settings;
    char escaped[WARDI_ESCAPED_BYTES];
    (void)arg_count;
    wardi_client *client = wardi_client_new(given->socket, "why");
    if (client == NULL) return WARDI_EXIT_FAILED;
    json_t *component = wardi_client_json(client, NULL, NULL, "/api/v1/components/%s",
                                          wardi_client_escape(escaped, args[0]));
    json_t *evidence = component != NULL ? evidence_of(client, args[0], 0, true) : NULL;
    bool known = component != NULL;
    if (known && given->json) {
        wardi_json_print(json_pack("{s:O, s:O?}", "component", component, "evidence", evidence));
    } else if (known) {
        wardi_why_tell(stdout, component, evidence);
    }
    json_decref(component);
    json_decref(evidence);
    wardi_client_free(client);
    return wardi_output_finish(known ? WARDI_EXIT_OK : WARDI_EXIT_FAILED, WARDI_EXIT_FAILED);
}

/* ---- metrics ---- */

static bool copy_out(void *context, const char *bytes, size_t length)
{
    (void)context;
    return fwrite(bytes, 1, length, stdout) == length;
}

int wardi_metrics_run(const void *settings, char **args, int arg_count)
{
    const wardi_client_settings *given = settings;
    char path[WARDI_ESCAPED_BYTES + 40], escaped[WARDI_ESCAPED_BYTES];
    wardi_text text = WARDI_TEXT(path);
    wardi_client *client = wardi_client_new(given->socket, "metrics");
    if (client == NULL) return WARDI_EXIT_FAILED;
    wardi_call call = {.accept = "text/plain;version=0.0.4"};
    wardi_text_puts(&text, "/metrics");
    if (arg_count > 0)
        wardi_text_printf(&text, "?component=%s", wardi_client_escape(escaped, args[0]));
    bool ended = wardi_client_stream(client, &call, path, copy_out, NULL);
    wardi_client_free(client);
    return wardi_output_finish(ended ? WARDI_EXIT_OK : WARDI_EXIT_FAILED, WARDI_EXIT_FAILED);
}
