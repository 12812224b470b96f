/*
 * auth.h - SASL PLAIN (RFC 4616) and LOGIN as SMTP AUTH carries them
 * (RFC 4954).
 *
 * Nothing of a secret is kept here: what goes out is encoded from the job,
 * group by group, into the caller's buffer, so that a token of any length
 * needs no buffer of its own.
 */
#ifndef SMTP_AUTH_H
#define SMTP_AUTH_H

#include "ehlo.h"
#include "text.h"

/* what one line carries */
enum auth_part { AUTH_PART_PLAIN, AUTH_PART_USER, AUTH_PART_PASSWORD };

/* The mechanism to use, SMTP_AUTH_OFF if none fits. without_plain: the server
 * offered PLAIN and then did not know it. */
enum smtp_auth auth_choose(const struct ehlo *, enum smtp_auth allowed,
                           bool without_plain);

/* Characters of base64 that the part becomes. */
size_t auth_encoded_len(const struct smtp_job *, enum auth_part);

/* Appends the part in base64. */
void auth_encode(const struct smtp_job *, enum auth_part, struct text *to);

/* Servers echo what they did not like. Masks by '*' any word of line that
 * holds the password or the beginning of an encoded credential. */
void auth_redact(const struct smtp_job *, char *line, size_t len);

#endif
