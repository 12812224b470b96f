/*
 * base64.h - base64 (RFC 4648 section 4).
 *
 * No state: a caller that streams encodes whole groups of three bytes and
 * keeps nothing of a secret between calls.
 */
#ifndef SMTP_BASE64_H
#define SMTP_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Characters that n bytes become, padding included. n must be below
 * SIZE_MAX / 4 * 3 - 2: any real buffer is. */
size_t base64_len(size_t n);

/* The group at the head of n bytes, n not 0; always writes four characters. */
void base64_group(char to[4], const uint8_t *from, size_t n);

/* Writes base64_len(n) characters; returns how many. No line breaks. */
size_t base64_encode(char *to, const uint8_t *from, size_t n);

/* Writes at most n / 4 * 3 bytes to to, which may be where from is. False,
 * and nothing can be said about to, unless from is whole groups, with padding
 * at the end alone, and no bit set that the padding leaves unused. */
bool base64_decode(uint8_t *to, size_t *len, const char *from, size_t n);

#endif
