#include <jansson.h>
#include <string.h>

#include "cli/config.h"

/* The JSON Schema that editors read, made from the table of keys. */

#define NUMBER "[0-9]+(\\.[0-9]+)?"

static json_t *pattern(const char *expression)
{
    return json_pack("{s:s, s:s}", "type", "string", "pattern", expression);
}

static json_t *whole(const wardi_key *key)
{
    return json_pack("{s:s, s:I, s:I}", "type", "integer", "minimum", (json_int_t)key->min,
                     "maximum", (json_int_t)key->max);
}

static json_t *either(json_t *one, json_t *other)
{
    return json_pack("{s:[o, o]}", "anyOf", one, other);
}

static json_t *choices(const wardi_key *key)
{
    json_t *list = json_array();
    for (const wardi_choice *choice = key->choices; choice->name != NULL; choice++)
        json_array_append_new(list, json_string(choice->name));
    return json_pack("{s:o}", "enum", list);
}

static json_t *list_of(json_t *items)
{
    return json_pack("{s:s, s:o}", "type", "array", "items", items);
}

static json_t *text(void)
{
    return json_pack("{s:[s, s, s]}", "type", "string", "number", "boolean");
}

static json_t *patterns(void)
{
    json_t *list = list_of(pattern("^[A-Za-z0-9_*#./-]{1,255}$"));
    json_object_set_new(list, "maxItems", json_integer(WARD_GRANT_PATTERNS_MAX));
    return list;
}

static json_t *grant(void)
{
    json_t *map =
        json_pack("{s:s, s:b, s:[s], s:{s:o, s:o}}", "type", "object", "additionalProperties", 0,
                  "required", "allow", "properties", "allow", patterns(), "deny", patterns());
    return either(patterns(), map);
}

static json_t *map_of(const wardi_keys *keys, const char *prefix);

static json_t *value_of(const wardi_key *key)
{
    switch (key->type) {
    case WARDI_KEY_TEXT: return text();
    case WARDI_KEY_FILE: return json_pack("{s:s, s:i}", "type", "string", "minLength", 1);
    case WARDI_KEY_DURATION: return pattern("^(" NUMBER "(ns|us|µs|ms|s|m|h|d))+$");
    case WARDI_KEY_SIZE:
    case WARDI_KEY_SIZE32: return pattern("^" NUMBER "(B|KiB|MiB|GiB|TiB)$");
    case WARDI_KEY_RATIO:
        return either(pattern("^" NUMBER "%$"),
                      json_pack("{s:s, s:i, s:i}", "type", "number", "minimum", 0, "maximum", 1));
    case WARDI_KEY_NUMBER:
        return json_pack("{s:s, s:I, s:I}", "type", "number", "minimum", (json_int_t)key->min,
                         "maximum", (json_int_t)key->max);
    case WARDI_KEY_CHOICE:
    case WARDI_KEY_SWITCH: return choices(key);
    case WARDI_KEY_QUORUM: return either(pattern("^(all|any|[0-9]+%?)$"), whole(key));
    case WARDI_KEY_NEEDS:
    case WARDI_KEY_ARGS: return list_of(text());
    case WARDI_KEY_NAMES:
    case WARDI_KEY_TOPICS: return grant();
    case WARDI_KEY_ENV:
    case WARDI_KEY_METADATA:
        return json_pack("{s:s, s:o}", "type", "object", "additionalProperties", text());
    case WARDI_KEY_DIRS: return list_of(map_of(&wardi_dir_keys, ""));
    case WARDI_KEY_HOSTS: return list_of(pattern("^([A-Za-z0-9._-]{1,253}|\\*)$"));
    case WARDI_KEY_TOKENS: return list_of(map_of(&wardi_token_keys, ""));
    case WARDI_KEY_CLIENTS: return list_of(map_of(&wardi_client_keys, ""));
    default: return whole(key);
    }
}

static json_t *key_schema(const wardi_key *key)
{
    json_t *value = value_of(key);
    if ((key->flags & WARDI_KEY_OFF) != 0)
        value = either(json_pack("{s:s}", "const", "off"), value);
    char described[300];
    wardi_text words = WARDI_TEXT(described);
    wardi_text_puts(&words, key->help);
    if (key->by_default != NULL) wardi_text_printf(&words, " Default: %s.", key->by_default);
    json_object_set_new(value, "description", json_string(described));
    return value;
}

/* The map under `prefix`: keys of the table, and maps where a name goes on. */
static json_t *map_of(const wardi_keys *keys, const char *prefix)
{
    json_t *properties = json_object();
    size_t skip = strlen(prefix);
    for (size_t i = 0; i < keys->count; i++) {
        const char *path = keys->items[i].path;
        if (strncmp(path, prefix, skip) != 0) continue;
        char name[96];
        size_t length = strcspn(path + skip, ".");
        WARD_ASSERT(skip + length + 2 < sizeof name);
        memcpy(name, path + skip, length);
        name[length] = '\0';
        if (json_object_get(properties, name) != NULL) continue;
        if (path[skip + length] == '\0') {
            json_object_set_new(properties, name, key_schema(&keys->items[i]));
            continue;
        }
        char below[96];
        memcpy(below, path, skip + length + 1);
        below[skip + length + 1] = '\0';
        json_object_set_new(properties, name, map_of(keys, below));
    }
    return json_pack("{s:s, s:b, s:o}", "type", "object", "additionalProperties", 0, "properties",
                     properties);
}

static json_t *named_map(int least, const char *values)
{
    return json_pack("{s:s, s:i, s:{s:s}, s:{s:s}}", "type", "object", "minProperties", least,
                     "propertyNames", "pattern", "^[A-Za-z0-9_][A-Za-z0-9._-]{0,126}$",
                     "additionalProperties", "$ref", values);
}

char *wardi_config_schema(void)
{
    json_t *host = map_of(&wardi_host_keys, "host.");
    json_t *supervisor = map_of(&wardi_supervisor_keys, "supervisor.");
    json_t *surfaces = map_of(&wardi_surface_keys, "surfaces.");
    json_t *journal = map_of(&wardi_journal_keys, "journal.");
    json_t *group = map_of(&wardi_group_keys, "");
    json_t *component = map_of(&wardi_component_keys, "");
    json_t *schema = json_pack(
        "{s:s, s:s, s:s, s:s, s:b, s:[s, s], s:{s:{s:[i, s]}, s:o, s:o, s:o, s:o, s:{s:s}, s:o, "
        "s:o},"
        " s:{s:o, s:o}}",
        "$schema", "https://json-schema.org/draft/2020-12/schema", "title", "ward.yaml",
        "description", "Components that Ward runs, and how. Reference: docs/configuration.md",
        "type", "object", "additionalProperties", 0, "required", "version", "components",
        "properties", "version", "enum", 1, "1", "host", host, "supervisor", supervisor, "surfaces",
        surfaces, "journal", journal, "defaults", "$ref", "#/$defs/component", "groups",
        named_map(0, "#/$defs/group"), "components", named_map(1, "#/$defs/component"), "$defs",
        "component", component, "group", group);
    char *bytes = schema != NULL ? json_dumps(schema, JSON_INDENT(2)) : NULL;
    json_decref(schema);
    return bytes;
}
