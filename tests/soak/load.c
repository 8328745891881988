/* What the threads of a round do: each its own kind of harm. */
#include "soak.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

static atomic_bool over;

typedef struct loader {
    int index;
    chance chance;
    uint64_t number; /* of its requests: each has bytes of its own */
    unsigned pause;  /* an operator's, at most, in ms: some rounds are wilder than others */
} loader;

/* ---- what is sent ---- */

typedef struct letter {
    uint8_t bytes[BYTES_MAX];
    size_t length;
    char what;
} letter;

static member *anybody(chance *c)
{
    return &members[below(c, MEMBERS)];
}

/* Not a calm one: nobody writes to these but threads. */
static const member *correspondent(chance *c)
{
    return &members[CALM + below(c, MEMBERS - CALM)];
}

static char draw_what(chance *c)
{
    static const char harmless[] = "srqcpdzgk", deadly[] = "ttttwxnuvlZ";
    unsigned fate = below(c, 1000);
    if (fate < 25) return deadly[below(c, sizeof deadly - 1)];
    return fate < 400 ? harmless[below(c, sizeof harmless - 1)] : 'h';
}

static bool ends_by_trap(char what)
{
    return what == 't' || what == 'w' || what == 'n' || what == 'd';
}

/* What has stopped itself nobody starts again before the round ends, as what is given up. */
static char what_for(loader *l, const member *to)
{
    bool may_stop = world_may_be_down(to) && below(&l->chance, 50) == 0;
    return may_stop ? 'o' : draw_what(&l->chance);
}

static letter letter_of(loader *l, char what)
{
    letter drawn = {.what = what};
    char *text = (char *)drawn.bytes;
    const char *topics[] = {"news.today", "news.x.y", "gossip"};
    const char *whom = what == 'p' ? topics[below(&l->chance, 3)] : correspondent(&l->chance)->name;
    int length = what == 'h' ? snprintf(text, BYTES_MAX, "h%d.%llu", l->index,
                                        (unsigned long long)++l->number)
                             : snprintf(text, BYTES_MAX, "%c%s", what, whom);
    drawn.length = (size_t)length;
    return drawn;
}

/* ---- sending ---- */

static bool is_refusal(ward_error error)
{
    return error == WARD_ERROR_MAILBOX_FULL || error == WARD_ERROR_MAILBOX_TIMEOUT ||
           error == WARD_ERROR_ACTOR_GONE;
}

static void note(member *to, ward_error error)
{
    atomic_fetch_add(&to->sent, 1);
    if (!is_refusal(error)) return;
    atomic_fetch_add(&to->refused, 1);
    atomic_fetch_add(&total.refused, 1);
}

/* A reply that does not come in all that time is lost. */
static bool may_come_back(ward_error error, const letter *sent, const member *to,
                          uint64_t timeout_ns)
{
    switch (error) {
    case WARD_OK: return true;
    case WARD_ERROR_TRAP: return ends_by_trap(sent->what);
    case WARD_ERROR_EXIT: return sent->what == 'x' || sent->what == 'd';
    case WARD_ERROR_DEADLINE: /* the machine may be slow */
    case WARD_ERROR_INTERRUPTED:
    case WARD_ERROR_MESSAGE_DROPPED: return true;
    case WARD_ERROR_REPLY_TIMEOUT:
    case WARD_ERROR_MESSAGE_EXPIRED: return timeout_ns < PATIENCE_NS;
    case WARD_ERROR_UNDELIVERED: return to->kind == KIND_VISITOR;
    default: return is_refusal(error);
    }
}

static bool ends_always(char what)
{
    return strchr("twxnlZ", what) != NULL;
}

/* Every answer is the request's own bytes, but for one that was deferred. */
static bool is_answer_to(const letter *sent, const uint8_t *bytes, size_t length, const member *to)
{
    if (sent->what == 'd' && length == 4 && memcmp(bytes, "late", 4) == 0) return true;
    if (to->kind != KIND_NATIVE && ends_always(sent->what)) return false;
    return length == sent->length && memcmp(bytes, sent->bytes, length) == 0;
}

static uint64_t draw_timeout_ns(loader *l, const member *to, char what)
{
    static const uint64_t timeouts_ns[] = {MS, 5 * MS, 20 * MS, 100 * MS, PATIENCE_NS, PATIENCE_NS};
    bool may_never_come = what == 'd' || world_may_be_down(to);
    return timeouts_ns[below(&l->chance, may_never_come ? 4 : 6)];
}

static void expect_outcome(const letter *sent, const member *to, ward_error error,
                           uint64_t timeout_ns, const uint8_t *answer, size_t length)
{
    if (!may_come_back(error, sent, to, timeout_ns))
        soak_fail("%s answers \"%s\" with %s (its last end: %s)", to->name,
                  (const char *)sent->bytes, ward_error_name(error), world_last_end(to));
    if (error == WARD_OK && !is_answer_to(sent, answer, length, to))
        soak_fail("%s answers \"%s\" with \"%.*s\"", to->name, (const char *)sent->bytes,
                  (int)length, (const char *)answer);
}

/* True: it was answered. */
static bool request(loader *l, member *to, ward_child_id id)
{
    uint8_t answer[BYTES_MAX];
    size_t length = 0;
    letter sent = letter_of(l, what_for(l, to));
    uint64_t timeout_ns = draw_timeout_ns(l, to, sent.what);
    doing(l->index, "asks", to->name);
    ward_error error = ward_supervisor_request(supervisor, id, sent.bytes, sent.length, answer,
                                               sizeof answer, &length, timeout_ns);
    note(to, error);
    atomic_fetch_add(&total.requests, 1);
    atomic_fetch_add(error == WARD_OK ? &total.answers : &total.errors, 1);
    expect_outcome(&sent, to, error, timeout_ns, answer, length);
    return error == WARD_OK;
}

/* Some, one after the other, unless it does not answer. */
static void ask(loader *l, member *to)
{
    ward_child_id id;
    if (ward_supervisor_find(supervisor, to->name, &id) != WARD_OK) return;
    for (unsigned left = 1 + below(&l->chance, 100); left != 0 && request(l, to, id);) left--;
}

static void flood(loader *l, member *to)
{
    ward_child_id id;
    if (ward_supervisor_find(supervisor, to->name, &id) != WARD_OK) return;
    doing(l->index, "floods", to->name);
    letter sent = letter_of(l, 'h');
    uint64_t end_ns = now_ns() + 100 * MS;
    for (unsigned left = 1 + below(&l->chance, 3000); left != 0 && now_ns() < end_ns; left--) {
        if (left % 512 == 0) sent = letter_of(l, what_for(l, to));
        note(to, ward_supervisor_send(supervisor, id, sent.bytes, sent.length));
        atomic_fetch_add(&total.sends, 1);
    }
}

static void publish(loader *l)
{
    static const char *const topics[] = {"news.today", "news.x.y", "gossip"};
    ward_diag diag = {0};
    size_t count = 0;
    doing(l->index, "publishes", "");
    letter sent = letter_of(l, 'h');
    ward_error error = ward_supervisor_publish(supervisor, topics[below(&l->chance, 3)], sent.bytes,
                                               sent.length, &count, &diag);
    if (error != WARD_OK) soak_fail("publishing: %s", diag.text);
    if (count > MEMBERS) soak_fail("%zu have heard of it, and only %d are there", count, MEMBERS);
}

static void subscribe(loader *l)
{
    static const char *const patterns[] = {"news.#", "news.*", "gossip", "#"};
    ward_child_id id;
    const char *pattern = patterns[below(&l->chance, 4)];
    const member *who = correspondent(&l->chance);
    if (ward_supervisor_find(supervisor, who->name, &id) != WARD_OK) return;
    doing(l->index, "subscribes", who->name);
    if (below(&l->chance, 2) == 0)
        ward_supervisor_subscribe(supervisor, id, pattern, NULL);
    else
        ward_supervisor_unsubscribe(supervisor, id, pattern);
}

/* Counted like any message, whoever answers: the child, or what can be told of it from outside. */
static void ask_health(loader *l)
{
    member *to = anybody(&l->chance);
    ward_child_id id;
    ward_report report;
    if (ward_supervisor_find(supervisor, to->name, &id) != WARD_OK) return;
    doing(l->index, "asks for the health of", to->name);
    ward_error error = ward_supervisor_health(supervisor, id, SECOND, &report);
    note(to, error);
    bool fine = error == WARD_OK || error == WARD_ERROR_REPLY_TIMEOUT ||
                error == WARD_ERROR_MESSAGE_EXPIRED || error == WARD_ERROR_UNDELIVERED ||
                is_refusal(error);
    if (!fine) soak_fail("the health of %s: %s", to->name, ward_error_name(error));
}

static void invoke(loader *l, member *to)
{
    const ward_value args[] = {{WARD_I32, {.i32 = 40}}, {WARD_I32, {.i32 = 2}}};
    ward_value result;
    size_t count = 1;
    ward_child_id id;
    if (ward_supervisor_find(supervisor, to->name, &id) != WARD_OK) return;
    doing(l->index, "invokes", to->name);
    ward_error error =
        ward_supervisor_invoke(supervisor, id, "add", args, 2, &result, &count, 500 * MS);
    note(to, error);
    if (error == WARD_OK && (to->kind == KIND_NATIVE || result.of.i32 != 42))
        soak_fail("%s adds 40 and 2, and has %d", to->name, result.of.i32);
}

/* ---- asking of the tree ---- */

static void operate(loader *l)
{
    static const ward_request often[] = {
        WARD_REQUEST_STOP,    WARD_REQUEST_QUARANTINE, WARD_REQUEST_RESTART, WARD_REQUEST_RESTART,
        WARD_REQUEST_RELEASE, WARD_REQUEST_RELEASE,    WARD_REQUEST_START,   WARD_REQUEST_START};
    static const char *const whole[] = {"parts",   "pipeline", "together", "wild",
                                        "fragile", "many",     "fragile",  "fragile"};
    member *m = anybody(&l->chance);
    bool of_group = below(&l->chance, 8) == 0;
    const char *name = of_group ? whole[below(&l->chance, 8)] : m->name;
    unsigned which = below(&l->chance, 8);
    ward_request request = often[which];
    doing(l->index, "asks something of", name);
    if (m->kind == KIND_VISITOR && below(&l->chance, 2) == 0)
        visitor_add(m);
    else if (m->kind == KIND_VISITOR && !of_group)
        ward_supervisor_ask(supervisor, name, WARD_REQUEST_REMOVE, NULL);
    else
        ward_supervisor_ask(supervisor, name, request, NULL);
    atomic_fetch_add(&total.asked, 1);
    sleep_ns(below(&l->chance, l->pause) * MS);
    if (which < 2)
        ward_supervisor_ask(supervisor, name,
                            which == 0 ? WARD_REQUEST_START : WARD_REQUEST_RELEASE, NULL);
}

static void look(loader *l)
{
    static ward_evidence evidence; /* one thread looks */
    ward_set_aside aside[WARD_SET_ASIDE_KEPT];
    size_t count = WARD_SET_ASIDE_KEPT;
    const member *m = anybody(&l->chance);
    ward_child_status status = WARD_INIT(ward_child_status);
    ward_group_status group = WARD_INIT(ward_group_status);
    doing(l->index, "looks at", m->name);
    world_check_running(m);
    evidence = (ward_evidence){.size = sizeof evidence};
    ward_supervisor_child(supervisor, m->name, &status);
    ward_supervisor_evidence(supervisor, m->name, &evidence);
    ward_supervisor_set_aside(supervisor, m->name, aside, &count);
    ward_supervisor_group(supervisor, "wild", &group);
    if (group.children != group.healthy + group.degraded + group.failed)
        soak_fail("wild: %u children, %u healthy, %u degraded, %u failed", group.children,
                  group.healthy, group.degraded, group.failed);
    sleep_ns(MS);
}

/* ---- the threads ---- */

static void act(loader *l)
{
    switch (l->index) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4: ask(l, anybody(&l->chance)); return;
    case 5:
        flood(l, anybody(&l->chance));
        sleep_ns(below(&l->chance, 20) * MS);
        return;
    case 6:
        if (below(&l->chance, 4) == 0) subscribe(l);
        publish(l);
        invoke(l, anybody(&l->chance));
        ask_health(l);
        return;
    case 7: operate(l); return;
    default: look(l); return;
    }
}

static loader loaders[LOADERS];
static pthread_t threads[LOADERS];
static atomic_int running;

static void *load(void *argument)
{
    loader *l = argument;
    while (!atomic_load(&over)) act(l);
    doing(l->index, NULL, NULL);
    atomic_fetch_sub(&running, 1);
    return NULL;
}

void load_begin(uint64_t seed)
{
    chance c = {seed};
    atomic_store(&over, false);
    atomic_store(&running, LOADERS);
    for (int i = 0; i < LOADERS; i++) {
        loaders[i].index = i;
        loaders[i].chance = (chance){draw(&c)};
        loaders[i].pause = 1 + below(&c, 50);
        if (pthread_create(&threads[i], NULL, load, &loaders[i]) != 0) soak_fail("no thread");
    }
}

void load_end(void)
{
    atomic_store(&over, true);
}

bool load_has_ended(void)
{
    return atomic_load(&running) == 0;
}

void load_join(void)
{
    for (int i = 0; i < LOADERS; i++) pthread_join(threads[i], NULL);
}
