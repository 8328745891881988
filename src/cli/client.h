/* A ward that runs, as the other commands of `ward` see it: its control socket, which speaks HTTP
 * and JSON; or the same over TLS. Everything here says on standard error what goes wrong, with the
 * way out. */
#ifndef WARDI_CLI_CLIENT_H
#define WARDI_CLI_CLIENT_H

#include <jansson.h>

#include "cli/cli.h"

typedef struct wardi_client wardi_client;

/** `socket`: as --socket says, else WARD_CONTROL, else this user's; --host, or a URL as either, is
 * a ward on another machine (remote.h). `command` begins every complaint. NULL: said why. */
wardi_client *wardi_client_new(const char *socket, const char *command);
void wardi_client_free(wardi_client *client);

/** From now on nothing is said on standard error: what would be is wardi_client_trouble, which is
 * that of the last call that went wrong. */
void wardi_client_quiet(wardi_client *client);
const char *wardi_client_trouble(const wardi_client *client);
const char *wardi_client_socket(const wardi_client *client);

typedef struct wardi_call {
    const char *method; /* NULL: GET */
    const char *accept; /* NULL: application/json */
    const char *header; /* one more, "Name: value"; NULL: none */
    const char *type;   /* of the body */
    const void *body;   /* NULL: none */
    size_t length;
    uint64_t timeout_ns;  /* 0: 30 s; WARDI_CALL_ENDLESS: as long as it takes */
    bool quiet_not_found; /* 404 is no mistake: the caller says what it means */
    bool whatever;        /* an answer is an answer: its text is handed over with any status */
} wardi_call;
#define WARDI_CALL_ENDLESS UINT64_MAX

/** The answer of 200 as JSON, which the caller owns; NULL: said why, or not found. `*ret_status`
 * (may be NULL) is that of HTTP, 0: there was no answer. `path` is printf's. */
json_t *wardi_client_json(wardi_client *client, const wardi_call *call, long *ret_status,
                          const char *path, ...) WARD_PRINTF(4, 5);
/** The answer as text, to free(); likewise. */
char *wardi_client_text(wardi_client *client, const wardi_call *call, long *ret_status,
                        const char *path, ...) WARD_PRINTF(4, 5);
/** Hands over what arrives as it arrives; false ends it. Returns whether it ended well: at its end,
 * or because the taker wanted so. */
bool wardi_client_stream(wardi_client *client, const wardi_call *call, const char *path,
                         bool (*take)(void *context, const char *bytes, size_t length),
                         void *context);
/** A name as part of a path: what is no letter is escaped. In `room`, of WARDI_ESCAPED_BYTES. */
enum { WARDI_ESCAPED_BYTES = 400 };
const char *wardi_client_escape(char room[WARDI_ESCAPED_BYTES], const char *name);

/* ---- the story of one (why.c) ---- */

/** How it is, how its last run ended, what was tried, what happens next, what to do: lines of
 * words. `evidence` NULL: none is known. */
void wardi_why_tell(FILE *to, const json_t *component, const json_t *evidence);

/* ---- what answers hold ---- */

/** Prints the text of a key, for people: nothing in it is an escape. */
void wardi_json_show(FILE *to, const json_t *object, const char *key);
/** The text of a key; "" if there is none. */
const char *wardi_json_get_text(const json_t *object, const char *key);
uint64_t wardi_json_get_u64(const json_t *object, const char *key);
bool wardi_json_get_bool(const json_t *object, const char *key);
/** Of a time like "2026-11-30T12:00:00.000001Z": since the epoch; 0: there is none. */
uint64_t wardi_json_get_time(const json_t *object, const char *key);

#endif
