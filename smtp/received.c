/*
 * received.c - Received: fields. See received.h.
 *
 * A field is a list of clauses, each a keyword, words, comments; then ';' and
 * a date. Read by that alone, it fits Postfix, Exim, Sendmail, Exchange,
 * qmail, Gmail and the many that imitate one of them: words that follow a
 * comment without a keyword (Exim's "tls TLS_AES_256...") are skipped, a
 * clause that comes twice counts once, a comment in front of everything
 * (qmail, Sendmail's own mail) makes a field of its own right.
 */
#include "received.h"

#include "header.h"
#include "mailbox.h"
#include "text.h"

#include <string.h>

enum clause { FROM, BY, VIA, WITH, ID, FOR, NO_CLAUSE };

static const char *const keywords[] = {
    "from", "by", "via", "with", "id", "for"
};

enum kind { END, WORD, COMMENT };

struct scan {
    struct smtp_str s;
    size_t at;
    bool open; /* a comment or a quote did not end */
};

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* A ';' that is not the last one parts words. */
static bool parts(char c)
{
    return blank(c) || c == ';';
}

/* The next word or comment, the comment's brackets included. */
static enum kind next(struct scan *r, struct smtp_str *token)
{
    unsigned depth = 0;
    bool quoted = false;
    size_t begin;

    while (r->at < r->s.len && parts(r->s.p[r->at]))
        r->at++;
    begin = r->at;
    for (; r->at < r->s.len; r->at++) {
        char c = r->s.p[r->at];

        if (c == '\\' && (quoted || depth != 0) && r->at + 1 < r->s.len)
            r->at++;
        else if (c == '"' && depth == 0)
            quoted = !quoted;
        else if (quoted)
            continue;
        else if ((c == '(' && depth++ == 0 && r->at != begin) ||
                 (c == ')' && depth != 0 && --depth == 0) ||
                 (depth == 0 && (parts(c) || c == ')')))
            break;
    }
    token->p = r->s.p + begin;
    token->len = r->at - begin;
    if (token->len == 0)
        return r->at++ < r->s.len ? WORD : END; /* a lone ')' */
    if (token->p[0] == '(') {
        r->open = r->at == r->s.len;
        r->at += r->open ? 0 : 1;
        token->len = r->at - begin;
        return COMMENT;
    }
    r->open = quoted;
    return WORD;
}

/* The last ';' that stands in no comment and no quotes parts the date off. */
static size_t date_at(struct smtp_str s)
{
    size_t found = s.len;
    unsigned depth = 0;
    bool quoted = false;

    for (size_t i = 0; i < s.len; i++) {
        char c = s.p[i];

        if (c == '\\' && (quoted || depth != 0))
            i++;
        else if (c == '"' && depth == 0)
            quoted = !quoted;
        else if (c == '(' && !quoted)
            depth++;
        else if (c == ')' && depth != 0)
            depth--;
        else if (c == ';' && depth == 0 && !quoted)
            found = i;
    }
    return found;
}

/* --- reading -------------------------------------------------------------- */

static enum clause keyword(struct smtp_str w)
{
    unsigned k = 0;

    while (k < NO_CLAUSE && !text_same(w.p, w.len, keywords[k]))
        k++;
    return (enum clause)k;
}

static struct smtp_str *part(struct smtp_received *r, enum clause c)
{
    switch (c) {
    case FROM:
        return &r->from;
    case BY:
        return &r->by;
    case VIA:
        return &r->via;
    case WITH:
        return &r->with;
    case ID:
        return &r->id;
    case FOR:
        return &r->rcpt;
    case NO_CLAUSE:
        break;
    }
    return NULL;
}

static struct smtp_str *info(struct smtp_received *r, enum clause c)
{
    return c == FROM ? &r->from_info : c == BY ? &r->by_info : NULL;
}

/* Makes *to reach to the end of piece; begins it if there is nothing yet. */
static void extend(struct smtp_str *to, struct smtp_str piece)
{
    if (to->len == 0)
        *to = piece;
    else
        to->len = (size_t)(piece.p + piece.len - to->p);
}

/* One word each, but with and via are several in what Exchange writes. */
static bool takes_more(enum clause c, const struct smtp_str *to)
{
    return to->len == 0 || c == WITH || c == VIA;
}

static void clauses(struct scan *scan, struct smtp_received *r)
{
    enum clause now = NO_CLAUSE, seen;
    struct smtp_str token;
    bool closed = true, twice = false;
    enum kind kind;

    while ((kind = next(scan, &token)) != END) {
        struct smtp_str *to;

        if (kind == COMMENT) {
            to = twice ? NULL : info(r, now);
            if (to != NULL && token.len > 2) {
                token.p++;
                token.len -= scan->open ? 1 : 2;
                extend(to, token);
            }
            closed = true;
            continue;
        }
        seen = keyword(token);
        /* a host may be called "with" where a host is wanted */
        if (seen != NO_CLAUSE && (closed || part(r, now)->len != 0)) {
            now = seen;
            twice = part(r, now)->len != 0;
            closed = false;
        } else if (!closed && !twice && takes_more(now, part(r, now))) {
            extend(part(r, now), token);
        }
    }
}

static bool is_ip(struct smtp_str w, const char *prefix)
{
    char text[64];
    struct text t = text_into(text, sizeof text);
    struct smtp_mailbox m;
    const char *why;

    text_str(&t, prefix);
    text_mem(&t, w.p, w.len);
    text_str(&t, "]");
    return !t.full &&
           smtp_mailbox_parse((struct smtp_str){ text, t.len }, &m, &why) &&
           m.host != MAILBOX_TAGGED;
}

/* An address in the comments of from: [192.0.2.1], [IPv6:...], or bare; but
 * not what stands behind "helo", which is anybody's word. */
static bool find_ip(struct smtp_str in, struct smtp_str *ip)
{
    bool helo = false;

    for (size_t i = 0; i < in.len; i++) {
        struct smtp_str w = { in.p + i, 0 };

        for (; i < in.len && !blank(in.p[i]) &&
               memchr("()[]<>=,;", in.p[i], 9) == NULL;
             i++)
            w.len++;
        if (w.len == 0)
            continue;
        if (text_starts(w.p, w.len, "IPv6:")) {
            w.p += 5;
            w.len -= 5;
        }
        if (!helo && (is_ip(w, "a@[") || is_ip(w, "a@[IPv6:"))) {
            *ip = w;
            return true;
        }
        helo = text_same(w.p, w.len, "helo") || text_same(w.p, w.len, "ehlo");
    }
    return false;
}

static void unbracket(struct smtp_str *s)
{
    if (s->len >= 2 && s->p[0] == '<' &&
        memchr(s->p, '>', s->len) == s->p + s->len - 1) {
        s->p++;
        s->len -= 2;
    }
}

static const char *judge(const struct scan *scan, const struct smtp_received *r,
                         bool remark)
{
    if (scan->open)
        return "a comment or a quoted string does not end";
    if (r->from.len == 0 && r->by.len == 0 && !remark)
        return "it says neither from whom nor by whom";
    return NULL;
}

void smtp_received_parse(struct smtp_str s, struct smtp_received *r)
{
    size_t semicolon = date_at(s);
    struct scan scan = { { s.p, semicolon }, 0, false };
    struct smtp_str when = { s.p + semicolon, s.len - semicolon }, first;
    struct scan look = scan;
    bool remark = next(&look, &first) == COMMENT && !look.open;

    memset(r, 0, sizeof *r);
    clauses(&scan, r);
    unbracket(&r->rcpt);
    r->why = judge(&scan, r, remark);
    if (r->why != NULL) {
        const char *why = r->why;

        memset(r, 0, sizeof *r);
        r->status = RECEIVED_UNPARSED;
        r->why = why;
        return;
    }
    if (!find_ip(r->from_info, &r->ip))
        find_ip(r->from, &r->ip);
    r->status = RECEIVED_NO_DATE;
    r->why = when.len == 0 ? "there is no date" : "the date cannot be read";
    if (when.len == 0)
        return;
    when.p++;
    when.len--;
    if (smtp_date_parse(when, &r->date)) {
        r->status = RECEIVED_OK;
        r->why = NULL;
    }
}

/* --- making --------------------------------------------------------------- */

/* One word: printable ASCII, and nothing that parts words. */
static bool put_word(struct text *t, const char *before, struct smtp_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.p[i] < 0x21 || s.p[i] > 0x7e ||
            memchr("();\"\\", s.p[i], 5) != NULL)
            return false;
    text_str(t, before);
    text_mem(t, s.p, s.len);
    return s.len != 0;
}

static bool put_info(struct text *t, const struct smtp_received *r)
{
    struct smtp_mailbox m;
    const char *why;
    char text[80];
    struct text literal = text_into(text, sizeof text);
    bool six = r->ip.len != 0 && memchr(r->ip.p, ':', r->ip.len) != NULL;

    if (r->ip.len == 0 && r->from_info.len == 0)
        return true;
    text_str(t, " (");
    if (r->from_info.len != 0 && !put_word(t, "", r->from_info))
        return false;
    if (r->ip.len != 0) {
        text_str(&literal, six ? "x@[IPv6:" : "x@[");
        text_mem(&literal, r->ip.p, r->ip.len);
        text_str(&literal, "]");
        if (literal.full ||
            !smtp_mailbox_parse((struct smtp_str){ text, literal.len }, &m,
                                &why))
            return false;
        text_str(t, r->from_info.len != 0 ? " " : "");
        text_mem(t, text + 2, literal.len - 2);
    }
    text_str(t, ")");
    return true;
}

static bool put_optional(struct text *t, const char *before, struct smtp_str s)
{
    return s.len == 0 || put_word(t, before, s);
}

static bool put_rcpt(struct text *t, struct smtp_str rcpt)
{
    const char *why;
    bool utf8;

    if (rcpt.len == 0)
        return true;
    if (!smtp_mailbox_ok(rcpt, &utf8, &why))
        return false;
    text_str(t, "\r\n\tfor <");
    text_mem(t, rcpt.p, rcpt.len);
    text_str(t, ">");
    return true;
}

size_t smtp_received_print(const struct smtp_received *r, char *to, size_t cap)
{
    struct text t = text_into(to, cap);
    size_t before;

    if (!put_word(&t, "Received: from ", r->from) || !put_info(&t, r) ||
        !put_word(&t, "\r\n\tby ", r->by) ||
        !put_optional(&t, " via ", r->via) ||
        !put_optional(&t, " with ", r->with) ||
        !put_optional(&t, " id ", r->id) || !put_rcpt(&t, r->rcpt))
        return 0;
    text_str(&t, ";\r\n\t");
    before = t.len;
    date_put(&t, r->date.seconds, r->date.zone);
    if (t.len == before)
        return 0;
    text_str(&t, "\r\n");
    return t.full ? 0 : t.len;
}

/* --- the way -------------------------------------------------------------- */

static bool is_received(const struct header_field *f)
{
    return text_same(f->name.p, f->name.len, "received");
}

/* Without regard to case and to a dot at the end. */
static bool same_host(struct smtp_str a, struct smtp_str b)
{
    if (a.len != 0 && a.p[a.len - 1] == '.')
        a.len--;
    if (b.len != 0 && b.p[b.len - 1] == '.')
        b.len--;
    return a.len != 0 && text_equal(a.p, a.len, b.p, b.len);
}

/* The first word of the comment is the client's name by DNS. */
static bool named_in(struct smtp_str info_text, struct smtp_str host)
{
    struct smtp_str w = info_text;

    w.len = 0;
    while (w.len < info_text.len && !blank(w.p[w.len]))
        w.len++;
    return same_host(w, host);
}

static void connect(struct smtp_hop *hops, size_t n)
{
    const struct smtp_received *dated = NULL;

    for (size_t i = 0; i < n; i++) {
        struct smtp_hop *h = &hops[i];
        const struct smtp_received *r = &h->received;

        h->delay = 0;
        h->has_delay = dated != NULL && r->status == RECEIVED_OK;
        if (h->has_delay)
            h->delay = r->date.seconds - dated->date.seconds;
        h->linked = i != 0 && (same_host(r->from, hops[i - 1].received.by) ||
                               named_in(r->from_info, hops[i - 1].received.by));
        if (r->status == RECEIVED_OK)
            dated = r;
    }
}

size_t smtp_route(const uint8_t *message, size_t len, struct smtp_hop *hops,
                  size_t max)
{
    struct header_block block = header_find(message, len);
    struct header_field f;
    size_t at = block.start, count = 0, kept = 0;

    while (header_next(message, &block, &at, &f))
        if (is_received(&f) && count++ < max)
            smtp_received_parse(f.value, &hops[kept++].received);
    /* the newest stands first: turn them round */
    for (size_t i = 0; i < kept / 2; i++) {
        struct smtp_hop swap = hops[i];

        hops[i] = hops[kept - 1 - i];
        hops[kept - 1 - i] = swap;
    }
    connect(hops, kept);
    return count;
}
