/*
 * tls_hash.h - the hashes that logins are made of: MD5, SHA-1 and SHA-256, and
 * HMAC over them (RFC 2104), from Mbed TLS.
 *
 * MD5 and SHA-1 are here for CRAM-MD5 and SCRAM-SHA-1 alone: no certificate
 * and no handshake may use them (tls_verify.c, tls_setup.c). Every function
 * returns false when the library fails, which means that memory is short.
 * One HMAC is made at a time.
 */
#ifndef NET_TLS_HASH_H
#define NET_TLS_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tls_hash { TLS_HASH_MD5, TLS_HASH_SHA1, TLS_HASH_SHA256 };

bool tls_hash(enum tls_hash hash, const void *p, size_t len, uint8_t *out);

bool tls_hmac_begin(enum tls_hash hash, const void *key, size_t len);
bool tls_hmac_add(const void *p, size_t len);
bool tls_hmac_end(uint8_t *out); /* wipes the key as well */

/* rounds times: u := HMAC(key, u), t := t XOR u (RFC 8018 section 5.2) */
bool tls_hmac_rounds(enum tls_hash hash, const void *key, size_t len,
                     uint8_t *u, uint8_t *t, unsigned rounds);

#endif
