/* Compilation in a process of its own: what comes back, what is bounded, who waits for whom. */
#include "support.h"

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static wardi_engine *engine_with(const wardi_engine_options *options)
{
    wardi_engine_options own = *options;
    wardi_engine *engine = NULL;
    ward_diag diag = {0};
    own.memories_max = 8;
    if (own.compiler == NULL) own.compiler = TEST_WARD;
    if (wardi_engine_new(&own, &engine, &diag) != WARD_OK) fail_msg("%s", diag.text);
    return engine;
}

static ward_error load_for(wardi_engine *engine, const char *wat, uint64_t timeout_ns,
                           wardi_module **ret_module, ward_diag *ret_diag)
{
    wardi_module_source source = {.bytes = (const uint8_t *)wat, .length = strlen(wat)};
    uint64_t deadline_ns = wardi_now_ns() + timeout_ns;
    return wardi_module_load(engine, &source, &deadline_ns, ret_module, ret_diag);
}

/* `functions` functions with `size` locals that are alive across as many branches: what the
 * compiler keeps of one grows with the square of its size. */
static char *bomb_wat(size_t functions, size_t size)
{
    size_t capacity = functions * (size * 130 + 100) + 100;
    char *bytes = malloc(capacity);
    wardi_text text = wardi_text_on(bytes, capacity);
    wardi_text_puts(&text, "(module");
    for (size_t f = 0; f < functions; f++) {
        wardi_text_puts(&text, "(func (local");
        for (size_t i = 0; i < size; i++) wardi_text_puts(&text, " i32");
        wardi_text_puts(&text, ")");
        for (size_t i = 0; i < size; i++)
            wardi_text_printf(&text,
                              "local.get %zu if local.get %zu i32.const %zu i32.add local.set %zu "
                              "end\n",
                              i, i * 7 % size, f + 1, i * 13 % size);
        for (size_t i = 0; i < size; i++) wardi_text_printf(&text, "local.get %zu drop ", i);
        wardi_text_puts(&text, ")");
    }
    wardi_text_puts(&text, ")");
    assert_false(text.cut);
    return bytes;
}

/* ---- what comes back ---- */

static void test_module_and_component(void **state)
{
    (void)state;
    wardi_engine *engine = engine_with(&(wardi_engine_options){0});
    test_guest guest =
        guest_start(engine, "(module (func (export \"f\") (result i32) i32.const 42))", NULL);
    assert_int_equal(guest_i32(&guest, "f"), 42);
    assert_true(wardi_module_facts_of(guest.module)->compile_ns != 0);
    guest_stop(&guest);
    assert_int_equal(guest_load(&guest, engine, "(component)", false), WARD_OK);
    assert_true(wardi_module_facts_of(guest.module)->is_component);
    wardi_module_release(guest.module);
    assert_int_equal(guest_load(&guest, engine, "(module (func))", true), WARD_OK); /* metered */
    wardi_module_release(guest.module);
    wardi_engine_free(engine);
}

static void test_errors_in_the_same_words(void **state)
{
    (void)state;
    static const char *const wats[] = {"(module\n  (func i65.const 0))", "(module",
                                       "(module (func (result i32) i64.const 0))"};
    wardi_engine *there = engine_with(&(wardi_engine_options){0});
    wardi_engine *here = engine_with(&(wardi_engine_options){.compiler = ""});
    for (size_t i = 0; i < WARD_COUNT(wats); i++) {
        ward_diag diags[2] = {{0}};
        wardi_module *module = NULL;
        assert_int_equal(load_for(there, wats[i], PATIENCE_NS, &module, &diags[0]),
                         WARD_ERROR_COMPILE);
        assert_int_equal(load_for(here, wats[i], PATIENCE_NS, &module, &diags[1]),
                         WARD_ERROR_COMPILE);
        assert_string_equal(diags[0].text, diags[1].text);
        assert_null(module);
    }
    wardi_engine_free(there);
    wardi_engine_free(here);
}

/* ---- what is bounded ---- */

static void test_memory(void **state)
{
    (void)state;
#ifdef __SANITIZE_ADDRESS__
    skip(); /* there the process is not bounded */
#endif
    char *wat = bomb_wat(1, 5000);
    wardi_engine *engine = engine_with(&(wardi_engine_options){.compile_memory_max = 256u << 20});
    wardi_module *module = NULL;
    ward_diag diag;
    assert_int_equal(load_for(engine, wat, 60 * WARDI_S, &module, &diag), WARD_ERROR_LIMIT_COMPILE);
    if (strstr(diag.text, "more than 256MiB of memory: raise") == NULL) fail_msg("%s", diag.text);
    assert_int_equal(load_for(engine, "(module)", PATIENCE_NS, &module, &diag), WARD_OK);
    wardi_module_release(module);
    wardi_engine_free(engine);
    free(wat);
}

static void test_time(void **state)
{
    (void)state;
    char *wat = bomb_wat(60, 4000);
    wardi_engine *engine =
        engine_with(&(wardi_engine_options){.compile_timeout_ns = 200 * WARDI_MS});
    wardi_module *module = NULL;
    ward_diag diag;
    uint64_t began_ns = wardi_now_ns();
    assert_int_equal(load_for(engine, wat, 60 * WARDI_S, &module, &diag), WARD_ERROR_LIMIT_COMPILE);
    assert_true(wardi_now_ns() - began_ns < 20 * WARDI_S);
    if (strstr(diag.text, "longer than 200ms: raise") == NULL) fail_msg("%s", diag.text);
    wardi_engine_free(engine);
    free(wat);
}

static int descriptors(void)
{
    int count = 0;
    DIR *directory = opendir("/proc/self/fd");
    while (readdir(directory) != NULL) count++;
    closedir(directory);
    return count;
}

static void test_nothing_stays(void **state)
{
    (void)state;
    wardi_engine *engine = engine_with(&(wardi_engine_options){0});
    wardi_module *module = NULL;
    ward_diag diag;
    assert_int_equal(load_for(engine, "(module)", PATIENCE_NS, &module, &diag), WARD_OK);
    wardi_module_release(module);
    int before = descriptors();
    for (int i = 0; i < 5; i++) {
        char wat[64];
        snprintf(wat, sizeof wat, "(module (func%s (drop (i32.const %d))))", i == 3 ? " x" : "", i);
        ward_error error = load_for(engine, wat, PATIENCE_NS, &module, &diag);
        assert_int_equal(error, i == 3 ? WARD_ERROR_COMPILE : WARD_OK);
        if (error == WARD_OK) wardi_module_release(module);
    }
    assert_int_equal(descriptors(), before);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child, not even a dead one */
    wardi_engine_free(engine);
}

/* ---- who waits for whom ---- */

typedef struct loader {
    pthread_t thread;
    wardi_engine *engine;
    const char *wat;
    uint64_t timeout_ns;
    wardi_module *module;
    ward_error error;
    ward_diag diag;
} loader;

static void *loader_run(void *argument)
{
    loader *l = argument;
    l->error = load_for(l->engine, l->wat, l->timeout_ns, &l->module, &l->diag);
    return NULL;
}

/* Until the one who came first is being compiled. */
static void wait_for_a_child(void)
{
    siginfo_t info;
    while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0)
        wardi_sleep_until_ns(wardi_now_ns() + WARDI_MS);
}

/* The one who comes second waits for the first's deadline, and has all of its own after that. */
static void test_waiting_does_not_count(void **state)
{
    (void)state;
    char *wat = bomb_wat(60, 4000);
    wardi_engine *engine = engine_with(
        &(wardi_engine_options){.compile_threads = 1, .compile_memory_max = UINT64_C(8) << 30});
    loader slow = {.engine = engine, .wat = wat, .timeout_ns = 2 * WARDI_S};
    wardi_module *module = NULL;
    ward_diag diag;
    assert_int_equal(pthread_create(&slow.thread, NULL, loader_run, &slow), 0);
    wait_for_a_child();
    uint64_t began_ns = wardi_now_ns();
    /* Its deadline would be over by its turn. When that comes, the slow one is ended. */
    ward_error error = load_for(engine, "(module)", WARDI_S, &module, &diag);
    pthread_join(slow.thread, NULL);
    assert_int_equal(slow.error, WARD_ERROR_DEADLINE);
    if (error != WARD_OK) fail_msg("%s", diag.text);
    assert_true(wardi_now_ns() - began_ns < 25 * WARDI_S); /* it was not waited for */
    wardi_module_release(module);
    wardi_engine_free(engine);
    free(wat);
}

static void test_second_thread_passes_the_slow_one(void **state)
{
    (void)state;
    char *wat = bomb_wat(60, 4000);
    wardi_engine *engine =
        engine_with(&(wardi_engine_options){.compile_memory_max = UINT64_C(8) << 30});
    loader slow = {.engine = engine, .wat = wat, .timeout_ns = 6 * WARDI_S};
    wardi_module *module = NULL;
    ward_diag diag;
    assert_int_equal(pthread_create(&slow.thread, NULL, loader_run, &slow), 0);
    wait_for_a_child();
    uint64_t began_ns = wardi_now_ns();
    assert_int_equal(load_for(engine, "(module)", PATIENCE_NS, &module, &diag), WARD_OK);
    assert_true(wardi_now_ns() - began_ns < 5 * WARDI_S);
    wardi_module_release(module);
    pthread_join(slow.thread, NULL);
    assert_int_equal(slow.error, WARD_ERROR_DEADLINE);
    wardi_engine_free(engine); /* ends the slow one */
    free(wat);
}

static void test_equal_ones_are_one(void **state)
{
    (void)state;
    char *wat = bomb_wat(20, 200);
    wardi_engine *engine = engine_with(&(wardi_engine_options){.compile_threads = 4});
    loader loaders[8];
    for (size_t i = 0; i < WARD_COUNT(loaders); i++) {
        loaders[i] = (loader){.engine = engine, .wat = wat, .timeout_ns = 60 * WARDI_S};
        assert_int_equal(pthread_create(&loaders[i].thread, NULL, loader_run, &loaders[i]), 0);
    }
    for (size_t i = 0; i < WARD_COUNT(loaders); i++) {
        pthread_join(loaders[i].thread, NULL);
        if (loaders[i].error != WARD_OK) fail_msg("%s", loaders[i].diag.text);
        assert_ptr_equal(loaders[i].module, loaders[0].module);
    }
    wardi_module *later = NULL;
    assert_int_equal(load_for(engine, wat, PATIENCE_NS, &later, NULL), WARD_OK);
    assert_ptr_equal(later, loaders[0].module);
    wardi_module_release(later);
    for (size_t i = 0; i < WARD_COUNT(loaders); i++) wardi_module_release(loaders[i].module);
    wardi_engine_free(engine); /* asserts that none is left */
    free(wat);
}

/* ---- what may be wrong with the program ---- */

static void test_no_such_program(void **state)
{
    (void)state;
    wardi_engine *engine = NULL;
    ward_diag diag;
    wardi_engine_options options = {.compiler = "/nowhere/ward", .memories_max = 8};
    assert_int_equal(wardi_engine_new(&options, &engine, &diag), WARD_ERROR_NOT_FOUND);
    assert_non_null(strstr(diag.text, "/nowhere/ward"));
    assert_non_null(strstr(diag.text, "compiler_path"));
    assert_null(engine);
}

static void test_another_program(void **state)
{
    (void)state;
    wardi_engine *engine = engine_with(&(wardi_engine_options){.compiler = "/bin/false"});
    wardi_module *module = NULL;
    ward_diag diag;
    assert_int_equal(load_for(engine, "(module)", PATIENCE_NS, &module, &diag), WARD_ERROR_COMPILE);
    assert_non_null(strstr(diag.text, "the compiler (/bin/false) ended with status 1"));
    wardi_engine_free(engine);
}

/* As a person would who found the argument in a list of processes. */
static void test_without_an_order(void **state)
{
    (void)state;
    char words[200] = "";
    FILE *said = popen(TEST_WARD " " WARDI_COMPILER_ARGUMENT " </dev/null 2>&1", "re");
    assert_non_null(said);
    assert_non_null(fgets(words, sizeof words, said));
    assert_int_equal(WEXITSTATUS(pclose(said)), 1);
    assert_non_null(strstr(words, "libward starts this"));
}

/* ---- an application that is not as we are ---- */

static int compile_where_children_are_reaped(void)
{
    wardi_engine *engine = engine_with(&(wardi_engine_options){0});
    wardi_module *module = NULL;
    ward_diag diag;
    signal(SIGCHLD, SIG_IGN);
    for (int i = 0; i < 3; i++) close(i);
    if (load_for(engine, "(module)", PATIENCE_NS, &module, &diag) != WARD_OK) return 2;
    wardi_module_release(module);
    if (load_for(engine, "(module x)", PATIENCE_NS, &module, &diag) != WARD_ERROR_COMPILE) return 3;
    if (strstr(diag.text, "expected `(`") == NULL) return 4;
    wardi_engine_free(engine);
    return 0;
}

static void test_application_that_reaps(void **state)
{
    (void)state;
    int status = 0;
    pid_t child = fork();
    if (child == 0) _exit(compile_where_children_are_reaped());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_application_that_reaps), /* forks: before there are threads */
        cmocka_unit_test(test_module_and_component),
        cmocka_unit_test(test_errors_in_the_same_words),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_time),
        cmocka_unit_test(test_nothing_stays),
        cmocka_unit_test(test_waiting_does_not_count),
        cmocka_unit_test(test_second_thread_passes_the_slow_one),
        cmocka_unit_test(test_equal_ones_are_one),
        cmocka_unit_test(test_no_such_program),
        cmocka_unit_test(test_another_program),
        cmocka_unit_test(test_without_an_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
