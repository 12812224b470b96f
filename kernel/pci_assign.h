/*
 * pci_assign.h - PCI where no firmware has been: bus numbers, addresses.
 *
 * For host bridges whose configuration space is a window of memory (ECAM, PCI
 * Express 5.0, 7.2.2). pci_assign() numbers the buses behind bridges (root
 * ports, switches) and gives every memory BAR addresses out of one window that
 * all bridges pass on; then pci_walk() and pci_bars() find what they expect.
 * Addresses on the bus must be the processor's. What firmware left assigned is
 * assigned anew: nothing of it is in use any more.
 */
#ifndef KERNEL_PCI_ASSIGN_H
#define KERNEL_PCI_ASSIGN_H

#include <stdbool.h>
#include <stdint.h>

struct pci_host;

/* Access to buses 0 to buses - 1 of a mapped ECAM window, 1 MiB each; there is
 * one such host bridge. Reads outside give all ones. */
const struct pci_host *pci_ecam(volatile void *base, unsigned buses);

/* Memory addresses for BARs: below 4 GiB and not prefetchable, so that every
 * bridge can pass them on. */
struct pci_window {
    uint64_t start, end;
};

/* Buses 0 to last. A BAR that does not fit stays without an address, decoding
 * off, as do I/O BARs. */
void pci_assign(const struct pci_host *host, uint8_t last,
                struct pci_window window);

#endif
