/*
 * mech.c - see mech.h.
 */
#include "mech.h"

#include "text.h"

static const struct auth_mech mechs[AUTH_MECHS] = {
    [SMTP_AUTH_OFF] = { "", 0, 0, false, false, false, false, 0 },
    [SMTP_AUTH_ANY] = { "", 0, 0, false, false, false, false, 0 },
    [SMTP_AUTH_SCRAM_SHA_256_PLUS] = { "SCRAM-SHA-256-PLUS", AUTH_SCRAM, 2,
                                       true, false, true, true, SMTP_SHA256 },
    [SMTP_AUTH_SCRAM_SHA_1_PLUS] = { "SCRAM-SHA-1-PLUS", AUTH_SCRAM, 2, true,
                                     false, true, true, SMTP_SHA1 },
    [SMTP_AUTH_SCRAM_SHA_256] = { "SCRAM-SHA-256", AUTH_SCRAM, 2, true, false,
                                  false, true, SMTP_SHA256 },
    [SMTP_AUTH_SCRAM_SHA_1] = { "SCRAM-SHA-1", AUTH_SCRAM, 2, true, false,
                                false, true, SMTP_SHA1 },
    [SMTP_AUTH_CRAM_MD5] = { "CRAM-MD5", AUTH_CRAM, 1, false, false, false,
                             true, SMTP_MD5 },
    [SMTP_AUTH_PLAIN] = { "PLAIN", AUTH_SIMPLE, 1, true, true, false, true, 0 },
    [SMTP_AUTH_LOGIN] = { "LOGIN", AUTH_SIMPLE, 2, false, true, false, true,
                          0 },
    [SMTP_AUTH_OAUTHBEARER] = { "OAUTHBEARER", AUTH_TOKEN, 1, true, true, false,
                                false, 0 },
    [SMTP_AUTH_XOAUTH2] = { "XOAUTH2", AUTH_TOKEN, 1, true, true, false, false,
                            0 },
    [SMTP_AUTH_EXTERNAL] = { "EXTERNAL", AUTH_SIMPLE, 1, true, false, false,
                             false, 0 },
};

const struct auth_mech *auth_mech(unsigned mech)
{
    return &mechs[mech];
}

enum smtp_auth auth_by_name(struct smtp_str name)
{
    for (unsigned i = SMTP_AUTH_ANY + 1; i < AUTH_MECHS; i++)
        if (text_same(name.p, name.len, mechs[i].name))
            return (enum smtp_auth)i;
    return SMTP_AUTH_OFF;
}
