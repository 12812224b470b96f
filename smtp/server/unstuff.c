/*
 * unstuff.c - undoubled dots, the end of data. See unstuff.h.
 *
 * A CR is held back until the next byte shows whether LF follows.
 */
#include "unstuff.h"

#include <string.h>

/* One byte, no dots: returns the bytes written, two at most. */
static size_t text_byte(struct unstuff *u, uint8_t *out, uint8_t c)
{
    bool cr = u->at == UNSTUFF_CR;

    if (c == '\n' && (cr || u->lax)) {
        out[0] = '\r';
        out[1] = '\n';
        u->at = cr ? UNSTUFF_LINE : UNSTUFF_MID;
        return 2;
    }
    if (cr || c == '\n')
        u->bad = true;
    u->at = c == '\r' ? UNSTUFF_CR : UNSTUFF_MID;
    if (c == '\r' || c == '\n')
        return 0;
    out[0] = c;
    return 1;
}

static size_t byte(struct unstuff *u, uint8_t *out, uint8_t c)
{
    if (u->at == UNSTUFF_LINE && c == '.') {
        u->at = UNSTUFF_DOT;
        return 0;
    }
    if (u->at == UNSTUFF_DOT && c == '\r') {
        u->at = UNSTUFF_DOT_CR;
        return 0;
    }
    if (u->at == UNSTUFF_DOT_CR && c == '\n') {
        u->at = UNSTUFF_END;
        return 0;
    }
    if (u->at == UNSTUFF_DOT)
        u->at = UNSTUFF_MID;
    else if (u->at == UNSTUFF_DOT_CR)
        u->at = UNSTUFF_CR; /* with no LF: text_byte() says that it is bad */
    return text_byte(u, out, c);
}

/* Bytes from the start of in that are neither CR nor LF. */
static size_t plain(const uint8_t *in, size_t n)
{
    size_t i = 0;

    while (i < n && in[i] != '\r' && in[i] != '\n')
        i++;
    return i;
}

static size_t run(struct unstuff *u, uint8_t *out, size_t room, size_t *made,
                  const uint8_t *in, size_t n, bool dots)
{
    size_t taken = 0, put = 0;

    while (taken < n && room - put >= 2 && u->at != UNSTUFF_END) {
        size_t len = n - taken < room - put ? n - taken : room - put;

        if (u->at == UNSTUFF_MID && (len = plain(in + taken, len)) != 0) {
            if (!u->bad)
                memcpy(out + put, in + taken, len);
            taken += len;
            put += u->bad ? 0 : len;
            continue;
        }
        len = dots ? byte(u, out + put, in[taken])
                   : text_byte(u, out + put, in[taken]);
        put += u->bad ? 0 : len;
        taken++;
    }
    *made = put;
    return taken;
}

size_t unstuff(struct unstuff *u, uint8_t *out, size_t room, size_t *made,
               const uint8_t *in, size_t n)
{
    return run(u, out, room, made, in, n, true);
}

size_t unstuff_counted(struct unstuff *u, uint8_t *out, size_t room,
                       size_t *made, const uint8_t *in, size_t n)
{
    return run(u, out, room, made, in, n, false);
}
