/* The examples of FIPS 180-4 and of NIST's CAVP, and any way of cutting a message into updates. */
#include "base/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void hex(const uint8_t digest[WARDI_SHA256_BYTES], char ret[2 * WARDI_SHA256_BYTES + 1])
{
    for (int i = 0; i < WARDI_SHA256_BYTES; i++) snprintf(ret + 2 * i, 3, "%02x", digest[i]);
}

static void digest_in_steps(const void *bytes, size_t length, size_t step, char *ret)
{
    wardi_sha256 hash;
    wardi_sha256_init(&hash);
    for (size_t at = 0; at < length; at += step)
        wardi_sha256_update(&hash, (const char *)bytes + at,
                            length - at < step ? length - at : step);
    uint8_t digest[WARDI_SHA256_BYTES];
    wardi_sha256_done(&hash, digest);
    hex(digest, ret);
}

static void published_examples(void **state)
{
    (void)state;
    static const struct {
        const char *message, *digest;
    } rows[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqr"
         "lmnopqrsmnopqrstnopqrstu",
         "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
        {"\xd3", "28969cdfa74a12c82f3bad960b0b000aca2ac329deea5c2328ebc6f2ba9802c1"},
    };
    for (size_t i = 0; i < WARD_COUNT(rows); i++) {
        char got[2 * WARDI_SHA256_BYTES + 1];
        digest_in_steps(rows[i].message, strlen(rows[i].message), 1000, got);
        assert_string_equal(got, rows[i].digest);
    }
}

static void a_million_a(void **state)
{
    (void)state;
    static char bytes[1000000];
    memset(bytes, 'a', sizeof bytes);
    static const size_t steps[] = {1000000, 1, 63, 64, 65, 4096};
    for (size_t i = 0; i < WARD_COUNT(steps); i++) {
        char got[2 * WARDI_SHA256_BYTES + 1];
        digest_in_steps(bytes, sizeof bytes, steps[i], got);
        assert_string_equal(got,
                            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    }
}

/* Padding takes one block or two: all lengths around the border, however they are cut. */
static void every_length_in_every_cut(void **state)
{
    (void)state;
    char bytes[200];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (char)i;
    char seen[WARD_COUNT(bytes)][2 * WARDI_SHA256_BYTES + 1];
    for (size_t length = 0; length < sizeof bytes; length++) {
        digest_in_steps(bytes, length, 1000, seen[length]);
        for (size_t step = 1; step <= length; step += 13) {
            char got[2 * WARDI_SHA256_BYTES + 1];
            digest_in_steps(bytes, length, step, got);
            assert_string_equal(got, seen[length]);
        }
        if (length > 0) assert_string_not_equal(seen[length], seen[length - 1]);
    }
    /* Of a published list: 64 bytes 00, 01, …, 3f. */
    assert_string_equal(seen[64],
                        "fdeab9acf3710362bd2658cdc9a29e8f9c757fcf9811603a8c447cd1d9151108");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_examples),
        cmocka_unit_test(a_million_a),
        cmocka_unit_test(every_length_in_every_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
