/*
 * loader.h - between the loaders' protocols and the start.
 *
 * One reader per protocol (pvh.c, multiboot2.c) finds out where things are;
 * loader.c then checks and takes them, the same way for all. A reader looks at
 * memory through mem_peek() only and believes no length; what is said twice,
 * or cut short, is an error with its reason.
 */
#ifndef BOARD_X86_64_LOADER_H
#define BOARD_X86_64_LOADER_H

#include <stdbool.h>
#include <stdint.h>

/* start.S marks the address of a multiboot2 information block, which is
 * aligned to 8, by this bit. */
#define LOADER_MULTIBOOT2 1u

/* Physical addresses and lengths as the loader told them: nothing of it is
 * checked against memory yet. 0: there is none. */
struct loader_given {
    const char *by;   /* "PVH", "multiboot2"                             */
    uint64_t cmdline; /* ends with a NUL                                 */
    uint64_t initrd, initrd_len;
    uint32_t modules; /* how many there are; the initrd is the first     */
    uint64_t rsdp;
    /* Memory map: map_count entries, map_step bytes apart, each a struct
     * loader_range. Both protocols describe memory by the same 24 bytes. */
    uint64_t map;
    uint32_t map_count, map_step;
    /* Bytes that must stay what they are while the image runs, and for the
     * copy of it that begins anew elsewhere (slide.h). */
    struct {
        uint64_t at, len;
    } keep[2];
};

struct loader_range {
    uint64_t start, len;
    uint32_t type, reserved;
};
_Static_assert(sizeof(struct loader_range) == 24, "start_info.h, multiboot2");
enum { LOADER_RAM = 1 };

#define LOADER_MAP_MAX 256 /* entries of a memory map */

/* False: *why is a whole sentence without quotes. *ours tells a machine or
 * a command that has to be changed (78) from a broken loader (70). */
bool pvh_read(uint64_t at, struct loader_given *out, const char **why,
              bool *ours);
bool multiboot2_read(uint64_t at, struct loader_given *out, const char **why,
                     bool *ours);

#endif
