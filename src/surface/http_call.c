/* The body of a call: which function of a guest, with which numbers; and the numbers of its answer.
 */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "surface/http_api.h"

#define CALL_NS_MAX (60 * WARDI_S)

static const char *const kinds[] = {
    [WARD_I32] = "i32", [WARD_I64] = "i64", [WARD_F32] = "f32", [WARD_F64] = "f64"};

static bool read_real(const json_t *value, double *ret_real)
{
    static const struct {
        const char *name;
        double value;
    } names[] = {{"nan", NAN}, {"inf", INFINITY}, {"-inf", -INFINITY}};
    if (json_is_number(value)) {
        *ret_real = json_number_value(value);
        return true;
    }
    const char *text = json_string_value(value);
    for (size_t i = 0; text != NULL && i < WARD_COUNT(names); i++) {
        if (strcmp(text, names[i].name) != 0) continue;
        *ret_real = names[i].value;
        return true;
    }
    return false;
}

static bool read_value_as(ward_value_kind kind, const json_t *value, ward_value *ret_value)
{
    double real;
    ret_value->kind = kind;
    if (kind == WARD_F32 || kind == WARD_F64) {
        if (!read_real(value, &real)) return false;
        if (kind == WARD_F32)
            ret_value->of.f32 = (float)real;
        else
            ret_value->of.f64 = real;
        return true;
    }
    json_int_t whole = json_integer_value(value);
    /* An i32 may be written with a sign or without: its bits are what counts. */
    if (!json_is_integer(value)) return false;
    if (kind == WARD_I32 && (whole < INT32_MIN || whole > (json_int_t)UINT32_MAX)) return false;
    if (kind == WARD_I32)
        ret_value->of.i32 = (int32_t)(uint32_t)whole;
    else
        ret_value->of.i64 = (int64_t)whole;
    return true;
}

/* {"i64": 7}; or 7, which is an i32 where it fits, and else an i64; or 0.5, which is an f64. */
static bool read_value(const json_t *value, ward_value *ret_value)
{
    if (json_is_real(value)) return read_value_as(WARD_F64, value, ret_value);
    if (json_is_integer(value)) {
        json_int_t whole = json_integer_value(value);
        bool fits = whole >= INT32_MIN && whole <= INT32_MAX;
        return read_value_as(fits ? WARD_I32 : WARD_I64, value, ret_value);
    }
    if (json_object_size(value) != 1) return false;
    for (size_t kind = 0; kind < WARD_COUNT(kinds); kind++) {
        const json_t *found = json_object_get(value, kinds[kind]);
        if (found != NULL) return read_value_as((ward_value_kind)kind, found, ret_value);
    }
    return false;
}

static const char *read_args(const json_t *args, http_call *call)
{
    if (args == NULL) return NULL;
    if (!json_is_array(args) || json_array_size(args) > WARD_INVOKE_VALUES_MAX)
        return "args is a list of at most 16 numbers";
    call->arg_count = json_array_size(args);
    for (size_t i = 0; i < call->arg_count; i++)
        if (!read_value(json_array_get(args, i), &call->args[i]))
            return "an argument is a number, or like {\"i64\": 7}, {\"f32\": 0.5}, {\"f64\": "
                   "\"nan\"}, within its range";
    return NULL;
}

static const char *read_timeout(const json_t *document, http_call *call)
{
    const json_t *ns = json_object_get(document, "timeout_ns");
    const char *text = json_string_value(json_object_get(document, "timeout"));
    if (ns != NULL) {
        if (!json_is_integer(ns) || json_integer_value(ns) <= 0) return "timeout_ns is a number";
        call->timeout_ns = (uint64_t)json_integer_value(ns);
    } else if (json_object_get(document, "timeout") != NULL) {
        if (text == NULL || !http_duration_read(text, &call->timeout_ns) || call->timeout_ns == 0)
            return "timeout is like \"250ms\" or \"10s\"";
    }
    return call->timeout_ns <= CALL_NS_MAX ? NULL : "a call has 60 seconds at most";
}

/* NULL: all is well; else what is wrong. */
static const char *read_call(const json_t *document, http_call *call)
{
    static const char *const known[] = {"function", "args", "timeout", "timeout_ns"};
    const char *function = json_string_value(json_object_get(document, "function"));
    size_t found = 0;
    for (size_t i = 0; i < WARD_COUNT(known); i++)
        found += json_object_get(document, known[i]) != NULL;
    if (!json_is_object(document) || found != json_object_size(document))
        return "it is an object of function, args, and timeout or timeout_ns";
    wardi_text name = WARDI_TEXT(call->function);
    if (function == NULL || *function == '\0') return "function is the name of an export";
    wardi_text_puts(&name, function);
    if (name.cut) return "the name of a function has at most 95 bytes";
    const char *wrong = read_args(json_object_get(document, "args"), call);
    return wrong != NULL ? wrong : read_timeout(document, call);
}

bool http_call_read(const char *bytes, size_t length, http_call *ret_call, wardi_text wrong)
{
    json_error_t error;
    json_t *document = json_loadb(bytes != NULL ? bytes : "", length,
                                  JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    const char *why = document == NULL ? error.text : read_call(document, ret_call);
    if (why != NULL) wardi_text_puts(&wrong, why);
    json_decref(document);
    return why == NULL;
}

void http_call_value(http_text *to, const ward_value *value)
{
    http_json_open(to, '{');
    http_json_key(to, kinds[value->kind]);
    switch (value->kind) {
    case WARD_I32: http_json_i64(to, value->of.i32); break;
    case WARD_I64: http_json_i64(to, value->of.i64); break;
    case WARD_F32: http_json_double(to, (double)value->of.f32); break;
    case WARD_F64: http_json_double(to, value->of.f64); break;
    }
    http_json_close(to, '}');
}
