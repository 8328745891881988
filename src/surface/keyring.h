/* keyring: what TLS and those who come over it are held against: our certificate, whose signature
 * makes a client's count, and the tokens.
 *
 * Read from files as a whole, and never changed: when a file has changed, a new one is read and
 * takes the old one's place, which lives on for connections that began with it. So a certificate or
 * a token is replaced while all is served, and what can't be read leaves what was read before. */
#ifndef SURFACE_KEYRING_H
#define SURFACE_KEYRING_H

#include <gnutls/gnutls.h>
#include <sys/stat.h>

#include "surface/grant.h"

typedef struct keyring keyring;

/* TLS 1.3 and 1.2, with forward secrecy and authenticated encryption alone; the groups first that
 * clients guess first, or each handshake would take another round trip. */
#define KEYRING_PRIORITIES                                                                         \
    "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA:-CIPHER-ALL:"   \
    "+AES-256-GCM:+CHACHA20-POLY1305:+AES-128-GCM:-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:"      \
    "+GROUP-SECP384R1:%SERVER_PRECEDENCE"

/* Any thread; `from` is borrowed as long as the keyring lives. Errors, which name the file and the
 * way out: NOT_FOUND, IO, INVALID_ARGUMENT, NO_MEMORY. */
ward_error keyring_read(const wardi_surface_remote *from, keyring **ret_keys, ward_diag *ret_diag);
/* Whether a file is no longer what it was when it was read, or is gone. Any thread; waits for the
 * disk. */
bool keyring_is_stale(const keyring *keys);

/* The rest on the surfaces' thread. It begins with one owner; the last one who drops it frees it.
 * NULL is fine. */
keyring *keyring_keep(keyring *keys);
void keyring_drop(keyring *keys);

/* For a handshake that has not begun. The keyring is kept as long as the session is. False: no
 * memory. */
bool keyring_dress(keyring *keys, gnutls_session_t session);
/* Whose token it is; NULL: nobody's. */
const grant_token *keyring_token(const keyring *keys, const char *text, size_t length);
const grant_token *keyring_token_of(const keyring *keys, const uint8_t digest[WARDI_SHA256_BYTES]);
/* Whose certificate the other end has shown. NULL: `*ret_client` is set; else why it does not
 * count, for a sentence that begins with "The client's certificate"; static. "" for none at all. */
const char *keyring_certificate(const keyring *keys, gnutls_session_t session,
                                const wardi_surface_client **ret_client);
/* When our certificate expires; seconds since the epoch. */
uint64_t keyring_expires_s(const keyring *keys);

/* ---- keyring_file.c: files ---- */

/* Which file it was, and in which state. */
typedef struct keyring_stamp {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec changed, modified;
} keyring_stamp;

/* A whole file, with a NUL behind it, for wardi_free; at most `max` bytes. A `secret` is refused
 * where others could read or replace it. Errors as keyring_read. */
ward_error keyring_file_read(const char *path, bool secret, size_t max, char **ret_bytes,
                             size_t *ret_length, keyring_stamp *ret_stamp, ward_diag *ret_diag);
bool keyring_file_changed(const char *path, const keyring_stamp *stamp);
/* Overwrites what it frees. NULL is fine. */
void keyring_file_free(char *bytes, size_t length);

#endif
