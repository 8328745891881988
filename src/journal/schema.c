#include <string.h>

#include "journal/journal_priv.h"

/* Rows stand for themselves: names and reasons are not interned, so that the oldest go without
 * looking at any other. Their key is their order; a row without a rowid is its key's own leaf. */
const char *const schema_steps[] = {
    "CREATE TABLE runs ("
    " run INTEGER PRIMARY KEY, started_wall_ns INTEGER NOT NULL, ended_wall_ns INTEGER,"
    " version TEXT NOT NULL);"
    "CREATE TABLE events ("
    " run INTEGER NOT NULL, sequence INTEGER NOT NULL, wall_ns INTEGER NOT NULL,"
    " kind INTEGER NOT NULL, component TEXT NOT NULL, version TEXT NOT NULL, reason TEXT NOT NULL,"
    " from_state INTEGER NOT NULL, state INTEGER NOT NULL, from_health INTEGER NOT NULL,"
    " health INTEGER NOT NULL, source INTEGER NOT NULL, probe_error INTEGER NOT NULL,"
    " ready INTEGER NOT NULL, flapping INTEGER NOT NULL, cause INTEGER NOT NULL,"
    " attempt INTEGER NOT NULL, delay_ns INTEGER NOT NULL, instance INTEGER NOT NULL,"
    " evidence INTEGER NOT NULL, lost INTEGER NOT NULL,"
    " PRIMARY KEY (run, sequence)) WITHOUT ROWID;"
    "CREATE TABLE evidence ("
    " run INTEGER NOT NULL, sequence INTEGER NOT NULL, wall_ns INTEGER NOT NULL,"
    " component TEXT NOT NULL, number INTEGER NOT NULL, document TEXT,"
    " PRIMARY KEY (run, sequence));"
    "CREATE INDEX evidence_of ON evidence (component, run, sequence);"
    "CREATE TABLE vocabulary ("
    " of TEXT NOT NULL, number INTEGER NOT NULL, name TEXT NOT NULL,"
    " PRIMARY KEY (of, number)) WITHOUT ROWID;"
    "CREATE VIEW log AS SELECT run, sequence,"
    " strftime('%Y-%m-%dT%H:%M:%fZ', wall_ns / 1e9, 'unixepoch') AS time,"
    " (SELECT name FROM vocabulary WHERE of = 'kind' AND number = kind) AS kind, component,"
    " (SELECT name FROM vocabulary WHERE of = 'state' AND number = from_state) AS from_state,"
    " (SELECT name FROM vocabulary WHERE of = 'state' AND number = state) AS state,"
    " (SELECT name FROM vocabulary WHERE of = 'health' AND number = from_health) AS from_health,"
    " (SELECT name FROM vocabulary WHERE of = 'health' AND number = health) AS health,"
    " ready, flapping,"
    " (SELECT name FROM vocabulary WHERE of = 'cause' AND number = cause) AS cause, attempt,"
    " delay_ns / 1e9 AS delay_s,"
    " (SELECT name FROM vocabulary WHERE of = 'source' AND number = source) AS source,"
    " (SELECT name FROM vocabulary WHERE of = 'probe_error' AND number = probe_error)"
    " AS probe_error, reason, version, evidence, lost FROM events;",
};
const int schema_version = (int)WARD_COUNT(schema_steps);

/* ---- checking ---- */

static bool number_of(sqlite3 *db, const char *sql, int *ret_number)
{
    sqlite3_stmt *statement = NULL;
    bool well = sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
                sqlite3_step(statement) == SQLITE_ROW;
    if (well) *ret_number = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    return well;
}

ward_error schema_check(sqlite3 *db, const char *path, int newest, int *ret_version,
                        ward_diag *ret_diag)
{
    int version, application, tables;
    if (!number_of(db, "PRAGMA user_version", &version) ||
        !number_of(db, "PRAGMA application_id", &application) ||
        !number_of(db, "SELECT count(*) FROM sqlite_master", &tables))
        return store_fail(db, path, "it can't be read", ret_diag);
    bool empty = version == 0 && application == 0 && tables == 0;
    if (!empty && (application != JOURNAL_APPLICATION_ID || version < 1))
        return wardi_fail(ret_diag, WARD_ERROR_STATE,
                          "%s: this is a database of another program: name another file", path);
    if (version > newest)
        return wardi_fail(ret_diag, WARD_ERROR_STATE,
                          "%s: its schema is version %d, of a newer Ward; this one knows versions "
                          "up to %d: run that Ward, or name another file",
                          path, version, newest);
    *ret_version = version;
    return WARD_OK;
}

/* ---- migrating ---- */

/* All of a step, or nothing of it. */
static bool take_step(sqlite3 *db, const char *step, int version)
{
    char stamp[128];
    wardi_text text = WARDI_TEXT(stamp);
    wardi_text_printf(&text, "PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT",
                      JOURNAL_APPLICATION_ID, version);
    return sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK &&
           sqlite3_exec(db, step, NULL, NULL, NULL) == SQLITE_OK &&
           sqlite3_exec(db, stamp, NULL, NULL, NULL) == SQLITE_OK;
}

ward_error schema_migrate(sqlite3 *db, const char *path, const char *const *steps, int count,
                          ward_diag *ret_diag)
{
    int version = 0;
    ward_error error = schema_check(db, path, count, &version, ret_diag);
    for (; error == WARD_OK && version < count; version++) {
        if (take_step(db, steps[version], version + 1)) continue;
        error = store_fail(db, path, "its schema can't be brought up to date", ret_diag);
        sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    }
    return error;
}

/* ---- names ---- */

typedef const char *(*name_of)(int number);
#define NAME(function, type, of)                                                                   \
    static const char *function(int number)                                                        \
    {                                                                                              \
        return of((type)number);                                                                   \
    }
NAME(kind_name, ward_event_kind, ward_event_kind_name)
NAME(state_name, ward_state, ward_state_name)
NAME(health_name, ward_child_health, ward_child_health_name)
NAME(source_name, ward_source, ward_source_name)
NAME(probe_error_name, ward_probe_error, ward_probe_error_name)
NAME(cause_name, ward_cause, ward_cause_name)

static bool put_name(sqlite3_stmt *statement, const char *of, int number, const char *name)
{
    sqlite3_bind_text(statement, 1, of, -1, SQLITE_STATIC);
    sqlite3_bind_int(statement, 2, number);
    sqlite3_bind_text(statement, 3, name, -1, SQLITE_STATIC);
    bool well = sqlite3_step(statement) == SQLITE_DONE;
    sqlite3_reset(statement);
    return well;
}

bool schema_name(sqlite3 *db)
{
    static const struct {
        const char *of;
        name_of name;
    } all[] = {{"kind", kind_name},     {"state", state_name}, {"health", health_name},
               {"source", source_name}, {"cause", cause_name}, {"probe_error", probe_error_name}};
    sqlite3_stmt *statement = NULL;
    bool well = sqlite3_prepare_v2(db,
                                   "INSERT INTO vocabulary VALUES (?, ?, ?) ON CONFLICT DO UPDATE"
                                   " SET name = excluded.name WHERE name <> excluded.name",
                                   -1, &statement, NULL) == SQLITE_OK &&
                put_name(statement, "kind", LOST_KIND, "lost");
    for (size_t i = 0; i < WARD_COUNT(all); i++)
        for (int number = 0; well && strcmp(all[i].name(number), "unknown") != 0; number++)
            well = put_name(statement, all[i].of, number, all[i].name(number));
    sqlite3_finalize(statement);
    return well;
}
