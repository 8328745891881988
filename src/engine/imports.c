/* Which imports are offered, and what to say of those that are not. */
#include "engine_priv.h"

#include <stdio.h>
#include <string.h>

/* A name this close is likely a misspelling or an older spelling. */
#define DISTANCE_MAX 3u

/* What the engine offers under the import's name; false: nothing. */
static bool offered_type(const wardi_module *module, const ward_extern *import,
                         wasmtime_context_t *context, wardi_text *ret_type)
{
    wasmtime_extern_t found;
    if (!wasmtime_linker_get(module->variant->linker, context, import->module,
                             strlen(import->module), import->name, strlen(import->name), &found))
        return false;
    wasm_externtype_t *type = wasmtime_extern_type(context, &found);
    const wasm_functype_t *function = wasm_externtype_as_functype_const(type);
    if (function != NULL) describe_functype(ret_type, function);
    wasm_externtype_delete(type);
    wasmtime_extern_delete(&found);
    return true;
}

static bool import_waits(const wardi_module *module, const ward_extern *import)
{
    const wardi_import *offer = offers_find(module->engine, import->module, import->name);
    return offer != NULL ? offer->done != NULL : wasi_waits(import->module, import->name);
}

static void import_offer(wardi_module *module, ward_extern *import, wasmtime_context_t *context)
{
    char buffer[512];
    wardi_text type = WARDI_TEXT(buffer);
    import->offered =
        offered_type(module, import, context, &type) && strcmp(buffer, import->type) == 0;
    if (!import->offered) return;
    if (strcmp(import->module, WASI_PREVIEW1) == 0) module->wants_wasi = true;
    import->waits = import_waits(module, import);
    if (!import->waits || module->facts.waits) return;
    module->facts.waits = true;
    module->facts.waits_on = import->name;
}

/* Through a store of its own, since the linker tells types only of what is in a store. */
void imports_offer(wardi_module *module)
{
    if (module->facts.import_count == 0) return;
    wasmtime_store_t *store = wasmtime_store_new(module->variant->engine, NULL, NULL);
    wasmtime_context_t *context = wasmtime_store_context(store);
    for (size_t i = 0; i < module->facts.import_count; i++)
        import_offer(module, &module->imports[i], context);
    wasmtime_store_delete(store);
}

/* The name offered that is closest to one that is not; of two, that of the same module. */
typedef struct near_name {
    const char *module, *name; /* NULL: none is close */
    unsigned distance;
} near_name;

static void near_try(near_name *near, const ward_extern *import, const char *module,
                     const char *name)
{
    unsigned distance = 2 * wardi_edit_distance(import->name, name, DISTANCE_MAX);
    distance += strcmp(import->module, module) != 0;
    if (distance >= near->distance) return;
    *near = (near_name){.module = module, .name = name, .distance = distance};
}

static near_name closest(const wardi_engine *engine, const ward_extern *import)
{
    near_name near = {.distance = 2 * (DISTANCE_MAX + 1)};
    const char *offered;
    for (size_t i = 0; (offered = wasi_name(i)) != NULL; i++)
        near_try(&near, import, WASI_PREVIEW1, offered);
    for (size_t i = 0; i < engine->import_count; i++)
        near_try(&near, import, engine->imports[i].module, engine->imports[i].name);
    return near;
}

/* A component's imports are whole interfaces; a version or a preview apart is the usual cause. */
static void missing_interface(const ward_extern *import, wardi_text *text)
{
    wardi_text_printf(text, "\n  %s: %s", import->name, import->type);
    if (strncmp(import->name, "wasi:", 5) == 0)
        wardi_text_puts(text, " (offered: the interfaces of wasi:cli 0.2)");
}

static void missing_function(const wardi_module *module, const ward_extern *import,
                             wasmtime_context_t *context, wardi_text *text)
{
    char buffer[512];
    wardi_text type = WARDI_TEXT(buffer);
    wardi_text_printf(text, "\n  %s.%s: %s", import->module, import->name, import->type);
    if (offered_type(module, import, context, &type)) {
        wardi_text_printf(text, " (offered as %s)", buffer);
        return;
    }
    near_name near = closest(module->engine, import);
    if (near.name != NULL) wardi_text_printf(text, " (offered: %s.%s)", near.module, near.name);
}

/* Names may hold line ends, behind which a guest would write lines of its own. */
static void one_line(char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < ' ') *text = '?';
}

static size_t missing_count(const wardi_module *module)
{
    size_t count = 0;
    for (size_t i = 0; i < module->facts.import_count; i++) count += !module->imports[i].offered;
    return count;
}

static void missing_list(const wardi_module *module, size_t count, wardi_text *text)
{
    enum { TAIL_BYTES = 40 };
    wasmtime_store_t *store = wasmtime_store_new(module->variant->engine, NULL, NULL);
    wasmtime_context_t *context = wasmtime_store_context(store);
    size_t told = 0;
    for (size_t i = 0; i < module->facts.import_count; i++) {
        if (module->imports[i].offered) continue;
        char line[700];
        wardi_text one = WARDI_TEXT(line);
        if (module->facts.is_component)
            missing_interface(&module->imports[i], &one);
        else
            missing_function(module, &module->imports[i], context, &one);
        one_line(line + 1);
        if (text->length + one.length + TAIL_BYTES > text->capacity) break;
        wardi_text_puts(text, line);
        told++;
    }
    if (told < count) wardi_text_printf(text, "\n  and %zu more", count - told);
    wasmtime_store_delete(store);
}

/* Modules are told once each, in the order of the table. */
static void offered_modules(const wardi_engine *engine, wardi_text *text)
{
    for (size_t i = 0; i < engine->import_count; i++) {
        bool told = false;
        for (size_t k = 0; !told && k < i; k++)
            told = strcmp(engine->imports[k].module, engine->imports[i].module) == 0;
        if (!told) wardi_text_printf(text, ", %s", engine->imports[i].module);
    }
}

/* Interfaces of the component model are imported by what is to become a component, and is not yet.
 */
static void way_out(const wardi_module *module, wardi_text *text)
{
    if (module->facts.is_component) {
        wardi_text_puts(text, "WASI 0.2");
        return;
    }
    wardi_text_puts(text, "WASI preview 1 (" WASI_PREVIEW1 ")");
    offered_modules(module->engine, text);
    for (size_t i = 0; i < module->facts.import_count; i++) {
        if (module->imports[i].offered || strchr(module->imports[i].module, ':') == NULL) continue;
        wardi_text_puts(text, " to core modules; this one is the inside of a component, so load "
                              "the component (`wasm-tools component new` makes it)");
        return;
    }
}

ward_error wardi_module_check_imports(const wardi_module *module, ward_diag *ret_diag)
{
    size_t count = missing_count(module);
    if (count == 0) return WARD_OK;
    char buffer[sizeof ret_diag->text];
    wardi_text text = WARDI_TEXT(buffer);
    wardi_text_printf(&text, "%zu of %zu imports %s not offered; Ward offers ", count,
                      module->facts.import_count, count == 1 ? "is" : "are");
    way_out(module, &text);
    wardi_text_puts(&text, ":");
    missing_list(module, count, &text);
    return wardi_fail(ret_diag, WARD_ERROR_IMPORT_MISSING, "%s", buffer);
}
