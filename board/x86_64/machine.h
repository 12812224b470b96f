/*
 * machine.h - what the files of this board share.
 *
 * Order of the start (start.c): guard, console, traps, memory (page tables),
 * boot information, clock, interrupts, then the program. Addresses are
 * physical unless they are pointers; memory is mapped one to one.
 */
#ifndef BOARD_X86_64_MACHINE_H
#define BOARD_X86_64_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "blob.h"
#include "boot.h"
#include "paging.h"
#include "ram.h"

/* console.c: COM1, if there is one; the first virtio console */
void console_init(void);
bool console_seen(void); /* there is COM1                                 */
void console_open(void); /* looks for a virtio console, once              */
void console_end(void);  /* what was written is out, or never will be     */

/* pci.c: hands the PCI functions of the machine to devices_pci() */
void pci_find(void);

/* memory.c: the image's page tables */
void memory_init(void);

/* loader.c: everything the loader hands over, copied or checked. info: the
 * address it started us with, marked by protocol (loader.h). */
struct boot {
    const char *by; /* the protocol's name */
    struct blob cmdline;
    uint64_t rsdp; /* 0: the loader did not say */
};
void loader_read(uint64_t info, struct boot *boot);
/* Then, once, where the image stays: the initrd is mapped, or moved. */
struct blob loader_initrd(void);
/* The image leaves this place: our own copy of the command line is
 * overwritten. */
void loader_leave(void);
/* Overwrites the command line, ours and the loader's: it may hold a secret. */
void loader_forget(void);

/* move.S: copies the image to to, by bytes further, and starts it there */
_Noreturn void move(uint64_t boot_info, uint64_t tsc, uintptr_t to,
                    uintptr_t by);

/* acpi.c: fixed tables only; no AML is run */
struct acpi_table {
    uint64_t phys;
    uint32_t len; /* header included, bounded */
};
struct acpi_io { /* generic address */
    bool io;
    uint64_t addr; /* 0: there is none */
};
struct acpi_fadt {
    uint32_t pm_timer; /* I/O port, 0: none       */
    uint8_t century;   /* CMOS register, 0: none  */
    bool hw_reduced;
    struct acpi_io sleep_control; /* hardware-reduced        */
    struct acpi_io pm1a, pm1b;    /* otherwise               */
    uint32_t smi_port;
    uint8_t acpi_enable;
    uint64_t dsdt;
    struct acpi_io reset; /* addr 0: it has no such register */
    uint8_t reset_value;
};
struct acpi_ecam {
    uint64_t base;
    unsigned buses; /* from bus 0, 1 MiB each */
};
void acpi_init(uint64_t rsdp);
/* scan: also search the BIOS area when the loader named no RSDP */
bool acpi_find(const char *signature, bool scan, struct acpi_table *out);
bool acpi_fadt(bool scan, struct acpi_fadt *out);
/* calls found() for each I/O APIC of the MADT */
void acpi_ioapics(void (*found)(uint64_t base, uint32_t first_gsi));
/* SLP_TYPa and b of _S5_ */
bool acpi_s5(uint64_t dsdt, uint8_t type[2]);
/* PCI Express configuration space of segment 0 */
bool acpi_ecam(struct acpi_ecam *out);
/* memory below 4 GiB that a PCI host bridge passes on, one to one */
bool acpi_pci_window(uint64_t *start, uint64_t *end);
/* virtio-mmio devices (HID LNRO0005), on machines without legacy ACPI */
void acpi_virtio_mmio(void (*found)(uint64_t base, uint64_t size,
                                    uint32_t gsi));

/* clock.c */
enum hypervisor { HYP_NONE, HYP_TCG, HYP_KVM, HYP_OTHER };
enum hypervisor hypervisor(const char **name);
void clock_init(uint64_t tsc_at_entry);
/* Seconds since 1970 by KVM's wall clock; -1: there is none. */
int64_t clock_kvm_unix(void);
/* Busy for ns; only for the few hardware waits that have no other end. */
void clock_spin(uint64_t ns);
/* The local APIC timer's rate, measured against the clock. */
uint64_t clock_apic_hz(void);

/* apic.c: interrupts that end board_idle() */
void apic_init(void);          /* local APIC on, legacy controllers masked    */
void apic_timer_init(void);    /* after clock_init() */
bool apic_route(uint32_t gsi); /* edge, to us        */
bool apic_present(void);
uint32_t apic_count(void); /* free-running, counts up at QEMU's 1 GHz  */
void apic_count_start(void);

#endif
