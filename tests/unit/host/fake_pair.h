/* Two guests, "a" and "b", of which either may be many, in a world whose time the test moves. */
#ifndef FAKE_PAIR_H
#define FAKE_PAIR_H

#include "fake_world.h"

enum { TEXT_AT = 512, INBOX_AT = 1024 };

/* ---- guests: "!" calls the import that `next` says; of anything else they tell in `heard` ---- */

static fake_guest guests[2];
static char heard[4096];
static const char *who; /* acts */

static struct {
    const char *import;
    wardi_raw args[6];
    size_t count;
    int64_t result;
} next;

static inline ward_error run_import(fake_guest *fake)
{
    wardi_raw result = {0};
    wardi_answer answer = WARDI_ANSWERED;
    if (!fake_answer(fake, &result))
        answer = fake_import(fake, "ward", next.import, next.args, next.count, &result);
    next.result = result.i64;
    return answer == WARDI_WAITS ? FAKE_WAITS : WARD_OK;
}

static inline ward_error run_letter(fake_guest *fake, const wardi_value *args, wardi_value *results,
                                    uint64_t timeout_ns, ward_trap *trap)
{
    const char *text = (const char *)fake->memory + args[0].bits;
    (void)timeout_ns;
    results[0].bits = 0;
    uint64_t *acts = fake_call_state(fake); /* of many, another may have written over the text */
    if (text[0] == '!') *acts = 1;
    if (*acts != 0) return run_import(fake);
    if (text[0] == 't') {
        fake->cause = "unreachable";
        return fake_end(fake, WARD_ERROR_TRAP, trap);
    }
    size_t at = strlen(heard);
    const child *c = fake_context(fake);
    snprintf(heard + at, sizeof heard - at, "%s%.*s ", c->name, (int)args[1].bits, text);
    return WARD_OK;
}

static inline ward_error run_alloc(fake_guest *fake, const wardi_value *args, wardi_value *results,
                                   uint64_t timeout_ns, ward_trap *trap)
{
    (void)fake, (void)args, (void)timeout_ns, (void)trap;
    results[0].bits = INBOX_AT;
    return WARD_OK;
}

/* Arms one when it is told to. */
static bool arms_in_health;
static inline ward_error run_health(fake_guest *fake, const wardi_value *args, wardi_value *results,
                                    uint64_t timeout_ns, ward_trap *trap)
{
    (void)args, (void)timeout_ns, (void)trap;
    results[0].bits = 0;
    return arms_in_health && fake == &guests[0] ? run_import(fake) : WARD_OK;
}

static const char *const only_b[] = {"b"}, *const anybody[] = {"#"};
static const ward_grants to_b = {.send = {only_b, 1, NULL, 0}};
static const ward_grants from_all = {.called_by = {anybody, 1, NULL, 0}};

static inline void add(const char *name, fake_guest *fake, ward_child_options options)
{
    ward_diag diag;
    ward_component_options component = WARD_INIT(ward_component_options);
    component.name = name;
    fake_init(fake);
    fake->waits_on = "ward.sleep";
    fake_func(fake, "ward_alloc", 1, &fake_i32, run_alloc);
    fake_func(fake, "handle-message", 2, &fake_i64, run_letter);
    fake_func(fake, "_health", 0, &fake_i32, run_health);
    FAKE_SOURCE(component, fake);
    options.size = sizeof options;
    options.component = &component;
    options.interval_ns = 3600 * WARDI_S;
    options.backoff.shape = WARD_BACKOFF_OFF;
    if (ward_supervisor_add(supervisor, &options, &diag) != WARD_OK) fail_msg("%s", diag.text);
}

static inline void begin(ward_child_options a, ward_child_options b)
{
    open_world();
    heard[0] = '\0';
    arms_in_health = false;
    if (a.grants == NULL) a.grants = &to_b;
    if (b.grants == NULL) b.grants = &from_all;
    who = "a";
    add("a", &guests[0], a);
    add("b", &guests[1], b);
    assert_int_equal(ward_supervisor_start(supervisor, NULL), WARD_OK);
    pass(WARDI_MS);
}

static inline void begin_usual(void)
{
    begin((ward_child_options){.mailbox_max = 256}, (ward_child_options){.mailbox_max = 256});
}

/* ---- what `who` is made to do ---- */

static inline wardi_raw u64(uint64_t value)
{
    return (wardi_raw){.u64 = value};
}

static inline void prepare(const char *import, size_t count, const wardi_raw *args,
                           const char *text)
{
    next.import = import;
    next.count = count;
    memcpy(next.args, args, count * sizeof *args);
    for (size_t i = 0; i < WARD_COUNT(guests); i++)
        strcpy((char *)guests[i].memory + TEXT_AT, text);
}

static inline int64_t does(const char *import, size_t count, const wardi_raw *args,
                           const char *text)
{
    prepare(import, count, args, text);
    assert_int_equal(
        ward_supervisor_request(supervisor, id_of(who), (const uint8_t *)"!", 1, NULL, 0, NULL, 0),
        WARD_OK);
    return next.result;
}

static inline uint32_t find(const char *name)
{
    wardi_raw args[] = {u64(TEXT_AT), u64(strlen(name))};
    return (uint32_t)does("find", 2, args, name);
}

#define TEST(name) cmocka_unit_test_teardown(name, close_all)

#endif
