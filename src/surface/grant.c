#include "surface/grant.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

/* ---- over the socket ---- */

static bool contains(const gid_t *groups, size_t count, gid_t gid)
{
    for (size_t i = 0; i < count; i++)
        if (groups[i] == gid) return true;
    return false;
}

wardi_may grant_of_user(const grant_groups *of, uid_t uid, const gid_t *groups, size_t count)
{
    if (uid == 0 || uid == of->own_uid) return WARDI_MAY_WRITE;
    if (of->has_write_gid && contains(groups, count, of->write_gid)) return WARDI_MAY_WRITE;
    if (of->has_read_gid && contains(groups, count, of->read_gid)) return WARDI_MAY_READ;
    return WARDI_MAY_NOTHING;
}

/* ---- tokens ---- */

/* Of RFC 6750, token68: what may stand in a header as it is. */
static bool is_token_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-._~+/=", c) != NULL);
}

const char *grant_token_fault(const char *text, size_t length)
{
    bool seen[256] = {false};
    size_t kinds = 0;
    if (length == 0) return "it is empty; make one with `openssl rand -hex 32`";
    if (length < GRANT_TOKEN_BYTES_MIN)
        return "a token has at least 32 characters; make one with `openssl rand -hex 32`";
    if (length > GRANT_TOKEN_BYTES_MAX)
        return "a token has at most 512 characters; make one with `openssl rand -hex 32`";
    for (size_t i = 0; i < length; i++) {
        if (!is_token_character(text[i]))
            return "a token is one line of letters, digits and -._~+/=; make one with `openssl "
                   "rand -hex 32`";
        kinds += !seen[(unsigned char)text[i]];
        seen[(unsigned char)text[i]] = true;
    }
    return kinds >= GRANT_TOKEN_KINDS_MIN
               ? NULL
               : "it can be guessed: too few different characters; make one with `openssl rand "
                 "-hex 32`";
}

void grant_token_digest(const char *text, size_t length, uint8_t ret_digest[WARDI_SHA256_BYTES])
{
    wardi_sha256 hash;
    wardi_sha256_init(&hash);
    wardi_sha256_update(&hash, text, length);
    wardi_sha256_done(&hash, ret_digest);
}

/* Looks at all bytes, whatever they are. */
static bool same_digest(const uint8_t *a, const uint8_t *b)
{
    volatile uint8_t differs = 0;
    for (size_t i = 0; i < WARDI_SHA256_BYTES; i++) differs = (uint8_t)(differs | (a[i] ^ b[i]));
    return differs == 0;
}

const grant_token *grant_token_of(const grant_token *tokens, size_t count,
                                  const uint8_t digest[WARDI_SHA256_BYTES])
{
    const grant_token *found = NULL;
    for (size_t i = 0; i < count; i++)
        if (same_digest(tokens[i].digest, digest)) found = &tokens[i];
    return found;
}

const grant_token *grant_token_find(const grant_token *tokens, size_t count, const char *text,
                                    size_t length)
{
    uint8_t digest[WARDI_SHA256_BYTES];
    grant_token_digest(text, length, digest);
    return grant_token_of(tokens, count, digest);
}

bool grant_bearer_read(const char *header, const char **ret_text, size_t *ret_length)
{
    static const char scheme[] = "Bearer ";
    if (header == NULL || strncasecmp(header, scheme, sizeof scheme - 1) != 0) return false;
    const char *text = header + sizeof scheme - 1;
    text += strspn(text, " ");
    size_t length = strlen(text);
    for (size_t i = 0; i < length; i++)
        if (!is_token_character(text[i])) return false;
    *ret_text = text;
    *ret_length = length;
    return length != 0;
}

/* ---- names of certificates ---- */

const wardi_surface_client *grant_client_of(const wardi_surface_client *clients, size_t count,
                                            const char *name, size_t length)
{
    const wardi_surface_client *found = NULL;
    for (size_t i = 0; i < count; i++) {
        bool same = strlen(clients[i].name) == length && memcmp(clients[i].name, name, length) == 0;
        if (same && (found == NULL || clients[i].may > found->may)) found = &clients[i];
    }
    return found;
}

/* ---- where a request goes, and comes from ---- */

enum { HOST_BYTES_MAX = 253 };

bool wardi_surface_host_valid(const char *host)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
    size_t length = strlen(host);
    return strcmp(host, "*") == 0 ||
           (length > 0 && length <= HOST_BYTES_MAX && strspn(host, letters) == length);
}

static bool is_port(const char *text)
{
    return *text == '\0' || (*text == ':' && strspn(text + 1, "0123456789") == strlen(text + 1));
}

/* The name without its port, and without the dot that may end it. False: it is malformed. */
static bool take_name(const char *host, char ret_name[HOST_BYTES_MAX + 1])
{
    bool bracketed = host[0] == '[';
    size_t length = bracketed ? strcspn(host + 1, "]") : strcspn(host, ":");
    const char *from = bracketed ? host + 1 : host, *rest = from + length;
    if (bracketed && *rest++ != ']') return false;
    if (length == 0 || length > HOST_BYTES_MAX || !is_port(rest)) return false;
    if (!bracketed && length > 1 && from[length - 1] == '.') length--;
    memcpy(ret_name, from, length);
    ret_name[length] = '\0';
    return true;
}

bool grant_host_fits(const char *host, const char *const *names, size_t count)
{
    char name[HOST_BYTES_MAX + 1];
    unsigned char address[sizeof(struct in6_addr)];
    if (host == NULL) return true;
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], "*") == 0) return true;
    if (!take_name(host, name)) return false;
    if (inet_pton(host[0] == '[' ? AF_INET6 : AF_INET, name, address) == 1) return true;
    if (host[0] == '[') return false;
    if (strcasecmp(name, "localhost") == 0) return true;
    for (size_t i = 0; i < count; i++)
        if (strcasecmp(name, names[i]) == 0) return true;
    return false;
}

bool grant_origin_fits(const char *origin, const char *host, const char *fetch_site)
{
    static const char scheme[] = "https://";
    if (fetch_site != NULL && strcmp(fetch_site, "same-origin") != 0 &&
        strcmp(fetch_site, "none") != 0)
        return false;
    if (origin == NULL) return true;
    return host != NULL && strncmp(origin, scheme, sizeof scheme - 1) == 0 &&
           strcasecmp(origin + sizeof scheme - 1, host) == 0;
}
