/*
 * network.h - from a device to an address to talk to (exit 74 and 68).
 *
 * Both functions wait, within their own bound and the run's (give_up_ms);
 * false: report_end() was called with the reason.
 */
#ifndef APP_NETWORK_H
#define APP_NETWORK_H

#include "config.h"
#include "report.h"

/* Finds a device, starts the stack, waits for an address; once. */
bool network_up(const struct config *, uint64_t give_up_ms, struct report *);

/* The server's name to report->address. */
bool network_resolve(const struct config *, uint64_t give_up_ms,
                     struct report *);

#endif
