/*
 * tls_hash.c - see tls_hash.h.
 */
#include "tls_hash.h"

#include <mbedtls/md.h>

static mbedtls_md_context_t hmac;

static const mbedtls_md_info_t *info_of(enum tls_hash hash)
{
    return mbedtls_md_info_from_type(hash == TLS_HASH_MD5 ? MBEDTLS_MD_MD5
                                     : hash == TLS_HASH_SHA1
                                         ? MBEDTLS_MD_SHA1
                                         : MBEDTLS_MD_SHA256);
}

bool tls_hash(enum tls_hash hash, const void *p, size_t len, uint8_t *out)
{
    return mbedtls_md(info_of(hash), p, len, out) == 0;
}

bool tls_hmac_begin(enum tls_hash hash, const void *key, size_t len)
{
    mbedtls_md_free(&hmac); /* one that was not ended */
    mbedtls_md_init(&hmac);
    return mbedtls_md_setup(&hmac, info_of(hash), 1) == 0 &&
           mbedtls_md_hmac_starts(&hmac, key, len) == 0;
}

bool tls_hmac_add(const void *p, size_t len)
{
    return mbedtls_md_hmac_update(&hmac, p, len) == 0;
}

bool tls_hmac_end(uint8_t *out)
{
    bool ok = mbedtls_md_hmac_finish(&hmac, out) == 0;

    mbedtls_md_free(&hmac);
    return ok;
}

bool tls_hmac_rounds(enum tls_hash hash, const void *key, size_t len,
                     uint8_t *u, uint8_t *t, unsigned rounds)
{
    size_t n = mbedtls_md_get_size(info_of(hash));
    bool ok = tls_hmac_begin(hash, key, len);

    for (unsigned i = 0; ok && i < rounds; i++) {
        ok = mbedtls_md_hmac_update(&hmac, u, n) == 0 &&
             mbedtls_md_hmac_finish(&hmac, u) == 0 &&
             mbedtls_md_hmac_reset(&hmac) == 0;
        for (size_t k = 0; k < n; k++)
            t[k] ^= u[k];
    }
    mbedtls_md_free(&hmac);
    return ok;
}
