/* Groups, restarts and stops in ward.yaml: their mistakes, and the order of groups. */
#include "config_kit.h"

#define GROUPS "version: 1\ngroups:\n"
#define HEAD_ONLY "components:\n"
#define A_ONLY HEAD_ONLY "  a: {path: a.wasm}\n"
#define IN_G HEAD_ONLY "  a: {path: a.wasm, group: g}\n"

static const bad_case bad_cases[] = {
    /* groups */
    {"version: 1\ngroups: [a]\ncomponents: {a: {path: a.wasm}}\n",
     "2:9: `groups` takes keys of its own; write them below it, indented\n"},
    {GROUPS "  g: one_for_all\n" IN_G,
     "3:6: a group takes keys of its own; write them below it, indented\n"},
    {GROUPS "  -g: {}\n" A_ONLY,
     "3:3: \"-g\" is no name for a group; write 1 to 127 letters, digits, '.', '_' or '-', "
     "beginning with a letter, a digit or '_'\n"},
    {GROUPS "  g: {strategie: one_for_all}\n" IN_G,
     "3:7: \"strategie\" is no key of a group; did you mean `strategy`?\n"},
    {GROUPS "  g: {colour: red}\n" IN_G,
     "3:7: \"colour\" is no key of a group; it takes group, strategy, failures, "
     "healthy_when, restart\n"},
    {"version: 1\ngroups:\n  out: {healthy_when: 5}\n  in: {group: out, healthy_when: "
     "4}\ncomponents:\n"
     "  a: {path: a.wasm, group: in, instances: 3}\n  b: {path: a.wasm, group: out}\n",
     "3:23: healthy_when asks for 5, and 4 components are below this group; write no more than "
     "that\n"
     "4:34: healthy_when asks for 4, and 3 components are below this group; write no more than "
     "that\n"},
    {GROUPS "  g: {strategy: all_for_one}\n" IN_G,
     "3:17: strategy: \"all_for_one\" is not one of its words; write one_for_one, one_for_all or "
     "rest_for_one\n"},
    {GROUPS "  g: {failures: {limit: 256, window: 8d}}\n" IN_G,
     "3:25: failures.limit: \"256\" is too much; the most is 255\n"
     "3:38: failures.window: \"8d\" is too much; the most is 168h\n"},
    {GROUPS "  g: {restart: {policy: transient}}\n" IN_G,
     "3:25: restart.policy: \"transient\" is not one of its words; write permanent or temporary\n"},
    {GROUPS "  g: {}\n  g: {strategy: one_for_all}\n" IN_G,
     "4:3: a second group of this name, after line 3; give it another\n"},
    {GROUPS "  a: {}\n" A_ONLY,
     "3:3: the component of line 5 has this name too; give one of them another\n"},
    {GROUPS "  pair: {}\n" HEAD_ONLY "  a: {path: a.wasm, group: piar}\n",
     "5:28: there is no group \"piar\"; did you mean `pair`?\n"},
    {HEAD "  a: {path: a.wasm, group: pair}\n",
     "3:28: there is no group \"pair\"; add it below `groups`, or take this out\n"},
    {"version: 1\ndefaults: {group: pair}\ncomponents:\n  a: {path: a.wasm}\n  b: {path: b.wasm}\n",
     "2:19: there is no group \"pair\"; add it below `groups`, or take this out\n"},
    {GROUPS "  g: {group: outer}\n  outre: {}\n" IN_G,
     "3:14: there is no group \"outer\"; did you mean `outre`?\n"},
    {GROUPS "  g: {group: g}\n" IN_G, "3:14: a group in itself; take this out, or name another\n"},
    {GROUPS "  x: {group: g}\n  g: {group: h}\n  h: {group: i}\n  i: {group: g}\n"
            "  k: {group: l}\n  l: {group: k}\n" IN_G,
     "4:14: a cycle: g → h → i → g; take one of these groups out of the other\n"
     "7:14: a cycle: k → l → k; take one of these groups out of the other\n"},
    {GROUPS "  g: {strategy: one_for_all, failures: {limit: 2, window: 1m}}\n" IN_G,
     "3:48: failures.limit means nothing with `strategy: one_for_all`; take it out, or write "
     "one_for_one: else the first that is given up is one too many\n"
     "3:59: failures.window means nothing with `strategy: one_for_all`; take it out, or write "
     "one_for_one: else the first that is given up is one too many\n"},
    {"version: 1\nsupervisor: {strategy: rest_for_one, failures: {limit: 2}}\n" A_ONLY,
     "2:56: supervisor.failures.limit means nothing with `supervisor.strategy: rest_for_one`; take "
     "it out, or write one_for_one: else the first that is given up is one too many\n"},
    {"version: 1\nsupervisor: {starts_max: 0, intensity: 3}\n" A_ONLY,
     "2:26: supervisor.starts_max: \"0\" is too little; the least is 1\n"
     "2:29: \"intensity\" is no key of `supervisor`; it takes strategy, failures, starts_max, "
     "core_dumps\n"},
    {GROUPS "  g: {restart: {policy: temporary, limit: 3}}\n" IN_G,
     "3:43: restart.limit means nothing with `restart.policy: temporary`; take it out, or write "
     "another policy\n"},
    {GROUPS "  g: {restart: {initial: 1m, max: 1s}}\n" IN_G,
     "3:35: the longest delay (restart.max, 1s) is shorter than the first (restart.initial, 1m); "
     "make it at least as long\n"},

    /* keys that others leave nothing to say */
    {HEAD "  a: {path: a.wasm, restart: {backoff: none}}\n",
     "3:40: restart.backoff: \"none\" is not one of its words; write off, fixed, linear or "
     "exponential\n"},
    {HEAD "  a: {path: a.wasm, restart: {backoff: off, initial: 1s, limit: 3}}\n",
     "3:54: restart.initial means nothing with `restart.backoff: off`; take it out, or write "
     "another back-off\n"},
    {HEAD "  a: {path: a.wasm, restart: {backoff: fixed, initial: 1m, max: 1s, reset_after: 1s}}\n",
     "3:65: restart.max means nothing with `restart.backoff: fixed`; take it out, or write linear "
     "or exponential\n"
     "3:82: restart.reset_after means nothing with `restart.backoff: fixed`; take it out, or write "
     "linear or exponential\n"},
    {HEAD "  a: {path: a.wasm, restart: {backoff: linear, factor: 3}}\n",
     "3:56: restart.factor means nothing with `restart.backoff: linear`; take it out, or write "
     "exponential\n"},
    {HEAD "  a: {path: a.wasm, restart: {policy: temporary, backoff: off, window: 1s}}\n",
     "3:59: restart.backoff means nothing with `restart.policy: temporary`; take it out, or write "
     "another policy\n"
     "3:72: restart.window means nothing with `restart.policy: temporary`; take it out, or write "
     "another policy\n"},
    {HEAD "  a: {path: a.wasm, restart: {with: [b]}}\n",
     "3:37: restart.with takes one value, and this is a list; write it like `none`\n"},
    {HEAD "  a: {path: a.wasm, restart: {with: needs}}\n",
     "3:37: restart.with: it needs nothing that could go down; take it out, or write `needs`\n"},
    {A "  b: {path: a.wasm, needs: [a], restart: {policy: temporary, with: needs}}\n",
     "4:68: restart.with means nothing with `restart.policy: temporary`; take it out, or write "
     "another policy\n"},
    {HEAD "  a: {path: a.wasm, shutdown: {mode: infinite, timeout: 3s}}\n",
     "3:57: shutdown.timeout means nothing with `shutdown.mode: infinite`; take it out, or write "
     "graceful\n"},
    {HEAD "  a: {path: a.wasm, stop_timeout: 3s, shutdown: {mode: immediate}}\n",
     "3:35: stop_timeout means nothing with `shutdown.mode: immediate`; take it out, or write "
     "graceful\n"},
    {HEAD "  a: {path: a.wasm, shutdown: {timeout: 3s}}\n",
     "3:41: shutdown.timeout (3s) is shorter than the clean-up may take (stop_timeout, 5s); write "
     "at least as much, or a shorter stop_timeout\n"},
    /* what a component turns off may stand in the defaults, but not the other way round */
    {"version: 1\ndefaults: {restart: {backoff: off}}\ncomponents:\n"
     "  a: {path: a.wasm, restart: {initial: 1s}}\n",
     "4:40: restart.initial means nothing with `restart.backoff: off`; take it out, or write "
     "another back-off\n"},
    {"version: 1\ndefaults: {restart: {backoff: off, initial: 1s}}\ncomponents:\n"
     "  a: {path: a.wasm}\n  b: {path: a.wasm}\n",
     "2:45: restart.initial means nothing with `restart.backoff: off`; take it out, or write "
     "another back-off\n"},
};

static void bad(void **state)
{
    (void)state;
    check_bad(bad_cases, WARD_COUNT(bad_cases));
}

/* Siblings keep the order of the file, for rest_for_one goes by it. */
static void groups_in_order(void **state)
{
    static const char yaml[] = "version: 1\n"
                               "groups:\n"
                               "  z: {group: y}\n"
                               "  x: {}\n"
                               "  w: {group: x}\n"
                               "  y: {}\n"
                               "  v: {group: z}\n" A_ONLY;
    static const char *const expected[] = {"x", "y", "z", "w", "v"};
    wardi_config *config = parsed(yaml, NULL);
    (void)state;
    assert_int_equal(config->group_count, WARD_COUNT(expected));
    for (size_t i = 0; i < WARD_COUNT(expected); i++)
        assert_string_equal(config->groups[i].options.name, expected[i]);
    wardi_config_free(config);
}

/* What a component turns off, the defaults need not take back. */
static void off_against_defaults(void **state)
{
    static const char yaml[] =
        "version: 1\n"
        "defaults: {stop_timeout: 3s, restart: {initial: 1s, factor: 3, with: needs},\n"
        "           shutdown: {timeout: 4s}}\n"
        "components:\n"
        "  a: {path: a.wasm, restart: {backoff: off}}\n"
        "  b: {path: a.wasm, restart: {policy: temporary}, shutdown: {mode: immediate}}\n";
    wardi_config *config = parsed(yaml, NULL);
    (void)state;
    assert_int_equal(config->children[0].options.backoff.shape, WARD_BACKOFF_OFF);
    assert_int_equal(config->children[1].options.shutdown, WARD_SHUTDOWN_IMMEDIATE);
    wardi_config_free(config);
}

/* Groups in groups as deep as the tree takes them, and one more. */
static void nested(void **state)
{
    char *yaml = NULL;
    size_t length = 0;
    (void)state;
    for (int count = 62; count <= 64; count++) {
        FILE *to = open_memstream(&yaml, &length);
        fputs("version: 1\ngroups:\n  g0: {}\n", to);
        for (int i = 1; i < count; i++) fprintf(to, "  g%d: {group: g%d}\n", i, i - 1);
        fputs(A_ONLY, to);
        fclose(to);
        wardi_mistakes mistakes = {0};
        wardi_config *config = NULL;
        ward_error error = wardi_config_parse(yaml, length, NULL, &config, &mistakes);
        assert_int_equal(error, count > 62 ? WARD_ERROR_CONFIG : WARD_OK);
        char *said = listed(&mistakes);
        assert_string_equal(said, count == 62 ? ""
                                              : "65:16: groups are nested 62 deep at most; "
                                                "put this one into one further up\n");
        free(said);
        free(yaml);
        wardi_config_free(config);
        wardi_mistakes_done(&mistakes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad),
        cmocka_unit_test(groups_in_order),
        cmocka_unit_test(off_against_defaults),
        cmocka_unit_test(nested),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
