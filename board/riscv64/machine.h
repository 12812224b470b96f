/*
 * machine.h - what the files of this board share.
 *
 * Order of the start (start.S, start.c): down to S-mode, pointers adjusted;
 * guard, traps, page tables, device tree, console, clock, interrupts, then the
 * program. Addresses are physical unless they are pointers; memory is mapped
 * one to one.
 */
#ifndef BOARD_RISCV64_MACHINE_H
#define BOARD_RISCV64_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dt_irq;

/* start.c: this hart, and whether there is firmware to call (SBI) */
uint64_t hart_id(void);
bool have_sbi(void);
/* This hart's node under /cpus; does its riscv,isa name an extension? */
int hart_node(void);
bool hart_has(const char *extension);

/* memory.c: the image's pages by its sections, and nothing else */
void memory_init(void);

/* clock.c */
void clock_init(uint64_t time_at_entry);
void timer_arm(uint64_t ns); /* from now; one second at most */
void timer_off(void);

/* irq.c: the controller the device tree names; "PLIC" */
const char *irq_init(void);
/* Does interrupt index of a controller arrive at this hart as cause? */
bool irq_arrives(int controller, size_t index, uint32_t cause);
enum { IRQ_S_EXTERNAL = 9, IRQ_M_EXTERNAL = 11 };

/* plic.c, aplic.c, imsic.c: each false or empty if there is none. take():
 * the next pending interrupt is acknowledged and over; false: none is. */
bool plic_init(void);
bool plic_enable(const struct dt_irq *irq);
bool plic_take(void);
bool aplic_init(bool by_message);
bool aplic_enable(const struct dt_irq *irq);
bool aplic_take(void);
bool imsic_init(void);
bool imsic_take(void);
/* Where messages for this hart go, and what they say. */
uint64_t imsic_address(void);
#define IMSIC_ID 1u

/* The layout of the S-mode interrupt files, for the APLIC to find them. */
struct imsic_layout {
    uint64_t base;
    uint32_t guest_bits, hart_bits, hart_index;
};
bool imsic_layout(bool machine, struct imsic_layout *out);

/* power.c: looks the switch up, so that a trap need not */
void power_init(void);
/* Where QEMU's virt has it: used when there is no tree to ask. */
void power_blind(void);

#endif
