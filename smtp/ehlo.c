/*
 * ehlo.c - EHLO keywords. See ehlo.h.
 */
#include "ehlo.h"

#include "text.h"

/* Takes the next word off the line; a word that the cut line may have lost
 * the end of does not count. */
static struct smtp_str word(struct smtp_str *line, bool complete)
{
    struct smtp_str w;

    while (line->len != 0 && line->p[0] == ' ') {
        line->p++;
        line->len--;
    }
    w.p = line->p;
    w.len = 0;
    while (w.len < line->len && w.p[w.len] != ' ')
        w.len++;
    if (w.len == line->len && !complete)
        w.len = 0;
    line->p += w.len;
    line->len -= w.len;
    return w;
}

static void mechanism(struct ehlo *e, struct smtp_str name)
{
    struct text t = text_into(e->auth_names, sizeof e->auth_names);

    if (name.len == 0)
        return;
    e->auth = true;
    if (text_same(name.p, name.len, "PLAIN"))
        e->auth_plain = true;
    if (text_same(name.p, name.len, "LOGIN"))
        e->auth_login = true;
    t.len = e->auth_len;
    if (name.len + 1 > t.cap - t.len)
        return; /* whole names only */
    if (t.len != 0)
        text_str(&t, " ");
    text_mem(&t, name.p, name.len);
    e->auth_len = (uint8_t)t.len;
}

static void mechanisms(struct ehlo *e, struct smtp_str line, bool complete)
{
    struct smtp_str name;

    while ((name = word(&line, complete)).len != 0)
        mechanism(e, name);
}

/* RFC 1870: absent or 0 means no fixed limit. */
static void size(struct ehlo *e, struct smtp_str digits)
{
    uint64_t n = 0;

    e->size = true;
    if (digits.len == 0 || digits.len > 19)
        return;
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.p[i] < '0' || digits.p[i] > '9')
            return;
        n = n * 10 + (uint64_t)(digits.p[i] - '0');
    }
    e->size_max = n;
}

void ehlo_line(struct ehlo *e, struct smtp_str line, bool complete)
{
    struct smtp_str key = word(&line, complete);

    if (text_same(key.p, key.len, "STARTTLS"))
        e->starttls = true;
    else if (text_same(key.p, key.len, "PIPELINING"))
        e->pipelining = true;
    else if (text_same(key.p, key.len, "8BITMIME"))
        e->eight_bit = true;
    else if (text_same(key.p, key.len, "SMTPUTF8"))
        e->utf8 = true;
    else if (text_same(key.p, key.len, "SIZE"))
        size(e, word(&line, complete));
    else if (text_same(key.p, key.len, "AUTH"))
        mechanisms(e, line, complete);
    else if (text_starts(key.p, key.len, "AUTH=")) {
        /* the form of drafts before RFC 2554; some servers send both */
        key.p += 5;
        key.len -= 5;
        mechanism(e, key);
        mechanisms(e, line, complete);
    }
}
