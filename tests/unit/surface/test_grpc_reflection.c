/* Reflection, v1 and v1alpha: what is asked on one stream is answered in its order. */
#include "grpc_kit.h"

#include <grpc/reflection/v1/reflection.pb-c.h>

typedef Grpc__Reflection__V1__ServerReflectionRequest request;
typedef Grpc__Reflection__V1__ServerReflectionResponse response;

enum {
    BY_FILE = GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_BY_FILENAME,
    BY_SYMBOL =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_CONTAINING_SYMBOL,
    BY_EXTENSION =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_CONTAINING_EXTENSION,
    NUMBERS =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_ALL_EXTENSION_NUMBERS_OF_TYPE,
    SERVICES = GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_LIST_SERVICES,
    IS_FILE =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_FILE_DESCRIPTOR_RESPONSE,
    IS_NUMBERS =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_ALL_EXTENSION_NUMBERS_RESPONSE,
    IS_SERVICES =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_LIST_SERVICES_RESPONSE,
    IS_ERROR = GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_ERROR_RESPONSE
};

static size_t put(uint8_t *to, int what, const char *name)
{
    request asked = GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__INIT;
    Grpc__Reflection__V1__ExtensionRequest extension =
        GRPC__REFLECTION__V1__EXTENSION_REQUEST__INIT;
    char host[] = "here", *copy = strdup(name);
    asked.host = host;
    asked.message_request_case =
        (Grpc__Reflection__V1__ServerReflectionRequest__MessageRequestCase)what;
    extension.containing_type = copy;
    if (what == BY_EXTENSION)
        asked.file_containing_extension = &extension;
    else
        asked.list_services = copy; /* one of a union of strings */
    size_t length = grpc__reflection__v1__server_reflection_request__pack(&asked, to + 5);
    wire_prefix_write(to, (uint32_t)length);
    free(copy);
    return 5 + length;
}

/* The message at `*at`, which then is behind it. */
static response *take(const answer *a, size_t *at)
{
    size_t length = wire_prefix_read(a->bytes + *at).length;
    assert_true(*at + 5 + length <= a->length);
    response *r =
        grpc__reflection__v1__server_reflection_response__unpack(NULL, length, a->bytes + *at + 5);
    assert_non_null(r);
    *at += 5 + length;
    return r;
}

static void drop(response *r)
{
    grpc__reflection__v1__server_reflection_response__free_unpacked(r, NULL);
}

static const struct {
    int what;
    const char *name;
    int is;
    const char *file; /* that is in the answer */
} rows[] = {
    {SERVICES, "*", IS_SERVICES, ""},
    {SERVICES, "", IS_SERVICES, ""},
    {BY_FILE, "grpc/health/v1/health.proto", IS_FILE, "grpc/health/v1/health.proto"},
    {BY_FILE, "health.proto", IS_ERROR, ""},
    {BY_FILE, "", IS_ERROR, ""},
    {BY_SYMBOL, "grpc.health.v1.Health", IS_FILE, "grpc/health/v1/health.proto"},
    {BY_SYMBOL, "grpc.health.v1.Health.List", IS_FILE, "grpc/health/v1/health.proto"},
    {BY_SYMBOL, "grpc.health.v1.HealthCheckRequest", IS_FILE, "grpc/health/v1/health.proto"},
    {BY_SYMBOL, "grpc.health.v1.HealthCheckRequest.service", IS_FILE, "health.proto"},
    {BY_SYMBOL, "grpc.health.v1.HealthCheckResponse.ServingStatus", IS_FILE, "health.proto"},
    {BY_SYMBOL, "grpc.health.v1.HealthCheckResponse.SERVING", IS_FILE, "health.proto"},
    {BY_SYMBOL, "grpc.health.v1.HealthListResponse.StatusesEntry.key", IS_FILE, "health.proto"},
    {BY_SYMBOL, "grpc.reflection.v1.ServerReflection", IS_FILE,
     "grpc/reflection/v1/reflection.proto"},
    {BY_SYMBOL, "grpc.reflection.v1.ServerReflectionRequest.message_request", IS_FILE,
     "grpc/reflection/v1/reflection.proto"},
    {BY_SYMBOL, "grpc.reflection.v1alpha.ErrorResponse", IS_FILE,
     "grpc/reflection/v1alpha/reflection.proto"},
    {BY_SYMBOL, "grpc.health.v1", IS_ERROR, ""},
    {BY_SYMBOL, "grpc.health.v1.", IS_ERROR, ""},
    {BY_SYMBOL, "grpc.health.v1.Healt", IS_ERROR, ""},
    {BY_SYMBOL, "grpc.health.v1.Health.", IS_ERROR, ""},
    {BY_SYMBOL, "grpc.health.v1.Health.List.", IS_ERROR, ""},
    {BY_SYMBOL, "grpc.health.v1.HealthCheckResponse.ServingStatus.SERVING", IS_ERROR, ""},
    {BY_SYMBOL, "Health", IS_ERROR, ""},
    {BY_SYMBOL, "", IS_ERROR, ""},
    {BY_EXTENSION, "grpc.health.v1.HealthCheckRequest", IS_ERROR, ""},
    {NUMBERS, "grpc.health.v1.HealthCheckRequest", IS_NUMBERS, ""},
    {NUMBERS, "grpc.health.v1.Health", IS_ERROR, ""},
    {NUMBERS, "nothing", IS_ERROR, ""},
};

static void expect_row(const response *r, size_t i)
{
    if ((int)r->message_response_case != rows[i].is) print_error("row %zu\n", i);
    assert_int_equal(r->message_response_case, rows[i].is);
    assert_string_equal(r->valid_host, "here");
    assert_int_equal(r->original_request->message_request_case, rows[i].what);
    if (rows[i].is == IS_FILE) {
        const ProtobufCBinaryData *file = r->file_descriptor_response->file_descriptor_proto;
        assert_int_equal(r->file_descriptor_response->n_file_descriptor_proto, 1);
        /* The name is its first field. */
        assert_non_null(memmem(file->data, 64, rows[i].file, strlen(rows[i].file)));
    }
    if (rows[i].is == IS_ERROR) assert_int_equal(r->error_response->error_code, GRPC_NOT_FOUND);
    if (rows[i].is != IS_SERVICES) return;
    static const char *const names[] = {"grpc.health.v1.Health",
                                        "grpc.reflection.v1.ServerReflection",
                                        "grpc.reflection.v1alpha.ServerReflection"};
    assert_int_equal(r->list_services_response->n_service, WARD_COUNT(names));
    for (size_t j = 0; j < WARD_COUNT(names); j++)
        assert_string_equal(r->list_services_response->service[j]->name, names[j]);
}

static void each_request_has_its_answer(void **state)
{
    static uint8_t bytes[8192];
    size_t length = 0;
    for (size_t i = 0; i < WARD_COUNT(rows); i++)
        length += put(bytes + length, rows[i].what, rows[i].name);
    /* With a small window, they wait for one another. */
    for (uint32_t window = 0; window <= 1000; window += 1000) {
        client *c = client_new(*state, window);
        answer *a = call_with(c, window == 0 ? REFLECT : REFLECT_ALPHA, bytes, length, (oddly){0});
        while (!a->closed) {
            assert_true(client_turn(c, PATIENCE_MS));
            if (window != 0) nghttp2_session_consume(c->session, a->stream, window);
        }
        expect_end(a, GRPC_OK, "");
        size_t at = 0;
        for (size_t i = 0; i < WARD_COUNT(rows); i++) {
            response *r = take(a, &at);
            expect_row(r, i);
            drop(r);
        }
        assert_int_equal(at, a->length);
        client_free(c);
    }
}

static void a_stream_goes_on_until_the_client_ends_it(void **state)
{
    uint8_t bytes[256];
    client *c = client_new(*state, 0);
    answer *a = call_with(c, REFLECT, bytes, put(bytes, SERVICES, ""), (oddly){.open = true});
    CLIENT_UNTIL(c, a->length > 5 && a->length == 5 + wire_prefix_read(a->bytes).length);
    size_t first = a->length;
    a->body_sent = 0;
    nghttp2_session_resume_data(c->session, a->stream);
    CLIENT_UNTIL(c, a->length == 2 * first);
    assert_false(a->closed);
    a->body_open = false;
    nghttp2_session_resume_data(c->session, a->stream);
    expect_end(a, GRPC_OK, "");
    client_free(c);
}

static void what_asks_for_nothing_ends_the_stream(void **state)
{
    client *c = client_new(*state, 0);
    expect_end(call_with(c, REFLECT, "\0\0\0\0\0", 5, (oddly){0}), GRPC_INVALID_ARGUMENT,
               "the request asks for nothing");
    expect_end(call_with(c, REFLECT, "\0\0\0\0\1\xff", 6, (oddly){0}), GRPC_INTERNAL,
               "the message is no ServerReflectionRequest");
    expect_end(call_with(c, REFLECT, "\0\0\0", 3, (oddly){0}), GRPC_INTERNAL,
               "the last message is not whole");
    expect_end(call_with(c, REFLECT, "", 0, (oddly){0}), GRPC_OK, "");
    client_free(c);
}

/* Who asks and never takes an answer is not heard for ever. */
static void more_than_is_kept_ends_the_stream(void **state)
{
    enum { BYTES = 400000 };
    uint8_t *bytes = calloc(1, BYTES);
    size_t length = 0;
    while (length + 64 < BYTES) length += put(bytes + length, SERVICES, "");
    client *c = client_new(*state, 1);
    answer *a = call_with(c, REFLECT, bytes, length, (oddly){0});
    CLIENT_UNTIL(c, a->closed);
    assert_true(a->code == GRPC_RESOURCE_EXHAUSTED || a->why == NGHTTP2_CANCEL);
    client_free(c);
    free(bytes);
}

/* The server's end of it, which is in this process, holds a few kilobytes from now on. */
static void narrow(client *c)
{
    struct sockaddr_in own = {0}, other = {0};
    socklen_t size = sizeof own;
    int small = 8192, found = -1;
    CLIENT_UNTIL(c, nghttp2_session_get_remote_settings(
                        c->session, NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE) == 8192);
    assert_int_equal(getsockname(c->fd, (struct sockaddr *)&own, &size), 0);
    for (int fd = 3; fd < 1024 && found < 0; fd++) {
        size = sizeof other;
        if (getpeername(fd, (struct sockaddr *)&other, &size) == 0 &&
            other.sin_port == own.sin_port)
            found = fd;
    }
    assert_int_equal(setsockopt(found, SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
}

/* More than the kernel takes while nobody reads: it comes whole all the same. */
static void a_full_socket_loses_nothing(void **state)
{
    enum { STREAMS = 3, TIMES = 1300 };
    static uint8_t bytes[64 * 1024];
    size_t length = 0;
    for (size_t i = 0; i < TIMES; i++)
        length += put(bytes + length, BY_SYMBOL, "grpc.reflection.v1.ErrorResponse");
    client *c = client_new(*state, 100 << 20);
    narrow(c);
    answer *answers[STREAMS];
    for (size_t i = 0; i < STREAMS; i++)
        answers[i] = call_with(c, REFLECT, bytes, length, (oddly){0});
    client_send(c);
    poll(NULL, 0, 100); /* it may be full now, or not yet: both must do */
    for (size_t i = 0; i < STREAMS; i++) {
        expect_end(answers[i], GRPC_OK, "");
        size_t at = 0, count = 0;
        while (at < answers[i]->length) {
            response *r = take(answers[i], &at);
            assert_int_equal(r->message_response_case, IS_FILE);
            drop(r);
            count++;
        }
        assert_int_equal(count, TIMES);
    }
    client_free(c);
}

static int open_world(void **state)
{
    static world w;
    world_open(&w, &(grpc_limits){.request_ms = 10000,
                                  .reply_ms = 1000,
                                  .quiet_ms = 10000,
                                  .ping_ms = 60000,
                                  .pong_ms = 20000,
                                  .leave_ms = 500,
                                  .streams_max = 100,
                                  .watches_max = 1000,
                                  .body_bytes_max = 192 * 1024,
                                  .header_bytes_max = 8192,
                                  .resets_burst = 100,
                                  .resets_rate = 10});
    *state = &w;
    return 0;
}

static int close_world(void **state)
{
    world_close(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_request_has_its_answer),
        cmocka_unit_test(a_stream_goes_on_until_the_client_ends_it),
        cmocka_unit_test(what_asks_for_nothing_ends_the_stream),
        cmocka_unit_test(more_than_is_kept_ends_the_stream),
        cmocka_unit_test(a_full_socket_loses_nothing),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
