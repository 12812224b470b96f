/*
 * tls_der.h - a place in DER, and what comes next there (X.690). Private to
 * net/tls*.c.
 */
#ifndef NET_TLS_DER_H
#define NET_TLS_DER_H

#include <stdbool.h>
#include <stddef.h>

#include <mbedtls/asn1.h>

#define DER_SEQUENCE (MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE)
#define DER_SET      (MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SET)

/* context-specific tags: of one thing, and of things within */
#define DER_CONTEXT(n) (MBEDTLS_ASN1_CONTEXT_SPECIFIC | (n))
#define DER_LIST(n)    (DER_CONTEXT(n) | MBEDTLS_ASN1_CONSTRUCTED)

struct der {
    unsigned char *at; /* not const for Mbed TLS's sake; nothing is written */
    const unsigned char *end;
};

static inline struct der der_of(unsigned char *p, size_t len)
{
    struct der d = { p, p + len };

    return d;
}

static inline size_t der_left(struct der d)
{
    return (size_t)(d.end - d.at);
}

/* Goes behind what comes next; its contents, if it has this tag and lies
 * inside of d. Else there are none, and d stays: another may be tried there,
 * and what is broken is left over. (The library goes on to where it stumbles.)
 */
static inline bool der_take(struct der *d, int tag, struct der *in)
{
    unsigned char *at = d->at;
    size_t len;

    *in = der_of(d->at, 0);
    if (mbedtls_asn1_get_tag(&at, d->end, &len, tag) != 0)
        return false;
    *in = der_of(at, len);
    d->at = at + len;
    return true;
}

static inline bool der_take_any(struct der *d, int *tag, struct der *in)
{
    if (der_left(*d) == 0)
        return false;
    *tag = *d->at;
    return der_take(d, *tag, in);
}

#endif
