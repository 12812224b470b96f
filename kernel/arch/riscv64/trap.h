/*
 * trap.h - every exception ends the image with a dump.
 *
 * Exceptions switch to a stack of their own, so that an overflow of the
 * program's stack can be told; one on the way to the dump switches to a third
 * and ends at once. Interrupts are never taken: board_idle() finds them
 * pending.
 */
#ifndef ARCH_RISCV64_TRAP_H
#define ARCH_RISCV64_TRAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void trap_init(void);

/* A bug that no exception showed: the same dump, of the caller's registers,
 * then panic(reason). */
_Noreturn void trap_bug(const char *reason);

/* The stack protector's reference value, made of the time and of more. Its
 * callers must not be protected themselves. */
void guard_init(uint64_t more);

/* 32 bits of the register seed (Zkr: 16 of them are entropy, and a state).
 * False: there is none, or it is M-mode's. */
bool cpu_seed_word(uint64_t *out);

/* Zkr; returns the bytes delivered, 0 if there is none or it fails. */
size_t cpu_entropy(uint8_t *out, size_t len);

#endif
