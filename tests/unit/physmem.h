/*
 * physmem.h - the machine's memory as a heap block of exactly its size, from
 * PHYS_BASE on: a sanitizer sees any byte read past its end. Included once,
 * behind a definition of PHYS_BASE.
 */
#ifndef UNIT_PHYSMEM_H
#define UNIT_PHYSMEM_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "paging.h"

static uint8_t *memory;
static size_t memory_len;

static bool memory_has(uint64_t phys, size_t len)
{
    return phys >= PHYS_BASE && phys - PHYS_BASE <= memory_len &&
           len <= memory_len - (phys - PHYS_BASE);
}

bool mem_peek(uint64_t phys, void *out, size_t len)
{
    if (!memory_has(phys, len))
        return false;
    memcpy(out, memory + (phys - PHYS_BASE), len);
    return true;
}

#endif
