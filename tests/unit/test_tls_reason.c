/*
 * test_tls_reason.c - what the library's error codes mean to somebody who
 * reads why a mail was not sent.
 */
/* sources: net/tls_reason.c net/tls_port.c net/rng.c kernel/heap.c */
/* includes: net kernel tests/host */
/* libs: mbedtls */
/* link: -fuse-ld=lld -Wl,--gc-sections */
#include "check.h"
#include "fakeplatform.h"

#include "tls_reason.h"

#include <mbedtls/asn1.h>
#include <mbedtls/bignum.h>
#include <mbedtls/cipher.h>
#include <mbedtls/ecp.h>
#include <mbedtls/entropy.h>
#include <mbedtls/md.h>
#include <mbedtls/pem.h>
#include <mbedtls/pk.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509.h>

/* Whoever was asked for memory, and whoever passed that on. */
static void memory(void)
{
    static const int codes[] = {
        MBEDTLS_ERR_SSL_ALLOC_FAILED,
        MBEDTLS_ERR_X509_ALLOC_FAILED,
        MBEDTLS_ERR_PK_ALLOC_FAILED,
        MBEDTLS_ERR_ECP_ALLOC_FAILED,
        MBEDTLS_ERR_MD_ALLOC_FAILED,
        MBEDTLS_ERR_CIPHER_ALLOC_FAILED,
        MBEDTLS_ERR_PEM_ALLOC_FAILED,
        MBEDTLS_ERR_ASN1_ALLOC_FAILED,
        MBEDTLS_ERR_MPI_ALLOC_FAILED,
        MBEDTLS_ERR_X509_INVALID_NAME + MBEDTLS_ERR_ASN1_ALLOC_FAILED,
        MBEDTLS_ERR_PK_INVALID_PUBKEY + MBEDTLS_ERR_MPI_ALLOC_FAILED,
    };

    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        enum tls_error kind = TLS_OK;

        CHECK(tls_reason_is_memory(codes[i]));
        CHECK_STR(tls_reason_of(codes[i], &kind), "out of memory");
        CHECK_EQ(kind, TLS_E_MEMORY);
    }
    CHECK(!tls_reason_is_memory(MBEDTLS_ERR_SSL_INVALID_MAC));
    CHECK(!tls_reason_is_memory(MBEDTLS_ERR_ASN1_OUT_OF_DATA));
    CHECK(!tls_reason_is_memory(0));
}

static void others(void)
{
    static const struct {
        int code;
        enum tls_error kind;
        const char *part;
    } table[] = {
        { MBEDTLS_ERR_ENTROPY_SOURCE_FAILED, TLS_E_NO_ENTROPY,
          "no source of random numbers" },
        { MBEDTLS_ERR_SSL_INVALID_MAC, TLS_E_PROTO, "damaged or forged" },
        { MBEDTLS_ERR_X509_INVALID_EXTENSIONS + MBEDTLS_ERR_ASN1_OUT_OF_DATA,
          TLS_E_CERT, "malformed extension" },
        { MBEDTLS_ERR_X509_INVALID_EXTENSIONS +
              MBEDTLS_ERR_ASN1_LENGTH_MISMATCH,
          TLS_E_CERT, "malformed extension" },
        { MBEDTLS_ERR_X509_INVALID_DATE, TLS_E_CERT, "is malformed" },
        { MBEDTLS_ERR_X509_FEATURE_UNAVAILABLE, TLS_E_CERT, "is malformed" },
        { -0x2f80, TLS_E_CERT, "is malformed" },
        { -0x2000, TLS_E_PROTO, "the TLS handshake failed" },
        { MBEDTLS_ERR_X509_FATAL_ERROR, TLS_E_CERT, "cannot be judged" },
        { -0x3080, TLS_E_PROTO, "the TLS handshake failed" },
        { -0x7f80, TLS_E_PROTO, "the TLS handshake failed" },
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        enum tls_error kind = TLS_OK;
        const char *why = tls_reason_of(table[i].code, &kind);

        if (!CHECK(strstr(why, table[i].part) != NULL))
            printf("  -0x%x: %s\n", (unsigned)-table[i].code, why);
        CHECK_EQ(kind, table[i].kind);
    }
}

static const struct check_case cases[] = { { "memory", memory },
                                           { "others", others } };

CHECK_MAIN(cases)
