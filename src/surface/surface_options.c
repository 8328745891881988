/* The options of the surface: what is wrong with them, and copies of them. */
#include <string.h>

#include "surface/surface_priv.h"

/* ---- control over TCP ---- */

static bool is_client_name(const char *name)
{
    enum { CLIENT_NAME_BYTES_MAX = 255 };
    size_t length = strlen(name);
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f) return false;
    return length > 0 && length <= CLIENT_NAME_BYTES_MAX;
}

static const char *tokens_fault(const wardi_surface_remote *of)
{
    if (of->token_count > WARDI_SURFACE_TOKENS_MAX)
        return "there are at most 64 tokens; let some share one";
    for (size_t i = 0; i < of->token_count; i++) {
        if (of->tokens[i].name == NULL || !wardi_name_valid(of->tokens[i].name))
            return "a token has a `name`, as components have: 1 to 127 letters, digits, '.', '_' "
                   "or '-'";
        if (of->tokens[i].file == NULL)
            return "a token has a `file` that it stands in; write `file: …`, never the token "
                   "itself";
        if (of->tokens[i].may == WARDI_MAY_NOTHING)
            return "a token has a `grant`; write `grant: read` or `grant: write`";
        for (size_t j = 0; j < i; j++)
            if (strcmp(of->tokens[i].name, of->tokens[j].name) == 0)
                return "two tokens have the same name; events could not tell them apart";
    }
    return NULL;
}

static const char *clients_fault(const wardi_surface_remote *of)
{
    if (of->client_count > WARDI_SURFACE_CLIENTS_MAX)
        return "there are at most 256 clients; use a certificate for several";
    for (size_t i = 0; i < of->client_count; i++) {
        if (of->clients[i].name == NULL || !is_client_name(of->clients[i].name))
            return "a client has a `name`, which is that of its certificate, of 1 to 255 bytes";
        if (of->clients[i].may == WARDI_MAY_NOTHING)
            return "a client has a `grant`; write `grant: read` or `grant: write`";
        for (size_t j = 0; j < i; j++)
            if (strcmp(of->clients[i].name, of->clients[j].name) == 0)
                return "two clients have the same name; keep one";
    }
    return NULL;
}

/* What is set, though there is no address that it is for. */
static const char *idle_key(const wardi_surface_remote *of)
{
    return of->certificate != NULL ? "tls.certificate"
           : of->key != NULL       ? "tls.key"
           : of->client_ca != NULL ? "tls.client_ca"
           : of->token_count != 0  ? "tokens"
           : of->client_count != 0 ? "clients"
                                   : NULL;
}

const char *wardi_surface_remote_fault(const wardi_surface_remote *remote, const char **ret_key)
{
    *ret_key = idle_key(remote);
    if (remote->address == NULL)
        return *ret_key == NULL ? NULL
                                : "it says nothing while `surfaces.remote` is not there; write "
                                  "`remote: 0.0.0.0:9322`, or take it out";
    *ret_key = "remote";
    if (remote->certificate == NULL || remote->key == NULL)
        return "control over TCP takes TLS; name the files of a certificate and its key: `tls: "
               "{certificate: …, key: …}`";
    if (remote->token_count == 0 && remote->client_ca == NULL)
        return "nobody could come in; write `tokens:`, or `tls.client_ca` and `clients:`";
    *ret_key = "tls.client_ca";
    if (remote->client_ca != NULL && remote->client_count == 0)
        return "whose certificate it has signed is not enough; name who may, and what: `clients: "
               "[{name: …, grant: read}]`";
    *ret_key = "clients";
    if (remote->client_ca == NULL && remote->client_count != 0)
        return "they say nothing without `tls.client_ca`, which tells whose certificates count";
    const char *fault = clients_fault(remote);
    if (fault != NULL) return fault;
    *ret_key = "tokens";
    return tokens_fault(remote);
}

/* ---- copies ---- */

static bool copy_text(const char **text)
{
    if (*text == NULL) return true;
    *text = wardi_strdup(*text);
    return *text != NULL;
}

static void free_text(const char *text)
{
    wardi_free((char *)(uintptr_t)text);
}

/* Each text of the options that stands alone. */
enum { TEXTS = 10 };
static void texts_of(wardi_surface_options *own, const char **ret_texts[TEXTS])
{
    const char **all[TEXTS] = {&own->http_address,    &own->grpc_address,       &own->control_path,
                               &own->control_group,   &own->read_group,         &own->journal_path,
                               &own->remote.address,  &own->remote.certificate, &own->remote.key,
                               &own->remote.client_ca};
    memcpy((void *)ret_texts, (const void *)all, sizeof all);
}

/* Takes a list over into memory of its own; `*count` is 0 where there was none. */
static void *take_list(const void *list, size_t *count, size_t size)
{
    void *own = *count != 0 ? wardi_memdup(list, *count * size) : NULL;
    if (own == NULL) *count = 0;
    return own;
}

/* What was copied is our own, also where the rest was not: the others are NULL then. */
static bool copy_lists(wardi_surface_options *own)
{
    wardi_surface_remote *r = &own->remote;
    size_t wanted = own->http_host_count + r->token_count + r->client_count;
    const char **hosts = take_list(own->http_hosts, &own->http_host_count, sizeof *hosts);
    wardi_surface_token *tokens = take_list(r->tokens, &r->token_count, sizeof *tokens);
    wardi_surface_client *clients = take_list(r->clients, &r->client_count, sizeof *clients);
    bool copied = wanted == own->http_host_count + r->token_count + r->client_count;
    own->http_hosts = hosts;
    r->tokens = tokens;
    r->clients = clients;
    for (size_t i = 0; i < own->http_host_count; i++) copied = copy_text(&hosts[i]) && copied;
    for (size_t i = 0; i < r->token_count; i++) {
        copied = copy_text(&tokens[i].name) && copied;
        copied = copy_text(&tokens[i].file) && copied;
    }
    for (size_t i = 0; i < r->client_count; i++) copied = copy_text(&clients[i].name) && copied;
    return copied;
}

bool surface_options_take(wardi_surface_options *own, const wardi_surface_options *options)
{
    const char **texts[TEXTS];
    bool copied = true;
    *own = *options;
    texts_of(own, texts);
    for (size_t i = 0; i < TEXTS; i++) copied = copy_text(texts[i]) && copied;
    return copy_lists(own) && copied;
}

void surface_options_done(wardi_surface_options *own)
{
    const char **texts[TEXTS];
    texts_of(own, texts);
    for (size_t i = 0; i < TEXTS; i++) free_text(*texts[i]);
    for (size_t i = 0; i < own->http_host_count; i++) free_text(own->http_hosts[i]);
    for (size_t i = 0; i < own->remote.token_count; i++) {
        free_text(own->remote.tokens[i].name);
        free_text(own->remote.tokens[i].file);
    }
    for (size_t i = 0; i < own->remote.client_count; i++) free_text(own->remote.clients[i].name);
    wardi_free((void *)(uintptr_t)own->http_hosts);
    wardi_free((void *)(uintptr_t)own->remote.tokens);
    wardi_free((void *)(uintptr_t)own->remote.clients);
}
