/*
 * mailbox.c - addresses. See mailbox.h.
 *
 * Local part: a dot-string or a quoted string. Domain: labels of letters,
 * digits and inner hyphens, or UTF-8, or an address literal. Stricter than
 * RFC 5321 in one place: the content of a tagged literal holds no < and >.
 * More lenient in one: "::" in an IPv6 literal may stand for a single group.
 */
#include "mailbox.h"

#include "text.h"

#include <string.h>

#define LABEL_MAX 63

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

static bool name_ok(struct smtp_str s, bool *utf8)
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

static bool ipv4(struct smtp_str s, uint8_t ip[4])
{
    unsigned parts = 0, value = 0, digits = 0;

    for (size_t i = 0; i <= s.len; i++) {
        if (i < s.len && s.p[i] >= '0' && s.p[i] <= '9') {
            value = value * 10 + (unsigned)(s.p[i] - '0');
            if (++digits > 3 || value > 255)
                return false;
        } else if ((i == s.len || s.p[i] == '.') && digits != 0 && parts < 4) {
            ip[parts++] = (uint8_t)value;
            value = digits = 0;
        } else {
            return false;
        }
    }
    return parts == 4;
}

/* The value of a hexadecimal digit, 16 for anything else. */
static unsigned hex(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    if (c >= 'a' && c <= 'f')
        return (unsigned)(c - 'a') + 10;
    if (c >= 'A' && c <= 'F')
        return (unsigned)(c - 'A') + 10;
    return 16;
}

/* One group of an IPv6 address, or the IPv4 address that may end it, into
 * ip[*len]; returns the bytes used, 0 if there is none. */
static size_t ipv6_group(struct smtp_str s, uint8_t ip[16], size_t *len)
{
    unsigned value = 0;
    size_t n = 0;

    while (n < s.len && n < 5 && hex(s.p[n]) < 16)
        value = value * 16 + hex(s.p[n++]);
    if (n < s.len && s.p[n] == '.') {
        if (*len > 12 || !ipv4(s, ip + *len))
            return 0;
        *len += 4;
        return s.len;
    }
    if (n == 0 || n > 4 || *len > 14)
        return 0;
    ip[(*len)++] = (uint8_t)(value >> 8);
    ip[(*len)++] = (uint8_t)value;
    return n;
}

/* RFC 5321 4.1.3: eight groups, or fewer and one "::". */
static bool ipv6(struct smtp_str s, uint8_t ip[16])
{
    size_t len = 0, at = 0, gap = SIZE_MAX; /* where the "::" stands in ip */

    while (at < s.len) {
        struct smtp_str rest = { s.p + at, s.len - at };
        size_t n;

        if (rest.len >= 2 && rest.p[0] == ':' && rest.p[1] == ':') {
            if (gap != SIZE_MAX)
                return false;
            gap = len;
            at += 2;
            continue;
        }
        if (rest.p[0] == ':') {
            if (at == 0 || s.p[at - 1] == ':' || rest.len == 1)
                return false;
            at++;
            continue;
        }
        n = ipv6_group(rest, ip, &len);
        if (n == 0)
            return false;
        at += n;
    }
    if (gap == SIZE_MAX || len > 14)
        return gap == SIZE_MAX && len == 16;
    memmove(ip + 16 - (len - gap), ip + gap, len - gap);
    memset(ip + gap, 0, 16 - len);
    return true;
}

/* Standardized-tag ":" 1*dcontent, the tag a word as in a domain. */
static bool tagged_ok(struct smtp_str s)
{
    size_t at = 0;

    while (at < s.len && (alnum(s.p[at]) || s.p[at] == '-'))
        at++;
    if (at == 0 || s.p[at - 1] == '-' || at + 1 >= s.len || s.p[at] != ':')
        return false;
    while (++at < s.len)
        if (s.p[at] < 0x21 || s.p[at] > 0x7e ||
            memchr("[]\\<>", s.p[at], 5) != NULL)
            return false;
    return true;
}

/* "[" IPv4 / "IPv6:" IPv6 / tag ":" content "]" */
static bool literal_ok(struct smtp_str s, struct smtp_mailbox *m)
{
    struct smtp_str in = { s.p + 1, s.len - 2 };

    if (s.len < 3 || s.p[s.len - 1] != ']')
        return false;
    if (text_starts(in.p, in.len, "IPv6:")) {
        in.p += 5;
        in.len -= 5;
        m->host = MAILBOX_IPV6;
        return ipv6(in, m->ip);
    }
    m->host = MAILBOX_IPV4;
    if (ipv4(in, m->ip))
        return true;
    m->host = MAILBOX_TAGGED;
    memset(m->ip, 0, sizeof m->ip);
    return tagged_ok(in);
}

static bool domain_ok(struct smtp_str s, struct smtp_mailbox *m)
{
    m->host = MAILBOX_NAME;
    m->domain = s;
    if (s.len == 0 || s.len > MAILBOX_DOMAIN_MAX)
        return false;
    return s.p[0] == '[' ? literal_ok(s, m) : name_ok(s, &m->utf8);
}

bool smtp_domain_ok(struct smtp_str s, bool *utf8)
{
    struct smtp_mailbox m = { 0 };
    bool ok = domain_ok(s, &m);

    *utf8 = m.utf8;
    return ok;
}

static bool parse(struct smtp_str s, struct smtp_mailbox *m, const char **why)
{
    struct smtp_str domain;
    size_t local;

    *why = "the address is empty";
    if (s.len == 0)
        return false;
    *why = "the address is longer than 254 bytes";
    if (s.len > MAILBOX_PATH_MAX - 2)
        return false;
    m->local = s;
    m->kind = MAILBOX_POSTMASTER;
    if (text_same(s.p, s.len, "postmaster"))
        return true;
    m->kind = MAILBOX_FULL;
    m->quoted = s.p[0] == '"';
    local = m->quoted ? quoted_string(s, &m->utf8) : dot_string(s, &m->utf8);
    *why = "the part before the @ is malformed";
    if (local == 0)
        return false;
    *why = "the part before the @ is longer than 64 bytes";
    if (local > MAILBOX_LOCAL_MAX)
        return false;
    *why = "the address has no @ and domain";
    if (local == s.len)
        return false;
    *why = "the part before the @ is malformed";
    if (s.p[local] != '@')
        return false;
    m->local.len = local;
    if (m->quoted) {
        m->local.p++;
        m->local.len -= 2;
    }
    domain.p = s.p + local + 1;
    domain.len = s.len - local - 1;
    *why = "the part behind the @ is no domain";
    return domain_ok(domain, m);
}

bool smtp_mailbox_parse(struct smtp_str s, struct smtp_mailbox *m,
                        const char **why)
{
    memset(m, 0, sizeof *m);
    return parse(s, m, why);
}

bool smtp_mailbox_ok(struct smtp_str s, bool *utf8, const char **why)
{
    struct smtp_mailbox m;
    bool ok = smtp_mailbox_parse(s, &m, why);

    *utf8 = m.utf8;
    return ok;
}

/* --- paths ------------------------------------------------------------- */

/* The bytes up to the > that ends the path, SIZE_MAX if there is none; one in
 * quotes does not end it. */
static size_t path_end(struct smtp_str s)
{
    bool quoted = false;

    for (size_t i = 1; i < s.len && i < MAILBOX_PATH_MAX; i++) {
        if (quoted && s.p[i] == '\\')
            i++;
        else if (s.p[i] == '"')
            quoted = !quoted;
        else if (s.p[i] == '>' && !quoted)
            return i;
    }
    return SIZE_MAX;
}

/* A-d-l ":": @domain{,@domain}; 0 if it is malformed. */
static size_t route(struct smtp_str s)
{
    size_t at = 0;

    for (;;) {
        struct smtp_str host = { NULL, 0 };
        bool utf8;

        if (at == s.len || s.p[at++] != '@')
            return 0;
        host.p = s.p + at;
        while (at < s.len && s.p[at] != ',' &&
               (s.p[at] != ':' ||
                (host.len != 0 && host.p[0] == '[' && s.p[at - 1] != ']'))) {
            at++;
            host.len++;
        }
        if (at == s.len || !smtp_domain_ok(host, &utf8))
            return 0;
        if (s.p[at++] == ':')
            return at;
    }
}

size_t smtp_path_parse(struct smtp_str s, struct smtp_mailbox *m,
                       const char **why)
{
    struct smtp_str in;
    size_t end, skip = 0;

    memset(m, 0, sizeof *m);
    *why = "an address must stand between < and >";
    if (s.len == 0 || s.p[0] != '<')
        return 0;
    end = path_end(s);
    if (end == SIZE_MAX) {
        if (s.len >= MAILBOX_PATH_MAX)
            *why = "the path is longer than 256 bytes";
        return 0;
    }
    if (end == 1) {
        m->kind = MAILBOX_NULL;
        return 2;
    }
    in.p = s.p + 1;
    in.len = end - 1;
    if (in.p[0] == '@') {
        *why = "the source route is malformed";
        skip = route(in);
        if (skip == 0)
            return 0;
    }
    in.p += skip;
    in.len -= skip;
    return parse(in, m, why) ? end + 1 : 0;
}

/* --- printing, comparing ------------------------------------------------ */

/* The next byte that the local part means. */
static char meant(const struct smtp_mailbox *m, size_t *at)
{
    if (m->quoted && m->local.p[*at] == '\\' && *at + 1 < m->local.len)
        ++*at;
    return m->local.p[(*at)++];
}

static bool needs_quotes(const struct smtp_mailbox *m)
{
    bool atom = false;

    for (size_t at = 0; at < m->local.len;) {
        char c = meant(m, &at);

        if ((uint8_t)c >= 0x80 || atext(c))
            atom = true;
        else if (c != '.' || !atom)
            return true;
        else
            atom = false;
    }
    return !atom;
}

size_t smtp_mailbox_print(const struct smtp_mailbox *m, char *to, size_t cap)
{
    struct text t = text_into(to, cap);
    bool quotes = m->kind == MAILBOX_FULL && needs_quotes(m);

    if (m->kind == MAILBOX_NULL)
        return 0;
    if (quotes)
        text_str(&t, "\"");
    for (size_t at = 0; at < m->local.len;) {
        char c = meant(m, &at);

        if ((uint8_t)c < 0x20 || c == 0x7f)
            return 0;
        if (quotes && (c == '"' || c == '\\'))
            text_str(&t, "\\");
        text_mem(&t, &c, 1);
    }
    if (quotes)
        text_str(&t, "\"");
    if (m->kind == MAILBOX_FULL) {
        text_str(&t, "@");
        text_mem(&t, m->domain.p, m->domain.len);
    }
    return t.full ? 0 : t.len;
}

static bool same_domain(const struct smtp_mailbox *a,
                        const struct smtp_mailbox *b)
{
    if (a->host != b->host)
        return false;
    if (a->host == MAILBOX_IPV4 || a->host == MAILBOX_IPV6)
        return memcmp(a->ip, b->ip, sizeof a->ip) == 0;
    return text_equal(a->domain.p, a->domain.len, b->domain.p, b->domain.len);
}

bool smtp_mailbox_same(const struct smtp_mailbox *a,
                       const struct smtp_mailbox *b)
{
    size_t i = 0, k = 0;

    if (a->kind != b->kind || a->kind != MAILBOX_FULL)
        return a->kind == b->kind;
    while (i < a->local.len && k < b->local.len)
        if (meant(a, &i) != meant(b, &k))
            return false;
    return i == a->local.len && k == b->local.len && same_domain(a, b);
}
