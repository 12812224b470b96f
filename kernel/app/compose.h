/*
 * compose.h - the message, made from the files and the configuration, and
 * fitted to what the server takes.
 *
 * The first is done before a packet leaves: false, and report_end() was
 * called with 65. The second is done between EHLO and MAIL: false, and it was
 * called with 69.
 */
#ifndef APP_COMPOSE_H
#define APP_COMPOSE_H

#include "config.h"
#include "message.h"
#include "report.h"

/* Opens the message; the Message-ID goes into the report. rng_init() was
 * called; job has its sender, and gets that its message is to be fitted. */
bool compose_open(const struct config *, struct smtp_job *, struct message *,
                  struct report *);

/* For this server; the size goes into the report. */
bool compose_fit(struct message *, struct smtp_offers, struct report *);

#endif
