/* Where this user's ward keeps what it keeps, when neither the file nor the environment says. */
#include <errno.h>
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
    const char *said = written != NULL ? written : set_in(variable);
    if (said == NULL) said = by_default;
    return said != NULL && said[0] != '\0' && strcmp(said, "off") != 0 ? said : NULL;
}

static bool is_ours(const char *directory)
{
    struct stat status;
    return lstat(directory, &status) == 0 && S_ISDIR(status.st_mode) &&
           (status.st_uid == geteuid() || status.st_uid == 0);
}

ward_error wardi_where_make(const char *file, bool by_default, ward_diag *ret_diag)
{
    char directory[512];
    size_t length = 0;
    for (const char *slash = strchr(file + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        length = (size_t)(slash - file);
        if (length >= sizeof directory)
            return wardi_fail(ret_diag, WARD_ERROR_IO, "%s: the path is too long", file);
        memcpy(directory, file, length);
        directory[length] = '\0';
        if (mkdir(directory, 0700) != 0 && errno != EEXIST)
            return wardi_fail(ret_diag, WARD_ERROR_IO,
                              "%s cannot be made: %s; make it, or name another place", directory,
                              strerror(errno));
    }
    if (length == 0 || !by_default || is_ours(directory)) return WARD_OK;
    /* In /tmp, anybody could have made it, and would then own what is in it. */
    return wardi_fail(ret_diag, WARD_ERROR_IO,
                      "%s belongs to somebody else, who could replace what is put there; name "
                      "another place",
                      directory);
}
