/* Core dumps of a guest, in the format of WebAssembly's tool conventions: a module that is not
 * meant to run, whose sections say what ran where, and what lay in memory.
 *
 * What the engine tells us is in it: the frames of the trap, without their locals; the memory that
 * the guest exports; the globals that it exports, as exports of their names: by index they could
 * not be told apart from those that stay hidden. Written as it is read, through a buffer, so that
 * nothing is needed of a machine on which things have gone wrong. */
#include "wasi_priv.h" /* signals of writing, held back */

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Readers take no module above 1 GiB; headers and stack are far below what is left of it. */
#define MEMORY_BYTES_MOST (1000u << 20)
#define MEMORY_BYTES_USUAL (256u << 20)
/* Zeroes are left out in pieces of so many bytes: a page, or more where that would make more
 * segments than readers take (100,000). */
#define PIECE_BYTES 4096u
#define PIECES_MOST 200000u

enum { SECTION_MEMORY = 5, SECTION_GLOBAL = 6, SECTION_EXPORT = 7, SECTION_DATA = 11 };

/* ---- writing ---- */

typedef struct dump_out {
    int descriptor;
    int failed;      /* errno */
    bool measuring;  /* only counts: a section begins with its length */
    uint64_t length; /* written or counted */
    size_t used;
    uint8_t buffer[4096];
} dump_out;

static void write_all(dump_out *out, const uint8_t *bytes, size_t length)
{
    while (length != 0 && out->failed == 0) {
        ssize_t wrote = write(out->descriptor, bytes, length);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote <= 0) {
            out->failed = wrote < 0 ? errno : EIO;
            return;
        }
        bytes += wrote;
        length -= (size_t)wrote;
    }
}

static void flush(dump_out *out)
{
    write_all(out, out->buffer, out->used);
    out->used = 0;
}

static void put_bytes(dump_out *out, const void *bytes, size_t length)
{
    out->length += length;
    if (out->measuring) return;
    if (length > sizeof out->buffer - out->used) flush(out);
    if (length > sizeof out->buffer) {
        write_all(out, bytes, length);
    } else if (length != 0) {
        memcpy(out->buffer + out->used, bytes, length);
        out->used += length;
    }
}

static void put_byte(dump_out *out, uint8_t byte)
{
    put_bytes(out, &byte, 1);
}

static void put_unsigned(dump_out *out, uint64_t value)
{
    for (; value >= 0x80; value >>= 7) put_byte(out, (uint8_t)(value | 0x80));
    put_byte(out, (uint8_t)value);
}

static void put_signed(dump_out *out, int64_t value)
{
    for (; value < -64 || value > 63; value >>= 7) put_byte(out, (uint8_t)((value & 0x7f) | 0x80));
    put_byte(out, (uint8_t)(value & 0x7f));
}

static void put_name(dump_out *out, const char *name, size_t length)
{
    put_unsigned(out, length);
    put_bytes(out, name, length);
}

/* One that need not be UTF-8, which a module's names have to be. */
static void put_text(dump_out *out, const char *text)
{
    char clean[256];
    size_t length = strlen(text), at = 0;
    length = wardi_utf8_fit(text, length, sizeof clean);
    while (at < length) {
        size_t step = wardi_utf8_length((const uint8_t *)text + at, length - at);
        if (step == 0)
            clean[at++] = '?';
        else
            for (size_t end = at + step; at < end; at++) clean[at] = text[at];
    }
    put_name(out, clean, length);
}

/* ---- what is dumped ---- */

typedef struct dump {
    dump_out out;
    wardi_instance *instance;
    const ward_trap *trap;
    const wardi_coredump_options *options;
    uint8_t *memory;
    size_t length, piece;
    bool is_64;
    uint64_t room; /* bytes of memory that may be written */
    uint64_t segments, kept, left_out, globals;
} dump;

/* Bytes in a row that are not all zero, piece by piece. */
typedef struct dump_run {
    uint64_t at, length;
} dump_run;

static bool is_zero(const uint8_t *bytes, size_t length)
{
    uint64_t seen = 0, words[8];
    for (size_t i = 0; i < length; i += sizeof words) { /* pieces are multiples of it */
        memcpy(words, bytes + i, sizeof words);
        for (size_t k = 0; k < WARD_COUNT(words); k++) seen |= words[k];
        if (seen != 0) return false;
    }
    return true;
}

static bool piece_is_zero(const dump *of, uint64_t at)
{
    size_t left = of->length - (size_t)at;
    return is_zero(of->memory + at, left < of->piece ? left : of->piece);
}

/* The next run from `from` on. */
static bool run_next(const dump *of, uint64_t from, dump_run *ret_run)
{
    uint64_t at = from, end;
    while (at < of->length && piece_is_zero(of, at)) at += of->piece;
    for (end = at; end < of->length && !piece_is_zero(of, end);) end += of->piece;
    if (end > of->length) end = of->length;
    *ret_run = (dump_run){.at = at, .length = end - at};
    return end != at;
}

static void memory_survey(dump *of)
{
    uint64_t most = of->options->memory_bytes_max;
    if (most == 0) most = MEMORY_BYTES_USUAL;
    of->room = most < MEMORY_BYTES_MOST ? most : MEMORY_BYTES_MOST;
    of->piece = PIECE_BYTES;
    while (of->length / of->piece > PIECES_MOST) of->piece *= 2;
    dump_run run = {0};
    while (run_next(of, run.at + run.length, &run)) {
        uint64_t left = of->room - of->kept, fits = run.length < left ? run.length : left;
        of->segments += fits != 0;
        of->kept += fits;
        of->left_out += run.length - fits;
    }
}

static bool memory_is_64(wardi_instance *instance)
{
    wasmtime_extern_t found;
    if (!wasmtime_instance_export_get(instance->context, &instance->core, "memory", 6, &found))
        return false;
    wasm_memorytype_t *type = wasmtime_memory_type(instance->context, &found.of.memory);
    bool is_64 = wasmtime_memorytype_is64(type);
    wasm_memorytype_delete(type);
    wasmtime_extern_delete(&found);
    return is_64;
}

/* ---- globals ---- */

/* A number that the guest exports, by its place among the exports. */
typedef struct dump_global {
    char *name;
    size_t length;
    wasmtime_val_t value;
} dump_global;

/* Asked before the value is: the engine, as it is built here, ends the process on references. */
static bool is_number(wasmtime_context_t *context, const wasmtime_global_t *global)
{
    wasmtime_valtype_t full;
    wasm_globaltype_t *type = wasmtime_global_type(context, global);
    wasmtime_valtype_new(wasm_globaltype_content(type), &full);
    bool is = full.kind <= WASMTIME_VALTYPE_KIND_F64;
    wasmtime_valtype_delete(&full);
    wasm_globaltype_delete(type);
    return is;
}

static bool global_at(const dump *of, size_t index, dump_global *ret_global)
{
    wardi_instance *instance = of->instance;
    wasmtime_extern_t found;
    if (instance->module->facts.export_details[index].kind != WARDI_EXTERN_GLOBAL) return false;
    if (!wasmtime_instance_export_nth(instance->context, &instance->core, index, &ret_global->name,
                                      &ret_global->length, &found))
        return false;
    bool is =
        found.kind == WASMTIME_EXTERN_GLOBAL && is_number(instance->context, &found.of.global);
    if (is) wasmtime_global_get(instance->context, &found.of.global, &ret_global->value);
    wasmtime_extern_delete(&found);
    return is;
}

static void put_global(dump_out *out, const wasmtime_val_t *value)
{
    static const uint8_t types[] = {0x7f, 0x7e, 0x7d, 0x7c}, constants[] = {0x41, 0x42, 0x43, 0x44};
    put_byte(out, types[value->kind]);
    put_byte(out, 0); /* as it was then: a constant */
    put_byte(out, constants[value->kind]);
    switch (value->kind) {
    case WASMTIME_I32: put_signed(out, value->of.i32); break;
    case WASMTIME_I64: put_signed(out, value->of.i64); break;
    case WASMTIME_F32: put_bytes(out, &value->of.f32, sizeof value->of.f32); break;
    default: put_bytes(out, &value->of.f64, sizeof value->of.f64);
    }
    put_byte(out, 0x0b);
}

/* ---- sections ---- */

typedef void (*section_body)(dump *of);

static void section(dump *of, uint8_t id, section_body body)
{
    dump_out *out = &of->out;
    uint64_t before = out->length;
    out->measuring = true;
    body(of);
    uint64_t length = out->length - before;
    out->measuring = false;
    out->length = before;
    put_byte(out, id);
    put_unsigned(out, length);
    body(of);
}

static void put_custom(dump *of, const char *name)
{
    put_name(&of->out, name, strlen(name));
}

static void body_core(dump *of)
{
    put_custom(of, "core");
    put_byte(&of->out, 0);
    put_text(&of->out, of->options->name);
}

static void body_modules(dump *of)
{
    put_custom(of, "coremodules");
    put_unsigned(&of->out, 1);
    put_byte(&of->out, 0);
    put_text(&of->out, of->options->name);
}

/* One instance, of module 0, with the one memory, and with none of its globals by index. */
static void body_instances(dump *of)
{
    put_custom(of, "coreinstances");
    put_unsigned(&of->out, 1);
    put_byte(&of->out, 0);
    put_unsigned(&of->out, 0);
    put_unsigned(&of->out, of->memory != NULL);
    if (of->memory != NULL) put_unsigned(&of->out, 0);
    put_unsigned(&of->out, 0);
}

static void body_stack(dump *of)
{
    const ward_trap *trap = of->trap;
    put_custom(of, "corestack");
    put_byte(&of->out, 0);
    put_text(&of->out, trap->export_name[0] != '\0' ? trap->export_name : "main");
    put_unsigned(&of->out, trap->frame_count);
    for (uint32_t i = 0; i < trap->frame_count; i++) {
        put_byte(&of->out, 0);
        put_unsigned(&of->out, 0); /* the instance */
        put_unsigned(&of->out, trap->frames[i].function_index);
        put_unsigned(&of->out, trap->frames[i].function_offset);
        put_unsigned(&of->out, 0); /* locals, */
        put_unsigned(&of->out, 0); /* and operands: the engine does not tell */
    }
}

static void body_memory(dump *of)
{
    put_unsigned(&of->out, 1);
    put_byte(&of->out, of->is_64 ? 4 : 0);
    put_unsigned(&of->out, of->length / 65536);
}

static void body_globals(dump *of)
{
    dump_global global;
    put_unsigned(&of->out, of->globals);
    for (size_t i = 0; i < of->instance->module->facts.export_count; i++)
        if (global_at(of, i, &global)) put_global(&of->out, &global.value);
}

static void body_exports(dump *of)
{
    enum { KIND_MEMORY = 2, KIND_GLOBAL = 3 };
    dump_global global;
    uint64_t index = 0;
    put_unsigned(&of->out, of->globals + (of->memory != NULL));
    if (of->memory != NULL) {
        put_name(&of->out, "memory", 6);
        put_byte(&of->out, KIND_MEMORY);
        put_unsigned(&of->out, 0);
    }
    for (size_t i = 0; i < of->instance->module->facts.export_count; i++) {
        if (!global_at(of, i, &global)) continue;
        put_name(&of->out, global.name, global.length);
        put_byte(&of->out, KIND_GLOBAL);
        put_unsigned(&of->out, index++);
    }
}

static void put_segment(dump *of, const dump_run *run)
{
    put_byte(&of->out, 0); /* active, in memory 0 */
    put_byte(&of->out, of->is_64 ? 0x42 : 0x41);
    /* Of 32 bits, the constant is written as signed. */
    put_signed(&of->out, of->is_64 ? (int64_t)run->at : (int32_t)(uint32_t)run->at);
    put_byte(&of->out, 0x0b);
    put_unsigned(&of->out, run->length);
    put_bytes(&of->out, of->memory + run->at, run->length);
}

static void body_data(dump *of)
{
    dump_run run = {0};
    uint64_t left = of->kept;
    put_unsigned(&of->out, of->segments);
    while (left != 0 && of->out.failed == 0 && run_next(of, run.at + run.length, &run)) {
        if (run.length > left) run.length = left;
        put_segment(of, &run);
        left -= run.length;
    }
}

static void dump_write(dump *of)
{
    static const uint8_t head[] = {0, 'a', 's', 'm', 1, 0, 0, 0};
    put_bytes(&of->out, head, sizeof head);
    section(of, 0, body_core);
    section(of, 0, body_modules);
    section(of, 0, body_instances);
    section(of, 0, body_stack);
    if (of->memory != NULL) section(of, SECTION_MEMORY, body_memory);
    if (of->globals != 0) section(of, SECTION_GLOBAL, body_globals);
    if (of->globals != 0 || of->memory != NULL) section(of, SECTION_EXPORT, body_exports);
    if (of->segments != 0) section(of, SECTION_DATA, body_data);
    flush(&of->out);
}

/* ---- the face ---- */

static ward_error dump_failed(const dump *of, ward_diag *ret_diag)
{
    char size[32];
    wardi_text text = WARDI_TEXT(size);
    wardi_text_size(&text, of->kept);
    bool full = of->out.failed == ENOSPC || of->out.failed == EDQUOT || of->out.failed == EFBIG;
    return wardi_fail(ret_diag, WARD_ERROR_IO,
                      "cannot write the core dump of %s, with %s of memory: %s%s",
                      of->options->name, size, strerror(of->out.failed),
                      full ? "; make room where it is written, or write less of the memory" : "");
}

ward_error wardi_instance_coredump(wardi_instance *instance, const ward_trap *trap,
                                   const wardi_coredump_options *options,
                                   wardi_coredump_facts *ret_facts, ward_diag *ret_diag)
{
    if (wardi_call_waits(instance))
        return wardi_fail(ret_diag, WARD_ERROR_BUSY,
                          "a call into %s waits: end it, then take the core dump", options->name);
    wasi_hold hold;
    dump_global global;
    dump of = {.instance = instance, .trap = trap, .options = options};
    of.out.descriptor = options->descriptor;
    if (wardi_instance_memory(instance, &of.memory, &of.length)) {
        of.is_64 = memory_is_64(instance);
        memory_survey(&of);
    }
    bool is_component = instance->module->facts.is_component;
    for (size_t i = 0; !is_component && i < instance->module->facts.export_count; i++)
        of.globals += global_at(&of, i, &global);
    wasi_hold_signals(&hold);
    dump_write(&of);
    errno = of.out.failed;
    wasi_hold_release(&hold);
    if (of.out.failed != 0) return dump_failed(&of, ret_diag);
    *ret_facts = (wardi_coredump_facts){
        .bytes = of.out.length, .memory_kept = of.kept, .memory_left_out = of.left_out};
    return WARD_OK;
}
