#include "tui/pacing.h"

void pacing_asked(struct pacing *pacing, double now)
{
    pacing->due++;
    pacing->since = now;
}

void pacing_answered(struct pacing *pacing)
{
    pacing->known = 1;
    pacing->torn = 0;
    if (pacing->due > 0)
        pacing->due--;
}

int pacing_ready(struct pacing *pacing, double now)
{
    if (pacing->due == 0)
        return 1;
    if (now - pacing->since < (pacing->known ? PACING_LOST_SECONDS : PACING_SILENT_SECONDS))
        return 0;
    pacing->silent = !pacing->known;
    pacing->due = 0;
    return 1;
}

int pacing_torn(struct pacing *pacing, unsigned code)
{
    static const char answer[] = PACING_ANSWER;
    if (pacing->due == 0 || code != (unsigned char)answer[pacing->torn])
        pacing->torn = 0;
    if (pacing->due == 0 || code != (unsigned char)answer[pacing->torn])
        return 0;
    if (!answer[++pacing->torn]) {
        pacing_answered(pacing);
        return 1;
    }
    return pacing->torn > 1;
}
