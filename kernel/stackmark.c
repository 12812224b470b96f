/*
 * stackmark.c - paint, and where it ends. Not counted is what is above the
 * frame of the painting function, and NEAR bytes below it.
 */
#include "stackmark.h"

#include <stdint.h>

#include "board.h"

#define PAINT 0x5354414b5354414bull /* "STAK" */
#define NEAR  256                   /* this function's own frame, and spills */

extern char __stack_bottom[], __stack_top[];

__attribute__((no_stack_protector)) void stack_paint(void)
{
    uintptr_t end = (uintptr_t)__builtin_frame_address(0) - NEAR;
    volatile uint64_t *p;

    for (p = (uint64_t *)(uintptr_t)__stack_bottom; (uintptr_t)p < end; p++)
        *p = PAINT;
}

size_t board_stack_used(size_t *size)
{
    const uint64_t *p = (uint64_t *)(uintptr_t)__stack_bottom;
    uintptr_t top = (uintptr_t)__stack_top;

    while ((uintptr_t)p < top && *p == PAINT)
        p++;
    *size = top - (uintptr_t)__stack_bottom;
    return top - (uintptr_t)p;
}
