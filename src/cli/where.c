/* Where this user's ward keeps what it keeps, when neither the file nor the environment says. */
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"

static const char *set_in(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

/* The first of systemd's list. */
static void put_first(wardi_text *text, const char *list)
{
    wardi_text_add(text, list, strcspn(list, ":"));
}

const char *wardi_where_control(char *room, size_t size)
{
    wardi_text text = wardi_text_on(room, size);
    const char *unit = set_in("RUNTIME_DIRECTORY"), *user = set_in("XDG_RUNTIME_DIR");
    if (unit != NULL)
        put_first(&text, unit);
    else if (user != NULL)
        wardi_text_printf(&text, "%s/ward", user);
    else if (geteuid() == 0)
        wardi_text_puts(&text, "/run/ward");
    else
        wardi_text_printf(&text, "/tmp/ward-%u", (unsigned)geteuid());
    wardi_text_puts(&text, "/control.sock");
    return text.cut ? NULL : room;
}

const char *wardi_where_journal(char *room, size_t size)
{
    wardi_text text = wardi_text_on(room, size);
    const char *unit = set_in("STATE_DIRECTORY"), *user = set_in("XDG_STATE_HOME");
    const char *home = set_in("HOME");
    if (unit != NULL)
        put_first(&text, unit);
    else if (user != NULL)
        wardi_text_printf(&text, "%s/ward", user);
    else if (home != NULL)
        wardi_text_printf(&text, "%s/.local/state/ward", home);
    else
        return NULL;
    wardi_text_puts(&text, "/journal.db");
    return text.cut ? NULL : room;
}

const char *wardi_where_of(const char *written, const char *variable, const char *by_default)
{
    const char *said = written != NULL ? written : variable != NULL ? set_in(variable) : NULL;
    if (said == NULL) said = by_default;
    return said != NULL && said[0] != '\0' && strcmp(said, "off") != 0 ? said : NULL;
}

static bool is_ours(const char *directory)
{
    struct stat status;
    return lstat(directory, &status) == 0 && S_ISDIR(status.st_mode) &&
           (status.st_uid == geteuid() || status.st_uid == 0);
}

/* Whom else a directory is to let through. */
typedef struct place {
    const char *file;
    bool by_default;
    mode_t through; /* 0: nobody; S_IXGRP: who is of `gid`; S_IXOTH: everybody */
    gid_t gid;
    const char *members; /* in words */
} place;

/* Where that can't be done, the socket can't be given to them either, and that is said. */
static void open_up(const char *directory, mode_t mode, const place *to)
{
    if (to->through == S_IXOTH || chown(directory, (uid_t)-1, to->gid) == 0)
        chmod(directory, mode | S_IXGRP | to->through);
}

/* True: it is there. */
static bool make_directory(const char *directory, const place *to)
{
    if (mkdir(directory, 0700) != 0) return errno == EEXIST;
    if (to->through != 0) open_up(directory, 0700, to);
    return true;
}

/* The last one, where ward puts its own things: an earlier one may have made it for its user alone.
 */
static void let_through(const char *directory, const place *to)
{
    struct stat status;
    if (lstat(directory, &status) != 0 || !S_ISDIR(status.st_mode) || status.st_uid != geteuid() ||
        (status.st_mode & S_IXOTH) != 0)
        return;
    open_up(directory, status.st_mode & 07777, to);
}

static void warn_of_shut(const char *directory, const place *to)
{
    struct stat status;
    if (stat(directory, &status) != 0) return;
    mode_t needed = to->through == S_IXGRP && status.st_gid == to->gid ? S_IXGRP : S_IXOTH;
    if ((status.st_mode & needed) == 0)
        wardi_warn("run: members of the group%s can't reach the control socket: %s does not let "
                   "them through; name another place in `surfaces.control`",
                   to->members, directory);
}

/* Each directory on the way to the file, from the first: `room` has the last in the end. */
static ward_error make_all(const place *to, char *room, size_t size, ward_diag *ret_diag)
{
    room[0] = '\0';
    for (const char *slash = strchr(to->file + 1, '/'); slash != NULL;
         slash = strchr(slash + 1, '/')) {
        size_t length = (size_t)(slash - to->file);
        if (length >= size)
            return wardi_fail(ret_diag, WARD_ERROR_IO, "%s: the path is too long", to->file);
        memcpy(room, to->file, length);
        room[length] = '\0';
        bool last = strchr(slash + 1, '/') == NULL;
        if (!make_directory(room, to))
            return wardi_fail(ret_diag, WARD_ERROR_IO,
                              "%s cannot be made: %s; make it, or name another place", room,
                              strerror(errno));
        if (to->through == 0) continue;
        if (last && to->by_default) let_through(room, to);
        warn_of_shut(room, to);
    }
    return WARD_OK;
}

ward_error wardi_where_make_for(const char *file, bool by_default, const char *group,
                                const char *other_group, ward_diag *ret_diag)
{
    char directory[512], words[200];
    wardi_text members = WARDI_TEXT(words);
    if (group == NULL) {
        group = other_group;
        other_group = NULL;
    }
    const struct group *found = group != NULL ? getgrnam(group) : NULL; /* else it is said later */
    place to = {.file = file, .by_default = by_default, .members = words};
    if (other_group != NULL) {
        to.through = S_IXOTH;
        wardi_text_printf(&members, "s %s and %s", group, other_group);
    } else if (found != NULL) {
        to.through = S_IXGRP;
        to.gid = found->gr_gid;
        wardi_text_printf(&members, " %s", group);
    }
    ward_error error = make_all(&to, directory, sizeof directory, ret_diag);
    if (error != WARD_OK || directory[0] == '\0' || !by_default || is_ours(directory)) return error;
    /* In /tmp, anybody could have made it, and would then own what is in it. */
    return wardi_fail(ret_diag, WARD_ERROR_IO,
                      "%s belongs to somebody else, who could replace what is put there; name "
                      "another place",
                      directory);
}

ward_error wardi_where_make(const char *file, bool by_default, ward_diag *ret_diag)
{
    return wardi_where_make_for(file, by_default, NULL, NULL, ret_diag);
}
