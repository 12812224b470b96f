/*
 * tls_ext.c - Extensions ::= SEQUENCE OF SEQUENCE { extnID OID,
 * critical BOOLEAN OPTIONAL, extnValue OCTET STRING } (RFC 5280 4.1).
 */
#include "tls_ext.h"

#include <string.h>

#include <mbedtls/oid.h>

#define SEQUENCE_OF (MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE)

void tls_ext_open(struct tls_ext *e, const mbedtls_asn1_buf *raw)
{
    size_t len;

    memset(e, 0, sizeof(*e));
    if (raw->p == NULL)
        return;
    e->at = raw->p;
    e->end = raw->p + raw->len;
    e->malformed = mbedtls_asn1_get_tag(&e->at, e->end, &len, SEQUENCE_OF) != 0;
}

static uint8_t id_of(const unsigned char *oid, size_t len)
{
    if (len == sizeof(MBEDTLS_OID_ID_CE) &&
        memcmp(oid, MBEDTLS_OID_ID_CE, len - 1) == 0)
        return oid[len - 1];
    return TLS_EXT_OTHER;
}

bool tls_ext_next(struct tls_ext *e)
{
    unsigned char *p;
    const unsigned char *end;
    size_t len;
    int critical = 0;

    if (e->malformed || e->at == e->end)
        return false;
    e->malformed = true;
    if (mbedtls_asn1_get_tag(&e->at, e->end, &len, SEQUENCE_OF) != 0)
        return false;
    p = e->at;
    end = e->at + len;
    e->at += len;
    if (mbedtls_asn1_get_tag(&p, end, &len, MBEDTLS_ASN1_OID) != 0)
        return false;
    e->id = id_of(p, len);
    p += len;
    if (p < end && *p == MBEDTLS_ASN1_BOOLEAN &&
        mbedtls_asn1_get_bool(&p, end, &critical) != 0)
        return false;
    if (mbedtls_asn1_get_tag(&p, end, &e->len, MBEDTLS_ASN1_OCTET_STRING) !=
            0 ||
        p + e->len != end)
        return false;
    e->value = p;
    e->critical = critical != 0;
    e->malformed = false;
    return true;
}

/* Asked about what the library does not know; what it says of an extension
 * that is not critical does not count. */
static int known_extension(void *unused, const mbedtls_x509_crt *crt,
                           const mbedtls_x509_buf *oid, int critical,
                           const unsigned char *p, const unsigned char *end)
{
    (void)unused;
    (void)crt;
    (void)critical;
    (void)p;
    (void)end;
    return id_of(oid->p, oid->len) == TLS_EXT_NAME_CONSTRAINTS
               ? 0
               : MBEDTLS_ERR_X509_INVALID_EXTENSIONS;
}

int tls_ext_parse(mbedtls_x509_crt *chain, const unsigned char *der, size_t len)
{
    return mbedtls_x509_crt_parse_der_with_ext_cb(chain, der, len, 1,
                                                  known_extension, NULL);
}
