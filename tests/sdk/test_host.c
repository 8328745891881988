/* sdk/c/ward_host.h: tests/guests/sdk_host.c, built every way the SDK promises, asks for everything
 * that there is, in the real engine. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include <ward/ward.h>

static ward_host *host;
static ward_supervisor *supervisor;

static struct {
    pthread_mutex_t lock;
    char text[512];
} lines = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void on_log(void *context, const ward_log_line *line)
{
    (void)context;
    pthread_mutex_lock(&lines.lock);
    size_t at = strlen(lines.text);
    at += (size_t)snprintf(lines.text + at, sizeof lines.text - at, "%s: %s",
                           ward_log_level_name(line->level), line->text);
    for (size_t i = 0; i < line->field_count && at < sizeof lines.text; i++)
        at += (size_t)snprintf(lines.text + at, sizeof lines.text - at, " %s=%s",
                               line->fields[i].key, line->fields[i].value);
    if (at < sizeof lines.text) snprintf(lines.text + at, sizeof lines.text - at, "\n");
    pthread_mutex_unlock(&lines.lock);
}

static void add(const char *name, const char *guest)
{
    static const char *const anything[] = {"#"}, *const metadata[] = {"zone=northern"};
    static const ward_grants grants = {.send = {anything, 1, NULL, 0},
                                       .called_by = {anything, 1, NULL, 0},
                                       .publish = {anything, 1, NULL, 0},
                                       .subscribe = {anything, 1, NULL, 0},
                                       .list = {anything, 1, NULL, 0}};
    char path[1024];
    ward_diag diag = {WARD_OK, ""};
    snprintf(path, sizeof path, "%s/%s.wasm", GUESTS_DIR, guest);
    ward_component_options component = WARD_INIT(ward_component_options);
    component.name = name;
    component.path = path;
    ward_child_options options = WARD_INIT(ward_child_options);
    options.component = &component;
    options.grants = &grants;
    options.metadata = metadata;
    options.metadata_count = 1;
    if (ward_supervisor_add(supervisor, &options, &diag) != WARD_OK) fail_msg("%s", diag.text);
}

static void open_with(const char *guest)
{
    ward_host_options options = WARD_INIT(ward_host_options);
    options.cache_directory = "";
    ward_supervisor_options own = WARD_INIT(ward_supervisor_options);
    own.on_log = on_log;
    lines.text[0] = '\0';
    assert_int_equal(ward_host_open(&options, &host, NULL), WARD_OK);
    assert_int_equal(ward_supervisor_new(host, &own, &supervisor, NULL), WARD_OK);
    add("a", guest);
    add("b", guest);
    assert_int_equal(ward_supervisor_start(supervisor, NULL), WARD_OK);
}

static void close_all(void)
{
    ward_supervisor_free(supervisor);
    ward_host_close(host);
}

static ward_child_id id_of(const char *name)
{
    ward_child_id id = 0;
    assert_int_equal(ward_supervisor_find(supervisor, name, &id), WARD_OK);
    return id;
}

static const char *tell(const char *whom, const char *message)
{
    static _Thread_local char answer[600]; /* two threads ask in assert_deferred */
    size_t length = 0;
    ward_error error = ward_supervisor_request(supervisor, id_of(whom), (const uint8_t *)message,
                                               strlen(message), (uint8_t *)answer,
                                               sizeof answer - 1, &length, UINT64_C(20000000000));
    if (error != WARD_OK) fail_msg("%s: %s", message, ward_error_name(error));
    answer[length] = '\0';
    return answer;
}

static void assert_messages(void)
{
    assert_string_equal(tell("a", "fb"), "0 ");
    assert_string_equal(tell("a", "fnobody"), "-2 ");
    assert_string_equal(tell("a", "e"), "30 there is no component \"nobody\"");
    assert_string_equal(tell("a", "rb"), "7 nothing");
    assert_string_equal(tell("a", "sb"), "0 ");
    assert_string_equal(tell("a", "rb"), "1 -"); /* it came, and under no topic */
    assert_string_equal(tell("b", "wa"), "0 ");
    for (int i = 0; i < 2000 && strcmp(tell("b", "ra"), "1 -") != 0; i++)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    assert_string_equal(tell("b", "ra"), "1 -"); /* later */
    assert_string_equal(tell("a", "qb"), "1 -");
    assert_string_equal(tell("a", "xb"), "-2 ");
    assert_string_equal(tell("a", "ra"), "-7 "); /* itself */
    assert_string_equal(tell("a", "n"), "0 ");
    assert_string_equal(tell("a", "a"), "now");
}

static void *ask_deferred(void *context)
{
    (void)context;
    return strcmp(tell("b", "d"), "late") == 0 ? NULL : &lines;
}

static void assert_deferred(void)
{
    pthread_t thread;
    void *failed = &lines;
    assert_int_equal(pthread_create(&thread, NULL, ask_deferred, NULL), 0);
    for (int i = 0; i < 2000 && strcmp(tell("b", "y"), "0 ") != 0; i++)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    pthread_join(thread, &failed);
    assert_null(failed);
}

static void assert_topics(void)
{
    assert_string_equal(tell("b", "bnews.*"), "0 ");
    assert_string_equal(tell("a", "pnews.x"), "1 ");
    assert_string_equal(tell("a", "rb"), "7 -news.x");
    assert_string_equal(tell("a", "pnews"), "0 ");
    assert_string_equal(tell("a", "p*"), "-1 ");
}

static void assert_itself(void)
{
    assert_string_equal(tell("a", "i"), "1 a");
    assert_string_equal(tell("a", "mzone"), "8 nort"); /* there was room for so much */
    assert_string_equal(tell("a", "mno"), "-2 ");
    assert_string_equal(tell("a", "kall"), "0 a\nb\n");
    assert_string_equal(tell("a", "t"), "1 ");
}

static void assert_log_and_metrics(void)
{
    ward_metric metrics[4];
    size_t count = 4;
    assert_string_equal(tell("a", "lbread"), "0 ");
    pthread_mutex_lock(&lines.lock);
    assert_string_equal(lines.text,
                        "warn: bread of 7\nerror: bread failed order=4711 zone=north\n");
    pthread_mutex_unlock(&lines.lock);
    assert_string_equal(tell("a", "cown"), "0 ");
    assert_string_equal(tell("a", "cqueue"), "-1 "); /* that is a gauge */
    assert_int_equal(ward_supervisor_metrics(supervisor, "a", metrics, &count), WARD_OK);
    assert_int_equal(count, 4);
    assert_string_equal(metrics[0].name, "jobs_total");
    assert_true(metrics[0].value == 6 && metrics[1].value == 2.5 && metrics[2].sum == 0.5);
    assert_string_equal(metrics[3].name, "own");
}

static void assert_stops(void)
{
    ward_child_status status = WARD_INIT(ward_child_status);
    assert_string_equal(tell("a", "o"), "0 ");
    for (int i = 0; i < 10000 && status.state != WARD_STATE_TERMINATED; i++) {
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        assert_int_equal(ward_supervisor_child(supervisor, "a", &status), WARD_OK);
    }
    assert_int_equal(status.state, WARD_STATE_TERMINATED);
}

static void test_guest(void **state)
{
    open_with(*state);
    assert_messages();
    assert_deferred();
    assert_topics();
    assert_itself();
    assert_log_and_metrics();
    assert_stops();
    close_all();
}

/* A wrapper that is not used imports nothing: not even what keeps a module off the fast path. */
static void test_only_what_is_used(void **state)
{
    char path[1024];
    ward_diag diag = {WARD_OK, ""};
    ward_component *component = NULL;
    ward_module_info info;
    ward_host_options options = WARD_INIT(ward_host_options);
    options.cache_directory = "";
    snprintf(path, sizeof path, "%s/%s.wasm", GUESTS_DIR, (const char *)*state);
    assert_int_equal(ward_host_open(&options, &host, NULL), WARD_OK);
    ward_component_options own = WARD_INIT(ward_component_options);
    own.name = "lonely";
    own.path = path;
    if (ward_component_new(host, &own, &component, &diag) || ward_component_start(component, &diag))
        fail_msg("%s", diag.text);
    assert_int_equal(ward_component_module_info(component, &info), WARD_OK);
    assert_int_equal(info.import_count, 2);
    assert_true(info.fast_path);
    ward_value result;
    size_t count = 1;
    assert_int_equal(ward_component_call(component, "go", NULL, 0, &result, &count, 0, NULL),
                     WARD_OK);
    assert_int_equal(result.of.i32, -15); /* it has no supervisor */
    ward_component_free(component);
    ward_host_close(host);
}

#define GUEST(guest)                                                                               \
    {                                                                                              \
        guest, test_guest, NULL, NULL, guest                                                       \
    }
#define SENDS(guest)                                                                               \
    {                                                                                              \
        guest, test_only_what_is_used, NULL, NULL, guest                                           \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        GUEST("sdk_host_c_none"),
        GUEST("sdk_host_c_reactor"),
        GUEST("sdk_host_c_command"),
        GUEST("sdk_host_c_unoptimised"),
        GUEST("sdk_host_c_smallest"),
        GUEST("sdk_host_cxx_none"),
        GUEST("sdk_host_cxx_reactor"),
        GUEST("sdk_host_cxx_command"),
        GUEST("sdk_host_cxx_unoptimised"),
        GUEST("sdk_host_cxx_smallest"),
        SENDS("sdk_sends_c"),
        SENDS("sdk_sends_c_unoptimised"),
        SENDS("sdk_sends_cxx"),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
