/*
 * tls_pem.h - a text of several PEM blocks, one after the other (RFC 7468).
 *
 * Private to net/tls*.c.
 */
#ifndef NET_TLS_PEM_H
#define NET_TLS_PEM_H

#include <stddef.h>
#include <stdint.h>

/* Gives take() what is in each block between begin and end of text, which ends
 * in a NUL; der is its own until it returns. Of what stands between the blocks
 * nothing is heard. 0, or an error of Mbed TLS: the first of take(), a block
 * that is broken or cut, or no block at all. */
int tls_pem_each(const uint8_t *text, const char *begin, const char *end,
                 int (*take)(void *to, const uint8_t *der, size_t len),
                 void *to);

#endif
