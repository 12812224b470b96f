/*
 * tls_crl.c - revocation lists over Mbed TLS's parser (RFC 5280, 5 and 6.3).
 *
 * The library looks at lists only where all anchors are parsed beforehand;
 * with anchors found by issuer (tls_trust.c) that is left to the caller. Its
 * parser refuses every critical extension, so that delta lists, indirect ones
 * and those for a part of the certificates never count as whole.
 */
#define MBEDTLS_ALLOW_PRIVATE_ACCESS /* sig_md, sig_opts, crl_ext */

#include "tls_crl.h"

#include <stdbool.h>
#include <string.h>

#include <mbedtls/md.h>

#include "heap.h"
#include "tls_ext.h"
#include "tls_pem.h"
#include "tls_port.h"
#include "tls_trust.h"
#include "tls_verify.h"

static int take_list(void *lists, const uint8_t *der, size_t len)
{
    return mbedtls_x509_crl_parse_der(lists, der, len);
}

int tls_crl_load(mbedtls_x509_crl *lists, const uint8_t *pem, size_t len,
                 const char **reason)
{
    uint8_t *text;
    int ret;

    *reason = "tls_crl_file is over 64 KB";
    if (len > TLS_CRL_PEM_MAX)
        return MBEDTLS_ERR_X509_BAD_INPUT_DATA;
    *reason = "tls_crl_file holds no revocation list in PEM, or one that is "
              "broken, partial, or has a critical extension";
    text = tls_port_calloc(1, len + 1);
    if (text == NULL)
        return MBEDTLS_ERR_X509_ALLOC_FAILED;
    memcpy(text, pem, len);
    ret = tls_pem_each(text, "-----BEGIN X509 CRL-----",
                       "-----END X509 CRL-----", take_list, lists);
    heap_free(text);
    return ret;
}

/* Section 5.2.3 wants a number in every list with extensions; who leaves it
 * out cannot say which of two lists is the newer. v1 lists have none. */
static bool has_number(const mbedtls_x509_crl *l)
{
    struct tls_ext e;

    if (l->version == 1)
        return true;
    tls_ext_open(&e, &l->crl_ext);
    while (tls_ext_next(&e)) {
        if (e.id == TLS_EXT_CRL_NUMBER)
            return true;
    }
    return false;
}

static bool is_signed(const mbedtls_x509_crl *l, mbedtls_x509_crt *ca)
{
    const mbedtls_md_info_t *md = mbedtls_md_info_from_type(l->sig_md);
    uint8_t hash[MBEDTLS_MD_MAX_SIZE];

    return md != NULL && mbedtls_md(md, l->tbs.p, l->tbs.len, hash) == 0 &&
           mbedtls_pk_verify_ext(l->sig_pk, l->sig_opts, &ca->pk, l->sig_md,
                                 hash, mbedtls_md_get_size(md), l->sig.p,
                                 l->sig.len) == 0;
}

/* NULL, or why its issuer's word cannot be taken from it. */
static const char *forged(const mbedtls_x509_crl *l, mbedtls_x509_crt *ca)
{
    if (mbedtls_x509_crt_check_key_usage(ca, MBEDTLS_X509_KU_CRL_SIGN) != 0)
        return "is by a CA that may not sign lists (key usage)";
    if ((tls_verify_profile.allowed_mds & MBEDTLS_X509_ID_FLAG(l->sig_md)) ==
            0 ||
        (tls_verify_profile.allowed_pks & MBEDTLS_X509_ID_FLAG(l->sig_pk)) == 0)
        return "is signed with a broken hash or an unknown algorithm";
    return is_signed(l, ca) ? NULL : "is not signed by that CA";
}

static const char *stale(const mbedtls_x509_crl *l)
{
    if (!has_number(l))
        return "has no number";
    if (mbedtls_x509_time_is_future(&l->this_update))
        return "is of the future";
    return mbedtls_x509_time_is_past(&l->next_update) ? "has expired" : NULL;
}

/* A list of the issuer's that is in order is enough beside others that are
 * not; one that names the certificate is enough in any case. */
enum tls_crl_verdict tls_crl_check(const mbedtls_x509_crl *lists,
                                   const mbedtls_x509_crt *crt,
                                   mbedtls_x509_crt *ca, const char **why)
{
    enum tls_crl_verdict found = TLS_CRL_NONE;
    uint32_t name = tls_trust_name_hash(ca->subject_raw.p, ca->subject_raw.len);
    const char *flaw;

    for (const mbedtls_x509_crl *l = lists; l != NULL; l = l->next) {
        if (l->version == 0 ||
            tls_trust_name_hash(l->issuer_raw.p, l->issuer_raw.len) != name)
            continue;
        flaw = forged(l, ca);
        if (flaw == NULL && mbedtls_x509_crt_is_revoked(crt, l))
            return TLS_CRL_REVOKED;
        if (flaw == NULL)
            flaw = stale(l);
        if (flaw == NULL) {
            found = TLS_CRL_GOOD;
        } else if (found != TLS_CRL_GOOD) {
            found = TLS_CRL_UNUSABLE;
            *why = flaw;
        }
    }
    return found;
}
