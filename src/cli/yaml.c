#include "cli/yaml.h"

#include <libfyaml.h>
#include <string.h>

typedef struct yaml_reader {
    struct fy_parser *parser;
    wardi_arena *arena;
    wardi_mistakes *mistakes;
    wardi_yaml *open[WARDI_YAML_DEPTH_MAX]; /* from the root down to where the next node goes */
    unsigned depth;
    wardi_yaml *root;
    wardi_yaml *key; /* of the map at the end of `open`: read, and waiting for its value */
    unsigned documents;
    bool stop;
} yaml_reader;

/* What is not written has no place of its own: its key's is the next best, or its list's. */
static wardi_place place_of(const yaml_reader *reader, struct fy_event *event)
{
    const struct fy_mark *mark = fy_event_start_mark(event);
    if (mark != NULL) return (wardi_place){(unsigned)mark->line + 1, (unsigned)mark->column + 1};
    if (reader->key != NULL) return reader->key->place;
    if (reader->depth > 0) return reader->open[reader->depth - 1]->place;
    return (wardi_place){1, 1};
}

static void refuse(yaml_reader *reader, wardi_place place, const char *text)
{
    wardi_mistakes_add(reader->mistakes, place, "%s", text);
    reader->stop = true;
}

/* Hangs a node where it belongs; a map takes keys and values in turn. */
static void attach(yaml_reader *reader, wardi_yaml *node)
{
    if (reader->depth == 0) {
        reader->root = node;
        return;
    }
    wardi_yaml *parent = reader->open[reader->depth - 1];
    if (parent->kind == WARDI_YAML_MAP && reader->key == NULL) {
        if (node->kind != WARDI_YAML_SCALAR)
            refuse(reader, node->place,
                   "a key that is no plain text; write a name before the colon");
        reader->key = node;
        return;
    }
    node->key = reader->key;
    reader->key = NULL;
    if (parent->last != NULL)
        parent->last->next = node;
    else
        parent->first = node;
    parent->last = node;
}

static wardi_yaml *node_new(yaml_reader *reader, wardi_yaml_kind kind, struct fy_event *event)
{
    wardi_yaml *node = wardi_arena_take(reader->arena, sizeof *node);
    if (node == NULL) {
        reader->stop = true;
        return NULL;
    }
    node->kind = kind;
    node->place = place_of(reader, event);
    return node;
}

static void open_node(yaml_reader *reader, wardi_yaml_kind kind, struct fy_event *event)
{
    wardi_yaml *node = node_new(reader, kind, event);
    if (node == NULL) return;
    if (reader->depth == WARDI_YAML_DEPTH_MAX) {
        refuse(reader, node->place, "nested deeper than any key of Ward; take a level out");
        return;
    }
    attach(reader, node);
    if (reader->stop) return;
    reader->open[reader->depth++] = node;
}

static void scalar(yaml_reader *reader, struct fy_event *event)
{
    wardi_yaml *node = node_new(reader, WARDI_YAML_SCALAR, event);
    if (node == NULL) return;
    size_t length = 0;
    struct fy_token *value = event->scalar.value;
    enum fy_scalar_style style = value != NULL ? fy_token_scalar_style(value) : FYSS_PLAIN;
    node->quoted = style != FYSS_PLAIN;
    /* The mark of a text in quotes is its first letter's; people look for the quote. */
    if (style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED) node->place.column--;
    const char *bytes = value != NULL ? fy_token_get_text(value, &length) : NULL;
    if (bytes != NULL && memchr(bytes, '\0', length) != NULL) {
        refuse(reader, node->place, "a NUL byte in a text; take it out");
        return;
    }
    node->text = wardi_arena_text(reader->arena, bytes != NULL ? bytes : "", length);
    if (node->text == NULL) reader->stop = true;
    attach(reader, node);
}

static void refuse_decoration(yaml_reader *reader, wardi_place place, struct fy_token *tag,
                              struct fy_token *anchor)
{
    if (tag != NULL)
        refuse(reader, place, "a tag (!…) is not read; write the value without it");
    else if (anchor != NULL)
        refuse(reader, place,
               "an anchor (&…) is not read; put what components share under `defaults`");
}

static void take(yaml_reader *reader, struct fy_event *event)
{
    wardi_place place = place_of(reader, event);
    switch (event->type) {
    case FYET_DOCUMENT_START:
        if (++reader->documents > 1)
            refuse(reader, place, "a second document; a file holds one, so take out the `---`");
        break;
    case FYET_MAPPING_START:
        refuse_decoration(reader, place, event->mapping_start.tag, event->mapping_start.anchor);
        if (!reader->stop) open_node(reader, WARDI_YAML_MAP, event);
        break;
    case FYET_SEQUENCE_START:
        refuse_decoration(reader, place, event->sequence_start.tag, event->sequence_start.anchor);
        if (!reader->stop) open_node(reader, WARDI_YAML_LIST, event);
        break;
    case FYET_SCALAR:
        refuse_decoration(reader, place, event->scalar.tag, event->scalar.anchor);
        if (!reader->stop) scalar(reader, event);
        break;
    case FYET_ALIAS:
        place.column -= place.column > 1; /* the mark is behind the star */
        refuse(reader, place,
               "an alias (*…) is not read; put what components share under `defaults`, and a "
               "pattern in quotes: \"*\"");
        break;
    case FYET_MAPPING_END:
    case FYET_SEQUENCE_END:
        if (reader->depth > 0) reader->depth--;
        break;
    default: break;
    }
}

/* What libfyaml found: its own words, with the first letter small like ours. */
static void add_syntax(yaml_reader *reader, struct fy_diag *diag)
{
    void *at = NULL;
    struct fy_diag_error *error;
    bool any = false;
    while ((error = fy_diag_errors_iterate(diag, &at)) != NULL) {
        wardi_place place = {error->line > 0 ? (unsigned)error->line : 1,
                             error->column > 0 ? (unsigned)error->column : 1};
        /* `*` alone: most likely a pattern. */
        bool is_star = strstr(error->msg, "alias") != NULL;
        wardi_mistakes_add(reader->mistakes, place, "not YAML: %s; %s", error->msg,
                           is_star ? "a pattern stands in quotes: \"*\""
                                   : "look at this line and the one above");
        any = true;
    }
    if (!any)
        wardi_mistakes_add(reader->mistakes, (wardi_place){1, 1},
                           "not YAML; write `version: 1` and `components:`");
}

static void read_events(yaml_reader *reader)
{
    while (!reader->stop) {
        struct fy_event *event = fy_parser_parse(reader->parser);
        if (event == NULL) return;
        bool end = event->type == FYET_STREAM_END;
        take(reader, event);
        fy_parser_event_free(reader->parser, event);
        if (end) return;
    }
}

static void parse(yaml_reader *reader, const char *bytes, size_t length, struct fy_diag *diag)
{
    struct fy_parse_cfg config = {.flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG, .diag = diag};
    reader->parser = fy_parser_create(&config);
    if (reader->parser == NULL || fy_parser_set_string(reader->parser, bytes, length) != 0) {
        reader->arena->failed = true;
    } else {
        read_events(reader);
        if (!reader->stop && fy_parser_get_stream_error(reader->parser)) {
            reader->root = NULL;
            add_syntax(reader, diag);
        }
    }
    fy_parser_destroy(reader->parser);
}

static const char *wrong_at(const uint8_t *at, size_t left, unsigned column, size_t *ret_length)
{
    *ret_length = wardi_utf8_length(at, left);
    if (*at == '\0') return "a NUL byte; is this a text file? Write it anew as UTF-8";
    if (*ret_length == 0) return "not UTF-8; is this a text file? Write it anew as UTF-8";
    if ((*at < 0x20 && *at != '\n' && *at != '\r' && *at != '\t') || *at == 0x7f)
        return "a control character; take it out";
    if (*at == '%' && column == 1) return "a directive (%…) is not read; take the line out";
    return NULL;
}

/* What libfyaml 0.7 does badly is kept from it: it takes a NUL for the end, so that the rest would
 * be lost without a word, and never returns from a directive with bytes that are no UTF-8. */
static bool is_text(yaml_reader *reader, const char *bytes, size_t length)
{
    wardi_place place = {1, 1};
    for (size_t i = 0, step; i < length; i += step) {
        const char *wrong = wrong_at((const uint8_t *)bytes + i, length - i, place.column, &step);
        if (wrong != NULL) {
            refuse(reader, place, wrong);
            return false;
        }
        bool line_ends = bytes[i] == '\n';
        place.line += line_ends;
        place.column = line_ends ? 1 : place.column + 1;
    }
    return true;
}

const wardi_yaml *wardi_yaml_read(wardi_arena *arena, const char *bytes, size_t length,
                                  wardi_mistakes *mistakes)
{
    yaml_reader reader = {.arena = arena, .mistakes = mistakes};
    if (length > WARDI_YAML_BYTES_MAX) {
        refuse(&reader, (wardi_place){1, 1}, "larger than 4 MiB; split it into several files");
        return NULL;
    }
    if (!is_text(&reader, bytes, length)) return NULL;
    struct fy_diag *diag = fy_diag_create(NULL);
    if (diag == NULL) {
        arena->failed = true;
        return NULL;
    }
    fy_diag_set_collect_errors(diag, true);
    parse(&reader, bytes, length, diag);
    fy_diag_destroy(diag);
    return reader.stop || arena->failed ? NULL : reader.root;
}

bool wardi_yaml_null(const wardi_yaml *node)
{
    return node->kind == WARDI_YAML_SCALAR && !node->quoted &&
           (node->text[0] == '\0' || strcmp(node->text, "~") == 0 ||
            strcmp(node->text, "null") == 0);
}
