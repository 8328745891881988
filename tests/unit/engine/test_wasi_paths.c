/* WASI preview 1: names and paths, and how a guest does not get out of what it was granted. */
#include "wasi_support.h"

#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

static int on_name(test_guest *guest, const char *function, const char *path)
{
    return wasi(guest, function, 3, PATH_AT, put(guest, PATH_AT, path));
}

static int rename_to(test_guest *guest, const char *from, const char *to)
{
    return wasi(guest, "path_rename", 3, PATH_AT, put(guest, PATH_AT, from), 3, PATH2_AT,
                put(guest, PATH2_AT, to));
}

static int link_to(test_guest *guest, const char *from, const char *to)
{
    return wasi(guest, "path_link", 3, 0, PATH_AT, put(guest, PATH_AT, from), 3, PATH2_AT,
                put(guest, PATH2_AT, to));
}

static int symlink_to(test_guest *guest, const char *target, const char *name)
{
    return wasi(guest, "path_symlink", PATH_AT, put(guest, PATH_AT, target), 3, PATH2_AT,
                put(guest, PATH2_AT, name));
}

/* Answers the file type, or a negative errno. */
static int stat_of(test_guest *guest, const char *path, uint32_t lookup)
{
    int failed =
        wasi(guest, "path_filestat_get", 3, lookup, PATH_AT, put(guest, PATH_AT, path), ANSWER_AT);
    return failed != 0 ? -failed : (int)got(guest, ANSWER_AT + 16, 1);
}

static int times_of(test_guest *guest, const char *path, uint32_t lookup)
{
    return wasi(guest, "path_filestat_set_times", 3, lookup, PATH_AT, put(guest, PATH_AT, path),
                1000, 2000, 1 | 4);
}

static int link_read(test_guest *guest, const char *path, uint32_t capacity)
{
    int failed = wasi(guest, "path_readlink", 3, PATH_AT, put(guest, PATH_AT, path), DATA_AT,
                      capacity, ANSWER_AT);
    return failed != 0 ? -failed : (int)got(guest, ANSWER_AT, 4);
}

/* ---- what works ---- */

static void test_names(void **state)
{
    granted it = grant(*state, true);
    test_guest *guest = &it.guest;
    assert_int_equal(on_name(guest, "path_create_directory", "d"), OK);
    assert_int_equal(on_name(guest, "path_create_directory", "d/e//"), OK);
    assert_int_equal(on_name(guest, "path_create_directory", "d"), EXIST);
    assert_int_equal(on_name(guest, "path_create_directory", "."), EXIST);
    assert_int_equal(on_name(guest, "path_create_directory", "x/y"), NOENT);
    assert_int_equal(open_at(guest, 3, "d/f", 0, CREATE, WRITE, 0), 4);
    assert_int_equal(stat_of(guest, "d", 0), 3);
    assert_int_equal(stat_of(guest, "d/f", 0), 4);
    assert_int_equal(stat_of(guest, "d/../d/./f", 0), 4);
    assert_int_equal(stat_of(guest, "nothing", 0), -NOENT);
    assert_int_equal(stat_of(guest, "d/f/", 0), -NOTDIR);
    assert_int_equal(rename_to(guest, "d/f", "g"), OK);
    assert_int_equal(rename_to(guest, "g/", "h"), NOTDIR);
    assert_int_equal(rename_to(guest, "g", "h/"), NOTDIR);
    assert_int_equal(rename_to(guest, "d/", "dd/"), OK);
    assert_int_equal(rename_to(guest, "dd", "d"), OK);
    assert_int_equal(link_to(guest, "g", "d/h"), OK);
    assert_int_equal(link_to(guest, "g/", "d/i"), NOENT);
    assert_int_equal(stat_of(guest, "d/h", 0), 4);
    assert_int_equal(got(guest, ANSWER_AT + 24, 8), 2); /* links */
    assert_int_equal(times_of(guest, "g", 0), OK);
    assert_int_equal(stat_of(guest, "d/h", 0), 4);
    assert_int_equal(got(guest, ANSWER_AT + 40, 8), 1000);
    assert_int_equal(got(guest, ANSWER_AT + 48, 8), 2000);
    assert_int_equal(on_name(guest, "path_unlink_file", "d"), ISDIR);
    assert_int_equal(on_name(guest, "path_unlink_file", "g/"), NOTDIR);
    assert_int_equal(on_name(guest, "path_unlink_file", "d/"), ISDIR);
    assert_int_equal(on_name(guest, "path_unlink_file", "g"), OK);
    assert_int_equal(on_name(guest, "path_remove_directory", "d"), NOTEMPTY);
    assert_int_equal(on_name(guest, "path_remove_directory", "d/h"), NOTDIR);
    assert_int_equal(on_name(guest, "path_unlink_file", "d/h"), OK);
    assert_int_equal(on_name(guest, "path_remove_directory", "d/e/"), OK);
    assert_int_equal(on_name(guest, "path_remove_directory", "d"), OK);
    grant_drop(&it);
}

static void test_symlinks(void **state)
{
    granted it = grant(*state, true);
    test_guest *guest = &it.guest;
    host_write(&it, "file", "text");
    assert_int_equal(symlink_to(guest, "file", "link"), OK);
    assert_int_equal(symlink_to(guest, "file", "link"), EXIST);
    assert_int_equal(symlink_to(guest, "file", "other/"), NOENT);
    assert_int_equal(stat_of(guest, "link", 0), 7);
    assert_int_equal(stat_of(guest, "link", FOLLOW), 4);
    assert_int_equal(stat_of(guest, "link", 2), -INVAL);
    assert_int_equal(link_read(guest, "link", 100), 4);
    assert_memory_equal(memory_of(guest) + DATA_AT, "file", 4);
    assert_int_equal(link_read(guest, "link", 2), 2);
    assert_int_equal(link_read(guest, "link", 0), 0);
    assert_int_equal(link_read(guest, "file", 100), -INVAL);
    assert_int_equal(link_read(guest, "link/", 100), -INVAL);
    assert_int_equal(open_at(guest, 3, "link", 0, 0, READ, 0), -LOOP);
    assert_int_equal(open_at(guest, 3, "link", FOLLOW, 0, READ, 0), 4);
    assert_int_equal(read_some(guest, 4, 100), 4);
    assert_int_equal(times_of(guest, "link", 0), OK); /* the link's own */
    assert_int_equal(stat_of(guest, "file", 0), 4);
    assert_int_not_equal(got(guest, ANSWER_AT + 48, 8), 2000);
    assert_int_equal(stat_of(guest, "link", 0), 7);
    assert_int_equal(got(guest, ANSWER_AT + 48, 8), 2000);
    assert_int_equal(times_of(guest, "link", FOLLOW), OK);
    assert_int_equal(stat_of(guest, "file", 0), 4);
    assert_int_equal(got(guest, ANSWER_AT + 48, 8), 2000);
    assert_int_equal(symlink_to(guest, "made", "dangling"), OK);
    assert_int_equal(open_at(guest, 3, "dangling", FOLLOW, CREATE, WRITE, 0), 5);
    assert_int_equal(access(host_path(&it, "made"), F_OK), 0);
    assert_int_equal(symlink_to(guest, "round", "round"), OK);
    assert_int_equal(open_at(guest, 3, "round", FOLLOW, 0, READ, 0), -LOOP);
    assert_int_equal(wasi(guest, "path_link", 3, FOLLOW, PATH_AT, 4, 3, PATH2_AT, 4), INVAL);
    assert_int_equal(on_name(guest, "path_unlink_file", "link"), OK);
    assert_int_equal(stat_of(guest, "file", 0), 4);
    grant_drop(&it);
}

static void test_opening(void **state)
{
    granted it = grant(*state, true);
    test_guest *guest = &it.guest;
    host_write(&it, "a", "text");
    mkdir(host_path(&it, "d"), 0755);
    assert_int_equal(open_at(guest, 3, "a", 0, TRUNCATE, WRITE, 0), 4);
    assert_int_equal(stat_of(guest, "a", 0), 4);
    assert_int_equal(got(guest, ANSWER_AT + 32, 8), 0);
    assert_int_equal(open_at(guest, 3, "none", 0, 0, READ, 0), -NOENT);
    assert_int_equal(open_at(guest, 3, "a", 0, DIRECTORY, READ, 0), -NOTDIR);
    assert_int_equal(open_at(guest, 3, "d", 0, 0, WRITE, 0), -ISDIR);
    assert_int_equal(open_at(guest, 3, "d", 0, CREATE, READ, 0), -ISDIR);
    assert_int_equal(open_at(guest, 3, "d", 0, CREATE | DIRECTORY, READ, 0), -INVAL);
    assert_int_equal(open_at(guest, 3, "a", 0, 16, READ, 0), -INVAL);
    assert_int_equal(open_at(guest, 3, "a", 2, 0, READ, 0), -INVAL);
    assert_int_equal(open_at(guest, 3, "a", 0, 0, READ, 32), -INVAL);
    assert_int_equal(open_at(guest, 4, "a", 0, 0, READ, 0), -NOTDIR);
    assert_int_equal(open_at(guest, 1, "a", 0, 0, READ, 0), -NOTDIR);
    assert_int_equal(open_at(guest, 77, "a", 0, 0, READ, 0), -BADF);
    int directory = open_at(guest, 3, "d", 0, DIRECTORY, READ | WRITE, 0);
    assert_int_equal(directory, 5);
    assert_int_equal(open_at(guest, 5, "in", 0, CREATE, WRITE, 0), 6);
    assert_int_equal(access(host_path(&it, "d/in"), F_OK), 0);
    assert_int_equal(open_at(guest, 5, "../a", 0, 0, READ, 0), -NOTCAPABLE);
    grant_drop(&it);
}

/* ---- directories ---- */

enum { NAMES = 300 };

/* Reads the whole directory through a buffer of so many bytes; marks what it saw. */
static void read_all(test_guest *guest, uint32_t capacity, int seen[NAMES], int *dots)
{
    uint64_t cookie = 0;
    memset(seen, 0, NAMES * sizeof *seen);
    *dots = 0;
    for (;;) {
        assert_int_equal(wasi(guest, "fd_readdir", 3, DATA_AT, capacity, cookie, ANSWER_AT), OK);
        uint32_t length = (uint32_t)got(guest, ANSWER_AT, 4), at = 0;
        assert_true(length <= capacity);
        while (at + 24 <= length) {
            uint32_t size = (uint32_t)got(guest, DATA_AT + at + 16, 4);
            if (at + 24 + size > length) break; /* cut off: it comes again */
            char name[300] = "";
            memcpy(name, memory_of(guest) + DATA_AT + at + 24, size);
            int number = -1;
            if (name[0] == '.')
                ++*dots;
            else if (sscanf(name, "name-%d", &number) == 1)
                seen[number]++;
            assert_int_equal(got(guest, DATA_AT + at + 20, 1), name[0] == '.' ? 3 : 4);
            cookie = got(guest, DATA_AT + at, 8);
            at += 24 + size;
        }
        if (length < capacity) return;
        assert_true(at != 0);
    }
}

static void test_reading_directories(void **state)
{
    static const uint32_t capacities[] = {48, 64, 100, 1000, 4096, 100000};
    granted it = grant(*state, false);
    test_guest *guest = &it.guest;
    for (int i = 0; i < NAMES; i++) {
        char name[24];
        sprintf(name, "name-%d", i);
        host_write(&it, name, "");
    }
    for (size_t i = 0; i < WARD_COUNT(capacities); i++) {
        int seen[NAMES], dots;
        read_all(guest, capacities[i], seen, &dots);
        for (int k = 0; k < NAMES; k++) assert_int_equal(seen[k], 1);
        assert_int_equal(dots, 2);
    }
    assert_int_equal(wasi(guest, "fd_readdir", 3, DATA_AT, 10, 0, ANSWER_AT), OK);
    assert_int_equal(got(guest, ANSWER_AT, 4), 10); /* part of a head */
    assert_int_equal(wasi(guest, "fd_readdir", 3, DATA_AT, 0, 0, ANSWER_AT), OK);
    assert_int_equal(got(guest, ANSWER_AT, 4), 0);
    assert_int_equal(wasi(guest, "fd_readdir", 1, DATA_AT, 10, 0, ANSWER_AT), NOTDIR);
    assert_int_equal(wasi(guest, "fd_readdir", 3, DATA_AT, 10, UINT64_MAX, ANSWER_AT), INVAL);
    (void)wasi(guest, "fd_readdir", 3, DATA_AT, 10, 12345678901234567, ANSWER_AT);
    grant_drop(&it);
}

/* What is above the granted directory shows in no way. */
static void test_inode_above(void **state)
{
    granted it = grant(*state, false);
    struct stat above;
    assert_int_equal(stat(it.root, &above), 0);
    assert_int_equal(wasi(&it.guest, "fd_readdir", 3, DATA_AT, 1000, 0, ANSWER_AT), OK);
    uint32_t length = (uint32_t)got(&it.guest, ANSWER_AT, 4);
    assert_true(length > 48);
    for (uint32_t at = 0; at + 24 <= length;
         at += 24 + (uint32_t)got(&it.guest, DATA_AT + at + 16, 4))
        assert_true(got(&it.guest, DATA_AT + at + 8, 8) != above.st_ino);
    grant_drop(&it);
}

/* ---- getting out ---- */

static void test_escapes(void **state)
{
    static const char *const ways[] = {"../outside",
                                       "d/../../outside",
                                       "./../outside",
                                       "up/outside",
                                       "d/up2/outside",
                                       "link-out",
                                       "chain-1",
                                       "/etc/passwd",
                                       "root/etc/passwd",
                                       "d/./.././../outside",
                                       "self/root/etc/passwd"};
    granted it = grant(*state, true);
    test_guest *guest = &it.guest;
    mkdir(host_path(&it, "d"), 0755);
    assert_int_equal(symlink("..", host_path(&it, "up")), 0);
    assert_int_equal(symlink("../..", host_path(&it, "d/up2")), 0);
    assert_int_equal(symlink("../outside", host_path(&it, "link-out")), 0);
    assert_int_equal(symlink("chain-2", host_path(&it, "chain-1")), 0);
    assert_int_equal(symlink("d/chain-3", host_path(&it, "chain-2")), 0);
    assert_int_equal(symlink("../../outside", host_path(&it, "d/chain-3")), 0);
    assert_int_equal(symlink("/", host_path(&it, "root")), 0);
    assert_int_equal(symlink("/proc/self", host_path(&it, "self")), 0);
    host_write(&it, "file", "");
    for (size_t i = 0; i < WARD_COUNT(ways); i++) {
        const char *way = ways[i];
        assert_int_equal(open_at(guest, 3, way, FOLLOW, 0, READ, 0), -NOTCAPABLE);
        assert_int_equal(open_at(guest, 3, way, FOLLOW, CREATE, WRITE, 0), -NOTCAPABLE);
        assert_int_equal(stat_of(guest, way, FOLLOW), -NOTCAPABLE);
        assert_int_equal(times_of(guest, way, FOLLOW), NOTCAPABLE);
        bool own_name = strchr(way, '/') == NULL; /* a link inside, which is the guest's */
        if (own_name) continue;
        assert_int_equal(on_name(guest, "path_unlink_file", way), NOTCAPABLE);
        assert_int_equal(on_name(guest, "path_remove_directory", way), NOTCAPABLE);
        assert_int_equal(on_name(guest, "path_create_directory", way), NOTCAPABLE);
        assert_int_equal(rename_to(guest, way, "mine"), NOTCAPABLE);
        assert_int_equal(rename_to(guest, "file", way), NOTCAPABLE);
        assert_int_equal(link_to(guest, way, "mine"), NOTCAPABLE);
        assert_int_equal(link_to(guest, "file", way), NOTCAPABLE);
        assert_int_equal(symlink_to(guest, "file", way), NOTCAPABLE);
        assert_int_equal(link_read(guest, way, 10), -NOTCAPABLE);
    }
    assert_int_equal(symlink_to(guest, "/etc", "mine"), NOTCAPABLE);
    assert_int_equal(stat_of(guest, "up/", 0), -NOTCAPABLE);
    assert_int_equal(times_of(guest, "up/", 0), NOTCAPABLE);
    FILE *outside = fopen(it.outside, "r");
    char text[16] = "";
    assert_non_null(outside);
    assert_non_null(fgets(text, sizeof text, outside));
    fclose(outside);
    assert_string_equal(text, "secret");
    grant_drop(&it);
}

static void test_names_that_are_none(void **state)
{
    static const char *const functions[] = {"path_unlink_file", "path_remove_directory"};
    static const struct {
        const char *path;
        int error;
    } cases[] = {{"", NOENT},   {".", INVAL},      {"..", INVAL},     {"d/..", INVAL},
                 {"./", INVAL}, {"/", NOTCAPABLE}, {"//", NOTCAPABLE}};
    granted it = grant(*state, true);
    test_guest *guest = &it.guest;
    mkdir(host_path(&it, "d"), 0755);
    for (size_t i = 0; i < WARD_COUNT(cases); i++) {
        for (size_t k = 0; k < WARD_COUNT(functions); k++)
            assert_int_equal(on_name(guest, functions[k], cases[i].path), cases[i].error);
        assert_int_equal(rename_to(guest, cases[i].path, "x"), cases[i].error);
        assert_int_equal(rename_to(guest, "d", cases[i].path), cases[i].error);
        assert_int_equal(symlink_to(guest, "x", cases[i].path), cases[i].error);
    }
    memcpy(memory_of(guest) + PATH_AT, "d\0x", 3);
    assert_int_equal(wasi(guest, "path_remove_directory", 3, PATH_AT, 3), INVAL);
    assert_int_equal(wasi(guest, "path_remove_directory", 3, PATH_AT, 2), INVAL);
    memset(memory_of(guest) + PATH_AT, 'x', 5000);
    assert_int_equal(wasi(guest, "path_create_directory", 3, PATH_AT, 300), NAMETOOLONG);
    assert_int_equal(wasi(guest, "path_create_directory", 3, PATH_AT, 4096), NAMETOOLONG);
    assert_int_equal(wasi(guest, "path_create_directory", 3, PATH_AT, 5000), NAMETOOLONG);
    grant_drop(&it);
}

/* ---- granted for reading ---- */

static void test_read_only(void **state)
{
    granted it = grant(*state, false);
    test_guest *guest = &it.guest;
    host_write(&it, "a", "text");
    mkdir(host_path(&it, "d"), 0755);
    host_write(&it, "d/b", "text");
    assert_int_equal(open_at(guest, 3, "d", 0, DIRECTORY, READ, 0), 4);
    for (uint32_t within = 3; within <= 4; within++) {
        const char *name = within == 3 ? "a" : "b";
        assert_int_equal(open_at(guest, within, name, 0, 0, WRITE, 0), -ROFS);
        assert_int_equal(open_at(guest, within, name, 0, 0, READ | WRITE, 0), -ROFS);
        assert_int_equal(open_at(guest, within, name, 0, TRUNCATE, READ, 0), -ROFS);
        assert_int_equal(open_at(guest, within, "new", 0, CREATE, READ, 0), -ROFS);
    }
    assert_int_equal(on_name(guest, "path_create_directory", "n"), ROFS);
    assert_int_equal(on_name(guest, "path_create_directory", "."), ROFS);
    assert_int_equal(on_name(guest, "path_remove_directory", "d"), ROFS);
    assert_int_equal(on_name(guest, "path_unlink_file", "a"), ROFS);
    assert_int_equal(rename_to(guest, "a", "n"), ROFS);
    assert_int_equal(link_to(guest, "a", "n"), ROFS);
    assert_int_equal(symlink_to(guest, "a", "n"), ROFS);
    assert_int_equal(times_of(guest, "a", 0), ROFS);
    assert_int_equal(open_at(guest, 3, "a", 0, 0, READ, 0), 5);
    assert_int_equal(write_text(guest, 5, "x"), -BADF);
    assert_int_equal(wasi(guest, "fd_filestat_set_size", 5, 0), BADF);
    assert_int_equal(wasi(guest, "fd_filestat_set_times", 5, 0, 0, 2), ROFS);
    assert_int_equal(wasi(guest, "fd_filestat_set_times", 3, 0, 0, 2), ROFS);
    assert_int_equal(wasi(guest, "fd_fdstat_get", 3, ANSWER_AT), OK);
    assert_int_equal(got(guest, ANSWER_AT + 8, 8) & (1 << 9), 0); /* path_create_directory */
    assert_int_equal(wasi(guest, "fd_sync", 5), OK);
    assert_int_equal(read_some(guest, 5, 10), 4);
    grant_drop(&it);
}

/* A second name, in a directory that may be written, for a file that may not. */
static void test_links_between_grants(void **state)
{
    char root[] = "/tmp/ward-test-XXXXXX", closed[64], open[64], file[80];
    assert_non_null(mkdtemp(root));
    snprintf(closed, sizeof closed, "%s/closed", root);
    snprintf(open, sizeof open, "%s/open", root);
    snprintf(file, sizeof file, "%s/file", closed);
    assert_int_equal(mkdir(closed, 0755), 0);
    assert_int_equal(mkdir(open, 0755), 0);
    fclose(fopen(file, "w"));
    ward_preopen preopens[] = {{.host_path = closed, .guest_path = "/closed"},
                               {.host_path = open, .guest_path = "/open", .writable = true}};
    ward_wasi_grants grants = {.preopens = preopens, .preopen_count = 2};
    wardi_instance_options options = {.limits = usual_limits(), .wasi = &grants, .name = "guest"};
    test_guest guest = guest_start(*state, wasi_wat(), &options);
    uint32_t length = put(&guest, PATH_AT, "file");
    assert_int_equal(wasi(&guest, "path_link", 3, 0, PATH_AT, length, 4, PATH_AT, length), ROFS);
    assert_int_equal(wasi(&guest, "path_rename", 3, PATH_AT, length, 4, PATH_AT, length), ROFS);
    assert_int_equal(open_at(&guest, 4, "file", 0, CREATE, WRITE, 0), 5);
    length = put(&guest, PATH_AT, "file");
    assert_int_equal(wasi(&guest, "path_rename", 4, PATH_AT, length, 3, PATH_AT, length), ROFS);
    guest_stop(&guest);
    nftw(root, tree_drop, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- what is no file ---- */

static void test_other_kinds(void **state)
{
    granted it = grant(*state, true);
    test_guest *guest = &it.guest;
    assert_int_equal(mkfifo(host_path(&it, "pipe"), 0666), 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s/socket", it.inside);
    int listening = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(listening, (const struct sockaddr *)&address, sizeof address), 0);
    bool device = mknod(host_path(&it, "device"), S_IFCHR | 0666, makedev(1, 3)) == 0;
    static const char *const names[] = {"pipe", "socket", "device", "to-pipe"};
    assert_int_equal(symlink("pipe", host_path(&it, "to-pipe")), 0);
    size_t before = open_descriptors();
    uint64_t began_ns = wardi_now_ns();
    for (size_t i = 0; i < WARD_COUNT(names); i++) {
        if (strcmp(names[i], "device") == 0 && !device) continue;
        for (uint64_t rights = 0; rights < 4; rights++) {
            uint64_t wanted = (rights & 1 ? READ : 0) | (rights & 2 ? WRITE : 0);
            for (uint32_t how = 0; how < 16; how++)
                assert_true(open_at(guest, 3, names[i], FOLLOW, how, wanted, 0) < 0);
            assert_int_equal(open_at(guest, 3, names[i], FOLLOW, 0, wanted, 0), -NOTSUP);
            assert_int_equal(open_at(guest, 3, names[i], FOLLOW, CREATE, wanted, 4), -NOTSUP);
        }
        assert_true(stat_of(guest, names[i], FOLLOW) >= 0); /* may be asked about */
    }
    assert_true(wardi_now_ns() - began_ns < 10 * WARDI_S);
    assert_int_equal(open_descriptors(), before);
    assert_int_equal(stat_of(guest, "socket", 0), 6);
    assert_int_equal(wasi(guest, "sock_shutdown", 3, 1), NOTSOCK);
    assert_int_equal(wasi(guest, "sock_accept", 3, 0, ANSWER_AT), NOTSOCK);
    assert_int_equal(wasi(guest, "sock_recv", 3, 0, 0, 0, 0, 0), NOTSOCK);
    assert_int_equal(wasi(guest, "sock_send", 50, 0, 0, 0, 0), BADF);
    close(listening);
    grant_drop(&it);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_symlinks),
        cmocka_unit_test(test_opening),
        cmocka_unit_test(test_reading_directories),
        cmocka_unit_test(test_inode_above),
        cmocka_unit_test(test_escapes),
        cmocka_unit_test(test_names_that_are_none),
        cmocka_unit_test(test_read_only),
        cmocka_unit_test(test_links_between_grants),
        cmocka_unit_test(test_other_kinds),
    };
    return cmocka_run_group_tests(tests, engine_setup, engine_teardown);
}
