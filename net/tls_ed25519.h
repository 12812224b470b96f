/*
 * tls_ed25519.h - Ed25519 (RFC 8032), which Mbed TLS 3.6 does not have: keys
 * of PKCS #8 (RFC 8410 7), and signatures by libsodium.
 */
#ifndef NET_TLS_ED25519_H
#define NET_TLS_ED25519_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TLS_ED25519_SIGNATURE 64 /* bytes */

struct tls_ed25519 {
    uint8_t key[64]; /* the seed, then the public key: a secret to be wiped */
};

/* Reads "-----BEGIN PRIVATE KEY-----"; a NUL ends pem. False: *why is a
 * sentence part, and nothing of the key is left. */
bool tls_ed25519_read(struct tls_ed25519 *, const uint8_t *pem,
                      const char **why);

/* Signs the bytes themselves, no hash of them. */
void tls_ed25519_sign(const struct tls_ed25519 *, const uint8_t *p, size_t n,
                      uint8_t sig[TLS_ED25519_SIGNATURE]);

#endif
