/*
 * sign.c - key and settings of the DKIM signature (RFC 6376).
 */
#include "sign.h"

#include "clock.h"
#include "dkim.h"
#include "files.h"
#include "tls_sign.h"

static const struct dkim_crypto crypto = { .start = tls_sign_start,
                                           .update = tls_sign_update,
                                           .finish = tls_sign_finish,
                                           .sign = tls_sign };

_Static_assert(TLS_SIGN_HASH == DKIM_HASH, "both are SHA-256");

static struct {
    struct dkim_spec spec;
    struct dkim dkim; /* the message points into it */
    bool on;
} sign;

static struct smtp_str str_of(struct blob b)
{
    struct smtp_str s = { (const char *)b.p, b.len };

    return s;
}

bool sign_open(const struct config *c, struct report *r)
{
    const char *why;

    sign.on = c->dkim_domain.len != 0;
    if (!sign.on)
        return true;
    sign.spec.domain = str_of(c->dkim_domain);
    sign.spec.selector = str_of(c->dkim_selector);
    sign.spec.simple_header = (c->dkim_canonicalization & 2) != 0;
    sign.spec.simple_body = (c->dkim_canonicalization & 1) != 0;
    if (!tls_sign_open(c->dkim.p, c->dkim.len, &why))
        return report_end(r, OUTCOME_INVALID, STATUS_CONFIG, "dkim_key: %s",
                          why);
    sign.spec.algorithm = tls_sign_kind() == TLS_SIGN_ED25519
                              ? DKIM_ED25519_SHA256
                              : DKIM_RSA_SHA256;
    files_wipe(c->dkim_key);
    return true;
}

bool sign_message(struct message *m, struct report *r)
{
    struct message_error err;

    sign.spec.time = clock_unix();
    if (!sign.on || dkim_sign(&sign.dkim, m, &sign.spec, &crypto, &err))
        return true;
    return report_end(r, OUTCOME_INVALID, STATUS_CONFIG, "%s", err.why);
}

bool sign_wanted(void)
{
    return sign.on;
}

void sign_close(void)
{
    tls_sign_close();
    sign.on = false;
}
