#include "tui/intake.h"

void intake_added(struct intake *intake, double now)
{
    if (burst_is_paste(&intake->burst))
        paste_flood(&intake->paste, now);
}

/* What is no key; 1: there is nothing more to it. */
static int take_code(struct intake *intake, struct flow *flow, unsigned code)
{
    if (code == INTAKE_PASTE_BEGINS || code == INTAKE_PASTE_ENDS)
        paste_bracket(&intake->paste, code == INTAKE_PASTE_BEGINS, flow->now);
    else if (code == INTAKE_ANSWER)
        flow_answered(flow);
    else
        return 0;
    return 1;
}

enum term_input intake_next(struct intake *intake, struct flow *flow, int *key, struct mouse *mouse)
{
    for (const struct burst_key *next; (next = burst_next(&intake->burst)) != NULL;) {
        unsigned code = next->code;
        if (next->named ? take_code(intake, flow, code) : pacing_torn(&flow->pacing, intake->answer, code, flow->now))
            continue;
        flow_key(flow);
        enum paste_state state = paste_key(&intake->paste, flow->now);
        *mouse = next->mouse;
        if (next->is_mouse && state == PASTE_NONE)
            return TERM_MOUSE;
        if ((next->named && code == INTAKE_NO_KEY) || state == PASTE_DROPPED ||
            (next->named && state == PASTE_BRACKETED))
            continue; /* a pasted escape is no key */
        *key = next->named ? (int)code : code == '\r' ? KEYS_ENTER : code == 8 ? KEYS_BACKSPACE : (int)code;
        if (state != PASTE_NONE && *key >= KEYS_UP)
            continue;
        return state == PASTE_NONE ? TERM_KEY : TERM_PASTED;
    }
    return TERM_NOTHING;
}
