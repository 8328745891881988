#include <string.h>
#include <time.h>

#include "cli/events.h"
#include "cli/json.h"

/* ---- for people ---- */

static bool is_of_same(const ward_event *event, const ward_event *shown)
{
    return shown->component != NULL && strcmp(shown->component, event->component) == 0;
}

/* Of a thousand instances that come and go as they should, their group's one line tells. */
static bool is_routine(const ward_event *event)
{
    switch (event->kind) {
    case WARD_EVENT_STATE: return event->state != WARD_STATE_FAILED && event->evidence == 0;
    case WARD_EVENT_HEALTH: return event->health == WARD_CHILD_HEALTHY;
    case WARD_EVENT_READY: return event->ready;
    default: return false;
    }
}

bool wardi_event_is_implied(const ward_event *event, const ward_event *shown)
{
    if (event->instance && is_routine(event)) return true;
    bool down = event->state == WARD_STATE_FAILED || event->state == WARD_STATE_STOPPING ||
                event->state == WARD_STATE_TERMINATED;
    if (event->kind == WARD_EVENT_READY && !event->ready && down) return true;
    if (!is_of_same(event, shown) || shown->kind != WARD_EVENT_HEALTH) return false;
    if (event->kind == WARD_EVENT_READY && event->ready) return shown->health == WARD_CHILD_HEALTHY;
    return event->kind == WARD_EVENT_STATE && event->state == WARD_STATE_FAILED &&
           shown->health == WARD_CHILD_FAILED && strcmp(shown->reason, event->reason) == 0;
}

bool wardi_event_is_aside(const ward_event *event, const ward_event *shown)
{
    return event->kind == WARD_EVENT_FLAPPING && is_of_same(event, shown);
}

bool wardi_event_is_reason_known(const ward_event *event, const ward_event *shown)
{
    bool ends = event->kind == WARD_EVENT_RESTART || event->kind == WARD_EVENT_GIVEN_UP;
    return ends && is_of_same(event, shown) && strcmp(shown->reason, event->reason) == 0;
}

void wardi_event_print_time(FILE *to, uint64_t wall_ns)
{
    time_t seconds = (time_t)(wall_ns / WARDI_S);
    struct tm parts;
    char clock[16], whole[24];
    localtime_r(&seconds, &parts);
    strftime(clock, sizeof clock, "%H:%M:%S", &parts);
    wardi_text text = WARDI_TEXT(whole);
    wardi_text_printf(&text, "%s.%03u", clock, (unsigned)(wall_ns % WARDI_S / WARDI_MS));
    wardi_output_styled(to, WARDI_DIM, whole);
}

static void print_reason(FILE *to, const char *before, const char *reason)
{
    if (reason[0] == '\0') return;
    fputs(before, to);
    wardi_output_safe(to, reason, strlen(reason));
}

/* "started" and not "ready": readiness is another thing, with an event of its own. */
static void print_state(FILE *to, const ward_event *event)
{
    static const char *const words[WARD_STATE_COUNT] = {
        [WARD_STATE_CREATING] = "created",   [WARD_STATE_STARTING] = "starting",
        [WARD_STATE_READY] = "started",      [WARD_STATE_STOPPING] = "stopping",
        [WARD_STATE_TERMINATED] = "stopped", [WARD_STATE_FAILED] = "failed",
    };
    bool failed = event->state == WARD_STATE_FAILED;
    wardi_output_styled(to, failed ? WARDI_RED : WARDI_PLAIN, words[event->state]);
    if (event->state == WARD_STATE_READY) print_reason(to, " version ", event->version);
    print_reason(to, ": ", event->reason);
}

static void print_health(FILE *to, const ward_event *event)
{
    wardi_output_styled(to, wardi_style_of(event->health), ward_child_health_name(event->health));
    print_reason(to, ": ", event->reason);
    if (event->source == WARD_SOURCE_RESOURCE) fputs(" (resource)", to);
    if (event->probe_error != WARD_PROBE_OK && event->health == WARD_CHILD_HEALTHY)
        fprintf(to, " (probe error: %s)", ward_probe_error_name(event->probe_error));
}

static void print_delay(FILE *to, uint64_t delay_ns)
{
    char delay[32];
    wardi_text text = WARDI_TEXT(delay);
    if (delay_ns < WARDI_MS) return;
    wardi_text_duration(&text, delay_ns / WARDI_MS * WARDI_MS);
    fprintf(to, " in %s", delay);
}

static const char *group_cause(ward_cause cause)
{
    switch (cause) {
    case WARD_CAUSE_NONE: return "";
    case WARD_CAUSE_SIBLING: return "a member failed";
    case WARD_CAUSE_ESCALATION: return "too many failures";
    case WARD_CAUSE_NEED: return "what it needs went down";
    case WARD_CAUSE_OPERATOR: return "by request";
    default: return ward_cause_name(cause);
    }
}

static void print_group(FILE *to, const ward_event *event)
{
    bool over = strcmp(event->reason, "given up") == 0;
    bool well = strcmp(event->reason, "running") == 0 || strcmp(event->reason, "changed") == 0 ||
                strcmp(event->reason, "resized") == 0;
    if (event->component[0] == '\0') {
        wardi_output_styled(to, WARDI_RED, event->reason);
        fputs(": more was given up than `supervisor` allows; the rest serves on", to);
        return;
    }
    fputs("group ", to);
    wardi_output_styled(to, over ? WARDI_RED : well ? WARDI_PLAIN : WARDI_YELLOW, event->reason);
    print_delay(to, event->delay_ns);
    if (!well) print_reason(to, ": ", group_cause(event->cause));
}

static void print_group_health(FILE *to, const ward_event *event)
{
    fputs("group ", to);
    wardi_output_styled(to, wardi_style_of(event->health), ward_child_health_name(event->health));
    if (!event->ready) {
        fputs(", ", to);
        wardi_output_styled(to, WARDI_YELLOW, "not ready");
    }
    print_reason(to, ": ", event->reason);
}

static void print_restart(FILE *to, const ward_event *event)
{
    wardi_output_styled(to, WARDI_YELLOW, "restart");
    print_delay(to, event->delay_ns);
    fprintf(to, " (%s", ward_cause_name(event->cause));
    if (event->attempt != 0) fprintf(to, ", attempt %u", event->attempt); /* 0: not its own doing */
    fputc(')', to);
    print_reason(to, ": ", event->reason);
}

static void print_what(FILE *to, const ward_event *event)
{
    switch (event->kind) {
    case WARD_EVENT_STATE: print_state(to, event); return;
    case WARD_EVENT_HEALTH: print_health(to, event); return;
    case WARD_EVENT_READY:
        wardi_output_styled(to, event->ready ? WARDI_GREEN : WARDI_YELLOW,
                            event->ready ? "ready" : "not ready");
        print_reason(to, ": ", event->reason);
        return;
    case WARD_EVENT_RESTART: print_restart(to, event); return;
    case WARD_EVENT_GIVEN_UP:
        wardi_output_styled(to, WARDI_RED, "given up");
        print_reason(to, ": ", event->reason);
        return;
    case WARD_EVENT_FLAPPING:
        wardi_output_styled(to, event->flapping ? WARDI_YELLOW : WARDI_PLAIN,
                            event->flapping ? "flapping" : "no longer flapping");
        return;
    case WARD_EVENT_STOPPED: fputs("all components are stopped", to); return;
    case WARD_EVENT_OPERATOR:
        fputs("operator", to);
        print_reason(to, ": ", event->reason);
        return;
    case WARD_EVENT_ADDED: fputs("added", to); return;
    case WARD_EVENT_REMOVED: fputs("removed", to); return;
    case WARD_EVENT_MISSING: wardi_output_styled(to, WARDI_YELLOW, event->reason); return;
    case WARD_EVENT_GROUP: print_group(to, event); return;
    case WARD_EVENT_SET_ASIDE:
        wardi_output_styled(to, WARDI_RED, "set aside");
        print_reason(to, ": ", event->reason);
        return;
    case WARD_EVENT_GROUP_HEALTH: print_group_health(to, event); return;
    case WARD_EVENT_DENIED:
        wardi_output_styled(to, WARDI_YELLOW, "denied");
        print_reason(to, ": ", event->reason);
        return;
    }
    fputs(ward_event_kind_name(event->kind), to);
}

void wardi_event_print(FILE *to, const ward_event *event, int name_width)
{
    wardi_event_print_time(to, event->wall_ns);
    fprintf(to, "  %-*s  ", name_width, event->component);
    print_what(to, event);
    fputc('\n', to);
}

/* ---- levels ---- */

static wardi_level level_of_health(ward_child_health health, bool ready)
{
    if (health == WARD_CHILD_FAILED) return WARDI_LEVEL_ERROR;
    return health == WARD_CHILD_DEGRADED || !ready ? WARDI_LEVEL_WARNING : WARDI_LEVEL_INFO;
}

static wardi_level level_of_group(const char *words)
{
    if (strcmp(words, "given up") == 0 || strcmp(words, "exhausted") == 0) return WARDI_LEVEL_ERROR;
    return strcmp(words, "restarting") == 0 ? WARDI_LEVEL_WARNING : WARDI_LEVEL_INFO;
}

wardi_level wardi_event_level(const ward_event *event)
{
    switch (event->kind) {
    case WARD_EVENT_STATE:
        return event->state == WARD_STATE_FAILED ? WARDI_LEVEL_ERROR : WARDI_LEVEL_INFO;
    case WARD_EVENT_HEALTH: return level_of_health(event->health, true);
    case WARD_EVENT_GROUP_HEALTH: return level_of_health(event->health, event->ready);
    case WARD_EVENT_READY: return event->ready ? WARDI_LEVEL_INFO : WARDI_LEVEL_WARNING;
    case WARD_EVENT_FLAPPING: return event->flapping ? WARDI_LEVEL_WARNING : WARDI_LEVEL_INFO;
    case WARD_EVENT_GROUP: return level_of_group(event->reason);
    case WARD_EVENT_RESTART:
    case WARD_EVENT_MISSING:
    case WARD_EVENT_DENIED: return WARDI_LEVEL_WARNING;
    case WARD_EVENT_GIVEN_UP:
    case WARD_EVENT_SET_ASIDE: return WARDI_LEVEL_ERROR;
    case WARD_EVENT_OPERATOR: return WARDI_LEVEL_NOTICE;
    case WARD_EVENT_STOPPED:
    case WARD_EVENT_ADDED:
    case WARD_EVENT_REMOVED: break;
    }
    return WARDI_LEVEL_INFO;
}

/* ---- for scripts ---- */

void wardi_event_print_json(const ward_event *event)
{
    wardi_json_print(wardi_event_json(event));
}
