/*
 * debug_exit.h - QEMU's isa-debug-exit, the launcher's way to the status.
 */
#ifndef BOARD_X86_64_DEBUG_EXIT_H
#define BOARD_X86_64_DEBUG_EXIT_H

#include "arch/x86_64/cpu.h"

#define DEBUG_EXIT         0xf4  /* the launcher's */
#define DEBUG_EXIT_DEFAULT 0x501 /* QEMU's */

/* QEMU ends with 2 * status + 1, if it has the device. */
static inline void debug_exit(int status)
{
    if (!cpu_is_guest())
        return; /* on real hardware these ports are somebody else's */
    cpu_out8(DEBUG_EXIT, (uint8_t)status);
    cpu_out8(DEBUG_EXIT_DEFAULT, (uint8_t)status);
}

#endif
