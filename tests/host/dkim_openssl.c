/*
 * dkim_openssl.c - see dkim_openssl.h.
 */
#include "dkim_openssl.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

static void start(void *own)
{
    EVP_DigestInit_ex(own, EVP_sha256(), NULL);
}

static void update(void *own, const uint8_t *p, size_t n)
{
    EVP_DigestUpdate(own, p, n);
}

static void finish(void *own, uint8_t hash[DKIM_HASH])
{
    EVP_DigestFinal_ex(own, hash, NULL);
}

static EVP_PKEY *public_key(enum dkim_algorithm a, const uint8_t *p, size_t n)
{
    const uint8_t *at = p;
    EVP_PKEY *key;

    if (a == DKIM_ED25519_SHA256)
        return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, p, n);
    key = d2i_PUBKEY(NULL, &at, (long)n);
    if (key != NULL)
        return key;
    at = p;
    return d2i_PublicKey(EVP_PKEY_RSA, NULL, &at, (long)n);
}

static bool verify(void *own, enum dkim_algorithm a, const uint8_t *p, size_t n,
                   const uint8_t hash[DKIM_HASH], const uint8_t *sig,
                   size_t sig_len)
{
    EVP_PKEY *key = public_key(a, p, n);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pk = key != NULL ? EVP_PKEY_CTX_new(key, NULL) : NULL;
    bool ok;

    (void)own;
    if (a == DKIM_ED25519_SHA256)
        ok = key != NULL &&
             EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) == 1 &&
             EVP_DigestVerify(ctx, sig, sig_len, hash, DKIM_HASH) == 1;
    else
        ok = pk != NULL && EVP_PKEY_verify_init(pk) == 1 &&
             EVP_PKEY_CTX_set_rsa_padding(pk, RSA_PKCS1_PADDING) == 1 &&
             EVP_PKEY_CTX_set_signature_md(pk, EVP_sha256()) == 1 &&
             EVP_PKEY_verify(pk, sig, sig_len, hash, DKIM_HASH) == 1;
    EVP_PKEY_CTX_free(pk);
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(key);
    return ok;
}

void dkim_openssl(struct dkim_check_crypto *c)
{
    static EVP_MD_CTX *hashing;

    if (hashing == NULL)
        hashing = EVP_MD_CTX_new();
    *c = (struct dkim_check_crypto){ hashing, start, update, finish, verify };
}
