/* Letters: every message has a number, which grows with each that is sent, and its own page in the
 * books. */
#include <string.h>

#include "sim/world.h"

static letter *page(uint32_t number)
{
    MUST(number > 0 && number <= the_world->letter_count, "a letter");
    return &the_world->letters[number - 1];
}

uint32_t letter_new(int32_t from, int32_t to, bool asks)
{
    world *w = the_world;
    if (w->letter_count == LETTERS_MAX) return 0;
    w->letters[w->letter_count] = (letter){.from = from, .to = to, .asks = asks};
    return ++w->letter_count;
}

uint32_t letter_write(uint32_t number, uint8_t bytes[128])
{
    uint64_t wide = number;
    memset(bytes, 0x5a, 128);
    memcpy(bytes, &wide, sizeof wide);
    return 8 + (uint32_t)below(once_in(4) ? 120 : 30); /* some are too long to lie inline */
}

uint32_t letter_read(const uint8_t *bytes, size_t length)
{
    uint64_t wide = 0;
    MUST(length >= sizeof wide && length <= 128, "a letter's length");
    memcpy(&wide, bytes, sizeof wide);
    for (size_t i = sizeof wide; i < length; i++) MUST(bytes[i] == 0x5a, "a letter's bytes");
    return (uint32_t)wide;
}

void letter_sent(uint32_t number, ward_error error)
{
    const letter *l = page(number);
    if (l->to == ANYBODY || error == WARD_ERROR_ACTOR_GONE || error == WARD_ERROR_NO_MEMORY) return;
    member *m = &the_world->members[l->to];
    m->attempts++;
    if (error == WARD_ERROR_MAILBOX_FULL) m->refused++;
}

void letter_later(uint32_t number, uint64_t due_ns)
{
    letter *l = page(number);
    l->later = true;
    l->due_ns = due_ns;
}

void letter_never(uint32_t number)
{
    page(number)->never = true;
}

/* What was due may have left. */
void letters_end(member *m)
{
    for (size_t i = 0; i < TIMERS_KEPT; i++) {
        uint32_t number = m->timers[i].letter;
        if (m->timers[i].timer != 0 && page(number)->due_ns > wardi_now_ns()) letter_never(number);
        m->timers[i].timer = 0;
    }
}

/* Only what somebody asks has a time. */
void letter_expired(member *m)
{
    MUST(page(m->retry)->asks, m->name);
    m->retry = 0;
    m->entered--;
    m->expired_late++;
}

/* Numbers grow: each letter comes once, and after those that its sender sent before. But for one
 * that has ended the last run, which comes again, and before all others. */
void letter_enter(member *m, uint32_t number)
{
    letter *l = page(number);
    MUST(m->exists, m->name);
    MUST(l->to == ANYBODY || &the_world->members[l->to] == m, m->name);
    if (m->retry != 0 && m->retry != number) letter_expired(m);
    MUST(m->current == 0, m->name);
    m->current = number;
    if (l->to != ANYBODY) l->fate = FATE_ENTERED;
    if (m->retry == number) {
        m->retry = 0;
        return;
    }
    MUST(l->later || number > m->last_from[l->from], m->name);
    MUST(!l->never && l->due_ns <= wardi_now_ns(), m->name);
    MUST(l->to == ANYBODY || !l->came, m->name);
    l->came = true;
    if (!l->later) m->last_from[l->from] = number;
    m->deaths = 0;
    m->entered++;
}

void letter_fate(uint32_t number, fate what)
{
    letter *l = page(number);
    if (l->to == ANYBODY) return;
    l->fate = what;
    l->over_step = the_world->steps;
}

static bool is_poison(ward_error error)
{
    return error == WARD_ERROR_TRAP || error == WARD_ERROR_DEADLINE || error == WARD_ERROR_FUEL;
}

void letter_leave(member *m, uint32_t number, ward_error error)
{
    letter *l = page(number);
    MUST(m->current == number, m->name);
    m->current = 0;
    bool waiting =
        l->to == ANYBODY || l->fate == FATE_ENTERED; /* it was not replied to, or put off */
    if (error == WARD_OK) {
        if (waiting) letter_fate(number, FATE_ANSWERED);
        return;
    }
    if (!waiting || !wardi_ends_guest(error)) return;
    if (is_poison(error) && !m->native) {
        if (++m->deaths < m->options.poison_after) {
            m->retry = number;
            l->fate = FATE_UNDERWAY;
            return;
        }
        m->set_aside++;
    }
    letter_fate(number, FATE_DIED);
}

enum { STEPS_TO_SEE = 400 }; /* for the worker that runs the asker to have its turn */

/* Whoever asks from outside sees an answer when it is given. A guest sees it when it runs, which is
 * not much later. */
static void may_be_late(const letter *l)
{
    if (l->fate < FATE_ANSWERED) return;
    MUST(l->from != OUTSIDE, "an answer from outside is missing");
    bool soon = the_world->steps < l->over_step + STEPS_TO_SEE;
    MUST(soon || the_world->large, "an answer is missing");
}

void letter_answer(uint32_t number, ward_error error, const uint8_t *bytes, size_t length)
{
    const letter *l = page(number);
    const char *who = the_world->members[l->to].name;
    switch (error) {
    case WARD_OK:
        MUST(l->fate == FATE_ANSWERED, who);
        if (length != 0) MUST(length == 8 && letter_read(bytes, length) == number, who);
        break;
    case WARD_ERROR_TRAP:
    case WARD_ERROR_DEADLINE:
    case WARD_ERROR_FUEL:
    case WARD_ERROR_EXIT:
    case WARD_ERROR_INTERRUPTED: MUST(l->fate == FATE_DIED || l->fate == FATE_DEFERRED, who); break;
    case WARD_ERROR_UNANSWERED: MUST(the_world->memory_failed, who); break;
    case WARD_ERROR_REPLY_TIMEOUT: may_be_late(l); break;
    default: break;
    }
}
