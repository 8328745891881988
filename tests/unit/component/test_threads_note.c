/* Texts that one thread replaces as fast as it can: whoever reads gets one of them, whole. */
#include <pthread.h>

#include "component/component_priv.h"
#include "fake/fixture.h"

enum { READS = 300000, READERS = 2 };

static wardi_note note;
static atomic_bool done;

/* Text number n is n % 256 bytes long, all of one letter, and says so in its attributes. */
static void put(uint64_t n)
{
    char text[WARD_REASON_BYTES_MAX] = "";
    size_t length = n % sizeof text;
    memset(text, 'a' + (int)(n % 10), length);
    wardi_note_attributes said = {.kind = WARDI_NOTE_VERDICT,
                                  .probe_error = (ward_probe_error)(n % 10)};
    wardi_note_put(&note, &said, text, length, false);
}

static void *write_texts(void *context)
{
    (void)context;
    for (uint64_t n = 0; !atomic_load_explicit(&done, memory_order_relaxed); n++) put(n);
    return NULL;
}

static void *read_texts(void *result)
{
    uint64_t whole = 0;
    wardi_note_attributes said;
    ward_reason text;
    for (int i = 0; i < READS; i++) {
        if (!wardi_note_get(&note, &said, &text)) continue;
        whole++;
        for (size_t at = 0; at < text.length; at++)
            WARD_ASSERT(text.text[at] == 'a' + (char)said.probe_error);
        WARD_ASSERT(text.text[text.length] == '\0');
    }
    *(uint64_t *)result = whole;
    return NULL;
}

static void test_whole_texts(void **state)
{
    (void)state;
    pthread_t writer, readers[READERS];
    uint64_t whole[READERS] = {0};
    put(0);
    assert_int_equal(pthread_create(&writer, NULL, write_texts, NULL), 0);
    for (int i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, read_texts, &whole[i]), 0);
    for (int i = 0; i < READERS; i++) pthread_join(readers[i], NULL);
    atomic_store(&done, true);
    pthread_join(writer, NULL);
    for (int i = 0; i < READERS; i++) assert_true(whole[i] > READS / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_whole_texts)};
    (void)fixture_setup;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
