/* sources: net/tls_names.c net/tls_within.c net/tls_ext.c net/tls_reason.c
 *          net/tls_port.c net/rng.c kernel/heap.c */
/* includes: net kernel tests/host */
/* libs: mbedtls */
/*
 * test_names.c - name constraints: which name lies within what, who may be
 * called what by whom, and what is no constraint (RFC 5280 4.2.1.10). Each
 * extension lies in a block of its own that ends where it does.
 *
 * Names are written "d:mail.test" (host), "i:0a000001" (address), "m:", "u:"
 * (mail address, URI), "o:" (otherName, anything), "~:" (directory name, in
 * hexadecimal) and "n:" (directory name: RDNs with a slash between them,
 * attributes with a plus; each a letter for its type (CN, O, OU), one for its
 * kind of text, and the text: "Ou Example/Nu mail").
 */
#include "check.h"
#include "fakeplatform.h"
#include "tls_ext.h"
#include "tls_names.h"
#include "tls_within.h"

struct bytes {
    size_t n;
    uint8_t b[6000];
};

static void put(struct bytes *o, const void *p, size_t n)
{
    CHECK(o->n + n <= sizeof(o->b));
    memcpy(o->b + o->n, p, n);
    o->n += n;
}

static void wrap(struct bytes *o, uint8_t tag, const void *p, size_t n)
{
    uint8_t head[4] = { tag, 0x82, (uint8_t)(n >> 8), (uint8_t)n };

    if (n < 128) {
        head[1] = (uint8_t)n;
        put(o, head, 2);
    } else {
        put(o, head, 4);
    }
    put(o, p, n);
}

static void put_hex(struct bytes *o, const char *hex, size_t n)
{
    for (size_t i = 0; i + 1 < n; i += 2) {
        char two[3] = { hex[i], hex[i + 1], 0 };
        uint8_t byte = (uint8_t)strtoul(two, NULL, 16);

        put(o, &byte, 1);
    }
}

/* one attribute: "Ou Example" */
static void put_attribute(struct bytes *o, const char *s, size_t n)
{
    uint8_t oid[3] = { 0x55, 4, s[0] == 'N' ? 3 : s[0] == 'O' ? 10 : 11 };
    uint8_t tag = s[1] == 'u'   ? 0x0c
                  : s[1] == 'p' ? 0x13
                  : s[1] == 'i' ? 0x16
                  : s[1] == 't' ? 0x14
                                : 0x1e;
    static struct bytes in;

    in.n = 0;
    wrap(&in, 6, oid, sizeof(oid));
    wrap(&in, tag, s + 3, n - 3);
    wrap(o, 0x30, in.b, in.n);
}

/* RDNs, without the SEQUENCE around them */
static void put_rdns(struct bytes *o, const char *s, size_t n)
{
    static struct bytes set;
    size_t at = 0, len;

    while (at < n) {
        set.n = 0;
        do {
            len = strcspn(s + at, "/+|");
            len = len < n - at ? len : n - at;
            put_attribute(&set, s + at, len);
            at += len + 1;
        } while (at <= n && s[at - 1] == '+');
        wrap(o, 0x31, set.b, set.n);
    }
}

/* "d:mail.test" as a GeneralName, or its contents */
static uint8_t put_name(struct bytes *o, const char *s, size_t n, bool whole)
{
    static struct bytes in, name;
    uint8_t tag = 0x82;

    in.n = name.n = 0;
    switch (*s) {
    case 'i':
        tag = 0x87;
        put_hex(&in, s + 2, n - 2);
        break;
    case 'n':
        tag = 0xa4;
        put_rdns(&name, s + 2, n - 2);
        wrap(&in, 0x30, name.b, name.n);
        break;
    case '~':
        tag = 0xa4;
        put_hex(&in, s + 2, n - 2);
        break;
    default:
        tag = *s == 'm' ? 0x81 : *s == 'u' ? 0x86 : *s == 'o' ? 0xa0 : 0x82;
        put(&in, s + 2, n - 2);
    }
    if (whole)
        wrap(o, tag, in.b, in.n);
    else
        put(o, in.b, in.n);
    return tag;
}

/* "+d:a.test|-d:b.test", or "=" and the extension's bytes in hexadecimal; by
 * sign and after it ~: the subtree's bytes. */
static void put_constraints(struct bytes *o, const char *spec)
{
    static struct bytes list[2], tree, body;
    size_t n;

    if (*spec == '=') {
        put_hex(o, spec + 1, strlen(spec + 1));
        return;
    }
    list[0].n = list[1].n = body.n = 0;
    for (const char *s = spec; *s != '\0'; s += n + (s[n] == '|')) {
        n = strcspn(s, "|");
        tree.n = 0;
        if (s[1] == '~')
            put_hex(&list[*s == '-'], s + 2, n - 2);
        else
            put_name(&tree, s + 1, n - 1, true);
        if (s[1] != '~')
            wrap(&list[*s == '-'], 0x30, tree.b, tree.n);
    }
    for (int i = 0; i < 2; i++) {
        if (list[i].n != 0)
            wrap(&body, (uint8_t)(0xa0 + i), list[i].b, list[i].n);
    }
    wrap(o, 0x30, body.b, body.n);
}

static void put_extension(struct bytes *o, uint8_t id, const struct bytes *v)
{
    static struct bytes e;
    const uint8_t oid[] = { 6, 3, 0x55, 0x1d, id };

    e.n = 0;
    put(&e, oid, sizeof(oid));
    wrap(&e, 4, v->b, v->n);
    wrap(o, 0x30, e.b, e.n);
}

/* ----------------------------------------------------------- certificates */

#define CERTS_MAX 12

static struct cert {
    mbedtls_x509_crt crt;
    mbedtls_x509_sequence more[40];
    mbedtls_x509_name part;
    uint8_t *block[48]; /* what it points to, each exactly as long */
    size_t blocks;
} certs[CERTS_MAX];
static size_t cert_count;

static uint8_t *exact(struct cert *c, const struct bytes *b)
{
    uint8_t *p = malloc(b->n != 0 ? b->n : 1);

    memcpy(p, b->b, b->n);
    c->block[c->blocks++] = p;
    return p;
}

/* By its subject ("Nu mail", "" for none), names and constraints (NULL: has
 * none); the issuer is another unless self. twice: constraints, two times. */
static struct cert *cert(const char *subject, const char *names,
                         const char *constraints, bool self, bool twice)
{
    static struct bytes b, all;
    struct cert *c = &certs[cert_count++];
    mbedtls_x509_sequence *s = &c->crt.subject_alt_names;
    size_t n, used = 0;

    CHECK(cert_count <= CERTS_MAX);
    memset(c, 0, sizeof(*c));
    b.n = 0;
    put_name(&b, "n:Nu issuer", 11, false);
    c->crt.issuer_raw.p = exact(c, &b);
    c->crt.issuer_raw.len = b.n;
    b.n = all.n = 0;
    put_rdns(&b, subject, strlen(subject));
    wrap(&all, 0x30, b.b, b.n);
    c->crt.subject_raw.p = exact(c, &all);
    c->crt.subject_raw.len = all.n;
    c->crt.subject.oid.p = *subject != '\0' ? c->crt.subject_raw.p : NULL;
    if (self)
        c->crt.issuer_raw = c->crt.subject_raw;
    for (; names != NULL && *names != '\0'; names += n + (names[n] == '|')) {
        n = strcspn(names, "|");
        b.n = 0;
        if (used != 0)
            s = s->next = &c->more[used];
        s->buf.tag = put_name(&b, names, n, false);
        s->buf.p = exact(c, &b);
        s->buf.len = b.n;
        used++;
    }
    if (constraints == NULL)
        return c;
    b.n = 0;
    put_constraints(&b, constraints);
    all.n = 0;
    put_extension(&all, TLS_EXT_NAME_CONSTRAINTS, &b);
    if (twice)
        put_extension(&all, TLS_EXT_NAME_CONSTRAINTS, &b);
    b.n = 0;
    wrap(&b, 0x30, all.b, all.n);
    c->crt.v3_ext.p = exact(c, &b);
    c->crt.v3_ext.len = b.n;
    return c;
}

static struct cert *leaf(const char *names)
{
    return cert("", names, NULL, false, false);
}

static void drop(void)
{
    while (cert_count > 0) {
        struct cert *c = &certs[--cert_count];

        while (c->blocks > 0)
            free(c->block[--c->blocks]);
    }
}

/* The clash of a leaf of these names under a CA of these constraints, in
 * words; "": it is permitted; or what is wrong with the constraints. */
static const char *verdict(const char *constraints, const char *subject,
                           const char *names)
{
    static char words[200];
    struct tls_names n;
    struct tls_names_clash c;
    const char *flaw;

    tls_names_reset(&n);
    flaw =
        tls_names_add(&n, &cert("Nu ca", NULL, constraints, false, false)->crt);
    words[0] = '\0';
    if (flaw != NULL)
        (void)snprintf(words, sizeof(words), "%s", flaw);
    else if (!tls_names_check(
                 &n, &cert(subject, names, NULL, false, false)->crt, true, &c))
        tls_names_show(words, sizeof(words), &c);
    drop();
    return words;
}

/* ------------------------------------------------------------------ cases */

static const struct {
    const char *base, *name;
    enum tls_where where;
} places[] = {
    { "d:corp.example", "d:corp.example", TLS_WITHIN },
    { "d:corp.example", "d:CORP.Example", TLS_WITHIN },
    { "d:Corp.EXAMPLE", "d:a.corp.example", TLS_WITHIN },
    { "d:corp.example", "d:a.b.corp.example", TLS_WITHIN },
    { "d:corp.example", "d:acorp.example", TLS_OUTSIDE },
    { "d:corp.example", "d:example", TLS_OUTSIDE },
    { "d:corp.example", "d:corp.example.test", TLS_OUTSIDE },
    { "d:corp.example", "d:corp-example", TLS_OUTSIDE },
    { "d:corp.example", "d:a_b.corp.example", TLS_WITHIN },
    { "d:c", "d:c", TLS_WITHIN },
    { "d:c", "d:b", TLS_OUTSIDE },
    { "d:corp.example", "d:az09-_.corp.example", TLS_WITHIN },
    { "d:corp.example", "d:AZ.corp.example", TLS_WITHIN },
    { "d:", "d:mail.test", TLS_WITHIN },
    { "d:.corp.example", "d:a.corp.example", TLS_WITHIN },
    { "d:.corp.example", "d:a.b.corp.example", TLS_WITHIN },
    { "d:.corp.example", "d:corp.example", TLS_UNSURE },
    { "d:.corp.example", "d:acorp.example", TLS_OUTSIDE },
    /* a wildcard is all that it can stand for */
    { "d:corp.example", "d:*.corp.example", TLS_WITHIN },
    { "d:corp.example", "d:*.a.corp.example", TLS_WITHIN },
    { "d:.corp.example", "d:*.corp.example", TLS_WITHIN },
    { "d:a.corp.example", "d:*.corp.example", TLS_UNSURE },
    { "d:A.CORP.example", "d:*.corp.example", TLS_UNSURE },
    { "d:.a.corp.example", "d:*.corp.example", TLS_UNSURE },
    { "d:b.a.corp.example", "d:*.corp.example", TLS_OUTSIDE },
    { "d:corp.example", "d:*.example", TLS_UNSURE },
    { "d:corp.example", "d:*.test", TLS_OUTSIDE },
    { "d:example", "d:*.test", TLS_OUTSIDE },
    { "d:a.corp.example.test", "d:*.corp.example", TLS_OUTSIDE },
    { "d:a.corp.example", "d:*.born.example", TLS_OUTSIDE },
    { "d:a.corp.example", "d:x.corp.example", TLS_OUTSIDE },
    /* what is no name of a host */
    { "d:corp.example", "d:", TLS_UNSURE },
    { "d:", "d:", TLS_UNSURE },
    { "d:corp.example", "d:.", TLS_UNSURE },
    { "d:corp.example", "d:*", TLS_UNSURE },
    { "d:corp.example", "d:*.", TLS_UNSURE },
    { "d:corp.example", "d:.corp.example", TLS_UNSURE },
    { "d:corp.example", "d:corp.example.", TLS_UNSURE },
    { "d:corp.example", "d:a..corp.example", TLS_UNSURE },
    { "d:corp.example", "d:*.*.corp.example", TLS_UNSURE },
    { "d:corp.example", "d:a*.corp.example", TLS_UNSURE },
    { "d:corp.example", "d:a.*.corp.example", TLS_UNSURE },
    { "d:corp.example", "d:*ab.corp.example", TLS_UNSURE },
    { "d:corp.example", "d:?.corp.example", TLS_UNSURE },
    { "d:corp.example", "d:a b.corp.example", TLS_UNSURE },
    { "d:corp.example", "d:a/b.corp.example", TLS_UNSURE },
    { "d:corp.example", "d:a:b.corp.example", TLS_UNSURE },
    { "d:corp.example", "d:a`b.corp.example", TLS_UNSURE },
    { "d:corp.example", "d:a@b.corp.example", TLS_UNSURE },
    { "d:corp.example", "d:a[b.corp.example", TLS_UNSURE },
    { "d:corp.example", "d:a{b.corp.example", TLS_UNSURE },
    { "d:corp.example", "d:\xc3\xa4.corp.example", TLS_UNSURE },
    { "i:0a000000ff000000", "i:0affffff", TLS_WITHIN },
    { "i:0a010203ff000000", "i:0a000001", TLS_WITHIN },
    { "i:0a000000ff000000", "i:0b000001", TLS_OUTSIDE },
    { "i:0a000001ffffffff", "i:0a000001", TLS_WITHIN },
    { "i:0a000001ffffffff", "i:0a000000", TLS_OUTSIDE },
    { "i:c0a80080ffffff80", "i:c0a80080", TLS_WITHIN },
    { "i:c0a80080ffffff80", "i:c0a8007f", TLS_OUTSIDE },
    { "i:0000000000000000", "i:c0a8007f", TLS_WITHIN },
    { "i:0000000000000000", "i:20010db8000000000000000000000001", TLS_OUTSIDE },
    { "i:20010db8000000000000000000000000"
      "ffffffff000000000000000000000000",
      "i:20010db8000000000000000000000001", TLS_WITHIN },
    { "i:20010db8000000000000000000000000"
      "ffffffff000000000000000000000000",
      "i:20010db9000000000000000000000001", TLS_OUTSIDE },
    { "i:0000000000000000000000000000000000000000000000000000000000000000",
      "i:0a000001", TLS_OUTSIDE },
    { "i:0a000000ff000000", "i:0a0000", TLS_UNSURE },
    { "i:0a000000ff000000", "i:", TLS_UNSURE },
    { "n:", "n:Ou Example", TLS_WITHIN },
    { "n:", "n:", TLS_WITHIN },
    { "n:Ou Example", "n:Ou Example", TLS_WITHIN },
    { "n:Ou Example", "n:Ou Example/Nu mail", TLS_WITHIN },
    { "n:Ou Example", "n:Nu mail/Ou Example", TLS_OUTSIDE },
    { "n:Ou Example/Uu it", "n:Ou Example", TLS_OUTSIDE },
    { "n:Ou Example", "n:Uu Example", TLS_OUTSIDE },
    { "n:Ou Example", "n:Ou Examples", TLS_OUTSIDE },
    { "n:Ou Example", "n:Op EXAMPLE", TLS_WITHIN },
    { "n:Ou Example", "n:Oi example", TLS_WITHIN },
    { "n:Ou  An  Example ", "n:Op an example", TLS_WITHIN },
    { "n:Ou An Example", "n:Ou AnExample", TLS_OUTSIDE },
    { "n:Ou A ", "n:Ou A", TLS_WITHIN },
    { "n:Ou A", "n:Ou   A", TLS_WITHIN },
    { "n:Ou A", "n:Ou AA", TLS_OUTSIDE },
    { "n:Ou AZ09", "n:Ou az09", TLS_WITHIN },
    { "n:Ou @", "n:Ou `", TLS_OUTSIDE },
    { "n:Ou [", "n:Ou {", TLS_OUTSIDE },
    { "n:Ou 1", "n:Ou q", TLS_OUTSIDE },
    { "n:Ou ~", "n:Op ~", TLS_WITHIN },
    { "n:Ou A", "n:Ou A B", TLS_OUTSIDE },
    { "n:Ou   ", "n:Ou ", TLS_WITHIN },
    { "n:Ou ", "n:Ou A", TLS_OUTSIDE },
    /* may be the same, or not */
    { "n:Ou \xc3\xa4", "n:Ou \xc3\x84", TLS_UNSURE },
    { "n:Ou \xc3\xa4", "n:Ou \xc3\xa4", TLS_WITHIN },
    { "n:Ou Example",
      "n:Ou Ex\xc2\xad"
      "ample",
      TLS_UNSURE },
    { "n:Ou Ex\xc2\xad"
      "ample",
      "n:Ou Example", TLS_UNSURE },
    { "n:Ou Example",
      "n:Ou Ex\x01"
      "ample",
      TLS_UNSURE },
    { "n:Ou Example",
      "n:Ou Ex\x7f"
      "ample",
      TLS_UNSURE },
    { "n:Ou Example", "n:Ot Example", TLS_UNSURE },
    { "n:Ot Example", "n:Ou Test", TLS_UNSURE },
    { "n:Ot Example", "n:Ot Example", TLS_WITHIN },
    { "n:Ou A+Nu b", "n:Ou A+Nu b", TLS_WITHIN },
    { "n:Ou A+Nu b", "n:Nu b+Ou A", TLS_UNSURE },
    { "n:Ou A", "n:Ou A+Nu b", TLS_UNSURE },
    { "n:Ou A+Nu b", "n:Ou A", TLS_UNSURE },
    { "n:Ou \xc3\xa4/Uu it", "n:Ou \xc3\x84/Uu it", TLS_UNSURE },
    { "n:Ou \xc3\xa4/Uu it", "n:Ou \xc3\x84/Uu hr", TLS_OUTSIDE },
    { "n:Ou A", "~:", TLS_UNSURE },
    { "n:Ou A", "~:0500", TLS_UNSURE },
    { "n:Ou A", "~:30020500", TLS_UNSURE },
    { "n:Ou A", "~:3003310105", TLS_UNSURE },
    { "n:Ou A", "~:300431020500", TLS_UNSURE },
    { "n:Ou A", "~:3006310430020500", TLS_UNSURE },
    { "n:Ou A",
      "~:30093107300506035504"
      "0a",
      TLS_UNSURE },
    { "m:corp.example", "m:a@corp.example", TLS_UNSURE },
    { "u:corp.example", "u:https://corp.example", TLS_UNSURE },
};

static void within(void)
{
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        static struct bytes b, n;
        struct cert *c = &certs[0];
        uint8_t tag;

        b.n = n.n = 0;
        c->blocks = 0;
        tag = put_name(&b, places[i].base, strlen(places[i].base), false);
        put_name(&n, places[i].name, strlen(places[i].name), false);
        CHECK_EQ(tls_within(tag, der_of(exact(c, &b), b.n),
                            der_of(exact(c, &n), n.n)),
                 places[i].where);
        CHECK(tls_within_sound(tag, der_of(c->block[0], b.n)));
        if (check_failed != 0)
            printf("    %s, %s\n", places[i].base, places[i].name);
        cert_count = 1;
        drop();
    }
}

#define LABEL_63 \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* 1.3.6.1.5.5.7, the beginning of an OID of nine arcs */
#define ON           "\x06\x08+\x06\x01\x05\x05\x07"
#define UTF8_MAILBOX ON "\x08\x09\xa0\x03\x0c\x01@"

static const struct {
    const char *constraints, *subject, *names, *words;
} judged[] = {
    { "+d:corp.example", "", "d:mail.corp.example", "" },
    { "+d:corp.example", "", "d:mail.test", "the name mail.test" },
    { "+d:corp.example", "", "d:a.corp.example|d:b.test", "the name b.test" },
    { "+d:.corp.example", "", "d:corp.example", "the name corp.example" },
    { "-d:.corp.example", "", "d:corp.example", "the name corp.example" },
    { "+d:a.test|+d:b.test", "", "d:b.test|d:a.test", "" },
    { "-d:corp.example", "", "d:mail.test", "" },
    { "-d:a.test|-d:corp.example", "", "d:CORP.example",
      "the name CORP.example" },
    { "-d:a.corp.example", "", "d:*.corp.example", "the name *.corp.example" },
    { "+d:a.corp.example", "", "d:*.corp.example", "the name *.corp.example" },
    { "+d:" LABEL_63, "", "d:a." LABEL_63, "" },
    { "+d:test|-d:a.test", "", "d:b.test", "" },
    { "+d:test|-d:a.test", "", "d:x.a.test", "the name x.a.test" },
    { "-d:", "", "d:mail.test", "the name mail.test" },
    { "-d:test", "", "d:mail.test.", "the name mail.test." },
    { "-d:example", "", "d:a\n.test", "the name a..test" },
    /* the one form says nothing of the other */
    { "+d:corp.example", "Nu x", "i:0a000001|m:a@b.test|u:x:y", "" },
    { "+i:0a000000ff000000", "", "d:mail.test", "" },
    { "+i:0a000000ff000000", "", "i:0a000001", "" },
    { "+i:0a000000ff000000", "", "i:0b0000fe", "the address 11.0.0.254" },
    { "-i:0a000000ff000000", "", "i:0a000001", "the address 10.0.0.1" },
    { "+i:0a000000ff000000", "", "i:20010db8000000000000000000000001",
      "the address 2001:db8:0:0:0:0:0:1" },
    { "+i:0a000000ff000000", "", "i:0a00", "a name of a rare form" },
    /* the subject is a directory name, the lack of one is none */
    { "+n:Ou Corp", "Ou Corp/Nu mail", "d:mail.test", "" },
    { "+n:Ou Corp", "Ou Other", "d:mail.test", "the subject" },
    { "+n:Ou Corp", "", "d:mail.test", "" },
    { "-n:Ou Corp", "Op CORP/Nu mail", "d:mail.test", "the subject" },
    { "-n:Ou Corp", "Ou Other", "n:Ou Corp", "a directory name" },
    { "-n:Ou Corp", "Ob Co", "d:mail.test", "the subject" },
    { "+n:Ou Corp", "Ob Co", "d:mail.test", "the subject" },
    { "-n:", "", "d:mail.test", "" },
    { "-n:", "Ou Other", "d:mail.test", "the subject" },
    /* other forms */
    { "+m:corp.example", "", "d:mail.test", "" },
    { "+m:corp.example", "", "d:mail.test|m:a@corp.example", "a mail address" },
    { "-u:corp.example", "", "u:x:y", "a URI" },
    { "-o:", "", "o:", "a name of a rare form" },
    { "-o:", "Nu x", "d:mail.test", "" },
    { "-o:", "Nu x", "", "" },
    { "-m:", "", "m:a@bc", "a mail address" },
    { "-m:", "", "m:ab@corp.example1", "a mail address" },
    /* a mail address beyond ASCII is an otherName (RFC 9598) */
    { "-m:corp.example", "", "d:mail.test|o:" UTF8_MAILBOX, "a mail address" },
    { "+m:corp.example", "", "o:" UTF8_MAILBOX, "a mail address" },
    { "+d:test|+u:x", "", "d:mail.test|o:" UTF8_MAILBOX, "" },
    { "-o:", "", "o:" UTF8_MAILBOX, "a name of a rare form" },
    { "-m:", "", "o:" ON "\x08\x08", "" },
    { "-m:", "", "o:" ON "\x08\x0a", "" },
    { "-m:", "", "d:" UTF8_MAILBOX, "" },
    { "-m:", "", "o:", "" },
    { "+d:a.test|-d:b.test", "", "d:c.test", "the name c.test" },
    { "+d:c.test|-d:b.test", "", "d:c.test", "" },
    /* no constraints */
    { "=", "", "d:mail.test", "has malformed name constraints" },
    { "=3000", "", "d:mail.test", "has empty name constraints" },
    { "=3002a000", "", "d:mail.test", "has empty name constraints" },
    { "=3002a100", "", "d:mail.test", "has empty name constraints" },
    { "=3004a000a100", "", "d:mail.test", "has empty name constraints" },
    { "=3006a00430028200", "", "d:mail.test", "" },
    { "=3006a10430028200", "", "d:a", "the name a" },
    { "=3008a00430028200a100", "", "d:a", "has empty name constraints" },
    { "=300ca10430028200a00430028200", "", "d:a",
      "has malformed name constraints" },
    { "=300ca00430028200a00430028200", "", "d:a",
      "has malformed name constraints" },
    { "=3008a004300282000500", "", "d:a", "has malformed name constraints" },
    { "=3006a20430028200", "", "d:a", "has malformed name constraints" },
    { "=3006a004300282000500", "", "d:a", "has malformed name constraints" },
    { "=300680043002820a", "", "d:a", "has malformed name constraints" },
    /* lists that end behind the extension, and one inside another's head */
    { "=3002a07f", "", "d:a", "has malformed name constraints" },
    { "=3002a17f", "", "d:a", "has malformed name constraints" },
    { "=3008a00430028200a17f", "", "d:a", "has malformed name constraints" },
    { "=3007a0a10430028200", "", "d:a", "has malformed name constraints" },
    { "=3006a00431028200", "", "d:a", "has malformed name constraints" },
    { "+~3000", "", "d:a", "has malformed name constraints" },
    { "+~30020200", "", "d:a", "has malformed name constraints" },
    { "+~3002a200", "", "d:a", "has malformed name constraints" },
    { "+~30028900", "", "d:a", "has malformed name constraints" },
    { "+~30038201", "", "d:a", "has malformed name constraints" },
    { "+~30028201", "", "d:a", "has malformed name constraints" },
    { "+~30028400", "", "d:a", "has malformed name constraints" },
    { "+~3002a400", "", "d:a", "has malformed name constraints" },
    { "+~3006a40430020500", "", "d:a", "has malformed name constraints" },
    { "+~3006a40430023100", "", "d:a", "has malformed name constraints" },
    { "+~3006a40430000500", "", "d:a", "has malformed name constraints" },
    { "+~3008a406300431020500", "", "d:a", "has malformed name constraints" },
    { "+~300aa4083006310430020500", "", "d:a",
      "has malformed name constraints" },
    { "+~300ba409300731053003060155", "", "d:a",
      "has malformed name constraints" },
    { "+~300ca40a3008310630040600"
      "0500",
      "Nu x", "d:a", "the subject" },
    { "+~300ea40c300a31083006"
      "060005000500",
      "", "d:a", "has malformed name constraints" },
    { "+~300582008001"
      "00",
      "", "d:a", "has name constraints with a minimum or maximum (RFC 5280)" },
    { "+~300582008101"
      "05",
      "", "d:a", "has name constraints with a minimum or maximum (RFC 5280)" },
    { "+d:.", "", "d:a", "has malformed name constraints" },
    { "+d:..a", "", "d:a", "has malformed name constraints" },
    { "+d:a.", "", "d:a", "has malformed name constraints" },
    { "+d:*.a", "", "d:a", "has malformed name constraints" },
    { "+d:.*.a", "", "d:a", "has malformed name constraints" },
    { "+d:a/b", "", "d:a", "has malformed name constraints" },
    { "+d:a" LABEL_63, "", "d:a", "has malformed name constraints" },
    { "-i:", "", "d:a", "has malformed name constraints" },
    { "-i:0a000001", "", "d:a", "has malformed name constraints" },
    { "-i:0a000000ff00000000", "", "d:a", "has malformed name constraints" },
    { "-i:0a000000ff00ff00", "", "d:a", "has malformed name constraints" },
    { "-i:0a000000ff010000", "", "d:a", "has malformed name constraints" },
    { "-i:0a0000007fffffff", "", "d:a", "has malformed name constraints" },
    { "-i:0a000000fe800000", "", "d:a", "has malformed name constraints" },
    { "-i:0a000000fffffffd", "", "d:a", "has malformed name constraints" },
    { "-i:20010db8000000000000000000000001", "", "d:a",
      "has malformed name constraints" },
};

static void verdicts(void)
{
    for (size_t i = 0; i < sizeof(judged) / sizeof(judged[0]); i++) {
        unsigned before = check_failed;

        CHECK_STR(
            verdict(judged[i].constraints, judged[i].subject, judged[i].names),
            judged[i].words);
        if (check_failed != before)
            printf("    %s, %s, %s\n", judged[i].constraints, judged[i].subject,
                   judged[i].names);
    }
}

/* Every mask of every length, and what is none. */
static void masks(void)
{
    for (unsigned bytes = 4; bytes <= 16; bytes += 12) {
        for (unsigned bits = 0; bits <= 8 * bytes; bits++) {
            uint8_t b[32] = { 0 };

            for (unsigned i = 0; i < bits; i++)
                b[bytes + i / 8] |= (uint8_t)(0x80 >> i % 8);
            CHECK(tls_within_sound(0x87, der_of(b, 2 * (size_t)bytes)));
            for (unsigned i = 0; i < 8 * bytes; i++) {
                b[bytes + i / 8] ^= (uint8_t)(0x80 >> i % 8);
                CHECK_EQ(tls_within_sound(0x87, der_of(b, 2 * (size_t)bytes)),
                         i == bits || i + 1 == bits);
                b[bytes + i / 8] ^= (uint8_t)(0x80 >> i % 8);
            }
        }
    }
}

/* An address in the subject's emailAddress is one, and judged as one. */
static void mail_in_subject(void)
{
    static struct bytes mail;
    struct tls_names n;
    struct tls_names_clash c;
    struct cert *l;
    char words[80];

    mail.n = 0;
    put_hex(&mail, "2a864886f70d010901", 18);
    for (int with = 0; with < 3; with++) {
        tls_names_reset(&n);
        CHECK(tls_names_add(&n, &cert("Nu ca", NULL,
                                      with == 2 ? "+d:test" : "+m:corp.example",
                                      false, false)
                                     ->crt) == NULL);
        l = cert("Nu x/Ui a@corp.example", "d:mail.test", NULL, false, false);
        l->part.oid.p = exact(l, &mail);
        l->part.oid.len = mail.n;
        l->part.val = l->crt.subject_raw;
        l->crt.subject.next = with != 0 ? &l->part : NULL;
        CHECK_EQ(tls_names_check(&n, &l->crt, true, &c), with != 1);
        CHECK(with != 1 || strcmp(tls_names_show(words, sizeof(words), &c),
                                  "a mail address") == 0);
        drop();
    }
}

/* Root, CA, leaf: all that are above are asked. */
static void chains(void)
{
    static const struct {
        const char *first, *second, *names;
        int by; /* 0: nobody says no */
    } t[] = {
        { "+d:test", "+d:a.test", "d:x.a.test", 0 },
        { "+d:test", "+d:a.test", "d:b.test", 2 },
        { "+d:a.test", "+d:test", "d:b.test", 1 },
        { "+d:a.test", "+d:test", "d:a.test", 0 },
        { "+d:a.test", "+d:b.test", "d:b.test", 1 },
        { "-d:a.test", "+d:test", "d:b.test", 0 },
        { "-d:a.test", "+d:test", "d:a.test", 1 },
        { "-d:a.test", "-d:b.test", "d:b.test", 2 },
        { "+i:0a000000ff000000", "+d:test", "d:a.test|i:0a000001", 0 },
        { "+i:0a000000ff000000", "+d:test", "d:a.test|i:0b000001", 1 },
        { "+i:0a000000ff000000", NULL, "i:0b000001", 1 },
        { NULL, "+i:0a000000ff000000", "i:0b000001", 2 },
        { NULL, NULL, "i:0b000001", 0 },
    };

    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        const mbedtls_x509_crt *by[3] = { NULL };
        struct tls_names n;
        struct tls_names_clash c;

        tls_names_reset(&n);
        by[1] = &cert("Nu root", NULL, t[i].first, true, false)->crt;
        by[2] = &cert("Nu ca", NULL, t[i].second, false, false)->crt;
        CHECK(tls_names_add(&n, by[1]) == NULL);
        CHECK(tls_names_check(&n, by[2], false, &c));
        CHECK(tls_names_add(&n, by[2]) == NULL);
        CHECK_EQ(tls_names_check(&n, &leaf(t[i].names)->crt, true, &c),
                 t[i].by == 0);
        CHECK(c.by == by[t[i].by]);
        drop();
    }
}

/* An authority's own names count too, unless it is its own issuer. */
static void authorities(void)
{
    struct tls_names n;
    struct tls_names_clash c;

    for (int self = 0; self < 2; self++) {
        for (int is_leaf = 0; is_leaf < 2; is_leaf++) {
            tls_names_reset(&n);
            CHECK(tls_names_add(
                      &n,
                      &cert("Nu root", NULL, "+d:a.test", true, false)->crt) ==
                  NULL);
            CHECK_EQ(
                tls_names_check(
                    &n, &cert("Nu ca", "d:b.test", NULL, self != 0, false)->crt,
                    is_leaf != 0, &c),
                self != 0 && is_leaf == 0);
            /* who has no subject has not the issuer's */
            CHECK(!tls_names_check(
                &n, &cert("", "d:b.test", NULL, self != 0, false)->crt, false,
                &c));
            drop();
        }
    }
    tls_names_reset(&n);
    CHECK_STR(tls_names_add(&n, &cert("Nu ca", NULL, "+d:a", false, true)->crt),
              "has name constraints twice");
    drop();
}

/* As many as a chain can have, and one more. */
static void many_above(void)
{
    struct tls_names n;
    struct tls_names_clash c;

    tls_names_reset(&n);
    for (unsigned i = 0; i < TLS_NAMES_ABOVE_MAX; i++) {
        CHECK(tls_names_check(&n, &leaf("d:b.test")->crt, true, &c));
        cert_count--;
        free(certs[cert_count].block[0]);
        free(certs[cert_count].block[1]);
        free(certs[cert_count].block[2]);
        CHECK(tls_names_add(&n, &cert("Nu ca", NULL,
                                      i + 1 < TLS_NAMES_ABOVE_MAX ? "+d:test"
                                                                  : "+d:a.test",
                                      false, false)
                                     ->crt) == NULL);
    }
    CHECK(!tls_names_check(&n, &leaf("d:b.test")->crt, true, &c));
    CHECK(c.by == n.above[TLS_NAMES_ABOVE_MAX - 1].ca);
    CHECK(tls_names_add(&n, &cert("Nu ca", NULL, "+d:a", false, false)->crt) !=
          NULL);
    drop();
}

/* Cut anywhere, an extension is no constraint; with any byte another, it is
 * judged within its bytes. */
static void cut_and_bent(void)
{
    static const char spec[] =
        "+d:corp.example|+n:Ou Corp/Nu a+Uu b|-i:0a000000"
        "ff000000|-m:a.test";
    static struct bytes whole, cut, all;
    struct tls_names n;
    struct tls_names_clash c;

    whole.n = 0;
    put_constraints(&whole, spec);
    for (size_t len = 0; len <= whole.n; len++) {
        for (unsigned bent = 0; bent < (len == whole.n ? 256 * len : 1);
             bent++) {
            struct cert *ca = cert("Nu ca", NULL, NULL, false, false);

            cut = whole;
            cut.n = len;
            cut.b[bent / 256] ^= (uint8_t)(bent % 256);
            all.n = 0;
            put_extension(&all, TLS_EXT_NAME_CONSTRAINTS, &cut);
            cut.n = 0;
            wrap(&cut, 0x30, all.b, all.n);
            ca->crt.v3_ext.p = exact(ca, &cut);
            ca->crt.v3_ext.len = cut.n;
            tls_names_reset(&n);
            if (bent == 0)
                CHECK_EQ(tls_names_add(&n, &ca->crt) == NULL, len == whole.n);
            else if (tls_names_add(&n, &ca->crt) != NULL)
                CHECK_EQ(n.count, 0);
            (void)tls_names_check(&n,
                                  &cert("Ou Corp/Nu a",
                                        "d:a.corp.example|i:"
                                        "0b000001|n:Ou Corp/Nu a+Uu b",
                                        NULL, false, false)
                                       ->crt,
                                  true, &c);
            drop();
        }
    }
}

/* Too many of both end in a refusal, not in a long wait. */
static void much_work(void)
{
    static struct bytes list, body, ext, tree;
    struct tls_names n;
    struct tls_names_clash c;
    struct cert *ca, *l;
    size_t count;

    list.n = body.n = ext.n = tree.n = 0;
    wrap(&tree, 0x82, "a.test", 6);
    while (list.n + 100 < sizeof(list.b))
        wrap(&list, 0x30, tree.b, tree.n);
    count = list.n / 10;
    wrap(&body, 0xa1, list.b, list.n);
    list.n = 0;
    wrap(&list, 0x30, body.b, body.n);
    put_extension(&ext, TLS_EXT_NAME_CONSTRAINTS, &list);
    body.n = 0;
    wrap(&body, 0x30, ext.b, ext.n);
    ca = cert("Nu ca", NULL, NULL, false, false);
    ca->crt.v3_ext.p = exact(ca, &body);
    ca->crt.v3_ext.len = body.n;
    l = leaf("d:mail.test|i:0a000001");
    tls_names_reset(&n);
    CHECK(tls_names_add(&n, &ca->crt) == NULL);
    CHECK(tls_names_check(&n, &l->crt, true, &c));
    /* each constraint for both names, beside one of the same form */
    CHECK_EQ(n.work, count * (10 + 9 + 10));
    n.work = TLS_NAMES_WORK_MAX - n.work;
    CHECK(tls_names_check(&n, &l->crt, true, &c));
    CHECK_EQ(n.work, TLS_NAMES_WORK_MAX);
    CHECK(!tls_names_check(&n, &l->crt, true, &c));
    CHECK(c.by == NULL);
    drop();
}

/* A reason that is cut ends in its buffer. */
static void cut_words(void)
{
    static const uint8_t address[16] = { 0x20, 1, 0x0d, 0xb8, [15] = 1 };
    static const struct tls_names_clash c[] = {
        { .form = 7, .name = address, .len = 16 },
        { .form = 7, .name = address, .len = 4 },
        { .form = 2, .name = (const uint8_t *)"a.b.c.d.e", .len = 9 },
        { .form = 4, .subject = true },
        { .form = 3 },
    };

    for (size_t i = 0; i < sizeof(c) / sizeof(c[0]); i++) {
        for (size_t cap = 17; cap < 60; cap++) {
            char *words = malloc(cap);

            CHECK(strlen(tls_names_show(words, cap, &c[i])) < cap);
            free(words);
        }
    }
}

static const struct check_case cases[] = {
    { "within", within },         { "verdicts", verdicts },
    { "masks", masks },           { "mail_in_subject", mail_in_subject },
    { "chains", chains },         { "authorities", authorities },
    { "many_above", many_above }, { "cut_and_bent", cut_and_bent },
    { "much_work", much_work },   { "cut_words", cut_words },
};

CHECK_MAIN(cases)
