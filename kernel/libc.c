/*
 * libc.c - what picolibc asks of its machine (bare boards only).
 *
 * Memory comes from the linker's __heap_start/__heap_end by picolibc's own
 * sbrk(). Nothing of ours opens files or prints through stdio; the C library
 * may only ask to end.
 */
#include <stdlib.h>

#include "panic.h"

_Noreturn void _exit(int status);

_Noreturn void _exit(int status)
{
    panic("bug: the C library called exit(%d)", status);
}

_Noreturn void abort(void)
{
    panic("bug: the C library called abort()");
}
