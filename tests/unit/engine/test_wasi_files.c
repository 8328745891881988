/* WASI preview 1: descriptors, and what is in files. */
#include "wasi_support.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* ---- bytes ---- */

static void test_read_write_seek(void **state)
{
    granted it = grant(*state, true);
    test_guest *guest = &it.guest;
    int file = open_at(guest, 3, "a", 0, CREATE | EXCLUSIVE, READ | WRITE, 0);
    assert_int_equal(file, 4);
    assert_int_equal(open_at(guest, 3, "a", 0, CREATE | EXCLUSIVE, READ, 0), -EXIST);
    assert_int_equal(write_text(guest, file, "hello, world"), 12);
    assert_int_equal(wasi(guest, "fd_tell", 4, ANSWER_AT), OK);
    assert_int_equal(got(guest, ANSWER_AT, 8), 12);
    assert_int_equal(wasi(guest, "fd_seek", 4, (uint64_t)-5, 2, ANSWER_AT), OK);
    assert_int_equal(got(guest, ANSWER_AT, 8), 7);
    assert_int_equal(read_some(guest, file, 100), 5);
    assert_memory_equal(memory_of(guest) + DATA_AT, "world", 5);
    assert_int_equal(read_some(guest, file, 100), 0);
    assert_int_equal(wasi(guest, "fd_seek", 4, (uint64_t)-1, 0, ANSWER_AT), INVAL);
    assert_int_equal(wasi(guest, "fd_seek", 4, 0, 3, ANSWER_AT), INVAL);
    assert_int_equal(wasi(guest, "fd_seek", 3, 0, 1, ANSWER_AT), BADF); /* a directory */
    assert_int_equal(wasi(guest, "fd_seek", 1, 0, 1, ANSWER_AT), SPIPE);
    assert_int_equal(wasi(guest, "fd_tell", 0, ANSWER_AT), SPIPE);
    grant_drop(&it);
}

static void test_positions_stay(void **state)
{
    granted it = grant(*state, true);
    test_guest *guest = &it.guest;
    int file = open_at(guest, 3, "a", 0, CREATE, READ | WRITE, 0);
    assert_int_equal(write_text(guest, file, "0123456789"), 10);
    list_one(guest, put(guest, DATA_AT, "ab"));
    assert_int_equal(wasi(guest, "fd_pwrite", 4, LIST_AT, 1, 3, ANSWER_AT), OK);
    assert_int_equal(got(guest, ANSWER_AT, 4), 2);
    list_one(guest, 4);
    assert_int_equal(wasi(guest, "fd_pread", 4, LIST_AT, 1, 2, ANSWER_AT), OK);
    assert_memory_equal(memory_of(guest) + DATA_AT, "2ab5", 4);
    assert_int_equal(wasi(guest, "fd_tell", 4, ANSWER_AT), OK);
    assert_int_equal(got(guest, ANSWER_AT, 8), 10);
    assert_int_equal(wasi(guest, "fd_pread", 4, LIST_AT, 1, UINT64_MAX, ANSWER_AT), INVAL);
    assert_int_equal(wasi(guest, "fd_pwrite", 4, LIST_AT, 1, UINT64_MAX, ANSWER_AT), INVAL);
    assert_int_equal(wasi(guest, "fd_pread", 0, LIST_AT, 1, 0, ANSWER_AT), SPIPE);
    assert_int_equal(wasi(guest, "fd_pwrite", 1, LIST_AT, 1, 0, ANSWER_AT), SPIPE);
    assert_int_equal(wasi(guest, "fd_pread", 3, LIST_AT, 1, 0, ANSWER_AT), ISDIR);
    grant_drop(&it);
}

static void test_modes(void **state)
{
    granted it = grant(*state, true);
    test_guest *guest = &it.guest;
    host_write(&it, "a", "text");
    int reader = open_at(guest, 3, "a", 0, 0, READ, 0);
    int writer = open_at(guest, 3, "a", 0, 0, WRITE, 0);
    int neither = open_at(guest, 3, "a", 0, 0, 0, 0);
    assert_int_equal(write_text(guest, reader, "x"), -BADF);
    assert_int_equal(read_some(guest, writer, 1), -BADF);
    assert_int_equal(read_some(guest, neither, 1), -BADF);
    assert_int_equal(write_text(guest, neither, "x"), -BADF);
    assert_int_equal(read_some(guest, 3, 1), -ISDIR);
    assert_int_equal(write_text(guest, 3, "x"), -BADF);
    assert_int_equal(read_some(guest, 1, 1), -BADF);
    assert_int_equal(write_text(guest, 0, "x"), -BADF);
    assert_int_equal(read_some(guest, 99, 1), -BADF);
    assert_int_equal(wasi(guest, "fd_filestat_set_size", (uint32_t)reader, 0), BADF);
    assert_int_equal(wasi(guest, "fd_fdstat_get", (uint32_t)reader, ANSWER_AT), OK);
    assert_int_equal(got(guest, ANSWER_AT, 1), 4);
    assert_int_equal(got(guest, ANSWER_AT + 8, 8) & (READ | WRITE), READ);
    assert_int_equal(wasi(guest, "fd_fdstat_get", (uint32_t)writer, ANSWER_AT), OK);
    assert_int_equal(got(guest, ANSWER_AT + 8, 8) & (READ | WRITE), WRITE);
    grant_drop(&it);
}

static void test_append(void **state)
{
    granted it = grant(*state, true);
    test_guest *guest = &it.guest;
    host_write(&it, "a", "ab");
    int file = open_at(guest, 3, "a", 0, 0, READ | WRITE, APPEND);
    assert_int_equal(write_text(guest, file, "cd"), 2);
    assert_int_equal(wasi(guest, "fd_fdstat_get", 4, ANSWER_AT), OK);
    assert_int_equal(got(guest, ANSWER_AT + 2, 2), APPEND);
    assert_int_equal(wasi(guest, "fd_fdstat_set_flags", 4, 4), OK); /* nonblock alone */
    assert_int_equal(wasi(guest, "fd_fdstat_get", 4, ANSWER_AT), OK);
    assert_int_equal(got(guest, ANSWER_AT + 2, 2), 4);
    assert_int_equal(wasi(guest, "fd_seek", 4, 0, 0, ANSWER_AT), OK);
    assert_int_equal(write_text(guest, file, "AB"), 2);
    assert_int_equal(wasi(guest, "fd_fdstat_set_flags", 4, APPEND), OK);
    assert_int_equal(write_text(guest, file, "ef"), 2);
    assert_int_equal(wasi(guest, "fd_fdstat_set_flags", 4, 16), NOTSUP); /* sync, too late */
    assert_int_equal(wasi(guest, "fd_fdstat_set_flags", 4, 32), INVAL);
    assert_int_equal(wasi(guest, "fd_fdstat_set_flags", 1, APPEND), OK);
    assert_int_equal(wasi(guest, "fd_fdstat_set_rights", 4, 0, 0), NOTSUP);
    assert_int_equal(wasi(guest, "fd_fdstat_set_rights", 9, 0, 0), BADF);
    assert_int_equal(wasi(guest, "fd_seek", 4, 0, 0, ANSWER_AT), OK);
    assert_int_equal(read_some(guest, file, 100), 6);
    assert_memory_equal(memory_of(guest) + DATA_AT, "ABcdef", 6);
    int synced = open_at(guest, 3, "a", 0, 0, WRITE, 2 | 16);
    assert_int_equal(write_text(guest, synced, "s"), 1);
    grant_drop(&it);
}

static void test_sizes_and_syncs(void **state)
{
    granted it = grant(*state, true);
    test_guest *guest = &it.guest;
    assert_int_equal(open_at(guest, 3, "a", 0, CREATE, READ | WRITE, 0), 4);
    assert_int_equal(wasi(guest, "fd_filestat_set_size", 4, 5000), OK);
    assert_int_equal(wasi(guest, "fd_filestat_get", 4, ANSWER_AT), OK);
    assert_int_equal(got(guest, ANSWER_AT + 16, 1), 4);
    assert_int_equal(got(guest, ANSWER_AT + 24, 8), 1);
    assert_int_equal(got(guest, ANSWER_AT + 32, 8), 5000);
    assert_int_equal(wasi(guest, "fd_filestat_set_size", 4, UINT64_MAX), FBIG);
    assert_int_equal(wasi(guest, "fd_filestat_set_size", 3, 0), BADF);
    assert_int_equal(wasi(guest, "fd_filestat_set_times", 4, 7, 1500000000000000001, 1 | 4), OK);
    assert_int_equal(wasi(guest, "fd_filestat_get", 4, ANSWER_AT), OK);
    assert_int_equal(got(guest, ANSWER_AT + 40, 8), 7);
    assert_int_equal(got(guest, ANSWER_AT + 48, 8), 1500000000000000001);
    assert_int_equal(wasi(guest, "fd_filestat_set_times", 4, 0, 0, 2 | 8), OK); /* now */
    assert_int_equal(wasi(guest, "fd_filestat_get", 4, ANSWER_AT), OK);
    assert_true(wardi_wall_ns() - got(guest, ANSWER_AT + 48, 8) < 60 * WARDI_S);
    assert_int_equal(wasi(guest, "fd_filestat_set_times", 4, 0, 0, 1 | 2), INVAL);
    assert_int_equal(wasi(guest, "fd_filestat_set_times", 4, 0, 0, 16), INVAL);
    assert_int_equal(wasi(guest, "fd_filestat_set_times", 1, 0, 0, 2), BADF);
    assert_int_equal(wasi(guest, "fd_sync", 4), OK);
    assert_int_equal(wasi(guest, "fd_datasync", 4), OK);
    assert_int_equal(wasi(guest, "fd_sync", 3), OK);
    assert_int_equal(wasi(guest, "fd_sync", 1), BADF);
    assert_int_equal(wasi(guest, "fd_advise", 4, 0, 1, 3), OK);
    assert_int_equal(wasi(guest, "fd_advise", 4, 0, 1, 6), INVAL);
    assert_int_equal(wasi(guest, "fd_advise", 3, 0, 1, 3), BADF);
    assert_int_equal(wasi(guest, "fd_allocate", 4, 0, 1), NOTSUP);
    assert_int_equal(wasi(guest, "fd_allocate", 9, 0, 1), BADF);
    grant_drop(&it);
}

/* Several buffers, empty and overlapping ones, and more than one call moves. */
static void test_lists_of_buffers(void **state)
{
    granted it = grant(*state, true);
    test_guest *guest = &it.guest;
    assert_int_equal(open_at(guest, 3, "a", 0, CREATE, READ | WRITE, 0), 4);
    put(guest, DATA_AT, "abcdef");
    uint32_t list[] = {DATA_AT, 0, DATA_AT + 3, 3, DATA_AT, 3, DATA_AT, 6};
    memcpy(memory_of(guest) + LIST_AT, list, sizeof list);
    assert_int_equal(wasi(guest, "fd_write", 4, LIST_AT, 4, ANSWER_AT), OK);
    assert_int_equal(got(guest, ANSWER_AT, 4), 12);
    assert_int_equal(wasi(guest, "fd_pread", 4, LIST_AT, 4, 0, ANSWER_AT), OK);
    assert_int_equal(got(guest, ANSWER_AT, 4), 12);
    assert_memory_equal(memory_of(guest) + DATA_AT, "abcdef", 6);
    /* a hundred empty buffers are no end of file */
    uint32_t many[202] = {0};
    many[200] = DATA_AT, many[201] = 5;
    memcpy(memory_of(guest) + LIST_AT, many, sizeof many);
    assert_int_equal(wasi(guest, "fd_pread", 4, LIST_AT, 101, 0, ANSWER_AT), OK);
    assert_int_equal(got(guest, ANSWER_AT, 4), 5);
    assert_int_equal(wasi(guest, "fd_pread", 4, LIST_AT, 0, 0, ANSWER_AT), OK);
    assert_int_equal(got(guest, ANSWER_AT, 4), 0);
    /* one MiB at once */
    list_one(guest, MEMORY_BYTES - DATA_AT);
    assert_int_equal(wasi(guest, "fd_write", 4, LIST_AT, 1, ANSWER_AT), OK);
    assert_int_equal(got(guest, ANSWER_AT, 4), 1 << 20);
    assert_int_equal(wasi(guest, "fd_pread", 4, LIST_AT, 1, 0, ANSWER_AT), OK);
    assert_int_equal(got(guest, ANSWER_AT, 4), 1 << 20);
    assert_int_equal(wasi(guest, "fd_write", 1, LIST_AT, 1, ANSWER_AT), OK); /* dropped */
    assert_int_equal(got(guest, ANSWER_AT, 4), 1 << 20);
    assert_int_equal(wasi(guest, "fd_write", 4, 0, 1025, ANSWER_AT), INVAL);
    grant_drop(&it);
}

/* ---- streams ---- */

static void test_streams(void **state)
{
    test_guest guest = guest_start(*state, wasi_wat(), NULL);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(wasi(&guest, "fd_fdstat_get", i, ANSWER_AT), OK);
        assert_int_equal(got(&guest, ANSWER_AT, 1), 2);                /* character devices, */
        assert_int_equal(got(&guest, ANSWER_AT + 8, 8) & (4 | 32), 0); /* without a position */
        assert_int_equal(got(&guest, ANSWER_AT + 8, 8) & (READ | WRITE), i == 0 ? READ : WRITE);
        assert_int_equal(wasi(&guest, "fd_filestat_get", i, ANSWER_AT), OK);
        assert_int_equal(got(&guest, ANSWER_AT + 16, 1), 2);
    }
    assert_int_equal(wasi(&guest, "fd_prestat_get", 3, ANSWER_AT), BADF);
    assert_int_equal(wasi(&guest, "fd_prestat_get", 1, ANSWER_AT), BADF);
    assert_int_equal(wasi(&guest, "fd_close", 2), OK);
    assert_int_equal(wasi(&guest, "fd_close", 2), BADF);
    assert_int_equal(write_text(&guest, 2, "x"), -BADF);
    guest_stop(&guest);
    assert_true(fcntl(STDERR_FILENO, F_GETFD) >= 0); /* the host's is the host's */
}

static void test_closing_a_granted_stream(void **state)
{
    ward_wasi_grants grants = {.inherit_stdout = true, .inherit_stderr = true};
    wardi_instance_options options = {.limits = usual_limits(), .wasi = &grants, .name = "guest"};
    test_guest guest = guest_start(*state, wasi_wat(), &options);
    assert_int_equal(wasi(&guest, "fd_renumber", 2, 1), OK);
    assert_int_equal(wasi(&guest, "fd_close", 1), OK);
    guest_stop(&guest);
    assert_true(fcntl(STDOUT_FILENO, F_GETFD) >= 0 && fcntl(STDERR_FILENO, F_GETFD) >= 0);
}

/* Gathered from many buffers, in order, across the pieces that it is written in. */
static void test_output_from_many_buffers(void **state)
{
    int ends[2], kept = dup(STDOUT_FILENO);
    assert_int_equal(pipe(ends), 0);
    ward_wasi_grants grants = {.inherit_stdout = true};
    wardi_instance_options options = {.limits = usual_limits(), .wasi = &grants, .name = "guest"};
    test_guest guest = guest_start(*state, wasi_wat(), &options);
    enum { PARTS = 9, PART = 1000 };
    for (uint32_t i = 0; i < PARTS; i++) {
        memset(memory_of(&guest) + DATA_AT + i * PART, (int)('a' + i), PART);
        uint32_t part[] = {DATA_AT + i * PART, PART};
        memcpy(memory_of(&guest) + LIST_AT + i * 8, part, 8);
    }
    fflush(stdout);
    dup2(ends[1], STDOUT_FILENO);
    int failed = wasi(&guest, "fd_write", 1, LIST_AT, PARTS, ANSWER_AT);
    dup2(kept, STDOUT_FILENO);
    char back[PARTS * PART];
    assert_int_equal(failed, OK);
    assert_int_equal(got(&guest, ANSWER_AT, 4), PARTS * PART);
    for (size_t done = 0; done < sizeof back;) {
        ssize_t some = read(ends[0], back + done, sizeof back - done);
        assert_true(some > 0);
        done += (size_t)some;
    }
    assert_memory_equal(back, memory_of(&guest) + DATA_AT, sizeof back);
    guest_stop(&guest);
    close(ends[0]), close(ends[1]), close(kept);
}

/* Two that find room for one write: the second must not be left waiting for a reader. */
static void *write_until_refused(void *argument)
{
    test_guest *guest = argument;
    wardi_value args[] = {
        {WARDI_I32, 1}, {WARDI_I32, LIST_AT}, {WARDI_I32, 1}, {WARDI_I32, ANSWER_AT}};
    wardi_value failed = {0};
    list_one(guest, 4096);
    while (failed.bits == OK)
        if (guest_call(guest, "fd_write", args, 4, &failed, 1) != WARD_OK) break;
    return NULL;
}

static void test_many_writers_and_no_reader(void **state)
{
    enum { WRITERS = 4, ROUNDS = 20 };
    int ends[2], kept = dup(STDOUT_FILENO);
    ward_wasi_grants grants = {.inherit_stdout = true};
    wardi_instance_options options = {.limits = usual_limits(), .wasi = &grants, .name = "guest"};
    test_guest guests[WRITERS];
    pthread_t threads[WRITERS];
    for (int i = 0; i < WRITERS; i++) guests[i] = guest_start(*state, wasi_wat(), &options);
    fflush(stdout);
    for (int round = 0; round < ROUNDS; round++) {
        assert_int_equal(pipe(ends), 0);
        dup2(ends[1], STDOUT_FILENO);
        for (int i = 0; i < WRITERS; i++)
            pthread_create(&threads[i], NULL, write_until_refused, &guests[i]);
        for (int i = 0; i < WRITERS; i++) pthread_join(threads[i], NULL);
        dup2(kept, STDOUT_FILENO);
        close(ends[0]), close(ends[1]);
    }
    for (int i = 0; i < WRITERS; i++) guest_stop(&guests[i]);
    close(kept);
}

/* ---- descriptors ---- */

static void test_preopened(void **state)
{
    granted it = grant(*state, false);
    test_guest *guest = &it.guest;
    assert_int_equal(wasi(guest, "fd_prestat_get", 3, ANSWER_AT), OK);
    assert_int_equal(got(guest, ANSWER_AT, 4), 0);
    assert_int_equal(got(guest, ANSWER_AT + 4, 4), 5);
    assert_int_equal(wasi(guest, "fd_prestat_dir_name", 3, DATA_AT, 4), NAMETOOLONG);
    assert_int_equal(wasi(guest, "fd_prestat_dir_name", 3, DATA_AT, 5), OK);
    assert_memory_equal(memory_of(guest) + DATA_AT, "/data", 5);
    assert_int_equal(wasi(guest, "fd_prestat_get", 4, ANSWER_AT), BADF);
    assert_int_equal(wasi(guest, "fd_fdstat_get", 3, ANSWER_AT), OK);
    assert_int_equal(got(guest, ANSWER_AT, 1), 3);
    assert_true((got(guest, ANSWER_AT + 16, 8) & WRITE) != 0);
    assert_int_equal(open_at(guest, 3, ".", 0, DIRECTORY, READ, 0), 4); /* granted, but not so */
    assert_int_equal(wasi(guest, "fd_prestat_get", 4, ANSWER_AT), BADF);
    grant_drop(&it);
}

static void test_renumber(void **state)
{
    granted it = grant(*state, true);
    test_guest *guest = &it.guest;
    size_t before = open_descriptors();
    assert_int_equal(open_at(guest, 3, "a", 0, CREATE, WRITE, 0), 4);
    assert_int_equal(open_at(guest, 3, "b", 0, CREATE, WRITE, 0), 5);
    assert_int_equal(wasi(guest, "fd_renumber", 4, 5), OK);
    assert_int_equal(wasi(guest, "fd_renumber", 5, 5), OK);
    assert_int_equal(wasi(guest, "fd_renumber", 4, 5), BADF);
    assert_int_equal(wasi(guest, "fd_renumber", 5, 4), BADF);
    assert_int_equal(open_descriptors(), before + 1);
    assert_int_equal(write_text(guest, 5, "into a"), 6);
    assert_int_equal(wasi(guest, "fd_renumber", 5, 1), OK); /* standard output is a file now */
    assert_int_equal(write_text(guest, 1, " too"), 4);
    assert_int_equal(wasi(guest, "fd_close", 1), OK);
    assert_int_equal(open_descriptors(), before);
    assert_int_equal(open_at(guest, 3, "a", 0, 0, READ, 0), 1); /* the least that is free */
    assert_int_equal(read_some(guest, 1, 100), 10);
    assert_memory_equal(memory_of(guest) + DATA_AT, "into a too", 10);
    grant_drop(&it);
}

static void test_no_more_than_so_many(void **state)
{
    enum { FILES_MAX = 64 };
    size_t before = open_descriptors();
    granted it = grant(*state, true);
    test_guest *guest = &it.guest;
    for (int i = 0; i < FILES_MAX; i++)
        assert_int_equal(open_at(guest, 3, "a", 0, CREATE, WRITE, 0), 4 + i);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(open_at(guest, 3, "a", 0, 0, WRITE, 0), -MFILE);
        assert_int_equal(open_at(guest, 3, "new", 0, CREATE, WRITE, 0), -MFILE);
    }
    assert_int_not_equal(access(host_path(&it, "new"), F_OK), 0);
    assert_int_equal(open_descriptors(), before + FILES_MAX + 1);
    assert_int_equal(wasi(guest, "fd_close", 40), OK);
    assert_int_equal(open_at(guest, 3, "a", 0, 0, WRITE, 0), 40);
    assert_int_equal(open_at(guest, 3, "a", 0, 0, WRITE, 0), -MFILE);
    assert_int_equal(wasi(guest, "path_create_directory", 3, PATH_AT, put(guest, PATH_AT, "d")),
                     OK); /* needs no number */
    grant_drop(&it);
    assert_int_equal(open_descriptors(), before);
}

/* A grant that fails half way leaves nothing open. */
static void test_failed_grants_leak_nothing(void **state)
{
    ward_preopen preopens[] = {{.host_path = "/tmp", .guest_path = "/a"},
                               {.host_path = "/nonexistent/ward", .guest_path = "/b"}};
    ward_wasi_grants grants = {.preopens = preopens, .preopen_count = 2};
    wardi_instance_options options = {.limits = usual_limits(), .wasi = &grants, .name = "guest"};
    test_guest guest = {0};
    size_t before = open_descriptors();
    assert_int_equal(guest_load(&guest, *state, wasi_wat(), false), WARD_OK);
    for (int i = 0; i < 3; i++)
        assert_int_equal(guest_make(&guest, &options, PATIENCE_NS), WARD_ERROR_IO);
    assert_int_equal(open_descriptors(), before);
    const char *args[] = {"\xff"};
    grants = (ward_wasi_grants){.args = args, .arg_count = 1};
    assert_int_equal(guest_make(&guest, &options, PATIENCE_NS), WARD_ERROR_INVALID_ARGUMENT);
    assert_string_equal(guest.diag.text, "an argument for the guest is not UTF-8 (wasi.args)");
    const char *env[] = {"A=\xff"};
    grants = (ward_wasi_grants){.env = env, .env_count = 1};
    assert_int_equal(guest_make(&guest, &options, PATIENCE_NS), WARD_ERROR_INVALID_ARGUMENT);
    assert_non_null(strstr(guest.diag.text, "is not UTF-8 (wasi.env)"));
    wardi_module_release(guest.module);
}

/* ---- a program ---- */

/* tests/guests/wasi_files.c, which does what programs do, through wasi-libc. */
static void test_program(void **state)
{
    char root[] = "/tmp/ward-test-XXXXXX", input[64];
    assert_non_null(mkdtemp(root));
    snprintf(input, sizeof input, "%s-input", root);
    FILE *file = fopen(input, "w");
    assert_non_null(file);
    fputs("in", file);
    fclose(file);
    const char *args[] = {"program", "argument"}, *env[] = {"NAME=value"};
    ward_preopen preopen = {.host_path = root, .guest_path = "/data", .writable = true};
    ward_wasi_grants grants = {.args = args,
                               .arg_count = 2,
                               .env = env,
                               .env_count = 1,
                               .preopens = &preopen,
                               .preopen_count = 1,
                               .stdin_path = input};
    wardi_instance_options options = {.limits = usual_limits(), .wasi = &grants, .name = "guest"};
    wardi_module_source source = {.path = GUESTS_DIR "/wasi_files.wasm"};
    uint64_t deadline_ns = wardi_now_ns() + PATIENCE_NS;
    test_guest guest = {0};
    if (wardi_module_load(*state, &source, &deadline_ns, &guest.module, &guest.diag) != WARD_OK)
        fail_msg("%s", guest.diag.text);
    assert_int_equal(guest_make(&guest, &options, PATIENCE_NS), WARD_OK);
    ward_error error = guest_call(&guest, "_start", NULL, 0, NULL, 0);
    if (error == WARD_ERROR_EXIT && guest.trap.exit_code != 0)
        fail_msg("wasi_files.c:%d went wrong", guest.trap.exit_code);
    assert_true(error == WARD_OK || error == WARD_ERROR_EXIT);
    guest_stop(&guest);
    unlink(input);
    assert_int_equal(rmdir(root), 0);
}

/* ---- limits of the host's ---- */

/* Past the limit on the size of files a signal is raised that ends a process. */
static int write_past_the_limit(void)
{
    wardi_engine *engine;
    ward_diag diag;
    if (wardi_engine_new(NULL, &engine, &diag) != WARD_OK) return 2;
    granted it = grant(engine, true);
    struct rlimit limit = {.rlim_cur = 4096, .rlim_max = RLIM_INFINITY};
    if (open_at(&it.guest, 3, "a", 0, CREATE, WRITE, 0) != 4) return 3;
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) return 4;
    list_one(&it.guest, 5000);
    if (wasi(&it.guest, "fd_write", 4, LIST_AT, 1, ANSWER_AT) != OK) return 5;
    if (got(&it.guest, ANSWER_AT, 4) != 4096) return 6;
    if (wasi(&it.guest, "fd_write", 4, LIST_AT, 1, ANSWER_AT) != FBIG) return 7;
    if (wasi(&it.guest, "fd_pwrite", 4, LIST_AT, 1, 1 << 20, ANSWER_AT) != FBIG) return 8;
    if (wasi(&it.guest, "fd_filestat_set_size", 4, 1 << 20) != FBIG) return 9;
    limit.rlim_cur = RLIM_INFINITY;
    (void)setrlimit(RLIMIT_FSIZE, &limit);
    grant_drop(&it);
    wardi_engine_free(engine);
    return 0;
}

/* A kernel before openat2, or a container that forbids it. */
static int grant_without_openat2(void)
{
    struct sock_filter steps[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    struct sock_fprog filter = {.len = WARD_COUNT(steps), .filter = steps};
    ward_preopen preopen = {.host_path = "/tmp", .guest_path = "/data"};
    ward_wasi_grants grants = {.preopens = &preopen, .preopen_count = 1};
    wardi_instance_options options = {.limits = usual_limits(), .wasi = &grants, .name = "guest"};
    wardi_engine *engine;
    test_guest guest = {0};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return 2;
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) return 3;
    if (wardi_engine_new(NULL, &engine, &guest.diag) != WARD_OK) return 4;
    size_t before = open_descriptors();
    if (guest_load(&guest, engine, wasi_wat(), false) != WARD_OK) return 5;
    if (guest_make(&guest, &options, PATIENCE_NS) != WARD_ERROR_IO) return 6;
    if (strstr(guest.diag.text, "openat2") == NULL) return 7;
    if (open_descriptors() != before) return 8;
    options.wasi = NULL; /* without a directory all is well */
    if (guest_make(&guest, &options, PATIENCE_NS) != WARD_OK) return 9;
    guest_stop(&guest);
    wardi_engine_free(engine);
    return 0;
}

/* In a process of its own: limits stay. */
static void expect_success_of(int (*run)(void))
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) _exit(run());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_limit_on_the_size_of_files(void **state)
{
    (void)state;
    expect_success_of(write_past_the_limit);
}

static void test_kernel_without_openat2(void **state)
{
    (void)state;
    expect_success_of(grant_without_openat2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limit_on_the_size_of_files), /* forks: before there are threads */
        cmocka_unit_test(test_kernel_without_openat2),
        cmocka_unit_test_setup_teardown(test_read_write_seek, engine_setup, engine_teardown),
        cmocka_unit_test_setup_teardown(test_positions_stay, engine_setup, engine_teardown),
        cmocka_unit_test_setup_teardown(test_modes, engine_setup, engine_teardown),
        cmocka_unit_test_setup_teardown(test_append, engine_setup, engine_teardown),
        cmocka_unit_test_setup_teardown(test_sizes_and_syncs, engine_setup, engine_teardown),
        cmocka_unit_test_setup_teardown(test_lists_of_buffers, engine_setup, engine_teardown),
        cmocka_unit_test_setup_teardown(test_streams, engine_setup, engine_teardown),
        cmocka_unit_test_setup_teardown(test_closing_a_granted_stream, engine_setup,
                                        engine_teardown),
        cmocka_unit_test_setup_teardown(test_output_from_many_buffers, engine_setup,
                                        engine_teardown),
        cmocka_unit_test_setup_teardown(test_many_writers_and_no_reader, engine_setup,
                                        engine_teardown),
        cmocka_unit_test_setup_teardown(test_preopened, engine_setup, engine_teardown),
        cmocka_unit_test_setup_teardown(test_renumber, engine_setup, engine_teardown),
        cmocka_unit_test_setup_teardown(test_no_more_than_so_many, engine_setup, engine_teardown),
        cmocka_unit_test_setup_teardown(test_failed_grants_leak_nothing, engine_setup,
                                        engine_teardown),
        cmocka_unit_test_setup_teardown(test_program, engine_setup, engine_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
