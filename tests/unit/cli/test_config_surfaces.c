/* The surfaces in ward.yaml: what is missing for control over TCP, and what says nothing. */
#include <unistd.h>

#include "unit/cli/config_kit.h"

#define SURFACES(text) "version: 1\nsurfaces: {" text "}\ncomponents: {a: {path: a.wasm}}\n"
#define TLS "tls: {certificate: c.pem, key: k.pem"

static void control_over_tcp_is_whole_or_refused(void **state)
{
    (void)state;
    static const bad_case cases[] = {
        {SURFACES("remote: here"),
         "2:20: surfaces.remote: \"here\" is no address; write HOST:PORT, like 127.0.0.1:9320 or "
         "[::]:9320, or off\n"},
        {SURFACES("remote: ':9322', tokens: [{name: a, file: f, grant: read}]"),
         "2:20: surfaces.remote: control over TCP takes TLS; name the files of a certificate and "
         "its key: `tls: {certificate: …, key: …}`\n"},
        {SURFACES("remote: ':9322', " TLS "}"),
         "2:20: surfaces.remote: nobody could come in; write `tokens:`, or `tls.client_ca` and "
         "`clients:`\n"},
        {SURFACES("remote: ':9322', " TLS ", client_ca: a.pem}"),
         "2:78: surfaces.tls.client_ca: whose certificate it has signed is not enough; name who "
         "may, and what: `clients: [{name: …, grant: read}]`\n"},
        {SURFACES("remote: ':9322', " TLS "}, tokens: [{name: a, file: f, grant: read}], clients: "
                  "[{name: a, grant: read}]"),
         "2:120: surfaces.clients: they say nothing without `tls.client_ca`, which tells whose "
         "certificates count\n"},
        {SURFACES("tokens: [{name: a, file: f, grant: read}]"),
         "2:20: surfaces.tokens: it says nothing while `surfaces.remote` is not there; write "
         "`remote: 0.0.0.0:9322`, or take it out\n"},
        {SURFACES("remote: ':9322', " TLS "}, tokens: [{name: a, file: f}]"),
         "2:76: surfaces.tokens: a token has a `grant`; write `grant: read` or `grant: write`\n"},
        {SURFACES("remote: ':9322', " TLS "}, tokens: [{name: a, grant: read}]"),
         "2:76: surfaces.tokens: a token has a `file` that it stands in; write `file: …`, never "
         "the "
         "token itself\n"},
        {SURFACES("remote: ':9322', " TLS "}, tokens: [{name: a, file: f, grant: read}, {name: a, "
                  "file: g, grant: write}]"),
         "2:76: surfaces.tokens: two tokens have the same name; events could not tell them "
         "apart\n"},
        {SURFACES("remote: ':9322', " TLS "}, tokens: [{name: 'a b', file: f, grant: read}]"),
         "2:76: surfaces.tokens: a token has a `name`, as components have: 1 to 127 letters, "
         "digits, '.', '_' or '-'\n"},
        {SURFACES("tokens: [deadbeef]"), "2:21: surfaces.tokens takes maps; write `- {name: ops, "
                                         "file: ops.token, grant: write}`\n"},
        {SURFACES("tokens: {name: a}"), "2:20: surfaces.tokens takes a list; write [one, two]\n"},
        {SURFACES("tokens: [{name: a, file: f, grant: all}]"),
         "2:47: grant: \"all\" is not one of its words; write read or write\n"},
        {SURFACES("tokens: [{name: a, token: f}]"),
         "2:31: \"token\" is no key of a token; it takes name, file, grant\n"},
        {SURFACES("http_hosts: ['a:1', b]"),
         "2:25: surfaces.http_hosts: \"a:1\" is no name of a host; write one like ward.example, "
         "without a port, or \"*\"\n"},
    };
    check_bad(cases, WARD_COUNT(cases));
}

static void control_over_tcp_may_be_off_for_now(void **state)
{
    (void)state;
    wardi_config *config =
        parsed(SURFACES("remote: off, " TLS "}, tokens: [{name: a, file: f, grant: read}]"), NULL);
    assert_string_equal(config->surfaces.remote.address, "");
    wardi_config_free(config);
}

static void files_of_tls_have_to_be_there(void **state)
{
    (void)state;
    static const char yaml[] =
        SURFACES("remote: ':9322', " TLS "}, tokens: [{name: a, file: f, grant: read}]");
    wardi_mistakes mistakes = {0};
    wardi_config *config = NULL;
    assert_int_equal(wardi_config_parse(yaml, strlen(yaml), "/nowhere", &config, &mistakes),
                     WARD_ERROR_CONFIG);
    char *text = listed(&mistakes);
    static const char *const paths[] = {"/nowhere/c.pem", "/nowhere/k.pem", "/nowhere/f"};
    for (size_t i = 0; i < WARD_COUNT(paths); i++)
        if (strstr(text, paths[i]) == NULL) fail_msg("no %s in %s", paths[i], text);
    free(text);
    wardi_mistakes_done(&mistakes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(control_over_tcp_is_whole_or_refused),
        cmocka_unit_test(control_over_tcp_may_be_off_for_now),
        cmocka_unit_test(files_of_tls_have_to_be_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
