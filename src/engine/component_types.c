/* What a component is made of: its imports and exports, in the words of its interface language. */
#include "engine_priv.h"

#include <string.h>

/* The engine finds the nth by counting from the first, so a list costs its square, and a guest can
 * have lists of a million: all are read as far as there is room for their words, or to here. */
#define EXTERNS_MAX 4096u
#define CASES_MAX 64u
#define FIELDS_MAX 64u
/* Types nest; people stop reading earlier. */
#define DEPTH_MAX 4u

/* ---- types ---- */

static void put_type(wardi_text *text, const wasmtime_component_valtype_t *type, unsigned depth);

static void put_and_delete(wardi_text *text, wasmtime_component_valtype_t *type, unsigned depth)
{
    put_type(text, type, depth);
    wasmtime_component_valtype_delete(type);
}

static void put_variant(wardi_text *text, const wasmtime_component_variant_type_t *variant,
                        unsigned depth)
{
    wardi_text_puts(text, "variant {");
    size_t count = wasmtime_component_variant_type_case_count(variant);
    for (size_t i = 0; i < count && !text->cut; i++) {
        const char *name;
        size_t length;
        bool loaded;
        wasmtime_component_valtype_t payload;
        if (!wasmtime_component_variant_type_case_nth(variant, i, &name, &length, &loaded,
                                                      &payload))
            break;
        wardi_text_puts(text, i == 0 ? " " : ", ");
        wardi_text_add(text, name, length);
        if (!loaded) continue;
        wardi_text_puts(text, "(");
        put_and_delete(text, &payload, depth + 1);
        wardi_text_puts(text, ")");
    }
    wardi_text_puts(text, " }");
}

static void put_enum(wardi_text *text, const wasmtime_component_enum_type_t *enumeration)
{
    wardi_text_puts(text, "enum {");
    size_t count = wasmtime_component_enum_type_names_count(enumeration);
    for (size_t i = 0; i < count && !text->cut; i++) {
        const char *name;
        size_t length;
        if (!wasmtime_component_enum_type_names_nth(enumeration, i, &name, &length)) break;
        wardi_text_puts(text, i == 0 ? " " : ", ");
        wardi_text_add(text, name, length);
    }
    wardi_text_puts(text, " }");
}

static void put_record(wardi_text *text, const wasmtime_component_record_type_t *record,
                       unsigned depth)
{
    wardi_text_puts(text, "record {");
    size_t count = wasmtime_component_record_type_field_count(record);
    for (size_t i = 0; i < count && !text->cut; i++) {
        const char *name;
        size_t length;
        wasmtime_component_valtype_t field;
        if (!wasmtime_component_record_type_field_nth(record, i, &name, &length, &field)) break;
        wardi_text_puts(text, i == 0 ? " " : ", ");
        wardi_text_add(text, name, length);
        wardi_text_puts(text, ": ");
        put_and_delete(text, &field, depth + 1);
    }
    wardi_text_puts(text, " }");
}

static void put_wrapped(wardi_text *text, const char *name, wasmtime_component_valtype_t *inner,
                        unsigned depth)
{
    wardi_text_printf(text, "%s<", name);
    put_and_delete(text, inner, depth + 1);
    wardi_text_puts(text, ">");
}

static void put_type(wardi_text *text, const wasmtime_component_valtype_t *type, unsigned depth)
{
    static const char *const names[] = {
        "bool",   "s8",     "s16",     "s32",    "s64",           "u8",     "u16",
        "u32",    "u64",    "f32",     "f64",    "char",          "string", "list",
        "record", "tuple",  "variant", "enum",   "option",        "result", "flags",
        "own",    "borrow", "future",  "stream", "error-context", "map"};
    wasmtime_component_valtype_t inner;
    bool deep = depth >= DEPTH_MAX || text->cut;
    if (!deep && type->kind == WASMTIME_COMPONENT_VALTYPE_LIST) {
        wasmtime_component_list_type_element(type->of.list, &inner);
        put_wrapped(text, "list", &inner, depth);
    } else if (!deep && type->kind == WASMTIME_COMPONENT_VALTYPE_OPTION) {
        wasmtime_component_option_type_ty(type->of.option, &inner);
        put_wrapped(text, "option", &inner, depth);
    } else if (!deep && type->kind == WASMTIME_COMPONENT_VALTYPE_VARIANT) {
        put_variant(text, type->of.variant, depth);
    } else if (!deep && type->kind == WASMTIME_COMPONENT_VALTYPE_ENUM) {
        put_enum(text, type->of.enum_);
    } else if (!deep && type->kind == WASMTIME_COMPONENT_VALTYPE_RECORD) {
        put_record(text, type->of.record, depth);
    } else {
        wardi_text_puts(text, type->kind < WARD_COUNT(names) ? names[type->kind] : "?");
    }
}

static void put_func(wardi_text *text, const wasmtime_component_func_type_t *func)
{
    wasmtime_component_valtype_t type;
    wardi_text_puts(text, wasmtime_component_func_type_async(func) ? "async func(" : "func(");
    size_t count = wasmtime_component_func_type_param_count(func);
    for (size_t i = 0; i < count && !text->cut; i++) {
        const char *name;
        size_t length;
        if (!wasmtime_component_func_type_param_nth(func, i, &name, &length, &type)) break;
        if (i != 0) wardi_text_puts(text, ", ");
        wardi_text_add(text, name, length);
        wardi_text_puts(text, ": ");
        put_and_delete(text, &type, 0);
    }
    wardi_text_puts(text, ")");
    if (!wasmtime_component_func_type_result(func, &type)) return;
    wardi_text_puts(text, " -> ");
    put_and_delete(text, &type, 0);
}

static char *item_text(const wasmtime_component_item_t *item)
{
    static const char *const names[] = {"component", "instance",  "module", "func",
                                        "resource",  "core func", "type"};
    char buffer[512];
    wardi_text text = WARDI_TEXT(buffer);
    if (item->kind == WASMTIME_COMPONENT_ITEM_COMPONENT_FUNC)
        put_func(&text, item->of.component_func);
    else
        wardi_text_puts(&text, item->kind < WARD_COUNT(names) ? names[item->kind] : "?");
    return describe_copy(buffer, text.length);
}

/* ---- the shape of a result ---- */

static bool is_text_payload(const wasmtime_component_valtype_t *type)
{
    if (type->kind == WASMTIME_COMPONENT_VALTYPE_STRING) return true;
    if (type->kind != WASMTIME_COMPONENT_VALTYPE_RECORD) return false;
    const wasmtime_component_record_type_t *record = type->of.record;
    size_t count = wasmtime_component_record_type_field_count(record);
    if (count > FIELDS_MAX) return false;
    for (size_t i = 0; i < count; i++) {
        const char *name;
        size_t length;
        wasmtime_component_valtype_t field;
        if (!wasmtime_component_record_type_field_nth(record, i, &name, &length, &field))
            return false;
        bool is_string = field.kind == WASMTIME_COMPONENT_VALTYPE_STRING;
        wasmtime_component_valtype_delete(&field);
        if (!is_string) return false;
    }
    return true;
}

static bool is_cases(const wasmtime_component_variant_type_t *variant)
{
    size_t count = wasmtime_component_variant_type_case_count(variant);
    if (count > CASES_MAX) return false;
    for (size_t i = 0; i < count; i++) {
        const char *name;
        size_t length;
        bool loaded;
        wasmtime_component_valtype_t payload;
        if (!wasmtime_component_variant_type_case_nth(variant, i, &name, &length, &loaded,
                                                      &payload))
            return false;
        if (!loaded) continue;
        bool fits = is_text_payload(&payload);
        wasmtime_component_valtype_delete(&payload);
        if (!fits) return false;
    }
    return true;
}

static wardi_result_shape shape_of_type(const wasmtime_component_valtype_t *type)
{
    if (type->kind == WASMTIME_COMPONENT_VALTYPE_ENUM) return WARDI_RESULT_CASES;
    if (type->kind == WASMTIME_COMPONENT_VALTYPE_VARIANT)
        return is_cases(type->of.variant) ? WARDI_RESULT_CASES : WARDI_RESULT_OTHER;
    if (type->kind != WASMTIME_COMPONENT_VALTYPE_LIST) return WARDI_RESULT_OTHER;
    wasmtime_component_valtype_t element;
    wasmtime_component_list_type_element(type->of.list, &element);
    bool is_bytes = element.kind == WASMTIME_COMPONENT_VALTYPE_U8;
    wasmtime_component_valtype_delete(&element);
    return is_bytes ? WARDI_RESULT_LIST_U8 : WARDI_RESULT_OTHER;
}

static wardi_result_shape shape_of(const wasmtime_component_func_type_t *func)
{
    wasmtime_component_valtype_t type;
    if (wasmtime_component_func_type_async(func)) return WARDI_RESULT_OTHER;
    if (!wasmtime_component_func_type_result(func, &type)) return WARDI_RESULT_OTHER;
    wardi_result_shape shape = shape_of_type(&type);
    wasmtime_component_valtype_delete(&type);
    return shape;
}

/* ---- lists ---- */

static bool interface_offered(const char *name)
{
    static const char *const offered[] = {"wasi:cli/environment",
                                          "wasi:cli/exit",
                                          "wasi:cli/stderr",
                                          "wasi:cli/stdin",
                                          "wasi:cli/stdout",
                                          "wasi:cli/terminal-input",
                                          "wasi:cli/terminal-output",
                                          "wasi:cli/terminal-stderr",
                                          "wasi:cli/terminal-stdin",
                                          "wasi:cli/terminal-stdout",
                                          "wasi:clocks/monotonic-clock",
                                          "wasi:clocks/wall-clock",
                                          "wasi:filesystem/preopens",
                                          "wasi:filesystem/types",
                                          "wasi:io/error",
                                          "wasi:io/poll",
                                          "wasi:io/streams",
                                          "wasi:random/insecure",
                                          "wasi:random/insecure-seed",
                                          "wasi:random/random",
                                          "wasi:sockets/instance-network",
                                          "wasi:sockets/ip-name-lookup",
                                          "wasi:sockets/network",
                                          "wasi:sockets/tcp",
                                          "wasi:sockets/tcp-create-socket",
                                          "wasi:sockets/udp",
                                          "wasi:sockets/udp-create-socket"};
    const char *version = strchr(name, '@');
    if (version == NULL || strncmp(version, "@0.2.", 5) != 0) return false;
    size_t length = (size_t)(version - name);
    for (size_t i = 0; i < WARD_COUNT(offered); i++)
        if (strlen(offered[i]) == length && memcmp(offered[i], name, length) == 0) return true;
    return false;
}

static bool import_add(wardi_module *module, const char *name, size_t length,
                       const wasmtime_component_item_t *item)
{
    ward_extern *import = &module->imports[module->facts.import_count++];
    import->module = describe_copy("", 0);
    import->name = describe_name(name, length);
    import->type = item_text(item);
    if (import->module == NULL || import->name == NULL || import->type == NULL) return false;
    bool is_interface = item->kind == WASMTIME_COMPONENT_ITEM_COMPONENT_INSTANCE;
    /* A type that is imported by equality asks for nothing. */
    import->offered = item->kind == WASMTIME_COMPONENT_ITEM_TYPE ||
                      (is_interface && interface_offered(import->name));
    import->waits = is_interface && import->offered;
    module->wants_wasi = module->wants_wasi || import->waits;
    return true;
}

static bool list_imports(wardi_module *module, const wasmtime_component_type_t *type, size_t count)
{
    const wasm_engine_t *engine = module->variant->engine;
    module->imports = wardi_alloc_array(count, sizeof *module->imports);
    module->facts.imports = module->imports;
    bool done = module->imports != NULL;
    for (size_t i = 0; done && i < count; i++) {
        const char *name;
        size_t length;
        wasmtime_component_item_t item;
        if (!wasmtime_component_type_import_nth(type, engine, i, &name, &length, &item)) break;
        done = import_add(module, name, length, &item);
        wasmtime_component_item_delete(&item);
    }
    return done;
}

static bool export_add(wardi_module *module, const char *interface, const char *name, size_t length,
                       const wasmtime_component_item_t *item)
{
    size_t i = module->facts.export_count, size = sizeof *module->exports;
    if (i == EXTERNS_MAX) return true; /* the rest is neither shown nor called */
    ward_extern *exports = wardi_grow(module->exports, i * size, (i + 1) * size);
    if (exports != NULL) module->facts.exports = module->exports = exports;
    wardi_export *details =
        wardi_grow(module->details, i * sizeof *module->details, (i + 1) * sizeof *module->details);
    if (details != NULL) module->facts.export_details = module->details = details;
    if (exports == NULL || details == NULL) return false;
    module->facts.export_count++;
    exports[i].module = describe_copy(interface, strlen(interface));
    exports[i].name = describe_name(name, length);
    exports[i].type = item_text(item);
    details[i].kind = WARDI_EXTERN_OTHER;
    if (item->kind == WASMTIME_COMPONENT_ITEM_COMPONENT_FUNC) {
        const wasmtime_component_func_type_t *func = item->of.component_func;
        details[i].kind = WARDI_EXTERN_FUNC;
        details[i].component_param_count = wasmtime_component_func_type_param_count(func);
        details[i].shape = shape_of(func);
    }
    return exports[i].module != NULL && exports[i].name != NULL && exports[i].type != NULL;
}

/* Of all interfaces together, `*left` items are looked at. */
static bool list_interface(wardi_module *module, const char *interface,
                           const wasmtime_component_instance_type_t *type, size_t *left)
{
    const wasm_engine_t *engine = module->variant->engine;
    size_t count = wasmtime_component_instance_type_export_count(type, engine);
    bool done = true;
    for (size_t i = 0; done && i < count && *left != 0; i++, (*left)--) {
        const char *name;
        size_t length;
        wasmtime_component_item_t item;
        if (!wasmtime_component_instance_type_export_nth(type, engine, i, &name, &length, &item))
            break;
        if (item.kind == WASMTIME_COMPONENT_ITEM_COMPONENT_FUNC)
            done = export_add(module, interface, name, length, &item);
        wasmtime_component_item_delete(&item);
    }
    return done;
}

/* Twice: what stands at the top first, then what interfaces hold. */
static bool list_exports(wardi_module *module, const wasmtime_component_type_t *type, size_t count,
                         bool interfaces)
{
    const wasm_engine_t *engine = module->variant->engine;
    size_t left = EXTERNS_MAX;
    bool done = true;
    for (size_t i = 0; done && i < count; i++) {
        const char *name;
        size_t length;
        wasmtime_component_item_t item;
        if (!wasmtime_component_type_export_nth(type, engine, i, &name, &length, &item)) break;
        bool is_interface = item.kind == WASMTIME_COMPONENT_ITEM_COMPONENT_INSTANCE;
        char *copy = describe_name(name, length);
        if (copy == NULL)
            done = false;
        else if (!interfaces)
            done = export_add(module, "", name, length, &item);
        else if (is_interface)
            done = list_interface(module, copy, item.of.component_instance, &left);
        wardi_free(copy);
        wasmtime_component_item_delete(&item);
    }
    return done;
}

ward_error component_describe(wardi_module *module, ward_diag *ret_diag)
{
    const wasm_engine_t *engine = module->variant->engine;
    wasmtime_component_type_t *type = wasmtime_component_type(module->component);
    size_t imports = wasmtime_component_type_import_count(type, engine);
    size_t exports = wasmtime_component_type_export_count(type, engine);
    ward_error error = WARD_OK;
    if (imports > EXTERNS_MAX || exports > EXTERNS_MAX)
        error = wardi_fail(ret_diag, WARD_ERROR_COMPILE,
                           "the component has %zu imports and %zu exports; Ward takes %u of each",
                           imports, exports, EXTERNS_MAX);
    else if (!list_imports(module, type, imports) || !list_exports(module, type, exports, false) ||
             !list_exports(module, type, exports, true))
        error = wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory to describe a component");
    wasmtime_component_type_delete(type);
    module->facts.waits = true;
    return error == WARD_OK ? component_prepare(module, ret_diag) : error;
}
