/* Evidence for people: few rows, below the name of the component that it is of. */
#include <string.h>

#include "cli/events.h"
#include "cli/evidence.h"

/* What is shown of each; the rest is counted. */
enum { MESSAGES_SHOWN = 3, LINES_SHOWN = 3, FRAMES_SHOWN = 8 };
/* A row begins below the name, and its text behind the longest label. */
enum { ROW_INDENT = 14, LABEL_WIDTH = 9, TEXT_INDENT = ROW_INDENT + LABEL_WIDTH };

/* "": the text goes on below the row before. */
static void row(FILE *to, const char *label)
{
    fprintf(to, "%*s", ROW_INDENT, "");
    wardi_output_styled(to, WARDI_DIM, label);
    fprintf(to, "%*s", LABEL_WIDTH - (int)strlen(label), "");
}

static void put_safe(FILE *to, const char *text)
{
    wardi_output_safe(to, text, strlen(text));
}

static void put_duration(FILE *to, uint64_t ns)
{
    char words[32];
    wardi_text text = WARDI_TEXT(words);
    /* Three digits tell enough, and are read at a glance. */
    uint64_t unit = ns >= 10 * WARDI_S ? WARDI_S : ns >= 10 * WARDI_MS ? WARDI_MS : WARDI_US;
    wardi_text_duration(&text, ns < unit ? ns : ns / unit * unit);
    fputs(words, to);
}

static void put_size(FILE *to, uint64_t bytes)
{
    char words[32];
    wardi_text text = WARDI_TEXT(words);
    wardi_text_size(&text, bytes);
    fputs(words, to);
}

static void print_earlier(FILE *to, size_t count)
{
    char words[48];
    wardi_text text = WARDI_TEXT(words);
    if (count == 0) return;
    wardi_text_printf(&text, "%zu more before", count);
    row(to, "");
    wardi_output_styled(to, WARDI_DIM, words);
    fputc('\n', to);
}

/* ---- the guest ---- */

void wardi_trap_print(FILE *to, const ward_trap *trap, int indent, uint32_t frames_max)
{
    put_safe(to, trap->cause);
    fputs(" in ", to);
    put_safe(to, trap->export_name);
    fputc('\n', to);
    for (uint32_t i = 0; i < trap->frame_count && i < frames_max; i++) {
        const ward_frame_info *frame = &trap->frames[i];
        fprintf(to, "%*s%u: ", indent, "", i);
        put_safe(to, frame->function);
        fprintf(to, "  (function %u", frame->function_index);
        if (frame->module_offset != 0)
            fprintf(to, ", at 0x%llx", (unsigned long long)frame->module_offset);
        fputs(")\n", to);
    }
    if (trap->frame_count > frames_max)
        fprintf(to, "%*s… %u more\n", indent, "", trap->frame_count - frames_max);
}

static void print_run(FILE *to, const ward_evidence *evidence)
{
    row(to, "cause");
    fputs(ward_cause_name(evidence->cause), to);
    if (evidence->uptime_ns != 0) {
        fputs(" after ", to);
        put_duration(to, evidence->uptime_ns);
    }
    if (evidence->detected_ns != 0) {
        fputs("; found within ", to);
        put_duration(to, evidence->detected_ns);
    }
    if (evidence->memory_bytes != 0) {
        fputs("; memory ", to);
        put_size(to, evidence->memory_bytes);
        fputs(" of ", to);
        put_size(to, evidence->memory_bytes_max);
    }
    /* Of a call that a deadline ended, the engine has not counted it all. */
    if (evidence->fuel_per_call != 0 && evidence->trap.error != WARD_ERROR_DEADLINE)
        fprintf(to, "; fuel at most %llu of %llu a call", (unsigned long long)evidence->fuel_peak,
                (unsigned long long)evidence->fuel_per_call);
    fputc('\n', to);
}

/* ---- what it was sent, and what it said ---- */

static void print_message(FILE *to, const ward_message_header *message)
{
    wardi_event_print_time(to, message->began_wall_ns);
    fputs("  ", to);
    put_size(to, message->length);
    fputs(" from ", to);
    put_safe(to, message->sender[0] != '\0' ? message->sender : "the application");
    if (message->what[0] != '\0') {
        fputs(message->kind == WARD_MESSAGE_TOPIC ? " under " : " to call ", to);
        put_safe(to, message->what);
    }
    fputs(", ", to);
    put_duration(to, message->took_ns);
    fputs(message->over ? ": " : " so far\n", to);
    if (!message->over) return;
    bool ok = message->outcome == WARD_OK;
    wardi_output_styled(to, ok ? WARDI_PLAIN : WARDI_RED, ward_error_name(message->outcome));
    fputc('\n', to);
}

static void print_messages(FILE *to, const ward_evidence *evidence)
{
    size_t count = evidence->message_count;
    size_t shown = count < MESSAGES_SHOWN ? count : MESSAGES_SHOWN;
    for (size_t i = 0; i < shown; i++) {
        row(to, i == 0 ? "messages" : "");
        print_message(to, &evidence->messages[count - 1 - i]);
    }
    print_earlier(to, count - shown);
    if (count == 0 && evidence->messages_waiting == 0) return;
    row(to, count == 0 ? "messages" : "");
    fprintf(to, "%llu handled since it was added, %u waiting\n",
            (unsigned long long)evidence->messages_handled, evidence->messages_waiting);
}

static void print_lines(FILE *to, const ward_evidence *evidence)
{
    size_t count = evidence->line_count;
    size_t shown = count < LINES_SHOWN ? count : LINES_SHOWN;
    for (size_t i = 0; i < shown; i++) {
        const ward_evidence_line *line = &evidence->lines[count - 1 - i];
        row(to, i == 0 ? "log" : "");
        wardi_event_print_time(to, line->wall_ns);
        fprintf(to, "  %s: ", ward_log_level_name(line->level));
        put_safe(to, line->text);
        fputc('\n', to);
    }
    print_earlier(to, count - shown);
}

static void print_dump(FILE *to, const ward_evidence *evidence)
{
    bool written = evidence->core_dump[0] != '\0';
    if (!written && evidence->core_dump_diag.error == WARD_OK) return;
    row(to, "dump");
    if (!written) fputs("none: ", to);
    put_safe(to, written ? evidence->core_dump : evidence->core_dump_diag.text);
    fputc('\n', to);
}

/* ---- the whole ---- */

/* A guest that said by itself that it is done has not failed. */
bool wardi_evidence_tells(const ward_evidence *evidence)
{
    const ward_trap *trap = &evidence->trap;
    if (evidence->cause == WARD_CAUSE_EXIT && trap->exit_code == 0) return false;
    bool dumped = evidence->core_dump[0] != '\0' || evidence->core_dump_diag.error != WARD_OK;
    return evidence->uptime_ns != 0 || trap->error != WARD_OK || evidence->message_count != 0 ||
           evidence->line_count != 0 || dumped;
}

void wardi_evidence_print(FILE *to, const ward_evidence *evidence)
{
    print_run(to, evidence);
    if (evidence->trap.error != WARD_OK) {
        row(to, "trap");
        wardi_trap_print(to, &evidence->trap, TEXT_INDENT, FRAMES_SHOWN);
    }
    print_messages(to, evidence);
    print_lines(to, evidence);
    print_dump(to, evidence);
}

void wardi_evidence_print_missing(FILE *to, const char *why)
{
    row(to, "evidence");
    fputs(why, to);
    fputc('\n', to);
}

void wardi_evidence_print_held_back(FILE *to, wardi_evidence_gate *gate)
{
    unsigned long long alike = gate->alike, many = gate->many, all = alike + many;
    if (all == 0) return;
    fprintf(to, "… evidence of %llu more end%s is not shown:", all, all == 1 ? "" : "s");
    if (alike > 0 && many > 0) fprintf(to, " %llu", alike);
    if (alike > 0) fputs(gate->like_ns != 0 ? " like that of " : " like what was shown", to);
    if (alike > 0 && gate->like_ns != 0) wardi_event_print_time(to, gate->like_ns);
    if (alike > 0 && many > 0) fprintf(to, ", %llu", many);
    if (many > 0) fputs(" too many at once", to);
    fputs("; --json has it\n", to);
    gate->alike = gate->many = 0;
}
