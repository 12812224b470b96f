/*
 * smbios.h - credentials in SMBIOS OEM strings (type 11), as systemd reads
 * them: a hypervisor's way to hand files to a guest without a disk.
 *
 *   io.systemd.credential:NAME=VALUE
 *   io.systemd.credential.binary:NAME=BASE64
 *
 * Ours are those whose NAME begins with "bootmail.": what follows is the name
 * of the file, except that bootmail.conf is called so itself.
 */
#ifndef KERNEL_SMBIOS_H
#define KERNEL_SMBIOS_H

#include <stdbool.h>

#include "blob.h"

/* Calls found() for each credential of ours in a structure table (DSP0134)
 * until it returns false. The table is written to: a binary value is decoded
 * where it lies, and name and data point there. False: *why says what is
 * wrong with the table or a value, or found() returned false. */
bool smbios_each(uint8_t *table, size_t len,
                 bool (*found)(void *ctx, struct blob name, struct blob data),
                 void *ctx, const char **why);

#endif
