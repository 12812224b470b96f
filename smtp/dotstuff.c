/*
 * dotstuff.c - CRLF line ends and doubled dots. See dotstuff.h.
 *
 * A CR is held back until the next byte shows whether LF follows, so that no
 * CR can leave on its own.
 */
#include "dotstuff.h"

#include <string.h>

/* Bytes from the start of in that need no thought: none of NUL, LF, CR. */
static size_t plain(const uint8_t *in, size_t n)
{
    size_t i = 0;

    while (i < n &&
           (in[i] > '\r' || (in[i] != '\r' && in[i] != '\n' && in[i] != 0)))
        i++;
    return i;
}

/* One byte with a meaning; returns the bytes written (0 to 2). */
static size_t special(struct dotstuff *d, uint8_t *out, uint8_t c)
{
    if (c == '\n') {
        out[0] = '\r';
        out[1] = '\n';
        d->cr = d->mid_line = false;
        return 2;
    }
    if (c == 0 || d->cr) {
        d->bad = true;
        return 0;
    }
    if (c == '\r') {
        d->cr = true;
        return 0;
    }
    out[0] = out[1] = '.'; /* only the dot that begins a line is left */
    d->mid_line = true;
    return 2;
}

size_t dotstuff(struct dotstuff *d, uint8_t *out, size_t room, size_t *made,
                const uint8_t *in, size_t n)
{
    size_t taken = 0, put = 0;

    while (taken < n && room - put >= 2 && !d->bad) {
        uint8_t c = in[taken];
        size_t run;

        if (d->cr || c == '\r' || c == '\n' || c == 0 ||
            (c == '.' && !d->mid_line && !d->plain)) {
            put += special(d, out + put, c);
            taken++;
            continue;
        }
        run = n - taken < room - put ? n - taken : room - put;
        run = plain(in + taken, run);
        memcpy(out + put, in + taken, run);
        put += run;
        taken += run;
        d->mid_line = true;
    }
    *made = put;
    return taken;
}

size_t dotstuff_end(struct dotstuff *d, uint8_t *out)
{
    size_t n = 0;

    if (d->cr)
        d->bad = true;
    if (d->bad)
        return 0;
    if (d->mid_line) {
        out[n++] = '\r';
        out[n++] = '\n';
    }
    out[n++] = '.';
    out[n++] = '\r';
    out[n++] = '\n';
    d->mid_line = false;
    return n;
}
