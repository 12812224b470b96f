/*
 * verdict.h - from what went wrong, in the words of a layer, to what the
 * user is told: outcome, exit status, reason (design 2.5). Nothing else
 * decides an exit status after the network is up.
 */
#ifndef APP_VERDICT_H
#define APP_VERDICT_H

#include "config.h"
#include "report.h"
#include "tcp.h"
#include "tls.h"

/* The SMTP session is closed: its verdict is the run's. why_lost: NULL, or
 * what the layers below know about a lost connection. */
void verdict_smtp(const struct smtp *, const char *why_lost, struct report *);

/* TLS did not come up. */
void verdict_tls(enum tls_error, const char *why, const struct config *,
                 uint16_t port, struct report *);

/* The end of a check that met no trouble. */
void verdict_check(const struct config *, struct report *);

/* No connection. */
void verdict_connect(enum tcp_error, uint16_t port, struct report *);

#endif
