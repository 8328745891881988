/* Who may do what: users, tokens, names of certificates; and which hosts and pages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "surface/grant.h"

static void the_same_user_and_root_may_all(void **state)
{
    (void)state;
    const grant_groups none = {.own_uid = 1000};
    assert_int_equal(grant_of_user(&none, 1000, NULL, 0), WARDI_MAY_WRITE);
    assert_int_equal(grant_of_user(&none, 0, NULL, 0), WARDI_MAY_WRITE);
    assert_int_equal(grant_of_user(&none, 1001, NULL, 0), WARDI_MAY_NOTHING);
}

static void members_of_groups_may_what_the_group_may(void **state)
{
    (void)state;
    const gid_t both[] = {7, 20, 10}, reads[] = {7, 20}, writes[] = {10}, neither[] = {7, 0};
    const grant_groups groups = {.own_uid = 1000,
                                 .write_gid = 10,
                                 .read_gid = 20,
                                 .has_write_gid = true,
                                 .has_read_gid = true};
    assert_int_equal(grant_of_user(&groups, 1001, both, 3), WARDI_MAY_WRITE);
    assert_int_equal(grant_of_user(&groups, 1001, reads, 2), WARDI_MAY_READ);
    assert_int_equal(grant_of_user(&groups, 1001, writes, 1), WARDI_MAY_WRITE);
    /* The group of root is none that was named: a gid of 0 is not "no group". */
    assert_int_equal(grant_of_user(&groups, 1001, neither, 2), WARDI_MAY_NOTHING);
    const grant_groups unnamed = {.own_uid = 1000};
    assert_int_equal(grant_of_user(&unnamed, 1001, neither, 2), WARDI_MAY_NOTHING);
    const grant_groups readers = {.own_uid = 1000, .read_gid = 10, .has_read_gid = true};
    assert_int_equal(grant_of_user(&readers, 1001, writes, 1), WARDI_MAY_READ);
}

#define GOOD "0123456789abcdef0123456789abcdef"

static void tokens_are_long_and_plain(void **state)
{
    (void)state;
    char longest[GRANT_TOKEN_BYTES_MAX + 2];
    assert_null(grant_token_fault(GOOD, 32));
    assert_null(grant_token_fault("ABCDEFGHabcdefgh0123-._~+/======", 32));
    assert_non_null(grant_token_fault("", 0));
    assert_non_null(grant_token_fault(GOOD, 31));
    assert_non_null(grant_token_fault("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 42));
    assert_non_null(grant_token_fault("0123456789abcdef 123456789abcdef", 32));
    assert_non_null(grant_token_fault("0123456789abcdef\n123456789abcdef", 32));
    assert_non_null(grant_token_fault("0123456789abcdef\0"
                                      "123456789abcdef",
                                      32));
    assert_non_null(grant_token_fault("0123456789abcdef\xff"
                                      "123456789abcdef",
                                      32));
    for (size_t i = 0; i < sizeof longest; i++) longest[i] = GOOD[i % 32];
    assert_null(grant_token_fault(longest, GRANT_TOKEN_BYTES_MAX));
    assert_non_null(grant_token_fault(longest, GRANT_TOKEN_BYTES_MAX + 1));
}

static void a_token_is_found_by_all_of_it(void **state)
{
    (void)state;
    grant_token tokens[2] = {{.name = "look", .may = WARDI_MAY_READ},
                             {.name = "ops", .may = WARDI_MAY_WRITE}};
    grant_token_digest("first-0123456789abcdef0123456789", 32, tokens[0].digest);
    grant_token_digest(GOOD, 32, tokens[1].digest);
    assert_ptr_equal(grant_token_find(tokens, 2, GOOD, 32), &tokens[1]);
    assert_ptr_equal(grant_token_of(tokens, 2, tokens[0].digest), &tokens[0]);
    assert_null(grant_token_find(tokens, 2, GOOD, 31));
    assert_null(grant_token_find(tokens, 2, GOOD "0", 33));
    assert_null(grant_token_find(tokens, 2, "", 0));
    assert_null(grant_token_find(tokens, 1, GOOD, 32));
    /* In constant time is in our hands: it is the digests that are compared, and all of them. */
    char close[33] = GOOD;
    close[0] = '1';
    assert_null(grant_token_find(tokens, 2, close, 32));
}

static void a_bearer_is_read_strictly(void **state)
{
    (void)state;
    const char *text;
    size_t length;
    assert_true(grant_bearer_read("Bearer abc", &text, &length));
    assert_int_equal(length, 3);
    assert_memory_equal(text, "abc", 3);
    assert_true(grant_bearer_read("bEARER   a.b-c_d~e+f/g=", &text, &length));
    assert_int_equal(length, 14);
    static const char *const wrong[] = {"",        "Bearer",    "Bearer ",    "Bearer a b",
                                        "Basic x", "Bearerabc", "Bearer a,b", "Bearer \x80"};
    for (size_t i = 0; i < WARD_COUNT(wrong); i++)
        if (grant_bearer_read(wrong[i], &text, &length)) fail_msg("%s", wrong[i]);
    assert_false(grant_bearer_read(NULL, &text, &length));
}

static wardi_may grant_of_name(const wardi_surface_client *clients, size_t count, const char *name,
                               size_t length)
{
    const wardi_surface_client *found = grant_client_of(clients, count, name, length);
    return found != NULL ? found->may : WARDI_MAY_NOTHING;
}

static void a_certificates_name_is_the_whole_name(void **state)
{
    (void)state;
    static const wardi_surface_client clients[] = {{"look.example", WARDI_MAY_READ},
                                                   {"ops.example", WARDI_MAY_WRITE},
                                                   {"*.example", WARDI_MAY_WRITE}};
    assert_int_equal(grant_of_name(clients, 3, "look.example", 12), WARDI_MAY_READ);
    assert_int_equal(grant_of_name(clients, 3, "ops.example", 11), WARDI_MAY_WRITE);
    assert_int_equal(grant_of_name(clients, 3, "ops.example.evil", 11), WARDI_MAY_WRITE);
    assert_int_equal(grant_of_name(clients, 3, "ops.example\0.evil", 17), WARDI_MAY_NOTHING);
    assert_int_equal(grant_of_name(clients, 3, "ops.exampl", 10), WARDI_MAY_NOTHING);
    assert_int_equal(grant_of_name(clients, 3, "OPS.example", 11), WARDI_MAY_NOTHING);
    /* A star is a name like any other, and matches nothing else. */
    assert_int_equal(grant_of_name(clients, 3, "x.example", 9), WARDI_MAY_NOTHING);
    assert_int_equal(grant_of_name(clients, 0, "", 0), WARDI_MAY_NOTHING);
}

static void hosts_are_addresses_and_names_that_are_known(void **state)
{
    (void)state;
    static const char *const names[] = {"ward.example"}, *const any[] = {"*"};
    static const char *const fine[] = {"127.0.0.1",  "127.0.0.1:9320", "10.1.2.3:80", "[::1]",
                                       "[::1]:9320", "localhost",      "LocalHost:1", "localhost."};
    static const char *const wrong[] = {"",
                                        "evil.example",
                                        "127.0.0.1.evil.example",
                                        "127.0.0.1x",
                                        "::1",
                                        "[::1",
                                        "[::1]x",
                                        "[localhost]",
                                        "localhost.evil",
                                        "0x7f.1",
                                        "127.1",
                                        "localhost:80x",
                                        "ward.example.evil"};
    for (size_t i = 0; i < WARD_COUNT(fine); i++)
        if (!grant_host_fits(fine[i], names, 0)) fail_msg("%s", fine[i]);
    for (size_t i = 0; i < WARD_COUNT(wrong); i++) {
        if (grant_host_fits(wrong[i], names, 1)) fail_msg("%s", wrong[i]);
        assert_true(grant_host_fits(wrong[i], any, 1));
    }
    assert_false(grant_host_fits("ward.example", names, 0));
    assert_true(grant_host_fits("Ward.Example:9320", names, 1));
    assert_true(grant_host_fits("ward.example.", names, 1));
    assert_true(grant_host_fits("127.0.0.1", names, 1));
    assert_true(grant_host_fits(NULL, names, 1));
}

static void pages_of_other_sites_are_told_apart(void **state)
{
    (void)state;
    assert_true(grant_origin_fits(NULL, "w:1", NULL));
    assert_true(grant_origin_fits("https://w:1", "w:1", NULL));
    assert_true(grant_origin_fits("https://w:1", "W:1", "same-origin"));
    assert_true(grant_origin_fits(NULL, "w:1", "none"));
    assert_false(grant_origin_fits("http://w:1", "w:1", NULL));
    assert_false(grant_origin_fits("https://evil", "w:1", NULL));
    assert_false(grant_origin_fits("null", "w:1", NULL));
    assert_false(grant_origin_fits("https://w:1", NULL, NULL));
    assert_false(grant_origin_fits(NULL, "w:1", "cross-site"));
    assert_false(grant_origin_fits("https://w:1", "w:1", "same-site"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_user_and_root_may_all),
        cmocka_unit_test(members_of_groups_may_what_the_group_may),
        cmocka_unit_test(tokens_are_long_and_plain),
        cmocka_unit_test(a_token_is_found_by_all_of_it),
        cmocka_unit_test(a_bearer_is_read_strictly),
        cmocka_unit_test(a_certificates_name_is_the_whole_name),
        cmocka_unit_test(hosts_are_addresses_and_names_that_are_known),
        cmocka_unit_test(pages_of_other_sites_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
