/*
 * submit.h - one delivery over one connection: the pump.
 *
 * Moves bytes between neighbours (message -> smtp -> tls -> tcp and back),
 * owns the clock and the deadlines, decides nothing about mail. Ends with
 * report_end() called, whatever happens.
 */
#ifndef APP_SUBMIT_H
#define APP_SUBMIT_H

#include "config.h"
#include "message.h"
#include "report.h"

/* Can TLS start at all (anchors, client certificate, clock, entropy)? Asked
 * before the network is touched. False: report_end() was called. */
bool submit_ready(const struct config *, struct report *);

/* Frees what submit_ready() made (a client's private key among it). Called
 * once, at the end, whatever happened in between. */
void submit_forget(void);

/* report->address is the server's; rcpt (in report) gets the verdicts. */
void submit(const struct config *, struct message *, struct smtp_job *,
            uint64_t give_up_ms, struct report *);

/* 25, 465 or 587 when the configuration names none */
uint16_t submit_port(const struct config *);

#endif
