/* What guests do: each draws its deeds from the seed. */
#include <stdio.h>
#include <string.h>

#include "host/guest.h"
#include "sim/world.h"

/* Where what lies in a guest's memory. */
enum { FRAME_AT = 16, NAME_AT = 256, LETTER_AT = 512, REPLY_AT = 768, HERE_AT = 1024 };

/* Words of a call's state. */
enum { LETTER, DEEDS, ASKED, BEGUN, BEGUN_LETTER };

/* ---- who ---- */

static member *self(const fake_guest *fake)
{
    const child *c = fake_context(fake);
    member *m = member_of(c->name);
    MUST(m->child == NULL || m->child == c, m->name);
    m->child = (child *)(uintptr_t)c;
    return m;
}

static int32_t number_of(const member *m)
{
    int32_t i = (int32_t)(m - the_world->members);
    return i < SENDERS_MAX ? i : -1;
}

static ward_error ends(fake_guest *fake, ward_error error, uint64_t timeout_ns, ward_trap *trap)
{
    if (error == WARD_ERROR_DEADLINE) sim_clock_pass(timeout_ns);
    fake->cause = ward_error_text(error);
    fake->exit_code = 3;
    return fake_end(fake, error, trap);
}

/* WARD_OK, mostly. */
static ward_error bad_luck(uint32_t share)
{
    static const ward_error how[] = {WARD_ERROR_TRAP, WARD_ERROR_TRAP, WARD_ERROR_DEADLINE,
                                     WARD_ERROR_EXIT, WARD_ERROR_FUEL};
    return fault(share) ? how[below(WARD_COUNT(how))] : WARD_OK;
}

static ward_error run_plain(fake_guest *fake, const wardi_value *args, wardi_value *results,
                            uint64_t timeout_ns, ward_trap *trap)
{
    (void)args, (void)results;
    sim_clock_pass(below(fault(200) ? 400 * WARDI_MS : WARDI_MS));
    ward_error error = bad_luck(100);
    return error == WARD_OK ? error : ends(fake, error, timeout_ns, trap);
}

static ward_error run_alloc(fake_guest *fake, const wardi_value *args, wardi_value *results,
                            uint64_t timeout_ns, ward_trap *trap)
{
    (void)fake, (void)timeout_ns, (void)trap;
    MUST(args[0].bits <= 128, "a letter");
    results[0].bits = HERE_AT;
    return WARD_OK;
}

/* ---- health ---- */

static int mood_next(member *m)
{
    if (the_world->calm)
        m->mood = WARD_HEALTH_HEALTHY;
    else if (once_in(12))
        m->mood = (int)below(WARD_HEALTH_COUNT);
    return m->mood;
}

static ward_error run_health(fake_guest *fake, const wardi_value *args, wardi_value *results,
                             uint64_t timeout_ns, ward_trap *trap)
{
    (void)args;
    member *m = self(fake);
    MUST(!m->inside, m->name);
    sim_clock_pass(below(100 * WARDI_US));
    ward_error error = bad_luck(20);
    if (error != WARD_OK) return ends(fake, error, timeout_ns, trap);
    const uint8_t frame[] = {0x81, 0x0e, (uint8_t)mood_next(m), 3, 0, 0, 0, 's', 'i', 'm'};
    results[0].bits = m->mood == WARD_HEALTH_HEALTHY ? 0 : FRAME_AT;
    memcpy(fake->memory + FRAME_AT, frame, sizeof frame);
    return WARD_OK;
}

/* ---- deeds ---- */

typedef struct deed {
    fake_guest *fake;
    member *self;
    uint64_t *state;
    ward_error end; /* of the guest: it broke the contract */
    bool waits;
} deed;

static wardi_raw u32(uint64_t value)
{
    return (wardi_raw){.u64 = value & UINT32_MAX};
}

static wardi_raw u64(uint64_t value)
{
    return (wardi_raw){.u64 = value};
}

/* Calls `ward.name`. 0 as well when there is no answer: `d` says why. */
static int64_t call(deed *d, const char *name, const wardi_raw *args, size_t count)
{
    wardi_raw result = {0};
    wardi_answer answer = fake_import(d->fake, "ward", name, args, count, &result);
    if (answer == WARDI_WAITS) d->waits = true;
    if (answer == WARDI_ENDS) d->end = WARD_ERROR_TRAP;
    return result.i64;
}

static uint32_t put(deed *d, uint32_t at, const char *text)
{
    size_t length = strlen(text);
    memcpy(d->fake->memory + at, text, length);
    return (uint32_t)length;
}

static int32_t find_name(deed *d, const char *name)
{
    uint32_t length = put(d, NAME_AT, name);
    wardi_raw args[] = {u32(NAME_AT), u32(length)};
    return (int32_t)call(d, "find", args, 2);
}

static int32_t find(deed *d, const member *other)
{
    return find_name(d, other->name);
}

static member *anybody(void)
{
    return &the_world->members[below(the_world->member_count)];
}

static ward_error error_of(int64_t code)
{
    switch (code) {
    case GUEST_FULL: return WARD_ERROR_MAILBOX_FULL;
    case GUEST_GONE: return WARD_ERROR_ACTOR_GONE;
    case GUEST_TIMEOUT: return WARD_ERROR_REPLY_TIMEOUT;
    case GUEST_FAILED: return WARD_ERROR_TRAP;
    case GUEST_UNANSWERED: return WARD_ERROR_UNANSWERED;
    case GUEST_NO_MEMORY: return WARD_ERROR_NO_MEMORY;
    case GUEST_DROPPED: return WARD_ERROR_MESSAGE_DROPPED;
    default: return code >= 0 ? WARD_OK : WARD_ERROR_STATE;
    }
}

static void do_send(deed *d)
{
    const member *to = anybody();
    int32_t from = number_of(d->self);
    int32_t handle = from >= 0 ? find(d, to) : -1;
    uint32_t number = handle >= 0 ? letter_new(from, (int32_t)(to - the_world->members), false) : 0;
    if (number == 0) return;
    uint32_t length = letter_write(number, d->fake->memory + LETTER_AT);
    wardi_raw args[] = {u32((uint32_t)handle), u32(LETTER_AT), u32(length)};
    letter_sent(number, error_of((int32_t)call(d, "send", args, 3)));
}

/* To one of many, whoever that is. */
static void do_send_to_many(deed *d)
{
    const world *w = the_world;
    int32_t from = number_of(d->self);
    if (w->group_count == 0 || from < 0) return;
    const sim_group *g = &w->groups[below(w->group_count)];
    int32_t handle = find_name(d, g->name);
    MUST(handle < 0 || g->many, g->name);
    uint32_t number = handle >= 0 ? letter_new(from, ANYBODY, false) : 0;
    if (number == 0) return;
    uint32_t length = letter_write(number, d->fake->memory + LETTER_AT);
    wardi_raw args[] = {u32((uint32_t)handle), u32(LETTER_AT), u32(length)};
    MUST((int32_t)call(d, "send", args, 3) != GUEST_GONE, g->name);
}

/* To itself it needs nobody's grant. */
static void do_send_after(deed *d)
{
    int32_t from = number_of(d->self);
    const member *to = once_in(2) ? d->self : anybody();
    uint64_t delay_ns = below(once_in(8) ? 3600 * WARDI_S : 40 * WARDI_MS);
    int32_t handle = from < 0 ? -1 : to == d->self ? (int32_t)GUEST_SELF : find(d, to);
    uint32_t number = handle >= 0 ? letter_new(from, (int32_t)(to - the_world->members), false) : 0;
    if (number == 0) return;
    uint32_t length = letter_write(number, d->fake->memory + LETTER_AT);
    wardi_raw args[] = {u64(delay_ns), u32((uint32_t)handle), u32(LETTER_AT), u32(length)};
    letter_later(number, wardi_now_ns() + delay_ns);
    int64_t timer = call(d, "send_after", args, 4);
    MUST(timer > 0 || timer == GUEST_LIMIT || timer == GUEST_NO_MEMORY, d->self->name);
    if (timer <= 0) {
        letter_never(number);
        return;
    }
    size_t slot = below(TIMERS_KEPT);
    d->self->timers[slot].timer = (uint64_t)timer;
    d->self->timers[slot].letter = number;
}

static void do_cancel_timer(deed *d)
{
    size_t slot = below(TIMERS_KEPT);
    wardi_raw arg = u64(d->self->timers[slot].timer);
    bool was = (int32_t)call(d, "cancel_timer", &arg, 1) == GUEST_OK;
    MUST(!was || arg.u64 != 0, d->self->name);
    if (was) letter_never(d->self->timers[slot].letter);
    d->self->timers[slot].timer = 0;
}

/* What came of a request: by its import's result. Its letter was sent, or never left. */
static void asked_is_over(deed *d, uint64_t number, int64_t result)
{
    if (number == 0) return;
    size_t length = result > 0 ? (size_t)result : 0;
    letter_answer((uint32_t)number, error_of(result), d->fake->memory + REPLY_AT, length);
}

static uint64_t patience(void)
{
    return (5 + below(once_in(3) ? 3000 : 80)) * WARDI_MS;
}

static uint32_t letter_to_ask(deed *d, int32_t *ret_handle)
{
    const member *to = anybody();
    int32_t from = number_of(d->self);
    *ret_handle = from >= 0 ? find(d, to) : -1;
    if (*ret_handle < 0) return 0;
    uint32_t number = letter_new(from, (int32_t)(to - the_world->members), true);
    if (number != 0) d->self->others++; /* the answer */
    return number;
}

/* A letter that was refused was never under way; one that waits was sent. */
static void do_request(deed *d)
{
    int32_t handle;
    uint32_t number = letter_to_ask(d, &handle);
    if (number == 0) return;
    uint32_t length = letter_write(number, d->fake->memory + LETTER_AT);
    wardi_raw args[] = {u32((uint32_t)handle), u32(LETTER_AT), u32(length),
                        u32(REPLY_AT),         u32(128),       u64(patience())};
    d->state[ASKED] = number;
    int64_t result = call(d, "request", args, 6);
    if (d->waits) {
        letter_sent(number, WARD_OK);
        return;
    }
    d->state[ASKED] = 0;
    if (result != GUEST_CYCLE) letter_sent(number, error_of(result));
}

static void do_begin(deed *d)
{
    int32_t handle;
    if (d->state[BEGUN] != 0) return;
    uint32_t number = letter_to_ask(d, &handle);
    if (number == 0) return;
    uint32_t length = letter_write(number, d->fake->memory + LETTER_AT);
    wardi_raw args[] = {u32((uint32_t)handle), u32(LETTER_AT), u32(length), u64(patience())};
    int64_t request = call(d, "request_begin", args, 4);
    letter_sent(number, error_of(request));
    if (request <= 0) return;
    d->state[BEGUN] = (uint64_t)request;
    d->state[BEGUN_LETTER] = number;
}

static void do_end(deed *d)
{
    uint64_t request = d->state[BEGUN];
    if (request == 0) return;
    d->state[BEGUN] = 0;
    if (once_in(4)) {
        wardi_raw arg = u64(request);
        MUST((int32_t)call(d, "request_cancel", &arg, 1) == GUEST_OK, d->self->name);
        return;
    }
    wardi_raw args[] = {u64(request), u32(REPLY_AT), u32(128)};
    d->state[ASKED] = d->state[BEGUN_LETTER];
    int64_t result = call(d, "request_end", args, 3);
    if (d->waits) return;
    if (result != GUEST_CYCLE) asked_is_over(d, d->state[ASKED], result);
    d->state[ASKED] = 0;
}

static const char *topic(void)
{
    static const char *const topics[] = {"a.b", "a.c", "a.b.c", "d"};
    return topics[below(WARD_COUNT(topics))];
}

static void do_publish(deed *d)
{
    int32_t from = number_of(d->self);
    uint32_t number = from >= 0 ? letter_new(from, ANYBODY, false) : 0;
    if (number == 0) return;
    uint32_t name = put(d, NAME_AT, topic()), length;
    length = letter_write(number, d->fake->memory + LETTER_AT);
    wardi_raw args[] = {u32(NAME_AT), u32(name), u32(LETTER_AT), u32(length)};
    call(d, "publish", args, 4);
}

static void do_subscribe(deed *d)
{
    static const char *const patterns[] = {"a.#", "*.b", "#", "d", "a.*"};
    uint32_t length = put(d, NAME_AT, patterns[below(WARD_COUNT(patterns))]);
    wardi_raw args[] = {u32(NAME_AT), u32(length)};
    d->self->subscribed = true;
    call(d, once_in(3) ? "unsubscribe" : "subscribe", args, 2);
}

static void do_defer(deed *d)
{
    member *m = d->self;
    if (m->deferred != 0) return;
    int64_t number = call(d, "defer", NULL, 0);
    if (number <= 0) return;
    m->deferred_number = (uint64_t)number;
    m->deferred = (uint32_t)d->state[LETTER];
    letter_fate(m->deferred, FATE_DEFERRED);
}

static void do_reply(deed *d)
{
    member *m = d->self;
    if (m->deferred == 0) return;
    uint64_t wide = m->deferred;
    memcpy(d->fake->memory + LETTER_AT, &wide, sizeof wide);
    wardi_raw args[] = {u64(m->deferred_number), u32(LETTER_AT), u32(8)};
    letter_fate(m->deferred, FATE_ANSWERED);
    m->deferred = 0;
    MUST((int32_t)call(d, "reply", args, 3) == GUEST_OK, m->name);
}

static void do_sleep(deed *d)
{
    wardi_raw arg = u64(below(30 * WARDI_MS));
    call(d, "sleep", &arg, 1);
}

static void do_log(deed *d)
{
    uint32_t length = put(d, NAME_AT, "line");
    wardi_raw args[] = {u32(3), u32(NAME_AT), u32(length), u32(NAME_AT), u32(0)};
    call(d, "log", args, 5);
}

/* Outside its memory: the contract's breach. */
static void do_breach(deed *d)
{
    wardi_raw args[] = {u32(UINT32_MAX - 3), u32(16)};
    if (fault(100)) call(d, "find", args, 2);
}

static void do_stop(deed *d)
{
    if (!fault(50)) return;
    d->self->excused = true;
    call(d, "stop", NULL, 0);
}

/* Another thread's, while this guest runs. */
static void do_operate(deed *d)
{
    (void)d;
    if (once_in(4)) operator_asks();
}

static void do_next(deed *d)
{
    static void (*const deeds[])(deed *) = {
        do_send,       do_send,       do_request,      do_request,     do_begin,
        do_end,        do_publish,    do_subscribe,    do_defer,       do_reply,
        do_sleep,      do_log,        do_breach,       do_operate,     do_stop,
        do_send_after, do_send_after, do_cancel_timer, do_send_to_many};
    deeds[below(WARD_COUNT(deeds))](d);
}

/* ---- a letter ---- */

static void begin(deed *d, const wardi_value *args)
{
    uint32_t number = letter_read(d->fake->memory + args[0].bits, args[1].bits);
    d->state[LETTER] = number;
    d->state[DEEDS] = the_world->calm ? 0 : below(4);
    letter_enter(d->self, number);
    sim_clock_pass(below(2 * WARDI_MS));
}

static ward_error run_letter(fake_guest *fake, const wardi_value *args, wardi_value *results,
                             uint64_t timeout_ns, ward_trap *trap)
{
    wardi_raw answer;
    deed d = {.fake = fake, .self = self(fake), .state = fake_call_state(fake)};
    MUST(!d.self->inside, d.self->name);
    d.self->inside = true;
    if (d.state[LETTER] == 0) begin(&d, args);
    if (fake_answer(fake, &answer)) {
        asked_is_over(&d, d.state[ASKED], answer.i64);
        d.state[ASKED] = 0;
    }
    while (!the_world->calm && d.state[DEEDS] > 0 && !d.waits && d.end == WARD_OK) {
        d.state[DEEDS]--;
        do_next(&d);
    }
    d.self->inside = false;
    if (d.waits) return FAKE_WAITS;
    ward_error error = d.end != WARD_OK ? d.end : bad_luck(60);
    if (error != WARD_OK) return ends(fake, error, timeout_ns, trap);
    memcpy(fake->memory + LETTER_AT, &d.state[LETTER], 8);
    results[0].bits = UINT64_C(8) << 32 | LETTER_AT;
    return WARD_OK;
}

/* However it ended, inside or while it waited. */
static void call_over(fake_guest *fake, const char *export_name, ward_error error)
{
    uint64_t number = fake_call_state(fake)[LETTER];
    if (strcmp(export_name, "handle-message") != 0) return;
    member *m = self(fake);
    if (number != 0) letter_leave(m, (uint32_t)number, error);
}

void guest_program(fake_guest *fake, uint64_t start_timeout_ns)
{
    fake_init(fake);
    fake->waits_on = "ward.request";
    fake->over = call_over;
    if (once_in(4)) fake->load_ns = below(start_timeout_ns + start_timeout_ns / 4);
    fake_func(fake, "_initialize", 0, NULL, run_plain);
    fake_func(fake, "_cleanup", 0, NULL, run_plain);
    fake_func(fake, "_health", 0, &fake_i32, run_health);
    fake_func(fake, "ward_alloc", 1, &fake_i32, run_alloc);
    fake_func(fake, "handle-message", 2, &fake_i64, run_letter);
    fake_func(fake, "poke", 0, NULL, run_plain);
}

/* ---- native children ---- */

static ward_error native_start(void *context, ward_diag *ret_diag)
{
    member *m = context;
    (void)ret_diag;
    MUST(!m->up && !m->inside, m->name);
    sim_clock_pass(below(WARDI_MS));
    if (fault(100)) return WARD_ERROR_IO;
    m->up = true;
    return WARD_OK;
}

static void native_stop(void *context)
{
    member *m = context;
    MUST(m->up && !m->inside, m->name);
    m->up = false;
    sim_clock_pass(below(WARDI_MS));
}

static void native_health(void *context, ward_report *ret_report)
{
    member *m = context;
    MUST(m->up && !m->inside, m->name);
    ret_report->status = (ward_health)mood_next(m);
    strcpy(ret_report->reason.text, "sim");
}

/* In its own name, from its callback. */
static void native_talks(member *m)
{
    uint8_t bytes[128];
    ward_child_id self_id, id;
    ward_supervisor *s = the_world->supervisor;
    const member *to = anybody();
    int32_t from = number_of(m);
    bool asks = once_in(2);
    if (the_world->calm || from < 0 || ward_supervisor_find(s, m->name, &self_id) != WARD_OK ||
        ward_supervisor_find(s, to->name, &id) != WARD_OK)
        return;
    uint32_t number = letter_new(from, (int32_t)(to - the_world->members), asks);
    if (number == 0) return;
    uint32_t length = letter_write(number, bytes);
    ward_error error =
        asks ? ward_supervisor_request_as(s, self_id, id, bytes, length, number, patience())
             : ward_supervisor_send_as(s, self_id, id, bytes, length);
    if (asks && error == WARD_OK) m->others++; /* the answer */
    MUST(error != WARD_ERROR_INVALID_ARGUMENT && error != WARD_ERROR_STATE, m->name);
    MUST(error != WARD_ERROR_DENIED || m->options.grants == NULL || to->options.grants == NULL,
         m->name);
    bool full = error == WARD_ERROR_WOULD_BLOCK || error == WARD_ERROR_MAILBOX_FULL;
    if (error != WARD_ERROR_DENIED) letter_sent(number, full ? WARD_ERROR_MAILBOX_FULL : error);
}

static void native_answer(void *context, uint64_t correlation, ward_error status,
                          const uint8_t *bytes, size_t length)
{
    const member *m = context;
    MUST(m->up && !m->inside, m->name);
    MUST(status == WARD_OK || bytes == NULL, m->name);
    letter_answer((uint32_t)correlation, status, bytes, length);
}

static void native_publishes(member *m)
{
    uint8_t bytes[128];
    ward_child_id id;
    ward_supervisor *s = the_world->supervisor;
    int32_t from = number_of(m);
    if (the_world->calm || from < 0 || ward_supervisor_find(s, m->name, &id) != WARD_OK) return;
    uint32_t number = letter_new(from, ANYBODY, false);
    if (number == 0) return;
    uint32_t length = letter_write(number, bytes);
    ward_supervisor_publish_as(s, id, topic(), bytes, length, NULL);
}

static ward_error native_handle(void *context, const ward_message *message, ward_diag *ret_diag)
{
    member *m = context;
    uint32_t number = letter_read(message->bytes, message->length);
    (void)ret_diag;
    MUST(m->up && !m->inside, m->name);
    m->inside = true;
    letter_enter(m, number);
    sim_clock_pass(below(WARDI_MS));
    if (once_in(8)) operator_asks();
    for (uint64_t n = below(3); n > 0; n--) native_talks(m);
    if (once_in(8)) native_publishes(m);
    uint64_t wide = number;
    ward_error error = bad_luck(60);
    if (error == WARD_OK) error = ward_message_reply(message, (const uint8_t *)&wide, 8);
    letter_leave(m, number, error);
    m->inside = false;
    return error;
}

void native_program(ward_native_options *options, member *m)
{
    options->context = m;
    options->start = native_start;
    options->stop = native_stop;
    options->health = native_health;
    options->handle = native_handle;
    options->answer = native_answer;
}
