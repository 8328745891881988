/* The tree of the soak: who is in it, how it comes to rest, and what must hold then. */
#include "soak.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

member members[MEMBERS];

static const char *const groups[] = {"parts", "pipeline", "together", "wild", "fragile"};
enum { GROUPS = sizeof groups / sizeof *groups, MAILBOX_MAX = 64, FRAGILE = 6 };

/* ---- names ---- */

static const struct {
    kind kind;
    const char *prefix;
    int count;
} kinds[] = {
    {KIND_CALM, "calm", CALM},           {KIND_WILD, "guest", WILD},
    {KIND_NATIVE, "native", NATIVES},    {KIND_MANY, "many", MANY},
    {KIND_VISITOR, "visitor", VISITORS},
};

static void name_members(void)
{
    size_t at = 0;
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        for (int i = 0; i < kinds[k].count; i++, at++) {
            member *m = &members[at];
            m->kind = kinds[k].kind;
            m->index = i;
            m->state = WARD_STATE_CREATING;
            snprintf(m->name, sizeof m->name, "%s.%d", kinds[k].prefix, i);
        }
}

static member *member_named(const char *name)
{
    for (size_t i = 0; i < MEMBERS; i++)
        if (strcmp(members[i].name, name) == 0) return &members[i];
    return NULL;
}

/* The child whose readiness this one's hangs on; NULL: none. */
static const member *need_of(const member *m)
{
    static const int natives_from = CALM + WILD;
    if (m->kind == KIND_CALM && m->index % 2 == 0) return &members[natives_from + m->index / 2];
    if (m->kind == KIND_WILD && m->index % 4 == 1) return m - 1;
    if (m->kind == KIND_VISITOR) return &members[CALM];
    return NULL;
}

/* ---- native children ---- */

static ward_error native_start(void *context, ward_diag *ret_diag)
{
    static atomic_uint starts;
    member *m = context;
    if (atomic_fetch_add(&starts, 1) % 16 == 15) {
        snprintf(ret_diag->text, sizeof ret_diag->text, "one start in sixteen fails");
        return WARD_ERROR_IO;
    }
    if (atomic_fetch_add(&m->started, 1) != 0) soak_fail("%s was started twice", m->name);
    return WARD_OK;
}

static void native_stop(void *context)
{
    member *m = context;
    if (atomic_fetch_sub(&m->started, 1) != 1) soak_fail("%s was stopped twice", m->name);
}

/* On a worker, whoever would have to wait is told so. */
static void talk(const char *name, char how)
{
    ward_child_id id;
    const uint8_t bytes[] = "hello";
    if (ward_supervisor_find(supervisor, name, &id) != WARD_OK) return;
    if (how == 's') {
        ward_supervisor_send(supervisor, id, bytes, 5);
        return;
    }
    uint8_t answer[BYTES_MAX];
    size_t length;
    uint64_t began_ns = now_ns();
    ward_supervisor_request(supervisor, id, bytes, 5, answer, sizeof answer, &length, 10 * SECOND);
    if (now_ns() - began_ns > 8 * SECOND) soak_fail("a worker waited for %s", name);
}

static ward_error native_handle(void *context, const ward_message *message, ward_diag *ret_diag)
{
    char name[BYTES_MAX] = "";
    (void)context, (void)ret_diag;
    char how = message->length != 0 ? (char)message->bytes[0] : '\0';
    if (message->length > 1 && message->length < sizeof name)
        memcpy(name, message->bytes + 1, message->length - 1);
    if (how == 's' || how == 'r') talk(name, how);
    if (how == 't') return WARD_ERROR_TRAP;
    if (how == 'x') return WARD_ERROR_EXIT;
    if (how == 'z') sleep_ns(2 * MS);
    return ward_message_reply(message, message->bytes, message->length);
}

/* ---- the tree ---- */

static void must_add(ward_error error, const ward_diag *diag, const char *name)
{
    if (error != WARD_OK) soak_fail("adding %s: %s", name, diag->text);
}

/* Room for as many restarts as there are, but in `fragile`, which is given up now and then. */
static ward_backoff backoff_of(bool fragile)
{
    ward_backoff generous = {
        .initial_ns = MS, .max_ns = 20 * MS, .restarts_max = 255, .window_ns = SECOND};
    ward_backoff tight = {
        .initial_ns = MS, .max_ns = 5 * MS, .restarts_max = 2, .window_ns = 5 * SECOND};
    return fragile ? tight : generous;
}

static void add_group(int i)
{
    static const ward_strategy strategies[GROUPS] = {
        WARD_ONE_FOR_ONE, WARD_REST_FOR_ONE, WARD_ONE_FOR_ALL, WARD_ONE_FOR_ONE, WARD_ONE_FOR_ONE};
    ward_diag diag = {0};
    bool fragile = strcmp(groups[i], "fragile") == 0;
    ward_group_options own = WARD_INIT(ward_group_options);
    own.name = groups[i];
    own.group = fragile ? "wild" : NULL;
    own.strategy = strategies[i];
    own.failures_max = fragile ? 1 : 255;
    own.failures_window_ns = 5 * SECOND;
    own.backoff = backoff_of(fragile);
    own.health = (ward_group_health){WARD_GROUP_AT_LEAST_PERCENT, 50};
    must_add(ward_supervisor_add_group(supervisor, &own, &diag), &diag, own.name);
}

bool world_may_be_down(const member *m)
{
    return m->kind == KIND_WILD && m->index >= WILD - FRAGILE;
}

static const char *group_of(const member *m)
{
    switch (m->kind) {
    case KIND_NATIVE: return "parts";
    case KIND_CALM: return m->index < CALM / 2 ? "pipeline" : "together";
    case KIND_WILD: return world_may_be_down(m) ? "fragile" : "wild";
    case KIND_MANY:
    case KIND_VISITOR: break;
    }
    return NULL;
}

static const char *const everybody[] = {"#"};
static const char *const others[] = {"guest.*", "native.*", "many.*", "visitor.*"};
static const char *const topics[] = {"news.#"};
static const ward_grants talkative = {.send = {others, 4, NULL, 0},
                                      .called_by = {everybody, 1, NULL, 0},
                                      .publish = {topics, 1, NULL, 0},
                                      .subscribe = {topics, 1, NULL, 0},
                                      .list = {everybody, 1, NULL, 0}};

static ward_child_options options_of(const member *m)
{
    unsigned i = (unsigned)m->index;
    ward_child_options own = WARD_INIT(ward_child_options);
    own.group = group_of(m);
    own.interval_ns = i % 4 == 3 ? 3600 * SECOND : (20 + i) * MS; /* or nothing else wakes it */
    own.fall = 1;
    own.backoff = backoff_of(world_may_be_down(m));
    own.mailbox_max = 4u << i % 5;
    own.mailbox_full = (ward_mailbox_full)(i % 4);
    own.mailbox_block_ns = 20 * MS;
    own.restart_with_needs = i % 3 == 0;
    own.shutdown = i % 5 == 4 ? WARD_SHUTDOWN_IMMEDIATE : WARD_SHUTDOWN_GRACEFUL;
    own.shutdown_timeout_ns = 100 * MS;
    if (m->kind == KIND_NATIVE) return own;
    own.message_timeout_ns = 100 * MS;
    own.poison_after = 1 + i % 3;
    own.grants = m->kind != KIND_CALM ? &talkative : NULL;
    return own;
}

static const char *actor;

static ward_error add(const member *m, const char *name, uint32_t instances, ward_diag *diag)
{
    const char *needs[1];
    ward_child_options own = options_of(m);
    ward_component_options component = WARD_INIT(ward_component_options);
    ward_native_options native = WARD_INIT(ward_native_options);
    if (need_of(m) != NULL) needs[own.need_count++] = need_of(m)->name;
    own.needs = needs;
    own.instances = instances;
    if (m->kind == KIND_NATIVE) {
        native.name = name;
        native.context = (void *)(uintptr_t)m;
        native.start = native_start;
        native.stop = native_stop;
        native.handle = native_handle;
        own.native = &native;
    } else {
        component.name = name;
        component.path = actor;
        component.health.timeout_ns = 100 * MS;
        component.health.on_trap = WARD_FALLBACK_FAILED;
        own.component = &component;
    }
    return ward_supervisor_add(supervisor, &own, diag);
}

void world_add(const char *actor_path)
{
    actor = actor_path;
    name_members();
    for (int i = 0; i < GROUPS; i++) add_group(i);
    for (size_t i = 0; i < MEMBERS; i++) {
        const member *m = &members[i];
        ward_diag diag = {0};
        if (m->kind == KIND_MANY && m->index == 0)
            must_add(add(m, "many", MANY, &diag), &diag, "many");
        if (m->kind != KIND_MANY) must_add(add(m, m->name, 1, &diag), &diag, m->name);
    }
}

void visitor_add(member *m)
{
    ward_diag diag = {0};
    ward_error error = add(m, m->name, 1, &diag);
    if (error != WARD_OK && error != WARD_ERROR_DUPLICATE)
        soak_fail("adding %s: %s", m->name, diag.text);
}

/* ---- what is told ---- */

static bool by_itself(ward_cause cause)
{
    return cause == WARD_CAUSE_CRASH || cause == WARD_CAUSE_HANG || cause == WARD_CAUSE_HEALTH ||
           cause == WARD_CAUSE_EXIT || cause == WARD_CAUSE_START;
}

static void on_state(member *m, const ward_event *event)
{
    bool anew = m->kind == KIND_VISITOR && event->from_state == WARD_STATE_CREATING;
    if (anew) m->ends = 0;
    if (!anew && event->from_state != m->state)
        soak_fail("%s goes from %s to %s, and was %s", m->name, ward_state_name(event->from_state),
                  ward_state_name(event->state), ward_state_name(m->state));
    m->state = event->state;
}

void on_event(void *context, const ward_event *event)
{
    static uint64_t last;
    (void)context;
    if (event->sequence != last + 1)
        soak_fail("event %llu came after %llu", (unsigned long long)event->sequence,
                  (unsigned long long)last);
    last = event->sequence;
    atomic_fetch_add(&total.events, 1);
    if (event->kind == WARD_EVENT_GIVEN_UP) atomic_fetch_add(&total.given_up, 1);
    if (event->kind == WARD_EVENT_SET_ASIDE) atomic_fetch_add(&total.set_aside, 1);
    member *m = member_named(event->component);
    if (m != NULL && event->kind == WARD_EVENT_STATE) on_state(m, event);
    if (m == NULL || event->kind != WARD_EVENT_RESTART) return;
    if (event->cause == WARD_CAUSE_NONE) soak_fail("%s is restarted for no cause", m->name);
    if (by_itself(event->cause)) m->ends++;
    atomic_fetch_add(&total.restarts, 1);
}

/* ---- the counts ---- */

static bool counts_of(const member *m, ward_message_counts *ret_counts)
{
    *ret_counts = (ward_message_counts){.size = sizeof *ret_counts};
    ward_error error = ward_supervisor_message_counts(supervisor, m->name, ret_counts);
    if (error != WARD_OK && m->kind != KIND_VISITOR) soak_fail("%s has no counts", m->name);
    return error == WARD_OK;
}

static uint64_t gone(const ward_message_counts *c)
{
    return c->handled + c->refused + c->dropped + c->expired + c->undelivered + c->set_aside;
}

/* Each counter only grows, so what was sent by the first look has gone by the second, or is in the
 * mailbox: two lanes and a guest's answers; or in the hands of a thread. */
void world_check_running(const member *m)
{
    enum { UNDER_WAY = 2 * MAILBOX_MAX + 64 };
    ward_message_counts first, second;
    if (m->kind == KIND_VISITOR) return; /* the two may be of different lives */
    counts_of(m, &first);
    counts_of(m, &second);
    if (first.sent > gone(&second) + UNDER_WAY || gone(&first) > second.sent + UNDER_WAY ||
        first.handled > second.sent + UNDER_WAY)
        soak_fail("%s: %llu sent, %llu handled, %llu gone; then %llu sent, %llu gone", m->name,
                  (unsigned long long)first.sent, (unsigned long long)first.handled,
                  (unsigned long long)gone(&first), (unsigned long long)second.sent,
                  (unsigned long long)gone(&second));
}

static void describe(const member *m, char *text, size_t capacity)
{
    ward_message_counts c;
    ward_child_status s = WARD_INIT(ward_child_status);
    if (!counts_of(m, &c) || ward_supervisor_child(supervisor, m->name, &s) != WARD_OK) return;
    snprintf(text, capacity,
             "%s is %s, %s%s(%s); sent %llu = handled %llu + refused %llu + dropped %llu + expired "
             "%llu + undelivered %llu + set aside %llu + pending %llu; threads sent %llu, were "
             "refused %llu",
             m->name, ward_state_name(s.state), s.ready ? "ready " : "not ready ",
             s.given_up ? "given up " : "", s.reason.text, (unsigned long long)c.sent,
             (unsigned long long)c.handled, (unsigned long long)c.refused,
             (unsigned long long)c.dropped, (unsigned long long)c.expired,
             (unsigned long long)c.undelivered, (unsigned long long)c.set_aside,
             (unsigned long long)c.pending, (unsigned long long)atomic_load(&m->sent),
             (unsigned long long)atomic_load(&m->refused));
}

static bool counts_agree(const member *m)
{
    ward_message_counts c;
    if (!counts_of(m, &c)) return true;
    if (c.pending != 0 || c.sent != gone(&c)) return false;
    if (m->kind != KIND_CALM) return true;
    return c.sent == atomic_load(&m->sent) && c.refused == atomic_load(&m->refused);
}

/* ---- coming to rest ---- */

typedef bool (*condition)(const member *m);

static bool status_of(const member *m, ward_child_status *ret_status)
{
    *ret_status = (ward_child_status)WARD_INIT(ward_child_status);
    return ward_supervisor_child(supervisor, m->name, ret_status) == WARD_OK;
}

static bool is_ready(const member *m)
{
    ward_child_status status;
    return !status_of(m, &status) || status.ready;
}

static bool is_given_up(const member *m)
{
    ward_child_status status;
    return status_of(m, &status) && status.given_up;
}

/* Ready, given up, or waiting for what is. */
static bool is_settled(const member *m)
{
    for (const member *at = m; at != NULL; at = need_of(at))
        if (is_given_up(at)) return true;
    return is_ready(m);
}

static bool is_left_alone(const member *m)
{
    (void)m;
    return load_has_ended();
}

static bool is_at_rest(const member *m)
{
    return is_ready(m) && counts_agree(m);
}

/* Asks again each time: a message that still waits may end one once more. */
static void ask_all(ward_request request, bool of_given_up)
{
    for (int i = 0; i < GROUPS; i++) {
        ward_group_status status = WARD_INIT(ward_group_status);
        if (ward_supervisor_group(supervisor, groups[i], &status) != WARD_OK)
            soak_fail("there is no group %s", groups[i]);
        if ((status.given_up == status.children) == of_given_up)
            ward_supervisor_ask(supervisor, groups[i], request, NULL);
    }
    for (size_t i = 0; i < MEMBERS; i++)
        if (is_given_up(&members[i]) == of_given_up && (of_given_up || !is_ready(&members[i])))
            ward_supervisor_ask(supervisor, members[i].name, request, NULL);
}

static const member *first_not(condition holds)
{
    for (size_t i = 0; i < MEMBERS; i++)
        if (!holds(&members[i])) return &members[i];
    return NULL;
}

static void wait_until_all(condition hold, const char *what, bool release)
{
    char text[1024] = "";
    doing(THREAD_MAIN, "waits until all are", what);
    uint64_t deadline_ns = now_ns() + PATIENCE_NS;
    for (int i = 0;; i++) {
        const member *culprit = first_not(hold);
        if (culprit == NULL) break;
        describe(culprit, text, sizeof text);
        if (now_ns() > deadline_ns) soak_fail("not %s in time: %s", what, text);
        if (i % 16 == 0) ask_all(WARD_REQUEST_START, false);
        if (i % 16 == 8 && release) ask_all(WARD_REQUEST_RELEASE, true);
        sleep_ns(5 * MS);
    }
    doing(THREAD_MAIN, NULL, NULL);
}

static void check_evidence(const member *m)
{
    static ward_evidence evidence;
    evidence = (ward_evidence){.size = sizeof evidence};
    if (m->ends == 0) return;
    ward_error error = ward_supervisor_evidence(supervisor, m->name, &evidence);
    if (error == WARD_ERROR_NOT_FOUND && m->kind == KIND_VISITOR) return; /* it has left */
    if (error != WARD_OK) soak_fail("%s has ended, and left no evidence", m->name);
    bool fits = strcmp(evidence.component, m->name) == 0 && evidence.cause != WARD_CAUSE_NONE;
    if (!fits || evidence.number < m->ends)
        soak_fail("%s has ended %llu times, and the evidence is number %llu of %s, %s", m->name,
                  (unsigned long long)m->ends, (unsigned long long)evidence.number,
                  evidence.component, ward_cause_name(evidence.cause));
}

const char *world_last_end(const member *m)
{
    static _Thread_local ward_evidence evidence;
    evidence = (ward_evidence){.size = sizeof evidence};
    ward_error error = ward_supervisor_evidence(supervisor, m->name, &evidence);
    return error == WARD_OK ? evidence.reason.text : ward_error_name(error);
}

/* What it was last told may still make it ill, at its next check; then it is called again. */
static bool answers(member *m)
{
    uint8_t answer[1];
    size_t length = 0;
    ward_child_id id;
    if (ward_supervisor_find(supervisor, m->name, &id) != WARD_OK) return true;
    ward_error error = ward_supervisor_request(supervisor, id, (const uint8_t *)"h", 1, answer,
                                               sizeof answer, &length, PATIENCE_NS);
    atomic_fetch_add(&m->sent, 1);
    bool fits = length == 1 && answer[0] == 'h';
    if (error == WARD_OK ? !fits : error != WARD_ERROR_INTERRUPTED && error != WARD_ERROR_DEADLINE)
        soak_fail("%s is called, and answers %s", m->name, ward_error_name(error));
    return error == WARD_OK;
}

static void call_everybody(void)
{
    for (size_t i = 0; i < MEMBERS; i++) {
        doing(THREAD_MAIN, "calls", members[i].name);
        while (!answers(&members[i])) {}
    }
    doing(THREAD_MAIN, NULL, NULL);
}

static int there(void)
{
    int count = 0;
    ward_child_status status;
    for (size_t i = 0; i < MEMBERS; i++) count += status_of(&members[i], &status);
    return count;
}

/* Everybody answers, once. Whether that was a message is the sweep's to say: the counts begin anew
 * from here. */
static void sweep(void)
{
    ward_sweep_options own = WARD_INIT(ward_sweep_options);
    ward_sweep_result result = WARD_INIT(ward_sweep_result);
    own.timeout_ns = PATIENCE_NS;
    doing(THREAD_MAIN, "asks for the health of", "all");
    ward_error error = ward_supervisor_sweep(supervisor, &own, &result);
    uint64_t answered = result.by_health[WARD_HEALTH_HEALTHY] +
                        result.by_health[WARD_HEALTH_DEGRADED] +
                        result.by_health[WARD_HEALTH_UNHEALTHY];
    if (error != WARD_OK || answered != (uint64_t)there())
        soak_fail("a sweep: %s, and %llu of %d answer", ward_error_name(error),
                  (unsigned long long)answered, there());
    for (size_t i = 0; i < MEMBERS; i++) {
        ward_message_counts c;
        if (counts_of(&members[i], &c)) atomic_store(&members[i].sent, c.sent);
    }
}

void world_rest(void)
{
    wait_until_all(is_settled, "ready, or given up", false);
    wait_until_all(is_left_alone, "left alone by the load", true);
    wait_until_all(is_at_rest, "at rest", true);
    call_everybody();
    wait_until_all(is_at_rest, "at rest again", true);
    sweep();
    for (size_t i = 0; i < MEMBERS; i++) check_evidence(&members[i]);
}

void world_check_stopped(void)
{
    for (size_t i = 0; i < MEMBERS; i++)
        if (atomic_load(&members[i].started) != 0)
            soak_fail("%s was started and not stopped", members[i].name);
}
