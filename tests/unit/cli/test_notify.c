/* What the service manager is told, read back from a socket that stands for systemd's. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"
#include "cli/cli.h"
#include "cli/notify.h"
#include "unit/cli/stderr_kit.h"

/* ---- a manager ---- */

typedef struct manager {
    int fd;
    char folder[64], path[108];
    char said[2000]; /* the last datagram */
} manager;

static void bind_to(manager *m, const struct sockaddr_un *address, socklen_t length)
{
    m->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(m->fd >= 0);
    assert_int_equal(bind(m->fd, (const struct sockaddr *)address, length), 0);
}

static void manager_open(manager *m)
{
    const char *base = getenv("TMPDIR");
    *m = (manager){0};
    snprintf(m->folder, sizeof m->folder, "%s/ward-XXXXXX", base != NULL ? base : "/tmp");
    assert_non_null(mkdtemp(m->folder));
    snprintf(m->path, sizeof m->path, "%s/notify", m->folder);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, m->path, sizeof m->path);
    bind_to(m, &address, sizeof address);
    setenv("NOTIFY_SOCKET", m->path, 1);
}

static void manager_close(manager *m)
{
    close(m->fd);
    unlink(m->path);
    rmdir(m->folder);
}

/* The next datagram; NULL: there is none. */
static const char *heard(manager *m)
{
    ssize_t length = recv(m->fd, m->said, sizeof m->said - 1, 0);
    if (length < 0) return NULL;
    m->said[length] = '\0';
    assert_int_equal(strlen(m->said), length);
    return m->said;
}

/* As many as the kernel holds. */
static void fill(const manager *m)
{
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, m->path, sizeof m->path);
    while (sendto(fd, "x", 1, 0, (const struct sockaddr *)&address, sizeof address) == 1) {}
    assert_int_equal(errno, EAGAIN);
    close(fd);
}

static void drain(manager *m)
{
    while (heard(m) != NULL) {}
}

static void forget_environment(void)
{
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
}

/* ---- telling ---- */

static void every_assignment_is_one_datagram(void **state)
{
    (void)state;
    manager m;
    wardi_notify notify;
    manager_open(&m);
    wardi_notify_init(&notify);
    assert_null(getenv("NOTIFY_SOCKET"));
    assert_true(wardi_notify_ready(&notify));
    assert_string_equal(heard(&m), "READY=1\n");
    assert_null(heard(&m));
    assert_true(wardi_notify_status(&notify, "3 of 4 healthy"));
    assert_string_equal(heard(&m), "STATUS=3 of 4 healthy");
    assert_true(wardi_notify_extend(&notify, 1500 * WARDI_MS));
    assert_string_equal(heard(&m), "EXTEND_TIMEOUT_USEC=1500000");
    assert_true(wardi_notify_watchdog_ping(&notify));
    assert_string_equal(heard(&m), "WATCHDOG=1");
    assert_true(wardi_notify_failed(&notify, ENOSPC, "the disk"));
    assert_string_equal(heard(&m), "ERRNO=28\nSTATUS=the disk");
    assert_true(wardi_notify_stopping(&notify));
    assert_string_equal(heard(&m), "STOPPING=1\n");
    wardi_notify_done(&notify);
    manager_close(&m);
}

static void reloading_tells_when(void **state)
{
    (void)state;
    manager m;
    wardi_notify notify;
    manager_open(&m);
    wardi_notify_init(&notify);
    uint64_t before_us = wardi_now_ns() / 1000;
    assert_true(wardi_notify_reloading(&notify));
    unsigned long long at_us = 0;
    assert_int_equal(sscanf(heard(&m), "RELOADING=1\nMONOTONIC_USEC=%llu\n", &at_us), 1);
    assert_true(at_us >= before_us && at_us <= wardi_now_ns() / 1000);
    wardi_notify_done(&notify);
    manager_close(&m);
}

static void a_status_stays_one_line_of_utf8(void **state)
{
    (void)state;
    manager m;
    wardi_notify notify;
    manager_open(&m);
    wardi_notify_init(&notify);
    assert_true(wardi_notify_status(&notify, "web: bad\nWATCHDOG=trigger\x1b[2J\xff é"));
    assert_string_equal(heard(&m), "STATUS=web: bad\\nWATCHDOG=trigger\\x1b[2J\\xff é");
    char longer[4000];
    memset(longer, '\n', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    assert_true(wardi_notify_status(&notify, longer));
    assert_true(strlen(heard(&m)) < 400);
    assert_null(strchr(m.said, '\n'));
    /* Cut within no character: 392 bytes fit, and each has two. */
    for (size_t i = 0; i + 2 < sizeof longer; i += 2) memcpy(longer + i, "é", 2);
    memcpy(longer, "x", 1);
    memcpy(longer + 1, "y", 1);
    assert_true(wardi_notify_status(&notify, longer));
    assert_int_equal(strlen(heard(&m)) % 2, 1); /* "STATUS=" is odd */
    wardi_notify_done(&notify);
    manager_close(&m);
}

static void abstract_sockets_are_told(void **state)
{
    (void)state;
    manager m = {0};
    wardi_notify notify;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char name[64];
    int length = snprintf(name, sizeof name, "@ward-test-%d", (int)getpid());
    memcpy(address.sun_path + 1, name + 1, (size_t)length - 1);
    bind_to(&m, &address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)length));
    setenv("NOTIFY_SOCKET", name, 1);
    wardi_notify_init(&notify);
    assert_true(wardi_notify_ready(&notify));
    assert_string_equal(heard(&m), "READY=1\n");
    wardi_notify_done(&notify);
    close(m.fd);
}

/* Readiness must get through, and whoever tells must not wait. */
static void a_full_queue_loses_no_state(void **state)
{
    (void)state;
    manager m;
    wardi_notify notify;
    stderr_kit kit;
    manager_open(&m);
    wardi_notify_init(&notify);
    fill(&m);
    stderr_begin(&kit);
    assert_false(wardi_notify_ready(&notify));
    assert_false(wardi_notify_again(&notify));
    assert_false(wardi_notify_watchdog_ping(&notify));
    assert_true(wardi_notify_owes(&notify));
    assert_string_equal(stderr_end(&kit), "ward: run: the service manager could not be told "
                                          "READY=1: Resource temporarily unavailable\n");
    drain(&m);
    assert_true(wardi_notify_watchdog_ping(&notify));
    assert_string_equal(heard(&m), "READY=1\nWATCHDOG=1");
    assert_false(wardi_notify_owes(&notify));
    assert_true(wardi_notify_again(&notify));
    assert_null(heard(&m));

    /* What is newer takes its place. */
    fill(&m);
    stderr_begin(&kit);
    assert_false(wardi_notify_reloading(&notify));
    assert_false(wardi_notify_stopping(&notify));
    stderr_end(&kit);
    drain(&m);
    assert_true(wardi_notify_again(&notify));
    assert_string_equal(heard(&m), "STOPPING=1\n");
    wardi_notify_done(&notify);
    manager_close(&m);
}

static void a_manager_that_is_gone_is_no_failure(void **state)
{
    (void)state;
    manager m;
    wardi_notify notify;
    stderr_kit kit;
    manager_open(&m);
    wardi_notify_init(&notify);
    manager_close(&m);
    stderr_begin(&kit);
    assert_false(wardi_notify_ready(&notify));
    assert_false(wardi_notify_watchdog_ping(&notify));
    const char *said = stderr_end(&kit);
    assert_non_null(strstr(said, "READY=1"));
    assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1);
    wardi_notify_done(&notify);
}

static void nobody_to_tell_is_fine(void **state)
{
    (void)state;
    wardi_notify notify;
    stderr_kit kit;
    stderr_begin(&kit);
    forget_environment();
    wardi_notify_init(&notify);
    assert_true(wardi_notify_ready(&notify));
    assert_true(wardi_notify_status(&notify, "fine"));
    assert_false(wardi_notify_owes(&notify));
    assert_int_equal(wardi_notify_watchdog_interval_ns(&notify), 0);
    wardi_notify_done(&notify);
    setenv("NOTIFY_SOCKET", "", 1);
    wardi_notify_init(&notify);
    assert_true(wardi_notify_ready(&notify));
    wardi_notify_done(&notify);
    assert_string_equal(stderr_end(&kit), "");
}

/* ---- hostile values ---- */

static void addresses_that_are_none(void **state)
{
    (void)state;
    char longer[200] = "/", abstract[200] = "@";
    memset(longer + 1, 'x', 107);
    memset(abstract + 1, 'x', 107);
    const struct {
        const char *name, *said;
    } cases[] = {
        {"relative", "neither a path nor an abstract name"},
        {"vsock:2:1234", "neither a path nor an abstract name"},
        {"/", ": empty"},
        {"@", ": empty"},
        {longer, "longer than"},
        {abstract, "longer than"},
    };
    for (size_t i = 0; i < WARD_COUNT(cases); i++) {
        wardi_notify notify;
        stderr_kit kit;
        setenv("NOTIFY_SOCKET", cases[i].name, 1);
        stderr_begin(&kit);
        wardi_notify_init(&notify);
        assert_non_null(strstr(stderr_end(&kit), cases[i].said));
        assert_true(wardi_notify_ready(&notify));
        assert_int_equal(notify.socket, -1);
        wardi_notify_done(&notify);
    }
}

/* The interval that comes of it, and whether something was said. */
static uint64_t interval_of(const char *usec, const char *pid, bool *ret_complained)
{
    wardi_notify notify;
    stderr_kit kit;
    forget_environment();
    setenv("NOTIFY_SOCKET", "@ward-nobody-is-here", 1);
    if (usec != NULL) setenv("WATCHDOG_USEC", usec, 1);
    if (pid != NULL) setenv("WATCHDOG_PID", pid, 1);
    stderr_begin(&kit);
    wardi_notify_init(&notify);
    *ret_complained = stderr_end(&kit)[0] != '\0';
    uint64_t interval_ns = wardi_notify_watchdog_interval_ns(&notify);
    assert_null(getenv("WATCHDOG_USEC"));
    assert_null(getenv("WATCHDOG_PID"));
    wardi_notify_done(&notify);
    return interval_ns;
}

static void the_watchdog_is_read(void **state)
{
    (void)state;
    char own[32], other[32];
    snprintf(own, sizeof own, "%d", (int)getpid());
    snprintf(other, sizeof other, "%d", (int)getpid() + 1);
    const struct {
        const char *usec, *pid;
        uint64_t interval_ns;
        bool complained;
    } cases[] = {
        {"30000000", NULL, 15 * WARDI_S, false},
        {"30000000", own, 15 * WARDI_S, false},
        {"30000000", other, 0, false},
        {"30000000", "no", 0, true},
        {"30000000", "", 0, true},
        {NULL, own, 0, false},
        {"0", NULL, 0, true},
        {"", NULL, 0, true},
        {"-1", NULL, 0, true},
        {"+30", NULL, 0, true},
        {" 30", NULL, 0, true},
        {"30s", NULL, 0, true},
        {"1.5", NULL, 0, true},
        {"18446744073709551615", NULL, UINT64_MAX, false},
        {"18446744073709551616", NULL, 0, true},
        {"99999999999999999999999999", NULL, 0, true},
        {"1", NULL, 500, false},
    };
    for (size_t i = 0; i < WARD_COUNT(cases); i++) {
        bool complained;
        assert_int_equal(interval_of(cases[i].usec, cases[i].pid, &complained),
                         cases[i].interval_ns);
        assert_int_equal(complained, cases[i].complained);
    }
    forget_environment();
    setenv("WATCHDOG_USEC", "30000000", 1);
    wardi_notify notify;
    wardi_notify_init(&notify); /* nobody to ping */
    assert_int_equal(wardi_notify_watchdog_interval_ns(&notify), 0);
    wardi_notify_done(&notify);
}

/* ---- a descriptor ---- */

static void a_descriptor_gets_one_newline(void **state)
{
    (void)state;
    int ends[2];
    char bytes[8];
    ward_diag diag;
    wardi_notify notify;
    forget_environment();
    assert_int_equal(pipe(ends), 0);
    wardi_notify_init(&notify);
    assert_int_equal(wardi_notify_ready_on(&notify, ends[1], &diag), WARD_OK);
    assert_int_equal(fcntl(ends[1], F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    assert_true(wardi_notify_status(&notify, "not yet"));
    assert_true(wardi_notify_ready(&notify));
    assert_true(wardi_notify_ready(&notify));
    assert_int_equal(read(ends[0], bytes, sizeof bytes), 1);
    assert_int_equal(bytes[0], '\n');
    assert_int_equal(read(ends[0], bytes, sizeof bytes), 0); /* closed */
    wardi_notify_done(&notify);
    close(ends[0]);
}

static void a_full_pipe_is_not_waited_for(void **state)
{
    (void)state;
    int ends[2];
    static char bytes[1 << 20];
    ward_diag diag;
    wardi_notify notify;
    forget_environment();
    assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
    while (write(ends[1], bytes, sizeof bytes) > 0) {}
    fcntl(ends[1], F_SETFL, 0); /* waits, if somebody writes */
    wardi_notify_init(&notify);
    assert_int_equal(wardi_notify_ready_on(&notify, ends[1], &diag), WARD_OK);
    assert_false(wardi_notify_ready(&notify));
    assert_true(wardi_notify_owes(&notify));
    assert_true(read(ends[0], bytes, sizeof bytes) > 0);
    assert_true(wardi_notify_again(&notify));
    assert_false(wardi_notify_owes(&notify));
    wardi_notify_done(&notify);
    close(ends[0]);
}

static void a_reader_that_is_gone_is_said(void **state)
{
    (void)state;
    int ends[2];
    ward_diag diag;
    wardi_notify notify;
    stderr_kit kit;
    forget_environment();
    assert_int_equal(pipe(ends), 0);
    wardi_notify_init(&notify);
    assert_int_equal(wardi_notify_ready_on(&notify, ends[1], &diag), WARD_OK);
    close(ends[0]);
    stderr_begin(&kit);
    assert_true(wardi_notify_ready(&notify));
    assert_non_null(strstr(stderr_end(&kit), "Broken pipe"));
    wardi_notify_done(&notify);
}

static void descriptors_that_cannot_be_told(void **state)
{
    (void)state;
    ward_diag diag;
    wardi_notify notify;
    forget_environment();
    wardi_notify_init(&notify);
    int reading = open("/dev/null", O_RDONLY);
    const struct {
        int fd;
        const char *said;
    } cases[] = {
        {-1, "standard stream"},
        {1, "standard stream"},
        {987654, "not open"},
        {reading, "for reading only"},
    };
    for (size_t i = 0; i < WARD_COUNT(cases); i++) {
        ward_error error = wardi_notify_ready_on(&notify, cases[i].fd, &diag);
        assert_int_equal(error, WARD_ERROR_INVALID_ARGUMENT);
        assert_non_null(strstr(diag.text, cases[i].said));
    }
    close(reading);
    assert_true(wardi_notify_ready(&notify));
    wardi_notify_done(&notify);
}

int main(void)
{
    wardi_output_init(); /* SIGPIPE */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_assignment_is_one_datagram),
        cmocka_unit_test(reloading_tells_when),
        cmocka_unit_test(a_status_stays_one_line_of_utf8),
        cmocka_unit_test(abstract_sockets_are_told),
        cmocka_unit_test(a_full_queue_loses_no_state),
        cmocka_unit_test(a_manager_that_is_gone_is_no_failure),
        cmocka_unit_test(nobody_to_tell_is_fine),
        cmocka_unit_test(addresses_that_are_none),
        cmocka_unit_test(the_watchdog_is_read),
        cmocka_unit_test(a_descriptor_gets_one_newline),
        cmocka_unit_test(a_full_pipe_is_not_waited_for),
        cmocka_unit_test(a_reader_that_is_gone_is_said),
        cmocka_unit_test(descriptors_that_cannot_be_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
