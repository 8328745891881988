/* The operator, and the rest of the world outside: asks, sends, adds and removes, sets clocks, and
 * takes memory away. */
#include "sim/world.h"

#include <string.h>

static member *anybody(void)
{
    return &the_world->members[below(the_world->member_count)];
}

/* ---- asking ---- */

static void excuse(member *m)
{
    m->excused = true;
    forget_failures(m);
}

/* Rarely all that stands below a group. */
static void ask_group(uint32_t g, ward_request request)
{
    world *w = the_world;
    if (request == WARD_REQUEST_REMOVE) request = WARD_REQUEST_RESTART;
    for (uint32_t i = 0; i < w->member_count; i++)
        if (is_below(&w->members[i], (int32_t)g)) excuse(&w->members[i]);
    ward_supervisor_ask(w->supervisor, w->groups[g].name, request, NULL);
}

void operator_asks(void)
{
    world *w = the_world;
    if (w->calm) return;
    ward_request request = (ward_request)below(WARD_REQUEST_REMOVE + 1);
    if (w->group_count > 0 && once_in(4)) {
        ask_group((uint32_t)below(w->group_count), request);
        return;
    }
    member *m = anybody();
    if (request == WARD_REQUEST_REMOVE && !once_in(4)) request = WARD_REQUEST_RELEASE;
    if (!m->exists) return;
    excuse(m);
    ward_error error = ward_supervisor_ask(w->supervisor, m->name, request, NULL);
    if (request == WARD_REQUEST_REMOVE && error == WARD_OK) m->asked_for_removal = true;
}

/* ---- messages ---- */

static bool target(member *m, ward_child_id *ret_id)
{
    return ward_supervisor_find(the_world->supervisor, m->name, ret_id) == WARD_OK;
}

static void send_one(member *m)
{
    uint8_t bytes[128];
    ward_child_id id;
    uint32_t number =
        target(m, &id) ? letter_new(OUTSIDE, (int32_t)(m - the_world->members), false) : 0;
    if (number == 0) return;
    uint32_t length = letter_write(number, bytes);
    ward_error error = ward_supervisor_send(the_world->supervisor, id, bytes, length);
    letter_sent(number, error == WARD_ERROR_MAILBOX_TIMEOUT ? WARD_ERROR_MAILBOX_FULL : error);
}

static void storm(void)
{
    member *m = anybody();
    for (uint64_t n = below(40); n > 0; n--) send_one(once_in(2) ? m : anybody());
}

static void request(void)
{
    uint8_t bytes[128], answer[128];
    size_t length = 0;
    ward_child_id id;
    member *m = anybody();
    uint32_t number =
        target(m, &id) ? letter_new(OUTSIDE, (int32_t)(m - the_world->members), true) : 0;
    if (number == 0) return;
    ward_error error =
        ward_supervisor_request(the_world->supervisor, id, bytes, letter_write(number, bytes),
                                answer, sizeof answer, &length, (1 + below(100)) * WARDI_MS);
    bool full = error == WARD_ERROR_MAILBOX_TIMEOUT || error == WARD_ERROR_MAILBOX_FULL;
    letter_sent(number, full ? WARD_ERROR_MAILBOX_FULL
                        : error == WARD_ERROR_ACTOR_GONE || error == WARD_ERROR_NO_MEMORY
                            ? WARD_ERROR_ACTOR_GONE
                            : WARD_OK);
    letter_answer(number, error, answer, length);
}

static void invoke(void)
{
    ward_child_id id;
    member *m = anybody();
    if (!target(m, &id)) return;
    m->others++;
    ward_supervisor_invoke(the_world->supervisor, id, "poke", NULL, 0, NULL, NULL,
                           (1 + below(100)) * WARDI_MS);
}

static void health(void)
{
    ward_report report;
    ward_child_id id;
    member *m = anybody();
    if (!target(m, &id)) return;
    m->others++;
    ward_error error = ward_supervisor_health(the_world->supervisor, id, WARDI_S, &report);
    bool late = error == WARD_ERROR_REPLY_TIMEOUT || error == WARD_ERROR_MESSAGE_EXPIRED;
    MUST(error == WARD_OK || late || error == WARD_ERROR_UNDELIVERED || the_world->memory_failed,
         m->name);
}

static void publish(void)
{
    uint8_t bytes[128];
    static const char *const topics[] = {"a.b", "a.c", "a.b.c", "d"};
    uint32_t number = letter_new(OUTSIDE, ANYBODY, false);
    if (number == 0) return;
    uint32_t length = letter_write(number, bytes);
    ward_supervisor_publish(the_world->supervisor, topics[below(WARD_COUNT(topics))], bytes, length,
                            NULL, NULL);
}

static void subscribe(void)
{
    ward_child_id id;
    member *m = anybody();
    if (!target(m, &id)) return;
    m->subscribed = true;
    ward_supervisor_subscribe(the_world->supervisor, id, once_in(2) ? "a.*" : "#", NULL);
}

/* ---- faults of the machine ---- */

static void clocks(void)
{
    if (once_in(2)) {
        int64_t jump = (int64_t)below(7200) - 3600;
        sim_clock_jump(jump * (int64_t)WARDI_S);
        return;
    }
    sim_clock_pass(below(once_in(4) ? 3600 * WARDI_S : WARDI_S)); /* the machine slept */
}

static void memory(void)
{
    if (the_world->seed % 4 == 1 && the_world->faults != 0)
        the_world->failing_allocations = (uint32_t)below(12);
}

/* Starts fail for a while: nothing is left to make an instance of. */
static void starts(void)
{
    world *w = the_world;
    if (w->guest_count == 0 || w->faults == 0) return;
    fake_guest *fake = w->guests[below(w->guest_count)];
    fake->instance_error = once_in(2) ? WARD_ERROR_LIMIT_MEMORY : WARD_OK;
}

static void nothing(void)
{
}

void operator_acts(void)
{
    static void (*const acts[])(void) = {
        nothing, nothing, nothing,       nothing,       nothing,         storm,  request,
        invoke,  health,  publish,       storm,         request,         clocks, subscribe,
        memory,  starts,  operator_asks, operator_asks, world_add_member};
    acts[below(WARD_COUNT(acts))]();
}
