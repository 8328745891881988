/* A ward on another machine, reached over TLS: where it is, and by what one is known there.
 *
 * A process talks to one ward; so these options are of the process, and every command takes them
 * that talks to a ward that runs. A secret is never the value of an option, which everybody on the
 * machine could see: it stands in a file. */
#ifndef WARDI_CLI_REMOTE_H
#define WARDI_CLI_REMOTE_H

#include <curl/curl.h>

#include "cli/cli.h"

typedef struct wardi_remote {
    char base[300];                /* "https://ward.example:9322" */
    char *authorization;           /* owned: a header; NULL: no token */
    const char *ca_file;           /* NULL: whom the system trusts */
    const char *certificate, *key; /* NULL: none is shown */
    char trouble[CURL_ERROR_SIZE]; /* in curl's words */
} wardi_remote;

/** What --host says, or else `socket` (as --socket says) or else WARD_CONTROL, if that is a URL;
 * NULL: a socket is meant. */
const char *wardi_remote_url(const char *socket);
/** Reads the URL, and the token's file. NULL: it is fine; else what is wrong, with the way out, in
 * `room`. `wardi_remote_done` is due in either case. */
enum { WARDI_REMOTE_FAULT_BYTES = 600 };
const char *wardi_remote_open(wardi_remote *remote, const char *url,
                              char room[WARDI_REMOTE_FAULT_BYTES]);
void wardi_remote_done(wardi_remote *remote);
/** For a call: TLS, and the headers with the token behind them. */
struct curl_slist *wardi_remote_set(wardi_remote *remote, CURL *curl, struct curl_slist *headers);
/** What has kept a call from being answered, with the way out. */
void wardi_remote_explain(const wardi_remote *remote, CURL *curl, CURLcode code, wardi_text *to);

#endif
