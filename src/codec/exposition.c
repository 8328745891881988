/* Metrics as text: OpenMetrics 1.0.0, and the text format 0.0.4 of Prometheus.
 *
 * One line at a time, whole or not at all: who runs out of room sends what there is, and writes the
 * same line again. The two formats differ in what is told of a family, and in how it ends. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "codec/codec_priv.h"

/* ---- into the buffer ---- */

/* What a call of memcpy is too dear for. */
enum { SHORT_BYTES = 64 };

typedef struct pen {
    char *at, *end;
    bool full;
} pen;

static inline void put(pen *p, const char *bytes, size_t length)
{
    if (WARD_UNLIKELY((size_t)(p->end - p->at) < length)) p->full = true;
    if (WARD_UNLIKELY(p->full) || length == 0) return;
    if (length <= SHORT_BYTES)
        wardi_copy_short(p->at, bytes, length);
    else
        memcpy(p->at, bytes, length);
    p->at += length;
}

static inline void puts_(pen *p, const char *text)
{
    put(p, text, strlen(text));
}

static inline pen pen_on(const wardi_scribe *scribe)
{
    return (pen){.at = scribe->bytes + scribe->length, .end = scribe->bytes + scribe->room};
}

/* The line stays if all of it is there. */
static inline bool pen_done(const pen *p, wardi_scribe *scribe)
{
    if (!p->full) scribe->length = (size_t)(p->at - scribe->bytes);
    return !p->full;
}

static inline bool is_plain(uint8_t c, bool quotes)
{
    return c < 0x80 && c != '\\' && c != '\n' && c != '\0' && (c != '"' || !quotes);
}

/* One character that is more than itself: an escape, several bytes, or none at all. */
static size_t put_special(pen *p, const uint8_t *at)
{
    bool whole, unfinished;
    size_t step = wardi_utf8_step(at, strlen((const char *)at), &whole, &unfinished);
    if (!whole)
        puts_(p, "\xef\xbf\xbd");
    else if (*at == '\\')
        puts_(p, "\\\\");
    else if (*at == '\n')
        puts_(p, "\\n");
    else if (*at == '"')
        puts_(p, "\\\"");
    else
        put(p, (const char *)at, step);
    return step;
}

/* What is not UTF-8 becomes U+FFFD: a reader refuses the whole page for one such byte. */
static void put_escaped(pen *p, const char *text, bool quotes)
{
    const uint8_t *at = (const uint8_t *)text;
    while (!p->full) {
        const uint8_t *run = at;
        while (is_plain(*at, quotes)) at++;
        put(p, (const char *)run, (size_t)(at - run));
        if (*at == '\0') return;
        at += put_special(p, at);
    }
}

/* ---- numbers ---- */

static size_t count_write(char *ret_text, uint64_t count)
{
    char digits[20], *at = digits + sizeof digits;
    do {
        *--at = (char)('0' + count % 10);
        count /= 10;
    } while (count != 0);
    size_t length = (size_t)(digits + sizeof digits - at);
    wardi_copy_short(ret_text, at, length);
    return length;
}

/* Seconds, with the decimals that there are. */
static size_t ns_write(char *ret_text, uint64_t ns)
{
    size_t length = count_write(ret_text, ns / WARDI_S);
    uint64_t rest = ns % WARDI_S;
    if (rest == 0) return length;
    ret_text[length++] = '.';
    for (uint64_t unit = WARDI_S / 10; rest != 0; unit /= 10) {
        ret_text[length++] = (char)('0' + rest / unit);
        rest %= unit;
    }
    return length;
}

/* Whatever stands for the decimal point in the process's locale. */
static size_t point_mend(char *text, size_t length)
{
    size_t from = strspn(text, "+-0123456789");
    size_t foreign = strcspn(text + from, "0123456789eE");
    if (from == length || foreign == 0 || text[from] == '.') return length;
    text[from] = '.';
    memmove(text + from + 1, text + from + foreign, length - from - foreign + 1);
    return length - foreign + 1;
}

/* The fewest digits that read back as the same number. */
static size_t finite_write(char *ret_text, double real)
{
    char text[WARDI_NUMBER_BYTES + 8];
    int length = 0;
    for (int digits = 15; digits <= 17; digits++) {
        length = snprintf(text, sizeof text, "%.*g", digits, real);
        if (strtod(text, NULL) == real) break;
    }
    size_t mended = point_mend(text, (size_t)length);
    memcpy(ret_text, text, mended);
    return mended;
}

static size_t word_write(char *ret_text, const char *word)
{
    size_t length = strlen(word);
    wardi_copy_short(ret_text, word, length);
    return length;
}

static size_t real_write(char *ret_text, double real)
{
    if (isnan(real)) return word_write(ret_text, "NaN");
    if (isinf(real)) return word_write(ret_text, real > 0 ? "+Inf" : "-Inf");
    if (real >= 0 && real < 0x1p53 && real == floor(real) && !signbit(real))
        return count_write(ret_text, (uint64_t)real);
    return finite_write(ret_text, real);
}

size_t wardi_number_write(char *ret_text, const wardi_number *number)
{
    switch (number->kind) {
    case WARDI_NUMBER_COUNT: return count_write(ret_text, number->count);
    case WARDI_NUMBER_NS: return ns_write(ret_text, number->count);
    case WARDI_NUMBER_REAL: break;
    }
    return real_write(ret_text, number->real);
}

/* As Go writes a float: from 1e+06 on with an exponent. All readers compare bounds as texts. */
size_t wardi_bound_write(char *ret_text, double bound)
{
    double size = fabs(bound);
    if (isnan(bound) || isinf(bound) || (size < 1e6 && bound != floor(bound)))
        return real_write(ret_text, bound);
    if (size < 1e6) {
        size_t length = finite_write(ret_text, bound);
        return length + word_write(ret_text + length, ".0");
    }
    char text[WARDI_NUMBER_BYTES + 8];
    for (int decimals = 0; decimals <= 16; decimals++) {
        snprintf(text, sizeof text, "%.*e", decimals, bound);
        if (strtod(text, NULL) == bound) break;
    }
    size_t length = point_mend(text, strlen(text));
    wardi_copy_short(ret_text, text, length);
    return length;
}

/* ---- families ---- */

static const char *suffix_of(wardi_family_type type)
{
    return type == WARDI_COUNTER ? "_total" : type == WARDI_INFO ? "_info" : "";
}

static const char *type_of(wardi_family_type type, bool open)
{
    switch (type) {
    case WARDI_COUNTER: return "counter";
    case WARDI_GAUGE: return "gauge";
    case WARDI_HISTOGRAM: return "histogram";
    case WARDI_STATESET: return open ? "stateset" : "gauge";
    case WARDI_INFO: return open ? "info" : "gauge";
    }
    return "unknown";
}

/* "# WHAT name ", where the older format names the samples. */
static void put_about(pen *p, const char *what, const wardi_family *family, bool open)
{
    puts_(p, "# ");
    puts_(p, what);
    puts_(p, " ");
    puts_(p, family->name);
    if (!open) puts_(p, suffix_of(family->type));
    puts_(p, " ");
}

bool wardi_scribe_family(wardi_scribe *scribe, const wardi_family *family)
{
    bool open = scribe->format == WARDI_EXPOSITION_OPENMETRICS;
    pen p = pen_on(scribe);
    put_about(&p, "TYPE", family, open);
    puts_(&p, type_of(family->type, open));
    puts_(&p, "\n");
    if (open && family->unit[0] != '\0') {
        put_about(&p, "UNIT", family, open);
        puts_(&p, family->unit);
        puts_(&p, "\n");
    }
    put_about(&p, "HELP", family, open);
    put_escaped(&p, family->help, open);
    puts_(&p, "\n");
    return pen_done(&p, scribe);
}

/* ---- samples ---- */

static void put_name(pen *p, const wardi_family *family, wardi_part part)
{
    static const char *const parts[] = {
        [WARDI_PART_BUCKET] = "_bucket", [WARDI_PART_COUNT] = "_count", [WARDI_PART_SUM] = "_sum"};
    puts_(p, family->name);
    puts_(p, part == WARDI_PART_VALUE ? suffix_of(family->type) : parts[part]);
}

static void put_label(pen *p, const char *label, const char *value)
{
    puts_(p, label);
    puts_(p, "=\"");
    put_escaped(p, value, true);
    puts_(p, "\"");
}

static void put_number(pen *p, const wardi_number *number)
{
    char text[WARDI_NUMBER_BYTES];
    if (WARD_LIKELY((size_t)(p->end - p->at) >= sizeof text))
        p->at += wardi_number_write(p->at, number);
    else
        put(p, text, wardi_number_write(text, number));
}

bool wardi_scribe_sample(wardi_scribe *scribe, const wardi_family *family,
                         const wardi_sample *sample)
{
    pen p = pen_on(scribe);
    put_name(&p, family, sample->part);
    if (sample->labels_length != 0 || sample->label != NULL) {
        puts_(&p, "{");
        put(&p, sample->labels, sample->labels_length);
        if (sample->label != NULL) {
            if (sample->labels_length != 0) puts_(&p, ",");
            put_label(&p, sample->label, sample->label_value);
        }
        puts_(&p, "}");
    }
    puts_(&p, " ");
    put_number(&p, &sample->value);
    puts_(&p, "\n");
    return pen_done(&p, scribe);
}

bool wardi_scribe_end(wardi_scribe *scribe)
{
    pen p = pen_on(scribe);
    if (scribe->format == WARDI_EXPOSITION_OPENMETRICS) puts_(&p, "# EOF\n");
    return pen_done(&p, scribe);
}

bool wardi_labels_add(char *buffer, size_t room, size_t *length, const char *label,
                      const char *value)
{
    pen p = {.at = buffer + *length, .end = buffer + room};
    if (*length != 0) puts_(&p, ",");
    put_label(&p, label, value);
    if (!p.full) *length = (size_t)(p.at - buffer);
    return !p.full;
}
