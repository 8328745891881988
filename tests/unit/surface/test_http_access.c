/* Who asks over HTTP without TLS: for which host; and over the socket: of which group. */
#include <grp.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "unit/surface/http_kit.h"

static const char *const hosts[] = {"ward.example"};

static void with_hosts(wardi_surface_options *options)
{
    options->http_hosts = hosts;
    options->http_host_count = 1;
}

static int serving(void **state)
{
    return serving_as(state, NULL);
}

static int serving_hosts(void **state)
{
    return serving_as(state, with_hosts);
}

static reply ask_host(const char *name)
{
    char request[400];
    snprintf(request, sizeof request, "GET /livez HTTP/1.1\r\nHost: %s\r\n\r\n", name);
    return ask(request);
}

static void expect_host(const char *name, int status)
{
    reply r = ask_host(name);
    if (r.status != status) fail_msg("%s: %d %s", name, r.status, r.body);
    if (status == 421) {
        expect_header(&r, "Content-Type", "application/problem+json");
        assert_non_null(strstr(r.body, "surfaces.http_hosts"));
    }
    reply_free(&r);
}

static void a_page_that_points_its_name_here_reads_nothing(void **state)
{
    (void)state;
    expect_host("127.0.0.1:9320", 200);
    expect_host("localhost", 200);
    expect_host("[::1]:9320", 200);
    expect_host("10.0.0.7:9320", 200); /* a prober's address, whatever was done to it on the way */
    expect_host("evil.example", 421);
    expect_host("evil.example:9320", 421);
    expect_host("127.0.0.1.evil.example", 421);
    /* Nor is it told what there is, or led to a command. */
    expect_problem("GET /nothing HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421);
    expect_problem("POST /api/v1/components/a/restart HTTP/1.1\r\nHost: evil.example\r\n"
                   "Content-Length: 0\r\n\r\n",
                   421);
    /* What is no browser may say nothing. */
    reply r = ask("GET /livez HTTP/1.0\r\n\r\n");
    assert_int_equal(r.status, 200);
    reply_free(&r);
    /* No browser speaks to a Unix socket. */
    static const char named[] = "GET /livez HTTP/1.1\r\nHost: evil.example\r\n\r\n";
    r = ask_on(dial_control(), named, strlen(named));
    assert_int_equal(r.status, 200);
    reply_free(&r);
}

static void other_names_can_be_told(void **state)
{
    (void)state;
    expect_host("ward.example:9320", 200);
    expect_host("WARD.example", 200);
    expect_host("localhost", 200);
    expect_host("evil.example", 421);
}

/* ---- the socket ---- */

enum { STRANGER_UID = 54321 };
#define GROUP "daemon" /* in /etc/group of every Debian, with nobody in it */

static void with_readers(wardi_surface_options *options)
{
    assert_int_equal(chmod(directory, 0755), 0);
    options->read_group = GROUP;
}

static void with_both(wardi_surface_options *options)
{
    with_readers(options);
    options->control_group = "bin";
}

static int serving_readers(void **state)
{
    return serving_as(state, with_readers);
}

static int serving_both(void **state)
{
    return serving_as(state, with_both);
}

/* The status of a request of another user's; 0: the connection ended without an answer; -1: there
 * was none. */
static int asked_as(gid_t gid, const char *request)
{
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        alarm(60); /* if nobody waits for it any more */
        struct sockaddr_un to = {.sun_family = AF_UNIX};
        char head[64] = "";
        memcpy(to.sun_path, control_path, strlen(control_path) + 1);
        if (setgroups(0, NULL) != 0 || setgid(gid) != 0 || setuid(STRANGER_UID) != 0) _exit(99);
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0) _exit(98);
        if (send(fd, request, strlen(request), MSG_NOSIGNAL) < 0) _exit(0);
        if (recv(fd, head, sizeof head - 1, MSG_WAITALL) < 12) _exit(0);
        _exit(atoi(head + 9) / 10); /* 200 does not fit */
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_not_equal(WEXITSTATUS(status), 99);
    return WEXITSTATUS(status) == 98 ? -1 : WEXITSTATUS(status) * 10;
}

#define READ "GET /api/v1/components/a HTTP/1.1\r\nHost: ward\r\n\r\n"
#define COMMAND                                                                                    \
    "POST /api/v1/components/a/restart HTTP/1.1\r\nHost: ward\r\nContent-Length: 0\r\n\r\n"

static gid_t gid_of(const char *name)
{
    const struct group *found = getgrnam(name);
    assert_non_null(found);
    return found != NULL ? found->gr_gid : 0;
}

static void members_of_the_read_group_read(void **state)
{
    (void)state;
    struct stat status;
    if (geteuid() != 0) skip(); /* only root can be others */
    assert_int_equal(stat(control_path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0660);
    assert_int_equal(status.st_gid, gid_of(GROUP));
    assert_int_equal(asked_as(gid_of(GROUP), READ), 200);
    assert_int_equal(asked_as(gid_of(GROUP), COMMAND), 400); /* 403, by tens */
    assert_int_equal(asked_as(STRANGER_UID, READ), -1);
    assert_int_equal(find(0, "a", WARD_EVENT_OPERATOR, 0), -1);
}

static void of_two_groups_each_may_its_own(void **state)
{
    (void)state;
    if (geteuid() != 0) skip();
    assert_int_equal(asked_as(gid_of(GROUP), READ), 200);
    assert_int_equal(asked_as(gid_of(GROUP), COMMAND), 400);
    assert_int_equal(asked_as(gid_of("bin"), READ), 200);
    /* The socket lets everybody connect then, and the kernel's word turns them away. */
    assert_int_equal(asked_as(STRANGER_UID, READ), 0);
    assert_int_equal(find(0, "a", WARD_EVENT_OPERATOR, 0), -1);
    assert_int_equal(asked_as(gid_of("bin"), COMMAND), 200); /* 202 */
    wait_for(0, "a", WARD_EVENT_OPERATOR, 0);
}

static void the_answer_says_why(void **state)
{
    (void)state;
    if (geteuid() != 0) skip();
    /* By the effective user of this thread: what the kernel tells the other end. */
    gid_t gid = gid_of(GROUP);
    assert_int_equal(setegid(gid), 0);
    assert_int_equal(setgroups(0, NULL), 0);
    assert_int_equal(seteuid(STRANGER_UID), 0);
    int fd = dial_control();
    assert_int_equal(seteuid(0), 0);
    assert_int_equal(setegid(0), 0);
    reply r = ask_on(fd, COMMAND, strlen(COMMAND));
    assert_int_equal(r.status, 403);
    expect_header(&r, "Content-Type", "application/problem+json");
    assert_non_null(strstr(r.body, "This user may only read"));
    reply_free(&r);
}

static void a_group_that_is_not_there_is_told(void **state)
{
    (void)state;
    ward_diag diag = {0};
    wardi_surface *none = NULL;
    wardi_surface_options options = {.control_path = "/tmp/never", .read_group = "no-such-group"};
    assert_int_equal(wardi_surface_new(&options, &none, &diag), WARD_ERROR_INVALID_ARGUMENT);
    assert_non_null(strstr(diag.text, "no-such-group"));
}

#define ACCESS_TEST(name, setup) cmocka_unit_test_setup_teardown(name, setup, close_host)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ACCESS_TEST(a_page_that_points_its_name_here_reads_nothing, serving),
        ACCESS_TEST(other_names_can_be_told, serving_hosts),
        ACCESS_TEST(members_of_the_read_group_read, serving_readers),
        ACCESS_TEST(of_two_groups_each_may_its_own, serving_both),
        ACCESS_TEST(the_answer_says_why, serving_readers),
        cmocka_unit_test(a_group_that_is_not_there_is_told),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(spare);
    return failed;
}
