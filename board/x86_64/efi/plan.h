/*
 * plan.h - where the image and memory are, once the firmware is gone.
 */
#ifndef BOARD_X86_64_EFI_PLAN_H
#define BOARD_X86_64_EFI_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "efi.h"
#include "loader.h"

#define PLAN_PARTS 8

/* What handover.S copies: len bytes from from to to, then zero bytes of 0. */
struct plan_part {
    uint32_t to, from, len, zero;
};

struct plan {
    uint32_t entry;      /* by the PVH note */
    uint32_t start, end; /* what the image takes of memory */
    uint32_t count;
    struct plan_part parts[PLAN_PARTS];
};

/* An ELF file whose PVH note names the entry. Part addresses (from) are
 * offsets in the file. False: it is none, or a length in it is wrong. */
bool plan_image(const uint8_t *elf, size_t len, struct plan *out);

/* Kinds of memory: what is the image's to use once boot services are gone;
 * what they leave behind, files they have read among it. */
bool plan_usable(uint32_t type);
bool plan_left_behind(uint32_t type);

/* The memory of one kind in a map of count entries, step bytes apart: sorted,
 * neighbours made one. Returns the number of ranges, 0: more than max. */
size_t plan_ranges(const uint8_t *map, size_t count, size_t step,
                   bool (*kind)(uint32_t type), struct loader_range *out,
                   size_t max);

/* All of [start, end) lies in one of the ranges. */
bool plan_covers(const struct loader_range *ranges, size_t count,
                 uint64_t start, uint64_t end);

#endif
