/*
 * forge.h - signatures of certificates and handshakes that nobody can make:
 * is one right? The target says so by verified(); it links with
 * -Wl,--wrap=mbedtls_pk_verify_ext.
 */
#ifndef TESTS_FUZZ_FORGE_H
#define TESTS_FUZZ_FORGE_H

#include <mbedtls/pk.h>

/* 0, or the error of the library */
static int verified(mbedtls_pk_context *ctx, mbedtls_pk_type_t type);

int __wrap_mbedtls_pk_verify_ext(mbedtls_pk_type_t type, const void *options,
                                 mbedtls_pk_context *ctx,
                                 mbedtls_md_type_t md_alg,
                                 const unsigned char *hash, size_t hash_len,
                                 const unsigned char *sig, size_t sig_len);
int __wrap_mbedtls_pk_verify_ext(mbedtls_pk_type_t type, const void *options,
                                 mbedtls_pk_context *ctx,
                                 mbedtls_md_type_t md_alg,
                                 const unsigned char *hash, size_t hash_len,
                                 const unsigned char *sig, size_t sig_len)
{
    (void)options;
    (void)md_alg;
    (void)hash;
    (void)hash_len;
    (void)sig;
    (void)sig_len;
    return verified(ctx, type);
}

#endif
