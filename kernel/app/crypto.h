/*
 * crypto.h - what smtp needs of cryptography for a login, from net.
 */
#ifndef APP_CRYPTO_H
#define APP_CRYPTO_H

#include "smtp.h"

extern const struct smtp_crypto crypto;

#endif
