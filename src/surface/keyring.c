#include "surface/keyring.h"

#include <gnutls/x509.h>
#include <string.h>

enum {
    KEY_BYTES_MAX = 64 << 10,
    CERTIFICATES_BYTES_MAX = 1 << 20,
    CHAIN_MAX = 8, /* of certificates that a client shows */
    CHARACTERS_OF_A_LINE = 2,
};

/* Our certificate, its key, those that sign clients', and the tokens. */
enum { FILES_MAX = 3 + WARDI_SURFACE_TOKENS_MAX };

struct keyring {
    const wardi_surface_remote *from;
    gnutls_certificate_credentials_t credentials;
    gnutls_x509_trust_list_t trusted; /* NULL: no client's certificate counts */
    uint64_t expires_s;
    grant_token tokens[WARDI_SURFACE_TOKENS_MAX];
    const char *paths[FILES_MAX];
    keyring_stamp stamps[FILES_MAX];
    size_t file_count;
    unsigned owners;
};

static ward_error refuse(ward_diag *ret_diag, const char *path, const char *why)
{
    return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT, "%s: %s", path, why);
}

/* A file, and that it is one of those that the keyring is made of. */
static ward_error load(keyring *k, const char *path, bool secret, size_t max, char **ret_bytes,
                       size_t *ret_length, ward_diag *ret_diag)
{
    ward_error error = keyring_file_read(path, secret, max, ret_bytes, ret_length,
                                         &k->stamps[k->file_count], ret_diag);
    if (error == WARD_OK) k->paths[k->file_count++] = path;
    return error;
}

static gnutls_datum_t datum_of(char *bytes, size_t length)
{
    return (gnutls_datum_t){(unsigned char *)bytes, (unsigned)length};
}

/* ---- our certificate ---- */

static ward_error take_pair(keyring *k, const gnutls_datum_t *certificate,
                            const gnutls_datum_t *key, ward_diag *ret_diag)
{
    gnutls_x509_crt_t own;
    unsigned count = 1;
    int failed = gnutls_certificate_set_x509_key_mem2(k->credentials, certificate, key,
                                                      GNUTLS_X509_FMT_PEM, NULL, 0);
    if (failed == GNUTLS_E_CERTIFICATE_KEY_MISMATCH)
        return refuse(ret_diag, k->from->key,
                      "it is not the key of the first certificate in `tls.certificate`");
    if (failed < 0)
        return wardi_fail(ret_diag, WARD_ERROR_INVALID_ARGUMENT,
                          "%s and %s can't be used: %s; they are PEM, our certificate first and "
                          "those that it is signed by behind it, and the key without a password",
                          k->from->certificate, k->from->key, gnutls_strerror(failed));
    /* It is there: it was read a moment ago. A list of one that is cut is fine. */
    failed = gnutls_x509_crt_list_import(&own, &count, certificate, GNUTLS_X509_FMT_PEM, 0);
    if (failed < 0) return refuse(ret_diag, k->from->certificate, gnutls_strerror(failed));
    k->expires_s = (uint64_t)gnutls_x509_crt_get_expiration_time(own);
    gnutls_x509_crt_deinit(own);
    return WARD_OK;
}

static ward_error read_pair(keyring *k, ward_diag *ret_diag)
{
    char *certificate = NULL, *key = NULL;
    size_t certificate_length = 0, key_length = 0;
    ward_error error = load(k, k->from->certificate, false, CERTIFICATES_BYTES_MAX, &certificate,
                            &certificate_length, ret_diag);
    if (error == WARD_OK)
        error = load(k, k->from->key, true, KEY_BYTES_MAX, &key, &key_length, ret_diag);
    if (error == WARD_OK) {
        gnutls_datum_t c = datum_of(certificate, certificate_length);
        gnutls_datum_t p = datum_of(key, key_length);
        error = take_pair(k, &c, &p, ret_diag);
    }
    keyring_file_free(certificate, certificate_length);
    keyring_file_free(key, key_length);
    return error;
}

/* ---- whose clients count ---- */

static ward_error take_trusted(keyring *k, const gnutls_datum_t *pem, ward_diag *ret_diag)
{
    if (gnutls_x509_trust_list_init(&k->trusted, 0) < 0)
        return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory for %s", k->from->client_ca);
    int count =
        gnutls_x509_trust_list_add_trust_mem(k->trusted, pem, NULL, GNUTLS_X509_FMT_PEM, 0, 0);
    /* Their names are told to clients, who may have several certificates. */
    int told = gnutls_certificate_set_x509_trust_mem(k->credentials, pem, GNUTLS_X509_FMT_PEM);
    if (count > 0 && told > 0) return WARD_OK;
    return refuse(ret_diag, k->from->client_ca,
                  "there is no certificate in it; it is PEM: those that sign the clients'");
}

static ward_error read_trusted(keyring *k, ward_diag *ret_diag)
{
    char *bytes = NULL;
    size_t length = 0;
    if (k->from->client_ca == NULL) return WARD_OK;
    ward_error error =
        load(k, k->from->client_ca, false, CERTIFICATES_BYTES_MAX, &bytes, &length, ret_diag);
    if (error == WARD_OK) {
        gnutls_datum_t pem = datum_of(bytes, length);
        error = take_trusted(k, &pem, ret_diag);
    }
    keyring_file_free(bytes, length);
    return error;
}

/* ---- tokens ---- */

static ward_error take_token(keyring *k, size_t index, const char *text, size_t length,
                             ward_diag *ret_diag)
{
    const wardi_surface_token *from = &k->from->tokens[index];
    while (length > 0 && strchr(" \t\r\n", text[length - 1]) != NULL) length--;
    const char *fault = grant_token_fault(text, length);
    if (fault != NULL) return refuse(ret_diag, from->file, fault);
    if (grant_token_find(k->tokens, index, text, length) != NULL)
        return refuse(ret_diag, from->file,
                      "another of the tokens is the same; one could not tell who has used it");
    k->tokens[index] = (grant_token){.name = from->name, .may = from->may};
    grant_token_digest(text, length, k->tokens[index].digest);
    return WARD_OK;
}

static ward_error read_tokens(keyring *k, ward_diag *ret_diag)
{
    ward_error error = WARD_OK;
    for (size_t i = 0; i < k->from->token_count && error == WARD_OK; i++) {
        char *bytes = NULL;
        size_t length = 0;
        error = load(k, k->from->tokens[i].file, true, GRANT_TOKEN_BYTES_MAX + CHARACTERS_OF_A_LINE,
                     &bytes, &length, ret_diag);
        if (error == WARD_OK) error = take_token(k, i, bytes, length, ret_diag);
        keyring_file_free(bytes, length);
    }
    return error;
}

/* ---- the whole ---- */

ward_error keyring_read(const wardi_surface_remote *from, keyring **ret_keys, ward_diag *ret_diag)
{
    keyring *k = wardi_alloc(sizeof *k);
    if (k == NULL || gnutls_certificate_allocate_credentials(&k->credentials) < 0) {
        wardi_free(k);
        return wardi_fail(ret_diag, WARD_ERROR_NO_MEMORY, "no memory for TLS");
    }
    k->from = from;
    k->owners = 1;
    ward_error error = read_pair(k, ret_diag);
    if (error == WARD_OK) error = read_trusted(k, ret_diag);
    if (error == WARD_OK) error = read_tokens(k, ret_diag);
    if (error == WARD_OK)
        *ret_keys = k;
    else
        keyring_drop(k);
    return error;
}

bool keyring_is_stale(const keyring *k)
{
    for (size_t i = 0; i < k->file_count; i++)
        if (keyring_file_changed(k->paths[i], &k->stamps[i])) return true;
    return false;
}

keyring *keyring_keep(keyring *k)
{
    if (k != NULL) k->owners++;
    return k;
}

void keyring_drop(keyring *k)
{
    if (k == NULL || --k->owners > 0) return;
    gnutls_certificate_free_credentials(k->credentials);
    if (k->trusted != NULL) gnutls_x509_trust_list_deinit(k->trusted, 1);
    explicit_bzero(k->tokens, sizeof k->tokens);
    wardi_free(k);
}

bool keyring_dress(keyring *k, gnutls_session_t session)
{
    gnutls_certificate_server_set_request(session, k->trusted != NULL ? GNUTLS_CERT_REQUEST
                                                                      : GNUTLS_CERT_IGNORE);
    return gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, k->credentials) == 0;
}

const grant_token *keyring_token(const keyring *k, const char *text, size_t length)
{
    return grant_token_find(k->tokens, k->from->token_count, text, length);
}

const grant_token *keyring_token_of(const keyring *k, const uint8_t digest[WARDI_SHA256_BYTES])
{
    return grant_token_of(k->tokens, k->from->token_count, digest);
}

uint64_t keyring_expires_s(const keyring *k)
{
    return k->expires_s;
}

/* ---- a client's certificate ---- */

static const char *fault_of(unsigned status)
{
    static const struct {
        unsigned bit;
        const char *text;
    } faults[] = {
        {GNUTLS_CERT_EXPIRED, "has expired"},
        {GNUTLS_CERT_NOT_ACTIVATED, "is not valid yet"},
        {GNUTLS_CERT_SIGNER_NOT_FOUND, "is signed by nobody who is trusted here"},
        {GNUTLS_CERT_PURPOSE_MISMATCH, "is not for clients (TLS Web Client Authentication)"},
        {GNUTLS_CERT_INSECURE_ALGORITHM, "is signed in a way that is no longer safe"},
    };
    for (size_t i = 0; i < WARD_COUNT(faults); i++)
        if ((status & faults[i].bit) != 0) return faults[i].text;
    return "is not valid";
}

static bool is_name_kind(int kind)
{
    return kind == GNUTLS_SAN_DNSNAME || kind == GNUTLS_SAN_URI || kind == GNUTLS_SAN_RFC822NAME;
}

static void consider(const keyring *k, const char *name, size_t length,
                     const wardi_surface_client **best)
{
    const wardi_surface_client *found =
        grant_client_of(k->from->clients, k->from->client_count, name, length);
    if (found != NULL && (*best == NULL || found->may > (*best)->may)) *best = found;
}

/* Of the alternative names; true: there is one at least, of whatever kind. */
static bool consider_names(const keyring *k, gnutls_x509_crt_t certificate,
                           const wardi_surface_client **best)
{
    char name[GRANT_NAME_BYTES_MAX + 1];
    for (unsigned i = 0;; i++) {
        size_t size = sizeof name;
        int kind = gnutls_x509_crt_get_subject_alt_name(certificate, i, name, &size, NULL);
        if (is_name_kind(kind)) consider(k, name, size, best);
        /* One that is too long for us is one, too. */
        if (kind < 0 && kind != GNUTLS_E_SHORT_MEMORY_BUFFER) return i > 0;
    }
}

/* The common name counts only where there is no other: so say RFC 6125, and who issues them. */
static const wardi_surface_client *client_of(const keyring *k, gnutls_x509_crt_t certificate)
{
    char name[GRANT_NAME_BYTES_MAX + 1];
    size_t size = sizeof name;
    const wardi_surface_client *best = NULL;
    if (consider_names(k, certificate, &best)) return best;
    if (gnutls_x509_crt_get_dn_by_oid(certificate, GNUTLS_OID_X520_COMMON_NAME, 0, 0, name,
                                      &size) == 0)
        consider(k, name, size, &best);
    return best;
}

static const char *judge(const keyring *k, gnutls_x509_crt_t *chain, unsigned count,
                         const wardi_surface_client **ret_client)
{
    unsigned status = 0;
    gnutls_typed_vdata_st purpose = {.type = GNUTLS_DT_KEY_PURPOSE_OID,
                                     .data = (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_CLIENT};
    int failed =
        gnutls_x509_trust_list_verify_crt2(k->trusted, chain, count, &purpose, 1, 0, &status, NULL);
    if (failed < 0) return "can't be verified";
    if (status != 0) return fault_of(status);
    *ret_client = client_of(k, chain[0]);
    return *ret_client != NULL ? NULL : "is of nobody who may";
}

const char *keyring_certificate(const keyring *k, gnutls_session_t session,
                                const wardi_surface_client **ret_client)
{
    gnutls_x509_crt_t chain[CHAIN_MAX];
    unsigned count = 0, read = 0;
    const gnutls_datum_t *shown = gnutls_certificate_get_peers(session, &count);
    const char *fault = NULL;
    if (k->trusted == NULL || shown == NULL || count == 0) return "";
    if (count > CHAIN_MAX) return "comes with too many others";
    for (; read < count && fault == NULL; read++) {
        if (gnutls_x509_crt_init(&chain[read]) < 0) {
            fault = "can't be read";
            break;
        }
        if (gnutls_x509_crt_import(chain[read], &shown[read], GNUTLS_X509_FMT_DER) < 0)
            fault = "can't be read";
    }
    if (fault == NULL) fault = judge(k, chain, count, ret_client);
    for (unsigned i = 0; i < read; i++) gnutls_x509_crt_deinit(chain[i]);
    return fault;
}
