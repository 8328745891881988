/* The dashboard's files: whole, with what tells the browser to trust nothing else, and kept by it.
 */
#include "unit/surface/http_kit.h"

static const char policy[] = "default-src 'none'; script-src 'self'; style-src 'self'; "
                             "connect-src 'self'; img-src 'self' data:; base-uri 'none'; "
                             "frame-ancestors 'none'; form-action 'none'";

static void expect_guarded(const reply *r)
{
    expect_header(r, "Content-Security-Policy", policy);
    expect_header(r, "X-Content-Type-Options", "nosniff");
    expect_header(r, "Referrer-Policy", "no-referrer");
    expect_header(r, "Cache-Control", "no-cache");
}

static void the_page_is_guarded(void **state)
{
    (void)state;
    start();
    serve_all();
    reply r = get("/");
    assert_int_equal(r.status, 200);
    expect_header(&r, "Content-Type", "text/html; charset=utf-8");
    expect_guarded(&r);
    assert_int_equal(strncmp(r.body, "<!doctype html>", 15), 0);
    assert_non_null(strstr(r.body, "</html>"));
    reply_free(&r);
    r = get("/?from=a-bookmark");
    assert_int_equal(r.status, 200);
    reply_free(&r);
    r = ask("HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_int_equal(r.status, 200);
    expect_guarded(&r);
    reply_free(&r);
}

static void a_browser_keeps_what_has_not_changed(void **state)
{
    char tag[64], mine[100];
    (void)state;
    start();
    serve_all();
    reply r = get("/web/app.css");
    expect_header(&r, "Content-Type", "text/css; charset=utf-8");
    snprintf(tag, sizeof tag, "%s", header_of(&r, "ETag"));
    assert_int_equal(strlen(tag), 34);
    reply_free(&r);

    snprintf(mine, sizeof mine, "If-None-Match: \"of-old\", W/%s\r\n", tag);
    r = get_with("/web/app.css", mine);
    assert_int_equal(r.status, 304);
    expect_header(&r, "ETag", tag);
    expect_guarded(&r);
    reply_free(&r);

    r = get_with("/web/app.css", "If-None-Match: \"of-old\"\r\n");
    assert_int_equal(r.status, 200);
    reply_free(&r);
    r = get_with("/web/app.js", mine); /* another file */
    assert_int_equal(r.status, 200);
    reply_free(&r);
}

static void other_files_are_not_there(void **state)
{
    (void)state;
    start();
    serve_all();
    static const char *const missing[] = {"/web/nothing.js",  "/web/",   "/web",
                                          "/web/..%2Fapp.js", "/app.js", "/index"};
    for (size_t i = 0; i < WARD_COUNT(missing); i++) {
        char request[200];
        snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", missing[i]);
        expect_problem(request, 404);
    }
    expect_problem("GET /web/app.js?v=1 HTTP/1.1\r\nHost: localhost\r\n\r\n", 400);
    expect_problem("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n", 405);
}

/* Gets each file that `text` names between `before` and a quote; returns how many. */
static int follow(const char *text, const char *before)
{
    int found = 0;
    for (const char *at = text != NULL ? text : ""; (at = strstr(at, before)) != NULL; found++) {
        char target[200];
        at += strlen(before);
        snprintf(target, sizeof target, "/web/%.*s", (int)strcspn(at, "\""), at);
        reply r = get(target);
        /* The dashboard asks nobody else, and no text becomes markup. */
        bool good = r.status == 200 && r.body != NULL && strstr(r.body, "https://") == NULL &&
                    strstr(r.body, "innerHTML") == NULL;
        reply_free(&r);
        if (!good) fail_msg("%s", target);
    }
    return found;
}

static void all_that_the_page_names_is_there(void **state)
{
    (void)state;
    start();
    serve_all();
    reply page = get("/");
    assert_true(follow(page.body, "\"/web/") >= 3);
    reply r = get("/web/app.js");
    expect_header(&r, "Content-Type", "text/javascript; charset=utf-8");
    assert_true(follow(r.body, "from \"./") >= 3);
    reply_free(&r);
    reply_free(&page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HTTP_TEST(the_page_is_guarded),
        HTTP_TEST(a_browser_keeps_what_has_not_changed),
        HTTP_TEST(other_files_are_not_there),
        HTTP_TEST(all_that_the_page_names_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
