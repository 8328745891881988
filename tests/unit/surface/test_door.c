/* The door where the process has no descriptor left. */
#include <sys/resource.h>

#include "http_kit.h"
#include "surface/surface_priv.h"

static int serving(void **state)
{
    return serving_as(state, NULL);
}

/* The next one that is opened is one too many. */
static void use_up_descriptors(const struct rlimit *usual)
{
    int next = dup(STDERR_FILENO);
    assert_true(next >= 0);
    close(next);
    struct rlimit none = {.rlim_cur = (rlim_t)next, .rlim_max = usual->rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
}

static struct sockaddr_in address_of_http(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const char *port = strrchr(wardi_surface_http_address(surface), ':') + 1;
    to.sin_port = htons((uint16_t)strtoul(port, NULL, 10));
    return to;
}

static void until_it_has_left(void)
{
    const volatile crowd *c = &surface->crowd; /* another thread's: only looked at */
    uint64_t patience = wardi_now_ns() + PATIENCE_NS;
    while (c->open != 0 || c->reserve_fd < 0) {
        assert_true(wardi_now_ns() < patience);
        poll(NULL, 0, 1);
    }
}

/* Nobody is idle who could make way: who is let in by the reserve is not who has to leave for the
 * next one, of whom there is none. */
static void a_probe_is_let_in_and_answered(void **state)
{
    static const char request[] = "GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    struct rlimit usual;
    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &usual), 0);
    for (int i = 0; i < 20; i++) {
        until_it_has_left();
        char said[13] = "";
        struct sockaddr_in to = address_of_http();
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_true(fd >= 0);
        use_up_descriptors(&usual);
        int connected = connect(fd, (struct sockaddr *)&to, sizeof to);
        poll(NULL, 0, i); /* sooner or later after it was let in */
        ssize_t sent = send(fd, request, sizeof request - 1, MSG_NOSIGNAL);
        ssize_t got = recv(fd, said, sizeof said - 1, MSG_WAITALL);
        setrlimit(RLIMIT_NOFILE, &usual);
        assert_int_equal(connected, 0);
        assert_int_equal(sent, sizeof request - 1);
        assert_int_equal(got, sizeof said - 1);
        assert_string_equal(said, "HTTP/1.1 200");
        close(fd);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_probe_is_let_in_and_answered, serving, close_host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
