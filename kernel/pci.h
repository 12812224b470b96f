/*
 * pci.h - walking a PCI bus and reading what its functions say.
 *
 * Board-independent: the board supplies configuration-space access (struct
 * pci_host) and maps memory; PCI Local Bus 3.0 section numbers in pci.c.
 * What a function says is checked, not believed: capability chains end after
 * 48 steps, offsets stay inside the header, sizes are powers of two.
 */
#ifndef KERNEL_PCI_H
#define KERNEL_PCI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a board knows of its PCI. bdf, a function's address: bus << 8 |
 * device << 3 | function. */
struct pci_host {
    uint32_t (*read)(uint32_t bdf, uint16_t off, uint8_t bytes);
    void (*write)(uint32_t bdf, uint16_t off, uint32_t v, uint8_t bytes);
    /* Routes the interrupt that a PC's firmware wrote into the function's
     * Interrupt Line register (6.2.4) to us, on a guess; false: it cannot.
     * NULL: the register says nothing here. */
    bool (*line)(uint8_t line);
};

enum {
    PCI_VENDOR = 0x00,
    PCI_DEVICE = 0x02,
    PCI_COMMAND = 0x04,
    PCI_CLASS = 0x0a, /* 2 bytes: class << 8 | subclass */
    PCI_INT_LINE = 0x3c
};
enum { PCI_CLASS_ETHERNET = 0x0200 };
enum { PCI_CMD_MEMORY = 2, PCI_CMD_MASTER = 4, PCI_CMD_NO_INTX = 1 << 10 };
enum { PCI_CAP_MSI = 0x05, PCI_CAP_MSIX = 0x11 };

/* Calls found() for each function on bus 0 and behind every bridge that the
 * firmware numbered, until it returns false. */
void pci_walk(const struct pci_host *host,
              bool (*found)(void *ctx, uint32_t bdf), void *ctx);

/* Offset of the first capability of that kind, 0: none. */
uint8_t pci_cap(const struct pci_host *host, uint32_t bdf, uint8_t id);

#define PCI_BARS 6
struct pci_bar {
    uint64_t addr, size;
};
/* The memory BARs of a function, with decoding off for a moment: asking one
 * by one would cost two rebuilds of a hypervisor's memory map each. size is 0
 * for an I/O BAR, the upper half of a wide one, and one that nobody has given
 * an address. */
void pci_bars(const struct pci_host *host, uint32_t bdf,
              struct pci_bar out[PCI_BARS]);

/* Where a function's interrupt pin comes out on bus 0: the device there, and
 * pin 1 to 4 as bridges turn it (PCI-to-PCI Bridge 1.2, 9.1). False: it has
 * none, or its bus hangs on nothing. */
bool pci_intx(const struct pci_host *host, uint32_t bdf, uint32_t *root,
              uint8_t *pin);

void pci_command(const struct pci_host *host, uint32_t bdf, uint16_t set,
                 uint16_t clear);

/* Vector 0 of the function's MSI-X table is set to (address, data), the
 * others are masked, and MSI-X is switched on. map() gives len bytes at off
 * of a BAR, NULL if it cannot. False: the function has no usable MSI-X. */
bool pci_msix(const struct pci_host *host, uint32_t bdf, uint64_t address,
              uint32_t data,
              volatile uint8_t *(*map)(void *ctx, uint8_t bar, uint32_t off,
                                       uint32_t len),
              void *ctx);

/* One message (address, data), and MSI is switched on. False: the function
 * has no MSI, or none that can be given this address. */
bool pci_msi(const struct pci_host *host, uint32_t bdf, uint64_t address,
             uint32_t data);

#endif
