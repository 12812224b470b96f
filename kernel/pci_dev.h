/*
 * pci_dev.h - the PCI functions of the machine, as their drivers see them.
 *
 * The bus is walked once; a driver looks for its ids in pci_list(), then
 * pci_dev_open() gives it the function's memory, configuration space and
 * interrupt. What is not opened is left as the firmware left it.
 */
#ifndef KERNEL_PCI_DEV_H
#define KERNEL_PCI_DEV_H

#include "irq.h"
#include "pci.h"

struct pci_id {
    uint32_t bdf;
    uint16_t vendor, device;
    uint16_t class; /* class << 8 | subclass */
};

/* Every function but bridges, in the bus's order; returns how many. */
size_t pci_list(const struct pci_id **list);

/* The same for devices_pci(): this host bridge's, which is the only one.
 * intx() routes pin 1 to 4 of a function of bus 0 to us, or is NULL. */
size_t pci_dev_scan(const struct pci_host *bus,
                    bool (*intx)(uint32_t bdf, uint8_t pin),
                    const struct pci_id **list);

#define PCI_NAME 12
/* "0:3.0", as lspci would say it */
void pci_name(uint32_t bdf, char out[PCI_NAME]);

struct pci_dev {
    struct pci_id id;
    struct pci_bar bars[PCI_BARS];
    const char *why; /* of the last pci_dev_map() that failed */
};

/* id: one of pci_list()'s. Switches nothing on yet. */
void pci_dev_open(struct pci_dev *dev, const struct pci_id *id);

uint32_t pci_dev_read(const struct pci_dev *dev, uint16_t off, uint8_t bytes);
void pci_dev_write(const struct pci_dev *dev, uint16_t off, uint32_t v,
                   uint8_t bytes);

/* len bytes at off of a memory BAR, for volatile accesses; switches the
 * function's memory on. NULL: dev->why says why not. */
volatile uint8_t *pci_dev_map(struct pci_dev *dev, uint8_t bar, uint32_t off,
                              uint32_t len);

/* Gives the function an interrupt that ends board_idle(): a message of the
 * kind its driver knows, PCI_CAP_MSI or PCI_CAP_MSIX (vector 0), else INTx.
 * *message says which it is: INTx has to be lowered by the driver
 * (devices_ack_also()). */
enum irq pci_dev_irq(struct pci_dev *dev, uint8_t kind, bool *message);

/* May it read and write memory by itself? */
void pci_dev_master(const struct pci_dev *dev, bool on);

#endif
