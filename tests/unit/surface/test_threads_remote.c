/* Under ThreadSanitizer too, for which the engine is a fake: many come over TLS at once, while a
 * thread of the pool reads the files anew. */
#include "unit/surface/tls_kit.h"

#define OPS "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define LOOK "f123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define NEW "n123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static made server;
static wardi_surface_token tokens[2];

static void adjust(wardi_surface_options *options)
{
    tokens[0] = (wardi_surface_token){"ops", write_text("a", OPS "\n", 0600), WARDI_MAY_WRITE};
    tokens[1] = (wardi_surface_token){"look", write_text("b", LOOK "\n", 0600), WARDI_MAY_READ};
    options->remote = (wardi_surface_remote){.address = "127.0.0.1:0",
                                             .certificate = write_certificate("c", &server),
                                             .key = write_key("k", &server),
                                             .tokens = tokens,
                                             .token_count = 2};
}

/* A client of its own for each thread: nothing of the kit that is shared. */
static int asked_with(const char *method, const char *token)
{
    char request[400], text[4096];
    tls_client c;
    int status = -1;
    snprintf(request, sizeof request,
             "%s /api/v1/host HTTP/1.1\r\nHost: w\r\nConnection: close\r\nContent-Length: 0\r\n"
             "Authorization: Bearer %s\r\n\r\n",
             method, token);
    if (tls_open(&c, dial_remote(), NULL, NULL) == 0 &&
        gnutls_record_send(c.session, request, strlen(request)) > 0 &&
        tls_read_all(&c, text, sizeof text))
        status = atoi(text + 9);
    tls_close(&c);
    return status;
}

static void *many(void *wrong)
{
    for (int i = 0; i < 8; i++) {
        if (asked_with("GET", OPS) != 200) (*(int *)wrong)++;
        if (asked_with("POST", OPS) != 405) (*(int *)wrong)++; /* nothing is commanded there */
        if (asked_with("GET", "nobody") != 401) (*(int *)wrong)++;
    }
    return NULL;
}

static void many_come_while_files_change(void **state)
{
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    int wrong[THREADS] = {0};
    (void)state;
    start();
    serve_all();
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, many, &wrong[i]), 0);
    write_text("b", NEW "\n", 0600);
    uint64_t deadline = wardi_now_ns() + PATIENCE_NS;
    while (asked_with("GET", NEW) != 200) assert_true(wardi_now_ns() < deadline);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(wrong[i], 0);
    }
    assert_int_equal(asked_with("GET", LOOK), 401);
    wait_for(0, "", WARD_EVENT_OPERATOR, 0);
}

static int serving(void **state)
{
    adjust_options = adjust;
    return open_host(state);
}

static int stop(void **state)
{
    remove_files();
    return close_host(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(many_come_while_files_change, serving, stop),
    };
    server = make(&(made_options){.common_name = "ward"});
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unmake(&server);
    free(spare);
    return failed;
}
