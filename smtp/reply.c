/*
 * reply.c - the reply parser. See reply.h.
 *
 * A code is three digits, the first 2 to 5 (RFC 5321 4.2.1), then a blank, a
 * '-' or the end of the line; "250" alone is a reply. All lines of a reply
 * carry one code. LF alone ends a line as well, because servers exist that
 * send it and nothing can be smuggled by it towards a client; a CR that is
 * not in front of LF is text, and harmless once cleaned.
 */
#include "reply.h"

#include "text.h"

#include <string.h>

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

void reply_reset(struct reply *r)
{
    memset(r, 0, sizeof *r);
}

static void bad(struct reply *r, const char *why)
{
    r->status = REPLY_BAD;
    r->bad = why;
}

/* What is there of the line was not cleaned, and nobody shall see it. */
static void bad_in_line(struct reply *r, const char *why)
{
    bad(r, why);
    r->line_len = 0;
}

static void begin_line(struct reply *r)
{
    r->status = REPLY_MORE;
    r->line_len = r->line_wire = 0;
    r->cut = false;
}

static void keep(struct reply *r, const uint8_t *p, size_t n)
{
    size_t room = sizeof r->line - r->line_len;

    if (n > room) {
        n = room;
        r->cut = true;
    }
    memcpy(r->line + r->line_len, p, n);
    r->line_len = (uint16_t)(r->line_len + n);
}

size_t reply_feed(struct reply *r, const uint8_t *p, size_t n)
{
    const uint8_t *lf;
    size_t used;

    if (r->status == REPLY_BAD || r->status == REPLY_DONE || n == 0)
        return 0;
    if (r->status == REPLY_LINE)
        begin_line(r);
    /* Never look further than the limits reach: the result is then the same
     * however the bytes are cut. */
    if (n > (size_t)REPLY_LINE_MAX + 1 - r->line_wire)
        n = (size_t)REPLY_LINE_MAX + 1 - r->line_wire;
    lf = memchr(p, '\n', n);
    used = lf != NULL ? (size_t)(lf - p) + 1 : n;
    r->line_wire = (uint16_t)(r->line_wire + used);
    r->bytes += (uint32_t)used;
    if (r->line_wire > REPLY_LINE_MAX) {
        bad_in_line(r, "a reply line that does not end");
        return used;
    }
    if (r->bytes > REPLY_BYTES_MAX) {
        bad_in_line(r, "a reply that does not end");
        return used;
    }
    keep(r, p, lf != NULL ? used - 1 : used);
    if (lf == NULL)
        return used;
    if (!r->cut && r->line_len != 0 && r->line[r->line_len - 1] == '\r')
        r->line_len--;
    text_clean(r->line, r->line_len);
    r->status = REPLY_LINE;
    return used;
}

struct smtp_str reply_text(const struct reply *r)
{
    struct smtp_str s = { r->line, 0 };

    if (r->line_len > 4) {
        s.p = r->line + 4;
        s.len = (size_t)r->line_len - 4;
    }
    return s;
}

/* RFC 3463 and 2034: class.subject.detail in front of the text, its class the
 * first digit of the code. Returns the bytes to skip. */
static size_t enhanced(uint8_t to[3], struct smtp_str s, unsigned class)
{
    uint8_t part[3] = { 0, 0, 0 };
    size_t at = 0;

    for (size_t i = 0; i < 3; i++) {
        unsigned n = 0, digits = 0;

        while (at < s.len && digit(s.p[at]) && digits < 4) {
            n = n * 10 + (unsigned)(s.p[at++] - '0');
            digits++;
        }
        if (digits == 0 || digits > 3 || n > 255)
            return 0;
        part[i] = (uint8_t)n;
        if (i < 2 && (at == s.len || s.p[at++] != '.'))
            return 0;
    }
    if (part[0] != class || (at < s.len && s.p[at] != ' '))
        return 0;
    memcpy(to, part, sizeof part);
    while (at < s.len && s.p[at] == ' ')
        at++;
    return at;
}

/* The lines of a reply become one text, so that a sentence broken over two
 * lines reads as a sentence; the code in front of each is taken off. */
static void append_note(struct reply *r)
{
    struct smtp_str s = reply_text(r);
    struct smtp_reply_note *n = &r->note;
    size_t skip, room;

    while (s.len != 0 && s.p[s.len - 1] == ' ')
        s.len--;
    skip = enhanced(n->enhanced, s, r->code / 100);
    s.p += skip;
    s.len -= skip;
    if (s.len == 0)
        return;
    if (n->text_len != 0 && n->text_len < sizeof n->text)
        n->text[n->text_len++] = ' ';
    room = sizeof n->text - n->text_len;
    if (s.len > room) {
        /* not into the middle of a character */
        while (room != 0 && ((uint8_t)s.p[room] & 0xc0) == 0x80)
            room--;
        s.len = room;
    }
    memcpy(n->text + n->text_len, s.p, s.len);
    n->text_len = (uint16_t)(n->text_len + s.len);
}

void reply_note(struct reply *r)
{
    const char *l = r->line;
    unsigned code;

    if (r->status != REPLY_LINE)
        return;
    if (r->line_len < 3 || l[0] < '2' || l[0] > '5' || !digit(l[1]) ||
        !digit(l[2])) {
        bad(r, "a line that is no SMTP reply");
        return;
    }
    if (r->line_len > 3 && l[3] != ' ' && l[3] != '-') {
        bad(r, "a reply code that is not three digits");
        return;
    }
    code = (unsigned)(l[0] - '0') * 100 + (unsigned)(l[1] - '0') * 10 +
           (unsigned)(l[2] - '0');
    if (r->lines != 0 && code != r->code) {
        bad(r, "two codes in one reply");
        return;
    }
    r->code = (uint16_t)code;
    if (++r->lines > REPLY_LINES_MAX) {
        bad(r, "a reply of too many lines");
        return;
    }
    append_note(r);
    if (r->line_len == 3 || l[3] == ' ') {
        r->note.code = r->code;
        r->status = REPLY_DONE;
    }
}
