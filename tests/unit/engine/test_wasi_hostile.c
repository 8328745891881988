/* WASI preview 1 in hostile hands: whatever the arguments, the answer is an errno, and the host
 * goes on. */
#include "wasi_support.h"

/* Enough to open, rename and remove what earlier rounds have made. */
static const char *const names[] = {"a", "b", "d", "d/x", "d/y", "l", "../out", ".", "d/..", "/"};

static void names_put(test_guest *guest)
{
    for (size_t i = 0; i < WARD_COUNT(names); i++)
        memcpy(memory_of(guest) + PATH_AT + i * 16, names[i], strlen(names[i]) + 1);
}

static void test_wild_arguments(void **state)
{
    static const uint64_t wild[] = {UINT64_MAX,   INT64_MAX,        UINT64_C(1) << 63,
                                    0xffffffff,   0x80000000,       MEMORY_BYTES - 1,
                                    MEMORY_BYTES, MEMORY_BYTES - 7, 0xfffffff8};
    granted it = grant(*state, true);
    for (size_t i = 0; i < WARD_COUNT(wasi_types); i++) {
        for (size_t k = 0; k < WARD_COUNT(wild); k++) {
            uint64_t all[9], but_first[9] = {3};
            for (size_t n = 0; n < 9; n++) all[n] = wild[k];
            for (size_t n = 1; n < 9; n++) but_first[n] = wild[k];
            int failed = wasi_values(&it.guest, &wasi_types[i], all);
            (void)wasi_values(&it.guest, &wasi_types[i], but_first);
            bool harmless = strcmp(wasi_types[i].name, "sched_yield") == 0;
            if (wild[k] == UINT64_MAX) assert_true(harmless ? failed == OK : failed != OK);
        }
    }
    grant_drop(&it);
}

/* Every address in turn, with everything else as it should be. */
static void test_each_address(void **state)
{
    static const struct {
        const char *name;
        uint64_t args[9];
        int addresses[4]; /* which arguments are; 0 ends */
        int first;        /* the first argument is one as well */
    } calls[] = {
        {"args_get", {0, 64}, {1}, 1},
        {"args_sizes_get", {0, 64}, {1}, 1},
        {"environ_sizes_get", {0, 64}, {1}, 1},
        {"clock_res_get", {1, 64}, {1}, 0},
        {"clock_time_get", {1, 0, 64}, {2}, 0},
        {"fd_fdstat_get", {3, 64}, {1}, 0},
        {"fd_filestat_get", {3, 64}, {1}, 0},
        {"fd_filestat_get", {1, 64}, {1}, 0},
        {"fd_pread", {4, LIST_AT, 1, 0, 64}, {1, 4}, 0},
        {"fd_prestat_get", {3, 64}, {1}, 0},
        {"fd_prestat_dir_name", {3, 64, 5}, {1}, 0},
        {"fd_pwrite", {4, LIST_AT, 1, 0, 64}, {1, 4}, 0},
        {"fd_read", {4, LIST_AT, 1, 64}, {1, 3}, 0},
        {"fd_readdir", {3, DATA_AT, 100, 0, 64}, {1, 4}, 0},
        {"fd_seek", {4, 0, 0, 64}, {3}, 0},
        {"fd_tell", {4, 64}, {1}, 0},
        {"fd_write", {4, LIST_AT, 1, 64}, {1, 3}, 0},
        {"fd_write", {1, LIST_AT, 1, 64}, {1, 3}, 0},
        {"path_create_directory", {3, PATH_AT, 1}, {1}, 0},
        {"path_filestat_get", {3, 0, PATH_AT, 1, 64}, {2, 4}, 0},
        {"path_filestat_set_times", {3, 0, PATH_AT, 1}, {2}, 0},
        {"path_link", {3, 0, PATH_AT, 1, 3, PATH_AT, 1}, {2, 5}, 0},
        {"path_open", {3, 0, PATH_AT, 1, 0, READ, 0, 0, 64}, {2, 8}, 0},
        {"path_readlink", {3, PATH_AT + 80, 1, DATA_AT, 10, 64}, {1, 3, 5}, 0},
        {"path_remove_directory", {3, PATH_AT, 1}, {1}, 0},
        {"path_rename", {3, PATH_AT, 1, 3, PATH_AT, 1}, {1, 4}, 0},
        {"path_symlink", {PATH_AT, 1, 3, PATH_AT, 1}, {3}, 1},
        {"path_unlink_file", {3, PATH_AT + 99, 1}, {1}, 0},
        {"random_get", {64, 10}, {0}, 1},
    };
    granted it = grant(*state, true);
    test_guest *guest = &it.guest;
    assert_int_equal(open_at(guest, 3, "a", 0, CREATE, READ | WRITE, 0), 4);
    assert_int_equal(symlink("a", host_path(&it, "l")), 0);
    for (size_t i = 0; i < WARD_COUNT(calls); i++) {
        for (int k = calls[i].first ? -1 : 0; k < 4; k++) {
            int which = k < 0 ? 0 : calls[i].addresses[k];
            if (k >= 0 && which == 0) break;
            static const uint32_t bad[] = {0xffffffff, MEMORY_BYTES, 0x80000000};
            for (size_t n = 0; n < WARD_COUNT(bad); n++) {
                uint64_t args[9];
                names_put(guest);
                list_one(guest, 4);
                memcpy(args, calls[i].args, sizeof args);
                args[which] = bad[n];
                if (wasi_values(guest, wasi_type_of(calls[i].name), args) != FAULT)
                    fail_msg("%s, argument %d", calls[i].name, which);
            }
        }
    }
    /* a buffer's address and length, within a good list */
    static const uint32_t buffers[][2] = {
        {MEMORY_BYTES, 1}, {0xffffffff, 1}, {DATA_AT, 0xffffffff}, {1, 0xffffffff}};
    for (size_t i = 0; i < WARD_COUNT(buffers); i++) {
        memcpy(memory_of(guest) + LIST_AT, buffers[i], 8);
        assert_int_equal(wasi(guest, "fd_write", 4, LIST_AT, 1, 64), FAULT);
        assert_int_equal(wasi(guest, "fd_read", 4, LIST_AT, 1, 64), FAULT);
        assert_int_equal(wasi(guest, "fd_read", 0, LIST_AT, 1, 64), FAULT);
        assert_int_equal(wasi(guest, "fd_write", 1, LIST_AT, 1, 64), FAULT);
    }
    assert_int_equal(wasi(guest, "random_get", 0, 0xffffffff), FAULT);
    assert_int_equal(wasi(guest, "random_get", MEMORY_BYTES, 0), OK);
    assert_int_equal(wasi(guest, "random_get", 0, MEMORY_BYTES), OK); /* all of it */
    grant_drop(&it);
}

/* The list and the answer lie in what is read into. */
static void test_overlaps(void **state)
{
    granted it = grant(*state, true);
    test_guest *guest = &it.guest;
    host_write(&it, "a", "0123456789abcdef0123456789abcdef");
    assert_int_equal(open_at(guest, 3, "a", 0, 0, READ | WRITE, 0), 4);
    uint32_t list[] = {LIST_AT, 32, LIST_AT, 32};
    memcpy(memory_of(guest) + LIST_AT, list, sizeof list);
    assert_int_equal(wasi(guest, "fd_read", 4, LIST_AT, 2, LIST_AT + 4), OK);
    assert_int_equal(got(guest, LIST_AT + 4, 4), 32);
    assert_int_equal(wasi(guest, "fd_readdir", 3, 64, 100, 0, 64), OK);
    assert_int_equal(wasi(guest, "args_sizes_get", 64, 64), OK);
    assert_int_equal(wasi(guest, "args_get", 64, 64), OK);
    assert_int_equal(wasi(guest, "fd_write", 4, LIST_AT, 0, LIST_AT), OK);
    grant_drop(&it);
}

/* ---- modules that call before or without a memory ---- */

static void test_without_memory(void **state)
{
    static const char wat[] =
        "(module (import \"wasi_snapshot_preview1\" \"random_get\""
        "   (func $r (param i32 i32) (result i32)))"
        " (import \"wasi_snapshot_preview1\" \"fd_close\" (func $c (param i32) (result i32)))"
        " (memory 1)" /* not exported */
        " (func (export \"f\") (result i32) (call $r (i32.const 0) (i32.const 8)))"
        " (func (export \"g\") (result i32) (call $c (i32.const 0))))";
    test_guest guest = guest_start(*state, wat, NULL);
    assert_int_equal(guest_i32(&guest, "f"), FAULT);
    assert_int_equal(guest_i32(&guest, "g"), OK);
    guest_stop(&guest);
}

static void test_in_start(void **state)
{
    static const char wat[] =
        "(module (import \"wasi_snapshot_preview1\" \"random_get\""
        "   (func $r (param i32 i32) (result i32)))"
        " (memory (export \"memory\") 1 3) (global $failed (mut i32) (i32.const 99))"
        " (func $start (drop (memory.grow (i32.const 1)))"
        "   (global.set $failed (call $r (i32.const 65536) (i32.const 65536))))"
        " (start $start)"
        " (func (export \"failed\") (result i32) (global.get $failed))"
        " (func (export \"grown\") (result i32) (drop (memory.grow (i32.const 1)))"
        "   (call $r (i32.const 131072) (i32.const 65536))))";
    test_guest guest = guest_start(*state, wat, NULL);
    assert_int_equal(guest_i32(&guest, "failed"), OK);
    assert_int_equal(guest_i32(&guest, "grown"), OK);
    guest_stop(&guest);
}

/* A whole memory of randomness is more than a deadline allows, and ends there. */
static void test_work_ends_at_the_deadline(void **state)
{
    static const char wat[] =
        "(module (import \"wasi_snapshot_preview1\" \"random_get\""
        "   (func $r (param i32 i32) (result i32)))"
        " (memory (export \"memory\") 4000)"
        " (func (export \"f\") (loop (drop (call $r (i32.const 0) (i32.const 262144000)))"
        "   (br 0))))";
    test_guest guest = guest_start(*state, wat, NULL);
    uint64_t began_ns = wardi_now_ns();
    assert_int_equal(guest_call_for(&guest, "f", NULL, 0, NULL, 0, 20 * WARDI_MS),
                     WARD_ERROR_DEADLINE);
    assert_true(wardi_now_ns() - began_ns < 200 * WARDI_MS);
    guest_stop(&guest);
}

/* ---- at random ---- */

/* Opens something, often. */
static void open_any(test_guest *guest, wardi_rng *rng)
{
    uint64_t dice = wardi_rng_next(rng);
    (void)open_at(guest, 3, names[dice % WARD_COUNT(names)], dice >> 8 & 1, dice >> 16 & 15,
                  dice >> 24 & (READ | WRITE), dice >> 32 & 7);
}

/* A number that is often about right. */
static uint64_t guess(wardi_rng *rng)
{
    uint64_t dice = wardi_rng_next(rng), some = wardi_rng_next(rng);
    switch (dice % 8) {
    case 0: return some % 4;
    case 1: return 3;
    case 2: return some % 80;
    case 3: return PATH_AT + some % 10 * 16;
    case 4: return LIST_AT + some % 4 * 8;
    case 5: return MEMORY_BYTES - some % 70;
    case 6: return some % 3 + 1;
    default: return some >> (dice >> 32 & 63);
    }
}

static void test_at_random(void **state)
{
    enum { ROUNDS = 30000 };
    wardi_rng rng;
    uint64_t seed = 20251125;
    size_t before = open_descriptors(), succeeded = 0, most = 0;
    granted it = grant(*state, true);
    wardi_rng_init(&rng, seed);
    for (int i = 0; i < ROUNDS; i++) {
        if (i % 10 == 0) {
            names_put(&it.guest);
            uint32_t list[] = {DATA_AT, (uint32_t)wardi_rng_next(&rng) % 300, DATA_AT + 9,
                               (uint32_t)guess(&rng)};
            memcpy(memory_of(&it.guest) + LIST_AT, list, sizeof list);
        }
        if (i % 4 == 0) open_any(&it.guest, &rng);
        uint64_t args[9];
        for (size_t k = 0; k < 9; k++) args[k] = guess(&rng);
        const wasi_type *type = &wasi_types[wardi_rng_next(&rng) % WARD_COUNT(wasi_types)];
        if (strcmp(type->name, "fd_close") == 0 && args[0] <= 3) continue; /* keep the directory */
        if (strcmp(type->name, "fd_renumber") == 0) args[1] |= 4;
        if (strcmp(type->name, "fd_renumber") == 0 && args[0] <= 3) continue;
        /* files stay small enough for the disk */
        if (strcmp(type->name, "fd_filestat_set_size") == 0) args[1] %= 100000;
        if (strcmp(type->name, "fd_pwrite") == 0) args[3] %= 100000;
        succeeded += wasi_values(&it.guest, type, args) == OK;
        if (i % 100 == 0) {
            size_t now = open_descriptors();
            if (now > most) most = now;
        }
    }
    print_message("%zu of %d succeeded, %zu open at most\n", succeeded, ROUNDS, most - before);
    assert_true(succeeded > ROUNDS / 10);
    assert_true(most > before + 5 && most <= before + 65);
    assert_int_equal(access(it.outside, F_OK), 0);
    grant_drop(&it);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wild_arguments), cmocka_unit_test(test_each_address),
        cmocka_unit_test(test_overlaps),       cmocka_unit_test(test_without_memory),
        cmocka_unit_test(test_in_start),       cmocka_unit_test(test_work_ends_at_the_deadline),
        cmocka_unit_test(test_at_random),
    };
    return cmocka_run_group_tests(tests, engine_setup, engine_teardown);
}
