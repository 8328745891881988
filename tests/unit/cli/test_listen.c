/* Sockets that are handed over: by name, with the environment that says so left clean. */
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/listen.h"
#include "unit/cli/stderr_kit.h"

enum { FIRST = 3, SPARE = 40 };

/* To descriptor `at`, as systemd leaves it: open across exec. */
static void move_to(int at, int fd)
{
    if (fd == at) return;
    assert_int_equal(dup2(fd, at), at);
    close(fd);
}

/* Listens, where the kernel chooses. */
static void socket_unix_at(int at, int type)
{
    int fd = socket(AF_UNIX, type, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address.sun_family), 0);
    assert_int_equal(listen(fd, 1), 0);
    move_to(at, fd);
}

static void socket_at(int at, int type, bool listens)
{
    int fd = socket(AF_INET, type, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    if (listens) assert_int_equal(listen(fd, 5), 0);
    move_to(at, fd);
}

static void environment(const char *pid, const char *fds, const char *names)
{
    char own[32];
    snprintf(own, sizeof own, "%d", (int)getpid());
    setenv("LISTEN_PID", pid != NULL ? pid : own, 1);
    setenv("LISTEN_FDS", fds, 1);
    unsetenv("LISTEN_FDNAMES");
    if (names != NULL) setenv("LISTEN_FDNAMES", names, 1);
}

/* What is said while the environment is read; it is gone afterwards. */
static const char *init(wardi_listen *listen, stderr_kit *kit)
{
    stderr_begin(kit);
    wardi_listen_init(listen);
    const char *said = stderr_end(kit);
    assert_null(getenv("LISTEN_PID"));
    assert_null(getenv("LISTEN_FDS"));
    assert_null(getenv("LISTEN_FDNAMES"));
    return said;
}

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

static void sockets_are_taken_by_name(void **state)
{
    (void)state;
    wardi_listen listen;
    stderr_kit kit;
    socket_at(FIRST, SOCK_STREAM, true);
    socket_at(FIRST + 1, SOCK_STREAM, true);
    socket_at(FIRST + 2, SOCK_STREAM, true);
    environment(NULL, "3", "http:grpc:http");
    assert_string_equal(init(&listen, &kit), "");
    assert_int_equal(wardi_listen_take(&listen, "grpc"), FIRST + 1);
    assert_int_equal(wardi_listen_take(&listen, "grpc"), -1);
    assert_int_equal(wardi_listen_take(&listen, "http"), FIRST);
    assert_int_equal(wardi_listen_take(&listen, "http"), FIRST + 2);
    assert_int_equal(wardi_listen_take(&listen, "http"), -1);
    assert_int_equal(wardi_listen_take(&listen, ""), -1);
    for (int fd = FIRST; fd <= FIRST + 2; fd++)
        assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    stderr_begin(&kit);
    wardi_listen_done(&listen);
    assert_string_equal(stderr_end(&kit), "");
    for (int fd = FIRST; fd <= FIRST + 2; fd++) { /* the taker's now */
        assert_true(is_open(fd));
        close(fd);
    }
}

static void what_nobody_takes_is_closed_and_said(void **state)
{
    (void)state;
    wardi_listen listen;
    stderr_kit kit;
    socket_at(FIRST, SOCK_STREAM, true);
    socket_at(FIRST + 1, SOCK_STREAM, true);
    environment(NULL, "2", "htpt");
    assert_string_equal(init(&listen, &kit), "");
    assert_int_equal(wardi_listen_take(&listen, "unknown"), FIRST + 1);
    stderr_begin(&kit);
    wardi_listen_done(&listen);
    assert_non_null(strstr(stderr_end(&kit), "\"htpt\" that was handed over is closed"));
    assert_false(is_open(FIRST));
    assert_true(is_open(FIRST + 1));
    close(FIRST + 1);
}

static void what_is_not_for_us_is_left_alone(void **state)
{
    (void)state;
    wardi_listen listen;
    stderr_kit kit;
    char other[32];
    snprintf(other, sizeof other, "%d", (int)getpid() + 1);
    socket_at(FIRST, SOCK_STREAM, true);
    environment(other, "1", "http");
    assert_string_equal(init(&listen, &kit), "");
    assert_int_equal(wardi_listen_take(&listen, "http"), -1);
    wardi_listen_done(&listen);
    assert_int_equal(fcntl(FIRST, F_GETFD), 0);
    assert_string_equal(init(&listen, &kit), ""); /* without any environment */
    assert_int_equal(listen.count, 0);
    wardi_listen_done(&listen);
    close(FIRST);
}

static void what_does_not_listen_is_not_used(void **state)
{
    (void)state;
    wardi_listen listen;
    stderr_kit kit;
    socket_at(FIRST, SOCK_STREAM, false);
    socket_at(FIRST + 1, SOCK_DGRAM, false);
    move_to(FIRST + 2, open("/dev/null", O_RDONLY));
    socket_at(FIRST + 3, SOCK_STREAM, true);
    socket_unix_at(FIRST + 4, SOCK_SEQPACKET);
    close(FIRST + 5);
    environment(NULL, "6", "a:b:c:http:e:gone");
    const char *said = init(&listen, &kit);
    assert_non_null(strstr(said, "descriptor 3, \"a\" of LISTEN_FDS, does not listen"));
    assert_non_null(strstr(said, "descriptor 4, \"b\" of LISTEN_FDS, does not listen"));
    assert_non_null(strstr(said, "descriptor 5, \"c\" of LISTEN_FDS, is no socket"));
    assert_non_null(strstr(said, "descriptor 7, \"e\" of LISTEN_FDS, does not listen"));
    assert_non_null(strstr(said, "descriptor 8, \"gone\" of LISTEN_FDS, is not open"));
    assert_int_equal(listen.count, 1);
    assert_int_equal(wardi_listen_take(&listen, "http"), FIRST + 3);
    wardi_listen_done(&listen);
    for (int fd = FIRST; fd <= FIRST + 4; fd++) close(fd);
}

static void hostile_values_take_nothing(void **state)
{
    (void)state;
    const struct {
        const char *pid, *fds;
        bool said;
    } cases[] = {
        {"", "1", true},
        {"-1", "1", true},
        {"1e3", "1", true},
        {"99999999999999999999", "1", true},
        {NULL, "", true},
        {NULL, "-1", true},
        {NULL, "0x1", true},
        {NULL, "17", true},
        {NULL, "4294967297", true},
        {NULL, "99999999999999999999", true},
        {NULL, "0", false},
    };
    socket_at(FIRST, SOCK_STREAM, true);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        wardi_listen listen;
        stderr_kit kit;
        environment(cases[i].pid, cases[i].fds, "http");
        assert_int_equal(init(&listen, &kit)[0] != '\0', cases[i].said);
        assert_int_equal(listen.count, 0);
        wardi_listen_done(&listen);
        assert_true(is_open(FIRST));
    }
    close(FIRST);
}

/* More names than sockets, none at all, empty ones. */
static void names_need_not_fit(void **state)
{
    (void)state;
    static const struct {
        const char *names, *first;
    } cases[] = {{"http:grpc:more", "http"}, {NULL, "unknown"}, {"", ""}, {":http", ""}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        wardi_listen listen;
        stderr_kit kit;
        socket_at(FIRST, SOCK_STREAM, true);
        environment(NULL, "1", cases[i].names);
        assert_string_equal(init(&listen, &kit), "");
        assert_int_equal(wardi_listen_take(&listen, cases[i].first), FIRST);
        wardi_listen_done(&listen);
        close(FIRST);
    }
}

/* Descriptors of the test's own, a log of ctest's among them, keep away from those under test. */
static int keep_away(void **state)
{
    (void)state;
    for (int fd = FIRST; fd < SPARE; fd++) close(fd);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sockets_are_taken_by_name),
        cmocka_unit_test(what_nobody_takes_is_closed_and_said),
        cmocka_unit_test(what_is_not_for_us_is_left_alone),
        cmocka_unit_test(what_does_not_listen_is_not_used),
        cmocka_unit_test(hostile_values_take_nothing),
        cmocka_unit_test(names_need_not_fit),
    };
    return cmocka_run_group_tests(tests, keep_away, NULL);
}
