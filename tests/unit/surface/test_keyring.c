/* Files of certificates and tokens: what is taken, what is refused, and when they are stale. */
#include "unit/surface/tls_kit.h"

#include "surface/keyring.h"

#define TOKEN_A "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define TOKEN_B "f123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static made own, other;
static wardi_surface_token tokens[2];
static wardi_surface_remote remote;

static int make_files(void **state)
{
    (void)state;
    const char *base = getenv("TMPDIR");
    snprintf(directory, sizeof directory, "%s/ward-keys-XXXXXX", base != NULL ? base : "/tmp");
    assert_non_null(mkdtemp(directory));
    if (own.certificate == NULL) {
        own = make(&(made_options){.common_name = "ward"});
        other = make(&(made_options){.common_name = "other"});
    }
    tokens[0] = (wardi_surface_token){"ops", write_text("a", TOKEN_A "\n", 0600), WARDI_MAY_WRITE};
    tokens[1] = (wardi_surface_token){"look", write_text("b", TOKEN_B, 0440), WARDI_MAY_READ};
    remote = (wardi_surface_remote){.address = "127.0.0.1:0",
                                    .certificate = write_certificate("c", &own),
                                    .key = write_key("k", &own),
                                    .tokens = tokens,
                                    .token_count = 2};
    return 0;
}

static int remove_all(void **state)
{
    (void)state;
    remove_files();
    rmdir(directory);
    return 0;
}

static void expect_refused(ward_error wanted, const char *file, const char *words)
{
    ward_diag diag = {0};
    keyring *keys = NULL;
    ward_error error = keyring_read(&remote, &keys, &diag);
    if (error != wanted) fail_msg("%s: %s", ward_error_name(error), diag.text);
    assert_null(keys);
    if (strstr(diag.text, file) == NULL) fail_msg("no %s in: %s", file, diag.text);
    if (strstr(diag.text, words) == NULL) fail_msg("no %s in: %s", words, diag.text);
    assert_null(strstr(diag.text, "0123456789"));
}

static keyring *expect_taken(void)
{
    ward_diag diag = {0};
    keyring *keys = NULL;
    if (keyring_read(&remote, &keys, &diag) != WARD_OK) fail_msg("%s", diag.text);
    return keys;
}

static void tokens_are_found(void **state)
{
    (void)state;
    keyring *keys = expect_taken();
    const grant_token *found = keyring_token(keys, TOKEN_A, strlen(TOKEN_A));
    assert_non_null(found);
    assert_string_equal(found->name, "ops");
    assert_int_equal(found->may, WARDI_MAY_WRITE);
    found = keyring_token(keys, TOKEN_B, strlen(TOKEN_B));
    assert_string_equal(found->name, "look");
    assert_null(keyring_token(keys, TOKEN_A "\n", strlen(TOKEN_A) + 1));
    assert_true(keyring_expires_s(keys) > (uint64_t)time(NULL));
    assert_ptr_equal(keyring_keep(keys), keys);
    keyring_drop(keys);
    keyring_drop(keys);
}

static void what_others_can_read_is_no_secret(void **state)
{
    (void)state;
    static const mode_t modes[] = {0644, 0604, 0602, 0601, 0620, 0660, 0666};
    for (size_t i = 0; i < WARD_COUNT(modes); i++) {
        assert_int_equal(chmod(tokens[0].file, modes[i]), 0);
        expect_refused(WARD_ERROR_INVALID_ARGUMENT, tokens[0].file, "chmod");
    }
    assert_int_equal(chmod(tokens[0].file, 0440), 0);
    keyring_drop(expect_taken());
    assert_int_equal(chmod(remote.key, 0644), 0);
    expect_refused(WARD_ERROR_INVALID_ARGUMENT, remote.key, "chmod o=");
    assert_int_equal(chmod(remote.key, 0400), 0);
    assert_int_equal(chmod(remote.certificate, 0666), 0); /* it is no secret */
    keyring_drop(expect_taken());
}

static void what_belongs_to_another_user_is_refused(void **state)
{
    (void)state;
    if (geteuid() != 0) skip(); /* only root can give files away */
    assert_int_equal(chown(tokens[0].file, 12345, (gid_t)-1), 0);
    expect_refused(WARD_ERROR_INVALID_ARGUMENT, tokens[0].file, "another user");
}

static void what_is_no_token_is_refused(void **state)
{
    (void)state;
    static const char two[] = TOKEN_A " " TOKEN_B;
    static const char *const texts[] = {"", "\n", "short", two,
                                        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    for (size_t i = 0; i < WARD_COUNT(texts); i++) {
        write_text("a", texts[i], 0600);
        expect_refused(WARD_ERROR_INVALID_ARGUMENT, tokens[0].file, "openssl rand -hex 32");
    }
    write_text("a", TOKEN_B "\r\n", 0600);
    expect_refused(WARD_ERROR_INVALID_ARGUMENT, tokens[1].file, "the same");
    char large[2000];
    memset(large, 'a', sizeof large);
    write_file("a", large, sizeof large, 0600);
    expect_refused(WARD_ERROR_INVALID_ARGUMENT, tokens[0].file, "more than");
}

static void what_is_no_file_is_refused(void **state)
{
    (void)state;
    tokens[0].file = directory;
    expect_refused(WARD_ERROR_INVALID_ARGUMENT, directory, "no file");
    char pipe[160];
    snprintf(pipe, sizeof pipe, "%s/pipe", directory);
    assert_int_equal(mkfifo(pipe, 0600), 0);
    tokens[0].file = pipe;
    expect_refused(WARD_ERROR_INVALID_ARGUMENT, pipe, "no file"); /* and nobody is waited for */
    unlink(pipe);
    expect_refused(WARD_ERROR_NOT_FOUND, pipe, "No such file");
}

static void a_key_is_the_certificates(void **state)
{
    (void)state;
    write_key("k", &other);
    expect_refused(WARD_ERROR_INVALID_ARGUMENT, remote.key, "not the key of");
    write_text("k", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", 0600);
    expect_refused(WARD_ERROR_INVALID_ARGUMENT, remote.key, "PEM");
    write_text("k", "", 0600);
    expect_refused(WARD_ERROR_INVALID_ARGUMENT, remote.key, "PEM");
    write_key("k", &own);
    write_text("c", "nothing", 0644);
    expect_refused(WARD_ERROR_INVALID_ARGUMENT, remote.certificate, "PEM");
}

static void signers_of_clients_are_certificates(void **state)
{
    (void)state;
    remote.client_ca = write_text("ca", "nothing", 0644);
    expect_refused(WARD_ERROR_INVALID_ARGUMENT, remote.client_ca, "no certificate");
    write_certificate("ca", &other);
    keyring_drop(expect_taken());
}

static void a_change_of_a_file_is_seen(void **state)
{
    (void)state;
    keyring *keys = expect_taken();
    assert_false(keyring_is_stale(keys));
    write_text("b", TOKEN_B, 0440); /* the same again is another file */
    assert_true(keyring_is_stale(keys));
    keyring_drop(keys);
    keys = expect_taken();
    assert_false(keyring_is_stale(keys));
    unlink(remote.key);
    assert_true(keyring_is_stale(keys));
    keyring_drop(keys);
}

static bool refuse_at(void *context, size_t size)
{
    long *left = context;
    (void)size;
    return (*left)-- != 0;
}

static void without_memory_it_is_said(void **state)
{
    (void)state;
    for (long at = 0;; at++) {
        long left = at;
        ward_diag diag = {0};
        keyring *keys = NULL;
        wardi_alloc_gate_set(refuse_at, &left);
        ward_error error = keyring_read(&remote, &keys, &diag);
        wardi_alloc_gate_set(NULL, NULL);
        keyring_drop(keys);
        if (error == WARD_OK) return;
        assert_int_equal(error, WARD_ERROR_NO_MEMORY);
        assert_true(at < 100);
    }
}

#define KEYRING_TEST(name) cmocka_unit_test_setup_teardown(name, make_files, remove_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        KEYRING_TEST(tokens_are_found),
        KEYRING_TEST(what_others_can_read_is_no_secret),
        KEYRING_TEST(what_belongs_to_another_user_is_refused),
        KEYRING_TEST(what_is_no_token_is_refused),
        KEYRING_TEST(what_is_no_file_is_refused),
        KEYRING_TEST(a_key_is_the_certificates),
        KEYRING_TEST(signers_of_clients_are_certificates),
        KEYRING_TEST(a_change_of_a_file_is_seen),
        KEYRING_TEST(without_memory_it_is_said),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unmake(&own);
    unmake(&other);
    return failed;
}
