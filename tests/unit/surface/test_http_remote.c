/* Control over TCP: who is let in, who is not, what each learns, and what strangers cost. */
#include <fcntl.h>
#include <poll.h>

#include "unit/surface/tls_kit.h"

#include "surface/http.h"
#include "surface/keyring.h"

#define OPS "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define LOOK "f123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define BEARER(token) "Authorization: Bearer " token "\r\n"

static made ca, other_ca, server, ops, look, uri, unnamed, expired, early, foreign, self_signed,
    for_servers, shadow;
static wardi_surface_token tokens[2];
static const wardi_surface_client clients[] = {{"ops.example", WARDI_MAY_WRITE},
                                               {"look.example", WARDI_MAY_READ},
                                               {"spiffe://example/ward", WARDI_MAY_WRITE}};

static void make_all(void)
{
    static const char client[] = GNUTLS_KP_TLS_WWW_CLIENT;
    ca = make(&(made_options){.common_name = "signs", .is_ca = true});
    other_ca = make(&(made_options){.common_name = "signs too", .is_ca = true});
    server = make(&(made_options){.common_name = "ward", .dns_name = "ward.example"});
    ops = make(&(made_options){.by = &ca, .dns_name = "ops.example", .purpose = client});
    look = make(&(made_options){.by = &ca, .common_name = "look.example", .purpose = client});
    uri = make(&(made_options){.by = &ca, .uri = "spiffe://example/ward", .purpose = client});
    unnamed = make(&(made_options){.by = &ca, .dns_name = "nobody.example", .purpose = client});
    expired = make(&(made_options){
        .by = &ca, .dns_name = "ops.example", .purpose = client, .from_s = -DAY_S, .to_s = -1});
    early = make(&(made_options){
        .by = &ca, .dns_name = "ops.example", .purpose = client, .from_s = 3600, .to_s = DAY_S});
    foreign = make(&(made_options){.by = &other_ca, .dns_name = "ops.example", .purpose = client});
    self_signed = make(&(made_options){.dns_name = "ops.example", .purpose = client});
    for_servers = make(&(made_options){.by = &ca, .dns_name = "ops.example"});
    /* The common name says nothing where there are others. */
    shadow = make(&(made_options){
        .by = &ca, .common_name = "ops.example", .dns_name = "nobody.example", .purpose = client});
}

static void adjust(wardi_surface_options *options)
{
    tokens[0] = (wardi_surface_token){"ops", write_text("a", OPS "\n", 0600), WARDI_MAY_WRITE};
    tokens[1] = (wardi_surface_token){"look", write_text("b", LOOK "\n", 0600), WARDI_MAY_READ};
    options->remote = (wardi_surface_remote){.address = "127.0.0.1:0",
                                             .certificate = write_certificate("c", &server),
                                             .key = write_key("k", &server),
                                             .client_ca = write_certificate("ca", &ca),
                                             .tokens = tokens,
                                             .token_count = 2,
                                             .clients = clients,
                                             .client_count = WARD_COUNT(clients)};
}

static int serving(void **state)
{
    return serving_as(state, adjust);
}

static int stop(void **state)
{
    remove_files();
    return close_host(state);
}

#define RESTART "/api/v1/components/a/restart"

static void expect(const answer *a, int status)
{
    if (a->status != status) fail_msg("%d, not %d: %s", a->status, status, a->text);
}

/* ---- grants ---- */

static void a_token_is_good_for_its_grant(void **state)
{
    (void)state;
    expect(tls_request(NULL, "GET", "/readyz", BEARER(LOOK)), 200);
    expect(tls_request(NULL, "GET", "/api/v1/components/a", BEARER(LOOK)), 200);
    expect(tls_request(NULL, "GET", "/metrics", BEARER(LOOK)), 200);
    expect(tls_request(NULL, "GET", "/", BEARER(LOOK)), 200);
    const answer *a = tls_request(NULL, "POST", RESTART, BEARER(LOOK));
    expect(a, 403);
    assert_non_null(strstr(a->text, "application/problem+json"));
    assert_non_null(strstr(a->text, "The token look may only read"));
    expect(tls_request(NULL, "GET", "/api/v1/host", BEARER(OPS)), 200);
    expect(tls_request(NULL, "POST", RESTART, BEARER(OPS)), 202);
    long at = wait_for(0, "a", WARD_EVENT_OPERATOR, 0);
    assert_int_equal(strncmp(record.events[at].reason, "restart, by token ops (127.0.0.1:", 33), 0);
    assert_null(strstr(record.events[at].reason, "0123456789"));
}

static void a_certificate_is_good_for_its_grant(void **state)
{
    (void)state;
    expect(tls_request(&look, "GET", "/readyz", ""), 200);
    const answer *a = tls_request(&look, "POST", RESTART, "");
    expect(a, 403);
    assert_non_null(strstr(a->text, "The certificate of look.example may only read"));
    expect(tls_request(&uri, "POST", RESTART, ""), 202);
    expect(tls_request(&ops, "POST", RESTART, ""), 202);
    long at = wait_for(0, "a", WARD_EVENT_OPERATOR, 0);
    assert_int_equal(
        strncmp(record.events[at].reason, "restart, by certificate spiffe://example/ward (", 47),
        0);
}

/* Everything but the path that is in it. */
static void expect_unauthorized(const answer *a, const char *why)
{
    expect(a, 401);
    assert_non_null(strstr(a->text, "\r\nWWW-Authenticate: Bearer realm=\"ward\""));
    assert_non_null(strstr(a->text, "\r\nConnection: close\r\n"));
    assert_non_null(strstr(a->text, "application/problem+json"));
    if (strstr(a->text, why) == NULL) fail_msg("no \"%s\" in %s", why, a->text);
}

static void who_shows_nothing_learns_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *method, *path;
    } asked[] = {{"GET", "/"},
                 {"GET", "/api/v1/components/a"},
                 {"GET", "/api/v1/components/b"},
                 {"GET", "/nothing"},
                 {"GET", "/%zz"},
                 {"POST", RESTART},
                 {"POST", "/api/v1/components/b/restart"},
                 {"OPTIONS", "/api/v1/components/a"},
                 {"DELETE", "/api/v1/components/a"},
                 {"BREW", "/"},
                 {"GET", "/metrics?nonsense=1"},
                 {"GET", "/livez"}};
    char first[4096] = "";
    for (size_t i = 0; i < WARD_COUNT(asked); i++) {
        answer *a = tls_request(NULL, asked[i].method, asked[i].path, "");
        expect_unauthorized(a, "neither has come");
        /* The rest is the same byte for byte. */
        char *instance = strstr(a->text, "\"instance\":\"");
        char *length = strstr(a->text, "Content-Length: "), *date = strstr(a->text, "Date: ");
        assert_non_null(instance);
        *instance = '\0';
        if (length != NULL) memset(length + 16, '0', strcspn(length + 16, "\r"));
        if (date != NULL) memset(date + 6, '0', strcspn(date + 6, "\r"));
        if (length != NULL) length[17] = '\0';
        if (i == 0) strcpy(first, a->text);
        assert_string_equal(a->text, first);
    }
}

static void a_wrong_token_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        BEARER("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdee"),
        BEARER("0"),
        "Authorization: Bearer\r\n",
        "Authorization: Basic b3BzOm9wcw==\r\n",
        "Authorization: Bearer " OPS " " OPS "\r\n",
        "Authorization: \r\n"};
    for (size_t i = 0; i < WARD_COUNT(wrong); i++) {
        const answer *a = tls_request(NULL, "GET", "/readyz", wrong[i]);
        expect_unauthorized(a, "error=\"invalid_token\"");
        assert_null(strstr(a->text, "0123456789abcdef"));
    }
    /* Who shows a token is not let in by a certificate instead. */
    expect_unauthorized(tls_request(&ops, "GET", "/readyz", wrong[0]), "nobody's");
    expect(tls_request(&foreign, "GET", "/readyz", BEARER(OPS)), 200);
    long at = wait_for(0, "", WARD_EVENT_OPERATOR, 0);
    assert_non_null(strstr(record.events[at].reason, "refused over TLS"));
    assert_non_null(strstr(record.events[at].reason, "from 127.0.0.1:"));
}

static void a_certificate_that_is_not_right_is_refused(void **state)
{
    (void)state;
    const struct {
        const made *as;
        const char *why;
    } wrong[] = {{&unnamed, "is of nobody who may"},  {&shadow, "is of nobody who may"},
                 {&expired, "has expired"},           {&early, "is not valid yet"},
                 {&foreign, "is signed by nobody"},   {&self_signed, "is signed by nobody"},
                 {&for_servers, "is not for clients"}};
    for (size_t i = 0; i < WARD_COUNT(wrong); i++)
        expect_unauthorized(tls_request(wrong[i].as, "POST", RESTART, ""), wrong[i].why);
    assert_int_equal(find(0, "a", WARD_EVENT_OPERATOR, 0), -1);
}

static void each_route_has_its_grant(void **state)
{
    (void)state;
    for (size_t i = 0; i < http_route_count(); i++) {
        const http_route *route = http_route_at(i);
        bool changes = route->method == HTTP_POST || route->method == HTTP_DELETE;
        assert_int_equal(route->needs, changes ? WARDI_MAY_WRITE : WARDI_MAY_READ);
        /* And it is held to it: nobody who may only read changes anything by any of them. */
        char path[200];
        snprintf(path, sizeof path, "%s", route->path);
        char *place = strstr(path, "{component}");
        if (!changes || place == NULL) continue;
        memmove(place + 1, place + strlen("{component}"),
                strlen(place + strlen("{component}")) + 1);
        *place = 'a';
        expect(tls_request(NULL, changes && route->method == HTTP_DELETE ? "DELETE" : "POST", path,
                           BEARER(LOOK)),
               403);
    }
    assert_int_equal(find(0, "a", WARD_EVENT_OPERATOR, 0), -1);
}

static void pages_of_other_sites_command_nothing(void **state)
{
    (void)state;
    expect(tls_request(&ops, "POST", RESTART, "Origin: https://evil.example\r\n"), 403);
    expect(tls_request(&ops, "POST", RESTART, "Origin: null\r\n"), 403);
    expect(tls_request(&ops, "POST", RESTART, "Sec-Fetch-Site: cross-site\r\n"), 403);
    assert_int_equal(find(0, "a", WARD_EVENT_OPERATOR, 0), -1);
    expect(tls_request(&ops, "POST", RESTART,
                       "Origin: https://ward.example\r\nSec-Fetch-Site: same-origin\r\n"),
           202);
    expect(tls_request(&ops, "GET", "/readyz", "Origin: https://evil.example\r\n"), 200);
}

static void options_tell_what_one_may(void **state)
{
    (void)state;
    const answer *a = tls_request(NULL, "OPTIONS", RESTART, BEARER(OPS));
    expect(a, 204);
    assert_non_null(strstr(a->text, "\r\nAllow: POST, OPTIONS\r\n"));
    a = tls_request(NULL, "OPTIONS", RESTART, BEARER(LOOK));
    assert_non_null(strstr(a->text, "\r\nAllow: OPTIONS\r\n"));
}

static void what_is_refused_is_counted(void **state)
{
    (void)state;
    expect(tls_request(NULL, "GET", "/metrics", ""), 401);
    expect(tls_request(NULL, "GET", "/metrics", BEARER("x")), 401);
    const answer *a = tls_request(NULL, "GET", "/metrics", BEARER(LOOK));
    expect(a, 200);
    const char *found = strstr(a->text, "\nward_surface_unauthorized_total ");
    assert_non_null(found);
    assert_int_equal(atoi(found + strlen("\nward_surface_unauthorized_total ")), 2);
    found = strstr(a->text, "\nward_surface_certificate_expires_seconds ");
    assert_non_null(found);
    double left_s =
        atof(found + strlen("\nward_surface_certificate_expires_seconds ")) - (double)time(NULL);
    assert_true(left_s > DAY_S * 0.5 && left_s <= DAY_S);
}

/* ---- the protocol ---- */

static void a_connection_serves_many_requests(void **state)
{
    static const char request[] = "GET /readyz HTTP/1.1\r\nHost: w\r\n" BEARER(LOOK) "\r\n";
    tls_client c;
    char text[4096];
    (void)state;
    assert_int_equal(tls_open(&c, dial_remote(), NULL, NULL), 0);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(gnutls_record_send(c.session, request, sizeof request - 1),
                         sizeof request - 1);
        ssize_t length = gnutls_record_recv(c.session, text, sizeof text - 1);
        assert_true(length > 0);
        text[length] = '\0';
        if (strncmp(text, "HTTP/1.1 200", 12) != 0) fail_msg("%s", text);
        /* The body may be a record of its own. */
        while (strstr(text, "\r\n\r\nok") == NULL) {
            ssize_t more_length =
                gnutls_record_recv(c.session, text + length, sizeof text - 1 - (size_t)length);
            assert_true(more_length > 0);
            length += more_length;
            text[length] = '\0';
        }
    }
    /* Whom it is let in is decided anew each time. */
    static const char bare[] = "GET /readyz HTTP/1.1\r\nHost: w\r\n\r\n";
    assert_int_equal(gnutls_record_send(c.session, bare, sizeof bare - 1), sizeof bare - 1);
    assert_true(tls_read_all(&c, text, sizeof text));
    assert_int_equal(strncmp(text, "HTTP/1.1 401", 12), 0);
    tls_close(&c);
}

static void a_request_may_come_byte_by_byte_in_records(void **state)
{
    static const char request[] =
        "GET /readyz HTTP/1.1\r\nHost: w\r\nConnection: close\r\n" BEARER(LOOK) "\r\n";
    tls_client c;
    char text[4096];
    (void)state;
    assert_int_equal(tls_open(&c, dial_remote(), NULL, NULL), 0);
    for (size_t i = 0; i + 1 < sizeof request; i++)
        assert_int_equal(gnutls_record_send(c.session, request + i, 1), 1);
    assert_true(tls_read_all(&c, text, sizeof text));
    assert_int_equal(strncmp(text, "HTTP/1.1 200", 12), 0);
    tls_close(&c);
}

static void only_tls_1_2_and_1_3_are_spoken(void **state)
{
    (void)state;
    static const char *const fine[] = {
        "NORMAL:-VERS-ALL:+VERS-TLS1.3", "NORMAL:-VERS-ALL:+VERS-TLS1.2",
        "NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-128-GCM:-KX-ALL:+ECDHE-ECDSA"};
    static const char *const old[] = {"LEGACY:-VERS-ALL:+VERS-TLS1.1:%COMPAT",
                                      "LEGACY:-VERS-ALL:+VERS-TLS1.0:%COMPAT",
                                      "NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-128-CBC",
                                      "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+RSA",
                                      "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+DHE-RSA"};
    tls_client c;
    for (size_t i = 0; i < WARD_COUNT(fine); i++) {
        assert_int_equal(tls_open(&c, dial_remote(), NULL, fine[i]), 0);
        tls_close(&c);
    }
    for (size_t i = 0; i < WARD_COUNT(old); i++) {
        if (tls_open(&c, dial_remote(), NULL, old[i]) == 0) fail_msg("%s", old[i]);
        tls_close(&c);
    }
    expect(tls_request(NULL, "GET", "/readyz", BEARER(LOOK)), 200);
}

static void expect_end(int fd)
{
    char bytes[4096];
    struct pollfd one = {.fd = fd, .events = POLLIN};
    do assert_int_equal(poll(&one, 1, (int)(PATIENCE_NS / MS)), 1);
    while (recv(fd, bytes, sizeof bytes, 0) > 0);
    close(fd);
}

static void what_is_no_tls_ends(void **state)
{
    (void)state;
    static const char *const said[] = {
        "GET /readyz HTTP/1.1\r\nHost: w\r\n" BEARER(OPS) "\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "\x16\x03\x01\x40\x01garbage that is longer than a record may be",
        "\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00",
        "\x15\x03\x01\x00\x02\x02\x28",
        "\x80\x2e\x01\x03\x01"};
    static const size_t lengths[] = {0, 0, 0, 10, 7, 5};
    for (size_t i = 0; i < WARD_COUNT(said); i++) {
        int fd = dial_remote();
        assert_true(put_bytes(fd, said[i], lengths[i] != 0 ? lengths[i] : strlen(said[i])));
        shutdown(fd, SHUT_WR);
        expect_end(fd);
    }
    expect(tls_request(NULL, "GET", "/readyz", BEARER(LOOK)), 200);
}

/* Half of a handshake, and then nothing: the time for a request runs. */
static void a_slow_handshake_ends(void **state)
{
    (void)state;
    /* The beginning of a record of 512 bytes. */
    static const char begun[] = {0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, (char)0xfc};
    uint64_t began_ns = wardi_now_ns();
    int fd = dial_remote();
    assert_true(put_bytes(fd, begun, sizeof begun));
    struct timespec before, after;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
    expect_end(fd);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
    assert_true(wardi_now_ns() - began_ns >= HTTP_REQUEST_NS - 100 * MS);
    /* Nobody has run in circles meanwhile: of five seconds, less than one. */
    double used_s =
        (double)(after.tv_sec - before.tv_sec) + (double)(after.tv_nsec - before.tv_nsec) / 1e9;
    if (used_s > 1) fail_msg("%g s of the processor", used_s);
}

static void a_handshake_without_a_request_ends(void **state)
{
    (void)state;
    tls_client c;
    char text[100];
    assert_int_equal(tls_open(&c, dial_remote(), NULL, NULL), 0);
    assert_false(tls_read_all(&c, text, sizeof text));
    tls_close(&c);
}

static void one_stranger_more_makes_the_first_leave(void **state)
{
    enum { MORE = 8 };
    int strangers[32 + MORE];
    tls_client known;
    char text[4096];
    static const char request[] = "GET /readyz HTTP/1.1\r\nHost: w\r\n" BEARER(LOOK) "\r\n";
    (void)state;
    /* Who has shown a token stays. */
    assert_int_equal(tls_open(&known, dial_remote(), NULL, NULL), 0);
    gnutls_record_send(known.session, request, sizeof request - 1);
    assert_true(gnutls_record_recv(known.session, text, sizeof text) > 0);
    for (size_t i = 0; i < WARD_COUNT(strangers); i++) strangers[i] = dial_remote();
    for (size_t i = 0; i < MORE; i++) expect_end(strangers[i]);
    gnutls_record_send(known.session, request, sizeof request - 1);
    assert_true(gnutls_record_recv(known.session, text, sizeof text) > 0);
    expect(tls_request(NULL, "GET", "/readyz", BEARER(LOOK)), 200);
    for (size_t i = MORE; i < WARD_COUNT(strangers); i++) close(strangers[i]);
    tls_close(&known);
}

enum { MANY = 24 };

static void open_many(tls_client c[MANY])
{
    for (int i = 0; i < MANY; i++) {
        c[i].fd = dial_remote();
        GOOD(gnutls_init(&c[i].session, GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL));
        GOOD(gnutls_certificate_allocate_credentials(&c[i].credentials));
        GOOD(gnutls_credentials_set(c[i].session, GNUTLS_CRD_CERTIFICATE, c[i].credentials));
        GOOD(gnutls_set_default_priority(c[i].session));
        fcntl(c[i].fd, F_SETFL, O_NONBLOCK);
        gnutls_transport_set_int(c[i].session, c[i].fd);
    }
}

/* True: its handshake has come to its end. */
static bool went_on(tls_client *c)
{
    int result = gnutls_handshake(c->session);
    if (gnutls_error_is_fatal(result) != 0) fail_msg("%s", gnutls_strerror(result));
    return result == 0;
}

/* There is little time for handshakes in one turn of the loop; and yet each comes to its end. */
static void all_who_say_hello_at_once_are_heard(void **state)
{
    tls_client c[MANY];
    bool done[MANY] = {false};
    (void)state;
    open_many(c);
    uint64_t deadline = wardi_now_ns() + PATIENCE_NS;
    for (int left = MANY; left > 0;) {
        assert_true(wardi_now_ns() < deadline);
        for (int i = 0; i < MANY; i++) {
            if (done[i] || !went_on(&c[i])) continue;
            done[i] = true;
            left--;
        }
        wardi_sleep_until_ns(wardi_now_ns() + MS);
    }
    for (int i = 0; i < MANY; i++) tls_close(&c[i]);
}

/* ---- files that change ---- */

static void await_status(const made *as, const char *headers, int status)
{
    uint64_t deadline = wardi_now_ns() + PATIENCE_NS;
    for (;;) {
        const answer *a = tls_request(as, "GET", "/readyz", headers);
        if (a->status == status) return;
        if (wardi_now_ns() > deadline) fail_msg("%d, not %d: %s", a->status, status, a->text);
        wardi_sleep_until_ns(wardi_now_ns() + 100 * MS);
    }
}

#define NEW "n123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* Who may no more is told nothing more. */
static void expect_stream_end(tls_client *c)
{
    char text[4096];
    ssize_t got;
    uint64_t deadline = wardi_now_ns() + PATIENCE_NS;
    do {
        got = gnutls_record_recv(c->session, text, sizeof text);
        if (got == GNUTLS_E_AGAIN || wardi_now_ns() > deadline) fail_msg("the stream goes on");
    } while (got > 0);
}

static void a_token_is_replaced_while_all_is_served(void **state)
{
    static const char request[] = "GET /events HTTP/1.1\r\nHost: w\r\n" BEARER(LOOK) "\r\n";
    static const char stays[] = "GET /events HTTP/1.1\r\nHost: w\r\n" BEARER(OPS) "\r\n";
    tls_client stream, other;
    char text[4096];
    (void)state;
    assert_int_equal(tls_open(&stream, dial_remote(), NULL, NULL), 0);
    gnutls_record_send(stream.session, request, sizeof request - 1);
    assert_true(gnutls_record_recv(stream.session, text, sizeof text) > 0);
    assert_int_equal(tls_open(&other, dial_remote(), NULL, NULL), 0);
    gnutls_record_send(other.session, stays, sizeof stays - 1);
    assert_true(gnutls_record_recv(other.session, text, sizeof text) > 0);
    write_text("b", NEW "\n", 0600);
    await_status(NULL, BEARER(NEW), 200);
    await_status(NULL, BEARER(LOOK), 401);
    await_status(NULL, BEARER(OPS), 200);
    expect_stream_end(&stream);
    /* The other's goes on: something new comes by it. */
    assert_int_equal(ward_supervisor_record(supervisor, "a", "hello, stream"), WARD_OK);
    size_t length = 0;
    do {
        ssize_t got = gnutls_record_recv(other.session, text + length, sizeof text - 1 - length);
        assert_true(got > 0);
        length += (size_t)got;
        text[length] = '\0';
    } while (strstr(text, "hello, stream") == NULL);
    tls_close(&stream);
    tls_close(&other);
}

static void what_cant_be_read_anew_changes_nothing(void **state)
{
    (void)state;
    write_text("b", "short\n", 0600);
    long at = wait_for(0, "", WARD_EVENT_OPERATOR, 0);
    assert_non_null(strstr(record.events[at].reason, "TLS goes on with what it has"));
    assert_non_null(strstr(record.events[at].reason, "at least 32"));
    expect(tls_request(NULL, "GET", "/readyz", BEARER(LOOK)), 200);
    write_text("b", NEW "\n", 0600);
    await_status(NULL, BEARER(NEW), 200);
}

static void a_certificate_is_replaced_while_all_is_served(void **state)
{
    (void)state;
    made newer = make(&(made_options){.common_name = "newer", .dns_name = "ward.example"});
    tls_client c;
    gnutls_datum_t wanted;
    bool same = false;
    GOOD(gnutls_x509_crt_export2(newer.certificate, GNUTLS_X509_FMT_DER, &wanted));
    write_key("k", &newer); /* for a moment they do not fit, and nothing happens */
    write_certificate("c", &newer);
    uint64_t deadline = wardi_now_ns() + PATIENCE_NS;
    while (!same && wardi_now_ns() < deadline) {
        unsigned count = 0;
        assert_int_equal(tls_open(&c, dial_remote(), NULL, NULL), 0);
        const gnutls_datum_t *shown = gnutls_certificate_get_peers(c.session, &count);
        same = shown[0].size == wanted.size && memcmp(shown[0].data, wanted.data, wanted.size) == 0;
        tls_close(&c);
        wardi_sleep_until_ns(wardi_now_ns() + 100 * MS);
    }
    assert_true(same);
    gnutls_free(wanted.data);
    unmake(&newer);
}

/* ---- what is refused before anything is opened ---- */

static void without_tls_or_anybody_it_is_refused(void **state)
{
    (void)state;
    ward_diag diag = {0};
    wardi_surface *none = NULL;
    wardi_surface_options options = {.remote = {.address = "127.0.0.1:0"}};
    assert_int_equal(wardi_surface_new(&options, &none, &diag), WARD_ERROR_INVALID_ARGUMENT);
    assert_non_null(strstr(diag.text, "takes TLS"));
    options.remote.certificate = options.remote.key = "/nowhere";
    assert_int_equal(wardi_surface_new(&options, &none, &diag), WARD_ERROR_INVALID_ARGUMENT);
    assert_non_null(strstr(diag.text, "nobody could come in"));
    options.remote.tokens = (const wardi_surface_token[]){{"a", "/nowhere", WARDI_MAY_READ}};
    options.remote.token_count = 1;
    assert_int_equal(wardi_surface_new(&options, &none, &diag), WARD_ERROR_NOT_FOUND);
    assert_non_null(strstr(diag.text, "/nowhere"));
    assert_null(none);
}

#define REMOTE_TEST(name) cmocka_unit_test_setup_teardown(name, serving, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        REMOTE_TEST(a_token_is_good_for_its_grant),
        REMOTE_TEST(a_certificate_is_good_for_its_grant),
        REMOTE_TEST(who_shows_nothing_learns_nothing),
        REMOTE_TEST(a_wrong_token_is_refused),
        REMOTE_TEST(a_certificate_that_is_not_right_is_refused),
        REMOTE_TEST(each_route_has_its_grant),
        REMOTE_TEST(pages_of_other_sites_command_nothing),
        REMOTE_TEST(options_tell_what_one_may),
        REMOTE_TEST(what_is_refused_is_counted),
        REMOTE_TEST(a_connection_serves_many_requests),
        REMOTE_TEST(a_request_may_come_byte_by_byte_in_records),
        REMOTE_TEST(only_tls_1_2_and_1_3_are_spoken),
        REMOTE_TEST(what_is_no_tls_ends),
        REMOTE_TEST(a_slow_handshake_ends),
        REMOTE_TEST(a_handshake_without_a_request_ends),
        REMOTE_TEST(one_stranger_more_makes_the_first_leave),
        REMOTE_TEST(all_who_say_hello_at_once_are_heard),
        REMOTE_TEST(a_token_is_replaced_while_all_is_served),
        REMOTE_TEST(what_cant_be_read_anew_changes_nothing),
        REMOTE_TEST(a_certificate_is_replaced_while_all_is_served),
        cmocka_unit_test(without_tls_or_anybody_it_is_refused),
    };
    make_all();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    made *const all[] = {&ca,    &other_ca, &server,  &ops,         &look,        &uri,   &unnamed,
                         &early, &expired,  &foreign, &self_signed, &for_servers, &shadow};
    for (size_t i = 0; i < WARD_COUNT(all); i++) unmake(all[i]);
    free(spare);
    return failed;
}
