/* What the person has chosen, and what each key makes of it. */
#include <string.h>

#include "cli/top.h"

void top_state_init(top_state *s)
{
    *s = (top_state){.lines = 24, .columns = 80, .interval_ns = TOP_INTERVAL_NS};
}

void top_state_done(top_state *s)
{
    top_answer_free(s->answer);
    s->answer = NULL;
}

const char *top_level(const top_state *s)
{
    return s->depth > 0 ? s->levels[s->depth - 1] : "";
}

/* ---- places ---- */

uint64_t top_reach(const top_state *s)
{
    uint64_t total = s->answer != NULL ? s->answer->total : 0;
    return total < TOP_OFFSET_MAX ? total : TOP_OFFSET_MAX;
}

const top_row *top_row_at(const top_state *s, uint64_t place)
{
    const top_answer *a = s->answer;
    bool there = a != NULL && place >= a->offset && place - a->offset < a->count;
    return there ? &a->rows[place - a->offset] : NULL;
}

static uint64_t rows_shown(const top_state *s)
{
    top_layout layout;
    return top_layout_of(s, &layout) && layout.rows > 0 ? (uint64_t)layout.rows : 1;
}

static void follow_selected(top_state *s)
{
    const top_row *row = top_row_at(s, s->selected);
    if (row == NULL) return;
    top_copy(s->selected_name, sizeof s->selected_name, row->name);
    s->selected_is_group = row->is_group;
}

/* The selected row is among those that are shown, and these are as many as there can be. */
static void settle(top_state *s)
{
    uint64_t reach = top_reach(s), shown = rows_shown(s);
    if (s->selected >= reach) s->selected = reach > 0 ? reach - 1 : 0;
    if (s->selected < s->first) s->first = s->selected;
    if (s->selected >= s->first + shown) s->first = s->selected - shown + 1;
    if (s->first + shown > reach) s->first = reach > shown ? reach - shown : 0;
    follow_selected(s);
}

/* Rows are shown that nobody has asked for; or others are told whole. */
static bool lacks(const top_state *s)
{
    uint64_t shown = rows_shown(s), reach = top_reach(s);
    if (s->answer == NULL) return true;
    uint64_t end = s->first + shown < reach ? s->first + shown : reach;
    if (end > s->first && top_row_at(s, s->first) == NULL) return true;
    if (end > s->first && top_row_at(s, end - 1) == NULL) return true;
    return s->details && strcmp(s->answer->query.detail, s->selected_name) != 0;
}

static top_action go(top_state *s, uint64_t place)
{
    uint64_t reach = top_reach(s);
    char was[TOP_NAME_BYTES];
    top_copy(was, sizeof was, s->selected_name);
    s->selected = place < reach ? place : reach > 0 ? reach - 1 : 0;
    s->moved = s->selected != 0;
    settle(s);
    if (strcmp(was, s->selected_name) != 0) s->scroll = 0;
    return lacks(s) ? TOP_ASK : TOP_DRAW;
}

/* Other rows, from the first on. */
static top_action begin_again(top_state *s)
{
    s->first = s->selected = 0;
    s->moved = false;
    s->scroll = 0;
    s->selected_name[0] = '\0';
    return TOP_ASK;
}

void top_query_of(const top_state *s, top_query *ret_query)
{
    uint64_t shown = rows_shown(s);
    *ret_query = (top_query){.sort = s->sort, .reverse = s->reverse, .folded = s->folded};
    if (s->folded) top_copy(ret_query->group, sizeof ret_query->group, top_level(s));
    top_copy(ret_query->words, sizeof ret_query->words, s->words);
    ret_query->offset = s->first > shown ? s->first - shown : 0;
    ret_query->limit = (uint32_t)(3 * shown < TOP_PAGE_MAX ? 3 * shown : TOP_PAGE_MAX);
    if (!s->details) return;
    top_copy(ret_query->detail, sizeof ret_query->detail, s->selected_name);
    ret_query->detail_is_group = s->selected_is_group;
}

/* ---- what arrives ---- */

/* Where the one that is selected has gone; its place stays where it can't be found. */
static void find_selected(top_state *s)
{
    const top_answer *a = s->answer;
    if (!s->moved) return;
    for (size_t i = 0; i < a->count; i++) {
        if (a->rows[i].is_group != s->selected_is_group) continue;
        if (strcmp(a->rows[i].name, s->selected_name) != 0) continue;
        s->selected = a->offset + i;
        return;
    }
}

static bool is_same(const top_query *a, const top_query *b)
{
    return a->offset == b->offset && a->limit == b->limit && strcmp(a->detail, b->detail) == 0 &&
           a->detail_is_group == b->detail_is_group;
}

static bool is_of_now(const top_state *s, const top_answer *a)
{
    return a->query.folded == s->folded && strcmp(a->query.words, s->words) == 0 &&
           (!s->folded || strcmp(a->query.group, top_level(s)) == 0) && a->query.sort == s->sort &&
           a->query.reverse == s->reverse;
}

top_action top_take(top_state *s, top_answer *answer, uint64_t now_ns)
{
    if (answer->trouble[0] != '\0') {
        top_copy(s->trouble, sizeof s->trouble, answer->trouble);
        top_answer_free(answer);
        return TOP_DRAW;
    }
    s->trouble[0] = '\0';
    s->answered_ns = now_ns;
    if (!is_of_now(s, answer)) { /* the next one is on its way */
        top_answer_free(answer);
        return TOP_DRAW;
    }
    top_answer_free(s->answer);
    s->answer = answer;
    find_selected(s);
    settle(s);
    /* Asked the same once more, the host would answer the same. */
    top_query next;
    top_query_of(s, &next);
    return lacks(s) && !is_same(&next, &answer->query) ? TOP_ASK : TOP_DRAW;
}

top_action top_resize(top_state *s, int lines, int columns)
{
    s->lines = lines;
    s->columns = columns;
    settle(s);
    return lacks(s) ? TOP_ASK : TOP_CLEAR;
}

/* ---- keys ---- */

static top_action key_of_words(top_state *s, int key)
{
    size_t length = strlen(s->words);
    if (key == TOP_KEY_ENTER) {
        s->typing = false;
        return TOP_DRAW;
    }
    if (key == TOP_KEY_ESCAPE) {
        s->typing = false;
        memcpy(s->words, s->words_before, sizeof s->words);
        return begin_again(s);
    }
    if (key == TOP_KEY_BACKSPACE && length > 0) {
        s->words[length - 1] = '\0';
        return begin_again(s);
    }
    if (key < ' ' || key > '~' || length + 1 >= sizeof s->words) return TOP_NOTHING;
    s->words[length] = (char)key;
    s->words[length + 1] = '\0';
    return begin_again(s);
}

static top_action key_of_question(top_state *s, int key)
{
    s->question = false;
    if (key == 'y' || key == 'Y') return TOP_ORDER;
    top_copy(s->said, sizeof s->said, "nothing was done");
    return TOP_DRAW;
}

static top_action ask_whether(top_state *s, const char *request)
{
    const top_row *row = top_row_at(s, s->selected);
    if (row == NULL || s->trouble[0] != '\0') return TOP_NOTHING;
    s->command = (top_command){.request = request, .is_group = row->is_group};
    top_copy(s->command.name, sizeof s->command.name, row->name);
    s->question = true;
    return TOP_DRAW;
}

static top_action fold(top_state *s)
{
    s->folded = !s->folded;
    s->depth = 0;
    return begin_again(s);
}

/* A group is gone into; of a component, all is told. */
static top_action enter(top_state *s)
{
    const top_row *row = top_row_at(s, s->selected);
    if (row == NULL) return TOP_NOTHING;
    if (row->is_group && s->folded && s->depth < TOP_LEVELS_MAX) {
        top_copy(s->levels[s->depth], sizeof s->levels[0], row->name);
        s->depth++;
        s->words[0] = '\0';
        return begin_again(s);
    }
    s->details = !s->details;
    s->scroll = 0;
    settle(s);
    return TOP_ASK;
}

static top_action back(top_state *s)
{
    if (s->details) {
        s->details = false;
        settle(s);
        return TOP_ASK;
    }
    if (s->words[0] != '\0') {
        s->words[0] = '\0';
        return begin_again(s);
    }
    if (s->depth == 0) return TOP_NOTHING;
    s->depth--;
    return begin_again(s);
}

static top_action change_interval(top_state *s, bool longer)
{
    uint64_t wanted = longer ? 2 * s->interval_ns : s->interval_ns / 2;
    if (wanted < TOP_INTERVAL_MIN_NS) wanted = TOP_INTERVAL_MIN_NS;
    if (wanted > TOP_INTERVAL_MAX_NS) wanted = TOP_INTERVAL_MAX_NS;
    s->interval_ns = wanted;
    return TOP_ASK;
}

static top_action scroll(top_state *s, int by)
{
    s->scroll = s->scroll + by > 0 ? s->scroll + by : 0; /* what is too far, drawing sees to */
    return TOP_DRAW;
}

/* Where the selection goes, or what is read. */
static top_action key_of_places(top_state *s, int key)
{
    uint64_t page = rows_shown(s), at = s->selected;
    top_layout layout;
    int detail = top_layout_of(s, &layout) && layout.detail > 1 ? layout.detail - 1 : 1;
    bool reads = s->details || s->help;
    switch (key) {
    case TOP_KEY_UP:
    case 'k': return s->help ? scroll(s, -1) : go(s, at > 0 ? at - 1 : 0);
    case TOP_KEY_DOWN:
    case 'j': return s->help ? scroll(s, 1) : go(s, at + 1);
    case TOP_KEY_PAGE_UP: return reads ? scroll(s, -detail) : go(s, at > page ? at - page : 0);
    case TOP_KEY_PAGE_DOWN:
    case ' ': return reads ? scroll(s, detail) : go(s, at + page);
    case TOP_KEY_HOME: return s->help ? scroll(s, -s->scroll) : go(s, 0);
    case TOP_KEY_END: return s->help ? TOP_NOTHING : go(s, UINT64_MAX);
    default: return TOP_NOTHING;
    }
}

static top_action key_of_commands(top_state *s, int key)
{
    switch (key) {
    case 'r': return ask_whether(s, "restart");
    case 'x': return ask_whether(s, "stop");
    case 't': return ask_whether(s, "start");
    case 'l': return ask_whether(s, "release");
    default: return key_of_places(s, key);
    }
}

static top_action key_of_table(top_state *s, int key)
{
    switch (key) {
    case '/':
        s->typing = true;
        memcpy(s->words_before, s->words, sizeof s->words);
        return TOP_DRAW;
    case 's':
        s->sort = (top_sort)((s->sort + 1) % TOP_SORTS);
        s->reverse = false;
        return begin_again(s);
    case 'S': s->reverse = !s->reverse; return begin_again(s);
    case 'g': return fold(s);
    case 'p': s->paused = !s->paused; return TOP_ASK;
    case '+': return change_interval(s, true);
    case '-': return change_interval(s, false);
    case '?':
        s->help = true;
        s->scroll = 0;
        return TOP_DRAW;
    case TOP_KEY_ENTER:
    case TOP_KEY_RIGHT: return enter(s);
    case TOP_KEY_ESCAPE:
    case TOP_KEY_LEFT:
    case TOP_KEY_BACKSPACE: return back(s);
    default: return key_of_commands(s, key);
    }
}

static top_action key_of_help(top_state *s, int key)
{
    if (key == '?' || key == 'q' || key == TOP_KEY_ESCAPE || key == TOP_KEY_ENTER) {
        s->help = false;
        s->scroll = 0;
        return TOP_DRAW;
    }
    return key_of_places(s, key);
}

top_action top_key(top_state *s, int key)
{
    if (key == TOP_KEY_REDRAW) return TOP_CLEAR;
    s->said[0] = '\0';
    if (s->question) return key_of_question(s, key);
    if (s->typing) return key_of_words(s, key);
    if (s->help) return key_of_help(s, key);
    if (key == 'q') return TOP_LEAVE;
    return key_of_table(s, key);
}
