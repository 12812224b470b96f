/*
 * recode.c - see recode.h.
 *
 * RFC 2047 section 5: an encoded word stands for a word of unstructured text,
 * of a comment or of a phrase, never inside a quoted string or an address.
 * Blanks between two encoded words are not shown, so words that are coded
 * one after the other are coded together with the blank between them: a run.
 */
#include "recode.h"

#include <string.h>

#include "idna.h"
#include "mime.h"

#define LINE  76
#define RAW   400 /* bytes of a piece that stays as it is */
#define WORDY 24  /* columns worth to begin an encoded word in */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_eight_bit(struct smtp_str v, size_t from, size_t to)
{
    v.p += from;
    v.len = to - from;
    return mime_eight_bit(v);
}

bool recode_kind(struct smtp_str name, bool *addresses)
{
    static const char *const lists[] = { "from",
                                         "sender",
                                         "reply-to",
                                         "to",
                                         "cc",
                                         "bcc",
                                         "resent-from",
                                         "resent-sender",
                                         "resent-to",
                                         "resent-cc",
                                         "resent-bcc",
                                         "list-id",
                                         "resent-reply-to",
                                         "mail-followup-to",
                                         "errors-to",
                                         "disposition-notification-to",
                                         "delivered-to" };
    static const char *const fixed[] = { "message-id",
                                         "in-reply-to",
                                         "references",
                                         "mime-version",
                                         "received",
                                         "return-path",
                                         "date",
                                         "resent-date",
                                         "resent-message-id",
                                         "auto-submitted",
                                         "dkim-signature",
                                         "list-unsubscribe",
                                         "list-unsubscribe-post",
                                         "list-post",
                                         "list-help",
                                         "list-archive",
                                         "list-owner",
                                         "list-subscribe" };
    size_t i;

    *addresses = false;
    for (i = 0; i < sizeof fixed / sizeof *fixed; i++)
        if (text_same(name.p, name.len, fixed[i]))
            return false;
    for (i = 0; i < sizeof lists / sizeof *lists; i++)
        if (text_same(name.p, name.len, lists[i]))
            *addresses = true;
    return !text_starts(name.p, name.len, "content-") &&
           !text_starts(name.p, name.len, "arc-");
}

struct recode recode_value(struct smtp_str value, bool addresses, size_t column)
{
    struct recode r = { .value = value,
                        .addresses = addresses,
                        .column = column };

    /* a quote that is never closed must not hold the field's line end */
    while (r.value.len != 0 && is_blank(value.p[r.value.len - 1]))
        r.value.len--;
    r.valid = mime_utf8((const uint8_t *)value.p, value.len);
    return r;
}

/* ------------------------------------------------------------- the tokens */

static size_t blanks(struct smtp_str v, size_t i)
{
    while (i < v.len && is_blank(v.p[i]))
        i++;
    return i;
}

/* Behind the quoted string that begins at i, or at the end of the value. */
static size_t quoted(struct smtp_str v, size_t i)
{
    for (i++; i < v.len; i++) {
        if (v.p[i] == '\\' && i + 1 < v.len)
            i++;
        else if (v.p[i] == '"')
            return i + 1;
    }
    return v.len;
}

/* Behind the word, quoted string or "<...>" at i; a character that parts
 * them is a token of its own. */
static size_t token(const struct recode *r, size_t i)
{
    struct smtp_str v = r->value;
    const char *ends = r->depth != 0 ? "()" : "(),:;<>\"";
    size_t n = strlen(ends), start = i;

    if (!r->addresses)
        n = 0;
    else if (r->depth == 0 && v.p[i] == '"')
        return quoted(v, i);
    else if (r->depth == 0 && v.p[i] == '<')
        while (i < v.len && v.p[i] != '>')
            i = v.p[i] == '"' ? quoted(v, i) : i + 1;
    for (; i < v.len && !is_blank(v.p[i]); i++) {
        if (n != 0 && v.p[i] == '\\' && r->depth != 0 && i + 1 < v.len &&
            v.p[i + 1] != '\r' && v.p[i + 1] != '\n') /* the line goes on */
            i++;
        else if (n != 0 && memchr(ends, v.p[i], n) != NULL)
            break;
    }
    if (i < v.len && !is_blank(v.p[i]) &&
        (i == start || (v.p[start] == '<' && v.p[i] == '>')))
        i++;
    return i;
}

/* "ü"@x, ü@x and <ü@x>: an address, which no encoded word may stand for. */
static bool is_address(const struct recode *r, size_t i, size_t end)
{
    struct smtp_str v = r->value;
    size_t next = blanks(v, end);

    if (!r->addresses || r->depth != 0)
        return false;
    if (v.p[i] == '"')
        return next < v.len && v.p[next] == '@';
    return v.p[i] == '<' || memchr(v.p + i, '@', end - i) != NULL ||
           (next < v.len && v.p[next] == '@');
}

static bool pair(const char *p, char first, char second)
{
    return p[0] == first && p[1] == second;
}

/* "=?" charset "?" B or Q "?" text "?=", as readers take it. Between two a
 * blank is not shown: a run that stands beside one has the blank in it. */
static bool is_word(struct smtp_str v, size_t i, size_t end)
{
    const char *p = v.p + i, *stop = v.p + end, *q;

    if (end - i < 8 || !pair(p, '=', '?') || !pair(stop - 2, '?', '='))
        return false;
    q = memchr(p + 2, '?', end - i - 2);
    return q != p + 2 && stop - q >= 5 && q[2] == '?' &&
           ((q[1] | 0x20) == 'b' || (q[1] | 0x20) == 'q');
}

/* What seems to be an encoded word and is none is coded too: readers differ. */
static bool is_coded(const struct recode *r, size_t i, size_t end)
{
    struct smtp_str v = r->value;
    bool odd = !r->addresses && end - i > 1 && pair(v.p + i, '=', '?') &&
               !is_word(v, i, end);

    return (odd || is_eight_bit(v, i, end)) && !is_address(r, i, end);
}

/* Where the run that begins with the word at i ends: behind its last word. */
static size_t run_end(const struct recode *r, size_t i)
{
    size_t end = token(r, i), next;

    for (;;) {
        next = blanks(r->value, end);
        if (next == end || next >= r->value.len)
            return end;
        i = next;
        next = token(r, i);
        if (!is_coded(r, i, next))
            return is_word(r->value, i, next) ? i : end;
        end = next;
    }
}

/* --------------------------------------------------------------- the text */

__attribute__((noinline)) static void put(struct recode *r, struct text *t,
                                          const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        r->column = p[i] == '\n' ? 0 : r->column + 1;
    text_mem(t, p, n);
}

/* A blank that the value has not, or has in a run. */
__attribute__((noinline)) static void put_gap(struct recode *r, struct text *t,
                                              size_t width)
{
    bool fold = r->column + 1 + width > LINE;

    put(r, t, fold ? "\r\n " : " ", fold ? 3 : 1);
}

/* The blanks at r->at, as a new line if what follows would not fit. Behind an
 * encoded word, or more than a line can hold, they go into a run, less one
 * that is shown beside other text. */
static void put_blanks(struct recode *r, struct text *t)
{
    struct smtp_str v = r->value;
    size_t end = blanks(v, r->at), n = end - r->at, next;
    bool folded = memchr(v.p + r->at, '\n', n) != NULL;
    bool many = n > RAW && !folded && !r->addresses, coded;

    if (end >= v.len) { /* behind the last word: nobody sees them */
        r->at = end;
        return;
    }
    next = token(r, end);
    coded = is_coded(r, end, next);
    if (many || (coded && r->after_word)) {
        put_gap(r, t, WORDY);
        r->at += r->after_word || r->run_end == r->at ? 0 : 1;
        r->run_end = coded                   ? run_end(r, end)
                     : is_word(v, end, next) ? end
                                             : end - 1;
        return;
    }
    if (!folded && r->at != 0 &&
        r->column + n + (coded ? WORDY : next - end) > LINE)
        put(r, t, "\r\n", 2);
    if (folded) /* one blank for however many lines it took */
        put(r, t, "\r\n ", 3);
    else
        put(r, t, v.p + r->at, n < RAW ? n : RAW);
    r->at = end;
}

/* The next byte of the run's text at i, which moves; false: inside quotes or
 * between words there is nothing at this place. */
static bool run_byte(struct recode *r, size_t *i, char *c)
{
    struct smtp_str v = r->value;

    *c = v.p[*i];
    if (r->addresses && r->depth == 0 && *c == '"') {
        r->in_quotes = !r->in_quotes;
        ++*i;
        return false;
    }
    if (is_blank(*c) && r->addresses && !r->in_quotes) {
        *i = blanks(v, *i);
        *c = ' ';
        return true;
    }
    if ((r->in_quotes || r->depth != 0) && *c == '\\' && *i + 1 < r->run_end)
        *c = v.p[++*i];
    ++*i;
    if (*c != '\r' && *c != '\n' && (uint8_t)*c < 0x20)
        *c = ' '; /* no control is hidden in an encoded word */
    return *c != '\r' && *c != '\n';
}

/* One encoded word of the run. */
static void put_word(struct recode *r, struct text *t)
{
    char word[MIME_WORD_BYTES], c;
    struct smtp_str s = { word, 0 };
    size_t start = t->len, most = mime_word_room(r->column, r->valid);

    while (r->at < r->run_end) {
        size_t i = r->at, len = 1;
        bool quotes = r->in_quotes;

        if (!run_byte(r, &i, &c)) {
            r->at = i;
            continue;
        }
        if (r->valid && (uint8_t)c > 0x7f)
            len = text_char(r->value.p + i - 1, r->value.len - i + 1);
        if (s.len + len > most) {
            r->in_quotes = quotes;
            break;
        }
        word[s.len++] = c;
        for (r->at = i; len > 1; len--)
            word[s.len++] = r->value.p[r->at++];
    }
    if (s.len != 0)
        mime_word(t, s, r->valid);
    r->column += t->len - start;
    if (r->at < r->run_end) {
        put(r, t, "\r\n ", 3);
        return;
    }
    r->in_quotes = false;
    /* alone between blanks, or in parentheses (RFC 2047 5) */
    if (r->at < r->value.len && !is_blank(r->value.p[r->at]) &&
        (r->depth == 0 || memchr("()", r->value.p[r->at], 2) == NULL))
        put_gap(r, t, token(r, r->at) - r->at);
}

static void put_address(struct recode *r, struct text *t, size_t end)
{
    struct smtp_str v = r->value, a = { v.p + r->at, end - r->at };
    bool angle = a.p[0] == '<', utf8 = false;
    const char *why = NULL;
    size_t start;

    if (angle) {
        put(r, t, "<", 1);
        a.p++;
        a.len--;
        if (a.len != 0 && a.p[a.len - 1] == '>')
            a.len--;
    }
    start = t->len;
    if (a.len == 0 || memchr(a.p, '@', a.len) == NULL) {
        utf8 = true; /* the @ follows, or is missing */
        text_mem(t, a.p, a.len);
    } else if (!idna_address(t, a, &utf8, &why)) {
        r->bad = why;
        t->len = start;
        text_mem(t, a.p, a.len);
    }
    r->utf8 = r->utf8 || utf8;
    r->column += t->len - start;
    if (angle && v.p[end - 1] == '>')
        put(r, t, ">", 1);
    r->at = end;
}

/* A token that stays as it is; a long one comes in pieces. */
static void put_token(struct recode *r, struct text *t, size_t end)
{
    char c = r->value.p[r->at];
    struct smtp_str all = { r->value.p + r->at, end - r->at };
    size_t n = all.len < RAW ? all.len : RAW;

    if (r->folding) /* a quoted string: RFC 5322 3.2.4 */
        n = mime_fold(all, r->column < LINE ? LINE - r->column : 1);
    r->raw_end = end;
    if (r->addresses && n == 1 && c == '(')
        r->depth++;
    if (r->addresses && n == 1 && c == ')' && r->depth != 0)
        r->depth--;
    put(r, t, r->value.p + r->at, n);
    r->at += n;
    if (r->folding && r->at < end)
        put(r, t, "\r\n", 2);
    if ((r->folding || r->column > LINE) && n == 1 && c == ',' &&
        r->depth == 0 && blanks(r->value, r->at) < r->value.len) {
        put(r, t, "\r\n ", 3);
        r->at = blanks(r->value, r->at);
    }
}

static void next(struct recode *r, struct text *t)
{
    struct smtp_str v = r->value;
    size_t end;

    if (r->at < r->run_end) {
        put_word(r, t);
        return;
    }
    if (r->at < r->raw_end) {
        put_token(r, t, r->raw_end);
        return;
    }
    if (is_blank(v.p[r->at])) {
        put_blanks(r, t);
        return;
    }
    end = token(r, r->at);
    if (r->addresses && r->depth == 0 && v.p[r->at] == '(' && r->at != 0 &&
        v.p[r->at - 1] == ')')
        put_gap(r, t, WORDY); /* comments without a blank between them */
    r->after_word = is_word(v, r->at, end);
    if (is_coded(r, r->at, end)) {
        if (r->at != 0 && r->depth == 0 && !is_blank(v.p[r->at - 1]))
            put_gap(r, t, WORDY);
        r->run_end = run_end(r, r->at);
        put_word(r, t);
    } else if (is_eight_bit(v, r->at, end)) {
        put_address(r, t, end);
    } else {
        put_token(r, t, end);
    }
}

bool recode_next(struct recode *r, struct text *t)
{
    size_t start = t->len;

    while (r->at < r->value.len && t->len == start)
        next(r, t);
    return t->len != start;
}
