/*
 * nic_driver.h - a family of network cards that are PCI functions: a new one
 * is a file with this, and a line in nic.c's table.
 */
#ifndef NET_NIC_DRIVER_H
#define NET_NIC_DRIVER_H

#include "netdev.h"
#include "pci_dev.h"

struct nic_driver {
    /* The family's name, NULL: not one of its cards. */
    const char *(*knows)(const struct pci_id *id);
    /* Starts the card. NULL: *why is a sentence part. */
    struct netdev *(*open)(const struct pci_id *id, const char **why);
};

#endif
