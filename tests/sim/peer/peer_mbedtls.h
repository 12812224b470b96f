/*
 * peer_mbedtls.h - Mbed TLS as a server: the client's configuration (so that
 * both sides know the same suites and curves) with the sides exchanged, and
 * what makes the certificate. Memory from malloc, no clock: nothing here
 * judges a date.
 */
#ifndef PEER_MBEDTLS_H
#define PEER_MBEDTLS_H

#include "../../../net/mbedtls_config.h"

#undef MBEDTLS_PLATFORM_MEMORY
#undef MBEDTLS_PLATFORM_CALLOC_MACRO
#undef MBEDTLS_PLATFORM_FREE_MACRO
#undef MBEDTLS_HAVE_TIME
#undef MBEDTLS_HAVE_TIME_DATE
#undef MBEDTLS_PLATFORM_TIME_MACRO
#undef MBEDTLS_PLATFORM_TIME_TYPE_MACRO
#undef MBEDTLS_PLATFORM_MS_TIME_ALT
#undef MBEDTLS_PLATFORM_GMTIME_R_ALT
#undef MBEDTLS_X509_TRUSTED_CERTIFICATE_CALLBACK

#undef MBEDTLS_SSL_CLI_C
#define MBEDTLS_SSL_SRV_C
#define MBEDTLS_PK_WRITE_C
#define MBEDTLS_PEM_WRITE_C
#define MBEDTLS_X509_CREATE_C
#define MBEDTLS_X509_CRT_WRITE_C

#endif
