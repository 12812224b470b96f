/*
 * ram.h - the RAM of this machine, and what of it is still free.
 *
 * A board tells at its start which ranges are RAM (ram_add), then which of
 * them are somebody's (ram_cut: firmware, the image, the initrd, a device
 * tree); ram_take() gives the rest away, once. Physical addresses; lengths in
 * bytes. Free ranges are whole pages. Nothing here maps memory.
 */
#ifndef KERNEL_RAM_H
#define KERNEL_RAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RAM_PAGE 4096ull

/* Forgets all ranges. What lies from end on cannot be addressed and is never
 * counted as RAM. */
void ram_init(uint64_t end);

/* Whole pages inside [start, start + len); more ranges than the list holds
 * are left unused. */
void ram_add(uint64_t start, uint64_t len);

/* Every page that [start, start + len) touches is no longer free. */
void ram_cut(uint64_t start, uint64_t len);

/* All of the range is free. Neighbouring ranges count as one piece. */
bool ram_free(uint64_t start, uint64_t len);

/* Some of the range is RAM, whoever has it: no device can be there. */
bool ram_has(uint64_t start, uint64_t len);

/* Takes whole pages for at least bytes; their address, 0: there are not that
 * many in one piece, or map() refused. map() is called first, for what of the
 * memory (and of the 2 MiB it ends in, if that is free) it was not called for
 * before. */
uint64_t ram_take(size_t bytes, bool (*map)(uint64_t start, uint64_t len));

/* A place for bytes in free RAM below end, on a page boundary, each as likely
 * as the next for a random number of 64 bits; 0: there is none. It is not
 * taken. */
uint64_t ram_place(size_t bytes, uint64_t end, uint64_t random);

#endif
