/* Core dumps: read back by a reader of this test's own, which takes nothing it does not know, and
 * by the engine, which finds the same memory in them. */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- a strict reader ---- */

enum { FRAMES_MAX = 32, GLOBALS_MAX = 8, SEGMENTS_MAX = 100000 };

typedef struct dump_frame {
    uint64_t instance, function, offset;
} dump_frame;

typedef struct dump_file {
    uint8_t *bytes;
    size_t length, at, end; /* end: of the section that is read */
    char program[300], module[300], thread[300];
    dump_frame frames[FRAMES_MAX];
    size_t frame_count;
    uint64_t instance_memories, instance_globals;
    uint64_t pages;
    bool has_memory, is_64;
    uint8_t *memory; /* rebuilt */
    size_t segments, segment_bytes;
    struct {
        char name[64];
        uint8_t type;
        uint64_t bits;
    } globals[GLOBALS_MAX];
    size_t global_count, export_count;
} dump_file;

static uint8_t get_byte(dump_file *in)
{
    if (in->at >= in->end) fail_msg("cut off at %zu", in->at);
    return in->bytes[in->at++];
}

static uint64_t get_unsigned(dump_file *in)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 35; shift += 7) {
        uint8_t byte = get_byte(in);
        value |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) {
            assert_true(value <= UINT32_MAX);
            return value;
        }
    }
    fail_msg("a number without end at %zu", in->at);
    return 0;
}

static int64_t get_signed(dump_file *in, unsigned bits)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < bits + 6; shift += 7) {
        uint8_t byte = get_byte(in);
        value |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) != 0) continue;
        if ((byte & 0x40) != 0 && shift + 7 < 64) value |= UINT64_MAX << (shift + 7);
        if (bits == 32) assert_true((int64_t)value == (int32_t)value);
        return (int64_t)value;
    }
    fail_msg("a number without end at %zu", in->at);
    return 0;
}

static void get_name(dump_file *in, char *name, size_t capacity)
{
    size_t length = get_unsigned(in);
    assert_true(length < capacity && length <= in->end - in->at);
    for (size_t i = 0; i < length;) {
        size_t step = wardi_utf8_length(in->bytes + in->at + i, length - i);
        assert_true(step != 0);
        i += step;
    }
    memcpy(name, in->bytes + in->at, length);
    name[length] = '\0';
    in->at += length;
}

static void read_frames(dump_file *in)
{
    assert_int_equal(get_byte(in), 0);
    get_name(in, in->thread, sizeof in->thread);
    in->frame_count = get_unsigned(in);
    assert_true(in->frame_count <= FRAMES_MAX);
    for (size_t i = 0; i < in->frame_count; i++) {
        assert_int_equal(get_byte(in), 0);
        in->frames[i].instance = get_unsigned(in);
        in->frames[i].function = get_unsigned(in);
        in->frames[i].offset = get_unsigned(in);
        assert_int_equal(get_unsigned(in), 0);
        assert_int_equal(get_unsigned(in), 0);
    }
}

static void read_custom(dump_file *in, size_t index)
{
    static const char *const order[] = {"core", "coremodules", "coreinstances", "corestack"};
    char name[32];
    get_name(in, name, sizeof name);
    assert_true(index < WARD_COUNT(order));
    assert_string_equal(name, order[index]);
    if (index == 0) {
        assert_int_equal(get_byte(in), 0);
        get_name(in, in->program, sizeof in->program);
    } else if (index == 1) {
        assert_int_equal(get_unsigned(in), 1);
        assert_int_equal(get_byte(in), 0);
        get_name(in, in->module, sizeof in->module);
    } else if (index == 2) {
        assert_int_equal(get_unsigned(in), 1);
        assert_int_equal(get_byte(in), 0);
        assert_int_equal(get_unsigned(in), 0);
        in->instance_memories = get_unsigned(in);
        for (uint64_t i = 0; i < in->instance_memories; i++) assert_int_equal(get_unsigned(in), i);
        in->instance_globals = get_unsigned(in);
        assert_int_equal(in->instance_globals, 0);
    } else {
        read_frames(in);
    }
}

static void read_memory(dump_file *in)
{
    assert_int_equal(get_unsigned(in), 1);
    uint8_t flags = get_byte(in);
    assert_true(flags == 0 || flags == 4);
    in->has_memory = true;
    in->is_64 = flags == 4;
    in->pages = get_unsigned(in);
    in->memory = calloc(in->pages + 1, 65536);
    assert_non_null(in->memory);
}

static void read_globals(dump_file *in)
{
    in->global_count = get_unsigned(in);
    assert_true(in->global_count <= GLOBALS_MAX);
    for (size_t i = 0; i < in->global_count; i++) {
        uint8_t type = get_byte(in);
        in->globals[i].type = type;
        assert_int_equal(get_byte(in), 0);
        assert_int_equal(get_byte(in), 0x41 + (0x7f - type));
        if (type >= 0x7e) {
            in->globals[i].bits = (uint64_t)get_signed(in, type == 0x7f ? 32 : 64);
        } else {
            size_t width = type == 0x7d ? 4 : 8;
            assert_true(type >= 0x7c && in->end - in->at >= width);
            memcpy(&in->globals[i].bits, in->bytes + in->at, width);
            in->at += width;
        }
        assert_int_equal(get_byte(in), 0x0b);
    }
}

static void read_exports(dump_file *in)
{
    in->export_count = get_unsigned(in);
    size_t global = 0;
    for (size_t i = 0; i < in->export_count; i++) {
        char name[64];
        get_name(in, name, sizeof name);
        uint8_t kind = get_byte(in);
        uint64_t index = get_unsigned(in);
        if (kind == 2) {
            assert_string_equal(name, "memory");
            assert_int_equal(index, 0);
        } else {
            assert_int_equal(kind, 3);
            assert_int_equal(index, global);
            assert_true(global < in->global_count);
            strcpy(in->globals[global++].name, name);
        }
    }
    assert_int_equal(global, in->global_count);
}

static void read_data(dump_file *in)
{
    uint64_t before = 0;
    in->segments = get_unsigned(in);
    assert_true(in->segments != 0 && in->segments <= SEGMENTS_MAX);
    for (size_t i = 0; i < in->segments; i++) {
        assert_int_equal(get_byte(in), 0);
        assert_int_equal(get_byte(in), in->is_64 ? 0x42 : 0x41);
        int64_t offset = get_signed(in, in->is_64 ? 64 : 32);
        uint64_t at = in->is_64 ? (uint64_t)offset : (uint32_t)offset;
        assert_int_equal(get_byte(in), 0x0b);
        uint64_t length = get_unsigned(in);
        assert_true(length != 0 && at >= before && length <= in->end - in->at);
        assert_true(at + length <= in->pages * 65536);
        memcpy(in->memory + at, in->bytes + in->at, length);
        in->at += length;
        in->segment_bytes += length;
        before = at + length;
    }
}

static void read_sections(dump_file *in)
{
    size_t customs = 0;
    uint8_t last = 0;
    while (in->at < in->length) {
        in->end = in->length;
        uint8_t id = get_byte(in);
        uint64_t length = get_unsigned(in);
        assert_true(length <= in->length - in->at);
        in->end = in->at + length;
        assert_true(id == 0 || id > last);
        if (id != 0) last = id;
        switch (id) {
        case 0: read_custom(in, customs++); break;
        case 5: read_memory(in); break;
        case 6: read_globals(in); break;
        case 7: read_exports(in); break;
        case 11: read_data(in); break;
        default: fail_msg("section %d", id);
        }
        assert_int_equal(in->at, in->end);
    }
    assert_int_equal(customs, 4);
}

static char file_path[] = "/tmp/ward-coredump-XXXXXX";

static dump_file read_dump(int descriptor)
{
    static const uint8_t head[] = {0, 'a', 's', 'm', 1, 0, 0, 0};
    struct stat status;
    dump_file in = {0};
    assert_int_equal(fstat(descriptor, &status), 0);
    in.length = (size_t)status.st_size;
    in.bytes = malloc(in.length);
    assert_non_null(in.bytes);
    assert_int_equal(pread(descriptor, in.bytes, in.length, 0), status.st_size);
    assert_true(in.length > sizeof head);
    assert_memory_equal(in.bytes, head, sizeof head);
    in.at = sizeof head;
    read_sections(&in);
    return in;
}

static void drop_dump(dump_file *in)
{
    free(in->bytes);
    free(in->memory);
}

static int file_new(void)
{
    strcpy(file_path, "/tmp/ward-coredump-XXXXXX");
    int descriptor = mkstemp(file_path);
    assert_true(descriptor >= 0);
    if (getenv("WARD_KEEP_DUMPS") == NULL) unlink(file_path); /* to look at them with wasm-tools */
    return descriptor;
}

/* ---- guests ---- */

static const char guest_wat[] =
    "(module (memory (export \"memory\") 16) (data (i32.const 1020000) \"end\")"
    " (global $i (export \"__stack_pointer\") (mut i32) (i32.const 65536))"
    " (global (export \"big\") i64 (i64.const -9000000000000000000))"
    " (global (export \"real\") (mut f32) (f32.const 1.5))"
    " (global (export \"wide\") (mut f64) (f64.const -0.1))"
    " (global (export \"none\") (mut funcref) (ref.null func))"
    " (global (mut i32) (i32.const 1))"
    " (func $inner (drop (i32.load (i32.const -1))))"
    " (func $middle (nop) (nop) (call $inner))"
    " (func (export \"die\") (result i32) (i32.store8 (i32.const 5000) (i32.const 200))"
    "   (global.set $i (i32.const -7)) (call $middle) (i32.const 0))"
    " (func (export \"fill\") (param i32 i32)"
    "   (memory.fill (local.get 0) (i32.const 0xab) (local.get 1))))";

static wardi_coredump_facts dump_to(test_guest *guest, int descriptor, const char *name,
                                    uint64_t most)
{
    wardi_coredump_options options = {
        .descriptor = descriptor, .name = name, .memory_bytes_max = most};
    wardi_coredump_facts facts = {0};
    ward_error error =
        wardi_instance_coredump(guest->instance, &guest->trap, &options, &facts, &guest->diag);
    if (error != WARD_OK) fail_msg("%s", guest->diag.text);
    return facts;
}

static void die(test_guest *guest)
{
    wardi_value result;
    assert_int_equal(guest_call(guest, "die", NULL, 0, &result, 1), WARD_ERROR_TRAP);
    assert_int_equal(guest->trap.frame_count, 3);
}

static void assert_frames(const dump_file *in, const ward_trap *trap)
{
    assert_int_equal(in->frame_count, trap->frame_count);
    for (size_t i = 0; i < in->frame_count; i++) {
        assert_int_equal(in->frames[i].instance, 0);
        assert_int_equal(in->frames[i].function, trap->frames[i].function_index);
        assert_int_equal(in->frames[i].offset, trap->frames[i].function_offset);
    }
}

static void assert_memory(test_guest *guest, const dump_file *in)
{
    uint8_t *memory;
    size_t length;
    assert_true(wardi_instance_memory(guest->instance, &memory, &length));
    assert_int_equal(in->pages * 65536, length);
    assert_memory_equal(in->memory, memory, length);
}

static void test_whole(void **state)
{
    test_guest guest = guest_start(*state, guest_wat, NULL);
    die(&guest);
    int descriptor = file_new();
    wardi_coredump_facts facts = dump_to(&guest, descriptor, "shop.cart", 0);
    dump_file in = read_dump(descriptor);
    assert_int_equal(facts.bytes, in.length);
    assert_string_equal(in.program, "shop.cart");
    assert_string_equal(in.module, "shop.cart");
    assert_string_equal(in.thread, "die");
    assert_frames(&in, &guest.trap);
    assert_int_equal(in.frames[0].function, 0); /* the youngest first */
    assert_int_equal(in.frames[2].function, 2);
    /* After the count of locals come a constant and the load; two nops and the call. */
    assert_int_equal(in.frames[0].offset, 3);
    assert_int_equal(in.frames[1].offset, 3);
    assert_memory(&guest, &in);
    assert_int_equal(in.instance_memories, 1);
    assert_int_equal(in.segments, 2); /* 14 pages of 16 are zeroes, but for 4 KiB each */
    assert_int_equal(in.segment_bytes, 8192);
    assert_int_equal(facts.memory_kept, 8192);
    assert_int_equal(facts.memory_left_out, 0);
    drop_dump(&in);
    close(descriptor);
    guest_stop(&guest);
}

static void test_globals(void **state)
{
    test_guest guest = guest_start(*state, guest_wat, NULL);
    die(&guest);
    int descriptor = file_new();
    dump_to(&guest, descriptor, "g", 0);
    dump_file in = read_dump(descriptor);
    assert_int_equal(in.global_count, 4);
    assert_int_equal(in.export_count, 5);
    assert_string_equal(in.globals[0].name, "__stack_pointer");
    assert_int_equal((int32_t)in.globals[0].bits, -7); /* as it is now */
    assert_string_equal(in.globals[1].name, "big");
    assert_int_equal((int64_t)in.globals[1].bits, INT64_C(-9000000000000000000));
    assert_int_equal(in.globals[2].bits, 0x3fc00000);
    double wide;
    memcpy(&wide, &in.globals[3].bits, sizeof wide);
    assert_true(wide == -0.1);
    drop_dump(&in);
    close(descriptor);
    guest_stop(&guest);
}

/* The engine takes the dump for a module, and its memory is the guest's. */
static void test_engine_reads_it(void **state)
{
    test_guest guest = guest_start(*state, guest_wat, NULL);
    wardi_value args[] = {{WARDI_I32, 70000}, {WARDI_I32, 300000}};
    assert_int_equal(guest_call(&guest, "fill", args, 2, NULL, 0), WARD_OK);
    die(&guest);
    int descriptor = file_new();
    dump_to(&guest, descriptor, "g", 0);
    dump_file in = read_dump(descriptor);
    test_guest again = {0};
    wardi_module_source source = {.bytes = in.bytes, .length = in.length};
    uint64_t deadline_ns = wardi_now_ns() + PATIENCE_NS;
    if (wardi_module_load(*state, &source, &deadline_ns, &again.module, &again.diag) != WARD_OK)
        fail_msg("%s", again.diag.text);
    assert_int_equal(guest_make(&again, NULL, PATIENCE_NS), WARD_OK);
    assert_memory(&again, &in);
    assert_memory(&guest, &in);
    guest_stop(&again);
    drop_dump(&in);
    close(descriptor);
    guest_stop(&guest);
}

static void test_limit(void **state)
{
    test_guest guest = guest_start(*state, guest_wat, NULL);
    wardi_value args[] = {{WARDI_I32, 65536}, {WARDI_I32, 200000}};
    assert_int_equal(guest_call(&guest, "fill", args, 2, NULL, 0), WARD_OK);
    die(&guest);
    int descriptor = file_new();
    wardi_coredump_facts facts = dump_to(&guest, descriptor, "g", 100000);
    dump_file in = read_dump(descriptor);
    assert_int_equal(in.segment_bytes, 100000);
    assert_int_equal(facts.memory_kept, 100000);
    /* 4 KiB at 5000, 49 pages of the fill, 4 KiB at the end */
    assert_int_equal(facts.memory_left_out, 51 * 4096 - 100000);
    assert_int_equal(in.segments, 2);
    drop_dump(&in);
    close(descriptor);
    guest_stop(&guest);
}

/* Every other page in use: as many segments as there can be, and none of a page of zeroes. */
static void test_scattered_memory(void **state)
{
    static const char wat[] =
        "(module (memory (export \"memory\") 2048) (func (export \"die\") (result i32) (local i32)"
        "  (loop $again (i32.store8 offset=9 (local.get 0) (i32.const 1))"
        "   (br_if $again (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 8192)))"
        "    (i32.const 134217728)))) (unreachable)))";
    test_guest guest = guest_start(*state, wat, NULL);
    wardi_value result;
    assert_int_equal(guest_call(&guest, "die", NULL, 0, &result, 1), WARD_ERROR_TRAP);
    int descriptor = file_new();
    wardi_coredump_facts facts = dump_to(&guest, descriptor, "g", 0);
    dump_file in = read_dump(descriptor);
    assert_int_equal(in.segments, 16384);
    assert_int_equal(facts.memory_kept, 64 << 20);
    assert_memory(&guest, &in);
    drop_dump(&in);
    close(descriptor);
    guest_stop(&guest);
}

/* 4 GiB of mostly zeroes, written to at its very end: the address is negative as a constant. */
static void test_largest_memory(void **state)
{
    static const char wat[] =
        "(module (memory (export \"memory\") 65536) (func (export \"die\") (result i32)"
        " (i32.store (i32.const -4) (i32.const 0x1234567)) (unreachable)))";
    wardi_instance_options options = {.limits = usual_limits(), .name = "guest"};
    options.limits.memory_bytes_max = UINT64_C(4) << 30;
    test_guest guest = guest_start(*state, wat, &options);
    wardi_value result;
    assert_int_equal(guest_call(&guest, "die", NULL, 0, &result, 1), WARD_ERROR_TRAP);
    int descriptor = file_new();
    wardi_coredump_facts facts = dump_to(&guest, descriptor, "g", 0);
    assert_int_equal(facts.memory_kept, 32768);
    dump_file in = read_dump(descriptor); /* calloc gives such memory out untouched */
    assert_int_equal(in.pages, 65536);
    assert_int_equal(in.memory[(UINT64_C(4) << 30) - 4], 0x67);
    drop_dump(&in);
    close(descriptor);
    guest_stop(&guest);
}

static void test_memory64(void **state)
{
    static const char wat[] =
        "(module (memory (export \"memory\") i64 1) (func (export \"die\") (result i32)"
        " (i64.store (i64.const 40000) (i64.const 1)) (unreachable)))";
    test_guest guest = guest_start(*state, wat, NULL);
    wardi_value result;
    assert_int_equal(guest_call(&guest, "die", NULL, 0, &result, 1), WARD_ERROR_TRAP);
    int descriptor = file_new();
    dump_to(&guest, descriptor, "g", 0);
    dump_file in = read_dump(descriptor);
    assert_true(in.is_64);
    assert_memory(&guest, &in);
    drop_dump(&in);
    close(descriptor);
    guest_stop(&guest);
}

static void test_no_memory_no_frames_odd_name(void **state)
{
    test_guest guest = guest_start(*state, "(module)", NULL);
    int descriptor = file_new();
    dump_to(&guest, descriptor, "a\xff\xc3\xa9\xc3", 0);
    dump_file in = read_dump(descriptor);
    assert_string_equal(in.program, "a?\xc3\xa9?");
    assert_string_equal(in.thread, "main");
    assert_int_equal(in.frame_count, 0);
    assert_false(in.has_memory);
    assert_int_equal(in.instance_memories, 0);
    drop_dump(&in);
    close(descriptor);
    guest_stop(&guest);
}

/* Its inside is not for the engine to show: the frames are all there is. */
static void test_component(void **state)
{
    static const char wat[] =
        "(component (core module $m (memory (export \"memory\") 1) (func (export \"die\")"
        " (result i32) (unreachable))) (core instance $i (instantiate $m))"
        " (type $kind (enum \"good\" \"bad\")) (export $e \"kind\" (type $kind))"
        " (func (export \"die\") (result $e) (canon lift (core func $i \"die\"))))";
    test_guest guest = guest_start(*state, wat, NULL);
    wardi_func func;
    wardi_component_answer answer;
    uint8_t bytes[8];
    assert_true(wardi_instance_func(guest.instance, "die", &func));
    assert_int_equal(wardi_call_component(guest.instance, &func, PATIENCE_NS, bytes, sizeof bytes,
                                          &answer, &guest.trap, &guest.diag),
                     WARD_ERROR_TRAP);
    assert_int_equal(guest.trap.frame_count, 1);
    int descriptor = file_new();
    dump_to(&guest, descriptor, "c", 0);
    dump_file in = read_dump(descriptor);
    assert_frames(&in, &guest.trap);
    assert_false(in.has_memory);
    assert_int_equal(in.export_count, 0);
    drop_dump(&in);
    close(descriptor);
    guest_stop(&guest);
}

/* ---- failures ---- */

static void refused(test_guest *guest, int descriptor, ward_error expected, const char *words)
{
    wardi_coredump_options options = {.descriptor = descriptor, .name = "shop"};
    wardi_coredump_facts facts = {.bytes = 99};
    assert_int_equal(
        wardi_instance_coredump(guest->instance, &guest->trap, &options, &facts, &guest->diag),
        expected);
    if (strstr(guest->diag.text, words) == NULL) fail_msg("%s", guest->diag.text);
    assert_int_equal(facts.bytes, 99);
}

static void test_full_disk(void **state)
{
    test_guest guest = guest_start(*state, guest_wat, NULL);
    die(&guest);
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    assert_true(full >= 0);
    refused(&guest, full, WARD_ERROR_IO,
            "cannot write the core dump of shop, with 8KiB of memory: No space left on device; "
            "make room");
    close(full);
    refused(&guest, -1, WARD_ERROR_IO, "Bad file descriptor");
    int file = file_new();
    struct rlimit before, small = {.rlim_cur = 5000};
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small.rlim_max = before.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0); /* SIGXFSZ would end this process */
    refused(&guest, file, WARD_ERROR_IO, "File too large; make room");
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    close(file);
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    close(ends[0]);
    refused(&guest, ends[1], WARD_ERROR_IO, "Broken pipe"); /* as would SIGPIPE */
    close(ends[1]);
    guest_stop(&guest);
}

static void test_while_a_call_waits(void **state)
{
    static const char wat[] =
        "(module (import \"wasi_snapshot_preview1\" \"poll_oneoff\""
        "   (func $poll (param i32 i32 i32 i32) (result i32))) (memory (export \"memory\") 1)"
        " (func (export \"sleep\") (i32.store (i32.const 80) (i32.const 1))"
        "   (i64.store (i32.const 88) (i64.const 3600000000000))"
        "   (drop (call $poll (i32.const 64) (i32.const 256) (i32.const 1) (i32.const 0)))))";
    test_guest guest = guest_start(*state, wat, NULL);
    wardi_func func;
    wardi_progress progress;
    uint64_t wake_ns;
    assert_true(wardi_instance_func(guest.instance, "sleep", &func));
    assert_int_equal(
        wardi_call_start(guest.instance, &func, NULL, 0, 0, PATIENCE_NS, &progress, &wake_ns, NULL),
        WARD_OK);
    refused(&guest, 2, WARD_ERROR_BUSY, "a call into shop waits");
    guest_stop(&guest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_globals),
        cmocka_unit_test(test_engine_reads_it),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_scattered_memory),
        cmocka_unit_test(test_largest_memory),
        cmocka_unit_test(test_memory64),
        cmocka_unit_test(test_no_memory_no_frames_odd_name),
        cmocka_unit_test(test_component),
        cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_while_a_call_waits),
    };
    return cmocka_run_group_tests(tests, engine_setup, engine_teardown);
}
