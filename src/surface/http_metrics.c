/* /metrics, over HTTP: metrics.c writes it, piece by piece. */
#include <string.h>

#include "codec/codec.h"
#include "surface/http_api.h"
#include "surface/http_priv.h"
#include "surface/metrics.h"

static ssize_t on_read(void *context, uint64_t position, char *to, size_t room)
{
    metrics *m = context;
    size_t length = 0;
    (void)position;
    bool more = metrics_next(m, to, room, &length);
    if (metrics_failed(m)) return MHD_CONTENT_READER_END_WITH_ERROR;
    if (length != 0) return (ssize_t)length;
    /* 0: others have their turn, then it is asked again. */
    return more ? 0 : MHD_CONTENT_READER_END_OF_STREAM;
}

static void on_done(void *context)
{
    metrics_end(context);
}

static void inputs_of(const struct surface *s, const wardi_journal_status *journal,
                      metrics_inputs *ret_inputs)
{
    door_figures doors;
    http_remote_figures remote = http_remote_figures_of(s->http);
    door_figures_get(s, &doors);
    *ret_inputs = (metrics_inputs){.pulse = s->pulse_known ? &s->pulse : NULL,
                                   .journal = s->options.journal != NULL ? journal : NULL,
                                   .connections = doors.open,
                                   .connections_idle = doors.idle,
                                   .connections_max = s->crowd.max,
                                   .accepted = doors.accepted,
                                   .refused = doors.refused,
                                   .expelled = doors.expelled,
                                   .remote_expires_s = remote.expires_s,
                                   .remote_unauthorized = remote.unauthorized,
                                   .events_lost = s->events_lost,
                                   .protocol_count = 2};
    ret_inputs->protocols[0] = (metrics_protocol){
        .name = "http", .streams = http_events_count(s->http), .requests = s->http->requests};
    ret_inputs->protocols[1] = (metrics_protocol){.name = "grpc"};
    grpc_counts(s->grpc, &ret_inputs->protocols[1].streams, &ret_inputs->protocols[1].requests);
}

void http_metrics(http_request *request)
{
    const struct surface *s = request->http->surface;
    wardi_journal_status journal;
    wardi_accepted accepted = wardi_accept(http_header(request, MHD_HTTP_HEADER_ACCEPT));
    const char *per = http_target_param(&request->target, "per");
    metrics_inputs inputs;
    metrics *m;
    if (per != NULL && strcmp(per, "component") != 0) {
        http_problem(request, MHD_HTTP_BAD_REQUEST, "per is component, or is not there.");
        return;
    }
    metrics_options options = {.format = accepted.format,
                               .component = http_target_param(&request->target, "component"),
                               .per_component = per != NULL};
    if (s->options.journal != NULL) wardi_journal_status_get(s->options.journal, &journal);
    inputs_of(s, &journal, &inputs);
    ward_error error = metrics_begin(request->http->metrics, &inputs, &options, &m);
    if (error != WARD_OK)
        http_problem_error(request, error, "");
    else
        http_answer_stream(request, accepted.content_type, on_read, m, on_done);
}
