/* The note: whatever is put is what is got, and a writer half-way stops no reader. */
#include "component/component_priv.h"
#include "fake/fixture.h"

static const wardi_note_attributes said = {.kind = WARDI_NOTE_VERDICT,
                                           .health = WARD_CHILD_FAILED,
                                           .source = WARD_SOURCE_POLICY,
                                           .probe_error = WARD_PROBE_PAYLOAD,
                                           .resource = WARD_RESOURCE_BUSY};

static void test_every_length(void **state)
{
    (void)state;
    wardi_note note = {0};
    char text[WARD_REASON_BYTES_MAX];
    memset(text, 'x', sizeof text);
    for (size_t length = 0; length <= sizeof text; length++) {
        text[0] = (char)('a' + length % 26);
        wardi_note_put(&note, &said, text, length, length % 2 != 0);
        wardi_note_attributes got;
        ward_reason reason;
        assert_true(wardi_note_get(&note, &got, &reason));
        assert_memory_equal(&got, &said, sizeof got);
        assert_int_equal(reason.length, length);
        assert_int_equal(reason.cut, length % 2 != 0);
        assert_memory_equal(reason.text, text, length);
        assert_int_equal(reason.text[length], 0);
    }
    wardi_note_done(&note);
}

static bool refuse(void *context, size_t size)
{
    (void)context, (void)size;
    return false;
}

static void test_without_memory_the_attributes_stay(void **state)
{
    (void)state;
    wardi_note note = {0};
    wardi_note_attributes got;
    ward_reason reason;
    wardi_alloc_gate_set(refuse, NULL);
    wardi_note_put(&note, &said, "lost", 4, false);
    wardi_alloc_gate_set(NULL, NULL);
    assert_true(wardi_note_get(&note, &got, &reason));
    assert_memory_equal(&got, &said, sizeof got);
    assert_string_equal(reason.text, "");
    wardi_note_put(&note, &said, "kept", 4, false);
    assert_true(wardi_note_get(&note, &got, &reason));
    assert_string_equal(reason.text, "kept");
    wardi_note_done(&note);
}

static void test_same_empty_text_is_not_written_twice(void **state)
{
    (void)state;
    wardi_note note = {0};
    wardi_note_put(&note, &said, "", 0, false);
    uint64_t tag = atomic_load(&note.tag);
    wardi_note_put(&note, &said, "", 0, false);
    assert_int_equal(atomic_load(&note.tag), tag);
    wardi_note_put(&note, &said, "x", 1, false);
    wardi_note_put(&note, &said, "", 0, false);
    assert_int_not_equal(atomic_load(&note.tag), tag);
    wardi_note_done(&note);
}

static void test_writer_half_way(void **state)
{
    (void)state;
    wardi_note note = {0};
    wardi_note_put(&note, &said, "one", 3, false);
    wardi_note_put(&note, &said, "two", 3, false);
    /* What a writer does first: the words of the next text, where the last but one was. */
    uint64_t next = (atomic_load(&note.tag) >> 32) + 1;
    atomic_store(&atomic_load(&note.texts)->words[next & 1][0],
                 UINT64_C(0x6565726874)); /* "three" */
    wardi_note_attributes got;
    ward_reason reason;
    assert_true(wardi_note_get(&note, &got, &reason));
    assert_memory_equal(&got, &said, sizeof got);
    assert_string_equal(reason.text, "two");
    wardi_note_done(&note);
}

static void test_trap_window(void **state)
{
    (void)state;
    wardi_trap_window window = {0};
    uint64_t length = 8 * WARDI_S;
    assert_int_equal(wardi_trap_window_count(&window, length, 100 * WARDI_S), 0);
    for (uint64_t at = 100; at < 104; at++) wardi_trap_window_add(&window, length, at * WARDI_S);
    assert_int_equal(wardi_trap_window_count(&window, length, 104 * WARDI_S), 4);
    assert_int_equal(wardi_trap_window_count(&window, length, 109 * WARDI_S), 2);
    assert_int_equal(wardi_trap_window_count(&window, length, 112 * WARDI_S), 0);
    assert_int_equal(wardi_trap_window_count(&window, length, 1000 * WARDI_S), 0);
    wardi_trap_window_add(&window, length, 1000 * WARDI_S);
    assert_int_equal(wardi_trap_window_count(&window, length, 1000 * WARDI_S), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_length),
        cmocka_unit_test(test_without_memory_the_attributes_stay),
        cmocka_unit_test(test_same_empty_text_is_not_written_twice),
        cmocka_unit_test(test_writer_half_way),
        cmocka_unit_test(test_trap_window),
    };
    (void)fixture_new;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
