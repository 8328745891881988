/* Events, and lines that components log, on their way to standard output.
 *
 * The supervisor's callbacks only copy into a ring; a thread of its own writes. So a reader that is
 * slow or a disk that is full delays no check and no guest: what does not fit the ring is counted
 * and said. The last quarter of the ring takes events alone: no guest talks them out of it.
 * Evidence stays where it is until its event is written. */
#ifndef WARDI_CLI_EVENTS_H
#define WARDI_CLI_EVENTS_H

#include "cli/cli.h"

typedef struct wardi_events wardi_events;

typedef struct wardi_events_options {
    bool json, quiet;
    ward_log_level log_level; /* lines below it are not shown */
    int name_width;           /* of the longest component's name */
    /* an eventfd: written after each event, and when nobody reads any more */
    int wake_fd;
    /* as ward_supervisor_evidence, on the thread that writes; NULL: none is shown */
    ward_error (*evidence)(void *context, const char *name, ward_evidence *ret_evidence);
    void *evidence_context;
} wardi_events_options;

/** Starts the thread. NULL: said why. */
wardi_events *wardi_events_new(const wardi_events_options *options);
/** A ward_event_callback; `context` is the wardi_events. */
void wardi_events_take(void *context, const ward_event *event);
/** A ward_log_callback, likewise; it wakes nobody. */
void wardi_events_take_line(void *context, const ward_log_line *line);
/** There are longer names now. Any thread. */
void wardi_events_widen(wardi_events *events, int name_width);
/** The reader of standard output is gone. Any thread. */
bool wardi_events_unread(const wardi_events *events);
/** Writes what is left and ends the thread; a reader that takes nothing for a second is left
 * behind, with the thread still running: false, and it may be asked again. NULL is fine. */
bool wardi_events_end(wardi_events *events);
/** Frees it once it has ended; what came since is dropped. NULL is fine. */
void wardi_events_free(wardi_events *events);

/** One event as a line for people. */
void wardi_event_print(FILE *to, const ward_event *event, int name_width);
/** Whether `event` follows from the one shown before it, so that people need no line of its own:
 * ready after healthy, not ready after failed, one of many instances that is well. JSON has them
 * all. */
bool wardi_event_is_implied(const ward_event *event, const ward_event *shown);
/** Whether its reason stands in the line above: of a restart, why the component failed. */
bool wardi_event_is_reason_known(const ward_event *event, const ward_event *shown);
/** Whether it says nothing that another could follow from: that it flaps, beside how it is. */
bool wardi_event_is_aside(const ward_event *event, const ward_event *shown);
/** One event as a line of JSON. */
void wardi_event_print_json(const ward_event *event);
/** How much it asks for somebody's attention; and a line. */
wardi_level wardi_event_level(const ward_event *event);
wardi_level wardi_line_level(const ward_log_line *line);
/** When it was. */
void wardi_event_print_time(FILE *to, uint64_t wall_ns);

/** A line that a component logged, on one line whatever it holds; and as JSON. */
void wardi_line_print(FILE *to, const ward_log_line *line, int name_width);
void wardi_line_print_json(const ward_log_line *line);
/** How many lines before this one its rate kept back. */
void wardi_line_print_suppressed(FILE *to, const ward_log_line *line, int name_width);
void wardi_line_print_suppressed_json(const ward_log_line *line);

#endif
