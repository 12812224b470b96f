/*
 * xtext.h - xtext (RFC 3461 section 4): any text as one printable word.
 *
 * A byte that is not printable ASCII, and '+' and '=', are written as '+' and
 * two hexadecimal digits. What is decoded holds no control byte.
 */
#ifndef SMTP_XTEXT_H
#define SMTP_XTEXT_H

#include "smtp.h"
#include "text.h"

void xtext_put(struct text *, struct smtp_str s);

/* Decodes s into to, which may be where s is; false if s is no xtext, does
 * not fit, or holds a control byte. */
bool xtext_decode(struct smtp_str s, char *to, size_t cap, size_t *len);

#endif
