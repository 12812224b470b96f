/*
 * auth.h - what a login says, by mechanism: PLAIN (RFC 4616), LOGIN, CRAM-MD5
 * (2195), SCRAM (5802, 7677), XOAUTH2, OAUTHBEARER (7628), EXTERNAL (4422
 * appendix A), as SMTP AUTH carries them (4954).
 *
 * Nothing of a secret is kept here: what goes out is encoded from the job,
 * group by group, into the caller's buffer, so that a token of any length
 * needs no buffer of its own. login.c has the dialogue.
 */
#ifndef SMTP_AUTH_H
#define SMTP_AUTH_H

#include "ehlo.h"
#include "mech.h"
#include "text.h"

struct session;

/* The strongest mechanism that the server offers, the job allows and has the
 * means for, and that has not failed before; SMTP_AUTH_OFF if there is none.
 * reveal: one that reveals the secret may be taken. */
enum smtp_auth auth_choose(const struct session *, bool reveal);

/* The line to say now, by the session's mechanism and step: characters of
 * base64, and they themselves. */
size_t auth_encoded_len(const struct session *);
void auth_encode(const struct session *, struct text *to);

/* Servers echo what they did not like. Masks by '*' any word of line that
 * holds the password or the beginning of an encoded credential. */
void auth_redact(const struct session *, char *line, size_t len);

#endif
