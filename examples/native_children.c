/* Parts of the application supervised beside a guest: a cache that the guest needs, which answers
 * messages, crashes on a bad one, and is restarted.
 *
 *     cc native_children.c $(pkg-config --cflags --libs ward) -o native_children
 *     ./native_children plugin.wasm */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <ward/ward.h>

/* What the cache is made of. Its callbacks run one at a time, so it needs no lock. */
typedef struct cache {
    char value[32];
    bool filled;
} cache;

static ward_error cache_start(void *context, ward_diag *ret_diag)
{
    cache *c = context;
    (void)ret_diag;
    c->filled = false;
    return WARD_OK;
}

static void cache_health(void *context, ward_report *ret_report)
{
    const cache *c = context;
    if (c->filled) return;
    ret_report->status = WARD_HEALTH_DEGRADED;
    snprintf(ret_report->reason.text, sizeof ret_report->reason.text, "The cache is empty");
}

/* "=text" keeps it, "?" answers with it; anything else is a bug of the sender's that breaks the
 * cache. */
static ward_error cache_handle(void *context, const ward_message *message, ward_diag *ret_diag)
{
    cache *c = context;
    if (message->length > 1 && message->bytes[0] == '=' && message->length <= sizeof c->value) {
        snprintf(c->value, sizeof c->value, "%.*s", (int)message->length - 1,
                 (const char *)message->bytes + 1);
        c->filled = true;
        return ward_message_reply(message, (const uint8_t *)"kept", 4);
    }
    if (message->length == 1 && message->bytes[0] == '?')
        return c->filled ? ward_message_reply(message, (const uint8_t *)c->value, strlen(c->value))
                         : WARD_ERROR_NOT_FOUND;
    snprintf(ret_diag->text, sizeof ret_diag->text, "cannot read a message of %zu bytes",
             message->length);
    return WARD_ERROR_TRAP;
}

static void ask(ward_supervisor *supervisor, ward_child_id to, const char *text)
{
    char answer[64] = "";
    size_t length = 0;
    ward_error error = ward_supervisor_request(supervisor, to, (const uint8_t *)text, strlen(text),
                                               (uint8_t *)answer, sizeof answer - 1, &length, 0);
    printf("%-12s %s\n", text, error == WARD_OK ? answer : ward_error_name(error));
}

static bool wait_until_ready(ward_supervisor *supervisor, const char *name)
{
    const struct timespec moment = {.tv_nsec = 1000000};
    ward_child_status status = WARD_INIT(ward_child_status);
    for (int i = 0; i < 10000; i++) {
        if (ward_supervisor_child(supervisor, name, &status) == WARD_OK && status.ready)
            return true;
        nanosleep(&moment, NULL);
    }
    return false;
}

static ward_error add_both(ward_supervisor *supervisor, const char *path, cache *c, ward_diag *diag)
{
    ward_native_options native = WARD_INIT(ward_native_options);
    native.name = "cache";
    native.context = c;
    native.start = cache_start;
    native.health = cache_health;
    native.handle = cache_handle;
    ward_child_options options = WARD_INIT(ward_child_options);
    options.native = &native;
    ward_error error = ward_supervisor_add(supervisor, &options, diag);
    if (error) return error;

    static const char *const needs[] = {"cache"};
    ward_component_options component = WARD_INIT(ward_component_options);
    component.name = "plugin";
    component.path = path;
    ward_child_options guest = WARD_INIT(ward_child_options);
    guest.component = &component;
    guest.needs = needs;
    guest.need_count = 1;
    return ward_supervisor_add(supervisor, &guest, diag);
}

int main(int argc, char **argv)
{
    ward_host *host = NULL;
    ward_supervisor *supervisor = NULL;
    ward_diag diag = {WARD_OK, ""};
    ward_child_id id = 0;
    cache c = {"", false};

    ward_error error = ward_host_open(NULL, &host, &diag);
    if (!error) error = ward_supervisor_new(host, NULL, &supervisor, &diag);
    if (!error) error = add_both(supervisor, argc > 1 ? argv[1] : "plugin.wasm", &c, &diag);
    if (!error) error = ward_supervisor_start(supervisor, &diag);
    if (!error && wait_until_ready(supervisor, "plugin") &&
        !ward_supervisor_find(supervisor, "cache", &id)) {
        ward_report report;
        ward_supervisor_health(supervisor, id, 0, &report);
        printf("cache is %s: %s\n", ward_health_name(report.status), report.reason.text);
        ask(supervisor, id, "=42");
        ask(supervisor, id, "?");
        ask(supervisor, id, "nonsense");
        ask(supervisor, id, "?"); /* waits in the mailbox until the cache has started again */
        ward_child_status status = WARD_INIT(ward_child_status);
        ward_supervisor_child(supervisor, "cache", &status);
        printf("restarts after a crash: %u\n", status.restarts_by_cause[WARD_CAUSE_CRASH]);
        error = ward_supervisor_stop(supervisor, 0, &diag);
    }
    if (error) fprintf(stderr, "%s\n", diag.text);
    ward_supervisor_free(supervisor);
    ward_host_close(host);
    return error != WARD_OK;
}
