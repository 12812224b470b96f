/*
 * timesync.h - the date, on a machine that does not tell it.
 */
#ifndef APP_TIMESYNC_H
#define APP_TIMESYNC_H

#include "config.h"
#include "report.h"

/* Nothing to do where the machine's clock can be trusted or no server is
 * named (key ntp). Else the network is brought up and the servers are asked
 * in turn, each within a few seconds. False: nobody told the time and TLS
 * cannot do without; the report says what each said. */
bool timesync(const struct config *conf, uint64_t give_up_ms, struct report *r);

#endif
