/* What a core module is made of, in people's words. */
#include "engine_priv.h"

#include <string.h>

char *describe_copy(const char *bytes, size_t length)
{
    char *copy = wardi_alloc(length + 1);
    if (copy != NULL && length != 0) memcpy(copy, bytes, length);
    return copy;
}

/* Names of modules may hold NUL bytes, C's texts do not: cut there, `_health\0x` would pass for
 * `_health`. Each is shown as the character that stands for it, and so matches nothing we look for.
 */
char *describe_name(const char *bytes, size_t length)
{
    static const char shown[] = "\xe2\x90\x80"; /* U+2400 */
    size_t nuls = 0;
    for (size_t i = 0; i < length; i++) nuls += bytes[i] == '\0';
    if (nuls == 0) return describe_copy(bytes, length);
    char *copy = wardi_alloc(length + nuls * (sizeof shown - 2) + 1), *to = copy;
    for (size_t i = 0; copy != NULL && i < length; i++) {
        if (bytes[i] != '\0') {
            *to++ = bytes[i];
            continue;
        }
        memcpy(to, shown, sizeof shown - 1);
        to += sizeof shown - 1;
    }
    return copy;
}

/* ---- types ---- */

static const char *heap_name(wasmtime_heaptype_kind_t kind)
{
    static const char *const names[] = {"extern", "noextern", "func", "type",  "nofunc", "any",
                                        "none",   "eq",       "i31",  "array", "type",   "struct",
                                        "type",   "exn",      "type", "noexn"};
    return kind < WARD_COUNT(names) ? names[kind] : "type";
}

/* The older accessor, wasm_valtype_kind, ends the process on v128 and typed references. */
static void describe_valtype(wardi_text *text, const wasm_valtype_t *type)
{
    static const char *const names[] = {"i32", "i64", "f32", "f64", "v128"};
    wasmtime_valtype_t full;
    wasmtime_valtype_new(type, &full);
    if (full.kind < WARD_COUNT(names)) {
        wardi_text_puts(text, names[full.kind]);
    } else if (full.reftype.nullable && full.reftype.heaptype.kind <= WASMTIME_HEAPTYPE_KIND_FUNC) {
        wardi_text_printf(text, "%sref", heap_name(full.reftype.heaptype.kind));
    } else {
        wardi_text_printf(text, "(ref %s%s)", full.reftype.nullable ? "null " : "",
                          heap_name(full.reftype.heaptype.kind));
    }
    wasmtime_valtype_delete(&full);
}

static void describe_valtypes(wardi_text *text, const wasm_valtype_vec_t *types)
{
    for (size_t i = 0; i < types->size; i++) {
        if (i != 0) wardi_text_puts(text, ", ");
        describe_valtype(text, types->data[i]);
    }
}

void describe_functype(wardi_text *text, const wasm_functype_t *type)
{
    const wasm_valtype_vec_t *results = wasm_functype_results(type);
    wardi_text_puts(text, "func (");
    describe_valtypes(text, wasm_functype_params(type));
    wardi_text_puts(text, ")");
    if (results->size == 0) return;
    wardi_text_puts(text, results->size == 1 ? " -> " : " -> (");
    describe_valtypes(text, results);
    if (results->size != 1) wardi_text_puts(text, ")");
}

static void describe_limits(wardi_text *text, const section_limits *limits)
{
    wardi_text_printf(text, "%llu..", (unsigned long long)limits->min);
    if (limits->has_max) wardi_text_printf(text, "=%llu", (unsigned long long)limits->max);
}

static void describe_memory(wardi_text *text, const wasm_memorytype_t *type)
{
    section_limits limits = {.min = wasmtime_memorytype_minimum(type)};
    limits.has_max = wasmtime_memorytype_maximum(type, &limits.max);
    wardi_text_printf(text, "memory%s ", wasmtime_memorytype_is64(type) ? "64" : "");
    describe_limits(text, &limits);
    wardi_text_puts(text, " pages");
}

/* `limits` may be NULL: the sections were not understood. */
static void describe_table(wardi_text *text, const wasm_tabletype_t *type,
                           const section_limits *limits)
{
    wardi_text_puts(text, "table ");
    describe_valtype(text, wasm_tabletype_element(type));
    if (limits == NULL) return;
    wardi_text_puts(text, " ");
    describe_limits(text, limits);
}

static void describe_global(wardi_text *text, const wasm_globaltype_t *type)
{
    wardi_text_puts(text, wasm_globaltype_mutability(type) == WASM_VAR ? "global mut " : "global ");
    describe_valtype(text, wasm_globaltype_content(type));
}

/* Returns the kind, and a copy of the description in `*ret_type`. */
static wardi_extern_kind describe_extern(const wasm_externtype_t *type, const section_limits *table,
                                         char **ret_type)
{
    char buffer[512];
    wardi_text text = WARDI_TEXT(buffer);
    wardi_extern_kind kind = WARDI_EXTERN_OTHER;
    switch (wasm_externtype_kind(type)) {
    case WASM_EXTERN_FUNC:
        kind = WARDI_EXTERN_FUNC;
        describe_functype(&text, wasm_externtype_as_functype_const(type));
        break;
    case WASM_EXTERN_MEMORY:
        kind = WARDI_EXTERN_MEMORY;
        describe_memory(&text, wasm_externtype_as_memorytype_const(type));
        break;
    case WASM_EXTERN_TABLE:
        kind = WARDI_EXTERN_TABLE;
        describe_table(&text, wasm_externtype_as_tabletype_const(type), table);
        break;
    case WASM_EXTERN_GLOBAL:
        kind = WARDI_EXTERN_GLOBAL;
        describe_global(&text, wasm_externtype_as_globaltype_const(type));
        break;
    default: wardi_text_puts(&text, "tag");
    }
    *ret_type = describe_copy(buffer, text.length);
    return kind;
}

/* ---- signatures ---- */

static bool kinds_of(const wasm_valtype_vec_t *types, wardi_value_kind *kinds)
{
    for (size_t i = 0; i < types->size; i++) {
        wasmtime_valtype_t full;
        wasmtime_valtype_new(types->data[i], &full);
        wasmtime_valtype_kind_t kind = full.kind;
        wasmtime_valtype_delete(&full);
        if (kind > WASMTIME_VALTYPE_KIND_F64) return false;
        kinds[i] = (wardi_value_kind)kind; /* i32, i64, f32, f64 in both */
    }
    return true;
}

/* One allocation for both lists, which `params` owns. */
static bool signature_read(const wasm_functype_t *type, wardi_signature *signature)
{
    const wasm_valtype_vec_t *params = wasm_functype_params(type);
    const wasm_valtype_vec_t *results = wasm_functype_results(type);
    wardi_value_kind *kinds = wardi_alloc_array(params->size + results->size, sizeof *kinds);
    if (kinds == NULL) return false;
    signature->params = kinds;
    signature->results = kinds + params->size;
    signature->param_count = params->size;
    signature->result_count = results->size;
    signature->numeric = kinds_of(params, kinds) && kinds_of(results, kinds + params->size);
    return true;
}

/* ---- the whole ---- */

static bool describe_imports(wardi_module *module, const wasm_importtype_vec_t *types,
                             const section_facts *sections)
{
    module->imports = wardi_alloc_array(types->size, sizeof *module->imports);
    if (module->imports == NULL) return false;
    module->facts.imports = module->imports;
    uint32_t tables = 0;
    for (size_t i = 0; i < types->size; i++) {
        const wasm_externtype_t *type = wasm_importtype_type(types->data[i]);
        const wasm_name_t *from = wasm_importtype_module(types->data[i]);
        const wasm_name_t *name = wasm_importtype_name(types->data[i]);
        const section_limits *table = NULL;
        if (wasm_externtype_kind(type) == WASM_EXTERN_TABLE && tables < sections->table_count)
            table = &sections->tables[tables++];
        ward_extern *import = &module->imports[i];
        char *text = NULL;
        (void)describe_extern(type, table, &text);
        import->type = text;
        import->module = describe_name(from->data, from->size);
        import->name = describe_name(name->data, name->size);
        module->facts.import_count = i + 1;
        if (text == NULL || import->module == NULL || import->name == NULL) return false;
    }
    return true;
}

static bool describe_export(wardi_module *module, size_t i, const wasm_exporttype_t *type,
                            const section_facts *sections)
{
    const wasm_externtype_t *of = wasm_exporttype_type(type);
    const wasm_name_t *name = wasm_exporttype_name(type);
    const section_limits *table = NULL;
    uint32_t index = i < sections->export_count ? sections->export_indices[i] : UINT32_MAX;
    if (index < sections->table_count) table = &sections->tables[index];
    char *text = NULL;
    module->details[i].kind = describe_extern(of, table, &text);
    module->exports[i] = (ward_extern){.module = describe_copy("", 0),
                                       .name = describe_name(name->data, name->size),
                                       .type = text};
    if (text == NULL || module->exports[i].name == NULL || module->exports[i].module == NULL)
        return false;
    if (module->details[i].kind != WARDI_EXTERN_FUNC) return true;
    return signature_read(wasm_externtype_as_functype_const(of), &module->details[i].signature);
}

static bool describe_exports(wardi_module *module, const wasm_exporttype_vec_t *types,
                             const section_facts *sections)
{
    module->exports = wardi_alloc_array(types->size, sizeof *module->exports);
    module->details = wardi_alloc_array(types->size, sizeof *module->details);
    if (module->exports == NULL || module->details == NULL) return false;
    module->facts.exports = module->exports;
    module->facts.export_details = module->details;
    for (size_t i = 0; i < types->size; i++) {
        module->facts.export_count = i + 1;
        if (!describe_export(module, i, types->data[i], sections)) return false;
    }
    return true;
}

static void describe_minimum(wardi_module *module, const section_facts *sections)
{
    wardi_module_facts *facts = &module->facts;
    for (uint32_t i = 0; i < sections->memory_count; i++) {
        uint64_t bytes;
        if (sections->memories[i].imported) continue;
        if (__builtin_mul_overflow(sections->memories[i].min, UINT64_C(65536), &bytes))
            bytes = UINT64_MAX;
        facts->memory_bytes_min = wardi_add_sat(facts->memory_bytes_min, bytes);
    }
    for (uint32_t i = 0; i < sections->table_count; i++)
        if (!sections->tables[i].imported && sections->tables[i].min > facts->table_elements_min)
            facts->table_elements_min = sections->tables[i].min;
}

ward_error module_describe(wardi_module *module, const uint8_t *bytes, size_t length,
                           ward_diag *ret_diag)
{
    section_facts sections = {0};
    wasm_importtype_vec_t imports = WASM_EMPTY_VEC;
    wasm_exporttype_vec_t exports = WASM_EMPTY_VEC;
    (void)section_facts_read(bytes, length, &sections);
    wasmtime_module_imports(module->core, &imports);
    wasmtime_module_exports(module->core, &exports);
    describe_minimum(module, &sections);
    bool done = describe_imports(module, &imports, &sections) &&
                describe_exports(module, &exports, &sections);
    wasm_importtype_vec_delete(&imports);
    wasm_exporttype_vec_delete(&exports);
    section_facts_done(&sections);
    if (!done) return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory to describe a module");
    return WARD_OK;
}

void module_undescribe(wardi_module *module)
{
    for (size_t i = 0; i < module->facts.import_count; i++) {
        wardi_free((void *)(uintptr_t)module->imports[i].module);
        wardi_free((void *)(uintptr_t)module->imports[i].name);
        wardi_free((void *)(uintptr_t)module->imports[i].type);
    }
    for (size_t i = 0; i < module->facts.export_count; i++) {
        wardi_free((void *)(uintptr_t)module->exports[i].module);
        wardi_free((void *)(uintptr_t)module->exports[i].name);
        wardi_free((void *)(uintptr_t)module->exports[i].type);
        wardi_free((void *)(uintptr_t)module->details[i].signature.params);
    }
    wardi_free(module->imports);
    wardi_free(module->exports);
    wardi_free(module->details);
}
