/* Reloads among threads, for ThreadSanitizer: the file becomes another again and again, while some
 * ask for reloads and wait, others send signals, and others look. Modules can't be loaded here (the
 * engine is a fake), so that every component fails to start, which is no matter to a reload. */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/cli.h"
#include "cli/reload.h"

enum { ROUNDS = 60, ASKERS = 2 };
#define PATIENCE_NS (UINT64_C(60) * WARDI_S) /* a bound on hangs, not an expectation */

static const char *const files[] = {
    "version: 1\ncomponents:\n  a: {path: m.wasm}\n  b: {path: m.wasm, needs: [a]}\n",
    "version: 1\ngroups:\n  g: {}\ncomponents:\n  a: {path: m.wasm, stop_timeout: 1s}\n"
    "  b: {path: m.wasm, needs: [a]}\n  w: {path: m.wasm, instances: 3, group: g}\n",
    "version: 1\ngroups:\n  g: {strategy: one_for_all}\ncomponents:\n  w: {path: m.wasm, "
    "instances: "
    "5, group: g}\n  b: {path: m.wasm, needs: [w]}\n",
    "version: 1\ncomponents:\n  a: {pth: m.wasm}\n",
};

static char directory[64], path[100], module_path[100];
static ward_host *host;
static ward_supervisor *supervisor;
static _Atomic(wardi_reload *) reload;
static atomic_int changes, done, refused;
static atomic_bool over;

static void write_file(const char *to, const char *text)
{
    char beside[120];
    snprintf(beside, sizeof beside, "%s.new", to);
    FILE *file = fopen(beside, "we");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(rename(beside, to), 0);
}

static void on_event(void *context, const ward_event *event)
{
    (void)context;
    wardi_reload *r = atomic_load(&reload);
    if (r != NULL) wardi_reload_take(r, event);
}

static void on_change(void *context)
{
    (void)context;
    atomic_fetch_add(&changes, 1);
}

static wardi_config *read_config(void)
{
    wardi_config *config = NULL;
    wardi_mistakes mistakes = {0};
    ward_diag diag = {0};
    if (wardi_config_read(path, &config, &mistakes, &diag) != WARD_OK) fail_msg("%s", diag.text);
    wardi_mistakes_done(&mistakes);
    wardi_config_stamp(config);
    return config;
}

static int begin(void **state)
{
    const char *base = getenv("TMPDIR");
    (void)state;
    snprintf(directory, sizeof directory, "%s/ward-reload-XXXXXX", base != NULL ? base : "/tmp");
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/ward.yaml", directory);
    snprintf(module_path, sizeof module_path, "%s/m.wasm", directory);
    write_file(path, files[0]);
    write_file(module_path, "(module)");
    ward_supervisor_options own = WARD_INIT(ward_supervisor_options);
    own.workers = 2;
    own.on_event = on_event;
    wardi_config *config = read_config();
    assert_int_equal(ward_host_open(NULL, &host, NULL), WARD_OK);
    assert_int_equal(ward_supervisor_new(host, &own, &supervisor, NULL), WARD_OK);
    for (size_t i = 0; i < config->child_count; i++)
        assert_int_equal(ward_supervisor_add(supervisor, &config->children[i].options, NULL),
                         WARD_OK);
    wardi_reload_options options = {
        .file = path, .config = config, .supervisor = supervisor, .changed = on_change};
    atomic_store(&over, false);
    atomic_store(&reload, wardi_reload_new(&options));
    assert_non_null(atomic_load(&reload));
    assert_int_equal(ward_supervisor_start(supervisor, NULL), WARD_OK);
    wardi_reload_open(atomic_load(&reload));
    return 0;
}

static int end(void **state)
{
    wardi_reload *r = atomic_load(&reload);
    (void)state;
    wardi_reload_end(r);
    ward_supervisor_stop(supervisor, 0, NULL);
    uint64_t patience = wardi_now_ns() + PATIENCE_NS;
    while (!wardi_reload_join(r)) assert_true(wardi_now_ns() < patience);
    ward_supervisor_free(supervisor);
    ward_host_close(host);
    wardi_reload_free(r);
    atomic_store(&reload, NULL);
    unlink(path);
    unlink(module_path);
    rmdir(directory);
    return 0;
}

/* ---- the threads ---- */

static void *ask(void *argument)
{
    for (int i = 0; i < ROUNDS; i++) {
        char *document = NULL;
        ward_diag diag;
        ward_error error = wardi_reload_wait(atomic_load(&reload), &document, &diag);
        atomic_fetch_add(error == WARD_OK ? &done : &refused, 1);
        free(document);
    }
    return argument;
}

static void *signal_it(void *argument)
{
    while (!atomic_load(&over)) {
        wardi_reload_ask(atomic_load(&reload), getuid(), getpid());
        wardi_sleep_until_ns(wardi_now_ns() + 3 * WARDI_MS);
    }
    return argument;
}

static void *look(void *argument)
{
    size_t seen = 0;
    while (!atomic_load(&over)) {
        bool is_over;
        const wardi_config *config = wardi_reload_hold(atomic_load(&reload));
        for (size_t i = 0; i < config->child_count; i++)
            seen += strlen(config->children[i].component.name);
        wardi_reload_let_go(atomic_load(&reload));
        wardi_reload_begun(atomic_load(&reload), &is_over);
        wardi_sleep_until_ns(wardi_now_ns() + WARDI_MS);
    }
    assert_true(seen > 0);
    return argument;
}

static void *change(void *argument)
{
    for (size_t i = 0; !atomic_load(&over); i++) {
        write_file(path, files[i % WARD_COUNT(files)]);
        if (i % 7 == 0) write_file(module_path, "(module )");
        wardi_sleep_until_ns(wardi_now_ns() + 2 * WARDI_MS);
    }
    return argument;
}

static bool is_there(const char *name)
{
    ward_child_status status = WARD_INIT(ward_child_status);
    return ward_supervisor_child(supervisor, name, &status) == WARD_OK;
}

static void all_at_once(void **state)
{
    void *(*const runs[])(void *) = {signal_it, look, change};
    pthread_t threads[WARD_COUNT(runs)], askers[ASKERS];
    char *document = NULL;
    ward_diag diag;
    (void)state;
    int shown = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    dup2(null, STDERR_FILENO); /* what is said of each would be much */
    for (size_t i = 0; i < WARD_COUNT(runs); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, runs[i], NULL), 0);
    for (size_t i = 0; i < ASKERS; i++)
        assert_int_equal(pthread_create(&askers[i], NULL, ask, NULL), 0);
    for (size_t i = 0; i < ASKERS; i++) pthread_join(askers[i], NULL);
    atomic_store(&over, true);
    for (size_t i = 0; i < WARD_COUNT(runs); i++) pthread_join(threads[i], NULL);
    dup2(shown, STDERR_FILENO);
    close(shown);
    close(null);
    assert_int_equal(atomic_load(&done) + atomic_load(&refused), ASKERS * ROUNDS);
    assert_true(atomic_load(&done) > 0);
    assert_true(atomic_load(&changes) > 0);
    /* In the end all is as the file says, whatever was under way. */
    write_file(path, files[1]);
    assert_int_equal(wardi_reload_wait(atomic_load(&reload), &document, &diag), WARD_OK);
    assert_non_null(strstr(document, "\"failed\":[]"));
    free(document);
    assert_true(is_there("a") && is_there("b") && is_there("w.0") && is_there("w.2"));
    assert_false(is_there("w.3"));
    write_file(path, files[0]);
    assert_int_equal(wardi_reload_wait(atomic_load(&reload), &document, &diag), WARD_OK);
    free(document);
    assert_false(is_there("w.0"));
}

static void who_waits_is_told_of_the_end(void **state)
{
    char *document = NULL;
    ward_diag diag;
    (void)state;
    wardi_reload_end(atomic_load(&reload));
    assert_int_equal(wardi_reload_wait(atomic_load(&reload), &document, &diag), WARD_ERROR_STATE);
    assert_null(document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_at_once, begin, end),
        cmocka_unit_test_setup_teardown(who_waits_is_told_of_the_end, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
