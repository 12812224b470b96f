/*
 * pvh.h - Xen's struct hvm_start_info and what it points to
 * (xen/include/public/arch-x86/hvm/start_info.h).
 */
#ifndef BOARD_X86_64_PVH_H
#define BOARD_X86_64_PVH_H

#include <stdint.h>

#define PVH_MAGIC 0x336ec578

struct pvh_start_info {
    uint32_t magic, version, flags, nr_modules;
    uint64_t modlist, cmdline, rsdp;
    uint64_t memmap; /* from version 1: struct loader_range */
    uint32_t memmap_entries, reserved;
};
_Static_assert(sizeof(struct pvh_start_info) == 56, "start_info.h");

struct pvh_module {
    uint64_t start, size, cmdline, reserved;
};
_Static_assert(sizeof(struct pvh_module) == 32, "start_info.h");

#endif
