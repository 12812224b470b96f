/*
 * scan.c - see scan.h. Eight bytes at a time: a message may be large.
 */
#include "scan.h"

#include <string.h>

#define ONES UINT64_C(0x0101010101010101)

struct line_sum {
    uint64_t bits; /* OR of the bytes                    */
    bool nul, cr;  /* seen                               */
};

static bool has_zero(uint64_t w)
{
    return ((w - ONES) & ~w & (ONES << 7)) != 0;
}

static struct line_sum sum_line(const uint8_t *p, size_t n)
{
    struct line_sum s = { 0, false, false };
    uint64_t w;

    while (n != 0) {
        size_t step = n < 8 ? n : 8;

        w = ONES << 5; /* blanks, where the line is shorter than a word */
        if (step == 8)
            __builtin_memcpy(&w, p, 8);
        else
            memcpy(&w, p, step);
        s.bits |= w;
        s.nul = s.nul || has_zero(w);
        s.cr = s.cr || has_zero(w ^ ONES * '\r');
        p += step;
        n -= step;
    }
    return s;
}

size_t scan_line(const uint8_t *p, size_t n)
{
    const uint8_t *nl = n != 0 ? memchr(p, '\n', n) : NULL;

    return nl != NULL ? (size_t)(nl - p) + 1 : n;
}

static void first(unsigned *line, bool found, unsigned now)
{
    if (found && *line == 0)
        *line = now;
}

void scan_text(struct scan *s, const uint8_t *p, size_t n, const char *mark,
               size_t mark_len)
{
    while (n != 0) {
        size_t line = scan_line(p, n), text = line;
        struct line_sum sum;

        if (p[text - 1] == '\n') {
            text--;
            text -= text != 0 && p[text - 1] == '\r';
        }
        sum = sum_line(p, text);
        s->lines++;
        first(&s->nul, sum.nul, s->lines);
        first(&s->cr, sum.cr, s->lines);
        first(&s->too_long, text > SCAN_LINE_MAX, s->lines);
        first(&s->eight_bit, (sum.bits & ONES << 7) != 0, s->lines);
        if (text >= 2 + mark_len && p[0] == '-' && p[1] == '-' &&
            memcmp(p + 2, mark, mark_len) == 0)
            s->marked = true;
        p += line;
        n -= line;
    }
}

bool scan_plain(const struct scan *s)
{
    return s->nul == 0 && s->cr == 0 && s->too_long == 0;
}

size_t scan_bad(const uint8_t *p, size_t n, size_t at)
{
    for (; at < n; at++)
        if (p[at] == 0 || (p[at] == '\r' && (at + 1 == n || p[at + 1] != '\n')))
            break;
    return at;
}
