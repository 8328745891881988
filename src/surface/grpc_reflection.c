/* Reflection: which services there are, and the files that describe their messages, so that clients
 * such as grpcurl need none of their own. v1 and v1alpha are one but for the name. */
#include <stdio.h>
#include <string.h>

#include <grpc/reflection/v1/reflection.pb-c.h>
#include <own/descriptor.pb-c.h>

#include "grpc_descriptors.h"
#include "surface/grpc.h"

typedef Grpc__Reflection__V1__ServerReflectionRequest reflection_request;
typedef Grpc__Reflection__V1__ServerReflectionResponse reflection_response;
typedef Ward__Descriptor__File file;
typedef Ward__Descriptor__Message type;

enum { FILES_MAX = 8, SERVICES_MAX = 8, NAME_BYTES = 64 };

struct reflection {
    Ward__Descriptor__Set *set; /* the bytes that are handed out */
    file *files[FILES_MAX];     /* the same, in their order */
    char services[SERVICES_MAX][NAME_BYTES];
    size_t service_count;
};

/* ---- names ---- */

/* What is behind `name` in "name.rest", "" for the name alone; NULL: it is another one. */
static const char *rest_of(const char *path, const char *name)
{
    size_t length = strlen(name);
    if (length == 0 || strncmp(path, name, length) != 0) return NULL;
    if (path[length] == '\0') return path + length;
    return path[length] == '.' && path[length + 1] != '\0' ? path + length + 1 : NULL;
}

static bool is_in(const char *path, Ward__Descriptor__Named *const *these, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(path, these[i]->name) == 0) return true;
    return false;
}

/* The values of an enum are named beside it, not in it. */
static bool is_in_enums(const char *path, Ward__Descriptor__Enum *const *these, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(path, these[i]->name) == 0 || is_in(path, these[i]->value, these[i]->n_value))
            return true;
    return false;
}

/* As deep as our own files are. */
static bool is_in_messages(const char *path, type *const *these, size_t count, bool types_alone)
{
    for (size_t i = 0; i < count; i++) {
        const type *m = these[i];
        const char *rest = rest_of(path, m->name);
        if (rest == NULL) continue;
        if (rest[0] == '\0' || is_in_messages(rest, m->nested, m->n_nested, types_alone))
            return true;
        if (types_alone) continue;
        if (is_in(rest, m->field, m->n_field) || is_in(rest, m->oneof, m->n_oneof) ||
            is_in_enums(rest, m->enum_, m->n_enum_))
            return true;
    }
    return false;
}

static bool is_in_services(const char *path, const file *f)
{
    for (size_t i = 0; i < f->n_service; i++) {
        const char *rest = rest_of(path, f->service[i]->name);
        if (rest == NULL) continue;
        if (rest[0] == '\0' || is_in(rest, f->service[i]->method, f->service[i]->n_method))
            return true;
    }
    return false;
}

/* The place of the file that has this symbol; FILES_MAX: none. */
static size_t find_symbol(const reflection *r, const char *symbol, bool types_alone)
{
    for (size_t i = 0; i < r->set->n_file; i++) {
        const file *f = r->files[i];
        const char *path = rest_of(symbol, f->package);
        if (path == NULL || path[0] == '\0') continue;
        if (is_in_messages(path, f->message, f->n_message, types_alone)) return i;
        if (types_alone) continue;
        if (is_in_enums(path, f->enum_, f->n_enum_) || is_in_services(path, f)) return i;
    }
    return FILES_MAX;
}

static size_t find_file(const reflection *r, const char *name)
{
    for (size_t i = 0; i < r->set->n_file; i++)
        if (strcmp(r->files[i]->name, name) == 0) return i;
    return FILES_MAX;
}

/* ---- answers ---- */

static void send_response(grpc_call *call, reflection_request *request,
                          reflection_response *response)
{
    response->valid_host = request->host;
    response->original_request = request;
    grpc_call_reply(call, &response->base);
}

/* An answer like any other: the stream goes on. */
static void send_not_found(grpc_call *call, reflection_request *request, const char *what)
{
    char text[256];
    wardi_text message = WARDI_TEXT(text);
    Grpc__Reflection__V1__ErrorResponse error = GRPC__REFLECTION__V1__ERROR_RESPONSE__INIT;
    reflection_response response = GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__INIT;
    wardi_text_puts(&message, "there is no ");
    wardi_text_puts(&message, what);
    error.error_code = GRPC_NOT_FOUND;
    error.error_message = text;
    response.message_response_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_ERROR_RESPONSE;
    response.error_response = &error;
    send_response(call, request, &response);
}

/* None of our files needs another, so that one is always all. */
static void send_file(grpc_call *call, reflection_request *request, size_t place, const char *what)
{
    const reflection *r = grpc_reflection(grpc_call_server(call));
    if (place == FILES_MAX) {
        send_not_found(call, request, what);
        return;
    }
    Grpc__Reflection__V1__FileDescriptorResponse found =
        GRPC__REFLECTION__V1__FILE_DESCRIPTOR_RESPONSE__INIT;
    reflection_response response = GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__INIT;
    found.n_file_descriptor_proto = 1;
    found.file_descriptor_proto = &r->set->file[place];
    response.message_response_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_FILE_DESCRIPTOR_RESPONSE;
    response.file_descriptor_response = &found;
    send_response(call, request, &response);
}

static void send_services(grpc_call *call, reflection_request *request)
{
    const reflection *r = grpc_reflection(grpc_call_server(call));
    Grpc__Reflection__V1__ServiceResponse services[SERVICES_MAX], *pointers[SERVICES_MAX];
    Grpc__Reflection__V1__ListServiceResponse all =
        GRPC__REFLECTION__V1__LIST_SERVICE_RESPONSE__INIT;
    reflection_response response = GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__INIT;
    for (size_t i = 0; i < r->service_count; i++) {
        grpc__reflection__v1__service_response__init(&services[i]);
        services[i].name = (char *)(uintptr_t)r->services[i];
        pointers[i] = &services[i];
    }
    all.n_service = r->service_count;
    all.service = pointers;
    response.message_response_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_LIST_SERVICES_RESPONSE;
    response.list_services_response = &all;
    send_response(call, request, &response);
}

/* Of ours none has any: extensions are of proto2. */
static void send_extensions(grpc_call *call, reflection_request *request, const char *name)
{
    const reflection *r = grpc_reflection(grpc_call_server(call));
    if (find_symbol(r, name, true) == FILES_MAX) {
        send_not_found(call, request, "message of this name");
        return;
    }
    Grpc__Reflection__V1__ExtensionNumberResponse none =
        GRPC__REFLECTION__V1__EXTENSION_NUMBER_RESPONSE__INIT;
    reflection_response response = GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__INIT;
    none.base_type_name = (char *)(uintptr_t)name;
    response.message_response_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_ALL_EXTENSION_NUMBERS_RESPONSE;
    response.all_extension_numbers_response = &none;
    send_response(call, request, &response);
}

static void answer(grpc_call *call, reflection_request *request)
{
    const reflection *r = grpc_reflection(grpc_call_server(call));
    switch (request->message_request_case) {
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_BY_FILENAME:
        send_file(call, request, find_file(r, request->file_by_filename), "file of this name");
        break;
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_CONTAINING_SYMBOL:
        send_file(call, request, find_symbol(r, request->file_containing_symbol, false),
                  "symbol of this name");
        break;
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_CONTAINING_EXTENSION:
        send_not_found(call, request, "such extension");
        break;
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_ALL_EXTENSION_NUMBERS_OF_TYPE:
        send_extensions(call, request, request->all_extension_numbers_of_type);
        break;
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_LIST_SERVICES:
        send_services(call, request);
        break;
    default: grpc_call_end(call, GRPC_INVALID_ARGUMENT, "the request asks for nothing"); break;
    }
}

static void requested(grpc_call *call, const uint8_t *bytes, size_t length)
{
    reflection_request *request =
        grpc__reflection__v1__server_reflection_request__unpack(&grpc_allocator, length, bytes);
    if (request == NULL) {
        grpc_call_end(call, GRPC_INTERNAL, "the message is no ServerReflectionRequest");
        return;
    }
    answer(call, request);
    grpc__reflection__v1__server_reflection_request__free_unpacked(request, &grpc_allocator);
}

const grpc_method reflection_methods[] = {
    {.path = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
     .many = true,
     .listens = true,
     .request = requested},
    {.path = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
     .many = true,
     .listens = true,
     .request = requested},
    {.path = NULL}};

/* ---- its life ---- */

static bool read_files(reflection *r)
{
    r->set =
        ward__descriptor__set__unpack(&grpc_allocator, sizeof grpc_descriptors, grpc_descriptors);
    if (r->set == NULL) return false;
    WARD_ASSERT(r->set->n_file <= FILES_MAX);
    for (size_t i = 0; i < r->set->n_file; i++) {
        const ProtobufCBinaryData *bytes = &r->set->file[i];
        r->files[i] = ward__descriptor__file__unpack(&grpc_allocator, bytes->len, bytes->data);
        if (r->files[i] == NULL) return false;
    }
    return true;
}

static void name_services(reflection *r)
{
    for (size_t i = 0; i < r->set->n_file; i++)
        for (size_t j = 0; j < r->files[i]->n_service; j++) {
            WARD_ASSERT(r->service_count < SERVICES_MAX);
            (void)snprintf(r->services[r->service_count++], NAME_BYTES, "%s.%s",
                           r->files[i]->package, r->files[i]->service[j]->name);
        }
}

reflection *reflection_new(void)
{
    reflection *r = wardi_alloc(sizeof *r);
    if (r == NULL) return NULL;
    if (!read_files(r)) {
        reflection_free(r);
        return NULL;
    }
    name_services(r);
    return r;
}

void reflection_free(reflection *r)
{
    if (r == NULL) return;
    for (size_t i = 0; i < FILES_MAX; i++)
        if (r->files[i] != NULL)
            ward__descriptor__file__free_unpacked(r->files[i], &grpc_allocator);
    if (r->set != NULL) ward__descriptor__set__free_unpacked(r->set, &grpc_allocator);
    wardi_free(r);
}
