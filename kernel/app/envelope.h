/*
 * envelope.h - who sends to whom: the SMTP job, made from the
 * configuration (and, with read_recipients, from the message).
 *
 * Everything is checked here, before a packet leaves: false, and
 * report_end() was called with 65 or 78.
 */
#ifndef APP_ENVELOPE_H
#define APP_ENVELOPE_H

#include "config.h"
#include "smtp.h"
#include "report.h"

/* Recipients into report->rcpt (board_pages()), sender into job->from. */
bool envelope_addresses(const struct config *, struct smtp_job *,
                        struct report *);

/* What is only known once the network is up: the EHLO name. */
void envelope_job(const struct config *, const struct addr *our_address,
                  struct smtp_job *);

#endif
