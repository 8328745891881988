/* ward_guest.h: the guest's side of Ward, for components written in C or C++. No libc.
 *
 *     #include <ward_guest.h>
 *
 *     static unsigned waiting;
 *
 *     WARD_GUEST_HEALTH
 *     {
 *         if (waiting > 1000) return ward_degraded("%u messages wait", waiting);
 *         return ward_healthy();
 *     }
 *
 *     clang --target=wasm32 -O2 -nostdlib -Wl,--no-entry -I sdk/c -o queue.wasm queue.c
 *
 * What a guest exports and what becomes of it: docs/guest-abi.md. What it can ask of its host
 * (messages, topics, log, metrics, …) is in ward_host.h, beside this one and included. Costs: some
 * 5 KiB of code when a reason is formatted, nothing otherwise; one static frame buffer per source
 * file that uses it. Nothing is allocated, nothing runs before main, no symbol but the exports
 * leaves the file.
 *
 * Options, defined before the header is included:
 *   WARD_GUEST_HEALTH_I32          export `_health: () -> i32` (an address) instead of the default
 *                                  `_health: () -> i64` (length and address)
 *   WARD_GUEST_REASON_BYTES_MAX n  longest reason, default 249: with it a frame fits the 256 bytes
 *                                  that Ward looks at when a frame comes without a length
 *
 * Compiled for anything but Wasm the header exports nothing, and the functions can be called as
 * they are: a guest's health can be tested natively. */
#ifndef WARD_GUEST_H
#define WARD_GUEST_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#ifndef WARD_GUEST_REASON_BYTES_MAX
#define WARD_GUEST_REASON_BYTES_MAX 249
#endif
#if WARD_GUEST_REASON_BYTES_MAX < 16 || WARD_GUEST_REASON_BYTES_MAX > 65000
#error "WARD_GUEST_REASON_BYTES_MAX: 16 to 65000"
#endif

#ifdef __cplusplus
#define WARD_GUEST_C extern "C"
#else
#define WARD_GUEST_C
#endif

#ifdef __wasm__
/** Exports the function that follows under `name`:
 *      WARD_GUEST_EXPORT("set_load") void set_load(int percent) { load = percent; } */
#define WARD_GUEST_EXPORT(name) __attribute__((export_name(name)))
#else
#define WARD_GUEST_EXPORT(name)
#endif

/** What a health function returns. Made by ward_healthy, ward_degraded or ward_unhealthy only. */
typedef struct ward_answer {
    const uint8_t *frame; /**< NULL: healthy, nothing more to say */
    uint32_t length;
} ward_answer;

/** Statuses; the values are Borsh's tags. */
typedef enum ward_status {
    WARD_STATUS_HEALTHY = 0,
    WARD_STATUS_DEGRADED = 1,  /**< worse than it should be, and may heal by itself */
    WARD_STATUS_UNHEALTHY = 2, /**< a restart would help */
} ward_status;

/* ---- the formatter ---- */

/* Clang turns copy and fill loops into calls of memcpy and memset, which a guest without libc does
 * not have; no_builtin forbids it, at the price that such a function is never inlined. */
#ifdef __clang__
#define WARD_GUEST_PRIV __attribute__((no_builtin)) static inline
#else
#define WARD_GUEST_PRIV static inline
#endif

typedef struct ward_guest_text {
    uint8_t *bytes;
    uint32_t capacity, length;
    int cut;
} ward_guest_text;

typedef struct ward_guest_spec {
    int left, zero, plus, space, alternate;
    int width, precision; /* precision < 0: none given */
    int size;             /* of the argument in bytes */
} ward_guest_spec;

/* va_list may be an array type, which can't be passed on by address as it is. */
typedef struct ward_guest_args {
    va_list list;
} ward_guest_args;

WARD_GUEST_PRIV void ward_guest_put(ward_guest_text *text, char c)
{
    if (text->length < text->capacity)
        text->bytes[text->length++] = (uint8_t)c;
    else
        text->cut = 1;
}

WARD_GUEST_PRIV void ward_guest_repeat(ward_guest_text *text, char c, int count)
{
    for (; count > 0 && !text->cut; count--) ward_guest_put(text, c);
}

/* Writes sign and prefix, then zeros up to the precision, then the digits, in a field. */
WARD_GUEST_PRIV void ward_guest_put_number(ward_guest_text *text, const ward_guest_spec *spec,
                                           const char *prefix, const char *digits, int count,
                                           int zeros)
{
    int prefix_length = 0;
    while (prefix[prefix_length]) prefix_length++;
    int padding = spec->width - prefix_length - zeros - count;
    if (!spec->left && spec->zero) {
        zeros += padding > 0 ? padding : 0;
        padding = 0;
    }
    if (!spec->left) ward_guest_repeat(text, ' ', padding);
    for (int i = 0; i < prefix_length; i++) ward_guest_put(text, prefix[i]);
    ward_guest_repeat(text, '0', zeros);
    for (int i = 0; i < count; i++) ward_guest_put(text, digits[i]);
    if (spec->left) ward_guest_repeat(text, ' ', padding);
}

/* Digits of `value`, from the end of `buffer` backwards; returns where they start. */
WARD_GUEST_PRIV char *ward_guest_digits(uint64_t value, unsigned base, int upper, char *end)
{
    const char *alphabet = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    for (; value != 0; value /= base) *--end = alphabet[value % base];
    return end;
}

WARD_GUEST_PRIV const char *ward_guest_sign(const ward_guest_spec *spec, int negative)
{
    return negative ? "-" : spec->plus ? "+" : spec->space ? " " : "";
}

WARD_GUEST_PRIV void ward_guest_put_integer(ward_guest_text *text, ward_guest_spec spec,
                                            char conversion, uint64_t value)
{
    char buffer[64];
    const char *prefix = "";
    unsigned base = conversion == 'o' ? 8 : 10;
    if (conversion == 'd') {
        int negative = (int64_t)value < 0;
        prefix = ward_guest_sign(&spec, negative);
        if (negative) value = 0 - value;
    } else if (conversion == 'x' || conversion == 'X') {
        base = 16;
        if (spec.alternate && value != 0) prefix = conversion == 'x' ? "0x" : "0X";
    }
    char *end = buffer + sizeof buffer;
    char *start = ward_guest_digits(value, base, conversion == 'X', end);
    int count = (int)(end - start);
    int precision = spec.precision < 0 ? 1 : spec.precision;
    if (spec.precision >= 0) spec.zero = 0;
    ward_guest_put_number(text, &spec, prefix, start, count,
                          precision > count ? precision - count : 0);
}

/* Rounds `value`, which is less than 2^64, to `precision` digits: half to even. */
WARD_GUEST_PRIV uint64_t ward_guest_round(double value, int precision, uint64_t *ret_fraction)
{
    uint64_t scale = 1;
    for (int i = 0; i < precision; i++) scale *= 10;
    uint64_t whole = (uint64_t)value;
    double scaled = (value - (double)whole) * (double)scale;
    uint64_t fraction = (uint64_t)scaled;
    double rest = scaled - (double)fraction;
    uint64_t odd = (precision == 0 ? whole : fraction) & 1;
    if (rest > 0.5 || (rest == 0.5 && odd)) fraction++;
    *ret_fraction = fraction == scale ? 0 : fraction;
    return fraction == scale ? whole + 1 : whole;
}

WARD_GUEST_PRIV void ward_guest_put_double(ward_guest_text *text, ward_guest_spec spec,
                                           double value)
{
    int negative = __builtin_signbit(value) != 0;
    const char *sign = ward_guest_sign(&spec, negative);
    if (value != value || value - value != 0) {
        spec.zero = 0;
        ward_guest_put_number(text, &spec, sign, value != value ? "nan" : "inf", 3, 0);
        return;
    }
    if (negative) value = -value;
    unsigned exponent = 0;
    for (int large = value >= 18446744073709549568.0; large && value >= 10; exponent++) value /= 10;
    int precision = spec.precision < 0 ? 6 : spec.precision > 9 ? 9 : spec.precision;
    uint64_t fraction = 0;
    uint64_t whole = ward_guest_round(value, precision, &fraction);

    char buffer[48];
    char *end = buffer + sizeof buffer, *start = end;
    if (exponent > 0) {
        start = ward_guest_digits(exponent, 10, 0, start);
        *--start = '+';
        *--start = 'e';
    }
    for (int i = 0; i < precision; i++, fraction /= 10) *--start = (char)('0' + fraction % 10);
    if (precision > 0) *--start = '.';
    if (whole == 0) *--start = '0';
    start = ward_guest_digits(whole, 10, 0, start);
    ward_guest_put_number(text, &spec, sign, start, (int)(end - start), 0);
}

WARD_GUEST_PRIV void ward_guest_put_string(ward_guest_text *text, const ward_guest_spec *spec,
                                           const char *string)
{
    if (string == NULL) string = "(null)";
    int count = 0;
    while ((spec->precision < 0 || count < spec->precision) && string[count]) count++;
    if (!spec->left) ward_guest_repeat(text, ' ', spec->width - count);
    for (int i = 0; i < count; i++) ward_guest_put(text, string[i]);
    if (spec->left) ward_guest_repeat(text, ' ', spec->width - count);
}

WARD_GUEST_PRIV const char *ward_guest_parse_flags(const char *at, ward_guest_spec *spec)
{
    for (;; at++) {
        if (*at == '-')
            spec->left = 1;
        else if (*at == '0')
            spec->zero = 1;
        else if (*at == '+')
            spec->plus = 1;
        else if (*at == ' ')
            spec->space = 1;
        else if (*at == '#')
            spec->alternate = 1;
        else
            return at;
    }
}

WARD_GUEST_PRIV const char *ward_guest_parse_figure(const char *at, int *ret_figure,
                                                    ward_guest_args *args)
{
    int figure = 0;
    if (*at == '*') {
        *ret_figure = va_arg(args->list, int);
        return at + 1;
    }
    for (; *at >= '0' && *at <= '9'; at++)
        if (figure < 100000) figure = figure * 10 + (*at - '0');
    *ret_figure = figure;
    return at;
}

/* Flags, width, precision and length modifier; returns where the conversion stands. */
WARD_GUEST_PRIV const char *ward_guest_parse(const char *at, ward_guest_spec *spec,
                                             ward_guest_args *args)
{
    at = ward_guest_parse_flags(at, spec);
    at = ward_guest_parse_figure(at, &spec->width, args);
    if (spec->width < 0) {
        spec->left = 1;
        spec->width = spec->width < -100000 ? 100000 : -spec->width;
    }
    if (*at == '.') at = ward_guest_parse_figure(at + 1, &spec->precision, args);
    spec->size = (int)sizeof(int);
    for (;; at++) {
        if (*at == 'l')
            spec->size = spec->size == (int)sizeof(int) && at[1] != 'l' ? (int)sizeof(long)
                                                                        : (int)sizeof(long long);
        else if (*at == 'z' || *at == 't')
            spec->size = (int)sizeof(size_t);
        else if (*at == 'j')
            spec->size = (int)sizeof(intmax_t);
        else if (*at == 'h')
            spec->size = spec->size == (int)sizeof(short) ? 1 : (int)sizeof(short);
        else
            return at;
    }
}

/* One integer argument of the parsed size, sign-extended when the conversion is signed. */
WARD_GUEST_PRIV uint64_t ward_guest_integer(int size, int is_signed, ward_guest_args *args)
{
    if (size == (int)sizeof(long long)) return va_arg(args->list, unsigned long long);
    int value = va_arg(args->list, int);
    if (size == 2) return is_signed ? (uint64_t)(int16_t)value : (uint16_t)value;
    if (size == 1) return is_signed ? (uint64_t)(int8_t)value : (uint8_t)value;
    return is_signed ? (uint64_t)(int64_t)value : (unsigned)value;
}

/* Writes one conversion; 0 for one that it does not know. */
WARD_GUEST_PRIV int ward_guest_convert(ward_guest_text *text, const ward_guest_spec *spec,
                                       char conversion, ward_guest_args *args)
{
    ward_guest_spec pointer = {0, 0, 0, 0, 1, spec->width, -1, 0};
    ward_guest_spec character = {0, 0, 0, 0, 0, spec->width - 1, -1, 0};
    switch (conversion) {
    case 'd':
    case 'i':
        ward_guest_put_integer(text, *spec, 'd', ward_guest_integer(spec->size, 1, args));
        return 1;
    case 'u':
    case 'o':
    case 'x':
    case 'X':
        ward_guest_put_integer(text, *spec, conversion, ward_guest_integer(spec->size, 0, args));
        return 1;
    case 'p':
        pointer.left = spec->left;
        ward_guest_put_integer(text, pointer, 'x', (uintptr_t)va_arg(args->list, void *));
        return 1;
    case 'c':
        if (!spec->left) ward_guest_repeat(text, ' ', character.width);
        ward_guest_put(text, (char)va_arg(args->list, int));
        if (spec->left) ward_guest_repeat(text, ' ', character.width);
        return 1;
    case 's': ward_guest_put_string(text, spec, va_arg(args->list, const char *)); return 1;
    case 'f':
    case 'F':
    case 'e':
    case 'g': ward_guest_put_double(text, *spec, va_arg(args->list, double)); return 1;
    case '%': ward_guest_put(text, '%'); return 1;
    default: return 0;
    }
}

/* What does not fit is cut after the last whole character that leaves room for the ellipsis. */
WARD_GUEST_PRIV void ward_guest_cut(ward_guest_text *text)
{
    text->length = text->capacity - 3;
    for (int back = 0; back < 3 && text->length > 0; back++) {
        if ((text->bytes[text->length] & 0xC0) != 0x80) break;
        text->length--;
    }
    text->bytes[text->length++] = 0xE2;
    text->bytes[text->length++] = 0x80;
    text->bytes[text->length++] = 0xA6;
}

/** Formats into `bytes`, at least 4 of them, and returns how many it wrote; no NUL is added.
 *
 * Knows %d %i %u %x %X %o %c %s %p %f %% with flags, width, precision (also as *) and the sizes hh
 * h l ll z t j. %f is written to at most 9 digits, from 2^64 on with an exponent; %e and %g are
 * written as %f. Anything else, and what follows it, is copied as it stands. Text that does not fit
 * is cut after a whole UTF-8 character and ends in "…". */
WARD_GUEST_PRIV uint32_t ward_guest_format(uint8_t *bytes, uint32_t capacity, const char *format,
                                           va_list list)
{
    ward_guest_text text = {bytes, capacity, 0, 0};
    ward_guest_args args;
    va_copy(args.list, list);
    int known = 1;
    for (const char *at = format; *at; at++) {
        ward_guest_spec spec = {0, 0, 0, 0, 0, 0, -1, 0};
        const char *percent = at;
        if (*at == '%' && known) {
            at = ward_guest_parse(at + 1, &spec, &args);
            known = ward_guest_convert(&text, &spec, *at, &args);
            if (known) continue;
            at = percent;
        }
        ward_guest_put(&text, *at);
    }
    va_end(args.list);
    if (text.cut) ward_guest_cut(&text);
    return text.length;
}

/* ---- answers ---- */

/** Healthy. */
static inline ward_answer ward_healthy(void)
{
    ward_answer answer = {NULL, 0};
    return answer;
}

/** `status` with a printf-style reason. The answer lives until the next one of this source file. */
static inline ward_answer ward_answer_v(ward_status status, const char *format, va_list list)
{
    static uint8_t frame[7 + WARD_GUEST_REASON_BYTES_MAX] = {0x81, 0x0E};
    if (status == WARD_STATUS_HEALTHY) return ward_healthy();
    uint32_t length = ward_guest_format(frame + 7, WARD_GUEST_REASON_BYTES_MAX, format, list);
    frame[2] = (uint8_t)status;
    for (int i = 0; i < 4; i++) frame[3 + i] = (uint8_t)(length >> (8 * i));
    ward_answer answer = {frame, 7 + length};
    return answer;
}

/** Works, but worse than it should, and may heal by itself. See ward_guest_format for the reason.
 */
__attribute__((format(printf, 1, 2))) static inline ward_answer ward_degraded(const char *reason,
                                                                              ...)
{
    va_list list;
    va_start(list, reason);
    ward_answer answer = ward_answer_v(WARD_STATUS_DEGRADED, reason, list);
    va_end(list);
    return answer;
}

/** Does not work and will not by itself: Ward restarts the component when it says so often enough.
 */
__attribute__((format(printf, 1, 2))) static inline ward_answer ward_unhealthy(const char *reason,
                                                                               ...)
{
    va_list list;
    va_start(list, reason);
    ward_answer answer = ward_answer_v(WARD_STATUS_UNHEALTHY, reason, list);
    va_end(list);
    return answer;
}

/* ---- exports ---- */

/** Bytes that a guest answers with; they have to stay until the next call. */
typedef struct ward_bytes {
    const uint8_t *bytes;
    uint32_t length;
} ward_bytes;

#ifdef __wasm__

/* Length in the high half, address in the low one; never 0 for a frame, whose length is not 0. */
static inline uint64_t ward_guest_pack(const uint8_t *bytes, uint32_t length)
{
    return (uint64_t)length << 32 | (uint32_t)(uintptr_t)bytes;
}

static inline uint64_t ward_guest_pack_bytes(ward_bytes answer)
{
    return ward_guest_pack(answer.bytes, answer.length);
}

#ifdef WARD_GUEST_HEALTH_I32
typedef int32_t ward_guest_word;
static inline ward_guest_word ward_guest_word_of(ward_answer answer)
{
    return (int32_t)(uintptr_t)answer.frame;
}
#else
typedef uint64_t ward_guest_word;
static inline ward_guest_word ward_guest_word_of(ward_answer answer)
{
    return ward_guest_pack(answer.frame, answer.length);
}
#endif

/* A linker that sees nobody call the constructors has every export call them, each time. So
 * somebody calls them: in C++ without libc the export `_initialize`, which comes with the health
 * function. With wasi-libc that is libc's to do, and the commands of Debian 12's don't: there the
 * constructors of C++ objects run at each call, and a reactor is the better choice. */
WARD_GUEST_C void __wasm_call_ctors(void);
#define WARD_GUEST_RUN_ONCE(function)                                                              \
    WARD_GUEST_C WARD_GUEST_EXPORT("_initialize") void ward_guest_export_initialize(void);         \
    WARD_GUEST_C void ward_guest_export_initialize(void)                                           \
    {                                                                                              \
        __wasm_call_ctors();                                                                       \
        function();                                                                                \
    }
#if defined(__cplusplus) && !defined(__wasi__)
#define WARD_GUEST_CONSTRUCT                                                                       \
    static inline void ward_guest_constructed(void)                                                \
    {                                                                                              \
    }                                                                                              \
    WARD_GUEST_RUN_ONCE(ward_guest_constructed)
#else
#define WARD_GUEST_CONSTRUCT
#endif

/** Declares the health function; its body follows. Once in a component. It runs under the
 * component's health timeout (1 s unless configured), so it should look at what is known and not
 * go and find out. */
#define WARD_GUEST_HEALTH                                                                          \
    WARD_GUEST_CONSTRUCT                                                                           \
    static ward_answer ward_guest_health(void);                                                    \
    WARD_GUEST_C WARD_GUEST_EXPORT("_health") ward_guest_word ward_guest_export_health(void);      \
    WARD_GUEST_C ward_guest_word ward_guest_export_health(void)                                    \
    {                                                                                              \
        return ward_guest_word_of(ward_guest_health());                                            \
    }                                                                                              \
    static ward_answer ward_guest_health(void)

/** Declares what runs once before anything else, under the start timeout; its body follows.
 *
 * In C without libc this is the export `_initialize`. With wasi-libc that export (or `_start`, in a
 * command) is libc's, and the body runs among the constructors; in C++ as well, after those of the
 * objects above it. */
#if defined(__cplusplus)
#define WARD_GUEST_INITIALIZE                                                                      \
    static void ward_guest_initialize(void);                                                       \
    static const struct ward_guest_initializer {                                                   \
        ward_guest_initializer()                                                                   \
        {                                                                                          \
            static int done;                                                                       \
            if (!done++) ward_guest_initialize();                                                  \
        }                                                                                          \
    } ward_guest_initialized;                                                                      \
    static void ward_guest_initialize(void)
#elif defined(__wasi__)
#define WARD_GUEST_INITIALIZE                                                                      \
    static void ward_guest_initialize(void);                                                       \
    __attribute__((constructor)) static void ward_guest_initialize_once(void)                      \
    {                                                                                              \
        static int done;                                                                           \
        if (!done++) ward_guest_initialize();                                                      \
    }                                                                                              \
    static void ward_guest_initialize(void)
#else
#define WARD_GUEST_INITIALIZE                                                                      \
    static void ward_guest_initialize(void);                                                       \
    WARD_GUEST_RUN_ONCE(ward_guest_initialize)                                                     \
    static void ward_guest_initialize(void)
#endif

/** Declares what runs when the component is stopped, under the stop timeout; its body follows. */
#define WARD_GUEST_CLEANUP                                                                         \
    static void ward_guest_cleanup(void);                                                          \
    WARD_GUEST_C WARD_GUEST_EXPORT("_cleanup") void ward_guest_export_cleanup(void);               \
    WARD_GUEST_C void ward_guest_export_cleanup(void)                                              \
    {                                                                                              \
        ward_guest_cleanup();                                                                      \
    }                                                                                              \
    static void ward_guest_cleanup(void)

/** Makes room for messages of up to `capacity` bytes and exports `ward_alloc`, through which the
 * host finds it. Once in a component; longer messages are refused. */
#define WARD_GUEST_INBOX(capacity)                                                                 \
    WARD_GUEST_C WARD_GUEST_EXPORT("ward_alloc") uint8_t *ward_guest_export_alloc(uint32_t);       \
    WARD_GUEST_C uint8_t *ward_guest_export_alloc(uint32_t length)                                 \
    {                                                                                              \
        static uint8_t inbox[capacity];                                                            \
        return length <= sizeof inbox ? inbox : NULL;                                              \
    }

/** Exports a function from bytes to bytes under `name`; needs WARD_GUEST_INBOX. Parameters and body
 * follow:
 *      WARD_GUEST_CALL("handle-message", handle)(const uint8_t *bytes, uint32_t length)
 *      {
 *          ward_bytes echo = {bytes, length};
 *          return echo;
 *      } */
#define WARD_GUEST_CALL(name, function)                                                            \
    static ward_bytes function(const uint8_t *, uint32_t);                                         \
    WARD_GUEST_C WARD_GUEST_EXPORT(name)                                                           \
    uint64_t ward_guest_export_##function(const uint8_t *, uint32_t);                              \
    WARD_GUEST_C uint64_t ward_guest_export_##function(const uint8_t *bytes, uint32_t length)      \
    {                                                                                              \
        return ward_guest_pack_bytes(function(bytes, length));                                     \
    }                                                                                              \
    static ward_bytes function

#else /* natively: plain functions, for tests */
#define WARD_GUEST_HEALTH ward_answer ward_guest_health(void)
#define WARD_GUEST_INITIALIZE void ward_guest_initialize(void)
#define WARD_GUEST_CLEANUP void ward_guest_cleanup(void)
#define WARD_GUEST_INBOX(capacity) enum { ward_guest_inbox_capacity = (capacity) };
#define WARD_GUEST_CALL(name, function) ward_bytes function
#endif

#include "ward_host.h"

#endif
