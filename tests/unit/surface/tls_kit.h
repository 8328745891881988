/* Certificates and tokens that are made when they are needed, and a client that speaks TLS. */
#ifndef TLS_KIT_H
#define TLS_KIT_H

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <time.h>

#include "unit/surface/http_kit.h"

enum { DAY_S = 86400 };

/* A certificate with its key; signed by itself where nobody is named. */
typedef struct made {
    gnutls_x509_crt_t certificate;
    gnutls_x509_privkey_t key;
} made;

typedef struct made_options {
    const made *by;
    const char *common_name, *dns_name, *uri;
    const char *purpose; /* NULL: servers */
    time_t from_s, to_s; /* from now on; both 0: a day */
    bool is_ca;
} made_options;

#define GOOD(call) assert_int_equal((call), 0)

static inline made make(const made_options *options)
{
    static unsigned char serial = 1;
    made m;
    time_t now = time(NULL);
    GOOD(gnutls_x509_privkey_init(&m.key));
    GOOD(gnutls_x509_privkey_generate(m.key, GNUTLS_PK_ECDSA,
                                      GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0));
    GOOD(gnutls_x509_crt_init(&m.certificate));
    GOOD(gnutls_x509_crt_set_version(m.certificate, 3));
    GOOD(gnutls_x509_crt_set_serial(m.certificate, &serial, 1));
    serial++;
    GOOD(gnutls_x509_crt_set_key(m.certificate, m.key));
    if (options->common_name != NULL)
        GOOD(gnutls_x509_crt_set_dn_by_oid(m.certificate, GNUTLS_OID_X520_COMMON_NAME, 0,
                                           options->common_name,
                                           (unsigned)strlen(options->common_name)));
    if (options->dns_name != NULL)
        GOOD(gnutls_x509_crt_set_subject_alt_name(
            m.certificate, GNUTLS_SAN_DNSNAME, options->dns_name,
            (unsigned)strlen(options->dns_name), GNUTLS_FSAN_APPEND));
    if (options->uri != NULL)
        GOOD(gnutls_x509_crt_set_subject_alt_name(m.certificate, GNUTLS_SAN_URI, options->uri,
                                                  (unsigned)strlen(options->uri),
                                                  GNUTLS_FSAN_APPEND));
    GOOD(gnutls_x509_crt_set_activation_time(m.certificate, now - 60 + options->from_s));
    GOOD(gnutls_x509_crt_set_expiration_time(m.certificate,
                                             now + (options->to_s != 0 ? options->to_s : DAY_S)));
    GOOD(gnutls_x509_crt_set_basic_constraints(m.certificate, options->is_ca, -1));
    if (!options->is_ca)
        GOOD(gnutls_x509_crt_set_key_purpose_oid(
            m.certificate, options->purpose != NULL ? options->purpose : GNUTLS_KP_TLS_WWW_SERVER,
            0));
    const made *by = options->by != NULL ? options->by : &m;
    GOOD(gnutls_x509_crt_sign2(m.certificate, by->certificate, by->key, GNUTLS_DIG_SHA256, 0));
    return m;
}

static inline void unmake(made *m)
{
    if (m->certificate == NULL) return;
    gnutls_x509_crt_deinit(m->certificate);
    gnutls_x509_privkey_deinit(m->key);
    *m = (made){0};
}

/* ---- files, in `directory` ---- */

static char made_files[32][128];
static size_t made_count;

static inline const char *write_file(const char *name, const void *bytes, size_t length,
                                     mode_t mode)
{
    char path[128], aside[136];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    snprintf(aside, sizeof aside, "%s.new", path);
    FILE *to = fopen(aside, "we");
    assert_non_null(to);
    assert_int_equal(fwrite(bytes, 1, length, to), length);
    assert_int_equal(fclose(to), 0);
    assert_int_equal(chmod(aside, mode), 0);
    assert_int_equal(rename(aside, path), 0);
    for (size_t i = 0; i < made_count; i++)
        if (strcmp(made_files[i], path) == 0) return made_files[i];
    assert_true(made_count < WARD_COUNT(made_files));
    strcpy(made_files[made_count], path);
    return made_files[made_count++];
}

static inline const char *write_text(const char *name, const char *text, mode_t mode)
{
    return write_file(name, text, strlen(text), mode);
}

static inline const char *write_certificate(const char *name, const made *m)
{
    gnutls_datum_t pem;
    GOOD(gnutls_x509_crt_export2(m->certificate, GNUTLS_X509_FMT_PEM, &pem));
    const char *path = write_file(name, pem.data, pem.size, 0644);
    gnutls_free(pem.data);
    return path;
}

static inline const char *write_key(const char *name, const made *m)
{
    gnutls_datum_t pem;
    GOOD(gnutls_x509_privkey_export2(m->key, GNUTLS_X509_FMT_PEM, &pem));
    const char *path = write_file(name, pem.data, pem.size, 0600);
    gnutls_free(pem.data);
    return path;
}

static inline void remove_files(void)
{
    for (size_t i = 0; i < made_count; i++) unlink(made_files[i]);
    made_count = 0;
}

/* ---- a client ---- */

typedef struct tls_client {
    int fd;
    gnutls_session_t session;
    gnutls_certificate_credentials_t credentials;
} tls_client;

/* What a client shows in any case, whomever the server trusts: GnuTLS by itself would show nothing
 * that is of no use. */
static gnutls_pcert_st shown_certificate;
static gnutls_privkey_t shown_key;

static inline int show(gnutls_session_t session, const gnutls_datum_t *names, int name_count,
                       const gnutls_pk_algorithm_t *algorithms, int algorithm_count,
                       gnutls_pcert_st **ret_certificate, unsigned *ret_count,
                       gnutls_privkey_t *ret_key)
{
    (void)session, (void)names, (void)name_count, (void)algorithms, (void)algorithm_count;
    *ret_certificate = &shown_certificate;
    *ret_count = 1;
    *ret_key = shown_key;
    return 0;
}

static inline void show_always(gnutls_certificate_credentials_t credentials, const made *as)
{
    GOOD(gnutls_pcert_import_x509(&shown_certificate, as->certificate, 0));
    GOOD(gnutls_privkey_init(&shown_key));
    GOOD(gnutls_privkey_import_x509(shown_key, as->key, 0));
    gnutls_certificate_set_retrieve_function2(credentials, show);
}

/* Begins, and takes the handshake to its end if it can; else returns why not. `as` may be NULL; one
 * at a time. The server's certificate is not looked at. */
static inline int tls_open(tls_client *c, int fd, const made *as, const char *priorities)
{
    struct timeval patience = {.tv_sec = 20};
    c->fd = fd;
    setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    GOOD(gnutls_init(&c->session, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL));
    GOOD(gnutls_certificate_allocate_credentials(&c->credentials));
    if (as != NULL) show_always(c->credentials, as);
    GOOD(gnutls_credentials_set(c->session, GNUTLS_CRD_CERTIFICATE, c->credentials));
    GOOD(gnutls_priority_set_direct(c->session, priorities != NULL ? priorities : "NORMAL", NULL));
    gnutls_transport_set_int(c->session, fd);
    int result;
    do result = gnutls_handshake(c->session);
    while (result < 0 && gnutls_error_is_fatal(result) == 0);
    return result;
}

static inline void tls_close(tls_client *c)
{
    gnutls_deinit(c->session);
    gnutls_certificate_free_credentials(c->credentials);
    close(c->fd);
    *c = (tls_client){.fd = -1};
    if (shown_key == NULL) return;
    gnutls_pcert_deinit(&shown_certificate);
    gnutls_privkey_deinit(shown_key);
    shown_key = NULL;
}

static inline int dial_remote(void)
{
    return dial_tcp(wardi_surface_remote_address(surface));
}

/* Until it ends: with `Connection: close`, that is the answer. NULL-terminated; false: nothing
 * came.
 */
static inline bool tls_read_all(tls_client *c, char *to, size_t room)
{
    size_t length = 0;
    for (;;) {
        ssize_t got = gnutls_record_recv(c->session, to + length, room - 1 - length);
        if (got == GNUTLS_E_AGAIN || got == GNUTLS_E_INTERRUPTED) continue;
        if (got <= 0) break;
        length += (size_t)got;
    }
    to[length] = '\0';
    return length > 0;
}

/* A whole answer of one request. The status is -1 where there is none. */
typedef struct answer {
    int status;
    char text[65536];
} answer;

static inline answer *tls_exchange(const made *as, const char *request)
{
    static answer a;
    tls_client c;
    a.status = -1;
    a.text[0] = '\0';
    int failed = tls_open(&c, dial_remote(), as, NULL);
    if (failed == 0) {
        assert_int_equal(gnutls_record_send(c.session, request, strlen(request)), strlen(request));
        if (tls_read_all(&c, a.text, sizeof a.text)) a.status = atoi(a.text + 9);
    }
    tls_close(&c);
    return &a;
}

/* `authorization` is a header with its end, or "". */
static inline answer *tls_request(const made *as, const char *method, const char *path,
                                  const char *headers)
{
    char request[4096];
    snprintf(request, sizeof request,
             "%s %s HTTP/1.1\r\nHost: ward.example\r\nConnection: close\r\n%s%s\r\n", method, path,
             headers, strcmp(method, "POST") == 0 ? "Content-Length: 0\r\n" : "");
    return tls_exchange(as, request);
}

#endif
