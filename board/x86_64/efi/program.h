/*
 * program.h - what the files of BOOTX64.EFI share.
 *
 * A UEFI application: it packs the files in \bootmail\ of the partition it
 * was started from, puts the image where it belongs, leaves the firmware's
 * services and starts the image the way PVH loaders do. Whatever goes wrong
 * before that ends in fail().
 */
#ifndef BOARD_X86_64_EFI_PROGRAM_H
#define BOARD_X86_64_EFI_PROGRAM_H

#include <stdint.h>

#include "efi.h"
#include "plan.h"
#include "status.h"

extern struct efi_system *efi;
extern void *efi_self; /* our own handle */

/* tell.c: text on the firmware's console. text: plain ASCII */
void say(const char *text);
/* A sentence on the console, a report line on COM1, then the machine is
 * switched off, with the status to QEMU's caller where it takes one. status is
 * STATUS_CONFIG or STATUS_BUG. Not after boot services are gone. */
_Noreturn void fail(int status, const char *reason);

/* main.c: pages below 4 GiB, zeroed, from boot services; fail()s if there are
 * none. */
void *low_pages(uint64_t bytes, uint32_t type);

/* volume.c: the files of \bootmail\ as an archive in low pages; *len is 0 if
 * there is no such folder. */
uint8_t *volume_archive(uint32_t *len);

/* handover.S: code that is copied and called; the argument is below 4 GiB.
 * Overwrites the wipe ranges, copies the parts, then starts entry with info
 * in EBX. */
#define HANDOVER_WIPES 256
struct handover {
    uint32_t entry, info, count;
    struct plan_part parts[PLAN_PARTS];
    uint32_t wipe_count;
    uint64_t gdt[3];
    uint16_t gdt_limit;
    uint8_t gdt_base[8]; /* right behind the limit, for LGDT */
    struct {
        uint32_t at, len;
    } wipe[HANDOVER_WIPES];
};
_Static_assert(offsetof(struct handover, parts) == 12, "handover.S");
_Static_assert(offsetof(struct handover, wipe_count) == 140, "handover.S");
_Static_assert(offsetof(struct handover, gdt) == 144, "handover.S");
_Static_assert(offsetof(struct handover, gdt_limit) == 168, "handover.S");
_Static_assert(offsetof(struct handover, gdt_base) == 170, "handover.S");
_Static_assert(offsetof(struct handover, wipe) == 180, "handover.S");
extern const uint8_t handover_code[], handover_end[];

/* image.S: the image, as it is in build/x86_64/bootmail */
extern const uint8_t image[], image_end[];

#endif
