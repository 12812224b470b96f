/*
 * clock.h - monotonic milliseconds and trustworthy wall time.
 */
#ifndef KERNEL_CLOCK_H
#define KERNEL_CLOCK_H

#include <stdint.h>

uint64_t clock_ms(void); /* since entry; from board_now_ns() */

/* Seconds since 1970; -1: the machine has no clock, or it shows a time
 * before this image was built (clock_why() then says which). */
int64_t clock_unix(void);
const char *clock_why(void);

/* When this image was built: no true time is before that. */
int64_t clock_earliest(void);
/* From now on clock_unix() goes by this, and no longer by the machine. */
void clock_set(int64_t unix_s);

#endif
