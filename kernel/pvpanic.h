/*
 * pvpanic.h - telling the host of a panic (QEMU, docs/specs/pvpanic.rst).
 */
#ifndef KERNEL_PVPANIC_H
#define KERNEL_PVPANIC_H

#include "pci_dev.h"

/* Takes the function if it is QEMU's pvpanic-pci: panic() then tells it. */
void pvpanic_open(const struct pci_id *id);

#endif
