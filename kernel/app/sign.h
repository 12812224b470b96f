/*
 * sign.h - the DKIM signature, if the configuration asks for one.
 */
#ifndef APP_SIGN_H
#define APP_SIGN_H

#include "config.h"
#include "message.h"
#include "report.h"

/* Reads the key and wipes its file; harmless without dkim_domain. rng_init()
 * was called. False: report_end() was called with 78. */
bool sign_open(const struct config *, struct report *);

/* Signs a message that was fitted, if there is a key. False: report_end() was
 * called with 78. */
bool sign_message(struct message *, struct report *);

/* There is a key. */
bool sign_wanted(void);

void sign_close(void);

#endif
