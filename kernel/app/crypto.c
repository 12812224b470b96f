/*
 * crypto.c - net's hashes and random numbers in the shape smtp asks for.
 */
#include "crypto.h"

#include "rng.h"
#include "tls_hash.h"

static enum tls_hash of(enum smtp_hash hash)
{
    return hash == SMTP_MD5    ? TLS_HASH_MD5
           : hash == SMTP_SHA1 ? TLS_HASH_SHA1
                               : TLS_HASH_SHA256;
}

/* A nonce must be new, not secret; but a weak generator may repeat itself. */
static bool random_bytes(void *ctx, void *out, size_t n)
{
    (void)ctx;
    rng_bytes(out, n);
    return rng_state() == RNG_GOOD;
}

static bool hash(void *ctx, enum smtp_hash h, const void *p, size_t n,
                 uint8_t *out)
{
    (void)ctx;
    return tls_hash(of(h), p, n, out);
}

static bool hmac_begin(void *ctx, enum smtp_hash h, const void *key, size_t n)
{
    (void)ctx;
    return tls_hmac_begin(of(h), key, n);
}

static bool hmac_add(void *ctx, const void *p, size_t n)
{
    (void)ctx;
    return tls_hmac_add(p, n);
}

static bool hmac_end(void *ctx, uint8_t *out)
{
    (void)ctx;
    return tls_hmac_end(out);
}

static bool stretch(void *ctx, enum smtp_hash h, const void *key, size_t n,
                    uint8_t *u, uint8_t *t, unsigned rounds)
{
    (void)ctx;
    return tls_hmac_rounds(of(h), key, n, u, t, rounds);
}

const struct smtp_crypto crypto = {
    .hashes = 1u << SMTP_MD5 | 1u << SMTP_SHA1 | 1u << SMTP_SHA256,
    .random = random_bytes,
    .hash = hash,
    .hmac_begin = hmac_begin,
    .hmac_add = hmac_add,
    .hmac_end = hmac_end,
    .stretch = stretch,
};
