/* Worlds: made of what a seed draws, and brought to their end. */
#include "sim/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

world *the_world;

/* ---- chance ---- */

uint64_t below(uint64_t limit)
{
    return wardi_rng_next(&the_world->rng) % limit;
}

bool once_in(uint64_t many)
{
    return below(many) == 0;
}

bool fault(uint32_t share)
{
    return !the_world->calm && below(1000) < the_world->faults && below(1000) < share;
}

/* ---- what the scheduler is given ---- */

static uint64_t sched_now(void *context)
{
    (void)context;
    return wardi_now_ns();
}

static uint64_t sched_random(void *context)
{
    (void)context;
    return wardi_rng_next(&the_world->rng);
}

static void sched_sleep(void *context, uint64_t until_ns)
{
    (void)context;
    wardi_sleep_until_ns(until_ns);
}

/* ---- members ---- */

static const char *const anything[] = {"#"};
static const ward_grants all_granted = {.send = {anything, 1, NULL, 0},
                                        .called_by = {anything, 1, NULL, 0},
                                        .publish = {anything, 1, NULL, 0},
                                        .subscribe = {anything, 1, NULL, 0},
                                        .list = {anything, 1, NULL, 0}};

static ward_backoff draw_backoff(void)
{
    return (ward_backoff){.initial_ns = (1 + below(50)) * WARDI_MS,
                          .max_ns = 200 * WARDI_MS,
                          .restarts_max = 1 + (uint32_t)below(6),
                          .window_ns = (1 + below(5)) * WARDI_S,
                          .reset_after_ns = 500 * WARDI_MS,
                          .shape = (ward_backoff_shape)below(4)};
}

static ward_child_options draw_options(void)
{
    ward_child_options o = WARD_INIT(ward_child_options);
    o.interval_ns = (1 + below(200)) * WARDI_MS;
    o.startup_interval_ns = once_in(3) ? (1 + below(20)) * WARDI_MS : 0;
    o.startup_fall = 2;
    o.fall = 1 + (uint32_t)below(3);
    o.rise = 1 + (uint32_t)below(2);
    o.flap_changes_max = 2;
    o.ready_when = (ward_ready_when)below(2);
    o.restart = once_in(4) ? (ward_restart)below(3) : WARD_RESTART_PERMANENT;
    o.backoff = draw_backoff();
    o.shutdown = (ward_shutdown)below(3);
    o.shutdown_timeout_ns = (1 + below(100)) * WARDI_MS;
    o.restart_with_needs = once_in(4);
    o.mailbox_max = 1 + (uint32_t)below(8);
    o.mailbox_full = (ward_mailbox_full)below(4);
    o.mailbox_block_ns = WARDI_MS;
    o.message_timeout_ns = (5 + below(once_in(4) ? 3000 : 50)) * WARDI_MS;
    o.poison_after = 1 + (uint32_t)below(3);
    o.log_rate = 1 + (uint32_t)below(5);
    o.timers_max = 1 + (uint32_t)below(5);
    o.grants = once_in(10) ? NULL : &all_granted;
    return o;
}

static void draw_needs(member *m)
{
    world *w = the_world;
    uint32_t others = (uint32_t)(m - w->members);
    for (uint32_t i = 0; i < NEEDS_MAX && others > 0 && once_in(3); i++) {
        uint32_t need = (uint32_t)below(others < SENDERS_MAX ? others : SENDERS_MAX);
        bool twice = false;
        for (uint32_t k = 0; k < m->need_count; k++) twice = twice || m->needs[k] == need;
        if (!twice && w->members[need].exists) m->needs[m->need_count++] = need;
    }
}

static fake_guest *new_guest(uint64_t start_timeout_ns)
{
    world *w = the_world;
    fake_guest **g = &w->guests[w->guest_count++];
    if (*g == NULL) *g = calloc(1, sizeof **g);
    guest_program(*g, start_timeout_ns);
    return *g;
}

static int32_t draw_group(void)
{
    const world *w = the_world;
    int32_t g = (int32_t)below(w->group_count + 1) - 1;
    return g >= 0 && w->groups[g].exists ? g : NO_GROUP;
}

/* What the members from `m` on are told by their options. False: they were not added. */
static bool add(member *m, uint32_t count)
{
    world *w = the_world;
    const char *needs[NEEDS_MAX];
    for (uint32_t i = 0; i < m->need_count; i++) needs[i] = w->members[m->needs[i]].name;
    ward_child_options o = m->options;
    o.needs = needs;
    o.need_count = m->need_count;
    o.group = m->group != NO_GROUP ? w->groups[m->group].name : NULL;
    o.instances = count;
    ward_component_options component = WARD_INIT(ward_component_options);
    ward_native_options native = WARD_INIT(ward_native_options);
    component.name = native.name = count > 1 ? w->groups[w->group_count].name : m->name;
    if (m->native) {
        o.native = &native;
        o.message_timeout_ns = 0;
        native_program(&native, m);
    } else {
        o.component = &component;
        component.start_timeout_ns = 200 * WARDI_MS;
        component.stop_timeout_ns = 50 * WARDI_MS;
        component.health.timeout_ns = 20 * WARDI_MS;
        m->guest = new_guest(component.start_timeout_ns);
        FAKE_SOURCE(component, m->guest);
    }
    if (count > 1) m->guest->load_ns = 0; /* one at a time, it would be */
    ward_diag diag = {0};
    ward_error error = ward_supervisor_add(w->supervisor, &o, &diag);
    bool may_fail = w->memory_failed || error == WARD_ERROR_STATE || error == WARD_ERROR_NOT_FOUND;
    MUST(error == WARD_OK || may_fail, diag.text);
    return error == WARD_OK;
}

static void found(member *m)
{
    m->exists = true;
    m->state = WARD_STATE_CREATING;
    m->down_last_ns = wardi_now_ns();
    m->child = names_find(&the_world->supervisor->names, m->name);
    MUST(m->child != NULL, m->name);
}

void world_add_member(void)
{
    world *w = the_world;
    if (w->member_count == SENDERS_MAX) return;
    member *m = &w->members[w->member_count];
    *m = (member){.group = draw_group(), .options = draw_options(), .native = once_in(5)};
    snprintf(m->name, sizeof m->name, "m%u", w->member_count);
    draw_needs(m);
    if (!add(m, 1)) return;
    found(m);
    w->member_count++;
}

/* Many of one component, in a group of its name. */
static void add_many(uint32_t count)
{
    world *w = the_world;
    uint32_t first = w->member_count;
    sim_group *g = &w->groups[w->group_count];
    if (w->group_count == GROUPS_MAX || first + count > MEMBERS_MAX) return;
    *g = (sim_group){.above = draw_group(), .many = true, .health = WARD_CHILD_DEGRADED};
    snprintf(g->name, sizeof g->name, "x%u", first);
    member *m = &w->members[first];
    *m = (member){.group = g->above, .options = draw_options(), .instance = true};
    draw_needs(m);
    m->options.instances_health = g->policy =
        (ward_group_health){.rule = WARD_GROUP_AT_LEAST_PERCENT, .least = 1 + (uint32_t)below(100)};
    if (!add(m, count)) return;
    g->exists = true;
    m->group = (int32_t)w->group_count++;
    for (uint32_t i = 0; i < count; i++) {
        w->members[first + i] = *m;
        snprintf(w->members[first + i].name, sizeof m->name, "x%u.%u", first, i);
        found(&w->members[first + i]);
    }
    w->member_count += count;
}

static void add_group(void)
{
    world *w = the_world;
    sim_group *g = &w->groups[w->group_count];
    *g = (sim_group){.above = draw_group(), .health = WARD_CHILD_DEGRADED};
    snprintf(g->name, sizeof g->name, "g%u", w->group_count);
    ward_group_options o = WARD_INIT(ward_group_options);
    o.name = g->name;
    o.group = g->above != NO_GROUP ? w->groups[g->above].name : NULL;
    o.strategy = (ward_strategy)below(3);
    o.failures_max = (int32_t)below(4) - 1;
    o.failures_window_ns = (1 + below(5)) * WARDI_S;
    o.restart = once_in(5) ? WARD_RESTART_TEMPORARY : WARD_RESTART_PERMANENT;
    o.backoff = draw_backoff();
    o.health.rule = (ward_group_rule)below(2);
    g->policy = o.health;
    MUST(ward_supervisor_add_group(w->supervisor, &o, NULL) == WARD_OK, g->name);
    g->exists = true;
    w->group_count++;
}

member *member_of(const char *name)
{
    world *w = the_world;
    char *end;
    uint64_t number = strtoull(name + 1, &end, 10);
    if (*end == '.') number += strtoull(end + 1, NULL, 10);
    MUST(number < MEMBERS_MAX, name);
    member *m = &w->members[number];
    MUST(strcmp(m->name, name) == 0, name);
    return m;
}

bool is_below(const member *m, int32_t number)
{
    int32_t g = m->group;
    while (g != NO_GROUP && g != number) g = the_world->groups[g].above;
    return g == number;
}

/* ---- memory ---- */

static bool gate(void *context, size_t size)
{
    world *w = context;
    (void)size;
    if (w->failing_allocations == 0 || !once_in(4)) return true;
    w->failing_allocations--;
    w->memory_failed = true;
    return false;
}

/* ---- begin ---- */

/* So that ten thousand are made in a minute: most are small. */
static uint32_t draw_size(void)
{
    if (the_world->seed % 1000 == 500) return 1000 + (uint32_t)below(2000);
    if (the_world->seed % 250 == 125) return 50 + (uint32_t)below(100);
    return 0;
}

static void populate(void)
{
    uint32_t many = draw_size();
    the_world->large = many != 0;
    for (uint64_t n = below(5); n > 0; n--) add_group();
    for (uint64_t n = 2 + below(12); n > 0; n--) world_add_member();
    if (many != 0)
        add_many(many);
    else if (once_in(4))
        add_many(2 + (uint32_t)below(8));
}

void world_begin(uint64_t seed)
{
    static world one;
    world *w = the_world = &one;
    memset(w, 0, offsetof(world, members) + w->member_count * sizeof w->members[0]);
    w->seed = seed;
    wardi_rng_init(&w->rng, seed);
    w->faults = once_in(8) ? 0 : (uint32_t)below(1000);
    sim_clock_set(1000 * WARDI_S + below(WARDI_S), 1000000 * WARDI_S);
    w->sched_world = (wardi_sched_world){
        .now_ns = sched_now, .random = sched_random, .sleep_until_ns = sched_sleep};
    ward_host_options host = WARD_INIT(ward_host_options);
    host.cache_directory = "";
    ward_supervisor_options o = WARD_INIT(ward_supervisor_options);
    o.workers = 1 + (uint32_t)below(4);
    o.seed = seed;
    o.on_event = on_event;
    o.on_evidence = on_evidence;
    o.strategy = (ward_strategy)below(3);
    o.failures_max = (int32_t)below(6) - 1;
    o.failures_window_ns = (1 + below(5)) * WARDI_S;
    o.starts_max = draw_size() == 0 ? (uint32_t)below(4) : 0;
    MUST(ward_host_open(&host, &w->host, NULL) == WARD_OK, "host");
    MUST(ward_supervisor_new(w->host, &o, &w->supervisor, NULL) == WARD_OK, "supervisor");
    wardi_supervisor_world_set(w->supervisor, &w->sched_world);
    populate();
    ward_diag diag = {0};
    MUST(ward_supervisor_start(w->supervisor, &diag) == WARD_OK, diag.text);
    wardi_alloc_gate_set(gate, w);
    check_all();
}

bool world_step(void)
{
    the_world->steps++;
    bool more = wardi_supervisor_step(the_world->supervisor);
    check_step();
    return more;
}

/* ---- end ---- */

enum { CALM_STEPS_MAX = 200000, LARGE_EVERY = 64 };

/* Until there is nobody left. */
static void run_while(const char *(*somebody)(void), const char *what)
{
    world *w = the_world;
    uint64_t patience_ns = wardi_now_ns() + 60 * WARDI_S;
    for (uint64_t i = 0;; i++) {
        if ((!w->large || i % LARGE_EVERY == 0) && somebody() == NULL) return;
        bool goes_on = world_step() && i < CALM_STEPS_MAX && wardi_now_ns() < patience_ns;
        if (!goes_on && somebody() != NULL) sim_fail(what, somebody(), __FILE__, __LINE__);
    }
}

/* From the outside in: what is below a group that is down can't be started. */
static void ask_all(ward_request request)
{
    world *w = the_world;
    for (uint32_t g = 0; g < w->group_count; g++)
        if (w->groups[g].exists)
            ward_supervisor_ask(w->supervisor, w->groups[g].name, request, NULL);
    for (uint32_t i = 0; i < w->member_count; i++) {
        w->members[i].excused = true;
        forget_failures(&w->members[i]);
        if (w->members[i].exists)
            ward_supervisor_ask(w->supervisor, w->members[i].name, request, NULL);
    }
}

/* More than once: what is not started again with its group ends by the start of another, and a wait
 * that began with the faults may end as one. */
static void serve_all(void)
{
    for (int round = 0; round < 4 && first_unready() != NULL; round++) {
        ask_all(WARD_REQUEST_RELEASE);
        ask_all(WARD_REQUEST_START);
        run_while(first_restless, "everybody comes to rest, where it may");
    }
    if (first_unready() != NULL)
        sim_fail("all that is not in quarantine ends Ready", first_unready(), __FILE__, __LINE__);
}

static void must_be_gone(void)
{
    const world *w = the_world;
    for (uint32_t i = 0; i < w->guest_count; i++) {
        MUST(atomic_load(&w->guests[i]->instances) == 0, "an instance is left");
        MUST(atomic_load(&w->guests[i]->modules) == 0, "a module is left");
    }
    for (uint32_t i = 0; i < w->member_count; i++) MUST(!w->members[i].up, w->members[i].name);
}

uint64_t world_end(void)
{
    world *w = the_world;
    w->calm = true;
    w->failing_allocations = 0;
    for (uint32_t i = 0; i < w->guest_count; i++) {
        w->guests[i]->instance_error = WARD_OK;
        w->guests[i]->load_ns = 0;
    }
    run_while(first_restless, "everybody comes to rest, where it may");
    serve_all();
    check_all();
    w->stopping = true;
    ward_diag diag = {0};
    MUST(ward_supervisor_stop(w->supervisor, 600 * WARDI_S, &diag) == WARD_OK, diag.text);
    check_all();
    uint64_t trace = w->trace ^ wardi_sched_trace(w->supervisor->sched);
    ward_supervisor_free(w->supervisor);
    ward_host_close(w->host);
    wardi_alloc_gate_set(NULL, NULL);
    wardi_message_trim();
    must_be_gone();
    return trace;
}
