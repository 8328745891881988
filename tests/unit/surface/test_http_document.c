/* The document of the interface has all routes, and no others. */
#include <jansson.h>

#include "unit/surface/http_kit.h"

#include "surface/http.h"

static const char *const methods[] = {
    [HTTP_GET] = "get", [HTTP_POST] = "post", [HTTP_DELETE] = "delete"};

static json_t *document(void)
{
    json_error_t error;
    reply r = get("/api/v1/openapi.json");
    assert_int_equal(r.status, 200);
    json_t *json = json_loadb(r.body, r.length, JSON_REJECT_DUPLICATES, &error);
    if (json == NULL) fail_msg("line %d: %s", error.line, error.text);
    reply_free(&r);
    return json;
}

static bool has_parameter(const json_t *operation, const char *name, const char *in)
{
    size_t i;
    json_t *parameter;
    json_array_foreach(json_object_get(operation, "parameters"), i, parameter)
    {
        bool named = strcmp(json_string_value(json_object_get(parameter, "name")), name) == 0;
        if (named && strcmp(json_string_value(json_object_get(parameter, "in")), in) == 0)
            return true;
    }
    return false;
}

static size_t query_count(const json_t *operation)
{
    size_t i, count = 0;
    json_t *parameter;
    json_array_foreach(json_object_get(operation, "parameters"), i, parameter) count +=
        strcmp(json_string_value(json_object_get(parameter, "in")), "query") == 0;
    return count;
}

/* Each key that the route knows is described, and no other is. */
static void expect_query(const http_route *route, const json_t *operation)
{
    char keys[200];
    size_t count = 0;
    snprintf(keys, sizeof keys, "%s", route->query);
    for (char *rest = keys, *key; (key = strsep(&rest, " ")) != NULL;) {
        if (*key == '\0' || strcmp(key, "*") == 0) continue;
        count++;
        if (!has_parameter(operation, key, "query")) fail_msg("%s: no %s", route->path, key);
    }
    assert_int_equal(count, query_count(operation));
}

/* Reading is the rule; what takes more says so. */
static void expect_grant(const http_route *route, const json_t *document, const json_t *operation)
{
    static const char *const names[] = {[WARDI_MAY_READ] = "read", [WARDI_MAY_WRITE] = "write"};
    static const char *const schemes[] = {"token", "certificate"};
    const json_t *own = json_object_get(operation, "security");
    const json_t *security = own != NULL ? own : json_object_get(document, "security");
    assert_int_equal(own != NULL, route->needs == WARDI_MAY_WRITE);
    assert_int_equal(json_array_size(security), 1 + WARD_COUNT(schemes));
    for (size_t i = 0; i < WARD_COUNT(schemes); i++) {
        const json_t *roles = json_object_get(json_array_get(security, i + 1), schemes[i]);
        assert_int_equal(json_array_size(roles), 1);
        assert_string_equal(json_string_value(json_array_get(roles, 0)), names[route->needs]);
        const json_t *components = json_object_get(document, "components");
        assert_non_null(
            json_object_get(json_object_get(components, "securitySchemes"), schemes[i]));
    }
}

static void all_routes_are_in_the_document(void **state)
{
    (void)state;
    start();
    serve_all();
    json_t *json = document();
    json_t *paths = json_object_get(json, "paths");
    for (size_t i = 0; i < http_route_count(); i++) {
        const http_route *route = http_route_at(i);
        json_t *operation =
            json_object_get(json_object_get(paths, route->path), methods[route->method]);
        if (operation == NULL) fail_msg("not in the document: %s", route->path);
        assert_string_equal(json_string_value(json_object_get(operation, "summary")),
                            route->summary);
        assert_int_equal(json_object_get(operation, "requestBody") != NULL,
                         route->body_bytes_max != 0);
        expect_query(route, operation);
        expect_grant(route, json, operation);
    }
    json_decref(json);
}

static bool is_route(const char *path, const char *method)
{
    for (size_t i = 0; i < http_route_count(); i++)
        if (strcmp(http_route_at(i)->path, path) == 0 &&
            strcmp(methods[http_route_at(i)->method], method) == 0)
            return true;
    return false;
}

static void the_document_has_no_other_routes(void **state)
{
    const char *path, *method;
    json_t *operations, *operation;
    (void)state;
    start();
    serve_all();
    json_t *json = document();
    json_object_foreach(json_object_get(json, "paths"), path, operations)
    {
        json_object_foreach(operations, method, operation)
        {
            if (!is_route(path, method)) fail_msg("no such route: %s %s", method, path);
        }
    }
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HTTP_TEST(all_routes_are_in_the_document),
        HTTP_TEST(the_document_has_no_other_routes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
