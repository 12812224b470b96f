/*
 * panic.h - the end for our own bugs (exit status 70), never for bad input.
 *
 * Prints where it was called and why, and a report line whose outcome is
 * "bug". Works with interrupts off and a broken heap.
 */
#ifndef KERNEL_PANIC_H
#define KERNEL_PANIC_H

#include <stdbool.h>

/* What follows the reason in the report line (design 2.5) of an image that
 * ends before there is anything else to say. The launcher wants a whole line.
 */
#define PANIC_REPORT_TAIL                                                 \
    "\",\"message_id\":null,\"host\":null,\"address\":null,\"tls\":null," \
    "\"recipients\":[],\"bytes\":0,\"attempts\":0,\"ms\":{}}\n"

_Noreturn void panic(const char *fmt, ...)
    __attribute__((format(printf, 1, 2)));

/* tell() is called once between the report line and the end: a way to let the
 * host know. It may be called in any state. */
void panic_tell(void (*tell)(void));

/* x must hold by construction; its side effects always happen */
#define BUG_ON(x)                                            \
    do {                                                     \
        if (x)                                               \
            panic("bug: %s:%d: %s", __FILE__, __LINE__, #x); \
    } while (false)

#endif
