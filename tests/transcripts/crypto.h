/*
 * crypto.h - MD5, SHA-1 and SHA-256 (RFC 1321, FIPS 180-4) and HMAC (RFC
 * 2104) for the tests of logins: short, slow, and fit for nothing else.
 */
#ifndef TRANSCRIPTS_CRYPTO_H
#define TRANSCRIPTS_CRYPTO_H

#include "smtp.h"

/* Its random bytes are 0, 1, 2 and so on, the same each time. */
extern const struct smtp_crypto crypto;

/* The same, but the call that brings frail_left from 1 to 0 fails. */
extern const struct smtp_crypto frail;
extern unsigned frail_left;

#endif
