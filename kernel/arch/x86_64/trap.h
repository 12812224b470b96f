/*
 * trap.h - exceptions end the image with a dump; interrupts end a sleep.
 *
 * trap_init() needs nothing but a stack and the linker's symbols; from then
 * on every exception prints its registers and goes to panic(). A second one
 * on the way there ends at once. Interrupt handlers are a few instructions
 * of assembly that set irq_pending and acknowledge: no C runs in them, so no
 * vector register needs saving.
 */
#ifndef ARCH_X86_64_TRAP_H
#define ARCH_X86_64_TRAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    TRAP_VECTOR_TIMER = 0x40,
    TRAP_VECTOR_DEVICE = 0x41,
    TRAP_VECTOR_SPURIOUS = 0xff,
};

void trap_init(void);

/* A bug that no exception showed: the same dump, of the caller's registers,
 * then panic(reason). */
_Noreturn void trap_bug(const char *reason);

/* Set by a device interrupt; whoever sleeps clears it. */
extern volatile uint8_t irq_pending;

/* How the handlers say "done": the local APIC's EOI register, or 0 for the
 * x2APIC's MSR. Set before interrupts are first allowed. */
extern volatile uint64_t irq_eoi;

/* The stack protector's reference value, from the best source there is at
 * the first instruction. Its callers must not be protected themselves. */
void guard_init(void);

/* RDSEED, then RDRAND; returns the bytes delivered, 0 if the CPU has none or
 * its generator fails the checks. */
size_t cpu_entropy(uint8_t *out, size_t len);

#endif
