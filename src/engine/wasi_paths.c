/* WASI preview 1: what is done to names. The name's directory is opened beneath the granted one, by
 * the kernel, and the name handed on alone: it can't lead anywhere. */
#include "wasi_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* ---- a name in a directory ---- */

typedef struct name_place {
    wasi_path path;
    const char *name; /* its last part, without slashes */
    int directory;
    bool opened; /* the directory, for this place alone */
    bool slash;  /* the path ended in one: a directory is meant */
} name_place;

static void place_leave(const name_place *place)
{
    if (place->opened) close(place->directory);
}

/* INVAL for `.` and `..`, which are no names. */
static int place_split(name_place *place, const char **ret_parent)
{
    char *text = place->path.text;
    size_t length = place->path.length;
    while (text[length - 1] == '/') text[--length] = '\0'; /* the first byte is none */
    place->slash = length != place->path.length;
    char *last = strrchr(text, '/');
    place->name = last != NULL ? last + 1 : text;
    if (strcmp(place->name, ".") == 0 || strcmp(place->name, "..") == 0) return WASI_INVAL;
    *ret_parent = last != NULL ? text : NULL;
    if (last != NULL) *last = '\0';
    return WASI_OK;
}

/* On success, place_leave ends it. */
static int place_find(const wasi_call *call, const wasi_file *within, uint32_t address,
                      uint32_t length, name_place *ret_place)
{
    const char *parent = NULL;
    ret_place->directory = within->descriptor;
    int failed = wasi_path_read(call, address, length, &ret_place->path);
    if (failed == WASI_OK) failed = place_split(ret_place, &parent);
    ret_place->opened = parent != NULL;
    if (failed != WASI_OK || parent == NULL) return failed;
    return wasi_open_beneath(within->descriptor, parent, O_PATH | O_DIRECTORY,
                             &ret_place->directory);
}

/* Of a place that is to change. */
static int place_to_change(const wasi_call *call, uint32_t number, uint32_t address,
                           uint32_t length, name_place *ret_place)
{
    wasi_file within;
    int failed = wasi_directory_get(call, number, true, &within);
    return failed != WASI_OK ? failed : place_find(call, &within, address, length, ret_place);
}

static bool place_is_directory(const name_place *place)
{
    struct stat stat;
    return fstatat(place->directory, place->name, &stat, AT_SYMLINK_NOFOLLOW) == 0 &&
           S_ISDIR(stat.st_mode);
}

static int told(int result)
{
    return result == 0 ? WASI_OK : wasi_errno(errno);
}

/* ---- one name ---- */

int wasi_path_create_directory(wasi_call *call, const wasi_arg *args)
{
    name_place place;
    int failed =
        place_to_change(call, wasi_u32(args, 0), wasi_u32(args, 1), wasi_u32(args, 2), &place);
    if (failed == WASI_INVAL) {
        /* `mkdir -p` begins with the granted directory itself, `.`, and wants to hear of it. */
        wasi_path path;
        int read = wasi_path_read(call, wasi_u32(args, 1), wasi_u32(args, 2), &path);
        return read == WASI_OK ? WASI_EXIST : read;
    }
    if (failed != WASI_OK) return failed;
    failed = told(mkdirat(place.directory, place.name, 0777));
    place_leave(&place);
    return failed;
}

int wasi_path_remove_directory(wasi_call *call, const wasi_arg *args)
{
    name_place place;
    int failed =
        place_to_change(call, wasi_u32(args, 0), wasi_u32(args, 1), wasi_u32(args, 2), &place);
    if (failed != WASI_OK) return failed;
    failed = told(unlinkat(place.directory, place.name, AT_REMOVEDIR));
    place_leave(&place);
    return failed;
}

int wasi_path_unlink_file(wasi_call *call, const wasi_arg *args)
{
    name_place place;
    int failed =
        place_to_change(call, wasi_u32(args, 0), wasi_u32(args, 1), wasi_u32(args, 2), &place);
    if (failed != WASI_OK) return failed;
    if (place.slash)
        failed = place_is_directory(&place) ? WASI_ISDIR : WASI_NOTDIR;
    else
        failed = told(unlinkat(place.directory, place.name, 0));
    place_leave(&place);
    return failed;
}

int wasi_path_symlink(wasi_call *call, const wasi_arg *args)
{
    name_place place;
    wasi_path target; /* absolute ones are refused: they would lead out of the directory */
    int failed = wasi_path_read(call, wasi_u32(args, 0), wasi_u32(args, 1), &target);
    if (failed == WASI_OK)
        failed =
            place_to_change(call, wasi_u32(args, 2), wasi_u32(args, 3), wasi_u32(args, 4), &place);
    if (failed != WASI_OK) return failed;
    failed = place.slash ? WASI_NOENT : told(symlinkat(target.text, place.directory, place.name));
    place_leave(&place);
    return failed;
}

int wasi_path_readlink(wasi_call *call, const wasi_arg *args)
{
    name_place place;
    wasi_file within;
    wasi_path target;
    uint8_t *bytes = wasi_at(call, wasi_u32(args, 3), wasi_u32(args, 4));
    uint8_t *length_at = wasi_at(call, wasi_u32(args, 5), 4);
    int failed = wasi_directory_get(call, wasi_u32(args, 0), false, &within);
    if (failed == WASI_OK && (bytes == NULL || length_at == NULL)) failed = WASI_FAULT;
    if (failed == WASI_OK)
        failed = place_find(call, &within, wasi_u32(args, 1), wasi_u32(args, 2), &place);
    if (failed != WASI_OK) return failed;
    ssize_t length = -1;
    errno = EINVAL; /* what a path that ends in a slash leads to is no link */
    if (!place.slash)
        length = readlinkat(place.directory, place.name, target.text, sizeof target.text);
    failed = length < 0 ? wasi_errno(errno) : WASI_OK;
    place_leave(&place);
    if (failed != WASI_OK) return failed;
    if ((size_t)length > wasi_u32(args, 4)) length = (ssize_t)wasi_u32(args, 4);
    memcpy(bytes, target.text, (size_t)length);
    wasi_store(length_at, (uint64_t)length, 4);
    return WASI_OK;
}

/* ---- two names ---- */

int wasi_path_rename(wasi_call *call, const wasi_arg *args)
{
    name_place from, to;
    int failed =
        place_to_change(call, wasi_u32(args, 0), wasi_u32(args, 1), wasi_u32(args, 2), &from);
    if (failed != WASI_OK) return failed;
    failed = place_to_change(call, wasi_u32(args, 3), wasi_u32(args, 4), wasi_u32(args, 5), &to);
    if (failed == WASI_OK) {
        if ((from.slash || to.slash) && !place_is_directory(&from))
            failed = WASI_NOTDIR;
        else
            failed = told(renameat(from.directory, from.name, to.directory, to.name));
        place_leave(&to);
    }
    place_leave(&from);
    return failed;
}

/* Both sides must be granted for writing: through a second name in a directory that is, what was
 * granted for reading could be written. */
int wasi_path_link(wasi_call *call, const wasi_arg *args)
{
    name_place from, to;
    if (wasi_u32(args, 1) != 0) return WASI_INVAL; /* a link to what a link leads to */
    int failed =
        place_to_change(call, wasi_u32(args, 0), wasi_u32(args, 2), wasi_u32(args, 3), &from);
    if (failed != WASI_OK) return failed;
    failed = place_to_change(call, wasi_u32(args, 4), wasi_u32(args, 5), wasi_u32(args, 6), &to);
    if (failed == WASI_OK) {
        if (from.slash || to.slash)
            failed = WASI_NOENT; /* directories have no second names */
        else
            failed = told(linkat(from.directory, from.name, to.directory, to.name, 0));
        place_leave(&to);
    }
    place_leave(&from);
    return failed;
}

/* ---- what a path leads to ---- */

/* Reached, but not opened: whatever it is, it may be asked about. */
static int reach(const wasi_call *call, const wasi_arg *args, bool change, int *ret_descriptor)
{
    wasi_path path;
    wasi_file within;
    uint32_t lookup = wasi_u32(args, 1);
    if (lookup > WASI_FOLLOW) return WASI_INVAL;
    int failed = wasi_directory_get(call, wasi_u32(args, 0), change, &within);
    if (failed == WASI_OK)
        failed = wasi_path_read(call, wasi_u32(args, 2), wasi_u32(args, 3), &path);
    if (failed != WASI_OK) return failed;
    int follow = (lookup & WASI_FOLLOW) != 0 ? 0 : O_NOFOLLOW;
    return wasi_open_beneath(within.descriptor, path.text, O_PATH | follow, ret_descriptor);
}

int wasi_path_filestat_get(wasi_call *call, const wasi_arg *args)
{
    int found;
    int failed = reach(call, args, false, &found);
    if (failed != WASI_OK) return failed;
    failed = wasi_stat_answer(call, found, wasi_u32(args, 4));
    close(found);
    return failed;
}

int wasi_path_filestat_set_times(wasi_call *call, const wasi_arg *args)
{
    int found;
    struct timespec times[2];
    int failed = wasi_times_read(wasi_u64(args, 4), wasi_u64(args, 5), wasi_u32(args, 6), times);
    if (failed == WASI_OK) failed = reach(call, args, true, &found);
    if (failed != WASI_OK) return failed;
    failed = told(utimensat(found, "", times, AT_EMPTY_PATH));
    close(found);
    return failed;
}
