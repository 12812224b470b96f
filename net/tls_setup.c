/*
 * tls_setup.c - settings of the TLS client (RFC 8446 4.1.2, RFC 5246 7.4.1.2)
 * and the client certificate.
 *
 * Keys must be unencrypted PEM: there is nobody to type a passphrase. The copy
 * that is made of a key here is wiped; the caller's is the caller's.
 */
#include "tls_setup.h"

#include <string.h>

#include <mbedtls/ssl_ciphersuites.h>

#include "heap.h"
#include "tls_crl.h"
#include "tls_ext.h"
#include "tls_pem.h"
#include "tls_port.h"
#include "wipe.h"

#define PEM_MAX 65536 /* a client certificate chain, or a key */

/* Fewest instructions first; AES where the CPU has it is also the fastest. */
static const int suites[] = {
    MBEDTLS_TLS1_3_AES_128_GCM_SHA256,
    MBEDTLS_TLS1_3_AES_256_GCM_SHA384,
    MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256,
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    MBEDTLS_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    0,
};

/* The TLS 1.3 key share is for the first group: P-256 takes a tenth fewer
 * instructions than X25519 here, and every server has it. */
static const uint16_t groups[] = {
    MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1, MBEDTLS_SSL_IANA_TLS_GROUP_X25519,
    MBEDTLS_SSL_IANA_TLS_GROUP_SECP384R1, MBEDTLS_SSL_IANA_TLS_GROUP_SECP521R1,
    MBEDTLS_SSL_IANA_TLS_GROUP_NONE,
};

static const uint16_t signatures[] = {
    MBEDTLS_TLS1_3_SIG_ECDSA_SECP256R1_SHA256,
    MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA256,
    MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA256,
    MBEDTLS_TLS1_3_SIG_ECDSA_SECP384R1_SHA384,
    MBEDTLS_TLS1_3_SIG_ECDSA_SECP521R1_SHA512,
    MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA384,
    MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA512,
    MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA384,
    MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA512,
    MBEDTLS_TLS1_3_SIG_NONE,
};

/* PEM must end in a NUL for Mbed TLS: a copy on the heap that does. */
static uint8_t *pem_copy(const uint8_t *pem, size_t len)
{
    uint8_t *copy = tls_port_calloc(1, len + 1);

    if (copy != NULL)
        memcpy(copy, pem, len);
    return copy;
}

static void pem_free(uint8_t *copy, size_t len)
{
    if (copy != NULL)
        wipe(copy, len);
    heap_free(copy);
}

/* mbedtls_x509_crt_parse() would refuse an authority's name constraints where
 * they are critical. */
static int take_cert(void *chain, const uint8_t *der, size_t len)
{
    return tls_ext_parse(chain, der, len);
}

static int parse_own(struct tls_setup *s, const uint8_t *cert,
                     const uint8_t *key, size_t key_len, const char **reason)
{
    int ret;

    *reason = "the client certificate is not valid PEM";
    ret = tls_pem_each(cert, "-----BEGIN CERTIFICATE-----",
                       "-----END CERTIFICATE-----", take_cert, &s->own_cert);
    if (ret != 0)
        return ret;
    *reason = "the client key is not a valid PEM key, or is encrypted";
    ret = mbedtls_pk_parse_key(&s->own_key, key, key_len + 1, NULL, 0,
                               tls_port_rng, NULL);
    if (ret != 0)
        return ret;
    *reason = "the client key does not belong to the client certificate";
    ret =
        mbedtls_pk_check_pair(&s->own_cert.pk, &s->own_key, tls_port_rng, NULL);
    if (ret != 0)
        return ret;
    return mbedtls_ssl_conf_own_cert(&s->conf, &s->own_cert, &s->own_key);
}

static int load_own(struct tls_setup *s, const struct tls_config *c,
                    const char **reason)
{
    uint8_t *cert, *key;
    int ret = MBEDTLS_ERR_PK_ALLOC_FAILED;

    if (c->key == NULL) {
        *reason = "there is a client certificate but no key";
        return MBEDTLS_ERR_PK_BAD_INPUT_DATA;
    }
    if (c->cert_len == 0 || c->cert_len > PEM_MAX || c->key_len == 0 ||
        c->key_len > PEM_MAX) {
        *reason = "the client certificate or its key is empty or over 64 KB";
        return MBEDTLS_ERR_PK_BAD_INPUT_DATA;
    }
    cert = pem_copy(c->cert, c->cert_len);
    key = pem_copy(c->key, c->key_len);
    if (cert != NULL && key != NULL)
        ret = parse_own(s, cert, key, c->key_len, reason);
    pem_free(cert, c->cert_len);
    pem_free(key, c->key_len);
    return ret;
}

void tls_setup_init(struct tls_setup *s)
{
    mbedtls_ssl_config_init(&s->conf);
    mbedtls_x509_crt_init(&s->own_cert);
    mbedtls_pk_init(&s->own_key);
    mbedtls_x509_crl_init(&s->crls);
}

void tls_setup_free(struct tls_setup *s)
{
    mbedtls_ssl_config_free(&s->conf);
    mbedtls_x509_crt_free(&s->own_cert);
    mbedtls_pk_free(&s->own_key);
    mbedtls_x509_crl_free(&s->crls);
}

int tls_setup_conf(struct tls_setup *s, const struct tls_config *c, bool verify,
                   struct tls_verify *judge, const char **reason)
{
    mbedtls_ssl_config *conf = &s->conf;
    int ret;

    *reason = "the TLS library refuses its settings";
    ret = mbedtls_ssl_config_defaults(conf, MBEDTLS_SSL_IS_CLIENT,
                                      MBEDTLS_SSL_TRANSPORT_STREAM,
                                      MBEDTLS_SSL_PRESET_DEFAULT);
    if (ret != 0)
        return ret;
    mbedtls_ssl_conf_rng(conf, tls_port_rng, NULL);
    mbedtls_ssl_conf_min_tls_version(conf, c->min_version >= 0x13
                                               ? MBEDTLS_SSL_VERSION_TLS1_3
                                               : MBEDTLS_SSL_VERSION_TLS1_2);
    mbedtls_ssl_conf_ciphersuites(conf, suites);
    mbedtls_ssl_conf_groups(conf, groups);
    mbedtls_ssl_conf_sig_algs(conf, signatures);
    mbedtls_ssl_conf_cert_profile(conf, &tls_verify_profile);
    mbedtls_ssl_conf_authmode(conf, verify ? MBEDTLS_SSL_VERIFY_REQUIRED
                                           : MBEDTLS_SSL_VERIFY_NONE);
    mbedtls_ssl_conf_ca_cb(conf, tls_verify_ca, judge);
    mbedtls_ssl_conf_verify(conf, tls_verify_cert, judge);
    if (c->crl != NULL) {
        ret = tls_crl_load(&s->crls, c->crl, c->crl_len, reason);
        if (ret != 0)
            return ret;
        judge->crls = &s->crls;
    }
    return c->cert != NULL ? load_own(s, c, reason) : 0;
}
