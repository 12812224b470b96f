/*
 * ehlo.c - EHLO keywords. See ehlo.h.
 */
#include "ehlo.h"

#include "auth.h"
#include "text.h"

#include <string.h>

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
    e->mechs |= (uint16_t)(1u << auth_by_name(name) & ~1u);
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

/* Decimal digits and no more; 0 for anything else. */
static uint64_t number(struct smtp_str digits)
{
    uint64_t n = 0;

    if (digits.len > 19)
        return 0;
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.p[i] < '0' || digits.p[i] > '9')
            return 0;
        n = n * 10 + (uint64_t)(digits.p[i] - '0');
    }
    return n;
}

/* RFC 9422: NAME=NUMBER, in any order; the first of a name counts. */
static void limits(struct ehlo *e, struct smtp_str line, bool complete)
{
    struct smtp_str w;

    while ((w = word(&line, complete)).len != 0) {
        uint64_t *to = &e->rcpt_max;
        const char *end = memchr(w.p, '=', w.len);
        size_t name = end != NULL ? (size_t)(end - w.p) : 0;

        if (text_same(w.p, name, "MAILMAX"))
            to = &e->mail_max;
        else if (text_same(w.p, name, "RCPTDOMAINMAX"))
            to = &e->rcpt_domain_max;
        else if (!text_same(w.p, name, "RCPTMAX"))
            continue;
        w.p += name + 1;
        w.len -= name + 1;
        if (*to == 0)
            *to = number(w);
    }
}

static const struct keyword {
    const char *name;
    size_t flag;   /* of struct ehlo: set */
    size_t number; /* ... the word behind it; 0: none */
} keywords[] = {
    { "STARTTLS", offsetof(struct ehlo, starttls), 0 },
    { "PIPELINING", offsetof(struct ehlo, pipelining), 0 },
    { "8BITMIME", offsetof(struct ehlo, eight_bit), 0 },
    { "SMTPUTF8", offsetof(struct ehlo, utf8), 0 },
    { "SIZE", offsetof(struct ehlo, size), offsetof(struct ehlo, size_max) },
    { "DSN", offsetof(struct ehlo, dsn), 0 },
    { "CHUNKING", offsetof(struct ehlo, chunking), 0 },
    { "BINARYMIME", offsetof(struct ehlo, binary), 0 },
    { "REQUIRETLS", offsetof(struct ehlo, require_tls), 0 },
    { "DELIVERBY", offsetof(struct ehlo, deliver_by),
      offsetof(struct ehlo, by_min) },
    { "MT-PRIORITY", offsetof(struct ehlo, priority), 0 },
    { "FUTURERELEASE", offsetof(struct ehlo, future_release),
      offsetof(struct ehlo, hold_max) },
};

void ehlo_line(struct ehlo *e, struct smtp_str line, bool complete)
{
    struct smtp_str key = word(&line, complete);
    uint8_t *base = (uint8_t *)e;

    for (size_t i = 0; i < sizeof keywords / sizeof keywords[0]; i++) {
        const struct keyword *k = &keywords[i];
        uint64_t n;

        if (!text_same(key.p, key.len, k->name))
            continue;
        *(bool *)(base + k->flag) = true;
        if (k->number != 0) {
            n = number(word(&line, complete));
            memcpy(base + k->number, &n, sizeof n);
        }
        return;
    }
    if (text_same(key.p, key.len, "LIMITS")) {
        limits(e, line, complete);
    } else if (text_same(key.p, key.len, "AUTH")) {
        mechanisms(e, line, complete);
    } else if (text_starts(key.p, key.len, "AUTH=")) {
        /* the form of drafts before RFC 2554; some servers send both */
        key.p += 5;
        key.len -= 5;
        mechanism(e, key);
        mechanisms(e, line, complete);
    }
}
