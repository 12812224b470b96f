/* dkim_openssl.h - OpenSSL's cryptography for smtp/dkim_check.c. */
#ifndef TESTS_HOST_DKIM_OPENSSL_H
#define TESTS_HOST_DKIM_OPENSSL_H

#include "dkim_check.h"

/* One hash for all that ask: one signature is judged at a time. */
void dkim_openssl(struct dkim_check_crypto *);

#endif
