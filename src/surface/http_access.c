/* Who asks, and whether he may: before anything of the request is looked at but its headers.
 *
 * Over the control socket the kernel has said who it is (door.c); over TLS a token or a certificate
 * does (http_remote.c); over plain HTTP everybody may read, and nobody more. */
#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#include "surface/grant.h"
#include "surface/http_priv.h"

/* ---- plain HTTP: no page of a browser's may come under a name of its own ---- */

static bool is_loopback(const struct sockaddr_storage *address)
{
    const struct sockaddr_in *four = (const struct sockaddr_in *)address;
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)address;
    if (address->ss_family == AF_INET) return ntohl(four->sin_addr.s_addr) >> 24 == 127;
    if (address->ss_family != AF_INET6) return false;
    return IN6_IS_ADDR_LOOPBACK(&six->sin6_addr) ||
           (IN6_IS_ADDR_V4MAPPED(&six->sin6_addr) && six->sin6_addr.s6_addr[12] == 127);
}

/* What only this machine reaches, its owner takes for private: there the name is looked at in any
 * case. Elsewhere whoever can connect can read, with a browser or without; clusters and proxies use
 * names that we can't know; and it is looked at once somebody has told them. */
static bool is_for_us(const http_request *request)
{
    const wardi_surface_options *options = &request->http->surface->options;
    const char *host = http_header(request, MHD_HTTP_HEADER_HOST);
    struct sockaddr_storage own = {0};
    socklen_t size = sizeof own;
    if (grant_host_fits(host, options->http_hosts, options->http_host_count)) return true;
    if (options->http_host_count != 0) return false;
    return getsockname(request->client->fd, (struct sockaddr *)&own, &size) == 0 &&
           !is_loopback(&own);
}

static bool plain_admit(http_request *request)
{
    request->who = (http_who){.way = HTTP_PLAIN, .may = WARDI_MAY_READ};
    if (is_for_us(request)) return true;
    http_problem(request, MHD_HTTP_MISDIRECTED_REQUEST,
                 "The Host of a request is an address or localhost here, so that no page of "
                 "another site can read it; `surfaces.http_hosts` names others.");
    return false;
}

bool http_access_admit(http_request *request)
{
    const peer *from = request->client->peer;
    if (request->client->line == &request->http->secure) return http_remote_admit(request);
    if (from->pid == 0) return plain_admit(request);
    request->who = (http_who){.way = HTTP_SOCKET, .may = from->may};
    return true;
}

/* ---- commands ---- */

static void refuse(http_request *request)
{
    switch (request->who.way) {
    case HTTP_PLAIN:
        http_problem(request, MHD_HTTP_METHOD_NOT_ALLOWED,
                     "Over HTTP without TLS everything is read-only. The same request works over "
                     "the control socket: curl --unix-socket PATH http://ward%s",
                     request->raw);
        return;
    case HTTP_SOCKET:
        http_problem(request, MHD_HTTP_FORBIDDEN,
                     "This user may only read; the members of `surfaces.control_group` may "
                     "command.");
        return;
    case HTTP_TOKEN:
        http_problem(request, MHD_HTTP_FORBIDDEN,
                     "The token %s may only read; one of `surfaces.tokens` with `grant: write` may "
                     "command.",
                     request->who.name);
        return;
    case HTTP_CERTIFICATE:
        http_problem(request, MHD_HTTP_FORBIDDEN,
                     "The certificate of %s may only read; one of `surfaces.clients` with `grant: "
                     "write` may command.",
                     request->who.name);
        return;
    }
}

/* A browser shows a certificate to us for whichever page asks it to. */
static bool comes_from_elsewhere(const http_request *request)
{
    if (request->who.way != HTTP_CERTIFICATE && request->who.way != HTTP_TOKEN) return false;
    return !grant_origin_fits(http_header(request, MHD_HTTP_HEADER_ORIGIN),
                              http_header(request, MHD_HTTP_HEADER_HOST),
                              http_header(request, "Sec-Fetch-Site"));
}

bool http_access_allows(http_request *request, const http_route *route)
{
    if (route->needs > request->who.may) {
        refuse(request);
        return false;
    }
    if (route->needs != WARDI_MAY_WRITE || !comes_from_elsewhere(request)) return true;
    http_problem(request, MHD_HTTP_FORBIDDEN,
                 "A page of another site has asked for it (Origin, Sec-Fetch-Site); commands are "
                 "taken from our own, and from programs.");
    return false;
}

/* ---- for events ---- */

void http_client_address(const http_client *client, char ret_text[HTTP_ADDRESS_BYTES])
{
    struct sockaddr_storage other = {0};
    socklen_t size = sizeof other;
    wardi_text text = wardi_text_on(ret_text, HTTP_ADDRESS_BYTES);
    if (getpeername(client->fd, (struct sockaddr *)&other, &size) != 0 ||
        !door_address_write(&other, size, &text))
        wardi_text_puts(&text, "an address that is gone");
}
