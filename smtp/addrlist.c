/*
 * addrlist.c - see addrlist.h.
 *
 * The text is a row of tokens with comments and blanks (CFWS, RFC 5322 3.2.2)
 * between them. A token is a quoted string, a domain literal (behind an @, for
 * elsewhere a bracket is somebody's typing), a special, or a run of anything
 * else.
 */
#include "addrlist.h"

#include <string.h>

#include "mailbox.h"
#include "text.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_control(char c)
{
    return (uint8_t)c < 0x20 || c == 0x7f;
}

/* RFC 5322 3.2.3, and UTF-8 (RFC 6532 3.2) */
static bool is_atext(char c)
{
    return (uint8_t)c > 0x20 && c != 0x7f &&
           memchr("()<>[]:;@\\,.\"", c, 13) == NULL;
}

/* A line end that no fold follows: the field is over. */
static bool ends(struct smtp_str v, size_t i)
{
    return i >= v.len ||
           (v.p[i] == '\n' &&
            (i + 1 >= v.len || (v.p[i + 1] != ' ' && v.p[i + 1] != '\t')));
}

/* Behind the quoted string or domain literal that begins at i; where the
 * field ends if it is open, and *open says so. */
static size_t closed(struct smtp_str v, size_t i, char close, bool *open)
{
    *open = false;
    for (i++; !ends(v, i); i++) {
        if (v.p[i] == '\\' && !ends(v, i + 1))
            i++;
        else if (v.p[i] == close)
            return i + 1;
    }
    *open = true;
    return i;
}

/* No comment and no "<...>" is longer: what is open is not looked for again and
 * again through all of a long field. */
#define CLOSES 1000

/* Behind the comment that begins at i; comments nest. One that is open is
 * none: i. */
static size_t comment_end(struct smtp_str v, size_t i)
{
    size_t depth = 0, start = i;

    for (; !ends(v, i) && i - start < CLOSES; i++) {
        if (v.p[i] == '\\' && !ends(v, i + 1))
            i++;
        else if (v.p[i] == '(')
            depth++;
        else if (v.p[i] == ')' && --depth == 0)
            return i + 1;
    }
    return start;
}

/* Behind the comments and blanks at i; comment: the last of them, if any. */
static size_t cfws(struct smtp_str v, size_t i, struct smtp_str *comment)
{
    while (!ends(v, i)) {
        size_t end = i;

        if (is_blank(v.p[i]))
            end = i + 1;
        else if (v.p[i] == '(')
            end = comment_end(v, i);
        if (end == i)
            break;
        if (v.p[i] == '(' && comment != NULL) {
            comment->p = v.p + i + 1;
            comment->len = end - i - 2;
        }
        i = end;
    }
    return i;
}

/* Behind the token at i, which is no CFWS; before: the token ahead of it. */
static size_t token(struct smtp_str v, size_t i, char before)
{
    char c = v.p[i];
    bool open;

    if (c == '"' || (c == '[' && before == '@'))
        return closed(v, i, c == '"' ? c : ']', &open);
    do {
        i++;
    } while (is_atext(c) && !ends(v, i) && is_atext(v.p[i]));
    return i;
}

/* --- strict ------------------------------------------------------------- */

/* No control character but in a fold, UTF-8 well-formed, up to the end of the
 * field. */
static bool is_clean(struct smtp_str v)
{
    for (size_t i = 0, n; !ends(v, i); i += n) {
        bool fold = v.p[i] == '\n' ||
                    (v.p[i] == '\r' && i + 1 < v.len && v.p[i + 1] == '\n');

        n = text_char(v.p + i, v.len - i);
        if (n == 0 || (is_control(v.p[i]) && v.p[i] != '\t' && !fold))
            return false;
    }
    return true;
}

/* 1*word: atoms and quoted strings (3.2.5) */
static bool is_phrase(struct smtp_str v)
{
    for (size_t i = 0; i < v.len; i = cfws(v, token(v, i, 0), NULL))
        if (v.p[i] != '"' && !is_atext(v.p[i]))
            return false;
    return v.len != 0;
}

/* As section 3 has it: CFWS at the @ but not at a dot, and a quoted string is
 * the whole local part. */
static bool is_modern(struct smtp_str v)
{
    char before = 0;

    for (size_t i = 0, end, next; i < v.len; i = next) {
        end = token(v, i, before);
        before = v.p[i];
        next = cfws(v, end, NULL);
        if (next == v.len || before == '@' || v.p[next] == '@')
            continue;
        if (next != end || before == '"' || v.p[next] == '"')
            return false;
    }
    return true;
}

static bool is_sendable(struct smtp_str v)
{
    char buf[MAILBOX_PATH_MAX];
    struct smtp_str s = { buf, smtp_address_spec(v, buf, sizeof buf) };
    const char *why;
    bool utf8;

    return memchr(v.p, '@', v.len) != NULL && smtp_mailbox_ok(s, &utf8, &why);
}

static enum smtp_addr bad(struct smtp_addrlist *l, struct smtp_address *a,
                          const char *why)
{
    a->spec.p = l->text.p + l->at;
    a->spec.len = 0;
    a->why = why;
    l->over = true;
    return SMTP_ADDR_BAD;
}

/* --- reading ------------------------------------------------------------ */

static struct smtp_str piece(struct smtp_str v, size_t from, size_t to)
{
    struct smtp_str s = { v.p + from, to - from };

    return s;
}

static bool parts(char c)
{
    return c == ',' || c == ';';
}

/* Behind the source route at i, if one is there (4.4): obsolete. */
static size_t route(struct smtp_str v, size_t i)
{
    size_t start = i;
    char before = 0;

    if (ends(v, i) || v.p[i] != '@')
        return i;
    for (size_t next; !ends(v, i) && v.p[i] != '>'; i = next) {
        if (v.p[i] == ':')
            return cfws(v, i + 1, NULL);
        next = cfws(v, token(v, i, before), NULL);
        before = v.p[i];
    }
    return start;
}

/* Behind the ">" of "<...>" at i, and its spec; SIZE_MAX: it is open. */
static size_t angle(struct smtp_str v, size_t i, struct smtp_address *a,
                    bool *routed)
{
    size_t inner = cfws(v, i + 1, NULL), start = route(v, inner), last = start;
    char before = 0;

    *routed = start != inner;
    for (i = start; !ends(v, i) && v.p[i] != '>' && i - start < CLOSES;
         i = cfws(v, last, NULL)) {
        last = token(v, i, before);
        before = v.p[i];
    }
    if (ends(v, i) || v.p[i] != '>')
        return SIZE_MAX;
    a->spec = piece(v, start, last);
    return i + 1;
}

/* What is left of a member that nobody understands belongs to it. */
static void rest(struct smtp_addrlist *l, struct smtp_address *a, size_t start,
                 size_t i)
{
    struct smtp_str v = l->text;
    size_t last = i;

    for (; !ends(v, i) && !parts(v.p[i]); i = cfws(v, last, NULL))
        last = token(v, i, 0);
    while (last > start && is_blank(v.p[last - 1]))
        last--;
    a->spec = piece(v, start, last);
    l->at = i;
}

static enum smtp_addr angle_member(struct smtp_addrlist *l,
                                   struct smtp_address *a, size_t start,
                                   size_t last, size_t i)
{
    struct smtp_str v = l->text;
    bool routed;
    size_t end = angle(v, i, a, &routed);

    a->name = piece(v, start, last);
    l->at = end == SIZE_MAX ? i : cfws(v, end, &a->comment);
    if (end != SIZE_MAX && (ends(v, l->at) || parts(v.p[l->at]))) {
        if (!l->strict)
            return SMTP_ADDR_MAILBOX;
        if (routed)
            return bad(l, a, "a source route in an address");
        if (a->name.len != 0 && !is_phrase(a->name))
            return bad(l, a, "a name that must stand in quotes");
        if (!is_modern(a->spec) || !is_sendable(a->spec))
            return bad(l, a, "what stands between < and > is no address");
        return SMTP_ADDR_MAILBOX;
    }
    if (l->strict)
        return bad(l, a, "a < without its >, or something behind it");
    a->name.len = 0;
    rest(l, a, i, l->at);
    return SMTP_ADDR_MAILBOX;
}

static enum smtp_addr group(struct smtp_addrlist *l, struct smtp_address *a,
                            size_t start, size_t last, size_t colon)
{
    a->name = piece(l->text, start, last);
    if (l->strict && l->in_group)
        return bad(l, a, "a group in a group");
    if (l->strict && !is_phrase(a->name))
        return bad(l, a, "a group's name that must stand in quotes");
    l->at = colon + 1;
    l->in_group = true;
    l->got = l->any = false;
    return SMTP_ADDR_GROUP;
}

/* A mailbox, or a group's beginning, at l->at. */
static enum smtp_addr member(struct smtp_addrlist *l, struct smtp_address *a)
{
    struct smtp_str v = l->text;
    size_t i = l->at, start = i, last = i;
    char before = 0;
    bool at_sign = false;

    while (!ends(v, i) && !parts(v.p[i])) {
        if (v.p[i] == '<')
            return angle_member(l, a, start, last, i);
        if (v.p[i] == ':' && !at_sign && last != start)
            return group(l, a, start, last, i);
        last = token(v, i, before);
        before = v.p[i];
        at_sign = at_sign || before == '@';
        i = cfws(v, last, &a->comment);
    }
    a->spec = piece(v, start, last);
    if (l->strict && (!is_modern(a->spec) || !is_sendable(a->spec)))
        return bad(l, a, "no address");
    l->at = i;
    return SMTP_ADDR_MAILBOX;
}

/* At the end of the text: what is still open. */
static enum smtp_addr at_end(struct smtp_addrlist *l, struct smtp_address *a)
{
    bool group = l->in_group;

    l->in_group = false;
    if (l->strict && group)
        return bad(l, a, "a group without its ;");
    if (l->strict && !l->got)
        return bad(l, a, "an address is missing at the end");
    l->over = !group;
    return group ? SMTP_ADDR_GROUP_END : SMTP_ADDR_END;
}

/* The , or ; at l->at; END: go on. */
static enum smtp_addr separator(struct smtp_addrlist *l, struct smtp_address *a)
{
    bool comma = l->text.p[l->at] == ',', group = l->in_group;

    if (l->strict && !comma && !group)
        return bad(l, a, "a ; that ends no group");
    if (l->strict && !l->got && (comma || l->any))
        return bad(l, a, "an address is missing before a , or ;");
    l->at++;
    l->got = !comma;
    l->any = true;
    l->in_group = comma && group;
    return !comma && group ? SMTP_ADDR_GROUP_END : SMTP_ADDR_END;
}

enum smtp_addr smtp_addrlist_next(struct smtp_addrlist *l,
                                  struct smtp_address *a)
{
    struct smtp_str v = l->text;
    enum smtp_addr got;

    memset(a, 0, sizeof *a);
    if (l->strict && !l->over && l->at == 0 && !is_clean(v))
        return bad(l, a, "a control character, or bytes that are no UTF-8");
    while (!l->over) {
        l->at = cfws(v, l->at, &a->comment);
        if (ends(v, l->at))
            return at_end(l, a);
        if (!parts(v.p[l->at])) {
            if (l->strict && l->got)
                return bad(l, a, "a comma is missing");
            l->got = true;
            return member(l, a);
        }
        got = separator(l, a);
        if (got != SMTP_ADDR_END)
            return got;
    }
    return SMTP_ADDR_END;
}

/* --- printing ----------------------------------------------------------- */

/* The bytes between the quotes of a quoted string: without the backslashes
 * and folds, a control is a blank. */
static void unquote(struct text *t, struct smtp_str q, bool escape)
{
    size_t end = q.len > 1 && q.p[q.len - 1] == '"' ? q.len - 1 : q.len;

    for (size_t i = 1; i < end; i++) {
        char c = q.p[i];

        if (c == '\\' && i + 1 < end)
            c = q.p[++i];
        if (c == '\r' || c == '\n')
            continue;
        if (is_control(c))
            c = ' ';
        if (escape && (c == '"' || c == '\\'))
            text_str(t, "\\");
        text_mem(t, &c, 1);
    }
}

/* Words and dots by turns (4.4), the quoted ones closed. */
static bool is_local(struct smtp_str v, size_t end, bool *quoted)
{
    bool dot = true, open = false;

    for (size_t i = 0; i < end; i = cfws(v, token(v, i, 0), NULL)) {
        if ((v.p[i] == '.') == dot)
            return false;
        dot = !dot;
        if (v.p[i] == '"') {
            *quoted = true;
            closed(v, i, '"', &open);
        }
        if (open || (!dot && v.p[i] != '"' && !is_atext(v.p[i])))
            return false;
    }
    return !dot;
}

/* The local part: quoted as a whole if a word of it was. */
static void put_local(struct text *t, struct smtp_str v, size_t end,
                      bool quotes)
{
    if (quotes)
        text_str(t, "\"");
    for (size_t i = 0, next; i < end; i = cfws(v, next, NULL)) {
        struct smtp_str word = { v.p + i, 0 };

        next = token(v, i, 0);
        word.len = next - i;
        if (v.p[i] == '"')
            unquote(t, word, true);
        else
            text_mem(t, word.p, word.len);
    }
    if (quotes)
        text_str(t, "\"");
}

/* Labels and dots, or a literal; blanks only at the dots. */
static bool put_domain(struct text *t, struct smtp_str v, size_t i)
{
    char before = '@';

    for (size_t next; i < v.len; i = next) {
        next = token(v, i, before);
        if (v.p[i] != '.' && before != '.' && before != '@')
            return false;
        before = v.p[i];
        text_mem(t, v.p + i, next - i);
        next = cfws(v, next, NULL);
    }
    return true;
}

size_t smtp_address_spec(struct smtp_str v, char *to, size_t cap)
{
    struct text t = text_into(to, cap);
    bool quotes = false;
    size_t at = 0;

    while (at < v.len && v.p[at] != '@')
        at = cfws(v, token(v, at, 0), NULL);
    if (!is_local(v, at, &quotes))
        return 0;
    put_local(&t, v, at, quotes);
    if (at < v.len) {
        text_str(&t, "@");
        if (!put_domain(&t, v, cfws(v, at + 1, NULL)))
            return 0;
    }
    for (size_t i = 0; i < t.len; i++)
        if (is_control(to[i]))
            return 0;
    return t.full ? 0 : t.len;
}

/* Behind the word of a phrase at i: tokens without CFWS between them are one,
 * unless it is a quoted string. plain: an atom. */
static size_t word(struct smtp_str v, size_t i, bool *plain)
{
    bool open;

    *plain = v.p[i] != '"';
    if (!*plain)
        return closed(v, i, '"', &open);
    while (!ends(v, i) && v.p[i] != '"' && cfws(v, i, NULL) == i) {
        *plain = *plain && is_atext(v.p[i]);
        i++;
    }
    return i;
}

/* The words of a phrase; quoted: those that need it. */
static void put_name(struct text *t, struct smtp_str v, bool quoted)
{
    size_t i = cfws(v, 0, NULL), end;

    for (bool plain; !ends(v, i); i = cfws(v, end, NULL)) {
        struct smtp_str w = { v.p + i, 0 };

        end = word(v, i, &plain);
        w.len = end - i;
        if (t->len != 0)
            text_str(t, " ");
        if (plain) {
            text_mem(t, w.p, w.len);
            continue;
        }
        if (quoted)
            text_str(t, "\"");
        if (w.p[0] == '"')
            unquote(t, w, quoted);
        for (size_t k = 0; w.p[0] != '"' && k < w.len; k++) {
            char c = is_control(w.p[k]) ? ' ' : w.p[k];

            if (quoted && c == '\\')
                text_str(t, "\\");
            text_mem(t, &c, 1);
        }
        if (quoted)
            text_str(t, "\"");
    }
}

size_t smtp_address_name(struct smtp_str name, char *to, size_t cap)
{
    struct text t = text_into(to, cap);

    put_name(&t, name, false);
    return t.full ? 0 : t.len;
}

size_t smtp_address_print(const struct smtp_address *a, char *to, size_t cap)
{
    struct text t = text_into(to, cap);
    bool named;
    size_t n;

    put_name(&t, a->name, true);
    named = t.len != 0;
    if (a->spec.p == NULL) {
        text_str(&t, ":");
        return t.full || !named ? 0 : t.len;
    }
    if (a->spec.len == 0 || !is_sendable(a->spec))
        return 0;
    if (named)
        text_str(&t, " <");
    n = smtp_address_spec(a->spec, t.p + t.len, t.cap - t.len);
    t.len += n;
    if (named)
        text_str(&t, ">");
    return t.full || n == 0 ? 0 : t.len;
}
