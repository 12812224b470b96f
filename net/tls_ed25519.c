/*
 * tls_ed25519.c - see tls_ed25519.h.
 *
 * RFC 8410 7: PrivateKeyInfo holds the seed in an OCTET STRING of its own. A
 * public key beside it (RFC 5958) is not looked at: it is made of the seed,
 * since a signature with another one would give the seed away.
 */
#include "tls_ed25519.h"

#include <string.h>

#include <mbedtls/asn1.h>
#include <mbedtls/pem.h>
#include <sodium/crypto_sign_ed25519.h>
#include <sodium/private/ed25519_ref10.h>
#include <sodium/utils.h>

#include "wipe.h"

#define SEED    crypto_sign_ed25519_SEEDBYTES
#define DER_MAX 512 /* with a public key and a name: about 100 */

_Static_assert(sizeof(struct tls_ed25519) == crypto_sign_ed25519_SECRETKEYBYTES,
               "libsodium's secret key");
_Static_assert(TLS_ED25519_SIGNATURE == crypto_sign_ed25519_BYTES,
               "libsodium's signature");

/* libsodium's own two are in a file that wants an operating system. */
void sodium_memzero(void *const pnt, const size_t len)
{
    wipe(pnt, len);
}

int sodium_is_zero(const unsigned char *n, const size_t nlen)
{
    volatile unsigned char any = 0;

    for (size_t i = 0; i < nlen; i++)
        any |= n[i];
    return any == 0;
}

/* a * B, in constant time; sodium.mk has libsodium call it. B: (x, 4/5) with x
 * positive (RFC 8032 5.1). */
void tls_ed25519_base(ge25519_p3 *h, const unsigned char *a);
void tls_ed25519_base(ge25519_p3 *h, const unsigned char *a)
{
    uint8_t point[32];
    ge25519_p3 base;

    memset(point, 0x66, sizeof point);
    point[0] = 0x58;
    ge25519_frombytes(&base, point);
    ge25519_scalarmult(h, a, &base);
}

/* 1.3.101.112, which has no parameters (RFC 8410 3). */
static bool is_ed25519(uint8_t **p, const uint8_t *end)
{
    static const uint8_t oid[] = { 0x2b, 0x65, 0x70 };
    mbedtls_asn1_buf alg = { 0 }, params = { 0 };

    return mbedtls_asn1_get_alg(p, end, &alg, &params) == 0 &&
           alg.len == sizeof oid && memcmp(alg.p, oid, sizeof oid) == 0 &&
           params.p == NULL;
}

/* The seed in a PrivateKeyInfo, NULL if it is of another kind. */
static const uint8_t *seed_of(uint8_t *p, size_t len)
{
    const uint8_t *end = p + len;
    int version = 0; /* a negative one is refused */
    size_t n;

    if (mbedtls_asn1_get_tag(
            &p, end, &n, MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE) ||
        p + n != end || mbedtls_asn1_get_int(&p, end, &version) ||
        version > 1 || !is_ed25519(&p, end) ||
        mbedtls_asn1_get_tag(&p, end, &n, MBEDTLS_ASN1_OCTET_STRING))
        return NULL;
    end = p + n;
    if (mbedtls_asn1_get_tag(&p, end, &n, MBEDTLS_ASN1_OCTET_STRING) ||
        n != SEED || p + n != end)
        return NULL;
    return p;
}

bool tls_ed25519_read(struct tls_ed25519 *k, const uint8_t *pem,
                      const char **why)
{
    mbedtls_pem_context file;
    uint8_t public[crypto_sign_ed25519_PUBLICKEYBYTES], der[DER_MAX];
    const uint8_t *data, *seed = NULL;
    size_t len;

    mbedtls_pem_init(&file);
    *why = "it is no valid PEM key, or is encrypted";
    if (mbedtls_pem_read_buffer(&file, "-----BEGIN PRIVATE KEY-----",
                                "-----END PRIVATE KEY-----", pem, NULL, 0,
                                &len) == 0) {
        *why = "it is no key of RSA or Ed25519";
        data = mbedtls_pem_get_buffer(&file, &len);
        if (len <= sizeof der) {
            memcpy(der, data, len);
            seed = seed_of(der, len);
        }
    }
    if (seed != NULL)
        crypto_sign_ed25519_seed_keypair(public, k->key, seed);
    wipe(der, sizeof der);
    mbedtls_pem_free(&file);
    return seed != NULL;
}

void tls_ed25519_sign(const struct tls_ed25519 *k, const uint8_t *p, size_t n,
                      uint8_t sig[TLS_ED25519_SIGNATURE])
{
    crypto_sign_ed25519_detached(sig, NULL, p, n, k->key);
}
