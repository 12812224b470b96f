/*
 * tls_sign.h - SHA-256 and signatures with a private key, for whoever signs
 * what it sends.
 *
 * One key, one hash at a time. The functions of the table shape take a
 * pointer that they ignore.
 */
#ifndef NET_TLS_SIGN_H
#define NET_TLS_SIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TLS_SIGN_HASH 32

enum tls_sign_kind { TLS_SIGN_RSA, TLS_SIGN_ED25519 };

/* Reads an unencrypted key in PEM, Ed25519 or RSA of at least 1,024 bits; the
 * text may be wiped afterwards. rng_init() was called. False: *why is a
 * sentence part. */
bool tls_sign_open(const uint8_t *pem, size_t len, const char **why);
enum tls_sign_kind tls_sign_kind(void);
void tls_sign_close(void); /* wipes it; harmless without a key */

void tls_sign_start(void *unused);
void tls_sign_update(void *unused, const uint8_t *p, size_t n);
void tls_sign_finish(void *unused, uint8_t hash[TLS_SIGN_HASH]);

/* RSASSA-PKCS1-v1_5 (RFC 8017 8.2) of a SHA-256, or Ed25519 (RFC 8032 5.1) over
 * its bytes (RFC 8463 3). Returns the length, 0: it failed, or cap is too
 * small. */
size_t tls_sign(void *unused, const uint8_t hash[TLS_SIGN_HASH], uint8_t *sig,
                size_t cap);

#endif
