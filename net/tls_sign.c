/*
 * tls_sign.c - see tls_sign.h.
 *
 * RFC 8301 3.2: signers use keys of 2,048 bits where they can, and never less
 * than 1,024.
 */
#include "tls_sign.h"

#include <string.h>

#include <mbedtls/pk.h>
#include <mbedtls/sha256.h>

#include "heap.h"
#include "tls_ed25519.h"
#include "tls_port.h"
#include "wipe.h"

#define PEM_MAX  65536
#define BITS_MIN 1024

static struct {
    mbedtls_pk_context key; /* of RSA */
    struct tls_ed25519 edwards;
    enum tls_sign_kind kind;
    mbedtls_sha256_context hash;
    bool open;
} signer;

void tls_sign_close(void)
{
    if (!signer.open)
        return;
    mbedtls_pk_free(&signer.key);
    mbedtls_sha256_free(&signer.hash);
    wipe(&signer.edwards, sizeof signer.edwards);
    signer.open = false;
}

enum tls_sign_kind tls_sign_kind(void)
{
    return signer.kind;
}

static bool rsa_ok(const char **why)
{
    *why = "it is no key of RSA or Ed25519";
    if (mbedtls_pk_get_type(&signer.key) != MBEDTLS_PK_RSA)
        return false;
    *why = "it has less than 1,024 bits";
    return mbedtls_pk_get_bitlen(&signer.key) >= BITS_MIN;
}

static bool parse(const uint8_t *pem, size_t len, const char **why)
{
    /* PEM must end in a NUL for Mbed TLS */
    uint32_t failed = tls_port_calloc_failed();
    uint8_t *copy = tls_port_calloc(1, len + 1);
    bool ok;

    *why = "out of memory";
    if (copy == NULL)
        return false;
    memcpy(copy, pem, len);
    signer.kind = TLS_SIGN_RSA;
    if (mbedtls_pk_parse_key(&signer.key, copy, len + 1, NULL, 0, tls_port_rng,
                             NULL) == 0) {
        ok = rsa_ok(why);
    } else {
        signer.kind = TLS_SIGN_ED25519;
        ok = tls_ed25519_read(&signer.edwards, copy, why);
    }
    if (tls_port_calloc_failed() != failed) {
        *why = "out of memory"; /* whatever was made of it */
        ok = false;
    }
    wipe(copy, len);
    heap_free(copy);
    return ok;
}

bool tls_sign_open(const uint8_t *pem, size_t len, const char **why)
{
    tls_sign_close();
    *why = "it is empty or over 64 KB";
    if (len == 0 || len > PEM_MAX)
        return false;
    mbedtls_pk_init(&signer.key);
    mbedtls_sha256_init(&signer.hash);
    signer.open = true;
    if (parse(pem, len, why))
        return true;
    tls_sign_close();
    return false;
}

void tls_sign_start(void *unused)
{
    (void)unused;
    mbedtls_sha256_starts(&signer.hash, 0);
}

void tls_sign_update(void *unused, const uint8_t *p, size_t n)
{
    (void)unused;
    mbedtls_sha256_update(&signer.hash, p, n);
}

void tls_sign_finish(void *unused, uint8_t hash[TLS_SIGN_HASH])
{
    (void)unused;
    mbedtls_sha256_finish(&signer.hash, hash);
}

size_t tls_sign(void *unused, const uint8_t hash[TLS_SIGN_HASH], uint8_t *sig,
                size_t cap)
{
    size_t len = 0;

    (void)unused;
    if (!signer.open)
        return 0;
    if (signer.kind == TLS_SIGN_ED25519) {
        if (cap < TLS_ED25519_SIGNATURE)
            return 0;
        tls_ed25519_sign(&signer.edwards, hash, TLS_SIGN_HASH, sig);
        return TLS_ED25519_SIGNATURE;
    }
    if (mbedtls_pk_sign(&signer.key, MBEDTLS_MD_SHA256, hash, TLS_SIGN_HASH,
                        sig, cap, &len, tls_port_rng, NULL) != 0)
        return 0;
    return len;
}
