// The headers in C++, on a component given as text: its frame says that it is busy.
#include <ward/ward.h>

#include <cstdio>
#include <cstring>

static const char guest[] = R"((module (memory (export "memory") 1)
    (data (i32.const 16) "\81\0e\01\04\00\00\00busy")
    (func (export "_health") (result i32) i32.const 16)))";

int main()
{
    ward_host *host = nullptr;
    ward_component *component = nullptr;
    ward_diag diag = {WARD_OK, ""};
    ward_host_options host_options = WARD_INIT(ward_host_options);
    host_options.cache_directory = "";
    ward_component_options options = WARD_INIT(ward_component_options);
    options.name = "embedded";
    options.bytes = reinterpret_cast<const uint8_t *>(guest);
    options.byte_count = sizeof guest - 1;

    ward_verdict verdict = {};
    ward_error error = ward_host_open(&host_options, &host, &diag);
    if (!error) error = ward_component_new(host, &options, &component, &diag);
    if (!error) error = ward_component_start(component, &diag);
    if (!error) ward_component_check(component, &verdict);
    std::printf("%s%s: %s\n", diag.text, ward_child_health_name(verdict.health),
                verdict.reason.text);
    ward_component_free(component);
    ward_host_close(host);
    return std::strcmp(verdict.reason.text, "busy") != 0;
}
