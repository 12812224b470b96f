/*
 * cc.h - how lwIP is compiled here: types, random numbers, assertions.
 *
 * lwIP includes this file by name. Its assertions guard against bugs of
 * ours, so they end the run; bad input never reaches one (net/frame.c).
 */
#ifndef NET_ARCH_CC_H
#define NET_ARCH_CC_H

#include <limits.h>
#include <stdint.h>
#include <sys/types.h>

#include "panic.h"
#include "rng.h"

/* lwIP would define ssize_t itself where SSIZE_MAX is missing, and clash
 * with <sys/types.h> */
#ifndef SSIZE_MAX
#define SSIZE_MAX INTPTR_MAX
#endif
#define LWIP_NO_UNISTD_H 1

#define LWIP_RAND() rng_u32()

#define LWIP_PLATFORM_DIAG(x) \
    do {                      \
    } while (0)
#define LWIP_PLATFORM_ASSERT(x) \
    panic("bug: lwIP: %s (%s:%d)", x, __FILE__, __LINE__)

#endif
