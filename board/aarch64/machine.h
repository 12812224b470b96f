/*
 * machine.h - what the files of this board share.
 *
 * Order of the start (start.S, start.c): down to EL1, first tables, pointers
 * adjusted; guard, page tables, device tree, console, clock, interrupts, then
 * the program. Addresses are physical unless they are pointers; memory is
 * mapped one to one.
 */
#ifndef BOARD_AARCH64_MACHINE_H
#define BOARD_AARCH64_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* start.S: begins anew in a copy of the image, [to, end). count: when time
 * began. */
_Noreturn void leave(uint64_t tree, uint64_t count, void *to, void *end);

/* memory.c: the image's pages by its sections, and nothing else */
void memory_init(void);

/* clock.c. corrected: the counter's rate in Hz, 0: what the firmware set. */
void clock_init(uint64_t count_at_entry, uint32_t corrected);
void timer_arm(uint64_t ns); /* from now; two seconds at most */
void timer_off(void);

/* gic.c: the interrupt controller. False: it cannot be driven. */
bool gic_v2(uint64_t dist, uint64_t cpu);
bool gic_v3(uint64_t dist, uint64_t redist, uint64_t redist_len);
bool gic_enable(uint32_t id, bool edge);
#define GIC_NONE UINT32_MAX
/* The next pending interrupt, acknowledged and over; GIC_NONE: there is
 * none. One whose line stays raised comes again. */
uint32_t gic_take(void);
void gic_stop(void); /* no interrupt reaches the processor any more */

/* irq.c: controller and timer as the device tree names them; "GICv3" */
const char *irq_init(void);

/* power.c */
void power_conduit(bool smc); /* until told otherwise: hvc */
void power_semihosting(void);

#endif
