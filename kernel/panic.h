/*
 * panic.h - the end for our own bugs (exit status 70), never for bad input.
 *
 * Prints where and why, a backtrace of addresses, and a report line whose
 * outcome is "bug". Works with interrupts off and a broken heap.
 */
#ifndef KERNEL_PANIC_H
#define KERNEL_PANIC_H

#include <stdbool.h>

_Noreturn void panic(const char *fmt, ...)
    __attribute__((format(printf, 1, 2)));

/* x must hold by construction; its side effects always happen */
#define BUG_ON(x)                                            \
    do {                                                     \
        if (x)                                               \
            panic("bug: %s:%d: %s", __FILE__, __LINE__, #x); \
    } while (false)

#endif
