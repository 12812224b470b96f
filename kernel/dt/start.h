/*
 * start.h - what a board with a device tree does at its start, after
 * paging_init() and dt_open().
 */
#ifndef KERNEL_DT_START_H
#define KERNEL_DT_START_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "blob.h"

struct dt_start {
    struct blob cmdline, initrd;
};

/* RAM ranges into ram.h, without the image's, the tree's and what is reserved;
 * the command line copied; the initrd checked against RAM and mapped
 * read-only. What cannot be ends with boot_fail(). */
void dt_start(const void *image, const void *image_end, struct dt_start *out);
/* Overwrites the command line, ours and the tree's: it may hold a secret. */
void dt_start_forget(void);
/* Ours alone, for a start anew with the same tree. */
void dt_start_leave(void);

/* uart.c: the console the tree names (/chosen/stdout-path), else the first
 * NS16550 or PL011 in it. False: there is none. Until then uart_write() drops
 * what it is given. */
bool dt_console(void);
void dt_console_write(const char *p, size_t len);

/* devices.c: virtio-mmio nodes and everything behind PCI host bridges with an
 * ECAM window; for platform_find_devices(). board_fwcfg() is there as well,
 * and rtc.c has board_unix_time(). */
void dt_devices(void);

#endif
