/*
 * nic.h - the network cards of the machine, and opening one of them.
 *
 * Implemented by net/nic.c, and by a board that has no hardware of its own
 * (posix). Drivers share their buffers, so that one card is open at a time.
 */
#ifndef KERNEL_NIC_H
#define KERNEL_NIC_H

#include "netdev.h"

/* How many there are, also such that nobody can drive. */
size_t nic_count(void);

/* "virtio-net pci 0:3.0", "ethernet pci 0:4.0": so the log calls it */
const char *nic_name(size_t i);

/* Starts card i; ops->close() ends it, and only then another one can be
 * opened. NULL: it cannot be used, *why is a sentence part. */
struct netdev *nic_open(size_t i, const char **why);

#endif
