/* What a reload has to do, from two configurations: every difference, and nothing that is none. */
#include "cli/plan.h"
#include "config_kit.h"

/* "a: replaced (limits.memory)" a line, in the order of the plan, then what goes, what takes a
 * restart, and what is in disorder. */
static char *planned(const wardi_config *started, const wardi_config *old, wardi_config *now)
{
    static const char *const deeds[] = {[WARDI_KEEP] = "kept",
                                        [WARDI_ADD] = "added",
                                        [WARDI_CHANGE] = "changed",
                                        [WARDI_RESIZE] = "resized",
                                        [WARDI_ANEW] = "anew"};
    wardi_plan plan;
    char *text = NULL;
    size_t length = 0;
    FILE *to = open_memstream(&text, &length);
    assert_int_equal(wardi_plan_make(started, old, now, &plan), WARD_OK);
    for (size_t i = 0; i < plan.group_count; i++) {
        const wardi_plan_group *g = &plan.groups[i];
        assert_true((g->before == NULL) == (g->deed == WARDI_ADD));
        fprintf(to, "group %s %s%s%s\n", g->group->options.name, deeds[g->deed],
                g->why != NULL ? ": " : "", g->why != NULL ? g->why : "");
    }
    for (size_t i = 0; i < plan.child_count; i++) {
        const wardi_plan_child *c = &plan.children[i];
        assert_true((c->before == NULL) == (c->deed == WARDI_ADD));
        fprintf(to, "%s %s%s%s\n", c->child->component.name, deeds[c->deed],
                c->why != NULL ? ": " : "", c->why != NULL ? c->why : "");
    }
    for (size_t i = 0; i < plan.gone_count; i++)
        fprintf(to, "-%s%s%s\n", plan.gone[i].child->component.name,
                plan.gone[i].first ? " first" : "", plan.gone[i].comes_back ? " back" : "");
    for (size_t i = 0; i < plan.groups_gone_count; i++)
        fprintf(to, "-group %s%s%s\n", plan.groups_gone[i].group->options.name,
                plan.groups_gone[i].first ? " first" : "",
                plan.groups_gone[i].comes_back ? " back" : "");
    for (size_t i = 0; i < plan.fixed_count; i++) fprintf(to, "fixed %s\n", plan.fixed[i]);
    for (size_t i = 0; i < plan.disordered_count; i++)
        fprintf(to, "disorder %s\n", plan.disordered[i]);
    fclose(to);
    wardi_plan_done(&plan);
    return text;
}

static void check(const char *old_yaml, const char *now_yaml, const char *expected)
{
    wardi_config *old = parsed(old_yaml, NULL), *now = parsed(now_yaml, NULL);
    char *text = planned(old, old, now);
    if (strcmp(text, expected) != 0)
        fail_msg("of\n%s\nto\n%s\nexpected\n%s\ngot\n%s", old_yaml, now_yaml, expected, text);
    free(text);
    wardi_config_free(old);
    wardi_config_free(now);
}

#define GROUPS(text) "version: 1\ngroups:\n" text "components:\n"

static void nothing_is_to_be_done(void **state)
{
    (void)state;
    check(A, A, "a kept\n");
    check(GROUPS("  g: {strategy: one_for_all}\n") "  a: {path: a.wasm, group: g, needs: [b]}\n"
                                                   "  b: {path: a.wasm, instances: 3}\n",
          GROUPS("  g: {strategy: one_for_all}\n") "  b: {path: a.wasm, instances: 3}\n"
                                                   "  a: {path: a.wasm, needs: [b], group: g}\n",
          "group g kept\nb kept\na kept\n");
}

static void a_default_that_is_written_out_is_none(void **state)
{
    (void)state;
    check(A,
          HEAD "  a: {path: a.wasm, stop_timeout: 5s, health: {interval: 10s, rise: 1,\n"
               "      ready_when: degraded}, limits: {message: 1MiB, fuel: off},\n"
               "      restart: {limit: 10, jitter: 10%, factor: 2}, instances: 1}\n",
          "a kept\n");
}

static void what_comes_and_what_goes(void **state)
{
    (void)state;
    check(HEAD "  a: {path: a.wasm}\n  b: {path: a.wasm, needs: [a]}\n"
               "  c: {path: a.wasm, needs: [b]}\n",
          HEAD "  x: {path: a.wasm, needs: [y]}\n  y: {path: a.wasm}\n",
          "y added\nx added\n-c\n-b\n-a\n");
    check(A, HEAD "  a: {path: a.wasm}\n  b: {path: a.wasm, needs: [a]}\n", "a kept\nb added\n");
}

/* Each key that a component has, but for those of which others are told below. */
static void each_key_makes_another(void **state)
{
    (void)state;
    static const char *const keys[][2] = {
        {"path", "path: b.wasm"},
        {"version", "version: '2'"},
        {"needs", "needs: [z]"},
        {"start_timeout", "start_timeout: 1s"},
        {"limits.memory", "limits: {memory: 1MiB}"},
        {"limits.fuel", "limits: {fuel: 1000}"},
        {"limits.log_rate", "limits: {log_rate: 7}"},
        {"mailbox.size", "mailbox: {size: 3}"},
        {"mailbox.when_full", "mailbox: {when_full: block}"},
        {"mailbox.full_at", "mailbox: {full_at: 50%}"},
        {"mailbox.full_at", "mailbox: {full_at: off}"},
        {"health.interval", "health: {interval: 11s}"},
        {"health.on_trap", "health: {on_trap: failed}"},
        {"health.resources.traps.degraded_at", "health: {resources: {traps: {degraded_at: 3}}}"},
        {"restart.policy", "restart: {policy: temporary}"},
        {"restart.with", "restart: {with: needs}, needs: [z]"},
        {"restart.jitter", "restart: {jitter: 0%}"},
        {"shutdown.mode", "shutdown: {mode: immediate}"},
        {"grants.send", "grants: {send: [z]}"},
        {"grants.send", "grants: {send: {allow: [z], deny: ['x.*']}}"},
        {"grants.publish", "grants: {publish: [t]}"},
        {"metadata", "metadata: {k: v}"},
        {"wasi.args", "wasi: {args: [a, b]}"},
        {"wasi.env", "wasi: {env: {K: v}}"},
        {"wasi.dirs", "wasi: {dirs: [{host: d, guest: /d}]}"},
        {"wasi.stdin", "wasi: {stdin: d}"},
        {"wasi.stdout", "wasi: {stdout: inherit}"},
    };
    for (size_t i = 0; i < WARD_COUNT(keys); i++) {
        char now[400], expected[100];
        bool has_path = strncmp(keys[i][1], "path", 4) == 0;
        snprintf(now, sizeof now, HEAD "  z: {path: z.wasm}\n  a: {%s%s}\n",
                 has_path ? "" : "path: a.wasm, ", keys[i][1]);
        bool is_with = strcmp(keys[i][0], "restart.with") == 0;
        snprintf(expected, sizeof expected, "z kept\na changed: %s\n",
                 is_with ? "needs" : keys[i][0]);
        check(HEAD "  z: {path: z.wasm}\n  a: {path: a.wasm}\n", now, expected);
        snprintf(expected, sizeof expected, "z kept\na changed: %s\n",
                 is_with ? "needs" : keys[i][0]);
        check(now, HEAD "  z: {path: z.wasm}\n  a: {path: a.wasm}\n", expected);
    }
}

static void defaults_are_each_components_own(void **state)
{
    (void)state;
    check("version: 1\ndefaults: {stop_timeout: 1s}\ncomponents:\n  a: {path: a.wasm}\n"
          "  b: {path: a.wasm, stop_timeout: 1s}\n",
          HEAD "  a: {path: a.wasm, stop_timeout: 1s}\n  b: {path: a.wasm}\n",
          "a kept\nb changed: stop_timeout\n");
}

static void how_many_there_are(void **state)
{
    (void)state;
    check(HEAD "  a: {path: a.wasm, instances: 3}\n", HEAD "  a: {path: a.wasm, instances: 5}\n",
          "a resized: instances\n");
    check(HEAD "  a: {path: a.wasm, instances: 3}\n",
          HEAD "  a: {path: a.wasm, instances: 3, instances_healthy_when: any}\n",
          "a resized: instances\n");
    check(HEAD "  a: {path: a.wasm, instances: 3}\n",
          HEAD "  a: {path: a.wasm, instances: 5, stop_timeout: 1s}\n",
          "a changed: stop_timeout\n");
    /* One is no member of a group, and many are: who needs them comes along. */
    check(HEAD "  a: {path: a.wasm}\n  b: {path: a.wasm, needs: [a]}\n"
               "  c: {path: a.wasm, needs: [b]}\n  d: {path: a.wasm}\n",
          HEAD "  a: {path: a.wasm, instances: 2}\n  b: {path: a.wasm, needs: [a]}\n"
               "  c: {path: a.wasm, needs: [b]}\n  d: {path: a.wasm}\n",
          "a anew: instances\nb anew: what it needs comes anew\n"
          "c anew: what it needs comes anew\nd kept\n"
          "-c first back\n-b first back\n-a first back\n");
    /* Even if it needs it no more. */
    check(HEAD "  a: {path: a.wasm, instances: 2}\n  b: {path: a.wasm, needs: [a.1]}\n",
          HEAD "  a: {path: a.wasm}\n  b: {path: a.wasm}\n",
          "a anew: instances\nb anew: what it needs comes anew\n-b first back\n-a first back\n");
}

static void groups_change_in_place(void **state)
{
    (void)state;
    check(
        GROUPS("  g: {strategy: one_for_one}\n") "  a: {path: a.wasm, group: g}\n",
        GROUPS(
            "  g: {strategy: one_for_all, healthy_when: any}\n") "  a: {path: a.wasm, group: g}\n",
        "group g changed: strategy\na kept\n");
    check(GROUPS("  g: {}\n") "  a: {path: a.wasm, group: g}\n",
          GROUPS("  g: {}\n  h: {group: g}\n") "  a: {path: a.wasm, group: h}\n",
          "group g kept\ngroup h added\na changed: group\n");
    check(GROUPS("  g: {}\n  h: {group: g}\n") "  a: {path: a.wasm, group: h}\n",
          HEAD "  a: {path: a.wasm}\n", "a changed: group\n-group h\n-group g\n");
}

static void a_group_that_moves_takes_all_along(void **state)
{
    (void)state;
    check(GROUPS("  g: {}\n  h: {group: g}\n  i: {group: h}\n") "  a: {path: a.wasm, group: i}\n"
                                                                "  b: {path: a.wasm, needs: [a]}\n"
                                                                "  c: {path: a.wasm, group: g}\n",
          GROUPS("  g: {}\n  h: {}\n  i: {group: h}\n") "  a: {path: a.wasm, group: i}\n"
                                                        "  b: {path: a.wasm, needs: [a]}\n"
                                                        "  c: {path: a.wasm, group: g}\n",
          "group g kept\ngroup h anew: group\ngroup i anew: its group comes anew\n"
          "a anew: its group comes anew\nb anew: what it needs comes anew\nc kept\n"
          "-b first back\n-a first back\n-group i first back\n-group h first back\n");
    /* What is in it and goes for good goes with it, and who needed that comes anew. */
    check(GROUPS("  g: {}\n  h: {group: g}\n") "  x: {path: a.wasm, group: h}\n"
                                               "  y: {path: a.wasm, needs: [x]}\n",
          GROUPS("  h: {}\n") "  y: {path: a.wasm}\n",
          "group h anew: group\ny anew: what it needs comes anew\n"
          "-y first back\n-x first\n-group h first back\n-group g\n");
    check(GROUPS("  g: {}\n") "  w: {path: a.wasm, group: g, instances: 2}\n",
          HEAD "  w: {path: a.wasm, instances: 2}\n", "w anew: group\n-w first back\n-group g\n");
}

static void a_name_changes_hands(void **state)
{
    (void)state;
    check(HEAD "  x: {path: a.wasm}\n  y: {path: a.wasm, needs: [x]}\n",
          GROUPS("  x: {}\n") "  y: {path: a.wasm, group: x}\n",
          "group x added\ny anew: what it needs comes anew\n-y first back\n-x first\n");
    check(GROUPS("  x: {}\n") "  y: {path: a.wasm, group: x}\n", HEAD "  x: {path: a.wasm}\n",
          "x added\n-y first\n-group x first\n");
}

static void what_takes_a_restart(void **state)
{
    (void)state;
    check("version: 1\nhost: {workers: 3}\nsupervisor: {starts_max: 2}\ncomponents:\n"
          "  a: {path: a.wasm}\n",
          "version: 1\nhost: {workers: 4, profile: dense}\nsurfaces: {http: off}\n"
          "journal: {retention: 24h}\ncomponents:\n  a: {path: a.wasm}\n",
          "a kept\nfixed host.profile\nfixed host.workers\nfixed supervisor.starts_max\n"
          "fixed surfaces.http\nfixed journal.retention\n");
}

#define REMOTE(host, token, may, client)                                                           \
    "version: 1\nsurfaces:\n  http_hosts: [" host "]\n  remote: 0.0.0.0:9322\n"                    \
    "  tls: {certificate: c.pem, key: k.pem, client_ca: a.pem}\n"                                  \
    "  tokens: [{name: ops, file: " token ", grant: " may "}]\n"                                   \
    "  clients: [{name: " client ", grant: read}]\ncomponents:\n  a: {path: a.wasm}\n"

static void who_may_come_in_takes_a_restart(void **state)
{
    (void)state;
    const char *before = REMOTE("w", "t", "read", "c");
    check(before, REMOTE("w", "t", "read", "c"), "a kept\n");
    check(before, REMOTE("w, v", "t", "read", "c"), "a kept\nfixed surfaces.http_hosts\n");
    check(before, REMOTE("w", "u", "read", "c"), "a kept\nfixed surfaces.tokens\n");
    check(before, REMOTE("w", "t", "write", "c"), "a kept\nfixed surfaces.tokens\n");
    check(before, REMOTE("w", "t", "read", "d"), "a kept\nfixed surfaces.clients\n");
}

/* Held against how the host was started, whatever was read since. */
static void what_takes_a_restart_is_told_until_then(void **state)
{
    (void)state;
    wardi_config *started = parsed(A, NULL);
    wardi_config *old =
        parsed("version: 1\nhost: {workers: 4}\ncomponents:\n  a: {path: a.wasm}\n", NULL);
    wardi_config *now =
        parsed("version: 1\nhost: {workers: 4}\ncomponents:\n  a: {path: a.wasm}\n", NULL);
    char *text = planned(started, old, now);
    assert_string_equal(text, "a kept\nfixed host.workers\n");
    free(text);
    text = planned(started, now, started);
    assert_string_equal(text, "a kept\n");
    free(text);
    wardi_config_free(started);
    wardi_config_free(old);
    wardi_config_free(now);
}

static void what_failed_is_tried_again(void **state)
{
    (void)state;
    const char *yaml = GROUPS("  g: {}\n  h: {}\n") "  a: {path: a.wasm, group: g}\n"
                                                    "  b: {path: a.wasm, group: g}\n";
    wardi_config *old = parsed(yaml, NULL), *now = parsed(yaml, NULL);
    old->children[0].absent = true;
    old->children[1].unsettled = true;
    old->groups[0].unsettled = true;
    old->groups[1].absent = true;
    char *text = planned(old, old, now);
    assert_string_equal(text, "group g changed: the change before this one failed\ngroup h added\n"
                              "a added\nb changed: the change before this one failed\n");
    free(text);
    wardi_config_free(old);
    wardi_config_free(now);
}

static void other_contents_are_another(void **state)
{
    (void)state;
    const wardi_file_stamp stamp = {.device = 1, .inode = 2, .size = 3, .modified_ns = 4};
    wardi_config *old = parsed(A, NULL), *now = parsed(A, NULL);
    for (int i = 0; i < 4; i++) {
        old->children[0].stamp = now->children[0].stamp = stamp;
        uint64_t *fields[] = {&now->children[0].stamp.device, &now->children[0].stamp.inode,
                              &now->children[0].stamp.size, &now->children[0].stamp.modified_ns};
        ++*fields[i];
        char *text = planned(old, old, now);
        assert_string_equal(text, "a changed: the file of its module\n");
        free(text);
    }
    wardi_config_free(old);
    wardi_config_free(now);
}

static void the_order_of_rest_for_one(void **state)
{
    (void)state;
    check(GROUPS("  g: {strategy: rest_for_one}\n") "  a: {path: a.wasm, group: g}\n"
                                                    "  b: {path: a.wasm, group: g}\n",
          GROUPS("  g: {strategy: rest_for_one}\n") "  a: {path: a.wasm, group: g}\n"
                                                    "  b: {path: a.wasm, group: g}\n"
                                                    "  c: {path: a.wasm, group: g}\n",
          "group g kept\na kept\nb kept\nc added\n");
    check(GROUPS("  g: {strategy: rest_for_one}\n") "  a: {path: a.wasm, group: g}\n"
                                                    "  b: {path: a.wasm, group: g}\n",
          GROUPS("  g: {strategy: rest_for_one}\n") "  a: {path: a.wasm, group: g}\n"
                                                    "  c: {path: a.wasm, group: g}\n"
                                                    "  b: {path: a.wasm, group: g}\n",
          "group g kept\na kept\nc added\nb kept\ndisorder g\n");
    check("version: 1\nsupervisor: {strategy: rest_for_one}\ncomponents:\n  a: {path: a.wasm}\n"
          "  b: {path: a.wasm}\n",
          "version: 1\nsupervisor: {strategy: rest_for_one}\ncomponents:\n  b: {path: a.wasm}\n"
          "  a: {path: a.wasm, stop_timeout: 1s}\n",
          "b kept\na changed: stop_timeout\ndisorder \n");
    check(HEAD "  a: {path: a.wasm}\n", HEAD "  b: {path: a.wasm}\n  a: {path: a.wasm}\n",
          "b added\na kept\n");
}

static void a_summary(void **state)
{
    (void)state;
    char room[200];
    wardi_text text = WARDI_TEXT(room);
    wardi_plan plan;
    wardi_config *old =
        parsed(GROUPS("  g: {}\n  h: {}\n") "  a: {path: a.wasm}\n  b: {path: a.wasm}\n"
                                            "  c: {path: a.wasm, instances: 2}\n",
               NULL);
    wardi_config *now =
        parsed(GROUPS("  i: {}\n  h: {healthy_when: any}\n") "  a: {path: b.wasm}\n  c: {path: "
                                                             "a.wasm, instances: 4}\n"
                                                             "  d: {path: a.wasm}\n  e: {path: "
                                                             "a.wasm, group: h}\n",
               NULL);
    assert_int_equal(wardi_plan_make(old, old, now, &plan), WARD_OK);
    wardi_plan_summary(&plan, &text);
    assert_string_equal(room, "2 added, 1 replaced, 1 resized, 1 removed, 1 group added, "
                              "1 group changed, 1 group removed");
    wardi_plan_done(&plan);
    wardi_config_free(old);
    wardi_config_free(now);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_to_be_done),
        cmocka_unit_test(a_default_that_is_written_out_is_none),
        cmocka_unit_test(what_comes_and_what_goes),
        cmocka_unit_test(each_key_makes_another),
        cmocka_unit_test(defaults_are_each_components_own),
        cmocka_unit_test(how_many_there_are),
        cmocka_unit_test(groups_change_in_place),
        cmocka_unit_test(a_group_that_moves_takes_all_along),
        cmocka_unit_test(a_name_changes_hands),
        cmocka_unit_test(what_takes_a_restart),
        cmocka_unit_test(who_may_come_in_takes_a_restart),
        cmocka_unit_test(what_takes_a_restart_is_told_until_then),
        cmocka_unit_test(what_failed_is_tried_again),
        cmocka_unit_test(other_contents_are_another),
        cmocka_unit_test(the_order_of_rest_for_one),
        cmocka_unit_test(a_summary),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
