/*
 * tls_crl.h - revocation lists (RFC 5280, section 5): is this certificate on
 * the list of its issuer?
 *
 * Private to net/tls*.c and tests. The lists are the user's, from a PEM file;
 * nothing is fetched. An issuer without a list in the file is not judged, as
 * in msmtp; one whose list is stale, forged or not understood is refused.
 */
#ifndef NET_TLS_CRL_H
#define NET_TLS_CRL_H

#include <stddef.h>
#include <stdint.h>

#include <mbedtls/x509_crl.h>
#include <mbedtls/x509_crt.h>

#define TLS_CRL_PEM_MAX 65536 /* parsed it takes five times as much heap */

enum tls_crl_verdict {
    TLS_CRL_NONE,     /* no list of this issuer                            */
    TLS_CRL_GOOD,     /* not on it                                         */
    TLS_CRL_REVOKED,  /* on it, and the issuer has signed it               */
    TLS_CRL_UNUSABLE, /* the issuer's list proves nothing: *why            */
};

/* Appends every list in the PEM text to an initialised one, which the caller
 * frees. 0, or an Mbed TLS error with a sentence in *reason. */
int tls_crl_load(mbedtls_x509_crl *lists, const uint8_t *pem, size_t len,
                 const char **reason);

/* What the lists say about crt, which ca has issued. *why is static text. */
enum tls_crl_verdict tls_crl_check(const mbedtls_x509_crl *lists,
                                   const mbedtls_x509_crt *crt,
                                   mbedtls_x509_crt *ca, const char **why);

#endif
