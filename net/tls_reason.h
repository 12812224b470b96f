/*
 * tls_reason.h - the one place where a TLS failure becomes a sentence.
 *
 * Private to net/tls*.c. The first reason wins and sticks until it is
 * cleared. Whatever a peer sent goes through tls_reason_quote() first.
 */
#ifndef NET_TLS_REASON_H
#define NET_TLS_REASON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tls.h"

#define TLS_WHY_MAX 320

/* Bytes of a peer as printable ASCII (others become '.'), NUL-terminated, cut
 * to fit with "...". Returns out. */
char *tls_reason_quote(char *out, size_t cap, const void *p, size_t len);

/* Alert descriptions of RFC 8446 6.2 and RFC 5246 7.2.2; "unknown". */
const char *tls_reason_alert(uint8_t description);

/* What an Mbed TLS error code means for us, and the sentence about it. */
const char *tls_reason_of(int ret, enum tls_error *kind);

/* Did memory run out? */
bool tls_reason_is_memory(int ret);

#endif
