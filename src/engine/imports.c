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

static void import_offer(wardi_module *module, ward_extern *import, wasmtime_context_t *context)
{
    char buffer[512];
    wardi_text type = WARDI_TEXT(buffer);
    import->offered =
        offered_type(module, import, context, &type) && strcmp(buffer, import->type) == 0;
    if (!import->offered) return;
    module->wants_wasi = true;
    import->waits = wasi_waits(import->module, import->name);
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

static const char *closest(const char *name)
{
    const char *best = NULL;
    unsigned best_distance = DISTANCE_MAX + 1;
    const char *offered;
    for (size_t i = 0; (offered = wasi_name(i)) != NULL; i++) {
        unsigned distance = wardi_edit_distance(name, offered, DISTANCE_MAX);
        if (distance >= best_distance) continue;
        best = offered;
        best_distance = distance;
    }
    return best;
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
    const char *near = closest(import->name);
    if (near != NULL) wardi_text_printf(text, " (offered: " WASI_PREVIEW1 ".%s)", near);
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

/* Interfaces of the component model are imported by what is to become a component, and is not yet.
 */
static const char *way_out(const wardi_module *module)
{
    if (module->facts.is_component) return "WASI 0.2";
    for (size_t i = 0; i < module->facts.import_count; i++)
        if (!module->imports[i].offered && strchr(module->imports[i].module, ':') != NULL)
            return "WASI preview 1 (" WASI_PREVIEW1
                   ") to core modules; this one is the inside of a "
                   "component, so load the component (`wasm-tools component new` makes it)";
    return "WASI preview 1 (" WASI_PREVIEW1 ")";
}

ward_error wardi_module_check_imports(const wardi_module *module, ward_diag *ret_diag)
{
    size_t count = missing_count(module);
    if (count == 0) return WARD_OK;
    char buffer[sizeof ret_diag->text];
    wardi_text text = WARDI_TEXT(buffer);
    wardi_text_printf(&text, "%zu of %zu imports %s not offered; Ward offers %s:", count,
                      module->facts.import_count, count == 1 ? "is" : "are", way_out(module));
    missing_list(module, count, &text);
    return wardi_fail(ret_diag, WARD_ERROR_IMPORT_MISSING, "%s", buffer);
}
