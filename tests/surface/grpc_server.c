/* The gRPC surface over a supervisor whose children are parts of this program, for clients of
 * others to be tried on. Prints its address, then does what it reads, a line each, and says "done":
 * "stop NAME", "start NAME", "add NAME", "remove NAME", "leave". Ends with its input. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ward/ward.h>

#include "surface/surface.h"

static wardi_surface *surface;

static void on_event(void *context, const ward_event *event)
{
    (void)context;
    wardi_surface_take(surface, event);
}

static void must(ward_error error, const ward_diag *diag)
{
    if (error == WARD_OK) return;
    fprintf(stderr, "grpc_server: %s\n", diag->text);
    exit(1);
}

static void add(ward_supervisor *supervisor, const char *name, const char *group)
{
    ward_native_options native = WARD_INIT(ward_native_options);
    ward_child_options child = WARD_INIT(ward_child_options);
    ward_diag diag;
    native.name = name;
    child.native = &native;
    child.group = group;
    child.interval_ns = 20000000;
    must(ward_supervisor_add(supervisor, &child, &diag), &diag);
}

static void obey(ward_supervisor *supervisor, char *line)
{
    static const struct {
        const char *word;
        ward_request request;
    } words[] = {{"stop", WARD_REQUEST_STOP},
                 {"start", WARD_REQUEST_START},
                 {"remove", WARD_REQUEST_REMOVE}};
    ward_diag diag;
    line[strcspn(line, "\n")] = '\0';
    char *name = strchr(line, ' ');
    if (strcmp(line, "leave") == 0) wardi_surface_leaving(surface);
    if (name != NULL) *name++ = '\0';
    if (name != NULL && strcmp(line, "add") == 0) add(supervisor, name, NULL);
    for (size_t i = 0; name != NULL && i < sizeof words / sizeof words[0]; i++)
        if (strcmp(words[i].word, line) == 0)
            must(ward_supervisor_ask(supervisor, name, words[i].request, &diag), &diag);
    puts("done");
    fflush(stdout);
}

int main(void)
{
    ward_diag diag;
    ward_host *host;
    ward_supervisor *supervisor;
    ward_host_options host_options = WARD_INIT(ward_host_options);
    ward_supervisor_options options = WARD_INIT(ward_supervisor_options);
    ward_group_options group = WARD_INIT(ward_group_options);
    wardi_surface_options surface_options = {.grpc_address = "127.0.0.1:0"};
    char line[200];
    host_options.cache_directory = host_options.compiler_path = "";
    host_options.components_max = 16;
    must(ward_host_open(&host_options, &host, &diag), &diag);
    must(wardi_surface_new(&surface_options, &surface, &diag), &diag);
    options.on_event = on_event;
    must(ward_supervisor_new(host, &options, &supervisor, &diag), &diag);
    group.name = "site";
    must(ward_supervisor_add_group(supervisor, &group, &diag), &diag);
    add(supervisor, "api", NULL);
    add(supervisor, "web", "site");
    must(wardi_surface_start(surface, supervisor, &diag), &diag);
    must(ward_supervisor_start(supervisor, &diag), &diag);
    puts(wardi_surface_grpc_address(surface));
    fflush(stdout);
    while (fgets(line, sizeof line, stdin) != NULL) obey(supervisor, line);
    ward_supervisor_stop(supervisor, 0, &diag);
    wardi_surface_free(surface);
    ward_supervisor_free(supervisor);
    ward_host_close(host);
    return 0;
}
