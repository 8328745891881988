/* Options: defaults, what is refused and how, and that everything is copied. */
#include "component/component_priv.h"
#include "fake/fixture.h"

#define MIB (UINT64_C(1) << 20)

static void test_defaults(void **state)
{
    (void)state;
    fixture_start();
    const ward_component *c = f.component;
    assert_int_equal(c->terms->limits.memory_bytes_max, 256 * MIB);
    assert_int_equal(c->terms->limits.table_elements_max, 100000);
    assert_int_equal(c->terms->limits.fuel_per_call, 0);
    assert_int_equal(c->terms->start_timeout_ns, 10 * WARDI_S);
    assert_int_equal(c->terms->stop_timeout_ns, 5 * WARDI_S);
    assert_int_equal(c->terms->policy.timeout_ns, WARDI_S);
    assert_string_equal(ward_component_version(c), "");
    assert_null(c->wasi);
    assert_int_equal(f.guest.limits_seen.memory_bytes_max, 256 * MIB);
    assert_false(f.guest.metered_seen);
}

static void test_memory_default_bends_to_the_host(void **state)
{
    (void)state;
    wardi_engine_free(f.engine);
    wardi_engine_options options = {.memory_bytes_max = 16 * MIB};
    assert_int_equal(wardi_engine_new(&options, &f.engine, NULL), WARD_OK);
    fixture_new();
    assert_int_equal(fixture_figures().memory_bytes_max, 16 * MIB);
}

static void refuse(ward_error error, const char *words)
{
    ward_component *component = (ward_component *)&f;
    f.diag.text[0] = '\0';
    assert_int_equal(wardi_component_options_check(&f.options, 4096 * MIB, &f.diag), error);
    if (strstr(f.diag.text, words) == NULL) print_error("%s\n", f.diag.text);
    assert_non_null(strstr(f.diag.text, words));
    assert_int_equal(wardi_component_new(f.engine, &f.options, &component, NULL), error);
    assert_ptr_equal(component, &f); /* untouched */
}

static void test_refused(void **state)
{
    (void)state;
    FAKE_SOURCE(f.options, &f.guest);
    ward_component_options good = f.options;
    assert_int_equal(wardi_component_options_check(&good, 4096 * MIB, NULL), WARD_OK);
#define REFUSE(error, words, change)                                                               \
    do {                                                                                           \
        f.options = good;                                                                          \
        change;                                                                                    \
        refuse(error, words);                                                                      \
    } while (0)
    REFUSE(WARD_ERROR_INVALID_ARGUMENT, "WARD_INIT", f.options.size = 0);
    REFUSE(WARD_ERROR_INVALID_ARGUMENT, "\"\" is no name", f.options.name = NULL);
    REFUSE(WARD_ERROR_INVALID_ARGUMENT, "\"-x\" is no name", f.options.name = "-x");
    REFUSE(WARD_ERROR_INVALID_ARGUMENT, "both a path and bytes", f.options.path = "a.wasm");
    REFUSE(WARD_ERROR_INVALID_ARGUMENT, "neither a path nor bytes", f.options.bytes = NULL);
    REFUSE(WARD_ERROR_INVALID_ARGUMENT, "path is empty",
           (f.options.bytes = NULL, f.options.path = ""));
    REFUSE(WARD_ERROR_INVALID_ARGUMENT, "start_timeout", f.options.start_timeout_ns = UINT64_MAX);
    REFUSE(WARD_ERROR_INVALID_ARGUMENT, "stop_timeout", f.options.stop_timeout_ns = UINT64_MAX);
    REFUSE(WARD_ERROR_INVALID_ARGUMENT, "health.timeout", f.options.health.timeout_ns = UINT64_MAX);
    REFUSE(WARD_ERROR_LIMIT_MEMORY, "limits.memory is 5GiB, and the host allows at most 4GiB",
           f.options.limits.memory_bytes_max = 5120 * MIB);
    static const char *const bad_env[] = {"NOVALUE"}, *const null_arg[] = {NULL};
    static const ward_preopen half = {.host_path = "/tmp"};
    REFUSE(WARD_ERROR_INVALID_ARGUMENT, "list with a count is NULL", f.options.wasi.arg_count = 1);
    REFUSE(WARD_ERROR_INVALID_ARGUMENT, "an arg is NULL",
           (f.options.wasi.args = null_arg, f.options.wasi.arg_count = 1));
    REFUSE(WARD_ERROR_INVALID_ARGUMENT, "NAME=value",
           (f.options.wasi.env = bad_env, f.options.wasi.env_count = 1));
    REFUSE(WARD_ERROR_INVALID_ARGUMENT, "host_path and guest_path",
           (f.options.wasi.preopens = &half, f.options.wasi.preopen_count = 1));
    f.options = good;
    assert_int_equal(wardi_component_options_check(NULL, 4096 * MIB, NULL),
                     WARD_ERROR_INVALID_ARGUMENT);
}

static void test_everything_is_copied(void **state)
{
    (void)state;
    char name[] = "echo", version[] = "1.2", arg[] = "arg", env[] = "A=b", host[] = "/srv",
         guest[] = "/data", input[] = "/dev/null";
    const char *args[] = {arg}, *envs[] = {env};
    ward_preopen preopen = {.host_path = host, .guest_path = guest, .writable = true};
    f.options.name = name;
    f.options.version = version;
    f.options.wasi = (ward_wasi_grants){.args = args,
                                        .arg_count = 1,
                                        .env = envs,
                                        .env_count = 1,
                                        .preopens = &preopen,
                                        .preopen_count = 1,
                                        .stdin_path = input,
                                        .inherit_stderr = true};
    fixture_new();
    memset(name, '!', 4);
    memset(version, '!', 3);
    memset(arg, '!', 3);
    memset(env, '!', 3);
    memset(host, '!', 4);
    memset(guest, '!', 5);
    memset(input, '!', 9);
    memset(&preopen, 0, sizeof preopen);
    args[0] = envs[0] = NULL;
    const ward_wasi_grants *wasi = f.component->wasi;
    assert_string_equal(ward_component_name(f.component), "echo");
    assert_string_equal(ward_component_version(f.component), "1.2");
    assert_string_equal(f.component->version, "1.2");
    assert_string_equal(wasi->args[0], "arg");
    assert_string_equal(wasi->env[0], "A=b");
    assert_string_equal(wasi->preopens[0].host_path, "/srv");
    assert_string_equal(wasi->preopens[0].guest_path, "/data");
    assert_true(wasi->preopens[0].writable);
    assert_string_equal(wasi->stdin_path, "/dev/null");
    assert_true(wasi->inherit_stderr);
    assert_false(wasi->inherit_stdout);
    fixture_start();
}

static void test_older_caller(void **state)
{
    (void)state;
    f.options.size = offsetof(ward_component_options, start_timeout_ns);
    f.options.start_timeout_ns = UINT64_MAX; /* past what it says it has */
    fixture_new();
    assert_int_equal(f.component->terms->start_timeout_ns, 10 * WARDI_S);
}

/* Every field counts: one that did not would give a component the limits of another. */
static void test_equal_terms_are_shared(void **state)
{
    (void)state;
    char path[] = "/a", same_path[] = "/a", other_path[] = "/b";
    component_terms wanted = {.path = path};
    const component_terms *one = wardi_terms_take(&wanted);
    wanted.path = same_path;
    assert_ptr_equal(wardi_terms_take(&wanted), one);
    assert_ptr_not_equal(one->path, path);
    component_terms others[16 + 2 * WARD_RESOURCES_MAX];
    size_t count = 0;
    for (; count < WARD_COUNT(others); count++) others[count] = wanted;
    component_terms *other = others;
    other++->path = other_path;
    other++->path = NULL;
    other++->limits.memory_bytes_max = 1;
    other++->limits.table_elements_max = 1;
    other++->limits.fuel_per_call = 1;
    other++->start_timeout_ns = 1;
    other++->stop_timeout_ns = 1;
    other++->policy.timeout_ns = 1;
    other++->policy.busy_after_ns = 1;
    other++->policy.frame_bytes_max = 1;
    other++->policy.on_trap = WARD_FALLBACK_FAILED;
    other++->policy.on_malformed = WARD_FALLBACK_FAILED;
    other++->policy.resource_window_ns = 1;
    for (int i = 0; i < WARD_RESOURCES_MAX; i++) {
        other++->policy.resources[i].degraded_at = 1;
        other++->policy.resources[i].unhealthy_at = 1;
    }
    for (component_terms *at = others; at < other; at++) {
        const component_terms *again = wardi_terms_take(&wanted);
        const component_terms *made = wardi_terms_take(at);
        assert_ptr_not_equal(made, again);
        assert_ptr_equal(wardi_terms_take(at), made);
        wardi_terms_drop(made);
        wardi_terms_drop(made);
        wardi_terms_drop(again);
    }
    wardi_terms_drop(one);
    wardi_terms_drop(one);
    wardi_terms_drop(NULL);
}

static void test_ids_are_never_reused(void **state)
{
    (void)state;
    fixture_new();
    uint64_t id = ward_component_id(f.component);
    ward_component_free(f.component);
    fixture_new();
    assert_true(ward_component_id(f.component) > id);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_defaults),
        FIXTURE_TEST(test_memory_default_bends_to_the_host),
        FIXTURE_TEST(test_refused),
        FIXTURE_TEST(test_everything_is_copied),
        FIXTURE_TEST(test_older_caller),
        FIXTURE_TEST(test_equal_terms_are_shared),
        FIXTURE_TEST(test_ids_are_never_reused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
