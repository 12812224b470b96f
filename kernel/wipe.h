/*
 * wipe.h - overwrite a secret so that the compiler cannot leave it out.
 */
#ifndef KERNEL_WIPE_H
#define KERNEL_WIPE_H

#include <stddef.h>
#include <string.h>

static inline void wipe(void *p, size_t len)
{
    if (len != 0)
        memset(p, 0, len);
    __asm__ volatile("" : : "r"(p) : "memory");
}

#endif
