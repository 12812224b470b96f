/*
 * tls_verify.h - may this chain speak for this host? Mbed TLS's verdict plus
 * the rules that it does not enforce.
 *
 * Private to net/tls*.c and tests. The judgement is given once, at the leaf,
 * when the whole chain has been seen.
 */
#ifndef NET_TLS_VERIFY_H
#define NET_TLS_VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mbedtls/x509_crl.h>
#include <mbedtls/x509_crt.h>

#include "tls_names.h"
#include "tls_reason.h"
#include "tls_trust.h"

#define TLS_HOST_MAX 253 /* bytes of a DNS name (RFC 1035) */

struct tls_verify {
    const struct tls_trust *trust;
    const uint8_t *pin; /* SHA-256 of the leaf, or NULL                    */
    char host[TLS_HOST_MAX + 1];
    size_t host_len;
    uint8_t ip[16];
    size_t ip_len; /* 0: host is a name; 4 or 16: an address          */

    const mbedtls_x509_crl *crls; /* revocation lists, or NULL          */

    int top; /* depth of the chain's last certificate; -1: none */
    struct tls_names names;   /* what those seen so far constrain           */
    mbedtls_x509_crt *issuer; /* of the certificate seen next; NULL: none */
    unsigned candidates; /* anchors found for the last issuer looked up    */
    bool passed;         /* the leaf was judged and everything holds        */
    bool revoked;        /* what stands in why is a revocation              */
    enum tls_error error;
    unsigned rank; /* of the reason that stands in why                */
    char why[TLS_WHY_MAX];
};

extern const mbedtls_x509_crt_profile tls_verify_profile;

/* Clears v and takes the host: a name, or an IP address. One trailing dot is
 * dropped. False: not a host name in ASCII (why says so). */
bool tls_verify_host(struct tls_verify *v, const char *host, size_t len);

/* Makes the next chain start from nothing. */
void tls_verify_reset(struct tls_verify *v);

/* The two callbacks of Mbed TLS; the context is a struct tls_verify. */
int tls_verify_ca(void *verify, const mbedtls_x509_crt *child,
                  mbedtls_x509_crt **list);
int tls_verify_cert(void *verify, mbedtls_x509_crt *crt, int depth,
                    uint32_t *flags);

#endif
