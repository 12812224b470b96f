/*
 * mailbox.c - what may stand between < and > (RFC 5321 4.1.2, 6531 3.3).
 *
 * Local part: a dot-string or a quoted string, 64 bytes at most. Domain:
 * labels of letters, digits and inner hyphens, or UTF-8 (RFC 6531), or an
 * address literal. A path is 254 bytes at most (4.5.3.1.3 less the <>).
 * Source routes are refused. "postmaster" may stand alone (4.5.1). Nothing
 * that is accepted holds a control byte or an unquoted <, > or blank, so
 * that no address can end a command line or add a parameter to it.
 */
#include "smtp.h"

#include "text.h"

#include <string.h>

#define PATH_MAX_BYTES 254
#define LOCAL_MAX      64
#define LABEL_MAX      63

static bool alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9');
}

/* Length of a UTF-8 character beyond ASCII that is fit for an address: no C1
 * control either; 0 for anything else. */
static size_t utf8_char(struct smtp_str s, size_t at)
{
    size_t len;

    if ((uint8_t)s.p[at] < 0x80)
        return 0;
    len = text_char(s.p + at, s.len - at);
    if (len == 2 && (uint8_t)s.p[at] == 0xc2 && (uint8_t)s.p[at + 1] < 0xa0)
        return 0;
    return len;
}

static bool atext(char c)
{
    return alnum(c) || memchr("!#$%&'*+-/=?^_`{|}~", c, 19) != NULL;
}

/* Each returns the bytes used, 0 if there is none of its kind. */
static size_t dot_string(struct smtp_str s, bool *utf8)
{
    size_t at = 0, atom = 0;

    while (at < s.len && s.p[at] != '@') {
        size_t n = utf8_char(s, at);

        if (n != 0) {
            *utf8 = true;
        } else if (atext(s.p[at])) {
            n = 1;
        } else {
            if (s.p[at] != '.' || atom == 0)
                return 0;
            atom = 0;
            at++;
            continue;
        }
        atom += n;
        at += n;
    }
    return atom == 0 ? 0 : at;
}

static size_t quoted_string(struct smtp_str s, bool *utf8)
{
    size_t at = 1;

    while (at < s.len && s.p[at] != '"') {
        size_t n = utf8_char(s, at);

        if (n != 0) {
            *utf8 = true;
            at += n;
            continue;
        }
        if (s.p[at] == '\\' && ++at == s.len)
            return 0;
        if (s.p[at] < 0x20 || s.p[at] > 0x7e)
            return 0;
        at++;
    }
    return at < s.len ? at + 1 : 0;
}

static bool domain_ok(struct smtp_str s, bool *utf8)
{
    size_t label = 0;

    for (size_t at = 0; at < s.len;) {
        size_t n = utf8_char(s, at);

        if (n != 0)
            *utf8 = true;
        else if (alnum(s.p[at]) || (s.p[at] == '-' && label != 0))
            n = 1;
        else if (s.p[at] == '.' && label != 0 && s.p[at - 1] != '-') {
            label = 0;
            at++;
            continue;
        } else {
            return false;
        }
        label += n;
        at += n;
        if (label > LABEL_MAX)
            return false;
    }
    return label != 0 && s.p[s.len - 1] != '-';
}

static bool ipv4_ok(struct smtp_str s)
{
    unsigned parts = 0, value = 0, digits = 0;

    for (size_t i = 0; i <= s.len; i++) {
        if (i < s.len && s.p[i] >= '0' && s.p[i] <= '9') {
            value = value * 10 + (unsigned)(s.p[i] - '0');
            if (++digits > 3 || value > 255)
                return false;
        } else if ((i == s.len || s.p[i] == '.') && digits != 0) {
            parts++;
            value = digits = 0;
        } else {
            return false;
        }
    }
    return parts == 4;
}

static bool hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') ||
           (c >= 'A' && c <= 'F');
}

/* RFC 5321 4.1.3: eight groups, or fewer and one "::"; the last two groups
 * may be an IPv4 address. */
static bool ipv6_ok(struct smtp_str s)
{
    size_t groups = 0, at = 0;
    bool gap = false;

    while (at < s.len) {
        struct smtp_str rest = { s.p + at, s.len - at };
        size_t n = 0;

        if (rest.len >= 2 && rest.p[0] == ':' && rest.p[1] == ':') {
            if (gap)
                return false;
            gap = true;
            at += 2;
            continue;
        }
        if (rest.p[0] == ':') {
            if (at == 0 || s.p[at - 1] == ':' || rest.len == 1)
                return false;
            at++;
            continue;
        }
        while (n < rest.len && n < 5 && hex(rest.p[n]))
            n++;
        if (n < rest.len && rest.p[n] == '.') {
            if (!ipv4_ok(rest))
                return false;
            groups += 2;
            break;
        }
        if (n == 0 || n > 4)
            return false;
        groups++;
        at += n;
    }
    return gap ? groups <= 7 : groups == 8;
}

/* "[" IPv4 / "IPv6:" IPv6 / tag ":" dcontent "]"; of the third kind no tag
 * has ever been registered, so it is refused. */
static bool literal_ok(struct smtp_str s)
{
    struct smtp_str in = { s.p + 1, s.len - 2 };

    if (s.len < 3 || s.p[s.len - 1] != ']')
        return false;
    if (text_starts(in.p, in.len, "IPv6:")) {
        in.p += 5;
        in.len -= 5;
        return ipv6_ok(in);
    }
    return ipv4_ok(in);
}

bool smtp_mailbox_ok(struct smtp_str s, bool *utf8, const char **why)
{
    struct smtp_str domain;
    size_t local;

    *utf8 = false;
    *why = "the address is empty";
    if (s.len == 0)
        return false;
    *why = "the address is longer than 254 bytes";
    if (s.len > PATH_MAX_BYTES)
        return false;
    if (text_same(s.p, s.len, "postmaster"))
        return true;
    local = s.p[0] == '"' ? quoted_string(s, utf8) : dot_string(s, utf8);
    *why = "the part before the @ is malformed";
    if (local == 0)
        return false;
    *why = "the part before the @ is longer than 64 bytes";
    if (local > LOCAL_MAX)
        return false;
    *why = "the address has no @ and domain";
    if (local == s.len)
        return false;
    *why = "the part before the @ is malformed";
    if (s.p[local] != '@')
        return false;
    domain.p = s.p + local + 1;
    domain.len = s.len - local - 1;
    *why = "the part behind the @ is no domain";
    return domain.len != 0 &&
           (domain.p[0] == '[' ? literal_ok(domain) : domain_ok(domain, utf8));
}
