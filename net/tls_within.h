/*
 * tls_within.h - does a name lie within the base of a name constraint? (RFC
 * 5280 4.2.1.10)
 *
 * Private to net/tls*.c and tests. A base and a name are the contents of a
 * GeneralName; that of a directory name is the whole Name inside of it.
 */
#ifndef NET_TLS_WITHIN_H
#define NET_TLS_WITHIN_H

#include <stdbool.h>
#include <stddef.h>

#include "tls_der.h"

/* UNSURE: neither can be said. That is not enough to be permitted, nor to be
 * not excluded. */
enum tls_where { TLS_OUTSIDE, TLS_UNSURE, TLS_WITHIN };

/* Can this be a base? tag: the GeneralName's. What is below the forms that
 * are not judged is not looked into. */
bool tls_within_sound(int tag, struct der base);

/* Which form of name a tag means: MBEDTLS_X509_SAN_... */
int tls_within_form(int tag);

/* Where lies name, of the form of base, which is sound? At most twice their
 * bytes are looked at. */
enum tls_where tls_within(int tag, struct der base, struct der name);

/* Are these the same bytes, but for the case of ASCII letters? */
bool tls_within_same(const void *a, const void *b, size_t len);

#endif
