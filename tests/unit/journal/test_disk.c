/* A disk that is full, a file that is gone: it is said, events wait, and it goes on by itself. */
#include "kit.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* `$d` is the test's directory. */
static void run_shell(const char *commands)
{
    assert_int_equal(setenv("d", kit_directory, 1), 0);
    assert_int_equal(system(commands), 0);
}

static void give_one(void)
{
    kit_give(WARD_EVENT_READY, "api");
}

/* ---- full ---- */

/* Whatever filled it up: it fails in words, keeps what it can, and has it all when there is room.
 */
static void fails_and_recovers(void (*make_room)(void), const char *words)
{
    while (!kit_status().failing) {
        assert_true(kit_sequence < 1000000);
        give_one();
        if (kit_sequence % 128 == 0) kit_pause();
    }
    uint64_t written = kit_status().written;
    if (strstr(kit_status().text, words) == NULL) fail_msg("%s", kit_status().text);
    for (int i = 0; i < 100; i++) give_one();
    assert_true(kit_status().waiting > 0);
    assert_true(kit_status().failing);
    assert_int_equal(kit_status().written, written);
    make_room();
    kit_wait(!kit_status().failing && kit_status().waiting == 0);
    assert_string_equal(kit_status().text, "");
    wardi_journal_status status = kit_status();
    assert_int_equal(status.written + status.lost, kit_sequence);
    kit_close();
    assert_int_equal(kit_number("SELECT count(*) + ifnull(sum(lost) - sum(lost <> 0), 0)"
                                " FROM events"),
                     (int64_t)kit_sequence);
    /* What had no room at the end is one row, from its first on. */
    assert_int_equal(kit_number("SELECT max(sequence + max(lost, 1) - 1) FROM events"),
                     (int64_t)kit_sequence);
}

static void lift_limit(void)
{
    struct rlimit none = {RLIM_INFINITY, RLIM_INFINITY};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
}

/* Works for everybody: files can't grow past a limit, which is what EFBIG is to a disk. */
static void files_that_cannot_grow(void **state)
{
    struct rlimit limit = {1 << 20, RLIM_INFINITY};
    (void)state;
    sigaction(SIGXFSZ, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
    kit_open();
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    fails_and_recovers(lift_limit, "journal.db: it can't be written: ");
}

static void unfill(void)
{
    run_shell("rm $d/state/filler");
}

static bool mount_small(void)
{
    char path[KIT_PATH + 16];
    kit_make_directory();
    snprintf(path, sizeof path, "%s/state", kit_directory);
    if (unshare(CLONE_NEWNS) != 0) return false;
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) return false;
    return mount("none", path, "tmpfs", 0, "size=8m") == 0;
}

/* In a process of its own, whose mounts nobody else sees. */
static void a_full_disk_inside(void)
{
    kit_open();
    run_shell("cat /dev/zero > $d/state/filler 2>/dev/null; true");
    fails_and_recovers(unfill, "database or disk is full: free some room");
}

static void a_full_disk(void **state)
{
    int result;
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        if (!mount_small()) _exit(77);
        a_full_disk_inside(); /* a failed assertion ends in exit status 1 or more */
        _exit(0);
    }
    assert_int_equal(waitpid(child, &result, 0), child);
    if (WIFEXITED(result) && WEXITSTATUS(result) == 77) {
        print_message("SKIPPED: a full disk: no right to mount a small one here\n");
        skip();
    }
    assert_int_equal(result, 0);
}

/* ---- gone ---- */

static void a_file_that_is_deleted(void **state)
{
    (void)state;
    kit_open();
    for (int i = 0; i < 10; i++) give_one();
    kit_wait(kit_status().written == 10);
    run_shell("rm $d/state/*");
    for (int i = 0; i < 5; i++) give_one();
    kit_wait(kit_status().written == 15);
    assert_int_equal(kit_read_all(), 6);
    assert_int_equal(kit_rows[0].lost, 10);
    assert_int_equal(kit_rows[0].event.event.sequence, 1);
    assert_int_equal(kit_rows[1].event.event.sequence, 11);
    assert_false(kit_status().failing);
    assert_int_equal(wardi_journal_run(kit_journal), 1);
}

/* At once: a journal that finds no directory makes one. */
static void exchange_directory(void)
{
    char one[KIT_PATH + 16], other[KIT_PATH + 16];
    snprintf(one, sizeof one, "%s/state", kit_directory);
    snprintf(other, sizeof other, "%s/other", kit_directory);
    assert_int_equal(renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE), 0);
}

static void a_directory_that_is_gone(void **state)
{
    (void)state;
    kit_open();
    give_one();
    kit_wait(kit_status().written == 1);
    run_shell("echo no > $d/other");
    exchange_directory();
    give_one();
    kit_wait(kit_status().failing);
    if (strstr(kit_status().text, "Not a directory") == NULL) fail_msg("%s", kit_status().text);
    assert_int_equal(kit_status().waiting, 1);
    exchange_directory();
    kit_wait(kit_status().written == 2 && !kit_status().failing);
    kit_close();
    assert_int_equal(kit_read_all(), 2); /* the same file: nothing is missing */
    assert_int_equal(kit_rows[1].run, 1);
}

/* Taken back from a copy that was made meanwhile: the run goes on in it, and what the copy does not
 * have is told. */
static void a_file_that_is_taken_back(void **state)
{
    (void)state;
    kit_open();
    for (int i = 0; i < 10; i++) give_one();
    kit_wait(kit_status().written == 10);
    char sql[KIT_PATH + 32];
    snprintf(sql, sizeof sql, "VACUUM INTO '%s/copy'", kit_directory);
    kit_sql(sql);
    for (int i = 0; i < 10; i++) give_one();
    kit_wait(kit_status().written == 20);
    run_shell("rm $d/state/*; mv $d/copy $d/state/journal.db");
    give_one();
    kit_wait(kit_status().written == 21);
    assert_int_equal(wardi_journal_run(kit_journal), 1);
    assert_int_equal(kit_read_all(), 11 + 1);
    assert_int_equal(kit_rows[10].lost, 10);
    assert_int_equal(kit_rows[11].event.event.sequence, 21);
    kit_close();
    kit_open();
    assert_int_equal(wardi_journal_run(kit_journal), 2);
}

/* Where nothing can be written, a copy is read all the same. */
static void a_copy_that_is_read_only(void **state)
{
    char path[KIT_PATH + 16];
    int result;
    (void)state;
    kit_open();
    give_one();
    kit_close();
    pid_t child = fork();
    if (child == 0) {
        snprintf(path, sizeof path, "%s/state", kit_directory);
        bool mounted = unshare(CLONE_NEWNS) == 0 &&
                       mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
                       mount(path, path, NULL, MS_BIND, NULL) == 0 &&
                       mount(NULL, path, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) == 0;
        if (!mounted) _exit(77);
        _exit(kit_read_all() == 1 ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &result, 0), child);
    if (WIFEXITED(result) && WEXITSTATUS(result) == 77) {
        print_message(
            "SKIPPED: a place where nothing can be written: no right to mount one here\n");
        skip();
    }
    assert_int_equal(result, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(files_that_cannot_grow),    KIT_TEST(a_full_disk),
        KIT_TEST(a_file_that_is_deleted),    KIT_TEST(a_directory_that_is_gone),
        KIT_TEST(a_file_that_is_taken_back), KIT_TEST(a_copy_that_is_read_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
