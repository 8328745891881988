/* What the engine's tests share: an engine, and guests from text. */
#ifndef ENGINE_TEST_SUPPORT_H
#define ENGINE_TEST_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/engine.h"

/* Generous: a hang must fail, a slow machine must not. */
#define PATIENCE_NS (20 * WARDI_S)

typedef struct test_guest {
    wardi_module *module;
    wardi_instance *instance;
    ward_trap trap;
    ward_diag diag;
} test_guest;

static inline int engine_setup(void **state)
{
    wardi_engine_options options = {.memories_max = 64};
    wardi_engine *engine = NULL;
    ward_diag diag = {0};
    ward_error error = wardi_engine_new(&options, &engine, &diag);
    if (error != WARD_OK) fprintf(stderr, "%s\n", diag.text);
    *state = engine;
    return error != WARD_OK;
}

static inline int engine_teardown(void **state)
{
    wardi_engine_free(*state);
    return 0;
}

static inline ward_limits usual_limits(void)
{
    return (ward_limits){.memory_bytes_max = 256u << 20, .table_elements_max = 100000};
}

static inline ward_error guest_load(test_guest *guest, wardi_engine *engine, const char *wat,
                                    bool metered)
{
    wardi_module_source source = {
        .bytes = (const uint8_t *)wat, .length = strlen(wat), .metered = metered};
    uint64_t deadline_ns = wardi_now_ns() + PATIENCE_NS;
    return wardi_module_load(engine, &source, &deadline_ns, &guest->module, &guest->diag);
}

/* `options` may be NULL. */
static inline ward_error guest_make(test_guest *guest, const wardi_instance_options *options,
                                    uint64_t timeout_ns)
{
    wardi_instance_options usual = {.limits = usual_limits(), .name = "guest"};
    return wardi_instance_new(guest->module, options != NULL ? options : &usual,
                              wardi_now_ns() + timeout_ns, &guest->instance, &guest->trap,
                              &guest->diag);
}

static inline test_guest guest_start(wardi_engine *engine, const char *wat,
                                     const wardi_instance_options *options)
{
    test_guest guest = {0};
    bool metered = options != NULL && options->limits.fuel_per_call != 0;
    if (guest_load(&guest, engine, wat, metered) != WARD_OK) fail_msg("load: %s", guest.diag.text);
    if (guest_make(&guest, options, PATIENCE_NS) != WARD_OK)
        fail_msg("instantiate: %s", guest.diag.text);
    return guest;
}

static inline void guest_stop(test_guest *guest)
{
    wardi_instance_free(guest->instance);
    wardi_module_release(guest->module);
}

static inline ward_error guest_call_for(test_guest *guest, const char *name,
                                        const wardi_value *args, size_t arg_count,
                                        wardi_value *results, size_t result_count,
                                        uint64_t timeout_ns)
{
    wardi_func func;
    if (!wardi_instance_func(guest->instance, name, &func)) fail_msg("no function %s", name);
    return wardi_call(guest->instance, &func, args, arg_count, results, result_count, timeout_ns,
                      &guest->trap, &guest->diag);
}

static inline ward_error guest_call(test_guest *guest, const char *name, const wardi_value *args,
                                    size_t arg_count, wardi_value *results, size_t result_count)
{
    return guest_call_for(guest, name, args, arg_count, results, result_count, PATIENCE_NS);
}

/* A call () -> i32 that must succeed. */
static inline int32_t guest_i32(test_guest *guest, const char *name)
{
    wardi_value result = {0};
    if (guest_call(guest, name, NULL, 0, &result, 1) != WARD_OK)
        fail_msg("%s: %s", name, guest->diag.text);
    return (int32_t)result.bits;
}

#endif
