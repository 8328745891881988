/* What the C API does not tell of a core module: limits of tables and memories past 32 bits (its
 * own accessors end the process on those), and which index an export stands for.
 *
 * Reads bytes that the engine has validated, and does not rely on it: every read is bounded, and
 * what is not understood makes the whole walk fail. */
#include "engine_priv.h"

#include <string.h>

typedef struct reader {
    const uint8_t *at, *end;
    bool bad;
} reader;

static uint8_t read_byte(reader *in)
{
    if (in->at == in->end) {
        in->bad = true;
        return 0;
    }
    return *in->at++;
}

static uint64_t read_leb(reader *in)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        uint8_t byte = read_byte(in);
        if (shift < 64) value |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) return value;
    }
    in->bad = true;
    return 0;
}

static void skip(reader *in, uint64_t length)
{
    if (length > (uint64_t)(in->end - in->at)) {
        in->bad = true;
        in->at = in->end;
        return;
    }
    in->at += length;
}

static void skip_name(reader *in)
{
    skip(in, read_leb(in));
}

/* A value or reference type: one byte, or (ref …) and (ref null …) with a heap type. */
static void skip_type(reader *in)
{
    uint8_t byte = read_byte(in);
    if (byte == 0x63 || byte == 0x64) (void)read_leb(in);
}

static section_limits read_limits(reader *in, bool imported)
{
    enum { HAS_MAX = 1, SHARED = 2, IS_64 = 4, PAGE_SIZE = 8 };
    section_limits limits = {.imported = imported};
    uint8_t flags = read_byte(in);
    if ((flags & ~(HAS_MAX | SHARED | IS_64)) != 0) in->bad = true;
    limits.min = read_leb(in);
    limits.has_max = (flags & HAS_MAX) != 0;
    if (limits.has_max) limits.max = read_leb(in);
    return limits;
}

static void skip_expression(reader *in)
{
    while (!in->bad) {
        switch (read_byte(in)) {
        case 0x0b: return;
        case 0x23:
        case 0x41:
        case 0x42:
        case 0xd0:
        case 0xd2: (void)read_leb(in); break;
        case 0x43: skip(in, 4); break;
        case 0x44: skip(in, 8); break;
        case 0x6a:
        case 0x6b:
        case 0x6c:
        case 0x7c:
        case 0x7d:
        case 0x7e: break;
        case 0xfd:
            if (read_leb(in) != 12) in->bad = true;
            skip(in, 16);
            break;
        default: in->bad = true;
        }
    }
}

static void add_limits(reader *in, section_limits **list, uint32_t *count, section_limits limits)
{
    if (in->bad) return;
    size_t size = sizeof limits;
    section_limits *grown = wardi_grow(*list, *count * size, (*count + 1) * size);
    if (grown == NULL) {
        in->bad = true;
        return;
    }
    *list = grown;
    grown[(*count)++] = limits;
}

static void read_imports(reader *in, section_facts *facts)
{
    for (uint64_t left = read_leb(in); left != 0 && !in->bad; left--) {
        skip_name(in);
        skip_name(in);
        switch (read_byte(in)) {
        case 0: (void)read_leb(in); break;
        case 1:
            skip_type(in);
            add_limits(in, &facts->tables, &facts->table_count, read_limits(in, true));
            break;
        case 2:
            add_limits(in, &facts->memories, &facts->memory_count, read_limits(in, true));
            break;
        case 3:
            skip_type(in);
            skip(in, 1);
            break;
        case 4:
            skip(in, 1);
            (void)read_leb(in);
            break;
        default: in->bad = true;
        }
    }
}

static void read_tables(reader *in, section_facts *facts)
{
    for (uint64_t left = read_leb(in); left != 0 && !in->bad; left--) {
        bool initialised = in->at != in->end && *in->at == 0x40;
        if (initialised) skip(in, 2);
        skip_type(in);
        add_limits(in, &facts->tables, &facts->table_count, read_limits(in, false));
        if (initialised) skip_expression(in);
    }
}

static void read_memories(reader *in, section_facts *facts)
{
    for (uint64_t left = read_leb(in); left != 0 && !in->bad; left--)
        add_limits(in, &facts->memories, &facts->memory_count, read_limits(in, false));
}

static void read_exports(reader *in, section_facts *facts)
{
    uint64_t count = read_leb(in);
    /* An export takes three bytes at least, so a count that lies asks for no memory. */
    if (count > (uint64_t)(in->end - in->at) / 3 || facts->export_indices != NULL) in->bad = true;
    if (in->bad) return;
    facts->export_indices = wardi_alloc_array(count, sizeof *facts->export_indices);
    if (facts->export_indices == NULL) in->bad = true;
    for (; facts->export_count < count && !in->bad; facts->export_count++) {
        skip_name(in);
        skip(in, 1);
        facts->export_indices[facts->export_count] = (uint32_t)read_leb(in);
    }
}

bool section_facts_read(const uint8_t *bytes, size_t length, section_facts *ret_facts)
{
    section_facts facts = {0};
    reader in = {.at = bytes, .end = bytes + length};
    skip(&in, 8);
    while (in.at != in.end && !in.bad) {
        uint8_t id = read_byte(&in);
        uint64_t size = read_leb(&in);
        reader section = {.at = in.at};
        skip(&in, size);
        section.end = in.at;
        if (id == 2) read_imports(&section, &facts);
        if (id == 4) read_tables(&section, &facts);
        if (id == 5) read_memories(&section, &facts);
        if (id == 7) read_exports(&section, &facts);
        in.bad = in.bad || section.bad;
    }
    if (in.bad) {
        section_facts_done(&facts);
        return false;
    }
    *ret_facts = facts;
    return true;
}

void section_facts_done(section_facts *facts)
{
    wardi_free(facts->tables);
    wardi_free(facts->memories);
    wardi_free(facts->export_indices);
    *facts = (section_facts){0};
}

bool source_is_whole(const uint8_t *bytes, size_t length)
{
    reader in = {.at = bytes, .end = bytes + length};
    skip(&in, 8);
    while (in.at != in.end && !in.bad) {
        (void)read_byte(&in);
        skip(&in, read_leb(&in));
    }
    return !in.bad;
}

/* ---- what there may be of everything ---- */

/* What an instance has of these, and what we say of them, no other limit counts. More than any
 * toolchain makes; the engine itself takes a million. */
#define COUNT_MAX 65536u
/* An instance has 32 bytes for each function that it may pass on; a component makes many instances.
 * 256 MiB, as the memory that a component has unless told otherwise. */
#define FUNCTIONS_MAX (UINT64_C(8) << 20)
/* Deeper than tools nest, and the walk recurses. */
#define NESTING_MAX 1000u

typedef struct section_counts {
    uint64_t imports, globals, exports, functions; /* of the core module that has the most */
    uint64_t instances;                            /* that a component makes of them */
    bool deep;
} section_counts;

static void count(reader *section, uint64_t *most)
{
    uint64_t found = read_leb(section);
    if (found > *most) *most = found;
}

/* Of a module, or of all modules within a component. */
static void count_all(reader *in, unsigned depth, section_counts *counts)
{
    bool component = source_kind_of_binary(in->at, (size_t)(in->end - in->at)) == SOURCE_COMPONENT;
    counts->deep = counts->deep || depth > NESTING_MAX;
    skip(in, 8);
    while (in->at != in->end && !in->bad && !counts->deep) {
        uint8_t id = read_byte(in);
        uint64_t size = read_leb(in);
        reader section = {.at = in->at};
        skip(in, size);
        section.end = in->at;
        if (component && (id == 1 || id == 4)) count_all(&section, depth + 1, counts);
        if (component && id == 2) counts->instances += read_leb(&section);
        if (!component && id == 2) count(&section, &counts->imports);
        if (!component && id == 3) count(&section, &counts->functions);
        if (!component && id == 6) count(&section, &counts->globals);
        if (!component && id == 7) count(&section, &counts->exports);
    }
}

ward_error sections_check(const uint8_t *bytes, size_t length, ward_diag *ret_diag)
{
    section_counts counts = {0};
    reader in = {.at = bytes, .end = bytes + length};
    count_all(&in, 0, &counts);
    if (counts.deep)
        return wardi_fail(ret_diag, WARD_ERROR_COMPILE, ": its components are nested too deep");
    if (counts.instances > 1 && counts.functions > FUNCTIONS_MAX / counts.instances)
        return wardi_fail(ret_diag, WARD_ERROR_COMPILE,
                          ": it makes %llu instances of modules with up to %llu functions; Ward "
                          "takes %llu functions in all",
                          (unsigned long long)counts.instances,
                          (unsigned long long)counts.functions, (unsigned long long)FUNCTIONS_MAX);
    if (counts.imports <= COUNT_MAX && counts.globals <= COUNT_MAX && counts.exports <= COUNT_MAX)
        return WARD_OK;
    return wardi_fail(ret_diag, WARD_ERROR_COMPILE,
                      ": a module has %llu imports, %llu globals and %llu exports; Ward takes %u "
                      "of each",
                      (unsigned long long)counts.imports, (unsigned long long)counts.globals,
                      (unsigned long long)counts.exports, COUNT_MAX);
}
