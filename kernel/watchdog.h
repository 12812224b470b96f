/*
 * watchdog.h - a timer that restarts a machine whose program is stuck.
 *
 * Armed once the configuration is known, fed by the event loop while the run
 * is within its time, stopped when the report is out. What a machine does
 * when it bites is the machine's (QEMU: -action watchdog=).
 */
#ifndef KERNEL_WATCHDOG_H
#define KERNEL_WATCHDOG_H

#include <stdbool.h>
#include <stdint.h>

#define WATCHDOG_MIN 5 /* seconds: the longest computation takes one or two */
#define WATCHDOG_MAX 1800

/* Bites seconds after the last feeding; none counts after until_ms, on the
 * program's clock. False: *why is a sentence part. */
bool watchdog_start(uint32_t seconds, uint64_t until_ms, const char **why);

/* Whoever feeds must come back within *wait_ms (UINT64_MAX: no watchdog). */
void watchdog_feed(uint64_t now_ms, uint64_t *wait_ms);

void watchdog_stop(void);

#endif
