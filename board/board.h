/*
 * board.h - the whole contract between the program and a machine.
 *
 * Implemented once per board/<name>/; nothing outside board/ and kernel/arch/
 * mentions a hardware address. The board's start code sets up memory, traps,
 * console and clock, then calls app_main() and hands its result to
 * board_finish(). Everything runs on one stack in one thread; interrupts do
 * nothing but end board_idle().
 *
 * Units: time in nanoseconds since some point before app_main(), lengths in
 * bytes. Blobs live as long as the image runs.
 */
#ifndef BOARD_H
#define BOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "blob.h"

struct fwcfg_io;

struct board_info {
    const char *name;    /* "x86_64", "posix": the folder under board/     */
    const char *machine; /* what was found: "QEMU TCG, PVH, virtio-mmio"   */
    const char *slide;   /* is the image's place in memory random? a word  */
    struct blob cmdline; /* kernel command line, no terminating NUL        */
    struct blob initrd;  /* the first boot module; empty if there is none  */
};

/* What becomes of the machine when its work is done. */
enum board_end {
    BOARD_POWEROFF, /* off, and the host learns the status               */
    BOARD_REBOOT,   /* from the start, as after a press on its button    */
    BOARD_HALT,     /* on, and the processor stopped: nothing wakes it   */
};

/* The program, called once by the board's start code. Returns the exit
 * status of design.md 2.5, and *how the machine is to end. */
int app_main(enum board_end *how);

const struct board_info *board_info(void);

/* Console. Works from the first instruction of C, in traps, with interrupts
 * off. Bytes are written as they are. Never blocks for long. */
void board_write(const char *p, size_t len);

/* QEMU's firmware configuration device; NULL where the machine has none. */
const struct fwcfg_io *board_fwcfg(void);

/* The SMBIOS structure table, copied: it may be written to. p NULL: the
 * machine has none. */
struct blob board_smbios(void);

/* RAM that is neither image nor initrd, page aligned, zeroed, mapped
 * read-write and never executable. Never given back. NULL: not that much
 * left. */
void *board_pages(size_t bytes);

/* Bytes of the stack that were in use at the deepest so far; *size: how many
 * there are. 0: nobody knows (a process has its own system for that). */
size_t board_stack_used(size_t *size);

/* Overwrites bytes of the initrd where they lie: secrets are wiped after use,
 * and the initrd is otherwise mapped read-only. Ranges outside the initrd are
 * left alone. */
void board_wipe(const void *p, size_t len);

/* Monotonic, never goes back, starts near 0 at the entry of the image. */
uint64_t board_now_ns(void);

/* Seconds since 1970 from the machine's clock; -1: it has none. Read once
 * and cheap after that (advances with board_now_ns()). */
int64_t board_unix_time(void);

/* Entropy from the CPU or the machine (not virtio-rng). Returns the bytes
 * really delivered, 0 if there is no source. */
size_t board_entropy(uint8_t *out, size_t len);

/* Sleep until an interrupt (any device) or the time until_ns, whichever
 * comes first. Returns at once if a device interrupt arrived since the last
 * call returned: no wake-up is lost. UINT64_MAX: no deadline. */
void board_idle(uint64_t until_ns);

/* End of run after a bug, whoever sees it: hand the status to the host as well
 * as the machine can, then power off. Never returns, whatever the machine
 * lacks. */
_Noreturn void board_exit(int status);

/* End of run after app_main(). The status is for the host that a machine's
 * power-off can tell it to; one that cannot restart is powered off. */
_Noreturn void board_finish(int status, enum board_end how);

#endif
