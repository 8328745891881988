/* The surfaces, as ward.yaml has them: their lists, and what contradicts. */
#include <stdio.h>
#include <string.h>

#include "cli/config_rules.h"

/* ---- lists ---- */

static size_t count_of(const wardi_yaml *node)
{
    size_t count = 0;
    for (const wardi_yaml *item = node->first; item != NULL; item = item->next) count++;
    return count;
}

static void read_hosts(wardi_reading *reading, const wardi_yaml *node, wardi_config *config)
{
    char quoted[WARDI_SHOWN_BYTES];
    const char **hosts = wardi_arena_take(reading->arena, (count_of(node) + 1) * sizeof *hosts);
    size_t count = 0;
    if (hosts == NULL) return;
    for (const wardi_yaml *item = node->first; item != NULL; item = item->next) {
        if (item->kind == WARDI_YAML_SCALAR && wardi_surface_host_valid(item->text)) {
            hosts[count++] = item->text;
            continue;
        }
        wardi_mistakes_add(reading->mistakes, item->place,
                           "surfaces.http_hosts: %s is no name of a host; write one like "
                           "ward.example, without a port, or \"*\"",
                           wardi_config_shown(quoted, item->text != NULL ? item->text : ""));
    }
    config->surfaces.http_hosts = hosts;
    config->surfaces.http_host_count = count;
}

/* One map of a list. */
static void read_item(wardi_reading *reading, const wardi_yaml *item, const wardi_key *key,
                      const wardi_keys *keys, void *target)
{
    wardi_place places[8] = {{0}};
    WARD_ASSERT(keys->count <= WARD_COUNT(places));
    if (item->kind == WARDI_YAML_MAP)
        wardi_config_read_map(reading, item, keys, "", target, places);
    else
        wardi_mistakes_add(reading->mistakes, item->place, "%s takes maps; write %s", key->path,
                           key->type == WARDI_KEY_TOKENS
                               ? "`- {name: ops, file: ops.token, grant: write}`"
                               : "`- {name: ops.example, grant: write}`");
}

static void read_tokens(wardi_reading *reading, const wardi_yaml *node, const wardi_key *key,
                        wardi_config *config)
{
    size_t room = count_of(node) + 1, count = 0;
    wardi_surface_token *tokens = wardi_arena_take(reading->arena, room * sizeof *tokens);
    config->token_places = wardi_arena_take(reading->arena, room * sizeof(wardi_place));
    if (tokens == NULL || config->token_places == NULL) return;
    for (const wardi_yaml *item = node->first; item != NULL; item = item->next) {
        config->token_places[count] = item->place;
        read_item(reading, item, key, &wardi_token_keys, &tokens[count++]);
    }
    config->surfaces.remote.tokens = tokens;
    config->surfaces.remote.token_count = count;
}

static void read_clients(wardi_reading *reading, const wardi_yaml *node, const wardi_key *key,
                         wardi_config *config)
{
    size_t room = count_of(node) + 1, count = 0;
    wardi_surface_client *clients = wardi_arena_take(reading->arena, room * sizeof *clients);
    if (clients == NULL) return;
    for (const wardi_yaml *item = node->first; item != NULL; item = item->next)
        read_item(reading, item, key, &wardi_client_keys, &clients[count++]);
    config->surfaces.remote.clients = clients;
    config->surfaces.remote.client_count = count;
}

void wardi_config_read_surface_list(wardi_reading *reading, const wardi_yaml *node,
                                    const wardi_key *key, wardi_config *config)
{
    if (node->kind != WARDI_YAML_LIST)
        wardi_mistakes_add(reading->mistakes, node->place, "%s takes a list; write [one, two]",
                           key->path);
    else if (key->type == WARDI_KEY_HOSTS)
        read_hosts(reading, node, config);
    else if (key->type == WARDI_KEY_TOKENS)
        read_tokens(reading, node, key, config);
    else
        read_clients(reading, node, key, config);
}

/* ---- checks ---- */

static wardi_place place_of(const wardi_reading *reading, const char *path)
{
    return reading->config->surface_places[wardi_key_index(&wardi_surface_keys, path)];
}

static void check_address(wardi_reading *reading, const char *key, const char *address)
{
    char quoted[WARDI_SHOWN_BYTES];
    if (address == NULL || address[0] == '\0' || wardi_surface_address_valid(address)) return;
    wardi_mistakes_add(reading->mistakes, place_of(reading, key),
                       "%s: %s is no address; write HOST:PORT, like 127.0.0.1:9320 or [::]:9320, "
                       "or off",
                       key, wardi_config_shown(quoted, address));
}

/* Whether others may read it is looked at where it is read. */
static void check_file(wardi_reading *reading, const char *key, const char *path)
{
    if (path != NULL) config_rules_path(reading, place_of(reading, key), path, S_IFREG);
}

static void check_files(wardi_reading *reading)
{
    const wardi_surface_remote *remote = &reading->config->surfaces.remote;
    check_file(reading, "surfaces.tls.certificate", remote->certificate);
    check_file(reading, "surfaces.tls.key", remote->key);
    check_file(reading, "surfaces.tls.client_ca", remote->client_ca);
    for (size_t i = 0; i < remote->token_count; i++)
        config_rules_path(reading, reading->config->token_places[i], remote->tokens[i].file,
                          S_IFREG);
}

void wardi_config_check_surfaces(wardi_reading *reading)
{
    const wardi_surface_options *surfaces = &reading->config->surfaces;
    const wardi_surface_remote *remote = &surfaces->remote;
    size_t before = reading->mistakes->count;
    check_address(reading, "surfaces.http", surfaces->http_address);
    check_address(reading, "surfaces.grpc", surfaces->grpc_address);
    check_address(reading, "surfaces.remote", remote->address);
    bool is_off = remote->address != NULL && remote->address[0] == '\0';
    bool faulty = reading->config->surfaces_faulty || reading->mistakes->count > before;
    if (is_off || faulty) return;
    char path[64];
    const char *key, *fault = wardi_surface_remote_fault(remote, &key);
    if (fault != NULL) {
        snprintf(path, sizeof path, "surfaces.%s", key);
        wardi_place place = place_of(reading, path);
        if (place.line == 0) place = place_of(reading, "surfaces.remote");
        wardi_mistakes_add(reading->mistakes, place, "%s: %s", path, fault);
    } else if (reading->directory != NULL) {
        check_files(reading);
    }
}
