/* Images: what a compilation makes and the cache keeps, in one piece of bytes: a header, the module
 * in binary where the source was text, the machine code. */
#include "engine_priv.h"

#include <string.h>
#include <sys/mman.h>

static const char image_magic[8] = "wardimg\n";

image_header module_image_header(uint32_t kind, size_t binary_length, size_t code_length)
{
    image_header header = {
        .kind = kind, .binary_length = binary_length, .code_length = code_length};
    memcpy(header.magic, image_magic, sizeof image_magic);
    return header;
}

void module_image_drop(module_image *image)
{
    if (image->mapped)
        munmap(image->bytes, image->length);
    else
        wardi_free(image->bytes);
    *image = (module_image){0};
}

bool module_image_open(module_image *image)
{
    image_header header;
    if (image->length < sizeof header) return false;
    memcpy(&header, image->bytes, sizeof header);
    uint64_t left = image->length - sizeof header;
    if (memcmp(header.magic, image_magic, sizeof image_magic) != 0 || header.binary_length > left ||
        header.code_length != left - header.binary_length)
        return false;
    image->kind = header.kind == SOURCE_COMPONENT ? SOURCE_COMPONENT : SOURCE_MODULE;
    image->binary_length = (size_t)header.binary_length;
    image->binary = image->bytes + sizeof header;
    image->code_length = (size_t)header.code_length;
    image->code = image->binary + image->binary_length;
    return true;
}

/* ---- compiling ---- */

/* The text's parser calls every file <anon>, and shows the place under or behind its words. */
static ward_error text_fail(wasmtime_error_t *error, ward_diag *ret_diag)
{
    static const char mark[] = "<anon>:";
    wasm_name_t message = WASM_EMPTY_VEC;
    wasmtime_error_message(error, &message);
    wasmtime_error_delete(error);
    const char *place = memmem(message.data, message.size, mark, sizeof mark - 1);
    size_t words = message.size, digits = 0;
    if (place != NULL) {
        words = (size_t)(place - message.data);
        place += sizeof mark - 1;
        size_t left = message.size - (size_t)(place - message.data);
        while (digits < left && strchr("0123456789:", place[digits]) != NULL) digits++;
    }
    const char *line_end = memchr(message.data, '\n', words);
    if (line_end != NULL) words = (size_t)(line_end - message.data);
    if (words >= 4 && memcmp(message.data + words - 4, " at ", 4) == 0) words -= 4;
    ward_error told =
        wardi_fail(ret_diag, WARD_ERROR_COMPILE, "%s%.*s: %.*s", digits != 0 ? ":" : "",
                   (int)digits, place, (int)(words < 700 ? words : 700), message.data);
    wasm_name_delete(&message);
    return told;
}

static ward_error to_code(wasm_engine_t *engine, source_kind kind, const uint8_t *bytes,
                          size_t length, wasm_byte_vec_t *ret_code, ward_diag *ret_diag)
{
    wasmtime_module_t *core = NULL;
    wasmtime_component_t *component = NULL;
    wasmtime_error_t *error;
    if (kind == SOURCE_COMPONENT) {
        error = wasmtime_component_new(engine, bytes, length, &component);
        if (error == NULL) error = wasmtime_component_serialize(component, ret_code);
        if (component != NULL) wasmtime_component_delete(component);
    } else {
        error = wasmtime_module_new(engine, bytes, length, &core);
        if (error == NULL) error = wasmtime_module_serialize(core, ret_code);
        if (core != NULL) wasmtime_module_delete(core);
    }
    return error == NULL ? WARD_OK : engine_fail(ret_diag, WARD_ERROR_COMPILE, "", error);
}

static ward_error image_make(source_kind kind, const wasm_byte_vec_t *binary,
                             const wasm_byte_vec_t *code, module_image *ret_image,
                             ward_diag *ret_diag)
{
    image_header header = module_image_header((uint32_t)kind, binary->size, code->size);
    module_image image = {.length = sizeof header + binary->size + code->size};
    image.bytes = wardi_alloc(image.length);
    if (image.bytes == NULL) return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, ": no memory");
    memcpy(image.bytes, &header, sizeof header);
    uint8_t *at = image.bytes + sizeof header;
    if (binary->size != 0) memcpy(at, binary->data, binary->size);
    if (code->size != 0) memcpy(at + binary->size, code->data, code->size);
    WARD_ASSERT(module_image_open(&image));
    *ret_image = image;
    return WARD_OK;
}

ward_error module_image_compile(wasm_engine_t *engine, source_kind kind, const uint8_t *bytes,
                                size_t length, module_image *ret_image, ward_diag *ret_diag)
{
    wasm_byte_vec_t binary = WASM_EMPTY_VEC, code = WASM_EMPTY_VEC;
    if (kind == SOURCE_TEXT) {
        wasmtime_error_t *error = wasmtime_wat2wasm((const char *)bytes, length, &binary);
        if (error != NULL) return text_fail(error, ret_diag);
        bytes = (const uint8_t *)binary.data;
        length = binary.size;
        kind = source_kind_of_binary(bytes, length);
    }
    ward_error error = sections_check(bytes, length, ret_diag);
    if (error == WARD_OK) error = to_code(engine, kind, bytes, length, &code, ret_diag);
    if (error == WARD_OK) error = image_make(kind, &binary, &code, ret_image, ret_diag);
    if (binary.size != 0) wasm_byte_vec_delete(&binary);
    if (code.size != 0) wasm_byte_vec_delete(&code);
    return error;
}
