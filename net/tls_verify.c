/*
 * tls_verify.c - the strict verify callback (RFC 5280, RFC 6125, RFC 9525).
 *
 * Mbed TLS builds the chain, checks signatures, times, CA bits, path lengths
 * and key sizes. What it leaves open is closed here:
 *   - a leaf without subject alternative name is refused (no CN fall-back);
 *   - a host that is an IP address matches iPAddress entries only, a name
 *     dNSName entries only (Mbed TLS also compares the one with the other,
 *     and URIs); a wildcard is a whole left-most label over two labels;
 *   - names of hosts, addresses and directories keep the name constraints of
 *     all above, critical or not (tls_names.c); a leaf may have none;
 *   - policy constraints are not judged, so whoever has them is refused;
 *   - extended key usage of every CA must allow servers, not the leaf's only;
 *   - X.509 v1, a leaf that is a CA or may sign certificates, critical key
 *     identifiers, names that are not critical without a subject, serial
 *     numbers over 20 bytes, and keys under 2048 bits are refused.
 * A leaf that is itself an anchor, byte for byte, needs no issuer and may be
 * a CA: "openssl req -x509" makes such certificates, and the user named this
 * very one. Its name, time and usage are checked like any other's.
 *
 * With a fingerprint the user vouches for one certificate: chain, name and
 * time are not looked at then, as in msmtp. Revocation lists: tls_crl.c.
 */
#define MBEDTLS_ALLOW_PRIVATE_ACCESS /* ext_types, ca_istrue */

#include "tls_verify.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <mbedtls/constant_time.h>
#include <mbedtls/oid.h>
#include <mbedtls/sha256.h>

#include "blob.h"
#include "tls_crl.h"
#include "tls_ext.h"
#include "tls_names.h"
#include "tls_port.h"
#include "tls_within.h"

#define QUOTE_MAX  80 /* bytes of a name in a reason */
#define SERIAL_MAX 20 /* RFC 5280 4.1.2.2 */

/* Reasons, the more fundamental one wins: a forged certificate is nearly
 * always for the wrong name too, and the user must hear the former. */
enum { RANK_NAME = 1, RANK_TIME, RANK_RULE, RANK_UNTRUSTED, RANK_MEMORY };

const mbedtls_x509_crt_profile tls_verify_profile = {
    .allowed_mds = MBEDTLS_X509_ID_FLAG(MBEDTLS_MD_SHA256) |
                   MBEDTLS_X509_ID_FLAG(MBEDTLS_MD_SHA384) |
                   MBEDTLS_X509_ID_FLAG(MBEDTLS_MD_SHA512),
    .allowed_pks = MBEDTLS_X509_ID_FLAG(MBEDTLS_PK_RSA) |
                   MBEDTLS_X509_ID_FLAG(MBEDTLS_PK_RSASSA_PSS) |
                   MBEDTLS_X509_ID_FLAG(MBEDTLS_PK_ECKEY) |
                   MBEDTLS_X509_ID_FLAG(MBEDTLS_PK_ECDSA),
    .allowed_curves = MBEDTLS_X509_ID_FLAG(MBEDTLS_ECP_DP_SECP256R1) |
                      MBEDTLS_X509_ID_FLAG(MBEDTLS_ECP_DP_SECP384R1) |
                      MBEDTLS_X509_ID_FLAG(MBEDTLS_ECP_DP_SECP521R1),
    .rsa_min_bitlen = 2048,
};

static void note(struct tls_verify *v, unsigned rank, enum tls_error error,
                 const char *fmt, ...) __attribute__((format(printf, 4, 5)));

static void note(struct tls_verify *v, unsigned rank, enum tls_error error,
                 const char *fmt, ...)
{
    va_list ap;

    if (rank <= v->rank)
        return;
    v->rank = rank;
    v->error = error;
    va_start(ap, fmt);
    (void)vsnprintf(v->why, sizeof(v->why), fmt, ap);
    va_end(ap);
}

/* ------------------------------------------------------------------ host */

static bool is_label_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* Labels of 1 to 63 bytes; the last one not a number: 127.1 and the like are
 * addresses to some and names to others. */
static bool is_dns_name(const char *p, size_t len)
{
    size_t label = 0;
    bool number = true;

    for (size_t i = 0; i < len; i++) {
        if (p[i] == '.') {
            if (label == 0)
                return false;
            label = 0;
            number = true;
            continue;
        }
        if (!is_label_byte(p[i]) || ++label > 63)
            return false;
        if (p[i] < '0' || p[i] > '9')
            number = false;
    }
    return label != 0 && !number;
}

bool tls_verify_host(struct tls_verify *v, const char *host, size_t len)
{
    char shown[QUOTE_MAX];
    uint32_t ip[4];

    tls_verify_reset(v);
    v->ip_len = 0;
    v->host_len = 0;
    if (len != 0 && host[len - 1] == '.')
        len--;
    if (len != 0 && len <= TLS_HOST_MAX && memchr(host, '\0', len) == NULL) {
        memcpy(v->host, host, len);
        v->host[len] = '\0';
        v->host_len = len;
        v->ip_len = mbedtls_x509_crt_parse_cn_inet_pton(v->host, ip);
        memcpy(v->ip, ip, v->ip_len);
        if (v->ip_len != 0 || is_dns_name(host, len))
            return true;
    }
    note(v, RANK_NAME, TLS_E_CONFIG,
         "\"%s\" is neither a host name in ASCII nor an IP address",
         tls_reason_quote(shown, sizeof(shown), host, len));
    return false;
}

void tls_verify_reset(struct tls_verify *v)
{
    v->top = -1;
    v->issuer = NULL;
    tls_names_reset(&v->names);
    v->candidates = 0;
    v->passed = false;
    v->revoked = false;
    v->error = TLS_OK;
    v->rank = 0;
    v->why[0] = '\0';
}

/* RFC 9525 6.3: "*" alone as the left-most label, for exactly one label; and
 * not directly below a top-level domain. */
static bool dns_matches(const uint8_t *p, size_t len, const char *host,
                        size_t host_len)
{
    const char *dot;
    size_t skip;

    if (len == host_len && tls_within_same(p, host, len))
        return true;
    if (len < 3 || p[0] != '*' || p[1] != '.' ||
        memchr(p + 2, '.', len - 2) == NULL)
        return false;
    dot = memchr(host, '.', host_len);
    if (dot == NULL || dot == host)
        return false;
    skip = (size_t)(dot - host);
    return host_len - skip == len - 1 && tls_within_same(p + 1, dot, len - 1);
}

static int san_type(const mbedtls_x509_sequence *san)
{
    return san->buf.tag & MBEDTLS_ASN1_TAG_VALUE_MASK;
}

static bool name_matches(const struct tls_verify *v,
                         const mbedtls_x509_crt *crt)
{
    const mbedtls_x509_sequence *san = &crt->subject_alt_names;

    for (; san != NULL && san->buf.p != NULL; san = san->next) {
        if (v->ip_len != 0) {
            if (san_type(san) == MBEDTLS_X509_SAN_IP_ADDRESS &&
                san->buf.len == v->ip_len &&
                memcmp(san->buf.p, v->ip, v->ip_len) == 0)
                return true;
        } else if (san_type(san) == MBEDTLS_X509_SAN_DNS_NAME &&
                   dns_matches(san->buf.p, san->buf.len, v->host,
                               v->host_len)) {
            return true;
        }
    }
    return false;
}

/* --------------------------------------------------------------- wording */

/* The attribute that people know the holder by: CN, or O, or OU. */
static const char *show_name(char *out, size_t cap,
                             const mbedtls_x509_name *name)
{
    static const struct {
        const char *oid, *tag;
    } order[] = { { MBEDTLS_OID_AT_CN, "CN=" },
                  { MBEDTLS_OID_AT_ORGANIZATION, "O=" },
                  { MBEDTLS_OID_AT_ORG_UNIT, "OU=" } };

    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        for (const mbedtls_x509_name *n = name; n != NULL; n = n->next) {
            size_t len = strlen(order[i].oid), tag = strlen(order[i].tag);

            if (n->oid.p == NULL || n->oid.len != len ||
                memcmp(n->oid.p, order[i].oid, len) != 0)
                continue;
            memcpy(out, order[i].tag, tag);
            tls_reason_quote(out + tag, cap - tag, n->val.p, n->val.len);
            return out;
        }
    }
    return "(no name)";
}

/* "the certificate" for the leaf, "the CA certificate CN=..." above it */
static const char *show_holder(char *out, size_t cap,
                               const mbedtls_x509_crt *crt, int depth)
{
    char name[QUOTE_MAX];

    if (depth == 0)
        return "the certificate";
    (void)snprintf(out, cap, "the CA certificate %s",
                   show_name(name, sizeof(name), &crt->subject));
    return out;
}

/* "a.example, b.example and 3 more": what the certificate is for. tell_kind:
 * mark the names, so that "DNS:10.0.0.1" is not taken for the address. */
static void show_san(char *out, size_t cap, const mbedtls_x509_crt *crt,
                     bool tell_kind)
{
    const mbedtls_x509_sequence *san = &crt->subject_alt_names;
    char one[QUOTE_MAX];
    unsigned shown = 0, more = 0;
    size_t used = 0;

    out[0] = '\0';
    for (; san != NULL && san->buf.p != NULL; san = san->next) {
        const uint8_t *b = san->buf.p;

        if (san_type(san) == MBEDTLS_X509_SAN_DNS_NAME) {
            size_t tag = tell_kind ? 4 : 0;

            memcpy(one, "DNS:", tag);
            tls_reason_quote(one + tag, sizeof(one) - tag, b, san->buf.len);
        } else if (san_type(san) == MBEDTLS_X509_SAN_IP_ADDRESS &&
                   san->buf.len == 4) {
            (void)snprintf(one, sizeof(one), "%u.%u.%u.%u", b[0], b[1], b[2],
                           b[3]);
        } else {
            continue;
        }
        if (shown == 3 || used + strlen(one) + 3 > cap) {
            more++;
            continue;
        }
        used += (size_t)snprintf(out + used, cap - used, "%s%s",
                                 shown++ != 0 ? ", " : "", one);
    }
    if (more != 0 && cap - used > 16)
        (void)snprintf(out + used, cap - used, " and %u more", more);
    else if (shown == 0)
        (void)snprintf(out, cap, "no host at all");
}

/* ----------------------------------------------------------------- rules */

static bool is_empty(const mbedtls_x509_name *name)
{
    return name->oid.p == NULL;
}

/* NULL, or what is wrong with the extensions beyond Mbed TLS's own look. */
static const char *bad_extension(const mbedtls_x509_crt *crt, bool is_leaf)
{
    struct tls_ext e;

    tls_ext_open(&e, &crt->v3_ext);
    while (tls_ext_next(&e)) {
        switch (e.id) {
        case TLS_EXT_NAME_CONSTRAINTS:
            if (is_leaf)
                return "has name constraints, which belong to a CA's alone";
            break;
        case TLS_EXT_POLICY_CONSTRAINTS:
            return "has policy constraints, which are not supported";
        case TLS_EXT_SUBJECT_KEY_ID:
        case TLS_EXT_AUTHORITY_KEY_ID:
            if (e.critical)
                return "has a key identifier marked critical (RFC 5280)";
            break;
        case TLS_EXT_SUBJECT_ALT_NAME:
            if (!e.critical && is_empty(&crt->subject))
                return "has no subject, and names that are not critical";
            break;
        default:
            break;
        }
    }
    return e.malformed ? "has malformed extensions" : NULL;
}

static void check_rules(struct tls_verify *v, const mbedtls_x509_crt *crt,
                        int depth)
{
    char holder[QUOTE_MAX + 24];
    const char *who = show_holder(holder, sizeof(holder), crt, depth);
    const char *bad = bad_extension(crt, depth == 0);

    if (crt->version != 3)
        note(v, RANK_RULE, TLS_E_CERT,
             "%s is X.509 v%d, which cannot say "
             "what it may be used for",
             who, crt->version);
    if (bad != NULL)
        note(v, RANK_RULE, TLS_E_CERT, "%s %s", who, bad);
    if (crt->serial.len > SERIAL_MAX)
        note(v, RANK_RULE, TLS_E_CERT, "%s has a serial number over %d bytes",
             who, SERIAL_MAX);
    if (mbedtls_x509_crt_check_extended_key_usage(
            crt, MBEDTLS_OID_SERVER_AUTH,
            MBEDTLS_OID_SIZE(MBEDTLS_OID_SERVER_AUTH)) != 0)
        note(v, RANK_RULE, TLS_E_CERT,
             "%s may not be used for servers "
             "(extended key usage)",
             who);
}

static void check_leaf(struct tls_verify *v, const mbedtls_x509_crt *crt,
                       bool is_anchor, uint32_t flags)
{
    char san[128];

    if (crt->ca_istrue && !is_anchor)
        note(v, RANK_RULE, TLS_E_CERT,
             "the certificate is a CA's, not a server's");
    if ((crt->ext_types & MBEDTLS_X509_EXT_KEY_USAGE) != 0 && !is_anchor &&
        mbedtls_x509_crt_check_key_usage(crt, MBEDTLS_X509_KU_KEY_CERT_SIGN) ==
            0)
        note(v, RANK_RULE, TLS_E_CERT,
             "the certificate's key may sign certificates, and is no CA's "
             "(key usage)");
    /* Both TLS 1.3 and ECDHE sign with the server's key. */
    if (mbedtls_x509_crt_check_key_usage(
            crt, MBEDTLS_X509_KU_DIGITAL_SIGNATURE) != 0)
        note(v, RANK_RULE, TLS_E_CERT,
             "the certificate's key may not sign "
             "(key usage)");
    if ((crt->ext_types & MBEDTLS_X509_EXT_SUBJECT_ALT_NAME) == 0) {
        note(v, RANK_NAME, TLS_E_NAME,
             "the certificate has no subject "
             "alternative name (a common name alone does not count)");
    } else if (!name_matches(v, crt) ||
               (flags & MBEDTLS_X509_BADCERT_CN_MISMATCH) != 0) {
        show_san(san, sizeof(san), crt, v->ip_len != 0);
        note(v, RANK_NAME, TLS_E_NAME, "the certificate is for %s, not for %s",
             san, v->host);
    }
}

static void check_time(struct tls_verify *v, const mbedtls_x509_crt *crt,
                       int depth, uint32_t flags)
{
    const mbedtls_x509_time *t;
    mbedtls_x509_time now;
    char holder[QUOTE_MAX + 24];
    bool expired = (flags & MBEDTLS_X509_BADCERT_EXPIRED) != 0;

    if (!expired && (flags & MBEDTLS_X509_BADCERT_FUTURE) == 0)
        return;
    t = expired ? &crt->valid_to : &crt->valid_from;
    memset(&now, 0, sizeof(now));
    (void)mbedtls_x509_time_gmtime(tls_port_time(NULL), &now);
    note(v, RANK_TIME, TLS_E_EXPIRED,
         "%s %s %04d-%02d-%02d (it is now %04d-%02d-%02d)",
         show_holder(holder, sizeof(holder), crt, depth),
         expired ? "expired on" : "is not valid before", t->year, t->mon,
         t->day, now.year, now.mon, now.day);
}

static void check_trust(struct tls_verify *v, const mbedtls_x509_crt *crt,
                        int depth)
{
    char subject[QUOTE_MAX], issuer[QUOTE_MAX];
    const char *s = show_name(subject, sizeof(subject), &crt->subject);
    const char *i = show_name(issuer, sizeof(issuer), &crt->issuer);

    if (depth < v->top) {
        note(v, RANK_UNTRUSTED, TLS_E_CERT,
             "the signature on %s is not by the %s that came with it", s, i);
    } else if (v->candidates != 0) {
        note(v, RANK_UNTRUSTED, TLS_E_CERT,
             "%s claims to be issued by %s, "
             "but the trust anchor of that name did not sign it, or may not",
             s, i);
    } else if (blob_eq(blob_of(crt->issuer_raw.p, crt->issuer_raw.len),
                       blob_of(crt->subject_raw.p, crt->subject_raw.len))) {
        note(v, RANK_UNTRUSTED, TLS_E_CERT,
             "%s is self-signed (%s) and not "
             "among the %zu trust anchors",
             depth == 0 ? "the certificate" : "the end of its chain", s,
             v->trust->count);
    } else {
        note(v, RANK_UNTRUSTED, TLS_E_CERT,
             "%s is issued by %s, which is "
             "not among the %zu trust anchors",
             depth == 0 ? "the certificate" : s, i, v->trust->count);
    }
}

/* By the issuer, which was seen before. An anchor has none. */
static void check_revoked(struct tls_verify *v, const mbedtls_x509_crt *crt,
                          int depth)
{
    char holder[QUOTE_MAX + 24], issuer[QUOTE_MAX];
    const char *who = show_holder(holder, sizeof(holder), crt, depth);
    const char *why = "";

    if (v->crls == NULL || v->issuer == NULL)
        return;
    switch (tls_crl_check(v->crls, crt, v->issuer, &why)) {
    case TLS_CRL_REVOKED:
        v->revoked = v->revoked || v->rank < RANK_RULE;
        note(v, RANK_RULE, TLS_E_CERT, "%s has been revoked by %s", who,
             show_name(issuer, sizeof(issuer), &v->issuer->subject));
        break;
    case TLS_CRL_UNUSABLE:
        note(v, RANK_RULE, TLS_E_CERT,
             "%s may have been revoked: the revocation list of %s %s", who,
             show_name(issuer, sizeof(issuer), &v->issuer->subject), why);
        break;
    default:
        break;
    }
}

/* What it is called, by those above; what it says of those below. */
static void check_names(struct tls_verify *v, const mbedtls_x509_crt *crt,
                        int depth)
{
    char holder[QUOTE_MAX + 24], above[QUOTE_MAX + 24], name[QUOTE_MAX];
    const char *who = show_holder(holder, sizeof(holder), crt, depth);
    struct tls_names_clash c;
    const char *bad;

    if (!tls_names_check(&v->names, crt, depth == 0, &c)) {
        if (c.by == NULL)
            note(v, RANK_RULE, TLS_E_CERT,
                 "%s has too many names under too many name constraints", who);
        else
            note(v, RANK_RULE, TLS_E_CERT,
                 "%s may not certify %s of %s (name constraints)",
                 show_holder(above, sizeof(above), c.by, 1),
                 tls_names_show(name, sizeof(name), &c), who);
    }
    if (depth == 0)
        return;
    bad = tls_names_add(&v->names, crt);
    if (bad != NULL)
        note(v, RANK_RULE, TLS_E_CERT, "%s %s", who, bad);
}

static void check_flags(struct tls_verify *v, const mbedtls_x509_crt *crt,
                        int depth, uint32_t flags)
{
    char holder[QUOTE_MAX + 24];
    const char *who = show_holder(holder, sizeof(holder), crt, depth);

    check_time(v, crt, depth, flags);
    if ((flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED) != 0)
        check_trust(v, crt, depth);
    if ((flags & MBEDTLS_X509_BADCERT_BAD_MD) != 0)
        note(v, RANK_RULE, TLS_E_CERT,
             "%s is signed with a broken hash "
             "(SHA-1 or older)",
             who);
    if ((flags & MBEDTLS_X509_BADCERT_BAD_KEY) != 0)
        note(v, RANK_RULE, TLS_E_CERT,
             "%s or its issuer has too weak a key "
             "(RSA under 2048 bits, or an unsupported curve)",
             who);
    flags &=
        ~(uint32_t)(MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE |
                    MBEDTLS_X509_BADCERT_NOT_TRUSTED |
                    MBEDTLS_X509_BADCERT_BAD_MD | MBEDTLS_X509_BADCERT_BAD_KEY |
                    MBEDTLS_X509_BADCERT_CN_MISMATCH);
    if (flags != 0)
        note(v, RANK_RULE, TLS_E_CERT, "%s is not acceptable (0x%x)", who,
             (unsigned)flags);
}

/* ------------------------------------------------------------- callbacks */

static bool pin_matches(struct tls_verify *v, const mbedtls_x509_crt *crt)
{
    uint8_t digest[32];

    if (mbedtls_sha256(crt->raw.p, crt->raw.len, digest, 0) == 0 &&
        mbedtls_ct_memcmp(digest, v->pin, sizeof(digest)) == 0)
        return true;
    note(v, RANK_UNTRUSTED, TLS_E_CERT,
         "the certificate's SHA-256 "
         "fingerprint is %02X:%02X:%02X:%02X..., not the configured one",
         digest[0], digest[1], digest[2], digest[3]);
    return false;
}

/* What stands against a leaf that is an anchor stands in the leaf alone. (Its
 * chain may be the anchor once more: a self-signed CA is its own issuer.) */
static bool drop_chain(struct tls_verify *v, const mbedtls_x509_crt *crt,
                       uint32_t *flags)
{
    if (!tls_trust_has(v->trust, crt))
        return false;
    *flags &= ~(uint32_t)MBEDTLS_X509_BADCERT_NOT_TRUSTED;
    v->rank = 0;
    v->revoked = false;
    v->error = TLS_OK;
    v->why[0] = '\0';
    return true;
}

int tls_verify_ca(void *verify, const mbedtls_x509_crt *child,
                  mbedtls_x509_crt **list)
{
    struct tls_verify *v = verify;
    int ret;

    *list = NULL;
    v->candidates = 0;
    if (v->pin != NULL)
        return 0;
    ret = tls_trust_find(v->trust, child, list);
    if (ret != 0)
        note(v, RANK_MEMORY, TLS_E_MEMORY, "out of memory");
    for (const mbedtls_x509_crt *c = *list; c != NULL; c = c->next)
        v->candidates++;
    return ret;
}

/* Called from the chain's end down to the leaf (depth 0). The verdict is kept
 * back until the leaf; then any reason at all fails it. */
int tls_verify_cert(void *verify, mbedtls_x509_crt *crt, int depth,
                    uint32_t *flags)
{
    struct tls_verify *v = verify;
    bool is_anchor;

    if (v->top < 0)
        v->top = depth;
    if (v->pin != NULL) {
        *flags = 0;
        if (depth != 0)
            return 0;
        v->passed = pin_matches(v, crt);
        *flags = v->passed ? 0 : MBEDTLS_X509_BADCERT_NOT_TRUSTED;
        return 0;
    }
    if (depth != 0) {
        check_flags(v, crt, depth, *flags);
        check_revoked(v, crt, depth);
        check_rules(v, crt, depth);
        check_names(v, crt, depth);
        v->issuer = crt;
        *flags = 0;
        return 0;
    }
    is_anchor = drop_chain(v, crt, flags);
    check_flags(v, crt, 0, *flags);
    if (!is_anchor) {
        check_revoked(v, crt, 0);
        check_names(v, crt, 0);
    }
    check_rules(v, crt, 0);
    check_leaf(v, crt, is_anchor, *flags);
    v->passed = v->rank == 0;
    /* for the alert that Mbed TLS sends */
    if (v->error == TLS_E_EXPIRED)
        *flags = MBEDTLS_X509_BADCERT_EXPIRED;
    else if (v->error == TLS_E_NAME)
        *flags = MBEDTLS_X509_BADCERT_CN_MISMATCH;
    else if (v->revoked && v->rank == RANK_RULE)
        *flags = MBEDTLS_X509_BADCERT_REVOKED;
    else if (!v->passed)
        *flags = v->rank == RANK_UNTRUSTED ? MBEDTLS_X509_BADCERT_NOT_TRUSTED
                                           : MBEDTLS_X509_BADCERT_KEY_USAGE;
    else
        *flags = 0;
    return 0;
}
