/*
 * trap.h - every exception ends the image with a dump.
 *
 * The program runs on SP_EL0; exceptions switch to SP_EL1, which is a stack
 * of their own, so that an overflow of the program's stack can be told. The
 * entry code (board/) sets both and the vectors; nothing needs to be done
 * here. Interrupts are never taken: board_idle() finds them pending.
 */
#ifndef ARCH_AARCH64_TRAP_H
#define ARCH_AARCH64_TRAP_H

#include <stddef.h>
#include <stdint.h>

/* A bug that no exception showed: the same dump, of the caller's registers,
 * then panic(reason). */
_Noreturn void trap_bug(const char *reason);

/* From now on an exception goes straight to board_exit(). */
void trap_quiet(void);

/* The stack protector's reference value: made of more (0: nothing), the
 * processor's random numbers and the time. May be called again with more;
 * its callers, up to the outermost, must not be protected themselves. */
void guard_init(uint64_t more);

/* From here on return addresses are signed, where that costs next to nothing
 * (README.md). The callers up to the outermost must not return. */
void sign_init(uint64_t more);

/* RNDRRS, then RNDR; returns the bytes delivered, 0 if the CPU has neither
 * or its generator fails the checks. */
size_t cpu_entropy(uint8_t *out, size_t len);

#endif
