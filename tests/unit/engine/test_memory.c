/* Linear memories: limits over all of them together, counted refusals, slots that forget. */
#include "support.h"

#include <sys/resource.h>
#include <unistd.h>

static const char grow_wat[] =
    "(module (memory $a (export \"memory\") 1) (memory $b 1 4)"
    " (func (export \"grow\") (param i32) (result i32) (memory.grow $a (local.get 0)))"
    " (func (export \"grow_b\") (param i32) (result i32) (memory.grow $b (local.get 0)))"
    " (func (export \"store\") (param i32 i32) (i32.store $a (local.get 0) (local.get 1)))"
    " (func (export \"load\") (param i32) (result i32) (i32.load $a (local.get 0))))";

static const uint32_t page = 65536;

static int32_t call1(test_guest *guest, const char *name, uint32_t argument)
{
    wardi_value arg = {WARDI_I32, argument}, result = {0};
    if (guest_call(guest, name, &arg, 1, &result, 1) != WARD_OK)
        fail_msg("%s: %s", name, guest->diag.text);
    return (int32_t)result.bits;
}

static wardi_instance_figures figures(const test_guest *guest)
{
    wardi_instance_figures figures;
    wardi_instance_figures_of(guest->instance, &figures);
    return figures;
}

static wardi_instance_options limited(uint64_t bytes)
{
    wardi_instance_options options = {.limits = usual_limits(), .name = "guest"};
    options.limits.memory_bytes_max = bytes;
    return options;
}

static void test_growth_up_to_the_limit(void **state)
{
    wardi_instance_options options = limited(8 * page);
    test_guest guest = guest_start(*state, grow_wat, &options);
    assert_int_equal(figures(&guest).memory_bytes, 2 * page);
    assert_int_equal(call1(&guest, "grow", 4), 1);
    assert_int_equal(figures(&guest).memory_bytes, 6 * page);
    assert_int_equal(call1(&guest, "grow_b", 3), -1);
    assert_int_equal(call1(&guest, "load", 5 * page - 4), 0);
    assert_int_equal(figures(&guest).memory_bytes, 6 * page); /* 9 would be over: refused */
    assert_int_equal(call1(&guest, "grow_b", 2), 1);
    guest_stop(&guest);
}

static void test_refusals_are_counted(void **state)
{
    wardi_instance_options options = limited(4 * page);
    test_guest guest = guest_start(*state, grow_wat, &options);
    assert_int_equal(call1(&guest, "grow", 3), -1);
    assert_int_equal(call1(&guest, "grow", 65000), -1);
    assert_int_equal(figures(&guest).growths_refused, 2);
    assert_int_equal(figures(&guest).memory_bytes, 2 * page);
    assert_int_equal(call1(&guest, "grow", 2), 1);
    assert_int_equal(figures(&guest).growths_refused, 2);
    assert_int_equal(call1(&guest, "grow_b", 9), -1); /* over its own maximum: its own doing */
    assert_int_equal(figures(&guest).growths_refused, 2);
    guest_stop(&guest);
}

static void test_base_stays_and_bounds_hold(void **state)
{
    test_guest guest = guest_start(*state, grow_wat, NULL);
    uint8_t *before, *after;
    size_t length;
    assert_true(wardi_instance_memory(guest.instance, &before, &length));
    assert_int_equal(length, page);
    wardi_value args[] = {{WARDI_I32, page - 4}, {WARDI_I32, 0x11223344}};
    assert_int_equal(guest_call(&guest, "store", args, 2, NULL, 0), WARD_OK);
    assert_int_equal(before[page - 1], 0x11);
    args[0].bits = page - 3;
    assert_int_equal(guest_call(&guest, "store", args, 2, NULL, 0), WARD_ERROR_TRAP);
    assert_int_equal(call1(&guest, "grow", 100), 1);
    assert_true(wardi_instance_memory(guest.instance, &after, &length));
    assert_ptr_equal(after, before);
    assert_int_equal(length, 101 * page);
    assert_int_equal(guest_call(&guest, "store", args, 2, NULL, 0), WARD_OK);
    args[0].bits = 101 * page - 3;
    assert_int_equal(guest_call(&guest, "store", args, 2, NULL, 0), WARD_ERROR_TRAP);
    args[0].bits = 0xfffffffc;
    assert_int_equal(guest_call(&guest, "store", args, 2, NULL, 0), WARD_ERROR_TRAP);
    assert_string_equal(guest.trap.cause, "out of bounds memory access");
    guest_stop(&guest);
}

/* The next owner of a slot sees zeroes, whatever its size, and no more than its own bytes. */
static void test_slots_forget(void **state)
{
    uint8_t *first = NULL, *bytes;
    size_t length;
    for (int i = 0; i < 8; i++) {
        test_guest guest = guest_start(*state, grow_wat, NULL);
        assert_true(wardi_instance_memory(guest.instance, &bytes, &length));
        if (first == NULL) first = bytes;
        for (size_t at = 0; at < length; at++) assert_int_equal(bytes[at], 0);
        wardi_value past[] = {{WARDI_I32, page}, {WARDI_I32, 1}};
        assert_int_equal(guest_call(&guest, "store", past, 2, NULL, 0), WARD_ERROR_TRAP);
        assert_int_equal(call1(&guest, "grow", (uint32_t)(7 - i)), 1);
        assert_true(wardi_instance_memory(guest.instance, &bytes, &length));
        for (size_t at = page; at < length; at++) assert_int_equal(bytes[at], 0);
        memset(bytes, 0xa5, length);
        guest_stop(&guest);
    }
    test_guest guest = guest_start(*state, "(module (memory (export \"memory\") 8))", NULL);
    assert_true(wardi_instance_memory(guest.instance, &bytes, &length));
    for (size_t at = 0; at < length; at++) assert_int_equal(bytes[at], 0);
    guest_stop(&guest);
    assert_non_null(first);
}

static void test_minimum_over_the_limit(void **state)
{
    test_guest guest = {0};
    wardi_instance_options options = limited(3 * page);
    assert_int_equal(guest_load(&guest, *state, "(module (memory 2) (memory 2) (memory 2))", false),
                     WARD_OK);
    assert_int_equal(wardi_module_facts_of(guest.module)->memory_bytes_min, 6 * page);
    assert_int_equal(guest_make(&guest, &options, PATIENCE_NS), WARD_ERROR_LIMIT_MEMORY);
    assert_string_equal(guest.diag.text, "the module needs 384KiB of memory to start, over its "
                                         "limit of 192KiB: raise limits.memory");
    wardi_module_release(guest.module);
    options = limited(UINT64_MAX);
    assert_int_equal(guest_load(&guest, *state, "(module (memory i64 0x1000000000000))", false),
                     WARD_OK);
    assert_int_equal(guest_make(&guest, &options, PATIENCE_NS), WARD_ERROR_LIMIT_MEMORY);
    wardi_module_release(guest.module);
}

static void test_tables(void **state)
{
    static const char wat[] =
        "(module (table $t 10 funcref) (func (export \"grow\") (param i32) (result i32)"
        " (table.grow $t (ref.null func) (local.get 0))))";
    wardi_instance_options options = limited(page);
    options.limits.table_elements_max = 20;
    test_guest guest = guest_start(*state, wat, &options);
    assert_int_equal(call1(&guest, "grow", 11), -1);
    assert_int_equal(call1(&guest, "grow", 10), 10);
    assert_int_equal(call1(&guest, "grow", 1), -1);
    wardi_instance_free(guest.instance);
    guest.instance = NULL;
    options.limits.table_elements_max = 9;
    assert_int_equal(guest_make(&guest, &options, PATIENCE_NS), WARD_ERROR_LIMIT_TABLE);
    assert_string_equal(guest.diag.text, "the module needs a table of 10 elements, over its limit "
                                         "of 9: raise limits.table_elements");
    assert_null(guest.instance);
    wardi_module_release(guest.module);
}

static void test_memory64(void **state)
{
    static const char wat[] =
        "(module (memory (export \"memory\") i64 1)"
        " (func (export \"load\") (param i64) (result i32) (i32.load (local.get 0)))"
        " (func (export \"grow\") (param i64) (result i64) (memory.grow (local.get 0))))";
    test_guest guest = guest_start(*state, wat, NULL);
    static const uint64_t wild[] = {65536, UINT32_MAX, UINT64_C(1) << 32, UINT64_C(1) << 47,
                                    UINT64_MAX};
    wardi_value arg = {WARDI_I64, 65532}, result;
    assert_int_equal(guest_call(&guest, "load", &arg, 1, &result, 1), WARD_OK);
    for (size_t i = 0; i < WARD_COUNT(wild); i++) {
        arg.bits = wild[i];
        assert_int_equal(guest_call(&guest, "load", &arg, 1, &result, 1), WARD_ERROR_TRAP);
        assert_int_equal(guest_call(&guest, "grow", &arg, 1, &result, 1), WARD_OK);
        assert_int_equal(result.bits, UINT64_MAX);
    }
    guest_stop(&guest);
}

static void test_no_memory_and_odd_exports(void **state)
{
    uint8_t *bytes;
    size_t length;
    test_guest guest = guest_start(*state, "(module (func (export \"memory\")))", NULL);
    assert_false(wardi_instance_memory(guest.instance, &bytes, &length));
    guest_stop(&guest);
    guest = guest_start(*state, "(module (memory (export \"memory\") 0))", NULL);
    assert_true(wardi_instance_memory(guest.instance, &bytes, &length));
    assert_int_equal(length, 0);
    guest_stop(&guest);
}

/* ---- the pool ---- */

static void test_slots_run_out(void **state)
{
    wardi_engine_options small = {.memories_max = 3};
    wardi_engine *engine;
    ward_diag diag;
    wardi_instance *instances[3];
    (void)state;
    assert_int_equal(wardi_engine_new(&small, &engine, &diag), WARD_OK);
    test_guest guest = {0};
    assert_int_equal(guest_load(&guest, engine, "(module (memory 1))", false), WARD_OK);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(guest_make(&guest, NULL, PATIENCE_NS), WARD_OK);
        instances[i] = guest.instance;
    }
    assert_int_equal(guest_make(&guest, NULL, PATIENCE_NS), WARD_ERROR_LIMIT_COMPONENTS);
    assert_non_null(strstr(guest.diag.text, "all 3 memories"));
    assert_non_null(strstr(guest.diag.text, "components_max"));
    wardi_instance_free(instances[1]);
    assert_int_equal(guest_make(&guest, NULL, PATIENCE_NS), WARD_OK);
    wardi_instance_free(guest.instance);
    wardi_instance_free(instances[0]);
    wardi_instance_free(instances[2]);
    wardi_module_release(guest.module);
    wardi_engine_free(engine);
}

static void test_limits_of_the_kernel(void **state)
{
    (void)state;
    wardi_engine *engine = NULL;
    ward_diag diag;
    wardi_engine_options many = {.memories_max = 4000000000};
    assert_int_equal(wardi_engine_new(&many, &engine, &diag), WARD_ERROR_INVALID_ARGUMENT);
    assert_non_null(strstr(diag.text, "vm.max_map_count"));
    many = (wardi_engine_options){.profile = WARD_MEMORY_DENSE,
                                  .memories_max = 4000000000,
                                  .memory_bytes_max = UINT64_C(4) << 30};
    assert_int_equal(wardi_engine_new(&many, &engine, &diag), WARD_ERROR_NO_MEMORY);
    assert_non_null(strstr(diag.text, "address space"));
    many = (wardi_engine_options){.memory_bytes_max = UINT64_C(5) << 30};
    assert_int_equal(wardi_engine_new(&many, &engine, &diag), WARD_ERROR_INVALID_ARGUMENT);
    assert_null(engine);
}

static size_t count_lines(const char *path)
{
    FILE *file = fopen(path, "re");
    size_t lines = 0;
    assert_non_null(file);
    for (int c; (c = getc(file)) != EOF;) lines += c == '\n';
    fclose(file);
    return lines;
}

static size_t count_descriptors(void)
{
    size_t open = 0;
    for (int i = 0; i < 1024; i++) open += lseek(i, 0, SEEK_CUR) >= 0 || dup2(i, i) == i;
    return open;
}

static void test_thousand_lives(void **state)
{
    test_guest guest = {0};
    assert_int_equal(guest_load(&guest, *state, grow_wat, false), WARD_OK);
    size_t maps = 0, descriptors = 0;
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(guest_make(&guest, NULL, PATIENCE_NS), WARD_OK);
        (void)call1(&guest, "grow", (uint32_t)i % 5);
        wardi_instance_free(guest.instance);
        if (i != 100) continue;
        maps = count_lines("/proc/self/maps");
        descriptors = count_descriptors();
    }
    assert_in_range(count_lines("/proc/self/maps"), 1, maps + 4);
    assert_int_equal(count_descriptors(), descriptors);
    wardi_module_release(guest.module);
}

static int dense_setup(void **state)
{
    wardi_engine_options options = {.profile = WARD_MEMORY_DENSE, .memories_max = 64};
    wardi_engine *engine = NULL;
    ward_diag diag = {0};
    ward_error error = wardi_engine_new(&options, &engine, &diag);
    *state = engine;
    if (error == WARD_OK && wardi_engine_memory_bytes_max(engine) != 16u << 20) return 1;
    return error != WARD_OK;
}

/* A dense slot is 16 MiB: growth past it is refused and counted, though the limit is higher. */
static void test_dense_slot_is_a_limit(void **state)
{
    test_guest guest = guest_start(*state, grow_wat, NULL);
    assert_int_equal(call1(&guest, "grow", 255), 1);
    assert_int_equal(call1(&guest, "grow", 1), -1);
    assert_int_equal(figures(&guest).growths_refused, 1);
    assert_int_equal(call1(&guest, "load", 256 * page - 4), 0);
    wardi_value wild = {WARDI_I32, 256 * page - 3}, result;
    assert_int_equal(guest_call(&guest, "load", &wild, 1, &result, 1), WARD_ERROR_TRAP);
    guest_stop(&guest);
    memset(&guest, 0, sizeof guest);
    assert_int_equal(guest_load(&guest, *state, "(module (memory 257))", false), WARD_OK);
    assert_int_equal(guest_make(&guest, NULL, PATIENCE_NS), WARD_ERROR_LIMIT_MEMORY);
    assert_non_null(strstr(guest.diag.text, "the host's"));
    wardi_module_release(guest.module);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_growth_up_to_the_limit),
        cmocka_unit_test(test_refusals_are_counted),
        cmocka_unit_test(test_base_stays_and_bounds_hold),
        cmocka_unit_test(test_slots_forget),
        cmocka_unit_test(test_minimum_over_the_limit),
        cmocka_unit_test(test_tables),
        cmocka_unit_test(test_memory64),
        cmocka_unit_test(test_no_memory_and_odd_exports),
        cmocka_unit_test(test_thousand_lives),
    };
    const struct CMUnitTest dense[] = {cmocka_unit_test(test_dense_slot_is_a_limit)};
    const struct CMUnitTest pools[] = {
        cmocka_unit_test(test_slots_run_out),
        cmocka_unit_test(test_limits_of_the_kernel),
    };
    int failed = cmocka_run_group_tests_name("guarded", tests, engine_setup, engine_teardown);
    failed += cmocka_run_group_tests_name("dense", tests, dense_setup, engine_teardown);
    failed += cmocka_run_group_tests_name("dense only", dense, dense_setup, engine_teardown);
    return failed + cmocka_run_group_tests_name("pools", pools, NULL, NULL);
}
