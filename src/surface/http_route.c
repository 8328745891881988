/* The table of routes: what there is over HTTP, once. The document of the interface is held against
 * it by a test. */
#include <string.h>

#include "surface/http_api.h"

#define READ WARDI_MAY_READ
#define WRITE WARDI_MAY_WRITE

#define PROBE(path, handle, kind, summary)                                                         \
    {path, HTTP_GET, READ, handle, kind, "verbose exclude *", 0, NULL, summary},                   \
    {                                                                                              \
        path "/{check}", HTTP_GET, READ, handle, kind, "*", 0, NULL, summary ", by one check"      \
    }

/* clang-format off */
static const http_route routes[] = {
    PROBE("/livez", http_probe_host, HTTP_LIVEZ, "Whether the host itself gets on"),
    PROBE("/readyz", http_probe_host, HTTP_READYZ, "Whether the host serves"),
    PROBE("/startupz", http_probe_host, HTTP_STARTUPZ, "Whether the host has come up"),
    PROBE("/healthz", http_probe_host, HTTP_HEALTHZ, "Whether the host lives and serves"),
    {"/health", HTTP_GET, READ, http_probe_host, HTTP_HEALTH, "*", 0, NULL, "The host's health as application/health+json"},
    PROBE("/components/{component}/livez", http_probe_component, HTTP_LIVEZ, "Whether a component needs no restart"),
    PROBE("/components/{component}/readyz", http_probe_component, HTTP_READYZ, "Whether a component serves"),
    PROBE("/components/{component}/startupz", http_probe_component, HTTP_STARTUPZ, "Whether a component has come up"),
    PROBE("/components/{component}/healthz", http_probe_component, HTTP_HEALTHZ, "Whether a component lives and serves"),
    {"/components/{component}/health", HTTP_GET, READ, http_probe_component, HTTP_HEALTH, "*", 0, NULL, "A component's health as application/health+json"},
    PROBE("/groups/{group}/livez", http_probe_group, HTTP_LIVEZ, "Whether a group needs no restart"),
    PROBE("/groups/{group}/readyz", http_probe_group, HTTP_READYZ, "Whether a group serves"),
    PROBE("/groups/{group}/startupz", http_probe_group, HTTP_STARTUPZ, "Whether a group has come up"),
    PROBE("/groups/{group}/healthz", http_probe_group, HTTP_HEALTHZ, "Whether a group lives and serves"),
    {"/groups/{group}/health", HTTP_GET, READ, http_probe_group, HTTP_HEALTH, "*", 0, NULL, "A group's health as application/health+json"},
    {"/", HTTP_GET, READ, http_web, 0, "*", 0, NULL, "The dashboard"},
    {"/web/{file}", HTTP_GET, READ, http_web, 0, "", 0, NULL, "What the dashboard is made of"},
    {"/metrics", HTTP_GET, READ, http_metrics, 0, "component per", 0, NULL, "Figures of all, for Prometheus"},
    {"/events", HTTP_GET, READ, http_events_stream, 0, "component kind", 0, NULL, "What happens, as it happens: server-sent events"},
    {"/api/v1/openapi.json", HTTP_GET, READ, http_api_document, 0, "", 0, NULL, "This document"},
    {"/api/v1/host", HTTP_GET, READ, http_api_host, 0, "", 0, NULL, "The host as a whole"},
    {"/api/v1/components", HTTP_GET, READ, http_api_list, 0, "group condition q limit after sort reverse offset figures", 0, NULL, "All components"},
    {"/api/v1/components/{component}", HTTP_GET, READ, http_api_component, 0, "", 0, NULL, "All that is known of a component"},
    {"/api/v1/components/{component}/evidence", HTTP_GET, READ, http_api_evidence, 0, "number", 0, NULL, "How a run of a component ended"},
    {"/api/v1/groups", HTTP_GET, READ, http_api_list, 1, "group condition q limit after sort reverse offset", 0, NULL, "All groups"},
    {"/api/v1/groups/{group}", HTTP_GET, READ, http_api_group, 0, "", 0, NULL, "All that is known of a group"},
    {"/api/v1/events", HTTP_GET, READ, http_api_past, 0, "component kind since until limit after", 0, NULL, "What happened, from the journal"},
    {"/api/v1/logs", HTTP_GET, READ, http_api_logs, 0, "component level after limit", 0, NULL, "The last lines that guests have logged"},
    {"/api/v1/reload", HTTP_POST, WRITE, http_control_reload, 0, "", 0, NULL, "Reads the configuration anew"},
    {"/api/v1/components/{component}/start", HTTP_POST, WRITE, http_control_component, WARD_REQUEST_START, "", 0, NULL, "Wants it up"},
    {"/api/v1/components/{component}/stop", HTTP_POST, WRITE, http_control_component, WARD_REQUEST_STOP, "", 0, NULL, "Stops it until it is started"},
    {"/api/v1/components/{component}/restart", HTTP_POST, WRITE, http_control_component, WARD_REQUEST_RESTART, "", 0, NULL, "Gives it a new run"},
    {"/api/v1/components/{component}/quarantine", HTTP_POST, WRITE, http_control_component, WARD_REQUEST_QUARANTINE, "", 0, NULL, "Stops it until it is released"},
    {"/api/v1/components/{component}/release", HTTP_POST, WRITE, http_control_component, WARD_REQUEST_RELEASE, "", 0, NULL, "Tries again what was given up or quarantined"},
    {"/api/v1/components/{component}", HTTP_DELETE, WRITE, http_control_component, WARD_REQUEST_REMOVE, "", 0, NULL, "Stops it and forgets it"},
    {"/api/v1/components/{component}/call", HTTP_POST, WRITE, http_control_call, 0, "", HTTP_BODY_BYTES_MAX, "application/json", "Calls an export with numbers"},
    {"/api/v1/components/{component}/send", HTTP_POST, WRITE, http_control_send, 0, "", HTTP_SEND_BYTES_MAX, NULL, "Sends it a message"},
    {"/api/v1/groups/{group}/start", HTTP_POST, WRITE, http_control_group, WARD_REQUEST_START, "", 0, NULL, "Wants it up"},
    {"/api/v1/groups/{group}/stop", HTTP_POST, WRITE, http_control_group, WARD_REQUEST_STOP, "", 0, NULL, "Stops it until it is started"},
    {"/api/v1/groups/{group}/restart", HTTP_POST, WRITE, http_control_group, WARD_REQUEST_RESTART, "", 0, NULL, "Gives it a new run"},
    {"/api/v1/groups/{group}/quarantine", HTTP_POST, WRITE, http_control_group, WARD_REQUEST_QUARANTINE, "", 0, NULL, "Stops it until it is released"},
    {"/api/v1/groups/{group}/release", HTTP_POST, WRITE, http_control_group, WARD_REQUEST_RELEASE, "", 0, NULL, "Tries again what was given up or quarantined"},
    {"/api/v1/groups/{group}", HTTP_DELETE, WRITE, http_control_group, WARD_REQUEST_REMOVE, "", 0, NULL, "Stops it and forgets it"},
};
/* clang-format on */

size_t http_route_count(void)
{
    return WARD_COUNT(routes);
}

const http_route *http_route_at(size_t index)
{
    WARD_ASSERT(index < WARD_COUNT(routes));
    return &routes[index];
}

static bool is_place(const char *part, size_t length, const char *place)
{
    return strlen(place) == length && strncmp(part, place, length) == 0;
}

/* `part` is of a route's path, up to `length`. */
static bool segment_matches(const char *part, size_t length, const char *segment, http_routing *to)
{
    if (is_place(part, length, "{check}") || is_place(part, length, "{file}")) {
        to->check = segment;
        return *segment != '\0';
    }
    if (is_place(part, length, "{component}") || is_place(part, length, "{group}")) {
        to->name = segment;
        return wardi_name_valid(segment);
    }
    return strlen(segment) == length && strncmp(part, segment, length) == 0;
}

static bool path_matches(const char *path, const http_target *target, http_routing *to)
{
    const char *part = path + 1; /* behind the first slash */
    for (size_t i = 0; i < target->segment_count; i++) {
        size_t length = strcspn(part, "/");
        if (!segment_matches(part, length, target->segments[i], to)) return false;
        part += length;
        if (*part == '\0') return i + 1 == target->segment_count;
        part++;
    }
    return false;
}

http_routing http_route_find(const http_target *target)
{
    http_routing found = {.found = false};
    for (size_t i = 0; i < WARD_COUNT(routes); i++) {
        http_routing here = {.found = true};
        if (!path_matches(routes[i].path, target, &here)) continue;
        if (!found.found) found = here;
        if (found.by_method[routes[i].method] == NULL)
            found.by_method[routes[i].method] = &routes[i];
    }
    return found;
}

void http_route_allow(const http_routing *routing, wardi_may may, wardi_text *to)
{
    static const char *const names[HTTP_ROUTE_METHODS] = {"GET, HEAD", "POST", "DELETE"};
    for (size_t i = 0; i < HTTP_ROUTE_METHODS; i++) {
        const http_route *route = routing->by_method[i];
        if (route == NULL || route->needs > may) continue;
        wardi_text_printf(to, "%s, ", names[i]);
    }
    wardi_text_puts(to, "OPTIONS");
}

static bool knows(const char *query, const char *key)
{
    size_t length = strlen(key);
    for (const char *at = query; *at != '\0'; at += strspn(at, " ")) {
        size_t word = strcspn(at, " ");
        if (is_place(at, word, "*")) return true;
        if (word == length && strncmp(at, key, length) == 0) return true;
        at += word;
    }
    return false;
}

const char *http_route_unknown(const http_route *route, const http_target *target)
{
    for (size_t i = 0; i < target->param_count; i++)
        if (!knows(route->query, target->params[i].key)) return target->params[i].key;
    return NULL;
}
