/*
 * tls_names.c - name constraints (RFC 5280 4.2.1.10):
 *
 *     NameConstraints ::= SEQUENCE { permitted [0] GeneralSubtrees OPTIONAL,
 *                                    excluded  [1] GeneralSubtrees OPTIONAL }
 *     GeneralSubtrees ::= SEQUENCE SIZE (1..MAX) OF GeneralSubtree
 *     GeneralSubtree  ::= SEQUENCE { base GeneralName, minimum [0] DEFAULT 0,
 *                                    maximum [1] OPTIONAL }
 *
 * They are read where they lie, again for every name below: nothing is
 * allocated, and the work is counted. Each authority's own list is asked, so
 * that what several permit intersects and what any excludes is excluded.
 */
#include "tls_names.h"

#include <stdio.h>
#include <string.h>

#include <mbedtls/oid.h>

#include "blob.h"
#include "tls_ext.h"
#include "tls_reason.h"
#include "tls_within.h"

static const char malformed[] = "has malformed name constraints";

/* -------------------------------------------------------- the constraints */

struct subtree {
    bool excluded;
    int tag; /* of the base; its low bits say which form */
    struct der base;
};

/* A walk over all subtrees of one extension; flaw: it ended early. */
struct walk {
    struct der lists, list;
    int next; /* [0] or [1]; 2: both are behind us */
    const char *flaw;
};

static void walk_open(struct walk *w, struct der ext)
{
    memset(w, 0, sizeof(*w));
    if (!der_take(&ext, DER_SEQUENCE, &w->lists) || der_left(ext) != 0)
        w->flaw = malformed;
    else if (der_left(w->lists) == 0)
        w->flaw = "has empty name constraints";
    else
        w->list = der_of(w->lists.at, 0);
}

static bool walk_list(struct walk *w)
{
    while (w->next < 2) {
        if (!der_take(&w->lists, DER_LIST(w->next++), &w->list))
            continue;
        if (der_left(w->list) == 0)
            w->flaw = "has empty name constraints";
        return w->flaw == NULL;
    }
    if (der_left(w->lists) != 0)
        w->flaw = malformed;
    return false;
}

static bool walk_next(struct walk *w, struct subtree *s)
{
    struct der tree;

    if (w->flaw != NULL || (der_left(w->list) == 0 && !walk_list(w)))
        return false;
    s->excluded = w->next == 2;
    if (!der_take(&w->list, DER_SEQUENCE, &tree) ||
        !der_take_any(&tree, &s->tag, &s->base)) {
        w->flaw = malformed;
        return false;
    }
    if (der_left(tree) != 0) { /* defaults are left out (X.690 11.5) */
        w->flaw = "has name constraints with a minimum or maximum (RFC 5280)";
        return false;
    }
    return true;
}

/* ---------------------------------------------------------- the judgement */

void tls_names_reset(struct tls_names *n)
{
    memset(n, 0, sizeof(*n));
}

const char *tls_names_add(struct tls_names *n, const mbedtls_x509_crt *ca)
{
    const mbedtls_x509_crt *last = NULL;
    struct subtree s;
    struct tls_ext e;
    struct walk w;

    tls_ext_open(&e, &ca->v3_ext);
    while (tls_ext_next(&e)) {
        if (e.id != TLS_EXT_NAME_CONSTRAINTS)
            continue;
        if (last == ca || n->count == TLS_NAMES_ABOVE_MAX)
            return "has name constraints twice";
        last = ca;
        walk_open(&w, der_of(e.value, e.len));
        while (walk_next(&w, &s)) {
            if (!tls_within_sound(s.tag, s.base))
                return malformed;
        }
        if (w.flaw != NULL)
            return w.flaw;
        n->above[n->count].ca = ca;
        n->above[n->count].p = e.value;
        n->above[n->count++].len = e.len;
    }
    return e.malformed ? malformed : NULL;
}

/* By the i-th above alone. Without what it permits of a form, all of it is. */
static bool permits(struct tls_names *n, unsigned i, int form, struct der name)
{
    bool listed = false, within = false;
    struct subtree s;
    struct walk w;

    walk_open(&w, der_of(n->above[i].p, n->above[i].len));
    while (walk_next(&w, &s)) {
        enum tls_where where;
        bool same_form;

        n->work += der_left(s.base) + 4; /* the two heads around it */
        same_form = tls_within_form(s.tag) == form;
        n->work += same_form ? der_left(name) : 0;
        if (n->work > TLS_NAMES_WORK_MAX)
            return false;
        if (!same_form)
            continue;
        where = tls_within(s.tag, s.base, name);
        if (!s.excluded) {
            listed = true;
            within = within || where == TLS_WITHIN;
        } else if (where != TLS_OUTSIDE) {
            return false;
        }
    }
    return w.flaw == NULL && (within || !listed);
}

static bool all_permit(struct tls_names *n, int form, unsigned char *p,
                       size_t len, struct tls_names_clash *c)
{
    for (unsigned i = 0; i < n->count; i++) {
        if (permits(n, i, form, der_of(p, len)))
            continue;
        c->by = n->work > TLS_NAMES_WORK_MAX ? NULL : n->above[i].ca;
        c->form = form;
        c->name = p;
        c->len = len;
        return false;
    }
    return true;
}

static bool is_empty(const mbedtls_x509_name *name)
{
    return name->oid.p == NULL;
}

/* The subject, and the mail addresses in it. */
static bool check_subject(struct tls_names *n, const mbedtls_x509_crt *crt,
                          struct tls_names_clash *c)
{
    const mbedtls_x509_name *part = &crt->subject;

    if (is_empty(part))
        return true;
    c->subject = true;
    if (!all_permit(n, MBEDTLS_X509_SAN_DIRECTORY_NAME, crt->subject_raw.p,
                    crt->subject_raw.len, c))
        return false;
    for (; part != NULL; part = part->next) {
        if (MBEDTLS_OID_CMP(MBEDTLS_OID_PKCS9_EMAIL, &part->oid) == 0 &&
            !all_permit(n, MBEDTLS_X509_SAN_RFC822_NAME, part->val.p,
                        part->val.len, c))
            return false;
    }
    c->subject = false;
    return true;
}

/* One that is beyond ASCII is an otherName, and constrained as a mail address
 * (RFC 9598 6). */
static bool is_mailbox(int form, struct der name)
{
    static const uint8_t type[] = { 0x2b, 6, 1, 5, 5, 7, 8, 9 };
    struct der oid;

    return form == MBEDTLS_X509_SAN_OTHER_NAME &&
           der_take(&name, MBEDTLS_ASN1_OID, &oid) &&
           blob_eq(blob_of(oid.at, der_left(oid)), blob_of(type, sizeof(type)));
}

bool tls_names_check(struct tls_names *n, const mbedtls_x509_crt *crt,
                     bool is_leaf, struct tls_names_clash *c)
{
    const mbedtls_x509_sequence *san = &crt->subject_alt_names;

    memset(c, 0, sizeof(*c));
    if (n->count == 0)
        return true;
    if (!is_leaf && !is_empty(&crt->subject) &&
        blob_eq(blob_of(crt->issuer_raw.p, crt->issuer_raw.len),
                blob_of(crt->subject_raw.p, crt->subject_raw.len)))
        return true;
    if (!check_subject(n, crt, c))
        return false;
    for (; san != NULL && san->buf.p != NULL; san = san->next) {
        int form = tls_within_form(san->buf.tag);

        if (!all_permit(n, form, san->buf.p, san->buf.len, c))
            return false;
        if (is_mailbox(form, der_of(san->buf.p, san->buf.len)) &&
            !all_permit(n, MBEDTLS_X509_SAN_RFC822_NAME, san->buf.p,
                        san->buf.len, c))
            return false;
    }
    return true;
}

/* ----------------------------------------------------------------- words */

static const char *form_text(const struct tls_names_clash *c)
{
    switch (c->form) {
    case MBEDTLS_X509_SAN_RFC822_NAME:
        return "a mail address";
    case MBEDTLS_X509_SAN_DIRECTORY_NAME:
        return c->subject ? "the subject" : "a directory name";
    case MBEDTLS_X509_SAN_UNIFORM_RESOURCE_IDENTIFIER:
        return "a URI";
    default:
        return "a name of a rare form";
    }
}

char *tls_names_show(char *out, size_t cap, const struct tls_names_clash *c)
{
    const uint8_t *b = c->name;
    size_t used;

    if (c->form == MBEDTLS_X509_SAN_DNS_NAME) {
        used = (size_t)snprintf(out, cap, "the name ");
        tls_reason_quote(out + used, cap - used, b, c->len);
    } else if (c->form == MBEDTLS_X509_SAN_IP_ADDRESS && c->len == 4) {
        (void)snprintf(out, cap, "the address %u.%u.%u.%u", b[0], b[1], b[2],
                       b[3]);
    } else if (c->form == MBEDTLS_X509_SAN_IP_ADDRESS && c->len == 16) {
        used = (size_t)snprintf(out, cap, "the address ");
        for (size_t i = 0; i < 16 && used < cap; i += 2)
            used += (size_t)snprintf(out + used, cap - used, "%s%x",
                                     i != 0 ? ":" : "",
                                     (unsigned)(b[i] << 8 | b[i + 1]));
    } else {
        (void)snprintf(out, cap, "%s", form_text(c));
    }
    return out;
}
