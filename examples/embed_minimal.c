/* Ward in a dozen lines: load a component, start it, ask how it is, stop it.
 *
 *     cc embed_minimal.c $(pkg-config --cflags --libs ward) -o embed_minimal
 *     ./embed_minimal plugin.wasm */
#include <stdio.h>

#include <ward/ward.h>

int main(int argc, char **argv)
{
    ward_host *host = NULL;
    ward_component *component = NULL;
    ward_diag diag = {WARD_OK, ""};
    ward_component_options options = WARD_INIT(ward_component_options);
    options.name = "plugin";
    options.path = argc > 1 ? argv[1] : "plugin.wasm";

    ward_error error = ward_host_open(NULL, &host, &diag);
    if (!error) error = ward_component_new(host, &options, &component, &diag);
    if (!error) error = ward_component_start(component, &diag);
    if (!error) {
        ward_verdict verdict;
        ward_component_check(component, &verdict);
        printf("%s is %s%s%s\n", options.name, ward_child_health_name(verdict.health),
               verdict.reason.length > 0 ? ": " : "", verdict.reason.text);
        error = ward_component_stop(component, &diag);
    }
    if (error) fprintf(stderr, "%s\n", diag.text);
    ward_component_free(component);
    ward_host_close(host);
    return error != WARD_OK;
}
