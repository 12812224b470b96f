/*
 * canon.c - see canon.h. RFC 6376 3.4.1 to 3.4.4.
 */
#include "canon.h"

static void put(const struct canon_sink *to, const char *p, size_t n)
{
    to->update(to->own, (const uint8_t *)p, n);
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

/* Bytes from the start of p that stand for themselves in the body. */
static size_t plain(const struct canon_body *c, const uint8_t *p, size_t n)
{
    size_t i = 0;

    while (i < n && p[i] != '\n' && p[i] != '\r' &&
           (c->simple || !is_blank(p[i])))
        i++;
    return i;
}

/* What waited is in the middle of the body after all. */
static void release(struct canon_body *c)
{
    for (; c->ends != 0; c->ends--)
        put(&c->to, "\r\n", 2);
    if (c->blank)
        put(&c->to, " ", 1);
    c->blank = false;
    c->any = true;
}

/* No LF follows: it was no part of a line end. */
static void bare_cr(struct canon_body *c)
{
    if (!c->cr)
        return;
    release(c);
    put(&c->to, "\r", 1);
    c->cr = false;
}

void canon_body(struct canon_body *c, const uint8_t *p, size_t n)
{
    while (n != 0) {
        size_t run = plain(c, p, n);

        if (*p != '\n')
            bare_cr(c);
        if (run != 0) {
            release(c);
            c->to.update(c->to.own, p, run);
        } else {
            if (*p == '\n')
                c->ends++;
            c->cr = *p == '\r';
            c->blank = is_blank(*p) || (c->blank && *p != '\n');
            run = 1;
        }
        p += run;
        n -= run;
    }
}

/* Empty lines at the end do not count; an empty body is one CRLF in the
 * simple form, and nothing in the relaxed one. */
void canon_body_end(struct canon_body *c)
{
    bare_cr(c);
    if (c->any || c->simple)
        put(&c->to, "\r\n", 2);
}

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

static void simple_byte(struct canon_field *f, uint8_t c)
{
    f->ended = c == '\n';
    if (c == '\n')
        put(&f->to, "\r\n", 2);
    else
        f->to.update(f->to.own, &c, 1);
}

/* Unfolded, blanks made one, none around the colon nor at the end. */
static void relaxed_byte(struct canon_field *f, uint8_t c)
{
    if (c == '\n')
        return;
    if (is_blank(c)) {
        f->blank = f->any;
        return;
    }
    if (!f->in_value) {
        f->in_value = c == ':';
        c = lower(c);
    } else {
        if (f->blank)
            put(&f->to, " ", 1);
        f->any = true;
    }
    f->blank = false;
    f->to.update(f->to.own, &c, 1);
}

static void field_byte(struct canon_field *f, uint8_t c)
{
    if (f->simple)
        simple_byte(f, c);
    else
        relaxed_byte(f, c);
}

void canon_field(struct canon_field *f, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (f->cr && p[i] != '\n')
            field_byte(f, '\r');
        f->cr = p[i] == '\r';
        if (!f->cr)
            field_byte(f, p[i]);
    }
}

void canon_field_end(struct canon_field *f, bool last)
{
    if (f->cr)
        field_byte(f, '\r');
    if (!last && !f->ended)
        put(&f->to, "\r\n", 2);
}
