/*
 * mech.h - the mechanisms of AUTH, as both sides know them.
 */
#ifndef SMTP_MECH_H
#define SMTP_MECH_H

#include "smtp.h"

#define AUTH_MECHS (SMTP_AUTH_EXTERNAL + 1)

/* how a mechanism's dialogue goes */
enum auth_kind { AUTH_SIMPLE, AUTH_CRAM, AUTH_SCRAM, AUTH_TOKEN };

struct auth_mech {
    const char *name;
    uint8_t kind;
    uint8_t answers; /* lines of credentials, the initial one included */
    bool initial;    /* the first may go with AUTH itself */
    bool reveals;    /* whoever reads it has the secret */
    bool binds;      /* wants a channel binding */
    bool any;        /* may be chosen by itself */
    uint8_t hash;    /* enum smtp_hash, of CRAM and SCRAM */
};

/* By enum smtp_auth, which goes from the strongest to the weakest. */
const struct auth_mech *auth_mech(unsigned mech);

/* SMTP_AUTH_OFF if name is none of ours. */
enum smtp_auth auth_by_name(struct smtp_str name);

#endif
