/* ward.yaml: what good files become, and every message of bad ones, with its place. */
#include <sys/stat.h>
#include <unistd.h>

#include "config_kit.h"

static const bad_case bad_cases[] = {
    /* the file as a whole */
    {"", "1:1: the file is empty; write `version: 1` and `components:`\n"},
    {"# nothing\n", "1:1: the file is empty; write `version: 1` and `components:`\n"},
    {"- a\n", "1:1: the file is no map; write `version: 1` and `components:`\n"},
    {"version: 1\n",
     "1:1: there are no components; write them below `components:`, each with a name and a "
     "`path`\n"},
    {"version: 1\ncomponents:\n",
     "2:1: there are no components; write them below `components:`, each with a name and a "
     "`path`\n"},
    {"components: {a: {path: a.wasm}}\n",
     "1:1: the version of the format is missing; write `version: 1` first\n"},
    {"version: 2\ncomponents: {a: {path: a.wasm}}\n",
     "1:10: this version of the format is not known; write `version: 1`\n"},
    {A "---\n" A, "4:1: a second document; a file holds one, so take out the `---`\n"},
    {A "x: [1\n", "5:1: not YAML: flow sequence without a closing bracket; look at this line and "
                  "the one above\n"},
    {HEAD "\ta: b\n",
     "3:1: not YAML: tab character may not be used as indentation; look at this line and the one "
     "above\n"},
    {A "extra: 1\n", "4:1: \"extra\" is no key of the file; it takes version, host, supervisor, "
                     "surfaces, journal, defaults, groups, components\n"},
    {A "defualts: {}\n", "4:1: \"defualts\" is no key of the file; did you mean `defaults`?\n"},
    {A "version: 1\n",
     "4:1: \"version\" stands here for the second time, after line 1; keep one\n"},

    /* decorations that are not read */
    {HEAD "  a: &x {path: a.wasm}\n",
     "3:9: an anchor (&…) is not read; put what components share under `defaults`\n"},
    {HEAD "  a: *x\n",
     "3:6: an alias (*…) is not read; put what components share under `defaults`, and a pattern in "
     "quotes: \"*\"\n"},
    {HEAD "  a: {path: !x a.wasm}\n", "3:16: a tag (!…) is not read; write the value without it\n"},
    {HEAD "  a: {path: a.wasm, <<: b}\n",
     "3:21: merge keys (<<) are not read; put what components share under `defaults`\n"},
    {HEAD "  a: {path: \"a\\0b\"}\n", "3:13: a NUL byte in a text; take it out\n"},
    {HEAD "  ? [x]\n  : {path: a.wasm}\n",
     "3:5: a key that is no plain text; write a name before the colon\n"},

    /* bytes */
    {A "\xff\xfe", "4:1: not UTF-8; is this a text file? Write it anew as UTF-8\n"},
    {A "# \xe2\x82", "4:3: not UTF-8; is this a text file? Write it anew as UTF-8\n"},
    {A "# caf\xc3\xa9 \x01", "4:8: a control character; take it out\n"},
    {"%YAML 1.2\n---\n" A, "1:1: a directive (%…) is not read; take the line out\n"},

    /* keys */
    {HEAD "  a: {path: a.wasm, heath: {}}\n",
     "3:21: \"heath\" is no key of a component; did you mean `health`?\n"},
    {HEAD "  a: {path: a.wasm, timeout: 1s}\n",
     "3:21: \"timeout\" is no key of a component; did you mean `health.timeout`?\n"},
    {HEAD "  a: {path: a.wasm, colour: red}\n",
     "3:21: \"colour\" is no key of a component; it takes path, version, needs, start_timeout, "
     "stop_timeout, message_timeout, poison_after, group, instances, instances_healthy_when, "
     "limits, mailbox, "
     "health, restart, shutdown, grants, metadata, wasi\n"},
    {HEAD "  a: {path: a.wasm, health: {intervall: 1s}}\n",
     "3:30: \"intervall\" is no key of `health`; did you mean `interval`?\n"},
    {HEAD "  a:\n    path: a.wasm\n    health:\n      interval: 1s\n      interval: 2s\n",
     "7:7: \"interval\" stands here for the second time, after line 6; keep one\n"},
    {HEAD "  a: {path: a.wasm, health: 5s}\n",
     "3:29: health takes keys of its own; write them below it, indented\n"},
    {HEAD "  a: {path: a.wasm, \"x\\e[2J\": 1}\n",
     "3:21: \"x\\x1b[2J\" is no key of a component; it takes path, version, needs, start_timeout, "
     "stop_timeout, message_timeout, poison_after, group, instances, instances_healthy_when, "
     "limits, mailbox, "
     "health, restart, shutdown, grants, metadata, wasi\n"},

    /* values */
    {HEAD "  a: {path: [a.wasm]}\n",
     "3:13: path takes one value, and this is a list; write it like `data/file`\n"},
    {HEAD "  a: {path: }\n",
     "3:7: path has no value; write one like `data/file`, or take the key out\n"},
    {HEAD "  a: {path: \"\"}\n", "3:13: path: it is empty; write a text, or take the key out\n"},
    {HEAD "  a: {path: a.wasm, start_timeout: 10 sec}\n",
     "3:36: start_timeout: \"10 sec\" is no duration; write 10s\n"},
    {HEAD "  a: {path: a.wasm, health: {timeout: 0s}}\n",
     "3:39: health.timeout: \"0s\" is too little; the least is 1ms\n"},
    {HEAD "  a: {path: a.wasm, health: {timeout: 3d}}\n",
     "3:39: health.timeout: \"3d\" is too much; the most is 1h\n"},
    {HEAD "  a: {path: a.wasm, limits: {memory: 64MB}}\n",
     "3:38: limits.memory: \"64MB\" is no size; write 64MiB\n"},
    {HEAD "  a: {path: a.wasm, limits: {memory: 5GiB}}\n",
     "3:38: limits.memory: \"5GiB\" is too much; the most is 4GiB\n"},
    {HEAD "  a: {path: a.wasm, limits: {fuel: 0}}\n",
     "3:36: limits.fuel: \"0\" is too little; the least is 1, or write off\n"},
    {HEAD "  a: {path: a.wasm, health: {fall: -1}}\n",
     "3:36: health.fall: \"-1\" is no number; write a whole number, in digits only\n"},
    {HEAD "  a: {path: a.wasm, health: {on_trap: ignore}}\n",
     "3:39: health.on_trap: \"ignore\" is not one of its words; write state, degraded or failed\n"},
    {HEAD "  a: {path: a.wasm, restart: {factor: 0.5}}\n",
     "3:39: restart.factor: \"0.5\" is too little; the least is 1\n"},
    {HEAD "  a: {path: a.wasm, restart: {jitter: 10}}\n",
     "3:39: restart.jitter: \"10\" is no percentage; write 10%\n"},
    {HEAD "  a: {path: a.wasm, restart: {limit: 256}}\n",
     "3:38: restart.limit: \"256\" is too much; the most is 255\n"},
    {HEAD "  a: {path: a.wasm, wasi: {stdout: yes}}\n",
     "3:36: wasi.stdout: \"yes\" is not one of its words; write none or inherit\n"},
    {"version: 1\nhost: {profile: dence}\ncomponents: {a: {path: a.wasm}}\n",
     "2:17: host.profile: \"dence\" is not one of its words; write guarded or dense\n"},

    /* lists */
    {HEAD "  a: {path: a.wasm, needs: b}\n", "3:28: needs takes a list; write [one, two]\n"},
    {HEAD "  a: {path: a.wasm, wasi: {args: [[x]]}}\n",
     "3:35: wasi.args takes texts, and this is a list; write one text a line\n"},
    {HEAD "  a: {path: a.wasm, wasi: {env: [x]}}\n",
     "3:33: wasi.env takes a map; write {NAME: value}\n"},
    {HEAD "  a: {path: a.wasm, wasi: {env: {A: 1, A: 2}}}\n",
     "3:40: \"A\" stands here for the second time, after line 3; keep one\n"},
    {HEAD "  a: {path: a.wasm, wasi: {env: {\"A=B\": 1}}}\n",
     "3:34: wasi.env: a name is empty or has a `=` in it; write NAME: value\n"},
    {HEAD "  a: {path: a.wasm, wasi: {dirs: [x]}}\n",
     "3:35: wasi.dirs takes maps; write `- {host: ./data, guest: /data}`\n"},
    {HEAD "  a: {path: a.wasm, wasi: {dirs: [{host: .}]}}\n",
     "3:35: wasi.dirs: `guest` is missing; write `- {host: ./data, guest: /data}`\n"},
    {HEAD "  a: {path: a.wasm, wasi: {dirs: [{host: ., guest: /, acess: write}]}}\n",
     "3:55: \"acess\" is no key of a directory; did you mean `access`?\n"},

    /* names, needs, cycles */
    {HEAD "  -a: {path: a.wasm}\n",
     "3:3: \"-a\" is no name for a component; write 1 to 127 letters, digits, '.', '_' or '-', "
     "beginning with a letter, a digit or '_'\n"},
    {A "  a: {path: b.wasm}\n",
     "4:3: a second component of this name, after line 3; give it another\n"},
    {HEAD "  a: {}\n", "3:3: this component has no `path`; write `path: FILE.wasm` below it\n"},
    {HEAD "  a:\n", "3:3: this component has no `path`; write `path: FILE.wasm` below it\n"},
    {A "  b: {path: a.wasm, needs: [nowhere]}\n",
     "4:29: there is no component \"nowhere\"; add it, or take this out\n"},
    {HEAD "  cache: {path: a.wasm}\n  b: {path: a.wasm, needs: [cahce]}\n",
     "4:29: there is no component \"cahce\"; did you mean `cache`?\n"},
    {A "  b: {path: a.wasm, needs: [a, a]}\n", "4:32: needs the same component twice; keep one\n"},
    {HEAD "  a: {path: a.wasm, needs: [a]}\n",
     "3:29: a cycle: a → a; take one of these needs out\n"},
    {HEAD "  a: {path: a.wasm, needs: [b]}\n  b: {path: a.wasm, needs: [c]}\n"
          "  c: {path: a.wasm, needs: [a]}\n  d: {path: a.wasm, needs: [e]}\n"
          "  e: {path: a.wasm, needs: [d]}\n",
     "5:29: a cycle: a → b → c → a; take one of these needs out\n"
     "7:29: a cycle: d → e → d; take one of these needs out\n"},

    /* figures that contradict */
    {HEAD "  a: {path: a.wasm, health: {resources: {memory: {degraded_at: 90%, unhealthy_at: "
          "80%}}}}\n",
     "3:83: health.resources.memory.unhealthy_at is below degraded_at; write at least as much\n"},
    {HEAD "  a: {path: a.wasm, health: {resources: {fuel: {degraded_at: 90%}}}}\n",
     "3:62: fuel is not metered, so this never says anything; set `limits.fuel`\n"},
    {HEAD "  a: {path: a.wasm, restart: {initial: 1m}}\n",
     "3:40: the longest delay (restart.max, 30s) is shorter than the first (restart.initial, 1m); "
     "make it at least as long\n"},
    {"version: 1\nhost: {profile: dense}\ncomponents:\n  a: {path: a.wasm, limits: {memory: "
     "64MiB}}\n",
     "4:38: limits.memory is more than the host allows (16MiB); write less, or raise "
     "`host.memory_max`\n"},
    {"version: 1\nhost: {components_max: 1}\ncomponents:\n  a: {path: a.wasm}\n  b: {path: "
     "a.wasm}\n",
     "2:24: host.components_max is less than the 2 components below; raise it\n"},
    {"version: 1\nhost: {components_max: 5}\ncomponents:\n  a: {path: a.wasm, instances: 6}\n",
     "2:24: host.components_max is less than the 6 components below; raise it\n"},
    {"version: 1\ncomponents:\n  a: {path: a.wasm, instances: 1000}\n  b: {path: a.wasm}\n",
     "4:3: a host has room for 1000 components, and with this one there are more, 1001 in all; "
     "write "
     "`host: {components_max: 1001}`\n"},
    {"version: 1\ncomponents:\n  a: {path: a.wasm, instances_healthy_when: any}\n",
     "3:45: instances_healthy_when means nothing with one instance; take it out, or write "
     "`instances: 2` or more\n"},
    {"version: 1\ncomponents:\n  a: {path: a.wasm, instances: 3, instances_healthy_when: 4}\n",
     "3:59: instances_healthy_when asks for 4, and there are 3 instances; write no more than "
     "that\n"},
    {"version: 1\ncomponents:\n  a: {path: a.wasm, instances: 3, instances_healthy_when: 101%}\n",
     "3:59: instances_healthy_when: \"101%\" is not how many; write all, any, a number from 1 like "
     "`3`, or a whole percentage like `50%`\n"},
    {"version: 1\ngroups: {g: {healthy_when: 0}}\ncomponents:\n  a: {path: a.wasm, group: g}\n",
     "2:28: healthy_when: \"0\" is not how many; write all, any, a number from 1 like `3`, or a "
     "whole percentage like `50%`\n"},
    {"version: 1\ngroups: {g: {healthy_when: most}}\ncomponents:\n  a: {path: a.wasm}\n",
     "2:28: healthy_when: \"most\" is not how many; write all, any, a number from 1 like `3`, or a "
     "whole percentage like `50%`\n"},
    {"version: 1\ngroups: {g: {healthy_when: 0.5%}}\ncomponents:\n  a: {path: a.wasm}\n",
     "2:28: healthy_when: \"0.5%\" is not how many; write all, any, a number from 1 like `3`, or a "
     "whole percentage like `50%`\n"},
    {"version: 1\ngroups: {g: {healthy_when: {at_least: 3}}}\ncomponents:\n  a: {path: a.wasm}\n",
     "2:28: healthy_when takes one value, and this is a map; write it like `all`\n"},
    {"version: 1\ncomponents:\n  web: {path: a.wasm, instances: 3}\n"
     "  web.2: {path: a.wasm}\n  web.3: {path: a.wasm, needs: [web.0, web.02, web.4]}\n",
     "4:3: an instance of the component in line 3 has this name; give it another\n"
     "5:40: there is no component \"web.02\"; did you mean `web.2`?\n"
     "5:48: there is no component \"web.4\"; did you mean `web.2`?\n"},
    {"version: 1\ncomponents:\n"
     "  web: {path: a.wasm, instances: 3, instances_healthy_when: 2}\n"
     "  api: {path: a.wasm, needs: [web]}\n",
     "4:31: there are 3 instances of web, which are ready when not all of them are; write those "
     "that are needed, like web.0, or `instances_healthy_when: all` there\n"},
    {"version: 1\ncomponents:\n  web: {path: a.wasm, instances: 3, needs: [api]}\n"
     "  api: {path: a.wasm, needs: [web]}\n",
     "4:31: a cycle: web → api → web; take one of these needs out\n"},
    {"version: 1\ncomponents:\n  web: {path: a.wasm, instances: 3, needs: [api]}\n"
     "  api: {path: a.wasm, needs: [web.1]}\n",
     "4:31: a cycle: web → api → web; take one of these needs out\n"},
    {"version: 1\nhost: {memory_max: 1MiB}\ndefaults: {limits: {memory: 2MiB}}\ncomponents:\n"
     "  a: {path: a.wasm}\n  b: {path: a.wasm}\n",
     "3:29: limits.memory is more than the host allows (1MiB); write less, or raise "
     "`host.memory_max`\n"},

    /* all at once, in the order of their places */
    {"version: 1\nhost: {profil: dense}\ncomponents:\n  b: {path: a.wasm, needs: [x1]}\n"
     "  a: {pat: a.wasm, stop_timeout: 3}\n",
     "2:8: \"profil\" is no key of `host`; did you mean `profile`?\n"
     "4:29: there is no component \"x1\"; add it, or take this out\n"
     "5:3: this component has no `path`; write `path: FILE.wasm` below it\n"
     "5:7: \"pat\" is no key of a component; did you mean `path`?\n"
     "5:34: stop_timeout: \"3\" is no duration; it has no unit: write 3s or 3ms\n"},
};

static void bad(void **state)
{
    (void)state;
    check_bad(bad_cases, WARD_COUNT(bad_cases));
}

static void nul_in_file(void **state)
{
    static const char bytes[] = "version: 1\nco\0mponents: {}\n";
    wardi_mistakes mistakes = {0};
    wardi_config *config = NULL;
    (void)state;
    assert_int_equal(wardi_config_parse(bytes, sizeof bytes - 1, NULL, &config, &mistakes),
                     WARD_ERROR_CONFIG);
    char *text = listed(&mistakes);
    assert_string_equal(text, "2:3: a NUL byte; is this a text file? Write it anew as UTF-8\n");
    free(text);
    wardi_mistakes_done(&mistakes);
}

static void too_many(void **state)
{
    char *yaml = NULL;
    size_t length = 0;
    FILE *to = open_memstream(&yaml, &length);
    (void)state;
    fputs(A, to);
    for (int i = 0; i < 1000; i++) fprintf(to, "x%d: 1\n", i);
    fclose(to);
    wardi_mistakes mistakes = {0};
    wardi_config *config = NULL;
    assert_int_equal(wardi_config_parse(yaml, length, NULL, &config, &mistakes), WARD_ERROR_CONFIG);
    assert_int_equal(mistakes.kept, WARDI_MISTAKES_KEPT);
    assert_int_equal(mistakes.count, 1000);
    free(yaml);
    wardi_mistakes_done(&mistakes);
}

static void least(void **state)
{
    wardi_config *config = parsed(A, NULL);
    (void)state;
    assert_int_equal(config->child_count, 1);
    const wardi_config_child *child = &config->children[0];
    assert_string_equal(child->component.name, "a");
    assert_string_equal(child->component.path, "a.wasm");
    assert_ptr_equal(child->options.component, &child->component);
    assert_int_equal(child->options.size, sizeof(ward_child_options));
    assert_int_equal(child->component.size, sizeof(ward_component_options));
    /* What is not written stays the library's default. */
    assert_int_equal(child->options.interval_ns, 0);
    assert_int_equal(child->component.limits.memory_bytes_max, 0);
    assert_null(config->host.cache_directory);
    wardi_config_free(config);
}

static const char everything[] =
    "version: 1\n"
    "host: {profile: dense, components_max: 7, memory_max: 8MiB, cache: off, compile_threads: 3,\n"
    "       compile_memory: 512MiB, compile_timeout: 30s, workers: 4}\n"
    "supervisor: {strategy: one_for_one, failures: {limit: 5, window: 70s}, starts_max: 6,\n"
    "             core_dumps: cores}\n"
    "surfaces: {http: '[::1]:80', grpc: off, control: run/w.sock, control_group: ops,\n"
    "           connections_max: 99, read_group: watchers, http_hosts: [ward.example, '*'],\n"
    "           remote: '0.0.0.0:9322', tls: {certificate: c.pem, key: k.pem, client_ca: a.pem},\n"
    "           tokens: [{name: ops, file: ops.token, grant: write},\n"
    "                    {name: look, file: look.token, grant: read}],\n"
    "           clients: [{name: 'spiffe://x/ops', grant: read}]}\n"
    "journal: {path: off, retention: 2h, size_max: 5MiB}\n"
    "groups:\n"
    "  inner:\n"
    "    group: outer\n"
    "    strategy: one_for_one\n"
    "    failures: {limit: 0, window: 71s}\n"
    "    restart: {policy: permanent, backoff: linear, initial: 3s, max: 4s, jitter: 5%, limit: "
    "2,\n"
    "              window: 72s, reset_after: 73s}\n"
    "  outer: {strategy: rest_for_one, healthy_when: 50%, restart: {factor: 3}}\n"
    "components:\n"
    "  db: {path: /x/db.wasm, group: outer, shutdown: {mode: infinite}}\n"
    "  plugin:\n"
    "    path: a.wasm\n"
    "    version: 1.20\n"
    "    needs: [db]\n"
    "    start_timeout: 20s\n"
    "    stop_timeout: 1m30s\n"
    "    message_timeout: 21s\n"
    "    poison_after: 8\n"
    "    group: inner\n"
    "    instances: 3\n"
    "    instances_healthy_when: 2\n"
    "    mailbox: {size: 65, when_full: block, block_timeout: 22s, full_at: 75%}\n"
    "    limits: {memory: 4MiB, table_elements: 9, fuel: 1000000, message: 64KiB, log_rate: 7,\n"
    "             timers: 14, cpu: 11ms, cpu_interval: 12s}\n"
    "    health:\n"
    "      interval: 2s\n"
    "      timeout: 250ms\n"
    "      rise: 2\n"
    "      fall: 4\n"
    "      on_trap: failed\n"
    "      on_malformed: degraded\n"
    "      ready_when: healthy\n"
    "      busy_after: 3s\n"
    "      frame_max: 1KiB\n"
    "      startup: {interval: 200ms, fall: 31}\n"
    "      flapping: {changes: 5, window: 61s}\n"
    "      resources:\n"
    "        window: 62s\n"
    "        memory: {degraded_at: 80%, unhealthy_at: 0.95}\n"
    "        growths_refused: {degraded_at: 1, unhealthy_at: 2}\n"
    "        fuel: {degraded_at: 70%}\n"
    "        traps: {degraded_at: 3}\n"
    "        restarts: {degraded_at: 4}\n"
    "        busy: {unhealthy_at: 100%}\n"
    "        mailbox: {degraded_at: 90%, unhealthy_at: 95%}\n"
    "    restart: {policy: transient, with: needs, backoff: exponential, initial: 1s, max: 2s,\n"
    "              factor: 1.5, jitter: 0%, limit: 3, window: 63s, reset_after: 64s}\n"
    "    shutdown: {mode: graceful, timeout: 95s}\n"
    "    grants:\n"
    "      send: [db, \"cache.*\"]\n"
    "      called_by: {allow: [\"#\"], deny: [db]}\n"
    "      publish: [orders.created]\n"
    "      subscribe: {allow: [\"orders.#\", \"*\"], deny: [orders.secret]}\n"
    "      list: []\n"
    "    metadata: {tenant: blue, note: \"a=b c\", empty: }\n"
    "    wasi:\n"
    "      args: [plugin, --fast, \"\"]\n"
    "      env: {A: 1, B: \"x y\", C: }\n"
    "      dirs: [{host: data, guest: /data, access: write}, {host: /etc, guest: /etc}]\n"
    "      stdin: input.txt\n"
    "      stdout: inherit\n"
    "      stderr: inherit\n";

static void all_of_health(const wardi_config_child *child)
{
    const ward_health_policy *health = &child->component.health;
    const ward_thresholds *resources = health->resources;
    assert_int_equal(health->timeout_ns, 250 * WARDI_MS);
    assert_int_equal(health->busy_after_ns, 3 * WARDI_S);
    assert_int_equal(health->frame_bytes_max, 1024);
    assert_int_equal(health->on_trap, WARD_FALLBACK_FAILED);
    assert_int_equal(health->on_malformed, WARD_FALLBACK_DEGRADED);
    assert_int_equal(health->resource_window_ns, 62 * WARDI_S);
    assert_float_equal(resources[WARD_RESOURCE_MEMORY].degraded_at, 0.8, 1e-12);
    assert_float_equal(resources[WARD_RESOURCE_MEMORY].unhealthy_at, 0.95, 1e-12);
    assert_float_equal(resources[WARD_RESOURCE_GROWTHS_REFUSED].degraded_at, 1, 1e-12);
    assert_float_equal(resources[WARD_RESOURCE_GROWTHS_REFUSED].unhealthy_at, 2, 1e-12);
    assert_float_equal(resources[WARD_RESOURCE_FUEL].degraded_at, 0.7, 1e-12);
    assert_float_equal(resources[WARD_RESOURCE_TRAPS].degraded_at, 3, 1e-12);
    assert_float_equal(resources[WARD_RESOURCE_RESTARTS].degraded_at, 4, 1e-12);
    assert_float_equal(resources[WARD_RESOURCE_BUSY].unhealthy_at, 1, 1e-12);
    assert_float_equal(resources[WARD_RESOURCE_MAILBOX].degraded_at, 0.9, 1e-12);
    assert_float_equal(resources[WARD_RESOURCE_MAILBOX].unhealthy_at, 0.95, 1e-12);
    assert_int_equal(child->options.interval_ns, 2 * WARDI_S);
    assert_int_equal(child->options.rise, 2);
    assert_int_equal(child->options.fall, 4);
    assert_int_equal(child->options.ready_when, WARD_READY_WHEN_HEALTHY);
    assert_int_equal(child->options.startup_interval_ns, 200 * WARDI_MS);
    assert_int_equal(child->options.startup_fall, 31);
    assert_int_equal(child->options.flap_changes_max, 5);
    assert_int_equal(child->options.flap_window_ns, 61 * WARDI_S);
}

static void all_of_restart(const ward_child_options *options)
{
    const ward_backoff *backoff = &options->backoff;
    assert_int_equal(options->restart, WARD_RESTART_TRANSIENT);
    assert_true(options->restart_with_needs);
    assert_int_equal(options->shutdown, WARD_SHUTDOWN_GRACEFUL);
    assert_int_equal(options->shutdown_timeout_ns, 95 * WARDI_S);
    assert_int_equal(backoff->shape, WARD_BACKOFF_EXPONENTIAL);
    assert_int_equal(backoff->initial_ns, WARDI_S);
    assert_int_equal(backoff->max_ns, 2 * WARDI_S);
    assert_float_equal(backoff->factor, 1.5, 1e-12);
    assert_true(backoff->jitter < 0); /* none, for 0 would be the default */
    assert_int_equal(backoff->restarts_max, 3);
    assert_int_equal(backoff->window_ns, 63 * WARDI_S);
    assert_int_equal(backoff->reset_after_ns, 64 * WARDI_S);
}

static void all_of_messages(const ward_child_options *options)
{
    assert_int_equal(options->mailbox_max, 65);
    assert_int_equal(options->mailbox_full, WARD_MAILBOX_BLOCK);
    assert_int_equal(options->mailbox_block_ns, 22 * WARDI_S);
    assert_float_equal(options->full_at, 0.75, 1e-12);
    assert_int_equal(options->message_timeout_ns, 21 * WARDI_S);
}

#define A_WITH(keys) HEAD "  a: {path: a.wasm, mailbox: {" keys "}}\n"
static void mailboxes(void **state)
{
    static const char head[] = "version: 1\n"
                               "defaults: {mailbox: {when_full: block, block_timeout: 2s}}\n"
                               "components:\n"
                               "  a: {path: a.wasm, mailbox: {full_at: off}}\n"
                               "  b: {path: b.wasm, mailbox: {when_full: drop_oldest}}\n";
    (void)state;
    wardi_config *config = parsed(head, NULL);
    assert_true(config->children[0].options.full_at < 0); /* never, for 0 would be the default */
    assert_int_equal(config->children[0].options.mailbox_full, WARD_MAILBOX_BLOCK);
    assert_int_equal(config->children[1].options.mailbox_full, WARD_MAILBOX_DROP_OLDEST);
    wardi_config_free(config);
    static const bad_case cases[] = {
        {A_WITH("block_timeout: 2s"), "3:46: mailbox.block_timeout means nothing with "
                                      "`mailbox.when_full: reject`; take it out, or write block\n"},
        {A_WITH("when_full: drop_oldest, block_timeout: 2s"),
         "3:70: mailbox.block_timeout means nothing with `mailbox.when_full: drop_oldest`; take it "
         "out, or write block\n"},
        {A_WITH("full_at: 101%"),
         "3:40: mailbox.full_at: \"101%\" is too much; the most is 100%\n"},
        {A_WITH("full_at: 0%"),
         "3:40: mailbox.full_at: \"0%\" is too little; the least is 1%, or write off\n"},
        {A_WITH("size: 0"), "3:37: mailbox.size: \"0\" is too little; the least is 1\n"},
        {A_WITH("when_full: drop"),
         "3:42: mailbox.when_full: \"drop\" is not one of its words; write reject, drop_oldest, "
         "drop_newest or block\n"},
    };
    check_bad(cases, WARD_COUNT(cases));
}

#define A_LIMITED(keys) HEAD "  a: {path: a.wasm, limits: {" keys "}}\n"
static void budgets(void **state)
{
    static const char of_defaults[] = "version: 1\n"
                                      "defaults: {limits: {cpu: 100ms, cpu_interval: 2s}}\n"
                                      "components:\n"
                                      "  a: {path: a.wasm}\n"
                                      "  b: {path: b.wasm, limits: {cpu: 2s}}\n";
    static const char interval_alone[] = "version: 1\n"
                                         "defaults: {limits: {cpu_interval: 2s}}\n"
                                         "components:\n"
                                         "  a: {path: a.wasm}\n";
    (void)state;
    wardi_config *config = parsed(of_defaults, NULL);
    assert_int_equal(config->children[1].options.cpu_ns_max, 2 * WARDI_S); /* all there is */
    wardi_config_free(config);
    wardi_config_free(parsed(interval_alone, NULL));
    static const bad_case cases[] = {
        {A_LIMITED("cpu_interval: 2s"), "3:44: limits.cpu_interval means nothing without "
                                        "`limits.cpu`; write that, or take this out\n"},
        {A_LIMITED("cpu: 1001ms"),
         "3:35: limits.cpu is more than passes in its interval (1s), so that it limits nothing; "
         "write less, or a longer limits.cpu_interval\n"},
        {A_LIMITED("cpu: 3s, cpu_interval: 2s"),
         "3:35: limits.cpu is more than passes in its interval (2s), so that it limits nothing; "
         "write less, or a longer limits.cpu_interval\n"},
    };
    check_bad(cases, WARD_COUNT(cases));
}

static void all_of_surfaces(const wardi_config *config)
{
    assert_string_equal(config->surfaces.http_address, "[::1]:80");
    assert_string_equal(config->surfaces.grpc_address, "");
    assert_non_null(strstr(config->surfaces.control_path, "run/w.sock"));
    assert_string_equal(config->surfaces.control_group, "ops");
    assert_int_equal(config->surfaces.connections_max, 99);
    assert_string_equal(config->surfaces.read_group, "watchers");
    assert_int_equal(config->surfaces.http_host_count, 2);
    assert_string_equal(config->surfaces.http_hosts[0], "ward.example");
    assert_string_equal(config->surfaces.http_hosts[1], "*");
    const wardi_surface_remote *remote = &config->surfaces.remote;
    assert_string_equal(remote->address, "0.0.0.0:9322");
    assert_non_null(strstr(remote->certificate, "c.pem"));
    assert_non_null(strstr(remote->key, "k.pem"));
    assert_non_null(strstr(remote->client_ca, "a.pem"));
    assert_int_equal(remote->token_count, 2);
    assert_string_equal(remote->tokens[0].name, "ops");
    assert_non_null(strstr(remote->tokens[0].file, "ops.token"));
    assert_int_equal(remote->tokens[0].may, WARDI_MAY_WRITE);
    assert_int_equal(remote->tokens[1].may, WARDI_MAY_READ);
    assert_int_equal(remote->client_count, 1);
    assert_string_equal(remote->clients[0].name, "spiffe://x/ops");
    assert_int_equal(remote->clients[0].may, WARDI_MAY_READ);
    assert_string_equal(config->journal.path, "");
    assert_int_equal(config->journal.retention_ns, 7200 * WARDI_S);
    assert_int_equal(config->journal.bytes_max, 5 << 20);
}

static void all_of_groups(const wardi_config *config)
{
    const ward_supervisor_options *root = &config->supervisor;
    assert_int_equal(root->strategy, WARD_ONE_FOR_ONE);
    assert_int_equal(root->failures_max, 5);
    assert_int_equal(root->failures_window_ns, 70 * WARDI_S);
    assert_int_equal(root->starts_max, 6);
    assert_non_null(strstr(root->core_dump_directory, "cores"));
    assert_int_equal(config->group_count, 2);
    /* The group above stands first, wherever it stood in the file. */
    const ward_group_options *outer = &config->groups[0].options;
    const ward_group_options *inner = &config->groups[1].options;
    assert_string_equal(outer->name, "outer");
    assert_null(outer->group);
    assert_int_equal(outer->strategy, WARD_REST_FOR_ONE);
    assert_int_equal(outer->health.rule, WARD_GROUP_AT_LEAST_PERCENT);
    assert_int_equal(outer->health.least, 50);
    assert_int_equal(inner->health.rule, WARD_GROUP_ALL);
    assert_int_equal(outer->failures_max, 0);
    assert_float_equal(outer->backoff.factor, 3, 1e-12);
    assert_string_equal(inner->name, "inner");
    assert_string_equal(inner->group, "outer");
    assert_int_equal(inner->failures_max, -1); /* none, for 0 would be the default */
    assert_int_equal(inner->failures_window_ns, 71 * WARDI_S);
    assert_int_equal(inner->restart, WARD_RESTART_PERMANENT);
    assert_int_equal(inner->backoff.shape, WARD_BACKOFF_LINEAR);
    assert_int_equal(inner->backoff.initial_ns, 3 * WARDI_S);
    assert_int_equal(inner->backoff.max_ns, 4 * WARDI_S);
    assert_float_equal(inner->backoff.jitter, 0.05, 1e-12);
    assert_int_equal(inner->backoff.restarts_max, 2);
    assert_int_equal(inner->backoff.window_ns, 72 * WARDI_S);
    assert_int_equal(inner->backoff.reset_after_ns, 73 * WARDI_S);
    assert_string_equal(config->children[0].options.group, "outer");
    assert_int_equal(config->children[0].options.shutdown, WARD_SHUTDOWN_INFINITE);
    assert_string_equal(config->children[1].options.group, "inner");
}

static void all_of_wasi(const ward_wasi_grants *wasi)
{
    assert_int_equal(wasi->arg_count, 3);
    assert_string_equal(wasi->args[1], "--fast");
    assert_string_equal(wasi->args[2], "");
    assert_int_equal(wasi->env_count, 3);
    assert_string_equal(wasi->env[0], "A=1");
    assert_string_equal(wasi->env[1], "B=x y");
    assert_string_equal(wasi->env[2], "C=");
    assert_int_equal(wasi->preopen_count, 2);
    assert_string_equal(wasi->preopens[0].host_path, "data");
    assert_string_equal(wasi->preopens[0].guest_path, "/data");
    assert_true(wasi->preopens[0].writable);
    assert_false(wasi->preopens[1].writable);
    assert_string_equal(wasi->stdin_path, "input.txt");
    assert_true(wasi->inherit_stdout);
    assert_true(wasi->inherit_stderr);
}

static void all_of_grants(const ward_child_options *options)
{
    const ward_grants *grants = options->grants;
    assert_int_equal(options->message_bytes_max, 64 << 10);
    assert_int_equal(options->log_rate, 7);
    assert_int_equal(options->timers_max, 14);
    assert_int_equal(options->poison_after, 8);
    assert_int_equal(options->cpu_ns_max, 11 * WARDI_MS);
    assert_int_equal(options->cpu_interval_ns, 12 * WARDI_S);
    assert_int_equal(grants->send.allow_count, 2);
    assert_string_equal(grants->send.allow[0], "db");
    assert_string_equal(grants->send.allow[1], "cache.*");
    assert_int_equal(grants->send.deny_count, 0);
    assert_int_equal(grants->called_by.allow_count, 1);
    assert_string_equal(grants->called_by.allow[0], "#");
    assert_string_equal(grants->called_by.deny[0], "db");
    assert_string_equal(grants->publish.allow[0], "orders.created");
    assert_int_equal(grants->subscribe.allow_count, 2);
    assert_string_equal(grants->subscribe.allow[1], "*");
    assert_int_equal(grants->subscribe.deny_count, 1);
    assert_string_equal(grants->subscribe.deny[0], "orders.secret");
    assert_int_equal(grants->list.allow_count, 0);
    assert_int_equal(options->metadata_count, 3);
    assert_string_equal(options->metadata[0], "tenant=blue");
    assert_string_equal(options->metadata[1], "note=a=b c");
    assert_string_equal(options->metadata[2], "empty=");
}

static void all(void **state)
{
    wardi_config *config = parsed(everything, NULL);
    (void)state;
    assert_int_equal(config->host.profile, WARD_MEMORY_DENSE);
    assert_int_equal(config->host.components_max, 7);
    assert_int_equal(config->host.memory_bytes_max, 8 << 20);
    assert_string_equal(config->host.cache_directory, "");
    assert_int_equal(config->host.compile_threads, 3);
    assert_int_equal(config->host.compile_memory_max, 512 << 20);
    assert_int_equal(config->host.compile_timeout_ns, 30 * WARDI_S);
    assert_int_equal(config->workers, 4);
    assert_int_equal(config->child_count, 2);
    const wardi_config_child *child = &config->children[1];
    assert_string_equal(child->component.version, "1.20");
    assert_int_equal(child->options.need_count, 1);
    assert_string_equal(child->options.needs[0], "db");
    assert_int_equal(child->component.start_timeout_ns, 20 * WARDI_S);
    assert_int_equal(child->component.stop_timeout_ns, 90 * WARDI_S);
    assert_int_equal(child->component.limits.memory_bytes_max, 4 << 20);
    assert_int_equal(child->component.limits.table_elements_max, 9);
    assert_int_equal(child->component.limits.fuel_per_call, 1000000);
    assert_int_equal(child->options.instances, 3);
    assert_int_equal(child->options.instances_health.rule, WARD_GROUP_AT_LEAST);
    assert_int_equal(child->options.instances_health.least, 2);
    all_of_health(child);
    all_of_restart(&child->options);
    all_of_messages(&child->options);
    all_of_surfaces(config);
    all_of_groups(config);
    all_of_grants(&child->options);
    all_of_wasi(&child->component.wasi);
    wardi_config_free(config);
}

/* Every key of the tables stands in that file, so that no new one goes untested. */
static void nothing_forgotten(void **state)
{
    wardi_config *config = parsed(everything, NULL);
    (void)state;
    for (size_t i = 0; i < wardi_component_keys.count; i++) {
        const char *path = wardi_component_keys.items[i].path;
        static const char *const absent[] = {
            "health.resources.fuel.unhealthy_at", "health.resources.traps.unhealthy_at",
            "health.resources.restarts.unhealthy_at", "health.resources.busy.degraded_at"};
        bool expected = true;
        for (size_t j = 0; j < WARD_COUNT(absent); j++)
            if (strcmp(absent[j], path) == 0) expected = false;
        if ((config->children[1].places[i].line != 0) != expected) fail_msg("%s", path);
    }
    for (size_t i = 0; i < wardi_host_keys.count; i++)
        if (config->places[i].line == 0) fail_msg("%s", wardi_host_keys.items[i].path);
    for (size_t i = 0; i < wardi_supervisor_keys.count; i++)
        if (config->supervisor_places[i].line == 0)
            fail_msg("%s", wardi_supervisor_keys.items[i].path);
    for (size_t i = 0; i < wardi_surface_keys.count; i++)
        if (config->surface_places[i].line == 0) fail_msg("%s", wardi_surface_keys.items[i].path);
    for (size_t i = 0; i < wardi_journal_keys.count; i++)
        if (config->journal_places[i].line == 0) fail_msg("%s", wardi_journal_keys.items[i].path);
    for (size_t i = 0; i < wardi_group_keys.count; i++)
        if (config->groups[0].places[i].line == 0 && config->groups[1].places[i].line == 0)
            fail_msg("%s", wardi_group_keys.items[i].path);
    wardi_config_free(config);
}

static void defaults(void **state)
{
    static const char yaml[] =
        "version: 1\n"
        "components:\n"
        "  a: {health: {timeout: 3s}, limits: {fuel: off}, wasi: {env: {B: 2, C: 3}}}\n"
        "  b: {path: b.wasm, needs: []}\n"
        "  c: {path: c.wasm, needs: [b]}\n"
        "defaults:\n"
        "  path: shared.wasm\n"
        "  limits: {fuel: 5}\n"
        "  health: {timeout: 1ms, fall: 9}\n"
        "  wasi: {env: {A: 1, B: 1}, args: [x]}\n";
    wardi_config *config = parsed(yaml, NULL);
    const wardi_config_child *a = &config->children[0], *b = &config->children[1];
    (void)state;
    assert_string_equal(a->component.path, "shared.wasm");
    assert_string_equal(b->component.path, "b.wasm");
    assert_int_equal(a->component.health.timeout_ns, 3 * WARDI_S);
    assert_int_equal(b->component.health.timeout_ns, WARDI_MS);
    assert_int_equal(a->options.fall, 9);
    assert_int_equal(a->component.limits.fuel_per_call, 0);
    assert_int_equal(b->component.limits.fuel_per_call, 5);
    assert_int_equal(a->component.wasi.env_count, 3);
    assert_string_equal(a->component.wasi.env[0], "A=1");
    assert_string_equal(a->component.wasi.env[1], "B=2");
    assert_string_equal(a->component.wasi.env[2], "C=3");
    assert_int_equal(b->component.wasi.env_count, 2);
    assert_string_equal(b->component.wasi.env[1], "B=1");
    assert_int_equal(a->component.wasi.arg_count, 1);
    assert_int_equal(b->options.need_count, 0);
    wardi_config_free(config);
}

/* Files are looked for from where the configuration stands. */
static void files(void **state)
{
    static const char good[] = HEAD "  a: {path: healthy-borsh.wat, wasi: {dirs: [{host: ., guest: "
                                    "/}], stdin: cases.tsv}}\n";
    static const char wrong[] =
        HEAD "  a: {path: nowhere.wasm}\n  b: {path: .}\n  c: {path: cases.tsv}\n"
             "  d: {path: healthy-borsh.wat, wasi: {dirs: [{host: cases.tsv, guest: /}], stdin: "
             "no}}\n";
    static const char directory[] = TEST_DIR "/guests";
    wardi_mistakes mistakes = {0};
    wardi_config *config = parsed(good, directory);
    (void)state;
    assert_string_equal(config->children[0].component.path, TEST_DIR "/guests/healthy-borsh.wat");
    wardi_config_free(config);
    assert_int_equal(wardi_config_parse(wrong, strlen(wrong), directory, &config, &mistakes),
                     WARD_ERROR_CONFIG);
    char *text = listed(&mistakes);
    assert_string_equal(
        text,
        "3:13: there is no file " TEST_DIR "/guests/nowhere.wasm; paths are relative to this file\n"
        "4:13: " TEST_DIR "/guests/. is a directory; name a file\n"
        "5:13: " TEST_DIR "/guests/cases.tsv is no WebAssembly; name a .wasm or .wat file\n"
        "6:46: " TEST_DIR "/guests/cases.tsv is no directory; name a directory\n"
        "6:83: there is no file " TEST_DIR "/guests/no; paths are relative to this file\n");
    free(text);
    wardi_mistakes_done(&mistakes);
}

/* Opening a pipe that nobody writes to would wait for ever. */
static void pipes_are_refused(void **state)
{
    char directory[] = "/tmp/ward-test-XXXXXX", pipe[64], expected[256];
    static const char text[] = HEAD "  a: {path: pipe, wasi: {stdin: pipe}}\n";
    wardi_mistakes mistakes = {0};
    wardi_config *config;
    (void)state;
    assert_non_null(mkdtemp(directory));
    snprintf(pipe, sizeof pipe, "%s/pipe", directory);
    assert_int_equal(mkfifo(pipe, 0600), 0);
    assert_int_equal(wardi_config_parse(text, strlen(text), directory, &config, &mistakes),
                     WARD_ERROR_CONFIG);
    snprintf(expected, sizeof expected,
             "3:13: %s is no regular file; name a file\n"
             "3:33: %s is no regular file; name a file\n",
             pipe, pipe);
    char *said = listed(&mistakes);
    assert_string_equal(said, expected);
    free(said);
    wardi_mistakes_done(&mistakes);
    unlink(pipe);
    rmdir(directory);
}

/* An empty file, a link to itself, and core dumps that would have nowhere to go. */
static void files_of_no_use(void **state)
{
    static const char text[] = "version: 1\nsupervisor: {core_dumps: empty}\ncomponents:\n"
                               "  a: {path: empty}\n  b: {path: loop}\n";
    static const char no_dumps[] =
        "version: 1\nsupervisor: {core_dumps: none}\ncomponents:\n  a: {path: empty}\n";
    char directory[] = "/tmp/ward-test-XXXXXX", empty[64], loop[64], expected[600];
    wardi_mistakes mistakes = {0}, others = {0};
    wardi_config *config;
    (void)state;
    assert_non_null(mkdtemp(directory));
    snprintf(empty, sizeof empty, "%s/empty", directory);
    snprintf(loop, sizeof loop, "%s/loop", directory);
    fclose(fopen(empty, "we"));
    assert_int_equal(symlink("loop", loop), 0);
    wardi_config_parse(text, strlen(text), directory, &config, &mistakes);
    snprintf(expected, sizeof expected,
             "2:26: %s is no directory; name a directory\n"
             "4:13: %s is empty; name a .wasm or .wat file\n"
             "5:13: the file %s cannot be looked at: Too many levels of symbolic links; check the "
             "path\n",
             empty, empty, loop);
    char *said = listed(&mistakes);
    assert_string_equal(said, expected);
    free(said);
    wardi_config_parse(no_dumps, strlen(no_dumps), directory, &config, &others);
    said = listed(&others);
    snprintf(expected, sizeof expected,
             "2:26: there is no directory %s/none; paths are relative to this file\n", directory);
    assert_true(strncmp(said, expected, strlen(expected)) == 0);
    free(said);
    wardi_mistakes_done(&mistakes);
    wardi_mistakes_done(&others);
    unlink(empty);
    unlink(loop);
    rmdir(directory);
}

static void read_errors(void **state)
{
    wardi_mistakes mistakes = {0};
    wardi_config *config = NULL;
    ward_diag diag;
    (void)state;
    assert_int_equal(wardi_config_read("/nowhere/ward.yaml", &config, &mistakes, &diag),
                     WARD_ERROR_NOT_FOUND);
    assert_string_equal(
        diag.text, "/nowhere/ward.yaml: there is no such file; name the configuration to read");
    assert_int_equal(wardi_config_read("/", &config, &mistakes, &diag), WARD_ERROR_IO);
    assert_string_equal(diag.text, "/: it is a directory; name the file in it");
    assert_int_equal(wardi_config_read("/dev/null/ward.yaml", &config, &mistakes, &diag),
                     WARD_ERROR_IO);
    assert_string_equal(diag.text, "/dev/null/ward.yaml: Not a directory; check the path");
}

/* Ten thousand components in a chain are read in no time, and in order. */
static void many(void **state)
{
    char *yaml = NULL;
    size_t length = 0;
    FILE *to = open_memstream(&yaml, &length);
    (void)state;
    fputs("version: 1\nhost: {components_max: 20000}\ncomponents:\n  c0: {path: a.wasm}\n", to);
    for (int i = 1; i < 10000; i++) fprintf(to, "  c%d: {path: a.wasm, needs: [c%d]}\n", i, i - 1);
    fclose(to);
    wardi_config *config = parsed(yaml, NULL);
    assert_int_equal(config->child_count, 10000);
    assert_string_equal(config->children[9999].component.name, "c9999");
    wardi_config_free(config);
    free(yaml);
}

/* ---- running out of memory at every call ---- */

typedef struct alloc_gate {
    unsigned calls, fail_at;
} alloc_gate;

static bool gate_ask(void *context, size_t size)
{
    alloc_gate *gate = context;
    (void)size;
    return ++gate->calls != gate->fail_at;
}

static void no_memory(void **state)
{
    (void)state;
    for (unsigned at = 1; at < 1000; at++) {
        alloc_gate gate = {.fail_at = at};
        wardi_mistakes mistakes = {0};
        wardi_config *config = NULL;
        wardi_alloc_gate_set(gate_ask, &gate);
        ward_error error =
            wardi_config_parse(everything, strlen(everything), NULL, &config, &mistakes);
        wardi_alloc_gate_set(NULL, NULL);
        bool reached = gate.calls >= at;
        assert_int_equal(error, reached ? WARD_ERROR_NO_MEMORY : WARD_OK);
        wardi_config_free(error == WARD_OK ? config : NULL);
        wardi_mistakes_done(&mistakes);
        if (!reached) return;
    }
    fail_msg("it never had enough");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad),
        cmocka_unit_test(nul_in_file),
        cmocka_unit_test(too_many),
        cmocka_unit_test(least),
        cmocka_unit_test(all),
        cmocka_unit_test(mailboxes),
        cmocka_unit_test(budgets),
        cmocka_unit_test(nothing_forgotten),
        cmocka_unit_test(defaults),
        cmocka_unit_test(files),
        cmocka_unit_test(many),
        cmocka_unit_test(pipes_are_refused),
        cmocka_unit_test(files_of_no_use),
        cmocka_unit_test(read_errors),
        cmocka_unit_test(no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
