/*
 * dkim_check.c - see dkim_check.h.
 *
 * The numbers are sections of RFC 6376. Not here: q= other than dns/txt; field
 * names with blanks before the colon, which then are not found.
 */
#include "dkim_check.h"

#include <string.h>

#include "base64.h"
#include "header.h"
#include "text.h"

#define NAMES_MAX 200  /* in h=: each one is a walk over the header */
#define BITS_MIN  1024 /* of an RSA key, RFC 8301 3.2 */

static void settle(struct dkim_check *c, enum dkim_verdict verdict,
                   const char *why)
{
    if (c->verdict != DKIM_OPEN)
        return;
    c->verdict = verdict;
    c->why = why;
}

/* --- tag=value lists (3.2) ----------------------------------------------- */

static bool is_fws(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct smtp_str trimmed(struct smtp_str s)
{
    while (s.len != 0 && is_fws(s.p[0])) {
        s.p++;
        s.len--;
    }
    while (s.len != 0 && is_fws(s.p[s.len - 1]))
        s.len--;
    return s;
}

/* The next piece of s up to the separator, from *at, which goes behind it. */
static bool split(struct smtp_str s, char separator, size_t *at,
                  struct smtp_str *out)
{
    size_t start = *at;

    if (start > s.len)
        return false;
    while (*at < s.len && s.p[*at] != separator)
        ++*at;
    out->p = s.p + start;
    out->len = *at - start;
    ++*at;
    return true;
}

/* The next tag; false at the end, and *bad if the list is none. raw: the value
 * with the blanks around it. */
static bool next_tag(struct smtp_str list, size_t *at, struct smtp_str *name,
                     struct smtp_str *raw, bool *bad)
{
    struct smtp_str piece;
    size_t eq = 0;

    while (split(list, ';', at, &piece)) {
        if (trimmed(piece).len == 0 && *at > list.len)
            return false; /* a ; may end the list */
        if (!split(piece, '=', &eq, name) || eq > piece.len) {
            *bad = true;
            return false;
        }
        *name = trimmed(*name);
        raw->p = piece.p + eq;
        raw->len = piece.len - eq;
        *bad = name->len == 0;
        return !*bad;
    }
    return false;
}

static bool same(struct smtp_str a, const char *text)
{
    return a.len == strlen(text) && memcmp(a.p, text, a.len) == 0;
}

/* A value that is not there is of no place. Tag names know upper and lower
 * case. */
static struct smtp_str raw_tag(struct smtp_str list, const char *wanted)
{
    struct smtp_str name, raw, none = { NULL, 0 };
    size_t at = 0;
    bool bad = false;

    while (next_tag(list, &at, &name, &raw, &bad))
        if (same(name, wanted))
            return raw;
    return none;
}

static struct smtp_str tag(struct smtp_str list, const char *wanted)
{
    struct smtp_str raw = raw_tag(list, wanted);

    return raw.p == NULL ? raw : trimmed(raw);
}

/* A list in which no name stands twice. */
static bool is_list(struct smtp_str list)
{
    struct smtp_str a, b, raw;
    size_t at = 0;
    bool bad = false;

    while (next_tag(list, &at, &a, &raw, &bad)) {
        size_t k = at;

        while (next_tag(list, &k, &b, &raw, &bad))
            if (a.len == b.len && memcmp(a.p, b.p, a.len) == 0)
                return false;
        if (bad)
            return false;
    }
    return !bad;
}

/* One of the words between colons. */
static bool has_word(struct smtp_str list, const char *word)
{
    struct smtp_str piece;
    size_t at = 0;

    while (split(list, ':', &at, &piece)) {
        piece = trimmed(piece);
        if (text_same(piece.p, piece.len, word))
            return true;
    }
    return false;
}

/* Base64 with blanks in it; to has room for cap characters. */
static bool decode(struct smtp_str s, uint8_t *to, size_t cap, size_t *len)
{
    size_t n = 0;

    if (s.p == NULL)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (is_fws(s.p[i]))
            continue;
        if (n == cap)
            return false;
        to[n++] = (uint8_t)s.p[i];
    }
    return n != 0 && base64_decode(to, len, (const char *)to, n);
}

/* Decimal digits; -1: none, or more than anybody needs. */
static int64_t number(struct smtp_str s)
{
    int64_t v = 0;

    if (s.p == NULL || s.len == 0 || s.len > 18)
        return -1;
    for (size_t i = 0; i < s.len; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return -1;
        v = v * 10 + (s.p[i] - '0');
    }
    return v;
}

/* --- the signature (3.5, 6.1.1) ------------------------------------------ */

static bool is_dns(struct smtp_str s)
{
    if (s.p == NULL)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.p[i];

        if (!((c | 0x20) >= 'a' && (c | 0x20) <= 'z') &&
            !(c >= '0' && c <= '9') && c != '-' && c != '_' && c != '.')
            return false;
    }
    return s.len != 0 && s.len <= 253;
}

/* What is behind the @ of i= is d= or below it. */
static bool covers(struct smtp_str domain, struct smtp_str identity, bool exact)
{
    const char *at =
        identity.len == 0 ? NULL : memchr(identity.p, '@', identity.len);
    struct smtp_str in;

    if (identity.len == 0)
        return true;
    if (at == NULL)
        return false;
    in.p = at + 1;
    in.len = identity.len - (size_t)(in.p - identity.p);
    if (in.len < domain.len || (exact && in.len != domain.len))
        return false;
    return text_equal(in.p + in.len - domain.len, domain.len, domain.p,
                      domain.len) &&
           (in.len == domain.len || in.p[in.len - domain.len - 1] == '.');
}

static void read_algorithm(struct dkim_check *c, struct smtp_str a)
{
    c->algorithm = DKIM_RSA_SHA256;
    if (text_same(a.p, a.len, "ed25519-sha256"))
        c->algorithm = DKIM_ED25519_SHA256;
    else if (text_same(a.p, a.len, "rsa-sha1"))
        settle(c, DKIM_POLICY, "rsa-sha1 proves nothing any more");
    else if (!text_same(a.p, a.len, "rsa-sha256"))
        settle(c, DKIM_PERMERROR, "a= names an unknown algorithm");
}

static void read_canonical(struct dkim_check *c, struct smtp_str s)
{
    struct smtp_str header, body = { "simple", 6 };
    size_t at = 0;

    if (s.p == NULL)
        s = body;
    split(s, '/', &at, &header);
    split(s, '/', &at, &body);
    c->simple_header = text_same(header.p, header.len, "simple");
    c->body.simple = text_same(body.p, body.len, "simple");
    if ((!c->simple_header && !text_same(header.p, header.len, "relaxed")) ||
        (!c->body.simple && !text_same(body.p, body.len, "relaxed")) ||
        at <= s.len)
        settle(c, DKIM_PERMERROR, "c= names an unknown canonical form");
}

static void read_names(struct dkim_check *c, struct smtp_str h)
{
    struct smtp_str piece;
    size_t at = 0, n = 0;

    c->names = h;
    while (h.p != NULL && split(h, ':', &at, &piece))
        n++;
    if (n == 0 || !has_word(h, "from"))
        settle(c, DKIM_PERMERROR, "the From field is not signed");
    if (n > NAMES_MAX)
        settle(c, DKIM_PERMERROR, "h= names more than 200 fields");
}

static void read_numbers(struct dkim_check *c, struct smtp_str list)
{
    struct smtp_str t = tag(list, "t"), x = tag(list, "x"), l = tag(list, "l");

    c->time = number(t);
    c->expires = number(x);
    c->limited = l.p != NULL;
    c->left = (uint64_t)number(l);
    if ((t.p != NULL && c->time < 0) || (x.p != NULL && c->expires < 0) ||
        (c->limited && number(l) < 0))
        settle(c, DKIM_PERMERROR, "t=, x= or l= is no number");
    if (x.p != NULL && c->expires <= c->time)
        settle(c, DKIM_PERMERROR, "x= is not later than t=");
}

static void read_hashes(struct dkim_check *c, struct smtp_str list)
{
    uint8_t buf[DKIM_SIGNATURE_MAX / 3 * 4 + 4];
    struct smtp_str b = raw_tag(list, "b");
    size_t n = 0;

    if (!decode(tag(list, "bh"), buf, 44, &n) || n != DKIM_HASH) {
        settle(c, DKIM_PERMERROR, "bh= is no hash");
        return;
    }
    memcpy(c->body_hash, buf, DKIM_HASH);
    if (!decode(b, buf, sizeof buf, &n) || n > sizeof c->sig) {
        settle(c, DKIM_PERMERROR, "b= is no signature");
        return;
    }
    memcpy(c->sig, buf, n);
    c->sig_len = n;
    c->b_from = (size_t)(b.p - (const char *)c->header);
    c->b_to = c->b_from + b.len;
}

static void read_signature(struct dkim_check *c, struct smtp_str list)
{
    struct smtp_str q = tag(list, "q");

    if (!is_list(list))
        settle(c, DKIM_PERMERROR, "the signature is no list of tags");
    if (!same(tag(list, "v"), "1"))
        settle(c, DKIM_PERMERROR, "v= is not 1");
    c->domain = tag(list, "d");
    c->selector = tag(list, "s");
    c->identity = tag(list, "i");
    if (!is_dns(c->domain) || !is_dns(c->selector))
        settle(c, DKIM_PERMERROR, "d= or s= is no domain");
    if (!covers(c->domain, c->identity, false))
        settle(c, DKIM_PERMERROR, "i= is not within d=");
    if (q.p != NULL && !has_word(q, "dns/txt"))
        settle(c, DKIM_PERMERROR, "q= does not name dns/txt");
    read_algorithm(c, tag(list, "a"));
    read_canonical(c, tag(list, "c"));
    read_names(c, tag(list, "h"));
    read_numbers(c, list);
    read_hashes(c, list);
}

static struct header_block block_of(const struct dkim_check *c)
{
    struct header_block b = {
        true, 0, c->header_len, c->header_len, 0, SIZE_MAX
    };

    return b;
}

bool dkim_check_open(struct dkim_check *c,
                     const struct dkim_check_crypto *crypto,
                     const uint8_t *header, size_t len, size_t n)
{
    struct header_block block;
    struct header_field f;
    size_t at = 0;

    memset(c, 0, sizeof *c);
    c->crypto = crypto;
    c->header = header;
    c->header_len = len;
    block = block_of(c);
    while (header_next(header, &block, &at, &f)) {
        if (!text_same(f.name.p, f.name.len, "dkim-signature") || n-- != 0)
            continue;
        c->field = f.start;
        c->field_end = f.end;
        read_signature(c, f.value);
        return true;
    }
    return false;
}

size_t dkim_check_name(const struct dkim_check *c, char *to, size_t cap)
{
    struct text t = text_into(to, cap);

    if (c->verdict != DKIM_OPEN)
        return 0;
    text_mem(&t, c->selector.p, c->selector.len);
    text_str(&t, "._domainkey.");
    text_mem(&t, c->domain.p, c->domain.len);
    return t.full ? 0 : t.len;
}

/* --- the key (3.6.1, 6.1.2) ---------------------------------------------- */

/* Into the DER value of this type at *p, which goes to its first byte;
 * returns its length, SIZE_MAX: there is none. */
static size_t der(const uint8_t **p, const uint8_t *end, uint8_t type)
{
    size_t n, digits;

    if (end - *p < 2 || (*p)[0] != type)
        return SIZE_MAX;
    n = (*p)[1];
    *p += 2;
    if (n > 0x80) {
        digits = n - 0x80;
        if (digits > 2 || (size_t)(end - *p) < digits)
            return SIZE_MAX;
        for (n = 0; digits != 0; digits--)
            n = n << 8 | *(*p)++;
    }
    return n <= (size_t)(end - *p) ? n : SIZE_MAX;
}

/* Bits of the modulus of an RSAPublicKey, alone or in a SubjectPublicKeyInfo
 * (RFC 8017 A.1.1, RFC 5280 4.1.2.7); 0: it is none. */
static size_t rsa_bits(const uint8_t *p, size_t len)
{
    const uint8_t *end = p + len;
    size_t n = der(&p, end, 0x30), bits;

    if (n == SIZE_MAX)
        return 0;
    if (n != 0 && p[0] == 0x30) { /* the algorithm, then the key in bits */
        n = der(&p, end, 0x30);
        if (n == SIZE_MAX)
            return 0;
        p += n;
        n = der(&p, end, 0x03);
        if (n == SIZE_MAX || n == 0 || *p++ != 0)
            return 0;
        if (der(&p, end, 0x30) == SIZE_MAX)
            return 0;
    }
    n = der(&p, end, 0x02);
    if (n == SIZE_MAX)
        return 0;
    for (; n != 0 && p[0] == 0; n--)
        p++;
    if (n == 0)
        return 0;
    bits = 8 * n;
    for (uint8_t top = 0x80; (p[0] & top) == 0; top >>= 1)
        bits--;
    return bits;
}

static void read_public(struct dkim_check *c, struct smtp_str p)
{
    uint8_t buf[DKIM_KEY_MAX / 3 * 4 + 4];
    size_t bits;

    if (p.p != NULL && p.len == 0)
        settle(c, DKIM_PERMERROR, "the key was revoked");
    if (p.len == 0 || !decode(p, buf, sizeof buf, &c->key_len) ||
        c->key_len > sizeof c->key) {
        settle(c, DKIM_PERMERROR, "the key's record holds no key");
        return;
    }
    memcpy(c->key, buf, c->key_len);
    if (c->algorithm == DKIM_ED25519_SHA256) {
        if (c->key_len != 32)
            settle(c, DKIM_PERMERROR, "the key is none of Ed25519");
        return;
    }
    bits = rsa_bits(c->key, c->key_len);
    if (bits == 0)
        settle(c, DKIM_PERMERROR, "the key is none of RSA");
    else if (bits < BITS_MIN)
        settle(c, DKIM_POLICY, "the RSA key has less than 1,024 bits");
}

static void read_record(struct dkim_check *c, struct smtp_str record)
{
    static const char *const kinds[] = { "rsa", "ed25519" };
    struct smtp_str v = tag(record, "v"), k = tag(record, "k"),
                    h = tag(record, "h"), s = tag(record, "s"),
                    t = tag(record, "t"), name, raw;
    const char *kind = kinds[c->algorithm == DKIM_ED25519_SHA256];
    size_t at = 0;
    bool bad = false;

    if (!is_list(record))
        settle(c, DKIM_PERMERROR, "the key's record is no list of tags");
    if (v.p != NULL && (!next_tag(record, &at, &name, &raw, &bad) ||
                        !same(name, "v") || !same(v, "DKIM1")))
        settle(c, DKIM_PERMERROR, "the key's record is of another version");
    if (k.p == NULL)
        k = (struct smtp_str){ kinds[0], 3 };
    if (!text_same(k.p, k.len, kind))
        settle(c, DKIM_PERMERROR, "the key is of another algorithm");
    if (h.p != NULL && !has_word(h, "sha256"))
        settle(c, DKIM_PERMERROR, "the key is for other hashes");
    if (s.p != NULL && !has_word(s, "email") && !has_word(s, "*"))
        settle(c, DKIM_PERMERROR, "the key is not for mail");
    c->testing = t.p != NULL && has_word(t, "y");
    if (t.p != NULL && has_word(t, "s") &&
        !covers(c->domain, c->identity, true))
        settle(c, DKIM_PERMERROR,
               "the key is not for what is below its domain");
    read_public(c, tag(record, "p"));
}

/* --- the hashes (3.7, 6.1.3) --------------------------------------------- */

/* l= counts what the canonical form puts out (3.4.5). */
static void limited_update(void *own, const uint8_t *p, size_t n)
{
    struct dkim_check *c = own;
    size_t take = c->limited && n > c->left ? (size_t)c->left : n;

    if (take != 0)
        c->crypto->update(c->crypto->own, p, take);
    c->left -= c->limited ? take : 0;
    c->unsigned_bytes += n - take;
}

void dkim_check_key(struct dkim_check *c, struct smtp_str record, int64_t now)
{
    if (record.p == NULL)
        settle(c, DKIM_PERMERROR, "there is no key");
    if (c->expires >= 0 && now > c->expires)
        settle(c, DKIM_FAIL, "the signature has expired");
    if (c->verdict == DKIM_OPEN)
        read_record(c, record);
    if (c->verdict != DKIM_OPEN)
        return;
    c->body.to.own = c;
    c->body.to.update = limited_update;
    c->crypto->start(c->crypto->own);
}

void dkim_check_body(struct dkim_check *c, const uint8_t *p, size_t n)
{
    if (c->verdict == DKIM_OPEN && c->key_len != 0)
        canon_body(&c->body, p, n);
}

static bool same_hash(const uint8_t *a, const uint8_t *b)
{
    return memcmp(a, b, DKIM_HASH) == 0; /* neither is a secret */
}

/* The n-th field of this name from below, n from 0. */
static bool field_from_below(const struct dkim_check *c, struct smtp_str name,
                             size_t n, struct header_field *f)
{
    struct header_block block = block_of(c);
    size_t at = 0, count = 0;

    while (header_next(c->header, &block, &at, f))
        if (text_equal(f->name.p, f->name.len, name.p, name.len))
            count++;
    if (n >= count)
        return false;
    for (at = 0, n = count - n; header_next(c->header, &block, &at, f);)
        if (text_equal(f->name.p, f->name.len, name.p, name.len) && --n == 0)
            break;
    return true;
}

/* How often name stands in h= before the offset. */
static size_t times(const struct dkim_check *c, struct smtp_str name,
                    size_t before)
{
    struct smtp_str piece;
    size_t at = 0, n = 0;

    while (at < before && split(c->names, ':', &at, &piece) && at < before) {
        piece = trimmed(piece);
        if (text_equal(piece.p, piece.len, name.p, name.len))
            n++;
    }
    return n;
}

/* The signature's own field: b= empty, without its line end. */
static void hash_own(const struct dkim_check *c, struct canon_field *f)
{
    size_t end = c->field_end, b_to = c->b_to;

    while (end > c->field &&
           (c->header[end - 1] == '\n' || c->header[end - 1] == '\r'))
        end--;
    canon_field(f, c->header + c->field, c->b_from - c->field);
    if (b_to < end)
        canon_field(f, c->header + b_to, end - b_to);
    canon_field_end(f, true);
}

static void header_hash(const struct dkim_check *c, uint8_t hash[DKIM_HASH])
{
    const struct canon_field fresh = {
        .simple = c->simple_header, .to = { c->crypto->own, c->crypto->update }
    };
    struct canon_field out;
    struct smtp_str name;
    struct header_field f;
    size_t at = 0, start = 0;

    c->crypto->start(c->crypto->own);
    while (split(c->names, ':', &at, &name)) {
        name = trimmed(name);
        if (field_from_below(c, name, times(c, name, start + 1), &f)) {
            out = fresh;
            canon_field(&out, c->header + f.start, f.end - f.start);
            canon_field_end(&out, false);
        }
        start = at;
    }
    out = fresh;
    hash_own(c, &out);
    c->crypto->finish(c->crypto->own, hash);
}

enum dkim_verdict dkim_check_end(struct dkim_check *c)
{
    uint8_t hash[DKIM_HASH];

    if (c->verdict == DKIM_OPEN && c->key_len == 0)
        settle(c, DKIM_PERMERROR, "there is no key");
    if (c->verdict != DKIM_OPEN)
        return c->verdict;
    canon_body_end(&c->body);
    c->crypto->finish(c->crypto->own, hash);
    if (c->limited && c->left != 0)
        settle(c, DKIM_PERMERROR, "l= counts more than the body has");
    if (!same_hash(hash, c->body_hash))
        settle(c, DKIM_FAIL, "the body was changed");
    if (c->verdict != DKIM_OPEN)
        return c->verdict;
    header_hash(c, hash);
    if (!c->crypto->verify(c->crypto->own, c->algorithm, c->key, c->key_len,
                           hash, c->sig, c->sig_len))
        settle(c, DKIM_FAIL, "the header or the signature was changed");
    settle(c, DKIM_PASS, NULL);
    return c->verdict;
}
