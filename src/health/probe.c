/* What a probe that went wrong reads like. */
#include "health/health.h"

/* Whole milliseconds are said in milliseconds, as the contract spells it; anything finer as people
 * write it. */
static void timeout_text(uint64_t timeout_ns, ward_reason *ret_reason)
{
    if (timeout_ns % WARDI_MS == 0) {
        wardi_reason_printf(ret_reason, "Health check timeout (>%llums)",
                            (unsigned long long)(timeout_ns / WARDI_MS));
        return;
    }
    char words[32];
    wardi_text duration = WARDI_TEXT(words);
    wardi_text_duration(&duration, timeout_ns);
    wardi_reason_printf(ret_reason, "Health check timeout (>%s)", words);
}

static void payload_text(const char *unknown_case, ward_reason *ret_reason)
{
    if (unknown_case == NULL)
        wardi_reason_set(ret_reason, ward_error_text(WARD_ERROR_FRAME_PAYLOAD));
    else
        wardi_reason_printf(ret_reason,
                            "Unknown health \"%s\" (known: healthy, degraded, unhealthy)",
                            unknown_case);
}

void wardi_probe_error_text(const wardi_probe *probe, uint64_t timeout_ns, ward_reason *ret_reason)
{
    switch (probe->error) {
    case WARD_PROBE_OK: wardi_reason_set(ret_reason, ""); return;
    case WARD_PROBE_TIMEOUT: timeout_text(timeout_ns, ret_reason); return;
    case WARD_PROBE_TRAP:
        wardi_reason_printf(ret_reason, "_health trapped: %s",
                            probe->trap_cause != NULL ? probe->trap_cause : "unknown cause");
        return;
    case WARD_PROBE_RETURN_VALUE:
        wardi_reason_printf(ret_reason, "Invalid _health return value: %lld",
                            (long long)probe->detail);
        return;
    case WARD_PROBE_POINTER:
        wardi_reason_printf(ret_reason, "Invalid memory pointer: %llu",
                            (unsigned long long)probe->detail);
        return;
    case WARD_PROBE_PREFIX_EMPTY: wardi_reason_set(ret_reason, "Health frame is empty"); return;
    case WARD_PROBE_PREFIX_TRUNCATED:
        wardi_reason_set(ret_reason, "Health frame ends inside its multicodec prefix");
        return;
    case WARD_PROBE_PREFIX_TOO_LARGE:
        wardi_reason_set(ret_reason, "Multicodec prefix is longer than 5 bytes");
        return;
    case WARD_PROBE_PREFIX_UNSUPPORTED:
        wardi_reason_printf(ret_reason, "Unsupported multicodec: 0x%llx",
                            (unsigned long long)probe->detail);
        return;
    case WARD_PROBE_PAYLOAD: payload_text(probe->trap_cause, ret_reason); return;
    }
    wardi_reason_printf(ret_reason, "Unknown probe error %d", (int)probe->error);
}
