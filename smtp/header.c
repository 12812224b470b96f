/*
 * header.c - header fields (RFC 5322 2.2, 3.4) found where they lie.
 *
 * "Name:" means no blank before the colon: RFC 5322 4.5 lets readers take
 * one, but nobody writes it, and text such as "Result : 5" is common. ("Bcc :"
 * is no field either, but no text, which would show it: it is refused.) Text
 * such as "Warning: disk full" is common too: lines are a header only if one
 * of them is a field that mail has (section 3.6, MIME's, or X-).
 */
#include "header.h"

#include <string.h>

#include "addrlist.h"
#include "message.h"
#include "scan.h"
#include "text.h"

/* RFC 5322 3.6.8: printable ASCII but the colon. */
static size_t word_len(const uint8_t *p, size_t len)
{
    size_t n = 0;

    while (n < len && p[n] > 32 && p[n] < 127 && p[n] != ':')
        n++;
    return n;
}

/* 0: not a field */
static size_t name_len(const uint8_t *p, size_t len)
{
    size_t n = word_len(p, len);

    return n < len && p[n] == ':' ? n : 0;
}

static bool is_blank(const uint8_t *p, size_t line)
{
    return p[0] == '\n' || (line == 2 && p[0] == '\r' && p[1] == '\n');
}

static bool is_fold(const uint8_t *p, size_t line)
{
    return line != 0 && (p[0] == ' ' || p[0] == '\t');
}

/* The field at p is one that only a mail has. */
static bool is_mail_field(const uint8_t *p, size_t len)
{
    static const char *const names[] = {
        "from",       "sender",      "reply-to",      "to",
        "cc",         "bcc",         "subject",       "date",
        "message-id", "in-reply-to", "references",    "mime-version",
        "received",   "return-path", "auto-submitted"
    };
    static const char *const starts[] = { "content-", "resent-", "x-",
                                          "list-" };
    const char *name = (const char *)p;
    size_t n = name_len(p, len), i;

    for (i = 0; i < sizeof names / sizeof *names; i++) {
        if (text_same(name, n, names[i]))
            return true;
    }
    for (i = 0; i < sizeof starts / sizeof *starts; i++) {
        if (text_starts(name, n, starts[i]))
            return true;
    }
    return false;
}

/* "Bcc :", with a blank or a tab, or Resent-Bcc */
static bool is_odd_bcc(const uint8_t *p, size_t len)
{
    const char *name = (const char *)p;
    size_t n = word_len(p, len), colon = n;

    while (is_fold(p + colon, len - colon))
        colon++;
    return colon != n && colon < len && p[colon] == ':' &&
           (text_same(name, n, "bcc") || text_same(name, n, "resent-bcc"));
}

/* The block whose first field would stand at b.start. */
static struct header_block find_from(const uint8_t *text, size_t len,
                                     struct header_block b)
{
    size_t at = b.start, line = 0;

    for (; at < len; at += line) {
        line = scan_line(text + at, len - at);
        if (is_blank(text + at, line))
            break;
        /* a fold needs a field before it */
        if ((at == b.start || !is_fold(text + at, line)) &&
            name_len(text + at, line) == 0) {
            b.bad = at;
            b.present = b.present || is_odd_bcc(text + at, line);
            break;
        }
        b.present = b.present || is_mail_field(text + at, line);
    }
    b.end = at;
    b.body = at;
    if (at < len && is_blank(text + at, line))
        b.body += line;
    return b;
}

struct header_block header_find(const uint8_t *text, size_t len)
{
    struct header_block b = { false, 0, 0, 0, 0, SIZE_MAX };
    struct header_block none = b;

    if (len >= 5 && memcmp(text, "From ", 5) == 0) {
        b.start = scan_line(text, len);
        b.lines = 1;
    }
    b = find_from(text, len, b);
    if (!b.present) { /* text, "From " and all; an empty header is dropped */
        b = none;
        if (len != 0 && is_blank(text, scan_line(text, len)))
            b.body = scan_line(text, len);
    }
    return b;
}

bool header_next(const uint8_t *text, const struct header_block *block,
                 size_t *at, struct header_field *f)
{
    size_t end = *at, n;

    if (!block->present || end >= block->end)
        return false;
    do {
        end += scan_line(text + end, block->end - end);
    } while (end < block->end && is_fold(text + end, block->end - end));
    n = name_len(text + *at, end - *at);
    f->start = *at;
    f->end = end;
    f->name.p = (const char *)text + *at;
    f->name.len = n;
    f->value.p = f->name.p + n + 1;
    f->value.len = end - *at - n - 1;
    *at = end;
    return true;
}

bool header_has(const uint8_t *text, const struct header_block *block,
                struct smtp_str name)
{
    struct header_field f;
    size_t at = block->start;

    while (header_next(text, block, &at, &f))
        if (text_equal(f.name.p, f.name.len, name.p, name.len))
            return true;
    return false;
}

bool header_address(struct smtp_str v, size_t *at, struct smtp_str *out)
{
    struct smtp_addrlist l = { .text = v, .at = *at };
    struct smtp_address a;
    enum smtp_addr got;

    do {
        got = smtp_addrlist_next(&l, &a);
    } while (got != SMTP_ADDR_MAILBOX && got != SMTP_ADDR_END);
    *at = l.at;
    *out = a.spec;
    return got == SMTP_ADDR_MAILBOX;
}

/* resent: To, Cc and Bcc were the first sender's, Resent-* count (3.6.6) */
static bool names_recipients(struct smtp_str name, bool resent)
{
    static const char prefix[] = "resent-";

    if (resent) {
        if (!text_starts(name.p, name.len, prefix))
            return false;
        name.p += sizeof prefix - 1;
        name.len -= sizeof prefix - 1;
    }
    return text_same(name.p, name.len, "to") ||
           text_same(name.p, name.len, "cc") ||
           text_same(name.p, name.len, "bcc");
}

/* Every time a message is resent, a block of Resent-* fields goes on top of
 * it: narrows b to the first of them. False: there is none. */
static bool resent_block(const uint8_t *text, struct header_block *b)
{
    struct header_field f;
    size_t at = b->start;
    bool found = false;

    while (header_next(text, b, &at, &f)) {
        if (text_starts(f.name.p, f.name.len, "resent-")) {
            if (!found)
                b->start = f.start;
            found = true;
        } else if (found) {
            b->end = f.start;
        }
    }
    return found;
}

/* *state is 4 * offset, plus 1 when the offset is inside an address field,
 * plus 2 for a message that is resent: enough to go on where the last call
 * stopped, so that a list of any length is read once. */
bool message_next_rcpt(const uint8_t *text, size_t len, size_t *state,
                       struct smtp_str *out)
{
    struct header_block b = { true, 0, len, len, 0, SIZE_MAX };
    struct header_field f;
    struct smtp_str all = { (const char *)text, len };
    size_t at = *state / 4;
    bool inside = (*state & 1) != 0, resent = (*state & 2) != 0;

    if (len == 0)
        return false;
    if (*state == 0) {
        b = header_find(text, len);
        resent = resent_block(text, &b);
        at = b.start;
        b.end = b.present ? len : at;
    }
    while (at < b.end) {
        if (inside && header_address(all, &at, out)) {
            *state = 4 * at + 1 + (resent ? 2 : 0);
            return true;
        }
        if (inside) /* at the line end that ends the field */
            at += at < len ? 1 : 0;
        inside = false;
        if (at >= len || name_len(text + at, len - at) == 0 ||
            !header_next(text, &b, &at, &f))
            break;
        if (resent && !text_starts(f.name.p, f.name.len, "resent-"))
            break; /* the first block of them is over */
        if (!names_recipients(f.name, resent))
            continue;
        at = f.start + f.name.len + 1;
        inside = true;
    }
    *state = 4 * len;
    return false;
}

struct smtp_str message_from(const uint8_t *text, size_t len)
{
    struct smtp_str out = { NULL, 0 };
    struct header_block b;
    struct header_field f;
    size_t at, in = 0;

    if (len == 0)
        return out;
    b = header_find(text, len);
    at = b.start;
    while (header_next(text, &b, &at, &f)) {
        if (!text_same(f.name.p, f.name.len, "from"))
            continue;
        if (header_address(f.value, &in, &out))
            return out;
        break;
    }
    out.len = 0;
    return out;
}
