/*
 * cpu.h - the AArch64 instructions that C has no words for.
 *
 * Nothing here knows a machine. All functions are single instructions or
 * close to it. Registers newer than Armv8.0 are named by their encoding.
 */
#ifndef ARCH_AARCH64_CPU_H
#define ARCH_AARCH64_CPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define cpu_read(reg)                                     \
    __extension__({                                       \
        uint64_t value_;                                  \
        __asm__ volatile("mrs %0, " #reg : "=r"(value_)); \
        value_;                                           \
    })

#define cpu_write(reg, value) \
    __asm__ volatile("msr " #reg ", %0" : : "r"((uint64_t)(value)))

static inline void cpu_isb(void)
{
    __asm__ volatile("isb" : : : "memory");
}

static inline void cpu_dsb(void)
{
    __asm__ volatile("dsb sy" : : : "memory");
}

/* A field of four bits of an identification register. */
static inline unsigned cpu_field(uint64_t reg, unsigned shift)
{
    return (unsigned)(reg >> shift & 15);
}

/* The virtual counter, not read ahead of what comes before it. */
static inline uint64_t cpu_count(void)
{
    cpu_isb();
    return cpu_read(cntvct_el0);
}

/* What this address was translated to is forgotten; also makes entries of
 * page tables visible to the walks to come. */
static inline void cpu_tlb_flush(const void *page)
{
    __asm__ volatile("dsb ishst\n\t"
                     "tlbi vaae1is, %0\n\t"
                     "dsb ish\n\t"
                     "isb"
                     :
                     : "r"((uintptr_t)page >> 12)
                     : "memory");
}

/* Sleeps until an interrupt is pending. Interrupts stay masked: one that is
 * pending already ends the sleep at once, and none is ever taken. */
static inline void cpu_sleep(void)
{
    __asm__ volatile("dsb sy\n\twfi" : : : "memory");
}

_Noreturn static inline void cpu_stop(void)
{
    for (;;)
        __asm__ volatile("msr daifset, #15\n\twfi" : : : "memory");
}

/* SMC calling convention (Arm DEN 0028): a call with one argument. */
static inline void cpu_hvc(uint64_t function)
{
    register uint64_t x0 __asm__("x0") = function;

    __asm__ volatile("hvc #0"
                     : "+r"(x0)
                     :
                     : "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9",
                       "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17",
                       "memory");
}

static inline void cpu_smc(uint64_t function)
{
    register uint64_t x0 __asm__("x0") = function;

    __asm__ volatile("smc #0"
                     : "+r"(x0)
                     :
                     : "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9",
                       "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17",
                       "memory");
}

/* Semihosting for AArch64 (Arm, "Semihosting for AArch32 and AArch64"). */
static inline void cpu_semihosting(uint64_t operation, const void *block)
{
    register uint64_t x0 __asm__("x0") = operation;
    register const void *x1 __asm__("x1") = block;

    __asm__ volatile("hlt #0xf000" : "+r"(x0) : "r"(x1) : "memory");
}

#endif
