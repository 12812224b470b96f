/*
 * tls_trust.c - index of a PEM bundle (RFC 7468) by subject (RFC 5280 4.1).
 *
 * For the index each certificate is decoded only as far as its subject. A
 * block whose Base64 or DER is broken there, or which is shorter than its DER
 * says, is skipped and counted; what is broken behind the subject shows when
 * the certificate is needed, and then it is no candidate. The bundle comes
 * from the user: it is trusted to name anchors, not to be well-formed.
 */
#include "tls_trust.h"

#include <string.h>

#include <mbedtls/asn1.h>

#include "heap.h"
#include "tls_ext.h"
#include "tls_port.h"
#include "tls_reason.h"

#define HEAD_MAX 2048 /* bytes of DER in which the subject must end */

static const char begin_mark[] = "-----BEGIN CERTIFICATE-----";
static const char end_mark[] = "-----END CERTIFICATE-----";

/* ---------------------------------------------------------------- Base64 */

static int b64_value(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+')
        return 62;
    return c == '/' ? 63 : -1;
}

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Decodes up to cap bytes; stops early when out is full. False on a byte that
 * is not Base64 or on bad padding. (mbedtls_base64_decode() runs in constant
 * time, which public data need not pay for.) */
static bool b64_decode(const uint8_t *p, size_t len, uint8_t *out, size_t cap,
                       size_t *out_len)
{
    uint32_t acc = 0;
    unsigned have = 0, pad = 0;
    size_t n = 0;

    for (size_t i = 0; i < len && n < cap; i++) {
        int v;

        if (is_space(p[i]))
            continue;
        if (p[i] == '=') {
            pad++;
            continue;
        }
        v = b64_value(p[i]);
        if (v < 0 || pad != 0)
            return false;
        acc = acc << 6 | (uint32_t)v;
        have += 6;
        if (have >= 8) {
            have -= 8;
            out[n++] = (uint8_t)(acc >> have);
        }
    }
    *out_len = n;
    return pad <= 2;
}

/* ------------------------------------------------------------------- DER */

/* One tag and length; p is left at the contents. The contents need not be
 * inside end when cut is true: only a beginning has been decoded. */
static bool der_head(const uint8_t **p, const uint8_t *end, uint8_t tag,
                     size_t *len, bool cut)
{
    const uint8_t *q = *p;
    size_t n, bytes;

    if (end - q < 2 || *q++ != tag)
        return false;
    n = *q++;
    if ((n & 0x80) != 0) {
        bytes = n & 0x7f;
        if (bytes == 0 || bytes > 3 || (size_t)(end - q) < bytes)
            return false;
        for (n = 0; bytes != 0; bytes--)
            n = n << 8 | *q++;
    }
    if (!cut && n > (size_t)(end - q))
        return false;
    *p = q;
    *len = n;
    return true;
}

static bool der_skip(const uint8_t **p, const uint8_t *end, uint8_t tag)
{
    size_t len;

    if (!der_head(p, end, tag, &len, false))
        return false;
    *p += len;
    return true;
}

#define DER_SEQ (MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE)
#define DER_SET (MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SET)
#define DER_VERSION \
    (MBEDTLS_ASN1_CONTEXT_SPECIFIC | MBEDTLS_ASN1_CONSTRUCTED | 0)

/* Certificate ::= SEQUENCE { tbsCertificate SEQUENCE { [0] version, serial,
 * signature, issuer, validity, subject, ... } ... }. Gives the subject and
 * the length of the whole certificate. */
static bool der_subject(const uint8_t *der, size_t len, const uint8_t **name,
                        size_t *name_len, size_t *total)
{
    const uint8_t *p = der, *end = der + len;
    size_t n;

    if (!der_head(&p, end, DER_SEQ, &n, true))
        return false;
    *total = (size_t)(p - der) + n;
    if (!der_head(&p, end, DER_SEQ, &n, true))
        return false;
    if (p < end && *p == DER_VERSION && !der_skip(&p, end, DER_VERSION))
        return false;
    if (!der_skip(&p, end, MBEDTLS_ASN1_INTEGER) || /* serial number */
        !der_skip(&p, end, DER_SEQ) ||              /* signature     */
        !der_skip(&p, end, DER_SEQ) ||              /* issuer        */
        !der_skip(&p, end, DER_SEQ))                /* validity      */
        return false;
    *name = p;
    if (!der_skip(&p, end, DER_SEQ))
        return false;
    *name_len = (size_t)(p - *name);
    return true;
}

static uint32_t hash_bytes(uint32_t h, const uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        uint8_t c = p[i];

        if (c >= 'A' && c <= 'Z')
            c = (uint8_t)(c + ('a' - 'A'));
        h = (h ^ c) * 16777619u; /* FNV-1a: a collision costs one parse */
    }
    return h;
}

/* Name ::= SEQUENCE OF SET OF SEQUENCE { type OID, value ANY } */
uint32_t tls_trust_name_hash(const uint8_t *der, size_t len)
{
    const uint8_t *p = der, *end;
    uint32_t h = 2166136261u;
    size_t n;

    if (len == 0) /* der is NULL then: a peer may send an empty issuer */
        return h;
    end = der + len;
    if (!der_head(&p, end, DER_SEQ, &n, false))
        return h;
    end = p + n;
    while (p < end) {
        if (*p == DER_SET || *p == DER_SEQ) {
            if (!der_head(&p, end, *p, &n, false))
                return h;
            continue; /* look inside */
        }
        if (!der_head(&p, end, *p, &n, false))
            return h;
        h = hash_bytes(h, p, n);
        p += n;
    }
    return h;
}

/* ----------------------------------------------------------------- index */

static bool find(const uint8_t *p, size_t len, const char *mark,
                 size_t mark_len, size_t *at)
{
    for (size_t i = 0; len - i >= mark_len; i++) {
        const uint8_t *q = memchr(p + i, '-', len - i - mark_len + 1);

        if (q == NULL)
            return false;
        i = (size_t)(q - p);
        if (memcmp(q, mark, mark_len) == 0) {
            *at = i;
            return true;
        }
    }
    return false;
}

static bool add(struct tls_trust *t, size_t at, size_t len)
{
    uint8_t head[HEAD_MAX];
    const uint8_t *name;
    size_t n, name_len, total;

    if (t->count == TLS_TRUST_MAX || at > UINT32_MAX || len > UINT32_MAX)
        return false;
    if (!b64_decode(t->pem + at, len, head, sizeof(head), &n) ||
        !der_subject(head, n, &name, &name_len, &total))
        return false;
    if (total > TLS_TRUST_DER_MAX || total > len / 4 * 3 + 3)
        return false; /* too large, or cut short */
    t->anchor[t->count].at = (uint32_t)at;
    t->anchor[t->count].len = (uint32_t)len;
    t->anchor[t->count].subject = tls_trust_name_hash(name, name_len);
    t->count++;
    return true;
}

bool tls_trust_index(struct tls_trust *t, const uint8_t *pem, size_t len)
{
    size_t at = 0, n;

    t->pem = pem;
    t->count = 0;
    t->skipped = 0;
    if (len == 0) /* pem may be NULL then */
        return false;
    while (find(pem + at, len - at, begin_mark, sizeof(begin_mark) - 1, &n)) {
        at += n + sizeof(begin_mark) - 1;
        n = 0;
        while (at + n < len && pem[at + n] != '-')
            n++;
        if (len - at - n < sizeof(end_mark) - 1 ||
            memcmp(pem + at + n, end_mark, sizeof(end_mark) - 1) != 0 ||
            !add(t, at, n))
            t->skipped++;
        at += n;
    }
    return t->count != 0;
}

/* -------------------------------------------------------------- look-up */

/* The DER of anchor i on the heap; NULL and *len = 0: it is broken; NULL and
 * *len != 0: no memory. */
static uint8_t *decode(const struct tls_trust *t, size_t i, size_t *len)
{
    size_t cap = (size_t)t->anchor[i].len / 4 * 3 + 3;
    uint8_t *der;

    *len = cap;
    der = tls_port_calloc(1, cap);
    if (der == NULL)
        return NULL;
    if (!b64_decode(t->pem + t->anchor[i].at, t->anchor[i].len, der, cap,
                    len)) {
        heap_free(der);
        *len = 0;
        return NULL;
    }
    return der;
}

/* Parses anchor i behind what is in list. An anchor that cannot be parsed is
 * no candidate; only missing memory is an error. */
static int parse_into(const struct tls_trust *t, size_t i,
                      mbedtls_x509_crt *list)
{
    size_t len;
    uint8_t *der = decode(t, i, &len);
    int ret;

    if (der == NULL)
        return len == 0 ? 0 : MBEDTLS_ERR_X509_ALLOC_FAILED;
    ret = tls_ext_parse(list, der, len);
    heap_free(der);
    return tls_reason_is_memory(ret) ? MBEDTLS_ERR_X509_ALLOC_FAILED : 0;
}

int tls_trust_find(const struct tls_trust *t, const mbedtls_x509_crt *child,
                   mbedtls_x509_crt **list)
{
    uint32_t want =
        tls_trust_name_hash(child->issuer_raw.p, child->issuer_raw.len);
    unsigned tried = 0;
    int ret = 0;

    *list = NULL;
    for (size_t i = 0; i < t->count && ret == 0; i++) {
        if (t->anchor[i].subject != want)
            continue;
        if (tried++ == TLS_TRUST_CANDIDATES_MAX)
            break;
        if (*list == NULL) {
            *list = tls_port_calloc(1, sizeof(**list));
            if (*list == NULL)
                return MBEDTLS_ERR_X509_ALLOC_FAILED;
            mbedtls_x509_crt_init(*list);
        }
        ret = parse_into(t, i, *list);
    }
    if (*list != NULL && (ret != 0 || (*list)->raw.p == NULL)) {
        mbedtls_x509_crt_free(*list);
        heap_free(*list);
        *list = NULL;
    }
    return ret;
}

bool tls_trust_has(const struct tls_trust *t, const mbedtls_x509_crt *crt)
{
    uint32_t want =
        tls_trust_name_hash(crt->subject_raw.p, crt->subject_raw.len);
    bool same = false;

    for (size_t i = 0; i < t->count && !same; i++) {
        size_t len;
        uint8_t *der;

        if (t->anchor[i].subject != want)
            continue;
        der = decode(t, i, &len);
        same = der != NULL && len >= crt->raw.len &&
               memcmp(der, crt->raw.p, crt->raw.len) == 0;
        heap_free(der);
    }
    return same;
}
