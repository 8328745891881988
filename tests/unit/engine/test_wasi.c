/* WASI preview 1: nothing unless granted, and waiting that never holds a thread past its deadline.
 */
#include "support.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define WASI(name, type)                                                                           \
    "(import \"wasi_snapshot_preview1\" \"" name "\" (func $" name " " type "))"
#define POLL WASI("poll_oneoff", "(param i32 i32 i32 i32) (result i32)")

/* A relative clock subscription of `ns` at 64, its event at 256, their count at 0. */
#define SLEEPER(ns)                                                                                \
    "(module " POLL "(memory (export \"memory\") 1)"                                               \
    " (func $sleep (result i32)"                                                                   \
    "   (i64.store (i32.const 64) (i64.const 77)) (i32.store8 (i32.const 72) (i32.const 0))"       \
    "   (i32.store (i32.const 80) (i32.const 1))"                                                  \
    "   (i64.store (i32.const 88) (i64.const " ns "))"                                             \
    "   (call $poll_oneoff (i32.const 64) (i32.const 256) (i32.const 1) (i32.const 0)))"           \
    " (func (export \"_health\") (result i32) call $sleep)"                                        \
    " (func (export \"events\") (result i32) (i32.load (i32.const 0)))"                            \
    " (func (export \"userdata\") (result i32) (i32.load (i32.const 256)))"                        \
    " (func (export \"fine\") (result i32) i32.const 7))"

static void test_rule_of_the_fast_path(void **state)
{
    test_guest guest = {0};
    assert_int_equal(guest_load(&guest, *state, SLEEPER("1000"), false), WARD_OK);
    const wardi_module_facts *facts = wardi_module_facts_of(guest.module);
    assert_true(facts->waits);
    assert_string_equal(facts->waits_on, "poll_oneoff");
    assert_true(facts->imports[0].offered && facts->imports[0].waits);
    wardi_module_release(guest.module);
    assert_int_equal(guest_load(&guest, *state,
                                "(module " WASI("random_get", "(param i32 i32) (result i32)") ")",
                                false),
                     WARD_OK);
    assert_false(wardi_module_facts_of(guest.module)->waits);
    wardi_module_release(guest.module);
}

/* The module whose `_health` reaches a waiting import: on the fast path it would end the process.
 */
static void test_probe_that_waits(void **state)
{
    test_guest guest = guest_start(*state, SLEEPER("30000000"), NULL);
    wardi_func func;
    uint64_t bits = 99, began_ns = wardi_now_ns();
    ward_trap trap;
    assert_true(wardi_instance_func(guest.instance, "_health", &func));
    assert_int_equal(
        wardi_call_probe(guest.instance, &func, wardi_ticks(), PATIENCE_NS, &bits, &trap), WARD_OK);
    assert_int_equal(bits, 0);
    assert_true(wardi_now_ns() - began_ns >= 30 * WARDI_MS);
    assert_int_equal(guest_i32(&guest, "events"), 1);
    assert_int_equal(guest_i32(&guest, "userdata"), 77);
    guest_stop(&guest);
}

static void test_wait_past_the_deadline(void **state)
{
    test_guest guest = guest_start(*state, SLEEPER("3600000000000"), NULL);
    wardi_func func;
    uint64_t bits = 99;
    ward_trap trap;
    assert_true(wardi_instance_func(guest.instance, "_health", &func));
    for (int i = 0; i < 3; i++) {
        uint64_t began_ns = wardi_now_ns();
        assert_int_equal(
            wardi_call_probe(guest.instance, &func, wardi_ticks(), 20 * WARDI_MS, &bits, &trap),
            WARD_ERROR_DEADLINE);
        assert_true(wardi_now_ns() - began_ns >= 20 * WARDI_MS);
        assert_true(wardi_now_ns() - began_ns < 10 * WARDI_S);
        assert_int_equal(guest_i32(&guest, "fine"), 7); /* the store lives on */
    }
    assert_int_equal(bits, 99);
    assert_string_equal(trap.cause, "ran past its deadline of 20ms");
    assert_true(trap.frame_count >= 1); /* where it waited */
    assert_string_equal(trap.frames[0].function, "sleep");
    guest_stop(&guest);
}

static void test_wait_in_start(void **state)
{
    static const char wat[] =
        "(module " POLL "(memory (export \"memory\") 1)"
        " (func $start (i64.store (i32.const 88) (i64.const 3600000000000))"
        "   (i32.store (i32.const 80) (i32.const 1))"
        "   (drop (call $poll_oneoff (i32.const 64) (i32.const 256) (i32.const 1) (i32.const 0))))"
        " (start $start))";
    test_guest guest = {0};
    assert_int_equal(guest_load(&guest, *state, wat, false), WARD_OK);
    assert_int_equal(guest_make(&guest, NULL, 20 * WARDI_MS), WARD_ERROR_DEADLINE);
    assert_null(guest.instance);
    wardi_module_release(guest.module);
}

static void test_loop_on_a_fiber(void **state)
{
    test_guest guest = guest_start(*state,
                                   "(module " POLL "(func $spin (export \"spin\") (loop (br 0)))"
                                   " (func (export \"boom\") unreachable))",
                                   NULL);
    assert_int_equal(guest_call_for(&guest, "spin", NULL, 0, NULL, 0, 10 * WARDI_MS),
                     WARD_ERROR_DEADLINE);
    assert_string_equal(guest.trap.frames[0].function, "spin");
    assert_int_equal(guest_call(&guest, "boom", NULL, 0, NULL, 0), WARD_ERROR_TRAP);
    assert_string_equal(guest.trap.cause, "unreachable");
    guest_stop(&guest);
}

/* Calls poll_oneoff with whatever it is given; subscriptions are set up by `clock` and `fd`. */
static const char poll_wat[] =
    "(module " POLL "(memory (export \"memory\") 1)"
    " (func (export \"poll\") (param i32 i32 i32 i32) (result i32)"
    "   (call $poll_oneoff (local.get 0) (local.get 1) (local.get 2) (local.get 3)))"
    " (func (export \"tag\") (param i32 i32) (i32.store8 offset=8 (local.get 0) (local.get 1)))"
    " (func (export \"clock\") (param i32 i32 i64 i32)"
    "   (i32.store offset=16 (local.get 0) (local.get 1))"
    "   (i64.store offset=24 (local.get 0) (local.get 2))"
    "   (i32.store16 offset=40 (local.get 0) (local.get 3)))"
    " (func (export \"load\") (param i32) (result i32) (i32.load (local.get 0))))";

static int32_t poll_with(test_guest *guest, uint32_t in, uint32_t out, uint32_t count,
                         uint32_t count_at)
{
    wardi_value args[] = {
        {WARDI_I32, in}, {WARDI_I32, out}, {WARDI_I32, count}, {WARDI_I32, count_at}};
    wardi_value result = {0};
    assert_int_equal(guest_call(guest, "poll", args, 4, &result, 1), WARD_OK);
    return (int32_t)result.bits;
}

static uint32_t load_at(test_guest *guest, uint32_t address)
{
    wardi_value arg = {WARDI_I32, address}, result = {0};
    assert_int_equal(guest_call(guest, "load", &arg, 1, &result, 1), WARD_OK);
    return (uint32_t)result.bits;
}

static void subscribe(test_guest *guest, uint32_t at, uint32_t tag, uint32_t clock,
                      uint64_t timeout_ns, uint32_t flags)
{
    wardi_value tags[] = {{WARDI_I32, at}, {WARDI_I32, tag}};
    wardi_value args[] = {
        {WARDI_I32, at}, {WARDI_I32, clock}, {WARDI_I64, timeout_ns}, {WARDI_I32, flags}};
    assert_int_equal(guest_call(guest, "tag", tags, 2, NULL, 0), WARD_OK);
    assert_int_equal(guest_call(guest, "clock", args, 4, NULL, 0), WARD_OK);
}

static void test_hostile_polls(void **state)
{
    enum { FAULT = 21, INVAL = 28, NOTSUP = 58 };
    test_guest guest = guest_start(*state, poll_wat, NULL);
    assert_int_equal(poll_with(&guest, 0, 0, 0, 0), INVAL);
    assert_int_equal(poll_with(&guest, 0, 0, UINT32_MAX, 0), INVAL);
    assert_int_equal(poll_with(&guest, 0, 0, 65537, 0), INVAL);
    assert_int_equal(poll_with(&guest, 0, 0, 65536, 0), FAULT);
    assert_int_equal(poll_with(&guest, UINT32_MAX, 0, 1, 0), FAULT);
    assert_int_equal(poll_with(&guest, 65536 - 47, 0, 1, 0), FAULT);
    assert_int_equal(poll_with(&guest, 0, 65536 - 31, 1, 0), FAULT);
    assert_int_equal(poll_with(&guest, 0, 0, 1, 65536 - 3), FAULT);
    assert_int_equal(poll_with(&guest, 0, UINT32_MAX - 8, 1, UINT32_MAX), FAULT);
    subscribe(&guest, 0, 9, 0, 0, 0);
    assert_int_equal(poll_with(&guest, 0, 256, 1, 512), INVAL);
    subscribe(&guest, 0, 0, 7, 0, 0);
    assert_int_equal(poll_with(&guest, 0, 256, 1, 512), NOTSUP);
    /* everything on top of everything */
    subscribe(&guest, 0, 0, 1, 1000, 0);
    subscribe(&guest, 48, 0, 1, 1000, 0);
    (void)poll_with(&guest, 0, 16, 2, 40);
    /* the whole memory as subscriptions, all due at once */
    (void)poll_with(&guest, 0, 0, 65536 / 48, 65532);
    guest_stop(&guest);
}

static void test_polls_of_every_kind(void **state)
{
    enum { WALL = 0, RUN = 1, ABSOLUTE = 1 };
    test_guest guest = guest_start(*state, poll_wat, NULL);
    uint64_t began_ns = wardi_now_ns();
    subscribe(&guest, 0, 0, RUN, 3600 * WARDI_S, 0);
    subscribe(&guest, 48, 1, 0, 0, 0); /* a file to read: ready, so nobody waits an hour */
    assert_int_equal(poll_with(&guest, 0, 256, 2, 512), 0);
    assert_int_equal(load_at(&guest, 512), 1);
    assert_int_equal(load_at(&guest, 256 + 8) >> 16, 1);
    subscribe(&guest, 48, 0, WALL, wardi_wall_ns() + 20 * WARDI_MS, ABSOLUTE);
    assert_int_equal(poll_with(&guest, 0, 256, 2, 512), 0);
    assert_true(wardi_now_ns() - began_ns >= 20 * WARDI_MS);
    subscribe(&guest, 0, 0, RUN, 10 * WARDI_MS, 0); /* the earlier of two, wherever it stands */
    subscribe(&guest, 48, 0, RUN, 3600 * WARDI_S, 0);
    assert_int_equal(poll_with(&guest, 0, 256, 2, 512), 0);
    assert_int_equal(load_at(&guest, 512), 1);
    subscribe(&guest, 48, 0, WALL, 1, ABSOLUTE); /* long past */
    assert_int_equal(poll_with(&guest, 0, 256, 2, 512), 0);
    assert_true(wardi_now_ns() - began_ns < 60 * WARDI_S);
    guest_stop(&guest);
}

/* The guest's own clock, and a wait until a time of it. */
static void test_absolute_time_of_the_guest(void **state)
{
    static const char wat[] = "(module " POLL WASI(
        "clock_time_get",
        "(param i32 i64 i32) (result i32)") "(memory (export \"memory\") 1)"
                                            " (func $now (result i64) (drop (call $clock_time_get "
                                            "(i32.const 1) (i64.const 1)"
                                            "   (i32.const 8))) (i64.load (i32.const 8)))"
                                            " (func (export \"late\") (result i64) (local $until "
                                            "i64)"
                                            "   (local.set $until (i64.add (call $now) (i64.const "
                                            "30000000)))"
                                            "   (i32.store (i32.const 80) (i32.const 1)) "
                                            "(i32.store16 (i32.const 104) (i32.const 1))"
                                            "   (i64.store (i32.const 88) (local.get $until))"
                                            "   (drop (call $poll_oneoff (i32.const 64) (i32.const "
                                            "256) (i32.const 1) (i32.const 0)))"
                                            "   (i64.sub (call $now) (local.get $until))))";
    test_guest guest = guest_start(*state, wat, NULL);
    wardi_value late = {0};
    assert_int_equal(guest_call(&guest, "late", NULL, 0, &late, 1), WARD_OK);
    assert_true((int64_t)late.bits >= 0);
    assert_true((int64_t)late.bits < (int64_t)(10 * WARDI_S));
    guest_stop(&guest);
}

static void test_exit(void **state)
{
    static const char wat[] = "(module " WASI(
        "proc_exit", "(param i32)") " (func (export \"leave\") (param i32) (call $proc_exit "
                                    "(local.get 0)) unreachable)"
                                    " (func (export \"fine\") (result i32) i32.const 7))";
    static const int32_t codes[] = {0, 1, 125, 126, 255, -1};
    test_guest guest = guest_start(*state, wat, NULL);
    for (size_t i = 0; i < WARD_COUNT(codes); i++) {
        wardi_value arg = {WARDI_I32, (uint32_t)codes[i]};
        assert_int_equal(guest_call(&guest, "leave", &arg, 1, NULL, 0), WARD_ERROR_EXIT);
        assert_int_equal(guest.trap.error, WARD_ERROR_EXIT);
        assert_int_equal(guest.trap.exit_code, codes[i]);
        assert_int_equal(guest_i32(&guest, "fine"), 7);
    }
    assert_string_equal(guest.trap.cause, "exited with status -1");
    guest_stop(&guest);
}

/* ---- grants ---- */

static const char grants_wat[] = "(module " WASI("args_sizes_get", "(param i32 i32) (result i32)")
    WASI("args_get", "(param i32 i32) (result i32)")
        WASI("environ_sizes_get", "(param i32 i32) (result i32)")
            WASI("environ_get", "(param i32 i32) (result i32)") WASI("fd_prestat_get",
                                                                     "(param i32 i32) (result i32)")
                WASI("fd_read", "(param i32 i32 i32 i32) (result i32)")
                    WASI("fd_write", "(param i32 i32 i32 i32) (result i32)")
                        WASI("path_open", "(param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result "
                                          "i32)") "(memory (export \"memory\") 1)"
                                                  " (data (i32.const 1024) \"file\") (data "
                                                  "(i32.const 1040) \"../escape\")"
                                                  " (data (i32.const 1056) \"hello\\n\")"
                                                  " (func (export \"args\") (result i32) (drop "
                                                  "(call $args_sizes_get (i32.const 0) (i32.const "
                                                  "4)))"
                                                  "   (drop (call $args_get (i32.const 64) "
                                                  "(i32.const 128))) (i32.load (i32.const 0)))"
                                                  " (func (export \"env\") (result i32)"
                                                  "   (drop (call $environ_sizes_get (i32.const 0) "
                                                  "(i32.const 4)))"
                                                  "   (drop (call $environ_get (i32.const 64) "
                                                  "(i32.const 128))) (i32.load (i32.const 0)))"
                                                  " (func (export \"preopen\") (result i32) (call "
                                                  "$fd_prestat_get (i32.const 3) (i32.const 0)))"
                                                  " (func (export \"open\") (result i32) (call "
                                                  "$path_open (i32.const 3) (i32.const 0)"
                                                  "   (i32.const 1024) (i32.const 4) (i32.const 0) "
                                                  "(i64.const 2) (i64.const 0) (i32.const 0)"
                                                  "   (i32.const 0)))"
                                                  " (func (export \"create\") (result i32) (call "
                                                  "$path_open (i32.const 3) (i32.const 0)"
                                                  "   (i32.const 1024) (i32.const 4) (i32.const 1) "
                                                  "(i64.const 64) (i64.const 0) (i32.const 0)"
                                                  "   (i32.const 0)))"
                                                  " (func (export \"escape\") (result i32) (call "
                                                  "$path_open (i32.const 3) (i32.const 0)"
                                                  "   (i32.const 1040) (i32.const 9) (i32.const 0) "
                                                  "(i64.const 2) (i64.const 0) (i32.const 0)"
                                                  "   (i32.const 0)))"
                                                  " (func (export \"read\") (result i32) "
                                                  "(i32.store (i32.const 0) (i32.const 512))"
                                                  "   (i32.store (i32.const 4) (i32.const 64)) "
                                                  "(i32.store (i32.const 8) (i32.const 0))"
                                                  "   (drop (call $fd_read (i32.const 0) "
                                                  "(i32.const 0) (i32.const 1) (i32.const 8)))"
                                                  "   (i32.load (i32.const 8)))"
                                                  " (func (export \"write\") (param i32) (result "
                                                  "i32)"
                                                  "   (i32.store (i32.const 0) (i32.const 1056)) "
                                                  "(i32.store (i32.const 4) (i32.const 6))"
                                                  "   (call $fd_write (local.get 0) (i32.const 0) "
                                                  "(i32.const 1) (i32.const 8))))";

static const char *guest_text(test_guest *guest, uint32_t address)
{
    uint8_t *bytes;
    size_t length;
    assert_true(wardi_instance_memory(guest->instance, &bytes, &length));
    assert_true(address < length);
    return (const char *)bytes + address;
}

static void test_nothing_is_granted(void **state)
{
    test_guest guest = guest_start(*state, grants_wat, NULL);
    assert_int_equal(guest_i32(&guest, "args"), 1); /* the name alone */
    assert_string_equal(guest_text(&guest, 128), "guest");
    assert_int_equal(guest_i32(&guest, "env"), 0);
    assert_int_equal(guest_i32(&guest, "preopen"), 8); /* BADF */
    assert_int_not_equal(guest_i32(&guest, "open"), 0);
    assert_int_equal(guest_i32(&guest, "read"), 0); /* the end of nothing */
    wardi_value out = {WARDI_I32, 1}, result = {0};
    assert_int_equal(guest_call(&guest, "write", &out, 1, &result, 1), WARD_OK);
    assert_int_equal(result.bits, 0); /* dropped */
    guest_stop(&guest);
}

static void test_args_env_and_input(void **state)
{
    char path[] = "/tmp/ward-test-XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    assert_int_equal(write(file, "abc", 3), 3);
    close(file);
    const char *args[] = {"program", "two"}, *env[] = {"A=1", "B=x=y"};
    ward_wasi_grants wasi = {
        .args = args, .arg_count = 2, .env = env, .env_count = 2, .stdin_path = path};
    wardi_instance_options options = {.limits = usual_limits(), .wasi = &wasi, .name = "guest"};
    test_guest guest = guest_start(*state, grants_wat, &options);
    assert_int_equal(guest_i32(&guest, "args"), 2);
    assert_memory_equal(guest_text(&guest, 128), "program\0two", 12);
    assert_int_equal(guest_i32(&guest, "env"), 2);
    assert_memory_equal(guest_text(&guest, 128), "A=1\0B=x=y", 10);
    assert_int_equal(guest_i32(&guest, "read"), 3);
    assert_memory_equal(guest_text(&guest, 512), "abc", 3);
    guest_stop(&guest);
    unlink(path);
}

static void test_directories(void **state)
{
    char directory[] = "/tmp/ward-test-XXXXXX", inside[64];
    assert_non_null(mkdtemp(directory));
    snprintf(inside, sizeof inside, "%s/file", directory);
    ward_preopen preopen = {.host_path = directory, .guest_path = "/data"};
    ward_wasi_grants wasi = {.preopens = &preopen, .preopen_count = 1};
    wardi_instance_options options = {.limits = usual_limits(), .wasi = &wasi, .name = "guest"};
    test_guest guest = guest_start(*state, grants_wat, &options);
    assert_int_equal(guest_i32(&guest, "preopen"), 0);
    assert_int_not_equal(guest_i32(&guest, "create"), 0); /* read-only */
    assert_int_not_equal(guest_i32(&guest, "escape"), 0);
    guest_stop(&guest);
    preopen.writable = true;
    guest = guest_start(*state, grants_wat, &options);
    assert_int_equal(guest_i32(&guest, "create"), 0);
    assert_int_equal(guest_i32(&guest, "open"), 0);
    assert_int_not_equal(guest_i32(&guest, "escape"), 0);
    guest_stop(&guest);
    unlink(inside);
    rmdir(directory);
}

static void test_grants_that_cannot_be(void **state)
{
    ward_preopen preopen = {.host_path = "/nonexistent/ward", .guest_path = "/data"};
    ward_wasi_grants wasi = {.preopens = &preopen, .preopen_count = 1};
    wardi_instance_options options = {.limits = usual_limits(), .wasi = &wasi, .name = "guest"};
    test_guest guest = {0};
    assert_int_equal(guest_load(&guest, *state, grants_wat, false), WARD_OK);
    assert_int_equal(guest_make(&guest, &options, PATIENCE_NS), WARD_ERROR_IO);
    assert_non_null(strstr(guest.diag.text, "/nonexistent/ward"));
    const char *env[] = {"no equals"};
    wasi = (ward_wasi_grants){.env = env, .env_count = 1};
    assert_int_equal(guest_make(&guest, &options, PATIENCE_NS), WARD_ERROR_INVALID_ARGUMENT);
    wasi = (ward_wasi_grants){.stdin_path = "/nonexistent/ward"};
    assert_int_equal(guest_make(&guest, &options, PATIENCE_NS), WARD_ERROR_IO);
    assert_int_equal(guest.diag.error, WARD_ERROR_IO);
    wardi_module_release(guest.module);
}

/* Inherited output goes where the host's goes; a reader that does not read blocks nobody. */
static void test_output(void **state)
{
    int ends[2], kept = dup(STDOUT_FILENO);
    assert_int_equal(pipe(ends), 0);
    ward_wasi_grants wasi = {.inherit_stdout = true};
    wardi_instance_options options = {.limits = usual_limits(), .wasi = &wasi, .name = "guest"};
    test_guest guest = guest_start(*state, grants_wat, &options);
    wardi_value out = {WARDI_I32, 1}, result = {0};
    fflush(stdout);
    dup2(ends[1], STDOUT_FILENO);
    ward_error error = guest_call(&guest, "write", &out, 1, &result, 1);
    int written = (int)result.bits, refused = 0;
    for (int i = 0; i < 100000 && refused == 0; i++) {
        (void)guest_call(&guest, "write", &out, 1, &result, 1);
        refused = (int)result.bits;
    }
    dup2(kept, STDOUT_FILENO);
    char read_back[7] = "";
    assert_int_equal(read(ends[0], read_back, 6), 6);
    assert_int_equal(error, WARD_OK);
    assert_int_equal(written, 0);
    assert_int_not_equal(refused, 0);
    assert_string_equal(read_back, "hello\n");
    guest_stop(&guest);
    close(ends[0]), close(ends[1]), close(kept);
}

/* A reader that has gone must not take the process with it. */
static void test_output_without_a_reader(void **state)
{
    int ends[2], kept = dup(STDOUT_FILENO);
    assert_int_equal(pipe(ends), 0);
    close(ends[0]);
    ward_wasi_grants wasi = {.inherit_stdout = true};
    wardi_instance_options options = {.limits = usual_limits(), .wasi = &wasi, .name = "guest"};
    test_guest guest = guest_start(*state, grants_wat, &options);
    wardi_value out = {WARDI_I32, 1}, result = {0};
    fflush(stdout);
    dup2(ends[1], STDOUT_FILENO);
    ward_error error = guest_call(&guest, "write", &out, 1, &result, 1);
    dup2(kept, STDOUT_FILENO);
    assert_int_equal(error, WARD_OK);
    assert_int_not_equal(result.bits, 0);
    guest_stop(&guest);
    close(ends[1]), close(kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rule_of_the_fast_path),
        cmocka_unit_test(test_probe_that_waits),
        cmocka_unit_test(test_wait_past_the_deadline),
        cmocka_unit_test(test_wait_in_start),
        cmocka_unit_test(test_loop_on_a_fiber),
        cmocka_unit_test(test_hostile_polls),
        cmocka_unit_test(test_polls_of_every_kind),
        cmocka_unit_test(test_absolute_time_of_the_guest),
        cmocka_unit_test(test_exit),
        cmocka_unit_test(test_nothing_is_granted),
        cmocka_unit_test(test_args_env_and_input),
        cmocka_unit_test(test_directories),
        cmocka_unit_test(test_grants_that_cannot_be),
        cmocka_unit_test(test_output),
        cmocka_unit_test(test_output_without_a_reader),
    };
    return cmocka_run_group_tests(tests, engine_setup, engine_teardown);
}
