/*
 * pack.h - files into a cpio archive (newc), text out of UEFI's.
 *
 * Pure: bytes in, bytes out. An archive is made twice the same way: first
 * without a buffer, which says how long it will be, then into one.
 */
#ifndef BOARD_X86_64_EFI_PACK_H
#define BOARD_X86_64_EFI_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pack {
    uint8_t *buf; /* NULL: only count */
    size_t cap, len;
};

/* Adds one file of size bytes; *room is where they belong (NULL when only
 * counting). False: it does not fit. */
bool pack_file(struct pack *p, const char *name, uint32_t size, uint8_t **room);
/* Ends the archive. */
bool pack_end(struct pack *p);

/* UTF-16 up to its 0, at most max units, to UTF-8 with a NUL. False: it does
 * not fit into cap, does not end, or holds half a surrogate pair. */
bool pack_text(const uint16_t *from, size_t max, char *to, size_t cap);

/* Load options (9.1) as a command line: text of printable characters; what
 * else a firmware may put there (EDK2: a GUID) gives "". The shell's first
 * word, the name of the program, is left out. False: longer than cap - 1. */
bool pack_options(const void *options, size_t size, char *to, size_t cap);

#endif
