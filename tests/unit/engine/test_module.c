/* Loading: what is accepted, what is refused and in which words, what a module says of itself. */
#include "support.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static ward_error load_bytes(wardi_engine *engine, const void *bytes, size_t length,
                             wardi_module **ret_module, ward_diag *ret_diag)
{
    wardi_module_source source = {.bytes = bytes, .length = length};
    uint64_t deadline_ns = wardi_now_ns() + PATIENCE_NS;
    return wardi_module_load(engine, &source, &deadline_ns, ret_module, ret_diag);
}

static void expect_refusal(wardi_engine *engine, const void *bytes, size_t length, ward_error error,
                           const char *words)
{
    wardi_module *module = NULL;
    ward_diag diag = {0};
    assert_int_equal(load_bytes(engine, bytes, length, &module, &diag), error);
    if (strstr(diag.text, words) == NULL) fail_msg("\"%s\" is not in: %s", words, diag.text);
    assert_int_equal(diag.error, error);
    assert_null(module);
}
#define REFUSE(bytes, error, words)                                                                \
    expect_refusal(*state, bytes, sizeof(bytes) - 1, WARD_ERROR_##error, words)

static void test_not_wasm(void **state)
{
    REFUSE("", NOT_WASM, "is empty");
    REFUSE("\x7f"
           "ELF\2\1\1",
           NOT_WASM, "7f 45 4c 46 02 01 01, which looks like a native program");
    REFUSE("\x1f\x8b\x08", NOT_WASM, "gzip");
    REFUSE("<!DOCTYPE html>", NOT_WASM, "HTML");
    REFUSE("   \n", NOT_WASM, "20 20 20 0a");
    REFUSE("hello", NOT_WASM, "begins with 68 65 6c 6c 6f;");
    REFUSE("\xff", NOT_WASM, "begins with ff;");
    REFUSE("\0asm\2\0\0\0", NOT_WASM, "version 02 00 00 00");
    REFUSE("\0asm\1\0\1\0", NOT_WASM, "version 01 00 01 00");
}

static void test_truncated(void **state)
{
    REFUSE("\0", TRUNCATED, "after 1 bytes");
    REFUSE("\0asm", TRUNCATED, "after 4 bytes");
    REFUSE("\0asm\1\0\0", TRUNCATED, "after 7 bytes");
    REFUSE("\0asm\1\0\0\0\1", TRUNCATED, "after 9 bytes");
    REFUSE("\0asm\1\0\0\0\1\5\1", TRUNCATED, "inside a section");
    REFUSE("\0asm\1\0\0\0\1\xff\xff\xff\xff\xff\xff\xff\xff\x7f", TRUNCATED, "inside a section");
    REFUSE("\0asm\x0d\0\1\0\1\5\1", TRUNCATED, "inside a section");
}

static const uint8_t small_module[] = {
    0,  'a', 's', 'm',  1,   0,    0,    0,  /* */
    1,  5,   1,   0x60, 0,   1,    0x7f,     /* () -> i32 */
    3,  2,   1,   0,                         /* */
    5,  3,   1,   0,    1,                   /* one page */
    7,  5,   1,   1,    'f', 0,    0,        /* f */
    10, 6,   1,   4,    0,   0x41, 42,   11, /* 42 */
};

/* Every end but the module's own. An end between sections leaves a module, of another meaning. */
static void test_cut_at_every_byte(void **state)
{
    for (size_t length = 0; length < sizeof small_module; length++) {
        uint8_t *exact = malloc(length + 1);
        wardi_module *module = NULL;
        ward_diag diag;
        memcpy(exact, small_module, length);
        ward_error error = load_bytes(*state, exact, length, &module, &diag);
        if (error != WARD_OK && length != 0)
            assert_true(error == WARD_ERROR_TRUNCATED || error == WARD_ERROR_COMPILE);
        wardi_module_release(module);
        free(exact);
    }
    wardi_module *module = NULL;
    assert_int_equal(load_bytes(*state, small_module, sizeof small_module, &module, NULL), WARD_OK);
    assert_int_equal(wardi_module_facts_of(module)->memory_bytes_min, 65536);
    wardi_module_release(module);
}

static void test_invalid(void **state)
{
    REFUSE("(module (func (result i32) i64.const 0))", COMPILE, "type mismatch");
    REFUSE("(module\n  (func i65.const 0))", COMPILE, ":2:9: unknown operator");
    REFUSE("(module", COMPILE, "expected `)`");
    REFUSE("\0asm\1\0\0\0\1\1\1", COMPILE, "unexpected end");
}

static void test_files(void **state)
{
    char directory[] = "/tmp/ward-test-XXXXXX", path[64];
    wardi_module *module = NULL;
    ward_diag diag;
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/m.wat", directory);
    wardi_module_source source = {.path = path};
    assert_int_equal(wardi_module_load(*state, &source, NULL, &module, &diag),
                     WARD_ERROR_NOT_FOUND);
    assert_non_null(strstr(diag.text, path));
    FILE *file = fopen(path, "we");
    fputs(" ;; a comment first\n(module)", file);
    fclose(file);
    assert_int_equal(wardi_module_load(*state, &source, NULL, &module, &diag), WARD_OK);
    assert_int_equal(wardi_module_facts_of(module)->byte_count, 28);
    wardi_module_release(module);
    module = NULL;
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(wardi_module_load(*state, &source, NULL, &module, &diag), WARD_ERROR_IO);
    assert_non_null(strstr(diag.text, "not a regular file"));
    unlink(path);
    source.path = directory;
    assert_int_equal(wardi_module_load(*state, &source, NULL, &module, &diag), WARD_ERROR_IO);
    assert_non_null(strstr(diag.text, "is a directory"));
    assert_null(module);
    rmdir(directory);
}

static void file_write(const char *path, const char *wat)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fputs(wat, file);
    fclose(file);
}

/* What is exported first, which tells the modules apart. */
static wardi_module *file_load(void **state, const char *path, const char *first_export)
{
    wardi_module_source source = {.path = path};
    wardi_module *module = NULL;
    ward_diag diag = {0};
    if (wardi_module_load(*state, &source, NULL, &module, &diag) != WARD_OK)
        fail_msg("%s", diag.text);
    assert_string_equal(wardi_module_facts_of(module)->exports[0].name, first_export);
    return module;
}

/* While no file can be opened, only a module that is known by its file's stamp can be loaded. */
static bool file_known(void **state, const char *path, bool metered)
{
    struct rlimit usual, none;
    wardi_module_source source = {.path = path, .metered = metered};
    wardi_module *module = NULL;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &usual), 0);
    none = usual;
    none.rlim_cur = 0;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    ward_error error = wardi_module_load(*state, &source, NULL, &module, NULL);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &usual), 0);
    wardi_module_release(module);
    return error == WARD_OK;
}

static void test_a_file_is_read_once_and_again_when_it_changes(void **state)
{
    static const char one[] = "(module (memory (export \"one\") 1))",
                      two[] = "(module (memory (export \"two\") 1))";
    char directory[] = "/tmp/ward-test-XXXXXX", path[64], other[64];
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/m.wat", directory);
    snprintf(other, sizeof other, "%s/other.wat", directory);
    /* What is new is not trusted: it may change again within its time stamp. */
    file_write(path, two);
    wardi_module_release(file_load(state, path, "two"));
    file_write(path, one);
    wardi_module *first = file_load(state, path, "one");
    assert_false(file_known(state, path, false));
    file_write(other, two);
    wardi_sleep_until_ns(wardi_now_ns() +
                         4 * WARDI_S); /* until it is older than any clock's tick */
    wardi_module *again = file_load(state, path, "one");
    assert_ptr_equal(again, first);
    assert_true(file_known(state, path, false));
    assert_false(file_known(state, path, true)); /* that would be other code */
    assert_false(file_known(state, other, false));
    file_write(path, two);
    wardi_module *changed = file_load(state, path, "two");
    assert_int_equal(rename(other, path), 0);
    wardi_module_release(file_load(state, path, "two"));
    wardi_module_release(changed);
    wardi_module_release(again);
    wardi_module_release(first);
    unlink(path);
    rmdir(directory);
}

static void test_facts(void **state)
{
    static const char wat[] =
        "(module (import \"wasi_snapshot_preview1\" \"fd_write\""
        "   (func (param i32 i32 i32 i32) (result i32)))"
        " (memory (export \"memory\") 2 10) (table (export \"t\") 1 funcref)"
        " (table (export \"u\") 3 9 funcref)"
        " (global (export \"g\") (mut i32) (i32.const 0)) (global (export \"h\") f64 (f64.const 0))"
        " (func (export \"f\") (param i32 i64) (result f32 f64) f32.const 0 f64.const 0)"
        " (func (export \"v\") (param v128)) (func (export \"r\") (param funcref)))";
    static const char *const types[] = {"memory 2..=10 pages", "table funcref 1..",
                                        "table funcref 3..=9", "global mut i32",
                                        "global f64",          "func (i32, i64) -> (f32, f64)",
                                        "func (v128)",         "func (funcref)"};
    test_guest guest = {0};
    assert_int_equal(guest_load(&guest, *state, wat, false), WARD_OK);
    const wardi_module_facts *facts = wardi_module_facts_of(guest.module);
    assert_int_equal(facts->export_count, WARD_COUNT(types));
    for (size_t i = 0; i < WARD_COUNT(types); i++)
        assert_string_equal(facts->exports[i].type, types[i]);
    assert_int_equal(facts->import_count, 1);
    assert_string_equal(facts->imports[0].type, "func (i32, i32, i32, i32) -> i32");
    assert_true(facts->imports[0].offered);
    assert_false(facts->imports[0].waits || facts->waits || facts->is_component);
    assert_int_equal(facts->memory_bytes_min, 2 * 65536);
    assert_int_equal(facts->table_elements_min, 3);
    const wardi_signature *signature = &facts->export_details[5].signature;
    assert_true(signature->numeric);
    assert_int_equal(signature->param_count, 2);
    assert_int_equal(signature->results[1], WARDI_F64);
    assert_false(facts->export_details[6].signature.numeric);
    assert_false(facts->export_details[7].signature.numeric);
    assert_int_equal(facts->export_details[0].kind, WARDI_EXTERN_MEMORY);
    wardi_module_release(guest.module);
}

/* Types on which the engine's older accessors end the process. */
static void test_odd_types(void **state)
{
    static const char wat[] =
        "(module (type $t (func)) (table (export \"big\") i64 0x100000000 funcref)"
        " (memory (export \"m64\") i64 0x1000000000000)"
        " (global (export \"g\") v128 (v128.const i64x2 0 0))"
        " (global (export \"n\") (ref null $t) (ref.null $t))"
        " (elem declare func $f) (func $f (export \"f\") (type $t))"
        " (func (export \"r\") (param (ref $t) (ref null $t) (ref func)) (result (ref $t))"
        "   (local.get 0)))";
    static const char *const types[] = {
        "table funcref 4294967296..",
        "memory64 281474976710656.. pages",
        "global v128",
        "global (ref null type)",
        "func ()",
        "func ((ref type), (ref null type), (ref func)) -> (ref type)"};
    test_guest guest = {0};
    if (guest_load(&guest, *state, wat, false) != WARD_OK) fail_msg("%s", guest.diag.text);
    const wardi_module_facts *facts = wardi_module_facts_of(guest.module);
    for (size_t i = 0; i < WARD_COUNT(types); i++)
        assert_string_equal(facts->exports[i].type, types[i]);
    wardi_module_release(guest.module);
}

static void test_missing_imports(void **state)
{
    static const char wat[] =
        "(module (import \"env\" \"printf\" (func (param i32 i32) (result i32)))"
        " (import \"wasi_snapshot_preview1\" \"fd_wirte\" (func))"
        " (import \"wasi_unstable\" \"fd_read\" (func))"
        " (import \"wasi_snapshot_preview1\" \"random_get\" (func (param i64)))"
        " (import \"wasi_snapshot_preview1\" \"fd_close\" (func (param i32) (result i32)))"
        " (import \"env\" \"memory\" (memory 1)) (import \"env\" \"t\" (table 4 8 funcref))"
        " (import \"env\" \"g\" (global (mut i64))))";
    static const char *const lines[] = {
        "7 of 8 imports are not offered; Ward offers WASI preview 1 (wasi_snapshot_preview1):",
        "\n  env.printf: func (i32, i32) -> i32\n",
        "\n  wasi_snapshot_preview1.fd_wirte: func () (offered: wasi_snapshot_preview1.fd_write)",
        "\n  wasi_unstable.fd_read: func () (offered: wasi_snapshot_preview1.fd_read)",
        "\n  wasi_snapshot_preview1.random_get: func (i64) (offered as func (i32, i32) -> i32)",
        "\n  env.memory: memory 1.. pages",
        "\n  env.t: table funcref 4..=8",
        "\n  env.g: global mut i64"};
    test_guest guest = {0};
    assert_int_equal(guest_load(&guest, *state, wat, false), WARD_OK);
    assert_int_equal(wardi_module_check_imports(guest.module, &guest.diag),
                     WARD_ERROR_IMPORT_MISSING);
    for (size_t i = 0; i < WARD_COUNT(lines); i++)
        if (strstr(guest.diag.text, lines[i]) == NULL)
            fail_msg("\"%s\" is not in: %s", lines[i], guest.diag.text);
    assert_null(strstr(guest.diag.text, "fd_close"));
    assert_int_equal(guest_make(&guest, NULL, PATIENCE_NS), WARD_ERROR_IMPORT_MISSING);
    wardi_module_release(guest.module);
}

/* A core module where the component around it is meant. */
static void test_the_inside_of_a_component(void **state)
{
    test_guest guest = {0};
    assert_int_equal(guest_load(&guest, *state,
                                "(module (import \"wasi:cli/stdout@0.2.0\" \"get-stdout\""
                                " (func (result i32))))",
                                false),
                     WARD_OK);
    assert_int_equal(wardi_module_check_imports(guest.module, &guest.diag),
                     WARD_ERROR_IMPORT_MISSING);
    assert_non_null(strstr(guest.diag.text, "load the component"));
    assert_non_null(
        strstr(guest.diag.text, "\n  wasi:cli/stdout@0.2.0.get-stdout: func () -> i32"));
    wardi_module_release(guest.module);
}

static void test_many_missing_imports(void **state)
{
    char wat[8000];
    wardi_text text = WARDI_TEXT(wat);
    wardi_text_puts(&text, "(module");
    for (int i = 0; i < 100; i++)
        wardi_text_printf(&text, " (import \"environment\" \"function_%d\" (func (param i32)))", i);
    wardi_text_puts(&text, ")");
    test_guest guest = {0};
    assert_int_equal(guest_load(&guest, *state, wat, false), WARD_OK);
    assert_int_equal(wardi_module_check_imports(guest.module, &guest.diag),
                     WARD_ERROR_IMPORT_MISSING);
    assert_non_null(strstr(guest.diag.text, "100 of 100 imports are not offered"));
    assert_non_null(strstr(guest.diag.text, " more"));
    wardi_module_release(guest.module);
}

/* ---- deadlines and threads ---- */

/* A module that takes a while: many functions of many additions. */
static char *heavy_wat(size_t functions)
{
    size_t capacity = functions * 1700 + 100;
    char *bytes = malloc(capacity);
    wardi_text text = wardi_text_on(bytes, capacity);
    wardi_text_puts(&text, "(module");
    for (size_t i = 0; i < functions; i++) {
        wardi_text_printf(&text, "(func (param i32) (result i32) (i32.const %zu)", i);
        for (int k = 0; k < 90; k++) wardi_text_puts(&text, "(local.get 0)i32.add ");
        wardi_text_puts(&text, ")");
    }
    wardi_text_puts(&text, ")");
    return bytes;
}

static void test_compilation_past_its_deadline(void **state)
{
    char *wat = heavy_wat(3000);
    wardi_module_source source = {.bytes = (const uint8_t *)wat, .length = strlen(wat)};
    wardi_module *module = NULL;
    ward_diag diag;
    uint64_t deadline_ns = wardi_now_ns() + WARDI_MS;
    assert_int_equal(wardi_module_load(*state, &source, &deadline_ns, &module, &diag),
                     WARD_ERROR_DEADLINE);
    assert_non_null(strstr(diag.text, "was not compiled in time"));
    assert_null(module);
    free(wat); /* the compilation has its own copy */
    assert_int_equal(load_bytes(*state, small_module, sizeof small_module, &module, &diag),
                     WARD_OK);
    wardi_module_release(module);
}

typedef struct thread_runner {
    wardi_engine *engine;
    wardi_module *module;
    int failures;
} thread_runner;

static void *runner_run(void *argument)
{
    thread_runner *runner = argument;
    wardi_instance_options options = {.limits = usual_limits(), .name = "guest"};
    for (int life = 0; life < 50; life++) {
        wardi_instance *instance = NULL;
        wardi_func func;
        uint64_t bits = 0;
        if (wardi_instance_new(runner->module, &options, wardi_now_ns() + PATIENCE_NS, &instance,
                               NULL, NULL) != WARD_OK ||
            !wardi_instance_func(instance, "f", &func))
            runner->failures++;
        for (int call = 0; call < 500 && instance != NULL; call++)
            if (wardi_call_probe(instance, &func, wardi_ticks(), PATIENCE_NS, &bits, NULL) !=
                    WARD_OK ||
                bits != 42)
                runner->failures++;
        wardi_instance_free(instance);
    }
    return NULL;
}

static void test_two_threads(void **state)
{
    thread_runner runners[2];
    pthread_t threads[2];
    wardi_module *module = NULL;
    assert_int_equal(load_bytes(*state, small_module, sizeof small_module, &module, NULL), WARD_OK);
    for (int i = 0; i < 2; i++) {
        runners[i] = (thread_runner){.engine = *state, .module = module};
        wardi_module_retain(module);
        assert_int_equal(pthread_create(&threads[i], NULL, runner_run, &runners[i]), 0);
    }
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(runners[i].failures, 0);
        wardi_module_release(module);
    }
    wardi_module_release(module);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_not_wasm),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_cut_at_every_byte),
        cmocka_unit_test(test_invalid),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_a_file_is_read_once_and_again_when_it_changes),
        cmocka_unit_test(test_facts),
        cmocka_unit_test(test_odd_types),
        cmocka_unit_test(test_missing_imports),
        cmocka_unit_test(test_the_inside_of_a_component),
        cmocka_unit_test(test_many_missing_imports),
        cmocka_unit_test(test_compilation_past_its_deadline),
        cmocka_unit_test(test_two_threads),
    };
    return cmocka_run_group_tests(tests, engine_setup, engine_teardown);
}
