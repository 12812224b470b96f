/*
 * tls_within.c - comparisons of names that never say yes or no on a guess.
 *
 * ".example.org", which RFC 5280 knows for URIs alone, is what many put for
 * hosts: all that is below example.org. Whether example.org itself is meant
 * is unsure.
 *
 * Directory names are compared as RFC 5280 7.1 says (case and blanks do not
 * count) where they are ASCII. Other text that is not the same to the byte
 * may still mean the same, and so may parts of several attributes: unsure.
 */
#include "tls_within.h"

#include <stdint.h>
#include <string.h>

#include <mbedtls/x509.h>

#include "blob.h"

#define LABEL_MAX 63 /* RFC 1035 */

/* ----------------------------------------------------- hosts and addresses */

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

bool tls_within_same(const void *a, const void *b, size_t len)
{
    const uint8_t *p = a, *q = b;

    for (size_t i = 0; i < len; i++) {
        if (lower(p[i]) != lower(q[i]))
            return false;
    }
    return true;
}

static bool is_label_byte(uint8_t c)
{
    return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') ||
           c == '-' || c == '_';
}

/* Labels with a dot between each two; the first may be "*" in a name. */
static bool is_dns(struct der d, bool wildcard)
{
    size_t label = 0;

    if (wildcard && der_left(d) > 2 && d.at[0] == '*' && d.at[1] == '.')
        d.at += 2;
    for (; d.at != d.end; d.at++) {
        if (*d.at == '.' ? label == 0
                         : !is_label_byte(*d.at) || label == LABEL_MAX)
            return false;
        label = *d.at == '.' ? 0 : label + 1;
    }
    return label != 0;
}

/* "*.x" lies within what x lies in, and could be any "label.x". */
static enum tls_where dns_where(struct der base, struct der name)
{
    size_t b, n = der_left(name);
    const unsigned char *dot;
    bool below = der_left(base) != 0 && *base.at == '.';

    if (!is_dns(name, true))
        return TLS_UNSURE;
    if (below)
        base.at++;
    b = der_left(base);
    if (b == 0)
        return TLS_WITHIN;
    if (b == n && tls_within_same(base.at, name.at, n))
        return below ? TLS_UNSURE : TLS_WITHIN;
    if (b < n && name.at[n - b - 1] == '.' &&
        tls_within_same(base.at, name.at + n - b, b))
        return TLS_WITHIN;
    dot = memchr(base.at, '.', b);
    if (*name.at == '*' && dot != NULL && (size_t)(base.end - dot) == n - 1 &&
        tls_within_same(dot, name.at + 1, n - 1))
        return TLS_UNSURE;
    return TLS_OUTSIDE;
}

/* An address of the one kind is outside of every network of the other. */
static enum tls_where ip_where(struct der base, struct der name)
{
    size_t n = der_left(name);

    if (n != 4 && n != 16)
        return TLS_UNSURE;
    if (der_left(base) != 2 * n)
        return TLS_OUTSIDE;
    for (size_t i = 0; i < n; i++) {
        if (((base.at[i] ^ name.at[i]) & base.at[n + i]) != 0)
            return TLS_OUTSIDE;
    }
    return TLS_WITHIN;
}

static bool is_network(struct der d)
{
    size_t n = der_left(d) / 2;
    unsigned last = 0xff; /* byte of the mask */

    if (der_left(d) != 8 && der_left(d) != 32)
        return false;
    for (size_t i = n; i < 2 * n; i++) {
        unsigned zeros = ~d.at[i] & 0xffu;

        if ((zeros & (zeros + 1)) != 0 || (last != 0xff && d.at[i] != 0))
            return false;
        last = d.at[i];
    }
    return true;
}

/* ------------------------------------------------------- directory names */

/* Text in ASCII alone: what else RFC 5280 7.1 makes of the other letters of
 * Unicode before it compares them is not known here. */
static bool is_plain(int tag, struct der d)
{
    if (tag != MBEDTLS_ASN1_PRINTABLE_STRING &&
        tag != MBEDTLS_ASN1_UTF8_STRING && tag != MBEDTLS_ASN1_IA5_STRING)
        return false;
    for (; d.at != d.end; d.at++) {
        if (*d.at < 0x20 || *d.at > 0x7e)
            return false;
    }
    return true;
}

/* Blanks at both ends do not count, and several are one. -1: the end. */
static int next_letter(struct der *d, bool first)
{
    bool blank = false;

    while (d->at != d->end && *d->at == ' ') {
        d->at++;
        blank = true;
    }
    if (d->at == d->end)
        return -1;
    return blank && !first ? ' ' : lower(*d->at++);
}

static bool same_text(struct der a, struct der b)
{
    bool first = true;
    int x, y;

    do {
        x = next_letter(&a, first);
        y = next_letter(&b, first);
        first = false;
    } while (x == y && x != -1);
    return x == y;
}

/* RelativeDistinguishedName ::= SET OF SEQUENCE { type OID, value ANY }; the
 * only one of the set. */
static bool take_attribute(struct der *rdn, struct der *type, int *tag,
                           struct der *value)
{
    struct der pair;

    return der_take(rdn, DER_SEQUENCE, &pair) &&
           der_take(&pair, MBEDTLS_ASN1_OID, type) &&
           der_take_any(&pair, tag, value) && der_left(pair) == 0;
}

static bool same_bytes(struct der a, struct der b)
{
    return blob_eq(blob_of(a.at, der_left(a)), blob_of(b.at, der_left(b)));
}

/* TLS_WITHIN: the same; TLS_OUTSIDE: certainly another. */
static enum tls_where rdn_where(struct der a, struct der b)
{
    struct der a_type, b_type, a_value, b_value;
    int a_tag, b_tag;

    if (same_bytes(a, b))
        return TLS_WITHIN;
    if (!take_attribute(&a, &a_type, &a_tag, &a_value) ||
        !take_attribute(&b, &b_type, &b_tag, &b_value) || der_left(a) != 0 ||
        der_left(b) != 0)
        return TLS_UNSURE; /* several in one: in any order, each as it likes */
    if (!same_bytes(a_type, b_type))
        return TLS_OUTSIDE;
    if (!is_plain(a_tag, a_value) || !is_plain(b_tag, b_value))
        return TLS_UNSURE;
    return same_text(a_value, b_value) ? TLS_WITHIN : TLS_OUTSIDE;
}

/* Name ::= SEQUENCE OF RelativeDistinguishedName; base is a beginning of
 * whatever lies within it. */
static enum tls_where name_where(struct der base, struct der name)
{
    enum tls_where found = TLS_WITHIN, one;
    struct der b, n, x, y;

    if (!der_take(&base, DER_SEQUENCE, &b) ||
        !der_take(&name, DER_SEQUENCE, &n))
        return TLS_UNSURE;
    while (der_left(b) != 0) {
        if (der_left(n) == 0)
            return TLS_OUTSIDE;
        if (!der_take(&b, DER_SET, &x) || !der_take(&n, DER_SET, &y))
            return TLS_UNSURE;
        one = rdn_where(x, y);
        if (one == TLS_OUTSIDE)
            return TLS_OUTSIDE;
        if (one == TLS_UNSURE)
            found = TLS_UNSURE;
    }
    return found;
}

static bool is_name(struct der d)
{
    struct der name, rdn, type, value;
    int tag;

    if (!der_take(&d, DER_SEQUENCE, &name) || der_left(d) != 0)
        return false;
    while (der_left(name) != 0) {
        if (!der_take(&name, DER_SET, &rdn) || der_left(rdn) == 0)
            return false;
        while (der_left(rdn) != 0) {
            if (!take_attribute(&rdn, &type, &tag, &value))
                return false;
        }
    }
    return true;
}

/* -------------------------------------------------------------- any form */

bool tls_within_sound(int tag, struct der base)
{
    switch (tag) {
    case DER_CONTEXT(MBEDTLS_X509_SAN_DNS_NAME):
        if (der_left(base) == 0)
            return true; /* every name */
        if (*base.at == '.')
            base.at++;
        return is_dns(base, false);
    case DER_CONTEXT(MBEDTLS_X509_SAN_IP_ADDRESS):
        return is_network(base);
    case DER_LIST(MBEDTLS_X509_SAN_DIRECTORY_NAME):
        return is_name(base);
    case DER_LIST(MBEDTLS_X509_SAN_OTHER_NAME):
    case DER_CONTEXT(MBEDTLS_X509_SAN_RFC822_NAME):
    case DER_LIST(MBEDTLS_X509_SAN_X400_ADDRESS_NAME):
    case DER_LIST(MBEDTLS_X509_SAN_EDI_PARTY_NAME):
    case DER_CONTEXT(MBEDTLS_X509_SAN_UNIFORM_RESOURCE_IDENTIFIER):
    case DER_CONTEXT(MBEDTLS_X509_SAN_REGISTERED_ID):
        return true;
    default:
        return false;
    }
}

int tls_within_form(int tag)
{
    return tag & MBEDTLS_ASN1_TAG_VALUE_MASK;
}

enum tls_where tls_within(int tag, struct der base, struct der name)
{
    switch (tls_within_form(tag)) {
    case MBEDTLS_X509_SAN_DNS_NAME:
        return dns_where(base, name);
    case MBEDTLS_X509_SAN_IP_ADDRESS:
        return ip_where(base, name);
    case MBEDTLS_X509_SAN_DIRECTORY_NAME:
        return name_where(base, name);
    default:
        return TLS_UNSURE;
    }
}
