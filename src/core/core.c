#include "core/core.h"
#undef wardi_fail /* as the analyzer sees it */

#include <stdio.h>
#include <string.h>

typedef struct error_row {
    ward_error error;
    ward_error_class class_of;
    int http, grpc;
    const char *name, *text;
} error_row;

static const error_row error_rows[] = {
#define WARD_ERROR(name, number, class_, http, grpc, text)                                         \
    {WARD_ERROR_##name, WARD_ERROR_CLASS_##class_, http, grpc, #name, text},
#include <ward/error.def>
};

static const error_row *error_find(ward_error error)
{
    for (size_t i = 0; i < WARD_COUNT(error_rows); i++)
        if (error_rows[i].error == error) return &error_rows[i];
    return NULL;
}

/* error.def spells names in capitals, people and metrics in small letters: lowered once, at first
 * use, into a table that every thread would fill with the same bytes. */
const char *ward_error_name(ward_error error)
{
    static char names[WARD_COUNT(error_rows)][32];
    if (error == WARD_OK) return "ok";
    const error_row *row = error_find(error);
    if (row == NULL) return "unknown";
    char *name = names[row - error_rows];
    size_t length = strlen(row->name);
    WARD_ASSERT(length < sizeof names[0]);
    for (size_t i = length; i-- > 0;) {
        char c = row->name[i];
        __atomic_store_n(&name[i], (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c),
                         __ATOMIC_RELAXED);
    }
    return name;
}

const char *ward_error_text(ward_error error)
{
    if (error == WARD_OK) return "ok";
    const error_row *row = error_find(error);
    return row != NULL ? row->text : "unknown error";
}

ward_error_class ward_error_class_of(ward_error error)
{
    const error_row *row = error_find(error);
    if (row != NULL) return row->class_of;
    return error == WARD_OK ? WARD_ERROR_CLASS_NONE : WARD_ERROR_CLASS_BUG;
}

int ward_error_http_status(ward_error error)
{
    const error_row *row = error_find(error);
    if (row != NULL) return row->http;
    return error == WARD_OK ? 200 : 500;
}

int ward_error_grpc_status(ward_error error)
{
    const error_row *row = error_find(error);
    if (row != NULL) return row->grpc;
    return error == WARD_OK ? 0 : 13;
}

ward_error wardi_fail(ward_diag *ret_diag, ward_error error, const char *format, ...)
{
    if (ret_diag != NULL) {
        /* `format`'s arguments may stand in the very diag that is filled: build aside first. */
        char aside[sizeof ret_diag->text];
        wardi_text text = WARDI_TEXT(aside);
        va_list args;
        va_start(args, format);
        wardi_text_vprintf(&text, format, args);
        va_end(args);
        ret_diag->error = error;
        memcpy(ret_diag->text, aside, text.length + 1);
    }
    return error;
}

#define NAME_TABLE(function, type, ...)                                                            \
    const char *function(type value)                                                               \
    {                                                                                              \
        static const char *const names[] = {__VA_ARGS__};                                          \
        return (unsigned)value < WARD_COUNT(names) ? names[value] : "unknown";                     \
    }

NAME_TABLE(ward_state_name,
           ward_state, [WARD_STATE_CREATING] = "creating", [WARD_STATE_STARTING] = "starting",
           [WARD_STATE_READY] = "ready", [WARD_STATE_STOPPING] = "stopping",
           [WARD_STATE_TERMINATED] = "terminated", [WARD_STATE_FAILED] = "failed")
NAME_TABLE(ward_health_name, ward_health, [WARD_HEALTH_HEALTHY] = "healthy",
           [WARD_HEALTH_DEGRADED] = "degraded", [WARD_HEALTH_UNHEALTHY] = "unhealthy")
NAME_TABLE(ward_child_health_name, ward_child_health, [WARD_CHILD_HEALTHY] = "healthy",
           [WARD_CHILD_DEGRADED] = "degraded", [WARD_CHILD_FAILED] = "failed")
NAME_TABLE(ward_source_name,
           ward_source, [WARD_SOURCE_STATE] = "state", [WARD_SOURCE_PROBE] = "probe",
           [WARD_SOURCE_RESOURCE] = "resource", [WARD_SOURCE_POLICY] = "policy")
NAME_TABLE(ward_probe_error_name,
           ward_probe_error, [WARD_PROBE_OK] = "ok", [WARD_PROBE_TIMEOUT] = "timeout",
           [WARD_PROBE_TRAP] = "trap", [WARD_PROBE_RETURN_VALUE] = "return_value",
           [WARD_PROBE_POINTER] = "pointer", [WARD_PROBE_PREFIX_EMPTY] = "prefix_empty",
           [WARD_PROBE_PREFIX_TRUNCATED] = "prefix_truncated",
           [WARD_PROBE_PREFIX_TOO_LARGE] = "prefix_too_large",
           [WARD_PROBE_PREFIX_UNSUPPORTED] = "prefix_unsupported", [WARD_PROBE_PAYLOAD] = "payload")
NAME_TABLE(ward_resource_name, ward_resource, [WARD_RESOURCE_MEMORY] = "memory",
           [WARD_RESOURCE_GROWTHS_REFUSED] = "growths_refused", [WARD_RESOURCE_FUEL] = "fuel",
           [WARD_RESOURCE_TRAPS] = "traps", [WARD_RESOURCE_RESTARTS] = "restarts",
           [WARD_RESOURCE_BUSY] = "busy", [WARD_RESOURCE_MAILBOX] = "mailbox")

ward_child_health ward_child_health_from(ward_health health)
{
    switch (health) {
    case WARD_HEALTH_HEALTHY: return WARD_CHILD_HEALTHY;
    case WARD_HEALTH_DEGRADED: return WARD_CHILD_DEGRADED;
    case WARD_HEALTH_UNHEALTHY: return WARD_CHILD_FAILED;
    }
    return WARD_CHILD_FAILED;
}

ward_health ward_health_from(ward_child_health health)
{
    switch (health) {
    case WARD_CHILD_HEALTHY: return WARD_HEALTH_HEALTHY;
    case WARD_CHILD_DEGRADED: return WARD_HEALTH_DEGRADED;
    case WARD_CHILD_FAILED: return WARD_HEALTH_UNHEALTHY;
    }
    return WARD_HEALTH_UNHEALTHY;
}

static void reason_finish(ward_reason *reason, const wardi_text *text)
{
    reason->length = (uint16_t)text->length;
    reason->cut = text->cut;
}

void wardi_reason_set(ward_reason *reason, const char *string)
{
    wardi_text text = WARDI_TEXT(reason->text);
    wardi_text_puts(&text, string);
    reason_finish(reason, &text);
}

void wardi_reason_printf(ward_reason *reason, const char *format, ...)
{
    wardi_text text = WARDI_TEXT(reason->text);
    va_list args;
    va_start(args, format);
    wardi_text_vprintf(&text, format, args);
    va_end(args);
    reason_finish(reason, &text);
}

void wardi_reason_copy(ward_reason *to, const ward_reason *from)
{
    WARD_ASSERT(from->length <= WARD_REASON_BYTES_MAX);
    to->length = from->length;
    to->cut = from->cut;
    wardi_copy_short(to->text, from->text, from->length);
    to->text[from->length] = '\0';
}

bool wardi_name_valid(const char *name)
{
    if (name == NULL || name[0] == '\0' || name[0] == '.' || name[0] == '-') return false;
    size_t length = 0;
    for (; name[length] != '\0'; length++) {
        char c = name[length];
        bool word = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!word && c != '.' && c != '_' && c != '-') return false;
        if (length >= 127) return false;
    }
    return true;
}

void wardi_result_copy(void *ret_result, const void *all, size_t all_size)
{
    size_t size;
    memcpy(&size, ret_result, sizeof size);
    if (size > all_size) size = all_size;
    memcpy(ret_result, all, size);
    memcpy(ret_result, &size, sizeof size);
}

bool wardi_options_copy(void *to, size_t to_size, const void *from, size_t from_size)
{
    if (from_size == 0) return false;
    const unsigned char *bytes = from;
    for (size_t i = to_size; i < from_size; i++)
        if (bytes[i] != 0) return false;
    memset(to, 0, to_size);
    memcpy(to, from, from_size < to_size ? from_size : to_size);
    return true;
}
