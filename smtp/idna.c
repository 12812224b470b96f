/*
 * idna.c - see idna.h. RFC 3492 (Punycode), RFC 5891 section 5 (look-up).
 *
 * The tables of all code points that a label may hold (RFC 5892) would be
 * larger than the rest of smtp/; the registry of the domain has applied them.
 * What is done here: capital letters of the Latin, Greek, Cyrillic and
 * Armenian alphabets become small ones, the four full stops part labels, and
 * what no registry takes is refused: controls, blanks, punctuation and
 * symbols, full-width and private code points, and a combining mark that
 * begins a label or follows a letter of a European alphabet, which is a
 * domain that was not brought into its composed form (NFC).
 */
#include "idna.h"

#include <string.h>

#define LABEL_MAX  63 /* octets in DNS */
#define DOMAIN_MAX 255

/* RFC 3492 section 5 */
enum { BASE = 36, TMIN = 1, TMAX = 26, SKEW = 38, DAMP = 700, BIAS = 72 };
#define FIRST UINT32_C(128)

static uint32_t adapt(uint32_t delta, uint32_t points, bool first)
{
    uint32_t k = 0;

    delta = first ? delta / DAMP : delta / 2;
    delta += delta / points;
    for (; delta > (BASE - TMIN) * TMAX / 2; k += BASE)
        delta /= BASE - TMIN;
    return k + (BASE - TMIN + 1) * delta / (delta + SKEW);
}

static void digit(struct text *t, uint32_t d)
{
    char c = (char)(d < 26 ? 'a' + d : '0' + d - 26);

    text_mem(t, &c, 1);
}

/* One delta as an integer of variable length (RFC 3492 3.3). */
static void put_delta(struct text *t, uint32_t q, uint32_t bias)
{
    for (uint32_t k = BASE;; k += BASE) {
        uint32_t low = k <= bias ? TMIN : k >= bias + TMAX ? TMAX : k - bias;

        if (q < low)
            break;
        digit(t, low + (q - low) % (BASE - low));
        q = (q - low) / (BASE - low);
    }
    digit(t, q);
}

/* A label is LABEL_MAX code points at most, and a code point below 2^21: no
 * sum here comes near 2^32. */
static void punycode(struct text *t, const uint32_t *cp, size_t n)
{
    uint32_t next = FIRST, delta = 0, bias = BIAS, done = 0, basic;
    size_t i;

    for (i = 0; i < n; i++) {
        if (cp[i] < FIRST) {
            char c = (char)cp[i];

            text_mem(t, &c, 1);
            done++;
        }
    }
    basic = done;
    if (basic != 0)
        text_str(t, "-");
    while (done < n) {
        uint32_t least = UINT32_MAX;

        for (i = 0; i < n; i++)
            if (cp[i] >= next && cp[i] < least)
                least = cp[i];
        delta += (least - next) * (done + 1);
        next = least;
        for (i = 0; i < n; i++) {
            if (cp[i] < next)
                delta++;
            if (cp[i] != next)
                continue;
            put_delta(t, delta, bias);
            bias = adapt(delta, done + 1, done == basic);
            delta = 0;
            done++;
        }
        delta++;
        next++;
    }
}

/* --------------------------------------------------------- code points */

struct range {
    uint32_t first, last;
};

static bool in(const struct range *r, size_t count, uint32_t c)
{
    for (size_t i = 0; i < count; i++)
        if (c >= r[i].first && c <= r[i].last)
            return true;
    return false;
}

/* no registry takes these */
static bool is_refused(uint32_t c)
{
    static const struct range r[] = {
        { 0x00, 0x2c },       { 0x2f, 0x2f },       { 0x3a, 0x40 },
        { 0x5b, 0x60 },       { 0x7b, 0xb6 },       { 0xb8, 0xbf },
        { 0xd7, 0xd7 },       { 0xf7, 0xf7 },       { 0x2000, 0x200b },
        { 0x200e, 0x214d },   { 0x214f, 0x2183 },   { 0x2185, 0x2bff },
        { 0x2e00, 0x2e2e },   { 0x2e30, 0x3004 },   { 0x3008, 0x3029 },
        { 0xd800, 0xf8ff },   { 0xfe00, 0xfe1f },   { 0xfe30, 0xfe72 },
        { 0xfe74, 0xffff },   { 0x1d000, 0x1d7ff }, { 0x1f000, 0x1faff },
        { 0x1fffe, 0x1ffff }, { 0x2fffe, 0x2ffff }, { 0xe0000, 0x10ffff },
    };

    return in(r, sizeof r / sizeof *r, c);
}

static bool is_combining(uint32_t c)
{
    return c >= 0x300 && c <= 0x36f;
}

/* U+3002, U+FF0E, U+FF61: what an input method writes for a full stop */
static bool is_stop(uint32_t c)
{
    return c == '.' || c == 0x3002 || c == 0xff0e || c == 0xff61;
}

static uint32_t lower(uint32_t c)
{
    static const struct {
        uint16_t first, last, to;
    } moved[] = {
        { 'A', 'Z', 'a' },       { 0xc0, 0xd6, 0xe0 },
        { 0xd8, 0xde, 0xf8 },    { 0x178, 0x178, 0xff },
        { 0x386, 0x386, 0x3ac }, { 0x388, 0x38a, 0x3ad },
        { 0x38c, 0x38c, 0x3cc }, { 0x38e, 0x38f, 0x3cd },
        { 0x391, 0x3a1, 0x3b1 }, { 0x3a3, 0x3ab, 0x3c3 },
        { 0x3cf, 0x3cf, 0x3d7 }, { 0x400, 0x40f, 0x450 },
        { 0x410, 0x42f, 0x430 }, { 0x4c0, 0x4c0, 0x4cf },
        { 0x531, 0x556, 0x561 }, { 0x1e9e, 0x1e9e, 0xdf },
    };
    /* pairs, of which the capital is the even one, or the odd one */
    static const struct range even[] = {
        { 0x100, 0x12f },   { 0x132, 0x137 }, { 0x14a, 0x177 },
        { 0x1a0, 0x1a5 },   { 0x1de, 0x1ef }, { 0x1f8, 0x21f },
        { 0x222, 0x233 },   { 0x246, 0x24f }, { 0x460, 0x481 },
        { 0x48a, 0x4bf },   { 0x4d0, 0x52f }, { 0x1e00, 0x1e95 },
        { 0x1ea0, 0x1eff },
    };
    static const struct range odd[] = {
        { 0x139, 0x148 }, { 0x179, 0x17e }, { 0x1af, 0x1b0 },
        { 0x1cd, 0x1dc }, { 0x4c1, 0x4ce },
    };

    for (size_t i = 0; i < sizeof moved / sizeof *moved; i++)
        if (c >= moved[i].first && c <= moved[i].last)
            return moved[i].to + (c - moved[i].first);
    if (in(even, sizeof even / sizeof *even, c))
        return c | 1;
    return in(odd, sizeof odd / sizeof *odd, c) ? c + (c & 1) : c;
}

/* The code point at p, which text_char() has found well formed. */
static uint32_t decode(const char *p, size_t len)
{
    static const uint8_t mask[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
    uint32_t c = (uint8_t)p[0] & (uint32_t)mask[len];

    for (size_t i = 1; i < len; i++)
        c = c << 6 | ((uint8_t)p[i] & 0x3fu);
    return c;
}

/* -------------------------------------------------------------- labels */

struct label {
    uint32_t cp[LABEL_MAX];
    size_t n;
    bool ascii;
};

/* RFC 5891 5.4, as far as it goes without tables. */
static bool label_ok(const struct label *l, const char **why)
{
    *why = "a label of the domain is empty or longer than 63 bytes";
    if (l->n == 0)
        return false;
    if (l->ascii)
        return true;
    *why = "a label of the domain begins or ends with a hyphen, or has two "
           "at its third and fourth place";
    if (l->cp[0] == '-' || l->cp[l->n - 1] == '-' ||
        (l->n >= 4 && l->cp[2] == '-' && l->cp[3] == '-'))
        return false;
    for (size_t i = 0; i < l->n; i++) {
        *why = "the domain holds a character that no domain may hold";
        if (is_refused(l->cp[i]))
            return false;
        *why = "the domain holds a combining mark where a composed letter "
               "should be (normalise it to NFC)";
        if (is_combining(l->cp[i]) && (i == 0 || l->cp[i - 1] < 0x590))
            return false;
    }
    return true;
}

static bool put_label(struct text *t, const struct label *l, const char **why)
{
    size_t start = t->len;

    if (!label_ok(l, why))
        return false;
    if (!l->ascii)
        text_str(t, "xn--");
    for (size_t i = 0; l->ascii && i < l->n; i++) {
        char c = (char)l->cp[i];

        text_mem(t, &c, 1);
    }
    if (!l->ascii)
        punycode(t, l->cp, l->n);
    *why = "a label of the domain is longer than 63 bytes in DNS";
    return t->len - start <= LABEL_MAX && !t->full;
}

static bool is_ascii(struct smtp_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((uint8_t)s.p[i] > 0x7f)
            return false;
    return true;
}

bool idna_domain(struct text *t, struct smtp_str s, const char **why)
{
    struct label l = { { 0 }, 0, true };
    size_t at = 0;

    if (is_ascii(s)) {
        text_mem(t, s.p, s.len);
        return true;
    }
    while (at < s.len) {
        size_t n = text_char(s.p + at, s.len - at);
        uint32_t c;

        *why = "the domain is not valid UTF-8";
        if (n == 0)
            return false;
        c = lower(decode(s.p + at, n));
        at += n;
        if (is_stop(c)) {
            if (!put_label(t, &l, why))
                return false;
            text_str(t, ".");
            l.n = 0;
            l.ascii = true;
            continue;
        }
        *why = "a label of the domain is longer than 63 bytes";
        if (l.n == LABEL_MAX)
            return false;
        l.cp[l.n++] = c;
        l.ascii = l.ascii && c < FIRST;
    }
    return put_label(t, &l, why);
}

bool idna_address(struct text *t, struct smtp_str a, bool *utf8,
                  const char **why)
{
    struct smtp_str local = a, domain;
    struct text made;
    char buf[DOMAIN_MAX];

    *utf8 = false;
    if (a.len == 0) /* the null sender, which may be no pointer at all */
        return true;
    while (local.len != 0 && a.p[local.len - 1] != '@')
        local.len--;
    domain.p = a.p + local.len;
    domain.len = a.len - local.len;
    made = text_into(buf, sizeof buf);
    if (!idna_domain(&made, domain, why) || made.full)
        return false;
    *utf8 = !is_ascii(local);
    if (*utf8) { /* RFC 6531: then the domain may stay as it is */
        text_mem(t, a.p, a.len);
        return true;
    }
    text_mem(t, local.p, local.len);
    text_mem(t, buf, made.len);
    return true;
}
