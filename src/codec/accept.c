/* Which format an Accept header asks for: RFC 9110, 12.5.1, as far as two formats need it.
 *
 * A million bytes of garbage are read once, front to back, and nothing is kept of them. */
#include <strings.h>

#include "codec/codec_priv.h"

/* What can be sent. */
typedef enum offer { OFFER_TEXT, OFFER_TEXT_1, OFFER_OPENMETRICS, OFFER_NONE } offer;

/* How names that the older readers don't know are escaped. Ours are all of the kind that they
 * know, which only "dots" would change: whoever asks for it is told that he gets "underscores". */
typedef enum escaping { ESCAPING_NOT_SAID, ALLOW_UTF_8, UNDERSCORES, VALUES } escaping;

typedef struct word {
    const char *at;
    size_t length;
} word;

/* One range of the header: "text/plain;version=0.0.4;q=0.5". */
typedef struct range {
    word type, version, escape;
    bool has_version, valid;
    unsigned q; /* thousandths */
} range;

/* ---- reading ---- */

static bool is(word w, const char *text)
{
    return w.length == strlen(text) && strncasecmp(w.at, text, w.length) == 0;
}

static const char *skip_space(const char *at)
{
    return at + strspn(at, " \t");
}

static word token(const char **at)
{
    word w = {.at = *at, .length = strcspn(*at, " \t,;=\"")};
    *at += w.length;
    return w;
}

/* What escapes stand for is not looked at: no value that counts has any. */
static word quoted(const char **at)
{
    const char *from = ++*at;
    while (**at != '\0' && **at != '"') *at += **at == '\\' && (*at)[1] != '\0' ? 2 : 1;
    word w = {.at = from, .length = (size_t)(*at - from)};
    if (**at == '"') ++*at;
    return w;
}

/* "0", "0.5", "1.000"; more decimals than three are read over. False: it is none. */
static bool quality(word w, unsigned *ret_q)
{
    if (w.length == 0 || (w.at[0] != '0' && w.at[0] != '1')) return false;
    if (w.length > 1 && w.at[1] != '.') return false;
    unsigned q = w.at[0] == '1' ? 1000 : 0, unit = 100;
    for (size_t i = 2; i < w.length; i++, unit /= 10) {
        if (w.at[i] < '0' || w.at[i] > '9') return false;
        q += unit * (unsigned)(w.at[i] - '0');
    }
    *ret_q = q < 1000 ? q : 1000;
    return true;
}

static void parameter(range *r, word name, word value)
{
    if (is(name, "q")) {
        r->valid &= quality(value, &r->q);
    } else if (is(name, "version")) {
        r->version = value;
        r->has_version = true;
    } else if (is(name, "escaping")) {
        r->escape = value;
    }
}

/* Reads up to the next comma that is in no quotes, and over it. */
static range next_range(const char **at)
{
    range r = {.valid = true, .q = 1000};
    *at = skip_space(*at);
    r.type = token(at);
    while (*(*at = skip_space(*at)) == ';') {
        *at = skip_space(*at + 1);
        word name = token(at), value = {.at = *at};
        *at = skip_space(*at);
        if (**at == '=') {
            *at = skip_space(*at + 1);
            value = **at == '"' ? quoted(at) : token(at);
        }
        parameter(&r, name, value);
    }
    while (**at != '\0' && **at != ',') {
        r.valid = false;
        if (**at == '"')
            quoted(at);
        else
            ++*at;
    }
    if (**at == ',') ++*at;
    return r;
}

/* ---- choosing ---- */

static offer offer_of(const range *r, bool *ret_named)
{
    *ret_named = true;
    if (is(r->type, "application/openmetrics-text"))
        return !r->has_version || is(r->version, "1.0.0") ? OFFER_OPENMETRICS : OFFER_NONE;
    if (is(r->type, "text/plain")) {
        if (r->has_version && is(r->version, "1.0.0")) return OFFER_TEXT_1;
        return !r->has_version || is(r->version, "0.0.4") ? OFFER_TEXT : OFFER_NONE;
    }
    *ret_named = false;
    if (is(r->type, "application/*")) return OFFER_OPENMETRICS;
    return is(r->type, "*/*") || is(r->type, "text/*") ? OFFER_TEXT : OFFER_NONE;
}

static escaping escaping_of(word escape)
{
    if (is(escape, "allow-utf-8")) return ALLOW_UTF_8;
    if (is(escape, "values")) return VALUES;
    return is(escape, "underscores") || is(escape, "dots") ? UNDERSCORES : ESCAPING_NOT_SAID;
}

static wardi_accepted answer(offer chosen, escaping how)
{
#define OPENMETRICS "application/openmetrics-text; version=1.0.0; charset=utf-8"
#define TEXT_1 "text/plain; version=1.0.0; charset=utf-8"
#define TEXT "text/plain; version=0.0.4; charset=utf-8"
    static const char *const types[OFFER_NONE][4] = {
        [OFFER_TEXT] = {TEXT, TEXT, TEXT, TEXT},
        [OFFER_TEXT_1] = {TEXT_1, TEXT_1 "; escaping=allow-utf-8", TEXT_1 "; escaping=underscores",
                          TEXT_1 "; escaping=values"},
        [OFFER_OPENMETRICS] = {OPENMETRICS, OPENMETRICS "; escaping=allow-utf-8",
                               OPENMETRICS "; escaping=underscores",
                               OPENMETRICS "; escaping=values"},
    };
    return (wardi_accepted){.format = chosen == OFFER_OPENMETRICS ? WARDI_EXPOSITION_OPENMETRICS
                                                                  : WARDI_EXPOSITION_TEXT,
                            .content_type = types[chosen][how]};
}

/* What was said of one offer. */
typedef struct wish {
    unsigned named, wild; /* the highest q by its name, and by a wildcard */
    size_t turn;          /* of the former, in the header */
    bool refused;         /* by its name */
    escaping how;
} wish;

static void note(wish *w, const range *r, bool named, size_t turn)
{
    if (!named) {
        if (r->q > w->wild) w->wild = r->q;
    } else if (r->q == 0) {
        w->refused = true;
    } else if (r->q > w->named) {
        w->named = r->q;
        w->turn = turn;
        w->how = escaping_of(r->escape);
    }
}

/* The highest q; of equals what is named rather than meant by a wildcard, then what comes first. A
 * wildcard does not mean what was refused by its name. */
static bool better(const wish *a, const wish *b)
{
    unsigned wild_a = a->refused ? 0 : a->wild, wild_b = b->refused ? 0 : b->wild;
    unsigned q_a = a->named > wild_a ? a->named : wild_a;
    unsigned q_b = b->named > wild_b ? b->named : wild_b;
    if (q_a != q_b) return q_a > q_b;
    bool named_a = a->named == q_a && q_a != 0, named_b = b->named == q_b && q_b != 0;
    if (named_a != named_b) return named_a;
    return named_a && a->turn < b->turn;
}

wardi_accepted wardi_accept(const char *accept)
{
    wish wishes[OFFER_NONE] = {0};
    size_t turn = 0;
    for (const char *at = accept != NULL ? accept : ""; *at != '\0'; turn++) {
        range r = next_range(&at);
        bool named, all = is(r.type, "*/*");
        offer offered = offer_of(&r, &named);
        if (!r.valid || offered == OFFER_NONE) continue;
        note(&wishes[offered], &r, named, turn);
        if (all) note(&wishes[OFFER_OPENMETRICS], &r, false, turn);
    }
    offer best = OFFER_TEXT; /* which is also what is better than nothing */
    for (offer o = OFFER_TEXT; o < OFFER_NONE; o++)
        if (better(&wishes[o], &wishes[best])) best = o;
    return answer(best, wishes[best].how);
}
