/* grant: who may do what. Pure: what is known of somebody, against what is granted.
 *
 * Three ways lead in: the control socket, where the kernel says who is at the other end; TLS, where
 * a token or a certificate does; and plain HTTP, where nobody is asked and everybody may read. */
#ifndef SURFACE_GRANT_H
#define SURFACE_GRANT_H

#include <sys/types.h>

#include "surface/surface.h"

/* ---- over the socket ---- */

typedef struct grant_groups {
    uid_t own_uid; /* the host's: it and root may all */
    gid_t write_gid, read_gid;
    bool has_write_gid, has_read_gid;
} grant_groups;

/* What the user may, who is in these groups. */
wardi_may grant_of_user(const grant_groups *of, uid_t uid, const gid_t *groups, size_t count);

/* ---- tokens ---- */

enum {
    GRANT_TOKEN_BYTES_MIN = 32, /* 128 bits, as hexadecimal digits */
    GRANT_TOKEN_BYTES_MAX = 512,
    GRANT_TOKEN_KINDS_MIN = 8, /* of characters: "aaaa…" is no secret, whatever its length */
    GRANT_NAME_BYTES_MAX = 255,
};

/* Kept as a digest: what is read of our memory is no token. */
typedef struct grant_token {
    const char *name;
    uint8_t digest[WARDI_SHA256_BYTES];
    wardi_may may;
} grant_token;

/* What keeps a text from being a token, with the way out; static. NULL: nothing. */
const char *grant_token_fault(const char *text, size_t length);
void grant_token_digest(const char *text, size_t length, uint8_t ret_digest[WARDI_SHA256_BYTES]);
/* Which of the tokens the text is; NULL: none. It takes as long whichever it is. */
const grant_token *grant_token_find(const grant_token *tokens, size_t count, const char *text,
                                    size_t length);
/* The same, of its digest. */
const grant_token *grant_token_of(const grant_token *tokens, size_t count,
                                  const uint8_t digest[WARDI_SHA256_BYTES]);
/* The token of an Authorization header, "Bearer …", which is pointed into. False: it is another
 * kind, or malformed. */
bool grant_bearer_read(const char *header, const char **ret_text, size_t *ret_length);

/* ---- names of certificates ---- */

/* Who of them has the name, which need not end in NUL: a NUL within it is no end. Of several, the
 * one who may most; NULL: nobody. */
const wardi_surface_client *grant_client_of(const wardi_surface_client *clients, size_t count,
                                            const char *name, size_t length);

/* ---- what a request says of where it goes, and comes from ---- */

/* Whether a Host header (NULL: there is none, which no browser does) is for this host: an address,
 * localhost, or one of the names, whatever the port. So no page of a site whose name its owner
 * makes point here reads from us: its browser says that site's name. */
bool grant_host_fits(const char *host, const char *const *names, size_t count);
/* Whether a request is none that a page of another site has made: its Origin (NULL: there is none)
 * is https and this Host, and Sec-Fetch-Site (may be NULL) says nothing else. */
bool grant_origin_fits(const char *origin, const char *host, const char *fetch_site);

#endif
