/*
 * tls_trust.h - the trust anchors: a PEM bundle, indexed once, parsed lazily.
 *
 * The index holds where each certificate lies and a hash of its subject. When
 * the chain reaches an issuer, only the anchors of that name are decoded and
 * parsed, so that a bundle of 144 roots costs one or two parses.
 */
#ifndef NET_TLS_TRUST_H
#define NET_TLS_TRUST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mbedtls/x509_crt.h>

#define TLS_TRUST_MAX            512   /* anchors; a public bundle has 150   */
#define TLS_TRUST_DER_MAX        16384 /* bytes of one certificate           */
#define TLS_TRUST_CANDIDATES_MAX 16    /* anchors of one name that are tried */

struct tls_trust {
    const uint8_t *pem; /* the caller's; lives on                         */
    size_t count;       /* anchors in the index                           */
    size_t skipped;     /* blocks that are no certificate, or too many    */
    struct {
        uint32_t at, len; /* the Base64 text                              */
        uint32_t subject; /* tls_trust_name_hash()                        */
    } anchor[TLS_TRUST_MAX];
};

/* Indexes the bundle; text between the blocks and blocks of other kinds are
 * passed over. False if there is not one certificate in it. */
bool tls_trust_index(struct tls_trust *t, const uint8_t *pem, size_t len);

/* The anchors whose subject is child's issuer, as a list of parsed
 * certificates on the heap (NULL: there are none). 0, or an Mbed TLS error
 * when memory ran out. */
int tls_trust_find(const struct tls_trust *t, const mbedtls_x509_crt *child,
                   mbedtls_x509_crt **list);

/* Is exactly this certificate an anchor? */
bool tls_trust_has(const struct tls_trust *t, const mbedtls_x509_crt *crt);

/* Over the types and values of a DER Name, letters in one case and string
 * types left out: names that Mbed TLS takes for equal hash alike. */
uint32_t tls_trust_name_hash(const uint8_t *der, size_t len);

#endif
