/* Probes, to the byte. */
#include "unit/surface/http_kit.h"

static const char plain[] = "text/plain; charset=utf-8";

static void start_and_serve(void)
{
    start();
    serve_all();
}

static void a_live_host_is_ok(void **state)
{
    (void)state;
    start_and_serve();
    await_body("/livez", 200, "ok");
    reply r = get("/livez");
    expect_header(&r, "Content-Type", plain);
    expect_header(&r, "X-Content-Type-Options", "nosniff");
    expect_header(&r, "Cache-Control", "no-store");
    expect_header(&r, "Content-Length", "2");
    reply_free(&r);
    r = ask("HEAD /livez HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_int_equal(r.status, 200);
    expect_header(&r, "Content-Length", "2");
    assert_int_equal(r.length, 0);
    reply_free(&r);
    await_body("/livez?verbose", 200,
               "[+]clock ok\n[+]workers ok\n[+]surface ok\nlivez check passed\n");
}

static void before_the_start_nothing_is_ready_but_the_host_lives(void **state)
{
    (void)state;
    serve_all();
    await_body("/livez", 200, "ok");
    await_body("/readyz", 503,
               "[-]started failed: the supervisor has not been started\n[+]leaving ok\n"
               "readyz check failed\n");
    await_body("/startupz", 503,
               "[-]started failed: the supervisor has not been started\nstartupz check failed\n");
    start();
    await_body("/readyz", 200, "ok");
    await_body("/startupz", 200, "ok");
}

static void what_leaves_is_not_ready_and_lives(void **state)
{
    (void)state;
    start_and_serve();
    await_body("/readyz", 200, "ok");
    wardi_surface_leaving(surface);
    await_body("/readyz", 503,
               "[+]started ok\n[-]leaving failed: the host is about to stop\n"
               "readyz check failed\n");
    await_body("/livez", 200, "ok");
}

static void members_count_for_readiness(void **state)
{
    (void)state;
    add((child_spec){.name = "good", .wat = healthy}, NULL);
    add((child_spec){.name = "bad", .wat = unhealthy, .options.fall = 2}, NULL);
    start_and_serve();
    wait_for(0, "bad", WARD_EVENT_GIVEN_UP, 0);
    await_body("/readyz", 503,
               "[+]started ok\n[+]leaving ok\n[+]good ok\n[-]bad failed: disk\n"
               "readyz check failed\n");
    /* Excluded, it fails nothing; what is not there is said. */
    await_body("/readyz?exclude=bad", 200, "ok");
    await_body("/readyz?exclude=bad&verbose", 200,
               "[+]started ok\n[+]leaving ok\n[+]good ok\n[+]bad excluded: ok\n"
               "readyz check passed\n");
    await_body("/readyz?exclude=zz&exclude=bad&exclude=a%22b&verbose", 200,
               "[+]started ok\n[+]leaving ok\n[+]good ok\n[+]bad excluded: ok\n"
               "warn: some health checks cannot be excluded: no matches for \"a\\\"b\",\"zz\"\n"
               "readyz check passed\n");
    await_body("/readyz/good", 200, "ok");
    await_body("/readyz/bad", 503, "service unavailable: disk\n");
    /* The host lives, whatever its guests do. */
    await_body("/livez", 200, "ok");
    expect_problem("GET /readyz/nobody HTTP/1.1\r\nHost: localhost\r\n\r\n", 404);
    expect_problem("GET /livez/good HTTP/1.1\r\nHost: localhost\r\n\r\n", 404);
}

static void a_component_has_probes_of_its_own(void **state)
{
    (void)state;
    add((child_spec){.name = "good", .wat = healthy}, NULL);
    add((child_spec){.name = "bad", .wat = unhealthy, .options.fall = 2}, NULL);
    start_and_serve();
    wait_for(0, "bad", WARD_EVENT_GIVEN_UP, 0);
    await_body("/components/bad/livez", 503, "[-]live failed: disk\nlivez check failed\n");
    await_body("/components/bad/readyz", 503, "[-]ready failed: disk\nreadyz check failed\n");
    await_body("/components/bad/readyz/ready", 503, "service unavailable: disk\n");
    await_body("/components/good/livez", 200, "ok");
    await_body("/components/good/readyz", 200, "ok");
    await_body("/components/good/startupz", 200, "ok");
    await_body("/components/good/healthz?verbose", 200,
               "[+]live ok\n[+]ready ok\nhealthz check passed\n");
    await_body("/components/good/readyz?exclude=ready", 200, "ok");
    expect_problem("GET /components/nobody/livez HTTP/1.1\r\nHost: localhost\r\n\r\n", 404);
    expect_problem("GET /components/%2e%2e/livez HTTP/1.1\r\nHost: localhost\r\n\r\n", 404);
    expect_problem("GET /components/../livez HTTP/1.1\r\nHost: localhost\r\n\r\n", 404);
    expect_problem("GET /groups/good/livez HTTP/1.1\r\nHost: localhost\r\n\r\n", 404);
}

static void a_group_is_probed_as_a_whole(void **state)
{
    (void)state;
    add_group((ward_group_options){.name = "web"});
    add((child_spec){.name = "a", .wat = healthy, .options.group = "web"}, NULL);
    add((child_spec){.name = "many", .wat = healthy, .options.instances = 3}, NULL);
    start_and_serve();
    await_body("/groups/web/readyz", 200, "ok");
    await_body("/groups/web/livez?verbose", 200, "[+]live ok\nlivez check passed\n");
    /* A component with instances is a group, and both are good names for it. */
    await_body("/components/many/readyz", 200, "ok");
    await_body("/groups/many/readyz", 200, "ok");
    await_body("/components/many.2/readyz", 200, "ok");
    /* What is in a group counts for it, and not once more. */
    await_body("/readyz?verbose", 200,
               "[+]started ok\n[+]leaving ok\n[+]web ok\n[+]many ok\nreadyz check passed\n");
    expect_problem("GET /components/web/livez HTTP/1.1\r\nHost: localhost\r\n\r\n", 404);
}

/* A guest cannot write lines of its own into what an operator reads. */
static void reasons_stay_on_their_line(void **state)
{
    static const char liar[] =
        "(module (memory (export \"memory\") 1)"
        " (data (i32.const 16) \"\\81\\0e\\02\\0b\\00\\00\\00x\\0a[+]y ok\\1b\\7f\")"
        " (func (export \"_health\") (result i32) i32.const 16))";
    (void)state;
    add((child_spec){.name = "liar", .wat = liar, .options.fall = 2}, NULL);
    start_and_serve();
    wait_for(0, "liar", WARD_EVENT_GIVEN_UP, 0);
    await_body("/components/liar/readyz", 503,
               "[-]ready failed: x\\n[+]y ok\\x1b\\x7f\nreadyz check failed\n");
}

static void health_json_follows_the_draft(void **state)
{
    static const char accept[] = "Accept: text/plain;q=0.5, application/health+json\r\n";
    (void)state;
    add((child_spec){.name = "good", .wat = healthy}, NULL);
    start_and_serve();
    await_body("/readyz", 200, "ok");
    reply r = get_with("/readyz", accept);
    assert_int_equal(r.status, 200);
    expect_header(&r, "Content-Type", "application/health+json");
    assert_int_equal(strncmp(r.body, "{\"status\":\"pass\",", 17), 0);
    assert_non_null(strstr(r.body,
                           "\"good:state\":[{\"componentId\":\"good\",\"componentType\":"
                           "\"component\",\"observedValue\":\"healthy\",\"status\":\"pass\""));
    reply_free(&r);
    r = get("/health");
    expect_header(&r, "Content-Type", "application/health+json");
    reply_free(&r);
    r = get_with("/components/good/readyz", accept);
    assert_non_null(strstr(r.body, "\"serviceId\":\"good\""));
    reply_free(&r);
    wardi_surface_leaving(surface);
    r = get_with("/readyz", accept);
    assert_int_equal(r.status, 503);
    assert_int_equal(strncmp(r.body, "{\"status\":\"fail\",", 17), 0);
    assert_non_null(strstr(r.body, "\"output\":\"the host is about to stop\""));
    reply_free(&r);
    /* Not wanted is not given. */
    r = get_with("/livez", "Accept: application/health+json;q=0\r\n");
    expect_header(&r, "Content-Type", plain);
    reply_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HTTP_TEST(a_live_host_is_ok),
        HTTP_TEST(before_the_start_nothing_is_ready_but_the_host_lives),
        HTTP_TEST(what_leaves_is_not_ready_and_lives),
        HTTP_TEST(members_count_for_readiness),
        HTTP_TEST(a_component_has_probes_of_its_own),
        HTTP_TEST(a_group_is_probed_as_a_whole),
        HTTP_TEST(reasons_stay_on_their_line),
        HTTP_TEST(health_json_follows_the_draft),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
