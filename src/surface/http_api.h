/* The interface for programs, /api/v1: its handlers, by file. */
#ifndef SURFACE_HTTP_API_H
#define SURFACE_HTTP_API_H

#include "surface/http.h"

/* http_api.c */
void http_api_host(http_request *request);
void http_api_document(http_request *request);
/* http_list.c; detail: 1 groups, 0 components */
void http_api_list(http_request *request);
/* http_member.c */
void http_api_component(http_request *request);
void http_api_group(http_request *request);
void http_api_evidence(http_request *request);
/* The keys that a list and the whole have in common. */
void http_member_summary(http_text *to, const view *v, const view_member *m);
/* Of a component, behind these: the key `figures`, with what a list shows of them. */
void http_member_figures(http_text *to, const view *v, const view_member *m);
/* http_past.c */
void http_api_past(http_request *request);

/* http_logs.c */
void http_api_logs(http_request *request);
/* http_metrics.c */
void http_metrics(http_request *request);
/* http_web.c */
void http_web(http_request *request);
/* http_events.c */
void http_events_stream(http_request *request);
/* http_control.c; detail: ward_request */
void http_control_component(http_request *request);
void http_control_group(http_request *request);
void http_control_call(http_request *request);
void http_control_send(http_request *request);
void http_control_reload(http_request *request);

/* ---- http_call.c: pure ---- */

/* What a call asks for. */
typedef struct http_call {
    char function[WARD_INVOKE_NAME_BYTES_MAX + 1];
    ward_value args[WARD_INVOKE_VALUES_MAX];
    size_t arg_count;
    uint64_t timeout_ns; /* 0: the host's own */
} http_call;
/* Reads the body of a request. `ret_call` is all zero before. False: `wrong` says why. */
bool http_call_read(const char *bytes, size_t length, http_call *ret_call, wardi_text wrong);
/* {"i32":5} */
void http_call_value(http_text *to, const ward_value *value);

/* Which events are meant: ?component=&kind=. */
typedef struct http_filter {
    char component[128]; /* "": all; of a component its instances, too */
    uint32_t kinds;      /* bits; 0: all */
} http_filter;

/* False: it is answered. */
bool http_filter_read(http_request *request, http_filter *ret_filter);
bool http_filter_takes(const http_filter *filter, const ward_event *event);
/* The event as JSON, by jansson: free() gives it back. NULL: no memory. Any thread. */
char *http_event_document(uint64_t run, const ward_event *event);

#endif
