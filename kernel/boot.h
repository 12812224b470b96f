/*
 * boot.h - what every board's start code says and does alike.
 */
#ifndef KERNEL_BOOT_H
#define KERNEL_BOOT_H

#include <stdbool.h>

#include "blob.h"
#include "status.h"

/* The command line as kept: longer ones are refused, not cut. */
#define BOOT_CMDLINE_MAX 8192

/* A machine we cannot start on. One line for the person, one report line,
 * then board_exit(status); reason is plain text without quotes. status is
 * STATUS_CONFIG or STATUS_BUG. */
_Noreturn void boot_fail(int status, const char *reason);

/* The next word of a command line; false at its end. */
bool boot_word(struct blob *rest, struct blob *word);

/* Runs what the linker collected in .init_array. */
void boot_constructors(void);

#endif
