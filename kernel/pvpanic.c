/*
 * pvpanic.c - one byte at BAR 0: reading it says which events the device
 * takes, writing it raises them (QEMU, docs/specs/pvpanic.rst). The ISA
 * variant is not looked for.
 */
#include "pvpanic.h"

#include "log.h"
#include "panic.h"

enum { VENDOR = 0x1b36, DEVICE = 0x0011, PANICKED = 1 };

static volatile uint8_t *event;

static void tell(void)
{
    *event = PANICKED;
}

void pvpanic_open(const struct pci_id *id)
{
    struct pci_dev dev;

    if (id->vendor != VENDOR || id->device != DEVICE || event != NULL)
        return;
    pci_dev_open(&dev, id);
    event = pci_dev_map(&dev, 0, 0, 1);
    if (event != NULL && (*event & PANICKED) != 0)
        panic_tell(tell);
    log_trace("pvpanic: %s", event != NULL ? "found" : dev.why);
}
