/*
 * paging.h - one-to-one page tables, and a look at memory that is not mapped.
 *
 * Builds trees of 4 KiB tables with 512 entries each: x86-64's four levels,
 * RISC-V's Sv39 and VMSAv8-64 with 39 bits alike; what differs is in struct
 * paging. Virtual addresses are physical ones. Mapped is what was asked for
 * and nothing else, never writable and executable at once; page 0 never.
 *
 * A board's start code calls paging_init(), paging_map() for each part of the
 * image, paging_window(), and gives paging_root() to the processor. From then
 * on the mem_ functions are for everyone. Nothing is ever unmapped. Tables
 * come from a fixed pool: running out is an error of the request.
 */
#ifndef KERNEL_PAGING_H
#define KERNEL_PAGING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum mem_kind {
    MEM_TEXT, /* read and execute             */
    MEM_RO,   /* read-only, cached            */
    MEM_RW,   /* read-write, cached           */
    MEM_DEV,  /* read-write, uncached: device */
    MEM_KINDS
};

/* How a processor writes an entry. Bit 0 of a valid one is set. */
struct paging {
    uint8_t levels;     /* of tables: 3 for 39 bits of address, 4 for 48   */
    uint8_t shift;      /* an entry holds the address shifted right by it  */
    uint64_t address;   /* the bits of an entry that are the address       */
    uint64_t table;     /* an entry that names a table: its other bits     */
    uint64_t is_table;  /* which of these tell it from a 2 MiB leaf       */
    uint64_t page, big; /* more bits of a leaf of 4 KiB, of 2 MiB        */
    uint64_t kind[MEM_KINDS]; /* the bits of a leaf for each kind        */
    uint64_t is_kind; /* which of these tell the kinds apart             */
    /* The page's entry has changed: forget what was cached of it. Also makes
     * entries that are new visible to the processor's walks. */
    void (*flush)(const void *page);
};

/* What lies from end on cannot be mapped. [image, image_stop) is the image:
 * mem_map() refuses to touch it. */
void paging_init(const struct paging *p, uint64_t end, const void *image,
                 const void *image_stop);
/* The top table's address. */
uint64_t paging_root(void);

/* Maps the pages of [start, end). False: there are too few tables, or
 * something in it is mapped as another kind. */
bool paging_map(const void *start, const void *end, enum mem_kind kind);

/* The page of the image, mapped by nobody else, through which mem_peek() and
 * mem_wipe() look. */
bool paging_window(void *page);

/* Maps [phys, phys + len), never executable. NULL: it wraps, lies beyond the
 * limit, touches page 0 or the image, overlaps something mapped another way,
 * or the tables ran out. */
void *mem_map(uint64_t phys, uint64_t len, enum mem_kind kind);

/* Copies bytes of any physical memory, mapped or not, without leaving a
 * mapping behind. False: it wraps or cannot be addressed. */
bool mem_peek(uint64_t phys, void *out, size_t len);

/* Overwrites bytes of RAM, mapped or not, however they are mapped. */
void mem_wipe(uint64_t phys, size_t len);

/* Some of the range is the image's. */
bool mem_in_image(uint64_t start, uint64_t len);

#endif
