/* The cache: a hit, and every way in which an entry or its directory cannot be trusted. */
#include "support.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const char wat[] = "(module (func (export \"f\") (result i32) i32.const 7))";

typedef struct cache_fixture {
    char directory[64];
    wardi_engine *engine;
} cache_fixture;

static ward_error open_engine(cache_fixture *fixture, ward_memory_profile profile)
{
    wardi_engine_options options = {
        .memories_max = 8, .profile = profile, .cache_directory = fixture->directory};
    ward_diag diag;
    ward_error error = wardi_engine_new(&options, &fixture->engine, &diag);
    if (error != WARD_OK) fprintf(stderr, "%s\n", diag.text);
    return error;
}

static int setup(void **state)
{
    static cache_fixture fixture;
    strcpy(fixture.directory, "/tmp/ward-test-XXXXXX");
    if (mkdtemp(fixture.directory) == NULL) return 1;
    strcat(fixture.directory, "/a/b"); /* made on the way */
    *state = &fixture;
    return open_engine(&fixture, WARD_MEMORY_GUARDED) != WARD_OK;
}

/* Path of the only entry; false: there is none. More than one is a failure. */
static bool entry_path(const cache_fixture *fixture, char *path, size_t capacity)
{
    DIR *directory = opendir(fixture->directory);
    size_t count = 0;
    assert_non_null(directory);
    for (struct dirent *item; (item = readdir(directory)) != NULL;) {
        if (item->d_name[0] == '.') continue;
        count++;
        snprintf(path, capacity, "%s/%s", fixture->directory, item->d_name);
    }
    closedir(directory);
    assert_true(count <= 1);
    return count == 1;
}

static int teardown(void **state)
{
    cache_fixture *fixture = *state;
    char path[400];
    wardi_engine_free(fixture->engine);
    while (entry_path(fixture, path, sizeof path)) unlink(path);
    for (int i = 0; i < 3; i++) {
        rmdir(fixture->directory);
        *strrchr(fixture->directory, '/') = '\0';
    }
    return 0;
}

/* Loads, runs, and tells whether it came from the cache. */
static bool load_is_hit(const cache_fixture *fixture, bool metered)
{
    test_guest guest = {0};
    wardi_instance_options options = {.limits = usual_limits(), .name = "guest"};
    if (guest_load(&guest, fixture->engine, wat, metered) != WARD_OK)
        fail_msg("load: %s", guest.diag.text);
    assert_int_equal(guest_make(&guest, &options, PATIENCE_NS), WARD_OK);
    assert_int_equal(guest_i32(&guest, "f"), 7);
    const wardi_module_facts *facts = wardi_module_facts_of(guest.module);
    bool hit = facts->from_cache;
    assert_true(hit == (facts->compile_ns == 0));
    assert_int_equal(facts->export_count, 1);
    guest_stop(&guest);
    return hit;
}

static void test_hit(void **state)
{
    char path[400];
    struct stat info;
    assert_false(load_is_hit(*state, false));
    assert_true(entry_path(*state, path, sizeof path));
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
    assert_int_equal(stat(((cache_fixture *)*state)->directory, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0700);
    assert_true(load_is_hit(*state, false));
    assert_true(load_is_hit(*state, false));
}

static void test_hit_of_another_process(void **state)
{
    cache_fixture *fixture = *state;
    assert_false(load_is_hit(fixture, false));
    wardi_engine_free(fixture->engine);
    assert_int_equal(open_engine(fixture, WARD_MEMORY_GUARDED), WARD_OK);
    assert_true(load_is_hit(fixture, false));
}

static void test_settings_do_not_mix(void **state)
{
    cache_fixture *fixture = *state;
    char path[400];
    assert_false(load_is_hit(fixture, false));
    assert_true(entry_path(fixture, path, sizeof path));
    wardi_engine_free(fixture->engine);
    assert_int_equal(open_engine(fixture, WARD_MEMORY_DENSE), WARD_OK);
    unlink(path);
    assert_false(load_is_hit(fixture, false));
    assert_true(entry_path(fixture, path, sizeof path));
    unlink(path);
    assert_false(load_is_hit(fixture, true)); /* metered */
}

static void test_corrupt_anywhere(void **state)
{
    char path[400];
    struct stat info;
    assert_false(load_is_hit(*state, false));
    assert_true(entry_path(*state, path, sizeof path));
    assert_int_equal(stat(path, &info), 0);
    for (off_t at = 0; at < info.st_size; at += at < 100 ? 7 : info.st_size / 20 + 1) {
        int file = open(path, O_RDWR);
        uint8_t byte = 0;
        assert_int_equal(pread(file, &byte, 1, at), 1);
        byte ^= 0x40;
        assert_int_equal(pwrite(file, &byte, 1, at), 1);
        close(file);
        assert_false(load_is_hit(*state, false));
        assert_true(load_is_hit(*state, false)); /* rebuilt and replaced */
    }
}

static void test_truncated_and_grown(void **state)
{
    static const off_t lengths[] = {0, 1, 40, 87, 88, 89, 1000};
    char path[400];
    assert_false(load_is_hit(*state, false));
    assert_true(entry_path(*state, path, sizeof path));
    for (size_t i = 0; i < WARD_COUNT(lengths); i++) {
        assert_int_equal(truncate(path, lengths[i]), 0);
        assert_false(load_is_hit(*state, false));
        assert_true(load_is_hit(*state, false));
    }
    FILE *file = fopen(path, "ae");
    fputc('x', file);
    fclose(file);
    assert_false(load_is_hit(*state, false));
}

/* A well-formed entry whose payload the engine will not have: of another build, say. */
static void test_foreign_payload(void **state)
{
    char path[400];
    uint8_t entry[88];
    assert_false(load_is_hit(*state, false));
    assert_true(entry_path(*state, path, sizeof path));
    int file = open(path, O_RDWR);
    assert_int_equal(pread(file, entry, sizeof entry, 0), sizeof entry);
    static const uint8_t payload[] = "\x7f"
                                     "ELF, but of another engine";
    uint64_t length = sizeof payload;
    wardi_sha256 hash;
    wardi_sha256_init(&hash);
    wardi_sha256_update(&hash, payload, sizeof payload);
    memcpy(entry + 48, &length, sizeof length);
    wardi_sha256_done(&hash, entry + 56);
    assert_int_equal(ftruncate(file, 0), 0);
    assert_int_equal(pwrite(file, entry, sizeof entry, 0), sizeof entry);
    assert_int_equal(pwrite(file, payload, sizeof payload, sizeof entry), sizeof payload);
    close(file);
    assert_false(load_is_hit(*state, false));
    assert_true(load_is_hit(*state, false));
}

static void test_entries_that_others_could_write(void **state)
{
    char path[400], aside[420];
    assert_false(load_is_hit(*state, false));
    assert_true(entry_path(*state, path, sizeof path));
    assert_int_equal(chmod(path, 0622), 0);
    assert_false(load_is_hit(*state, false));
    assert_true(load_is_hit(*state, false));
    /* a link is not followed */
    snprintf(aside, sizeof aside, "%s/../aside", ((cache_fixture *)*state)->directory);
    assert_int_equal(rename(path, aside), 0);
    assert_int_equal(symlink("../aside", path), 0);
    assert_false(load_is_hit(*state, false));
    assert_true(load_is_hit(*state, false));
    unlink(aside);
    /* nor is a pipe waited for */
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_false(load_is_hit(*state, false));
    assert_true(load_is_hit(*state, false));
}

static void test_directory_gone(void **state)
{
    cache_fixture *fixture = *state;
    assert_int_equal(rmdir(fixture->directory), 0);
    assert_false(load_is_hit(fixture, false));
    assert_false(load_is_hit(fixture, false));
    assert_int_equal(mkdir(fixture->directory, 0700), 0);
}

static void test_directories_that_are_refused(void **state)
{
    char directory[] = "/tmp/ward-test-XXXXXX";
    wardi_engine *engine = NULL;
    ward_diag diag;
    (void)state;
    assert_non_null(mkdtemp(directory));
    wardi_engine_options options = {.memories_max = 8, .cache_directory = directory};
    static const mode_t modes[] = {0777, 0720, 0702};
    for (size_t i = 0; i < WARD_COUNT(modes); i++) {
        assert_int_equal(chmod(directory, modes[i]), 0);
        assert_int_equal(wardi_engine_new(&options, &engine, &diag), WARD_ERROR_IO);
        assert_non_null(strstr(diag.text, directory));
        assert_non_null(strstr(diag.text, "chmod go-w"));
    }
    rmdir(directory);
    options.cache_directory = "/proc/ward";
    assert_int_equal(wardi_engine_new(&options, &engine, &diag), WARD_ERROR_IO);
    options.cache_directory = "/dev/null/ward";
    assert_int_equal(wardi_engine_new(&options, &engine, &diag), WARD_ERROR_IO);
    assert_null(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_hit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hit_of_another_process, setup, teardown),
        cmocka_unit_test_setup_teardown(test_settings_do_not_mix, setup, teardown),
        cmocka_unit_test_setup_teardown(test_corrupt_anywhere, setup, teardown),
        cmocka_unit_test_setup_teardown(test_truncated_and_grown, setup, teardown),
        cmocka_unit_test_setup_teardown(test_foreign_payload, setup, teardown),
        cmocka_unit_test_setup_teardown(test_entries_that_others_could_write, setup, teardown),
        cmocka_unit_test_setup_teardown(test_directory_gone, setup, teardown),
        cmocka_unit_test(test_directories_that_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
