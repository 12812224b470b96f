/*
 * tls_setup.h - what we offer to a server: versions, ciphers, groups,
 * signatures, and our own certificate. Private to net/tls*.c.
 */
#ifndef NET_TLS_SETUP_H
#define NET_TLS_SETUP_H

#include <stdbool.h>

#include <mbedtls/pk.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crl.h>
#include <mbedtls/x509_crt.h>

#include "tls.h"
#include "tls_verify.h"

struct tls_setup {
    mbedtls_ssl_config conf;
    mbedtls_x509_crt own_cert;
    mbedtls_pk_context own_key;
    mbedtls_x509_crl crls; /* what judge looks at                         */
};

void tls_setup_init(struct tls_setup *s);
void tls_setup_free(struct tls_setup *s);

/* verify: ask judge (which lives on). 0, or an Mbed TLS error with a sentence
 * in *reason. */
int tls_setup_conf(struct tls_setup *s, const struct tls_config *c, bool verify,
                   struct tls_verify *judge, const char **reason);

#endif
