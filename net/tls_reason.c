/*
 * tls_reason.c - Mbed TLS error codes and TLS alerts as sentences.
 *
 * Mbed TLS adds a high-level code (bits 7 and up) and a low-level one (bits 0
 * to 6); the low-level half only matters when it says that memory ran out.
 */
#include "tls_reason.h"

#include <string.h>

#include <mbedtls/asn1.h>
#include <mbedtls/bignum.h>
#include <mbedtls/cipher.h>
#include <mbedtls/ecp.h>
#include <mbedtls/entropy.h>
#include <mbedtls/md.h>
#include <mbedtls/pem.h>
#include <mbedtls/pk.h>
#include <mbedtls/rsa.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509.h>

char *tls_reason_quote(char *out, size_t cap, const void *p, size_t len)
{
    const uint8_t *b = p;
    size_t n = len < cap - 1 ? len : cap - 1;

    for (size_t i = 0; i < n; i++)
        out[i] = b[i] >= 0x20 && b[i] < 0x7f ? (char)b[i] : '.';
    if (n < len && cap > 4)
        memcpy(out + cap - 4, "...", 3);
    out[n] = '\0';
    return out;
}

static const struct {
    uint8_t number;
    const char *name;
} alerts[] = {
    { 0, "close_notify" },
    { 10, "unexpected_message" },
    { 20, "bad_record_mac" },
    { 22, "record_overflow" },
    { 40, "handshake_failure" },
    { 42, "bad_certificate" },
    { 43, "unsupported_certificate" },
    { 44, "certificate_revoked" },
    { 45, "certificate_expired" },
    { 46, "certificate_unknown" },
    { 47, "illegal_parameter" },
    { 48, "unknown_ca" },
    { 49, "access_denied" },
    { 50, "decode_error" },
    { 51, "decrypt_error" },
    { 70, "protocol_version" },
    { 71, "insufficient_security" },
    { 80, "internal_error" },
    { 86, "inappropriate_fallback" },
    { 90, "user_canceled" },
    { 109, "missing_extension" },
    { 110, "unsupported_extension" },
    { 112, "unrecognized_name" },
    { 113, "bad_certificate_status_response" },
    { 115, "unknown_psk_identity" },
    { 116, "certificate_required" },
    { 120, "no_application_protocol" },
};

const char *tls_reason_alert(uint8_t description)
{
    for (size_t i = 0; i < sizeof(alerts) / sizeof(alerts[0]); i++) {
        if (alerts[i].number == description)
            return alerts[i].name;
    }
    return "unknown";
}

static const struct {
    int code; /* high-level */
    enum tls_error kind;
    const char *text;
} errors[] = {
    { MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION, TLS_E_PROTO,
      "the server speaks neither TLS 1.3 nor 1.2, or only a version that the "
      "configuration forbids" },
    { MBEDTLS_ERR_SSL_HANDSHAKE_FAILURE, TLS_E_PROTO,
      "the server's handshake is not acceptable: no cipher or group in common, "
      "or a wrong signature" },
    { MBEDTLS_ERR_SSL_ILLEGAL_PARAMETER, TLS_E_PROTO,
      "the server chose something that we did not offer" },
    { MBEDTLS_ERR_SSL_UNSUPPORTED_EXTENSION, TLS_E_PROTO,
      "the server used a TLS extension that we did not offer" },
    { MBEDTLS_ERR_SSL_DECODE_ERROR, TLS_E_PROTO,
      "the server sent a malformed TLS message" },
    { MBEDTLS_ERR_SSL_INVALID_RECORD, TLS_E_PROTO,
      "the server sent a malformed TLS record" },
    { MBEDTLS_ERR_SSL_INVALID_MAC, TLS_E_PROTO,
      "a TLS record was damaged or forged on its way (bad authentication "
      "tag)" },
    { MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE, TLS_E_PROTO,
      "the server sent a TLS message that has no place here" },
    { MBEDTLS_ERR_SSL_UNEXPECTED_RECORD, TLS_E_PROTO,
      "the server sent a TLS record that has no place here" },
    { MBEDTLS_ERR_SSL_BUFFER_TOO_SMALL, TLS_E_PROTO,
      "the server sent a handshake message over 16 KB" },
    { MBEDTLS_ERR_SSL_COUNTER_WRAPPING, TLS_E_PROTO,
      "the connection is older than its keys allow" },
    { MBEDTLS_ERR_SSL_BAD_CERTIFICATE, TLS_E_CERT,
      "the server's certificate cannot be used for this connection (key usage "
      "or curve)" },
    { MBEDTLS_ERR_SSL_PK_TYPE_MISMATCH, TLS_E_PROTO,
      "the server's key is of another kind than its cipher suite says" },
    { MBEDTLS_ERR_SSL_NO_CLIENT_CERTIFICATE, TLS_E_PROTO,
      "the server sent no certificate" },
    { MBEDTLS_ERR_SSL_PRIVATE_KEY_REQUIRED, TLS_E_CONFIG,
      "the client certificate has no usable private key" },
    { MBEDTLS_ERR_SSL_CRYPTO_IN_PROGRESS, TLS_E_PROTO,
      "internal: in progress" },
    { MBEDTLS_ERR_SSL_INTERNAL_ERROR, TLS_E_PROTO,
      "the server's handshake makes no sense to the TLS library" },
    { MBEDTLS_ERR_ECP_VERIFY_FAILED, TLS_E_PROTO,
      "the server's handshake signature is wrong" },
    { MBEDTLS_ERR_PK_SIG_LEN_MISMATCH, TLS_E_PROTO,
      "the server's handshake signature is wrong" },
    { MBEDTLS_ERR_RSA_VERIFY_FAILED, TLS_E_PROTO,
      "the server's handshake signature is wrong" },
    { MBEDTLS_ERR_PK_UNKNOWN_PK_ALG, TLS_E_CERT,
      "the server's certificate has a key of an unsupported kind" },
    { MBEDTLS_ERR_PK_UNKNOWN_NAMED_CURVE, TLS_E_CERT,
      "the server's certificate has a key on an unsupported curve" },
    { MBEDTLS_ERR_PK_INVALID_PUBKEY, TLS_E_CERT,
      "the server's certificate has an invalid key" },
    { MBEDTLS_ERR_PK_KEY_INVALID_FORMAT, TLS_E_CERT,
      "the server's certificate has an invalid key" },
    { MBEDTLS_ERR_X509_UNKNOWN_VERSION, TLS_E_CERT,
      "the server's certificate has an unknown X.509 version" },
    { MBEDTLS_ERR_X509_UNKNOWN_SIG_ALG, TLS_E_CERT,
      "the server's certificate is signed by an unknown algorithm" },
    { MBEDTLS_ERR_X509_INVALID_EXTENSIONS, TLS_E_CERT,
      "the server's certificate has a malformed extension, or a critical one "
      "that is not understood" },
    { MBEDTLS_ERR_X509_FATAL_ERROR, TLS_E_CERT,
      "the server's certificate chain cannot be judged: more than 8 "
      "intermediate certificates" },
    { MBEDTLS_ERR_X509_CERT_VERIFY_FAILED, TLS_E_CERT,
      "the server's certificate was refused" },
};

#define HIGH(ret) ((unsigned)-(ret)&0xff80u)
#define LOW(ret)  ((unsigned)-(ret)&0x007fu)

bool tls_reason_is_memory(int ret)
{
    static const int high[] = {
        MBEDTLS_ERR_SSL_ALLOC_FAILED, MBEDTLS_ERR_X509_ALLOC_FAILED,
        MBEDTLS_ERR_PK_ALLOC_FAILED,  MBEDTLS_ERR_ECP_ALLOC_FAILED,
        MBEDTLS_ERR_MD_ALLOC_FAILED,  MBEDTLS_ERR_CIPHER_ALLOC_FAILED,
        MBEDTLS_ERR_PEM_ALLOC_FAILED,
    };

    if (ret >= 0)
        return false;
    if (LOW(ret) == LOW(MBEDTLS_ERR_ASN1_ALLOC_FAILED) ||
        LOW(ret) == LOW(MBEDTLS_ERR_MPI_ALLOC_FAILED))
        return true;
    for (size_t i = 0; i < sizeof(high) / sizeof(high[0]); i++) {
        if (HIGH(ret) == HIGH(high[i]))
            return true;
    }
    return false;
}

/* Is code one of the X.509 parser's (0x2080 to 0x2f80)? */
static bool is_x509(int ret)
{
    return HIGH(ret) >= 0x2080 && HIGH(ret) <= 0x2f80;
}

const char *tls_reason_of(int ret, enum tls_error *kind)
{
    if (tls_reason_is_memory(ret)) {
        *kind = TLS_E_MEMORY;
        return "out of memory";
    }
    if (LOW(ret) == LOW(MBEDTLS_ERR_ENTROPY_SOURCE_FAILED) && HIGH(ret) == 0) {
        *kind = TLS_E_NO_ENTROPY;
        return "no source of random numbers";
    }
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        if (HIGH(ret) == HIGH(errors[i].code)) {
            *kind = errors[i].kind;
            return errors[i].text;
        }
    }
    if (is_x509(ret)) {
        *kind = TLS_E_CERT;
        return "the server's certificate is malformed";
    }
    *kind = TLS_E_PROTO;
    return "the TLS handshake failed";
}
