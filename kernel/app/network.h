/*
 * network.h - from a device to an address to talk to (exit 74 and 68).
 *
 * The functions wait, within their own bound and the run's (give_up_ms);
 * false: report_end() was called with the reason.
 */
#ifndef APP_NETWORK_H
#define APP_NETWORK_H

#include "config.h"
#include "report.h"
#include "stack.h"

/* Finds a device, starts the stack, waits for an address; once. */
bool network_up(const struct config *, uint64_t give_up_ms, struct report *);

/* A name's address: IPv4 where both we and the host have it, else IPv6. */
enum stack_dns network_look_up(const struct config *, struct blob host,
                               uint64_t give_up_ms, struct addr *);

/* The server's, to report->address. */
bool network_resolve(const struct config *, uint64_t give_up_ms,
                     struct report *);

/* The one that was found cannot be connected to: is there one of the other
 * family? False: no, and nothing has changed. */
bool network_other(const struct config *, uint64_t give_up_ms, struct addr *);

#endif
