/* The body of a call over the control socket: any bytes are refused with a word why, or read into
 * values that are within their bounds, and that come back the same when they are written. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "surface/http_api.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static bool is_same(const ward_value *a, const ward_value *b)
{
    if (a->kind != b->kind) return false;
    switch (a->kind) {
    case WARD_I32: return a->of.i32 == b->of.i32;
    case WARD_I64: return a->of.i64 == b->of.i64;
    case WARD_F32: return a->of.f32 == b->of.f32 || (a->of.f32 != a->of.f32);
    case WARD_F64: return a->of.f64 == b->of.f64 || (a->of.f64 != a->of.f64);
    }
    return false;
}

/* As an answer writes them, which is what a request may say. */
static void check_again(const http_call *call)
{
    http_text text = {0};
    http_call again = {.arg_count = 0};
    char wrong[200];
    http_json_open(&text, '{');
    http_json_key_text(&text, "function", "f");
    http_json_key(&text, "args");
    http_json_open(&text, '[');
    for (size_t i = 0; i < call->arg_count; i++) http_call_value(&text, &call->args[i]);
    http_json_close(&text, ']');
    http_json_close(&text, '}');
    WARD_ASSERT(!text.failed);
    bool read = http_call_read(text.bytes, text.length, &again, WARDI_TEXT(wrong));
    WARD_ASSERT(read && again.arg_count == call->arg_count);
    for (size_t i = 0; i < call->arg_count; i++)
        WARD_ASSERT(is_same(&call->args[i], &again.args[i]));
    http_text_done(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    http_call call = {.arg_count = 0};
    char wrong[200] = "";
    char *exact = malloc(length != 0 ? length : 1); /* of its very size, for the sanitizer */
    WARD_ASSERT(exact != NULL);
    if (length != 0) memcpy(exact, bytes, length);
    if (http_call_read(exact, length, &call, WARDI_TEXT(wrong))) {
        size_t name = strlen(call.function);
        WARD_ASSERT(name != 0 && name <= WARD_INVOKE_NAME_BYTES_MAX);
        WARD_ASSERT(call.arg_count <= WARD_INVOKE_VALUES_MAX);
        WARD_ASSERT(call.timeout_ns <= 60 * WARDI_S);
        check_again(&call);
    } else {
        WARD_ASSERT(wrong[0] != '\0');
    }
    free(exact);
    return 0;
}
