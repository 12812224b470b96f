/*
 * tls_ext.c - Extensions ::= SEQUENCE OF SEQUENCE { extnID OID,
 * critical BOOLEAN OPTIONAL, extnValue OCTET STRING } (RFC 5280 4.1).
 */
#include "tls_ext.h"

#include <stddef.h>
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
    e->id = TLS_EXT_OTHER;
    if (len == sizeof(MBEDTLS_OID_ID_CE) &&
        memcmp(p, MBEDTLS_OID_ID_CE, len - 1) == 0)
        e->id = p[len - 1];
    p += len;
    if (p < end && *p == MBEDTLS_ASN1_BOOLEAN &&
        mbedtls_asn1_get_bool(&p, end, &critical) != 0)
        return false;
    e->critical = critical != 0;
    e->malformed = false;
    return true;
}
