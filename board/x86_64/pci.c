/*
 * pci.c - PCI configuration space, by ports or by memory.
 *
 * By configuration mechanism 1 (PCI 3.0, 3.2.2.3.2) where the host bridge
 * answers to it. Else by the window that ACPI names, by a table (MCFG) or in
 * the DSDT (PCI Firmware 3.2, 4.1.2 and 3): QEMU's microvm with pcie=on, and
 * machines without legacy ports. Where nobody has given the functions
 * addresses they get them out of the bridge's memory window in the DSDT.
 */
#include "machine.h"

#include "arch/x86_64/cpu.h"
#include "devices.h"
#include "log.h"
#include "pci.h"
#include "pci_assign.h"

#define PCI_ADDRESS 0xcf8
#define PCI_DATA    0xcfc
#define MIB         (1ull << 20)

static void pci_select(uint32_t bdf, uint16_t off)
{
    cpu_out32(PCI_ADDRESS, 0x80000000 | bdf << 8 | (off & 0xfc));
}

static uint32_t pci_read(uint32_t bdf, uint16_t off, uint8_t bytes)
{
    uint16_t port = (uint16_t)(PCI_DATA + (off & 3));

    pci_select(bdf, off);
    if (bytes == 1)
        return cpu_in8(port);
    if (bytes == 2)
        return cpu_in16(port);
    return cpu_in32(PCI_DATA);
}

static void pci_write(uint32_t bdf, uint16_t off, uint32_t v, uint8_t bytes)
{
    uint16_t port = (uint16_t)(PCI_DATA + (off & 3));

    pci_select(bdf, off);
    if (bytes == 1)
        cpu_out8(port, (uint8_t)v);
    else if (bytes == 2)
        cpu_out16(port, (uint16_t)v);
    else
        cpu_out32(PCI_DATA, v);
}

/* What a PC's firmware leaves in the register is the 8259 input that the pin
 * was routed to (PCI 3.0, 6.2.4); the I/O APIC's input of the same number
 * hears it too where the chip set is QEMU's. Where not, nothing comes. */
static bool pci_line(uint8_t line)
{
    return line >= 3 && line < 16 && apic_route(line);
}

static const struct pci_host ports = {
    .read = pci_read,
    .write = pci_write,
    .line = pci_line,
};

/* The address register keeps what is written where there is a bridge. */
static bool have_ports(void)
{
    cpu_out32(PCI_ADDRESS, 0x80000000);
    return cpu_in32(PCI_ADDRESS) == 0x80000000;
}

/* pci_walk()'s callback; ctx: set if somebody has been here before. */
static bool assigned(void *ctx, uint32_t bdf)
{
    const struct pci_host *const *host = ctx;
    struct pci_bar bars[PCI_BARS];
    size_t i;

    pci_bars(*host, bdf, bars);
    for (i = 0; i < PCI_BARS; i++)
        if (bars[i].size != 0) {
            *(const struct pci_host **)ctx = NULL;
            return false;
        }
    return true;
}

static const char *use_window(const struct acpi_ecam *e)
{
    const struct pci_host *host, *walked;
    struct pci_window window;
    uint64_t buses = e->buses;
    void *p;

    if (ram_has(e->base, buses * MIB))
        return "it lies in RAM";
    p = mem_map(e->base, buses * MIB, MEM_DEV);
    if (p == NULL)
        return "it cannot be mapped";
    host = walked = pci_ecam(p, (unsigned)buses);
    pci_walk(host, assigned, &walked);
    if (walked != NULL) {
        if (!acpi_pci_window(&window.start, &window.end) ||
            ram_has(window.start, window.end - window.start))
            return "its bridge has no memory that could be given out";
        pci_assign(host, (uint8_t)(buses - 1), window);
    }
    devices_pci(host, NULL);
    return NULL;
}

void pci_find(void)
{
    struct acpi_ecam e;
    const char *why;

    if (have_ports()) {
        devices_pci(&ports, NULL);
        return;
    }
    if (!acpi_ecam(&e))
        return;
    why = use_window(&e);
    if (why != NULL)
        log_say("ignored: PCI configuration window at 0x%llx: %s",
                (unsigned long long)e.base, why);
}
