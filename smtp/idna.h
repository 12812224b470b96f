/*
 * idna.h - a domain in UTF-8 -> the form that DNS and every mail server know
 * (RFC 5891, 3492).
 */
#ifndef SMTP_IDNA_H
#define SMTP_IDNA_H

#include "smtp.h"
#include "text.h"

/* Appends domain with each label that is not ASCII as "xn--...". False: it
 * cannot be looked up, *why is a sentence part and t holds what was made so
 * far. A domain of ASCII alone is appended as it is, unchecked. */
bool idna_domain(struct text *t, struct smtp_str domain, const char **why);

/* Appends an address with its domain so treated; one that has no UTF-8 there
 * comes out as it is. *utf8: the part before the @ needs SMTPUTF8, for which
 * there is no other form. */
bool idna_address(struct text *t, struct smtp_str address, bool *utf8,
                  const char **why);

#endif
