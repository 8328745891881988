#include "cli/remote.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PORT_DEFAULT "9322"
enum { TOKEN_BYTES_MAX = 512 };

static struct given {
    const char *host, *token_file, *ca_file, *certificate, *key;
} given;

#define GIVEN(field) offsetof(struct given, field)
/* clang-format off */
const wardi_option wardi_remote_options[] = {
    {"host", 0, WARDI_OPTION_TEXT, GIVEN(host), "URL", NULL, "like https://ward.example:9322 (default: WARD_CONTROL, where it is one)"},
    {"token-file", 0, WARDI_OPTION_FILE, GIVEN(token_file), "FILE", NULL, "of the token to be known by (default: WARD_TOKEN_FILE)"},
    {"ca-file", 0, WARDI_OPTION_FILE, GIVEN(ca_file), "FILE", NULL, "whom to trust (default: WARD_CA_FILE, or the system's)"},
    {"cert", 0, WARDI_OPTION_FILE, GIVEN(certificate), "FILE", NULL, "the certificate to be known by (default: WARD_CERT_FILE)"},
    {"key", 0, WARDI_OPTION_FILE, GIVEN(key), "FILE", NULL, "its key (default: WARD_KEY_FILE, or in --cert)"},
};
/* clang-format on */
const size_t wardi_remote_option_count = WARD_COUNT(wardi_remote_options);
char *const wardi_remote_settings = (char *)&given;

static const char *said(const char *option, const char *variable)
{
    const char *value = option != NULL ? option : getenv(variable);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

const char *wardi_remote_url(const char *socket)
{
    const char *where = said(socket, "WARD_CONTROL");
    if (given.host != NULL) return given.host;
    return where != NULL && strstr(where, "://") != NULL ? where : NULL;
}

/* ---- the URL ---- */

/* A part of it, to be freed with curl_free; NULL: it has none. */
static char *part_of(CURLU *url, CURLUPart part)
{
    char *text = NULL;
    return curl_url_get(url, part, &text, 0) == CURLUE_OK ? text : NULL;
}

static bool has(CURLU *url, CURLUPart part)
{
    char *text = part_of(url, part);
    bool there = text != NULL;
    curl_free(text);
    return there;
}

static const char *url_fault(CURLU *url, const char *text)
{
    char *scheme = part_of(url, CURLUPART_SCHEME), *path = part_of(url, CURLUPART_PATH);
    const char *fault = NULL;
    if (scheme == NULL || strcmp(scheme, "https") != 0)
        fault = strncmp(text, "http://", 7) == 0
                    ? "over TCP there is control with TLS alone; write https://NAME:9322"
                    : "it is no place like https://ward.example:9322";
    else if (has(url, CURLUPART_USER) || has(url, CURLUPART_PASSWORD))
        fault = "who one is stands in files: --token-file, or --cert and --key";
    else if ((path != NULL && strcmp(path, "/") != 0) || has(url, CURLUPART_QUERY) ||
             has(url, CURLUPART_FRAGMENT))
        fault = "it has a path; write https://NAME:PORT alone";
    curl_free(scheme);
    curl_free(path);
    return fault;
}

/* NULL: it is fine. A host without a scheme is https, as nothing else is spoken. */
static const char *read_url(wardi_remote *remote, const char *text)
{
    char whole[256];
    wardi_text to = WARDI_TEXT(whole), base = WARDI_TEXT(remote->base);
    wardi_text_printf(&to, "%s%s", strstr(text, "://") == NULL ? "https://" : "", text);
    wardi_text_puts(&base, whole);
    CURLU *url = curl_url();
    const char *fault = "it is no place like https://ward.example:9322";
    if (url != NULL && !to.cut && curl_url_set(url, CURLUPART_URL, whole, 0) == CURLUE_OK)
        fault = url_fault(url, whole);
    if (fault == NULL) {
        char *host = part_of(url, CURLUPART_HOST), *port = part_of(url, CURLUPART_PORT);
        base = WARDI_TEXT(remote->base);
        wardi_text_printf(&base, "https://%s:%s", host, port != NULL ? port : PORT_DEFAULT);
        curl_free(host);
        curl_free(port);
    }
    curl_url_cleanup(url);
    return fault;
}

/* ---- files ---- */

/* NULL: nobody else can read it. What is not there is said where it is read. */
static const char *exposure_of(const char *path)
{
    struct stat status;
    bool open_to_all = stat(path, &status) == 0 && (status.st_mode & S_IRWXO) != 0;
    return open_to_all ? "everybody on this machine may read it; `chmod o=` it" : NULL;
}

static ssize_t read_file(const char *path, char *bytes, size_t room)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    ssize_t length = read(fd, bytes, room);
    int why = errno;
    close(fd);
    errno = why;
    return length;
}

/* NULL: it is fine. */
static const char *token_fault(const char *text, size_t length)
{
    static const char characters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=";
    if (length == 0) return "there is no token in it";
    if (length > TOKEN_BYTES_MAX || strspn(text, characters) != length)
        return "it is no token: one line of letters, digits and -._~+/=";
    return NULL;
}

static const char *read_token(wardi_remote *remote, const char *path)
{
    static const char name[] = "Authorization: Bearer ";
    char text[TOKEN_BYTES_MAX + 3] = "";
    const char *fault = exposure_of(path);
    if (fault != NULL) return fault;
    ssize_t got = read_file(path, text, sizeof text - 1);
    if (got < 0) return strerror(errno);
    size_t length = (size_t)got;
    while (length > 0 && strchr(" \t\r\n", text[length - 1]) != NULL) length--;
    text[length] = '\0';
    fault = token_fault(text, length);
    if (fault == NULL) {
        remote->authorization = wardi_alloc(sizeof name + length);
        if (remote->authorization == NULL) return "out of memory";
        memcpy(remote->authorization, name, sizeof name);
        memcpy(remote->authorization + sizeof name - 1, text, length + 1);
    }
    explicit_bzero(text, sizeof text);
    return fault;
}

const char *wardi_remote_open(wardi_remote *remote, const char *url,
                              char room[WARDI_REMOTE_FAULT_BYTES])
{
    wardi_text text = wardi_text_on(room, WARDI_REMOTE_FAULT_BYTES);
    const char *token_file = said(given.token_file, "WARD_TOKEN_FILE");
    *remote = (wardi_remote){.ca_file = said(given.ca_file, "WARD_CA_FILE"),
                             .certificate = said(given.certificate, "WARD_CERT_FILE"),
                             .key = said(given.key, "WARD_KEY_FILE")};
    if (remote->certificate != NULL && remote->key == NULL) remote->key = remote->certificate;
    const char *what = url, *fault = read_url(remote, url);
    if (fault == NULL && token_file != NULL) {
        what = token_file;
        fault = read_token(remote, token_file);
    }
    if (fault == NULL && remote->key != NULL) {
        what = remote->key;
        fault = remote->certificate == NULL ? "a key without a certificate; --cert names its file"
                                            : exposure_of(remote->key);
    }
    if (fault == NULL) return NULL;
    wardi_text_printf(&text, "%s: %s", what, fault);
    return room;
}

void wardi_remote_done(wardi_remote *remote)
{
    if (remote->authorization != NULL)
        explicit_bzero(remote->authorization, strlen(remote->authorization));
    wardi_free(remote->authorization);
    remote->authorization = NULL;
}

/* ---- a call ---- */

struct curl_slist *wardi_remote_set(wardi_remote *remote, CURL *curl, struct curl_slist *headers)
{
    remote->trouble[0] = '\0';
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, remote->trouble);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (remote->ca_file != NULL) {
        curl_easy_setopt(curl, CURLOPT_CAINFO, remote->ca_file);
        curl_easy_setopt(curl, CURLOPT_CAPATH, NULL); /* these, and no others */
    }
    if (remote->certificate != NULL) {
        curl_easy_setopt(curl, CURLOPT_SSLCERT, remote->certificate);
        curl_easy_setopt(curl, CURLOPT_SSLKEY, remote->key);
    }
    if (remote->authorization == NULL) return headers;
    return curl_slist_append(headers, remote->authorization);
}

/* By OpenSSL's X509_V_ERR_…, which curl hands through. */
static const char *certificate_fault(long verified)
{
    enum { NOT_YET = 9, EXPIRED = 10, SELF = 18, SELF_IN_CHAIN = 19, UNKNOWN = 20, LEAF = 21 };
    switch (verified) {
    case NOT_YET: return "is not valid yet: is the clock of this machine right?";
    case EXPIRED: return "has expired; whoever runs that ward has to renew it";
    case SELF:
    case SELF_IN_CHAIN:
    case UNKNOWN:
    case LEAF:
        return "is signed by nobody who is trusted here; --ca-file or WARD_CA_FILE names whom to "
               "trust";
    default: return NULL;
    }
}

static void explain_certificate(const wardi_remote *remote, CURL *curl, wardi_text *to)
{
    long verified = 0;
    curl_easy_getinfo(curl, CURLINFO_SSL_VERIFYRESULT, &verified);
    const char *fault = certificate_fault(verified);
    /* Names are curl's own affair, and come before the rest. */
    if (fault == NULL && strstr(remote->trouble, "subject name") != NULL)
        fault = "is not for this name; use the one that it is for";
    wardi_text_printf(to, "its certificate %s%s", fault != NULL ? fault : "is not valid: ",
                      fault != NULL ? "" : remote->trouble);
}

void wardi_remote_explain(const wardi_remote *remote, CURL *curl, CURLcode code, wardi_text *to)
{
    const char *words = remote->trouble[0] != '\0' ? remote->trouble : curl_easy_strerror(code);
    wardi_text_printf(to, "%s: ", remote->base);
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
        wardi_text_puts(to, "nothing has that name; is it written right?");
        return;
    case CURLE_COULDNT_CONNECT:
        wardi_text_puts(to, "nobody answers there: does it run, with `surfaces.remote`, and does "
                            "nothing in between keep you out?");
        return;
    case CURLE_OPERATION_TIMEDOUT: wardi_text_puts(to, "no answer in time"); return;
    case CURLE_PEER_FAILED_VERIFICATION: explain_certificate(remote, curl, to); return;
    case CURLE_SSL_CACERT_BADFILE:
        wardi_text_printf(to, "%s holds no certificates that can be read: whom to trust, in PEM",
                          remote->ca_file != NULL ? remote->ca_file : "the system's store");
        return;
    case CURLE_SSL_CERTPROBLEM:
        wardi_text_printf(to, "%s and %s can't be used: a certificate and its key, in PEM (%s)",
                          remote->certificate, remote->key, words);
        return;
    case CURLE_SSL_CONNECT_ERROR:
        wardi_text_printf(to, "no TLS with it: is that a ward's `surfaces.remote`? (%s)", words);
        return;
    default: wardi_text_puts(to, words); return;
    }
}
