/* The command to read the configuration anew: what that means is the host program's to say. */
#include <stdlib.h>

#include "surface/http_api.h"
#include "surface/http_command.h"
#include "surface/http_priv.h"

typedef struct reload_work {
    command command;
    const wardi_surface_options *options;
    char *document;
} reload_work;

static void run_reload(http_work *work)
{
    reload_work *w = (reload_work *)work;
    const wardi_surface_options *options = w->options;
    http_command_tell(&w->command, "reload", NULL);
    w->command.error = options->reload(options->reload_context, &w->document, &w->command.diag);
}

static void reload_done(http_work *work)
{
    free(((reload_work *)work)->document);
}

static void answer(http_request *request)
{
    const reload_work *w = (const reload_work *)request->work;
    const char *words = w->command.diag.text;
    http_text text = {0};
    switch (w->command.error) {
    case WARD_OK:
        http_text_puts(&text, w->document);
        http_text_puts(&text, "\n");
        http_answer_text(request, MHD_HTTP_OK, "application/json", &text);
        break;
    case WARD_ERROR_CONFIG:
        http_problem_with(request, MHD_HTTP_CONFLICT, words, "configuration",
                          w->document != NULL ? w->document : "null");
        break;
    case WARD_ERROR_NOT_FOUND:
    case WARD_ERROR_IO: http_problem(request, MHD_HTTP_CONFLICT, "%s", words); break;
    default: http_problem_error(request, w->command.error, words);
    }
}

void http_control_reload(http_request *request)
{
    static const view_member whole = {.name = ""};
    const wardi_surface_options *options = &request->http->surface->options;
    if (request->work != NULL) {
        answer(request);
        return;
    }
    if (options->reload == NULL) {
        http_problem(request, MHD_HTTP_NOT_IMPLEMENTED,
                     "This host has no configuration to reload.");
        return;
    }
    reload_work *w = http_command_new(request, sizeof *w, &whole, run_reload);
    if (w == NULL) return; /* answered */
    w->options = options;
    w->command.work.done = reload_done;
    w->command.work.waits_for_guests = true; /* which may take their time to stop */
    http_work_start(request, &w->command.work);
}
