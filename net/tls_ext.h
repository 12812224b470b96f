/*
 * tls_ext.h - walks the extensions of a parsed certificate or revocation list
 * (RFC 5280 4.2, 5.2), for what Mbed TLS does not look at. Private to
 * net/tls*.c.
 */
#ifndef NET_TLS_EXT_H
#define NET_TLS_EXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mbedtls/x509_crt.h>

/* the last arc of 2.5.29 */
enum tls_ext_id {
    TLS_EXT_OTHER = 0, /* not below 2.5.29 */
    TLS_EXT_SUBJECT_KEY_ID = 14,
    TLS_EXT_SUBJECT_ALT_NAME = 17,
    TLS_EXT_CRL_NUMBER = 20,
    TLS_EXT_NAME_CONSTRAINTS = 30,
    TLS_EXT_AUTHORITY_KEY_ID = 35,
    TLS_EXT_POLICY_CONSTRAINTS = 36,
};

struct tls_ext {
    unsigned char *at;
    const unsigned char *end;
    bool malformed; /* ends the walk; cannot be in what was parsed */
    uint8_t id;     /* enum tls_ext_id, and others of 2.5.29       */
    bool critical;
    unsigned char *value; /* DER, in what was parsed */
    size_t len;
};

/* raw: v3_ext or crl_ext. Then tls_ext_next() once for each extension. */
void tls_ext_open(struct tls_ext *e, const mbedtls_asn1_buf *raw);
bool tls_ext_next(struct tls_ext *e);

/* mbedtls_x509_crt_parse_der(), which refuses every critical extension that
 * the library does not know; this one knows name constraints too, and leaves
 * them to tls_names.c. The handshake's certificates come this way as well:
 * mbedtls.mk. */
int tls_ext_parse(mbedtls_x509_crt *chain, const unsigned char *der,
                  size_t len);

#endif
