/*
 * pages.c - board.h's memory functions, for boards with page tables of ours.
 */
#include <string.h>

#include "board.h"
#include "log.h"
#include "paging.h"
#include "ram.h"

static bool map(uint64_t start, uint64_t len)
{
    if (mem_map(start, len, MEM_RW) != NULL)
        return true;
    log_say("memory: too few page tables for %llu more KiB",
            (unsigned long long)(len >> 10));
    return false;
}

void *board_pages(size_t bytes)
{
    uint64_t at = ram_take(bytes, map);
    void *p = (void *)(uintptr_t)at;

    return at != 0 ? memset(p, 0, bytes) : NULL;
}

/* The initrd is mapped read-only: its secrets are overwritten through the
 * window. */
void board_wipe(const void *p, size_t len)
{
    const struct blob *initrd = &board_info()->initrd;
    uint64_t at = (uintptr_t)p;

    if (at >= (uintptr_t)initrd->p && len <= initrd->len &&
        at - (uintptr_t)initrd->p <= initrd->len - len)
        mem_wipe(at, len);
}
