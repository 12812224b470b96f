/*
 * slide.c - a fresh copy of the image elsewhere.
 *
 * Text and constants are never written, so they are copied from where they
 * are; .data as slide_keep() found it; .bss is zero. Pointers are adjusted by
 * the RELR table (relocate.h).
 */
#include "slide.h"

#include <string.h>

#include "ram.h"
#include "relocate.h"

/* the linker script's */
extern char __image_start[], __image_end[];
extern char __data_start[], __data_end[], __data_kept[];
extern char __bss_start[], __bss_end[];
extern const uint64_t __relr_start[], __relr_end[];

/* in .data: what clears .bss must not clear it */
static bool moved __attribute__((section(".data.slide")));
static const char *state = "off";

static size_t between(const char *start, const char *end)
{
    return (uintptr_t)end - (uintptr_t)start;
}

__attribute__((no_stack_protector)) void slide_keep(void)
{
    memcpy(__data_kept, __data_start, between(__data_start, __data_end));
}

uintptr_t slide_choose(uint64_t end, uint64_t random, bool wanted)
{
    uint64_t at;

    if (moved)
        state = "random";
    if (moved || !wanted)
        return 0;
    at = ram_place(between(__image_start, __image_end), end, random);
    if (at == 0)
        state = "fixed: no room for another";
    return (uintptr_t)at;
}

const char *slide_state(void)
{
    return state;
}

static char *there(char *here, uintptr_t by)
{
    return (char *)((uintptr_t)here + by);
}

void slide_copy(uintptr_t to, uintptr_t off, uintptr_t add)
{
    uintptr_t by = to - (uintptr_t)__image_start;

    memcpy((void *)to, __image_start, between(__image_start, __data_start));
    memcpy(there(__data_start, by), __data_kept,
           between(__data_start, __data_end));
    memset(there(__bss_start, by), 0, between(__bss_start, __bss_end));
    relocate_by(off, add, __relr_start, __relr_end);
    *(bool *)there((char *)&moved, by) = true;
}
