#include "tui/pacing.h"

int pacing_wants(const struct pacing *pacing, double now)
{
    return !pacing->silent || now - pacing->since >= PACING_AGAIN_SECONDS;
}

void pacing_asked(struct pacing *pacing, double now)
{
    if (now - pacing->since >= PACING_LOST_SECONDS)
        pacing->owed = 0; /* lost */
    pacing->owed++;
    if (!pacing->silent)
        pacing->due++;
    pacing->since = now;
}

void pacing_answered(struct pacing *pacing)
{
    pacing->known = 1;
    pacing->silent = pacing->torn = 0;
    if (pacing->due > 0)
        pacing->due--;
    if (pacing->owed > 0)
        pacing->owed--;
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

double pacing_leave(const struct pacing *pacing, double now)
{
    double left = pacing->since + (pacing->known ? PACING_LOST_SECONDS : PACING_LEAVE_SECONDS) - now;
    if (pacing->owed == 0 || left <= 0)
        return 0;
    return left < PACING_LEAVE_SECONDS ? left : PACING_LEAVE_SECONDS;
}

int pacing_torn(struct pacing *pacing, const char *answer, unsigned code, double now)
{
    int may_come = pacing->owed > 0 && now - pacing->since < PACING_LOST_SECONDS;
    if (!may_come || code != (unsigned char)answer[pacing->torn])
        pacing->torn = 0;
    if (!may_come || code != (unsigned char)answer[pacing->torn])
        return 0;
    if (!answer[++pacing->torn]) {
        pacing_answered(pacing);
        return 1;
    }
    return pacing->torn > 1;
}
